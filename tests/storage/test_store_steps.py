"""Steps: the window, the turns of the tenants, leases that end, tokens that fence, clocks that jump."""

from __future__ import annotations

import pytest

from cardpipe.model.batch import BatchFile
from cardpipe.model.finding import error
from cardpipe.model.order import Scope
from cardpipe.model.piece import Composed
from cardpipe.model.status import PieceState
from cardpipe.storage.claims import BATCH_ATTEMPTS, LOST_LEASES, PIECE_ATTEMPTS

SCOPE = Scope()
CARD = Composed("a" * 64, "b" * 64, 1, 1)
BAD = error("photo.truncated", "photo", "the file ends in the middle", "export it again")


@pytest.fixture
def step(store, order):
    """One order; its piece's id and its step's."""
    stored, _ = store.add_order(order(1))
    return stored.pieces[0].id, store.due_steps(9, 20)[0][0]


def test_a_hint_is_given_once_and_again_when_its_time_is_over(store, order, clock):
    store.add_order(order(1))
    (first,) = store.due_steps(9, 20)
    assert store.due_steps(9, 20) == []
    clock.forward(20)
    assert store.due_steps(9, 20) == [first]


def test_the_window_bounds_what_is_hinted_or_held(store, order, clock):
    store.add_orders([order(n) for n in range(50)])
    hinted = store.due_steps(8, 20)
    assert len(hinted) == 8
    assert store.due_steps(8, 20) == []
    claims = [store.claim(step_id, 60) for step_id, _ in hinted[:5]]
    assert store.due_steps(8, 20) == []  # five are held, three still hinted
    for claim in claims[:2]:
        store.complete_compose(claim, CARD)
    assert len(store.due_steps(8, 20)) == 2
    clock.forward(21)  # the hints are over, three leases are not
    assert len(store.due_steps(8, 20)) == 5
    assert store.leases() == 3


def test_a_flood_of_one_tenant_delays_no_other(store, order):
    store.add_orders([order(n, tenant="flood") for n in range(300)])
    store.add_orders([order(n, tenant="small") for n in range(3)])
    store.add_orders([order(n, tenant="small", mode="test") for n in range(3)])
    hinted = [step_id for step_id, _ in store.due_steps(12, 20)]
    owners = [store.claim(step_id, 60).scope for step_id in hinted]
    turn = {Scope("flood"), Scope("small"), Scope("small", "test")}  # in whatever order, drawn by lot
    assert set(owners[0:3]) == set(owners[3:6]) == set(owners[6:9]) == turn
    assert owners[9:] == [Scope("flood")] * 3


def test_the_oldest_come_first_and_batches_before_all(store, order, compose):
    store.add_orders([order(n) for n in range(3)])
    compose(store)
    found = store.gatherable(SCOPE, "2026-11-25")
    batch = store.gather(SCOPE, "2026-11-25", {found[0].group: [piece.id for piece in found]})[0]
    later = [store.add_order(order(n))[0].pieces[0].id for n in range(10, 14)]
    due = store.due_steps(3, 20)
    assert [kind for _, kind in due] == ["impose", "compose", "compose"]
    assert [store.claim(step_id, 60).subject for step_id, _ in due] == [batch.id, *later[:2]]


def test_one_holder_until_the_lease_is_over(store, step, clock):
    piece, step_id = step
    first = store.claim(step_id, 60)
    assert (first.attempt, first.subject, first.kind) == (1, piece, "compose")
    assert store.piece(SCOPE, piece).state is PieceState.COMPOSING
    clock.forward(60)
    assert store.claim(step_id, 60) is None
    clock.forward(0.1)
    second = store.claim(step_id, 60)
    assert second is not None
    assert second.token != first.token
    assert not store.heartbeat(first)
    assert not store.complete_compose(first, CARD)
    store.fault(first, [BAD], final=True)
    store.give_back(first, "late", 5)
    assert store.piece(SCOPE, piece).state is PieceState.COMPOSING
    assert store.complete_compose(second, CARD)
    assert not store.complete_compose(second, CARD)
    assert store.piece(SCOPE, piece).composed == CARD
    assert store.claim(step_id, 60) is None


def test_a_slow_worker_that_nobody_overtook_may_still_finish(store, step, clock):
    first = store.claim(step[1], 60)
    clock.forward(500)
    assert store.complete_compose(first, CARD)


def test_heartbeats_keep_a_lease_for_as_long_as_the_work_takes(store, step, clock):
    claim = store.claim(step[1], 60)
    for _ in range(20):
        clock.forward(50)
        assert store.heartbeat(claim)
        assert store.due_steps(9, 20) == []
        assert store.claim(step[1], 60) is None
    assert store.complete_compose(claim, CARD)


