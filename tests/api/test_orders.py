"""Orders over HTTP: kept once, refused with everything that is wrong, asked for, withdrawn."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cardpipe.model.errors import Refused
from cardpipe.model.order import PICTURE_DIGEST
from cardpipe.wiring import Shop

Make = Callable[..., dict[str, Any]]


def codes(answer: httpx.Response) -> set[str]:
    return {finding["code"] for finding in answer.json()["findings"]}


def stored(house: Shop, reference: str) -> bool:
    try:
        house.store.order(house.scope, reference)
    except Refused:
        return False
    return True


def test_accepted_then_asked_for(client: httpx.Client, order: Make) -> None:
    answer = client.post("/v1/orders", json=order("keep 1/2", mail_on="2026-12-01"))
    assert answer.status_code == 202, answer.text
    told = answer.json()
    assert (told["state"], told["reference"], told["mail_on"]) == ("accepted", "keep 1/2", "2026-12-01")
    assert told["pieces"][0]["state"] == "waiting"
    assert [event["to"] for event in told["events"]] == ["accepted", "waiting"]
    assert answer.headers["location"] == f"/v1/orders/{told['id']}"
    for path in (answer.headers["location"], "/v1/orders/" + quote("keep 1/2", safe=""), "/v1/orders/keep 1/2"):
        assert client.get(path).json() == told


def test_what_is_shown_holds_no_personal_data(client: httpx.Client, order: Make) -> None:
    answer = client.post("/v1/orders", json=order("thin", message="A secret between us."))
    assert answer.status_code == 202
    for word in ("Anna", "Berg", "Alder", "97201", "Lind", "secret"):
        assert word not in answer.text


def test_the_same_order_again(client: httpx.Client, order: Make) -> None:
    first = client.post("/v1/orders", json=order("again"))
    second = client.post("/v1/orders", json=order("again"))
    assert (first.status_code, second.status_code) == (202, 200)
    assert "idempotent-replayed" not in first.headers
    assert second.headers["idempotent-replayed"] == "true"
    assert second.json()["id"] == first.json()["id"]
    assert second.headers["location"] == first.headers["location"]


def test_another_content_under_the_same_reference(client: httpx.Client, order: Make) -> None:
    assert client.post("/v1/orders", json=order("taken")).status_code == 202
    answer = client.post("/v1/orders", json=order("taken", message="Something else."))
    assert answer.status_code == 409
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["error"] == "conflict"
    assert "order.reference_reused" in codes(answer)
    assert "message" in answer.text and "Something else" not in answer.text


def test_the_same_order_from_many_at_once_is_one(client: httpx.Client, order: Make) -> None:
    def post(_: int) -> httpx.Response:
        return client.post("/v1/orders", json=order("race"))

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(post, range(16)))
    assert sorted({answer.status_code for answer in answers}) == [200, 202]
    assert sum(answer.status_code == 202 for answer in answers) == 1
    assert len({answer.json()["id"] for answer in answers}) == 1


def test_judged_side_by_side_as_one_after_the_other(client: httpx.Client, house: Shop, order: Make) -> None:
    """Fonts, designs and the darkroom are shared by threads: what an order becomes must not depend on its neighbours."""
    hands = house.catalog.hands()
    asked = [
        {"hand": hand, "message": f"Dear {{first_name}}, {n} thanks. Waffle & fjord!"} for n, hand in enumerate(hands)
    ]
    assert len(asked) > 3
    for n, changes in enumerate(asked):
        assert client.post("/v1/orders", json=order(f"alone-{n}", **changes)).status_code == 202
    with ThreadPoolExecutor(8) as pool:
        together = pool.map(
            lambda item: client.post("/v1/orders", json=order(f"crowd-{item[0]}", **item[1])), enumerate(asked)
        )
        assert {answer.status_code for answer in together} == {202}
    for n in range(len(asked)):
        alone, crowd = (
            {**house.store.order(house.scope, f"{how}-{n}").pieces[0].spec, "reference": ""}
            for how in ("alone", "crowd")
        )
        assert alone == crowd


def test_refused_with_every_finding_and_nothing_stored(client: httpx.Client, house: Shop, order: Make) -> None:
    bad = order("bad", hand="nobodys", ink="invisible", photo="sha256:" + 64 * "0", message="Dear {nickname},")
    bad["recipient"] = {**bad["recipient"], "postcode": "", "city": ""}
    answer = client.post("/v1/orders", json=bad)
    assert answer.status_code == 422
    told = answer.json()
    assert (told["status"], told["error"]) == (422, "refused")
    assert len(told["findings"]) >= 5
    assert {"picture.unknown", "order.ink"} <= codes(answer)
    for finding in told["findings"]:
        assert finding["code"] and finding["where"] and finding["message"] and "remedy" in finding
    assert not stored(house, "bad")


def test_unknown_fields_are_refused(client: httpx.Client, house: Shop, order: Make) -> None:
    answer = client.post("/v1/orders", json=order("typo", massage="Hello"))
    assert answer.status_code == 422 and "massage" in {finding["where"] for finding in answer.json()["findings"]}
    assert not stored(house, "typo")


@pytest.mark.parametrize("field", ["photo", "signature", "photos"])
@pytest.mark.parametrize(
    "name", ["/etc/passwd", "photos/anna.jpg", "../../x", "file:///etc/passwd", "http://127.0.0.1:1/x", "sha256:" + 64 * "0" + "\n"]
)  # fmt: skip
def test_paths_are_no_pictures(client: httpx.Client, house: Shop, order: Make, field: str, name: str) -> None:
    changes = {"photos": {"home": name}} if field == "photos" else {field: name}
    answer = client.post("/v1/orders", json=order("path", design="home-row", **changes))
    assert answer.status_code == 422
    assert codes(answer) & {"picture.not_uploaded", "picture.unknown"}
    assert name.strip() not in answer.text and "root:" not in answer.text
    assert not stored(house, "path")


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=st.text(min_size=1, max_size=120).filter(lambda name: not PICTURE_DIGEST.match(name)))
def test_whatever_names_a_picture_is_not_opened(client: httpx.Client, order: Make, name: str) -> None:
    answer = client.post("/v1/orders", json=order("any-path", design="home-row", photos={"home": name}))
    assert answer.status_code == 422 and codes(answer) & {"picture.not_uploaded", "picture.unknown"}, answer.text


def test_an_uploaded_picture_is_taken(client: httpx.Client, house: Shop, order: Make, jpeg: bytes) -> None:
    name = client.post("/v1/pictures", content=jpeg).json()["picture"]
    answer = client.post("/v1/orders", json=order("photo", design="home-row", photos={"home": name}))
    assert answer.status_code == 202, answer.text
    assert house.store.order(house.scope, "photo").pieces[0].spec["photos"] == {"home": name.removeprefix("sha256:")}


def test_withdrawn(client: httpx.Client, order: Make) -> None:
    order_id = client.post("/v1/orders", json=order("gone/away")).json()["id"]
    answer = client.post("/v1/orders/gone/away/cancel", json={"reason": "asked by phone"})
    assert answer.status_code == 200, answer.text
    assert answer.json()["state"] == "cancelled" and answer.json()["pieces"][0]["state"] == "cancelled"
    assert "asked by phone" in {event["reason"] for event in answer.json()["events"]}
    assert client.post(f"/v1/orders/{order_id}/cancel", json={"reason": "twice"}).status_code == 200


@pytest.mark.parametrize("body", [{}, {"reason": ""}, {"reason": " "}, {"reason": 3}, {"reason": "x", "force": True},
                                  {"reason": "bell\x07"}, {"reason": "x" * 201}])  # fmt: skip
def test_no_cancellation_without_a_reason(client: httpx.Client, order: Make, body: dict[str, Any]) -> None:
    client.post("/v1/orders", json=order("stays"))
    answer = client.post("/v1/orders/stays/cancel", json=body)
    assert answer.status_code == 422 and answer.json()["findings"]
    assert client.get("/v1/orders/stays").json()["state"] == "accepted"


def test_unknown_orders(client: httpx.Client) -> None:
    for answer in (client.get("/v1/orders/nobody"), client.post("/v1/orders/nobody/cancel", json={"reason": "x"})):
        assert answer.status_code == 404 and codes(answer) == {"order.unknown"}


def test_the_data_folder_holds_what_was_accepted_and_no_upload_of_a_path(house: Shop, client: httpx.Client) -> None:
    assert client.get("/healthz").status_code == 200
    kept = [path for path in Path(house.settings.artifacts).rglob("*") if path.is_file()]
    assert kept and not [path for path in kept if b"root:" in path.read_bytes()[:200]]
