"""Tell: one endpoint is sent what is due to it, message by message, and each answer is written down at once.

One step an endpoint, so that a slow one holds up nobody but itself, and a message is never on its way twice while its
worker lives. A worker that dies in between is followed by another one, and the same message goes out again under the
same id: at least once, never before the event was committed.
"""

from __future__ import annotations

import datetime as dt
import time
import traceback
from collections.abc import Iterator

import structlog

from cardpipe.model import webhook
from cardpipe.model.outbox import Answer, Endpoint, Outgoing
from cardpipe.pipeline import lease
from cardpipe.ports import Claim, Shop

log = structlog.get_logger("cardpipe.tell")

#: One claim sends at most so many messages, for at most so many seconds; the rest waits for the next hint.
MOST, SECONDS = 50, 60.0
#: After so many answers in a row that say "not now", whatever the message, the endpoint is left alone for a while:
#: a tenth of the time for which it has been failing, within these bounds (seconds).
FAILURES, SHORTEST_REST, LONGEST_REST = 3, 5.0, 600.0


def run(shop: Shop, step_id: str) -> None:
    """Do the step, if it is still to be done and nobody else is at it."""
    lease.work(shop, step_id, lambda claim: tell(shop, claim), lambda claim, _: shop.store.complete_events(claim))


def tell(shop: Shop, claim: Claim) -> int:
    """Send until nothing is due; how many messages that were. Raises ``lease.Later`` where something is left."""
    until = time.monotonic() + SECONDS
    sent = failures = 0
    for message in _due(shop, claim):
        answer = _post(shop, message)
        again_in = webhook.next_delay(message.attempt, message.id, answer.retry_after)
        if not shop.store.answered(claim, message.id, answer, again_in):
            break  # somebody else is at it, or the endpoint was dropped
        sent += 1
        if answer.status == 410:
            break  # it wants no more
        failures = failures + 1 if answer.down else 0
        if failures >= FAILURES:
            raise lease.Later(_rest(shop, claim), "the endpoint does not answer")
        if sent >= MOST or time.monotonic() >= until:
            raise lease.Later(0.0, "more is to be told")
    return sent


def secret_of(shop: Shop, endpoint: Endpoint, generation: int) -> bytes:
    """The signing secret of that generation: derived, never stored."""
    return webhook.derive(shop.secret, endpoint.scope.tenant, endpoint.scope.mode, endpoint.id, generation)


def shown_secret(shop: Shop, endpoint: Endpoint) -> str:
    """``whsec_…``: the endpoint's secret as its owner enters it at the receiver."""
    return webhook.shown(secret_of(shop, endpoint, endpoint.generation))


def secrets_of(shop: Shop, endpoint: Endpoint) -> list[bytes]:
    """What signs now: the secret, and for a day after it was replaced the one before."""
    found = [secret_of(shop, endpoint, endpoint.generation)]
    if endpoint.generation > 1 and _before(shop, endpoint.rotated_until):
        found.append(secret_of(shop, endpoint, endpoint.generation - 1))
    return found


def _due(shop: Shop, claim: Claim) -> Iterator[Outgoing]:
    """Asked anew after each round: once an order's oldest message is taken, its next one is due."""
    while due := shop.store.due_deliveries(claim, MOST):
        yield from due


def _post(shop: Shop, message: Outgoing) -> Answer:
    """One try. Our own failure at it is an answer, too: it waits for its next try and holds up nothing."""
    signed_at = int(shop.clock.now().timestamp())
    headers = webhook.sign(secrets_of(shop, message.endpoint), message.id, signed_at, message.body)
    began = time.monotonic()
    try:
        return shop.post_webhook(message.endpoint.url, headers, message.body)
    except Exception as problem:
        kind, frames = type(problem).__name__, traceback.format_tb(problem.__traceback__)
        log.error("bug", type=kind, message=message.id, endpoint=message.endpoint.id, frames=frames)
        return Answer(None, f"cardpipe failed with {kind}", time.monotonic() - began)


def _rest(shop: Shop, claim: Claim) -> float:
    """Seconds for which an endpoint that does not answer is left alone."""
    since = shop.store.endpoint(claim.scope, claim.subject).failing_since
    failing = (shop.clock.now() - dt.datetime.fromisoformat(since)).total_seconds() if since else 0.0
    return min(max(failing / 10, SHORTEST_REST), LONGEST_REST)


def _before(shop: Shop, moment: str) -> bool:
    return bool(moment) and shop.clock.now() < dt.datetime.fromisoformat(moment)
