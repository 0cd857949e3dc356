"""An SFTP server as a target, on a real OpenSSH: the contract, the keys, and what goes over the line in which order."""

from __future__ import annotations

import getpass
import socket
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from cardpipe.delivery.connect import Login, connected
from cardpipe.delivery.sftp import SftpDelivery
from cardpipe.delivery.wire import Client
from cardpipe.model.errors import Refused, Unavailable
from tests.delivery.contract import NAME, DeliveryContract, Goods, Target, codes, complete, names
from tests.delivery.sshd import Sshd, free_port, keygen, require


class TestSftp(DeliveryContract):
    @pytest.fixture
    def target(self, sshd: Sshd, tmp_path: Path) -> Target:
        folder = tmp_path / "out"
        folder.mkdir()
        return Target(sshd.delivery(folder), folder)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "out"
    made.mkdir()
    return made


def _refused(delivery: SftpDelivery, folder: Path) -> list[tuple[str, str, str]]:
    """The findings of a delivery that did not even begin, and that no later call answers otherwise."""
    goods = Goods()
    with pytest.raises(Refused) as caught:
        delivery.deliver(goods.bundle(), goods.open)
    with pytest.raises(Refused):
        delivery.replies(goods.bundle())
    assert names(folder) == set()
    assert all(finding.remedy for finding in caught.value.findings)
    return [(finding.code, finding.where, finding.message) for finding in caught.value.findings]


def test_its_address_has_no_secret(sshd: Sshd, folder: Path) -> None:
    delivery = sshd.delivery(folder)
    assert delivery.address == f"sftp://{getpass.getuser()}@127.0.0.1:{sshd.port}{folder}"
    assert "secret" not in repr(Login(None, None, "secret"))


