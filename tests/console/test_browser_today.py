"""Today and Stuck in a real browser: the page renews itself, a row is mended where it stands, and axe-core finds
nothing, wide or narrow, light or dark."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from cardpipe.model.tenant import Tenant
from cardpipe.model.user import Role
from tests.console.chromium import NARROW, complaints, judge, listening, log_in, open_browser
from tests.console.floor import DAY, SCOPE, an_order, employ, take
from tests.pipeline.shopfloor import FrozenClock, House

SLOW = 60_000  # the machine may be busy with something else


@pytest.fixture
def page(seeded: House) -> Iterator[Page]:
    employ(seeded, "opal", Role.OPERATOR)
    seeded.clock = FrozenClock(dt.datetime(2026, 12, 1, 18, 48, tzinfo=dt.UTC))  # type: ignore[assignment]
    seeded.store.set_tenant(Tenant(name="local", zone="America/New_York", cut_off=dt.time(17)), "test")
    seeded.store.eject(SCOPE, seeded.store.batches(SCOPE)[0].id, [1, 2], "the wrong insert", "user:x")
    expect.set_options(timeout=SLOW / 2)
    with listening(seeded) as address, open_browser() as browser:
        made = log_in(browser, address, "opal")
        made.set_default_timeout(SLOW)
        yield made
        assert complaints(made) == []
    expect.set_options(timeout=5_000)


def test_today_renews_itself_and_keeps_open_what_was_opened(page: Page, seeded: House) -> None:
    with page.expect_response("**/live"):
        page.reload()
    page.wait_for_timeout(500)  # from now on the stream tells what changes
    book = page.get_by_role("region", name="Table: due by")
    expect(book.locator("tfoot")).to_contain_text("adds up")
    summed = book.locator("tfoot td").nth(-2)
    expect(summed).to_have_text("12")
    page.locator("#later summary").click()
    take(seeded, *(an_order(3000 + number) for number in range(3)), day=DAY)
    expect(summed).to_have_text("15")
    expect(page.locator("#later")).to_have_attribute("open", "")
    expect(page.locator("tfoot").first).to_contain_text("adds up")


def test_a_row_is_mended_where_it_stands_with_the_keyboard_alone(page: Page, seeded: House) -> None:
    page.goto("/stuck/refused?code=address.state.unknown")
    page.get_by_role("link", name="Mend it").focus()
    page.keyboard.press("Enter")
    field = page.get_by_label("Recipient: state")
    expect(field).to_be_focused()
    field.fill("AZ")
    page.keyboard.press("Enter")
    expect(page.get_by_text("It is an order now.")).to_be_visible()
    assert seeded.store.order(SCOPE, "BAD-1").request["recipient"]["state"] == "AZ"


def test_many_are_chosen_by_one_box_and_cancelled_after_a_question(page: Page, seeded: House) -> None:
    page.goto("/stuck/attention?code=piece.ejected")
    page.get_by_label("All 2 on this page").check()
    page.get_by_label("Why").fill("the customer moved")
    page.get_by_role("button", name="Cancel the chosen").click()
    page.get_by_role("button", name="Cancel 2 pieces").click()
    expect(page.locator("#told")).to_contain_text("2 pieces cancelled.")
    assert not seeded.store.stuck_orders(SCOPE, "attention", "piece.ejected")[0]


def test_axe_finds_nothing(page: Page, seeded: House) -> None:
    row = seeded.store.refused_rows(SCOPE, "")[0][0]
    twin = seeded.store.stuck_orders(SCOPE, "held", "order.duplicate")[0][0]
    paths = (
        "/", "/close", "/batches", "/stuck", "/stuck/attention?code=piece.ejected", "/stuck/held?code=operator",
        "/stuck/refused?code=address.state.unknown", f"/stuck/rows/{row.id}", f"/stuck/twins/{twin.id}",
    )  # fmt: skip
    for path in paths:
        page.goto(path)
        assert judge(page) == [], path
    page.emulate_media(color_scheme="dark")
    page.set_viewport_size(NARROW)  # type: ignore[arg-type]
    for path in paths:
        page.goto(path)
        assert judge(page) == [], path
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, path
