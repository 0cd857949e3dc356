"""Labels: every address whole and off the edges, or refused with numbers; every code read where the plan says."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cardpipe.lettershop import imb
from cardpipe.lettershop.addressing import lines
from cardpipe.lettershop.barcode import match_code_marks
from cardpipe.lettershop.carrier import Carrier
from cardpipe.lettershop.labels import LabelFace, LabelPage, compose, pages
from cardpipe.lettershop.labelsheet import SHEETS, LabelSheet, judge, place
from cardpipe.lettershop.proving import PPI, read_codes
from cardpipe.model.address import Address
from cardpipe.model.batch import match_code
from cardpipe.model.errors import Refused
from cardpipe.model.units import POINTS_PER_INCH, Box, inch, mm, to_mm
from cardpipe.prepress.page import Mark, Outline, Page, Rect, Slot, Text
from cardpipe.prepress.raster import Pixels
from cardpipe.prepress.typeset import Face

Render = Callable[[Page, float], Pixels]
NAMES = ["5161", "5163", "L7160", "L7163"]
BO = Address(name="Bo", street="1 A St", city="Ely", state="NV", postcode="89301")
USUAL = Address(name="Łukasz Wiśniewski", company="Northwind Traders, Inc.", street="1234 Martin Luther King Blvd",
                city="San Francisco", state="California", postcode="941031234")  # fmt: skip
ABROAD = Address(name="Nguyễn Thị Ánh", street="12 Phố Huế", city="Quận Hai Bà Trưng", state="Hà Nội",
                 postcode="100000", country="VN")  # fmt: skip
FIGURES = ("01234567094987654321", "01234567891")


def text_box(mark: Text, face: Face) -> Box:
    below = face.font.descent * mark.size
    return Box(mark.x, mark.y + below, mark.width, (face.font.ascent - face.font.descent) * mark.size)


def filling(face: Face, batch: int = 36, of: int = 900_001) -> Callable[[int, Slot], tuple[Mark, ...]]:
    """What the merge fills in: the piece's code with its number, and bars."""

    def fill(piece: int, slot: Slot) -> tuple[Mark, ...]:
        if slot.name == "imb":
            return imb.marks(slot, *FIGURES)
        number = f"{piece + 1:04d}/{of:04d}"
        return match_code_marks(slot, match_code(batch, piece + 1, "E"), number, face, patch=False)

    return fill


def made(address: Address, sheet: LabelSheet, usps: Carrier, face: Face) -> LabelFace:
    found, findings = compose(address, usps, face, sheet)
    assert found is not None and all(finding.level == "note" for finding in findings)
    return found


def assert_sound(label: LabelFace, sheet: LabelSheet, face: Face) -> None:
    """Ink 1/8 in off the label's edges; address, code and bars apart; the carrier's distances kept."""
    whole = Box(0, 0, sheet.label.width, sheet.label.height)
    safe = whole.inset(inch(0.125))
    places = {slot.name: slot.box for slot in label.slots}
    assert set(places) <= {"match_code", "imb"} and "match_code" in places
    assert all(whole.contains(box) for box in places.values())
    fill = filling(face)
    ink = {name: [box_of(mark, face) for mark in fill(899_999, Slot(name, box))] for name, box in places.items()}
    ink["address"] = [text_box(mark, face) for mark in label.marks]
    assert all(safe.contains(box) for boxes in ink.values() for box in boxes)
    symbol = next(
        box_of(mark, face) for mark in fill(0, Slot("match_code", places["match_code"])) if isinstance(mark, Outline)
    )
    assert to_mm(symbol.width) == pytest.approx(8)
    for box in ink["address"] + ink.get("imb", []):
        assert not box.overlaps(symbol.inset(-mm(2)))
        assert not any(box.overlaps(other) for other in ink["match_code"])
    assert len({(mark.x, mark.size) for mark in label.marks}) == 1
    assert [mark.text for mark in label.marks] == list(label.lines)
    assert 8 <= label.marks[0].size <= 11
    if "imb" in places:
        bars = around(ink["imb"])
        low = min(box.y for box in ink["address"])
        assert inch(0.028) <= low - bars.top <= inch(0.625)
        number = around([box for box in ink["match_code"] if box.y < symbol.y])
        assert number.y - bars.top >= inch(0.028) and places["imb"].height >= inch(0.145 + 0.056)


