"""Duties that recur: a tenant's cut-offs, and the erasure of what is not needed any more.

Each is a row that only one can add, so any number of dispatchers may ask for it, and none of them has to be the leader.
A system that was down over a cut-off does it when it is back: the close takes everything that is due by then.
"""

from __future__ import annotations

import datetime as dt

from cardpipe.lettershop import calendar
from cardpipe.lettershop.calendar import Calendar
from cardpipe.model.order import Scope
from cardpipe.model.tenant import Tenant
from cardpipe.pipeline import lease
from cardpipe.ports import Claim, Shop

#: A cut-off longer ago than this is not made up for: the next one takes all of it.
_LATE = dt.timedelta(days=4)
#: So long a cut-off waits for orders that came in time and are still being composed.
PATIENCE = dt.timedelta(minutes=20)
_LOOK_AGAIN = 15.0  # seconds


class Reminder:
    """Adds the duties that are due. What it added before it remembers, so that an idle shop writes nothing."""

    def __init__(self, shop: Shop) -> None:
        self.shop = shop
        self._added: set[tuple[str, str, str, str]] = set()

    def turn(self) -> int:
        """Look at every tenant's calendar; how many duties are new."""
        now = self.shop.clock.now()
        added = 0
        for tenant in self.shop.store.tenants():
            for scope, kind, due in _due(self.shop, tenant, now):
                if (*scope, kind, due) not in self._added:
                    added += self.shop.store.add_duty(scope, kind, due)
                    self._added.add((*scope, kind, due))
        return added


def close(shop: Shop, step_id: str) -> None:
    """Do the step ``close``: gather a mail date's batches at its cut-off."""
    lease.work(shop, step_id, lambda claim: _closed(shop, claim), shop.store.complete_duty)


def last_cut_off(tenant: Tenant, now: dt.datetime, posts: Calendar) -> tuple[dt.date, dt.datetime] | None:
    """The last working day whose cut-off has passed, and its moment; None without a cut-off, or where it was so long
    ago that the next one takes it over."""
    if tenant.cut_off is None:
        return None
    day = (now + dt.timedelta(days=1)).date()
    while day > (now - _LATE).date():
        if posts.is_working(day) and (moment := calendar.cut_off_of(day, tenant.zone, tenant.cut_off)) <= now:
            return day, moment
        day -= dt.timedelta(days=1)
    return None


def _due(shop: Shop, tenant: Tenant, now: dt.datetime) -> list[tuple[Scope, str, str]]:
    found = []
    posts = shop.catalog.carrier(shop.carrier).calendar
    if not tenant.closed and (passed := last_cut_off(tenant, now, posts)) is not None:
        found.append((Scope(tenant.name, "live"), "close", passed[0].isoformat()))
    # also where everything is kept: what died half-made goes
    found += [(Scope(tenant.name, mode), "erase", now.date().isoformat()) for mode in ("live", "test")]
    return found


def _closed(shop: Shop, claim: Claim) -> str:
    """Gather what is due by that day; the sentence that is kept of it."""
    from cardpipe.pipeline.gather import gather  # the dispatcher, who only reminds, need not load it

    duty, tenant = shop.store.duty(claim.scope, claim.subject), shop.store.tenant(claim.scope.tenant)
    late = shop.store.due_orders(claim.scope, duty.due)
    if late and tenant.cut_off is not None:
        moment = calendar.cut_off_of(dt.date.fromisoformat(duty.due), tenant.zone, tenant.cut_off)
        if shop.clock.now() < moment + PATIENCE:
            raise lease.Later(_LOOK_AGAIN, f"{len(late)} orders of this cut-off are still being composed")
    batches = gather(shop, claim.scope, duty.due)
    told = f"{len(batches)} batches with {sum(batch.pieces for batch in batches)} pieces"
    return f"{told}; {len(late)} orders were not composed in time and go with the next" if late else told
