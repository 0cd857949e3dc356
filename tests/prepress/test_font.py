"""Fonts measure, shape, confess what they lack, and give light outlines that stay true."""

from __future__ import annotations

import io
import struct
import unicodedata
from pathlib import Path

import numpy as np
import pytest
from fontTools.ttLib import TTFont

from cardpipe.catalog.fonts import Fonts, load_fonts
from cardpipe.model.errors import Refused
from cardpipe.prepress.font import Font
from cardpipe.prepress.outline import lighten
from cardpipe.prepress.wording import unwritable


@pytest.fixture(scope="module")
def fonts() -> Fonts:
    return load_fonts(Path(__file__).parents[2] / "fonts")


def test_x_height_is_measured_from_the_x(fonts: Fonts) -> None:
    assert fonts.face("caveat").font.x_height == pytest.approx(0.357)
    assert fonts.face("homemade-apple").font.x_height == pytest.approx(600 / 1024)
    for name in fonts.names("hand"):
        font = fonts.face(name).font
        assert font.extent(font.shape("x").glyphs[0]).top == pytest.approx(1.0)


def test_an_empty_text_is_an_empty_run(fonts: Fonts) -> None:
    run = fonts.face("arimo").font.shape("")
    assert run.glyphs == () and run.width == 0
    assert fonts.face("arimo").font.missing("") == []


def test_coverage_is_asked_of_the_shaper(fonts: Fonts) -> None:
    text = "Dear Štefan, Nguyễn Łukasz Zoë Ελένη Юлия"

    def lacks(name: str) -> str:
        return "".join(text[index] for index in fonts.face(name).font.missing(text))

    assert lacks("homemade-apple") == "ễΕλένηЮлия"
    assert lacks("reenie-beanie") == "ễΕλένηЮлия"
    assert lacks("caveat") == "Ελένη"  # ễ is composed, although the character map lacks it
    assert lacks("mynerve") == "Юлия"
    assert lacks("playpen-sans") == ""
    assert lacks("arimo") == ""


#: Letters whose accent is meant to stand beside them (a caron that is an apostrophe), or over them (ģ).
BESIDE = "ďĎľĽťŤģ"
LETTERS = [chr(code) for code in (*range(0xC0, 0x180), *range(0x1E02, 0x1EFA)) if chr(code) not in BESIDE]


def box(font: Font, text: str) -> tuple[float, float, float, float]:
    """The ink of a text in x-heights: left, foot, right, top."""
    run, pen, parts = font.shape(text), 0, []
    unit = 1 / (font.units * font.x_height)
    for glyph, advance, x, y in zip(run.glyphs, run.advances, run.x_offsets, run.y_offsets, strict=True):
        ink = font.extent(glyph)
        if ink.right > ink.left:
            left, low = (pen + x) * unit, y * unit
            parts.append((left + ink.left, low + ink.bottom, left + ink.right, low + ink.top))
        pen += advance
    lows, highs = zip(*[part[:2] for part in parts], strict=True), zip(*[part[2:] for part in parts], strict=True)
    return (*map(min, lows), *map(max, highs))  # type: ignore[return-value]


@pytest.mark.parametrize("name", [*load_fonts(Path(__file__).parents[2] / "fonts").names("hand"), "playpen-sans"])
def test_no_accent_stands_beside_its_letter(fonts: Fonts, name: str) -> None:
    """What a hand says that it can write is looked at: the ink of Ệ is no wider than that of E and a little."""
    face, looked, wrong = fonts.face(name), 0, []
    for letter in LETTERS:
        base, *accents = unicodedata.normalize("NFD", letter)
        if not accents or letter in face.faults or face.font.missing(letter) or face.font.missing(base):
            continue
        plain, whole = box(face.font, base), box(face.font, letter)
        looked += 1
        below = all(unicodedata.combining(accent) in (202, 220, 240) for accent in accents)
        room = 0.6 if "\u0303" in accents else 0.5  # a tilde is wide
        if max(whole[2] - plain[2], plain[0] - whole[0]) > room or (
            below and whole[3] - plain[3] > 0.3 and base != "i"
        ):
            wrong.append(letter)
    assert looked > 50 and wrong == []


def test_an_accent_without_a_place_counts_as_missing(fonts: Fonts) -> None:
    """Caveat has a circumflex and a dot, and no place for both on an E; HarfBuzz puts one beside it."""
    caveat, mynerve = fonts.face("caveat"), fonts.face("mynerve")
    assert caveat.font.missing("LỆ Hạnh Ngọc Nguyễn") == [1, 4] and mynerve.font.missing("ŏbz") == [0]
    assert caveat.font.missing(unicodedata.normalize("NFD", "Ḿ")) == [1]
    for name in fonts.names("hand"):
        assert unwritable(["LỆ Hạnh ŏ Aktaş Şahin Ḿ"], fonts.hand(name).faces) == []


