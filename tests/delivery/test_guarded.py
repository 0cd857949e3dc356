"""The way out against real servers: bounded in bytes and seconds, tied to the judged address, silent about secrets."""

from __future__ import annotations

import gc
import gzip
import logging
import socket
import ssl
import threading
import time
import traceback
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme

from cardpipe import __version__
from cardpipe.delivery.guarded import Limits, Reach, Received, call
from cardpipe.delivery.reach import target_of
from cardpipe.model.errors import Bug, CardpipeError, Refused, Unavailable
from tests.delivery.receiver import Receiver, answer, endless, raw

LIMITS = Limits(body=100_000, head=20_000, connect=2.0, read=2.0, wall=5.0)
QUICK = Limits(body=100_000, connect=0.3, read=0.3, wall=0.8)
CALL = b"HTTP/1.1 200 OK\r\n"
SECRET = "sesame"


@pytest.fixture(scope="module")
def server() -> Iterator[Receiver]:
    server = Receiver()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def tls(authority: trustme.CA) -> Iterator[Receiver]:
    """A server that proves to be cdn.example."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("cdn.example").configure_cert(context)
    server = Receiver(context)
    yield server
    server.stop()


def ask(server: Receiver, path: str = "/", limits: Limits = LIMITS, **more: Any) -> Received:
    target = target_of(server.url(path) + f"?token={SECRET}", "photo", allow=server.allow)
    return call(target, "photo", limits, Reach(server.allow), **({"headers": {}} | more))


def refusal(kind: type[CardpipeError], asking: Callable[..., object], *given: Any, **more: Any) -> tuple[str, str]:
    """Code and message of the only finding; neither path nor query is ever told."""
    with pytest.raises(kind) as caught:
        asking(*given, **more)
    text = repr(caught.value) + str(caught.value) + repr(caught.value.findings)
    assert SECRET not in text and "/" not in text.replace("HOST/PATH", "")
    (finding,) = caught.value.findings
    assert finding.where == "photo" and finding.remedy
    return finding.code, finding.message


def named(
    server: Receiver, authority: trustme.CA | None, host: str = "cdn.example", limits: Limits = LIMITS
) -> Received:
    """The TLS server by a name that leads to this machine."""
    trust = ssl.create_default_context()
    if authority:
        authority.configure_trust(trust)
    allow = frozenset({f"{host}:{server.port}"})
    target = target_of(server.url("/a.jpg", "https", host), "photo", allow=allow)
    return call(
        target, "photo", limits, Reach(allow, resolve=lambda host, port: ["127.0.0.1"], trust=trust), headers={}
    )


def test_an_answer_and_what_was_asked(server: Receiver) -> None:
    server.routes["/a.jpg"] = answer(200, b"bytes", X_Odd="Grüße")
    server.asked.clear()
    got = ask(server, "/a.jpg", headers={"accept": "image/*"})
    assert (got.status, got.body, got.fault) == (200, b"bytes", None)
    assert got.headers["content-length"] == "5"
    (asked,) = server.asked
    assert (asked.method, asked.path) == ("GET", f"/a.jpg?token={SECRET}")
    assert {name.lower(): value for name, value in asked.headers.items()} == {
        "host": f"127.0.0.1:{server.port}",
        "user-agent": f"cardpipe/{__version__}",
        "accept-encoding": "identity",
        "connection": "close",
        "accept": "image/*",
    }


def test_a_body_is_sent_whole_with_its_length(server: Receiver) -> None:
    server.routes["/hook"] = answer(204)
    server.asked.clear()
    body = bytes(range(256)) * 4000
    assert ask(server, "/hook", method="POST", body=body, headers={"content-type": "a/b"}).status == 204
    assert (server.asked[0].method, server.asked[0].body) == ("POST", body)


def test_the_environment_is_not_asked(server: Receiver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    proxy = Receiver()
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, proxy.url(""))
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login me password sesame\n")
    (tmp_path / ".netrc").chmod(0o600)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    server.routes["/a.jpg"] = answer(200, b"direct")
    server.asked.clear()
    assert ask(server, "/a.jpg").body == b"direct"
    assert "authorization" not in server.asked[0].headers
    assert proxy.asked == []
    proxy.stop()


def test_nothing_is_called_before_every_address_is_judged(server: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    """Re-binding: one private among public ones; and no second question, whose answer could be another."""
    called: list[str] = []

    def nobody(place: tuple[str, int], timeout: float) -> socket.socket:
        called.append(place[0])
        raise ConnectionRefusedError

    monkeypatch.setattr(socket, "create_connection", nobody)
    answers = iter([["9.9.9.9", "127.0.0.1"], ["9.9.9.9", "2620:fe::9"], ["127.0.0.1"]])
    target = target_of("https://cdn.example/", "photo")
    reach = Reach(resolve=lambda host, port: next(answers))
    given = (call, target, "photo", LIMITS, reach)
    assert refusal(Refused, *given, headers={})[0] == "url.private"
    assert called == []
    assert refusal(Unavailable, *given, headers={}) == ("url.unavailable", "cdn.example refuses connections")
    assert called == ["9.9.9.9", "2620:fe::9"]
    assert refusal(Refused, *given, headers={})[0] == "url.private"
    assert called == ["9.9.9.9", "2620:fe::9"]


def test_a_public_name_is_called_at_the_judged_address_and_proves_itself(
    tls: Receiver, authority: trustme.CA, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without any allow list; only the last step, the wire itself, is laid to this machine."""
    connect, called = socket.create_connection, []

    def wire(place: tuple[str, int], timeout: float) -> socket.socket:
        called.append(place)
        return connect(("127.0.0.1", tls.port), timeout)

    monkeypatch.setattr(socket, "create_connection", wire)
    trust = ssl.create_default_context()
    authority.configure_trust(trust)
    tls.routes["/a.jpg"] = answer(200, b"proven")
    asked: list[str] = []

    def resolve(host: str, port: int) -> list[str]:
        asked.append(host)
        return ["9.9.9.9"] if len(asked) == 1 else ["127.0.0.1"]

    got = call(
        target_of("https://cdn.example/a.jpg", "photo"),
        "photo",
        LIMITS,
        Reach(resolve=resolve, trust=trust),
        headers={},
    )
    assert got.body == b"proven"
    assert (called, asked) == ([("9.9.9.9", 443)], ["cdn.example"])
    assert tls.asked[-1].headers["host"] == "cdn.example"


