"""A page as placed marks. Made by ``card`` and ``lettershop.envelope``; written by ``fragment``; dumps itself as text.

Coordinates: points, origin at the lower left of the MediaBox, y upwards. ``turned`` marks are rotated by 180° within
their box. Nothing here knows PDF syntax except the path operators that outlines already carry.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from cardpipe.model.units import Box, Points, Size, num


@dataclass(frozen=True, slots=True)
class Ink:
    """A printing colour: four CMYK shares from 0 to 1. A ``spot`` is a plate of its own, called by its name; the shares
    then say how it looks where no such plate is."""

    name: str
    c: float
    m: float
    y: float
    k: float
    spot: bool = field(default=False, kw_only=True)

    @property
    def total(self) -> float:
        """Total ink in per cent (the press profile limits it)."""
        return 100 * (self.c + self.m + self.y + self.k)


BLACK = Ink("black", 0, 0, 0, 1)
WHITE = Ink("white", 0, 0, 0, 0)
#: Prints on every plate there is (ISO 32000-1, 8.6.6.4): crop marks, by which the plates are laid upon each other.
REGISTRATION = Ink("All", 1, 1, 1, 1, spot=True)


@dataclass(frozen=True, slots=True)
class Art:
    """The design's art for this side, painted over the whole MediaBox. ``key`` names it symbolically: the bytes are
    written once a batch."""

    key: str


@dataclass(frozen=True, slots=True)
class Rim:
    """A line round a photo, ``width`` wide. Its outer edge lies ``reach`` outside of the photo's box, and has corners
    of ``radius``; the photo reaches a little under it, so that no paper shows between."""

    ink: Ink
    width: Points
    reach: Points
    radius: Points = 0.0


@dataclass(frozen=True, slots=True)
class Photo:
    """A developed photo (JPEG bytes in sRGB, or grey) filling ``box``; ``clip`` is rect, rounded or ellipse.

    ``cmyk``: the JPEG is already in the press's four inks, its numbers inverted and marked as Adobe's (as libjpeg's
    users write them)."""

    box: Box
    jpeg: bytes = field(repr=False)
    width_px: int
    height_px: int
    grey: bool = False
    turned: bool = False
    clip: str = "rect"
    radius: Points = 0.0
    name: str = "photo"
    cmyk: bool = False
    rim: Rim | None = None


@dataclass(frozen=True, slots=True)
class Mask:
    """A 1-bit image (CCITT G4, ink where the bit says black) painted in one ink: the signature."""

    box: Box
    g4: bytes = field(repr=False)
    width_px: int
    height_px: int
    ink: Ink
    turned: bool = False
    name: str = "signature"


@dataclass(frozen=True, slots=True)
class Outline:
    """Filled path operators in the coordinates of ``box`` (origin at its lower left): handwriting, code modules."""

    box: Box
    path: bytes = field(repr=False)
    ink: Ink
    turned: bool = False
    name: str = "message"
    lines: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Text:
    """One line of printed text set from an embedded subset: glyph ids with their advances in points.

    ``x``, ``y`` is the start of the baseline; ``font`` is symbolic (``font:NAME``).
    """

    x: Points
    y: Points
    text: str
    font: str
    size: Points
    glyphs: tuple[int, ...]
    advances: tuple[float, ...]
    natural: tuple[float, ...]
    ink: Ink = BLACK
    turned: bool = False
    clusters: tuple[str, ...] = ()

    @property
    def width(self) -> Points:
        return sum(self.advances)


@dataclass(frozen=True, slots=True)
class Rect:
    """A filled rectangle, such as the white patch under a match code."""

    box: Box
    ink: Ink
    name: str = "patch"


@dataclass(frozen=True, slots=True)
class Slot:
    """A named place that only the merge can fill: match code, number, postal barcode, indicia."""

    name: str
    box: Box
    turned: bool = False


Mark = Art | Photo | Mask | Outline | Text | Rect | Slot


@dataclass(frozen=True, slots=True)
class Page:
    """One page: its boxes and its marks, painted in order. ``trim`` is the cut line; the MediaBox is ``size``."""

    name: str
    size: Size
    trim: Box
    marks: tuple[Mark, ...]

    def dump(self) -> str:
        """One line a mark, for tests and for people; pictures and outlines by name and size only."""
        head = f"page {self.name} {num(self.size.width)}x{num(self.size.height)} trim {_box(self.trim)}"
        return "\n".join([head, *(_line(mark) for mark in self.marks)]) + "\n"


def _box(box: Box) -> str:
    return f"{num(box.x)},{num(box.y)} {num(box.width)}x{num(box.height)}"


def _line(mark: Mark) -> str:
    if isinstance(mark, Art):
        return f"art {mark.key}"
    if isinstance(mark, Text):
        turned = " turned" if mark.turned else ""
        return f"text {num(mark.x)},{num(mark.y)} {mark.font} {num(mark.size)}pt {mark.ink.name}{turned} {mark.text!r}"
    turned = " turned" if getattr(mark, "turned", False) else ""
    where = _box(mark.box) + turned
    if isinstance(mark, Photo):
        colour = " cmyk" if mark.cmyk else " grey" if mark.grey else ""
        rim = f" rim {num(mark.rim.width)} {mark.rim.ink.name}" if mark.rim else ""
        return f"photo {mark.name} {where} {mark.width_px}x{mark.height_px}px {mark.clip}{colour}{rim}"
    if isinstance(mark, Mask):
        return f"mask {mark.name} {where} {mark.width_px}x{mark.height_px}px {mark.ink.name}"
    if isinstance(mark, Outline):
        words = "".join(f"\n  | {line}" for line in mark.lines)
        return f"outline {mark.name} {where} {mark.ink.name}{words}"
    if isinstance(mark, Rect):
        return f"rect {mark.name} {where} {mark.ink.name}"
    return f"slot {mark.name} {where}"
