"""Sheets of die-cut address labels: where each label lies, and where on a label its parts stand.

Everything stays 1/8 in off the label's edges, for the die cut wanders (print.md section 4).
"""

from __future__ import annotations

from dataclasses import dataclass

from cardpipe.lettershop.barcode import ENVELOPE_SLOT, QUIET
from cardpipe.model.finding import Finding, error
from cardpipe.model.units import Box, Points, Size, inch, mm, to_mm

MARGIN = inch(0.125)
MOST_OFFSET = mm(5)
"""A printer that is further off has the wrong paper or scales the page."""

#: Symbol with its number below: wide enough for a number of 6 + 6 figures.
_STACKED = Size(mm(17), mm(15))
_ASIDE = mm(1)
#: Bars at 22 an inch are 2.93 in long; 1/8 in clear at both ends, 0.028 in above and below (DMM 202.5).
_IMB = Size(inch(3.2), inch(0.165 + 2 * 0.028))
_IMB_CLEAR = inch(0.028)


@dataclass(frozen=True, slots=True)
class LabelSheet:
    """A sheet of die-cut labels. ``first`` is the upper left label's upper left corner, from the page's upper left;
    ``pitch`` the step to the next column and row. ``beside`` says that the match code stands at the left of the
    address; on narrow labels it stands below. Lengths in points."""

    name: str
    page: Size
    label: Size
    columns: int
    rows: int
    first: tuple[Points, Points]
    pitch: tuple[Points, Points]
    beside: bool

    @property
    def count(self) -> int:
        """Labels a sheet."""
        return self.columns * self.rows

    @property
    def code_box(self) -> Box:
        """The match code's slot on the label: the same on each, for the inserter's camera. Its quiet zone may reach
        into the margin; symbol and number do not."""
        edge = MARGIN - QUIET
        if self.beside:
            return Box(MARGIN - _ASIDE, self.label.height - edge - _STACKED.height, _STACKED.width, _STACKED.height)
        return Box(edge, edge, ENVELOPE_SLOT.width, ENVELOPE_SLOT.height)

    @property
    def address_box(self) -> Box:
        """Where the address may stand when no postal bars are printed."""
        code, right, top = self.code_box, self.label.width - MARGIN, self.label.height - MARGIN
        left, low = (code.right + _ASIDE, MARGIN) if self.beside else (MARGIN, code.top)
        return Box(left, low, right - left, top - low)

    @property
    def imb_box(self) -> Box | None:
        """The slot of the postal bars, below the address; None on labels that are too narrow for them."""
        box = Box(self.address_box.x - MARGIN, MARGIN - _IMB_CLEAR, _IMB.width, _IMB.height)
        return box if self.beside and box.right <= self.label.width else None


_LETTER, _A4 = Size(inch(8.5), inch(11)), Size(mm(210), mm(297))

#: Labels that a press profile may name. Where glabels' figures and Avery's own differ (print.md section 4) these are
#: Avery's, which leave equal borders left and right; sheets wander by half a millimetre anyway, and ``offset`` helps.
SHEETS = {
    sheet.name: sheet
    for sheet in (
        LabelSheet("5161", _LETTER, Size(inch(4), inch(1)), 2, 10, (inch(0.156), inch(0.5)),
                   (inch(4.1875), inch(1)), True),
        LabelSheet("5163", _LETTER, Size(inch(4), inch(2)), 2, 5, (inch(0.1625), inch(0.5)),
                   (inch(4.1875), inch(2)), True),
        LabelSheet("L7160", _A4, Size(mm(63.5), mm(38.1)), 3, 7, (mm(7.2), mm(15.1)), (mm(66.04), mm(38.1)), False),
        LabelSheet("L7163", _A4, Size(mm(99.1), mm(38.1)), 2, 7, (mm(4.65), mm(15.17)), (mm(101.6), mm(38.1)), True),
    )
}  # fmt: skip


def judge(sheet: LabelSheet, start: int, offset: tuple[Points, Points]) -> list[Finding]:
    """What is wrong with how the sheets are to be printed."""
    findings = []
    if not 1 <= start <= sheet.count:
        findings.append(
            error("label.start", "label start", f"sheet {sheet.name} has the places 1 to {sheet.count}, no {start}",
                  "count from the upper left, row by row")
        )  # fmt: skip
    if max(map(abs, offset)) > MOST_OFFSET:
        findings.append(
            error("label.offset", "labels.offset",
                  f"an offset of {to_mm(offset[0]):.1f} and {to_mm(offset[1]):.1f} mm is more than "
                  f"{to_mm(MOST_OFFSET):g} mm", "print at 100 % on the right sheets, then measure again")
        )  # fmt: skip
    return findings


def place(
    piece: int, sheet: LabelSheet, start: int = 1, offset: tuple[Points, Points] = (0.0, 0.0)
) -> tuple[int, int, Box]:
    """Page (from 0), place on the sheet (from 1: upper left, row by row) and box of a piece's label (from 0). ``start``
    is the first free place of the first sheet; ``offset`` moves everything right and down."""
    page, at = divmod(piece + start - 1, sheet.count)
    row, column = divmod(at, sheet.columns)
    left = sheet.first[0] + column * sheet.pitch[0] + offset[0]
    down = sheet.first[1] + row * sheet.pitch[1] + offset[1]
    box = Box(left, sheet.page.height - down - sheet.label.height, sheet.label.width, sheet.label.height)
    return page, at + 1, box
