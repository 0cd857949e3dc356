"""What a large shop asks all the time costs no more for what merely waits: a cut-off's memory, a probe's look.

Found by ``benchmarks/million.py``; ``docs/SCALE.md`` has the figures.
"""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from typing import Any

import sqlalchemy as sa
from crowd import ORDERS, PIECES

from cardpipe.model.order import Scope
from cardpipe.storage.store import SqlStore

SCOPE = Scope()
MANY = 20_000
STEPS = """
    INSERT INTO steps (tenant, mode, id, kind, subject, piece_id, state, hinted_until, not_before, attempts, lost_leases)
    SELECT tenant, mode, 'stp' || id, 'compose', id, id, 'open', 0, 0, 0, 0 FROM pieces
"""


def laid(store: SqlStore, sql: Callable[..., Any], many: int) -> None:
    """So many composed pieces, each with its words and an open step. PostgreSQL counts them in between, as it does by
    itself: its checks of links walk through tables until then."""
    for statement, values, table in (
        (ORDERS, {"many": many}, "orders"),
        (PIECES, {"spec": '{"message": "' + "x" * 3000 + '"}'}, "pieces"),
        (STEPS, {}, "steps"),
    ):
        sql(store, statement, **values)
        if not store.db.sqlite:
            sql(store, f"ANALYZE {table}")


def test_what_is_due_lies_in_memory_without_its_words(any_store: SqlStore, sql: Callable[..., Any]) -> None:
    many = 4000
    laid(any_store, sql, many)
    any_store.gatherable(SCOPE, "2026-11-25", ["ord_1000001"])  # what is made once is made before
    tracemalloc.start()
    found = any_store.gatherable(SCOPE, "2026-11-25")
    held, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(found) == many and found[-1].sort_key == "ord_1004000"
    assert len({id(piece.group) for piece in found}) == 1
    assert held / many < 700 and peak / many < 2000  # 14,000 and 18,000 with all that is printed on them


def test_a_probe_does_not_walk_through_what_waits(any_store: SqlStore, sql: Callable[..., Any]) -> None:
    laid(any_store, sql, MANY)
    assert any_store.due_steps(3, 60.0)
    assert any_store.unserved(["compose"]) == 3
    assert any_store.unserved(["gather"]) == 0
    assert work(any_store, lambda: any_store.unserved(["compose"])) < 1000
    assert work(any_store, lambda: any_store.leases()) < 1000
    assert work(any_store, lambda: any_store.backlog(10**6)) > 1000, (
        "to count all that waits shows that it would be seen"
    )


def work(store: SqlStore, ask: Callable[[], object]) -> float:
    """Instructions of SQLite's machine by the hundred, or rows that PostgreSQL reads."""
    if store.db.sqlite:
        seen = 0

        def one_more() -> int:
            nonlocal seen
            seen += 1
            return 0

        def begun(conn: Any, *_: object) -> None:
            conn.connection.driver_connection.set_progress_handler(one_more, 100)

        sa.event.listen(store.db.engine, "before_cursor_execute", begun)
        ask()
        sa.event.remove(store.db.engine, "before_cursor_execute", begun)
        return seen
    asked: list[tuple[str, Any]] = []

    def keep(conn: Any, cursor: Any, statement: str, values: Any, *_: object) -> None:
        asked.append((statement, values))

    sa.event.listen(store.db.engine, "before_cursor_execute", keep)
    ask()
    sa.event.remove(store.db.engine, "before_cursor_execute", keep)
    with store.db.reading() as tx:
        plans = [
            tx.conn.exec_driver_sql(f"EXPLAIN (ANALYZE, FORMAT JSON) {sql}", values).scalar_one()[0]["Plan"]
            for sql, values in asked
            if "steps" in sql
        ]
    assert plans
    return sum(_read(plan) for plan in plans)


def _read(plan: dict[str, Any]) -> float:
    here = (plan["Actual Rows"] + plan.get("Rows Removed by Filter", 0)) * plan["Actual Loops"]
    return (here if "Relation Name" in plan else 0) + sum(_read(part) for part in plan.get("Plans", []))
