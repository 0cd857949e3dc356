"""A real database in a file, a clock that stands still, and orders by the dozen.

``store`` is SQLite on the frozen clock; ``any_store`` is SQLite and, where CARDPIPE_TEST_PG_URL names one, PostgreSQL.
"""

from __future__ import annotations

import datetime as dt
import os
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from pressroom import CARD, TARGET, work

from cardpipe.model.batch import Batch
from cardpipe.model.order import Scope, digest
from cardpipe.model.scan import Scan, Stage
from cardpipe.ports import NewOrder
from cardpipe.storage.store import SqlStore

pytest.register_assert_rewrite("artifact_contract", "tests.storage.s3server")

from tests.storage import s3server  # noqa: E402
from tests.storage.fresh import emptied, lay, own_database  # noqa: E402

GROUP = "A7|digital|usps|matte"


class FrozenClock:
    """Moves only when it is told to."""

    def __init__(self) -> None:
        self.moment = dt.datetime(2026, 11, 21, 9, 0, tzinfo=dt.UTC)

    def now(self) -> dt.datetime:
        return self.moment

    def forward(self, seconds: float) -> None:
        self.moment += dt.timedelta(seconds=seconds)


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock()


@pytest.fixture
def store(tmp_path: Path, clock: FrozenClock) -> Iterator[SqlStore]:
    made = SqlStore(f"sqlite:///{lay(tmp_path / 'cardpipe.db')}", clock)
    yield made
    made.close()


def _postgres() -> SqlStore:
    url = os.environ.get("CARDPIPE_TEST_PG_URL", "")
    if not url:
        if os.environ.get("CARDPIPE_TEST_REQUIRE") == "all":
            pytest.fail("CARDPIPE_TEST_PG_URL is not set, and CARDPIPE_TEST_REQUIRE=all asks for PostgreSQL")
        pytest.skip("PostgreSQL: set CARDPIPE_TEST_PG_URL to an empty database to run this")
    return emptied(SqlStore(own_database(url)))


@pytest.fixture(params=["sqlite", "postgres"])
def any_store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SqlStore]:
    if request.param == "postgres":
        made = _postgres()
    else:
        made = SqlStore(f"sqlite:///{lay(tmp_path / 'cardpipe.db')}")
    yield made
    made.close()


@pytest.fixture
def order() -> Callable[..., NewOrder]:
    """An order that passed every check, by number: ``order(3, tenant="b", message="Hello")``."""

    def make(number: int = 1, **other: Any) -> NewOrder:
        scope = Scope(other.get("tenant", "local"), other.get("mode", "live"))
        request = {"reference": f"ref-{number}", "message": other.get("message", "Hi"), "recipient": {"city": "Bonn"}}
        return NewOrder(
            scope=scope, reference=f"ref-{number}", request_digest=digest(request), request=request,
            spec={"number": number}, occasion="birthday", design="fern", mail_on=other.get("mail_on", "2026-11-25"),
            group=other.get("group", GROUP), sort_key=f"{number:05d}",
        )  # fmt: skip

    return make


@pytest.fixture
def compose() -> Callable[[SqlStore], int]:
    """Compose everything that is due, as a worker would; how many pieces that were."""

    def run(store: SqlStore) -> int:
        done = 0
        while due := store.due_steps(500, 20):
            for step_id, kind in due:
                assert kind == "compose"
                claim = store.claim(step_id, 60)
                assert claim is not None
                assert store.complete_compose(claim, CARD)
                done += 1
        return done

    return run


@pytest.fixture
def batch(order: Callable[..., NewOrder]) -> Callable[..., Batch]:
    """A batch that has come so far: ``batch(store, 5, "released")``. Orders are numbered from ``first``."""

    def make(store: SqlStore, pieces: int = 5, state: str = "imposed", first: int = 1, tenant: str = "local") -> Batch:
        scope = Scope(tenant)
        wanted = [store.add_order(order(n, tenant=tenant))[0].id for n in range(first, first + pieces)]
        work(store, "compose")
        found = store.gatherable(scope, "2026-11-25", wanted)
        made = store.gather(scope, "2026-11-25", {found[0].group: [piece.id for piece in found]})[0]
        if state != "gathered":
            work(store)
        if state in ("released", "printed", "mailed"):
            store.plan_release(scope, made.id, TARGET)
            work(store)
        for stage in {"printed": [Stage.PRINTED], "mailed": [Stage.MAILED]}.get(state, []):
            scans = [Scan(seq, stage) for seq in range(1, pieces + 1)]
            store.record(scope, made.id, scans, "a test", f"{stage} all", "anna")
        assert store.batch(scope, made.id).state == state
        return store.batch(scope, made.id)

    return make


@pytest.fixture
def sql() -> Callable[..., list[Any]]:
    """Raw SQL past every habit of the code: only the database's own constraints are in the way."""

    def run(store: SqlStore, statement: str, **values: Any) -> list[Any]:
        with store.db.engine.begin() as conn:
            result = conn.execute(sa.text(statement), values)
            return list(result.all()) if result.returns_rows else []

    return run


@pytest.fixture
def aws_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """The keys of the S3 server, and nothing else of Amazon's, in the environment."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name, value in s3server.KEYS.items():
        monkeypatch.setenv(name, value)


@pytest.fixture(scope="session")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[s3server.S3]:
    """A real S3 server for all tests, who each keep to a ``prefix`` of their own."""
    s3server.require()
    server = s3server.S3(tmp_path_factory.mktemp("s3") / "log")
    yield server
    server.kill()


@pytest.fixture
def prefix() -> str:
    return f"shop/{secrets.token_hex(6)}"
