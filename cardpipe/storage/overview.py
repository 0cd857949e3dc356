"""What is due and what is stuck, counted for the console. Counts follow indexes of just what is counted: pieces of the
mail dates that are asked for, and what waits for a person; none reads what was printed long ago."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

import sqlalchemy as sa

from cardpipe.model.errors import Refused
from cardpipe.model.finding import Level, error
from cardpipe.model.intake import Row
from cardpipe.model.order import Scope
from cardpipe.model.status import PieceState
from cardpipe.model.stored import StoredOrder
from cardpipe.ports.overview import HELD_PIECE, Due, Stuck, StuckKind
from cardpipe.storage import intake, orders
from cardpipe.storage.engine import Tx
from cardpipe.storage.events import findings_from, text
from cardpipe.storage.measures import UNFINISHED
from cardpipe.storage.tables import words

#: What test keys ordered is never printed: composed is where it ends.
_ON_TRIAL = (PieceState.WAITING, PieceState.COMPOSING, PieceState.NEEDS_ATTENTION)
_SCOPE = "tenant = :tenant AND mode = :mode"

_COUNTED = """
    SELECT mail_on, group_key, state, count(*) AS pieces, min(id) AS oldest FROM pieces
    WHERE tenant = :tenant AND mode = :mode AND {days} GROUP BY mail_on, group_key, state
"""
_BETWEEN = _COUNTED.format(days="mail_on >= :since AND mail_on <= :until")
_OF_GROUP = _COUNTED.format(days="mail_on = :mail_on AND group_key = :group_key")
#: With a column that ``ix_pieces_due`` has not: SQLite would walk through all of that one, and not go to these states.
_LEFT_OVER = f"""
    SELECT DISTINCT mail_on || '' AS mail_on, group_key || '' AS group_key FROM pieces
    WHERE {_SCOPE} AND state IN ({{states}}) AND mail_on < :since AND sort_key >= ''
"""
#: The state behind ``||``: not by its own index, which has all that is still to leave, but by that of the few.
_FLAGGED = f"""
    SELECT mail_on, group_key, count(*) AS pieces FROM pieces
    WHERE {_SCOPE} AND {{flag}} AND mail_on <= :until AND state || '' IN ({{states}}) GROUP BY mail_on, group_key
"""
_HELD, _UNAPPROVED = "held IS NOT NULL", "awaits_approval = 1"
_ACCEPTED = """
    SELECT p.id, o.accepted_at FROM pieces p
    JOIN orders o ON o.tenant = p.tenant AND o.mode = p.mode AND o.id = p.order_id
    WHERE p.tenant = :tenant AND p.mode = :mode AND p.id IN {listed}
"""

#: The code of the first error among a row's findings, or of the first finding where none is one.
_CODE_SQLITE = """
    SELECT json_extract(f.value, '$.code') FROM json_each(findings) f
    ORDER BY json_extract(f.value, '$.level') <> 'error', f.key LIMIT 1
"""
_CODE_POSTGRES = """
    SELECT f.value ->> 'code' FROM json_array_elements(CAST(findings AS json)) WITH ORDINALITY AS f (value, place)
    ORDER BY f.value ->> 'level' <> 'error', f.place LIMIT 1
"""
_ATTENTION = f"""
    SELECT id, order_id, coalesce(({{code}}), 'unknown') AS code FROM pieces
    WHERE {_SCOPE} AND state = 'needs_attention'
"""
#: Dry runs order nothing. Rows that were erased have no findings.
_REFUSED = """
    SELECT id, coalesce(({code}), 'unknown') AS code FROM intake
    WHERE tenant = :tenant AND mode = :mode AND state = 'refused' AND findings <> '[]' AND (import_id IS NULL OR (
        SELECT dry_run FROM imports i WHERE i.tenant = intake.tenant AND i.mode = intake.mode
                                        AND i.id = intake.import_id) = 0)
"""
_BY_CODE = "SELECT code, count(*) AS many, min(id) AS oldest FROM ({stuck}) AS stuck GROUP BY code"
#: Joined by ``||``: of the few that are stuck, not along an index of all in the hope of meeting some.
_PAGE = """
    SELECT DISTINCT {id} || '' AS id FROM ({stuck}) AS stuck
    WHERE code {equal} :code AND {id} || '' > :after ORDER BY {id} || '' LIMIT :most
"""
_FINDINGS = f"SELECT id, findings, {{at}} FROM {{table}} WHERE {_SCOPE} AND id IN {{listed}}"
_HELD_ORDERS = f"""
    SELECT id, held_code, held, accepted_at FROM orders
    WHERE {_SCOPE} AND held IS NOT NULL AND state = 'accepted' AND done_at IS NULL ORDER BY id
