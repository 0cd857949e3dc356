"""The operators' console as one application: pages made on the server, nothing fetched from elsewhere."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from anyio.to_thread import current_default_thread_limiter, run_sync
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cardpipe.console import (
    acts,
    auditing,
    batch,
    batches,
    closing,
    designing,
    files,
    guard,
    imported,
    importing,
    keys,
    live,
    login,
    mending,
    order,
    order_acts,
    order_edit,
    order_proof,
    orders,
    pages,
    people,
    pictures,
    pieces,
    scanning,
    stuck,
    stuckacts,
    stuckphotos,
    terms,
    today,
)
from cardpipe.model.errors import Refused
from cardpipe.model.finding import error
from cardpipe.pipeline.failure import place
from cardpipe.wiring import Shop

_ROOMS = (
    login, live, importing, imported, today, closing, batches, batch, acts, files, pictures, pieces, scanning, orders,
    order_edit, order_acts, order_proof, order, stuckacts, mending, stuckphotos, stuck, keys, people, auditing,
    terms, designing,
)  # fmt: skip


#: The threads that pages share, where the console is alone. Fewer than the database has connections.
THREADS = 6


def make_console(house: Shop) -> Console:
    """The console of one shop, to be mounted anywhere."""

    @asynccontextmanager
    async def open_shop(_: Starlette) -> AsyncIterator[None]:
        current_default_thread_limiter().total_tokens = THREADS
        await run_sync(house.warm)
        yield

    routes = [route for room in _ROOMS for route in room.routes(house)]
    routes.append(Route("/static/{name}", static))
    app = Starlette(
        routes=routes,
        lifespan=open_shop,
        middleware=[Middleware(Heads), Middleware(GZipMiddleware, minimum_size=800)],
        exception_handlers={404: _missing(house), 405: _missing(house), 500: _broken(house)},
    )
    return Console(app)


class Console:
    """The application; what failed was answered and logged by its place alone, and goes no further: its words may be
    somebody's."""

    def __init__(self, app: Starlette) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through."""
        began = ended = False

        async def sending(message: Message) -> None:
            nonlocal began, ended
            began = began or message["type"] == "http.response.start"
            ended = message["type"] == "http.response.body" and not message.get("more_body", False)
            await send(message)

        try:
            await self.app(scope, receive, sending)
        except Exception:
            if scope["type"] != "http" or not began:
                raise
            if not ended:
                raise ConnectionAbortedError("an answer broke off") from None  # the browser must not take it for whole


def static(request: Request) -> Response:
    """A file of this room, for ever: its address changes with it."""
    name = request.path_params["name"]
    if name not in pages.STATIC:
        return Response(status_code=404)
    data, digest = pages.content(name)
    kept = "public, max-age=31536000, immutable" if request.query_params.get("v") == digest[:10] else "no-cache"
    return Response(data, media_type=pages.STATIC[name], headers={"cache-control": kept, "etag": f'"{digest[:20]}"'})


class Heads:
    """What every answer says of itself. Pages show people: no cache keeps them."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                heads = list(message.get("headers", []))
                there = {name.lower() for name, _ in heads}
                heads += [(name.encode(), value.encode()) for name, value in guard.HEADERS.items()]
                if b"cache-control" not in there:
                    heads.append((b"cache-control", b"no-store"))
                message = {**message, "headers": heads}
            await send(message)

        await self._app(scope, receive, sending if scope["type"] == "http" else send)


Handler = Callable[[Request, Exception], Awaitable[Response]]


def _missing(house: Shop) -> Handler:
    async def missing(request: Request, _: Exception) -> Response:
        found = error("page.unknown", "address", "leads nowhere", "go on from one of the pages above")
        return await _told(house, request, "There is no such page.", found, 404)

    return missing


def _broken(house: Shop) -> Handler:
    async def broken(request: Request, failure: Exception) -> Response:
        import structlog
        from starlette.requests import ClientDisconnect

        if isinstance(failure, ClientDisconnect):  # somebody closed the page while it was sending
            return Response(status_code=400)
        structlog.get_logger("cardpipe.console").error("page_failed", failure=place(failure))
        found = error("bug", "page", "could not be shown; it is our fault", "tell whoever runs the shop: see its log")
        return await _told(house, request, "Something is broken.", found, 500)

    return broken


async def _told(house: Shop, request: Request, what: str, found: object, status: int) -> Response:
    from cardpipe.console.visit import Visit

    def work() -> Response:
        session = guard.session_of(house, request)
        visit = Visit(house, request, session, guard.csrf_of(house, session.digest)) if session else None
        return guard.told(request, Refused(what, [found]), visit, status)  # type: ignore[list-item]

    return await run_sync(work)
