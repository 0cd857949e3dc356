"""The drawing board: inks from ``design.toml``, panels to draw on, and the PDF that comes out.

Everything is vector and DeviceCMYK; there are no fonts, images or transparency because this file has no words for
them. Drawing twice gives the same bytes: numbers are rounded to 1/100 point, and nothing asks for the time.
"""

from __future__ import annotations

import io
import re
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path as File
from typing import NamedTuple

import pikepdf
from paths import Path, rect

DESIGNS = File(__file__).resolve().parent.parent
IN, MM = 72.0, 72 / 25.4

# panel width and height, bleed, fold: the same numbers as catalog/formats.toml
_FORMATS = {
    "A7": (5 * IN, 7 * IN, 0.125 * IN, "side"),
    "A7T": (7 * IN, 5 * IN, 0.125 * IN, "top"),
    "A2": (4.25 * IN, 5.5 * IN, 0.125 * IN, "side"),
    "IA6": (105 * MM, 148 * MM, 3 * MM, "side"),
}


class Ink(NamedTuple):
    """Shares of cyan, magenta, yellow and black, in per cent."""

    c: float
    m: float
    y: float
    k: float

    def tint(self, share: float) -> Ink:
        """The same ink, thinner: mixed with bare paper."""
        return PAPER.mix(self, share)

    def mix(self, other: Ink, share: float) -> Ink:
        """An ink between this one (share 0) and another (share 1)."""
        return Ink(*(a + (b - a) * share for a, b in zip(self, other, strict=True)))


PAPER = Ink(0, 0, 0, 0)


def _num(value: float) -> str:
    text = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text


class Panel:
    """One panel to draw on: origin at its trimmed lower left, y upwards, cut at the fold and at the bleed."""

    def __init__(self, width: float, height: float, bleed: tuple[float, float, float, float], matrix: str) -> None:
        self.width, self.height, self.bleed = width, height, bleed
        self._inks: list[Ink | None] = [None]
        self._pens: list[tuple[Ink | None, str]] = [(None, "")]
        self._out = [f"q {matrix} cm"]
        self._clip(self.ground)

    @property
    def ground(self) -> Path:
        """All of the panel with its bleed: from the fold to beyond the outer edges."""
        left, bottom, right, top = self.bleed
        return rect(-left, -bottom, self.width + left + right, self.height + bottom + top)

    @property
    def mid(self) -> float:
        """The optical centre line of the panel, as it is held in the hand."""
        return self.width / 2

    def flood(self, ink: Ink) -> None:
        """Ink all over, into the bleed."""
        self.fill(self.ground, ink)

    def fill(self, path: Path, ink: Ink, even_odd: bool = False) -> None:
        """Paint a shape."""
        if self._inks[-1] != ink:
            self._out.append(" ".join(_num(part / 100) for part in ink) + " k")
            self._inks[-1] = ink
        self._put(path)
        self._out.append("f*" if even_odd else "f")

    def stroke(self, path: Path, ink: Ink, width: float) -> None:
        """Draw a line with round ends; nothing thinner than a press can hold."""
        if width < 0.35:
            raise ValueError(f"a line of {width} pt breaks up on the press; 0.35 pt is the least")
        pen = f"{_num(width)} w"
        if self._pens[-1] != (ink, pen):
            self._out.append(" ".join(_num(part / 100) for part in ink) + f" K {pen} 1 J 1 j")
            self._pens[-1] = (ink, pen)
        self._put(path)
        self._out.append("S")

    @contextmanager
    def within(self, path: Path) -> Iterator[None]:
        """What is drawn in this block shows only inside the path."""
        self._out.append("q")
        self._inks.append(self._inks[-1])
        self._pens.append(self._pens[-1])
        self._clip(path)
        yield
        self._inks.pop()
        self._pens.pop()
        self._out.append("Q")

    def _clip(self, path: Path) -> None:
        self._put(path)
        self._out.append("W n")

    def _put(self, path: Path) -> None:
        for op, pts in path.ops:
            self._out.append(" ".join([f"{_num(x)} {_num(y)}" for x, y in pts] + [op]))

    def program(self) -> str:
        """The panel's drawing, as PDF operators."""
        return "\n".join([*self._out, "Q"])


