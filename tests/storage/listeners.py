"""Those who listen, and the hands that tell them, for tests of the outbox."""

from __future__ import annotations

import time

from cardpipe.model.order import Scope
from cardpipe.model.outbox import Answer, NewEndpoint
from cardpipe.storage import events

OURS, OTHERS = Scope("local"), Scope("b")
URL = "https://crm.example/hook"
OK = Answer(200, "thanks", 0.1)
BROKEN = Answer(500, "oh no", 0.1)


def listen(store, *types, scope=OURS, url=URL):
    return store.add_endpoint(NewEndpoint(scope, url, types), "user:anna")


def claim(store, sql, endpoint):
    """A worker's hand on the endpoint's step."""
    rows = sql(store, "SELECT id FROM steps WHERE kind = 'events' AND subject = :s", s=endpoint.id)
    return store.claim(rows[0][0], 60) if rows else None


def say(store, kind, subject, old, new, reason="", scope=OURS, **detail):
    with store.db.writing() as tx:
        events.log(tx, scope, kind, subject, old, new, reason, **detail)


def settled(store):
    """Wait until nothing holds up the log: on PostgreSQL also what other databases of the same server write does."""
    if store.db.sqlite:
        return
    until = time.monotonic() + 60
    while True:
        with store.db.reading() as tx:
            row = tx.one("SELECT max(xact) < CAST(CAST(pg_snapshot_xmin(pg_current_snapshot()) AS text) AS bigint) AS ok "
                         "FROM events")  # fmt: skip
        if row["ok"] is not False:
            return
        assert time.monotonic() < until, "somebody keeps a transaction open"
        time.sleep(0.01)


def told(store, *arguments, **others):
    settled(store)
    return store.told(*arguments, **others)


def types(told):
    return [each.type for each in told]


def drain(store, mine, answer=OK, again_in=5.0):
    """Send all that is due, with the same answer to each; what was sent."""
    sent = []
    while due := store.due_deliveries(mine, 50):
        for message in due:
            assert store.answered(mine, message.id, answer, again_in)
            sent.append(message)
    return sent
