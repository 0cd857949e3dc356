"""Importing by clicks: a file is sent, mapped, tried, ordered; its refused rows come back; and nobody names another's."""

from __future__ import annotations

import io
import re
import zipfile
from html import unescape
from typing import Any

import pytest
from httpx import Response

from cardpipe.console import import_draft
from cardpipe.model.intake import ImportState
from cardpipe.model.order import Scope
from cardpipe.model.user import Role
from tests.console.conftest import Browser, browser
from tests.console.floor import SCOPE, employ
from tests.pipeline.shopfloor import House, picture

HUBSPOT = (
    b"Record ID,First Name,Last Name,Street Address,City,State/Region,Postal Code,Favorite Colour\r\n"
    b"1,Zo\xc3\xab,\xc5\x81ukasz,1 Main St,Tucson,AZ,85701,blue\r\n"
    b"2,Mei-Ling,Chow,2 Main St,Tucson,ZZ,85701,red\r\n"
)
SENDER = {
    "text:sender.name": "June Abara", "text:sender.street": "12 Birch St", "text:sender.city": "Portland",
    "text:sender.state": "OR", "text:sender.postcode": "97201",
}  # fmt: skip
WORDS = {**SENDER, "text:occasion": "thank-you", "text:message": "Dear {first_name},\r\n\r\nThank you.\r\n\r\nJune",
         "mail_on": "2026-12-01"}  # fmt: skip
TOLD = {"hx-request": "true"}


@pytest.fixture
def operator(shop: House) -> Browser:
    employ(shop, "ada", Role.OPERATOR)
    return browser(shop, "ada")


def send(someone: Browser, data: bytes = HUBSPOT, name: str = "people.csv", **more: Any) -> Response:
    return someone.send_form("/imports/new", files={"file": (name, data)}, **more)


def form_of(page: Response) -> dict[str, str]:
    """What the mapping's form would send as it stands."""
    html, form = page.text, {}
    for found in re.finditer(r'<input [^>]*type="hidden"[^>]*name="(draft|name)" value="([^"]*)"', html):
        form[found[1]] = unescape(found[2])
    for name, options in re.findall(r'<select[^>]*name="(take:[^"]+)"[^>]*>(.*?)</select>', html, re.DOTALL):
        if chosen := re.search(r'value="(\d+)"[^>]* selected', options):
            form[name] = chosen[1]
    for name, value in re.findall(r'<input class="import-words"[^>]*name="(text:[^"]+)" value="([^"]*)"', html):
        if value:
            form[name] = unescape(value)
    return form


def test_a_known_export_is_mapped_tried_and_ordered(shop: House, operator: Browser) -> None:
    sent = send(operator)
    assert sent.status_code == 200 and "HubSpot contacts" in sent.text
    form = form_of(sent)
    assert form["take:recipient.first_name"] == "1" and form["take:recipient.postcode"] == "6"
    assert form["text:reference"].endswith("-{Record ID}")

    tried = operator.send_form("/imports/map", {**form, **WORDS}, headers=TOLD)
    assert "The first 2 can be read" in tried.text and "Dear Zoë," in tried.text
    assert "<html" not in tried.text, "only the block is swapped in"

    dry = operator.send_form("/imports", {**form, **WORDS, "act": "dry"})
    assert dry.status_code == 303
    shop.run_steps()
    page = operator.get(dry.headers["location"])
    assert "dry run" in page.text and "Order 1 card …" in page.text
    assert "address.state" in page.text, "the refused row says why"
    assert "Unknown state · 1" in page.text, "and how many others do"
    assert shop.store.find(SCOPE, "Łukasz") == [], "a dry run orders nothing"

    ordered = operator.send_form(dry.headers["location"] + "/order")
    assert ordered.status_code == 303 and ordered.headers["location"] != dry.headers["location"]
    shop.run_steps()
    page = operator.get(ordered.headers["location"] + "?state=accepted")
    order_id = re.search(r'href="/orders/(ord_\w+)"', page.text)
    assert order_id is not None
    stored = shop.store.order(SCOPE, order_id[1])
    assert stored.request["recipient"]["name"] == "Zoë Łukasz" and stored.mail_on == "2026-12-01"
    assert [entry.action for entry in shop.store.audited("local", 5)][:2] == ["import", "import"]


