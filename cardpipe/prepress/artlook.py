"""What a finished side of art looks like to its reader: colours that stop short of the cut, a busy match code, words
that would lie on something too dark. Judged by its pixels, as an eye would; a press could print all of it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cardpipe.model.finding import Finding, warning
from cardpipe.model.units import POINTS_PER_INCH, Box, mm, to_mm
from cardpipe.prepress.card import CODE_SLOT
from cardpipe.prepress.design import Design
from cardpipe.prepress.format import Format
from cardpipe.prepress.raster import Pixels

PPI = 144.0

_WITHIN = 0.5  # points inside the cut, where a colour that touches it is seen
_COLOURED, _BARE = 248, 252  # of 255: below is a colour, above is bare paper
_LEAST_RUN = mm(5)  # a single confetti is no edge
_UNEVEN = 10  # levels between the lightest and the darkest pixel of a plain place
_CONTRAST = 4.5  # between ink and ground (WCAG 2.2, 1.4.3)
_SHARE = 0.005  # of the frame, that may be darker: a speck is no trouble


def look(page: Pixels, design: Design, layout: Format, side: str, where: str) -> list[Finding]:
    """Warnings about one side, from its page at :data:`PPI`; ``where`` names its file."""
    return [*_bleed(page, layout, where), *_code(page, layout, side, where), *_words(page, design, layout, side)]


def _bleed(page: Pixels, layout: Format, where: str) -> list[Finding]:
    """A colour at the cut that does not go on to the end of the bleed leaves a white sliver when the knife wanders."""
    scale = PPI / POINTS_PER_INCH
    inner, outer = round((layout.bleed + _WITHIN) * scale), 1
    edges = {
        "left": (page[:, inner], page[:, outer]),
        "right": (page[:, -1 - inner], page[:, -1 - outer]),
        "top": (page[inner], page[outer]),
        "bottom": (page[-1 - inner], page[-1 - outer]),
    }
    found = []
    for edge, (trim, end) in edges.items():
        bare = (trim.min(axis=1) < _COLOURED) & (end.min(axis=1) > _BARE)
        bare[:inner] = bare[-inner:] = False  # the corners belong to the other edges
        for start, stop in _runs(bare, round(_LEAST_RUN * scale)):
            side = "top" if edge in ("left", "right") else "left"
            place = f"{edge} edge, {to_mm(start / scale):.0f} to {to_mm(stop / scale):.0f} mm from the {side}"
            what = f"a colour touches the cut and ends within the {to_mm(layout.bleed):.3g} mm of bleed"
            found.append(warning("design.bleed", f"{where}, {place}", what, "draw it on to the edge of the page"))
    return found


def _runs(marked: NDArray[np.bool_], least: int) -> list[tuple[int, int]]:
    """Where at least so many in a row are marked."""
    ends = np.flatnonzero(np.diff(np.concatenate(([0], marked.astype(np.int8), [0]))))
    return [(int(a), int(b)) for a, b in zip(ends[::2], ends[1::2], strict=True) if b - a >= least]


def _code(page: Pixels, layout: Format, side: str, where: str) -> list[Finding]:
    back = layout.panels[layout.code_panel]
    if back.side != side:
        return []
    width, height, above = CODE_SLOT
    inner = Box((back.box.width - width) / 2, back.box.height - above - height, width, height)
    cut = _cut(page, layout, back.place(inner)[0]).astype(np.int16)
    uneven = int((cut.max(axis=(0, 1)) - cut.min(axis=(0, 1))).max()) if cut.size else 0
    if uneven <= _UNEVEN:
        return []
    what = "art lies where the match code is printed, which covers it with a white patch"
    return [warning("design.code.busy", f"{where}, at the match code", what, "keep that place one plain, light colour")]


def _words(page: Pixels, design: Design, layout: Format, side: str) -> list[Finding]:
    frame = design.one("message")
    panel = layout.panels.get(frame.panel) if frame else None
    if frame is None or panel is None or panel.side != side or frame.ink is None:
        return []
    ground = _light(_cut(page, layout, panel.place(frame.inner)[0]).reshape(-1, 3))
    screen = bytes.fromhex(design.inks[frame.ink].screen[1:])
    ink = float(_light(np.array([list(screen)], np.uint8))[0])
    ratio = (np.maximum(ground, ink) + 0.05) / (np.minimum(ground, ink) + 0.05)
    share = float((ratio < _CONTRAST).mean()) if ratio.size else 0.0
    if share <= _SHARE:
        return []
    what = f"ink {frame.ink} is hard to read on {share:.0%} of the frame (contrast below {_CONTRAST:g} : 1)"
    where = f"designs/{design.name}/design.toml message"
    return [warning("design.words.ground", where, what, "lighten the art under the words, or choose a darker ink")]


def _light(pixels: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Relative luminance of sRGB (WCAG 2.2)."""
    shares = pixels.astype(np.float64) / 255
    linear = np.where(shares <= 0.04045, shares / 12.92, ((shares + 0.055) / 1.055) ** 2.4)
    return np.asarray(linear @ np.array([0.2126, 0.7152, 0.0722]))


def _cut(page: Pixels, layout: Format, box: Box) -> Pixels:
    scale, height = PPI / POINTS_PER_INCH, layout.media.height
    rows = slice(max(0, round((height - box.top) * scale)), max(0, round((height - box.y) * scale)))
    return page[rows, max(0, round(box.x * scale)) : max(0, round(box.right * scale))]
