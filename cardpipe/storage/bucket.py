"""Artifacts on an S3-compatible server, by SHA-256, within one tenant and mode: ``PREFIX/TENANT/MODE/ab/abcd…``.

An object of S3 is there as a whole or not at all, and what the server confirmed is durable. What is large travels in
parts, of which nothing is seen before the last is confirmed (CompleteMultipartUpload); parts of an upload whose sender
died are invisible, but paid for: give the bucket a lifecycle rule that aborts them after a day. Bytes that must be
erased need a bucket without versions. The keys need GetObject, PutObject, DeleteObject and ListBucket; without the last
a server answers 403 and not 404 for what is not there.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import io
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

import obstore
from obstore.exceptions import AlreadyExistsError, GenericError, NotSupportedError

from cardpipe.model.errors import Bug, Refused
from cardpipe.model.finding import error
from cardpipe.model.order import Scope
from cardpipe.storage.artifacts import FolderWriter, changed, missing, outside, place
from cardpipe.storage.reach import Line, asked, code, parse, said

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
_DIGEST = re.compile(r"[0-9a-f]{64}")
_UPLOADS, _MODES = "uploads", ("live", "test")
#: Bytes of one request: the patience of a line (60 s) lasts for 1.1 Mbit/s. What is larger travels in such parts, and
#: is never held in memory as a whole.
_PART = 8 << 20
#: Parts on their way at once.
_LANES = 3
#: A pre-signed address is good for a week at most (Signature Version 4).
_LONGEST = 7 * 86_400


class BucketArtifacts:
    """``ports.Artifacts`` in a bucket. ``room`` is the folder where large artifacts lie, without a name, while they
    travel. Nothing is asked before the first call; a call gives up after ``patience`` (see ``reach``)."""

    def __init__(self, url: str, room: Path | None = None, *, patience: float = 60.0, stale: float = 86_400.0) -> None:
        self.address = parse(url)
        self.room = room
        self.stale = dt.timedelta(seconds=stale)
        self._line = Line(self.address, patience)
        self._creates = True  # the server knows If-None-Match, until it says that it does not

    def put(self, scope: Scope, data: bytes, digest: str = "") -> str:
        """Keep these bytes; their SHA-256. Bytes that are already there are not sent again."""
        digest = digest or hashlib.sha256(data).hexdigest()
        self._keep(scope, digest, data, len(data))
        return digest

    def get(self, scope: Scope, digest: str) -> bytes:
        """The bytes, compared with their digest. Raises Bug where they are missing or changed."""
        with self.open(scope, digest) as file, outside("read", digest):
            return file.read()

    def open(self, scope: Scope, digest: str) -> BinaryIO:
        """The bytes as a file, compared with their digest: in memory up to 8 MiB, else in a file without a name.
        Raises Bug where they are missing or changed."""
        key, store = self._key(scope, digest), self._line.store()
        with asked("read", digest):
            try:
                found = obstore.get(store, key)
            except FileNotFoundError as problem:
                raise said(problem, "read", digest) or missing(digest) from None
            size = found.meta["size"]
            if size <= _PART:
                data = bytes(found.bytes())
                if hashlib.sha256(data).hexdigest() != digest:
                    raise changed(digest)
                return io.BytesIO(data)
        return self._spooled(key, digest, size)

    def has(self, scope: Scope, digest: str) -> bool:
        with asked("looked for", digest):
            return self._size(self._key(scope, digest)) is not None

    def delete(self, scope: Scope, digest: str) -> bool:
        """Remove these bytes; False: they were not there. (A bucket with versions keeps them as an old one.)"""
        key = self._key(scope, digest)
        with asked("removed", digest):
            if self._size(key) is None:
                return False
            obstore.delete(self._line.store(), key)
            return True

    def digests(self, scope: Scope) -> Iterator[str]:
        """What lies here, in no particular order. What comes or goes meanwhile may be told or not."""
        with asked("listed", "of this tenant"):
            for some in obstore.list(self._line.store(), prefix=f"{self._root}{place(scope)}/", chunk_size=1000):
                for found in some:
                    name = found["path"].rsplit("/", 1)[-1]
                    if _DIGEST.fullmatch(name) and found["path"] == self._key(scope, name):
                        yield name

    @contextmanager
    def write(self, scope: Scope) -> Iterator[FolderWriter]:
        """A stream into the store: it lies in a file without a name until the block ends well, and is sent then."""
        place(scope)  # a scope that cannot be is told now
        with outside("written", "of this stream"), self._file() as file:
            writer = FolderWriter(file)
            yield writer
            digest = writer.hash.hexdigest()
            file.seek(0)
            self._keep(scope, digest, file, writer.size)
            writer.digest = digest

    def sweep(self) -> int:
        """Remove uploads that lie for more than a day: their order never came. (Writers that died left nothing.)"""
        swept, store, before = 0, self._line.store(), dt.datetime.now(dt.UTC) - self.stale
        with asked("listed", "of stale uploads"):
            for tenant in obstore.list_with_delimiter(store, self._root)["common_prefixes"]:
                for mode in obstore.list_with_delimiter(store, f"{tenant}/")["common_prefixes"]:
                    if mode.rsplit("/", 1)[-1] not in _MODES:
                        continue  # not of ours
                    for some in obstore.list(store, prefix=f"{mode}/{_UPLOADS}/"):
                        for found in some:
                            if found["last_modified"] < before:
                                obstore.delete(store, found["path"])
                                swept += 1
        return swept

    def presign_put(self, scope: Scope, name: str, seconds: int) -> tuple[str, dict[str, str]]:
        """Where a stranger may PUT one upload within so many seconds, and the headers that he must send (none). The
        address cannot limit the size: ``take_upload`` does. Whoever holds it may write there until it ends."""
        if not 1 <= seconds <= _LONGEST:
            raise Bug(f"a pre-signed address is good for 1 to {_LONGEST} seconds, not for {seconds}")
        with asked("signed", "an upload"):
            url = obstore.sign(self._line.store(), "PUT", self._upload(scope, name), dt.timedelta(seconds=seconds))
        return url, {}

    def take_upload(self, scope: Scope, name: str, limit: int) -> bytes:
        """What was uploaded, of at most ``limit`` bytes: nothing of a larger one is read. It stays until it is dropped.
        Raises Refused (``upload.missing``, ``upload.large``)."""
        key, store = self._upload(scope, name), self._line.store()
        with asked("read", "an upload"):
            try:
                found = obstore.get(store, key)
            except FileNotFoundError as problem:
                if trouble := said(problem, "read", "an upload"):
                    raise trouble from None
                remedy = "PUT the file to the address that was given before it ends, or ask for a new address"
                what = error("upload.missing", "upload", "nothing was uploaded under this name", remedy)
                raise Refused("the upload is not there", [what]) from None
            if (size := found.meta["size"]) > limit:
                remedy = f"upload a file of at most {limit:,} bytes"
                what = error("upload.large", "upload", f"has {size:,} bytes, at most {limit:,} are taken", remedy)
                raise Refused("the upload is too large", [what])
            return bytes(found.bytes())

    def drop_upload(self, scope: Scope, name: str) -> None:
        """Remove an upload, if it is there."""
        with asked("removed", "an upload"):
            obstore.delete(self._line.store(), self._upload(scope, name))

    def _keep(self, scope: Scope, digest: str, source: bytes | BinaryIO, size: int) -> None:
        key, store = self._key(scope, digest), self._line.store()
        with asked("written", digest):
            there = self._size(key)
            if there == size:
                return
            if size > _PART:  # whoever is faster sends the same bytes: it does not matter who is last
                obstore.put(store, key, source, use_multipart=True, chunk_size=_PART, max_concurrency=_LANES)
                return
            data = source if isinstance(source, bytes) else source.read()
            if there is None and self._creates:
                try:
                    obstore.put(store, key, data, mode="create", use_multipart=False)
                    return
                except AlreadyExistsError:
                    return  # another was faster with the same bytes
                except (NotSupportedError, GenericError) as problem:
                    if code(problem) not in ("NotImplemented", "501"):
                        raise
                    self._creates = False
            obstore.put(store, key, data, mode="overwrite", use_multipart=False)

    def _size(self, key: str) -> int | None:
        try:
            return obstore.head(self._line.store(), key)["size"]
        except FileNotFoundError:
            return None

    def _spooled(self, key: str, digest: str, size: int) -> BinaryIO:
        """A large object in a file without a name, some parts at a time."""
        seen, store, parts = hashlib.sha256(), self._line.store(), range(0, size, _PART)
        with outside("read", digest), asked("read", digest):
            file = self._file()
            try:
                for at in range(0, len(parts), _LANES):
                    starts = parts[at : at + _LANES]
                    lengths = [min(_PART, size - start) for start in starts]
                    for part in obstore.get_ranges(store, key, starts=starts, lengths=lengths, coalesce=0):
                        seen.update(part)
                        file.write(part)
                if seen.hexdigest() != digest:
                    raise changed(digest)
                file.seek(0)
            except BaseException as problem:
                file.close()
                if isinstance(problem, FileNotFoundError):
                    raise said(problem, "read", digest) or missing(digest) from None
                raise
        return file

    def _file(self) -> BinaryIO:
        if self.room:
            self.room.mkdir(parents=True, exist_ok=True)
        return cast("BinaryIO", tempfile.TemporaryFile(dir=self.room))

    @property
    def _root(self) -> str:
        return f"{self.address.prefix}/" if self.address.prefix else ""

    def _key(self, scope: Scope, digest: str) -> str:
        return self._root + place(scope, digest)

    def _upload(self, scope: Scope, name: str) -> str:
        if not _NAME.fullmatch(name):
            raise Bug("an upload's name is letters, figures, dots, hyphens and underscores; this one is not")
        return f"{self._root}{place(scope)}/{_UPLOADS}/{name}"
