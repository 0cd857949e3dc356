"""Waiting until something stirs, instead of looking again and again: an idle shop costs next to nothing."""

from __future__ import annotations

import ctypes
import os
import select
import struct
import time
from contextlib import suppress
from pathlib import Path

#: <sys/inotify.h>: a file was written, moved here or made; the folder itself went away.
_WATCHED = 0x002 | 0x080 | 0x100 | 0x400 | 0x800
_NONBLOCK, _CLOEXEC = os.O_NONBLOCK, os.O_CLOEXEC
_EVENT, _EVENTS, _IGNORED = struct.Struct("iIII"), 1 << 16, 0x8000
_libc = ctypes.CDLL(None, use_errno=True)

Stamp = tuple[int, ...]


class Folder:
    """A folder in which files appear. Where the kernel cannot tell (inotify(7): a user has only so many watches), the
    folder is looked at every ``poll`` seconds as before."""

    def __init__(self, path: Path, poll: float) -> None:
        self._path = path
        self._poll = poll
        self._fd = -1
        self._inode = 0

    def watch(self) -> None:
        """Begin to notice, before the folder is looked through; again, where it was removed and made anew."""
        try:
            inode = self._path.stat().st_ino
        except OSError:
            inode = 0
        if inode == self._inode and self._fd >= 0:
            return
        self.close()
        self._inode = inode
        if not inode or not hasattr(_libc, "inotify_init1"):
            return
        self._fd = _libc.inotify_init1(_NONBLOCK | _CLOEXEC)
        if self._fd >= 0 and _libc.inotify_add_watch(self._fd, os.fsencode(self._path), _WATCHED) < 0:
            self.close()

    def wait(self, seconds: float) -> None:
        """Until something happened since :meth:`watch`, or the time is over."""
        if self._fd < 0:
            time.sleep(min(seconds, self._poll))
            return
        poll = select.poll()
        poll.register(self._fd, select.POLLIN)
        if poll.poll(seconds * 1000):
            with suppress(BlockingIOError):
                self._read(os.read(self._fd, _EVENTS))

    def _read(self, told: bytes) -> None:
        """Where the folder is gone, another of its name is another folder, even with the same number on the disk."""
        at = 0
        while at + _EVENT.size <= len(told):
            _, mask, _, length = _EVENT.unpack_from(told, at)
            at += _EVENT.size + length
            if mask & _IGNORED:
                self.close()
                return

    def close(self) -> None:
        """Notice nothing any more."""
        if self._fd >= 0:
            os.close(self._fd)
        self._fd = -1


def stamp(*files: Path) -> Stamp:
    """When these files were last written, and how long they are: another stamp, another content. A missing one counts
    as empty."""
    found: list[int] = []
    for path in files:
        try:
            told = path.stat()
        except OSError:
            found += (0, 0)
        else:
            found += (told.st_mtime_ns, told.st_size)
    return tuple(found)
