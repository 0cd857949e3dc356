"""System six, the days that are kept: an arch, a midnight, a stair of books, a house in its wood."""

from __future__ import annotations

import math

from botany import along, leaf
from kit import PAPER, Card, Ink, Panel
from lettering import PLAYFAIR, QUIET, SERIF, caps, fitted, imprint, words
from paths import Path, Point, ellipse, polygon, polyline, rect, rounded, sector, smooth
from scatter import Dice


def _anemone(panel: Panel, x: float, y: float, r: float, turn: float, inks: tuple[Ink, Ink, Ink]) -> None:
    """Broad petals in two rounds about a dark heart with its ring of stamens."""
    petal, shade, dark = inks
    for count, reach, wide, deep in ((7, 1.0, 0.58, 0.30), (5, 0.74, 0.50, 0.14)):
        for i in range(count):
            n, w = r * reach * (0.96 + 0.06 * (i % 2)), r * wide
            out = Path().move(0, 0).curve(n * 0.2, w * 0.9, n * 0.75, w * 1.15, n, w * 0.22)
            out.curve(n * 1.03, w * 0.06, n * 1.03, -w * 0.1, n * 0.98, -w * 0.26)
            out.curve(n * 0.74, -w * 1.1, n * 0.2, -w * 0.9, 0, 0).close()
            at = turn + 360 * i / count + (25 if count == 5 else 0)
            panel.fill(out.at(x, y, at), petal.mix(shade, deep + 0.12 * (i % 2)))
            panel.fill(out.at(x, y, at, 0.93), petal.mix(shade, deep - 0.12 + 0.08 * (i % 2)))
    for i in range(22):
        a = math.radians(360 / 22 * i + turn)
        d = r * (0.36 if i % 2 else 0.30)
        panel.stroke(smooth([(x, y), (x + math.cos(a) * d, y + math.sin(a) * d)]), dark, 0.4)
        panel.fill(ellipse(x + math.cos(a) * d, y + math.sin(a) * d, r * 0.032), dark)
    panel.fill(ellipse(x, y, r * 0.17), dark)


def _ranunculus(panel: Panel, x: float, y: float, r: float, turn: float, pale: Ink, deep: Ink) -> None:
    """Petal upon petal round and round, tighter and deeper towards the middle."""
    for i in range(27):
        share = i / 26
        a = math.radians(turn + 137.5 * i)
        d, s = r * 0.55 * (1 - share) ** 0.85, r * (0.47 - 0.36 * share)
        cx, cy = x + math.cos(a) * d, y + math.sin(a) * d
        edge = pale.mix(deep, 0.12 + 0.8 * share)
        panel.fill(ellipse(cx, cy, s), edge.mix(deep, 0.3))
        panel.fill(ellipse(cx - math.cos(a) * s * 0.1, cy - math.sin(a) * s * 0.1, s * 0.9), edge)


def _arch(x: float, foot: float, spring: float, r: float) -> Path:
    """A round arch about a middle line, open below."""
    k = 0.5523 * r
    out = Path().move(x - r, foot).line(x - r, spring).curve(x - r, spring + k, x - k, spring + r, x, spring + r)
    return out.curve(x + k, spring + r, x + r, spring + k, x + r, spring).line(x + r, foot)


def _over(x: float, spring: float, r: float, side: int, foot: float, last: float, lift: float) -> list[Point]:
    """A branch's way: up beside the arch, swaying a little, over the crown, and away from it at the end."""
    points = [(x - side * (r + foot), -14.0)]
    for i in range(1, 4):
        points.append((x - side * (r + foot * (1 - i / 3) + (5, -5, 2)[i - 1]), spring * i / 3.6))
    steps = int(last / 12)
    for i in range(steps + 1):
        a = math.radians(i * last / steps)
        grow = r + 4 * math.sin(i * 1.25) + lift * (i / steps) ** 6
        points.append((x - side * grow * math.cos(a), spring + grow * math.sin(a)))
    return points


def _bough(
    panel: Panel, spine: list[Point], count: int, size: float, slim: float, inks: tuple[Ink, Ink, Ink], dice: Dice
) -> None:
    """A branch with single leaves by turns, no two alike, and one leaf at its tip."""
    light, dark, stem = inks
    panel.stroke(smooth(spine), stem, 1.3)
    for i in range(count):
        x, y, heading = along(spine, 0.02 + 0.97 * i / count)
        n = size * dice.about(1.0, 0.16) * (1 - 0.35 * (i / count) ** 2)
        side = 1 if i % 2 else -1
        leaf(panel, x, y, heading + side * dice.about(40, 12), n, n * slim, light, dark, bend=-side * 0.12)
    x, y, heading = along(spine, 1.0)
    leaf(panel, x, y, heading, size * 0.66, size * slim * 0.66, light, dark)


