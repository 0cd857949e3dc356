"""Celery's prefork pool, with one thing changed: where its children share one pipe, a killed child ends the worker.

Transports without an event loop (the filesystem's) feed all children through one pipe with one lock. A child that is
killed while it holds that lock leaves the others waiting for ever (seen in ``tests/faults``). So the worker goes too:
its supervisor frees what it held and starts another, which takes two seconds and not a lease.
"""

from __future__ import annotations

import os
from typing import Any

import structlog
from celery.concurrency import prefork

log = structlog.get_logger("cardpipe.pool")

_EXIT_CODE = 70


class TaskPool(prefork.TaskPool):  # type: ignore[misc]
    """Named by ``worker_pool`` in the app's settings."""

    def on_start(self) -> None:
        if self.options.get("threads", True):
            self.options["on_process_down"] = _down
        super().on_start()


def _down(child: Any) -> None:
    """Recycled children end by themselves, with a code that is not negative; killed ones have the signal's."""
    if child.exitcode is not None and child.exitcode < 0:
        log.error("pool_child_killed", signal=-child.exitcode)
        os._exit(_EXIT_CODE)
