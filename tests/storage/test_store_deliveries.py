"""What is sent to those who listen: in order, tried until it is taken or given up, and again when somebody asks."""

from __future__ import annotations

import datetime as dt
import json
from itertools import product

import pytest
from listeners import BROKEN, OK, OTHERS, OURS, claim, drain, listen, say, told

from cardpipe.model.errors import Conflict, Refused
from cardpipe.model.order import Scope
from cardpipe.model.outbox import Answer
from cardpipe.storage.endpoints import MOST

# one after the other, within one order


def test_of_one_order_the_oldest_first_and_others_are_not_blocked(any_store, order, batch, sql):
    store = any_store
    ours = listen(store)
    batch(store, 3, "gathered")
    store.fan_out()
    mine = claim(store, sql, ours)
    first = store.due_deliveries(mine, 50)
    assert [each.type for each in first] == ["order.accepted"] * 3
    assert len(store.due_deliveries(mine, 2)) == 2
    assert store.answered(mine, first[0].id, OK, None)
    assert sorted(each.type for each in store.due_deliveries(mine, 50)) == ["order.accepted"] * 2 + ["piece.composed"]
    # one order fails; the two others go on to the end
    assert store.answered(mine, first[1].id, BROKEN, 300.0)
    sent = drain(store, mine)
    assert len(sent) == 5 and first[1].id not in [each.id for each in sent]
    blocked = json.loads(first[1].body)["data"]["order"]
    later = "SELECT count(*), count(DISTINCT next_at) FROM deliveries WHERE state = 'pending'"
    assert sql(store, later) == [(3, 1)], "those behind it wait as long as it does"
    # what happens to it meanwhile waits behind it, too
    say(store, "hold", blocked, None, "held", code="operator")
    store.fan_out()
    assert sql(store, later) == [(4, 1)]
    assert store.due_deliveries(mine, 50) == []
    assert store.complete_events(mine)
    store.fan_out()
    assert claim(store, sql, ours) is None, "it rests until then"
    sql(store, "UPDATE deliveries SET next_at = 0 WHERE state = 'pending'")
    store.fan_out()
    mine = claim(store, sql, ours)
    assert [each.type for each in drain(store, mine)] == [
        "order.accepted",
        "piece.composed",
        "piece.batched",
        "order.held",
    ]


def test_a_message_that_is_given_up_lets_the_next_one_go(any_store, order, compose, sql):
    store = any_store
    ours = listen(store)
    store.add_order(order(1))
    compose(store)
    store.fan_out()
    mine = claim(store, sql, ours)
    (message,) = store.due_deliveries(mine, 50)
    assert store.answered(mine, message.id, Answer(None, "refused", 0.0), None)
    assert [each.type for each in store.due_deliveries(mine, 50)] == ["piece.composed"]
    states = {each.type: each.state for each in store.deliveries(OURS, ours.id, 10)[0]}
    assert states == {"order.accepted": "given_up", "piece.composed": "pending"}


# answers


def test_tries_are_counted_and_keep_their_id(any_store, order, sql):
    store = any_store
    ours = listen(store)
    store.add_order(order(1))
    store.fan_out()
    mine = claim(store, sql, ours)
    (first,) = store.due_deliveries(mine, 50)
    assert (first.attempt, first.id[:4], first.endpoint.id) == (1, "msg_", ours.id)
    assert store.answered(mine, first.id, Answer(503, "wört\0e \ud800" + "x" * 900, 1.5), 0.0)
    assert store.endpoint(OURS, ours.id).failing_since
    (second,) = store.due_deliveries(mine, 50)
    assert (second.id, second.body, second.attempt) == (first.id, first.body, 2)
    assert store.answered(mine, second.id, OK, None)
    assert store.endpoint(OURS, ours.id).failing_since == ""
    assert store.answered(mine, second.id, BROKEN, 5.0) and store.due_deliveries(mine, 50) == [], "delivered stays"
    ((done,), more) = store.deliveries(OURS, ours.id, 10)
    assert (done.state, done.next_at, more) == ("delivered", "", None)
    assert [(status, words[:8], seconds) for _, status, words, seconds in done.answers] == [
        (503, "wörte ?x", 1.5), (200, "thanks", 0.1),
    ]  # fmt: skip
    assert len(done.answers[0][2]) < 501