def _spray(panel: Panel, x: float, y: float, turn: float, reach: float, stem: Ink, bud: Ink) -> None:
    """A loose spray of buds, as florists put between the heavy flowers."""
    for bend, far in ((-30, 0.7), (-13, 0.95), (3, 0.8), (17, 1.0), (33, 0.74)):
        a, b = math.radians(turn + bend * 0.4), math.radians(turn + bend)
        tip = (x + math.cos(b) * reach * far, y + math.sin(b) * reach * far)
        half = (x + math.cos(a) * reach * 0.5 * far, y + math.sin(a) * reach * 0.5 * far)
        panel.stroke(smooth([(x, y), half, tip]), stem, 0.7)
        panel.fill(ellipse(*tip, 2.9), bud)


def wedding_arch(card: Card) -> None:
    """An arch in a clay wall, and two branches of different trees that meet over it."""
    clay, ivory, olive, sage, wine = (card.ink(n) for n in ("clay", "ivory", "olive", "sage", "wine"))
    front, x, spring, r = card.front, card.front.mid, 296.0, 112.0
    front.flood(clay)
    card.back.flood(clay)
    front.fill(_arch(x, -12, spring, r), ivory)
    front.stroke(_arch(x, -12, spring, r - 17), clay, 0.8)
    shade, rose = sage.mix(olive, 0.55), clay.mix(wine, 0.42)
    light, deep = (sage, shade, olive), (olive.mix(sage, 0.16), olive, olive)
    _bough(front, _over(x, spring, r + 4, -1, 36, 112, 66), 47, 28, 0.42, light, Dice(3))
    _bough(front, _over(x, spring, r + 3, 1, 30, 108, 58), 44, 34, 0.33, deep, Dice(9))
    _spray(front, 106, 90, 69, 72, olive, clay)
    _spray(front, 257, 36, 107, 84, olive, wine)
    leaves = (
        (40, 96, 112, 56, 0), (96, 76, 24, 58, 0), (124, 42, 12, 48, 0), (130, 18, -12, 42, 0),
        (34, 38, 148, 26, 0), (298, 70, 92, 60, 1), (330, 62, 62, 54, 1), (276, 36, 152, 58, 1), (240, 18, 160, 46, 1),
        (344, 30, 20, 46, 1), (232, 14, 120, 40, 1),
    )  # fmt: skip
    for lx, ly, turn, n, tree in leaves:
        leaf(front, lx, ly, turn, n, n * 0.4, *(light if tree else deep)[:2], bend=0.1)
    _ranunculus(front, 118, 32, 29, 30, ivory.mix(clay, 0.35), rose)
    _ranunculus(front, 44, 8, 28, 210, clay.mix(ivory, 0.2), wine)
    _anemone(front, 62, 74, 46, 14, (ivory, clay, wine))
    _ranunculus(front, 312, 42, 40, 100, clay.mix(ivory, 0.2), wine)
    _anemone(front, 256, 14, 29, 40, (ivory, clay, wine))
    front.fill(words("the two", QUIET, 50).centred(x + 1, 288), wine)
    front.fill(words("of you", QUIET, 50).centred(x + 1, 242), wine)
    front.fill(caps("today & always", 7.8, 340).centred(x + 1, 208), olive)

    imprint(card, wine, motif=_arch(0, 0, 13, 9).add(_arch(0, 0, 13, 5.5)))
    left, mid, low = card.left, card.left.mid, 250.0
    _bough(left, [(mid + 10, low), (mid - 40, low + 10), (mid - 84, low - 2)], 11, 27, 0.33, deep, Dice(2))
    _bough(left, [(mid, low), (mid + 40, low + 16), (mid + 78, low + 14)], 11, 24, 0.42, light, Dice(6))
    _ranunculus(left, mid + 20, low - 4, 21, 30, clay.mix(ivory, 0.2), wine)
    _anemone(left, mid - 14, low + 4, 31, 10, (ivory, clay, wine))


