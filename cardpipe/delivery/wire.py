"""An SFTP session: bounded in time, with many requests under way at once. With ``connect`` the only file that knows
the SSH library.

What the library has no public call for is said with its own packets: extensions that the server offers
(``fsync@openssh.com``), and writing and reading ahead with every answer looked at. (Its ``set_pipelined`` drops the
answers to writes, and a full disk with them; its ``prefetch`` leaves a thread behind when the reader stops.)
"""

from __future__ import annotations

import errno
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import paramiko
from paramiko import sftp as packets

_PACKET = 32 << 10  # what every server takes
_UNDER_WAY = 64  # packets: 2 MiB, a channel's usual window


class Wire:
    """An open session. Every call is bounded in time, and raises only OSError."""

    def __init__(self, client: Client, watch: Watch) -> None:
        self._client = client
        self._watch = watch
        self.extensions = client.extensions

    @contextmanager
    def call(self) -> Iterator[Any]:
        """The library's client for one request and its answer."""
        with as_os_errors(self._watch), self._watch:
            yield self._client

    def rename(self, old: str, new: str) -> None:
        """At one stroke: as POSIX does it where the server can, else as SFTP 3 does it."""
        with self.call() as client:
            if "posix-rename@openssh.com" in self.extensions:
                client.posix_rename(old, new)
            else:
                client.rename(old, new)

    def write_new(self, path: str, chunks: Iterable[bytes]) -> None:
        """A file that must not be there yet, synced where the server can. Every answer is looked at."""
        answers, waiting, at = _Answers(), deque[int](), 0
        with self.call() as client:
            file = client.open(path, "wx", 0)
            for chunk in chunks:
                for start in range(0, len(chunk), _PACKET):
                    piece = chunk[start : start + _PACKET]
                    where = packets.int64(at)
                    waiting.append(client._async_request(answers, packets.CMD_WRITE, file.handle, where, piece))
                    at += len(piece)
                    while len(waiting) >= _UNDER_WAY:
                        self._settle(answers, waiting.popleft())
            while waiting:
                self._settle(answers, waiting.popleft())
            self._sync(file)
            file.close()

    def read(self, path: str) -> Iterator[bytes]:
        """A file's bytes, as many as it had when it was opened. (Nothing is handed out while a call is bounded: the
        reader may take its time.)"""
        answers, waiting, asked, size = _Answers(), deque[tuple[int, int, int]](), 0, 0
        with self.call() as client:
            file = client.open(path, "r", 0)
            size = file.stat().st_size or 0
        more = True
        while more:
            with self.call() as client:
                while asked < size and len(waiting) < _UNDER_WAY:
                    length = min(_PACKET, size - asked)
                    number = self._ask(client, answers, file, asked, length)
                    waiting.append((number, asked, length))
                    asked += length
                pieces: list[bytes] = []
                while waiting and len(pieces) < _UNDER_WAY // 2:
                    number, at, length = waiting.popleft()
                    piece = self._settle(answers, number)
                    while len(piece) < length:  # a server may give less than was asked
                        rest = self._ask(client, answers, file, at + len(piece), length - len(piece))
                        piece += self._settle(answers, rest)
                    pieces.append(piece)
                more = bool(waiting) or asked < size
            yield b"".join(pieces)
        with self.call():
            file.close()

    def sync(self, path: str) -> None:
        """Make a file durable that is there already; where the server cannot, nothing happens."""
        if "fsync@openssh.com" in self.extensions:
            with self.call() as client:
                file = client.open(path, "r", 0)
                try:
                    self._sync(file)
                finally:
                    file.close()

    def _sync(self, file: Any) -> None:
        if "fsync@openssh.com" in self.extensions:
            self._client._request(packets.CMD_EXTENDED, "fsync@openssh.com", file.handle)

    def _ask(self, client: Any, answers: _Answers, file: Any, at: int, length: int) -> int:
        number: int = client._async_request(answers, packets.CMD_READ, file.handle, packets.int64(at), length)
        return number

    def _settle(self, answers: _Answers, number: int) -> bytes:
        """The answer to one request: the bytes of a read, nothing for a write, or what went wrong."""
        while number not in answers.kept:
            self._client._read_response()
            self._watch.touch()
        kind, message = answers.kept.pop(number)
        if kind == packets.CMD_STATUS:
            try:
                self._client._convert_status(message)
            except EOFError:
                raise OSError(errno.EIO, "the file became shorter while it was read") from None
            return b""
        data: bytes = message.get_string()
        if not data:
            raise OSError(errno.EIO, "the server answered with nothing")
        return data


class _Answers:
    """Where the library puts answers to requests that nobody waits for one by one."""

    def __init__(self) -> None:
        self.kept: dict[int, tuple[int, Any]] = {}

    def _async_response(self, kind: int, message: Any, number: int) -> None:
        self.kept[number] = (kind, message)


class Client(paramiko.SFTPClient):  # type: ignore[misc]
    """The library's client, which also remembers what the server offers beyond the protocol's third version."""

    extensions: frozenset[str] = frozenset()

    def _send_version(self) -> int:
        hello = paramiko.Message()
        hello.add_int(packets._VERSION)
        self._send_packet(packets.CMD_INIT, hello)
        kind, data = self._read_packet()
        if kind != packets.CMD_VERSION:
            raise paramiko.SFTPError("the server speaks no SFTP")
        message, offered = paramiko.Message(data), set()
        version: int = message.get_int()
        while message.get_remainder():
            offered.add(message.get_text())
            message.get_binary()  # its version
        self.extensions = frozenset(offered)
        return version


class Watch:
    """Closes the connection of a call that has heard nothing for too long. The library's own time limits leave gaps:
    it sends into a full socket, and opens a channel's subsystem, for as long as it takes."""

    def __init__(self, seconds: float, close: Callable[[], None], lost: Callable[[], bool]) -> None:
        self.seconds = seconds
        self.fired = False
        self.close = close
        self.lost = lost  # whether the connection is gone, whatever the library says
        self.waited = 0.0  # how long the last call had heard nothing when it ended
        self._since: float | None = None
        self._over = threading.Event()
        threading.Thread(target=self._run, name="sftp-watch", daemon=True).start()

    def __enter__(self) -> None:
        self.touch()

    def __exit__(self, *_: object) -> None:
        self.waited = time.monotonic() - self._since if self._since is not None else 0.0
        self._since = None

    def touch(self) -> None:
        """Something was heard."""
        self._since = time.monotonic()

    def end(self) -> None:
        """No call any more."""
        self._over.set()

    def _run(self) -> None:
        while not self._over.wait(min(1.0, self.seconds / 4)):
            since = self._since
            if since is not None and time.monotonic() - since > self.seconds:
                self.fired = True
                self.close()
                return


@contextmanager
def as_os_errors(watch: Watch | None = None) -> Iterator[None]:
    """Whatever the library calls it: the connection is gone, or the server was silent."""
    try:
        yield
    except (OSError, EOFError, paramiko.SSHException, paramiko.SFTPError) as problem:
        silent = watch is not None and (watch.fired or watch.waited >= 0.9 * watch.seconds)
        if silent or isinstance(problem, TimeoutError):
            if watch:
                watch.close()  # what comes late must not be taken for an answer to something else
            raise TimeoutError(errno.ETIMEDOUT, "the server did not answer in time") from problem
        if isinstance(problem, OSError) and not (problem.errno is None and watch and watch.lost()):
            raise
        raise ConnectionResetError(errno.ECONNRESET, f"the connection broke: {problem or 'no reason given'}") from None
