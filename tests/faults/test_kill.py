"""Kill anybody at any moment: every accepted order ends on exactly one card, and the finished files prove it."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest

from cardpipe.model.errors import Conflict
from cardpipe.worker.lock import holder
from cardpipe.worker.supervise import Supervisor
from tests.faults.harm import SCOPE, House, prove, runs, until


def _flow(house: House, ways: list[str], number: int, seconds: float, seed: int) -> dict[str, int]:
    """Orders come in two waves while everybody is harmed; the day is closed while the harm goes on."""
    rng = random.Random(seed)
    half = number // 2
    house.take(*range(1, half + 1))
    house.start()
    counted = house.harm([getattr(house, way) for way in ways], seconds * 0.4, rng, lambda: False)
    house.take(*range(half + 1, number + 1))
    counted += house.harm(
        [getattr(house, way) for way in ways], seconds * 0.4, rng,
        lambda: house.states()["composed"] == number, each=False, least=2,
    )  # fmt: skip
    house.gather()  # of whatever is composed by now; the rest misses this cut-off and takes the next
    counted += house.harm(
        [getattr(house, way) for way in ways], seconds * 0.2, rng,
        lambda: house.states()["batched"] == number, each=False, least=2,
    )  # fmt: skip
    assert until(lambda: house.states()["composed"] + house.states()["batched"] == number, 60), house.states()
    house.gather()
    assert until(house.imposed, 60), [
        (batch.name, batch.state, batch.held) for batch in house.shop.store.batches(SCOPE)
    ]
    return dict(counted)


WAYS = ["kill_worker", "kill_pool_child", "kill_pool", "kill_dispatcher", "kill_supervisor", "empty_queue",
        "deliver_everything_twice"]  # fmt: skip


def test_kills_on_the_filesystem_transport(make_house) -> None:
    house = make_house()
    counted = _flow(house, WAYS, 24, 25, seed=11)
    assert sum(counted.values()) >= 10 and set(counted) == set(WAYS), counted
    assert prove(house) == 3 * 24


@pytest.mark.long
@pytest.mark.parametrize("seed", range(4))
def test_kills_for_longer(make_house, seed) -> None:
    house = make_house()
    counted = _flow(house, WAYS, 150, 120, seed)
    assert sum(counted.values()) >= 30, counted
    assert prove(house) == 3 * 150


def test_a_stopped_house_leaves_nobody_and_the_next_one_goes_on(make_house) -> None:
    house = make_house()
    house.take(*range(1, 9))
    house.start()
    assert until(lambda: house.states()["composed"] >= 2, 60)
    with pytest.raises(Conflict, match=str(house.process.pid)):
        Supervisor(house.settings).start()
    assert holder(house.settings.data) == house.process.pid
    house.stop()  # asserts that nobody is left
    assert holder(house.settings.data) is None
    assert house.shop.store.leases() == 0  # a warm stop: what was in hand was finished
    house.start()
    assert until(lambda: house.states()["composed"] == 8, 60)
    house.gather()
    assert until(house.imposed, 60)
    assert prove(house) == 24


def _writable(house: House) -> bool:
    with closing(sqlite3.connect(house.settings.data / "cardpipe.db", timeout=0.2)) as connection:
        try:
            connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            return False
        return True


def test_a_frozen_worker_wakes_up_too_late(make_house) -> None:
    """It stands still for longer than its lease; somebody else does the work; its result is thrown away."""
    house = make_house(lease_seconds=1.0)
    house.take(*range(1, 5))
    house.start()
    assert until(lambda: house.states()["composing"] > 0, 60)
    frozen = house.workers()[1:]
    while True:
        for pid in frozen:
            os.kill(pid, signal.SIGSTOP)
        if _writable(house) and house.shop.store.leases():
            break
        for pid in frozen:  # it holds SQLite's one write lock: until it wakes up, nobody could do anything at all
            os.kill(pid, signal.SIGCONT)
        time.sleep(0.02)
    try:
        with house.shop.store.db.reading() as tx:
            held = [row["id"] for row in tx.all("SELECT id FROM steps WHERE token IS NOT NULL AND state = 'open'")]
        from cardpipe.pipeline import compose

        assert until(lambda: house.shop.store.leases() == 0, 60)
        for step_id in held:
            compose.run(house.shop, step_id)
    finally:
        for pid in frozen:
            os.kill(pid, signal.SIGCONT)
    assert until(lambda: house.states()["composed"] == 4, 60), house.states()
    house.gather()
    assert until(house.imposed, 60)
    assert prove(house) == 12


def test_a_killed_pool_child_costs_seconds_and_not_a_lease(make_house) -> None:
    house = make_house(lease_seconds=300, hint_seconds=300)
    house.take(*range(1, 9))
    house.start()
    seen: set[int] = set()
    for _ in range(3):
        assert until(lambda: len(house.workers()) == 3 and house.workers()[0] not in seen, 60)
        seen.update(house.workers())
        house.kill_pool_child()
    assert until(lambda: house.states()["composed"] == 8, 60), house.states()


def test_a_worker_that_lives_and_hears_nothing_is_started_anew(make_house) -> None:
    house = make_house()
    house.start()
    assert until(lambda: len(house.workers()) == 3, 60)
    time.sleep(2)
    deaf = house.workers()
    for pid in deaf:
        os.kill(pid, signal.SIGSTOP)
    house.take(1, 2)
    assert until(lambda: house.states()["composed"] == 2, 90), house.states()
    assert not any(map(runs, deaf))


def test_a_worker_that_takes_long_to_start_is_left_to_it(make_house) -> None:
    """On a busy machine. It does not hear for longer than a deaf one may; started anew each time, it never would."""
    house = make_house()
    house.environment |= {"PYTHONPATH": str(Path(__file__).parent / "tampering"), "DRILL_PLANT": "slow start"}
    house.take(1, 2)
    house.start()
    assert until(lambda: house.states()["composed"] == 2, 60), house.states()
