"""The way to an SFTP server: its key is compared with the pinned ones before anything is said, ours is the only proof
of who we are, and every step is bounded in time."""

from __future__ import annotations

import logging
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import paramiko

from cardpipe.delivery.pins import Pin, fingerprint, pins_of
from cardpipe.delivery.target import SftpTarget
from cardpipe.delivery.wire import Client, Watch, Wire, as_os_errors
from cardpipe.model.errors import Refused
from cardpipe.model.finding import Finding, error

_RSA = ("rsa-sha2-512", "rsa-sha2-256")
logging.getLogger("paramiko").addHandler(logging.NullHandler())  # what matters is raised


@dataclass(frozen=True, slots=True)
class Login:
    """How we show who we are, and whom we believe. ``patience`` is how long a server may be silent, in seconds."""

    key: Path | None
    known_hosts: Path | None
    passphrase: str = ""
    patience: float = 30.0

    def __repr__(self) -> str:
        return f"Login(key={self.key}, known_hosts={self.known_hosts})"


@contextmanager
def connected(target: SftpTarget, login: Login) -> Iterator[Wire]:
    """A session, ended afterwards. Raises Refused where a person must act: no key, no pinned host key, another host
    key than the pinned one, a login that the server denies; OSError where the server does not answer."""
    pins, key = _prepared(target, login)
    with as_os_errors():
        link = socket.create_connection((target.host, target.port), login.patience)
        try:
            transport = paramiko.Transport(link)
        except BaseException:
            link.close()
            raise
    sessions: list[paramiko.Channel] = []
    watch = Watch(
        login.patience,
        transport.close,
        lambda: not transport.is_active() or any(session.closed for session in sessions),
    )
    try:
        with as_os_errors(watch), watch:
            _shake_hands(transport, target, pins, key, login.patience)
            channel = transport.open_session(timeout=login.patience)
            channel.settimeout(login.patience)
            sessions.append(channel)
            watch.touch()
            channel.invoke_subsystem("sftp")
            client = Client(channel)
        yield Wire(client, watch)
    finally:
        watch.end()
        transport.close()
        link.close()


def _shake_hands(
    transport: paramiko.Transport, target: SftpTarget, pins: list[Pin], key: paramiko.PKey, patience: float
) -> None:
    transport.banner_timeout = transport.handshake_timeout = patience
    transport.auth_timeout = transport.channel_timeout = patience
    options = transport.get_security_options()
    wanted = [kind for pin in pins for kind in (_RSA if pin.kind == "ssh-rsa" else (pin.kind,))]
    known = [kind for kind in dict.fromkeys(wanted) if kind in options.key_types]
    options.key_types = [*known, *(kind for kind in options.key_types if kind not in known)]
    transport.start_client(timeout=patience)
    shown = transport.get_remote_server_key()
    if Pin(shown.get_name(), shown.asbytes()) not in pins:
        message = (
            f"{target.known_as} shows the host key {fingerprint(shown.asbytes())} ({shown.get_name()}), but pinned is "
            + ", ".join(f"{fingerprint(pin.blob)} ({pin.kind})" for pin in pins)
        )
        remedy = "ask the house by telephone whether its key is new; only then change CARDPIPE_SFTP_KNOWN_HOSTS"
        raise Refused(
            "the server is not the one that is pinned; nothing was said to it",
            [error("delivery.host_key", target.address, message, remedy)],
        )
    transport.set_keepalive(max(1, int(patience / 3)))
    try:
        rest = transport.auth_publickey(target.user, key)
    except paramiko.BadAuthenticationType as problem:
        rest = problem.allowed_types
    except paramiko.AuthenticationException as problem:
        if str(problem) != "Authentication failed.":  # no answer, or the line broke
            raise
        rest = ["publickey"]
    if rest:
        message = f"the server denies {target.user} with the key {key.fingerprint}"
        remedy = "have the house enter our public key for this account, and for SFTP with nothing else asked"
        raise Refused("the server denies the login", [error("delivery.login", target.address, message, remedy)])


def _prepared(target: SftpTarget, login: Login) -> tuple[list[Pin], paramiko.PKey]:
    """What must be right before a server is called at all; Refused with all that is not."""
    findings: list[Finding] = []
    pins: list[Pin] = []
    where = "CARDPIPE_SFTP_KNOWN_HOSTS"
    scan = f"ssh-keyscan -p {target.port} {target.host}"
    if login.known_hosts is None:
        remedy = f"write the line of '{scan}' into a file, compare it with what the house told you, and name the file"
        findings.append(error("delivery.known_hosts", where, "names no file with the pinned host keys", remedy))
    else:
        try:
            pins = pins_of(login.known_hosts.read_text("utf-8", "replace"), target.known_as)
            if not pins:
                message, remedy = f"pins no key of {target.known_as}", f"add '{scan}', compared with the house's word"
                findings.append(error("delivery.host_key", where, message, remedy))
        except OSError as problem:
            message = f"cannot be read: {problem.strerror}"
            findings.append(error("delivery.known_hosts", where, message, "name a file that can be read"))
    key = _private_key(login, findings)
    if findings or key is None:
        raise Refused("the SFTP target cannot be used as it is set up; the server was not called", findings)
    return pins, key


def _private_key(login: Login, findings: list[Finding]) -> paramiko.PKey | None:
    where = "CARDPIPE_SFTP_KEY"
    if login.key is None:
        remedy = "name a private key's file; 'ssh-keygen -t ed25519 -f FILE' makes one, FILE.pub is for the house"
        findings.append(error("delivery.key", where, "names no private key", remedy))
        return None
    try:
        return paramiko.PKey.from_path(login.key, login.passphrase.encode() or None)
    except OSError as problem:
        message = f"cannot be read: {problem.strerror or type(problem).__name__}"
        findings.append(error("delivery.key", where, message, "name a file that can be read"))
    except Exception:  # the library lets through whatever its parsers raise; none of it says more to a person
        message = "holds no private key that opens with CARDPIPE_SFTP_PASSPHRASE"
        remedy = "give an Ed25519, ECDSA or RSA key in OpenSSH's or PEM form, and its passphrase if it has one"
        findings.append(error("delivery.key", where, message, remedy))
    return None
