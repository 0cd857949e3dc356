"""Release: planned once, done once, by whoever has the step; taken back only by him, or while nobody hands over."""

from __future__ import annotations

import pytest
from pressroom import TARGET, due, finish, work

from cardpipe.model.errors import Conflict, Refused
from cardpipe.model.finding import error
from cardpipe.model.order import Scope
from cardpipe.model.status import PieceState
from cardpipe.storage.claims import BATCH_ATTEMPTS

SCOPE = Scope()
FULL = error("delivery.other", "house", "another content lies there under this name")


def test_release(any_store, batch):
    made = batch(any_store, 3)
    step = any_store.plan_release(SCOPE, made.id, TARGET)
    planned = any_store.batch(SCOPE, made.id)
    assert (planned.state, planned.target, planned.files) == ("imposed", TARGET, made.files)
    claim = any_store.claim(step, 60)
    assert (claim.kind, claim.subject) == ("release", made.id)
    assert any_store.complete_release(claim)
    done = any_store.batch(SCOPE, made.id)
    assert (done.state, done.name, done.files) == ("released", made.name, made.files)
    for piece in any_store.members(made.id):
        assert piece.state is PieceState.RELEASED
        event = any_store.events(SCOPE, piece.id)[-1]
        assert (event.old, event.new, event.detail) == ("batched", "released", {"batch": made.id})
    event = any_store.events(SCOPE, made.id)[-1]
    assert (event.old, event.new, event.reason) == ("imposed", "released", "released")
    assert not any_store.complete_release(claim)  # a task that runs twice
    assert any_store.claim(step, 60) is None
    assert len([each for each in any_store.events(SCOPE, made.id) if each.new == "released"]) == 1


def test_the_same_target_is_the_same_step_and_another_is_a_conflict(any_store, batch):
    made = batch(any_store, 1)
    step = any_store.plan_release(SCOPE, made.id, TARGET)
    assert any_store.plan_release(SCOPE, made.name, TARGET) == step
    with pytest.raises(Conflict, match=TARGET):
        any_store.plan_release(SCOPE, made.id, "sftp://house@example.com/in")
    assert any_store.batch(SCOPE, made.id).target == TARGET
    assert work(any_store) == ["release"]


@pytest.mark.parametrize("state", ["gathered", "released", "printed", "mailed"])
def test_only_what_is_imposed_is_released(any_store, batch, state):
    made = batch(any_store, 1, state)
    with pytest.raises(Conflict, match=state):
        any_store.plan_release(SCOPE, made.id, TARGET)
    assert any_store.batch(SCOPE, made.id) == made


def test_what_is_held_is_not_released(any_store, batch):
    made = batch(any_store, 3)
    any_store.hold(SCOPE, made.id, "the client thinks")
    with pytest.raises(Conflict, match="the client thinks"):
        any_store.plan_release(SCOPE, made.id, TARGET)
    any_store.resume(SCOPE, made.id, "he has thought")
    pieces = list(any_store.members(made.id))
    any_store.hold(SCOPE, pieces[0].order_id, "a wrong photo")
    any_store.hold(SCOPE, pieces[2].id, "and another")
    with pytest.raises(Conflict) as conflict:
        any_store.plan_release(SCOPE, made.id, TARGET)
    assert [(one.code, one.where) for one in conflict.value.findings] == [("batch.piece_held", "piece 1, 3")]
    any_store.eject(SCOPE, made.id, [3], "and another", "anna")
    any_store.resume(SCOPE, pieces[0].order_id, "it was right")
    work(any_store)
    any_store.plan_release(SCOPE, made.id, TARGET)


@pytest.mark.parametrize("target", ["", "  "])
def test_nowhere_is_no_place(any_store, batch, target):
    made = batch(any_store, 1)
    with pytest.raises(Refused):
        any_store.plan_release(SCOPE, made.id, target)


def test_a_plan_is_taken_back_and_made_again(any_store, batch):
    made = batch(any_store, 2)
    step = any_store.plan_release(SCOPE, made.id, TARGET)
    any_store.drop_release(SCOPE, made.id, "the house is closed")
    assert any_store.batch(SCOPE, made.id).target is None
    assert any_store.claim(step, 60) is None
    assert work(any_store) == []
    with pytest.raises(Conflict, match="No release"):
        any_store.drop_release(SCOPE, made.id, "twice")
    assert any_store.plan_release(SCOPE, made.id, "file:///another") == step
    assert work(any_store) == ["release"]
    with pytest.raises(Conflict, match="released"):
        any_store.drop_release(SCOPE, made.id, "too late")
    assert any_store.batch(SCOPE, made.id).state == "released"


def test_nobody_takes_back_what_another_hands_over(store, batch, clock):
    made = batch(store, 2)
    claim = store.claim(store.plan_release(SCOPE, made.id, TARGET), 60)
    with pytest.raises(Conflict, match="at this moment"):
        store.drop_release(SCOPE, made.id, "I thought nobody was at it")
    clock.forward(61)  # he died, or sleeps
    other = store.claim(claim.step_id, 60)
    with pytest.raises(Conflict, match="at this moment"):
        store.drop_release(SCOPE, made.id, "mine went wrong", claim)  # but another's may go well
    assert store.complete_release(other)
    assert not store.complete_release(claim)


