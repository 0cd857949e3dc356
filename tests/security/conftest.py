"""A stocked shop behind a real server, for each module a new one: what one has changed keeps no other from seeing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from cardpipe.settings import Settings
from cardpipe.wiring import Shop
from tests.api.served import listening, new_key
from tests.security.stocked import Stock, stock


@dataclass(frozen=True)
class Door:
    """A shop, where its API listens, and a key that may do everything."""

    house: Shop
    url: str
    key: str
    client: httpx.Client
    folder: Path


@pytest.fixture(scope="module")
def door(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    folder = tmp_path_factory.mktemp("door")
    house = Shop(Settings(data=folder / "data"))
    key = new_key(house, "local", "live", "admin")
    with listening(house, "127.0.0.1") as port:
        url = f"http://127.0.0.1:{port}"
        headers = {"authorization": f"Bearer {key}"}
        with httpx.Client(base_url=url, timeout=60, trust_env=False, headers=headers) as client:
            yield Door(house, url, key, client, folder)
    house.close()
    house.store.close()


@pytest.fixture(scope="module")
def stocked(door: Door) -> Stock:
    return stock(door.house, door.client, door.folder / "delivered")
