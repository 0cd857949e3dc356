"""System five, playthings: toys cut from plain paper, with one darker half where the light does not fall."""

from __future__ import annotations

import math
import re

from kit import Card, Ink, Panel
from lettering import BLACK, QUIET, caps, fitted, imprint
from paths import Path, Point, ellipse, polygon, polyline, rect, rounded, sector, smooth
from scatter import Dice, spread


def trace(marks: str) -> Path:
    """An outline from a short notation: M, L and C with their points, Z to close."""
    out = Path()
    for mark, numbers in re.findall(r"([MLCZ])([^MLCZ]*)", marks):
        at = [float(n) for n in numbers.split()]
        if mark == "C":
            for i in range(0, len(at), 6):
                out.curve(*at[i : i + 6])
        elif mark == "Z":
            out.close()
        else:
            for i in range(0, len(at), 2):
                (out.line if mark == "L" or i else out.move)(at[i], at[i + 1])
    return out


class Figure:
    """A toy standing at x, y on a panel: drawn in its own measure, placed in the panel's."""

    def __init__(
        self, panel: Panel, x: float, y: float, scale: float = 1.0, flip: bool = False, turn: float = 0.0
    ) -> None:
        self.panel, self._x, self._y, self.scale, self._flip, self._turn = panel, x, y, scale, flip, turn

    def put(self, path: Path) -> Path:
        """The path where it lands."""
        out = path.at(0, 0, self._turn, self.scale)
        return out.through(-1, 0, 0, 1, self._x, self._y) if self._flip else out.at(self._x, self._y)

    def fill(self, path: Path, ink: Ink) -> None:
        """A piece of paper."""
        self.panel.fill(self.put(path), ink)

    def line(self, points: list[Point], ink: Ink, width: float) -> None:
        """A soft thread through the points."""
        self.panel.stroke(self.put(smooth(points)), ink, max(0.4, width * self.scale))

    def cut(self, path: Path, ink: Ink, *parts: tuple[Path, Ink]) -> None:
        """A piece of paper with others on it that do not reach beyond its edge."""
        self.fill(path, ink)
        with self.panel.within(self.put(path)):
            for part, shade in parts:
                self.fill(part, shade)

    def eye(self, x: float, y: float, r: float, ink: Ink, glint: Ink) -> None:
        """A round eye with a spark in it."""
        self.fill(ellipse(x, y, r), ink)
        self.fill(ellipse(x + r * 0.32, y + r * 0.34, r * 0.3), glint)


def _leg(x: float, top: float, wide: float, step: float = 0.0) -> Path:
    """A leg from the body at height ``top`` down to the ground, slimmer at the foot, a step ahead."""
    foot = wide * 0.72
    return polygon([(x, top), (x + wide, top), (x + step + (wide + foot) / 2, 0), (x + step + (wide - foot) / 2, 0)])


