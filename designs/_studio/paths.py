"""Outlines: the one shape everything in the studio is made of.

A path is a list of moves, lines, cubic curves and closings in points, y upwards. It knows how to be moved, turned,
scaled and measured; it knows nothing of ink or paper.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

Point = tuple[float, float]
_ROUND = 0.5522847498  # the length of a cubic's handle for a quarter of a circle of radius 1


class Path:
    """An outline of one or more contours."""

    def __init__(self) -> None:
        self.ops: list[tuple[str, tuple[Point, ...]]] = []

    def move(self, x: float, y: float) -> Path:
        """Begin a contour."""
        self.ops.append(("m", ((x, y),)))
        return self

    def line(self, x: float, y: float) -> Path:
        """Go straight on."""
        self.ops.append(("l", ((x, y),)))
        return self

    def curve(self, x1: float, y1: float, x2: float, y2: float, x: float, y: float) -> Path:
        """Go on in a cubic curve."""
        self.ops.append(("c", ((x1, y1), (x2, y2), (x, y))))
        return self

    def close(self) -> Path:
        """Return to where the contour began."""
        self.ops.append(("h", ()))
        return self

    def add(self, *others: Path) -> Path:
        """Take the contours of other paths into this one."""
        for other in others:
            self.ops.extend(other.ops)
        return self

    def through(self, a: float, b: float, c: float, d: float, e: float, f: float) -> Path:
        """A copy, sent through the matrix of PDF's ``cm``."""
        out = Path()
        out.ops = [(op, tuple((a * x + c * y + e, b * x + d * y + f) for x, y in pts)) for op, pts in self.ops]
        return out

    def at(self, x: float, y: float, turn: float = 0.0, scale: float = 1.0, flip: bool = False) -> Path:
        """A copy with its origin at x, y, turned by degrees, scaled, and mirrored top to bottom if ``flip``."""
        cos, sin = math.cos(math.radians(turn)) * scale, math.sin(math.radians(turn)) * scale
        side = -1 if flip else 1
        return self.through(cos, sin, -sin * side, cos * side, x, y)

    def points(self) -> list[Point]:
        """Points along the outline, close enough to measure by."""
        out: list[Point] = []
        for op, pts in self.ops:
            if op == "c" and out:
                (x0, y0), (x1, y1), (x2, y2), (x3, y3) = out[-1], *pts
                for i in range(1, 13):
                    t = i / 12
                    s = 1 - t
                    out.append(
                        (
                            s**3 * x0 + 3 * s * s * t * x1 + 3 * s * t * t * x2 + t**3 * x3,
                            s**3 * y0 + 3 * s * s * t * y1 + 3 * s * t * t * y2 + t**3 * y3,
                        )
                    )
            else:
                out.extend(pts)
        return out

    def bounds(self) -> tuple[float, float, float, float]:
        """Left, bottom, right, top of the drawn shape."""
        xs, ys = zip(*self.points(), strict=True)
        return min(xs), min(ys), max(xs), max(ys)

    def centred(self, x: float, baseline: float) -> Path:
        """A copy whose ink, not its advance, is centred on x, and whose origin's height is the baseline."""
        left, _, right, _ = self.bounds()
        return self.at(x - (left + right) / 2, baseline)


def polygon(points: Iterable[Point]) -> Path:
    """A closed shape of straight sides."""
    out = Path()
    for i, (x, y) in enumerate(points):
        (out.line if i else out.move)(x, y)
    return out.close()


def polyline(points: Iterable[Point]) -> Path:
    """The same, left open, for strokes."""
    out = Path()
    for i, (x, y) in enumerate(points):
        (out.line if i else out.move)(x, y)
    return out


def smooth(points: Sequence[Point], closed: bool = False) -> Path:
    """A soft line through all the points (Catmull-Rom as cubics)."""
    n = len(points)

    def at(i: int) -> Point:
        return points[i % n] if closed else points[min(max(i, 0), n - 1)]

    out = Path().move(*points[0])
    for i in range(n if closed else n - 1):
        p0, p1, p2, p3 = at(i - 1), at(i), at(i + 1), at(i + 2)
        out.curve(
            p1[0] + (p2[0] - p0[0]) / 6, p1[1] + (p2[1] - p0[1]) / 6,
            p2[0] - (p3[0] - p1[0]) / 6, p2[1] - (p3[1] - p1[1]) / 6, *p2,
        )  # fmt: skip
    return out.close() if closed else out


def rect(x: float, y: float, width: float, height: float) -> Path:
    """A box from its lower left corner."""
    return polygon([(x, y), (x + width, y), (x + width, y + height), (x, y + height)])


def rounded(x: float, y: float, width: float, height: float, r: float) -> Path:
    """A box with round corners."""
    k = r * (1 - _ROUND)
    right, top = x + width, y + height
    out = Path().move(x + r, y).line(right - r, y).curve(right - k, y, right, y + k, right, y + r)
    out.line(right, top - r).curve(right, top - k, right - k, top, right - r, top)
    out.line(x + r, top).curve(x + k, top, x, top - k, x, top - r)
    return out.line(x, y + r).curve(x, y + k, x + k, y, x + r, y).close()


def ellipse(x: float, y: float, rx: float, ry: float | None = None) -> Path:
    """An ellipse, or a circle, about its centre."""
    ry = rx if ry is None else ry
    kx, ky = rx * _ROUND, ry * _ROUND
    out = Path().move(x + rx, y).curve(x + rx, y + ky, x + kx, y + ry, x, y + ry)
    out.curve(x - kx, y + ry, x - rx, y + ky, x - rx, y).curve(x - rx, y - ky, x - kx, y - ry, x, y - ry)
    return out.curve(x + kx, y - ry, x + rx, y - ky, x + rx, y).close()


def sector(x: float, y: float, r: float, start: float, sweep: float) -> Path:
    """A slice of a disc, in degrees."""
    steps = max(1, math.ceil(abs(sweep) / 45))
    step = math.radians(sweep / steps)
    k = 4 / 3 * math.tan(step / 4) * r
    angle = math.radians(start)
    out = Path().move(x, y).line(x + r * math.cos(angle), y + r * math.sin(angle))
    for _ in range(steps):
        after = angle + step
        out.curve(
            x + r * math.cos(angle) - k * math.sin(angle), y + r * math.sin(angle) + k * math.cos(angle),
            x + r * math.cos(after) + k * math.sin(after), y + r * math.sin(after) - k * math.cos(after),
            x + r * math.cos(after), y + r * math.sin(after),
        )  # fmt: skip
        angle = after
    return out.close()
