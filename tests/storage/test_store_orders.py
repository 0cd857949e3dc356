"""Orders: once for ever, all or nothing, and found only by their own tenant."""

from __future__ import annotations

import dataclasses

import pytest

from cardpipe.model.errors import Conflict, Refused
from cardpipe.model.finding import warning
from cardpipe.model.order import Scope
from cardpipe.model.piece import Composed
from cardpipe.model.status import PieceState

SCOPE = Scope()


def test_an_order_comes_with_its_piece_its_step_and_its_events(any_store, order):
    new = dataclasses.replace(order(1), findings=(warning("photo.resolution.low", "photo", "212 ppi"),))
    stored, fresh = any_store.add_order(new)
    assert fresh
    assert any_store.order(SCOPE, stored.id) == any_store.order(SCOPE, "ref-1") == stored
    assert stored.findings[0].code == "photo.resolution.low"
    (piece,) = stored.pieces
    assert (piece.state, piece.spec, piece.group) == (PieceState.WAITING, {"number": 1}, new.group)
    assert piece == any_store.piece(SCOPE, piece.id) == any_store.pieces_of(SCOPE, [stored.id])[0]
    assert [kind for _, kind in any_store.due_steps(9, 20)] == ["compose"]
    assert [event.new for event in any_store.events(SCOPE, stored.id)] == ["accepted"]
    assert [event.new for event in any_store.events(SCOPE, piece.id)] == ["waiting"]


def test_the_same_order_twice_is_one_order(any_store, order):
    first, _ = any_store.add_order(order(1))
    again, fresh = any_store.add_order(order(1))
    assert not fresh
    assert again == first
    assert len(any_store.due_steps(9, 20)) == 1


def test_another_order_of_the_same_reference_names_what_differs_and_nothing_more(any_store, order):
    any_store.add_order(order(1))
    other = order(1, message="Something private")
    other.request["recipient"] = {"city": "Köln"}
    with pytest.raises(Conflict) as refused:
        any_store.add_order(dataclasses.replace(other, request_digest="other"))
    assert [finding.where for finding in refused.value.findings] == ["message", "recipient.city"]
    assert "private" not in str(refused.value)
    assert "Köln" not in str(refused.value)
    assert any_store.order(SCOPE, "ref-1").request["message"] == "Hi"


def test_many_at_once_and_only_the_contradictory_one_stays_out(any_store, order):
    any_store.add_order(order(2))
    results = any_store.add_orders([order(1), order(2), order(2, message="Else"), order(3), order(3)])
    assert [type(each) is Conflict or each[1] for each in results] == [True, False, True, True, False]
    assert isinstance(results[2], Conflict)
    assert any_store.piece_states(SCOPE, [each[0].id for each in results if not isinstance(each, Conflict)]) == {
        "waiting": 3
    }


def test_the_same_reference_belongs_to_each_tenant_and_mode(any_store, order):
    for tenant, mode in (("a", "live"), ("a", "test"), ("b", "live")):
        assert any_store.add_order(order(1, tenant=tenant, mode=mode))[1]


def test_other_tenants_find_nothing(any_store, order):
    stored, _ = any_store.add_order(order(1, tenant="a"))
    for scope in (Scope("b"), Scope("a", "test")):
        for key in (stored.id, "ref-1"):
            with pytest.raises(Refused) as refused:
                any_store.order(scope, key)
            assert refused.value.findings[0].code == "order.unknown"
        with pytest.raises(Refused):
            any_store.piece(scope, stored.pieces[0].id)
        with pytest.raises(Refused):
            any_store.cancel_order(scope, stored.id, "not mine")
        with pytest.raises(Refused):
            any_store.hold(scope, stored.pieces[0].id, "not mine")
        assert any_store.pieces_of(scope, [stored.id]) == []
        assert any_store.events(scope, stored.id) == []
        assert any_store.piece_states(scope, [stored.id]) == {}


def test_cancel_fences_what_is_under_way(any_store, order):
    stored, _ = any_store.add_order(order(1))
    claim = any_store.claim(any_store.due_steps(9, 20)[0][0], 60)
    cancelled = any_store.cancel_order(SCOPE, stored.id, "moved away")
    assert cancelled.state == "cancelled"
    assert cancelled.pieces[0].state is PieceState.CANCELLED
    assert any_store.cancel_order(SCOPE, stored.id, "twice") == cancelled
    assert not any_store.heartbeat(claim)
    assert not any_store.complete_compose(claim, Composed("a" * 64, "b" * 64, 1, 1))
    assert any_store.due_steps(9, 20) == []
    assert any_store.events(SCOPE, stored.id)[-1].reason == "moved away"


def test_hold_and_resume(any_store, order, compose):
    stored, _ = any_store.add_order(order(1))
    any_store.hold(SCOPE, stored.id, "the client called")
    assert any_store.due_steps(9, 20) == []
    assert any_store.order(SCOPE, stored.id).held == "the client called"
    any_store.resume(SCOPE, stored.id, "all well")
    assert compose(any_store) == 1
    piece = any_store.gatherable(SCOPE, "2026-11-25")[0]
    any_store.hold(SCOPE, piece.id, "wait for the photo")
    assert any_store.gatherable(SCOPE, "2026-11-25") == []
    with pytest.raises(Conflict):
        any_store.gather(SCOPE, "2026-11-25", {piece.group: [piece.id]})
    any_store.resume(SCOPE, piece.id, "it came")
    assert len(any_store.gather(SCOPE, "2026-11-25", {piece.group: [piece.id]})) == 1
    with pytest.raises(Refused):
        any_store.hold(SCOPE, "ord_none", "nobody")


def test_states_and_pieces_of_ten_thousand_ids_need_one_query(any_store, order):
    stored, _ = any_store.add_order(order(1))
    ids = [f"ord_{n}" for n in range(40_000)] + [stored.id]
    assert any_store.piece_states(SCOPE, ids) == {"waiting": 1}
    assert len(any_store.pieces_of(SCOPE, ids)) == 1
    assert any_store.batches_of(SCOPE, ids) == []
