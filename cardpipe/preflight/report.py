"""What an inspection found, delivered with the batch: as canonical JSON and as a table that a person reads."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from cardpipe.model.finding import Finding, Level, has_errors

FORMAT = 1


@dataclass(frozen=True, slots=True)
class Facts:
    """The file in numbers. ``trims`` are in points, ``objects`` counts what was looked at by kind, ``pieces`` is what
    it must hold where that was told, ``records`` what its document parts count."""

    size: int = 0
    version: str = ""
    pages: int = 0
    pieces: int | None = None
    records: int | None = None
    title: str = ""
    standard: str = ""
    condition: str = ""
    trims: tuple[tuple[float, float], ...] = ()
    fonts: tuple[str, ...] = ()
    spots: tuple[str, ...] = ()
    lowest_ppi: float | None = None
    highest_ink: float | None = None
    objects: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Run:
    """One check as it was run. ``subjects`` is what it looked at: 0 means that it proves nothing about this file.

    ``found`` counts every trouble, also those that the list of findings leaves out. ``loosened`` is the press's
    reason where the check ran at another level than its own, or not at all (``level`` is then "off").
    """

    code: str
    level: str
    subjects: int
    found: int
    loosened: str = ""

    @property
    def state(self) -> str:
        """One word or two for the table."""
        if self.level == "off":
            return "switched off"
        if not self.subjects:
            return "nothing to look at"
        return f"{self.found} found" if self.found else "passed"


@dataclass(frozen=True, slots=True)
class Report:
    """The outcome. ``complete`` is False where reading had to stop: then nothing is proven beyond the findings."""

    name: str
    profile: str
    facts: Facts
    findings: tuple[Finding, ...]
    runs: tuple[Run, ...]
    complete: bool = True

    @property
    def ok(self) -> bool:
        """Whether the file may go to press: read to its end, and no error."""
        return self.complete and not has_errors(self.findings)

    def codes(self, level: Level = Level.ERROR) -> tuple[str, ...]:
        """The codes of the findings of one level, each once, in alphabetical order."""
        return tuple(sorted({finding.code for finding in self.findings if finding.level is level}))

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready values."""
        return {
            "format": FORMAT,
            "name": self.name,
            "profile": self.profile,
            "ok": self.ok,
            "complete": self.complete,
            "facts": asdict(self.facts),
            "findings": [finding.as_dict() for finding in self.findings],
            "runs": [asdict(run) | {"state": run.state} for run in self.runs],
        }

    def to_json(self) -> str:
        """Canonical: the same file and profile give the same text, today and in March."""
        return json.dumps(self.as_dict(), sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False)

    def to_text(self) -> str:
        """The verdict, the file, the findings and what was run, in lines of text."""
        facts, counts = self.facts, dict.fromkeys(Level, 0)
        for finding in self.findings:
            counts[finding.level] += 1
        verdict = "PASSED" if self.ok else "FAILED" if self.complete else "FAILED (reading stopped before the end)"
        lines = [
            f"Preflight {verdict}{': ' + self.name if self.name else ''}",
            f"{counts[Level.ERROR]} errors, {counts[Level.WARNING]} warnings, {counts[Level.NOTE]} notes "
            f"(profile {self.profile})",
            f"{facts.pages} pages, {facts.size} bytes, PDF {facts.version or '?'}, {facts.standard or 'no PDF/X'}, "
            f"made for {facts.condition or 'no stated condition'}",
        ]
        if facts.trims:
            lines.append("Trim: " + ", ".join(f"{width:g} x {height:g} pt" for width, height in facts.trims))
        if facts.lowest_ppi is not None:
            lines.append(f"Lowest resolution: {facts.lowest_ppi:.0f} ppi")
        if facts.highest_ink is not None:
            lines.append(f"Heaviest flat colour: {facts.highest_ink:.0f} %")
        if self.findings:
            lines += ["", "Findings"]
            rows = [(str(item.level), item.code, item.where, item.message) for item in self.findings]
            lines += _table(("level", "code", "where", "what"), rows)
        lines += ["", "Checks"]
        rows = [(run.code, run.level, str(run.subjects), f"{run.state}{_because(run)}") for run in self.runs]
        lines += _table(("check", "level", "looked at", "outcome"), rows)
        return "\n".join(lines) + "\n"


def _because(run: Run) -> str:
    return f" (loosened: {run.loosened})" if run.loosened else ""


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> list[str]:
    """Columns as wide as their widest cell; the last one runs free."""
    widths = [max(len(row[index]) for row in [head, *rows]) for index in range(len(head) - 1)]
    return [
        "  " + "  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[-1]])
        for row in [head, *rows]
    ]


def span(numbers: list[int]) -> str:
    """Page numbers as people write them: ``page 3``, ``pages 1-4, 7``; many gaps are counted instead."""
    ordered = sorted(set(numbers))
    runs: list[list[int]] = []
    for number in ordered:
        if runs and number == runs[-1][1] + 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    texts = [f"{first}" if first == last else f"{first}-{last}" for first, last in runs[:8]]
    more = f" and more ({len(ordered)} in all)" if len(runs) > 8 else ""
    return f"page{'s' if len(ordered) > 1 else ''} {', '.join(texts)}{more}"
