"""An order and a design become the card's pages: art, photos, message, signature, and the slot of the match code."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from cardpipe.model.finding import Finding, error
from cardpipe.model.units import Box, Points, mm, ppi, to_inch
from cardpipe.prepress.design import Design, Frame
from cardpipe.prepress.format import Format, Panel
from cardpipe.prepress.hand import Strength, write
from cardpipe.prepress.page import Art, Ink, Mark, Mask, Outline, Page, Photo, Rim, Slot
from cardpipe.prepress.photo import DevelopedPhoto, PhotoOrder
from cardpipe.prepress.picture import PictureFacts
from cardpipe.prepress.press import Tone
from cardpipe.prepress.signature import LiftedSignature, SignatureOrder
from cardpipe.prepress.typeset import Hand, Layout, TextFrame, fit

#: The match code's place on the back panel: width, height, and the distance from the trim below it (print.md 5.2).
CODE_SLOT = (mm(22), mm(16), mm(8))

#: Pens that any design takes, in CMYK.
PENS = {
    "blue-black": Ink("blue-black", 1.0, 0.85, 0.25, 0.45),
    "black": Ink("black", 0, 0, 0, 1.0),
    "blue": Ink("blue", 1.0, 0.78, 0.05, 0.10),
    "sepia": Ink("sepia", 0.35, 0.65, 0.80, 0.55),
    "plum": Ink("plum", 0.60, 0.90, 0.30, 0.40),
}
_UNDER = mm(0.1)  # how far a picture reaches under its border
_SIGNATURE_GAP = 1.1  # between the last line's ink and the signature, in x-heights


@dataclass(frozen=True, slots=True)
class Card:
    """All that goes onto one card. ``layout`` is the message as it fits; message and signature are of one ``ink``;
    ``seed`` gives a panel's handwriting seed and ``strength`` how far the hand strays; ``art`` gives the symbolic key
    of a side's art."""

    design: Design
    format: Format
    layout: Layout
    ink: Ink
    photos: Mapping[str, DevelopedPhoto]
    signature: LiftedSignature | None
    seed: Callable[[str], bytes]
    art: Callable[[str], str]
    strength: Strength = "natural"


def pens(design: Design) -> dict[str, Ink]:
    """The inks that a message may be written in: those of the design's own text frames, and :data:`PENS`.

    A palette's other colours are for art: a message in ``paper`` would be invisible.
    """
    own = {}
    for frame in design.frame:
        if frame.ink and frame.kind in ("message", "signature"):
            own[frame.ink] = _ink(design, frame.ink)
    return {**PENS, **own}


def _ink(design: Design, name: str) -> Ink:
    return Ink(name, *(part / 100 for part in design.inks[name].cmyk))


def photo_orders(
    design: Design,
    layout: Format,
    target: int,
    minimum: int,
    *,
    colour: Literal["srgb", "cmyk"] = "srgb",
    profile: bytes | None = None,
    max_ink: float = 300.0,
    focus: Mapping[str, tuple[float, float]] | None = None,
    tone: Tone = "off",
) -> dict[str, PhotoOrder]:
    """How each photo of this design will be placed, and in which colours, by the frame's photo name.

    ``profile`` is the ICC profile of the press; ``focus``, by photo, is where the order says that the eye rests: it
    knows the picture, so it wins over the design's."""
    orders = {}
    for frame in design.photos:
        panel = layout.panels[frame.panel]
        box = frame.inner.inset(_beside(frame))
        under = frame.border.width - _beside(frame) if frame.border else 0.0
        knife = (
            max(under, -box.x),
            max(under, -box.y),
            max(under, box.right - panel.box.width),
            max(under, box.top - panel.box.height),
        )
        orders[frame.photo] = PhotoOrder(
            box.width,
            box.height,
            frame.fit,
            (focus or {}).get(frame.photo, frame.focus),
            target,
            minimum,
            where=f"photos.{frame.photo}",
            knife_pt=knife,
            colour=colour,
            profile=profile,
            max_ink=max_ink,
            tone=tone,
        )
    return orders