def test_whoever_lost_the_claim_changes_nothing(any_store, order, sql):
    store = any_store
    ours = listen(store)
    store.add_order(order(1))
    store.fan_out()
    lost = claim(store, sql, ours)
    (message,) = store.due_deliveries(lost, 50)
    sql(store, "UPDATE steps SET leased_at = 0 WHERE kind = 'events'")
    mine = claim(store, sql, ours)
    assert mine is not None and mine.token != lost.token
    assert not store.answered(lost, message.id, OK, None)
    assert store.due_deliveries(lost, 50) == [] and not store.complete_events(lost)
    assert [each.id for each in drain(store, mine)] == [message.id], "sent again, under the same id"
    assert sql(store, "SELECT count(*) FROM answers") == [(1,)]


def test_an_answer_shows_that_workers_do_not_die_of_it(any_store, order, sql):
    store = any_store
    ours = listen(store)
    for number in (1, 2):
        store.add_order(order(number))
    store.fan_out()
    sql(store, "UPDATE steps SET lost_leases = 9 WHERE kind = 'events'")
    mine = claim(store, sql, ours)
    assert store.answered(mine, store.due_deliveries(mine, 1)[0].id, OK, None)
    assert sql(store, "SELECT lost_leases FROM steps WHERE kind = 'events'") == [(0,)]


def test_gone_is_disabled_and_what_waits_is_kept(any_store, order, compose, sql):
    store = any_store
    ours = listen(store)
    store.add_order(order(1))
    store.fan_out()
    mine = claim(store, sql, ours)
    (message,) = store.due_deliveries(mine, 50)
    assert store.answered(mine, message.id, Answer(410, "", 0.1), 0.0)
    now = store.endpoint(OURS, ours.id)
    assert (now.enabled, "410" in now.disabled_reason, now.pending) == (False, True, 1)
    assert store.due_deliveries(mine, 50) == [] and store.complete_events(mine)
    assert [(each.new, each.reason) for each in store.events(OURS, ours.id)] == [("disabled", now.disabled_reason)]
    compose(store)
    assert store.fan_out() == 0 and claim(store, sql, ours) is None
    with pytest.raises(Conflict) as caught:
        store.replay(OURS, ours.id, delivery=message.id)
    assert [finding.code for finding in caught.value.findings] == ["webhook.disabled"]
    on = store.change_endpoint(OURS, ours.id, "user:anna", enabled=True)
    assert (on.enabled, on.disabled_reason, on.failing_since) == (True, "", "")
    assert [each.id for each in drain(store, claim(store, sql, ours))] == [message.id]


def test_five_days_without_a_good_answer_are_enough(any_store, order, sql):
    store = any_store
    ours = listen(store)
    for number in range(4):
        store.add_order(order(number))
    store.fan_out()
    mine = claim(store, sql, ours)

    def fail(days, answer=BROKEN):
        since = (dt.datetime.now(dt.UTC) - dt.timedelta(days=days)).isoformat()
        sql(store, "UPDATE endpoints SET failing_since = :s WHERE failing_since <> ''", s=since)
        assert store.answered(mine, store.due_deliveries(mine, 1)[0].id, answer, 300.0)
        return store.endpoint(OURS, ours.id)

    assert fail(0).enabled
    assert fail(6, OK).enabled, "and counted anew"
    assert fail(9).enabled
    last = fail(5.01)
    assert not last.enabled and "5 days" in last.disabled_reason
    assert [each.new for each in store.events(OURS, ours.id)] == ["disabled"]


def test_what_is_due_again_wakes_its_endpoint(any_store, order, sql):
    store = any_store
    ours, quiet = listen(store), listen(store)
    store.add_order(order(1))
    store.fan_out()
    for endpoint in (ours, quiet):
        mine = claim(store, sql, endpoint)
        drain(store, mine, BROKEN if endpoint is ours else OK, 300.0)
        assert store.complete_events(mine)
    store.fan_out()
    assert claim(store, sql, ours) is None
    sql(store, "UPDATE deliveries SET next_at = next_at - 301")
    assert claim(store, sql, ours) is None
    store.fan_out()
    assert len(drain(store, claim(store, sql, ours))) == 1
    assert claim(store, sql, quiet) is None


