"""Whose request this is: an API key, looked up, measured against its limit, and asked for what a route needs.

``Authorization: Bearer cp_live_…``, or HTTP Basic with the key as the user's name (``curl -u cp_live_…:``). Never in an
address: addresses are written down by every proxy on the way. A key that is revoked, or a tenant that is closed, opens
nothing any more after :data:`KEPT_SECONDS`; one that runs out, at that moment.
"""

from __future__ import annotations

import base64
import binascii
import threading
import time
from collections import OrderedDict
from collections.abc import Collection
from dataclasses import dataclass
from weakref import WeakKeyDictionary

import structlog
from anyio.to_thread import run_sync
from fastapi import BackgroundTasks
from fastapi.openapi.models import HTTPBearer
from fastapi.security.base import SecurityBase
from starlette.requests import Request

from cardpipe.api import limits
from cardpipe.api.problem import Turned
from cardpipe.model.apikey import PresentedKey, granted, read
from cardpipe.model.order import Scope
from cardpipe.model.tenant import StoredKey
from cardpipe.pipeline.failure import place
from cardpipe.wiring import Shop

log = structlog.get_logger("cardpipe.api")

#: So long a key and its tenant's terms are believed without asking the database again.
KEPT_SECONDS = 5.0
_MOST_KEPT = 4096
_USED_SECONDS = 60.0
_LONGEST = 400  # of an Authorization header that can hold a key
_GIVE_KEY = "send it as Authorization: Bearer cp_live_…; an operator makes one with: cardpipe key new"
_CHALLENGE = 'Bearer realm="cardpipe"'


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks: the tenant and mode that all of it happens in, the key's public id, what it may do, and how many
    requests a minute."""

    scope: Scope
    key: str
    scopes: frozenset[str]
    rate: int

    @property
    def actor(self) -> str:
        """The name under which it stands in logs."""
        return f"key:{self.key}"


@dataclass(frozen=True, slots=True)
class _Known:
    """A key as the database had it a moment ago, with its tenant's terms."""

    key: StoredKey
    rate: int
    closed: bool
    until: float


class Keyring:
    """The keys that were presented lately, by digest. One for each shop."""

    def __init__(self, house: Shop) -> None:
        self._house = house
        self._known: OrderedDict[str, _Known] = OrderedDict()
        self._used: dict[str, float] = {}
        self._lock = threading.Lock()
        self.meter = limits.Meter(house.settings.broker_url)

    async def caller(self, presented: PresentedKey) -> Caller:
        """Whose key it is. Raises Turned (401 ``key.unknown``, 403 ``tenant.closed``), Unavailable."""
        found = self._fresh(presented.digest) or await run_sync(self._look, presented)
        if found is None or self._over(found.key):
            raise refused_key()
        if found.closed:
            remedy = "ask the operator of this shop"
            raise Turned(403, "tenant.closed", "key", "belongs to a tenant that is closed", remedy)
        key = found.key
        return Caller(Scope(key.tenant, key.mode), key.id, key.scopes, found.rate)

    def note(self, key_id: str) -> None:
        """It was used: written down once a minute, after the answer, and no request ever fails for it."""
        with self._lock:
            if time.monotonic() - self._used.get(key_id, float("-inf")) < _USED_SECONDS:
                return
            if len(self._used) >= _MOST_KEPT:
                self._used.clear()
            self._used[key_id] = time.monotonic()
        try:
            self._house.store.used_key(key_id)
        except Exception as failure:
            log.warning("key_use_not_noted", key=key_id, failure=place(failure))

    def _fresh(self, digest: str) -> _Known | None:
        with self._lock:
            found = self._known.get(digest)
            return found if found is not None and time.monotonic() < found.until else None

    def _look(self, presented: PresentedKey) -> _Known | None:
        asked_at = time.monotonic()
        stored = self._house.store.key(presented.id)
        if stored is None or not presented.matches(stored.digest) or stored.mode != presented.mode:
            return None  # not kept: a key that is made now is good at once
        terms = self._house.store.tenant(stored.tenant)
        found = _Known(stored, terms.rate, terms.closed, asked_at + KEPT_SECONDS)
        with self._lock:
            self._known[presented.digest] = found
            self._known.move_to_end(presented.digest)
            while len(self._known) > _MOST_KEPT:
                self._known.popitem(last=False)
        return found

    def _over(self, key: StoredKey) -> bool:
        """Revoked, or run out by now. Times in the database are ISO 8601 text in UTC."""
        if key.revoked_at is not None:
            return True
        now = self._house.clock.now().isoformat(timespec="milliseconds").replace("+00:00", "Z")
        return key.expires_at is not None and key.expires_at <= now


