"""Who may speak to the API, what it reads, and what leaves it when something fails."""

from __future__ import annotations

import http.client
import io
import json
import logging
import socket
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cardpipe.api import guard
from cardpipe.api.batches import proven
from cardpipe.api.body import MAX_JSON, strict_object
from cardpipe.model.address import Address
from cardpipe.model.batch import BatchFile
from cardpipe.model.errors import Bug, Refused, Unavailable
from cardpipe.model.order import Order
from cardpipe.prepress.picture import MAX_BYTES
from cardpipe.wiring import Shop

JSON = {"content-type": "application/json"}


def test_every_answer_carries_the_headers(client: httpx.Client) -> None:
    for answer in (client.get("/healthz"), client.get("/nowhere"), client.get("/v1/orders/nobody"), client.put("/healthz"),
                   client.get("/healthz", headers={"host": "evil.example"})):  # fmt: skip
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-request-id"].startswith("req_")
        if answer.status_code != 200:
            assert answer.headers["content-type"] == "application/problem+json"
            assert answer.json()["request_id"] == answer.headers["x-request-id"]
            assert answer.json()["status"] == answer.status_code


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8000", "127.0.0.1.evil.example", "localhost.evil.example:80", "192.168.1.5",
             "0.0.0.0", "127.0.0.1@evil.example", "[::1]evil", "169.254.169.254", "127.0.0.1:80:80"]
)  # fmt: skip
def test_another_host_is_turned_away(client: httpx.Client, host: str) -> None:
    answer = client.get("/healthz", headers={"host": host})
    assert answer.status_code == 421 and answer.json()["findings"][0]["code"] == "request.host"


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.1:9", "localhost", "LOCALHOST:8000", "[::1]:8000", "[::1]"])
def test_this_machine_is_let_in(client: httpx.Client, host: str) -> None:
    assert client.get("/healthz", headers={"host": host}).status_code == 200


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


def test_only_loopback_is_listened_on() -> None:
    for host in ("127.0.0.1", "127.8.8.8", "localhost", "::1"):
        guard.only_loopback(host)
    for host in ("0.0.0.0", "::", "", "192.168.1.5", "example.org", "fe80::1", "2130706433", "127.0.0.1 "):
        with pytest.raises(Refused, match="--host") as refused:
            guard.only_loopback(host)
        assert refused.value.exit_code == 2 and refused.value.findings[0].code == "serve.host"


def test_asked_by_another_address_it_answers_nothing(everywhere: int) -> None:
    """Bound to every address by mistake, and told a loopback Host."""
    own = {str(item[4][0]) for item in socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET)}
    for address in own | {"127.0.0.1"}:
        line = http.client.HTTPConnection(address, everywhere, timeout=20)
        line.request("GET", "/healthz", headers={"host": "127.0.0.1"})
        assert line.getresponse().status == (200 if guard.is_loopback(address) else 403), address


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
    upload = client.post("/v1/pictures", files={"file": b"x"})
    assert upload.status_code == 415 and "bytes alone" in upload.text


def test_large_bodies_are_refused(client: httpx.Client, house: Shop) -> None:
    before = sorted(house.settings.artifacts.rglob("*"))
    large = client.post("/v1/pictures", content=b"\xff\xd8\xff" + bytes(26_000_000))
    assert large.status_code == 413 and "25 MB" in large.json()["detail"]
    assert client.post("/v1/orders", content=b"{" + b" " * MAX_JSON, headers=JSON).status_code == 413
    unsaid = client.post("/v1/pictures", content=(bytes(1 << 20) for _ in range(26)))  # chunked: no length is told
    assert unsaid.status_code == 413
    assert sorted(house.settings.artifacts.rglob("*")) == before


def test_a_body_that_goes_on_for_ever_is_cut_off(client: httpx.Client) -> None:
    url = client.base_url
    sent = 0
    with socket.create_connection((url.host, url.port), timeout=60) as line:
        line.sendall(b"POST /v1/pictures HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n")
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
@given(key=st.text(min_size=1, max_size=60), place=st.sampled_from(["orders", "batches"]))
def test_whatever_is_asked_for_it_is_answered(client: httpx.Client, key: str, place: str) -> None:
    line = http.client.HTTPConnection(client.base_url.host, client.base_url.port, timeout=20)
    line.request("GET", f"/v1/{place}/{quote(key, safe='')}")
    answer = line.getresponse()
    assert answer.status in (200, 404), answer.read()


@pytest.mark.parametrize("key", ["%00", "a%00b", "%ff", "%0d%0aX-Evil:1", "..%2f..%2fetc", "%e2%80%ae"])
def test_odd_keys_are_unknown(client: httpx.Client, key: str) -> None:
    line = http.client.HTTPConnection(client.base_url.host, client.base_url.port, timeout=20)
    for path in (f"/v1/orders/{key}", f"/v1/batches/{key}", f"/v1/batches/{key}/files/{key}"):
        line.request("GET", path)
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
    client: httpx.Client, failing: Callable[..., None], problem: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    failing(problem)
    with caplog.at_level(logging.ERROR, "cardpipe.api"):
        answer = client.get("/v1/batches/any")
    assert answer.status_code == 500 and answer.json()["error"] == "bug"
    for word in ("Anna", "secret", "Traceback", "KeyError", ".py"):
        assert word not in answer.text
    assert answer.headers["x-request-id"] in caplog.text, "the log names the request"
    if not isinstance(problem, Bug):
        assert type(problem).__name__ in caplog.text and "Anna" not in caplog.text


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


def test_not_ready_without_a_supervisor(client: httpx.Client) -> None:
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json() == {"ok": False, "checks": {"database": True, "artifacts": True, "supervisor": False}}
    assert client.get("/healthz").json()["ok"] is True


def test_described_by_openapi(client: httpx.Client) -> None:
    told = client.get("/v1/openapi.json").json()
    assert told["openapi"].startswith("3.1")
    operations = [item for path in told["paths"].values() for item in path.values()]
    assert len(operations) == len({item["operationId"] for item in operations}) == 9
    assert all("500" in item["responses"] and "503" in item["responses"] for item in operations)
    text = http.client.HTTPConnection(client.base_url.host, client.base_url.port)
    text.request("GET", "/v1/openapi.json")
    names = set(told["components"]["schemas"])
    referred = {part.split('"')[0] for part in text.getresponse().read().decode().split("#/components/schemas/")[1:]}
    assert referred and referred <= names


def test_pictures(client: httpx.Client, jpeg: bytes) -> None:
    first, again = client.post("/v1/pictures", content=jpeg + b""), client.post("/v1/pictures", content=jpeg)
    assert first.status_code in (200, 201) and again.status_code == 200
    told = again.json()
    assert (told["format"], told["width"], told["height"], told["bytes"]) == ("JPEG", 1500, 1100, len(jpeg))
    assert told == first.json()
    for bad in (b"", b"%PDF-1.7", b"GIF89a", b"<svg onload=x>", jpeg[: len(jpeg) // 2]):
        answer = client.post("/v1/pictures", content=bad, headers={"content-type": "image/jpeg"})
        assert answer.status_code == 422 and answer.json()["findings"]
