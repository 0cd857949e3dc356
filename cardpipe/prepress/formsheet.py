"""The form on which a person writes their own hand: what is asked for, and where its cells lie.

Places are millimetres from the upper left corner of the live area, y downwards. The live area fits on Letter and on A4
and is measured between its own markers, so that neither the paper nor a printer's "fit to page" matters.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Literal

from cardpipe.model.finding import Finding

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

# millimetres
WIDTH, HEIGHT = 194.0, 262.0
CELL_WIDTH, CELL_HEIGHT = 14.0, 20.5
COLUMNS = 12
LEFT, TOP = 13.0, 13.0
BASELINE = 12.6  # below a cell's upper edge
X_HEIGHT = 4.2  # of the guides; a person may write larger or smaller
MARKER = 11.0
SEAM = TOP + 6 * CELL_HEIGHT  # a row's edge at the middle markers: above and below it the paper may lie differently

DENSITY = 12  # pixels a millimetre of a flattened page
PAGE_WIDTH, PAGE_HEIGHT = round(WIDTH * DENSITY), round(HEIGHT * DENSITY)

LOWER, UPPER, FIGURES = "abcdefghijklmnopqrstuvwxyz", "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "0123456789"
PAIRS = ("th", "tt", "ll", "ff", "oo", "ss")
TWICE, ONCE = ".,!?'-", ':;"–()&@/#$%+=*€£'
ACCENTS = {"´": "a", "`": "a", "^": "a", "¨": "a", "~": "n", "ˇ": "s", "°": "a", "¸": "c", "˛": "a", "˘": "a"}
EXTRAS = "ßæÆœŒøØłŁđĐþð"
#: Without these nobody can write a card; what else is left empty is composed or written by a fallback.
REQUIRED = frozenset(LOWER + UPPER + FIGURES + ".,!?'-")

PAGES = 2
SIGNATURES = 3
#: Upper left, upper right, lower right, lower left, then the middle of the left and of the right side.
PLACES = ("upper left", "upper right", "lower right", "lower left", "middle left", "middle right")
DICTIONARY = 4  # of OpenCV: DICT_5X5_50
MODULES = 7  # of a marker, its black border included


@dataclass(frozen=True, slots=True)
class Cell:
    """A place for one sample of ``text``. ``x``, ``y`` are its upper left corner; ``sample`` counts from 0."""

    text: str
    sample: int
    page: int
    x: float
    y: float
    kind: Literal["letter", "accent", "pair"] = "letter"

    @property
    def baseline(self) -> float:
        return self.y + BASELINE

    @property
    def where(self) -> str:
        """Its place as a person finds it."""
        row, column = round((self.y - TOP) / CELL_HEIGHT) + 1, round((self.x - LEFT) / CELL_WIDTH) + 1
        return f"page {self.page}, row {row}, column {column}"


@cache
def cells() -> tuple[Cell, ...]:
    """All cells of the form in reading order."""
    made: list[Cell] = []
    for page, row, wanted in (
        (1, 0, [(c, 3, "letter") for c in LOWER] + [(c, 2, "letter") for c in UPPER]),
        (1, 11, [(pair, 2, "pair") for pair in PAIRS]),
        (2, 0, [(c, 2, "letter") for c in FIGURES + TWICE] + [(c, 1, "letter") for c in ONCE]
         + [(c, 1, "accent") for c in ACCENTS] + [(c, 1, "letter") for c in EXTRAS]),
    ):  # fmt: skip
        place = row * COLUMNS
        for text, samples, kind in wanted:
            for sample in range(samples):
                down, along = divmod(place, COLUMNS)
                x, y = LEFT + along * CELL_WIDTH, TOP + down * CELL_HEIGHT
                made.append(Cell(text, sample, page, x, y, kind))  # type: ignore[arg-type]
                place += 1
    return tuple(made)


@cache
def signature_boxes() -> tuple[tuple[float, float, float, float], ...]:
    """Left, top, width and height of the boxes for signatures, on the last page."""
    return tuple((LEFT, SEAM + 9 + number * 37.0, COLUMNS * CELL_WIDTH, 34.0) for number in range(SIGNATURES))


def marker_id(page: int, place: int) -> int:
    """The number that a marker shows: its page and its place."""
    return (page - 1) * len(PLACES) + place


def marker_corner(place: int) -> tuple[float, float]:
    """A marker's upper left corner."""
    right, below = WIDTH - MARKER, HEIGHT - MARKER
    middle = SEAM - MARKER / 2
    return ((0.0, 0.0), (right, 0.0), (right, below), (0.0, below), (0.0, middle), (right, middle))[place]


@dataclass(frozen=True, slots=True)
class FlatPage:
    """A filled page, photographed and laid flat. ``level`` has :data:`DENSITY` pixels a millimetre of the live area,
    255 is bare paper. ``density`` is what the photo itself gave at its worst corner, in pixels a millimetre."""

    number: int
    level: bytes = field(repr=False)
    density: float
    findings: tuple[Finding, ...] = ()

    def pixels(self) -> NDArray[np.uint8]:
        """The page as rows and columns."""
        import numpy as np

        return np.frombuffer(self.level, np.uint8).reshape(PAGE_HEIGHT, PAGE_WIDTH)
