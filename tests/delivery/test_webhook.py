"""Signed events to receivers that answer, refuse, hang, close, redirect or talk without end."""

from __future__ import annotations

import base64
import datetime as dt
import email.utils
import json
import time
from collections.abc import Iterator
from itertools import pairwise

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from cardpipe.delivery.guarded import Limits, Reach
from cardpipe.delivery.webhook import post, send
from cardpipe.model.errors import Bug
from cardpipe.model.outbox import Answer
from cardpipe.model.webhook import SCHEDULE, next_delay, shown, sign
from tests.delivery.receiver import Receiver, answer, endless, raw

OLD, NEW = bytes(range(24)), bytes(range(64))
BODY = json.dumps({"type": "piece.printed", "note": "Grüße"}, ensure_ascii=False).encode()
QUICK = Limits(body=4096, connect=0.3, read=0.3, wall=0.6, whole=False)
SECRET = "sesame"


@pytest.fixture
def server() -> Iterator[Receiver]:
    server = Receiver()
    yield server
    server.stop()


def sent(server: Receiver, path: str = "/hook", **headers: str) -> Answer:
    return post(server.url(path) + f"?token={SECRET}", headers, BODY, allow=server.allow)


def now() -> int:
    return int(time.time())


def test_signatures_are_what_others_expect() -> None:
    headers = sign([NEW, OLD], "evt_1", now(), BODY)
    for secret in (OLD, NEW):
        assert Webhook(shown(secret)).verify(BODY, headers) == json.loads(BODY)
    with pytest.raises(WebhookVerificationError, match="matching"):
        Webhook(shown(bytes(32))).verify(BODY, headers)
    alone = sign([NEW], "evt_1", now(), BODY)
    with pytest.raises(WebhookVerificationError, match="matching"):
        Webhook(shown(OLD)).verify(BODY, alone)
    assert headers["webhook-signature"].split(" ")[0] == alone["webhook-signature"]
    assert headers["webhook-signature"].count("v1,") == 2


