"""Until its release a batch may change: a piece is taken out, the order of the house's presort is taken.

Each change is a new revision: the numbers are given anew without a gap, the old files are forgotten, and
the impose step is open again, so that a worker who was at the old revision finds his token void.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict

import sqlalchemy as sa

from cardpipe.model.batch import Batch
from cardpipe.model.errors import Bug, Conflict, Refused
from cardpipe.model.finding import Finding, error
from cardpipe.model.order import Scope
from cardpipe.model.piece import Presorted
from cardpipe.model.scan import spoken
from cardpipe.model.status import BatchState, PieceState
from cardpipe.ports import PRESORT_AWAITED
from cardpipe.storage import batches, members, steps
from cardpipe.storage.engine import Tx
from cardpipe.storage.events import log, text

#: Piece by piece, by id (see ``members``): a join of a batch with itself takes a minute without statistics.
_CLOSE_UP = """
    UPDATE pieces SET seq = :seq
    WHERE id = :id AND batch_id = :batch AND seq = :old
"""
#: Further than any number: both engines check row by row that a place is taken once, so all step aside first.
_AWAY = 1_000_000
_ASIDE = """
    UPDATE pieces SET seq = seq + :away WHERE batch_id = :batch
"""
_PLACE = """
    UPDATE pieces SET seq = :seq, presorted = :presorted
    WHERE id = :id AND batch_id = :batch AND seq = :old + :away
"""
_REVISE = """
    UPDATE batches SET state = :new, revision = revision + 1, pieces = :pieces, findings = '[]', held = :held,
                       held_by = CASE WHEN CAST(:held AS text) IS NULL THEN NULL ELSE held_by END
    WHERE tenant = :tenant AND mode = :mode AND id = :id AND state = :old AND revision = :revision
