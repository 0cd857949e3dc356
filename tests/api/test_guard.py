"""Who is turned away at the door, what is read, what leaves when something fails, and what the log says of it."""

from __future__ import annotations

import http.client
import io
import json
import socket
import time
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from cardpipe.api import guard
from cardpipe.api.body import MAX_JSON, strict_object
from cardpipe.model.address import Address
from cardpipe.model.apikey import read
from cardpipe.model.batch import BatchFile
from cardpipe.model.errors import Bug, Refused, Unavailable
from cardpipe.model.order import Order
from cardpipe.pipeline.giving import proven
from cardpipe.prepress.picture import MAX_BYTES
from cardpipe.wiring import Shop
from tests.api.served import listening, own_addresses

JSON = {"content-type": "application/json"}


def bearer_of(client: httpx.Client) -> dict[str, str]:
    """For lines that send a path as it is."""
    return {"authorization": client.headers["authorization"]}


@pytest.fixture
def everywhere(house: Shop) -> Iterator[int]:
    """The port of an API that is bound to every address."""
    with listening(house, "0.0.0.0") as port:
        yield port


def test_every_answer_carries_the_headers(client: httpx.Client, caller: Any) -> None:
    for answer in (client.get("/healthz"), client.get("/nowhere"), client.get("/v1/orders/nobody"), client.put("/healthz"),
                   caller().get("/v1/batches"), client.get("/healthz", headers={"origin": "https://evil.example"})):  # fmt: skip
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-request-id"].startswith("req_")
        if answer.status_code != 200:
            assert answer.headers["content-type"] == "application/problem+json"
            told = answer.json()
            assert told["request_id"] == answer.headers["x-request-id"]
            assert told["status"] == answer.status_code
            assert told["code"] == (told["findings"][0]["code"] if told["findings"] else "")


def test_a_proxy_may_call_it_by_any_name(client: httpx.Client) -> None:
    for host in ("cards.example", "192.168.1.5:8000", "127.0.0.1"):
        assert client.get("/v1/batches", headers={"host": host}).status_code == 200


def test_any_address_is_answered_to_those_with_a_key(everywhere: int, key: Any) -> None:
    for address in ("127.0.0.1", *own_addresses()):
        for headers, status in (({}, 401), ({"authorization": f"Bearer {key()}"}, 200)):
            line = http.client.HTTPConnection(address, everywhere, timeout=20)
            line.request("GET", "/v1/batches", headers=headers)
            assert line.getresponse().status == status, address


def test_what_others_can_reach_is_warned_of() -> None:
    for host in ("127.0.0.1", "127.8.8.8", "localhost", "::1"):
        assert guard.exposed(host) == ""
    for host in ("0.0.0.0", "::", "", "192.168.1.5", "example.org", "fe80::1", "2130706433", "127.0.0.1 "):
        assert "TLS" in guard.exposed(host)


@pytest.mark.parametrize(
    "headers",
    [{"origin": "https://evil.example"}, {"origin": "null"}, {"origin": "http://127.0.0.1:1"}, {"origin": "file://"},
     {"sec-fetch-site": "cross-site"}, {"sec-fetch-site": "same-site"}, {"sec-fetch-site": "Cross-Site"}],
)  # fmt: skip
def test_another_origin_is_turned_away(client: httpx.Client, headers: dict[str, str]) -> None:
    for answer in (client.get("/v1/batches", headers=headers), client.post("/v1/orders", headers=headers, json={})):
        assert answer.status_code == 403 and answer.json()["findings"][0]["code"] == "request.cross_site"
        assert "access-control-allow-origin" not in answer.headers