def test_a_try_planned_by_a_clock_that_was_set_back(any_store, order, sql):
    store = any_store
    ours = listen(store)
    store.add_order(order(1))
    store.fan_out()
    mine = claim(store, sql, ours)
    drain(store, mine, BROKEN, 5.0)
    store.complete_events(mine)
    sql(store, "UPDATE deliveries SET next_at = next_at + 90000")
    store.fan_out()
    assert claim(store, sql, ours) is None, "the last of the schedule is a day"
    sql(store, "UPDATE deliveries SET next_at = next_at + 90000000")
    store.fan_out()
    assert len(drain(store, claim(store, sql, ours))) == 1


# endpoints


def test_endpoints_are_kept_changed_and_dropped(any_store, order, sql):
    store = any_store
    ours = listen(store, "piece.mailed", "order.accepted", "piece.mailed")
    assert ours.id.startswith("whk_") and ours == store.endpoint(OURS, ours.id)
    assert (ours.types, ours.enabled, ours.generation) == (("order.accepted", "piece.mailed"), True, 1)
    changed = store.change_endpoint(OURS, ours.id, "user:anna", url="https://new.example/", types=[], rotate=True)
    assert (changed.url, changed.types, changed.generation) == ("https://new.example/", (), 2)
    left = dt.datetime.fromisoformat(changed.rotated_until) - dt.datetime.now(dt.UTC)
    assert dt.timedelta(hours=23.9) < left < dt.timedelta(hours=24.1)
    assert store.change_endpoint(OURS, ours.id, "user:anna") == changed, "nothing was asked for"
    store.add_order(order(1))
    store.fan_out()
    mine = claim(store, sql, ours)
    message = store.due_deliveries(mine, 50)[0]
    store.answered(mine, message.id, BROKEN, 5.0)
    store.drop_endpoint(OURS, ours.id, "user:anna")
    assert not store.answered(mine, message.id, OK, None) and not store.complete_events(mine)
    assert store.due_deliveries(mine, 50) == [] == store.endpoints(OURS)
    assert sql(store, "SELECT count(*) FROM deliveries") == sql(store, "SELECT count(*) FROM answers") == [(0,)]
    assert sql(store, "SELECT action FROM audit ORDER BY number") == [
        ("webhook.added",), ("webhook.changed",), ("webhook.dropped",),
    ]  # fmt: skip


def test_what_cannot_be_asked_of_endpoints(any_store):
    store = any_store
    ours = listen(store)
    attempts = [
        lambda scope, key: store.endpoint(scope, key),
        lambda scope, key: store.change_endpoint(scope, key, "user:anna", rotate=True),
        lambda scope, key: store.drop_endpoint(scope, key, "user:anna"),
        lambda scope, key: store.test_endpoint(scope, key, "user:anna"),
        lambda scope, key: store.deliveries(scope, key, 10),
        lambda scope, key: store.replay(scope, key, since="2026-01-01"),
    ]
    for attempt, (scope, key) in product(
        attempts, [(OURS, "whk_x"), (OTHERS, ours.id), (Scope("local", "test"), ours.id)]
    ):
        with pytest.raises(Refused) as caught:
            attempt(scope, key)
        assert [finding.code for finding in caught.value.findings] == ["webhook.unknown"]
    for refused in (
        lambda: listen(store, "x", "piece.y"),
        lambda: store.change_endpoint(OURS, ours.id, "", types="xy"),
    ):
        with pytest.raises(Refused) as caught:
            refused()
        assert [finding.code for finding in caught.value.findings] == ["webhook.types"] * 2
    for _ in range(MOST - 1):
        listen(store)
    with pytest.raises(Conflict, match="too many"):
        listen(store)
    listen(store, scope=OTHERS)


def test_old_messages_are_forgotten_once_they_are_done(store, sql, clock):
    ours, theirs = listen(store), listen(store, scope=OTHERS)
    for scope in (OURS, OTHERS):
        say(store, "order", "ord_1", None, "accepted", scope=scope)
    store.fan_out()
    drain(store, claim(store, sql, ours))
    clock.forward(89 * 86_400)
    say(store, "order", "ord_2", None, "accepted")
    store.fan_out()
    (young,) = drain(store, claim(store, sql, ours))
    assert store.forget_deliveries(OURS) == 0
    clock.forward(86_401)
    assert store.forget_deliveries(OURS) == 1 and store.forget_deliveries(OTHERS) == 0, "theirs still waits to be sent"
    assert [(each.id, len(each.answers)) for each in store.deliveries(OURS, ours.id, 10)[0]] == [(young.id, 1)]
    assert len(store.deliveries(OTHERS, theirs.id, 10)[0]) == 1


