"""A ZIP whose members lie within each other: one kernel of packed bytes, read a thousand times, is a bomb of which no
member's ratio tells. (Names, links, ratios and sizes that lie: ``tests/pipeline/test_archive.py``.)"""

from __future__ import annotations

import io
import struct
import tracemalloc
import zipfile
import zlib

import pytest

from cardpipe.model.errors import Refused
from cardpipe.pipeline.archive import Archive, open_archive

ORDERS = b"reference,occasion,message,photo\nA,birthday,Hi,p0.jpg\n"


def local(name: bytes, packed: bytes, size: int, crc: int, method: int) -> bytes:
    return (
        struct.pack("<4s5H3L2H", b"PK\3\4", 20, 0, method, 0, 33, crc, len(packed), size, len(name), 0) + name + packed
    )


def listed(name: bytes, packed: int, size: int, crc: int, method: int, at: int) -> bytes:
    return struct.pack(
        "<4s6H3L5H2L", b"PK\1\2", 20, 20, 0, method, 0, 33, crc, packed, size, len(name), 0, 0, 0, 0, 0, at
    ) + name  # fmt: skip


def overlapping(count: int, kernel: bytes) -> bytes:
    """A table, and ``count`` pictures, each of which is stored bytes that begin with the head of the next one."""
    body = local(b"orders.csv", ORDERS, len(ORDERS), zlib.crc32(ORDERS), 0)
    entries = [listed(b"orders.csv", len(ORDERS), len(ORDERS), zlib.crc32(ORDERS), 0, 0)]
    inner = b""
    heads: list[tuple[bytes, bytes]] = []
    for number in reversed(range(count)):
        name = b"p%d.jpg" % number
        inner = local(name, inner or kernel, len(inner or kernel), zlib.crc32(inner or kernel), 0)
        heads.append((name, inner))
    for name, whole in reversed(heads):
        data = whole[30 + len(name) :]
        at = len(body) + len(inner) - len(whole)
        entries.append(listed(name, len(data), len(data), zlib.crc32(data), 0, at))
    directory = b"".join(entries)
    end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, len(entries), len(entries), len(directory), len(body + inner), 0)
    return body + inner + directory + end


def opened(data: bytes) -> Archive:
    return open_archive(io.BytesIO(data))


def test_the_zip_would_be_read_by_others() -> None:
    with zipfile.ZipFile(io.BytesIO(overlapping(3, b"\xff\xd8\xff" * 100))) as plain:
        assert plain.namelist() == ["orders.csv", "p0.jpg", "p1.jpg", "p2.jpg"]
    assert opened(overlapping(1, b"\xff\xd8\xff" * 100)).picture("p0.jpg").startswith(b"\xff\xd8\xff")


@pytest.mark.parametrize("name", ["p0.jpg", "p1.jpg"])
def test_members_that_lie_within_each_other_are_refused(name: str) -> None:
    """Either at once, or as soon as one of them is read."""
    with pytest.raises(Refused) as caught:
        opened(overlapping(3, b"\xff\xd8\xff" * 100)).picture(name)
    assert {found.code for found in caught.value.findings} <= {"archive.broken", "picture.archive"}


def test_a_thousand_of_them_cost_nothing() -> None:
    data = overlapping(1000, bytes(1_000_000))
    tracemalloc.start()
    with pytest.raises(Refused):
        found = opened(data)
        for name in sorted(found.pictures):
            found.picture(name)
    assert tracemalloc.get_traced_memory()[1] < 30_000_000
    tracemalloc.stop()
