"""Messages to a CRM's own server: signed after Standard Webhooks 1.0.0, and when each is tried again."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Sequence

from cardpipe.model.errors import Bug

#: Seconds after which the n-th try comes, counted from the one before it (Standard Webhooks 1.0.0, "Deliverability").
SCHEDULE = (0, 5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400)
JITTER = 0.1
PREFIX = "whsec_"
SECRET_BYTES = range(24, 65)  # 192 to 512 bits, Standard Webhooks 1.0.0, "Signature scheme"
#: The longest that a receiver may make us wait (Retry-After), in seconds.
LONGEST_WAIT = 86_400.0
_ID = re.compile(r"[A-Za-z0-9_-]{1,128}")


def derive(secret: bytes, tenant: str, mode: str, endpoint: str, generation: int) -> bytes:
    """An endpoint's signing secret: 32 bytes, made of the installation's own. Nothing of it is ever stored."""
    return hmac.digest(secret, f"webhook|{tenant}|{mode}|{endpoint}|{generation}".encode(), "sha256")


def shown(secret: bytes) -> str:
    """A signing secret as its owner is shown it."""
    return PREFIX + base64.b64encode(secret).decode("ascii")


def sign(secrets: Sequence[bytes], message_id: str, timestamp: int, body: bytes) -> dict[str, str]:
    """The three headers. ``timestamp`` is the time of this try in Unix seconds (receivers refuse what is older than
    five minutes); ``message_id`` stays the same over all tries. Two secrets while one replaces the other."""
    if not secrets or not all(len(secret) in SECRET_BYTES for secret in secrets):
        raise Bug("a webhook was to be signed without a secret of 24 to 64 bytes")
    if not _ID.fullmatch(message_id):
        raise Bug("a webhook's message id holds more than letters, digits, - and _")
    signed = f"{message_id}.{timestamp}.".encode("ascii") + body
    made = [base64.b64encode(hmac.digest(secret, signed, "sha256")).decode("ascii") for secret in secrets]
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(f"v1,{signature}" for signature in made),
    }


def next_delay(attempt: int, key: str, asked: float | None = None) -> float | None:
    """Seconds to wait before the next try when ``attempt`` tries were made; None when there is none left. Up to a tenth
    more or less, the same for the same key, so that what failed together does not come back together; and no sooner
    than the receiver ``asked`` for (Retry-After), at most a day."""
    if attempt >= len(SCHEDULE):
        return None
    drawn = int.from_bytes(hashlib.sha256(f"{key}:{attempt}".encode()).digest()[:8], "big") / 2**64
    return max(SCHEDULE[attempt] * (1 + JITTER * (2 * drawn - 1)), min(asked or 0.0, LONGEST_WAIT))
