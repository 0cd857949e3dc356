"""System five, the photo leads: a generous picture, a calm mount, one line of type."""

from __future__ import annotations

import math

from botany import fir, sprig
from kit import Card, Ink, Panel
from lettering import BLACK, SCRIPT, caps, fitted, imprint
from paths import Path, ellipse, polyline, rect


def burst(x: float, y: float, inner: float, outer: float, rays: int, turn: float = 0.0) -> Path:
    """A firework in line: rays long and short by turns, a dot's gap from the middle."""
    out = Path()
    for i in range(rays):
        angle = math.radians(turn + 360 * i / rays)
        end = outer if i % 2 == 0 else inner + (outer - inner) * 0.62
        cos, sin = math.cos(angle), math.sin(angle)
        out.add(polyline([(x + cos * inner, y + sin * inner), (x + cos * end, y + sin * end)]))
    return out


def _sparks(panel: Panel, x: float, y: float, size: float, line: Ink, dot: Ink, turn: float) -> None:
    """A burst with a dot at the end of each ray."""
    panel.stroke(burst(x, y, size * 0.3, size, 24, turn), line, 1.1)
    for i in range(12):
        angle = math.radians(turn + 30 * i)
        panel.fill(ellipse(x + math.cos(angle) * size * 1.12, y + math.sin(angle) * size * 1.12, 1.7), dot)


def congratulations_bravo(card: Card) -> None:
    """A photo to three edges over bottle green, and the long word in cream."""
    bottle, cream, gold, blush = (card.ink(n) for n in ("bottle", "cream", "gold", "blush"))
    front, w, h = card.front, card.front.width, card.front.height
    front.flood(bottle)
    _, low, _, _ = card.frame("photos.main")
    front.fill(rect(0, low - 4, w + 9, 8), gold)
    line = fitted("Congratulations", BLACK, w - 66)
    front.fill(line.centred(front.mid, 66), cream)
    front.fill(caps("and so well deserved", 8.6, 330).centred(front.mid, 37), blush)

    card.back.flood(cream)
    imprint(card, bottle, motif=burst(0, 0, 4, 13, 16))

    left = card.left
    for x, y, size, turn in ((0.5, 0.60, 58, 0), (0.25, 0.41, 31, 7), (0.735, 0.415, 38, 4)):
        _sparks(left, w * x, h * y, size, bottle, gold, turn)
    card.right.fill(rect(w / 2 - 18, h - 40, 36, 1.2), gold)


def holiday_keepsake(card: Card) -> None:
    """A square photo in a gold rule, hung under a swag of fir, olive and berries."""
    ivory, forest, sage, berry, gold = (card.ink(n) for n in ("ivory", "forest", "sage", "berry", "gold"))
    front = card.front
    front.flood(ivory)
    card.back.flood(ivory)
    _swag(front, (forest, sage, berry, gold), ivory)
    x, y, fw, fh = card.frame("photos.main")
    front.fill(rect(x - 11, y - 11, fw + 22, fh + 22), ivory)
    front.stroke(rect(x - 7, y - 7, fw + 14, fh + 14), gold, 1.0)
    front.fill(rect(x + 1, y + 1, fw - 2, fh - 2), sage.tint(0.3))
    front.fill(fitted("merry & bright", SCRIPT, 212).centred(front.mid, 72), forest)
    front.fill(caps("with love from our house", 7.8, 320).centred(front.mid, 40), berry)

    twig = polyline([(0, 0), (0, 26)])
    for i in range(5):
        for side in (1, -1):
            twig.add(polyline([(0, 4 + i * 4.6), (side * (9 - i * 1.2), 10 + i * 4.4)]))
    imprint(card, forest, motif=twig)
    left, mid = card.left, card.left.mid
    base = left.height * 0.5
    for side in (1, -1):
        fir(left, [(mid, base), (mid + side * 40, base + 8), (mid + side * 84, base + 2)], 17, forest, forest, 22)
        sprig(
            left,
            [(mid, base), (mid + side * 28, base + 20), (mid + side * 58, base + 28)],
            4,
            17,
            (sage, sage.mix(forest, 0.5)),
            forest,
        )
    for dx, dy in ((-6, 3), (6, 4), (0, -5)):
        left.fill(ellipse(mid + dx, base + dy, 5), berry)
        left.fill(ellipse(mid + dx - 1.4, base + dy + 1.5, 1.1), ivory)


def _swag(panel: Panel, inks: tuple[Ink, Ink, Ink, Ink], ivory: Ink) -> None:
    """Fir, olive and berries hung from beyond the upper edge."""
    forest, sage, berry, gold = inks
    w, h = panel.width, panel.height
    shade = sage.mix(forest, 0.5)
    pale = ivory.mix(sage, 0.55)

    def hang(x: float, drop: float, sway: float) -> list[tuple[float, float]]:
        return [(x, h + 16), (x + sway * 0.35, h - drop * 0.45), (x + sway, h - drop)]

    def depth(x: float) -> float:
        """Deep at the sides, shallow in the middle: the photo hangs between."""
        return 42 + 46 * abs((x - w / 2) / (w / 2)) ** 1.5

    for i in range(13):
        x = -6 + i * 31
        sprig(panel, hang(x, depth(x) * 0.92, (w / 2 - x) * 0.10), 5, 25, (pale, pale.mix(sage, 0.4)), pale, start=0.24)
    for i in range(13):
        x = i * 30
        fir(
            panel,
            hang(x, depth(x) * (1.0 if i % 2 else 0.72), (w / 2 - x) * 0.12),
            19,
            forest.mix(sage, 0.25 * (i % 3)),
            forest,
            24,
        )
    for i in range(10):
        x = 20 + i * 35.6
        sprig(panel, hang(x, depth(x) * 0.66, (w / 2 - x) * 0.16), 4, 23, (sage, shade), forest, start=0.3)
    for i, x in enumerate((6, 41, 76, 113, 150, 186, 222, 259, 296, 330, 358)):
        y = h - depth(x) * (0.36 if i % 2 else 0.22)
        if i % 2:
            for dx, dy in ((-5, 2), (5, 3), (0, -5)):
                panel.fill(ellipse(x + dx, y + dy, 4.6), berry)
                panel.fill(ellipse(x + dx - 1.3, y + dy + 1.4, 1.0), ivory)
        else:
            for dx, dy in ((-7, -2), (3, 4), (6, -6)):
                panel.fill(ellipse(x + dx, y + dy, 2.4), gold)


DRAWINGS = {"congratulations-bravo": congratulations_bravo, "holiday-keepsake": holiday_keepsake}
