"""Art that was saved as SVG or PNG becomes the PDF that goes to press, when its design is read.

An order pins both: what the artist saved, and the page that was made of it and is printed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field

from cardpipe.model.errors import Bug, Refused
from cardpipe.model.finding import Finding, error
from cardpipe.model.units import Box
from cardpipe.prepress.art import KINDS, ArtFace, ArtOrder, Kind, MadeArt, PaletteInk
from cardpipe.prepress.design import Design
from cardpipe.prepress.format import Format

#: Makes a page of art: the darkroom's limited child, for an artist's file may come from anywhere.
MakeArt = Callable[[bytes, ArtOrder], MadeArt]

#: The faces that text in art may be set in: asked for where a drawing may have text.
ArtFaces = Callable[[], tuple[ArtFace, ...]]

_LINES = 30  # of an SVG, that are pointed at


def no_art(data: bytes, order: ArtOrder) -> MadeArt:
    """For a catalog without a darkroom."""
    raise Bug(f"{order.where} needs a darkroom, and this catalog has none")


def no_faces() -> tuple[ArtFace, ...]:
    """For a catalog without a shelf of fonts."""
    return ()


def pages(
    files: Mapping[str, bytes], design: Design, layout: Format, make: MakeArt, faces: ArtFaces = no_faces
) -> tuple[dict[str, bytes], list[Finding]]:
    """The pages that are made of SVG and PNG, by their names as PDF, and every finding."""
    made: dict[str, bytes] = {}
    findings: list[Finding] = []
    for side in layout.sides:
        given = [f"{side}.{kind}" for kind in ("pdf", *KINDS) if f"{side}.{kind}" in files]
        if len(given) > 1:
            what = f"holds {' and '.join(given)}, which are one and the same side"
            findings.append(error("design.art.twice", f"designs/{design.name}", what, "keep the one that is printed"))
        elif given and not given[0].endswith(".pdf"):
            kind = next(kind for kind in KINDS if given[0].endswith(kind))
            try:
                shelf = _faces(files[given[0]], kind, faces)
                where = f"designs/{design.name}/{given[0]}"
                order = ArtOrder(where, kind, *_size(layout), palette(design), faces=shelf)
                page = _made(files[given[0]], order, make)
            except Refused as problem:
                findings += problem.findings
            else:
                made[f"{side}.pdf"] = page.pdf
                findings += page.findings
    return made, findings


def _faces(data: bytes, kind: Kind, faces: ArtFaces) -> tuple[ArtFace, ...]:
    """The shelf for a drawing that may have text, in whatever encoding. Raises Refused for a broken shelf."""
    return faces() if kind == "svg" and b"text" in data.replace(b"\0", b"") else ()


def _made(data: bytes, order: ArtOrder, make: MakeArt) -> MadeArt:
    """The page; where the child was killed, it is tried once more: the machine may have been at fault."""
    try:
        return make(data, order)
    except Refused as problem:
        if not problem.retried:
            raise
    return make(data, order)


def palette(design: Design) -> tuple[PaletteInk, ...]:
    """The design's inks as art is coloured by them."""
    return tuple((name, ink.screen, *ink.cmyk) for name, ink in design.inks.items())


def _size(layout: Format) -> tuple[float, float]:
    return layout.media.width, layout.media.height


@dataclass(frozen=True)
class Draft:
    """A design as far as it can be shown, whatever is wrong with it: pages by side, and the places of lines."""

    design: Design
    format: Format
    pages: Mapping[str, bytes] = field(repr=False)
    places: Mapping[tuple[str, int], Box] = field(default_factory=dict)


def draft(
    files: Mapping[str, bytes],
    design: Design,
    layout: Format,
    make: MakeArt,
    lines: Callable[[str], tuple[int, ...]],
    faces: ArtFaces = no_faces,
) -> Draft:
    """The design for a picture that points at its findings. ``lines`` are those of an SVG that findings name."""
    shown: dict[str, bytes] = {}
    places: dict[tuple[str, int], Box] = {}
    for side in layout.sides:
        name = next((f"{side}.{kind}" for kind in (*KINDS, "pdf") if f"{side}.{kind}" in files), "")
        if name.endswith(".pdf"):
            shown[side] = files[name]
        elif name:
            kind = next(kind for kind in KINDS if name.endswith(kind))
            where, asked = f"designs/{design.name}/{name}", lines(name)[:_LINES]
            with suppress(Refused):  # what cannot be drawn is among the findings
                shelf = _faces(files[name], kind, faces)
                order = ArtOrder(where, kind, *_size(layout), draft=True, lines=asked, faces=shelf)
                page = make(files[name], order)
                shown[side] = page.pdf
                places.update({(name, line): Box(*box) for line, *box in page.places})
    return Draft(design, layout, shown, places)
