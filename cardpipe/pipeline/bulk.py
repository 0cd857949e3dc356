"""Bulk: files of orders (CSV, NDJSON, JSON) become rows. A row that cannot be read is a finding; the others go on."""

from __future__ import annotations

import csv
import difflib
import io
import json
from dataclasses import dataclass, field
from typing import Any

from cardpipe.model.address import Address
from cardpipe.model.errors import Refused
from cardpipe.model.finding import Finding, error, has_errors
from cardpipe.model.order import Order

MAX_ROWS = 100_000
MAX_BYTES = 200_000_000
_ADDRESSES = ("recipient", "sender")
_PLAIN = tuple(name for name in Order.model_fields if name not in (*_ADDRESSES, "photos", "metadata"))
#: What a spreadsheet makes of a yes or a no.
_YES_NO = {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False}


@dataclass(frozen=True, slots=True)
class Row:
    """One order as it stands in a file: ``line`` counts from 1, as an editor does."""

    line: int
    data: dict[str, Any]
    findings: tuple[Finding, ...] = field(default=())


def read(data: bytes, name: str) -> list[Row]:
    """The rows of one file; its kind is told by its ending. Raises Refused where the file as a whole is unusable."""
    kind = name.rpartition(".")[2].lower()
    if len(data) > MAX_BYTES:
        raise _unusable(name, "is larger than 200 MB", "divide it")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        raise _unusable(name, f"is not UTF-8 (byte {problem.start})", "save it as UTF-8") from None
    if kind == "csv":
        rows = _csv(text, name)
    elif kind in ("ndjson", "jsonl"):
        rows = [_json_line(number, line) for number, line in enumerate(text.split("\n"), 1) if line.strip()]
    elif kind == "json":
        rows = _json(text, name)
    else:
        raise _unusable(name, "is no file of orders", "give a .csv, .ndjson or .json file")
    if not rows:
        raise _unusable(name, "holds no orders", "check that it is the right file")
    if len(rows) > MAX_ROWS:
        raise _unusable(name, f"holds {len(rows)} orders; at most {MAX_ROWS} go into one file", "divide it")
    return rows


def columns() -> list[str]:
    """Every column that a CSV may have, but for photos.NAME and metadata.NAME."""
    return [*_PLAIN, *(f"{who}.{part}" for who in _ADDRESSES for part in Address.model_fields)]


def _unusable(name: str, what: str, remedy: str) -> Refused:
    return Refused(f"{name} {what}; {remedy}", [error("file.unusable", name, what, remedy)])


def _json(text: str, name: str) -> list[Row]:
    try:
        whole = json.loads(text, object_pairs_hook=_once)
    except ValueError as problem:
        raise _unusable(name, f"is no JSON: {problem}", "mend the named place") from None
    items = whole if isinstance(whole, list) else [whole]
    return [_row(number, item) for number, item in enumerate(items, 1)]


def _json_line(number: int, line: str) -> Row:
    try:
        return _row(number, json.loads(line, object_pairs_hook=_once))
    except ValueError as problem:
        found = error("row.unreadable", f"line {number}", f"is no JSON: {problem}", "write one order a line")
        return Row(number, {}, (found,))


def _row(number: int, item: Any) -> Row:
    if not isinstance(item, dict):
        return Row(number, {}, (error("row.unreadable", f"line {number}", "is no JSON object", "write {…}"),))
    return Row(number, item)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object whose keys come once: of two equal ones JSON silently keeps the last."""
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise ValueError(f"the key {key!r} comes twice")
        found[key] = value
    return found


def _csv(text: str, name: str) -> list[Row]:
    if "\0" in text:
        raise _unusable(name, "holds NUL characters", "save it as plain CSV")
    head = text.split("\n", 1)[0]
    separator = max(",;\t", key=head.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    rows: list[Row] = []
    try:
        header = [cell.strip() for cell in next(reader, [])]
        _judge_header(header, name)
        start = reader.line_num + 1  # a row may run over several lines: it is found where it begins
        for cells in reader:
            if any(cell.strip() for cell in cells):
                rows.append(_csv_row(start, header, cells))
            start = reader.line_num + 1
    except csv.Error as problem:
        raise _unusable(name, f"is no CSV at line {reader.line_num}: {problem}", "check the quotes there") from None
    return rows


def _judge_header(header: list[str], name: str) -> None:
    known = columns()
    findings = []
    for column in header:
        if column in known or column.startswith(("photos.", "metadata.")):
            continue
        near = difflib.get_close_matches(column, known, 1, 0.6)
        remedy = f"did you mean {near[0]!r}?" if near else "rename or remove it; 'cardpipe order columns' lists all"
        findings.append(error("csv.column", f"{name} column {column!r}", "is no column of an order", remedy))
    for column in sorted({c for c in header if header.count(c) > 1}):
        findings.append(error("csv.column_twice", f"{name} column {column!r}", "comes twice", "remove one"))
    for column in ("reference", "occasion", "message"):
        if column not in header:
            findings.append(error("csv.column_missing", f"{name} column {column!r}", "is missing", "add it"))
    if has_errors(findings):
        raise Refused(f"the header of {name} cannot be used; no order of it was taken", findings)


def _csv_row(line: int, header: list[str], cells: list[str]) -> Row:
    if len(cells) > len(header) and any(cell.strip() for cell in cells[len(header) :]):
        what = f"has {len(cells)} cells, the header {len(header)}"
        return Row(line, {}, (error("row.cells", f"line {line}", what, "put quotes around cells that hold a comma"),))
    data: dict[str, Any] = {}
    findings: list[Finding] = []
    for column, cell in zip(header, cells, strict=False):
        value = cell.strip()
        if not value:
            continue
        group, _, part = column.partition(".")
        if part:
            data.setdefault(group, {})[part] = value
        elif column == "inserts":
            data[column] = [code.strip() for code in value.split(";") if code.strip()]
        elif column != "seed":
            data[column] = value
        elif value.lower() in _YES_NO:
            data[column] = _YES_NO[value.lower()]
        else:
            said = f"is {value[:20]!r}, neither yes nor no"
            findings.append(error("row.yes_no", f"line {line} seed", said, "write yes or no, or leave it empty"))
    return Row(line, data, tuple(findings))
