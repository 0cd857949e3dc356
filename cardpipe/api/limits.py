"""How much one key may ask for, and how much the whole shop still takes in.

A token bucket for each key: a tenant's ``rate`` requests a minute flow in, and a sixth of it (at least ten) may come at
once. In this process on one machine; in Redis where several share a broker. Redis may be gone at any time, and no
request fails or waits for that: for a while each process then measures for itself.
"""

from __future__ import annotations

import math
import shutil
import threading
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import structlog
from anyio import CapacityLimiter, Lock
from anyio.lowlevel import RunVar
from anyio.to_thread import run_sync

from cardpipe.model.errors import Unavailable
from cardpipe.model.finding import Finding, error
from cardpipe.wiring import Shop

if TYPE_CHECKING:
    import redis

log = structlog.get_logger("cardpipe.api")

LEAST_BURST = 10
_MOST_KEPT = 4096
#: How long Redis may take to answer, and how long it is not asked after it did not.
REDIS_SECONDS, REDIS_REST_SECONDS = 0.25, 5.0
#: The same sum as :func:`_flow`, on the one clock that all processes share. KEYS: the bucket. ARGV: tokens a second,
#: burst. Tokens leave as text, for Lua's numbers are cut to whole ones.
_SCRIPT = """
local now = redis.call('TIME')
local at = now[1] + now[2] / 1000000
local rate, burst = tonumber(ARGV[1]), tonumber(ARGV[2])
local kept = redis.call('HMGET', KEYS[1], 'tokens', 'at')
local tokens = tonumber(kept[1]) or burst
tokens = math.min(burst, tokens + math.max(0, at - (tonumber(kept[2]) or at)) * rate)
local allowed = 0
if tokens >= 1 then tokens = tokens - 1; allowed = 1 end
redis.call('HSET', KEYS[1], 'tokens', tostring(tokens), 'at', string.format('%.6f', at))
redis.call('PEXPIRE', KEYS[1], math.ceil(burst / rate * 1000) + 1000)
return {allowed, tostring(tokens)}
"""

#: Below this a folder of artifacts takes nothing new: a batch's print files must still fit.
LEAST_FREE = 500_000_000
LOOK_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Standing:
    """How a key stands after a request: whether that was allowed, whole requests that may follow at once, seconds
    until all of the burst may."""

    allowed: bool
    rate: int
    burst: int
    left: float

    @property
    def wait(self) -> int:
        """Whole seconds until the next request is allowed: at least one."""
        return max(1, math.ceil((1 - self.left) * 60 / self.rate))

    def headers(self) -> dict[str, str]:
        """draft-ietf-httpapi-ratelimit-headers-11, and the names that clients know from elsewhere, with the moment in
        seconds since 1970."""
        window = math.ceil(self.burst * 60 / self.rate)
        full = math.ceil((self.burst - self.left) * 60 / self.rate)
        return {
            "ratelimit-policy": f'"key";q={self.burst};w={window}',
            "ratelimit": f'"key";r={int(self.left)};t={full}',
            "x-ratelimit-limit": str(self.burst),
            "x-ratelimit-remaining": str(int(self.left)),
            "x-ratelimit-reset": str(int(time.time()) + full),
        }


def burst_of(rate: int) -> int:
    """How many requests may come at once."""
    return max(LEAST_BURST, math.ceil(rate / 6))


