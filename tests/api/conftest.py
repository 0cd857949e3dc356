"""The API on a real data folder, behind a real server: in this process for errors and load, and as a process of its
own with real workers for the way from order to file (``test_end_to_end``)."""

from __future__ import annotations

import io
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
import uvicorn
from PIL import Image

from cardpipe.api.app import make_app
from cardpipe.settings import Settings
from cardpipe.wiring import Shop


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


@contextmanager
def listening(house: Shop, host: str) -> Iterator[int]:
    """The API on an address of this machine; its port."""
    server = uvicorn.Server(uvicorn.Config(make_app(house), host=host, port=0, log_level="critical"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        assert thread.is_alive(), "the server did not start"
        time.sleep(0.02)
    try:
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        server.should_exit = True
        thread.join()


@pytest.fixture(scope="session")
def client(house: Shop) -> Iterator[httpx.Client]:
    with (
        listening(house, "127.0.0.1") as port,
        httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60, trust_env=False) as made,
    ):
        yield made


@pytest.fixture
def everywhere(house: Shop) -> Iterator[int]:
    """The port of an API that was bound to every address by mistake."""
    with listening(house, "0.0.0.0") as port:
        yield port


@pytest.fixture(scope="session")
def order() -> Callable[..., dict[str, Any]]:
    """An order by reference that every check passes: ``order("A-1", message="Hello")``."""

    def make(reference: str, **changes: Any) -> dict[str, Any]:
        anna = {"name": "Anna Berg", "street": "12 Alder Lane", "city": "Portland", "state": "OR", "postcode": "97201"}
        bo = {"name": "Bo Lind", "street": "1 Main Street", "city": "Salem", "state": "OR", "postcode": "97301"}
        plain = {"occasion": "thank-you", "recipient": anna, "sender": bo, "message": "Dear {first_name}, thank you."}
        return {"reference": reference, **plain, **changes}

    return make
