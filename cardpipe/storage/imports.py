"""Imports: files of orders, from the moment they were taken in until each of their rows has its verdict.

``received`` while a worker reads the file, ``judging`` once it was read through: until then no row has a step, so that
a file that turns out to be none is refused as a whole and nothing of it was ordered. Whoever changes an import locks
it before its steps and rows.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence

import sqlalchemy as sa

from cardpipe.model.errors import Conflict, Refused
from cardpipe.model.finding import Finding, error, has_errors
from cardpipe.model.intake import Import, ImportState, NewImport, NewRow, RowState
from cardpipe.model.order import Scope
from cardpipe.model.stored import Claim, Receipt
from cardpipe.storage import requests, steps
from cardpipe.storage.engine import Tx, new_id
from cardpipe.storage.events import findings_from, findings_text, log, text

#: So many lines of a file are judged in one step.
CHUNK = 100

_ADD = """
    INSERT INTO imports (tenant, mode, id, name, source, mapping, terms, dry_run, state, header, findings, created_at)
    VALUES (:tenant, :mode, :id, :name, :source, :mapping, :terms, :dry_run, 'received', '[]', '[]', :at)
"""
_BY_ID = "SELECT * FROM imports WHERE tenant = :tenant AND mode = :mode AND id = :id{locked}"
_PAGE = """
    SELECT * FROM imports WHERE tenant = :tenant AND mode = :mode AND id < :before ORDER BY id DESC LIMIT :most
"""
_COUNTS = """
    SELECT import_id, state, count(*) AS many FROM intake
    WHERE tenant = :tenant AND mode = :mode AND import_id IN {listed} GROUP BY import_id, state
"""
_ADD_ROW = """
    INSERT INTO intake (tenant, mode, id, import_id, line, chunk, reference, request_digest, state, request, cells,
                        findings, at)
    VALUES (:tenant, :mode, :id, :import_id, :line, :chunk, :reference, :request_digest, :state, :request, :cells,
            :findings, :at)
    ON CONFLICT (tenant, mode, import_id, line) DO NOTHING
"""
_CHUNKS = """
    SELECT chunk FROM intake
    WHERE tenant = :tenant AND mode = :mode AND import_id = :id AND state = 'received' GROUP BY chunk ORDER BY min(line)
"""
_READ_THROUGH = """
    UPDATE imports SET state = 'judging', header = :header, line_count = (
        SELECT count(*) FROM intake WHERE tenant = :tenant AND mode = :mode AND import_id = :id)
    WHERE tenant = :tenant AND mode = :mode AND id = :id AND state = 'received'
"""
# every row that has no verdict yet lies in a chunk with an open step of this lane
_FINISH = """
    UPDATE imports SET state = 'finished', finished_at = :at
    WHERE tenant = :tenant AND mode = :mode AND id = :id AND state = 'judging' AND NOT EXISTS (
        SELECT 1 FROM steps
        WHERE kind = 'accept' AND tenant = :tenant AND mode = :mode AND lane = :id AND state = 'open'
          AND held IS NULL)
"""
_END = """
    UPDATE imports SET state = :state, finished_at = :at, findings = :findings
    WHERE tenant = :tenant AND mode = :mode AND id = :id AND state IN ('received', 'judging')
"""
_DROP_ROWS = """
    UPDATE intake SET state = 'dropped', at = :at
    WHERE tenant = :tenant AND mode = :mode AND import_id = :id AND state = 'received'
