"""The picture that a check draws: a printed side with its lines and frames, and the findings beside it."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from cardpipe.model.finding import Finding, Level
from cardpipe.model.units import POINTS_PER_INCH, Box, to_mm
from cardpipe.prepress.format import Format
from cardpipe.prepress.proof import folds
from cardpipe.prepress.raster import Pixels, encode_png

PPI = 110.0

_Colour = tuple[int, int, int]
_TABLE, _WORDS, _FAINT, _PAPER = (238, 237, 233), (38, 40, 46), (104, 106, 112), (255, 255, 255)
#: What each line is called, and its colour: far apart in hue, and in light for those who see few hues.
LINES: dict[str, tuple[str, _Colour]] = {
    "bleed": ("end of the bleed: art runs to here", (70, 70, 74)),
    "trim": ("trim: the cut", (214, 0, 110)),
    "safe": ("safe margin: words and faces stay within", (0, 130, 66)),
    "fold": ("fold", (0, 96, 210)),
    "frame": ("message and signature", (112, 48, 200)),
    "photo": ("photo", (196, 98, 0)),
    "code": ("match code", (80, 96, 112)),
}
_LEVELS: dict[Level, _Colour] = {Level.ERROR: (200, 24, 24), Level.WARNING: (190, 120, 0), Level.NOTE: (60, 100, 150)}
_GAP, _BESIDE, _SIZE = 24, 470, 15


@dataclass(frozen=True, slots=True)
class Outline:
    """A box to draw on the side: its label, its kind of line, its place on the page in points."""

    label: str
    kind: str
    box: Box


@dataclass(frozen=True, slots=True)
class Mark:
    """A finding with its number, and its box on this side where it has one."""

    number: int
    finding: Finding
    box: Box | None = None


def draw(
    art: Pixels | None,
    layout: Format,
    side: str,
    title: str,
    outlines: Sequence[Outline],
    marks: Sequence[Mark],
    lettering: bytes,
) -> bytes:
    """One side as a PNG. ``art`` is the page at :data:`PPI`, None where it cannot be drawn; ``lettering`` is the font
    file of its words."""
    width, height = layout.media.width, layout.media.height
    size = (round(width / POINTS_PER_INCH * PPI), round(height / POINTS_PER_INCH * PPI))
    page = Image.new("RGB", size, _PAPER) if art is None else Image.fromarray(art).resize(size)
    words = _Words(lettering)
    if art is None:
        ImageDraw.Draw(page).text((size[0] / 2, size[1] / 2), "the art cannot be drawn", _FAINT, words.face(22), "mm")
    drawing = _Side(page, layout, words)
    drawing.lines(side)
    for outline in outlines:
        drawing.outline(outline)
    for mark in marks:
        drawing.mark(mark)
    kinds = {outline.kind for outline in outlines}
    column = _column(words, title, [k for k in LINES if k in kinds or k in ("bleed", "trim", "safe")
                                    or (k == "fold" and layout.fold != "none")], marks)  # fmt: skip
    tall = max(page.height, column.height) + 2 * _GAP
    sheet = Image.new("RGB", (page.width + column.width + 3 * _GAP, tall), _TABLE)
    sheet.paste(page, (_GAP, _GAP))
    sheet.paste(column, (page.width + 2 * _GAP, _GAP))
    return encode_png(np.asarray(sheet, np.uint8))


class _Words:
    """The font, by size."""

    def __init__(self, lettering: bytes) -> None:
        self._data = lettering
        self._faces: dict[int, ImageFont.FreeTypeFont] = {}

    def face(self, size: int) -> ImageFont.FreeTypeFont:
        if size not in self._faces:
            self._faces[size] = ImageFont.truetype(io.BytesIO(self._data), size)
        return self._faces[size]

    def lines(self, text: str, size: int, width: int) -> Iterator[str]:
        """A text in lines that fit; a word that is longer than a line is broken."""
        face, line = self.face(size), ""
        for word in text.split():
            while face.getlength(word) > width:
                cut = next(n for n in range(len(word) - 1, 0, -1) if face.getlength(word[:n]) <= width or n == 1)
                if line:
                    yield line
                    line = ""
                yield word[:cut]
                word = word[cut:]
            longer = f"{line} {word}".strip()
            if face.getlength(longer) > width:
                yield line
                longer = word
            line = longer
        if line:
            yield line


class _Side:
    """The side's picture, drawn on in page coordinates."""

    def __init__(self, picture: Image.Image, layout: Format, words: _Words) -> None:
        self._picture, self._layout, self._words = picture, layout, words
        self._pen = ImageDraw.Draw(picture, "RGBA")
        self._scale = PPI / POINTS_PER_INCH
        self._tags: list[tuple[float, float, float, float]] = []
        self._badges: list[tuple[float, float]] = []

    def lines(self, side: str) -> None:
        """Bleed, safe, fold and trim; panels by their names."""
        layout, whole = self._layout, Box(0, 0, self._layout.media.width, self._layout.media.height)
        self._box(whole.inset(0.8), LINES["bleed"][1], 2)
        for panel in layout.panels.values():
            if panel.side == side:
                self._box(panel.box.inset(layout.safe), LINES["safe"][1], 1)
                safe = panel.box.inset(layout.safe)
                left, top, _, _ = self._place(safe)
                told = f"{panel.name} panel{', upside down' if panel.turned else ''}"
                self._tag(told, left + 1, top - 19, LINES["safe"][1])
        for fold in folds(layout):
            left, top, right, bottom = self._place(fold)
            for start in range(0, round(max(right - left, bottom - top)), 14):
                end = (left, top + start, left, top + start + 8) if left == right else (
                    left + start, top, left + start + 8, top)  # fmt: skip
                self._pen.line(end, fill=LINES["fold"][1], width=2)
        self._box(layout.trim_box, LINES["trim"][1], 2)

    def outline(self, outline: Outline) -> None:
        """A frame with its name within its upper left corner."""
        colour = LINES[outline.kind][1]
        left, top, right, bottom = self._place(outline.box)
        self._pen.rectangle((left, top, right, bottom), fill=(*colour, 20), outline=(*colour, 255), width=2)
        face = self._words.face(13)
        fits = face.getlength(outline.label) + 8 < right - left
        self._tag(outline.label, left + 2, top + 2 if fits else bottom + 2, colour)

    def mark(self, mark: Mark) -> None:
        """A finding's box, and its number at the upper right corner."""
        if mark.box is None:
            return
        colour = _LEVELS[mark.finding.level]
        left, top, right, bottom = self._place(mark.box.inset(-2))
        self._pen.rectangle((left, top, right, bottom), outline=(*colour, 255), width=3)
        x, y = min(max(right, 14), self._picture.width - 14), min(max(top, 14), self._picture.height - 14)
        while any(abs(x - a) < 24 and abs(y - b) < 24 for a, b in self._badges) and x > 40:
            x -= 26
        self._badges.append((x, y))
        _badge(self._pen, self._words, x, y, mark)

    def _tag(self, text: str, x: float, y: float, colour: _Colour) -> None:
        """A word on a light ground; below another that stands there already."""
        face = self._words.face(13)
        width = face.getlength(text) + 6
        x = max(1.0, min(x, self._picture.width - width - 1))
        while any(a < x + width and x < c and b < y + 17 and y < d for a, b, c, d in self._tags):
            y += 18
        self._tags.append((x, y, x + width, y + 17))
        self._pen.rectangle((x, y, x + width, y + 17), fill=(255, 255, 255, 225))
        self._pen.text((x + 3, y + 8.5), text, fill=colour, font=face, anchor="lm")

    def _box(self, box: Box, colour: _Colour, width: int) -> None:
        self._pen.rectangle(self._place(box), outline=colour, width=width)

    def _place(self, box: Box) -> tuple[float, float, float, float]:
        """Left, top, right, bottom in pixels."""
        s, height = self._scale, self._layout.media.height
        return box.x * s, (height - box.top) * s, box.right * s, (height - box.y) * s


