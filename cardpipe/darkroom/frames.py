"""What passes through the pipes: frames of a JSON header and bytes, and the values they carry.

Nothing is ever unpickled. A child that has decoded a stranger's picture must be taken for hostile, so every value
that comes back is built anew from checked numbers, checked text and bytes, and a JPEG's skeleton is looked through
before it may go into a PDF. :class:`BadFrame` says that an answer is none.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import math
import os
import select
import struct
import time
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from cardpipe.model.finding import Finding
from cardpipe.prepress.art import ArtFace, ArtOrder, MadeArt
from cardpipe.prepress.formsheet import PAGE_HEIGHT, PAGE_WIDTH, FlatPage
from cardpipe.prepress.photo import DevelopedPhoto, PhotoOrder
from cardpipe.prepress.picture import PictureFacts
from cardpipe.prepress.signature import LiftedSignature, SignatureOrder

_LENGTHS = struct.Struct(">II")
MOST_HEADER, MOST_BYTES = 1 << 20, 1 << 28
_MOST_SIDE, _MOST_FINDINGS, _MOST_TEXT = 1 << 20, 64, 2000


class BadFrame(Exception):
    """The other end sent something that is no frame, or a value that cannot be."""


def send(fd: int, header: dict[str, Any], body: bytes = b"", deadline: float | None = None) -> None:
    """Write a frame: two lengths of four bytes, the header in JSON, the body.

    TimeoutError after ``deadline`` (monotonic seconds); BrokenPipeError if nobody reads.
    """
    text = json.dumps(header, separators=(",", ":")).encode()
    for part in (_LENGTHS.pack(len(text), len(body)) + text, body):
        view = memoryview(part)
        while view:
            _wait(fd, select.POLLOUT, deadline)
            with contextlib.suppress(BlockingIOError):
                view = view[os.write(fd, view) :]


def receive(fd: int, deadline: float | None = None) -> tuple[dict[str, Any], bytes] | None:
    """Read one frame; what follows it stays in the pipe. None where the pipe was closed before it began.

    TimeoutError after ``deadline``; :class:`BadFrame` where it breaks off, is too long, or its header is no object.
    """
    head = _read(fd, _LENGTHS.size, deadline)
    if not head:
        return None
    length, size = _LENGTHS.unpack(head) if len(head) == _LENGTHS.size else (0, MOST_BYTES + 1)
    if length > MOST_HEADER or size > MOST_BYTES:
        raise BadFrame("the answer breaks off or is too long")
    text, body = _read(fd, length, deadline), _read(fd, size, deadline)
    if len(text) < length or len(body) < size:
        raise BadFrame("the answer breaks off")
    try:
        header = json.loads(text)
    except (ValueError, RecursionError):
        raise BadFrame("the answer's header is not JSON") from None
    if not isinstance(header, dict):
        raise BadFrame("the answer's header is no object")
    return header, body


def _read(fd: int, size: int, deadline: float | None) -> bytes:
    """``size`` bytes, fewer only where the pipe ends before."""
    data, done = bytearray(size), 0
    view = memoryview(data)
    while done < size:
        _wait(fd, select.POLLIN, deadline)
        got = os.readv(fd, [view[done:]])
        if not got:
            break
        done += got
    return bytes(view[:done])


def _wait(fd: int, event: int, deadline: float | None) -> None:
    if deadline is None:
        return
    poll = select.poll()
    poll.register(fd, event)
    if not poll.poll(max(0.0, deadline - time.monotonic()) * 1000):
        raise TimeoutError


def order_header(order: PhotoOrder | SignatureOrder | ArtOrder) -> dict[str, Any]:
    """An order as JSON-ready values; a press's profile and the shelf's faces by their SHA-256."""
    header = asdict(order)
    for face in header.get("faces", ()):
        del face["data"]
    if header.get("profile") is not None:
        header["profile"] = hashlib.sha256(header["profile"]).hexdigest()
    return header


def photo_order(header: dict[str, Any], profiles: Mapping[str, bytes]) -> PhotoOrder:
    """The inverse of :func:`order_header` for a photo; ``profiles`` are by SHA-256. KeyError for an unknown one."""
    pairs: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in header.items()}
    if pairs["profile"] is not None:
        pairs["profile"] = profiles[pairs["profile"]]
    return PhotoOrder(**pairs)


def signature_order(header: dict[str, Any]) -> SignatureOrder:
    """The inverse of :func:`order_header` for a signature."""
    return SignatureOrder(**header)


def art_order(header: dict[str, Any], files: Mapping[str, bytes]) -> ArtOrder:
    """The inverse of :func:`order_header` for a side of art; ``files`` are the faces' by SHA-256. KeyError for an
    unknown one."""
    palette = tuple(tuple(row) for row in header["palette"])
    faces = tuple(_face(row, files[row["sha256"]]) for row in header["faces"])
    return ArtOrder(**{**header, "palette": palette, "lines": tuple(header["lines"]), "faces": faces})


def _face(row: dict[str, Any], data: bytes) -> ArtFace:
    pairs = {key: tuple(tuple(each) for each in row[key]) for key in ("features", "replace")}
    return ArtFace(**{**row, **pairs, "names": tuple(row["names"]), "data": data})


def result_header(
    result: PictureFacts | DevelopedPhoto | LiftedSignature | FlatPage | MadeArt,
) -> tuple[dict[str, Any], bytes]:
    """A result as JSON-ready values and its bytes."""
    header = asdict(result)
    body = header.pop("jpeg", b"") or header.pop("g4", b"") or header.pop("level", b"") or header.pop("pdf", b"")
    header["findings"] = [finding.as_dict() for finding in result.findings]
    return header, body


def facts(header: dict[str, Any]) -> PictureFacts:
    """Facts out of an untrusted header."""
    whole = _integer(header, "width", 0), _integer(header, "height", 0)
    icc = header.get("has_icc") is True
    orientation = _integer(header, "orientation", 1, 8)
    return PictureFacts(_text(header, "format"), *whole, _text(header, "mode"), icc, orientation, findings(header))


def developed(header: dict[str, Any], body: bytes) -> DevelopedPhoto:
    """A photo out of an untrusted answer."""
    width, height = _integer(header, "width_px", 1), _integer(header, "height_px", 1)
    grey, cmyk = header.get("grey") is True, header.get("cmyk") is True
    if plain_jpeg(body) != (width, height, 1 if grey else 4 if cmyk else 3) or (grey and cmyk):
        raise BadFrame("the answer's JPEG is not the one it describes")
    faces = header.get("faces")
    if not isinstance(faces, list) or len(faces) > 1000:
        raise BadFrame("faces")
    return DevelopedPhoto(
        body, width, height, grey, _number(header, "ppi"), _box(header.get("crop")), _number(header, "width_pt"),
        _number(header, "height_pt"), tuple(_box(face) for face in faces), findings(header), cmyk,
    )  # fmt: skip


def lifted(header: dict[str, Any], body: bytes) -> LiftedSignature:
    """A signature out of an untrusted answer."""
    width, height = _integer(header, "width_px", 1), _integer(header, "height_px", 1)
    if not 0 < len(body) <= width * height + 64:
        raise BadFrame("the answer's mask has an impossible length")
    return LiftedSignature(
        body, width, height, width / height, _number(header, "width_pt"), _number(header, "height_pt"),
        _number(header, "ppi"), findings(header),
    )  # fmt: skip


def made_art(header: dict[str, Any], body: bytes) -> MadeArt:
    """A page of art out of an untrusted answer. What is in it is judged as an artist's own PDF is, later."""
    if not body.startswith(b"%PDF-"):
        raise BadFrame("the answer's page is no PDF")
    given = header.get("places")
    if not isinstance(given, list) or len(given) > _MOST_FINDINGS:
        raise BadFrame("places")
    return MadeArt(body, findings(header), tuple(_placed(row) for row in given))


