"""Holding, resuming, and taking up again what needed attention: what a person does to the flow."""

from __future__ import annotations

from cardpipe.model.errors import Conflict, Refused
from cardpipe.model.finding import error
from cardpipe.model.order import Scope
from cardpipe.model.status import PieceState
from cardpipe.storage import pieces, steps
from cardpipe.storage.engine import Tx
from cardpipe.storage.events import log

#: By an id's prefix: the table it lives in, and which steps stand still with it.
_KINDS = {
    "ord": ("orders", "piece_id IN (SELECT id FROM pieces WHERE tenant = :tenant AND mode = :mode AND order_id = :id)"),
    "pce": ("pieces", "piece_id = :id"),
    "bat": ("batches", "batch_id = :id"),
}
_FLAG = "UPDATE {table} SET held = :held{also} WHERE tenant = :tenant AND mode = :mode AND id = :id"
_FLAG_PIECES = "UPDATE pieces SET held = :held WHERE tenant = :tenant AND mode = :mode AND order_id = :id"
_FLAG_STEPS = "UPDATE steps SET held = :held, hinted_until = 0 WHERE tenant = :tenant AND mode = :mode AND {those}"
_HOLD_BATCH = "UPDATE batches SET held = :held, held_by = :by WHERE tenant = :tenant AND mode = :mode AND id = :id"
_FRESH = """
    UPDATE steps SET attempts = 0, lost_leases = 0, not_before = 0 WHERE tenant = :tenant AND mode = :mode AND {those}
"""


def flag(tx: Tx, scope: Scope, subject: str, held: str | None, reason: str) -> None:
    """Hold an order, a piece or a batch for a reason, or end its hold (``held`` is None) with all its attempts anew.
    Holding an order holds its piece. Work under way may end, and its result waits."""
    table, those = _KINDS.get(subject[:3], ("", ""))
    key = {"tenant": scope.tenant, "mode": scope.mode, "id": subject}
    also = ", held_by = NULL" if table == "batches" else ""
    if not table or not tx.run(_FLAG.format(table=table, also=also), **key, held=held):
        raise Refused(
            "No such order, piece or batch.",
            [error("subject.unknown", "id", "nothing has this id", "look it up by its reference")],
        )
    if table == "orders":
        tx.run(_FLAG_PIECES, **key, held=held)
    tx.run(_FLAG_STEPS.format(those=those), **key, held=held)
    if held is None:
        tx.run(_FRESH.format(those=those), **key)
    log(tx, scope, "hold", subject, "held" if held is None else None, None if held is None else "held", reason)


def hold_batch(tx: Tx, scope: Scope, batch_id: str, reason: str, by: str) -> None:
    """Hold a batch and all its steps because of what happened to it: a step of a kind that failed, scans that
    contradict each other, a reply of the house."""
    key = {"tenant": scope.tenant, "mode": scope.mode, "id": batch_id}
    tx.run(_HOLD_BATCH, **key, held=reason, by=by)
    tx.run(_FLAG_STEPS.format(those="batch_id = :id"), **key, held=reason)
    log(tx, scope, "hold", batch_id, None, "held", reason)


def again(tx: Tx, scope: Scope, piece_id: str, reason: str) -> None:
    """A piece that needed attention has had it: compose it anew. Conflict where it is in another state."""
    if not pieces.move(tx, scope, piece_id, PieceState.WAITING, reason, findings="[]"):
        raise Conflict(f"A piece that is {pieces.one(tx, scope, piece_id).state} is not composed anew.")
    steps.reopen(tx, scope, "compose", piece_id)