def _badge(pen: ImageDraw.ImageDraw, words: _Words, x: float, y: float, mark: Mark) -> None:
    colour = _LEVELS[mark.finding.level]
    pen.ellipse((x - 12, y - 12, x + 12, y + 12), fill=colour, outline=_PAPER, width=2)
    pen.text((x, y), str(mark.number), fill=_PAPER, font=words.face(14), anchor="mm")


def _column(words: _Words, title: str, kinds: Sequence[str], marks: Sequence[Mark]) -> Image.Image:
    """What stands beside the side: its name, what the lines mean, and the findings with their numbers."""
    tall = 400 + sum(60 + 22 * (len(m.finding.message + m.finding.remedy + m.finding.where) // 30 + 4) for m in marks)
    picture = Image.new("RGB", (_BESIDE, tall), _TABLE)
    pen = ImageDraw.Draw(picture)
    y = 4
    for line in words.lines(title, 22, _BESIDE):
        pen.text((0, y), line, fill=_WORDS, font=words.face(22))
        y += 28
    y += 10
    for kind in kinds:
        told, colour = LINES[kind]
        pen.line((0, y + 9, 30, y + 9), fill=colour, width=3)
        pen.text((40, y), told, fill=_WORDS, font=words.face(_SIZE))
        y += 23
    y += 14
    if not marks:
        pen.text((0, y), "Nothing to remark on this side.", fill=_LEVELS[Level.NOTE], font=words.face(_SIZE))
        y += 24
    for mark in marks:
        finding = mark.finding
        _badge(pen, words, 12, y + 10, mark)
        rows = [(f"{finding.level}  {finding.code}", _LEVELS[finding.level]), (finding.where, _FAINT)]
        rows += [(finding.message, _WORDS), (f"→ {finding.remedy}" if finding.remedy else "", _FAINT)]
        for text, colour in rows:
            for line in words.lines(text, _SIZE, _BESIDE - 40):
                pen.text((36, y), line, fill=colour, font=words.face(_SIZE))
                y += 20
        y += 14
    return picture.crop((0, 0, _BESIDE, y))


def subtitle(layout: Format, side: str) -> str:
    """The side and its size with bleed, in words."""
    return f"{side}, {layout.name}, {to_mm(layout.media.width):.1f} × {to_mm(layout.media.height):.1f} mm with bleed"