def test_a_glyph_without_ink_does_not_count_as_coverage(fonts: Fonts) -> None:
    font = fonts.face("covered-by-your-grace").font
    assert font.missing("100%") == [3]  # the map has a percent sign, and it is blank
    assert font.missing("a b\u00a0c") == []


def test_alternates_never_come_twice_in_a_row(fonts: Fonts) -> None:
    for name in ("caveat", "mynerve", "playpen-sans"):
        for text in ("eeeee", "aaaaa", "ttttt", "lllll", "ooooo", "letter", "coffee", "Anna", "missing"):
            glyphs = fonts.face(name).font.shape(text).glyphs
            pairs = zip(text, text[1:], glyphs, glyphs[1:], strict=False)
            assert all(one != two for a, b, one, two in pairs if a == b), (name, text)


def test_a_glyph_that_misleads_is_never_set(fonts: Fonts) -> None:
    folder = fonts.folders["mynerve"]
    names = TTFont(io.BytesIO(folder.data)).getGlyphOrder()
    text = "banana Tucson running inn ssss missing"
    used = {names[glyph] for glyph in folder.face.font.shape(text).glyphs}
    assert "n.alt1" in used and not used & {"n.alt2", "s.alt2"}
    assert "n.alt2" in {names[glyph] for glyph in Font(folder.data).shape(text).glyphs}
    run = folder.face.font.shape("nn")
    assert run.advances == tuple(folder.face.font.advance(glyph) for glyph in run.glyphs)


def test_a_subset_keeps_glyph_ids_and_widths_and_is_small(fonts: Fonts) -> None:
    for name in fonts.folders:
        font = fonts.face(name).font
        glyphs = font.shape("Marisol" if name != "noto-emoji" else "\U0001f382").glyphs
        small = font.subset(glyphs)
        assert len(small) < len(font.data) / 2, name
        assert small == font.subset(reversed(glyphs))
        again = TTFont(io.BytesIO(small))
        order = again.getGlyphOrder()
        for glyph in glyphs:
            assert again["hmtx"][order[glyph]][0] == font.advance(glyph)
            assert again["glyf"][order[glyph]].numberOfContours != 0


def test_a_font_that_must_not_be_embedded_is_refused(fonts: Fonts) -> None:
    book = TTFont(io.BytesIO(fonts.folders["zeyada"].data))
    book["OS/2"].fsType = 0x0002
    out = io.BytesIO()
    book.save(out)
    with pytest.raises(Refused, match="fsType 0x0002"):
        Font(out.getvalue())
    for junk in (b"", b"%PDF-1.7", struct.pack(">IHHHH", 0x00010000, 0, 0, 0, 0)):
        with pytest.raises(Refused):
            Font(junk)


def test_light_outlines_stay_within_their_tolerance() -> None:
    """A ring of 60 small quadratics becomes few cubics that leave it by no more than asked."""
    angles = np.linspace(0, 2 * np.pi, 61)
    middle = (angles[1:] + angles[:-1]) / 2
    reach = 1 / np.cos(np.pi / 60)
    contour: list[tuple[float, ...]] = [(1.0, 0.0)]
    for m, a in zip(middle, angles[1:], strict=True):
        contour.append((reach * np.cos(m), reach * np.sin(m), np.cos(a), np.sin(a)))
    (outline,) = lighten([[contour]], 0.008)
    assert outline.kinds[0] == "m" and 4 <= outline.kinds.count("c") <= 12
    points = np.stack([outline.x[1:], outline.y[1:]], axis=1)
    t = np.linspace(0, 1, 20)[:, None]
    for at in range(0, len(points) - 3, 3):
        p0, p1, p2, p3 = points[at : at + 4]
        curve = (1 - t) ** 3 * p0 + 3 * t * (1 - t) ** 2 * p1 + 3 * t * t * (1 - t) * p2 + t**3 * p3
        assert np.abs(np.hypot(curve[:, 0], curve[:, 1]) - 1).max() < 0.012
    square: list[tuple[float, ...]] = [(0, 0), (1, 0), (1, 1), (0, 1)]
    (sharp,) = lighten([[square]], 0.008)
    assert set(sharp.kinds) == {"m", "l"} and len(sharp.kinds) == 5
    assert lighten([[]])[0].empty


def test_outlines_are_light_and_made_once(fonts: Fonts) -> None:
    font = fonts.face("homemade-apple").font
    glyphs = font.shape("Happy birthday").glyphs
    first = font.outlines(glyphs)[glyphs[0]]
    assert font.outlines(glyphs)[glyphs[0]] is first
    assert sum(len(font.outlines(glyphs)[glyph].kinds) for glyph in glyphs) / len(glyphs) < 30
    ink = font.extent(glyphs[0])
    assert first.x[1:].min() == pytest.approx(ink.left, abs=0.2)
    assert first.y[1:].max() == pytest.approx(ink.top, abs=0.2)
