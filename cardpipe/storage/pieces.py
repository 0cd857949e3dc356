"""Pieces: reading them, and the one function that moves one. A move names the states it may start from."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping
from typing import Any

import sqlalchemy as sa

from cardpipe.model.errors import Refused
from cardpipe.model.finding import error
from cardpipe.model.order import Scope
from cardpipe.model.piece import Composed, Piece, Presorted, Unsent
from cardpipe.model.status import DONE, IN_A_BATCH, PieceState, sources
from cardpipe.model.stored import Claim
from cardpipe.storage import rubbish, steps
from cardpipe.storage.engine import Tx
from cardpipe.storage.events import findings_from, findings_text, log, text
from cardpipe.storage.tables import words

_BY_ID = "SELECT * FROM pieces WHERE tenant = :tenant AND mode = :mode AND id = :id"
# by order, whatever a database without statistics thinks of the index on tenant, mode and state: all pieces otherwise
_OF_ORDERS = "tenant || '' = :tenant AND mode || '' = :mode AND order_id IN {listed}"
_BY_ORDERS = f"SELECT * FROM pieces WHERE {_OF_ORDERS} ORDER BY order_id, copy"
_STATES = f"SELECT state, count(*) AS pieces FROM pieces WHERE {_OF_ORDERS} GROUP BY state"
_GATHERABLE = """
    SELECT id, order_id, reference, group_key, sort_key FROM pieces
    WHERE tenant = :tenant AND mode = :mode AND state = 'composed' AND mail_on <= :mail_on
      AND batch_id IS NULL AND held IS NULL AND awaits_approval = 0 {narrowed}
"""
_DUE = """
    SELECT DISTINCT order_id FROM pieces
    WHERE tenant = :tenant AND mode = :mode AND state IN ('waiting', 'composing') AND mail_on <= :mail_on
      AND held IS NULL
    ORDER BY order_id
"""
_MEMBERS = "SELECT * FROM pieces WHERE batch_id = :batch AND seq > :after ORDER BY seq LIMIT :page"
_OLD = "SELECT state FROM pieces WHERE tenant = :tenant AND mode = :mode AND id = :id{locked}"
_PAGE = 500
_ORDER = """
    SELECT id, approval, approved FROM orders
    WHERE tenant = :tenant AND mode = :mode AND id = (SELECT order_id FROM pieces WHERE id = :id)
"""
_OWN = """
    INSERT INTO order_artifacts (tenant, mode, digest, order_id) VALUES (:tenant, :mode, :digest, :id)
    ON CONFLICT DO NOTHING
"""
_DONE = f"""
    UPDATE orders SET done_at = :at
    WHERE tenant = :tenant AND mode = :mode AND done_at IS NULL
      AND id IN (SELECT order_id FROM pieces WHERE id IN {{listed}})
      AND NOT EXISTS (SELECT 1 FROM pieces WHERE order_id = orders.id AND state NOT IN ({words(DONE)})
                                             AND id NOT IN {{listed}})
"""

#: What a move may write besides the state; each name stands for a column of the same name.
_SETTABLE = (
    "card", "envelope", "card_bytes", "envelope_bytes", "composed_findings", "findings", "batch_id", "seq",
    "awaits_approval",
)  # fmt: skip


def move(tx: Tx, scope: Scope, piece_id: str, new: PieceState, reason: str, **columns: Any) -> bool:
    """One compare-and-set and its event. False, and nothing changed, where the table of moves does not allow it. A
    piece leaves its batch only where ``batch_id`` is written, too: no cancel takes a card out of a print file."""
    key = {"tenant": scope.tenant, "mode": scope.mode, "id": piece_id}
    was = tx.one(_OLD.format(locked=" FOR UPDATE" if tx.postgres else ""), **key)
    allowed = sources(new)
    if was is None or was["state"] not in allowed:
        return False
    if was["state"] in IN_A_BATCH and new not in IN_A_BATCH and "batch_id" not in columns:
        return False
    if unknown := set(columns) - set(_SETTABLE):
        raise ValueError(f"a move does not write {sorted(unknown)}")
    changes = "".join(f", {name} = :{name}" for name in columns)
    moved = tx.run(
        f"UPDATE pieces SET state = :new{changes}"
        f" WHERE tenant = :tenant AND mode = :mode AND id = :id AND state IN ({words(allowed)})",
        **key, new=str(new), **columns,
    )  # fmt: skip
    if moved:
        log(tx, scope, "piece", piece_id, was["state"], str(new), reason)
        if new in DONE:
            done(tx, scope, [piece_id])
    return bool(moved)


def composed(tx: Tx, claim: Claim, made: Composed) -> bool:
    """composing → composed. Where its order wants approval, the piece waits for it, unless just this proof was approved
    before. False: the claim was lost."""
    if not steps.finish(tx, claim.step_id, claim.token):
        return False
    scope = claim.scope
    order = tx.one(_ORDER, tenant=scope.tenant, mode=scope.mode, id=claim.subject)
    awaits = order is not None and order["approval"] == "required" and order["approved"] != made.proof
    moved = move(
        tx, scope, claim.subject, PieceState.COMPOSED, "composed", card=made.card, envelope=made.envelope,
        card_bytes=made.card_bytes, envelope_bytes=made.envelope_bytes,
        composed_findings=findings_text(made.findings), findings="[]", awaits_approval=int(awaits),
    )  # fmt: skip
    if moved and order is not None:
        own(tx, scope, order["id"], (made.card, made.envelope))
    return moved


def own(tx: Tx, scope: Scope, order_id: str, digests: Iterable[str]) -> None:
    """These bytes are the order's own, among others: they are erased with it, once no other order has them."""
    key = {"tenant": scope.tenant, "mode": scope.mode, "id": order_id}
    bare = [digest.removeprefix("sha256:") for digest in digests]
    tx.run_each(_OWN, [{**key, "digest": digest} for digest in bare])
    rubbish.named(tx, scope, bare)


