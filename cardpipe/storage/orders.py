"""Orders: kept with their piece and its first step in one transaction, or not at all."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import sqlalchemy as sa

from cardpipe.model.errors import Bug, Conflict, Refused
from cardpipe.model.finding import Finding, error
from cardpipe.model.order import Scope, differing
from cardpipe.model.piece import Piece
from cardpipe.model.status import OrderState, PieceState
from cardpipe.model.stored import NewOrder, Receipt, StoredOrder
from cardpipe.storage import duplicates, pieces, requests, steps
from cardpipe.storage.engine import Tx, new_id
from cardpipe.storage.events import findings_from, findings_text, log, text

# no target: whichever of the unique indexes is in the way
_ADD = """
    INSERT INTO orders (tenant, mode, id, reference, state, request_digest, request, occasion, design, mail_on,
                        findings, accepted_at, changed_at, approval, natural_key, arrive_by, import_id, held, held_code,
                        duplicate_of)
    VALUES (:tenant, :mode, :id, :reference, 'accepted', :request_digest, :request, :occasion, :design, :mail_on,
            :findings, :at, :at, :approval, :natural_key, :arrive_by, :import_id, :held, :held_code, :duplicate_of)
    ON CONFLICT DO NOTHING
"""
_ADD_PIECE = """
    INSERT INTO pieces (tenant, mode, id, order_id, copy, reference, state, mail_on, group_key, sort_key, spec,
                        composed_findings, findings, held)
    VALUES (:tenant, :mode, :id, :order_id, 1, :reference, 'waiting', :mail_on, :group_key, :sort_key, :spec,
            '[]', '[]', :held)
"""
_ADD_METADATA = """
    INSERT INTO order_metadata (tenant, mode, order_id, name, value) VALUES (:tenant, :mode, :id, :name, :value)
"""
_METADATA = """
    SELECT order_id, name, value FROM order_metadata
    WHERE tenant = :tenant AND mode = :mode AND order_id IN {listed} ORDER BY order_id, name
"""
_BY_ID = "SELECT * FROM orders WHERE tenant = :tenant AND mode = :mode AND id = :key"
_BY_REFERENCE = "SELECT * FROM orders WHERE tenant = :tenant AND mode = :mode AND reference = :key"
# not FOR UPDATE: a row that only links to the order (a composed card's artifacts) need not wait for it
_LOCK = "SELECT id FROM orders WHERE tenant = :tenant AND mode = :mode AND id = :id FOR NO KEY UPDATE"
_CANCEL = """
    UPDATE orders SET state = 'cancelled'
    WHERE tenant = :tenant AND mode = :mode AND id = :id AND state = 'accepted'
"""


@dataclass(frozen=True, slots=True)
class _Hold:
    """Why an order begins held."""

    code: str
    reason: str
    duplicate_of: str | None = None


def add(tx: Tx, order: NewOrder, receipt: Receipt | None = None) -> tuple[StoredOrder, bool]:
    """Order, piece, compose step, events and the answer to its request. The same reference again gives the stored
    order, or Conflict. One that looks like a second card is stored held."""
    order_id = order.order_id or new_id("ord", tx.now)
    found = _added(tx, order, order_id)
    stored, fresh = (found, True) if found is not None else (_same(tx, order), False)
    if receipt is not None:
        requests.finish(tx, order.scope, receipt, stored, stored.id)
    return stored, fresh


def _added(tx: Tx, order: NewOrder, order_id: str) -> StoredOrder | None:
    """The order as it was stored; None where its reference is taken."""
    for _ in range(duplicates.TRIES):
        hold = _hold(tx, order, order_id)
        if _insert(tx, order, order_id, hold):
            return _with_piece(tx, order, order_id, hold)
        if tx.one(_BY_REFERENCE, tenant=order.scope.tenant, mode=order.scope.mode, key=order.reference):
            return None
        if tx.one(_BY_ID, tenant=order.scope.tenant, mode=order.scope.mode, key=order_id):
            raise Bug(f"{order_id} was promised to an order and belongs to one of another reference")
        # somebody took the natural key since we looked: look again, and be held
    raise duplicates.busy()


def _hold(tx: Tx, order: NewOrder, order_id: str) -> _Hold | None:
    if order.held is not None:
        return _Hold(*order.held)
    other = duplicates.standing(tx, order.scope, order.natural_key, order_id)
    return None if other is None else _Hold(duplicates.CODE, duplicates.reason(other), other["id"])


def _insert(tx: Tx, order: NewOrder, order_id: str, hold: _Hold | None) -> bool:
    added = tx.run(
        _ADD, tenant=order.scope.tenant, mode=order.scope.mode, id=order_id, reference=order.reference,
        request_digest=order.request_digest, request=text(order.request), occasion=order.occasion, design=order.design,
        mail_on=order.mail_on, findings=findings_text(order.findings), at=tx.at, approval=order.approval,
        natural_key=order.natural_key, arrive_by=order.arrive_by, import_id=order.lane or None,
        held=hold.reason if hold else None, held_code=hold.code if hold else None,
        duplicate_of=hold.duplicate_of if hold else None,
    )  # fmt: skip
    return bool(added)


def _with_piece(tx: Tx, order: NewOrder, order_id: str, hold: _Hold | None) -> StoredOrder:
    scope, piece_id, held = order.scope, new_id("pce", tx.now), hold.reason if hold else None
    tx.run(
        _ADD_PIECE, tenant=scope.tenant, mode=scope.mode, id=piece_id, order_id=order_id, reference=order.reference,
        mail_on=order.mail_on, group_key=order.group, sort_key=order.sort_key, spec=text(order.spec), held=held,
    )  # fmt: skip
    put_metadata(tx, scope, order_id, order.metadata)
    pieces.own(tx, scope, order_id, order.pictures)
    steps.add(tx, scope, "compose", piece_id, held=held, lane=order.lane)
    by = {"by": order.actor} if order.actor else {}
    log(tx, scope, "order", order_id, None, str(OrderState.ACCEPTED), "accepted", piece=piece_id, **by)
    log(tx, scope, "piece", piece_id, None, str(PieceState.WAITING), "its order was accepted", order=order_id)
    if hold is not None:
        log(tx, scope, "hold", order_id, None, "held", hold.reason, **held_detail(hold.code, hold.duplicate_of), **by)
    # what was written is also what a reading would give: no second trip for it
    piece = Piece(
        piece_id, scope, order_id, order.reference, PieceState.WAITING, order.mail_on, order.group, order.sort_key,
        order.spec, held=held,
    )  # fmt: skip
    return StoredOrder(
        order_id, scope, order.reference, str(OrderState.ACCEPTED), order.request_digest, order.request, order.occasion,
        order.design, order.mail_on, held, tx.at, (piece,), order.findings, approval=order.approval,
        held_code=hold.code if hold else None, duplicate_of=hold.duplicate_of if hold else None,
        arrive_by=order.arrive_by, metadata=dict(order.metadata), changed_at=tx.at,
        import_id=order.lane or None,
    )  # fmt: skip


def held_detail(code: str, duplicate_of: str | None) -> dict[str, str]:
    """What the log says of a hold besides its reason."""
    return {"code": code, "duplicate_of": duplicate_of} if duplicate_of else {"code": code}


def put_metadata(tx: Tx, scope: Scope, order_id: str, metadata: Mapping[str, str]) -> None:
    """An order's metadata, where it has none."""
    key = {"tenant": scope.tenant, "mode": scope.mode, "id": order_id}
    tx.run_each(_ADD_METADATA, [{**key, "name": name, "value": value} for name, value in metadata.items()])


