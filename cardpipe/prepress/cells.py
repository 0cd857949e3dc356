"""What is written on flattened pages: each cell's own ink, and all that is wrong with it.

Ink is gathered as connected strokes over the whole page and given to the cell that holds most of it, so that an
ascender that runs over a cell's edge keeps its tip. A stroke that lies in two cells cannot be told apart: refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from cardpipe.model.finding import Finding, error, warning
from cardpipe.prepress import formsheet as form
from cardpipe.prepress.formsheet import DENSITY, PAGE_HEIGHT, PAGE_WIDTH, Cell, FlatPage

Floats = NDArray[np.float32]

_SEEN = 0.12  # of paper's light: darker may be ink; guides are paler
_PALE = 0.30  # ink that is less than this darker than paper cannot be told from shadows and guides
_EDGE = 0.42  # of the way from paper to the page's ink, where strokes are looked for
_LIFTED = 1.7  # by so much a pale stroke of a letter is made darker, at most
_SPECK = 0.22  # of a round dot of the pen's width: smaller is dust
_SHARED = 0.12  # of a stroke's ink: what may lie outside of its cell
_MARGIN = 5  # pixels around a sample
_LETTERS_NAMED = 60


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """One written cell. ``dark`` is its ink (0 paper, 1 black), other cells' strokes taken out; ``level`` is where a
    stroke's edge lies; ``left``, ``top`` are the first pixel's place on the page."""

    cell: Cell
    dark: Floats = field(repr=False)
    level: float
    left: int
    top: int

    @property
    def mask(self) -> NDArray[np.bool_]:
        return self.dark > self.level


@dataclass(frozen=True, slots=True, eq=False)
class Written:
    """All that was read of the form: samples by what they show, in the order of the form, and the signatures' ink."""

    samples: dict[str, list[Sample]]
    signatures: list[Floats]
    findings: list[Finding]


def read(pages: Sequence[FlatPage]) -> Written:
    """The samples of all pages. Findings: ``hand.ink.pale``, ``hand.cell.touching``, ``hand.cell.empty``."""
    samples: dict[str, list[Sample]] = {}
    findings: list[Finding] = []
    signatures: list[Floats] = []
    for page in sorted(pages, key=lambda page: page.number):
        dark: Floats = np.asarray(1.0 - page.pixels() / 255.0, np.float32)
        ink = _contrast(dark)
        if ink is not None and ink < _PALE:
            what = f"page {page.number}: the ink is only {ink:.0%} darker than the paper"
            remedy = "use a black or dark blue pen, no pencil"
            findings.append(error("hand.ink.pale", f"page {page.number}", what, remedy))
            continue
        if ink is None:
            continue
        for sample, found in _page(page.number, dark, ink):
            findings += found
            samples.setdefault(sample.cell.text, []).append(sample)
        if page.number == form.PAGES:
            signatures = _signatures(dark, ink)
    return Written(samples, signatures, findings + _empty(samples, {page.number for page in pages}))


def _contrast(dark: Floats) -> float | None:
    """How much darker than paper the page's ink is; None where nothing is written."""
    x, y = round(form.LEFT * DENSITY), round(form.TOP * DENSITY)
    body = dark[y : PAGE_HEIGHT - 2 * DENSITY, x : PAGE_WIDTH - x]
    seen = body[body > _SEEN]
    if len(seen) < 400:
        return None
    return float(np.percentile(seen, 93))


def _box(x: float, y: float, width: float, height: float) -> tuple[slice, slice]:
    left, top = round(x * DENSITY), round(y * DENSITY)
    return slice(top, top + round(height * DENSITY)), slice(left, left + round(width * DENSITY))


def _page(number: int, dark: Floats, ink: float) -> list[tuple[Sample, list[Finding]]]:
    """Each written cell of a page with what is wrong with it."""
    here = [cell for cell in form.cells() if cell.page == number]
    owner = np.zeros(dark.shape, np.int32)  # 0 is no cell
    for index, cell in enumerate(here, 1):
        owner[_box(cell.x, cell.y, form.CELL_WIDTH, form.CELL_HEIGHT)] = index
    mask = dark > _EDGE * ink
    side = form.LEFT * DENSITY
    mask[:, : round(side - 2)] = mask[:, round(PAGE_WIDTH - side + 2) :] = False  # the markers
    mask[: round((form.TOP - 1) * DENSITY)] = False
    count, found, table, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    labels, stats = np.asarray(found, np.int32), np.asarray(table, np.int32)
    distance = cv2.distanceTransform(mask.astype(np.uint8), cv2.DIST_L2, 3)
    pen = 2 * float(np.percentile(distance[mask], 80))
    rows, columns = np.nonzero(labels)
    pairs = labels[rows, columns].astype(np.int64) * (len(here) + 1) + owner[rows, columns]
    shares = np.bincount(pairs, minlength=count * (len(here) + 1)).reshape(count, len(here) + 1)
    main = shares.argmax(axis=1)
    kept = stats[:, cv2.CC_STAT_AREA] >= max(4.0, _SPECK * 0.785 * pen * pen)
    kept[0] = False
    made = []
    for index, cell in enumerate(here, 1):
        own = np.flatnonzero(kept & (main == index))
        if not len(own):
            continue
        remarks = []
        for stroke in own:
            beside = int(shares[stroke].sum() - shares[stroke, index])
            if beside:
                remarks.append(_touching(cell, here, shares[stroke], index, beside / int(shares[stroke].sum())))
        made.append((_sample(cell, dark, ink, labels, stats, own), remarks[:1]))
    return made


