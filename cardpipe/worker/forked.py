"""A process of ours begun as a fork of one that has loaded everything: what both have read lies in memory once.

SQLAlchemy, Celery and the craft rooms are some 100 MB a process; six processes stand behind ``cardpipe serve``. A fork
takes over neither connections nor locks: whoever forks has closed his database before, everything else that is open is
closed at once, and one who has threads is not forked at all (they would be missing, with the locks they hold).
"""

from __future__ import annotations

import os
import signal
import sys
import traceback
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, NoReturn

from setproctitle import setproctitle

MODULE = "cardpipe.worker.begin"
_FAILED = 70


class Forked:
    """As much of ``subprocess.Popen`` as a :class:`~cardpipe.worker.child.Child` asks for."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """The exit code; None while it runs."""
        return self._waited(os.WNOHANG)

    def wait(self) -> int | None:
        """The exit code, when it has ended."""
        return self._waited(0)

    def terminate(self) -> None:
        """SIGTERM."""
        if self.poll() is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGTERM)

    def _waited(self, how: int) -> int | None:
        if self.returncode is None:
            with suppress(ChildProcessError):
                pid, status = os.waitpid(self.pid, how)
                if pid:
                    self.returncode = os.waitstatus_to_exitcode(status)
        return self.returncode


def single() -> bool:
    """Whether this process has one thread only, those of libraries counted: no other may be forked."""
    try:
        return len(list(Path("/proc/self/task").iterdir())) == 1
    except OSError:
        return False


def fork(words: list[str], environment: Mapping[str, str], log: BinaryIO, first: Callable[[], None]) -> Forked:
    """``python -m cardpipe.worker.begin WORDS`` as a fork of this process, which calls ``first`` first of all."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
    pid = os.fork()
    if pid == 0:
        _run(words, environment, log, first)
    return Forked(pid)


def apart(do: Callable[[], object]) -> None:
    """Do something once in a fork, so that what it loads for that is gone with it. What fails there is told to nobody:
    whoever needs it done does it again, finds it done, or fails by himself. Nothing where no fork may be."""
    if not single():
        return
    pid = os.fork()
    if pid == 0:
        with suppress(BaseException):
            do()
        os._exit(0)
    with suppress(ChildProcessError):
        os.waitpid(pid, 0)


def _run(words: list[str], environment: Mapping[str, str], log: BinaryIO, first: Callable[[], None]) -> NoReturn:
    """What is left of the parent lies on the stack below, which is never unwound: nothing of it is closed twice."""
    code: int = _FAILED
    try:
        first()
        os.setsid()
        _clean(log.fileno())
        setproctitle(" ".join([sys.executable, "-m", MODULE, *words]))  # it needs the environment of the beginning
        os.environ.clear()
        os.environ.update(environment)
        sys.argv = ["begin.py", *words]
        from cardpipe import settings, wiring
        from cardpipe.worker import begin

        settings.settings.cache_clear()
        wiring.shop.cache_clear()
        begin.main()
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 0 if end.code is None else 1
    except BaseException:
        traceback.print_exc()
    finally:
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError, ValueError):
                stream.flush()
        os._exit(code)


def _clean(log: int) -> None:
    """The streams and signals of a process that has just been started, and no other file."""
    nothing = os.open(os.devnull, os.O_RDONLY)
    for there, here in ((nothing, 0), (log, 1), (log, 2)):
        os.dup2(there, here)
    for name in os.listdir("/proc/self/fd"):  # noqa: PTH208 - not by their highest number: containers allow a milliard
        if (number := int(name)) > 2:
            with suppress(OSError):  # the listing's own
                os.close(number)
    signal.set_wakeup_fd(-1)
    for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
        if callable(signal.getsignal(number)):
            signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
