"""Batches: every piece once, in mail order, numbered by a rule, all or nothing."""

from __future__ import annotations

import time

import pytest

from cardpipe.model.batch import BatchFile
from cardpipe.model.errors import Conflict, Refused
from cardpipe.model.order import Scope
from cardpipe.model.status import PieceState

SCOPE = Scope()
DAY = "2026-11-25"


def _by_group(pieces):
    groups = {}
    for piece in pieces:
        groups.setdefault(piece.group, []).append(piece.id)
    return groups


def test_gather(any_store, order, compose):
    any_store.add_orders([order(n, group="A7|digital|usps|matte") for n in (3, 1, 2)])
    any_store.add_orders([order(n, group="A2|digital|usps|matte") for n in (5, 4)])
    any_store.add_orders([order(6, mail_on="2026-11-24"), order(7, mail_on="2026-11-26"), order(8, tenant="b")])
    compose(any_store)
    found = any_store.gatherable(SCOPE, DAY)
    assert [piece.reference for piece in found] == ["ref-4", "ref-5", "ref-1", "ref-2", "ref-3", "ref-6"]
    small, large = any_store.gather(SCOPE, DAY, _by_group(found))
    assert (small.number, small.of_day, small.name) == (1, 1, "20261125_CP_A2_B01_0002pc_v1")
    assert (large.number, large.of_day, large.format, large.press, large.carrier) == (2, 2, "A7", "digital", "usps")
    members = list(any_store.members(large.id))
    assert [(piece.seq, piece.reference) for piece in members] == [
        (1, "ref-1"),
        (2, "ref-2"),
        (3, "ref-3"),
        (4, "ref-6"),
    ]
    assert {piece.state for piece in members} == {PieceState.BATCHED}
    assert any_store.gatherable(SCOPE, DAY) == []
    assert any_store.batches(SCOPE) == any_store.batches(SCOPE, DAY) == [small, large]
    assert any_store.batches(SCOPE, "2026-11-26") == any_store.batches(Scope("b")) == []
    assert any_store.batches_of(SCOPE, [members[0].order_id]) == [large]
    assert any_store.batch(SCOPE, large.name) == any_store.batch(SCOPE, large.id) == large
    for key in ("bat_none", "20261125_CP_A7_B09_0002pc_v1", "20261125_CP_A7_B02_0003pc_v1"):
        with pytest.raises(Refused) as refused:
            any_store.batch(SCOPE, key)
        assert refused.value.findings[0].code == "batch.unknown"
    with pytest.raises(Refused):
        any_store.batch(Scope("b"), large.id)
    assert any_store.events(SCOPE, members[0].id)[-1].detail == {"batch": large.id}


def test_only_these_orders(any_store, order, compose):
    stored = [any_store.add_order(order(n))[0] for n in range(4)]
    compose(any_store)
    found = any_store.gatherable(SCOPE, DAY, [stored[2].id, stored[1].id])
    assert [piece.reference for piece in found] == ["ref-1", "ref-2"]
    assert any_store.gatherable(SCOPE, DAY, []) == []


def test_all_or_nothing(any_store, order, compose):
    any_store.add_orders([order(n) for n in range(3)] + [order(9, group="A2|digital|usps|matte")])
    compose(any_store)
    groups = _by_group(any_store.gatherable(SCOPE, DAY))
    late = groups["A7|digital|usps|matte"][1]
    any_store.cancel_order(SCOPE, any_store.piece(SCOPE, late).order_id, "in the last moment")
    with pytest.raises(Conflict):
        any_store.gather(SCOPE, DAY, groups)
    assert any_store.batches(SCOPE) == []
    assert len(any_store.gatherable(SCOPE, DAY)) == 3
    assert any_store.due_steps(9, 20) == []
    assert [batch.number for batch in any_store.gather(SCOPE, DAY, _by_group(any_store.gatherable(SCOPE, DAY)))] == [
        1,
        2,
    ]


@pytest.mark.parametrize("wrong", ["twice", "other group", "unknown", "other tenant"])
def test_members_that_cannot_be(any_store, order, compose, wrong):
    any_store.add_orders([order(1), order(2, group="A2|digital|usps|matte"), order(3, tenant="b")])
    compose(any_store)
    small, large = any_store.gatherable(SCOPE, DAY)
    other = any_store.gatherable(Scope("b"), DAY)[0]
    ids = {"twice": large.id, "other group": small.id, "unknown": "pce_none", "other tenant": other.id}
    with pytest.raises(Conflict):
        any_store.gather(SCOPE, DAY, {large.group: [large.id, ids[wrong]]})
    assert any_store.batches(SCOPE) == []


def test_numbers_go_on_over_days_and_tenants_and_are_never_given_twice(any_store, order, compose):
    got = []
    for number, (tenant, day) in enumerate([("a", DAY), ("b", DAY), ("a", "2026-11-26"), ("a", DAY)], 1):
        scope = Scope(tenant)
        any_store.add_order(order(number, tenant=tenant, mail_on=day))
        compose_now(any_store)
        batch = any_store.gather(scope, day, _by_group(any_store.gatherable(scope, day)))[0]
        got.append((batch.number, batch.of_day))
    assert got == [(1, 1), (2, 1), (3, 1), (4, 2)]


def compose_now(store):
    from cardpipe.model.piece import Composed

    for step_id, kind in store.due_steps(99, 20):
        claim = store.claim(step_id, 60)
        if kind == "compose":
            assert store.complete_compose(claim, Composed("a" * 64, "b" * 64, 1, 1))
        else:
            assert store.complete_impose(claim, [BatchFile("x.pdf", "c" * 64, 1)], [])


def test_nothing_to_gather(any_store):
    assert any_store.gather(SCOPE, DAY, {}) == any_store.gather(SCOPE, DAY, {"A7|digital|usps": []}) == []


def test_ten_thousand_pieces_in_a_few_seconds(store, order, sql):
    store.add_orders([order(n) for n in range(10_000)])
    sql(store, "UPDATE pieces SET state = 'composed', card = 'x', envelope = 'y'")
    sql(store, "UPDATE steps SET state = 'done'")
    before = time.monotonic()
    batch = store.gather(SCOPE, DAY, _by_group(store.gatherable(SCOPE, DAY)))[0]
    took = time.monotonic() - before
    assert sum(1 for _ in store.members(batch.id)) == 10_000
    assert took < 6  # 0.6 s on two free cores
