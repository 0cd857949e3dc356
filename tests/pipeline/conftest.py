"""A whole shop, once or several times, below the test's own folder; or, with ``CARDPIPE_TEST_HOUSE=servers``, on
PostgreSQL (``CARDPIPE_TEST_PG_URL``) and S3, each shop with a database and a prefix of its own."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from shopfloor import House

from cardpipe.settings import Settings
from cardpipe.storage.store import SqlStore
from tests.storage import s3server
from tests.storage.fresh import emptied, lay, own_database

SERVERS = os.environ.get("CARDPIPE_TEST_HOUSE") == "servers"


@pytest.fixture(autouse=True)
def on_one_machine(request: pytest.FixtureRequest) -> None:
    """What can only be seen on one machine is skipped, by name, on servers."""
    if SERVERS and request.node.get_closest_marker("one_machine"):
        pytest.skip("looks into SQLite or a folder, or needs a clock of its own")


@pytest.fixture(scope="session")
def bucket(tmp_path_factory: pytest.TempPathFactory) -> Iterator[s3server.S3 | None]:
    """The S3 server, where shops are on servers."""
    if not SERVERS:
        yield None
        return
    s3server.require()
    os.environ.update(s3server.KEYS)
    made = s3server.S3(tmp_path_factory.mktemp("s3") / "log")
    yield made
    made.kill()


@pytest.fixture
def make_house(tmp_path: Path, bucket: s3server.S3 | None) -> Iterator[Callable[[str], House]]:
    made: list[House] = []
    known: dict[str, Settings] = {}

    def on_servers(name: str, bucket: s3server.S3) -> Settings:
        if not (server := os.environ.get("CARDPIPE_TEST_PG_URL", "")):
            pytest.fail("CARDPIPE_TEST_HOUSE=servers asks for PostgreSQL: set CARDPIPE_TEST_PG_URL")
        url = own_database(server, f"h{len(known)}")
        emptied(SqlStore(url)).close()
        return Settings(
            data=tmp_path / name, database_url=url, secret=secrets.token_hex(16),  # type: ignore[arg-type]
            artifacts_url=bucket.url(secrets.token_hex(6)),
        )  # fmt: skip

    def make(name: str) -> House:
        if name not in known:
            if bucket is not None:
                known[name] = on_servers(name, bucket)
            else:
                if not (tmp_path / name / "cardpipe.db").exists():
                    lay(tmp_path / name / "cardpipe.db")
                known[name] = Settings(data=tmp_path / name)
        made.append(House(known[name]))
        return made[-1]

    yield make
    for house in made:
        house.close()
        house.store.close()


@pytest.fixture
def house(make_house: Callable[[str], House]) -> House:
    return make_house("data")
