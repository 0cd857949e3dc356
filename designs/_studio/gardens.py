"""System two, the botanical: sprigs, wreaths and a meadow, leaves in two tones of green."""

from __future__ import annotations

import math

from botany import berries, blade, button, cosmos, lavender, poppy, sprig, wreath
from kit import Card
from lettering import QUIET, SCRIPT, caps, fitted, imprint, words
from paths import Path, ellipse, smooth
from scatter import Dice


def line_sprig(scale: float = 1.0) -> Path:
    """A sprig in one line, for imprints."""
    out = smooth([(-16, 0), (0, 1.5), (16, 0)])
    for x in (-9, -2, 5):
        for side in (1, -1):
            out.add(
                smooth(
                    [(x, 0.8), (x + 3, side * 3.4 + 1), (x + 7.5, side * 4.6 + 1), (x + 4.6, side * 1.2 + 1), (x, 0.8)]
                )
            )
    return out.at(0, 0, 0, scale)


def thank_you_fern(card: Card) -> None:
    """An oval of olive leaves and gold berries about two words."""
    paper, sage, moss, forest, gold = (card.ink(n) for n in ("paper", "sage", "moss", "forest", "gold"))
    front, h = card.front, card.front.height
    front.flood(paper)
    card.back.flood(paper)
    pale = (sage.tint(0.62), sage.tint(0.85))
    layers = (
        (12.5, 35.0, 0.26, 50.0, pale),
        (12.0, 29.0, 0.30, 34.0, (sage, moss)),
        (17.0, 25.0, 0.30, 27.0, (moss, forest)),
    )
    y = h * 0.515
    wreath(front, front.mid, y, 117, 166, Dice(11), layers, forest, gold)
    front.fill(fitted("thank you", SCRIPT, 164).centred(front.mid, y - 2), forest)
    front.fill(caps("for everything", 8.2, 300).centred(front.mid, y - 37), moss)

    imprint(card, forest, motif=line_sprig())
    left = card.left
    mid, y = left.mid, left.height * 0.52
    for side in (1, -1):
        spine = [(mid, y), (mid + side * 30, y + 5), (mid + side * 62, y + 1), (mid + side * 88, y + 9)]
        sprig(left, spine, 6, 19, (sage, moss), forest)
        berries(left, mid + side * 12, y + 1.5, 90 - side * 38, 20, 2, forest, gold)
    left.fill(ellipse(mid, y, 2.4), gold)
    right = card.right
    for side in (1, -1):
        spine = [(right.mid + side * 5, h - 42), (right.mid + side * 18, h - 40), (right.mid + side * 33, h - 42)]
        sprig(right, spine, 4, 8.5, (sage, moss), moss, pen=0.6)
    right.fill(ellipse(right.mid, h - 42, 1.6), gold)


