"""System four, plain shapes: quarter circles, gables and wings, as a paper-cutter would lay them."""

from __future__ import annotations

import math
from collections.abc import Callable

from kit import Card, Ink, Panel
from lettering import BLACK, SERIF, caps, fitted, imprint, words
from paths import Path, ellipse, polygon, polyline, rect, rounded, sector, smooth
from scatter import Dice

Tile = Callable[[Panel, float, float, float, int, Ink, Ink], None]


def _corner(x: float, y: float, s: float, turn: int) -> tuple[float, float, float]:
    """The corner of a tile after quarter turns, and the angle at which its inside begins."""
    return x + s * (turn in (1, 2)), y + s * (turn in (2, 3)), 90.0 * turn


def _quarter(panel: Panel, x: float, y: float, s: float, turn: int, a: Ink, b: Ink) -> None:
    cx, cy, angle = _corner(x, y, s, turn)
    panel.fill(sector(cx, cy, s, angle, 90), a)


def _arcs(panel: Panel, x: float, y: float, s: float, turn: int, a: Ink, b: Ink) -> None:
    cx, cy, angle = _corner(x, y, s, turn)
    with panel.within(rect(x, y, s, s)):
        for r, ink in ((1.0, a), (0.75, b), (0.5, a), (0.25, b)):
            panel.fill(sector(cx, cy, s * r, angle, 90), ink)


def _leaf(panel: Panel, x: float, y: float, s: float, turn: int, a: Ink, b: Ink) -> None:
    k = 0.5523 * s
    out = Path().move(x, y).curve(x + k, y, x + s, y + s - k, x + s, y + s).curve(x + s - k, y + s, x, y + k, x, y)
    if turn % 2:
        out = (
            Path()
            .move(x + s, y)
            .curve(x + s, y + k, x + k, y + s, x, y + s)
            .curve(x, y + s - k, x + s - k, y, x + s, y)
        )
    panel.fill(out.close(), a)


def _halves(panel: Panel, x: float, y: float, s: float, turn: int, a: Ink, b: Ink) -> None:
    if turn % 2:
        panel.fill(sector(x + s / 2, y, s / 2, 0, 180), a)
        panel.fill(sector(x + s / 2, y + s / 2, s / 2, 0, 180), b)
    else:
        panel.fill(sector(x, y + s / 2, s / 2, -90, 180), a)
        panel.fill(sector(x + s / 2, y + s / 2, s / 2, -90, 180), b)


def _disc(panel: Panel, x: float, y: float, s: float, turn: int, a: Ink, b: Ink) -> None:
    panel.fill(ellipse(x + s / 2, y + s / 2, s * 0.36), a)
    panel.fill(ellipse(x + s / 2, y + s / 2, s * 0.15), b)


def _gable(panel: Panel, x: float, y: float, s: float, turn: int, a: Ink, b: Ink) -> None:
    panel.fill(polygon([(x, y), (x + s, y), (x + s / 2, y + s / 2)]), a)
    panel.fill(polygon([(x, y + s / 2), (x + s / 2, y + s), (x, y + s)]), b)
    panel.fill(polygon([(x + s, y + s / 2), (x + s / 2, y + s), (x + s, y + s)]), b)


TILES: tuple[Tile, ...] = (_quarter, _arcs, _leaf, _halves, _disc, _gable)


def quilt(panel: Panel, dice: Dice, s: float, shift: tuple[float, float], pairs: list[tuple[Ink, Ink, Ink]]) -> None:
    """Tiles over the whole panel; no neighbours share a shape or a ground."""
    left, low, _, _ = panel.ground.bounds()
    cols, rows = int(panel.width / s) + 3, int(panel.height / s) + 3
    laid: dict[tuple[int, int], tuple[int, int]] = {}
    placed: list[tuple[float, float, int, int, int]] = []
    for row in range(rows):
        for col in range(cols):
            x, y = shift[0] + (col - 1) * s, shift[1] + (row - 1) * s
            near = [laid.get((row - 1, col)), laid.get((row, col - 1)), laid.get((row - 1, col - 1))]
            kind, pair = int(dice.between(0, len(TILES))), int(dice.between(0, len(pairs)))
            for _ in range(60):
                if all(n is None or (n[0] != kind and n[1] != pair) for n in near):
                    break
                kind, pair = int(dice.between(0, len(TILES))), int(dice.between(0, len(pairs)))
            laid[row, col] = (kind, pair)
            turn = int(dice.between(0, 4))
            if x + s > left and y + s > low and x < panel.width + 9 and y < panel.height + 9:
                placed.append((x, y, kind, pair, turn))
    lap = s + 0.15  # a tile reaches under its neighbours to the right and above, which cover it: no seam can show
    for x, y, kind, pair, turn in placed:
        with panel.within(rect(x, y, lap, lap)):
            panel.fill(rect(x, y, lap, lap), pairs[pair][0])
            TILES[kind](panel, x - 0.15, y - 0.15, lap + 0.15, turn, *pairs[pair][1:])


