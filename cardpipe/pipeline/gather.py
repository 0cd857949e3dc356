"""Gather: every composed, still unsent piece of a mail date goes into a batch, in mail order. One transaction.

Not "what came since the last run" but "all that is composed and in no batch": what missed a cut-off is taken by the
next one and never falls through the gap (peers.md, complaint 25).
"""

from __future__ import annotations

from collections.abc import Iterable

from cardpipe.lettershop.presort import groups
from cardpipe.model.batch import Batch
from cardpipe.model.errors import Conflict, Unavailable
from cardpipe.model.order import Scope
from cardpipe.ports import Shop

_TRIES = 5


def gather(shop: Shop, scope: Scope, mail_on: str, order_ids: Iterable[str] | None = None) -> list[Batch]:
    """Close a mail date (YYYY-MM-DD), or just these orders of it; the new batches. None is new: nothing was due.

    A piece that is cancelled or held while this runs makes the transaction start again without it.
    Raises Unavailable when the pieces never stood still for long enough; nothing was gathered then.
    """
    wanted = None if order_ids is None else list(order_ids)
    for _ in range(_TRIES):
        due = groups(shop.store.gatherable(scope, mail_on, wanted))
        members = {group: [piece.id for piece in pieces] for group, pieces in due.items()}
        if not members:
            return []
        try:
            return shop.store.gather(scope, mail_on, members)
        except Conflict:
            continue
    raise Unavailable("pieces kept changing while they were gathered; nothing was gathered, close the day again")
