"""Merge fields of a message: a row each — name, label, a sample, and where its value comes from.

A field that cannot be filled refuses the order. Nothing ever prints an empty place or a pair of braces.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from cardpipe.model.finding import Finding, error
from cardpipe.model.order import Order

_FIELD = re.compile(r"\{\s*([^{}]*?)\s*\}")
_TITLES = {"mr", "mrs", "ms", "miss", "mx", "dr", "prof", "rev", "sir", "madam", "herr", "frau", "mme", "m"}


@dataclass(frozen=True, slots=True)
class Field:
    """One merge field."""

    name: str
    label: str
    sample: str
    value: Callable[[Order], str]


def _first_name(order: Order) -> str:
    """The first given name: titles in front are passed over; an initial is no name to greet somebody by."""
    for word in order.recipient.name.split():
        plain = word.strip(".,").lower()
        if plain in _TITLES:
            continue
        return word.strip(",") if len(plain) > 1 else ""
    return ""


FIELDS = (
    Field("name", "recipient's whole name", "Marisol Ortega", lambda order: order.recipient.name),
    Field("first_name", "recipient's first name", "Marisol", _first_name),
    Field("company", "recipient's company", "Ortega Books", lambda order: order.recipient.company),
    Field("city", "recipient's city", "Tucson", lambda order: order.recipient.city),
    Field("sender_name", "sender's name", "June Abara", lambda order: order.sender.name),
    Field("sender_company", "sender's company", "Alder Lane Homes", lambda order: order.sender.company),
)


def merge(order: Order) -> tuple[str, list[Finding]]:
    """The message with its fields filled: from the table above, then from the order's metadata."""
    values = {field.name: field.value for field in FIELDS}
    findings: list[Finding] = []

    def fill(match: re.Match[str]) -> str:
        name = match.group(1)
        value = values[name](order) if name in values else order.metadata.get(name, "")
        if not value:
            known = ", ".join([*values, *sorted(order.metadata)])
            why = "has no value for this order" if name in values or name in order.metadata else "is not known"
            findings.append(
                error("message.field", "message", f"merge field {{{name}}} {why}", f"fill it, or use one of: {known}")
            )
        return value

    text = _FIELD.sub(fill, order.message)
    if not findings and re.search(r"[{}]", text):
        findings.append(
            error(
                "message.braces",
                "message",
                "has a brace that belongs to no merge field",
                "write {first_name}, or leave it out",
            )
        )
    return text, findings
