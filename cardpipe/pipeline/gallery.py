"""What a gallery shows of a design: its front, its inside with a written message, its back, and its limits.

Each design's first specimen goes the way of every order, so that what is shown is what would be printed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from cardpipe.model.errors import Refused
from cardpipe.pipeline import proofs, specimen
from cardpipe.ports import DesignSource, Shop
from cardpipe.prepress import card
from cardpipe.prepress import proof as drawing
from cardpipe.prepress.design import Design
from cardpipe.prepress.raster import Pixels
from cardpipe.prepress.typeset import Hand, Layout

PPI = 100.0
_MOST_WORDS = 400
_WORDS = (
    "You waited with us in the rain until the truck came, and then would not even take a cup of tea. That was kind. "
    "The house is warm now and the boxes are nearly gone. Come by on a Sunday and see it, there will be soup and bread."
)


@dataclass(frozen=True, slots=True)
class Exhibit:
    """One design: pictures by what they show, in the order of opening the card, and what an order must know."""

    design: Design
    format: str
    pictures: Mapping[str, Pixels] = field(repr=False)
    characters: int = 0
    hands: tuple[str, ...] = ()


def exhibit(shop: Shop, name: str) -> Exhibit:
    """A design as it is shown. Raises Refused with the findings of one that cannot be loaded or made."""
    source = shop.catalog.design(name)
    bench = specimen.Bench(shop, source.format.name)
    shown = specimen.show(bench, source, source.design.specimen[0])
    if shown.piece is None:
        raise Refused(f"design {name} cannot be shown", list(shown.findings))
    pages = proofs.draw(bench, shown.piece, drawing.Look(ppi=PPI, word="", slots=False)).pages
    return Exhibit(
        source.design,
        source.format.title,
        _pictures(source, pages),
        _characters(shop, source),
        tuple(hand for hand in shop.catalog.hands() if _writes_longest(shop, source.design, hand)),
    )


def _pictures(source: DesignSource, pages: list[drawing.ProofPage]) -> dict[str, Pixels]:
    """Front, inside and back as they are held in the hand; a flat card has no inside."""
    layout, made = source.format, {}
    height = max(page.pixels.shape[0] for page in pages)
    for name in ("front", "back"):
        panel = layout.panels[name]
        share = panel.box.height / layout.trim_box.height
        pixels = drawing.panel(pages, layout, name, round(height * share))
        made[name] = pixels[::-1, ::-1] if panel.turned else pixels
    if layout.fold == "none":
        return made
    inside = next(page.pixels for page in pages if page.name == "inside")
    return {"front": made["front"], "inside": inside, "back": made["back"]}


def _hand(shop: Shop, name: str) -> Hand:
    return Hand(name, tuple(font.face for font in shop.catalog.hand(name)))


def _characters(shop: Shop, source: DesignSource) -> int:
    """How long a letter in the design's own hand may be at most, greeting and closing included; with plain words."""
    design, hand = source.design, _hand(shop, source.design.hand)
    signed, plain = design.one("signature") is not None, _WORDS.split()

    def letter(count: int) -> str:
        words = (plain * (count // len(plain) + 1))[:count]
        return f"Dear Marisol,\n\n{' '.join(words)}\n\nWith love,"

    low, high = 0, _MOST_WORDS
    while low < high:
        middle = (low + high + 1) // 2
        if isinstance(card.fit_message(design, hand, letter(middle), signed), Layout):
            low = middle
        else:
            high = middle - 1
    return len(letter(low)) if low else 0


def _writes_longest(shop: Shop, design: Design, hand: str) -> bool:
    longest = max(design.specimen, key=lambda item: len(item.message))
    signed = design.one("signature") is not None
    return isinstance(card.fit_message(design, _hand(shop, hand), longest.message, signed), Layout)
