"""Glyphs become a TrueType font: outlines merged and wound right, rotating alternates, kerning, sane metrics.

The same glyphs give the same bytes. Every name is the hand's own; embedding is free (fsType 0, OpenType 1.9, OS/2).
"""

from __future__ import annotations

import hashlib
import io
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pathops
from fontTools.feaLib.builder import addOpenTypeFeaturesFromString
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.cu2quPen import Cu2QuPen
from fontTools.pens.ttGlyphPen import TTGlyphPen

from cardpipe.prepress.shapes import Shape

UNITS = 2048
X_HEIGHT = 800  # units of an x-height
_CURVE = 1.5  # units by which a quadratic may leave its cubic
_BACK = 4  # how many letters back a hand remembers which form of a letter it wrote
_SPACE = 0.62  # x-heights
_NEVER = 2082844800  # 1970 in the seconds since 1904 that `head` counts: the font carries no clock


@dataclass(frozen=True, slots=True, eq=False)
class Glyph:
    """A shape whose box begins at 0. ``text`` is what it writes, one character or a pair; ``sample`` counts its
    alternates from 0."""

    text: str
    sample: int
    shape: Shape
    advance: float

    @property
    def name(self) -> str:
        plain = "_".join(f"u{ord(character):04X}" for character in self.text)
        return plain if not self.sample else f"{plain}.alt{self.sample}"


@dataclass(frozen=True, slots=True)
class Names:
    """What the font is called. ``family`` is what people see."""

    slug: str
    family: str


def make(glyphs: Sequence[Glyph], kerning: Mapping[tuple[str, str], float], names: Names) -> bytes:
    """The font file."""
    order = [".notdef", "space", *(glyph.name for glyph in glyphs)]
    outlines = {".notdef": _box(), "space": TTGlyphPen(None).glyph()}
    outlines |= {glyph.name: _drawn(glyph.shape) for glyph in glyphs}
    metrics = {".notdef": (_units(1.0), 0), "space": (_units(_SPACE), 0)}
    builder = FontBuilder(UNITS, isTTF=True)
    builder.setupGlyphOrder(order)
    cmap = {ord(glyph.text): glyph.name for glyph in glyphs if len(glyph.text) == 1 and not glyph.sample}
    builder.setupCharacterMap({0x20: "space", 0xA0: "space", **cmap})
    builder.setupGlyf(outlines)
    table = builder.font["glyf"]
    for glyph in glyphs:
        metrics[glyph.name] = (_units(glyph.advance), getattr(table[glyph.name], "xMin", 0))
    builder.setupHorizontalMetrics(metrics)
    inked = [table[name] for name in order if getattr(table[name], "numberOfContours", 0)]
    top, bottom = max(glyph.yMax for glyph in inked), min(glyph.yMin for glyph in inked)
    builder.setupHorizontalHeader(ascent=top, descent=bottom, lineGap=0)
    digest = hashlib.sha256(repr([(g.name, g.shape.points.tobytes()) for g in glyphs]).encode()).hexdigest()[:12]
    family = f"{names.family} {digest[:6]}"  # no other font on any machine is called so
    builder.setupNameTable(
        {
            "familyName": family, "styleName": "Regular", "fullName": family, "version": "Version 1.000",
            "uniqueFontIdentifier": f"cardpipe:{names.slug}:{digest}", "psName": f"{names.slug}-{digest[:6]}",
            "copyright": "The handwriting of the person who wrote the form.",
        }
    )  # fmt: skip
    builder.setupOS2(
        sTypoAscender=top, sTypoDescender=bottom, sTypoLineGap=0, usWinAscent=max(top, 0), usWinDescent=max(-bottom, 0),
        sxHeight=X_HEIGHT, sCapHeight=_cap_height(glyphs), fsType=0, achVendID="CARD", fsSelection=0x40 | 0x80,
        usWeightClass=400, version=4,
    )  # fmt: skip
    builder.setupPost(keepGlyphNames=True)
    builder.updateHead(created=_NEVER, modified=_NEVER, fontRevision=1.0)
    addOpenTypeFeaturesFromString(builder.font, features(glyphs, kerning))
    builder.font.recalcTimestamp = False
    out = io.BytesIO()
    builder.save(out)
    return out.getvalue()


