"""The way out of a print file: everything arrives, in order, and what is missing is told."""

from __future__ import annotations

import io
import random
import zlib

import pytest

from cardpipe.prepress.outlet import ROOM, Outlet


class Counting:
    """A sink that copies what it is given, as its contract says, and counts."""

    def __init__(self) -> None:
        self.data, self.blocks = b"", 0

    def write(self, data: bytes | memoryview, /) -> int:
        self.data += bytes(data)
        self.blocks += 1
        return len(data)


def test_everything_arrives_in_order() -> None:
    dice, sink = random.Random(3), Counting()
    out, wanted = Outlet(sink), b""
    for length in (0, 1, ROOM - 1, 1, ROOM, 5, ROOM + 1, 3 * ROOM + 7, 2, ROOM - 9, 9):
        data = dice.randbytes(length)
        wanted += data
        if length % 2:
            out.put(data)
        else:
            assert out.take(io.BytesIO(data).readinto, length) == zlib.crc32(data)
        assert out.at == len(wanted)
    out.flush()
    assert sink.data == wanted


def test_small_pieces_are_handed_over_together() -> None:
    sink = Counting()
    out = Outlet(sink)
    for _ in range(ROOM // 1000 * 2):
        out.put(bytes(1000))
    out.flush()
    assert sink.blocks <= 3


def test_a_reader_may_give_a_little_at_a_time() -> None:
    source, sink = io.BytesIO(bytes(range(256)) * 50), Counting()
    out = Outlet(sink)

    def slowly(part: memoryview) -> int:
        return source.readinto(part[:100])

    assert out.take(slowly, 12_800) == zlib.crc32(source.getvalue())
    out.flush()
    assert sink.data == source.getvalue()


@pytest.mark.parametrize("kept", [0, 10, ROOM + 3])
def test_fewer_bytes_than_promised_are_told(kept: int) -> None:
    assert Outlet(Counting()).take(io.BytesIO(bytes(kept)).readinto, kept + 1) is None
