"""When an order is mailed that asks for a day to leave on, for a day to be there, for both or for none."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cardpipe.catalog.carriers import load_carriers
from cardpipe.lettershop.calendar import FARTHEST, Days, Scheduled, earliest_arrival, mail_date, schedule
from cardpipe.model.finding import Finding, Level

USPS = load_carriers()["usps"].calendar
#: Tuesday before Thanksgiving, noon in New York; the cut-off is at two.
NOON = dt.datetime(2026, 11, 24, 17, tzinfo=dt.UTC)

moments = st.datetimes(dt.datetime(2000, 1, 1), dt.datetime(2090, 12, 31), timezones=st.just(dt.UTC))


def date(text: str) -> dt.date:
    return dt.date.fromisoformat(text)


def utc(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)


def asked(
    mail_on: str | None = None, arrive_by: str | None = None, now: dt.datetime = NOON, transit: Days | None = Days(1, 5)
) -> Scheduled:
    return schedule(
        date(mail_on) if mail_on else None, date(arrive_by) if arrive_by else None, now, "America/New_York",
        dt.time(14), USPS, transit,
    )  # fmt: skip


def only(made: Scheduled) -> Finding:
    (finding,) = made.findings
    assert finding.message and finding.remedy
    return finding


def test_without_a_wish_it_goes_next() -> None:
    assert asked() == Scheduled(date("2026-11-24"))
    assert asked(now=NOON + dt.timedelta(hours=2)) == Scheduled(date("2026-11-25"))


def test_a_reachable_mail_date_is_kept_without_a_word() -> None:
    assert asked("2026-11-24") == Scheduled(date("2026-11-24"))
    assert asked("2027-02-12") == Scheduled(date("2027-02-12"))


@pytest.mark.parametrize(
    ("arrive_by", "mail_on"),
    [("2026-12-24", "2026-12-18"), ("2026-12-01", "2026-11-24"), ("2026-12-02", "2026-11-25"),
     ("2026-12-03", "2026-11-27"), ("2027-11-25", "2027-11-18")],
)  # fmt: skip
def test_in_time_for_a_day_it_leaves_as_late_as_it_may(arrive_by: str, mail_on: str) -> None:
    assert asked(arrive_by=arrive_by) == Scheduled(date(mail_on))


def test_an_arrival_that_cannot_be_met_names_the_first_that_can() -> None:
    made = asked(arrive_by="2026-11-30")
    finding = only(made)
    assert (finding.level, finding.code, finding.where) == (Level.ERROR, "order.arrive_by.late", "arrive_by")
    assert "2026-11-30" in finding.message and "5 working days" in finding.message
    assert "ask for 2026-12-01 or later" in finding.remedy
    assert asked(arrive_by="2026-12-01").findings == ()
    assert only(asked(arrive_by="2026-11-30", transit=Days(7, 21))).remedy.startswith("ask for 2026-12-19")
    for past in ("2026-11-24", "2026-11-01", "0001-01-01"):
        assert only(asked(arrive_by=past)).code == "order.arrive_by.late"


@given(moments, st.integers(0, FARTHEST - 1), st.integers(1, 25))
def test_what_is_promised_is_kept_and_one_day_less_is_refused(now: dt.datetime, ahead: int, worst: int) -> None:
    wish = now.date() + dt.timedelta(days=ahead)
    made = schedule(None, wish, now, "UTC", dt.time(14), USPS, Days(1, worst))
    if made.findings:
        first = mail_date(now, "UTC", dt.time(14), USPS)
        promised = earliest_arrival(first, worst, USPS)
        assert wish < promised and promised.isoformat() in only(made).remedy
        assert schedule(None, promised, now, "UTC", dt.time(14), USPS, Days(1, worst)) == Scheduled(first)
    else:
        assert earliest_arrival(made.mail_on, worst, USPS) <= wish
        assert made.mail_on >= mail_date(now, "UTC", dt.time(14), USPS)


def test_a_class_without_days_cannot_promise() -> None:
    finding = only(asked(arrive_by="2026-12-24", transit=None))
    assert (finding.level, finding.code) == (Level.ERROR, "order.arrive_by.unknown")
    assert asked("2026-12-18", transit=None).findings == ()


@pytest.mark.parametrize(
    ("mail_on", "now", "why"),
    [("2026-11-23", NOON, "it has passed"), ("2026-11-24", NOON + dt.timedelta(hours=3), "cut-off has passed"),
     ("2026-11-22", NOON, "it has passed"), ("0001-01-01", NOON, "it has passed")],
)  # fmt: skip
def test_a_date_that_passed_is_kept_and_the_next_batch_is_named(mail_on: str, now: dt.datetime, why: str) -> None:
    made = asked(mail_on, now=now)
    finding = only(made)
    assert made.mail_on == date(mail_on)
    assert (finding.level, finding.code, finding.where) == (Level.WARNING, "order.mail_on.passed", "mail_on")
    assert why in finding.message
    assert ("2026-11-24" if now == NOON else "2026-11-25") in finding.remedy


@pytest.mark.parametrize(
    ("mail_on", "now", "taken"),
    [
        ("2026-11-26", NOON, "2026-11-27, a Friday"),
        ("2026-12-13", NOON, "2026-12-14, a Monday"),
        ("2026-11-26", utc("2026-11-26 12:00"), "2026-11-27, a Friday"),  # today is Thanksgiving: nothing has passed
    ],
)
def test_a_day_without_mail_is_kept_and_the_next_is_named(mail_on: str, now: dt.datetime, taken: str) -> None:
    made = asked(mail_on, now=now)
    finding = only(made)
    assert made.mail_on == date(mail_on)
    assert (finding.level, finding.code) == (Level.WARNING, "order.mail_on.no_mail") and taken in finding.remedy


def test_far_ahead_is_a_mistake() -> None:
    assert asked("2027-11-25").findings[0].code == "order.mail_on.no_mail"  # 366 days: Thanksgiving again
    finding = only(asked("2027-11-26"))
    assert (finding.level, finding.code) == (Level.ERROR, "order.mail_on.far") and "367 days" in finding.message
    assert only(asked("9999-12-31")).code == "order.mail_on.far"
    assert only(asked(arrive_by="2027-11-26")).code == "order.arrive_by.far"
    assert only(asked(arrive_by="9999-12-31")).code == "order.arrive_by.far"


def test_both_wishes_are_refused_together_with_all_else() -> None:
    made = asked("2026-11-23", "2026-11-25")
    assert [finding.code for finding in made.findings] == [
        "order.mail_on.both", "order.arrive_by.late", "order.mail_on.passed",
    ]  # fmt: skip
    assert made.findings[0].level is Level.ERROR
