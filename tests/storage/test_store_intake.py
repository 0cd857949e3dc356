"""Rows: one verdict each, fenced by the claim; refused ones are kept until they are mended; and orders of no file."""

from __future__ import annotations

import threading
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
    new_order,
    read_through,
    row,
    states,
    told,
)

from cardpipe.model.errors import Conflict, Refused, Unavailable
from cardpipe.model.intake import ImportState, RowState
from cardpipe.model.order import Scope
from cardpipe.storage.claims import LOST_LEASES, OTHER_ATTEMPTS


def test_verdicts_are_fenced_by_the_claim_and_given_once(store, clock):
    import_id, (first,) = read_through(store, [row(1), row(2), row(3)])
    one, two, three = store.chunk(first)
    assert store.settle_row(first, one, replace(new_order(1), scope=SCOPE), ()).id == one.id
    assert store.settle_row(first, one, new_order(1), ()) is None  # asked again, as after a lost answer
    clock.forward(61)
    second = claim_on(store, "accept")
    assert second.token != first.token
    assert store.settle_row(first, two, new_order(2), ()) is None
    assert not store.complete_accept(first)
    assert [each.line for each in store.chunk(second)] == [2, 3]
    assert store.settle_row(second, three, None, (BAD,)) is None
    with pytest.raises(Exception, match="1 rows of a chunk"):
        store.complete_accept(second)
    assert store.settle_row(second, two, new_order(2), (ODD,)).id == two.id
    assert store.complete_accept(second)
    assert not store.complete_accept(second)
    assert states(store, import_id) == {"accepted": 2, "refused": 1}
    assert store.rows(SCOPE, import_id)[1].findings == (ODD,)


def test_a_reference_that_is_taken_refuses_the_row_and_no_other(any_store):
    any_store.add_order(new_order(1, request={"reference": "ref-1", "message": "Another"}, request_digest="x"))
    known, _ = any_store.add_order(new_order(2))
    import_id, (claim,) = read_through(any_store, [row(1), row(2), row(3)])
    one, two, three = any_store.chunk(claim)
    assert any_store.settle_row(claim, one, new_order(1), (ODD,)) is None
    assert any_store.settle_row(claim, two, new_order(2), ()).id == known.id
    assert any_store.settle_row(claim, three, new_order(3), ()).id == three.id
    assert any_store.complete_accept(claim)
    first, second, third = any_store.rows(SCOPE, import_id)
    assert (first.state, second.state, third.state) == ("refused", "known", "accepted")
    assert [finding.code for finding in first.findings] == ["photo.small", "order.reference_reused"]
    assert "message" in first.findings[1].message
    assert any_store.row(SCOPE, one.id).state == "refused"
    assert any_store.row(SCOPE, "ref-1") is None  # by reference only where it is of no import


def test_a_likely_duplicate_is_held_and_counts_as_accepted(any_store):
    any_store.add_order(new_order(9, natural_key="same"))
    import_id, (claim,) = read_through(any_store, [row(1)])
    (one,) = any_store.chunk(claim)
    stored = any_store.settle_row(claim, one, new_order(1, natural_key="same"), ())
    assert (stored.id, stored.held_code) == (one.id, "order.duplicate")
    assert states(any_store, import_id) == {"accepted": 1}


def test_a_dry_run_orders_nothing_and_says_what_would_become(any_store):
    import_id, (claim,) = read_through(any_store, [row(n) for n in range(1, 5)], replace(FILE, dry_run=True))
    rows = any_store.chunk(claim)
    assert all(each.dry_run for each in rows)
    verdicts = [(new_order(1), (), False), (None, (ODD,), False), (None, (BAD,), False), (None, (), True)]
    for each, (found, findings, known) in zip(rows, verdicts, strict=True):
        assert any_store.settle_row(claim, each, found, findings, known=known) is None
    assert any_store.complete_accept(claim)
    states = [(each.state, [finding.code for finding in each.findings]) for each in any_store.rows(SCOPE, import_id)]
    assert states == [("accepted", []), ("accepted", ["photo.small"]), ("refused", [BAD.code]), ("known", [])]
    with any_store.db.reading() as tx:
        assert tx.one("SELECT count(*) AS n FROM orders")["n"] == 0
    assert any_store.import_(SCOPE, import_id).state == ImportState.FINISHED