def done(tx: Tx, scope: Scope, piece_ids: Iterable[str]) -> None:
    """Note when orders are done whose last pieces these are; what was noted stays. Whoever moves many calls this just
    before: orders are locked before pieces, as everywhere."""
    sql = _DONE.format(listed=tx.listed("ids"))
    tx.run(sql, tenant=scope.tenant, mode=scope.mode, at=tx.at, ids=text(list(piece_ids)))


def one(tx: Tx, scope: Scope, piece_id: str) -> Piece:
    """A piece by its id. Raises Refused where this tenant has none of that id."""
    row = tx.one(_BY_ID, tenant=scope.tenant, mode=scope.mode, id=piece_id)
    if row is None:
        raise Refused("No such piece.", [error("piece.unknown", "id", "no piece has this id", "ask its order")])
    return piece_from(row)


def of_orders(tx: Tx, scope: Scope, order_ids: Iterable[str]) -> list[Piece]:
    """The pieces of these orders, by order and copy."""
    sql = _BY_ORDERS.format(listed=tx.listed("orders"))
    rows = tx.all(sql, tenant=scope.tenant, mode=scope.mode, orders=text(list(order_ids)))
    return [piece_from(row) for row in rows]


def due_orders(tx: Tx, scope: Scope, mail_on: str) -> list[str]:
    """The orders whose pieces are due on that mail date and are still to be composed."""
    return [row["order_id"] for row in tx.all(_DUE, tenant=scope.tenant, mode=scope.mode, mail_on=mail_on)]


def states(tx: Tx, scope: Scope, order_ids: Iterable[str]) -> Mapping[str, int]:
    """How many pieces of these orders are in each state; states without a piece are left out."""
    sql = _STATES.format(listed=tx.listed("orders"))
    rows = tx.all(sql, tenant=scope.tenant, mode=scope.mode, orders=text(list(order_ids)))
    return {row["state"]: row["pieces"] for row in rows}


def gatherable(tx: Tx, scope: Scope, mail_on: str, order_ids: Iterable[str] | None) -> list[Unsent]:
    """What a batch of that mail date may hold, in mail order. A piece that missed its date is still due."""
    narrowed = "" if order_ids is None else f"AND order_id IN {tx.listed('orders')}"
    values = {} if order_ids is None else {"orders": text(list(order_ids))}
    sql = _GATHERABLE.format(narrowed=narrowed)
    found = [
        # groups are few: each is one string, however many pieces have it
        Unsent(row["id"], row["order_id"], row["reference"], sys.intern(row["group_key"]), row["sort_key"])
        for row in tx.each(sql, tenant=scope.tenant, mode=scope.mode, mail_on=mail_on, **values)
    ]
    # sorted here and not by the database, whose collation may differ from one machine to the next
    found.sort(key=lambda piece: (piece.group, piece.sort_key, piece.reference, piece.id))
    return found


def page_of_members(tx: Tx, batch_id: str, after: int) -> list[Piece]:
    """The next members of a batch, by sequence number."""
    return [piece_from(row) for row in tx.all(_MEMBERS, batch=batch_id, after=after, page=_PAGE)]


def piece_from(row: sa.RowMapping) -> Piece:
    """A row as a value."""
    composed = None
    if row["card"] is not None:
        composed = Composed(
            card=row["card"], envelope=row["envelope"], card_bytes=row["card_bytes"] or 0,
            envelope_bytes=row["envelope_bytes"] or 0, findings=findings_from(row["composed_findings"]),
        )  # fmt: skip
    return Piece(
        id=row["id"], scope=Scope(row["tenant"], row["mode"]), order_id=row["order_id"], reference=row["reference"],
        state=PieceState(row["state"]), mail_on=row["mail_on"], group=row["group_key"], sort_key=row["sort_key"],
        spec=json.loads(row["spec"]), composed=composed, batch_id=row["batch_id"], seq=row["seq"], held=row["held"],
        findings=findings_from(row["findings"]),
        presorted=Presorted(**json.loads(row["presorted"])) if row["presorted"] else None,
        awaits_approval=bool(row["awaits_approval"]),
    )  # fmt: skip
