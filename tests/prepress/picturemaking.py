"""Pictures made in code for the tests, and looking at what came of them."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pillow_heif
import pytest
from PIL import Image

from cardpipe.model.errors import Refused
from cardpipe.prepress.photo import DevelopedPhoto, PhotoOrder, develop

RED, GREEN, BLUE, WHITE = (220, 30, 30), (30, 180, 40), (30, 40, 200), (240, 240, 240)
INCH = 72.0
ASTRONAUT = Path(__file__).parent / "pictures" / "astronaut.jpg"


def corners(width: int = 240, height: int = 160) -> np.ndarray:
    """Red and green above, blue and white below: a picture that shows how it was turned."""
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[: height // 2, : width // 2] = RED
    pixels[: height // 2, width // 2 :] = GREEN
    pixels[height // 2 :, : width // 2] = BLUE
    pixels[height // 2 :, width // 2 :] = WHITE
    return pixels


def stored(pixels: np.ndarray, orientation: int) -> np.ndarray:
    """The pixels as a camera would store them with that EXIF orientation, by the standard's words: which side of
    the seen picture row 0 and column 0 are."""
    row0, column0 = {1: "tl", 2: "tr", 3: "br", 4: "bl", 5: "lt", 6: "rt", 7: "rb", 8: "lb"}[orientation]
    if row0 in "lr":
        pixels = pixels.swapaxes(0, 1)
    if row0 in "br":
        pixels = pixels[::-1]
    if column0 in "br":
        pixels = pixels[:, ::-1]
    return np.ascontiguousarray(pixels)


def saved(pixels: np.ndarray | Image.Image, kind: str, **options: object) -> bytes:
    image = pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)
    out = io.BytesIO()
    if kind == "HEIF":
        pillow_heif.from_pillow(image).save(out, **options)
    else:
        image.save(out, kind, **options)
    return out.getvalue()


def shown(photo: DevelopedPhoto) -> np.ndarray:
    pixels = np.asarray(Image.open(io.BytesIO(photo.jpeg)))
    assert pixels.shape[:2] == (photo.height_px, photo.width_px)
    return pixels.astype(int)


def near(pixel: np.ndarray, colour: tuple[int, ...], slack: int = 8) -> bool:
    return bool(np.abs(np.asarray(pixel, int) - np.asarray(colour, int)).max() <= slack)


def refused(data: bytes, **order: object) -> list[str]:
    with pytest.raises(Refused) as caught:
        develop(data, PhotoOrder(INCH, INCH, **order))  # type: ignore[arg-type]
    return [finding.code for finding in caught.value.findings]


def order(width_in: float = 2.0, height_in: float = 2.0, **more: object) -> PhotoOrder:
    return PhotoOrder(width_in * INCH, height_in * INCH, **more)  # type: ignore[arg-type]


def exif(orientation: int) -> bytes:
    tags = Image.Exif()
    tags[0x0112] = orientation
    return tags.tobytes()


P3 = ((0.51512, 0.29198, 0.15710), (0.24120, 0.69225, 0.06657), (-0.00105, 0.04189, 0.78407))  # to XYZ, D50
ADOBE = ((0.60974, 0.20528, 0.14919), (0.31111, 0.62567, 0.06322), (0.01947, 0.06087, 0.74457))
SRGB = ((0.43607, 0.38515, 0.14307), (0.22249, 0.71687, 0.06061), (0.01392, 0.09708, 0.71410))


def profile(to_xyz: tuple[tuple[float, ...], ...], gamma: float = 2.2, space: bytes = b"RGB ") -> bytes:
    """A minimal ICC profile, version 2: three colourants and one gamma, or a grey curve (ICC.1:2001-04)."""

    def s15(value: float) -> bytes:
        return struct.pack(">i", round(value * 65536))

    curve = b"curv" + bytes(4) + struct.pack(">IH", 1, round(gamma * 256)) + bytes(2)
    white = b"XYZ " + bytes(4) + s15(0.9642) + s15(1.0) + s15(0.8249)
    tags = {b"desc": b"desc" + bytes(4) + struct.pack(">I", 5) + b"test\0" + bytes(79), b"wtpt": white}
    tags[b"cprt"] = b"text" + bytes(4) + b"none\0\0\0\0"
    if space == b"GRAY":
        tags[b"kTRC"] = curve
    else:
        for name, column in zip((b"r", b"g", b"b"), zip(*to_xyz, strict=True), strict=True):
            tags[name + b"XYZ"] = b"XYZ " + bytes(4) + b"".join(map(s15, column))
            tags[name + b"TRC"] = curve
    table, body, offset = b"", b"", 128 + 4 + 12 * len(tags)
    for name, value in tags.items():
        table += name + struct.pack(">II", offset + len(body), len(value))
        body += value + bytes(-len(value) % 4)
    size = offset + len(body)
    header = struct.pack(">I4sI4s4s4s", size, bytes(4), 0x02100000, b"mntr", space, b"XYZ ") + bytes(12) + b"acsp"
    header += bytes(28) + s15(0.9642) + s15(1.0) + s15(0.8249)
    return header + bytes(128 - len(header)) + struct.pack(">I", len(tags)) + table + body


def flat(colour: tuple[int, ...] | int, mode: str = "RGB") -> Image.Image:
    return Image.new(mode, (64, 64), colour)


def middle(data: bytes) -> np.ndarray:
    return shown(develop(data, order(0.1, 0.1)))[15, 15]


def scene(left: int, size: tuple[int, int] = (1400, 560)) -> bytes:
    """The astronaut somewhere in a wide plain room."""
    room = Image.new("RGB", size, (150, 160, 170))
    room.paste(Image.open(ASTRONAUT).resize((480, 480)), (left, size[1] - 480))
    return saved(room, "JPEG", quality=92)


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
