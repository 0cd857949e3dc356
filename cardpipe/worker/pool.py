"""Celery's prefork pool, with one thing changed: where its children share one pipe, a killed child ends the worker.

Transports without an event loop (the filesystem's) feed all children through one pipe with one lock. A child that is
killed while it holds that lock leaves the others waiting for ever (seen in ``tests/faults``). So the worker goes too:
its supervisor frees what it held and starts another, which takes two seconds and not a lease.

And what every child would read for itself, the shelf of fonts, is read before they are forked, so that it lies in
memory once; no database, no bucket, no picture: those are opened after the fork.
"""

from __future__ import annotations

import gc
import os
from contextlib import suppress
from typing import Any

import structlog
from celery.concurrency import prefork

from cardpipe.model.errors import CardpipeError

log = structlog.get_logger("cardpipe.pool")

_EXIT_CODE = 70


class TaskPool(prefork.TaskPool):  # type: ignore[misc]
    """Named by ``worker_pool`` in the app's settings."""

    def on_start(self) -> None:
        if self.options.get("threads", True):
            self.options["on_process_down"] = _down
        from cardpipe.wiring import shop

        with suppress(CardpipeError):  # told by the child that needs it
            _ = shop().catalog.fonts
        gc.collect()
        gc.freeze()
        super().on_start()


def _down(child: Any) -> None:
    """Recycled children end by themselves, with a code that is not negative; killed ones have the signal's."""
    if child.exitcode is not None and child.exitcode < 0:
        log.error("pool_child_killed", signal=-child.exitcode)
        os._exit(_EXIT_CODE)
