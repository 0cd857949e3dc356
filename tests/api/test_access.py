"""Whose key it is, what it opens, and how soon it opens nothing any more."""

from __future__ import annotations

import base64
import re
import secrets
import time
from typing import Any

import httpx
import pytest

from cardpipe.api import access
from cardpipe.model import apikey
from cardpipe.model.apikey import ENTROPY, SCOPES, mint, read
from cardpipe.model.errors import Bug, Unavailable
from cardpipe.wiring import Shop

#: Doors without a key, by operation.
OPEN = {"isAlive", "isReady", "putUpload", "getMetrics"}


def code(answer: httpx.Response) -> str:
    return str(answer.json()["code"])


def test_without_a_key_nothing_is_answered(caller: Any) -> None:
    answer = caller().get("/v1/batches")
    assert (answer.status_code, code(answer)) == (401, "key.missing")
    assert answer.headers["www-authenticate"] == 'Bearer realm="cardpipe"'
    assert answer.json()["findings"][0]["where"] == "Authorization"
    assert "ratelimit" not in answer.headers


def test_a_key_in_the_address_is_none(caller: Any, key: Any) -> None:
    text = key()
    for name in ("key", "api_key", "access_token", "authorization"):
        assert code(caller().get("/v1/batches", params={name: text})) == "key.missing"


def test_bearer_and_basic_open_the_same_door(caller: Any, key: Any) -> None:
    text = key()
    for header in (f"Bearer {text}", f"bearer  {text}", f"BEARER {text}"):
        assert caller().get("/v1/batches", headers={"authorization": header}).status_code == 200, header
    for password in ("", "x", "a:b"):
        assert caller().get("/v1/batches", auth=(text, password)).status_code == 200


def test_one_answer_for_every_key_that_is_no_good(caller: Any, house: Shop, key: Any) -> None:
    good, other = key(), key()
    revoked, mine = key(), read(good)
    assert mine is not None
    house.store.revoke_key("local", read(revoked).id, "test")  # type: ignore[union-attr]
    over = key("local", "live", "batches:read", expires_at="2026-01-01T00:00:00.000Z")
    nobodys = mint("live", secrets.token_bytes(ENTROPY)).secret_text
    body = nobodys.replace(read(nobodys).id, mine.id)[:-6]  # type: ignore[union-attr]
    stolen = body + apikey._checksum(body)  # somebody's id with another secret, and the checksum that belongs to it
    assert read(stolen) is not None and read(stolen).id == mine.id  # type: ignore[union-attr]
    swapped = good.replace("cp_live_", "cp_test_")
    bad = [good[:-1] + ("0" if good[-1] != "0" else "1"), good.upper(), good[:-7], good + "x", nobodys, stolen, swapped,
           revoked, over, "x", "x" * 10_000, f"{good} {other}", f"{good},"]  # fmt: skip
    headers = [{"authorization": f"Bearer {text}"} for text in bad]
    headers += [{"authorization": good}, {"authorization": f"Token {good}"}, {"authorization": "Basic ***"}, {"authorization": "Bearer"},
                {"authorization": "Basic " + base64.b64encode(b"\xff" + good.encode()).decode()},
                {"authorization": "Basic " + base64.b64encode(f":{good}".encode()).decode()}]  # fmt: skip
    seen = set()
    for header in headers:
        answer = caller().get("/v1/batches", headers=header)
        assert answer.status_code == 401, header
        assert answer.headers["www-authenticate"].startswith("Bearer ")
        seen.add(re.sub("req_[0-9a-f]+", "", answer.text))
        for text in bad:
            assert len(text) < 20 or text not in answer.text
    assert len(seen) == 1 and "key.unknown" in seen.pop()
    assert caller(good).get("/v1/batches").status_code == 200


def test_two_keys_at_once_are_none(caller: Any, key: Any) -> None:
    headers = [("authorization", f"Bearer {key()}"), ("authorization", f"Bearer {key()}")]
    assert code(caller().get("/v1/batches", headers=headers)) == "key.unknown"


def test_the_scope_that_is_lacking_is_named(caller: Any, key: Any) -> None:
    answer = caller(key("local", "live", "orders:read", "metrics:read")).get("/v1/batches")
    assert (answer.status_code, code(answer)) == (403, "key.scope")
    assert "batches:read" in answer.json()["detail"] and "insufficient_scope" in answer.headers["www-authenticate"]
    assert caller(key("local", "live", "admin")).get("/v1/batches").status_code == 200


