"""Endpoints: who listens, of what, and until when a replaced secret signs as well.

Whoever changes an endpoint, its step or its deliveries locks the endpoint first, so that two of them never wait for
each other in a circle.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from cardpipe.model.errors import Conflict, Refused
from cardpipe.model.finding import error
from cardpipe.model.order import Scope
from cardpipe.model.outbox import TYPES, Endpoint, NewEndpoint
from cardpipe.storage import audit, steps
from cardpipe.storage.engine import Tx, new_id
from cardpipe.storage.events import log, text

#: The step that tells an endpoint: its subject is the endpoint.
KIND = "events"
#: So many endpoints may listen for one tenant and mode: each event is sent to all of them.
MOST = 10
#: For so long the secret that was replaced signs as well.
ROTATION = dt.timedelta(hours=24)

_ADD = """
    INSERT INTO endpoints (tenant, mode, id, url, types, enabled, disabled_reason, generation, rotated_until,
                           created_at)
    VALUES (:tenant, :mode, :id, :url, :types, 1, '', 1, '', :at)
"""
_OF = """
    SELECT endpoints.*, (SELECT count(*) FROM deliveries d
                         WHERE d.tenant = endpoints.tenant AND d.mode = endpoints.mode
                           AND d.endpoint_id = endpoints.id AND d.state = 'pending') AS pending
    FROM endpoints WHERE tenant = :tenant AND mode = :mode {narrowed} ORDER BY id
"""
_LOCK = "SELECT * FROM endpoints WHERE tenant = :tenant AND mode = :mode AND id = :id{locked}"
_LISTENING = """
    SELECT *, 0 AS pending FROM endpoints WHERE enabled = 1 AND tenant IN {listed} ORDER BY tenant, mode, id{locked}
"""
_DISABLE = """
    UPDATE endpoints SET enabled = 0, disabled_reason = :reason WHERE tenant = :tenant AND mode = :mode AND id = :id
"""
_DROP_ANSWERS = """
    DELETE FROM answers WHERE tenant = :tenant AND mode = :mode AND delivery_id IN (
        SELECT id FROM deliveries WHERE tenant = :tenant AND mode = :mode AND endpoint_id = :id)
"""
_DROP_DELIVERIES = "DELETE FROM deliveries WHERE tenant = :tenant AND mode = :mode AND endpoint_id = :id"
_DROP = "DELETE FROM endpoints WHERE tenant = :tenant AND mode = :mode AND id = :id"
_OPEN = """
    INSERT INTO steps (tenant, mode, id, kind, subject, state, hinted_until, not_before, attempts, lost_leases)
    VALUES (:tenant, :mode, :step, :kind, :subject, 'open', 0, 0, 0, 0)
    ON CONFLICT (kind, subject) DO UPDATE
    SET state = 'open', token = NULL, leased_at = NULL, lease_len = NULL, hinted_until = 0, not_before = 0,
        attempts = 0, lost_leases = 0
    WHERE steps.state <> 'open'
"""
_RESTED = """
    UPDATE steps SET not_before = 0
    WHERE tenant = :tenant AND mode = :mode AND kind = :kind AND subject = :subject AND state = 'open'
