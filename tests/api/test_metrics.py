"""The shop in numbers, for Prometheus: who may read them, and that they are what the shop is."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families
from starlette.requests import Request

from cardpipe.api import metrics
from cardpipe.settings import Settings
from cardpipe.wiring import Shop
from tests.api.served import listening, new_key, own_addresses


def read(text: str) -> dict[tuple[str, ...], float]:
    """Every sample: (name, label values …) → value."""
    return {
        (sample.name.removeprefix("cardpipe_"), *(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_the_ages_come_first_and_all_of_it_is_there(client: httpx.Client) -> None:
    answer = client.get("/metrics")
    assert answer.status_code == 200 and answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    names = re.findall(r"^# HELP cardpipe_(\w+) \S", answer.text, re.MULTILINE)
    assert names[0] == "oldest_seconds"
    assert set(names) >= {
        "pieces", "held", "steps", "needs_attention", "deliveries_pending", "oldest_delivery_seconds", "batches",
        "duties_stopped", "paused", "import_rows", "http_requests_total", "free_bytes", "dispatchers", "overdue_pieces",
    }  # fmt: skip
    found = read(answer.text)
    for state in ("waiting", "composing", "composed", "batched", "needs_attention"):
        assert ("oldest_seconds", state) in found and ("pieces", state) in found, "also where there is nothing"
    assert found["free_bytes",] > 0


def test_it_tells_of_what_was_ordered(tmp_path: Path, order: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metrics, "KEPT_SECONDS", 0.0)
    house = Shop(Settings(data=tmp_path))
    mine = {"authorization": f"Bearer {new_key(house)}"}
    with (
        listening(house, "127.0.0.1") as port,
        httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=60) as client,
    ):
        assert read(client.get("/metrics").text)["pieces", "waiting"] == 0
        for reference in ("first", "second"):
            answer = client.post("/v1/orders", json=order(reference, occasion_date="2026-12-24"), headers=mine)
            assert answer.status_code == 202, answer.text
        client.get("/v1/orders/nobody", headers=mine)
        time.sleep(0.3)
        found = read(client.get("/metrics").text)
        assert found["pieces", "waiting"] == 2 and 0.3 <= found["oldest_seconds", "waiting"] < 30
        assert sum(value for name, value in found.items() if name[0] == "steps" and name[1] == "compose") == 1
        assert found["held", "order"] == 1, "the second looks like the first one"
        assert found["http_requests_total", "/v1/orders", "202"] == 2
        assert found["http_requests_total", "/v1/orders/{key:path}", "404"] == 1
        house.store.pause("restored from a backup", "test")
        assert read(client.get("/metrics").text)["paused",] == 1
        text = client.get("/metrics").text
        for word in ("local", "first", "Anna", "restored"):
            assert word not in text, "numbers, and nobody's name"
    house.close()


def test_asked_often_it_counts_once_in_a_while(tmp_path: Path) -> None:
    house = Shop(Settings(data=tmp_path))
    counted = []
    real = house.store.measures
    house.store.measures = lambda: counted.append(1) or real()  # type: ignore[method-assign,func-returns-value]
    with listening(house, "127.0.0.1") as port, httpx.Client(trust_env=False) as client:
        for _ in range(20):
            assert client.get(f"http://127.0.0.1:{port}/metrics").status_code == 200
    assert 1 <= len(counted) <= 2
    house.close()


def test_a_program_of_this_machine_needs_no_key(caller: Any) -> None:
    assert caller().get("/metrics").status_code == 200
    assert caller().get("/metrics", headers={"host": "localhost:8000"}).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [{"host": "evil.example"}, {"host": "127.0.0.1.evil.example"}, {"host": "127.0.0.1@evil.example"},
     {"host": "[::1]evil"}, {"host": "127.0.0.1:80:80"}, {"x-forwarded-for": "10.1.2.3"}, {"forwarded": "for=10.1.2.3"},
     {"x-real-ip": "10.1.2.3"}, {"via": "1.1 proxy"}, {"x-forwarded-host": "cards.example"}],
)  # fmt: skip
def test_whoever_asks_for_others_needs_one(caller: Any, headers: dict[str, str]) -> None:
    answer = caller().get("/metrics", headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (401, "key.missing")


def test_keys_need_the_scope(caller: Any, key: Any) -> None:
    from_elsewhere = {"x-forwarded-for": "10.1.2.3"}
    good, bad = caller(key("local", "live", "metrics:read")), caller(key("local", "live", "orders:read"))
    assert good.get("/metrics", headers=from_elsewhere).status_code == 200
    assert "ratelimit" in good.get("/metrics").headers
    for headers in (from_elsewhere, {}):
        assert bad.get("/metrics", headers=headers).json()["code"] == "key.scope", "a key that is shown is looked at"
    assert caller("cp_live_x").get("/metrics").status_code == 401


def test_another_machine_needs_one(house: Shop, key: Any) -> None:
    outside = own_addresses()
    if not outside:
        pytest.skip("this machine has no address but loopback")
    with listening(house, "0.0.0.0") as port, httpx.Client(trust_env=False) as client:
        url = f"http://{outside[0]}:{port}/metrics"
        assert client.get(url, headers={"host": "127.0.0.1"}).status_code == 401
        bearer = {"authorization": f"Bearer {key('local', 'live', 'metrics:read')}"}
        assert client.get(url, headers=bearer).status_code == 200


@pytest.mark.parametrize(
    "peer", [None, ("10.1.2.3", 5), ("192.168.1.5", 5), ("fe80::1", 5), ("", 5), ("2130706433", 5)]
)
def test_only_loopback_is_this_machine(peer: tuple[str, int] | None) -> None:
    def asked(client: tuple[str, int] | None) -> Request:
        return Request({"type": "http", "client": client, "headers": [(b"host", b"localhost:8000")]})

    assert not metrics.of_this_machine(asked(peer))
    assert all(metrics.of_this_machine(asked((near, 5))) for near in ("127.0.0.1", "127.9.9.9", "::1"))
