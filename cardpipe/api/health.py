"""``/healthz``: this process answers. ``/readyz``: an order handed in now would be kept and worked on."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable

from anyio import CapacityLimiter
from anyio.to_thread import run_sync
from fastapi import APIRouter
from pydantic import BaseModel
from starlette.responses import Response

from cardpipe.api.problem import place
from cardpipe.wiring import Shop

log = logging.getLogger("cardpipe.api")

#: The supervisor writes its status file every second; a busy machine may delay that, a dead one does it for ever.
STATUS_SECONDS = 15.0


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
        """The database answers, artifacts can be written, a supervisor holds the data folder."""
        checks = await run_sync(look, house, limiter=own_place)
        found = Health(ok=all(checks.values()), checks=checks)
        if not found.ok:
            response.status_code = 503
            response.headers["retry-after"] = "5"
        return found

    return router


def look(house: Shop) -> dict[str, bool]:
    """Each check with its outcome; the reason of a failure goes to the log."""
    todo: dict[str, Callable[[], object]] = {
        "database": lambda: house.store.leases(),
        "artifacts": lambda: _write(house),
        "supervisor": lambda: _supervised(house),
    }
    return {name: _well(name, check) for name, check in todo.items()}


def _well(name: str, check: Callable[[], object]) -> bool:
    try:
        return check() is not False
    except Exception as problem:  # whatever it is, the answer is "not ready"
        log.warning("not ready: %s: %s", name, place(problem))
        return False


def _write(house: Shop) -> None:
    """Write into the store as an upload would, and let go before it is named."""
    try:
        with house.artifacts.write(house.scope) as artifact:
            artifact.write(b"ready?" * 1000)
            raise _Probe
    except _Probe:
        return


def _supervised(house: Shop) -> bool:
    told = json.loads((house.settings.data / "supervisor.json").read_text())
    return abs(house.clock.now().timestamp() - float(told["at"])) < STATUS_SECONDS
