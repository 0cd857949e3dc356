"""Lengths, sizes and boxes. The only file that knows that an inch has 72 points.

A length is a plain float in PostScript points (1/72 inch, ISO 32000-1 clause 8.3.2.3); text such as
``"3mm"`` becomes one at the edge of the program and nowhere else.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TypeAlias

Points: TypeAlias = float

POINTS_PER_INCH = 72.0
_PER_UNIT = {"pt": 1.0, "in": POINTS_PER_INCH, "mm": POINTS_PER_INCH / 25.4, "cm": POINTS_PER_INCH / 2.54}
_LENGTH = re.compile(r"^\s*(-?\d+(?:\.\d+)?)\s*(mm|cm|in|pt)\s*$")


def inch(value: float) -> Points:
    """Inches to points."""
    return value * POINTS_PER_INCH


def mm(value: float) -> Points:
    """Millimetres to points."""
    return value * _PER_UNIT["mm"]


def to_mm(value: Points) -> float:
    """Points to millimetres."""
    return value / _PER_UNIT["mm"]


def to_inch(value: Points) -> float:
    """Points to inches."""
    return value / POINTS_PER_INCH


def parse_length(text: str) -> Points:
    """Read a length that carries its unit: ``"3mm"``, ``"0.125in"``, ``"9pt"``, ``"1.2cm"``.

    Raises ValueError, which names the remedy, for a bare number or an unknown unit.
    """
    match = _LENGTH.match(text) if isinstance(text, str) else None
    if not match:
        raise ValueError(f"{text!r} is not a length; write a number and a unit, such as '3mm', '0.125in' or '9pt'")
    return float(match.group(1)) * _PER_UNIT[match.group(2)]


def ppi(pixels: float, length: Points) -> float:
    """Effective resolution, in pixels per inch, of that many pixels laid along a length."""
    return pixels / to_inch(length)


def num(value: float) -> str:
    """A coordinate as it is written into a page: quantised to 0.001 pt, no exponent, no trailing zeros.

    Quantising is what makes two renders byte-identical although sums were taken in another order.
    """
    text = f"{value:.3f}".rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text


@dataclass(frozen=True, slots=True)
class Size:
    """Width and height in points."""

    width: Points
    height: Points

    def turned(self) -> Size:
        """The same size after a quarter turn."""
        return Size(self.height, self.width)


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle in points. On a page the origin is the lower left of the MediaBox and y grows upwards;
    in a panel (see ``prepress.format``) the origin is its upper left and y grows downwards."""

    x: Points
    y: Points
    width: Points
    height: Points

    @property
    def right(self) -> Points:
        return self.x + self.width

    @property
    def top(self) -> Points:
        """The edge with the larger y: the upper one on a page, the lower one in a panel."""
        return self.y + self.height

    @property
    def size(self) -> Size:
        return Size(self.width, self.height)

    def inset(self, by: Points) -> Box:
        """The box smaller by ``by`` on all four sides (larger where ``by`` is negative)."""
        return Box(self.x + by, self.y + by, self.width - 2 * by, self.height - 2 * by)

    def contains(self, other: Box, slack: Points = 0.01) -> bool:
        """Whether ``other`` lies inside, with ``slack`` points of tolerance for rounding."""
        return (
            other.x >= self.x - slack
            and other.y >= self.y - slack
            and other.right <= self.right + slack
            and other.top <= self.top + slack
        )

    def overlaps(self, other: Box, slack: Points = 0.01) -> bool:
        """Whether the two share more than an edge."""
        return (
            self.x < other.right - slack
            and other.x < self.right - slack
            and self.y < other.top - slack
            and other.y < self.top - slack
        )
