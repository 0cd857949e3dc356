"""A child process of the supervisor: in a session of its own, killed with its parent, started again when it dies."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from cardpipe.worker.forked import MODULE, Forked, fork, single

FIRST_DELAY, LONGEST_DELAY = 0.1, 5.0
#: A child that lived for so long was well: its next restart is quick again.
WELL_SECONDS = 10.0
_LOG_BYTES = 10_000_000
_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None)


def begun(*words: str) -> list[str]:
    """The command that begins one of :mod:`cardpipe.worker.begin`'s processes."""
    return [sys.executable, "-m", MODULE, *words]


class Child:
    """One command, kept running. All of its methods belong to the one thread that lives as long as the supervisor:
    the kernel's "die with your parent" (PR_SET_PDEATHSIG) means the parent *thread*.

    Where ``before_fork`` is given, a command of :func:`begun` is a fork of this process, if that has no other thread;
    what it does is to close the database."""

    def __init__(
        self, name: str, command: list[str], environment: Mapping[str, str], log: Path,
        before_fork: Callable[[], None] | None = None,
    ) -> None:  # fmt: skip
        self.name = name
        self.command = command
        self.environment = dict(environment)
        self.log = log
        self.starts = 0
        self._before_fork = before_fork
        self._process: subprocess.Popen[bytes] | Forked | None = None
        self._started = 0.0
        self._delay = FIRST_DELAY
        self._not_before = 0.0

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    @property
    def alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start it, in its own session: a Ctrl-C at the supervisor's terminal does not reach it."""
        with self._journal() as log:
            if self._before_fork is not None and single():
                self._before_fork()
                words = self.command[self.command.index(MODULE) + 1 :]
                self._process = fork(words, self.environment, log, _die_with(os.getpid()))
            else:
                self._process = subprocess.Popen(
                    self.command, env=self.environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                    start_new_session=True, preexec_fn=_die_with(os.getpid()),
                )  # fmt: skip
        self.starts += 1
        self._started = time.monotonic()

    def _journal(self) -> BinaryIO:
        """Where it writes to; nowhere, where there is no room for another file."""
        try:
            self.log.parent.mkdir(parents=True, exist_ok=True)
            if self.log.exists() and self.log.stat().st_size > _LOG_BYTES:
                self.log.replace(self.log.with_suffix(".old.log"))
            return self.log.open("ab")
        except OSError:
            return Path(os.devnull).open("ab")

    def tend(self, died: Callable[[], None]) -> None:
        """Notice that it died, clear up what it left, and start it again when its time has come."""
        if self._process is not None:
            if self._process.poll() is None:
                return
            self._kill_session()
            self._process = None
            now = time.monotonic()
            self._delay = FIRST_DELAY if now - self._started > WELL_SECONDS else min(LONGEST_DELAY, self._delay * 2)
            self._not_before = now + self._delay
            died()
        if time.monotonic() >= self._not_before:
            self.start()

    def ask_to_stop(self) -> None:
        """SIGTERM: finish what is in hand."""
        if self._process is not None and self.alive:
            self._process.terminate()

    def restart(self) -> None:
        """End it hard; the next :meth:`tend` notices and starts it again."""
        self._kill_session()

    def kill(self) -> None:
        """Afterwards nothing of it is left."""
        if self._process is not None:
            self._kill_session()
            self._process.wait()
            self._process = None

    def _kill_session(self) -> None:
        """Its process and all that it started, however deep, unless they began sessions of their own."""
        if self._process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)


def _die_with(parent: int) -> Callable[[], None]:
    def ask_the_kernel() -> None:
        _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it died before the request was made
            os._exit(1)

    return ask_the_kernel
