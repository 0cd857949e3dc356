"""Erasure: what is personal in an order's rows goes, for good; ids, states, counts, times and keyed hashes stay.

What stays is named here and everything else goes: a field, a reason or a detail that somebody adds later is erased
until it is named. A merged print file holds everybody's card, so a batch's files go with the last of its orders.
Whoever erases holds, in this order: the audit log, the batches, the order (as whoever moves a batch does).
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa

from cardpipe.model.errors import Conflict, Refused
from cardpipe.model.finding import Finding, error
from cardpipe.model.order import Scope
from cardpipe.model.status import DONE
from cardpipe.ports import PRESORT_AWAITED
from cardpipe.storage import audit, installation, orders, rubbish
from cardpipe.storage.engine import Tx
from cardpipe.storage.events import findings_from, findings_text, log, text

#: What stands where people's words stood.
ERASED = "(erased)"
#: Writing a large file anew takes a while, in which nobody else writes.
_BETWEEN_REWRITES = dt.timedelta(hours=20)
#: What stays of a spec: how the card was made and posted, and not for whom or with which words and pictures.
_SPEC = (
    "v", "tenant", "mode", "reference", "occasion", "design", "format", "press", "profile", "carrier", "printed", "ink",
    "mailing", "inserts", "seed", "mail_on", "house",
)  # fmt: skip
#: The reasons that cardpipe itself writes into the log. All others are people's words, or may quote them.
_OWN_REASONS = frozenset({
    "accepted", "its order was accepted", "a worker took it", "composed", "gathered", "imposed", "release planned",
    "released", "scanned", "spoiled", "remade", "ejected", "withdrawn", "resequenced", "settled", "erased", "changed",
    "approved", "its order was changed", "every piece is printed", "every piece is mailed", "no piece is left",
    "the house accepted a delivery", "the house refused a delivery", "interrupted", PRESORT_AWAITED,
})  # fmt: skip
#: What stays of an event's details, where it is an id, a number or a list of such.
_DETAILS = frozenset({
    "piece", "order", "batch", "remake", "list", "import", "revision", "run", "numbers", "pieces", "scans", "mailed",
    "withdrawn", "target", "planned", "delivery", "step", "attempt", "user", "actor", "by", "code", "fields", "proof",
    "duplicate_of", "allow_duplicate",
})  # fmt: skip

_ERASABLE = """
    SELECT id FROM orders
    WHERE tenant = :tenant AND mode = :mode AND done_at IS NOT NULL AND erased_at IS NULL AND done_at < :before
    ORDER BY done_at LIMIT :limit
"""
#: By order alone, which is one tenant's: with tenant and mode beside it, both engines may walk through all pieces.
_PIECES = """
    SELECT id, state, spec, card, envelope, composed_findings, findings, batch_id, seq FROM pieces
    WHERE order_id = :order ORDER BY copy
"""
_WITHDRAWALS = """
    SELECT batch_id, seq FROM withdrawals WHERE tenant = :tenant AND mode = :mode AND piece_id IN {listed}
"""
_LOCK_BATCHES = "SELECT id FROM batches WHERE tenant = :tenant AND mode = :mode AND id IN {listed} ORDER BY id{locked}"
_ORDER = "SELECT * FROM orders WHERE tenant = :tenant AND mode = :mode AND id = :id{locked}"
_SCRUB_ORDER = """
    UPDATE orders SET request = '{}', findings = '[]', request_digest = :keyed, erased_at = :at,
                      held = CASE WHEN held IS NULL THEN NULL ELSE :erased END
    WHERE tenant = :tenant AND mode = :mode AND id = :id
"""
_SCRUB_PIECE = """
    UPDATE pieces SET spec = :spec, sort_key = '', presorted = NULL, composed_findings = :composed,
                      findings = :findings, held = CASE WHEN held IS NULL THEN NULL ELSE :erased END
    WHERE id = :id
"""
_SCRUB_STEP = "UPDATE steps SET held = :erased WHERE kind = :kind AND subject = :subject AND held IS NOT NULL"
_SCRUB_ROW = """
    UPDATE intake SET request = '{}', cells = '[]', findings = '[]', overrides = '[]', request_digest = :keyed
    WHERE tenant = :tenant AND mode = :mode AND state <> 'received'
      AND (id = :id OR (import_id IS NULL AND reference = :reference))
