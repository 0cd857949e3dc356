"""A layout is written out by hand: smooth, seeded disorder, then PDF path operators.

The trick is a warp in *frame* coordinates: every outline point moves by a smooth noise field, so letters of a joined
hand stay joined, and no two letters are alike. Above it come what a wrist does: a baseline that wanders, lines that
climb or sink a little, a ragged left margin, words that differ in size, slant and space. Only unjoined hands turn and
shift single letters.

All disorder comes from the seed through SHAKE-256 and integer arithmetic, a fixed number of draws for each line, word
and glyph; numpy's own generators may change with its version and are not used. Only additions, products and floors
follow, which IEEE 754 rounds alike everywhere, and the coordinates are whole hundredths of a point.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

from cardpipe.model.errors import Bug
from cardpipe.model.units import Box, Points
from cardpipe.prepress.outline import Floats, Ints, Outline
from cardpipe.prepress.typeset import Layout

Strength: TypeAlias = Literal["none", "subtle", "natural", "lively"]
STRENGTHS: dict[str, float] = {"none": 0.0, "subtle": 0.55, "natural": 1.0, "lively": 1.45}

UNIT = 0.01
"""The grid of the written path, in points (3.5 micrometres, finer than any platesetter's dot)."""

# Lengths in x-heights, angles in radians, the rest shares; all are standard deviations or amplitudes at "natural".
_FIELD_CELL, _FIELD = 1.15, 0.055  # the warp
_WANDER_CELL, _WANDER = 7.0, 0.075  # the baseline
_SLOPE, _SLOPE_MEMORY = 0.0028, 0.6  # the line's climb, a correlated walk from line to line
_MARGIN, _MARGIN_MEMORY, _PITCH = 0.20, 0.4, 0.05  # left edge and line pitch
_WORD_LIFT, _WORD_SIZE, _WORD_SLANT, _WORD_SPACE = 0.03, 0.012, 0.018, 0.12
_SIZE_DRIFT, _SIZE_MEMORY = 0.012, 0.85  # a slow walk from word to word
_GLYPH_TURN, _GLYPH_LIFT, _GLYPH_SIZE, _GLYPH_SHIFT = 0.016, 0.020, 0.018, 0.020  # unjoined hands only
_EDGE = 0.02  # points that the ink keeps off the frame's edge, for rounding


@dataclass(frozen=True, slots=True)
class Writing:
    """Ink on paper. ``path`` is a run of PDF operators (cm m l c f) in points from the frame's lower left corner,
    ready to stand between ``q ... cm`` with an ink set, and ``Q``; ``box`` holds the ink and its curves' handles."""

    path: bytes
    box: Box
    x_height: Points
    lines: int
    glyphs: int


class _Dice:
    """Draws from a seed: each name has its own endless row of numbers, so that a new use never moves the others."""

    def __init__(self, seed: bytes) -> None:
        self._seed = hashlib.sha256(seed).digest()

    def _words(self, name: str, count: int) -> Ints:
        raw = hashlib.shake_256(self._seed + name.encode()).digest(2 * count)
        return np.frombuffer(raw, dtype="<u2").astype(np.int64)

    def even(self, name: str, count: int) -> Floats:
        """Evenly spread between -1 and 1."""
        return (self._words(name, count).astype(np.float64) - 32767.5) / 32767.5

    def normal(self, name: str, count: int) -> Floats:
        """Bell-shaped with variance 1, never beyond 3.47 (the sum of four even draws)."""
        four: Floats = self._words(name, 4 * count).reshape(count, 4).sum(axis=1).astype(np.float64)
        return (four - 131070.0) / 37836.8


def _walk(steps: Floats, memory: float) -> Floats:
    """A correlated walk of variance 1: each value remembers a share of the one before."""
    value, fresh = 0.0, (1 - memory * memory) ** 0.5
    walk = []
    for index, step in enumerate(steps.tolist()):
        value = memory * value + fresh * step if index else step
        walk.append(value)
    return np.array(walk)


def _fade(share: Floats) -> Floats:
    return share * share * share * (share * (share * 6 - 15) + 10)


def _field(dice: _Dice, x: Floats, y: Floats, cell: Points, width: Points, height: Points) -> tuple[Floats, Floats]:
    """Smooth noise between -1 and 1 at the points, in both directions: draws on a lattice, blended (Perlin's fade)."""
    columns, rows = int(width / cell) + 6, int(height / cell) + 6
    across, along = x / cell + 2, y / cell + 2
    column = np.clip(np.floor(across), 0, columns - 2).astype(np.int64)
    row = np.clip(np.floor(along), 0, rows - 2).astype(np.int64)
    u, v = _fade(np.clip(across - column, 0.0, 1.0)), _fade(np.clip(along - row, 0.0, 1.0))
    corner = row * columns + column
    moves = []
    for name in ("field-x", "field-y"):
        lattice = dice.even(name, columns * rows)
        low = lattice[corner]
        low += u * (lattice[corner + 1] - low)
        high = lattice[corner + columns]
        high += u * (lattice[corner + columns + 1] - high)
        moves.append(low + v * (high - low))
    return moves[0], moves[1]


@dataclass(slots=True)
class _Sheet:
    """The layout as flat arrays: one row a word, one row a glyph; glyphs and points in writing order."""

    word_left: Floats
    word_width: Floats
    word_line: Ints
    word_joined: Floats
    glyph_word: Ints
    glyph_x: Floats
    glyph_y: Floats
    outlines: list[Outline]


def _spread(layout: Layout) -> _Sheet:
    needed: dict[int, set[int]] = {}
    fonts = {}
    for line in layout.lines:
        for _, word in line.words:
            needed.setdefault(id(word.face.font), set()).update(word.glyphs)
            fonts[id(word.face.font)] = word.face.font
    drawn = {key: font.outlines(needed[key]) for key, font in fonts.items()}
    lefts: list[float] = []
    widths: list[float] = []
    rows: list[int] = []
    joined: list[float] = []
    owner: list[int] = []
    xs: list[float] = []
    ys: list[float] = []
    outlines: list[Outline] = []
    for row, line in enumerate(layout.lines):
        for left, word in line.words:
            outlines += map(drawn[id(word.face.font)].__getitem__, word.glyphs)
            owner += [len(lefts)] * len(word.glyphs)
            xs += word.x
            ys += word.y
            lefts.append(left)
            widths.append(word.width * layout.x_height)
            rows.append(row)
            joined.append(1.0 if word.face.joined else 0.0)
    return _Sheet(
        np.array(lefts),
        np.array(widths),
        np.array(rows, dtype=np.int64),
        np.array(joined),
        np.array(owner, dtype=np.int64),
        np.array(xs),
        np.array(ys),
        outlines,
    )


def write(layout: Layout, seed: bytes, strength: str = "natural") -> Writing:
    """Write a layout with the disorder of one seed. The same layout, seed and strength give the same bytes.

    Raises Bug if ink would leave the frame, which the layout's margin and the last correction rule out.
    """
    force = STRENGTHS[strength]
    sheet = _spread(layout)
    size = layout.x_height
    frame = layout.frame
    counts = np.array([len(outline.x) for outline in sheet.outlines], dtype=np.int64)
    point_line = np.repeat(sheet.word_line[sheet.glyph_word], counts)
    u = np.concatenate([outline.x for outline in sheet.outlines])
    v = np.concatenate([outline.y for outline in sheet.outlines])
    x, y = _move(layout, sheet, u, v, counts, point_line, _Dice(seed), force)
    starts = np.flatnonzero(np.diff(point_line, prepend=-1))
    x = _keep_inside(x, point_line, starts, frame.width)
    y = _keep_inside(y, point_line, starts, frame.height)
    return _dump(x, y, sheet.outlines, counts, layout, size)


def _move(
    layout: Layout, sheet: _Sheet, u: Floats, v: Floats, counts: Ints, point_line: Ints, dice: _Dice, force: float
) -> tuple[Floats, Floats]:
    """Every outline point's place in the frame, in points."""
    size = layout.x_height
    lines, words, glyphs = len(layout.lines), len(sheet.word_left), len(counts)
    line = sheet.word_line
    first = np.flatnonzero(np.diff(line, prepend=-1))  # each line's first word

    # words: those glued to the one before (after a hyphen, or where the face changes) share its mood
    gap = np.zeros(words)
    gap[1:] = sheet.word_left[1:] - sheet.word_left[:-1] - sheet.word_width[:-1]
    gap[first] = size
    mood = np.cumsum(gap > 0.05 * size) - 1
    lift = force * _WORD_LIFT * size * dice.normal("word-lift", words)[mood]
    slant = force * _WORD_SLANT * dice.normal("word-slant", words)[mood]
    drift = _SIZE_DRIFT * _walk(dice.normal("size-drift", words), _SIZE_MEMORY)
    scale = 1 + force * (_WORD_SIZE * dice.normal("word-size", words) + drift)[mood]
    gap[first] = 0.0
    shift = force * _WORD_SPACE * gap * np.maximum(dice.normal("word-space", words), -1.8)
    shift[1:] += (sheet.word_width * (scale - 1))[:-1]
    shift[first] = 0.0
    run = np.cumsum(shift)
    margin = force * _MARGIN * size * _walk(dice.normal("margin", lines), _MARGIN_MEMORY)
    word_x = sheet.word_left + run - run[first][line] + margin[line]

    # lines
    baseline = np.array([row.baseline for row in layout.lines])
    baseline = baseline + force * _PITCH * size * dice.normal("pitch", lines)
    slope = force * _SLOPE * _walk(dice.normal("slope", lines), _SLOPE_MEMORY)

    # glyphs
    own = sheet.glyph_word
    free = force * (1 - sheet.word_joined[own])
    turn = free * _GLYPH_TURN * dice.normal("glyph-turn", glyphs)
    grown = size * scale[own] * (1 + free * _GLYPH_SIZE * dice.normal("glyph-size", glyphs))
    rise = free * _GLYPH_LIFT * size * dice.normal("glyph-lift", glyphs)
    aside = free * _GLYPH_SHIFT * size * dice.normal("glyph-shift", glyphs)
    lean = slant[own]
    placed = size * scale[own]
    at_x = word_x[own] + placed * (sheet.glyph_x + lean * sheet.glyph_y) + aside
    at_y = (baseline[line] + lift)[own] + placed * sheet.glyph_y + rise

    # points: one affine map a glyph, then what bends
    coefficients = np.stack([grown, grown * (lean - turn), at_x, grown * turn, grown, at_y])
    a, b, c, d, e, f = np.repeat(coefficients, counts, axis=1)
    x = a * u + b * v + c
    y = d * u + e * v + f
    if not force:
        return x, y
    width, height = layout.frame.width, layout.frame.height
    y += slope[point_line] * (x - 0.3 * width)
    columns = int(width / (_WANDER_CELL * size)) + 6
    rows = dice.even("wander", columns * lines)
    across = x / (_WANDER_CELL * size) + 2
    column = np.clip(np.floor(across), 0, columns - 2).astype(np.int64)
    here = point_line * columns + column
    wave = rows[here]
    wave += _fade(np.clip(across - column, 0.0, 1.0)) * (rows[here + 1] - wave)
    y += force * _WANDER * size * wave
    move_x, move_y = _field(dice, x, y, _FIELD_CELL * size, width, height)
    reach = force * _FIELD * size
    return x + reach * move_x, y + reach * move_y


def _keep_inside(at: Floats, point_line: Ints, starts: Ints, room: Points) -> Floats:
    """Shift a line that left the frame back into it, and squeeze it where it is too long, as a writer does."""
    low, high = np.minimum.reduceat(at, starts), np.maximum.reduceat(at, starts)
    most = room - 2 * _EDGE
    squeeze = np.minimum(1.0, most / np.maximum(high - low, 1e-9))
    if float(low.min()) >= _EDGE and float(high.max()) <= room - _EDGE:
        return at
    target = np.clip(low, _EDGE, np.maximum(room - _EDGE - (high - low) * squeeze, _EDGE))
    moved: Floats = (at - low[point_line]) * squeeze[point_line] + target[point_line]
    return moved


def _dump(x: Floats, y: Floats, outlines: list[Outline], counts: Ints, layout: Layout, size: Points) -> Writing:
    """The points as operators: whole hundredths of a point, each glyph from its own origin (which deflates best)."""
    grid = np.rint(np.stack([x, y], axis=1) / UNIT).astype(np.int64)
    origin = np.cumsum(counts) - counts
    origins = grid[origin]
    ink = np.ones(len(grid), dtype=bool)
    ink[origin] = False
    if not ink.any():
        raise Bug("handwriting without ink; the layout should have been refused as empty")
    low, high = grid[ink].min(axis=0) * UNIT, grid[ink].max(axis=0) * UNIT
    box = Box(float(low[0]), float(low[1]), float(high[0] - low[0]), float(high[1] - low[1]))
    frame = layout.frame
    if not Box(0.0, 0.0, frame.width, frame.height).contains(box):
        raise Bug(f"handwriting left its frame of {frame.width:.2f} by {frame.height:.2f} pt: {box}")
    grid -= np.repeat(origins, counts, axis=0)
    grid[origin] = np.diff(origins, axis=0, prepend=0)
    pattern = "".join([outline.pattern for outline in outlines])
    text = pattern % tuple(grid.ravel().tolist())
    path = f"{UNIT} 0 0 {UNIT} 0 0 cm\n{text}".encode()
    return Writing(path, box, size, len(layout.lines), len(outlines))
