"""GET /v1/events: what happened, oldest first, ids and codes alone."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from asking import card, composed, person

from cardpipe.wiring import Shop

Make = Callable[..., dict[str, Any]]


def told(
    client: httpx.Client, after: str | None = None, least: int = 0, **params: Any
) -> tuple[list[dict[str, Any]], str | None]:
    """A page, once it has ``least`` events: on a server an event is told when all transactions before it are over, those
    of its other databases as well."""
    end = time.monotonic() + 60
    while True:
        answer = client.get("/v1/events", params={**params, **({"after": after} if after else {})})
        assert answer.status_code == 200, answer.text
        if len(answer.json()["events"]) >= least or time.monotonic() > end:
            return answer.json()["events"], answer.json()["next"]
        time.sleep(0.1)


def test_an_orders_life_is_told(caller: Any, key: Any, house: Shop, order: Make) -> None:
    client = caller(key("teller"))
    assert told(client) == ([], None)
    shown = composed(house, client, card(order, "life"))
    client.post("/v1/orders/life/hold", json={"reason": f"{person('life')['name']} moved"})
    client.post("/v1/orders/life/resume", json={"reason": "found her"})
    client.post("/v1/orders/life/cancel", json={"reason": "she said no"})
    events, last = told(client, least=6)
    types = [event["type"] for event in events]
    assert types == [
        "order.accepted",
        "piece.composed",
        "order.held",
        "order.resumed",
        "piece.cancelled",
        "order.cancelled",
    ]
    assert {event["data"]["order"] for event in events} == {shown["id"]}
    assert {event["data"]["reference"] for event in events} == {"life"}
    assert events[1]["data"]["piece"] == shown["pieces"][0]["id"] and events[1]["data"]["state"] == "composed"
    assert all(event["id"] == event["data"]["event"] and event["timestamp"] for event in events)
    for word in ("moved", "found", "she said", *person("life")["name"].split()):
        assert word not in str(events), "a person's words are never told"
    assert told(client, last) == ([], last)
    held, _ = told(client, least=2, type=["order.held", "order.cancelled"])
    assert [event["type"] for event in held] == ["order.held", "order.cancelled"]


def test_page_by_page(caller: Any, key: Any, order: Make) -> None:
    client = caller(key("pager"))
    for number in range(5):
        client.post("/v1/orders", json=card(order, f"paged-{number}"))
    seen, after = [], None
    assert len(told(client, least=5)[0]) == 5
    while True:
        events, following = told(client, after, limit=2)
        seen += [event["data"]["reference"] for event in events]
        if not events:
            break
        after = following
    assert seen == [f"paged-{number}" for number in range(5)]


def test_each_tenant_and_mode_hears_its_own(caller: Any, key: Any, order: Make) -> None:
    live, test = caller(key("quiet")), caller(key("quiet", "test"))
    test.post("/v1/orders", json=card(order, "hush"))
    assert told(live) == ([], None)
    events, _ = told(test, least=1)
    assert [event["type"] for event in events] == ["order.accepted"]


@pytest.mark.parametrize(
    "params", [{"after": "x"}, {"after": "evt_1"}, {"type": "order.gone"}, {"limit": 0}, {"limit": 1000}]
)
def test_what_cannot_be_asked(client: httpx.Client, params: dict[str, Any]) -> None:
    answer = client.get("/v1/events", params=params)
    assert answer.status_code == 422 and answer.json()["findings"]
