"""Working days, holidays, cut-offs over every change of clocks, and the dates that orders ask for."""

from __future__ import annotations

import datetime as dt
import os
import subprocess
import sys
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from cardpipe.catalog.carriers import load_carriers, read_carriers
from cardpipe.lettershop.calendar import (
    Calendar,
    Days,
    Transit,
    cut_off_of,
    earliest_arrival,
    mail_date,
    mail_on_for,
    schedule,
)
from cardpipe.lettershop.carrier import Carrier
from cardpipe.model.errors import Bug, Refused

USPS = load_carriers()["usps"].calendar
ZONES = ("America/New_York", "Europe/Berlin", "Pacific/Auckland", "Asia/Kolkata")

days = st.dates(dt.date(2000, 1, 1), dt.date(2090, 12, 31))
counts = st.integers(0, 40)
zones = st.sampled_from(ZONES)
cut_offs = st.times().map(lambda time: time.replace(second=0, microsecond=0))
moments = st.datetimes(dt.datetime(2000, 1, 1), dt.datetime(2090, 12, 31), timezones=st.just(dt.UTC))
calendars = st.sampled_from(
    [USPS, Calendar(), Calendar(mail_days=("wednesday",), closed=(dt.date(2026, 12, 23),)),
     Calendar.model_validate({**USPS.model_dump(), "observed": {"saturday": "friday", "sunday": "monday"}})]
)  # fmt: skip


def date(text: str) -> dt.date:
    return dt.date.fromisoformat(text)


def utc(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)


# --- holidays ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("year", "kept"),
    [
        (2022, "01-01 01-17 02-21 05-30 06-20 07-04 09-05 10-10 11-11 11-24 12-26"),  # Juneteenth, Christmas: Sundays
        (2023, "01-02 01-16 02-20 05-29 06-19 07-04 09-04 10-09 11-11 11-23 12-25"),  # Veterans Day: a Saturday
        (2024, "01-01 01-15 02-19 05-27 06-19 07-04 09-02 10-14 11-11 11-28 12-25"),
        (2026, "01-01 01-19 02-16 05-25 06-19 07-04 09-07 10-12 11-11 11-26 12-25"),
        (2027, "01-01 01-18 02-15 05-31 06-19 07-05 09-06 10-11 11-11 11-25 12-25"),
    ],
)
def test_the_eleven_postal_holidays(year: int, kept: str) -> None:
    assert sorted(USPS.holidays_of(year)) == [date(f"{year}-{day}") for day in kept.split()]


def test_a_holiday_on_a_saturday_leaves_fridays_mail_unless_the_data_move_it() -> None:
    friday, saturday = date("2026-07-03"), date("2026-07-04")
    assert USPS.is_working(friday) and not USPS.is_working(saturday)
    offices = USPS.model_validate({**USPS.model_dump(), "observed": {"saturday": "friday", "sunday": "monday"}})
    assert not offices.is_working(friday) and offices.is_working(saturday)


def test_a_holiday_moves_into_the_year_before_and_after() -> None:
    offices = Calendar.model_validate({"holidays": ["new-year", "12-31"],
                                       "observed": {"saturday": "friday", "sunday": "monday"}})  # fmt: skip
    assert date("2021-12-31") in offices.holidays_of(2021)  # 2022-01-01 was a Saturday
    assert date("2018-01-01") in offices.holidays_of(2018) and date("2024-01-01") in offices.holidays_of(2024)
    assert date("2024-01-01") in Calendar.model_validate(
        {"holidays": ["12-31"], "observed": {"sunday": "monday"}}
    ).holidays_of(2024)  # 2023-12-31 was a Sunday


def test_days_of_ones_own() -> None:
    own = Calendar.model_validate({"holidays": ["12-24", "02-29"], "closed": ["2027-04-06"]})
    assert own.holidays_of(2027) == {date("2027-12-24")} and date("2028-02-29") in own.holidays_of(2028)
    assert not own.is_working(date("2027-04-06")) and own.is_working(date("2027-04-07"))
    assert own.holidays_of(1) == {date("0001-12-24")} and own.holidays_of(9999) == {date("9999-12-24")}


