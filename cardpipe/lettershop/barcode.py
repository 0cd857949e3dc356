"""The match code: a Data Matrix (ISO/IEC 16022) by which card and envelope meet again, drawn as vector modules.

Measured in print.md 5.2: modules of 0.5 mm were read by every simulated camera, and a quiet zone of one module saves
the code on dark art; ours is 2 mm of white. Postal bars are :mod:`cardpipe.lettershop.imb`.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TypeAlias

from ppf.datamatrix import DataMatrix

from cardpipe.lettershop.setting import set_line, text_mark
from cardpipe.model.errors import Bug
from cardpipe.model.units import Box, Points, Size, mm, num
from cardpipe.prepress.page import BLACK, WHITE, Mark, Outline, Rect, Slot
from cardpipe.prepress.typeset import Face

Modules: TypeAlias = tuple[tuple[bool, ...], ...]
"""Rows from the top; True is ink."""

MATCH_MODULE = mm(0.5)
QUIET = mm(2)
MATCH_MODULES = 16  # a side of the symbol that holds the 14 characters of a match code
NUMBER_SIZE = 6.0
MATCH_SLOT = "match_code"

#: The slot on a card's back panel: symbol with its quiet zone, the number below it.
CARD_SLOT = Size(mm(22), mm(16))
#: The slot at an envelope's lower left: symbol with its quiet zone, the number to its right, in two lines.
ENVELOPE_SLOT = Size(mm(22), mm(12))

_INKED = re.compile(b"\1+")
_GAP = mm(1)  # white around the number


def data_matrix(code: str) -> Modules:
    """The square symbol of a match code. Raises Bug for one that is not plain ASCII."""
    if not code or not code.isascii():
        raise Bug("a match code is plain ASCII")
    return tuple(tuple(bool(cell) for cell in row) for row in DataMatrix(code).matrix)


def modules_path(matrix: Modules, module: Points) -> bytes:
    """The symbol as one filled path of rectangles, origin at its lower left. Modules that touch in a row are one
    rectangle, and so are equal runs in rows that touch: no seam can open between them."""
    rows = len(matrix)
    open_runs: dict[tuple[int, int], int] = {}  # (first column, behind the last) → the row where it began
    made: list[tuple[int, int, int, int]] = []
    for number in range(rows + 1):
        here = set(_runs(matrix[number])) if number < rows else set()
        for run in [run for run in open_runs if run not in here]:
            made.append((open_runs.pop(run), run[0], run[1], number))
        for run in here:
            open_runs.setdefault(run, number)
    return " ".join([*(_rectangle(one, rows, module) for one in sorted(made)), "f"]).encode()


def _runs(row: tuple[bool, ...]) -> list[tuple[int, int]]:
    return [run.span() for run in _INKED.finditer(bytes(row))]


@lru_cache(maxsize=4096)  # the same few hundred rectangles stand in every symbol
def _rectangle(run: tuple[int, int, int, int], rows: int, module: Points) -> str:
    """Edges are quantised first and subtracted then, so that neighbours share them."""
    top, left, right, bottom = run
    x0, x1, y0, y1 = (round(n * module, 3) for n in (left, right, rows - bottom, rows - top))
    return f"{num(x0)} {num(y0)} {num(x1 - x0)} {num(y1 - y0)} re"


def match_code_marks(slot: Slot, code: str, number: str, face: Face, *, patch: bool = True) -> tuple[Mark, ...]:
    """What fills a match-code slot: a white patch (a card's art may be dark; an envelope needs none), the modules, and
    the number for people (``0017/0212``), below the symbol where the slot is high enough, else beside it.

    In a turned slot everything turns with it. Raises Bug for a slot that is too small.
    """
    matrix = data_matrix(code)
    side = MATCH_MODULE * len(matrix)
    face_cap = face.font.cap_height * NUMBER_SIZE
    stacked = slot.box.height >= side + 2 * QUIET + face_cap + _GAP
    rows = [number] if stacked else [part for part in number.replace("/", "\n/").split("\n") if part]
    lines = [set_line(face, row, NUMBER_SIZE, "match code") for row in rows]
    printed = [line for line in lines if not isinstance(line, list)]
    if len(printed) < len(lines):
        raise Bug("the font of the number lacks figures")
    widest = max((line.width for line in printed), default=0.0)
    if stacked:
        size = Size(max(side + 2 * QUIET, widest + 2 * _GAP), side + 2 * QUIET + face_cap + _GAP)
        left, low = (slot.box.width - size.width) / 2, (slot.box.height - size.height) / 2
        symbol = Box((slot.box.width - side) / 2, low + _GAP + face_cap + QUIET, side, side)
        starts = [((slot.box.width - line.width) / 2, low + _GAP) for line in printed]
    else:
        size = Size(side + 2 * QUIET + widest + _GAP, side + 2 * QUIET)
        left, low = 0.0, (slot.box.height - size.height) / 2
        symbol = Box(QUIET, low + QUIET, side, side)
        pitch = NUMBER_SIZE * 1.2
        middle = symbol.y + (side - face_cap + pitch * (len(printed) - 1)) / 2
        starts = [(symbol.right + QUIET, middle - pitch * place) for place in range(len(printed))]
    if size.width > slot.box.width + 0.01 or size.height > slot.box.height + 0.01:
        raise Bug("a match code does not fit its slot")
    marks: list[Mark] = []
    if patch:
        marks.append(Rect(_placed(slot, Box(left, low, size.width, size.height)), WHITE))
    lines_of_dump = (code,)
    marks.append(
        Outline(
            _placed(slot, symbol), modules_path(matrix, MATCH_MODULE), BLACK, slot.turned, MATCH_SLOT, lines_of_dump
        )
    )
    for row, line, (x, y) in zip(rows, printed, starts, strict=True):
        at = (slot.box.right - x, slot.box.top - y) if slot.turned else (slot.box.x + x, slot.box.y + y)
        marks.append(text_mark(line, row, *at, turned=slot.turned))
    return tuple(marks)


def _placed(slot: Slot, inner: Box) -> Box:
    """A box in the slot (origin at its lower left as it is read) as a box on the page."""
    if slot.turned:
        return Box(slot.box.right - inner.right, slot.box.top - inner.top, inner.width, inner.height)
    return Box(slot.box.x + inner.x, slot.box.y + inner.y, inner.width, inner.height)
