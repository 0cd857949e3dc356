"""People: who may log in, with which role, for which tenants. A password that is made is shown once.

An administrator of all tenants manages everybody. One who sees some tenants alone manages those who see no others, and
learns of nobody else. No address names a person: a user's page is found by a keyed hash of the name.
"""

from __future__ import annotations

import hmac
from typing import Any

from starlette.responses import Response
from starlette.routing import Route

from cardpipe.console import login, password
from cardpipe.console.guard import page
from cardpipe.console.visit import Visit
from cardpipe.model.errors import Refused
from cardpipe.model.finding import Finding, error
from cardpipe.model.user import Role, User, judge_name
from cardpipe.wiring import Shop

ROLES = {
    Role.VIEWER: "looks at everything, changes nothing",
    Role.OPERATOR: "runs the day: imports, batches, orders",
    Role.ADMINISTRATOR: "also decides who works here, and makes keys",
}


def manages(who: User, other: User) -> bool:
    """Whether an administrator may see and change that user."""
    if who.role is not Role.ADMINISTRATOR:
        return False
    return not who.tenants or (bool(other.tenants) and set(other.tenants) <= set(who.tenants))


def routes(house: Shop) -> list[Route]:
    """``/people``."""

    @page(house, Role.ADMINISTRATOR)
    def listed(visit: Visit) -> Response:
        return visit.show("people.html", **_shown(visit))

    @page(house, Role.ADMINISTRATOR)
    def add(visit: Visit) -> Response:
        name = visit.form.get("name", "").lower()
        role, tenants, findings = _chosen(visit)
        findings = [*judge_name(name), *findings]
        secret, given = _password(visit, name, findings)
        if findings:
            raise Refused("Nobody was added.", findings)
        house.store.add_user(User(name, role, tenants, password.hash(secret)), visit.actor)
        if given:
            return visit.done("The new user may log in now.", "people", _id(visit, name))
        return _once(visit, name, secret)

    @page(house, Role.ADMINISTRATOR)
    def one(visit: Visit) -> Response:
        return visit.show("people_one.html", **_one(visit, _found(visit)))

    @page(house, Role.ADMINISTRATOR)
    def change(visit: Visit) -> Response:
        user = _found(visit)
        role, tenants, findings = _chosen(visit)
        if findings:
            raise Refused("Nothing was changed.", findings)
        house.store.change_user(user.name, visit.actor, role=role, tenants=tenants)
        return visit.done("It is as you said. Whoever was logged in under that name logs in again.", "people")

    @page(house, Role.ADMINISTRATOR)
    def renew(visit: Visit) -> Response:
        """A new password."""
        user, findings = _found(visit), list[Finding]()
        secret, given = _password(visit, user.name, findings)
        if findings:
            raise Refused("The password stays as it was.", findings)
        house.store.change_user(user.name, visit.actor, password=password.hash(secret))
        if given:
            return visit.done("The new password holds from now on.", "people", visit.part("id"))
        return _once(visit, user.name, secret)

    @page(house, Role.ADMINISTRATOR)
    def disable(visit: Visit) -> Response:
        house.store.change_user(_found(visit).name, visit.actor, disabled=True)
        return visit.done("That user may not log in any more, and is logged out.", "people")

    @page(house, Role.ADMINISTRATOR)
    def enable(visit: Visit) -> Response:
        house.store.change_user(_found(visit).name, visit.actor, disabled=False)
        return visit.done("That user may log in again.", "people")

    @page(house, Role.ADMINISTRATOR)
    def unlock(visit: Visit) -> Response:
        """Whoever gave a wrong password too often need not wait."""
        ended = house.store.unlock_user(_found(visit).name, visit.actor)
        return visit.done("The pause is over." if ended else "There was no pause any more.", "people")

    @page(house, Role.ADMINISTRATOR)
    def end(visit: Visit) -> Response:
        many = house.store.end_sessions(_found(visit).name, visit.actor)
        return visit.done(f"{many:,} {'session is' if many == 1 else 'sessions are'} over.", "people", visit.part("id"))

    return [
        Route("/people", listed),
        Route("/people", add, methods=["POST"]),
        Route("/people/{id}", one),
        Route("/people/{id}", change, methods=["POST"]),
        Route("/people/{id}/password", renew, methods=["POST"]),
        Route("/people/{id}/sessions", end, methods=["POST"]),
        Route("/people/{id}/disable", disable, methods=["POST"]),
        Route("/people/{id}/enable", enable, methods=["POST"]),
        Route("/people/{id}/unlock", unlock, methods=["POST"]),
    ]


