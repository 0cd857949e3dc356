"""Compose: one piece's card and envelope, from what was pinned, into two stored fragments. Expensive, done once.

Everything here is a pure function of the pinned order, so a retry is free and a remake is identical. Findings of
pictures that only decoding can see (a truncated file, a face cut by the trim) surface here, as the piece's own.
"""

from __future__ import annotations

import hashlib
import io
from dataclasses import replace

from cardpipe.lettershop import envelope, labels
from cardpipe.lettershop.labelsheet import SHEETS
from cardpipe.model.address import Address
from cardpipe.model.errors import Refused
from cardpipe.model.finding import Finding, error, has_errors
from cardpipe.model.order import Scope, seed
from cardpipe.model.piece import Composed, Piece
from cardpipe.pipeline import lease, pinned
from cardpipe.ports import Claim, Shop
from cardpipe.preflight.piece import inspect_pages
from cardpipe.preflight.profile import Profile
from cardpipe.prepress import card, fragment
from cardpipe.prepress.design import Design
from cardpipe.prepress.format import Format
from cardpipe.prepress.merge import Merge
from cardpipe.prepress.photo import DevelopedPhoto
from cardpipe.prepress.signature import LiftedSignature
from cardpipe.prepress.typeset import Hand, Layout
from cardpipe.prepress.xmp import Stamp


def run(shop: Shop, step_id: str) -> None:
    """Do the compose step, if it is still to be done and nobody else is at it."""
    lease.work(shop, step_id, lambda claim: _made(shop, claim), shop.store.complete_compose)


def _made(shop: Shop, claim: Claim) -> Composed:
    return make(shop, shop.store.piece(claim.scope, claim.subject))


def make(shop: Shop, piece: Piece) -> Composed:
    """Compose one piece. Raises Refused with all of its findings where a picture or the text cannot be used."""
    spec, scope = piece.spec, piece.scope
    source = pinned.design(shop, scope, spec)
    design, layout = source.design, pinned.layout(spec)
    printed = pinned.font(shop, scope, spec["printed"])
    chain = [pinned.font(shop, scope, face) for face in spec["hand"]["faces"]]
    findings: list[Finding] = []
    photos = _photos(shop, piece, design, layout, findings)
    signature = _signature(shop, piece, design, findings)
    hand = Hand(chain[0].name, tuple(font.face for font in chain))
    signed = signature is not None
    message = pinned.message(scope, spec, signed, lambda: card.fit_message(design, hand, spec["message"], signed))
    ink = card.pens(design).get(spec["ink"])
    carrier = shop.catalog.carrier(spec["carrier"])
    recipient, sender = Address.model_validate(spec["recipient"]), Address.model_validate(spec["sender"])
    front, on_envelope = envelope.compose(
        layout, recipient, sender, carrier, printed.face,
        mailing=pinned.mailing(spec), hand=hand, seed=seed(spec["tenant"], spec["reference"], "envelope"),
    )  # fmt: skip
    findings += on_envelope
    press = pinned.press(spec)
    if press.labels is not None:
        findings += labels.compose(
            recipient, carrier, printed.face, SHEETS[press.labels.sheet], bars=pinned.mailing(spec).presorted
        )[1]
    if not isinstance(message, Layout):
        findings += message
    if ink is None:
        findings.append(error("order.ink", "ink", f"there is no ink {spec['ink']!r}"))
    if has_errors(findings) or front is None or ink is None or not isinstance(message, Layout):
        raise Refused("the piece cannot be composed", findings)
    pages = card.compose(
        card.Card(
            design=design,
            format=layout,
            layout=message,
            strength=spec["hand"].get("strength", "natural"),
            ink=ink,
            photos=photos,
            signature=signature,
            seed=lambda panel: seed(spec["tenant"], spec["reference"], panel),
            art=lambda side: "art:" + spec["design"]["files"][f"{side}.pdf"],
        )
    )
    output = press.output
    srgb = "icc:" + _keep_profile(shop, scope) if output == "X-4" else ""  # PDF/X-1a knows the press's inks alone
    card_bytes = fragment.build(pages, srgb, output)
    envelope_bytes = fragment.build([front], srgb, output)
    findings += inspect_piece(shop, piece, card_bytes, envelope_bytes)
    if has_errors(findings):
        raise Refused("the piece does not pass preflight", findings)
    card_digest, envelope_digest = (hashlib.sha256(data).hexdigest() for data in (card_bytes, envelope_bytes))
    shop.store.foresee(scope, [card_digest, envelope_digest])
    return Composed(
        card=shop.artifacts.put(scope, card_bytes, card_digest),
        envelope=shop.artifacts.put(scope, envelope_bytes, envelope_digest),
        card_bytes=len(card_bytes),
        envelope_bytes=len(envelope_bytes),
        findings=tuple(findings),
    )


