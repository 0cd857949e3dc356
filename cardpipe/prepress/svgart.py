"""A side of art that is no PDF becomes one: an SVG with its colours as inks, or a PNG as a tagged picture.

The door to the converter. It is fed with nothing but text that :mod:`cardpipe.prepress.svgread` wrote from judged
parts, in the darkroom's limited child. The same file and palette give the same bytes.
"""

from __future__ import annotations

import base64
from functools import lru_cache

import svg2pdf_py

from cardpipe.model.errors import Refused
from cardpipe.model.finding import has_errors, note, warning
from cardpipe.model.units import POINTS_PER_INCH, Points, Size
from cardpipe.prepress import inking, pngart, svgcolour, svgdrawn, svgjudge, svgplace, svgread, svgtext
from cardpipe.prepress.art import ArtOrder, MadeArt
from cardpipe.prepress.extent import extent
from cardpipe.prepress.svgread import Node, Remarks

RASTER_PPI = 300  # of what has to be rasterised: blurs and their like
MOST_MADE = 20_000_000
_MOST_SCALE = 40.0
_SHOWN = 3  # places that a message names


def make(data: bytes, order: ArtOrder) -> MadeArt:
    """The page. Raises Refused with every finding, each with its line."""
    remarks = Remarks(order.where)
    if order.kind == "png":
        return _from_png(data, order)
    root = svgread.read(data, remarks)
    if root is None:
        raise Refused(f"{order.where} cannot be used", remarks.found)
    told = []
    if held := svgjudge.without_guides(root):
        told.append(warning("svg.guides", order.where, f"the guide layer ({held} elements) is there; it is not printed",
                            "delete the layer when the art is done"))  # fmt: skip
    for node in svgdrawn.hidden(root)[:_SHOWN]:
        what = svgread.plain(f"{node.label} is hidden, and is not printed")
        told.append(note("svg.hidden", f"{order.where} line {node.line}", what, "delete it, or show it"))
    svgjudge.judge(root, order.media, remarks)
    svgtext.set_text(root, order.faces, Remarks(order.where) if order.draft else remarks)
    svgjudge.judge_points(root, remarks)
    if remarks.found:
        raise Refused(f"{order.where} cannot be used", [*remarks.found, *told])
    if order.draft:
        page = _converted(svgread.text(root), order.where, order.width / svgjudge.view(root)[2])
        return MadeArt(page, tuple(told), _places(root, order))
    inked = _inked(root, order)
    _tell_strange(inked.strange, root, order, remarks)
    for colour in inked.used:
        alike = [row[0] for row in order.palette if row[1] == colour]
        if len({row[2:] for row in order.palette if row[1] == colour}) > 1:
            what = f"{colour} stands for the inks {' and '.join(alike)}, which are not the same"
            remarks.add("svg.colour.twins", 0, what, "give each ink a screen colour of its own")
    if len(inked.data) > MOST_MADE:
        remarks.add(
            "svg.large",
            0,
            f"becomes {len(inked.data) / 1e6:.0f} MB; at most {MOST_MADE / 1e6:.0f} are printed",
            "scale its pictures to 300 ppi",
        )
    if has_errors(remarks.found):
        raise Refused(f"{order.where} cannot be used", [*remarks.found, *told])
    return MadeArt(inked.data, tuple(told))


def _places(root: Node, order: ArtOrder) -> tuple[tuple[int, float, float, float, float], ...]:
    """Where on the page lies what stands at each line asked for, as far as it is drawn."""
    found = []
    for line in order.lines:
        if (alone := svgplace.alone(root, line)) and (box := extent(_converted(alone, order.where))):
            left, low = max(0.0, box.x), max(0.0, box.y)
            right, top = min(order.width, box.right), min(order.height, box.top)
            if left < right and low < top:
                found.append((line, left, low, right - left, top - low))
    return tuple(found)


def _from_png(data: bytes, order: ArtOrder) -> MadeArt:
    picture = base64.b64encode(pngart.judged(data, order.media, order.where)).decode()
    size = f'width="{order.width:.6f}" height="{order.height:.6f}"'
    svg = (
        f'<svg xmlns="{svgread.SVG}" {size}><image {size} preserveAspectRatio="none" '
        f'href="data:image/png;base64,{picture}"/></svg>'
    )
    return MadeArt(inking.ink(_converted(svg, order.where), {}, order.media, _profile()).data)


def _inked(root: Node, order: ArtOrder) -> inking.Inked:
    inks = {"#ffffff": (0.0, 0.0, 0.0, 0.0)}  # paper, unless the palette says otherwise
    inks.update({row[1]: (row[2] / 100, row[3] / 100, row[4] / 100, row[5] / 100) for row in reversed(order.palette)})
    unit = order.width / svgjudge.view(root)[2]  # the converter rasterises by the drawing's own units
    return inking.ink(_converted(svgread.text(root), order.where, unit), inks, order.media, _profile())


def _tell_strange(strange: list[str], root: Node, order: ArtOrder, remarks: Remarks) -> None:
    """A finding a colour: where it is, and which ink comes near."""
    palette = {row[0]: row[1] for row in order.palette}
    known = svgcolour.places(root)
    for colour in strange:
        found = known.get(colour, [])
        shown = "; ".join(f"{p.label} line {p.line} ({p.what})" for p in found[:_SHOWN])
        more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
        ink = svgcolour.nearest(colour, palette) if palette else ""
        near = f"write {palette[ink]}, the ink {ink}, or add an ink for it" if ink else "add an ink for it"
        what = f"{colour} is no ink of the palette{': ' + shown + more if found else ''}"
        remarks.add("svg.colour", found[0].line if found else 0, what, near)


def _converted(svg: str, where: str, unit: Points = 1.0) -> bytes:
    scale = min(_MOST_SCALE, RASTER_PPI / POINTS_PER_INCH * unit)
    options = svg2pdf_py.ConversionOptions(compress=False, raster_scale=scale, embed_text=False)
    try:
        return bytes(svg2pdf_py.svg_to_pdf(svg, svg2pdf_py.FontDatabase(), options))
    except ValueError as problem:
        remarks = Remarks(where)
        remarks.add("svg.unreadable", 0, f"cannot be drawn: {str(problem)[:120]}", "save it as plain SVG, or as PDF")
        raise Refused(f"{where} cannot be used", remarks.found) from None


@lru_cache(maxsize=1)
def _profile() -> bytes:
    """The sRGB profile that comes with the converter."""
    shape = f'<svg xmlns="{svgread.SVG}" width="9" height="9"><rect width="9" height="9"/></svg>'
    return inking.rgb_profile(_converted(shape, "sRGB"))


def warm() -> None:
    """Load what making art needs from disk: afterwards the darkroom's child can open no file."""
    svg = f'<svg xmlns="{svgread.SVG}" width="9" height="9"><rect width="9" height="9"/></svg>'
    inking.ink(_converted(svg, "warm"), {}, Size(9, 9), _profile())
    pngart.warm()
