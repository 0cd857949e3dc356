"""The Celery app, set up so that nothing depends on a message (reliability.md 1.3).

Acknowledged early, no retries, no countdowns, no results, no canvas, no beat: time, retries and results live in rows.
``worker.crew`` runs it. So does ``celery -A cardpipe.worker.app worker -P prefork -Q accept,compose,gather,release``.
"""

from __future__ import annotations

import os
from typing import Any

from celery import Celery
from celery.signals import worker_init, worker_process_init, worker_process_shutdown
from kombu.entity import Queue

from cardpipe.settings import Settings, settings
from cardpipe.storage.turns import QUEUE_OF, QUEUES
from cardpipe.worker import folder
from cardpipe.worker.journal import open_journal

POLL_SECONDS = 0.02


def broker(config: Settings) -> dict[str, Any]:
    """Where hints go: a folder below the data folder, or the Redis-protocol server of ``broker_url``."""
    url = config.broker_url or "filesystem://"
    if not url.startswith("filesystem:"):
        return {
            "broker_url": url,
            "broker_transport_options": {
                "socket_timeout": 10,
                "socket_connect_timeout": 3,
                "socket_keepalive": True,
                "health_check_interval": 25,
                "visibility_timeout": 86400,
                "global_keyprefix": "cardpipe:",
            },
        }
    queue = config.data / "queue"
    queue.mkdir(parents=True, exist_ok=True)
    return {
        "broker_url": "filesystem://",
        "broker_transport_options": {
            "data_folder_in": str(queue),
            "data_folder_out": str(queue),
            "control_folder": str(queue / "control"),
            "polling_interval": POLL_SECONDS,  # the default of 1 s is slept between any two tasks
        },
    }


def make_app(config: Settings) -> Celery:
    """An app for these settings."""
    made = Celery("cardpipe", include=["cardpipe.worker.tasks"])
    made.conf.update(
        **broker(config),
        task_serializer="json",
        accept_content=["json"],
        result_backend=None,
        task_ignore_result=True,
        task_acks_late=False,
        task_publish_retry=False,
        task_time_limit=120,
        task_soft_time_limit=100,
        task_create_missing_queues=False,
        task_default_queue="compose",
        # sent to by name alone: a flushed broker has no binding to forget
        task_queues=[Queue(name, routing_key=name) for name in QUEUES],  # type: ignore[no-untyped-call]
        task_routes={f"cardpipe.{kind}": {"queue": queue} for kind, queue in QUEUE_OF.items()},
        worker_pool="cardpipe.worker.pool:TaskPool",  # what -P prefork stands for
        worker_prefetch_multiplier=1,
        worker_max_tasks_per_child=200,
        worker_max_memory_per_child=600_000,
        worker_lost_wait=1.0,
        worker_send_task_events=False,
        worker_hijack_root_logger=False,
        worker_redirect_stdouts=False,
        worker_enable_remote_control=False,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        enable_utc=True,
    )
    return made


folder.install()
app = make_app(settings())

_main = 0


@worker_init.connect  # type: ignore[untyped-decorator]
def _remember(**_: Any) -> None:
    global _main
    _main = os.getpid()


@worker_process_init.connect  # type: ignore[untyped-decorator]
def _open(**_: Any) -> None:
    """In the pool's child, after the fork: open what every piece needs, so that the first one does not wait for it."""
    if _main and os.getppid() != _main:
        os._exit(1)  # the worker died between the fork and the request to die with it
    from cardpipe.wiring import shop

    open_journal()
    shop().warm()


@worker_process_shutdown.connect  # type: ignore[untyped-decorator]
def _close(**_: Any) -> None:
    from cardpipe.wiring import shop

    shop().close()
