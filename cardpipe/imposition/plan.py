"""Who lies where: a batch's pieces on press sheets, front and back, as a value that holds no pages.

The pages of a card file assume that their paper turns about the axis of the card's fold (``Format.duplex``). A press
sheet turns about the edge that its press prefers. Where the two axes differ, the inside is turned by 180° on the sheet,
so that it still lies right behind its outside (print.md section 3).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from cardpipe.imposition.grid import Grid, lay
from cardpipe.model.errors import Bug
from cardpipe.model.units import Box, Points, Size
from cardpipe.prepress.format import Format
from cardpipe.prepress.press import SheetSetup


@dataclass(frozen=True, slots=True)
class Place:
    """One page on one side of a sheet. ``piece`` counts from 0 in mail order, None is a filler; ``page`` is 0 for the
    outside (front) and 1 for the inside (back). ``x``, ``y`` is the lower left of the page with its bleed on the sheet;
    ``turned`` says that it is turned by 180° there, about its own middle."""

    slot: int
    piece: int | None
    page: int
    x: Points
    y: Points
    turned: bool
    media: Size

    @property
    def box(self) -> Box:
        """The page with its bleed, on the sheet."""
        return Box(self.x, self.y, self.media.width, self.media.height)

    def on_sheet(self, inner: Box) -> Box:
        """A box of the page (the match code's, say) as a box on the sheet."""
        if self.turned:
            own = self.box
            return Box(own.right - inner.right, own.top - inner.top, inner.width, inner.height)
        return Box(self.x + inner.x, self.y + inner.y, inner.width, inner.height)


@dataclass(frozen=True, slots=True)
class Sheet:
    """One press sheet; ``number`` counts from 1. Both sides are in the order of the slots."""

    number: int
    front: tuple[Place, ...]
    back: tuple[Place, ...]

    @property
    def sides(self) -> tuple[tuple[Place, ...], tuple[Place, ...]]:
        """Front, then back: as they are printed."""
        return self.front, self.back


@dataclass(frozen=True, slots=True)
class Plan:
    """``count`` pieces on sheets.

    *Cut-and-stack*: with N pieces, S slots and M = ceil(N/S) sheets, slot s of sheet m (both from 0) holds piece
    s·M + m. Cut the printed pile, lay the pile of slot 0 upon that of slot 1 and so on: the pieces lie in mail order.
    *Step-and-repeat*: slot s of sheet m holds piece m·S + s, so each sheet's cards follow each other and every sheet is
    picked up by itself. (Elsewhere the words mean one card many times on a sheet; here a piece lies on one sheet only,
    once: no card is printed twice.) Slots that are left over hold fillers, which nobody takes for a card.
    """

    count: int
    format: Format
    setup: SheetSetup
    grid: Grid

    @property
    def sheets(self) -> int:
        """How many sheets are printed."""
        return -(-self.count // self.grid.slots)

    @property
    def fillers(self) -> int:
        """How many slots hold no piece."""
        return self.sheets * self.grid.slots - self.count

    @property
    def duplex(self) -> Literal["DuplexFlipLongEdge", "DuplexFlipShortEdge"]:
        """What the print file says of how its sheets are turned (ISO 32000-1, 12.2)."""
        return "DuplexFlipLongEdge" if self.setup.flip == "long-edge" else "DuplexFlipShortEdge"

    @property
    def grain(self) -> Literal["long", "short"] | None:
        """The stock's grain that runs along the fold: parallel to the sheet's long or to its short edge."""
        if self.format.fold == "none":
            return None
        upright_fold = self.format.fold == "side"
        return "long" if upright_fold != self.grid.landscape else "short"

    def where(self, piece: int) -> tuple[int, int]:
        """Sheet number (from 1) and slot (from 0) of a piece (from 0): for the manifest and for whoever seeks it."""
        if not 0 <= piece < self.count:
            raise Bug(f"piece {piece} is none of the {self.count} on these sheets")
        if self.setup.order == "cut-and-stack":
            slot, sheet = divmod(piece, self.sheets)
        else:
            sheet, slot = divmod(piece, self.grid.slots)
        return sheet + 1, slot

    def sheet(self, number: int) -> Sheet:
        """One sheet, by its number from 1. Raises Bug for one that is not printed."""
        if not 1 <= number <= self.sheets:
            raise Bug(f"there is no sheet {number} of {self.sheets}")
        slots = range(self.grid.slots)
        return Sheet(
            number,
            tuple(self._place(number - 1, slot, 0) for slot in slots),
            tuple(self._place(number - 1, slot, 1) for slot in slots),
        )

    def _piece(self, sheet: int, slot: int) -> int | None:
        at = slot * self.sheets + sheet if self.setup.order == "cut-and-stack" else sheet * self.grid.slots + slot
        return at if at < self.count else None

    def _place(self, sheet: int, slot: int, page: int) -> Place:
        cell, whole = self.grid.cell_box(slot), self.grid.sheet
        x, y, turned = cell.x, cell.y, False
        if page:
            sheet_turns_upright = (self.setup.flip == "long-edge") != self.grid.landscape
            x, y = (whole.width - cell.right, cell.y) if sheet_turns_upright else (cell.x, whole.height - cell.top)
            card_turns_upright = self.format.fold != "top"  # a flat card is turned like a page of a book
            turned = sheet_turns_upright != card_turns_upright
        return Place(slot, self._piece(sheet, slot), page, x, y, turned, self.grid.cell)


def plan(count: int, format: Format, setup: SheetSetup) -> Plan:
    """Lay so many pieces of a format on the sheets of a press. Raises Refused for a format that does not fit."""
    if count < 1:
        raise Bug("no piece is no plan")
    return Plan(count, format, setup, lay(format, setup))
