"""Changed until it lies in a batch, printed only as it was approved, and done when its last piece is."""

from __future__ import annotations

import contextlib
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from pressroom import CARD, due, work

from cardpipe.model.errors import Conflict, Refused
from cardpipe.model.order import Scope
from cardpipe.model.piece import Composed
from cardpipe.model.scan import Scan, Stage
from cardpipe.model.status import PieceState

SCOPE = Scope()
DAY = "2026-11-25"
OTHER = Composed("c" * 64, "d" * 64, 90, 40)


def _changed(new, message="Hello again", **other):
    request = {**new.request, "message": message}
    return replace(
        new, request=request, request_digest=f"digest of {message}", spec={"message": message}, **other
    )  # fmt: skip


def _change(store, stored, new, revision=None, fields=("message",)):
    return store.change_order(SCOPE, stored.id, revision or stored.revision, new, fields, "key:1")


def _codes(problem):
    return [finding.code for finding in problem.value.findings]


def _compose(store, composed=CARD):
    ((step_id, _),) = due(store)
    assert store.complete_compose(store.claim(step_id, 60), composed)


@pytest.mark.parametrize("state", ["waiting", "composing", "composed", "needs_attention"])
def test_everything_is_replaced_and_composed_anew(any_store, order, sql, state):
    stored, _ = any_store.add_order(
        replace(order(1), metadata={"contact": "1", "old": "x"}, pictures=("1" * 64,), arrive_by="2026-12-01")
    )
    if state in ("composed", "needs_attention"):
        work(any_store)
    if state == "needs_attention":
        sql(any_store, "UPDATE pieces SET state = 'needs_attention', findings = '[]'")
        sql(any_store, "UPDATE steps SET state = 'stopped'")
    claim = any_store.claim(due(any_store)[0][0], 60) if state == "composing" else None
    assert any_store.piece(SCOPE, stored.pieces[0].id).state == state
    new = _changed(
        order(1), mail_on="2026-11-26", group="A2|digital|usps|matte", sort_key="00009", occasion="sympathy",
        design="heron", metadata={"contact": "2"}, pictures=("2" * 64,), approval="required",
    )  # fmt: skip
    after = _change(any_store, stored, new, fields=["message", "photo"])
    assert after == any_store.order(SCOPE, stored.id)
    assert (after.id, after.reference, after.revision) == (stored.id, "ref-1", 2)
    assert (after.request["message"], after.occasion, after.design) == ("Hello again", "sympathy", "heron")
    assert (after.mail_on, after.approval, after.arrive_by) == ("2026-11-26", "required", None)
    assert after.metadata == {"contact": "2"}
    assert after.changed_at >= after.accepted_at == stored.accepted_at
    (piece,) = after.pieces
    assert (piece.id, piece.state, piece.composed) == (stored.pieces[0].id, PieceState.WAITING, None)
    assert (piece.mail_on, piece.group, piece.sort_key) == ("2026-11-26", "A2|digital|usps|matte", "00009")
    assert (piece.spec, piece.findings) == ({"message": "Hello again"}, ())
    assert [kind for _, kind in due(any_store)] == ["compose"]
    last = any_store.events(SCOPE, stored.id)[-1]
    assert (last.kind, last.detail) == ("change", {"fields": ["message", "photo"], "by": "key:1", "revision": 2})
    kept = {row[0] for row in sql(any_store, "SELECT digest FROM order_artifacts")}
    old = {CARD.card, CARD.envelope} if state in ("composed", "needs_attention") else set()
    assert kept == {"1" * 64, "2" * 64} | old  # whatever was its own is erased with it
    if claim is not None:
        assert not any_store.heartbeat(claim)
        assert not any_store.complete_compose(claim, CARD)
        assert any_store.piece(SCOPE, piece.id).composed is None
    _compose(any_store, OTHER)
    assert any_store.piece(SCOPE, piece.id).composed == OTHER


def test_only_the_revision_that_was_looked_at_is_changed(any_store, order):
    stored, _ = any_store.add_order(order(1))
    _change(any_store, stored, _changed(order(1)))
    with pytest.raises(Conflict) as refused:
        _change(any_store, stored, _changed(order(1), "Yet another"))
    assert _codes(refused) == ["order.revision"]
    assert any_store.order(SCOPE, stored.id).request["message"] == "Hello again"
    with pytest.raises(Refused) as fixed:
        _change(any_store, stored, replace(_changed(order(1)), reference="ref-2"), revision=2)
    assert _codes(fixed) == ["order.reference.fixed"]


