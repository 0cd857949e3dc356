"""Remakes: the same cards once more. A row beside the pieces, never a new piece."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from cardpipe.model.batch import Batch, BatchFile, Remake
from cardpipe.model.errors import Bug, Conflict, Refused
from cardpipe.model.finding import error
from cardpipe.model.order import Scope
from cardpipe.model.scan import Stage
from cardpipe.model.status import BatchState, PieceState
from cardpipe.ports import Claim
from cardpipe.storage import batches, members, scans, steps, tenants
from cardpipe.storage.engine import Tx, new_id
from cardpipe.storage.events import log

_RUN = "SELECT coalesce(max(run), 0) AS last FROM remakes WHERE tenant = :tenant AND mode = :mode AND batch_id = :batch"
_ADD = """
    INSERT INTO remakes (tenant, mode, id, batch_id, run, reason, who, at)
    VALUES (:tenant, :mode, :id, :batch, :run, :reason, :who, :at)
"""
_ADD_PIECE = """
    INSERT INTO remake_pieces (tenant, mode, remake_id, piece_id, seq) VALUES (:tenant, :mode, :id, :piece, :seq)
"""
_ADD_FILE = """
    INSERT INTO remake_files (tenant, mode, remake_id, place, name, sha256, size)
    VALUES (:tenant, :mode, :id, :place, :name, :sha256, :size)
"""
_MADE = """
    UPDATE remakes SET made_at = :at WHERE tenant = :tenant AND mode = :mode AND id = :id AND made_at IS NULL
"""
_BY_ID = "SELECT * FROM remakes WHERE id = :id"
_OF_BATCH = "SELECT * FROM remakes WHERE tenant = :tenant AND mode = :mode AND batch_id = :batch ORDER BY run"
_PIECES = """
    SELECT piece_id, seq FROM remake_pieces
    WHERE tenant = :tenant AND mode = :mode AND remake_id = :id ORDER BY seq
"""
_FILES = """
    SELECT name, sha256, size FROM remake_files
    WHERE tenant = :tenant AND mode = :mode AND remake_id = :id ORDER BY place
"""
_TAKE_OUT = "DELETE FROM remake_pieces WHERE tenant = :tenant AND mode = :mode AND remake_id = :id AND seq = :seq"


def add(tx: Tx, scope: Scope, key: str, seqs: Sequence[int], reason: str, who: str) -> tuple[Remake, str]:
    """The scans, the remake and its step; the remake and the step's id. Raises Conflict, too, where a piece waits for a
    remake already: two reports of one ruined card must not print it twice. Conflict ``release.paused`` while nothing
    may be released: a remake is (so does :func:`complete`)."""
    tenants.refuse_while_paused(tx)
    batch = batches.locked(tx, scope, key)
    if batch.state not in (BatchState.RELEASED, BatchState.PRINTED):
        raise Conflict(f"{batch.name} is {batch.state}; only what was released and is not handed to post is remade.")
    rows = members.chosen(members.read(tx, batch), seqs)
    _remakable(rows, scans.waiting(tx, batch))
    last = tx.one(_RUN, tenant=scope.tenant, mode=scope.mode, batch=batch.id)
    run, remake_id = (int(last["last"]) if last else 0) + 1, new_id("rmk", tx.now)
    key_ = {"tenant": scope.tenant, "mode": scope.mode, "id": remake_id}
    tx.run(_ADD, **key_, batch=batch.id, run=run, reason=reason, who=who, at=tx.at)
    tx.run_each(_ADD_PIECE, [{**key_, "piece": row["id"], "seq": row["seq"]} for row in rows])
    scans.add(tx, batch, [(row["id"], int(row["seq"]), Stage.SPOILED, remake_id) for row in rows], who)
    for state in sorted({row["state"] for row in rows}):
        ids = [row["id"] for row in rows if row["state"] == state]
        log(tx, scope, "piece", ids, state, state, "spoiled", batch=batch.id, remake=remake_id)
    numbers = [int(row["seq"]) for row in rows]
    log(tx, scope, "batch", batch.id, str(batch.state), str(batch.state), "spoiled", remake=remake_id, run=run,
        numbers=numbers, why=reason, user=who)  # fmt: skip
    return one(tx, remake_id), steps.add(tx, scope, "remake", remake_id, batch=batch.id, held=batch.held)


def complete(tx: Tx, claim: Claim, files: Sequence[BatchFile]) -> bool:
    """Made and handed to the house, with its files. False: the claim was lost."""
    tenants.refuse_while_paused(tx)
    remake = one(tx, claim.subject)
    batch = batches.locked(tx, claim.scope, remake.batch_id)
    if not steps.finish(tx, claim.step_id, claim.token):
        return False
    key = {"tenant": claim.scope.tenant, "mode": claim.scope.mode, "id": claim.subject}
    if not tx.run(_MADE, **key, at=tx.at):
        raise Bug("a remake with a claimed step is made already")
    tx.run_each(
        _ADD_FILE,
        [{**key, "place": place, "name": file.name, "sha256": file.sha256, "size": file.size}
         for place, file in enumerate(files)],
    )  # fmt: skip
    pieces = [row["piece_id"] for row in tx.all(_PIECES, **key)]
    states = {row["id"]: row["state"] for row in members.read(tx, batch).values()}
    for state in sorted({states[piece] for piece in pieces}):
        ids = [piece for piece in pieces if states[piece] == state]
        log(tx, claim.scope, "piece", ids, state, state, "remade", batch=batch.id, remake=remake.id)
    log(tx, claim.scope, "batch", batch.id, str(batch.state), str(batch.state), "remade", remake=remake.id,
        run=remake.run)  # fmt: skip
    return True


def one(tx: Tx, remake_id: str) -> Remake:
    """By its id. Raises Refused where there is none."""
    row = tx.one(_BY_ID, id=remake_id)
    if row is None:
        raise Refused("No such remake.", [error("remake.unknown", "id", "no remake has this id", "list the batch's")])
    return _remake_from(tx, row)


def of_batch(tx: Tx, scope: Scope, batch_id: str) -> list[Remake]:
    """A batch's remakes, by run."""
    batch = batches.one(tx, scope, batch_id)
    rows = tx.all(_OF_BATCH, tenant=scope.tenant, mode=scope.mode, batch=batch.id)
    return [_remake_from(tx, row) for row in rows]


