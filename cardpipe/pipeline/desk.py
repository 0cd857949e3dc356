"""The desk: one order is judged against designs, hands, post and press, and its inputs are pinned by digest.

Nothing is stored here. What comes out is a spec that names bytes by digest alone, or all that is wrong with the order.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from cardpipe.imposition.grid import lay
from cardpipe.lettershop import addressing, envelope, indicia, labels
from cardpipe.lettershop.carrier import Carrier
from cardpipe.lettershop.labelsheet import SHEETS
from cardpipe.lettershop.mailing import Insert
from cardpipe.model.batch import Group
from cardpipe.model.errors import Refused, Unavailable
from cardpipe.model.finding import Finding, Level, error, has_errors, note, warning
from cardpipe.model.order import PICTURE_DIGEST, Order, Scope, digest, seed
from cardpipe.pipeline import pinned, routing
from cardpipe.pipeline.output import judge_art, judge_output
from cardpipe.pipeline.override import COARSE, JUDGEMENT, Overrides, let_pass, named
from cardpipe.ports import DesignSource, FontSource, Shop
from cardpipe.prepress import card, fields
from cardpipe.prepress.photo import PhotoOrder
from cardpipe.prepress.picture import PictureFacts
from cardpipe.prepress.press import Press
from cardpipe.prepress.typeset import Hand, Layout

#: Gives the bytes of a picture that an order names, or raises Refused.
Pictures = Callable[[str, str], bytes]

#: 2: with mailing, inserts and seed. Readers take an older one as posted plainly, with no insert, by no seed.
SPEC_VERSION = 2


class NotFetched(Refused):
    """A picture's server did not answer. Tried again a few times; then the order is refused with this."""

    retried = True


@dataclass(slots=True)
class Desk:
    """One order on the desk: what has been found out so far, and all that is wrong with it. ``own`` are the digests of
    what came from outside; the other bytes of ``bytes_of`` are the shop's own and serve many orders."""

    shop: Shop
    scope: Scope
    order: Order
    pictures: Pictures
    findings: list[Finding] = field(default_factory=list)
    bytes_of: dict[str, bytes] = field(default_factory=dict)
    fetched: dict[str, str] = field(default_factory=dict)
    own: set[str] = field(default_factory=set)
    overrides: Overrides = field(default_factory=Overrides)
    design: str = ""

    def settle(self) -> None:
        """Errors that somebody let pass are warnings from here on."""
        for n, found in enumerate(self.findings):
            judged = found.level is Level.ERROR and found.code in JUDGEMENT and found.code != COARSE
            if judged and self.overrides.allow(found, self.order, self.design, {}):
                self.findings[n] = let_pass(found)


def with_digests(desk: Desk) -> Order:
    """The order with its pictures fetched and named by digest; what cannot be fetched is a finding. URLs stay as they
    are, so that the same order sent again is known without fetching anything."""
    order = desk.order
    photos = dict(order.photos)
    if order.photo is not None:
        photos = {"": order.photo}
    named = {name: _fetch(desk, ref, f"photos.{name}" if name else "photo") for name, ref in photos.items()}
    signature = _fetch(desk, order.signature, "signature") if order.signature else None
    short = named.pop("", None)
    return order.model_copy(update={"photos": named, "photo": short, "signature": signature})


def _fetch(desk: Desk, ref: str, where: str) -> str:
    try:
        data = _uploaded(desk, ref, where) if PICTURE_DIGEST.match(ref) else desk.pictures(ref, where)
    except Refused as problem:
        desk.findings += problem.findings or (error("picture.missing", where, str(problem)),)
        return ref
    known = PICTURE_DIGEST.match(ref)  # compared when it was read
    digest = ref if known else "sha256:" + hashlib.sha256(data).hexdigest()
    desk.bytes_of[digest] = data
    desk.bytes_of.setdefault(ref, data)
    desk.own.add(digest.removeprefix("sha256:"))
    return digest


def fetch_urls(desk: Desk) -> None:
    """Get what the order names by URL; what cannot be got is a finding. Raises NotFetched where the other side does
    not answer: then the order is judged again later."""
    urls = dict(desk.order.photo_urls)
    if desk.order.photo_url is not None:
        urls = {"": desk.order.photo_url}
    for name, url in urls.items():
        where = f"photo_urls.{name}" if name else "photo_url"
        try:
            data = desk.shop.fetch_picture(url, where)
        except Refused as problem:
            desk.findings += problem.findings or (error("picture.missing", where, str(problem)),)
            continue
        except Unavailable as problem:
            remedy = "it is tried again; then upload the picture instead"
            why = error("picture.unreachable", where, "could not be fetched", remedy)
            raise NotFetched("A picture could not be fetched.", problem.findings or [why]) from None
        found = hashlib.sha256(data).hexdigest()
        desk.fetched[name] = f"sha256:{found}"
        desk.bytes_of[f"sha256:{found}"] = data
        desk.own.add(found)


