"""Rows on their way in: each becomes an order, or is refused and kept with every finding until it is mended.

A row's verdict is one transaction with the order that it becomes, fenced by the claim on its chunk: a worker that was
overtaken changes nothing. Whoever changes a row locks its import (if the chunk ends), then the step, then the row.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import sqlalchemy as sa

from cardpipe.model.errors import Bug, Conflict, Refused
from cardpipe.model.finding import Finding, error, has_errors, warning
from cardpipe.model.intake import NewRow, Row, RowState
from cardpipe.model.order import Scope, digest
from cardpipe.model.override import Override
from cardpipe.model.stored import Claim, NewOrder, Receipt, StoredOrder
from cardpipe.storage import duplicates, imports, orders, requests, steps
from cardpipe.storage.engine import Tx
from cardpipe.storage.events import findings_from, findings_text, log, text

_ADD = """
    INSERT INTO intake (tenant, mode, id, line, chunk, reference, request_digest, state, request, cells, findings, at)
    VALUES (:tenant, :mode, :id, :line, :chunk, :reference, :request_digest, :state, :request, :cells, :findings, :at)
    ON CONFLICT (tenant, mode, reference) WHERE import_id IS NULL DO NOTHING
"""
_ANEW = """
    UPDATE intake SET state = :state, request = :request, request_digest = :request_digest, cells = :cells,
                      line = :line, findings = :findings, at = :at
    WHERE tenant = :tenant AND mode = :mode AND id = :id AND state = 'refused'
"""
_MEND = """
    UPDATE intake SET state = 'received', request = :request, request_digest = :digest, reference = :reference,
                      chunk = :chunk, findings = '[]', overrides = :overrides, at = :at
    WHERE tenant = :tenant AND mode = :mode AND id = :id AND state = 'refused'
"""
_DROP = """
    UPDATE intake SET state = 'dropped', at = :at
    WHERE tenant = :tenant AND mode = :mode AND id = :id AND state IN ('received', 'refused')
"""
_ROWS = """
    SELECT r.*, i.dry_run, i.terms, i.erased_at FROM intake r
    LEFT JOIN imports i ON i.tenant = r.tenant AND i.mode = r.mode AND i.id = r.import_id
    WHERE r.tenant = :tenant AND r.mode = :mode AND {those}
"""
_BY_ID = _ROWS.format(those="r.id = :key")
_BY_REFERENCE = _ROWS.format(those="r.reference = :key AND r.import_id IS NULL")
_OF_CHUNK = _ROWS.format(those="r.chunk = :chunk AND r.state = 'received'") + " ORDER BY r.line, r.id"
_OF_IMPORT = (
    _ROWS.format(those="r.import_id = :import_id AND r.line > :after {narrowed}") + " ORDER BY r.line LIMIT :most"
)
_OPEN = """
    SELECT 1 AS one FROM intake
    WHERE tenant = :tenant AND mode = :mode AND id = :id AND chunk = :chunk AND state = 'received'{locked}
"""
_VERDICT = """
    UPDATE intake SET state = :state, findings = :findings, at = :at, natural_key = :natural_key,
                      reference = CASE WHEN reference = '' THEN :reference ELSE reference END
    WHERE tenant = :tenant AND mode = :mode AND id = :id AND chunk = :chunk AND state = 'received'
"""
_LIKE = """
    SELECT line FROM intake
    WHERE tenant = :tenant AND mode = :mode AND import_id = :import_id AND natural_key = :natural_key AND id <> :id
    ORDER BY line LIMIT 1
"""
_REFUSE = """
    UPDATE intake SET state = 'refused', findings = :findings, at = :at
    WHERE tenant = :tenant AND mode = :mode AND chunk = :chunk AND state = 'received' AND line <= :line
    RETURNING id
"""
_IMPORT_OF = "SELECT import_id FROM intake WHERE tenant = :tenant AND mode = :mode AND chunk = :chunk LIMIT 1"
_FIRST = """
    SELECT min(line) AS line FROM intake
    WHERE tenant = :tenant AND mode = :mode AND chunk = :chunk AND state = 'received'
"""
_WANTED = """
    SELECT 1 AS one FROM intake r LEFT JOIN imports i ON i.tenant = r.tenant AND i.mode = r.mode AND i.id = r.import_id
    WHERE r.tenant = :tenant AND r.mode = :mode AND r.chunk = :chunk AND (r.state = 'received' OR i.state = 'judging')
    LIMIT 1