"""
_SCRUB_ANSWERS = """
    UPDATE answers SET words = '' WHERE tenant = :tenant AND mode = :mode AND words <> '' AND delivery_id IN (
        SELECT id FROM deliveries WHERE tenant = :tenant AND mode = :mode
          AND endpoint_id IN (SELECT id FROM endpoints WHERE tenant = :tenant AND mode = :mode)
          AND event_id IN (SELECT id FROM events WHERE tenant = :tenant AND mode = :mode AND subject IN {listed}))
"""
_DROP_METADATA = "DELETE FROM order_metadata WHERE tenant = :tenant AND mode = :mode AND order_id = :id"
_SCRUB_PIECES_WITHDRAWN = """
    UPDATE withdrawals SET reason = :erased WHERE tenant = :tenant AND mode = :mode AND piece_id IN {listed}
"""
_SCRUB_PIECES_REMADE = """
    UPDATE remakes SET reason = :erased WHERE tenant = :tenant AND mode = :mode AND id IN (
        SELECT remake_id FROM remake_pieces WHERE tenant = :tenant AND mode = :mode AND piece_id IN {listed})
"""
_LOG = "SELECT id, reason, detail FROM events WHERE tenant = :tenant AND mode = :mode AND subject = :subject"
_SCRUB_EVENT = "UPDATE events SET reason = :reason, detail = :detail WHERE id = :id"
#: From the end on: orders are erased about as they were numbered, so the last one is not erased for the longest time.
_STILL_NEEDED = """
    SELECT 1 AS one FROM pieces
    JOIN orders ON orders.tenant = pieces.tenant AND orders.mode = pieces.mode AND orders.id = pieces.order_id
    WHERE pieces.batch_id = :batch AND orders.erased_at IS NULL ORDER BY pieces.seq DESC LIMIT 1
"""
_BATCH = (
    "SELECT state, findings FROM batches WHERE tenant = :tenant AND mode = :mode AND id = :id AND erased_at IS NULL"
)
_REMAKES = "SELECT id FROM remakes WHERE tenant = :tenant AND mode = :mode AND batch_id = :id"
_FILES = """
    SELECT sha256 FROM batch_files WHERE tenant = :tenant AND mode = :mode AND batch_id = :id
    UNION SELECT sha256 FROM remake_files WHERE tenant = :tenant AND mode = :mode AND remake_id IN ({remakes})
"""
_DROP_FILES = (
    "DELETE FROM batch_files WHERE tenant = :tenant AND mode = :mode AND batch_id = :id",
    "DELETE FROM remake_files WHERE tenant = :tenant AND mode = :mode AND remake_id IN ({remakes})",
)
_SCRUB_BATCH = """
    UPDATE batches SET findings = :findings, erased_at = :at, held = CASE WHEN held IS NULL THEN NULL ELSE :erased END
    WHERE tenant = :tenant AND mode = :mode AND id = :id