def _uploaded(desk: Desk, ref: str, where: str) -> bytes:
    digest = ref.removeprefix("sha256:")
    if not desk.shop.artifacts.has(desk.scope, digest):
        found = error("picture.unknown", where, "was never uploaded", "upload the picture first, then name its digest")
        raise Refused("no such picture", [found])
    return desk.shop.artifacts.get(desk.scope, digest)


def group(spec: dict[str, Any]) -> str:
    """What the pieces of one batch share: format, press, carrier and stock by name, and all that is pinned of format,
    press and way of posting by digest, so that a batch cannot mix what changed between two orders; last the house that
    prints it, where it is one of several."""
    same = digest({name: spec[name] for name in ("format", "press", "profile", "carrier", "mailing")})[:8]
    by_name = spec["format"]["name"], spec["press"]["name"], spec["carrier"], spec["format"]["stock"]
    return Group(*by_name, same, routing.pinned_house(spec)).text


def judge(desk: Desk) -> dict[str, Any] | None:
    """The spec of an order that can be printed; None, with all that is wrong among the findings, for another."""
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
    desk.design = named(source)
    chain = _hand(desk, order.hand or design.hand)
    ink = order.ink or (frame.ink if (frame := design.one("message")) and frame.ink else "blue-black")
    if ink not in (pens := card.pens(design)):
        known = ", ".join(pens)
        desk.findings.append(error("order.ink", "ink", f"there is no ink {ink!r}", f"choose one of: {known}"))
    route = routing.route(shop, source.format.name, addressing.normalised(order.recipient, carrier.origin).country)
    photos = _photos(desk, source, route.press)
    focus = _focus(desk, source)
    signature = _signature(desk, source)
    if chain and not has_errors(found):
        fitted = _fit(desk, source, chain, message)
        if not isinstance(fitted, Layout):
            desk.findings += fitted
    printed, inserts, press, mailing = shop.catalog.printed(), _inserts(desk), route.press, route.mailing
    _judge_posting(desk, source, carrier, route, inserts, printed)
    _judge_press(desk, source, press)
    desk.settle()
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
    coarse = any(each.code == COARSE for each in desk.overrides.used)
    disorder = {} if order.strength in (None, "natural") else {"strength": order.strength}
    return {
        "v": SPEC_VERSION,
        "tenant": desk.scope.tenant,
        "mode": desk.scope.mode,
        "reference": order.reference,
        "occasion": order.occasion,
        "design": {"name": design.name, "version": design.version, "files": files},
        "format": source.format.as_dict(),
        "press": press.model_dump() | ({"photo_minimum_ppi": card.LEAST_PPI} if coarse else {}),
        **({"photo_minimum_ppi": press.photo_minimum_ppi} if coarse else {}),
        "profile": _keep(desk, shop.catalog.profile(press.profile)),
        "carrier": shop.carrier,
        **({"house": route.house} if route.house else {}),
        "hand": {"name": order.hand or design.hand, "faces": faces, **disorder},
        "printed": _pin_font(desk, printed),
        "recipient": order.recipient.model_dump(),
        "sender": order.sender.model_dump(),
        "message": message,
        "ink": ink,
        "photos": photos,
        **({"focus": focus} if focus else {}),
        "signature": signature,
        "mailing": mailing.model_dump(mode="json"),
        "inserts": [insert.model_dump(mode="json") for insert in inserts],
        "seed": order.seed,
    }


def _design(desk: Desk) -> DesignSource | None:
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


def _hand(desk: Desk, name: str) -> Sequence[FontSource]:
    try:
        return desk.shop.catalog.hand(name)
    except Refused as problem:
        known = ", ".join(desk.shop.catalog.hands())
        desk.findings += problem.findings or (error("order.hand", "hand", str(problem), f"choose one of: {known}"),)
        return ()


def _inserts(desk: Desk) -> list[Insert]:
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
    desk: Desk,
    source: DesignSource,
    carrier: Carrier,
    route: routing.Route,
    inserts: Sequence[Insert],
    printed: FontSource,
) -> None:
    """Whether the post takes the whole of it, and what it costs where that is more than usual."""
    foreign, mailing = not addressing.is_domestic(desk.order.recipient, carrier.origin), route.mailing
    desk.findings += carrier.judge_shape(source.format, inserts, foreign=foreign, paid=mailing.postage)
    desk.findings += carrier.judge_mailing(mailing, route.written)
    if not addressing.is_domestic(desk.order.sender, carrier.origin):
        remedy = f"give a return address in {carrier.origin}; a card that cannot be delivered comes back there"
        what = f"lies in {desk.order.sender.country}, and the post of {carrier.origin} returns nothing abroad"
        desk.findings.append(error("address.return.foreign", "sender.country", what, remedy))
    if mailing.postage == "permit" and mailing.permit is not None:
        desk.findings += indicia.judge(mailing.permit, printed.face, f"{route.written} permit")


