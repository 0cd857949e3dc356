"""System five, continued: quiet things that wish somebody well."""

from __future__ import annotations

import math

from kit import Card, Ink, Panel
from lettering import BLACK, PLAYFAIR, SERIF, caps, fitted, imprint, words
from paths import Path, ellipse, polyline, rect, rounded, smooth
from playthings import Figure, trace
from scatter import Dice, spread


def _kettle(toy: Figure, coat: Ink, shade: Ink, pale: Ink, dark: Ink, wood: Ink) -> None:
    """An enamel kettle, its spout to the right."""
    for x in (-34, 34):
        toy.line([(x * 1.06, 58), (x * 1.16, 84), (x * 0.86, 108)], dark, 3.6)
    grip = smooth([(-30, 107), (-15, 114), (0, 116), (15, 114), (30, 107)])
    toy.panel.stroke(toy.put(grip), wood, 8.4)
    spout = trace("M40 12 C66 14 66 46 82 66 L95 61 C84 40 82 4 44 2 Z")
    toy.cut(spout, coat, (trace("M40 8 C72 4 76 40 92 64 L110 60 L90 -4 Z"), shade))
    toy.fill(trace("M79.5 67 L96.5 60.5 L98 64 L81 70.5 Z"), pale)
    body = trace("M-50 0 C-60 24 -52 70 -22 74 L22 74 C52 70 60 24 50 0 Z")
    dim = trace("M18 80 C44 60 44 22 26 -4 L64 -4 L64 80 Z")
    toy.cut(body, coat, (dim, shade), (rect(-70, 0, 140, 7), dark))
    toy.line([(-41, 24), (-42, 40), (-36, 56)], pale, 3.2)
    toy.fill(trace("M-27 74 C-24 88 24 88 27 74 Z"), coat)
    toy.fill(trace("M8 84 C18 82 24 80 27 74 L4 74 Z"), shade)
    toy.fill(rounded(-30, 71.5, 60, 5, 2.5), dark)
    toy.fill(ellipse(0, 88.5, 6), wood)


def _pear(toy: Figure, skin: Ink, blush: Ink, leaf: Ink, dark: Ink) -> None:
    body = trace(
        "M0 0 C-20 -1 -27 14 -23 28 C-20 39 -12 43 -10 54 C-8 65 8 65 10 54 C12 43 20 39 23 28 C27 14 20 -1 0 0 Z"
    )
    side = trace("M6 68 C2 46 16 40 14 24 C13 10 6 2 -4 -4 L40 -4 L40 68 Z")
    toy.line([(1, 60), (2, 69), (6, 75)], dark, 2.2)
    toy.fill(trace("M3 67 C10 78 22 78 30 73 C24 66 12 63 3 67 Z"), leaf)
    toy.cut(body, skin, (side, blush))


def _cup(toy: Figure, clay: Ink, shade: Ink, band: Ink, dark: Ink) -> None:
    toy.panel.stroke(toy.put(ellipse(21, 19, 9.5, 9)), clay, 4.4)
    bowl = trace("M-24 36 C-24 12 -16 3 -10 3 L10 3 C16 3 24 12 24 36 Z")
    toy.cut(bowl, clay, (trace("M8 40 C14 24 12 8 4 0 L30 0 L30 40 Z"), shade), (rect(-30, 22, 60, 4), band))
    toy.fill(rounded(-32, 0, 64, 4, 2), dark)


def _steam(panel: Panel, x: float, y: float, high: float, sway: float, wide: float, ink: Ink) -> None:
    """A ribbon that sways as it rises, thickest in its middle."""
    sides: list[list[tuple[float, float]]] = [[], []]
    for i in range(25):
        t = i / 24
        mid, fat = x + sway * math.sin(t * 7.6) * (0.55 + 0.45 * t), wide * math.sin(math.pi * t**0.8) ** 0.8
        for side, sign in zip(sides, (-1, 1), strict=True):
            side.append((mid + sign * fat, y + t * high))
    panel.fill(smooth(sides[0] + sides[1][::-1], closed=True), ink)


