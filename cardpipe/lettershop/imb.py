"""The Intelligent Mail barcode (USPS-B-3200): 31 figures as 65 bars in four states, drawn as black rectangles.

What is drawn can be read back, from rectangles or from a finished page's pixels, and compared with the bars that the
figures give: no open decoder reads this code, so a finished file is proved by encoding anew (print.md 5.1).
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from cardpipe.lettershop.mailing import Mailing
from cardpipe.model.errors import Bug, Refused
from cardpipe.model.finding import Finding, error
from cardpipe.model.units import Box, Points, inch
from cardpipe.prepress.canvas import imb_bars
from cardpipe.prepress.page import BLACK, Rect, Slot
from cardpipe.prepress.raster import Pixels

IMB_SLOT = "imb"
BARS = 65

# USPS-B-3200, 2.3.1; all within its tolerances, which is what a press needs.
_BAR = inch(0.020)  # 0.015 to 0.025
_FULL = inch(0.145)  # 0.125 to 0.165
_TRACKER = inch(0.048)  # 0.039 to 0.057
_WIDE, _NARROW = inch(1) / 22, inch(1) / 24  # 20 to 24 bars an inch
_BESIDE = inch(0.125)  # clear at both ends (DMM 202.5)
_ABOVE = inch(0.028)  # clear above and below (DMM 202.5)
#: DMM 202.5.1: in the lower right corner the leftmost bar stands 3.5 to 4.25 in from the right edge, and the bars
#: between 3/16 and 1/2 in from the lower edge. Ours: the middle of both.
_FROM_RIGHT = inch(3.875)
_FROM_BELOW = inch((3 / 16 + 1 / 2) / 2)
_CLEAR_ZONE = inch(4.75)
_SHORT = inch(6)  # envelopes below this length take the narrower pitch (print.md section 4, A2)

_STATES = {(False, False): "T", (True, False): "A", (False, True): "D", (True, True): "F"}
_DARK = 128


def judge(tracking: str, routing: str, where: str = "imb", mailing: Mailing | None = None) -> list[Finding]:
    """Everything that keeps these figures from being an Intelligent Mail barcode, at once; with ``mailing`` also what
    keeps them from being this shop's: another mailer's id, another service."""
    findings: list[Finding] = []
    if not re.fullmatch("[0-9]{20}", tracking):
        findings.append(
            error("imb.tracking", where, f"the tracking code has {_counted(tracking)}, not 20 figures",
                  "barcode id 2, service 3, mailer id and serial together 15; as text, so that no zero is lost")
        )  # fmt: skip
    else:
        if tracking[1] > "4":
            findings.append(
                error("imb.barcode_id", where, f"the barcode id {tracking[:2]} has {tracking[1]} as its second figure; "
                      "it is 0 to 4", "letters take the barcode id 00")
            )  # fmt: skip
        # A mailer id of 6 figures begins with 0 to 8, one of 9 with 9: any 15 figures hold one or the other.
        if mailing and mailing.mailer_id and mailer_id(tracking) != mailing.mailer_id:
            findings.append(
                error("imb.mailer_id", where, f"the mailer id is {mailer_id(tracking)}, the shop's {mailing.mailer_id}",
                      "ask the house whose mailing this is, or mend mailer_id in mailing.toml")
            )  # fmt: skip
        if mailing and mailing.service and tracking[2:5] != mailing.service:
            findings.append(
                error("imb.service", where, f"the service is {tracking[2:5]}, the shop's {mailing.service}",
                      "ask the house for the right service, or mend service in mailing.toml")
            )  # fmt: skip
    if not re.fullmatch("([0-9]{5}|[0-9]{9}|[0-9]{11})?", routing):
        findings.append(
            error("imb.routing", where, f"the routing code has {_counted(routing)}, not 0, 5, 9 or 11 figures",
                  "ZIP, ZIP+4, or ZIP+4 with the two figures of the delivery point; as text")
        )  # fmt: skip
    return findings


def mailer_id(tracking: str) -> str:
    """The mailer id within a tracking code: nine figures where it begins with 9, else six."""
    return tracking[5:14] if tracking[5:6] == "9" else tracking[5:11]


def bars(tracking: str, routing: str) -> str:
    """The 65 bars from the left: A (ascender), D (descender), F (full), T (tracker). Raises Refused with what
    :func:`judge` finds: the encoder itself would take a barcode id that does not exist and print a wrong code."""
    findings = judge(tracking, routing)
    if findings:
        raise Refused("these figures are no Intelligent Mail barcode", findings)
    made = imb_bars(tracking, routing)
    if len(made) != BARS or set(made) - set("ADFT"):
        raise Bug("the encoder gave something else than 65 bars")
    return made


def marks(slot: Slot, tracking: str, routing: str) -> tuple[Rect, ...]:
    """What fills the slot: 65 rectangles, black only. In a carrier's clear zone they stand where DMM 202.5.1 wants
    them; in a smaller slot (a label's) in its middle. Raises Refused as :func:`bars` does, Bug for a slot that is too
    small or turned."""
    letters, box = bars(tracking, routing), slot.box
    if slot.turned:
        raise Bug("a postal barcode is never turned")
    corner = box.width >= _CLEAR_ZONE - 0.01
    room = box.width - 2 * _BESIDE
    pitch = _NARROW if (corner and box.right < _SHORT) or _length(_WIDE) > room else _WIDE
    if _length(pitch) > room or box.height < _FULL + 2 * _ABOVE:
        raise Bug("an Intelligent Mail barcode does not fit its slot")
    left = box.right - _FROM_RIGHT if corner else box.x + (box.width - _length(pitch)) / 2
    middle = box.y + (_FROM_BELOW if corner else box.height / 2)
    return tuple(
        Rect(_bar(letter, left + place * pitch, middle), BLACK, IMB_SLOT) for place, letter in enumerate(letters)
    )


def _length(pitch: Points) -> Points:
    return pitch * (BARS - 1) + _BAR


def _bar(letter: str, x: Points, middle: Points) -> Box:
    top = middle + (_FULL if letter in "AF" else _TRACKER) / 2
    bottom = middle - (_FULL if letter in "DF" else _TRACKER) / 2
    return Box(x, bottom, _BAR, top - bottom)


def read(drawn: Iterable[Box]) -> str:
    """The bars of a row of rectangles, in any order: which of them rise above the trackers, and which fall below."""
    found = sorted(drawn, key=lambda box: box.x)
    if not found:
        return ""
    top, bottom = max(box.top for box in found), min(box.y for box in found)
    middle, third = (top + bottom) / 2, (top - bottom) / 3  # a tracker reaches a sixth of a full bar from the middle
    return "".join(_STATES[box.top > middle + third, box.y < middle - third] for box in found)


def read_pixels(pixels: Pixels) -> str:
    """The bars in a picture that shows nothing else, such as the slot's region of a finished page at 300 ppi."""
    dark = pixels.max(axis=2) < _DARK
    columns = dark.any(axis=0)
    drawn: list[Box] = []
    start: int | None = None
    for x in range(len(columns) + 1):
        inked = x < len(columns) and bool(columns[x])
        if inked and start is None:
            start = x
        elif not inked and start is not None:
            rows = dark[:, start:x].any(axis=1).nonzero()[0]
            first, last = int(rows[0]), int(rows[-1]) + 1
            drawn.append(Box(start, len(dark) - last, x - start, last - first))
            start = None
    return read(drawn)


def _counted(text: str) -> str:
    odd = "" if text.isascii() and (text.isdigit() or not text) else ", not all of them figures"
    return f"{len(text)} characters{odd}"
