"""System three, landscape in flat facets: hills, trees and skies cut from paper, light laid on in even steps."""

from __future__ import annotations

import math

from kit import Card, Ink, Panel
from lettering import BLACK, PLAYFAIR, QUIET, caps, fitted, imprint, words
from paths import Path, Point, ellipse, polygon, polyline, rect, rounded, smooth
from scatter import Dice, spread


def bands(panel: Panel, box: tuple[float, float, float, float], top: Ink, bottom: Ink, steps: int) -> None:
    """Even steps of colour from the top of a box (left, bottom, right, top) to its foot; each overlaps the next."""
    left, low, right, high = box
    step = (high - low) / steps
    for i in range(steps):
        panel.fill(rect(left, low, right - left, high - i * step - low), top.mix(bottom, i / (steps - 1)))


def ridge(points: list[Point], floor: float) -> Path:
    """A soft skyline, closed down to the floor."""
    out = smooth(points)
    return out.line(points[-1][0], floor).line(points[0][0], floor).close()


def sympathy_still(card: Card) -> None:
    """Hills going away in the mist, seen through a round window; a sun that has nearly set; two birds."""
    paper, slate, straw = card.ink("paper"), card.ink("slate"), card.ink("straw")
    front, h = card.front, card.front.height
    front.flood(paper)
    card.back.flood(paper)
    x, y, r = front.mid, h * 0.595, 98.0
    with front.within(ellipse(x, y, r)):
        bands(front, (x - r, y - r, x + r, y + r), slate.tint(0.20), straw.tint(0.5), 26)
        front.fill(ellipse(x + 26, y + 12, 24), straw)
        dice = Dice(19)
        for i, (base, swing, depth) in enumerate(((8, 15, 0.26), (-16, 13, 0.42), (-40, 12, 0.62), (-64, 9, 0.9))):
            line = []
            for j in range(11):
                across = -r - 20 + j * (2 * r + 40) / 10
                swell = math.sin(j * 0.93 + i * 2.1 + 0.5) * swing + dice.about(0, swing * 0.45)
                line.append((x + across, y + base + swell))
            crest = max(p[1] for p in line)
            with front.within(ridge(line, y - r - 5)):
                far, near = slate.tint(depth), paper.mix(slate, 0.10 + 0.08 * i)
                bands(front, (x - r, y - r, x + r, crest), far, near, 30)
    for bx, by, size in ((x - 44, y + 46, 9), (x - 29, y + 56, 6.5)):
        wing = Path().move(-size, size * 0.22).curve(-size * 0.6, size * 0.62, -size * 0.2, size * 0.4, 0, 0)
        wing.curve(size * 0.14, size * 0.44, size * 0.5, size * 0.7, size, size * 0.42)
        front.stroke(wing.at(bx, by, 6), slate, 0.8)
    front.fill(words("with you in your loss", QUIET, 27).centred(front.mid, h * 0.215), slate)

    hills = smooth([(-20, 0), (-11, 6), (-4, 2), (5, 9), (13, 3), (20, 0)])
    imprint(card, slate, motif=hills)
    left = card.left
    left.stroke(hills.at(left.mid, h * 0.5, 0, 1.6), slate.tint(0.6), 0.7)


def star(x: float, y: float, r: float, waist: float = 0.16) -> Path:
    """A star of four points, drawn in at the waist, taller than wide."""
    out = Path().move(x, y + r)
    for cos, sin, nx, ny in ((1, 1, 0.72, 0), (1, -1, 0, -1), (-1, -1, -0.72, 0), (-1, 1, 0, 1)):
        cx, cy = x + cos * r * waist * 0.5, y + sin * r * waist * 0.5
        out.curve(cx, cy, cx, cy, x + nx * r, y + ny * r)
    return out.close()


def pine(panel: Panel, x: float, y: float, height: float, light: Ink, dark: Ink, trunk: Ink) -> None:
    """A pine in two facets, tier on tier; the trunk stands in the snow."""
    tiers = max(4, round(height / 26))
    half, foot = height * 0.235, y + height * 0.075
    panel.fill(rect(x - height * 0.018, y - 3, height * 0.036, height * 0.12), trunk)
    for side, ink in ((-1, light), (1, dark)):
        edge: list[Point] = [(x, y + height)]
        for i in range(1, tiers + 1):
            share = i / tiers
            level = y + height - (y + height - foot) * share**0.92
            reach = half * share**0.86
            edge.append((x + side * reach, level - height * 0.008))
            if i < tiers:
                edge.append((x + side * reach * 0.60, level + height * 0.017))
        edge.append((x, foot + height * 0.006))
        panel.fill(polygon(edge), ink)


