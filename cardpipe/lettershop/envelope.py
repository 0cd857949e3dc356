"""The envelope's face: return address, delivery address in the carrier's read area, and every other zone kept free.

Nothing is clipped and nothing leaves its zone: an address that does not fit is a finding with numbers. The places of
the postal bars (``imb``), of the postage and of the match code stay open slots; an empty slot prints nothing.
"""

from __future__ import annotations

from itertools import groupby

from cardpipe.lettershop.addressblock import (
    Block,
    PrintedRun,
    WrittenRun,
    resized,
    set_run,
    stack,
    write_run,
)
from cardpipe.lettershop.addressing import is_domestic, lines
from cardpipe.lettershop.barcode import ENVELOPE_SLOT, MATCH_SLOT
from cardpipe.lettershop.carrier import Carrier
from cardpipe.lettershop.imb import IMB_SLOT
from cardpipe.lettershop.indicia import POSTAGE_SLOT
from cardpipe.lettershop.mailing import AddressStyle, Mailing
from cardpipe.model.address import Address
from cardpipe.model.errors import Bug
from cardpipe.model.finding import Finding, error, warning
from cardpipe.model.units import Box, Points, Size, inch, mm, to_inch, to_mm
from cardpipe.prepress.format import Format
from cardpipe.prepress.page import Mark, Page, Slot
from cardpipe.prepress.typeset import Face, Hand

#: Made envelopes cannot be printed to the edge (print.md section 4).
MARGIN = inch(0.25)
#: The match code's slot keeps this distance from the edges; its modules, a quiet zone further in, 5 mm.
CODE_MARGIN = mm(3)
RETURN_SIZES = (9.0, 8.5, 8.0)
#: DMM 202.4: an endorsement in at least 8 pt, with 1/4 in clear on all sides.
ENDORSEMENT_SIZE, ENDORSEMENT_CLEAR = 8.0, inch(0.25)
#: How far left the delivery address may start when it is wide, as a share of the envelope's length.
LEFTMOST = 0.20
_SIZE_STEP = 0.5
_SLACK = 3.0  # kept free within the read area, in points: a print and mail house feeds to half a millimetre


def face_size(format: Format) -> Size:
    """The envelope as it is addressed and fed: long side horizontal."""
    size = format.envelope
    return size if size.width >= size.height else size.turned()


def printed_lines(recipient: Address, origin: str, style: AddressStyle = "ocr") -> tuple[str, ...]:
    """The lines of a delivery address that stand as text on the envelope, and can be copied out of the finished file;
    the others are written by hand, as outlines."""
    return tuple(text for text, by_hand in _said(recipient, origin, style) if not by_hand)


def compose(
    format: Format,
    recipient: Address,
    sender: Address,
    carrier: Carrier,
    face: Face,
    *,
    mailing: Mailing | None = None,
    hand: Hand | None = None,
    seed: bytes = b"",
) -> tuple[Page | None, list[Finding]]:
    """The page of one envelope at its own size, without bleed; or None and all that does not fit.

    Whether the addresses can be delivered is ``addressing.judge``'s question; here they are only set: printed, or with
    the ``hand`` and ``seed`` of the message where ``mailing`` wants it so. The slots are ``match_code``, ``imb`` and
    ``postage``.
    """
    mailing = mailing or Mailing()
    if mailing.address_style != "ocr" and hand is None:
        raise Bug(f"an address in the style {mailing.address_style} needs a hand")
    size, zones, domestic = face_size(format), carrier.zones, is_domestic(recipient, carrier.origin)
    findings: list[Finding] = []
    code = _code_box(size, carrier)
    if code is None:
        findings.append(
            error("envelope.code.room", f"format {format.name}",
                  f"left of the barcode clear zone there is no room for the match code "
                  f"({to_mm(ENVELOPE_SLOT.width):g} x {to_mm(ENVELOPE_SLOT.height):g} mm)", "choose a larger format")
        )  # fmt: skip
    if mailing.address_style == "script":
        findings.append(
            warning("envelope.style.script", "recipient",
                    "the address is written by hand but for its last lines: machines read that badly, and it pays no "
                    "automation price", "write address_style = \"mixed\" or \"ocr\" in mailing.toml")
        )  # fmt: skip
    delivery = _delivery(size, recipient, carrier, face, mailing.address_style, hand)
    endorsement = mailing.endorsement if domestic else ""  # no post abroad honours it
    returns = _return_address(size, sender, carrier, face, abroad=not domestic, endorsed=bool(endorsement))
    findings += [finding for block in (delivery, returns) if isinstance(block, list) for finding in block]
    if code is None or isinstance(delivery, list) or isinstance(returns, list):
        return None, findings
    right = zones.read.on(size).right - _SLACK
    marks: list[Mark] = [*returns.marks(size.width), *delivery.marks(right, seed)]
    if endorsement:
        below = _endorsement(size, endorsement, carrier, face, returns, delivery)
        if isinstance(below, list):
            return None, [*findings, *below]
        marks += below.marks(size.width)
    marks += [
        Slot(MATCH_SLOT, code),
        Slot(IMB_SLOT, zones.barcode.on(size)),
        Slot(POSTAGE_SLOT, zones.postage.on(size)),
    ]
    return Page("envelope", size, Box(0, 0, size.width, size.height), tuple(marks)), findings


