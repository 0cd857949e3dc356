"""Close a day by hand: say what would go into how many batches, why so many, and what stays behind; then gather."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from dataclasses import dataclass

from starlette.responses import Response
from starlette.routing import Route

from cardpipe.console import books
from cardpipe.console.guard import page
from cardpipe.console.reasons import counted
from cardpipe.console.visit import Visit
from cardpipe.model.batch import Batch, Group
from cardpipe.model.errors import CardpipeError, Refused
from cardpipe.model.finding import error
from cardpipe.model.order import Scope
from cardpipe.model.status import PieceState
from cardpipe.model.user import Role
from cardpipe.pipeline import alike, pinned
from cardpipe.pipeline.gather import gathering, sizes
from cardpipe.wiring import Shop


@dataclass(frozen=True, slots=True)
class ToCome:
    """What a close would make of one group: ``sizes`` are the pieces of its batches, of which the press takes at most
    ``most`` each; ``apart`` is why it does not lie with another group that looks alike."""

    group: Group
    pieces: int
    late: int
    presorted: bool
    sizes: tuple[int, ...]
    most: int
    apart: str

    @property
    def shares(self) -> str:
        """How many pieces its batches hold: ``5,000``, or ``3,334 or 3,333``."""
        return " or ".join(f"{size:,}" for size in dict.fromkeys(self.sizes))


@dataclass(frozen=True, slots=True)
class Plan:
    """What a close would take, and what it would leave behind. ``making`` is still being composed; the others wait for
    a person. ``files``: pieces of that date that lie in a print file already."""

    mail_on: str
    groups: tuple[ToCome, ...]
    making: int
    attention: int
    held: int
    unapproved: int
    label_sheet: bool

    @property
    def pieces(self) -> int:
        return sum(each.pieces for each in self.groups)

    @property
    def batches(self) -> int:
        return sum(len(each.sizes) for each in self.groups)

    @property
    def remarked(self) -> list[ToCome]:
        """Those of which it is to be said why they are batches of their own, or several."""
        return [each for each in self.groups if each.apart or len(each.sizes) > 1]


def routes(house: Shop) -> list[Route]:
    """``/close``."""

    @page(house, Role.OPERATOR)
    def close(visit: Visit) -> Response:
        if visit.scope.mode == "test":
            what, remedy = "were ordered with test keys", "they are proved, and never come near a press"
            raise Refused("Nothing of a test mode is printed.", [error("batch.test_mode", "orders", what, remedy)])
        if visit.request.method == "GET":
            mail_on = _day(visit.asked("day") or _today(house, visit).mail_on)
            return visit.show("today_close.html", plan=plan(house, visit.scope, mail_on), today=_today(house, visit))
        mail_on = _day(visit.needed("day", "choose the day that is to be closed"))
        start = visit.form.get("label_start", "") or "1"
        if not start.isdecimal() or not 1 <= int(start) <= 1000:
            what, remedy = "is no place on a sheet", "count from 1, from the sheet's top left"
            raise Refused("The day is not closed.", [error("label.start", "label_start", what, remedy)])
        made = _closed(house, visit, mail_on, int(start))
        pieces = sum(batch.pieces for batch in made)
        if not made:
            return visit.done("Nothing was due: nothing is composed, approved and free for that day.")
        told = f"{counted(pieces, 'piece')} lie in {counted(len(made), 'batch')} now; workers make the print files."
        return visit.done(told, "batches", day=mail_on)

    return [Route("/close", close, methods=["GET", "POST"])]


def plan(house: Shop, scope: Scope, mail_on: str) -> Plan:
    """What closing this day would do at this moment."""
    coming = house.store.coming(scope, mail_on)
    specs = {each.group: house.store.piece(scope, each.one).spec for each in coming}
    apart = alike.apart(specs)
    made, labelled = [], False
    for each in coming:
        spec = specs[each.group]
        profile, presorted = pinned.press(spec), pinned.mailing(spec).presorted
        labelled = labelled or profile.labels is not None
        made.append(
            ToCome(
                Group.read(each.group), each.pieces, each.late, presorted, apart=apart.get(each.group, ""),
                sizes=tuple(sizes(each.pieces, profile.pieces_per_batch)), most=profile.pieces_per_batch,
            )
        )  # fmt: skip
    states: Counter[str] = Counter()
    held = unapproved = 0
    for due in house.store.due(scope, mail_on, mail_on):
        states.update({str(state): count for state, count in due.pieces.items()})
        held, unapproved = held + due.held, unapproved + due.unapproved
    making = len(house.store.due_orders(scope, mail_on))
    return Plan(mail_on, tuple(made), making, states[PieceState.NEEDS_ATTENTION], held, unapproved, labelled)


def _closed(house: Shop, visit: Visit, mail_on: str, label_start: int) -> list[Batch]:
    """Gather, and note in the audit log who did it: also where it ended in the middle."""
    made: list[Batch] = []

    def note() -> None:
        pieces, first = sum(batch.pieces for batch in made), [batch.id for batch in made][:5]
        house.store.audit(
            visit.scope.tenant, visit.actor, "day.closed", mail_on, mode=visit.scope.mode, batches=first, pieces=pieces
        )

    try:
        for batch in gathering(house, visit.scope, mail_on, label_start=label_start):
            made.append(batch)
    except CardpipeError:
        if made:
            note()
        raise
    note()
    return made


def _today(house: Shop, visit: Visit) -> books.Day:
    posts = house.catalog.carrier(house.carrier).calendar
    return books.day_of(house.clock.now(), visit.terms, posts)


def _day(given: str) -> str:
    try:
        return dt.date.fromisoformat(given).isoformat()
    except ValueError:
        found = error("close.day", "day", "is no date", "write YYYY-MM-DD")
        raise Refused("There is no such day.", [found]) from None
