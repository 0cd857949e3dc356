"""Delivery into a folder of this machine, or one that is mounted here. See ``handover`` for what happens in it."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from cardpipe.delivery.answers import answers
from cardpipe.delivery.handover import hand_over
from cardpipe.delivery.place import CHUNK, Kind, Place, Seen, unavailable
from cardpipe.model.batch import Bundle
from cardpipe.ports import Reply

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
#: Folders that some file systems cannot sync.
_NO_SYNC = {errno.EINVAL, errno.ENOTSUP}


class FolderDelivery:
    """``ports.Delivery`` into ``folder/BUNDLE/``. Folders that lead to it are made."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.expanduser().absolute()

    @property
    def address(self) -> str:
        return self.folder.as_uri()

    def deliver(self, bundle: Bundle, open_file: Callable[[str], BinaryIO]) -> str:
        try:
            _make_folder(self.folder)
            with _opened(self.folder) as root:
                hand_over(root, bundle, open_file)
        except OSError as problem:
            raise unavailable(problem, self.address) from problem
        return f"{self.address}/{bundle.name}"

    def replies(self, bundle: Bundle) -> list[Reply]:
        try:
            with _opened(self.folder) as root:
                return answers(root, bundle)
        except OSError as problem:
            raise unavailable(problem, self.address) from problem


class _FolderPlace:
    """``Place`` by an open handle: whatever is renamed or linked meanwhile, nothing leads out of this folder."""

    def __init__(self, handle: int, address: str) -> None:
        self.handle = handle
        self.address = address

    def names(self) -> list[str]:
        return os.listdir(self.handle)  # noqa: PTH208 - a handle has no Path

    def look(self, name: str) -> Seen | None:
        try:
            found = os.stat(name, dir_fd=self.handle, follow_symlinks=False)
        except FileNotFoundError:
            return None
        return Seen(kind_of(found.st_mode), found.st_size)

    def make(self, name: str) -> None:
        try:
            os.mkdir(name, dir_fd=self.handle)
        except FileExistsError:
            return
        self.sync()

    @contextmanager
    def enter(self, name: str) -> Iterator[Place]:
        handle = os.open(name, _FOLDER | os.O_NOFOLLOW, dir_fd=self.handle)
        try:
            yield _FolderPlace(handle, f"{self.address}/{name}")
        finally:
            os.close(handle)

    def read(self, name: str) -> Iterator[bytes]:
        with os.fdopen(self._open(name), "rb", buffering=0) as file:
            while chunk := file.read(CHUNK):
                yield chunk

    def write(self, name: str, chunks: Iterable[bytes]) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        with os.fdopen(os.open(name, flags, 0o666, dir_fd=self.handle), "wb") as file:
            for chunk in chunks:
                file.write(chunk)
            file.flush()
            os.fsync(file.fileno())
            if hasattr(os, "posix_fadvise"):  # so that reading back asks the disk
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)

    def publish(self, part: str, name: str) -> None:
        # a rename, not a link: whoever watches the folder is told of "moved to". Between the look and the rename
        # another could only come from a second shop that gives out the same names in the same instant
        if self.look(name):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), name)
        os.rename(part, name, src_dir_fd=self.handle, dst_dir_fd=self.handle)

    def keep(self, name: str) -> None:
        handle = self._open(name)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)

    def sync(self) -> None:
        try:
            os.fsync(self.handle)
        except OSError as problem:
            if problem.errno not in _NO_SYNC:
                raise

    def remove(self, name: str) -> None:
        os.unlink(name, dir_fd=self.handle)

    def _open(self, name: str) -> int:
        handle = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=self.handle)
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            os.close(handle)
            raise OSError(errno.ENXIO, "is no file", name)
        return handle


def kind_of(mode: int) -> Kind:
    """What a POSIX mode says that it is."""
    if stat.S_ISREG(mode):
        return Kind.FILE
    if stat.S_ISDIR(mode):
        return Kind.FOLDER
    return Kind.LINK if stat.S_ISLNK(mode) else Kind.OTHER


@contextmanager
def _opened(folder: Path) -> Iterator[Place]:
    """The target itself may be a link: an operator named it."""
    handle = os.open(folder, _FOLDER)
    try:
        yield _FolderPlace(handle, folder.as_uri())
    finally:
        os.close(handle)


def _make_folder(folder: Path) -> None:
    """The folder and those above it, each one's name durable in the one above."""
    if folder.is_dir():
        return
    _make_folder(folder.parent)
    try:
        folder.mkdir(exist_ok=True)
    except FileExistsError:
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(folder)) from None
    with _opened(folder.parent) as above:
        above.sync()
