"""Imports: every row gets one verdict, whoever dies on the way, and nothing of a file is lost or made twice."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from intaking import (
    BAD,
    FILE,
    ODD,
    SCOPE,
    at_once,
    claim_on,
    claims_on,
    judge,
    read_through,
    row,
    states,
    told,
)

from cardpipe.model.errors import Conflict, Refused
from cardpipe.model.intake import ImportState, RowState
from cardpipe.model.order import Scope
from cardpipe.storage import intake
from cardpipe.storage.claims import LOST_LEASES, OTHER_ATTEMPTS
from cardpipe.storage.imports import CHUNK


def test_a_file_from_its_arrival_to_its_last_row(any_store):
    store = any_store
    made = store.add_import(FILE)
    assert (made.state, made.rows, made.counts) == (ImportState.RECEIVED, None, dict.fromkeys(RowState, 0))
    assert (made.columns, made.terms, made.dry_run) == (FILE.columns, FILE.terms, False)
    reading = claim_on(store, "import")
    assert (reading.subject, reading.attempt) == (made.id, 1)
    assert store.add_rows(reading, [row(n) for n in range(1, 151)])
    assert store.add_rows(reading, [row(n, findings=(BAD,) if n == 160 else (ODD,)) for n in range(151, 251)])
    assert claims_on(store, "accept") == []  # the file might still turn out to be none
    assert store.complete_import(reading, ["Name", "Text"])
    read = store.import_(SCOPE, made.id)
    assert (read.state, read.rows, read.header) == (ImportState.JUDGING, 250, ("Name", "Text"))
    assert (read.counts["received"], read.counts["refused"]) == (249, 1)
    claims = claims_on(store, "accept")
    assert [len(store.chunk(claim)) for claim in claims] in ([99, 99, 51], [99, 51, 99])  # 160 needs no verdict
    for claim in claims:
        assert store.import_(SCOPE, made.id).state == ImportState.JUDGING
        judge(store, claim, bad=(7, 120))
        assert store.complete_accept(claim)
    done = store.import_(SCOPE, made.id)
    assert (done.state, done.finished_at is not None) == (ImportState.FINISHED, True)
    assert done.counts == {"received": 0, "accepted": 247, "known": 0, "refused": 3, "dropped": 0}
    assert told(store, made.id)[-1] == ("judging", "finished")
    refused = store.rows(SCOPE, made.id, "refused")
    assert [(each.line, each.findings, each.cells) for each in refused] == [
        (7, (BAD,), ("cell 7",)), (120, (BAD,), ("cell 120",)), (160, (BAD,), ("cell 160",))
    ]  # fmt: skip
    third = store.rows(SCOPE, made.id, after=2, limit=1)[0]
    assert (third.line, third.state, third.terms, third.dry_run) == (3, RowState.ACCEPTED, FILE.terms, False)
    assert store.order(SCOPE, third.id).reference == "ref-3"  # a row's id is its order's


def test_orders_of_an_import_queue_in_its_lane(any_store):
    import_id, (claim,) = read_through(any_store, [row(1)])
    judge(any_store, claim)
    with any_store.db.reading() as tx:
        found = tx.all("SELECT kind, lane FROM steps ORDER BY kind")
        ours = tx.one("SELECT import_id FROM orders")
    assert [(each["kind"], each["lane"]) for each in found] == [
        ("accept", import_id), ("compose", import_id), ("import", "")
    ]  # fmt: skip
    assert ours["import_id"] == import_id


def test_a_file_without_rows_is_finished_at_once(any_store):
    import_id, claims = read_through(any_store, [])
    assert (claims, any_store.import_(SCOPE, import_id).state) == ([], ImportState.FINISHED)
    other, claims = read_through(any_store, [row(1, findings=(BAD,))])
    assert (claims, any_store.import_(SCOPE, other).state) == ([], ImportState.FINISHED)
    assert states(any_store, other) == {"refused": 1}


def test_a_reading_that_was_cut_short_is_taken_up_without_a_row_too_many(store, clock):
    made = store.add_import(FILE)
    first = claim_on(store, "import")
    store.add_rows(first, [row(n) for n in range(1, 131)])
    before = {each.line: each.id for each in store.rows(SCOPE, made.id)}
    clock.forward(61)
    second = claim_on(store, "import")
    assert not store.add_rows(first, [row(131)])  # it was overtaken
    assert not store.complete_import(first, [])
    assert not store.refuse_import(first, [BAD])
    for page in (range(1, 91), range(91, 181)):
        assert store.add_rows(second, [row(n, message="not the one that is there") for n in page])
    assert store.complete_import(second, [])
    assert not store.complete_import(second, [])
    rows = {each.line: each for each in store.rows(SCOPE, made.id)}
    assert len(rows) == store.import_(SCOPE, made.id).rows == 180
    assert {line: rows[line].id for line in before} == before
    assert rows[1].request["message"] == "Hi"
    claims = claims_on(store, "accept")
    assert sorted(len(store.chunk(claim)) for claim in claims) == [81, 99]
    for claim in claims:
        judge(store, claim)
        store.complete_accept(claim)
    assert states(store, made.id) == {"accepted": 180}


def test_a_file_that_is_none_is_refused_and_nothing_of_it_ordered(any_store):
    made = any_store.add_import(FILE)
    claim = claim_on(any_store, "import")
    any_store.add_rows(claim, [row(1), row(2, findings=(BAD,))])
    assert any_store.refuse_import(claim, [BAD])
    assert not any_store.refuse_import(claim, [BAD])
    after = any_store.import_(SCOPE, made.id)
    assert (after.state, after.findings) == (ImportState.REFUSED, (BAD,))
    assert states(any_store, made.id) == {"dropped": 1, "refused": 1}
    assert any_store.due_steps(64, 0.0) == []
    assert any_store.events(SCOPE, made.id)[-1].reason == BAD.code


def test_an_unknown_import_is_refused_and_another_tenants_is_unknown(any_store):
    made = any_store.add_import(FILE)
    for scope, name in ((SCOPE, "imp_x"), (Scope("other"), made.id), (Scope("local", "test"), made.id)):
        for look in (any_store.import_, any_store.rows):
            with pytest.raises(Refused) as refused:
                look(scope, name)
            assert refused.value.findings[0].code == "import.unknown"
        with pytest.raises(Refused):
            any_store.cancel_import(scope, name, "anna")
    assert any_store.imports(Scope("other"), 9) == ([], None)


def test_imports_are_listed_in_pages(any_store):
    made = [any_store.add_import(replace(FILE, name=f"{n}.csv")).id for n in range(5)]
    first, cursor = any_store.imports(SCOPE, 2)
    second, cursor = any_store.imports(SCOPE, 2, cursor)
    last, end = any_store.imports(SCOPE, 2, cursor)
    assert [each.id for each in (*first, *second, *last)] == made[::-1]
    assert end is None
    assert any_store.imports(SCOPE, 5)[1] is None


def test_cancelling_drops_what_was_not_judged_and_leaves_the_orders(any_store):
    import_id, claims = read_through(any_store, [row(n) for n in (1, 150, 250)])
    judge(any_store, claims[0])
    after = any_store.cancel_import(SCOPE, import_id, "anna")
    assert after.state == ImportState.CANCELLED
    assert states(any_store, import_id) == {"accepted": 1, "dropped": 2}
    assert judge(any_store, claims[1]) == []
    assert not any_store.complete_accept(claims[0])
    assert any_store.cancel_import(SCOPE, import_id, "anna").state == ImportState.CANCELLED
    assert told(any_store, import_id)[-1] == ("judging", "cancelled")
    assert {kind for _, kind in any_store.due_steps(64, 0.0)} == {"compose"}


def test_a_file_is_cancelled_while_it_is_read_and_not_once_it_has_ended(any_store):
    made = any_store.add_import(FILE)
    claim = claim_on(any_store, "import")
    any_store.add_rows(claim, [row(1)])
    any_store.cancel_import(SCOPE, made.id, "anna")
    assert not any_store.add_rows(claim, [row(2)])
    assert not any_store.complete_import(claim, [])
    assert states(any_store, made.id) == {"dropped": 1}
    finished, _ = read_through(any_store, [])
    with pytest.raises(Conflict) as conflict:
        any_store.cancel_import(SCOPE, finished, "anna")
    assert conflict.value.findings[0].code == "import.ended"


@pytest.mark.parametrize("how", ["final", "used up", "lost"])
def test_a_file_that_cannot_be_read_is_refused_with_what_was_met(store, clock, how):
    made = store.add_import(FILE)
    for _ in range({"final": 1, "used up": OTHER_ATTEMPTS, "lost": LOST_LEASES}[how]):
        claim = claim_on(store, "import")
        store.add_rows(claim, [row(1)])
        if how != "lost":
            store.fault(claim, [BAD], final=how == "final")
        clock.forward(600)
    assert claims_on(store, "import") in ([], [None])
    after = store.import_(SCOPE, made.id)
    assert (after.state, states(store, made.id)) == (ImportState.REFUSED, {"dropped": 1})
    assert [finding.code for finding in after.findings] == ["import.lease_lost" if how == "lost" else BAD.code]


def test_a_chunk_that_was_judged_by_one_who_died_before_he_could_say_so(store, clock):
    import_id, (claim,) = read_through(store, [row(1), row(2)])
    judge(store, claim)
    clock.forward(61)
    (again,) = claims_on(store, "accept")
    assert store.chunk(again) == []
    assert store.import_(SCOPE, import_id).state == ImportState.JUDGING
    assert store.complete_accept(again)
    assert store.import_(SCOPE, import_id).state == ImportState.FINISHED


def test_the_last_chunks_end_at_once_and_the_import_is_finished_once(any_store):
    for turn in range(4):
        lines = [1000 * turn + CHUNK * n + 1 for n in range(6)]
        import_id, claims = read_through(any_store, [row(line) for line in lines])

        def end(which, claims=claims):
            judge(any_store, claims[which])
            return any_store.complete_accept(claims[which])

        assert at_once(6, end) == [True] * 6
        assert any_store.import_(SCOPE, import_id).state == ImportState.FINISHED
        assert told(any_store, import_id).count(("judging", "finished")) == 1


def test_the_last_two_chunks_wait_for_each_other(any_store):
    """Neither must take the other's step for open, or nobody would finish the import."""
    import_id, claims = read_through(any_store, [row(1), row(150)])
    for claim in claims:
        judge(any_store, claim)
    with ThreadPoolExecutor(1) as pool:
        with any_store.db.writing() as tx:
            assert intake.complete(tx, claims[0])
            other = pool.submit(any_store.complete_accept, claims[1])
            time.sleep(0.3)
            assert not other.done()
        assert other.result(30)
    assert any_store.import_(SCOPE, import_id).state == ImportState.FINISHED


def test_ten_thousand_rows_are_taken_in_and_counted_quickly(any_store):
    rows = [row(n) for n in range(1, 10_001)]
    made = any_store.add_import(FILE)
    claim = claim_on(any_store, "import")
    begun = time.process_time()
    for page in range(0, len(rows), 500):
        assert any_store.add_rows(claim, rows[page : page + 500])
    assert any_store.complete_import(claim, ["Name"])
    assert time.process_time() - begun < 4  # of this processor's time; about one second of it on a quiet machine
    assert any_store.import_(SCOPE, made.id).counts["received"] == 10_000
    with any_store.db.reading() as tx:
        assert tx.one("SELECT count(*) AS n FROM steps WHERE kind = 'accept' AND lane = :l", l=made.id)["n"] == 101
