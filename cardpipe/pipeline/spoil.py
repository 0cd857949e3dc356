"""Spoil: what the press or the inserter ruined is made again, card and envelope as a pair, and nothing else.

The same stored fragments, the same codes and numbers: identical pages in files of their own (``…_R01_…``). Nothing is
composed again and no piece is new. The remake goes to where its batch went.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace

from cardpipe.lettershop.manifest import read_json
from cardpipe.model.batch import Batch, Remake, remake_name
from cardpipe.model.errors import Bug, CardpipeError, Conflict, Unavailable
from cardpipe.model.order import Scope
from cardpipe.pipeline import lease
from cardpipe.pipeline.paperwork import Remade
from cardpipe.pipeline.release import deliver
from cardpipe.pipeline.writing import Written, by_seq, write
from cardpipe.ports import Claim, Shop

_PATIENCE, _LOOK = 30.0, 0.1  # seconds


def run(shop: Shop, step_id: str) -> None:
    """Do the remake step, if it is still to be done and nobody else is at it."""

    def complete(claim: Claim, made: tuple[Written, str]) -> bool:
        return shop.store.complete_remake(claim, made[0].files)

    lease.work(shop, step_id, lambda claim: _made(shop, claim), complete)


def spoil(shop: Shop, scope: Scope, key: str, seqs: Sequence[int], reason: str, user: str) -> tuple[Remake, str]:
    """Record that these pieces of a released batch were ruined, make them again and hand them over; the place.

    Raises Refused with every number that is not in the batch, Conflict where one is handed to post, and what writing
    and handing over raise: the remake stays due then, and a worker tries on.
    """
    batch = shop.store.batch(scope, key)
    remake, step = shop.store.add_remake(scope, batch.id, seqs, reason, user)
    claim = shop.store.claim(step, shop.lease_seconds)
    if claim is None:
        return _by_another(shop, batch, remake)

    def failed(problem: CardpipeError) -> None:
        shop.store.give_back(claim, f"not made: {type(problem).__name__}", 0.0)

    def complete(made: tuple[Written, str]) -> bool:
        return shop.store.complete_remake(claim, made[0].files)

    _, place = lease.now(shop, claim, lambda: _made(shop, claim), complete, failed)
    return shop.store.remake(remake.id), place


def _by_another(shop: Shop, batch: Batch, remake: Remake) -> tuple[Remake, str]:
    """A worker was faster: look for a while whether it is done. Raises Unavailable where it is still at it."""
    until = time.monotonic() + _PATIENCE
    while time.monotonic() < until:
        found, now = shop.store.remake(remake.id), shop.store.batch(batch.scope, batch.id)
        if now.held is not None:
            raise Conflict(f"{now.name} is held: {now.held}")
        if found.made and batch.target:
            return found, f"{batch.target}/{remake_name(batch, remake.run)}"
        time.sleep(_LOOK)
    raise Unavailable(f"{remake_name(batch, remake.run)} is being made by a worker at this moment; look again soon")


def _made(shop: Shop, claim: Claim) -> tuple[Written, str]:
    remake = shop.store.remake(claim.subject)
    batch = shop.store.batch(claim.scope, remake.batch_id)
    if batch.target is None:
        raise Bug("a batch that was released went nowhere")
    written = make(shop, batch, remake)
    bundle = replace(remake, files=tuple(written.files)).bundle(batch)
    return written, deliver(shop, claim.scope, bundle, batch.target)


def make(shop: Shop, batch: Batch, remake: Remake) -> Written:
    """The files of a remake, from the fragments that were stored when its pieces were composed."""
    pieces = by_seq(shop.store.members(batch.id), remake.seqs)
    weights = [piece.composed.card_bytes if piece.composed else 0 for piece in pieces]
    name = remake_name(batch, remake.run)
    return write(shop, batch, name, pieces, weights, pieces[0], Remade(remake, _first_files(shop, batch)))


def _first_files(shop: Shop, batch: Batch) -> dict[int, str]:
    """By number: the card file in which a piece was printed first, from the batch's own manifest."""
    name = f"{batch.name}_MANIFEST.json"
    digest = next((file.sha256 for file in batch.files if file.name == name), None)
    if digest is None:
        raise Bug("a released batch has no manifest")
    rows, _ = read_json(shop.artifacts.get(batch.scope, digest))
    return {row.seq: row.card_file for row in rows}
