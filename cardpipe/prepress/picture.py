"""Uploaded pictures: what a file really is, and whether it is whole.

Formats are told by their first bytes, never by a name or a media type. Only those formats that cameras and
phones make are opened, each by the one decoder meant for it. :func:`judge` reads headers and the file's skeleton
and is cheap; pixels are ``prepress.decode``'s. Both must run in the limited child (``cardpipe.darkroom``): a decoder
is the one part of this program that strangers feed with bytes of their own making.
"""

from __future__ import annotations

import io
import re
import struct
import warnings
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from cardpipe.model.finding import Finding, error, has_errors

if TYPE_CHECKING:
    from PIL.Image import Image

MAX_BYTES = 25_000_000
MAX_PIXELS = 80_000_000
ALLOWED = ("JPEG", "PNG", "WebP", "TIFF", "HEIC", "AVIF")
_WANTED = "send a JPEG, PNG, WebP, TIFF, HEIC or AVIF file"

_STRANGERS = (
    (b"%PDF", "PDF"), (b"GIF8", "GIF"), (b"BM", "BMP"), (b"PK\x03\x04", "ZIP"), (b"8BPS", "Photoshop"),
    (b"\x00\x00\x00\x0cjP  ", "JPEG 2000"), (b"\xff\x4f\xff\x51", "JPEG 2000"), (b"\xff\x0a", "JPEG XL"),
    (b"\x00\x00\x00\x0cJXL ", "JPEG XL"), (b"\x00\x00\x01\x00", "ICO"), (b"%!PS", "PostScript"),
)  # fmt: skip
_HEIC_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"mif1", b"mif2", b"msf1"}
_AVIF_BRANDS = {b"avif", b"avis"}