def test_every_door_asks_for_a_key_and_for_its_own_scope(client: httpx.Client, caller: Any, key: Any) -> None:
    """Whatever is added to the API later: a route without a key would stand here."""
    told = client.get("/v1/openapi.json").json()
    stranger, useless = caller(), caller(key("local", "live", "metrics:read"))
    doors = [
        (method.upper(), path, operation)
        for path, methods in told["paths"].items()
        for method, operation in methods.items()
    ]
    assert len(doors) > 30
    for method, path, operation in doors:
        if operation["operationId"] in OPEN:
            continue
        asked = [found["key"] for found in operation["security"] if "key" in found]
        assert len(asked) == 1 and asked[0] and set(asked[0]) <= SCOPES, path
        assert {"keyAsUser": asked[0]} in operation["security"]
        url = re.sub(r"\{[^}]*\}", "x", path)
        assert code(stranger.request(method, url)) == "key.missing", (method, path)
        refused = useless.request(method, url)
        assert refused.status_code == 403 and asked[0][0] in refused.json()["detail"], (method, path)
    assert {operation["operationId"] for _, _, operation in doors if not operation.get("security")} == OPEN - {
        "getMetrics"
    }
    assert set(told["components"]["securitySchemes"]) == {"key", "keyAsUser"}


def test_a_door_for_a_scope_that_is_none_is_never_made(house: Shop) -> None:
    with pytest.raises(Bug, match="orders:raed"):
        access.needs(house, "orders:raed")


def test_a_revoked_key_ends_soon(caller: Any, key: Any, house: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    assert access.KEPT_SECONDS <= 5
    monkeypatch.setattr(access, "KEPT_SECONDS", 0.5)
    text = key()
    mine = caller(text)
    assert mine.get("/v1/batches").status_code == 200
    house.store.revoke_key("local", read(text).id, "test")  # type: ignore[union-attr]
    end = time.monotonic() + 5
    while mine.get("/v1/batches").status_code == 200 and time.monotonic() < end:
        time.sleep(0.05)
    assert code(mine.get("/v1/batches")) == "key.unknown"


def test_a_key_ends_at_its_moment_though_it_is_remembered(
    caller: Any, key: Any, house: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    import datetime as dt

    soon = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=1)
    mine = caller(key("local", "live", "batches:read", expires_at=soon.isoformat(timespec="milliseconds")[:-6] + "Z"))
    assert mine.get("/v1/batches").status_code == 200
    time.sleep(1.1)
    assert code(mine.get("/v1/batches")) == "key.unknown"


def test_keys_of_a_closed_tenant_open_nothing(
    caller: Any, key: Any, house: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(access, "KEPT_SECONDS", 0.0)
    mine = caller(key("closing"))
    assert mine.get("/v1/batches").status_code == 200
    terms = house.store.tenant("closing")
    house.store.set_tenant(terms.model_copy(update={"closed": True}), "test")
    answer = mine.get("/v1/batches")
    assert (answer.status_code, code(answer)) == (403, "tenant.closed")
    house.store.set_tenant(terms, "test")
    assert mine.get("/v1/batches").status_code == 200


def test_its_use_is_noted_and_never_fails_a_request(
    caller: Any, key: Any, house: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    text, broken = key(), key()
    mine = read(text)
    assert mine is not None and house.store.key(mine.id).used_at is None  # type: ignore[union-attr]
    assert caller(text).get("/v1/batches").status_code == 200
    end = time.monotonic() + 5
    while house.store.key(mine.id).used_at is None and time.monotonic() < end:  # type: ignore[union-attr]
        time.sleep(0.02)
    assert house.store.key(mine.id).used_at  # type: ignore[union-attr]

    def no_room(key_id: str) -> None:
        raise Unavailable("the database has no room")

    monkeypatch.setattr(house.store, "used_key", no_room)
    for _ in range(3):
        assert caller(broken).get("/v1/batches").status_code == 200


def test_each_key_lives_in_its_own_tenant_and_mode(
    client: httpx.Client, tester: httpx.Client, stranger: httpx.Client, jpeg: bytes, house: Shop
) -> None:
    digests = {client.post("/v1/pictures", content=jpeg).json()["picture"]}
    root = house.settings.artifacts
    assert root is not None
    name = digests.pop().removeprefix("sha256:")
    assert (root / "local" / "live" / name[:2] / name).is_file()
    for other, folder in ((tester, root / "local" / "test"), (stranger, root / "other" / "live")):
        assert not (folder / name[:2] / name).exists()
        assert other.post("/v1/pictures", content=jpeg).status_code == 201, "new there"
        assert (folder / name[:2] / name).is_file()
