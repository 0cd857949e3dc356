"""Chance, tamed: curated seeds, points that keep their distance, and confetti made of them."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from typing import TypeVar

from kit import Ink, Panel
from paths import Path, Point, ellipse, polygon, rounded, sector, smooth

_T = TypeVar("_T")


class Dice:
    """Repeatable chance. Only ``random()`` is used, whose sequence Python promises to keep for a seed."""

    def __init__(self, seed: int) -> None:
        self._roll = random.Random(seed).random

    def between(self, low: float, high: float) -> float:
        """A number from low to high."""
        return low + (high - low) * self._roll()

    def about(self, middle: float, spread: float) -> float:
        """A number near the middle."""
        return middle + spread * (self._roll() + self._roll() - 1)

    def pick(self, things: Sequence[_T]) -> _T:
        """One of them."""
        return things[int(self._roll() * len(things))]


def spread(
    dice: Dice, box: tuple[float, float, float, float], gap: Callable[[float, float], float | None], tries: int = 6000
) -> list[Point]:
    """Points in a box (left, bottom, right, top) that keep ``gap(x, y)`` from one another; None keeps a place empty."""
    found: list[tuple[float, float, float]] = []
    for _ in range(tries):
        x, y = dice.between(box[0], box[2]), dice.between(box[1], box[3])
        own = gap(x, y)
        if own is not None and all(math.hypot(x - a, y - b) >= max(own, g) for a, b, g in found):
            found.append((x, y, own))
    return [(x, y) for x, y, _ in found]


def _squiggle(size: float) -> Path:
    return smooth([(-1.1 * size, 0), (-0.55 * size, 0.5 * size), (0, 0), (0.55 * size, -0.5 * size), (1.1 * size, 0)])


def confetti(panel: Panel, dice: Dice, points: list[Point], inks: Sequence[Ink], size: float) -> None:
    """One piece at each point; near neighbours never share a shape or an ink."""
    laid: list[tuple[float, float, int, Ink]] = []
    for x, y in points:
        kind, ink = int(dice.between(0, 6)), dice.pick(inks)
        near = sorted(laid, key=lambda piece: math.hypot(piece[0] - x, piece[1] - y))[:2]
        while any(kind == piece[2] or ink == piece[3] for piece in near):
            kind, ink = int(dice.between(0, 6)), dice.pick(inks)
        laid.append((x, y, kind, ink))
        turn, s = dice.between(0, 360), size * dice.between(0.85, 1.15)
        if kind == 0:
            panel.fill(ellipse(x, y, s * 0.62), ink)
        elif kind == 1:
            panel.fill(rounded(-s, -s * 0.3, 2 * s, s * 0.6, s * 0.3).at(x, y, turn), ink)
        elif kind == 2:
            panel.fill(polygon([(-s * 0.85, -s * 0.6), (s * 0.85, -s * 0.5), (0, s * 0.95)]).at(x, y, turn), ink)
        elif kind == 3:
            panel.stroke(_squiggle(s).at(x, y, turn), ink, max(s * 0.42, 0.5))
        elif kind == 4:
            panel.fill(sector(0, -s * 0.4, s * 1.1, 0, 180).at(x, y, turn), ink)
        else:
            ring = ellipse(x, y, s * 0.66)
            panel.stroke(ring, ink, max(s * 0.36, 0.5))
