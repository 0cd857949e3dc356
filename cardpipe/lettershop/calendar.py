"""On which days a post takes and brings mail, and what follows for an order: the date that it can still be mailed on,
and the one that it must be mailed on to arrive in time.

Only ``cut_off_of`` and ``mail_date`` know of hours and zones; everything else reckons with plain dates. What time it
is, the caller says.
"""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from typing import Annotated, NamedTuple
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, model_validator

from cardpipe.lettershop.holidays import WEEKDAYS, Holiday, Observed, Weekday, holidays_of
from cardpipe.model.errors import Bug, Refused
from cardpipe.model.finding import Finding, error, warning

#: How far ahead an order may be dated, in days.
FARTHEST = 366

_DAY = dt.timedelta(days=1)
#: None of the machine's own zones (``localtime``), none that counts leap seconds (``right/…``), no path.
_ZONE = re.compile(
    r"(?!(?:localtime|posixrules|Factory)\Z|posix/|right/)[A-Za-z][A-Za-z0-9_+-]*(?:/[A-Za-z0-9_+-]+){0,2}"
)


class _Value(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Calendar(_Value):
    """The working days of a post: its ``mail_days`` without its ``holidays`` (known ones by name, others as MM-DD) and
    without the days on which this shop, or its house, is ``closed``."""

    as_of: str = ""
    sources: tuple[str, ...] = ()
    note: str = ""
    mail_days: Annotated[tuple[Weekday, ...], Field(min_length=1)] = WEEKDAYS[:5]
    holidays: Annotated[tuple[Holiday, ...], Field(max_length=60)] = ()
    observed: Observed = Observed()
    closed: tuple[dt.date, ...] = ()

    def holidays_of(self, year: int) -> frozenset[dt.date]:
        """The days of this year that are kept as holidays, also those of the year before and the year after."""
        return holidays_of(self.holidays, self.observed, year)

    def is_working(self, day: dt.date) -> bool:
        """Whether mail is taken and brought on this day."""
        return (
            WEEKDAYS[day.weekday()] in self.mail_days
            and day not in self.closed
            and day not in self.holidays_of(day.year)
        )

    def next_working(self, day: dt.date) -> dt.date:
        """The first working day after this one."""
        return self.add_working(day, 1)

    def add_working(self, day: dt.date, n: int) -> dt.date:
        """The n-th working day after this day, which itself need not be one; with 0 the day itself."""
        return self._step(day, n, _DAY)

    def subtract_working(self, day: dt.date, n: int) -> dt.date:
        """The n-th working day before this day, which itself need not be one; with 0 the day itself."""
        return self._step(day, n, -_DAY)

    def _step(self, day: dt.date, n: int, by: dt.timedelta) -> dt.date:
        while n > 0:
            day += by
            n -= self.is_working(day)
        return day


class Days(NamedTuple):
    """Working days that a piece is on its way, counted from the day after it was mailed."""

    fewest: int
    most: int


class Transit(_Value):
    """How long mail is expected to travel: at home by ``classes`` of postage, and ``abroad``. No post promises it."""

    as_of: str
    sources: Annotated[tuple[str, ...], Field(min_length=1)]
    note: str = ""
    classes: dict[Annotated[str, Field(pattern="^[a-z][a-z-]{0,30}$")], Days]
    abroad: Days | None = None

    @model_validator(mode="after")
    def _in_order(self) -> Transit:
        for days in (*self.classes.values(), *([self.abroad] if self.abroad else [])):
            if not 1 <= days.fewest <= days.most <= 90:
                raise ValueError(f"days on the way are the fewest and the most, of 1 to 90; not {list(days)}")
        return self

    def days(self, postage_class: str, *, foreign: bool) -> Days | None:
        """For a piece of this class; None where the data do not say it."""
        return self.abroad if foreign else self.classes.get(postage_class)


@dataclass(frozen=True, slots=True)
class Scheduled:
    """The mail date of an order, and all that is to be said about it. With an error among the findings it is none."""

    mail_on: dt.date
    findings: tuple[Finding, ...] = ()


def mail_date(now: dt.datetime, zone: str, cut_off: dt.time | None, calendar: Calendar) -> dt.date:
    """The next mail date that can still be reached: today, in the tenant's zone, if it is a working day whose cut-off
    is still to come; else the next working day. Raises Refused where the zone is none."""
    today = _local(now, zone).date()
    if calendar.is_working(today) and (cut_off is None or now < cut_off_of(today, zone, cut_off)):
        return today
    return calendar.next_working(today)


def cut_off_of(day: dt.date, zone: str, cut_off: dt.time) -> dt.datetime:
    """The moment of a day's cut-off, in UTC. Where clocks are put forward over it, the first moment after the gap;
    where they are put back and show it twice, the first of the two. Raises Refused where the zone is none."""
    place = _zone(zone)
    local = dt.datetime.combine(day, cut_off.replace(tzinfo=None))
    # In a gap, and nowhere else, the offset before the change (fold 0) gives the later moment of the two (PEP 495).
    late, early = (local.replace(tzinfo=place, fold=fold).astimezone(dt.UTC) for fold in (0, 1))
    if late <= early:
        return late
    after = late.astimezone(place).utcoffset()
    while late - early > dt.timedelta(seconds=1):  # the change lies between: early is before it, late is not
        middle = (early + (late - early) / 2).replace(microsecond=0)
        if middle.astimezone(place).utcoffset() == after:
            late = middle
        else:
            early = middle
    return late


def mail_on_for(arrive_by: dt.date, transit_worst_days: int, calendar: Calendar) -> dt.date:
    """The latest day to mail a piece on that is expected to have arrived on ``arrive_by``, or the last working day
    before it."""
    return calendar.subtract_working(arrive_by + _DAY, transit_worst_days + 1)


def earliest_arrival(mail_on: dt.date, transit_worst_days: int, calendar: Calendar) -> dt.date:
    """The first day by which a piece mailed on that day can be promised to have arrived."""
    return calendar.add_working(mail_on, transit_worst_days)


def schedule(
    order_mail_on: dt.date | None,
    order_arrive_by: dt.date | None,
    now: dt.datetime,
    zone: str,
    cut_off: dt.time | None,
    calendar: Calendar,
    transit: Days | None,
) -> Scheduled:
    """When an order is mailed: on the day it asks for, in time for the day it must have arrived by, else on the next
    mail date. A day that has passed or has no mail is kept: the next close takes everything up to its date.

    Raises Refused where the zone is none.
    """
    first, today = mail_date(now, zone, cut_off, calendar), _local(now, zone).date()
    mail_on, findings = first, list[Finding]()
    if order_mail_on is not None and order_arrive_by is not None:
        findings.append(
            error("order.mail_on.both", "mail_on", "mail_on and arrive_by are both given",
                  "give one of them: mail_on says when it leaves, arrive_by when it must be there")
        )  # fmt: skip
    if order_arrive_by is not None:
        mail_on, found = _in_time(order_arrive_by, first, today, calendar, transit)
        findings += found
    if order_mail_on is not None:
        mail_on = order_mail_on
        findings += _as_asked(order_mail_on, first, today, calendar)
    return Scheduled(mail_on, tuple(findings))


def _in_time(
    arrive_by: dt.date, first: dt.date, today: dt.date, calendar: Calendar, transit: Days | None
) -> tuple[dt.date, list[Finding]]:
    where = "arrive_by"
    if transit is None:
        return first, [
            error("order.arrive_by.unknown", where, "the carrier's data do not say how long this mail travels",
                  "give mail_on, or write the class of postage into [….transit.classes] of carriers.toml")
        ]  # fmt: skip
    if (arrive_by - today).days > FARTHEST:
        return first, [_far("order.arrive_by.far", where, arrive_by, today)]
    # A day that is no later than the first mail date is not reckoned back from: there may be none before it.
    if arrive_by > first and (mail_on := mail_on_for(arrive_by, transit.most, calendar)) >= first:
        return mail_on, []
    promised = earliest_arrival(first, transit.most, calendar)
    return first, [
        error("order.arrive_by.late", where,
              f"{_said(arrive_by)} cannot be met: mailed on {_said(first)} at the earliest, it is up to {transit.most} "
              f"working days on its way, until {_said(promised)}",
              f"ask for {promised.isoformat()} or later; or give mail_on {first.isoformat()}, and it may come late")
    ]  # fmt: skip


def _as_asked(mail_on: dt.date, first: dt.date, today: dt.date, calendar: Calendar) -> list[Finding]:
    where = "mail_on"
    if (mail_on - today).days > FARTHEST:
        return [_far("order.mail_on.far", where, mail_on, today)]
    if mail_on >= today and not calendar.is_working(mail_on):
        taken = max(first, calendar.next_working(mail_on))
        return [
            warning("order.mail_on.no_mail", where, f"{_said(mail_on)} is a day without mail",
                    f"it goes with the batch of {_said(taken)}; give an earlier date if that is too late")
        ]  # fmt: skip
    if mail_on < first:
        why = "its cut-off has passed" if mail_on == today else "it has passed"
        return [
            warning("order.mail_on.passed", where, f"{_said(mail_on)} cannot be met: {why}",
                    f"it goes with the next batch, that of {_said(first)}; cancel it if that is too late")
        ]  # fmt: skip
    return []


def _far(code: str, where: str, day: dt.date, today: dt.date) -> Finding:
    return error(code, where, f"{_said(day)} is {(day - today).days} days ahead; {FARTHEST} are the most",
                 "mend the year, or send the order when its time comes")  # fmt: skip


def _said(day: dt.date) -> str:
    return f"{day.isoformat()}, a {WEEKDAYS[day.weekday()].capitalize()}"


def _local(now: dt.datetime, zone: str) -> dt.datetime:
    if now.utcoffset() is None:
        raise Bug("a moment without its zone was reckoned with")
    return now.astimezone(_zone(zone))


def _zone(name: str) -> ZoneInfo:
    try:
        if _ZONE.fullmatch(name):
            return ZoneInfo(name)
    except (OSError, ValueError, LookupError):
        pass  # said below
    found = error("tenant.zone", "zone", f"{name[:40]!r} is no time zone", "write one such as America/New_York or UTC")
    raise Refused("the tenant's time zone is none", [found])