def job_well_done(card: Card) -> None:
    """A quilt of plain shapes, well joined, with a label; inside, the work before and after."""
    names = ("ink", "brick", "ochre", "mist", "cream")
    ink, brick, ochre, mist, cream = (card.ink(n) for n in names)
    front = card.front
    pairs = [
        (cream, ink, ochre),
        (ink, mist, cream),
        (brick, cream, ochre),
        (mist, ink, cream),
        (ochre, ink, cream),
        (cream, brick, mist),
    ]
    front.flood(cream)
    quilt(front, Dice(58), 60.0, (30.0, 12.0), pairs)
    front.fill(rect(30, 192, 300, 120), cream)
    front.stroke(rect(37, 199, 286, 106), ink, 0.8)
    front.fill(fitted("Thank you", SERIF, 222).centred(front.mid, 246), ink)
    front.fill(caps("for trusting us with it", 8.4, 250).centred(front.mid, 221), brick)

    card.back.flood(cream)
    mark = rect(-9, 0, 18, 18).add(polyline([(-9, 0), (-9, 18)]))
    mark.add(Path().move(-9, 18).curve(0.94, 18, 9, 9.94, 9, 0), Path().move(-9, 9).curve(-4, 9, 0, 5, 0, 0))
    imprint(card, ink, motif=mark)
    left = card.left
    for field, label in (("photos.before", "before"), ("photos.after", "after")):
        x, y, fw, fh = card.frame(field)
        left.fill(rounded(x + 1, y + 1, fw - 2, fh - 2, 7), cream)
        left.fill(caps(label, 7, 320).centred(left.mid, y - 15), brick)
    right = card.right
    for i, tint in enumerate((brick, ochre, mist, ink)):
        right.fill(sector(right.mid - 26 + i * 13, right.height - 44, 11, 0, 90), tint)


def bird(
    panel: Panel,
    x: float,
    y: float,
    scale: float,
    flip: bool,
    body: Ink,
    shade: Ink,
    wing: Ink,
    line: Ink,
    dark: Ink,
    beak: Ink,
) -> None:
    """A plump bird on its feet at x, y, looking right, or left if flipped."""

    def put(path: Path) -> Path:
        out = path.at(0, 0, 0, scale)
        return out.through(-1, 0, 0, 1, x, y) if flip else out.at(x, y)

    for end in (-4, 6):
        panel.stroke(put(polyline([(end, 14), (end + 3, 0)])), dark, 1.3 * scale)
    for tail, ink in (
        ([(-34, 36), (-96, 42), (-92, 30), (-30, 24)], wing),
        ([(-32, 28), (-88, 26), (-82, 14), (-26, 18)], shade),
    ):
        panel.fill(put(polygon(tail)), ink)
    outline = smooth(
        [
            (-44, 34),
            (-20, 47),
            (6, 56),
            (20, 70),
            (36, 77),
            (50, 70),
            (53, 56),
            (49, 38),
            (36, 18),
            (12, 8),
            (-14, 12),
            (-34, 24),
        ],
        closed=True,
    )
    panel.fill(put(outline), body)
    with panel.within(put(outline)):
        panel.fill(
            put(smooth([(60, 62), (44, 52), (30, 30), (0, 20), (-50, 24), (-50, -10), (70, -10)], closed=True)), shade
        )
    panel.fill(put(polygon([(51.5, 67), (68, 59), (52.5, 56)])), beak)
    feather = Path().move(22, 48).curve(24, 30, -8, 18, -60, 34).curve(-34, 46, -6, 62, 22, 48).close()
    panel.fill(put(feather), wing)
    for i in range(3):
        panel.stroke(
            put(smooth([(12 - i * 13, 46 - i * 2), (-4 - i * 13, 36 - i), (-24 - i * 9, 33 + i)])), line, 1.0 * scale
        )
    panel.fill(put(ellipse(39, 65, 4.4)), line)
    panel.fill(put(ellipse(39.6, 65, 2.5)), dark)


