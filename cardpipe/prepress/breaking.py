"""Where lines end: as a person ends them, who looks ahead, keeps the right edge calm and leaves no word alone.

Pure numbers. Lengths are x-heights. After the idea of Knuth and Plass, "Breaking Paragraphs into Lines" (1981),
without stretch: the fewest lines first, among those the least ragged.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

_LONE_WORD = 4.0  # cost of a last line of one word, in squared shares of the measure
_SHORT_LAST = 0.5  # cost of a last line shorter than this share is the same kind of ugliness, smaller
_SHORT_SHARE = 0.12
_AT_HYPHEN = 0.03
_LINE = 1000.0


@dataclass(frozen=True, slots=True)
class Atom:
    """What is never parted: a word, or the part of a word up to a hyphen.

    ``gap`` is the space to the next atom on the same line (0 after a hyphen); ``overhang`` is ink beyond ``width``.
    """

    width: float
    gap: float
    overhang: float = 0.0


def fewest_lines(atoms: Sequence[Atom], measure: float) -> int | None:
    """How many lines of that measure are needed; None where one atom alone is wider."""
    lines, at = 1, 0.0
    gap = 0.0
    for atom in atoms:
        need = atom.width + atom.overhang
        if need > measure:
            return None
        if at and at + gap + need > measure:
            lines, at = lines + 1, 0.0
        at += (gap if at else 0.0) + atom.width
        gap = atom.gap
    return lines


def break_lines(atoms: Sequence[Atom], measure: float, balanced: bool = False) -> list[tuple[int, int]]:
    """The lines as ranges of atoms. ``balanced`` counts the last line's raggedness too (for centred text).

    Every atom must fit the measure alone (see :func:`fewest_lines`).
    """
    count = len(atoms)
    starts = [0.0]
    for atom in atoms:
        starts.append(starts[-1] + atom.width + atom.gap)
    best = [0.0] + [float("inf")] * count
    previous = [0] * (count + 1)
    for end in range(1, count + 1):
        tail = atoms[end - 1]
        for start in range(end - 1, -1, -1):
            width = starts[end] - starts[start] - tail.gap
            if width + tail.overhang > measure and start < end - 1:
                break
            slack = max(0.0, 1 - width / measure)
            cost = best[start] + _LINE + slack * slack
            if end == count:
                if not balanced:
                    cost -= slack * slack
                if start and end - start == 1:
                    cost += _LONE_WORD
                elif start and width < _SHORT_SHARE * measure:
                    cost += _SHORT_LAST
            elif not tail.gap:
                cost += _AT_HYPHEN
            if cost < best[end]:
                best[end], previous[end] = cost, start
    ranges: list[tuple[int, int]] = []
    end = count
    while end:
        ranges.append((previous[end], end))
        end = previous[end]
    return ranges[::-1]
