"""Numbers of the whole shop: right ones, and never by looking at what was printed."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from pressroom import work

from cardpipe.model.batch import Batch
from cardpipe.model.finding import error
from cardpipe.model.order import Scope
from cardpipe.model.outbox import NewEndpoint
from cardpipe.ports import NewOrder
from cardpipe.ports.measures import Measured
from cardpipe.storage import measures
from cardpipe.storage.engine import new_id
from cardpipe.storage.store import SqlStore

LOCAL = Scope()
Make = Callable[..., NewOrder]


def counted(found: Measured) -> dict[str, int]:
    return {state: count for state, count in found.pieces.items() if count}


def test_an_empty_shop(any_store: SqlStore) -> None:
    found = any_store.measures()
    assert set(found.pieces) == set(found.oldest) == set(found.overdue) == set(map(str, measures.UNFINISHED))
    assert not any([*found.pieces.values(), *found.oldest.values(), *found.overdue.values(), *found.held.values()])
    assert (found.steps, found.batches, found.import_rows) == ({}, {}, {})
    assert (found.deliveries, found.events, found.duties_stopped, found.paused) == (0, 0, 0, False)


def test_an_id_tells_when_it_was_made() -> None:
    for moment in (0.0, 1_700_000_000.123, 1_795_329_145.999, 2**47 / 1000):
        assert abs(measures.made_at(new_id("pce", moment)) - moment) < 0.002


def test_pieces_by_state_of_every_tenant(any_store: SqlStore, order: Make, batch: Callable[..., Batch]) -> None:
    batch(any_store, 3, "released")
    batch(any_store, 4, "gathered", first=10)
    for number, tenant in ((20, "local"), (21, "acme"), (22, "zebra")):
        any_store.add_order(order(number, tenant=tenant))
    work(any_store, "compose")
    for number, tenant in ((30, "local"), (31, "acme")):
        any_store.add_order(order(number, tenant=tenant, mail_on="2020-01-01"))
    found = any_store.measures()
    assert counted(found) == {"batched": 4, "composed": 3, "waiting": 2}, "those that left the house are not counted"
    assert found.overdue["waiting"] == 2
    assert found.batches == {"released": 1, "gathered": 1}
    assert found.steps == {("compose", "open"): 2, ("impose", "open"): 1}


def test_the_oldest_of_each_state_first_of_all(store: SqlStore, order: Make, clock: Any) -> None:
    store.add_order(order(1, mail_on="2026-11-20"))
    clock.forward(100)
    work(store, "compose")
    store.add_order(order(2))
    clock.forward(50)
    store.add_order(order(3, tenant="acme"))
    clock.forward(7)
    found = store.measures()
    assert {state: round(age, 2) for state, age in found.oldest.items() if age} == {"composed": 157, "waiting": 57}
    assert {state for state, count in found.overdue.items() if count} == {"composed"}, "its mail date was yesterday"


def test_the_oldest_is_found_whatever_its_mail_date(any_store: SqlStore, order: Make) -> None:
    """Of several mail dates, the later of which has the older order; and one that is held."""
    stored = [any_store.add_order(order(n, mail_on=f"2026-11-{27 - n}"))[0] for n in range(3)]
    work(any_store, "compose")
    any_store.add_order(order(9))
    any_store.hold(LOCAL, stored[1].pieces[0].id, "ask the sender")
    found = any_store.measures()
    with any_store.db.reading() as tx:
        now = tx.now
    for state, first in {"composed": stored[0].id, "waiting": any_store.order(LOCAL, "ref-9").id}.items():
        assert found.oldest[state] == pytest.approx(now - measures.made_at(first), abs=2)
    assert found.oldest["composed"] >= found.oldest["waiting"] and found.held["piece"] == 1


def test_test_orders_are_counted_while_they_are_composed(any_store: SqlStore, order: Make) -> None:
    for number in range(3):
        any_store.add_order(order(number, mode="test", mail_on="2020-01-01"))
    assert counted(any_store.measures()) == {"waiting": 3}
    work(any_store, "compose")
    found = any_store.measures()
    assert counted(found) == {} and not any(found.overdue.values()), "they stay composed for ever, and nobody waits"


def test_steps_that_somebody_has(any_store: SqlStore, order: Make) -> None:
    any_store.add_orders([order(n) for n in range(5)])
    taken = [step for step, _ in any_store.due_steps(3, 20)][:2]
    claims = [any_store.claim(step, 60) for step in taken]
    found = any_store.measures()
    assert found.steps == {("compose", "open"): 3, ("compose", "leased"): 2}
    assert counted(found) == {"composing": 2, "waiting": 3}
    any_store.fault(claims[0], [error("photo.damaged", "photo", "is damaged")], final=True)  # type: ignore[arg-type]
    assert counted(any_store.measures()) == {"composing": 1, "waiting": 3, "needs_attention": 1}


def test_what_is_held(any_store: SqlStore, order: Make, batch: Callable[..., Batch]) -> None:
    held = [any_store.add_order(order(n))[0] for n in (1, 2, 3)]
    any_store.hold(LOCAL, held[0].id, "asked by phone")
    any_store.hold(LOCAL, held[1].pieces[0].id, "ask the sender")
    any_store.hold(LOCAL, batch(any_store, 2, "imposed", first=50).id, "paper is missing")
    seen = any_store.measures().held
    assert (seen["order"], seen["batch"]) == (1, 1) and seen["piece"] >= 1
    any_store.cancel_order(LOCAL, held[0].id, "asked by phone")
    assert any_store.measures().held["order"] == 0, "a cancelled order waits for nobody"


def test_what_others_were_not_told(any_store: SqlStore, order: Make) -> None:
    any_store.add_endpoint(NewEndpoint(LOCAL, "https://crm.example/hook", ()), "test")
    any_store.fan_out()
    before = any_store.measures()
    any_store.add_order(order(1))
    waiting = any_store.measures()
    assert waiting.events > before.events and waiting.deliveries == before.deliveries
    any_store.fan_out()
    found = any_store.measures()
    assert found.events == 0 and found.deliveries > before.deliveries and 0 <= found.oldest_delivery < 60


def test_duties_that_stopped_and_a_pause(any_store: SqlStore, sql: Callable[..., Any]) -> None:
    any_store.add_duty(LOCAL, "close", "2026-11-25")
    any_store.add_duty(LOCAL, "erase", "2026-11-25")
    assert any_store.measures().duties_stopped == 0
    sql(any_store, "UPDATE duties SET state = 'stopped' WHERE kind = 'close'")
    any_store.pause("restored from a backup", "test")
    found = any_store.measures()
    assert (found.duties_stopped, found.paused) == (1, True)


def test_rows_of_imports_under_way(any_store: SqlStore, sql: Callable[..., Any]) -> None:
    for name, state in (("imp_1", "judging"), ("imp_2", "finished")):
        sql(any_store, "INSERT INTO imports (tenant, mode, id, name, source, mapping, terms, dry_run, state, header,"
            " findings, created_at) VALUES ('local', 'live', :id, 'a.csv', 'x', '{}', '{}', 0, :state, '[]', '[]', 'x')",
            id=name, state=state)  # fmt: skip
        for line, row in enumerate(["received", "received", "refused", "accepted"]):
            sql(any_store, "INSERT INTO intake (tenant, mode, id, import_id, line, chunk, reference, request_digest,"
                " state, request, cells, findings, at) VALUES ('local', 'live', :id, :import, :line, 'c', '', '', :row,"
                " '{}', '[]', '[]', 'x')", id=f"{name}_{line}", row=row, line=line, **{"import": name})  # fmt: skip
    assert any_store.measures().import_rows == {"received": 2, "refused": 1, "accepted": 1}


def test_nothing_is_read_from_end_to_end(store: SqlStore) -> None:
    """SQLite's plans: every large table by an index of what is unfinished."""
    plans: list[str] = []
    with store.db.reading() as tx:
        for name, statement in vars(measures).items():
            if not (isinstance(statement, str) and re.match(r"\s*SELECT ", statement)):
                continue
            statement = statement.format(states="'waiting', 'composed'")
            names = re.findall(r":([a-z]+)", statement)
            plan = tx.all(f"EXPLAIN QUERY PLAN {statement}", **dict.fromkeys(names, 1))
            plans += [f"{name}: {row['detail']}" for row in plan]
    assert len(plans) >= 9
    for plan in plans:
        scanned = re.search(r"SCAN (\w+)(.*)", plan)
        if scanned and scanned[1] in ("pieces", "orders", "steps", "events", "deliveries", "intake", "r"):
            assert re.search(
                r"ix_(orders_held|steps_open|steps_flying|events_pending|deliveries_pending|deliveries_order)", plan
            ), plan
    for name, index in (
        ("_PIECES", "COVERING INDEX ix_pieces_state"),
        ("_OLDEST", "COVERING INDEX ix_pieces_listed (tenant=? AND state=? AND mode=?)"),
        ("_HELD", "ix_pieces_held"),
        ("_HELD_ORDERS", "ix_orders_held"),
        ("_LEASED", "ix_steps_flying"),
    ):
        assert any(plan.startswith(name) and index in plan for plan in plans), (index, plans)
