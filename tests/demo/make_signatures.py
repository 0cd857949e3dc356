"""Make the demo's signatures: pen strokes on paper, as a phone photographs them. Nothing imports this.

    python tests/demo/make_signatures.py tests/demo/signatures

Each signature is a list of strokes, each a list of points that a pen passes (x to the right, y up, a small letter is
1 high), joined by Catmull-Rom splines. A stroke swells where the pen goes down and thins where it hurries or lifts.
All four are invented, for people who do not exist.
"""

from __future__ import annotations

import sys
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

Points = list[tuple[float, float]]
_FINE = 4  # strokes are drawn at four times the size

#: Small letters, from where the one before left off (0, 0) to where the next begins (x of the last point).
LETTERS: dict[str, Points] = {
    "a": [(0.2, 0.55), (0.52, 0.98), (0.3, 0.92), (0.12, 0.45), (0.22, 0.05), (0.48, 0.32), (0.62, 0.92), (0.6, 0.3),
          (0.7, 0.04), (0.92, 0.22)],
    "b": [(0.22, 0.6), (0.48, 1.75), (0.46, 2.35), (0.32, 2.2), (0.26, 1.1), (0.28, 0.22), (0.46, 0.02), (0.66, 0.35),
          (0.6, 0.82), (0.46, 0.8), (0.62, 0.7), (0.9, 0.78)],
    "d": [(0.2, 0.55), (0.5, 0.95), (0.26, 0.85), (0.12, 0.38), (0.26, 0.04), (0.52, 0.45), (0.74, 1.6), (0.8, 2.3),
          (0.7, 1.5), (0.66, 0.35), (0.78, 0.03), (1, 0.2)],
    "e": [(0.18, 0.28), (0.44, 0.66), (0.44, 0.96), (0.26, 0.92), (0.18, 0.45), (0.32, 0.04), (0.58, 0.12),
          (0.74, 0.26)],
    "h": [(0.22, 0.6), (0.46, 1.75), (0.44, 2.3), (0.3, 2.1), (0.22, 0.9), (0.18, 0.02), (0.3, 0.62), (0.52, 0.98),
          (0.62, 0.72), (0.62, 0.22), (0.74, 0.03), (0.94, 0.22)],
    "l": [(0.22, 0.62), (0.46, 1.75), (0.44, 2.35), (0.3, 2.15), (0.26, 0.95), (0.34, 0.14), (0.52, 0.03),
          (0.74, 0.24)],
    "n": [(0.12, 0.72), (0.22, 0.96), (0.26, 0.6), (0.24, 0.04), (0.32, 0.58), (0.54, 0.98), (0.66, 0.74), (0.66, 0.22),
          (0.78, 0.03), (0.98, 0.22)],
    "r": [(0.14, 0.7), (0.26, 1.1), (0.34, 0.9), (0.56, 0.94), (0.58, 0.4), (0.7, 0.04), (0.9, 0.22)],
    "u": [(0.12, 0.62), (0.2, 0.98), (0.2, 0.4), (0.34, 0.03), (0.56, 0.38), (0.68, 0.96), (0.68, 0.34), (0.78, 0.04),
          (0.98, 0.22)],
    "~": [(0.16, 0.42), (0.3, 0.52), (0.42, 0.14), (0.56, 0.16), (0.7, 0.44), (0.84, 0.4), (0.96, 0.12), (1.16, 0.2)],
    "-": [(0.7, 0.24), (1.6, 0.2), (2.6, 0.42)],
}  # fmt: skip


def written(letters: str, start: tuple[float, float], shrink: float = 0.97, spread: float = 1) -> Points:
    """Small letters in one stroke. Each is a little lower and wider than the one before: the hand hurries home."""
    x, y = start
    size, points = 1, [start]
    for letter in letters:
        shape = LETTERS[letter]
        points += [(x + px * spread, y + (py - 0.2) * size + 0.2) for px, py in shape]
        x += shape[-1][0] * spread
        size, spread = size * shrink, spread * 1.01
    return points


