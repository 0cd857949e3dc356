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
from cardpipe.model.units import Box, mm, to_mm

SCHEMA = "cardpipe-manifest-2"
#: What a spreadsheet takes for a formula, also in its full-width spelling (OWASP, CSV Injection); an apostrophe before
#: it is doubled, so that taking one off is always right.
_FORMULA = re.compile(r"[\s']*[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20\u2212]")


@dataclass(frozen=True, slots=True)
class Row:
    """One piece, as it lies in the print files. Pages, sheets, slots and labels count from 1, and are 0 where there is
    none; the address is in parts, as it was judged. ``…_at`` is where a code lies on its page, as
    ``x,y,width,height`` in millimetres from the lower left corner of the MediaBox. ``reprint_of`` is the file in
    which a remade piece was printed first."""

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
    card_sheet: int
    card_slot: int
    card_code_page: int
    card_code_at: str
    envelope_file: str
    envelope_page: int
    envelope_label: int
    envelope_code_at: str
    weight_g: float
    thickness_mm: float
    postage: str
    inserts: str
    seed: str
    imb_tracking: str
    imb_routing: str
    imb_at: str
    presort_level: str
    tray: str
    bundle: str
    container: str
    reprint_of: str
    sha256_card_fragment: str
    sha256_envelope_fragment: str


COLUMNS: tuple[str, ...] = tuple(field.name for field in fields(Row))
_WHOLE = frozenset(
    {"seq", "card_page_first", "card_page_last", "card_sheet", "card_slot", "card_code_page", "envelope_page",
     "envelope_label"}
)  # fmt: skip
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
        card_pages=_pages(
            (row.card_file, n) for row in rows for n in range(row.card_page_first, row.card_page_last + 1)
        ),
        envelope_pages=_pages((row.envelope_file, row.envelope_page) for row in rows),
        seq_first=min(numbers, default=0),
        seq_last=max(numbers, default=0),
        seq_sum=sum(numbers),
        by_state=dict(sorted(Counter(row.state for row in home).items())),
        by_country=dict(sorted(Counter(row.country for row in rows).items())),
        foreign=len(rows) - len(home),
    )


def _pages(places: Iterable[tuple[str, int]]) -> int:
    """How many different pages these are: a sheet holds several pieces."""
    return len(set(places))


def place(box: Box) -> str:
    """A box on a page as the manifest says it."""
    return ",".join(f"{to_mm(value):.2f}" for value in (box.x, box.y, box.width, box.height))


def placed(text: str) -> Box:
    """The inverse of :func:`place`, to a hundredth of a millimetre. Raises ValueError for another text."""
    x, y, width, height = (mm(float(part)) for part in text.split(","))
    return Box(x, y, width, height)


def to_csv(rows: Iterable[Row]) -> bytes:
    """UTF-8 without a mark, LF, every cell quoted; a header, then the rows as they come."""
    sink = io.StringIO(newline="")
    writer = csv.writer(sink, quoting=csv.QUOTE_ALL, lineterminator="\n")
    writer.writerow(COLUMNS)
    for row in rows:
        writer.writerow([_cell(name, getattr(row, name)) for name in COLUMNS])
    return sink.getvalue().encode("utf-8")


def to_json(rows: Sequence[Row], origin: str = "US", address_style: str = "ocr") -> bytes:
    """The same rows with their totals: keys sorted, one spelling, so equal manifests have equal digests. The style says
    which lines of an address are text, and which are handwriting."""
    body = {
        "schema": SCHEMA,
        "address_style": address_style,
        "totals": asdict(totals(rows, origin)),
        "pieces": [{name: _rounded(name, value) for name, value in asdict(row).items()} for row in rows],
    }
    return canonical(body) + b"\n"


def read_json(data: bytes) -> tuple[list[Row], dict[str, Any]]:
    """The rows of a manifest that :func:`to_json` wrote, and its totals with the
    ``address_style`` beside them. Raises Refused where it is not one."""
    try:
        body = json.loads(data)
        if body["schema"] != SCHEMA:
            raise ValueError(f"its schema is {str(body['schema'])[:40]}, not {SCHEMA}")
        Totals(**body["totals"])  # a part that is missing is said here
        return [Row(**piece) for piece in body["pieces"]], {**body["totals"], "address_style": body["address_style"]}
    except (ValueError, KeyError, TypeError) as problem:
        raise Refused("the manifest is none of ours", [_unreadable("manifest", str(problem))]) from None


def read_back(data: bytes) -> list[Row]:
    """The rows of a CSV that :func:`to_csv` wrote. Raises Refused where it is not one, naming the line."""
    rows: list[Row] = []
    findings: list[Finding] = []
    try:
        lines = csv.reader(io.StringIO(data.decode("utf-8"), newline=""), strict=True)
        if tuple(next(lines, ())) != COLUMNS:
            raise Refused("the manifest has other columns than ours", [_unreadable("line 1", "the header differs")])
        for number, cells in enumerate(lines, 2):
            try:
                values = dict(zip(COLUMNS, cells, strict=True))
                rows.append(Row(**{name: _value(name, cell) for name, cell in values.items()}))
            except ValueError as problem:
                findings.append(_unreadable(f"row {number}", str(problem)))
    except (UnicodeDecodeError, csv.Error) as problem:
        raise Refused("the manifest is no CSV in UTF-8", [_unreadable("manifest", str(problem))]) from None
    if findings:
        raise Refused(f"{len(findings)} rows of the manifest cannot be read", findings)
    return rows


def reconcile(csv_data: bytes, json_data: bytes, *, whole: bool = True) -> list[Finding]:
    """Every total in which the two files differ, and sequence numbers out of order. ``whole``: a batch, whose numbers
    run from 1 without a gap; a remake's need only rise."""
    rows = read_back(csv_data)
    # all of it is read, and of each row nothing is kept: as objects they are six times their bytes
    said = json.loads(json_data, object_hook=lambda made: None if "card_file" in made else made)["totals"]
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
    return defused(f"{value:.{_DECIMAL[name]}f}" if name in _DECIMAL else str(value))


def defused(text: str) -> str:
    """A cell that no spreadsheet takes for a formula: an apostrophe before one that it would run."""
    return f"'{text}" if _FORMULA.match(text) else text


def undefused(cell: str) -> str:
    """The inverse of :func:`defused`: one apostrophe less before what a spreadsheet would run."""
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell) else cell


def _value(name: str, cell: str) -> Any:
    if name in _WHOLE:
        return int(cell)
    if name in _DECIMAL:
        return float(cell)
    return undefused(cell)


def _rounded(name: str, value: Any) -> Any:
    return round(value, _DECIMAL[name]) if name in _DECIMAL else value


def _unreadable(where: str, what: str) -> Finding:
    return error("manifest.unreadable", where, what, "write the manifest again")