def _beside(frame: Frame) -> Points:
    """How much smaller than its frame a picture is on each side: by its border, under which it reaches a little."""
    return frame.border.width - min(frame.border.width / 2, _UNDER) if frame.border else 0.0


def foresee(facts: PictureFacts, order: PhotoOrder) -> list[Finding]:
    """How sharp a photo will be, from its size alone, before it is decoded: the largest crop of the frame's shape."""
    if not facts.width or not facts.height:
        return []
    shape = order.width_pt / order.height_pt
    across = min(facts.width, facts.height * shape) if order.fit == "cover" else max(facts.width, facts.height * shape)
    sharp = ppi(across, order.width_pt)
    if sharp >= order.min_ppi:
        return []
    inches = f"{to_inch(order.width_pt):.2f} x {to_inch(order.height_pt):.2f} in"
    need = f"{round(to_inch(order.width_pt) * order.min_ppi)} x {round(to_inch(order.height_pt) * order.min_ppi)}"
    return [
        error(
            "photo.resolution.low",
            order.where,
            f"{facts.width} x {facts.height} pixels on {inches} are {int(sharp)} ppi; at least {order.min_ppi} ppi, "
            f"which is {need} pixels",
            "send the original photo, not one saved from a message or a web page",
        )
    ]


#: Nobody lets a photo pass that is coarser: its pixels are seen at arm's length.
LEAST_PPI = 72


def coarsest(facts: PictureFacts, order: PhotoOrder) -> list[Finding]:
    """Whether a photo that was let pass is too coarse for that."""
    found = foresee(facts, replace(order, min_ppi=LEAST_PPI))
    remedy = "send a larger photo; as coarse as this one it is let pass by nobody"
    return [replace(each, code="photo.resolution.unprintable", remedy=remedy) for each in found]


def signature_order(design: Design) -> SignatureOrder | None:
    """The room for a signature; None where the design has none."""
    frame = design.one("signature")
    return SignatureOrder(frame.extent.width, frame.extent.height) if frame else None


def judge_photos(design: Design, given: set[str]) -> list[Finding]:
    """Whether the photos that an order brings are those that the design shows."""
    findings = []
    names = [frame.photo for frame in design.photos]
    known = ", ".join(names) or "none"
    for name in sorted(given - set(names)):
        remedy = "leave it out, or choose a design with a photo" if not names else f"its photos are: {known}"
        findings.append(error("photo.no_frame", f"photos.{name}", f"design {design.name} has no frame for it", remedy))
    for frame in design.photos:
        if frame.required and frame.photo not in given:
            findings.append(
                error(
                    "photo.missing", f"photos.{frame.photo}", f"design {design.name} needs this photo", "add the photo"
                )
            )
    return findings


def fit_message(design: Design, hand: Hand, message: str, signed: bool) -> Layout | list[Finding]:
    """The message in its frame, with room kept for a signature that follows it; or findings with numbers."""
    frame = _message_frame(design)
    return fit(hand, message, text_frame(design, frame, signed))


def text_frame(design: Design, frame: Frame, signed: bool) -> TextFrame:
    """The room for the words: the frame less what a signature below them takes."""
    smallest, largest = frame.smallest or mm(2.2), frame.largest or mm(3)
    reserve = _reserve(design, largest) if signed else 0.0
    box = frame.inner
    return TextFrame(box.width, box.height - reserve, largest, smallest, frame.leading, frame.align, "top")


def _reserve(design: Design, x_height: Points) -> Points:
    frame = design.one("signature")
    return frame.extent.height + _SIGNATURE_GAP * x_height if frame and frame.follows else 0.0


def _message_frame(design: Design) -> Frame:
    frame = design.one("message")
    if frame is None:
        raise ValueError(f"design {design.name} has no frame for a message")
    return frame


