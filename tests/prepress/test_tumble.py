"""The fold-and-tumble check, tried out as paper: print, turn, fold, look at every panel as a person would."""

from __future__ import annotations

import io
import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pikepdf
import pytest

from cardpipe.catalog.press import formats, presses, profile
from cardpipe.model.units import Box, Points, Size, inch, mm
from cardpipe.prepress import tumble
from cardpipe.prepress.font import Font
from cardpipe.prepress.format import Fold, Format
from cardpipe.prepress.page import Outline, Page, Rect, Text
from cardpipe.prepress.raster import opened
from cardpipe.prepress.typeset import Face

FACE = Face("arimo", Font((Path(__file__).parents[2] / "fonts" / "arimo" / "Arimo-Regular.ttf").read_bytes()))
PRESS = presses()["digital-coated"]
Point = tuple[float, float]


def card(name: str, fold: Fold, width: Points, height: Points, bleed: Points) -> Format:
    rest: dict[str, Any] = {"stock": "300gsm-coated", "stock_gsm": 300, "stock_mm": 0.34}
    return Format(name, name, fold, Size(width, height), bleed, 2 * bleed, Size(width, height), name, **rest)


FORMATS = {
    **formats(),
    "A1": card("A1", "side", inch(3.5), inch(4.875), inch(0.125)),
    "A1T": card("A1T", "top", inch(4.875), inch(3.5), inch(0.125)),
    "DLx": card("DLx", "side", mm(99), mm(210), mm(3)),
    "DLTx": card("DLTx", "top", mm(210), mm(99), mm(3)),
    "TALL": card("TALL", "top", mm(105), mm(148), mm(3)),  # an upright card that opens upwards
    "PFx": card("PFx", "none", inch(6), inch(4), inch(0.125)),
    "BARE": card("BARE", "none", inch(4), inch(6), 0.0),
}
#: How a person comes to see each panel, and where on the open card it then lies (x, y from the middle; 0 = folded).
OPEN = {"left": (-1, 0), "right": (1, 0), "top": (0, 1), "bottom": (0, -1), "front": (0, 0), "back": (0, 0)}


def paper(format: Format) -> Callable[[str, Point], Point]:
    """A point printed on a side, as a point of the paper seen from the first side. A duplexer knows edges only: which
    is the short one it sees from the sheet, and which to turn about it reads from the file."""
    width, height = format.media.width, format.media.height
    upright_edge_is_long = height > width
    turns_upright = (format.duplex == "DuplexFlipLongEdge") == upright_edge_is_long

    def there(side: str, point: Point) -> Point:
        if side == format.sides[0]:
            return point
        return (width - point[0], point[1]) if turns_upright else (point[0], height - point[1])

    return there


def looks(format: Format, side: str, point: Point) -> Point:
    """A point of the paper as its reader sees it: outside, folded and with the card turned over like a page for the
    back; inside, opened away from the reader's first view."""
    x, y = point
    w, h = format.media.width, format.media.height
    if format.fold == "none":
        return point if side == "front" else (w - x, y)  # turned like a page
    if side == "inside":
        # Opened like a book, or lifted: either way the reader looks at the paper from behind.
        return (w - x, y) if format.fold == "side" else (x, h - y)
    behind = x < w / 2 if format.fold == "side" else y > h / 2
    if not behind:
        return point
    # The back panel is folded behind the front, mirrored at the fold; then the card is turned like a page.
    folded = (w - x, y) if format.fold == "side" else (x, h - y)
    return w - folded[0], folded[1]


def arrows(page: Page) -> list[tuple[Point, Point]]:
    """Foot and tip of each arrow on a page, from its drawing: the tip is what it begins with."""
    found = []
    for mark in page.marks:
        if isinstance(mark, Outline) and mark.name == tumble.ARROW:
            numbers = [float(n) for n in re.findall(rb"-?[\d.]+", mark.path)]
            points = list(zip(numbers[::2], numbers[1::2], strict=True))
            box = mark.box
            placed = [(box.right - x, box.top - y) if mark.turned else (box.x + x, box.y + y) for x, y in points]
            feet = sorted(placed, key=lambda p: -math.dist(p, placed[0]))[:2]
            found.append((((feet[0][0] + feet[1][0]) / 2, (feet[0][1] + feet[1][1]) / 2), placed[0]))
    return found


def panel_at(format: Format, side: str, point: Point) -> str:
    (name,) = [
        panel.name
        for panel in format.panels.values()
        if panel.side == side and panel.box.contains(Box(*point, 0, 0), slack=0)
    ]
    return name


@pytest.mark.parametrize("name", sorted(FORMATS))
def test_every_arrow_points_up_as_it_is_read(name: str) -> None:
    format = FORMATS[name]
    there, seen = paper(format), set()
    for page in tumble.pages(format, FACE):
        for foot, tip in arrows(page):
            panel = panel_at(format, page.name, foot)
            a, b = (looks(format, page.name, there(page.name, point)) for point in (foot, tip))
            assert b[1] - a[1] > 20 and abs(b[0] - a[0]) < 0.01, panel
            x, y = a[0] - format.media.width / 2, a[1] - format.media.height / 2
            right, up = OPEN[panel]
            assert x * right >= 0 and y * up >= 0, panel
            seen.add(panel)
    assert seen == set(format.panels)


