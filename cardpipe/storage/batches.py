"""Batches: membership fixed in one transaction, all or nothing, and numbers that no two batches share."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import sqlalchemy as sa

from cardpipe.model.batch import Batch, BatchFile, Group
from cardpipe.model.errors import Bug, Conflict, Refused
from cardpipe.model.finding import Finding, error
from cardpipe.model.order import Scope
from cardpipe.model.status import BatchState
from cardpipe.ports import PRESORT_AWAITED, Claim
from cardpipe.storage import rubbish, steps
from cardpipe.storage.engine import Tx, new_id
from cardpipe.storage.events import findings_from, findings_text, log, text

_LAST_NUMBER = "SELECT coalesce(max(number), 0) AS last FROM batches"
_LAST_OF_DAY = """
    SELECT coalesce(max(of_day), 0) AS last FROM batches
    WHERE tenant = :tenant AND mode = :mode AND mail_on = :mail_on
"""
_ADD = """
    INSERT INTO batches (tenant, mode, id, number, mail_on, of_day, group_key, format, press, carrier, state, revision,
                         pieces, findings, gathered_at, gathered, label_start, held, held_by)
    VALUES (:tenant, :mode, :id, :number, :mail_on, :of_day, :group_key, :format, :press, :carrier, 'gathered', 1,
            :pieces, '[]', :at, :pieces, :label_start, :held, :held_by)
"""
# by id, whatever a PostgreSQL without statistics thinks of the index on tenant, mode and state: 22 s instead of 1 s
_TAKE = """
    UPDATE pieces SET state = 'batched', batch_id = :batch, seq = :seq
    WHERE tenant || '' = :tenant AND mode || '' = :mode AND id = :id AND group_key = :group_key
      AND state || '' = 'composed' AND batch_id IS NULL AND held IS NULL AND awaits_approval = 0
"""
_IMPOSED = """
    UPDATE batches SET state = 'imposed', findings = :findings
    WHERE tenant = :tenant AND mode = :mode AND id = :id AND state = 'gathered'
"""
_DROP_FILES = "DELETE FROM batch_files WHERE tenant = :tenant AND mode = :mode AND batch_id = :batch"
_ADD_FILE = """
    INSERT INTO batch_files (tenant, mode, batch_id, place, name, sha256, size)
    VALUES (:tenant, :mode, :batch, :place, :name, :sha256, :size)
"""
_BATCHES = "SELECT * FROM batches WHERE tenant = :tenant AND mode = :mode {narrowed} ORDER BY number{locked}"
_FILES = """
    SELECT batch_id, name, sha256, size FROM batch_files
    WHERE tenant = :tenant AND mode = :mode AND batch_id IN {listed} ORDER BY batch_id, place
"""
_OF_ORDERS = """
    AND id IN (SELECT batch_id FROM pieces
               WHERE tenant = :tenant AND mode = :mode AND batch_id IS NOT NULL AND order_id IN {listed})
