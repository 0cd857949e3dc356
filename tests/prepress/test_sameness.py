"""The meter is at its top where letters repeat, falls with each strength of disorder, and tells two hands apart; and the
pages that show it say what it says."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from cardpipe.catalog.fonts import Fonts, load_fonts
from cardpipe.model.errors import Bug, Refused
from cardpipe.prepress import raster, showing
from cardpipe.prepress.hand import STRENGTHS, write
from cardpipe.prepress.sameness import alphabet, compare, in_common, keys, shapes
from cardpipe.prepress.typeset import Layout, TextFrame, fit

FONTS = Path(__file__).parents[2] / "fonts"
ICC = Path(__file__).parents[2] / "cardpipe" / "catalog" / "sRGB.icc"
WORDS = "Dear Anna,\n\nthank you for the nectarines, and for teaching Ben to whistle.\n\nJune"
FRAME = TextFrame(246, 220, 8.0, 5.0, 3.5)


@pytest.fixture(scope="module")
def fonts() -> Fonts:
    return load_fonts(FONTS)


def laid(fonts: Fonts, name: str, words: str = WORDS) -> Layout:
    made = fit(fonts.hand(name), words, FRAME)
    assert isinstance(made, Layout), made
    return made


def test_every_letter_is_found_where_it_was_written(fonts: Fonts) -> None:
    layout = laid(fonts, "reenie-beanie")
    writing = write(layout, b"one")
    found = shapes(writing)
    points = np.concatenate([contour for shape in found for contour in shape])
    assert len(found) == len(keys(layout)) == writing.glyphs - sum(word.text.count(" ") for line in layout.lines
                                                                   for _, word in line.words)  # fmt: skip
    low, high = points.min(axis=0), points.max(axis=0)  # the box holds the curves' handles, too
    assert (low >= [writing.box.x - 0.01, writing.box.y - 0.01]).all() and (low < [2, writing.box.y + 1.5]).all()
    assert (high <= [writing.box.right + 0.01, writing.box.top + 0.01]).all()
    assert (high > [writing.box.right - 1.5, writing.box.top - 1.5]).all()


@pytest.mark.parametrize("name", ["caveat", "homemade-apple", "nothing-you-could-do"])
def test_more_disorder_is_less_sameness(fonts: Fonts, name: str) -> None:
    layout = laid(fonts, name)
    found = [compare(layout, write(layout, b"one", how), write(layout, b"two", how)) for how in STRENGTHS]
    assert (found[0].page, found[0].letters) == (1.0, 1.0) and (found[0].twins or 0) > 0.99, "a font was printed"
    for measure in ("page", "letters", "twins"):
        falling = [getattr(same, measure) for same in found]
        assert all(later < before - 0.01 for before, later in pairwise(falling)), measure
    natural = found[2]
    assert natural.page < 0.65 and 0.75 < natural.letters < 0.92, "no two alike, and all of one hand"
    assert natural.counted == len(keys(layout)) and natural.pairs > 20
    assert compare(layout, *[write(layout, b"one")] * 2).letters == 1.0


def test_two_hands_have_less_in_common_than_two_writings(fonts: Fonts) -> None:
    one, other = laid(fonts, "reenie-beanie"), laid(fonts, "homemade-apple")
    mine, theirs = alphabet(one, write(one, b"x", "lively")), alphabet(other, write(other, b"x", "lively"))
    assert {"D", "e", "a", "r"} <= mine.keys()
    assert in_common(mine, theirs) < 0.6 < in_common(mine, alphabet(one, write(one, b"y", "lively")))
    with pytest.raises(Refused, match="no letter"):
        in_common(mine, {})


def test_writings_of_two_messages_are_not_compared(fonts: Fonts) -> None:
    one, other = laid(fonts, "caveat"), laid(fonts, "caveat", "Dear Ben")
    with pytest.raises(Bug):
        compare(one, write(one, b"x"), write(other, b"x"))


def test_the_sheet_says_what_the_meter_says(fonts: Fonts) -> None:
    layout, printed = laid(fonts, "zeyada"), fonts.face("arimo")
    pair = write(layout, b"one"), write(layout, b"two")
    same = compare(layout, *pair)
    page = showing.comparison("zeyada", "natural", layout, pair, same, 0.41, printed)
    with raster.opened(showing.as_pdf([page], printed, ICC.read_bytes(), "sheet")) as document:
        said, pixels = document.text(0), document.pixels(0, 60)
    assert f"{same.letters:.1%}" in said and "41.0%" in said and f"{same.page:.1%}" in said
    blue, red = pixels[..., 2].astype(int) - pixels[..., 0], pixels[..., 0].astype(int) - pixels[..., 2]
    assert (blue > 60).sum() > 500 and (red > 60).sum() > 500, "both writings lie upon each other, in two inks"
    wide = fit(fonts.hand("zeyada"), WORDS, TextFrame(300, 200, 8, 5))
    assert isinstance(wide, Layout)
    with pytest.raises(Refused, match="wide"):
        showing.comparison("zeyada", "natural", wide, (write(wide, b"a"), write(wide, b"b")), same, 0.4, printed)


@pytest.mark.parametrize("name", load_fonts(FONTS).names("hand"))
def test_a_specimen_shows_every_letter_in_one_of_two_inks(fonts: Fonts, name: str) -> None:
    page = showing.specimen(fonts.hand(name), name, ["a line"], WORDS, fonts.face("arimo"), 8.2)
    rows = [mark for mark in page.marks if isinstance(mark, showing.Outline)]
    assert {mark.ink.name for mark in rows} == {"blue-black", "borrowed"}
    assert min(mark.box.y + min(y for _, y in inked(mark.path)) for mark in rows) > 36, "nothing falls off the page"
    written = sum(mark.path.count(b"f\n") for mark in rows)
    assert written >= sum(len(row.replace(" ", "")) for _, row in showing.ROWS)


def inked(path: bytes) -> list[tuple[float, float]]:
    """Where the letters of a path have their origins, in points."""
    x = y = 0.0
    found = []
    for row in path.decode().split("\n")[1:]:
        if row.endswith("cm"):
            figures = row.split(" ")
            x, y = x + float(figures[4]), y + float(figures[5])
            found.append((x * 0.01, y * 0.01))
    return found