def test_the_example_of_the_specification() -> None:
    """Made with the reference library for this id, time and body, and written down."""
    secret = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    headers = sign([secret], "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')
    assert headers == {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }


@pytest.mark.parametrize("change", ["body", "webhook-id", "webhook-timestamp", "webhook-signature"])
def test_whatever_is_tampered_with_is_seen(change: str) -> None:
    headers, body = sign([OLD], "evt_1", now(), BODY), BODY
    if change == "body":
        body = BODY.replace(b"printed", b"mailed")
    elif change == "webhook-timestamp":
        headers[change] = str(int(headers[change]) + 1)
    elif change == "webhook-id":
        headers[change] = "evt_2"
    else:
        headers[change] = "v1," + base64.b64encode(bytes(32)).decode()
    with pytest.raises(WebhookVerificationError, match="matching"):
        Webhook(shown(OLD)).verify(body, headers)


def test_old_ones_are_refused() -> None:
    for age in (dt.timedelta(minutes=15), dt.timedelta(minutes=-15)):
        headers = sign([OLD], "evt_1", int(now() - age.total_seconds()), BODY)
        with pytest.raises(WebhookVerificationError, match="too"):
            Webhook(shown(OLD)).verify(BODY, headers)


def test_secrets_as_their_owners_see_them() -> None:
    for secret in (OLD, NEW, b"\xfb\xff" * 16):
        assert shown(secret).startswith("whsec_")
        assert base64.b64decode(shown(secret).removeprefix("whsec_"), validate=True) == secret


def test_what_cannot_be_signed() -> None:
    for secrets in ([], [b""], [OLD, bytes(23)]):
        with pytest.raises(Bug):
            sign(secrets, "evt_1", 1, b"")
    for message_id in ("", "evt.1", "evt 1", "evt\r\n1", "é"):
        with pytest.raises(Bug):
            sign([OLD], message_id, 1, b"")


def test_a_receiver_can_verify_what_arrives(server: Receiver) -> None:
    server.routes["/hook"] = answer(200, b"thanks")
    got = sent(server, **sign([OLD], "evt_1", now(), BODY))
    assert (got.status, got.words, got.retry_after) == (200, "thanks", None)
    assert got.well and got.status != 410 and 0 <= got.seconds < 5
    (asked,) = server.asked
    assert (asked.method, asked.body, asked.headers["content-type"]) == ("POST", BODY, "application/json")
    assert Webhook(shown(OLD)).verify(asked.body, dict(asked.headers)) == json.loads(BODY)


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_every_2xx_is_a_yes(server: Receiver, status: int) -> None:
    server.routes["/hook"] = answer(status)
    assert sent(server).well


@pytest.mark.parametrize("status", [400, 404, 410, 429, 500, 503])
def test_every_other_is_a_no_and_410_is_for_ever(server: Receiver, status: int) -> None:
    server.routes["/hook"] = answer(status, "nein\x00\x1b[31m\r\n\tdanke\u202e".encode())
    got = sent(server)
    assert (got.status, got.words, got.well) == (status, "nein[31m danke", False)


def test_a_redirect_is_an_answer_and_not_followed(server: Receiver) -> None:
    server.routes |= {"/hook": answer(307, b"there", location="/other"), "/other": answer(200)}
    got = sent(server)
    assert (got.status, got.well) == (307, False)
    assert "redirects are not followed" in got.words
    assert [asked.path.partition("?")[0] for asked in server.asked] == ["/hook"]


def test_ten_megabytes_of_answer_are_not_read(server: Receiver) -> None:
    server.routes["/hook"] = answer(200, "ä".encode() * 5_000_000)
    got = sent(server)
    assert (got.status, got.words) == (200, "ä" * 500)
    written: list[int] = []
    server.routes["/hook"] = endless(b"HTTP/1.1 500 Oops\r\n\r\n", b"x" * 65536, written)
    assert (sent(server).status, sum(written) < 20_000_000) == (500, True)


def test_compressed_words_are_not_unpacked(server: Receiver) -> None:
    server.routes["/hook"] = answer(200, b"\x1f\x8b" + bytes(100), content_encoding="gzip")
    assert sent(server).words == "an answer in another encoding than was asked for"


def test_one_that_hangs_is_given_up(server: Receiver) -> None:
    server.routes["/hook"] = raw(over=server.over)
    began = time.monotonic()
    got = send(server.url("/hook"), {}, BODY, QUICK, Reach(server.allow))
    assert (got.status, got.words, got.well) == (None, "127.0.0.1 did not answer in time", False)
    assert 0.2 < got.seconds <= time.monotonic() - began < 4


def test_a_status_counts_although_its_body_never_ends(server: Receiver) -> None:
    """Else a yes would be sent again, and again."""
    server.routes |= {
        "/drip": endless(b"HTTP/1.1 200 OK\r\n\r\n", b"x", [], every=0.05),
        "/stuck": raw(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf", over=server.over),
        "/cut": raw(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf"),
    }
    for path in ("/drip", "/stuck", "/cut"):
        got = send(server.url(path), {}, BODY, QUICK, Reach(server.allow))
        assert got.well and got.words.startswith(("xxx", "half"))


def test_one_that_closes_or_is_not_there(server: Receiver) -> None:
    server.routes["/hook"] = raw()
    got = sent(server)
    assert got.status is None and "broke off" in got.words
    server.stop()
    got = sent(server)
    assert got.status is None and got.words == "127.0.0.1 refuses connections"
    assert SECRET not in repr(got)


def test_a_private_receiver_is_an_answer_too(server: Receiver) -> None:
    got = post(server.url("/hook"), {}, BODY)
    assert got.status is None and "public" in got.words and server.asked == []
    rebound = Reach(resolve=lambda host, port: ["9.9.9.9", "::1"])
    got = send(f"https://crm.example/{SECRET}", {}, BODY, QUICK, rebound)
    assert (got.status, got.words) == (None, "crm.example does not lead to a public address only")


@pytest.mark.parametrize(
    ("said", "least", "most"),
    [
        ("120", 120, 120),
        ("0", 0, 0),
        ("999999", 86_400, 86_400),
        ("DATE", 50, 61),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 0, 0),
    ],
)
def test_retry_after(server: Receiver, said: str, least: float, most: float) -> None:
    date = email.utils.formatdate(time.time() + 60, usegmt=True)
    server.routes["/hook"] = answer(503, retry_after=said.replace("DATE", date))
    got = sent(server).retry_after
    assert got is not None and least <= got <= most


@pytest.mark.parametrize("said", ["", "-1", "soon", "1.5", "12 s", "99999999999999999999", "Wed, 99 Foo 2015"])
def test_retry_after_that_says_nothing(server: Receiver, said: str) -> None:
    server.routes["/hook"] = answer(503, retry_after=said)
    assert sent(server).retry_after is None


def test_the_schedule_is_the_specifications_give_or_take_a_tenth() -> None:
    assert SCHEDULE == (0, 5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400)
    for attempt, seconds in enumerate(SCHEDULE):
        drawn = [next_delay(attempt, f"evt_{n}") for n in range(200)]
        found = [delay for delay in drawn if delay is not None]
        assert len(found) == 200 and all(0.9 * seconds <= delay <= 1.1 * seconds for delay in found)
        assert drawn == [next_delay(attempt, f"evt_{n}") for n in range(200)], "the same key, the same wait"
        if seconds:
            assert min(found) < 0.92 * seconds and max(found) > 1.08 * seconds and len(set(found)) == 200
    assert next_delay(len(SCHEDULE), "evt_1") is None
    ratios = [(next_delay(n, "evt_1") or 0) / SCHEDULE[n] for n in range(1, len(SCHEDULE))]
    assert all(one != other for one, other in pairwise(ratios))
