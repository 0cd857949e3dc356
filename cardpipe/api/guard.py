"""The guard at the door: who may speak to an API that knows no keys yet, and what every answer carries.

Until there are keys, only programs of this machine may: the server listens on loopback, a request must name this
machine as its host (a web page that rebinds its own name to 127.0.0.1 cannot), and a browser that acts for another
page is turned away. Whatever fails inside leaves as a sentence and a request id, never as a stack trace.
"""

from __future__ import annotations

import ipaddress
import logging
import secrets
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from starlette.datastructures import Headers, MutableHeaders

from cardpipe.api.problem import Problem, bug, place
from cardpipe.model.errors import Refused
from cardpipe.model.finding import error

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

log = logging.getLogger("cardpipe.api")

_HEADERS = {
    "x-content-type-options": "nosniff",
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
}
#: What a browser says of a request that no other page had a hand in.
_OWN_SITE = {"none", "same-origin"}


def only_loopback(host: str) -> None:
    """Raises Refused for an address that other machines can reach: the API has no keys yet."""
    if is_loopback(host):
        return
    remedy = "leave --host at 127.0.0.1, and let a proxy on this machine ask for passwords"
    raise Refused(
        f"The API has no keys yet, so it listens on this machine alone, and not on {host!r}; {remedy}.",
        [error("serve.host", "--host", f"{host!r} can be reached from other machines", remedy)],
    )


def is_loopback(name: str) -> bool:
    """Whether a host name means this machine and no other: ``localhost``, 127.0.0.0/8 or ::1, nothing looked up."""
    if name.lower() == "localhost":
        return True
    try:
        address = ipaddress.ip_address(name.removeprefix("[").removesuffix("]"))
    except ValueError:
        return False
    return address.is_loopback and not getattr(address, "scope_id", None)


class Guard:
    """Outermost layer of the API (plain ASGI, so that streams pass through it untouched)."""

    def __init__(self, app: App) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, or answer it here."""
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        request_id = f"req_{secrets.token_hex(8)}"
        scope.setdefault("state", {})["request_id"] = request_id
        begun = False

        async def dressed(message: Message) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun = True
                headers = MutableHeaders(scope=message)
                headers["x-request-id"] = request_id
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        try:
            turned_away = _from_outside(scope, request_id) or _judge(Headers(scope=scope), request_id)
            await (turned_away or self.app)(scope, receive, dressed)
        except Exception as failure:
            log.error("%s %s failed: %s", request_id, scope["method"], place(failure))
            if begun:
                raise ConnectionAbortedError(f"{request_id}: the answer broke off") from None
            await bug(request_id)(scope, receive, dressed)


def _from_outside(scope: Scope, request_id: str) -> Problem | None:
    """A second wall, in case somebody bound the server to more than loopback: by which address was it reached?"""
    server = scope.get("server")
    if (
        server is None or server[1] is None or is_loopback(server[0])
    ):  # without a port it is a socket in the file system
        return None
    said = "this API has no keys yet and answers programs of its own machine only"
    return Problem(403, "refused", said, request_id, [error("request.outside", "address", "is no loopback address")])


def _judge(headers: Headers, request_id: str) -> Problem | None:
    hosts = headers.getlist("host")
    if len(hosts) != 1 or not is_loopback(_name(hosts[0])):
        said = "this API answers to names of its own machine only: ask http://127.0.0.1 or http://localhost"
        return Problem(421, "refused", said, request_id, [error("request.host", "Host", "names another machine")])
    origins, sites = headers.getlist("origin"), headers.getlist("sec-fetch-site")
    own = all(origin in (f"http://{hosts[0]}", f"https://{hosts[0]}") for origin in origins)
    if not own or not _OWN_SITE.issuperset(site.lower() for site in sites):
        said = "a browser asked for another page; this API has no keys yet and takes no part in that"
        return Problem(403, "refused", said, request_id, [error("request.cross_site", "Origin", "is another site")])
    return None


def _name(host: str) -> str:
    """The host without its port. Anything odd in it stays, and is no loopback name then."""
    if host.startswith("["):
        name, _, rest = host.partition("]")
        return name[1:] if rest == "" or (rest[0] == ":" and rest[1:].isdigit()) else host
    name, colon, port = host.partition(":")
    return name if not colon or port.isdigit() else host