_rings: WeakKeyDictionary[Shop, Keyring] = WeakKeyDictionary()


def ring(house: Shop) -> Keyring:
    """The one keyring of a shop, whichever route asks for it."""
    found = _rings.get(house)
    if found is None:
        found = _rings.setdefault(house, Keyring(house))
    return found


class Needs(SecurityBase):
    """What a route asks of its caller, as a dependency; FastAPI describes it in OpenAPI."""

    def __init__(self, house: Shop, scopes: Collection[str]) -> None:
        for scope in scopes:
            granted((), scope)  # raises Bug for one that is none, when the door is made and not when it is used
        self._house = house
        self.scopes = tuple(scopes)
        self.model = HTTPBearer(description="An API key: cp_live_… or cp_test_…")
        self.scheme_name = "key"

    async def __call__(self, request: Request, background: BackgroundTasks) -> Caller:
        """The caller. Raises Turned: 401 ``key.missing`` or ``key.unknown``, 403 ``tenant.closed`` or ``key.scope``,
        429 ``rate.limit``."""
        keys = ring(self._house)
        caller = await keys.caller(presented(request))
        request.state.caller = caller
        background.add_task(keys.note, caller.key)
        request.state.rate = standing = await keys.meter.take(caller.key, caller.rate)
        if not standing.allowed:
            remedy = f"wait {standing.wait} s; at most {caller.rate} requests a minute are answered"
            raise Turned(
                429, "rate.limit", "key", "asked for more than it may", remedy, {"retry-after": str(standing.wait)}
            )
        if missing := [scope for scope in self.scopes if not granted(caller.scopes, scope)]:
            what = f"lacks the scope {', '.join(missing)}"
            challenge = f'{_CHALLENGE}, error="insufficient_scope"'  # RFC 6750, 3.1
            remedy = "use a key that has it, or have one made"
            raise Turned(403, "key.scope", "key", what, remedy, {"www-authenticate": challenge})
        return caller


def needs(house: Shop, *scopes: str) -> Needs:
    """As ``caller: Caller = Depends(needs(house, "orders:read"))``: the caller, who has each of these scopes."""
    return Needs(house, scopes)


def presented(request: Request) -> PresentedKey:
    """The key that came with a request. Raises Turned 401: ``key.missing``, ``key.unknown``."""
    given = request.headers.getlist("authorization")
    if not given:
        headers = {"www-authenticate": _CHALLENGE}
        raise Turned(401, "key.missing", "Authorization", "holds no API key", _GIVE_KEY, headers)
    found = read(_key_in(given[0])) if len(given) == 1 and len(given[0]) <= _LONGEST else None
    if found is None:
        raise refused_key()
    return found


def refused_key() -> Turned:
    """One answer for a key that is mistyped, nobody's, revoked or run out: it tells a stranger nothing."""
    headers = {"www-authenticate": f'{_CHALLENGE}, error="invalid_token"'}
    return Turned(401, "key.unknown", "Authorization", "holds no key that is good here", _GIVE_KEY, headers)


def _key_in(header: str) -> str:
    scheme, _, rest = header.strip().partition(" ")
    rest = rest.strip()
    if scheme.lower() == "bearer":
        return rest
    if scheme.lower() == "basic":  # RFC 7617: user's name, colon, password; the password is nobody's business
        try:
            return base64.b64decode(rest, validate=True).decode("ascii").partition(":")[0]
        except (binascii.Error, UnicodeDecodeError):
            return ""
    return ""
