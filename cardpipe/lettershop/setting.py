"""One shaped line becomes a mark on the page: what envelope and match code share."""

from __future__ import annotations

from functools import lru_cache
from itertools import accumulate, product

from cardpipe.model.errors import Bug
from cardpipe.model.finding import Finding, error
from cardpipe.model.units import Points
from cardpipe.prepress.page import BLACK, Ink, Text
from cardpipe.prepress.typeset import Face, Printed, set_printed

FIGURES = "0123456789/"


def set_line(face: Face, text: str, size: Points, where: str) -> Printed | list[Finding]:
    """Shape one line, or say what cannot be set. Marks that the font places off the baseline are refused: the page's
    text knows only advances."""
    made = set_printed(face, text, size, where)
    if isinstance(made, list):
        return [address_finding(finding) for finding in made]
    pens = [0.0, *accumulate(made.advances)][: len(made.glyphs)]
    moved = any(abs(y) > 1e-6 for y in made.y) or any(abs(x - pen) > 1e-4 for x, pen in zip(made.x, pens, strict=True))
    if moved:
        return [
            error("address.letters.stacked", where, "a letter with marks of its own cannot be set in this font",
                  "write the letter without its loose marks")
        ]  # fmt: skip
    return made


@lru_cache(maxsize=16)
def _figures(face: Face) -> dict[str, tuple[int, int]]:
    """Glyph and advance (font units) of each figure, by itself and with the one that follows it: kerning moves a figure
    by its neighbour alone, which every three of them must show. Raises Bug for a face that cannot print
    every number that people read beside a match code."""
    if isinstance(set_line(face, FIGURES, 1.0, "number"), list):
        raise Bug("a number is made of figures, and its font has all of them")
    known: dict[str, tuple[int, int]] = {}
    for text in (*FIGURES, *map("".join, product(FIGURES, repeat=2)), *map("".join, product(FIGURES, repeat=3))):
        run = face.font.shape(text)
        if len(run.glyphs) != len(text) or any(run.x_offsets) or any(run.y_offsets):
            raise Bug("the font of the numbers moves its figures about")
        if len(text) < 3:
            known[text] = run.glyphs[0], run.advances[0]
        elif [*zip(run.glyphs, run.advances, strict=True)] != [known[text[at : at + 2]] for at in range(3)]:
            raise Bug("the font of the numbers sets a figure by more than its neighbour")
    return known


def set_figures(face: Face, text: str, size: Points) -> Printed:
    """Set one line of nothing but figures and strokes, from a table that is shaped once a face: a batch has a number a
    piece. Raises Bug for any other character, and for a face that cannot set figures so."""
    known, unit = _figures(face), size / face.font.units
    try:
        shaped = [known[text[at : at + 2]] for at in range(len(text))]
    except KeyError:
        raise Bug("a number is made of figures, and its font has all of them") from None
    pens = [0, *accumulate([advance for _, advance in shaped])]
    return Printed(
        face.font, size, tuple([glyph for glyph, _ in shaped]), tuple(text),
        tuple([advance * unit for _, advance in shaped]), tuple([pen * unit for pen in pens[:-1]]),
        (0.0,) * len(text), pens[-1] * unit,
    )  # fmt: skip


def text_mark(line: Printed, text: str, x: Points, y: Points, *, turned: bool = False, ink: Ink = BLACK) -> Text:
    """The line as a mark: its baseline starts at ``x``, ``y``."""
    unit = line.size / line.font.units
    natural = tuple(line.font.advance(glyph) * unit for glyph in line.glyphs)
    return Text(
        x, y, text, f"font:{line.font.digest}", line.size, line.glyphs, line.advances, natural, ink, turned,
        line.characters,
    )  # fmt: skip


def address_finding(finding: Finding) -> Finding:
    """The same remark in the words of an address: nobody chooses a hand for an envelope."""
    code = finding.code.replace("message.", "address.").replace("text.", "address.")
    return Finding(finding.level, code, finding.where, finding.message, "write it in Latin letters without pictures")
