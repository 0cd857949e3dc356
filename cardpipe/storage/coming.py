"""What a close would gather, counted: not one piece is read whose number is enough.

Where few are due, they are read. Where many are, their index is counted, which has the group and the id in it; what is
held or waits for approval is taken off by the indexes of just these.
"""

from __future__ import annotations

from collections import Counter

from cardpipe.model.order import Scope
from cardpipe.ports.overview import Coming
from cardpipe.storage.engine import Tx
from cardpipe.storage.events import text

#: Up to so many are few.
FEW = 1000

_SCOPE = "tenant = :tenant AND mode = :mode"
_DAYS = f"""
    SELECT mail_on, count(*) AS pieces FROM pieces
    WHERE {_SCOPE} AND state = 'composed' AND mail_on <= :mail_on GROUP BY mail_on
"""
#: Just what ``pieces.gatherable`` reads.
_COMING = f"""
    SELECT group_key, count(*) AS pieces, sum(CASE WHEN mail_on < :mail_on THEN 1 ELSE 0 END) AS late, min(id) AS one
    FROM pieces
    WHERE {_SCOPE} AND state = 'composed' AND mail_on <= :mail_on AND batch_id IS NULL AND held IS NULL
      AND awaits_approval = 0 {{narrowed}}
    GROUP BY group_key ORDER BY group_key
"""
#: Joined by ``||``: by the index of the mail date, and not by that of the state, which has neither group nor id.
_COUNTED = f"""
    SELECT mail_on, group_key, count(*) AS pieces, min(id) AS one FROM pieces
    WHERE {_SCOPE} AND mail_on IN {{days}} AND state || '' = 'composed' GROUP BY mail_on, group_key, state
"""
_FLAGGED = f"""
    SELECT id, mail_on, group_key FROM pieces
    WHERE {_SCOPE} AND {{flag}} AND mail_on <= :mail_on AND state || '' = 'composed'
"""


def coming(tx: Tx, scope: Scope, mail_on: str) -> list[Coming]:
    """By group, as their batches would be numbered."""
    key = {"tenant": scope.tenant, "mode": scope.mode}
    days = {row["mail_on"]: int(row["pieces"]) for row in tx.all(_DAYS, **key, mail_on=mail_on)}
    if sum(days.values()) > FEW:
        return _counted(tx, scope, mail_on, sorted(days))
    rows = tx.all(_COMING.format(narrowed=""), **key, mail_on=mail_on)
    found = [Coming(row["group_key"], row["pieces"], int(row["late"]), row["one"]) for row in rows]
    return sorted(found, key=lambda each: each.group)


def _counted(tx: Tx, scope: Scope, mail_on: str, days: list[str]) -> list[Coming]:
    key = {"tenant": scope.tenant, "mode": scope.mode}
    kept: dict[str, tuple[str, str]] = {}
    for flag in ("held IS NOT NULL", "awaits_approval = 1"):
        for row in tx.all(_FLAGGED.format(flag=flag), **key, mail_on=mail_on):
            kept[row["id"]] = (row["mail_on"], row["group_key"])
    off = Counter(kept.values())
    pieces: Counter[str] = Counter()
    late: Counter[str] = Counter()
    ones: dict[str, list[str]] = {}
    for row in tx.all(_COUNTED.format(days=tx.listed("days")), **key, days=text(days)):
        group, free = row["group_key"], int(row["pieces"]) - off[row["mail_on"], row["group_key"]]
        pieces[group] += free
        late[group] += free if row["mail_on"] < mail_on else 0
        ones.setdefault(group, []).append(row["one"])
    found = []
    for group in sorted(ones):  # what is held or gathered between these looks may leave none
        if pieces[group] > 0 and (one := _one(tx, scope, mail_on, group, min(ones[group]), kept)):
            found.append(Coming(group, pieces[group], max(0, late[group]), one))
    return found


def _one(tx: Tx, scope: Scope, mail_on: str, group: str, oldest: str, kept: dict[str, tuple[str, str]]) -> str:
    """The oldest piece of a group that is neither held nor waits for approval."""
    if oldest not in kept:
        return oldest
    sql = _COMING.format(narrowed="AND group_key = :group")
    row = tx.one(sql, tenant=scope.tenant, mode=scope.mode, mail_on=mail_on, group=group)
    return str(row["one"]) if row else ""
