"""Orders in words: what became of each, never more than is true, and how it is coloured."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from cardpipe.console.pages import shown
from cardpipe.model.errors import Refused
from cardpipe.model.finding import error
from cardpipe.model.intake import Row, RowState
from cardpipe.model.order import Scope
from cardpipe.model.piece import Piece
from cardpipe.model.status import OrderState, PieceState
from cardpipe.model.stored import StoredOrder
from cardpipe.wiring import Shop

#: How ids of orders and pieces look. A reference is the CRM's own, may hold a name, and is in no address of ours.
ID = re.compile(r"(ord|pce)_[0-9a-z]{4,40}\Z")
_DUPLICATE = "order.duplicate"
_DONE = (PieceState.MAILED, PieceState.PRINTED)
_ROWS = {
    RowState.RECEIVED: "received, not judged yet", RowState.REFUSED: "refused",
    RowState.KNOWN: "was ordered before", RowState.DROPPED: "dropped with its import",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Line:
    """One order of a list: ``tag`` is the class of its words, ``batch`` the name of the batch that it lies in."""

    order: StoredOrder
    piece: Piece | None
    words: str
    tag: str
    name: str
    place: str
    batch: str


def order_of(house: Shop, scope: Scope, key: str) -> StoredOrder | Row:
    """By its own id or its piece's: the order, or the row that is none yet. Raises Refused ``order.unknown``, also for
    another tenant's."""
    if not ID.match(key):
        raise unknown()
    if key.startswith("pce_"):
        return house.store.order(scope, house.store.piece(scope, key).order_id)
    try:
        stored = house.store.order(scope, key)
        if stored.id != key:  # a reference that looks like an id
            raise unknown()
        return stored
    except Refused:
        row = house.store.row(scope, key)
        if row is None or row.id != key or row.dry_run:
            raise
        return house.store.order(scope, row.reference) if row.state is RowState.KNOWN else row


def accepted_of(house: Shop, scope: Scope, key: str) -> StoredOrder:
    """The order. Raises Refused for a row that is none yet: it is mended where the stuck ones are."""
    found = order_of(house, scope, key)
    if isinstance(found, Row):
        remedy = "mend it where the stuck ones are"
        raise Refused("It is no order yet.", [error("order.not_judged", "order", f"is {found.state}", remedy)])
    return found


def unknown() -> Refused:
    """There is none, or none of this tenant's."""
    found = error("order.unknown", "address", "names no order of this tenant", "look for it by its reference")
    return Refused("There is no such order.", [found])


def lines(house: Shop, scope: Scope, orders: Iterable[StoredOrder]) -> list[Line]:
    """Orders as lines of a list; the names of their batches are asked for once."""
    listed = list(orders)
    batched = [order.id for order in listed if any(piece.batch_id for piece in order.pieces)]
    names = {batch.id: batch.name for batch in house.store.batches_of(scope, batched)} if batched else {}
    return [_line(order, names) for order in listed]


def _line(order: StoredOrder, names: Mapping[str, str]) -> Line:
    piece = order.pieces[0] if order.pieces else None
    words, tag = state(order)
    to = order.request.get("recipient") or {}
    name = str(to.get("name") or to.get("company") or "")
    place = " ".join(str(to[part]) for part in ("city", "state") if to.get(part))
    batch = names.get(piece.batch_id or "", "") if piece else ""
    return Line(order, piece, words, tag, name, place, batch)


def state(order: StoredOrder) -> tuple[str, str]:
    """What became of an order as a whole, and the class of its tag."""
    piece = order.pieces[0] if order.pieces else None
    if order.state != OrderState.ACCEPTED or piece is None:
        return str(order.state), "tag-quiet"
    if order.held is not None and piece.batch_id is None:
        return ("held: a second card?" if order.held_code == _DUPLICATE else "held"), "tag-warn"
    if piece.state is PieceState.NEEDS_ATTENTION:
        return "needs attention", "tag-bad"
    if piece.held is not None and piece.batch_id is None:
        return "its piece is held", "tag-warn"
    if piece.state is PieceState.COMPOSED and piece.awaits_approval:
        return "waits for approval", "tag-warn"
    if piece.state is PieceState.RETURNED:
        return "came back", "tag-warn"
    return shown(piece.state), "tag-good" if piece.state in _DONE else ""


def row_state(row: Row) -> str:
    """What people read of an order that is none yet."""
    return _ROWS.get(row.state, str(row.state))
