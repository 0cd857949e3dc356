"""Batches: all of them, newest first, with what each waits for and who got its files."""

from __future__ import annotations

import datetime as dt

from starlette.responses import Response
from starlette.routing import Route

from cardpipe.console.guard import page
from cardpipe.console.reasons import next_act
from cardpipe.console.visit import Visit
from cardpipe.model.batch import Batch
from cardpipe.model.errors import Refused
from cardpipe.model.finding import error
from cardpipe.model.order import Scope
from cardpipe.model.status import BatchState
from cardpipe.model.tenant import AuditEntry
from cardpipe.model.user import Role
from cardpipe.pipeline import alike
from cardpipe.wiring import Shop

PAGE = 50
HELD, OPEN = "held", "open"
_OPEN = tuple(str(state) for state in BatchState if state is not BatchState.SETTLED)
#: Before this nobody can have got its files.
_UNMADE = BatchState.GATHERED


def routes(house: Shop) -> list[Route]:
    """``/batches``."""

    @page(house, Role.VIEWER)
    def listed(visit: Visit) -> Response:
        state, day, after = visit.asked("state"), visit.asked("day"), visit.asked("after")
        found, following = _page(house, visit.scope, state, day, after)
        return visit.show(
            "batches.html", block="list" if visit.by_htmx else None,
            state=state, asked_day=day, after=after, following=following, open_=OPEN, held_=HELD,
            states=[str(each) for each in BatchState], apart=alike.why(house, visit.scope, found),
            rows=[(batch, next_act(batch), _given(house, visit.scope, batch)) for batch in found],
        )  # fmt: skip

    return [Route("/batches", listed)]


def _page(house: Shop, scope: Scope, state: str, day: str, after: str) -> tuple[list[Batch], str | None]:
    """A page of them. Those of one mail date are few: all are shown. Raises Refused for a filter that is none."""
    wanted = _states(state)
    if day:
        found = house.store.batches(scope, _date(day))
        kept = [batch for batch in found if str(batch.state) in wanted and (state != HELD or batch.held)]
        return sorted(kept, key=lambda batch: batch.number, reverse=True), None
    found, following = house.store.batch_page(scope, after or None, PAGE, wanted)
    if state != HELD:
        return found, following
    kept = [batch for batch in found if batch.held]
    while following and len(kept) < PAGE:  # held ones are among those that are not settled: few pages hold them all
        found, following = house.store.batch_page(scope, following, PAGE, wanted)
        kept += [batch for batch in found if batch.held]
    return kept, following


def _states(state: str) -> tuple[str, ...]:
    known: dict[str, tuple[str, ...]] = {str(each): (str(each),) for each in BatchState}
    known |= {"": tuple(known), OPEN: _OPEN, HELD: _OPEN}
    if state not in known:
        found = error("batches.state", "state", "is none", f"choose one of: {', '.join(filter(None, known))}")
        raise Refused("No such state.", [found])
    return known[state]


def _date(day: str) -> str:
    try:
        return dt.date.fromisoformat(day).isoformat()
    except ValueError:
        raise Refused("No such day.", [error("batches.day", "day", "is no date", "write YYYY-MM-DD")]) from None


def _given(house: Shop, scope: Scope, batch: Batch) -> list[AuditEntry]:
    """Who got its files, oldest first."""
    return [] if batch.state is _UNMADE else house.store.given_out(scope, batch.id)
