"""Our own few words on a sheet: one line of printed text as a mark, for whoever holds the sheet in the shop."""

from __future__ import annotations

from typing import Literal

from cardpipe.model.errors import Bug
from cardpipe.model.units import Points
from cardpipe.prepress.page import BLACK, Ink, Text
from cardpipe.prepress.typeset import Face, Printed, set_printed


def line(face: Face, text: str, size: Points) -> Printed:
    """The line, shaped; its width is known. Raises Bug where the face lacks a letter: these words are ours."""
    made = set_printed(face, text, size)
    if isinstance(made, list):
        raise Bug(f"our own words cannot be set in {face.name}", made)
    return made


def letter(
    face: Face,
    text: str,
    size: Points,
    x: Points,
    y: Points,
    *,
    align: Literal["left", "center"] = "left",
    turned: bool = False,
    ink: Ink = BLACK,
) -> Text:
    """The line as a mark: its baseline starts at ``x``, ``y``, or has its middle there. A turned line runs to the left
    and stands on its head."""
    made = line(face, text, size)
    shift = made.width / 2 if align == "center" else 0.0
    unit = size / made.font.units
    return Text(
        x + shift if turned else x - shift,
        y,
        text,
        f"font:{made.font.digest}",
        size,
        made.glyphs,
        made.advances,
        tuple(made.font.advance(glyph) * unit for glyph in made.glyphs),
        ink,
        turned,
        made.characters,
    )