def _judge_press(desk: Desk, source: DesignSource, press: Press) -> None:
    """Whether this press can print the design at all: its output standard, and its sheets."""
    desk.findings += judge_output(source, press.output) or judge_art(source, press)
    if press.sheet is not None:
        try:
            lay(source.format, press.sheet)
        except Refused as problem:
            desk.findings += problem.findings


def _photos(desk: Desk, source: DesignSource, press: Press) -> dict[str, str]:
    """Photo name → digest, each picture looked at in the darkroom."""
    order, design = desk.order, source.design
    first = design.photos[0].photo if design.photos else "photo"
    given = dict(order.photos)
    if order.photo is not None:
        given = {first: order.photo}
    given |= {name or first: picture for name, picture in desk.fetched.items()}
    desk.findings += card.judge_photos(design, set(given))
    placed = card.photo_orders(design, source.format, press.photo_ppi, press.photo_minimum_ppi)
    kept = {}
    for name, ref in given.items():
        data = desk.bytes_of.get(ref)
        if data is None or name not in placed:
            continue
        try:
            digest = ref.removeprefix("sha256:") if PICTURE_DIGEST.match(ref) else hashlib.sha256(data).hexdigest()
            facts = pinned.facts(desk.shop, desk.scope, digest, f"photos.{name}", data)
        except Refused as problem:
            desk.findings += problem.findings
            continue
        desk.findings += facts.findings
        if not has_errors(facts.findings):
            desk.findings += _sharp_enough(desk, facts, placed[name], given)
        kept[name] = _keep(desk, data, digest)
    return kept


def _sharp_enough(desk: Desk, facts: PictureFacts, placed: PhotoOrder, given: dict[str, str]) -> list[Finding]:
    """What is to be said of a photo's size. One that was let pass may be coarse, down to what nobody lets pass."""
    found = card.foresee(facts, placed)
    if (
        found
        and desk.overrides.given
        and desk.overrides.allow(found[0], desk.order, desk.design, _digests(desk, given))
    ):
        return [*map(let_pass, found), *card.coarsest(facts, placed)]
    return found


def _digests(desk: Desk, given: dict[str, str]) -> dict[str, str]:
    """Each frame's photo by digest, as far as it could be fetched."""
    return {name: hashlib.sha256(desk.bytes_of[ref]).hexdigest() for name, ref in given.items() if ref in desk.bytes_of}


def _focus(desk: Desk, source: DesignSource) -> dict[str, list[float]]:
    """Photo name → where the eye rests, as the order says. One for a photo that is not there is a finding: it was
    meant for another picture. Where the whole picture is shown, it changes nothing, which is noted."""
    order = desk.order
    single, several = order.photo or order.photo_url, {**order.photos, **order.photo_urls}
    frames = {frame.photo: frame for frame in source.design.photos}
    first = next(iter(frames), "photo")
    said = {"photo_focus": (first, order.photo_focus, bool(single))} if order.photo_focus else {}
    said |= {f"photos_focus.{name}": (name, at, name in several) for name, at in order.photos_focus.items()}
    pinned = {}
    for where, (name, at, there) in said.items():
        if not there:
            what = f"there is no photo that goes with it{' by this name' if several else ''}"
            remedy = "photo_focus goes with photo, photos_focus with photos, by the same names; or leave it out"
            desk.findings.append(error("photo.focus.no_photo", where, what, remedy))
        elif name in frames and at is not None:
            if frames[name].fit == "contain":
                what = f"design {source.design.name} shows this picture whole: there is nothing to choose"
                desk.findings.append(note("photo.focus.unused", where, what))
            pinned[name] = list(at)
    return pinned


def _signature(desk: Desk, source: DesignSource) -> str | None:
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


def _fit(desk: Desk, source: DesignSource, chain: Sequence[FontSource], message: str) -> Layout | list[Finding]:
    return card.fit_message(source.design, _as_hand(chain), message, desk.order.signature is not None)


def _as_hand(chain: Sequence[FontSource]) -> Hand:
    return Hand(chain[0].name, tuple(font.face for font in chain))


def _pin_font(desk: Desk, font: FontSource) -> dict[str, str]:
    return {
        "name": font.name,
        "settings": _keep(desk, font.settings_data, font.settings_sha256),
        "file": _keep(desk, font.data, font.sha256),
    }


def _keep(desk: Desk, data: bytes, digest: str = "") -> str:
    """Note bytes to be stored with the order; their digest."""
    digest = digest or hashlib.sha256(data).hexdigest()
    desk.bytes_of["sha256:" + digest] = data
    return digest
