"""The door to reportlab: documents that people read (ticket, reports, proofs), never a print file; and the encoder of
the Intelligent Mail barcode, which draws nothing.

A document is a stack of blocks that flow down Letter pages. Fonts come in as bytes and are embedded; reportlab's own
Helvetica is kept out (print.md 1.6, trap 1). The same calls give the same bytes.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from reportlab import rl_config
from reportlab.lib.utils import ImageReader
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas

from cardpipe.model.errors import Bug
from cardpipe.model.units import Points, Size, inch

rl_config.useA85 = 0

LETTER = Size(inch(8.5), inch(11))
MARGIN = inch(0.65)

Colour = tuple[float, float, float]
INK: Colour = (0.10, 0.11, 0.13)
GREY: Colour = (0.42, 0.44, 0.48)
RULE: Colour = (0.80, 0.81, 0.83)
ACCENT: Colour = (0.07, 0.27, 0.36)
LEVELS: dict[str, Colour] = {"error": (0.66, 0.09, 0.09), "warning": (0.72, 0.40, 0.0), "note": GREY}

_LEAD = 1.35  # baseline distance as a multiple of the size
_GUTTER = 14.0
_CELL, _FINE = 8.5, 6.8  # a table's text, and its fine print
_STROKE = 0.028  # a bold made of the regular: outline width as a share of the size


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table. ``share`` is its part of the width."""

    title: str
    share: float
    align: Literal["left", "right"] = "left"


@dataclass(frozen=True, slots=True)
class Picture:
    """A PNG with a line below it."""

    png: bytes
    caption: str = ""


Draw = Callable[[Any], None]


