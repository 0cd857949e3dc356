"""Address labels instead of printed envelopes: one label a piece, sheets in mail order.

A label carries the delivery address, the match code with its number, and where there is room a slot for the postal
bars. It carries no return address and no postage: houses that label use envelopes that have the sender printed on them,
or none. The address is plain: a hand is too wide for a label.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import chain, islice

from cardpipe.lettershop.addressing import is_domestic, lines
from cardpipe.lettershop.barcode import MATCH_SLOT
from cardpipe.lettershop.carrier import Carrier
from cardpipe.lettershop.imb import IMB_SLOT
from cardpipe.lettershop.labelsheet import LabelSheet, judge, place
from cardpipe.lettershop.setting import set_line, text_mark
from cardpipe.model.address import Address
from cardpipe.model.errors import Bug, Refused
from cardpipe.model.finding import Finding, error, note
from cardpipe.model.units import Box, Points, inch, mm, to_mm
from cardpipe.prepress.page import Mark, Page, Slot, Text
from cardpipe.prepress.typeset import Face, Printed

SMALLEST = 8.0  # points (DMM 202: at least 8 pt)

_STEP = 0.5
_LEADINGS = (1.25, 1.15)  # capitals of 8 pt keep 1.2 mm between lines; DMM 202.5 asks for 0.7 mm (0.028 in)
_IMB_NEAR = inch(0.5)  # the address stands at most this far above the bars' slot (DMM 202.5: 0.625 in)
_TITLE = 7.0
_TITLE_DOWN = mm(7)  # of the title's baseline, from the upper edge


@dataclass(frozen=True, slots=True)
class LabelFace:
    """One label, from its lower left: the address's lines as they are printed, the same as marks, and open slots."""

    lines: tuple[str, ...]
    marks: tuple[Text, ...]
    slots: tuple[Slot, ...]


@dataclass(frozen=True, slots=True)
class Label:
    """Where one piece's label lies: page and piece count from 0, ``place`` from 1 as on the sheet; ``box`` is the label
    on the page and ``code`` its match code's slot there."""

    piece: int
    page: int
    place: int
    box: Box
    code: Box


@dataclass(frozen=True, slots=True)
class LabelPage:
    """One sheet of labels as a page, and which pieces' labels it holds."""

    page: Page
    labels: tuple[Label, ...]


Fill = Callable[[int, Slot], tuple[Mark, ...]]
"""What fills a slot (on the page) of a piece (from 0); an empty tuple leaves it blank."""


def compose(
    recipient: Address, carrier: Carrier, face: Face, sheet: LabelSheet, *, bars: bool = True
) -> tuple[LabelFace | None, list[Finding]]:
    """One label, or None and all that does not fit. Slots: ``match_code``, and ``imb`` where mail stays at home and the
    address leaves room; a note says where it does not. A shop that prints no postal bars says so (``bars``): its
    addresses get their room."""
    where, texts = "recipient", lines(recipient, carrier.origin)
    if not texts:
        return None, [error("label.address.empty", where, "there is no address to print", "fill it in")]
    sizes = _sizes(max(carrier.address.size, SMALLEST))
    rows = {size: [set_line(face, text, size, where) for text in texts] for size in sizes}
    unset = [finding for row in rows[SMALLEST] if isinstance(row, list) for finding in row]
    if unset:
        return None, unset
    tried = [(size, [row for row in rows[size] if not isinstance(row, list)]) for size in sizes]
    imb = sheet.imb_box if bars and is_domestic(recipient, carrier.origin) else None
    findings: list[Finding] = []
    block = None
    if imb is not None:
        area = sheet.address_box
        block = _fit(texts, tried, Box(area.x, imb.top, area.width, area.top - imb.top), _IMB_NEAR)
        if block is None:
            imb = None
            findings.append(
                note("label.imb.room", where, f"{len(texts)} lines leave no room for postal bars on label {sheet.name}",
                     "choose a higher label if the carrier's discount matters")
            )  # fmt: skip
    block = block or _fit(texts, tried, sheet.address_box, None)
    if block is None:
        return None, _misfit(texts, tried[-1][1], sheet)
    slots = [Slot(MATCH_SLOT, sheet.code_box), *([Slot(IMB_SLOT, imb)] if imb else [])]
    return LabelFace(texts, tuple(block), tuple(slots)), findings


def _sizes(largest: Points) -> list[Points]:
    steps = int((largest - SMALLEST) / _STEP + 1e-9)
    sizes = [largest - _STEP * step for step in range(steps + 1)]
    return sizes if sizes[-1] == SMALLEST else [*sizes, SMALLEST]