def _giraffe(toy: Figure, coat: Ink, shade: Ink, patch: Ink, dark: Ink, hat: Ink, trim: Ink) -> None:
    for x, step in ((-30, 11), (28, -12)):
        toy.fill(_leg(x, 104, 12, step), shade)
        toy.fill(rect(x + step + 1.7, 0, 8.6, 7), patch)
    toy.line([(-47, 122), (-58, 106), (-60, 84)], coat, 3.2)
    toy.fill(ellipse(-60, 79, 3.6, 7), dark)
    body = Path().move(-50, 92).curve(-54, 118, -46, 134, -26, 137).line(8, 146)
    body.curve(22, 150, 28, 170, 32, 196).line(47, 322).line(65, 322).line(60, 190)
    body.curve(59, 150, 64, 128, 56, 92).curve(50, 80, -44, 80, -50, 92).close()
    for x, step in ((-46, -9), (42, 8)):
        toy.fill(_leg(x, 100, 13, step), coat)
        toy.fill(rect(x + step + 1.8, 0, 9.4, 7), patch)
    patches = Path()
    dice = Dice(19)

    def gap(x: float, y: float) -> float | None:
        return 21.0 - 7.5 * min(max((y - 130) / 190, 0), 1)

    for px, py in spread(dice, (-54, 84, 68, 318), gap):
        r = (21.0 - 7.5 * min(max((py - 130) / 190, 0), 1)) * 0.47
        turn, n = dice.between(0, 72), dice.pick((4, 5, 5))
        corners = []
        for i in range(n):
            a, far = math.radians(turn + i * 360 / n + dice.about(0, 10)), r * dice.between(0.86, 1.16)
            corners.append((px + far * math.cos(a), py + far * 1.1 * math.sin(a)))
        patches.add(polygon(corners))
    toy.cut(body, coat, (patches, patch))
    for i in range(11):  # the mane: a row of tufts down the neck
        x, y = 31.5 + i * 1.36, 190 + i * 11.8
        toy.fill(polygon([(x, y), (x + 2, y + 12), (x - 7, y + 9)]), dark)
    ear = Path().move(0, 0).curve(8, 8, 18, 6, 25, 0).curve(16, -6, 6, -6, 0, 0).close()
    toy.fill(ear.at(50, 336, 156), coat)
    toy.fill(ear.at(45, 338, 156, 0.6), patch)
    for x in (52, 61):
        toy.line([(x, 340), (x - 1, 356)], coat, 3.4)
        toy.fill(ellipse(x - 1, 357.5, 3.6), dark)
    head = Path().move(45, 322).curve(44, 350, 62, 350, 72, 341).line(98, 327).curve(107, 321, 104, 309, 94, 309)
    head.line(64, 311).curve(52, 309, 46, 312, 45, 322).close()
    toy.cut(head, coat, (ellipse(102, 310, 22, 19), shade))
    toy.line([(90, 314), (96, 313), (101, 316)], dark, 1.3)
    toy.fill(ellipse(97, 323, 1.5), dark)
    toy.eye(66, 332, 4.2, dark, trim)
    cone = polygon([(-10, 0), (10, 0), (1, 28)])
    stripes = Path().add(*(polygon([(-14, y), (14, y + 6), (14, y + 10), (-14, y + 4)]) for y in (-2, 8, 18)))
    party = Figure(toy.panel, *toy.put(Path().move(70, 340)).ops[0][1][0], turn=-24)
    party.cut(cone, hat, (stripes, trim))
    party.fill(ellipse(1, 28, 4), trim)


def _elephant(toy: Figure, skin: Ink, shade: Ink, deep: Ink, rug: Ink, dark: Ink, pale: Ink) -> None:
    for x in (-62, 22):
        toy.fill(polygon([(x, 60), (x + 30, 60), (x + 28, 0), (x + 2, 0)]), deep)
    toy.line([(-80, 90), (-89, 78), (-90, 62)], shade, 3)
    toy.fill(ellipse(-90, 57, 2.8, 6), dark)
    trunk = Path().move(86, 62).curve(112, 60, 116, 96, 108, 140).curve(106, 150, 118, 152, 121, 144)
    trunk.curve(134, 96, 138, 34, 100, 28).curve(84, 26, 70, 40, 66, 56).close()
    toy.fill(trunk, skin)
    for y, x in ((118, 112.5), (104, 114), (90, 115), (76, 113.5)):
        toy.line([(x, y), (x + 7, y + 2.4), (x + 13.5, y + 1)], shade, 1.1)
    body = Path().move(-82, 0).line(-84, 62).curve(-86, 108, -58, 124, -10, 124).line(30, 124)
    body.curve(58, 124, 70, 96, 68, 50).line(66, 0).line(36, 0).line(34, 34).curve(20, 42, -30, 42, -48, 34).line(
        -50, 0
    )
    toy.cut(body.close(), skin, (rect(-90, -5, 14, 140), shade))
    for x in (-78, -68, -58, 42, 52, 61):
        toy.fill(sector(x + 1, 0, 4, 0, 180), pale)
    saddle = Path().move(-52, 130).line(-56, 66).line(26, 66).line(22, 130).close()
    scallops = Path().add(*(ellipse(-56 + 11.7 * (i + 0.5), 66, 5.9) for i in range(7)))
    toy.fill(scallops, pale)
    dots = Path().add(*(ellipse(-44 + i * 19.5, y, 4.4) for i in range(4) for y in (88,)))
    with toy.panel.within(toy.put(body)):
        toy.fill(saddle, rug)
        toy.fill(rect(-57, 70, 84, 4), pale)
        toy.fill(dots, pale)
    toy.fill(ellipse(74, 84, 38, 40), skin)
    tusk = Path().move(92, 56).curve(108, 48, 120, 52, 126, 64).curve(116, 58, 106, 60, 97, 68).close()
    toy.fill(tusk, pale)
    ear = (
        Path()
        .move(62, 112)
        .curve(40, 136, 12, 116, 20, 86)
        .curve(26, 62, 46, 46, 58, 54)
        .curve(70, 62, 72, 92, 62, 112)
    )
    toy.cut(ear.close(), deep, (ellipse(38, 88, 12, 22), shade))
    toy.eye(86, 92, 4.2, dark, pale)
    toy.line([(80, 100), (86, 103), (92, 101)], dark, 1.2)


