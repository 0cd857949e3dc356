"""The log: every move with its reason, written in the transaction that makes the move."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa

from cardpipe.model.event import Event
from cardpipe.model.finding import Finding
from cardpipe.model.order import Scope, canonical
from cardpipe.storage.engine import Tx

_ADD = """
    INSERT INTO events (tenant, mode, at, kind, subject, old, new, reason, detail)
    VALUES (:tenant, :mode, :at, :kind, :subject, :old, :new, :reason, :detail)
"""
_OF = """
    SELECT * FROM events WHERE tenant = :tenant AND mode = :mode AND subject = :subject ORDER BY id
"""


def text(value: Any) -> str:
    """A value as it is kept in a column: canonical JSON."""
    return canonical(value).decode()


def findings_text(findings: Iterable[Finding]) -> str:
    """Findings as they are kept in a column."""
    return text([finding.as_dict() for finding in findings])


def findings_from(column: str | None) -> tuple[Finding, ...]:
    """The inverse of :func:`findings_text`."""
    return tuple(Finding.from_dict(each) for each in json.loads(column or "[]"))


def log(
    tx: Tx,
    scope: Scope,
    kind: str,
    subjects: str | Iterable[str],
    old: str | None,
    new: str | None,
    reason: str,
    **detail: Any,
) -> None:
    """One line a subject: what moved, from where to where, and why. Ids only in ``detail``."""
    told = {
        "tenant": scope.tenant, "mode": scope.mode, "at": tx.at, "kind": kind,
        "old": old, "new": new, "reason": reason, "detail": text(detail),
    }  # fmt: skip
    each = [subjects] if isinstance(subjects, str) else list(subjects)
    tx.run_each(_ADD, [{**told, "subject": subject} for subject in each])


def of(tx: Tx, scope: Scope, subject: str) -> list[Event]:
    """The log of one order, piece or batch, oldest first."""
    return [_event(scope, row) for row in tx.all(_OF, tenant=scope.tenant, mode=scope.mode, subject=subject)]


def _event(scope: Scope, row: sa.RowMapping) -> Event:
    return Event(
        scope, row["at"], row["kind"], row["subject"], row["old"], row["new"], row["reason"], json.loads(row["detail"])
    )
