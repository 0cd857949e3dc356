"""Keys by clicks: shown once, revoked for good, and never another tenant's."""

from __future__ import annotations

import re

import pytest

from cardpipe.model import apikey
from cardpipe.model.tenant import NewKey
from cardpipe.model.user import Role
from tests.console.conftest import Browser, browser
from tests.console.floor import employ
from tests.pipeline.shopfloor import House

GOOD = {"mode": "live", "label": "CRM, production", "scope": ["orders:read", "orders:write"], "days": "90"}


@pytest.fixture
def administrator(shop: House) -> Browser:
    employ(shop, "ada", Role.ADMINISTRATOR)
    return browser(shop, "ada")


def theirs(shop: House, tenant: str = "other", number: int = 1) -> str:
    """A key of another tenant; its id."""
    minted = apikey.mint("live", bytes([number]) * apikey.ENTROPY)
    shop.store.add_key(NewKey(tenant, "live", minted.id, minted.digest, "theirs", frozenset({"admin"})), "test")
    return minted.id


def test_a_key_is_shown_once_and_opens(shop: House, administrator: Browser) -> None:
    made = administrator.send_form("/keys", GOOD)
    (secret,) = set(re.findall(r"cp_live_\w+", made.text))
    read = apikey.read(secret)
    assert made.status_code == 200 and read is not None
    assert made.headers["cache-control"] == "no-store" and "set-cookie" not in made.headers
    (stored,) = shop.store.keys("local")
    assert read.matches(stored.digest) and stored.label == "CRM, production"
    assert stored.scopes == {"orders:read", "orders:write"} and stored.expires_at is not None
    again = administrator.get("/keys")
    assert secret not in again.text and stored.id in again.text and stored.digest not in again.text
    entry = shop.store.audited("local", 1)[0]
    assert (entry.action, entry.actor) == ("key.created", "user:ada") and secret not in repr(entry)


def test_only_the_new_key_is_swapped_in(administrator: Browser) -> None:
    made = administrator.send_form("/keys", GOOD, headers={"hx-request": "true"})
    assert "shown this once" in made.text and "<html" not in made.text


@pytest.mark.parametrize(
    "wrong, code",
    [({"scope": []}, "key.scopes.none"), ({"scope": ["orders:all"]}, "key.scopes.unknown"), ({"mode": "x"}, "key.mode"),
     ({"label": ""}, "key.label"), ({"label": "x" * 81}, "key.label"), ({"days": "0"}, "key.days"),
     ({"days": "9999999"}, "key.days"), ({"days": "²"}, "key.days"), ({"label": "cp_live_abcdefghijklmnop"}, "key.label")],
)  # fmt: skip
def test_what_is_wrong_makes_no_key(
    shop: House, administrator: Browser, wrong: dict[str, object], code: str
) -> None:  # fmt: skip
    refused = administrator.send_form("/keys", {**GOOD, **wrong})
    assert refused.status_code in (404, 422) and code in refused.text
    assert shop.store.keys("local") == [] and "cp_live_" not in refused.text


def test_revoking_asks_first_and_is_for_good(shop: House, administrator: Browser) -> None:
    administrator.send_form("/keys", GOOD)
    (key,) = shop.store.keys("local")
    asked = administrator.get(f"/keys/{key.id}/revoke")
    assert asked.status_code == 200 and "CRM, production" in asked.text
    assert shop.store.keys("local")[0].revoked_at is None
    administrator.send_form(f"/keys/{key.id}/revoke")
    assert shop.store.keys("local")[0].revoked_at is not None
    assert "revoked" in administrator.get("/keys").text


def test_keys_of_another_tenant_are_neither_seen_nor_touched(shop: House, administrator: Browser) -> None:
    other = theirs(shop)
    assert other not in administrator.get("/keys").text
    assert administrator.get(f"/keys/{other}/revoke").status_code == 404
    assert administrator.send_form(f"/keys/{other}/revoke").status_code == 404
    stored = shop.store.key(other)
    assert stored is not None and stored.revoked_at is None


def test_an_administrator_of_one_tenant_cannot_turn_to_another(shop: House) -> None:
    other = theirs(shop)
    employ(shop, "eve", Role.ADMINISTRATOR, ("local",))
    eve = browser(shop, "eve")
    assert eve.send_form("/turn", {"tenant": "other", "mode": "live"}).status_code in (404, 422)
    assert other not in eve.get("/keys").text
    eve.send_form("/keys", {**GOOD, "tenant": "other"})
    assert [key.id for key in shop.store.keys("other")] == [other] and len(shop.store.keys("local")) == 1


@pytest.mark.parametrize("role", [Role.VIEWER, Role.OPERATOR])
def test_others_make_no_keys(shop: House, role: Role) -> None:
    employ(shop, "vic", role)
    someone = browser(shop, "vic")
    assert someone.get("/keys").status_code == 403
    assert someone.send_form("/keys", GOOD).status_code == 403
    assert someone.post("/keys", data=GOOD).status_code == 403
    assert shop.store.keys("local") == []


def test_another_sites_page_makes_no_key(shop: House, administrator: Browser) -> None:
    assert administrator.post("/keys", data=GOOD).status_code == 403
    assert administrator.send_form("/keys", GOOD, headers={"sec-fetch-site": "cross-site"}).status_code == 403
    assert shop.store.keys("local") == []
