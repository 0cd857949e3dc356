"""The manifest: one row a piece, with totals that reconcile. CSV for the house's programs, JSON for ours.

Spreadsheets are the danger twice over: they drop the zeros of a ZIP code (so every cell is quoted text) and they run
what begins like a formula (so such a cell gets an apostrophe, which :func:`read_back` takes off again).
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

from cardpipe.model.errors import Refused
from cardpipe.model.finding import Finding, error
from cardpipe.model.order import canonical

SCHEMA = "cardpipe-manifest-1"
#: What a spreadsheet takes for a formula, also in its full-width spelling (OWASP, CSV Injection); an apostrophe before
#: it is doubled, so that taking one off is always right.
_FORMULA = re.compile(r"[\s']*[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20\u2212]")


@dataclass(frozen=True, slots=True)
class Row:
    """One piece, as it lies in the print files. Pages count from 1; the address is in parts, as it was judged."""

    batch: str
    seq: int
    reference: str
    match_code_card: str
    match_code_envelope: str
    design: str
    design_version: str
    format: str
    stock: str
    envelope: str
    name: str
    company: str
    street: str
    street2: str
    city: str
    state: str
    postcode: str
    country: str
    card_file: str
    card_page_first: int
    card_page_last: int
    envelope_file: str
    envelope_page: int
    weight_g: float
    thickness_mm: float
    sha256_card_fragment: str
    sha256_envelope_fragment: str


COLUMNS: tuple[str, ...] = tuple(field.name for field in fields(Row))
_WHOLE = frozenset({"seq", "card_page_first", "card_page_last", "envelope_page"})
_DECIMAL = {"weight_g": 1, "thickness_mm": 2}


@dataclass(frozen=True, slots=True)
class Totals:
    """What two parties compare before a press starts."""

    origin: str
    pieces: int
    card_pages: int
    envelope_pages: int
    seq_first: int
    seq_last: int
    seq_sum: int
    by_state: dict[str, int]
    by_country: dict[str, int]
    foreign: int


def totals(rows: Sequence[Row], origin: str = "US") -> Totals:
    """Control totals. States are counted at home only."""
    numbers = [row.seq for row in rows]
    home = [row for row in rows if row.country == origin]
    return Totals(
        origin=origin,
        pieces=len(rows),
        card_pages=sum(row.card_page_last - row.card_page_first + 1 for row in rows),
        envelope_pages=len(rows),
        seq_first=min(numbers, default=0),
        seq_last=max(numbers, default=0),
        seq_sum=sum(numbers),
        by_state=dict(sorted(Counter(row.state for row in home).items())),
        by_country=dict(sorted(Counter(row.country for row in rows).items())),
        foreign=len(rows) - len(home),
    )


def to_csv(rows: Iterable[Row]) -> bytes:
    """UTF-8 without a mark, LF, every cell quoted; a header, then the rows as they come."""
    sink = io.StringIO(newline="")
    writer = csv.writer(sink, quoting=csv.QUOTE_ALL, lineterminator="\n")
    writer.writerow(COLUMNS)
    for row in rows:
        writer.writerow([_cell(name, getattr(row, name)) for name in COLUMNS])
    return sink.getvalue().encode("utf-8")


def to_json(rows: Sequence[Row], origin: str = "US") -> bytes:
    """The same rows with their totals: keys sorted, one spelling, so equal manifests have equal digests."""
    body = {
        "schema": SCHEMA,
        "totals": asdict(totals(rows, origin)),
        "pieces": [{name: _rounded(name, value) for name, value in asdict(row).items()} for row in rows],
    }
    return canonical(body) + b"\n"


def read_back(data: bytes) -> list[Row]:
    """The rows of a CSV that :func:`to_csv` wrote. Raises Refused where it is not one, naming the line."""
    try:
        lines = list(csv.reader(io.StringIO(data.decode("utf-8"), newline=""), strict=True))
    except (UnicodeDecodeError, csv.Error) as problem:
        raise Refused("the manifest is no CSV in UTF-8", [_unreadable("manifest", str(problem))]) from None
    if not lines or tuple(lines[0]) != COLUMNS:
        raise Refused("the manifest has other columns than ours", [_unreadable("line 1", "the header differs")])
    rows: list[Row] = []
    findings: list[Finding] = []
    for number, cells in enumerate(lines[1:], 2):
        try:
            values = dict(zip(COLUMNS, cells, strict=True))
            rows.append(Row(**{name: _value(name, cell) for name, cell in values.items()}))
        except ValueError as problem:
            findings.append(_unreadable(f"row {number}", str(problem)))
    if findings:
        raise Refused(f"{len(findings)} rows of the manifest cannot be read", findings)
    return rows


def reconcile(csv_data: bytes, json_data: bytes, *, whole: bool = True) -> list[Finding]:
    """Every total in which the two files differ, and sequence numbers out of order. ``whole``: a batch, whose numbers
    run from 1 without a gap; a remake's need only rise."""
    rows = read_back(csv_data)
    said = json.loads(json_data)["totals"]
    counted = asdict(totals(rows, said["origin"]))
    findings = [
        error("manifest.totals", f"totals.{name}", f"the rows give {counted[name]}, the totals say {said.get(name)}",
              "write the manifest again; do not print from this one")
        for name in counted
        if counted[name] != said.get(name)
    ]  # fmt: skip
    numbers = [row.seq for row in rows]
    if numbers != (list(range(1, len(rows) + 1)) if whole else sorted(set(numbers))):
        findings.append(
            error("manifest.sequence", "seq", "the sequence numbers do not rise one by one",
                  "gather the batch again; a doubled or missing number means a doubled or missing card")
        )  # fmt: skip
    return findings


def _cell(name: str, value: Any) -> str:
    text = f"{value:.{_DECIMAL[name]}f}" if name in _DECIMAL else str(value)
    return f"'{text}" if _FORMULA.match(text) else text


def _value(name: str, cell: str) -> Any:
    if name in _WHOLE:
        return int(cell)
    if name in _DECIMAL:
        return float(cell)
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell) else cell


def _rounded(name: str, value: Any) -> Any:
    return round(value, _DECIMAL[name]) if name in _DECIMAL else value


def _unreadable(where: str, what: str) -> Finding:
    return error("manifest.unreadable", where, what, "write the manifest again")
