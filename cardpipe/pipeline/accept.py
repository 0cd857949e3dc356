"""Accept: an order is refused with every finding at once, or stored with its inputs pinned by digest.

Nothing is stored before everything was judged. What is stored names bytes by digest alone: a design, a font or a
photo that changes tomorrow does not change a card that was accepted today, nor its remake.
"""

from __future__ import annotations

import datetime as dt
import difflib
import hashlib
import hmac
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from weakref import WeakKeyDictionary

from pydantic import ValidationError

from cardpipe.lettershop import addressing, calendar
from cardpipe.lettershop.duplicate import judge_date, natural_key
from cardpipe.model.errors import Conflict, Refused
from cardpipe.model.finding import Finding, error, has_errors
from cardpipe.model.order import PICTURE_DIGEST, Order, Scope, differing
from cardpipe.model.override import Override
from cardpipe.model.stored import Receipt
from cardpipe.model.tenant import Tenant
from cardpipe.pipeline.desk import Desk, NotFetched, Pictures, fetch_urls, group, judge, with_digests
from cardpipe.pipeline.override import Overrides, offers
from cardpipe.ports import Artifacts, NewOrder, Shop, StoredOrder


@dataclass(frozen=True, slots=True)
class Terms:
    """What holds for an order beside its own words: its tenant's terms, the moment, and the secret that natural keys
    are made with (no moment, no secret: a specimen, which is never mailed). ``mail_on`` is for orders without a date of
    their own (empty: the next mail date). ``lane`` and ``order_id``: see ``NewOrder``. ``overrides``: what an operator
    let pass of it."""

    tenant: Tenant
    now: dt.datetime | None = None
    secret: bytes = b""
    mail_on: str = ""
    lane: str = ""
    order_id: str = ""
    actor: str = ""
    overrides: tuple[Override, ...] = ()


def terms(shop: Shop, scope: Scope, mail_on: str = "", *, lane: str = "", order_id: str = "", actor: str = "") -> Terms:
    """The terms of this tenant at this moment."""
    tenant = shop.store.tenant(scope.tenant)
    return Terms(tenant, shop.clock.now(), shop.secret, mail_on, lane, order_id, actor)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one order: stored (``fresh`` unless it was there already), or None with the findings;
    ``offers`` are those that somebody may let pass (see ``override``)."""

    reference: str
    order: StoredOrder | None
    fresh: bool
    findings: tuple[Finding, ...]
    offers: Mapping[Finding, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Prepared:
    """An order that was judged and is not stored: ``new`` where it can be, ``known`` where the same one already is.
    ``bytes_of`` holds what it leans on, by digest, ``own`` which of them came from outside."""

    reference: str
    new: NewOrder | None
    known: StoredOrder | None
    findings: tuple[Finding, ...]
    bytes_of: Mapping[str, bytes] = field(default_factory=dict)
    own: frozenset[str] = frozenset()
    offers: Mapping[Finding, str] = field(default_factory=dict)

    def lay_down(self, shop: Shop, scope: Scope) -> None:
        """Put the bytes into the artifacts. What is the shop's own and was put by this process before is there."""
        laid = _laid.setdefault(shop.artifacts, set())
        looked = [digest for digest in self.bytes_of if digest in self.own or (*scope, digest) not in laid]
        lacking = [digest for digest in looked if not shop.artifacts.has(scope, digest)]
        shop.store.foresee(scope, [digest for digest in lacking if digest in self.own])
        for digest in lacking:
            shop.artifacts.put(scope, self.bytes_of[digest])
        laid |= {(*scope, digest) for digest in looked if digest not in self.own}


#: The shop's own bytes (art, fonts, profiles) that this process knows to lie in the artifacts: nobody removes them.
_laid: WeakKeyDictionary[Artifacts, set[tuple[str, str, str]]] = WeakKeyDictionary()


def accept(
    shop: Shop,
    scope: Scope,
    data: Mapping[str, Any],
    pictures: Pictures,
    mail_on: str,
    under: Terms | None = None,
    receipt: Receipt | None = None,
) -> Verdict:
    """Judge one order and store it. ``mail_on`` (YYYY-MM-DD) is for orders without a date of their own.

    The same order again (same reference, same content) gives what is stored; another order under that reference is a
    finding ``order.reference_reused`` that names the fields which differ; so is a photo that cannot be fetched. One
    that looks like a second card for the
    same person and occasion is stored held.
    """
    under = under or terms(shop, scope, mail_on)
    try:
        made = prepare(shop, scope, data, pictures, under)
    except NotFetched as problem:  # somebody waits for the answer: it is this order's, and no other's
        return Verdict(str(data.get("reference", "")), None, False, problem.findings)
    if made.known is not None:
        return Verdict(made.reference, made.known, False, made.findings)
    if made.new is None:
        return Verdict(made.reference, None, False, made.findings)
    made.lay_down(shop, scope)
    try:
        stored, fresh = shop.store.add_order(made.new, receipt)
    except Conflict as problem:
        if not any(finding.code == "order.reference.taken" for finding in problem.findings):
            raise
        fields = [finding.where for finding in problem.findings]  # somebody was faster with this reference
        return Verdict(made.reference, None, False, (*made.findings, reference_reused(fields)))
    # an erasure may have removed a picture between the look and the storing; now that the order names it, none will
    made.lay_down(shop, scope)
    return Verdict(made.reference, stored, fresh, made.findings)


