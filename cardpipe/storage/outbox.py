"""The outbox: the log as others are told it. Pages for those who ask, deliveries for those who listen.

On PostgreSQL a transaction may end later than one that began after it, and its events would then lie behind a reader's
cursor. So the log is read by (xact, id) and only as far as every transaction has ended: what a reader has passed is
complete for ever. The price: an event is told only once all transactions that began before it are over.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from typing import Any

import sqlalchemy as sa

from cardpipe.model.errors import Refused
from cardpipe.model.finding import error
from cardpipe.model.order import Scope
from cardpipe.model.outbox import ANY, ORDER_ID, SOURCES, Endpoint, Told, event_id, told_reason, told_type
from cardpipe.storage import batches, endpoints
from cardpipe.storage.engine import Tx, new_id
from cardpipe.storage.events import text

#: Every transaction before this one has ended. SQLite's writers queue: all of its events are of transaction 0.
_CEILING = "SELECT CAST(CAST(pg_snapshot_xmin(pg_current_snapshot()) AS text) AS bigint) AS xact"
_JOINED = """
    SELECT e.*, coalesce(p.order_id, o.id, i.id, '') AS order_id, o.held_code,
           coalesce(p.reference, o.reference, i.reference, '') AS reference
    FROM events e
    LEFT JOIN pieces p ON e.kind = 'piece' AND p.tenant = e.tenant AND p.mode = e.mode AND p.id = e.subject
    LEFT JOIN orders o ON e.kind <> 'piece' AND o.tenant = e.tenant AND o.mode = e.mode AND o.id = e.subject
    LEFT JOIN intake i ON e.kind = 'intake' AND i.tenant = e.tenant AND i.mode = e.mode AND i.id = e.subject
"""
_PAGE = f"""
    {_JOINED}
    WHERE e.tenant = :tenant AND e.mode = :mode AND (e.xact, e.id) > (:xact, :id) AND e.xact < :ceiling AND ({{types}})
    ORDER BY e.xact, e.id LIMIT :limit
"""
_LAST = """
    SELECT xact, id FROM events
    WHERE tenant = :tenant AND mode = :mode AND (xact, id) > (:xact, :id) AND xact < :ceiling
    ORDER BY xact DESC, id DESC LIMIT 1
"""
_WAITING = "SELECT 1 AS one FROM events WHERE pending = 1 LIMIT 1"
_TAKE = "SELECT id FROM events WHERE pending = 1 ORDER BY id LIMIT :limit{locked}"
_THESE = "(SELECT CAST(value AS BIGINT) FROM {listed} AS these)"
_TAKEN = f"{_JOINED} WHERE e.id IN {_THESE} ORDER BY e.id"
_DONE = f"UPDATE events SET pending = 0 WHERE id IN {_THESE}"
_WAIT_FOR = """
    SELECT endpoint_id, order_id, max(next_at) AS next_at FROM deliveries
    WHERE state = 'pending' AND tenant = :tenant AND mode = :mode AND endpoint_id = :endpoint AND next_at > :now
      AND order_id IN {listed}
    GROUP BY endpoint_id, order_id
"""
_ADD = """
    INSERT INTO deliveries (tenant, mode, id, endpoint_id, event_id, order_id, type, body, state, attempts, next_at,
                            created_at)
    VALUES (:tenant, :mode, :id, :endpoint_id, :event_id, :order_id, :type, :body, 'pending', 0, :next_at, :at)
    ON CONFLICT (tenant, mode, endpoint_id, event_id) DO NOTHING
