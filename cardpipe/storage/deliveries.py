"""Deliveries: one message to one endpoint, tried until it is taken or given up, with every answer it got.

Of one order only the oldest message that was not delivered is sent; those behind it wait as long as it does. Of events
that were not yet made into messages (another dispatcher is at it), the older ones are waited for, too.
"""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa

from cardpipe.model.errors import Refused
from cardpipe.model.finding import error
from cardpipe.model.order import Scope
from cardpipe.model.outbox import Answer, Delivered, Outgoing, event_id
from cardpipe.model.stored import Claim
from cardpipe.storage import endpoints
from cardpipe.storage.engine import Tx, first_id
from cardpipe.storage.events import text

#: An endpoint that took nothing for so long is disabled.
PATIENCE = dt.timedelta(days=5)
#: So long a message can be listed and sent again; what happened is told by the log of events for longer.
KEPT = dt.timedelta(days=90)
#: The longest honest wait for a next try, in seconds: the last of the schedule with its jitter, or Retry-After. A try
#: further ahead was planned by a clock that has since been set back.
LONGEST = 100_000.0
MOST_WORDS = 500

# one look into an index each: as scalar subqueries, which PostgreSQL never turns into joins over the whole tables; and
# pending + 0: by subject, not through the index of all that waits
_DUE = """
    d.state = 'pending' AND d.next_at <= :now AND (d.order_id = '' OR (
        (SELECT 1 FROM deliveries o
         WHERE o.tenant = d.tenant AND o.mode = d.mode AND o.endpoint_id = d.endpoint_id AND o.order_id = d.order_id
           AND o.event_id < d.event_id AND o.state = 'pending' LIMIT 1) IS NULL
        AND (SELECT 1 FROM events e
             WHERE e.tenant = d.tenant AND e.mode = d.mode AND e.subject = d.order_id
               AND e.id < d.event_id AND e.pending + 0 = 1 LIMIT 1) IS NULL
        AND (SELECT 1 FROM pieces p
             JOIN events e ON e.tenant = p.tenant AND e.mode = p.mode AND e.subject = p.id
             WHERE p.order_id = d.order_id AND e.id < d.event_id AND e.pending + 0 = 1 LIMIT 1) IS NULL))
"""
_NEXT = f"""
    SELECT d.id, d.type, d.body, d.attempts FROM deliveries d
    WHERE d.tenant = :tenant AND d.mode = :mode AND d.endpoint_id = :endpoint AND {_DUE}
    ORDER BY d.next_at, d.event_id LIMIT :limit
"""
_MINE = "SELECT 1 AS one FROM steps WHERE id = :step AND token = :token AND state = 'open'"
_ASLEEP = f"""
    SELECT n.tenant, n.mode, n.id FROM endpoints n
    WHERE n.enabled = 1
      AND (SELECT 1 FROM steps s WHERE s.kind = '{endpoints.KIND}' AND s.subject = n.id AND s.state = 'open') IS NULL
      AND ((SELECT 1 FROM deliveries d
            WHERE d.tenant = n.tenant AND d.mode = n.mode AND d.endpoint_id = n.id AND {_DUE}
            ORDER BY d.next_at, d.event_id LIMIT 1) = 1
           OR (SELECT 1 FROM deliveries d
               WHERE d.tenant = n.tenant AND d.mode = n.mode AND d.endpoint_id = n.id AND d.state = 'pending'
                 AND d.next_at > :now + {LONGEST} LIMIT 1) = 1)
    ORDER BY n.tenant, n.mode, n.id
"""
_RECKON_ANEW = f"""
    UPDATE deliveries SET next_at = :now
    WHERE tenant = :tenant AND mode = :mode AND endpoint_id = :endpoint AND state = 'pending'
      AND next_at > :now + {LONGEST}
"""
_STILL_MINE = """
    UPDATE steps SET attempts = 0, lost_leases = 0 WHERE id = :step AND token = :token AND state = 'open'
"""
_ANSWERED = """
    UPDATE deliveries SET state = :state, attempts = attempts + 1, next_at = :next_at
    WHERE tenant = :tenant AND mode = :mode AND id = :id AND endpoint_id = :endpoint AND state = 'pending'
    RETURNING order_id
"""
_ADD_ANSWER = """
    INSERT INTO answers (tenant, mode, delivery_id, at, status, words, seconds)
    VALUES (:tenant, :mode, :id, :at, :status, :words, :seconds)
"""
#: By id, which sorts by when it was made.
_OLD = """
    SELECT id FROM deliveries WHERE tenant = :tenant AND mode = :mode AND id < :first AND state <> 'pending'
    ORDER BY id LIMIT 1000
"""
_FORGET = (
    "DELETE FROM answers WHERE tenant = :tenant AND mode = :mode AND delivery_id IN {listed}",
    "DELETE FROM deliveries WHERE tenant = :tenant AND mode = :mode AND id IN {listed}",
)
_WAIT_WITH_IT = """
    UPDATE deliveries SET next_at = :next_at
    WHERE tenant = :tenant AND mode = :mode AND endpoint_id = :endpoint AND order_id = :order AND state = 'pending'
      AND next_at + 0 < :next_at
"""  # + 0: by order, not through the index of all that is due
_FAILING = """
    UPDATE endpoints SET failing_since = :since WHERE tenant = :tenant AND mode = :mode AND id = :endpoint
"""
_LISTED = """
    SELECT * FROM deliveries
    WHERE tenant = :tenant AND mode = :mode AND endpoint_id = :endpoint {narrowed} ORDER BY id DESC LIMIT :limit
"""
_ANSWERS = "SELECT * FROM answers WHERE tenant = :tenant AND mode = :mode AND delivery_id IN {listed} ORDER BY id"
_AGAIN = """
    UPDATE deliveries SET state = 'pending', attempts = 0, next_at = :now
    WHERE tenant = :tenant AND mode = :mode AND endpoint_id = :endpoint AND {narrowed}
"""


