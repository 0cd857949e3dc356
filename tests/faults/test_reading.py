"""The drill's own eye: what it reads off a page is what stands there."""

from __future__ import annotations

import pypdfium2 as pdfium
import pytest

from tests.faults import reading
from tests.faults.placing import Wish


def test_a_corner_of_a_photo_is_no_code(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of 8,000 photos one was seen as a Micro QR as well, at just this size; the card was right."""
    wish = Wish(1276, "alder", "plain", photo=True)
    opened = []

    def keep(data: bytes) -> pdfium.PdfDocument:
        opened.append(real(data))
        return opened[-1]

    real = pdfium.PdfDocument
    monkeypatch.setattr(reading.pdfium, "PdfDocument", keep)
    reading._looks([wish], "2026-11-30")
    assert reading._decoded(*opened[-1]) == ((), (wish.says,))
