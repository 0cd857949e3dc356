"""The supervisor: one data folder, a pool of workers and a dispatcher, kept running until it is told to stop.

It alone holds the folder, so at its start every lease, hint and half-written file is a leftover and is cleared at once
(reliability.md 2.4). Kill any of its processes, or itself, at any moment: the next start goes on where the rows stand.
Run as ``python -m cardpipe.worker.begin supervise``, or within a program of one's own: ``with Supervisor(settings) as
it: while …: it.turn()``.
"""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from contextlib import suppress
from pathlib import Path
from types import FrameType, TracebackType

import structlog
from pydantic import SecretStr

import cardpipe
from cardpipe.model.errors import CardpipeError, Unavailable
from cardpipe.settings import Settings, settings
from cardpipe.wiring import Shop
from cardpipe.worker import folder
from cardpipe.worker.child import Child, begun
from cardpipe.worker.forked import apart
from cardpipe.worker.journal import open_journal
from cardpipe.worker.lock import FolderLock, holder
from cardpipe.worker.queues import chosen

__all__ = ["Supervisor", "holder", "main"]

log = structlog.get_logger("cardpipe.supervise")

TURN_SECONDS, WAIT_SECONDS = 0.2, 0.05
STATUS_SECONDS = 1.0
#: Hints that nobody takes for so long, while nobody works, mean that the worker does not hear. Twice as long after each
#: restart that did not help: a busy machine may need longer than that to start one at all.
DEAF_SECONDS, LONGEST_DEAF_SECONDS = 8.0, 120.0
#: How long a warm stop waits for the pieces in hand.
GRACE_SECONDS = 15.0


