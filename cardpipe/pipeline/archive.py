"""Archives: a ZIP with one table of orders and its pictures. Members are read by name into memory, never unpacked.

A ZIP is a list of claims by a stranger: names, sizes and their sums are judged before a byte is unpacked, and no more
is unpacked than was claimed. Only stored and deflated members are read, the two methods that every program writes.
"""

from __future__ import annotations

import contextlib
import difflib
import io
import posixpath
import re
import stat
import struct
import unicodedata
import zipfile
import zlib
from collections.abc import Iterator
from typing import Any, BinaryIO

from cardpipe.model.errors import Refused
from cardpipe.model.finding import Finding, error
from cardpipe.pipeline.table import KINDS
from cardpipe.pipeline.table import MAX_BYTES as MAX_TABLE

MAX_MEMBERS = 20_000
MAX_MEMBER = 25_000_000
MAX_TOTAL = 2_000_000_000
MAX_RATIO = 200
MAX_NAME = 500
_MAX_DIRECTORY = 8_000_000  # bytes of the list of members: 20,000 of them have about 3 MB
_SMALL = 1 << 16  # below it a ratio says nothing
_FOUND_LIMIT = 20
_FEW = 200  # among more names than these no similar one is sought
#: What Macs and Windows put in of their own.
_CLUTTER = re.compile(r"(^|/)(__MACOSX/|\._|\.DS_Store$|Thumbs\.db$|desktop\.ini$)", re.IGNORECASE)
_NESTED = re.compile(r"\.(zip|zipx|7z|rar|tar|tgz|gz|bz2|tbz2?|xz|txz|zst|lzma|cab|jar|iso)$", re.IGNORECASE)
_NESTED_BYTES = (
    b"PK\x03\x04",
    b"PK\x05\x06",
    b"PK\x07\x08",
    b"7z\xbc\xaf\x27\x1c",
    b"Rar!",
    b"\x1f\x8b",
    b"BZh",
    b"\xfd7zXZ\0",
)
_ENCRYPTED = 0x1 | 0x40 | 0x2000  # APPNOTE 4.4.4: encrypted, strongly so, directory masked
_BROKEN = (
    zipfile.BadZipFile, zipfile.LargeZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError,
    struct.error, ValueError, OverflowError, IndexError, KeyError,
)  # fmt: skip


class Archive:
    """A ZIP whose members were judged: its table, and its pictures by name. One thread at a time reads it."""

    def __init__(self, unpacked: zipfile.ZipFile, table: str, members: dict[str, zipfile.ZipInfo], where: str) -> None:
        self._zip, self._name, self._table, self._where = unpacked, table, members[table], where
        self._pictures = {name: info for name, info in members.items() if name != table}
        self._folder = posixpath.dirname(table)
        below = f"{self._folder}/" if self._folder else ""
        #: Every other member, as a cell of the table names it; one that lies elsewhere by its whole path.
        self.pictures = frozenset(name.removeprefix(below) for name in self._pictures)
        self._folded = {name.casefold(): name for name in self.pictures}

    def table(self) -> tuple[str, BinaryIO]:
        """The name of the table of orders without its folder, and its bytes as a file that can be read twice."""
        return posixpath.basename(self._name), io.BufferedReader(_Member(self._zip, self._table, self._where))

    def picture(self, ref: str, where: str = "photo") -> bytes:
        """The bytes of a picture named by its path from the table, as an order's cell names it. Raises Refused."""
        name = unicodedata.normalize("NFC", ref.removeprefix("./"))
        info = None if _name_problem(name) else self._pictures.get(posixpath.join(self._folder, name))
        if info is None:
            near = self._folded.get(name.casefold())
            if near is None and len(self.pictures) <= _FEW:
                near = next(iter(difflib.get_close_matches(name, self.pictures, 1, 0.8)), None)
            remedy = f"did you mean {near!r}?" if near else "write its path as it stands in the ZIP, from the table"
            raise _refused([error("picture.path", where, f"{ref[:80]} is not in the ZIP", remedy)], self._where)
        with _Member(self._zip, info, self._where) as member:
            data = member.read(info.file_size + 1)  # one more: at its end the checksum is compared
        if len(data) != info.file_size:
            raise _broken(self._where, "a member is shorter than it says")
        if data.startswith(_NESTED_BYTES):
            remedy = "put the picture itself into the ZIP"
            found = error("picture.archive", where, f"{ref[:80]} is an archive itself", remedy)
            raise _refused([found], self._where)
        return data


