"""Every kind of card of print.md section 3, as formats: side fold, top fold, flat; inches and millimetres."""

from __future__ import annotations

from typing import Any

from cardpipe.model.units import Points, Size, inch, mm
from cardpipe.prepress.format import Fold, Format


def card(name: str, fold: Fold, width: Points, height: Points, bleed: Points = inch(0.125)) -> Format:
    """A format of which only the card matters; width and height are one panel's."""
    rest: dict[str, Any] = {"stock": "300gsm-coated", "stock_gsm": 300, "stock_mm": 0.34}
    return Format(name, name, fold, Size(width, height), bleed, 2 * bleed, Size(width, height), name, **rest)


FORMATS = {
    made.name: made
    for made in (
        card("A1", "side", inch(3.5), inch(4.875)),
        card("A1T", "top", inch(4.875), inch(3.5)),
        card("A2", "side", inch(4.25), inch(5.5)),
        card("A2T", "top", inch(5.5), inch(4.25)),
        card("A6us", "side", inch(4.5), inch(6.25)),
        card("A7", "side", inch(5), inch(7)),
        card("A7T", "top", inch(7), inch(5)),
        card("SQ", "side", inch(5), inch(5)),
        card("IA6", "side", mm(105), mm(148), mm(3)),
        card("IA6T", "top", mm(148), mm(105), mm(3)),
        card("IA5", "side", mm(148.5), mm(210), mm(3)),
        card("DL", "side", mm(99), mm(210), mm(3)),
        card("DLT", "top", mm(210), mm(99), mm(3)),
        card("A6F", "none", mm(148), mm(105), mm(3)),
        card("PF", "none", inch(4), inch(6)),
    )
}
