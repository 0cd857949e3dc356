"""What the house wrote back to a delivery: kept once, whatever number of times its file is read."""

from __future__ import annotations

import hashlib

from cardpipe.model.order import Scope
from cardpipe.storage import batches, holds
from cardpipe.storage.engine import Tx
from cardpipe.storage.events import log

#: So many characters of the house's words are kept.
MOST_WORDS = 2000
_ADD = """
    INSERT INTO replies (tenant, mode, batch_id, name, verdict, text, digest, at)
    VALUES (:tenant, :mode, :batch, :name, :verdict, :text, :digest, :at)
    ON CONFLICT (tenant, mode, batch_id, name, verdict, digest) DO NOTHING
"""
_OF = """
    SELECT name, verdict, text FROM replies
    WHERE tenant = :tenant AND mode = :mode AND batch_id = :batch ORDER BY id
"""


def acknowledge(tx: Tx, scope: Scope, key: str, name: str, ok: bool, text: str) -> bool:
    """Keep a reply to a delivery of the batch or of one of its remakes; False where it was known. The same ``.nak``
    read again holds nothing again, other words in it do. The words stay out of the log: they are the house's, and may
    name somebody."""
    batch = batches.locked(tx, scope, key)
    kept = text.replace("\0", "")[:MOST_WORDS]
    added = tx.run(
        _ADD, tenant=scope.tenant, mode=scope.mode, batch=batch.id, name=name, verdict="ack" if ok else "nak",
        text=kept, digest=hashlib.sha256(kept.encode()).hexdigest(), at=tx.at,
    )  # fmt: skip
    if not added:
        return False
    said = "the house accepted" if ok else "the house refused"
    log(tx, scope, "batch", batch.id, str(batch.state), str(batch.state), f"{said} a delivery", delivery=name)
    if not ok:
        holds.hold_batch(tx, scope, batch.id, f"{said} {name}: read its reply", "reply")
    return True


def of(tx: Tx, scope: Scope, key: str) -> list[tuple[str, bool, str]]:
    """(name of the delivery, whether it was accepted, the house's words), oldest first."""
    batch = batches.one(tx, scope, key)
    rows = tx.all(_OF, tenant=scope.tenant, mode=scope.mode, batch=batch.id)
    return [(row["name"], row["verdict"] == "ack", row["text"]) for row in rows]