def open_archive(file: BinaryIO, name: str = "the ZIP") -> Archive:
    """Judge a ZIP's list of members. ``file`` must be seekable, and stay open. Refused names all that is wrong."""
    try:
        unpacked = zipfile.ZipFile(_Bounded(file))
    except _BROKEN as problem:
        raise _broken(name, type(problem).__name__) from None
    everything = [(_name(info), info) for info in unpacked.infolist()]
    if len(everything) > MAX_MEMBERS:
        what = f"has {len(everything)} members; at most {MAX_MEMBERS} are read"
        raise _refused([error("archive.members", name, what, "divide it")], name)
    members = {path: info for path, info in everything if not path.endswith("/") and not _CLUTTER.search(path)}
    findings = [*_judge_names(everything, name), *_judge_members(members, name)]
    tables = [path for path in members if _ending(path) in KINDS]
    if len(tables) != 1:
        what = f"holds {len(tables)} files of orders, and must hold one"
        findings.append(error("archive.table", name, what, "put one .csv or .ndjson file into it, beside the pictures"))
    if findings:
        if len(findings) > _FOUND_LIMIT:
            more = f"and {len(findings) - _FOUND_LIMIT} findings more"
            findings = [*findings[:_FOUND_LIMIT], error("archive.more", name, more, "mend these first")]
        raise _refused(findings, name)
    return Archive(unpacked, tables[0], members, name)


def _name(info: zipfile.ZipInfo) -> str:
    """A member's name, composed. Macs write UTF-8 without saying so (APPNOTE 4.4.4, bit 11), which zipfile takes for
    the letters of the first IBM PC."""
    name = info.orig_filename
    if not info.flag_bits & 0x800:
        with contextlib.suppress(UnicodeError):
            name = name.encode("cp437").decode()
    return unicodedata.normalize("NFC", name)


def _judge_names(members: list[tuple[str, zipfile.ZipInfo]], where: str) -> Iterator[Finding]:
    """No name leads out of the archive, none is written in two ways; every member is a plain file or a folder."""
    seen: dict[str, int] = {}
    for place, (name, info) in enumerate(members, 1):
        spot = f"{where} member {place}"
        if problem := _name_problem(name.removesuffix("/")):
            yield error("archive.name", spot, f"its name {problem}", "give it a plain name such as photos/anna.jpg")
        same = unicodedata.normalize("NFKC", name.casefold()).casefold().rstrip("/")
        if same in seen:
            what = f"has the name of member {seen[same]}, or differs from it in capitals or in its way of writing alone"
            yield error("archive.twice", spot, what, "rename one of them, in the table, too")
        seen.setdefault(same, place)
        kind = stat.S_IFMT(info.external_attr >> 16)
        if kind not in (0, stat.S_IFREG, stat.S_IFDIR) or (kind == stat.S_IFDIR and not name.endswith("/")):
            yield error(
                "archive.kind", spot, "is a link or a device, no plain file", "put the file itself into the ZIP"
            )


