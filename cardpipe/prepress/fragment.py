"""A fragment: a piece's pages as PDF objects already serialised, with everything shared left symbolic.

Composing writes it once; the merge copies it. Inside, an object refers to its neighbours by place in the list and to
what the whole batch shares by name: ``art:DIGEST``, ``font:DIGEST``, ``icc:DIGEST``, ``spot:RECIPE``. What only the
merge can know (match code, number) is a named slot. Nothing already compressed is ever coded again (performance.md
section 5).

The output standard is chosen here: a fragment for PDF/X-4 and one for PDF/X-1a hold other pictures, and are not mixed.

On disk: ``CPF3``, the length of the header in 12 figures and its CRC-32 in 8, the header as JSON, then the streams one
after the other. The header holds a CRC-32 of each stream: whoever copies one sees at once if the disk changed it, at a
quarter of what its SHA-256 would cost.
"""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, BinaryIO

from cardpipe.model.errors import Bug
from cardpipe.model.order import canonical
from cardpipe.model.units import Box, Size, num
from cardpipe.prepress.content import Names, content
from cardpipe.prepress.outlet import Outlet, crc32
from cardpipe.prepress.page import Mark, Mask, Page, Photo, Slot, Text
from cardpipe.prepress.press import Output

MAGIC = b"CPF3"
_START = len(MAGIC) + 12 + 8
_SHORT = 1500  # bytes of content that are not worth deflating
_CHANGED = "a fragment was changed on the disk or cut off; restore it, or compose the piece again"
#: What a grey photo's numbers mean: the tone curve of sRGB, near enough a gamma of 2.2 (ISO 32000-1, 8.6.5.2). As
#: DeviceGray they would be black ink, and the picture darker than it was seen.
_GREY = "[/CalGray << /WhitePoint [0.9505 1 1.089] /Gamma 2.2 >>]"
#: How a JPEG says that Adobe's habits were kept; with four components their numbers are then inverted.
_ADOBE = b"\xff\xee\x00\x0eAdobe"
#: An object's dictionary: literal text, an int for a neighbour in the list, or ["key"] for something shared.
Head = list[Any]


@dataclass(slots=True)
class Part:
    """One PDF object: its dictionary as tokens, its stream's bytes (or None), and a key when equal ones in a file
    should be written once. ``transparent`` is said of a form whose page must say in which colours it blends."""

    head: Head
    stream: bytes | None = None
    key: str | None = None
    transparent: bool = False


@dataclass(frozen=True, slots=True)
class FragmentPage:
    """One page of a fragment: its boxes, the place of its content in the list, its resources and its open slots."""

    name: str
    size: Size
    trim: Box
    contents: int
    xobjects: dict[str, int | str]
    fonts: dict[str, str]
    spaces: dict[str, str]
    slots: tuple[Slot, ...]


def build(pages: list[Page], srgb: str, output: Output = "X-4") -> bytes:
    """Serialise pages. ``srgb`` is the symbolic key of the profile with which photos are tagged.

    Raises Bug for a photo in sRGB where the output is PDF/X-1a, which knows the press's inks only (ISO 15930-4).
    """
    parts: list[Part] = []
    heads: list[dict[str, Any]] = []
    glyphs: dict[str, dict[int, str]] = {}
    for page in pages:
        names = Names()
        body = content([mark for mark in page.marks if not isinstance(mark, Slot)], names)
        resources: dict[str, int | str] = dict(names.arts)
        for name, picture in names.pictures.items():
            resources[name] = len(parts)
            parts.append(_picture(picture, srgb, output))
        place = len(parts)
        parts.append(figures(body))
        collect_glyphs(page.marks, glyphs)
        heads.append(
            {
                "name": page.name,
                "size": [page.size.width, page.size.height],
                "trim": [page.trim.x, page.trim.y, page.trim.width, page.trim.height],
                "contents": place,
                "xobjects": resources,
                "fonts": names.fonts,
                "spaces": names.spaces,
                "slots": [
                    [m.name, m.box.x, m.box.y, m.box.width, m.box.height, m.turned]
                    for m in page.marks
                    if isinstance(m, Slot)
                ],
            }
        )
    shown = {font: sorted(known.items()) for font, known in glyphs.items()}
    return pack(parts, {"output": output, "pages": heads, "glyphs": shown})


