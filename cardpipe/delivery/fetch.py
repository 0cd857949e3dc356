"""A picture by its URL: fetched once, by the guarded way, and from then on known by its digest alone."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import urljoin

from cardpipe.delivery.reach import Target, refused, target_of, unavailable
from cardpipe.model.errors import Refused
from cardpipe.model.finding import error

if TYPE_CHECKING:  # an HTTP library is heavy, and most commands fetch nothing
    from cardpipe.delivery.guarded import Limits, Reach, Received

MOST_BYTES = 25_000_000  # as an upload; what prepress reads at most
MOST_HOPS = 3
SECONDS = 60.0
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_LATER = frozenset({408, 425, 429})  # the server asks to be called again
_FINAL = "give the final URL of the picture itself"


def fetch_picture(
    url: str, where: str, *, allow: frozenset[str] = frozenset(), limit: int = MOST_BYTES, http: bool = False
) -> bytes:
    """The bytes behind the URL, at most ``limit``, within a minute. What they are is for the darkroom to find out: the
    server's word for it (Content-Type) is not asked.

    ``where`` names the order's field. Raises Refused with findings (``url.scheme``, ``url.private``, ``url.redirects``,
    ``url.large``, ``url.status`` …) where the URL is at fault, Unavailable where a later call may succeed.
    """
    from cardpipe.delivery.guarded import Limits, Reach

    return fetch(url, where, Limits(body=limit, wall=SECONDS), Reach(allow, http))


def fetch(url: str, where: str, limits: Limits, reach: Reach) -> bytes:
    """The same within other limits. Up to three redirects are followed, each judged anew and all within one time."""
    from cardpipe.delivery.guarded import call

    ends = time.monotonic() + limits.wall
    target = target_of(url, where, allow=reach.allow, http=reach.http)
    for _ in range(MOST_HOPS + 1):
        rest = replace(limits, wall=ends - time.monotonic())
        got = call(target, where, rest, reach, headers={"accept": "image/*"})
        if got.status not in _REDIRECTS:
            return _whole(target, where, got)
        target = _next(target, where, got, reach)
    raise refused(where, "url.redirects", f"{target.host}: more than {MOST_HOPS} redirects", _FINAL)


def _whole(target: Target, where: str, got: Received) -> bytes:
    said = f"{target.host} answered {got.status}"
    if got.status >= 500 or got.status in _LATER:
        raise unavailable(where, said)
    if got.status != 200:
        raise refused(where, "url.status", said, "give a URL that answers 200 to everybody who has it")
    if got.headers.get("content-encoding", "").strip().lower() not in ("", "identity"):
        message = f"{target.host} sends it compressed although it was asked not to"
        raise refused(where, "url.encoding", message, "have it sent as it is")
    if got.fault:
        raise got.fault
    return got.body


def _next(target: Target, where: str, got: Received, reach: Reach) -> Target:
    """Where a redirect leads, judged like any URL; from https to http it never leads."""
    place = got.headers.get("location", "")
    if not place:
        raise refused(where, "url.redirects", f"{target.host} answered {got.status} and no place", _FINAL)
    try:
        url = urljoin(f"{target.scheme}://{target.authority}{target.path}", place)
    except ValueError:
        url = ""
    try:
        following = target_of(url, where, allow=reach.allow, http=True)
    except Refused as problem:
        message = f"{target.host} leads to a URL that cannot be called: "
        found = [error(one.code, where, message + one.message, _FINAL) for one in problem.findings]
        raise Refused("a redirect cannot be followed", found) from None
    if following.scheme == "http" and (target.scheme == "https" or not (reach.http or following.allowed)):
        raise refused(where, "url.redirects", f"{target.host} leads to http, which anybody could change", _FINAL)
    return following