def flat(header: dict[str, Any], body: bytes) -> FlatPage:
    """A page of a form out of an untrusted answer: a plain raster of a known size."""
    if len(body) != PAGE_WIDTH * PAGE_HEIGHT:
        raise BadFrame("the page's size")
    return FlatPage(_integer(header, "number", 1, 9), body, _number(header, "density"), findings(header))


def findings(header: dict[str, Any]) -> tuple[Finding, ...]:
    """Findings out of an untrusted header, their text without control characters."""
    given = header.get("findings")
    if not isinstance(given, list) or len(given) > _MOST_FINDINGS:
        raise BadFrame("findings")
    result = []
    for each in given:
        if not isinstance(each, dict):
            raise BadFrame("findings")
        texts = {key: _text(each, key) for key in ("level", "code", "where", "message", "remedy")}
        try:
            result.append(Finding.from_dict(texts))
        except ValueError:
            raise BadFrame("findings") from None
    return tuple(result)


#: How libjpeg marks four inks as Adobe's YCCK; the last byte says how the numbers are to be taken (Adobe TN 5116).
_ADOBE = b"\xff\xee\x00\x0eAdobe\x00\x64\x00\x00\x00\x00\x02"


def plain_jpeg(data: bytes) -> tuple[int, int, int]:
    """Width, height and components of a baseline JPEG that holds nothing but a JFIF header, tables and one scan; with
    four components Adobe's mark of YCCK in the place of the JFIF header.

    :class:`BadFrame` for anything else: EXIF, a profile, a comment, progressive scans, bytes behind the end.
    """
    position, size = 2, None
    inks = data.startswith(_ADOBE, 2)
    if inks:
        position += len(_ADOBE)
    while data[:2] == b"\xff\xd8" and position + 4 <= len(data) and data[position] == 0xFF:
        marker, length = data[position + 1], int.from_bytes(data[position + 2 : position + 4], "big")
        if marker not in (0xE0, 0xDB, 0xC0, 0xC4, 0xDA) or (marker == 0xE0 and (inks or length != 16)):
            break
        if marker == 0xC0:
            height, width, components = struct.unpack_from(">HHB", data, position + 5)
            if inks != (components == 4):
                break
            size = (width, height, components)
        position += 2 + length
        if marker == 0xDA and size:
            end = data.find(b"\xff\xd9", position)
            if end != len(data) - 2:
                break
            return size
    raise BadFrame("the answer's JPEG holds more than a picture")


