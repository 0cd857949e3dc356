"""Passwords: hashed with argon2id as RFC 9106 recommends where memory is scarce (64 MiB, 3 passes, 4 lanes), and judged
as NIST SP 800-63B asks: long ones, whatever they are made of. The one door to argon2.

Two are computed at a time at most: whoever knocks a hundred times at once waits, and the memory is not used up.
"""

from __future__ import annotations

import secrets
import threading
import unicodedata
from functools import cache
from typing import TYPE_CHECKING

from cardpipe.model.finding import Finding, error

if TYPE_CHECKING:
    from argon2 import PasswordHasher

SHORTEST, LONGEST = 12, 1000
_DIFFERENT = 5
#: Without those that look alike: 0 o, 1 l i.
_LETTERS = "23456789abcdefghjkmnpqrstuvwxyz"
_at_once = threading.BoundedSemaphore(2)


def hash(text: str) -> str:
    """What is stored of a password: a PHC string, another one each time."""
    with _at_once:
        return _hasher().hash(_bytes(text))


def matches(digest: str, text: str) -> bool:
    """Whether this is the password behind that PHC string. An empty one is nobody's, and takes as long to be told."""
    from argon2.exceptions import InvalidHashError, VerificationError

    nobodys = _nobodys()
    with _at_once:
        try:
            return _hasher().verify(digest or nobodys, _bytes(text)) and bool(digest)
        except (VerificationError, InvalidHashError):
            return False


def judge(text: str, name: str) -> list[Finding]:
    """All that is wrong with a new password of the user of that name. It is quoted nowhere."""
    found = []
    if len(text) < SHORTEST:
        what = f"has {len(text)} characters, and {SHORTEST} are the least"
        found.append(error("password.short", "password", what, "take four words that do not belong together"))
    if len(text) > LONGEST:
        what = f"has {len(text):,} characters, and {LONGEST:,} are the most"
        found.append(error("password.long", "password", what, "take a shorter one"))
    bare = text.casefold()
    if name and text and not bare.replace(name.casefold(), "").strip(" -_.0123456789!"):
        what = "is the user's name, or little more than that"
        found.append(error("password.name", "password", what, "take one that does not hold the name"))
    elif len(text) >= SHORTEST and len(set(bare)) < _DIFFERENT:
        what = f"is made of {len(set(bare))} different characters, and {_DIFFERENT} are the least"
        found.append(error("password.plain", "password", what, "take four words that do not belong together"))
    return found


def make() -> str:
    """A new password, to be shown once: 20 characters in groups of five, 99 bits of chance."""
    groups = ("".join(secrets.choice(_LETTERS) for _ in range(5)) for _ in range(4))
    return "-".join(groups)


def _bytes(text: str) -> bytes:
    """One spelling for what one person types on two keyboards."""
    return unicodedata.normalize("NFKC", text).encode("utf-8", "surrogatepass")


@cache
def _hasher() -> PasswordHasher:
    from argon2 import PasswordHasher

    return PasswordHasher(time_cost=3, memory_cost=64 * 1024, parallelism=4, hash_len=32, salt_len=16)


@cache
def _nobodys() -> str:
    return hash(secrets.token_hex(16))
