"""Optical spacing: letters are set so that the white between them looks equal, not so that their boxes touch.

The white of a side is measured in bands of height: how far the ink lies back from its own outermost point, as deep as
the eye looks in. Side bearings even the white of each side; kerning mends the pairs in which two hollows meet (To, AV)
or two noses would touch. Unit: the x-height.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cardpipe.prepress.shapes import Shape

Floats = NDArray[np.float64]

WHITE = 0.46
"""Mean white between two letters, in x-heights, where the writer's own pairs do not tell."""
JOINED = 0.30
"""The same for a writer who joins letters: the stroke that leaves a letter then reaches the next."""

_LOW, _HIGH, _BAND = -1.4, 3.2, 0.1
_EDGES = np.arange(_LOW, _HIGH + _BAND / 2, _BAND)
_MIDDLES = (_EDGES[:-1] + _EDGES[1:]) / 2
_DEPTH = 0.42  # how deep the eye looks into a hollow
_NEAREST = 0.10  # two letters' ink never comes nearer, unless the writer joins them
_CAPITALS_HEIGHT = 1.9
_OPEN_BELOW = frozenset("TVWYPFvwyrf7")  # under which a full stop slips
_WIDER = 1.15  # between capitals and between figures
_FAR = 9.0  # where a band has no ink
_LEAST_KERN, _MOST_KERN, _MOST_AT_STOPS = 0.06, 0.6, 0.2
_LOWER, _UPPER = "abcdefghijklmnopqrstuvwxyz", "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
KERNED = frozenset(_LOWER + _UPPER + "0123456789.,!?'-:;()&\"")
"""What is kerned; letters with accents go with their letter."""


@dataclass(frozen=True, slots=True, eq=False)
class Profile:
    """Ink's left and right end in each band (±:data:`_FAR` where there is none)."""

    left: Floats
    right: Floats


def profile(shape: Shape) -> Profile:
    """A shape's ends by band. A contour that crosses a band without a point in it counts by its neighbours'."""
    line = shape.line()
    band = np.clip(((line[:, 1] - _LOW) / _BAND).astype(int), 0, len(_MIDDLES) - 1)
    left, right = np.full(len(_MIDDLES), _FAR), np.full(len(_MIDDLES), -_FAR)
    np.minimum.at(left, band, line[:, 0])
    np.maximum.at(right, band, line[:, 0])
    return Profile(left, right)


def bearings(shape: Shape, text: str, white: float = WHITE) -> tuple[float, float]:
    """Where the box of a glyph that writes ``text`` begins and ends in the shape's own coordinates."""
    ends = profile(shape)
    zone = _zone(text)
    white *= _WIDER if _tall(text) else 1.0
    inked = zone & (ends.left < _FAR)
    if not text.isalnum() or inked.sum() < 0.5 * zone.sum():  # a comma, an asterisk, a raised figure: by its box
        left, _, right, _ = shape.bounds
        return left - 0.42 * white, right + 0.42 * white
    start, end = float(ends.left[inked].min()), float(ends.right[inked].max())
    hollow_left = float(np.minimum(ends.left[zone] - start, _DEPTH).mean())
    hollow_right = float(np.minimum(end - ends.right[zone], _DEPTH).mean())
    return start - (white / 2 - hollow_left), end + (white / 2 - hollow_right)


def _tall(text: str) -> bool:
    """Capitals and figures, with or without an accent."""
    plain = unicodedata.normalize("NFD", text)[0]
    return plain.isupper() or plain.isdigit()


def _zone(text: str) -> NDArray[np.bool_]:
    """The bands of height in which the white beside a letter counts."""
    high = _CAPITALS_HEIGHT if _tall(text) else 1.0
    return np.asarray(np.greater(_MIDDLES, 0) & np.less(_MIDDLES, high))


