"""The door to the PDF object library: a finished file, read as a stranger reads it, one object at a time.

Everything else in this room sees :class:`Node` values and never a pikepdf object. Streams are decoded here with an
upper limit, so that a small file cannot grow into the machine's memory.
"""

from __future__ import annotations

import base64
import binascii
import re
import zlib
from collections.abc import Iterator
from decimal import Decimal
from typing import Any, BinaryIO

import pikepdf

CONTENT_LIMIT = 64 << 20
"""Bytes that one content stream may decode to; the densest honest page of cards has about 0.3 MB."""

pikepdf.settings.set_qpdf_limits(
    flate_max_memory=512 << 20, run_length_max_memory=512 << 20, png_max_memory=512 << 20, tiff_max_memory=512 << 20
)  # of the whole process; guards what qpdf inflates on its own: object and cross-reference streams


class Locked(Exception):
    """The file is encrypted with a password."""


class Damaged(Exception):
    """The file cannot be read as a PDF, here or at all."""


class Excess(Exception):
    """The file asks for more memory or work than any honest card file does."""


_GUARD = "/Filter"
_ALIASES = {"Fl": "FlateDecode", "AHx": "ASCIIHexDecode", "A85": "ASCII85Decode", "LZW": "LZWDecode"}
_ALIASES |= {"RL": "RunLengthDecode", "CCF": "CCITTFaxDecode", "DCT": "DCTDecode"}
_GROWTH = {"LZWDecode": 1400, "RunLengthDecode": 64}
_SELF = re.compile(r"stream <[^>]*>:? ?")
_SPACE = re.compile(rb"[\x00\t\n\f\r ]+")


class Node:
    """One PDF value. Asking a value for what it has not gives the null node, an empty tuple or an empty string."""

    __slots__ = ("_raw",)

    def __init__(self, raw: Any) -> None:
        self._raw = raw

    @property
    def exists(self) -> bool:
        return self._raw is not None

    @property
    def is_dict(self) -> bool:
        """A dictionary, or a stream by its dictionary."""
        return isinstance(self._raw, pikepdf.Dictionary | pikepdf.Stream)

    @property
    def is_array(self) -> bool:
        return isinstance(self._raw, pikepdf.Array)

    @property
    def is_stream(self) -> bool:
        return isinstance(self._raw, pikepdf.Stream)

    @property
    def is_string(self) -> bool:
        return isinstance(self._raw, pikepdf.String | str)

    @property
    def key(self) -> tuple[int, int]:
        """Object and generation number; (0, 0) for a direct value."""
        return self._raw.objgen if isinstance(self._raw, pikepdf.Object) else (0, 0)

    def get(self, name: str) -> Node:
        """The entry of a dictionary, by its name without the slash."""
        return Node(self._raw.get("/" + name)) if self.is_dict else NULL

    def has(self, name: str) -> bool:
        return self.is_dict and "/" + name in self._raw

    def names(self) -> tuple[str, ...]:
        """The keys of a dictionary, without slashes, in alphabetical order."""
        return tuple(sorted(key[1:] for key in dict(self._raw))) if self.is_dict else ()

    def items(self) -> Iterator[tuple[str, Node]]:
        for name in self.names():
            yield name, self.get(name)

    def __iter__(self) -> Iterator[Node]:
        """The entries of an array."""
        if isinstance(self._raw, pikepdf.Array):
            for index in range(len(self._raw)):
                yield Node(self._raw[index])

    def __len__(self) -> int:
        return len(self._raw) if isinstance(self._raw, pikepdf.Array) else 0

    def __bool__(self) -> bool:
        return self._raw is not None

    @property
    def name(self) -> str:
        """The name without its slash, or the empty string."""
        return str(self._raw)[1:] if isinstance(self._raw, pikepdf.Name) else ""

    @property
    def text(self) -> str:
        """The string, decoded as PDF text, or the empty string."""
        return str(self._raw) if self.is_string else ""

    @property
    def number(self) -> float | None:
        raw = self._raw
        return float(raw) if isinstance(raw, int | float | Decimal) and not isinstance(raw, bool) else None

    @property
    def truth(self) -> bool | None:
        return self._raw if isinstance(self._raw, bool) else None

    @property
    def numbers(self) -> tuple[float, ...]:
        """An array of numbers, or nothing if one of its entries is none."""
        found = tuple(entry.number for entry in self)
        return () if None in found else tuple(float(value) for value in found if value is not None)

    @property
    def filters(self) -> tuple[str, ...]:
        """A stream's filters by their full names, in the order of decoding."""
        entry = self.get(_GUARD[1:])
        listed = [entry.name] if entry.name else [one.name for one in entry]
        return tuple(_ALIASES.get(name, name) for name in listed)

    def data(self, limit: int = CONTENT_LIMIT) -> bytes:
        """The decoded stream. Raises Excess above ``limit`` bytes, Damaged where the data breaks off."""
        return self._decoded(limit, whole=True)

    def head(self, count: int) -> bytes:
        """The first ``count`` bytes of the decoded stream, or fewer."""
        return self._decoded(count, whole=False)[:count]

    def _decoded(self, limit: int, whole: bool) -> bytes:
        if not self.is_stream:
            raise Damaged("a stream was expected and something else is there")
        try:
            data: bytes = self._raw.read_raw_bytes()
            if whole and len(data) > limit:
                raise Excess(f"a content stream has {len(data)} bytes; {limit} are the limit")
            for name in self.filters:
                if name == "FlateDecode":
                    data = _inflate(data, limit, whole)
                elif name == "ASCII85Decode":
                    data = base64.a85decode(_SPACE.sub(b"", data).removesuffix(b"~>"))
                elif name == "ASCIIHexDecode":
                    data = _unhex(data)
                elif name in _GROWTH and len(data) * _GROWTH[name] <= CONTENT_LIMIT:
                    return bytes(self._raw.read_bytes())
                elif name in _GROWTH:
                    raise Excess(f"a stream in {name} of {len(data)} bytes may grow beyond {CONTENT_LIMIT}")
                else:
                    raise Damaged(f"filter {name} does not belong on this stream")
            if any(row.get("Predictor").number not in (None, 1.0) for row in self._parameters()):
                return bytes(self._raw.read_bytes())
            return data
        except (pikepdf.PdfError, zlib.error, binascii.Error, ValueError) as trouble:
            raise Damaged(f"a stream cannot be decoded: {said(trouble)}") from None

    def _parameters(self) -> tuple[Node, ...]:
        entry = self.get("DecodeParms")
        return (entry,) if entry.is_dict else tuple(entry)


