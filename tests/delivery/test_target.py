"""Addresses of targets, pinned keys and answers as text: what is read, what is refused, what is never repeated."""

from __future__ import annotations

import base64
import subprocess
from pathlib import Path

import pytest

from cardpipe.delivery.answers import clean
from cardpipe.delivery.folder import FolderDelivery
from cardpipe.delivery.pins import Pin, fingerprint, pins_of
from cardpipe.delivery.target import SftpTarget, parse
from cardpipe.model.errors import Refused
from cardpipe.settings import Settings, settings
from cardpipe.wiring import Shop
from tests.delivery.sshd import keygen


@pytest.mark.parametrize(
    ("written", "meant", "address"),
    [
        ("file:///srv/out", Path("/srv/out"), "file:///srv/out"),
        ("file://localhost/srv//out/", Path("/srv/out"), "file:///srv/out"),
        ("file:///srv/our%20house", Path("/srv/our house"), "file:///srv/our%20house"),
        ("sftp://cards@House.example/in/", SftpTarget("cards", "house.example", 22, "/in"), "sftp://cards@house.example/in"),
        ("sftp://c@h:22/in/a", SftpTarget("c", "h", 22, "/in/a"), "sftp://c@h/in/a"),
        ("sftp://c@h:2222//in", SftpTarget("c", "h", 2222, "/in"), "sftp://c@h:2222/in"),
        ("sftp://c@[::1]:2222/in%20a", SftpTarget("c", "::1", 2222, "/in a"), "sftp://c@[::1]:2222/in%20a"),
        ("sftp://c%40firm@h/in", SftpTarget("c@firm", "h", 22, "/in"), "sftp://c%40firm@h/in"),
    ],
)  # fmt: skip
def test_addresses(tmp_path: Path, written: str, meant: Path | SftpTarget, address: str) -> None:
    assert parse(written) == meant
    assert parse(address) == meant
    assert Shop(Settings(data=tmp_path)).delivery(written).address == address


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ("", ["no delivery target is given"]),
        ("/srv/out", ["neither file:// nor sftp://"]),
        ("out", ["neither"]),
        ("ftp://c@h/in", ["neither"]),
        ("https://h/in", ["neither"]),
        ("file://house/srv", ["another machine"]),
        ("file:///", ["no folder"]),
        ("file:///a/../../etc", [".."]),
        ("file:///a/%2e%2e/etc", [".."]),
        ("file:///a?b", ["'?'"]),
        ("file:///a%00b", ["printed"]),
        ("file:///a\nb", ["printed"]),
        ("sftp://h/in", ["no user"]),
        ("sftp://c@/in", ["no host"]),
        ("sftp://c@h", ["no folder"]),
        ("sftp://c@h/~/in", ["~"]),
        ("sftp://c@h:port/in", ["cannot be read"]),
        ("sftp://c@h:99999/in", ["cannot be read"]),
        ("sftp://c@[::1/in", ["cannot be read"]),
        ("sftp://c@*.example/in", ["no host"]),
        ("sftp://c:hunter2@h/in#x", ["password", "'#'"]),
        ("sftp://:hunter2@/..", ["password", "no user", "no host", "..", "no folder"]),
    ],
)
def test_addresses_that_are_none(tmp_path: Path, written: str, words: list[str]) -> None:
    with pytest.raises(Refused) as caught:
        Shop(Settings(data=tmp_path)).delivery(written)
    assert len(caught.value.findings) == len(words)
    for word in words:
        assert [finding for finding in caught.value.findings if word in finding.message and finding.remedy], word
    assert "hunter2" not in repr(caught.value.findings) + str(caught.value)


def test_the_shop_knows_the_usual_target(tmp_path: Path) -> None:
    shop = Shop(Settings(data=tmp_path, delivery="sftp://cards@house.example/in", sftp_key=tmp_path / "key"))
    assert shop.delivery().address == "sftp://cards@house.example/in"
    assert shop.delivery("file:///srv/out").address == "file:///srv/out"
    assert isinstance(shop.delivery("file:///srv/out"), FolderDelivery)


def test_settings_are_judged_at_once_and_keep_their_secrets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CARDPIPE_DATA", str(tmp_path))
    monkeypatch.setenv("CARDPIPE_SFTP_PASSPHRASE", "hunter2")
    monkeypatch.setenv("CARDPIPE_SFTP_KEY", "")
    settings.cache_clear()
    try:
        good = settings()
        assert (good.sftp_key, good.sftp_known_hosts, good.delivery) == (None, None, "")
        assert good.sftp_passphrase.get_secret_value() == "hunter2" and "hunter2" not in repr(good)
        for written, word in {
            "sftp://c:hunter2@h/in": "password", "s3://bucket": "file:///FOLDER", "/srv/out": "file:///FOLDER",
            "file:/srv": "file:///FOLDER", "sftp://[::1/in": "cannot be read",
        }.items():  # fmt: skip
            monkeypatch.setenv("CARDPIPE_DELIVERY", written)
            settings.cache_clear()
            with pytest.raises(Refused) as caught:
                settings()
            (found,) = caught.value.findings
            assert found.where == "CARDPIPE_DELIVERY" and word in found.message
            assert "hunter2" not in repr(found)
    finally:
        settings.cache_clear()


def test_pins(tmp_path: Path) -> None:
    one, two, three = (
        " ".join(keygen(tmp_path / str(number)).with_suffix(".pub").read_text().split()[:2]) for number in range(3)
    )
    file = tmp_path / "known_hosts"
    file.write_text(
        f"# the house\n\nhouse.example,10.0.0.1 {one} comment\n[house.example]:2222 {two}\n"
        f"house.example {three}\n@revoked house.example {three}\n@cert-authority house.example {two}\n"
        f"*.example {two}\n!house.example {two}\nhouse.example ssh-ed25519 no-base64!\nhouse.example\n"
    )
    kept = pins_of(file.read_text(), "House.example")
    assert [f"{pin.kind} {_text(pin)}" for pin in kept] == [one]
    assert [f"{pin.kind} {_text(pin)}" for pin in pins_of(file.read_text(), "[house.example]:2222")] == [two]
    assert pins_of(file.read_text(), "other.example") == []
    said = subprocess.run(["ssh-keygen", "-lf", tmp_path / "0.pub"], capture_output=True, text=True, check=True).stdout
    assert fingerprint(kept[0].blob) in said
    file.write_text(f"house.example,10.0.0.1 {one}\n")
    subprocess.run(["ssh-keygen", "-q", "-H", "-f", file], check=True, capture_output=True)  # names become hashes
    assert "10.0.0.1" not in file.read_text()
    assert pins_of(file.read_text(), "house.example") == kept
    assert pins_of("|1|bad ssh-ed25519 AAAA\n|1|a|b|c ssh-ed25519 AAAA\n", "house.example") == []


def _text(pin: Pin) -> str:
    return base64.b64encode(pin.blob).decode()


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"", ""),
        (b"\xef\xbb\xbfok\r\n", "ok"),
        (b"a\x00b\x1b[2Jc\x7f", "ab[2Jc"),
        ("abc\u202edef\u200bghi\u2028jkl\tm".encode(), "abcdefghijkl m"),
        ("Łódź 日本 👍".encode(), "Łódź 日本 👍"),
        (b"\xff\xfe", "��"),
        (b"x" * 9000, "x" * 2000),
    ],
)
def test_a_strangers_words(data: bytes, text: str) -> None:
    assert clean(data) == text
