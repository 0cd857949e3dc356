"""Celery's worker as a process of its own, begun by its own class: Celery's command line would load a shell with a
prompt and its history (click-repl, prompt-toolkit) first, at every start.

Run as ``python -m cardpipe.worker.begin crew QUEUES WORKERS NAME``; ``worker.supervise`` does.
"""

from __future__ import annotations

import socket
import sys

from celery import platforms

from cardpipe.worker import tasks  # noqa: F401 - what the pool's children are to find when they are forked
from cardpipe.worker.app import app

platforms._setproctitle = None  # its processes are named as they were begun, as everybody else's


def main() -> None:
    """Serve the queues until SIGTERM; the exit code is Celery's."""
    queues, workers, name = sys.argv[-3:]
    worker = app.Worker(
        hostname=f"{name}@{socket.gethostname()}", queues=queues.split(","), concurrency=int(workers),
        loglevel="WARNING", without_gossip=True, without_mingle=True, without_heartbeat=True,
    )  # fmt: skip
    worker.start()
    raise SystemExit(worker.exitcode)
