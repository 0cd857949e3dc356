"""Scans: what the shop floor saw, only ever added to; and what follows from all that was seen of a batch."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from cardpipe.model.batch import Batch
from cardpipe.model.scan import Stage, after
from cardpipe.storage.engine import Tx

_ADD = """
    INSERT INTO scans (tenant, mode, batch_id, piece_id, seq, stage, list_id, remake_id, who, at)
    VALUES (:tenant, :mode, :batch, :piece, :seq, :stage, :list, :remake, :who, :at)
"""
_READ = """
    SELECT scans.seq, scans.stage, scans.remake_id, remakes.made_at FROM scans
    LEFT JOIN remakes ON remakes.tenant = scans.tenant AND remakes.mode = scans.mode AND remakes.id = scans.remake_id
    WHERE scans.tenant = :tenant AND scans.mode = :mode AND scans.batch_id = :batch ORDER BY scans.id
"""
_WAITING = """
    SELECT remake_pieces.seq, remakes.id, remakes.run FROM remakes
    JOIN remake_pieces ON remake_pieces.tenant = remakes.tenant AND remake_pieces.mode = remakes.mode
                      AND remake_pieces.remake_id = remakes.id
    WHERE remakes.tenant = :tenant AND remakes.mode = :mode AND remakes.batch_id = :batch AND remakes.made_at IS NULL
"""


@dataclass(slots=True)
class Seen:
    """All that was seen of a batch, by number: the newest stage, what was ever inserted or spoiled, and what lies
    spoiled with new files made since."""

    last: dict[int, Stage] = field(default_factory=dict)
    inserted: set[int] = field(default_factory=set)
    spoiled: set[int] = field(default_factory=set)
    remade: set[int] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Waiting:
    """A remake that a piece waits for."""

    remake_id: str
    run: int


def add(
    tx: Tx,
    batch: Batch,
    seen: Iterable[tuple[str, int, Stage, str | None]],
    who: str,
    *,
    list_id: str | None = None,
) -> None:
    """Keep scans (piece id, number, stage, remake) in this order: of a list, or of the remake that they are for."""
    key = {"tenant": batch.scope.tenant, "mode": batch.scope.mode, "batch": batch.id, "who": who, "at": tx.at}
    tx.run_each(
        _ADD,
        [{**key, "piece": piece, "seq": seq, "stage": str(stage), "remake": remake, "list": list_id}
         for piece, seq, stage, remake in seen],
    )  # fmt: skip


def read(tx: Tx, batch: Batch) -> Seen:
    """Every scan of the batch, oldest first, laid upon each other."""
    seen = Seen()
    for row in tx.all(_READ, tenant=batch.scope.tenant, mode=batch.scope.mode, batch=batch.id):
        seq, stage = int(row["seq"]), Stage(row["stage"])
        seen.last[seq] = after(seen.last.get(seq), stage)
        if stage is Stage.INSERTED:
            seen.inserted.add(seq)
        elif stage is Stage.SPOILED:
            seen.spoiled.add(seq)
            (seen.remade.add if row["made_at"] is not None else seen.remade.discard)(seq)
    return seen


def waiting(tx: Tx, batch: Batch) -> dict[int, Waiting]:
    """The numbers that wait for a remake which is not made yet."""
    rows = tx.all(_WAITING, tenant=batch.scope.tenant, mode=batch.scope.mode, batch=batch.id)
    return {int(row["seq"]): Waiting(row["id"], int(row["run"])) for row in rows}
