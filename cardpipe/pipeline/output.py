"""Whether a design's art can become the file that a press takes: its output standard is chosen with the press.

PDF/X-4 takes transparency and tagged colour. PDF/X-1a takes neither (ISO 15930-4), and nothing flattens or converts
art on its way: what an artist did not look at is not printed. Asked when a design is checked and when an order is
accepted, so that no such piece is ever composed.
"""

from __future__ import annotations

from functools import partial

from cardpipe.model.errors import Refused
from cardpipe.model.finding import Finding, Level, error
from cardpipe.model.units import Points
from cardpipe.pipeline.pinned import Recent
from cardpipe.ports import DesignSource
from cardpipe.preflight.art import inspect_art
from cardpipe.preflight.codes import DAMAGED, EXCESS
from cardpipe.preflight.profile import Profile
from cardpipe.prepress.art import KINDS
from cardpipe.prepress.pdf import is_transparent
from cardpipe.prepress.press import Output, Press
from cardpipe.prepress.svgcolour import transparent

_BLENDING = {"x1a.form.group", "x1a.image.soft_mask", "x1a.gstate"}
_SHOWN = 4  # causes that a message names; an artist finds the others beside them

_seen = Recent(128)


def judge_output(source: DesignSource, output: Output) -> list[Finding]:
    """What in the art cannot be printed on a press with this output standard; nothing, where it asks for X-4.

    Codes, all errors: ``design.transparency`` something shines through; ``design.colour`` RGB, Lab or a profile's
    colours; ``design.output`` what the standard is too old for (JPEG 2000, 16 bits, OpenType); ``design.art.damaged``.
    A side of art is looked at once for all orders with it.
    """
    if output == "X-4":
        return []
    found: list[Finding] = []
    for side in source.format.sides:
        name = f"{side}.pdf"
        if name in source.files:
            where = f"designs/{source.design.name}/{saved(source, side)}"
            bleed = source.format.bleed
            key = (where, source.digests[name], output, str(bleed))
            drawing = source.files.get(f"{side}.svg", b"")
            found += _seen.get(key, partial(_judge, source.files[name], where, output, bleed, drawing))
    return found


def saved(source: DesignSource, side: str) -> str:
    """The file of a side as its artist saved it: an SVG or a PNG, or the PDF itself."""
    return next((f"{side}.{kind}" for kind in KINDS if f"{side}.{kind}" in source.files), f"{side}.pdf")


def judge_art(source: DesignSource, press: Press) -> list[Finding]:
    """What the inspector finds in the art itself, errors only: art that no press may have stops the order, not
    the batch in which it would lie. Each side is looked at once for all orders with it."""
    profile = Profile.for_press(press, trim=source.format.flat, bleed=source.format.bleed, pages_per_piece=None)
    found: list[Finding] = []
    for side in source.format.sides:
        name = f"{side}.pdf"
        if name in source.files:
            key = ("art", source.design.name, source.digests[name], press.model_dump_json())
            found += _seen.get(
                key,
                partial(_errors, source.files[name], f"designs/{source.design.name}/{saved(source, side)}", profile),
            )
    return found


def _errors(data: bytes, where: str, profile: Profile) -> list[Finding]:
    report = inspect_art(data, profile)
    return [
        error(item.code, f"{where}, {item.where}", item.message, item.remedy)
        for item in report.findings
        if item.level is Level.ERROR
    ]


def _judge(data: bytes, where: str, output: Output, bleed: Points, drawing: bytes = b"") -> list[Finding]:
    """``drawing`` is the SVG that the page was made of: its elements are what an artist can find."""
    try:
        blends = is_transparent(data, where)
    except Refused as problem:
        return list(problem.findings)
    report = inspect_art(data, Profile(name=output, standard=output, bleed=bleed))
    remarks = [item for item in report.findings if item.level is Level.ERROR]
    found = [error("design.art.damaged", where, item.message) for item in remarks if item.code in (DAMAGED, EXCESS)]
    causes = [item.message for item in remarks if item.code in _BLENDING]
    if blends or causes:
        if drawing:
            causes = transparent(drawing) or causes
        found.append(
            error("design.transparency", where,
                  f"the art is transparent, and a press with output {output} takes none{_listed(causes)}",
                  "flatten the art and save it anew, or order it on a press with output X-4")
        )  # fmt: skip
    if colours := [item.message for item in remarks if item.code == "x1a.colour"]:
        found.append(
            error("design.colour", where,
                  f"the art has other colours than inks, which output {output} forbids{_listed(colours)}",
                  "convert the art to CMYK and save it anew, or order it on a press with output X-4")
        )  # fmt: skip
    known = {*_BLENDING, "x1a.colour"}
    found += [
        error("design.output", where, f"{item.message}, and a press with output {output} does not take it", item.remedy)
        for item in remarks
        if item.code.startswith("x1a.") and item.code not in known
    ]
    return found


def _listed(causes: list[str]) -> str:
    """The first causes, each once, in the order of the art."""
    each = list(dict.fromkeys(causes))
    more = f", and {len(each) - _SHOWN} more" if len(each) > _SHOWN else ""
    return f": {', '.join(each[:_SHOWN])}{more}" if each else ""