def kerning(
    glyphs: Mapping[str, Sequence[tuple[Profile, float]]], white: float = WHITE
) -> dict[tuple[str, str], float]:
    """Kerning by pair of letters, of those pairs that need it. Each letter gives its alternates' profiles, shifted so
    that the glyph's box begins at 0, with their advances."""
    names = list(glyphs)
    apart = _NEAREST if white > JOINED else 0.0
    right = np.stack([np.mean([_back(ends, advance) for ends, advance in glyphs[name]], axis=0) for name in names])
    left = np.stack([np.mean([np.minimum(ends.left, _FAR) for ends, _ in glyphs[name]], axis=0) for name in names])
    tall = np.array([_tall(name) for name in names])
    marks = np.array([not name.isalnum() for name in names])
    stops = np.array([name in ".," for name in names])
    found: dict[tuple[str, str], float] = {}
    for index, name in enumerate(names):
        gaps = right[index][None] + left  # letters x bands: the white at kerning 0
        nearest = _around(right[index][None]) + _around(left)
        both = tall[index] & tall
        zones = (_MIDDLES > 0) & np.where(both[:, None], _MIDDLES < _CAPITALS_HEIGHT, _MIDDLES < 1.0)
        low, high = np.full(len(names), -_MOST_KERN), np.full(len(names), _MOST_KERN)
        for _ in range(12):
            middle = (low + high) / 2
            mean = (np.clip(gaps + middle[:, None], -1.0, 2 * _DEPTH) * zones).sum(axis=1) / zones.sum(axis=1)
            wide = mean > np.where(both, _WIDER * white, white)
            high, low = np.where(wide, middle, high), np.where(wide, low, middle)
        wanted = 0.8 * (low + high) / 2  # a hand is not a typesetter: most of the way
        beside = np.where(marks | marks[index], 0.0, -_MOST_KERN)
        wanted = np.maximum(wanted, np.where(stops & (name in _OPEN_BELOW), -_MOST_AT_STOPS, beside))
        wanted = np.maximum(wanted, apart - nearest.min(axis=1))
        for other, kern in enumerate(wanted.tolist()):
            if abs(kern) >= _LEAST_KERN and not (name in _LOWER and names[other] in _UPPER):
                found[name, names[other]] = round(float(np.clip(kern, -_MOST_KERN, _MOST_KERN)), 3)
    return found


def _back(ends: Profile, advance: float) -> Floats:
    """How far the ink lies back from the advance, by band."""
    return np.asarray(np.minimum(advance - ends.right, _FAR))


def _around(ends: Floats) -> Floats:
    """The nearest ink of each band and of its neighbours: letters also touch aslant."""
    padded = np.pad(ends, ((0, 0), (2, 2)), mode="edge")
    return np.asarray(np.min([padded[:, shift : shift + ends.shape[1]] for shift in range(5)], axis=0))


def own_white(pairs: Sequence[Shape]) -> float:
    """The white that the writer leaves within the pairs of the form: :data:`JOINED` where most of them are one stroke,
    :data:`WHITE` where they do not tell."""
    seen, joined = [], 0
    for pair in pairs:
        parts = sorted(pair.contours(), key=lambda part: part.bounds[0])
        end, split = -_FAR, None
        for index, part in enumerate(parts):
            if index and part.bounds[0] > end + 0.03:
                split = index if split is None else -1
            end = max(end, part.bounds[2])
        joined += split is None
        if split is None or split < 0:
            continue
        first, second = profile(Shape.together(parts[:split])), profile(Shape.together(parts[split:]))
        zone = (_MIDDLES > 0) & (_MIDDLES < 1.0)
        inked = zone & (first.right > -_FAR) & (second.left < _FAR)
        if inked.any():
            right, left = first.right[zone].max(), second.left[zone].min()
            white = np.minimum(right - first.right[zone], _DEPTH) + np.minimum(second.left[zone] - left, _DEPTH)
            seen.append(float(white.mean()) + float(left - right))
    if joined > 0.6 * len(pairs) and joined >= 4:
        return JOINED
    return float(np.clip(np.median(seen), 0.34, 0.62)) if len(seen) >= 3 else WHITE