def test_synced_then_renamed_then_the_folder_synced(sshd: Sshd, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []
    ask = Client._request

    def asking(client: Client, kind: int, *words: object) -> object:
        if kind == 200:  # an extension
            seen.append(
                str(words[0]).partition("@")[0] + (" " + str(words[2]) if words[0] != "fsync@openssh.com" else "")
            )
        return ask(client, kind, *words)

    monkeypatch.setattr(Client, "_request", asking)
    goods = Goods()
    bundle = goods.bundle()
    sshd.delivery(folder).deliver(bundle, goods.open)
    wanted = ["fsync"]  # the target's folder, which has a new name in it
    for name in (*(item.name for item in bundle.files), f"{NAME}.done"):
        wanted += ["fsync"] if name.endswith(".done") else []
        wanted += ["fsync", f"posix-rename {str(folder / NAME / name).encode()}", "fsync"]
    assert seen == wanted


def test_a_server_without_extensions(sshd: Sshd, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Then nothing is synced from here, and the rename is SFTP 3's own, which never replaces."""
    monkeypatch.setattr(Client, "extensions", property(lambda client: frozenset(), lambda client, value: None))
    goods = Goods()
    with connected(sshd.target(folder), sshd.login()) as wire:
        assert wire.extensions == frozenset()
    sshd.delivery(folder).deliver(goods.bundle(), goods.open)
    complete(folder, goods.bundle(), goods)


def test_what_the_server_offers_is_known(sshd: Sshd, folder: Path) -> None:
    with connected(sshd.target(folder), sshd.login()) as wire:
        assert wire.extensions >= {"fsync@openssh.com", "posix-rename@openssh.com"}


def test_the_targets_folder_is_never_made(sshd: Sshd, folder: Path) -> None:
    goods = Goods()
    with pytest.raises(Unavailable, match="No such file"):
        sshd.delivery(folder / "misspelt").deliver(goods.bundle(), goods.open)
    assert names(folder) == set()


@pytest.mark.parametrize("kind", ["ed25519", "ecdsa", "rsa"])
def test_every_kind_of_key(tmp_path: Path, folder: Path, kind: str) -> None:
    require()
    server = Sshd(tmp_path / "server", hostkey=kind)
    try:
        key = keygen(tmp_path / "mine", kind, "open sesame")
        (server.place / "authorized").write_bytes(key.with_suffix(".pub").read_bytes())
        login = replace(server.login(), key=key, passphrase="open sesame")
        assert SftpDelivery(server.target(folder), login).replies(Goods().bundle()) == []
        wrong = SftpDelivery(server.target(folder), replace(login, passphrase="secret"))
        ((code, where, message),) = _refused(wrong, folder)
        assert (code, where) == ("delivery.key", "CARDPIPE_SFTP_KEY")
        assert "secret" not in message and "CARDPIPE_SFTP_PASSPHRASE" in message
    finally:
        server.stop()


@pytest.fixture
def stranger() -> Iterator[tuple[int, list[bytes]]]:
    """Somebody listens, and keeps what is said to him."""
    heard: list[bytes] = []
    listener = socket.create_server(("127.0.0.1", 0))

    def listen() -> None:
        while True:
            try:
                end, _ = listener.accept()
            except OSError:
                return
            heard.append(b"")
            with end:
                heard.append(end.recv(1000))

    threading.Thread(target=listen, daemon=True).start()
    yield int(listener.getsockname()[1]), heard
    listener.close()


def test_a_server_that_is_not_pinned_is_not_even_called(
    sshd: Sshd, folder: Path, stranger: tuple[int, list[bytes]]
) -> None:
    port, heard = stranger
    ((code, where, message),) = _refused(sshd.delivery(folder, port=port), folder)
    assert (code, where) == ("delivery.host_key", "CARDPIPE_SFTP_KNOWN_HOSTS")
    assert f"[127.0.0.1]:{port}" in message
    assert heard == []


def test_all_that_is_missing_is_said_at_once(sshd: Sshd, folder: Path, tmp_path: Path) -> None:
    found = _refused(SftpDelivery(sshd.target(folder), Login(None, None)), folder)
    assert [(code, where) for code, where, _ in found] == [
        ("delivery.known_hosts", "CARDPIPE_SFTP_KNOWN_HOSTS"), ("delivery.key", "CARDPIPE_SFTP_KEY"),
    ]  # fmt: skip
    (tmp_path / "nonsense").write_bytes(b"\xff\x00 nonsense")
    for path, word in ((tmp_path / "gone", "No such file"), (tmp_path, "directory"), (tmp_path / "nonsense", "no ")):
        found = _refused(SftpDelivery(sshd.target(folder), Login(path, path)), folder)
        assert len(found) == 2 and all(word in message for _, _, message in found), found


def test_another_host_key_than_the_pinned_one(sshd: Sshd, folder: Path, tmp_path: Path) -> None:
    other = keygen(tmp_path / "other").with_suffix(".pub").read_text()
    for line in (other, keygen(tmp_path / "rsa", "rsa").with_suffix(".pub").read_text()):
        (tmp_path / "pins").write_text(f"[127.0.0.1]:{sshd.port} {line}")
        before = (sshd.place / "log").read_text()
        login = replace(sshd.login(), known_hosts=tmp_path / "pins")
        ((code, where, message),) = _refused(SftpDelivery(sshd.target(folder), login), folder)
        assert (code, where) == ("delivery.host_key", sshd.target(folder).address)
        assert message.count("SHA256:") == 2
        assert "Accepted publickey" not in (sshd.place / "log").read_text().removeprefix(before)


def test_a_key_that_the_server_does_not_know(sshd: Sshd, folder: Path, tmp_path: Path) -> None:
    login = replace(sshd.login(), key=keygen(tmp_path / "unknown"))
    ((code, where, message),) = _refused(SftpDelivery(sshd.target(folder), login), folder)
    assert (code, where) == ("delivery.login", sshd.target(folder).address)
    assert "SHA256:" in message


def test_nobody_listens(sshd: Sshd, folder: Path) -> None:
    goods = Goods()
    port = free_port()
    sshd.pin(port)
    with pytest.raises(Unavailable) as caught:
        sshd.delivery(folder, port=port).deliver(goods.bundle(), goods.open)
    assert [code for code, _ in codes(caught.value)] == ["delivery.folder"]
    assert "refused" in str(caught.value)
