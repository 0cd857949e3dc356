"""Pieces made by hand, and what a batch of them shares: little, but of every kind that a fragment can hold."""

from __future__ import annotations

import dataclasses
import hashlib
import io
import zlib
from collections.abc import Callable
from pathlib import Path

import pikepdf
from pikepdf import Array, Dictionary, Name, Pdf
from PIL import Image

from cardpipe.lettershop.setting import set_line, text_mark
from cardpipe.model.units import Box, Size
from cardpipe.preflight.inspector import Report, inspect
from cardpipe.preflight.profile import Profile
from cardpipe.prepress.dpart import Record
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
VT = dataclasses.replace(STAMP, records=True)
X1A = dataclasses.replace(STAMP, output="X-1a")


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


def fine_card(name: str = WORDS, colour: tuple[int, int, int] = (200, 40, 30)) -> list[Page]:
    """The same with pictures as fine as the inspector wants them."""
    sharp: list[Page] = []
    for page in card(name, colour):
        marks = [
            Photo(m.box, jpeg(colour, (420, 280)), 420, 280) if isinstance(m, Photo)
            else Mask(m.box, g4(800, 200), 800, 200, m.ink) if isinstance(m, Mask)
            else m
            for m in page.marks
        ]  # fmt: skip
        sharp.append(dataclasses.replace(page, marks=tuple(marks)))
    return sharp


def plates_card(name: str = WORDS) -> list[Page]:
    """The same for PDF/X-1a: the photo in four inks."""
    picture = Image.new("CMYK", (420, 280), (20, 200, 190, 0))
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=90)
    outside, inside = fine_card(name)
    marks = tuple(
        Photo(m.box, out.getvalue(), 420, 280, cmyk=True) if isinstance(m, Photo) else m for m in outside.marks
    )
    return [dataclasses.replace(outside, marks=marks), inside]


def fragment(pages: list[Page] | None = None) -> Fragment:
    return Fragment(io.BytesIO(build(pages or card(), SRGB_KEY)))


def plates(pages: list[Page] | None = None) -> Fragment:
    """A fragment for PDF/X-1a."""
    return Fragment(io.BytesIO(build(pages or plates_card(), SRGB_KEY, "X-1a")))


def art(change: Callable[[Pdf, Dictionary], bytes] | None = None) -> bytes:
    """An artist's page: a green field, and what ``change`` adds (it gets the page's resources, and gives operators)."""
    pdf = pikepdf.new()
    page = pdf.add_blank_page(page_size=(MEDIA.width, MEDIA.height))
    resources = Dictionary()
    more = change(pdf, resources) if change else b""
    page.obj.Resources = resources
    page.Contents = pdf.make_stream(b"0.5 0 0.5 0 k 0 0 300 200 re f\n" + more)
    out = io.BytesIO()
    pdf.save(out, deterministic_id=True)
    return out.getvalue()


def state(**entries: object) -> Callable[[Pdf, Dictionary], bytes]:
    """A change of the art: a magenta bar under this graphics state."""

    def change(pdf: Pdf, resources: Dictionary) -> bytes:
        resources.ExtGState = Dictionary(G=pdf.make_indirect(Dictionary(Type=Name.ExtGState, **entries)))
        return b"q /G gs 0 1 0 0 k 0 140 300 30 re f Q\n"

    return change


def softly(pdf: Pdf, resources: Dictionary) -> bytes:
    """A change of the art: a cyan picture that fades out to the right, drawn within a form."""
    across = Image.linear_gradient("L").rotate(-90).tobytes()
    size = {"Type": Name.XObject, "Subtype": Name.Image, "Width": 256, "Height": 256, "BitsPerComponent": 8}
    fade = pdf.make_stream(zlib.compress(across), Filter=Name.FlateDecode, ColorSpace=Name.DeviceGray, **size)
    cyan = zlib.compress(b"\xff\0\0\0" * 65536)
    picture = pdf.make_stream(cyan, Filter=Name.FlateDecode, ColorSpace=Name.DeviceCMYK, SMask=fade, **size)
    own = Dictionary(XObject=Dictionary(P=picture))
    form = pdf.make_stream(
        b"q 60 0 0 60 220 20 cm /P Do Q",
        Type=Name.XObject,
        Subtype=Name.Form,
        BBox=Array([0, 0, 300, 200]),
        Resources=own,
    )
    resources.XObject = Dictionary(Inner=form)
    return b"/Inner Do\n"


def shared(page: bytes | None = None) -> Shared:
    def parts(digest: str) -> list[Part]:
        return art_parts(page or art(), MEDIA, digest)

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


def merged(
    fragments: list[Fragment],
    fill: Fill = blank,
    stamp: Stamp = STAMP,
    records: list[Record] | None = None,
    page: bytes | None = None,
) -> bytes:
    """The print file of these fragments, over this page of art."""
    sink = io.BytesIO()
    merge = Merge(sink, shared(page), stamp)
    for place, one in enumerate(fragments):
        merge.add(one, fill, records[place] if records else None)
    merge.finish()
    return sink.getvalue()


def look(data: bytes, pieces: int, **profile: object) -> Report:
    """What the inspector says of a file of these cards."""
    return inspect(io.BytesIO(data), Profile(trim=TRIM.size, bleed=9, **profile), pieces)  # type: ignore[arg-type]
