"""Today: what is due, whether it adds up, what does not go on, and what each batch waits for. At one look."""

from __future__ import annotations

import json
from dataclasses import dataclass

from starlette.responses import Response
from starlette.routing import Route

from cardpipe.console import books
from cardpipe.console.guard import page
from cardpipe.console.reasons import lasted, next_act, said
from cardpipe.console.visit import Visit
from cardpipe.model.batch import Batch
from cardpipe.model.order import Scope
from cardpipe.model.status import BatchState
from cardpipe.model.user import Role
from cardpipe.wiring import Shop

#: Who has not been heard of for so long does not live (seconds).
HEARD = 20.0
_UNFINISHED = tuple(str(state) for state in BatchState if state is not BatchState.SETTLED)
_MOST_BATCHES = 30


@dataclass(frozen=True, slots=True)
class Crew:
    """Whether anybody works: steps in hand, steps that wait, and whether a dispatcher or supervisor was heard of."""

    alive: bool
    at_work: int
    waiting: int
    paused: str | None


def routes(house: Shop) -> list[Route]:
    """``/``."""

    @page(house, Role.VIEWER)
    def today(visit: Visit) -> Response:
        scope, now = visit.scope, house.clock.now()
        posts = house.catalog.carrier(house.carrier).calendar
        day = books.day_of(now, visit.terms, posts)
        due, later, volumes = books.read(house, scope, day, posts)
        stuck = house.store.stuck(scope)
        closed = house.store.duties(scope, "close", 1)
        return visit.show(
            "today.html", block="live" if visit.by_htmx else None,
            day_=day, due=due, later=later, volumes=volumes, most=max([1, *(each.pieces for each in volumes)]),
            oldest=books.oldest(due, now), crew=crew(house), closed=closed[0] if closed else None, said=said,
            stuck=[(each, lasted(each.oldest, now)) for each in stuck if each.kind in ("attention", "refused")],
            held=[(each, lasted(each.oldest, now)) for each in stuck if each.kind in ("held", "batch")],
            batches=[(batch, next_act(batch)) for batch in batches_of(house, scope, day)],
        )  # fmt: skip

    return [Route("/", today)]


def batches_of(house: Shop, scope: Scope, day: books.Day) -> list[Batch]:
    """Those of today and of the next mail date, and all older ones that are not settled yet; newest first."""
    found, _ = house.store.batch_page(scope, limit=_MOST_BATCHES, states=_UNFINISHED)
    for date in {day.today, day.mail_on}:
        found = [*found, *house.store.batches(scope, date)]
    return sorted({batch.id: batch for batch in found}.values(), key=lambda batch: batch.number, reverse=True)


def crew(house: Shop) -> Crew:
    """Who works in the shop at this moment."""
    steps = house.store.measures().steps
    at_work = sum(count for (_, how), count in steps.items() if how == "leased")
    waiting = sum(count for (_, how), count in steps.items() if how == "open")
    return Crew(at_work > 0 or _heard(house), at_work, waiting, house.store.paused())


def _heard(house: Shop) -> bool:
    """On a database server dispatchers say that they live; on one machine the supervisor's status file does."""
    if any(name.startswith("dispatcher:") for name in house.store.beats(HEARD)):
        return True
    try:
        told = json.loads((house.settings.data / "supervisor.json").read_bytes())
        return bool(abs(house.clock.now().timestamp() - float(told["at"])) < HEARD)
    except (OSError, ValueError, KeyError, TypeError):
        return False