def _cake(toy: Figure, sponge: Ink, icing: Ink, dark: Ink, flame: Ink, pale: Ink) -> None:
    """Two tiers, iced, with three candles; it stands on its plate."""
    toy.fill(rounded(-39, 0, 78, 4.5, 2.2), dark)
    for half, low, high, drops in ((32, 4.5, 22, 8), (21, 26.5, 18, 5)):
        toy.fill(rect(-half, low, 2 * half, high), sponge)
        step = 2 * half / drops
        top = low + high
        toy.fill(rect(-half, top - 7, 2 * half, 7), icing)
        for i in range(drops):
            drip = 9.0 + (5, 1, 7, 3)[i % 4]
            toy.fill(rounded(-half + step * i, top - drip, step, drip, step / 2), icing)
    for x in (-12, 0, 12):
        toy.fill(rect(x - 1.7, 44.5, 3.4, 14), pale)
        toy.fill(rect(x - 1.7, 49, 3.4, 3.4), dark)
        drop = Path().move(0, 0).curve(4.6, 3, 3, 7, 0, 11).curve(-3, 7, -4.6, 3, 0, 0).close()
        toy.fill(drop.at(x, 60), flame)


def _dog(toy: Figure, coat: Ink, shade: Ink, knit: Ink, stripe: Ink, dark: Ink) -> None:
    """A very long dog in a striped jersey."""
    for x, step in ((-84, 7), (58, -6)):
        toy.fill(_leg(x, 24, 13, step), shade)
    for x, step in ((-98, -6), (72, 7)):
        toy.fill(_leg(x, 24, 14, step), coat)
        toy.fill(rounded(x + step + 1, 0, 16, 6, 3), coat)
    for x, step in ((-84, 7), (58, -6)):
        toy.fill(rounded(x + step + 1, 0, 15, 6, 3), shade)
    tail = Path().move(-96, 40).curve(-112, 44, -118, 58, -122, 70).curve(-108, 62, -98, 56, -90, 48).close()
    toy.fill(tail, coat)
    trunk = rounded(-104, 16, 196, 34, 17)
    bands = Path().add(*(rect(-80 + i * 13, 10, 6.5, 50) for i in range(10)))
    toy.cut(trunk, coat, (rect(-86.5, 10, 136.5, 50), knit), (bands, stripe))
    neck = (
        Path()
        .move(62, 20)
        .line(96, 26)
        .curve(102, 48, 104, 62, 102, 70)
        .line(76, 72)
        .curve(74, 58, 70, 50, 60, 50)
        .close()
    )
    toy.fill(neck, coat)
    head = (
        Path().move(74, 66).curve(74, 86, 92, 92, 104, 86).line(132, 74).curve(142, 70, 140, 58, 130, 58).line(96, 58)
    )
    toy.fill(head.curve(82, 56, 74, 58, 74, 66).close(), coat)
    toy.fill(ellipse(136.5, 71, 5.2, 4.4), dark)
    toy.line([(112, 63), (122, 61.5), (131, 64)], dark, 1.3)
    ear = (
        Path()
        .move(84, 84)
        .curve(70, 86, 62, 66, 68, 50)
        .curve(74, 42, 88, 48, 92, 62)
        .curve(94, 74, 92, 82, 84, 84)
        .close()
    )
    toy.fill(ear, shade)
    toy.eye(104, 77, 3.4, dark, stripe)
    toy.fill(polygon([(71, 50), (101, 54), (100, 46), (68, 42)]), dark)