def birthday_meadow(card: Card) -> None:
    """A meadow in June stands up from the lower edge, higher at the sides; the words have the sky."""
    names = ("blush", "terracotta", "rose", "mustard", "sage", "forest")
    blush, terracotta, rose, mustard, sage, forest = (card.ink(n) for n in names)
    front, h = card.front, card.front.height
    front.flood(blush)
    card.back.flood(blush)
    dice = Dice(31)
    pale, brick = blush.mix(sage, 0.42), card.ink("brick")
    dusk = rose.mix(forest, 0.30)
    for i in range(34):  # a pale thicket behind
        x = 3 + i * 10.73
        edge = abs(x - front.mid) / front.mid
        top = 70 + 150 * edge**1.6 + dice.about(0, 22)
        if i % 3 == 1:
            spine = [(x, -9), (x + dice.about(0, 7), top * 0.5), (x + dice.about(0, 16), top)]
            sprig(front, spine, 5, 26, (pale, pale.mix(sage, 0.25)), pale, lean=36, start=0.34)
        else:
            blade(front, x, -9, (x + dice.about(0, 20) + (3 if x < 20 else 0), top), 4.2, pale)

    def stalk(x: float, top_x: float, top: float, bow: float) -> list[tuple[float, float]]:
        spine = [(x, -9), (x + bow, top * 0.36), (top_x - bow * 0.4, top * 0.72), (top_x, top)]
        front.stroke(smooth(spine), forest, 1.15)
        return spine

    for x, tx, top, size in ((32, 27, 258, 6.2), (330, 333, 252, 6.2), (132, 126, 156, 5.6), (232, 240, 170, 5.6)):
        spine = [(x, -9), (x + 4, top * 0.5), (tx, top)]
        lavender(front, spine, 78, size, dusk.mix(blush, 0.35), dusk, forest)
    for x, tx, top, bow in ((62, 66, 186, 4), (304, 300, 150, -5), (182, 178, 108, 4)):
        spine = [(x, -9), (x + bow, top * 0.5), (tx, top)]
        sprig(front, spine, 7, 27, (sage, sage.mix(forest, 0.45)), forest, lean=38, start=0.2)
    stalk(66, 61, 216, 5)
    poppy(front, 61, 226, 25, terracotta, brick, forest, 8)
    stalk(300, 294, 206, -5)
    cosmos(front, 294, 210, 27, rose, dusk, mustard, 9)
    stalk(94, 100, 158, -5)
    cosmos(front, 100, 162, 23, rose.mix(blush, 0.5), dusk, mustard, 20)
    stalk(262, 266, 138, 5)
    poppy(front, 266, 146, 21, terracotta, brick, forest, -9)
    for x, tx, top, r in ((150, 153, 124, 8.5), (208, 212, 136, 9.5), (44, 42, 140, 8.5), (322, 324, 138, 8.5)):
        stalk(x, tx, top, 3 if x > 60 else -2)
        button(front, tx, top + 4, r, mustard, terracotta)
    stalk(180, 182, 84, 2)
    cosmos(front, 182, 86, 20, rose, dusk, mustard, 0)
    for i in range(30):  # the grass in front hides where the stalks begin
        x = -6 + i * 12.8
        edge = abs(x - front.mid) / front.mid
        tip = (x + dice.about(0, 30), 40 + 34 * edge + dice.about(0, 18))
        blade(front, x, -9, tip, 5.4, (forest, sage, sage.mix(forest, 0.5))[i % 3])
    front.fill(caps("happy", 11, 520).centred(front.mid, h * 0.782), forest)
    front.fill(fitted("Birthday", SCRIPT, 214).centred(front.mid, h * 0.655), terracotta)

    flower = ellipse(0, 20, 2.2)
    for i in range(8):
        flower.add(ellipse(0, 6.2, 1.7, 3.4).at(0, 20, i * 45))
    imprint(card, forest, motif=flower)
    left = card.left
    for x, top, kind in ((138, 208, 0), (182, 250, 1), (224, 196, 2)):
        spine = [(180, 118), (x + (180 - x) * 0.5, 118 + (top - 118) * 0.6), (x, top)]
        left.stroke(smooth(spine), forest, 1.0)
        if kind == 0:
            poppy(left, x, top + 6, 18, terracotta, brick, forest, 14)
        elif kind == 1:
            cosmos(left, x, top + 2, 21, rose, dusk, mustard, 8)
        else:
            button(left, x, top + 4, 8, mustard, terracotta)
    for side in (1, -1):
        spine = [(180, 120), (180 + side * 34, 160), (180 + side * 62, 176)]
        sprig(left, spine, 5, 20, (sage, sage.mix(forest, 0.45)), forest)
    for x in (-7, -2, 3, 8):
        left.stroke(smooth([(180, 120), (180 + x * 0.8, 100), (180 + x * 1.6, 84 - abs(x))]), forest, 0.9)
    bow = smooth(
        [(180, 117), (168, 126), (160, 118), (168, 111), (180, 117), (192, 126), (200, 118), (192, 111), (180, 117)]
    )
    left.stroke(bow, terracotta, 1.1)


