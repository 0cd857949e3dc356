"""Tables: the bytes of an order file become records, one at a time, each with its line and its cells as they stood.

A file is read through once before the first record is given out: what is wrong with the file as a whole (encoding,
quotes, size) refuses it while nothing was taken from it yet. Memory stays bounded by one record, whatever comes.
"""

from __future__ import annotations

import codecs
import contextlib
import csv
import io
import itertools
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

from cardpipe.lettershop.manifest import undefused
from cardpipe.model.errors import Refused
from cardpipe.model.finding import Finding, error
from cardpipe.pipeline import vcard

MAX_ROWS = 100_000
MAX_BYTES = 200_000_000
MAX_COLUMNS = 1_000
MAX_CELL = 10_000
MAX_HEADER = 300
#: Characters of one record, and bytes of a file that is read whole (JSON).
MAX_RECORD = 1_000_000
MAX_WHOLE = 20_000_000
KINDS = {"csv": "csv", "ndjson": "ndjson", "jsonl": "ndjson", "json": "json", "vcf": "vcf"}
#: Columns of a file of failed rows; they are passed over when it comes back mended.
EXTRA = ("cardpipe_line", "cardpipe_problem", "cardpipe_remedy")
#: In a failed file of JSON: a line that could not be read, as it stood.
UNREADABLE = "cardpipe_unreadable"
_CHUNK = 1 << 18
_SAVE = "save it as UTF-8 (in Excel: Save as, 'CSV UTF-8')"


@dataclass(frozen=True, slots=True)
class Record:
    """One row as it stands in the file. ``line`` is where it begins and counts from 1, as an editor does; a record of
    JSON has one cell, its text."""

    line: int
    cells: tuple[str, ...]
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class Table:
    """A file that can be read as often as wanted. ``header`` is empty for JSON, whose orders name their own fields;
    ``count`` is the number of its records; ``separator`` is what stands between cells."""

    name: str
    kind: str
    header: tuple[str, ...]
    separator: str
    count: int
    _records: Callable[[], Iterator[Record]]

    def __iter__(self) -> Iterator[Record]:
        return self._records()


def open_table(file: BinaryIO, name: str) -> Table:
    """Look through a file of orders; its kind is told by its ending. ``file`` must be seekable, and stay open.
    Raises Refused where the file as a whole is unusable."""
    kind = KINDS.get(name.rpartition(".")[2].lower())
    if kind is None:
        raise unusable(name, "is no file of orders", "give a .csv, .ndjson, .json or .vcf file")
    source = _Source(file, name, _encoding(file, name))
    header: tuple[str, ...] = ()
    separator = ","
    if kind == "csv":
        header, separator, records = _csv(source)
    elif kind == "vcf":
        header, records = vcard.HEADER, lambda: _cards(source)
    elif kind == "ndjson":
        records = lambda: _lines_of_json(source)  # noqa: E731
    else:
        whole = tuple(_whole_json(source))
        records = lambda: iter(whole)  # noqa: E731
    count = sum(1 for _ in itertools.islice(records(), MAX_ROWS + 1))
    if not count:
        raise unusable(name, "holds no orders", "check that it is the right file")
    if count > MAX_ROWS:
        raise unusable(name, f"holds more than {MAX_ROWS} orders, the most that go into one file", "divide it")
    return Table(name, kind, header, separator, count, records)


def unusable(name: str, what: str, remedy: str) -> Refused:
    """The refusal of a whole file."""
    return Refused(f"{name} {what}; {remedy}", [error("file.unusable", name, what, remedy)])


def loads(text: str) -> Any:
    """JSON under stricter rules: keys come once, numbers are numbers, no halves of characters, no endless nesting.
    Raises ValueError."""
    try:
        value = json.loads(text, object_pairs_hook=_once, parse_constant=_no_number)
        if "\\ud" in text.lower():
            json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise ValueError("it holds half a character (a lone surrogate)") from None
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    return value


@dataclass(slots=True)
class _Meter:
    """How many characters the record has so far that is being read; its reader sets it back."""

    run: int = 0
    last: str = ""


@dataclass(frozen=True, slots=True)
class _Source:
    file: BinaryIO
    name: str
    encoding: str

    def lines(self, newline: str, meter: _Meter | None = None) -> Iterator[str]:
        """Line by line; without a meter no record runs over lines, and each is measured alone."""
        self.file.seek(0)
        text = io.TextIOWrapper(self.file, self.encoding, newline=newline)
        measured = meter or _Meter()
        number = 0
        try:
            while line := text.readline(MAX_RECORD + 1):
                number += 1
                measured.run = len(line) + (measured.run if meter else 0)
                measured.last = line
                if measured.run > MAX_RECORD:
                    what = f"has a row of more than {MAX_RECORD} characters at line {number}"
                    raise unusable(self.name, what, "check for a quote that is not closed there")
                yield line
        finally:
            with contextlib.suppress(ValueError):  # closed by its owner, while this reading was given up
                text.detach()


