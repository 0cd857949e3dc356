"""Plants: leaves in two tones, sprigs, berries and meadow flowers, each grown from its base towards +x."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

from kit import Ink, Panel
from paths import Path, Point, ellipse, smooth
from scatter import Dice


def _bent(path: Path, bend: float, length: float) -> Path:
    """A copy curved sideways, more and more towards the tip."""
    out = Path()
    out.ops = [(op, tuple((x, y + bend * x * x / length) for x, y in pts)) for op, pts in path.ops]
    return out


def leaf(
    panel: Panel, x: float, y: float, turn: float, length: float, width: float, light: Ink, dark: Ink, bend: float = 0.0
) -> None:
    """A leaf with its lower half in shade."""
    n, w = length, width * 0.67
    whole = Path().move(0, 0).curve(n * 0.22, w, n * 0.66, w * 0.86, n, 0)
    whole.curve(n * 0.66, -w * 0.86, n * 0.22, -w, 0, 0).close()
    half = Path().move(0, 0).curve(n / 3, 0, n * 2 / 3, 0, n, 0).curve(n * 0.66, -w * 0.86, n * 0.22, -w, 0, 0).close()
    panel.fill(_bent(whole, bend, n).at(x, y, turn), light)
    panel.fill(_bent(half, bend, n).at(x, y, turn), dark)


def along(points: Sequence[Point], share: float) -> tuple[float, float, float]:
    """A place on a line through points, at a share of its length: x, y and heading in degrees."""
    fine = smooth(points).points()
    lengths = [math.dist(a, b) for a, b in pairwise(fine)]
    left = share * sum(lengths)
    for (a, b), step in zip(pairwise(fine), lengths, strict=True):
        if left <= step and step > 0:
            t = left / step
            return (
                a[0] + (b[0] - a[0]) * t,
                a[1] + (b[1] - a[1]) * t,
                math.degrees(math.atan2(b[1] - a[1], b[0] - a[0])),
            )
        left -= step
    a, b = fine[-2], fine[-1]
    return b[0], b[1], math.degrees(math.atan2(b[1] - a[1], b[0] - a[0]))


def sprig(
    panel: Panel, spine: Sequence[Point], pairs: int, length: float, inks: tuple[Ink, Ink], stem: Ink,
    lean: float = 42.0, start: float = 0.16, slim: float = 0.34, alternate: bool = True, pen: float = 0.9,
) -> None:  # fmt: skip
    """A stem with leaves to both sides that shorten towards the tip, and one leaf at its end."""
    panel.stroke(smooth(spine), stem, pen)
    light, dark = inks
    for i in range(pairs):
        for side in (1, -1):
            step = (i + (0.5 if alternate and side < 0 else 0)) / pairs
            x, y, heading = along(spine, start + (0.96 - start) * step)
            n = length * (1 - 0.45 * step) * (0.72 if i == 0 else 1)
            leaf(panel, x, y, heading + side * lean, n, n * slim, light, dark, bend=-side * 0.10)
    x, y, heading = along(spine, 1)
    leaf(panel, x, y, heading, length * 0.6, length * 0.6 * slim, light, dark)


def berries(panel: Panel, x: float, y: float, turn: float, reach: float, size: float, stem: Ink, fruit: Ink) -> None:
    """A twig with three berries, the middle one farthest."""
    for bend, far in ((0.0, 1.0), (26.0, 0.78), (-26.0, 0.72)):
        ex = x + math.cos(math.radians(turn + bend)) * reach * far
        ey = y + math.sin(math.radians(turn + bend)) * reach * far
        mx = x + math.cos(math.radians(turn + bend * 0.35)) * reach * far * 0.55
        my = y + math.sin(math.radians(turn + bend * 0.35)) * reach * far * 0.55
        panel.stroke(smooth([(x, y), (mx, my), (ex, ey)]), stem, 0.55)
        panel.fill(ellipse(ex, ey, size), fruit)


def fir(
    panel: Panel, spine: Sequence[Point], length: float, ink: Ink, stem: Ink, count: int = 26, pen: float = 0.95
) -> None:
    """A fir twig: needles close and even to both sides, shorter towards the tip."""
    out = Path()
    for i in range(count):
        share = 0.04 + 0.96 * i / (count - 1)
        x, y, heading = along(spine, share)
        n = length * (1 - 0.5 * share) * (0.86 + 0.14 * (i % 3) / 2)
        for side in (1, -1):
            turn = math.radians(heading + side * (46 - 10 * share))
            ex, ey = x + math.cos(turn) * n, y + math.sin(turn) * n
            out.add(
                smooth(
                    [
                        (x, y),
                        (x + math.cos(turn + side * 0.14) * n * 0.5, y + math.sin(turn + side * 0.14) * n * 0.5),
                        (ex, ey),
                    ]
                )
            )
    panel.stroke(out, ink, pen)
    panel.stroke(smooth(spine), stem, pen * 1.25)


# -- meadow flowers: x, y is the flower's heart -------------------------------------------------------------------


def _petal(n: float, w: float, notch: float = 0.0) -> Path:
    """A petal from the heart outwards, broad at its end."""
    tip = n * (1 - notch)
    out = Path().move(0, 0).curve(n * 0.18, w * 0.75, n * 0.72, w * 1.15, n, w * 0.36)
    out.curve(n * 1.03, w * 0.2, tip, w * 0.12, tip, 0).curve(tip, -w * 0.12, n * 1.03, -w * 0.2, n, -w * 0.36)
    return out.curve(n * 0.72, -w * 1.15, n * 0.18, -w * 0.75, 0, 0).close()


def cosmos(panel: Panel, x: float, y: float, r: float, petal: Ink, shade: Ink, heart: Ink, turn: float) -> None:
    """Eight notched petals about a round heart."""
    for i in range(8):
        panel.fill(_petal(r, r * 0.34, 0.08).at(x, y, turn + 45 * i), petal if i % 2 else petal.mix(shade, 0.22))
    for i in range(8):
        cos, sin = math.cos(math.radians(turn + 45 * i)), math.sin(math.radians(turn + 45 * i))
        vein = smooth([(x + cos * r * 0.3, y + sin * r * 0.3), (x + cos * r * 0.62, y + sin * r * 0.62)])
        panel.stroke(vein, shade, 0.5)
    panel.fill(ellipse(x, y, r * 0.24), heart)
    for i in range(7):
        cos, sin = math.cos(math.radians(51.4 * i)), math.sin(math.radians(51.4 * i))
        panel.fill(ellipse(x + cos * r * 0.15, y + sin * r * 0.15, r * 0.035), shade)


def poppy(panel: Panel, x: float, y: float, r: float, petal: Ink, shade: Ink, heart: Ink, turn: float) -> None:
    """A poppy from the side: two petals behind, two before, on a little cup."""
    for side, ink in ((1, shade), (-1, shade)):
        back = (
            Path()
            .move(0, -r * 0.5)
            .curve(side * r * 0.7, -r * 0.3, side * r * 1.02, r * 0.5, side * r * 0.62, r * 0.84)
        )
        back.curve(side * r * 0.42, r * 0.98, side * r * 0.2, r * 0.78, side * r * 0.02, r * 0.86)
        back.curve(-side * r * 0.3, r * 0.8, -side * r * 0.2, 0, 0, -r * 0.5).close()
        panel.fill(back.at(x, y, turn), ink)
    for i in range(5):
        a = math.radians(90 + (i - 2) * 19)
        end = (math.cos(a) * r * 0.62, math.sin(a) * r * 0.52)
        panel.stroke(smooth([(0, -r * 0.2), end]).at(x, y, turn), heart, 0.6)
    for side in (-1, 1):
        front = (
            Path()
            .move(0, -r * 0.58)
            .curve(side * r * 0.62, -r * 0.62, side * r * 1.12, r * 0.1, side * r * 0.92, r * 0.46)
        )
        front.curve(side * r * 0.74, r * 0.36, side * r * 0.52, r * 0.44, side * r * 0.36, r * 0.3)
        front.curve(side * r * 0.2, r * 0.2, -side * r * 0.08, r * 0.12, -side * r * 0.16, -r * 0.1)
        front.curve(-side * r * 0.2, -r * 0.34, -side * r * 0.1, -r * 0.5, 0, -r * 0.58).close()
        panel.fill(front.at(x, y, turn), petal if side < 0 else petal.mix(shade, 0.35))


def button(panel: Panel, x: float, y: float, r: float, light: Ink, dark: Ink) -> None:
    """A round yellow head, dotted on its shaded side."""
    panel.fill(ellipse(x, y, r), light)
    for i in range(3):
        for j in range(5 - i):
            a = math.radians(-128 + 24 * i + (128 - 24 * i) * j / max(1, 4 - i) - 8)
            d = r * (0.78 - 0.27 * i)
            panel.fill(ellipse(x + math.cos(a) * d, y + math.sin(a) * d, r * 0.075), dark)


def lavender(
    panel: Panel, spine: Sequence[Point], length: float, size: float, bloom: Ink, shade: Ink, stem: Ink
) -> None:
    """A spike of small paired blossoms at the end of a stem."""
    panel.stroke(smooth(spine), stem, 0.9)
    whole = sum(math.dist(a, b) for a, b in pairwise(spine))
    rows = int(length / (size * 1.12))
    for i in range(rows):
        x, y, heading = along(spine, 1 - length / whole * (1 - i / rows))
        s = size * (1.05 - 0.45 * i / rows)
        for side in (1, -1):
            leaf(panel, x, y, heading + side * 48, s * 1.5, s * 0.85, bloom, shade if side < 0 else bloom)
    x, y, heading = along(spine, 1)
    leaf(panel, x, y, heading, size * 1.1, size * 0.6, bloom, shade)


def blade(panel: Panel, x: float, y: float, tip: Point, width: float, ink: Ink) -> None:
    """A blade of grass, bowing over to its tip."""
    mx, my = x + (tip[0] - x) * 0.18, y + (tip[1] - y) * 0.62
    out = Path().move(x - width / 2, y).curve(mx - width / 2, my, mx, my + (tip[1] - my) * 0.6, *tip)
    out.curve(mx + width * 0.6, my + (tip[1] - my) * 0.45, mx + width * 0.6, my - 10, x + width / 2, y).close()
    panel.fill(out, ink)


def wreath(
    panel: Panel, x: float, y: float, rx: float, ry: float, dice: Dice,
    layers: Sequence[tuple[float, float, float, float, tuple[Ink, Ink]]], stem: Ink, fruit: Ink, twig: float = 37.0,
) -> None:  # fmt: skip
    """Two branches from the foot of an ellipse that meet at its top.

    A layer is (spacing, length, slimness, lean, inks); leaves alternate out and in and shorten upwards, evenly enough
    that no gap shows, unevenly enough that no machine does.
    """
    for side in (1, -1):
        arc = [
            (x + side * rx * math.sin(math.radians(a)), y - ry * math.cos(math.radians(a)))
            for a in (i * 184 / 48 - 3 for i in range(49))
        ]
        reach = sum(math.dist(a, b) for a, b in pairwise(arc))
        panel.stroke(smooth(arc), stem, 1.0)
        for number, (spacing, length, slim, lean, inks) in enumerate(layers):
            count = int(reach / spacing)
            for i in range(count):
                share = (i + 0.35 + dice.about(0, 0.16)) / count
                px, py, heading = along(arc, share)
                out = 1 if (i + number) % 2 else -1
                n = length * (1.0 - 0.28 * share) * dice.about(1, 0.14)
                turn = heading - side * out * dice.about(lean, 9)
                leaf(panel, px, py, turn, n, n * slim, *inks, bend=side * out * 0.12)
        for i in range(int(reach / twig)):
            px, py, heading = along(arc, (i + 0.6 + dice.about(0, 0.1)) * twig / reach)
            out = 1 if i % 2 else -1
            berries(panel, px, py, heading - side * out * dice.about(48, 10), dice.about(25, 3), 2.0, stem, fruit)