@pytest.mark.parametrize(
    "data",
    [
        {"holidays": ["pancake-day"]}, {"holidays": ["13-01"]}, {"holidays": ["W01-1"]}, {"holidays": ["02-30"]},
        {"mail_days": []}, {"mail_days": ["mon"]}, {"closed": ["soon"]}, {"cut_off": "17:00"},
        {"observed": {"friday": "monday"}}, {"observed": {"sunday": "mon"}},
    ],
)  # fmt: skip
def test_a_calendar_is_refused_that_is_none(data: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Calendar.model_validate(data)


# --- the carrier's data --------------------------------------------------------------------------------------------


def test_the_data_are_dated_and_say_where_they_stand(usps: Carrier) -> None:
    assert usps.transit is not None
    for table in (usps.calendar, usps.transit):
        assert len(table.as_of) == 10 and any("usps.com" in source for source in table.sources)
        assert any("verify" in source for source in table.sources) and "erify" in table.note
    assert usps.calendar.mail_days == ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday")
    assert len(usps.calendar.holidays) == 11


def test_days_on_the_way_by_class_and_abroad(usps: Carrier) -> None:
    assert usps.travels("first-class", foreign=False) == Days(1, 5)
    assert usps.travels("marketing", foreign=False) == Days(3, 10)
    assert usps.travels("first-class", foreign=True) == usps.travels("marketing", foreign=True) == Days(7, 21)
    assert usps.travels("pigeon", foreign=False) is None
    assert usps.model_copy(update={"transit": None}).travels("first-class", foreign=False) is None


def test_a_shop_writes_only_what_differs(usps: Carrier) -> None:
    own = {"based_on": "usps", "calendar": {"mail_days": ["monday", "thursday"], "closed": ["2026-12-28"]},
           "transit": {"classes": {"first-class": [2, 6]}}}  # fmt: skip
    base = usps.model_dump(exclude={"name"}, exclude_none=True)
    made, found = read_carriers(("carriers.toml", {"usps": base}), ("own", {"usps": own}))
    calendar, transit = made["usps"].calendar, made["usps"].transit
    assert found == [] and transit is not None and calendar.holidays == USPS.holidays
    assert calendar.next_working(date("2026-12-24")) == date("2026-12-31")
    assert (transit.classes["first-class"], transit.classes["marketing"], transit.abroad) == ((2, 6), (3, 10), (7, 21))


def test_mistakes_in_the_data_are_found_at_their_keys(usps: Carrier) -> None:
    bad = {"based_on": "usps", "calendar": {"holidays": ["christmas", "pancake-day"], "hours": 8},
           "transit": {"classes": {"First Class": [1, 5]}, "abroad": [21, 7]}}  # fmt: skip
    base = usps.model_dump(exclude={"name"}, exclude_none=True)
    _, found = read_carriers(("carriers.toml", {"usps": base}), ("own", {"mine": bad}))
    assert [finding.where for finding in found] == [
        "own mine.calendar.holidays.1", "own mine.calendar.hours", "own mine.transit.classes.First Class.[key]",
    ]  # fmt: skip
    for wrong in ([0, 5], [6, 5], [1, 91]):
        with pytest.raises(ValidationError, match="fewest and the most"):
            Transit.model_validate({"as_of": "2026-11-22", "sources": ["x"], "classes": {"first-class": wrong}})


def test_a_carrier_without_a_calendar_keeps_office_days_and_no_holidays(usps: Carrier) -> None:
    bare = Carrier.model_validate({**usps.model_dump(exclude={"calendar", "transit"})})
    assert bare.calendar == Calendar() and bare.transit is None
    assert [bare.calendar.is_working(date("2026-12-21") + dt.timedelta(days=n)) for n in range(7)] == [True] * 5 + [
        False
    ] * 2


# --- working days --------------------------------------------------------------------------------------------------


def test_working_days_around_thanksgiving_and_christmas() -> None:
    assert USPS.next_working(date("2026-11-25")) == date("2026-11-27")  # over Thanksgiving
    assert USPS.next_working(date("2026-12-24")) == date("2026-12-26")  # a Saturday
    assert USPS.add_working(date("2026-12-24"), 3) == date("2026-12-29")
    assert USPS.subtract_working(date("2026-12-29"), 3) == date("2026-12-24")
    assert USPS.add_working(date("2026-11-29"), 1) == date("2026-11-30")  # from a Sunday
    assert USPS.add_working(date("2026-11-29"), 0) == USPS.subtract_working(date("2026-11-29"), 0) == date("2026-11-29")


@given(calendars, days, counts)
def test_subtracting_undoes_adding(calendar: Calendar, day: dt.date, n: int) -> None:
    start = calendar.next_working(day)
    assert calendar.subtract_working(calendar.add_working(start, n), n) == start
    assert calendar.add_working(calendar.subtract_working(start, n), n) == start


@given(calendars, days, st.integers(1, 40))
def test_the_nth_working_day_is_the_nth(calendar: Calendar, day: dt.date, n: int) -> None:
    later = calendar.add_working(day, n)
    between = [day + dt.timedelta(days=d) for d in range(1, (later - day).days + 1)]
    assert calendar.is_working(later) and sum(map(calendar.is_working, between)) == n


@given(calendars, days, days, counts, counts)
def test_more_is_never_earlier(calendar: Calendar, one: dt.date, other: dt.date, n: int, more: int) -> None:
    first, second = sorted((one, other))
    assert calendar.add_working(first, n) <= calendar.add_working(second, n) <= calendar.add_working(second, n + more)
    assert calendar.subtract_working(first, n + more) <= calendar.subtract_working(first, n)
    assert calendar.subtract_working(first, n) <= calendar.subtract_working(second, n)


@given(calendars, days, st.integers(1, 30))
def test_a_mail_date_is_the_latest_that_arrives_in_time(calendar: Calendar, arrive_by: dt.date, worst: int) -> None:
    mail_on = mail_on_for(arrive_by, worst, calendar)
    assert calendar.is_working(mail_on)
    assert earliest_arrival(mail_on, worst, calendar) <= arrive_by
    assert earliest_arrival(calendar.next_working(mail_on), worst, calendar) > arrive_by


@pytest.mark.parametrize(
    ("arrive_by", "worst", "mail_on"),
    [
        ("2026-12-24", 5, "2026-12-18"), ("2026-12-25", 5, "2026-12-18"),  # the holiday brings none
        ("2026-12-26", 5, "2026-12-19"), ("2026-12-27", 5, "2026-12-19"),  # nor does the Sunday
        ("2026-11-30", 1, "2026-11-28"), ("2026-12-24", 10, "2026-12-12"), ("2027-01-02", 21, "2026-12-07"),
    ],
)  # fmt: skip
def test_mail_dates_for_an_arrival(arrive_by: str, worst: int, mail_on: str) -> None:
    assert mail_on_for(date(arrive_by), worst, USPS) == date(mail_on)


# --- cut-offs ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("day", "zone", "cut_off", "expected"),
    [
        ("2026-11-24", "America/New_York", "14:00", "2026-11-24 19:00"),
        ("2026-07-01", "America/New_York", "14:00", "2026-07-01 18:00"),
        ("2026-03-08", "America/New_York", "01:59", "2026-03-08 06:59"),
        ("2026-03-08", "America/New_York", "02:00", "2026-03-08 07:00"),  # the gap: 02:00 to 03:00 is never shown
        ("2026-03-08", "America/New_York", "02:30", "2026-03-08 07:00"),
        ("2026-03-08", "America/New_York", "02:59", "2026-03-08 07:00"),
        ("2026-03-08", "America/New_York", "03:00", "2026-03-08 07:00"),
        ("2026-03-08", "America/New_York", "03:01", "2026-03-08 07:01"),
        ("2026-11-01", "America/New_York", "01:30", "2026-11-01 05:30"),  # shown twice: the first
        ("2026-11-01", "America/New_York", "02:00", "2026-11-01 07:00"),
        ("2026-03-29", "Europe/Berlin", "02:30", "2026-03-29 01:00"),
        ("2026-10-25", "Europe/Berlin", "02:30", "2026-10-25 00:30"),
        ("2026-09-27", "Pacific/Auckland", "02:30", "2026-09-26 14:00"),
        ("2026-04-05", "Pacific/Auckland", "02:30", "2026-04-04 13:30"),
        ("2026-11-24", "Asia/Kolkata", "17:00", "2026-11-24 11:30"),
        ("2026-10-04", "Australia/Lord_Howe", "02:15", "2026-10-03 15:30"),  # half an hour's gap
        ("2026-09-06", "America/Santiago", "00:00", "2026-09-06 04:00"),  # no midnight on that day
        ("2011-12-30", "Pacific/Apia", "12:00", "2011-12-30 10:00"),  # Samoa left that day out
        ("2026-11-24", "UTC", "17:00", "2026-11-24 17:00"),
    ],
)
def test_a_cut_off_happens_once_and_at_the_first_moment(day: str, zone: str, cut_off: str, expected: str) -> None:
    assert cut_off_of(date(day), zone, dt.time.fromisoformat(cut_off)) == utc(expected)