"""
_SCRUB_WORDS = (
    "UPDATE withdrawals SET reason = :erased WHERE tenant = :tenant AND mode = :mode AND batch_id = :id",
    "UPDATE remakes SET reason = :erased WHERE tenant = :tenant AND mode = :mode AND batch_id = :id",
    "UPDATE replies SET text = :erased WHERE tenant = :tenant AND mode = :mode AND batch_id = :id",
)


def erasable(tx: Tx, scope: Scope, before: str, limit: int) -> list[str]:
    """Orders that were done before that moment, oldest first."""
    rows = tx.all(_ERASABLE, tenant=scope.tenant, mode=scope.mode, before=moment(before), limit=limit)
    return [row["id"] for row in rows]


def moment(given: str) -> str:
    """A moment as the tables have it, so that text compares as time does. Raises Refused for what is none."""
    try:
        read = dt.datetime.fromisoformat(given)
    except ValueError:
        raise Refused("No such moment.", [error("erase.before", "before", "is no time", "write ISO 8601")]) from None
    read = read if read.tzinfo else read.replace(tzinfo=dt.UTC)
    return read.astimezone(dt.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def to_rewrite(tx: Tx) -> bool:
    """Whether something was erased since the database's file was last written anew, which is done once a day at
    most."""
    erased, rewritten = installation.get(tx, "erased"), installation.get(tx, "rewritten")
    yesterday = dt.datetime.fromtimestamp(tx.now, dt.UTC) - _BETWEEN_REWRITES
    if erased is None or rewritten is None:
        return erased is not None
    return rewritten <= min(erased, moment(yesterday.isoformat()))


def rewritten(tx: Tx, at: str) -> None:
    """The file was written anew; what was erased until that moment is gone from it."""
    installation.put(tx, "rewritten", at)


def erase(tx: Tx, scope: Scope, key: str, actor: str, keyed: str) -> None:
    """Erase one order, and the batches of which it was the last. Twice is once. Conflict ``order.erase.too_early``
    while a piece of it is still to be mailed; nothing was changed then."""
    tx.alone()
    order_id = orders.one(tx, scope, key).id
    key_: dict[str, Any] = {"tenant": scope.tenant, "mode": scope.mode}
    locked = " FOR NO KEY UPDATE" if tx.postgres else ""
    places = _places(tx, scope, tx.all(_PIECES, order=order_id))
    tx.all(_LOCK_BATCHES.format(listed=tx.listed("ids"), locked=locked), **key_, ids=text(sorted(places)))
    order = tx.all(_ORDER.format(locked=locked), **key_, id=order_id)[0]
    pieces = tx.all(_PIECES, order=order_id)
    if order["erased_at"] is not None:
        return
    _all_done(pieces)
    places, ids = _places(tx, scope, pieces), [row["id"] for row in pieces]
    _bytes(tx, scope, order, pieces)
    tx.run(_SCRUB_ORDER, **key_, id=order_id, keyed=keyed, erased=ERASED, at=tx.at)
    tx.run_each(_SCRUB_STEP, [{"kind": "compose", "subject": row["id"], "erased": ERASED} for row in pieces])
    tx.run_each(_SCRUB_PIECE, [_scrubbed(row) for row in pieces])
    tx.run(_SCRUB_ROW, **key_, id=order_id, keyed=keyed, reference=order["reference"])
    rubbish.forget_request(tx, scope, order_id)
    tx.run(_DROP_METADATA, **key_, id=order_id)
    listed = tx.listed("ids")
    tx.run(_SCRUB_ANSWERS.format(listed=listed), **key_, ids=text([order_id, *ids]))
    tx.run(_SCRUB_PIECES_WITHDRAWN.format(listed=listed), **key_, ids=text(ids), erased=ERASED)
    tx.run(_SCRUB_PIECES_REMADE.format(listed=listed), **key_, ids=text(ids), erased=ERASED)
    for subject in (order_id, *ids):
        _scrub_log(tx, scope, subject)
    for batch_id, numbers in places.items():
        _forget_why(tx, scope, batch_id, numbers)
    log(tx, scope, "order", order_id, order["state"], "erased", "erased", by=actor)
    audit.add(tx, scope.tenant, actor, "order.erased", order_id, mode=scope.mode)
    installation.put(tx, "erased", tx.at)
    for batch_id in sorted(places):
        _batch(tx, scope, batch_id, actor)


def _all_done(pieces: Iterable[sa.RowMapping]) -> None:
    """Raises Conflict while a card may still be made or mailed: it could not be made without what is erased."""
    waiting = sorted({row["state"] for row in pieces if row["state"] not in DONE})
    if waiting:
        raise Conflict(
            "An order is erased once its card is handed to post, or once it is cancelled.",
            [error("order.erase.too_early", "order", f"its piece is {', '.join(waiting)}",
                   "cancel the order first, or wait until its batch is handed to post")],
        )  # fmt: skip


def _places(tx: Tx, scope: Scope, pieces: Iterable[sa.RowMapping]) -> dict[str, set[int]]:
    """The batches in which these pieces lie or ever lay, with the numbers that they have or had there."""
    found: dict[str, set[int]] = {}
    pieces = list(pieces)
    for row in pieces:
        if row["batch_id"] is not None:
            found.setdefault(row["batch_id"], set()).add(int(row["seq"]))
    ids = text([row["id"] for row in pieces])
    for row in tx.all(_WITHDRAWALS.format(listed=tx.listed("ids")), tenant=scope.tenant, mode=scope.mode, ids=ids):
        found.setdefault(row["batch_id"], set()).add(int(row["seq"]))
    return found


def _bytes(tx: Tx, scope: Scope, order: sa.RowMapping, pieces: Iterable[sa.RowMapping]) -> None:
    """Mark the order's own bytes to be removed: its pictures and all that was ever composed of it."""
    named: set[Any] = set()
    for row in pieces:
        spec = json.loads(row["spec"])
        spec = spec if isinstance(spec, dict) else {}
        named |= {row["card"], row["envelope"], spec.get("signature"), *spec.get("photos", {}).values()}
    since = max(order["accepted_at"], order["changed_at"] or "")
    rubbish.forget_order(tx, scope, order["id"], {digest for digest in named if digest}, since)


