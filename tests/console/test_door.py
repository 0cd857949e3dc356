"""The door of the console: who gets in, whose click it is, what is said to the others."""

from __future__ import annotations

import re

import pytest
from starlette.testclient import TestClient

from cardpipe.console import guard, pages
from cardpipe.console.app import make_console
from cardpipe.model.user import Role
from tests.console.conftest import Browse, browser
from tests.console.floor import PASSWORD, employ
from tests.pipeline.shopfloor import House

#: Addresses that anybody may ask for: the door itself, and how the pages look.
OPEN = {"/login", "/static/{name}"}


def addresses(house: House) -> list[tuple[str, set[str]]]:
    """Each address of the console with its methods, its places filled with something."""
    routes = make_console(house).app.routes
    assert len(routes) > 10
    return [(route.path, route.methods or set()) for route in routes]


def filled(path: str) -> str:
    return re.sub(r"\{[^}]+\}", "x", re.sub(r"\{[^}]+:int\}", "1", path))


def test_nobody_sees_anything_without_logging_in(shop: House) -> None:
    stranger = browser(shop)
    for path, methods in addresses(shop):
        if path in OPEN:
            continue
        for method in methods - {"HEAD"}:
            answer = stranger.request(method, filled(path))
            assert answer.status_code in (303, 403), (method, path, answer.status_code)
            assert answer.status_code == 403 or answer.headers["location"].endswith("/login"), (method, path)


def test_no_form_is_taken_from_another_site(shop: House) -> None:
    employ(shop, "ada", Role.ADMINISTRATOR)
    ada = browser(shop, "ada")
    posts = [path for path, methods in addresses(shop) if "POST" in methods and path not in OPEN]
    assert len(posts) > 5
    for path in posts:
        assert ada.post(filled(path), data={"csrf": "0" * 64}).status_code == 403, path
        assert ada.post(filled(path), data={}).status_code == 403, path
        token = guard.csrf_of(shop, guard.digest_of(ada.cookies[guard.COOKIE]))
        heads = {"sec-fetch-site": "cross-site"}
        assert ada.post(filled(path), data={"csrf": token}, headers=heads).status_code == 403, path
        heads = {"origin": "https://elsewhere.example"}
        assert ada.post(filled(path), data={"csrf": token}, headers=heads).status_code == 403, path


def test_a_viewer_only_looks(shop: House) -> None:
    """Whatever changes something needs another role, but for his own account."""
    employ(shop, "vera", Role.VIEWER)
    vera = browser(shop, "vera")
    own = {
        "/logout",
        "/turn",
        "/account",
        "/login",
        "/orders/find",
        "/designs/{name}/try",
    }  # nothing is changed by them
    posts = [path for path, methods in addresses(shop) if "POST" in methods and path not in own]
    for path in posts:
        answer = vera.send_form(filled(path))
        assert answer.status_code == 403, (path, answer.status_code)
        assert "operator" in answer.text or "administrator" in answer.text, path


def test_every_answer_forbids_what_is_not_its_own(shop: House) -> None:
    employ(shop, "ada", Role.ADMINISTRATOR)
    for client in (browser(shop), browser(shop, "ada")):
        for path in ("/login", "/", "/nowhere", "/static/console.css"):
            answer = client.get(path)
            policy = answer.headers["content-security-policy"]
            assert "default-src 'none'" in policy and "unsafe" not in policy, path
            assert answer.headers["x-content-type-options"] == "nosniff"
            assert answer.headers["referrer-policy"] == "no-referrer"
            if not path.startswith("/static"):
                assert answer.headers["cache-control"] == "no-store"


def test_the_cookie_is_kept_from_scripts_and_from_the_wire(shop: House) -> None:
    employ(shop, "ada", Role.ADMINISTRATOR)
    said = {"name": "ada", "password": PASSWORD}
    plain = TestClient(make_console(shop), follow_redirects=False).post("/login", data=said)
    assert "HttpOnly" in plain.headers["set-cookie"] and "SameSite=lax" in plain.headers["set-cookie"]
    assert "Secure" not in plain.headers["set-cookie"]
    by_tls = TestClient(make_console(shop), base_url="https://testserver", follow_redirects=False)
    assert "Secure" in by_tls.post("/login", data=said).headers["set-cookie"]


def test_a_wrong_password_and_a_wrong_name_hear_the_same(shop: House) -> None:
    employ(shop, "ada", Role.ADMINISTRATOR)
    stranger = browser(shop)
    answers = [stranger.post("/login", data={"name": name, "password": "not this one"}) for name in ("ada", "bob")]
    assert [answer.status_code for answer in answers] == [401, 401]
    assert answers[0].text.replace("ada", "…") == answers[1].text.replace("bob", "…")


