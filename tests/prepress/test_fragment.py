"""Fragments: what composing packed is what the merge unpacks, byte for byte, or it is a Bug."""

from __future__ import annotations

import hashlib
import io
import json
import random
import zlib

import pytest
from piecemaking import (
    ART_KEY,
    BLUE,
    FACE,
    MEDIA,
    SRGB_KEY,
    TRIM,
    WORDS,
    card,
    fragment,
    g4,
    jpeg,
    merged,
    photo,
    plates,
    plates_card,
    words,
)

from cardpipe.model.errors import Bug
from cardpipe.model.units import Box
from cardpipe.prepress.content import Names, content
from cardpipe.prepress.fragment import Fragment, Part, build, pack
from cardpipe.prepress.outlet import ROOM, Outlet
from cardpipe.prepress.page import BLACK, REGISTRATION, Ink, Outline, Page, Rect, Slot

PACKED = build(card(), SRGB_KEY)


def test_pages_come_back_with_boxes_and_slots() -> None:
    outside, inside = fragment().pages
    assert [outside.name, inside.name] == ["outside", "inside"]
    assert (outside.size, outside.trim) == (MEDIA, TRIM)
    assert outside.slots == (Slot("match_code", Box(240, 20, 40, 20), True),)
    assert inside.slots == ()


def test_streams_come_back_as_they_were() -> None:
    opened = fragment()
    outside, inside = opened.pages
    place = outside.xobjects["P0"]
    assert isinstance(place, int)
    assert opened.stream(place) == jpeg()
    place = inside.xobjects["M0"]
    assert isinstance(place, int)
    assert opened.stream(place) == g4()
    marks = [mark for mark in card()[1].marks if not isinstance(mark, Slot)]
    assert zlib.decompress(opened.stream(inside.contents)) == content(marks, Names())


def test_copying_appends_the_stream_to_a_file() -> None:
    large = bytes(range(256)) * 9000
    opened = Fragment(io.BytesIO(pack([Part(["<< >>"], large), Part(["<< >>"], b"q Q")], {"pages": [], "glyphs": {}})))
    assert len(large) > 2 * ROOM
    made = io.BytesIO()
    out = Outlet(made)
    opened.copy(1, out)
    opened.copy(0, out)
    out.flush()
    assert made.getvalue() == b"q Q" + large


def test_every_stream_has_a_digest_made_when_it_was_packed() -> None:
    opened = fragment()
    for place, entry in enumerate(opened.objects):
        told = hashlib.sha256(opened.stream(place)).hexdigest()
        assert opened.digest(place) == entry.get("key", told[:32])
        assert told in opened.digest(place) or "key" not in entry


def test_a_fragment_of_before_the_digests_is_still_read() -> None:
    start, length = 24, int(PACKED[4:16])
    header = json.loads(PACKED[start : start + length])
    for entry in header["objects"]:
        entry.pop("digest", None)
    written = json.dumps(header).encode()
    old = PACKED[:4] + b"%012d%08x" % (len(written), zlib.crc32(written)) + written + PACKED[start + length :]
    before, now = Fragment(io.BytesIO(old)), fragment()
    assert [before.digest(at) for at in range(len(now.objects))] == [now.digest(at) for at in range(len(now.objects))]
    assert merged([before]) == merged([now])


def test_glyphs_are_noted_with_the_text_they_stand_for() -> None:
    (font, glyphs), *others = fragment().glyphs.items()
    assert not others
    assert font == f"font:{FACE.font.digest}"
    assert {character for text in glyphs.values() for character in text} == set(WORDS)
    assert set(glyphs) == set(FACE.font.shape(WORDS).glyphs)


def test_it_says_what_it_leans_on() -> None:
    assert fragment().shared() == {ART_KEY, SRGB_KEY, f"font:{FACE.font.digest}"}


def test_pictures_are_keyed_by_their_bytes() -> None:
    keys = [entry["key"] for entry in fragment().objects if "key" in entry]
    assert keys == ["jpeg:" + hashlib.sha256(jpeg()).hexdigest(), "g4:64x16:" + hashlib.sha256(g4()).hexdigest()]