def box_of(mark: Mark, face: Face) -> Box:
    """A mark's ink; of a number in figures only what stands above the baseline."""
    if isinstance(mark, Text):
        return Box(mark.x, mark.y, mark.width, face.font.cap_height * mark.size)
    assert isinstance(mark, Rect | Outline)
    return mark.box


def around(boxes: list[Box]) -> Box:
    x, y = min(box.x for box in boxes), min(box.y for box in boxes)
    return Box(x, y, max(box.right for box in boxes) - x, max(box.top for box in boxes) - y)


@pytest.mark.parametrize("name", NAMES)
def test_labels_lie_on_the_sheet_as_the_table_says(name: str) -> None:
    """n of print.md section 4; equal borders left and right and above and below to half a millimetre."""
    sheet = SHEETS[name]
    assert sheet.count == {"5161": 20, "5163": 10, "L7160": 21, "L7163": 14}[name]
    boxes = [place(number, sheet)[2] for number in range(sheet.count)]
    for at, box in enumerate(boxes):
        assert box.size == sheet.label and Box(0, 0, sheet.page.width, sheet.page.height).contains(box)
        assert not any(box.overlaps(other) for other in boxes[at + 1 :])
    whole = around(boxes)
    assert abs(whole.x - (sheet.page.width - whole.right)) < mm(1)
    assert abs(whole.y - (sheet.page.height - whole.top)) < mm(1)
    assert (boxes[1].x > boxes[0].x) and boxes[1].y == boxes[0].y and boxes[sheet.columns].y < boxes[0].y
    assert sheet.page.height - boxes[0].top == pytest.approx({"5": inch(0.5), "L": mm(15.1)}[name[0]], abs=0.3)


@given(st.sampled_from(NAMES), st.integers(0, 70), st.integers(1, 21))
def test_a_partly_used_sheet_is_the_first_one_only(name: str, piece: int, start: int) -> None:
    sheet = SHEETS[name]
    start = min(start, sheet.count)
    page, at, box = place(piece, sheet, start, (mm(1), mm(2)))
    assert page * sheet.count + at == piece + start
    _, _, plain = place(at - 1, sheet)
    assert (box.x - plain.x, plain.y - box.y) == pytest.approx((mm(1), mm(2)))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("address", [BO, USUAL, ABROAD], ids=["shortest", "usual", "abroad"])
def test_addresses_stand_whole_on_labels(name: str, address: Address, usps: Carrier, face: Face) -> None:
    label = made(address, SHEETS[name], usps, face)
    assert label.lines == lines(address)
    assert_sound(label, SHEETS[name], face)


WORDS = st.text("ABÇÉłŚWMiljß -'Ệ", min_size=1, max_size=45).map(lambda text: " ".join(text.split()) or "X")


@settings(max_examples=120)
@given(st.sampled_from(NAMES), WORDS, WORDS, WORDS, st.sampled_from(["", "Apt 4"]), st.sampled_from(["US", "VN", "IE"]))
def test_any_address_stands_whole_or_is_refused(
    usps: Carrier, face: Face, name: str, who: str, street: str, city: str, second: str, country: str
) -> None:
    address = Address(name=who, street=street, street2=second, city=city, state="MA", postcode="02139",
                      country=country)  # fmt: skip
    label, findings = compose(address, usps, face, SHEETS[name])
    if label is None:
        assert findings and all(finding.where == "recipient" for finding in findings)
        assert all(re.search(r"\d", finding.message) and name in finding.message for finding in findings)
    else:
        assert_sound(label, SHEETS[name], face)


