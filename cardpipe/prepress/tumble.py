"""The fold-and-tumble check: both printed sides of a format, with nothing on them but where things are.

An operator prints it as the cards will be printed, cuts it at the trim, folds it, and sees every arrow point up. An
arrow that lies on its head says that the press turned the paper about the wrong edge, before a card is spoiled.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator

from cardpipe.model.units import Box, Points, Size, mm, num, to_inch, to_mm
from cardpipe.prepress.format import Format, Panel
from cardpipe.prepress.fragment import Fragment, build
from cardpipe.prepress.lettering import letter, line
from cardpipe.prepress.merge import Merge, Shared
from cardpipe.prepress.page import BLACK, Mark, Outline, Page, Rect
from cardpipe.prepress.press import Press
from cardpipe.prepress.typeset import Face
from cardpipe.prepress.xmp import Stamp

ARROW = "arrow"
_DAY = "2026-11-21"  # print files carry no clock, and this one belongs to no mail date: the same bytes at all times
_LINE = 0.5  # points
_DASH, _GAP = mm(3), mm(2)
_TICK = mm(3)
_LARGEST, _FIRST, _SMALL = 30.0, 16.0, 10.5  # points: a panel's name, what to begin with, what else is said
_LEADING = 1.45

#: Seen at what time, by whoever holds the card.
_SEEN = {
    "front": "",  # it says more
    "back": "turn the card over",
    "left": "open the card: at the left",
    "right": "open the card: at the right",
    "top": "lift the cover: above the fold",
    "bottom": "lift the cover: below the fold",
}


def pages(format: Format, face: Face) -> list[Page]:
    """The two sides, in the order in which they are printed, at the format's own size with its bleed."""
    return [_side(format, number, face) for number in (0, 1)]


def write(format: Format, press: Press, face: Face, profile: bytes) -> bytes:
    """The check as a print file of two pages, of the press's standard; ``profile`` is the press's ICC profile."""
    digest = hashlib.sha256(profile).hexdigest()
    stamp = Stamp(
        title=f"{format.name}_TUMBLE",
        day=_DAY,
        intent_digest=digest,
        condition=press.condition,
        condition_info=press.condition_info,
        duplex=format.duplex,
        output=press.output,
    )
    sink = io.BytesIO()
    merge = Merge(sink, Shared(lambda _: [], lambda _: (face.font, face.name.capitalize()), lambda _: profile), stamp)
    merge.add(Fragment(io.BytesIO(build(pages(format, face), f"icc:{digest}", press.output))), lambda page, slot: ())
    merge.finish()
    return sink.getvalue()


def flip(format: Format) -> str:
    """The edge of the format's own page about which its paper turns: ``short edge`` or ``long edge``."""
    return "short edge" if format.duplex == "DuplexFlipShortEdge" else "long edge"


def _side(format: Format, number: int, face: Face) -> Page:
    marks: list[Mark] = [*_trim(format), *_fold(format)]
    for panel in format.panels.values():
        if panel.side == format.sides[number]:
            marks += _panel(format, panel, number, face)
    return Page(format.sides[number], format.media, format.trim_box, tuple(marks))


def _trim(format: Format) -> list[Rect]:
    """The cut line, drawn right outside of the cut: what is cut well shows nothing of it."""
    return _frame(format.trim_box.inset(-_LINE), "trim") if format.bleed >= _LINE else []


def _frame(box: Box, name: str) -> list[Rect]:
    """Four lines within the edges of a box."""
    return [
        Rect(Box(box.x, box.y, box.width, _LINE), BLACK, name),
        Rect(Box(box.x, box.top - _LINE, box.width, _LINE), BLACK, name),
        Rect(Box(box.x, box.y, _LINE, box.height), BLACK, name),
        Rect(Box(box.right - _LINE, box.y, _LINE, box.height), BLACK, name),
    ]


