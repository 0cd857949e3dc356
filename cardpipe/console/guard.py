"""The guard at the console's door: who may see a page, whose click it is, and how trouble is told.

A session is a random token in a cookie that scripts cannot read; the database has its digest alone. A form shows a
token that is derived of the session, so that another site's page cannot click for somebody (OWASP: HMAC-based token
pattern). A page's policy lets the browser run nothing but this room's own files.
"""

from __future__ import annotations

import functools
import hashlib
import hmac
import re
import secrets
from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

from anyio.to_thread import run_sync
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from cardpipe.console import pages
from cardpipe.console.visit import Visit, address, is_secure, root
from cardpipe.model.errors import CardpipeError, Conflict, Refused, Unavailable
from cardpipe.model.finding import Finding, error
from cardpipe.model.user import Role, Session
from cardpipe.wiring import Shop

COOKIE = "cardpipe-session"
#: A form without files is small.
MOST_BYTES = 1_000_000
_MOST_FIELDS = 12_000
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; media-src 'self' blob:; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "permissions-policy": "camera=(self), microphone=(), geolocation=()",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}
Handler = Callable[[Visit], Response]
Endpoint = Callable[[Request], Awaitable[Response]]


def page(house: Shop, role: Role, most: int = MOST_BYTES, files: int = 0) -> Callable[[Handler], Endpoint]:
    """A handler of somebody with this role becomes an endpoint. Forms have at most ``most`` bytes and ``files`` files.
    The handler runs in a thread, so it may ask the store."""

    def wrap(handler: Handler) -> Endpoint:
        @functools.wraps(handler)
        async def endpoint(request: Request) -> Response:
            session = await run_sync(session_of, house, request)
            if session is None:
                return _to_login(request)
            visit = Visit(house, request, session, csrf_of(house, session.digest))
            if not session.user.role.may(role):
                what = f"is for the role {role}; you are {session.user.role}"
                return told(request, Refused("This is not yours to do.", [error("user.role", "page", what, _ASK)]),
                            visit, 403)  # fmt: skip
            if request.method not in ("GET", "HEAD"):
                if refusal := too_large(request, most):
                    return told(request, refusal, visit, 413)
                part = min(most, MOST_BYTES)  # of a field that is no file: it is held in memory
                async with request.form(max_files=files, max_fields=_MOST_FIELDS, max_part_size=part) as form:
                    visit.form_data = form
                    given = request.headers.get("x-csrf") or form.get("csrf")
                    if not (from_here(request) and isinstance(given, str)
                            and hmac.compare_digest(given.encode(), visit.csrf.encode())):  # fmt: skip
                        found = error("form.stale", "form", "does not come from this session's page", _RELOAD)
                        return told(request, Refused("The form was not taken.", [found]), visit, 403)
                    return await run_sync(_handled, handler, visit)
            return await run_sync(_handled, handler, visit)

        return endpoint

    return wrap


_ASK = "ask an administrator, who can change your role"
_RELOAD = "open the page anew and do it again"


def _handled(handler: Handler, visit: Visit) -> Response:
    try:
        return handler(visit)
    except CardpipeError as problem:
        return told(visit.request, problem, visit)


def told(request: Request, problem: CardpipeError, visit: Visit | None, status: int = 0) -> Response:
    """What is wrong, with every finding and its remedy: as a page, or into the page that asked. Bugs go up."""
    if not isinstance(problem, (Refused, Conflict, Unavailable)):
        raise problem
    findings: tuple[Finding, ...] = tuple(problem.findings)
    code = status or {Refused: 422, Conflict: 409, Unavailable: 503}[_kind(problem)]
    if findings and re.fullmatch(r"[a-z]+\.unknown", findings[0].code) and not status:
        code = 404
    by_htmx = request.headers.get("hx-request") == "true"
    answer = pages.show(request, "problem.html", "findings" if by_htmx else None, code, visit=visit,
                        problem=str(problem), findings=findings, code=code)  # fmt: skip
    if by_htmx:
        answer.headers["hx-retarget"] = "#told"
        answer.headers["hx-reswap"] = "innerHTML show:top"
    return answer


def _kind(problem: CardpipeError) -> type[CardpipeError]:
    return next(kind for kind in (Refused, Conflict, Unavailable) if isinstance(problem, kind))


# sessions
def begin(house: Shop, request: Request, answer: Response, name: str, tenant: str, mode: str) -> None:
    """Somebody logged in: a session, and its token in a cookie of the browser."""
    token = secrets.token_urlsafe(32)
    house.store.add_session(digest_of(token), name, tenant, mode)
    answer.set_cookie(COOKIE, token, path=root(request), httponly=True, samesite="lax", secure=is_secure(request))


def session_of(house: Shop, request: Request) -> Session | None:
    """Whose session it is; None where it is over, or never was."""
    token = request.cookies.get(COOKIE, "")
    if not token or len(token) > 100:
        return None
    found = house.store.session(digest_of(token))
    if found is not None:
        house.store.saw_session(found.digest)
    return found


def digest_of(token: str) -> str:
    """What the database has of a session's token: with 256 bits of chance in it, no salt is needed."""
    return hashlib.sha256(token.encode()).hexdigest()


def csrf_of(house: Shop, digest: str) -> str:
    """The token that this session's forms show."""
    return hmac.new(house.secret, f"console form {digest}".encode(), hashlib.sha256).hexdigest()


def from_here(request: Request) -> bool:
    """Whether a browser says that the form stood on a page of ours. One that says nothing is no browser of today."""
    if site := request.headers.get("sec-fetch-site"):
        return site in ("same-origin", "none")
    origin = request.headers.get("origin")
    return origin is None or urlsplit(origin).netloc == request.headers.get("host", "")


def too_large(request: Request, most: int) -> Refused | None:
    """A form of unknown length, or a longer one, is not read at all."""
    length = request.headers.get("content-length", "")
    if length.isdecimal() and int(length) <= most:
        return None
    what = f"has more than {pages.size(most)}, or does not say how much"
    return Refused("This is too much at once.", [error("form.large", "form", what, "send less, in several parts")])


def _to_login(request: Request) -> Response:
    target = address(request, "login")
    if request.headers.get("hx-request") == "true":
        return Response(status_code=204, headers={"hx-redirect": target})
    if request.headers.get("accept", "").startswith("image/"):
        return Response(status_code=403)
    return RedirectResponse(target, 303)
