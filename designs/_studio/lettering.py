"""Lettering: words become outlines (shaped by HarfBuzz, kerned by the font), so that no font travels with the art."""

from __future__ import annotations

from functools import cache
from pathlib import Path as File

import uharfbuzz as hb
from fontTools.pens.basePen import BasePen
from kit import Card, Ink, Panel
from paths import Path

FONTS = File(__file__).resolve().parent / "fonts"

BLACK = "Fraunces_900Black_Italic"
SANS = "JosefinSans_600SemiBold"
SCRIPT = "GreatVibes_400Regular"
PLAYFAIR = "PlayfairDisplay_700Bold_Italic"
QUIET = "CormorantGaramond_500Medium_Italic"
SERIF = "DMSerifDisplay_400Regular"


class _Pen(BasePen):
    """Takes a glyph's outline into a path; quadratic curves arrive as cubic ones."""

    def __init__(self, path: Path, x: float, y: float, scale: float) -> None:
        super().__init__(None)
        self._path, self._x, self._y, self._scale = path, x, y, scale

    def _at(self, pt: tuple[float, float]) -> tuple[float, float]:
        return self._x + pt[0] * self._scale, self._y + pt[1] * self._scale

    def _moveTo(self, pt):
        self._path.move(*self._at(pt))

    def _lineTo(self, pt):
        self._path.line(*self._at(pt))

    def _curveToOne(self, pt1, pt2, pt3):
        self._path.curve(*self._at(pt1), *self._at(pt2), *self._at(pt3))

    def _closePath(self):
        self._path.close()


@cache
def _font(name: str) -> hb.Font:
    return hb.Font(hb.Face(hb.Blob.from_file_path(str(FONTS / f"{name}.ttf"))))


def words(text: str, font: str, size: float, tracking: float = 0.0) -> Path:
    """A line of lettering from its baseline's left end; ``tracking`` is extra space in 1/1000 of the size."""
    face = _font(font)
    buffer = hb.Buffer()
    buffer.add_str(text)
    buffer.guess_segment_properties()
    hb.shape(face, buffer, {"kern": True, "liga": not tracking, "clig": not tracking})
    scale = size / face.face.upem
    out, pen = Path(), 0.0
    for info, place in zip(buffer.glyph_infos, buffer.glyph_positions, strict=True):
        if info.codepoint == 0:
            raise ValueError(f"{font} has no letter for part of {text!r}")
        x, y = pen + place.x_offset * scale, place.y_offset * scale
        face.draw_glyph_with_pen(info.codepoint, _Pen(out, x, y, scale))
        pen += place.x_advance * scale + tracking * size / 1000
    return out


def fitted(text: str, font: str, width: float, tracking: float = 0.0) -> Path:
    """A line of lettering as large as makes its ink exactly this wide."""
    left, _, right, _ = words(text, font, 100, tracking).bounds()
    return words(text, font, 100 * width / (right - left), tracking)


def caps(text: str, size: float, tracking: float = 240.0) -> Path:
    """A line of spaced capitals; the last letter carries no space, so centring is true."""
    return words(text.upper(), SANS, size, tracking)


def imprint(card: Card, ink: Ink, panel: Panel | None = None, motif: Path | None = None, width: float = 0.6) -> None:
    """The back's small print: a line motif over the design's title and the studio, a third from the bottom."""
    panel = panel or card.back
    y = panel.height * 0.36
    if motif:
        left, bottom, right, _ = motif.bounds()
        panel.stroke(motif.at(panel.mid - (left + right) / 2, y + 17 - bottom), ink, width)
    panel.fill(caps(card.title, 5.8, 260).centred(panel.mid, y), ink)
    panel.fill(words("cardpipe studio", QUIET, 9.5, 20).centred(panel.mid, y - 13), ink)
