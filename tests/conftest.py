"""How properties are tried: without a stop-watch, since machines are busy; in CI the same examples every time, so that
a change fails for what it changed; at home others each time, so that they still find something.

And who begins with what, so that several workers are done at the same time, and none of them does what another did."""

from __future__ import annotations

import gc
import os
from collections.abc import Generator
from pathlib import Path

import pytest
from hypothesis import settings

TESTS = Path(__file__).resolve().parent

#: Tests run side by side already; each numpy would start threads of its own as soon as it is loaded.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

settings.register_profile("home", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "home")

#: What mostly waits (for processes that were killed, for a minute to pass), the longest first ...
WAITING = (
    "faults/test_drill.py", "faults/test_kill.py", "acceptance/test_print.py", "faults/test_planted.py",
    "faults/test_delivery.py", "acceptance/test_house.py", "faults/test_broker.py", "faults/test_disk_full.py",
    "security/test_retention.py", "storage/test_bucket_trouble.py", "worker/test_cheap.py", "cli/test_watching.py",
    "security/test_secrets.py", "faults/", "acceptance/", "worker/", "security/test_secrets",
)  # fmt: skip
#: ... and what computes all the time; then all the others, which are short.
COMPUTING = (
    "faults/test_drill_apart.py", "house/test_readme.py", "storage/test_store_machine.py",
    "console/test_browser_pages.py", "security/test_openapi.py", "storage/test_store_revisions.py",
    "console/test_browser_today.py", "designs/test_designs.py", "pipeline/test_press_files.py",
    "designs/test_stress.py", "prepress/test_ownhand", "console/test_browser", "cli/test_design_commands.py",
    "security/", "cli/", "designs/", "storage/test_restore.py", "delivery/test_release_sftp.py", "darkroom/", "client/",
    "console/", "storage/test_store_press_together.py", "pipeline/", "prepress/test_sameness.py", "api/",
)  # fmt: skip
#: So many files that compute begin between two that wait: then there is work for every core until the end.
BETWEEN = 3


def order(files: list[str]) -> list[str]:
    """Files in the order in which they begin: what waits among what computes, the longest of both first."""

    def rank(file: str, names: tuple[str, ...]) -> int:
        return next((n for n, name in enumerate(names) if f"tests/{name}" in file), len(names))

    waiting = {file for file in files if "test_drill_apart" not in file and rank(file, WAITING) < len(WAITING)}
    quiet = sorted(waiting, key=lambda file: (rank(file, WAITING), file))
    busy = sorted(set(files) - waiting, key=lambda file: (rank(file, COMPUTING), file))
    ordered = []
    while quiet or busy:
        ordered += [*quiet[:1], *busy[:BETWEEN]]
        del quiet[:1], busy[:BETWEEN]
    return ordered


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whole files in this order; pytest-xdist would begin with those that hold the most tests."""
    places = {file: n for n, file in enumerate(order(sorted({item.path.as_posix() for item in items})))}
    items.sort(key=lambda item: places[item.path.as_posix()])


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Workers that run side by side each begin to collect in another room: what one has compiled the others load."""
    report = yield
    if isinstance(collector, pytest.Dir) and collector.path == TESTS and report.passed:
        worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
        first = len(report.result) * worker // int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
        report.result = [*report.result[first:], *report.result[:first]]
    return report


def pytest_collection_finish() -> None:
    """Six thousand tests and all that they import stay until the end: no look for rubbish goes through them again, and
    looks are rarer."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)
