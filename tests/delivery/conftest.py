"""A server for a whole module: it keeps nothing but its keys."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

pytest.register_assert_rewrite("tests.delivery.contract", "tests.delivery.sshd")

from tests.delivery.sshd import Sshd, require  # noqa: E402


@pytest.fixture(scope="module")
def sshd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    require()
    server = Sshd(tmp_path_factory.mktemp("sshd") / "server")
    yield server
    server.stop()
