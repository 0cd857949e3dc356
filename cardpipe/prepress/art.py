"""What a side of art is ordered as, and what comes back: values that pass through the darkroom's pipes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from cardpipe.model.finding import Finding
from cardpipe.model.units import Points, Size

#: The kinds of art beside PDF, by the ending of their files.
Kind = Literal["svg", "png"]
KINDS: tuple[Kind, ...] = ("svg", "png")

#: Name, colour on screens (``#rrggbb``), and the four inks in per cent.
PaletteInk = tuple[str, str, float, float, float, float]


@dataclass(frozen=True, slots=True)
class ArtFace:
    """A face of the shelf that text in art may name: its folder, its family as the file says it, further names that
    mean this very face (``linked`` is one of a family of four, whose slant is said beside it), weight and slant; the
    settings of its ``font.toml`` that change how it is set, and the file, which a child learns once by its SHA-256."""

    name: str
    family: str
    linked: str
    names: tuple[str, ...]
    weight: int
    italic: bool
    sha256: str
    features: tuple[tuple[str, bool], ...] = ()
    x_height: float | None = None
    replace: tuple[tuple[str, ...], ...] = ()
    faults: str = ""
    data: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True)
class ArtOrder:
    """What a side of art is made for: the printed side with its bleed in points, the design's palette, and the faces
    that its text may be set in.

    A ``draft`` is for a picture that shows findings: its colours are left as they are and not judged, and it comes with
    the places of what stands at ``lines`` of an SVG."""

    where: str
    kind: Kind
    width: Points
    height: Points
    palette: tuple[PaletteInk, ...] = ()
    draft: bool = False
    lines: tuple[int, ...] = ()
    faces: tuple[ArtFace, ...] = ()

    @property
    def media(self) -> Size:
        """The page."""
        return Size(self.width, self.height)


@dataclass(frozen=True, slots=True)
class MadeArt:
    """A page of art as PDF, what there is to say of it, and of a draft the boxes of lines: line, x, y, width, height on
    the page, in points."""

    pdf: bytes = field(repr=False)
    findings: tuple[Finding, ...] = ()
    places: tuple[tuple[int, Points, Points, Points, Points], ...] = ()