def take_out(tx: Tx, batch: Batch, seqs: Sequence[int]) -> None:
    """Pieces that are withdrawn are not made again: out of every remake that is not made yet. Raises Conflict where a
    remake of one is being made at this moment."""
    waiting = scans.waiting(tx, batch)
    key = {"tenant": batch.scope.tenant, "mode": batch.scope.mode}
    for remake_id in sorted({waiting[seq].remake_id for seq in seqs if seq in waiting}):
        step = steps.of(tx, batch.scope, "remake", remake_id)
        if step is not None and steps.leased(tx, step["id"]):
            raise Conflict(
                "A remake of one of these pieces is being made at this moment; withdraw them when it is made."
            )
        out = [seq for seq in seqs if seq in waiting and waiting[seq].remake_id == remake_id]
        tx.run_each(_TAKE_OUT, [{**key, "id": remake_id, "seq": seq} for seq in out])
        if tx.one(_PIECES, **key, id=remake_id) is None:
            steps.drop(tx, batch.scope, "remake", remake_id)
        else:
            steps.reopen(tx, batch.scope, "remake", remake_id, held=batch.held)


def _remakable(rows: Sequence[sa.RowMapping], waiting: dict[int, scans.Waiting]) -> None:
    wrong = []
    for row in rows:
        seq, state = int(row["seq"]), row["state"]
        if state not in (PieceState.RELEASED, PieceState.PRINTED):
            wrong.append(
                error("remake.after_mailing", f"piece {seq}", f"is {state}; a second card must not be mailed",
                      "find out which of the two is wrong before anything is made again")
            )  # fmt: skip
        elif seq in waiting:
            wrong.append(
                error("remake.waiting", f"piece {seq}", f"is to be made again already, in R{waiting[seq].run:02d}",
                      "nothing is to be done; should that one be ruined as well, say so once it is made")
            )  # fmt: skip
    if wrong:
        raise Conflict(f"{len(wrong)} of {len(rows)} pieces cannot be made again; nothing was done.", wrong)


def _remake_from(tx: Tx, row: sa.RowMapping) -> Remake:
    key = {"tenant": row["tenant"], "mode": row["mode"], "id": row["id"]}
    return Remake(
        id=row["id"], batch_id=row["batch_id"], run=row["run"], reason=row["reason"], user=row["who"], at=row["at"],
        seqs=tuple(int(piece["seq"]) for piece in tx.all(_PIECES, **key)), made=row["made_at"] is not None,
        files=tuple(BatchFile(file["name"], file["sha256"], file["size"]) for file in tx.all(_FILES, **key)),
    )  # fmt: skip
