"""What an operator does to an order beside changing it. Each act says why, is asked for on a page of its own, and
stands in the audit log with ids only."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from cardpipe.console.guard import Endpoint, page
from cardpipe.console.order import SLUGS, acts, told
from cardpipe.console.order_words import accepted_of
from cardpipe.console.visit import Visit
from cardpipe.model.address import clean_text
from cardpipe.model.errors import Conflict, Refused
from cardpipe.model.finding import error
from cardpipe.model.override import Override
from cardpipe.model.stored import StoredOrder
from cardpipe.model.user import Role
from cardpipe.pipeline.cancel import cancel
from cardpipe.pipeline.change import approve
from cardpipe.pipeline.erase import erase
from cardpipe.wiring import Shop

_LONGEST_REASON = 200

#: Does it, audits it, and says what happened.
Doing = Callable[[Visit, StoredOrder], str]


def routes(house: Shop) -> list[Route]:
    """``/orders/{key}/hold`` and the like: GET asks, POST does."""
    made = []
    for name, doing in _DOINGS.items():
        role = Role.ADMINISTRATOR if name == "erase" else Role.OPERATOR
        slug = SLUGS.get(name, name)
        made.append(Route(f"/orders/{{key}}/{slug}", _endpoint(house, role, name, doing), methods=["GET", "POST"]))
    return made


def _endpoint(house: Shop, role: Role, name: str, doing: Doing) -> Endpoint:
    @page(house, role)
    def act(visit: Visit) -> Response:
        stored = accepted_of(house, visit.scope, visit.part("key"))
        if stored.id != visit.part("key"):
            return RedirectResponse(visit.url("orders", stored.id), 303)
        offered = next(each for each in acts(visit, stored) if each.action.name == name)
        if visit.request.method == "GET":
            return visit.show("order_act.html", act=offered, **told(visit, stored))
        if not offered.action.allowed:
            found = error(f"order.{name}.not_now", "order", offered.action.why, "look at the order as it is now")
            raise Conflict("This cannot be done to the order now.", [found])
        return visit.done(doing(visit, stored), "orders", stored.id)

    return act


def _hold(visit: Visit, stored: StoredOrder) -> str:
    visit.house.store.hold(visit.scope, stored.id, reason(visit), "operator", visit.actor)
    _audit(visit, "order.held", stored)
    return "Held. It stands still until somebody resumes it."


def _resume(visit: Visit, stored: StoredOrder) -> str:
    subject = stored.id if stored.held else stored.pieces[0].id
    visit.house.store.resume(visit.scope, subject, reason(visit), visit.actor)
    _audit(visit, "order.resumed", stored)
    return "It goes on."


def _allow(visit: Visit, stored: StoredOrder) -> str:
    if visit.form.get("allow_duplicate") != "yes":
        remedy = "tick it, if this person is to have both cards"
        found = error("form.missing", "allow_duplicate", "is not ticked", remedy)
        raise Refused("A second card goes on only when somebody says so.", [found])
    visit.house.store.allow_duplicate(visit.scope, stored.id, reason(visit), visit.actor)
    _audit(visit, "order.duplicate_allowed", stored, duplicate_of=stored.duplicate_of or "")
    return "Allowed as a second card. It goes on."


def _cancel(visit: Visit, stored: StoredOrder) -> str:
    cancel(visit.house, visit.scope, stored.id, reason(visit), visit.actor)
    _audit(visit, "order.cancelled", stored)
    return "Cancelled. Nothing of it is mailed."


def _approve(visit: Visit, stored: StoredOrder) -> str:
    """The proof that was looked at, by its digest: another one by now is a Conflict ``proof.other``."""
    proof = visit.needed("proof", "open the order's page, look at the proof, and approve it there")
    approve(visit.house, visit.scope, stored.id, proof, visit.actor)
    _audit(visit, "order.approved", stored, proof=proof)
    return "The proof is approved. It is printed at the next cut-off."


def _again(visit: Visit, stored: StoredOrder) -> str:
    piece = stored.pieces[0]
    visit.house.store.again(visit.scope, piece.id, reason(visit))
    _audit(visit, "order.again", stored, piece=piece.id)
    return "It is composed again."


def _erase(visit: Visit, stored: StoredOrder) -> str:
    if visit.form.get("typed", "") != stored.reference:
        remedy = "type the order's reference, letter by letter"
        raise Refused("Nothing was erased.", [error("form.typed", "typed", "is not the order's reference", remedy)])
    erase(visit.house, visit.scope, stored.id, visit.actor)  # which stands in the audit log by itself
    return "Its personal data are erased. States, counts and digests stay."


_DOINGS: Mapping[str, Doing] = {
    "hold": _hold, "resume": _resume, "allow_duplicate": _allow, "cancel": _cancel, "approve": _approve,
    "again": _again, "erase": _erase,
}  # fmt: skip


def reason(visit: Visit, name: str = "reason") -> str:
    """Why, in one line that is kept with the order. Raises Refused ``form.missing``, ``request.reason``."""
    given = visit.needed(name, "say why, in one line")
    try:
        text = str(clean_text(given))
    except ValueError as problem:
        found = error("request.reason", name, str(problem), "write one plain line")
        raise Refused("The reason cannot be kept.", [found]) from None
    if len(text) > _LONGEST_REASON:
        what = f"has {len(text)} characters, and {_LONGEST_REASON} are the most"
        raise Refused("The reason cannot be kept.", [error("request.reason", name, what, "say it shorter")])
    return text


def _audit(visit: Visit, action: str, stored: StoredOrder, **detail: object) -> None:
    visit.house.store.audit(visit.scope.tenant, visit.actor, action, stored.id, mode=visit.scope.mode, **detail)


def audit_passed(visit: Visit, subject: str, overrides: Iterable[Override]) -> None:
    """Who let which finding pass; why stands with the row and the order."""
    for each in overrides:
        visit.house.store.audit(visit.scope.tenant, visit.actor, "order.finding_passed", subject, code=each.code,
                                where=each.where, mode=visit.scope.mode)  # fmt: skip