def get_well_kettle(card: Card) -> None:
    """A window sill in the morning: the kettle has just boiled, and a pear waits."""
    sage, cream, rust, pear, slate = (card.ink(n) for n in ("sage", "cream", "rust", "pear", "slate"))
    front, w, h = card.front, card.front.width, card.front.height
    front.flood(sage)
    card.back.flood(sage)
    sky, sill = sage.mix(cream, 0.42), 142.0
    x, wide, low = 44.0, 218.0, sill + 10
    front.fill(rect(x - 12, low, wide + 24, h), cream)
    front.fill(rect(x + wide + 5, low, 7, h), cream.mix(sage, 0.4))
    panes = rect(x, low + 10, wide, h)
    front.fill(panes, sky)
    with front.within(panes):
        for points, ink in (
            ([(-20, 262), (60, 286), (150, 254), (330, 292)], sage.mix(cream, 0.24)),
            ([(-20, 214), (90, 232), (190, 246), (330, 206)], sage.mix(cream, 0.08)),
        ):
            front.fill(smooth(points).line(330, 0).line(-20, 0).close(), ink)
    front.fill(rect(front.mid - 4, low, 8, h), cream)
    _steam(front, 234, sill + 79, 150, 10, 5.2, cream)
    _steam(front, 204, sill + 96, 84, 7, 3.6, cream)
    front.fill(rect(-20, sill - 6, w + 40, 16), cream)
    front.fill(rect(-20, sill - 7, w + 40, 6), cream.mix(sage, 0.5))
    _kettle(Figure(front, 146, sill + 4, 1.04), rust, rust.mix(slate, 0.24), cream, slate, pear.mix(rust, 0.35))
    _pear(Figure(front, 53, sill + 3, 0.98), pear, pear.mix(rust, 0.3), sage.mix(slate, 0.5), slate)
    _cup(Figure(front, 252, sill + 2, 0.94), slate.mix(sage, 0.3), slate, pear, slate)
    front.fill(fitted("get well soon", SERIF, 206).centred(front.mid, 74), cream)
    front.fill(caps("there is no hurry at all", 6.8, 280).centred(front.mid, 48), cream)

    mark = trace("M-15 0 C-18 8 -15 20 -7 21 L7 21 C15 20 18 8 15 0 Z M13 4 C20 5 19 13 24 19 L28 17 C24 10 23 1 14 0")
    mark.add(trace("M-8 21 C-7 26 7 26 8 21 M-11 19 C-13 36 13 36 11 19"), ellipse(0, 26.5, 1.7))
    imprint(card, cream, motif=mark)
    left = card.left
    low = left.height * 0.5
    _steam(left, left.mid - 10, low + 46, 74, 6, 3.2, sage.tint(0.5))
    _steam(left, left.mid + 6, low + 58, 44, -4, 2.2, sage.tint(0.5))
    left.fill(rounded(left.mid - 58, low - 5, 116, 5, 2.5), sage)
    _cup(Figure(left, left.mid - 2, low, 1.1), rust, rust.mix(slate, 0.24), cream, slate)


def _boat(toy: Figure, paper: Ink, dim: Ink, deep: Ink) -> None:
    """A boat folded from one sheet: a sail of two halves between two flaps."""
    toy.fill(trace("M-52 25 L0 14 L52 25 L24 2 L-24 2 Z"), deep)
    toy.fill(trace("M0 50 L-25 6 L1 6 Z"), paper)
    toy.fill(trace("M0 50 L25 6 L0 6 Z"), dim)
    toy.fill(trace("M-52 25 L-22 7 L22 7 L52 25 L33 -14 L-33 -14 Z"), paper)
    toy.fill(trace("M52 25 L22 7 L6 -14 L33 -14 Z"), dim)


def _swell(panel: Panel, y: float, high: float, long: float, shift: float, ink: Ink, foam: Ink) -> None:
    """A band of sea from its crests at y down beyond the lower edge, with a stripe of foam along them."""
    points, x = [], -2 * long
    while x < panel.width + 2 * long:
        a = 2 * math.pi * (x + shift) / long
        points.append((x, y + high * (math.sin(a) + 0.22 * math.sin(2 * a + 1.2))))
        x += long / 16
    panel.fill(smooth(points).line(x, -90).line(-2 * long, -90).close(), ink)
    panel.stroke(smooth([(px, py - 1.1 * high - 1.5) for px, py in points]), foam, 0.35 * high)