def due(tx: Tx, claim: Claim, limit: int) -> list[Outgoing]:
    """What this claim should send now, the longest due first. Nothing where the claim was lost or the endpoint is
    disabled or gone."""
    endpoint = endpoints.enabled(tx, claim.scope, claim.subject)
    if endpoint is None or tx.one(_MINE, step=claim.step_id, token=claim.token) is None:
        return []
    scope = claim.scope
    _plainly(tx)
    rows = tx.all(_NEXT, tenant=scope.tenant, mode=scope.mode, endpoint=endpoint.id, now=tx.now, limit=limit)
    return [Outgoing(row["id"], endpoint, row["type"], row["body"].encode(), row["attempts"] + 1) for row in rows]


def asleep(tx: Tx) -> list[sa.RowMapping]:
    """Endpoints (tenant, mode, id) that have something due, and no open step."""
    _plainly(tx)
    return tx.all(_ASLEEP, now=tx.now)


def wake(tx: Tx) -> None:
    """Open the steps of those endpoints."""
    for row in asleep(tx):
        scope, endpoint_id = Scope(row["tenant"], row["mode"]), row["id"]
        try:
            endpoints.locked(tx, scope, endpoint_id)
        except Refused:  # dropped a moment ago
            continue
        tx.run(_RECKON_ANEW, tenant=scope.tenant, mode=scope.mode, endpoint=endpoint_id, now=tx.now)
        endpoints.open_step(tx, scope, endpoint_id)


def answered(tx: Tx, claim: Claim, delivery_id: str, answer: Answer, again_in: float | None) -> bool:
    """Write down what the receiver said, and what follows of it. False: the claim was lost; nothing happened."""
    scope = claim.scope
    key = {"tenant": scope.tenant, "mode": scope.mode}
    try:
        endpoint = endpoints.locked(tx, scope, claim.subject)
    except Refused:
        return False
    if not tx.run(_STILL_MINE, step=claim.step_id, token=claim.token):
        return False
    next_at = tx.now + min(again_in or 0.0, LONGEST)
    state = "delivered" if answer.well else "given_up" if again_in is None else "pending"
    row = tx.one(_ANSWERED, **key, id=delivery_id, endpoint=claim.subject, state=state, next_at=next_at)
    if row is None:
        return True  # written down before
    tx.run(
        _ADD_ANSWER, **key, id=delivery_id, at=tx.at, status=answer.status, words=_storable(answer.words),
        seconds=answer.seconds,
    )  # fmt: skip
    if state == "pending" and row["order_id"]:
        tx.run(_WAIT_WITH_IT, **key, endpoint=claim.subject, order=row["order_id"], next_at=next_at)
    _judge(tx, claim, endpoint, answer)
    return True


