"""The sameness meter: how alike two writings of one message are, letter by letter and as pages.

What gives a machine away is that its letters repeat. So shapes are compared, not places: each letter of one writing is
laid upon the same letter of the other, shifted to where they agree best, and the share of ink that they have in common
is taken (L. R. Dice, "Measures of the Amount of Ecologic Association Between Species", Ecology 26, 1945: twice what is
common, by the sum of both). 1.0 says that a font was printed; what two people's letters have in common, the foot of the
scale, is measured by comparing two hands.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from cardpipe.model.errors import Bug, Refused
from cardpipe.prepress.hand import UNIT, Writing
from cardpipe.prepress.outline import Floats
from cardpipe.prepress.typeset import Layout

Shape: TypeAlias = list[Floats]
"""The contours of one written letter: closed polylines in points."""
Key: TypeAlias = tuple[str, int]
"""What says that two letters are the same: the font's digest and the glyph."""

FINE = 20  # pixels to an x-height: a pen's line of 0.35 mm is some 2.4 of them
_SEARCH = 2  # pixels to each side of where the middles of both letters meet
_SIXTEENTH = 4  # binary places below the pixel that corners are given with
_CURVE = np.linspace(0.0, 1.0, 7)[1:]


@dataclass(frozen=True, slots=True)
class Sameness:
    """Shares from 0 to 1. ``page``: ink that lies on ink when both pages are laid upon each other. ``letters``: of each
    letter's shape, with the same one of the other writing. ``twins``: of each letter's shape with the next one of its
    kind in the *same* writing (nothing where none comes twice). ``counted`` letters, ``pairs`` of twins."""

    page: float
    letters: float
    twins: float | None
    counted: int
    pairs: int


def shapes(writing: Writing) -> list[Shape]:
    """The letters of a writing in writing order, without those that have no ink."""
    found: list[Shape] = []
    x = y = 0.0
    points: list[tuple[float, float]] = []
    shape: Shape = []

    def close() -> None:
        if len(points) > 2:
            shape.append(np.array(points) * UNIT)
        points.clear()

    for row in writing.path.decode().split("\n")[1:]:
        *figures, operator = row.split(" ") if row else ("",)
        at = [float(figure) for figure in figures]
        if operator == "cm":
            x, y = x + at[4], y + at[5]
        elif operator == "m":
            close()
            points.append((x + at[0], y + at[1]))
        elif operator == "l":
            points.append((x + at[0], y + at[1]))
        elif operator == "c":
            points += _curve(points[-1], [(x + at[i], y + at[i + 1]) for i in (0, 2, 4)])
        elif operator == "f":
            close()
            found.append(shape)
            shape = []
        elif operator:
            raise Bug(f"the path of a writing holds {operator!r}")
    return found


def compare(layout: Layout, one: Writing, other: Writing) -> Sameness:
    """How alike two writings of one layout are. Raises Bug for writings of different layouts."""
    mine, theirs, order = shapes(one), shapes(other), keys(layout)
    if not len(mine) == len(theirs) == len(order):
        raise Bug(f"writings of {len(mine)} and {len(theirs)} letters for a layout of {len(order)}")
    scale = FINE / layout.x_height
    alike = [_common(a, b, scale) for a, b in zip(mine, theirs, strict=True)]
    before: dict[Key, Shape] = {}
    twins: list[float] = []
    for key, shape in zip(order, mine, strict=True):
        if key in before:
            twins.append(_common(before[key], shape, scale))
        before[key] = shape
    width, height = round(layout.frame.width * scale / 2), round(layout.frame.height * scale / 2)
    pages = [_ink([line for shape in row for line in shape], scale / 2, (0.0, 0.0), (width, height))
             for row in (mine, theirs)]  # fmt: skip
    return Sameness(_dice(pages[0], pages[1]), _mean(alike), _mean(twins) if twins else None, len(alike), len(twins))


