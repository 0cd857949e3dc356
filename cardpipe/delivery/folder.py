"""Delivery into a folder: complete or not at all, and provable afterwards.

Each file is written as ``.NAME.part``, synced, read back and compared, then renamed; ``BATCH.done`` comes last. The
same batch again changes nothing; another batch under an old name is refused (print.md section 7).
"""

from __future__ import annotations

import errno
import hashlib
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import BinaryIO

from cardpipe.model.batch import Batch
from cardpipe.model.errors import Conflict, Unavailable
from cardpipe.model.finding import error
from cardpipe.model.order import canonical

_CHUNK = 1 << 20
_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


def deliver(batch: Batch, open_file: Callable[[str], BinaryIO], out: Path) -> Path:
    """Write a batch's files into ``out/BATCH``; the folder. ``open_file`` gives an artifact by digest.

    Raises Conflict where another content lies under a final name, Unavailable where there is no room or no right to
    write: then no half file is left under any name, and the same call may be made again.
    """
    folder = out / batch.name
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _refuse_others(batch, folder)
        for item in batch.files:
            with open_file(item.sha256) as source:
                _write(folder, item.name, item.sha256, iter(lambda: source.read(_CHUNK), b""))
        note = done_note(batch)
        _write(folder, f"{batch.name}.done", hashlib.sha256(note).hexdigest(), [note])
    except OSError as problem:
        raise _unavailable(problem, folder) from problem
    return folder


def done_note(batch: Batch) -> bytes:
    """What ``BATCH.done`` says: every file with its size and digest, so that a receiver can check without us."""
    files = [{"name": f.name, "sha256": f.sha256, "size": f.size} for f in batch.files]
    return canonical({"batch": batch.name, "revision": batch.revision, "pieces": batch.pieces, "files": files}) + b"\n"


def digest_of(path: Path) -> str:
    """SHA-256 of a file."""
    with path.open("rb") as source:
        return hashlib.file_digest(source, "sha256").hexdigest()


def _refuse_others(batch: Batch, folder: Path) -> None:
    findings = []
    for item in batch.files:
        path = folder / item.name
        if path.exists() and (path.stat().st_size != item.size or digest_of(path) != item.sha256):
            remedy = "move the old folder away, or give another output folder"
            findings.append(error("delivery.other_content", item.name, "another file lies under this name", remedy))
    if findings:
        raise Conflict(f"{folder} holds another batch under the same name; nothing was overwritten", findings)


def _write(folder: Path, name: str, sha256: str, chunks: Iterable[bytes]) -> None:
    final, part = folder / name, folder / f".{name}.part"
    if final.exists() and digest_of(final) == sha256:
        return
    try:
        with part.open("wb") as out:
            for chunk in chunks:
                out.write(chunk)
            out.flush()
            os.fsync(out.fileno())
        if digest_of(part) != sha256:
            raise Unavailable(f"{name} does not read back as it was written; check the disk, then export again")
        part.replace(final)
        _sync_folder(folder)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _unavailable(problem: OSError, folder: Path) -> Unavailable:
    if problem.errno in _NO_ROOM:
        found = error("delivery.no_room", str(folder), "the output folder has no room", "make room and export again")
    else:
        what = problem.strerror or type(problem).__name__
        found = error("delivery.folder", str(folder), f"cannot be written: {what}", "give a folder that can be written")
    return Unavailable(f"{found.message}; every finished piece is kept, and nothing half-written was left", [found])
