"""Likely duplicates: of two orders with one natural key only one goes on; the other is held until a person says so.

``uq_orders_natural_key`` is what keeps it so. The looks here only find out beforehand what it would say, and with whom;
where somebody was faster still, its IntegrityError ends the transaction, and ``looking_again`` begins anew.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from cardpipe.model.errors import Conflict, Unavailable
from cardpipe.model.finding import error
from cardpipe.model.order import Scope
from cardpipe.storage.engine import Tx
from cardpipe.storage.tables import GOES_ON

T = TypeVar("T")

CODE = "order.duplicate"
TRIES = 5

_SAME = "tenant = :tenant AND mode = :mode AND natural_key = :natural_key AND id <> :but"
_GUARDED = f"SELECT id, reference FROM orders WHERE {_SAME} AND {GOES_ON}"
#: Allowed as a second card: the unique index looks past it, but a third card is still one too many.
_ALLOWED = f"""
    SELECT id, reference FROM orders WHERE {_SAME} AND duplicate_allowed = 1 AND state = 'accepted' AND held IS NULL
"""


def standing(
    tx: Tx, scope: Scope, natural_key: str | None, but: str = "", *, also_allowed: bool = True
) -> sa.RowMapping | None:
    """The order (id, reference) that goes on with this natural key, other than ``but``; None where there is none."""
    if natural_key is None:
        return None
    sql = f"{_GUARDED} UNION ALL {_ALLOWED}" if also_allowed else _GUARDED
    return tx.one(sql, tenant=scope.tenant, mode=scope.mode, natural_key=natural_key, but=but)


def reason(other: sa.RowMapping) -> str:
    """Why the second one is held, for a person."""
    return (
        f"looks like a second card: {other['id']} (reference {other['reference']})"
        " has the same recipient, occasion and date"
    )


def conflict(other: sa.RowMapping) -> Conflict:
    """Why the second one stays held."""
    return Conflict(
        "The order would go on beside another one that looks like the same card.",
        [error(CODE, "order", reason(other), "allow it as a second card, change it, or cancel one of the two")],
    )


def looking_again(attempt: Callable[[], T]) -> T:
    """What ``attempt`` gives, a transaction of its own each time; once more where another order of the same natural
    key went on between its look and its write. Raises Unavailable where that happens again and again."""
    for _ in range(TRIES):
        try:
            return attempt()
        except IntegrityError as problem:
            if "natural_key" not in str(problem.orig):
                raise
    raise busy()


def busy() -> Unavailable:
    """Orders of one natural key come and go faster than they can be looked at."""
    return Unavailable("Orders that look like this one come and go at this moment; the same call may be made again.")
