"""The audit log by clicks: paged, filtered, whole, and as a file without formulas."""

from __future__ import annotations

import csv
import io
import re

import pytest

from cardpipe.model.user import Role
from tests.console.conftest import Browser, browser
from tests.console.floor import employ
from tests.pipeline.shopfloor import House


@pytest.fixture
def administrator(shop: House) -> Browser:
    employ(shop, "ada", Role.ADMINISTRATOR)
    for number in range(130):
        actor = "user:june" if number % 13 == 0 else "key:abcdefgh"
        shop.store.audit("local", actor, "download" if number % 2 else "release", f"bat_{number:03d}", mode="live")
    shop.store.audit("other", "user:eve", "download", "bat_theirs")
    return browser(shop, "ada")


def test_pages_are_newest_first_and_reach_the_end(administrator: Browser) -> None:
    first = administrator.get("/audit")
    assert first.text.index("bat_129") < first.text.index("bat_128") and "bat_030" in first.text
    assert "bat_029" not in first.text and "bat_theirs" not in first.text
    before = re.search(r'name="before" value="(\d+)"', first.text)
    assert before is not None
    rest = administrator.send_form("/audit", {"before": before[1], "actor": "", "action": ""})
    assert "bat_029" in rest.text and "bat_000" in rest.text and 'name="before"' not in rest.text


def test_filters_are_posted_and_leave_what_fits(administrator: Browser) -> None:
    page = administrator.send_form("/audit", {"actor": "user:june", "action": "release"})
    assert set(re.findall(r">(bat_\d+)<", page.text)) == {f"bat_{n:03d}" for n in range(0, 130, 26)}
    assert "user:june" not in str(page.url)
    none = administrator.send_form("/audit", {"actor": "user:nobody"})
    assert "Nothing of the kind" in none.text


def test_whether_the_chain_is_whole(shop: House, administrator: Browser) -> None:
    told = administrator.send_form("/audit/whole", headers={"hx-request": "true"})
    assert "Every entry follows" in told.text and "<html" not in told.text
    with shop.store.db.writing() as tx:
        tx.run("UPDATE audit SET actor = 'user:mallory' WHERE subject = 'bat_003'")
        number = tx.all("SELECT number FROM audit WHERE subject = 'bat_003'")[0]["number"]
    told = administrator.send_form("/audit/whole")
    assert "does not follow" in told.text and f"Entry {number}" in told.text


def test_the_file_has_every_entry_and_no_formula(shop: House, administrator: Browser) -> None:
    shop.store.audit("local", "user:june", "note", "-bat_1", at="@SUM")
    got = administrator.send_form("/audit/file")
    rows = list(csv.DictReader(io.StringIO(got.content.decode())))
    assert len(rows) == 132 and rows[0]["action"] == "download" and rows[0]["actor"] == "user:ada"
    assert rows[1]["subject"] == "'-bat_1" and {row["tenant"] for row in rows} == {"local"}
    assert got.headers["content-disposition"] == 'attachment; filename="audit-local.csv"'
    assert administrator.get("/audit/file").status_code in (404, 405)


def test_the_shops_own_log_is_for_administrators_of_all_tenants(shop: House, administrator: Browser) -> None:
    own = administrator.get("/audit?of=installation")
    assert own.status_code == 200 and "user.created" in own.text and "bat_" not in own.text
    employ(shop, "eve", Role.ADMINISTRATOR, ("local",))
    eve = browser(shop, "eve")
    assert "Log of the shop" not in eve.get("/audit").text
    assert eve.get("/audit?of=installation").status_code == 422
    refused = eve.send_form("/audit/file", {"of": "installation"})
    assert refused.status_code == 422 and "user.created" not in refused.text
    assert "user.created" not in eve.send_form("/audit", {"of": "installation"}).text


@pytest.mark.parametrize("role", [Role.VIEWER, Role.OPERATOR])
def test_others_read_no_log(shop: House, role: Role) -> None:
    employ(shop, "vic", role)
    someone = browser(shop, "vic")
    assert someone.get("/audit").status_code == 403
    for path in ("/audit", "/audit/whole", "/audit/file"):
        assert someone.send_form(path).status_code == 403
