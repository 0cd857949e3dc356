"""The door to pypdf: a finished file read by somebody who did not write it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import BinaryIO

from pypdf import PdfReader
from pypdf.errors import PyPdfError

from cardpipe.model.errors import Bug


class Stranger:
    """A print file as pypdf understands it. Raises Bug where it does not."""

    def __init__(self, source: BinaryIO) -> None:
        try:
            self._reader = PdfReader(source, strict=True)
            self.pages = len(self._reader.pages)
        except (PyPdfError, ValueError, KeyError) as problem:
            raise Bug(f"a finished file cannot be read: {type(problem).__name__}") from problem

    def lines(self, page: int) -> list[str]:
        """The printed lines of a page (from 0), as they can be copied out of it."""
        try:
            text = self._reader.pages[page].extract_text()
        except (PyPdfError, ValueError, KeyError) as problem:
            raise Bug(f"page {page + 1} of a finished file cannot be read: {type(problem).__name__}") from problem
        return [line.strip() for line in text.splitlines() if line.strip()]


def missing(stranger: Stranger, page: int, wanted: Sequence[str], *, beside: bool = False) -> list[int]:
    """Which of the wanted lines (by place) do not stand on that page, blanks aside. ``beside``: other lines may stand
    in the same row, as on a sheet of labels."""
    there = {"".join(line.split()) for line in stranger.lines(page)}
    bare = ["".join(line.split()) for line in wanted]
    return [
        place
        for place, line in enumerate(bare)
        if line not in there and not (beside and any(line in whole for whole in there))
    ]
