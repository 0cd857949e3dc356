"""How properties are tried: without a stop-watch, since machines are busy; in CI the same examples every time, so that
a change fails for what it changed; at home others each time, so that they still find something."""

from __future__ import annotations

import gc
import os

import pytest
from hypothesis import settings

#: Tests run side by side already; each numpy would start threads of its own as soon as it is loaded.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

settings.register_profile("home", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "home")

#: What takes longest begins first, or two workers would wait for the third in the end.
LONGEST = (
    "house/test_readme.py", "faults/test_kill.py", "faults/test_planted.py", "faults/test_drill_apart.py",
    "storage/test_store_machine.py", "acceptance/test_print.py", "faults/test_drill.py", "console/test_browser_pages.py",
    "faults/", "security/test_openapi.py", "storage/test_bucket_trouble.py", "cli/test_watching.py", "acceptance/",
    "security/", "console/test_browser", "cli/", "designs/", "pipeline/test_press_files.py", "prepress/test_ownhand",
    "delivery/test_release_sftp.py", "darkroom/", "client/", "console/",
)  # fmt: skip


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whole files in this order; pytest-xdist would begin with those that hold the most tests."""
    ranks = dict.fromkeys((item.path for item in items), len(LONGEST))
    for path in ranks:
        ranks[path] = next((n for n, name in enumerate(LONGEST) if f"tests/{name}" in path.as_posix()), len(LONGEST))
    items.sort(key=lambda item: ranks[item.path])


def pytest_collection_finish() -> None:
    """Six thousand tests and all that they import stay until the end: no look for rubbish goes through them again, and
    looks are rarer."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)