def compose(card: Card) -> list[Page]:
    """The two printed sides, in page order."""
    layout = card.format
    marks: dict[str, list[Mark]] = {side: [Art(card.art(side))] for side in layout.sides}
    for frame in card.design.photos:
        photo = card.photos.get(frame.photo)
        if photo is not None:
            panel = layout.panels[frame.panel]
            marks[panel.side].append(_photo(card, frame, panel, photo))
    frame = _message_frame(card.design)
    panel = layout.panels[frame.panel]
    marks[panel.side] += _letter(card, frame, panel)
    signature = card.design.one("signature")
    if card.signature is not None and signature is not None and not signature.follows:
        panel = layout.panels[signature.panel]
        marks[panel.side].append(_signature(card, _inside(signature.inner, card.signature, signature.align), panel))
    back = layout.panels[layout.code_panel]
    marks[back.side].append(code_slot(back))
    return [Page(side, layout.media, layout.trim_box, tuple(marks[side])) for side in layout.sides]


def code_slot(back: Panel) -> Slot:
    """Where the match code goes: bottom centre of the back panel."""
    width, height, above = CODE_SLOT
    inner = Box((back.box.width - width) / 2, back.box.height - above - height, width, height)
    box, turned = back.place(inner)
    return Slot("match_code", box, turned)


def _photo(card: Card, frame: Frame, panel: Panel, photo: DevelopedPhoto) -> Photo:
    inner = frame.inner
    placed = Box(
        inner.x + (inner.width - photo.width_pt) / 2,
        inner.y + (inner.height - photo.height_pt) / 2,
        photo.width_pt,
        photo.height_pt,
    )
    box, turned = panel.place(placed)
    beside, border = _beside(frame), frame.border
    rim = None
    if border is not None:
        rim = Rim(_ink(card.design, border.ink), border.width, beside, frame.radius)
    return Photo(
        box,
        photo.jpeg,
        photo.width_px,
        photo.height_px,
        photo.grey,
        turned,
        frame.clip,
        max(0.0, frame.radius - beside),
        frame.photo,
        photo.cmyk,
        rim,
    )


def _letter(card: Card, frame: Frame, panel: Panel) -> list[Mark]:
    """The message and, where it follows, the signature: one block, placed as a person would."""
    layout = card.layout
    follows = card.design.one("signature")
    signed = card.signature is not None and follows is not None and follows.follows
    block = frame.inner.height if frame.valign == "middle" else 0.0
    gap = _SIGNATURE_GAP * layout.x_height
    used = layout.height + (gap + card.signature.height_pt if signed and card.signature else 0.0)
    # The eye's middle of a page lies a little above its half.
    shift = max(0.0, (block - used) / 2 * 0.86) if block else 0.0
    whole = frame.inner
    text = Box(whole.x, whole.y + shift, layout.frame.width, layout.frame.height)
    box, turned = panel.place(text)
    writing = write(layout, card.seed(panel.name), card.strength)
    words = tuple(" ".join(word.text for _, word in line.words) for line in layout.lines)
    marks: list[Mark] = [Outline(box, writing.path, card.ink, turned, "message", words)]
    if signed and card.signature is not None:
        below = text.y + (layout.frame.height - layout.bottom) + gap
        width, height = card.signature.width_pt, card.signature.height_pt
        x = whole.x + (whole.width - width) / 2 if frame.align == "center" else whole.x + 0.04 * whole.width
        marks.append(_signature(card, Box(x, below, width, height), panel))
    return marks


def _inside(box: Box, signature: LiftedSignature, align: str) -> Box:
    """A signature within its own box, at its own shape."""
    x = box.x if align == "left" else box.x + (box.width - signature.width_pt) / 2
    y = box.y + (box.height - signature.height_pt) / 2
    return Box(x, y, signature.width_pt, signature.height_pt)


def _signature(card: Card, inner: Box, panel: Panel) -> Mask:
    assert card.signature is not None
    box, turned = panel.place(inner)
    return Mask(box, card.signature.g4, card.signature.width_px, card.signature.height_px, card.ink, turned)
