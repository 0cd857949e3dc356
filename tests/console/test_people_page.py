"""People by clicks: made, changed, disabled; passwords shown once; and walls between administrators."""

from __future__ import annotations

import re

import pytest

from cardpipe.console import password
from cardpipe.console.people import manages
from cardpipe.model.tenant import Tenant
from cardpipe.model.user import Role, User
from tests.console.conftest import Browser, browser
from tests.console.floor import PASSWORD, employ
from tests.pipeline.shopfloor import House

NEW = {"name": "june", "role": "operator", "reach": "some", "tenant": ["local"]}


@pytest.fixture
def administrator(shop: House) -> Browser:
    shop.store.set_tenant(Tenant(name="other"), "test")
    employ(shop, "ada", Role.ADMINISTRATOR)
    return browser(shop, "ada")


def place(someone: Browser, name: str) -> str:
    """Where a user's page is, as the list says."""
    page = someone.get("/people").text
    found = re.search(rf'<b>{re.escape(name)}</b>.*?href="(/people/[0-9a-f]+)"', page, re.DOTALL)
    assert found is not None, name
    return found[1]


def test_a_made_password_is_shown_once_and_lets_in(shop: House, administrator: Browser) -> None:
    made = administrator.send_form("/people", NEW)
    found = re.search(r'id="secret-text">([^<]+)<', made.text)
    assert made.status_code == 200 and found is not None and len(found[1]) >= 20
    assert made.headers["cache-control"] == "no-store" and "set-cookie" not in made.headers
    user = shop.store.user("june")
    assert user is not None and (user.role, user.tenants) == (Role.OPERATOR, ("local",))
    assert password.matches(user.password, found[1]) and found[1] not in administrator.get("/people").text
    assert found[1] not in repr(shop.store.audited("", 20))
    june = browser(shop)
    assert june.post("/login", data={"name": "june", "password": found[1]}).status_code == 303


def test_a_given_password_is_judged_and_never_shown(shop: House, administrator: Browser) -> None:
    short = administrator.send_form("/people", {**NEW, "password": "short"})
    assert short.status_code == 422 and "password.short" in short.text and shop.store.user("june") is None
    good = administrator.send_form("/people", {**NEW, "password": "four words apart lamp"})
    assert good.status_code == 303 and "june" not in good.headers["location"]
    assert "four words" not in administrator.get(good.headers["location"]).text


@pytest.mark.parametrize(
    "wrong, code",
    [({"name": "June Abara"}, "user.name"), ({"role": "owner"}, "user.role"), ({"tenant": []}, "user.tenant"),
     ({"tenant": ["nobody-set-this-up"]}, "user.tenant"), ({"name": "ada"}, "user.taken")],
)  # fmt: skip
def test_what_is_wrong_adds_nobody(shop: House, administrator: Browser, wrong: dict[str, object], code: str) -> None:
    refused = administrator.send_form("/people", {**NEW, **wrong})
    assert refused.status_code in (409, 422) and code in refused.text
    assert [user.name for user in shop.store.users()] == ["ada"]


def test_role_password_sessions_and_disabling(shop: House, administrator: Browser) -> None:
    employ(shop, "june", Role.OPERATOR, ("local",))
    june, there = browser(shop, "june"), place(administrator, "june")
    assert "june" not in there
    administrator.send_form(there, {"role": "viewer", "reach": "some", "tenant": ["local", "other"]})
    user = shop.store.user("june")
    assert user is not None and (user.role, user.tenants) == (Role.VIEWER, ("local", "other"))
    assert june.get("/account").status_code == 303, "another role logs out"

    june = browser(shop, "june")
    assert administrator.send_form(there + "/sessions").status_code == 303
    assert june.get("/account").status_code == 303

    renewed = administrator.send_form(there + "/password")
    found = re.search(r'id="secret-text">([^<]+)<', renewed.text)
    user = shop.store.user("june")
    assert found is not None and user is not None and password.matches(user.password, found[1])
    assert not password.matches(user.password, PASSWORD)

    administrator.send_form(there + "/disable")
    user = shop.store.user("june")
    assert user is not None and user.disabled_at is not None
    assert "disabled" in administrator.get(there).text
    administrator.send_form(there + "/enable")
    user = shop.store.user("june")
    assert user is not None and user.disabled_at is None