@pytest.mark.parametrize("name", ["A7", "A7T", "DLx", "PFx"])
def test_turned_about_the_wrong_edge_an_arrow_falls(name: str) -> None:
    """The check would be worth nothing if it did not show the mistake."""
    format = FORMATS[name]
    right = paper(format)
    inside = tumble.pages(format, FACE)[1]

    def wrong(point: Point) -> Point:
        """Turned about the other edge: half a turn more, within the plane of the paper."""
        x, y = right(inside.name, point)
        return format.media.width - x, format.media.height - y

    assert arrows(inside)
    for foot, tip in arrows(inside):
        assert looks(format, inside.name, wrong(tip))[1] < looks(format, inside.name, wrong(foot))[1]


@pytest.mark.parametrize("name", sorted(FORMATS))
def test_everything_said_lies_within_the_safe_area_of_its_panel(name: str) -> None:
    format = FORMATS[name]
    for page in tumble.pages(format, FACE):
        safe = [panel.box.inset(format.safe) for panel in format.panels.values() if panel.side == page.name]
        texts = [mark for mark in page.marks if isinstance(mark, Text)]
        for mark in page.marks:
            if isinstance(mark, Text):
                cap, low = FACE.font.cap_height * mark.size, FACE.font.descent * mark.size
                box = (
                    Box(mark.x - mark.width, mark.y - cap, mark.width, cap - low)
                    if mark.turned
                    else Box(mark.x, mark.y + low, mark.width, cap - low)
                )
                assert mark.size >= 7
                panel = panel_at(format, page.name, (box.x + box.width / 2, box.y + box.height / 2))
                assert mark.turned == format.panels[panel].turned == (format.fold == "top" and panel == "back")
            elif isinstance(mark, Outline):
                box = mark.box
            else:
                continue
            assert any(area.contains(box) for area in safe), mark
        names = [name.upper() for name, panel in format.panels.items() if panel.side == page.name]
        assert all(any(mark.text == name for mark in texts) for name in names)
        first = [mark.text for mark in texts if mark.text == "THIS SIDE FIRST"]
        assert first == (["THIS SIDE FIRST"] if page.name == format.sides[0] else [])


@pytest.mark.parametrize("name", ["A7", "A7T", "DLx", "BARE"])
def test_lines_show_cut_and_fold(name: str) -> None:
    """The cut line lies right outside of the cut; fold ticks run through the bleed, in the fold."""
    format = FORMATS[name]
    trim, media = format.trim_box, format.media
    for page in tumble.pages(format, FACE):
        assert (page.size, page.trim) == (media, trim)
        cut = [mark.box for mark in page.marks if isinstance(mark, Rect) and mark.name == "trim"]
        assert len(cut) == (4 if format.bleed else 0)
        assert not any(box.overlaps(trim) for box in cut)
        assert all(trim.inset(-0.5).contains(box) for box in cut)
        folds = [mark.box for mark in page.marks if isinstance(mark, Rect) and mark.name == "fold"]
        if format.fold == "none":
            assert folds == []
        elif format.fold == "side":
            assert all(box.x + box.width / 2 == pytest.approx(media.width / 2) for box in folds)
            assert min(box.y for box in folds) == 0 and max(box.top for box in folds) == pytest.approx(media.height)
        else:
            assert all(box.y + box.height / 2 == pytest.approx(media.height / 2) for box in folds)
            assert min(box.x for box in folds) == 0 and max(box.right for box in folds) == pytest.approx(media.width)


@pytest.mark.parametrize("name", ["A7", "A7T", "DLx"])
def test_the_file_tells_the_press_how_to_turn(name: str) -> None:
    format = FORMATS[name]
    data = tumble.write(format, PRESS, FACE, profile(PRESS.profile))
    assert data == tumble.write(format, PRESS, FACE, profile(PRESS.profile))
    with pikepdf.open(io.BytesIO(data)) as pdf:
        assert len(pdf.pages) == 2
        assert str(pdf.Root.ViewerPreferences.Duplex) == f"/{format.duplex}"
        assert [float(v) for v in pdf.pages[0].MediaBox] == pytest.approx(
            [0, 0, format.media.width, format.media.height], abs=0.01
        )
    with opened(data) as document:
        said = document.text(0)
        assert "THIS SIDE FIRST" in said and f"flip on the {tumble.flip(format)}" in said
        assert "LEFT" in document.text(1) or "TOP" in document.text(1)
    edges = {"A7": "short edge", "A7T": "short edge", "DLx": "long edge"}
    assert tumble.flip(format) == edges[name]


def test_a_press_of_another_standard_gets_its_file() -> None:
    plain = PRESS.model_copy(update={"output": "X-1a"})
    data = tumble.write(FORMATS["A7"], plain, FACE, profile(PRESS.profile))
    assert data.startswith(b"%PDF-1.4") and b"PDF/X-1a" in data