def _code_box(size: Size, carrier: Carrier) -> Box | None:
    """Lower left: below the read area and left of the bars, or nowhere."""
    box = Box(CODE_MARGIN, CODE_MARGIN, ENVELOPE_SLOT.width, ENVELOPE_SLOT.height)
    taken = (carrier.zones.read.on(size), carrier.zones.barcode.on(size))
    return None if any(box.overlaps(zone) for zone in taken) else box


def _said(recipient: Address, origin: str, style: AddressStyle) -> list[tuple[str, bool]]:
    """The lines of the delivery address, each with whether it is written by hand. City, state, postcode and country
    are always printed, in capitals, and so is a street that shares its line with them; what is written keeps its own
    case."""

    def some(capitals: bool, **without: str) -> tuple[str, ...]:
        return lines(recipient.model_copy(update=without), origin, capitals=capitals)

    printed = lines(recipient, origin)
    if style == "ocr":
        return [(text, False) for text in printed]
    places = some(True, name="", company="", street="", street2="")
    personal = some(True, city="", postcode="")
    if style == "mixed":
        company = "" if recipient.name else recipient.company
        personal = some(True, company=company, street="", street2="", city="", postcode="")
    by_hand = [text in personal and text not in places for text in printed]
    spoken = lines(recipient, origin, capitals=False)
    if len(spoken) != len(printed):  # the street was written anew: only what stands above it is the same line by line
        above = len(some(True, street="", street2="", city="", state="", postcode="", country=origin))
        spoken = (*spoken[:above], *printed[above:])
    return [(said if mine else text, mine) for text, said, mine in zip(printed, spoken, by_hand, strict=True)]


def _delivery(
    size: Size, recipient: Address, carrier: Carrier, face: Face, address_style: AddressStyle, hand: Hand | None
) -> Block | list[Finding]:
    """The largest size at the usual start; then smaller; then further left; then a finding."""
    style, where = carrier.address, "recipient"
    said = _said(recipient, carrier.origin, address_style)
    zone = carrier.zones.read.on(size).inset(_SLACK)
    if not said:
        return _empty(where)
    findings = _too_many(len(said), style.lines, where)
    groups = [(by_hand, tuple(text for text, _ in group)) for by_hand, group in groupby(said, key=lambda one: one[1])]
    largest: list[WrittenRun | tuple[str, ...]] = []
    for by_hand, texts in groups:
        made = write_run(texts, hand, where) if by_hand and hand else texts
        if isinstance(made, list):
            return findings + made
        largest.append(made)
    usual, leftmost = size.width * style.start, max(zone.x, size.width * LEFTMOST)
    steps = round((style.size - style.smallest) / _SIZE_STEP)
    half = [step for step in range(steps + 1) if step <= steps / 2]
    tries = [(step, usual) for step in half] + [(step, leftmost) for step in range(len(half) - 1, steps + 1)]
    block = stack([])
    for step, start in tries:
        runs: list[PrintedRun | WrittenRun] = []
        for one in largest:
            if isinstance(one, WrittenRun):
                runs.append(resized(one, step / max(1, steps)))
                continue
            printed = set_run(one, face, style.size - _SIZE_STEP * step, style.leading, where)
            if isinstance(printed, list):
                return findings + printed
            runs.append(printed)
        block = stack(runs)
        room = zone.right - block.box.width
        left = usual if room >= usual else max(leftmost, min(room, (size.width - block.box.width) / 2))
        if min(usual, room) >= start - 0.01 and block.box.height <= zone.height and not findings:
            low = min(max(size.height * 0.43 - block.box.height / 2, zone.y), zone.top - block.box.height)
            return block.at(left, low + block.box.height)
    findings += _too_wide(block, zone.right - leftmost, where)
    if not findings:
        findings.append(
            error("envelope.address.high", where,
                  f"{len(said)} lines are {to_mm(block.box.height):.1f} mm high at the smallest size; the read area "
                  f"has {to_mm(zone.height):.1f} mm", "leave a line out")
        )  # fmt: skip
    return findings


