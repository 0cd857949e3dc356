"""Documents for people: only embedded fonts, the same bytes twice, nothing outside the margins, pages that turn."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pikepdf
import pytest

from cardpipe.model.errors import Bug
from cardpipe.prepress.canvas import LETTER, MARGIN, Column, Document, Picture
from cardpipe.prepress.raster import encode_png, opened

ARIMO = (Path(__file__).parents[2] / "fonts" / "arimo" / "Arimo-Regular.ttf").read_bytes()
COLUMNS = [Column("Check", 0.3), Column("Result", 0.6), Column("Pages", 0.1, "right")]


def sample(rows: int = 3) -> bytes:
    page = Document("Preflight of B01", ARIMO, footer="cardpipe · preflight")
    page.masthead("Preflight", "20261121_CP_A7_B01", "21 November 2026", "2", "warnings")
    page.heading("Checks")
    page.table(COLUMNS, [[f"check.{n}", "passed on every page " * 6, str(n)] for n in range(rows)])
    page.facts([("Name", "Łukasz Wiśniewski"), ("Place", "a long value " * 12), ("Third", "alone")])
    page.paragraph("Running text. " * 30)
    page.notes([("error", "first"), ("warning", "second " * 40), ("note", "third")])
    page.pictures([Picture(encode_png(np.full((50, 80, 3), 60, np.uint8)), "a caption")], 90)
    page.space(10)
    return page.finish()


def test_every_font_is_embedded_and_no_helvetica_leaks() -> None:
    data = sample()
    with pikepdf.open(io.BytesIO(data)) as pdf:
        fonts = [font for page in pdf.pages for font in page.Resources.Font.values()]
        assert fonts
        for font in fonts:
            assert "Helvetica" not in str(font.BaseFont)
            descriptor = font.FontDescriptor if "/FontDescriptor" in font else font.DescendantFonts[0].FontDescriptor
            assert "/FontFile2" in descriptor
    assert b"Helvetica" not in data


def test_the_bytes_are_always_the_same() -> None:
    assert sample() == sample()


def test_text_can_be_searched_with_its_diacritics() -> None:
    with opened(sample()) as document:
        text = " ".join(document.text(0).split())
    assert "Łukasz Wiśniewski" in text and "CHECKS" in text and "a caption" in text


def test_long_tables_turn_pages_and_repeat_their_head() -> None:
    with opened(sample(120)) as document:
        assert len(document) > 2
        texts = [document.text(index) for index in range(len(document))]
    assert "Result" in texts[0] and "Result" in texts[1]
    assert f"1 of {len(texts)}" in texts[0] and f"{len(texts)} of {len(texts)}" in texts[-1]
    assert all(f"check.{n}" in "".join(texts) for n in range(120))


@pytest.mark.parametrize("rows", [1, 60])
def test_no_ink_in_the_margins(rows: int) -> None:
    with opened(sample(rows)) as document:
        for index in range(len(document)):
            pixels = document.pixels(index, 72)
            edge = int(MARGIN) - 2
            assert (pixels < 200).any()
            assert np.all(pixels[:, :edge] > 250) and np.all(pixels[:, -edge:] > 250)
            assert np.all(pixels[: int(MARGIN) - 2] > 250) and np.all(pixels[-int(MARGIN) + 12 :] > 250)
            assert pixels.shape[:2] == (LETTER.height, LETTER.width)


def test_a_long_word_is_cut_and_never_runs_over() -> None:
    page = Document("t", ARIMO)
    page.paragraph("x" * 400)
    page.facts([("digest", "f" * 200)])
    with opened(page.finish()) as document:
        assert np.all(document.pixels(0, 72)[:, -int(MARGIN) + 2 :] > 250)


def test_characters_that_the_font_lacks_are_seen() -> None:
    page = Document("t", ARIMO)
    page.paragraph("a 王 b")
    with opened(page.finish()) as document:
        assert "a ? b" in document.text(0)


def test_a_font_of_ones_own_for_bold() -> None:
    page = Document("t", ARIMO, ARIMO)
    page.masthead("k", "Title")
    assert page.finish().startswith(b"%PDF")


def test_pictures_without_room_are_a_bug() -> None:
    page = Document("t", ARIMO)
    with pytest.raises(Bug):
        page.pictures([Picture(encode_png(np.zeros((10, 10, 3), np.uint8)))], 10)
