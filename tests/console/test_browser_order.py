"""An order in a real browser: the proof is zoomed and moved, the words are tried while they are typed, and axe-core
finds nothing on any of these pages."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from cardpipe.model.user import Role
from tests.console.chromium import NARROW, complaints, judge, listening, log_in, open_browser
from tests.console.floor import SCOPE, employ
from tests.pipeline.shopfloor import House

SLOW = 60_000  # the machine may be busy with something else
_PLACED = re.compile("translate")


@pytest.fixture
def page(seeded: House) -> Iterator[Page]:
    employ(seeded, "opal", Role.OPERATOR)
    expect.set_options(timeout=SLOW / 3)
    with listening(seeded) as address, open_browser() as browser:
        opened: Browser = browser
        made = log_in(opened, address, "opal")
        made.set_default_timeout(SLOW)
        yield made
        assert complaints(made) == []
    expect.set_options(timeout=5_000)


def place(page: Page) -> tuple[float, float, float]:
    """Where the picture of the page that is shown lies: left, top, scale."""
    style = page.locator("[data-sheet]:not([hidden]) img").get_attribute("style") or ""
    found = re.search(r"translate\((-?[\d.]+)px, (-?[\d.]+)px\) scale\(([\d.]+)\)", style)
    assert found, style
    return float(found[1]), float(found[2]), float(found[3])


def test_a_proof_is_zoomed_moved_and_turned_over(page: Page, seeded: House) -> None:
    order = seeded.store.order(SCOPE, "CRM-01000")
    page.goto(f"/orders/{order.id}")
    told, glass = page.locator("[data-zoom-told]"), page.locator("[data-sheet=outside] [data-glass]")
    expect(page.locator("[data-sheet=outside] img")).to_have_attribute("style", _PLACED, timeout=SLOW)
    whole = place(page)
    page.get_by_role("button", name="Larger").click()
    expect(told).to_have_text("135 %")
    assert place(page)[2] == pytest.approx(whole[2] * 1.35, rel=0.01)
    glass.focus()
    page.keyboard.press("+")
    expect(told).to_have_text("182 %")
    before = place(page)
    page.keyboard.press("ArrowRight")
    assert place(page)[0] == pytest.approx(before[0] - 60, abs=1)
    box = glass.bounding_box()
    assert box is not None
    middle = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(*middle)
    page.mouse.down()
    page.mouse.move(middle[0] + 40, middle[1] + 25, steps=4)
    page.mouse.up()
    assert place(page)[0] == pytest.approx(before[0] - 20, abs=2)
    page.mouse.wheel(0, -200)
    expect(told).to_have_text(re.compile(r"(2[0-9]{2}|3[0-9]{2}) %"))
    page.keyboard.press("0")
    expect(told).to_have_text("100 %")
    assert place(page) == pytest.approx(whole, abs=1)
    for name in ("inside", "envelope"):
        page.get_by_role("button", name=name.capitalize(), exact=True).click()
        expect(page.locator(f"[data-sheet={name}] img")).to_be_visible()
        expect(page.locator("[data-sheet=outside]")).to_be_hidden()
    page.get_by_role("button", name="Inside", exact=True).click()
    page.get_by_label("Trim, safe and fold lines").check()
    expect(page.locator("[data-sheet=inside] img")).to_have_attribute("src", re.compile("guides=1"), timeout=SLOW)
    assert judge(page) == []


def test_an_edit_shows_how_it_will_stand_and_then_the_new_proof(page: Page, seeded: House) -> None:
    order = seeded.store.order(SCOPE, "CRM-01000")
    page.goto(f"/orders/{order.id}/edit")
    fit = page.locator("#fit")
    expect(fit).to_contain_text("It fits")
    page.get_by_label("Words").fill("Dear {first_name},\n\nsee you 他\n\nJune")
    expect(fit).to_contain_text("U+4ED6")
    page.get_by_label("Words").fill("Dear {first_name},\n\nsee you in June")
    expect(fit).to_contain_text("Dear Zoë,")
    page.get_by_label("Name", exact=True).first.fill("Ada Bell")
    page.get_by_label("Company", exact=True).first.focus()
    expect(fit).to_contain_text("Dear Ada,")
    photo = page.get_by_alt_text("Photo main as it was sent")
    box = photo.bounding_box()
    assert box is not None
    photo.click(position={"x": box["width"] / 4, "y": box["height"] / 2})
    assert float(page.get_by_label("The eye, % from the left").input_value()) == pytest.approx(25, abs=1)
    expect(page.locator("[data-focus-eye]")).to_be_visible()
    assert judge(page) == []
    page.get_by_role("button", name="Save, and make the new proof").click()
    expect(page.locator("#told")).to_contain_text("Saved as revision 2")
    expect(page.locator("[data-viewer-bar]")).to_be_visible(timeout=SLOW)  # it came by itself, and can be zoomed
    expect(page.locator("[data-sheet=outside] img")).to_have_attribute("style", _PLACED, timeout=SLOW)
    now = seeded.store.order(SCOPE, "CRM-01000")
    assert now.revision == 2 and now.request["photo_focus"] == [
        pytest.approx(0.25, abs=0.01),
        pytest.approx(0.5, abs=0.01),
    ]


#: Ids are of letters of all widths: every one on the page becomes the widest that there is.
WIDEST = """() => {
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode())
    node.data = node.data.replace(/\\b([a-z]{3})_[0-9a-z]{26}/g, "$1_" + "w".repeat(26));
}"""


def test_the_pages_of_orders_obey_the_rules_wide_and_narrow(page: Page, seeded: House) -> None:
    held, twin = seeded.store.order(SCOPE, "CRM-02001-again"), seeded.store.order(SCOPE, "CRM-01000")
    for size in (None, NARROW):
        if size:
            page.set_viewport_size(size)  # type: ignore[arg-type]
        for path in (
            "/orders",
            "/orders/find",
            f"/orders/{held.id}",
            f"/orders/{held.id}/allow",
            f"/orders/{twin.id}/cancel",
        ):
            page.goto(path)
            assert judge(page) == [], (path, size)
            page.evaluate(WIDEST)
            wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
            assert wide <= 0, (path, size, "the page itself is scrolled sideways")
    page.goto("/orders")
    page.keyboard.press("/")
    page.keyboard.type("CRM-01000")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(rf"/orders/{twin.id}$"))
