"""Where a design's findings are: the frame that one names, or the box of a line of its SVG, on a printed side.

A finding's ``where`` is text for people and logs. What it names is looked up here again, so that a picture can point
at it; a finding that names no place on a side stays in the list beside the picture.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from cardpipe.model.finding import Finding
from cardpipe.model.units import Box, Points, mm
from cardpipe.prepress.card import CODE_SLOT
from cardpipe.prepress.checksheet import Mark, Outline
from cardpipe.prepress.design import Design, Frame
from cardpipe.prepress.format import Format

_LINE = re.compile(r"/(?P<file>\w+\.svg) line (?P<line>\d+)")
_SIDE = re.compile(r"/(?P<side>outside|inside|front|back)\.(?:svg|png|pdf)")

_PICTURE = re.compile(r"/(?P<side>outside|inside|front|back)\.(?:svg|png|pdf), .*image object (?P<number>\d+)")
_EDGE = re.compile(
    r"/(?P<side>\w+)\.\w+, (?P<edge>\w+) edge, (?P<start>\d+) to (?P<stop>\d+) mm from the (?:top|left)$"
)
_CODE = re.compile(r"/(?P<side>\w+)\.\w+, at the match code$")

#: Boxes on a page: by file and line of an SVG, or by side and the number of a picture's object.
Places = Mapping[tuple[str, int], Box]


def lines(findings: Sequence[Finding], file: str) -> tuple[int, ...]:
    """The lines of an SVG that findings name."""
    named = (_LINE.search(finding.where) for finding in findings)
    return tuple(dict.fromkeys(int(found["line"]) for found in named if found and found["file"] == file))


def marks(findings: Sequence[Finding], design: Design, layout: Format, side: str, places: Places) -> list[Mark]:
    """The findings with their numbers, as they are listed beside a side's picture: those of another side are left out.
    A number is the same on every side."""
    made = []
    for number, finding in enumerate(findings, 1):
        shown, box = _place(finding, design, layout, places)
        if shown in ("", side):
            made.append(Mark(number, finding, box if shown == side else None))
    return made


def outlines(design: Design, layout: Format, side: str) -> list[Outline]:
    """The frames on a side, and the place that the match code takes."""
    made = []
    for frame in design.frame:
        panel = layout.panels.get(frame.panel)
        if panel is not None and panel.side == side and (box := _frame_box(frame, design, layout)):
            made.append(Outline(_told(frame), "photo" if frame.kind == "photo" else "frame", box))
    if layout.panels[layout.code_panel].side == side:
        made.append(Outline("match code", "code", _code_box(layout)))
    return made


def _told(frame: Frame) -> str:
    if frame.follows:
        return "signature, below the last line"
    return frame.field + ("" if frame.required else " (may be missing)")


def _place(finding: Finding, design: Design, layout: Format, places: Places) -> tuple[str, Box | None]:
    """The side that a finding is about, "" where it is about none, and its box there."""
    if found := _LINE.search(finding.where):
        return found["file"].removesuffix(".svg"), places.get((found["file"], int(found["line"])))
    if found := _PICTURE.search(finding.where):
        return found["side"], places.get((found["side"], int(found["number"])))
    if found := _EDGE.search(finding.where):
        return found["side"], _edge_box(layout, found["edge"], mm(int(found["start"])), mm(int(found["stop"])))
    if found := _CODE.search(finding.where):
        return found["side"], _code_box(layout)
    if found := _SIDE.search(finding.where):
        return found["side"], None
    field = finding.where.rpartition(" ")[2]
    frame = next((frame for frame in design.frame if frame.field == field), None)
    panel = layout.panels.get(frame.panel) if frame else None
    if frame is None or panel is None:
        return "", None
    return panel.side, _frame_box(frame, design, layout)


def _code_box(layout: Format) -> Box:
    """The place that the match code takes on its page."""
    panel, (width, height, above) = layout.panels[layout.code_panel], CODE_SLOT
    return panel.place(Box((panel.box.width - width) / 2, panel.box.height - above - height, width, height))[0]


def _edge_box(layout: Format, edge: str, start: Points, stop: Points) -> Box:
    """A strip of the bleed, from one place of an edge to another."""
    wide, tall, bleed = layout.media.width, layout.media.height, layout.bleed
    if edge in ("left", "right"):
        return Box(0 if edge == "left" else wide - bleed, tall - stop, bleed, stop - start)
    return Box(start, tall - bleed if edge == "top" else 0, stop - start, bleed)


def _frame_box(frame: Frame, design: Design, layout: Format) -> Box | None:
    """A frame on its page; one that follows the message stands at the foot of its frame."""
    panel = layout.panels.get(frame.panel)
    if panel is None:
        return None
    if frame.box is not None:
        return panel.place(frame.inner)[0]
    message = design.one("message")
    if message is None or message.box is None:
        return None
    box, size = message.inner, frame.extent
    return panel.place(Box(box.x, box.top - size.height, size.width, size.height))[0]
