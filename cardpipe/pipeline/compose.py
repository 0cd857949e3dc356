"""Compose: one piece's card and envelope, from what was pinned, into two stored fragments. Expensive, done once.

Everything here is a pure function of the pinned order, so a retry is free and a remake is identical. Findings of
pictures that only decoding can see (a truncated file, a face cut by the trim) surface here, as the piece's own.
"""

from __future__ import annotations

import hashlib

from cardpipe.lettershop import envelope
from cardpipe.model.address import Address
from cardpipe.model.errors import Refused
from cardpipe.model.finding import Finding, error, has_errors
from cardpipe.model.order import Scope, seed
from cardpipe.model.piece import Composed, Piece
from cardpipe.pipeline import lease, pinned
from cardpipe.ports import Claim, Shop
from cardpipe.prepress import card, fragment
from cardpipe.prepress.design import Design
from cardpipe.prepress.format import Format
from cardpipe.prepress.photo import DevelopedPhoto
from cardpipe.prepress.signature import LiftedSignature
from cardpipe.prepress.typeset import Hand, Layout


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
    message = card.fit_message(design, hand, spec["message"], signature is not None)
    ink = card.pens(design).get(spec["ink"])
    carrier = shop.catalog.carrier(spec["carrier"])
    recipient, sender = Address.model_validate(spec["recipient"]), Address.model_validate(spec["sender"])
    front, on_envelope = envelope.compose(layout, recipient, sender, carrier, printed.face)
    findings += on_envelope
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
            ink=ink,
            photos=photos,
            signature=signature,
            seed=lambda panel: seed(spec["tenant"], spec["reference"], panel),
            art=lambda side: "art:" + spec["design"]["files"][f"{side}.pdf"],
        )
    )
    srgb = "icc:" + _keep_profile(shop, scope)
    card_bytes = fragment.build(pages, srgb)
    envelope_bytes = fragment.build([front], srgb)
    return Composed(
        card=shop.artifacts.put(scope, card_bytes),
        envelope=shop.artifacts.put(scope, envelope_bytes),
        card_bytes=len(card_bytes),
        envelope_bytes=len(envelope_bytes),
        findings=tuple(findings),
    )


def _photos(
    shop: Shop, piece: Piece, design: Design, layout: Format, findings: list[Finding]
) -> dict[str, DevelopedPhoto]:
    press = pinned.press(piece.spec)
    orders = card.photo_orders(design, layout, press.photo_ppi, press.photo_minimum_ppi)
    developed = {}
    for name, digest in sorted(piece.spec["photos"].items()):
        try:
            photo = shop.darkroom.develop(shop.artifacts.get(piece.scope, digest), orders[name])
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
    return digest if shop.artifacts.has(scope, digest) else shop.artifacts.put(scope, data)