def farewell_boats(card: Card) -> None:
    """One paper boat sails ahead on a striped sea, and three look after it."""
    dawn, foam, sea, navy, coral = (card.ink(n) for n in ("dawn", "foam", "sea", "navy", "coral"))
    front = card.front
    front.flood(dawn)
    card.back.flood(dawn)
    cream = dawn.tint(0.25)
    pale, deep = sea.mix(foam, 0.55), sea.mix(navy, 0.55)
    bands = (
        (196, 2.4, 62, 0, foam, cream), (182, 2.9, 72, 30, pale, foam), (165, 3.5, 84, 66, sea, foam),
        (144, 4.2, 98, 14, pale, foam), (120, 5.0, 114, 80, sea, foam), (92, 5.9, 132, 30, deep, sea),
        (60, 6.9, 152, 96, sea.mix(navy, 0.28), pale), (24, 8.0, 176, 22, navy, sea),
    )  # fmt: skip
    fleet = {
        2: [(56, 174, 0.50, 3, cream, foam, sea), (204, 172, 0.42, -5, cream, foam, sea)],
        3: [(136, 149, 0.70, -3, cream, foam, deep)],
        5: [(366, 110, 2.05, 5, coral, coral.mix(navy, 0.12), coral.mix(navy, 0.29))],
    }
    for i, (y, high, long, shift, water, crest) in enumerate(bands):
        for bx, by, scale, turn, *inks in fleet.get(i, []):
            _boat(Figure(front, bx, by, scale, False, turn), *inks)
        _swell(front, y, high, long, shift, water, crest)
    for x, y, long, fat in ((306, 308, 162, 3.0), (372, 288, 104, 2.4), (330, 272, 66, 1.8)):
        streak = trace(f"M0 0 C{long * 0.3} {fat * 3.4} {long * 0.6} {-fat * 2.2} {long} {fat * 1.6}")
        streak.curve(long * 0.6, -fat * 0.4, long * 0.3, fat * 5, 0, 0)
        front.fill(streak.close().at(x, y), cream)
    front.fill(fitted("fair winds", PLAYFAIR, 228).at(38, 276), navy)
    front.fill(caps("and come back to tell us", 8.2, 300).at(42, 248), coral.mix(navy, 0.3))
    mark = trace("M-20 11 L0 3 L20 11 L13 -5 L-13 -5 Z M-9 6.6 L0 22 L9 6.6")
    imprint(card, navy, motif=mark.add(smooth([(-24, -8), (-12, -6), (0, -8.6), (12, -6), (24, -8)])))
    upper = card.top
    middle = (upper.mid, upper.height * 0.44)
    _boat(Figure(upper, upper.mid, middle[1] + 6, 1.1, False, 4), coral, coral.mix(navy, 0.12), coral.mix(navy, 0.29))
    with upper.within(ellipse(upper.mid, middle[1] + 4, 104, 36)):
        _swell(upper, middle[1], 4.4, 104, 96, sea, foam)
        _swell(upper, middle[1] - 17, 4.6, 104, 44, navy, sea)


_LEAFLET = trace("M0 2 C-3.5 7 -13.5 11 -14.5 20 C-15 28.5 -5 31 0 26.5 C5 31 15 28.5 14.5 20 C13.5 11 3.5 7 0 2 Z")


