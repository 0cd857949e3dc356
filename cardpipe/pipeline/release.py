"""Release: an imposed batch is verified once more and handed to the print and mail house. From then on it is printed.

The decision is written down first, as a step: whoever dies in between is followed by a worker that finishes it, and the
same hand-over again changes nothing. Until ``.done`` lies there the house touches nothing; once a release is planned
nothing can be ejected.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import BinaryIO

from cardpipe.model.batch import Batch, Bundle
from cardpipe.model.errors import Bug, CardpipeError, Conflict, Unavailable
from cardpipe.model.order import Scope
from cardpipe.model.status import BatchState
from cardpipe.pipeline import lease, verify
from cardpipe.ports import Claim, Delivery, Shop

_PATIENCE, _LOOK = 10.0, 0.1  # seconds
_RELEASED = (BatchState.RELEASED, BatchState.PRINTED, BatchState.MAILED, BatchState.SETTLED)


def is_released(batch: Batch) -> bool:
    """Whether its files were handed over; a batch whose pieces were all ejected is settled and went nowhere."""
    return batch.state in _RELEASED and batch.target is not None


def run(shop: Shop, step_id: str) -> None:
    """Do the release step, if it is still to be done and nobody else is at it."""
    lease.work(shop, step_id, lambda claim: hand_over(shop, claim), lambda claim, _: shop.store.complete_release(claim))


def release(shop: Shop, scope: Scope, key: str, target: str, actor: str = "") -> str:
    """Hand a batch to ``target`` now; the place. A batch that was released there before gives its place, and nothing is
    given out again: a house takes what it prints out of the folder, and would print it twice. ``actor`` stands in the
    audit log, also where a worker finishes it.

    Raises what the hand-over raises, the batch then being imposed as before; Conflict where it is not imposed, is held,
    or goes or went elsewhere.
    """
    place = shop.delivery(target)
    batch = shop.store.batch(scope, key)
    if is_released(batch):
        if batch.target != place.address:
            raise Conflict(f"{batch.name} was released to {batch.target}; a second release would print it twice")
        return f"{place.address}/{batch.name}"
    step = shop.store.plan_release(scope, key, place.address, actor)  # a name tells the revision that was looked at
    claim = shop.store.claim(step, shop.lease_seconds)
    if claim is None:
        return _by_another(shop, scope, batch, place)
    return lease.now(shop, claim, lambda: hand_over(shop, claim), lambda _: shop.store.complete_release(claim),
                     lambda problem: shop.store.drop_release(scope, batch.id, _said(problem), claim))  # fmt: skip


def _by_another(shop: Shop, scope: Scope, batch: Batch, place: Delivery) -> str:
    """A worker was faster: look for a while whether it is done. Raises Unavailable where it is still at it."""
    until = time.monotonic() + _PATIENCE
    while time.monotonic() < until:
        now = shop.store.batch(scope, batch.id)
        if now.held is not None:
            raise Conflict(f"{now.name} is held: {now.held}")
        if is_released(now):
            return f"{place.address}/{batch.name}"
        time.sleep(_LOOK)
    raise Unavailable(f"{batch.name} is being released by a worker at this moment; look again soon")


def hand_over(shop: Shop, claim: Claim) -> str:
    """Verify the finished files and deliver them; the place."""
    batch = shop.store.batch(claim.scope, claim.subject)
    if batch.target is None:
        raise Bug("a release without a target")
    return deliver(shop, claim.scope, batch.bundle, batch.target)


def deliver(shop: Shop, scope: Scope, bundle: Bundle, target: str) -> str:
    """Verify a bundle's artifacts as the house will see them, and hand them over; the place. Raises Bug with all that
    is wrong, and what the delivery raises."""
    digests = {file.name: file.sha256 for file in bundle.files}
    findings = verify.files(lambda name: shop.artifacts.open(scope, digests[name]), bundle)
    if findings:
        raise Bug(f"{bundle.name} does not verify; it is not handed over", findings)
    return shop.delivery(target).deliver(bundle, opener(shop, scope))


def opener(shop: Shop, scope: Scope) -> Callable[[str], BinaryIO]:
    """Artifacts by digest."""
    return lambda digest: shop.artifacts.open(scope, digest)


def _said(problem: CardpipeError) -> str:
    return f"not handed over: {problem}"
