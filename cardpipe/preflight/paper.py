"""The report on paper: one page that travels with the batch, so that whoever gets the files sees what was judged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cardpipe.model.errors import Bug
from cardpipe.model.finding import Finding, Level
from cardpipe.preflight.report import Report, Run
from cardpipe.prepress.canvas import Column, Document

#: Files, findings and loosened checks that are listed; the rest is counted. The last row always fits.
_LIMITS = ((12, 16, 6), (10, 12, 5), (8, 9, 4), (7, 7, 3), (6, 6, 3), (5, 5, 2), (4, 4, 2), (3, 3, 1), (2, 1, 1))
_LETTERS, _REASON, _NAME, _TITLE = 210, 150, 80, 60

#: What the groups of checks are about, by the first word of their ids.
_GROUPS = (
    ("Container and metadata", "version, Info, XMP, identification", ("pdf", "info", "xmp", "file")),
    ("Output intent", "printing condition and its profile", ("intent",)),
    ("Records", "document parts of PDF/VT, a record a piece", ("vt",)),
    ("PDF/X-1a", "flat CMYK and spots, nothing later than PDF 1.4", ("x1a",)),
    ("Pages", "boxes, size, bleed, count, annotations", ("page",)),
    ("Content", "operators, resources, compression", ("content", "filter")),
    ("Art", "reaches the bleed where it touches the cut", ("art",)),
    ("Fonts", "embedded, of a kind that every RIP sets", ("font",)),
    ("Pictures", "resolution where they lie, bits, masks", ("image",)),
    ("Colour", "nothing untagged, spots as ordered", ("colour",)),
    ("Ink", "total, hairlines, small text, overprint", ("ink",)),
    ("Objects", "transfer curves, halftones, obsolete kinds", ("gstate", "object")),
)


@dataclass(frozen=True, slots=True)
class _Row:
    """One file's report; its name is without the title, with which all names of a batch begin."""

    name: str
    report: Report


def to_pdf(reports: Mapping[str, Report], title: str, regular: bytes, bold: bytes | None = None) -> bytes:
    """One Letter page about the files of a batch, by name: verdict, what each holds, what was looked at, findings with
    errors first, and what the press loosened. Long lists are cut, with a count of the rest."""
    rows = [_Row(name.removeprefix(f"{title}_"), report) for name, report in reports.items()]
    rows.sort(key=lambda row: row.report.ok)  # what failed stands first, where the list is cut too
    for files, findings, loosened in _LIMITS:
        page = _page(rows, title, regular, bold, files, findings, loosened)
        if page.pages == 1:
            return page.finish()
    raise Bug("the preflight report does not fit one page")


def _page(
    rows: Sequence[_Row], title: str, regular: bytes, bold: bytes | None, files: int, findings: int, loosened: int
) -> Document:
    found = [finding for row in rows for finding in row.report.findings]
    page = Document(f"Preflight {title}", regular, bold, footer=_cut(f"cardpipe · preflight · {title}", 100))
    passed = bool(rows) and all(row.report.ok for row in rows)
    presses = ", ".join(dict.fromkeys(row.report.profile for row in rows)) or "none"
    pages = sum(row.report.facts.pages for row in rows)
    line = f"{_count(len(rows), 'file')}, {_count(pages, 'page')}, press {presses}"
    page.masthead(
        "Preflight", _cut(title, _TITLE), _cut(line, 70),
        "PASSED" if passed else "FAILED", _levels(found),
    )  # fmt: skip
    _files(page, rows, files)
    _checks(page, rows)
    _findings(page, rows, findings)
    _loosened(page, rows, loosened)
    page.space(5)
    judged = len({run.code for row in rows for run in row.report.runs})
    page.paragraph(
        f"PASSED means that each file was read to its end and that {judged} checks of ours found no error in it; no "
        "certified validator was asked. Every check with its count stands in the JSON report.",
        7.5,
    )
    return page


def _files(page: Document, rows: Sequence[_Row], most: int) -> None:
    page.heading("Files")
    page.table(
        [Column("File", 0.42), Column("Pages", 0.08, "right"), Column("Pieces", 0.09, "right"),
         Column("Fonts", 0.08, "right"), Column("Lowest ppi", 0.12, "right"), Column("Most ink", 0.11, "right"),
         Column("Verdict", 0.10, "right")],
        [_file(row) for row in rows[:most]],
    )  # fmt: skip
    _rest(page, len(rows) - most, "file")