@given(days, zones, cut_offs)
def test_a_cut_off_is_the_first_moment_that_shows_its_time_or_a_later_one(
    day: dt.date, zone: str, cut_off: dt.time
) -> None:
    moment = cut_off_of(day, zone, cut_off)
    wanted = dt.datetime.combine(day, cut_off)

    def shown(at: dt.datetime) -> dt.datetime:
        return at.astimezone(ZoneInfo(zone)).replace(tzinfo=None)

    assert moment.tzinfo is dt.UTC and shown(moment) >= wanted
    for before in (dt.timedelta(seconds=1), dt.timedelta(minutes=20), dt.timedelta(hours=2)):
        assert shown(moment - before) < wanted


@given(days, zones, cut_offs)
def test_the_next_days_cut_off_comes_later(day: dt.date, zone: str, cut_off: dt.time) -> None:
    apart = cut_off_of(day + dt.timedelta(days=1), zone, cut_off) - cut_off_of(day, zone, cut_off)
    assert dt.timedelta(hours=22) <= apart <= dt.timedelta(hours=26)


@pytest.mark.parametrize(
    ("now", "zone", "cut_off", "expected"),
    [
        ("2026-11-24 18:59:59", "America/New_York", "14:00", "2026-11-24"),
        ("2026-11-24 19:00:00", "America/New_York", "14:00", "2026-11-25"),  # the moment itself is too late
        ("2026-11-25 19:00:00", "America/New_York", "14:00", "2026-11-27"),  # over Thanksgiving
        ("2026-11-28 19:00:00", "America/New_York", "14:00", "2026-11-30"),  # over a Sunday
        ("2026-11-24 23:30:00", "America/New_York", None, "2026-11-24"),
        ("2026-11-25 04:59:00", "America/New_York", None, "2026-11-24"),  # still the day before over there
        ("2026-11-25 05:00:00", "America/New_York", None, "2026-11-25"),
        ("2026-11-29 12:00:00", "America/New_York", None, "2026-11-30"),
        ("2026-11-29 12:00:00", "Pacific/Auckland", "17:00", "2026-11-30"),  # Monday already
        ("2026-11-30 04:00:00", "Pacific/Auckland", "17:00", "2026-12-01"),
        ("2026-11-24 11:29:00", "Asia/Kolkata", "17:00", "2026-11-24"),
        ("2026-11-24 11:30:00", "Asia/Kolkata", "17:00", "2026-11-25"),
    ],
)
def test_the_next_mail_date(now: str, zone: str, cut_off: str | None, expected: str) -> None:
    time = dt.time.fromisoformat(cut_off) if cut_off else None
    assert mail_date(utc(now), zone, time, USPS) == date(expected)