def test_whoever_has_the_step_takes_it_back(store, batch, clock):
    made = batch(store, 2)
    claim = store.claim(store.plan_release(SCOPE, made.id, TARGET), 60)
    store.drop_release(SCOPE, made.id, "the house has no room", claim)
    assert not store.heartbeat(claim)
    assert not store.complete_release(claim)
    assert store.batch(SCOPE, made.id).state == "imposed"
    store.plan_release(SCOPE, made.id, TARGET)
    left = store.claim(claim.step_id, 60)
    clock.forward(61)
    store.drop_release(SCOPE, made.id, "its worker died, and nothing lies there")
    assert not store.complete_release(left)


def test_a_release_that_fails_holds_the_batch_until_a_person_looks(store, batch, clock):
    made = batch(store, 2)
    step = store.plan_release(SCOPE, made.id, TARGET)
    for attempt in range(1, BATCH_ATTEMPTS + 1):
        clock.forward(600)
        claim = store.claim(step, 60)
        assert claim.attempt == attempt
        store.fault(claim, [FULL], final=False)
        event = store.events(SCOPE, made.id)[-2 if attempt == BATCH_ATTEMPTS else -1]
        assert attempt == BATCH_ATTEMPTS or (event.old, event.new) == ("imposed", "imposed")
    held = store.batch(SCOPE, made.id)
    assert (held.state, held.held) == ("imposed", "delivery.other: another content lies there under this name")
    assert held.files == made.files
    assert store.batch_findings(SCOPE, made.id) == ()  # those are the impose's
    clock.forward(700)
    assert store.due_steps(9, 20) == []
    store.resume(SCOPE, made.id, "it was cleared away")
    claim = store.claim(store.due_steps(9, 20)[0][0], 60)
    assert claim.attempt == 1
    assert finish(store, claim)


def test_a_release_that_failed_and_is_taken_back_holds_no_more(any_store, batch):
    made = batch(any_store, 2)
    claim = any_store.claim(any_store.plan_release(SCOPE, made.id, TARGET), 60)
    any_store.fault(claim, [FULL], final=True)
    any_store.drop_release(SCOPE, made.id, "another house")
    assert any_store.batch(SCOPE, made.id).held is None
    any_store.plan_release(SCOPE, made.id, "file:///another")
    any_store.hold(SCOPE, made.id, "the client thinks")
    any_store.drop_release(SCOPE, made.id, "he still thinks")
    assert any_store.batch(SCOPE, made.id).held == "the client thinks"


def test_the_shops_faults_are_given_back(store, batch, clock):
    made = batch(store, 2)
    claim = store.claim(store.plan_release(SCOPE, made.id, TARGET), 60)
    store.give_back(claim, "given back: Unavailable", 5)
    event = store.events(SCOPE, made.id)[-1]
    assert (event.kind, event.old, event.new) == ("batch", "imposed", "imposed")
    assert store.claim(claim.step_id, 60) is None
    clock.forward(6)
    assert store.claim(claim.step_id, 60).attempt == 1


def test_a_hold_holds_the_release_too(any_store, batch):
    made = batch(any_store, 2)
    step = any_store.plan_release(SCOPE, made.id, TARGET)
    any_store.hold(SCOPE, made.id, "the client thinks")
    assert any_store.claim(step, 60) is None
    assert due(any_store) == []
    with pytest.raises(Conflict, match="the client thinks"):
        any_store.plan_release(SCOPE, made.id, TARGET)
    any_store.resume(SCOPE, made.id, "he has thought")
    assert any_store.plan_release(SCOPE, made.id, TARGET) == step
    assert work(any_store) == ["release"]


def test_what_the_house_waits_for_comes_first(store, order, batch):
    late = batch(store, 1, "gathered", first=20)
    store.hold(SCOPE, late.id, "wait")
    released, made = batch(store, 2, "released"), batch(store, 2, first=7)
    store.add_remake(SCOPE, released.id, [1], "torn", "anna")
    store.add_order(order(50))
    store.resume(SCOPE, late.id, "go on")
    store.plan_release(SCOPE, made.id, TARGET)
    assert [kind for _, kind in store.due_steps(9, 20)] == ["release", "remake", "impose", "compose"]


def test_a_store_is_a_store():
    """The contract, by shape: every method of the port, with the names of its arguments."""
    import inspect

    from cardpipe.ports import Store
    from cardpipe.storage.store import SqlStore

    methods = [name for name in dir(Store) if not name.startswith("_")]
    assert len(methods) > 100
    for name in methods:
        asked = list(inspect.signature(getattr(Store, name)).parameters)
        assert list(inspect.signature(getattr(SqlStore, name)).parameters) == asked, name
