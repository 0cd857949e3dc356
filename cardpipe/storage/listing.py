"""Lists of orders: newest first, a page at a time, without walking through what nobody asked for.

Ids sort by time, so a page begins below the last id of the one before, and the orders are read from the newest on. That
finds a page at once where many orders fit. Where few do (a rare piece state, one contact's metadata, the last hour),
their ids come from the index of what makes them rare, and only those orders are read. Where many fit, and lie behind
many that do not (what is composed behind a campaign that waits), their ids come from an index as well, the newest first
and no more than a page needs.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import sqlalchemy as sa

from cardpipe.model.errors import Refused
from cardpipe.model.finding import error
from cardpipe.model.order import Scope
from cardpipe.model.status import OrderState, PieceState
from cardpipe.model.stored import OrderQuery, StoredOrder
from cardpipe.storage import orders
from cardpipe.storage.engine import Tx
from cardpipe.storage.events import text

#: Up to so many orders are few: their ids are read first.
FEW = 1000

_PAGE = "SELECT * FROM orders WHERE tenant = :tenant AND mode = :mode{narrowed} ORDER BY id DESC LIMIT :limit"
#: Asked of each order that is read. Not EXISTS: both engines turn that into a join, which may read all there is first.
_ASK = "(SELECT 1 FROM {of} LIMIT 1) IS NOT NULL"
#: As ``ix_pieces_listed`` is sorted: the newest ones.
_OF_STATE = """
    SELECT id FROM (
        SELECT DISTINCT order_id AS id FROM pieces
        WHERE tenant = :tenant AND mode = :mode AND state = :{name}{below}
        ORDER BY order_id DESC LIMIT :most
    ) AS of_{name}
"""
_NEWEST = "SELECT DISTINCT id FROM ({those}) AS newest ORDER BY id DESC LIMIT :most"
# sorted as their index is, or PostgreSQL reads the table from its beginning in the hope of finding enough
_OF_TIME = "SELECT id FROM orders WHERE tenant = :tenant AND mode = :mode AND {bounds} ORDER BY accepted_at"
_OF_HELD = "SELECT id FROM orders WHERE tenant = :tenant AND mode = :mode AND held IS NOT NULL ORDER BY id"
_SINCE = """
    SELECT count(*) AS orders FROM (
        SELECT 1 AS one FROM orders WHERE tenant = :tenant AND mode = :mode AND accepted_at >= :since LIMIT :most
    ) AS counted
"""
_BACKLOG = """
    SELECT count(*) AS steps FROM (
        SELECT 1 AS one FROM steps WHERE state = 'open' AND held IS NULL LIMIT :most
    ) AS counted
