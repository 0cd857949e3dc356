"""``/v1/tenant``: the terms under which a key orders: zone, cut-off, next mail date, limits."""

from __future__ import annotations

import datetime as dt

from fastapi import APIRouter, Depends

from cardpipe.api import shapes_doors as shapes
from cardpipe.api.access import Caller, needs
from cardpipe.lettershop.calendar import cut_off_of, mail_date
from cardpipe.wiring import Shop


def routes(house: Shop) -> APIRouter:
    """The one route."""
    router = APIRouter(prefix="/v1/tenant", tags=["tenant"])
    reads = Depends(needs(house, "orders:read"))

    @router.get("", operation_id="getTenant", summary="Your terms", response_model=shapes.TenantShape)
    def show(caller: Caller = reads) -> shapes.TenantShape:
        """What holds for orders of this key. ``next_mail_on`` is the date of an order that is handed in now and names
        none; ``next_cut_off`` the moment at which that day's batches are closed."""
        tenant = house.store.tenant(caller.scope.tenant)
        calendar = house.catalog.carrier(house.carrier).calendar
        mail_on = mail_date(house.clock.now(), tenant.zone, tenant.cut_off, calendar)
        closes = cut_off_of(mail_on, tenant.zone, tenant.cut_off) if tenant.cut_off else None
        return shapes.TenantShape(
            name=tenant.name, mode=caller.scope.mode, zone=tenant.zone,
            cut_off=tenant.cut_off.strftime("%H:%M") if tenant.cut_off else None, next_mail_on=mail_on.isoformat(),
            next_cut_off=closes.astimezone(dt.UTC).isoformat().replace("+00:00", "Z") if closes else None,
            approval=tenant.approval, postage_class=tenant.postage_class, retention_days=tenant.retention_days,
            daily_limit=tenant.daily_limit, rate=tenant.rate, photo_urls=house.settings.photo_urls,
        )  # fmt: skip

    return router