def june() -> list[Points]:
    """June Abara: an open J, and an A whose bar runs on under the name."""
    first = [(-0.75, 1.35), (-0.35, 2.15), (0.35, 2.62), (0.78, 2.45), (0.72, 1.3), (0.5, -0.35), (0.12, -1.45),
             (-0.42, -1.62), (-0.62, -1.12), (-0.18, -0.48), (0.62, 0.04), (0.98, 0.22)]  # fmt: skip
    second = [(4.05, -0.05), (4.42, 0.45), (5, 1.85), (5.36, 2.75), (5.42, 2.1), (5.46, 0.8), (5.62, -0.04),
              (5.4, 0.55), (4.8, 1.02), (4.42, 0.88), (5, 0.7), (5.86, 0.6), (6.1, 0.24)]  # fmt: skip
    sweep = [(9.95, 0.15), (10.9, 0.55), (11.2, 0.2), (10, -0.62), (7.2, -0.98), (4.2, -1.02), (1.9, -0.72),
             (2.6, -1.12), (5.6, -1.3), (9.3, -1.05)]  # fmt: skip
    return [first + written("une", (1, 0.22))[1:], second + written("bara", (6.1, 0.24), 0.95)[1:] + sweep[1:]]


def dahl() -> list[Points]:
    """H. Dahl: two tall stems, a big D closed in one turn, the l carried back over all of it as a roof."""
    stem = [(-0.25, 1.75), (0.1, 2.5), (0.12, 1.6), (-0.14, 0.1), (-0.34, -0.35)]
    arch = [(1.28, 2.85), (1.12, 1.7), (0.74, 0.2), (0.42, 0.75), (0.1, 1.18), (0.55, 1.3), (1.3, 1.22), (1.62, 1.3)]
    round_ = [(2.72, 2.35), (2.62, 1.3), (2.36, 0.15), (2.05, 0.02), (2.25, -0.12), (3.3, -0.1), (4.42, 0.75),
              (4.6, 1.95), (3.75, 2.78), (2.5, 2.6), (1.9, 2.05)]  # fmt: skip
    name = written("ahl", (4.62, 0.3), 1.04, 1.08)
    roof = [(8.1, 1.5), (8.35, 2.9), (7.4, 3.35), (4.4, 3.42), (1.2, 3.3)]
    dot = [(1.75, 0.01), (1.8, 0.06), (1.84, 0.01), (1.79, -0.03), (1.76, 0.02), (1.8, 0.04), (1.82, 0), (1.79, 0.01)]
    return [stem, arch, dot, round_, [*name[:-1], (7.45, 0.2), *roof]]


def odile() -> list[Points]:
    """Dr. O. Marchand: a doctor's hand, an O and an M, then a line that means the rest, crossed by a quick d."""
    ring = [(0.95, 2.3), (0.25, 2.05), (-0.15, 1.05), (0.25, 0.1), (1.05, 0.12), (1.52, 1.1), (1.3, 2.1), (0.72, 2.3),
            (0.85, 1.75), (1.7, 1.7), (2.1, 2.05)]  # fmt: skip
    hills = [(2, 0.05), (2.32, 1.25), (2.62, 2.42), (2.78, 1.3), (2.92, 0.3), (3.26, 1.4), (3.62, 2.2), (3.76, 1.1),
             (3.92, 0.06), (4.2, 0.24)]  # fmt: skip
    rest = written("ar~~n", (4.2, 0.24), 0.9, 1.14)
    end = [(rest[-1][0] + x, y) for x, y in [(0.35, 0.85), (0.1, 0.7), (0.15, 0.08), (0.55, 0.3), (1.15, 1.9),
           (1.55, 2.85), (1.15, 1.9), (0.85, 0.3), (1.2, -0.1), (2.7, 0.3), (4.1, 0.95)]]  # fmt: skip
    return [ring, hills + rest[1:] + end]