def test_a_test_goes_to_the_one_that_is_tested(any_store, sql):
    store = any_store
    picky, other = listen(store, "piece.mailed"), listen(store)
    store.test_endpoint(OURS, picky.id, "user:anna")
    assert store.fan_out() == 1
    assert sql(store, "SELECT endpoint_id, type, order_id FROM deliveries") == [(picky.id, "webhook.test", "")]
    assert claim(store, sql, other) is None
    (sent,) = drain(store, claim(store, sql, picky))
    assert json.loads(sent.body)["data"]["shown"] == "a test"
    store.change_endpoint(OURS, picky.id, "user:anna", enabled=False)
    with pytest.raises(Conflict, match="disabled"):
        store.test_endpoint(OURS, picky.id, "user:anna")


# what was sent, and again


def test_what_was_sent_is_listed_newest_first(any_store, order, batch, sql):
    store = any_store
    ours = listen(store)
    other = listen(store)
    batch(store, 3, "gathered")
    store.fan_out()
    drain(store, claim(store, sql, ours))
    found, before = [], None
    while True:
        page, before = store.deliveries(OURS, ours.id, 4, before)
        found += page
        if before is None:
            break
    assert len(found) == 9 and [each.id for each in found] == sorted((each.id for each in found), reverse=True)
    assert all(each.state == "delivered" and len(each.answers) == 1 and each.order for each in found)
    assert store.deliveries(OURS, ours.id, 10, state="pending") == ([], None)
    waiting, _ = store.deliveries(OURS, other.id, 10, state="pending")
    assert len(waiting) == 9 and all(each.next_at and each.answers == () for each in waiting)
    logged = {each.id: each.type for each in told(store, OURS, None)[0]}
    assert {each.event: each.type for each in found} == logged


def test_replay_sends_again_under_the_same_id(any_store, order, batch, sql):
    store = any_store
    ours = listen(store)
    batch(store, 2, "gathered")
    store.fan_out()
    mine = claim(store, sql, ours)
    first = drain(store, mine)
    store.complete_events(mine)
    assert store.replay(OURS, ours.id, delivery=first[0].id) == 1
    mine = claim(store, sql, ours)
    (again,) = drain(store, mine)
    assert (again.id, again.body, again.attempt) == (first[0].id, first[0].body, 1)
    store.complete_events(mine)
    assert store.replay(OURS, ours.id, since="2999-01-01T00:00:00+05:00") == 0
    assert claim(store, sql, ours) is None
    created = sql(store, "SELECT min(created_at) FROM deliveries")[0][0]
    assert store.replay(OURS, ours.id, since=created) == 6
    mine = claim(store, sql, ours)
    assert {each.id for each in drain(store, mine)} == {each.id for each in first}
    for named in ({}, {"since": "soon"}, {"delivery": first[0].id, "since": created}):
        with pytest.raises(Refused) as caught:
            store.replay(OURS, ours.id, **named)
        assert [finding.code for finding in caught.value.findings] == ["webhook.replay"]
    with pytest.raises(Refused) as caught:
        store.replay(OURS, ours.id, delivery="msg_x")
    assert [finding.code for finding in caught.value.findings] == ["webhook.delivery.unknown"]


def test_replay_wakes_an_endpoint_that_was_left_alone(any_store, order, sql):
    store = any_store
    ours = listen(store)
    store.add_order(order(1))
    store.fan_out()
    mine = claim(store, sql, ours)
    (message,) = store.due_deliveries(mine, 50)
    store.answered(mine, message.id, BROKEN, 7200.0)
    store.give_back(mine, "the endpoint does not answer", 600.0)
    assert claim(store, sql, ours) is None
    assert store.replay(OURS, ours.id, delivery=message.id) == 1
    assert [each.id for each in drain(store, claim(store, sql, ours))] == [message.id]