def test_a_row_is_never_refused_without_a_finding(any_store):
    _, (claim,) = read_through(any_store, [row(1)])
    with pytest.raises(Exception, match="without a finding"):
        any_store.settle_row(claim, any_store.chunk(claim)[0], None, (ODD,))
    assert any_store.chunk(claim)[0].state == RowState.RECEIVED


@pytest.mark.parametrize("how", ["final", "used up"])
def test_a_chunk_that_cannot_be_judged_leaves_its_rows_refused_and_the_import_finished(store, clock, how):
    import_id, (claim,) = read_through(store, [row(n) for n in (1, 2, 3)])
    store.settle_row(claim, store.chunk(claim)[0], new_order(1), ())
    for _ in range(1 if how == "final" else OTHER_ATTEMPTS):
        store.fault(claim, [BAD], final=how == "final")
        clock.forward(600)
        claims = claims_on(store, "accept")
        claim = claims[0] if claims else None
    assert claim is None
    assert states(store, import_id) == {"accepted": 1, "refused": 2}
    assert [each.findings for each in store.rows(SCOPE, import_id, "refused")] == [(BAD,), (BAD,)]
    assert store.import_(SCOPE, import_id).state == ImportState.FINISHED


def test_a_row_that_kills_its_workers_is_refused_alone(store, clock):
    import_id, (claim,) = read_through(store, [row(n) for n in range(1, 6)])
    judge_two = store.chunk(claim)[:2]
    for each in judge_two:
        store.settle_row(claim, each, new_order(each.line), ())
    for _ in range(LOST_LEASES):
        clock.forward(61)
        for step, kind in store.due_steps(64, 0.0):
            if kind == "accept":
                store.claim(step, 60)
    (claim,) = claims_on(store, "accept")
    assert [each.line for each in store.chunk(claim)] == [4, 5]
    judge(store, claim)
    assert store.complete_accept(claim)
    assert states(store, import_id) == {"accepted": 4, "refused": 1}
    (dead,) = store.rows(SCOPE, import_id, "refused")
    assert (dead.line, [finding.code for finding in dead.findings]) == (3, ["row.lease_lost"])


def test_the_shops_faults_cost_a_chunk_nothing(store, clock):
    import_id, (claim,) = read_through(store, [row(1)])
    for _ in range(20):
        store.give_back(claim, "no room", 10)
        assert claims_on(store, "accept") == []
        clock.forward(10)
        (claim,) = claims_on(store, "accept")
        assert claim.attempt == 1
    judge(store, claim)
    assert store.complete_accept(claim)
    assert states(store, import_id) == {"accepted": 1}


def test_a_refused_row_is_mended_and_judged_by_itself(any_store):
    import_id, claims = read_through(any_store, [row(n) for n in (1, 2, 150)])
    judge(any_store, claims[0], bad=(1,))
    any_store.complete_accept(claims[0])
    (bad,) = any_store.rows(SCOPE, import_id, "refused")
    mended = any_store.mend_row(SCOPE, bad.id, {"reference": "ref-1b", "message": "Hello"}, "anna")
    assert (mended.state, mended.findings, mended.reference) == (RowState.RECEIVED, (), "ref-1b")
    assert mended.cells == ("cell 1",)
    judge(any_store, claims[1])
    any_store.complete_accept(claims[1])
    assert any_store.import_(SCOPE, import_id).state == ImportState.JUDGING  # it waits for the mended one
    for again in ((BAD,), ()):  # refused once more, mended once more
        (claim,) = claims_on(any_store, "accept")
        (each,) = any_store.chunk(claim)
        assert (each.id, each.request["message"]) == (bad.id, "Hello")
        any_store.settle_row(claim, each, None if again else new_order(1), again)
        assert any_store.complete_accept(claim)
        assert any_store.import_(SCOPE, import_id).state == ImportState.FINISHED
        if again:
            any_store.mend_row(SCOPE, bad.id, {"reference": "ref-1b", "message": "Hello"}, "anna")
    assert states(any_store, import_id) == {"accepted": 3}
    assert told(any_store, import_id).count(("judging", "finished")) == 1
    with pytest.raises(Conflict) as conflict:
        any_store.mend_row(SCOPE, bad.id, {}, "anna")
    assert conflict.value.findings[0].code == "row.not_refused"
    with pytest.raises(Refused) as refused:
        any_store.mend_row(Scope("other"), bad.id, {}, "anna")
    assert refused.value.findings[0].code == "row.unknown"


