"""System one, stacked type and confetti: a word said three times, as one says it when one means it."""

from __future__ import annotations

from kit import Card
from lettering import BLACK, caps, fitted, imprint, words
from paths import Path, rounded, smooth
from scatter import Dice, confetti, spread


def birthday_confetti(card: Card) -> None:
    """Happy, happy, happy: three warm rows on navy between two drifts of confetti."""
    navy, cream, coral = card.ink("navy"), card.ink("cream"), card.ink("coral")
    inks = [coral, card.ink("apricot"), cream, card.ink("sea")]
    front, w, h = card.front, card.front.width, card.front.height
    front.flood(navy)

    def drift(x: float, y: float) -> float | None:
        """Dense at the top and the bottom edge, thinning towards the words."""
        away = min(h + 9 - y, (y + 9) * 1.08)
        return 12.5 + 0.115 * away if away < 104 else None

    confetti(front, Dice(41), spread(Dice(7), (-6, -9, w + 9, h + 9), drift, 9000), inks, 4.9)
    row = fitted("Happy", BLACK, w - 76)
    pitch, low = 65.0, 190.0
    for i, ink in enumerate((coral, inks[1], cream)):
        line = row.centred(front.mid, low + pitch * (2 - i))
        front.stroke(line, navy, 7)
        front.fill(line, ink)
    front.fill(caps("birthday to you", 13.2, 300).centred(front.mid, 138), cream)

    card.back.flood(cream)
    imprint(card, navy, motif=_candle(0.55))

    left, right = card.left, card.right
    shower = [coral, card.ink("apricot"), card.ink("sea"), navy]

    def fall(x: float, y: float) -> float | None:
        away = (h + 9 - y) + 0.055 * abs(x)
        return 11.5 + 0.16 * away if away < 72 else None

    confetti(left, Dice(5), spread(Dice(12), (-9, h - 90, w - 5, h + 9), fall, 5000), shower, 4.2)
    right_fall = spread(Dice(23), (5, h - 60, w + 9, h + 9), lambda x, y: fall(w + x, y), 5000)
    confetti(right, Dice(6), right_fall, shower, 4.2)
    left.fill(words("now make a wish", BLACK, 24).centred(left.mid, h * 0.46), coral)
    wick = _candle(1.5)
    left.stroke(wick.at(left.mid, h * 0.46 + 46), navy, 1.3)


def _candle(scale: float) -> Path:
    """A birthday candle in one line: stick, wick and flame, its middle at the origin."""
    stick = rounded(-4, 0, 8, 30, 2)
    stripes = smooth([(-4, 8), (0, 11), (4, 12)]).add(smooth([(-4, 17), (0, 20), (4, 21)]))
    wick = smooth([(0, 30), (0.4, 33), (0, 36)])
    flame = smooth([(0, 52), (4.2, 43), (0, 37.5), (-4.2, 43)], closed=True)
    return stick.add(stripes, wick, flame).at(0, 0, 0, scale)


DRAWINGS = {"birthday-confetti": birthday_confetti}
