"""A tenant's terms by clicks, and who may change which of them."""

from __future__ import annotations

import datetime as dt

import pytest

from cardpipe.model.tenant import Tenant
from cardpipe.model.user import Role
from tests.console.conftest import Browser, browser
from tests.console.floor import employ
from tests.pipeline.shopfloor import House

OWN = {"name": "local", "zone": "America/New_York", "cut_off": "17:30", "approval": "required", "retention_days": ""}
SHOPS = {"daily_limit": "5,000", "rate": "900", "postage_class": "first-class"}


@pytest.fixture
def administrator(shop: House) -> Browser:
    employ(shop, "ada", Role.ADMINISTRATOR)
    return browser(shop, "ada")


def test_terms_are_shown_and_changed(shop: House, administrator: Browser) -> None:
    assert 'value="UTC"' in administrator.get("/tenant").text
    assert administrator.send_form("/tenant", {**OWN, **SHOPS}).status_code == 303
    terms = shop.store.tenant("local")
    assert (terms.zone, terms.cut_off, terms.approval) == ("America/New_York", dt.time(17, 30), "required")
    assert (terms.daily_limit, terms.rate, terms.closed, terms.retention_days) == (5000, 900, False, None)
    assert 'value="17:30"' in administrator.get("/tenant").text
    assert shop.store.audited("local", 1)[0].actor == "user:ada"


@pytest.mark.parametrize(
    "wrong", [{"zone": "Mars/Olympus"}, {"cut_off": "25:99"}, {"approval": "perhaps"}, {"rate": "0"}, {"rate": ""},
              {"daily_limit": "many"}, {"retention_days": "-1"}, {"postage_class": "<b>"}],
)  # fmt: skip
def test_what_is_no_term_changes_nothing(shop: House, administrator: Browser, wrong: dict[str, str]) -> None:
    before = shop.store.tenant("local")
    refused = administrator.send_form("/tenant", {**OWN, **SHOPS, **wrong})
    assert refused.status_code == 422 and "tenant.invalid" in refused.text and "<b>&lt;b" not in refused.text
    assert shop.store.tenant("local") == before


def test_forgetting_sooner_asks_first(shop: House, administrator: Browser) -> None:
    form = {**OWN, **SHOPS, "retention_days": "30"}
    asked = administrator.send_form("/tenant", form)
    assert asked.status_code == 200 and "Forget people 30 days" in asked.text
    assert shop.store.tenant("local").retention_days is None
    assert administrator.send_form("/tenant", {**form, "sure": "yes"}).status_code == 303
    assert shop.store.tenant("local").retention_days == 30
    assert administrator.send_form("/tenant", {**form, "retention_days": "60"}).status_code == 303, (
        "longer: no question"
    )


def test_an_administrator_of_one_tenant_sets_none_of_the_shops_limits(shop: House) -> None:
    employ(shop, "eve", Role.ADMINISTRATOR, ("local",))
    eve = browser(shop, "eve")
    page = eve.get("/tenant").text
    assert 'name="rate"' not in page and "Another tenant" not in page
    for own in ({"rate": "99999"}, {"daily_limit": "1"}, {"closed": "yes"}, {"postage_class": "presort"}):
        refused = eve.send_form("/tenant", {**OWN, **own})
        assert refused.status_code == 422 and "tenant.whose" in refused.text
    assert eve.send_form("/tenant", OWN).status_code == 303
    terms = shop.store.tenant("local")
    assert (terms.zone, terms.rate) == ("America/New_York", 600)
    assert eve.send_form("/tenants", {"name": "mine"}).status_code == 422
    assert "mine" not in {tenant.name for tenant in shop.store.tenants()}


def test_a_form_of_another_tenant_changes_nothing(shop: House, administrator: Browser) -> None:
    shop.store.set_tenant(Tenant(name="other"), "test")
    refused = administrator.send_form("/tenant", {**OWN, **SHOPS, "name": "other"})
    assert refused.status_code == 409 and "tenant.turned" in refused.text
    assert shop.store.tenant("other").zone == "UTC" and shop.store.tenant("local").zone == "UTC"


def test_a_tenant_is_added_once(shop: House, administrator: Browser) -> None:
    assert administrator.send_form("/tenants", {"name": "spring-shop"}).status_code == 303
    assert "Terms of spring-shop" in administrator.get("/tenant").text
    assert administrator.send_form("/tenants", {"name": "spring-shop"}).status_code == 409
    assert administrator.send_form("/tenants", {"name": "Not A Name"}).status_code == 422
    assert {tenant.name for tenant in shop.store.tenants()} >= {"spring-shop"}


def test_operators_see_no_terms(shop: House) -> None:
    employ(shop, "vic", Role.OPERATOR)
    someone = browser(shop, "vic")
    assert someone.get("/tenant").status_code == 403
    assert someone.send_form("/tenant", OWN).status_code == 403
    assert someone.send_form("/tenants", {"name": "x"}).status_code == 403