def _return_address(
    size: Size, sender: Address, carrier: Carrier, face: Face, *, abroad: bool, endorsed: bool
) -> Block | list[Finding]:
    """Top left, above the read area and left of what belongs to the postage. Its country stands on mail abroad; an
    endorsement below it takes its share of the height."""
    where, read = "sender", carrier.zones.read.on(size)
    taken = [zone.on(size) for zone in (carrier.zones.fim, carrier.zones.postage) if zone is not None]
    room = min((box.x for box in taken), default=size.width) - 2 * MARGIN
    top, height = size.height - MARGIN, size.height - MARGIN - read.top
    if endorsed:
        height -= ENDORSEMENT_CLEAR + ENDORSEMENT_SIZE * (face.font.ascent - face.font.descent)
    texts = lines(
        sender, carrier.origin, capitals=False, country_line=True if abroad else not is_domestic(sender, carrier.origin)
    )
    if not texts:
        return _empty(where)
    block = stack([])
    for points in RETURN_SIZES:
        run = set_run(texts, face, points, 1.2, where)
        if isinstance(run, list):
            return run
        block = stack([run])
        if block.box.width <= room and block.box.height <= height:
            return block.at(MARGIN, top)
    findings = _too_wide(block, room, where)
    most = int(height / (RETURN_SIZES[-1] * 1.2))
    return findings or _too_many(len(texts), most, where)


def _endorsement(
    size: Size, text: str, carrier: Carrier, face: Face, returns: Block, delivery: Block
) -> Block | list[Finding]:
    """Directly below the return address, with clear space on all sides (DMM 202.4.1)."""
    where = "mailing endorsement"
    run = set_run((text,), face, ENDORSEMENT_SIZE, 1.2, where)
    if isinstance(run, list):
        return run
    block = stack([run]).at(MARGIN, returns.box.y - ENDORSEMENT_CLEAR)
    clear = block.box.inset(-ENDORSEMENT_CLEAR)
    zones = [zone.on(size) for zone in (carrier.zones.fim, carrier.zones.postage) if zone is not None]
    if clear.overlaps(delivery.box) or block.box.overlaps(carrier.zones.read.on(size)):
        short = max(delivery.box.top + ENDORSEMENT_CLEAR, carrier.zones.read.on(size).top) - block.box.y
        return [
            error("envelope.endorsement.room", where,
                  f"below the return address {to_inch(short):.2f} in are missing for the endorsement and 1/4 in around "
                  "it", "leave out a line of one of the addresses")
        ]  # fmt: skip
    if any(clear.overlaps(zone) for zone in zones):
        return [
            error("envelope.endorsement.room", where, f"the endorsement is {to_inch(block.box.width):.2f} in wide and "
                  "comes within 1/4 in of the postage", "choose a larger format, or another endorsement")
        ]  # fmt: skip
    return block


def _empty(where: str) -> list[Finding]:
    return [error("envelope.address.empty", where, "there is no address to print", "fill it in")]


def _too_many(count: int, most: int, where: str) -> list[Finding]:
    if count <= most:
        return []
    return [
        error("envelope.address.lines", where, f"the address has {count} lines; there is room for {most}",
              "leave out the company or the second street line, or join the two")
    ]  # fmt: skip


def _too_wide(block: Block, room: Points, where: str) -> list[Finding]:
    found, number = [], 0
    for run in block.runs:
        size = f"{run.printed[0].size:g} pt, the smallest size" if isinstance(run, PrintedRun) else "14 pt by hand"
        for text, width in zip(run.texts, run.widths, strict=True):
            number += 1
            if width > room + 0.01:
                cut = max(1, round(len(text) * (1 - room / width) + 0.5))
                found.append(
                    error("envelope.address.wide", where,
                          f"line {number} ({len(text)} characters) is {to_mm(width):.1f} mm wide at {size}; "
                          f"there is room for {to_mm(room):.1f} mm",
                          f"shorten it by about {cut} characters, or move a part of it to another field")
                )  # fmt: skip
    return found