def test_of_eight_changes_at_once_one_is_made(any_store, order):
    stored, _ = any_store.add_order(order(1))
    ready = threading.Barrier(8)

    def change(number):
        ready.wait()
        try:
            return _change(any_store, stored, _changed(order(1), f"Hello {number}")).request["message"]
        except Conflict as conflict:
            return conflict.findings[0].code

    with ThreadPoolExecutor(8) as pool:
        said = sorted(pool.map(change, range(8)))
    assert said[1:] == ["order.revision"] * 7
    after = any_store.order(SCOPE, stored.id)
    assert (after.revision, after.request["message"]) == (2, said[0])


def test_a_change_and_a_gather_at_once_leave_no_doubt(any_store, order):
    for number in range(1, 7):
        stored, _ = any_store.add_order(order(number))
        work(any_store, "compose")
        piece = any_store.piece(SCOPE, stored.pieces[0].id)
        ready = threading.Barrier(2)

        def either(gathers, stored=stored, piece=piece, number=number, ready=ready):
            ready.wait()
            try:
                if gathers:
                    any_store.gather(SCOPE, DAY, {piece.group: [piece.id]})
                else:
                    _change(any_store, stored, _changed(order(number)))
            except Conflict:
                return "lost"
            return "won"

        with ThreadPoolExecutor(2) as pool:
            assert sorted(pool.map(either, (True, False))) == ["lost", "won"]
        after = any_store.order(SCOPE, stored.id)
        assert (after.revision, after.pieces[0].state) in {(1, "batched"), (2, "waiting")}
        if after.revision == 2:
            work(any_store, "compose")


def test_changes_and_compositions_at_once_never_print_the_old_card(any_store, order):
    """Each composes what it read at its claim; whatever the sequence, the card at the end is of the last revision."""
    stored, _ = any_store.add_order(order(1))
    over = threading.Event()

    def composing(_):
        while not over.is_set():
            for step_id, _kind in due(any_store):
                if (claim := any_store.claim(step_id, 60)) is not None:
                    told = any_store.piece(SCOPE, claim.subject).spec.get("message", "Hi")
                    any_store.complete_compose(claim, Composed(told, told, 1, 1))

    with ThreadPoolExecutor(2) as pool:
        workers = [pool.submit(composing, n) for n in range(2)]
        for revision in range(1, 21):
            _change(any_store, stored, _changed(order(1), f"Hello {revision}"), revision)
        over.set()
        for worker in workers:
            worker.result()
    for step_id, _kind in due(any_store):
        claim = any_store.claim(step_id, 60)
        told = any_store.piece(SCOPE, claim.subject).spec["message"]
        any_store.complete_compose(claim, Composed(told, told, 1, 1))
    (piece,) = any_store.order(SCOPE, stored.id).pieces
    assert (piece.state, piece.composed.card) == ("composed", "Hello 20")


@pytest.mark.parametrize("how", ["batched", "cancelled", "mailed"])
def test_too_late(any_store, order, batch, how):
    if how == "cancelled":
        stored, _ = any_store.add_order(order(1))
        any_store.cancel_order(SCOPE, stored.id, "moved away")
    else:
        batch(any_store, 1, {"batched": "gathered"}.get(how, how))
        stored = any_store.order(SCOPE, "ref-1")
    before = any_store.order(SCOPE, stored.id)
    with pytest.raises(Conflict) as refused:
        _change(any_store, stored, _changed(order(1)))
    assert _codes(refused) == ["order.change.too_late"]
    assert any_store.order(SCOPE, stored.id) == before


def test_held_is_held_whatever_is_changed(any_store, order):
    stored, _ = any_store.add_order(order(1))
    any_store.hold(SCOPE, stored.id, "the client called")
    after = _change(any_store, stored, _changed(order(1)))
    assert (after.held, after.held_code, after.pieces[0].held) == ("the client called", "operator", "the client called")
    assert due(any_store) == []
    any_store.resume(SCOPE, stored.id, "all well")
    assert len(due(any_store)) == 1


