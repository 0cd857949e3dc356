"""Cards as values: panels and their places, photos in their frames, message and signature as one letter."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import pytest

from cardpipe.catalog.press import formats
from cardpipe.catalog.shelf import Catalog
from cardpipe.model.order import seed
from cardpipe.model.units import Box, Size, inch, mm, to_mm
from cardpipe.prepress import card
from cardpipe.prepress.format import Format
from cardpipe.prepress.page import Mask, Outline, Photo, Slot
from cardpipe.prepress.photo import DevelopedPhoto
from cardpipe.prepress.picture import PictureFacts
from cardpipe.prepress.signature import LiftedSignature
from cardpipe.prepress.typeset import Hand, Layout
from cardpipe.settings import Settings

CATALOG = Catalog(Settings().designs, Settings().fonts)
WORDS = "Dear Marisol,\n\nThank you for the garden.\n\nJune"


def made(design: str, *, message: str = WORDS, photos: tuple[str, ...] = (), signed: bool = False) -> card.Card:
    source = CATALOG.design(design)
    hand = Hand("x", tuple(font.face for font in CATALOG.hand(source.design.hand)))
    layout = card.fit_message(source.design, hand, message, signed)
    assert isinstance(layout, Layout), layout
    orders = card.photo_orders(source.design, source.format, 300, 150)
    developed = {
        name: DevelopedPhoto(b"jpeg", 900, 600, False, 300, (0, 0, 9, 6), orders[name].width_pt, orders[name].height_pt)
        for name in photos
    }
    ink = card.PENS["black"]
    signature = LiftedSignature(b"g4", 1200, 400, 3.0, mm(45), mm(15), 600) if signed else None
    return card.Card(
        source.design, source.format, layout, ink, developed, signature,
        lambda panel: seed("local", "R-1", panel), lambda side: f"art:{side}",
    )  # fmt: skip


def marks(one: card.Card, kind: type) -> dict[str, list[object]]:
    return {page.name: [m for m in page.marks if isinstance(m, kind)] for page in card.compose(one)}


def test_formats_are_data_and_survive_being_pinned() -> None:
    assert len(formats()) >= 4
    for item in formats().values():
        assert Format.from_dict(json.loads(json.dumps(item.as_dict()))) == item
        whole = Box(0, 0, item.media.width, item.media.height)
        assert whole.contains(item.trim_box)
        areas = [p.box.width * p.box.height for p in item.panels.values() if p.side == item.sides[0]]
        assert sum(areas) == pytest.approx(item.flat.width * item.flat.height)
        assert item.envelope.width > max(item.trim.width, item.trim.height)
        assert item.envelope.height > min(item.trim.width, item.trim.height)


def test_an_a7_is_seven_by_ten_with_its_bleed() -> None:
    a7 = formats()["A7"]
    assert a7.flat == Size(inch(10), inch(7)) and a7.media == Size(inch(10.25), inch(7.25))
    assert a7.duplex == "DuplexFlipShortEdge" and a7.weight_g == pytest.approx(19.7, abs=0.6)
    assert a7.panels["front"].box == Box(inch(5.125), inch(0.125), inch(5), inch(7))


@pytest.mark.parametrize(
    ("name", "fold", "flip"), [("A7", "side", "Short"), ("A7T", "top", "Short"), ("IA6", "side", "Short")]
)
def test_the_sheet_flips_about_its_fold(name: str, fold: str, flip: str) -> None:
    assert formats()[name].fold == fold and flip in formats()[name].duplex


def test_a_dl_card_flips_on_its_long_edge() -> None:
    dl = replace(formats()["A7"], trim=Size(mm(99), mm(210)))
    assert dl.duplex == "DuplexFlipLongEdge"


def test_the_back_of_a_top_fold_hangs_upside_down() -> None:
    back = formats()["A7T"].panels["back"]
    box, turned = back.place(Box(10, 20, 30, 40))
    assert turned and box == Box(back.box.right - 40, back.box.y + 20, 30, 40)


@pytest.mark.parametrize("name", CATALOG.designs())
def test_every_design_has_room_for_its_match_code(name: str) -> None:
    source = CATALOG.design(name)
    photos = tuple(frame.photo for frame in source.design.photos)
    slots = [slot for page in marks(made(name, photos=photos), Slot).values() for slot in page]
    assert [slot.name for slot in slots] == ["match_code"]  # type: ignore[attr-defined]
    back = source.format.panels["back"]
    assert back.box.inset(mm(5)).contains(slots[0].box)  # type: ignore[attr-defined]


def test_photos_fill_their_frames_and_reach_into_the_bleed() -> None:
    one = made("congratulations-bravo", photos=("main",))
    (photo,) = marks(one, Photo)["outside"]
    assert isinstance(photo, Photo)
    front = one.format.panels["front"].box
    assert photo.box.right == pytest.approx(front.right + one.format.bleed)
    assert photo.box.top == pytest.approx(front.top + one.format.bleed)


def test_a_signature_follows_the_last_line() -> None:
    one = made("thank-you-fern", signed=True)
    inside = card.compose(one)[1]
    (writing,) = (m for m in inside.marks if isinstance(m, Outline))
    (signature,) = (m for m in inside.marks if isinstance(m, Mask))
    last = writing.box.y + one.layout.bottom
    assert signature.box.top < last and last - signature.box.top < mm(8)
    assert to_mm(signature.box.width) == pytest.approx(45)
    panel = one.format.panels["right"].box
    assert panel.inset(one.format.safe).contains(signature.box)


def test_room_for_a_signature_is_kept_when_the_message_is_long() -> None:
    source = CATALOG.design("thank-you-fern")
    hand = Hand("x", tuple(font.face for font in CATALOG.hand("caveat")))
    words = "We will remember the lamp in the window and the bread on the sill. "
    bare = next(n for n in range(1, 60) if isinstance(card.fit_message(source.design, hand, words * n, False), list))
    signed = next(n for n in range(1, 60) if isinstance(card.fit_message(source.design, hand, words * n, True), list))
    assert signed < bare


def test_a_message_too_long_is_refused_with_numbers() -> None:
    source = CATALOG.design("sympathy-still")
    hand = Hand("x", tuple(font.face for font in CATALOG.hand("caveat")))
    found = card.fit_message(source.design, hand, "a very long letter indeed " * 120, True)
    assert (
        isinstance(found, list) and found[0].code == "message.too_long" and any(c.isdigit() for c in found[0].message)
    )


def test_photos_that_a_design_lacks_or_needs_are_named() -> None:
    bravo, fern = CATALOG.design("congratulations-bravo").design, CATALOG.design("thank-you-fern").design
    assert [f.code for f in card.judge_photos(bravo, set())] == ["photo.missing"]
    assert [f.code for f in card.judge_photos(fern, {"main"})] == ["photo.no_frame"]
    assert card.judge_photos(bravo, {"main"}) == []


def test_resolution_is_foreseen_from_the_size_alone() -> None:
    order = card.photo_orders(CATALOG.design("congratulations-bravo").design, formats()["A7"], 300, 150)["main"]
    wide = order.width_pt / 72
    enough = PictureFacts("JPEG", int(wide * 151) + 1, 9000)
    too_small = PictureFacts("JPEG", int(wide * 149), 9000)
    assert card.foresee(enough, order) == []
    (found,) = card.foresee(too_small, order)
    assert found.code == "photo.resolution.low" and re.search(r"are 14[89] ppi", found.message)


def test_a_dump_is_one_line_a_mark() -> None:
    page = card.compose(made("thank-you-fern", signed=True))[1]
    text = page.dump()
    assert text.startswith("page inside 738x522 trim 9,9 720x504\nart art:inside\n")
    assert "  | Dear Marisol," in text and "mask signature" in text


def test_a_message_is_written_in_a_pen_and_never_in_a_colour_of_the_art() -> None:
    design = CATALOG.design("thank-you-fern").design
    known = card.pens(design)
    assert known["pen"].c == design.inks["pen"].cmyk[0] / 100 and known["blue-black"] == card.PENS["blue-black"]
    assert "paper" in design.inks and "paper" not in known


def test_the_colour_of_a_photo_goes_from_its_order_to_its_mark() -> None:
    one = made("congratulations-bravo", photos=("main",))
    design, layout = one.design, one.format
    plain = card.photo_orders(design, layout, 300, 150)["main"]
    inked = card.photo_orders(design, layout, 300, 150, colour="cmyk", profile=b"press", max_ink=280)["main"]
    assert (plain.colour, plain.profile) == ("srgb", None)
    assert inked == replace(plain, colour="cmyk", profile=b"press", max_ink=280)
    (mark,) = marks(one, Photo)["outside"]
    assert isinstance(mark, Photo) and not mark.cmyk
    photos = {"main": replace(one.photos["main"], cmyk=True)}
    (mark,) = marks(replace(one, photos=photos), Photo)["outside"]
    assert isinstance(mark, Photo) and mark.cmyk and not mark.grey
