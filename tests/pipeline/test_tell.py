"""Telling a real receiver over HTTP: neither lost nor before the commit, in order, signed, and at nobody's expense."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from crmserver import OURS, Counter, MovingClock, Receiver, Reply
from standardwebhooks import Webhook, WebhookVerificationError

from cardpipe.model import webhook
from cardpipe.model.errors import Unavailable
from cardpipe.model.outbox import Answer
from cardpipe.pipeline import tell
from cardpipe.storage.store import SqlStore
from tests.storage.fresh import lay


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Counter]:
    clock = MovingClock()
    store = SqlStore(f"sqlite:///{lay(tmp_path / 'cardpipe.db')}", clock)
    yield Counter(store, clock)
    store.close()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    yield made
    made.stop()


def test_a_stranger_can_verify_what_he_is_told(shop: Counter, receiver: Receiver) -> None:
    ours = shop.listen(receiver.url + "/hook")
    order = shop.order()
    assert shop.run() == 1
    ((path, headers, body),) = receiver.got
    said = Webhook(tell.shown_secret(shop, ours)).verify(body, headers)
    assert path == "/hook" and said["type"] == "order.accepted"
    assert said["data"]["order"] == order and said["data"]["reference"] == "ref-1"
    stranger = shop.listen(receiver.url + "/other")
    with pytest.raises(WebhookVerificationError):
        Webhook(tell.shown_secret(shop, stranger)).verify(body, headers)
    (sent,), _ = shop.store.deliveries(OURS, ours.id, 10)
    assert (sent.id, sent.state, sent.answers[0][1]) == (headers["webhook-id"], "delivered", 200)
    assert shop.run() == 0, "and never again"


def test_secrets_are_derived_and_not_alike() -> None:
    made = {
        webhook.derive(secret, tenant, mode, endpoint, generation)
        for secret in (b"a" * 32, b"b" * 32)
        for tenant in ("t", "u")
        for mode in ("live", "test")
        for endpoint in ("whk_1", "whk_2")
        for generation in (1, 2)
    }
    assert len(made) == 32 and {len(secret) for secret in made} == {32}


def test_nothing_before_the_commit(shop: Counter, receiver: Receiver) -> None:
    shop.listen(receiver.url)
    with pytest.raises(RuntimeError, match="power cut"), shop.store.db.writing() as tx:
        tx.run("UPDATE endpoints SET enabled = 1")
        from cardpipe.storage import events

        events.log(tx, OURS, "order", "ord_1", None, "accepted", "accepted")
        assert tx.one("SELECT count(*) AS n FROM events WHERE pending = 1")["n"] == 1
        raise RuntimeError("power cut")
    assert shop.run() == 0 and receiver.got == []


def test_a_crash_between_the_commit_and_the_post_loses_nothing(shop: Counter, receiver: Receiver) -> None:
    ours = shop.listen(receiver.url)
    shop.order()
    (step,) = shop.due()
    claim = shop.store.claim(step, 30)  # this worker dies before it sends anything
    assert claim is not None and len(shop.store.due_deliveries(claim, 10)) == 1
    tell.run(shop, step)
    assert receiver.got == [], "its lease still holds"
    shop.clock.forward(31)
    assert shop.run() == 1 and len(receiver.got) == 1
    # and one that dies after it sent, before it wrote down the answer
    shop.order(2)
    (step,) = shop.due()
    claim = shop.store.claim(step, 30)
    assert claim is not None
    (message,) = shop.store.due_deliveries(claim, 10)
    shop.post_webhook(ours.url, {"webhook-id": message.id}, message.body)
    shop.clock.forward(31)
    assert shop.run() == 1
    assert receiver.ids[1] == receiver.ids[2] != receiver.ids[0], "told again, under the same id"
    assert receiver.got[1][2] == receiver.got[2][2]
    assert not shop.store.answered(claim, message.id, Answer(200, "", 0.0), None), "the dead one's answer is void"


def test_a_database_that_is_away_for_a_moment(
    shop: Counter, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.listen(receiver.url)
    shop.order()
    (step,) = shop.due()
    with monkeypatch.context() as patch:

        def away(*arguments: object) -> bool:
            raise Unavailable("The database did not answer.")

        patch.setattr(shop.store, "answered", away)
        tell.run(shop, step)
    shop.clock.forward(60)
    assert shop.run() == 1
    assert len(receiver.got) == 2 and len(set(receiver.ids)) == 1


def test_a_broken_receiver_is_tried_again_by_the_schedule(shop: Counter, receiver: Receiver) -> None:
    ours = shop.listen(receiver.url)
    receiver.reply = lambda body: (500 if len(receiver.got) < 3 else 200, {}, 0.0)
    shop.order()
    assert shop.run() == 1 and shop.run() == 0
    assert len(receiver.got) == 1
    shop.clock.forward(4)
    assert shop.run() == 0, "not before five seconds, less a tenth"
    shop.clock.forward(2)
    assert shop.run() == 1 and len(receiver.got) == 2
    shop.clock.forward(331)
    assert shop.run() == 1 and len(receiver.got) == 3
    shop.clock.forward(100_000)
    assert shop.run() == 0
    assert len(set(receiver.ids)) == 1 and len({body for _, _, body in receiver.got}) == 1
    stamps = [int(headers["webhook-timestamp"]) for _, headers, _ in receiver.got]
    assert stamps[2] - stamps[0] >= 300, "signed anew each time"
    (sent,), _ = shop.store.deliveries(OURS, ours.id, 10)
    assert [status for _, status, _, _ in sent.answers] == [500, 500, 200]


def test_ten_tries_and_it_is_given_up(shop: Counter, receiver: Receiver) -> None:
    ours = shop.listen(receiver.url)
    receiver.reply = lambda body: (400, {}, 0.0)
    shop.order()
    for seconds in (*webhook.SCHEDULE, 100_000):
        shop.clock.forward(seconds * 1.11)
        shop.run()
    assert len(receiver.got) == len(webhook.SCHEDULE) == 10
    (sent,), _ = shop.store.deliveries(OURS, ours.id, 10)
    assert sent.state == "given_up" and len(sent.answers) == 10
    assert shop.store.endpoint(OURS, ours.id).enabled
    receiver.reply = lambda body: (204, {}, 0.0)
    assert shop.store.replay(OURS, ours.id, delivery=sent.id) == 1
    assert shop.run() == 1 and receiver.ids[-1] == receiver.ids[0]


def test_the_receiver_may_ask_for_more_time(shop: Counter, receiver: Receiver) -> None:
    shop.listen(receiver.url)
    receiver.reply = lambda body: (429, {"retry-after": "120"}, 0.0) if len(receiver.got) < 2 else (200, {}, 0.0)
    shop.order()
    shop.run()
    shop.clock.forward(119)
    assert shop.run() == 0
    shop.clock.forward(2)
    assert shop.run() == 1 and len(receiver.got) == 2


def test_delays_are_spread_and_bounded() -> None:
    assert [webhook.next_delay(10, "msg_1"), webhook.next_delay(99, "msg_1")] == [None, None]
    drawn = {round(webhook.next_delay(1, f"msg_{n}") or 0, 6) for n in range(50)}
    assert len(drawn) > 40 and 4.5 <= min(drawn) < 4.7 and 5.3 < max(drawn) <= 5.5
    assert webhook.next_delay(1, "msg_1") == webhook.next_delay(1, "msg_1")
    assert webhook.next_delay(1, "msg_1", 60.0) == 60.0 and webhook.next_delay(1, "msg_1", 9e9) == 86_400.0
    assert webhook.next_delay(10, "msg_1", 60.0) is None


def test_gone_ends_it_at_once(shop: Counter, receiver: Receiver) -> None:
    ours = shop.listen(receiver.url)
    receiver.reply = lambda body: (410, {}, 0.0)
    for number in range(3):
        shop.order(number)
    shop.run()
    assert len(receiver.got) == 1 and not shop.store.endpoint(OURS, ours.id).enabled
    shop.order(9)
    shop.clock.forward(100_000)
    assert shop.run() == 0 and len(receiver.got) == 1


def test_one_order_is_told_of_in_order_while_others_go_on(shop: Counter, receiver: Receiver) -> None:
    shop.listen(receiver.url)
    orders = [shop.order(number) for number in range(4)]
    shop.compose()
    stuck, refused = orders[1], []

    def reply(body: dict) -> Reply:
        if body["data"]["order"] == stuck and body["type"] == "order.accepted" and len(refused) < 2:
            refused.append(body)
            return 500, {}, 0.0
        return 200, {}, 0.0

    receiver.reply = reply
    shop.run()
    assert len(receiver.got) == 7 and len(refused) == 1, "all but the one that must wait for the first"
    shop.store.cancel_order(OURS, stuck, "a test")
    shop.run()
    assert len(receiver.got) == 7
    shop.clock.forward(6)
    shop.run()
    shop.clock.forward(331)
    shop.run()
    told = [json.loads(body) for _, _, body in receiver.got]
    of_stuck = [each["type"] for each in told if each["data"]["order"] == stuck]
    assert of_stuck == ["order.accepted"] * 3 + ["piece.composed", "piece.cancelled", "order.cancelled"]
    for each in set(orders) - {stuck}:
        assert [one["type"] for one in told if one["data"]["order"] == each] == ["order.accepted", "piece.composed"]


def test_a_slow_one_holds_up_nobody(shop: Counter, receiver: Receiver) -> None:
    slow, quick = shop.listen(receiver.url + "/slow"), shop.listen(receiver.url + "/quick")
    go_on = threading.Event()
    for number in range(5):
        shop.order(number)

    def before() -> None:
        if threading.current_thread().name == "slow":
            go_on.wait(20)

    shop.before_post = before
    shop.store.fan_out()
    with shop.store.db.reading() as tx:
        rows = tx.all("SELECT id, subject FROM steps WHERE kind = 'events'")
    step_of = {row["subject"]: row["id"] for row in rows}
    worker = threading.Thread(target=tell.run, args=(shop, step_of[slow.id]), name="slow")
    worker.start()
    while not shop.store.leases():
        time.sleep(0.005)
    tell.run(shop, step_of[slow.id])  # another worker: it is in good hands
    tell.run(shop, step_of[quick.id])
    assert [path for path, _, _ in receiver.got] == ["/quick"] * 5
    go_on.set()
    worker.join()
    assert [path for path, _, _ in receiver.got][5:] == ["/slow"] * 5


def test_a_claim_sends_fifty_and_leaves_the_rest_to_the_next(shop: Counter, receiver: Receiver) -> None:
    shop.listen(receiver.url, "order.accepted")
    for number in range(120):
        shop.order(number)
    shop.store.fan_out()
    (step,) = shop.due()
    tell.run(shop, step)
    assert len(receiver.got) == 50
    assert shop.run() == 2
    assert len(set(receiver.ids)) == len(receiver.got) == 120


def test_a_claim_ends_when_its_time_is_over(shop: Counter, receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tell, "SECONDS", 0.15)
    receiver.reply = lambda body: (200, {}, 0.1)
    shop.listen(receiver.url)
    for number in range(4):
        shop.order(number)
    (step,) = shop.due()
    tell.run(shop, step)
    assert len(receiver.got) in (1, 2), "a third would begin after 0.2 s; on a busy machine so would a second"
    assert shop.run() >= 1 and len(receiver.got) == 4


def test_an_endpoint_that_does_not_answer_is_left_alone(shop: Counter, receiver: Receiver) -> None:
    ours = shop.listen(receiver.url)
    for number in range(20):
        shop.order(number)
    receiver.reply = lambda body: (503, {}, 0.0)
    assert shop.run() == 1
    assert len(receiver.got) == tell.FAILURES
    shop.clock.forward(3)
    assert shop.run() == 0
    shop.clock.forward(3)
    assert shop.run() == 1 and len(receiver.got) == 2 * tell.FAILURES
    shop.clock.forward(3600)
    assert shop.run() == 1, "it has been failing for an hour"
    shop.clock.forward(300)
    assert shop.run() == 0, "so it rests for six minutes"
    receiver.reply = lambda body: (200, {}, 0.0)
    shop.clock.forward(100)
    shop.run()
    shop.clock.forward(40_000)
    shop.run()
    assert shop.store.endpoint(OURS, ours.id).pending == 0
    assert len(set(receiver.ids)) == 20 and shop.store.endpoint(OURS, ours.id).failing_since == ""


def test_a_refused_message_is_not_a_dead_receiver(shop: Counter, receiver: Receiver) -> None:
    shop.listen(receiver.url)
    for number in range(20):
        shop.order(number)
    receiver.reply = lambda body: (422, {}, 0.0)
    assert shop.run() == 1 and len(receiver.got) == 20


def test_our_own_failure_is_an_answer(shop: Counter, receiver: Receiver) -> None:
    ours = shop.listen(receiver.url)
    shop.order()

    def fail() -> None:
        raise ValueError("a bug that quotes Anna Smith")

    shop.before_post = fail
    shop.run()
    (sent,), _ = shop.store.deliveries(OURS, ours.id, 10)
    assert [(status, words) for _, status, words, _ in sent.answers] == [(None, "cardpipe failed with ValueError")]
    shop.before_post = lambda: None
    shop.clock.forward(6)
    assert shop.run() == 1 and len(receiver.got) == 1


def test_nobody_listens_there(shop: Counter) -> None:
    gone = Receiver()
    gone.stop()
    ours = shop.listen(gone.url)
    shop.order()
    shop.run()
    (sent,), _ = shop.store.deliveries(OURS, ours.id, 10)
    assert sent.state == "pending" and [status for _, status, _, _ in sent.answers] == [None]


def test_while_a_secret_is_replaced_both_sign(shop: Counter, receiver: Receiver) -> None:
    ours = shop.listen(receiver.url)
    old = tell.shown_secret(shop, ours)
    changed = shop.store.change_endpoint(OURS, ours.id, "key:test", rotate=True)
    new = tell.shown_secret(shop, changed)
    assert new != old and new.startswith("whsec_")
    shop.order(1)
    shop.run()
    _, headers, body = receiver.got[-1]
    assert headers["webhook-signature"].count("v1,") == 2
    for secret in (old, new):
        assert Webhook(secret).verify(body, headers)["type"] == "order.accepted"
    shop.clock.forward(24 * 3600 + 1)
    shop.order(2)
    shop.run()
    _, headers, body = receiver.got[-1]
    assert headers["webhook-signature"].count("v1,") == 1
    signed_at = int(headers["webhook-timestamp"])
    current = tell.secret_of(shop, changed, 2)
    assert (
        webhook.sign([current], headers["webhook-id"], signed_at, body)["webhook-signature"]
        == headers["webhook-signature"]
    )


def test_replay_sends_what_was_taken_once_more(shop: Counter, receiver: Receiver) -> None:
    ours = shop.listen(receiver.url)
    for number in range(3):
        shop.order(number)
    shop.run()
    first = receiver.ids[:]
    since = shop.store.deliveries(OURS, ours.id, 10)[0][-1].created_at
    assert shop.store.replay(OURS, ours.id, since=since) == 3
    assert shop.run() == 1
    assert sorted(receiver.ids[3:]) == sorted(first)
    assert [len(each.answers) for each in shop.store.deliveries(OURS, ours.id, 10)[0]] == [2, 2, 2]


def test_whoever_drops_an_endpoint_meanwhile_is_obeyed(shop: Counter, receiver: Receiver) -> None:
    ours = shop.listen(receiver.url)
    for number in range(3):
        shop.order(number)
    shop.before_post = lambda: shop.store.drop_endpoint(OURS, ours.id, "key:test") if not receiver.got else None
    shop.run()
    assert len(receiver.got) == 1 and shop.store.endpoints(OURS) == []
    assert shop.due() == []
