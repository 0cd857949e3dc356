"""Bulk: files of orders (CSV, NDJSON, JSON, vCard) become rows. A row that cannot be
read is a finding; the others go on.

A file as a whole is refused before its first row is given out: see :mod:`cardpipe.pipeline.table`.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from cardpipe.model.errors import Refused
from cardpipe.model.finding import Finding, error
from cardpipe.pipeline import filling
from cardpipe.pipeline.mapping import Columns
from cardpipe.pipeline.table import EXTRA, UNREADABLE, Record, Table, loads, open_table

_PLAIN = Columns()


@dataclass(frozen=True, slots=True)
class Row:
    """One order as it stands in a file: ``line`` counts from 1, as an editor does; ``cells`` are what stood there, for
    the file of failed rows."""

    line: int
    data: dict[str, Any]
    findings: tuple[Finding, ...] = field(default=())
    cells: tuple[str, ...] = ()


def read(data: bytes, name: str) -> list[Row]:
    """The rows of one file; its kind is told by its ending. Raises Refused where the file as a whole is unusable."""
    return list(rows(open_table(io.BytesIO(data), name)))


def rows(table: Table, columns: Columns = _PLAIN) -> Iterator[Row]:
    """The rows of a table one by one, each ready for ``accept`` unless its findings say otherwise. Raises Refused at
    once where header and mapping do not go together."""
    if not table.header:
        if columns != _PLAIN:
            what, remedy = "names its own fields, so it takes no mapping", "leave the mapping away, or give CSV"
            found = error("columns.kind", table.name, what, remedy)
            raise Refused(f"{table.name} {what}; {remedy}", [found])
        return (_of_json(record) for record in table)
    plan = columns.plan(table.header, table.name)
    return (_of_cells(plan, record) for record in table)


def columns() -> list[str]:
    """Every column that a CSV may have, but for those of :func:`groups`."""
    return filling.columns()


def groups() -> list[str]:
    """Fields of which a CSV has columns such as photos.NAME and metadata.NAME."""
    return filling.groups()


def _of_cells(plan: filling.Plan, record: Record) -> Row:
    if record.findings:
        return Row(record.line, {}, record.findings, record.cells)
    data, findings = plan.fill(record.line, record.cells)
    return Row(record.line, data, findings, record.cells)


def _of_json(record: Record) -> Row:
    where = f"line {record.line}"
    try:
        item = loads(record.cells[0])
    except ValueError as problem:
        found = error("row.unreadable", where, f"is no JSON: {problem}", "write one order a line")
        return Row(record.line, {}, (found,), record.cells)
    if not isinstance(item, dict) or UNREADABLE in item:
        found = error("row.unreadable", where, "is no JSON object", "write {…}")
        return Row(record.line, {}, (found,), record.cells)
    return Row(record.line, {key: value for key, value in item.items() if key not in EXTRA}, (), record.cells)
