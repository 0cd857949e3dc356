"""Fragments: what composing packed is what the merge unpacks, byte for byte, or it is a Bug."""

from __future__ import annotations

import hashlib
import io
import random
import zlib

import pytest
from piecemaking import ART_KEY, FACE, MEDIA, SRGB_KEY, TRIM, WORDS, card, fragment, g4, jpeg, photo, words

from cardpipe.model.errors import Bug
from cardpipe.model.units import Box
from cardpipe.prepress.content import Names, content
from cardpipe.prepress.fragment import Fragment, Part, build, pack
from cardpipe.prepress.page import BLACK, Outline, Page, Slot

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


def test_copying_gives_the_stream_in_pieces() -> None:
    large = bytes(range(256)) * 2000
    opened = Fragment(io.BytesIO(pack([Part(["<< >>"], large)], {"pages": [], "glyphs": {}})))
    pieces: list[bytes] = []
    opened.copy(0, pieces.append)
    assert len(pieces) > 3
    assert b"".join(pieces) == large


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