def test_an_order_whose_pictures_are_to_be_fetched(any_store):
    new = row(1)
    stored, fresh = any_store.add_row(new, SCOPE)
    assert (fresh, stored.state, stored.import_id, stored.request) == (True, "received", None, new.request)
    assert stored.id.startswith("ord_")
    assert any_store.row(SCOPE, stored.id) == any_store.row(SCOPE, "ref-1") == stored
    assert any_store.add_row(new, SCOPE) == (stored, False)
    with pytest.raises(Conflict) as conflict:
        any_store.add_row(replace(new, request_digest="other"), SCOPE)
    assert conflict.value.findings[0].code == "order.reference.taken"
    assert any_store.row(Scope("other"), stored.id) is None
    (claim,) = claims_on(any_store, "accept")
    assert any_store.settle_row(claim, any_store.chunk(claim)[0], new_order(1), ()).id == stored.id
    assert any_store.complete_accept(claim)
    kept, fresh = any_store.add_row(new, SCOPE)
    assert (kept.id, kept.state, fresh) == (stored.id, RowState.ACCEPTED, False)
    assert claims_on(any_store, "accept") == []
    assert (None, "accepted") in told(any_store, stored.id)
    with any_store.db.reading() as tx:
        assert {each["lane"] for each in tx.all("SELECT lane FROM steps")} == {""}


def test_a_refused_order_of_no_import_is_told_and_may_be_sent_anew(any_store):
    stored, _ = any_store.add_row(row(1), SCOPE)
    (claim,) = claims_on(any_store, "accept")
    any_store.settle_row(claim, any_store.chunk(claim)[0], None, (BAD, ODD))
    any_store.complete_accept(claim)
    refused = any_store.events(SCOPE, stored.id)[-1]
    assert (refused.kind, refused.new, refused.reason) == ("intake", "refused", f"{BAD.code}, {ODD.code}")
    assert any_store.row(SCOPE, stored.id).findings == (BAD, ODD)
    again, fresh = any_store.add_row(replace(row(1, message="Mended"), request_digest="another"), SCOPE)
    assert (again.id, fresh, again.state, again.findings) == (stored.id, True, "received", ())
    (claim,) = claims_on(any_store, "accept")
    assert any_store.chunk(claim)[0].request["message"] == "Mended"
    assert any_store.settle_row(claim, any_store.chunk(claim)[0], new_order(1), ()).id == stored.id


def test_an_order_that_came_another_way_meanwhile_is_known(any_store):
    stored, _ = any_store.add_row(row(1), SCOPE)
    any_store.add_order(new_order(1))
    (claim,) = claims_on(any_store, "accept")
    assert any_store.settle_row(claim, any_store.chunk(claim)[0], None, (), known=True) is None
    assert any_store.complete_accept(claim)
    assert any_store.row(SCOPE, stored.id).state == RowState.KNOWN
    assert any_store.events(SCOPE, stored.id)[-1].new == "known"


