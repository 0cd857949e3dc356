"""Orders: kept with their piece and its first step in one transaction, or not at all."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from cardpipe.model.errors import Conflict, Refused
from cardpipe.model.finding import Finding, error
from cardpipe.model.order import Scope
from cardpipe.model.piece import Piece
from cardpipe.model.status import OrderState, PieceState
from cardpipe.ports import NewOrder, StoredOrder
from cardpipe.storage import pieces, steps
from cardpipe.storage.engine import Tx, new_id
from cardpipe.storage.events import findings_from, findings_text, log, text

_ADD = """
    INSERT INTO orders (tenant, mode, id, reference, state, request_digest, request, occasion, design, mail_on,
                        findings, accepted_at)
    VALUES (:tenant, :mode, :id, :reference, 'accepted', :request_digest, :request, :occasion, :design, :mail_on,
            :findings, :at)
    ON CONFLICT (tenant, mode, reference) DO NOTHING
"""
_ADD_PIECE = """
    INSERT INTO pieces (tenant, mode, id, order_id, copy, reference, state, mail_on, group_key, sort_key, spec,
                        composed_findings, findings)
    VALUES (:tenant, :mode, :id, :order_id, 1, :reference, 'waiting', :mail_on, :group_key, :sort_key, :spec,
            '[]', '[]')
"""
_BY_ID = "SELECT * FROM orders WHERE tenant = :tenant AND mode = :mode AND id = :key"
_BY_REFERENCE = "SELECT * FROM orders WHERE tenant = :tenant AND mode = :mode AND reference = :key"
_CANCEL = """
    UPDATE orders SET state = 'cancelled'
    WHERE tenant = :tenant AND mode = :mode AND id = :id AND state = 'accepted'
"""


def add(tx: Tx, order: NewOrder) -> tuple[StoredOrder, bool]:
    """Order, piece, compose step and events. The same reference again gives the stored order, or Conflict."""
    scope, order_id, piece_id = order.scope, new_id("ord", tx.now), new_id("pce", tx.now)
    key = {"tenant": scope.tenant, "mode": scope.mode}
    added = tx.run(
        _ADD, **key, id=order_id, reference=order.reference, request_digest=order.request_digest,
        request=text(order.request), occasion=order.occasion, design=order.design, mail_on=order.mail_on,
        findings=findings_text(order.findings), at=tx.at,
    )  # fmt: skip
    if not added:
        return _same(tx, order), False
    tx.run(
        _ADD_PIECE, **key, id=piece_id, order_id=order_id, reference=order.reference, mail_on=order.mail_on,
        group_key=order.group, sort_key=order.sort_key, spec=text(order.spec),
    )  # fmt: skip
    steps.add(tx, scope, "compose", piece_id)
    log(tx, scope, "order", order_id, None, str(OrderState.ACCEPTED), "accepted", piece=piece_id)
    log(tx, scope, "piece", piece_id, None, str(PieceState.WAITING), "its order was accepted", order=order_id)
    # what was written is also what a reading would give: no second trip for it
    piece = Piece(
        piece_id, scope, order_id, order.reference, PieceState.WAITING, order.mail_on, order.group, order.sort_key,
        order.spec,
    )  # fmt: skip
    stored = StoredOrder(
        order_id, scope, order.reference, str(OrderState.ACCEPTED), order.request_digest, order.request, order.occasion,
        order.design, order.mail_on, None, tx.at, (piece,), order.findings,
    )  # fmt: skip
    return stored, True


def one(tx: Tx, scope: Scope, key: str) -> StoredOrder:
    """An order by id or by reference. Raises Refused where this tenant has none."""
    row = tx.one(_BY_ID, tenant=scope.tenant, mode=scope.mode, key=key) or tx.one(
        _BY_REFERENCE, tenant=scope.tenant, mode=scope.mode, key=key
    )
    if row is None:
        raise Refused(
            "No such order.", [error("order.unknown", "key", "no order has this id or reference", "list the orders")]
        )
    return _order_from(tx, row)


def cancel(tx: Tx, scope: Scope, order_id: str, reason: str) -> StoredOrder:
    """Cancel the order and every piece of it; Conflict where one already lies in a batch. Twice is once."""
    stored = one(tx, scope, order_id)
    if not tx.run(_CANCEL, tenant=scope.tenant, mode=scope.mode, id=stored.id):
        if stored.state == OrderState.CANCELLED:
            return stored
        raise Conflict(f"An order that is {stored.state} cannot be cancelled.")
    for piece in stored.pieces:
        steps.drop(tx, scope, "compose", piece.id)
        gone = piece.state is PieceState.CANCELLED or pieces.move(tx, scope, piece.id, PieceState.CANCELLED, reason)
        if not gone:
            raise Conflict(
                "The piece of this order already lies in a batch; eject it from the batch, or let it be mailed.",
                [error("order.cancel.too-late", "order", f"its piece is {pieces.one(tx, scope, piece.id).state}",
                       "eject the piece from its batch before the batch is released")],
            )  # fmt: skip
    log(tx, scope, "order", stored.id, str(OrderState.ACCEPTED), str(OrderState.CANCELLED), reason)
    return one(tx, scope, stored.id)


def _same(tx: Tx, order: NewOrder) -> StoredOrder:
    """The order that already has this reference, if it asks for the same thing."""
    stored = one(tx, order.scope, order.reference)
    if stored.request_digest == order.request_digest:
        return stored
    fields = differing(stored.request, order.request) or ["request"]
    raise Conflict(
        f"The reference is already taken by an order that differs in: {', '.join(fields)}.",
        [_taken(field) for field in fields],
    )


def _taken(field: str) -> Finding:
    return error(
        "order.reference.taken", field, "differs from the stored order of the same reference",
        "give this order a reference of its own: one reference is one order for ever",
    )  # fmt: skip


def differing(old: Any, new: Any, where: str = "") -> list[str]:
    """The names, and never the values, of the fields in which two requests differ."""
    if isinstance(old, dict) and isinstance(new, dict):
        names: Sequence[str] = sorted(old.keys() | new.keys())
        return [
            found for name in names for found in differing(old.get(name), new.get(name), f"{where}.{name}".lstrip("."))
        ]
    return [] if old == new else [where]


def _order_from(tx: Tx, row: sa.RowMapping) -> StoredOrder:
    scope = Scope(row["tenant"], row["mode"])
    return StoredOrder(
        id=row["id"], scope=scope, reference=row["reference"], state=row["state"], request_digest=row["request_digest"],
        request=json.loads(row["request"]), occasion=row["occasion"], design=row["design"], mail_on=row["mail_on"],
        held=row["held"], accepted_at=row["accepted_at"], pieces=tuple(pieces.of_orders(tx, scope, [row["id"]])),
        findings=findings_from(row["findings"]),
    )  # fmt: skip
