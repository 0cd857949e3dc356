"""Gathers what checks say: levels by the press's rules, equal remarks as one finding, counts for the report."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from cardpipe.model.finding import Finding, Level
from cardpipe.preflight.catalogue import BY_CODE, of_standard
from cardpipe.preflight.check import Check, View
from cardpipe.preflight.codes import DAMAGED, EXCESS, MISSING
from cardpipe.preflight.document import said
from cardpipe.preflight.report import Run, span

LISTED = 40
"""Findings listed of one check; the rest is counted."""

_REMEDIES = {
    DAMAGED: "Make the file anew; if it came from a transfer, compare its checksum.",
    EXCESS: "Look where this file came from: it is damaged or made to do harm.",
    MISSING: "Make the page anew with all its resources.",
}

Remark = tuple[str, str, str]
"""Code, label of the place, message."""


@dataclass(slots=True)
class _Entry:
    level: Level
    code: str
    label: str
    message: str
    remedy: str
    pages: list[int] = field(default_factory=list)


class Ledger:
    """The book of one inspection: of all subjects, or of some only."""

    def __init__(self, view: View, subjects: frozenset[str] | None = None) -> None:
        self.view = view
        self._checks = of_standard(view.profile.standard, subjects)
        self.counts: dict[str, int] = {}
        self._looked: dict[str, int] = {}
        self._found: dict[str, int] = {}
        self._listed: dict[str, int] = {}
        self._entries: dict[tuple[str, str, str], _Entry] = {}
        self._levels = {check.code: self._level(check) for checks in self._checks.values() for check in checks}

    def _level(self, check: Check) -> Level | None:
        loosened = self.view.profile.loosened.get(check.code)
        return loosened.level if loosened else check.level

    def judge(self, kind: str, subject: Any, label: str = "") -> list[Remark]:
        """Run every check of a kind of subject. A check that stumbles over a damaged subject says that instead."""
        self.counts[kind] = self.counts.get(kind, 0) + 1
        remarks: list[Remark] = []
        for check in self._checks.get(kind, ()):
            if self._levels[check.code] is None:
                continue
            try:
                if check.concerns(subject, self.view):
                    self._looked[check.code] = self._looked.get(check.code, 0) + 1
                    remarks += [(check.code, label, message) for message in check(subject, self.view)]
            except Exception as trouble:
                remarks.append(
                    (DAMAGED, label, f"{check.code} could not read it: {type(trouble).__name__}: {said(trouble)}")
                )
        return remarks

    def write(self, remarks: Iterable[Remark], page: int | None = None) -> None:
        """Enter remarks; the same remark on another page only adds the page."""
        for code, label, message in remarks:
            self._found[code] = self._found.get(code, 0) + 1
            key = (code, label, message)
            entry = self._entries.get(key)
            if entry is None:
                self._listed[code] = self._listed.get(code, 0) + 1
                if self._listed[code] > LISTED:
                    continue
                level = self._levels.get(code) or Level.ERROR
                remedy = BY_CODE[code].remedy if code in BY_CODE else _REMEDIES[code]
                entry = self._entries[key] = _Entry(level, code, label, message, remedy)
            if page is not None:
                entry.pages.append(page)

    def findings(self) -> tuple[Finding, ...]:
        """Errors first, then by the order of the checks and of their discovery."""
        order = {code: index for index, code in enumerate([DAMAGED, EXCESS, MISSING, *BY_CODE])}
        ranks = {level: index for index, level in enumerate(Level)}
        entries = sorted(self._entries.values(), key=lambda entry: (ranks[entry.level], order[entry.code]))
        found = [Finding(one.level, one.code, _where(one), one.message, one.remedy) for one in entries]
        for code, listed in self._listed.items():
            if listed > LISTED:
                level = self._levels.get(code) or Level.ERROR
                found.append(Finding(level, code, "file", f"{listed - LISTED} more of this kind are not listed"))
        return tuple(found)

    def runs(self) -> tuple[Run, ...]:
        """Every check that the standard asks for, with what it looked at."""
        loosened = self.view.profile.loosened
        rows = []
        for check in (check for code, check in BY_CODE.items() if code in self._levels):
            level = self._levels[check.code]
            reason = loosened[check.code].reason if check.code in loosened else ""
            subjects = self._looked.get(check.code, 0)
            rows.append(Run(check.code, str(level or "off"), subjects, self._found.get(check.code, 0), reason))
        return tuple(rows)


def _where(entry: _Entry) -> str:
    place = span(entry.pages) if entry.pages else "file"
    return ", ".join(part for part in (place, entry.label.strip(", ")) if part)
