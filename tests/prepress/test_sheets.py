"""Press sheets: cards copied as they are stored, moved and turned, each with its own marks, and crop marks on top."""

from __future__ import annotations

import dataclasses
import io
import zlib

import numpy as np
import pikepdf
import pytest
from piecemaking import (
    FACE,
    MEDIA,
    SRGB_KEY,
    STAMP,
    TRIM,
    VT,
    WORDS,
    X1A,
    art,
    card,
    fine_card,
    fragment,
    numbered,
    photo,
    plates,
    plates_card,
    shared,
    softly,
)

from cardpipe.lettershop.barcode import match_code_marks
from cardpipe.lettershop.proving import read_codes
from cardpipe.model.batch import match_code
from cardpipe.model.errors import Bug
from cardpipe.model.units import Box, Size
from cardpipe.preflight.inspector import inspect
from cardpipe.preflight.profile import Profile
from cardpipe.prepress.fragment import Fragment, FragmentPage, build
from cardpipe.prepress.merge import Fill, Merge
from cardpipe.prepress.page import REGISTRATION, Mark, Page, Rect, Slot
from cardpipe.prepress.raster import Pixels, opened
from cardpipe.prepress.sheets import PlacedPage, SheetMerge, placed_box
from cardpipe.prepress.xmp import Stamp

SHEET = Size(700, 500)
TRIM_OF_SHEET = Box(59, 59, 582, 382)
SPOTS = [(50.0, 250.0, False), (350.0, 250.0, True), (50.0, 50.0, True), (350.0, 50.0, False)]


def crops() -> list[Mark]:
    """Two strokes at each corner of the sheet's trim, outside of every bleed."""
    t = TRIM_OF_SHEET
    return [
        Rect(box, REGISTRATION, "crop")
        for x, y in ((t.x, t.y), (t.right, t.y), (t.x, t.top), (t.right, t.top))
        for box in (
            Box(x - 0.125, y - 30 if y == t.y else y + 18, 0.25, 12),
            Box(x - 30 if x == t.x else x + 18, y - 0.125, 12, 0.25),
        )
    ]


def four(cards: list[Fragment], page: int = 0, fill: Fill | None = None) -> list[PlacedPage]:
    return [
        PlacedPage(one, page, x, y, turned, fill or numbered(place + 1))
        for place, (one, (x, y, turned)) in enumerate(zip(cards, SPOTS, strict=True))
    ]


def sheets(sides: list[list[PlacedPage]], stamp: Stamp = STAMP, page: bytes | None = None) -> bytes:
    sink = io.BytesIO()
    merge = SheetMerge(sink, shared(page), stamp)
    for placed in sides:
        merge.side(SHEET, TRIM_OF_SHEET, placed, crops())
    assert merge.pages == len(sides)
    merge.finish()
    return sink.getvalue()


def cards() -> list[Fragment]:
    return [fragment(fine_card(f"{WORDS} {n}", (200, 40 * n, 30))) for n in range(4)]


def both(made: list[Fragment], stamp: Stamp = STAMP, page: bytes | None = None) -> bytes:
    return sheets([four(made), four(made, 1)], stamp, page)


def test_boxes_and_forms() -> None:
    data = both(cards())
    with pikepdf.open(io.BytesIO(data), inherit_page_attributes=False) as pdf:
        assert pdf.check_pdf_syntax() == []
        assert len(pdf.pages) == 2
        for page in pdf.pages:
            assert [float(v) for v in page.obj.MediaBox] == [0, 0, 700, 500] == [float(v) for v in page.obj.BleedBox]
            assert [float(v) for v in page.obj.TrimBox] == [59, 59, 641, 441]
            forms = page.obj.Resources.XObject
            assert sorted(forms.keys()) == ["/C0", "/C1", "/C2", "/C3"]
            assert all([float(v) for v in form.BBox] == [0, 0, 300, 200] for form in forms.values())
            assert "/Group" not in page.obj
    assert b"/Metadata" in data and data.startswith(b"%PDF-1.6") and b"DPart" not in data