def cabin(panel: Panel, x: float, y: float, s: float, wall: Ink, shade: Ink, roof: Ink, light: Ink, snow: Ink) -> None:
    """A cabin with its lamp lit: gable to the left, long side to the right."""
    panel.fill(rect(x + 0.70 * s, y + 0.62 * s, 0.13 * s, 0.42 * s), shade)
    panel.fill(rect(x + 0.68 * s, y + 1.03 * s, 0.17 * s, 0.05 * s), snow)
    panel.fill(
        polygon(
            [(x, y), (x + 0.5 * s, y), (x + 0.5 * s, y + 0.45 * s), (x + 0.25 * s, y + 0.86 * s), (x, y + 0.45 * s)]
        ),
        wall,
    )
    panel.fill(rect(x + 0.5 * s, y, 0.72 * s, 0.46 * s), shade)
    panel.fill(
        polygon(
            [
                (x + 0.25 * s, y + 0.90 * s),
                (x + 0.99 * s, y + 0.90 * s),
                (x + 1.30 * s, y + 0.42 * s),
                (x + 0.545 * s, y + 0.42 * s),
            ]
        ),
        snow,
    )
    panel.fill(
        polygon(
            [
                (x + 0.25 * s, y + 0.90 * s),
                (x + 0.25 * s, y + 0.80 * s),
                (x + 0.03 * s, y + 0.42 * s),
                (x - 0.06 * s, y + 0.42 * s),
            ]
        ),
        roof,
    )
    panel.fill(
        polygon(
            [
                (x + 0.25 * s, y + 0.90 * s),
                (x + 0.25 * s, y + 0.80 * s),
                (x + 0.47 * s, y + 0.42 * s),
                (x + 0.56 * s, y + 0.42 * s),
            ]
        ),
        roof,
    )
    panel.fill(rounded(x + 0.165 * s, y + 0.18 * s, 0.17 * s, 0.22 * s, 0.03 * s), light)
    for wx in (0.66, 0.94):
        panel.fill(rect(x + wx * s, y + 0.15 * s, 0.14 * s, 0.17 * s), light)


def holiday_pines(card: Card) -> None:
    """Coloured pines in the snow under a ringed moon, and one lamp lit."""
    names = ("night", "dusk", "spruce", "pine", "gold", "berry", "moon", "snow")
    night, dusk, spruce, deep, gold, berry, moon, snow = (card.ink(n) for n in names)
    front, w, h = card.front, card.front.width, card.front.height
    bands(front, (0, 110, w + 9, h + 9), night, dusk, 44)
    mx, my = w * 0.685, h * 0.765
    for r, share in ((84, 0.06), (69, 0.12), (55, 0.20)):
        front.fill(ellipse(mx, my, r), night.mix(dusk, 0.22).mix(moon, share))
    front.fill(ellipse(mx, my, 37), moon)

    tall = ((84, 166, 196), (322, 168, 186), (36, 158, 148), (278, 142, 214))  # x, foot and height of the great pines

    def clear(x: float, y: float) -> float | None:
        """No star before the moon, and none that twinkles through a branch."""
        behind = any(abs(x - at) < 6 + 0.25 * (foot + height - y) for at, foot, height in tall)
        return None if behind or math.hypot(x - mx, y - my) < 98 else 17 + (h - y) * 0.05

    dice = Dice(8)
    big = (
        (70, h * 0.825, 17),
        (150, h * 0.915, 9),
        (128, h * 0.70, 7.5),
        (40, h * 0.66, 8),
        (330, h * 0.575, 7),
        (226, h * 0.575, 6),
    )
    for x, y in spread(Dice(17), (4, 236, w + 6, h + 6), clear, 2500):
        if all(math.hypot(x - a, y - b) > c + 9 for a, b, c in big):
            front.fill(ellipse(x, y, dice.pick((0.7, 0.9, 1.25))), moon)
    for x, y, r in big:
        front.fill(star(x, y, r), gold)
    trunk = night.mix(berry, 0.35)
    pale = snow.mix(dusk, 0.30)
    amber, rust = gold.mix(berry, 0.32), berry.mix(night, 0.4)
    front.fill(ridge([(-10, 172), (60, 186), (140, 170), (230, 188), (310, 178), (w + 20, 192)], -9), pale)
    for x, y, height in ((146, 168, 92), (172, 170, 70), (262, 178, 84)):
        pine(front, x, y, height, deep.mix(dusk, 0.35), deep.mix(dusk, 0.10), trunk)
    pine(front, *tall[0], gold, amber, trunk)
    pine(front, *tall[1], gold, amber, trunk)
    pine(front, *tall[2], spruce, spruce.mix(deep, 0.6), trunk)
    front.fill(
        ridge([(-10, 150), (70, 160), (150, 146), (220, 152), (300, 164), (w + 20, 156)], -9), snow.mix(pale, 0.42)
    )
    cabin(front, 166, 146, 50, berry, rust, rust.mix(night, 0.45), gold, snow)
    pine(front, *tall[3], spruce, spruce.mix(deep, 0.72), trunk)
    pine(front, 124, 138, 106, berry, rust, trunk)
    pine(front, 322, 136, 112, deep.mix(spruce, 0.35), deep, trunk)
    pine(front, 60, 130, 96, deep.mix(spruce, 0.35), deep, trunk)
    front.fill(ridge([(-10, 124), (70, 132), (170, 116), (270, 130), (w + 20, 120)], -9), snow)
    line = fitted("Peace & Joy", PLAYFAIR, 226)
    front.fill(line.centred(front.mid, 58), night)
    front.fill(caps("to you and yours", 7.6, 330).centred(front.mid, 33), rust)

    card.back.flood(snow)
    tree = polyline(
        [
            (0, 34),
            (-6, 22),
            (-3, 23),
            (-9.5, 11),
            (-5, 12),
            (-12, 0),
            (12, 0),
            (5, 12),
            (9.5, 11),
            (3, 23),
            (6, 22),
            (0, 34),
        ]
    )
    imprint(card, night, motif=tree.add(polyline([(0, 0), (0, -5)])))
    left, right = card.left, card.right
    left.fill(ridge([(-10, 62), (90, 78), (190, 62), (290, 58), (w, 46)], -9), snow)
    for x, y, height, a, b in ((150, 67, 118, spruce, deep), (190, 60, 84, gold, amber), (222, 58, 54, berry, rust)):
        pine(left, x, y, height, a, b, trunk)
    right.fill(ridge([(0, 46), (80, 36), (190, 30), (290, 14), (w + 10, 6)], -9), snow)
    for x, y, r in ((118, 244, 5), (176, 286, 10), (226, 232, 6)):
        left.fill(star(x, y, r), gold)


