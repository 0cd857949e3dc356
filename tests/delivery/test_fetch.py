"""Pictures by URL from real servers: redirects are judged anew, and what is no picture's URL is told from what is busy."""

from __future__ import annotations

import gzip
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import pytest
import trustme

from cardpipe.delivery.fetch import MOST_BYTES, fetch, fetch_picture
from cardpipe.delivery.guarded import Limits, Reach
from cardpipe.model.errors import CardpipeError, Refused, Unavailable
from tests.delivery.receiver import Receiver, answer, endless, raw

SECRET = "sesame"
PICTURE = b"\xff\xd8\xff" + bytes(range(256))


@pytest.fixture
def server() -> Iterator[Receiver]:
    server = Receiver()
    server.routes["/a.jpg"] = answer(200, PICTURE, content_type="text/html")
    yield server
    server.stop()


def picture(server: Receiver, path: str = "/a.jpg", **more: Any) -> bytes:
    return fetch_picture(server.url(path) + f"?token={SECRET}", "photos.main", allow=server.allow, **more)


def refusal(kind: type[CardpipeError], server: Receiver, path: str = "/a.jpg", **more: Any) -> tuple[str, str]:
    """Code and message of the only finding."""
    with pytest.raises(kind) as caught:
        picture(server, path, **more)
    assert SECRET not in repr(caught.value) + repr(caught.value.findings)
    (finding,) = caught.value.findings
    assert finding.where == "photos.main" and finding.remedy
    return finding.code, finding.message


def test_the_bytes_whatever_the_server_calls_them(server: Receiver) -> None:
    assert picture(server) == PICTURE
    assert server.asked[0].headers["accept"] == "image/*"
    assert MOST_BYTES == 25_000_000


def test_nothing_private_without_the_operators_word(server: Receiver) -> None:
    for url in (server.url("/a.jpg"), server.url("/a.jpg", host="localhost"), "https://127.0.0.1/a.jpg"):
        with pytest.raises(Refused) as caught:
            fetch_picture(url, "photo", http=True)
        assert "url.private" in [finding.code for finding in caught.value.findings]
    assert server.asked == []


def test_the_limit_is_in_bytes(server: Receiver) -> None:
    assert picture(server, limit=len(PICTURE)) == PICTURE
    assert refusal(Refused, server, limit=len(PICTURE) - 1)[0] == "url.large"
    server.routes["/a.jpg"] = raw(b"HTTP/1.0 200 OK\r\n\r\n" + PICTURE)
    assert picture(server, limit=len(PICTURE)) == PICTURE
    assert refusal(Refused, server, limit=len(PICTURE) - 1)[0] == "url.large"
    server.routes["/a.jpg"] = endless(b"HTTP/1.1 200 OK\r\n\r\n", b"x" * 65536, [])
    assert refusal(Refused, server, limit=1_000_000)[0] == "url.large"


def test_a_body_that_broke_off_is_no_picture(server: Receiver) -> None:
    server.routes["/a.jpg"] = raw(b"HTTP/1.1 200 OK\r\ncontent-length: 999\r\n\r\n" + PICTURE)
    assert refusal(Unavailable, server)[0] == "url.unavailable"


@pytest.mark.parametrize("status", [201, 204, 206, 300, 304, 400, 401, 403, 404, 410, 451])
def test_statuses_that_a_person_must_mend(server: Receiver, status: int) -> None:
    server.routes["/a.jpg"] = answer(status)
    assert refusal(Refused, server) == ("url.status", f"127.0.0.1 answered {status}")


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504])
def test_statuses_that_time_may_mend(server: Receiver, status: int) -> None:
    server.routes["/a.jpg"] = answer(status)
    assert refusal(Unavailable, server) == ("url.unavailable", f"127.0.0.1 answered {status}")


def test_compressed_bytes_are_not_unpacked(server: Receiver) -> None:
    server.routes["/a.jpg"] = answer(200, gzip.compress(bytes(50_000_000)), content_encoding="gzip")
    assert refusal(Refused, server)[0] == "url.encoding"
    server.routes["/a.jpg"] = answer(200, PICTURE, content_encoding="Identity")
    assert picture(server) == PICTURE


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_are_followed(server: Receiver, status: int) -> None:
    server.routes["/b"] = answer(status, b"look there", location="/a.jpg?x=1#part")
    assert picture(server, "/b") == PICTURE
    assert [asked.path for asked in server.asked] == [f"/b?token={SECRET}", "/a.jpg?x=1"]


