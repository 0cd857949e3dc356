"""Orders over HTTP: kept once, refused with everything that is wrong, asked for, withdrawn."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from asking import card, codes, work
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cardpipe.model.errors import Refused
from cardpipe.model.order import PICTURE_DIGEST
from cardpipe.wiring import Shop

Make = Callable[..., dict[str, Any]]


def stored(house: Shop, reference: str) -> bool:
    try:
        house.store.order(house.scope, reference)
    except Refused:
        return False
    return True


def test_accepted_then_asked_for(client: httpx.Client, order: Make) -> None:
    answer = client.post("/v1/orders", json=card(order, "keep 1/2", mail_on="2026-12-01"))
    assert answer.status_code == 202, answer.text
    told = answer.json()
    assert (told["state"], told["shown"], told["reference"]) == ("accepted", "waiting", "keep 1/2")
    assert (told["mail_on"], told["test"], told["held"], told["revision"]) == ("2026-12-01", False, None, 1)
    assert told["proof"] == {"digest": None, "ready": False} and told["import"] is None
    assert told["pieces"][0]["state"] == "waiting" and told["events"] is None
    assert answer.headers["location"] == f"/v1/orders/{told['id']}"
    for path in (answer.headers["location"], "/v1/orders/" + quote("keep 1/2", safe=""), "/v1/orders/keep 1/2"):
        shown = client.get(path)
        assert {**shown.json(), "events": None} == told
        assert shown.headers["etag"] == shown.json()["etag"] == f'"{told["id"]}-1"'
        assert [event["to"] for event in shown.json()["events"]] == ["accepted", "waiting"]


def test_what_is_shown_holds_no_personal_data(client: httpx.Client, order: Make) -> None:
    asked = card(order, "thin", message="A secret between us.")
    answer = client.post("/v1/orders", json=asked)
    assert answer.status_code == 202
    shown = "".join(
        client.get(f"/v1/orders/thin{ending}").text for ending in ("", "/actions", "/explain", "/events")
    ) + answer.text  # fmt: skip
    for word in (*asked["recipient"]["name"].split(), "Alder", "97201", "Lind", "secret"):
        assert word not in shown


def test_the_same_order_again(client: httpx.Client, order: Make) -> None:
    first = client.post("/v1/orders", json=card(order, "again"))
    second = client.post("/v1/orders", json=card(order, "again"))
    assert (first.status_code, second.status_code) == (202, 200)
    assert "idempotent-replayed" not in first.headers
    assert second.headers["idempotent-replayed"] == "true"
    assert second.json()["id"] == first.json()["id"]
    assert second.headers["location"] == first.headers["location"]


def test_another_content_under_the_same_reference(client: httpx.Client, order: Make) -> None:
    assert client.post("/v1/orders", json=card(order, "taken")).status_code == 202
    answer = client.post("/v1/orders", json=card(order, "taken", message="Something else."))
    assert answer.status_code == 409
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["error"] == "conflict" and answer.json()["code"] == "order.reference_reused"
    assert "message" in answer.text and "Something else" not in answer.text


def test_the_same_order_from_many_at_once_is_one(client: httpx.Client, order: Make) -> None:
    def post(_: int) -> httpx.Response:
        return client.post("/v1/orders", json=card(order, "race"))

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
    assert len(told["findings"]) >= 5 and told["code"] == told["findings"][0]["code"]
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
    answer = client.post("/v1/orders", json=card(order, "photo", design="home-row", photos={"home": name}))
    assert answer.status_code == 202, answer.text
    assert house.store.order(house.scope, "photo").pieces[0].spec["photos"] == {"home": name.removeprefix("sha256:")}


def test_withdrawn(client: httpx.Client, order: Make) -> None:
    order_id = client.post("/v1/orders", json=card(order, "gone/away")).json()["id"]
    answer = client.post("/v1/orders/gone/away/cancel", json={"reason": "asked by phone"})
    assert answer.status_code == 200, answer.text
    assert answer.json()["state"] == answer.json()["shown"] == "cancelled"
    assert answer.json()["pieces"][0]["state"] == "cancelled"
    assert "asked by phone" in {event["reason"] for event in answer.json()["events"]}
    assert client.post(f"/v1/orders/{order_id}/cancel", json={"reason": "twice"}).status_code == 200


@pytest.mark.parametrize("body", [{}, {"reason": ""}, {"reason": " "}, {"reason": 3}, {"reason": "x", "force": True},
                                  {"reason": "bell\x07"}, {"reason": "x" * 201}])  # fmt: skip
def test_no_cancellation_without_a_reason(client: httpx.Client, order: Make, body: dict[str, Any]) -> None:
    client.post("/v1/orders", json=card(order, "stays"))
    answer = client.post("/v1/orders/stays/cancel", json=body)
    assert answer.status_code == 422 and answer.json()["findings"]
    assert client.get("/v1/orders/stays").json()["state"] == "accepted"


def test_unknown_orders(client: httpx.Client) -> None:
    for answer in (client.get("/v1/orders/nobody"), client.post("/v1/orders/nobody/cancel", json={"reason": "x"})):
        assert answer.status_code == 404 and codes(answer) == {"order.unknown"}


def test_a_second_card_is_kept_and_stands_still(client: httpx.Client, order: Make) -> None:
    first = client.post("/v1/orders", json=card(order, "one-card")).json()
    second = client.post("/v1/orders", json={**card(order, "one-card"), "reference": "two-cards"})
    assert second.status_code == 202
    held = second.json()["held"]
    assert (held["code"], held["duplicate_of"]) == ("order.duplicate", first["id"])
    assert second.json()["shown"] == "held as a likely duplicate"


def test_ordered_with_a_test_key(client: httpx.Client, tester: httpx.Client, order: Make) -> None:
    told = tester.post("/v1/orders", json=card(order, "trial"))
    assert told.status_code == 202 and told.json()["test"] is True
    assert client.get("/v1/orders/trial").status_code == 404
    assert client.get(f"/v1/orders/{told.json()['id']}").status_code == 404
    assert client.post("/v1/orders", json=card(order, "trial")).status_code == 202, "the same reference, live"


def test_the_tenants_terms_hold(client: httpx.Client, house: Shop, caller: Any, key: Any, order: Make) -> None:
    mine = caller(key("careful"))
    terms = house.store.tenant("careful").model_copy(update={"approval": "required", "zone": "America/New_York"})
    house.store.set_tenant(terms.model_copy(update={"daily_limit": 2}), "test")
    answers = [mine.post("/v1/orders", json=card(order, f"limited-{n}")) for n in range(3)]
    assert [answer.status_code for answer in answers] == [202, 202, 429]
    assert answers[0].json()["approval"] == "required"
    assert codes(answers[2]) == {"tenant.daily_limit"} and 0 < int(answers[2].headers["retry-after"]) <= 90_000
    assert mine.post("/v1/orders", json=card(order, "limited-0")).status_code == 200, "a retry adds nothing"
    assert mine.get("/v1/orders/limited-2").status_code == 404
    assert client.post("/v1/orders", json=card(order, "limited-2")).status_code == 202, "of another tenant"


@pytest.fixture
def album(jpeg: bytes) -> Iterator[str]:
    """A server of photos: ``/good.jpg``, ``/bad.jpg``."""

    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            data = jpeg if "good" in self.path else b"<html>no photo</html>"
            self.send_response(200)
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Page)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def fetching(house: Shop, album: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """The address of the album, from which photos are fetched now."""
    allowed = house.settings.model_copy(update={"photo_urls": True, "outbound_allow": album})
    monkeypatch.setattr(house, "settings", allowed)
    return f"http://{album}"


def test_urls_of_photos_are_off(client: httpx.Client, house: Shop, order: Make) -> None:
    answer = client.post("/v1/orders", json=order("by-url", design="home-row", photo_url="https://example.com/a.jpg"))
    assert answer.status_code == 422 and codes(answer) == {"picture.url_off"}
    assert house.store.row(house.scope, "by-url") is None


@pytest.mark.parametrize(
    "url", ["https://10.0.0.1/a.jpg", "https://localhost/a", "http://example.com/a", "https://u:p@example.com/"]
)
def test_urls_that_may_not_be_called(client: httpx.Client, house: Shop, order: Make, fetching: str, url: str) -> None:
    for changes in ({"photo_url": url}, {"photo_urls": {"home": url}}):
        answer = client.post("/v1/orders", json=order("inside", design="home-row", **changes))
        assert answer.status_code == 422 and any(code.startswith("url.") for code in codes(answer)), answer.text
        assert "/a" not in answer.text and "u:p" not in answer.text
    assert house.store.row(house.scope, "inside") is None


@pytest.mark.parametrize("judged", [False, True], ids=["before it is judged", "after it was refused"])
def test_what_no_worker_accepted_is_withdrawn_for_good(
    client: httpx.Client, house: Shop, order: Make, fetching: str, judged: bool
) -> None:
    asked = card(order, f"far/{judged}", design="home-row", photo_url=f"{fetching}/{'bad' if judged else 'good'}.jpg")
    told = client.post("/v1/orders", json=asked).json()
    assert told["state"] == "received"
    if judged:
        assert work(house, "accept") >= 1
        assert client.get(f"/v1/orders/{told['id']}").json()["state"] == "refused"
    may = {each["name"]: each["allowed"] for each in client.get(f"/v1/orders/{told['id']}/actions").json()["actions"]}
    assert may["cancel"]
    for _ in range(2):
        gone = client.post(f"/v1/orders/{told['id']}/cancel", json={"reason": "she moved"})
        assert gone.status_code == 200 and gone.json()["state"] == "dropped", gone.text
    again = client.post("/v1/orders", json=asked)
    assert again.status_code == 200 and again.json()["state"] == "dropped", "a retry does not bring it back"
    work(house, "accept")
    assert client.get(f"/v1/orders/{told['id']}").json()["state"] == "dropped"
    events = client.get(f"/v1/orders/{told['id']}/events").json()["events"]
    assert [each["to"] for each in events][-1] == "dropped"


def test_a_photo_by_url_is_fetched_by_a_worker(
    client: httpx.Client, house: Shop, order: Make, fetching: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = card(order, "far/photo", design="home-row", photo_url=f"{fetching}/good.jpg", metadata={"crm": "7"})
    answer = client.post("/v1/orders", json=asked)
    assert answer.status_code == 202, answer.text
    told = answer.json()
    assert (told["state"], told["revision"], told["pieces"], told["metadata"]) == ("received", 0, [], {"crm": "7"})
    assert answer.headers["location"] == f"/v1/orders/{told['id']}"
    for path in (answer.headers["location"], "/v1/orders/far/photo"):
        assert client.get(path).json() == told
    again = client.post("/v1/orders", json=asked)
    assert again.status_code == 200 and again.json() == told and again.headers["idempotent-replayed"] == "true"
    other = client.post("/v1/orders", json={**asked, "message": "Another."})
    assert other.status_code == 409 and codes(other) == {"order.reference_reused"}
    early = client.post("/v1/orders/far/photo/approve", json={"proof": "sha256:" + 64 * "0"})
    assert early.status_code == 409 and codes(early) == {"order.not_judged"}
    waits = client.get("/v1/orders/far/photo/explain").json()["decisions"]
    assert [each["code"] for each in waits] == ["waits.judge"]
    assert work(house, "accept") >= 1
    became = client.get(answer.headers["location"]).json()
    assert (became["id"], became["state"], became["revision"]) == (told["id"], "accepted", 1)
    assert len(house.store.order(house.scope, told["id"]).pieces[0].spec["photos"]) == 1
    after = client.post("/v1/orders", json=asked)
    assert after.status_code == 200 and after.json()["state"] == "accepted"
    photos = house.store.order(house.scope, told["id"]).pieces[0].spec["photos"]
    monkeypatch.setattr(house, "fetch_picture", lambda url, where: pytest.fail("it was fetched again"))
    changed = client.patch(answer.headers["location"], json={"ink": "black"}, headers={"if-match": became["etag"]})
    assert changed.status_code == 200 and changed.json()["revision"] == 2, changed.text
    assert house.store.order(house.scope, told["id"]).pieces[0].spec["photos"] == photos
    other_url = {"photo_url": f"{fetching}/good.jpg?2"}
    refused = client.patch(answer.headers["location"], json=other_url, headers={"if-match": changed.json()["etag"]})
    assert refused.status_code == 422 and codes(refused) == {"picture.url_change"}


def test_a_refused_one_is_kept_and_mended(client: httpx.Client, house: Shop, order: Make, fetching: str) -> None:
    asked = card(order, "bad-photo", design="home-row", photo_url=f"{fetching}/bad.jpg")
    told = client.post("/v1/orders", json=asked).json()
    work(house, "accept")
    refused = client.get("/v1/orders/bad-photo").json()
    assert (refused["id"], refused["state"]) == (told["id"], "refused") and refused["findings"]
    assert fetching not in str(refused)
    may = {each["name"]: each["allowed"] for each in client.get("/v1/orders/bad-photo/actions").json()["actions"]}
    assert may.pop("change") and may.pop("cancel") and not any(may.values())
    patch = {"photo_url": f"{fetching}/good.jpg"}
    assert client.patch("/v1/orders/bad-photo", json=patch).status_code == 428
    wrong = client.patch("/v1/orders/bad-photo", json={"message": ""}, headers={"if-match": refused["etag"]})
    assert wrong.status_code == 422
    mended = client.patch("/v1/orders/bad-photo", json=patch, headers={"if-match": refused["etag"]})
    assert mended.status_code == 200 and mended.json()["state"] == "received", mended.text
    work(house, "accept")
    assert client.get(f"/v1/orders/{told['id']}").json()["state"] == "accepted"


def test_the_data_folder_holds_what_was_accepted_and_no_upload_of_a_path(house: Shop, client: httpx.Client) -> None:
    assert client.get("/healthz").status_code == 200
    kept = [path for path in Path(house.settings.artifacts or "").rglob("*") if path.is_file()]
    assert kept and not [path for path in kept if b"root:" in path.read_bytes()[:200]]
