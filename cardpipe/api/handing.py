"""Handing in: an order is judged and kept, once, or taken in as a row where only a worker can fetch its pictures."""

from __future__ import annotations

import datetime as dt
import json
import math
from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

from pydantic import ValidationError

from cardpipe.api import shapes_orders as shapes
from cardpipe.api import viewing
from cardpipe.api.access import Caller
from cardpipe.api.once import Told, answering, once, reused
from cardpipe.api.problem import Turned
from cardpipe.api.viewing import view
from cardpipe.model.errors import Conflict, Refused
from cardpipe.model.intake import NewRow, Row, RowState
from cardpipe.model.order import Order, differing
from cardpipe.model.stored import Receipt, StoredOrder
from cardpipe.pipeline.accept import accept, asks_for, reference_reused, stored_as, terms
from cardpipe.pipeline.mend import by_url, no_digest, readable, uploads, urls
from cardpipe.wiring import Shop


def hand_in(house: Shop, caller: Caller, data: dict[str, Any], key: str | None) -> Told:
    """The answer to an order that is handed in. Raises Refused and Conflict with every finding; Turned 429."""

    def replay(status: int, text: str) -> Told:
        said = json.loads(text)
        if "reference" in said:
            return Told(status, text, f"/v1/orders/{said['id']}", fresh=False)
        stored = viewing.found(house, caller.scope, said["id"])  # what was said was erased with the order
        if not _still_the_same(house, stored, data):
            raise reused("reference")
        return _again(house, stored)

    return once(house, caller, "orders", key, data, lambda receipt: _kept(house, caller, data, receipt), replay)


def no_paths(ref: str, where: str) -> bytes:
    """Whatever an order names that is no picture of ours. The name itself is not repeated: it may be a path."""
    raise Refused("no digest", [no_digest(where)])


def judge_urls(house: Shop, data: Mapping[str, Any]) -> None:
    """Raises Refused for URLs of photos where they are switched off, and for those that may not be called."""
    if found := urls(house, data):
        raise Refused("the order was refused; nothing was stored", found)


def _kept(house: Shop, caller: Caller, data: dict[str, Any], receipt: Receipt | None) -> Told:
    daily(house, caller, data)
    if any(True for _ in by_url(data)):
        return _received(house, caller, data, receipt)
    under = terms(house, caller.scope, actor=caller.actor)
    verdict = accept(house, caller.scope, data, no_paths, "", under, answering(receipt, _answer))
    if verdict.order is None:
        if any(finding.code == "order.reference_reused" for finding in verdict.findings):
            raise Conflict("another order has this reference; nothing was stored", verdict.findings)
        raise Refused("the order was refused; nothing was stored", verdict.findings)
    return _told(verdict.order) if verdict.fresh else _again(house, verdict.order)


def _received(house: Shop, caller: Caller, data: dict[str, Any], receipt: Receipt | None) -> Told:
    """As a row: whatever can be judged without its pictures is judged now."""
    judge_urls(house, data)
    order = readable(data)
    if wrong := uploads(house, caller.scope, order):
        raise Refused("the order was refused; nothing was stored", wrong)
    if (known := _known(house, caller, order)) is not None:
        return _again(house, known)
    asked = order.model_dump(mode="json", exclude_defaults=True)
    new = NewRow(1, asked, reference=order.reference, request_digest=order.digest())
    try:
        row, fresh = house.store.add_row(new, caller.scope, answering(receipt, _answer))
    except Conflict as problem:
        if not any(finding.code == "order.reference.taken" for finding in problem.findings):
            raise
        raise Conflict(str(problem), [reference_reused(finding.where for finding in problem.findings)]) from None
    if row.state in (RowState.ACCEPTED, RowState.KNOWN):  # judged since we looked
        return _again(house, house.store.order(caller.scope, order.reference))
    return _told(row) if fresh else _again(house, row)


def _known(house: Shop, caller: Caller, order: Order) -> StoredOrder | None:
    """The same order, if it is here already. Raises Conflict for another one under this reference."""
    stored = stored_as(house, caller.scope, order.reference)
    if stored is None or asks_for(house, stored, order):
        return stored
    found = reference_reused(differing(stored.request, order.model_dump(mode="json")))
    raise Conflict("another order has this reference; nothing was stored", [found])


def _still_the_same(house: Shop, stored: StoredOrder | Row, data: Mapping[str, Any]) -> bool:
    """Whether this asks for the order that was erased, as far as can be told: of one that was changed meanwhile, only
    the reference tells what was asked at first."""
    if data.get("reference") != stored.reference:
        return False
    if isinstance(stored, Row) or stored.revision > 1:
        return True
    try:
        return asks_for(house, stored, Order.model_validate(dict(data)))
    except ValidationError:
        return False


def daily(house: Shop, caller: Caller, data: Mapping[str, Any]) -> None:
    """Raises Turned (429) where the tenant had as many orders today, by its own clock, as it may have, and this one
    would be one more."""
    tenant = house.store.tenant(caller.scope.tenant)
    if tenant.daily_limit is None:
        return
    zone = ZoneInfo(tenant.zone)
    now = house.clock.now().astimezone(zone)
    today = dt.datetime.combine(now.date(), dt.time(), zone)
    if house.store.count_since(caller.scope, today.timestamp(), tenant.daily_limit) < tenant.daily_limit:
        return
    if _there(house, caller, data.get("reference")):
        return
    tomorrow = dt.datetime.combine(now.date() + dt.timedelta(days=1), dt.time(), zone)
    wait = max(1, math.ceil(tomorrow.timestamp() - now.timestamp()))
    raise Turned(
        429, "tenant.daily_limit", "orders", f"has reached {tenant.daily_limit} a day, the tenant's limit",
        "wait until midnight in the tenant's zone, or have the limit raised", {"retry-after": str(wait)},
    )  # fmt: skip


def _there(house: Shop, caller: Caller, reference: object) -> bool:
    """Whether something has this reference already: then nothing is added."""
    if not isinstance(reference, str) or not (reference.isascii() and reference.isprintable()):
        return False
    try:
        return house.store.order(caller.scope, reference).reference == reference
    except Refused:
        return house.store.row(caller.scope, reference) is not None


def _answer(stored: StoredOrder | Row) -> tuple[int, str]:
    """What is answered to what was kept, now and whenever it is asked for under the same key."""
    shape = shapes.row(stored) if isinstance(stored, Row) else shapes.order(stored, {})
    return 202, shape.model_dump_json()


def _told(stored: StoredOrder | Row) -> Told:
    status, text = _answer(stored)
    return Told(status, text, f"/v1/orders/{stored.id}")


def _again(house: Shop, stored: StoredOrder | Row) -> Told:
    """The same order was here before: as it is by now."""
    shape = shapes.row(stored) if isinstance(stored, Row) else view(house, stored, story=False)
    return Told(200, shape.model_dump_json(), f"/v1/orders/{stored.id}", fresh=False)
