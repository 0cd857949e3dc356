"""Envelopes: every address inside its zone or refused with numbers; nothing overlaps; zones stay free."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from addressees import RECIPIENTS, SENDER, text_box
from hypothesis import given, settings
from hypothesis import strategies as st

from cardpipe.catalog.press import formats
from cardpipe.lettershop.addressing import lines
from cardpipe.lettershop.barcode import ENVELOPE_SLOT, match_code_marks
from cardpipe.lettershop.carrier import Carrier
from cardpipe.lettershop.envelope import compose, face_size
from cardpipe.model.address import Address
from cardpipe.model.units import Box, Size, inch, mm
from cardpipe.prepress.page import Page, Slot, Text
from cardpipe.prepress.raster import Pixels
from cardpipe.prepress.typeset import Face

Render = Callable[[Page, float], Pixels]
NAMES = sorted(formats())


def blocks(page: Page, face: Face) -> tuple[list[Text], list[Text]]:
    """The lines of the return address and of the delivery address."""
    texts = [mark for mark in page.marks if isinstance(mark, Text)]
    left = min(mark.x for mark in texts)
    return [mark for mark in texts if mark.x == left], [mark for mark in texts if mark.x != left]


def slots(page: Page) -> dict[str, Box]:
    return {mark.name: mark.box for mark in page.marks if isinstance(mark, Slot)}


def assert_sound(page: Page, usps: Carrier, face: Face) -> None:
    zones = usps.zones
    assert zones.fim is not None
    returns, delivery = blocks(page, face)
    assert returns and delivery
    read, places = zones.read.on(page.size), slots(page)
    whole = Box(0, 0, page.size.width, page.size.height)
    assert set(places) == {"match_code", "imb", "postage"}
    assert all(whole.contains(box) for box in places.values())
    for mark in delivery:
        assert read.contains(text_box(mark, face), slack=0)
        assert 9 <= mark.size <= 12
    assert len({(mark.x, mark.size) for mark in delivery}) == 1
    assert min(mark.x for mark in delivery) <= 0.42 * page.size.width
    groups = {
        "returns": [text_box(mark, face) for mark in returns],
        "delivery": [text_box(mark, face) for mark in delivery],
        "fim": [zones.fim.on(page.size)],
        **{name: [box] for name, box in places.items()},
    }
    names = sorted(groups)
    for place, one in enumerate(names):
        for other in names[place + 1 :]:
            assert not any(a.overlaps(b) for a in groups[one] for b in groups[other]), (one, other)
    for mark in returns:
        assert whole.inset(inch(0.2)).contains(text_box(mark, face)) and 8 <= mark.size <= 9
        assert not text_box(mark, face).overlaps(read)
    code = places["match_code"]
    assert not code.overlaps(read) and (code.width, code.height) == (ENVELOPE_SLOT.width, ENVELOPE_SLOT.height)
    assert min(code.x, code.y) + mm(2) >= mm(5) - 0.01  # the modules are 5 mm from the edges


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("who", sorted(RECIPIENTS))
def test_addresses_lie_in_their_zones(name: str, who: str, usps: Carrier, face: Face) -> None:
    made, findings = compose(formats()[name], RECIPIENTS[who], SENDER, usps, face)
    assert made is not None and findings == []
    assert_sound(made, usps, face)
    _, delivery = blocks(made, face)
    assert [mark.text for mark in delivery] == list(lines(RECIPIENTS[who]))


WORDS = st.text("ABÇÉłŚWMiljß -'Ệ", min_size=1, max_size=60).map(lambda text: " ".join(text.split()) or "X")


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(NAMES), WORDS, WORDS, WORDS, WORDS, st.sampled_from(["US", "VN", "IE", "DE"]))
def test_any_address_lies_in_its_zone_or_is_refused(
    usps: Carrier, face: Face, name: str, who: str, company: str, street: str, city: str, country: str
) -> None:
    address = Address(name=who, company=company, street=street, street2=who, city=city, state="MA",
                      postcode="02139", country=country)  # fmt: skip
    made, findings = compose(formats()[name], address, SENDER, usps, face)
    if made is None:
        assert findings and all(finding.where in ("recipient", "sender") for finding in findings)
        assert all(re.search(r"\d", finding.message) for finding in findings)
    else:
        assert_sound(made, usps, face)


def test_the_page_is_the_envelope_landscape_and_without_bleed(usps: Carrier, face: Face) -> None:
    for name in NAMES:
        made, _ = compose(formats()[name], RECIPIENTS["usual"], SENDER, usps, face)
        assert made is not None
        assert made.size == face_size(formats()[name]) and made.size.width > made.size.height
        assert made.trim == Box(0, 0, made.size.width, made.size.height)


def test_a_usual_address_is_large_and_starts_at_two_fifths(usps: Carrier, face: Face) -> None:
    made, _ = compose(formats()["A7"], RECIPIENTS["shortest"], SENDER, usps, face)
    assert made is not None
    _, delivery = blocks(made, face)
    assert delivery[0].size == 11 and delivery[0].x == pytest.approx(0.40 * made.size.width)


def test_too_wide_is_refused_with_numbers(usps: Carrier, face: Face) -> None:
    address = RECIPIENTS["shortest"].model_copy(update={"name": "W" * 70})
    made, findings = compose(formats()["A2"], address, SENDER, usps, face)
    assert made is None
    (found,) = findings
    assert (found.code, found.where) == ("envelope.address.wide", "recipient")
    assert re.search(r"line 1 \(70 characters\) is \d+\.\d mm wide at 9 pt.* room for \d+\.\d mm", found.message)
    assert "shorten it by about" in found.remedy and "WWW" not in found.message


def test_too_many_lines_are_refused_with_numbers(usps: Carrier, face: Face) -> None:
    address = RECIPIENTS["seven lines"].model_copy(
        update={"country": "IE", "state": "Co. Cork", "postcode": "T12 W8KP"}
    )
    made, findings = compose(formats()["A7"], address, SENDER, usps, face)
    assert made is None
    assert [finding.code for finding in findings] == ["envelope.address.lines"]
    assert findings[0].message == "the address has 8 lines; there is room for 7"


def test_both_addresses_are_judged_at_once(usps: Carrier, face: Face) -> None:
    wide = RECIPIENTS["shortest"].model_copy(update={"name": "W" * 90})
    _, findings = compose(formats()["A2"], wide, wide, usps, face)
    assert [finding.where for finding in findings] == ["recipient", "sender"]


def test_letters_that_the_font_lacks_are_refused(usps: Carrier, face: Face) -> None:
    address = RECIPIENTS["shortest"].model_copy(update={"name": "王小明 🎉"})
    made, findings = compose(formats()["A7"], address, SENDER, usps, face)
    assert made is None
    assert {finding.code for finding in findings} == {"address.glyph_missing"}


def test_nothing_to_print_is_a_finding(usps: Carrier, face: Face) -> None:
    made, findings = compose(formats()["A7"], Address(), SENDER, usps, face)
    assert made is None and [finding.code for finding in findings] == ["envelope.address.empty"]


def test_mail_abroad_carries_both_countries(usps: Carrier, face: Face) -> None:
    made, _ = compose(formats()["A7"], RECIPIENTS["seven lines"], SENDER, usps, face)
    assert made is not None
    returns, delivery = blocks(made, face)
    assert (returns[-1].text, delivery[-1].text) == ("USA", "VIETNAM")


def test_an_envelope_without_room_for_the_match_code_is_refused(usps: Carrier, face: Face) -> None:
    tiny = replace(formats()["A2"], name="A1", envelope=Size(inch(5.125), inch(3.625)))
    made, findings = compose(tiny, RECIPIENTS["shortest"], SENDER, usps, face)
    assert made is None and [finding.code for finding in findings] == ["envelope.code.room"]


def test_equal_input_gives_an_equal_page(usps: Carrier, face: Face) -> None:
    one, _ = compose(formats()["A7"], RECIPIENTS["usual"], SENDER, usps, face)
    two, _ = compose(formats()["A7"], RECIPIENTS["usual"], SENDER, usps, face)
    assert one == two and one is not None
    assert one.dump().count("\n") == 12


@pytest.mark.parametrize("name", ["A2", "A7T", "DL", "IA6"])
def test_no_ink_falls_where_the_post_prints(name: str, usps: Carrier, face: Face, render: Render) -> None:
    made, _ = compose(formats()[name], RECIPIENTS["seven lines"], SENDER, usps, face)
    assert made is not None
    code = next(mark for mark in made.marks if isinstance(mark, Slot) and mark.name == "match_code")
    filled = match_code_marks(code, "CP1000A000017E", "0017/0212", face, patch=False)
    marks = (*(mark for mark in made.marks if not isinstance(mark, Slot)), *filled)
    pixels = render(Page("envelope", made.size, made.trim, marks), 144)
    assert (pixels < 128).any()
    height = pixels.shape[0]
    assert usps.zones.fim is not None
    for zone in (usps.zones.barcode, usps.zones.postage, usps.zones.fim):
        box = zone.on(made.size)
        rows = slice(round(height - box.top * 2), round(height - box.y * 2))
        region = pixels[rows, round(box.x * 2) : round(box.right * 2)]
        assert region.size and np.all(region > 250)