def wren() -> list[Points]:
    """Tom Wren: short and sure, a T that covers its o and m, a W in four strokes of the plane."""
    bar = [(-0.55, 2.05), (-0.2, 2.48), (0.85, 2.36), (2.7, 2.62)]
    stem = [(0.8, 2.36), (0.62, 1.2), (0.34, 0.1), (0.02, -0.02)]
    om = [(1.62, 0.88), (1.18, 0.75), (1.08, 0.22), (1.42, 0.02), (1.8, 0.42), (1.66, 0.86), (1.72, 0.74), (2.06, 0.78),
          (2.18, 0.98), (2.2, 0.1), (2.4, 0.8), (2.6, 0.88), (2.64, 0.12), (2.86, 0.78), (3.06, 0.84), (3.12, 0.18),
          (3.4, 0.06)]  # fmt: skip
    double = [(3.62, 2.1), (3.92, 2.42), (4.02, 1.5), (4.12, 0.1), (4.52, 1.05), (4.9, 1.92), (4.98, 1), (5.1, 0.06),
              (5.6, 1.4), (6.1, 2.6), (6.52, 2.52)]  # fmt: skip
    name = written("ren", (5.86, 0.52), 0.96, 1.06)
    flick = [(9.05, 0.1), (10.2, 0.34), (11, 0.28), (10.4, -0.1), (8.8, -0.62), (6.9, -0.8)]
    return [bar, stem, om, double, name + flick[1:]]


def spline(points: Points, step: float = 0.012) -> np.ndarray:
    """Points close together on a centripetal Catmull-Rom curve through all given ones."""
    given = np.asarray(points, float)
    padded = np.vstack([2 * given[0] - given[1], given, 2 * given[-1] - given[-2]])
    out = []
    for p0, p1, p2, p3 in zip(padded, padded[1:], padded[2:], padded[3:], strict=False):
        t1 = max(np.linalg.norm(p1 - p0), 1e-6) ** 0.5
        t2 = t1 + max(np.linalg.norm(p2 - p1), 1e-6) ** 0.5
        t3 = t2 + max(np.linalg.norm(p3 - p2), 1e-6) ** 0.5
        count = max(2, int(np.linalg.norm(p2 - p1) / step))
        t = np.linspace(t1, t2, count, endpoint=False)[:, None]
        a1, a2 = (t1 - t) / t1 * p0 + t / t1 * p1, (t2 - t) / (t2 - t1) * p1 + (t - t1) / (t2 - t1) * p2
        a3 = (t3 - t) / (t3 - t2) * p2 + (t - t2) / (t3 - t2) * p3
        b1, b2 = (t2 - t) / t2 * a1 + t / t2 * a2, (t3 - t) / (t3 - t1) * a2 + (t - t1) / (t3 - t1) * a3
        out.append((t2 - t) / (t2 - t1) * b1 + (t - t1) / (t2 - t1) * b2)
    return np.vstack([*out, given[-1:]])


def pen(strokes: list[Points], width: int, height: int, nib: float, slant: float, turn: float, seed: int) -> np.ndarray:
    """How much ink lies where, 0 to 1: the strokes slanted, turned, fitted into the middle of a sheet."""
    dice = np.random.default_rng(seed)
    lines = [spline([(x + dice.normal(0, 0.012), y + dice.normal(0, 0.012)) for x, y in stroke]) for stroke in strokes]
    lines = [np.column_stack([line[:, 0] + slant * line[:, 1], line[:, 1]]) for line in lines]
    swing = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    lines = [line @ swing.T for line in lines]
    every = np.vstack(lines)
    low, high = every.min(axis=0), every.max(axis=0)
    scale = min(0.80 * width / (high - low)[0], 0.66 * height / (high - low)[1]) * _FINE
    shift = np.array([width, height]) * _FINE / 2 - scale * np.array([1, -1]) * (low + high) / 2
    sheet = np.zeros((height * _FINE, width * _FINE), np.uint8)
    for line in lines:
        at = line * scale * np.array([1, -1]) + shift
        way = np.gradient(line, axis=0)
        length = np.hypot(way[:, 0], way[:, 1]) + 1e-9
        down = _smooth(np.clip(-way[:, 1] / length, -1, 1), 31)
        bend = _smooth(np.abs(np.gradient(np.unwrap(np.arctan2(way[:, 1], way[:, 0])))) / length, 25)
        weight = (
            1.0 + 0.42 * down + 0.16 * np.clip(bend / 4, 0, 1) + 0.06 * _smooth(dice.normal(0, 1, len(line)), 61) * 4
        )
        steps = np.arange(len(line))
        lift = np.minimum(1, (steps + 6) / 26) * np.minimum(1, (len(line) - steps + 4) / 70)
        radius = np.maximum(0.22, weight * (0.35 + 0.65 * lift)) * nib * _FINE / 2
        for (x, y), r in zip(at, radius, strict=True):
            cv2.circle(sheet, (round(x * 16), round(y * 16)), round(r * 16), 255, -1, cv2.LINE_AA, 4)
    return cv2.resize(sheet, (width, height), interpolation=cv2.INTER_AREA).astype(np.float64) / 255


