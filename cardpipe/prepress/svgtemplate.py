"""Template art as SVG: the same flower on plain paper, in millimetres, with the guides as a layer of their own.

The layer's id is ``guides``; it is never printed (see :func:`cardpipe.prepress.svgjudge.without_guides`).
"""

from __future__ import annotations

import math

from cardpipe.model.units import Box, to_mm
from cardpipe.prepress.card import CODE_SLOT
from cardpipe.prepress.format import Format, Panel
from cardpipe.prepress.proof import folds
from cardpipe.prepress.svgjudge import GUIDES
from cardpipe.prepress.svgread import SVG

#: Colours of the guides, which no palette has: copied into the art, they would be refused there.
TRIM, SAFE, FOLD, CODE = "#e2007a", "#008c46", "#0068c8", "#74869a"


def drawing(layout: Format, side: str, screens: dict[str, str], flowers: list[tuple[Panel, float, float]]) -> bytes:
    """One side with its bleed. ``screens`` are the palette's colours by ink; ``flowers`` are panels with a flower, its
    radius as a share of the panel, and how far up it stands."""
    width, height = _mm(layout.media.width), _mm(layout.media.height)
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        f'<svg xmlns="{SVG}" width="{width}mm" height="{height}mm" viewBox="0 0 {width} {height}">',
        f"  <!-- {side}, in millimetres: the unfolded card and {_mm(layout.bleed)} mm of bleed all around. Colours: "
        + ", ".join(f"{name} {screen}" for name, screen in screens.items())
        + ". -->",
        '  <g id="art">',
        f'    <rect width="{width}" height="{height}" fill="{screens["paper"]}"/>',
    ]
    for panel, share, up in flowers:
        lines += _flower(layout, panel, share, up, screens)
    lines += ["  </g>", *_guides(layout, side), "</svg>", ""]
    return "\n".join(lines).encode()


def _flower(layout: Format, panel: Panel, share: float, up: float, screens: dict[str, str]) -> list[str]:
    """Nine petals and a heart."""
    radius = to_mm(share * min(panel.box.width, panel.box.height))
    x = to_mm(panel.box.x + panel.box.width / 2)
    y = to_mm(layout.media.height - panel.box.y - panel.box.height * up)
    petal = f'cx="{0.64 * radius:.2f}" cy="0" rx="{0.36 * radius:.2f}" ry="{0.19 * radius:.2f}"'
    made = [f'    <g transform="translate({x:.2f} {y:.2f})" fill="{screens["petal"]}">']
    made += [f'      <ellipse {petal} transform="rotate({40 * place - 90})"/>' for place in range(9)]
    made += [f'      <circle r="{0.2 * radius:.2f}" fill="{screens["heart"]}"/>', "    </g>"]
    return made


def _guides(layout: Format, side: str) -> list[str]:
    size = max(2.0, min(3.2, to_mm(layout.bleed) * 0.8))
    made = [
        "  <!-- Never printed: lock this layer while you draw, and delete it when you are done. -->",
        f'  <g id="{GUIDES}" fill="none" stroke-width="0.25" font-family="sans-serif" font-size="{size:g}">',
    ]
    panels = [panel for panel in layout.panels.values() if panel.side == side]
    for panel in panels:
        made.append(_line(layout, panel.box.inset(layout.safe), SAFE))
    made.append(_line(layout, layout.trim_box, TRIM))
    for fold in folds(layout):
        x, y = _mm(fold.x), _mm(layout.media.height - fold.y)
        end = f"{_mm(fold.right)} {_mm(layout.media.height - fold.top)}"
        made.append(f'    <path d="M{x} {y}L{end}" stroke="{FOLD}" stroke-dasharray="2 1.5"/>')
    for panel in panels:
        if panel.name == layout.code_panel:
            width, height, above = CODE_SLOT
            box, _ = panel.place(Box((panel.box.width - width) / 2, panel.box.height - above - height, width, height))
            made.append(_line(layout, box, CODE))
            made.append(_word(layout, box.x + 2, box.y + 3, CODE, "match code"))
        head = panel.box.top - layout.safe - 10
        told = f"{panel.name}: safe margin{' (this panel is upside down)' if panel.turned else ''}"
        made.append(_word(layout, panel.box.x + layout.safe + 3, head, SAFE, told))
    made.append(
        _word(layout, layout.bleed, layout.media.height - layout.bleed + 2, TRIM, "trim; art runs on to the edge")
    )
    return [*made, "  </g>"]


def _line(layout: Format, box: Box, colour: str) -> str:
    place = f'x="{_mm(box.x)}" y="{_mm(layout.media.height - box.top)}"'
    return f'    <rect {place} width="{_mm(box.width)}" height="{_mm(box.height)}" stroke="{colour}"/>'


def _word(layout: Format, x: float, y: float, colour: str, text: str) -> str:
    return f'    <text x="{_mm(x)}" y="{_mm(layout.media.height - y)}" fill="{colour}">{text}</text>'


def _mm(length: float) -> str:
    """Hundredths, without trailing zeros; outward at the page's edge, so that nothing stays white."""
    return f"{math.floor(to_mm(length) * 1000 + 0.5) / 1000:g}"