class Document:
    """A document being written. Blocks are added from the top; a block that does not fit begins a new page.

    ``regular`` and ``bold`` are TrueType fonts; without a bold the regular one is thickened.
    """

    def __init__(self, title: str, regular: bytes, bold: bytes | None = None, *, footer: str = "") -> None:
        self._title, self._footer = title, footer
        self._regular = _registered(regular)
        self._bold = _registered(bold) if bold is not None else None
        self._pages: list[list[Draw]] = [[]]
        self._y = LETTER.height - MARGIN
        self._bottom = MARGIN + (14 if footer else 0)

    @property
    def width(self) -> Points:
        """The measure between the margins."""
        return LETTER.width - 2 * MARGIN

    @property
    def room(self) -> Points:
        """What is left of this page, above its footer."""
        return self._y - self._bottom

    @property
    def pages(self) -> int:
        """Pages begun so far."""
        return len(self._pages)

    def masthead(self, kicker: str, title: str, line: str = "", figure: str = "", caption: str = "") -> None:
        """The document's head: a small word above the title, a line below it, and one large figure at the right."""
        right = MARGIN + self.width
        self._box(MARGIN, self._y - 3, self.width, 3, ACCENT)
        self._y -= 22
        self._say(kicker.upper(), MARGIN, self._y, 7.5, ACCENT, spaced=True)
        beside = max(self._measure(figure, 26, True), self._measure(caption, 8.5)) + (_GUTTER if figure else 0)
        size = 17.0
        while size > 10 and self._measure(title, size, True) > self.width - beside:
            size -= 0.5
        self._say(title, MARGIN, self._y - 22, size, INK, bold=True)
        self._say(line, MARGIN, self._y - 37, 9.5, GREY)
        self._say(figure, right - self._measure(figure, 26, True), self._y - 22, 26, INK, bold=True)
        self._say(caption, right - self._measure(caption, 8.5), self._y - 37, 8.5, GREY)
        self._y -= 46

    def heading(self, text: str) -> None:
        """A section's name over a hairline."""
        self._need(50)
        self._y -= 9
        self._line(self._y)
        self._y -= 13
        self._say(text.upper(), MARGIN, self._y, 7.5, ACCENT, spaced=True)
        self._y -= 5

    def facts(self, pairs: Sequence[tuple[str, str]], columns: int = 2, label: Points = 52) -> None:
        """Names and values side by side, filled row by row; a long value wraps below itself."""
        width = (self.width - _GUTTER * (columns - 1)) / columns
        for start in range(0, len(pairs), columns):
            row = pairs[start : start + columns]
            wrapped = [self._wrap(value, 9, width - label) for _, value in row]
            height = max(len(lines) for lines in wrapped) * 9 * _LEAD + 1.5
            self._need(height)
            for place, ((name, _), lines) in enumerate(zip(row, wrapped, strict=True)):
                x = MARGIN + place * (width + _GUTTER)
                self._say(name, x, self._y - 9, 8.5, GREY)
                for number, text in enumerate(lines):
                    self._say(text, x + label, self._y - 9 - number * 9 * _LEAD, 9, INK)
            self._y -= height

    def table(self, columns: Sequence[Column], rows: Sequence[Sequence[str]]) -> None:
        """Rows under a head that is repeated on each page; long cells wrap, what follows a line break is fine print."""
        total = sum(column.share for column in columns)
        free = self.width - _GUTTER * (len(columns) - 1)
        widths = [free * column.share / total for column in columns]
        self._table_head(columns, widths)
        for row in rows:
            cells = [self._cell(text, width) for text, width in zip(row, widths, strict=True)]
            height = max(sum(size for _, size in lines) for lines in cells) * _LEAD + 3
            if self._need(height):
                self._table_head(columns, widths)
            x = MARGIN
            for column, width, lines in zip(columns, widths, cells, strict=True):
                y = self._y + 2
                for text, size in lines:
                    y -= size * _LEAD
                    shift = width - self._measure(text, size) if column.align == "right" else 0.0
                    self._say(text, x + shift, y, size, INK if size == _CELL else GREY)
                x += width + _GUTTER
            self._y -= height
            self._line(self._y, 0.3)

    def _cell(self, text: str, width: Points) -> list[tuple[str, float]]:
        first, _, rest = text.partition("\n")
        fine = self._wrap(rest, _FINE, width) if rest else []
        return [(line, _CELL) for line in self._wrap(first, _CELL, width)] + [(line, _FINE) for line in fine]

    def paragraph(self, text: str, size: float = 9, colour: Colour = INK) -> None:
        """Running text over the whole measure."""
        for line in self._wrap(text, size, self.width):
            self._need(size * _LEAD)
            self._say(line, MARGIN, self._y - size, size, colour)
            self._y -= size * _LEAD

    def notes(self, items: Sequence[tuple[str, str]]) -> None:
        """Remarks with their level (error, warning, note) at the left."""
        indent = 52.0
        for level, text in items:
            lines = self._wrap(text, 8.5, self.width - indent)
            self._need(len(lines) * 8.5 * _LEAD + 2)
            colour = LEVELS.get(level, GREY)
            self._box(MARGIN, self._y - 8.8, 5, 5, colour)
            self._say(level, MARGIN + 9, self._y - 9, 8.5, colour)
            for number, line in enumerate(lines):
                self._say(line, MARGIN + indent, self._y - 9 - number * 8.5 * _LEAD, 8.5, INK)
            self._y -= len(lines) * 8.5 * _LEAD + 2

    def pictures(self, pictures: Sequence[Picture], height: Points) -> None:
        """Pictures in one row, as large as ``height`` and the measure allow, with hairline frames and captions."""
        if not pictures:
            return
        readers = [ImageReader(io.BytesIO(picture.png)) for picture in pictures]
        shapes = [reader.getSize() for reader in readers]
        below = 13 if any(picture.caption for picture in pictures) else 0
        free = self.width - _GUTTER * (len(pictures) - 1)
        tall = min(height - below - 6, free / sum(w / h for w, h in shapes))
        if tall < 12:
            raise Bug("there is no room for pictures")
        self._need(tall + below + 6)
        x, y = MARGIN, self._y - 6 - tall
        for picture, reader, (w, h) in zip(pictures, readers, shapes, strict=True):
            self._image(reader, x, y, tall * w / h, tall)
            self._say(self._fitting(picture.caption, 7.5, tall * w / h + _GUTTER / 2), x, y - 10, 7.5, GREY)
            x += tall * w / h + _GUTTER
        self._y = y - below

    def space(self, height: Points) -> None:
        """White space, unless a page has just begun."""
        if self._pages[-1]:
            self._y -= height

    def finish(self) -> bytes:
        """The PDF."""
        sink = io.BytesIO()
        canvas = Canvas(
            sink, pagesize=(LETTER.width, LETTER.height), invariant=1, pageCompression=1,
            initialFontName=self._regular, lang="en",
        )  # fmt: skip
        canvas.setTitle(self._title)
        canvas.setAuthor("cardpipe")
        canvas.setCreator("cardpipe")
        canvas.setSubject("")
        for number, page in enumerate(self._pages, 1):
            for draw in page:
                draw(canvas)
            if self._footer:
                count = f"{number} of {len(self._pages)}" if len(self._pages) > 1 else ""
                for text, x in ((self._footer, MARGIN), (count, MARGIN + self.width - self._measure(count, 7.5))):
                    self._put(canvas, text, x, MARGIN - 8, 7.5, GREY, False, False)
            canvas.showPage()
        canvas.save()
        return sink.getvalue()

    # how blocks are drawn

    def _need(self, height: Points) -> bool:
        """Begin a new page where this block does not fit; whether one was begun."""
        if height <= self.room or not self._pages[-1]:
            return False
        self._pages.append([])
        self._y = LETTER.height - MARGIN
        return True

    def _table_head(self, columns: Sequence[Column], widths: Sequence[Points]) -> None:
        self._need(40)
        x = MARGIN
        for column, width in zip(columns, widths, strict=True):
            shift = width - self._measure(column.title, 7.5) if column.align == "right" else 0.0
            self._say(column.title, x + shift, self._y - 9, 7.5, GREY)
            x += width + _GUTTER
        self._y -= 13
        self._line(self._y)

    def _measure(self, text: str, size: float, bold: bool = False) -> Points:
        return float(pdfmetrics.stringWidth(text, self._bold if bold and self._bold else self._regular, size))

    def _wrap(self, text: str, size: float, width: Points) -> list[str]:
        """Lines no wider than ``width``; a word that is wider (a file's name, a digest) is cut."""
        lines: list[str] = []
        for given in self._printable(text).split("\n"):
            line = ""
            for word in given.split(" "):
                longer = f"{line} {word}".strip()
                if self._measure(longer, size) <= width:
                    line = longer
                    continue
                if line:
                    lines.append(line)
                while self._measure(word, size) > width and len(word) > 1:
                    cut = max(
                        1, next(n for n in range(len(word), 0, -1) if self._measure(word[:n], size) <= width or n == 1)
                    )
                    lines.append(word[:cut])
                    word = word[cut:]
                line = word
            lines.append(line)
        return lines or [""]

    def _fitting(self, text: str, size: float, width: Points) -> str:
        if self._measure(text, size) <= width:
            return text
        while text and self._measure(text + "…", size) > width:
            text = text[:-1]
        return text.rstrip() + "…"

    def _printable(self, text: str) -> str:
        """Characters that the font lacks become question marks: people see that something stood there."""
        known = pdfmetrics.getFont(self._regular).face.charToGlyph
        return "".join(c if c == "\n" or ord(c) in known else "?" for c in text)

    def _say(
        self, text: str, x: Points, y: Points, size: float, colour: Colour, *, bold: bool = False, spaced: bool = False
    ) -> None:
        if text:
            self._pages[-1].append(lambda canvas: self._put(canvas, text, x, y, size, colour, bold, spaced))

    def _put(
        self, canvas: Any, text: str, x: Points, y: Points, size: float, colour: Colour, bold: bool, spaced: bool
    ) -> None:
        canvas.saveState()  # else a thickened line thickens all that follow
        line = canvas.beginText(round(x, 2), round(y, 2))
        line.setFont(self._bold if bold and self._bold else self._regular, size)
        line.setFillColorRGB(*colour)
        line.setCharSpace(0.9 if spaced else 0)
        thick = bold and not self._bold
        if thick:
            canvas.setLineWidth(round(size * _STROKE, 3))
            canvas.setStrokeColorRGB(*colour)
        line.setTextRenderMode(2 if thick else 0)
        line.textOut(self._printable(text))
        canvas.drawText(line)
        canvas.restoreState()

    def _line(self, y: Points, width: float = 0.5) -> None:
        def draw(canvas: Any) -> None:
            canvas.setStrokeColorRGB(*RULE)
            canvas.setLineWidth(width)
            canvas.line(MARGIN, round(y, 2), MARGIN + self.width, round(y, 2))

        self._pages[-1].append(draw)

    def _box(self, x: Points, y: Points, width: Points, height: Points, colour: Colour) -> None:
        def draw(canvas: Any) -> None:
            canvas.setFillColorRGB(*colour)
            canvas.rect(round(x, 2), round(y, 2), width, height, stroke=0, fill=1)

        self._pages[-1].append(draw)

    def _image(self, reader: Any, x: Points, y: Points, width: Points, height: Points) -> None:
        def draw(canvas: Any) -> None:
            canvas.drawImage(reader, round(x, 2), round(y, 2), round(width, 2), round(height, 2))
            canvas.setStrokeColorRGB(*RULE)
            canvas.setLineWidth(0.5)
            canvas.rect(round(x, 2), round(y, 2), round(width, 2), round(height, 2), stroke=1, fill=0)

        self._pages[-1].append(draw)


def _registered(data: bytes) -> str:
    """The font under a name of its own: reportlab knows fonts by name, for the whole process."""
    name = "cp" + hashlib.sha256(data).hexdigest()[:12]
    if name not in pdfmetrics.getRegisteredFontNames():
        pdfmetrics.registerFont(TTFont(name, io.BytesIO(data)))
    return name


def imb_bars(tracking: str, routing: str) -> str:
    """The 65 bars of an Intelligent Mail barcode as letters A, D, F, T. reportlab judges its figures too little: it
    takes barcode ids that do not exist (print.md 5.1), so ``lettershop.imb`` judges them first."""
    # slow to import, and few processes need it
    from reportlab.graphics.barcode.usps4s import USPS_4State

    return str(USPS_4State(tracking, routing).barcodes)