def test_tls_proves_the_name(tls: Receiver, authority: trustme.CA) -> None:
    tls.routes["/a.jpg"] = answer(200, b"proven")
    assert named(tls, authority).body == b"proven"
    before = len(tls.asked)
    code, message = refusal(Refused, named, tls, authority, "other.example")
    assert code == "url.certificate" and "other.example" in message and "mismatch" in message
    assert refusal(Refused, named, tls, None)[0] == "url.certificate"
    assert refusal(Refused, named, tls, trustme.CA())[0] == "url.certificate"
    assert len(tls.asked) == before, "nothing is said to a server that is not the one"


def test_a_body_that_somebody_cut_under_tls_is_not_a_whole_one(tls: Receiver, authority: trustme.CA) -> None:
    """Without a length the end of the line is the end of the body, and only TLS can tell whose end it was."""
    tls.routes["/a.jpg"] = raw(CALL + b"\r\nhalf a pict")
    got = named(tls, authority)
    assert isinstance(got.fault, Unavailable)


def test_a_server_without_tls_and_one_that_never_shakes_hands(server: Receiver) -> None:
    assert refusal(Unavailable, named, server, None)[0] == "url.unavailable"
    with socket.create_server(("127.0.0.1", 0)) as silent:
        server_like = Receiver.__new__(Receiver)
        server_like.port = silent.getsockname()[1]
        began = time.monotonic()
        assert "in time" in refusal(Unavailable, named, server_like, None, limits=QUICK)[1]
        assert time.monotonic() - began < 4