def inspect_piece(shop: Shop, piece: Piece, card_bytes: bytes, envelope_bytes: bytes) -> list[Finding]:
    """The inspector's word on one piece: one that no press may have is never gathered, and stops no other."""
    spec, found = piece.spec, []
    press, layout = pinned.press(spec), pinned.layout(spec)
    shared = pinned.stand_ins(shop, piece.scope, spec)
    for name, data, trim, bleed, pages in (
        ("card", card_bytes, layout.flat, layout.bleed, 2),
        ("envelope", envelope_bytes, envelope.face_size(layout), 0.0, 1),
    ):
        sink = io.BytesIO()
        stamp = Stamp(name, piece.mail_on, spec["profile"], press.condition, press.condition_info, "Simplex",
                      output=press.output)  # fmt: skip
        merge = Merge(sink, shared, stamp)
        merge.add(fragment.Fragment(io.BytesIO(data)), lambda page, slot: ())
        merge.finish()
        profile = Profile.for_press(press, trim=trim, bleed=bleed, pages_per_piece=pages)
        for finding in inspect_pages(sink, profile, name).findings:
            found.append(replace(finding, where=f"{name}, {finding.where}"))
    return found


def _photos(
    shop: Shop, piece: Piece, design: Design, layout: Format, findings: list[Finding]
) -> dict[str, DevelopedPhoto]:
    press = pinned.press(piece.spec)
    orders = card.photo_orders(
        design,
        layout,
        press.photo_ppi,
        press.photo_minimum_ppi,
        colour="cmyk" if press.output == "X-1a" else "srgb",
        profile=pinned.profile(shop, piece.scope, piece.spec),
        max_ink=press.max_ink,
        focus=pinned.focus(piece.spec),
        tone=press.tone,
    )
    developed = {}
    for name, digest in sorted(piece.spec["photos"].items()):
        order = replace(orders[name], min_ppi=pinned.least_ppi(piece.spec, name))
        try:
            photo = pinned.photo(shop, piece.scope, piece.spec, digest, order)
        except Refused as problem:
            if problem.retried:  # the decoder died: an attempt of this piece, not a judgement on its picture
                raise
            findings += problem.findings
            continue
        findings += photo.findings
        developed[name] = photo
    return developed


def _signature(shop: Shop, piece: Piece, design: Design, findings: list[Finding]) -> LiftedSignature | None:
    order, digest = card.signature_order(design), piece.spec["signature"]
    if digest is None or order is None:
        return None
    try:
        lifted = pinned.signature(shop, piece.scope, digest, order)
    except Refused as problem:
        if problem.retried:
            raise
        findings += problem.findings
        return None
    findings += lifted.findings
    return lifted


def _keep_profile(shop: Shop, scope: Scope) -> str:
    """The profile that tags photos, stored with the pieces that lean on it."""
    data = shop.catalog.profile("sRGB.icc")
    digest = hashlib.sha256(data).hexdigest()
    return digest if shop.artifacts.has(scope, digest) else shop.artifacts.put(scope, data, digest)
