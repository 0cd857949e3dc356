"""Which host keys a server may show: the lines of a ``known_hosts`` file (sshd(8), "SSH_KNOWN_HOSTS FILE FORMAT").

Only whole names count, plain or hashed. A pattern, a ``!`` and a certificate authority pin nothing: a line that is not
understood must never let a server in.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from dataclasses import dataclass

_HASHED = "|1|"


@dataclass(frozen=True, slots=True)
class Pin:
    """A public key as the file spells it."""

    kind: str  # ssh-ed25519, ssh-rsa, ecdsa-sha2-nistp256 …
    blob: bytes


def pins_of(text: str, name: str) -> list[Pin]:
    """The keys pinned for that server (``host`` or ``[host]:port``), in the file's order, without the revoked ones."""
    good: list[Pin] = []
    revoked: list[Pin] = []
    for line in text.splitlines():
        fields = line.split()
        if not fields or fields[0].startswith("#"):
            continue
        marker = fields.pop(0) if fields[0].startswith("@") else ""
        if len(fields) < 3 or not any(_is(host, name) for host in fields[0].split(",")):
            continue
        try:
            pin = Pin(fields[1], base64.b64decode(fields[2], validate=True))
        except binascii.Error:
            continue
        if marker == "@revoked":
            revoked.append(pin)
        elif not marker:
            good.append(pin)
    return [pin for pin in good if pin not in revoked]


def fingerprint(blob: bytes) -> str:
    """``SHA256:…`` as ssh-keygen -l says it."""
    return "SHA256:" + base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip("=")


def _is(host: str, name: str) -> bool:
    if not host.startswith(_HASHED):
        return host.lower() == name.lower()
    try:
        salt, said = (base64.b64decode(part, validate=True) for part in host[len(_HASHED) :].split("|"))
    except ValueError:
        return False
    return hmac.compare_digest(hmac.new(salt, name.encode(), hashlib.sha1).digest(), said)
