"""The envelope's face: return address, delivery address in the carrier's read area, and every other zone kept free.

Nothing is clipped and nothing leaves its zone: an address that does not fit is a finding with numbers. The places of
the postal bars (``imb``) and of the postage stay open slots; an empty slot prints nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

from cardpipe.lettershop.addressing import is_domestic, lines
from cardpipe.lettershop.barcode import ENVELOPE_SLOT, MATCH_SLOT
from cardpipe.lettershop.carrier import Carrier
from cardpipe.lettershop.setting import set_line, text_mark
from cardpipe.model.address import Address
from cardpipe.model.finding import Finding, error
from cardpipe.model.units import Box, Points, Size, inch, mm, to_mm
from cardpipe.prepress.format import Format
from cardpipe.prepress.page import Mark, Page, Slot, Text
from cardpipe.prepress.typeset import Face, Printed

#: Made envelopes cannot be printed to the edge (print.md section 4).
MARGIN = inch(0.25)
#: The match code's slot keeps this distance from the edges; its modules, a quiet zone further in, 5 mm.
CODE_MARGIN = mm(3)
RETURN_SIZES = (9.0, 8.5, 8.0)
#: How far left the delivery address may start when it is wide, as a share of the envelope's length.
LEFTMOST = 0.20
_SIZE_STEP = 0.5
_SLACK = 3.0  # kept free within the read area, in points: a print and mail house feeds to half a millimetre


@dataclass(frozen=True, slots=True)
class Block:
    """Lines set at one size, ready to be placed: left aligned, all of them inside ``box``."""

    texts: tuple[str, ...]
    printed: tuple[Printed, ...]
    leading: Points
    box: Box

    def marks(self) -> list[Text]:
        """The lines from the top."""
        rise = self.printed[0].font.ascent * self.printed[0].size
        return [
            text_mark(line, text, self.box.x, self.box.top - rise - self.leading * place)
            for place, (text, line) in enumerate(zip(self.texts, self.printed, strict=True))
        ]


def face_size(format: Format) -> Size:
    """The envelope as it is addressed and fed: long side horizontal."""
    size = format.envelope
    return size if size.width >= size.height else size.turned()


def compose(
    format: Format, recipient: Address, sender: Address, carrier: Carrier, face: Face
) -> tuple[Page | None, list[Finding]]:
    """The page of one envelope at its own size, without bleed; or None and all that does not fit.

    Whether the addresses can be delivered is ``addressing.judge``'s question; here they are only set. The slots are
    ``match_code``, ``imb`` and ``postage``.
    """
    size = face_size(format)
    zones = carrier.zones
    findings: list[Finding] = []
    code = _code_box(size, carrier)
    if code is None:
        findings.append(
            error("envelope.code.room", f"format {format.name}",
                  f"left of the barcode clear zone there is no room for the match code "
                  f"({to_mm(ENVELOPE_SLOT.width):g} x {to_mm(ENVELOPE_SLOT.height):g} mm)", "choose a larger format")
        )  # fmt: skip
    delivery = _delivery(size, recipient, carrier, face)
    returns = _return_address(size, sender, carrier, face, abroad=not is_domestic(recipient, carrier.origin))
    findings += [finding for block in (delivery, returns) if isinstance(block, list) for finding in block]
    if code is None or isinstance(delivery, list) or isinstance(returns, list):
        return None, findings
    marks: list[Mark] = [
        *returns.marks(),
        *delivery.marks(),
        Slot(MATCH_SLOT, code),
        Slot("imb", zones.barcode.on(size)),
        Slot("postage", zones.postage.on(size)),
    ]
    return Page("envelope", size, Box(0, 0, size.width, size.height), tuple(marks)), findings


def _code_box(size: Size, carrier: Carrier) -> Box | None:
    """Lower left: below the read area and left of the bars, or nowhere."""
    box = Box(CODE_MARGIN, CODE_MARGIN, ENVELOPE_SLOT.width, ENVELOPE_SLOT.height)
    taken = (carrier.zones.read.on(size), carrier.zones.barcode.on(size))
    return None if any(box.overlaps(zone) for zone in taken) else box


def _delivery(size: Size, recipient: Address, carrier: Carrier, face: Face) -> Block | list[Finding]:
    """The largest size at the usual start; then smaller; then further left; then a finding."""
    style, where = carrier.address, "recipient"
    texts = lines(recipient, carrier.origin)
    zone = carrier.zones.read.on(size).inset(_SLACK)
    if not texts:
        return _empty(where)
    findings = _too_many(texts, style.lines, where)
    usual, leftmost = size.width * style.start, max(zone.x, size.width * LEFTMOST)
    steps = round((style.size - style.smallest) / _SIZE_STEP)
    sizes = [style.size - _SIZE_STEP * step for step in range(steps + 1)]
    half = [at for at in sizes if at >= (style.size + style.smallest) / 2]
    tries = [(at, usual) for at in half] + [(at, leftmost) for at in sizes[len(half) - 1 :]]
    fitted: list[Printed] = []
    for points, start in tries:
        printed = _set(texts, face, points, where)
        if isinstance(printed, list):
            return findings + printed
        fitted = list(printed)
        widest = max(line.width for line in fitted)
        room = zone.right - widest
        left = usual if room >= usual else max(leftmost, min(room, (size.width - widest) / 2))
        block = _block(texts, printed, points * style.leading, left)
        if min(usual, room) >= start - 0.01 and block.box.height <= zone.height and not findings:
            low = min(max(size.height * 0.43 - block.box.height / 2, zone.y), zone.top - block.box.height)
            return _block(texts, printed, block.leading, left, low + block.box.height)
    findings += _too_wide(texts, fitted, zone.right - leftmost, where)
    if not findings:
        findings.append(
            error("envelope.address.high", where, f"{len(texts)} lines are higher than the read area", "leave one out")
        )
    return findings


def _return_address(
    size: Size, sender: Address, carrier: Carrier, face: Face, *, abroad: bool
) -> Block | list[Finding]:
    """Top left, above the read area and left of what belongs to the postage. Its country stands on mail abroad."""
    where, read = "sender", carrier.zones.read.on(size)
    taken = [zone.on(size) for zone in (carrier.zones.fim, carrier.zones.postage) if zone is not None]
    room = min((box.x for box in taken), default=size.width) - 2 * MARGIN
    top, height = size.height - MARGIN, size.height - MARGIN - read.top
    texts = lines(
        sender, carrier.origin, capitals=False, country_line=True if abroad else not is_domestic(sender, carrier.origin)
    )
    if not texts:
        return _empty(where)
    fitted: list[Printed] = []
    for points in RETURN_SIZES:
        printed = _set(texts, face, points, where)
        if isinstance(printed, list):
            return printed
        fitted = list(printed)
        block = _block(texts, printed, points * 1.2, MARGIN, top)
        if block.box.width <= room and block.box.height <= height:
            return block
    findings = _too_wide(texts, fitted, room, where)
    most = int(height / (RETURN_SIZES[-1] * 1.2))
    return findings or _too_many(texts, most, where)


def _set(texts: tuple[str, ...], face: Face, points: Points, where: str) -> tuple[Printed, ...] | list[Finding]:
    made = [set_line(face, text, points, where) for text in texts]
    findings = [finding for line in made if isinstance(line, list) for finding in line]
    return findings or tuple(line for line in made if not isinstance(line, list))


def _block(
    texts: tuple[str, ...], printed: tuple[Printed, ...], leading: Points, left: Points, top: Points = 0.0
) -> Block:
    """A block whose box holds all ink: from the first line's ascent to the last line's descent."""
    font, points = printed[0].font, printed[0].size
    height = (font.ascent - font.descent) * points + leading * (len(texts) - 1)
    return Block(texts, printed, leading, Box(left, top - height, max(line.width for line in printed), height))


def _empty(where: str) -> list[Finding]:
    return [error("envelope.address.empty", where, "there is no address to print", "fill it in")]


def _too_many(texts: tuple[str, ...], most: int, where: str) -> list[Finding]:
    if len(texts) <= most:
        return []
    return [
        error("envelope.address.lines", where, f"the address has {len(texts)} lines; there is room for {most}",
              "leave out the company or the second street line, or join the two")
    ]  # fmt: skip


def _too_wide(texts: tuple[str, ...], printed: list[Printed], room: Points, where: str) -> list[Finding]:
    return [
        error("envelope.address.wide", where,
              f"line {number} ({len(text)} characters) is {to_mm(line.width):.1f} mm wide at {line.size:g} pt, the "
              f"smallest size; there is room for {to_mm(room):.1f} mm",
              f"shorten it by about {max(1, round(len(text) * (1 - room / line.width) + 0.5))} characters, or move a "
              f"part of it to another field")
        for number, (text, line) in enumerate(zip(texts, printed, strict=True), 1)
        if line.width > room + 0.01
    ]  # fmt: skip
