"""Accept: an order is refused with every finding at once, or stored with its inputs pinned by digest.

Nothing is stored before everything was judged. What is stored names bytes by digest alone: a design, a font or a
photo that changes tomorrow does not change a card that was accepted today, nor its remake.
"""

from __future__ import annotations

import difflib
import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from cardpipe.imposition.grid import lay
from cardpipe.lettershop import addressing, envelope, indicia, labels
from cardpipe.lettershop.carrier import Carrier
from cardpipe.lettershop.labelsheet import SHEETS
from cardpipe.lettershop.mailing import Insert, Mailing
from cardpipe.model.errors import Conflict, Refused
from cardpipe.model.finding import Finding, error, has_errors, warning
from cardpipe.model.order import PICTURE_DIGEST, Order, Scope, digest, seed
from cardpipe.pipeline import pinned
from cardpipe.pipeline.output import judge_art, judge_output
from cardpipe.ports import DesignSource, FontSource, NewOrder, Shop, StoredOrder
from cardpipe.prepress import card, fields
from cardpipe.prepress.press import Press
from cardpipe.prepress.typeset import Hand, Layout

#: Gives the bytes of a picture that an order names, or raises Refused.
Pictures = Callable[[str, str], bytes]

#: 2: with mailing, inserts and seed. Readers take an older one as posted plainly, with no insert, by no seed.
SPEC_VERSION = 2


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one order: stored (``fresh`` unless it was there already), or None with the findings."""

    reference: str
    order: StoredOrder | None
    fresh: bool
    findings: tuple[Finding, ...]


@dataclass(slots=True)
class _Desk:
    """One order on the desk: what has been found out so far, and all that is wrong with it."""

    shop: Shop
    scope: Scope
    order: Order
    pictures: Pictures
    findings: list[Finding]
    bytes_of: dict[str, bytes]


def accept(shop: Shop, scope: Scope, data: Mapping[str, Any], pictures: Pictures, mail_on: str) -> Verdict:
    """Judge one order and store it. ``mail_on`` (YYYY-MM-DD) is for orders without a date of their own.

    The same order again (same reference, same content) gives what is stored; another order under that reference is a
    finding ``order.reference_reused`` that names the fields which differ.
    """
    reference = str(data.get("reference", ""))
    try:
        order = Order.model_validate(dict(data))
    except ValidationError as problem:
        return Verdict(reference, None, False, tuple(schema_findings(problem)))
    desk = _Desk(shop, scope, order, pictures, [], {})
    request = _with_digests(desk)
    known = _known(desk, request)
    if known is not None:
        return known
    spec = _judge(desk)
    if spec is None or has_errors(desk.findings):
        return Verdict(reference, None, False, tuple(desk.findings))
    spec["mail_on"] = order.mail_on.isoformat() if order.mail_on else mail_on
    for name, content in desk.bytes_of.items():
        if PICTURE_DIGEST.match(name) and not shop.artifacts.has(scope, name.removeprefix("sha256:")):
            shop.artifacts.put(scope, content)
    new = NewOrder(
        scope=scope,
        reference=order.reference,
        request_digest=request.digest(),
        request=request.model_dump(mode="json"),
        spec=spec,
        occasion=order.occasion,
        design=spec["design"]["name"],
        mail_on=spec["mail_on"],
        group=_group(spec),
        sort_key=addressing.sort_key(order.recipient, shop.catalog.carrier(shop.carrier).origin),
        findings=tuple(desk.findings),
    )
    return _stored(desk, new)


def _known(desk: _Desk, request: Order) -> Verdict | None:
    """The verdict on an order that is here already: a retry is answered from what is stored, whatever became of its
    design or its hand since. None for a new one, and for one whose difference the store is to name."""
    try:
        stored = desk.shop.store.order(desk.scope, request.reference)
    except Refused:
        return None
    if stored.reference != request.reference or stored.request_digest != request.digest():
        return None
    return Verdict(request.reference, stored, False, stored.findings)


def _stored(desk: _Desk, new: NewOrder) -> Verdict:
    try:
        stored, fresh = desk.shop.store.add_order(new)
    except Conflict as problem:
        fields = ", ".join(finding.where for finding in problem.findings) or "its content"
        remedy = "give this order a reference of its own: one reference is one order for ever"
        message = f"another order has this reference; they differ in {fields}"
        found = error("order.reference_reused", "reference", message, remedy)
        return Verdict(new.reference, None, False, (*desk.findings, found))
    return Verdict(new.reference, stored, fresh, tuple(desk.findings))


def _group(spec: dict[str, Any]) -> str:
    """What the pieces of one batch share: format, press, carrier and stock by name, and all that is pinned of format,
    press and way of posting by digest, so that a batch cannot mix what changed between two orders."""
    same = digest({name: spec[name] for name in ("format", "press", "profile", "carrier", "mailing")})[:8]
    return "|".join((spec["format"]["name"], spec["press"]["name"], spec["carrier"], spec["format"]["stock"], same))


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


def _with_digests(desk: _Desk) -> Order:
    """The order with its pictures fetched and named by digest; what cannot be fetched is a finding."""
    order = desk.order
    photos = dict(order.photos)
    if order.photo is not None:
        photos = {"": order.photo}
    named = {name: _fetch(desk, ref, f"photos.{name}" if name else "photo") for name, ref in photos.items()}
    signature = _fetch(desk, order.signature, "signature") if order.signature else None
    short = named.pop("", None)
    return order.model_copy(update={"photos": named, "photo": short, "signature": signature})


def _fetch(desk: _Desk, ref: str, where: str) -> str:
    try:
        data = _uploaded(desk, ref, where) if PICTURE_DIGEST.match(ref) else desk.pictures(ref, where)
    except Refused as problem:
        desk.findings += problem.findings or (error("picture.missing", where, str(problem)),)
        return ref
    digest = "sha256:" + hashlib.sha256(data).hexdigest()
    desk.bytes_of[digest] = data
    desk.bytes_of.setdefault(ref, data)
    return digest


def _uploaded(desk: _Desk, ref: str, where: str) -> bytes:
    digest = ref.removeprefix("sha256:")
    if not desk.shop.artifacts.has(desk.scope, digest):
        found = error("picture.unknown", where, "was never uploaded", "upload the picture first, then name its digest")
        raise Refused("no such picture", [found])
    return desk.shop.artifacts.get(desk.scope, digest)


def _judge(desk: _Desk) -> dict[str, Any] | None:
    shop, order = desk.shop, desk.order
    carrier = shop.catalog.carrier(shop.carrier)
    desk.findings += addressing.judge(order.recipient, "recipient", carrier.origin)
    desk.findings += addressing.judge(order.sender, "sender", carrier.origin)
    message, found = fields.merge(order)
    desk.findings += found
    source = _design(desk)
    if source is None:
        return None
    design = source.design
    chain = _hand(desk, order.hand or design.hand)
    ink = order.ink or (frame.ink if (frame := design.one("message")) and frame.ink else "blue-black")
    if ink not in (pens := card.pens(design)):
        known = ", ".join(pens)
        desk.findings.append(error("order.ink", "ink", f"there is no ink {ink!r}", f"choose one of: {known}"))
    photos = _photos(desk, source)
    signature = _signature(desk, source)
    if chain and not found:
        fitted = _fit(desk, source, chain, message)
        if not isinstance(fitted, Layout):
            desk.findings += fitted
    printed, mailing, inserts = shop.catalog.printed(), shop.catalog.mailing(), _inserts(desk)
    press = shop.catalog.press(shop.press)
    _judge_posting(desk, source, carrier, mailing, inserts, printed)
    _judge_press(desk, source, press)
    if not has_errors(desk.findings):
        _, on_envelope = envelope.compose(
            source.format, order.recipient, order.sender, carrier, printed.face,
            mailing=mailing, hand=_as_hand(chain), seed=seed(desk.scope.tenant, order.reference, "envelope"),
        )  # fmt: skip
        desk.findings += on_envelope
        if press.labels is not None:
            sheet = SHEETS[press.labels.sheet]
            desk.findings += labels.compose(order.recipient, carrier, printed.face, sheet, bars=mailing.presorted)[1]
    if has_errors(desk.findings):
        return None
    faces = [_pin_font(desk, font) for font in chain]
    files = {name: _keep(desk, data, source.digests[name]) for name, data in source.files.items()}
    return {
        "v": SPEC_VERSION,
        "tenant": desk.scope.tenant,
        "mode": desk.scope.mode,
        "reference": order.reference,
        "occasion": order.occasion,
        "design": {"name": design.name, "version": design.version, "files": files},
        "format": source.format.as_dict(),
        "press": press.model_dump(),
        "profile": _keep(desk, shop.catalog.profile(press.profile)),
        "carrier": shop.carrier,
        "hand": {"name": order.hand or design.hand, "faces": faces},
        "printed": _pin_font(desk, printed),
        "recipient": order.recipient.model_dump(),
        "sender": order.sender.model_dump(),
        "message": message,
        "ink": ink,
        "photos": photos,
        "signature": signature,
        "mailing": mailing.model_dump(mode="json"),
        "inserts": [insert.model_dump(mode="json") for insert in inserts],
        "seed": order.seed,
    }


def _design(desk: _Desk) -> DesignSource | None:
    catalog, order = desk.shop.catalog, desk.order
    try:
        source = catalog.design(order.design or catalog.design_for(order.occasion))
    except Refused as problem:
        desk.findings += problem.findings
        return None
    if order.occasion not in source.design.occasions:
        known = ", ".join(source.design.occasions)
        desk.findings.append(
            warning("design.occasion", "design", f"{source.design.name} was made for {known}, not {order.occasion}")
        )
    return source


def _hand(desk: _Desk, name: str) -> Sequence[FontSource]:
    try:
        return desk.shop.catalog.hand(name)
    except Refused as problem:
        known = ", ".join(desk.shop.catalog.hands())
        desk.findings += problem.findings or (error("order.hand", "hand", str(problem), f"choose one of: {known}"),)
        return ()


def _inserts(desk: _Desk) -> list[Insert]:
    """What else goes into the envelope, in the order's order; an unknown or a doubled one is a finding."""
    found: list[Insert] = []
    for code in dict.fromkeys(desk.order.inserts):
        if desk.order.inserts.count(code) > 1:
            remedy = "name it once; two of the same are an insert of their own"
            desk.findings.append(error("order.insert_doubled", "inserts", f"{code!r} is named twice", remedy))
        try:
            found.append(desk.shop.catalog.insert(code))
        except Refused as problem:
            desk.findings += problem.findings
    return found


