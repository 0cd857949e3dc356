"""A glance at a file of orders: its header and its first rows, kept so that a mapping can be tried again and again.

The file is looked through once; what is wrong with it as a whole refuses it then. After that a mapping is tried on the
first rows alone, which takes milliseconds however large the file is. Nothing is stored.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import BinaryIO

from pydantic import ValidationError

from cardpipe.model.errors import Refused
from cardpipe.model.finding import Finding, has_errors
from cardpipe.model.order import Order
from cardpipe.pipeline import bulk
from cardpipe.pipeline.accept import schema_findings
from cardpipe.pipeline.archive import open_archive
from cardpipe.pipeline.mapping import Columns, Suggestion, suggest
from cardpipe.pipeline.table import Record, Table, open_table

ROWS = 20  # that a mapping is tried on
_SAMPLES = 3


@dataclass(frozen=True, slots=True)
class Glance:
    """What was seen. ``table`` holds the first rows alone, ``count`` is the number of all; ``pictures`` are those that
    lie in the ZIP beside the table."""

    name: str
    table: Table = field(repr=False)
    count: int = 0
    pictures: int = 0

    @property
    def header(self) -> tuple[str, ...]:
        """The names of the columns as a mapping names them; empty where orders name their own fields."""
        return tuple(cell.strip() for cell in self.table.header)

    def suggested(self) -> Suggestion | None:
        """What each column probably means; None where there are none."""
        return suggest(self.header) if self.header else None

    def samples(self) -> list[list[str]]:
        """For each column a few of its cells that are not empty, each different, in the file's order."""
        seen: list[dict[str, None]] = [{} for _ in self.table.header]
        for record in self.table if self.table.header else ():
            for place, cell in enumerate(record.cells[: len(seen)]):
                if cell.strip() and len(seen[place]) < _SAMPLES:
                    seen[place][cell.strip()] = None
        return [list(cells) for cells in seen]

    def tried(self, columns: Columns) -> tuple[list[bulk.Row], tuple[Finding, ...]]:
        """The first rows as this mapping reads them, each with what its own words are worth; and what is wrong with the
        mapping as a whole: then there are no rows. Whether a row can be printed is for a worker to say."""
        try:
            return [_judged(row) for row in bulk.rows(self.table, columns)], ()
        except Refused as problem:
            return [], tuple(problem.findings)


def glance(file: BinaryIO, name: str) -> Glance:
    """Look at a file; its kind is told by its ending. Raises Refused where the file as a whole is unusable."""
    with ExitStack() as held:
        pictures = 0
        if name.lower().endswith(".zip"):
            archive = open_archive(file, name)
            pictures = len(archive.pictures)
            inner, opened = archive.table()
            table = open_table(held.enter_context(opened), inner)
        else:
            table = open_table(file, name)
        first = tuple(islice(iter(table), ROWS))
    return Glance(name, replace(table, count=len(first), _records=lambda: _again(first)), table.count, pictures)


def _again(records: tuple[Record, ...]) -> Iterator[Record]:
    return iter(records)


def _judged(row: bulk.Row) -> bulk.Row:
    if has_errors(row.findings):
        return row
    try:
        Order.model_validate(row.data)
    except ValidationError as problem:
        found = [replace(each, where=f"line {row.line} {each.where}") for each in schema_findings(problem)]
        return replace(row, findings=(*row.findings, *found))
    return row
