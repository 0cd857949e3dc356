"""Letters of an SVG's text become outlines in their places: chunks, anchors, shifts and spacing (SVG 2, 11.5).

Shaped by the face itself: kerned, joined, with its ligatures, across elements that differ in colour only. What was
judged is what is drawn: a letter that the face lacks is told by the same shaping that gives the outlines.
"""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from cardpipe.prepress.font import Font, Run

Anchor = Literal["start", "middle", "end"]
_SCRIPTS = ("LATIN", "GREEK", "CYRILLIC")
_SPACES = (" ", "\u00a0")


@dataclass(frozen=True, slots=True, eq=False)
class Voice:
    """How letters are set, in units of the drawing; each element has its own, and its own paint."""

    font: Font
    size: float
    letter: float = 0.0
    word: float = 0.0
    anchor: Anchor = "start"
    language: str = "und"

    def like(self, other: Voice) -> bool:
        """Whether both are set as one."""
        mine, others = ((v.size, v.letter, v.word, v.language) for v in (self, other))
        return self.font is other.font and mine == others


@dataclass(slots=True)
class Letter:
    """A character, and where its element wants it: at a place, or moved from where it would stand."""

    character: str
    voice: Voice
    x: float | None = None
    y: float | None = None
    dx: float | None = None
    dy: float | None = None

    @property
    def begins(self) -> bool:
        """Whether a new chunk of text begins here."""
        return self.x is not None or self.y is not None


@dataclass(slots=True)
class Setting:
    """Text as outlines: path data of each voice in the order of the text; and what the faces lack."""

    paths: list[tuple[Voice, str]]
    lacking: list[tuple[Voice, str]]


@dataclass(slots=True)
class _Placed:
    voice: Voice
    glyph: int
    x: float
    y: float


def lay(letters: Sequence[Letter]) -> Setting:
    """Set the letters of one text element."""
    lacking: list[tuple[Voice, str]] = []
    placed: list[_Placed] = []
    x = y = 0.0
    start = 0
    while start < len(letters):
        stop = start + 1
        while stop < len(letters) and not letters[stop].begins:
            stop += 1
        chunk = letters[start:stop]
        first = chunk[0]
        x = first.x if first.x is not None else x
        y = first.y if first.y is not None else y
        x, y = _chunk(chunk, x, y, placed, lacking)
        start = stop
    paths: dict[Voice, list[str]] = {}
    for each in placed:
        paths.setdefault(each.voice, []).append(_drawn(each))
    return Setting([(voice, "".join(parts)) for voice, parts in paths.items()], lacking)


def _chunk(
    chunk: Sequence[Letter], x: float, y: float, placed: list[_Placed], lacking: list[tuple[Voice, str]]
) -> tuple[float, float]:
    """One chunk from its place, shifted by its anchor (SVG 2, 11.5.1, step 7); where the pen is then, unshifted."""
    made: list[_Placed] = []
    place = x + (chunk[0].dx or 0.0)
    low, high = math.inf, -math.inf
    for run, stretch in _stretches(chunk, lacking):
        voice = stretch[0].voice
        unit = voice.size / voice.font.units
        ends = [*run.clusters[1:], len(stretch)]
        for index, (glyph, cluster) in enumerate(zip(run.glyphs, run.clusters, strict=True)):
            letter = stretch[cluster]
            if index == 0 or run.clusters[index - 1] != cluster:
                x, y = x + (letter.dx or 0.0), y + (letter.dy or 0.0)
            made.append(_Placed(letter.voice, glyph, x + run.x_offsets[index] * unit, y - run.y_offsets[index] * unit))
            before, x = x, x + run.advances[index] * unit
            if ends[index] != cluster and not _carries(stretch, ends[index]):
                x += voice.letter + (voice.word if letter.character in _SPACES else 0.0)
            low, high = min(low, before, x), max(high, before, x)
    anchor = chunk[0].voice.anchor
    shift = 0.0
    if made and anchor != "start":
        shift = place - (high if anchor == "end" else (low + high) / 2)
    for each in made:
        each.x += shift
    placed += made
    return x, y


def _carries(stretch: Sequence[Letter], at: int) -> bool:
    """Whether an accent stands there, which belongs to the letter before: no space is set between the two."""
    return at < len(stretch) and unicodedata.combining(stretch[at].character) != 0


def _stretches(chunk: Sequence[Letter], lacking: list[tuple[Voice, str]]) -> list[tuple[Run, Sequence[Letter]]]:
    """The chunk as stretches of one font and script, shaped; within a ligature neither paint nor place changes."""
    waiting: list[tuple[int, int]] = []
    start, script = 0, ""
    for index, letter in enumerate(chunk):
        now = _script(letter.character)
        if not letter.voice.like(chunk[start].voice) or (now and script and now != script):
            waiting.append((start, index))
            start, script = index, ""
        script = now or script
    waiting = [(start, len(chunk)), *reversed(waiting)]
    done = []
    while waiting:
        start, stop = waiting.pop()
        stretch = chunk[start:stop]
        text, font = "".join(letter.character for letter in stretch), stretch[0].voice.font
        run = font.shape(text, stretch[0].voice.language)
        whole = set(run.clusters)
        torn = next(
            (at for at in range(1, len(stretch)) if at not in whole and _parted(stretch[at - 1], stretch[at])), 0
        )
        if torn:
            waiting += [(start + torn, stop), (start, start + torn)]
            continue
        ends = dict(pairwise([*sorted(whole), len(stretch)]))
        lacking += [(stretch[at].voice, text[at : ends[at]]) for at in font.missing(text, run)]
        done.append((run, stretch))
    return done


def _script(character: str) -> str:
    """What a letter is written in, ``GREEK``; "" for what all scripts share, which goes with the letters before it."""
    name = unicodedata.name(character, "").partition(" ")[0]
    return name if name in _SCRIPTS else ""


def _parted(one: Letter, two: Letter) -> bool:
    return one.voice is not two.voice or bool(two.dx or two.dy)


def _drawn(placed: _Placed) -> str:
    """A glyph's exact outline as path data; written so that it is true to a hundred-thousandth of its size."""
    font, size = placed.voice.font, placed.voice.size
    unit, digits = font.x_height * size, max(1, 5 - math.floor(math.log10(size)))
    out = []
    for contour in font.contours(placed.glyph):
        if len(contour) < 2:
            continue
        for number, points in enumerate(contour):
            flat = [
                f"{placed.x + value * unit if at % 2 == 0 else placed.y - value * unit:.{digits}f}"
                for at, value in enumerate(points)
            ]
            out.append(("M" if number == 0 else {2: "L", 4: "Q", 6: "C"}[len(points)]) + " ".join(flat))
        out.append("Z")
    return "".join(out)
