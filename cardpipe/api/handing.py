"""Handing in: an order is judged and kept, once, or taken in as a row where only a worker can fetch its pictures."""

from __future__ import annotations

import datetime as dt
import json
import math
from collections.abc import Iterator, Mapping
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
from cardpipe.model.finding import Finding, error
from cardpipe.model.intake import NewRow, Row, RowState
from cardpipe.model.order import PICTURE_DIGEST, Order, differing
from cardpipe.model.stored import Receipt, StoredOrder
from cardpipe.pipeline.accept import accept, asks_for, reference_reused, schema_findings, stored_as, terms
from cardpipe.pipeline.change import merged
from cardpipe.wiring import Shop

_UPLOAD_FIRST = "send the picture to POST /v1/pictures and write the sha256:… that it answers"


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


def mend(house: Shop, caller: Caller, row: Row, patch: Mapping[str, Any]) -> Row:
    """A refused row with the patch applied, to be judged again. Raises Refused with every finding."""
    asked = merged(row.request, patch)
    order = _readable(asked)
    if order.reference != row.reference and row.reference and row.import_id is None:
        remedy = "leave it as it is; another reference is another order"
        found = error("order.reference.fixed", "reference", "cannot be changed", remedy)
        raise Refused("the change was refused; the order is as it was", [found])
    if named := [finding for finding in _pictures(house, caller, order) if row.import_id is None]:
        raise Refused("the change was refused; the order is as it was", named)
    judge_urls(house, asked)
    return house.store.mend_row(caller.scope, row.id, asked, caller.actor)


def no_paths(ref: str, where: str) -> bytes:
    """Whatever an order names that is no picture of ours. The name itself is not repeated: it may be a path."""
    raise Refused("no digest", [_no_digest(where)])


def judge_urls(house: Shop, data: Mapping[str, Any]) -> None:
    """Raises Refused for URLs of photos where they are switched off, and for those that may not be called."""
    found: list[Finding] = []
    for where, url in _urls(data):
        if not house.settings.photo_urls:
            remedy = "upload the picture and name its digest; or ask the operator to set CARDPIPE_PHOTO_URLS=1"
            found.append(
                error("picture.url_off", where, "names a photo by URL, which is switched off here", remedy)
            )  # fmt: skip
        else:
            found += house.judge_url(url, where)
    if found:
        raise Refused("the order was refused; nothing was stored", found)


def _kept(house: Shop, caller: Caller, data: dict[str, Any], receipt: Receipt | None) -> Told:
    daily(house, caller, data)
    if any(True for _ in _urls(data)):
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
    order = _readable(data)
    if wrong := _pictures(house, caller, order):
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


def _readable(data: Mapping[str, Any]) -> Order:
    try:
        return Order.model_validate(dict(data))
    except ValidationError as problem:
        raise Refused("the order was refused; nothing was stored", schema_findings(problem)) from None


def _pictures(house: Shop, caller: Caller, order: Order) -> list[Finding]:
    """What is wrong with the uploaded pictures that an order names beside its URLs."""
    named = {f"photos.{name}": ref for name, ref in order.photos.items()}
    named |= {name: ref for name in ("photo", "signature") if (ref := getattr(order, name)) is not None}
    found = []
    for where, ref in named.items():
        if not PICTURE_DIGEST.match(ref):
            found.append(_no_digest(where))
        elif not house.artifacts.has(caller.scope, ref.removeprefix("sha256:")):
            found.append(error("picture.unknown", where, "was never uploaded", _UPLOAD_FIRST))
    return found


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


def _urls(data: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """(field, URL) of the photos that are named by one. What is no text is the schema's to refuse."""
    if isinstance(url := data.get("photo_url"), str):
        yield "photo_url", url
    if isinstance(several := data.get("photo_urls"), Mapping):
        yield from ((f"photo_urls.{name}"[:80], url) for name, url in several.items() if isinstance(url, str))


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


def _no_digest(where: str) -> Finding:
    return error("picture.not_uploaded", where, "is no digest of a picture", _UPLOAD_FIRST)