def test_its_own_pages_are_let_in(client: httpx.Client) -> None:
    own = {"origin": str(client.base_url).rstrip("/"), "sec-fetch-site": "same-origin"}
    assert client.get("/v1/batches", headers=own).status_code == 200
    assert client.get("/v1/batches", headers={"sec-fetch-site": "none"}).status_code == 200


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b'"x"', b"null", b'{"a": NaN}', b'{"a": -Infinity}', b'{"a": 1, "a": 1}', b'{"b": {"a": 1, "a": 2}}',
     b'{"a": "\\ud800"}', b'{"\\udc00": 1}', b"\xff\xfe{}", "{}".encode("utf-16"), b"\xef\xbb\xbf{}", b'{"a": ' + b"9" * 5000 + b"}",
     b"[" * 100_000, b'{"a":' * 50_000],
)  # fmt: skip
def test_json_is_read_strictly(client: httpx.Client, body: bytes) -> None:
    answer = client.post("/v1/orders", content=body, headers=JSON)
    assert answer.status_code == 422, answer.text
    assert [finding["code"] for finding in answer.json()["findings"]] == ["json.unreadable"]


def test_strict_json_says_which_key_comes_twice() -> None:
    with pytest.raises(Refused, match="'message' comes twice"):
        strict_object(b'{"message": "a", "message": "b"}')
    assert strict_object('{"a": "\\ud83d\\ude00 é"}'.encode()) == {"a": "😀 é"}


def test_media_types(client: httpx.Client) -> None:
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", ""):
        assert client.post("/v1/orders", content=b"{}", headers={"content-type": kind}).status_code == 415


def test_large_orders_are_refused(client: httpx.Client) -> None:
    assert client.post("/v1/orders", content=b"{" + b" " * MAX_JSON, headers=JSON).status_code == 413


def test_a_body_that_goes_on_for_ever_is_cut_off(client: httpx.Client, key: Any) -> None:
    url = client.base_url
    bearer = f"Authorization: Bearer {key()}\r\n"
    sent = 0
    with socket.create_connection((url.host, url.port), timeout=60) as line:
        request = f"POST /v1/pictures HTTP/1.1\r\nHost: x\r\n{bearer}Transfer-Encoding: chunked\r\n\r\n"
        line.sendall(request.encode())
        chunk = b"100000\r\n" + bytes(1 << 20) + b"\r\n"
        with pytest.raises(OSError):
            while sent < MAX_BYTES * 20:
                line.sendall(chunk)
                sent += 1 << 20
    assert sent < MAX_BYTES * 20
    assert client.get("/healthz").status_code == 200


SOMETHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    field=st.sampled_from([*Order.model_fields, "new"]),
    part=st.sampled_from([None, *Address.model_fields]),
    value=SOMETHING,
)
def test_whatever_is_in_an_order_it_is_answered(
    client: httpx.Client, order: Callable[..., dict[str, Any]], field: str, part: str | None, value: Any
) -> None:
    asked = order("whatever")
    if part and field in ("recipient", "sender"):
        asked[field] = {**asked[field], part: value}
    else:
        asked[field] = value
    answer = client.post("/v1/orders", content=json.dumps(asked).encode(), headers=JSON)
    assert answer.status_code in (200, 202, 409, 422), answer.text
    if answer.status_code >= 400:
        assert answer.json()["findings"], answer.text


@settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
@given(name=st.text(min_size=1, max_size=60), place=st.sampled_from(["orders", "batches"]))
def test_whatever_is_asked_for_it_is_answered(client: httpx.Client, name: str, place: str) -> None:
    line = http.client.HTTPConnection(client.base_url.host, client.base_url.port, timeout=20)
    line.request("GET", f"/v1/{place}/{quote(name, safe='')}", headers=bearer_of(client))
    answer = line.getresponse()
    assert answer.status in (200, 404), answer.read()


@pytest.mark.parametrize("odd", ["%00", "a%00b", "%ff", "%0d%0aX-Evil:1", "..%2f..%2fetc", "%e2%80%ae"])
def test_odd_keys_are_unknown(client: httpx.Client, odd: str) -> None:
    line = http.client.HTTPConnection(client.base_url.host, client.base_url.port, timeout=20)
    for path in (f"/v1/orders/{odd}", f"/v1/batches/{odd}", f"/v1/batches/{odd}/files/{odd}"):
        line.request("GET", path, headers=bearer_of(client))
        answer = line.getresponse()
        assert answer.status == 404 and answer.getheader("x-evil") is None, answer.read()
        answer.read()


