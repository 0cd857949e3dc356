"""The permit imprint: what it says, how small it may be, where it stands."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from pydantic import ValidationError

from cardpipe.catalog.press import formats
from cardpipe.lettershop import indicia
from cardpipe.lettershop.carrier import Carrier
from cardpipe.lettershop.envelope import face_size
from cardpipe.lettershop.mailing import Mailing, Permit
from cardpipe.model.errors import Refused
from cardpipe.model.units import Box, inch
from cardpipe.prepress.page import Page, Rect, Slot, Text
from cardpipe.prepress.raster import Pixels
from cardpipe.prepress.typeset import Face

Render = Callable[[Page, float], Pixels]
BOSTON = Permit(office="Boston MA", number="12345")
PERMITS = {
    "usual": BOSTON,
    "presorted": Permit(mail_class="PRSRT FIRST-CLASS MAIL", office="02205", number="1"),
    "long": Permit(office="Truth or Consequences NM", number="123456"),
}


def slot_on(name: str, usps: Carrier) -> Slot:
    return Slot("postage", usps.zones.postage.on(face_size(formats()[name])))


@pytest.mark.parametrize("name", sorted(formats()))
@pytest.mark.parametrize("which", sorted(PERMITS))
def test_the_imprint_stands_in_the_corner(name: str, which: str, usps: Carrier, face: Face) -> None:
    permit, slot, size = PERMITS[which], slot_on(name, usps), face_size(formats()[name])
    marks = indicia.marks(slot, permit, face)
    texts = [mark for mark in marks if isinstance(mark, Text)]
    rules = [mark.box for mark in marks if isinstance(mark, Rect)]
    said = [mark.text for mark in texts]
    assert said == [
        permit.mail_class, "U.S. POSTAGE PAID", permit.office.upper(), f"PERMIT NO. {permit.number}",
    ]  # fmt: skip
    assert len(rules) == 4 and all(mark.ink.total == 100 and mark.ink.k == 1 for mark in (*texts, *marks[:4]))  # type: ignore[union-attr]
    left, right = min(box.x for box in rules), max(box.right for box in rules)
    low, high = min(box.y for box in rules), max(box.top for box in rules)
    assert right - left >= inch(0.5) and high - low >= inch(0.5)
    assert slot.box.contains(Box(left, low, right - left, high - low))
    assert size.width - left <= inch(1.5) + 0.01 and size.height - low <= inch(1.5)
    assert size.width - right >= inch(0.2) and size.height - high >= inch(0.2)
    for mark in texts:
        assert 4 <= mark.size <= 7
        assert left < mark.x and mark.x + mark.width < right and low < mark.y < high - face.font.cap_height * mark.size


def test_stamps_and_meters_leave_the_corner_free(usps: Carrier, face: Face) -> None:
    assert indicia.marks(slot_on("A7", usps), None, face) == ()


def test_what_cannot_be_printed_is_found_before(usps: Carrier, face: Face) -> None:
    wide = Permit(mail_class="W" * 30, office="M" * 30, number="1")
    found = indicia.judge(wide, face)
    assert [f.code for f in found] == ["indicia.wide"] * 2 and "at 4 pt" in found[0].message
    odd = indicia.judge(Permit(office="北京", number="1"), face, "mailing.toml permit")
    assert {f.code for f in odd} == {"address.glyph_missing"} and odd[0].where == "mailing.toml permit"
    with pytest.raises(Refused):
        indicia.marks(slot_on("A7", usps), wide, face)
    assert indicia.judge(BOSTON, face) == []


def test_a_permit_imprint_needs_a_permit() -> None:
    with pytest.raises(ValidationError, match=r"no \[permit\]"):
        Mailing(postage="permit")
    with pytest.raises(ValidationError, match="number"):
        Mailing.model_validate({"postage": "permit", "permit": {"office": "Boston MA", "number": "A1"}})
    assert Mailing(postage="permit", permit=BOSTON).permit == BOSTON


def test_its_ink_is_seen_and_stays_in_its_area(usps: Carrier, face: Face, render: Render) -> None:
    size, slot = face_size(formats()["A2"]), slot_on("A2", usps)
    page = Page("envelope", size, Box(0, 0, size.width, size.height), indicia.marks(slot, BOSTON, face))
    pixels = render(page, 144)
    area = pixels[: round(slot.box.height * 2), round(slot.box.x * 2) :]
    assert (area < 100).sum() > 1000 and (pixels < 250).sum() == (area < 250).sum()