def features(glyphs: Sequence[Glyph], kerning: Mapping[tuple[str, str], float]) -> str:
    """The layout rules in the language of feature files: pairs, rotating alternates, kerning."""
    forms: dict[str, list[str]] = {}
    for glyph in glyphs:
        forms.setdefault(glyph.text, []).append(glyph.name)
    lines = ["languagesystem DFLT dflt;", "languagesystem latn dflt;"]
    pairs = {text: names for text, names in forms.items() if len(text) > 1}
    if pairs:
        rules = [f"  sub {' '.join(forms[c][0] for c in text)} by {names[0]};" for text, names in pairs.items()]
        lines += ["feature liga {", *rules, "} liga;"]
    lines += _rotation(forms)
    if kerning:
        classes = _kerned(forms, kerning)
        lines += [f"@K{index} = [{' '.join(names)}];" for index, names in enumerate(classes.values())]
        number = {text: index for index, text in enumerate(classes)}
        rules = [
            f"  pos @K{number[left]} @K{number[right]} {_units(kern)};"
            for (left, right), kern in sorted(kerning.items())
        ]
        lines += ["feature kern {", *rules, "} kern;"]
    return "\n".join(lines) + "\n"


def _rotation(forms: Mapping[str, list[str]]) -> list[str]:
    """The nearest form of the same letter within a few glyphs decides: the next one is taken, in turn."""
    rotating = {text: names for text, names in forms.items() if len(names) > 1}
    if not rotating:
        return []
    lines = [f"@ANY = [space {' '.join(name for names in forms.values() for name in names)}];", "feature calt {"]
    for index, names in enumerate(rotating.values()):
        first = names[0]
        lines.append(f"  lookup R{index} {{")
        for back in range(_BACK):
            between = " @ANY" * back
            for number, name in enumerate(names):
                after = names[(number + 1) % len(names)]
                if after == first:
                    lines.append(f"    ignore sub {name}{between} {first}';")
                else:
                    lines.append(f"    sub {name}{between} {first}' by {after};")
        lines.append(f"  }} R{index};")
    return [*lines, "} calt;"]


def _kerned(forms: Mapping[str, list[str]], kerning: Mapping[tuple[str, str], float]) -> dict[str, list[str]]:
    """The glyphs of each kerned letter: its alternates, and the letter under its accents."""
    classes: dict[str, list[str]] = {text: [] for text in sorted({text for pair in kerning for text in pair})}
    for text, names in forms.items():
        plain = unicodedata.normalize("NFD", text)[0] if len(text) == 1 else text
        if plain in classes:
            classes[plain] += names
    return classes


def _units(value: float) -> int:
    return round(value * X_HEIGHT)


def _cap_height(glyphs: Sequence[Glyph]) -> int:
    tops = sorted(glyph.shape.bounds[3] for glyph in glyphs if len(glyph.text) == 1 and "A" <= glyph.text <= "Z")
    return _units(tops[len(tops) // 2]) if tops else _units(1.8)


def _drawn(shape: Shape) -> object:
    """The shape as a TrueType glyph: overlaps merged, each contour wound by what it is, ink or hole."""
    path = pathops.Path()
    pen = path.getPen()
    opened = False
    for kind, points in shape.segments():
        scaled = [(x * X_HEIGHT, y * X_HEIGHT) for x, y in points]
        if kind == "m":
            if opened:
                pen.closePath()
            pen.moveTo(scaled[0])
            opened = True
        elif kind == "l":
            pen.lineTo(scaled[0])
        else:
            pen.curveTo(*scaled)
    if opened:
        pen.closePath()
    path.simplify(fix_winding=True, keep_starting_points=True, clockwise=True)
    target = TTGlyphPen(None)
    path.draw(Cu2QuPen(target, max_err=_CURVE, reverse_direction=False))
    return target.glyph()


def _box() -> object:
    """.notdef: an empty frame that nobody overlooks."""
    pen = TTGlyphPen(None)
    wide, tall, line = _units(0.9), _units(1.6), _units(0.08)
    for points in (
        [(line, 0), (line, tall), (wide, tall), (wide, 0)],
        [(2 * line, line), (wide - line, line), (wide - line, tall - line), (2 * line, tall - line)],
    ):
        pen.moveTo(points[0])
        for point in points[1:]:
            pen.lineTo(point)
        pen.closePath()
    return pen.glyph()