def collect_glyphs(marks: tuple[Mark, ...] | list[Mark], into: dict[str, dict[int, str]]) -> None:
    """Note every glyph of every printed line, with the text that it stands for."""
    for mark in marks:
        if isinstance(mark, Text):
            known = into.setdefault(mark.font, {})
            for place, glyph in enumerate(mark.glyphs):
                known.setdefault(glyph, mark.clusters[place] if place < len(mark.clusters) else "")


def flate(head: Head, data: bytes) -> Part:
    """A part with a deflated stream."""
    packed = zlib.compress(data, 6)
    return Part([*_extend(head, f"/Filter /FlateDecode /Length {len(packed)}")], packed)


def slight(body: bytes) -> Part:
    """A part with a content stream that is written as it is where it is short: deflating a match code takes longer than
    all else that is done for its page, and saves half a kilobyte."""
    if len(body) > _SHORT:
        return flate([""], body)
    return Part([f"<< /Length {len(body)} >>"], body)


def figures(body: bytes) -> Part:
    """A part with handwriting: figures that hardly repeat, so Huffman codes alone come within a tenth of the size that
    looking for repeats gives, in a sixteenth of the time."""
    packer = zlib.compressobj(strategy=zlib.Z_HUFFMAN_ONLY)
    packed = packer.compress(body) + packer.flush()
    return Part([f"<< /Filter /FlateDecode /Length {len(packed)} >>"], packed)


def _extend(head: Head, entries: str) -> Head:
    return ["<< ", *head, f" {entries} >>"]


def _picture(mark: Photo | Mask, srgb: str, output: Output) -> Part:
    size = f"/Width {mark.width_px} /Height {mark.height_px}"
    if isinstance(mark, Photo):
        start = f"<< /Type /XObject /Subtype /Image {size} /BitsPerComponent 8 /ColorSpace "
        end = f" /Filter /DCTDecode /Length {len(mark.jpeg)} >>"
        space = _colours(mark, srgb, output)
        return Part([start, *space, end], mark.jpeg, "jpeg:" + hashlib.sha256(mark.jpeg).hexdigest())
    parms = f"/DecodeParms << /K -1 /Columns {mark.width_px} /Rows {mark.height_px} >>"
    head = f"<< /Type /XObject /Subtype /Image {size} /ImageMask true /BitsPerComponent 1 /Filter /CCITTFaxDecode "
    key = f"g4:{mark.width_px}x{mark.height_px}:{hashlib.sha256(mark.g4).hexdigest()}"  # the bytes do not tell the size
    return Part([f"{head}{parms} /Length {len(mark.g4)} >>"], mark.g4, key)


def _colours(mark: Photo, srgb: str, output: Output) -> Head:
    """What a photo's numbers mean."""
    if mark.cmyk:
        if mark.grey or _ADOBE not in mark.jpeg[:4096]:
            raise Bug("a photo in CMYK is grey, or lacks Adobe's mark; it would be printed as its own negative")
        return ["/DeviceCMYK /Decode [1 0 1 0 1 0 1 0]"]
    if output == "X-1a":
        if not mark.grey:
            raise Bug("a photo in sRGB was composed for PDF/X-1a; develop it in the press's inks")
        return ["/DeviceGray"]
    return [_GREY] if mark.grey else ["[/ICCBased ", [srgb], "]"]


def pack(parts: list[Part], more: dict[str, Any]) -> bytes:
    """The bytes of a fragment (or of any bundle of parts) from its objects and its further header entries."""
    table: list[dict[str, Any]] = []
    streams: list[bytes] = []
    offset = 0
    for part in parts:
        entry: dict[str, Any] = {"head": part.head}
        if part.stream is not None:
            entry["stream"] = [offset, len(part.stream), crc32(part.stream)]
            if not part.key:
                entry["digest"] = _digest(part.stream)
            streams.append(part.stream)
            offset += len(part.stream)
        if part.key:
            entry["key"] = part.key
        table.append(entry)
    header = canonical({"objects": table, **more})
    return b"".join([MAGIC, b"%012d%08x" % (len(header), crc32(header)), header, *streams])


