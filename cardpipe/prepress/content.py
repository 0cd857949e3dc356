"""Marks become the operators of a content stream (ISO 32000-1, annex A). One function a mark, nothing else."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache

from cardpipe.model.errors import Bug
from cardpipe.model.units import Box, Points
from cardpipe.model.units import num as plain_num
from cardpipe.prepress.page import Art, Ink, Mark, Mask, Outline, Photo, Rect, Rim, Text

#: How far a quarter of an ellipse's control points stand off, as a share of the radius.
_KAPPA = 0.5522847
num = lru_cache(maxsize=1024)(plain_num)  # inks, sizes and places are the same on every piece of a batch


@dataclass(slots=True)
class Names:
    """The resource names that a stream uses, collected while it is written."""

    arts: dict[str, str] = field(default_factory=dict)
    pictures: dict[str, Photo | Mask] = field(default_factory=dict)
    fonts: dict[str, str] = field(default_factory=dict)
    spaces: dict[str, str] = field(default_factory=dict)


def content(marks: Iterable[Mark], names: Names) -> bytes:
    """The content stream that paints these marks in order; ``names`` learns which resources it needs."""
    return b"\n".join(_one(mark, names) for mark in marks) + b"\n"


def _one(mark: Mark, names: Names) -> bytes:
    if isinstance(mark, Art):
        name = f"A{len(names.arts)}"
        names.arts[name] = mark.key
        return f"q /{name} Do Q".encode()
    if isinstance(mark, Photo):
        name = f"P{len(names.pictures)}"
        names.pictures[name] = mark
        shape = _shape(mark.box, mark.clip, mark.radius)
        photo = f"q {shape} W n {_cm(mark.box, mark.turned)} /{name} Do Q"
        return f"{photo}\n{_rim(mark, mark.rim)}".encode() if mark.rim else photo.encode()
    if isinstance(mark, Mask):
        name = f"M{len(names.pictures)}"
        names.pictures[name] = mark
        return f"q {_fill(mark.ink, names)} {_cm(mark.box, mark.turned)} /{name} Do Q".encode()
    if isinstance(mark, Outline):
        return f"q {_fill(mark.ink, names)} {_move(mark.box, mark.turned)}\n".encode() + mark.path + b"\nQ"
    if isinstance(mark, Text):
        return _text(mark, names)
    if isinstance(mark, Rect):
        box = mark.box
        area = f"{num(box.x)} {num(box.y)} {num(box.width)} {num(box.height)} re f"
        return f"q {_fill(mark.ink, names)} {area} Q".encode()
    return b""  # a slot paints nothing: the merge fills it


def pdf_name(text: str) -> str:
    """Text as a PDF name without its slash; what is no plain letter or figure is escaped (ISO 32000-1, 7.3.5)."""
    return re.sub(rb"[^A-Za-z0-9_.-]", lambda found: b"#%02X" % found[0][0], text.encode()).decode()


def _fill(ink: Ink, names: Names) -> str:
    shares = f"{num(ink.c)} {num(ink.m)} {num(ink.y)} {num(ink.k)}"
    if not ink.spot:
        return f"{shares} k"
    name = f"CS{pdf_name(ink.name)}"
    key = f"spot:{shares}:{ink.name}"
    if names.spaces.setdefault(name, key) != key:
        raise Bug(f"the spot colour {ink.name} is mixed in two ways on one page")
    return f"/{name} cs 1 scn"


def _cm(box: Box, turned: bool) -> str:
    """The unit square onto the box: what an image needs."""
    if turned:
        return f"{num(-box.width)} 0 0 {num(-box.height)} {num(box.right)} {num(box.top)} cm"
    return f"{num(box.width)} 0 0 {num(box.height)} {num(box.x)} {num(box.y)} cm"


def _move(box: Box, turned: bool) -> str:
    """The box's own coordinates (origin lower left) onto the page."""
    if turned:
        return f"-1 0 0 -1 {num(box.right)} {num(box.top)} cm"
    return f"1 0 0 1 {num(box.x)} {num(box.y)} cm"


def _shape(box: Box, clip: str, radius: Points) -> str:
    """The path of a photo's outline."""
    if clip == "ellipse":
        return _round(box, box.width / 2, box.height / 2)
    if clip == "rounded" and radius > 0:
        radius = min(radius, box.width / 2, box.height / 2)
        return _round(box, radius, radius)
    return f"{num(box.x)} {num(box.y)} {num(box.width)} {num(box.height)} re"


def _rim(mark: Photo, rim: Rim) -> str:
    """The outer path stroked at twice the width and clipped by itself: its inner half, of one width all round."""
    shape = _shape(mark.box.inset(-rim.reach), mark.clip, rim.radius)
    ink = rim.ink
    return f"q {shape} W n {num(ink.c)} {num(ink.m)} {num(ink.y)} {num(ink.k)} K {num(2 * rim.width)} w {shape} S Q"


def _round(box: Box, rx: float, ry: float) -> str:
    """A rectangle with elliptic corners, counter-clockwise."""
    x0, y0, x1, y1 = box.x, box.y, box.right, box.top
    kx, ky = rx * (1 - _KAPPA), ry * (1 - _KAPPA)

    def p(*values: float) -> str:
        return " ".join(num(value) for value in values)

    return " ".join(
        [
            p(x0 + rx, y0) + " m",
            p(x1 - rx, y0) + " l",
            p(x1 - kx, y0, x1, y0 + ky, x1, y0 + ry) + " c",
            p(x1, y1 - ry) + " l",
            p(x1, y1 - ky, x1 - kx, y1, x1 - rx, y1) + " c",
            p(x0 + rx, y1) + " l",
            p(x0 + kx, y1, x0, y1 - ky, x0, y1 - ry) + " c",
            p(x0, y0 + ry) + " l",
            p(x0, y0 + ky, x0 + kx, y0, x0 + rx, y0) + " c h",
        ]
    )


def _text(mark: Text, names: Names) -> bytes:
    """A line as glyph ids (Identity-H); what kerning changed of the natural advances goes into the TJ array."""
    name = next((n for n, key in names.fonts.items() if key == mark.font), None)
    if name is None:
        name = f"F{len(names.fonts)}"
        names.fonts[name] = mark.font
    shown: list[str] = []
    for glyph, advance, natural in zip(mark.glyphs, mark.advances, mark.natural, strict=True):
        shown.append(f"<{glyph:04x}>")
        gap = (natural - advance) / mark.size * 1000
        if abs(gap) >= 0.5:
            shown.append(num(round(gap)))
    sign = "-" if mark.turned else ""
    matrix = f"{sign}1 0 0 {sign}1 {num(mark.x)} {num(mark.y)} Tm"
    return f"q {_fill(mark.ink, names)} BT /{name} {num(mark.size)} Tf {matrix} [{' '.join(shown)}] TJ ET Q".encode()