def _shown(visit: Visit, made: str = "", secret: str = "") -> dict[str, Any]:
    users = [user for user in visit.house.store.users() if manages(visit.user, user)]
    paused = visit.house.store.paused_logins()
    return {
        "users": [(user, _id(visit, user.name), paused.get(user.name)) for user in users], "made": made,
        "secret": secret, "roles": ROLES,
        "choices": login.tenants(visit.house, visit.user), "all": not visit.user.tenants, "person": None,
    }  # fmt: skip


def _one(visit: Visit, user: User) -> dict[str, Any]:
    known = {*login.tenants(visit.house, visit.user), *user.tenants}
    return {
        "person": user, "id": _id(visit, user.name), "roles": ROLES, "all": not visit.user.tenants,
        "choices": sorted(known), "me": user.name == visit.user.name,
        "paused": visit.house.store.paused_logins().get(user.name),
    }  # fmt: skip


def _once(visit: Visit, name: str, secret: str) -> Response:
    """The one answer that holds the password."""
    block = "made" if visit.by_htmx else None
    return visit.show("people.html", block, **_shown(visit, name, secret))


def _id(visit: Visit, name: str) -> str:
    """What stands in an address instead of a name."""
    return hmac.new(visit.house.secret, f"console user {name}".encode(), "sha256").hexdigest()[:20]


def _found(visit: Visit) -> User:
    """The user of an address. Raises Refused ``user.unknown``, also for one that is not this administrator's."""
    for user in visit.house.store.users():
        if hmac.compare_digest(_id(visit, user.name), visit.part("id")) and manages(visit.user, user):
            return user
    raise Refused("No such user.", [error("user.unknown", "user", "is nobody whom you manage", "take one of the list")])


def _chosen(visit: Visit) -> tuple[Role, tuple[str, ...], list[Finding]]:
    """Role and tenants of a form, and what is wrong with them. Nobody gives what they have not."""
    findings: list[Finding] = []
    given = visit.form.get("role", "")
    if given not in set(Role):
        findings.append(error("user.role", "role", "is none", f"choose one of: {', '.join(Role)}"))
    whole = visit.form.get("reach") == "all"
    tenants = () if whole else tuple(sorted(set(visit.many("tenant"))))
    known = set(login.tenants(visit.house, visit.user))
    if whole and visit.user.tenants:
        what, remedy = "you do not see all tenants", "choose among those that you see"
        findings.append(error("user.tenant", "tenants", what, remedy))
    if not whole and not tenants:
        findings.append(error("user.tenant", "tenants", "none is chosen", "choose whose orders this user sees"))
    if unknown := set(tenants) - known:
        what = f"{len(unknown)} of them you do not see, or nobody set up"
        findings.append(error("user.tenant", "tenants", what, "choose among those of the list"))
    return Role(given) if given in set(Role) else Role.VIEWER, tenants, findings


def _password(visit: Visit, name: str, findings: list[Finding]) -> tuple[str, bool]:
    """The password of a form, or a made one; and whether it was given. What is wrong with it goes to the findings."""
    given = next(iter(visit.many("password")), "")  # as it was typed: blanks around it are part of it
    if not given:
        return password.make(), False
    findings += password.judge(given, name)
    return given, True
