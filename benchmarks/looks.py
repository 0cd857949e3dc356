"""What the simulation reads: what a process and its database server took, how large the database is, how long the
console's and the API's lists take, which of them walk through a table, and whether everything reconciles in the end."""

from __future__ import annotations

import datetime as dt
import os
import time
from collections import Counter
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from season import MONDAY, TODAY, Season

from cardpipe.model.order import Scope
from cardpipe.model.stored import OrderQuery
from cardpipe.storage.store import SqlStore

_TICKS = os.sysconf("SC_CLK_TCK")
#: Tables of which no question of every day may read all.
LARGE = ("orders", "pieces", "steps", "events", "order_metadata", "order_artifacts")
#: Indexes of what is open, held, hinted or still to be told only: to read all of one is to read no more than is asked.
_FEW = ("ix_steps_open", "ix_steps_flying", "ix_orders_held", "ix_events_pending", "ix_pieces_held")


class Spent:
    """Adds what a block took: ``cpu`` and ``wall`` of this process, ``server`` of its database server's process, where
    that runs on this machine. Seconds."""

    def __init__(self, store: SqlStore, into: Counter[str]) -> None:
        self.store, self.into = store, into

    def __enter__(self) -> None:
        self.server = _server_seconds(self.store)
        self.cpu, self.wall = time.process_time(), time.perf_counter()

    def __exit__(self, *_: object) -> None:
        self.into["wall"] += time.perf_counter() - self.wall  # type: ignore[assignment]
        self.into["cpu"] += time.process_time() - self.cpu  # type: ignore[assignment]
        self.into["server"] += _server_seconds(self.store) - self.server  # type: ignore[assignment]


_backend: dict[int, int] = {}


def _server_seconds(store: SqlStore) -> float:
    if store.db.sqlite:
        return 0.0
    if id(store) not in _backend:
        with store.db.reading() as tx:
            row = tx.one("SELECT pg_backend_pid() AS pid")
            _backend[id(store)] = int(row["pid"]) if row else 0
    try:
        told = Path(f"/proc/{_backend[id(store)]}/stat").read_text().rpartition(")")[2].split()
    except OSError:  # it runs elsewhere
        return 0.0
    return (int(told[11]) + int(told[12])) / _TICKS


def size(store: SqlStore) -> dict[str, Any]:
    """Bytes of the database, and of its journal where it has one."""
    if store.db.sqlite:
        place = Path(str(store.db.engine.url.database))
        journal = Path(f"{place}-wal")
        return {"bytes": place.stat().st_size, "journal": journal.stat().st_size if journal.exists() else 0}
    with store.db.reading() as tx:
        row = tx.one("SELECT pg_database_size(current_database()) AS bytes")
        return {"bytes": int(row["bytes"]) if row else 0, "journal": 0}


def questions(store: SqlStore, scope: Scope, last: int) -> dict[str, Any]:
    """What operators, CRMs and monitors ask all day, by name."""
    ref = f"S-{max(0, last - 7):08d}"
    some, _ = store.list_orders(scope, OrderQuery(limit=1))
    order = some[0] if some else None
    lists = {
        "orders, newest": OrderQuery(),
        "orders, composed": OrderQuery(piece_states=("composed",)),
        "orders, need attention": OrderQuery(piece_states=("needs_attention",)),
        "orders, a mail date": OrderQuery(mail_on=TODAY),
        "orders, cancelled": OrderQuery(states=("cancelled",)),
        "orders, held": OrderQuery(held=True),
        "orders, an import": OrderQuery(import_id="imp_alder"),
        "orders, a contact": OrderQuery(metadata={"contact": "C-1234567"}),
        "orders, the last hour": OrderQuery(since="2026-12-10T17:00:00Z"),
        "orders, an old page": OrderQuery(before=order.id if order else None),
    }
    asked: dict[str, Any] = {name: lambda query=query: store.list_orders(scope, query) for name, query in lists.items()}
    asked |= {
        "search, a reference": lambda: store.find(scope, ref),
        "search, a name": lambda: store.find(scope, "Novák"),
        "today": lambda: store.due(scope, TODAY, MONDAY),
        "what a close would gather": lambda: store.coming(scope, MONDAY),
        "stuck": lambda: store.stuck(scope),
        "batches, newest": lambda: store.batch_page(scope),
        "batches of a day": lambda: store.batches(scope, TODAY),
        "an order": lambda: store.order(scope, order.id if order else ref),
        "its log": lambda: store.events(scope, order.id) if order else (),
        "orders since midnight, to 10,000": lambda: store.count_since(scope, 1796860800.0, 10_000),
        "backlog, to 200,000": lambda: store.backlog(200_000),
        "metrics": lambda: store.measures(),
        "unserved": lambda: store.unserved(["compose"]),
    }  # fmt: skip
    return asked


def timed(store: SqlStore, scope: Scope, season: Season, last: int) -> dict[str, Any]:
    """Milliseconds of each question (the best of two), the age of the oldest of each state, the size."""
    took = {}
    for name, ask in questions(store, scope, last).items():
        best = 1e9
        for _ in range(2):
            begun = time.perf_counter()
            try:
                ask()
            except Exception as problem:  # an order that another tenant has
                if "No such order" not in str(problem):
                    raise
            best = min(best, (time.perf_counter() - begun) * 1e3)
        took[name] = round(best, 2)
    return {"looks": took, "oldest": dict(store.measures().oldest), **size(store)}