def _judge_posting(
    desk: _Desk,
    source: DesignSource,
    carrier: Carrier,
    mailing: Mailing,
    inserts: Sequence[Insert],
    printed: FontSource,
) -> None:
    """Whether the post takes the whole of it, and what it costs where that is more than usual."""
    foreign = not addressing.is_domestic(desk.order.recipient, carrier.origin)
    desk.findings += carrier.judge_shape(source.format, inserts, foreign=foreign, paid=mailing.postage)
    desk.findings += carrier.judge_mailing(mailing)
    if not addressing.is_domestic(desk.order.sender, carrier.origin):
        remedy = f"give a return address in {carrier.origin}; a card that cannot be delivered comes back there"
        what = f"lies in {desk.order.sender.country}, and the post of {carrier.origin} returns nothing abroad"
        desk.findings.append(error("address.return.foreign", "sender.country", what, remedy))
    if mailing.postage == "permit" and mailing.permit is not None:
        desk.findings += indicia.judge(mailing.permit, printed.face, "mailing.toml permit")


def _judge_press(desk: _Desk, source: DesignSource, press: Press) -> None:
    """Whether this press can print the design at all: its output standard, and its sheets."""
    desk.findings += judge_output(source, press.output) or judge_art(source, press)
    if press.sheet is not None:
        try:
            lay(source.format, press.sheet)
        except Refused as problem:
            desk.findings += problem.findings


