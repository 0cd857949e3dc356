"""The drill, small, on servers: the same orders, harm and proof as in ``test_drill``, with everything apart."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.faults.drill import drill
from tests.faults.servers import postgres_programs
from tests.faults.test_drill import whole
from tests.storage import s3server

#: It takes half as long again as on one machine, and CI has an end: its 200 are the long test's.
FEWER, SHORTER = 60, 25.0


@pytest.mark.timeout(600)
@pytest.mark.parametrize(("orders", "seconds"), [(FEWER, SHORTER), pytest.param(200, 75.0, marks=pytest.mark.long)])
def test_apart_on_servers(tmp_path: Path, orders: int, seconds: float) -> None:
    """The API, two dispatchers and two workers on PostgreSQL, Redis and S3."""
    s3server.require()
    if postgres_programs() is None:
        assert os.environ.get("CARDPIPE_TEST_REQUIRE") != "all", (
            "PostgreSQL's programs are needed: apt install postgresql"
        )
        pytest.skip("PostgreSQL: install its server programs (initdb, pg_ctl) to run this")
    whole(drill("apart", tmp_path / "drill", orders, 42, seconds), orders, seconds)
