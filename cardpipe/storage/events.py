"""The log: every move with its reason, written in the transaction that makes the move. It is the outbox, too: what
somebody listens for is marked ``pending`` in the same statement, so that it is told if and only if it happened.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa

from cardpipe.model.event import Event
from cardpipe.model.finding import Finding
from cardpipe.model.order import Scope, canonical
from cardpipe.model.outbox import told_type
from cardpipe.storage.engine import Tx

_ADD = """
    INSERT INTO events (tenant, mode, at, kind, subject, old, new, reason, detail, xact, pending)
    VALUES (:tenant, :mode, :at, :kind, :subject, :old, :new, :reason, :detail, {xact}, {pending})
"""
_ADD_PIECES = """
    INSERT INTO events (tenant, mode, at, kind, subject, old, new, reason, detail, xact, pending)
    SELECT tenant, mode, CAST(:at AS text), 'piece', id, CAST(:old AS text), CAST(:new AS text), CAST(:reason AS text),
           CAST(:detail AS text), {xact}, {pending}
    FROM pieces WHERE batch_id = :batch ORDER BY seq
"""
#: The transaction that writes. On SQLite writers queue, and the counter of the rows tells their order.
_XACT = "CAST(CAST(pg_current_xact_id() AS text) AS bigint)"
_LISTENED_TO = """
    (SELECT count(*) FROM (SELECT 1 FROM endpoints
                           WHERE tenant = :tenant AND mode = :mode AND enabled = 1 LIMIT 1) AS one)
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
    """One line a subject: what moved, from where to where, and why. Ids only in ``detail``. Subjects that are named
    together are of one noun."""
    told = {
        "tenant": scope.tenant, "mode": scope.mode, "at": tx.at, "kind": kind,
        "old": old, "new": new, "reason": reason, "detail": text(detail),
    }  # fmt: skip
    each = [subjects] if isinstance(subjects, str) else list(subjects)
    if each:
        marks = _marks(tx, told_type(kind, new, old=old, subject=each[0]))
        tx.run_each(_ADD.format(**marks), [{**told, "subject": subject} for subject in each])


def log_pieces(tx: Tx, scope: Scope, batch_id: str, old: str, new: str, reason: str) -> None:
    """One line for each piece of a batch, by number, in one statement: all of them moved."""
    tx.run(
        _ADD_PIECES.format(**_marks(tx, told_type("piece", new, old=old))), tenant=scope.tenant, mode=scope.mode,
        batch=batch_id, at=tx.at, old=old, new=new, reason=reason, detail=text({"batch": batch_id}),
    )  # fmt: skip


def _marks(tx: Tx, public: str | None) -> dict[str, str]:
    """What makes the log an outbox, as SQL."""
    return {"xact": _XACT if tx.postgres else "0", "pending": _LISTENED_TO if public else "0"}


def of(tx: Tx, scope: Scope, subject: str) -> list[Event]:
    """The log of one order, piece or batch, oldest first."""
    return [_event(scope, row) for row in tx.all(_OF, tenant=scope.tenant, mode=scope.mode, subject=subject)]


def _event(scope: Scope, row: sa.RowMapping) -> Event:
    return Event(
        scope, row["at"], row["kind"], row["subject"], row["old"], row["new"], row["reason"], json.loads(row["detail"])
    )


def of_another_server(tx: Tx) -> None:
    """These events were written by a server that counts its transactions by itself: here they are older than all."""
    tx.run("UPDATE events SET xact = 0 WHERE xact > 0")