def test_bars_have_a_slot_where_they_fit_and_mail_stays_at_home(usps: Carrier, face: Face) -> None:
    def has_bars(address: Address, name: str) -> bool:
        return "imb" in {slot.name for slot in made(address, SHEETS[name], usps, face).slots}

    assert {name: has_bars(BO, name) for name in NAMES} == {"5161": True, "5163": True, "L7160": False, "L7163": True}
    assert not has_bars(ABROAD, "5163")
    without, findings = compose(USUAL, usps, face, SHEETS["5161"], bars=False)
    assert without is not None and [slot.name for slot in without.slots] == ["match_code"] and findings == []
    assert without.marks[0].size > made(USUAL, SHEETS["5161"], usps, face).marks[0].size


def test_an_address_that_leaves_no_room_for_bars_says_so(usps: Carrier, face: Face) -> None:
    long = USUAL.model_copy(update={"street2": "Tower B", "city": "Yuma"})
    label, findings = compose(long, usps, face, SHEETS["5161"])
    assert label is not None and [slot.name for slot in label.slots] == ["match_code"]
    assert [(finding.code, finding.level) for finding in findings] == [("label.imb.room", "note")]
    assert "5 lines" in findings[0].message


def test_what_does_not_fit_is_refused_with_numbers(usps: Carrier, face: Face) -> None:
    wide = BO.model_copy(update={"name": "W" * 40})
    label, findings = compose(wide, usps, face, SHEETS["L7160"])
    assert label is None and [finding.code for finding in findings] == ["label.address.wide"]
    assert re.search(r"line 1 \(40 characters\) is \d+\.\d mm wide at 8 pt.*room for 57\.2 mm", findings[0].message)
    high = Address(name="Aoife", company="B", street="C", street2="D", city="E", state="Co. Cork",
                   postcode="T12 W8KP", country="IE")  # fmt: skip
    label, findings = compose(high, usps, face, SHEETS["5161"])
    assert label is None and [finding.code for finding in findings] == ["label.address.lines"]
    assert re.search(r"8 lines are \d+\.\d mm high at 8 pt.*room for 19\.0 mm", findings[0].message)
    label, findings = compose(BO.model_copy(update={"name": "王小明"}), usps, face, SHEETS["5161"])
    assert label is None and {finding.code for finding in findings} == {"address.glyph_missing"}
    label, findings = compose(Address(), usps, face, SHEETS["5161"])
    assert label is None and [finding.code for finding in findings] == ["label.address.empty"]


def sheets_of(name: str, count: int, usps: Carrier, face: Face, start: int = 1, down: float = 0.0) -> list[LabelPage]:
    sheet = SHEETS[name]
    faces = [made([BO, USUAL, ABROAD][number % 3], sheet, usps, face) for number in range(count)]
    return list(pages(faces, sheet, filling(face, of=count), start, (0.0, down), ("20261121_CP_A7_B01", face)))


@pytest.mark.parametrize("name", NAMES)
def test_every_code_is_read_where_the_plan_says(name: str, usps: Carrier, face: Face, render: Render) -> None:
    """Two sheets, the first of them begun: each label's code, and nothing on the labels that were used."""
    sheet = SHEETS[name]
    found = sheets_of(name, sheet.count, usps, face, start=4, down=mm(1))
    assert [len(one.labels) for one in found] == [sheet.count - 3, 3]
    assert [label.piece for one in found for label in one.labels] == list(range(sheet.count))
    assert found[0].labels[0].place == 4 and found[1].labels[0].place == 1
    for number, one in enumerate(found):
        pixels = render(one.page, PPI)
        for label in one.labels:
            assert label.page == number and label.box.contains(label.code)
            assert read_codes(cut_out(pixels, label.code)) == [match_code(36, label.piece + 1, "E")]
            assert (cut_out(pixels, label.box.inset(inch(0.12))) < 128).any()
        free = [place(at, sheet, 1, (0.0, mm(1)))[2] for at in range(3)] if number == 0 else []
        free += [] if number == 0 else [place(at, sheet, 1, (0.0, mm(1)))[2] for at in range(3, sheet.count)]
        assert free and all((cut_out(pixels, box) > 250).all() for box in free)