"""
_TEST_MODE = error(
    "batch.test_mode", "mode", "these orders came with a test key: they are proved, and never come near a press",
    "order again with a live key what is to be mailed",
)  # fmt: skip
_NAME = re.compile(r"^(\d{4})(\d{2})(\d{2})_.+_B(\d{2,})_\d{4,}pc_v(\d+)$")


def gather(
    tx: Tx,
    scope: Scope,
    mail_on: str,
    members: Mapping[str, Sequence[str]],
    awaiting: frozenset[str] = frozenset(),
    label_start: int = 1,
) -> list[Batch]:
    """New batches, one a group, numbered in the order of the sorted groups; those of the groups that are ``awaiting``
    their presort begin held. Conflict, and nothing at all happened, where a piece is no longer free: another gather was
    faster, or it was held, changed or cancelled meanwhile. What a test key ordered is gathered by nobody."""
    if scope.mode == "test":
        raise Refused("Nothing of a test mode is printed.", [_TEST_MODE])
    if label_start < 1:
        wrong = error(
            "label.start", "label_start", f"{label_start} is no label", "count them from the top left, from 1"
        )
        raise Refused("Labels are counted from 1.", [wrong])
    tx.alone()
    number = _last(tx, _LAST_NUMBER)
    of_day = _last(tx, _LAST_OF_DAY, tenant=scope.tenant, mode=scope.mode, mail_on=mail_on)
    made = []
    for place, group in enumerate(sorted(group for group in members if members[group]), 1):
        held = PRESORT_AWAITED if group in awaiting else None
        batch = replace(
            _batch(scope, mail_on, group, number + place, of_day + place, len(members[group]), tx.now),
            held=held, label_start=label_start,
        )  # fmt: skip
        key = {"tenant": scope.tenant, "mode": scope.mode}
        tx.run(
            _ADD, **key, id=batch.id, number=batch.number, mail_on=mail_on, of_day=batch.of_day, group_key=group,
            format=batch.format, press=batch.press, carrier=batch.carrier, pieces=batch.pieces, at=tx.at,
            label_start=label_start, held=held, held_by="presort" if held else None,
        )  # fmt: skip
        rows = [
            {**key, "id": piece, "batch": batch.id, "seq": seq, "group_key": group}
            for seq, piece in enumerate(members[group], 1)
        ]
        if tx.run_each(_TAKE, rows) != len(rows):
            raise Conflict("A piece is no longer free for this batch; gather again, and it will be left out.")
        log(tx, scope, "piece", members[group], "composed", "batched", "gathered", batch=batch.id)
        log(tx, scope, "batch", batch.id, None, str(BatchState.GATHERED), "gathered", pieces=batch.pieces)
        if held:
            log(tx, scope, "hold", batch.id, None, "held", held)
        steps.add(tx, scope, "impose", batch.id, held=held)
        made.append(batch)
    return made


def complete_impose(tx: Tx, claim: Claim, files: Iterable[BatchFile], findings: Iterable[Finding]) -> bool:
    """gathered → imposed, with its files. False: the claim was lost."""
    locked(tx, claim.scope, claim.subject)
    if not steps.finish(tx, claim.step_id, claim.token):
        return False
    key = {"tenant": claim.scope.tenant, "mode": claim.scope.mode}
    if not tx.run(_IMPOSED, **key, id=claim.subject, findings=findings_text(findings)):
        raise Bug("a batch with a claimed impose step is not gathered")
    forget_files(tx, claim.scope, claim.subject)
    tx.run_each(
        _ADD_FILE,
        [{**key, "batch": claim.subject, "place": place, "name": file.name, "sha256": file.sha256, "size": file.size}
         for place, file in enumerate(files)],
    )  # fmt: skip
    log(tx, claim.scope, "batch", claim.subject, str(BatchState.GATHERED), str(BatchState.IMPOSED), "imposed")
    return True


def one(tx: Tx, scope: Scope, key: str) -> Batch:
    """By id, or by name as it stands in the file names. Raises Refused where this tenant has none."""
    found = _select(tx, scope, "AND id = :key", key=key)
    if not found and (name := _NAME.match(key)):
        day, of_day = "-".join(name.groups()[:3]), int(name.group(4))
        found = _select(tx, scope, "AND mail_on = :mail_on AND of_day = :of_day", mail_on=day, of_day=of_day)
        if found and found[0].name != key:
            raise _no_such(_revised(found[0], key, int(name.group(5))))
    if not found:
        raise _no_such("no batch has this id or name")
    return found[0]


def locked(tx: Tx, scope: Scope, key: str) -> Batch:
    """By id or by name, and nobody else changes it until this transaction ends. What moves a batch, its pieces or its
    steps begins with this, so that two such moves never wait for each other in a circle."""
    if tx.postgres:
        batch_id = key if key.startswith("bat_") else one(tx, scope, key).id
        tx.all(_BATCHES.format(narrowed="AND id = :id", locked=" FOR UPDATE"), **_key(scope), id=batch_id)
    return one(tx, scope, key)


def forget_files(tx: Tx, scope: Scope, batch_id: str) -> None:
    """The batch has no files any more, and nobody needs their bytes."""
    old = tx.all(_FILES.format(listed="(:batch)"), **_key(scope), batch=batch_id)
    rubbish.mark(tx, scope, {row["sha256"] for row in old})
    tx.run(_DROP_FILES, **_key(scope), batch=batch_id)


def _no_such(message: str) -> Refused:
    return Refused("No such batch.", [error("batch.unknown", "key", message, "list the batches")])


def _revised(batch: Batch, key: str, revision: int) -> str:
    """What to say of a name that a batch of this day and number has had, or never had."""
    if revision < batch.revision and key.split("_")[:4] == batch.name.split("_")[:4]:
        return f"this batch is v{batch.revision} now: {batch.name}; what you have of v{revision} is void"
    return "no batch has this id or name"


def listed(tx: Tx, scope: Scope, mail_on: str | None) -> list[Batch]:
    """All batches, or those of one mail date, by number."""
    return _select(tx, scope, "AND mail_on = :mail_on", mail_on=mail_on) if mail_on else _select(tx, scope, "")


def of_orders(tx: Tx, scope: Scope, order_ids: Iterable[str]) -> list[Batch]:
    """The batches in which these orders' pieces lie, by number."""
    return _select(tx, scope, _OF_ORDERS.format(listed=tx.listed("orders")), orders=text(list(order_ids)))


