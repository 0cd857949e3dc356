"""Today: its rows add up, its clock counts, its alarms ring; and a day is closed by hand."""

from __future__ import annotations

import datetime as dt
import json
import re

import pytest

from cardpipe.console import books
from cardpipe.console.reasons import span
from cardpipe.lettershop.calendar import Calendar
from cardpipe.model.order import Scope
from cardpipe.model.tenant import Tenant
from cardpipe.model.user import Role
from cardpipe.ports.overview import Due
from tests.console.conftest import Browse
from tests.console.floor import DAY, LATER, SCOPE, an_order, take
from tests.pipeline.shopfloor import FrozenClock, House

AFTERNOON = dt.datetime(2026, 12, 1, 18, 48, tzinfo=dt.UTC)
POSTS = Calendar()  # Monday to Friday


@pytest.fixture
def house(seeded: House) -> House:
    """The furnished shop on the afternoon of its mail date, with a cut-off at five."""
    seeded.clock = FrozenClock(AFTERNOON)  # type: ignore[assignment]
    seeded.store.set_tenant(Tenant(name="local", zone="America/New_York", cut_off=dt.time(17)), "test")
    return seeded


def words(html: str) -> str:
    """What a page says, in one line."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))


def tables(html: str) -> list[list[list[str]]]:
    """Each table's rows of cells."""
    return [
        [[words(cell).strip() for cell in re.findall(r"<t[dh][^>]*>(.*?)</t[dh]>", row, re.S)]
         for row in re.findall(r"<tr.*?</tr>", table, re.S)]
        for table in re.findall(r"<table.*?</table>", html, re.S)
    ]  # fmt: skip


# what is due
def test_what_is_due_adds_up(house: House, browse: Browse) -> None:
    take(house, *(an_order(3000 + n) for n in range(3)), day=DAY)  # not composed yet
    html = browse(Role.VIEWER).get("/").text
    book = tables(html)[0]
    numbers = [[int(cell) for cell in row[1:-1]] for row in book[1:] if len(row) == len(book[0])]
    assert len(numbers) >= 2
    assert all(sum(row[:-1]) == row[-1] for row in numbers)
    assert [sum(column) for column in zip(*numbers[:-1], strict=True)] == numbers[-1]
    assert numbers[-1][-1] == 15
    assert numbers[-1][book[0].index("waiting") - 1] == 3
    assert "adds up" in words(html) and "does not add up" not in words(html)


def test_the_next_cut_off_is_told_with_what_is_left_of_it(house: House, browse: Browse) -> None:
    said = words(browse().get("/").text)
    assert "Tue 1 Dec 2026 The next mail date is Tue 1 Dec 2026" in said
    assert "3 h 12 min until the cut-off, 1 Dec 17:00" in said
    house.clock.forward(hours=4)  # type: ignore[attr-defined]
    assert "The next mail date is Wed 2 Dec 2026" in words(browse().get("/").text)


def test_what_was_due_yesterday_and_is_still_here_is_told_in_red(house: House, browse: Browse) -> None:
    assert "Overdue" not in browse().get("/").text
    house.clock.forward(days=2)  # type: ignore[attr-defined]
    html = browse().get("/").text
    assert "Overdue: 12 of Tue 1 Dec 2026 (2 days late)" in words(html)
    assert "tag-bad" in html


def test_what_is_expected_counts_every_piece_of_a_mail_date(house: House, browse: Browse) -> None:
    rows = next(t for t in tables(browse().get("/").text) if t[0][0] == "Mail date")
    found = {row[0]: row[-1] for row in rows[1:]}
    assert len(found) == 10
    assert found["Tue 8 Dec 2026"] == "7" and found["Tue 1 Dec 2026"] == "12"


def test_what_waits_for_a_person_links_to_where_it_is_dealt_with(house: House, browse: Browse) -> None:
    html = browse().get("/").text
    assert 'href="/stuck/refused?code=address.state.unknown"' in html
    assert 'href="/stuck/held?code=order.duplicate"' in html
    assert re.search(r"<b>3</b>\s*<span>wait for a person", html)


def test_each_batch_says_what_it_waits_for(house: House, browse: Browse) -> None:
    batch = house.store.batches(SCOPE)[0]
    assert f'<a href="/batches/{batch.name}">Release<' in browse().get("/").text
    house.store.hold(SCOPE, batch.id, "no envelopes", actor="user:x")
    assert f'<a href="/batches/{batch.name}">Look why, then resume<' in browse().get("/").text


def test_only_the_part_that_lives_is_sent_to_htmx(house: House, browse: Browse) -> None:
    part = browse().get("/", headers={"hx-request": "true"}).text
    assert "<html" not in part and "<h1" not in part
    assert "adds up" in part


# alarms
def test_an_alarm_where_nobody_works_until_somebody_is_heard(house: House, browse: Browse) -> None:
    assert "Nobody works here" in browse().get("/").text
    told = {"at": house.clock.now().timestamp()}
    (house.settings.data / "supervisor.json").write_text(json.dumps(told))
    assert "Nobody works here" not in browse().get("/").text
    house.clock.forward(minutes=1)  # type: ignore[attr-defined]
    assert "Nobody works here" in browse().get("/").text
    house.store.beat("dispatcher:press:17")
    assert "Nobody works here" not in browse().get("/").text


