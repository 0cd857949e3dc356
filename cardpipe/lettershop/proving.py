"""Proving a finished file: each match code is read off the rendered page and compared with what should stand there.

The file is opened by another library than wrote it, at the resolution of an inserter's camera (300 ppi).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import BinaryIO

import zxingcpp

from cardpipe.model.errors import Bug
from cardpipe.model.finding import Finding, error
from cardpipe.model.units import Box, mm
from cardpipe.prepress.raster import Document, Pixels, opened

PPI = 300
_FORMATS = zxingcpp.BarcodeFormats([zxingcpp.BarcodeFormat.DataMatrix])


@dataclass(frozen=True, slots=True)
class Expected:
    """The code that must be read in a region (page coordinates) of the page at ``page`` (from 0)."""

    page: int
    region: Box
    code: str


def read_codes(pixels: Pixels) -> list[str]:
    """Every Data Matrix in the picture, as text."""
    found = zxingcpp.read_barcodes(pixels, formats=_FORMATS)
    return [result.text for result in found]


def check(document: Document, expected: Sequence[Expected], pages: int) -> list[Finding]:
    """Compare a file with its manifest: number of pages, and every code where it must be. Empty: proved."""
    findings: list[Finding] = []
    if len(document) != pages:
        findings.append(error("batch.pages", "file", f"has {len(document)} pages, not {pages}"))
    for item in expected:
        if item.page >= len(document):
            findings.append(error("batch.code_missing", f"page {item.page + 1}", "there is no such page"))
            continue
        size = document.size(item.page)
        region = item.region.inset(-mm(1))
        region = Box(max(0, region.x), max(0, region.y), region.width, region.height)
        region = Box(
            region.x, region.y, min(region.width, size.width - region.x), min(region.height, size.height - region.y)
        )
        read = read_codes(document.pixels(item.page, PPI, region))
        if read != [item.code]:
            read = read_codes(document.pixels(item.page, PPI)) if not read else read
        if read != [item.code]:
            what = ", ".join(read) or "nothing"
            findings.append(error("batch.code_wrong", f"page {item.page + 1}", f"reads {what}, must read {item.code}"))
    return findings


def prove(source: BinaryIO, expected: Sequence[Expected], pages: int) -> None:
    """Raise Bug, with every finding, where a finished file does not say what its manifest says."""
    if not expected:
        raise Bug("a file without a match code cannot be proved")
    with opened(source) as document:
        findings = check(document, expected, pages)
    if findings:
        raise Bug(f"{len(findings)} match codes or page counts are wrong in a finished file", findings)
