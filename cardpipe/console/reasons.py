"""Reasons in words: why something does not go on, and what a batch waits for. Codes are for programs."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from cardpipe.model.batch import Batch
from cardpipe.model.status import BatchState
from cardpipe.ports.batches import PRESORT_AWAITED
from cardpipe.ports.overview import HELD_PIECE

#: What is stuck, by kind: its heading, what is counted, and what it means.
KINDS = {
    "attention": ("Needs attention", "piece", "cannot be composed, or was taken out of a batch"),
    "held": ("Held", "order", "stand still until somebody lets them go on"),
    "refused": ("Refused", "row", "of files, or sent by themselves: they became no order yet"),
    "batch": ("Batches held", "batch", "nothing is handed over before they are resumed"),
}
_PLURAL = {"batch": "batches"}
_SAID = {
    "order.duplicate": "Looks like a second card", "operator": "By an operator", "crm": "By the CRM",
    "restored": "Restored: may have been printed", HELD_PIECE: "Pieces held by themselves",
    "unknown": "Without a reason", "piece.ejected": "Taken out of a batch", "piece.refused": "Kept failing",
    "photo.resolution.low": "Photo too coarse", "photo.resolution.unprintable": "Photo too coarse to be let pass",
    "order.occasion_date.far": "Celebrated long before or after it is mailed", "photo.missing": "Photo missing",
    "photo.no_frame": "Photo without a frame", "photo.decoder_died": "Photo cannot be opened",
    "photo.truncated": "Photo cut off", "picture.unknown": "Picture was never uploaded",
    "picture.not_uploaded": "Picture was never uploaded", "picture.path": "Picture not in the ZIP",
    "picture.unreachable": "Picture's server did not answer", "picture.url_off": "Pictures by URL are off",
    "message.glyph_missing": "A letter that the hand cannot write", "message.field": "A merge field is empty",
    "message.right_to_left": "Written from right to left", "message.empty": "No message",
    "message.braces": "Braces left in the message", "message.too_long": "Message too long",
    "message.word_too_wide": "A word too wide for the card", "text.too_wide": "A line too wide",
    "photo.damaged": "Photo is damaged", "photo.file_too_large": "Photo file too large", "photo.format": "No photo",
    "order.reference_reused": "Reference is taken",
    "order.invalid": "A field is invalid", "order.missing": "A field is missing",
    "order.unknown_field": "A field that no order has", "order.too_long": "A field is too long",
    "order.hand": "Unknown hand", "order.ink": "Unknown ink", "order.arrive_by.late": "Cannot arrive in time",
    "address.state.unknown": "Unknown state", "address.postcode.pattern": "Postcode is none",
    "address.postcode.contradicts": "Postcode and state disagree",
    "address.postcode.zero_lost": "Postcode lost its zero", "address.country.unknown": "Unknown country",
    "address.name.missing": "No name in the address", "address.return.foreign": "Return address abroad",
    "row.unreadable": "Row cannot be read", "row.cells": "Row with too few or too many cells",
    "presort": "Waits for the presort's return file", "scan": "Scans contradict each other",
    "reply": "The house said no", "impose": "Print files could not be made", "release": "Could not be handed over",
    "remake": "Remake could not be made",
}  # fmt: skip


def said(code: str) -> str:
    """A reason in a few words; for one that has none here, its code as words."""
    if code in _SAID:
        return _SAID[code]
    return code.replace(".", " ").replace("_", " ").capitalize()


def counted(count: int, word: str) -> str:
    """``1 piece``, ``4,012 pieces``."""
    return f"{count:,} {word if count == 1 else _PLURAL.get(word, word + 's')}"


def lasted(since: str, now: dt.datetime) -> str:
    """How long ago that moment was, as a person says it; empty where there is none."""
    try:
        return span((now - dt.datetime.fromisoformat(since)).total_seconds())
    except ValueError:
        return ""


def span(seconds: float) -> str:
    """``2 days 3 h``, ``3 h 12 min``, ``8 min``: the two largest parts, rounded down."""
    minutes = max(0, int(seconds // 60))
    days, hours, left = minutes // 1440, minutes // 60 % 24, minutes % 60
    if days:
        return f"{days} day{'s' if days > 1 else ''}" + (f" {hours} h" if hours else "")
    if hours:
        return f"{hours} h" + (f" {left} min" if left else "")
    return f"{left} min" if left else "less than a minute"


@dataclass(frozen=True, slots=True)
class Act:
    """What a batch waits for next. ``ours``: a person here has to do it; else it is in the making, or the house's."""

    text: str
    ours: bool = True


def next_act(batch: Batch) -> Act | None:
    """What comes next for a batch; None where nothing does."""
    if batch.held == PRESORT_AWAITED:
        return Act("Take the return file")
    if batch.held:
        return Act("Look why, then resume")
    if batch.state is BatchState.IMPOSED and batch.target:
        return Act("is being handed over", ours=False)
    return {
        BatchState.GATHERED: Act("print files are being made", ours=False),
        BatchState.IMPOSED: Act("Release"),
        BatchState.RELEASED: Act("Reconcile, or mark printed"),
        BatchState.PRINTED: Act("Mark handed to post"),
        BatchState.MAILED: Act("Settle"),
    }.get(batch.state)
