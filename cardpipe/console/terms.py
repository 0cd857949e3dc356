"""A tenant's terms: when its day closes, how long its people are remembered, and how much it may order."""

from __future__ import annotations

import datetime as dt
from functools import lru_cache
from typing import Any
from zoneinfo import available_timezones

from pydantic import ValidationError
from starlette.responses import Response
from starlette.routing import Route

from cardpipe.console.guard import page
from cardpipe.console.visit import Visit
from cardpipe.lettershop.calendar import mail_date
from cardpipe.model.errors import Conflict, Refused
from cardpipe.model.finding import Finding, error
from cardpipe.model.order import Scope
from cardpipe.model.tenant import Tenant
from cardpipe.model.user import Role
from cardpipe.wiring import Shop

_NUMBERS = ("retention_days", "daily_limit", "rate")
#: What only an administrator of all tenants changes: it guards the shop against the tenant.
_SHOPS_OWN = ("daily_limit", "rate", "closed", "postage_class")
_COUNTED = 1000
_AREAS = ("Africa", "America", "Antarctica", "Asia", "Atlantic", "Australia", "Europe", "Indian", "Pacific")


def routes(house: Shop) -> list[Route]:
    """``/tenant`` and ``/tenants``."""

    @page(house, Role.ADMINISTRATOR)
    def shown(visit: Visit) -> Response:
        return visit.show("tenant.html", **_shown(visit, house.store.tenant(visit.scope.tenant)))

    @page(house, Role.ADMINISTRATOR)
    def change(visit: Visit) -> Response:
        before = house.store.tenant(visit.scope.tenant)
        if visit.form.get("name") != before.name:  # another tab looked at another tenant in the meantime
            what, remedy = f"were those of another tenant; you see {before.name} now", "look at them, and change them"
            raise Conflict("Nothing was changed.", [error("tenant.turned", "terms", what, remedy)])
        given, findings = _given(visit, before)
        if findings:
            raise Refused("Nothing was changed.", findings)
        if _forgets_sooner(before, given) and visit.form.get("sure") != "yes":
            kept = [(name, value) for name, value in visit.form.items() if name not in ("csrf", "sure")]
            block = "sure" if visit.by_htmx else None
            return visit.show("tenant_sure.html", block, given=given, before=before, fields=kept,
                              erasable=_erasable(visit, given))  # fmt: skip
        house.store.set_tenant(given, visit.actor)
        return visit.done("These terms hold from now on; orders that were taken before keep their mail date.", "tenant")

    @page(house, Role.ADMINISTRATOR)
    def add(visit: Visit) -> Response:
        """A new tenant, with the usual terms."""
        if visit.user.tenants:
            what, remedy = "you do not see all tenants", "ask an administrator who does"
            raise Refused("No tenant was added.", [error("tenant.whose", "tenant", what, remedy)])
        name = visit.needed("name")
        try:
            made = Tenant(name=name)
        except ValidationError:
            remedy = "lower-case letters, figures and hyphens, 64 at most"
            raise Refused("No tenant was added.", [error("tenant.name", "name", "is no name", remedy)]) from None
        if name in {tenant.name for tenant in house.store.tenants()} | {house.settings.tenant}:
            taken = error("tenant.taken", "name", "is there already", "change its terms, or take another name")
            raise Conflict("No tenant was added.", [taken])
        house.store.set_tenant(made, visit.actor)
        house.store.turn_session(visit.session.digest, name, visit.scope.mode)
        return visit.done(f"{name} is there, and you see it now. These are its terms.", "tenant")

    return [
        Route("/tenant", shown),
        Route("/tenant", change, methods=["POST"]),
        Route("/tenants", add, methods=["POST"]),
    ]


def _shown(visit: Visit, terms: Tenant) -> dict[str, Any]:
    house = visit.house
    carrier = house.catalog.carrier(house.carrier)
    next_mail = mail_date(house.clock.now(), terms.zone, terms.cut_off, carrier.calendar).isoformat()
    return {"terms": terms, "zones": _zones(), "presides": not visit.user.tenants, "next_mail": next_mail}


def _given(visit: Visit, before: Tenant) -> tuple[Tenant, list[Finding]]:
    """The terms as the form says them; what may not be changed by this user stays as it was."""
    form, findings = visit.form, list[Finding]()
    said: dict[str, Any] = {
        "zone": form.get("zone", ""), "cut_off": form.get("cut_off") or None, "approval": form.get("approval", ""),
        "retention_days": form.get("retention_days", ""),
    }  # fmt: skip
    if not visit.user.tenants:
        said |= {name: form.get(name, "") for name in ("daily_limit", "rate", "postage_class")}
        said["closed"] = form.get("closed") == "yes"
    elif any(form.get(name, "") for name in _SHOPS_OWN):
        what, remedy = "are set by the shop", "ask an administrator of all tenants"
        findings.append(error("tenant.whose", "limits", what, remedy))
    for name in _NUMBERS:
        if name not in said:
            continue
        text = said[name].replace(",", "")
        said[name] = int(text) if text.isascii() and text.isdecimal() and len(text) < 12 else (text or None)
    try:
        return Tenant.model_validate({**before.model_dump(), **said}), findings
    except ValidationError as problem:
        for item in problem.errors():
            where = ".".join(str(part) for part in item["loc"])
            findings.append(error("tenant.invalid", where, _plain(item["msg"]), "mend this field"))
        return before, findings


def _forgets_sooner(before: Tenant, given: Tenant) -> bool:
    """Whether people are erased whom the terms before would have kept."""
    now, then = given.retention_days, before.retention_days
    return now is not None and (then is None or now < then)


def _erasable(visit: Visit, given: Tenant) -> int:
    """How many orders the next erasure takes by these terms; no more than :data:`_COUNTED` are counted of a mode."""
    since = visit.house.clock.now() - dt.timedelta(days=given.retention_days or 0)
    scopes = [Scope(given.name, mode) for mode in ("live", "test")]
    return sum(len(visit.house.store.erasable(scope, since.isoformat(), _COUNTED)) for scope in scopes)


def _plain(message: str) -> str:
    return message.removeprefix("Value error, ").removeprefix("Input ")


@lru_cache(maxsize=1)
def _zones() -> list[str]:
    """Zones that people live in; UTC first."""
    return ["UTC", *sorted(name for name in available_timezones() if name.partition("/")[0] in _AREAS)]
