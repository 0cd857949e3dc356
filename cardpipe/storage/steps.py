"""Steps: what is still to do, one row each; and which of them to hint now.

A hint is a Celery message and may be lost: its row becomes due again when the hint's time is over. At most ``window``
steps are hinted or held at any time, so the broker never holds a backlog (reliability.md 2.3); who gets a place among
them is said in ``turns``. Times are kept as start and length, or bounded by how far ahead they can honestly be, so that
a jump of the clock delays nothing for long.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator

import sqlalchemy as sa

from cardpipe.model.finding import Finding
from cardpipe.model.order import Scope
from cardpipe.model.stored import Claim
from cardpipe.storage.engine import Tx, new_id
from cardpipe.storage.events import text
from cardpipe.storage.tables import FLYING
from cardpipe.storage.turns import BATCH_KINDS, KINDS, QUEUE_OF, Lane, in_turn

#: How far a clock may step back before a lease that seems to start in the future is taken for a leftover.
SKEW = 5.0
#: The longest back-off. A ``not_before`` further ahead was written by a clock that has since been set back.
LONGEST_DELAY = 600.0

LEASE_OVER = "(:now < leased_at - :skew OR :now > leased_at + lease_len)"
RESTED = "(not_before <= :now OR not_before > :now + :longest)"
_HINT_OVER = "(hinted_until <= :now OR hinted_until > :now + :hint + :skew)"
_FREE = f"(token IS NULL OR {LEASE_OVER}) AND {_HINT_OVER} AND {RESTED} AND held IS NULL"

__all__ = ["BATCH_KINDS", "KINDS", "QUEUE_OF"]

_ADD = """
    INSERT INTO steps (tenant, mode, id, kind, subject, piece_id, batch_id, state, hinted_until, not_before, attempts,
                       lost_leases, held, lane)
    VALUES (:tenant, :mode, :id, :kind, :subject, :piece, :batch, 'open', 0, 0, 0, 0, :held, :lane)
"""
_REOPEN = """
    UPDATE steps SET state = 'open', token = NULL, leased_at = NULL, lease_len = NULL, hinted_until = 0, not_before = 0,
                     attempts = 0, lost_leases = 0, held = :held
    WHERE tenant = :tenant AND mode = :mode AND kind = :kind AND subject = :subject
"""
_CLOSE = """
    UPDATE steps SET state = :state, token = NULL, leased_at = NULL, lease_len = NULL
    WHERE tenant = :tenant AND mode = :mode AND kind = :kind AND subject = :subject AND state = 'open'
"""
_CLOSE_LANE = """
    UPDATE steps SET state = 'dropped', token = NULL, leased_at = NULL, lease_len = NULL
    WHERE tenant = :tenant AND mode = :mode AND kind = :kind AND lane = :lane AND state = 'open' AND held IS NULL
"""
_FINISH = """
    UPDATE steps SET state = 'done', token = NULL, leased_at = NULL, lease_len = NULL
    WHERE id = :id AND token = :token AND state = 'open'
"""
_HELD = f"SELECT count(*) AS steps FROM steps WHERE {FLYING} AND token IS NOT NULL AND NOT {LEASE_OVER}"
# the kinds behind ||: not by the index that has all open steps by kind, but by that of the few that fly
_UNSERVED = f"""
    SELECT count(*) AS steps FROM steps
    WHERE {FLYING} AND hinted_until > 0 AND held IS NULL AND {RESTED} AND kind || '' IN {{kinds}} AND NOT EXISTS (
        SELECT 1 FROM steps WHERE {FLYING} AND token IS NOT NULL AND NOT {LEASE_OVER} AND kind || '' IN {{kinds}})
"""
_IN_FLIGHT = f"{FLYING} AND ((token IS NOT NULL AND NOT {LEASE_OVER}) OR NOT {_HINT_OVER})"
_HOW_MANY_FLY = f"SELECT count(*) AS steps FROM steps WHERE {_IN_FLIGHT}"
# materialized: or SQLite walks all open steps in the index that has them by lane
_FLYING_BY_LANE = f"""
    WITH flying AS MATERIALIZED (SELECT kind, tenant, mode, lane FROM steps WHERE {_IN_FLIGHT})
    SELECT kind, tenant, mode, lane, count(*) AS steps FROM flying GROUP BY kind, tenant, mode, lane
"""
_OLDEST = f"""
    SELECT id FROM steps
    WHERE state = 'open' AND kind = {{lane}}.kind AND tenant = {{lane}}.tenant AND mode = {{lane}}.mode
      AND lane = {{lane}}.lane AND {_FREE}
    ORDER BY id LIMIT :page