def _chick(toy: Figure, down: Ink, shade: Ink, beak: Ink, dark: Ink) -> None:
    for x in (-3, 4):
        toy.line([(x, 7), (x, 3), (x + 1, 0)], beak, 1.5)
    body = (
        Path().move(-17, 22).curve(-16, 4, 14, 2, 14, 20).curve(18, 36, 0, 40, -2, 26).curve(-7, 22, -12, 22, -17, 22)
    )
    toy.cut(body.close(), down, (ellipse(-6, 12, 9, 6), shade))
    toy.fill(polygon([(13.5, 30), (21, 26.5), (13.5, 24)]), beak)
    toy.fill(ellipse(7.5, 29, 1.7), dark)


def _snail(toy: Figure, skin: Ink, shade: Ink, shell: Ink, deep: Ink, pale: Ink, dark: Ink) -> None:
    """Late as ever, with a flag in his shell."""
    toy.line([(-14, 62), (-17, 92)], dark, 1.8)
    toy.fill(polygon([(-17.4, 93), (-44, 88), (-15.6, 76)]), deep)
    foot = Path().move(-56, 0).curve(-44, 14, -30, 16, -8, 16).line(26, 16).curve(36, 20, 34, 34, 36, 42)
    foot.curve(40, 54, 58, 52, 58, 40).curve(58, 18, 60, 4, 44, 0).close()
    for x, y in ((42, 66), (56, 63)):
        toy.line([(46, 44), (x, y)], skin, 2.6)
        toy.fill(ellipse(x, y, 3.4), dark)
    toy.cut(foot, skin, (rect(-60, -2, 130, 6), shade))
    toy.fill(ellipse(-9, 37, 28), shell)
    for r, x, ink in ((20.5, -7, pale), (17, -6, shell), (10.5, -4, pale), (7, -3.4, deep)):
        toy.fill(ellipse(x, 37 - (28 - r) * 0.16, r), ink)
    toy.line([(50, 30), (54, 28.5), (57.5, 31)], dark, 1.2)


def birthday_parade(card: Card) -> None:
    """The procession comes over the hill: a giraffe in a hat, an elephant with the cake, and a very long dog."""
    names = ("butter", "tomato", "pink", "pine", "cream")
    butter, tomato, pink, pine, cream = (card.ink(n) for n in names)
    front, w = card.front, card.front.width
    front.flood(butter)
    card.back.flood(butter)
    rose = pink.mix(tomato, 0.22)
    hill = smooth([(-40, 96), (60, 108), (190, 112), (300, 104), (w + 40, 92)])
    front.fill(hill.line(w + 40, -20).line(-40, -20).close(), pine)
    fawn, tan = butter.mix(tomato, 0.22).mix(cream, 0.4), tomato.mix(butter, 0.3)
    _giraffe(Figure(front, 82, 104, 0.98), cream, fawn, tan, pine, tomato, cream)
    giant = Figure(front, 222, 104, 0.86)
    giant.line([(111, 138), (118, 158), (128, 194)], pine, 2)
    giant.fill(polygon([(119.5, 162), (128.6, 194), (92, 190)]), cream)
    _elephant(giant, pink, rose, pink.mix(tomato, 0.42), tomato, pine, cream)
    _cake(Figure(front, 208, 210, 0.86), cream, rose, pine, tomato, cream)
    path = smooth([(-40, 26), (90, 38), (230, 34), (w + 40, 20)])
    front.fill(path.line(w + 40, -20).line(-40, -20).close(), tomato)
    _dog(Figure(front, 176, 33, 0.98), butter.mix(tomato, 0.36), tomato.mix(butter, 0.22), cream, rose, pine)
    _chick(Figure(front, 211, 82, 0.95), cream, pink, tomato, pine)
    front.fill(fitted("Happy", BLACK, 122).centred(255, 367), pine)
    front.fill(fitted("birthday", BLACK, 164).centred(255, 320), tomato)
    front.fill(caps("all this is for you", 7.6, 240).centred(255, 297), pine)

    hat = polygon([(-9, 0), (9, 0), (0, 24)]).add(ellipse(0, 27, 3))
    imprint(card, pine, motif=hat.add(polyline([(-6.4, 7), (3.8, 14)]), polyline([(-8, 2.6), (6.2, 7.6)])))
    left = card.left
    left.fill(rounded(left.mid - 74, 208, 148, 7, 3.5), pine)
    _snail(Figure(left, left.mid - 6, 215, 1.0), pink, rose, tomato, pine, cream, pine)
    left.fill(caps("the snail is on his way", 7.4, 260).centred(left.mid, 182), pine)