def _ring(x: float, y: float, outer: float, inner: float, start: float = 0.0, sweep: float = 180.0) -> Path:
    """A slice of a ring, in degrees."""
    steps = max(2, int(sweep / 4))
    angles = [math.radians(start + sweep * i / steps) for i in range(steps + 1)]
    points = [(x + outer * math.cos(a), y + outer * math.sin(a)) for a in angles]
    points += [(x + inner * math.cos(a), y + inner * math.sin(a)) for a in reversed(angles)]
    return polygon(points)


def _fan(panel: Panel, x: float, y: float, r: float, ribs: int, inks: tuple[Ink, Ink, Ink]) -> None:
    """A scallop: a rim, a gap, and ribs that open from a small half disc."""
    ground, rim, rib = inks
    panel.fill(ellipse(x, y, r), ground)
    panel.fill(_ring(x, y, r, r * 0.93), rim)
    for i in range(ribs):
        panel.fill(_ring(x, y, r * 0.84, r * 0.34, (i + 0.17) * 180 / ribs, 0.66 * 180 / ribs), rib)
    panel.fill(sector(x, y, r * 0.24, 0, 180), rim)


def _star(panel: Panel, x: float, y: float, r: float, turn: float, inks: tuple[Ink, Ink]) -> None:
    """A star of eight small fans' ribs, long and short by turns."""
    for i in range(8):
        far, wide = (r, 14) if i % 2 == 0 else (r * 0.62, 20)
        panel.fill(_ring(x, y, far, r * 0.2, turn + i * 45 - wide / 2, wide), inks[i % 2])


def _dial(panel: Panel, x: float, y: float, r: float, inks: tuple[Ink, Ink, Ink, Ink]) -> None:
    """The upper half of a clock, five minutes before twelve."""
    night, gold, copper, paper = inks
    panel.fill(ellipse(x, y, r + 9), night)
    panel.fill(_ring(x, y, r + 4.5, r), gold)
    panel.fill(ellipse(x, y, r - 5), paper)
    for i in range(24):
        panel.fill(_ring(x, y, 100, 50, i * 7.5 + 1.2, 5.1), paper.mix(gold, 0.26))
    for i in range(1, 30):
        a, d = math.radians(i * 6), r - 13
        if i % 5:
            panel.fill(ellipse(x + math.cos(a) * d, y + math.sin(a) * d, 1.2), copper)
        else:
            panel.fill(rect(-1.5, d - 4, 3, 8).at(x, y, i * 6 - 90), night)
    for hour, at in ((10, 150), (11, 120), (12, 90), (1, 60), (2, 30)):
        size, d = (30, r - 37) if hour == 12 else (22, r - 34)
        fx, fy = x + math.cos(math.radians(at)) * d, y + math.sin(math.radians(at)) * d
        panel.fill(words(str(hour), SERIF, size).centred(fx, fy - size * 0.34), night)
    for turn, far, wide, ink in ((2.5, 80, 5.4, night), (30, 99, 3.8, copper)):
        hand = polygon([(-1, 0), (-wide, far * 0.62), (0, far), (wide, far * 0.62), (1, 0)])
        panel.fill(hand.at(x, y, turn), ink)
    _fan(panel, x, y, 40, 9, (night, gold, gold))