def _encoding(file: BinaryIO, name: str) -> str:
    """UTF-8, or UTF-16 with its mark. Every byte is looked at."""
    file.seek(0)
    marked = file.read(2) in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
    encoding = "utf-16" if marked else "utf-8-sig"
    decoder = codecs.getincrementaldecoder(encoding)()
    file.seek(0)
    size, line = 0, 1
    while True:
        chunk = file.read(_CHUNK)
        size += len(chunk)
        if size > MAX_BYTES:
            raise unusable(name, f"is larger than {MAX_BYTES // 1_000_000} MB", "divide it")
        try:
            text = decoder.decode(chunk, final=not chunk)
        except UnicodeDecodeError as problem:
            line += problem.object[: problem.start].count(b"\n")
            raise unusable(name, f"is not {'UTF-16' if marked else 'UTF-8'} (line {line})", _SAVE) from None
        before, nul, _ = text.partition("\0")
        line += before.count("\n")
        if nul:
            raise unusable(name, f"holds NUL characters (line {line})", _SAVE)
        if not chunk:
            return encoding


def _csv(source: _Source) -> tuple[tuple[str, ...], str, Callable[[], Iterator[Record]]]:
    bare = re.sub(r'"[^"]*"', "", next(source.lines(""), ""))
    separator = max(",;\t", key=bare.count)
    _, raw, _ = next(_csv_rows(source, separator), (1, [], True))
    dropped = {place for place, cell in enumerate(raw) if cell.strip() in EXTRA}
    header = _kept(raw, dropped)
    if not any(cell.strip() for cell in header):
        raise unusable(source.name, "has no header in its first line", "name the columns there")
    if len(header) > MAX_COLUMNS:
        raise unusable(source.name, f"has {len(header)} columns; at most {MAX_COLUMNS} are read", "leave some out")
    if (longest := max(map(len, header))) > MAX_HEADER:
        what = f"has a header of {longest} characters in its first line; at most {MAX_HEADER} are read"
        raise unusable(source.name, what, "name the columns there")
    return header, separator, lambda: _csv_records(source, separator, len(header), dropped)


def _csv_records(source: _Source, separator: str, width: int, dropped: set[int]) -> Iterator[Record]:
    for line, raw, ended in itertools.islice(_csv_rows(source, separator), 1, None):
        cells = _kept(raw, dropped)
        if any(cell.strip() for cell in cells):
            yield _csv_record(line, cells, width, ended)


def _csv_rows(source: _Source, separator: str) -> Iterator[tuple[int, list[str], bool]]:
    """Rows with the line in which each begins (one may run over several), and whether the file went on after it."""
    meter = _Meter()
    reader = csv.reader(source.lines("", meter), delimiter=separator, strict=True)
    start = 1
    try:
        for cells in reader:
            yield start, cells, meter.last.endswith(("\n", "\r"))
            start, meter.run = reader.line_num + 1, 0
    except csv.Error as problem:
        what = f"is no CSV at line {start}: {problem}"
        raise unusable(source.name, what, "check the quotes there: is one not closed?") from None


def _csv_record(line: int, cells: tuple[str, ...], width: int, ended: bool) -> Record:
    findings = [*long_cells(line, cells)]
    where = f"line {line}"
    if len(cells) > width and any(cell.strip() for cell in cells[width:]):
        what = f"has {len(cells)} cells, the header {width}"
        findings.append(error("row.cells", where, what, "put quotes around cells that hold a comma"))
    elif len(cells) < width and not ended:
        what = f"has {len(cells)} cells, the header {width}, and the file ends within the line"
        findings.append(error("row.cut_off", where, what, "the file seems to be cut off: export it again"))
    padded = cells + ("",) * (width - len(cells))
    return Record(line, padded, tuple(findings))


def long_cells(line: int, cells: tuple[str, ...]) -> Iterator[Finding]:
    """A finding for each cell that no column could take."""
    for place, cell in enumerate(cells, 1):
        if len(cell) > MAX_CELL:
            what = f"has {len(cell)} characters; at most {MAX_CELL} are read"
            yield error("row.cell_long", f"line {line} cell {place}", what, "make it shorter")


def _kept(raw: list[str], dropped: set[int]) -> tuple[str, ...]:
    """The customer's own cells; of a file of failed rows, as they were before formulas were defused."""
    if not dropped:
        return tuple(raw)
    return tuple(undefused(cell) for place, cell in enumerate(raw) if place not in dropped)


def _cards(source: _Source) -> Iterator[Record]:
    for line, cells, findings in vcard.cards(source.lines("")):
        yield Record(line, cells, (*findings, *long_cells(line, cells)))


def _lines_of_json(source: _Source) -> Iterator[Record]:
    for number, line in enumerate(source.lines("\n"), 1):
        if line.strip():
            yield Record(number, (line.strip(),))


def _whole_json(source: _Source) -> Iterator[Record]:
    source.file.seek(0)
    data = source.file.read(MAX_WHOLE + 1)
    if len(data) > MAX_WHOLE:
        what = f"is larger than {MAX_WHOLE // 1_000_000} MB, the most for JSON"
        raise unusable(source.name, what, "write it as NDJSON, one order a line")
    try:
        whole = loads(data.decode(source.encoding))
    except ValueError as problem:
        raise unusable(source.name, f"is no JSON: {problem}", "mend the named place") from None
    for number, item in enumerate(whole if isinstance(whole, list) else [whole], 1):
        yield Record(number, (json.dumps(item, ensure_ascii=False),))


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object whose keys come once: of two equal ones JSON silently keeps the last."""
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise ValueError(f"the key {key[:40]!r} comes twice")
        found[key] = value
    return found


def _no_number(text: str) -> Any:
    raise ValueError(f"{text} is no number")
