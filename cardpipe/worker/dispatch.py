"""The dispatcher: asks the database what is due, and hints it to the workers. Any number of them may run.

It knows nothing and keeps nothing. A hint that could not be published, or was lost, is due again when its time is over.
Between two looks it turns what was committed into messages for those who listen, and adds the duties that have come due
(cut-offs, erasures): each is a row that only one dispatcher can add.
Run as ``cardpipe dispatcher``; ``worker.supervise`` runs one of its own.
"""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

import structlog

from cardpipe.model.errors import Unavailable
from cardpipe.ports import Store
from cardpipe.worker.stirring import stamp

if TYPE_CHECKING:
    from cardpipe.wiring import Shop

log = structlog.get_logger("cardpipe.dispatch")

BUSY_SECONDS, IDLE_SECONDS, LONGEST_SECONDS = 0.01, 0.08, 5.0
#: How long it does not look at a database on this machine in which nobody has written: time alone makes steps due too.
DOZE_SECONDS = 1.0
#: How often messages are made of what was committed, the calendar is looked at, and the database told that we live.
TELL_SECONDS, CALENDAR_SECONDS, BEAT_SECONDS, TUNE_SECONDS = 0.25, 5.0, 5.0, 10.0

#: Publishes one hint: (kind, step id, seconds after which it is worthless).
Publish = Callable[[str, str, float], None]


class Chore:
    """Something that is done every so many seconds between two looks. One that fails as a bug does is told of, and the
    hints go on all the same: a calendar that cannot be read must not stop the press."""

    def __init__(self, name: str, every: float, do: Callable[[], object]) -> None:
        self.name = name
        self.every = every
        self.do = do
        self._next = 0.0

    def turn(self, now: float) -> None:
        """Do it, if its time has come. Raises Unavailable."""
        if now < self._next:
            return
        self._next = now + self.every
        try:
            self.do()
        except Unavailable:
            raise
        except Exception as problem:
            frames = traceback.format_tb(problem.__traceback__)
            log.error("chore_failed", chore=self.name, type=type(problem).__name__, frames=frames)


class Dispatcher:
    """One loop: look, hint, sleep. Sleeps longer and longer while the database or the broker does not answer."""

    def __init__(
        self, store: Store, publish: Publish, window: int, hint_seconds: float, chores: Sequence[Chore] = (),
        stamp: Callable[[], object] = object,
    ) -> None:  # fmt: skip
        self.store = store
        self.publish = publish
        self.window = window
        self.hint_seconds = hint_seconds
        self.chores = chores
        self.stamp = stamp  # equal ones: nothing was written in between
        self.failures = 0

    def turn(self) -> float:
        """Do the chores whose time has come, hint what is due; how long to sleep afterwards."""
        try:
            for chore in self.chores:
                chore.turn(time.monotonic())
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
        before = self.stamp()
        while not stop.wait(pause := self.turn()):
            awake = time.monotonic() + DOZE_SECONDS
            while pause == IDLE_SECONDS and time.monotonic() < awake and self.stamp() == before:
                if stop.wait(IDLE_SECONDS):
                    return
            before = self.stamp()

    def _failed(self, what: str, problem: Exception) -> float:
        self.failures += 1
        delay = min(LONGEST_SECONDS, 0.25 * 2.0 ** min(self.failures, 10))
        log.warning(what, problem=type(problem).__name__, delay=delay)
        return delay


def publisher() -> Publish:
    """Publishes by Celery, each hint with the time after which no worker looks at it any more."""
    from cardpipe.storage.turns import QUEUE_OF
    from cardpipe.worker.app import app

    def publish(kind: str, step_id: str, seconds: float) -> None:
        app.send_task(f"cardpipe.{kind}", (step_id,), queue=QUEUE_OF[kind], expires=seconds, retry=False)

    return publish


def chores(house: Shop) -> list[Chore]:
    """What a dispatcher does beside hinting."""
    from cardpipe.pipeline.duties import Reminder

    name = f"dispatcher:{socket.gethostname()}:{os.getpid()}"
    listed = [
        Chore("fan_out", TELL_SECONDS, house.store.fan_out),
        Chore("calendar", CALENDAR_SECONDS, Reminder(house).turn),
    ]
    if not house.settings.database.startswith("sqlite"):  # on one machine the supervisor's status file tells it
        listed.append(Chore("beat", BEAT_SECONDS, lambda: house.store.beat(name)))
        listed.append(Chore("tune", TUNE_SECONDS, house.store.tune))
    return listed


def database_stamp(house: Shop) -> Callable[[], object]:
    """What changes with each commit: the journal's file on this machine. A server is asked each time anew."""
    url = house.settings.database
    if not url.startswith("sqlite:///"):
        return object
    file = Path(url.removeprefix("sqlite:///"))
    journal = file.with_name(f"{file.name}-wal")
    return lambda: stamp(file, journal)


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
    config, house = settings(), shop()
    written = database_stamp(house)
    Dispatcher(house.store, publisher(), config.window, config.hint_seconds, chores(house), written).run(stop)


if __name__ == "__main__":
    main()
