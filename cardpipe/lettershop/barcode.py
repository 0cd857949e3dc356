"""The match code: a Data Matrix (ISO/IEC 16022) by which card and envelope meet again, drawn as vector modules.

Measured in print.md 5.2: modules of 0.5 mm were read by every simulated camera, and a quiet zone of one module saves
the code on dark art; ours is 2 mm of white. Postal bars are :mod:`cardpipe.lettershop.imb`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias

from ppf.datamatrix import DataMatrix

from cardpipe.lettershop.setting import set_figures, text_mark
from cardpipe.model.errors import Bug
from cardpipe.model.units import Box, Points, Size, mm
from cardpipe.prepress.page import BLACK, WHITE, Mark, Outline, Rect, Slot
from cardpipe.prepress.typeset import Face

Modules: TypeAlias = tuple[str, ...]
"""Rows from the top; "1" is ink, "0" is paper."""

MATCH_MODULE = mm(0.5)
QUIET = mm(2)
MATCH_MODULES = 16  # a side of the symbol that holds the 14 characters of a match code
NUMBER_SIZE = 6.0
MATCH_SLOT = "match_code"

#: The slot on a card's back panel: symbol with its quiet zone, the number below it.
CARD_SLOT = Size(mm(22), mm(16))
#: The slot at an envelope's lower left: symbol with its quiet zone, the number to its right, in two lines.
ENVELOPE_SLOT = Size(mm(22), mm(12))

_INKED = re.compile("1+")
_EIGHT = 8
_GAP = mm(1)  # white around the number
#: A match code as model.batch makes it: in ASCII 9 to 11 words, and in no other way fewer.
_MATCH_CODE = re.compile("[A-Z]{2}[0-9A-Z]{5}[0-9]{6}[OIE]")
_WORDS = 12  # of data in a symbol of 16 x 16 modules (ISO/IEC 16022, table 7)
_PAD = 129
_PLAIN = ord("A") + 1  # a letter's word is its ASCII number and one
_PAIR = 130  # two figures' word is their number and this


def data_matrix(code: str) -> Modules:
    """The square symbol of a match code. Raises Bug for one that is not plain ASCII.

    A symbol's modules are sums (exclusive or) of what each of its words alone contributes, its error correction
    included: so a match code is the sum of twelve entries of a table, a hundredth of the work of drawing it anew.
    """
    if not code or not code.isascii():
        raise Bug("a match code is plain ASCII")
    if not _MATCH_CODE.fullmatch(code):
        return _drawn(code)
    words = code.encode("datamatrix.ascii")
    words += bytes([_PAD, *map(_padding, range(len(words) + 2, _WORDS + 1))])
    table, sum_ = _table(), 0
    for row, word in zip(table, words, strict=True):
        sum_ ^= row[word]
    cells = f"{sum_:0{MATCH_MODULES**2}b}"
    return tuple(cells[at : at + MATCH_MODULES] for at in range(0, MATCH_MODULES**2, MATCH_MODULES))


def _drawn(code: str, codecs: Sequence[str] = ("ascii", "C40", "text", "X12", "edifact")) -> Modules:
    return tuple("".join("1" if cell else "0" for cell in row) for row in DataMatrix(code, codecs=codecs).matrix)


@lru_cache(maxsize=_WORDS)
def _padding(place: int) -> int:
    """The word that fills a place from 1 behind the first padding (ISO/IEC 16022, 5.2.3 and annex B.1)."""
    return (_PAD + 149 * place % 253) % 254 + 1


@lru_cache(maxsize=1)
def _table() -> list[list[int]]:
    """For each of the twelve words, what each of its values contributes to the symbol, as a number of 256 bits. Taken
    from 97 symbols that the library draws: twelve letters A, and the same with one bit of one word turned over. What
    all symbols share is counted with the first word."""
    plain = "A" * _WORDS
    ground = _number(plain)
    table: list[list[int]] = []
    for place in range(_WORDS):
        row = [ground if place == 0 else 0] * 256
        for bit in range(8):
            word = _PLAIN ^ 1 << bit
            turned = f"{word - _PAIR:02d}" if word >= _PAIR else chr(word - 1)
            change = ground ^ _number(plain[:place] + turned + plain[place + 1 :])
            for value in range(256):
                if (value ^ _PLAIN) >> bit & 1:
                    row[value] ^= change
        table.append(row)
    return table


def _number(code: str) -> int:
    return int("".join(_drawn(code, ["ascii"])), 2)


def modules_path(matrix: Modules, module: Points) -> bytes:
    """The symbol as one filled path of rectangles, origin at its lower left, measured in modules: whole numbers, so
    that neighbours share their edges, and one path, so that no seam opens between them. Modules that touch in a row are
    one rectangle within each eight, of which a table knows all: thirty look-ups make a symbol of 16 by 16."""
    drawn = _drawn_in(len(matrix))
    made = [f"{module:.6f} 0 0 {module:.6f} 0 0 cm"]
    for top, row in enumerate(matrix):
        for left in range(0, len(row), _EIGHT):
            made.append(drawn[row[left : left + _EIGHT], left, top])
    return (" ".join(filter(None, made)) + " f").encode()


class _Rectangles(dict[tuple[str, int, int], str]):
    """What eight modules and their place (column, row) are as rectangles, written once: some thousand in every batch,
    8,192 at the most in symbols of 16 by 16."""

    def __init__(self, rows: int) -> None:
        self.rows = rows

    def __missing__(self, key: tuple[str, int, int]) -> str:
        modules, left, top = key
        low = self.rows - top - 1
        made = self[key] = " ".join(
            [f"{left + run.start()} {low} {run.end() - run.start()} 1 re" for run in _INKED.finditer(modules)]
        )
        return made


_drawn_in = lru_cache(maxsize=4)(_Rectangles)


def match_code_marks(slot: Slot, code: str, number: str, face: Face, *, patch: bool = True) -> tuple[Mark, ...]:
    """What fills a match-code slot: a white patch (a card's art may be dark; an envelope needs none), the modules, and
    the number for people (``0017/0212``), below the symbol where the slot is high enough, else beside it.

    In a turned slot everything turns with it. Raises Bug for a slot that is too small.
    """
    matrix = data_matrix(code)
    side = MATCH_MODULE * len(matrix)
    rows = _rows(number) if slot.box.height < _stacked(face, side) else [number]
    printed = [set_figures(face, row, NUMBER_SIZE) for row in rows]
    placed = _arranged(slot, face, side, tuple([line.width for line in printed]))
    marks: list[Mark] = [Rect(placed.patch, WHITE)] if patch else []
    path = modules_path(matrix, MATCH_MODULE)
    marks.append(Outline(placed.symbol, path, BLACK, slot.turned, MATCH_SLOT, (code,)))
    for row, line, (x, y) in zip(rows, printed, placed.starts, strict=True):
        marks.append(text_mark(line, row, x, y, turned=slot.turned))
    return tuple(marks)


def _rows(number: str) -> list[str]:
    return [part for part in number.replace("/", "\n/").split("\n") if part]


@dataclass(frozen=True, slots=True)
class _Arranged:
    """Where a slot's marks stand on the page."""

    patch: Box
    symbol: Box
    starts: tuple[tuple[Points, Points], ...]


def _stacked(face: Face, side: Points) -> Points:
    """How high a slot must be to have the number below a symbol of that side."""
    return side + 2 * QUIET + face.font.cap_height * NUMBER_SIZE + _GAP


@lru_cache(maxsize=64)  # a batch's slots are one, and nearly all of its numbers of one width
def _arranged(slot: Slot, face: Face, side: Points, widths: tuple[Points, ...]) -> _Arranged:
    face_cap = face.font.cap_height * NUMBER_SIZE
    widest = max(widths, default=0.0)
    if slot.box.height >= _stacked(face, side):
        size = Size(max(side + 2 * QUIET, widest + 2 * _GAP), side + 2 * QUIET + face_cap + _GAP)
        left, low = (slot.box.width - size.width) / 2, (slot.box.height - size.height) / 2
        symbol = Box((slot.box.width - side) / 2, low + _GAP + face_cap + QUIET, side, side)
        starts = [((slot.box.width - width) / 2, low + _GAP) for width in widths]
    else:
        size = Size(side + 2 * QUIET + widest + _GAP, side + 2 * QUIET)
        left, low = 0.0, (slot.box.height - size.height) / 2
        symbol = Box(QUIET, low + QUIET, side, side)
        pitch = NUMBER_SIZE * 1.2
        middle = symbol.y + (side - face_cap + pitch * (len(widths) - 1)) / 2
        starts = [(symbol.right + QUIET, middle - pitch * place) for place in range(len(widths))]
    if size.width > slot.box.width + 0.01 or size.height > slot.box.height + 0.01:
        raise Bug("a match code does not fit its slot")
    box = slot.box
    return _Arranged(
        _placed(slot, Box(left, low, size.width, size.height)),
        _placed(slot, symbol),
        tuple((box.right - x, box.top - y) if slot.turned else (box.x + x, box.y + y) for x, y in starts),
    )


def _placed(slot: Slot, inner: Box) -> Box:
    """A box in the slot (origin at its lower left as it is read) as a box on the page."""
    if slot.turned:
        return Box(slot.box.right - inner.right, slot.box.top - inner.top, inner.width, inner.height)
    return Box(slot.box.x + inner.x, slot.box.y + inner.y, inner.width, inner.height)
