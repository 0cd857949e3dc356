"""From names to addresses: all are judged, none is called that was not."""

from __future__ import annotations

import socket
import threading
import time

import pytest

from cardpipe.delivery.names import addresses, ask_dns
from cardpipe.delivery.reach import Target, target_of
from cardpipe.model.errors import Refused

TARGET = target_of("https://cdn.example/", "photo")


def found(*answer: str, target: Target = TARGET) -> list[str]:
    return addresses(target, "photo", lambda host, port: answer, 5.0)


def test_all_public_ones_are_tried_in_turns_of_their_kinds() -> None:
    assert found("9.9.9.9") == ["9.9.9.9"]
    assert found("2620:fe::9", "2620:fe::fe", "2620:fe::9", "9.9.9.9") == ["2620:fe::9", "9.9.9.9", "2620:fe::fe"]
    assert found("9.9.9.9", "1.1.1.1", "2620:fe::9") == ["9.9.9.9", "2620:fe::9", "1.1.1.1"]


@pytest.mark.parametrize(
    "odd", ["127.0.0.1", "10.0.0.1", "169.254.169.254", "::1", "::ffff:9.9.9.9", "64:ff9b::909:909", "fe80::1%eth0", "0177.0.0.1", ""]
)  # fmt: skip
def test_one_that_is_not_public_refuses_all(odd: str) -> None:
    for answer in ([odd], ["9.9.9.9", odd], [odd, "9.9.9.9"]):
        with pytest.raises(Refused) as caught:
            found(*answer)
        (finding,) = caught.value.findings
        assert (finding.code, finding.where) == ("url.private", "photo")
        assert "cdn.example" in finding.message and not (odd and odd in finding.message)


def test_an_allowed_one_may_lead_anywhere() -> None:
    target = target_of("http://crm:8000/", "url", allow=frozenset({"crm:8000"}))
    assert found("10.0.0.1", "::1", target=target) == ["10.0.0.1", "::1"]


def test_a_literal_is_not_asked_for() -> None:
    def never(host: str, port: int) -> list[str]:
        raise AssertionError

    assert addresses(target_of("https://9.9.9.9/", "photo"), "photo", never, 5.0) == ["9.9.9.9"]
    hidden = Target("https", "127.0.0.1", 443, "/")  # whoever made it without target_of
    with pytest.raises(Refused):
        addresses(hidden, "photo", never, 5.0)


def test_a_resolver_that_knows_nothing_or_takes_too_long() -> None:
    with pytest.raises(socket.gaierror):
        found()
    over = threading.Event()
    began = time.monotonic()
    with pytest.raises(TimeoutError):
        addresses(TARGET, "photo", lambda host, port: ["9.9.9.9"] if over.wait(20) else [], 0.2)
    over.set()
    assert time.monotonic() - began < 5


def test_this_machine_finds_itself() -> None:
    assert "127.0.0.1" in ask_dns("localhost", 443)
    with pytest.raises(Refused):
        addresses(Target("https", "localhost", 443, "/"), "photo", ask_dns, 5.0)