def test_nobody_there(server: Receiver) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    allow = frozenset({f"127.0.0.1:{port}", "cdn.example:443"})
    closed = target_of(f"http://127.0.0.1:{port}/", "photo", allow=allow)
    assert "refuses" in refusal(Unavailable, call, closed, "photo", LIMITS, Reach(allow), headers={})[1]

    def unknown(host: str, port: int) -> list[str]:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    named = target_of("https://cdn.example/", "photo")
    for resolve in (unknown, lambda host, port: []):
        told = refusal(Unavailable, call, named, "photo", LIMITS, Reach(resolve=resolve), headers={})
        assert told == ("url.unavailable", "cdn.example is not found in the DNS")
    over = threading.Event()
    slow = Reach(resolve=lambda host, port: ["9.9.9.9"] * over.wait(20))
    assert "in time" in refusal(Unavailable, call, named, "photo", QUICK, slow, headers={})[1]
    over.set()


@pytest.mark.parametrize("declared", [True, False])
def test_a_large_body_ends_where_the_limit_is(server: Receiver, declared: bool) -> None:
    body = b"x" * LIMITS.body
    head = CALL + (b"content-length: %d\r\n" % len(body) if declared else b"") + b"\r\n"
    server.routes["/a.jpg"] = raw(head, body)
    assert ask(server, "/a.jpg").body == body and ask(server, "/a.jpg").fault is None
    server.routes["/a.jpg"] = raw(head.replace(b"100000", b"100001"), body, b"x")
    got = ask(server, "/a.jpg")
    assert isinstance(got.fault, Refused) and got.fault.findings[0].code == "url.large"
    assert "100,000 bytes" in got.fault.findings[0].message and "127.0.0.1" in got.fault.findings[0].message


@pytest.mark.parametrize(
    ("head", "part"),
    [(b"\r\n", b"x" * 65536), (b"transfer-encoding: chunked\r\n\r\n", b"400\r\n" + b"x" * 1024 + b"\r\n")],
)
def test_an_endless_body_is_cut(server: Receiver, head: bytes, part: bytes) -> None:
    sent: list[int] = []
    server.routes["/a.jpg"] = endless(CALL + head, part, sent)
    got = ask(server, "/a.jpg")
    assert isinstance(got.fault, Refused) and got.fault.findings[0].code == "url.large"
    assert len(got.body) == LIMITS.body
    assert wait(lambda: still(sent)), "the line is closed, so that the server stops"
    assert sum(sent) < 20_000_000


def test_a_gzip_bomb_stays_as_small_as_it_came(server: Receiver) -> None:
    bomb = gzip.compress(bytes(50_000_000))
    assert len(bomb) < LIMITS.body
    server.routes["/a.jpg"] = answer(200, bomb, content_encoding="gzip")
    got = ask(server, "/a.jpg")
    assert (got.body, got.headers["content-encoding"]) == (bomb, "gzip")


@pytest.mark.parametrize("lines", [b"x-long: " + b"x" * 1_000_000 + b"\r\n", b"x-many: x\r\n" * 5_000])
def test_huge_headers_are_refused(server: Receiver, lines: bytes) -> None:
    server.routes["/a.jpg"] = raw(CALL + lines + b"\r\nbody")
    code, message = refusal(Refused, ask, server, "/a.jpg")
    assert code == "url.large" and "20,000" in message
    server.routes["/a.jpg"] = raw(CALL + b"x-long: " + b"x" * 15_000 + b"\r\n\r\n", b"y" * 50_000)
    assert ask(server, "/a.jpg").body == b"y" * 50_000


def test_endless_news_before_the_answer_are_headers_too(server: Receiver) -> None:
    sent: list[int] = []
    server.routes["/a.jpg"] = endless(b"", b"HTTP/1.1 103 Early Hints\r\n\r\n", sent)
    assert refusal(Refused, ask, server, "/a.jpg")[0] == "url.large"


