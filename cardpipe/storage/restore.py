"""Restore: a backup becomes a data folder again, or nothing at all does.

A restored system does not know what was delivered after its backup, and would print it once more: so its releases are
paused until it was reconciled. The file is read as one that may have been cut off, damaged or made by somebody else:
members of a tar are taken in the one order in which a backup has them, by names that are checked, and nothing is ever
unpacked by the tar's own means.
"""

from __future__ import annotations

import io
import json
import os
import re
import secrets
import shutil
import sqlite3
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, BinaryIO

from sqlalchemy import exc

from cardpipe.model.errors import Conflict, Refused
from cardpipe.model.finding import error
from cardpipe.model.order import Scope
from cardpipe.ports import ArtifactWriter
from cardpipe.storage import audit, migrations, sessions, tenants
from cardpipe.storage.artifacts import FolderArtifacts, place
from cardpipe.storage.backup import ARTIFACTS, DATABASE, FORMAT, HEAD, LIST, SECRET, Hashed, Manifest, line, outside
from cardpipe.storage.engine import Database

_ARTIFACT = re.compile(
    rf"{ARTIFACTS}/([a-z0-9][a-z0-9-]{{0,63}})/([a-z0-9][a-z0-9-]{{0,63}})/[0-9a-f]{{2}}/([0-9a-f]{{64}})"
)
_CHUNK = 1 << 20
#: No head, secret or header of a tar is as large as this: one that says so is made to fill the memory.
_SMALL = 1 << 16


def read_backup(file: Path, data: Path) -> Manifest:
    """Restore into a folder that is empty or not there; releases are paused then. Raises Conflict where something lies
    there, or the backup is of a newer cardpipe; Refused for what is no whole backup: then nothing is left behind.
    Whoever calls sees to it that nobody else works in the folder."""
    if data.exists() and (not data.is_dir() or any(data.iterdir())):
        remedy = "name an empty folder in CARDPIPE_DATA; a .restore-… in it was left by one that was stopped: remove it"
        raise Conflict("Nothing was restored.", [error("restore.not_empty", str(data), "is not empty", remedy)])
    if not file.is_file():
        raise Refused("No such backup.", [error("backup.missing", "FILE", f"{file} is no file", "name the backup")])
    fresh, moved = not data.exists(), []
    with outside("read"), file.open("rb") as packed:
        data.mkdir(parents=True, exist_ok=True)
        room = data / f".restore-{secrets.token_hex(8)}"
        try:
            room.mkdir(mode=0o700)
            found = _unpack(packed, room)
            _open_up(room, found)
            for name in (ARTIFACTS, SECRET, DATABASE):  # with the database the folder is one
                if (data / name).exists():
                    raise Conflict(f"Nothing was restored: somebody put {name} into the folder meanwhile.")
                if (room / name).exists():
                    (room / name).rename(data / name)
                    moved.append(data / name)
            room.rmdir()
            os.sync()
        except BaseException:
            for left in (*moved, room):
                shutil.rmtree(left, ignore_errors=True) if left.is_dir() else left.unlink(missing_ok=True)
            if fresh:
                with suppress(OSError):
                    data.rmdir()
            raise
    return found


