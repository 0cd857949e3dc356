"""Checks of what is painted: resolution at its placed size, ink, hairlines, overprint."""

from __future__ import annotations

import math
from collections.abc import Iterator

from cardpipe.model.finding import Level
from cardpipe.model.units import ppi
from cardpipe.preflight.check import View, check
from cardpipe.preflight.colour import total_ink
from cardpipe.preflight.subjects import Image, Paint, Placement, Stroke

_SHARPER = "Use a larger picture, or place it smaller."


def coarsest(placement: Placement) -> tuple[float | None, bool, str]:
    """Effective resolution of an image and its masks where they lie, whether a 1-bit one decides, and its name.

    Of several, the one furthest below what its kind needs.
    """
    a, b, c, d = placement.matrix[:4]
    across, upwards = math.hypot(a, b), math.hypot(c, d)
    found = []
    for image in (placement.image, placement.image.soft, placement.image.stencil):
        if image is None or across <= 0 or upwards <= 0:
            continue
        line_art = _is_line_art(image)
        resolution = min(ppi(image.width, across), ppi(image.height, upwards))
        found.append((resolution / (2.0 if line_art else 1.0), resolution, line_art, image.role))
    if not found:
        return None, False, "image"
    _, resolution, line_art, role = min(found)
    return resolution, line_art, role


def _is_line_art(image: Image) -> bool:
    return image.mask or image.role == "stencil mask" or image.bits == 1


def _is_photo(placement: Placement, view: View) -> bool:
    resolution, line_art, _ = coarsest(placement)
    return resolution is not None and not line_art


def _is_drawing(placement: Placement, view: View) -> bool:
    resolution, line_art, _ = coarsest(placement)
    return resolution is not None and line_art


#: A picture of whole pixels misses a resolution asked for by less than half a per cent; that is no finding.
_ROUNDING = 0.995


def _said(placement: Placement, low: float, high: float) -> Iterator[str]:
    resolution, _, role = coarsest(placement)
    if resolution is not None and low * _ROUNDING <= resolution < high * _ROUNDING:
        yield f"the {role} has {resolution:.0f} ppi where it lies; {high:.0f} are wanted"


@check("image.ppi.low", "placement", "house: press profile", _SHARPER, when=_is_photo)
def ppi_low(placement: Placement, view: View) -> Iterator[str]:
    """Below 150 pixels an inch a face shows its pixels at reading distance."""
    yield from _said(placement, 0.0, view.profile.ppi_error)


@check("image.ppi.soft", "placement", "house: press profile", _SHARPER, Level.WARNING, when=_is_photo)
def ppi_soft(placement: Placement, view: View) -> Iterator[str]:
    """Below 300 pixels an inch a photo is softer than the press could print it."""
    yield from _said(placement, view.profile.ppi_error, view.profile.ppi_warning)


@check("image.mask.ppi.low", "placement", "house: press profile", _SHARPER, when=_is_drawing)
def mask_ppi_low(placement: Placement, view: View) -> Iterator[str]:
    """One-bit pictures have hard edges: below 300 pixels an inch a signature has stairs."""
    yield from _said(placement, 0.0, view.profile.mask_ppi_error)


@check("image.mask.ppi.soft", "placement", "house: press profile", _SHARPER, Level.WARNING, when=_is_drawing)
def mask_ppi_soft(placement: Placement, view: View) -> Iterator[str]:
    """Line art wants 600 pixels an inch, twice what a photo needs."""
    yield from _said(placement, view.profile.mask_ppi_error, view.profile.mask_ppi_warning)


@check(
    "ink.total",
    "paint",
    "house: press profile; ISO 12647-2",
    "Mix the colour with less ink (grey out of black).",
    when=lambda paint, view: total_ink(paint.space, paint.values) is not None,
)
def ink_total(paint: Paint, view: View) -> Iterator[str]:
    """Too much ink does not dry: it sets off on the next sheet and cracks at the fold."""
    total = total_ink(paint.space, paint.values)
    if total is not None and total > view.profile.max_ink + 0.05:
        yield f"a flat colour ({paint.role}) has {total:.0f} % of ink; {view.profile.max_ink:.0f} % are the limit"


@check(
    "ink.rich_black_text",
    "paint",
    "house",
    "Set small text in black alone (0 0 0 100).",
    when=lambda paint, view: paint.role == "text" and paint.space.family == "DeviceCMYK",
)
def rich_black_text(paint: Paint, view: View) -> Iterator[str]:
    """Four inks never lie exactly on one another: small text in rich black has coloured fringes."""
    if len(paint.values) != 4:
        return
    c, m, y, k = paint.values
    if k >= 0.85 and max(c, m, y) > 0.02 and 0 < paint.size < view.profile.rich_black_below:
        yield f"text of {paint.size:g} pt is set in {c:g} {m:g} {y:g} {k:g}"


@check(
    "ink.white_overprint",
    "paint",
    "GWG 2015, white overprint",
    "Switch overprint off for white.",
    when=lambda paint, view: paint.overprint,
)
def white_overprint(paint: Paint, view: View) -> Iterator[str]:
    """White is the paper: set to overprint, it vanishes on the press although every screen shows it."""
    if paint.values and total_ink(paint.space, paint.values) == 0.0:
        yield f"white ({paint.role}) is set to overprint"


@check("ink.hairline", "stroke", "house: press profile", "Draw the line thicker, or as a filled shape.")
def hairline(stroke: Stroke, view: View) -> Iterator[str]:
    """A line of width 0 is one dot of the device: seen on screen, gone on a plate of 2,400 dpi."""
    if stroke.width < view.profile.hairline - 0.001:
        yield f"a line is {stroke.width:g} pt wide; {view.profile.hairline:g} pt are the least"