def test_a_change_that_makes_it_look_like_another_holds_it(any_store, order):
    first, _ = any_store.add_order(replace(order(1), natural_key="anna"))
    second, _ = any_store.add_order(replace(order(2), natural_key="bert"))
    after = _change(any_store, second, _changed(order(2), natural_key="anna"))
    assert (after.held_code, after.duplicate_of) == ("order.duplicate", first.id)
    assert after.pieces[0].held == after.held
    assert [event.kind for event in any_store.events(SCOPE, second.id)][-2:] == ["change", "hold"]
    assert len(due(any_store)) == 1
    free = _change(any_store, after, _changed(order(2), "And back", natural_key="bert"))
    assert (free.held, free.held_code) == (after.held, "order.duplicate")  # until a person says so
    any_store.resume(SCOPE, second.id, "for bert after all")
    assert any_store.order(SCOPE, second.id).held is None


def test_what_was_allowed_stays_allowed_and_only_for_the_same_person(any_store, order):
    any_store.add_order(replace(order(1), natural_key="anna"))
    second, _ = any_store.add_order(replace(order(2), natural_key="anna"))
    any_store.allow_duplicate(SCOPE, second.id, "twins", "key:1")
    first = any_store.order(SCOPE, "ref-1")
    assert _change(any_store, first, _changed(order(1), natural_key="anna")).held is None
    assert _change(any_store, second, _changed(order(2), natural_key="anna")).held is None
    third, _ = any_store.add_order(replace(order(3), natural_key="carl"))
    moved = _change(any_store, second, _changed(order(2), "To carl", natural_key="carl"), revision=2)
    assert moved.duplicate_of == third.id


def test_only_the_approved_card_is_gathered(any_store, order):
    stored, _ = any_store.add_order(replace(order(1), approval="required"))
    with pytest.raises(Conflict) as refused:
        any_store.approve_order(SCOPE, stored.id, CARD.proof, "key:1")
    assert _codes(refused) == ["proof.not_ready"]
    _compose(any_store)
    piece = any_store.piece(SCOPE, stored.pieces[0].id)
    assert piece.awaits_approval
    assert any_store.gatherable(SCOPE, DAY) == []
    with pytest.raises(Conflict):
        any_store.gather(SCOPE, DAY, {piece.group: [piece.id]})
    with pytest.raises(Conflict) as refused:
        any_store.approve_order(SCOPE, stored.id, OTHER.proof, "key:1")
    assert _codes(refused) == ["proof.other"]
    approved = any_store.approve_order(SCOPE, stored.id, CARD.proof, "key:1")
    assert (approved.approved, approved.pieces[0].awaits_approval) == (CARD.proof, False)
    assert approved == any_store.approve_order(SCOPE, stored.id, CARD.proof, "key:1")
    told = [event for event in any_store.events(SCOPE, stored.id) if event.kind == "approval"]
    assert [event.detail for event in told] == [{"proof": CARD.proof, "by": "key:1"}]
    assert len(any_store.gather(SCOPE, DAY, {piece.group: [piece.id]})) == 1


def test_the_approved_card_composed_again_stays_approved_and_another_one_does_not(any_store, order):
    stored, _ = any_store.add_order(replace(order(1), approval="required"))
    _compose(any_store)
    any_store.approve_order(SCOPE, stored.id, CARD.proof, "key:1")
    for composed, awaits in ((CARD, False), (OTHER, True), (CARD, False)):
        any_store.again(SCOPE, stored.pieces[0].id, "look again")
        with pytest.raises(Conflict) as refused:
            any_store.approve_order(SCOPE, stored.id, OTHER.proof, "key:1")
        assert _codes(refused) == ["proof.not_ready"]
        _compose(any_store, composed)
        assert any_store.piece(SCOPE, stored.pieces[0].id).awaits_approval is awaits


def test_a_change_voids_the_approval(any_store, order):
    stored, _ = any_store.add_order(replace(order(1), approval="required"))
    _compose(any_store)
    any_store.approve_order(SCOPE, stored.id, CARD.proof, "key:1")
    assert _change(any_store, stored, _changed(order(1), approval="required")).approved is None
    _compose(any_store)  # even one that looks the same: what was approved was another revision
    assert any_store.gatherable(SCOPE, DAY) == []


