"""The API behind a real server in this process, and keys for it."""

from __future__ import annotations

import secrets
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn

from cardpipe.api.app import make_app
from cardpipe.model.apikey import ENTROPY, SCOPES, mint
from cardpipe.model.tenant import NewKey
from cardpipe.wiring import Shop

#: All that a program may do, each by its own name.
ALL = tuple(sorted(SCOPES - {"admin"}))
#: So many requests a minute that no test meets the limit which it is not about.
PLENTY = 100_000


def new_key(house: Shop, tenant: str = "local", mode: str = "live", *scopes: str, **fields: Any) -> str:
    """A new key of a tenant that may ask as often as it likes; its text."""
    house.store.set_tenant(house.store.tenant(tenant).model_copy(update={"rate": PLENTY}), "test")
    made = mint(mode, secrets.token_bytes(ENTROPY))
    asked = frozenset(scopes or ALL)
    house.store.add_key(NewKey(tenant, mode, made.id, made.digest, "a test's", asked, **fields), "test")
    return made.secret_text


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


def own_addresses() -> list[str]:
    """Addresses of this machine that others can reach; none where it has no network."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # nothing is sent: it only chooses the way
        except OSError:
            return []
        found = str(probe.getsockname()[0])
    return [] if found.startswith("127.") else [found]
