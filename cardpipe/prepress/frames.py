"""Whether a design's frames leave each other, the match code and the fold alone. Numbers only, no art."""

from __future__ import annotations

from itertools import combinations

from cardpipe.model.finding import Finding, error
from cardpipe.model.units import Box, Points, to_mm
from cardpipe.prepress.card import CODE_SLOT
from cardpipe.prepress.design import Design, Frame
from cardpipe.prepress.format import Format, Panel

_SLACK: Points = 0.05


def judge(design: Design, layout: Format) -> list[Finding]:
    """All that is wrong between frames. That each lies on a known panel, within safe or bleed, is known before."""
    where = f"designs/{design.name}/design.toml"
    placed = [frame for frame in design.frame if frame.box is not None]
    findings = []
    for first, second in combinations(placed, 2):
        if first.panel == second.panel and first.inner.overlaps(second.inner, _SLACK):
            what = f"lies over the frame of {second.field} on the {first.panel} panel"
            findings.append(
                error("design.frame.overlap", f"{where} {first.field}", what, "move one, or make it smaller")
            )
    width, height, above = CODE_SLOT
    back = layout.panels[layout.code_panel]
    code = Box((back.box.width - width) / 2, back.box.height - above - height, width, height)
    for frame in placed:
        if frame.panel == layout.code_panel and frame.inner.overlaps(code, _SLACK):
            what = f"lies over the match code, which takes {_size(code)} at the foot of the {back.name} panel"
            findings.append(error("design.frame.code", f"{where} {frame.field}", what, "end it above the code"))
        if frame.bleeds:
            findings += _bleeding(frame, layout, f"{where} {frame.field}")
    return findings + _following(design, where)


def _following(design: Design, where: str) -> list[Finding]:
    """A signature that follows the message goes where the message is, and must have room in its frame."""
    message, signature = design.one("message"), design.one("signature")
    if message is None or signature is None or not signature.follows:
        return []
    where = f"{where} signature"
    findings = []
    if signature.panel != message.panel:
        what = f"names panel {signature.panel!r} and follows the message, which is on {message.panel!r}"
        findings.append(error("design.frame.follows", where, what, f"write panel = {message.panel!r}"))
    room, size = message.inner, signature.extent
    if size.width > room.width or size.height > room.height / 2:
        what = f"takes {_size(Box(0, 0, size.width, size.height))} of the message's {_size(room)}"
        findings.append(error("design.frame.follows", where, what, "at most its width and half of its height"))
    return findings


def _bleeding(frame: Frame, layout: Format, where: str) -> list[Finding]:
    """A picture that runs over the trim runs to the end of the bleed, and never over the fold."""
    panel, box, findings = layout.panels[frame.panel], frame.inner, []
    width, height = panel.box.width, panel.box.height
    over = {"left": -box.x, "right": box.right - width, "top": -box.y, "bottom": box.top - height}
    for edge in sorted(edge for edge, reach in over.items() if reach > _SLACK):
        if edge == _fold(panel, layout):
            what = f"runs {to_mm(over[edge]):.1f} mm over the fold at its {edge}"
            findings.append(error("design.frame.fold", where, what, "end it at the fold"))
        elif abs(over[edge] - layout.bleed) > _SLACK:
            reach, bleed = to_mm(over[edge]), to_mm(layout.bleed)
            what = f"ends {reach:.1f} mm beyond the trim at its {edge}; the bleed is {bleed:.1f} mm"
            findings.append(error("design.frame.bleed", where, what, "run it to the end of the bleed"))
    return findings


def _fold(panel: Panel, layout: Format) -> str:
    """The edge of a panel that is a fold, as the panel is read."""
    if layout.fold == "side":
        return "right" if panel.name in ("back", "left") else "left"
    if layout.fold == "top":
        return "bottom" if panel.name == "top" else "top"
    return ""


def _size(box: Box) -> str:
    return f"{to_mm(box.width):.0f} x {to_mm(box.height):.0f} mm"