Pieces = list[tuple[Path, Ink, float]]  # an outline, its ink, and the pen's width or 0 for paper


def _moon(x: float, y: float, r: float, paper: Ink, hole: Ink) -> Pieces:
    """A crescent open to the upper right, with punched holes."""
    away, inner = 0.46 * r, 0.80 * r
    near = (r * r - inner * inner + away * away) / (2 * away)
    a = math.degrees(math.acos(near / r))
    b = math.degrees(math.acos((near - away) / inner))
    rim = [(r, t) for t in (a + i * (360 - 2 * a) / 40 for i in range(41))]
    bite = [(inner, t) for t in (360 - b - i * (360 - 2 * b) / 40 for i in range(41))]
    points = [(r * math.cos(math.radians(t)), r * math.sin(math.radians(t))) for r, t in rim]
    points += [(away + r * math.cos(math.radians(t)), r * math.sin(math.radians(t))) for r, t in bite]
    holes = [(polygon(points).at(x, y, 28), paper, 0.0)]
    for turn, far, size in ((196, 0.72, 0.10), (222, 0.78, 0.065), (250, 0.74, 0.085), (172, 0.80, 0.055)):
        hx, hy = x + far * r * math.cos(math.radians(turn)), y + far * r * math.sin(math.radians(turn))
        holes.append((ellipse(hx, hy, size * r), hole, 0.0))
    return holes


def _cloud(x: float, y: float, s: float, paper: Ink, shade: Ink) -> Pieces:
    high = trace(
        "M-34 0 C-46 0 -48 16 -36 19 C-38 32 -20 38 -12 30 C-6 44 18 42 20 27 C32 32 42 20 36 13 C46 10 44 0 36 0 Z"
    )
    low = trace(
        "M-34 0 C-42 0 -44 10 -36 12 C-32 20 -18 18 -14 11 C-6 20 6 18 8 10 C16 16 28 14 30 6 C34 4 40 2 36 0 Z"
    )
    return [(high.at(x, y, 0, s), paper, 0), (low.at(x, y, 0, s), shade, 0)]


def _wings(x: float, y: float, s: float, flip: bool, paper: Ink, shade: Ink, dark: Ink, pale: Ink) -> Pieces:
    """A bird in flight, folded from two tones of one paper."""
    leaf = trace("M0 0 C8 10 26 9 36 0 C26 -5 8 -7 0 0 Z")
    parts = [
        (leaf.at(7, 4, 64, 0.88), shade),
        (leaf.at(-21, 1, 196, 0.66), shade),
        (leaf.at(-20, 3, 172, 0.72), paper),
        (trace("M-27 4 C-14 -13 14 -14 24 0 C28 8 20 16 11 13 C2 9 -12 8 -27 4 Z"), paper),
        (polygon([(23.5, 8.6), (33, 4.6), (24.6, 1.4)]), dark),
        (leaf.at(4, 3, 118, 1.06), paper.mix(pale, 0.3)),
        (ellipse(17, 6.4, 1.7), dark),
    ]
    return [(p.through(-s if flip else s, 0, 0, s, x, y), ink, 0.0) for p, ink in parts]


def _star(x: float, y: float, r: float, turn: float, light: Ink, dark: Ink) -> Pieces:
    """Five points, each folded along its middle."""
    tips = [(math.radians(90 + i * 36), r if i % 2 == 0 else r * 0.46) for i in range(10)]
    at = [(far * math.cos(t), far * math.sin(t)) for t, far in tips]
    whole = [(polygon(at).at(x, y, turn), light, 0.0)]
    return whole + [(polygon([(0, 0), at[i], at[i + 1]]).at(x, y, turn), dark, 0.0) for i in range(0, 10, 2)]