def _smooth(values: np.ndarray, span: int) -> np.ndarray:
    span = min(span, max(3, len(values) // 2 * 2 - 1))
    window = np.hanning(span + 2)[1:-1]
    return np.convolve(np.pad(values, span // 2, "edge"), window / window.sum(), "valid")[: len(values)]


def grain(height: int, width: int, size: int, seed: int) -> np.ndarray:
    """Smooth noise around 0: paper's unevenness, an ink that flows."""
    small = np.random.default_rng(seed).normal(0, 1, (max(2, height // size), max(2, width // size)))
    return cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC)


def photographed(ink: np.ndarray, paper: tuple[int, int, int], colour: tuple[int, int, int], seed: int, *,
                 shadow: float = 0.0, ruled: bool = False) -> Image.Image:  # fmt: skip
    """Ink on paper, lit from one side, a little soft, with a sensor's noise."""
    height, width = ink.shape
    down, across = np.mgrid[0 : 1 : height * 1j, 0 : 1 : width * 1j]
    sheet = np.ones((height, width, 3)) * np.array(paper, float)
    if ruled:
        for n, y in enumerate(np.arange(0.13, 1.0, 0.19)):
            bow = (y + 0.012 * across + 0.003 * np.sin(3 * across + n)) * height
            line = np.clip(1.6 - np.abs(down * height - bow), 0, 1)[..., None]
            sheet = sheet * (1 - 0.55 * line) + np.array([128, 158, 204]) * 0.55 * line
    sheet += 2.2 * grain(height, width, 3, seed)[..., None] + 2.0 * grain(height, width, 60, seed + 1)[..., None]
    cover = np.clip(ink * (0.93 + 0.05 * grain(height, width, 26, seed + 2)), 0, 1)[..., None]
    scene = sheet * (1 - cover) + np.array(colour, float) * cover
    light = 1.02 - shadow * (0.75 * across + 0.35 * down) - 0.05 * ((across - 0.45) ** 2 + (down - 0.45) ** 2)
    if shadow:  # and the edge of the hand that holds the telephone
        light -= 0.16 * shadow / (1 + np.exp(-(across * 1.5 + down - 1.75) * 26))
    scene = cv2.GaussianBlur(scene * light[..., None], (0, 0), 0.9)
    scene += np.random.default_rng(seed + 3).normal(0, 2.0, scene.shape)
    return Image.fromarray(np.clip(scene, 0, 255).astype(np.uint8))


def main(target: Path) -> None:
    """All four."""
    blue, black, dark = (28, 44, 118), (30, 29, 31), (22, 30, 62)
    sheet = photographed(pen(june(), 1900, 900, 8.5, 0.34, 0.05, 1), (244, 236, 214), blue, 11)
    sheet.save(target / "june-abara.jpg", quality=72, optimize=True)
    sheet = photographed(pen(dahl(), 1800, 860, 10.5, 0.22, 0.03, 2), (236, 236, 238), black, 12, shadow=0.42)
    sheet.save(target / "henrik-dahl.jpg", quality=72, optimize=True)
    sheet = photographed(
        pen(odile(), 2000, 820, 8.0, 0.30, 0.07, 3), (243, 243, 240), dark, 13, shadow=0.12, ruled=True
    )
    sheet.save(target / "odile-marchand.jpg", quality=70, optimize=True)
    ink = pen(wren(), 1800, 700, 11.5, 0.26, 0.04, 4)
    clear = np.zeros((*ink.shape, 4), np.uint8)
    clear[..., :3], clear[..., 3] = (26, 26, 30), np.round(ink * 250)
    Image.fromarray(clear).quantize(32, method=Image.Quantize.FASTOCTREE).save(target / "tom-wren.png", optimize=True)
    for path in sorted(target.iterdir()):
        print(path.name, Image.open(path).size, path.stat().st_size // 1000, "kB")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
