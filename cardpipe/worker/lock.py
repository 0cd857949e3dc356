"""Who holds a data folder. One supervisor a folder: the kernel's lock says who, and lets go when that process dies."""

from __future__ import annotations

import fcntl
import os
import time
from contextlib import suppress
from pathlib import Path
from typing import TextIO

from cardpipe.model.errors import Conflict

_NAME = "lock"
_PATIENCE = 1.0  # somebody who only asks holds the lock for a moment, and so does one who is just being killed


class FolderLock:
    """An exclusive lock on a data folder, from :meth:`take` until :meth:`release` or death."""

    def __init__(self, data: Path) -> None:
        self.path = data / _NAME
        self._file: TextIO | None = None

    def take(self) -> None:
        """Raises Conflict, which names the holder's process, where another supervisor has it."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        file = self.path.open("a+")
        until = time.monotonic() + _PATIENCE
        while not _locked(file):
            if time.monotonic() > until:
                pid = _read(file)
                file.close()
                raise Conflict(
                    f"The data folder {self.path.parent} is already held by process {pid or 'unknown'};"
                    " stop that one, or use another data folder."
                )
            time.sleep(0.02)
        self._file = file
        with suppress(OSError):  # a full disk keeps the number from others, but not the lock from us
            file.truncate(0)
            file.write(f"{os.getpid()}\n")
            file.flush()

    @property
    def held(self) -> bool:
        return self._file is not None

    def release(self) -> None:
        if self._file is not None:
            with suppress(OSError):
                self._file.truncate(0)
                self._file.close()
            self._file = None


def holder(data: Path) -> int | None:
    """The process id of the supervisor that holds this folder now, or None."""
    try:
        file = (data / _NAME).open("r+")
    except FileNotFoundError:
        return None
    with file:
        return None if _locked(file) else _read(file) or 0


def _locked(file: TextIO) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _read(file: TextIO) -> int | None:
    file.seek(0)
    text = file.read().strip()
    return int(text) if text.isdigit() else None
