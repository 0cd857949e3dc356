"""``/metrics``: the shop in Prometheus' text format, for programs of this machine and for keys with ``metrics:read``.

The numbers are read from the database when somebody asks, and are good for :data:`KEPT_SECONDS`; so any process may be
asked, and each tells of the whole shop. Only the count of answers is this process's own. No tenant is named.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from anyio import CapacityLimiter
from anyio.to_thread import run_sync
from fastapi import APIRouter, BackgroundTasks
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from starlette.requests import Request
from starlette.responses import Response

from cardpipe.api.access import Needs
from cardpipe.api.guard import host_of, is_loopback
from cardpipe.api.health import BEAT_SECONDS
from cardpipe.api.limits import free_bytes
from cardpipe.ports.measures import Measured
from cardpipe.storage.turns import QUEUE_OF
from cardpipe.wiring import Shop

KEPT_SECONDS = 5.0
#: What a proxy says of whom it speaks for. Behind one, everybody comes from loopback.
_PASSED_ON = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "via")
_ANSWER: dict[int | str, dict[str, Any]] = {
    200: {"description": "Prometheus' text format.", "content": {"text/plain": {"schema": {"type": "string"}}}},
    401: {"description": "Neither a program of this machine nor a key."},
}


class Answered:
    """How many requests this process answered, by route and status."""

    def __init__(self) -> None:
        self._counts: Counter[tuple[str, int]] = Counter()
        self._lock = threading.Lock()

    def note(self, route: str, status: int) -> None:
        """One more."""
        with self._lock:
            self._counts[route, status] += 1

    def all(self) -> dict[tuple[str, int], int]:
        """Until now."""
        with self._lock:
            return dict(self._counts)


class Gauges:
    """A collector of the shop's numbers at one moment."""

    def __init__(self, measured: Measured, dispatchers: int, free: int | None, answered: dict[tuple[str, int], int]):
        self._measured = measured
        self._dispatchers = dispatchers
        self._free = free
        self._answered = answered

    def collect(self) -> Iterator[Metric]:
        """Every number, the ages first."""
        seen = self._measured
        yield _by("oldest_seconds", "Age of the oldest order that is still to leave the house", "state", seen.oldest)
        yield _by("pieces", "Pieces that are still to leave the house", "state", seen.pieces)
        yield _by("overdue_pieces", "Those of them whose mail date is past", "state", seen.overdue)
        yield _one("needs_attention", "Pieces that a person must look at", seen.pieces.get("needs_attention", 0))
        yield _by("held", "Orders, pieces and batches that are held", "kind", seen.held)
        steps = GaugeMetricFamily("cardpipe_steps", "Steps to be done", labels=["queue", "kind", "state"])
        for (kind, state), count in sorted(seen.steps.items()):
            steps.add_metric([QUEUE_OF.get(kind, "events"), kind, state], count)
        yield steps
        yield _by("batches", "Batches", "state", seen.batches)
        yield _by("import_rows", "Rows of the imports that are under way", "state", seen.import_rows)
        yield _one("deliveries_pending", "Webhook messages that were not taken yet", seen.deliveries)
        yield _one("oldest_delivery_seconds", "Age of the oldest of them", seen.oldest_delivery)
        yield _one("events_pending", "Events of which no message was made yet", seen.events)
        yield _one("oldest_event_seconds", "Age of the oldest of them", seen.oldest_event)
        yield _one("duties_stopped", "Cut-offs and erasures that a person must look at", seen.duties_stopped)
        yield _one("paused", "1 while nothing may be released", int(seen.paused))
        yield _one("dispatchers", "Dispatchers that said lately that they live", self._dispatchers)
        if self._free is not None:
            yield _one("free_bytes", "Room on the disk of the artifacts", self._free)
        answers = CounterMetricFamily(
            "cardpipe_http_requests", "Answers of this process", labels=["route", "status"]
        )  # fmt: skip
        for (route, status), count in sorted(self._answered.items()):
            answers.add_metric([route, str(status)], count)
        yield answers


class _Taken:
    """The last numbers, for as long as they are good. For one thread at a time."""

    def __init__(self, house: Shop) -> None:
        self._house = house
        self._last: tuple[Measured, int, int | None] | None = None
        self._until = 0.0

    def now(self) -> tuple[Measured, int, int | None]:
        if self._last is None or time.monotonic() >= self._until:
            store = self._house.store
            beats = sum(name.startswith("dispatcher:") for name in store.beats(BEAT_SECONDS))
            self._last = (store.measures(), beats, free_bytes(self._house))
            self._until = time.monotonic() + KEPT_SECONDS
        return self._last


def routes(house: Shop, answered: Answered) -> APIRouter:
    """The one route."""
    router = APIRouter(tags=["health"])
    own_place, taken = CapacityLimiter(1), _Taken(house)
    needed = Needs(house, ("metrics:read",))

    @router.get(
        "/metrics",
        operation_id="getMetrics",
        summary="The shop in numbers",
        response_class=Response,
        responses=_ANSWER,
        openapi_extra={"security": [{}, {"key": ["metrics:read"]}, {"keyAsUser": ["metrics:read"]}]},
    )
    async def metrics(request: Request, background: BackgroundTasks) -> Response:
        """Ages of the oldest orders by state, first of all."""
        if "authorization" in request.headers or not of_this_machine(request):
            await needed(request, background)
        numbers = await run_sync(taken.now, limiter=own_place)
        registry = CollectorRegistry(auto_describe=False)
        registry.register(Gauges(*numbers, answered.all()))
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_PLAIN_0_0_4)

    return router


def of_this_machine(request: Request) -> bool:
    """Whether a program of this machine asks for itself: from loopback, by a name of loopback (a page that rebinds its
    own name has another), and not through a proxy that says so."""
    peer, hosts = request.client, request.headers.getlist("host")
    return (
        peer is not None
        and is_loopback(peer.host)
        and len(hosts) == 1
        and is_loopback(host_of(hosts[0]))
        and not any(name in request.headers for name in _PASSED_ON)
    )


def _by(name: str, about: str, label: str, values: Mapping[str, float]) -> Metric:
    made = GaugeMetricFamily(f"cardpipe_{name}", about, labels=[label])
    for key, value in sorted(values.items()):
        made.add_metric([key], value)
    return made


def _one(name: str, about: str, value: float) -> Metric:
    return GaugeMetricFamily(f"cardpipe_{name}", about, value=value)
