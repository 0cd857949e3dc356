"""Gather: every composed, still unsent piece of a mail date goes into a batch, in mail order.

Not "what came since the last run" but "all that is composed and in no batch": what missed a cut-off is taken by the
next one and never falls through the gap (peers.md, complaint 25). So is what was left by one that died: each batch is a
transaction of its own, short enough for a database with one writer, and whatever lies in none is still due.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

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
    Raises like :func:`gathering`."""
    return list(gathering(shop, scope, mail_on, order_ids, label_start))


def gathering(
    shop: Shop, scope: Scope, mail_on: str, order_ids: Iterable[str] | None = None, label_start: int = 1
) -> Iterator[Batch]:
    """The batches one by one, each in the moment when it is there for good. A group of more pieces than its press takes
    in a batch becomes several, numbered as they follow each other in mail order. ``label_start`` is the first free
    label (from 1) of batches that are labelled; of a group in parts the first one begins there, the others on new
    sheets.

    A piece that is cancelled or held while this runs is left out; one that becomes due meanwhile goes with the next
    close. Raises Unavailable when the pieces never stood still for long enough; the batches that were made stay.
    """
    wanted = None if order_ids is None else list(order_ids)
    left: set[str] | None = None
    begun: set[str] = set()
    vain = 0
    while vain < _TRIES:
        due = [piece for piece in shop.store.gatherable(scope, mail_on, wanted) if left is None or piece.id in left]
        # whoever took or cancelled a piece got on: only where nothing moves is a try in vain
        vain = vain + 1 if left is not None and len(due) == len(left) else 0
        left = {piece.id for piece in due}
        try:
            for part in _parts(shop, scope, due):
                label = 1 if part.group in begun else label_start
                awaiting = frozenset({part.group} if part.presorted else ())
                made = shop.store.gather(scope, mail_on, {part.group: part.pieces}, awaiting, label)
                begun.add(part.group)
                left.difference_update(part.pieces)
                yield from made
            return
        except Conflict:
            continue
    raise Unavailable("pieces kept changing while they were gathered; what is in no batch yet is due: close it again")


def sizes(pieces: int, most: int) -> list[int]:
    """How many pieces go into each batch of a group: as few batches as the press takes, of nearly equal size, so that
    none is too small for the post's commercial prices because others are full."""
    count = -(-pieces // most)
    return [pieces // count + (place < pieces % count) for place in range(count)]


@dataclass(frozen=True, slots=True)
class _Part:
    """What becomes one batch: ids in mail order, and whether the house sorts them before anything is imposed."""

    group: str
    pieces: list[str]
    presorted: bool


def _parts(shop: Shop, scope: Scope, due: Iterable[Unsent]) -> Iterator[_Part]:
    """The groups in the order of their names, each in mail order. All of a group have one press and post in one way."""
    for group, pieces in groups(due).items():
        spec = shop.store.piece(scope, pieces[0].id).spec
        presorted, begin = pinned.mailing(spec).presorted, 0
        for size in sizes(len(pieces), pinned.press(spec).pieces_per_batch):
            yield _Part(group, [piece.id for piece in pieces[begin : begin + size]], presorted)
            begin += size


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
