"""Artifacts: bytes in a folder by SHA-256, within one tenant and mode. What was answered survives a power cut.

``ROOT/TENANT/MODE/ab/abcd…``. A file is written beside its place, synced, renamed, and the folder synced: a reader sees
all of it or nothing. A write that fails removes what it wrote, for a full disk must not stay full of halves
(reliability.md 2.4).
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import re
import secrets
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from cardpipe.model.errors import Bug, Unavailable
from cardpipe.model.order import Scope

_SLUG = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")
_DIGEST = re.compile(r"[0-9a-f]{64}")
_TEMPORARY = ".part-"
_CHUNK = 1 << 16  # what is larger goes straight to the disk
#: Errors of the disk and not of whoever writes: no room, no right, no disk.
_THE_DISKS = {
    errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EROFS, errno.EACCES, errno.EPERM, errno.ENOTDIR,
    errno.ENODEV, errno.ENXIO, errno.ESTALE, errno.EMFILE, errno.ENFILE, errno.ENOMEM,
}  # fmt: skip


class FolderArtifacts:
    """``ports.Artifacts`` in a folder on one local disk."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def put(self, scope: Scope, data: bytes, digest: str = "") -> str:
        """Keep these bytes; their SHA-256. Bytes that are already there are not written again."""
        digest = digest or hashlib.sha256(data).hexdigest()
        path = self._path(scope, digest)
        if path.is_file() and path.stat().st_size == len(data):
            with outside("written", digest):
                _sync_folder(path.parent)  # whoever wrote it may have been stopped before this
            return digest
        with self._writing(scope, digest) as artifact:
            artifact.write(data)
        return digest

    def get(self, scope: Scope, digest: str) -> bytes:
        """The bytes, compared with their digest. Raises Bug where they are missing or changed."""
        with self.open(scope, digest) as file, outside("read", digest):
            data = file.read()
        if hashlib.sha256(data).hexdigest() != digest:
            raise changed(digest)
        return data

    def open(self, scope: Scope, digest: str) -> BinaryIO:
        """The bytes as a file, for what is too large to be held; whoever reads all of it compares the digest."""
        path = self._path(scope, digest)
        with outside("opened", digest):
            try:
                return path.open("rb")
            except FileNotFoundError:
                raise missing(digest) from None

    def has(self, scope: Scope, digest: str) -> bool:
        return self._path(scope, digest).is_file()

    def delete(self, scope: Scope, digest: str) -> bool:
        """Remove these bytes for good; False: they were not there. Gone after a power cut, too."""
        path = self._path(scope, digest)
        with outside("removed", digest):
            try:
                path.unlink()
                there = True
            except FileNotFoundError:
                there = False
            if path.parent.is_dir():
                _sync_folder(path.parent)  # whoever removed it may have been stopped before this
        return there

    def digests(self, scope: Scope) -> Iterator[str]:
        """What lies here, in no particular order. What comes or goes meanwhile may be told or not."""
        with outside("listed", "of this tenant"):
            for folder in _names(self._folder(scope)):
                if len(folder) == 2:
                    names = _names(self._folder(scope) / folder)
                    yield from (name for name in names if _DIGEST.fullmatch(name) and name.startswith(folder))

    def write(self, scope: Scope) -> AbstractContextManager[FolderWriter]:
        """A stream into the store: named and durable when the block ends well, gone when it does not."""
        return self._writing(scope)

    @contextmanager
    def _writing(self, scope: Scope, digest: str = "") -> Iterator[FolderWriter]:
        folder = self._folder(scope)
        temporary = folder / f"{_TEMPORARY}{secrets.token_hex(8)}"
        with outside("written", "of this stream"):
            _make_folder(folder)
            file = _begun(temporary)
            try:
                writer = FolderWriter(file, digest)
                yield writer
                writer.digest = digest or writer.hash.hexdigest()
                file.flush()
                _sync(file.fileno())
                file.close()
                place = self._path(scope, writer.digest)
                _make_folder(place.parent)
                temporary.replace(place)
                _sync_folder(place.parent)
            except BaseException:
                with suppress(OSError):
                    file.close()  # its last flush may fail as well
                with suppress(OSError):
                    temporary.unlink(missing_ok=True)
                raise

    def sweep(self) -> int:
        """Remove what killed writers left behind. A writer that lives holds a lock on its file, and is left alone."""
        swept = 0
        for left in self.root.glob(f"*/*/{_TEMPORARY}*"):
            with suppress(FileNotFoundError, BlockingIOError), left.open("rb") as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                left.unlink()
                swept += 1
        return swept

    def _folder(self, scope: Scope) -> Path:
        return self.root / place(scope)

    def _path(self, scope: Scope, digest: str) -> Path:
        return self.root / place(scope, digest)


def _begun(temporary: Path) -> BinaryIO:
    """A new file, locked: "somebody lives who writes this", see ``sweep``. One that was swept away between the two is
    begun anew."""
    while True:
        file = temporary.open("xb", buffering=_CHUNK)
        fcntl.flock(file, fcntl.LOCK_EX)
        if os.fstat(file.fileno()).st_nlink:
            return file
        file.close()


class FolderWriter:
    """``ports.ArtifactWriter``: hashes while it writes, unless the digest is known."""

    def __init__(self, file: BinaryIO, known: str = "") -> None:
        self.file = file
        self.hash = hashlib.sha256()
        self.known = known
        self.digest = ""
        self.size = 0

    def write(self, data: bytes | memoryview, /) -> int:
        self.file.write(data)
        if not self.known:
            self.hash.update(data)
        self.size += len(data)
        return len(data)

    def tell(self) -> int:
        return self.size


def place(scope: Scope, digest: str | None = None) -> str:
    """``TENANT/MODE`` or ``TENANT/MODE/ab/abcd…``. Raises Bug for what could lead elsewhere."""
    for name in scope:
        if not _SLUG.fullmatch(name):
            raise Bug("a tenant and a mode are lower-case letters, figures and hyphens; this one is not")
    folder = f"{scope.tenant}/{scope.mode}"
    if digest is None:
        return folder
    if not _DIGEST.fullmatch(digest):
        raise Bug("an artifact's name is 64 hexadecimal figures; this one is not")
    return f"{folder}/{digest[:2]}/{digest}"


def missing(digest: str) -> Bug:
    """Bytes that an order or a batch names, and that are not there."""
    return Bug(f"artifact {digest} is missing from the disk; restore it")


def changed(digest: str) -> Bug:
    """Bytes that are not those that were kept."""
    return Bug(f"artifact {digest} was changed on the disk: its bytes do not match its name; restore it")


@contextmanager
def outside(done: str, what: str) -> Iterator[None]:
    """A disk that is full, failing or gone is no piece's fault: Unavailable, and tried again later."""
    try:
        yield
    except OSError as error:
        if error.errno not in _THE_DISKS:
            raise
        raise Unavailable(f"An artifact could not be {done} ({what}): {os.strerror(error.errno or 0)}.") from error


def _names(folder: Path) -> list[str]:
    """What lies in a folder; nothing where there is none. (``Path.glob`` passes over what it may not read.)"""
    try:
        return [path.name for path in folder.iterdir()]
    except FileNotFoundError:
        return []


def _make_folder(folder: Path) -> None:
    """The folder and those above it, each one's name durable in the one above."""
    if folder.is_dir():
        return
    _make_folder(folder.parent)
    try:
        folder.mkdir(exist_ok=True)
    except FileExistsError:
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(folder)) from None
    _sync_folder(folder.parent)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        _sync(handle)
    finally:
        os.close(handle)


def _sync(handle: int) -> None:
    os.fsync(handle)