def hello_sunrise(card: Card) -> None:
    """A sun of many rings comes up over dunes; the morning is coloured in flat steps."""
    names = ("sky", "sun", "coral", "plum", "rose", "deep")
    sky, sun, coral, plum, rose, deep = (card.ink(n) for n in names)
    front, w, h = card.front, card.front.width, card.front.height
    front.flood(sky)
    x, y = w * 0.5, h * 0.43
    rings = 7
    for i in range(rings):
        r = 128 - i * 14.5
        front.fill(ellipse(x, y, r), sky.mix(rose, 0.16 + 0.12 * i) if i < 3 else rose.mix(coral, 0.25 + 0.2 * (i - 3)))
    front.fill(ellipse(x, y, 34), sun)
    dunes = (
        ([(-10, 178), (60, 196), (130, 176), (200, 188), (w + 12, 170)], rose.mix(plum, 0.34)),
        ([(-10, 150), (70, 142), (150, 166), (230, 150), (w + 12, 162)], rose.mix(plum, 0.62)),
        ([(-10, 104), (60, 128), (140, 112), (220, 132), (w + 12, 116)], plum),
        ([(-10, 84), (80, 70), (170, 92), (w + 12, 74)], plum.mix(deep, 0.6)),
    )
    for points, ink in dunes:
        front.fill(ridge(points, -9), ink)
    front.fill(words("hello, you", BLACK, 30).centred(front.mid, 34), sky)
    card.back.flood(sky)
    half = Path()
    for r in (6, 10, 14):
        half.add(Path().move(-r, 0).curve(-r, r * 0.552, -r * 0.552, r, 0, r).curve(r * 0.552, r, r, r * 0.552, r, 0))
    imprint(card, deep, motif=half.add(polyline([(-19, 0), (19, 0)])))
    left = card.left
    for i in range(4):
        r = 46 - i * 10.5
        with left.within(rect(0, left.height * 0.5, w, 80)):
            left.fill(ellipse(left.mid, left.height * 0.5, r), (sky.mix(rose, 0.5), rose, coral, sun)[i])
    left.fill(rect(left.mid - 62, left.height * 0.5 - 1.2, 124, 1.2), deep)


DRAWINGS = {"sympathy-still": sympathy_still, "holiday-pines": holiday_pines, "hello-sunrise": hello_sunrise}
