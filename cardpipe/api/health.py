"""``/healthz``: this process answers. ``/readyz``: an order handed in now would be kept and worked on. No key asked."""

from __future__ import annotations

import json
import time
from collections.abc import Callable

import structlog
from anyio import CapacityLimiter
from anyio.to_thread import run_sync
from fastapi import APIRouter
from pydantic import BaseModel
from starlette.responses import Response

from cardpipe.pipeline.failure import place
from cardpipe.wiring import Shop

log = structlog.get_logger("cardpipe.api")

#: The supervisor writes its status file every second; a busy machine may delay that, a dead one does it for ever.
STATUS_SECONDS = 15.0
#: A dispatcher on a database server says that it lives more often than that.
BEAT_SECONDS = 20.0
#: Strangers may ask, and asking writes: the last answer is good for so long.
KEPT_SECONDS = 1.0


class Health(BaseModel):
    """Whether all is well, and each thing that was looked at."""

    ok: bool
    checks: dict[str, bool] = {}


class _Probe(Exception):
    """Ends a trial writing, so that nothing of it is kept."""


def routes(house: Shop) -> APIRouter:
    """The health routes."""
    router = APIRouter(tags=["health"])
    own_place = CapacityLimiter(1)
    look_again = Looks(house)

    @router.get("/healthz", operation_id="isAlive", summary="Does the process answer?", response_model=Health)
    async def alive() -> Health:
        """Looks at nothing else."""
        return Health(ok=True)

    @router.get(
        "/readyz",
        operation_id="isReady",
        summary="Would an order be kept and worked on?",
        response_model=Health,
        responses={503: {"model": Health, "description": "Something is missing."}},
    )
    async def ready(response: Response) -> Health:
        """The database answers, artifacts can be written, and somebody works: a supervisor holds the data folder or, on
        a database server, a dispatcher said lately that it lives."""
        checks = await run_sync(look_again.now, limiter=own_place)
        found = Health(ok=all(checks.values()), checks=checks)
        if not found.ok:
            response.status_code = 503
            response.headers["retry-after"] = "5"
        return found

    return router


class Looks:
    """What was seen a moment ago, or what is seen now. For one thread at a time."""

    def __init__(self, house: Shop) -> None:
        self._house = house
        self._seen: dict[str, bool] = {}
        self._until = 0.0

    def now(self) -> dict[str, bool]:
        """Each check with its outcome."""
        if time.monotonic() >= self._until:
            self._seen = look(self._house)
            self._until = time.monotonic() + KEPT_SECONDS
        return self._seen


def look(house: Shop) -> dict[str, bool]:
    """Each check with its outcome; the reason of a failure goes to the log."""
    todo: dict[str, Callable[[], object]] = {
        "database": lambda: house.store.leases(),
        "artifacts": lambda: _write(house),
    }
    if house.settings.database.startswith("sqlite"):
        todo["supervisor"] = lambda: _supervised(house)
    else:
        todo["dispatcher"] = lambda: any(name.startswith("dispatcher:") for name in house.store.beats(BEAT_SECONDS))
    return {name: _well(name, check) for name, check in todo.items()}


def _well(name: str, check: Callable[[], object]) -> bool:
    try:
        return check() is not False
    except Exception as problem:  # whatever it is, the answer is "not ready"
        log.warning("not_ready", check=name, failure=place(problem))
        return False


def _write(house: Shop) -> None:
    """Write into the store as an upload would, and let go before it is named; a bucket, which hears of no stream before
    its end, is asked for something that is not there."""
    if house.settings.artifacts is None:
        house.artifacts.has(house.scope, 64 * "0")
    try:
        with house.artifacts.write(house.scope) as artifact:
            artifact.write(b"ready?" * 1000)
            raise _Probe
    except _Probe:
        return


def _supervised(house: Shop) -> bool:
    told = json.loads((house.settings.data / "supervisor.json").read_text())
    return abs(house.clock.now().timestamp() - float(told["at"])) < STATUS_SECONDS
