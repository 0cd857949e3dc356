"""Files that somebody damaged, by accident or on purpose: from real ones, by a seeded hand, so that each comes again."""

from __future__ import annotations

import io
import random
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from functools import cache

import pillow_heif
from PIL import Image

KINDS = ("JPEG", "PNG", "WEBP", "TIFF", "HEIF", "AVIF")
#: Numbers that lengths and counts are replaced by.
_ODD = (0, 1, 0x7F, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 0xFFFFFFFE)


@cache
def picture(kind: str, width: int = 160, height: int = 120) -> bytes:
    """A small good one with detail, EXIF and, where the format has them, several blocks."""
    dice = random.Random(f"{kind}{width}")
    small = Image.frombytes("RGB", (width // 4, height // 4), dice.randbytes(width // 4 * (height // 4) * 3))
    image = small.resize((width, height), Image.Resampling.BICUBIC)
    exif = Image.Exif()
    exif[0x0112], exif[0x0110] = 6, "Plantaflex 7"
    out = io.BytesIO()
    if kind == "HEIF":
        pillow_heif.from_pillow(image).save(out, quality=70)
    else:
        image.save(out, kind, exif=exif, **({"compression": "tiff_lzw"} if kind == "TIFF" else {}))
    return out.getvalue()


def _flipped(data: bytearray, dice: random.Random) -> None:
    for _ in range(dice.choice((1, 1, 3, 20))):
        data[dice.randrange(len(data))] ^= 1 << dice.randrange(8)


def _headed(data: bytearray, dice: random.Random) -> None:
    """As above, within the first bytes: where sizes, types and offsets stand."""
    for _ in range(dice.choice((1, 2, 6))):
        data[dice.randrange(min(len(data), 300))] = dice.randrange(256)


def _cut(data: bytearray, dice: random.Random) -> None:
    del data[dice.randrange(len(data)) :]


def _holed(data: bytearray, dice: random.Random) -> None:
    at = dice.randrange(len(data))
    del data[at : at + dice.choice((1, 2, 4, 100, 1000))]


def _doubled(data: bytearray, dice: random.Random) -> None:
    at = dice.randrange(len(data))
    data[at:at] = data[at : at + dice.choice((4, 50, 2000))]


def _numbered(data: bytearray, dice: random.Random) -> None:
    """A length, a count or an offset becomes an odd one, in either byte order."""
    width, form = dice.choice(((2, "H"), (4, "I")))
    at = dice.randrange(max(1, min(len(data), dice.choice((64, 512, 1 << 30))) - width))
    data[at : at + width] = struct.pack(dice.choice("<>") + form, dice.choice(_ODD) & ((1 << 8 * width) - 1))


def _spliced(data: bytearray, dice: random.Random) -> None:
    """The head of one format on the body of another."""
    other = picture(dice.choice(KINDS))
    at = dice.randrange(4, 200)
    data[at:] = other[dice.randrange(len(other)) :]


def _noisy(data: bytearray, dice: random.Random) -> None:
    at = dice.randrange(len(data))
    data[at : at + 64] = dice.randbytes(64)


WAYS: tuple[Callable[[bytearray, random.Random], None], ...] = (
    _flipped, _headed, _headed, _cut, _holed, _doubled, _numbered, _numbered, _spliced, _noisy,
)  # fmt: skip


def mutant(data: bytes, dice: random.Random) -> bytes:
    """One file, damaged in one to three ways."""
    made = bytearray(data)
    for _ in range(dice.choice((1, 1, 2, 3))):
        dice.choice(WAYS)(made, dice)
        if len(made) < 8:
            break
    return bytes(made)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width: int, height: int, *chunks: bytes, depth: int = 8, kind: int = 2, pixels: bytes = b"") -> bytes:
    """A PNG that says so of itself, with these chunks before its pixels."""
    head = _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, 0))
    body = _chunk(b"IDAT", zlib.compress(pixels or bytes(1000)))
    return b"\x89PNG\r\n\x1a\n" + head + b"".join(chunks) + body + _chunk(b"IEND", b"")


def _jpeg_of(width: int, height: int) -> bytes:
    data = bytearray(picture("JPEG"))
    at = data.index(b"\xff\xc0")
    data[at + 5 : at + 9] = struct.pack(">HH", height, width)
    return bytes(data)


def _scans(count: int) -> bytes:
    """A progressive JPEG whose every scan comes again and again: each costs a pass over all pixels."""
    out = io.BytesIO()
    with Image.open(io.BytesIO(picture("JPEG", 1600, 1200))) as image:
        image.save(out, "JPEG", progressive=True)
    data = out.getvalue()
    first = data.index(b"\xff\xda")
    second = data.index(b"\xff\xda", first + 2)
    return data[:first] + data[first:second] * count + data[second:]


def tiff(*entries: tuple[int, int, int, int], following: int = 0, tail: bytes = b"") -> bytes:
    """A little-endian TIFF with these (tag, type, count, value); the next directory lies at ``following``."""
    listed = b"".join(struct.pack("<HHII", *entry) for entry in sorted(entries))
    return b"II*\0" + struct.pack("<IH", 8, len(entries)) + listed + struct.pack("<I", following) + tail


