"""One shaped line becomes a mark on the page: what envelope and match code share."""

from __future__ import annotations

from functools import lru_cache
from itertools import accumulate

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
def _has_figures(face: Face) -> bool:
    """Whether the face can print every number that people read beside a match code."""
    return not isinstance(set_line(face, FIGURES, 1.0, "number"), list)


def set_figures(face: Face, text: str, size: Points) -> Printed:
    """Shape one line of nothing but figures and strokes. They are judged once a face, not once a line: a batch has a
    number a piece. Raises Bug for any other character, and for a face that lacks one of these."""
    if text.strip(FIGURES) or not _has_figures(face):
        raise Bug("a number is made of figures, and its font has all of them")
    run, unit = face.font.shape(text), size / face.font.units
    if len(run.glyphs) != len(text) or any(run.x_offsets) or any(run.y_offsets):
        raise Bug("the font of the numbers moves its figures about")
    advances = tuple(advance * unit for advance in run.advances)
    pens = tuple(accumulate(run.advances, initial=0))
    starts = tuple(pen * unit for pen in pens[:-1])
    return Printed(face.font, size, run.glyphs, tuple(text), advances, starts, (0.0,) * len(text), pens[-1] * unit)


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