def test_what_is_shared_is_written_once_and_streams_are_copied() -> None:
    made = [fragment(card()), fragment(card()), fragment(card("Zoë")), fragment(card("Zoë"))]
    data = both(made)
    assert data.count(b"/Subtype /Image") == 2 and data.count(b"/FontFile2") == 1 and data.count(b"/Separation") == 1
    for one in made:
        for page in one.pages:
            assert one.stream(page.contents) in data, "the stored bytes, never coded again"
    with pikepdf.open(io.BytesIO(data)) as pdf:
        fronts = pdf.pages[0].Resources.XObject
        assert len({form.Resources.XObject.A0.objgen for form in fronts.values()}) == 1
        assert len({form.Resources.XObject.P0.objgen for form in fronts.values()}) == 1


def test_every_card_looks_as_it_does_in_a_file_of_its_own() -> None:
    made = cards()
    with opened(both(made)) as sheet:
        seen = [sheet.pixels(side, 72) for side in (0, 1)]
    for place, (one, (x, y, turned)) in enumerate(zip(made, SPOTS, strict=True)):
        sink = io.BytesIO()
        merge = Merge(sink, shared(), STAMP)
        merge.add(one, numbered(place + 1))
        merge.finish()
        with opened(sink.getvalue()) as alone:
            for side in (0, 1):
                wanted = alone.pixels(side, 72)
                found = cut(seen[side], Box(x, y, MEDIA.width, MEDIA.height))
                found = np.rot90(found, 2) if turned else found
                assert wanted.shape == found.shape
                off = np.abs(wanted.astype(int) - found.astype(int)).max(axis=2)
                assert (off > 60).mean() < (0.01 if turned else 0.0001), (place, side)  # edges fall between pixels


def cut(pixels: Pixels, box: Box) -> Pixels:
    top = round(SHEET.height - box.top)
    return pixels[top : top + round(box.height), round(box.x) : round(box.right)]


@pytest.mark.parametrize("turned", [False, True])
def test_where_a_box_lands(turned: bool) -> None:
    """Proved by painting the box and finding it."""
    slot = Slot("match_code", Box(30, 20, 50, 10))
    one = fragment([Page("a", MEDIA, TRIM, (slot,))])
    placed = PlacedPage(one, 0, 350, 250, turned, lambda page, slot: (Rect(slot.box, REGISTRATION),))
    wanted = Box(350 + 300 - 80, 250 + 200 - 30, 50, 10) if turned else Box(380, 270, 50, 10)
    assert placed_box(placed, slot.box) == wanted
    assert placed_box(placed, Box(0, 0, 300, 200)) == Box(350, 250, 300, 200), "the whole page stays where it is"
    sink = io.BytesIO()
    merge = SheetMerge(sink, shared(), STAMP)
    merge.side(SHEET, TRIM_OF_SHEET, [placed], [])
    merge.finish()
    with opened(sink.getvalue()) as document:
        rows, columns = np.nonzero(document.pixels(0, 72).min(axis=2) < 128)
    assert (columns.min(), columns.max() + 1) == (wanted.x, wanted.right)
    assert (500 - rows.max() - 1, 500 - rows.min()) == (wanted.y, wanted.top)


def test_match_codes_are_read_off_the_sheet_where_they_should_be() -> None:
    slot = Slot("match_code", Box(150, 20, 70, 55), False)
    made = [fragment([Page("outside", MEDIA, TRIM, (photo(), slot))]) for _ in range(4)]

    def coded(number: int) -> Fill:
        def fill(page: FragmentPage, slot: Slot) -> tuple[Mark, ...]:
            return match_code_marks(slot, match_code(7, number, "O"), f"{number}/4", FACE)

        return fill

    placed = [dataclasses.replace(one, fill=coded(number)) for number, one in enumerate(four(made), 1)]
    with opened(sheets([placed])) as document:
        for number, one in enumerate(placed, 1):
            pixels = document.pixels(0, 300, placed_box(one, slot.box).inset(-4))
            assert read_codes(pixels) == [match_code(7, number, "O")]
        assert "4/4" in document.text(0)


