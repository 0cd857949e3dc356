"""The API as one application. A first version, honest about what it lacks: no keys (so loopback only), no tenants.

What a CRM does: POST its pictures, POST its orders, GET what became of them. Idempotent by reference.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from anyio.to_thread import current_default_thread_limiter, run_sync
from fastapi import FastAPI

import cardpipe
from cardpipe.api import batches, guard, health, orders, pictures, problem, shapes
from cardpipe.model.order import Order
from cardpipe.wiring import Shop

#: The threads that look-ups and downloads share. Fewer than the database has connections (4, and 10 more at need).
THREADS = 6
_PROBLEM = {
    "description": "A problem document (RFC 9457).",
    "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/ProblemShape"}}},
}
#: Shapes that no route names to FastAPI: bodies are read by ourselves, problems are answered outside of the routes.
_OTHER_SHAPES = (shapes.CancelShape, shapes.ProblemShape)
_ABOUT = (
    "Card orders in, print files out. An order's `reference` is your own id for it and makes handing it in idempotent. "
    "There are no keys yet: the API answers programs of its own machine only."
)


def make_app(house: Shop) -> FastAPI:
    """The API of one shop, to be served on a loopback address (see :func:`cardpipe.api.guard.only_loopback`)."""

    @asynccontextmanager
    async def open_shop(app: FastAPI) -> AsyncIterator[None]:
        current_default_thread_limiter().total_tokens = THREADS
        await run_sync(warm, house)
        yield

    app = FastAPI(
        title="cardpipe", version=cardpipe.__version__, description=_ABOUT, lifespan=open_shop,
        openapi_url="/v1/openapi.json", docs_url=None, redoc_url=None, redirect_slashes=False,
        responses=dict.fromkeys((403, 404, 409, 413, 415, 421, 422, 500, 503), _PROBLEM),
    )  # fmt: skip
    for room in (pictures, orders, batches, health):
        app.include_router(room.routes(house))
    problem.install(app)
    app.add_middleware(guard.Guard)
    app.openapi = lambda: described(app)  # type: ignore[method-assign]
    return app


def warm(house: Shop) -> None:
    """Open what every order needs, in one thread, before the first request can ask for it in several."""
    house.warm()
    _ = house.darkroom
    for name in house.catalog.designs():
        house.catalog.design(name)


def described(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI 3.1 document, with the order's own JSON Schema in it."""
    if app.openapi_schema is None:
        made = FastAPI.openapi(app)
        known = made["components"]["schemas"]
        for shape in (Order, *_OTHER_SHAPES):
            schema = shape.model_json_schema(ref_template="#/components/schemas/{model}")
            known |= schema.pop("$defs", {}) | {shape.__name__: schema}
        app.openapi_schema = made
    return app.openapi_schema