def test_a_grey_photo_leans_on_no_profile() -> None:
    opened = fragment([Page("outside", MEDIA, TRIM, (photo(grey=True),))])
    assert opened.shared() == set()


def test_it_knows_the_output_that_it_was_made_for() -> None:
    assert (fragment().output, plates().output) == ("X-4", "X-1a")
    assert plates().shared() == {ART_KEY, f"font:{FACE.font.digest}"}, "no profile but the press's"
    assert build(plates_card(), SRGB_KEY) != build(plates_card(), SRGB_KEY, "X-1a")


def test_a_screen_photo_never_gets_into_a_fragment_of_plates() -> None:
    with pytest.raises(Bug, match="sRGB"):
        build(card(), SRGB_KEY, "X-1a")
    head = plates([Page("outside", MEDIA, TRIM, (photo(grey=True),))]).objects[0]["head"]
    assert "/DeviceGray" in "".join(head) and "CalGray" not in "".join(head)


@pytest.mark.parametrize("more", [{}, {"grey": True}])
def test_a_photo_said_to_be_in_four_inks_must_be_marked_so(more: dict[str, bool]) -> None:
    """Without Adobe's mark its numbers may stand the other way round."""
    with pytest.raises(Bug, match="negative"):
        build([Page("outside", MEDIA, TRIM, (photo(cmyk=True, **more),))], SRGB_KEY)


def test_the_registration_colour_is_noted_with_its_recipe() -> None:
    page = Page("outside", MEDIA, TRIM, (Rect(Box(0, 0, 5, 5), REGISTRATION), Rect(Box(0, 0, 5, 5), BLUE)))
    opened = fragment([page])
    assert opened.pages[0].spaces == {"CSAll": "spot:1 1 1 1:All"}
    assert b"/CSAll cs 1 scn" in zlib.decompress(opened.stream(opened.pages[0].contents))
    assert opened.shared() == set(), "nobody is asked for it"


def test_an_ink_that_is_only_called_all_is_an_ink() -> None:
    opened = fragment([Page("outside", MEDIA, TRIM, (Rect(Box(0, 0, 5, 5), Ink("All", 0, 1, 0, 0)),))])
    assert opened.pages[0].spaces == {}
    assert b"0 1 0 0 k" in zlib.decompress(opened.stream(opened.pages[0].contents))


def test_one_spot_colour_has_one_recipe() -> None:
    marks = [Rect(Box(0, 0, 5, 5), Ink("Dieline", 0, 1, 0, share, spot=True)) for share in (0, 1)]
    with pytest.raises(Bug, match="Dieline"):
        build([Page("outside", MEDIA, TRIM, tuple(marks))], SRGB_KEY)


def test_the_bytes_are_always_the_same() -> None:
    assert build(card(), SRGB_KEY) == PACKED
    assert build(card("Zoë"), SRGB_KEY) != PACKED


def test_handwriting_is_deflated_nearly_as_well_as_can_be() -> None:
    dice = random.Random(1)
    path = b"\n".join(b"%d %d %d %d %d %d c" % tuple(int(dice.gauss(0, 250)) for _ in range(6)) for _ in range(4000))
    packed = Fragment(io.BytesIO(build([_page(path)], SRGB_KEY)))
    stream = packed.stream(packed.pages[0].contents)
    assert path in zlib.decompress(stream)
    assert len(stream) < 1.15 * len(zlib.compress(path, 6))


def _page(path: bytes) -> Page:
    return Page("inside", MEDIA, TRIM, (Outline(Box(0, 0, 100, 100), path, BLACK), words("hello")))


@pytest.mark.parametrize("kept", [0, 3, 23, 24, 100, -1])
def test_a_cut_fragment_is_a_bug(kept: int) -> None:
    with pytest.raises(Bug):
        _read_all(PACKED[:kept])


def test_a_changed_byte_is_a_bug_wherever_it_is() -> None:
    for place in range(0, len(PACKED), 3):
        changed = bytearray(PACKED)
        changed[place] ^= 0x11
        with pytest.raises(Bug):
            _read_all(bytes(changed))


def _read_all(data: bytes) -> None:
    opened = Fragment(io.BytesIO(data))
    for place, entry in enumerate(opened.objects):
        if "stream" in entry:
            opened.stream(place)