def _scrubbed(row: sa.RowMapping) -> dict[str, Any]:
    spec = json.loads(row["spec"])
    spec = spec if isinstance(spec, dict) else {}
    kept = {name: spec[name] for name in _SPEC if name in spec}
    if isinstance(hand := spec.get("hand"), dict) and "name" in hand:
        kept["hand"] = {"name": hand["name"]}
    return {
        "id": row["id"], "spec": text(kept), "composed": _codes(row["composed_findings"]),
        "findings": _codes(row["findings"]), "erased": ERASED,
    }  # fmt: skip


def _codes(column: str | None) -> str:
    """Findings without their words: a message may quote a name, a place may be one."""
    return findings_text(Finding(finding.level, finding.code, "", "") for finding in findings_from(column))


def _scrub_log(tx: Tx, scope: Scope, subject: str) -> None:
    """Of a log's reasons those that cardpipe wrote stay, of its details the ids."""
    changed = []
    for row in tx.all(_LOG, tenant=scope.tenant, mode=scope.mode, subject=subject):
        detail = json.loads(row["detail"])
        kept = {name: value for name, value in detail.items() if name in _DETAILS and audit.is_id(value)}
        reason = row["reason"] if row["reason"] in _OWN_REASONS else ERASED
        if kept != detail or reason != row["reason"]:
            changed.append({"id": row["id"], "reason": reason, "detail": text(kept)})
    tx.run_each(_SCRUB_EVENT, changed)


def _forget_why(tx: Tx, scope: Scope, batch_id: str, numbers: set[int]) -> None:
    """Why pieces of these numbers were taken out of their batch or made again: it may name whom they are for."""
    changed = []
    for row in tx.all(_LOG, tenant=scope.tenant, mode=scope.mode, subject=batch_id):
        detail = json.loads(row["detail"])
        if "why" in detail and numbers & set(detail.get("numbers", ())):
            del detail["why"]
            changed.append({"id": row["id"], "reason": row["reason"], "detail": text(detail)})
    tx.run_each(_SCRUB_EVENT, changed)


def _batch(tx: Tx, scope: Scope, batch_id: str, actor: str) -> None:
    """A batch whose every piece is erased: its files, and the words that were said of it."""
    if tx.one(_STILL_NEEDED, batch=batch_id) is not None:
        return
    key: dict[str, Any] = {"tenant": scope.tenant, "mode": scope.mode, "id": batch_id}
    batch = tx.one(_BATCH, **key)
    if batch is None:
        return
    rubbish.mark(tx, scope, [row["sha256"] for row in tx.all(_FILES.format(remakes=_REMAKES), **key)])
    for sql in _DROP_FILES:
        tx.run(sql.format(remakes=_REMAKES), **key)
    tx.run(_SCRUB_BATCH, **key, findings=_codes(batch["findings"]), at=tx.at, erased=ERASED)
    for sql in _SCRUB_WORDS:
        tx.run(sql, **key, erased=ERASED)
    remakes = [row["id"] for row in tx.all(_REMAKES, **key)]
    steps = [("impose", batch_id), ("release", batch_id), *(("remake", remake) for remake in remakes)]
    tx.run_each(_SCRUB_STEP, [{"kind": kind, "subject": subject, "erased": ERASED} for kind, subject in steps])
    _scrub_log(tx, scope, batch_id)
    log(tx, scope, "batch", batch_id, batch["state"], batch["state"], "erased", by=actor)
    audit.add(tx, scope.tenant, actor, "batch.erased", batch_id, mode=scope.mode)
