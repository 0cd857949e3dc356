"""The guard at the door: what every answer carries, what no browser may ask for another page, and a line in the log.

Keys say who may speak to the API (``api.access``), so it may listen on any address. It speaks plain HTTP: beyond this
machine a proxy in front of it must bring TLS, or keys and addresses travel in the clear; that proxy need not pass on
``/metrics``. A browser that acts for another page is turned away whatever it brings (there is no CORS), and a page that
rebinds its own name to ours has no key. Whatever fails inside leaves as a sentence and a request id, never as a stack
trace; of a request the log has neither path nor query, headers or body, for references may be names.
"""

from __future__ import annotations

import ipaddress
import secrets
import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import structlog
from starlette.datastructures import Headers, MutableHeaders

from cardpipe.api.access import Caller
from cardpipe.api.limits import Standing
from cardpipe.api.problem import Problem, bug
from cardpipe.model.finding import error
from cardpipe.pipeline.failure import place

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

log = structlog.get_logger("cardpipe.api")

#: Told of each answer: the route's template, the status.
Noted = Callable[[str, int], None]

_HEADERS = {
    "x-content-type-options": "nosniff",
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
}
#: What a browser says of a request that no other page had a hand in.
_OWN_SITE = {"none", "same-origin"}
#: In the log only: the caller was gone before the answer, or the answer broke off.
_GONE = 499
_METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}


def is_loopback(name: str) -> bool:
    """Whether a host name means this machine and no other: ``localhost``, 127.0.0.0/8 or ::1, nothing looked up."""
    if name.lower() == "localhost":
        return True
    try:
        address = ipaddress.ip_address(name.removeprefix("[").removesuffix("]"))
    except ValueError:
        return False
    return address.is_loopback and not getattr(address, "scope_id", None)


def exposed(host: str) -> str:
    """What to warn of before listening on this address; empty where only this machine can reach it."""
    if is_loopback(host):
        return ""
    return (
        f"{host} can be reached from other machines, and keys would travel in the clear: put a proxy with TLS before it"
    )


class Guard:
    """Outermost layer of the API (plain ASGI, so that streams pass through it untouched)."""

    def __init__(self, app: App, noted: Noted) -> None:
        self.app = app
        self.noted = noted

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, or answer it here."""
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        request_id, begun_at, status = f"req_{secrets.token_hex(8)}", time.perf_counter(), 0
        state = scope.setdefault("state", {})
        state["request_id"] = request_id

        ended_at = None

        async def dressed(message: Message) -> None:
            nonlocal status, ended_at
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                headers["x-request-id"] = request_id
                standing = state.get("rate")
                extra = standing.headers() if isinstance(standing, Standing) else {}
                for name, value in {**_HEADERS, **extra}.items():
                    headers.setdefault(name, value)
            await send(message)
            if message["type"] == "http.response.body" and not message.get("more_body", False):
                ended_at = time.perf_counter()  # what is noted afterwards keeps nobody waiting

        try:
            await (_from_elsewhere(Headers(scope=scope), request_id) or self.app)(scope, receive, dressed)
        except Exception as failure:
            log.error("request_failed", request=request_id, method=scope["method"], failure=place(failure))
            if status:
                status = _GONE
                raise ConnectionAbortedError(f"{request_id}: the answer broke off") from None
            await bug(request_id)(scope, receive, dressed)
        finally:
            self._tell(scope, request_id, status or _GONE, (ended_at or time.perf_counter()) - begun_at)

    def _tell(self, scope: Scope, request_id: str, status: int, seconds: float) -> None:
        """One line a request. A method that no route knows may be anything, so it is not repeated."""
        route = getattr(scope.get("route"), "path", None) or "-"
        method = scope["method"] if scope["method"] in _METHODS else "-"
        caller = scope["state"].get("caller")
        who = (
            {"key": caller.key, "tenant": caller.scope.tenant, "mode": caller.scope.mode}
            if isinstance(caller, Caller)
            else {}
        )
        self.noted(route, status)
        log.info(
            "request", request=request_id, method=method, route=route, status=status, ms=round(seconds * 1000, 1), **who
        )


def _from_elsewhere(headers: Headers, request_id: str) -> Problem | None:
    """The answer to a browser that acts for a page of another site; None for everybody else."""
    hosts, origins, sites = (headers.getlist(name) for name in ("host", "origin", "sec-fetch-site"))
    ours = {f"{scheme}://{host}" for host in hosts[:1] for scheme in ("http", "https")}
    if ours.issuperset(origins) and _OWN_SITE.issuperset(site.lower() for site in sites):
        return None
    said = "a browser asked for a page of another site, and this API takes no part in that; call it from a server"
    return Problem(403, "refused", said, request_id, [error("request.cross_site", "Origin", "is another site")])


def host_of(host: str) -> str:
    """The host without its port. Anything odd in it stays, and is no loopback name then."""
    if host.startswith("["):
        name, _, rest = host.partition("]")
        return name[1:] if rest == "" or (rest[0] == ":" and rest[1:].isdigit()) else host
    name, colon, port = host.partition(":")
    return name if not colon or port.isdigit() else host
