"""The queue is a hint: on a real Redis-protocol server that is killed, flushed, frozen and fed rubbish, nothing is lost."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.harm import SCOPE, House, prove, until
from tests.faults.servers import Broker


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    made = Broker(tmp_path)
    yield made
    made.stop()


def _finish(house: House, number: int) -> None:
    assert until(lambda: house.states()["composed"] == number, 60), house.states()
    house.gather()
    assert until(house.imposed, 40), [(b.name, b.held) for b in house.shop.store.batches(SCOPE)]


def test_a_quiet_day_on_redis(make_house, broker: Broker) -> None:
    house = make_house(broker_url=broker.url)
    house.take(*range(1, 9))
    house.start()
    _finish(house, 8)
    assert prove(house) == 24


def test_a_bad_day_on_redis(make_house, broker: Broker) -> None:
    house = make_house(broker_url=broker.url)
    house.take(*range(1, 17))
    house.start()
    ways = [broker.kill_broker, broker.flush, broker.freeze_broker, broker.rubbish, house.kill_worker, house.kill_pool_child,
            house.kill_dispatcher, house.deliver_everything_twice]  # fmt: skip
    counted = house.harm(ways, 22, random.Random(5), lambda: house.states()["composed"] == 16)
    assert sum(counted.values()) >= 8, counted
    _finish(house, 16)
    assert prove(house) == 48


def test_without_a_broker_nothing_moves_and_nothing_is_lost(make_house, broker: Broker) -> None:
    broker.stop()
    house = make_house(broker_url=broker.url)
    house.start()
    house.take(*range(1, 4))  # accepting needs no broker
    time.sleep(3)
    assert house.states() == {"waiting": 3}
    broker.start()
    _finish(house, 3)
    assert prove(house) == 9