def _arm(x: float, y: float, ends: tuple[Point, Point], wire: Ink) -> Pieces:
    """A bent wire that hangs at x, y, with a loop at each end."""
    (ax, ay), (bx, by) = ends
    bow = smooth([(ax, ay), ((ax + x) / 2, (ay + y) / 2 + 3.2), (x, y), ((bx + x) / 2, (by + y) / 2 + 3.2), (bx, by)])
    return [(bow, wire, 1.5), (ellipse(x, y + 1.6, 2), wire, 0.9), *((ellipse(a, b, 1.7), wire, 0) for a, b in ends)]


def _hang(panel: Panel, pieces: Pieces, shadow: Ink | None = None) -> None:
    """All pieces, and behind them, if wished, what they throw on the wall."""
    for move, tone in (((9, -8), shadow), ((0, 0), None)):
        for path, ink, width in pieces if tone or not any(move) else ():
            if width:
                panel.stroke(path.at(*move), tone or ink, width)
            else:
                panel.fill(path.at(*move), tone or ink)


def baby_mobile(card: Card) -> None:
    """A mobile turns in the draught: a moon, two clouds, birds and stars on bent wires."""
    names = ("egg", "slate", "honey", "clay", "milk")
    egg, slate, honey, clay, milk = (card.ink(n) for n in names)
    front, h = card.front, card.front.height
    front.flood(egg)
    card.back.flood(egg)
    amber, rose, mist = honey.mix(clay, 0.5), clay.mix(slate, 0.22), milk.mix(egg, 0.62)
    deep = slate.mix(egg, 0.25)

    def thread(x: float, top: float, low: float) -> tuple[Path, Ink, float]:
        return polyline([(x, top), (x, low)]), slate, 0.55

    def drops(x: float, y: float) -> Pieces:
        out: Pieces = []
        for dx, low, ink in ((-22, 22, clay), (-1, 34, honey), (19, 18, slate)):
            out += [thread(x + dx, y + 2, y - low)]
            out += [(trace("M0 9 C7 0 6 -6 0 -6 C-6 -6 -7 0 0 9 Z").at(x + dx, y - low - 4, 0, 0.82), ink, 0.0)]
        return out

    pieces: Pieces = [
        thread(148, h + 20, 378), thread(52, 354, 308), thread(232, 362, 332), thread(112, 371, 242),
        thread(180, 318, 262), thread(260, 316, 284), thread(68, 224, 190), thread(164, 230, 210),
        thread(136, 196, 164), thread(214, 196, 150), *drops(68, 168),
        *_arm(148, 376, ((52, 354), (232, 362)), slate), *_arm(232, 330, ((180, 318), (260, 316)), slate),
        *_arm(112, 240, ((68, 224), (164, 230)), slate), *_arm(164, 208, ((136, 196), (214, 196)), slate),
        *_moon(60, 281, 31, honey, egg), *_wings(180, 254, 1.02, False, clay, rose, slate, milk),
        *_star(260, 273, 13.5, 8, honey, amber), *_cloud(69, 166, 0.96, milk, mist),
        *_star(136, 156, 11.5, -10, clay, rose), *_wings(216, 142, 1.02, True, slate, deep, honey, egg),
    ]  # fmt: skip
    _hang(front, pieces, egg.mix(slate, 0.12))
    front.fill(fitted("hello, little one", QUIET, 196).centred(front.mid, 70), slate)
    front.fill(caps("so glad you are here", 6.8, 300).centred(front.mid, 44), slate)
    left = card.left
    low = left.height * 0.53
    echo = [
        thread(left.mid, h + 20, low + 30),
        *drops(left.mid, low + 2),
        *_cloud(left.mid, low, 1.1, egg, egg.tint(0.5)),
    ]
    _hang(left, [*echo, thread(left.mid + 66, h + 20, low + 92), *_star(left.mid + 66, low + 84, 11, 8, honey, amber)])
    imprint(card, slate, motif=_moon(0, 0, 10, honey, egg)[0][0])


DRAWINGS = {"baby-mobile": baby_mobile, "birthday-parade": birthday_parade}
