"""The audit log: who did what to what, in a chain of hashes. Ids only; only ever added to.

Each entry's hash covers the entry and the hash before it, so that none can be changed, taken out or put in without all
later ones being made anew. ``installation`` has the newest number and hash, too: the end of the chain is missed
as well. Against somebody who may write to the database and makes everything anew helps only a head that was noted
elsewhere (``head``).
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from cardpipe.model.errors import Bug
from cardpipe.model.order import canonical
from cardpipe.model.tenant import AuditEntry
from cardpipe.storage import installation
from cardpipe.storage.engine import Tx
from cardpipe.storage.events import text

_LAST = "SELECT number, hash FROM audit ORDER BY number DESC LIMIT 1"
_ADD = """
    INSERT INTO audit (number, at, tenant, actor, action, subject, detail, hash)
    VALUES (:number, :at, :tenant, :actor, :action, :subject, :detail, :hash)
"""
_OF = """
    SELECT * FROM audit WHERE tenant = :tenant AND number < :before ORDER BY number DESC LIMIT :limit
"""
_PAGE = "SELECT * FROM audit WHERE number > :after ORDER BY number LIMIT :page"
_PAGE_SIZE = 1000
_NEVER = 2**62

#: What an id, a digest, a code, a number or a date looks like, and no sentence and no address.
_ID = re.compile(r"[\w.:@/+|-]{0,200}\Z", re.ASCII)
#: What no id has: an address is written down without it.
UNFIT = re.compile(r"[^\w.:@/+|-]", re.ASCII)


def add(tx: Tx, tenant: str, actor: str, action: str, subject: str, **detail: object) -> None:
    """Append an entry, in the transaction that does what it tells. ``tenant`` is empty for what concerns the whole
    installation. Raises Bug for a subject or a detail that is a sentence: nothing personal may ever lie here."""
    for name, value in {"subject": subject, **detail}.items():
        if not is_id(value):
            raise Bug(f"the audit log takes ids only, and {name!r} of {action} is none")
    tx.alone()
    last = tx.one(_LAST)
    entry = {
        "number": int(last["number"]) + 1 if last else 1, "at": tx.at, "tenant": tenant, "actor": actor,
        "action": action, "subject": subject, "detail": text(detail),
    }  # fmt: skip
    hash_ = _hash(last["hash"] if last else "", entry)
    tx.run(_ADD, **entry, hash=hash_)
    installation.put(tx, "audit", f"{entry['number']} {hash_}")


def is_id(value: object) -> bool:
    """Whether a value is an id, a number, a flag, or a list of such."""
    if isinstance(value, str):
        return _ID.match(value) is not None
    if isinstance(value, Sequence):
        return all(is_id(each) for each in value)
    return value is None or isinstance(value, int | float)


def of(tx: Tx, tenant: str, limit: int, before: int | None) -> list[AuditEntry]:
    """A tenant's entries, newest first; of the installation itself where ``tenant`` is empty."""
    rows = tx.all(_OF, tenant=tenant, limit=limit, before=_NEVER if before is None else before)
    return [entry_from(row) for row in rows]


def entry_from(row: sa.RowMapping) -> AuditEntry:
    """A row as a value."""
    return AuditEntry(
        row["number"], row["at"], row["tenant"], row["actor"], row["action"], row["subject"], json.loads(row["detail"])
    )


def head(tx: Tx) -> tuple[int, str]:
    """The newest entry's number and hash, to be noted where nobody of this machine can write; (0, "") for none."""
    last = tx.one(_LAST)
    return (int(last["number"]), last["hash"]) if last else (0, "")


def broken(tx: Tx) -> int | None:
    """The number of the first entry that does not follow from the one before it, or is missing; None: all is whole."""
    number, hash_ = 0, ""
    for row in _all(tx):
        number += 1
        if row["number"] != number or row["hash"] != _hash(hash_, row):
            return number
        hash_ = row["hash"]
    if (installation.get(tx, "audit") or "0 ") != f"{number} {hash_}":
        return number + 1
    return None


def _all(tx: Tx) -> Iterator[sa.RowMapping]:
    after = 0
    while page := tx.all(_PAGE, after=after, page=_PAGE_SIZE):
        yield from page
        after = page[-1]["number"]


def _hash(before: str, entry: Mapping[str, Any] | sa.RowMapping) -> str:
    names = ("number", "at", "tenant", "actor", "action", "subject", "detail")
    return hashlib.sha256(before.encode() + canonical({name: entry[name] for name in names})).hexdigest()