def findings(tx: Tx, scope: Scope, batch_id: str) -> tuple[Finding, ...]:
    """What the last impose of a batch remarked."""
    row = tx.one(_BATCHES.format(narrowed="AND id = :id", locked=""), **_key(scope), id=batch_id)
    return findings_from(row["findings"] if row else None)


def _key(scope: Scope) -> dict[str, str]:
    return {"tenant": scope.tenant, "mode": scope.mode}


def _last(tx: Tx, sql: str, **values: str) -> int:
    row = tx.one(sql, **values)
    return int(row["last"]) if row else 0


def _batch(scope: Scope, mail_on: str, group: str, number: int, of_day: int, pieces: int, now: float) -> Batch:
    format_, press, carrier = Group.read(group)[:3]
    return Batch(
        id=new_id("bat", now), scope=scope, number=number, mail_on=mail_on, of_day=of_day, group=group, format=format_,
        press=press, carrier=carrier, state=BatchState.GATHERED, revision=1, pieces=pieces,
        gathered=pieces,
    )  # fmt: skip


def _select(tx: Tx, scope: Scope, narrowed: str, **values: object) -> list[Batch]:
    rows = tx.all(_BATCHES.format(narrowed=narrowed, locked=""), **_key(scope), **values)
    files: dict[str, list[BatchFile]] = {row["id"]: [] for row in rows}
    if rows:
        sql = _FILES.format(listed=tx.listed("batches"))
        for row in tx.all(sql, tenant=scope.tenant, mode=scope.mode, batches=text(list(files))):
            files[row["batch_id"]].append(BatchFile(row["name"], row["sha256"], row["size"]))
    return [from_row(row, files[row["id"]]) for row in rows]


def from_row(row: sa.RowMapping, files: Iterable[BatchFile]) -> Batch:
    """A row as a value."""
    return Batch(
        id=row["id"], scope=Scope(row["tenant"], row["mode"]), number=row["number"], mail_on=row["mail_on"],
        of_day=row["of_day"], group=row["group_key"], format=row["format"], press=row["press"], carrier=row["carrier"],
        state=BatchState(row["state"]), revision=row["revision"], pieces=row["pieces"], files=tuple(files),
        held=row["held"], gathered=row["gathered"], target=row["target"], label_start=row["label_start"],
    )  # fmt: skip
