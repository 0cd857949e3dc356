"""The permit imprint: printed proof of postage in the upper right corner (DMM 604.5.3). Black only.

Stamps and meter impressions are the house's: their area stays free.
"""

from __future__ import annotations

from cardpipe.lettershop.mailing import Permit
from cardpipe.lettershop.setting import set_line, text_mark
from cardpipe.model.errors import Refused
from cardpipe.model.finding import Finding, error
from cardpipe.model.units import Box, Points, inch, to_inch
from cardpipe.prepress.page import BLACK, Mark, Rect, Slot
from cardpipe.prepress.typeset import Face, Printed

POSTAGE_SLOT = "postage"
#: DMM 604.5.3.1: at least 1/2 in by 1/2 in, and all of it within 1.5 in of the corner. Ours: 1/4 in from the edges,
#: which made envelopes cannot be printed to, so that 1.25 in remain.
_LEAST, _MOST, _EDGE = inch(0.5), inch(1.25), inch(0.25)
SIZES = (7.0, 6.5, 6.0, 5.5, 5.0, 4.5, 4.0)  # DMM 604.5.3.1: at least 4 pt
_LEADING, _PADDING, _RULE = 1.3, 5.0, 0.75


def lines(permit: Permit) -> tuple[str, ...]:
    """What the imprint says (DMM 604.5.3.6), in capitals."""
    return (permit.mail_class.upper(), "U.S. POSTAGE PAID", permit.office.upper(), f"PERMIT NO. {permit.number}")


def judge(permit: Permit, face: Face, where: str = "permit") -> list[Finding]:
    """What keeps this imprint from being printed."""
    made = _set(permit, face, where)
    return made if isinstance(made, list) else []


def marks(slot: Slot, permit: Permit | None, face: Face) -> tuple[Mark, ...]:
    """What fills the slot: a frame with four lines at the largest size that fits, or nothing without a permit. Raises
    Refused with what :func:`judge` finds."""
    if permit is None:
        return ()
    made = _set(permit, face, "permit")
    if isinstance(made, list):
        raise Refused("the permit imprint cannot be printed", made)
    size = made[0].size
    leading, cap = size * _LEADING, made[0].font.cap_height * size
    inner = leading * (len(made) - 1) + cap
    width = max(_LEAST, max(line.width for line in made) + 2 * _PADDING)
    height = max(_LEAST, inner + 2 * _PADDING)
    box = Box(slot.box.right - _EDGE - width, slot.box.top - _EDGE - height, width, height)
    if not slot.box.contains(box):
        what = f"the imprint of {to_inch(width):.2f} x {to_inch(height):.2f} in does not fit the area for postage"
        raise Refused(what, [error("indicia.room", "permit", what, "choose a carrier with a larger area")])
    first = box.y + (height + inner) / 2 - cap
    texts = [
        text_mark(line, text, box.x + (width - line.width) / 2, first - place * leading)
        for place, (text, line) in enumerate(zip(lines(permit), made, strict=True))
    ]
    return (*_frame(box), *texts)


def _set(permit: Permit, face: Face, where: str) -> tuple[Printed, ...] | list[Finding]:
    findings: list[Finding] = []
    for size in SIZES:
        made = [set_line(face, text, size, where) for text in lines(permit)]
        findings = [finding for line in made if isinstance(line, list) for finding in line]
        if findings:
            break
        good = tuple(line for line in made if not isinstance(line, list))
        if max(line.width for line in good) <= _MOST - 2 * _PADDING:
            return good
        findings = [
            error("indicia.wide", where,
                  f"line {place} ({len(line.glyphs)} characters) is {to_inch(line.width):.2f} in wide at {size:g} pt; "
                  f"there is room for {to_inch(_MOST - 2 * _PADDING):.2f} in", "shorten it")
            for place, line in enumerate(good, 1)
            if line.width > _MOST - 2 * _PADDING
        ]  # fmt: skip
    return findings


def _frame(box: Box) -> tuple[Rect, ...]:
    """Four rules along the inside of a box."""

    def rule(x: Points, y: Points, width: Points, height: Points) -> Rect:
        return Rect(Box(x, y, width, height), BLACK, "indicia")

    return (
        rule(box.x, box.top - _RULE, box.width, _RULE),
        rule(box.x, box.y, box.width, _RULE),
        rule(box.x, box.y, _RULE, box.height),
        rule(box.right - _RULE, box.y, _RULE, box.height),
    )
