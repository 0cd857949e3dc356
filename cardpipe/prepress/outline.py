"""Glyph outlines made light: TrueType's many small quadratics become few cubics, once a font.

A handwriting font draws a letter with 35 to 120 quadratic segments; written out for a message that is up to 700 kB.
Here every contour is sampled evenly, cut at its corners and fitted anew with cubics (P. J. Schneider, "An Algorithm
for Automatically Fitting Digitized Curves", Graphics Gems, 1990), all spans of all asked-for glyphs in one numpy pass.

Unit: the font's x-height. 1.0 is the height of its x, so an outline of any hand is scaled by the x-height in points.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Floats: TypeAlias = npt.NDArray[np.float64]
Ints: TypeAlias = npt.NDArray[np.int64]

TOLERANCE = 0.008
"""How far the light outline may leave the font's: 0.008 x-heights are 0.023 mm at 2.9 mm; a pen's line has 0.35 mm."""

_STEP = 0.012  # distance of the samples on a contour, in x-heights
_REACH = 3  # samples to either side that a tangent is taken from
_CORNER = 0.68  # cosine of the turn (47 degrees) from which a joint is a corner
_SAMPLES = 17  # points a span is fitted to
_GRID = 4096.0  # outlines are quantised to this part of an x-height


@dataclass(frozen=True, slots=True, eq=False)
class Outline:
    """One glyph's filled path: the glyph's origin, then the points in drawing order.

    ``kinds`` says what the points after the origin belong to: ``m`` and ``l`` take one, ``c`` takes three. Contours
    close themselves when filled (ISO 32000-1, 8.5.3.3.1). ``pattern`` is the same as a template of PDF operators that
    moves to the origin and fills; it wants one pair of whole numbers a point.
    """

    x: Floats
    y: Floats
    kinds: str
    pattern: str

    @property
    def empty(self) -> bool:
        return not self.kinds


_ORIGIN = "1 0 0 1 %d %d cm\n"
_PATTERN = {"m": "%d %d m\n", "l": "%d %d l\n", "c": "%d %d %d %d %d %d c\n"}
BLANK = Outline(np.zeros(1), np.zeros(1), "", _ORIGIN)

Segment: TypeAlias = tuple[float, ...]
Contour: TypeAlias = list[Segment]
"""A start point, then per segment its points: two numbers are a line, four a quadratic, six a cubic."""


def _flatten(contour: Contour) -> Floats:
    """The contour as a closed polyline, finer than the samples taken from it."""
    points: list[tuple[float, float]] = [(contour[0][0], contour[0][1])]
    for segment in contour[1:]:
        x0, y0 = points[-1]
        if len(segment) == 4:
            cx, cy, x1, y1 = segment
            for step in (1, 2, 3, 4):
                t = step / 4
                a, b, c = (1 - t) * (1 - t), 2 * t * (1 - t), t * t
                points.append((a * x0 + b * cx + c * x1, a * y0 + b * cy + c * y1))
        elif len(segment) == 6:
            ax, ay, bx, by, x1, y1 = segment
            for step in range(1, 9):
                t = step / 8
                a, b, c, d = (1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t * t * (1 - t), t**3
                points.append((a * x0 + b * ax + c * bx + d * x1, a * y0 + b * ay + c * by + d * y1))
        else:
            points.append((segment[0], segment[1]))
    if points[-1] != points[0]:
        points.append(points[0])
    return np.array(points)


def _turn(ring: Floats, reach: int) -> Floats:
    """Cosine of the change of direction at each point of a ring: 1 goes straight on, -1 turns back."""
    before, after = ring - np.roll(ring, reach, axis=0), np.roll(ring, -reach, axis=0) - ring
    size = np.hypot(before[:, 0], before[:, 1]) * np.hypot(after[:, 0], after[:, 1])
    cosine: Floats = (before[:, 0] * after[:, 0] + before[:, 1] * after[:, 1]) / np.maximum(size, 1e-12)
    return cosine


def _sample(line: Floats) -> tuple[Floats, Ints] | None:
    """Even samples round a closed polyline, first point repeated at the end, and the indices where spans begin."""
    steps = np.hypot(np.diff(line[:, 0]), np.diff(line[:, 1]))
    along = np.concatenate([[0.0], np.cumsum(steps)])
    length = float(along[-1])
    if length < 6 * _STEP:
        return None
    count = max(8, round(length / _STEP))
    at = np.arange(count) * (length / count)
    ring = np.stack([np.interp(at, along, line[:, 0]), np.interp(at, along, line[:, 1])], axis=1)
    sharp = np.flatnonzero(_turn(line[:-1], 1) < _CORNER)  # a sample falls on every sharp joint
    ring[np.floor(along[sharp] * (count / length) + 0.5).astype(np.int64) % count] = line[sharp]
    cosine = _turn(ring, 2)
    sharpest = np.minimum.reduce([np.roll(cosine, shift) for shift in (-2, -1, 1, 2)])
    corners = np.flatnonzero((cosine < _CORNER) & (cosine <= sharpest))
    if len(corners):
        ring = np.roll(ring, -int(corners[0]), axis=0)
        corners = corners - corners[0]
    return np.concatenate([ring, ring[:1]]), corners.astype(np.int64)


def _tangents(ring: Floats, corners: Ints) -> tuple[Floats, Floats]:
    """Directions leaving and arriving at each sample; they differ at corners only."""
    open_ring = ring[:-1]
    ahead = np.roll(open_ring, -_REACH, axis=0)
    behind = np.roll(open_ring, _REACH, axis=0)
    leaving = ahead - behind
    arriving = leaving.copy()
    leaving[corners] = (ahead - open_ring)[corners]
    arriving[corners] = (open_ring - behind)[corners]
    for way in (leaving, arriving):
        way /= np.maximum(np.hypot(way[:, 0], way[:, 1]), 1e-12)[:, None]
    return np.concatenate([leaving, leaving[:1]]), np.concatenate([arriving, arriving[:1]])


def _fit(points: Floats, first: Floats, last: Floats) -> tuple[Floats, Floats, Ints]:
    """Cubics through spans of samples (spans x samples x 2) with given end tangents: controls, errors, worst sample."""
    start, end = points[:, 0], points[:, -1]
    chord = np.hypot(end[:, 0] - start[:, 0], end[:, 1] - start[:, 1])
    u = np.broadcast_to(np.linspace(0.0, 1.0, points.shape[1]), points.shape[:2]).copy()
    for attempt in range(3):
        v = 1 - u
        b0, b1, b2, b3 = v * v * v, 3 * u * v * v, 3 * u * u * v, u * u * u
        rest = points - start[:, None] * (b0 + b1)[..., None] - end[:, None] * (b2 + b3)[..., None]
        along_first = rest[..., 0] * first[:, None, 0] + rest[..., 1] * first[:, None, 1]
        along_last = rest[..., 0] * last[:, None, 0] + rest[..., 1] * last[:, None, 1]
        c11, c22 = (b1 * b1).sum(axis=1), (b2 * b2).sum(axis=1)
        c12 = (b1 * b2).sum(axis=1) * (first[:, 0] * last[:, 0] + first[:, 1] * last[:, 1])
        x1, x2 = (b1 * along_first).sum(axis=1), (b2 * along_last).sum(axis=1)
        det = c11 * c22 - c12 * c12
        safe = np.where(np.abs(det) < 1e-12, 1.0, det)
        reach1, reach2 = (x1 * c22 - x2 * c12) / safe, (c11 * x2 - c12 * x1) / safe
        bad = (np.abs(det) < 1e-12) | (reach1 < 0.05 * chord) | (reach2 > -0.05 * chord)
        reach1, reach2 = np.where(bad, chord / 3, reach1), np.where(bad, -chord / 3, reach2)
        one, two = start + reach1[:, None] * first, end + reach2[:, None] * last
        control = np.stack([start, one, two, end], axis=1)
        curve = (
            b0[..., None] * start[:, None]
            + b1[..., None] * one[:, None]
            + b2[..., None] * two[:, None]
            + b3[..., None] * end[:, None]
        )
        off = curve - points
        if attempt < 2:  # Newton's step towards the nearest parameter
            d1 = 3 * (
                (v * v)[..., None] * (one - start)[:, None]
                + (2 * u * v)[..., None] * (two - one)[:, None]
                + (u * u)[..., None] * (end - two)[:, None]
            )
            d2 = 6 * (v[..., None] * (two - 2 * one + start)[:, None] + u[..., None] * (end - 2 * two + one)[:, None])
            top = (off * d1).sum(axis=2)
            low = (d1 * d1).sum(axis=2) + (off * d2).sum(axis=2)
            u = np.clip(u - np.where(np.abs(low) < 1e-9, 0.0, top / np.where(np.abs(low) < 1e-9, 1.0, low)), 0.0, 1.0)
    error = (off * off).sum(axis=2)
    return control, error.max(axis=1), error[:, 1:-1].argmax(axis=1) + 1


def lighten(glyphs: Sequence[Sequence[Contour]], tolerance: float = TOLERANCE) -> list[Outline]:
    """Fit every glyph's contours (in x-heights) anew; a glyph without ink becomes :data:`BLANK`.

    Contours smaller than a few samples (specks that no press holds) are dropped.
    """
    owners: list[int] = []  # contour -> glyph
    rings: list[Floats] = []
    leaving_parts: list[Floats] = []
    arriving_parts: list[Floats] = []
    begins: list[int] = []
    ends: list[int] = []
    contour_of: list[int] = []
    base = 0
    for number, contours in enumerate(glyphs):
        for contour in contours:
            sampled = _sample(_flatten(contour)) if len(contour) > 1 else None
            if sampled is None:
                continue
            ring, corners = sampled
            leaving, arriving = _tangents(ring, corners)
            cuts = [int(cut) for cut in corners] if len(corners) else [0]
            if len(cuts) == 1:  # a closed curve in one span has no chord to fit along
                cuts.append((len(ring) - 1) // 2)
            cuts.append(len(ring) - 1)
            begins += [base + cut for cut in cuts[:-1]]
            ends += [base + cut for cut in cuts[1:]]
            contour_of += [len(owners)] * (len(cuts) - 1)
            owners.append(number)
            rings.append(ring)
            leaving_parts.append(leaving)
            arriving_parts.append(arriving)
            base += len(ring)
    if not rings:
        return [BLANK] * len(glyphs)
    spans = _divide(
        np.concatenate(rings),
        np.concatenate(leaving_parts),
        np.concatenate(arriving_parts),
        np.array(begins, dtype=np.int64),
        np.array(ends, dtype=np.int64),
        np.array(contour_of, dtype=np.int64),
        tolerance,
    )
    return _assemble(spans, owners, len(glyphs), tolerance)


def _divide(
    points: Floats, leaving: Floats, arriving: Floats, begin: Ints, end: Ints, contour: Ints, tolerance: float
) -> list[tuple[Ints, Ints, Floats]]:
    """Fit all spans at once, cut the bad ones where they are worst, and again. Returns (begin, contour, controls)."""
    fitted: list[tuple[Ints, Ints, Floats]] = []
    share = np.linspace(0.0, 1.0, _SAMPLES)
    while len(begin):
        at = begin[:, None] + np.floor((end - begin)[:, None] * share + 0.5).astype(np.int64)
        control, error, worst = _fit(points[at], leaving[begin], arriving[end])
        good = (error <= tolerance * tolerance) | (end - begin <= 3)
        fitted.append((begin[good], contour[good], control[good]))
        begin, end, contour, worst, at = (array[~good] for array in (begin, end, contour, worst, at))
        cut = at[np.arange(len(begin)), worst]
        fifth = np.maximum((end - begin) // 5, 1)
        cut = np.clip(cut, begin + fifth, end - fifth)
        begin, end, contour = np.concatenate([begin, cut]), np.concatenate([cut, end]), np.concatenate([contour] * 2)
    return fitted


def _assemble(spans: list[tuple[Ints, Ints, Floats]], owners: list[int], count: int, tolerance: float) -> list[Outline]:
    begin = np.concatenate([part[0] for part in spans])
    order = np.argsort(begin, kind="stable")
    contour = np.concatenate([part[1] for part in spans])[order]
    control = np.rint(np.concatenate([part[2] for part in spans])[order] * _GRID) / _GRID
    chord = control[:, 3] - control[:, 0]
    length = np.maximum(np.hypot(chord[:, 0], chord[:, 1]), 1e-9)
    first, second = control[:, 1] - control[:, 0], control[:, 2] - control[:, 0]
    rise = [np.abs(chord[:, 0] * way[:, 1] - chord[:, 1] * way[:, 0]) for way in (first, second)]
    straight = np.maximum(rise[0], rise[1]) / length < 0.75 * tolerance
    rows = control.tolist()
    points: list[list[list[float]]] = [[] for _ in range(count)]
    kinds: list[list[str]] = [[] for _ in range(count)]
    last = -1
    for index, (ring, line) in enumerate(zip(contour.tolist(), straight.tolist(), strict=True)):
        owner = owners[ring]
        if ring != last:
            points[owner].append(rows[index][0])
            kinds[owner].append("m")
            last = ring
        points[owner].extend(rows[index][3:] if line else rows[index][1:])
        kinds[owner].append("l" if line else "c")
    result = []
    for glyph in range(count):
        if not kinds[glyph]:
            result.append(BLANK)
            continue
        array = np.array([[0.0, 0.0], *points[glyph]])
        text = "".join(kinds[glyph])
        pattern = _ORIGIN + "".join(_PATTERN[kind] for kind in text) + "f\n"
        result.append(Outline(np.ascontiguousarray(array[:, 0]), np.ascontiguousarray(array[:, 1]), text, pattern))
    return result
