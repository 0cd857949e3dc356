"""The list of orders and the search: what it narrows, whom it shows, and that no address names a person."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator

import pytest
from httpx import Response

from cardpipe.model.order import Scope
from cardpipe.model.stored import OrderQuery
from cardpipe.model.tenant import Tenant
from cardpipe.model.user import Role
from tests.console.conftest import Browse, Browser
from tests.console.floor import LATER, SCOPE, an_order, import_csv, take
from tests.pipeline.shopfloor import House


def references(answer: Response) -> list[str]:
    assert answer.status_code == 200, answer.text
    return re.findall(r'class="orders-reference"[^>]*>([^<]+)<', answer.text)


@pytest.fixture
def viewer(browse: Browse) -> Browser:
    return browse(Role.VIEWER)


@pytest.fixture
def elsewhere(seeded: House) -> Iterator[str]:
    """An order of another tenant that looks like one of ours; its id."""
    seeded.store.set_tenant(Tenant(name="other"), "test")
    yield take(seeded, {**an_order(1), "reference": "CRM-SECRET"}, scope=Scope("other", "live"))[0]


def test_newest_first_and_by_pages(seeded: House, viewer: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    from cardpipe.console import orders

    monkeypatch.setattr(orders, "PAGE", 7)
    stored = [order.reference for order in seeded.store.list_orders(SCOPE, OrderQuery(limit=100))[0]]
    assert len(stored) == 19 and stored[0] == "CRM-02001-again"
    read, path, pages = [], "/orders", 0
    while path:
        answer = viewer.get(path)
        read += references(answer)
        pages += 1
        found = re.search(r'href="(/orders\?before=ord_[^"]+)"', answer.text)
        path = found[1].replace("&amp;", "&") if found else ""
    assert read == stored and pages == 3


@pytest.mark.parametrize(("asked", "some", "never"), [
    ("piece=batched", "CRM-00000", "CRM-01000"), ("held=yes", "CRM-02000", "CRM-02001"),
    ("held=no", "CRM-02001", "CRM-02000"), (f"mail_on={LATER}", "CRM-01000", "CRM-00000"),
    ("occasion=new-home", "CRM-00002", "CRM-00001"), ("design=congratulations-bravo", "CRM-00001", "CRM-00002"),
    ("state=accepted&piece=composed", "CRM-01000", "CRM-00000"),
])  # fmt: skip
def test_filters_narrow(viewer: Browser, asked: str, some: str, never: str) -> None:
    found = references(viewer.get(f"/orders?{asked}"))
    assert some in found and never not in found


def test_the_orders_of_one_import(seeded: House, viewer: Browser) -> None:
    header = (
        b"reference,occasion,design,recipient.name,recipient.street,recipient.city,recipient.state,recipient.postcode,"
    )
    header += b"sender.name,sender.street,sender.city,sender.state,sender.postcode,message\n"
    row = b"IMP-1,thank-you,thank-you-fern,Ana Bell,12 Elm St,Tucson,AZ,85705,June Abara,12 Birch St,Portland,OR,97201,Dear Ana"
    made = import_csv(seeded, "tuesday.csv", header + row + b"\n")
    answer = viewer.get(f"/orders?import={made}")
    assert references(answer) == ["IMP-1"]
    assert f'name="import" value="{made}"' in answer.text, "the form keeps it"


@pytest.mark.parametrize("asked", [
    "state=lost", "piece=gone", "held=maybe", "mail_on=2026-13-01", "occasion=a%20b", "design=%3Cb%3E", "import=x", "before=1",
])  # fmt: skip
def test_a_filter_that_is_none_is_refused(viewer: Browser, asked: str) -> None:
    answer = viewer.get(f"/orders?{asked}")
    assert answer.status_code == 422 and "request.parameter" in answer.text
    assert "<b></b>" not in answer.text


def test_a_list_without_orders_says_so(viewer: Browser) -> None:
    answer = viewer.get("/orders?occasion=sympathy")
    assert references(answer) == [] and "No order is like that" in answer.text


def test_one_hit_goes_straight_to_the_order(seeded: House, viewer: Browser) -> None:
    stored = seeded.store.order(SCOPE, "CRM-00003")
    batch = seeded.store.batches_of(SCOPE, [stored.id])[0]
    from cardpipe.model.batch import match_code

    code = match_code(batch.number, stored.pieces[0].seq or 0, "E")
    for text in ("CRM-00003", stored.id, stored.pieces[0].id, code, "  CRM-00003 "):
        answer = viewer.send_form("/orders/find", {"text": text})
        assert answer.status_code == 303 and answer.headers["location"] == f"/orders/{stored.id}", text


def test_a_name_is_looked_for_and_stands_in_no_address(viewer: Browser) -> None:
    answer = viewer.send_form("/orders/find", {"text": "Featherstonehaugh"})
    assert {"CRM-00002", "CRM-01002"} <= set(references(answer))
    addresses = re.findall(r'(?:href|action|src|hx-get|hx-post)="([^"]*)"', answer.text)
    assert len(addresses) > 10
    assert not [at for at in addresses if "eather" in at or "CRM-" in at]
    assert viewer.get("/orders/find", params={"text": "Featherstonehaugh"}).text.count("Featherstonehaugh") == 0


def test_nothing_found_says_where_else_to_look(viewer: Browser) -> None:
    answer = viewer.send_form("/orders/find", {"text": "nobody-at-all"})
    assert answer.status_code == 200 and "Stuck" in answer.text and 'value="nobody-at-all"' in answer.text
    assert viewer.send_form("/orders/find", {"text": ""}).status_code == 200


def test_another_tenants_orders_are_not_there(seeded: House, viewer: Browser, elsewhere: str) -> None:
    assert "CRM-SECRET" not in viewer.get("/orders").text
    assert "CRM-SECRET" not in viewer.send_form("/orders/find", {"text": "CRM-SECRET"}).text.replace(
        'value="CRM-SECRET"', ""
    )
    assert viewer.send_form("/orders/find", {"text": elsewhere}).status_code == 200


def test_hostile_words_are_only_words(seeded: House, viewer: Browser) -> None:
    bad = an_order(3000)
    bad["reference"] = '"><script>x</script>'
    bad["recipient"]["name"] = "<img src=x onerror=y>"
    take(seeded, bad, day=LATER)
    text = viewer.get("/orders").text
    assert "<script>x" not in text and "<img src=x" not in text and "&lt;img src=x onerror=y&gt;" in text
    assert "<script>x" not in viewer.send_form("/orders/find", {"text": "<script>x</script>"}).text


def test_links_are_of_ids_alone_and_the_page_is_quick(viewer: Browser) -> None:
    viewer.get("/orders")
    best = 9.0
    for _ in range(4):
        began = time.monotonic()
        text = viewer.get("/orders").text
        best = min(best, time.monotonic() - began)
    assert best < 0.3, best
    addresses = re.findall(r'href="(/orders/[^"]+)"', text)
    assert len(addresses) >= 19
    assert all(re.fullmatch(r"/orders/ord_[0-9a-z]+", at) for at in addresses if at != "/orders/find")
