"""One request, one effect: whoever comes first with an Idempotency-Key gets a receipt, and what he does finishes it.

A receipt is fenced like a claim: whoever takes over from one that died has a newer token, and the late first one finds
that he cannot finish. Of the request nothing is kept but keyed digests of its fields.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from cardpipe.model.errors import Conflict, Unavailable
from cardpipe.model.finding import error
from cardpipe.model.order import Scope
from cardpipe.model.stored import Receipt
from cardpipe.storage.engine import Tx
from cardpipe.storage.events import text
from cardpipe.storage.steps import SKEW

#: So many seconds a request may be at it; then it died, and the next one takes over.
LONGEST = 120.0
_TRIES = 5

_ADD = """
    INSERT INTO requests (tenant, mode, door, key, fields, token, begun_at, at)
    VALUES (:tenant, :mode, :door, :key, :fields, :token, :now, :at)
    ON CONFLICT DO NOTHING
"""
_THIS = "tenant = :tenant AND mode = :mode AND door = :door AND key = :key"
_READ = f"SELECT fields, token, begun_at, status, answer FROM requests WHERE {_THIS}"
_TAKE_OVER = f"UPDATE requests SET token = :token, begun_at = :now WHERE {_THIS} AND token = :old AND begun_at = :begun"
_FINISH = f"""
    UPDATE requests SET token = NULL, status = :status, answer = :answer, subject = :subject
    WHERE {_THIS} AND token = :token
"""
_FORGET = f"DELETE FROM requests WHERE {_THIS} AND token = :token"


def begin(tx: Tx, scope: Scope, door: str, key: str, fields: Mapping[str, str]) -> Receipt | tuple[int, str]:
    """A receipt for the first one, the stored answer for those after. Raises Conflict ``idempotency_key_reused`` for
    other fields, ``in_progress`` while the first one is at it."""
    this = {"tenant": scope.tenant, "mode": scope.mode, "door": door, "key": key}
    token = secrets.token_hex(16)
    for _ in range(_TRIES):
        if tx.run(_ADD, **this, fields=text(dict(fields)), token=token, now=tx.now, at=tx.at):
            return Receipt(door, key, token)
        row = tx.one(_READ, **this)
        if row is None:
            continue  # forgotten just now
        before = json.loads(row["fields"])
        if before or row["status"] is None:  # none any more: they were erased with the order
            _same(before, fields)
        if row["status"] is not None:
            return int(row["status"]), str(row["answer"])
        if _alive(tx, row) or not tx.run(
            _TAKE_OVER, **this, token=token, now=tx.now, old=row["token"], begun=row["begun_at"]
        ):
            raise _in_progress()
        return Receipt(door, key, token)
    raise Unavailable("This Idempotency-Key is taken and given up again at this moment; try the same call again.")


def finish(tx: Tx, scope: Scope, receipt: Receipt, stored: Any, subject: str) -> None:
    """What everybody who asks again will be answered, in the transaction of the effect itself; ``subject`` is the id of
    what was stored. Raises Unavailable, so that nothing of it happens, where somebody else took the request over."""
    status, answer = receipt.answer(stored)
    done = tx.run(
        _FINISH, tenant=scope.tenant, mode=scope.mode, door=receipt.door, key=receipt.key, token=receipt.token,
        status=status, answer=answer, subject=subject,
    )  # fmt: skip
    if not done:
        raise Unavailable("This request took too long and was begun anew; the same call gives the answer of that one.")


def forget(tx: Tx, scope: Scope, receipt: Receipt) -> None:
    """Nothing came of it: the key is free again. One that was finished or taken over stays as it is."""
    tx.run(
        _FORGET, tenant=scope.tenant, mode=scope.mode, door=receipt.door, key=receipt.key, token=receipt.token
    )  # fmt: skip


def _alive(tx: Tx, row: sa.RowMapping) -> bool:
    """Whether the one with the receipt may still be at it. A beginning in the future was written by a clock that has
    since been set back: nobody knows how old it is, so it counts as over."""
    begun = float(row["begun_at"])
    return tx.now - LONGEST <= begun <= tx.now + SKEW


def _same(old: Mapping[str, str], new: Mapping[str, str]) -> None:
    """Raises Conflict with the path of every field that differs."""
    differ = sorted(name for name in old.keys() | new.keys() if old.get(name) != new.get(name))
    if differ:
        remedy = "send another order under a key of its own; send this one again exactly as it was"
        raise Conflict(
            "This Idempotency-Key was used for another request.",
            [error("idempotency_key_reused", name, "differs from the first request under this key", remedy)
             for name in differ],
        )  # fmt: skip


def _in_progress() -> Conflict:
    return Conflict(
        "The first request with this Idempotency-Key is still at it.",
        [error("in_progress", "Idempotency-Key", f"was begun less than {LONGEST:.0f} s ago and has not ended",
               "wait a little and send the very same request again")],
    )  # fmt: skip