"""


def add(tx: Tx, new: NewImport, receipt: Receipt | None) -> Import:
    """A file was taken in, to be read by a worker."""
    import_id = new_id("imp", tx.now)
    tx.run(
        _ADD, **_key(new.scope, import_id), name=new.name, source=new.source, mapping=text(dict(new.columns)),
        terms=text(dict(new.terms)), dry_run=int(new.dry_run), at=tx.at,
    )  # fmt: skip
    steps.add(tx, new.scope, "import", import_id)
    log(tx, new.scope, "import", import_id, None, str(ImportState.RECEIVED), "received", actor=new.actor)
    stored = one(tx, new.scope, import_id)
    if receipt is not None:
        requests.finish(tx, new.scope, receipt, stored, import_id)
    return stored


def one(tx: Tx, scope: Scope, import_id: str) -> Import:
    """By id, with its counts. Raises Refused where this tenant has none."""
    return _from(scope, [known(tx, scope, import_id)], tx)[0]


def listed(tx: Tx, scope: Scope, limit: int, before: str | None) -> tuple[list[Import], str | None]:
    """Newest first; and the id after which the next page begins."""
    rows = tx.all(_PAGE, tenant=scope.tenant, mode=scope.mode, before=before or "zzzz", most=limit + 1)
    found = _from(scope, rows[:limit], tx)
    return found, found[-1].id if len(rows) > limit else None


def locked(tx: Tx, scope: Scope, import_id: str) -> sa.RowMapping:
    """Nobody else ends it, or a chunk of it, until this transaction ends. Raises Refused where there is none."""
    return known(tx, scope, import_id, " FOR UPDATE" if tx.postgres else "")


def known(tx: Tx, scope: Scope, import_id: str, lock: str = "") -> sa.RowMapping:
    """Its row. Raises Refused where this tenant has none."""
    row = tx.one(_BY_ID.format(locked=lock), **_key(scope, import_id))
    if row is None:
        found = error("import.unknown", "id", "no import has this id", "list the imports")
        raise Refused("No such import.", [found])
    return row


def cancel(tx: Tx, scope: Scope, import_id: str, actor: str) -> Import:
    """Rows without a verdict are dropped. Twice is once; Conflict for one that has ended."""
    was = locked(tx, scope, import_id)["state"]
    if _end(tx, scope, import_id, was, ImportState.CANCELLED, "cancelled", (), actor=actor):
        steps.drop(tx, scope, "import", import_id)
    elif was != ImportState.CANCELLED:
        raise Conflict(
            f"An import that is {was} cannot be cancelled.",
            [error("import.ended", "import", f"is {was} already", "cancel its orders one by one")],
        )
    return one(tx, scope, import_id)


def add_rows(tx: Tx, claim: Claim, rows: Sequence[NewRow]) -> bool:
    """The next rows of the file. A line that is there already, from a reading that was cut short, is left as it is.
    False: the claim was lost."""
    scope, import_id = claim.scope, claim.subject
    if locked(tx, scope, import_id)["state"] != ImportState.RECEIVED or not steps.still_mine(tx, claim):
        return False
    tx.run_each(
        _ADD_ROW,
        [{**row_columns(tx, scope, row), "import_id": import_id, "chunk": _chunk(import_id, row.line)} for row in rows],
    )
    return True


def row_columns(tx: Tx, scope: Scope, row: NewRow) -> dict[str, object]:
    """What a row is stored as, under an id of its own: the id of the order that it becomes."""
    return {
        "tenant": scope.tenant, "mode": scope.mode, "id": new_id("ord", tx.now), "line": row.line, "at": tx.at,
        "reference": row.reference, "request_digest": row.request_digest, "request": text(dict(row.request)),
        "state": str(RowState.REFUSED if has_errors(row.findings) else RowState.RECEIVED),
        "cells": text(list(row.cells)), "findings": findings_text(row.findings),
    }  # fmt: skip


def complete(tx: Tx, claim: Claim, header: Sequence[str]) -> bool:
    """The file was read through: its chunks are to be judged. False: somebody else won."""
    scope, import_id = claim.scope, claim.subject
    locked(tx, scope, import_id)
    if not steps.finish(tx, claim.step_id, claim.token):
        return False
    key = _key(scope, import_id)
    if not tx.run(_READ_THROUGH, **key, header=text(list(header))):
        return False
    for row in tx.all(_CHUNKS, **key):
        steps.add(tx, scope, "accept", row["chunk"], lane=import_id)
    log(tx, scope, "import", import_id, str(ImportState.RECEIVED), str(ImportState.JUDGING), "read through")
    finish(tx, scope, import_id)
    return True


def finish(tx: Tx, scope: Scope, import_id: str) -> None:
    """Once, by whoever ends the last of its chunks; the import is locked."""
    if tx.run(_FINISH, **_key(scope, import_id), at=tx.at):
        log(tx, scope, "import", import_id, str(ImportState.JUDGING), str(ImportState.FINISHED), "every row is judged")


def refuse(tx: Tx, claim: Claim, findings: Iterable[Finding]) -> bool:
    """It cannot be used as a file. False: the claim was lost."""
    was = locked(tx, claim.scope, claim.subject)["state"]
    if not steps.finish(tx, claim.step_id, claim.token):
        return False
    found = tuple(findings)
    return _end(tx, claim.scope, claim.subject, was, ImportState.REFUSED, steps.codes(found), found)


def wanted(tx: Tx, claim: Claim) -> bool:
    """Whether it is still to be read."""
    row = tx.one(_BY_ID.format(locked=""), **_key(claim.scope, claim.subject))
    return row is not None and row["state"] == ImportState.RECEIVED


def give_up(tx: Tx, claim: Claim, findings: tuple[Finding, ...]) -> None:
    """It could not be read, as often as it was tried: refused, with what was met."""
    was = locked(tx, claim.scope, claim.subject)["state"]
    steps.stop(tx, claim.scope, claim.kind, claim.subject)
    _end(tx, claim.scope, claim.subject, was, ImportState.REFUSED, steps.codes(findings), findings)


def _end(
    tx: Tx, scope: Scope, import_id: str, was: str, state: ImportState, reason: str, findings: tuple[Finding, ...],
    **detail: str,
) -> bool:  # fmt: skip
    """Ended before its time: what has no verdict is dropped. False where it had ended already."""
    key = _key(scope, import_id)
    if not tx.run(_END, **key, state=str(state), at=tx.at, findings=findings_text(findings)):
        return False
    steps.drop_lane(tx, scope, "accept", import_id)
    tx.run(_DROP_ROWS, **key, at=tx.at)
    log(tx, scope, "import", import_id, was, str(state), reason, **detail)
    return True


def _chunk(import_id: str, line: int) -> str:
    """By the line alone: a file that is read again falls into the same chunks."""
    return f"chk_{import_id.partition('_')[2]}_{line // CHUNK}"


def _key(scope: Scope, import_id: str) -> dict[str, str]:
    return {"tenant": scope.tenant, "mode": scope.mode, "id": import_id}


def _from(scope: Scope, rows: Sequence[sa.RowMapping], tx: Tx) -> list[Import]:
    """Rows as values, each with the number of its rows in each state: one query for all of them."""
    counts: dict[str, dict[str, int]] = {row["id"]: {str(state): 0 for state in RowState} for row in rows}
    sql = _COUNTS.format(listed=tx.listed("ids"))
    for row in tx.all(sql, tenant=scope.tenant, mode=scope.mode, ids=text(sorted(counts))) if rows else []:
        counts[row["import_id"]][row["state"]] = int(row["many"])
    return [_import(scope, row, counts[row["id"]]) for row in rows]


def _import(scope: Scope, row: sa.RowMapping, counts: Mapping[str, int]) -> Import:
    return Import(
        id=row["id"], scope=scope, name=row["name"], source=row["source"], columns=json.loads(row["mapping"]),
        terms=json.loads(row["terms"]), dry_run=bool(row["dry_run"]), state=ImportState(row["state"]),
        rows=row["line_count"], counts=counts, header=tuple(json.loads(row["header"])),
        findings=findings_from(row["findings"]), created_at=row["created_at"], finished_at=row["finished_at"],
    )  # fmt: skip
