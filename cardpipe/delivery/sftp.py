"""Delivery to a folder on an SFTP server. See ``handover`` for what happens in it.

Everything is read back over the same line before it gets its name: that doubles the traffic, and is the only proof
that SFTP offers. A server is believed by its pinned key alone, and we show it a private key, never a password.
"""

from __future__ import annotations

import errno
import os
import posixpath
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import BinaryIO

from cardpipe.delivery.answers import answers
from cardpipe.delivery.connect import Login, connected
from cardpipe.delivery.folder import kind_of
from cardpipe.delivery.handover import hand_over
from cardpipe.delivery.place import Kind, Place, Seen, unavailable
from cardpipe.delivery.target import SftpTarget
from cardpipe.delivery.wire import Wire
from cardpipe.model.batch import Bundle
from cardpipe.model.errors import Unavailable
from cardpipe.model.finding import error
from cardpipe.ports import Reply


class SftpDelivery:
    """``ports.Delivery`` into ``target/BUNDLE/``; a connection for each call. The target's own folder must be there:
    one that a slip of the pen made would be looked at by nobody. Beside Conflict and Unavailable, raises Refused
    where a person must act first: a key that is missing or denied, a host key that is not the pinned one."""

    def __init__(self, target: SftpTarget, login: Login) -> None:
        self.target = target
        self.login = login

    @property
    def address(self) -> str:
        return self.target.address

    def deliver(self, bundle: Bundle, open_file: Callable[[str], BinaryIO]) -> str:
        with self._root() as root:
            hand_over(root, bundle, open_file)
        return f"{self.address}/{bundle.name}"

    def replies(self, bundle: Bundle) -> list[Reply]:
        with self._root() as root:
            return answers(root, bundle)

    @contextmanager
    def _root(self) -> Iterator[Place]:
        try:
            with connected(self.target, self.login) as wire:
                yield _SftpPlace(wire, self.target.path, self.address)
        except OSError as problem:
            raise unavailable(problem, self.address) from problem


class _SftpPlace:
    """``Place`` by its path on the server."""

    def __init__(self, wire: Wire, path: str, address: str) -> None:
        self.wire = wire
        self.path = path
        self.address = address

    def names(self) -> list[str]:
        with self.wire.call() as client:
            return [name for name in client.listdir(self.path) if "/" not in name]

    def look(self, name: str) -> Seen | None:
        try:
            with self.wire.call() as client:
                found = client.lstat(self._at(name))
        except FileNotFoundError:
            return None
        # a server that tells no mode tells at least what can be opened and compared
        return Seen(Kind.FILE if found.st_mode is None else kind_of(found.st_mode), found.st_size or 0)

    def make(self, name: str) -> None:
        try:
            with self.wire.call() as client:
                client.mkdir(self._at(name))
        except OSError:
            if (seen := self.look(name)) is None or seen.kind is not Kind.FOLDER:
                raise
            return
        self.sync()

    @contextmanager
    def enter(self, name: str) -> Iterator[Place]:
        yield _SftpPlace(self.wire, self._at(name), f"{self.address}/{name}")

    def read(self, name: str) -> Iterator[bytes]:
        return self.wire.read(self._at(name))

    def write(self, name: str, chunks: Iterable[bytes]) -> None:
        try:
            self.wire.write_new(self._at(name), chunks)
        except OSError as problem:
            if problem.errno is not None:
                raise
            # SFTP 3 has no word for a full disk: the answer is "Failure", and nothing else
            message = f"the server took no more of a file ('{problem}'); as a rule its disk or our quota there is full"
            found = error("delivery.no_room", self.address, message, "have the house make room, then deliver again")
            raise Unavailable(f"{message}; nothing half-written was left under its name", [found]) from problem

    def publish(self, part: str, name: str) -> None:
        if self.look(name):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), name)
        self.wire.rename(self._at(part), self._at(name))

    def keep(self, name: str) -> None:
        self.wire.sync(self._at(name))

    def sync(self) -> None:
        """OpenSSH opens a folder as it opens a file, and syncs its names; of other servers nothing is asked."""
        with suppress(FileNotFoundError, PermissionError), self._but_for_refusals():
            self.wire.sync(self.path)

    def remove(self, name: str) -> None:
        with self.wire.call() as client:
            client.remove(self._at(name))

    def _at(self, name: str) -> str:
        return posixpath.join(self.path, name)

    @contextmanager
    def _but_for_refusals(self) -> Iterator[None]:
        """A refused request has no error number; a broken connection has one."""
        try:
            yield
        except OSError as problem:
            if problem.errno is not None:
                raise