@pytest.mark.parametrize("name", ["5161", "5163", "L7163"])
def test_bars_are_read_where_they_stand(name: str, usps: Carrier, face: Face, render: Render) -> None:
    sheet = SHEETS[name]
    label = made(BO, sheet, usps, face)
    (one,) = pages([label], sheet, filling(face), start=2)
    box = one.labels[0].box
    slot = next(slot.box for slot in label.slots if slot.name == "imb")
    pixels = render(one.page, 600)
    there = Box(box.x + slot.x, box.y + slot.y, slot.width, slot.height)
    assert imb.read_pixels(cut_out(pixels, there, 600)) == imb.bars(*FIGURES)


def cut_out(pixels: Pixels, box: Box, ppi: float = PPI) -> Pixels:
    unit = ppi / POINTS_PER_INCH
    height = pixels.shape[0]
    rows = slice(round(height - box.top * unit), round(height - box.y * unit))
    return pixels[rows, round(box.x * unit) : round(box.right * unit)].copy()


def test_sheets_stream_and_are_numbered(usps: Carrier, face: Face) -> None:
    """A sheet is made before the next one's labels are asked for."""
    asked: list[int] = []

    def faces() -> object:
        for number in range(45):
            asked.append(number)
            yield made(BO, SHEETS["5161"], usps, face)

    stream = pages(faces(), SHEETS["5161"], filling(face), title=("B01", face))  # type: ignore[arg-type]
    first = next(stream)
    assert len(asked) == 20 and len(first.labels) == 20
    rest = list(stream)
    titles = [next(m.text for m in one.page.marks if isinstance(m, Text)) for one in [first, *rest]]
    assert titles == ["B01 · sheet 1", "B01 · sheet 2", "B01 · sheet 3"]


def test_equal_input_gives_an_equal_page(usps: Carrier, face: Face) -> None:
    one, two = (sheets_of("L7160", 5, usps, face)[0] for _ in range(2))
    assert one == two and one.page.dump() == two.page.dump()
    assert one.page.trim == Box(0, 0, mm(210), mm(297))


def test_a_start_or_an_offset_that_cannot_be_is_refused(face: Face) -> None:
    sheet = SHEETS["L7163"]
    assert judge(sheet, 14, (mm(-5), mm(5))) == []
    with pytest.raises(Refused) as caught:
        next(pages([], sheet, filling(face), start=15, offset=(mm(6), 0)))
    assert [finding.code for finding in caught.value.findings] == ["label.start", "label.offset"]


def test_a_carrier_with_odd_sizes_still_ends_at_the_smallest(usps: Carrier, face: Face) -> None:
    odd = usps.model_copy(update={"address": usps.address.model_copy(update={"size": 10.3})})
    sheet = SHEETS["L7160"]
    narrow = next(n for n in range(1, 60) if width(odd, face, sheet, n) is None) - 1
    assert width(odd, face, sheet, narrow) == 8.0
    assert width(odd, face, sheet, 3) == 10.3


def width(carrier: Carrier, face: Face, sheet: LabelSheet, letters: int) -> float | None:
    label, _ = compose(BO.model_copy(update={"name": "N" * letters}), carrier, face, sheet)
    return label.marks[0].size if label else None


def test_moved_labels_keep_their_marks(usps: Carrier, face: Face) -> None:
    sheet = SHEETS["5163"]
    label = made(USUAL, sheet, usps, face)
    (one,) = pages([label], sheet, lambda piece, slot: (), start=3)
    box = one.labels[0].box
    assert one.page.marks == tuple(replace(m, x=m.x + box.x, y=m.y + box.y) for m in label.marks)
