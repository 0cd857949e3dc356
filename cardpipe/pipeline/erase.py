"""Erase: what is personal goes once the card was mailed and the tenant's days of retention are over, or when asked.

Rows first, in one transaction an order, with a note of which bytes nobody needs any more; then the bytes. Whoever dies
in between leaves the note, and the next one goes on. Counts, states, digests and keyed hashes stay.
"""

from __future__ import annotations

import datetime as dt

from cardpipe.model.order import Scope
from cardpipe.model.status import OrderState
from cardpipe.model.stored import OrderQuery, StoredOrder
from cardpipe.pipeline import lease
from cardpipe.pipeline.accept import erased_digest
from cardpipe.ports import Claim, Shop

_PAGE = 200


def run(shop: Shop, step_id: str) -> None:
    """Do the step ``erase``: one tenant's day."""
    lease.work(shop, step_id, lambda claim: _erased(shop, claim), shop.store.complete_erase)


def erase(shop: Shop, scope: Scope, key: str, actor: str) -> StoredOrder:
    """Erase one order's personal data now; a worker sees to it that they leave the database's own files, too, which may
    take minutes. Raises Conflict ``order.erase.too_early`` while its card is still to be mailed (cancel it first),
    Refused for an unknown order. Twice is once."""
    stored = shop.store.order(scope, key)
    if stored.erased_at is None:
        _one(shop, scope, stored, actor)
        remove_rubbish(shop, scope)
        shop.store.add_duty(scope, "erase", stored.id)
    return shop.store.order(scope, stored.id)


def erase_before(shop: Shop, scope: Scope, moment: dt.datetime, actor: str) -> tuple[int, int, int]:
    """Erase every order that was done before that moment, and uploads and imports that nothing needs; how many of each,
    and how many artifacts were removed. Test orders are never mailed: older ones are cancelled, and so done."""
    before = done_before = _text(moment)
    if scope.mode == "test":
        _end_tests(shop, scope, before, actor)
        done_before = _text(shop.clock.now() + dt.timedelta(seconds=1))
    orders = 0
    while found := shop.store.erasable(scope, done_before, _PAGE):
        for order_id in found:
            _one(shop, scope, shop.store.order(scope, order_id), actor)
        orders += len(found)
    rest = shop.store.erase_rest(scope, before, actor)
    removed = remove_rubbish(shop, scope)
    shop.store.scrub()
    return orders, rest, removed


def remove_rubbish(shop: Shop, scope: Scope) -> int:
    """Remove the bytes that nobody needs any more; how many artifacts."""
    removed = 0
    while found := shop.store.rubbish(scope):
        for digest in found:
            shop.artifacts.delete(scope, digest)
        shop.store.removed(scope, found)
        removed += len(found)
    return removed


def _erased(shop: Shop, claim: Claim) -> str:
    shop.store.forget_deliveries(claim.scope)
    days = shop.store.tenant(claim.scope.tenant).retention_days
    if days is None:  # the tenant keeps its data, but for what was erased on demand, and what nobody ever named
        removed = remove_rubbish(shop, claim.scope)
        shop.store.scrub()
        return f"nothing but rubbish, {removed} artifacts"
    moment = shop.clock.now() - dt.timedelta(days=days)
    orders, rest, removed = erase_before(shop, claim.scope, moment, "cardpipe")
    return f"{orders} orders, {rest} uploads and imports, {removed} artifacts"


def _text(moment: dt.datetime) -> str:
    return moment.astimezone(dt.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _one(shop: Shop, scope: Scope, stored: StoredOrder, actor: str) -> None:
    shop.store.erase_order(scope, stored.id, actor, erased_digest(shop.secret, stored.request_digest))


def _end_tests(shop: Shop, scope: Scope, before: str, actor: str) -> None:
    query = OrderQuery(states=(str(OrderState.ACCEPTED),), until=before, limit=_PAGE)
    while found := shop.store.list_orders(scope, query)[0]:
        for stored in found:
            shop.store.cancel_order(scope, stored.id, "the retention of test orders is over", actor)
