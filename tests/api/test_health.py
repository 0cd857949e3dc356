"""Whether this process answers, and whether an order would be kept and worked on."""

from __future__ import annotations

import json
import os
import shutil
import time
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

from cardpipe.api import health
from cardpipe.settings import Settings
from cardpipe.storage.tables_console import metadata
from cardpipe.wiring import Shop
from tests.api.served import listening
from tests.storage import s3server


def working(data: Path, at: float) -> None:
    """A supervisor's status file."""
    (data / "supervisor.json").write_text(json.dumps({"pid": 1, "at": at}))


def test_alive_says_nothing_else(caller: Any) -> None:
    answer = caller().get("/healthz")
    assert answer.status_code == 200 and answer.json()["ok"] is True


def test_not_ready_without_a_supervisor(tmp_path: Path) -> None:
    house = Shop(Settings(data=tmp_path))
    with (
        listening(house, "127.0.0.1") as port,
        httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False) as it,
    ):
        answer = it.get("/readyz")
        assert answer.status_code == 503 and answer.headers["retry-after"] == "5"
        assert answer.json() == {"ok": False, "checks": {"database": True, "artifacts": True, "supervisor": False}}
        working(tmp_path, time.time())
        time.sleep(health.KEPT_SECONDS)
        answer = it.get("/readyz")
        assert answer.status_code == 200, answer.text
        assert answer.json() == {"ok": True, "checks": {"database": True, "artifacts": True, "supervisor": True}}
    house.close()


def test_a_supervisor_that_said_nothing_lately_is_none(tmp_path: Path) -> None:
    house = Shop(Settings(data=tmp_path))
    for seconds, well in ((0, True), (health.STATUS_SECONDS - 5, True), (health.STATUS_SECONDS + 5, False)):
        working(tmp_path, time.time() - seconds)
        assert health.look(house)["supervisor"] is well
    (tmp_path / "supervisor.json").write_text("{")
    assert health.look(house)["supervisor"] is False


def test_artifacts_that_cannot_be_written(tmp_path: Path) -> None:
    house = Shop(Settings(data=tmp_path))
    working(tmp_path, time.time())
    assert all(health.look(house).values())
    assert not [path for path in (tmp_path / "artifacts").rglob("*") if path.is_file()], "a look leaves nothing"
    shutil.rmtree(tmp_path / "artifacts")
    (tmp_path / "artifacts").write_text("a file in the way")
    assert health.look(house) == {"database": True, "artifacts": False, "supervisor": True}


def test_it_looks_once_for_many_who_ask(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    looks = []
    monkeypatch.setattr(health, "look", lambda house: looks.append(house) or {"database": True})
    asked = health.Looks(Shop(Settings(data=tmp_path)))
    assert [asked.now() for _ in range(50)] == [{"database": True}] * 50
    assert len(looks) == 1


@pytest.fixture
def server_url() -> str:
    url = os.environ.get("CARDPIPE_TEST_PG_URL", "")
    if not url:
        assert os.environ.get("CARDPIPE_TEST_REQUIRE") != "all", "CARDPIPE_TEST_PG_URL is not set"
        pytest.skip("PostgreSQL: set CARDPIPE_TEST_PG_URL to an empty database to run this")
    engine = sa.create_engine(url)
    with engine.begin() as conn:
        for table in [*reversed(metadata.sorted_tables), sa.Table("alembic_version", sa.MetaData())]:
            conn.execute(sa.text(f"DROP TABLE IF EXISTS {table.name} CASCADE"))
    engine.dispose()
    return url


def test_on_a_database_server_a_dispatcher_must_live(
    tmp_path: Path, server_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    s3server.require()
    for name, value in s3server.KEYS.items():
        monkeypatch.setenv(name, value)
    s3 = s3server.S3(tmp_path / "log")
    try:
        url = s3.url("health")
        house = Shop(Settings(data=tmp_path, database_url=server_url, artifacts_url=url, secret="s" * 32))  # type: ignore[arg-type]
        house.store.beat("worker:here:1")
        assert health.look(house) == {"database": True, "artifacts": True, "dispatcher": False}
        house.store.beat("dispatcher:here:2")
        assert all(health.look(house).values())
        assert s3.keys("health") == [], "a look leaves nothing"
    finally:
        s3.kill()
    house = Shop(Settings(data=tmp_path, database_url=server_url, artifacts_url=url, secret="s" * 32))  # type: ignore[arg-type]
    assert health.look(house)["artifacts"] is False, "a bucket that does not answer"
    house.store.close()