def _judge(tx: Tx, claim: Claim, endpoint: sa.RowMapping, answer: Answer) -> None:
    """An endpoint that wants no more, or took nothing for days, is disabled."""
    scope, since = claim.scope, endpoint["failing_since"]
    now_since = "" if answer.well else since or tx.at
    if now_since != since:
        tx.run(_FAILING, tenant=scope.tenant, mode=scope.mode, endpoint=claim.subject, since=now_since)
    if not endpoint["enabled"] or answer.well:
        return
    if answer.status == 410:
        endpoints.disable(tx, scope, claim.subject, "it answered 410 Gone: it wants no more messages")
    elif since and tx.now - dt.datetime.fromisoformat(since).timestamp() >= PATIENCE.total_seconds():
        endpoints.disable(tx, scope, claim.subject, f"it took nothing for {PATIENCE.days} days")


def listed(
    tx: Tx, scope: Scope, endpoint_id: str, limit: int, before: str | None, state: str | None
) -> tuple[list[Delivered], str | None]:
    """Newest first, each with every answer it got; and the id after which the next page begins. Raises Refused."""
    endpoints.one(tx, scope, endpoint_id)
    key = {"tenant": scope.tenant, "mode": scope.mode}
    wanted = {name: value for name, value in (("before", before), ("state", state)) if value is not None}
    narrowed = ("AND id < :before " if before is not None else "") + ("AND state = :state" if state is not None else "")
    rows = tx.all(_LISTED.format(narrowed=narrowed), **key, endpoint=endpoint_id, limit=limit + 1, **wanted)
    page = rows[:limit]
    answers: dict[str, list[tuple[str, int | None, str, float]]] = {row["id"]: [] for row in page}
    for row in tx.all(_ANSWERS.format(listed=tx.listed("ids")), **key, ids=text(list(answers))):
        answers[row["delivery_id"]].append((row["at"], row["status"], row["words"], row["seconds"]))
    found = [
        Delivered(
            row["id"], event_id(row["event_id"]), row["type"], row["order_id"], row["state"], row["created_at"],
            _moment(row["next_at"]) if row["state"] == "pending" else "", tuple(answers[row["id"]]),
        )
        for row in page
    ]  # fmt: skip
    return found, page[-1]["id"] if len(rows) > limit else None


def forget(tx: Tx, scope: Scope) -> int:
    """The next messages that were sent or given up ``KEPT`` ago, with their answers; how many."""
    key = {"tenant": scope.tenant, "mode": scope.mode}
    ids = [row["id"] for row in tx.all(_OLD, **key, first=first_id("msg", tx.now - KEPT.total_seconds()))]
    for sql in _FORGET:
        tx.run(sql.format(listed=tx.listed("ids")), **key, ids=text(ids))
    return len(ids)


def replay(tx: Tx, scope: Scope, endpoint_id: str, delivery: str | None, since: str | None) -> int:
    """Send one again, or every one that was made since; how many. All tries anew; what waits is tried at once. Raises
    Refused where nothing is named or it is unknown, Conflict where the endpoint is disabled."""
    narrowed, named = _named(delivery, since)
    endpoints.must_listen(endpoints.locked(tx, scope, endpoint_id))
    again = tx.run(
        _AGAIN.format(narrowed=narrowed), tenant=scope.tenant, mode=scope.mode, endpoint=endpoint_id, now=tx.now,
        named=named,
    )  # fmt: skip
    if delivery is not None and not again:
        raise Refused(
            "No such message.",
            [error("webhook.delivery.unknown", "delivery", "none of this id was sent there", "list the deliveries")],
        )
    if again:
        endpoints.open_step(tx, scope, endpoint_id, afresh=True)
    return again


def _named(delivery: str | None, since: str | None) -> tuple[str, str]:
    if delivery is not None and since is None:
        return "id = :named", delivery
    try:
        moment = dt.datetime.fromisoformat(since or "") if delivery is None else None
    except ValueError:
        moment = None
    if moment is None:
        raise Refused(
            "What is to be sent again?",
            [error("webhook.replay", "since", "name one message, or a moment such as 2026-11-21T09:00:00Z")],
        )
    return "created_at >= :named", endpoints.iso(moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC))


def _plainly(tx: Tx) -> None:
    """PostgreSQL would compile these statements, which takes a second, to save a millisecond."""
    if tx.postgres:
        tx.run("SET LOCAL jit = off")


def _storable(words: str) -> str:
    """A stranger's words as both engines can keep them."""
    return words[:MOST_WORDS].replace("\0", "").encode(errors="replace").decode()


def _moment(seconds: float) -> str:
    return endpoints.iso(dt.datetime.fromtimestamp(seconds, dt.UTC))