def test_refused_rows_come_back_as_a_file_and_that_is_audited(shop: House, operator: Browser) -> None:
    data = HUBSPOT.replace(b"Chow", b"=1+1")
    form = {**form_of(send(operator, data)), **WORDS, "act": "order"}
    there = operator.send_form("/imports", form).headers["location"]
    shop.run_steps()
    assert operator.get(there + "/failed").status_code in (404, 405), "it reveals addresses: no link does that"
    got = operator.send_form(there + "/failed")
    assert got.headers["content-type"].startswith("text/csv") and "attachment" in got.headers["content-disposition"]
    text = got.content.decode("utf-8-sig")
    assert text.startswith('"cardpipe_line"') and "'=1+1" in text and "Mei-Ling" in text and "Łukasz" not in text
    entry = shop.store.audited("local", 1)[0]
    assert (entry.action, entry.actor, entry.detail["file"]) == ("download", "user:ada", "failed")
    assert "Mei" not in repr(entry)


def test_columns_that_nobody_chose_are_left_out_or_kept(operator: Browser, shop: House) -> None:
    form = {**form_of(send(operator)), **WORDS}
    for keep, found in (({}, {}), ({"keep_rest": "yes"}, {"favorite_colour": "blue"})):
        there = operator.send_form("/imports", {**form, **keep, "act": "dry"}).headers["location"]
        shop.run_steps()
        (row, *_) = shop.store.rows(SCOPE, there.rsplit("/", 1)[1])
        assert row.request.get("metadata", {}) == found


def test_what_is_wrong_with_the_mapping_is_said_at_once_and_takes_nothing(shop: House, operator: Browser) -> None:
    form = form_of(send(operator))
    tried = operator.send_form("/imports/map", form, headers=TOLD)
    assert "Not yet" in tried.text and "csv.column_missing" in tried.text
    refused = operator.send_form("/imports", {**form, "act": "order"})
    assert refused.status_code == 422 and "csv.column_missing" in refused.text
    twice = operator.send_form("/imports/map", {**form, **WORDS, "take:recipient.company": "1"}, headers=TOLD)
    assert "csv.column_twice" in twice.text
    assert shop.store.imports(SCOPE, 5) == ([], None)


def test_a_zip_with_pictures_and_orders_of_json(shop: House, operator: Browser) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as made:
        made.writestr("orders.csv", HUBSPOT.replace(b"Favorite Colour", b"photo").replace(b"blue", b"a.jpg"))
        made.writestr("a.jpg", picture(1600, 1200))
    page = send(operator, out.getvalue(), "campaign.zip")
    assert "1 pictures" in page.text or "1 picture" in page.text
    assert form_of(page)["take:photo"] == "7"
    page = send(operator, b'{"reference": "A", "occasion": "x"}\n', "a.ndjson")
    assert "nothing to map" in page.text and "order.missing" in page.text


@pytest.mark.parametrize(
    "name, data, code",
    [("a.exe", b"MZ", "import.name"), ("a.csv", b"", "file.unusable"), ("a.csv", b"a,b\n\xff\xfe", "file.unusable"),
     ("a.zip", b"PK\x03\x04 no", ""), ("a.csv", b"reference\n" + b"x" * 1_100_000, "file.unusable"),
     ("..\\..\\etc\\passwd.csv", b"\x00\x00", "file.unusable")],
)  # fmt: skip
def test_hostile_files_are_refused_with_a_reason(operator: Browser, name: str, data: bytes, code: str) -> None:
    refused = send(operator, data, name)
    assert refused.status_code == 422 and code in refused.text and "etc" not in refused.text


def test_what_a_file_says_is_shown_as_text(operator: Browser) -> None:
    evil = b'"<script>alert(1)</script>",recipient.name\n"<img src=x onerror=alert(2)>",<b>Bold</b>\n'
    page = send(operator, evil, '"><script>alert(3)</script>.csv')
    assert page.status_code == 200
    for tag in ("<script>alert", "<img src=x", "<b>Bold"):
        assert tag not in page.text