def _integer(header: dict[str, Any], key: str, low: int, high: int = _MOST_SIDE) -> int:
    value = header.get(key)
    if type(value) is not int or not low <= value <= high:
        raise BadFrame(key)
    return value


def _number(header: dict[str, Any], key: str) -> float:
    value = header.get(key)
    if type(value) not in (int, float) or not math.isfinite(value) or not 0 < value < 1e9:  # type: ignore[arg-type,operator]
        raise BadFrame(key)
    return float(value)  # type: ignore[arg-type]


def _text(header: dict[str, Any], key: str) -> str:
    value = header.get(key)
    if not isinstance(value, str) or len(value) > _MOST_TEXT or not value.isprintable():
        raise BadFrame(key)
    return value


def _placed(row: Any) -> tuple[int, float, float, float, float]:
    if not isinstance(row, list) or len(row) != 5 or not all(type(v) in (int, float) and abs(v) < 1e6 for v in row):
        raise BadFrame("places")
    return int(row[0]), float(row[1]), float(row[2]), float(row[3]), float(row[4])


def _box(value: Any) -> tuple[int, int, int, int]:
    if not isinstance(value, list) or len(value) != 4:
        raise BadFrame("box")
    x, y, w, h = (_integer({"side": side}, "side", 0) for side in value)
    return x, y, w, h
