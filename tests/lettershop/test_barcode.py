"""The match code: exact modules, quiet, in its slot, and read by a decoder that had no part in drawing it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import zxingcpp

from cardpipe.lettershop.barcode import (
    CARD_SLOT,
    ENVELOPE_SLOT,
    MATCH_MODULE,
    MATCH_MODULES,
    QUIET,
    data_matrix,
    match_code_marks,
    modules_path,
)
from cardpipe.model.batch import match_code
from cardpipe.model.errors import Bug
from cardpipe.model.units import Box, Size, mm
from cardpipe.prepress.page import Ink, Outline, Page, Rect, Slot, Text
from cardpipe.prepress.raster import Pixels
from cardpipe.prepress.typeset import Face

Render = Callable[[Page, float], Pixels]
CODES = [match_code(1, 1, "O"), match_code(36**4 - 1, 999999, "E"), match_code(12345, 212, "I")]
DARK = Ink("dark", 1, 0.9, 0.3, 0.5)
PAGE = Size(200, 150)


def page(size: Size, face: Face, code: str, *, turned: bool = False, dark: bool = False) -> Page:
    slot = Slot("match_code", Box(40, 30, size.width, size.height), turned)
    ground = (Rect(Box(0, 0, PAGE.width, PAGE.height), DARK),) if dark else ()
    marks = match_code_marks(slot, code, "0017/0212", face, patch=dark)
    return Page("p", PAGE, Box(0, 0, PAGE.width, PAGE.height), (*ground, *marks))


def read(pixels: Pixels) -> list[str]:
    return [found.text for found in zxingcpp.read_barcodes(pixels)]


@pytest.mark.parametrize("code", CODES)
def test_fourteen_characters_make_sixteen_modules(code: str) -> None:
    matrix = data_matrix(code)
    assert len(code) == 14
    assert (len(matrix), {len(row) for row in matrix}) == (MATCH_MODULES, {MATCH_MODULES})
    assert all(row[0] for row in matrix) and all(matrix[-1])  # the finder pattern: left and lower edge


def cells(path: bytes, module: float, size: int) -> list[list[int]]:
    """How often each module's centre is covered by the path's rectangles."""
    numbers = path.decode().replace("re", "").rstrip("f ").split()
    boxes = [Box(*map(float, numbers[i : i + 4])) for i in range(0, len(numbers), 4)]
    covered = [[0] * size for _ in range(size)]
    for row in range(size):
        for column in range(size):
            x, y = (column + 0.5) * module, (size - row - 0.5) * module
            covered[row][column] = sum(b.x < x < b.right and b.y < y < b.top for b in boxes)
    return covered


@pytest.mark.parametrize("code", CODES)
def test_the_path_covers_each_dark_module_once_and_no_light_one(code: str) -> None:
    matrix = data_matrix(code)
    path = modules_path(matrix, MATCH_MODULE)
    assert path.endswith(b" f")
    assert cells(path, MATCH_MODULE, MATCH_MODULES) == [[int(cell) for cell in row] for row in matrix]
    assert path.count(b"re") < sum(sum(row) for row in matrix) * 0.7  # runs are merged
    assert path == modules_path(data_matrix(code), MATCH_MODULE)


def test_neighbouring_rectangles_share_their_edges() -> None:
    path = modules_path(((True, False), (True, True)), 1 / 3)
    assert path == b"0 0 0.333 0.333 re 0 0.333 0.333 0.334 re 0.333 0 0.334 0.333 re f" or path.count(b"re") == 2


@pytest.mark.parametrize("ppi", [150, 300])
@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("slot", [CARD_SLOT, ENVELOPE_SLOT])
def test_a_stranger_reads_it(face: Face, render: Render, slot: Size, dark: bool, turned: bool, ppi: int) -> None:
    for code in CODES:
        assert read(render(page(slot, face, code, turned=turned, dark=dark), ppi)) == [code]


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("size", [CARD_SLOT, ENVELOPE_SLOT])
def test_everything_lies_in_the_slot_with_its_quiet_zone(face: Face, size: Size, turned: bool) -> None:
    slot = Slot("match_code", Box(40, 30, size.width, size.height), turned)
    patch, symbol, *texts = match_code_marks(slot, CODES[0], "012345/012345", face)
    assert isinstance(patch, Rect) and isinstance(symbol, Outline)
    assert slot.box.contains(patch.box)
    assert patch.box.contains(symbol.box.inset(-QUIET))
    assert mm(2) == QUIET and symbol.box.width == pytest.approx(mm(8))
    assert texts
    high = face.font.cap_height * 6
    for text in texts:
        assert isinstance(text, Text) and text.turned is turned and text.size == 6
        ink = Box(text.x, text.y, text.width, high)
        if turned:
            ink = Box(text.x - text.width, text.y - high, text.width, high)
        assert patch.box.contains(ink)
        assert not ink.overlaps(symbol.box.inset(-QUIET))


def test_a_turned_slot_is_the_same_picture_upside_down(face: Face, render: Render) -> None:
    centred = Slot("match_code", Box(40, 30, *_tuple(CARD_SLOT)))
    middle = Size(2 * 40 + CARD_SLOT.width, 2 * 30 + CARD_SLOT.height)
    trim = Box(0, 0, middle.width, middle.height)
    upright = Page("p", middle, trim, match_code_marks(centred, CODES[0], "0017/0212", face))
    turned_slot = Slot("match_code", centred.box, True)
    turned = Page("p", middle, trim, match_code_marks(turned_slot, CODES[0], "0017/0212", face))
    first, second = render(upright, 144), render(turned, 144)[::-1, ::-1]
    assert (abs(first.astype(int) - second.astype(int)) > 120).mean() < 0.005


def _tuple(size: Size) -> tuple[float, float]:
    return size.width, size.height


def test_the_number_is_printed_for_people(face: Face) -> None:
    for size, words in ((CARD_SLOT, ["0017/0212"]), (ENVELOPE_SLOT, ["0017", "/0212"])):
        marks = match_code_marks(Slot("match_code", Box(0, 0, *_tuple(size))), CODES[0], "0017/0212", face)
        assert [mark.text for mark in marks if isinstance(mark, Text)] == words


def test_an_envelope_needs_no_patch(face: Face) -> None:
    marks = match_code_marks(Slot("m", Box(0, 0, *_tuple(ENVELOPE_SLOT))), CODES[0], "1/2", face, patch=False)
    assert not any(isinstance(mark, Rect) for mark in marks)


def test_a_slot_that_is_too_small_is_a_bug(face: Face) -> None:
    with pytest.raises(Bug, match="does not fit"):
        match_code_marks(Slot("m", Box(0, 0, mm(11), mm(11))), CODES[0], "1/2", face)
    with pytest.raises(Bug):
        data_matrix("ÄÖ")
