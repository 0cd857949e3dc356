"""Restored: what a backup does not know was delivered since is found out before anything is released again.

A restored database is older than the world: cards that lie at the house, or in letter boxes, look as if they were still
to be printed. So all releases are paused until the folders that were delivered have been shown to it, by their
manifests: an order that is in one and not in a released batch here is taken out of the flow, one that is not known at
all is written down as delivered, so that its CRM's next try is answered and not printed.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from cardpipe.lettershop.manifest import Row
from cardpipe.model.errors import Conflict, Refused
from cardpipe.model.order import Scope
from cardpipe.model.status import IN_A_BATCH, PieceState
from cardpipe.model.stored import NewOrder, StoredOrder
from cardpipe.ports import Shop

#: States in which the database itself knows that a card went to the house.
_GONE = (PieceState.RELEASED, PieceState.PRINTED, PieceState.MAILED, PieceState.RETURNED)


@dataclass(slots=True)
class Reconciled:
    """What became of the pieces of delivered batches, by reference."""

    known: list[str] = field(default_factory=list)
    taken_out: list[str] = field(default_factory=list)
    written_down: list[str] = field(default_factory=list)
    batches_held: list[str] = field(default_factory=list)


def reconcile(shop: Shop, scope: Scope, delivered: Iterable[tuple[str, list[Row]]], actor: str) -> Reconciled:
    """Compare what was delivered (name of the batch, rows of its manifest) with what is stored, and take care that none
    of it is printed again. Doing it twice changes nothing."""
    found = Reconciled()
    for name, rows in delivered:
        _hold_batch(shop, scope, name, found)
        for row in rows:
            _piece(shop, scope, name, row, actor, found)
    return found


def _hold_batch(shop: Shop, scope: Scope, name: str, found: Reconciled) -> None:
    """The batch itself, where the backup has it as not released yet: it must not be released a second time."""
    try:
        batch = shop.store.batch(scope, name)
    except Refused:
        return
    if batch.target is None and batch.held is None:
        reason = f"{name} was delivered after the backup was made; it must not be released again"
        shop.store.hold(scope, batch.id, reason)
        found.batches_held.append(name)


def _piece(shop: Shop, scope: Scope, name: str, row: Row, actor: str, found: Reconciled) -> None:
    reason = f"was delivered in {name} as number {row.seq}, after the backup was made"
    try:
        stored = shop.store.order(scope, row.reference)
    except Refused:
        found.written_down.append(row.reference)
        _write_down(shop, scope, name, row, reason, actor)
        return
    states = {piece.state for piece in stored.pieces}
    if states & set(_GONE) or stored.state == "cancelled":
        found.known.append(row.reference)
    elif stored.held != reason:
        _take_out(shop, scope, stored, reason, actor)
        found.taken_out.append(row.reference)


def _take_out(shop: Shop, scope: Scope, stored: StoredOrder, reason: str, actor: str) -> None:
    """Cancelled where it can be; held where it lies in a batch that a person has to look at anyway."""
    if not any(piece.state in IN_A_BATCH for piece in stored.pieces):
        try:
            shop.store.cancel_order(scope, stored.id, reason, actor)
            return
        except Conflict:  # gathered at this moment
            pass
    shop.store.hold(scope, stored.id, reason)


def _write_down(shop: Shop, scope: Scope, name: str, row: Row, reason: str, actor: str) -> None:
    """An order of which nothing is left but that it was delivered: its reference is taken, nothing is made of it."""
    digest = f"delivered:{name}:{row.seq}"
    new = NewOrder(
        scope=scope, reference=row.reference, request_digest=digest, request={}, spec={"delivered": name},
        occasion="unknown", design=row.design, mail_on=name[:4] + "-" + name[4:6] + "-" + name[6:8],
        group=f"{row.format}|delivered|delivered", sort_key="", held=("restored", reason), actor=actor,
    )  # fmt: skip
    stored, fresh = shop.store.add_order(new)
    if fresh:
        shop.store.cancel_order(scope, stored.id, reason, actor)
