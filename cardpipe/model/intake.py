"""Orders on their way in that only a worker can judge: imports (a file of many), and rows (one each)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from cardpipe.model.finding import Finding
from cardpipe.model.order import Scope
from cardpipe.model.override import Override


class RowState(StrEnum):
    """What became of a row. ``known``: the same order was there already, so nothing was added."""

    RECEIVED = "received"
    ACCEPTED = "accepted"
    KNOWN = "known"
    REFUSED = "refused"
    DROPPED = "dropped"


class ImportState(StrEnum):
    """How far an import has come. A refused one could not be read as a file."""

    RECEIVED = "received"
    JUDGING = "judging"
    FINISHED = "finished"
    REFUSED = "refused"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class NewImport:
    """A file of orders as it was handed in: its bytes lie in the artifacts under ``source``; ``columns`` is the mapping
    of its columns (see ``pipeline.mapping``), ``terms`` what holds for each row (``mail_on``, ``approval`` …)."""

    scope: Scope
    name: str
    source: str
    columns: Mapping[str, Any]
    terms: Mapping[str, Any]
    dry_run: bool
    actor: str = ""


@dataclass(frozen=True, slots=True)
class Import:
    """An import as stored. ``counts`` has the number of rows in each :class:`RowState`; ``rows`` is None until all of
    the file was read."""

    id: str
    scope: Scope
    name: str
    source: str
    columns: Mapping[str, Any]
    terms: Mapping[str, Any]
    dry_run: bool
    state: ImportState
    rows: int | None
    counts: Mapping[str, int]
    header: tuple[str, ...]
    findings: tuple[Finding, ...]
    created_at: str
    finished_at: str | None


@dataclass(frozen=True, slots=True)
class NewRow:
    """One row as read. ``cells`` are what stood in the file (for the file of failed rows), ``request`` the order it
    means; findings with an error: it could not even be read, and is refused as it stands."""

    line: int
    request: Mapping[str, Any]
    cells: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()
    reference: str = ""
    request_digest: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """A row as stored: its id is the id of the order that it becomes. ``overrides``: what was let pass of it."""

    id: str
    scope: Scope
    import_id: str | None
    line: int
    reference: str
    state: RowState
    request: Mapping[str, Any]
    cells: tuple[str, ...]
    findings: tuple[Finding, ...]
    at: str
    request_digest: str = ""
    dry_run: bool = False
    terms: Mapping[str, Any] = field(default_factory=dict)
    overrides: tuple[Override, ...] = ()