def prepare(
    shop: Shop, scope: Scope, data: Mapping[str, Any], pictures: Pictures, under: Terms, *, anew: bool = False
) -> Prepared:
    """Judge one order and store nothing. ``anew``: do not ask whether it is known (it is to replace what is)."""
    reference = str(data.get("reference", ""))
    try:
        order = Order.model_validate(dict(data))
    except ValidationError as problem:
        return Prepared(reference, None, None, tuple(schema_findings(problem)))
    desk = Desk(shop, scope, order, pictures, overrides=Overrides(under.overrides))
    request = with_digests(desk)
    if not anew and (stored := stored_as(shop, scope, order.reference)) is not None:
        if asks_for(shop, stored, request):
            return Prepared(reference, None, stored, stored.findings)
        desk.findings.append(reference_reused(differing(stored.request, request.model_dump(mode="json"))))
    fetch_urls(desk)
    spec = judge(desk)
    mail_on = _mail_on(desk, under)
    desk.findings += judge_date(order.occasion_date, mail_on)
    desk.settle()
    if spec is None or has_errors(desk.findings):
        found = tuple(desk.findings)
        return Prepared(reference, None, None, found, offers=offers(shop, order, desk.design, found))
    spec["mail_on"] = mail_on.isoformat()
    if desk.overrides.used:
        spec["overrides"] = [each.as_dict() for each in desk.overrides.used]
    origin = shop.catalog.carrier(shop.carrier).origin
    new = NewOrder(
        scope=scope,
        reference=order.reference,
        request_digest=request.digest(),
        request=request.model_dump(mode="json"),
        spec=spec,
        occasion=order.occasion,
        design=spec["design"]["name"],
        mail_on=spec["mail_on"],
        group=group(spec),
        sort_key=addressing.sort_key(order.recipient, origin),
        findings=tuple(desk.findings),
        approval=order.approval or under.tenant.approval,
        natural_key=_natural_key(scope, order, under, mail_on, origin),
        arrive_by=order.arrive_by.isoformat() if order.arrive_by else None,
        metadata=order.metadata,
        pictures=tuple(sorted(desk.own)),
        lane=under.lane,
        order_id=under.order_id,
        actor=under.actor,
    )
    laid = {name.removeprefix("sha256:"): data for name, data in desk.bytes_of.items() if PICTURE_DIGEST.match(name)}
    return Prepared(reference, new, None, tuple(desk.findings), laid, frozenset(desk.own))


def reference_reused(fields: Iterable[str]) -> Finding:
    """The finding for an order whose reference another one has; ``fields`` are those in which they differ."""
    remedy = "give this order a reference of its own: one reference is one order for ever"
    message = f"another order has this reference; they differ in {', '.join(fields) or 'its content'}"
    return error("order.reference_reused", "reference", message, remedy)


def erased_digest(secret: bytes, request_digest: str) -> str:
    """What takes the place of a request's digest once the request was erased: it still tells the same order sent again,
    and nobody without the secret can try names on it."""
    return "erased:" + hmac.new(secret, request_digest.encode(), hashlib.sha256).hexdigest()


def stored_as(shop: Shop, scope: Scope, reference: str) -> StoredOrder | None:
    """The order that has this reference, if one has."""
    try:
        stored = shop.store.order(scope, reference)
    except Refused:
        return None
    return stored if stored.reference == reference else None


def asks_for(shop: Shop, stored: StoredOrder, request: Order) -> bool:
    """Whether a request is the one that this order was accepted by, also after that was erased. A retry is answered
    from what is stored, whatever became of its design or its hand since."""
    digest = request.digest()
    return stored.request_digest in (digest, erased_digest(shop.secret, digest))


def _mail_on(desk: Desk, under: Terms) -> dt.date:
    """When the order is mailed, with all that is to be said about it among the findings."""
    order, tenant = desk.order, under.tenant
    fixed = dt.date.fromisoformat(under.mail_on) if under.mail_on else None
    if under.now is None or (fixed and order.mail_on is None and order.arrive_by is None):
        return order.mail_on or fixed or dt.date.min
    carrier = desk.shop.catalog.carrier(desk.shop.carrier)
    foreign = not addressing.is_domestic(order.recipient, carrier.origin)
    scheduled = calendar.schedule(
        order.mail_on, order.arrive_by, under.now, tenant.zone, tenant.cut_off, carrier.calendar,
        carrier.travels(tenant.postage_class, foreign=foreign),
    )  # fmt: skip
    desk.findings += scheduled.findings
    return scheduled.mail_on


def _natural_key(scope: Scope, order: Order, under: Terms, mail_on: dt.date, origin: str) -> str | None:
    """None for a card to ourselves, which goes with every batch on purpose."""
    if order.seed or not under.secret:
        return None
    return natural_key(
        under.secret, *scope, order.recipient, order.occasion, order.occasion_date, mail_on, origin=origin
    )


def schema_findings(problem: ValidationError) -> list[Finding]:
    """Pydantic's errors as findings: the field by its path, a remedy where one can be told."""
    findings = []
    for item in problem.errors():
        where = ".".join(str(part) for part in item["loc"]) or "order"
        code, message, remedy = "order.invalid", item["msg"].removeprefix("Value error, "), "mend this field"
        if item["type"] == "extra_forbidden":
            near = difflib.get_close_matches(str(item["loc"][-1]), Order.model_fields, 1)
            code, message = "order.unknown_field", "is no field of an order"
            remedy = f"did you mean {near[0]!r}?" if near else "leave it out, or put it into metadata"
        elif item["type"] == "missing":
            code, message, remedy = "order.missing", "is missing", f"add {where}"
        elif item["type"].endswith("too_long"):
            most = item.get("ctx", {}).get("max_length", "")
            code, message, remedy = "order.too_long", f"is longer than {most}", "make it shorter"
        findings.append(error(code, where, message, remedy))
    return findings
