"""A text becomes words of glyphs: which face writes what, where a line may end, how much white lies between.

Here too live the reasons for refusing a text: a character that no face has is named with its place, never left out.
Lengths are x-heights.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field

from cardpipe.model.finding import Finding, error
from cardpipe.prepress.breaking import Atom
from cardpipe.prepress.font import Font, Run

_OPTICAL = 0.85  # how far the white between words is evened out
_NO_BREAK = "\u00a0\u202f\u2007"
_WORD = re.compile(r"[^ ]+")
_RIGHT_TO_LEFT = ("R", "AL", "AN")  # Unicode bidirectional classes (UAX 9)


@dataclass(frozen=True, slots=True)
class Face:
    """A font with what its folder says about it. ``word_space`` is the white between two words in x-heights; words
    with one of the ``faults`` (characters that it draws wrong) are written by the next face."""

    name: str
    font: Font
    joined: bool = False
    word_space: float = 0.9
    faults: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Hand:
    """A handwriting: the chosen face first, then those that help out, a whole word at a time."""

    name: str
    faces: tuple[Face, ...]


@dataclass(frozen=True, slots=True)
class Word:
    """Glyphs of one face in one go, in x-heights from the word's origin on the baseline."""

    text: str
    face: Face
    glyphs: tuple[int, ...]
    x: tuple[float, ...]
    y: tuple[float, ...]
    width: float


@dataclass(slots=True)
class Chunk:
    """An atom with its words, each with its distance from the atom's origin, and the atom's ink."""

    words: list[tuple[float, Word]] = field(default_factory=list)
    width: float = 0.0
    gap: float = 0.0
    breaks: bool = False
    left: float = 0.0
    right: float = 0.0
    top: float = 0.0
    bottom: float = 0.0

    def add(self, space: float, word: Word) -> None:
        at = self.width + space if self.words else 0.0
        self.words.append((at, word))
        self.width = at + word.width
        left, right, top, bottom = self.left, self.right, self.top, self.bottom
        for ink, x, y in zip(map(word.face.font.extent, word.glyphs), word.x, word.y, strict=True):
            start = at + x
            left, right = min(left, start + ink.left), max(right, start + ink.right)
            top, bottom = max(top, y + ink.top), min(bottom, y + ink.bottom)
        self.left, self.right, self.top, self.bottom = left, right, top, bottom

    def atom(self) -> Atom:
        return Atom(self.width, self.gap, max(0.0, self.right - self.width))


def clean(text: str) -> list[str]:
    """The lines of a text as they will be written: composed letters (NFC), plain spaces, invisible characters gone."""
    text = unicodedata.normalize("NFC", re.sub("\r\n?|[\x0b\x0c\x85\u2028\u2029]", "\n", text))
    text = re.sub(f"[^\\S\n{_NO_BREAK}]", " ", text)
    if not text.isascii():
        text = "".join(
            character for character in text if unicodedata.category(character) != "Cf" or character in "\u200c\u200d"
        )
    lines = [re.sub(" +", " ", line).strip(" " + _NO_BREAK) for line in text.split("\n")]
    while lines and not lines[0]:
        lines.pop(0)
    while lines and not lines[-1]:
        lines.pop()
    return lines


def unwritable(lines: list[str], faces: tuple[Face, ...], where: str = "message") -> list[Finding]:
    """A finding for each distinct character that none of the faces can write, with its first place, and one for all
    that is written from right to left."""
    places: dict[str, list[str]] = {}
    leftward: list[str] = []
    for row, line in enumerate(lines, 1):
        for column in sorted(_lacking(line, faces)):
            place = f"line {row}, column {column + 1}"
            if _leftward(line[column]):
                leftward.append(place)
            else:
                places.setdefault(line[column], []).append(place)
    fonts = ", ".join(face.name for face in faces)
    findings = [
        error(
            "message.glyph_missing",
            where,
            f"the character {_named(character)} at {_first(at)} is in none of the fonts {fonts}",
            "write it another way, or choose a hand that has it",
        )
        for character, at in places.items()
    ]
    if leftward:
        why = "are characters of a script that is written from right to left, which no font here is set in"
        findings.append(
            error("message.right_to_left", where, f"at {_first(leftward)} {why}", "write it in another script")
        )
    return findings


def missing(text: str, hand: Hand) -> list[tuple[str, int, int]]:
    """Each character that the hand cannot write, with its line and column as the text will be written, from 1."""
    return [
        (line[column], row, column + 1)
        for row, line in enumerate(clean(text), 1)
        for column in sorted(_lacking(line, hand.faces))
    ]


def _first(places: list[str]) -> str:
    return places[0] + (f" and {len(places) - 1} more places" if len(places) > 1 else "")


def _named(character: str) -> str:
    unnamed = "a control character" if unicodedata.category(character) == "Cc" else "an unnamed character"
    code = f"U+{ord(character):04X}, {unicodedata.name(character, unnamed)}"
    return code if unicodedata.category(character)[0] in "CZ" else f"“{character}” ({code})"


def _leftward(character: str) -> bool:
    return unicodedata.bidirectional(character) in _RIGHT_TO_LEFT