def _tiff_of(width: int, height: int, **changes: int) -> bytes:
    named = {"bits": 8, "compression": 1, "strip": 200, "count": 1000, "following": 0, **changes}
    return tiff(
        (256, 4, 1, width), (257, 4, 1, height), (258, 3, 1, named["bits"]), (259, 3, 1, named["compression"]),
        (262, 3, 1, 1), (273, 4, 1, named["strip"]), (277, 3, 1, 1), (278, 4, 1, height), (279, 4, 1, named["count"]),
        following=named["following"], tail=bytes(2000),
    )  # fmt: skip


def _box(kind: bytes, data: bytes = b"") -> bytes:
    return struct.pack(">I", 8 + len(data)) + kind + data


def _zip() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as made:
        made.writestr("index.html", "<script>alert(1)</script>")
    return out.getvalue()


def crafted() -> Iterator[tuple[str, bytes]]:
    """By name: what people with bad intentions are known to send."""
    jpeg = picture("JPEG")
    for width, height in ((60_000, 60_000), (2**31 - 1, 2**31 - 1), (2**31 - 1, 1), (0, 0), (9_000, 9_000)):
        yield f"PNG of {width} × {height}", png(width, height)
        yield f"PNG of {width} × {height}, interlaced, 16 bits", png(width, height, depth=16, kind=6)
        yield f"TIFF of {width} × {height}", _tiff_of(width, height)
    yield "JPEG of 65,535 × 65,535", _jpeg_of(65_535, 65_535)
    yield "JPEG of 0 × 0", _jpeg_of(0, 0)
    yield "JPEG with 300 scans", _scans(300)
    packed = zlib.compress(bytes(200_000_000), 9)
    yield "PNG with a text of 200 MB", png(40, 40, _chunk(b"zTXt", b"Comment\0\0" + packed))
    yield "PNG with an international text of 200 MB", png(40, 40, _chunk(b"iTXt", b"x\0\1\0\0\0" + packed))
    yield "PNG with a colour profile of 200 MB", png(40, 40, _chunk(b"iCCP", b"x\0\0" + packed))
    yield "PNG with pixels of 200 MB", png(40, 40, pixels=bytes(200_000_000))
    yield "PNG with 100,000 chunks", png(40, 40, _chunk(b"tEXt", b"a\0b") * 100_000)
    yield "PNG with a chunk of 4 GB", png(40, 40).replace(b"\0\0\0\x0dIHDR", b"\xff\xff\xff\xffIHDR")
    yield "TIFF whose directories go round", _tiff_of(40, 40, following=8)
    yield "TIFF with a strip beyond its end", _tiff_of(40, 40, strip=2**32 - 1, count=2**32 - 1)
    yield "TIFF packed in an old way", _tiff_of(4000, 4000, compression=6)
    yield "TIFF of fax lines", _tiff_of(40_000, 1000, compression=4, bits=1)
    yield "TIFF with 65,535 entries", tiff(*[(n, 4, 2**32 - 1, 8) for n in range(60_000)])
    yield "TIFF whose EXIF is itself", tiff((256, 4, 1, 9), (257, 4, 1, 9), (34665, 4, 1, 8), (34853, 4, 1, 8))
    for brand in (b"heic", b"mif1", b"avif", b"avis", b"msf1"):
        kind = _box(b"ftyp", brand + bytes(4) + brand)
        yield f"{brand.decode()}: nothing behind its type", kind
        yield f"{brand.decode()}: noise", kind + random.Random(3).randbytes(3000)
        yield f"{brand.decode()}: boxes in boxes", kind + _nested(200)
        yield f"{brand.decode()}: a box of 0 and one of 2^64", kind + b"\0\0\0\1meta" + b"\xff" * 8 + b"\0\0\0\0meta"
    yield "HEIC cut after its boxes", picture("HEIF")[:700]
    yield "JPEG and ZIP", jpeg + _zip()
    yield "JPEG with a page in its comment", jpeg[:2] + b"\xff\xfe\x00\x1e<html><script>x</script></html" + jpeg[2:]
    yield "PDF that begins as a JPEG", jpeg[:20] + b"%PDF-1.7\n" + bytes(500)
    yield "WebP of 16,384 × 16,384", _webp_of(16_384, 16_384)
    yield "WebP that is longer than it is", picture("WEBP")[:4] + b"\xff\xff\xff\x7f" + picture("WEBP")[8:]
    yield "SVG with entities", b'<!DOCTYPE x [<!ENTITY a "aaaa">]><svg xmlns="http://www.w3.org/2000/svg">&a;</svg>'
    yield "PostScript", b"%!PS\n{} loop"
    yield "nothing", b""
    yield "zeros", bytes(100_000)


def _nested(depth: int) -> bytes:
    made = b""
    for _ in range(depth):
        made = _box(b"meta", bytes(4) + made)
    return made


def _webp_of(width: int, height: int) -> bytes:
    """An extended one, with a canvas and an animation of nothing."""
    canvas = struct.pack("<I", 2) + (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    body = b"WEBPVP8X" + struct.pack("<I", len(canvas)) + canvas + b"ANIM" + struct.pack("<I", 6) + bytes(6)
    return b"RIFF" + struct.pack("<I", len(body)) + body