def _fold(format: Format) -> Iterator[Rect]:
    """A tick through the bleed at both ends of the fold, and a dashed line between them."""
    if format.fold == "none":
        return
    media, upright = format.media, format.fold == "side"
    whole = media.height if upright else media.width
    middle = (media.width if upright else media.height) / 2
    stretches = [(0.0, format.bleed + _TICK), (whole - format.bleed - _TICK, whole)]
    at = stretches[0][1] + _GAP
    while at + _DASH + _GAP <= stretches[1][0]:
        stretches.append((at, at + _DASH))
        at += _DASH + _GAP
    for start, end in stretches:
        box = Box(middle - _LINE / 2, start, _LINE, end - start)
        yield Rect(box if upright else Box(box.y, box.x, box.height, box.width), BLACK, "fold")


def _panel(format: Format, panel: Panel, number: int, face: Face) -> Iterator[Mark]:
    """Within the safe area, from above as it is read: an arrow, the panel's name, what to do with it."""
    size, safe = panel.box.size, format.safe
    room = Size(size.width - 2 * safe, size.height - 2 * safe)
    if safe >= _LINE:
        yield from _frame(panel.place(Box(safe, safe, room.width, room.height))[0], "safe")
    said = _said(format, panel, number)
    words = face.font.cap_height * _LARGEST + _LEADING * sum(size for size, _ in said)
    tall = max(min(room.height * 0.45, room.height - words - mm(10)), mm(8))
    arrow = Size(min(tall * 0.7, room.width * 0.4), tall)
    place, turned = panel.place(Box((size.width - arrow.width) / 2, safe + mm(3), arrow.width, arrow.height))
    yield Outline(place, _arrow(arrow), BLACK, turned, ARROW)
    name = panel.name.upper()
    largest = min(_LARGEST, room.width * 0.8 / line(face, name, 1.0).width)
    down = safe + mm(3) + tall + mm(3) + face.font.cap_height * largest
    yield _centred(panel, face, name, largest, down)
    for points, text in said:
        down += points * _LEADING
        yield _centred(panel, face, text, min(points, room.width * 0.94 / line(face, text, 1.0).width), down)


def _said(format: Format, panel: Panel, number: int) -> list[tuple[Points, str]]:
    """What stands below the panel's name, with its size."""
    flat = format.fold == "none"
    seen = "turn it over like a page" if flat else _SEEN[panel.name]
    which = f"{format.name} · {panel.side} · side {number + 1} of 2"
    if panel.name != "front":
        return [(_SMALL, seen), (_SMALL, which)]
    size = f"{to_mm(format.flat.width):.1f} x {to_mm(format.flat.height):.1f} mm"
    inches = f"{to_inch(format.flat.width):.2f} x {to_inch(format.flat.height):.2f} in"
    folded = {"side": "fold it: this panel to you, the fold at your left", "none": "",
              "top": "fold it: this panel to you, the fold above"}[format.fold]  # fmt: skip
    lines = [
        (_FIRST, "THIS SIDE FIRST"),
        (_SMALL, which),
        (_SMALL, f"both sides on one sheet, at 100 %, flip on the {flip(format)}"),
        (_SMALL, f"cut to {size} ({inches})"),
        (_SMALL, folded),
        (_SMALL, "every arrow points up"),
    ]
    return [(points, text) for points, text in lines if text]


def _centred(panel: Panel, face: Face, text: str, size: Points, down: Points) -> Mark:
    """A line in the panel's middle, its baseline so far below the panel's upper edge as it is read."""
    point, turned = panel.place(Box(panel.box.width / 2, down, 0, 0))
    return letter(face, text, size, point.x, point.y, align="center", turned=turned)


def _arrow(size: Size) -> bytes:
    """Tip first, then round: filled, pointing up."""
    w, h = size.width, size.height
    points = [
        (w / 2, h), (w, h * 0.55), (w * 0.66, h * 0.55), (w * 0.66, 0), (w * 0.34, 0), (w * 0.34, h * 0.55),
        (0, h * 0.55),
    ]  # fmt: skip
    first, *rest = (f"{num(x)} {num(y)}" for x, y in points)
    return f"{first} m {' '.join(f'{point} l' for point in rest)} h f".encode()