"""
# from lane to lane by one look into ix_steps_open each, however many steps lie in them. The id beyond all ids makes
# SQLite seek behind the lane; what is joined by || has no affinity, or it would use the index's first column alone
_WAITING = f"""
    WITH RECURSIVE lanes (kind, tenant, mode, lane) AS (
        SELECT kind, tenant, mode, lane FROM (
            SELECT kind, tenant, mode, lane FROM steps WHERE state = 'open' AND held IS NULL
            ORDER BY kind, tenant, mode, lane LIMIT 1
        ) AS first
        UNION ALL
        SELECT steps.kind, steps.tenant, steps.mode, steps.lane FROM lanes JOIN steps ON steps.id = (
            SELECT beyond.id FROM steps AS beyond
            WHERE state = 'open' AND held IS NULL AND (beyond.kind, beyond.tenant, beyond.mode, beyond.lane, beyond.id)
                > (lanes.kind || '', lanes.tenant || '', lanes.mode || '', lanes.lane || '', 'zzzz')
            ORDER BY beyond.kind, beyond.tenant, beyond.mode, beyond.lane, beyond.id LIMIT 1
        )
    )
    SELECT kind, tenant, mode, lane, (SELECT {{gathered}}(id) FROM ({_OLDEST.format(lane="lanes")}) AS oldest) AS ids
    FROM lanes
"""
_MORE = f"""
    SELECT id FROM steps
    WHERE state = 'open' AND kind = :kind AND tenant = :tenant AND mode = :mode AND lane = :lane AND id > :after
      AND {_FREE}
    ORDER BY id LIMIT :page
"""
_HINT = f"""
    UPDATE steps SET hinted_until = :now + :hint
    WHERE id IN (SELECT id FROM steps WHERE id IN {{listed}} AND state = 'open' AND {_FREE}{{locked}})
    RETURNING id
"""
_PAGE = 8

_OF = """
    SELECT id, state, token FROM steps
    WHERE tenant = :tenant AND mode = :mode AND kind = :kind AND subject = :subject{locked}