@pytest.mark.parametrize("jump", [-400 * 86400, -7200, -30, -3, 0, 30, 7200, 400 * 86400])
@pytest.mark.parametrize(("what", "longest"), [("hint", 50), ("rest", 70), ("lease", 70)])
def test_a_clock_that_jumps_delays_nothing_for_long(store, step, clock, what, longest, jump):
    claim = None
    if what == "hint":
        clock.forward(21)
        assert store.due_steps(9, 20)
    else:
        claim = store.claim(step[1], 60)
    if what == "rest":
        store.give_back(claim, "no room", 30)
    clock.forward(jump)
    waited = 0
    while not store.due_steps(9, 20):
        clock.forward(1)
        waited += 1
        assert waited <= longest
    if jump == 0:
        assert waited == {"hint": 20, "rest": 30, "lease": 61}[what]
    second = store.claim(step[1], 60)
    assert second is not None
    assert claim is None or not store.complete_compose(claim, CARD)
    assert store.complete_compose(second, CARD)


def test_three_faults_of_its_own_and_a_person_must_look(store, step, clock):
    piece, step_id = step
    for attempt in range(1, PIECE_ATTEMPTS + 1):
        claim = store.claim(step_id, 60)
        assert claim.attempt == attempt
        store.fault(claim, [BAD], final=False)
        assert store.piece(SCOPE, piece).findings == (BAD,)
        assert store.claim(step_id, 60) is None  # it rests, or is over
        clock.forward(60)
    assert store.piece(SCOPE, piece).state is PieceState.NEEDS_ATTENTION
    assert store.due_steps(9, 20) == []
    assert store.events(SCOPE, piece)[-1].reason == "photo.truncated"
    store.again(SCOPE, piece, "a new photo came")
    assert store.piece(SCOPE, piece).findings == ()
    assert store.claim(step_id, 60).attempt == 1


def test_a_final_fault_needs_no_second_attempt_and_keeps_every_finding(store, step):
    piece, step_id = step
    both = [BAD, error("text.too-long", "message", "it does not fit")]
    store.fault(store.claim(step_id, 60), both, final=True)
    assert store.piece(SCOPE, piece).state is PieceState.NEEDS_ATTENTION
    assert store.piece(SCOPE, piece).findings == tuple(both)


def test_the_shops_faults_are_never_counted(store, step, clock):
    piece, step_id = step
    for _ in range(30):
        claim = store.claim(step_id, 60)
        assert claim.attempt == 1
        store.give_back(claim, "no room", 10)
        assert store.due_steps(9, 20) == []
        assert store.claim(step_id, 60) is None
        clock.forward(10)
    assert store.piece(SCOPE, piece).state is PieceState.WAITING
    assert store.complete_compose(store.claim(step_id, 60), CARD)


def test_lost_leases_are_counted_apart(store, step, clock):
    piece, step_id = step
    for _ in range(LOST_LEASES):
        claim = store.claim(step_id, 60)
        assert claim.attempt == 1
        clock.forward(61)
    assert store.claim(step_id, 60) is None
    stuck = store.piece(SCOPE, piece)
    assert stuck.state is PieceState.NEEDS_ATTENTION
    assert stuck.findings[0].code == "piece.lease_lost"


def test_a_new_supervisor_forgets_leases_and_hints_at_once(store, order):
    store.add_orders([order(n) for n in range(4)])
    due = store.due_steps(9, 20)
    held = store.claim(due[0][0], 60)
    assert store.forget_leases() == 4
    assert store.due_steps(9, 20) == due
    assert not store.heartbeat(held)
    again = store.claim(due[0][0], 60)
    assert again is not None
    for _ in range(LOST_LEASES):  # workers that die at their work are counted, orderly restarts are not
        store.forget_leases(lost=True)
        again = store.claim(due[0][0], 60)
    assert again is None
    assert store.piece(SCOPE, held.subject).state is PieceState.NEEDS_ATTENTION


def _batch(store, order, compose):
    store.add_order(order(1))
    compose(store)
    piece = store.gatherable(SCOPE, "2026-11-25")[0]
    return store.gather(SCOPE, "2026-11-25", {piece.group: [piece.id]})[0]


def test_a_batch_is_never_lost_to_its_faults(store, order, compose, clock):
    batch = _batch(store, order, compose)
    for attempt in range(1, BATCH_ATTEMPTS + 1):
        clock.forward(600)
        ((step_id, kind),) = store.due_steps(9, 20)
        claim = store.claim(step_id, 60)
        assert (kind, claim.attempt) == ("impose", attempt)
        store.fault(claim, [BAD], final=False)
        assert store.batch_findings(SCOPE, batch.id) == (BAD,)
    clock.forward(600)
    assert store.due_steps(9, 20) == []
    held = store.batch(SCOPE, batch.id)
    assert held.state == "gathered"
    assert held.held == "photo.truncated: the file ends in the middle"
    store.resume(SCOPE, batch.id, "mended")
    claim = store.claim(store.due_steps(9, 20)[0][0], 60)
    assert store.complete_impose(claim, [BatchFile("x.pdf", "c" * 64, 12)], [])
    done = store.batch(SCOPE, batch.id)
    assert (done.state, done.held, done.files) == ("imposed", None, (BatchFile("x.pdf", "c" * 64, 12),))
    assert not store.complete_impose(claim, [], [])
    assert store.due_steps(9, 20) == []


def test_a_hint_for_nothing_is_harmless(store):
    assert store.claim("stp_nobody", 60) is None
    assert store.claim("'; DROP TABLE steps", 60) is None