def _name_problem(name: str) -> str:
    parts = name.split("/")
    if "\\" in name or "\0" in name:
        return "has a backslash or a NUL"
    if name.startswith("/") or re.match(r"[A-Za-z]:", name):
        return "is absolute"
    if any(part in ("", ".", "..") for part in parts):
        return "leads elsewhere ('..', '.' or '//')"
    if any(unicodedata.category(character) in ("Cc", "Cf", "Cs", "Co") for character in name):
        return "holds characters that cannot be seen"
    return f"is longer than {MAX_NAME} characters" if len(name) > MAX_NAME else ""


def _judge_members(members: dict[str, zipfile.ZipInfo], where: str) -> Iterator[Finding]:
    """Nothing encrypted, nothing nested, nothing larger than it may be, alone or together."""
    for place, (name, info) in enumerate(members.items(), 1):
        spot = f"{where} file {place}"
        most = MAX_TABLE if _ending(name) in KINDS else MAX_MEMBER
        if info.flag_bits & _ENCRYPTED:
            yield error("archive.encrypted", spot, "is encrypted", "make the ZIP without a password")
        elif info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            yield error("archive.method", spot, "is compressed in an unusual way", "make a plain ZIP (deflate)")
        if _NESTED.search(name):
            yield error("archive.nested", spot, "is an archive itself", "put its files into the ZIP")
        if info.file_size > most:
            what = f"has {info.file_size / 1e6:.0f} MB; at most {most // 1_000_000} MB are read"
            yield error("archive.member_large", spot, what, "make it smaller")
        if info.file_size > max(_SMALL, MAX_RATIO * info.compress_size):
            what = f"would unpack to more than {MAX_RATIO} times its size"
            yield error("archive.ratio", spot, what, "make the ZIP anew from the files themselves")
    if (total := sum(info.file_size for info in members.values())) > MAX_TOTAL:
        what = f"would unpack to {total / 1e9:.1f} GB; at most {MAX_TOTAL // 1_000_000_000} GB are read"
        yield error("archive.large", where, what, "divide it")


def _ending(name: str) -> str:
    return posixpath.basename(name).rpartition(".")[2].lower()


def _refused(findings: list[Finding], where: str) -> Refused:
    return Refused(f"{where} cannot be used; no order of it was taken", findings)


def _broken(where: str, what: str) -> Refused:
    return _refused(
        [error("archive.broken", where, f"is no whole ZIP ({what})", "make it anew, and upload it again")], where
    )


class _Bounded(io.RawIOBase):
    """The archive's bytes for zipfile, which reads the whole list of members at once however long it says it is."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def seekable(self) -> bool:
        return True

    def readable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = 0) -> int:
        try:
            return self._file.seek(offset, whence)
        except (OSError, ValueError):  # to a place before the file's first byte
            raise zipfile.BadZipFile from None

    def tell(self) -> int:
        return self._file.tell()

    def read(self, size: int | None = -1) -> bytes:
        wanted = _MAX_DIRECTORY + 1 if size is None or size < 0 else size
        if wanted > _MAX_DIRECTORY + 1:
            raise zipfile.BadZipFile
        data = self._file.read(wanted)
        if len(data) > _MAX_DIRECTORY:
            raise zipfile.BadZipFile
        return data


class _Member(io.RawIOBase):
    """One member as it is unpacked; whatever is wrong with it is the customer's affair, and Refused."""

    def __init__(self, unpacked: zipfile.ZipFile, info: zipfile.ZipInfo, where: str) -> None:
        self._where = where
        try:
            self._file = unpacked.open(info)
        except _BROKEN as problem:
            raise _broken(where, type(problem).__name__) from None

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = 0) -> int:
        return int(self._told(self._file.seek, offset, whence))

    def tell(self) -> int:
        return self._file.tell()

    def readinto(self, buffer: Any) -> int:
        view = memoryview(buffer).cast("B")
        data = self._told(self._file.read, len(view))
        view[: len(data)] = data
        return len(data)

    def _told(self, call: Any, *given: int) -> Any:
        try:
            return call(*given)
        except _BROKEN as problem:
            raise _broken(self._where, type(problem).__name__) from None
