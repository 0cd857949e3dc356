"""A signature goes in and never out: no address and no key gives back a picture that was handed in, nor any other of
the shop's bytes but a released batch's files, nor a picture with enough pixels to print a signature from."""

from __future__ import annotations

import hashlib
import io
import itertools
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from PIL import Image

from cardpipe.model.apikey import SCOPES
from tests.api.served import new_key
from tests.security import planted
from tests.security.conftest import Door
from tests.security.stocked import LIVE, Stock

MOST_PPI = 150
#: What the proofs show, in square inches: a folded 7 × 5 in card has four panels; its envelope one face.
AREA = {"card": 4 * 7 * 5.0, "envelope": 7.25 * 5.25}
#: The table that the pages lie on takes a little of each proof.
TABLE = 1.12


@pytest.fixture(scope="module")
def shown(stocked: Stock) -> dict[str, list[str]]:
    """Parameters of addresses, of orders those that were composed."""
    return {**stocked.known, "key": [stocked.orders["composed"], "released"]}


def addresses(door: Door, shown: dict[str, list[str]]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """(operation, path, parameters) of every GET with every value that leads somewhere."""
    for path, item in door.client.get("/v1/openapi.json").json()["paths"].items():
        if "get" not in item:
            continue
        names = [part[1:-1] for part in path.split("/") if part.startswith("{")]
        kinds = {
            "id": "webhook" if "/webhooks" in path else "import", "name": "design" if "/designs" in path else "batch",
        }  # fmt: skip
        values = [shown[kinds.get(name, name)] for name in names]
        asked = [{}]
        if path.endswith("/proof"):
            asked = [{"side": side, "ppi": MOST_PPI, "guides": guides} for side in AREA for guides in (0, 1)]
        for chosen in itertools.product(*values):
            for parameters in asked:
                yield item["get"]["operationId"], path.format(**dict(zip(names, chosen, strict=True))), parameters


def callers(door: Door) -> dict[str, httpx.Client]:
    """One client for each kind of key there is, and one without."""
    texts = {scope: new_key(door.house, "local", "live", scope) for scope in SCOPES}
    texts |= {
        "test": new_key(door.house, "local", "test", "admin"),
        "other": new_key(door.house, "other", "live", "admin"),
    }
    made = {
        name: httpx.Client(base_url=door.url, timeout=60, trust_env=False, headers={"authorization": f"Bearer {text}"})
        for name, text in texts.items()
    }
    return {**made, "none": httpx.Client(base_url=door.url, timeout=60, trust_env=False)}


def pixels(answer: httpx.Response) -> int:
    """Of a picture; 0 of anything else."""
    try:
        with Image.open(io.BytesIO(answer.content)) as picture:
            return picture.width * picture.height
    except OSError:
        assert not answer.headers.get("content-type", "").startswith("image/"), "a picture that is none"
        return 0


def test_no_key_gets_a_picture_back(door: Door, stocked: Stock, shown: dict[str, list[str]]) -> None:
    """Compared with the pictures themselves, and with everything else that the shop keeps by digest."""
    kept = set(door.house.artifacts.digests(LIVE))
    pieces = planted.slices(stocked.signature) + planted.slices(stocked.photo)
    given = {hashlib.sha256(data).hexdigest() for data in (stocked.signature, stocked.photo)}
    assert given < kept, "it would be recognised"
    every = list(addresses(door, shown))
    reached: dict[str, set[str]] = {}
    drawn = 0
    for who, client in callers(door).items():
        with client:
            for operation, path, parameters in every:
                answer = client.get(path, params=parameters)
                if answer.status_code == 200:
                    reached.setdefault(operation, set()).add(who)
                found = [piece for piece in pieces if piece in answer.content]
                assert not found, (who, operation, path)
                if operation != "getBatchFile":
                    assert hashlib.sha256(answer.content).hexdigest() not in kept, (who, operation, path)
                size = pixels(answer)
                if operation == "getProof" and size:
                    drawn += 1
                    bleed = 1.2 if parameters["guides"] else 1.0
                    most = AREA[parameters["side"]] * MOST_PPI**2 * TABLE * bleed
                    assert 1000 < size <= most, (who, path, parameters, size / AREA[parameters["side"]])
                elif operation != "getThumbnail":
                    assert size == 0, (who, operation, path)
    assert drawn >= 16 and len(reached) > 22, "it looked at more than nothing"
    assert reached["getProof"] == {"admin", "orders:read"} and reached["getBatchFile"] == {"admin", "batches:read"}


@pytest.mark.parametrize("ppi", ["150.001", "300", "1e9", "inf", "nan", "-150", "0", "150,300"])
def test_no_proof_is_finer_than_that(door: Door, stocked: Stock, ppi: str) -> None:
    answer = door.client.get(f"/v1/orders/{stocked.orders['composed']}/proof", params={"ppi": ppi})
    assert answer.status_code == 422 and answer.json()["code"] == "request.parameter"


def test_a_digest_opens_nothing(door: Door, stocked: Stock, shown: dict[str, list[str]]) -> None:
    """Neither as a name of anything nor in an address that somebody might guess."""
    batch, upload = shown["batch"][0], shown["upload"][0]
    guesses = [
        "/v1/pictures/{}", "/v1/pictures/uploads/{}", "/v1/pictures/uploads/{}/done", "/v1/orders/{}", "/v1/orders/{}/proof",
        "/v1/designs/{}/thumbnail", f"/v1/batches/{batch}/files/{{}}", "/v1/batches/{}", "/v1/artifacts/{}", "/artifacts/{}",
        "/v1/imports/{}", "/v1/imports/{}/failed.csv", "/{}",
    ]  # fmt: skip
    for data in (stocked.signature, stocked.photo):
        digest = hashlib.sha256(data).hexdigest()
        for guess, name in itertools.product(guesses, (digest, f"sha256:{digest}", f"{digest[:2]}/{digest}")):
            for method in ("GET", "HEAD"):
                answer = door.client.request(method, guess.format(name))
                assert answer.status_code in (404, 405), (method, guess, answer.status_code)
    assert door.client.get(f"/v1/pictures/uploads/{upload}").status_code == 405


def test_handing_it_in_again_tells_no_more(door: Door, stocked: Stock) -> None:
    """The answer names it by the digest that its sender can reckon anyway."""
    for use, data in (("signature", stocked.signature), ("photo", stocked.photo)):
        answer = door.client.post("/v1/pictures", params={"use": use}, content=data)
        assert answer.status_code == 200 and len(answer.content) < 1000
        assert answer.json()["picture"] == f"sha256:{hashlib.sha256(data).hexdigest()}"
