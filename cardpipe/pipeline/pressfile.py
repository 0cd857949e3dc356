"""The press files of a batch: pieces in mail order become card pages or imposed sheets, and envelopes or labels.

Four writers of one shape: each takes the pieces of one file in order and a sink, and says where every piece lies in
what it wrote. Everything is copied from stored fragments; what only a batch knows (match code, number, postal bars,
imprint) is filled into their slots.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from typing import BinaryIO

from cardpipe.imposition.marks import Slug
from cardpipe.imposition.marks import marks as sheet_marks
from cardpipe.imposition.plan import Plan, plan
from cardpipe.lettershop import imb, indicia, labels
from cardpipe.lettershop.barcode import match_code_marks
from cardpipe.lettershop.carrier import Carrier
from cardpipe.lettershop.labelsheet import SHEETS
from cardpipe.lettershop.mailing import Insert, Mailing
from cardpipe.model.address import Address
from cardpipe.model.batch import Batch, match_code
from cardpipe.model.errors import Bug, Refused
from cardpipe.model.piece import Composed, Piece
from cardpipe.model.units import Box
from cardpipe.pipeline import pinned
from cardpipe.prepress import fragment
from cardpipe.prepress.dpart import Record
from cardpipe.prepress.format import Format
from cardpipe.prepress.fragment import Fragment, FragmentPage
from cardpipe.prepress.merge import Merge, Shared, Sink
from cardpipe.prepress.page import Mark, Rect, Slot
from cardpipe.prepress.press import Press
from cardpipe.prepress.sheets import PlacedPage, SheetMerge, placed_box
from cardpipe.prepress.typeset import Face
from cardpipe.prepress.xmp import Stamp

_WHITE = 1.5  # points around postal bars (DMM 202.5 asks for 0.028 in above and below)


@dataclass(frozen=True, slots=True)
class Laid:
    """Where a piece lies in a file: its pages from 1, and its match code on one of them. ``sheet`` and ``slot`` are
    those of an imposed file, ``label`` the place on a label sheet; 0 where there is none. ``bars_at`` is where its
    postal bars stand, if it has them."""

    first: int
    last: int
    code_page: int
    code_at: Box
    sheet: int = 0
    slot: int = 0
    label: int = 0
    bars_at: Box | None = None


@dataclass(frozen=True, slots=True)
class Setup:
    """What all files of a batch share; ``inserts`` collects what goes into its envelopes, by code."""

    batch: Batch
    format: Format
    press: Press
    carrier: Carrier
    mailing: Mailing
    face: Face
    shared: Shared
    intent: str
    open: Callable[[str], BinaryIO]
    remake: bool = False
    inserts: dict[str, Insert] = field(default_factory=dict)

    def stamp(self, name: str, duplex: str, *, records: bool = False) -> Stamp:
        """What a file says of itself."""
        return Stamp(
            title=name.removesuffix(".pdf"),
            day=self.batch.mail_on,
            intent_digest=self.intent,
            condition=self.press.condition,
            condition_info=self.press.condition_info,
            duplex=duplex,
            output=self.press.output,
            records=records,
        )

    def number(self, piece: Piece) -> str:
        """What people read beside a match code."""
        return f"{piece.seq:04d}/{self.batch.pieces:04d}"

    def code(self, piece: Piece, role: str) -> str:
        """The match code of a piece."""
        if piece.seq is None:
            raise Bug("a piece in a batch has no number")
        return match_code(self.batch.number, piece.seq, role)


Write = Callable[[Setup, str, Sequence[Piece], Sink], list[Laid]]


def writers(press: Press) -> tuple[Write, Write]:
    """How this press wants its cards and its envelopes."""
    return (write_sheets if press.sheet else write_cards), (write_labels if press.labels else write_envelopes)


def write_cards(setup: Setup, name: str, pieces: Sequence[Piece], sink: Sink) -> list[Laid]:
    """Two pages a piece, one record a piece: PDF/VT-1 on X-4, plain X-1a."""
    records = setup.press.output == "X-4"
    merge = Merge(sink, setup.shared, setup.stamp(name, setup.format.duplex, records=records))
    laid = []
    for piece in pieces:
        first, found = merge.pages + 1, _Found()
        fill = _card_fill(setup, piece, lambda: merge.pages + 1, found)
        with setup.open(_composed(piece).card) as source:
            merge.add(Fragment(source), fill, _record(setup, piece) if records else None)
        laid.append(found.laid(first, merge.pages))
    merge.finish()
    return laid


def write_envelopes(setup: Setup, name: str, pieces: Sequence[Piece], sink: Sink) -> list[Laid]:
    """One page a piece at the envelope's size: black only."""
    merge = Merge(sink, setup.shared, setup.stamp(name, "Simplex"))
    laid = []
    for piece in pieces:
        found = _Found()
        with setup.open(_composed(piece).envelope) as source:
            merge.add(Fragment(source), _envelope_fill(setup, piece, lambda: merge.pages + 1, found))
        laid.append(found.laid(merge.pages, merge.pages))
    merge.finish()
    return laid


