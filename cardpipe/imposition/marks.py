"""What is printed on a press sheet beside the cards: crop marks, fold ticks, the slug line, and visible fillers.

Marks are 0.25 pt wide in registration colour, dashed at folds, 3 mm off every bleed and never in one (print.md section
3). Cards lie bleed against bleed, so marks stand around the grid only: each cut goes through the whole sheet anyway.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from cardpipe.imposition.grid import Grid
from cardpipe.imposition.plan import Place, Plan, Sheet
from cardpipe.model.errors import Refused
from cardpipe.model.finding import error
from cardpipe.model.units import Box, Points, mm, num, to_mm
from cardpipe.prepress.lettering import letter, line
from cardpipe.prepress.page import BLACK, REGISTRATION, WHITE, Mark, Outline, Rect
from cardpipe.prepress.typeset import Face

WIDTH = 0.25  # points: thinner lines are lost on press, thicker ones are no longer a place to cut
CLEAR = mm(3)
LENGTH = mm(5)
EDGE = mm(0.5)
"""Marks end this far from the sheet's edge; what a press leaves blank there is cut off a mark and nothing else."""
_DASH, _GAP = mm(0.8), mm(0.4)
_SLUG_SIZES = (6.0, 5.5, 5.0)
_SLUG_ASIDE = mm(2)
_FRAME = 1.0  # points: a filler's frame and cross
_FILLER = "FILLER"


@dataclass(frozen=True, slots=True)
class Slug:
    """What the slug line tells besides the sheet's own number and side."""

    batch: str
    condition: str
    mail_on: str


def marks(plan: Plan, sheet: Sheet, side: int, slug: Slug, face: Face) -> tuple[Mark, ...]:
    """Everything beside the cards on one side of a sheet (0 front, 1 back). Raises Refused where a slug line is too
    long for the sheet."""
    name = plan.format.sides[side]
    hint = f"{plan.grid.slots} piles, first upper left, then row by row" if _piled(plan) and side == 0 else ""
    parts = [
        slug.batch, f"sheet {sheet.number} of {plan.sheets}", name, slug.condition, f"mail {slug.mail_on}", hint,
    ]  # fmt: skip
    made: list[Mark] = [*crops(plan.grid), *folds(plan), *slug_line(plan, [part for part in parts if part], face)]
    for place in sheet.sides[side]:
        if place.piece is None:
            made += filler(plan, place, face)
    return tuple(made)


def _piled(plan: Plan) -> bool:
    return plan.setup.order == "cut-and-stack" and plan.grid.slots > 1


def crops(grid: Grid) -> Iterator[Rect]:
    """A mark at both ends of every cut."""
    for x in _cuts(grid.area.x, grid.cell.width, grid.columns, grid.bleed):
        yield from _upright(grid, x, "crop", dashed=False)
    for y in _cuts(grid.area.y, grid.cell.height, grid.rows, grid.bleed):
        yield from _level(grid, y, "crop", dashed=False)


def folds(plan: Plan) -> Iterator[Rect]:
    """A dashed tick at both ends of every fold; none on flat cards."""
    grid = plan.grid
    if plan.format.fold == "side":
        for column in range(grid.columns):
            yield from _upright(grid, grid.area.x + (column + 0.5) * grid.cell.width, "fold", dashed=True)
    elif plan.format.fold == "top":
        for row in range(grid.rows):
            yield from _level(grid, grid.area.y + (row + 0.5) * grid.cell.height, "fold", dashed=True)


def _cuts(start: Points, cell: Points, count: int, bleed: Points) -> list[Points]:
    """Where the trim lies, along one direction."""
    return [start + place * cell + at for place in range(count) for at in (bleed, cell - bleed)]


def _upright(grid: Grid, x: Points, name: str, *, dashed: bool) -> Iterator[Rect]:
    for start, end in _strips(grid.area.y, grid.area.top, grid.sheet.height, dashed):
        yield Rect(Box(x - WIDTH / 2, start, WIDTH, end - start), REGISTRATION, name)


def _level(grid: Grid, y: Points, name: str, *, dashed: bool) -> Iterator[Rect]:
    for start, end in _strips(grid.area.x, grid.area.right, grid.sheet.width, dashed):
        yield Rect(Box(start, y - WIDTH / 2, end - start, WIDTH), REGISTRATION, name)


