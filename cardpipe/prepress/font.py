"""One font: what it measures, which letters it has, how it sets a text, and its outlines.

Coverage is asked of the shaper, not of the character map: HarfBuzz composes letters that the map lacks (Caveat sets
"Nguyễn" although it has no U+1EC5), and several handwriting fonts print a missing letter as nothing at all.
"""

from __future__ import annotations

import hashlib
import struct
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import uharfbuzz as hb

from cardpipe.model.errors import Refused
from cardpipe.prepress.outline import TOLERANCE, Contour, Outline, lighten

#: So many lines are remembered as they were set: each is asked for twice (can it be written? how?), a sender's on
#: every card.
_LINES = 32
_RESTRICTED = 0x0002  # OS/2 fsType: restricted licence embedding (OpenType 1.9, OS/2, fsType bits 0-3)
_NO_SUBSETTING = 0x0100
_BITMAP_ONLY = 0x0200
_ASIDE = 0.12  # x-heights by which the middle of an accent may lie beside the ink of its letter
_HIGH = 0.25  # x-heights by which ink above the small letters is narrowed where word spaces are measured


@dataclass(frozen=True, slots=True)
class Run:
    """A text as glyphs. Lengths are font units; ``clusters`` gives each glyph's first character in the text."""

    glyphs: tuple[int, ...]
    clusters: tuple[int, ...]
    advances: tuple[int, ...]
    x_offsets: tuple[int, ...]
    y_offsets: tuple[int, ...]

    @property
    def width(self) -> int:
        return sum(self.advances)


@dataclass(frozen=True, slots=True)
class Extent:
    """A glyph's ink in x-heights, from its origin; y grows upwards."""

    left: float
    bottom: float
    right: float
    top: float


@dataclass(frozen=True, slots=True)
class Naming:
    """A font's family; its name in a family of four, where that is another one; the names that mean this very face; its
    weight (400 is regular), and whether it is slanted (OpenType 1.9, `name` 1, 2, 4, 6 and 16)."""

    family: str
    linked: str
    names: tuple[str, ...]
    weight: int
    italic: bool


_NOTHING = Run((), (), (), (), ())
_NO_INK = Extent(0.0, 0.0, 0.0, 0.0)


