"""Lines of an address, set or written by hand, stacked into a block that is placed as one.

A run is some lines of one kind: printed ones of a size, or lines in a hand. Runs know their size before they are
placed, so that the envelope can look for a place in which all of them fit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from cardpipe.lettershop.setting import address_finding, set_line, text_mark
from cardpipe.model.finding import Finding
from cardpipe.model.units import Box, Points, mm
from cardpipe.prepress.hand import write
from cardpipe.prepress.page import BLACK, Mark, Outline
from cardpipe.prepress.typeset import MARGIN, Face, Hand, Layout, Line, Printed, TextFrame, fit

#: Handwriting on an envelope: at least 14 pt (print.md section 4); where a hand is small at that size, up to this.
SCRIPT_SIZE = 14.0
_LARGEST = mm(2.7)
#: Between two baselines by hand, in x-heights; what a hand's disorder may add to a line's length.
_LEADING, _WANDER = 2.9, 1.04
_VAST = 20_000.0  # no line ends in a frame this wide


@dataclass(frozen=True, slots=True)
class PrintedRun:
    """Lines set at one size. Its box reaches from the first line's ascent to the last line's descent."""

    texts: tuple[str, ...]
    printed: tuple[Printed, ...]
    leading: Points

    @property
    def widths(self) -> tuple[Points, ...]:
        return tuple(line.width for line in self.printed)

    @property
    def height(self) -> Points:
        first = self.printed[0]
        line: Points = (first.font.ascent - first.font.descent) * first.size
        return line + self.leading * (len(self.texts) - 1)

    def marks(self, left: Points, top: Points, room: Points, seed: bytes) -> list[Mark]:
        """The lines from the top."""
        rise = self.printed[0].font.ascent * self.printed[0].size
        return [
            text_mark(line, text, left, top - rise - self.leading * place)
            for place, (text, line) in enumerate(zip(self.texts, self.printed, strict=True))
        ]


@dataclass(frozen=True, slots=True)
class WrittenRun:
    """Lines in a hand, with the white around them that its wandering needs."""

    texts: tuple[str, ...]
    layout: Layout
    smallest: Points  # the least x-height that is read

    @property
    def widths(self) -> tuple[Points, ...]:
        margin = MARGIN * self.layout.x_height
        return tuple(_ends(line) * _WANDER + margin for line in self.layout.lines)

    @property
    def height(self) -> Points:
        return self.layout.frame.height

    def marks(self, left: Points, top: Points, room: Points, seed: bytes) -> list[Mark]:
        """The lines as one outline within ``room``; their ink begins where printed lines begin."""
        frame = replace(self.layout.frame, width=room)
        writing = write(replace(self.layout, frame=frame), seed)
        box = Box(left - MARGIN * self.layout.x_height, top - frame.height, room, frame.height)
        return [Outline(box, writing.path, BLACK, name="address", lines=self.texts)]


Run = PrintedRun | WrittenRun


@dataclass(frozen=True, slots=True)
class Block:
    """Runs one below the other, left aligned, all of their ink inside ``box``."""

    runs: tuple[Run, ...]
    box: Box

    def marks(self, right: Points, seed: bytes = b"") -> list[Mark]:
        """All lines from the top, none of them beyond ``right``."""
        made: list[Mark] = []
        top = self.box.top
        for place, run in enumerate(self.runs):
            made += run.marks(self.box.x, top, right - self.box.x, seed + bytes([place]))
            top -= run.height
        return made

    def at(self, left: Points, top: Points) -> Block:
        """The same block in another place."""
        return Block(self.runs, Box(left, top - self.box.height, self.box.width, self.box.height))


def stack(runs: Sequence[Run]) -> Block:
    """Runs as a block, not placed yet."""
    widths = [width for run in runs for width in run.widths]
    return Block(tuple(runs), Box(0, 0, max(widths, default=0.0), sum(run.height for run in runs)))


def set_run(
    texts: tuple[str, ...], face: Face, points: Points, leading: float, where: str
) -> PrintedRun | list[Finding]:
    """Printed lines, or all that cannot be set of them."""
    made = [set_line(face, text, points, where) for text in texts]
    findings = [finding for line in made if isinstance(line, list) for finding in line]
    if findings:
        return findings
    return PrintedRun(texts, tuple(line for line in made if not isinstance(line, list)), points * leading)


def write_run(texts: tuple[str, ...], hand: Hand, where: str) -> WrittenRun | list[Finding]:
    """Lines in a hand at the largest x-height, or all that it cannot write. No line is ever broken."""
    smallest = SCRIPT_SIZE * hand.faces[0].font.x_height
    largest = max(_LARGEST, smallest)
    fitted = fit(hand, "\n".join(texts), TextFrame(_VAST, _VAST, largest, largest, _LEADING), where)
    if not isinstance(fitted, Layout):
        return [address_finding(finding) for finding in fitted]
    return WrittenRun(texts, _cropped(fitted), smallest)


def resized(run: WrittenRun, share: float) -> WrittenRun:
    """The same lines smaller: 0 as large as they were made, 1 as small as the hand is read."""
    old = run.layout
    x_height = old.x_height - (old.x_height - run.smallest) * share
    by = x_height / old.x_height
    lines = tuple(Line(line.baseline * by, tuple((x * by, word) for x, word in line.words)) for line in old.lines)
    frame = replace(old.frame, height=old.frame.height * by, largest=x_height, smallest=x_height)
    return replace(run, layout=Layout(frame, x_height, lines, old.top * by, old.bottom * by))


def _ends(line: Line) -> Points:
    x, word = line.words[-1]
    return x + word.width


def _cropped(layout: Layout) -> Layout:
    """The layout in a frame that is as high as it."""
    margin = MARGIN * layout.x_height
    down = layout.bottom - margin
    lines = tuple(Line(line.baseline - down, line.words) for line in layout.lines)
    frame = replace(layout.frame, height=layout.height + 2 * margin)
    return Layout(frame, layout.x_height, lines, layout.top - down, layout.bottom - down)