def _clover(
    toy: Figure, leaves: int, light: Ink, dark: Ink, mark: Ink | None, stem: tuple[float, float] = (60.0, 40.0)
) -> None:
    """Heart-shaped leaflets about a point, one half of each in shade, with a pale mark across; stem: turn, length."""
    turn, long = math.radians(stem[0]), stem[1]
    cos, sin = math.cos(turn) * long, math.sin(turn) * long
    if long:
        toy.line([(0, 0), (cos * 0.5 + sin * 0.14, sin * 0.5 - cos * 0.14), (cos, sin)], dark, 1.9)
    for i in range(leaves):
        angle = i * 360 / leaves
        leaf = _LEAFLET.at(0, 0, angle, 1.0 if leaves == 3 else 0.95)
        half = trace("M0 0 L0 40 L20 40 L20 0 Z").at(0, 0, angle)
        toy.cut(leaf, light, (half, dark))
        if mark:
            bow = smooth([(-9, 13.6), (-4.8, 17.6), (0, 20.4), (4.8, 17.6), (9, 13.6)])
            toy.panel.stroke(toy.put(bow.at(0, 0, angle)), mark, max(0.5, 1.3 * toy.scale))


def good_luck_clover(card: Card) -> None:
    """A bank of clover at dusk; one of them has a fourth leaf."""
    ground, leaf, mint, gold, cream = (card.ink(n) for n in ("ground", "leaf", "mint", "gold", "cream"))
    front, w, h = card.front, card.front.width, card.front.height
    front.flood(ground)
    card.back.flood(ground)
    dice = Dice(14)
    found = (228.0, 322.0)

    def edge(x: float) -> float:
        return 158 + 12 * math.sin(x / 46)

    deep, shade = ground.mix(leaf, 0.34), ground.mix(leaf, 0.2)
    for x, y in spread(Dice(3), (-20, 140, w + 20, h + 20), lambda x, y: 32.0 if y > edge(x) else None):
        size = 0.72 + 0.2 * min((y - 140) / 120, 1)
        _clover(
            Figure(front, x, y, size, False, dice.between(0, 120)), 3, deep, shade, None, (dice.between(0, 360), 34)
        )
    plain = (leaf, leaf.mix(ground, 0.22), leaf.mix(mint, 0.3))

    def room(x: float, y: float) -> float | None:
        near = math.hypot(x - found[0], y - found[1])
        return (
            54.0 if y > edge(x) + 26 and near > 74 and math.hypot(x - found[0] - 74, y - found[1] + 44) > 40 else None
        )

    for i, (x, y) in enumerate(spread(Dice(8), (-20, 150, w + 20, h + 20), room, 9000)):
        light = plain[i % 3]
        toy = Figure(front, x, y, dice.between(0.74, 0.92), False, dice.between(0, 120))
        _clover(toy, 3, light, light.mix(ground, 0.17), mint, (60, 0))
    _clover(Figure(front, *found, 1.46, False, 22), 4, gold, gold.mix(leaf, 0.13), cream, (-46, 60))
    front.fill(fitted("good luck", SERIF, 258).centred(front.mid, 82), cream)
    front.fill(caps("we looked until we found it", 8.0, 280).centred(front.mid, 52), gold)
    mark = Path().add(*(_LEAFLET.at(0, 0, 20 + i * 90, 0.45) for i in range(4)), smooth([(0, 0), (5, -9), (7, -20)]))
    imprint(card, mint, motif=mark)
    left = card.left
    toy = Figure(left, left.mid, 268, 1.5, False, 14)
    _clover(toy, 4, gold, gold.mix(leaf, 0.13), cream, (-112, 70))
    left.fill(caps("this one is yours", 7.4, 280).centred(left.mid, 132), leaf.mix(ground, 0.5))


_BLADE = trace("M0 0 C5 7 15 7 22 0 C15 -7 5 -7 0 0 Z")