"""
_HELD_BY = "SELECT held_by FROM batches WHERE tenant = :tenant AND mode = :mode AND id = :id"


def eject(tx: Tx, scope: Scope, key: str, seqs: Sequence[int], reason: str, who: str) -> Batch:
    """Take pieces out; the batch as it is then. They need attention, and a later gather may take them once they have
    had it. Ends the hold of an impose that failed, and no other. With the last piece gone the batch is settled."""
    batch = batches.locked(tx, scope, key)
    _before_release(tx, batch)
    there = members.read(tx, batch)
    gone = members.chosen(there, seqs)
    members.leave(tx, batch, gone, PieceState.NEEDS_ATTENTION, reason, who, lambda seq: _ejected(seq, reason))
    numbers = [int(row["seq"]) for row in gone]
    taken = set(numbers)
    left = _close_up(tx, batch, [row for seq, row in there.items() if seq not in taken])
    ended = left == 0 or _held_by(tx, batch) == "impose"
    _revise(tx, batch, left, None if ended else batch.held, "ejected", numbers=numbers, why=reason, user=who)
    return batches.one(tx, scope, batch.id)


def resequence(tx: Tx, scope: Scope, key: str, order: Sequence[tuple[str, Presorted]], who: str) -> Batch:
    """Number the pieces in this order, and keep what the presort said of each; the batch as it is then."""
    batch = batches.locked(tx, scope, key)
    _before_release(tx, batch)
    there = members.read(tx, batch)
    old = {row["id"]: seq for seq, row in there.items()}
    _same_set(old, [piece for piece, _ in order])
    values = {"batch": batch.id, "away": _AWAY}
    tx.run(_ASIDE, **values)
    rows = [
        {**values, "id": piece, "old": old[piece], "seq": seq, "presorted": text(asdict(said))}
        for seq, (piece, said) in enumerate(order, 1)
    ]
    if tx.run_each(_PLACE, rows) != len(there):
        raise Bug("a batch could not be numbered anew")
    held = None if batch.held == PRESORT_AWAITED else batch.held
    _revise(tx, batch, batch.pieces, held, "resequenced", user=who)
    return batches.one(tx, scope, batch.id)


def _before_release(tx: Tx, batch: Batch) -> None:
    """Raises Conflict once a release is planned or done."""
    if batch.state not in (BatchState.GATHERED, BatchState.IMPOSED):
        raise Conflict(f"{batch.name} is {batch.state}: its pieces and their order can no longer change.")
    step = steps.of(tx, batch.scope, "release", batch.id)
    if step is not None and step["state"] == "open":
        raise Conflict(f"The release of {batch.name} is planned: its pieces and their order can no longer change.")


def _revise(tx: Tx, batch: Batch, pieces: int, held: str | None, reason: str, **detail: object) -> None:
    """A new revision: no files, to be imposed anew; or settled, with nothing left to be imposed."""
    scope, new = batch.scope, BatchState.GATHERED if pieces else BatchState.SETTLED
    revised = tx.run(
        _REVISE, tenant=scope.tenant, mode=scope.mode, id=batch.id, old=str(batch.state), revision=batch.revision,
        new=str(new), pieces=pieces, held=held,
    )  # fmt: skip
    if not revised:
        raise Bug("a batch changed although it was locked")
    batches.forget_files(tx, scope, batch.id)
    if pieces:
        steps.reopen(tx, scope, "impose", batch.id, held=held)
    else:
        steps.drop(tx, scope, "impose", batch.id)
    log(tx, scope, "batch", batch.id, str(batch.state), str(new), reason, revision=batch.revision + 1, pieces=pieces,
        **detail)  # fmt: skip
    if batch.held is not None and held is None:
        log(tx, scope, "hold", batch.id, "held", None, reason)


def _close_up(tx: Tx, batch: Batch, stay: Sequence[sa.RowMapping]) -> int:
    """Number these pieces from 1, from the first on: each finds its new place empty. How many they are."""
    rows = [
        {"batch": batch.id, "id": row["id"], "seq": seq, "old": row["seq"]}
        for seq, row in enumerate(stay, 1)
        if seq != row["seq"]
    ]
    if tx.run_each(_CLOSE_UP, rows) != len(rows):
        raise Bug("a batch could not be numbered anew")
    return len(stay)


def _same_set(there: dict[str, int], order: Sequence[str]) -> None:
    """Raises Refused where the presort's order is not of just these pieces: how many, and which numbers they have."""
    named = set(order)
    missing = sorted(seq for piece, seq in there.items() if piece not in named)
    unknown = len([piece for piece in named if piece not in there])
    doubled = sorted({there[piece] for piece in _twice(order) if piece in there})
    ask = "ask the house for a return file of this very batch and revision"
    wrong: list[Finding] = []
    if missing:
        wrong.append(error("presort.missing", "order", f"{len(missing)} of {len(there)} pieces are missing from it: "
                           f"numbers {spoken(missing)}", ask))  # fmt: skip
    if unknown:
        wrong.append(error("presort.unknown", "order", f"{unknown} of its pieces are not in this batch", ask))
    if doubled:
        wrong.append(error("presort.doubled", "order", f"{len(doubled)} pieces stand in it more than once: "
                           f"numbers {spoken(doubled)}", ask))  # fmt: skip
    if wrong:
        raise Refused("The order is not of just the pieces of this batch; nothing was changed.", wrong)


def _twice(order: Sequence[str]) -> set[str]:
    return {piece for piece, times in Counter(order).items() if times > 1}


def _held_by(tx: Tx, batch: Batch) -> str | None:
    row = tx.one(_HELD_BY, tenant=batch.scope.tenant, mode=batch.scope.mode, id=batch.id)
    return row["held_by"] if row else None


def _ejected(seq: int, reason: str) -> Finding:
    return error(
        "piece.ejected", "batch", f"was taken out of its batch, where it was number {seq}: {reason}",
        "mend what is wrong and take the piece up again, or cancel its order",
    )  # fmt: skip
