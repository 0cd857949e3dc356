"""Text and a frame become lines that fit, or findings with numbers. Nothing is ever clipped or silently left out.

Size is asked for as x-height, because handwriting fonts of one point size differ threefold to the eye. Shaping is
done once, in x-heights, and serves every size; a finished layout is in points, y upwards from the frame's lower edge.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from cardpipe.model.finding import Finding, error
from cardpipe.model.units import Points, to_mm
from cardpipe.prepress.breaking import break_lines, fewest_lines
from cardpipe.prepress.font import Font
from cardpipe.prepress.wording import Chunk, Face, Hand, Word, chunks, clean, unwritable

__all__ = ["Face", "Hand", "Layout", "Line", "Printed", "TextFrame", "Word", "fit", "set_printed"]

MARGIN = 0.42
"""Kept free on all sides inside a frame, in x-heights: the room that a hand's wandering needs (see ``hand``)."""

PARAGRAPH = 0.55  # a blank line is this much of a line's pitch
_STEP = 0.1  # points of x-height between two tried sizes


@dataclass(frozen=True, slots=True)
class TextFrame:
    """Room for a text, in points. ``largest`` and ``smallest`` are x-heights; ``leading`` is the distance of two
    baselines as a multiple of the x-height."""

    width: Points
    height: Points
    largest: Points
    smallest: Points
    leading: float = 3.5
    align: Literal["left", "center"] = "left"
    valign: Literal["top", "middle"] = "top"


@dataclass(frozen=True, slots=True)
class Line:
    """Words with their left edges; points from the frame's lower left corner."""

    baseline: Points
    words: tuple[tuple[Points, Word], ...]


@dataclass(frozen=True, slots=True)
class Layout:
    """A text that fits: size and lines in points, and the ink's upper and lower edge from the frame's lower edge."""

    frame: TextFrame
    x_height: Points
    lines: tuple[Line, ...]
    top: Points
    bottom: Points

    @property
    def height(self) -> Points:
        return self.top - self.bottom


@dataclass(frozen=True, slots=True)
class Printed:
    """One line of printed text, ready for an Identity-H show: ``advances`` and ``x`` in points, kerning included.
    ``characters`` is the text that each glyph stands for (for ToUnicode); ``y`` lifts marks off the baseline."""

    font: Font
    size: Points
    glyphs: tuple[int, ...]
    characters: tuple[str, ...]
    advances: tuple[Points, ...]
    x: tuple[Points, ...]
    y: tuple[Points, ...]
    width: Points


def fit(hand: Hand, text: str, frame: TextFrame, where: str = "message") -> Layout | list[Finding]:
    """Set a text in a frame at the largest size that fits, or say with numbers why it cannot be set.

    Line breaks are kept, a blank line makes a gap. Findings: ``message.empty``, ``message.glyph_missing``,
    ``message.right_to_left``, ``message.word_too_wide``, ``message.too_long``.
    """
    lines = clean(text)
    findings = unwritable(lines, hand.faces, where)
    if findings:
        return findings
    paragraphs = [chunks(line, hand) for line in lines]
    if not any(chunk.top > chunk.bottom for paragraph in paragraphs for chunk in paragraph):
        return [error("message.empty", where, "there is nothing to write", "give a text, or leave the field away")]
    return _Setting(hand, paragraphs, frame, where).fit()


