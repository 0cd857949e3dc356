"""The file of failed rows: what a customer gets back, mends in a spreadsheet and hands in again.

Three columns in front say which line it was, what is wrong and what to do; the customer's own follow as they stood,
but for formulas, which are defused. :mod:`cardpipe.pipeline.table` passes over the three and takes the defusing off
again, so that a row that nobody touched comes back exactly.
"""

from __future__ import annotations

import codecs
import csv
import io
import json
from collections.abc import Iterable, Iterator, Sequence

from cardpipe.lettershop.manifest import defused
from cardpipe.model.finding import Finding, Level
from cardpipe.pipeline.table import EXTRA, UNREADABLE, loads

#: Line, cells as they stood, and what was found.
Failed = tuple[int, Sequence[str], Sequence[Finding]]


def failed_csv(header: Sequence[str], rows: Iterable[Failed], separator: str = ",") -> Iterator[bytes]:
    """RFC 4180 in UTF-8 with its mark, a piece of bytes a row. ``separator`` is the one of the file that came: the
    customer's spreadsheet opens it again, and takes no part of a cell for a cell of its own."""
    yield codecs.BOM_UTF8 + _written([*EXTRA, *map(defused, header)], separator)
    for line, cells, findings in rows:
        problem, remedy = _told(findings)
        yield _written([str(line), defused(problem), defused(remedy), *map(defused, cells)], separator)


def failed_ndjson(rows: Iterable[Failed]) -> Iterator[bytes]:
    """The same for NDJSON and JSON: each order with three keys more. A line that was no JSON object stands as text."""
    for line, cells, findings in rows:
        text = cells[0] if cells else ""
        try:
            item = loads(text)
        except ValueError:
            item = None
        kept = item if isinstance(item, dict) else {UNREADABLE: text}
        said = dict(zip(EXTRA, (line, *_told(findings)), strict=True))
        yield (
            json.dumps({**said, **{k: v for k, v in kept.items() if k not in EXTRA}}, ensure_ascii=False).encode()
            + b"\n"
        )


def _told(findings: Sequence[Finding]) -> tuple[str, str]:
    """Problem and remedy: the errors, or all there is where none is one."""
    told = [finding for finding in findings if finding.level is Level.ERROR] or list(findings)
    problem = "; ".join(f"{finding.where}: {finding.message}" for finding in told)
    return problem, "; ".join(dict.fromkeys(finding.remedy for finding in told if finding.remedy))


def _written(cells: Sequence[str], separator: str) -> bytes:
    out = io.StringIO(newline="")
    csv.writer(out, delimiter=separator, quoting=csv.QUOTE_ALL, lineterminator="\r\n").writerow(cells)
    return out.getvalue().encode()