"""


class _Filter(NamedTuple):
    """What an order must be like: as a condition, and as the ids of all that are like it (empty: most are), ``below``
    some id where it says so."""

    condition: str
    ids: str
    values: dict[str, Any]


def page(tx: Tx, scope: Scope, query: OrderQuery) -> tuple[list[StoredOrder], str | None]:
    """The newest orders that fit; and the id below which the next page begins, None on the last one."""
    filters = list(_filters(query))
    few = _few(tx, scope, filters)
    rows = _of_newest(tx, scope, query, filters) if few is None and _by_states(query, filters) else []
    if len(rows) <= query.limit:
        sql, values = _statement(tx, scope, query, filters, few)
        rows = tx.all(sql, **values)
    found = orders.from_rows(tx, scope, rows[: query.limit])
    return found, found[-1].id if len(rows) > query.limit else None


def _by_states(query: OrderQuery, filters: Sequence[_Filter]) -> bool:
    """Whether states of pieces are all that is asked of what has an index."""
    return bool(query.piece_states) and len(filters) == 1 and not query.mail_on and not query.import_id


def _of_newest(tx: Tx, scope: Scope, query: OrderQuery, filters: Sequence[_Filter]) -> list[sa.RowMapping]:
    """The rows of a page among the newest orders with pieces in those states: too few where something else is asked,
    too, that most of them are not."""
    more = bool(query.states or query.occasion or query.design)
    values = {"tenant": scope.tenant, "mode": scope.mode, "most": FEW + 1 if more else query.limit + 1}
    bound = {} if query.before is None else {"below": query.before}
    those = filters[0].ids.format(below=" AND order_id < :below" if bound else "")
    newest = tx.all(_NEWEST.format(those=those), **values, **bound, **filters[0].values)
    sql, given = _statement(tx, scope, query, filters, [row["id"] for row in newest])
    return tx.all(sql, **given)


def _statement(
    tx: Tx, scope: Scope, query: OrderQuery, filters: Sequence[_Filter], few: Sequence[str] | None
) -> tuple[str, dict[str, Any]]:
    """The statement of one page, and one row more, with its values. ``few``: of these ids only."""
    # where the ids are known no other index is wanted: what is joined by || has none
    plain = "" if few is None else " || ''"
    values: dict[str, Any] = {"tenant": scope.tenant, "mode": scope.mode, "limit": query.limit + 1}
    conditions = []
    if few is not None:
        conditions.append(f"id IN {tx.listed('few')}")
        values["few"] = text(list(few))
    if query.before is not None:
        conditions.append(f"id{plain} < :before")
        values["before"] = query.before
    for column, value in _equal(query):
        conditions.append(f"{column}{plain} = :{column}")
        values[column] = value
    if query.states:
        those = {f"state{n}": str(state) for n, state in enumerate(query.states)}
        conditions.append(f"state IN ({', '.join(f':{name}' for name in those)})")
        values |= those
    for each in filters:
        conditions.append(each.condition)
        values |= each.values
    return _PAGE.format(narrowed="".join(f" AND {condition}" for condition in conditions)), values


def count_since(tx: Tx, scope: Scope, moment: float, most: int) -> int:
    """How many orders were accepted since then (seconds since 1970), counted no further than ``most``."""
    row = tx.one(_SINCE, tenant=scope.tenant, mode=scope.mode, since=_written(moment), most=most)
    return int(row["orders"]) if row else 0


def backlog(tx: Tx, most: int) -> int:
    """How many steps wait to be done or are being done, counted no further than ``most``. What is held is no work."""
    row = tx.one(_BACKLOG, most=most)
    return int(row["steps"]) if row else 0


def _equal(query: OrderQuery) -> Iterator[tuple[str, str]]:
    """Columns with the value they must have. ``mail_on`` and ``import_id`` have indexes that sort by id, too."""
    for column in ("occasion", "design", "mail_on", "import_id"):
        if value := getattr(query, column):
            yield column, value


def _filters(query: OrderQuery) -> Iterator[_Filter]:
    yield from _of_pieces(query)
    if query.held is not None:
        yield _Filter("held IS NOT NULL", _OF_HELD, {}) if query.held else _Filter("held IS NULL", "", {})
    bounds = [("since", ">=", query.since), ("until", "<", query.until)]
    times = {name: _moment(name, value) for name, _, value in bounds if value}
    if times:
        within = [f"{{0}} {sign} :{name}" for name, sign, _ in bounds if name in times]
        condition = " AND ".join(within).format("accepted_at || ''")  # not by the index: that sorts by time, not by id
        yield _Filter(condition, _OF_TIME.format(bounds=" AND ".join(within).format("accepted_at")), times)
    for place, (name, value) in enumerate(sorted(query.metadata.items())):
        told = f"tenant = :tenant AND mode = :mode AND name = :name{place} AND value = :value{place}"
        yield _Filter(
            _ASK.format(of=f"order_metadata WHERE {told} AND order_id = orders.id"),
            f"SELECT order_id AS id FROM order_metadata WHERE {told} ORDER BY order_id",
            {f"name{place}": name, f"value{place}": value},
        )


def _of_pieces(query: OrderQuery) -> Iterator[_Filter]:
    """By the states of pieces. Orders that are not accepted are found by their pieces as well: all are cancelled."""
    wanted: list[Sequence[str]] = [query.piece_states] if query.piece_states else []
    if query.states and OrderState.ACCEPTED not in query.states:
        wanted.append([str(PieceState.CANCELLED)])
    for place, states in enumerate(wanted):
        values = {f"piece{place}_{n}": str(state) for n, state in enumerate(states)}
        those = ", ".join(f":{name}" for name in values)
        # the condition goes by order alone, which is one tenant's: with tenant and mode beside it a PostgreSQL without
        # statistics reads all pieces of the state for each order
        yield _Filter(
            _ASK.format(of=f"pieces WHERE order_id = orders.id AND state IN ({those})"),
            " UNION ALL ".join(_OF_STATE.format(name=name, below="{below}") for name in values),
            values,
        )


def _few(tx: Tx, scope: Scope, filters: Sequence[_Filter]) -> list[str] | None:
    """The ids of the orders that fit the narrowest of these, where those are few."""
    found: list[str] | None = None
    for each in filters:
        if not each.ids:
            continue
        values = {"tenant": scope.tenant, "mode": scope.mode, "most": FEW + 1, **each.values}
        ids = [row["id"] for row in tx.all(f"{each.ids.format(below='')} LIMIT :most", **values)]
        if len(ids) <= FEW and (found is None or len(ids) < len(found)):
            found = ids
    return found


def _moment(name: str, value: str) -> str:
    try:
        moment = dt.datetime.fromisoformat(value)
        return _written((moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)).timestamp())
    except (ValueError, OverflowError):
        remedy = "write it like 2026-11-21T09:00:00Z"
        raise Refused("A list cannot be bounded so.", [error("order.query.time", name, "is no time", remedy)]) from None


def _written(moment: float) -> str:
    """A moment as ``accepted_at`` has it: only what is written alike can be compared as text."""
    written = dt.datetime.fromtimestamp(moment, dt.UTC).isoformat(timespec="milliseconds")
    return written.replace("+00:00", "Z")