def test_a_cancelled_order_is_not_approved(any_store, order):
    stored, _ = any_store.add_order(replace(order(1), approval="required"))
    _compose(any_store)
    any_store.cancel_order(SCOPE, stored.id, "moved away")
    with pytest.raises(Conflict) as refused:
        any_store.approve_order(SCOPE, stored.id, CARD.proof, "key:1")
    assert _codes(refused) == ["order.cancelled"]


def test_an_order_is_done_when_its_piece_is_mailed_cancelled_or_withdrawn(any_store, order, batch, sql):
    stored, _ = any_store.add_order(order(9))
    any_store.cancel_order(SCOPE, stored.id, "moved away")
    made = batch(any_store, 4, "released")
    done = "SELECT reference FROM orders WHERE done_at IS NOT NULL ORDER BY reference"
    assert [row[0] for row in sql(any_store, done)] == ["ref-9"]
    any_store.record(SCOPE, made.id, [Scan(seq, Stage.PRINTED) for seq in (1, 2, 3, 4)], "list", "1" * 64, "anna")
    assert [row[0] for row in sql(any_store, done)] == ["ref-9"]
    any_store.record(SCOPE, made.id, [Scan(1, Stage.MAILED), Scan(2, Stage.MAILED)], "list", "2" * 64, "anna")
    any_store.withdraw(SCOPE, made.id, [3], "too late", "anna")
    assert [row[0] for row in sql(any_store, done)] == ["ref-1", "ref-2", "ref-3", "ref-9"]
    first = sql(any_store, "SELECT done_at FROM orders WHERE reference = 'ref-1'")[0][0]
    assert first == any_store.events(SCOPE, any_store.order(SCOPE, "ref-1").pieces[0].id)[-1].at
    any_store.record(SCOPE, made.id, [Scan(1, Stage.RETURNED)], "list", "3" * 64, "anna")
    assert sql(any_store, "SELECT done_at FROM orders WHERE reference = 'ref-1'")[0][0] == first


def test_an_order_of_two_copies_is_done_with_the_last_of_them(any_store, order, batch, sql):
    made = batch(any_store, 2, "released")
    one, two = (any_store.order(SCOPE, f"ref-{n}") for n in (1, 2))
    sql(any_store, "UPDATE pieces SET order_id = :one, copy = 2 WHERE order_id = :two", one=one.id, two=two.id)
    done = "SELECT done_at FROM orders WHERE reference = 'ref-1'"
    any_store.record(SCOPE, made.id, [Scan(1, Stage.MAILED)], "list", "1" * 64, "anna")
    assert sql(any_store, done)[0][0] is None
    any_store.record(SCOPE, made.id, [Scan(2, Stage.MAILED)], "list", "2" * 64, "anna")
    assert sql(any_store, done)[0][0] is not None


def test_nobody_waits_for_another_in_a_circle(any_store, order):
    """Whoever touches one order at once takes its rows in one sequence: a deadlock would come out as Unavailable."""
    stored, _ = any_store.add_order(replace(order(1), approval="required"))
    over = threading.Event()

    def composing(_):
        while not over.is_set():
            for step_id, _kind in due(any_store):
                if (claim := any_store.claim(step_id, 60)) is not None:
                    any_store.complete_compose(claim, CARD)

    def person(which):
        try:
            for n in range(12):
                with contextlib.suppress(Conflict):
                    if which == 0:
                        any_store.hold(SCOPE, stored.id, "wait")
                        any_store.resume(SCOPE, stored.id, "go on")
                    elif which == 1:
                        _change(any_store, any_store.order(SCOPE, stored.id), _changed(order(1), f"Hello {n}"))
                    elif which == 2:
                        any_store.hold(SCOPE, stored.pieces[0].id, "wait")
                        any_store.resume(SCOPE, stored.pieces[0].id, "go on")
                        any_store.again(SCOPE, stored.pieces[0].id, "look again")
                    else:
                        any_store.approve_order(SCOPE, stored.id, CARD.proof, "key:1")
        finally:
            left.pop()
            if not left:
                over.set()

    left = list(range(4))
    with ThreadPoolExecutor(6) as pool:
        working = [pool.submit(composing, n) for n in range(2)] + [pool.submit(person, n) for n in range(4)]
        assert [each.result() for each in working] == [None] * 6
    any_store.cancel_order(SCOPE, stored.id, "enough")
    assert due(any_store) == []
