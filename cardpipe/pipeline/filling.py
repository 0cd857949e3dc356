"""Filling: the cells of one row become the data of one order. Nothing is judged here that the order judges itself."""

from __future__ import annotations

import re
import types
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Union, get_args, get_origin

from cardpipe.model.address import Address
from cardpipe.model.finding import Finding, error, note
from cardpipe.model.order import Order
from cardpipe.pipeline import vcard
from cardpipe.pipeline.exports import country_code
from cardpipe.prepress import fields

ADDRESSES = ("recipient", "sender")
#: Parts that files have and an address has not: they become its name and its lines of street.
NAME_PARTS = ("prefix", "first_name", "middle_name", "last_name", "suffix")
_PARTS = (*NAME_PARTS, "street3", "po_box", "vcard_name", "vcard_address")
_VCARD_NAME = ("last_name", "first_name", "middle_name", "prefix", "suffix")
_VCARD_ADDRESS = ("po_box", "street2", "street", "city", "state", "postcode", "country")
_FOCUS = ("photo_focus", "photos_focus")
#: What a spreadsheet makes of a yes or a no.
_YES_NO = {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False}


@dataclass(frozen=True, slots=True)
class Plan:
    """What a mapping means for one header: cell → column, then column → text where nothing stood."""

    takes: tuple[tuple[int, str], ...]
    defaults: tuple[tuple[str, str], ...]
    places: Mapping[str, int]

    def fill(self, line: int, cells: Sequence[str]) -> tuple[dict[str, Any], tuple[Finding, ...]]:
        """The data of one order, and what could not be read of it."""
        found: list[Finding] = []
        values = {to: cell for place, to in self.takes if (cell := cells[place].strip())}
        for who in ADDRESSES:
            _compose(values, who, f"line {line} {who}", found)
        for column, text in self.defaults:
            if column not in values and (filled := self._default(column, text, f"line {line} {column}", cells, found)):
                values[column] = filled
        for who in ADDRESSES:
            if country := values.get(f"{who}.country"):
                values[f"{who}.country"] = country_code(country) or country
        return _nested(values, line, found), tuple(found)

    def _default(self, column: str, text: str, where: str, cells: Sequence[str], found: list[Finding]) -> str:
        """A default with the cells that it names; the merge fields of a message stay for later."""

        def fill(match: re.Match[str]) -> str:
            name, instead = fields.read(match)
            if name not in self.places:
                return match.group(0)
            cell = cells[self.places[name]].strip()
            if re.search(r"[{}]", cell):
                remedy = "take the braces out: fields are filled in the default alone"
                found.append(error("row.braces", where, f"is made of {name!r}, which holds a brace here", remedy))
            elif not cell and instead is None:
                remedy = f"fill the cell, or write {{{name}|…}} with what to say instead"
                found.append(error("row.default", where, f"is made of {name!r}, which is empty here", remedy))
            elif not cell:
                found.append(note("row.default_used", where, f"{name!r} is empty; the stated words stand instead"))
                return fields.EMPTY if column == "message" and not instead else instead or ""
            return cell

        filled = fields.PLACE.sub(fill, text)
        return fields.tidied(filled) if fields.EMPTY in filled else filled


def columns() -> list[str]:
    """Every column that has one name; see :func:`groups` for the others."""
    whole = [name for name in Order.model_fields if name not in ADDRESSES and kind(name) is not dict]
    return [*whole, *(f"{who}.{part}" for who in ADDRESSES for part in (*Address.model_fields, *_PARTS))]


def groups() -> list[str]:
    """Fields whose parts the customer names: ``photos`` has columns such as ``photos.main``."""
    return [name for name in Order.model_fields if kind(name) is dict]


@lru_cache(maxsize=64)
def kind(name: str) -> type:
    """What a field of an order is made of: dict, list, bool, or str for all that is written as text."""
    said = Order.model_fields[name].annotation
    if get_origin(said) in (Union, types.UnionType):
        said = next(one for one in get_args(said) if one is not type(None))
    found = get_origin(said) or said
    return found if found in (dict, list, bool) else str


def _compose(values: dict[str, str], who: str, where: str, found: list[Finding]) -> None:
    """The parts of a name into the name, lines of a street into two; each part is taken off the values."""
    given = {part: text for part in _PARTS if (text := values.pop(f"{who}.{part}", ""))}
    for part, text in _of_vcard(given).items():
        if part in _PARTS:
            given.setdefault(part, text)
        else:
            values.setdefault(f"{who}.{part}", text)
    parts = [given[part] for part in NAME_PARTS if part in given]
    if parts:
        values.setdefault(f"{who}.name", " ".join(parts))
    first = given.get("first_name", "")
    if who == "recipient" and (" " in first or (first and "prefix" in given)):
        # the name's first word would be half of "Mary Ann", or the prefix: the file knows better
        values.setdefault("metadata.first_name", first)
    box = given.get("po_box", "")
    streets = [values.pop(f"{who}.street", ""), values.pop(f"{who}.street2", ""), given.get("street3", "")]
    streets.append(f"PO Box {box}" if box.isdigit() else box)
    lines = [line for street in streets for line in _lines(street)]
    if len(lines) > 2:
        what = f"has {len(lines)} lines of street; an address has two"
        found.append(error("row.street_lines", f"{where}.street", what, "write them in two lines"))
    values |= dict(zip((f"{who}.street", f"{who}.street2"), lines, strict=False))


def _lines(street: str) -> list[str]:
    """The lines of a cell; commas between them go, as the line's end says the same."""
    found = [line.strip() for line in street.splitlines() if line.strip()]
    return [line.rstrip(", ") for line in found[:-1]] + found[-1:]


def _of_vcard(given: dict[str, str]) -> dict[str, str]:
    """The parts of vCard's N and ADR."""
    name = [part.replace(",", " ") for part in vcard.parts(given.pop("vcard_name", ""))]
    address = vcard.parts(given.pop("vcard_address", ""))
    said = [*zip(_VCARD_NAME, name, strict=False), *zip(_VCARD_ADDRESS, address, strict=False)]
    return {part: text for part, text in said if text}


def _nested(values: Mapping[str, str], line: int, found: list[Finding]) -> dict[str, Any]:
    data: dict[str, Any] = {}
    for column, value in values.items():
        group, _, part = column.partition(".")
        if group in _FOCUS:
            shares = _shares(value)
            if shares is None:
                said = f"is {value[:20]!r}, not two shares"
                remedy = "write the share from the left and that from the top, such as 0.5 0.3"
                found.append(error("row.focus", f"line {line} {column}", said, remedy))
            elif part:
                data.setdefault(group, {})[part] = shares
            else:
                data[column] = shares
        elif part:
            data.setdefault(group, {})[part] = value
        elif kind(column) is list:
            data[column] = [code.strip() for code in value.split(";") if code.strip()]
        elif kind(column) is not bool:
            data[column] = value
        elif value.lower() in _YES_NO:
            data[column] = _YES_NO[value.lower()]
        else:
            said = f"is {value[:20]!r}, neither yes nor no"
            found.append(error("row.yes_no", f"line {line} {column}", said, "write yes or no, or leave it empty"))
    return data


def _shares(text: str) -> list[float] | None:
    """``0.5 0.3``, also with a comma, a semicolon or brackets; whether they lie between 0 and 1 the order says."""
    parts = re.split(r"[\s,;]+", text.strip(" []()"))
    if len(parts) != 2 or not all(re.fullmatch(r"-?(\d{1,9}\.?\d{0,9}|\.\d{1,9})", part) for part in parts):
        return None
    return [float(part) for part in parts]