def one(tx: Tx, scope: Scope, key: str) -> StoredOrder:
    """An order by id or by reference. Raises Refused where this tenant has none."""
    row = tx.one(_BY_ID, tenant=scope.tenant, mode=scope.mode, key=key) or tx.one(
        _BY_REFERENCE, tenant=scope.tenant, mode=scope.mode, key=key
    )
    if row is None:
        raise Refused(
            "No such order.", [error("order.unknown", "key", "no order has this id or reference", "list the orders")]
        )
    return from_rows(tx, scope, [row])[0]


def locked(tx: Tx, scope: Scope, key: str) -> StoredOrder:
    """As :func:`one`, and nobody else changes the order until this transaction ends. Whoever writes an order, its
    steps and its pieces takes them in this sequence, so that no two wait for each other in a circle."""
    if tx.postgres:
        tx.one(_LOCK, tenant=scope.tenant, mode=scope.mode, id=one(tx, scope, key).id)
    return one(tx, scope, key)


def cancel(tx: Tx, scope: Scope, key: str, reason: str, actor: str = "") -> StoredOrder:
    """Cancel the order and every piece of it; Conflict where one already lies in a batch. Twice is once."""
    stored = locked(tx, scope, key)
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
                [error("order.cancel.too_late", "order", f"its piece is {pieces.one(tx, scope, piece.id).state}",
                       "eject the piece from its batch before the batch is released")],
            )  # fmt: skip
    by = {"by": actor} if actor else {}
    log(tx, scope, "order", stored.id, str(OrderState.ACCEPTED), str(OrderState.CANCELLED), reason, **by)
    return one(tx, scope, stored.id)


def _same(tx: Tx, order: NewOrder) -> StoredOrder:
    """The order that already has this reference, if it asks for the same thing."""
    row = tx.one(_BY_REFERENCE, tenant=order.scope.tenant, mode=order.scope.mode, key=order.reference)
    if row is None:
        raise Bug("a reference that is taken is not taken")
    stored = from_rows(tx, order.scope, [row])[0]
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


def from_rows(tx: Tx, scope: Scope, rows: Sequence[sa.RowMapping]) -> list[StoredOrder]:
    """Rows as values, with the pieces and the metadata of all of them in one query each."""
    found = {row["id"]: _order_from(scope, row) for row in rows}
    of: dict[str, list[Piece]] = {}
    for piece in pieces.of_orders(tx, scope, found):
        of.setdefault(piece.order_id, []).append(piece)
    told: dict[str, dict[str, str]] = {}
    sql = _METADATA.format(listed=tx.listed("orders"))
    for row in tx.all(sql, tenant=scope.tenant, mode=scope.mode, orders=text(list(found))):
        told.setdefault(row["order_id"], {})[row["name"]] = row["value"]
    return [
        replace(order, pieces=tuple(of.get(order.id, ())), metadata=told.get(order.id, {})) for order in found.values()
    ]


def _order_from(scope: Scope, row: sa.RowMapping) -> StoredOrder:
    return StoredOrder(
        id=row["id"], scope=scope, reference=row["reference"], state=row["state"], request_digest=row["request_digest"],
        request=json.loads(row["request"]), occasion=row["occasion"], design=row["design"], mail_on=row["mail_on"],
        held=row["held"], accepted_at=row["accepted_at"], findings=findings_from(row["findings"]),
        revision=row["revision"], approval=row["approval"], approved=row["approved"], held_code=row["held_code"],
        duplicate_of=row["duplicate_of"], arrive_by=row["arrive_by"], changed_at=row["changed_at"],
        erased_at=row["erased_at"], import_id=row["import_id"],
    )  # fmt: skip