@pytest.fixture
def failing(house: Shop, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Exception], None]]:
    def fail(problem: Exception) -> None:
        def raising(*_: Any, **__: Any) -> Any:
            raise problem

        monkeypatch.setattr(house.store, "batch", raising)

    yield fail


def test_unavailable_is_503_and_says_when_to_come_again(client: httpx.Client, failing: Callable[..., None]) -> None:
    failing(Unavailable("the database has no room"))
    answer = client.get("/v1/batches/any")
    assert answer.status_code == 503 and int(answer.headers["retry-after"]) > 0
    assert answer.json()["error"] == "unavailable"


@pytest.mark.parametrize("problem", [Bug("Anna Berg /srv/secret"), KeyError("Anna Berg /srv/secret"), MemoryError()])
def test_failures_of_ours_leave_without_their_insides(
    client: httpx.Client, failing: Callable[..., None], problem: Exception
) -> None:
    failing(problem)
    with capture_logs() as lines:
        answer = client.get("/v1/batches/any")
    assert answer.status_code == 500 and answer.json()["error"] == "bug"
    for word in ("Anna", "secret", "Traceback", "KeyError", ".py"):
        assert word not in answer.text
    errors = [line for line in lines if line["log_level"] == "error"]
    assert [line["request"] for line in errors] == [answer.headers["x-request-id"]], "the log names the request"
    if not isinstance(problem, Bug):
        assert errors[0]["failure"].startswith(type(problem).__name__) and "Anna" not in str(lines)


def test_the_log_has_one_line_a_request_and_nothing_of_anybody(
    client: httpx.Client, caller: Any, key: Any, order: Callable[..., dict[str, Any]]
) -> None:
    text = key("acme", "test", "orders:write", "orders:read")
    mine = caller(text)
    asked = order("Anna-Berg-1975", metadata={"crm": "Zoltan"})
    with capture_logs() as lines:
        ids = [
            answer.headers["x-request-id"]
            for answer in (
                mine.post("/v1/orders", json=asked), mine.get("/v1/orders/Anna-Berg-1975"),
                mine.get("/v1/orders/Anna-Berg-1975/events?city=Portland"), mine.get("/Anna-Berg"),
                caller("cp_live_Anna").get("/v1/tenant"), mine.put("/v1/orders", content=b"Anna"),
                mine.request("ANNA", "/v1/orders"),
            )
        ]  # fmt: skip
        end = time.monotonic() + 10  # a line is written when its answer is out
        while len([line for line in lines if line["event"] == "request"]) < 7 and time.monotonic() < end:
            time.sleep(0.02)
    told = sorted((line for line in lines if line["event"] == "request"), key=lambda line: ids.index(line["request"]))
    assert [(line["method"], line["route"], line["status"]) for line in told] == [
        ("POST", "/v1/orders", 202), ("GET", "/v1/orders/{key:path}", 200),
        ("GET", "/v1/orders/{key:path}/events", 200), ("GET", "-", 404), ("GET", "/v1/tenant", 401),
        ("PUT", "/v1/orders", 405), ("-", "/v1/orders", 405),
    ]  # fmt: skip
    who = read(text)
    assert who is not None
    assert {(line["key"], line["tenant"], line["mode"]) for line in told[:3]} == {(who.id, "acme", "test")}
    assert all("key" not in line and line["ms"] >= 0 for line in told[3:])
    for word in ("Anna", "Berg", "Portland", "Zoltan", "1975", text, text[-49:]):
        assert word not in str(lines)


def test_a_damaged_file_is_not_given_out_whole() -> None:
    import hashlib

    good = bytes(range(256)) * 3000
    file = BatchFile("a.pdf", hashlib.sha256(good).hexdigest(), len(good))
    assert b"".join(proven(io.BytesIO(good), file)) == good
    given = b""
    with pytest.raises(Bug):
        for part in proven(io.BytesIO(good[:-1] + b"x"), file):
            given += part
    assert 0 < len(given) < len(good)