@given(moments, st.timedeltas(dt.timedelta(0), dt.timedelta(days=40)), zones, st.none() | cut_offs, calendars)
def test_mail_dates_never_go_back(
    now: dt.datetime, later: dt.timedelta, zone: str, cut_off: dt.time | None, calendar: Calendar
) -> None:
    first = mail_date(now, zone, cut_off, calendar)
    assert calendar.is_working(first) and first <= mail_date(now + later, zone, cut_off, calendar)
    if cut_off is not None:
        assert now < cut_off_of(first, zone, cut_off), "its own cut-off is still to come"


@pytest.mark.parametrize(
    "zone",
    ["", "Mars/Olympus", "America", "america/new_york", "../../etc/passwd", "/etc/localtime", "localtime", "x" * 5000,
     "right/America/New_York", "posix/UTC", "Europe/Berlin\0", "Europe/Berlin\n", "EST+5", "Europe/Ber lin", "é/è"],
)  # fmt: skip
def test_a_zone_that_is_none_is_refused(zone: str) -> None:
    for ask in (
        lambda: mail_date(utc("2026-11-24"), zone, None, USPS),
        lambda: cut_off_of(date("2026-11-24"), zone, dt.time(12)),
        lambda: schedule(None, None, utc("2026-11-24"), zone, None, USPS, Days(1, 5)),
    ):
        with pytest.raises(Refused) as caught:
            ask()
        (finding,) = caught.value.findings
        assert (finding.code, finding.where) == ("tenant.zone", "zone") and finding.remedy
        assert len(finding.message) < 250


def test_a_moment_without_a_zone_is_a_bug() -> None:
    with pytest.raises(Bug):
        mail_date(dt.datetime(2026, 11, 24, 12), "UTC", None, USPS)


def test_zones_are_known_where_the_machine_brings_none() -> None:
    code = ("import datetime as dt\nfrom cardpipe.lettershop.calendar import cut_off_of\n"
            "print(cut_off_of(dt.date(2026, 3, 8), 'America/New_York', dt.time(2, 30)).isoformat())")  # fmt: skip
    slim = {**os.environ, "PYTHONTZPATH": ""}
    done = subprocess.run([sys.executable, "-c", code], env=slim, capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == "2026-03-08T07:00:00+00:00", done.stderr
