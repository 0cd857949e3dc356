"""What the pipeline asks of the store about orders and their pieces."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from cardpipe.model.errors import Conflict
from cardpipe.model.event import Event
from cardpipe.model.order import Scope
from cardpipe.model.piece import Piece
from cardpipe.model.stored import NewOrder, OrderQuery, Receipt, StoredOrder


class Orders(Protocol):
    """Every method is one transaction; every move is a compare-and-set with an event beside it."""

    # accept, cancel, look up
    def add_order(self, order: NewOrder, receipt: Receipt | None = None) -> tuple[StoredOrder, bool]:
        """Store order, piece (waiting), compose step and events in one transaction, and with them what the receipt of
        its request answers. The same reference with the same request digest gives the stored order and False; with
        another digest it raises Conflict. An order whose natural key another one has, neither held nor cancelled, is
        stored held (``order.duplicate``)."""
        ...

    def add_orders(self, new: Sequence[NewOrder]) -> list[tuple[StoredOrder, bool] | Conflict]:
        """Many at once, in one transaction: for each what add_order gives, or the Conflict that kept just it out."""
        ...

    def order(self, scope: Scope, key: str) -> StoredOrder:
        """By id or by reference. Raises Refused (code ``order.unknown``) where there is none."""
        ...

    def cancel_order(self, scope: Scope, order_id: str, reason: str, actor: str = "") -> StoredOrder:
        """Until its piece is in a batch; afterwards Conflict. Fences a compose that is under way."""
        ...

    def piece(self, scope: Scope, piece_id: str) -> Piece:
        """Raises Refused (code ``piece.unknown``)."""
        ...

    def pieces_of(self, scope: Scope, order_ids: Iterable[str]) -> list[Piece]: ...
    def piece_states(self, scope: Scope, order_ids: Iterable[str]) -> Mapping[str, int]:
        """How many pieces of these orders are in each state: one query, for progress bars."""
        ...

    def due_orders(self, scope: Scope, mail_on: str) -> list[str]:
        """Orders due by that mail date whose pieces wait or are being composed: what a cut-off has to wait for."""
        ...

    def events(self, scope: Scope, subject: str) -> list[Event]:
        """The log of one order, piece or batch, oldest first."""
        ...

    # what a person does
    def hold(self, scope: Scope, subject: str, reason: str, code: str = "operator", actor: str = "") -> None:
        """Hold an order (and with it its piece), a piece or a batch; ``code`` says on whose behalf (``operator``,
        ``crm``). Raises Refused (code ``subject.unknown``)."""
        ...

    def resume(self, scope: Scope, subject: str, reason: str, actor: str = "") -> None:
        """The end of a hold, with all attempts anew. Raises Conflict ``order.duplicate`` for an order that would go on
        beside another of the same natural key: see ``allow_duplicate``."""
        ...

    def again(self, scope: Scope, piece_id: str, reason: str) -> None:
        """needs_attention (or composed) → waiting: compose it anew. Conflict where it is in another state."""
        ...

    # what a CRM may do until its piece lies in a batch
    def change_order(
        self, scope: Scope, order_id: str, revision: int, new: NewOrder, changed: Sequence[str], actor: str
    ) -> StoredOrder:
        """The order as it is wanted now: the next revision, its piece waiting to be composed anew. Work under way is
        fenced, an approval is void. ``changed`` names the fields, for the log. Raises Conflict ``order.revision`` where
        another revision is stored, ``order.change.too_late`` once it lies in a batch or is cancelled."""
        ...

    def approve_order(self, scope: Scope, order_id: str, proof: str, actor: str) -> StoredOrder:
        """The proof of that digest (``Composed.proof``) may be printed. Raises Conflict ``proof.not_ready`` before it
        is composed, ``proof.other`` where the stored piece has another proof now. Twice is once."""
        ...

    def allow_duplicate(self, scope: Scope, order_id: str, reason: str, actor: str) -> StoredOrder:
        """An order held as a likely duplicate goes on, on purpose; recorded. Conflict where it is not held as one."""
        ...

    def list_orders(self, scope: Scope, query: OrderQuery) -> tuple[list[StoredOrder], str | None]:
        """Newest first; and the id after which the next page begins, None on the last one."""
        ...

    def count_since(self, scope: Scope, moment: float, most: int) -> int:
        """How many orders were accepted since then (seconds since 1970), counted no further than ``most``."""
        ...

    def backlog(self, most: int) -> int:
        """How many steps are open in the whole shop, counted no further than ``most``."""
        ...

    # one request, one effect
    def begin_request(self, scope: Scope, door: str, key: str, fields: Mapping[str, str]) -> Receipt | tuple[int, str]:
        """Whoever comes first with this Idempotency-Key gets a receipt to hand to what he does; whoever comes after
        that was done gets the stored status and body. ``fields`` are keyed digests of the body's leaves by their path.
        Raises Conflict ``idempotency_key_reused`` with a finding for each field that differs, ``in_progress`` while
        the first one is still at it (for two minutes at most: then it died, and the next one takes over)."""
        ...

    def forget_request(self, scope: Scope, receipt: Receipt) -> None:
        """Nothing came of it: the same key may be used again, also with another body."""
        ...