def _ring(dice: Dice, waves: list[tuple[int, float, float]], x: float, y: float, r: float, wild: float) -> Path:
    """A closed line that is nearly a circle: all rings of a tree share its waves, each has a little of its own."""
    own = [(k, dice.between(0, 360), dice.between(0, 0.45)) for k in (3, 5, 7)]
    points = []
    for i in range(40):
        a = i * 9.0
        swell = sum(high * math.cos(math.radians(k * a + at)) for k, at, high in waves) * wild * (r / 100)
        swell += sum(high * math.cos(math.radians(k * a + at)) for k, at, high in own)
        points.append((x + (r + swell) * math.cos(math.radians(a)), y + (r + swell) * math.sin(math.radians(a)) * 0.97))
    return smooth(points, closed=True)


def anniversary_rings(card: Card) -> None:
    """The rings of a tree, one for each year, and a twig in leaf."""
    names = ("paper", "wood", "ring", "bark", "leaf", "forest")
    paper, wood, ring, bark, leaf_ink, forest = (card.ink(n) for n in names)
    front, h = card.front, card.front.height
    front.flood(paper)
    card.back.flood(paper)
    dice = Dice(27)
    waves = [(2, 40.0, 2.6), (3, 100.0, 1.5), (5, 10.0, 1.0)]
    x, y = front.mid - 2, h * 0.585
    for spine in (
        [(x + 56, y + 76), (x + 70, y + 98), (x + 74, y + 126)],
        [(x + 60, y + 72), (x + 86, y + 88), (x + 112, y + 90)],
    ):
        sprig(front, spine, 3, 19, (leaf_ink, leaf_ink.mix(forest, 0.5)), forest, start=0.36, slim=0.44)
    front.fill(_ring(dice, waves, x, y, 101, 1.5), bark)
    front.fill(_ring(dice, waves, x, y, 94.5, 1.45), wood.mix(ring, 0.45))
    front.fill(_ring(dice, waves, x, y, 91, 1.4), wood)
    r, heart = 86.0, (x - 9, y + 6)
    while r > 3:
        share = 1 - r / 91
        cx, cy = x + (heart[0] - x) * share, y + (heart[1] - y) * share
        front.stroke(_ring(dice, waves, cx, cy, r, 1.35), ring.mix(bark, 0.30 * share), dice.pick((0.6, 0.8, 1.3)))
        r -= dice.pick((3.4, 4.6, 5.8, 7.4))
    front.fill(ellipse(*heart, 1.8), bark)
    for turn, near, far in ((207, 50, 92), (318, 62, 91), (82, 68, 91)):  # where the wood has dried
        points = []
        for i in range(5):
            d, a = near + (far - near) * i / 4, math.radians(turn + dice.about(0, 1.6))
            points.append((x + d * math.cos(a), y + d * math.sin(a) * 0.97))
        front.stroke(smooth(points), bark, 0.8)
    front.fill(words("another year together", QUIET, 25).centred(front.mid, 71), bark)
    front.fill(caps("happy anniversary", 7.2, 340).centred(front.mid, 47), forest)

    mark = Path()
    for r in (3, 6.2, 9, 12.5):
        mark.add(_ring(Dice(int(r)), waves, 0, 0, r, 1.6))
    imprint(card, bark, motif=mark)
    left = card.left
    spine = [
        (left.mid - 40, left.height * 0.5 - 8),
        (left.mid, left.height * 0.5 + 2),
        (left.mid + 44, left.height * 0.5 + 12),
    ]
    sprig(left, spine, 5, 22, (leaf_ink, leaf_ink.mix(forest, 0.5)), forest, slim=0.42)


DRAWINGS = {
    "anniversary-rings": anniversary_rings,
    "birthday-meadow": birthday_meadow,
    "thank-you-fern": thank_you_fern,
}
