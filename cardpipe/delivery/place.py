"""One folder of a target, as ``handover`` needs it: what every adapter brings along."""

from __future__ import annotations

import errno
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from cardpipe.model.errors import Unavailable
from cardpipe.model.finding import error

CHUNK = 1 << 20
_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


class Kind(Enum):
    """What lies under a name. A link is never followed: it could lead anywhere."""

    FILE = "file"
    FOLDER = "folder"
    LINK = "link"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Seen:
    """What lies under a name, and how many bytes it has."""

    kind: Kind
    size: int


class Place(Protocol):
    """One folder of a target. Names are plain, never paths. Whatever goes wrong outside is an OSError."""

    @property
    def address(self) -> str: ...
    def names(self) -> list[str]: ...
    def look(self, name: str) -> Seen | None:
        """What lies there, without following a link."""
        ...

    def make(self, name: str) -> None:
        """A folder in it; one that is there already is fine."""
        ...

    def enter(self, name: str) -> AbstractContextManager[Place]: ...
    def read(self, name: str) -> Iterator[bytes]:
        """A file's bytes, as they lie on the disk and not in a cache where that can be had."""
        ...

    def write(self, name: str, chunks: Iterable[bytes]) -> None:
        """A new file, durable when this returns. FileExistsError where the name is taken."""
        ...

    def publish(self, part: str, name: str) -> None:
        """Rename at one stroke. FileExistsError where the name is taken."""
        ...

    def keep(self, name: str) -> None:
        """Make durable what somebody else wrote."""
        ...

    def sync(self) -> None:
        """Make the names durable."""
        ...

    def remove(self, name: str) -> None: ...


def read_some(place: Place, name: str, most: int) -> bytes:
    """The first bytes of a file, for what ought to be small."""
    data = b""
    for chunk in place.read(name):
        data += chunk
        if len(data) >= most:
            break
    return data[:most]


def unavailable(problem: OSError, address: str) -> Unavailable:
    """What a person reads when a place did not do as it was asked."""
    if problem.errno in _NO_ROOM:
        found = error("delivery.no_room", address, "the target has no room", "make room there and deliver again")
    else:
        what = problem.strerror or str(problem) or type(problem).__name__
        remedy = "look whether the place is there and can be written, then deliver again"
        found = error("delivery.folder", address, f"the target cannot be used: {what}", remedy)
    return Unavailable(f"{found.message}; every finished piece is kept, and nothing half-written was left", [found])
