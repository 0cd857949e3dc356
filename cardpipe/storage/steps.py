"""Steps: what is still to do, one row each; and which of them to hint now.

A hint is a Celery message and may be lost: its row becomes due again when the hint's time is over. At most ``window``
steps are hinted or held at any time, so the broker never holds a backlog (reliability.md 2.3). Times are kept as start
and length, or bounded by how far ahead they can honestly be, so that a jump of the clock delays nothing for long.
"""

from __future__ import annotations

import sqlalchemy as sa

from cardpipe.model.order import Scope
from cardpipe.storage.engine import Tx, new_id
from cardpipe.storage.events import text
from cardpipe.storage.tables import FLYING

#: How far a clock may step back before a lease that seems to start in the future is taken for a leftover.
SKEW = 5.0
#: The longest back-off. A ``not_before`` further ahead was written by a clock that has since been set back.
LONGEST_DELAY = 600.0

LEASE_OVER = "(:now < leased_at - :skew OR :now > leased_at + lease_len)"
RESTED = "(not_before <= :now OR not_before > :now + :longest)"
_HINT_OVER = "(hinted_until <= :now OR hinted_until > :now + :hint + :skew)"
_FREE = f"(token IS NULL OR {LEASE_OVER}) AND {_HINT_OVER} AND {RESTED} AND held IS NULL"

_ADD = """
    INSERT INTO steps (tenant, mode, id, kind, subject, piece_id, batch_id, state, hinted_until, not_before, attempts,
                       lost_leases, held)
    VALUES (:tenant, :mode, :id, :kind, :subject, :piece, :batch, 'open', 0, 0, 0, 0, :held)
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
_FINISH = """
    UPDATE steps SET state = 'done', token = NULL, leased_at = NULL, lease_len = NULL
    WHERE id = :id AND token = :token AND state = 'open'
"""
_IN_FLIGHT = f"""
    SELECT count(*) AS steps FROM steps
    WHERE {FLYING} AND ((token IS NOT NULL AND NOT {LEASE_OVER}) OR NOT {_HINT_OVER})
"""
_HELD = f"SELECT count(*) AS steps FROM steps WHERE {FLYING} AND token IS NOT NULL AND NOT {LEASE_OVER}"
_UNSERVED = f"""
    SELECT count(*) AS steps FROM steps
    WHERE {FLYING} AND hinted_until > 0 AND held IS NULL AND {RESTED} AND NOT EXISTS (
        SELECT 1 FROM steps WHERE {FLYING} AND token IS NOT NULL AND NOT {LEASE_OVER})
"""
_NEXT_OWNER = """
    SELECT tenant, mode FROM steps
    WHERE state = 'open' AND kind = :kind AND (tenant, mode) > (:tenant, :mode) ORDER BY tenant, mode LIMIT 1
"""
_DUE = f"""
    SELECT id FROM steps
    WHERE state = 'open' AND kind = :kind AND tenant = :tenant AND mode = :mode AND {_FREE}
    ORDER BY id LIMIT :room{{locked}}
"""
_HINT = "UPDATE steps SET hinted_until = :now + :hint WHERE state = 'open' AND id IN {listed}"

_OF = """
    SELECT id, state, token FROM steps
    WHERE tenant = :tenant AND mode = :mode AND kind = :kind AND subject = :subject{locked}
"""
_LEASED = f"SELECT 1 AS one FROM steps WHERE id = :id AND state = 'open' AND token IS NOT NULL AND NOT {LEASE_OVER}"

#: Batches first: tomorrow's orders must not hold up today's press; and before all, what the house waits for.
KINDS = ("release", "remake", "impose", "compose")


def add(tx: Tx, scope: Scope, kind: str, subject: str, *, batch: str | None = None, held: str | None = None) -> str:
    """A first step for a piece, a batch or a remake (of ``batch``), in the transaction that makes it necessary. A step
    of a batch that is held is held with it."""
    step_id = new_id("stp", tx.now)
    tx.run(
        _ADD, tenant=scope.tenant, mode=scope.mode, id=step_id, kind=kind, subject=subject, held=held,
        piece=subject if kind == "compose" else None, batch=None if kind == "compose" else batch or subject,
    )  # fmt: skip
    return step_id


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


def finish(tx: Tx, step_id: str, token: str) -> bool:
    """Done, by compare-and-set on the token. False: somebody else holds or has done it."""
    return bool(tx.run(_FINISH, id=step_id, token=token))


def leases(tx: Tx) -> int:
    """How many steps are worked on at this moment."""
    row = tx.one(_HELD, now=tx.now, skew=SKEW)
    return int(row["steps"]) if row else 0


def unserved(tx: Tx) -> int:
    """How many hinted steps nobody has taken, while nobody works on anything. More than 0 is common for a moment; for
    long it means that the workers do not hear, whatever their processes look like."""
    row = tx.one(_UNSERVED, now=tx.now, skew=SKEW, longest=LONGEST_DELAY)
    return int(row["steps"]) if row else 0


def due(tx: Tx, window: int, hint_seconds: float, *, only_look: bool = False) -> list[tuple[str, str]]:
    """(step id, kind) to hint now, marked as hinted unless ``only_look``; one from each tenant in turn."""
    moment = {"now": tx.now, "skew": SKEW, "hint": hint_seconds, "longest": LONGEST_DELAY}
    flying = tx.one(_IN_FLIGHT, **moment)
    room = window - (flying["steps"] if flying else 0)
    found: list[tuple[str, str]] = []
    for kind in KINDS:
        if room > len(found):
            found += [(step, kind) for step in _in_turn(tx, kind, room - len(found), moment)]
        if found and only_look:
            return found
    if found and not only_look:
        _mark(tx, found, moment)
    return found


def _mark(tx: Tx, found: list[tuple[str, str]], moment: dict[str, float]) -> None:
    sql = _HINT.format(listed=tx.listed("ids"))
    tx.run(sql, ids=text([step for step, _ in found]), now=moment["now"], hint=moment["hint"])


def _in_turn(tx: Tx, kind: str, room: int, moment: dict[str, float]) -> list[str]:
    """Round and round the tenants, oldest step first, until the room is used up: a flood from one delays no other."""
    queues = []
    for tenant, mode in _owners(tx, kind):
        rows = tx.all(
            _DUE.format(locked=" FOR UPDATE SKIP LOCKED" if tx.postgres else ""),
            kind=kind, tenant=tenant, mode=mode, room=room, **moment,
        )  # fmt: skip
        if rows:
            queues.append([row["id"] for row in rows])
    turns = max((len(queue) for queue in queues), default=0)
    taken = [queue[turn] for turn in range(turns) for queue in queues if turn < len(queue)]
    return taken[:room]


def _owners(tx: Tx, kind: str) -> list[tuple[str, str]]:
    """Who has open steps: one look into the index for each, however many steps there are."""
    found: list[tuple[str, str]] = []
    last = ("", "")
    while row := tx.one(_NEXT_OWNER, kind=kind, tenant=last[0], mode=last[1]):
        last = (row["tenant"], row["mode"])
        found.append(last)
    return found
