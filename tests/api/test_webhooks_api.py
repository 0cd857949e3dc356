"""Webhooks over HTTP: endpoints, their secrets, what was sent and answered, and what is sent again."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import pytest
from asking import card, codes, work
from standardwebhooks import Webhook
from standardwebhooks.webhooks import WebhookVerificationError

from cardpipe.storage.endpoints import MOST as MOST_ENDPOINTS
from cardpipe.wiring import Shop

Make = Callable[..., dict[str, Any]]


@dataclass
class Crm:
    """A CRM's own server: what it was told, and what it answers."""

    url: str = ""
    status: int = 204
    got: list[tuple[dict[str, str], bytes]] = field(default_factory=list)


@pytest.fixture
def crm(house: Shop, monkeypatch: pytest.MonkeyPatch) -> Iterator[Crm]:
    made = Crm()

    class Page(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            made.got.append(({name.lower(): value for name, value in self.headers.items()}, body))
            self.send_response(made.status)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Page)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    made.url = f"http://127.0.0.1:{server.server_port}/hook?token=s3cret"
    allowed = house.settings.model_copy(update={"outbound_allow": f"127.0.0.1:{server.server_port}"})
    monkeypatch.setattr(house, "settings", allowed)
    yield made
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def mine(caller: Any, key: Any, request: pytest.FixtureRequest) -> httpx.Client:
    """A tenant for each test: endpoints of one hear nothing of another."""
    client: httpx.Client = caller(key(f"hooks-{abs(hash(request.node.name)) % 10**8}"))
    return client


def tell(house: Shop) -> None:
    """What the dispatcher and the workers do."""
    house.store.fan_out()
    work(house, "events")


def add(client: httpx.Client, crm: Crm, **said: Any) -> dict[str, Any]:
    answer = client.post("/v1/webhooks", json={"url": crm.url, **said})
    assert answer.status_code == 201, answer.text
    assert answer.headers["location"] == f"/v1/webhooks/{answer.json()['id']}"
    return dict(answer.json())


def test_events_are_sent_signed(mine: httpx.Client, house: Shop, crm: Crm, order: Make) -> None:
    made = add(mine, crm)
    assert made["secret"].startswith("whsec_") and made["enabled"] and made["types"] == []
    told = mine.post("/v1/orders", json=card(order, "hooked")).json()
    tell(house)
    assert len(crm.got) == 1
    headers, body = crm.got[0]
    said = Webhook(made["secret"]).verify(body.decode(), headers)
    assert said["type"] == "order.accepted" and said["data"]["order"] == told["id"]
    with pytest.raises(WebhookVerificationError):
        Webhook(made["secret"]).verify(body.decode().replace("accepted", "rejected"), headers)
    sent = mine.get(f"/v1/webhooks/{made['id']}/deliveries").json()["deliveries"]
    assert [(each["id"], each["state"], each["order"]) for each in sent] == [
        (headers["webhook-id"], "delivered", told["id"])
    ]
    assert [(answer["status"], answer["words"]) for answer in sent[0]["answers"]] == [(204, "")]
    end = time.monotonic() + 60  # on a server, once every transaction before it is over
    while not (events := mine.get("/v1/events").json()["events"]) and time.monotonic() < end:
        time.sleep(0.1)
    pulled = events[0]
    assert {"type": pulled["type"], "timestamp": pulled["timestamp"], "data": pulled["data"]} == said, (
        "asked or told, it is the same"
    )


def test_secrets_are_shown_once_and_replaced(mine: httpx.Client, house: Shop, crm: Crm) -> None:
    made = add(mine, crm, types=["webhook.test"])
    where = f"/v1/webhooks/{made['id']}"
    for answer in (mine.get(where), mine.get("/v1/webhooks"), mine.patch(where, json={"types": []})):
        assert answer.status_code == 200 and "whsec_" not in answer.text and 'secret"' not in answer.text
    rotated = mine.post(f"{where}/rotate").json()
    assert rotated["secret"] != made["secret"] and rotated["rotated_until"]
    assert mine.post(f"{where}/test").status_code == 202
    tell(house)
    headers, body = crm.got[-1]
    for secret in (made["secret"], rotated["secret"]):
        assert Webhook(secret).verify(body.decode(), headers)["type"] == "webhook.test"


def test_only_what_is_listened_to(mine: httpx.Client, house: Shop, crm: Crm, order: Make) -> None:
    add(mine, crm, types=["order.cancelled"])
    mine.post("/v1/orders", json=card(order, "picky"))
    mine.post("/v1/orders/picky/cancel", json={"reason": "no"})
    tell(house)
    assert [json.loads(body)["type"] for _, body in crm.got] == ["order.cancelled"]


