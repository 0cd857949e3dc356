"""The streaming merge: looked at by three other libraries, in sizes where page trees and memory show themselves."""

from __future__ import annotations

import io
import json
import re
import subprocess
import sys
from collections.abc import Iterator

import pikepdf
import pypdf
import pytest
from piecemaking import (
    ART_KEY,
    MEDIA,
    PRESS,
    ROOT,
    SRGB,
    SRGB_KEY,
    STAMP,
    TRIM,
    WORDS,
    blank,
    card,
    fragment,
    merged,
    numbered,
    photo,
    shared,
    words,
)

from cardpipe.model.errors import Bug
from cardpipe.model.units import Box
from cardpipe.prepress.fragment import Fragment, FragmentPage, build
from cardpipe.prepress.merge import Merge
from cardpipe.prepress.page import BLACK, Art, Mark, Page, Rect, Slot
from cardpipe.prepress.raster import opened


@pytest.fixture(scope="module")
def three() -> bytes:
    """Three cards: two of them with the same photo, each with a number."""
    sink = io.BytesIO()
    merge = Merge(sink, shared(), STAMP)
    for number, colour in enumerate([(200, 40, 30), (200, 40, 30), (20, 90, 200)], 1):
        merge.add(fragment(card(f"{WORDS} {number}", colour)), numbered(number))
    merge.finish()
    return sink.getvalue()


def test_strangers_open_it(three: bytes) -> None:
    with pikepdf.open(io.BytesIO(three)) as pdf:
        assert pdf.check_pdf_syntax() == []
        assert len(pdf.pages) == 6
    reader = pypdf.PdfReader(io.BytesIO(three), strict=True)
    assert len(reader.pages) == 6
    assert all(reader.get_object(pypdf.generic.IndirectObject(n, 0, reader)) is not None for n in _numbers(three))


def test_every_offset_points_at_its_object(three: bytes) -> None:
    start = int(re.search(rb"startxref\n(\d+)\n%%EOF\n$", three)[1])  # type: ignore[index]
    table = three[start:].split(b"trailer")[0].splitlines()
    assert table[:3] == [b"xref", b"0 %d" % (len(table) - 2), b"0000000000 65535 f "]
    for number, row in enumerate(table[3:], 1):
        at = int(row[:10])
        assert len(row) == 19
        assert three[at:].startswith(b"%d 0 obj\n" % number)
    assert b"/Size %d " % (len(table) - 2) in three[start:]


def _numbers(data: bytes) -> list[int]:
    return [int(number) for number in re.findall(rb"(?:^|\n)(\d+) 0 obj\n", data)]


def test_boxes_stand_on_each_page(three: bytes) -> None:
    with pikepdf.open(io.BytesIO(three), inherit_page_attributes=False) as pdf:
        for page in pdf.pages:
            assert [float(v) for v in page.obj.MediaBox] == [0, 0, MEDIA.width, MEDIA.height]
            assert [float(v) for v in page.obj.BleedBox] == [0, 0, MEDIA.width, MEDIA.height]
            assert [float(v) for v in page.obj.TrimBox] == [TRIM.x, TRIM.y, TRIM.right, TRIM.top]


def test_what_is_shared_is_written_once(three: bytes) -> None:
    with pikepdf.open(io.BytesIO(three)) as pdf:
        pages = list(pdf.pages)
        arts = {page.Resources.XObject.A0.objgen for page in pages}
        fonts = {font.objgen for page in pages for font in page.Resources.get("/Font", {}).values()}
        photos = [page.Resources.XObject.P0 for page in pages[::2]]
        masks = {page.Resources.XObject.M0.objgen for page in pages[1::2]}
        profiles = {picture.ColorSpace[1].objgen for picture in photos}
        assert (len(arts), len(fonts), len(masks), len(profiles)) == (1, 1, 1, 1)
        assert photos[0].objgen == photos[1].objgen != photos[2].objgen
        assert photos[0].ColorSpace[1].read_bytes() == SRGB
        assert pdf.Root.OutputIntents[0].DestOutputProfile.read_bytes() == PRESS
    assert three.count(b"/Subtype /Image") == 3  # two photos and a signature
    assert three.count(b"/FontFile2") == 1