class _Wary:
    """A file that nobody reads much of at once, whatever a header says of its own length."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.seek, self.tell = file.seek, file.tell

    def read(self, size: int = -1) -> bytes:
        if not 0 <= size <= _CHUNK:
            raise tarfile.ReadError("a header is larger than any is")
        return self._file.read(size)


def _unpack(packed: BinaryIO, room: Path) -> Manifest:
    """Everything into the room, in the one order in which a backup has it. Raises Refused for whatever is else."""
    kept = size = 0
    with tempfile.TemporaryFile(dir=room) as seen, _readable(packed) as tar:
        members = _members(tar)
        head = _head(_next(members, HEAD, seen, room))
        _next(members, DATABASE, seen, room)
        for name, file in members:
            if name == LIST:
                _same(file, seen)
                break
            size += _keep(name, file, seen, room)
            kept += name != SECRET
        else:
            raise _no_backup("incomplete", "ends before its end", "copy it once more from where it was written")
        if next(members, None) is not None:
            raise _no_backup("member", "has something behind its list", "take one that cardpipe wrote")
    return Manifest(head["at"], head["migration"], kept, size + (room / DATABASE).stat().st_size)


def _members(tar: tarfile.TarFile) -> Iterator[tuple[str, IO[bytes]]]:
    """Plain files alone: no link, no device, nothing with holes."""
    while (member := tar.next()) is not None:
        tar.members = []  # type: ignore[attr-defined]  # or they would all be held
        file = tar.extractfile(member) if member.type == tarfile.REGTYPE and not member.sparse else None
        if file is None or member.size < 0:
            raise _no_backup("member", "holds something else than plain files", "take one that cardpipe wrote")
        yield member.name, file


def _next(members: Iterator[tuple[str, IO[bytes]]], wanted: str, seen: IO[bytes], room: Path) -> Path:
    """The member that must come now, kept in the room; where."""
    name, file = next(members, ("", io.BytesIO()))
    if name != wanted:
        raise _no_backup("member", f"has no {wanted} where one must be", "take one that cardpipe wrote")
    target = room / wanted
    with target.open("xb") as out:
        target.chmod(0o600)
        seen.write(line(_copy(file, out, None if wanted == DATABASE else _SMALL), name))
        out.flush()
        os.fsync(out.fileno())
    return target


def _keep(name: str, file: IO[bytes], seen: IO[bytes], room: Path) -> int:
    """The secret or an artifact; how many bytes."""
    if name == SECRET and not (room / SECRET).exists() and not (room / ARTIFACTS).exists():
        return _next(iter([(name, file)]), SECRET, seen, room).stat().st_size
    parts = _ARTIFACT.fullmatch(name)
    if parts is None or name != f"{ARTIFACTS}/{place(Scope(parts[1], parts[2]), parts[3])}":
        raise _no_backup("member", "holds what no backup holds there", "take one that cardpipe wrote")
    with FolderArtifacts(room / ARTIFACTS).write(Scope(parts[1], parts[2])) as out:
        digest = _copy(file, out)
    if digest != parts[3]:
        raise _no_backup("changed", f"holds an artifact {parts[3]} whose bytes are others", "take another copy of it")
    seen.write(line(digest, name))
    return out.size


def _head(path: Path) -> dict[str, str]:
    try:
        head = json.loads(path.read_bytes())
        known = head["format"] == FORMAT and isinstance(head["at"], str) and isinstance(head["migration"], str)
    except (ValueError, KeyError, TypeError):
        raise _no_backup("member", "has a head that cannot be read", "take one that cardpipe wrote") from None
    path.unlink()
    if not known or not re.fullmatch(r"[0-9TZ:+.-]{10,40}", head["at"]):
        raise _no_backup("format", "is of a form that this cardpipe does not know", "restore it with a newer one")
    return {"at": head["at"], "migration": head["migration"]}


def _same(file: IO[bytes], seen: IO[bytes]) -> None:
    """Raises Refused where the list is not of just what was read."""
    seen.seek(0)
    while True:
        said, found = file.read(_SMALL), seen.read(_SMALL)
        if said != found:
            raise _no_backup("changed", "holds something else than its list says", "take another copy of it")
        if not said:
            return


def _open_up(room: Path, found: Manifest) -> None:
    """Look whether the database is whole, bring it up to date, and pause its releases."""
    db = Database(f"sqlite:///{room / DATABASE}")
    try:
        with db.reading() as tx:
            told = [row[0] for row in tx.conn.exec_driver_sql("PRAGMA integrity_check(5)")]
            broken = told != ["ok"] or tx.conn.exec_driver_sql("PRAGMA foreign_key_check").first() is not None
        if broken or migrations.version(db) is None:
            raise _no_backup("database", "holds a database that is damaged", "take another copy of it")
        migrations.upgrade(db)
        with db.writing() as tx:
            audit.add(tx, "", "cardpipe", "backup.restored", "installation", of=found.at)
            why = f"restored from the backup of {found.at}: reconcile it with what was delivered"
            tenants.pause(tx, why, "cardpipe")
            sessions.end_everybodys(tx)
        db.empty_journal()
    except (exc.DatabaseError, sqlite3.DatabaseError):
        raise _no_backup("database", "holds no database that can be read", "take another copy of it") from None
    finally:
        db.close()


def _copy(file: IO[bytes], out: IO[bytes] | ArtifactWriter, most: int | None = None) -> str:
    """All of it, piece by piece; its digest."""
    hashed, size = Hashed(file), 0
    while part := hashed.read(_CHUNK):
        size += len(part)
        if most is not None and size > most:
            raise _no_backup(
                "member", "has a head or a secret that is larger than any is", "take one that cardpipe wrote"
            )
        out.write(part)
    return hashed.hash.hexdigest()


def _no_backup(code: str, message: str, remedy: str) -> Refused:
    return Refused("This is no whole backup; nothing was restored.", [error(f"backup.{code}", "FILE", message, remedy)])


@contextmanager
def _readable(packed: BinaryIO) -> Iterator[tarfile.TarFile]:
    """The tar in a file, whatever the file is: what a reader of tars stumbles over is Refused."""
    try:
        with tarfile.TarFile(fileobj=_Wary(packed), mode="r") as tar:  # type: ignore[arg-type]  # it is read and sought
            yield tar
    except (tarfile.TarError, EOFError, ValueError, OverflowError, RecursionError):
        raise _no_backup("incomplete", "is no tar, or was cut off or damaged", "take another copy of it") from None
