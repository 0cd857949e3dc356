"""The form of a mapping: our fields, each with the column that it takes and the words that stand where none is."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError

from cardpipe.console.visit import Visit
from cardpipe.model.errors import Refused
from cardpipe.model.finding import Finding, error
from cardpipe.model.order import Order
from cardpipe.pipeline import bulk
from cardpipe.pipeline.glance import Glance
from cardpipe.pipeline.mapping import Columns
from cardpipe.prepress import fields

#: Field, what it is called, and what to know of it. Those that are not named here stand under "More".
GROUPS: tuple[tuple[str, tuple[tuple[str, str, str], ...]], ...] = (
    ("The card", (
        ("reference", "Reference", "Your own id of this card, never used twice: put a column in braces into words."),
        ("occasion", "Occasion", "birthday, thank-you …"),
        ("design", "Design", "Empty: the one that was made for the occasion."),
        ("message", "Message", "{first_name} and the like are filled in for each card; {company|} may be empty."),
        ("hand", "Hand", "Empty: the design's own."),
        ("ink", "Ink", "Empty: the design's own."),
        ("photo", "Photo", "A file in the ZIP, or the sha256:… of an upload."),
        ("signature", "Signature", "A file in the ZIP, or the sha256:… of an upload."),
        ("mail_on", "Mail date", "YYYY-MM-DD, of single cards; for all of them, see below."),
    )),
    ("Who gets it", (
        ("recipient.name", "Name", "The whole name; or its parts, below."),
        ("recipient.first_name", "First name", ""),
        ("recipient.last_name", "Last name", ""),
        ("recipient.company", "Company", ""),
        ("recipient.street", "Street", ""),
        ("recipient.street2", "Street, second line", "Apartment, suite, unit."),
        ("recipient.city", "City", ""),
        ("recipient.state", "State or region", ""),
        ("recipient.postcode", "Postcode", "Text, not a number: 02134 keeps its nought."),
        ("recipient.country", "Country", "Empty: US."),
    )),
    ("Who sends it", (
        ("sender.name", "Name", "It stands on the envelope, where the post brings a card back to."),
        ("sender.company", "Company", ""),
        ("sender.street", "Street", ""),
        ("sender.street2", "Street, second line", ""),
        ("sender.city", "City", ""),
        ("sender.state", "State or region", ""),
        ("sender.postcode", "Postcode", ""),
        ("sender.country", "Country", "Empty: US."),
    )),
)  # fmt: skip
_MAIN = {target for _, rows in GROUPS for target, _, _ in rows}
#: Of vCards alone, and suggested there by themselves.
_RARE = ("vcard_name", "vcard_address")
_LISTS = {"occasion": "occasions", "design": "designs", "hand": "hands", "approval": "approvals"}


@dataclass(slots=True)
class Mapping:
    """What is chosen so far: field → header, field → words, and what holds for every card."""

    takes: dict[str, str] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)
    keep_rest: bool = False
    mail_on: str = ""
    approval: str = ""
    findings: list[Finding] = field(default_factory=list)

    def columns(self, header: Sequence[str]) -> Columns:
        """As the pipeline takes it. What nobody chose is left out on purpose. Raises Refused."""
        if not header:
            return Columns()
        chosen = {heading: target for target, heading in self.takes.items()}
        for heading in header:
            if heading not in chosen and (not self.keep_rest or _is_field(heading)):
                chosen[heading] = "-"
        try:
            return Columns(columns=chosen, defaults=dict(self.texts), keep_rest=self.keep_rest)
        except ValidationError as problem:
            found = [
                error("columns.invalid", ".".join(map(str, item["loc"][-1:])), item["msg"], "make it shorter")
                for item in problem.errors()
            ]
            raise Refused("The mapping cannot be used.", found) from None

    def terms(self) -> dict[str, str]:
        """What holds for each row that does not say otherwise."""
        return {name: value for name, value in (("mail_on", self.mail_on), ("approval", self.approval)) if value}


def suggested(seen: Glance, today: dt.date) -> Mapping:
    """A first mapping, for a person to look over."""
    made, suggestion = Mapping(), seen.suggested()
    if suggestion is None:
        return made
    made.takes = {row.target: row.header for row in suggestion.rows if row.target and row.target != "-"}
    if "reference" not in made.takes and suggestion.id:
        made.texts["reference"] = f"{today:%Y-%m}-{{{suggestion.id}}}"
    return made


def stored(columns: dict[str, Any], terms: dict[str, Any]) -> Mapping:
    """The mapping of an import that was taken in before."""
    said = Columns.model_validate(columns)
    takes = {target: heading for heading, target in said.columns.items() if target not in ("-", "") and heading != "*"}
    return Mapping(takes, dict(said.defaults), said.keep_rest, str(terms.get("mail_on") or ""),
                   str(terms.get("approval") or ""))  # fmt: skip


def posted(visit: Visit, seen: Glance) -> Mapping:
    """What the form says, with all that is wrong with its own words among the findings."""
    made, header = Mapping(keep_rest=visit.form.get("keep_rest") == "yes"), seen.header
    taken: dict[str, str] = {}
    for name, value in visit.form.items():
        kind, _, target = name.partition(":")
        if kind == "take" and value.isdecimal() and len(value) < 5 and int(value) < len(header):
            heading = header[int(value)]
            if heading in taken:
                what = f"takes the column {heading!r}, as {taken[heading]} does"
                remedy = f"choose it once, and write {{{heading}}} as the words of the other"
                made.findings.append(error("csv.column_twice", target, what, remedy))
                continue
            taken[heading] = target
            made.takes[target] = heading
        elif kind == "text" and value and target:
            made.texts[target] = value.replace("\r\n", "\n")
    made.approval = {"none": "none", "required": "required"}.get(visit.form.get("approval", ""), "")
    if given := visit.form.get("mail_on", ""):
        try:
            made.mail_on = dt.date.fromisoformat(given).isoformat()
        except ValueError:
            found = error("order.invalid", "mail_on", "is not a date", "write YYYY-MM-DD, or leave it empty")
            made.findings.append(found)
    return made


def laid_out(seen: Glance, made: Mapping, photos: Sequence[str]) -> list[dict[str, Any]]:
    """The groups of the form, each with its rows; what is chosen outside of the usual fields stands open."""
    samples = seen.samples()
    groups = [
        {"title": title, "open": True, "rows": [_row(*row, seen.header, samples, made) for row in rows]}
        for title, rows in GROUPS
    ]
    known = [name for name in bulk.columns() if name not in _MAIN and name.partition(".")[2] not in _RARE]
    chosen = {*made.takes, *made.texts}
    others = [*known, *(f"photos.{name}" for name in photos)]
    others += sorted(chosen - _MAIN - set(others))
    rows = [_row(name, name.replace("_", " ").replace(".", ": "), "", seen.header, samples, made) for name in others]
    groups.append({"title": "More", "open": any(name in chosen for name in others), "rows": rows})
    return groups


def read_aloud(data: dict[str, Any]) -> dict[str, Any] | None:
    """The first card as it would read: its address in lines and its message with the names in it; None where the row
    is no order yet."""
    try:
        order = Order.model_validate(data)
    except ValidationError:
        return None
    to = order.recipient
    city = " ".join(part for part in (f"{to.city},".strip(",") if not to.state else f"{to.city},", to.state,
                                      to.postcode) if part)  # fmt: skip
    lines = [to.name, to.company, to.street, to.street2, city, to.country if to.country != "US" else ""]
    message, findings = fields.merge(order)
    return {"lines": [line for line in lines if line], "message": message, "reference": order.reference,
            "findings": findings}  # fmt: skip


def _row(
    target: str, label: str, hint: str, header: Sequence[str], samples: list[list[str]], made: Mapping
) -> dict[str, Any]:
    heading = made.takes.get(target)
    place = header.index(heading) if heading in header else None
    return {
        "target": target, "label": label, "hint": hint, "place": place, "text": made.texts.get(target, ""),
        "samples": samples[place] if place is not None else [], "list": _LISTS.get(target, ""),
        "long": target == "message",
    }  # fmt: skip


def _is_field(heading: str) -> bool:
    group, dot, part = heading.partition(".")
    return heading in bulk.columns() or (bool(dot and part) and group in bulk.groups())
