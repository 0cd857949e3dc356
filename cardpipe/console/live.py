"""Live: pages learn that something changed in the shop, and fetch what they show anew (server-sent events)."""

from __future__ import annotations

import dataclasses
import hashlib
import time
from collections.abc import AsyncIterator

import anyio
from anyio.to_thread import run_sync
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from cardpipe.console import guard
from cardpipe.wiring import Shop

#: How often the shop is looked at, however many pages are open; and how many may be open. Others look by themselves.
LOOK_SECONDS, BEAT_SECONDS, MOST_STREAMS, STREAM_SECONDS = 2.0, 15.0, 24, 900.0
_AGES = {"oldest", "oldest_delivery", "oldest_event"}


class Pulse:
    """What the shop's numbers were at the last look. One look serves every page that is open."""

    def __init__(self, house: Shop) -> None:
        self._house = house
        self._lock = anyio.Lock()
        self._looked, self._told = -LOOK_SECONDS, ""
        self.streams = 0

    async def feel(self) -> str:
        """A digest of the numbers: another one, and something changed."""
        async with self._lock:
            if time.monotonic() - self._looked >= LOOK_SECONDS:
                self._told = await run_sync(self._look)
                self._looked = time.monotonic()
        return self._told

    def _look(self) -> str:
        measured = self._house.store.measures()
        numbers = {field.name: getattr(measured, field.name) for field in dataclasses.fields(measured)}
        said = sorted((name, repr(value)) for name, value in numbers.items() if name not in _AGES)
        return hashlib.sha256(repr(said).encode()).hexdigest()[:16]


def routes(house: Shop) -> list[Route]:
    """``/live``."""
    pulses: list[Pulse] = []

    async def live(request: Request) -> Response:
        if await run_sync(guard.session_of, house, request) is None:
            return Response(status_code=403)
        if not pulses:
            pulses.append(Pulse(house))
        if pulses[0].streams >= MOST_STREAMS:
            return Response(status_code=503, headers={"retry-after": "60"})
        heads = {"cache-control": "no-store", "x-accel-buffering": "no"}
        return StreamingResponse(_told(house, request, pulses[0]), media_type="text/event-stream", headers=heads)

    return [Route("/live", live)]


async def _told(house: Shop, request: Request, pulse: Pulse) -> AsyncIterator[str]:
    """``changed`` whenever the numbers are others; ends with the session, and after a quarter of an hour at the
    latest: the browser comes again."""
    pulse.streams += 1
    try:
        yield "retry: 3000\n\n"
        last, spoken, ends = await pulse.feel(), time.monotonic(), time.monotonic() + STREAM_SECONDS
        while time.monotonic() < ends:
            await anyio.sleep(LOOK_SECONDS)
            now = await pulse.feel()
            if now != last:
                last, spoken = now, time.monotonic()
                yield f"event: changed\ndata: {now}\n\n"
            elif time.monotonic() - spoken >= BEAT_SECONDS:
                spoken = time.monotonic()
                if await run_sync(guard.session_of, house, request) is None:
                    return
                yield ": here\n\n"
    finally:
        pulse.streams -= 1
