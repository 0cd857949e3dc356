"""The day's books: what is due, as rows whose columns add up; what is expected; and when the next cut-off comes."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from cardpipe.console.reasons import lasted, span
from cardpipe.lettershop import calendar
from cardpipe.lettershop.calendar import Calendar
from cardpipe.model.batch import Group
from cardpipe.model.order import Scope
from cardpipe.model.status import PieceState
from cardpipe.model.tenant import Tenant
from cardpipe.ports.overview import Due
from cardpipe.wiring import Shop

EXPECTED = 10  # mail dates
_GOING = (PieceState.WAITING, PieceState.COMPOSING, PieceState.COMPOSED, PieceState.BATCHED, PieceState.NEEDS_ATTENTION)
_TRIED = (PieceState.WAITING, PieceState.COMPOSING, PieceState.NEEDS_ATTENTION)
_GONE = (PieceState.BATCHED, PieceState.RELEASED, PieceState.PRINTED, PieceState.MAILED, PieceState.RETURNED)
#: Columns that are there even if nothing stands in them: an operator looks for them.
_ALWAYS = {PieceState.WAITING, PieceState.COMPOSED, PieceState.BATCHED, PieceState.RELEASED, PieceState.MAILED}


@dataclass(frozen=True, slots=True)
class Day:
    """Where the tenant stands in its day: the date there, the next mail date, and its cut-off (ISO 8601), with how long
    it is until then; ``moment`` is empty where a person closes the day."""

    today: str
    mail_on: str
    moment: str = ""
    left: str = ""
    near: bool = False


@dataclass(frozen=True, slots=True)
class Line:
    """One mail date and group. ``leaving`` is how many are still to leave, ``late`` for how many days they are late."""

    mail_on: str
    group: Group
    mark: str
    counts: tuple[int, ...]
    ordered: int
    leaving: int
    held: int
    unapproved: int
    late: int
    oldest: str


@dataclass(frozen=True, slots=True)
class Book:
    """Lines under the states that they have pieces in; each adds up to what was ordered, and so do the sums."""

    states: tuple[str, ...]
    lines: tuple[Line, ...]
    sums: tuple[int, ...]
    ordered: int
    leaving: int

    @property
    def late(self) -> list[tuple[str, int, int]]:
        """Mail dates that have passed, with how many pieces of them are still here, and for how many days."""
        dates: dict[str, tuple[int, int]] = {}
        for line in self.lines:
            if line.late:
                dates[line.mail_on] = (dates.get(line.mail_on, (0, 0))[0] + line.leaving, line.late)
        return [(mail_on, *found) for mail_on, found in dates.items()]

    @property
    def adds_up(self) -> bool:
        return all(sum(line.counts) == line.ordered for line in self.lines) and sum(self.sums) == self.ordered


@dataclass(frozen=True, slots=True)
class Volume:
    """What is expected on a mail date: composed, still to be made, stuck, and already in a print file or further."""

    mail_on: str
    ready: int
    making: int
    aside: int
    gone: int

    @property
    def pieces(self) -> int:
        return self.ready + self.making + self.aside + self.gone


def day_of(now: dt.datetime, tenant: Tenant, posts: Calendar) -> Day:
    """The tenant's day at this moment."""
    today = now.astimezone(ZoneInfo(tenant.zone)).date()
    mail_on = calendar.mail_date(now, tenant.zone, tenant.cut_off, posts)
    if tenant.cut_off is None:
        return Day(today.isoformat(), mail_on.isoformat())
    moment = calendar.cut_off_of(mail_on, tenant.zone, tenant.cut_off)
    left = (moment - now).total_seconds()
    return Day(today.isoformat(), mail_on.isoformat(), moment.isoformat(), span(left), left < 3600)


def read(house: Shop, scope: Scope, day: Day, posts: Calendar) -> tuple[Book, Book, list[Volume]]:
    """What is due by the next mail date, what comes later, and the volumes of the next mail dates."""
    days = expected_days(day, posts)
    found = house.store.due(scope, min(day.today, day.mail_on), days[-1])
    now = [each for each in found if each.mail_on <= day.mail_on]
    later = [each for each in found if each.mail_on > day.mail_on]
    trial = scope.mode == "test"
    return book(now, day, trial), book(later, day, trial), volumes(found, days, trial)


def expected_days(day: Day, posts: Calendar) -> list[str]:
    """The next mail date and those after it."""
    dates = [dt.date.fromisoformat(day.mail_on)]
    while len(dates) < EXPECTED:
        dates.append(posts.next_working(dates[-1]))
    return [date.isoformat() for date in dates]


def book(found: Sequence[Due], day: Day, trial: bool = False) -> Book:
    """The lines of these, with their sums. No state that anything is in is left out."""
    sums: Counter[str] = Counter()
    for each in found:
        sums.update({str(state): count for state, count in each.pieces.items()})
    known = [str(state) for state in PieceState]
    states = tuple(s for s in [*known, *sorted(set(sums) - set(known))] if sums[s] or s in _ALWAYS)
    alike = Counter((each.mail_on, Group.read(each.group).kind) for each in found)
    lines = tuple(_line(each, states, day, alike, trial) for each in found)
    return Book(states, lines, tuple(sums[state] for state in states), sum(line.ordered for line in lines),
                sum(line.leaving for line in lines))  # fmt: skip


def volumes(found: Iterable[Due], days: Sequence[str], trial: bool = False) -> list[Volume]:
    """What goes with each of these mail dates: a day without mail goes with the next that has some. Of earlier dates
    only what is in no print file yet counts."""
    counts = {day: [0, 0, 0, 0] for day in days}
    for each in found:
        day = next((day for day in days if day >= each.mail_on), None)
        if day is None:
            continue
        of = {str(state): count for state, count in each.pieces.items()}
        parts = counts[day]
        parts[0] += 0 if trial and each.mail_on < days[0] else of.get(PieceState.COMPOSED, 0)
        parts[1] += of.get(PieceState.WAITING, 0) + of.get(PieceState.COMPOSING, 0)
        parts[2] += of.get(PieceState.NEEDS_ATTENTION, 0)
        parts[3] += 0 if each.mail_on < days[0] else sum(of.get(state, 0) for state in _GONE)
    return [Volume(day, *parts) for day, parts in counts.items()]


def oldest(book_: Book, now: dt.datetime) -> str:
    """The age of the oldest order that is still to leave; empty where all have left."""
    moments = [line.oldest for line in book_.lines if line.oldest and line.leaving]
    return lasted(min(moments), now) if moments else ""


def _line(each: Due, states: Sequence[str], day: Day, alike: Counter[tuple[str, Group]], trial: bool) -> Line:
    of = {str(state): count for state, count in each.pieces.items()}
    group = Group.read(each.group)
    leaving = sum(of.get(state, 0) for state in (_TRIED if trial else _GOING))
    late = (dt.date.fromisoformat(day.today) - dt.date.fromisoformat(each.mail_on)).days if leaving else 0
    only = alike[(each.mail_on, group.kind)] == 1
    return Line(each.mail_on, group, "" if only else group.digest, tuple(of.get(s, 0) for s in states),
                sum(of.values()), leaving, each.held, each.unapproved, max(0, late), each.oldest)  # fmt: skip