# ISO/IEC 10918-1 B.1.1.5: within entropy-coded data FF is followed by 00 or by a restart marker (D0-D7); FF FF is fill.
_MARKER_IN_SCAN = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
# Chunks that decide about pixels (PNG, 3rd edition, clause 11). Text, times and animation are left out unread, so
# that a compressed text of gigabytes costs nothing.
_PNG_KEPT = {b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND", b"iCCP", b"eXIf"}
_RAW_TAGS = {50706: "DNG", 50740: "camera raw"}


@dataclass(frozen=True, slots=True)
class PictureFacts:
    """What :func:`judge` learned without decoding. Width and height are as seen, after orientation.

    ``format`` is one of :data:`ALLOWED`, or the name of the stranger that was found, or ``"unknown"``; numbers are 0
    where the header could not be read. ``mode`` is ``grey``, ``rgb``, ``cmyk`` or ``lab``, with ``+alpha``.
    ``orientation`` is the EXIF value, 1 where the decoder turns the picture itself.
    """

    format: str
    width: int = 0
    height: int = 0
    mode: str = ""
    has_icc: bool = False
    orientation: int = 1
    findings: tuple[Finding, ...] = ()


def sniff(data: bytes) -> str:
    """The format by its first bytes: one of :data:`ALLOWED`, a stranger's name (``PDF``, ``GIF``), or ``unknown``."""
    head = data[:64]
    if head[:3] == b"\xff\xd8\xff":
        return "JPEG"
    if head[:8] == b"\x89PNG\r\n\x1a\n":
        return "PNG"
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "WebP"
    if head[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"):
        return "camera raw" if head[8:10] == b"CR" else "TIFF"
    if head[4:8] == b"ftyp":
        length = min(max(struct.unpack(">I", head[:4])[0], 16), 256)
        brands = {data[8:12], *(data[i : i + 4] for i in range(16, length, 4))}
        if brands & _AVIF_BRANDS:
            return "AVIF"
        return "HEIC" if brands & _HEIC_BRANDS else "video"
    for mark, name in _STRANGERS:
        if head.startswith(mark):
            return name
    text = data[:1024].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if b"<svg" in text:
        return "SVG"
    return "HTML" if text.startswith((b"<!doctype html", b"<html", b"<head", b"<body")) else "unknown"


def judge(
    data: bytes, where: str = "photo", *, kind: str = "photo", max_pixels: int = MAX_PIXELS, max_bytes: int = MAX_BYTES
) -> PictureFacts:
    """Look at header and skeleton: format, size, wholeness. Never raises for what is in the bytes.

    Findings, all errors (``kind`` is their first word): ``.format`` not an allowed picture; ``.file_too_large`` and
    ``.too_large`` more bytes or more pixels than allowed; ``.truncated`` the end is missing; ``.damaged`` unreadable.
    """
    return _judged(data, where, kind, max_pixels, max_bytes, walk_scans=True)[0]


def judge_for_decoding(data: bytes, where: str, *, kind: str, max_pixels: int) -> tuple[PictureFacts, bytes | None]:
    """As :func:`judge`, with the ICC profile that the file brings. Whether the scans of a JPEG in RGB or grey reach its
    end is left to libjpeg-turbo, which decodes them next and warns: to walk 3 MB for it as well takes 1.3 ms."""
    facts, icc = _judged(data, where, kind, max_pixels, MAX_BYTES, walk_scans=False)
    if facts.format == "JPEG" and facts.mode not in ("rgb", "grey"):  # Pillow decodes it, and knows no warnings
        facts = judge(data, where, kind=kind, max_pixels=max_pixels)
    return facts, icc


def _judged(
    data: bytes, where: str, kind: str, max_pixels: int, max_bytes: int, *, walk_scans: bool
) -> tuple[PictureFacts, bytes | None]:
    name = sniff(data)
    findings: list[Finding] = []
    if len(data) > max_bytes:
        size, most = len(data) / 2**20, max_bytes / 2**20
        findings.append(
            error(f"{kind}.file_too_large", where, f"the file has {size:.1f} MB; at most {most:g} MB are taken",
                  "send a JPEG of the same picture, or a smaller one")
        )  # fmt: skip
        return PictureFacts(name, findings=tuple(findings)), None
    if name not in ALLOWED:
        what = "not a picture that can be read" if name == "unknown" else f"{name}, not a photo"
        return PictureFacts(name, findings=(error(f"{kind}.format", where, f"the file is {what}", _WANTED),)), None
    if (walk_scans or name != "JPEG") and not _is_whole(data, name):
        checksum = name == "PNG" and data[-8:-4] == b"IEND"  # the end is there, something before it is not right
        findings.append(damaged(kind, where) if checksum else truncated(kind, where))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            facts, icc = _header(data, name)
    except _TooManyPixels:
        findings.append(_too_large(kind, where, "far too many pixels", max_pixels))
        return PictureFacts(name, findings=tuple(findings)), None
    except _Cut:
        return PictureFacts(name, findings=(truncated(kind, where),)), None
    except Exception:
        if not has_errors(findings):
            findings.append(damaged(kind, where))
        return PictureFacts(name, findings=tuple(findings)), None
    if facts.format not in ALLOWED:
        findings.append(error(f"{kind}.format", where, f"the file is {facts.format}, not a finished photo", _WANTED))
    elif facts.mode == "":
        findings.append(error(f"{kind}.format", where, f"this kind of {name} pixels cannot be printed", _WANTED))
    if facts.width * facts.height > max_pixels:
        findings.append(_too_large(kind, where, f"{facts.width} x {facts.height} pixels", max_pixels))
    if min(facts.width, facts.height) < 1:
        findings.append(damaged(kind, where))
    return replace(facts, findings=tuple(findings)), icc


class _TooManyPixels(Exception):
    pass


class _Cut(Exception):
    pass


def _too_large(kind: str, where: str, what: str, most: int) -> Finding:
    return error(f"{kind}.too_large", where, f"the picture has {what}; at most {most / 1e6:g} million are taken",
                 "send it at half its size; a card needs less than 10 million pixels")  # fmt: skip


def truncated(kind: str, where: str) -> Finding:
    """The finding on a file that ends too early."""
    return error(f"{kind}.truncated", where, "the end of the file is missing: part of the picture would print grey",
                 "upload the whole file again")  # fmt: skip


def damaged(kind: str, where: str) -> Finding:
    """The finding on a file that no decoder reads."""
    return error(f"{kind}.damaged", where, "the file is damaged and cannot be decoded",
                 "open it in a picture program, save it as JPEG and send that")  # fmt: skip


def _is_whole(data: bytes, name: str) -> bool:
    """Whether the file's skeleton reaches its end. Pixels may be damaged all the same; the decoder sees that."""
    if name == "JPEG":
        return any(marker == 0xD9 for marker, _ in _jpeg_parts(data))
    if name == "PNG":
        return any(kind == b"IEND" for kind, _ in _png_chunks(data))
    if name == "WebP":
        return int.from_bytes(data[4:8], "little") + 8 <= len(data)
    if name in ("HEIC", "AVIF"):
        return _boxes_fit(data)
    return True  # TIFF: its strips are checked with its tags


def _jpeg_parts(data: bytes) -> Iterator[tuple[int, slice]]:
    """Marker and place of each segment, a scan with its entropy-coded data, up to the picture's own EOI (not a
    thumbnail's). Stray bytes between segments are passed over. Ends without EOI where the file does."""
    position = 2
    while position + 2 <= len(data):
        marker = data[position + 1]
        if data[position] != 0xFF or marker in (0x00, 0x01, 0xD8, 0xFF) or 0xD0 <= marker <= 0xD7:
            position = data.find(b"\xff", position + 1)
            if position < 0:
                return
            continue
        if marker == 0xD9:
            yield marker, slice(position, position + 2)
            return
        end = position + 2 + int.from_bytes(data[position + 2 : position + 4], "big")
        if marker == 0xDA:  # a scan: its entropy-coded data has no length
            found = _MARKER_IN_SCAN.search(data, end)
            if found is None:
                return
            end = found.start()
        if end > len(data) or end < position + 4:
            return
        yield marker, slice(position, end)
        position = end


def lean_jpeg(data: bytes) -> bytes:
    """The same picture without stray bytes, EXIF, profiles and comments; the Adobe marker (EE) stays."""
    dropped = {*range(0xE0, 0xF0), 0xFE} - {0xEE}
    return b"\xff\xd8" + b"".join(data[place] for marker, place in _jpeg_parts(data) if marker not in dropped)


def _png_chunks(data: bytes) -> list[tuple[bytes, bytes]]:
    """Whole chunks up to IEND with a right checksum, only those that decide about pixels; [] where one is wrong."""
    chunks: list[tuple[bytes, bytes]] = []
    position = 8
    while position + 12 <= len(data):
        length = int.from_bytes(data[position : position + 4], "big")
        kind = data[position + 4 : position + 8]
        end = position + 12 + length
        if end > len(data):
            break
        if kind in _PNG_KEPT:
            if zlib.crc32(data[position + 4 : end - 4]) != int.from_bytes(data[end - 4 : end], "big"):
                return []
            chunks.append((kind, data[position:end]))
        if kind == b"IEND":
            break
        position = end
    return chunks


def _lean_png(data: bytes) -> bytes:
    """The same picture without texts and animation, EXIF before the pixels."""
    chunks = _png_chunks(data)
    first = [raw for kind, raw in chunks if kind not in (b"IDAT", b"IEND")]
    return b"".join([data[:8], *first, *(raw for kind, raw in chunks if kind in (b"IDAT", b"IEND"))])


def _boxes_fit(data: bytes) -> bool:
    """Whether the top-level boxes (ISO/IEC 14496-12, 4.2) lie within the file."""
    position, seen = 0, set()
    while position + 8 <= len(data):
        length = int.from_bytes(data[position : position + 4], "big")
        seen.add(data[position + 4 : position + 8])
        if length == 1:
            length = int.from_bytes(data[position + 8 : position + 16], "big")
        if length == 0:
            break
        if length < 8 or position + length > len(data):
            return False
        position += length
    return {b"meta", b"mdat"} <= seen


def open_heif(data: bytes) -> Any:
    """The container's primary picture, its header read, its pixels not. libheif turns it (irot, imir) by itself."""
    import pillow_heif

    return pillow_heif.open_heif(io.BytesIO(data), convert_hdr_to_8bit=True)


def open_pillow(data: bytes, name: str) -> Image:
    """Opened by the one decoder meant for the format, its pixels not read."""
    from PIL import Image as pil

    try:
        return pil.open(io.BytesIO(_lean_png(data) if name == "PNG" else data), formats=[name.upper()])
    except pil.DecompressionBombError:
        raise _TooManyPixels from None


def _header(data: bytes, name: str) -> tuple[PictureFacts, bytes | None]:
    if name == "HEIC":
        heif = open_heif(data)
        width, height = heif.size
        icc = icc_of(heif.info)
        return PictureFacts(name, width, height, _mode(heif.mode, heif.info), icc is not None), icc
    image = open_pillow(data, name)
    width, height = image.size
    orientation = 1
    if name == "TIFF":  # Pillow turns TIFF on loading, and tells the turned size before
        tags = image.tag_v2  # type: ignore[attr-defined]
        for tag, raw in _RAW_TAGS.items():
            if tag in tags:
                return PictureFacts(raw), None
        for starts, lengths in ((273, 279), (324, 325)):
            if starts in tags and any(a + b > len(data) for a, b in zip(tags[starts], tags[lengths], strict=False)):
                raise _Cut
    else:
        orientation = _exif_orientation(image)
        if orientation >= 5:
            width, height = height, width
    mode, icc = _mode(image.mode, image.info), icc_of(image.info)
    return PictureFacts(name, width, height, mode, icc is not None, orientation), icc


def icc_of(info: dict[Any, Any]) -> bytes | None:
    """The ICC profile among what Pillow or libheif tells of a picture."""
    profile = info.get("icc_profile")
    return profile if isinstance(profile, bytes) and profile else None


def _exif_orientation(image: Image) -> int:
    """EXIF 2.3, tag 0x0112; 1 where it is missing or nonsense."""
    try:
        if image.format == "PNG" and "exif" not in image.info:
            return 1  # asking Pillow would decode the whole picture
        value = image.getexif().get(0x0112, 1)
        return value if isinstance(value, int) and 1 <= value <= 8 else 1
    except Exception:
        return 1


def _mode(mode: str, info: dict[Any, Any]) -> str:
    space = {"1": "grey", "L": "grey", "LA": "grey+alpha", "La": "grey+alpha", "I;16": "grey", "I;16B": "grey",
             "I;16L": "grey", "RGB": "rgb", "RGBX": "rgb", "RGBA": "rgb+alpha", "RGBa": "rgb+alpha", "P": "rgb",
             "PA": "rgb+alpha", "YCbCr": "rgb", "CMYK": "cmyk", "LAB": "lab"}.get(mode, "")  # fmt: skip
    return space + "+alpha" if "transparency" in info and space in ("rgb", "grey") else space