def _year(panel: Panel, x: float, y: float, r: float, dice: Dice, inks: dict[str, Ink]) -> None:
    """A wreath that goes once round the year, clockwise from spring at the upper right to winter at the upper left."""
    brick, ink, cream, brass, moss = inks.values()
    for k in range(3):
        ring = [(math.radians(a), r + 2.4 * math.sin(math.radians(a * 4 + k * 120))) for a in range(0, 360, 10)]
        at = [(x + far * math.cos(a), y + far * math.sin(a)) for a, far in ring]
        panel.stroke(smooth(at, closed=True), brass.mix(ink, 0.5), 1.3)
    fresh, frost = moss.mix(brass, 0.32).mix(cream, 0.3), moss.mix(cream, 0.6)
    dark = (moss.mix(ink, 0.1), moss.mix(ink, 0.5), brick.mix(ink, 0.3))
    tones = (
        (fresh, moss.mix(cream, 0.2), fresh),
        (moss, moss.mix(ink, 0.25), moss.mix(brass, 0.2)),
        (brick, brass, brick),
    )
    tones = (*tones, (frost, frost.mix(cream, 0.4), frost))
    for i in range(84):
        turn, side = 92 - i * 360 / 84, (i * 2) % 3 - 1
        season = int(((i + 84 + dice.about(0, 1.4)) % 84) / 21)
        a, far = math.radians(turn), r + side * 4.2
        size = (0.80, 1.02, 0.92, 0.86)[season] * dice.between(0.9, 1.12)
        toy = Figure(panel, x + far * math.cos(a), y + far * math.sin(a), size, False, turn - 90 - side * 46)
        light = tones[season][i % 3]
        if season == 3:
            for tip in ((14, 8), (18, 3.5), (19, -1.5), (15, -7)):
                toy.line([(0, 0), (tip[0] * 0.5, tip[1] * 0.66), tip], light, 1.5)
        else:
            toy.cut(_BLADE, light, (rect(0, -9, 24, 9), light.mix(dark[season], 0.45)))
    for i in range(22):
        season, a, far = i * 4 // 22, math.radians(82 - i * 360 / 22), r + (7, -6, 1)[i % 3]
        px, py = x + far * math.cos(a), y + far * math.sin(a)
        if season == 0:
            for k in range(5):
                t = math.radians(k * 72 + i * 20)
                panel.fill(
                    ellipse(px + 4 * math.cos(t), py + 4 * math.sin(t), 3.3), brick.mix(cream, (0.62, 0.78)[i % 2])
                )
            panel.fill(ellipse(px, py, 2.2), brass)
        elif season != 1 or i % 2:
            panel.fill(ellipse(px, py, 3.1), (brick, brass, brass.mix(cream, 0.35), cream)[season])


def _key(toy: Figure, metal: Ink, shade: Ink) -> None:
    """A door key that hangs by its bow, its bit at the lower end."""
    toy.fill(rect(-1.9, -40, 3.8, 34), metal)
    toy.fill(trace("M1.5 -40 L12 -40 L12 -35 L8.5 -35 L8.5 -31 L12 -31 L12 -27 L1.5 -27 Z"), metal)
    toy.fill(rounded(-4.2, -12, 8.4, 3.4, 1.6), shade)
    toy.panel.stroke(toy.put(ellipse(0, 1, 8)), metal, 3.8 * toy.scale)


def _cat(toy: Figure, fur: Ink, pale: Ink, nose: Ink) -> None:
    toy.line([(-13, 5), (-24, 6), (-27, 18), (-21, 28), (-24, 36)], fur, 5)
    toy.fill(trace("M-17 0 C-23 18 -15 32 -9 40 L9 40 C15 32 23 18 17 0 Z"), fur)
    toy.fill(trace("M-15 64 L-13 48 C-14 36 14 36 13 48 L15 64 L6 57 L-6 57 Z"), fur)
    toy.fill(trace("M-6 38 C-7 30 -5 20 0 18 C5 20 7 30 6 38 C3 40 -3 40 -6 38 Z"), pale)
    for x in (-6, 6):
        toy.line([(x - 2.6, 49.5), (x, 48), (x + 2.6, 49.5)], pale, 1.2)
        toy.fill(rounded(x - 4.5, 0, 9, 5, 2.5), pale)
    toy.fill(trace("M-1.8 45 L1.8 45 L0 42.8 Z"), nose)


