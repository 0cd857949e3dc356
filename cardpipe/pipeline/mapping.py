"""Mapping: which column of a customer's file is which column of an order, and what stands where a cell is empty."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from cardpipe.lettershop.countries import fold
from cardpipe.model.errors import Refused
from cardpipe.model.finding import Finding, error
from cardpipe.pipeline import exports, filling
from cardpipe.pipeline.filling import Plan
from cardpipe.pipeline.table import MAX_HEADER
from cardpipe.prepress import fields

#: What a header is mapped to that is left out on purpose; the header ``*`` stands for all that are not named.
LEFT_OUT = ("-", "")
ALL = "*"
MAX_METADATA = 20
MAX_KEY = 40
_REQUIRED = ("reference", "occasion", "message")
_NAMES = ("name", "company", "first_name", "last_name", "vcard_name")
#: Parts of an address that no constant may stand for: one person's card would go to another place.
_OWN = tuple(f"recipient.{part}" for part in ("street", "street2", "street3", "po_box", "postcode", "vcard_address"))
_LIST = "'cardpipe order columns' lists all"
_MANY = 50  # after so many findings no similar name is sought any more
_Header = Annotated[str, Field(max_length=MAX_HEADER)]
_Text = Annotated[str, Field(max_length=4000)]


class Columns(BaseModel):
    """The customer's word on a file. ``columns``: header → column, or ``-`` for one to be left out (``*``: all others).
    ``defaults``: column → what stands where its cell is empty or missing; ``{Record ID}`` puts in the cell under that
    header, and in a message merge fields stay. ``keep_rest``: what is not named becomes metadata. A header that is
    called as a column of an order needs no mapping."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    columns: dict[_Header, _Header] = Field(default_factory=dict, max_length=1000)
    defaults: dict[_Header, _Text] = Field(default_factory=dict, max_length=100)
    keep_rest: bool = False

    def plan(self, header: Sequence[str], name: str = "the file") -> Plan:
        """What this means for one header. Raises Refused with everything that is wrong with either."""
        desk = _Desk(self, tuple(cell.strip() for cell in header), name)
        plan = desk.plan()
        if desk.findings:
            raise Refused(f"the header of {name} cannot be used; no order of it was taken", desk.findings)
        return plan