def test_paused_releases_are_told_with_why(house: House, browse: Browse) -> None:
    assert "Releases are paused" not in browse().get("/").text
    house.store.pause("restored from a backup", "user:x")
    assert "Releases are paused: restored from a backup" in words(browse().get("/").text)


# close
def test_close_says_first_what_it_would_do(house: House, browse: Browse) -> None:
    take(house, *(an_order(3000 + n) for n in range(4)), day=DAY)
    house.run_steps()
    take(house, an_order(3100), day=DAY)  # nobody composes it
    said = words(browse().get(f"/close?day={DAY}").text)
    assert "Close Tue 1 Dec 2026?" in said
    assert "4 pieces go into 2 batches" in said
    assert "1 order is still being composed" in said
    late = words(browse().get(f"/close?day={LATER}").text)
    assert "This is later than the next mail date" in late and "2 held" in late


def test_an_operator_closes_the_day(house: House, browse: Browse) -> None:
    take(house, *(an_order(3000 + n) for n in range(4)), day=DAY)
    house.run_steps()
    before = len(house.store.batches(SCOPE))
    answer = browse().send_form("/close", {"day": DAY})
    assert (answer.status_code, answer.headers["location"]) == (303, f"/batches?day={DAY}")
    assert len(house.store.batches(SCOPE)) == before + 2
    entry = house.store.audited("local", 1)[0]
    assert (entry.actor, entry.action, entry.subject) == ("user:the-operator", "day.closed", DAY)
    assert entry.detail["pieces"] == 4
    again = browse().send_form("/close", {"day": DAY})
    assert again.status_code == 303 and len(house.store.batches(SCOPE)) == before + 2


def test_a_viewer_closes_nothing(house: House, browse: Browse) -> None:
    viewer = browse(Role.VIEWER)
    assert "Close this day" not in viewer.get("/").text
    assert viewer.get("/close").status_code == 403
    assert viewer.send_form("/close", {"day": DAY}).status_code == 403


@pytest.mark.parametrize("data", [{"day": "tomorrow"}, {"day": DAY, "label_start": "0"}, {}])
def test_a_day_that_is_none_is_refused(house: House, browse: Browse, data: dict[str, str]) -> None:
    assert browse().send_form("/close", data).status_code == 422
    assert browse().get("/close?day=2026-13-01").status_code == 422


def test_nothing_of_a_test_key_is_closed(house: House, browse: Browse) -> None:
    browser = browse()
    browser.send_form("/turn", {"mode": "test"})
    take(house, an_order(4000), scope=Scope("local", "test"))
    house.run_steps()
    page = browser.get("/").text
    assert "Close this day" not in page and "never printed" in page
    assert browser.get("/close").status_code == 422
    assert browser.send_form("/close", {"day": DAY}).status_code == 422


# the books by themselves
def test_a_day_without_mail_goes_with_the_next_and_what_has_left_long_ago_does_not_count() -> None:
    days = books.expected_days(books.Day("2026-11-27", "2026-11-27"), POSTS)
    assert days[:3] == ["2026-11-27", "2026-11-30", "2026-12-01"]
    group = "A7|press|usps|stock|1"
    found = [
        Due("2026-11-26", group, {"composed": 2, "mailed": 9}), Due("2026-11-28", group, {"waiting": 3}),
        Due("2026-11-30", group, {"batched": 4, "needs_attention": 1}), Due("2027-05-01", group, {"composed": 8}),
    ]  # fmt: skip
    first, second, *_ = books.volumes(found, days)
    assert (first.ready, first.gone, first.pieces) == (2, 0, 2)
    assert (second.making, second.gone, second.aside, second.pieces) == (3, 4, 1, 8)


def test_no_state_falls_out_of_the_book() -> None:
    day = books.Day("2026-12-01", "2026-12-01")
    found = [Due("2026-11-30", "A7|press|usps|stock|1", {"returned": 1, "cancelled": 2, "unheard_of": 4, "waiting": 1})]
    made = books.book(found, day)
    assert made.adds_up and made.ordered == 8
    assert {"returned", "cancelled", "unheard_of"} <= set(made.states)
    assert made.late == [("2026-11-30", 1, 1)]


def test_two_groups_that_read_alike_are_told_apart() -> None:
    day = books.Day("2026-12-01", "2026-12-01")
    alike = [Due("2026-12-01", f"A7|press|usps|stock|{mark}", {"waiting": 1}) for mark in ("aa", "bb")]
    assert [line.mark for line in books.book(alike, day).lines] == ["aa", "bb"]
    assert [line.mark for line in books.book(alike[:1], day).lines] == [""]


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(11_520, "3 h 12 min"), (59, "less than a minute"), (-5, "less than a minute"), (90_000, "1 day 1 h"), (7200, "2 h"),
     (172_800, "2 days")],
)  # fmt: skip
def test_a_span_is_said_as_people_say_it(seconds: float, said: str) -> None:
    assert span(seconds) == said
