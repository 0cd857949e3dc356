"""The dispatcher: hints what is due, rests when nobody answers, and never loses a step to a hint."""

from __future__ import annotations

import threading
import time

from cardpipe.model.errors import Unavailable
from cardpipe.model.piece import Composed
from cardpipe.worker.dispatch import BUSY_SECONDS, IDLE_SECONDS, LONGEST_SECONDS, Dispatcher


def test_hints_what_is_due_once(shop, add):
    add(shop.store, 5)
    sent = []
    dispatcher = Dispatcher(shop.store, lambda *hint: sent.append(hint), 3, 20)
    assert dispatcher.turn() == BUSY_SECONDS
    assert dispatcher.turn() == IDLE_SECONDS <= 0.1
    assert [(kind, seconds) for kind, _, seconds in sent] == [("compose", 20)] * 3
    for _, step_id, _ in list(sent):
        shop.store.complete_compose(shop.store.claim(step_id, 60), Composed("a" * 64, "b" * 64, 1, 1))
    dispatcher.turn()
    assert len({step_id for _, step_id, _ in sent}) == 5


def test_a_broker_that_is_away_costs_time_and_no_step(shop, add):
    add(shop.store, 2)

    def away(*hint):
        raise ConnectionError("no broker")

    dispatcher = Dispatcher(shop.store, away, 9, 20)
    sleeps = []
    for _ in range(8):
        sleeps.append(dispatcher.turn())
        shop.clock.forward(21)
    assert sleeps == sorted(sleeps)
    assert sleeps[0] <= 0.5
    assert sleeps[-1] == LONGEST_SECONDS
    sent = []
    dispatcher.publish = lambda *hint: sent.append(hint)
    assert dispatcher.turn() == BUSY_SECONDS
    assert len(sent) == 2


def test_a_database_that_is_away(shop, monkeypatch):
    def away(*args):
        raise Unavailable("no database")

    monkeypatch.setattr(shop.store, "due_steps", away)
    dispatcher = Dispatcher(shop.store, lambda *hint: None, 9, 20)
    assert dispatcher.turn() < dispatcher.turn() <= LONGEST_SECONDS


def test_new_work_is_hinted_within_a_tenth_of_a_second(shop, add):
    stop, sent = threading.Event(), []
    dispatcher = Dispatcher(shop.store, lambda *hint: sent.append(time.monotonic()), 9, 20)
    thread = threading.Thread(target=dispatcher.run, args=(stop,))
    thread.start()
    try:
        time.sleep(0.2)
        before = time.monotonic()
        add(shop.store, 1)
        while not sent and time.monotonic() - before < 5:
            time.sleep(0.005)
        assert sent[0] - before < 1.0  # 0.1 s on a machine with nothing else to do
    finally:
        stop.set()
        thread.join(5)
    assert not thread.is_alive()