def write_sheets(setup: Setup, name: str, pieces: Sequence[Piece], sink: Sink) -> list[Laid]:
    """Several pieces on each press sheet, both sides of it; slots that are left over are visible fillers."""
    if setup.press.sheet is None:
        raise Bug("this press takes no sheets")
    layout = plan(len(pieces), setup.format, setup.press.sheet)
    merge = SheetMerge(sink, setup.shared, setup.stamp(name, layout.duplex))
    laid: dict[int, Laid] = {}
    for number in range(1, layout.sheets + 1):
        laid.update(_sheet(setup, merge, layout, number, pieces))
    merge.finish()
    return [laid[place] for place in range(len(pieces))]


def _sheet(
    setup: Setup, merge: SheetMerge, layout: Plan, number: int, pieces: Sequence[Piece]
) -> Iterator[tuple[int, Laid]]:
    """Both sides of one sheet; by piece, where it lies."""
    sheet = layout.sheet(number)
    slug = Slug(setup.batch.name, setup.press.condition, setup.batch.mail_on)
    for side, places in enumerate(sheet.sides):
        page, found = 2 * number - 1 + side, {}
        with ExitStack() as stack:
            placed = []
            for place in places:
                if place.piece is None:
                    continue
                piece = pieces[place.piece]
                seen = found[place] = _Found()
                source = stack.enter_context(setup.open(_composed(piece).card))
                fill = _card_fill(setup, piece, partial(int, page), seen)
                seen.placed = PlacedPage(Fragment(source), place.page, place.x, place.y, place.turned, fill)
                placed.append(seen.placed)
            marks = sheet_marks(layout, sheet, side, slug, setup.face)
            merge.side(layout.grid.sheet, layout.grid.trim, placed, marks)
        for place, seen in found.items():
            if seen.page and place.piece is not None:
                yield place.piece, seen.laid(2 * number - 1, 2 * number, sheet=number, slot=place.slot + 1)


def write_labels(setup: Setup, name: str, pieces: Sequence[Piece], sink: Sink) -> list[Laid]:
    """Address labels, many on a sheet, instead of printed envelopes. Raises Refused for an address that does not fit;
    composing has refused it before."""
    how = setup.press.labels
    if how is None:
        raise Bug("this press takes no labels")
    merge = Merge(sink, setup.shared, setup.stamp(name, "Simplex"))

    bars: dict[int, Box | None] = {}

    def fill(place: int, slot: Slot) -> tuple[Mark, ...]:
        made = _envelope_marks(setup, pieces[place], slot)
        if slot.name == "imb":
            bars[place] = _around(made)
        return made

    faces = (label_face(setup, piece) for piece in pieces)
    title = (setup.batch.name, setup.face)
    sheets = labels.pages(faces, SHEETS[how.sheet], fill, _label_start(setup, pieces), how.offset, title)
    laid: list[Laid] = []
    for sheet in sheets:
        built = fragment.build([sheet.page], "", setup.press.output)
        merge.add(Fragment(io.BytesIO(built)), lambda page, slot: ())
        laid += [Laid(one.page + 1, one.page + 1, one.page + 1, one.code, label=one.place, bars_at=bars.get(one.piece))
                 for one in sheet.labels]  # fmt: skip
    merge.finish()
    return laid


