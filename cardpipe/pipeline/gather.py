"""Gather: every composed, still unsent piece of a mail date goes into a batch, in mail order. One transaction.

Not "what came since the last run" but "all that is composed and in no batch": what missed a cut-off is taken by the
next one and never falls through the gap (peers.md, complaint 25).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from cardpipe.lettershop import handover
from cardpipe.lettershop.addressing import is_domestic, normalised
from cardpipe.lettershop.presort import groups
from cardpipe.model.address import Address
from cardpipe.model.batch import Batch
from cardpipe.model.errors import Conflict, Unavailable
from cardpipe.model.order import Scope
from cardpipe.model.piece import Presorted, Unsent
from cardpipe.pipeline import pinned
from cardpipe.ports import Shop

_TRIES = 5


def gather(
    shop: Shop, scope: Scope, mail_on: str, order_ids: Iterable[str] | None = None, label_start: int = 1
) -> list[Batch]:
    """Close a mail date (YYYY-MM-DD), or just these orders of it; the new batches. None is new: nothing was due.
    ``label_start`` is the first free label (from 1) of batches that are labelled.

    A piece that is cancelled or held while this runs makes the transaction start again without it.
    Raises Unavailable when the pieces never stood still for long enough; nothing was gathered then.
    """
    wanted = None if order_ids is None else list(order_ids)
    for _ in range(_TRIES):
        due = groups(shop.store.gatherable(scope, mail_on, wanted))
        members = {group: [piece.id for piece in pieces] for group, pieces in due.items()}
        if not members:
            return []
        awaiting = _awaiting(shop, scope, {group: pieces[0] for group, pieces in due.items()})
        try:
            return shop.store.gather(scope, mail_on, members, awaiting=awaiting, label_start=label_start)
        except Conflict:
            continue
    raise Unavailable("pieces kept changing while they were gathered; nothing was gathered, close the day again")


def _awaiting(shop: Shop, scope: Scope, first: dict[str, Unsent]) -> frozenset[str]:
    """The groups that the house sorts before anything is imposed; one group posts in one way."""
    posted = {group: pinned.mailing(shop.store.piece(scope, piece.id).spec) for group, piece in first.items()}
    return frozenset(group for group, mailing in posted.items() if mailing.presorted)


def eject(shop: Shop, scope: Scope, key: str, seqs: Sequence[int], reason: str, user: str) -> Batch:
    """Take pieces out of a batch before its release: they need attention, all files are written anew as the next
    revision. Raises like ``ports.Store.eject``.

    By name, which tells the revision: who counted in one that is no more must not hit another card.
    """
    return shop.store.eject(scope, key, seqs, reason, user)


def presort_list(shop: Shop, scope: Scope, key: str) -> bytes:
    """A batch's mail at home as the house's presort software takes it (CSV); the record is the piece's id."""
    batch = shop.store.batch(scope, key)
    origin = shop.catalog.carrier(batch.carrier).origin
    return handover.to_csv(
        handover.Record(piece.id, normalised(address, origin), *pinned.measures(piece.spec))
        for piece in shop.store.members(batch.id)
        if is_domestic(address := Address.model_validate(piece.spec["recipient"]), origin)
    )


def take_presort(shop: Shop, scope: Scope, key: str, data: bytes, user: str) -> Batch:
    """Take the house's return file: its order becomes the batch's, foreign mail stays behind in the order it had.
    Raises Refused where its records are not just those of the list."""
    batch = shop.store.batch(scope, key)
    origin = shop.catalog.carrier(batch.carrier).origin
    home: list[str] = []
    abroad: list[str] = []
    mailing = None
    for piece in shop.store.members(batch.id):
        mailing = mailing or pinned.mailing(piece.spec)
        domestic = is_domestic(Address.model_validate(piece.spec["recipient"]), origin)
        (home if domestic else abroad).append(piece.id)
    ordered = handover.read_return(data, home, mailing) + [(piece, Presorted()) for piece in abroad]
    return shop.store.resequence(scope, batch.id, ordered, user)
