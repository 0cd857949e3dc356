"""Marks: off every bleed, at every cut and fold, a slug line with room, fillers that cry out."""

from __future__ import annotations

from pathlib import Path

import pytest
from formatmaking import FORMATS
from hypothesis import given
from hypothesis import strategies as st

from cardpipe.imposition.marks import CLEAR, Slug, marks
from cardpipe.imposition.plan import Plan, plan
from cardpipe.model.errors import Refused
from cardpipe.model.units import Box, mm
from cardpipe.prepress.font import Font
from cardpipe.prepress.page import BLACK, REGISTRATION, Mark, Outline, Page, Rect, Text
from cardpipe.prepress.press import SheetSetup
from cardpipe.prepress.typeset import Face

FACE = Face("arimo", Font((Path(__file__).parents[2] / "fonts" / "arimo" / "Arimo-Regular.ttf").read_bytes()))
SLUG = Slug("20261121_CP_A7_B01_0212pc_v1", "CGATS TR 006", "2026-11-21")

setups = st.builds(
    SheetSetup,
    size=st.sampled_from(["12x18", "13x19", "SRA3"]),
    order=st.sampled_from(["cut-and-stack", "step-and-repeat"]),
    flip=st.sampled_from(["long-edge", "short-edge"]),
    margin=st.sampled_from([mm(5), mm(6)]),
)


def around(mark: Mark) -> Box:
    """The ink of a mark, or a little more."""
    if isinstance(mark, Text):
        low, high = FACE.font.descent * mark.size, FACE.font.cap_height * mark.size
        if mark.turned:
            return Box(mark.x - mark.width, mark.y - high, mark.width, high - low)
        return Box(mark.x, mark.y + low, mark.width, high - low)
    assert isinstance(mark, Rect | Outline)
    return mark.box


def of(made: Plan, number: int, side: int) -> tuple[list[Mark], list[Mark], list[Mark]]:
    """Marks of registration, the slug line, and what fills empty slots."""
    found = marks(made, made.sheet(number), side, SLUG, FACE)
    register = [mark for mark in found if isinstance(mark, Rect) and mark.ink == REGISTRATION]
    slug = [mark for mark in found if isinstance(mark, Text) and mark.text != "FILLER"]
    return register, slug, [mark for mark in found if mark not in register and mark not in slug]


@given(st.sampled_from(sorted(FORMATS)), setups, st.integers(1, 9), st.integers(0, 1))
def test_no_mark_touches_a_bleed_or_another_mark(name: str, setup: SheetSetup, count: int, side: int) -> None:
    made = plan(count, FORMATS[name], setup)
    register, slug, fill = of(made, made.sheets, side)
    whole = Box(0, 0, made.grid.sheet.width, made.grid.sheet.height)
    kept = made.grid.area.inset(-CLEAR)
    assert register and slug
    for at, mark in enumerate([*register, *slug]):
        assert whole.contains(around(mark), slack=0) and not around(mark).overlaps(kept)
        assert not any(around(mark).overlaps(around(other)) for other in [*register, *slug][at + 1 :])
    places = [place for place in made.sheet(made.sheets).sides[side] if place.piece is None]
    for mark in fill:
        assert any(place.on_sheet(made.format.trim_box).contains(around(mark)) for place in places)


@given(st.sampled_from(sorted(FORMATS)), setups)
def test_every_cut_and_fold_has_a_mark_at_both_ends(name: str, setup: SheetSetup) -> None:
    """Lines through the trims and folds, taken from where the cards lie, meet marks; no mark stands elsewhere."""
    made = plan(1, FORMATS[name], setup)
    area, format = made.grid.area, made.format
    for side in (0, 1):
        crops: set[tuple[str, float, bool]] = set()
        folds: set[tuple[str, float, bool]] = set()
        for mark in of(made, 1, side)[0]:
            assert isinstance(mark, Rect) and min(mark.box.width, mark.box.height) == 0.25
            upright = mark.box.top <= area.y or mark.box.y >= area.top
            middle = mark.box.x + mark.box.width / 2 if upright else mark.box.y + mark.box.height / 2
            before = mark.box.top <= area.y if upright else mark.box.right <= area.x
            into = {"crop": crops, "fold": folds}[mark.name]
            into.add(("x" if upright else "y", round(middle, 2), before))
        cut: set[tuple[str, float]] = set()
        fold: set[tuple[str, float]] = set()
        for place in made.sheet(1).sides[side]:
            trim = place.on_sheet(format.trim_box)
            cut |= {("x", round(x, 2)) for x in (trim.x, trim.right)} | {("y", round(y, 2)) for y in (trim.y, trim.top)}
            if format.fold == "side":
                fold.add(("x", round(trim.x + trim.width / 2, 2)))
            elif format.fold == "top":
                fold.add(("y", round(trim.y + trim.height / 2, 2)))
        assert_same(crops, {(*line, before) for line in cut for before in (True, False)})
        assert_same(folds, {(*line, before) for line in fold for before in (True, False)})