def test_the_words_are_found_with_their_diacritics(three: bytes) -> None:
    with opened(three) as document:
        for piece in range(3):
            assert f"{WORDS} {piece + 1}" in document.text(2 * piece + 1)
            assert f"#{piece + 1}" in document.text(2 * piece)


def test_the_font_holds_every_glyph_that_is_printed(three: bytes) -> None:
    with pikepdf.open(io.BytesIO(three)) as pdf:
        (font,) = pdf.pages[1].Resources.Font.values()
        widths = font.DescendantFonts[0].W
        known = {int(widths[place]) for place in range(0, len(widths), 2)}
        shown = set()
        for page in pdf.pages:
            for operands, operator in pikepdf.parse_content_stream(page):
                if str(operator) == "TJ":
                    for item in operands[0]:
                        if isinstance(item, pikepdf.String):
                            raw = bytes(item)
                            shown |= {int.from_bytes(raw[i : i + 2], "big") for i in range(0, len(raw), 2)}
        assert shown
        assert shown <= known
        assert bytes(font.DescendantFonts[0].FontDescriptor.FontFile2.read_bytes())[:4] == b"\0\1\0\0"


def test_colours_land_where_the_marks_say(three: bytes) -> None:
    with opened(three) as document:
        outside, inside = document.pixels(4, 72), document.pixels(1, 72)

    def at(pixels: object, x: int, y: int) -> list[int]:
        return [int(v) for v in pixels[int(MEDIA.height) - y, x]]  # type: ignore[index]

    red, green, blue = at(outside, 60, 90)
    assert blue > 150 > red  # the third card's photo
    red, green, blue = at(outside, 10, 190)
    assert green > red  # art, up into the bleed
    assert max(at(outside, 244, 36)) < 60  # the filled slot
    assert min(at(inside, 160, 110)) > 240  # the white patch
    red, green, blue = at(inside, 205, 75)
    assert blue > red + 60  # handwriting
    red, green, blue = at(inside, 220, 140)
    assert blue > red + 60  # the signature's bar


def test_turned_marks_are_turned() -> None:
    upright = Page("a", MEDIA, MEDIA_BOX, (photo(), words("Oslo", 150, 100)))
    turned = Page("a", MEDIA, MEDIA_BOX, (photo(turned=True), words("Oslo", 150, 100, turned=True)))
    data = merged([fragment([upright]), fragment([turned])])
    first, second = (_operators(data, page) for page in (0, 1))
    assert (96.0, 0.0, 0.0, 64.0, 20.0, 60.0) in first["cm"]
    assert (-96.0, 0.0, 0.0, -64.0, 116.0, 124.0) in second["cm"]
    assert first["Tm"] == [(1.0, 0.0, 0.0, 1.0, 150.0, 100.0)]
    assert second["Tm"] == [(-1.0, 0.0, 0.0, -1.0, 150.0, 100.0)]


MEDIA_BOX = Box(0, 0, MEDIA.width, MEDIA.height)


def _operators(data: bytes, page: int) -> dict[str, list[tuple[float, ...]]]:
    found: dict[str, list[tuple[float, ...]]] = {"cm": [], "Tm": []}
    with pikepdf.open(io.BytesIO(data)) as pdf:
        for operands, operator in pikepdf.parse_content_stream(pdf.pages[page]):
            if str(operator) in found:
                found[str(operator)].append(tuple(float(value) for value in operands))
    return found


def test_an_open_slot_prints_nothing() -> None:
    data = merged([fragment()])
    with pikepdf.open(io.BytesIO(data)) as pdf:
        assert isinstance(pdf.pages[0].obj.Contents, pikepdf.Stream)
    with pikepdf.open(io.BytesIO(merged([fragment()], numbered(7)))) as pdf:
        assert len(pdf.pages[0].obj.Contents) == 2
        assert isinstance(pdf.pages[1].obj.Contents, pikepdf.Stream)


def test_a_slot_takes_printed_marks_only() -> None:
    def picture(page: FragmentPage, slot: Slot) -> tuple[Mark, ...]:
        return (photo(),)

    def art(page: FragmentPage, slot: Slot) -> tuple[Mark, ...]:
        return (Art(ART_KEY),)

    for fill in (picture, art):
        with pytest.raises(Bug):
            merged([fragment()], fill)