def walks(store: SqlStore, scope: Scope, last: int) -> dict[str, list[str]]:
    """By question, where the engine's plan reads a whole large table or a whole index of one."""
    found: dict[str, list[str]] = {}
    for name, ask in [*questions(store, scope, last).items(), ("due steps", lambda: store.due_steps(64, 20.0))]:
        seen: list[tuple[str, Any]] = []

        def keep(conn: Any, cursor: Any, statement: str, values: Any, *rest: Any, seen: Any = seen) -> None:
            seen.append((statement, values))

        sa.event.listen(store.db.engine, "before_cursor_execute", keep)
        try:
            ask()
        except Exception as problem:
            if "No such order" not in str(problem):
                raise
        finally:
            sa.event.remove(store.db.engine, "before_cursor_execute", keep)
        asked = [each for each in seen if each[0].lstrip().upper().startswith(("SELECT", "WITH"))]
        told = [line for sql, values in asked for line in _walked(store, sql, values)]
        if told:
            found[name] = sorted(set(told))
    return found


def _walked(store: SqlStore, sql: str, values: Any) -> list[str]:
    with store.db.reading() as tx:
        if store.db.sqlite:
            rows = tx.conn.exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}", values).all()
            told = [row[3] for row in rows if row[3].startswith("SCAN") and row[3].split()[1] in LARGE]
            return [line for line in told if line.split()[-1] not in _FEW]
        rows = tx.conn.exec_driver_sql(f"EXPLAIN (ANALYZE, FORMAT JSON) {sql}", values).scalar_one()
        return _sequential(rows[0]["Plan"])


def _sequential(plan: dict[str, Any]) -> list[str]:
    """Nodes of PostgreSQL's plan that read more than 5,000 rows of a large table in sequence."""
    read = (plan["Actual Rows"] + plan.get("Rows Removed by Filter", 0)) * plan["Actual Loops"]
    here = []
    if plan.get("Relation Name") in LARGE and read > 5000:
        here = [f"{plan['Node Type']} on {plan['Relation Name']}: {int(read)} rows"]
    return here + [line for part in plan.get("Plans", []) for line in _sequential(part)]


def counts(store: SqlStore) -> dict[str, Any]:
    """How many orders there are, and how many are composed."""
    with store.db.reading() as tx:
        row = tx.all("SELECT count(*) AS accepted, count(card) AS composed FROM pieces")[0]
    return {"accepted": int(row["accepted"]), "composed": int(row["composed"])}


_CHECKS = {
    "orders": "SELECT count(*) AS n FROM orders",
    "references": "SELECT count(*) AS n FROM (SELECT DISTINCT reference FROM orders) AS r",
    "pieces": "SELECT count(*) AS n FROM pieces",
    "pieces released": "SELECT count(*) AS n FROM pieces WHERE state = 'released' AND batch_id IS NOT NULL",
    "pieces in batches, as the batches count them": "SELECT coalesce(sum(pieces), 0) AS n FROM batches"
    " WHERE state = 'released'",
    "places in batches": "SELECT count(*) AS n FROM (SELECT DISTINCT batch_id, seq FROM pieces"
    " WHERE batch_id IS NOT NULL) AS p",
    "compose steps done": "SELECT count(*) AS n FROM steps WHERE kind = 'compose' AND state = 'done'",
}  # fmt: skip
_NONE = {
    "steps still open": "SELECT count(*) AS n FROM steps WHERE state = 'open'",
    "orders held": "SELECT count(*) AS n FROM orders WHERE held IS NOT NULL",
    "batches with a hole": "SELECT count(*) AS n FROM (SELECT b.id FROM batches b JOIN pieces p ON p.batch_id = b.id"
    " GROUP BY b.id, b.pieces HAVING count(*) <> b.pieces OR max(p.seq) <> b.pieces OR min(p.seq) <> 1) AS h",
    "pieces of another group than their batch": "SELECT count(*) AS n FROM pieces p JOIN batches b ON b.id = p.batch_id"
    " WHERE b.group_key <> p.group_key OR b.tenant <> p.tenant OR b.mail_on < p.mail_on",
    "pieces that went to another house than the one they were composed for": "SELECT count(*) AS n FROM pieces p"
    " JOIN batches b ON b.id = p.batch_id WHERE {spec} ->> 'house' IS NULL"
    " OR b.target NOT LIKE '%/house/' || ({spec} ->> 'house')",
}  # fmt: skip


def checked(store: SqlStore, orders: int) -> dict[str, Any]:
    """Every order in just one batch, every count the same, nothing left."""
    with store.db.reading() as tx:
        spec = "CAST(p.spec AS jsonb)" if tx.postgres else "p.spec"
        counts = {name: int(tx.all(sql.replace("{spec}", spec))[0]["n"]) for name, sql in {**_CHECKS, **_NONE}.items()}
    wrong = [name for name in _CHECKS if counts[name] != orders] + [name for name in _NONE if counts[name]]
    return {"counts": counts, "wrong": wrong}


def stamp() -> str:
    return dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
