"""What a content stream paints: the sketch that a walk leaves, and the graphics state that it carries along."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from cardpipe.model.units import Box
from cardpipe.preflight.colour import GRAY, Space
from cardpipe.preflight.subjects import Image, Matrix, Paint, Placement, Stream, Stroke

IDENTITY: Matrix = (1.0, 0.0, 0.0, 1.0, 0.0, 0.0)
SMALL = 200
"""A form's sketch with fewer entries is copied into the sketch of its page; a larger one is shared by reference."""


@dataclass(slots=True, eq=False)
class Sketch:
    """Everything checks ask of a content stream, without doubles. ``children`` are large forms, shared by pages.

    ``verdicts`` keeps what checks said about this sketch, so that shared art is judged once.
    """

    stream: Stream
    placements: set[Placement] = field(default_factory=set)
    paints: set[Paint] = field(default_factory=set)
    strokes: set[Stroke] = field(default_factory=set)
    marks: set[tuple[str, Box]] = field(default_factory=set)
    spaces: set[tuple[str, Space]] = field(default_factory=set)
    inline: set[Image] = field(default_factory=set)
    registration: set[Box] = field(default_factory=set)
    transparent: set[str] = field(default_factory=set)
    trouble: set[str] = field(default_factory=set)
    children: list[Sketch] = field(default_factory=list)
    verdicts: dict[Any, list[tuple[str, str, str]]] = field(default_factory=dict)

    def absorb(self, other: Sketch) -> None:
        """Take over a form's sketch."""
        self.transparent |= other.transparent
        lists: tuple[set[Any], ...] = (other.placements, other.paints, other.strokes, other.marks, other.registration)
        weight = sum(len(one) for one in lists)
        if weight > SMALL or other.children or other.trouble or other.stream.unknown or other.stream.imbalance:
            if not any(child is other for child in self.children):
                self.children.append(other)
            return
        self.placements |= other.placements
        self.paints |= other.paints
        self.strokes |= other.strokes
        self.marks |= other.marks
        self.registration |= other.registration
        self.spaces |= other.spaces
        self.inline |= other.inline

    def family(self) -> list[Sketch]:
        """This sketch and all it refers to, each once."""
        found: dict[int, Sketch] = {}
        waiting = [self]
        while waiting:
            sketch = waiting.pop()
            if id(sketch) not in found:
                found[id(sketch)] = sketch
                waiting.extend(sketch.children)
        return list(found.values())


class State:
    """The graphics state, as far as any check asks for it (ISO 32000-1, 8.4.1)."""

    __slots__ = (
        "alpha_fill",
        "alpha_stroke",
        "blend",
        "clip",
        "ctm",
        "fill",
        "font_size",
        "overprint_fill",
        "overprint_mode",
        "overprint_stroke",
        "soft_mask",
        "stroke",
        "text_matrix",
        "text_mode",
        "width",
    )

    def __init__(self, ctm: Matrix, clip: Box | None) -> None:
        self.ctm = ctm
        self.clip = clip
        self.fill: tuple[Space, tuple[float, ...]] = (GRAY, (0.0,))
        self.stroke: tuple[Space, tuple[float, ...]] = (GRAY, (0.0,))
        self.width = 1.0
        self.overprint_fill = False
        self.overprint_stroke = False
        self.overprint_mode = 0
        self.alpha_fill = 1.0
        self.alpha_stroke = 1.0
        self.blend = "Normal"
        self.soft_mask = False
        self.font_size = 0.0
        self.text_mode = 0
        self.text_matrix = IDENTITY

    def copy(self) -> State:
        twin = State.__new__(State)
        for slot in State.__slots__:
            setattr(twin, slot, getattr(self, slot))
        return twin

    def key(self) -> tuple[Any, ...]:
        """What a form inherits, for remembering what it painted; positions to 0.001."""
        return tuple(
            tuple(round(part, 3) for part in value) if slot == "ctm" else value
            for slot in State.__slots__
            if slot != "text_matrix"  # BT begins with a fresh one
            for value in (getattr(self, slot),)
        )

    def opaque(self) -> None:
        """What a transparency group begins with (ISO 32000-1, 11.6.6)."""
        self.alpha_fill = self.alpha_stroke = 1.0
        self.blend, self.soft_mask = "Normal", False


def times(inner: Matrix, outer: Matrix) -> Matrix:
    """``inner`` in the coordinates that ``outer`` maps on."""
    a, b, c, d, e, f = inner
    o, p, q, r, s, t = outer
    return (a * o + b * q, a * p + b * r, c * o + d * q, c * p + d * r, e * o + f * q + s, e * p + f * r + t)


def matrix_of(values: tuple[float, ...]) -> Matrix:
    """Six numbers as a matrix; anything else is the identity."""
    return values if len(values) == 6 else IDENTITY


def narrowest(matrix: Matrix) -> float:
    """The smaller singular value: the least that the matrix makes of a unit length."""
    a, b, c, d = matrix[:4]
    s, t = a * a + b * b + c * c + d * d, a * d - b * c
    return math.sqrt(max(0.0, (s - math.sqrt(max(0.0, s * s - 4 * t * t))) / 2))


def level_box(x: float, y: float, width: float, height: float, matrix: Matrix) -> Box | None:
    """A rectangle on the page, or None where it does not lie level there."""
    a, b, c, d, e, f = matrix
    if b == c == 0.0 and a > 0.0 < d and width >= 0.0 <= height:  # nearly always
        left, low = a * x + e, d * y + f
        wide, high = a * (x + width) + e - left, d * (y + height) + f - low
        return Box(round(left, 3), round(low, 3), round(wide, 3), round(high, 3))
    if not ((abs(b) < 1e-6 and abs(c) < 1e-6) or (abs(a) < 1e-6 and abs(d) < 1e-6)):
        return None
    x0, y0 = a * x + c * y + e, b * x + d * y + f
    x1, y1 = a * (x + width) + c * (y + height) + e, b * (x + width) + d * (y + height) + f
    return Box(round(min(x0, x1), 3), round(min(y0, y1), 3), round(abs(x1 - x0), 3), round(abs(y1 - y0), 3))


def bounds(points: Iterable[tuple[float, float]], matrix: Matrix) -> Box | None:
    """The level box about points on the page, or None for no points."""
    a, b, c, d, e, f = matrix
    placed = [(a * x + c * y + e, b * x + d * y + f) for x, y in points]
    if not placed:
        return None
    left, bottom = min(x for x, _ in placed), min(y for _, y in placed)
    return Box(
        round(left, 3), round(bottom, 3),
        round(max(x for x, _ in placed) - left, 3), round(max(y for _, y in placed) - bottom, 3),
    )  # fmt: skip


def meet(one: Box, other: Box) -> Box:
    """What two boxes have in common; an empty box at the first one's corner where that is nothing."""
    if one.width > 0.0 < one.height and other.contains(one, 0.0):
        return one
    x, y = max(one.x, other.x), max(one.y, other.y)
    right, top = min(one.right, other.right), min(one.top, other.top)
    return Box(x, y, right - x, top - y) if right > x and top > y else Box(one.x, one.y, 0.0, 0.0)
