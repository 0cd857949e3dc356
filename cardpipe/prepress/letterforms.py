"""From written samples to letters of one size on one base line; and whether a letter stands in another's cell."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain

import cv2
import numpy as np
from numpy.typing import NDArray

from cardpipe.model.finding import Finding, error, warning
from cardpipe.prepress import formsheet as form
from cardpipe.prepress.cells import Sample, Written
from cardpipe.prepress.formsheet import DENSITY
from cardpipe.prepress.shapes import Shape
from cardpipe.prepress.trace import trace

_FLAT = "acemnorsuvwxz"  # letters between base line and x-height
_STANDING = frozenset(_FLAT + "bdhikl" + form.UPPER + form.FIGURES + "!?ßæÆœŒøØłŁđĐð&") - {"Q", "J"}
_HANGING = frozenset("gpqy")
_PULL = 0.6  # of what a sample stands off the line is taken back: nobody writes on a ruler
_DESCENDS = 0.45  # x-heights below the line from which a letter is meant to hang
_LEAST, _MOST = 1.8, 7.5  # millimetres of x-height
_MOST_LETTERS_NAMED = 12

#: Letters that differ by size or not at all in many hands: never told apart.
_TWINS = ("oO0Q", "lI1i7", "sS5", "cCeEG", "vVuUrn", "wW", "xX", "zZ27", "pP", "kK", "gq9y", "bB6", "jJ", "tTf",
          "mM", "aA", "fF", "hn", "yY", "dD", "8B")  # fmt: skip
_RASTER, _PER_X = (40, 44), 11  # pixels: height and width of a sample's picture, and of an x-height in it
_ALIKE, _CLEARLY = 0.62, 0.16  # correlation with another letter's samples, and by how much it is above its own


@dataclass(frozen=True, slots=True, eq=False)
class Letters:
    """Every sample as a shape in x-heights on the base line, by what it shows. ``x_height`` is in millimetres."""

    shapes: dict[str, list[Shape]]
    x_height: float
    findings: list[Finding]


def letters(written: Written) -> Letters:
    """Samples brought onto one line and one scale. Findings: ``hand.size``, ``hand.cell.lookalike``,
    ``hand.cell.faint``."""
    flat = [sample for text in _FLAT for sample in written.samples.get(text, [])]
    if not flat:
        return Letters({}, 0.0, [error("hand.size", "the form", "no small letters are written", "write page 1")])
    line = float(np.median([_heights(sample)[0] for sample in flat]))
    size = float(np.median([_heights(sample)[1] for sample in flat])) - line
    findings: list[Finding] = []
    if not _LEAST <= size <= _MOST:
        what = f"the small letters are {size:.1f} mm high; they must have {_LEAST:g} to {_MOST:g} mm"
        return Letters({}, size, [error("hand.size", "the form", what, "write about as high as the guide lines")])
    samples = list(chain.from_iterable(written.samples.values()))
    findings += _lookalikes(written, size, line)
    shapes: dict[str, list[Shape]] = {}
    for sample, outline in zip(samples, trace(samples, size), strict=True):
        if not outline.empty:
            shape = Shape.of(outline).moved(0.0, -line / size)
            shapes.setdefault(sample.cell.text, []).append(_on_line(shape, sample.cell.text))
    lost = [text for text in written.samples if text not in shapes and text in form.REQUIRED]
    if lost:
        what = f"too faint or too small to be followed: {' '.join(lost)}"
        findings.append(error("hand.cell.faint", "the form", what, "write it again, larger or with a darker pen"))
    return Letters(shapes, size, findings)


def _heights(sample: Sample) -> tuple[float, float]:
    """Lowest and highest ink above the printed base line, in millimetres."""
    rows = np.flatnonzero(sample.mask.any(axis=1))
    base = sample.cell.baseline
    if not len(rows):
        return 0.0, 0.0
    return base - (sample.top + rows[-1] + 1) / DENSITY, base - (sample.top + rows[0]) / DENSITY


def _on_line(shape: Shape, text: str) -> Shape:
    """Nearer to the line that the letter stands on, or to the height that it hangs from."""
    _, bottom, _, top = shape.bounds
    off = bottom if text in _STANDING else top - 1.0 if text in _HANGING else 0.0
    return shape.moved(0.0, -_PULL * off) if abs(off) < _DESCENDS else shape


def _lookalikes(written: Written, size: float, line: float) -> list[Finding]:
    """Samples that are much more like another letter's than like the others of their own cells."""
    texts = [text for text in form.LOWER + form.UPPER + form.FIGURES if len(written.samples.get(text, [])) > 1]
    owners = [text for text in texts for _ in written.samples[text]]
    pictures = [_picture(sample, size, line) for text in texts for sample in written.samples[text]]
    if len(texts) < 2:
        return []
    alike = np.array(pictures) @ np.array(pictures).T
    np.fill_diagonal(alike, -1.0)
    found = []
    for index, text in enumerate(owners):
        own = max(alike[index, other] for other, name in enumerate(owners) if name == text)
        others = [(alike[index, other], name) for other, name in enumerate(owners) if not _twins(text, name)]
        best, name = max(others)
        if best > _ALIKE and best > own + _CLEARLY:
            number = index - owners.index(text)
            where = f"{text} ({written.samples[text][number].cell.where})"
            found.append(
                warning("hand.cell.lookalike", where, f"looks more like {name} than like the other {text}",
                        "look at it; if the wrong letter was written, write the page again")
            )  # fmt: skip
    return found[:_MOST_LETTERS_NAMED]


def _twins(one: str, other: str) -> bool:
    return one == other or any(one in twins and other in twins for twins in _TWINS)


def _picture(sample: Sample, size: float, line: float) -> NDArray[np.float32]:
    """A small picture of the sample on the line, blurred, of mean 0 and length 1: what correlation compares."""
    scale = _PER_X / (size * DENSITY)
    height, width = _RASTER
    _, columns = np.nonzero(sample.mask)
    middle = float(columns.mean()) if len(columns) else 0.0
    base = (sample.cell.baseline - line) * DENSITY - sample.top
    matrix = np.array([[scale, 0, width / 2 - middle * scale], [0, scale, 0.68 * height - base * scale]])
    soft = cv2.GaussianBlur(sample.mask.astype(np.float32), (0, 0), 0.9 / scale)
    small = cv2.warpAffine(soft, matrix, (width, height), flags=cv2.INTER_LINEAR)
    small = (small - small.mean()).ravel()
    return np.asarray(small / max(float(np.linalg.norm(small)), 1e-6), np.float32)
