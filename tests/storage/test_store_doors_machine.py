"""A machine that does what CRMs do, in any order, with a crash after any statement: orders under Idempotency-Keys, files
of orders, changes, approvals, likely duplicates, holds; beside workers who may be overtaken, and a gather.

What always holds: one reference is one order, one key is one answer, one row is one order; what is composed is the order
as it is now; nothing is printed unapproved, held, or beside its likely duplicate unless that was allowed.
The test tests itself: with a guard taken out it fails.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from dataclasses import replace

import pytest
from crashing import CRASHES, PICK, Crashing
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from cardpipe.model.intake import ImportState, NewImport, NewRow, RowState
from cardpipe.model.order import Scope, digest
from cardpipe.model.piece import Composed
from cardpipe.model.status import IN_A_BATCH, PieceState
from cardpipe.model.stored import Receipt
from cardpipe.ports import NewOrder
from cardpipe.storage import batches, changes, duplicates, imports, orders, pieces, requests, steps

SCOPES = (Scope("a"), Scope("b"))
DAY = "2026-11-25"
SCOPE = st.sampled_from(SCOPES)
NUMBER, PERSON = st.integers(0, 4), st.integers(0, 2)


def new(scope, number, person, words="first", approval="none"):
    """Orders of one person have one natural key; ``words`` are what may be changed."""
    request = {"n": number, "person": person, "words": words, "approval": approval}
    return NewOrder(
        scope, f"r{number}", digest(request), request, {"person": person, "words": words}, "birthday", "fern", DAY,
        "A7|p|c", f"{number}", approval=approval, natural_key=f"{scope.tenant} {person}",
    )  # fmt: skip


def card(order_id, spec):
    """What a worker makes of just these words."""
    made = hashlib.sha256(f"{order_id} {json.dumps(spec, sort_keys=True)}".encode()).hexdigest()
    return Composed(made, made[::-1], 1, 1)


class Doors(Crashing, RuleBasedStateMachine):
    def __init__(self):
        super().__init__()
        self.ids = {}  # (scope, reference): the id that was answered with
        self.answers = {}  # (scope, key): what was answered under it
        self.revisions = {}  # order: the revision that was last told
        self.claims = []  # with what its worker read when it began
        self.files = []
        self.begun = []
        self.allowed = set()

    @initialize(far=st.sampled_from([2, 2, 1, 0]))
    def some_orders(self, far):
        """And, now and then, a day that is half done already."""
        if far:
            for number, person, approval in ((0, 0, "none"), (1, 1, "required"), (2, 2, "none"), (3, 0, "none")):
                for scope in SCOPES:
                    self.order(scope, number, person, 0, approval, None)
        if far == 2:
            self.work([("at once", None)] * 8)

    # what CRMs do
    @rule(scope=SCOPE, number=NUMBER, person=PERSON, key=st.integers(0, 6), crash=CRASHES,
          approval=st.sampled_from(["none", "none", "required"]))  # fmt: skip
    def order(self, scope, number, person, key, approval, crash):
        """Under a key, or (0) under none; the process may die between the begin and the end."""
        asked = new(scope, number, person, approval=approval)
        if not key:
            return self._stored(scope, self._do(crash, self.store.add_order, asked))
        begun = self._do(None, self.store.begin_request, scope, "orders", f"key {key}", asked.request)
        if isinstance(begun, tuple):
            assert self.answers.get((scope, key), begun) == begun
            self.answers[scope, key] = begun
        elif begun is not None:
            receipt = replace(begun, answer=lambda stored: (202, stored.id))
            got = self._do(crash, self.store.add_order, asked, receipt)
            self._stored(scope, got)
            if got is not None:
                assert self.answers.setdefault((scope, key), (202, got[0].id)) == (202, got[0].id)
            elif crash is None:
                self._do(None, self.store.forget_request, scope, receipt)
        return None

    def _stored(self, scope, got):
        if got is not None:
            stored, _ = got
            assert self.ids.setdefault((scope, stored.reference), stored.id) == stored.id
            self.revisions[stored.id] = stored.revision

    @precondition(lambda self: self.ids)
    @rule(pick=PICK, person=PERSON, words=st.sampled_from(["second", "third"]), old=st.booleans(), crash=CRASHES)
    def change(self, pick, person, words, old, crash):
        """With the revision that he was told last, or an older one."""
        scope, stored = self._some(pick)
        revision = self.revisions[stored.id] - old
        asked = new(scope, int(stored.reference[1:]), person, words, stored.approval)
        changed = self._do(crash, self.store.change_order, scope, stored.id, revision, asked, ["words"], "crm")
        if changed:
            assert (stored.revision, changed.revision) == (revision, revision + 1)
            assert changed.approved is None
        self.revisions[stored.id] = self.store.order(scope, stored.id).revision

    @precondition(lambda self: self.ids)
    @rule(pick=PICK, old=st.booleans(), crash=CRASHES)
    def approve(self, pick, old, crash):
        """The proof that he sees, or one of words that are not these any more."""
        scope, stored = self._some(pick)
        (piece,) = stored.pieces
        shown = card(stored.id, {"person": 0, "words": "first"}) if old else piece.composed
        if shown and (told := self._do(crash, self.store.approve_order, scope, stored.id, shown.proof, "crm")):
            assert told.approved == told.pieces[0].composed.proof == shown.proof

    @precondition(lambda self: self.ids)
    @rule(pick=PICK, what=st.sampled_from(["hold", "resume", "resume", "allow", "allow", "cancel"]), crash=CRASHES)
    def deal(self, pick, what, crash):
        scope, stored = self._some(pick)
        if what == "allow":
            self.allowed.add(stored.id)
            self._do(crash, self.store.allow_duplicate, scope, stored.id, "on purpose", "crm")
        elif what == "cancel":
            self._do(crash, self.store.cancel_order, scope, stored.id, "asked")
        elif what == "resume" or stored.pieces[0].batch_id is None:
            self._do(crash, getattr(self.store, what), scope, stored.id, "asked")

    @rule(scope=SCOPE, rows=st.lists(st.tuples(NUMBER, PERSON), min_size=1, max_size=4), crash=CRASHES)
    def file(self, scope, rows, crash):
        if made := self._do(crash, self.store.add_import, NewImport(scope, "x.csv", "0" * 64, {}, {}, False)):
            self.files.append((scope, made.id, rows))

    @rule(scope=SCOPE, key=st.integers(0, 2), waits=st.sampled_from(["no", "yes", "too long"]), crash=CRASHES)
    def file_under_a_key(self, scope, key, waits, crash):
        """The same file each time; whoever waits too long with it is overtaken."""
        begun = self._do(None, self.store.begin_request, scope, "imports", f"key {key}", {"file": str(key)})
        if isinstance(begun, Receipt):
            self.begun.append((scope, key, begun))
            place = len(self.begun) - 1
            if waits == "too long":
                self.clock.forward(130)
                self.file_under_a_key(scope, key, "no", None)
            if waits != "yes":
                self.a_file_comes_late(place, crash)
        elif begun is not None:
            assert self.answers[scope, "file", key] == begun

    @precondition(lambda self: self.begun)
    @rule(pick=PICK, crash=CRASHES)
    def a_file_comes_late(self, pick, crash):
        scope, key, begun = self.begun[pick % len(self.begun)]
        receipt, rows = replace(begun, answer=lambda made: (202, made.id)), [(key, key), (4, 2)]
        if made := self._do(crash, self.store.add_import, NewImport(scope, "k.csv", "0" * 64, {}, {}, False), receipt):
            assert self.answers.setdefault((scope, "file", key), (202, made.id)) == (202, made.id)
            self.files.append((scope, made.id, rows))

    @precondition(lambda self: self.files)
    @rule(pick=PICK, crash=CRASHES)
    def cancel_file(self, pick, crash):
        scope, import_id, _ = self.files[pick % len(self.files)]
        if pick % 4 == 0:
            self._do(crash, self.store.cancel_import, scope, import_id, "crm")

    # what workers do
    @rule(ends=st.lists(st.tuples(st.sampled_from(["at once", "at once", "later"]), CRASHES), min_size=1, max_size=6))
    def work(self, ends):
        for (step_id, _), (end, crash) in zip(self.store.due_steps(len(ends) + 2, 20), ends, strict=False):
            if claim := self._do(None, self.store.claim, step_id, 60):
                self.claims.append((claim, self._read(claim)))
                if end == "at once":
                    self._end(*self.claims[-1], crash)

    @precondition(lambda self: self.claims)
    @rule(pick=PICK, crash=CRASHES)
    def somebody_comes_back(self, pick, crash):
        self._end(*self.claims[-1 - pick % min(6, len(self.claims))], crash)

    @rule(pick=PICK, crash=CRASHES)
    def a_change_amid_the_work(self, pick, crash):
        """Somebody else takes the new card up before whoever is at the old one ends."""
        began = len(self.claims)
        self.work([("later", None)] * 2)
        for claim, _ in self.claims[began:]:
            if claim.kind == "compose":
                order = self.store.order(claim.scope, self.store.piece(claim.scope, claim.subject).order_id)
                place = sorted(self.ids.items()).index(((claim.scope, order.reference), order.id))
                self.change(place, order.request["person"], "second" if pick % 2 else "third", False, crash)
        self.work([("later", None)] * 2)
        for claim, read in self.claims[began:]:
            self._end(claim, read, None)

    def _read(self, claim):
        """What a worker knows when he has begun."""
        if claim.kind == "compose":
            piece = self.store.piece(claim.scope, claim.subject)
            return card(piece.order_id, piece.spec)
        return self.store.chunk(claim) if claim.kind == "accept" else None

    def _end(self, claim, read, crash):
        if claim.kind == "compose":
            self._do(crash, self.store.complete_compose, claim, read)
        elif claim.kind == "import":
            rows = next(rows for _, found, rows in self.files if found == claim.subject)
            lines = [NewRow(line, new(claim.scope, *row).request, reference=f"r{row[0]}")
                     for line, row in enumerate(rows, 1)]  # fmt: skip
            if self._do(crash, self.store.add_rows, claim, lines):
                self._do(crash, self.store.complete_import, claim, ["n"])
        elif claim.kind == "accept":
            for row in read:
                asked = new(claim.scope, row.request["n"], row.request["person"])
                stored = self._do(crash, self.store.settle_row, claim, row, asked, [])
                if stored is not None:
                    self._stored(claim.scope, (stored, False))
            if not self.store.chunk(claim):
                self._do(crash, self.store.complete_accept, claim)

    @rule(seconds=st.sampled_from([1, 21, 61, 130, 700, -3]))
    def time_passes(self, seconds):
        self.clock.forward(seconds)

    @rule(scope=SCOPE, late=st.sampled_from([True, True, False]), pick=PICK, crash=CRASHES)
    def gather(self, scope, late, pick, crash):
        """Now and then somebody changes or holds what was just read."""
        read = self.store.gatherable(scope, DAY)
        if read and late:
            self._meanwhile(scope, read[pick % len(read)], pick)
        if read:
            self._do(crash, self.store.gather, scope, DAY, {"A7|p|c": [piece.id for piece in read]})

    def _meanwhile(self, scope, piece, pick):
        if pick % 3:
            self._do(None, self.store.hold, scope, piece.order_id, "asked")
        else:
            place = sorted(self.ids.items()).index(((scope, piece.reference), piece.order_id))
            self.change(place, pick % 3, "third", False, None)

    def _some(self, pick):
        (scope, _), order_id = sorted(self.ids.items())[pick % len(self.ids)]
        return scope, self.store.order(scope, order_id)

    # what always holds
    def _all(self):
        with self.store.db.reading() as tx:
            found = [(Scope(row["tenant"], row["mode"]), row["id"]) for row in tx.all("SELECT * FROM orders")]
            return [orders.one(tx, scope, order_id) for scope, order_id in found]

    @invariant()
    def all_promises_are_kept(self):
        found = self._all()
        self.one_reference_is_one_order(found)
        self.what_is_composed_is_the_order_as_it_is(found)
        self.nothing_is_printed_that_must_not_be(found)

    def one_reference_is_one_order(self, found):
        stored = {(order.scope, order.reference): order.id for order in found}
        assert len(stored) == len(found)
        assert all(stored[key] == order_id for key, order_id in self.ids.items())
        told = {answer for (_, *door), (_, answer) in self.answers.items() if door[0] != "file"}
        assert told <= set(stored.values())

    def what_is_composed_is_the_order_as_it_is(self, found):
        for order in found:
            (piece,) = order.pieces
            if piece.composed is not None:
                assert piece.composed == replace(card(order.id, order.pieces[0].spec), findings=piece.composed.findings)
                assert piece.spec["words"] == order.request["words"]
            elif piece.state in (PieceState.WAITING, PieceState.COMPOSING):
                assert self._open_steps("compose", piece.id) == 1, "nobody will ever compose it"

    def nothing_is_printed_that_must_not_be(self, found):
        printed = Counter()
        for order in found:
            (piece,) = order.pieces
            if piece.state in IN_A_BATCH:
                assert order.held is None and order.state == "accepted"
                assert order.approval == "none" or order.approved == piece.composed.proof
                printed[order.scope, order.request["person"]] += order.id not in self.allowed
        assert all(times <= 1 for times in printed.values()), "a card and its likely duplicate"

    @invariant()
    def each_row_of_a_file_is_accounted_for(self):
        for scope, import_id, rows in self.files:
            told = self.store.import_(scope, import_id)
            kept = self.store.rows(scope, import_id)
            assert len(kept) == len({row.line for row in kept}) <= len(rows)
            if told.state is ImportState.JUDGING:
                assert len(kept) == len(rows)
            if told.state is ImportState.FINISHED:
                assert all(row.state in (RowState.ACCEPTED, RowState.KNOWN, RowState.REFUSED) for row in kept)
            for row in kept:
                if row.state is RowState.ACCEPTED:
                    assert self.store.order(scope, row.id).reference == row.reference

    def _open_steps(self, kind, subject):
        with self.store.db.reading() as tx:
            sql = "SELECT count(*) AS n FROM steps WHERE subject = :s AND kind = :k AND state = 'open'"
            return tx.one(sql, s=subject, k=kind)["n"]

    def teardown(self):
        """With no more faults every file is finished, and every order that goes on is composed."""
        try:
            for _ in range(30):
                self.clock.forward(700)
                self.work([("at once", None)] * 12)
            for scope, import_id, _ in self.files:
                assert self.store.import_(scope, import_id).state in (ImportState.FINISHED, ImportState.CANCELLED)
            for order in self._all():
                assert order.held or order.state != "accepted" or order.pieces[0].composed, "stuck"
            self.all_promises_are_kept()
        finally:
            self._over()


CHECKS = [HealthCheck.too_slow, HealthCheck.filter_too_much]
QUICK = settings(max_examples=20, stateful_step_count=30, deadline=None, suppress_health_check=CHECKS)
HUNT = settings(
    QUICK, max_examples=150, derandomize=True, database=None, phases=[Phase.generate], report_multiple_bugs=False
)


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch):
    monkeypatch.setattr(imports, "CHUNK", 2)


def test_the_machine_of_the_doors():
    run_state_machine_as_test(Doors, settings=QUICK)


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_the_machine_of_the_doors_for_longer():
    run_state_machine_as_test(Doors, settings=settings(QUICK, max_examples=400, stateful_step_count=60))


def _without(monkeypatch, module, name, guard, instead=""):
    whole = getattr(module, name)
    assert guard in whole, f"{name} has no such guard"
    monkeypatch.setattr(module, name, whole.replace(guard, instead))


def _plant(monkeypatch, bug):
    if bug == "whoever was overtaken may finish":
        _without(monkeypatch, steps, "_FINISH", "AND token = :token AND state = 'open'")
    elif bug == "a change leaves the worker at the old card alone":
        monkeypatch.setattr(changes.steps, "reopen", lambda *args, **named: None)
    elif bug == "any revision may be changed":
        monkeypatch.setattr(changes, "_may_change", lambda *args: None)
        _without(monkeypatch, changes, "_CHANGE", "AND revision = :revision", "AND revision >= :revision")
    elif bug == "the gather looks at no approval":
        _without(monkeypatch, pieces, "_GATHERABLE", "AND awaits_approval = 0")
        _without(monkeypatch, batches, "_TAKE", "AND awaits_approval = 0")
    elif bug == "the gather takes what was held since":
        _without(monkeypatch, batches, "_TAKE", "AND held IS NULL")
    elif bug == "nobody looks for duplicates":
        monkeypatch.setattr(duplicates, "standing", lambda *args, **named: None)
    elif bug == "whoever was overtaken answers under the key":
        _without(monkeypatch, requests, "_FINISH", "AND token = :token")
    elif bug == "a row waits for nobody":
        monkeypatch.setattr(imports.steps, "add", lambda *args, **named: "")


class Unguarded(Doors):
    """Without the index that lets only one of a natural key go on."""

    def _open(self):
        store = super()._open()
        with store.db.engine.begin() as conn:
            conn.exec_driver_sql("DROP INDEX IF EXISTS uq_orders_natural_key")
        return store


@pytest.mark.long
@pytest.mark.parametrize(
    ("bug", "machine"),
    [
        ("whoever was overtaken may finish", Doors),
        ("a change leaves the worker at the old card alone", Doors),
        ("any revision may be changed", Doors),
        ("the gather looks at no approval", Doors),
        ("the gather takes what was held since", Doors),
        ("nobody looks for duplicates", Unguarded),
        ("whoever was overtaken answers under the key", Doors),
        ("a row waits for nobody", Doors),
    ],
)
def test_a_guard_taken_out_of_the_doors_is_missed(monkeypatch, bug, machine):
    _plant(monkeypatch, bug)
    with pytest.raises(BaseException):  # noqa: B017  # whichever promise breaks first
        run_state_machine_as_test(machine, settings=HUNT)