class _Setting:
    """The search for a size; holds what does not depend on it."""

    def __init__(self, hand: Hand, paragraphs: list[list[Chunk]], frame: TextFrame, where: str) -> None:
        self.frame, self.where = frame, where
        self.paragraphs = paragraphs
        self.atoms = [[chunk.atom() for chunk in paragraph] for paragraph in paragraphs]
        self.left = max(-chunk.left for paragraph in paragraphs for chunk in paragraph)
        font = hand.faces[0].font
        reach = font.extent(font.shape("l").glyphs[0]).top
        self.above = max([reach, *(chunk.top for chunk in paragraphs[0])])
        self.below = max([0.0, *(-chunk.bottom for chunk in paragraphs[-1])])
        self.blanks = sum(not paragraph for paragraph in paragraphs)

    def measure(self, x_height: Points) -> float:
        return self.frame.width / x_height - 2 * MARGIN - self.left

    def tall(self, lines: int) -> float:
        """Height in x-heights of that many lines."""
        pitches = lines - 1 + PARAGRAPH * self.blanks
        return 2 * MARGIN + self.above + self.below + pitches * self.frame.leading

    def lines_at(self, x_height: Points) -> int | None:
        total = 0
        for atoms in self.atoms:
            lines = fewest_lines(atoms, self.measure(x_height)) if atoms else 0
            if lines is None:
                return None
            total += lines
        return total

    def fits(self, x_height: Points) -> bool:
        lines = self.lines_at(x_height)
        return lines is not None and self.tall(lines) * x_height <= self.frame.height

    def fit(self) -> Layout | list[Finding]:
        frame = self.frame
        steps = int((frame.largest - frame.smallest) / _STEP + 1e-9)
        sizes = [frame.largest - _STEP * step for step in range(steps + 1)]
        if sizes[-1] > frame.smallest + 1e-9:
            sizes.append(frame.smallest)
        low, high = 0, len(sizes)
        while low < high:  # the first size that fits; smaller ones fit where a larger one does
            middle = (low + high) // 2
            if self.fits(sizes[middle]):
                high = middle
            else:
                low = middle + 1
        return self.place(sizes[low]) if low < len(sizes) else self.refuse()

    def place(self, x_height: Points) -> Layout:
        frame = self.frame
        measure = self.measure(x_height)
        centred = frame.align == "center"
        pitch = frame.leading * x_height
        baselines: list[tuple[float, list[Chunk]]] = []
        y = 0.0
        for paragraph, atoms in zip(self.paragraphs, self.atoms, strict=True):
            if not paragraph:
                y -= PARAGRAPH * pitch
            for start, end in break_lines(atoms, measure, centred):
                baselines.append((y, paragraph[start:end]))
                y -= pitch
        last = baselines[-1][0]
        used = (2 * MARGIN + self.above + self.below) * x_height - last
        first = frame.height - (MARGIN + self.above) * x_height
        if frame.valign == "middle":
            first -= (frame.height - used) / 2
        lines = []
        for y, row in baselines:
            width = sum(chunk.width + chunk.gap for chunk in row) - row[-1].gap
            spare = max(0.0, measure - width - max(0.0, row[-1].right - row[-1].width))
            left = MARGIN + self.left + (spare / 2 if centred else 0.0)
            words: list[tuple[Points, Word]] = []
            for chunk in row:
                words += [((left + at) * x_height, word) for at, word in chunk.words]
                left += chunk.width + chunk.gap
            lines.append(Line(first + y, tuple(words)))
        bottom = first + last - self.below * x_height
        return Layout(frame, x_height, tuple(lines), first + self.above * x_height, bottom)

    def refuse(self) -> list[Finding]:
        """Say by how much the text misses the frame at its smallest size."""
        size = self.frame.smallest
        measure = self.measure(size)
        wide = [
            (row, index, chunk)
            for row, paragraph in enumerate(self.paragraphs, 1)
            for index, chunk in enumerate(paragraph, 1)
            if chunk.atom().width + chunk.atom().overhang > measure
        ]
        room = f"{to_mm(max(0.0, measure * size)):.1f} mm"
        if wide:
            return [
                error(
                    "message.word_too_wide",
                    self.where,
                    f"word {index} of line {row} ({sum(len(word.text) for _, word in chunk.words)} characters) is "
                    f"{to_mm(chunk.width * size):.1f} mm wide at the smallest x-height of {to_mm(size):.2f} mm; "
                    f"the frame holds {room}",
                    "part the word with a hyphen or a space, or choose a narrower hand",
                )
                for row, index, chunk in wide
            ]
        needed = self.lines_at(size) or 0
        spare = self.frame.height / size - self.tall(1)
        held = 1 + int(spare / self.frame.leading) if spare >= 0 else 0
        over = self._characters_beyond(measure, held)
        return [
            error(
                "message.too_long",
                self.where,
                f"at the smallest x-height of {to_mm(size):.2f} mm the text needs {needed} lines"
                f"{f' and {self.blanks} gaps' if self.blanks else ''} and the frame holds {held}: "
                f"{max(1, needed - held)} lines or about {over} characters too many",
                f"shorten the text by about {over} characters, or choose a narrower hand",
            )
        ]

    def _characters_beyond(self, measure: float, held: int) -> int:
        lines = [
            sum(len(word.text) + 1 for chunk in paragraph[start:end] for _, word in chunk.words)
            for paragraph, atoms in zip(self.paragraphs, self.atoms, strict=True)
            for start, end in break_lines(atoms, measure)
        ]
        return max(1, sum(lines[min(held, len(lines) - 1) :]))


def set_printed(
    face: Face, text: str, size: Points, where: str = "text", room: Points | None = None
) -> Printed | list[Finding]:
    """Shape one line of printed text at a size in points; ``room`` is the width it must not exceed.

    Findings: ``message.glyph_missing`` and ``message.right_to_left`` as in :func:`fit`, ``text.too_wide``.
    """
    line = " ".join(clean(text))
    findings = unwritable([line], (face,), where)
    if findings:
        return findings
    font = face.font
    run = font.shape(line)
    unit = size / font.units
    ends = [*run.clusters[1:], len(line)]
    characters = tuple(line[start:end] for start, end in zip(run.clusters, ends, strict=True)) if run.glyphs else ()
    pens, pen = [], 0
    for advance in run.advances:
        pens.append(pen)
        pen += advance
    width = pen * unit
    if room is not None and width > room + 1e-6:
        return [
            error(
                "text.too_wide",
                where,
                f"the line of {len(line)} characters is {to_mm(width):.1f} mm wide at {size:g} pt, "
                f"and there is room for {to_mm(room):.1f} mm",
                "shorten the line",
            )
        ]
    return Printed(
        font,
        size,
        run.glyphs,
        characters,
        tuple(advance * unit for advance in run.advances),
        tuple((at + offset) * unit for at, offset in zip(pens, run.x_offsets, strict=True)),
        tuple(offset * unit for offset in run.y_offsets),
        width,
    )
