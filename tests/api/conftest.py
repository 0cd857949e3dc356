"""The API on a real data folder, behind a real server: in this process for errors and load, and as a process of its
own with real workers for the way from order to file (``test_end_to_end``)."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from PIL import Image

from cardpipe.settings import Settings
from cardpipe.wiring import Shop
from tests.api.served import listening, new_key

#: ``key("acme", "test", "orders:read")``: the text of a new key; without scopes, one that has them all.
MakeKey = Callable[..., str]
#: ``caller(text)``: a client with that key; without one, a client with none.
MakeClient = Callable[..., httpx.Client]


@pytest.fixture(scope="session")
def jpeg() -> bytes:
    """A photo with a little of everything in it, large enough for any frame."""
    picture = Image.effect_noise((150, 110), 60).convert("RGB").resize((1500, 1100))
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=80)
    return out.getvalue()


@pytest.fixture(scope="session")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    made = Shop(Settings(data=tmp_path_factory.mktemp("data")))
    yield made
    made.close()


@pytest.fixture(scope="session")
def key(house: Shop) -> MakeKey:
    """Makes keys: ``key(tenant="local", mode="live", *scopes)``."""

    def make(tenant: str = "local", mode: str = "live", *scopes: str, **fields: Any) -> str:
        return new_key(house, tenant, mode, *scopes, **fields)

    return make


@pytest.fixture(scope="session")
def address(house: Shop) -> Iterator[str]:
    """Where the API of ``house`` listens."""
    with listening(house, "127.0.0.1") as port:
        yield f"http://127.0.0.1:{port}"


@pytest.fixture(scope="session")
def caller(address: str) -> Iterator[MakeClient]:
    """Makes clients: ``caller(key)``, or ``caller()`` for a stranger."""
    made: list[httpx.Client] = []

    def make(text: str = "", **headers: str) -> httpx.Client:
        if text:
            headers["authorization"] = f"Bearer {text}"
        made.append(httpx.Client(base_url=address, timeout=60, trust_env=False, headers=headers))
        return made[-1]

    yield make
    for client in made:
        client.close()


@pytest.fixture(scope="session")
def client(caller: MakeClient, key: MakeKey) -> httpx.Client:
    """With the live key of tenant ``local``, which may do everything."""
    return caller(key())


@pytest.fixture(scope="session")
def tester(caller: MakeClient, key: MakeKey) -> httpx.Client:
    """With the test key of the same tenant."""
    return caller(key("local", "test"))


@pytest.fixture(scope="session")
def stranger(caller: MakeClient, key: MakeKey) -> httpx.Client:
    """With the live key of another tenant, which may do everything there."""
    return caller(key("other"))


@pytest.fixture(scope="session")
def order() -> Callable[..., dict[str, Any]]:
    """An order by reference that every check passes: ``order("A-1", message="Hello")``."""

    def make(reference: str, **changes: Any) -> dict[str, Any]:
        anna = {"name": "Anna Berg", "street": "12 Alder Lane", "city": "Portland", "state": "OR", "postcode": "97201"}
        bo = {"name": "Bo Lind", "street": "1 Main Street", "city": "Salem", "state": "OR", "postcode": "97301"}
        plain = {"occasion": "thank-you", "recipient": anna, "sender": bo, "message": "Dear {first_name}, thank you."}
        return {"reference": reference, **plain, **changes}

    return make
