"""A format: trim, fold, panels, envelope. Read from data; a new one needs no code.

Words: the *flat* card is what is printed, unfolded; ``trim`` is one panel, as the card is held in the hand. A folded
card has four panels on two printed sides: ``outside`` shows back and front, ``inside`` shows left and right (side
fold) or top and bottom (top fold). The outside of a top-fold card carries its back panel upside down, because it
hangs over the fold (print.md section 3).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from cardpipe.model.units import Box, Points, Size, to_mm

Fold = Literal["side", "top", "none"]


@dataclass(frozen=True, slots=True)
class Panel:
    """One visible quarter of a folded card (or one side of a flat one).

    ``box`` is its place on the page (origin lower left of the MediaBox, so bleed is included in x and y);
    ``turned`` says that it is printed upside down.
    """

    name: str
    side: str
    box: Box
    turned: bool = False

    def place(self, inner: Box) -> tuple[Box, bool]:
        """A box in the panel (origin upper left, y down) as a box on the page, and whether it is turned by 180°."""
        if self.turned:
            return (
                Box(self.box.right - inner.x - inner.width, self.box.y + inner.y, inner.width, inner.height),
                True,
            )
        return Box(self.box.x + inner.x, self.box.top - inner.y - inner.height, inner.width, inner.height), False


@dataclass(frozen=True, slots=True)
class Format:
    """One kind of card with its envelope; lengths in points, weights in grams, thickness in millimetres."""

    name: str
    title: str
    fold: Fold
    trim: Size
    bleed: Points
    safe: Points
    envelope: Size
    envelope_name: str
    stock: str
    stock_gsm: float
    stock_mm: float
    envelope_gsm: float = 104.0

    def as_dict(self) -> dict[str, Any]:
        """Plain data, as an accepted order pins it."""
        return asdict(self)

    @staticmethod
    def from_dict(data: Mapping[str, Any]) -> Format:
        """The inverse of :meth:`as_dict`."""
        return Format(**{**data, "trim": Size(**data["trim"]), "envelope": Size(**data["envelope"])})

    @property
    def flat(self) -> Size:
        """The unfolded card."""
        if self.fold == "side":
            return Size(self.trim.width * 2, self.trim.height)
        if self.fold == "top":
            return Size(self.trim.width, self.trim.height * 2)
        return self.trim

    @property
    def media(self) -> Size:
        """The page with its bleed: MediaBox and BleedBox."""
        return Size(self.flat.width + 2 * self.bleed, self.flat.height + 2 * self.bleed)

    @property
    def trim_box(self) -> Box:
        """The cut line on the page."""
        return Box(self.bleed, self.bleed, self.flat.width, self.flat.height)

    @property
    def sides(self) -> tuple[str, str]:
        """The two printed sides, in page order."""
        return ("front", "back") if self.fold == "none" else ("outside", "inside")

    @property
    def code_panel(self) -> str:
        """The panel that carries the match code."""
        return "back"

    @property
    def panels(self) -> dict[str, Panel]:
        """Every panel by its name."""
        b, w, h = self.bleed, self.trim.width, self.trim.height
        if self.fold == "side":
            found = (
                Panel("back", "outside", Box(b, b, w, h)),
                Panel("front", "outside", Box(b + w, b, w, h)),
                Panel("left", "inside", Box(b, b, w, h)),
                Panel("right", "inside", Box(b + w, b, w, h)),
            )
        elif self.fold == "top":
            found = (
                Panel("back", "outside", Box(b, b + h, w, h), turned=True),
                Panel("front", "outside", Box(b, b, w, h)),
                Panel("top", "inside", Box(b, b + h, w, h)),
                Panel("bottom", "inside", Box(b, b, w, h)),
            )
        else:
            found = (Panel("front", "front", Box(b, b, w, h)), Panel("back", "back", Box(b, b, w, h)))  # type: ignore[assignment]
        return {panel.name: panel for panel in found}

    @property
    def duplex(self) -> Literal["DuplexFlipShortEdge", "DuplexFlipLongEdge"]:
        """How the sheet is turned between its sides: about the axis of the fold (print.md section 3, the DL trap)."""
        landscape = self.flat.width >= self.flat.height
        vertical_axis = self.fold != "top"  # a flat card is turned like a page of a book
        return "DuplexFlipShortEdge" if vertical_axis == landscape else "DuplexFlipLongEdge"

    @property
    def weight_g(self) -> float:
        """Card and envelope together, in grams (print.md section 3: A7 13.5 and 6.1)."""
        return self.card_weight_g + self.envelope_weight_g

    @property
    def card_weight_g(self) -> float:
        """The card alone, from the area of its paper."""
        return _square_metres(self.flat) * self.stock_gsm

    @property
    def envelope_weight_g(self) -> float:
        """The envelope alone: seams and flaps make its paper 2.4 times its face."""
        return _square_metres(self.envelope) * 2.4 * self.envelope_gsm

    @property
    def thickness_mm(self) -> float:
        """The closed envelope with the card in it, in millimetres: one sheet, or two where it is folded."""
        return self.stock_mm * (1 if self.fold == "none" else 2) + 0.26


def _square_metres(size: Size) -> float:
    return to_mm(size.width) * to_mm(size.height) / 1_000_000
