"""How many cards lie on a press sheet, and where: a grid of equal cells, bleed against bleed, in the sheet's middle.

A cell is the card's whole page with its bleed, so a gutter is two bleeds wide and no card paints into another. Cards
are never turned by a quarter: the sheet is (print.md section 3, "N-up with full bleed and 6 mm margins").
"""

from __future__ import annotations

from dataclasses import dataclass

from cardpipe.model.errors import Refused
from cardpipe.model.finding import Finding, error
from cardpipe.model.units import Box, Points, Size, inch, mm, to_mm
from cardpipe.prepress.format import Format
from cardpipe.prepress.press import SheetSetup

#: Press sheets by name, upright.
SHEETS = {"12x18": Size(inch(12), inch(18)), "13x19": Size(inch(13), inch(19)), "SRA3": Size(mm(320), mm(450))}
#: Marks stay 3 mm off the bleed and need 2 mm for themselves: a smaller margin leaves no room for them.
LEAST_MARGIN = mm(5)
_SLACK = 0.01  # points: 2 x 154 mm fit into 308 mm, whatever the last binary digit says


@dataclass(frozen=True, slots=True)
class Grid:
    """Cells on a sheet as it lies (turned where it is landscape). Slots count from 0, from the upper left, row by row.
    Lengths in points."""

    sheet: Size
    cell: Size
    bleed: Points
    columns: int
    rows: int

    @property
    def slots(self) -> int:
        """Cards a sheet."""
        return self.columns * self.rows

    @property
    def area(self) -> Box:
        """All cells together, bleeds included, in the middle of the sheet."""
        width, height = self.columns * self.cell.width, self.rows * self.cell.height
        return Box((self.sheet.width - width) / 2, (self.sheet.height - height) / 2, width, height)

    @property
    def trim(self) -> Box:
        """Around the outermost cut lines: the TrimBox of an imposed sheet."""
        return self.area.inset(self.bleed)

    def cell_box(self, slot: int) -> Box:
        """One cell on the sheet's front."""
        row, column = divmod(slot, self.columns)
        area = self.area
        return Box(
            area.x + column * self.cell.width, area.top - (row + 1) * self.cell.height, self.cell.width,
            self.cell.height,
        )  # fmt: skip

    @property
    def landscape(self) -> bool:
        """Whether the sheet lies on its long side."""
        return self.sheet.width > self.sheet.height

    @property
    def spare(self) -> Points:
        """The narrower of the two borders around the cells."""
        return min(self.area.x, self.area.y)


def lay(format: Format, setup: SheetSetup) -> Grid:
    """The grid that holds most cards; of two that hold as many, the one with the wider borders (room for marks and for
    the cutter), then the upright one. Raises Refused, with numbers, where none fits."""
    upright = SHEETS[setup.size]
    tried = [_on(sheet, format, setup.margin) for sheet in (upright, upright.turned())]
    best = max(tried, key=lambda grid: (grid.slots, round(grid.spare, 3) if grid.slots else 0.0, not grid.landscape))
    findings = _judge(best, format, setup)
    if findings:
        raise Refused(f"{format.name} cannot be imposed on {setup.size}", findings)
    return best


def _on(sheet: Size, format: Format, margin: Points) -> Grid:
    media = format.media

    def fits(length: Points, cell: Points) -> int:
        return max(0, int((length - 2 * margin + _SLACK) / cell))

    return Grid(sheet, media, format.bleed, fits(sheet.width, media.width), fits(sheet.height, media.height))


def _judge(grid: Grid, format: Format, setup: SheetSetup) -> list[Finding]:
    findings: list[Finding] = []
    where, sheet, margin = f"press sheet {setup.size}", SHEETS[setup.size], setup.margin
    if margin < LEAST_MARGIN - _SLACK:
        findings.append(
            error("sheet.margin.small", where,
                  f"a margin of {to_mm(margin):.1f} mm leaves no room for crop marks, fold ticks and the slug line, "
                  f"which stay 3 mm off the bleed", f"give a margin of {to_mm(LEAST_MARGIN):g} mm or more")
        )  # fmt: skip
    if not grid.slots:
        media = format.media
        inside = Size(max(0.0, sheet.width - 2 * margin), max(0.0, sheet.height - 2 * margin))
        findings.append(
            error("sheet.format.large", where,
                  f"{format.name} measures {_size(media)} unfolded and with its bleed; within margins of "
                  f"{to_mm(margin):g} mm the sheet holds {_size(inside)}",
                  "choose a larger sheet, or a press without a sheet: single cards")
        )  # fmt: skip
    return findings


def _size(size: Size) -> str:
    return f"{to_mm(size.width):.1f} x {to_mm(size.height):.1f} mm"
