"""The door to the rasteriser: pages become pixels, for proofs, thumbnails and for proving what was written."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO

import numpy as np
import pypdfium2 as pdfium
from numpy.typing import NDArray
from PIL import Image

from cardpipe.model.errors import Bug
from cardpipe.model.units import POINTS_PER_INCH, Box, Size

Pixels = NDArray[np.uint8]


class Document:
    """A finished PDF, opened as a stranger would."""

    def __init__(self, source: BinaryIO | bytes) -> None:
        try:
            self._pdf = pdfium.PdfDocument(source)
        except pdfium.PdfiumError as problem:
            raise Bug(f"a finished file does not open: {problem}") from problem

    def __len__(self) -> int:
        return len(self._pdf)

    def close(self) -> None:
        """Give the file back."""
        self._pdf.close()

    def size(self, index: int) -> Size:
        """A page's size in points."""
        return Size(*self._pdf.get_page_size(index))

    def text(self, index: int) -> str:
        """The page's text as it can be searched."""
        page = self._pdf[index]
        try:
            return str(page.get_textpage().get_text_bounded())
        finally:
            page.close()

    def pixels(self, index: int, ppi: float, region: Box | None = None) -> Pixels:
        """A page, or a region of it (page coordinates, origin lower left), as rows × columns × RGB."""
        return self._drawn(index, ppi, region, grey=False)

    def grey(self, index: int, ppi: float, region: Box | None = None) -> Pixels:
        """The same as rows × columns of luminance: all that a reader of codes goes by."""
        return self._drawn(index, ppi, region, grey=True)

    def _drawn(self, index: int, ppi: float, region: Box | None, *, grey: bool) -> Pixels:
        page = self._pdf[index]
        try:
            crop = (0.0, 0.0, 0.0, 0.0)
            if region is not None:
                width, height = page.get_size()
                crop = (region.x, region.y, max(0.0, width - region.right), max(0.0, height - region.top))
            scale = ppi / POINTS_PER_INCH
            bitmap = page.render(scale=scale, crop=crop, rev_byteorder=True, prefer_bgrx=False, grayscale=grey)
            array = bitmap.to_numpy()  # memory of the bitmap, and gone with it
            copied: Pixels = (array if grey else array[:, :, :3]).copy()
            return copied
        finally:
            page.close()

    def png(self, index: int, ppi: float) -> bytes:
        """A whole page as a PNG."""
        return encode_png(self.pixels(index, ppi))


@contextmanager
def opened(source: BinaryIO | bytes) -> Iterator[Document]:
    """A document that is closed when the block ends."""
    document = Document(source)
    try:
        yield document
    finally:
        document.close()


def encode_png(pixels: Pixels) -> bytes:
    """Pixels as a PNG without metadata."""
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "PNG", optimize=False)
    return out.getvalue()