def new_year_midnight(card: Card) -> None:
    """A dial rises like a sun: five minutes to go."""
    night, dusk, gold, copper, paper = (card.ink(n) for n in ("night", "dusk", "gold", "copper", "paper"))
    front, x, y, r = card.front, card.front.mid, -6.0, 156.0
    front.flood(night)
    card.back.flood(night)
    for i in range(1, 36, 2):
        front.fill(sector(x, y, 640, i * 5 + 2.5, 5), night.mix(dusk, 0.55))
    for i in range(6, 31):
        a, far = math.radians(i * 5), (190, 178, 206, 178)[i % 4]
        cos, sin = math.cos(a), math.sin(a)
        front.stroke(polyline([(x + cos * 169, y + sin * 169), (x + cos * far, y + sin * far)]), gold, 0.8)
        if i % 2 == 0:
            front.fill(ellipse(x + cos * (far + 5.5), y + sin * (far + 5.5), 2.2 if i % 4 else 1.5), gold)
    pile = (
        (-1, 3, 290, gold), (-1, 2, 252, copper), (-1, 2, 328, paper), (-1, 1, 214, paper), (-1, 1, 290, gold),
        (-1, 0, 176, gold), (-1, 0, 252, copper), (-1, 0, 328, paper),
        (1, 2, 328, gold), (1, 1, 290, copper), (1, 1, 214, gold), (1, 0, 176, copper),
        (1, 0, 252, paper), (1, 0, 328, gold),
    )  # fmt: skip
    for side, row, d, rib in pile:
        _fan(front, x + side * (d - 14), y + row * 40, 46, 9, (night, gold, rib))
    _dial(front, x, y, r, (night, gold, copper, paper))
    for sx, sy, size, turn, pair in (
        (60, 246, 19, 0, (gold, paper)), (116, 198, 10, 20, (paper, gold)), (42, 318, 9, 10, (copper, gold)),
        (450, 214, 15, 12, (paper, gold)), (400, 172, 9, 0, (gold, copper)), (462, 306, 11, 30, (gold, paper)),
    ):  # fmt: skip
        _star(front, sx, sy, size, turn, pair)
    front.fill(fitted("Happy New Year", SERIF, 320).centred(x, 284), paper)
    front.fill(caps("may it be a kind one", 8.6, 330).centred(x, 257), gold)

    mark = ellipse(0, 13, 13).add(polyline([(0, 13), (0.4, 21)]), polyline([(0, 13), (-5, 21.5)]))
    imprint(card, gold, motif=mark)
    top = card.top
    for dx, dy, size, rib in ((-40, 30, 40, copper), (40, 30, 40, gold), (0, 0, 40, night)):
        _fan(top, top.mid + dx, 150 + dy, size, 9, (PAPER, gold, rib))
    for dx, dy, size in ((-104, 44, 9), (98, 66, 12), (0, 90, 7)):
        _star(top, top.mid + dx, 150 + dy, size, dx, (gold, copper))


def _cap(panel: Panel, x: float, y: float, s: float, inks: tuple[Ink, Ink, Ink]) -> None:
    """A mortarboard on its crown, the tassel over the left corner."""
    dark, shade, tassel = inks
    crown = Path().move(-33, 34).line(-31, 8).curve(-28, -3, 28, -3, 31, 8).line(33, 34).close()
    panel.fill(crown.at(x, y, 0, s), shade)
    board = [(-66, 37), (2, 12), (66, 33), (-2, 55)]
    panel.fill(polygon(board).at(x, y, 0, s), dark)
    rim = [*board[:3], *((px, py - 3.4) for px, py in board[2::-1])]
    panel.fill(polygon(rim).at(x, y, 0, s), dark.tint(0.6))
    cord = smooth([(0, 34.5), (-18, 36), (-41, 31), (-45, 25), (-45.5, 4)]).at(x, y, 0, s)
    panel.stroke(cord, tassel, 1.7 * s)
    panel.fill(ellipse(0, 34.5, 4.2, 2.4).at(x, y, 0, s), tassel)
    skirt = Path().move(-48, 4).curve(-49, -6, -51.5, -12, -52, -20).line(-39, -20).curve(-39.5, -12, -42, -6, -43, 4)
    panel.fill(skirt.close().at(x, y, 0, s), tassel)
    panel.fill(rounded(-49.2, 2, 7.4, 5, 2).at(x, y, 0, s), tassel)


def _spine(
    panel: Panel, left: float, low: float, tall: float, kind: int, title: Path, inks: tuple[Ink, Ink, Ink]
) -> None:
    """A book that lies on its side and runs off the card to the right."""
    cloth, tool, shade = inks
    block = rounded(left, low, panel.width + 20 - left, tall, 3.4)
    panel.fill(block, cloth)
    with panel.within(block):
        panel.fill(rect(left, low, panel.width + 20 - left, min(tall * 0.2, 7)), shade)
        for i, wide in ((0, 3.2), (1, 1.1))[:kind]:
            panel.fill(rect(left + 9 + i * 6.4, low - 1, wide, tall + 2), tool)
    x0, y0, x1, y1 = title.bounds()
    foot = max(low, 0)  # the lowest book stands in the bleed: its title is centred on what the knife leaves
    y = foot + (tall + low - foot) * 0.56
    panel.fill(title.at((left + 14 + panel.width - x0 - x1) / 2, y - (y0 + y1) / 2), tool)