NULL = Node(None)


def _inflate(data: bytes, limit: int, whole: bool) -> bytes:
    """Inflate at most ``limit`` bytes. No byte at all counts as empty: qpdf writes empty streams so."""
    if not data:
        return b""
    engine = zlib.decompressobj()
    plain = engine.decompress(data, limit + 1)
    if not whole:
        return plain
    if len(plain) > limit:
        raise Excess(f"a stream of {len(data)} bytes inflates beyond {limit}")
    if not engine.eof:
        raise Damaged("a deflated stream breaks off")
    return plain


def _unhex(data: bytes) -> bytes:
    digits = _SPACE.sub(b"", data).partition(b">")[0]
    return bytes.fromhex((digits + b"0" * (len(digits) % 2)).decode("ascii"))


def said(trouble: object) -> str:
    """The library's message without the stream's address in memory, at most 200 letters: reports are reproducible."""
    return _SELF.sub("", str(trouble))[:200]


class Document:
    """An opened file. Use it in a ``with`` block."""

    def __init__(self, stream: BinaryIO) -> None:
        """Raises Locked for a password, Damaged for anything that is no PDF."""
        try:
            self._pdf = pikepdf.open(stream, inherit_page_attributes=False, suppress_warnings=True)
        except pikepdf.PasswordError:
            raise Locked("the file asks for a password") from None
        except (pikepdf.PdfError, pikepdf.PikepdfError, OSError, ValueError) as trouble:
            raise Damaged(said(trouble)) from None

    def __enter__(self) -> Document:
        return self

    def __exit__(self, *_: object) -> None:
        self._pdf.close()

    @property
    def encrypted(self) -> bool:
        return bool(self._pdf.is_encrypted)

    @property
    def trailer(self) -> Node:
        return Node(self._pdf.trailer)

    @property
    def catalog(self) -> Node:
        return Node(self._pdf.trailer.get("/Root"))

    def pages(self) -> Iterator[Node]:
        """Every page in reading order. Raises Damaged when the page tree bites its tail."""
        try:
            for page in self._pdf.pages:
                yield Node(page.obj)
        except (pikepdf.PdfError, pikepdf.PikepdfError) as trouble:
            raise Damaged(f"the page tree cannot be read: {said(trouble)}") from None

    def warnings(self) -> tuple[str, ...]:
        """What the object library had to mend or guess so far."""
        return tuple(said(text) for text in self._pdf.get_warnings())
