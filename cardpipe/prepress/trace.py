"""A written sample becomes an outline: contours found between the pixels, then fitted with few curves.

The contour is followed on the ink enlarged fourfold; each of its points is then drawn onto the very place where the
ink crosses the edge's level, along the ink's own slope, so that no staircase is left for the fit to follow.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from cardpipe.prepress.cells import Sample
from cardpipe.prepress.formsheet import DENSITY
from cardpipe.prepress.outline import Contour, Outline, lighten

Floats = NDArray[np.float64]

TOLERANCE = 0.012  # x-heights by which the fit may leave the traced contour: half a pixel of the page
_SCALE = 4
_SOFT = 1.6  # pixels of the enlarged ink: what is finer is paper grain and the camera's noise
_SMOOTH = 3.0  # points of the contour over which it is evened
_LEAST = 10.0  # area in enlarged pixels, times the scale's square: smaller holes and dots are noise


def trace(samples: Sequence[Sample], x_height: float) -> list[Outline]:
    """The samples' outlines in x-heights; ``x_height`` is the hand's own, in millimetres. The origin is where the
    printed base line meets the cell's left edge."""
    size = x_height * DENSITY
    return lighten([_contours(sample, size) for sample in samples], TOLERANCE)


def _contours(sample: Sample, size: float) -> list[Contour]:
    pad = 4
    dark = cv2.copyMakeBorder(sample.dark, pad, pad, pad, pad, cv2.BORDER_CONSTANT, value=0.0)
    enlarged = cv2.resize(dark, None, fx=_SCALE, fy=_SCALE, interpolation=cv2.INTER_CUBIC)
    large = np.asarray(cv2.GaussianBlur(enlarged, (0, 0), _SOFT), np.float32)
    mask = (large > sample.level).astype(np.uint8)
    found, _ = cv2.findContours(mask, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    slope_x = np.asarray(cv2.Sobel(large, cv2.CV_32F, 1, 0, ksize=3, scale=1 / 8), np.float32)
    slope_y = np.asarray(cv2.Sobel(large, cv2.CV_32F, 0, 1, ksize=3, scale=1 / 8), np.float32)
    contours: list[Contour] = []
    for ring in found:
        if len(ring) < 12 or abs(cv2.contourArea(ring)) < _LEAST * _SCALE * _SCALE / 2:
            continue
        points = _smooth(_drawn_to(ring[:, 0].astype(np.float32), large, slope_x, slope_y, sample.level))
        # a pixel's middle lies half a pixel from its corner, enlarged or not
        x = ((points[:, 0] + 0.5) / _SCALE - pad + sample.left - sample.cell.x * DENSITY) / size
        y = (sample.cell.baseline * DENSITY - ((points[:, 1] + 0.5) / _SCALE - pad + sample.top)) / size
        contours.append([(float(u), float(v)) for u, v in zip(x, y, strict=True)])
    return contours


def _drawn_to(
    ring: NDArray[np.float32],
    large: NDArray[np.float32],
    slope_x: NDArray[np.float32],
    slope_y: NDArray[np.float32],
    level: float,
) -> Floats:
    """Newton's steps along the slope, never farther than a pixel and a half."""
    x, y = ring[:, 0].copy(), ring[:, 1].copy()
    for _ in range(2):
        value, dx, dy = (cv2.remap(band, x[None], y[None], cv2.INTER_LINEAR)[0] for band in (large, slope_x, slope_y))
        square = np.maximum(dx * dx + dy * dy, 1e-7)
        step = np.clip((level - value) / square, -1e4, 1e4)
        move_x, move_y = step * dx, step * dy
        far = np.maximum(np.hypot(move_x, move_y) / 1.5, 1.0)
        x, y = (x + move_x / far).astype(np.float32), (y + move_y / far).astype(np.float32)
    return np.stack([x, y], axis=1).astype(np.float64)


def _smooth(ring: Floats) -> Floats:
    """The ring evened along itself by a narrow bell."""
    reach = min(int(3 * _SMOOTH), (len(ring) - 1) // 2)
    weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / _SMOOTH) ** 2)
    weights /= weights.sum()
    wrapped = np.concatenate([ring[-reach:], ring, ring[:reach]])
    return np.stack([np.convolve(wrapped[:, axis], weights, "valid") for axis in (0, 1)], axis=1)
