"""Numbers for whoever watches the shop. Every count follows an index of what is unfinished: none grows with what was
ever printed, except that of the batches, of which a shop makes a few a day; nor is a piece read where many wait.

An order's age is told by its id, which begins with the moment when it was made (``engine.new_id``). What test keys
ordered is never printed and stays composed for ever: of it, only what still has to be composed is counted.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter

from cardpipe.model.intake import ImportState
from cardpipe.model.order import Scope
from cardpipe.model.status import PieceState
from cardpipe.ports.measures import Measured
from cardpipe.storage import steps, tenants
from cardpipe.storage.engine import _IDS, Tx
from cardpipe.storage.tables import FLYING, words

#: What still has to leave the house, and of test orders what still has to be composed.
UNFINISHED = (
    PieceState.WAITING, PieceState.COMPOSING, PieceState.COMPOSED, PieceState.BATCHED, PieceState.NEEDS_ATTENTION,
)  # fmt: skip
_ON_TRIAL = UNFINISHED[:2]

#: With an id behind all ids: SQLite seeks to the first row that is equal so far, and would walk a tenant's pieces.
_NEXT_SCOPE = """
    SELECT tenant, mode FROM pieces WHERE (tenant, mode, id) > (:tenant, :mode, 'zzzz')
    ORDER BY tenant, mode, id LIMIT 1
"""
_PIECES = """
    SELECT state, mail_on, count(*) AS pieces FROM pieces
    WHERE tenant = :tenant AND mode = :mode AND state IN ({states}) GROUP BY state, mail_on
"""
#: One seek, however many wait: ``ix_pieces_listed`` ends in it.
_OLDEST = """
    SELECT min(order_id) AS oldest FROM pieces WHERE tenant = :tenant AND mode = :mode AND state = :state
"""
_HELD = """
    SELECT count(*) AS held FROM pieces
    WHERE tenant = :tenant AND mode = :mode AND held IS NOT NULL AND state || '' IN ({states})
"""
#: Of no tenant in particular: SQLite would take an index of all orders of one.
_HELD_ORDERS = "SELECT count(*) AS held FROM orders WHERE held IS NOT NULL AND state = 'accepted' AND mode <> 'test'"
_BATCHES = "SELECT state, count(*) AS batches, count(held) AS held FROM batches GROUP BY state"
_OPEN_STEPS = "SELECT kind, count(*) AS steps FROM steps WHERE state = 'open' AND held IS NULL GROUP BY kind"
#: Grouped by what no index is sorted by: else SQLite reads all that is open, and not just what flies.
_LEASED = f"""
    SELECT kind || '' AS kind_of, count(*) AS steps FROM steps
    WHERE {FLYING} AND token IS NOT NULL AND NOT {steps.LEASE_OVER} GROUP BY kind || ''
"""
#: CROSS JOIN tells SQLite to begin with the imports, which are few.
_ROWS = f"""
    SELECT r.state, count(*) AS rows_of FROM imports i CROSS JOIN intake r
    WHERE r.tenant = i.tenant AND r.mode = i.mode AND r.import_id = i.id
      AND i.state IN ({words((ImportState.RECEIVED, ImportState.JUDGING))}) GROUP BY r.state
"""
_STOPPED = "SELECT count(*) AS duties FROM duties WHERE state = 'stopped'"
_DELIVERIES = "SELECT count(*) AS pending, min(created_at) AS oldest FROM deliveries WHERE state = 'pending'"
_EVENTS = "SELECT count(*) AS pending, min(at) AS oldest FROM events WHERE pending = 1"


def measured(tx: Tx) -> Measured:
    """The shop at this moment."""
    pieces: Counter[str] = Counter({str(state): 0 for state in UNFINISHED})
    oldest: dict[str, float] = dict.fromkeys(pieces, 0.0)
    overdue, held = pieces.copy(), Counter(order=0, piece=0, batch=0)
    for scope in _scopes(tx):
        key = {"tenant": scope.tenant, "mode": scope.mode}
        live = scope.mode != "test"
        unfinished = UNFINISHED if live else _ON_TRIAL
        states = words(unfinished)
        for row in tx.all(_PIECES.format(states=states), **key):
            pieces[row["state"]] += row["pieces"]
            if live and row["mail_on"] < tx.at[:10]:
                overdue[row["state"]] += row["pieces"]
        for state in unfinished:
            if first := tx.all(_OLDEST, **key, state=str(state))[0]["oldest"]:
                oldest[state] = max(oldest[state], tx.now - made_at(first))
        if live:
            held["piece"] += tx.all(_HELD.format(states=states), **key)[0]["held"]
    held["order"] = tx.all(_HELD_ORDERS)[0]["held"]
    batches = {row["state"]: (row["batches"], row["held"]) for row in tx.all(_BATCHES)}
    held["batch"] = sum(count for state, (_, count) in batches.items() if state != "settled")
    waiting, told = tx.all(_DELIVERIES)[0], tx.all(_EVENTS)[0]
    return Measured(
        pieces=pieces,
        oldest=oldest,
        overdue=overdue,
        held=held,
        steps=_steps(tx),
        batches={state: count for state, (count, _) in batches.items()},
        import_rows={row["state"]: row["rows_of"] for row in tx.all(_ROWS)},
        duties_stopped=tx.all(_STOPPED)[0]["duties"],
        deliveries=waiting["pending"],
        oldest_delivery=_age(tx, waiting["oldest"]),
        events=told["pending"],
        oldest_event=_age(tx, told["oldest"]),
        paused=tenants.paused(tx) is not None,
    )


def _scopes(tx: Tx) -> list[Scope]:
    """Every tenant and mode that ever ordered, by stepping through an index."""
    found: list[Scope] = []
    last = Scope("", "")
    while row := tx.one(_NEXT_SCOPE, tenant=last.tenant, mode=last.mode):
        last = Scope(row["tenant"], row["mode"])
        found.append(last)
    return found


def _steps(tx: Tx) -> dict[tuple[str, str], int]:
    found = {(row["kind"], "open"): int(row["steps"]) for row in tx.all(_OPEN_STEPS)}
    for row in tx.all(_LEASED, now=tx.now, skew=steps.SKEW):
        kind, leased = row["kind_of"], int(row["steps"])
        found[kind, "leased"] = leased
        found[kind, "open"] = max(0, found.get((kind, "open"), 0) - leased)  # the two looks are not of one moment
    return found


def made_at(made_id: str) -> float:
    """When an id was made (seconds since 1970): the first 48 of its 128 bits are milliseconds."""
    number = 0
    for figure in made_id.rpartition("_")[2]:
        number = number << 5 | _IDS.index(figure)
    return (number >> 80) / 1000


def _age(tx: Tx, moment: str | None) -> float:
    return max(0.0, tx.now - dt.datetime.fromisoformat(moment).timestamp()) if moment else 0.0