def test_answers_are_listed_and_messages_sent_again(mine: httpx.Client, house: Shop, crm: Crm, order: Make) -> None:
    made = add(mine, crm)
    where = f"/v1/webhooks/{made['id']}"
    crm.status = 500
    mine.post("/v1/orders", json=card(order, "again-and-again"))
    tell(house)
    waiting = mine.get(f"{where}/deliveries", params={"state": "pending"}).json()["deliveries"]
    assert [answer["status"] for answer in waiting[0]["answers"]] == [500] and waiting[0]["next_at"]
    assert mine.get(where).json()["pending"] == 1 and mine.get(where).json()["failing_since"]
    crm.status = 204
    again = mine.post(f"{where}/replay", json={"delivery": waiting[0]["id"]})
    assert again.status_code == 202 and again.json() == {"messages": 1}, again.text
    tell(house)
    sent = mine.get(f"{where}/deliveries").json()["deliveries"]
    assert [each["state"] for each in sent] == ["delivered"] and len(
        {headers["webhook-id"] for headers, _ in crm.got}
    ) == 1
    assert mine.post(f"{where}/replay", json={"since": "2020-01-01T00:00:00Z"}).json() == {"messages": 1}
    unknown = mine.post(f"{where}/replay", json={"delivery": "msg_none"})
    assert unknown.status_code == 404 and codes(unknown) == {"webhook.delivery.unknown"}
    for wrong in ({}, {"since": "yesterday"}, {"delivery": "a", "since": "2020-01-01T00:00:00Z"}):
        assert mine.post(f"{where}/replay", json=wrong).status_code == 422, wrong


def test_deliveries_page_by_page(mine: httpx.Client, house: Shop, crm: Crm) -> None:
    made = add(mine, crm)
    for _ in range(5):
        mine.post(f"/v1/webhooks/{made['id']}/test")
    tell(house)
    seen, cursor = [], None
    while True:
        params: dict[str, Any] = {"limit": 2, **({"cursor": cursor} if cursor else {})}
        told = mine.get(f"/v1/webhooks/{made['id']}/deliveries", params=params).json()
        seen += [each["id"] for each in told["deliveries"]]
        if (cursor := told["next"]) is None:
            break
    assert len(seen) == len(set(seen)) == 5 and seen == sorted(seen, reverse=True)


def test_switched_off_and_removed(mine: httpx.Client, house: Shop, crm: Crm) -> None:
    made = add(mine, crm)
    where = f"/v1/webhooks/{made['id']}"
    off = mine.patch(where, json={"enabled": False}).json()
    assert (off["enabled"], off["disabled_reason"]) == (False, "switched off")
    asleep = mine.post(f"{where}/test")
    assert asleep.status_code == 409 and codes(asleep) == {"webhook.disabled"}
    assert mine.patch(where, json={"enabled": True}).json()["disabled_reason"] is None
    assert mine.delete(where).status_code == 204
    for answer in (mine.get(where), mine.delete(where), mine.get(f"{where}/deliveries"), mine.post(f"{where}/rotate")):
        assert answer.status_code == 404 and codes(answer) == {"webhook.unknown"}
    assert mine.get("/v1/webhooks").json() == {"webhooks": [], "next": None}


@pytest.mark.parametrize(
    "body",
    [{}, {"url": "http://example.com/x"}, {"url": "https://10.0.0.1/"}, {"url": "https://u:p@example.com/"}, {"url": "https://localhost/"},
     {"url": "ftp://example.com"}, {"url": "https://example.com:8443/"}, {"url": "https://example.com", "types": ["order.gone"]},
     {"url": "https://example.com", "types": "order.held"}, {"url": "https://example.com", "secret": "mine"}, {"url": 3}],
)  # fmt: skip
def test_what_is_no_endpoint(mine: httpx.Client, crm: Crm, body: dict[str, Any]) -> None:
    answer = mine.post("/v1/webhooks", json=body)
    assert answer.status_code == 422 and answer.json()["findings"], answer.text
    made = add(mine, crm)
    changed = mine.patch(f"/v1/webhooks/{made['id']}", json=body or {"x": 1})
    assert changed.status_code == 422, changed.text
    assert mine.get(f"/v1/webhooks/{made['id']}").json()["url"] == crm.url


def test_at_most_ten(mine: httpx.Client) -> None:
    for number in range(MOST_ENDPOINTS):
        assert mine.post("/v1/webhooks", json={"url": f"https://example.com/{number}"}).status_code == 201
    full = mine.post("/v1/webhooks", json={"url": "https://example.com/more"})
    assert full.status_code == 409 and codes(full) == {"webhook.too_many"}
    assert len(mine.get("/v1/webhooks").json()["webhooks"]) == MOST_ENDPOINTS == 10
