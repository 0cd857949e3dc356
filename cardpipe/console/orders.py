"""Orders: newest first, narrowed by what the address says; and found by what a person has in their hand."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass

from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from cardpipe.console.guard import page
from cardpipe.console.order_words import lines
from cardpipe.console.pages import shown
from cardpipe.console.visit import Visit
from cardpipe.model.errors import Refused
from cardpipe.model.finding import Finding, error
from cardpipe.model.status import OrderState, PieceState
from cardpipe.model.stored import OrderQuery
from cardpipe.model.user import Role
from cardpipe.wiring import Shop

#: Orders on a page, and how many a search shows.
PAGE, FOUND = 50, 20
_LONGEST_SEARCH = 200
_SLUG = re.compile(r"[a-z0-9][a-z0-9-]{0,63}\Z")
_KEY = re.compile(r"(ord|imp)_[0-9a-z]{4,40}\Z")
_ASIDE = {"waiting": "waits to be composed", "composing": "is being composed"}


@dataclass(frozen=True, slots=True)
class Choices:
    """What the filters offer: (value, words)."""

    states: tuple[tuple[str, str], ...]
    pieces: tuple[tuple[str, str], ...]
    occasions: tuple[str, ...]
    designs: tuple[str, ...]


def routes(house: Shop) -> list[Route]:
    """``/orders``, ``/orders/find``."""

    @page(house, Role.VIEWER)
    def listed(visit: Visit) -> Response:
        query, asked = _query(visit)
        found, last = house.store.list_orders(visit.scope, query)
        return visit.show(
            "orders.html", lines=lines(house, visit.scope, found), asked=asked, last=last, choices=_choices(house),
            narrowed=any(asked.values()), first=query.before is None,
        )  # fmt: skip

    @page(house, Role.VIEWER)
    def find(visit: Visit) -> Response:
        """In the body of a form, since it may be a name: a browser's history and a server's log keep addresses."""
        text = visit.form.get("text", "")[:_LONGEST_SEARCH]
        found = house.store.find(visit.scope, text, FOUND) if text else []
        if len(found) == 1:
            return RedirectResponse(visit.url("orders", found[0].id), 303)
        return visit.show("orders_found.html", text=text, lines=lines(house, visit.scope, found), most=FOUND)

    @page(house, Role.VIEWER)
    def search(visit: Visit) -> Response:
        """Whoever comes back to the address of a search may search again."""
        return visit.show("orders_found.html", text="", lines=[], most=FOUND)

    return [
        Route("/orders", listed), Route("/orders/find", search, methods=["GET"]),
        Route("/orders/find", find, methods=["POST"]),
    ]  # fmt: skip


def _choices(house: Shop) -> Choices:
    designs = house.catalog.designs()
    occasions = {occasion for name in designs for occasion in house.catalog.design(name).design.occasions}
    pieces = tuple((str(state), _ASIDE.get(state, shown(state))) for state in PieceState)
    states = tuple((str(state), str(state)) for state in OrderState if state is not OrderState.REFUSED)
    return Choices(states, pieces, tuple(sorted(occasions)), tuple(designs))


def _query(visit: Visit) -> tuple[OrderQuery, dict[str, str]]:
    """What the address asks for, and the same to be shown. Raises Refused with a finding for each part that is none: a
    list that is longer than asked for may be acted upon."""
    asked = {name: visit.asked(name).strip() for name in ("state", "piece", "held", "mail_on", "occasion", "design")}
    asked["import"] = visit.asked("import").strip()
    before = visit.asked("before").strip()
    good = {
        "state": asked["state"] in {"", *map(str, OrderState)},
        "piece": asked["piece"] in {"", *map(str, PieceState)},
        "held": asked["held"] in ("", "yes", "no"),
        "mail_on": not asked["mail_on"] or _is_day(asked["mail_on"]),
        "occasion": not asked["occasion"] or bool(_SLUG.match(asked["occasion"])),
        "design": not asked["design"] or bool(_SLUG.match(asked["design"])),
        "import": not asked["import"] or bool(_KEY.match(asked["import"])),
        "before": not before or bool(_KEY.match(before)),
    }
    if wrong := [_no_filter(name) for name, fine in good.items() if not fine]:
        raise Refused("The list cannot be narrowed like that.", wrong)
    query = OrderQuery(
        states=(asked["state"],) if asked["state"] else (), piece_states=(asked["piece"],) if asked["piece"] else (),
        occasion=asked["occasion"], design=asked["design"], mail_on=asked["mail_on"],
        held={"yes": True, "no": False}.get(asked["held"]), import_id=asked["import"], before=before or None,
        limit=PAGE,
    )  # fmt: skip
    return query, asked


def _is_day(text: str) -> bool:
    try:
        return dt.date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def _no_filter(name: str) -> Finding:
    return error("request.parameter", name, "has a value that it cannot have", "choose it in the form above the list")