def alphabet(layout: Layout, writing: Writing) -> dict[str, Shape]:
    """One shape for each character, in x-heights: of words whose every character is one glyph."""
    found: dict[str, Shape] = {}
    drawn = iter(shapes(writing))
    for line in layout.lines:
        for _, word in line.words:
            inked = [glyph for glyph in word.glyphs if not word.face.font.outlines([glyph])[glyph].empty]
            row = [next(drawn) for _ in inked]
            if len(row) == len(word.text):
                for character, shape in zip(word.text, row, strict=True):
                    found.setdefault(character, [contour / layout.x_height for contour in shape])
    return found


def in_common(one: dict[str, Shape], other: dict[str, Shape]) -> float:
    """What the letters of two alphabets have in common on average, 0 to 1. Raises Refused where they share none."""
    shared = sorted(one.keys() & other.keys())
    if not shared:
        raise Refused("the two alphabets have no letter in common; write the same message in both")
    return _mean(_common(one[letter], other[letter], FINE) for letter in shared)


def keys(layout: Layout) -> list[Key]:
    """Which letters a layout has, in writing order: those with ink alone."""
    return [
        (word.face.font.digest, glyph)
        for line in layout.lines
        for _, word in line.words
        for glyph in word.glyphs
        if not word.face.font.outlines([glyph])[glyph].empty
    ]


def _curve(start: tuple[float, float], ends: list[tuple[float, float]]) -> list[tuple[float, float]]:
    t, v = _CURVE[:, None], 1 - _CURVE[:, None]
    a, b, c, d = (np.array(point) for point in (start, *ends))
    line = v * v * v * a + 3 * v * v * t * b + 3 * v * t * t * c + t * t * t * d
    return [(float(x), float(y)) for x, y in line]


def _common(one: Shape, other: Shape, scale: float) -> float:
    """The best share over a few shifts round the place where the middles of both boxes meet."""
    boxes = [_box(shape) for shape in (one, other)]
    pad = _SEARCH + 2
    width, height = (int(max(box[2 + axis] for box in boxes) * scale) + 2 * pad + 1 for axis in (0, 1))
    inks = []
    for shape, (x, y, wide, high) in zip((one, other), boxes, strict=True):
        corner = (x - (width / scale - wide) / 2, y - (height / scale - high) / 2)
        inks.append(_ink(shape, scale, corner, (width, height)))
    still, moved = inks
    most = 0.0
    for down in range(-_SEARCH, _SEARCH + 1):
        for right in range(-_SEARCH, _SEARCH + 1):
            most = max(most, _dice(still, np.roll(moved, (down, right), axis=(0, 1))))
    return most


def _box(shape: Shape) -> tuple[float, float, float, float]:
    points = np.concatenate(shape)
    low, high = points.min(axis=0), points.max(axis=0)
    return float(low[0]), float(low[1]), float(high[0] - low[0]), float(high[1] - low[1])


def _ink(shape: Shape, scale: float, corner: tuple[float, float], size: tuple[int, int]) -> NDArray[np.bool_]:
    """Filled by the nonzero rule, as the press fills it (ISO 32000-1, 8.5.3.3.2): contours add up by their turn."""
    import cv2

    winding = np.zeros((size[1], size[0]), np.int16)
    for line in shape:
        turn = line[:, 0] * np.roll(line[:, 1], -1) - np.roll(line[:, 0], -1) * line[:, 1]
        corners = np.rint((line - corner) * scale * (1 << _SIXTEENTH)).astype(np.int32)
        one = np.zeros((size[1], size[0]), np.uint8)
        cv2.fillPoly(one, [corners], 1, shift=_SIXTEENTH)
        winding += np.int16(1 if turn.sum() > 0 else -1) * one.astype(np.int16)
    return np.asarray(winding != 0)


def _mean(shares: Iterable[float]) -> float:
    return float(np.mean(list(shares)))


def _dice(one: NDArray[np.bool_], other: NDArray[np.bool_]) -> float:
    both = int(one.sum()) + int(other.sum())
    return 2 * int((one & other).sum()) / both if both else 0.0