def graduation_steps(card: Card) -> None:
    """A stair of books, and the hat at the top of it."""
    maize, spruce, brick, sea, cream = (card.ink(n) for n in ("maize", "spruce", "brick", "sea", "cream"))
    front, dark = card.front, spruce.mix(Ink(86, 60, 60, 72), 0.6)
    front.flood(maize)
    card.back.flood(maize)
    front.fill(ellipse(262, 276, 76), maize.mix(cream, 0.45))
    page, low = cream.mix(maize, 0.55), -9.0
    under = {cream: page, spruce: spruce.tint(0.86), brick: brick.mix(spruce, 0.22), sea: sea.mix(spruce, 0.2)}
    books = (
        (16, 62, spruce, cream, "An Introduction to Everything"), (44, 33, cream, brick, "The 8 a.m. Lecture"),
        (68, 40, brick, cream, "Statistics, Again"), (94, 27, sea, spruce, "Group Projects"),
        (119, 44, cream, spruce, "A History of Coffee"), (150, 29, spruce, maize, "Footnotes"),
        (172, 37, brick, cream, "Finals"), (201, 25, sea, spruce, "The End"),
    )  # fmt: skip
    for i, (left, tall, cloth, tool, title) in enumerate(books):
        line = words(title, PLAYFAIR, 4 + tall * 0.36) if i in (1, 4, 6) else caps(title, 6.2 + tall * 0.065, 200)
        _spine(front, left, low, tall, i % 3, line, (cloth, tool, under[cloth]))
        low += tall
    _cap(front, 274, low, 1.0, (spruce, dark, brick))
    front.fill(words("Every step", PLAYFAIR, 40).at(32, 436), spruce)
    front.fill(words("was yours", PLAYFAIR, 40).at(32, 394), spruce)
    front.fill(caps("well done, graduate", 8.4, 300).at(33, 366), brick)

    stair = rect(-16, 0, 32, 6).add(rect(-10, 6, 26, 6), rect(-4, 12, 20, 6), rect(2, 18, 14, 6))
    imprint(card, spruce, motif=stair)
    left = card.left
    for i, (x, tall, cloth) in enumerate(((118, 16, spruce), (132, 12, sea), (148, 15, brick))):
        low = 210 + sum((16, 12, 15)[:i])
        left.fill(rounded(x, low, 246 - x - (0, 8, 3)[i], tall, 2.4), cloth)
        left.fill(rect(x + 7, low, 2.2, tall), cream)
    _cap(left, 194, 253, 0.62, (spruce, dark, maize))


HOUSE = [(-40, -46), (40, -46), (40, 12), (0, 50), (-40, 12)]


def _grain(y: float, d: float, knot: tuple[float, float, float, float]) -> float:
    """Where a line of the grain, ``d`` from the heart, stands at a height: it makes way for the knot."""
    x, ky, r, tall = knot
    off = (y - ky) / tall
    way = d + math.copysign(r * math.exp(-off * off / 2 - abs(d) / 150), d)
    return x + 9 * math.sin(y / 78 + 0.6) * (1 - math.exp(-off * off)) + way * (1 + 0.035 * math.sin(y / 47 + d / 19))


def _polar(outline: list[Point], x: float, y: float) -> list[float]:
    """How far an outline is from a place within it, for every five degrees."""
    out = []
    for cos, sin in ((math.cos(math.radians(i * 5)), math.sin(math.radians(i * 5))) for i in range(72)):
        best = 0.0
        for (ax, ay), (bx, by) in zip(outline, outline[1:] + outline[:1], strict=True):
            ex, ey = bx - ax, by - ay
            if abs(det := ex * sin - ey * cos) > 1e-9:
                far, share = (ex * (ay - y) - ey * (ax - x)) / det, (cos * (ay - y) - sin * (ax - x)) / det
                best = max(best, far if -1e-9 <= share <= 1 + 1e-9 else 0.0)
        out.append(best)
    return out


def _about(reach: list[float], x: float, y: float) -> Path:
    """The soft outline that lies so far from a place, for every five degrees."""
    turns = [math.radians(i * 5) for i in range(72)]
    return smooth([(x + r * math.cos(a), y + r * math.sin(a)) for r, a in zip(reach, turns, strict=True)], closed=True)


def _blurred(values: list[float], by: int) -> list[float]:
    """Each value with its neighbours' mean, round and round."""
    n = len(values)
    return [sum(values[(i + k) % n] for k in range(-by, by + 1)) / (2 * by + 1) for i in range(n)]