def _file(row: _Row) -> list[str]:
    facts = row.report.facts
    pieces = facts.pieces if facts.pieces is not None else facts.records
    made = f"{facts.standard or 'no PDF/X'}, {facts.condition or 'no condition stated'}"
    return [
        f"{_cut(row.name, _NAME)}\n{_cut(made, _NAME)}",
        f"{facts.pages:,}",
        "–" if pieces is None else f"{pieces:,}",
        f"{len(facts.fonts)}",
        "–" if facts.lowest_ppi is None else f"{facts.lowest_ppi:.0f}",
        "–" if facts.highest_ink is None else f"{facts.highest_ink:.0f} %",
        "passed" if row.report.ok else "FAILED" if row.report.complete else "UNREAD",
    ]


def _checks(page: Document, rows: Sequence[_Row]) -> None:
    page.heading("What was looked at")
    table = []
    for name, about, words in _GROUPS:
        runs = [run for row in rows for run in row.report.runs if run.code.partition(".")[0] in words]
        if runs:
            looked, found = sum(run.subjects for run in runs), sum(run.found for run in runs)
            checks = len({run.code for run in runs})
            table.append(
                [name, about, f"{checks}", f"{looked:,}" if looked else "nothing", f"{found:,}" if found else "–"]
            )
    page.table(
        [Column("Group", 0.22), Column("About", 0.42), Column("Checks", 0.09, "right"),
         Column("Looked at", 0.14, "right"), Column("Found", 0.13, "right")],
        table,
    )  # fmt: skip


def _findings(page: Document, rows: Sequence[_Row], most: int) -> None:
    """Errors first; what was found alike in several files stands once."""
    page.heading("Findings")
    where: dict[Finding, list[str]] = {}
    for row in rows:
        for finding in row.report.findings:
            where.setdefault(finding, []).append(row.name)
    if not where:
        page.paragraph("None.", 8.5)
        return
    ranks = {level: rank for rank, level in enumerate(Level)}
    ordered = sorted(where, key=lambda finding: ranks[finding.level])
    page.notes([(str(one.level), _remark(one, where[one] if len(rows) > 1 else [])) for one in ordered[:most]])
    _rest(page, len(ordered) - most, "finding")


def _remark(finding: Finding, files: Sequence[str]) -> str:
    more = f" and {_count(len(files) - 1, 'other file')}" if len(files) > 1 else ""
    place = ", ".join(part for part in (f"{_cut(files[0], 40)}{more}" if files else "", finding.where) if part)
    remedy = f" {finding.remedy.rstrip('.')}." if finding.remedy else ""
    code = f" [{finding.code}]"
    return _cut(f"{place}: {finding.message.rstrip('.')}.{remedy}", _LETTERS - len(code)) + code


def _loosened(page: Document, rows: Sequence[_Row], most: int) -> None:
    """What the press takes less strictly, in the press's own words."""
    runs: dict[str, Run] = {run.code: run for row in rows for run in row.report.runs if run.loosened}
    if not runs:
        return
    page.heading("Taken less strictly by this press")
    listed = [f"{run.code}: {run.loosened}" for run in list(runs.values())[:most]]
    levels = [run.level for run in list(runs.values())[:most]]
    page.notes([(level, _cut(text, _REASON)) for level, text in zip(levels, listed, strict=True)])
    _rest(page, len(runs) - most, "check")


def _rest(page: Document, more: int, what: str) -> None:
    if more > 0:
        page.paragraph(f"and {more:,} more {what if more == 1 else f'{what}s'}, in the JSON report", 8.5)


def _levels(findings: Sequence[Finding]) -> str:
    counts = [sum(finding.level is level for finding in findings) for level in Level]
    return ", ".join(_count(count, str(level)) for level, count in zip(Level, counts, strict=True))


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def _cut(text: str, most: int) -> str:
    line = " ".join(text.split())
    return line if len(line) <= most else f"{line[: most - 1].rstrip()}…"