def test_only_its_sender_names_a_file_and_only_in_that_tenant(shop: House, operator: Browser) -> None:
    form = {**form_of(send(operator)), **WORDS}
    employ(shop, "eve", Role.OPERATOR, ("local",))
    eve = browser(shop, "eve")
    stranger = eve.send_form("/imports/map", form)
    assert stranger.status_code == 422 and "import.draft" in stranger.text and "Zoë" not in stranger.text
    renamed = operator.send_form("/imports/map", {**form, "name": "other.csv"})
    assert "import.draft" in renamed.text
    invented = "0" * 64 + form["draft"][64:]
    assert "import.draft" in operator.send_form("/imports/map", {**form, "draft": invented}).text
    operator.send_form("/turn", {"tenant": "local", "mode": "test"})
    assert "import.draft" in operator.send_form("/imports", {**form, "act": "order"}).text
    assert shop.store.imports(SCOPE, 5)[0] == [] and shop.store.imports(Scope("local", "test"), 5)[0] == []


def test_a_seal_is_over_after_some_hours(shop: House, operator: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(import_draft, "HOURS", -1)
    form = form_of(send(operator))
    monkeypatch.undo()
    assert "import.draft" in operator.send_form("/imports/map", form).text


def test_a_file_that_becomes_nothing_is_foreseen_as_rubbish(shop: House, operator: Browser) -> None:
    send(operator)
    (digest,) = shop.artifacts.digests(SCOPE)
    with shop.store.db.reading() as tx:
        marked = tx.all("SELECT digest FROM rubbish")
    assert [row["digest"] for row in marked] == [digest]


def test_another_tenants_import_is_unknown(shop: House, operator: Browser) -> None:
    there = operator.send_form("/imports", {**form_of(send(operator)), **WORDS, "act": "dry"}).headers["location"]
    shop.run_steps()
    operator.send_form("/turn", {"tenant": "local", "mode": "test"})
    for path, post in ((there, False), (there + "/failed", True), (there + "/cancel", True), (there + "/again", True),
                       (there + "/order", True)):  # fmt: skip
        answer = operator.send_form(path) if post else operator.get(path)
        assert answer.status_code == 404 and "import.unknown" in answer.text and "Zoë" not in answer.text


def test_viewers_import_nothing(shop: House) -> None:
    employ(shop, "vic", Role.VIEWER)
    viewer = browser(shop, "vic")
    assert viewer.get("/imports").status_code == 403
    assert viewer.get("/imports/new").status_code == 403
    assert send(viewer).status_code == 403
    assert list(shop.artifacts.digests(SCOPE)) == []


def test_an_import_is_stopped_and_progress_renews_itself(shop: House, operator: Browser) -> None:
    there = operator.send_form("/imports", {**form_of(send(operator)), **WORDS, "act": "order"}).headers["location"]
    target = {**TOLD, "hx-target": "import-progress"}
    running = operator.get(there, headers=target)
    assert running.status_code == 200 and "being read" in running.text and "<html" not in running.text
    page = operator.get(there)
    assert 'hx-trigger="live from:body' in page.text and "Stop it" in page.text
    stopped = operator.send_form(there + "/cancel")
    assert stopped.status_code == 303
    assert shop.store.import_(SCOPE, there.rsplit("/", 1)[1]).state is ImportState.CANCELLED
    ended = operator.get(there, headers=target)
    assert ended.headers.get("hx-refresh") == "true"
    again = operator.send_form(there + "/order")
    assert again.status_code == 409 and "import.no_dry_run" in again.text


def test_the_list_is_paged_and_a_mapping_can_be_changed(shop: House, operator: Browser) -> None:
    form = {**form_of(send(operator)), **WORDS}
    there = operator.send_form("/imports", {**form, "act": "dry"}).headers["location"]
    shop.run_steps()
    page = operator.get("/imports")
    assert page.text.count("people.csv") == 1 and there in page.text
    changed = operator.send_form(there + "/again")
    back = form_of(changed)
    assert back["take:recipient.first_name"] == "1" and back["text:sender.name"] == "June Abara"
    assert 'value="2026-12-01"' in changed.text and "Dear {first_name}" in changed.text


def test_nothing_of_a_file_stands_in_an_address(operator: Browser) -> None:
    page = send(operator)
    addresses = re.findall(r'(?:href|action|hx-get|hx-post)="([^"]+)"', page.text)
    assert addresses and not [one for one in addresses if "people" in one or form_of(page)["draft"][:16] in one]


def test_only_the_file_may_be_large(shop: House, operator: Browser) -> None:
    words = {"note": "x" * 1_100_000}  # held in memory, as no file is
    answer = operator.send_form("/imports/new", words, files={"file": ("people.csv", HUBSPOT)})
    assert answer.status_code == 400 and list(shop.artifacts.digests(SCOPE)) == []