class Card:
    """A design on the board: its inks and frames from the TOML, its four panels."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.folder = DESIGNS / name
        self.toml = tomllib.loads((self.folder / "design.toml").read_text(encoding="utf-8"))
        self.title: str = self.toml["title"]
        self._inks = {key: Ink(*value["cmyk"]) for key, value in self.toml["inks"].items()}
        w, h, b, fold = _FORMATS[self.toml["format"]]
        self.bleed = b
        if fold == "side":
            self.flat = (2 * w, h)
            first, second = (b, b, 0.0, b), (0.0, b, b, b)
            self.back = Panel(w, h, first, f"1 0 0 1 {_num(b)} {_num(b)}")
            self.front = Panel(w, h, second, f"1 0 0 1 {_num(b + w)} {_num(b)}")
            self.left = Panel(w, h, first, f"1 0 0 1 {_num(b)} {_num(b)}")
            self.right = Panel(w, h, second, f"1 0 0 1 {_num(b + w)} {_num(b)}")
        else:  # the fold is on top: the back hangs over it, upside down
            self.flat = (w, 2 * h)
            upper, lower = (b, 0.0, b, b), (b, b, b, 0.0)
            self.back = Panel(w, h, lower, f"-1 0 0 -1 {_num(b + w)} {_num(b + 2 * h)}")
            self.front = Panel(w, h, lower, f"1 0 0 1 {_num(b)} {_num(b)}")
            self.top = Panel(w, h, upper, f"1 0 0 1 {_num(b)} {_num(b + h)}")
            self.bottom = Panel(w, h, lower, f"1 0 0 1 {_num(b)} {_num(b)}")
        self.sides = {
            "outside": (self.back, self.front),
            "inside": (self.left, self.right) if fold == "side" else (self.top, self.bottom),
        }

    def ink(self, name: str) -> Ink:
        """An ink by the name it has in ``[inks]``."""
        return self._inks[name]

    def frame(self, field: str) -> tuple[float, float, float, float]:
        """A frame's left, bottom, width and height on its panel, y upwards."""
        spec = next(f for f in self.toml["frame"] if f["field"] == field)
        x, y, w, h = (_points(value) for value in spec["box"])
        panel: Panel = getattr(self, spec["panel"])
        return x, panel.height - y - h, w, h

    def save(self) -> dict[str, bytes]:
        """Both printed sides, by file name."""
        return {f"{side}.pdf": self._pdf(panels) for side, panels in self.sides.items()}

    def _pdf(self, panels: tuple[Panel, Panel]) -> bytes:
        b, (w, h) = self.bleed, self.flat
        media = [0, 0, round(w + 2 * b, 4), round(h + 2 * b, 4)]
        trim = [round(b, 4), round(b, 4), round(b + w, 4), round(b + h, 4)]
        pdf = pikepdf.new()
        page = pikepdf.Dictionary(
            Type=pikepdf.Name.Page,
            MediaBox=media,
            BleedBox=media,
            TrimBox=trim,
            Resources=pikepdf.Dictionary(),
            Contents=pdf.make_stream("\n".join(panel.program() for panel in panels).encode("ascii")),
        )
        pdf.pages.append(pikepdf.Page(pdf.make_indirect(page)))
        out = io.BytesIO()
        pdf.save(out, deterministic_id=True, compress_streams=True, object_stream_mode=pikepdf.ObjectStreamMode.disable)
        return out.getvalue()


def _points(length: str) -> float:
    number, unit = re.fullmatch(r"(-?[\d.]+)(mm|cm|in|pt)", length.strip()).groups()  # type: ignore[union-attr]
    return float(number) * {"mm": MM, "cm": 10 * MM, "in": IN, "pt": 1.0}[unit]
