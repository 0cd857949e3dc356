"""Merge fields of a message: a row each — name, label, a sample, and where its value comes from.

A field that cannot be filled refuses the order, unless the message states what to say instead: ``{first_name|friend}``.
``{company|}`` says nothing there, and the blank before it goes, too. Nothing ever prints an empty place by accident, a
blank before a comma, or a pair of braces.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable
from dataclasses import dataclass

from cardpipe.model.finding import Finding, error, has_errors, note
from cardpipe.model.order import Order

#: A place to be filled; :func:`read` takes it apart. (Blanks are left to it: sought here, many would take hours.)
PLACE = re.compile(r"\{([^{}|]*)(?:\|([^{}]*))?\}")
#: Stands where nothing is to be printed, until the blanks around it are tidied. Messages cannot hold it (category Co).
EMPTY = "\ue000"
_TITLES = {"mr", "mrs", "ms", "miss", "mx", "dr", "prof", "rev", "sir", "madam", "herr", "frau", "mme", "m"}


@dataclass(frozen=True, slots=True)
class Field:
    """One merge field."""

    name: str
    label: str
    sample: str
    value: Callable[[Order], str]


def _first_name(order: Order) -> str:
    """The first given name: the one that the order states in its metadata ("Mary Ann"), or else the name's first word.
    Titles in front are passed over; an initial is no name to greet somebody by."""
    if stated := order.metadata.get("first_name", ""):
        return stated
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


def names() -> list[str]:
    """The names of the fields that every order has; its metadata are others."""
    return [field.name for field in FIELDS]


def read(place: re.Match[str]) -> tuple[str, str | None]:
    """Of a :data:`PLACE` its name, and what stands there where it has no value (None: that is an error)."""
    name, instead = place.groups()
    return name.strip(), None if instead is None else instead.strip()


def merge(order: Order) -> tuple[str, list[Finding]]:
    """The message with its fields filled: from the table above, then from the order's metadata. The findings may be
    notes alone: each says where a stated default stands."""
    values = {field.name: field.value for field in FIELDS}
    findings: list[Finding] = []

    def fill(match: re.Match[str]) -> str:
        name, instead = read(match)
        value = values[name](order) if name in values else order.metadata.get(name, "")
        if value:
            return value
        meant = [] if name in values or name in order.metadata else _misspelt(name)
        if instead is not None and not meant:
            said = "its stated default stands there" if instead else "nothing stands there, as is stated"
            findings.append(note("message.field.default", "message", f"{{{name}}} has no value; {said}"))
            return instead or EMPTY
        known = ", ".join([*values, *sorted(order.metadata)])
        why = "has no value for this order" if name in values or name in order.metadata else "is not known"
        remedy = (
            f"did you mean {{{meant[0]}}}?" if meant else f"fill it, state a default ({{{name}|…}}), or use: {known}"
        )
        findings.append(error("message.field", "message", f"merge field {{{name}}} {why}", remedy))
        return ""

    text = tidied(PLACE.sub(fill, order.message))
    if has_errors(findings):
        return text, findings
    if re.search(r"[{}]", text):
        remedy = "write {first_name}, or leave it out"
        findings.append(error("message.braces", "message", "has a brace that belongs to no merge field", remedy))
    elif not text.strip():
        remedy = "state a default that says something, or write words around it"
        findings.append(error("message.empty", "message", "is empty once its fields are filled", remedy))
    return text, findings


def tidied(text: str) -> str:
    """The text without its :data:`EMPTY` places: no blank before a comma or a line's end, no two blanks between words,
    and no line where one held nothing else."""
    if EMPTY not in text:
        return text
    text = re.sub(rf"(?m)^[ \t]*{EMPTY}[ \t{EMPTY}]*(?:\n|\Z)", "", text)
    text = re.sub(rf"(?<![ \t{EMPTY}])[ \t]*{EMPTY}[ \t{EMPTY}]*+(?=[,.;:!?)\n]|\Z)", "", text)
    text = re.sub(rf"(^|[\s(]){EMPTY}[ \t{EMPTY}]*", r"\1", text)
    return re.sub(r"\n{3,}", "\n\n", text.replace(EMPTY, "")).strip("\n")


def _misspelt(name: str) -> list[str]:
    """The field that was meant by a name that is no field: with a default its misspelling would never be seen."""
    return difflib.get_close_matches(name.lower().replace(" ", "_"), names(), 1, 0.9)