"""
_BATCHES = "SELECT * FROM batches WHERE tenant = :tenant AND mode = :mode AND id IN {listed}"
_CURSOR = re.compile(r"([0-9a-f]{1,15})-([0-9a-f]{1,15})")


def told(tx: Tx, scope: Scope, after: str | None, types: Sequence[str], limit: int) -> tuple[list[Told], str | None]:
    """The next events of these types (none named: of all), oldest first, and the cursor behind them. The cursor moves
    past what was not asked for, too. Raises Refused for a cursor or a type that is none."""
    ceiling = _ceiling(tx)
    xact, number = _read(after)
    if xact >= ceiling:  # of another database (this one was restored from it): its rows are older than all of ours
        xact = 0
    key: dict[str, Any] = {"tenant": scope.tenant, "mode": scope.mode, "xact": xact, "id": number, "ceiling": ceiling}
    rows = tx.all(_PAGE.format(types=_only(types)), **key, limit=limit)
    last = rows[-1] if len(rows) >= limit else tx.one(_LAST, **key)
    return [each for each, _ in _tell(tx, rows)], after if last is None else f"{last['xact']:x}-{last['id']:x}"


def waiting(tx: Tx) -> bool:
    """Whether any event waits to become deliveries."""
    return tx.one(_WAITING) is not None


def fan_out(tx: Tx, limit: int) -> int:
    """The oldest events that wait become a delivery for each endpoint that wants them; how many events these were.
    Others may do the same at this moment with other events: what belongs to one order is put right when it is sent."""
    rows = tx.all(_TAKE.format(locked=" FOR UPDATE SKIP LOCKED" if tx.postgres else ""), limit=limit)
    if not rows:
        return 0
    ids = text([row["id"] for row in rows])
    found = _tell(tx, tx.all(_TAKEN.format(listed=tx.listed("ids")), ids=ids))
    listeners = endpoints.listening(tx, {each.scope for each, _ in found})
    wanted: dict[tuple[Scope, str], list[tuple[Told, int]]] = {}
    for each, number in found:
        for endpoint in listeners.get(each.scope, ()):
            if _wants(endpoint, each):
                wanted.setdefault((each.scope, endpoint.id), []).append((each, number))
    for (scope, endpoint_id), those in sorted(wanted.items()):
        _deliver(tx, scope, endpoint_id, those)
        endpoints.open_step(tx, scope, endpoint_id)
    tx.run(_DONE.format(listed=tx.listed("ids")), ids=ids)
    return len(rows)


def _wants(endpoint: Endpoint, each: Told) -> bool:
    """A test is for the endpoint that is tested, whatever it listens to, and for no other."""
    if each.type == "webhook.test":
        return endpoint.id == each.subject
    return not endpoint.types or each.type in endpoint.types


def _deliver(tx: Tx, scope: Scope, endpoint_id: str, those: list[tuple[Told, int]]) -> None:
    """Messages for one endpoint. Where an older one of the same order waits for its next try, they wait with it."""
    key = {"tenant": scope.tenant, "mode": scope.mode}
    orders = sorted({each.order for each, _ in those} - {""})
    rows = tx.all(
        _WAIT_FOR.format(listed=tx.listed("orders")), **key, endpoint=endpoint_id, now=tx.now, orders=text(orders)
    )
    later = {row["order_id"]: row["next_at"] for row in rows}
    tx.run_each(
        _ADD,
        [
            {**key, "id": new_id("msg", tx.now), "endpoint_id": endpoint_id, "event_id": number, "order_id": each.order,
             "type": each.type, "body": each.body.decode(), "next_at": later.get(each.order, tx.now), "at": tx.at}
            for each, number in those
        ],
    )  # fmt: skip


def _ceiling(tx: Tx) -> int:
    """Events of this transaction and later ones may still get company from earlier ones."""
    row = tx.one(_CEILING) if tx.postgres else None
    return int(row["xact"]) if row else 1


def _read(cursor: str | None) -> tuple[int, int]:
    """Raises Refused for what no page ever gave."""
    found = _CURSOR.fullmatch(cursor) if cursor else None
    if cursor and found is None:
        raise Refused(
            "This cursor was never given.",
            [error("events.cursor", "after", "is no cursor of this list", "use the one that the last page gave")],
        )
    return (int(found[1], 16), int(found[2], 16)) if found else (-1, 0)


def _only(types: Sequence[str]) -> str:
    """The condition that an event is of one of these types, as SQL; the same as :func:`told_type`. Raises Refused."""
    endpoints.known(types, "types")
    parts = []
    for kind, new in (SOURCES[name] for name in types or SOURCES):
        part = f"e.kind = '{kind}'"
        if new != ANY:
            part += " AND e.new IS NULL" if new is None else f" AND e.new = '{new}'"
        if kind == "piece":
            part += " AND (e.old IS NULL OR e.old <> e.new)"
        if kind == "hold":
            part += f" AND substr(e.subject, 1, {len(ORDER_ID)}) = '{ORDER_ID}'"
        parts.append(f"({part})")
    return " OR ".join(parts)


def _tell(tx: Tx, rows: Iterable[sa.RowMapping]) -> list[tuple[Told, int]]:
    """Rows of the log as they are told, each with its number; those that nobody is told of are left out."""
    read = [(row, Scope(row["tenant"], row["mode"]), json.loads(row["detail"])) for row in rows]
    names: dict[tuple[Scope, str], str] = {}
    for scope in {scope for _, scope, _ in read}:
        ids = {detail["batch"] for _, its, detail in read if its == scope and isinstance(detail.get("batch"), str)}
        names |= {(scope, key): name for key, name in _names(tx, scope, ids).items()}
    return [
        (
            Told(
                event_id(row["id"]), scope, name, row["at"], row["order_id"], row["reference"], row["subject"],
                name.partition(".")[2], told_reason(row["kind"], row["new"], row["reason"], detail, row["held_code"]),
                names.get((scope, str(detail.get("batch"))), ""),
            ),
            row["id"],
        )
        for row, scope, detail in read
        if (name := told_type(row["kind"], row["new"], old=row["old"], subject=row["subject"])) is not None
    ]  # fmt: skip


def _names(tx: Tx, scope: Scope, ids: set[str]) -> dict[str, str]:
    """Batches' names, as they are now: an ejected piece gives its batch a new revision, and so a new name."""
    if not ids:
        return {}
    sql = _BATCHES.format(listed=tx.listed("ids"))
    rows = tx.all(sql, tenant=scope.tenant, mode=scope.mode, ids=text(sorted(ids)))
    return {row["id"]: batches.from_row(row, ()).name for row in rows}
