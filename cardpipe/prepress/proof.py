"""The proof of a piece: a watermarked picture, for a person to approve, of what will be printed.

It is drawn from the very fragment that goes to press, written by the merge that writes print files and read by the
rasteriser that proves them. What only the merge can know is shown as an empty box with the slot's name; the proof's
digest leaves the slots out, so an approval holds whatever batch and number the piece gets.
"""

from __future__ import annotations

import copy
import hashlib
import io
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from cardpipe.model.order import canonical
from cardpipe.model.units import POINTS_PER_INCH, Box, Points, inch
from cardpipe.prepress.format import Format
from cardpipe.prepress.fragment import Fragment, FragmentPage
from cardpipe.prepress.merge import Merge, Shared
from cardpipe.prepress.page import Slot
from cardpipe.prepress.raster import Document, Pixels, opened
from cardpipe.prepress.xmp import Stamp

MAX_PPI = 150.0  # enough to read every word, too little to print from

_VEIL = 0.09  # how far the word across the page moves a pixel towards black or white
_TABLE = (226, 224, 219)  # what a sheet of pages lies on
_SLOT_EDGE = (116, 134, 150)
_FINE = 4  # a slot's name is drawn so many times larger: small letters come out even
#: ISO 32000-1, 8.6.6.4; the decode array turns light into ink.
_GREY_PHOTO = "/DeviceGray"
_BLACK_INK = "<< /FunctionType 2 /Domain [0 1] /C0 [0 0 0 0] /C1 [0 0 0 1] /N 1 >>"
_BLACK_PHOTO = f"[/Separation /Black /DeviceCMYK {_BLACK_INK}] /Decode [1 0]"
_GUIDES = {"trim": (226, 0, 122), "safe": (0, 140, 70), "fold": (0, 104, 200)}


@dataclass(frozen=True, slots=True)
class Look:
    """How a proof is drawn. ``word`` lies across each page ("" leaves it out). Without ``guides`` the page is cut at
    its trim, as it will be held in the hand; with a format there, the bleed is shown, and lines for trim, safe and
    fold. ``ppi`` is at most :data:`MAX_PPI`."""

    ppi: float = 110.0
    word: str = "PROOF"
    slots: bool = True
    guides: Format | None = None

    def __post_init__(self) -> None:
        if not 10 <= self.ppi <= MAX_PPI:
            raise ValueError(f"a proof has 10 to {MAX_PPI:g} ppi, not {self.ppi:g}")


@dataclass(frozen=True, slots=True)
class ProofPage:
    """One page of a proof, as rows × columns × RGB."""

    name: str
    pixels: Pixels = field(repr=False)


def digest(fragment: Fragment) -> str:
    """SHA-256 of all that is printed but the slots: what an approval is for."""
    pages = [{key: value for key, value in page.items() if key != "slots"} for page in fragment.header["pages"]]
    made = hashlib.sha256(canonical({**fragment.header, "pages": pages}))
    for place, entry in enumerate(fragment.objects):
        if "stream" in entry:
            made.update(fragment.stream(place))
    return made.hexdigest()


def draw(fragment: Fragment, shared: Shared, stamp: Stamp, lettering: bytes, look: Look) -> list[ProofPage]:
    """Every page of a piece. ``lettering`` is the font file for the words that a proof adds; ``shared`` and ``stamp``
    are those with which the print file is written."""
    sink = io.BytesIO()
    merge = Merge(sink, shared, stamp)
    merge.add(_as_printed(fragment), lambda page, slot: ())
    merge.finish()
    with opened(sink.getvalue()) as document:
        return [
            ProofPage(page.name, _page(document, number, page, lettering, look))
            for number, page in enumerate(fragment.pages)
        ]


def _as_printed(fragment: Fragment) -> Fragment:
    """The fragment with each photo in black ink told as that ink. A press puts DeviceGray on its black plate, where
    dots gain; the rasteriser would show it as light, far darker than it prints."""
    shown = copy.copy(fragment)
    shown.objects = [
        {**entry, "head": [_BLACK_PHOTO if token == _GREY_PHOTO else token for token in entry["head"]]}
        for entry in fragment.objects
    ]
    return shown


