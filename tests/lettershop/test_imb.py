"""The Intelligent Mail barcode: the post's own vectors, what is refused, where it stands, and that it reads back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cardpipe.catalog.press import formats
from cardpipe.lettershop import imb
from cardpipe.lettershop.carrier import Carrier
from cardpipe.lettershop.envelope import face_size
from cardpipe.lettershop.mailing import Mailing
from cardpipe.model.errors import Bug, Refused
from cardpipe.model.units import Box, Size, inch
from cardpipe.prepress.page import Page, Slot
from cardpipe.prepress.raster import Pixels

Render = Callable[[Page, float], Pixels]
TRACKING = "01234567094987654321"
#: USPS-B-3200, and one made with the encoder of PostalPro.
VECTORS = [
    (TRACKING, "", "ATTFATTDTTADTAATTDTDTATTDAFDDFADFDFTFFFFFTATFAAAATDFFTDAADFTFDTDT"),
    (TRACKING, "01234", "DTTAFADDTTFTDTFTFDTDDADADAFADFATDDFTAAAFDTTADFAAATDFDTDFADDDTDFFT"),
    (TRACKING, "012345678", "ADFTTAFDTTTTFATTADTAAATFTFTATDAAAFDDADATATDTDTTDFDTDATADADTDFFTFA"),
    (TRACKING, "01234567891", "AADTFFDFTDADTAADAATFDTDDAAADDTDTTDAFADADDDTFFFDDTTTADFAAADFTDAADA"),
    ("23270592831482031240", "96713024817", "DDADATADTAATDTTTDFDTTFTFFADTFTDFTATAAFTTFATDAATATDATATFADAADDTFDT"),
]
FIGURES = st.text("0123456789", min_size=15, max_size=15)
ROUTING = st.one_of(*(st.text("0123456789", min_size=n, max_size=n) for n in (0, 5, 9, 11)))


def slot_on(name: str, usps: Carrier) -> tuple[Size, Slot]:
    size = face_size(formats()[name])
    return size, Slot("imb", usps.zones.barcode.on(size))


@pytest.mark.parametrize(("tracking", "routing", "expected"), VECTORS)
def test_the_posts_own_vectors(tracking: str, routing: str, expected: str) -> None:
    assert imb.judge(tracking, routing) == []
    assert imb.bars(tracking, routing) == expected


@pytest.mark.parametrize("barcode_id", ["05", "09", "15", "99", "49"])
def test_a_barcode_id_that_does_not_exist_is_refused(barcode_id: str) -> None:
    with pytest.raises(Refused) as caught:
        imb.bars(barcode_id + TRACKING[2:], "01234")
    (found,) = caught.value.findings
    assert found.code == "imb.barcode_id" and barcode_id in found.message


@pytest.mark.parametrize("barcode_id", ["00", "04", "94"])
def test_one_that_exists_is_taken(barcode_id: str) -> None:
    assert len(imb.bars(barcode_id + TRACKING[2:], "")) == imb.BARS


@pytest.mark.parametrize(
    ("tracking", "routing", "codes"),
    [
        (TRACKING[:-1], "", ["imb.tracking"]),
        (TRACKING + "1", "", ["imb.tracking"]),
        ("0123456709498765432O", "", ["imb.tracking"]),
        ("٠1234567094987654321", "", ["imb.tracking"]),  # an Arabic figure is a figure to Python
        (TRACKING, "1234", ["imb.routing"]),
        (TRACKING, "01234-5678", ["imb.routing"]),
        (TRACKING, "0123456789", ["imb.routing"]),
        ("", "12", ["imb.tracking", "imb.routing"]),
        (TRACKING + "\n", "01234\n", ["imb.tracking", "imb.routing"]),
    ],
)
def test_all_that_is_wrong_with_figures_is_said(tracking: str, routing: str, codes: list[str]) -> None:
    found = imb.judge(tracking, routing, "line 7")
    assert [finding.code for finding in found] == codes
    assert all(finding.remedy and finding.where == "line 7" for finding in found)


def test_another_mailers_figures_are_found() -> None:
    six, nine = Mailing(mailer_id="567094", service="234"), Mailing(mailer_id="987654321")
    assert imb.judge(TRACKING, "", "imb", six) == []
    assert [f.code for f in imb.judge(TRACKING, "", "imb", nine)] == ["imb.mailer_id"]
    assert imb.mailer_id("00270" + "987654321" + "000001") == "987654321"
    assert imb.judge("00234" + "987654321" + "000001", "", "imb", nine) == []
    other = six.model_copy(update={"service": "270"})
    assert [f.code for f in imb.judge(TRACKING, "", "imb", other)] == ["imb.service"]


@pytest.mark.parametrize("name", sorted(formats()))
def test_sizes_and_places_on_every_envelope(name: str, usps: Carrier) -> None:
    """USPS-B-3200 and DMM 202.5, in inches."""
    size, slot = slot_on(name, usps)
    boxes = [mark.box for mark in imb.marks(slot, *VECTORS[3][:2])]
    assert len(boxes) == 65 and all(slot.box.contains(box) for box in boxes)
    assert all(mark.ink.k == 1 and mark.ink.c + mark.ink.m + mark.ink.y == 0 for mark in imb.marks(slot, TRACKING, ""))
    pitch = (boxes[-1].x - boxes[0].x) / 64
    assert 20 <= inch(1) / pitch <= 24.01
    assert inch(2.667) <= boxes[-1].right - boxes[0].x <= inch(3.225)
    assert inch(3.5) <= size.width - boxes[0].x <= inch(4.25)
    assert inch(0.1875) <= min(box.y for box in boxes) and max(box.top for box in boxes) <= inch(0.5)
    heights = {round(box.height / 72, 4) for box in boxes}
    assert len(heights) == 3 and 0.125 <= max(heights) <= 0.165 and 0.039 <= min(heights) <= 0.057
    assert all(inch(0.015) <= box.width <= inch(0.025) for box in boxes)
    assert inch(0.012) <= pitch - boxes[0].width <= inch(0.040)


def test_a_short_envelope_has_24_bars_an_inch(usps: Carrier) -> None:
    lengths = {}
    for name in ("A2", "A7"):
        boxes = [mark.box for mark in imb.marks(slot_on(name, usps)[1], TRACKING, "")]
        lengths[name] = (boxes[-1].right - boxes[0].x) / 72
    assert lengths["A2"] == pytest.approx(2.687, abs=0.001)
    assert lengths["A7"] == pytest.approx(2.929, abs=0.001)


def test_a_labels_slot_holds_it_in_its_middle() -> None:
    box = Box(100, 200, inch(3.3), inch(0.25))
    boxes = [mark.box for mark in imb.marks(Slot("imb", box), TRACKING, "01234")]
    assert boxes[0].x - box.x == pytest.approx(box.right - boxes[-1].right) and boxes[0].x - box.x >= inch(0.125)
    assert min(b.y for b in boxes) - box.y >= inch(0.028)
    for small in (replace(box, width=inch(2.9)), replace(box, height=inch(0.19))):
        with pytest.raises(Bug, match="does not fit"):
            imb.marks(Slot("imb", small), TRACKING, "01234")


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(["00", "31", "94"]), st.sampled_from(["270", "040", "310"]), FIGURES, ROUTING)
def test_what_is_drawn_reads_back(usps: Carrier, barcode_id: str, service: str, figures: str, routing: str) -> None:
    tracking = barcode_id + service + figures
    marks = imb.marks(slot_on("A2", usps)[1], tracking, routing)
    assert imb.read(mark.box for mark in reversed(marks)) == imb.bars(tracking, routing)


@pytest.mark.parametrize("name", ["A2", "A7", "DL"])
@pytest.mark.parametrize(("tracking", "routing", "expected"), VECTORS)
def test_a_finished_page_reads_back(
    name: str, tracking: str, routing: str, expected: str, usps: Carrier, render: Render
) -> None:
    size, slot = slot_on(name, usps)
    page = Page("envelope", size, Box(0, 0, size.width, size.height), imb.marks(slot, tracking, routing))
    whole = render(page, 300)
    low = round(slot.box.height / 72 * 300)
    assert imb.read_pixels(whole[-low:, round(slot.box.x / 72 * 300) :]) == expected
    assert imb.read_pixels(whole[-low:, round(slot.box.x / 72 * 300) :] // 2 + 127) == "", "grey is no bar"


def test_a_wrong_bar_is_seen(usps: Carrier) -> None:
    marks = list(imb.marks(slot_on("A7", usps)[1], TRACKING, ""))
    tracker = next(n for n, letter in enumerate(VECTORS[0][2]) if letter == "T")
    full = next(mark.box for mark, letter in zip(marks, VECTORS[0][2], strict=True) if letter == "F")
    marks[tracker] = replace(marks[tracker], box=replace(full, x=marks[tracker].box.x))
    assert imb.read(mark.box for mark in marks) != VECTORS[0][2]
    assert len(imb.read(mark.box for mark in marks[1:])) == 64 and imb.read([]) == ""
