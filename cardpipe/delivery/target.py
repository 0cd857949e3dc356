"""Where a bundle may go, as a person writes it: ``file:///FOLDER`` or ``sftp://USER@HOST[:PORT]/FOLDER``."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

from cardpipe.model.errors import Refused
from cardpipe.model.finding import Finding, error

SSH_PORT = 22
_USER = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.@-]{0,63}")
_HOST = re.compile(r"[a-z0-9]([a-z0-9.-]{0,252}[a-z0-9])?|[0-9a-f:.]{2,45}")
_SPELLING = "write file:///FOLDER or sftp://USER@HOST/FOLDER"
Report = Callable[[str, str], None]


@dataclass(frozen=True, slots=True)
class SftpTarget:
    """A folder on an SFTP server. ``path`` is absolute as that server shows it."""

    user: str
    host: str
    port: int
    path: str

    @property
    def address(self) -> str:
        """One spelling for one place; the usual port is left out."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if self.port == SSH_PORT else f":{self.port}"
        return f"sftp://{quote(self.user)}@{host}{port}{quote(self.path)}"

    @property
    def known_as(self) -> str:
        """The server's name in a ``known_hosts`` file."""
        return self.host if self.port == SSH_PORT else f"[{self.host}]:{self.port}"


def parse(target: str) -> Path | SftpTarget:
    """The folder here, or the folder on a server. Raises Refused with all that is wrong. What stands where a password
    would stand is never repeated: addresses travel to logs and into the database."""
    found: list[Finding] = []

    def report(message: str, remedy: str) -> None:
        found.append(error("delivery.target", "target", message, remedy))

    place: Path | SftpTarget | None = None
    try:
        scheme = urlsplit(target).scheme
        if scheme == "file":
            place = _folder(target, report)
        elif scheme == "sftp":
            place = _server(target, report)
        else:
            report("is neither file:// nor sftp://" if target else "no delivery target is given", _SPELLING)
    except ValueError:  # a port that is no number, brackets that do not match
        report("cannot be read as an address", _SPELLING)
    if found or place is None:
        raise Refused("the delivery target cannot be used", found)
    return place


def _folder(target: str, report: Report) -> Path:
    parts = urlsplit(target)
    if parts.netloc not in ("", "localhost"):
        report("file:// names another machine", "write three slashes: file:///FOLDER; for a server use sftp://")
    return Path(_path(target, report))


def _server(target: str, report: Report) -> SftpTarget:
    parts = urlsplit(target)
    user, host = unquote(parts.username or ""), parts.hostname or ""
    if parts.password is not None:
        remedy = "leave it out and set CARDPIPE_SFTP_KEY to a private key; change that password if it was stored"
        report("holds a password, and would be stored with it", remedy)
    if not _USER.fullmatch(user):
        report("names no user, or one with odd characters", "write sftp://USER@HOST/FOLDER")
    if not _HOST.fullmatch(host):
        report("names no host, or one with odd characters", "write the server's name in ASCII, without a wildcard")
    return SftpTarget(user, host, SSH_PORT if parts.port is None else parts.port, _path(target, report))


def _path(target: str, report: Report) -> str:
    """The folder in it, without what could lead elsewhere: no ``..``, no query, no control character."""
    parts = urlsplit(target)
    path = unquote(parts.path, errors="replace")
    if "?" in target or "#" in target:
        report("holds '?' or '#'", "write them as %3F and %23 where the folder's name holds them")
    if not path.isprintable() or "�" in path or not target.isprintable():
        report("holds characters that cannot be printed", "name a folder in plain characters")
    if {"..", "~"} & set(path.split("/")):
        report("holds '..' or '~'", "write the folder's full path as the server shows it")
    path = posixpath.normpath(f"/{path.lstrip('/')}")
    if path == "/":
        report("names no folder", "name the folder behind the host: …/FOLDER")
    return path