def test_three_redirects_and_no_fourth(server: Receiver) -> None:
    server.routes |= {f"/{n}": answer(302, location=server.url(f"/{n - 1}")) for n in range(1, 5)}
    server.routes["/0"] = answer(200, PICTURE)
    assert picture(server, "/3") == PICTURE
    assert len(server.asked) == 4
    assert refusal(Refused, server, "/4") == ("url.redirects", "127.0.0.1: more than 3 redirects")
    server.routes["/loop"] = answer(302, location="/loop")
    server.asked.clear()
    assert refusal(Refused, server, "/loop")[0] == "url.redirects"
    assert len(server.asked) == 4


@pytest.mark.parametrize(
    ("place", "code"),
    [
        (f"https://169.254.169.254/{SECRET}", "url.private"),
        (f"//[::ffff:a9fe:a9fe]/{SECRET}", "url.scheme url.private"),
        (f"https://localhost/{SECRET}", "url.private"),
        (f"file:///etc/{SECRET}", "url.scheme"),
        (f"gopher://cdn.example/{SECRET}", "url.scheme"),
        (f"data:image/png;base64,{SECRET}", "url.scheme"),
        (f"http://cdn.example/{SECRET}", "url.redirects"),
        (f"https://{SECRET}@cdn.example/", "url.userinfo"),
        ("https://cdn.example:22/", "url.port"),
        ("https://2852039166/", "url.host"),
        ("http://[::1", "url.scheme"),
        ("https://cdn.example\\@x/", "url.form"),
        ("", "url.redirects"),
    ],
)
def test_redirects_that_lead_astray(server: Receiver, place: str, code: str) -> None:
    server.routes["/b"] = answer(302, location=place)
    with pytest.raises(Refused) as caught:
        picture(server, "/b")
    codes = [finding.code for finding in caught.value.findings]
    assert set(codes) <= set(code.split()) and codes[-1] == code.split()[-1]
    assert SECRET not in repr(caught.value) + repr(caught.value.findings)
    assert len(server.asked) == 1


def test_a_redirect_to_a_name_is_judged_by_its_addresses(server: Receiver) -> None:
    asked: list[str] = []

    def resolve(host: str, port: int) -> list[str]:
        asked.append(host)
        return ["9.9.9.9", "10.0.0.1"]

    server.routes["/b"] = answer(302, location="https://rebound.example/x")
    with pytest.raises(Refused) as caught:
        fetch(server.url("/b"), "photo", Limits(body=1000), Reach(server.allow, resolve=resolve))
    assert [finding.code for finding in caught.value.findings] == ["url.private"]
    assert asked == ["rebound.example"]


def test_from_https_to_http_never(server: Receiver) -> None:
    authority = trustme.CA()
    context, trust = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.create_default_context()
    authority.issue_cert("127.0.0.1").configure_cert(context)
    authority.configure_trust(trust)
    safe = Receiver(context)
    reach = Reach(server.allow | safe.allow, http=True, trust=trust)
    limits = Limits(body=1000)
    try:
        safe.routes["/a.jpg"] = answer(200, PICTURE)
        safe.routes["/there"] = answer(302, location="/a.jpg")
        assert fetch(safe.url("/there", "https"), "photo", limits, reach) == PICTURE
        safe.routes["/b"] = answer(302, location=server.url("/a.jpg"))
        with pytest.raises(Refused) as caught:
            fetch(safe.url("/b", "https"), "photo", limits, reach)
        assert [finding.code for finding in caught.value.findings] == ["url.redirects"]
        assert server.asked == []
        server.routes["/up"] = answer(302, location=safe.url("/a.jpg", "https"))
        assert fetch(server.url("/up"), "photo", limits, reach) == PICTURE
    finally:
        safe.stop()


def test_all_redirects_share_one_time(server: Receiver) -> None:
    def slow(handler: Any) -> None:
        time.sleep(0.3)
        answer(302, location="/loop")(handler)

    server.routes["/loop"] = slow
    with pytest.raises(Unavailable) as caught:
        fetch(server.url("/loop"), "photo", Limits(body=1000, wall=0.7), Reach(server.allow))
    assert "in time" in str(caught.value)


def test_judging_needs_no_http_library() -> None:
    code = "import sys, cardpipe.delivery.fetch, cardpipe.delivery.webhook; assert 'httpcore' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