def label_face(setup: Setup, piece: Piece) -> labels.LabelFace:
    """A piece's label as it was judged when the piece was composed."""
    if setup.press.labels is None:
        raise Bug("this press takes no labels")
    made, findings = labels.compose(
        Address.model_validate(piece.spec["recipient"]), setup.carrier, setup.face, SHEETS[setup.press.labels.sheet],
        bars=setup.mailing.presorted,
    )  # fmt: skip
    if made is None:
        raise Refused("an address does not fit its label", findings)
    return made


def _label_start(setup: Setup, pieces: Sequence[Piece]) -> int:
    """Only a batch's first sheet may be a used one: what comes later, and a remake, begins on a fresh sheet."""
    return setup.batch.label_start if pieces[0].seq == 1 and not setup.remake else 1


class _Found:
    """Where the match code of a piece was asked for, while its pages are written."""

    def __init__(self) -> None:
        self.page = 0
        self.box: Box | None = None
        self.bars: Box | None = None
        self.placed: PlacedPage | None = None

    def laid(self, first: int, last: int, **more: int) -> Laid:
        if self.box is None:
            raise Bug("a piece has no place for its match code")
        return Laid(first, last, self.page, self.box, bars_at=self.bars, **more)


def _card_fill(setup: Setup, piece: Piece, page: Callable[[], int], found: _Found) -> Callable[..., tuple[Mark, ...]]:
    def fill(_: FragmentPage, slot: Slot) -> tuple[Mark, ...]:
        if slot.name != "match_code":
            return ()
        found.page, found.box = page(), placed_box(found.placed, slot.box) if found.placed else slot.box
        return match_code_marks(slot, setup.code(piece, "O"), setup.number(piece), setup.face)

    return fill


def _envelope_fill(
    setup: Setup, piece: Piece, page: Callable[[], int], found: _Found
) -> Callable[..., tuple[Mark, ...]]:
    def fill(_: FragmentPage, slot: Slot) -> tuple[Mark, ...]:
        if slot.name == "match_code":
            found.page, found.box = page(), slot.box
        made = _envelope_marks(setup, piece, slot)
        if slot.name == "imb":
            found.bars = _around(made)
        return made

    return fill


def _around(marks: Sequence[Mark]) -> Box | None:
    """The box of postal bars, with the white that must surround them: what a reader is shown."""
    boxes = [mark.box for mark in marks if isinstance(mark, Rect)]
    if not boxes:
        return None
    x, y = min(box.x for box in boxes), min(box.y for box in boxes)
    right, top = max(box.right for box in boxes), max(box.top for box in boxes)
    return Box(x - _WHITE, y - _WHITE, right - x + 2 * _WHITE, top - y + 2 * _WHITE)


def _envelope_marks(setup: Setup, piece: Piece, slot: Slot) -> tuple[Mark, ...]:
    """What fills a slot of an envelope or a label; postal bars only of figures that the presort certified."""
    if slot.name == "match_code":
        return match_code_marks(slot, setup.code(piece, "E"), setup.number(piece), setup.face, patch=False)
    if slot.name == "imb" and piece.presorted and piece.presorted.tracking:
        return imb.marks(slot, piece.presorted.tracking, piece.presorted.routing)
    if slot.name == "postage" and setup.mailing.postage == "permit" and setup.mailing.permit:
        return indicia.marks(slot, setup.mailing.permit, setup.face)
    return ()


def _record(setup: Setup, piece: Piece) -> Record:
    """What the press floor's software may know of a piece: no name and no address (print.md 1.3)."""
    return Record(
        {
            "Sequence": piece.seq or 0,
            "PostalCode": str(piece.spec["recipient"].get("postcode", "")),
            "Design": f"{piece.spec['design']['name']} {piece.spec['design']['version']}",
            "Inserts": [insert.code for insert in pinned.inserts(piece.spec)],
            "MatchCode": setup.code(piece, "O")[:13],
        }
    )


def _composed(piece: Piece) -> Composed:
    if piece.composed is None:
        raise Bug("a piece in a batch is not composed")
    return piece.composed