class Supervisor:
    """Holds a data folder and tends its processes. Use it from one thread: its children die with that thread."""

    def __init__(self, config: Settings) -> None:
        self.settings = config
        self.shop = Shop(config)
        self.lock = FolderLock(config.data)
        #: On SQLite nobody else works on these rows; on PostgreSQL other machines may.
        self.alone = config.database.startswith("sqlite")
        self.status = config.data / "supervisor.json"
        environment = _environment(config)
        logs = config.data / "logs"
        self.worker = Child("worker", _crew(config), environment, logs / "worker.log", self._let_go)
        self.dispatcher = Child("dispatcher", begun("dispatch"), environment, logs / "dispatcher.log", self._let_go)
        self._told = 0.0
        self._heard = time.monotonic()
        self._patience = self._first_patience = max(DEAF_SECONDS, 1.5 * config.hint_seconds)

    def __enter__(self) -> Supervisor:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop(GRACE_SECONDS if error is None else 0.0)

    def start(self) -> None:
        """Take the folder, clear what the last one left, start the processes. Raises Conflict where it is held."""
        self.lock.take()
        try:
            apart(lambda: self.shop.store)  # Alembic is large, and needed once in a database's life
            _ = self.shop.store  # migrated before anybody else looks at it
            _ = self.shop.secret  # missing, or another than this database's: told now
            folder.sweep(self.settings.data / "queue")
            artifacts = self.shop.artifacts  # a wrong address is told now
            if self.settings.artifacts:
                artifacts.sweep()
            if self.alone:
                self.shop.store.forget_leases()
            self.worker.start()
            self.dispatcher.start()
            if not self.settings.artifacts:
                threading.Thread(target=self._sweep_uploads, daemon=True).start()
            self._tell()
        except BaseException:
            self.stop(0.0)
            raise

    def turn(self) -> None:
        """Look after the processes once; call it several times a second."""
        self.worker.tend(self._worker_died)
        self.dispatcher.tend(lambda: log.warning("died", child="dispatcher"))
        if time.monotonic() - self._told > STATUS_SECONDS:
            self._tell()
            self._listen()

    def run(self, stop: threading.Event) -> None:
        """Tend the processes until told to stop."""
        while not stop.wait(TURN_SECONDS):
            self.turn()

    def stop(self, grace: float = GRACE_SECONDS) -> None:
        """Warm first: no new hints, and what is in hand is finished. Then hard: nothing is left running.

        Celery's own warm end takes seconds even with idle hands, so it is not waited for once nobody holds a step.
        """
        for child in (self.dispatcher, self.worker):
            child.ask_to_stop()
        until = time.monotonic() + grace
        while time.monotonic() < until and self.worker.alive and self._in_hand():
            time.sleep(WAIT_SECONDS)
        for child in (self.dispatcher, self.worker):
            child.kill()
        if self.lock.held:
            for path in (self.status, self.status.with_suffix(".part")):
                path.unlink(missing_ok=True)
        self.shop.close()
        self.lock.release()

    def _let_go(self) -> None:
        """Close the database: a fork must not inherit a connection to SQLite, nor what SQLite knows of its locks."""
        if "store" in self.shop.__dict__:
            self.shop.store.close()

    def _listen(self) -> None:
        """A worker that lives and takes nothing is started anew. The database tells, never the look of a process:
        that Celery stops consuming after some trouble or other is reported every few months (reliability.md 1.2)."""
        now = time.monotonic()
        try:
            unserved = self.shop.store.unserved(chosen(self.settings.queues))
        except Unavailable:
            self._heard = now
            return
        if not unserved:
            self._heard, self._patience = now, self._first_patience
        elif now - self._heard > self._patience:
            log.warning("deaf", steps=unserved, patience=self._patience)
            self._heard, self._patience = now, min(LONGEST_DEAF_SECONDS, 2 * self._patience)
            self.worker.restart()

    def _worker_died(self) -> None:
        """Its whole pool died with it: whatever it held is free again now, and not when its leases run out."""
        log.warning("died", child="worker")
        if not self.alone:
            return
        try:
            if self.settings.artifacts:
                self.shop.artifacts.sweep()
            self.shop.store.forget_leases(lost=True)
        except (Unavailable, OSError) as problem:
            log.warning("leases_left_to_expire", problem=str(problem))

    def _sweep_uploads(self) -> None:
        """In a bucket, killed writers leave nothing, but uploads may have been forgotten. Beside the work, which goes
        on whether the server answers or not."""
        try:
            self.shop.artifacts.sweep()
        except CardpipeError as problem:
            log.warning("uploads_not_swept", problem=str(problem))

    def _in_hand(self) -> bool:
        try:
            return self.shop.store.leases() > 0
        except Unavailable:
            return True

    def _tell(self) -> None:
        """A status file for whoever asks whether this still lives; a full disk is no reason to die."""
        self._told = time.monotonic()
        told = {"pid": os.getpid(), "at": time.time()}
        for child in (self.worker, self.dispatcher):
            told[child.name] = {"pid": child.pid, "starts": child.starts}  # type: ignore[assignment]
        beside = self.status.with_suffix(".part")
        with suppress(OSError):
            beside.write_text(json.dumps(told))
            beside.replace(self.status)


def _crew(config: Settings) -> list[str]:
    return begun("crew", ",".join(chosen(config.queues)), str(config.workers), f"cardpipe-{os.getpid()}")


def _environment(config: Settings) -> dict[str, str]:
    """The settings as the children will read them, and the place of this package for those started elsewhere."""
    environment = dict(os.environ)
    for name, value in config.model_dump().items():
        if value is not None:
            plain = value.get_secret_value() if isinstance(value, SecretStr) else value
            environment[f"CARDPIPE_{name.upper()}"] = str(plain)
    here = str(Path(cardpipe.__file__).parent.parent)
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, (here, environment.get("PYTHONPATH"))))
    return environment


def main() -> None:
    """The supervisor as a process of its own: until SIGTERM or SIGINT."""
    open_journal()
    stop = threading.Event()

    def stopped(number: int, frame: FrameType | None) -> None:
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, stopped)
    try:
        with Supervisor(settings()) as supervisor:
            supervisor.run(stop)
    except CardpipeError as problem:
        log.error("ended", problem=str(problem))
        raise SystemExit(problem.exit_code) from None


if __name__ == "__main__":
    main()