def _photos(desk: _Desk, source: DesignSource) -> dict[str, str]:
    """Photo name → digest, each picture looked at in the darkroom."""
    order, design = desk.order, source.design
    given = dict(order.photos)
    if order.photo is not None:
        first = design.photos[0].photo if design.photos else "photo"
        given = {first: order.photo}
    desk.findings += card.judge_photos(design, set(given))
    press = desk.shop.catalog.press(desk.shop.press)
    placed = card.photo_orders(design, source.format, press.photo_ppi, press.photo_minimum_ppi)
    pinned = {}
    for name, ref in given.items():
        data = desk.bytes_of.get(ref)
        if data is None or name not in placed:
            continue
        try:
            facts = desk.shop.darkroom.judge(data, f"photos.{name}")
        except Refused as problem:
            desk.findings += problem.findings
            continue
        desk.findings += facts.findings
        if not has_errors(facts.findings):
            desk.findings += card.foresee(facts, placed[name])
        pinned[name] = _keep(desk, data)
    return pinned


def _signature(desk: _Desk, source: DesignSource) -> str | None:
    order, placed = desk.order, card.signature_order(source.design)
    data = desk.bytes_of.get(order.signature) if order.signature else None
    if data is None:
        return None
    if placed is None:
        desk.findings.append(
            error("signature.no_frame", "signature", f"design {source.design.name} has no place for it", "leave it out")
        )
        return None
    try:
        lifted = pinned.signature(desk.shop, desk.scope, hashlib.sha256(data).hexdigest(), placed, data)
        desk.findings += lifted.findings
    except Refused as problem:
        desk.findings += problem.findings
    return _keep(desk, data)


def _fit(desk: _Desk, source: DesignSource, chain: Sequence[FontSource], message: str) -> Layout | list[Finding]:
    return card.fit_message(source.design, _as_hand(chain), message, desk.order.signature is not None)


def _as_hand(chain: Sequence[FontSource]) -> Hand:
    return Hand(chain[0].name, tuple(font.face for font in chain))


def _pin_font(desk: _Desk, font: FontSource) -> dict[str, str]:
    return {
        "name": font.name,
        "settings": _keep(desk, font.settings_data, font.settings_sha256),
        "file": _keep(desk, font.data, font.sha256),
    }


def _keep(desk: _Desk, data: bytes, digest: str = "") -> str:
    """Note bytes to be stored with the order; their digest."""
    digest = digest or hashlib.sha256(data).hexdigest()
    desk.bytes_of["sha256:" + digest] = data
    return digest
