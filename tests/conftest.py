"""How properties are tried: without a stop-watch, since machines are busy; in CI the same examples every time, so that
a change fails for what it changed; at home others each time, so that they still find something."""

from __future__ import annotations

import os

import pytest
from hypothesis import settings

settings.register_profile("home", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "home")

#: What takes longest begins first, or two workers would wait for the third in the end.
LONGEST = (
    "faults/test_planted.py", "faults/test_drill.py", "house/test_readme.py", "faults/test_kill.py",
    "faults/test_drill_apart.py", "storage/test_store_machine.py", "acceptance/test_print.py", "security/test_retention.py",
    "security/test_openapi.py", "security/test_secrets.py", "acceptance/", "faults/", "cli/", "security/", "designs/",
    "prepress/test_ownhand", "delivery/test_release_sftp.py", "darkroom/",
)  # fmt: skip


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whole files in this order; pytest-xdist would begin with those that hold the most tests."""
    ranks = dict.fromkeys((item.path for item in items), len(LONGEST))
    for path in ranks:
        ranks[path] = next((n for n, name in enumerate(LONGEST) if f"tests/{name}" in path.as_posix()), len(LONGEST))
    items.sort(key=lambda item: ranks[item.path])