def _digest(stream: bytes) -> str:
    return hashlib.sha256(stream).hexdigest()[:32]


class Fragment:
    """A stored fragment, opened: header in memory, streams read from the file as they are asked for.

    Raises Bug, here or later, where the bytes are not those that composing wrote.
    """

    def __init__(self, source: BinaryIO) -> None:
        start = source.read(_START)
        if len(start) < _START or not start.startswith(MAGIC):
            raise Bug("this is no fragment, or one of another version; compose the piece again")
        try:
            length, crc = int(start[4:16]), int(start[16:], 16)
        except ValueError:
            raise Bug(_CHANGED) from None
        header = source.read(length)
        if len(header) != length or crc32(header) != crc:
            raise Bug(_CHANGED)
        self._source = source
        self._readinto: Callable[[memoryview], int] = source.readinto  # type: ignore[attr-defined]  # typing forgot it
        self._base = _START + length
        self.header: dict[str, Any] = json.loads(header)
        self.objects: list[dict[str, Any]] = self.header["objects"]

    def copy(self, place: int, out: Outlet) -> None:
        """Append the stream of the object at that place in the list to a file."""
        offset, length, crc = self.objects[place]["stream"]
        self._source.seek(self._base + offset)
        if out.take(self._readinto, length) != crc:
            raise Bug(_CHANGED)

    def stream(self, place: int) -> bytes:
        """The stream of the object at that place in the list, whole."""
        offset, length, crc = self.objects[place]["stream"]
        self._source.seek(self._base + offset)
        data = self._source.read(length)
        if len(data) != length or crc32(data) != crc:
            raise Bug(_CHANGED)
        return data

    def digest(self, place: int) -> str:
        """What tells the stream at that place from any other: a picture's key, or the beginning of its SHA-256."""
        entry = self.objects[place]
        noted: str | None = entry.get("key") or entry.get("digest")
        return noted or _digest(self.stream(place))  # fragments of before 22 November 2026 do not say

    @property
    def output(self) -> str:
        """The output standard that it was composed for."""
        return str(self.header["output"])

    @property
    def pages(self) -> list[FragmentPage]:
        """Its pages, in order."""
        return [
            FragmentPage(
                p["name"],
                Size(*p["size"]),
                Box(*p["trim"]),
                p["contents"],
                p["xobjects"],
                p["fonts"],
                p["spaces"],
                tuple(Slot(s[0], Box(*s[1:5]), s[5]) for s in p["slots"]),
            )
            for p in self.header["pages"]
        ]

    @property
    def glyphs(self) -> dict[str, dict[int, str]]:
        """Glyphs used by font key: glyph id → the text it stands for."""
        return {font: {int(gid): text for gid, text in pairs} for font, pairs in self.header["glyphs"].items()}

    def shared(self) -> set[str]:
        """Every symbolic key that the fragment leans on."""
        keys = {token[0] for entry in self.objects for token in entry["head"] if isinstance(token, list)}
        for page in self.header["pages"]:
            keys.update(ref for ref in page["xobjects"].values() if isinstance(ref, str))
            keys.update(page["fonts"].values())
        return keys


@lru_cache(maxsize=64)
def page_boxes(size: Size, trim: Box) -> str:
    """MediaBox, BleedBox and TrimBox, written on the page itself (ISO 15930-7, 6.11: they are not inheritable)."""
    media = f"[0 0 {num(size.width)} {num(size.height)}]"
    cut = f"[{num(trim.x)} {num(trim.y)} {num(trim.right)} {num(trim.top)}]"
    return f"/MediaBox {media} /BleedBox {media} /TrimBox {cut}"
