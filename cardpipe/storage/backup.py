"""The backup of one machine: the database, every artifact and the secret, in one tar that proves itself.

The database is copied first, within one reading transaction, and the artifacts after it: whatever it names was put
before. The last member lists the SHA-256 of all others, as ``sha256sum`` writes it, so that a copy that was cut off or
changed is seen. (It proves that nothing happened to the copy, not who made it; and it holds the secret and what is
personal: keep it as you keep the data folder, and no longer than what was erased since may be known.)
"""

from __future__ import annotations

import hashlib
import io
import os
import secrets
import sqlite3
import tarfile
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, BinaryIO

from cardpipe.model.errors import CardpipeError, Refused, Unavailable
from cardpipe.model.finding import error
from cardpipe.model.order import Scope, canonical
from cardpipe.ports import Artifacts
from cardpipe.storage.artifacts import changed, place
from cardpipe.storage.engine import Database

HEAD, DATABASE, SECRET, ARTIFACTS, LIST = "backup.json", "cardpipe.db", "secret", "artifacts", "manifest.sha256"
FORMAT = 1
_SCOPES = " UNION ".join(
    f"SELECT DISTINCT tenant, mode FROM {table}" for table in ("orders", "uploads", "imports", "intake", "batches")
)


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a backup holds: of when, of which migration of the tables, how many artifacts, and how many bytes in all
    (of database, secret and artifacts)."""

    at: str
    migration: str
    artifacts: int
    size: int


def write_backup(db: Database, artifacts: Artifacts, secret: Path, out: BinaryIO) -> Manifest:
    """Write a backup while the shop goes on; what was accepted when it begins is in it. Nothing is held in memory; a
    copy of the database lies beside it meanwhile. Raises Refused for PostgreSQL, Bug where an artifact is damaged: then
    what was written is no backup."""
    if not db.sqlite:
        raise Refused(
            "Only a data folder of one machine is backed up by cardpipe.",
            [error("backup.database", "CARDPIPE_DATABASE_URL", "is a PostgreSQL server",
                   "back up the database with pg_dump first, and then the bucket or folder of the artifacts")],
        )  # fmt: skip
    at = db.clock.now().isoformat(timespec="seconds").replace("+00:00", "Z")
    folder = Path(str(db.engine.url.database)).parent
    _sweep(folder)
    with outside("written"), _snapshot(db, folder) as (copy, migration, scopes), _Pack(out, folder) as pack:
        head = canonical({"format": FORMAT, "at": at, "migration": migration})
        pack.add(HEAD, io.BytesIO(head))
        pack.add(DATABASE, copy)
        if secret.is_file():
            pack.add(SECRET, io.BytesIO(secret.read_bytes()))
        kept = 0
        for scope in scopes:
            for digest in artifacts.digests(scope):
                kept += _artifact(pack, artifacts, scope, digest)
        pack.finish()
        return Manifest(at, migration, kept, pack.size)


class _Pack:
    """A tar being written, and beside it the list of what is in it."""

    def __init__(self, out: BinaryIO, folder: Path) -> None:
        self._tar = tarfile.TarFile(fileobj=out, mode="w", format=tarfile.PAX_FORMAT)
        self._list: IO[bytes] = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115  # closed with this
        self.size = 0

    def __enter__(self) -> _Pack:
        return self

    def __exit__(self, *_: object) -> None:
        self._list.close()

    def add(self, name: str, file: IO[bytes]) -> str:
        """The whole file as a member; its digest."""
        info, reader = tarfile.TarInfo(name), Hashed(file)
        info.size, info.mode = file.seek(0, io.SEEK_END), 0o600
        file.seek(0)
        self._tar.addfile(info, reader)
        self._tar.members = []  # type: ignore[attr-defined]  # or they would all be held
        self._list.write(line(reader.hash.hexdigest(), name))
        self.size += info.size if name != HEAD else 0
        return reader.hash.hexdigest()

    def finish(self) -> None:
        """Write the list and end the tar."""
        info = tarfile.TarInfo(LIST)
        info.size, info.mode = self._list.tell(), 0o600
        self._list.seek(0)
        self._tar.addfile(info, self._list)
        self._tar.close()


class Hashed:
    """A file that is hashed while it is read."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file, self.hash = file, hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        data = self._file.read(size)
        self.hash.update(data)
        return data


def _artifact(pack: _Pack, artifacts: Artifacts, scope: Scope, digest: str) -> bool:
    """False: it was erased meanwhile."""
    try:
        file = artifacts.open(scope, digest)
    except CardpipeError:
        if artifacts.has(scope, digest):
            raise
        return False
    with file:
        if pack.add(f"{ARTIFACTS}/{place(scope, digest)}", file) != digest:
            raise changed(digest)
    return True


@contextmanager
def _snapshot(db: Database, folder: Path) -> Iterator[tuple[BinaryIO, str, list[Scope]]]:
    """The database as it is now, in a file without a name; its migration, and whose data it has."""
    beside = folder / f".backup-{secrets.token_hex(8)}"
    os.close(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    try:
        with closing(sqlite3.connect(beside)) as copy:
            with db.engine.connect() as conn:
                conn.connection.driver_connection.backup(copy)  # type: ignore[union-attr]
            copy.execute("PRAGMA journal_mode=DELETE")  # one file, and no journal beside it
            migration = copy.execute("SELECT version_num FROM alembic_version").fetchone()[0]
            scopes = [Scope(*row) for row in copy.execute(f"{_SCOPES} ORDER BY tenant, mode")]
        file = beside.open("rb")
    finally:
        beside.unlink()  # whoever is stopped from now on leaves no copy behind
    with file:
        yield file, migration, scopes


def line(digest: str, name: str) -> bytes:
    """One line of the list, as ``sha256sum`` writes it."""
    return f"{digest}  {name}\n".encode()


def _sweep(folder: Path) -> None:
    """Copies of the database that were left by backups which were stopped: more than a day old, for others may run."""
    for left in folder.glob(".backup-*"):
        with suppress(OSError):
            if time.time() - left.stat().st_mtime > 86_400:
                left.unlink()


@contextmanager
def outside(done: str) -> Iterator[None]:
    """The disk's faults: another try, in another place or with more room, can mend them."""
    try:
        yield
    except sqlite3.OperationalError as problem:
        raise Unavailable(f"The backup could not be {done}: {problem}.") from None
    except OSError as problem:
        raise Unavailable(f"The backup could not be {done}: {os.strerror(problem.errno or 0)}.") from None
