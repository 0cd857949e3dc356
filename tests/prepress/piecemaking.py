"""Pieces made by hand, and what a batch of them shares: little, but of every kind that a fragment can hold."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path

import pikepdf
from PIL import Image

from cardpipe.lettershop.setting import set_line, text_mark
from cardpipe.model.units import Box, Size
from cardpipe.prepress.font import Font
from cardpipe.prepress.fragment import Fragment, FragmentPage, Part, build
from cardpipe.prepress.merge import Fill, Merge, Shared
from cardpipe.prepress.page import BLACK, WHITE, Art, Ink, Mark, Mask, Outline, Page, Photo, Rect, Slot, Text
from cardpipe.prepress.pdf import art_parts
from cardpipe.prepress.typeset import Face
from cardpipe.prepress.xmp import Stamp

ROOT = Path(__file__).parents[2]
FACE = Face("arimo", Font((ROOT / "fonts" / "arimo" / "Arimo-Regular.ttf").read_bytes()))
PRESS = (ROOT / "cardpipe" / "catalog" / "cp_TR006_300.icc").read_bytes()
SRGB = (ROOT / "cardpipe" / "catalog" / "sRGB.icc").read_bytes()
SRGB_KEY, ART_KEY = "icc:" + hashlib.sha256(SRGB).hexdigest(), "art:meadow"
MEDIA = Size(300.0, 200.0)
TRIM = Box(9, 9, 282, 182)
BLUE = Ink("blue", 1, 0.5, 0, 0)
WORDS = "Łukasz Žižka, Ærøskøbing"
STAMP = Stamp("20261201_CP", "2026-12-01", "press", "CGATS TR 006", "GRACoL", "DuplexFlipShortEdge")


def jpeg(colour: tuple[int, int, int] = (200, 40, 30), size: tuple[int, int] = (48, 32)) -> bytes:
    """A plain picture."""
    out = io.BytesIO()
    Image.new("RGB", size, colour).save(out, "JPEG", quality=90)
    return out.getvalue()


def g4(width: int = 64, height: int = 16) -> bytes:
    """A bar of ink in CCITT group 4, as a signature is stored: the strip of a TIFF, where a set bit is black."""
    out = io.BytesIO()
    picture = Image.new("1", (width, height), 0)
    picture.paste(1, (8, 4, width - 8, height - 4))
    picture.save(out, "TIFF", compression="group4")
    tags = Image.open(io.BytesIO(out.getvalue())).tag_v2  # type: ignore[attr-defined]
    return out.getvalue()[tags[273][0] : tags[273][0] + tags[279][0]]


def words(text: str, x: float = 20, y: float = 30, *, turned: bool = False) -> Text:
    """A printed line."""
    line = set_line(FACE, text, 12, "test")
    assert not isinstance(line, list)
    return text_mark(line, text, x, y, turned=turned)


def photo(colour: tuple[int, int, int] = (200, 40, 30), **named: object) -> Photo:
    return Photo(Box(20, 60, 96, 64), jpeg(colour), 48, 32, **named)  # type: ignore[arg-type]


def card(name: str = WORDS, colour: tuple[int, int, int] = (200, 40, 30)) -> list[Page]:
    """Two pages with a mark of every kind."""
    outside: tuple[Mark, ...] = (Art(ART_KEY), photo(colour), Slot("match_code", Box(240, 20, 40, 20), True))
    inside: tuple[Mark, ...] = (
        Art(ART_KEY),
        Rect(Box(150, 100, 20, 20), WHITE),
        Outline(Box(180, 60, 50, 50), b"1 0 0 1 0 0 cm 0 0 m 50 0 l 25 50 l f", BLUE, lines=("hello",)),
        Mask(Box(180, 130, 80, 20), g4(), 64, 16, BLUE),
        words(name),
    )
    return [Page("outside", MEDIA, TRIM, outside), Page("inside", MEDIA, TRIM, inside)]


def fragment(pages: list[Page] | None = None) -> Fragment:
    return Fragment(io.BytesIO(build(pages or card(), SRGB_KEY)))


def art() -> bytes:
    """An artist's page: a green field."""
    pdf = pikepdf.new()
    page = pdf.add_blank_page(page_size=(MEDIA.width, MEDIA.height))
    page.Contents = pdf.make_stream(b"0.5 0 0.5 0 k 0 0 300 200 re f")
    out = io.BytesIO()
    pdf.save(out, deterministic_id=True)
    return out.getvalue()


def shared() -> Shared:
    def parts(digest: str) -> list[Part]:
        return art_parts(art(), MEDIA, digest)

    def icc(digest: str) -> bytes:
        return PRESS if digest == "press" else SRGB

    return Shared(parts, lambda _: (FACE.font, "Arimo"), icc)


def blank(page: FragmentPage, slot: Slot) -> tuple[Mark, ...]:
    """Leaves every slot open."""
    return ()


def numbered(number: int) -> Fill:
    """Fills the match code's slot with a patch and a number."""

    def fill(page: FragmentPage, slot: Slot) -> tuple[Mark, ...]:
        return (Rect(slot.box, BLACK), words(f"#{number}", slot.box.x, slot.box.y)) if slot.name == "match_code" else ()

    return fill


def merged(fragments: list[Fragment], fill: Fill = blank) -> bytes:
    """The print file of these fragments."""
    sink = io.BytesIO()
    merge = Merge(sink, shared(), STAMP)
    for one in fragments:
        merge.add(one, fill)
    merge.finish()
    return sink.getvalue()
