"""An API key, after GitHub's format: ``cp_live_`` or ``cp_test_``, 8 characters, ``_``, 43 and 6 characters.

The 8 name the key and are no secret; the 43 hold 256 bits of chance; the 6 are a checksum of all before them, so that
a mistyped key, or a word that only looks like one, is known without asking the database. Only the SHA-256 of the whole
text is ever stored: it needs no salt and no slow hash, as nobody guesses 256 bits.
"""

from __future__ import annotations

import difflib
import hashlib
import hmac
import re
import zlib
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from cardpipe.model.errors import Bug
from cardpipe.model.finding import Finding, error

MODES = ("live", "test")

#: What a key may be allowed to do. ``admin`` may do everything.
SCOPES = frozenset({
    "orders:read", "orders:write", "pictures:write", "batches:read", "events:read", "webhooks:write", "imports:write",
    "metrics:read", "admin",
})  # fmt: skip

#: Random bytes that a key is made of: 8 for its id, 32 for its secret.
ENTROPY = 40

#: A key anywhere in a text, also one cut short or mistyped: for whoever keeps them out of logs. A masked one is none.
PATTERN = re.compile(r"cp_(?:live|test)_[0-9A-Za-z_]{10,}", re.IGNORECASE)

_FIGURES = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_ID, _SECRET, _CHECK = 8, 43, 6  # 62 ** 43 is more than 2 ** 256, and 62 ** 6 more than 2 ** 32
_KEY = re.compile(rf"(cp_(live|test)_([0-9A-Za-z]{{{_ID}}})_[0-9A-Za-z]{{{_SECRET}}})([0-9A-Za-z]{{{_CHECK}}})")


@dataclass(frozen=True, slots=True)
class MintedKey:
    """A new key. ``secret_text`` is shown once, to whoever asked for it, and stored nowhere."""

    id: str
    secret_text: str = field(repr=False)
    digest: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class PresentedKey:
    """A key as somebody presented it, well-formed; whether it is anybody's, the database knows."""

    mode: str
    id: str
    digest: str = field(repr=False)

    def matches(self, stored_digest: str) -> bool:
        """Whether it is the stored one, in a time that tells nothing of where they differ."""
        return hmac.compare_digest(self.digest.encode(), stored_digest.encode())


def mint(mode: str, entropy: bytes) -> MintedKey:
    """A key of this mode from :data:`ENTROPY` random bytes. Its id shares none of them with its secret. Raises Bug."""
    if mode not in MODES or len(entropy) != ENTROPY:
        raise Bug(f"a key was to be made of mode {mode!r} and {len(entropy)} random bytes")
    key_id = _written(int.from_bytes(entropy[:8]) % 62**_ID, _ID)
    body = f"cp_{mode}_{key_id}_{_written(int.from_bytes(entropy[8:]), _SECRET)}"
    text = body + _checksum(body)
    return MintedKey(key_id, text, _digest(text))


def read(text: str) -> PresentedKey | None:
    """The key that this is; None where it is none, or where its checksum is wrong. Never raises."""
    match = _KEY.fullmatch(text)
    if match is None or _checksum(match.group(1)) != match.group(4):
        return None
    return PresentedKey(match.group(2), match.group(3), _digest(text))


def masked(text: str) -> str:
    """What may be shown of a key: its mode and its id. Of anything else, nothing."""
    match = _KEY.fullmatch(text)
    return f"cp_{match.group(2)}_{match.group(3)}_…" if match else "…"


def redacted(text: str) -> str:
    """A text for a log, each key in it masked; of one cut short or mistyped only its mode is left."""
    return PATTERN.sub(lambda match: masked(key) if _KEY.fullmatch(key := match.group()) else f"{key[:8]}…", text)


def granted(scopes: Collection[str], needed: str) -> bool:
    """Whether a key with these scopes may do what needs that one. Writing does not grant reading. Raises Bug where
    ``needed`` is no scope: such a door would be closed to everybody, or, worse, was meant to be another."""
    if needed not in SCOPES:
        raise Bug(f"there is no scope {needed!r}")
    return needed in scopes or "admin" in scopes


def judge_scopes(scopes: Iterable[str], where: str = "scopes") -> list[Finding]:
    """What is wrong with the scopes that a new key is to have: unknown words, or none at all."""
    given = list(scopes)
    known = ", ".join(sorted(SCOPES))
    if not given:
        return [error("key.scopes.none", where, "a key without scopes may do nothing", f"give some of: {known}")]
    findings = []
    for scope in given:
        if scope not in SCOPES:
            near = difflib.get_close_matches(scope, sorted(SCOPES), 1)
            remedy = f"did you mean {near[0]}?" if near else f"one of: {known}"
            findings.append(error("key.scopes.unknown", where, f"{redacted(scope)[:40]!r} is no scope", remedy))
    return findings


def _written(number: int, width: int) -> str:
    figures = []
    for _ in range(width):
        number, rest = divmod(number, 62)
        figures.append(_FIGURES[rest])
    return "".join(reversed(figures))


def _checksum(body: str) -> str:
    return _written(zlib.crc32(body.encode()), _CHECK)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
