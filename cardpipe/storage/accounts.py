"""Accounts: what was seen of a released batch, what was pulled out of it, and when every piece of it is accounted for.

mailed + withdrawn = gathered: nothing else settles a batch (print.md section 7).
"""

from __future__ import annotations

from collections.abc import Sequence

from cardpipe.model.batch import Batch
from cardpipe.model.errors import Bug, Conflict, Refused
from cardpipe.model.finding import Finding, error, note
from cardpipe.model.order import Scope
from cardpipe.model.scan import Scan, Stage, Tally, judge, spoken
from cardpipe.model.status import BATCH_MOVES, DONE, BatchState, PieceState
from cardpipe.storage import batches, holds, members, pieces, remakes, scans
from cardpipe.storage.engine import Tx, new_id
from cardpipe.storage.events import log

_KNOWN = """
    SELECT 1 AS one FROM scan_lists
    WHERE tenant = :tenant AND mode = :mode AND batch_id = :batch AND sha256 = :sha256
"""
_ADD_LIST = """
    INSERT INTO scan_lists (tenant, mode, id, batch_id, sha256, source, who, at)
    VALUES (:tenant, :mode, :id, :batch, :sha256, :source, :who, :at)
"""
_MOVE = "UPDATE batches SET state = :new WHERE tenant = :tenant AND mode = :mode AND id = :id AND state = :old"
_WITHDRAWN = """
    SELECT count(*) AS pieces FROM withdrawals WHERE tenant = :tenant AND mode = :mode AND batch_id = :id
"""
_REMADE = """
    SELECT count(DISTINCT piece_id) AS pieces FROM remake_pieces
    WHERE tenant = :tenant AND mode = :mode AND remake_id IN (
        SELECT id FROM remakes WHERE tenant = :tenant AND mode = :mode AND batch_id = :id AND made_at IS NOT NULL)
"""
#: What a list's scans make of a piece, in this order: the stages, the state, and where the piece may come from.
_STATES: tuple[tuple[frozenset[Stage], PieceState, frozenset[str]], ...] = (
    (frozenset({Stage.PRINTED, Stage.INSERTED}), PieceState.PRINTED, frozenset({"released"})),
    (frozenset({Stage.MAILED}), PieceState.MAILED, frozenset({"released", "printed"})),
    (frozenset({Stage.RETURNED}), PieceState.RETURNED, frozenset({"mailed"})),
)
_PRINTED = frozenset({"printed", "mailed", "returned"})
_MAILED = frozenset({"mailed", "returned"})


def record(
    tx: Tx, scope: Scope, key: str, new: Sequence[Scan], source: str, sha256: str, who: str
) -> tuple[Tally, bool, list[Finding]]:
    """Take a list; the tally, whether it was new, and all that contradicts. With a contradiction the batch is held and
    nothing else is written: whoever calls commits that, and raises."""
    batch = batches.locked(tx, scope, key)
    if tx.one(_KNOWN, tenant=scope.tenant, mode=scope.mode, batch=batch.id, sha256=sha256):
        return tally(tx, batch), False, []
    _released(batch)
    if not new:
        raise Refused("The list is empty.", [error("scan.none", source, "has no scan", "look whether it is complete")])
    there = members.read(tx, batch)
    seen, waiting = scans.read(tx, batch), scans.waiting(tx, batch)
    findings = judge(seen.last, new, frozenset(there), frozenset(seen.remade), frozenset(waiting))
    if findings:
        _hold(tx, batch, findings)
        return tally(tx, batch), False, findings
    list_id = new_id("scl", tx.now)
    tx.run(_ADD_LIST, tenant=scope.tenant, mode=scope.mode, id=list_id, batch=batch.id, sha256=sha256, source=source,
           who=who, at=tx.at)  # fmt: skip
    scans.add(
        tx, batch,
        # a spoil that is reported while a remake waits is the one which that remake is for
        [(there[scan.seq]["id"], scan.seq, scan.stage, waiting[scan.seq].remake_id
          if scan.stage is Stage.SPOILED and scan.seq in waiting else None) for scan in new],
        who, list_id=list_id,
    )  # fmt: skip
    for stages, state, sources in _STATES:
        seqs = sorted({scan.seq for scan in new if scan.stage in stages})
        moved = [there[seq] for seq in seqs if there[seq]["state"] in sources]
        if state in DONE:
            pieces.done(tx, scope, [row["id"] for row in moved])
        members.move(tx, batch, moved, state, "scanned")
        if moved:
            there = members.read(tx, batch)
    log(tx, scope, "batch", batch.id, str(batch.state), str(batch.state), "scanned", list=list_id, scans=len(new),
        user=who)  # fmt: skip
    _advance(tx, batch)
    return tally(tx, batch), True, []


def contradictions(tx: Tx, scope: Scope, key: str, new: Sequence[Scan]) -> list[Finding]:
    """What :func:`record` would find; nothing is written. Conflict, as there, before the release."""
    batch = batches.one(tx, scope, key)
    _released(batch)
    seen, known = scans.read(tx, batch), frozenset(members.read(tx, batch))
    return judge(seen.last, new, known, frozenset(seen.remade), frozenset(scans.waiting(tx, batch)))


def unseen(tx: Tx, scope: Scope, key: str, stage: Stage) -> tuple[int, ...]:
    """Which pieces of the batch have not come to that stage yet."""
    batch = batches.one(tx, scope, key)
    there = {seq: row["state"] for seq, row in members.read(tx, batch).items()}
    if stage is Stage.INSERTED:
        inserted = scans.read(tx, batch).inserted
        return tuple(seq for seq in there if seq not in inserted)
    past = {Stage.PRINTED: _PRINTED, Stage.MAILED: _MAILED, Stage.RETURNED: frozenset({"returned"})}.get(stage)
    return tuple(seq for seq, state in there.items() if past is not None and state not in past)


