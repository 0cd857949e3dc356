"""Pictures that stand in for a sender's own, where a design is shown without an order: a calm landscape for each photo,
and a signature that is nobody's name. Made from numbers alone, so the same ones come out today and in March."""

from __future__ import annotations

import io
import math
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

_PPI = 320  # a little above what a press asks for, so that a specimen is never soft

#: Sky above, sky below, sun, then the hills from the far one to the near one.
_PALETTES = (
    ((143, 178, 190), (246, 222, 194), (255, 243, 214), ((168, 184, 176), (124, 152, 146), (78, 112, 112))),
    ((233, 196, 176), (250, 236, 212), (255, 250, 232), ((214, 178, 158), (178, 140, 128), (128, 100, 104))),
    ((176, 196, 178), (240, 238, 214), (255, 252, 226), ((170, 188, 150), (132, 156, 120), (88, 118, 98))),
    ((150, 162, 196), (236, 216, 222), (255, 240, 226), ((160, 160, 186), (120, 124, 158), (80, 88, 124))),
)

#: The pen's way through a signature: x and y in shares of the width, y upwards, and pressure.
_FLOURISH = (
    (0.05, 0.16, 0.5), (0.13, 0.31, 1.0), (0.19, 0.40, 0.7), (0.17, 0.27, 1.0), (0.14, 0.10, 1.0), (0.08, 0.04, 0.5),
    (0.05, 0.11, 0.4), (0.16, 0.19, 0.6), (0.27, 0.21, 0.8), (0.25, 0.15, 1.0), (0.30, 0.14, 0.7), (0.33, 0.21, 0.7),
    (0.34, 0.15, 1.0), (0.38, 0.19, 0.6), (0.40, 0.15, 1.0), (0.45, 0.19, 0.5), (0.50, 0.34, 0.6), (0.54, 0.41, 0.5),
    (0.52, 0.28, 1.0), (0.51, 0.14, 0.9), (0.56, 0.18, 0.6), (0.60, 0.15, 0.9), (0.64, 0.19, 0.6), (0.67, 0.15, 0.8),
    (0.72, 0.18, 0.6), (0.80, 0.16, 0.7), (0.96, 0.23, 0.3),
)  # fmt: skip


@lru_cache(maxsize=8)
def photo(width_pt: float, height_pt: float, number: int = 0) -> bytes:
    """A landscape of a frame's shape, sharp enough for print, as JPEG; the four kinds take turns."""
    width, height = (max(64, round(side / 72 * _PPI)) for side in (width_pt, height_pt))
    above, below, sun, hills = _PALETTES[number % len(_PALETTES)]
    down = np.linspace(0, 1, height, dtype=np.float32)[:, None]
    across = np.linspace(0, 1, width, dtype=np.float32)[None, :]
    picture = _mix(above, below, np.clip(down / 0.72, 0, 1) + 0 * across)
    away = np.hypot((across - 0.62) * width, (down - 0.36) * height) / min(width, height)
    for radius, strength in ((0.42, 0.16), (0.29, 0.22), (0.17, 1.0)):
        picture = _over(picture, sun, _edge((radius - away) * min(width, height)) * strength)
    for place, colour in enumerate(hills):
        crest = (
            0.58 + 0.14 * place + (0.05 - 0.006 * place) * np.sin(across * (4.1 + 1.3 * place) + 1.9 * place + number)
        )
        crest = crest + 0.016 * np.sin(across * (11 - place) + 0.7 * place)
        picture = _over(picture, colour, _edge((down - crest) * height))
    out = io.BytesIO()
    Image.fromarray(np.rint(picture).astype(np.uint8)).save(out, "JPEG", quality=90)
    return out.getvalue()


@lru_cache(maxsize=1)
def signature() -> bytes:
    """A flourish in dark ink on white paper, as PNG."""
    width, height = 1500, 690
    picture = Image.new("L", (width, height), 255)
    pen = ImageDraw.Draw(picture)
    knots = [(x * width, height * 0.98 - y * width, force) for x, y, force in _FLOURISH]
    for x, y, force in _spline(knots):
        radius = 3.2 + 6.4 * force
        pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=26)
    out = io.BytesIO()
    picture.resize((width // 2, height // 2), Image.Resampling.BOX).save(out, "PNG")
    return out.getvalue()


def _spline(knots: list[tuple[float, float, float]]) -> list[tuple[float, float, float]]:
    """Points along a Catmull-Rom curve through the knots, closer together than the pen is wide."""
    ends = [knots[0], *knots, knots[-1]]
    made = []
    for a, b, c, d in zip(ends, ends[1:], ends[2:], ends[3:], strict=False):
        steps = max(8, math.ceil(math.dist(b[:2], c[:2]) / 1.5))
        for step in range(steps):
            t = step / steps
            x, y, force = (
                0.5 * (2 * q + (r - p) * t + (2 * p - 5 * q + 4 * r - s) * t**2 + (3 * q - p - 3 * r + s) * t**3)
                for p, q, r, s in zip(a, b, c, d, strict=True)
            )
            made.append((x, y, min(1.0, max(0.0, force))))
    return made


Colour = tuple[int, int, int]
Field = NDArray[np.float32]


def _mix(first: Colour, second: Colour, share: Field) -> Field:
    return np.asarray(
        np.array(first, np.float32) * (1 - share[:, :, None]) + np.array(second, np.float32) * share[:, :, None]
    )


def _over(picture: Field, colour: Colour, share: Field) -> Field:
    return picture + (np.array(colour, np.float32) - picture) * share[:, :, None]


def _edge(distance: Field) -> Field:
    """1 inside, 0 outside, soft over three pixels."""
    return np.asarray(np.clip(distance / 3 + 0.5, 0, 1), np.float32)