def _lacking(line: str, faces: tuple[Face, ...]) -> set[int]:
    """Indices of the characters that no face can write."""
    odd: set[int] = set()
    if not (line.isascii() and line.isprintable()):
        odd = {
            index
            for index, character in enumerate(line)
            if unicodedata.category(character) in ("Cc", "Cs") or _leftward(character)
        }
    plain = "".join(" " if index in odd else character for index, character in enumerate(line)) if odd else line
    lacking: set[int] | None = None
    for face in faces:
        here = set(face.font.missing(plain))
        if not face.faults.isdisjoint(plain):
            here |= {index for index, character in enumerate(plain) if character in face.faults}
        lacking = here if lacking is None else lacking & here
        if not lacking:
            break
    return odd | (lacking or set())


def _can_write(face: Face, text: str, run: Run | None = None) -> bool:
    return not (face.faults and not face.faults.isdisjoint(text)) and not face.font.missing(text, run)


def _assign(line: str, hand: Hand) -> tuple[list[tuple[int, int, Face]], Run | None]:
    """Which face writes which stretch: whole words, and parts of a word only where no face has all of it."""
    first = hand.faces[0]
    run = first.font.shape(line)
    if _can_write(first, line, run):
        return [(0, len(line), first)], run
    stretches: list[tuple[int, int, Face]] = []

    def put(start: int, end: int, face: Face) -> None:
        if stretches and stretches[-1][2] is face and not line[stretches[-1][1] : start].strip(" "):
            start = stretches.pop()[0]
        stretches.append((start, end, face))

    for found in _WORD.finditer(line):
        start, end = found.span()
        face = next((face for face in hand.faces if _can_write(face, found.group())), None)
        if face is not None:
            put(start, end, face)
            continue
        for low, high in _graphemes(line, start, end):  # a word of two scripts, or with an emoji glued to it
            put(low, high, next((face for face in hand.faces if _can_write(face, line[low:high])), hand.faces[-1]))
    return stretches, None


def _graphemes(line: str, start: int, end: int) -> list[tuple[int, int]]:
    """What is never parted between two faces: a letter with its marks, an emoji with its joiners, a flag's two halves
    (the part of UAX 29 that Western letters and emoji need)."""
    found: list[tuple[int, int]] = []
    flag = False
    for index in range(start, end):
        character = line[index]
        half = 0x1F1E6 <= ord(character) <= 0x1F1FF
        extends = (
            unicodedata.category(character) in ("Mn", "Mc", "Me", "Cf")
            or 0x1F3FB <= ord(character) <= 0x1F3FF
            or (index > start and line[index - 1] == "\u200d")
            or (half and flag)
        )
        flag = half and not flag
        if extends and found:
            found[-1] = (found[-1][0], index + 1)
        else:
            found.append((index, index + 1))
    return found


def chunks(line: str, hand: Hand) -> list[Chunk]:
    """One line of the text as unbreakable chunks."""
    stretches, run = _assign(line, hand)
    words: list[tuple[int, int, Word]] = []
    made: list[Chunk] = []
    white = hand.faces[0].word_space
    for start, end, face in stretches:
        words.extend(_words(line, start, end, face, run or face.font.shape(line[start:end])))
    last: Word | None = None
    for start, end, word in words:
        before = line[start - 1] if start else " "
        space = _space(last, word, white) if last else 0.0
        if before == " " or made[-1].breaks:
            if made and before == " ":
                made[-1].gap = space
            made.append(Chunk())
        made[-1].add(space if before in _NO_BREAK else 0.0, word)
        made[-1].breaks = _breaks_at(line, end)
        last = word
    return made


def _space(before: Word, after: Word, white: float) -> float:
    """The space that leaves that much white between the ink of two words, as the eye sees it, not the font's boxes."""
    if not (before.glyphs and after.glyphs):
        return white
    trail = before.width - before.x[-1] - before.face.font.core(before.glyphs[-1])[1]
    lead = after.x[0] + after.face.font.core(after.glyphs[0])[0]
    return max(0.2, white - _OPTICAL * (trail + lead))


def _breaks_at(line: str, end: int) -> bool:
    """Whether a line may end before this index inside a word: after a hyphen or dash with letters on both sides."""
    if end >= len(line) or line[end] == " " or line[end - 1] not in "-\u2010\u2013\u2014":
        return False
    before, after = line[max(0, end - 3) : end - 1], line[end : end + 2]
    if line[end - 1] == "\u2014":
        return True
    return len(before) == 2 and before.isalnum() and after.isalpha() and len(after) == 2


def _words(line: str, start: int, end: int, face: Face, run: Run) -> list[tuple[int, int, Word]]:
    """Cut a shaped stretch into words at spaces, and into parts after hyphens."""
    unit = 1 / (face.font.units * face.font.x_height)
    cuts: list[tuple[int, int]] = []
    at = start
    for index in range(start, end + 1):
        character = line[index] if index < end else " "
        if character == " " or character in _NO_BREAK:
            if at < index:
                cuts.append((at, index))
            at = index + 1
        elif index > at and _breaks_at(line, index):
            cuts.append((at, index))
            at = index
    words = []
    glyph, total = 0, len(run.glyphs)
    for low, high in cuts:
        while glyph < total and run.clusters[glyph] + start < low:
            glyph += 1
        glyphs, xs, ys, pen = [], [], [], 0
        while glyph < total and run.clusters[glyph] + start < high:
            glyphs.append(run.glyphs[glyph])
            xs.append((pen + run.x_offsets[glyph]) * unit)
            ys.append(run.y_offsets[glyph] * unit)
            pen += run.advances[glyph]
            glyph += 1
        words.append((low, high, Word(line[low:high], face, tuple(glyphs), tuple(xs), tuple(ys), pen * unit)))
    return words
