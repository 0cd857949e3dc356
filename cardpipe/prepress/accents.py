"""Letters that nobody wrote: an accent set on a letter, a bar laid through it, two letters pushed together."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field

from cardpipe.prepress.shapes import Shape, reach, span

#: What a font of ours is asked about: Latin-1, Latin Extended-A, Romanian's commas, and what stands in letters.
WANTED = "".join(
    chr(code)
    for code in (*range(0x21, 0x7F), *range(0xA1, 0x180), *range(0x218, 0x21C), 0x2013, 0x2014, 0x2018, 0x2019, 0x201C,
                 0x201D, 0x201A, 0x201E, 0x2022, 0x2026, 0x20AC)
    if unicodedata.category(chr(code)) not in ("Cf", "Zs")
)  # fmt: skip

_MARKS = {
    "\u0301": "´", "\u0300": "`", "\u0302": "^", "\u0308": "¨", "\u0303": "~", "\u030c": "ˇ", "\u030a": "°",
    "\u0327": "¸", "\u0328": "˛", "\u0306": "˘", "\u0304": "¯", "\u0307": "˙", "\u030b": "˝", "\u0326": "comma",
}  # fmt: skip
_COMMA_BELOW = "ģķļņŗţĢĶĻŅŖŢ"  # decomposed with a cedilla, written with a comma
_APOSTROPHE = "ďľťĽ"  # decomposed with a caron, written with an apostrophe
#: letter: the letter it is made of, where the bar lies (of its height), the bar's length and its slope in degrees
_BARRED = {
    "ł": ("l", 0.52, 0.62, 28), "Ł": ("L", 0.50, 0.75, 28), "đ": ("d", 0.80, 0.75, 0), "Đ": ("D", 0.50, 0.60, 0),
    "Ð": ("D", 0.50, 0.60, 0), "ħ": ("h", 0.78, 0.75, 0), "Ħ": ("H", 0.72, 1.5, 0), "ŧ": ("t", 0.40, 0.70, 0),
    "Ŧ": ("T", 0.45, 0.80, 0),
}  # fmt: skip
_PUSHED = {"æ": ("a", "e", 0.10), "œ": ("o", "e", 0.12), "Æ": ("A", "E", 0.35), "Œ": ("O", "E", 0.30),
           "ĳ": ("i", "j", -0.30), "Ĳ": ("I", "J", -0.30)}  # fmt: skip
_RAISED = {"¹": "1", "²": "2", "³": "3", "ª": "a", "º": "o"}
_SAME = {"‘": "'", "’": "'", "“": '"', "”": '"', "‚": ",", "·": "˙", "•": "˙"}
_GAP, _GAP_LOW = 0.17, 0.10  # x-heights between a letter and the accent over it; over capitals
_SINKS = 0.12  # by so much an accent may stand lower where its letter is lower under it
_BASE_OF = 1  # the alternate that accents are set on: ée shall not show one e twice


@dataclass(slots=True)
class Composer:
    """Makes shapes of what was written. ``marks`` are accents as they were written, each on its printed place."""

    written: Mapping[str, list[Shape]]
    _known: dict[str, Shape | None] = field(default_factory=dict)

    def compose(self, character: str) -> Shape | None:
        """The character made of written ones, or None where that cannot be."""
        if character not in self._known:
            self._known[character] = self._made(character)
        return self._known[character]

    def _base(self, text: str) -> Shape | None:
        shapes = self.written.get(text)
        return shapes[min(_BASE_OF, len(shapes) - 1)] if shapes else None

    def _made(self, character: str) -> Shape | None:
        if character in _BARRED:
            return self._barred(*_BARRED[character])
        if character in _PUSHED:
            return self._pushed(*_PUSHED[character])
        special = self._special(character)
        if special is not None:
            return special
        parts = unicodedata.normalize("NFD", character)
        if len(parts) != 2 or parts[1] not in _MARKS:
            return None
        mark = _MARKS[parts[1]]
        if character in _APOSTROPHE:
            return self._beside(parts[0])
        if character in _COMMA_BELOW:
            mark = "above" if character == "ģ" else "comma"
        base = self.dotless(parts[0]) if parts[0] in "ij" and mark not in ("¸", "˛", "comma") else self._base(parts[0])
        over = self._mark(mark)
        if base is None or over is None:
            return None
        return _below(base, over, mark) if mark in ("¸", "˛", "comma") else _above(base, over, mark)

    def dotless(self, text: str) -> Shape | None:
        """An i or j without its dot; None where the dot runs into the stem."""
        shape = self._base(text)
        if shape is None:
            return None
        parts = shape.contours()
        stem = max(parts, key=lambda part: part.bounds[3] - part.bounds[1])
        rest = [part for part in parts if part.middle[1] < stem.bounds[3] - 0.1]
        return Shape.together(rest) if len(rest) < len(parts) else None

    def _dot(self) -> Shape | None:
        """The dot of an i, or a full stop."""
        shape, stem = self._base("i"), self.dotless("i")
        if shape is None or stem is None:
            return self._base(".")
        return Shape.together(part for part in shape.contours() if part.middle[1] >= stem.bounds[3] - 0.1)

    def _mark(self, mark: str) -> Shape | None:
        """An accent as it was written, or made of its kin."""
        own = self._base(mark)
        if own is not None:
            return own
        made: Shape | None = None
        if mark == "¯" and (dash := self._base("-")) is not None:
            left, _, right, _ = dash.bounds
            made = dash.scaled(min(1.0, 0.6 / (right - left)), 1.0)
        elif mark == "˙":
            made = self._dot()
        elif mark == "¨" and (dot := self._dot()) is not None:
            made = Shape.together([dot.moved(-0.2), dot.moved(0.2)])
        elif mark == "˝" and (acute := self._mark("´")) is not None:
            made = Shape.together([acute.moved(-0.17), acute.moved(0.17)])
        elif mark in ("^", "ˇ") and (twin := self._base("ˇ" if mark == "^" else "^")) is not None:
            made = twin.scaled(1, -1)
        elif mark in ("´", "`") and (twin := self._base("`" if mark == "´" else "´")) is not None:
            made = twin.scaled(-1, 1)
        elif mark == "°" and (ring := self._base("o")) is not None:
            made = ring.scaled(0.45)
        elif mark in ("comma", "above") and (comma := self._base(",")) is not None:
            made = comma.scaled(0.85).turned(180 if mark == "above" else 0)
        elif mark == "¸" and (comma := self._base(",")) is not None:
            made = comma.scaled(0.8)
        return made

    def _special(self, character: str) -> Shape | None:
        same = _SAME.get(character)
        if same and (shape := self._mark(same)) is not None:
            return shape
        if character == "ı":
            return self.dotless("i")
        if character in ("¿", "¡") and (mark := self._base("?" if character == "¿" else "!")) is not None:
            turned = mark.turned(180)
            return turned.moved(0, -0.45 - turned.bounds[1])
        if character in '–—…„:;="“”':
            return self._row(character)
        if character in ("ø", "Ø"):
            return self._slashed("o" if character == "ø" else "O")
        if character in _RAISED:
            base = self._base(_RAISED[character])
            return None if base is None else _raised(base)
        if character == "×" and (plus := self._base("+")) is not None:
            return plus.turned(45).scaled(0.85)
        if character == "ŉ":
            mark, n = self._base("'"), self._base("n")
            return Shape.together([_up_to(mark, n, 0.1), n]) if mark is not None and n is not None else None
        if character in ("ŀ", "Ŀ"):
            base, dot = self._base("l" if character == "ŀ" else "L"), self._dot()
            if base is None or dot is None:
                return None
            x, y = dot.middle
            return Shape.together([base, dot.moved(base.bounds[2] + 0.15 - x, 0.8 - y)])
        return None

    def _row(self, character: str) -> Shape | None:
        dash, stop, comma = self._base("-"), self._base("."), self._base(",")
        if character in ("–", "—") and dash is not None:
            return dash.scaled(1.5 if character == "–" else 2.4, 1.0)
        if character in (":", ";") and stop is not None and (under := stop if character == ":" else comma) is not None:
            return Shape.together([under, stop.moved(0.03, 0.62)])
        if character in ('"', "“", "”") and (mark := self._base("'")) is not None:
            return Shape.together([mark, mark.moved(0.26, 0.02)])
        if character == "=" and dash is not None:
            return Shape.together([dash.moved(0, 0.16), dash.moved(0.02, -0.16)])
        if character == "…" and stop is not None:
            return Shape.together([stop, stop.moved(0.5, 0.02), stop.moved(1.0, -0.01)])
        if character == "„" and comma is not None:
            return Shape.together([comma, comma.moved(0.28)])
        return None

    def _bar(self, length: float, slope: float) -> Shape | None:
        bar = self._base("-")
        if bar is None:
            return None
        left, _, right, _ = bar.bounds
        return bar.scaled(length / (right - left), 1.0).turned(slope)

    def _barred(self, text: str, height: float, length: float, slope: float) -> Shape | None:
        base, bar = self._base(text), self._bar(length, slope)
        if base is None or bar is None:
            return None
        _, bottom, _, top = base.bounds
        y = bottom + height * (top - bottom)
        at = span(base, y - 0.12, y + 0.12) or (base.bounds[0], base.bounds[2])
        stem = {"D": at[0], "d": at[1], "h": at[0]}.get(text, (at[0] + at[1]) / 2)
        shift = {"D": 0.12, "d": -0.02, "h": 0.08}.get(text, 0.0)
        x, middle = bar.middle
        return Shape.together([base, bar.moved(stem + shift - x, y - middle)])

    def _slashed(self, text: str) -> Shape | None:
        base, slash = self._base(text), self._base("/")
        if base is None or slash is None:
            return None
        left, bottom, right, top = base.bounds
        low, high = slash.bounds[1], slash.bounds[3]
        fitted = slash.scaled((top - bottom + 0.3) / (high - low))
        x, y = fitted.middle
        return Shape.together([base, fitted.moved((left + right) / 2 - x, (bottom + top) / 2 - y)])

    def _pushed(self, first: str, second: str, overlap: float) -> Shape | None:
        left, right = self._base(first), self._base(second)
        if left is None or right is None:
            return None
        return Shape.together([left, _up_to(right, left, -overlap, after=True)])

    def _beside(self, text: str) -> Shape | None:
        base, mark = self._base(text), self._base("'")
        if base is None or mark is None:
            return None
        top = base.bounds[3]
        high = span(base, top - 0.5, top) or (base.bounds[0], base.bounds[2])
        small = mark.scaled(0.8)
        left, _, _, upper = small.bounds
        return Shape.together([base, small.moved(high[1] + 0.12 - left, top + 0.02 - upper)])


def _raised(base: Shape) -> Shape:
    """Small and high, as in 2² or 1º."""
    small = base.scaled(0.55)
    return small.moved(0, 1.75 - small.bounds[3])


def _up_to(shape: Shape, other: Shape, gap: float, *, after: bool = False) -> Shape:
    """The shape set before or after another, that far from its box."""
    left, _, right, _ = shape.bounds
    return shape.moved(other.bounds[2] + gap - left if after else other.bounds[0] - gap - right)


def _above(base: Shape, mark: Shape, kind: str) -> Shape:
    left, bottom, right, top = base.bounds
    over = span(base, top - 0.4 * min(1.0, top - bottom), top) or (left, right)
    middle = (over[0] + over[1]) / 2
    if right - left > 0.5 and top < 1.4:  # a small letter: between what the eye takes for its middle and its top
        middle = (middle + (left + right) / 2) / 2
    width, height = mark.bounds[2] - mark.bounds[0], mark.bounds[3] - mark.bounds[1]
    shrunk = min(1.0, max(0.42, 0.95 * (right - left)) / max(width, 1e-6), 0.75 / max(height, 1e-6))
    small = mark.scaled(shrunk) if shrunk < 1 else mark
    low, _, high, _ = small.bounds
    half = (high - low) / 2
    local = reach(base, middle - half, middle + half)
    gap = (_GAP if top < 1.4 else _GAP_LOW) - (0.06 if kind in ("°", "˘") else 0.0)
    under = max(local[1] if local else bottom, top - _SINKS)  # never down between the two stems of a U
    x, _ = small.middle
    return Shape.together([base, small.moved(middle - x, under + gap - small.bounds[1])])


def _below(base: Shape, mark: Shape, kind: str) -> Shape:
    left, bottom, right, _ = base.bounds
    foot = span(base, bottom, bottom + 0.25) or (left, right)
    at = foot[1] - 0.12 if kind == "˛" else (foot[0] + foot[1]) / 2
    x, _ = mark.middle
    _, _, _, upper = mark.bounds
    local = reach(base, at - 0.08, at + 0.08)
    low = bottom if kind == "comma" or local is None else local[0]
    gap = -0.16 if kind == "comma" else 0.03
    return Shape.together([base, mark.moved(at - x, low + gap - upper)])