def _touching(cell: Cell, here: list[Cell], shares: NDArray[np.int64], index: int, beside: float) -> Finding:
    others = [here[other - 1].text for other in np.flatnonzero(shares) if other not in (0, index)]
    where = f"{cell.text} ({cell.where})"
    over = f" and into the cell of {', '.join(others)}" if others else ""
    what = f"runs over the edge of its cell{over}: {beside:.0%} of a stroke lies outside"
    if beside > _SHARED:
        remedy = "write it again on a new form, smaller or nearer to the middle"
        return error("hand.cell.touching", where, what, remedy)
    return warning("hand.cell.touching", where, what, "it was taken whole; look at the letter in the specimen")


def _sample(
    cell: Cell, dark: Floats, ink: float, labels: NDArray[np.int32], stats: NDArray[np.int32], own: NDArray[np.int64]
) -> Sample:
    left, top = stats[own, 0].min() - _MARGIN, stats[own, 1].min() - _MARGIN
    right = (stats[own, 0] + stats[own, 2]).max() + _MARGIN
    bottom = (stats[own, 1] + stats[own, 3]).max() + _MARGIN
    left, top, right, bottom = max(0, left), max(0, top), min(PAGE_WIDTH, right), min(PAGE_HEIGHT, bottom)
    here, around = labels[top:bottom, left:right], np.ones((5, 5), np.uint8)
    whole = dark[top:bottom, left:right]
    strength = float(np.clip(np.percentile(whole[np.isin(here, own)], 90), 0.7 * ink, 1.15 * ink))
    patch = np.zeros(whole.shape, np.float32)
    for stroke in own:  # a dot that is smaller than the photo's blur is paler than the stem, and was not written so
        mine = here == stroke
        lifted = float(np.clip(strength / np.percentile(whole[mine], 90), 1.0, _LIFTED))
        near = cv2.dilate(mine.astype(np.uint8), around) > 0
        patch = np.maximum(patch, np.where(near, whole * np.float32(lifted), np.float32(0)))
    return Sample(cell, patch, 0.53 * strength, int(left), int(top))


def _signatures(dark: Floats, ink: float) -> list[Floats]:
    """Each signed box's ink, 0 to 1 with 0.5 at the edge of a stroke, trimmed; unsigned boxes give none."""
    made = []
    for x, y, width, height in form.signature_boxes():
        patch = dark[_box(x + 0.6, y + 0.6, width - 1.2, height - 1.2)]
        mask = (patch > _EDGE * ink).astype(np.uint8)
        count, labels, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
        kept = np.flatnonzero(stats[:, cv2.CC_STAT_AREA] >= 12)[1:]
        if count < 2 or stats[kept, cv2.CC_STAT_AREA].sum() < 300:
            continue
        mine = np.isin(labels, kept)
        rows, columns = np.flatnonzero(mine.any(axis=1)), np.flatnonzero(mine.any(axis=0))
        near = cv2.dilate(mine.astype(np.uint8), np.ones((3, 3), np.uint8))
        soft = np.clip(0.5 + (patch - 0.45 * ink) / (0.6 * ink), 0.0, 1.0) * near
        top, left = max(0, rows[0] - 4), max(0, columns[0] - 4)
        made.append(soft[top : rows[-1] + 5, left : columns[-1] + 5].astype(np.float32))
    return made


def _empty(samples: dict[str, list[Sample]], pages: set[int]) -> list[Finding]:
    """Letters that nobody wrote: some must be there, others are made of what is there or come from a fallback."""
    wanted: dict[str, int] = {}
    kinds: dict[str, str] = {}
    for cell in form.cells():
        if cell.page in pages:
            wanted[cell.text] = wanted.get(cell.text, 0) + 1
            kinds[cell.text] = cell.kind
    none = [text for text in wanted if text not in samples]
    needed = [text for text in none if text in form.REQUIRED]
    some = [text for text in wanted if text in samples and len(samples[text]) < wanted[text]]
    left = [text for text in none if text not in form.REQUIRED and kinds[text] != "pair"]
    findings = []
    if needed:
        what = f"{len(needed)} letters have no sample: {' '.join(needed[:_LETTERS_NAMED])}"
        findings.append(error("hand.cell.empty", "the form", what, "write them and photograph the page again"))
    if some:
        what = f"some cells are empty, so these have fewer alternates: {' '.join(some[:_LETTERS_NAMED])}"
        findings.append(warning("hand.cell.empty", "the form", what, "write them for a livelier hand"))
    if left:
        what = f"not written, so composed or taken from another hand: {' '.join(left[:_LETTERS_NAMED])}"
        findings.append(warning("hand.cell.empty", "the form", what, "write them if you use them"))
    return findings