def sheet(pages: Sequence[ProofPage]) -> Pixels:
    """The pages beside or below each other, whichever is the squarer, on a plain table."""
    gap = max(4, round(0.02 * max(page.pixels.shape[0] for page in pages)))
    heights = [page.pixels.shape[0] for page in pages]
    widths = [page.pixels.shape[1] for page in pages]
    stacked = sum(widths) > 1.2 * sum(heights) or max(widths) > max(heights)
    many = gap * (len(pages) + 1)
    size = (sum(heights) + many, max(widths) + 2 * gap) if stacked else (max(heights) + 2 * gap, sum(widths) + many)
    table: Pixels = np.empty((*size, 3), np.uint8)
    table[:] = _TABLE
    at = gap
    for page, height, width in zip(pages, heights, widths, strict=True):
        row, column = (at, gap) if stacked else (gap, at)
        table[row : row + height, column : column + width] = page.pixels
        at += (height if stacked else width) + gap
    return table


def panel(pages: Sequence[ProofPage], layout: Format, name: str, height: int) -> Pixels:
    """One panel of pages that were cut at their trim, brought to a height in pixels: a thumbnail."""
    chosen = layout.panels[name]
    pixels = next(page.pixels for page in pages if page.name == chosen.side)
    trim = layout.trim_box
    scale = pixels.shape[0] / trim.height
    top, left = round((trim.top - chosen.box.top) * scale), round((chosen.box.x - trim.x) * scale)
    cut = pixels[top : top + round(chosen.box.height * scale), left : left + round(chosen.box.width * scale)]
    size = (round(height * chosen.box.width / chosen.box.height), height)
    return np.asarray(Image.fromarray(cut).resize(size, Image.Resampling.LANCZOS), np.uint8)


def png(pixels: Pixels, colours: int = 0) -> bytes:
    """A PNG without metadata; with ``colours`` (up to 256) as a palette, which is a third of the size."""
    picture = Image.fromarray(np.ascontiguousarray(pixels))
    if colours:
        picture = picture.quantize(colours, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    out = io.BytesIO()
    picture.save(out, "PNG", optimize=True)
    return out.getvalue()


def jpeg(pixels: Pixels) -> bytes:
    """A JPEG without metadata, for a page of many pictures; colours are kept at full sharpness."""
    out = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels)).save(out, "JPEG", quality=88, subsampling=0, optimize=True)
    return out.getvalue()


def _page(document: Document, number: int, page: FragmentPage, lettering: bytes, look: Look) -> Pixels:
    whole = Box(0, 0, page.size.width, page.size.height)
    region = whole if look.guides else page.trim
    pixels = document.pixels(number, look.ppi, region)
    if look.word:
        pixels = _veiled(pixels, look.word, lettering)
    picture = Image.fromarray(pixels)
    board = _Board(picture, region, look.ppi / POINTS_PER_INCH, lettering)
    if look.slots:
        for slot in page.slots:
            board.slot(slot)
    if look.guides:
        board.guides(page, look.guides)
    return np.asarray(picture, np.uint8)


def _veiled(pixels: Pixels, word: str, lettering: bytes) -> Pixels:
    """The word along the rising diagonal: dark art grows lighter under it, light art darker."""
    mask = _veil(*pixels.shape[:2], word, lettering)
    light = pixels.astype(np.float32) @ np.array([0.299, 0.587, 0.114], np.float32)
    target = np.where(light > 112, 0.0, 255.0)[:, :, None]
    return np.asarray(np.rint(pixels + (target - pixels) * mask), np.uint8)


