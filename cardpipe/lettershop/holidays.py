"""Holidays by rule: on which day of any year one falls, and on which it is kept. No list to renew each year."""

from __future__ import annotations

import datetime as dt
import re
from functools import lru_cache
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict

Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
WEEKDAYS: tuple[Weekday, ...] = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")

#: Month and day; or month, weekday (0 is Monday) and which one of them in the month (-1 is the last): 5 U.S.C. 6103(a).
_RULES: dict[str, tuple[int, int] | tuple[int, int, int]] = {
    "new-year": (1, 1), "martin-luther-king": (1, 0, 3), "washington": (2, 0, 3), "memorial": (5, 0, -1),
    "juneteenth": (6, 19), "independence": (7, 4), "labor": (9, 0, 1), "columbus": (10, 0, 2), "veterans": (11, 11),
    "thanksgiving": (11, 3, 4), "christmas": (12, 25),
}  # fmt: skip
_DAY = dt.timedelta(days=1)


def _holiday(value: str) -> str:
    if value in _RULES:
        return value
    try:
        if not re.fullmatch("[0-9]{2}-[0-9]{2}", value):
            raise ValueError
        dt.date.fromisoformat(f"2000-{value}")  # a leap year
    except ValueError:
        raise ValueError(f"is no holiday; write MM-DD, or one of: {', '.join(_RULES)}") from None
    return value


Holiday = Annotated[str, AfterValidator(_holiday)]


class Observed(BaseModel):
    """On which day a holiday is kept that falls on a Saturday or a Sunday; None: on that day itself."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    saturday: Weekday | None = None
    sunday: Weekday | None = None


@lru_cache(maxsize=256)
def holidays_of(names: tuple[str, ...], observed: Observed, year: int) -> frozenset[dt.date]:
    """The days of this year that are kept, also for holidays of the year before and the year after."""
    years = range(max(dt.MINYEAR, year - 1), min(dt.MAXYEAR, year + 1) + 1)
    days = (_kept(day, observed) for one in years for name in names if (day := _falls(name, one)))
    return frozenset(day for day in days if day.year == year)


def _falls(name: str, year: int) -> dt.date | None:
    """The day of a holiday in a year; None for 02-29 in most of them."""
    rule = _RULES.get(name) or (int(name[:2]), int(name[3:]))
    if len(rule) == 2:
        try:
            return dt.date(year, *rule)
        except ValueError:
            return None
    month, weekday, which = rule
    if which > 0:
        first = dt.date(year, month, 1)
        return first + dt.timedelta(days=(weekday - first.weekday()) % 7 + 7 * (which - 1))
    last = dt.date(year, month + 1, 1) - _DAY  # no last one is of December
    return last - dt.timedelta(days=(last.weekday() - weekday) % 7)


def _kept(day: dt.date, observed: Observed) -> dt.date:
    """The nearest day of the weekday on which a holiday is kept."""
    other = {"saturday": observed.saturday, "sunday": observed.sunday}.get(WEEKDAYS[day.weekday()])
    if other is None:
        return day
    away = (WEEKDAYS.index(other) - day.weekday() + 3) % 7 - 3
    try:
        return day + dt.timedelta(days=away)
    except OverflowError:
        return day
