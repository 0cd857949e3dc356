"""The way out of a print file: one room of memory, handed to the sink whenever it is full.

A fragment's streams are read straight into it, so that they are never copied within memory, and the file is written in
whole blocks: half a megabyte a piece costs little more than ``cat`` would take.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from zlib_ng.zlib_ng import crc32 as crc32  # zlib's, in a tenth of its time

ROOM = 1 << 20


class Sink(Protocol):
    """Where a file goes: bytes are appended, never sought. A view is copied before ``write`` returns: the room behind
    it is used again."""

    def write(self, data: bytes | memoryview, /) -> int: ...


class Outlet:
    """A file's bytes on their way; ``at`` is how many so far. Use: ``put`` and ``take``, at last ``flush``."""

    def __init__(self, sink: Sink) -> None:
        self.at = 0
        self._sink = sink
        self._room = memoryview(bytearray(ROOM))
        self._full = 0

    def put(self, data: bytes) -> None:
        """Append these bytes."""
        length, room = len(data), self._room
        self.at += length
        end = self._full + length
        if end < ROOM:
            room[self._full : end] = data
            self._full = end
            return
        self.flush()
        if length < ROOM:
            room[:length] = data
            self._full = length
        else:
            self._sink.write(data)

    def take(self, readinto: Callable[[memoryview], int], length: int) -> int | None:
        """Append so many bytes as they are read. Their CRC-32; None where there are fewer."""
        found = 0
        while length:
            part = self._room[self._full : self._full + length]
            got = readinto(part)
            if not got:
                return None
            found = crc32(part[:got], found)
            length -= got
            self.at += got
            self._full += got
            if self._full == ROOM:
                self.flush()
        return found

    def flush(self) -> None:
        """Hand over what the room holds."""
        self._sink.write(self._room[: self._full])
        self._full = 0