"""
_EARLIER = """
    SELECT request_digest FROM intake
    WHERE tenant = :tenant AND mode = :mode AND import_id = :import_id AND reference = :reference AND line < :line
      AND state <> 'refused'
    ORDER BY line LIMIT 1
"""
_LAST_LINE = 2**31 - 1


def add(tx: Tx, new: NewRow, scope: Scope, receipt: Receipt | None) -> tuple[Row, bool]:
    """An order that a worker is to judge, as a row of no import. The same request again gives the stored row; one that
    was refused is taken in anew. Raises Conflict where its reference stands for another request."""
    columns = imports.row_columns(tx, scope, new)
    fresh = bool(tx.run(_ADD, **columns, chunk=_own_chunk(str(columns["id"]))))
    if not fresh:
        was = _alone(tx, scope, new.reference)
        steps.of(tx, scope, "accept", was["chunk"])
        fresh = bool(tx.run(_ANEW, **{**columns, "id": was["id"]}))
        if not fresh and _alone(tx, scope, new.reference)["request_digest"] != new.request_digest:
            raise _reference_taken()
    stored = _row(_alone(tx, scope, new.reference))
    if fresh:
        _received(tx, stored, _own_chunk(stored.id), "received")
    if receipt is not None:
        requests.finish(tx, scope, receipt, stored, stored.id)
    return stored, fresh


def one(tx: Tx, scope: Scope, key: str) -> Row | None:
    """By id, or (of no import) by reference."""
    place = {"tenant": scope.tenant, "mode": scope.mode, "key": key}
    row = tx.one(_BY_ID, **place) or tx.one(_BY_REFERENCE, **place)
    return None if row is None else _row(row)


def listed(tx: Tx, scope: Scope, import_id: str, state: str | None, after: int, limit: int) -> list[Row]:
    """By line. Raises Refused where there is no such import."""
    imports.known(tx, scope, import_id)
    sql = _OF_IMPORT.format(narrowed="" if state is None else "AND r.state = :state")
    narrowed = {} if state is None else {"state": state}
    rows = tx.all(
        sql, tenant=scope.tenant, mode=scope.mode, import_id=import_id, after=after, most=limit, **narrowed
    )  # fmt: skip
    return [_row(row) for row in rows]


def chunk(tx: Tx, claim: Claim) -> list[Row]:
    """Those of the chunk that have no verdict yet, by line."""
    return [_row(row) for row in tx.all(_OF_CHUNK, **_chunk(claim))]


def settle(
    tx: Tx, claim: Claim, row: Row, found: NewOrder | None, findings: Sequence[Finding], *, known: bool = False
) -> StoredOrder | None:
    """The verdict, and with it the order. None, and nothing happened, where the claim was lost or the row has one."""
    this = {**_chunk(claim), "id": row.id}
    open_ = _OPEN.format(locked=" FOR UPDATE" if tx.postgres else "")
    if not steps.still_mine(tx, claim) or tx.one(open_, **this) is None:
        return None
    state, stored, said = _judged(tx, row, found, tuple(findings), known)
    tx.run(
        _VERDICT, **this, state=str(state), findings=findings_text(said), at=tx.at,
        reference=found.reference if found else "", natural_key=found.natural_key if found and row.dry_run else None,
    )  # fmt: skip
    if row.import_id is None and state is not RowState.ACCEPTED:
        reason = "the same order was there already" if state is RowState.KNOWN else steps.codes(said)
        log(tx, row.scope, "intake", row.id, str(RowState.RECEIVED), str(state), reason)
    return stored


def complete(tx: Tx, claim: Claim) -> bool:
    """Every row of the chunk has its verdict; with the last chunk the import is finished. False: the claim was lost."""
    of_import = _lock(tx, claim.scope, claim.subject)
    if not steps.finish(tx, claim.step_id, claim.token):
        return False
    if left := len(chunk(tx, claim)):
        raise Bug(f"{left} rows of a chunk were left without a verdict")
    if of_import is not None:
        imports.finish(tx, claim.scope, of_import)
    return True


def mend(
    tx: Tx, scope: Scope, row_id: str, request: Mapping[str, Any], actor: str, overrides: Sequence[Override] = ()
) -> Row:
    """A refused row with another request: to be judged again, by itself, with what was let pass of it before and
    ``overrides``. Conflict where it is not refused."""
    was = _stored(tx, scope, row_id)
    if was["erased_at"] is not None:
        raise Conflict(
            "What this row's import said was erased.",
            [error("import.erased", "row", "its import is over and erased", "send it as an order of its own")],
        )
    reference = str(request.get("reference") or was["reference"])
    if was["import_id"] is None and reference != was["reference"]:
        raise _reference_taken("is another than before; this row was promised under its first one")
    alone = _own_chunk(row_id)
    steps.of(tx, scope, "accept", alone)
    if not tx.run(
        _MEND, tenant=scope.tenant, mode=scope.mode, id=row_id, request=text(dict(request)), at=tx.at, chunk=alone,
        digest=digest(dict(request)), reference=reference,
        overrides=text(json.loads(was["overrides"]) + [each.as_dict() for each in overrides]),
    ):  # fmt: skip
        raise Conflict(
            f"A row that is {was['state']} cannot be mended.",
            [error("row.not_refused", "row", f"is {was['state']}", "change or cancel its order instead")],
        )
    mended = _row(_stored(tx, scope, row_id))
    _received(tx, mended, alone, "mended", actor=actor)
    return mended


def drop(tx: Tx, scope: Scope, row_id: str, reason: str, actor: str) -> Row:
    """Withdrawn before it became an order: it never does. Twice is once; Conflict where it was faster."""
    was = _stored(tx, scope, row_id)
    if tx.run(_DROP, tenant=scope.tenant, mode=scope.mode, id=row_id, at=tx.at):
        log(tx, scope, "intake", row_id, was["state"], str(RowState.DROPPED), reason, actor=actor)
    elif (now := _stored(tx, scope, row_id)["state"]) != RowState.DROPPED:
        found = error("row.judged", "row", f"is {now} by now", "cancel the order that it became")
        raise Conflict(f"A row that is {now} cannot be withdrawn.", [found])
    return _row(_stored(tx, scope, row_id))


def wanted(tx: Tx, claim: Claim) -> bool:
    """Whether a row of the chunk waits for its verdict, or the import for the chunk."""
    return tx.one(_WANTED, **_chunk(claim)) is not None


def give_up(tx: Tx, claim: Claim, findings: tuple[Finding, ...], *, first: bool = False) -> None:
    """Its rows could not be judged: those without a verdict are refused with what was met. ``first``: only that one is
    at which the workers died; the others have another chance."""
    of_import, scope = _lock(tx, claim.scope, claim.subject), claim.scope
    line = tx.one(_FIRST, **_chunk(claim))
    met = line is not None and line["line"] is not None
    upto = line["line"] if first and line is not None and met else _LAST_LINE
    refused = tx.all(_REFUSE, **_chunk(claim), line=upto, findings=findings_text(findings), at=tx.at) if met else []
    if of_import is None:
        log(tx, scope, "intake", [row["id"] for row in refused], str(RowState.RECEIVED), str(RowState.REFUSED),
            steps.codes(findings))  # fmt: skip
    if first and met:
        steps.reopen(tx, scope, claim.kind, claim.subject)
        return
    steps.stop(tx, scope, claim.kind, claim.subject)
    if of_import is not None:
        imports.finish(tx, scope, of_import)


def _judged(
    tx: Tx, row: Row, found: NewOrder | None, findings: tuple[Finding, ...], known: bool
) -> tuple[RowState, StoredOrder | None, tuple[Finding, ...]]:
    """What becomes of a row: an order, no order again, or nothing, with its findings."""
    if found is not None and not row.dry_run:
        found = replace(found, order_id=row.id, lane=row.import_id or "")
        try:
            with tx.conn.begin_nested():
                stored, fresh = orders.add(tx, found)
        except Conflict as conflict:
            return RowState.REFUSED, None, (*findings, _reused(finding.where for finding in conflict.findings))
        return (RowState.ACCEPTED if fresh else RowState.KNOWN), stored, findings
    if known:
        return RowState.KNOWN, None, findings
    if has_errors(findings):
        return RowState.REFUSED, None, findings
    if not row.dry_run:
        raise Bug("a row was refused without a finding")
    return _as_if(tx, row, found, findings)


def _as_if(
    tx: Tx, row: Row, found: NewOrder | None, findings: tuple[Finding, ...]
) -> tuple[RowState, None, tuple[Finding, ...]]:
    """What would become of a row of a dry run, beside the earlier ones of its file: they are no orders either."""
    earlier = tx.one(
        _EARLIER, tenant=row.scope.tenant, mode=row.scope.mode, import_id=row.import_id, reference=row.reference,
        line=row.line,
    )  # fmt: skip
    if earlier is None:
        return RowState.ACCEPTED, None, (*findings, *_double(tx, row, found))
    if earlier["request_digest"] == row.request_digest:
        return RowState.KNOWN, None, findings
    return RowState.REFUSED, None, (*findings, _reused(()))


def _double(tx: Tx, row: Row, found: NewOrder | None) -> Iterator[Finding]:
    """That an order of this row would be held as a likely duplicate: of an order, or of another row of its file."""
    if found is None or found.natural_key is None:
        return
    this = {"tenant": row.scope.tenant, "mode": row.scope.mode, "natural_key": found.natural_key}
    if order := duplicates.standing(tx, row.scope, found.natural_key):
        said = f"{order['id']} (reference {order['reference']})"
    elif other := tx.one(_LIKE, **this, import_id=row.import_id, id=row.id):
        said = f"line {other['line']}"
    else:
        return
    what = f"looks like a second card: {said} has the same recipient, occasion and date"
    yield warning(duplicates.CODE, "order", what, "it would be held until it is allowed as a second card")


def _received(tx: Tx, row: Row, chunk: str, reason: str, **detail: str) -> None:
    """The row's own step, unless it was refused as it stood; and the line in the log."""
    if row.state is RowState.RECEIVED:
        steps.add_or_reopen(tx, row.scope, "accept", chunk, lane=row.import_id or "")
    if row.state is RowState.RECEIVED or row.import_id is None:
        said = reason if row.state is RowState.RECEIVED else steps.codes(row.findings)
        log(tx, row.scope, "intake", row.id, None, str(row.state), said, **detail)


