"""What a close would gather, counted: not one piece is read whose number is enough."""

from __future__ import annotations

from cardpipe.model.order import Scope
from cardpipe.ports.overview import Coming
from cardpipe.storage.engine import Tx

#: Just what ``pieces.gatherable`` reads.
_COMING = """
    SELECT group_key, count(*) AS pieces, sum(CASE WHEN mail_on < :mail_on THEN 1 ELSE 0 END) AS late, min(id) AS one
    FROM pieces
    WHERE tenant = :tenant AND mode = :mode AND state = 'composed' AND mail_on <= :mail_on
      AND batch_id IS NULL AND held IS NULL AND awaits_approval = 0
    GROUP BY group_key ORDER BY group_key
"""


def coming(tx: Tx, scope: Scope, mail_on: str) -> list[Coming]:
    """By group, as their batches would be numbered."""
    rows = tx.all(_COMING, tenant=scope.tenant, mode=scope.mode, mail_on=mail_on)
    found = [Coming(row["group_key"], row["pieces"], int(row["late"]), row["one"]) for row in rows]
    return sorted(found, key=lambda each: each.group)