@dataclass(frozen=True, slots=True)
class Suggested:
    """One header: its column (``-``: to be left out; empty: to be decided by a person), and how it was told: ``known``
    from an export's headers, ``name`` by what people call it, or ``none``."""

    header: str
    target: str
    confidence: Literal["known", "name", "none"]


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A first mapping for a person to look over. ``export`` names the recognised export, or is empty; ``id`` is the
    header by which it knows a person, good for a reference such as ``xmas26-{Record ID}``."""

    export: str
    id: str
    rows: tuple[Suggested, ...]

    def columns(self) -> Columns:
        """As a mapping; what is to be decided is not in it."""
        return Columns(columns={row.header: row.target for row in self.rows if row.target})


def suggest(header: Sequence[str]) -> Suggestion:
    """What each header probably means. No column is given to two headers, and none is guessed from its cells."""
    names = [cell.strip() for cell in header]
    export = exports.recognised(names)
    known = {cell: target for cell in names if export and (target := export.target(cell))}
    rank = {target: place for place, target in enumerate(export.targets if export else ())}
    order = sorted(known, key=lambda cell: rank.get(exports.plain(cell), len(rank)))
    winner = {target: cell for cell in reversed(order) if (target := known[cell]) != "-"}
    taken = set(winner) | {cell for cell in names if _is_column(cell)}
    rows: list[Suggested] = []
    for cell in names:
        if _is_column(cell):
            rows.append(Suggested(cell, cell, "name"))
        elif cell in known:
            target = known[cell]
            rows.append(Suggested(cell, target if winner.get(target) == cell else "-", "known"))
        elif (target := _spoken(cell)) and target not in taken:
            taken.add(target)
            rows.append(Suggested(cell, target, "name"))
        else:
            rows.append(Suggested(cell, "", "none"))
    ids = export.ids if export else ()
    return Suggestion(
        export.name if export else "", next((c for c in names if exports.plain(c) in ids), ""), tuple(rows)
    )


def key(header: str) -> str:
    """A header as a key of metadata: ``Favourite Colour`` → ``favourite_colour``."""
    return re.sub(r"\W+", "_", header.lower()).strip("_")[:MAX_KEY]


def _is_column(name: str) -> bool:
    group, _, part = name.partition(".")
    return name in filling.columns() or (bool(part) and group in filling.groups())


def _spoken(header: str) -> str:
    word = fold(header)
    near = difflib.get_close_matches(word, exports.spoken(), 1, 0.9) if len(word) > 3 else []
    return exports.spoken().get(near[0] if near else word, "")


class _Desk:
    """One mapping and one header on the desk, and all that is wrong with them."""

    def __init__(self, said: Columns, header: tuple[str, ...], name: str) -> None:
        self.said, self.header, self.name = said, header, name
        self.findings: list[Finding] = []
        self.targets: dict[str, list[str]] = {}
        self.used = {
            fields.read(match)[0] for text in said.defaults.values() for match in fields.PLACE.finditer(text)
        } & set(header)  # fmt: skip
        self.stated = bool(said.columns or said.defaults)

    def plan(self) -> Plan:
        unknown = self._targets()
        if unknown and not self.targets and not self.used:  # perhaps no header at all: then these are somebody's data
            what = f"has {len(unknown)} columns, and none that is known"
            self._wrong("csv.header", "first line", what, "name the columns in the first line, or map them")
            return Plan((), (), {})
        if self.said.keep_rest:
            unknown = self._keep(unknown)
        for header in unknown:
            self._wrong("csv.column", f"column {header!r}", "is no column of an order", self._remedy(header))
        self._judge_mapping()
        self._judge_twice()
        self._judge_defaults()
        self._judge_missing()
        self._judge_metadata()
        places = {header: place for place, header in enumerate(self.header)}
        takes = tuple((places[headers[0]], target) for target, headers in self.targets.items())
        return Plan(takes, tuple(self.said.defaults.items()), places)

    def _wrong(self, code: str, where: str, what: str, remedy: str) -> None:
        self.findings.append(error(code, f"{self.name} {where}", what, remedy))

    def _targets(self) -> list[str]:
        """Who gives which column; the headers of which nothing is said."""
        unknown = []
        for header in self.header:
            said = self.said.columns.get(header)
            if said in LEFT_OUT:
                continue
            if said is not None:
                self.targets.setdefault(said, []).append(header)
            elif _is_column(header):
                self.targets.setdefault(header, []).append(header)
            elif header not in self.used and self.said.columns.get(ALL) not in LEFT_OUT:
                unknown.append(header)
        return unknown

    def _keep(self, unknown: list[str]) -> list[str]:
        """What nothing is said of goes into metadata; what cannot is left."""
        for header in unknown:
            if word := key(header):
                self.targets.setdefault(f"metadata.{word}", []).append(header)
        return [header for header in unknown if not key(header)]

    def _remedy(self, header: str) -> str:
        if not header:
            return "give it a name, or map the empty header to '-'"
        export = exports.recognised(self.header)
        likely = (export.target(header) if export else None) or _spoken(header)
        if likely and likely not in self.targets:
            return f"map it to {likely!r}" + (", which leaves it out" if likely == "-" else "")
        near = self._near(header, filling.columns())
        return f"did you mean {near[0]!r}?" if near else f"rename it, or map it ('-' leaves it out); {_LIST}"

    def _judge_mapping(self) -> None:
        for header, target in self.said.columns.items():
            if header == ALL:
                if target not in LEFT_OUT:
                    self._wrong(
                        "csv.column", "mapping '*'", "stands for many columns", "map it to '-', or leave it away"
                    )
                elif self.said.keep_rest:
                    self._wrong("csv.column", "mapping '*'", "leaves out what keep_rest keeps", "choose one of them")
                continue
            if header not in self.header and target not in LEFT_OUT:
                near = self._near(header, self.header)
                remedy = f"did you mean {near[0]!r}?" if near else "write it as in the file's first line"
                self._wrong("csv.header_missing", f"mapping {header!r}", "is no header of the file", remedy)
            if target not in LEFT_OUT and not _is_column(target):
                self._wrong(
                    "csv.column", f"mapping {header!r}", f"{target!r} is no column of an order", self._which(target)
                )

    def _judge_twice(self) -> None:
        for target, headers in self.targets.items():
            if len(headers) < 2:
                continue
            if len(set(headers)) == 1:
                self._wrong("csv.column_twice", f"column {headers[0]!r}", "comes twice", "remove one")
            else:
                named = ", ".join(map(repr, headers))
                self._wrong("csv.column_twice", f"column {target!r}", f"is given by {named}", "map all but one to '-'")
        for header in sorted(self.used):
            if self.header.count(header) > 1:
                self._wrong(
                    "csv.column_twice", f"column {header!r}", "comes twice, and a default names it", "remove one"
                )

    def _judge_defaults(self) -> None:
        for column, text in self.said.defaults.items():
            place = f"default of {column!r}"
            if not _is_column(column):
                self._wrong("csv.column", place, "is no column of an order", self._which(column))
            named = [fields.read(match)[0] for match in fields.PLACE.finditer(text)]
            if column in ("reference", *_OWN) and not set(named) & self.used:
                what = "is the same for every row" if column == "reference" else "would send cards to one same place"
                self._wrong("csv.default_same", place, what, "put a column of the file in, such as {Record ID}")
            for field in sorted(set(named) - self.used):
                if column != "message" or not self._will_be_filled(field):
                    known = [*self.header, *(fields.names() if column == "message" else ())]
                    near = self._near(field, known)
                    remedy = f"did you mean {{{near[0]}}}?" if near else "name a header as it stands in the first line"
                    self._wrong("csv.default_field", place, f"{{{field}}} is no column of the file", remedy)

    def _will_be_filled(self, field: str) -> bool:
        given = {*self.targets, *self.said.defaults}
        return field in fields.names() or f"metadata.{field}" in given

    def _judge_missing(self) -> None:
        given = {*self.targets, *self.said.defaults}
        for column in _REQUIRED:
            if column not in given:
                remedy = "map a column to it, or state a default" if self.stated else "add it"
                self._wrong("csv.column_missing", f"column {column!r}", "is missing", remedy)
        for who in filling.ADDRESSES if self.stated else ():
            if not given & {f"{who}.{part}" for part in _NAMES}:
                remedy = f"map a column to {who}.name or {who}.company, or state a default"
                self._wrong("csv.column_missing", f"column '{who}.name'", "is missing", remedy)

    def _judge_metadata(self) -> None:
        kept = {column for column in (*self.targets, *self.said.defaults) if column.startswith("metadata.")}
        kept |= {"metadata.first_name"} if "recipient.first_name" in self.targets and kept else set()
        if len(kept) > MAX_METADATA:
            what = f"would have {len(kept)} keys; an order has at most {MAX_METADATA}"
            self._wrong("csv.metadata", "metadata", what, "map the columns that no card needs to '-'")

    def _near(self, word: str, names: Sequence[str]) -> list[str]:
        return difflib.get_close_matches(word, names, 1, 0.6) if len(self.findings) < _MANY else []

    def _which(self, column: str) -> str:
        near = self._near(column, filling.columns())
        return f"did you mean {near[0]!r}?" if near else _LIST
