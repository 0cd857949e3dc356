"""Track: what the house and the shop floor say of a batch after its release, until everything is accounted for.

A contradiction (a code inserted twice, a card in a stranger's envelope) holds the batch with its reason: somebody stops
the inserter, finds both envelopes, and resumes.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence

from cardpipe.lettershop import scanlist
from cardpipe.model.batch import Batch
from cardpipe.model.errors import Conflict, Refused
from cardpipe.model.order import Scope
from cardpipe.model.scan import Scan, Stage, Tally
from cardpipe.ports import Reply, Shop

#: Findings that mean that something lies in a wrong envelope, or twice in the mail.
_STOPS = ("scan.pair_disagrees", "scan.other_batch")


def reconcile(
    shop: Shop, scope: Scope, key: str, data: bytes, stage: Stage | None, source: str, user: str
) -> tuple[Tally, bool]:
    """Take a list of scans, all of it or nothing; False where it was taken before. ``source`` names it for people.

    Raises Refused for a list that cannot be read, Conflict for one that contradicts what was seen: the batch is held.
    """
    batch = shop.store.batch(scope, key)
    try:
        scans = scanlist.read(data, batch, stage)
    except Refused as problem:
        stops = [finding for finding in problem.findings if finding.code in _STOPS]
        if stops:
            shop.store.hold(scope, batch.id, "; ".join(f"{f.code}: {f.where}: {f.message}" for f in stops[:5]))
            raise Conflict("cards and envelopes do not match; the batch is held", problem.findings) from None
        raise
    return shop.store.record(scope, batch.id, scans, source, hashlib.sha256(data).hexdigest(), user)


def mark(shop: Shop, scope: Scope, key: str, stage: Stage, seqs: Sequence[int] | None, user: str) -> Tally:
    """A person says that pieces were printed, mailed or returned: these, or all that are still in the batch."""
    batch = shop.store.batch(scope, key)
    chosen = [piece.seq or 0 for piece in shop.store.members(batch.id)] if seqs is None else list(seqs)
    # said again after a remake it is another sight, not the same list once more
    name = hashlib.sha256(secrets.token_bytes(16)).hexdigest()
    tally, _ = shop.store.record(scope, batch.id, [Scan(seq, stage) for seq in chosen], "by hand", name, user)
    return tally


def withdraw(shop: Shop, scope: Scope, key: str, seqs: Sequence[int], reason: str, user: str) -> Tally:
    """Pieces of a released batch that were pulled out by hand and will never be mailed."""
    return shop.store.withdraw(scope, shop.store.batch(scope, key).id, seqs, reason, user)


def settle(shop: Shop, scope: Scope, key: str, user: str) -> Tally:
    """Everything accounted for: mailed + withdrawn = gathered. Raises Conflict that names what is missing."""
    return shop.store.settle(scope, shop.store.batch(scope, key).id, user)


def replies(shop: Shop, scope: Scope, key: str) -> list[Reply]:
    """Read what the house answered to the batch and its remakes, and keep it. A ``.nak`` holds the batch."""
    batch: Batch = shop.store.batch(scope, key)
    if batch.target is not None:
        place = shop.delivery(batch.target)
        bundles = [
            batch.bundle,
            *(remake.bundle(batch) for remake in shop.store.remakes(scope, batch.id) if remake.made),
        ]
        for bundle in bundles:
            for reply in place.replies(bundle):
                shop.store.acknowledge(scope, batch.id, reply.name, reply.ok, reply.text)
    return [Reply(*known) for known in shop.store.replies(scope, batch.id)]