def _rings(panel: Panel, x: float, y: float, knot: list[float], s: float, inks: tuple[Ink, Ink, Ink]) -> None:
    """The inner four of five rings about a house; each is less of the knot's shape and more of the house's."""
    honey, oak, line = inks
    soft = _blurred([min(o, b) for o, b in zip(knot, _blurred(_blurred(knot, 4), 4), strict=True)], 3)
    inner = _polar([(x + px * s, y + py * s) for px, py in HOUSE], x, y)
    for i in range(1, 5):
        ring = _about([b + (n - b) * i / 5 for b, n in zip(soft, inner, strict=True)], x, y)
        panel.fill(ring, honey.mix(oak, (0.9, 0.2)[i % 2]))
        panel.stroke(ring, oak.mix(line, 0.45 + 0.1 * i), 0.9)


def _cottage(panel: Panel, x: float, y: float, s: float, inks: tuple[Ink, Ink, Ink, Ink]) -> None:
    """The house itself: a roof, a door, two windows with light in them."""
    wall, roof, light, line = inks

    def put(path: Path, ink: Ink) -> None:
        panel.fill(path.at(x, y, 0, s), ink)

    put(rect(17, 26, 10, 26), line)
    put(polygon(HOUSE), wall)
    put(polygon([(0, 56), (-47, 11.5), (-47, 4), (0, 47), (47, 4), (47, 11.5)]), roof)
    put(_arch(0, -46, -20, 8).close(), roof)
    put(ellipse(4, -31, 1.4), light)
    for wx in (-29, 16):
        put(rect(wx, -24, 13, 18), light)
        put(rect(wx + 6, -24, 1, 18), wall)
        put(rect(wx, -15, 13, 1), wall)
    put(ellipse(0, 19, 6), light)
    put(rect(-0.5, 13, 1, 12), wall)
    put(rect(-6, 18.5, 12, 1), wall)


def home_five_years(card: Card) -> None:
    """A board of oak whose knot is a house; five rings have grown about it."""
    oak, honey, walnut, petrol, paper = (card.ink(n) for n in ("oak", "honey", "walnut", "petrol", "paper"))
    front, w, h = card.front, card.front.width, card.front.height
    card.back.flood(paper)
    dice, low = Dice(31), 112.0
    knot = (front.mid, 258.0, 92.0, 61.0)
    heights = [low - 12 + i * 8 for i in range(int((h + 30 - low) / 8) + 1)]
    front.flood(oak)
    for side in (1, -1):
        d, k = 0.0, 0
        while d < 170:
            line = [(_grain(y, math.copysign(d, side), knot), y) for y in heights]
            edge = w / 2 + side * (w / 2 + 30)
            area = smooth(line).line(edge, heights[-1]).line(edge, heights[0]).close()
            front.fill(area, honey.mix(oak, (0.25, 0.75, 0.45, 1.0)[k % 4]))
            front.stroke(smooth(line), oak.mix(walnut, 0.32 + 0.3 * (k % 3 == 0)), (0.6, 0.5, 0.9)[k % 3])
            d += dice.between(6, 12)
            k += 1
    (x, y), right = knot[:2], [(_grain(v, 0.0, knot), v) for v in heights]
    lens = right + [(_grain(v, -0.0, knot), v) for v in reversed(heights)]
    _rings(front, x, y, _polar(lens, x, y), 1.0, (honey, oak, walnut))
    _cottage(front, x, y, 1.0, (paper, petrol, oak, walnut))
    front.fill(rect(-9, low - 200, w + 18, 200), paper)
    front.fill(rect(-9, low, w + 18, 3), walnut)
    front.fill(words("five years of home", PLAYFAIR, 24).centred(front.mid, 62), walnut)
    front.fill(caps("happy anniversary", 7.4, 340).centred(front.mid, 38), petrol)

    imprint(card, walnut, motif=polygon([(-11, 0), (11, 0), (11, 14), (0, 25), (-11, 14)]))
    left, x, y = card.left, card.left.mid, 200.0
    turns = [math.radians(j * 5) for j in range(72)]
    bark = [46 + 1.6 * math.cos(3 * a + 0.3) + 1.3 * math.sin(2 * a) for a in turns]
    left.fill(_about(bark, x, y), oak)
    left.stroke(_about(bark, x, y), walnut.mix(oak, 0.3), 1.6)
    _rings(left, x, y, bark, 0.4, (honey, oak, walnut))
    _cottage(left, x, y, 0.4, (paper, petrol, oak, walnut))


DRAWINGS = {
    "graduation-steps": graduation_steps,
    "home-five-years": home_five_years,
    "new-year-midnight": new_year_midnight,
    "wedding-arch": wedding_arch,
}
