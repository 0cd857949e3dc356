"""Logging in and out, and whose orders one looks at."""

from __future__ import annotations

from anyio.to_thread import run_sync
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from cardpipe.console import guard, pages, password
from cardpipe.console.guard import page
from cardpipe.console.visit import Visit, address, root
from cardpipe.model.errors import Refused
from cardpipe.model.finding import Finding, error
from cardpipe.model.user import Role, User
from cardpipe.wiring import Shop

_MOST = 10_000


def routes(house: Shop) -> list[Route]:
    """``/login``, ``/logout``, ``/turn``, ``/account``."""

    async def login(request: Request) -> Response:
        if request.method == "GET":
            return await run_sync(_form, house, request)
        if guard.too_large(request, _MOST) or not guard.from_here(request):
            return RedirectResponse(address(request, "login"), 303)
        async with request.form(max_files=0, max_fields=10, max_part_size=_MOST) as form:
            name, secret = str(form.get("name", "")).strip().lower(), str(form.get("password", ""))
        return await run_sync(_answer, house, request, name, secret)

    @page(house, Role.VIEWER)
    def logout(visit: Visit) -> Response:
        house.store.end_session(visit.session.digest)
        answer = RedirectResponse(visit.url("login"), 303)
        answer.delete_cookie(guard.COOKIE, path=root(visit.request))
        return answer

    @page(house, Role.VIEWER)
    def turn(visit: Visit) -> Response:
        """Another tenant, or the orders of test keys."""
        tenant, mode = visit.form.get("tenant", visit.scope.tenant), visit.form.get("mode", visit.scope.mode)
        if not visit.user.sees(tenant) or mode not in ("live", "test") or tenant not in tenants(house, visit.user):
            raise Refused("There is no such tenant.", [error("tenant.unknown", "tenant", "is none of yours", _CHOOSE)])
        house.store.turn_session(visit.session.digest, tenant, mode)
        return visit.done(f"You see the {mode} orders of {tenant} now.")

    @page(house, Role.VIEWER)
    def account(visit: Visit) -> Response:
        if visit.request.method == "GET":
            return visit.show("account.html", choices=tenants(house, visit.user), findings=())
        now, new, again = (visit.form.get(name, "") for name in ("now", "new", "again"))
        found: list[Finding] = list(password.judge(new, visit.user.name))
        if not password.matches(visit.user.password, now):
            found.append(error("password.wrong", "now", "is not your password", "type the one that you logged in with"))
        if new != again:
            found.append(error("password.differs", "again", "is not the same", "type the new password twice"))
        if found:
            return visit.show("account.html", choices=tenants(house, visit.user), findings=found, status=422)
        house.store.change_user(visit.user.name, visit.actor, password=password.hash(new))
        return RedirectResponse(visit.url("login"), 303)  # every session of his is over

    return [
        Route("/login", login, methods=["GET", "POST"]),
        Route("/logout", logout, methods=["POST"]),
        Route("/turn", turn, methods=["POST"]),
        Route("/account", account, methods=["GET", "POST"]),
    ]


_CHOOSE = "choose one of the list"
_WRONG = error("login.wrong", "name", "and password do not belong together", "try again, or ask an administrator")


def tenants(house: Shop, user: User) -> list[str]:
    """Whose orders he may look at: those that were set up, and the command line's own."""
    known = {tenant.name for tenant in house.store.tenants()} | {house.settings.tenant}
    return sorted(name for name in known if user.sees(name))


def _form(house: Shop, request: Request) -> Response:
    if guard.session_of(house, request) is not None:
        return RedirectResponse(address(request), 303)
    return pages.show(request, "login.html", findings=(), name="", nobody=not house.store.users())


def _answer(house: Shop, request: Request, name: str, secret: str) -> Response:
    """The same words and the same time for a name that is nobody's and for a wrong password."""

    def again(found: Finding, status: int) -> Response:
        nobody = not house.store.users()
        return pages.show(request, "login.html", None, status, findings=(found,), name=name[:64], nobody=nobody)

    if (wait := house.store.login_pause(name)) > 0:
        remedy = f"wait {max(1, round(wait))} s, or ask an administrator to end the pause"
        return again(error("login.pause", "name", "was tried too often with a wrong password", remedy), 429)
    house.store.failed_login(name)  # before it is compared: who tries at the same moment is counted as well
    user = house.store.user(name)
    good = password.matches(user.password if user else "", secret)
    if user is None or not good or user.disabled_at is not None:
        return again(_WRONG, 401)
    choices = tenants(house, user)
    if not choices:
        what, remedy = "may look at no tenant that exists", "ask an administrator"
        return again(error("login.no_tenant", "name", what, remedy), 403)
    house.store.logged_in(name)
    answer = RedirectResponse(address(request), 303)
    tenant = house.settings.tenant if house.settings.tenant in choices else choices[0]
    guard.begin(house, request, answer, user.name, tenant, "live")
    return answer
