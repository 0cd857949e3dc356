"""Viewing: an order as it is now, wherever it lies: accepted, or still a row that a worker has to judge."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.requests import Request

from cardpipe.api import shapes_orders as shapes
from cardpipe.api.body import plain
from cardpipe.api.problem import Turned
from cardpipe.model.errors import Conflict, Refused
from cardpipe.model.event import Event
from cardpipe.model.finding import error
from cardpipe.model.intake import Row, RowState
from cardpipe.model.order import Scope
from cardpipe.model.stored import StoredOrder
from cardpipe.wiring import Shop


def found(house: Shop, scope: Scope, key: str) -> StoredOrder | Row:
    """By id or reference: the order, or the row that is to become one. Raises Refused ``order.unknown``."""
    name = plain(key)
    try:
        return house.store.order(scope, name)
    except Refused as unknown:
        row = house.store.row(scope, name)
        if row is None or row.dry_run:
            raise unknown
        if row.state is RowState.ACCEPTED:  # since we looked
            return house.store.order(scope, row.id)
        if row.state is RowState.KNOWN:  # the same order was there before: that one is what became of it
            return house.store.order(scope, row.reference)
        return row


def judged(house: Shop, scope: Scope, key: str) -> StoredOrder:
    """The order. Raises Refused ``order.unknown``, Conflict ``order.not_judged`` for one that is none yet."""
    stored = found(house, scope, key)
    if isinstance(stored, Row):
        raise not_judged(stored)
    return stored


def not_judged(row: Row) -> Conflict:
    """It is no order yet, and may never become one."""
    remedy = "wait until a worker has judged it"
    if row.state is RowState.REFUSED:
        remedy = "mend it with PATCH; as it stands, nothing of it will be printed"
    return Conflict(
        f"The order is {row.state} and was not accepted yet.",
        [error("order.not_judged", "order", f"is {row.state}", remedy)],
    )


def view(house: Shop, stored: StoredOrder, *, story: bool = True) -> shapes.OrderShape:
    """An order with its piece, its batch and, for a ``story``, its log."""
    return views(house, stored.scope, [stored], story=story)[0]


def views(house: Shop, scope: Scope, orders: Sequence[StoredOrder], *, story: bool = False) -> list[shapes.OrderShape]:
    """Orders with the names of their batches, asked for once."""
    batched = [order.id for order in orders if any(piece.batch_id for piece in order.pieces)]
    names = {batch.id: batch.name for batch in house.store.batches_of(scope, batched)} if batched else {}
    return [shapes.order(order, names, log(house, order) if story else None) for order in orders]


def show(house: Shop, stored: StoredOrder | Row) -> shapes.OrderShape:
    """Either, as it is shown."""
    return shapes.row(stored) if isinstance(stored, Row) else view(house, stored)


def log(house: Shop, stored: StoredOrder) -> list[Event]:
    """The log of an order and its pieces, oldest first."""
    subjects = (stored.id, *(piece.id for piece in stored.pieces))
    told = [event for subject in subjects for event in house.store.events(stored.scope, subject)]
    return sorted(told, key=lambda event: event.at)


def revision_of(request: Request, stored: StoredOrder | Row) -> int:
    """The revision that If-Match names. Raises Turned: 428 ``precondition.missing``, 412 ``order.revision``."""
    given = request.headers.get("if-match", "").strip()
    now = 0 if isinstance(stored, Row) else stored.revision
    remedy = "get the order, look at it, and send the change with If-Match: and the order's etag"
    if not given or given == "*":
        what = "is missing: it names the revision that you looked at"
        raise Turned(428, "precondition.missing", "If-Match", what, remedy)
    order_id, dash, number = given.strip('"').rpartition("-")
    if not dash or order_id != stored.id or number != str(now):
        raise other_revision(f"does not name revision {now}, which is stored")
    return now


def other_revision(what: str) -> Turned:
    """412: somebody was faster, or it is another order's etag."""
    remedy = "get the order anew, look at what changed, and send the change with its etag"
    return Turned(412, "order.revision", "If-Match", what, remedy)