def test_one_request_one_import_and_one_row(any_store):
    for door, add in (
        ("imports", lambda receipt: any_store.add_import(FILE, receipt).id),
        ("orders", lambda receipt: any_store.add_row(row(1), SCOPE, receipt)[0].id),
    ):
        receipt = any_store.begin_request(SCOPE, door, "key", {"x": "1"})
        made = add(replace(receipt, answer=lambda stored: (202, stored.id)))
        assert any_store.begin_request(SCOPE, door, "key", {"x": "1"}) == (202, made)
        with pytest.raises(Unavailable):
            add(receipt)  # it was used: nothing happens twice
    assert len(any_store.imports(SCOPE, 9)[0]) == 1
    assert any_store.row(SCOPE, "ref-1").state == RowState.RECEIVED


def test_two_workers_on_one_chunk_make_each_order_once(any_store, sql):
    import_id, (first,) = read_through(any_store, [row(n) for n in range(1, 41)])
    rows, far = any_store.chunk(first), threading.Event()

    def settle(claim, those):
        found = [any_store.settle_row(claim, each, new_order(each.line), ()) for each in those]
        return [stored.id for stored in found if stored]

    def work(which):
        if which:  # he is at it when his lease is over
            made = settle(first, rows[:10])
            sql(any_store, "UPDATE steps SET leased_at = leased_at - 1000 WHERE kind = 'accept'")
            far.set()
            return made + settle(first, rows[10:]), any_store.complete_accept(first)
        far.wait(30)
        second = any_store.claim(first.step_id, 60)
        return (settle(second, rows), any_store.complete_accept(second)) if second else ([], False)

    (by_second, done), (by_first, late) = at_once(2, work)
    assert done is not late
    assert sorted([*by_first, *by_second]) == sorted(each.id for each in rows)
    assert states(any_store, import_id) == {"accepted": 40}


def test_a_cancel_while_rows_are_judged_leaves_no_row_between(any_store):
    for turn in range(4):
        import_id, (claim,) = read_through(any_store, [row(100 * turn + n) for n in range(1, 30)])

        def either(which, claim=claim, import_id=import_id):
            if which:
                return any_store.cancel_import(SCOPE, import_id, "anna").state
            rows = any_store.chunk(claim)
            return [any_store.settle_row(claim, each, new_order(each.line), ()) for each in rows]

        made, state = at_once(2, either)
        found = states(any_store, import_id)
        assert state == ImportState.CANCELLED
        assert found.get("accepted", 0) == sum(stored is not None for stored in made)
        assert sum(found.values()) == found.get("accepted", 0) + found.get("dropped", 0) == 29


def test_the_same_order_by_url_from_many_at_once_is_one_row(any_store):
    results = at_once(8, lambda _: any_store.add_row(row(1), SCOPE))
    assert sum(fresh for _, fresh in results) == 1
    assert len({stored.id for stored, _ in results}) == 1
    assert len(claims_on(any_store, "accept")) == 1


def test_a_row_is_withdrawn_under_the_hands_of_whoever_judges_it(any_store):
    import_id, (claim,) = read_through(any_store, [row(n) for n in (1, 2, 3)])
    first, second, third = any_store.chunk(claim)
    any_store.settle_row(claim, third, None, (BAD,))
    for _ in range(2):
        assert any_store.drop_row(SCOPE, first.id, "she moved", "key:1").state is RowState.DROPPED
    assert any_store.drop_row(SCOPE, third.id, "never mind", "key:1").state is RowState.DROPPED
    assert any_store.settle_row(claim, first, new_order(1), ()) is None, "the verdict came too late"
    assert any_store.settle_row(claim, second, new_order(2), ()) is not None
    assert any_store.complete_accept(claim)
    assert states(any_store, import_id) == {"accepted": 1, "dropped": 2}
    assert any_store.import_(SCOPE, import_id).state == ImportState.FINISHED
    with pytest.raises(Conflict) as conflict:
        any_store.drop_row(SCOPE, second.id, "too late", "key:1")
    assert conflict.value.findings[0].code == "row.judged"
    with pytest.raises(Refused):
        any_store.drop_row(Scope("other"), first.id, "not mine", "key:2")
    with pytest.raises(Conflict):
        any_store.mend_row(SCOPE, first.id, {}, "anna")