class Meter:
    """The buckets of all keys."""

    def __init__(self, broker_url: str = "") -> None:
        self._own: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self._lock = threading.Lock()
        self._url = broker_url if broker_url.startswith(("redis://", "rediss://")) else ""
        self._redis: redis.Redis | None = None
        self._not_before = 0.0
        self._lanes: RunVar[CapacityLimiter] = RunVar("cardpipe.redis")

    async def take(self, key: str, rate: int) -> Standing:
        """One token of that key's bucket. Never raises."""
        if self._url and time.monotonic() >= self._not_before:
            shared = await run_sync(self._shared, key, rate, limiter=self._lane())
            if shared is not None:
                return shared
        return self.own(key, rate)

    def _lane(self) -> CapacityLimiter:
        """Few threads of its own: a Redis that is slow must not keep those that look orders up."""
        try:
            return self._lanes.get()
        except LookupError:
            self._lanes.set(made := CapacityLimiter(4))
            return made

    def own(self, key: str, rate: int) -> Standing:
        """From this process's own bucket."""
        burst, now = burst_of(rate), time.monotonic()
        with self._lock:
            tokens, at = self._own.pop(key, (float(burst), now))
            tokens = min(burst, tokens + max(0.0, now - at) * rate / 60)
            allowed = tokens >= 1
            self._own[key] = (tokens - 1 if allowed else tokens, now)
            while len(self._own) > _MOST_KEPT:  # the one that asked longest ago is full again, or nearly
                self._own.popitem(last=False)
            return Standing(allowed, rate, burst, self._own[key][0])

    def _shared(self, key: str, rate: int) -> Standing | None:
        """From the bucket in Redis; None where Redis does not answer."""
        if time.monotonic() < self._not_before:  # others found out while this one waited for its turn
            return None
        burst = burst_of(rate)
        try:
            told: Any = self._client().eval(_SCRIPT, 1, f"cardpipe:rate:{key}", repr(rate / 60), str(burst))
            return Standing(bool(told[0]), rate, burst, float(told[1]))
        except Exception as failure:  # whatever it is, a request is no reason to fail for it
            self._not_before = time.monotonic() + REDIS_REST_SECONDS
            log.warning("rate_limits_not_shared", failure=type(failure).__name__)
            return None

    def _client(self) -> redis.Redis:
        if self._redis is None:
            import redis
            from redis.backoff import NoBackoff
            from redis.retry import Retry

            self._redis = redis.Redis.from_url(
                self._url, socket_timeout=REDIS_SECONDS, socket_connect_timeout=REDIS_SECONDS,
                retry=Retry(NoBackoff(), 0),
            )  # fmt: skip
        return self._redis


Full = tuple[str, tuple[Finding, ...]] | None


def room(house: Shop) -> Callable[[], Awaitable[None]]:
    """Back-pressure, as a dependency of what takes work in: ``_: None = Depends(limits.room(house))``, named after the
    caller, so that strangers learn nothing. Raises Unavailable (``shop.backlog``, ``shop.no_room``). Looked at no more
    than once in :data:`LOOK_SECONDS`."""
    until, found = 0.0, cast(Full, None)
    turn: Lock | None = None

    async def has_room() -> None:
        nonlocal until, found, turn
        turn = turn or Lock()
        async with turn:
            if time.monotonic() >= until:
                found = await run_sync(_looked, house)
                until = time.monotonic() + LOOK_SECONDS
        if found is not None:
            raise Unavailable(*found)

    return has_room


def full(house: Shop) -> list[Finding]:
    """Why nothing more is taken in at this moment; empty: it is."""
    most, free = house.settings.backlog, free_bytes(house)
    found = []
    if house.store.backlog(most) >= most:
        told = f"{most:,} steps are still to be done"
        found.append(error("shop.backlog", "shop", told, "come again later; nothing was lost"))
    if free is not None and free < LEAST_FREE:
        told = f"{free / 1e6:.0f} MB are free on the disk, {LEAST_FREE / 1e6:.0f} MB are needed"
        found.append(error("shop.no_room", "shop", told, "the operator has to make room; come again later"))
    return found


def free_bytes(house: Shop) -> int | None:
    """What is free where a folder of artifacts lies; None for a bucket."""
    folder = house.settings.artifacts
    if folder is None:
        return None
    there = next((path for path in (folder, *folder.parents) if path.is_dir()), folder)
    return shutil.disk_usage(there).free


def _looked(house: Shop) -> Full:
    try:
        found = full(house)
    except Unavailable as problem:  # one has waited for it; those behind need not
        return str(problem), problem.findings
    return ("The shop takes in nothing new at this moment.", tuple(found)) if found else None