def _height(rows: list[Printed], leading: float) -> Points:
    font, size = rows[0].font, rows[0].size
    return float((font.ascent - font.descent) * size + leading * size * (len(rows) - 1))


def _fit(
    texts: tuple[str, ...], tried: list[tuple[Points, list[Printed]]], area: Box, near: Points | None
) -> list[Text] | None:
    """The largest size that fits, at the wider leading that fits; in the middle of the area, or lower where it would
    otherwise stand further than ``near`` above the area's lower edge."""
    for size, rows in tried:
        for leading in _LEADINGS:
            height = _height(rows, leading)
            if height > area.height or max(row.width for row in rows) > area.width:
                continue
            low = (area.height - height) / 2
            top = area.y + height + (low if near is None else min(low, near))
            base = top - rows[0].font.ascent * size
            return [
                text_mark(row, text, area.x, base - leading * size * at)
                for at, (text, row) in enumerate(zip(texts, rows, strict=True))
            ]
    return None


def _misfit(texts: tuple[str, ...], rows: list[Printed], sheet: LabelSheet) -> list[Finding]:
    """By how much the address misses the label at its smallest size."""
    area, where = sheet.address_box, "recipient"
    findings = [
        error("label.address.wide", where,
              f"line {number} ({len(text)} characters) is {to_mm(row.width):.1f} mm wide at {SMALLEST:g} pt, the "
              f"smallest size; label {sheet.name} has room for {to_mm(area.width):.1f} mm",
              f"shorten it by about {max(1, round(len(text) * (1 - area.width / row.width) + 0.5))} characters, move a "
              f"part of it to another field, or choose a wider label")
        for number, (text, row) in enumerate(zip(texts, rows, strict=True), 1)
        if row.width > area.width
    ]  # fmt: skip
    height = _height(rows, _LEADINGS[-1])
    if height > area.height:
        findings.append(
            error("label.address.lines", where,
                  f"{len(texts)} lines are {to_mm(height):.1f} mm high at {SMALLEST:g} pt, the smallest size; label "
                  f"{sheet.name} has room for {to_mm(area.height):.1f} mm",
                  "leave out the company or the second street line, join the two, or choose a higher label")
        )  # fmt: skip
    return findings


def pages(
    faces: Iterable[LabelFace],
    sheet: LabelSheet,
    fill: Fill,
    start: int = 1,
    offset: tuple[Points, Points] = (0.0, 0.0),
    title: tuple[str, Face] | None = None,
) -> Iterator[LabelPage]:
    """Sheets of labels, one after the other; ``faces`` come in mail order, and only one sheet of them is held.

    ``title`` is printed above the labels with the sheet's number, so that sheets which fell down can be put in order.
    Raises Refused with what ``labelsheet.judge`` finds.
    """
    findings = judge(sheet, start, offset)
    if findings:
        raise Refused(f"labels cannot be printed on {sheet.name}", findings)
    source, piece = iter(faces), 0
    while (first := next(source, None)) is not None:
        number = place(piece, sheet, start)[0]
        room = sheet.count - place(piece, sheet, start)[1]
        marks = _title(title, number + 1, sheet, offset)
        labels: list[Label] = []
        for face in chain((first,), islice(source, room)):
            page, at, box = place(piece, sheet, start, offset)
            marks += (replace(mark, x=mark.x + box.x, y=mark.y + box.y) for mark in face.marks)
            slots = [replace(slot, box=_moved(slot.box, box)) for slot in face.slots]
            for slot in slots:
                marks += fill(piece, slot)
            (code,) = (slot.box for slot in slots if slot.name == MATCH_SLOT)
            labels.append(Label(piece, page, at, box, code))
            piece += 1
        whole = Box(0, 0, sheet.page.width, sheet.page.height)
        yield LabelPage(Page("labels", sheet.page, whole, tuple(marks)), tuple(labels))


def _title(title: tuple[str, Face] | None, number: int, sheet: LabelSheet, offset: tuple[Points, Points]) -> list[Mark]:
    if title is None:
        return []
    text = f"{title[0]} · sheet {number}"
    line = set_line(title[1], text, _TITLE, "label title")
    if isinstance(line, list):
        raise Bug("the title of the labels cannot be set", line)
    return [text_mark(line, text, (sheet.page.width - line.width) / 2, sheet.page.height - _TITLE_DOWN - offset[1])]


def _moved(inner: Box, label: Box) -> Box:
    return Box(label.x + inner.x, label.y + inner.y, inner.width, inner.height)