def _released(batch: Batch) -> None:
    if batch.state in (BatchState.GATHERED, BatchState.IMPOSED):
        raise Conflict(f"{batch.name} is {batch.state} and was not released; nothing of it can have been seen.")


def withdraw(tx: Tx, scope: Scope, key: str, seqs: Sequence[int], reason: str, who: str) -> Tally:
    """Pulled out by hand after the release: cancelled, in no batch, and the numbers of the others stay, for they are
    printed. Raises Conflict where one is handed to post, or a remake of it is being made."""
    batch = batches.locked(tx, scope, key)
    if batch.state in (BatchState.GATHERED, BatchState.IMPOSED):
        raise Conflict(f"{batch.name} is {batch.state}; eject the pieces from it instead.")
    rows = members.chosen(members.read(tx, batch), seqs)
    mailed = [
        error("batch.mailed_already", f"piece {row['seq']}", f"is {row['state']}, and cannot be pulled out any more",
              "withdraw the others without it")
        for row in rows if row["state"] not in (PieceState.RELEASED, PieceState.PRINTED)
    ]  # fmt: skip
    if mailed:
        raise Conflict(f"{len(mailed)} of {len(rows)} pieces are handed to post; nothing was done.", mailed)
    numbers = [int(row["seq"]) for row in rows]
    remakes.take_out(tx, batch, numbers)
    pieces.done(tx, scope, [row["id"] for row in rows])
    members.leave(tx, batch, rows, PieceState.CANCELLED, reason, who, lambda seq: _withdrawn(seq, reason))
    log(tx, scope, "batch", batch.id, str(batch.state), str(batch.state), "withdrawn", numbers=numbers, why=reason,
        user=who)  # fmt: skip
    _advance(tx, batch)
    return tally(tx, batch)


def settle(tx: Tx, scope: Scope, key: str, who: str) -> Tally:
    """mailed → settled; once more changes nothing. Raises Conflict that names what is missing, or the hold."""
    batch = batches.locked(tx, scope, key)
    now = tally(tx, batch)
    if batch.state == BatchState.SETTLED:
        return now
    if now.missing or batch.state != BatchState.MAILED:
        raise Conflict(
            f"{batch.name} is {batch.state}, and {len(now.missing)} of {now.gathered} pieces are not accounted for.",
            [error("batch.missing", f"piece {spoken(now.missing)}" if now.missing else "batch",
                   "is neither handed to post nor withdrawn", "take the scans of it, or withdraw it with a reason")],
        )  # fmt: skip
    if batch.held is not None:
        raise Conflict(f"{batch.name} is held: {batch.held}")
    if now.mailed + now.withdrawn != now.gathered:
        raise Bug(f"{batch.name}: {now.mailed} mailed and {now.withdrawn} withdrawn are not {now.gathered} gathered")
    _move(tx, batch, BatchState.SETTLED, "settled", user=who, mailed=now.mailed, withdrawn=now.withdrawn)
    return now


def tally(tx: Tx, batch: Batch) -> Tally:
    """A batch in numbers, as it lies there now. ``printed`` counts what was printed or came further, ``mailed`` what
    was handed to post, whether it came back or not; ``inserted`` only what was seen at the inserter."""
    there, seen = members.read(tx, batch), scans.read(tx, batch)
    key = {"tenant": batch.scope.tenant, "mode": batch.scope.mode, "id": batch.id}
    withdrawn, remade = tx.one(_WITHDRAWN, **key), tx.one(_REMADE, **key)
    states = {seq: row["state"] for seq, row in there.items()}
    return Tally(
        gathered=batch.gathered,
        pieces=len(there),
        withdrawn=int(withdrawn["pieces"]) if withdrawn else 0,
        printed=sum(state in _PRINTED for state in states.values()),
        inserted=len(seen.inserted & states.keys()),
        spoiled=len(seen.spoiled),
        remade=int(remade["pieces"]) if remade else 0,
        mailed=sum(state in _MAILED for state in states.values()),
        returned=sum(state == "returned" for state in states.values()),
        missing=tuple(seq for seq, state in states.items() if state not in _MAILED),
    )


def _advance(tx: Tx, batch: Batch) -> None:
    """The batch follows its pieces: printed when the last of them is, mailed when the last of them is."""
    states = {row["state"] for row in members.read(tx, batch).values()}
    new = BatchState.MAILED if states <= _MAILED else BatchState.PRINTED if states <= _PRINTED else None
    if new is not None and new in BATCH_MOVES[batch.state]:
        _move(tx, batch, new, f"every piece is {new}" if states else "no piece is left")


def _move(tx: Tx, batch: Batch, new: BatchState, reason: str, **detail: object) -> None:
    key = {"tenant": batch.scope.tenant, "mode": batch.scope.mode, "id": batch.id}
    if not tx.run(_MOVE, **key, old=str(batch.state), new=str(new)):
        raise Bug("a batch changed although it was locked")
    log(tx, batch.scope, "batch", batch.id, str(batch.state), str(new), reason, **detail)


def _hold(tx: Tx, batch: Batch, findings: Sequence[Finding]) -> None:
    """Somebody must look before anything more of this batch is mailed."""
    told = [f"{finding.code}: {finding.where} {finding.message}" for finding in findings[:5]]
    more = [f"and {len(findings) - 5} more"] if len(findings) > 5 else []
    holds.hold_batch(tx, batch.scope, batch.id, "; ".join(told + more), "scan")


def _withdrawn(seq: int, reason: str) -> Finding:
    return note("piece.withdrawn", "batch", f"was pulled out of its batch by hand, where it was number {seq}: {reason}")
