"""Filled shapes in x-heights that can be moved, turned, taken apart and laid together: what letters are made of."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from cardpipe.prepress.outline import Outline

Floats = NDArray[np.float64]

_TAKES = {"m": 1, "l": 1, "c": 3}
_STEP = 0.04  # x-heights between two points of a shape that is measured


@dataclass(frozen=True, slots=True, eq=False)
class Shape:
    """Closed contours: ``points`` in drawing order, ``kinds`` as in :class:`cardpipe.prepress.outline.Outline`."""

    points: Floats
    kinds: str

    @staticmethod
    def of(outline: Outline) -> Shape:
        """The outline as a shape; its origin becomes (0, 0)."""
        return Shape(np.stack([outline.x[1:], outline.y[1:]], axis=1), outline.kinds)

    @staticmethod
    def together(shapes: Iterable[Shape]) -> Shape:
        """All of them as one."""
        parts = list(shapes)
        if not parts:
            return NOTHING
        return Shape(np.concatenate([part.points for part in parts]), "".join(part.kinds for part in parts))

    def moved(self, x: float, y: float = 0.0) -> Shape:
        """The shape elsewhere."""
        return Shape(self.points + np.array([x, y]), self.kinds)

    def scaled(self, across: float, up: float | None = None) -> Shape:
        """Larger or smaller, or mirrored, about its own middle."""
        middle = self.middle
        return Shape((self.points - middle) * (across, across if up is None else up) + middle, self.kinds)

    def turned(self, degrees: float) -> Shape:
        """Turned to the left about its own middle."""
        c, s = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
        return Shape((self.points - self.middle) @ np.array([[c, s], [-s, c]]) + self.middle, self.kinds)

    def contours(self) -> list[Shape]:
        """Each contour as a shape of its own."""
        made, start, at = [], 0, 0
        for index, kind in enumerate(self.kinds):
            if kind == "m" and index:
                made.append((start, at, index))
                start = at
            at += _TAKES[kind]
        made.append((start, at, len(self.kinds)))
        first = 0
        shapes = []
        for begin, end, last in made:
            shapes.append(Shape(self.points[begin:end], self.kinds[first:last]))
            first = last
        return [shape for shape in shapes if shape.kinds]

    def segments(self) -> Iterator[tuple[str, list[tuple[float, float]]]]:
        """Operators with their points."""
        at = 0
        for kind in self.kinds:
            takes = _TAKES[kind]
            yield kind, [(float(x), float(y)) for x, y in self.points[at : at + takes]]
            at += takes

    def line(self) -> Floats:
        """Points along the contours, close enough to measure by."""
        return _line(self)

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """Left, bottom, right, top of the ink."""
        line = self.line()
        (left, bottom), (right, top) = line.min(axis=0), line.max(axis=0)
        return float(left), float(bottom), float(right), float(top)

    @property
    def middle(self) -> tuple[float, float]:
        left, bottom, right, top = self.bounds
        return (left + right) / 2, (bottom + top) / 2


@lru_cache(maxsize=512)
def _line(shape: Shape) -> Floats:
    made: list[Floats] = []
    here = start = np.zeros(2)
    for kind, given in shape.segments():
        if kind == "m":
            if made:
                made.append(_along(here, start))
            start = np.array(given[0])
            made.append(start[None])
        else:
            made.append(_along(here, *(np.array(point) for point in given)))
        here = made[-1][-1]
    if not made:
        return np.zeros((0, 2))
    return np.concatenate([*made, _along(here, start)])


def _along(here: Floats, *points: Floats) -> Floats:
    """Points on a line or a cubic from ``here``, that one left out, none farther from the next than a step."""
    length = sum(float(np.hypot(*(b - a))) for a, b in zip((here, *points), points, strict=False))
    t = np.linspace(0, 1, max(2, math.ceil(length / _STEP)) + 1)[1:, None]
    v = 1 - t
    if len(points) == 1:
        return np.asarray(v * here + t * points[0])
    one, two, end = points
    return np.asarray(v**3 * here + 3 * v * v * t * one + 3 * v * t * t * two + t**3 * end)


NOTHING = Shape(np.zeros((0, 2)), "")


def span(shape: Shape, low: float, high: float) -> tuple[float, float] | None:
    """Left and right end of the ink between two heights; None where there is none."""
    line = shape.line()
    inside = line[(line[:, 1] >= low) & (line[:, 1] <= high), 0]
    return (float(inside.min()), float(inside.max())) if len(inside) else None


def reach(shape: Shape, left: float, right: float) -> tuple[float, float] | None:
    """Lowest and highest ink between two places; None where there is none."""
    line = shape.line()
    inside = line[(line[:, 0] >= left) & (line[:, 0] <= right), 1]
    return (float(inside.min()), float(inside.max())) if len(inside) else None