"""


def add(tx: Tx, new: NewEndpoint, actor: str) -> Endpoint:
    """It is told of what happens from now on. Raises Refused for types that are none, Conflict for one too many."""
    known(new.types, "types")
    key = {"tenant": new.scope.tenant, "mode": new.scope.mode}
    tx.alone()  # two at once would both be the last
    if len(listed(tx, new.scope)) >= MOST:
        raise Conflict(
            "There are too many endpoints.",
            [error("webhook.too_many", "url", f"{MOST} endpoints are there already", "delete one that is not needed")],
        )
    endpoint_id = new_id("whk", tx.now)
    tx.run(_ADD, **key, id=endpoint_id, url=new.url, types=text(sorted(set(new.types))), at=tx.at)
    audit.add(tx, new.scope.tenant, actor, "webhook.added", endpoint_id, mode=new.scope.mode)
    return one(tx, new.scope, endpoint_id)


def one(tx: Tx, scope: Scope, endpoint_id: str) -> Endpoint:
    """By id. Raises Refused where this tenant has none."""
    rows = tx.all(_OF.format(narrowed="AND id = :id"), **_key(scope, endpoint_id))
    if not rows:
        raise _unknown()
    return _from(dict(rows[0]))


def listed(tx: Tx, scope: Scope) -> list[Endpoint]:
    """Oldest first."""
    return [_from(dict(row)) for row in tx.all(_OF.format(narrowed=""), tenant=scope.tenant, mode=scope.mode)]


def listening(tx: Tx, scopes: Iterable[Scope]) -> dict[Scope, list[Endpoint]]:
    """The enabled endpoints of these tenants; none of them is dropped before this transaction ends."""
    tenants = sorted({scope.tenant for scope in scopes})
    sql = _LISTENING.format(listed=tx.listed("tenants"), locked=" FOR KEY SHARE" if tx.postgres else "")
    found: dict[Scope, list[Endpoint]] = {}
    for row in tx.all(sql, tenants=text(tenants)) if tenants else []:
        found.setdefault(Scope(row["tenant"], row["mode"]), []).append(_from(dict(row)))
    return found


def enabled(tx: Tx, scope: Scope, endpoint_id: str) -> Endpoint | None:
    """By id, if it is there and listens; what waits for it is not counted."""
    row = tx.one(_LOCK.format(locked=""), **_key(scope, endpoint_id))
    return _from({**row, "pending": 0}) if row and row["enabled"] else None


def locked(tx: Tx, scope: Scope, endpoint_id: str, strength: str = "NO KEY UPDATE") -> sa.RowMapping:
    """Nobody else changes it, its step or its deliveries until this transaction ends. Raises Refused."""
    row = tx.one(_LOCK.format(locked=f" FOR {strength}" if tx.postgres else ""), **_key(scope, endpoint_id))
    if row is None:
        raise _unknown()
    return row


def change(
    tx: Tx, scope: Scope, endpoint_id: str, actor: str, url: str | None, types: Sequence[str] | None,
    enabled: bool | None, rotate: bool,
) -> Endpoint:  # fmt: skip
    """What is given is changed. Switched on, it is sent at once what waited for it. ``rotate``: the secret of the next
    generation; the one before signs for a day, and what was replaced before that signs no more."""
    known(types or (), "types")
    was = locked(tx, scope, endpoint_id)
    columns: dict[str, Any] = {}
    if url is not None:
        columns |= {"url": url}
    if types is not None:
        columns |= {"types": text(sorted(set(types)))}
    if enabled is not None:
        columns |= {"enabled": int(enabled), "disabled_reason": "" if enabled else "switched off"}
        columns |= {"failing_since": ""} if enabled else {}
    if rotate:
        until = dt.datetime.fromtimestamp(tx.now, dt.UTC) + ROTATION
        columns |= {"generation": was["generation"] + 1, "rotated_until": iso(until)}
    if columns:
        sets = ", ".join(f"{name} = :{name}" for name in columns)
        sql = f"UPDATE endpoints SET {sets} WHERE tenant = :tenant AND mode = :mode AND id = :id"
        tx.run(sql, **_key(scope, endpoint_id), **columns)
        changed = [name for name in ("url", "types", "enabled", "generation") if name in columns]
        audit.add(tx, scope.tenant, actor, "webhook.changed", endpoint_id, mode=scope.mode, fields=changed)
    if enabled:
        open_step(tx, scope, endpoint_id, afresh=True)
    return one(tx, scope, endpoint_id)


def drop(tx: Tx, scope: Scope, endpoint_id: str, actor: str) -> None:
    """It is gone, with all that was sent or still to be sent to it. Whoever is at it finds his claim lost."""
    locked(tx, scope, endpoint_id, "UPDATE")
    steps.drop(tx, scope, KIND, endpoint_id)
    for sql in (_DROP_ANSWERS, _DROP_DELIVERIES, _DROP):
        tx.run(sql, **_key(scope, endpoint_id))
    audit.add(tx, scope.tenant, actor, "webhook.dropped", endpoint_id, mode=scope.mode)


def disable(tx: Tx, scope: Scope, endpoint_id: str, reason: str) -> None:
    """Nothing more is sent there until somebody switches it on; what waits for it is kept."""
    if tx.run(_DISABLE, **_key(scope, endpoint_id), reason=reason):
        log(tx, scope, "webhook", endpoint_id, "enabled", "disabled", reason)


def probe(tx: Tx, scope: Scope, endpoint_id: str, actor: str) -> None:
    """An event that only this endpoint is told of, whatever it listens to. Conflict where it is disabled."""
    must_listen(locked(tx, scope, endpoint_id))
    log(tx, scope, "webhook", endpoint_id, None, "test", "test", actor=actor)


def must_listen(row: sa.RowMapping) -> None:
    """Raises Conflict for a disabled endpoint."""
    if not row["enabled"]:
        message = f"is disabled: {row['disabled_reason']}"
        raise Conflict(
            "This endpoint is disabled.",
            [error("webhook.disabled", "id", message, "mend the receiver, then switch the endpoint on")],
        )


def open_step(tx: Tx, scope: Scope, endpoint_id: str, *, afresh: bool = False) -> None:
    """There is something to send. An open step stays as it is, and in its worker's hands; ``afresh``: a person asked,
    and a rest that it takes is over."""
    tx.run(_OPEN, tenant=scope.tenant, mode=scope.mode, step=new_id("stp", tx.now), kind=KIND, subject=endpoint_id)
    if afresh:
        tx.run(_RESTED, tenant=scope.tenant, mode=scope.mode, kind=KIND, subject=endpoint_id)


def known(types: Sequence[str], where: str) -> None:
    """Raises Refused with every type that is none."""
    if wrong := sorted(set(types) - set(TYPES)):
        remedy = f"choose among: {', '.join(TYPES)}"
        raise Refused(
            "There are no such events.",
            [error("webhook.types", where, f"{name[:60]!r} is no type of event", remedy) for name in wrong],
        )


def iso(moment: dt.datetime) -> str:
    """As moments are kept in a column: UTC, milliseconds."""
    return moment.astimezone(dt.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _key(scope: Scope, endpoint_id: str) -> dict[str, str]:
    return {"tenant": scope.tenant, "mode": scope.mode, "id": endpoint_id}


def _unknown() -> Refused:
    return Refused(
        "No such endpoint.", [error("webhook.unknown", "id", "no endpoint has this id", "list the endpoints")]
    )


def _from(row: Mapping[str, Any]) -> Endpoint:
    return Endpoint(
        row["id"], Scope(row["tenant"], row["mode"]), row["url"], tuple(json.loads(row["types"])), bool(row["enabled"]),
        row["disabled_reason"], row["generation"], row["rotated_until"], row["created_at"], row["pending"],
        row["failing_since"],
    )  # fmt: skip