def test_a_pause_is_told_and_ended(shop: House, administrator: Browser) -> None:
    employ(shop, "june", Role.OPERATOR)
    there = place(administrator, "june")
    june = browser(shop)
    for _ in range(5):
        june.post("/login", data={"name": "june", "password": "not the one"})
    waits = june.post("/login", data={"name": "june", "password": PASSWORD})
    assert waits.status_code == 429 and "ask an administrator" in waits.text
    for path in ("/people", there):
        page = administrator.get(path).text
        assert page.count(f'action="{there}/unlock"') == 1 and "paused" in page
    assert administrator.send_form(there + "/unlock").status_code == 303
    assert "The pause is over." in administrator.get("/people").text
    assert june.post("/login", data={"name": "june", "password": PASSWORD}).status_code == 303
    for path in ("/people", there):
        assert "/unlock" not in administrator.get(path).text
    administrator.send_form(there + "/unlock")
    assert "no pause any more" in administrator.get("/people").text
    told = [(entry.actor, entry.subject) for entry in shop.store.audited("", 50) if entry.action == "user.unlocked"]
    assert told == [("user:ada", "june")]


def test_there_is_always_one_who_lets_others_in(shop: House, administrator: Browser) -> None:
    there = place(administrator, "ada")
    for path, form in ((there + "/disable", {}), (there, {"role": "viewer", "reach": "all"})):
        refused = administrator.send_form(path, form)
        assert refused.status_code == 409 and "user.last_administrator" in refused.text
    user = shop.store.user("ada")
    assert user is not None and user.presides


def test_an_administrator_of_one_tenant_manages_only_its_own_people(shop: House, administrator: Browser) -> None:
    employ(shop, "eve", Role.ADMINISTRATOR, ("local",))
    for name, tenants in (("mine", ("local",)), ("both", ("local", "other")), ("theirs", ("other",)), ("all", ())):
        employ(shop, name, Role.OPERATOR, tenants)
    eve = browser(shop, "eve")
    page = eve.get("/people").text
    assert "<b>mine</b>" in page and "<b>eve</b>" in page
    for name in ("both", "theirs", "all", "ada"):
        assert f"<b>{name}</b>" not in page
        there = place(administrator, name)
        assert eve.get(there).status_code == 404
        for act in ("", "/password", "/sessions", "/disable", "/unlock"):
            form = {"role": "viewer", "reach": "some", "tenant": ["local"]}
            assert eve.send_form(there + act, form).status_code == 404, (name, act)
        user = shop.store.user(name)
        assert user is not None and user.disabled_at is None and password.matches(user.password, PASSWORD)


def test_nobody_gives_more_than_they_have(shop: House, administrator: Browser) -> None:
    employ(shop, "eve", Role.ADMINISTRATOR, ("local",))
    eve = browser(shop, "eve")
    for reach in ({"reach": "all"}, {"tenant": ["other"]}, {"tenant": ["local", "other"]}, {"reach": "", "tenant": []}):
        refused = eve.send_form("/people", {**NEW, **reach})
        assert refused.status_code == 422 and "user.tenant" in refused.text
        own = eve.send_form(place(eve, "eve"), {"role": "administrator", **NEW, **reach, "name": ""})
        assert own.status_code == 422
    assert shop.store.user("june") is None
    made = eve.send_form("/people", {**NEW, "role": "administrator"})
    june = shop.store.user("june")
    assert made.status_code == 200 and june is not None and june.tenants == ("local",)


@pytest.mark.parametrize("role", [Role.VIEWER, Role.OPERATOR])
def test_others_manage_nobody(shop: House, role: Role) -> None:
    employ(shop, "vic", role)
    someone = browser(shop, "vic")
    assert someone.get("/people").status_code == 403
    assert someone.send_form("/people", NEW).status_code == 403
    assert shop.store.user("june") is None


def test_who_manages_whom() -> None:
    whole, part = User("a", Role.ADMINISTRATOR), User("b", Role.ADMINISTRATOR, ("x", "y"))
    assert manages(whole, part) and manages(whole, whole) and manages(part, part)
    assert manages(part, User("c", Role.VIEWER, ("x",)))
    assert not manages(part, whole) and not manages(part, User("c", Role.VIEWER))
    assert not manages(part, User("c", Role.VIEWER, ("x", "z")))
    assert not manages(User("d", Role.OPERATOR), part)
