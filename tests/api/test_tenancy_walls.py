"""The walls between tenants, and between live and test: for every address that names something, whoever has another key
is told that there is nothing there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from asking import LIVE, card, codes, composed, person, work

from cardpipe.api.app import make_app
from cardpipe.pipeline.gather import gather
from cardpipe.settings import Settings
from cardpipe.wiring import Shop

Make = Callable[..., dict[str, Any]]

#: Named by everybody alike: the shop's own designs.
SHARED = {"/v1/designs/{name}/thumbnail"}
#: Whose address is signed, and is the key itself.
SIGNED = {("put", "/v1/pictures/uploads/{upload}")}
#: What a route reads before it looks for what is named: words that it would take.
BODIES: dict[str, Any] = {
    "cancelOrder": {"reason": "x"}, "holdOrder": {"reason": "x"}, "resumeOrder": {"reason": "x"},
    "approveOrder": {"proof": "sha256:" + 64 * "0"}, "eraseOrder": {}, "changeOrder": {"ink": "black"},
    "changeWebhook": {"enabled": False}, "replayWebhook": {"since": "2020-01-01T00:00:00Z"},
}  # fmt: skip


@dataclass(frozen=True)
class Owned:
    """One of everything, of tenant ``local`` and mode ``live``: by the name of the parameter and the address."""

    order: str
    webhook: str
    import_: str
    batch: str
    file: str
    upload: str

    def path(self, template: str) -> str:
        values = {"key": self.order, "line": "2", "name": self.batch, "file": self.file, "upload": self.upload}
        values["id"] = self.webhook if "/webhooks/" in template else self.import_
        return template.format(**values, **{"key:path": self.order})


@pytest.fixture(scope="module")
def owned(house: Shop, client: httpx.Client, order: Make) -> Owned:
    shown = composed(house, client, card(order, "walled", mail_on="2026-11-24"))
    hook = client.post("/v1/webhooks", json={"url": "https://example.com/walled"}).json()
    row = "reference,occasion,message," + ",".join(f"recipient.{part}" for part in person("x"))
    data = f"{row}\nwalled-row,thank-you,Hello," + ",".join(person("walled-row").values())
    taken = client.post("/v1/imports", params={"name": "walled.csv"}, content=data.encode())
    work(house, "import", "accept")
    gather(house, LIVE, "2026-11-24")
    batch = house.store.batches(LIVE)[0]
    upload = client.post("/v1/pictures/uploads", json={"use": "photo", "bytes": 1000}).json()["upload"]
    return Owned(shown["id"], hook["id"], taken.json()["id"], batch.name, f"{batch.name}_CARD.pdf", upload)


def routes() -> list[tuple[str, str, dict[str, Any]]]:
    """(method, path, operation) of every address with something named in it."""
    told = make_app(Shop(Settings())).openapi()
    return [
        (method, path, operation)
        for path, item in told["paths"].items()
        for method, operation in item.items()
        if "{" in path and path not in SHARED and (method, path) not in SIGNED
    ]


def ask(
    client: httpx.Client, method: str, path: str, operation: dict[str, Any], owned: Owned, order: Make
) -> httpx.Response:
    name = operation["operationId"]
    headers = {"if-match": f'"{owned.order}-1"'} if name == "changeOrder" else {}
    body = order("walled-row") if name == "mendRow" else BODIES.get(name)
    return client.request(method, owned.path(path), json=body, headers=headers)


def test_nobody_else_finds_anything(
    client: httpx.Client, stranger: httpx.Client, tester: httpx.Client, owned: Owned, order: Make
) -> None:
    found = routes()
    assert len(found) > 20, "it looked at more than nothing"
    for method, path, operation in found:
        for name, other in (("stranger", stranger), ("test key", tester)):
            answer = ask(other, method, path, operation, owned, order)
            assert answer.status_code == 404, (name, method, path, answer.status_code, answer.text)
            assert any(code.endswith((".unknown", ".missing", ".file_unknown")) for code in codes(answer)), (
                path,
                answer.text,
            )
            for known in (owned.order, "walled", "Alder"):
                assert known not in answer.text, (method, path)


def test_its_owner_finds_everything(client: httpx.Client, owned: Owned, order: Make) -> None:
    """Else the test above would pass for a mistyped address."""
    reading = [each for each in routes() if each[0] == "get"]
    assert len(reading) > 8
    for method, path, operation in reading:
        answer = ask(client, method, path, operation, owned, order)
        unreleased = path.endswith("/files/{file}") and answer.status_code == 409
        assert answer.status_code == 200 or unreleased, (path, answer.status_code, answer.text)


def test_by_reference_it_is_not_found_either(stranger: httpx.Client, tester: httpx.Client, owned: Owned) -> None:
    for other in (stranger, tester):
        assert other.get("/v1/orders/walled").status_code == 404
        assert other.post("/v1/orders/walled/cancel", json={"reason": "x"}).status_code == 404


def test_lists_show_nothing_of_others(stranger: httpx.Client, tester: httpx.Client, owned: Owned) -> None:
    lists = ("/v1/orders", "/v1/imports", "/v1/webhooks", "/v1/batches", "/v1/events")
    for path in lists:
        for other in (stranger, tester):
            answer = other.get(path, params={"limit": 100} if path != "/v1/webhooks" else {})
            assert answer.status_code == 200, answer.text
            assert owned.order not in answer.text and "walled" not in answer.text and owned.batch not in answer.text, (
                path
            )


def test_pictures_of_others_are_unknown(
    client: httpx.Client, stranger: httpx.Client, tester: httpx.Client, order: Make, jpeg: bytes
) -> None:
    picture = client.post("/v1/pictures", content=jpeg + b"\0walled").json()["picture"]
    for number, other in enumerate((stranger, tester)):
        asked = card(order, f"walled-photo-{number}", design="home-row", photos={"home": picture})
        answer = other.post("/v1/orders", json=asked)
        assert answer.status_code == 422 and "picture.unknown" in codes(answer), answer.text


def test_downloads_are_written_down(house: Shop, client: httpx.Client, stranger: httpx.Client, owned: Owned) -> None:
    """Also which key it was. What is not released is not given out, and not written down."""
    batch = house.store.batches(LIVE)[0]
    answer = client.get(f"/v1/batches/{batch.name}/files/{owned.file}")
    assert answer.status_code == 409 and codes(answer) == {"batch.not_released"}
    done = [
        entry for entry in house.store.audited("local", 20) if entry.action == "download" and entry.subject == batch.id
    ]
    assert done == []


def test_every_address_asks_for_a_key(caller: Any, owned: Owned, order: Make) -> None:
    nobody = caller()
    told = make_app(Shop(Settings())).openapi()
    asked = 0
    for path, item in told["paths"].items():
        if path in ("/healthz", "/readyz", "/metrics"):
            continue
        for method, operation in item.items():
            if (method, path) in SIGNED:
                continue
            asked += 1
            answer = ask(nobody, method, path, operation, owned, order)
            assert answer.status_code == 401 and codes(answer) == {"key.missing"}, (method, path, answer.text)
    assert asked > 35


def test_a_key_without_the_scope_is_told_which(caller: Any, key: Any, owned: Owned, order: Make) -> None:
    reader = caller(key("local", "live", "orders:read"))
    assert reader.get(f"/v1/orders/{owned.order}").status_code == 200
    for method, path, operation in routes():
        if operation["operationId"] in ("getOrder", "getActions", "explainOrder", "getOrderEvents", "getProof"):
            continue
        answer = ask(reader, method, path, operation, owned, order)
        assert answer.status_code == 403 and codes(answer) == {"key.scope"}, (method, path, answer.text)
