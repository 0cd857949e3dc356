"""Proving a finished file: each match code is read off the rendered page and compared with what should stand there.

The file is opened by another library than wrote it, at the resolution of an inserter's camera (300 ppi).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import BinaryIO

import zxingcpp

from cardpipe.lettershop import imb
from cardpipe.model.errors import Bug
from cardpipe.model.finding import Finding, error
from cardpipe.model.units import Box, Size, mm
from cardpipe.prepress.raster import Document, Pixels, opened
from cardpipe.prepress.reader import Stranger, missing

PPI = 300
_WHOLE_PPI = 150  # enough for a module of 0.5 mm (print.md 5.2), and a quarter of the pixels
_SAMPLE = 50
_FORMATS = zxingcpp.BarcodeFormats([zxingcpp.BarcodeFormat.DataMatrix])


@dataclass(frozen=True, slots=True)
class Expected:
    """The code that must be read in a region (page coordinates) of the page at ``page`` (from 0); and on an envelope
    the figures of its postal bars, where it has them, in the region ``bars``."""

    page: int
    region: Box
    code: str
    tracking: str = ""
    routing: str = ""
    bars: Box | None = None


def read_codes(pixels: Pixels) -> list[str]:
    """Every Data Matrix in the picture, as text."""
    found = zxingcpp.read_barcodes(pixels, formats=_FORMATS)
    return [result.text for result in found]


def read_grey(data: bytes, width: int, height: int) -> list[str]:
    """Every Data Matrix in a camera's frame: a byte of luminance a pixel, row by row. No format of pictures is parsed.
    Raises ValueError where that is not the number of bytes."""
    if width <= 0 or height <= 0 or len(data) != width * height:
        raise ValueError(f"{len(data)} bytes are no {width} x {height} pixels")
    found = zxingcpp.read_barcodes(memoryview(data).cast("B", shape=[height, width]), formats=_FORMATS)
    return [result.text for result in found]


def check(document: Document, expected: Sequence[Expected], pages: int) -> list[Finding]:
    """Compare a file with its manifest: number of pages, and every code where it must be. Empty: proved.

    The code's region is read for every piece; the whole page for a sample (the first, the last, each fiftieth) and for
    each that failed, so that a code which strayed is named, and one too many on a page is seen.
    """
    findings: list[Finding] = []
    if len(document) != pages:
        findings.append(error("batch.pages", "file", f"has {len(document)} pages, not {pages}"))
    on_page: dict[int, set[str]] = {}
    for item in expected:
        on_page.setdefault(item.page, set()).add(item.code)
    for place, item in enumerate(expected):
        where = f"page {item.page + 1}"
        if not 0 <= item.page < len(document):
            findings.append(error("batch.code_missing", where, "there is no such page"))
            continue
        read = read_codes(document.grey(item.page, PPI, _around(item.region, document.size(item.page))))
        sampled = place % _SAMPLE == 0 or place == len(expected) - 1
        if sampled or read != [item.code]:
            whole = read_codes(document.grey(item.page, _WHOLE_PPI))
            if read != [item.code] or sorted(whole) != sorted(on_page[item.page]):
                seen = ", ".join(dict.fromkeys([*read, *whole])) or "nothing"
                wanted = ", ".join(sorted(on_page[item.page]))
                findings.append(error("batch.code_wrong", where, f"reads {seen}, must read {wanted} in its place"))
        if item.bars is not None:
            findings += _postal(document, item, where)
    return findings


def _postal(document: Document, item: Expected, where: str) -> list[Finding]:
    """The carrier's bars, recovered from the pixels and compared with what the figures encode to."""
    if item.bars is None:
        return []
    wanted = imb.bars(item.tracking, item.routing)
    read = imb.read_pixels(document.pixels(item.page, PPI, item.bars))
    return [] if read == wanted else [error("batch.imb_wrong", where, "its postal bars are not those of its figures")]


def _around(region: Box, page: Size) -> Box:
    """A little more than the region, and no more than the page."""
    x, y = max(0.0, region.x - mm(1)), max(0.0, region.y - mm(1))
    return Box(x, y, min(region.right + mm(1), page.width) - x, min(region.top + mm(1), page.height) - y)


def prove(source: BinaryIO, expected: Sequence[Expected], pages: int) -> list[Finding]:
    """What a finished file does not say of all that its manifest says. Raises Bug where nothing is to be proved."""
    if not expected:
        raise Bug("a file without a match code cannot be proved")
    with opened(source) as document:
        return check(document, expected, pages)


@dataclass(frozen=True, slots=True)
class Addressed:
    """The lines that must stand on the page at ``page`` (from 0)."""

    page: int
    lines: tuple[str, ...]


def prove_addresses(source: BinaryIO, expected: Sequence[Addressed]) -> list[Finding]:
    """Copy the address out of a sample of the finished envelopes (the first, the last, each fiftieth) and compare it
    with the order's. A finding names page and line, never the words. Raises Bug where nothing is to be proved."""
    if not expected:
        raise Bug("a file without addresses cannot be proved")
    stranger = Stranger(source)
    on_page = Counter(item.page for item in expected)
    return [
        error("batch.address_wrong", f"page {item.page + 1}", f"line {line + 1} of an address does not stand there")
        for place, item in enumerate(expected)
        if place % _SAMPLE == 0 or place == len(expected) - 1
        for line in _not_there(stranger, item, beside=on_page[item.page] > 1)
    ]


def _not_there(stranger: Stranger, item: Addressed, *, beside: bool) -> Sequence[int]:
    if item.page >= stranger.pages:
        return range(len(item.lines))
    return missing(stranger, item.page, item.lines, beside=beside)