@lru_cache(maxsize=8)
def _veil(height: int, width: int, word: str, lettering: bytes) -> NDArray[np.float32]:
    """How far each pixel moves: the same for all pages of a size."""
    angle = math.atan2(height, width)
    face = ImageFont.truetype(io.BytesIO(lettering), 100)
    left, top, right, bottom = face.getbbox(word)
    # The turned word's box stays within the page: what each direction leaves would fill it; 0.7 of that is light.
    long, tall = right - left, bottom - top
    room = min(
        width / (long * math.cos(angle) + tall * math.sin(angle)),
        height / (long * math.sin(angle) + tall * math.cos(angle)),
    )
    face = ImageFont.truetype(io.BytesIO(lettering), max(6, round(70 * room)))
    left, top, right, bottom = face.getbbox(word)
    stamp = Image.new("L", (math.ceil(right - left) + 4, math.ceil(bottom - top) + 4), 0)
    ImageDraw.Draw(stamp).text((2 - left, 2 - top), word, font=face, fill=255)
    stamp = stamp.rotate(math.degrees(angle), Image.Resampling.BICUBIC, expand=True)
    mask = Image.new("L", (width, height), 0)
    mask.paste(stamp, ((width - stamp.width) // 2, (height - stamp.height) // 2))
    return np.asarray(mask, np.float32)[:, :, None] * np.float32(_VEIL / 255)


class _Board:
    """A picture to draw on in page coordinates."""

    def __init__(self, picture: Image.Image, region: Box, scale: float, lettering: bytes) -> None:
        self._picture, self._region, self._scale, self._lettering = picture, region, scale, lettering
        self._pen = ImageDraw.Draw(picture)
        self._stroke = max(1, round(scale * 0.75))

    def slot(self, slot: Slot) -> None:
        """A light box with the slot's name, turned as its content will be."""
        left, top, right, bottom = (round(v) for v in self._place(slot.box))
        size = (max(3, right - left), max(3, bottom - top))
        label = Image.new("RGB", (size[0] * _FINE, size[1] * _FINE), (255, 255, 255))
        pen = ImageDraw.Draw(label)
        edge = (0, 0, label.width - 1, label.height - 1)
        pen.rectangle(edge, outline=_SLOT_EDGE, width=self._stroke * _FINE)
        text = slot.name.replace("_", " ")
        face = self._face(min(self._scale * 8 * _FINE, label.height * 0.6))
        face = self._face(min(face.size, face.size * 0.86 * label.width / max(1.0, face.getlength(text))))
        pen.text((label.width / 2, label.height / 2), text, font=face, fill=_SLOT_EDGE, anchor="mm")
        label = label.resize(size, Image.Resampling.BOX)
        if slot.turned:
            label = label.transpose(Image.Transpose.ROTATE_180)
        below = self._picture.crop((left, top, left + size[0], top + size[1]))
        self._picture.paste(Image.blend(below, label, 0.85), (left, top))

    def guides(self, page: FragmentPage, layout: Format) -> None:
        """Trim, safe and fold, with their names in the bleed."""
        panels = [panel for panel in layout.panels.values() if panel.side == page.name]
        for panel in panels:
            self._frame(panel.box.inset(layout.safe), _GUIDES["safe"])
        if panels:
            for line in folds(layout):
                self._dashed(line, _GUIDES["fold"])
        self._frame(page.trim, _GUIDES["trim"])
        face, at = self._face(max(8.0, self._scale * 6.5)), self._scale * 12
        for name, colour in _GUIDES.items():
            if name == "trim" or panels:
                self._pen.text((at, self._scale * page.trim.x / 2), name, font=face, fill=colour, anchor="lm")
                at += face.getlength(name + "   ")

    def _face(self, size: float) -> ImageFont.FreeTypeFont:
        return ImageFont.truetype(io.BytesIO(self._lettering), max(5.0, size))

    def _place(self, box: Box) -> tuple[float, float, float, float]:
        """Left, top, right, bottom in pixels."""
        region, s = self._region, self._scale
        return (box.x - region.x) * s, (region.top - box.top) * s, (box.right - region.x) * s, (region.top - box.y) * s

    def _frame(self, box: Box, colour: tuple[int, int, int]) -> None:
        left, top, right, bottom = (round(v) for v in self._place(box))
        self._pen.rectangle((left, top, right, bottom), outline=colour, width=self._stroke)

    def _dashed(self, line: Box, colour: tuple[int, int, int]) -> None:
        for dash in _dashes(line):
            left, top, right, bottom = self._place(dash)
            self._pen.line((left, top, right, bottom), fill=colour, width=self._stroke)


def folds(layout: Format) -> list[Box]:
    """The fold's line on the page, as a box without breadth; none on a flat card."""
    whole = Box(0, 0, layout.media.width, layout.media.height)
    if layout.fold == "side":
        return [Box(layout.bleed + layout.trim.width, 0, 0, whole.height)]
    if layout.fold == "top":
        return [Box(0, layout.bleed + layout.trim.height, whole.width, 0)]
    return []


def _dashes(line: Box, pitch: Points = inch(1 / 9)) -> Iterator[Box]:
    length = max(line.width, line.height)
    for number in range(math.ceil(length / pitch)):
        start = number * pitch
        end = min(length, start + pitch * 0.6)
        yield (
            Box(line.x + start, line.y, end - start, 0) if line.width else Box(line.x, line.y + start, 0, end - start)
        )
