"""What may be done to an order until its piece lies in a batch: changed, proved, approved, held, erased; and asked why."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from asking import LIVE, card, codes, composed
from PIL import Image

from cardpipe.wiring import Shop

Make = Callable[..., dict[str, Any]]
PATCH = {"content-type": "application/merge-patch+json"}


def take(client: httpx.Client, asked: dict[str, Any]) -> dict[str, Any]:
    answer = client.post("/v1/orders", json=asked)
    assert answer.status_code == 202, answer.text
    return dict(answer.json())


def test_a_change_is_a_new_revision(client: httpx.Client, house: Shop, order: Make) -> None:
    told = take(client, card(order, "change/me", metadata={"crm": "1", "list": "a"}))
    patch = {"message": "Dear {first_name}, other words.", "metadata": {"list": None}}
    answer = client.patch("/v1/orders/change/me", json=patch, headers={**PATCH, "if-match": told["etag"]})
    assert answer.status_code == 200, answer.text
    changed = answer.json()
    assert (changed["id"], changed["revision"], changed["metadata"]) == (told["id"], 2, {"crm": "1"})
    assert answer.headers["etag"] == changed["etag"] == f'"{told["id"]}-2"'
    assert "other words" in house.store.order(LIVE, told["id"]).pieces[0].spec["message"]
    assert "order.changed" in {each["code"] for each in client.get("/v1/orders/change/me/explain").json()["decisions"]}
    assert "other words" not in answer.text


def test_nothing_is_changed_unseen(client: httpx.Client, house: Shop, order: Make) -> None:
    told, other = take(client, card(order, "unseen")), take(client, card(order, "another"))
    patch = {"message": "Changed."}

    def tried(**headers: str) -> httpx.Response:
        return client.patch(
            "/v1/orders/unseen", json=patch, headers={name.replace("_", "-"): v for name, v in headers.items()}
        )

    for missing in (tried(), tried(if_match="*"), tried(if_match="")):
        assert missing.status_code == 428 and codes(missing) == {"precondition.missing"}
    for wrong in (other["etag"], f'"{told["id"]}-2"', f"W/{told['etag']}", '"x"', '"-1"', f'"{told["id"]}-01"'):
        answer = tried(if_match=wrong)
        assert answer.status_code == 412 and codes(answer) == {"order.revision"}, wrong
    assert client.get("/v1/orders/unseen").json()["revision"] == 1
    assert tried(if_match=told["etag"]).status_code == 200
    assert tried(if_match=told["etag"]).status_code == 412, "the revision that was looked at is gone"


@pytest.mark.parametrize(
    ("patch", "code"),
    [({"recipient": {"postcode": None, "city": None}}, "address.city.missing"), ({"reference": "else"}, "order.reference.fixed"),
     ({"massage": "x"}, "order.unknown_field"), ({"photo": "/etc/passwd"}, "picture.not_uploaded"),
     ({"photo_url": "https://example.com/a.jpg"}, "picture.url_off"), ({"hand": "nobodys"}, "order.hand")],
)  # fmt: skip
def test_a_change_that_cannot_be_printed_changes_nothing(
    client: httpx.Client, order: Make, patch: Any, code: str
) -> None:
    reference = f"firm-{code}"
    take(client, card(order, reference))
    before = client.get(f"/v1/orders/{reference}").json()
    answer = client.patch(f"/v1/orders/{reference}", json=patch, headers={"if-match": before["etag"]})
    assert answer.status_code == 422 and code in codes(answer), answer.text
    assert client.get(f"/v1/orders/{reference}").json() == before


def test_other_bodies_are_no_changes(client: httpx.Client, order: Make) -> None:
    told = take(client, card(order, "bodies"))
    for kind, body, status in (
        ("text/plain", b"{}", 415),
        ("application/json", b"[]", 422),
        ("application/json", b"", 422),
    ):
        headers = {"content-type": kind, "if-match": told["etag"]}
        assert client.patch("/v1/orders/bodies", content=body, headers=headers).status_code == status
    unknown = client.patch("/v1/orders/nowhere", json={}, headers={"if-match": told["etag"]})
    assert unknown.status_code == 404


def test_what_was_approved_is_what_is_printed(client: httpx.Client, house: Shop, order: Make) -> None:
    early = take(client, card(order, "not-yet", approval="required"))
    for answer in (client.get("/v1/orders/not-yet/proof"), approve(client, "not-yet", "sha256:" + 64 * "0")):
        assert answer.status_code == 409 and codes(answer) == {"proof.not_ready"}, answer.text
    assert early["approval"] == "required"
    told = composed(house, client, card(order, "approve-me", approval="required"))
    assert told["shown"] == "waits for its proof to be approved" and told["proof"]["ready"]
    other = approve(client, "approve-me", "sha256:" + 64 * "0")
    assert other.status_code == 409 and codes(other) == {"proof.other"}
    assert approve(client, "approve-me", "yes").status_code == 422
    approved = approve(client, "approve-me", told["proof"]["digest"])
    assert approved.status_code == 200 and approved.json()["approved"] == told["proof"]["digest"], approved.text
    assert approved.json()["shown"] == "composed"
    assert approve(client, "approve-me", told["proof"]["digest"]).status_code == 200, "twice is once"
    changed = client.patch("/v1/orders/approve-me", json={"ink": "black"}, headers={"if-match": told["etag"]})
    assert changed.status_code == 200 and changed.json()["approved"] is None, changed.text
    assert changed.json()["proof"] == {"digest": None, "ready": False}


def approve(client: httpx.Client, key: str, digest: str) -> httpx.Response:
    return client.post(f"/v1/orders/{key}/approve", json={"proof": digest})


def test_proofs_are_seen_and_never_printed_from(client: httpx.Client, house: Shop, order: Make) -> None:
    told = composed(house, client, card(order, "prove/me"))
    answer = client.get("/v1/orders/prove/me/proof")
    assert answer.status_code == 200 and answer.headers["content-type"] == "image/png"
    assert answer.headers["proof-digest"] == told["proof"]["digest"] in answer.headers["etag"]
    size = Image.open(io.BytesIO(answer.content)).size
    small = Image.open(io.BytesIO(client.get("/v1/orders/prove/me/proof", params={"ppi": 40}).content)).size
    assert size[0] > 2 * small[0]
    envelope = client.get("/v1/orders/prove/me/proof", params={"side": "envelope"})
    assert envelope.headers["proof-digest"] == told["proof"]["digest"] and envelope.content != answer.content
    guides = client.get("/v1/orders/prove/me/proof", params={"guides": "true"})
    assert guides.headers["etag"] != answer.headers["etag"] and guides.content != answer.content
    unchanged = client.get("/v1/orders/prove/me/proof", headers={"if-none-match": answer.headers["etag"]})
    assert unchanged.status_code == 304 and unchanged.content == b""
    for wrong in ({"ppi": 300}, {"ppi": "nan"}, {"side": "inside"}):
        assert client.get("/v1/orders/prove/me/proof", params=wrong).status_code == 422, wrong


def test_a_test_orders_proof_says_so(client: httpx.Client, tester: httpx.Client, house: Shop, order: Make) -> None:
    same = card(order, "seen-twice")
    live, test = composed(house, client, same), composed(house, tester, same)
    assert (live["test"], test["test"]) == (False, True)
    shown = [Image.open(io.BytesIO(each.get("/v1/orders/seen-twice/proof").content)) for each in (client, tester)]
    assert shown[0].size == shown[1].size and shown[0].tobytes() != shown[1].tobytes(), "another word lies across"


def test_held_and_resumed(client: httpx.Client, house: Shop, order: Make) -> None:
    told = take(client, card(order, "stand/still"))
    held = client.post("/v1/orders/stand/still/hold", json={"reason": "wait for the new address"})
    assert held.status_code == 200 and held.json()["held"]["code"] == "crm", held.text
    assert held.json()["shown"] == "held" and held.json()["pieces"][0]["held"]
    again = client.post("/v1/orders/stand/still/hold", json={"reason": "once more"})
    assert again.json()["held"] == held.json()["held"], "twice is once"
    none = client.post("/v1/orders/stand/still/resume", json={"reason": "on", "allow_duplicate": True})
    assert none.status_code == 409 and codes(none) == {"order.duplicate.none"}
    resumed = client.post("/v1/orders/stand/still/resume", json={"reason": "it came"})
    assert resumed.status_code == 200 and resumed.json()["held"] is None
    assert client.post("/v1/orders/stand/still/resume", json={"reason": "again"}).status_code == 200
    done = [entry.action for entry in house.store.audited("local", 50) if entry.subject == told["id"]]
    assert done == ["order.resumed", "order.held"]
    client.post("/v1/orders/stand/still/cancel", json={"reason": "no more"})
    late = client.post("/v1/orders/stand/still/hold", json={"reason": "too late"})
    assert late.status_code == 409 and codes(late) == {"order.hold.too_late"}


def test_a_second_card_on_purpose(client: httpx.Client, order: Make) -> None:
    take(client, card(order, "first-of-two"))
    second = take(client, {**card(order, "first-of-two"), "reference": "second-of-two"})
    assert second["held"]["code"] == "order.duplicate"
    stays = client.post("/v1/orders/second-of-two/resume", json={"reason": "go on"})
    assert stays.status_code == 409 and codes(stays) == {"order.duplicate"}, stays.text
    goes = client.post("/v1/orders/second-of-two/resume", json={"reason": "twins", "allow_duplicate": True})
    assert goes.status_code == 200 and goes.json()["held"] is None, goes.text
    told = client.get("/v1/orders/second-of-two/explain").json()["decisions"]
    assert "order.duplicate_allowed" in {each["code"] for each in told}


def test_erased_on_demand(client: httpx.Client, house: Shop, order: Make) -> None:
    key = {"idempotency-key": "erase-me-1"}
    asked = card(order, "erase/me", metadata={"first_name": "Wilhelmina"})
    first = client.post("/v1/orders", json=asked, headers=key)
    early = client.post("/v1/orders/erase/me/erase")
    assert early.status_code == 409 and codes(early) == {"order.erase.too_early"}
    client.post("/v1/orders/erase/me/cancel", json={"reason": "please"})
    assert client.post("/v1/orders/erase/me/erase", json={"name": "x"}).status_code == 422
    erased = client.post("/v1/orders/erase/me/erase", json={})
    assert erased.status_code == 200 and erased.json()["erased_at"] and erased.json()["metadata"] == {}, erased.text
    assert client.post("/v1/orders/erase/me/erase", json={"reason": "asked twice"}).status_code == 200
    gone = client.get("/v1/orders/erase/me/proof")
    assert gone.status_code == 409 and codes(gone) == {"order.erased"}
    again = client.post("/v1/orders", json=asked, headers=key)
    assert again.status_code == 200 and again.json()["id"] == first.json()["id"] and again.json()["erased_at"]
    assert "Wilhelmina" in first.text and "Wilhelmina" not in again.text
    assert not any(action["allowed"] for action in actions(client, "erase/me").values())


def actions(client: httpx.Client, key: str) -> dict[str, dict[str, Any]]:
    return {each["name"]: each for each in client.get(f"/v1/orders/{key}/actions").json()["actions"]}


def test_what_may_still_be_done(client: httpx.Client, order: Make) -> None:
    take(client, card(order, "may"))
    may = actions(client, "may")
    assert {name for name, action in may.items() if action["allowed"]} == {"change", "cancel", "hold"}
    assert may["erase"]["why"] and may["proof"]["why"]
    client.post("/v1/orders/may/cancel", json={"reason": "no"})
    assert {name for name, action in actions(client, "may").items() if action["allowed"]} == {"erase"}


def test_every_decision_is_told(client: httpx.Client, house: Shop, order: Make) -> None:
    told = composed(house, client, card(order, "why"))
    answer = client.get("/v1/orders/why/explain")
    made = answer.json()["decisions"]
    assert answer.json()["order"] == told["id"]
    assert {"order.accepted", "schedule.next", "piece.composed", "waits.cut_off"} <= {each["code"] for each in made}
    assert all(each["message"] and each["at"] for each in made) and made[-1]["code"].startswith("waits.")
    log = client.get("/v1/orders/why/events").json()
    assert [each["to"] for each in log["events"]][:2] == ["accepted", "waiting"] and log["next"] is None
    assert {each["subject"] for each in log["events"]} == {told["id"], told["pieces"][0]["id"]}
    for ending in ("actions", "explain", "events", "proof"):
        assert client.get(f"/v1/orders/nobody/{ending}").status_code == 404