def home_first_year(card: Card) -> None:
    """A front door after its first year: a wreath that went through all seasons, the key, and a cat who lives there."""
    inks = {n: card.ink(n) for n in ("brick", "ink", "cream", "brass", "moss")}
    brick, ink, cream, brass, moss = inks.values()
    front, w = card.front, card.front.width
    wall = cream.mix(brick, 0.5)
    front.flood(wall)
    card.back.flood(wall)
    floor, mid = 118.0, front.mid
    panel, stone, shade = ink.mix(cream, 0.09), cream.mix(wall, 0.5), wall.mix(brick, 0.42)
    for bx, by, n in (
        (22, 392, 2),
        (40, 378, 1),
        (306, 448, 1),
        (296, 434, 2),
        (24, 262, 1),
        (34, 248, 1),
        (300, 300, 2),
    ):
        for k in range(n):
            front.fill(rounded(bx + k * 25, by, 22, 9, 1.6), wall.mix(brick, 0.2))
    front.fill(rect(mid + 90, floor, 18, 346), shade)
    front.fill(rect(mid - 98, floor, 196, 352), cream)
    front.fill(rect(mid - 108, floor + 346, 216, 13), cream)
    front.fill(rect(mid - 108, floor + 342, 216, 4.5), stone)
    front.fill(rect(mid - 84, floor, 168, 330), ink)
    for x, wide in ((-76, 36), (-36, 72), (40, 36)):
        front.fill(rect(mid + x, floor + 274, wide, 48), brass.mix(cream, 0.45))
    for x, y, wide, high in ((-66, 18, 60, 70), (6, 18, 60, 70), (-66, 118, 132, 128)):
        front.fill(rect(mid + x, floor + y, wide, high), panel)
        front.fill(rect(mid + x, floor + y, wide, 2.2), panel.mix(cream, 0.16))
    front.stroke(polyline([(mid, floor + 237), (mid, floor + 262)]), brick, 4)
    front.fill(rect(mid - 84, floor + 258, 168, 8), cream)
    front.fill(words("1", SERIF, 46).centred(mid, floor + 282), ink)
    front.fill(rounded(mid - 20, floor + 98, 40, 8, 2), brass)
    front.fill(rounded(mid + 72.5, floor + 88, 5, 24, 2.5), brass)
    front.fill(ellipse(mid + 75, floor + 108, 4.4), brass)
    x, y, r = mid, floor + 187.0, 49.5
    front.stroke(polyline([(x, y + r), (x, y + 20)]), cream, 0.9)
    _key(Figure(front, x, y + 11, 0.95), brass, brass.mix(ink, 0.25))
    _year(front, x, y, r, Dice(4), inks)
    front.fill(rect(-20, floor - 8, w + 40, 10), cream)
    front.fill(rect(-20, floor - 62, w + 40, 54), stone)
    front.fill(rect(-20, floor - 70, w + 40, 9), cream)
    front.fill(rect(-20, -20, w + 40, floor - 50), stone)
    _cat(Figure(front, 50, floor + 2, 1.0), ink, cream, brick)
    front.fill(rect(314.6, floor + 30, 2.8, 40), ink)
    front.fill(trace("M-15 0 L15 0 L18 28 L-18 28 Z").at(316, floor + 2), brick)
    front.fill(rounded(295.5, floor + 28, 41, 7, 2), brick.mix(ink, 0.18))
    crown = ellipse(316, floor + 80, 24)
    front.fill(crown, moss)
    with front.within(crown):
        front.fill(ellipse(328, floor + 74, 24), moss.mix(ink, 0.25))
    front.fill(fitted("one year home", BLACK, 240).centred(mid, floor - 46), ink)
    front.fill(caps("and every season of it", 8.2, 300).centred(mid, 24), ink)

    door = rect(-11, 0, 22, 34).add(rect(-8, 3, 16, 12), rect(-8, 26, 16, 5), ellipse(0, 20, 3.6))
    imprint(card, ink, motif=door)
    left = card.left
    left.stroke(polyline([(left.mid, 336), (left.mid, 281)]), brick, 1.2)
    left.fill(ellipse(left.mid, 337, 2.6), ink)
    _key(Figure(left, left.mid, 268, 1.6), brass, brass.mix(ink, 0.25))
    left.fill(caps("still fits", 7.4, 280).centred(left.mid, 172), ink)


DRAWINGS = {
    "farewell-boats": farewell_boats,
    "get-well-kettle": get_well_kettle,
    "good-luck-clover": good_luck_clover,
    "home-first-year": home_first_year,
}