def assert_same(found: set[tuple[str, float, bool]], wanted: set[tuple[str, float, bool]]) -> None:
    """Equal up to the rounding of coordinates."""

    def all_in(one: set[tuple[str, float, bool]], other: set[tuple[str, float, bool]]) -> bool:
        return all(any(a == c and s == t and abs(v - w) < 0.03 for c, w, t in other) for a, v, s in one)

    assert all_in(found, wanted) and all_in(wanted, found)


def test_folds_are_dashed_and_crops_are_not() -> None:
    made = plan(2, FORMATS["A7"], SheetSetup(size="12x18"))
    register, _, _ = of(made, 1, 0)
    names = [mark.name for mark in register if isinstance(mark, Rect)]
    assert names.count("crop") == 2 * (2 + 4)  # two upright cuts and four level ones, at both ends
    assert names.count("fold") == 2 * 4  # four dashes a tick


def test_the_slug_line_tells_sheet_and_side() -> None:
    made = plan(5, FORMATS["A2"], SheetSetup(size="12x18"))
    said = [" ".join(m.text for m in of(made, 2, side)[1] if isinstance(m, Text)) for side in (0, 1)]
    for text, side in zip(said, ("outside", "inside"), strict=True):
        for part in (SLUG.batch, "sheet 2 of 2", side, SLUG.condition, "mail 2026-11-21"):
            assert part in text
    assert "4 piles, first upper left, then row by row" in said[0] and "piles" not in said[1]
    flat = plan(5, FORMATS["PF"], SheetSetup(size="12x18", order="step-and-repeat"))
    words = " ".join(m.text for m in of(flat, 1, 1)[1] if isinstance(m, Text))
    assert "back" in words and "piles" not in words


def test_a_slug_line_without_room_is_refused() -> None:
    made = plan(1, FORMATS["A7"], SheetSetup(size="12x18"))
    with pytest.raises(Refused) as caught:
        marks(made, made.sheet(1), 0, Slug("B" * 200, "CGATS TR 006", "2026-11-21"), FACE)
    assert [finding.code for finding in caught.value.findings] == ["sheet.slug.wide"]


@pytest.mark.parametrize("name", ["A7", "A2T", "IA6", "PF"])
def test_every_panel_of_a_filler_says_so_as_it_is_read(name: str) -> None:
    made = plan(1, FORMATS[name], SheetSetup(size="SRA3", flip="short-edge"))
    assert made.fillers
    for side in (0, 1):
        _, _, fill = of(made, 1, side)
        words = [mark for mark in fill if isinstance(mark, Text)]
        panels = [panel for panel in made.format.panels.values() if panel.side == made.format.sides[side]]
        places = [place for place in made.sheet(1).sides[side] if place.piece is None]
        assert len(words) == len(panels) * len(places) == sum(isinstance(mark, Outline) for mark in fill)
        for place in places:
            for panel in panels:
                box = place.on_sheet(panel.box)
                (word,) = [mark for mark in words if box.contains(around(mark))]
                assert word.text == "FILLER" and word.ink == BLACK
                assert word.turned == (panel.turned != place.turned)
                assert word.width > 0.4 * box.width or word.size > 0.2 * box.height
                middle = around(word).x + around(word).width / 2
                assert middle == pytest.approx(box.x + box.width / 2, abs=0.1)
    full = plan(made.grid.slots, FORMATS[name], SheetSetup(size="SRA3"))
    assert of(full, 1, 0)[2] == []


def test_equal_plans_give_equal_marks() -> None:
    made = plan(3, FORMATS["IA6"], SheetSetup(size="SRA3"))
    one, two = (marks(made, made.sheet(1), 0, SLUG, FACE) for _ in range(2))
    assert one == two
    assert "text" in Page("sheet", made.grid.sheet, made.grid.trim, one).dump()
