"""Addresses by hand, endorsements, and finished envelopes: what a batch fills in collides with nothing on any of them."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from addressees import RECIPIENTS, SENDER, text_box

from cardpipe.catalog.fonts import load_fonts
from cardpipe.catalog.press import formats
from cardpipe.lettershop import imb, indicia
from cardpipe.lettershop.addressblock import WrittenRun, resized, write_run
from cardpipe.lettershop.addressing import lines
from cardpipe.lettershop.barcode import match_code_marks
from cardpipe.lettershop.carrier import Carrier
from cardpipe.lettershop.envelope import compose, printed_lines
from cardpipe.lettershop.mailing import Mailing, Permit
from cardpipe.model.address import Address
from cardpipe.model.errors import Bug
from cardpipe.model.finding import Level
from cardpipe.model.units import Box, Size, inch
from cardpipe.prepress.page import Mark, Outline, Page, Slot, Text
from cardpipe.prepress.raster import Pixels
from cardpipe.prepress.typeset import Face, Hand

Render = Callable[[Page, float], Pixels]
NAMES = sorted(formats())
PERMIT = Mailing(
    postage="permit", permit=Permit(office="Cambridge MA", number="1234"), endorsement="RETURN SERVICE REQUESTED"
)
HANDS = ("caveat", "homemade-apple", "zeyada")
SEED = b"a seed of this test"


@pytest.fixture(scope="session")
def hands() -> dict[str, Hand]:
    fonts = load_fonts(Path(__file__).parents[2] / "fonts")
    return {name: fonts.hand(name) for name in HANDS}


def filled(page: Page, mailing: Mailing, face: Face) -> tuple[Mark, ...]:
    """The marks of a finished envelope, its slots filled as a batch fills them."""
    marks: list[Mark] = []
    for mark in page.marks:
        if not isinstance(mark, Slot):
            marks.append(mark)
        elif mark.name == "match_code":
            marks += match_code_marks(mark, "CP1000A000017E", "0017/0212", face, patch=False)
        elif mark.name == "imb":
            marks += imb.marks(mark, "00270592831482031240", "96713024817")
        else:
            marks += indicia.marks(mark, mailing.permit, face)
    return tuple(marks)


def ink_of(mark: Mark, face: Face) -> Box:
    if isinstance(mark, Text):
        return text_box(mark, face)
    assert not isinstance(mark, Slot) and hasattr(mark, "box")
    return mark.box


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("style", ["ocr", "mixed", "script"])
@pytest.mark.parametrize("who", sorted(RECIPIENTS))
def test_nothing_collides_on_a_finished_envelope(
    name: str, style: str, who: str, usps: Carrier, face: Face, hands: dict[str, Hand]
) -> None:
    for hand in HANDS if style != "ocr" else HANDS[:1]:
        mailing = PERMIT.model_copy(update={"address_style": style})
        made, findings = compose(
            formats()[name], RECIPIENTS[who], SENDER, usps, face, mailing=mailing, hand=hands[hand], seed=SEED
        )
        if made is None:  # a hand at 14 pt is wide; then it is told, with numbers
            assert (style == "script" or hand == "homemade-apple") and {f.code for f in findings} <= {
                "envelope.address.wide", "envelope.address.high", "envelope.style.script",
            }  # fmt: skip
            assert all(re.search(r"\d", f.message) for f in findings if f.level is Level.ERROR)
            continue
        marks = filled(made, mailing, face)
        delivery = delivery_marks(made)
        read, whole = usps.zones.read.on(made.size), Box(0, 0, made.size.width, made.size.height)
        assert all(read.contains(ink_of(mark, face), slack=0) for mark in delivery)
        assert min(ink_of(mark, face).x for mark in delivery) <= 0.42 * made.size.width
        endorsed = [m for m in made.marks if isinstance(m, Text) and m.text == PERMIT.endorsement]
        groups: dict[str, list[Box]] = {
            "delivery": [ink_of(mark, face) for mark in delivery],
            "returns": [ink_of(m, face) for m in return_marks(made) if m not in endorsed],
            "endorsement": [ink_of(mark, face).inset(-inch(0.25)) for mark in endorsed],
            "fim": [usps.zones.fim.on(made.size)] if usps.zones.fim else [],
            **{slot.name: [slot.box] for slot in made.marks if isinstance(slot, Slot)},
        }
        assert len(endorsed) == (0 if who == "seven lines" else 1), "no post abroad honours it"
        names = sorted(groups)
        for place, one in enumerate(names):
            for other in names[place + 1 :]:
                assert not any(a.overlaps(b) for a in groups[one] for b in groups[other]), (one, other, hand)
        assert all(whole.contains(ink_of(mark, face)) for mark in marks)
        assert all(getattr(mark, "ink", None) is None or mark.ink.total in (0, 100) for mark in marks)  # type: ignore[union-attr]


def delivery_marks(page: Page) -> list[Mark]:
    returned = return_marks(page)
    return [m for m in page.marks if isinstance(m, Text | Outline) and m not in returned]


def return_marks(page: Page) -> list[Text]:
    return [m for m in page.marks if isinstance(m, Text) and m.x == inch(0.25)]


@pytest.mark.parametrize(
    ("style", "printed"),
    [
        ("ocr", ["ZOË ŁUKASZ", "NORTHWIND INC", "12 MAIN ST", "TUCSON AZ 85705"]),
        ("mixed", ["NORTHWIND INC", "12 MAIN ST", "TUCSON AZ 85705"]),
        ("script", ["TUCSON AZ 85705"]),
    ],
)
def test_what_is_written_and_what_is_printed(
    style: str, printed: list[str], usps: Carrier, face: Face, hands: dict[str, Hand]
) -> None:
    address = Address(name="Zoë Łukasz", company="Northwind Inc", street="12 Main Street", city="Tucson", state="AZ",
                      postcode="85705")  # fmt: skip
    mailing = Mailing.model_validate({"address_style": style})
    made, findings = compose(
        formats()["A7"], address, SENDER, usps, face, mailing=mailing, hand=hands["caveat"], seed=SEED
    )
    assert made is not None
    delivery = delivery_marks(made)
    assert [m.text for m in delivery if isinstance(m, Text)] == printed
    assert list(printed_lines(address, "US", mailing.address_style)) == printed
    written = [line for m in delivery if isinstance(m, Outline) for line in m.lines]
    assert (
        written
        == {"ocr": [], "mixed": ["Zoë Łukasz"], "script": ["Zoë Łukasz", "Northwind Inc", "12 Main Street"]}[style]
    )
    assert [(f.code, f.level) for f in findings] == (
        [("envelope.style.script", Level.WARNING)] if style == "script" else []
    )


def test_a_company_alone_is_written_as_a_name(usps: Carrier, face: Face, hands: dict[str, Hand]) -> None:
    address = RECIPIENTS["usual"].model_copy(update={"name": ""})
    assert printed_lines(address, "US", "mixed")[0] != "NORTHWIND TRADERS, INC."
    assert "NORTHWIND TRADERS, INC." in printed_lines(RECIPIENTS["usual"], "US", "mixed")


@pytest.mark.parametrize("country", ["CI", "GN", "IE", "HU", "GB", "JP", "BR"])
@pytest.mark.parametrize("style", ["mixed", "script"])
def test_the_place_is_always_printed(country: str, style: str) -> None:
    address = Address(name="Ann Lee", street="12 Main Road", city="Middletown", state="Midshire", postcode="12345",
                      country=country)  # fmt: skip
    printed = printed_lines(address, "US", style)  # type: ignore[arg-type]
    assert any("MIDDLETOWN" in line for line in printed) and printed[-1] == lines(address)[-1]
    assert "ANN LEE" not in printed and (style == "script" or any("12 MAIN ROAD" in line for line in printed))


def test_handwriting_is_of_the_seed_and_at_least_14_points(usps: Carrier, face: Face, hands: dict[str, Hand]) -> None:
    mailing = Mailing(address_style="mixed")

    def made(seed: bytes, hand: str, who: str) -> Outline:
        page, _ = compose(
            formats()["A2"], RECIPIENTS[who], SENDER, usps, face, mailing=mailing, hand=hands[hand], seed=seed
        )
        assert page is not None
        (found,) = [m for m in page.marks if isinstance(m, Outline)]
        return found

    for hand in HANDS:
        run = write_run(("Bo Yang",), hands[hand], "recipient")
        assert isinstance(run, WrittenRun)
        sizes = [resized(run, share).layout.x_height / hands[hand].faces[0].font.x_height for share in (0, 0.5, 1)]
        assert sizes[-1] == pytest.approx(14) and sizes == sorted(sizes, reverse=True)
        for who in ("shortest", "usual", "seven lines"):
            one = made(b"1", hand, who)
            assert one == made(b"1", hand, who) and one.path != made(b"2", hand, who).path
            assert one.ink.k == 1 and one.ink.total == 100


def test_a_name_that_the_hand_cannot_write_is_written_by_another_or_refused(
    usps: Carrier, face: Face, hands: dict[str, Hand]
) -> None:
    mailing = Mailing(address_style="mixed")
    vietnamese = RECIPIENTS["seven lines"]
    assert hands["zeyada"].faces[0].font.missing("Nguyễn")
    page, findings = compose(formats()["A7"], vietnamese, SENDER, usps, face, mailing=mailing, hand=hands["zeyada"])
    assert page is not None and findings == []
    chinese = RECIPIENTS["shortest"].model_copy(update={"name": "王小明"})
    page, findings = compose(formats()["A7"], chinese, SENDER, usps, face, mailing=mailing, hand=hands["zeyada"])
    assert page is None and {f.code for f in findings} == {"address.glyph_missing"}


def test_a_name_too_long_for_the_hand_is_refused_with_numbers(
    usps: Carrier, face: Face, hands: dict[str, Hand]
) -> None:
    address = RECIPIENTS["shortest"].model_copy(update={"name": "Maximiliane " * 6})
    page, (found,) = compose(
        formats()["A2"], address, SENDER, usps, face, mailing=Mailing(address_style="mixed"), hand=hands["caveat"]
    )
    assert page is None and found.code == "envelope.address.wide"
    assert re.search(r"line 1 \(71 characters\) is \d+\.\d mm wide at 14 pt by hand; .* \d+\.\d mm", found.message)


def test_a_style_by_hand_needs_a_hand(usps: Carrier, face: Face) -> None:
    with pytest.raises(Bug, match="needs a hand"):
        compose(formats()["A7"], RECIPIENTS["usual"], SENDER, usps, face, mailing=Mailing(address_style="mixed"))


def test_an_endorsement_makes_room_or_is_refused(usps: Carrier, face: Face) -> None:
    """DMM 202.4: 1/4 in clear around it, below the return address."""
    long = SENDER.model_copy(update={"company": "Kovács & Daughters", "country": "HU", "street2": "Building 7"})
    for name in NAMES:
        page, findings = compose(formats()[name], RECIPIENTS["usual"], long, usps, face, mailing=PERMIT)
        assert page is not None and findings == []
        endorsed = return_marks(page)[-1]
        assert endorsed.text == PERMIT.endorsement and endorsed.size >= 8
        above = text_box(return_marks(page)[-2], face)
        assert above.y - text_box(endorsed, face).top >= inch(0.25) - 0.01
    wide = PERMIT.model_copy(update={"endorsement": "W" * 40})
    page, (found,) = compose(formats()["A2"], RECIPIENTS["usual"], SENDER, usps, face, mailing=wide)
    assert page is None and found.code == "envelope.endorsement.room" and "1/4 in of the postage" in found.message
    crowded = SENDER.model_copy(
        update={"company": "A", "street": "B", "street2": "C", "city": "D", "state": "Co. Cork", "postcode": "T12 W8KP",
                "country": "IE"}
    )  # fmt: skip
    low = replace(formats()["A2"], envelope=Size(inch(5.75), inch(3.9)))
    page, findings = compose(low, RECIPIENTS["usual"], crowded, usps, face, mailing=PERMIT)
    assert page is None and [f.code for f in findings] == ["envelope.address.lines"]


@pytest.mark.parametrize("style", ["mixed", "script"])
@pytest.mark.parametrize("name", ["A2", "DL"])
def test_handwriting_leaves_the_posts_zones_free(
    name: str, style: str, usps: Carrier, face: Face, hands: dict[str, Hand], render: Render
) -> None:
    mailing = PERMIT.model_copy(update={"address_style": style})
    page, _ = compose(
        formats()[name], RECIPIENTS["long name"], SENDER, usps, face, mailing=mailing, hand=hands["caveat"], seed=SEED
    )
    assert page is not None
    delivery = Page("envelope", page.size, page.trim, tuple(delivery_marks(page)))
    pixels = render(delivery, 144)
    box = usps.zones.read.on(page.size)
    height = pixels.shape[0]
    inside = pixels[round(height - box.top * 2) : round(height - box.y * 2), round(box.x * 2) : round(box.right * 2)]
    assert (pixels < 200).any() and (pixels < 200).sum() == (inside < 200).sum()
    marks = filled(page, mailing, face)
    whole = render(Page("envelope", page.size, page.trim, marks), 300)
    slot = next(m.box for m in page.marks if isinstance(m, Slot) and m.name == "imb")
    low = whole[-round(slot.height / 72 * 300) :, round(slot.x / 72 * 300) :]
    assert imb.read_pixels(low) == imb.bars("00270592831482031240", "96713024817")
