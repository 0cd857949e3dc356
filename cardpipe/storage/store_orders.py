"""The store's methods about orders, their pieces, and requests: every one is one transaction."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from cardpipe.model.errors import Conflict
from cardpipe.model.event import Event
from cardpipe.model.order import Scope
from cardpipe.model.piece import Piece
from cardpipe.model.stored import NewOrder, OrderQuery, Receipt, StoredOrder
from cardpipe.storage import changes, events, holds, listing, orders, pieces, requests
from cardpipe.storage.duplicates import looking_again
from cardpipe.storage.engine import Database, Tx


class SqlOrders:
    """``ports.orders.Orders`` on SQLite or PostgreSQL."""

    db: Database

    # accept, cancel, look up
    def add_order(self, order: NewOrder, receipt: Receipt | None = None) -> tuple[StoredOrder, bool]:
        with self.db.writing() as tx:
            return orders.add(tx, order, receipt)

    def add_orders(self, new: Sequence[NewOrder]) -> list[tuple[StoredOrder, bool] | Conflict]:
        """Many at once, in one transaction: for each the stored order, or the Conflict that kept just it out."""
        with self.db.writing() as tx:
            return [_or_conflict(tx, order) for order in new]

    def order(self, scope: Scope, key: str) -> StoredOrder:
        with self.db.reading() as tx:
            return orders.one(tx, scope, key)

    def cancel_order(self, scope: Scope, order_id: str, reason: str, actor: str = "") -> StoredOrder:
        with self.db.writing() as tx:
            return orders.cancel(tx, scope, order_id, reason, actor)

    def list_orders(self, scope: Scope, query: OrderQuery) -> tuple[list[StoredOrder], str | None]:
        with self.db.reading() as tx:
            return listing.page(tx, scope, query)

    def count_since(self, scope: Scope, moment: float, most: int) -> int:
        with self.db.reading() as tx:
            return listing.count_since(tx, scope, moment, most)

    def backlog(self, most: int) -> int:
        with self.db.reading() as tx:
            return listing.backlog(tx, most)

    # pieces and the log
    def piece(self, scope: Scope, piece_id: str) -> Piece:
        with self.db.reading() as tx:
            return pieces.one(tx, scope, piece_id)

    def pieces_of(self, scope: Scope, order_ids: Iterable[str]) -> list[Piece]:
        with self.db.reading() as tx:
            return pieces.of_orders(tx, scope, order_ids)

    def piece_states(self, scope: Scope, order_ids: Iterable[str]) -> Mapping[str, int]:
        with self.db.reading() as tx:
            return pieces.states(tx, scope, order_ids)

    def due_orders(self, scope: Scope, mail_on: str) -> list[str]:
        with self.db.reading() as tx:
            return pieces.due_orders(tx, scope, mail_on)

    def events(self, scope: Scope, subject: str) -> list[Event]:
        with self.db.reading() as tx:
            return events.of(tx, scope, subject)

    # what a person does
    def hold(self, scope: Scope, subject: str, reason: str, code: str = "operator", actor: str = "") -> None:
        with self.db.writing() as tx:
            holds.flag(tx, scope, subject, reason, reason, code, actor)

    def resume(self, scope: Scope, subject: str, reason: str, actor: str = "") -> None:
        def attempt() -> Conflict | None:
            with self.db.writing() as tx:
                return holds.flag(tx, scope, subject, None, reason, actor=actor)

        clash = looking_again(attempt)
        if clash is not None:  # raised only now: it is written down why the order stays held
            raise clash

    def again(self, scope: Scope, piece_id: str, reason: str) -> None:
        with self.db.writing() as tx:
            holds.again(tx, scope, piece_id, reason)

    # what a CRM may do until its piece lies in a batch
    def change_order(
        self, scope: Scope, order_id: str, revision: int, new: NewOrder, changed: Sequence[str], actor: str
    ) -> StoredOrder:
        def attempt() -> StoredOrder:
            with self.db.writing() as tx:
                return changes.change(tx, scope, order_id, revision, new, changed, actor)

        return looking_again(attempt)

    def approve_order(self, scope: Scope, order_id: str, proof: str, actor: str) -> StoredOrder:
        with self.db.writing() as tx:
            return changes.approve(tx, scope, order_id, proof, actor)

    def allow_duplicate(self, scope: Scope, order_id: str, reason: str, actor: str) -> StoredOrder:
        def attempt() -> StoredOrder:
            with self.db.writing() as tx:
                return changes.allow_duplicate(tx, scope, order_id, reason, actor)

        return looking_again(attempt)

    # one request, one effect
    def begin_request(self, scope: Scope, door: str, key: str, fields: Mapping[str, str]) -> Receipt | tuple[int, str]:
        with self.db.writing() as tx:
            return requests.begin(tx, scope, door, key, fields)

    def forget_request(self, scope: Scope, receipt: Receipt) -> None:
        with self.db.writing() as tx:
            requests.forget(tx, scope, receipt)


def _or_conflict(tx: Tx, order: NewOrder) -> tuple[StoredOrder, bool] | Conflict:
    try:
        return orders.add(tx, order)
    except Conflict as conflict:  # found by reading: nothing was written for this order
        return conflict
