"""Holding, resuming, and taking up again what needed attention: what a person does to the flow."""

from __future__ import annotations

import sqlalchemy as sa

from cardpipe.model.errors import Conflict, Refused
from cardpipe.model.finding import error
from cardpipe.model.order import Scope
from cardpipe.model.status import PieceState
from cardpipe.storage import duplicates, pieces, steps
from cardpipe.storage.engine import Tx
from cardpipe.storage.events import log

# by order or subject, whatever a database without statistics thinks of indexes on tenant and mode: all rows otherwise
_OF_SCOPE = "tenant || '' = :tenant AND mode || '' = :mode"
_OF_ORDER = f"{_OF_SCOPE} AND order_id = :id"
#: By an id's prefix: the table it lives in, and which steps stand still with it.
_KINDS = {
    "ord": ("orders", f"kind = 'compose' AND subject IN (SELECT id FROM pieces WHERE {_OF_ORDER})"),
    "pce": ("pieces", "kind = 'compose' AND subject = :id"),
    "bat": ("batches", "batch_id = :id"),
}
_FLAG = "UPDATE {table} SET held = :held{also} WHERE tenant = :tenant AND mode = :mode AND id = :id"
_ALSO = {"orders": ", held_code = :code, duplicate_of = :other", "pieces": "", "batches": ", held_by = NULL"}
_FLAG_PIECES = f"UPDATE pieces SET held = :held WHERE {_OF_ORDER}"
_FLAG_STEPS = f"UPDATE steps SET held = :held, hinted_until = 0 WHERE {_OF_SCOPE} AND {{those}}"
_HOLD_BATCH = "UPDATE batches SET held = :held, held_by = :by WHERE tenant = :tenant AND mode = :mode AND id = :id"
_FRESH = f"UPDATE steps SET attempts = 0, lost_leases = 0, not_before = 0 WHERE {_OF_SCOPE} AND {{those}}"
_ORDER_OF = """
    SELECT o.id, o.held FROM orders o JOIN pieces p ON p.tenant = o.tenant AND p.mode = o.mode AND p.order_id = o.id
    WHERE p.tenant = :tenant AND p.mode = :mode AND p.id = :id AND o.held IS NOT NULL
"""
_ORDER = """
    SELECT id, natural_key, held, held_code, duplicate_of FROM orders
    WHERE tenant = :tenant AND mode = :mode AND id = :id AND state = 'accepted' AND held IS NOT NULL
      AND duplicate_allowed = 0{locked}
"""


def flag(
    tx: Tx, scope: Scope, subject: str, held: str | None, reason: str, code: str = "operator", actor: str = ""
) -> Conflict | None:
    """Hold an order, a piece or a batch for a reason, or end its hold (``held`` is None) with all its attempts anew.
    Holding an order holds its piece. Work under way may end, and its result waits.

    An order that would go on beside another of its natural key is not resumed: what holds it from now on is that, and
    the Conflict is given back for whoever calls to commit and to raise."""
    if held is None:
        _not_alone(tx, scope, subject)
        if (clash := _stays(tx, scope, subject)) is not None:
            return clash
    put(tx, scope, subject, held, code if held else None)
    detail = {"by": actor} if actor else {}
    log(
        tx, scope, "hold", subject, "held" if held is None else None, None if held is None else "held", reason, **detail
    )
    return None


def put(tx: Tx, scope: Scope, subject: str, held: str | None, code: str | None, other: str | None = None) -> None:
    """Write down a hold, or its end, on order or batch, steps and pieces (in this sequence: see ``orders.locked``).
    ``other``: the order that a held one looks like."""
    table, those = _KINDS.get(subject[:3], ("", ""))
    key = {"tenant": scope.tenant, "mode": scope.mode, "id": subject}
    named = {"code": code, "other": other} if table == "orders" else {}
    if table == "pieces":
        _put_steps(tx, those, key, held)
    if not table or not tx.run(_FLAG.format(table=table, also=_ALSO[table]), **key, **named, held=held):
        raise Refused(
            "No such order, piece or batch.",
            [error("subject.unknown", "id", "nothing has this id", "look it up by its reference")],
        )
    if table != "pieces":
        _put_steps(tx, those, key, held)
    if table == "orders":
        tx.run(_FLAG_PIECES, **key, held=held)


def hold_batch(tx: Tx, scope: Scope, batch_id: str, reason: str, by: str) -> None:
    """Hold a batch and all its steps because of what happened to it: a step of a kind that failed, scans that
    contradict each other, a reply of the house."""
    key = {"tenant": scope.tenant, "mode": scope.mode, "id": batch_id}
    tx.run(_HOLD_BATCH, **key, held=reason, by=by)
    tx.run(_FLAG_STEPS.format(those="batch_id = :id"), **key, held=reason)
    log(tx, scope, "hold", batch_id, None, "held", reason)


def again(tx: Tx, scope: Scope, piece_id: str, reason: str) -> None:
    """A piece that needed attention has had it: compose it anew. Conflict where it is in another state."""
    steps.reopen(tx, scope, "compose", piece_id, held=pieces.one(tx, scope, piece_id).held)
    if not pieces.move(tx, scope, piece_id, PieceState.WAITING, reason, findings="[]", awaits_approval=0):
        raise Conflict(f"A piece that is {pieces.one(tx, scope, piece_id).state} is not composed anew.")


def _put_steps(tx: Tx, those: str, key: dict[str, str], held: str | None) -> None:
    tx.run(_FLAG_STEPS.format(those=those), **key, held=held)
    if held is None:
        tx.run(_FRESH.format(those=those), **key)


def _not_alone(tx: Tx, scope: Scope, subject: str) -> None:
    """Raises Conflict for a piece whose order is held: it would be printed in spite of that."""
    row = tx.one(_ORDER_OF, tenant=scope.tenant, mode=scope.mode, id=subject)
    if row is not None:
        found = error("piece.order_held", "id", f"its order is held: {row['held']}", f"resume {row['id']} instead")
        raise Conflict("A piece does not go on while its order is held.", [found])


def _stays(tx: Tx, scope: Scope, subject: str) -> Conflict | None:
    """What keeps a held order from going on: another of its natural key does, and nobody allowed both."""
    row = _held(tx, scope, subject)
    other = duplicates.standing(tx, scope, row["natural_key"], subject, also_allowed=False) if row else None
    if row is None or other is None:
        return None
    if (row["held_code"], row["duplicate_of"]) != (duplicates.CODE, other["id"]):
        why = duplicates.reason(other)
        put(tx, scope, subject, why, duplicates.CODE, other["id"])
        log(tx, scope, "hold", subject, "held", "held", why, code=duplicates.CODE, duplicate_of=other["id"])
    return duplicates.conflict(other)


def _held(tx: Tx, scope: Scope, subject: str) -> sa.RowMapping | None:
    """The order, if that is what the subject is, and it is held and may look like a second card."""
    locked = " FOR NO KEY UPDATE" if tx.postgres else ""
    return tx.one(_ORDER.format(locked=locked), tenant=scope.tenant, mode=scope.mode, id=subject)