class Font:
    """A font file opened for typesetting.

    ``features`` switches OpenType features (``{"liga": False}``). ``x_height`` in em is needed only for a font
    without an x; ``tolerance`` (in x-heights) says how much its outlines may be lightened; ``replace`` names glyphs
    that are never used, each with those that stand in for it (an alternate n that reads as an m).
    Raises Refused for bytes that are no font, and for a font that must not be embedded.
    """

    def __init__(
        self,
        data: bytes,
        features: Mapping[str, bool] | None = None,
        x_height: float | None = None,
        tolerance: float = TOLERANCE,
        replace: Mapping[str, Sequence[str]] | None = None,
    ) -> None:
        self.data = data
        self.digest = hashlib.sha256(data).hexdigest()
        self.features: dict[str, bool] = dict(features or {})
        self._tolerance = tolerance
        self._outlines: dict[int, Outline] = {}
        self._extents: dict[int, Extent] = {}
        self._cores: dict[int, tuple[float, float]] = {}
        self._sound: set[int] = set()
        self._set = lru_cache(_LINES)(self._shaped)
        self._judge = lru_cache(_LINES)(self._lacking)
        try:
            self._face = hb.Face(hb.Blob(data))
            self._font = hb.Font(self._face)
            self.units = int(self._face.upem)
            tables = set(self._face.table_tags)
        except Exception as problem:  # uharfbuzz raises several kinds
            raise Refused("this font cannot be opened; give a TrueType or OpenType file") from problem
        if not {"head", "hhea", "hmtx", "maxp", "cmap"} <= tables or not tables & {"glyf", "CFF "}:
            raise Refused("this font has no outlines or metrics; give a TrueType or OpenType file")
        self._rights(tables)
        extents = self._font.get_font_extents("ltr")
        self.ascent, self.descent = extents.ascender / self.units, extents.descender / self.units
        self.x_height = x_height if x_height is not None else self._height("x")
        if not self.x_height > 0:
            raise Refused("this font has no x to measure; state its x-height in font.toml")
        self.cap_height = self._height("H") or self.x_height
        named = self._font.get_glyph_from_name
        self._replace = {named(bad): [named(good) for good in row] for bad, row in (replace or {}).items()}
        if None in self._replace or any(None in row for row in self._replace.values()):
            raise Refused("a glyph named in `replace` is not in this font; mend the name")

    def _rights(self, tables: set[str]) -> None:
        if "OS/2" not in tables:
            return
        (rights,) = struct.unpack_from(">H", bytes(self._face.reference_table("OS/2").data), 8)
        if (rights & _RESTRICTED and not rights & 0x000C) or rights & (_NO_SUBSETTING | _BITMAP_ONLY):
            raise Refused(f"its licence bits (fsType {rights:#06x}) forbid embedding a subset; use another font")

    def naming(self) -> Naming:
        """What the font calls itself, for art that asks for it by name."""
        of_four, style, full, postscript, family = (self._face.get_name(n) or "" for n in (1, 2, 4, 6, 16))
        value = self._font.get_style_value
        return Naming(
            family or of_four,
            of_four if family not in ("", of_four) and "bold" not in style.lower() else "",
            tuple(dict.fromkeys(name for name in (full, postscript) if name not in ("", family or of_four))),
            round(value(hb.StyleTag.WEIGHT)),
            value(hb.StyleTag.ITALIC) > 0 or value(hb.StyleTag.SLANT_ANGLE) != 0,
        )

    def _height(self, character: str) -> float:
        """Height of a character's ink in em; 0 where the font lacks it."""
        glyph = self._font.get_nominal_glyph(ord(character))
        extents = self._font.get_glyph_extents(glyph) if glyph else None
        return extents.y_bearing / self.units if extents else 0.0

    def shape(self, text: str, language: str = "und") -> Run:
        """Set one line of text: letters joined, kerned and alternated as the font says, for some languages otherwise
        (BCP 47; ``und`` is none, and never the machine's own)."""
        return self._set(text, language) if text else _NOTHING

    def _shaped(self, text: str, language: str) -> Run:
        buffer = hb.Buffer()
        buffer.cluster_level = hb.BufferClusterLevel.MONOTONE_CHARACTERS
        buffer.add_str(text)
        buffer.guess_segment_properties()
        buffer.direction = "ltr"
        buffer.language = language
        hb.shape(self._font, buffer, self.features)
        infos, places = buffer.glyph_infos, buffer.glyph_positions
        if not infos or not places:
            return _NOTHING
        glyphs = [info.codepoint for info in infos]
        positions = [place.position for place in places]
        advances = [place[2] for place in positions]
        if self._replace:
            self._stand_in(glyphs, advances)
        return Run(
            tuple(glyphs),
            tuple(info.cluster for info in infos),
            tuple(advances),
            tuple(place[0] for place in positions),
            tuple(place[1] for place in positions),
        )

    def _stand_in(self, glyphs: list[int], advances: list[int]) -> None:
        """Put other glyphs where banned ones stand, unlike their neighbours where there is a choice."""
        for index, glyph in enumerate(glyphs):
            choice = self._replace.get(glyph)
            if choice:
                beside = {*glyphs[max(0, index - 1) : index], *glyphs[index + 1 : index + 2]}
                chosen = next((other for other in choice if other not in beside), choice[0])
                glyphs[index] = chosen
                advances[index] += self.advance(chosen) - self.advance(glyph)

    def missing(self, text: str, run: Run | None = None) -> list[int]:
        """Indices of the characters that would print wrong: no glyph, one without ink for a visible character, or an
        accent that stands beside its letter, where the font has the accent and no place for it."""
        return list(self._judge(text, run or self.shape(text)))

    def _lacking(self, text: str, run: Run) -> list[int]:
        lacking = set()
        for glyph, cluster in zip(run.glyphs, run.clusters, strict=True):
            if glyph in self._sound:
                continue
            if glyph and self.extent(glyph) is not _NO_INK:
                self._sound.add(glyph)
            elif glyph == 0 or _visible(text[cluster]):
                lacking.add(cluster)
        return sorted(lacking if text.isascii() else lacking | self._astray(text, run))

    def _astray(self, text: str, run: Run) -> set[int]:
        """Characters whose accents, glyphs of their own, are not over or under the ink of their letter."""
        found: set[int] = set()
        pen, base = 0, (0.0, 0.0)
        unit = 1 / (self.units * self.x_height)
        for index, (glyph, cluster) in enumerate(zip(run.glyphs, run.clusters, strict=True)):
            ink, at = self.extent(glyph), (pen + run.x_offsets[index]) * unit
            again = index > 0 and cluster == run.clusters[index - 1]
            if unicodedata.combining(unicodedata.normalize("NFD", text[cluster])[-1 if again else 0]):
                middle = at + (ink.left + ink.right) / 2
                if ink is not _NO_INK and not base[0] - _ASIDE <= middle <= base[1] + _ASIDE:
                    found.add(cluster)
            else:
                base = (at + ink.left, at + ink.right)
            pen += run.advances[index]
        return found

    def extent(self, glyph: int) -> Extent:
        """A glyph's ink, in x-heights."""
        known = self._extents.get(glyph)
        if known is None:
            found = self._font.get_glyph_extents(glyph)
            if found is None or not (found.width and found.height):
                known = _NO_INK
            else:
                unit = 1 / (self.units * self.x_height)
                known = Extent(
                    found.x_bearing * unit,
                    (found.y_bearing + found.height) * unit,
                    (found.x_bearing + found.width) * unit,
                    found.y_bearing * unit,
                )
            self._extents[glyph] = known
        return known

    def core(self, glyph: int) -> tuple[float, float]:
        """Left and right edge of a glyph, in x-heights, where the eye measures the space between words from: its ink
        between baseline and x-height; what is higher (a T's bar) counts less, what is lower (an f's loop) not at all.
        """
        known = self._cores.get(glyph)
        if known is None:
            outline = self.outlines([glyph])[glyph]
            x, y = outline.x[1:], outline.y[1:]
            body, over = x[(y > -0.15) & (y < 1.15)], x[y >= 1.15]
            ink = self.extent(glyph)
            left, right = (float(body.min()), float(body.max())) if len(body) else (ink.left, ink.right)
            if len(body) and len(over):
                left, right = min(left, float(over.min()) + _HIGH), max(right, float(over.max()) - _HIGH)
            known = self._cores[glyph] = (left, right)
        return known

    def advance(self, glyph: int) -> int:
        """A glyph's own advance width, in font units (a printed page's widths come from here)."""
        return int(self._font.get_glyph_h_advance(glyph))

    def outlines(self, glyphs: Iterable[int]) -> dict[int, Outline]:
        """Light outlines of these glyphs, in x-heights; each is made once in this font's life."""
        fresh = sorted(set(glyphs) - self._outlines.keys())
        if fresh:
            made = lighten([self.contours(glyph) for glyph in fresh], self._tolerance)
            self._outlines.update(zip(fresh, made, strict=True))
        return self._outlines

    def contours(self, glyph: int) -> list[Contour]:
        """A glyph's outline exactly as the font draws it, in x-heights."""
        unit = 1 / (self.units * self.x_height)
        contours: list[Contour] = []
        pen = hb.DrawFuncs()

        def move(x: float, y: float, _: object) -> None:
            contours.append([(x * unit, y * unit)])

        def segment(*values: object) -> None:
            contours[-1].append(tuple(float(value) * unit for value in values[:-1]))  # type: ignore[arg-type]

        pen.set_move_to_func(move)
        pen.set_line_to_func(segment)
        pen.set_quadratic_to_func(segment)
        pen.set_cubic_to_func(segment)
        self._font.draw_glyph(glyph, pen, None)
        return contours

    def subset(self, glyphs: Iterable[int]) -> bytes:
        """The font with only these glyphs, ids kept (so that Identity-H text of many pieces shares one subset)."""
        wanted = hb.SubsetInput()
        wanted.glyph_set.update(set(glyphs) | {0})
        wanted.flags = hb.SubsetFlags.RETAIN_GIDS | hb.SubsetFlags.NO_HINTING
        wanted.layout_feature_tag_set.clear()
        wanted.name_id_set.clear()
        made = hb.subset(self._face, wanted)
        return bytes(made.blob.data)


def _visible(character: str) -> bool:
    """Whether a reader expects ink: not for spaces, controls, joiners and variation selectors."""
    return unicodedata.category(character)[0] not in "ZC" and not 0xFE00 <= ord(character) <= 0xFE0F
