"""What an eye sees on a side of art: a colour that stops in the bleed, a busy code, words on something dark."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from cardpipe.catalog.press import formats
from cardpipe.model.finding import Finding
from cardpipe.model.units import Box, mm
from cardpipe.pipeline import pointing
from cardpipe.prepress.artlook import PPI, look
from cardpipe.prepress.design import Design
from cardpipe.prepress.format import Format
from cardpipe.prepress.raster import Pixels

FORMATS = formats()
A7 = FORMATS["A7"]
DESIGN = Design.model_validate(
    {
        "name": "x", "version": 1, "title": "X", "occasions": ["birthday"], "authors": ["a"], "license": "CC0-1.0",
        "format": "A7", "hand": "caveat", "inks": {"pen": {"cmyk": [100, 85, 25, 45], "screen": "#0b2452"}},
        "frame": [{"panel": "right", "field": "message", "box": ["20mm", "20mm", "80mm", "100mm"], "largest": "3mm",
                   "smallest": "2mm", "ink": "pen"}],
        "specimen": [{"name": "short", "message": "Hello."}],
    }
)  # fmt: skip


def page(layout: Format = A7, ground: int = 255) -> Pixels:
    size = (round(layout.media.height / 72 * PPI), round(layout.media.width / 72 * PPI), 3)
    return np.full(size, ground, np.uint8)


def paint(pixels: Pixels, x: float, y: float, width: float, height: float, colour: tuple[int, int, int]) -> None:
    """A box in millimetres from the page's upper left corner."""
    left, top, right, bottom = (max(0, round(mm(v) / 72 * PPI)) for v in (x, y, x + width, y + height))
    pixels[top:bottom, left:right] = colour


def seen(pixels: Pixels, side: str = "inside", layout: Format = A7) -> list[Finding]:
    return look(pixels, DESIGN, layout, side, f"designs/x/{side}.svg")


@pytest.mark.parametrize("name", sorted(FORMATS))
def test_bare_paper_and_full_colour_are_fine(name: str) -> None:
    layout = FORMATS[name]
    for ground in (255, 240):
        for side in layout.sides:
            assert seen(page(layout, ground), side, layout) == []


def test_a_colour_that_stops_in_the_bleed_is_placed() -> None:
    pixels = page()
    paint(pixels, 1.2, 60, 40, 30, (200, 40, 40))
    (found,) = seen(pixels)
    assert found.code == "design.bleed" and str(found.level) == "warning"
    assert found.where == "designs/x/inside.svg, left edge, 60 to 90 mm from the top" and "3.17 mm" in found.message
    (mark,) = pointing.marks([found], DESIGN, A7, "inside", {})
    assert mark.box is not None
    assert np.allclose([mark.box.x, mark.box.y, mark.box.width, mark.box.height],
                       [0, A7.media.height - mm(90), A7.bleed, mm(30)], atol=0.1)  # fmt: skip
    paint(pixels, 0, 60, 40, 30, (200, 40, 40))
    assert seen(pixels) == [], "drawn on to the edge"


@pytest.mark.parametrize(
    ("box", "place"),
    [((60, 1.5, 20, 30), "top edge, 60 to 80 mm from the left"), ((60, 150, 20, 32.8), "bottom edge, 60 to 80 mm from the left"),
     ((200, 20, 58.9, 10), "right edge, 20 to 30 mm from the top")],
)  # fmt: skip
def test_every_edge_is_looked_at(box: tuple[float, float, float, float], place: str) -> None:
    pixels = page()
    paint(pixels, *box, (20, 90, 60))
    found = [f for f in seen(pixels) if f.code == "design.bleed"]
    assert [f.where for f in found] == [f"designs/x/inside.svg, {place}"]
    (mark,) = pointing.marks(found, DESIGN, A7, "inside", {})
    assert mark.box is not None and Box(0, 0, A7.media.width, A7.media.height).contains(mark.box)


def test_a_speck_at_the_cut_is_none() -> None:
    pixels = page()
    paint(pixels, 2, 60, 3, 2, (200, 40, 40))
    assert seen(pixels) == []


def test_art_under_the_match_code_is_told() -> None:
    pixels = page()
    paint(pixels, 60, 160, 5, 5, (40, 40, 40))
    (found,) = seen(pixels, "outside")
    assert found.code == "design.code.busy"
    (mark,) = pointing.marks([found], DESIGN, A7, "outside", {})
    assert mark.box == pointing.outlines(DESIGN, A7, "outside")[-1].box
    assert seen(pixels, "inside") == [], "there is none on this side"
    plain = page(ground=60)
    assert [f.code for f in seen(plain, "outside")] == [], "one dark colour is plain too"


def test_words_need_a_light_ground_or_a_light_ink() -> None:
    pixels = page()
    paint(pixels, 150, 20, 60, 80, (120, 110, 90))
    found = [f for f in seen(pixels) if f.code == "design.words.ground"]
    assert [f.where for f in found] == ["designs/x/design.toml message"] and "4.5" in found[0].message
    white = replace_ink("#ffffff")
    dark = page(ground=30)
    assert [f.code for f in look(dark, white, A7, "inside", "x")] == []
    assert "design.words.ground" in [f.code for f in look(page(), white, A7, "inside", "x")]


def replace_ink(screen: str) -> Design:
    pen = DESIGN.inks["pen"].model_copy(update={"screen": screen})
    return DESIGN.model_copy(update={"inks": {"pen": pen}})


def test_a_format_without_bleed_is_looked_at_without_a_fall() -> None:
    bare = replace(A7, bleed=0.0)
    assert seen(page(bare), "inside", bare) == []