def test_the_bytes_are_always_the_same(three: bytes) -> None:
    one, two = merged([fragment(), fragment()], numbered(1)), merged([fragment(), fragment()], numbered(1))
    assert one == two
    others = [merged([fragment(), fragment()], numbered(2)), merged([fragment()], numbered(1)),
              merged([fragment(card(colour=(0, 0, 0)))] * 2, numbered(1))]  # fmt: skip
    names = [re.search(rb"/ID \[<(\w{32})> <\1>\]", data)[1] for data in (one, three, *others)]  # type: ignore[index]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("spoil", ["cut", "changed"])
def test_a_damaged_fragment_is_a_bug_and_no_file(spoil: str) -> None:
    good = build(card(), SRGB_KEY)
    bad = good[:-300] if spoil == "cut" else good[:-300] + bytes([good[-300] ^ 1]) + good[-299:]
    merge = Merge(io.BytesIO(), shared(), STAMP)
    with pytest.raises(Bug):
        merge.add(Fragment(io.BytesIO(bad)), blank)


def test_a_file_without_pages_is_a_bug() -> None:
    with pytest.raises(Bug):
        Merge(io.BytesIO(), shared(), STAMP).finish()


TINY = build([Page("a", MEDIA, TRIM, (Rect(Box(0, 0, 9, 9), BLACK),))], SRGB_KEY)


@pytest.mark.parametrize("pages", [1, 64, 65, 200, 4096, 4200])
def test_the_page_tree_is_balanced(pages: int) -> None:
    tiny = Fragment(io.BytesIO(TINY))
    data = merged([tiny] * pages)
    with pikepdf.open(io.BytesIO(data)) as pdf:
        depths, wide, counted = zip(*_tree(pdf.Root.Pages, 1), strict=True)
        assert sum(counted) == pages == int(pdf.Root.Pages.Count) == len(pdf.pages)
        assert len(set(depths)) == 1
        assert depths[0] == (2 if pages <= 4096 else 3)
        assert max(wide) <= 64
        assert [page.obj.objgen for page in pdf.pages] == sorted(page.obj.objgen for page in pdf.pages)
    with opened(data) as document:
        assert len(document) == pages


def _tree(node: pikepdf.Object, depth: int) -> Iterator[tuple[int, int, int]]:
    """Of each lowest node: its depth, its breadth, its pages. On the way: parents and counts."""
    kids = list(node.Kids)
    assert all(kid.Parent.objgen == node.objgen for kid in kids)
    if kids[0].Type == "/Page":
        assert int(node.Count) == len(kids)
        yield depth, len(kids), len(kids)
        return
    assert int(node.Count) == sum(int(kid.Count) for kid in kids)
    assert len(kids) <= 64
    for kid in kids:
        yield from _tree(kid, depth + 1)


_CHILD = """
import io, json, resource, sys
sys.path[:0] = [{tests!r}, {root!r}]
from piecemaking import SRGB_KEY, VT, card, numbered, shared
from cardpipe.prepress.dpart import Record
from cardpipe.prepress.fragment import Fragment, build
from cardpipe.prepress.merge import Merge

class Nowhere:
    size = 0
    def write(self, data):
        self.size += len(data)
        return len(data)

data, fill, peaks = build(card(), SRGB_KEY), numbered(1), []
for pieces in (300, 3000):
    sink = Nowhere()
    merge = Merge(sink, shared(), VT)
    for number in range(pieces):
        one = Fragment(io.BytesIO(data))
        for entry in one.objects:
            if "key" in entry:
                entry["key"] += str(number)
        merge.add(one, fill, Record({{"Sequence": number, "PostalCode": "80202", "Inserts": ["voucher"]}}))
    merge.finish()
    peaks.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
print(json.dumps([*peaks, sink.size]))
"""


def test_memory_stays_flat() -> None:
    code = _CHILD.format(tests=str(ROOT / "tests" / "prepress"), root=str(ROOT))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, timeout=120)
    few, many, size = json.loads(done.stdout)
    assert size > 5_000_000
    assert many - few < 6_000  # kB for 2,700 pieces more: offsets, numbers and pictures' keys, but no pages