def _strips(low: Points, high: Points, whole: Points, dashed: bool) -> Iterator[tuple[Points, Points]]:
    """The stretches of a mark before and behind the cells, cut into dashes where it is dashed."""
    for near, far, sign in ((low - CLEAR, EDGE, -1), (high + CLEAR, whole - EDGE, 1)):
        length = min(LENGTH, (far - near) * sign)
        at = 0.0
        while at < length - _DASH / 2:  # no crumb of a dash at the end
            part = min(_DASH, length - at) if dashed else length
            ends = near + sign * at, near + sign * (at + part)
            yield min(ends), max(ends)
            at += part + _GAP


def slug_line(plan: Plan, parts: list[str], face: Face) -> tuple[Mark, ...]:
    """The parts in one line below the cards, between the marks: the largest size at which all of them have room."""
    rooms = _rooms(plan)
    for size in _SLUG_SIZES:
        rows = _flow(parts, [right - left for left, right in rooms], size, face)
        if rows is not None:
            base = plan.grid.area.y - CLEAR - face.font.cap_height * size
            return tuple(
                letter(face, text, size, left, base) for (left, _), text in zip(rooms, rows, strict=True) if text
            )
    widest = max(right - left for left, right in rooms)
    raise Refused(
        "the slug line has no room on the sheet",
        [
            error("sheet.slug.wide", f"press sheet {plan.setup.size}",
                  f"{len(' '.join(parts))} characters do not fit between marks that are {to_mm(widest):.0f} mm apart",
                  "choose a larger sheet, or a press without a sheet: single cards")
        ],
    )  # fmt: skip


def _rooms(plan: Plan) -> list[tuple[Points, Points]]:
    """Where no mark stands below the cells: from and to."""
    stops = sorted(
        {rect.box.x for rect in (*crops(plan.grid), *folds(plan)) if rect.box.top <= plan.grid.area.y}
    )  # those at the sides stand higher
    between = [(a + _SLUG_ASIDE, b - _SLUG_ASIDE) for a, b in pairwise(stops)]
    return [(a, b) for a, b in between if b - a > 2 * plan.grid.bleed]


def _flow(parts: list[str], widths: list[Points], size: Points, face: Face) -> list[str] | None:
    """The parts, in order, into the rooms, in order; None where they do not fit."""
    rows, place = [""] * len(widths), 0
    for part in parts:
        while place < len(widths):
            longer = f"{rows[place]} · {part}" if rows[place] else part
            if line(face, longer, size).width <= widths[place]:
                rows[place] = longer
                break
            place += 1
        else:
            return None
    return rows


def filler(plan: Plan, place: Place, face: Face) -> Iterator[Mark]:
    """An empty slot: every panel framed, crossed out and named, in black alone, so that nobody mails it."""
    for panel in plan.format.panels.values():
        if panel.side != plan.format.sides[place.page]:
            continue
        box = place.on_sheet(panel.box).inset(plan.format.safe)
        yield from _frame(box)
        yield Outline(Box(box.x, box.y, box.width, box.height), _cross(box), BLACK, False, "filler")
        width = line(face, _FILLER, 1.0).width
        size = round(min(box.width * 0.7 / width, box.height * 0.3), 1)
        middle = box.x + box.width / 2, box.y + box.height / 2
        cap = face.font.cap_height * size
        patch = Box(middle[0] - size * width / 2 - cap / 4, middle[1] - cap * 0.75, size * width + cap / 2, cap * 1.5)
        yield Rect(patch, WHITE, "filler")
        turned = panel.turned != place.turned
        base = middle[1] + (cap / 2 if turned else -cap / 2)
        yield letter(face, _FILLER, size, middle[0], base, align="center", turned=turned)


def _frame(box: Box) -> Iterator[Rect]:
    yield Rect(Box(box.x, box.y, box.width, _FRAME), BLACK, "filler")
    yield Rect(Box(box.x, box.top - _FRAME, box.width, _FRAME), BLACK, "filler")
    yield Rect(Box(box.x, box.y, _FRAME, box.height), BLACK, "filler")
    yield Rect(Box(box.right - _FRAME, box.y, _FRAME, box.height), BLACK, "filler")


def _cross(box: Box) -> bytes:
    """Both diagonals, as thin areas in the box's own coordinates."""
    w, h = box.width, box.height
    dx = _FRAME / 2 * (w * w + h * h) ** 0.5 / h  # half a diagonal's width, measured level
    corners = (((-dx, 0), (dx, 0), (w + dx, h), (w - dx, h)), ((w - dx, 0), (w + dx, 0), (dx, h), (-dx, h)))
    return " ".join(
        [f"{num(a[0])} {num(a[1])} m {' '.join(f'{num(x)} {num(y)} l' for x, y in rest)} h" for a, *rest in corners]
        + ["f"]
    ).encode()