"""
_HELD_PIECES = f"""
    SELECT id, order_id FROM pieces WHERE tenant = :tenant AND mode = :mode AND held IS NOT NULL
      AND state || '' IN ({words(UNFINISHED)}) AND (
        SELECT o.held FROM orders o WHERE o.tenant = pieces.tenant AND o.mode = pieces.mode AND o.id = pieces.order_id
      ) IS NULL
"""
_HELD_BATCHES = f"""
    SELECT id, held, held_by, gathered_at FROM batches
    WHERE {_SCOPE} AND state IN ('gathered', 'imposed', 'released', 'printed', 'mailed') AND held IS NOT NULL
"""
#: Holds and remarks that quote what a person said, who may have named somebody.
_BY_A_PERSON = frozenset({"operator", "crm", "piece.ejected", HELD_PIECE})


def due(tx: Tx, scope: Scope, since: str, until: str) -> list[Due]:
    """By mail date and group, earlier ones of which something is left first."""
    key = {"tenant": scope.tenant, "mode": scope.mode}
    since, until = _day("since", since), _day("until", until)
    leaving = _ON_TRIAL if scope.mode == "test" else UNFINISHED
    states = words(leaving)
    rows = []
    for left in tx.all(_LEFT_OVER.format(states=states), **key, since=since):
        rows += tx.all(_OF_GROUP, **key, mail_on=left["mail_on"], group_key=left["group_key"])
    rows += tx.all(_BETWEEN, **key, since=since, until=until)
    counts: dict[tuple[str, str], dict[str, int]] = {}
    oldest: dict[tuple[str, str], str] = {}
    for row in rows:
        place = (row["mail_on"], row["group_key"])
        counts.setdefault(place, {})[row["state"]] = row["pieces"]
        if row["state"] in leaving:
            oldest[place] = min(row["oldest"], oldest.get(place, row["oldest"]))
    accepted = _accepted(tx, scope, oldest.values())
    held, unapproved = (_flagged(tx, scope, flag, states, until) for flag in (_HELD, _UNAPPROVED))
    return [
        Due(
            mail_on, group, counts[mail_on, group], held.get((mail_on, group), 0), unapproved.get((mail_on, group), 0),
            accepted.get(oldest.get((mail_on, group), ""), ""),
        )
        for mail_on, group in sorted(counts)
    ]  # fmt: skip


def stuck(tx: Tx, scope: Scope) -> list[Stuck]:
    """What waits for a person, by reason."""
    found = [*_attention(tx, scope), *_held(tx, scope), *_refused(tx, scope), *_batches(tx, scope)]
    kinds = ("attention", "held", "refused", "batch")
    return sorted(found, key=lambda each: (kinds.index(each.kind), -each.count, each.code))


def stuck_orders(
    tx: Tx, scope: Scope, kind: StuckKind, code: str, after: str | None, limit: int
) -> tuple[list[StoredOrder], str | None]:
    """A page of the orders that are stuck so, oldest first."""
    if kind == "attention":
        ids = _page(tx, scope, _ATTENTION, "order_id", code, after, limit)
    elif kind == "held" and code == HELD_PIECE:
        rows = tx.all(_HELD_PIECES, tenant=scope.tenant, mode=scope.mode)
        ids = _behind(sorted({row["order_id"] for row in rows}), after, limit)
    elif kind == "held":
        rows = tx.all(_HELD_ORDERS, tenant=scope.tenant, mode=scope.mode)
        ids = _behind([row["id"] for row in rows if _held_code(row) == code], after, limit)
    else:
        what = "has rows, or batches, and no orders"
        raise Refused("No orders are stuck so.", [error("stuck.kind", "kind", what, "ask for attention or held")])
    key = {"tenant": scope.tenant, "mode": scope.mode}
    sql = f"SELECT * FROM orders WHERE {_SCOPE} AND id IN {tx.listed('ids')}"
    rows = sorted(tx.all(sql, **key, ids=text(ids[:limit])), key=lambda row: str(row["id"]))
    return orders.from_rows(tx, scope, rows), ids[limit - 1] if len(ids) > limit else None


def refused_rows(tx: Tx, scope: Scope, code: str, after: str | None, limit: int) -> tuple[list[Row], str | None]:
    """A page of the rows that were refused so, oldest first."""
    ids = _page(tx, scope, _REFUSED, "id", code, after, limit)
    found = [row for each in ids[:limit] if (row := intake.one(tx, scope, each)) is not None]
    return found, ids[limit - 1] if len(ids) > limit else None


def _flagged(tx: Tx, scope: Scope, flag: str, states: str, until: str) -> dict[tuple[str, str], int]:
    """By mail date and group: how many of those still to leave have this flag."""
    rows = tx.all(_FLAGGED.format(flag=flag, states=states), tenant=scope.tenant, mode=scope.mode, until=until)
    return {(row["mail_on"], row["group_key"]): row["pieces"] for row in rows}


def _attention(tx: Tx, scope: Scope) -> Iterator[Stuck]:
    rows = tx.all(_BY_CODE.format(stuck=_coded(tx, _ATTENTION)), tenant=scope.tenant, mode=scope.mode)
    ids = [row["oldest"] for row in rows]
    said, accepted = _said(tx, scope, "pieces", "id AS at", ids), _accepted(tx, scope, ids)
    for row in rows:
        code = row["code"]
        example = "" if code in _BY_A_PERSON else said[row["oldest"]][0]
        yield Stuck("attention", code, row["many"], example, accepted[row["oldest"]])


def _held(tx: Tx, scope: Scope) -> Iterator[Stuck]:
    key = {"tenant": scope.tenant, "mode": scope.mode}
    rows = tx.all(_HELD_ORDERS, **key)
    counts = Counter(_held_code(row) for row in rows)
    for code, many in counts.items():
        first = next(row for row in rows if _held_code(row) == code)
        yield Stuck("held", code, many, "" if code in _BY_A_PERSON else first["held"], first["accepted_at"])
    if pieces := sorted(row["id"] for row in tx.all(_HELD_PIECES, **key)):
        yield Stuck("held", HELD_PIECE, len(pieces), "", _accepted(tx, scope, pieces[:1])[pieces[0]])


def _refused(tx: Tx, scope: Scope) -> Iterator[Stuck]:
    rows = tx.all(_BY_CODE.format(stuck=_coded(tx, _REFUSED)), tenant=scope.tenant, mode=scope.mode)
    said = _said(tx, scope, "intake", "at", [row["oldest"] for row in rows])
    for row in rows:
        yield Stuck("refused", row["code"], row["many"], *said[row["oldest"]])


def _batches(tx: Tx, scope: Scope) -> Iterator[Stuck]:
    rows = sorted(tx.all(_HELD_BATCHES, tenant=scope.tenant, mode=scope.mode), key=lambda row: str(row["id"]))
    counts = Counter(row["held_by"] or "operator" for row in rows)
    for code, many in counts.items():
        first = next(row for row in rows if (row["held_by"] or "operator") == code)
        yield Stuck("batch", code, many, "" if code in _BY_A_PERSON else first["held"], first["gathered_at"])


def _held_code(row: sa.RowMapping) -> str:
    return row["held_code"] or "operator"


def _page(tx: Tx, scope: Scope, those: str, id_: str, code: str, after: str | None, limit: int) -> list[str]:
    """The ids of a page, and one more if there is a next one."""
    sql = _PAGE.format(stuck=_coded(tx, those), id=id_, equal="=" if code else "<>")
    rows = tx.all(sql, tenant=scope.tenant, mode=scope.mode, code=code, after=after or "", most=limit + 1)
    return [row["id"] for row in rows]


def _behind(ids: Sequence[str], after: str | None, limit: int) -> list[str]:
    return [each for each in ids if after is None or each > after][: limit + 1]


def _coded(tx: Tx, those: str) -> str:
    return those.format(code=_CODE_POSTGRES if tx.postgres else _CODE_SQLITE)


def _said(tx: Tx, scope: Scope, table: str, at: str, ids: Sequence[str]) -> dict[str, tuple[str, str]]:
    """By id: what the first error says, and the moment."""
    sql = _FINDINGS.format(table=table, at=at, listed=tx.listed("ids"))
    found = {}
    for row in tx.all(sql, tenant=scope.tenant, mode=scope.mode, ids=text(list(ids))):
        findings = sorted(findings_from(row["findings"]), key=lambda each: each.level is not Level.ERROR)
        found[row["id"]] = (f"{findings[0].where} {findings[0].message}" if findings else "", row["at"])
    return found


def _accepted(tx: Tx, scope: Scope, piece_ids: Iterable[str]) -> dict[str, str]:
    """When the orders of these pieces were accepted."""
    sql = _ACCEPTED.format(listed=tx.listed("ids"))
    rows = tx.all(sql, tenant=scope.tenant, mode=scope.mode, ids=text(sorted(set(piece_ids))))
    return {row["id"]: row["accepted_at"] for row in rows}


def _day(name: str, given: str) -> str:
    try:
        return dt.date.fromisoformat(given).isoformat()
    except ValueError:
        raise Refused("No such days.", [error("due.day", name, "is no date", "write YYYY-MM-DD")]) from None