def test_whoever_guesses_has_to_wait(shop: House) -> None:
    employ(shop, "ada", Role.ADMINISTRATOR)
    stranger = browser(shop)
    for _ in range(5):
        assert stranger.post("/login", data={"name": "ada", "password": "guess"}).status_code == 401
    answer = stranger.post("/login", data={"name": "ada", "password": PASSWORD})
    assert answer.status_code == 429 and "wait" in answer.text


def test_a_session_ends_with_its_user(shop: House) -> None:
    employ(shop, "boss", Role.ADMINISTRATOR)
    employ(shop, "ada", Role.OPERATOR)
    ada = browser(shop, "ada")
    assert ada.get("/account").status_code == 200
    shop.store.change_user("ada", "test", disabled=True)
    assert ada.get("/account").status_code == 303
    assert browser(shop).post("/login", data={"name": "ada", "password": PASSWORD}).status_code == 401


def test_logging_out_is_for_good(shop: House) -> None:
    employ(shop, "ada", Role.OPERATOR)
    ada = browser(shop, "ada")
    token = ada.cookies[guard.COOKIE]
    assert ada.send_form("/logout").status_code == 303
    again = browser(shop)
    again.cookies.set(guard.COOKIE, token)
    assert again.get("/account").status_code == 303


def test_a_password_is_changed_by_whoever_knows_the_old_one(shop: House) -> None:
    employ(shop, "ada", Role.OPERATOR)
    ada = browser(shop, "ada")
    new = "seven plain words on the wall"
    wrong = ada.send_form("/account", {"now": "no", "new": new, "again": new})
    assert wrong.status_code == 422 and "is not your password" in wrong.text
    short = ada.send_form("/account", {"now": PASSWORD, "new": "short", "again": "shorter"})
    assert short.status_code == 422 and "is not the same" in short.text and "12" in short.text
    assert ada.send_form("/account", {"now": PASSWORD, "new": new, "again": new}).status_code == 303
    assert ada.get("/account").status_code == 303, "his other sessions are over"
    assert browser(shop).post("/login", data={"name": "ada", "password": new}).status_code == 303


@pytest.mark.parametrize("tenant", ["other", "nobody", "../local", ""])
def test_nobody_turns_to_a_tenant_that_is_not_his(shop: House, browse: Browse, seeded: House, tenant: str) -> None:
    from cardpipe.model.tenant import Tenant

    seeded.store.set_tenant(Tenant(name="other"), "test")
    answer = browse(Role.OPERATOR, ("local",)).send_form("/turn", {"tenant": tenant, "mode": "live"})
    assert answer.status_code in (404, 422)


def test_a_form_that_is_too_long_is_not_read(shop: House) -> None:
    employ(shop, "ada", Role.OPERATOR)
    assert browser(shop, "ada").send_form("/turn", {"tenant": "x" * 2_000_000}).status_code == 413


def test_static_files_are_kept_for_ever_under_their_own_name(shop: House) -> None:
    client = browser(shop)
    for name in pages.STATIC:
        answer = client.get(f"/static/{pages.static(name)}")
        assert answer.status_code == 200 and "immutable" in answer.headers["cache-control"]
    assert client.get("/static/guard.py").status_code == 404
    assert client.get("/static/%2e%2e%2fsettings.py").status_code == 404


@pytest.mark.parametrize(
    "role, rooms",
    [(Role.VIEWER, ["Today", "Batches", "Orders", "Stuck", "Designs", "Hands"]),
     (Role.OPERATOR, ["Today", "Batches", "Orders", "Stuck", "Import", "Designs", "Hands"]),
     (Role.ADMINISTRATOR, ["Today", "Batches", "Orders", "Stuck", "Import", "Designs", "Hands", "People", "Keys",
                           "Terms", "Audit"])],
)  # fmt: skip
def test_everybody_is_led_to_the_rooms_that_are_theirs(shop: House, role: Role, rooms: list[str]) -> None:
    employ(shop, "anna", role)
    anna = browser(shop, "anna")
    page = anna.get("/account").text
    nav = page[page.index('<nav aria-label="Rooms">') : page.index("</nav>")]
    found = re.findall(r'<a href="([^"]+)"[^>]*>([^<]+)</a>', nav)
    assert [text for _, text in found] == rooms
    for path, text in found:
        there = anna.get(path)
        assert there.status_code == 200 and f'aria-current="page">{text}</a>' in there.text, text


def test_every_template_can_be_read() -> None:
    names = sorted(path.name for path in pages.ROOM.glob("*.html"))
    assert len(names) > 4
    for name in names:
        pages.environment().get_template(name)
        text = (pages.ROOM / name).read_text()
        assert "|safe" not in text.replace(" ", ""), f"{name} trusts something"
        assert not re.search(r"<script(?![^>]*\bsrc=)|\son[a-z]+=|\sstyle=|https?://", text), (
            f"{name} breaks the policy"
        )
