"""The API as one application: every door of a CRM, under ``/v1``, and those of whoever watches it.

What a CRM does: POST its pictures, POST its orders, GET what became of them, or be told. Idempotent by reference and by
``Idempotency-Key``; every request carries a key, which says whose orders these are and whether they are ever printed.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any

from anyio.to_thread import current_default_thread_limiter, run_sync
from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute
from starlette.routing import Route

import cardpipe
from cardpipe.api import (
    asked,
    batches,
    catalogue,
    events,
    fit,
    guard,
    health,
    imports,
    metrics,
    orders,
    pictures,
    problem,
    shapes,
    tenant,
    webhooks,
)
from cardpipe.api.access import Needs
from cardpipe.model.order import Order
from cardpipe.wiring import Shop

#: The threads that look-ups and downloads share. Fewer than the database has connections (4, and 10 more at need).
THREADS = 6
_PROBLEM_HEADS = {401: ("WWW-Authenticate",), 429: ("Retry-After",), 503: ("Retry-After",)}
_PROBLEM = {
    "description": "A problem document (RFC 9457).",
    "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/ProblemShape"}}},
}
_PROBLEMS: dict[int | str, dict[str, Any]] = {
    status: {**_PROBLEM, "headers": asked.heads(*names)} if (names := _PROBLEM_HEADS.get(status)) else _PROBLEM
    for status in (400, 401, 403, 404, 408, 409, 413, 415, 422, 429, 500, 503)
}
#: Shapes that no route names to FastAPI: bodies are read by ourselves, problems are answered outside of the routes.
_OTHER_SHAPES = (Order, shapes.ProblemShape)
#: In the order in which they are described.
_ROOMS = (pictures, orders, fit, catalogue, imports, events, webhooks, tenant, batches, health)
_KEYS = {
    "key": {
        "type": "http", "scheme": "bearer",
        "description": "`Authorization: Bearer cp_live_…`, or `cp_test_…`: proofs only, never printed.",
    },
    "keyAsUser": {
        "type": "http", "scheme": "basic",
        "description": "The same key as the user's name, with any password: `curl -u cp_live_…:`.",
    },
}  # fmt: skip
_ABOUT = (
    "Card orders in, print files out. An order's `reference` is your own id for it and makes handing it in idempotent; "
    "so does an `Idempotency-Key`. A key belongs to one tenant and is live or test: it sees nothing else. `state` is "
    "the word to compare, `shown` the one to show a person. What is wrong comes as a problem document with every "
    "finding at once; `RateLimit` says how many requests may follow."
)


def make_app(house: Shop) -> FastAPI:
    """The API of one shop."""

    @asynccontextmanager
    async def open_shop(app: FastAPI) -> AsyncIterator[None]:
        current_default_thread_limiter().total_tokens = THREADS
        await run_sync(warm, house)
        yield

    answered = metrics.Answered()
    rooms = [room.routes(house) for room in _ROOMS]
    rooms.append(metrics.routes(house, answered))
    app = FastAPI(
        title="cardpipe", version=cardpipe.__version__, description=_ABOUT, lifespan=open_shop,
        openapi_url="/v1/openapi.json", docs_url=None, redoc_url=None, redirect_slashes=False,
        responses=_PROBLEMS,
    )  # fmt: skip
    for router in rooms:
        app.include_router(router)
    problem.install(app, [route for room in rooms for route in room.routes if isinstance(route, Route)])
    app.add_middleware(guard.Guard, noted=answered.note)
    scopes = scopes_of(rooms)
    app.openapi = lambda: described(app, scopes)  # type: ignore[method-assign]
    return app


def warm(house: Shop) -> None:
    """Open what every order needs, in one thread, before the first request can ask for it in several. Raises what is
    wrong with the settings, too: better now than at the first order."""
    house.warm()
    _ = house.darkroom, house.secret
    for name in house.catalog.designs():
        house.catalog.design(name)


def scopes_of(rooms: Iterable[APIRouter]) -> dict[str, list[str]]:
    """What each operation needs, by its id; those that need no key are left out."""
    found: dict[str, list[str]] = {}
    for route in (route for room in rooms for route in room.routes):
        if isinstance(route, APIRoute) and route.operation_id:
            doors = [each.call for each in route.dependant.dependencies if isinstance(each.call, Needs)]
            if doors:
                found[route.operation_id] = sorted({scope for door in doors for scope in door.scopes})
    return found


def described(app: FastAPI, scopes: dict[str, list[str]]) -> dict[str, Any]:
    """The OpenAPI 3.1 document, with the order's own JSON Schema in it, and the scopes that each operation needs (3.1
    lets them stand beside a key as roles)."""
    if app.openapi_schema is None:
        made = FastAPI.openapi(app)
        known = made["components"]["schemas"]
        for shape in _OTHER_SHAPES:
            schema = shape.model_json_schema(ref_template="#/components/schemas/{model}")
            known |= schema.pop("$defs", {}) | {shape.__name__: schema}
        made["components"]["securitySchemes"] = _KEYS
        for operation in (operation for path in made["paths"].values() for operation in path.values()):
            needed = scopes.get(operation["operationId"])
            if needed is not None:
                operation["security"] = [{name: needed} for name in _KEYS]
        app.openapi_schema = made
    return app.openapi_schema
