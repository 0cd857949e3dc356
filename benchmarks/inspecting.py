"""Whether a peer did the same work: the pages, their sizes, the photo's pixels and place, the words."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pypdfium2
import pypdfium2.raw as raw


def inspect(target: Path, folder: Path, count: int) -> None:
    """Look at the first, the middle and the last piece of a peer's file. Raises RuntimeError for what is not there."""
    told = json.loads((folder / "parts.json").read_text())["pieces"]
    pdf = pypdfium2.PdfDocument(target)
    try:
        if len(pdf) != 3 * count:
            raise RuntimeError(f"{len(pdf)} pages instead of {3 * count}")
        for number in {0, count // 2, count - 1}:
            _piece(pdf, 3 * number, told[number % len(told)], number)
    finally:
        pdf.close()


def _piece(pdf: Any, at: int, told: dict[str, Any], number: int) -> None:
    for place, size in enumerate((told["card"], told["card"], told["envelope"])):
        found = pdf.get_page_size(at + place)
        if any(abs(one - other) > 0.75 for one, other in zip(found, size, strict=True)):
            raise RuntimeError(f"page {at + place + 1} is {found} instead of {size} points")
    _photo(pdf[at], told)
    words = [text for *_, text in told["message"][:-1]] + [f"Number {number} says hello."]
    for place, lines in ((1, words), (2, [text for *_, text in told["address"]])):
        text = "".join(pdf[at + place].get_textpage().get_text_bounded().split())
        lacking = [line for line in lines if "".join(line.split()) not in text]
        if lacking:
            raise RuntimeError(f"page {at + place + 1} lacks {len(lacking)} of {len(lines)} lines")


def _photo(page: Any, told: dict[str, Any]) -> None:
    x, y, width, height = told["photo"]
    for image in page.get_objects(filter=[raw.FPDF_PAGEOBJ_IMAGE], max_depth=15):
        left, low, right, top = image.get_bounds()
        near = max(abs(left - x), abs(low - y), abs(right - left - width), abs(top - low - height)) < 1.5
        if near and tuple(image.get_px_size()) == tuple(told["pixels"]):
            return
    raise RuntimeError(f"the photo of {told['pixels']} pixels is not on its page at {width:.0f} x {height:.0f} points")
