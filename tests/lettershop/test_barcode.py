"""The match code: exact modules, quiet, in its slot, and read by a decoder that had no part in drawing it."""

from __future__ import annotations

import random
import re
from collections.abc import Callable

import pytest
import zxingcpp
from ppf.datamatrix import DataMatrix

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
from cardpipe.lettershop.setting import set_figures, set_line
from cardpipe.model.batch import match_code
from cardpipe.model.errors import Bug
from cardpipe.model.units import Box, Size, mm
from cardpipe.prepress.page import BLACK, Ink, Outline, Page, Rect, Slot, Text
from cardpipe.prepress.raster import Pixels
from cardpipe.prepress.typeset import Face

Render = Callable[[Page, float], Pixels]
CODES = [match_code(1, 1, "O"), match_code(36**4 - 1, 999999, "E"), match_code(12345, 212, "I")]
RECTANGLE = re.compile(rb"(\d+) (\d+) (\d+) (\d+) re ")
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
    assert {row[0] for row in matrix} == {"1"} and set(matrix[-1]) == {"1"}  # the finder pattern: left and lower edge


def test_each_symbol_is_the_one_that_the_library_draws() -> None:
    """The table of sums against the encoder itself, with batch numbers of letters, of figures and of both."""
    dice = random.Random(5)
    codes = [match_code(dice.randrange(36**4), dice.randrange(10**6), dice.choice("OIE")) for _ in range(150)]
    codes += [match_code(dice.randrange(10 ** dice.randint(1, 4)), dice.randrange(2000), "O") for _ in range(50)]
    codes += ["CPABCDE000000O", "CP11111999999E", "CP1A1A1123456I", "CP0Z0Z0000000O", "ZZ00000000000E"]
    for code in codes:
        drawn = DataMatrix(code).matrix
        assert data_matrix(code) == tuple("".join(map(str, row)) for row in drawn), code


def test_a_code_of_another_form_is_drawn_as_well() -> None:
    for code in ("hello", "CP1000100000", "cp10001000001o", "CP1000100000%O", "12345678901234", "x" * 60):
        assert data_matrix(code) == tuple("".join(map(str, row)) for row in DataMatrix(code).matrix), code


def cells(path: bytes, size: int) -> list[str]:
    """How often each module is covered by the path's rectangles."""
    covered = [[0] * size for _ in range(size)]
    for x, y, wide, high in (map(int, found) for found in RECTANGLE.findall(path)):
        for row in range(size - y - high, size - y):
            for column in range(x, x + wide):
                covered[row][column] += 1
    return ["".join(map(str, row)) for row in covered]


@pytest.mark.parametrize("code", CODES)
def test_the_path_covers_each_dark_module_once_and_no_light_one(code: str) -> None:
    matrix = data_matrix(code)
    path = modules_path(matrix, MATCH_MODULE)
    assert path.startswith(b"1.417323 0 0 1.417323 0 0 cm ") and path.endswith(b" f")
    assert RECTANGLE.sub(b"", path) == b"1.417323 0 0 1.417323 0 0 cm f", "rectangles and nothing else"
    assert cells(path, MATCH_MODULES) == list(matrix)
    assert path.count(b"re") < "".join(matrix).count("1") * 0.75  # runs are merged
    assert path == modules_path(data_matrix(code), MATCH_MODULE)


def test_neighbouring_rectangles_share_their_edges() -> None:
    path = modules_path(("10", "11"), 1 / 3)
    assert path == b"0.333333 0 0 0.333333 0 0 cm 0 1 1 1 re 0 0 2 1 re f"
    assert modules_path(("1" * 10, "0" * 10, "0" * 7 + "110"), 2) == (
        b"2.000000 0 0 2.000000 0 0 cm 0 2 8 1 re 8 2 2 1 re 7 0 1 1 re 8 0 1 1 re f"
    )


@pytest.mark.parametrize("ppi", [97, 150, 211, 300, 333])
def test_no_seam_opens_between_rectangles(render: Render, ppi: int) -> None:
    """All modules dark are one dark square, wherever their edges fall among the pixels."""
    path = modules_path(("1" * 16,) * 16, MATCH_MODULE)
    assert path.count(b"re") == 32
    place = Box(20.3, 20.7, 16 * MATCH_MODULE, 16 * MATCH_MODULE)
    mark = Outline(place, path, BLACK, False, "match_code", ("x",))
    sheet = Size(70, 70)
    pixels = render(Page("p", sheet, Box(0, 0, 70, 70), (mark,)), ppi)
    scale = ppi / 72
    left, right = int(place.x * scale) + 2, int(place.right * scale) - 1
    top, bottom = int((sheet.height - place.top) * scale) + 2, int((sheet.height - place.y) * scale) - 1
    within = pixels[top:bottom, left:right]
    assert within.shape[0] > 25 and (within == within[0, 0]).all() and int(within.max()) < 60


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


@pytest.mark.parametrize("code", ["CP10001000001O", "a code of another form", "x" * 60])
def test_a_symbol_is_as_large_as_its_modules(code: str, face: Face) -> None:
    """Whatever its form: drawn beyond its box, it would lose the white around it."""
    marks = match_code_marks(Slot("m", Box(0, 0, mm(50), mm(40))), code, "1/2", face)
    patch, symbol = marks[0], next(mark for mark in marks if isinstance(mark, Outline))
    side = MATCH_MODULE * len(data_matrix(code))
    assert isinstance(patch, Rect) and (symbol.box.width, symbol.box.height) == (side, side)
    assert symbol.box.x - patch.box.x >= QUIET - 1e-9 and patch.box.top - symbol.box.top >= QUIET - 1e-9


def _tuple(size: Size) -> tuple[float, float]:
    return size.width, size.height


def test_the_number_is_printed_for_people(face: Face) -> None:
    for size, words in ((CARD_SLOT, ["0017/0212"]), (ENVELOPE_SLOT, ["0017", "/0212"])):
        marks = match_code_marks(Slot("match_code", Box(0, 0, *_tuple(size))), CODES[0], "0017/0212", face)
        assert [mark.text for mark in marks if isinstance(mark, Text)] == words


@pytest.mark.parametrize("number", ["0001/1000", "1111/7777", "/0212", "000001", "4/40"])
def test_a_number_is_set_as_any_line_is(face: Face, number: str) -> None:
    assert set_figures(face, number, 6.0) == set_line(face, number, 6.0, "number")


@pytest.mark.parametrize("number", ["12a/3", "1 2", "no. 5", "١٢"])
def test_a_number_of_other_characters_is_a_bug(face: Face, number: str) -> None:
    with pytest.raises(Bug, match="figures"):
        set_figures(face, number, 6.0)


def test_an_envelope_needs_no_patch(face: Face) -> None:
    marks = match_code_marks(Slot("m", Box(0, 0, *_tuple(ENVELOPE_SLOT))), CODES[0], "1/2", face, patch=False)
    assert not any(isinstance(mark, Rect) for mark in marks)


def test_a_slot_that_is_too_small_is_a_bug(face: Face) -> None:
    with pytest.raises(Bug, match="does not fit"):
        match_code_marks(Slot("m", Box(0, 0, mm(11), mm(11))), CODES[0], "1/2", face)
    with pytest.raises(Bug):
        data_matrix("ÄÖ")
