"""The dispatcher: asks the database what is due, and hints it to the workers. Any number of them may run.

It knows nothing and keeps nothing. A hint that could not be published, or was lost, is due again when its time is over.
Run as ``python -m cardpipe.worker.dispatch``; ``worker.supervise`` does.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from types import FrameType

import structlog

from cardpipe.model.errors import Unavailable
from cardpipe.ports import Store

log = structlog.get_logger("cardpipe.dispatch")

BUSY_SECONDS, IDLE_SECONDS, LONGEST_SECONDS = 0.01, 0.08, 5.0

#: Publishes one hint: (kind, step id, seconds after which it is worthless).
Publish = Callable[[str, str, float], None]


class Dispatcher:
    """One loop: look, hint, sleep. Sleeps longer and longer while the database or the broker does not answer."""

    def __init__(self, store: Store, publish: Publish, window: int, hint_seconds: float) -> None:
        self.store = store
        self.publish = publish
        self.window = window
        self.hint_seconds = hint_seconds
        self.failures = 0

    def turn(self) -> float:
        """Hint what is due; how long to sleep afterwards."""
        try:
            due = self.store.due_steps(self.window, self.hint_seconds)
        except Unavailable as problem:
            return self._failed("no_database", problem)
        for step_id, kind in due:
            try:
                self.publish(kind, step_id, self.hint_seconds)
            except Exception as problem:  # whatever a broker's client raises, the answer is the same
                return self._failed("no_broker", problem)
        self.failures = 0
        return BUSY_SECONDS if due else IDLE_SECONDS

    def run(self, stop: threading.Event) -> None:
        """Until told to stop."""
        while not stop.wait(self.turn()):
            pass

    def _failed(self, what: str, problem: Exception) -> float:
        self.failures += 1
        delay = min(LONGEST_SECONDS, 0.25 * 2.0 ** min(self.failures, 10))
        log.warning(what, problem=type(problem).__name__, delay=delay)
        return delay


def publisher() -> Publish:
    """Publishes by Celery, each hint with the time after which no worker looks at it any more."""
    from cardpipe.worker.app import ROUTES, app

    def publish(kind: str, step_id: str, seconds: float) -> None:
        app.send_task(f"cardpipe.{kind}", (step_id,), queue=ROUTES[kind], expires=seconds, retry=False)

    return publish


def main() -> None:
    """The dispatcher as a process of its own."""
    from cardpipe.settings import settings
    from cardpipe.wiring import shop
    from cardpipe.worker.journal import open_journal

    open_journal()
    stop = threading.Event()

    def stopped(number: int, frame: FrameType | None) -> None:
        stop.set()

    signal.signal(signal.SIGTERM, stopped)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    config = settings()
    Dispatcher(shop().store, publisher(), config.window, config.hint_seconds).run(stop)


if __name__ == "__main__":
    main()