def _lock(tx: Tx, scope: Scope, chunk: str) -> str | None:
    """The import of a chunk, locked before the chunk's step; None where it is of none."""
    row = tx.one(_IMPORT_OF, tenant=scope.tenant, mode=scope.mode, chunk=chunk)
    if row is None or row["import_id"] is None:
        return None
    imports.locked(tx, scope, row["import_id"])
    return str(row["import_id"])


def _stored(tx: Tx, scope: Scope, key: str) -> sa.RowMapping:
    place = {"tenant": scope.tenant, "mode": scope.mode, "key": key}
    row = tx.one(_BY_ID, **place)
    if row is None:
        raise Refused("No such row.", [error("row.unknown", "id", "no row has this id", "list the import's rows")])
    return row


def _alone(tx: Tx, scope: Scope, reference: str) -> sa.RowMapping:
    """The row of no import that stands for a reference; rows are never deleted."""
    row = tx.one(_BY_REFERENCE, tenant=scope.tenant, mode=scope.mode, key=reference)
    if row is None:
        raise Bug("a row that is in the way is not there")
    return row


def _own_chunk(row_id: str) -> str:
    return f"chk_{row_id.partition('_')[2]}"


def _chunk(claim: Claim) -> dict[str, str]:
    return {"tenant": claim.scope.tenant, "mode": claim.scope.mode, "chunk": claim.subject}


def _reused(fields: Iterable[str]) -> Finding:
    named = ", ".join(sorted(set(fields) - {"request"}))
    return error(
        "order.reference_reused", "reference", "is taken by an order that differs" + (f" in {named}" if named else ""),
        "give this order a reference of its own: one reference is one order for ever",
    )  # fmt: skip


def _reference_taken(message: str = "stands for another request") -> Conflict:
    remedy = "give this order a reference of its own: one reference is one order for ever"
    return Conflict(
        "The reference is already taken by another request.",
        [error("order.reference.taken", "reference", message, remedy)],
    )


def _row(row: sa.RowMapping) -> Row:
    return Row(
        id=row["id"], scope=Scope(row["tenant"], row["mode"]), import_id=row["import_id"], line=row["line"],
        reference=row["reference"], state=RowState(row["state"]), request=json.loads(row["request"]),
        cells=tuple(json.loads(row["cells"])), findings=findings_from(row["findings"]), at=row["at"],
        request_digest=row["request_digest"], dry_run=bool(row["dry_run"]), terms=json.loads(row["terms"] or "{}"),
        overrides=tuple(map(Override.from_dict, json.loads(row["overrides"]))),
    )  # fmt: skip
