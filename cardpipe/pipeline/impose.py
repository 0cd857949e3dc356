"""Impose: a batch's fixed membership becomes the files that go to press. A pure function of the membership.

What is written, proved and inspected stands in :mod:`cardpipe.pipeline.writing`. A batch whose proof or preflight
fails stays gathered and is held: a person ejects the pieces that are named, and all files are written anew.
"""

from __future__ import annotations

from cardpipe.model.batch import Batch
from cardpipe.model.errors import Bug
from cardpipe.model.piece import Piece
from cardpipe.pipeline import lease
from cardpipe.pipeline.writing import Written, write
from cardpipe.ports import Claim, Shop


def run(shop: Shop, step_id: str) -> None:
    """Do the impose step, if it is still to be done and nobody else is at it."""

    def complete(claim: Claim, made: Written) -> bool:
        return shop.store.complete_impose(claim, made.files, made.findings)

    lease.work(shop, step_id, lambda claim: make(shop, shop.store.batch(claim.scope, claim.subject)), complete)


def make(shop: Shop, batch: Batch) -> Written:
    """Every file of a batch. Raises like :func:`cardpipe.pipeline.writing.write`."""
    first, weights = _weigh(shop, batch)
    return write(shop, batch, batch.name, shop.store.members(batch.id), weights, first)


def _weigh(shop: Shop, batch: Batch) -> tuple[Piece, list[int]]:
    """The first piece, and the bytes of each one's card; membership is read as a stream, here and once more."""
    first: Piece | None = None
    weights: list[int] = []
    for piece in shop.store.members(batch.id):
        first = first or piece
        weights.append(piece.composed.card_bytes if piece.composed else 0)
        if piece.seq != len(weights):
            raise Bug(f"batch {batch.id} has no piece number {len(weights)}")
    if first is None or len(weights) != batch.pieces:
        raise Bug(f"batch {batch.id} has {len(weights)} pieces, not {batch.pieces}")
    return first, weights