def test_the_registration_colour_lies_on_top_of_all() -> None:
    with pikepdf.open(io.BytesIO(both(cards()))) as pdf:
        body = pdf.pages[0].obj.Contents.read_bytes()
        assert body.rindex(b"Do") < body.index(b"/CSAll cs 1 scn")
        assert str(pdf.pages[0].Resources.ColorSpace.CSAll[1]) == "/All"
        assert str(pdf.pages[1].Resources.ColorSpace.CSAll[1]) == "/All"


def test_sheets_over_transparent_art_blend_in_ink() -> None:
    data = both(cards(), page=art(softly))
    with pikepdf.open(io.BytesIO(data)) as pdf:
        for page in pdf.pages:
            assert (str(page.obj.Group.S), str(page.obj.Group.CS)) == ("/Transparency", "/DeviceCMYK")
    assert passed(data) == []
    with pytest.raises(Bug, match="transparency"):
        both([plates() for _ in range(4)], X1A, art(softly))


def passed(data: bytes, standard: str = "X-4") -> list[object]:
    """What the inspector holds against a file of sheets."""
    profile = Profile(trim=TRIM_OF_SHEET.size, bleed=9, standard=standard, pages_per_piece=None, imposed=True)
    report = inspect(io.BytesIO(data), profile)
    assert report.complete
    return [finding for finding in report.findings if finding.level == "error"]


def test_the_inspector_passes_sheets() -> None:
    assert passed(both(cards())) == []
    assert passed(both([plates(plates_card(f"{WORDS} {n}")) for n in range(4)], X1A), "X-1a") == []


def test_sheets_of_plates_hold_only_inks() -> None:
    data = both([plates() for _ in range(4)], X1A)
    assert data.startswith(b"%PDF-1.4")
    for word in (b"ICCBased", b"CalGray", b"/Group", b"/SMask", b"/Metadata"):
        assert word not in data
    with pytest.raises(Bug, match="X-1a"):
        both(cards(), X1A)


def test_two_runs_give_the_same_bytes() -> None:
    assert both(cards()) == both(cards())


def test_sheets_have_no_records() -> None:
    with pytest.raises(Bug, match="records"):
        SheetMerge(io.BytesIO(), shared(), VT)


@pytest.mark.parametrize("x", [-9.1, 409.1])
def test_a_card_beyond_the_sheet_is_a_bug(x: float) -> None:
    merge = SheetMerge(io.BytesIO(), shared(), STAMP)
    with pytest.raises(Bug, match="beyond"):
        merge.side(SHEET, TRIM_OF_SHEET, [PlacedPage(fragment(), 0, x, 50, False, numbered(1))], [])


def test_two_cards_cut_from_one_place_are_a_bug() -> None:
    def side(step: float) -> None:
        placed = [PlacedPage(fragment(), 0, 50 + step * n, 50, False, numbered(1)) for n in range(2)]
        SheetMerge(io.BytesIO(), shared(), STAMP).side(SHEET, TRIM_OF_SHEET, placed, [])

    side(TRIM.width)
    with pytest.raises(Bug, match="upon each other"):
        side(TRIM.width - 1)


def test_a_side_takes_printed_marks_only() -> None:
    merge = SheetMerge(io.BytesIO(), shared(), STAMP)
    with pytest.raises(Bug, match="printed marks"):
        merge.side(SHEET, TRIM_OF_SHEET, [], [photo()])


def test_a_damaged_fragment_is_a_bug() -> None:
    bad = bytearray(build(card(), SRGB_KEY))
    bad[-300] ^= 1
    with pytest.raises(Bug):
        both([Fragment(io.BytesIO(bytes(bad))) for _ in range(4)])


def test_the_content_of_a_side_is_small() -> None:
    """Cards are called, not repeated: a side's own stream is a few lines."""
    with pikepdf.open(io.BytesIO(both(cards()))) as pdf:
        assert len(zlib.decompress(pdf.pages[1].obj.Contents.read_raw_bytes())) < 1500
