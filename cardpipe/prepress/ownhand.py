"""A person's own hand, told from the flattened pages of the form to a font: the whole story in one place."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from PIL import Image

from cardpipe.model.errors import Refused
from cardpipe.model.finding import Finding, error, has_errors
from cardpipe.prepress import cells, fontmaking, spacing
from cardpipe.prepress import formsheet as form
from cardpipe.prepress.accents import WANTED, Composer
from cardpipe.prepress.fontmaking import UNITS, X_HEIGHT, Glyph
from cardpipe.prepress.formsheet import DENSITY, FlatPage
from cardpipe.prepress.letterforms import Letters, letters
from cardpipe.prepress.shapes import Shape

LICENCE = "LicenseRef-own-hand"
_LIGHTEN = 0.018  # x-heights: 0.05 mm on a card; keeps a message of 60 words below 60 kB
_INK = (17, 24, 51)  # of a signature's PNG: blue-black, as most people sign


@dataclass(frozen=True, slots=True)
class Coverage:
    """What the font can write: as it was written, as it was composed, and what another hand must help out with."""

    written: str
    composed: str
    lacking: str

    def as_dict(self) -> dict[str, object]:
        """As JSON-ready values."""
        return {"written": self.written, "composed": self.composed, "falls_back": self.lacking}


@dataclass(frozen=True, slots=True)
class OwnHand:
    """The files of the font's folder by name, the signatures as PNGs, what it covers, and what was noticed."""

    files: dict[str, bytes] = field(repr=False)
    signatures: tuple[bytes, ...] = field(repr=False)
    coverage: Coverage
    alternates: int
    x_height_mm: float
    findings: tuple[Finding, ...]


def learn(pages: Sequence[FlatPage], name: str, title: str, fallback: Sequence[str] = ()) -> OwnHand:
    """Make the font. Raises Refused with every finding: ``hand.page.missing``, ``hand.page.twice``, and those of
    ``cells`` and ``letterforms``."""
    written, made, findings = _read(pages, whole=True)
    if has_errors(findings):
        raise Refused("the form cannot become a font yet", findings)
    pairs = {text: shapes for text, shapes in made.shapes.items() if text in form.PAIRS}
    single = {text: shapes for text, shapes in made.shapes.items() if text not in form.PAIRS}
    composer = Composer(single)
    composed = {c: shape for c in WANTED if c not in single and (shape := composer.compose(c)) is not None}
    white = spacing.own_white([shape for shapes in pairs.values() for shape in shapes])
    glyphs = [
        _spaced(text, sample, shape, white)
        for text, shapes in {**single, **pairs}.items()
        for sample, shape in enumerate(shapes)
    ] + [_spaced(text, 0, shape, white) for text, shape in composed.items()]
    ends: dict[str, list[tuple[spacing.Profile, float]]] = {}
    for glyph in glyphs:
        if glyph.text in spacing.KERNED:
            ends.setdefault(glyph.text, []).append((spacing.profile(glyph.shape), glyph.advance))
    kerns = spacing.kerning(ends, white)
    font = fontmaking.make(glyphs, kerns, fontmaking.Names(name, title))
    lacking = "".join(c for c in WANTED if c not in single and c not in composed)
    coverage = Coverage("".join(c for c in WANTED if c in single), "".join(composed), lacking)
    most = max(len(shapes) for shapes in single.values())
    files = {
        f"{name}.ttf": font,
        "font.toml": _settings(name, title, fallback, coverage, most).encode(),
        "LICENSE": _licence(title).encode(),
    }
    signatures = tuple(_png(ink) for ink in written.signatures)
    return OwnHand(files, signatures, coverage, most, round(made.x_height, 2), tuple(findings))


def judge(pages: Sequence[FlatPage], *, whole: bool) -> list[Finding]:
    """All that is wrong with these pages; ``whole`` says that there are no others."""
    return _read(pages, whole=whole)[2]


def _read(pages: Sequence[FlatPage], *, whole: bool) -> tuple[cells.Written, Letters, list[Finding]]:
    """What is written, the letters of it, and what is wrong with the pages, the cells and the letters."""
    findings = _judge_pages([page.number for page in pages], whole) + [one for page in pages for one in page.findings]
    once = {page.number: page for page in pages}
    written = cells.read(list(once.values()))
    made = letters(written) if 1 in once else Letters({}, 0.0, [])
    return written, made, findings + written.findings + made.findings


def _judge_pages(numbers: Sequence[int], whole: bool) -> list[Finding]:
    """Whether each page of the form is there once."""
    findings = []
    for number in range(1, form.PAGES + 1):
        count = numbers.count(number)
        if not count and whole:
            what = f"page {number} of {form.PAGES} is missing"
            findings.append(error("hand.page.missing", "the form", what, f"photograph page {number} too"))
        elif count > 1:
            what = f"page {number} is there {count} times"
            findings.append(error("hand.page.twice", "the form", what, "leave the worse picture out"))
    return findings


def _spaced(text: str, sample: int, shape: Shape, white: float) -> Glyph:
    start, end = spacing.bearings(shape, text, white)
    return Glyph(text, sample, shape.moved(-start), max(end - start, 0.1))


def _settings(name: str, title: str, fallback: Sequence[str], coverage: Coverage, alternates: int) -> str:
    others = ", ".join(json.dumps(one) for one in fallback)
    count = len(coverage.written) + len(coverage.composed)
    return f'''name = {json.dumps(name)}
title = {json.dumps(title, ensure_ascii=False)}
version = "1.000"
role = ["hand"]
file = "{name}.ttf"
licence = "{LICENCE}"
source = "written on the form of cardpipe hand sheet"
x_height = "2.9mm"
x_height_em = {X_HEIGHT / UNITS}
joined = false
lighten = {_LIGHTEN}
fallback = [{others}]
note = "Somebody's own hand: {count} characters, up to {alternates} forms of each."
'''


def _licence(title: str) -> str:
    return (
        f"{title}: a font made of one person's handwriting by cardpipe hand learn.\n\n"
        "The handwriting belongs to the person who wrote the form, and so does this font. No licence to others is\n"
        "implied. Use it on cards that this person sends or has agreed to; ask before you pass the file on,\n"
        "and delete it when the person asks you to. The tool that made it claims no right in it.\n"
    )


def _png(ink: cells.Floats) -> bytes:
    """A signature as a PNG: its ink on nothing, at the form's own resolution."""
    pixels = np.empty((*ink.shape, 4), np.uint8)
    pixels[:, :, :3] = _INK
    pixels[:, :, 3] = np.rint(ink * 255)
    out = io.BytesIO()
    ppi = DENSITY * 25.4
    Image.fromarray(pixels, "RGBA").save(out, "PNG", dpi=(ppi, ppi))
    return out.getvalue()