def test_silence_slow_heads_and_slow_bodies_end_in_time(server: Receiver) -> None:
    sent: list[int] = []
    server.routes |= {
        "/silent": raw(over=server.over),
        "/slow-head": endless(CALL, b"x-drip: x\r\n", sent, every=0.05),
        "/slow-body": endless(CALL + b"\r\n", b"x", sent, every=0.05),
        "/stuck-body": raw(CALL + b"content-length: 10\r\n\r\nhalf", over=server.over),
    }
    for path in ("/silent", "/slow-head"):
        began = time.monotonic()
        assert "did not answer in time" in refusal(Unavailable, ask, server, path, QUICK)[1]
        assert time.monotonic() - began < 4
    began = time.monotonic()
    patient = Limits(body=100_000, connect=30.0, read=30.0, wall=0.5)
    assert "did not answer in time" in refusal(Unavailable, ask, server, "/silent", patient)[1]
    assert time.monotonic() - began < 4, "the wall stands in every single wait"
    for path, least in (("/slow-body", 5), ("/stuck-body", 4)):
        began = time.monotonic()
        got = ask(server, path, QUICK)
        assert got.status == 200 and isinstance(got.fault, Unavailable) and len(got.body) >= least
        assert time.monotonic() - began < 4


def test_a_receiver_that_does_not_listen_does_not_hold_the_caller() -> None:
    """It takes the connection and never reads: the body stays in the buffers, and the wall comes."""
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        allow = frozenset({f"127.0.0.1:{deaf.getsockname()[1]}"})
        target = target_of(f"http://127.0.0.1:{deaf.getsockname()[1]}/", "photo", allow=allow)
        began = time.monotonic()
        more = {"headers": {}, "method": "POST", "body": bytes(30_000_000)}
        assert "in time" in refusal(Unavailable, call, target, "photo", QUICK, Reach(allow), **more)[1]
        assert time.monotonic() - began < 4


@pytest.mark.parametrize(
    "said",
    [b"", b"HTT", b"220 mail.example ESMTP\r\n", CALL + b"content-length: 1\r\ncontent-length: 2\r\n\r\nx", CALL + b"half a he"],
)  # fmt: skip
def test_what_is_not_http(server: Receiver, said: bytes) -> None:
    server.routes["/a.jpg"] = raw(said)
    assert refusal(Unavailable, ask, server, "/a.jpg")[0] == "url.unavailable"


def test_a_body_that_breaks_off_is_told(server: Receiver) -> None:
    server.routes["/a.jpg"] = raw(CALL + b"content-length: 10\r\n\r\nhalf")
    got = ask(server, "/a.jpg")
    assert isinstance(got.fault, Unavailable) and (got.status, got.body) == (200, b"half")


def test_only_a_200_has_a_body_that_matters_to_whom_wants_all_of_it(server: Receiver) -> None:
    server.routes["/a.jpg"] = answer(404, b"not here")
    assert ask(server, "/a.jpg").body == b""
    part = Limits(body=3, whole=False)
    got = ask(server, "/a.jpg", part)
    assert (got.status, got.body) == (404, b"not")


def test_headers_of_ours_that_cannot_be_written_are_our_fault(server: Receiver) -> None:
    with pytest.raises(Bug) as caught:
        ask(server, headers={"webhook-signature": f"{SECRET}\r\nx: y"})
    assert SECRET not in repr(caught.value) + "".join(traceback.format_exception(caught.value))


def test_the_library_keeps_headers_out_of_the_logs(server: Receiver, caplog: pytest.LogCaptureFixture) -> None:
    server.routes["/a.jpg"] = answer(200, b"", X_Token=SECRET)
    caplog.set_level(logging.DEBUG)
    ask(server, "/a.jpg", headers={"authorization": SECRET})
    assert SECRET not in caplog.text


def test_no_line_stays_open(server: Receiver) -> None:
    server.routes["/a.jpg"] = answer(200, b"x" * 200_000)
    gc.collect()  # what another test has left open is not ours to tell
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        assert ask(server, "/a.jpg").fault
        assert ask(server, "/other").status == 404
        refusal(Unavailable, named, server, None)
        gc.collect()
    assert [str(one.message) for one in seen if issubclass(one.category, ResourceWarning)] == []


def still(sent: list[int]) -> bool:
    before = len(sent)
    time.sleep(0.2)
    return len(sent) == before


def wait(met: Callable[[], bool]) -> bool:
    ends = time.monotonic() + 5
    while time.monotonic() < ends:
        if met():
            return True
        time.sleep(0.02)
    return False
