"""Of two orders that look like one only one goes on; the other is held, says why, and is allowed by name or not at all."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from pressroom import due, work
from sqlalchemy.exc import IntegrityError

from cardpipe.model.errors import Conflict
from cardpipe.model.order import Scope

SCOPE = Scope()
DAY = "2026-11-25"


@pytest.fixture
def card(order):
    """An order by number, to the same person for the same occasion: all have one natural key unless told otherwise."""

    def make(number, key="anna birthday 2026", **other):
        return replace(order(number), natural_key=key, **other)

    return make


def _goes_on(store):
    """The references of the orders whose card may be printed, by the store's own word and by the gather's."""
    work(store, "compose")
    return [piece.reference for piece in store.gatherable(SCOPE, DAY)]


def _codes(problem):
    return [finding.code for finding in problem.value.findings]


def test_the_second_one_is_held_and_says_which_it_looks_like(any_store, card):
    first, _ = any_store.add_order(card(1))
    second, fresh = any_store.add_order(card(2))
    assert fresh
    assert second == any_store.order(SCOPE, "ref-2")
    assert (second.state, second.held_code, second.duplicate_of) == ("accepted", "order.duplicate", first.id)
    assert second.held == (
        f"looks like a second card: {first.id} (reference ref-1) has the same recipient, occasion and date"
    )
    assert second.pieces[0].held == second.held
    assert len(due(any_store)) == 1
    assert [(e.kind, e.new) for e in any_store.events(SCOPE, second.id)] == [("order", "accepted"), ("hold", "held")]
    assert any_store.events(SCOPE, second.id)[1].detail == {"code": "order.duplicate", "duplicate_of": first.id}
    assert _goes_on(any_store) == ["ref-1"]
    assert any_store.add_order(card(2)) == (any_store.order(SCOPE, "ref-2"), False)


def test_orders_without_a_natural_key_and_of_other_tenants_and_modes_never_collide(any_store, card):
    added = [card(1), card(2, key=None), card(3, key=None), card(4, key="bert")]
    added += [replace(card(5), scope=Scope("other")), replace(card(6), scope=Scope(mode="test"))]
    assert all(any_store.add_order(new)[0].held is None for new in added)


def test_many_at_once_within_one_transaction(any_store, card):
    results = any_store.add_orders([card(n) for n in range(1, 5)])
    assert [stored.held_code for stored, _ in results] == [None] + ["order.duplicate"] * 3
    assert {stored.duplicate_of for stored, _ in results[1:]} == {results[0][0].id}


def test_of_twenty_at_once_one_goes_on(any_store, card):
    ready = threading.Barrier(20)

    def add(number):
        ready.wait()
        return any_store.add_order(card(number))[0]

    with ThreadPoolExecutor(20) as pool:
        stored = list(pool.map(add, range(20)))
    going = [each for each in stored if each.held is None]
    assert len(going) == 1
    assert {each.duplicate_of for each in stored if each.held} == {going[0].id}
    assert _goes_on(any_store) == [going[0].reference]


def test_resumed_only_once_nothing_collides_any_more(any_store, card):
    first, _ = any_store.add_order(card(1))
    second, _ = any_store.add_order(card(2))
    with pytest.raises(Conflict) as refused:
        any_store.resume(SCOPE, second.id, "never mind")
    assert _codes(refused) == ["order.duplicate"]
    assert first.id in refused.value.findings[0].message
    assert any_store.order(SCOPE, second.id) == second
    any_store.cancel_order(SCOPE, first.id, "moved away", "key:1")
    assert any_store.events(SCOPE, first.id)[-1].detail == {"by": "key:1"}
    any_store.resume(SCOPE, second.id, "the other one is cancelled")
    after = any_store.order(SCOPE, second.id)
    assert (after.held, after.held_code, after.duplicate_of, after.pieces[0].held) == (None, None, None, None)
    assert _goes_on(any_store) == ["ref-2"]


def test_its_piece_is_not_resumed_past_it(any_store, card):
    any_store.add_order(card(1))
    second, _ = any_store.add_order(card(2))
    with pytest.raises(Conflict) as refused:
        any_store.resume(SCOPE, second.pieces[0].id, "past it")
    assert _codes(refused) == ["piece.order_held"]
    assert _goes_on(any_store) == ["ref-1"]


def test_a_hold_by_a_person_becomes_one_as_a_duplicate_when_another_went_on_meanwhile(any_store, card):
    first, _ = any_store.add_order(card(1))
    any_store.hold(SCOPE, first.id, "the client called")
    assert any_store.order(SCOPE, first.id).held_code == "operator"
    second, _ = any_store.add_order(card(2))
    assert second.held is None
    with pytest.raises(Conflict):
        any_store.allow_duplicate(SCOPE, first.id, "not held as one", "key:1")
    with pytest.raises(Conflict) as refused:
        any_store.resume(SCOPE, first.id, "all well")
    assert _codes(refused) == ["order.duplicate"]
    held = any_store.order(SCOPE, first.id)
    assert (held.held_code, held.duplicate_of, held.pieces[0].held) == ("order.duplicate", second.id, held.held)
    any_store.allow_duplicate(SCOPE, first.id, "for each of the twins", "key:1")
    assert _goes_on(any_store) == ["ref-1", "ref-2"]


def test_allowed_by_name_and_recorded(any_store, card):
    any_store.add_order(card(1))
    second, _ = any_store.add_order(card(2))
    allowed = any_store.allow_duplicate(SCOPE, second.id, "one for each of the twins", "key:7")
    assert (allowed.held, allowed.held_code, allowed.duplicate_of) == (None, None, None)
    last = any_store.events(SCOPE, second.id)[-1]
    assert (last.kind, last.old, last.new, last.reason) == ("hold", "held", None, "one for each of the twins")
    assert last.detail == {"by": "key:7", "allow_duplicate": True}
    assert _goes_on(any_store) == ["ref-1", "ref-2"]
    with pytest.raises(Conflict) as refused:
        any_store.allow_duplicate(SCOPE, second.id, "again", "key:7")
    assert _codes(refused) == ["order.duplicate.none"]
    any_store.hold(SCOPE, second.id, "wait")
    any_store.resume(SCOPE, second.id, "it was allowed once and for all")


def test_a_third_one_is_held_against_an_allowed_second_one_as_well(any_store, card):
    first, _ = any_store.add_order(card(1))
    second, _ = any_store.add_order(card(2))
    any_store.allow_duplicate(SCOPE, second.id, "one for each of the twins", "key:7")
    any_store.cancel_order(SCOPE, first.id, "moved away")
    third, _ = any_store.add_order(card(3))
    assert (third.held_code, third.duplicate_of) == ("order.duplicate", second.id)


def test_whoever_is_allowed_while_nobody_goes_on_takes_the_place(any_store, card, sql):
    first, _ = any_store.add_order(card(1))
    second, _ = any_store.add_order(card(2))
    any_store.cancel_order(SCOPE, first.id, "moved away")
    any_store.allow_duplicate(SCOPE, second.id, "the first was cancelled", "key:7")
    assert any_store.add_order(card(3))[0].duplicate_of == second.id
    with pytest.raises(IntegrityError):  # the database's own word
        sql(any_store, "UPDATE orders SET held = NULL WHERE reference = 'ref-3'")


def test_of_many_resumed_at_once_one_goes_on(any_store, card):
    first, _ = any_store.add_order(card(0))
    held = [any_store.add_order(card(n))[0] for n in range(1, 9)]
    any_store.cancel_order(SCOPE, first.id, "moved away")
    ready = threading.Barrier(len(held))

    def resume(stored):
        ready.wait()
        try:
            any_store.resume(SCOPE, stored.id, "me")
        except Conflict as conflict:
            return conflict.findings[0].code
        return "goes on"

    with ThreadPoolExecutor(len(held)) as pool:
        said = list(pool.map(resume, held))
    assert sorted(said) == ["goes on"] + ["order.duplicate"] * 7
    assert len(_goes_on(any_store)) == 1


def test_an_order_that_begins_held_says_so_by_its_code(any_store, card):
    stored, _ = any_store.add_order(card(1, held=("order.check", "somebody should look"), actor="key:3"))
    assert (stored.held_code, stored.held) == ("order.check", "somebody should look")
    assert due(any_store) == []
    assert any_store.events(SCOPE, stored.id)[0].detail["by"] == "key:3"
    assert any_store.add_order(card(2))[0].held is None


def test_everything_else_of_a_new_order_is_stored_with_it(any_store, card, sql):
    picture = "f" * 64
    new = card(
        1, approval="required", arrive_by="2026-12-01", metadata={"contact": "003xx", "source": "crm"},
        pictures=(picture,), lane="imp_7", order_id="ord_promised",
    )  # fmt: skip
    stored, _ = any_store.add_order(new)
    assert stored == any_store.order(SCOPE, "ref-1")
    assert (stored.id, stored.approval, stored.arrive_by) == ("ord_promised", "required", "2026-12-01")
    assert stored.metadata == {"contact": "003xx", "source": "crm"}
    assert stored.changed_at == stored.accepted_at
    assert [tuple(row) for row in sql(any_store, "SELECT lane FROM steps")] == [("imp_7",)]
    assert [tuple(row) for row in sql(any_store, "SELECT import_id FROM orders")] == [("imp_7",)]
    assert [tuple(row) for row in sql(any_store, "SELECT digest, order_id FROM order_artifacts")] == [
        (picture, "ord_promised")
    ]