"""
_MINE = "SELECT 1 AS one FROM steps WHERE id = :id AND token = :token AND state = 'open'{locked}"
_LEASED = f"SELECT 1 AS one FROM steps WHERE id = :id AND state = 'open' AND token IS NOT NULL AND NOT {LEASE_OVER}"


def add(
    tx: Tx, scope: Scope, kind: str, subject: str, *, batch: str | None = None, held: str | None = None, lane: str = ""
) -> str:
    """A first step for a piece, a batch, a remake (of ``batch``) or whatever the kind is about, in the transaction that
    makes it necessary. A step of a batch that is held is held with it. ``lane``: see ``turns``."""
    step_id = new_id("stp", tx.now)
    tx.run(
        _ADD, tenant=scope.tenant, mode=scope.mode, id=step_id, kind=kind, subject=subject, held=held, lane=lane,
        piece=subject if kind == "compose" else None, batch=batch or subject if kind in BATCH_KINDS else None,
    )  # fmt: skip
    return step_id


def add_or_reopen(tx: Tx, scope: Scope, kind: str, subject: str, lane: str = "") -> None:
    """A step for what may have had one before: it is open, with all of its attempts."""
    if of(tx, scope, kind, subject) is None:
        add(tx, scope, kind, subject, lane=lane)
    else:
        reopen(tx, scope, kind, subject)


def of(tx: Tx, scope: Scope, kind: str, subject: str) -> sa.RowMapping | None:
    """The step of that kind, if there ever was one: its id, state and token. Nobody claims it until this transaction
    ends: what is decided on it stays true."""
    sql = _OF.format(locked=" FOR UPDATE" if tx.postgres else "")
    return tx.one(sql, tenant=scope.tenant, mode=scope.mode, kind=kind, subject=subject)


def leased(tx: Tx, step_id: str) -> bool:
    """Whether somebody is at it at this moment."""
    return tx.one(_LEASED, id=step_id, now=tx.now, skew=SKEW) is not None


def reopen(tx: Tx, scope: Scope, kind: str, subject: str, *, held: str | None = None) -> None:
    """The same work again, from the start and with all its attempts: a token that is out is worth nothing any more."""
    tx.run(_REOPEN, tenant=scope.tenant, mode=scope.mode, kind=kind, subject=subject, held=held)


def drop(tx: Tx, scope: Scope, kind: str, subject: str) -> None:
    """The work is not wanted any more. Whoever is at it finds its token gone."""
    tx.run(_CLOSE, tenant=scope.tenant, mode=scope.mode, kind=kind, subject=subject, state="dropped")


def stop(tx: Tx, scope: Scope, kind: str, subject: str) -> None:
    """The work waits for a person."""
    tx.run(_CLOSE, tenant=scope.tenant, mode=scope.mode, kind=kind, subject=subject, state="stopped")


def drop_lane(tx: Tx, scope: Scope, kind: str, lane: str) -> None:
    """None of the work of that lane is wanted any more."""
    tx.run(_CLOSE_LANE, tenant=scope.tenant, mode=scope.mode, kind=kind, lane=lane)


def still_mine(tx: Tx, claim: Claim) -> bool:
    """Whether the claim holds; nobody takes the step over until this transaction ends."""
    sql = _MINE.format(locked=" FOR UPDATE" if tx.postgres else "")
    return tx.one(sql, id=claim.step_id, token=claim.token) is not None


def finish(tx: Tx, step_id: str, token: str) -> bool:
    """Done, by compare-and-set on the token. False: somebody else holds or has done it."""
    return bool(tx.run(_FINISH, id=step_id, token=token))


def codes(findings: Iterable[Finding]) -> str:
    """What went wrong, as a reason in the log: each code once."""
    return ", ".join(dict.fromkeys(finding.code for finding in findings))


def leases(tx: Tx) -> int:
    """How many steps are worked on at this moment."""
    row = tx.one(_HELD, now=tx.now, skew=SKEW)
    return int(row["steps"]) if row else 0


def unserved(tx: Tx, queues: Collection[str]) -> int:
    """How many hinted steps of these queues nobody has taken, while nobody works on any of them. More than 0 is common
    for a moment; for long it means that their workers do not hear, whatever their processes look like."""
    kinds = [kind for kind, queue in QUEUE_OF.items() if queue in queues]
    sql = _UNSERVED.format(kinds=tx.listed("kinds"))
    row = tx.one(sql, now=tx.now, skew=SKEW, longest=LONGEST_DELAY, kinds=text(kinds))
    return int(row["steps"]) if row else 0


def due(tx: Tx, window: int, hint_seconds: float) -> list[tuple[str, str]]:
    """(step id, kind) of what should be hinted now, in everybody's turn. Only looks: ``hint`` makes it so."""
    moment = _moment(tx, hint_seconds)
    flying = {_lane(row): int(row["steps"]) for row in tx.all(_FLYING_BY_LANE, **moment)}
    if window <= sum(flying.values()):
        return []
    sql = _WAITING.format(gathered="json_agg" if tx.postgres else "json_group_array")
    waiting = {}
    for row in tx.all(sql, page=_PAGE, **moment):
        ids = json.loads(row["ids"] or "[]") if isinstance(row["ids"], str) else row["ids"] or []
        if ids and row["kind"] in QUEUE_OF:
            waiting[_lane(row)] = _oldest_first(tx, _lane(row), ids, moment)
    return in_turn(window, flying, waiting)


def hint(tx: Tx, found: list[tuple[str, str]], window: int, hint_seconds: float) -> list[tuple[str, str]]:
    """Mark what was found as hinted; those of them that nobody else took or hinted since, no more than there is room
    for."""
    moment = _moment(tx, hint_seconds)
    flying = tx.one(_HOW_MANY_FLY, **moment)
    room = window - (int(flying["steps"]) if flying else 0)
    sql = _HINT.format(listed=tx.listed("ids"), locked=" FOR UPDATE SKIP LOCKED" if tx.postgres else "")
    ids = text([step for step, _ in found[: max(0, room)]])
    marked = {row["id"] for row in tx.all(sql, ids=ids, **moment)}
    return [(step, kind) for step, kind in found if step in marked]


def _moment(tx: Tx, hint_seconds: float) -> dict[str, float]:
    return {"now": tx.now, "skew": SKEW, "hint": hint_seconds, "longest": LONGEST_DELAY}


def _lane(row: sa.RowMapping) -> Lane:
    return Lane(row["kind"], row["tenant"], row["mode"], row["lane"])


def _oldest_first(tx: Tx, lane: Lane, ids: list[str], moment: dict[str, float]) -> Iterator[str]:
    """The steps of a lane that may be hinted: those that were read with all lanes, then more, if it comes to that."""
    page = _PAGE
    while ids:
        yield from ids
        if len(ids) < page:
            return
        page = 8 * page
        ids = [row["id"] for row in tx.all(_MORE, **lane._asdict(), after=ids[-1], page=page, **moment)]