def _twig(panel: Panel, x: float, y: float, turn: float, n: float, a: Ink, b: Ink) -> None:
    whole = (
        Path()
        .move(0, 0)
        .curve(n * 0.3, n * 0.34, n * 0.75, n * 0.28, n, 0)
        .curve(n * 0.75, -n * 0.28, n * 0.3, -n * 0.34, 0, 0)
        .close()
    )
    half = Path().move(0, 0).line(n, 0).curve(n * 0.75, -n * 0.28, n * 0.3, -n * 0.34, 0, 0).close()
    panel.fill(whole.at(x, y, turn), a)
    panel.fill(half.at(x, y, turn), b)


def referral_two_birds(card: Card) -> None:
    """Two birds on a branch; one has just told the other."""
    names = ("paper", "petrol", "coral", "ochre", "leaf", "dark")
    paper, petrol, coral, ochre, leaf, dark = (card.ink(n) for n in names)
    front, w, h = card.front, card.front.width, card.front.height
    front.flood(paper)
    card.back.flood(paper)
    moss = leaf.mix(dark, 0.42)
    y = h * 0.475
    front.fill(ellipse(front.mid, y + 62, 118), ochre.mix(paper, 0.72))
    branch = smooth([(w + 14, y - 34), (300, y - 18), (210, y - 3), (120, y - 2), (54, y - 10)])
    front.stroke(branch, dark, 3.4)
    twigs = (
        (318, y - 24, 62, 32), (292, y - 16, -38, 30), (262, y - 11, -128, 27), (232, y - 6, -40, 26),
        (180, y - 2, -122, 25), (152, y - 2, -52, 25), (104, y - 4, -128, 26), (82, y - 6, -60, 23),
        (55, y - 10, 186, 27), (65, y - 8, 128, 21), (335, y - 28, -62, 26),
    )  # fmt: skip
    for tx, ty, turn, n in twigs:
        _twig(front, tx, ty, turn, n, leaf, moss)
    bird(front, 124, y - 2, 0.86, False, coral, coral.mix(dark, 0.22), ochre, paper, dark, dark)
    bird(front, 242, y - 7, 0.80, True, petrol, petrol.mix(dark, 0.4), leaf, paper, dark, ochre.mix(coral, 0.35))
    for turn, near, far in ((48, 17, 27), (78, 15, 28), (108, 17, 27)):  # what was said, in three strokes
        cos, sin = math.cos(math.radians(turn)), math.sin(math.radians(turn))
        said = polyline([(186 + cos * near, y + 56 + sin * near), (186 + cos * far, y + 56 + sin * far)])
        front.stroke(said, coral, 2.2)
    front.fill(words("you told a friend", BLACK, 28).centred(front.mid, 112), dark)
    front.fill(caps("thank you", 9.4, 420).centred(front.mid, 84), coral.mix(dark, 0.3))

    line = smooth([(-13, 6), (-5, 11), (0, 17), (6, 19), (10, 14), (8, 6), (0, 1), (-8, 2), (-13, 6)])
    line.add(
        polyline([(-13, 6), (-25, 9), (-9, 3)]),
        polyline([(10, 15), (14.5, 13), (9.7, 11)]),
        polyline([(0, 1), (0, -4)]),
        polyline([(-16, -4), (16, -4)]),
    )
    imprint(card, dark, motif=line)
    left = card.left
    x, low, fw, fh = card.frame("photos.team")
    cx, cy = x + fw / 2, low + fh / 2
    left.fill(ellipse(cx, cy, fw / 2 + 9, fh / 2 + 9), ochre.mix(paper, 0.72))
    left.fill(ellipse(cx, cy, fw / 2 - 1, fh / 2 - 1), paper)
    left.stroke(smooth([(cx - 62, cy - 30), (cx, cy - 24), (cx + 62, cy - 32)]), dark, 2.2)
    for tx, turn in ((-62, 170), (-40, -120), (-8, -60), (30, -118), (50, -50), (62, 10)):
        _twig(left, cx + tx, cy - 29 + (4 if abs(tx) < 40 else 0), turn, 19, leaf, moss)
    bird(left, cx - 2, cy - 25, 0.72, False, coral, coral.mix(dark, 0.22), ochre, paper, dark, dark)


DRAWINGS = {"job-well-done": job_well_done, "referral-two-birds": referral_two_birds}
