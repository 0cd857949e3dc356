"""The pieces of one batch together: found by number, moved by the thousand, taken out one by one.

Whoever calls these holds the batch (``batches.locked``): nobody else moves a piece that lies in it meanwhile, and the
batch is known to be this tenant's. So they find pieces by batch and id alone: with tenant and mode beside them, a
PostgreSQL that has no statistics yet walks through all pieces of the tenant for each one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import sqlalchemy as sa

from cardpipe.model.batch import Batch
from cardpipe.model.errors import Bug, Refused
from cardpipe.model.finding import Finding, error
from cardpipe.model.status import PIECE_MOVES, PieceState
from cardpipe.storage.engine import Tx
from cardpipe.storage.events import findings_text, log

_READ = """
    SELECT id, seq, state, held FROM pieces WHERE batch_id = :batch ORDER BY seq
"""
_MOVE = """
    UPDATE pieces SET state = :new
    WHERE id = :id AND batch_id = :batch AND seq = :seq AND state = :old
"""
_LEAVE = """
    UPDATE pieces SET state = :new, batch_id = NULL, seq = NULL, presorted = NULL, findings = :findings
    WHERE batch_id = :batch AND seq = :seq AND state = :old AND id = :id
"""
_WITHDRAWN = """
    INSERT INTO withdrawals (tenant, mode, batch_id, piece_id, seq, revision, reason, who, at)
    VALUES (:tenant, :mode, :batch, :id, :seq, :revision, :reason, :who, :at)
"""


def read(tx: Tx, batch: Batch) -> dict[int, sa.RowMapping]:
    """By number: the id, the state and the hold of each piece that lies in the batch now."""
    rows = tx.all(_READ, batch=batch.id)
    return {int(row["seq"]): row for row in rows}


def chosen(there: dict[int, sa.RowMapping], seqs: Sequence[int]) -> list[sa.RowMapping]:
    """The pieces of these numbers, each once. Raises Refused with every number that is not there, or for none."""
    wanted = sorted(set(seqs))
    if not wanted:
        raise Refused("No piece was named.", [error("batch.no_piece_named", "pieces", "the list is empty",
                                                    "name the pieces by their numbers in the batch")])  # fmt: skip
    wrong = [
        error("batch.no_such_piece", f"piece {seq}", "is not in this batch, or was taken out of it",
              "look the number up in the newest manifest, or in the match code")
        for seq in wanted if seq not in there
    ]  # fmt: skip
    if wrong:
        raise Refused(f"{len(wrong)} of {len(wanted)} numbers are not in this batch; nothing was done.", wrong)
    return [there[seq] for seq in wanted]


def move(tx: Tx, batch: Batch, rows: Iterable[sa.RowMapping], new: PieceState, reason: str) -> None:
    """All of these pieces to a new state, with an event for each; they stay where they lie. Raises Bug where
    the table of moves does not allow one: whoever calls has sorted them."""
    by_state: dict[str, list[sa.RowMapping]] = {}
    for row in rows:
        by_state.setdefault(row["state"], []).append(row)
    for old, those in sorted(by_state.items()):
        _allowed(old, new)
        each = [{"id": row["id"], "batch": batch.id, "seq": row["seq"], "new": str(new), "old": old} for row in those]
        if (moved := tx.run_each(_MOVE, each)) != len(each):
            raise Bug(f"{moved} of {len(each)} pieces of a batch moved from {old} to {new}")
        log(tx, batch.scope, "piece", [row["id"] for row in those], old, str(new), reason, batch=batch.id)


def leave(
    tx: Tx,
    batch: Batch,
    rows: Sequence[sa.RowMapping],
    new: PieceState,
    reason: str,
    who: str,
    remark: Callable[[int], Finding],
) -> None:
    """Out of the batch, each with a row that says who, why and which number it had, and a finding for the person who
    takes it up. What a presort said of it is void."""
    key = {"tenant": batch.scope.tenant, "mode": batch.scope.mode, "batch": batch.id}
    each = [
        {"batch": batch.id, "id": row["id"], "seq": row["seq"], "old": row["state"], "new": str(new),
         "findings": findings_text([remark(row["seq"])])}
        for row in rows
    ]  # fmt: skip
    for row in rows:
        _allowed(row["state"], new)
    if tx.run_each(_LEAVE, each) != len(each):
        raise Bug("a piece of a batch was not where it lay a moment ago")
    tx.run_each(
        _WITHDRAWN,
        [{**key, "id": row["id"], "seq": row["seq"], "revision": batch.revision, "reason": reason, "who": who,
          "at": tx.at} for row in rows],
    )  # fmt: skip
    for old in sorted({row["state"] for row in rows}):
        ids = [row["id"] for row in rows if row["state"] == old]
        log(tx, batch.scope, "piece", ids, old, str(new), reason, batch=batch.id, revision=batch.revision, user=who)


def _allowed(old: str, new: PieceState) -> None:
    if new not in PIECE_MOVES[PieceState(old)]:
        raise Bug(f"a piece that is {old} does not become {new}")
