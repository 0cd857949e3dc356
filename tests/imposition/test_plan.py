"""Plans, tried out as paper: print both sides, turn, cut, stack; then look at every card's corners."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import pytest
from formatmaking import FORMATS, card
from hypothesis import given
from hypothesis import strategies as st

from cardpipe.imposition.grid import SHEETS, lay
from cardpipe.imposition.plan import Place, Plan, plan
from cardpipe.model.errors import Bug, Refused
from cardpipe.model.units import Box, Size, inch, mm
from cardpipe.prepress.format import Format
from cardpipe.prepress.press import SheetSetup

Point = tuple[float, float]
SheetName = Literal["12x18", "13x19", "SRA3"]
NAMES: list[SheetName] = ["12x18", "13x19", "SRA3"]

#: print.md section 3, "N-up with full bleed and 6 mm margins": 12x18, 13x19, SRA3.
TABLE = {"A2": (4, 4, 2), "A6us": (2, 2, 2), "A7": (2, 2, 2), "IA6": (2, 4, 4), "IA5": (1, 2, 2), "DL": (2, 2, 2)}

#: Which corner of the reverse lies behind each corner of a panel, both as they are read. Whoever opens a card sees that
#: the left inside panel is the cover's reverse; corners: upper left, upper right, lower right, lower left.
SIDEWAYS = {"UL": "UR", "UR": "UL", "LR": "LL", "LL": "LR"}  # turned like a page of a book
BEHIND = {
    "side": {"front": ("left", SIDEWAYS), "back": ("right", SIDEWAYS)},
    "top": {
        "front": ("top", {"UL": "LL", "UR": "LR", "LR": "UR", "LL": "UL"}),  # the cover is lifted
        "back": ("bottom", SIDEWAYS),
    },
    "none": {"front": ("back", SIDEWAYS)},
}


def corners(box: Box, turned: bool) -> dict[str, Point]:
    """A panel's corners as it is read."""
    points = [(box.x, box.top), (box.right, box.top), (box.right, box.y), (box.x, box.y)]
    return dict(zip(("UL", "UR", "LR", "LL"), points[2:] + points[:2] if turned else points, strict=True))


def printed(place: Place, point: Point) -> Point:
    """Where a point of the page lands on its side of the sheet: what a press does with x, y and turned."""
    if place.turned:
        return place.x + place.media.width - point[0], place.y + place.media.height - point[1]
    return place.x + point[0], place.y + point[1]


def through(setup: SheetSetup, sheet: Size) -> Callable[[Point], Point]:
    """A point on the sheet's back, as seen from its front through the paper, when the sheet turned about an edge."""
    long_edge_is_upright = sheet.height > sheet.width
    if (setup.flip == "long-edge") == long_edge_is_upright:  # about an upright edge
        return lambda point: (sheet.width - point[0], point[1])
    return lambda point: (point[0], sheet.height - point[1])


@dataclass(frozen=True)
class Cut:
    """One card after cutting: what was printed on it, and where each panel's corners lie, seen from the front."""

    front: int | None
    back: int | None
    corners: dict[str, dict[str, Point]]


def cut(made: Plan, number: int) -> list[Cut]:
    """A sheet, printed, turned, printed, cut; its cards by the place in which they lie, from the upper left."""
    sheet, seen = made.sheet(number), through(made.setup, made.grid.sheet)
    cards = []
    for place in sheet.front:
        middle = place.x + place.media.width / 2, place.y + place.media.height / 2
        behind = [
            other
            for other in sheet.back
            if near(seen((other.x + other.media.width / 2, other.y + other.media.height / 2)), middle)
        ]
        assert len(behind) == 1 and (place.page, behind[0].page) == (0, 1)
        found: dict[str, dict[str, Point]] = {}
        for panel in made.format.panels.values():
            outside = panel.side == made.format.sides[0]
            for name, point in corners(panel.box, panel.turned).items():
                there = printed(place, point) if outside else seen(printed(behind[0], point))
                found.setdefault(panel.name, {})[name] = there
        cards.append(Cut(place.piece, behind[0].piece, found))
    return cards


def near(one: Point, other: Point) -> bool:
    return abs(one[0] - other[0]) < 0.01 and abs(one[1] - other[1]) < 0.01


def assert_back_to_back(format: Format, one: Cut) -> None:
    for name, (reverse, corner_behind) in BEHIND[format.fold].items():
        for corner, other in corner_behind.items():
            assert near(one.corners[name][corner], one.corners[reverse][other]), (name, corner)


def setups() -> st.SearchStrategy[SheetSetup]:
    return st.builds(
        SheetSetup,
        size=st.sampled_from(NAMES),
        order=st.sampled_from(["cut-and-stack", "step-and-repeat"]),
        flip=st.sampled_from(["long-edge", "short-edge"]),
    )


@given(st.sampled_from(sorted(FORMATS)), setups(), st.integers(1, 40))
def test_cut_and_stacked_the_pieces_are_in_mail_order(name: str, setup: SheetSetup, count: int) -> None:
    format = FORMATS[name]
    made = plan(count, format, setup)
    pile = [cut(made, number) for number in range(1, made.sheets + 1)]
    if setup.order == "cut-and-stack":
        held = [sheet[slot] for slot in range(made.grid.slots) for sheet in pile]
    else:
        held = [one for sheet in pile for one in sheet]
    assert [one.front for one in held] == [*range(count), *[None] * made.fillers]
    assert 0 <= made.fillers < made.sheets * made.grid.slots and made.sheets == -(-count // made.grid.slots)
    for one in held:
        assert one.front == one.back
        assert_back_to_back(format, one)


def test_every_format_on_every_sheet_turned_either_way() -> None:
    seen = 0
    for format in FORMATS.values():
        for size in NAMES:
            for flip in ("long-edge", "short-edge"):
                setup = SheetSetup(size=size, flip=flip)
                for one in cut(plan(3, format, setup), 1):
                    assert_back_to_back(format, one)
                    seen += 1
    assert seen > 2 * len(FORMATS) * len(NAMES)


@given(st.sampled_from(sorted(FORMATS)), setups(), st.integers(1, 40), st.data())
def test_a_piece_is_where_the_plan_says(name: str, setup: SheetSetup, count: int, data: st.DataObject) -> None:
    made = plan(count, FORMATS[name], setup)
    piece = data.draw(st.integers(0, count - 1))
    number, slot = made.where(piece)
    assert [place.slot for place in made.sheet(number).front if place.piece == piece] == [slot]
    everywhere = [p.piece for n in range(1, made.sheets + 1) for p in made.sheet(n).front if p.piece is not None]
    assert sorted(everywhere) == list(range(count))


@pytest.mark.parametrize("name", sorted(TABLE))
def test_as_many_as_the_table_says(name: str) -> None:
    assert tuple(lay(FORMATS[name], SheetSetup(size=size)).slots for size in NAMES) == TABLE[name]


def test_cards_that_fill_the_sheet_to_the_last_digit_fit() -> None:
    """Three times 145 mm are 435 mm, which is what 450 mm leave; binary figures say a hair less."""
    third = card("THIRD", "none", mm(250), mm(139), mm(3))
    assert int((mm(450) - 2 * mm(7.5)) / third.media.height) == 2
    assert lay(third, SheetSetup(size="SRA3", margin=mm(7.5))).slots == 3


@given(st.sampled_from(sorted(FORMATS)), setups(), st.integers(1, 9))
def test_cards_keep_apart_and_off_the_margins(name: str, setup: SheetSetup, count: int) -> None:
    made = plan(count, FORMATS[name], setup)
    whole = Box(0, 0, made.grid.sheet.width, made.grid.sheet.height)
    assert sorted((whole.width, whole.height)) == sorted((SHEETS[setup.size].width, SHEETS[setup.size].height))
    for side in made.sheet(1).sides:
        for at, place in enumerate(side):
            assert whole.inset(setup.margin).contains(place.box, slack=0.02)
            assert not any(place.box.overlaps(other.box) for other in side[at + 1 :])
        left, right = min(p.box.x for p in side), whole.width - max(p.box.right for p in side)
        low, high = min(p.box.y for p in side), whole.height - max(p.box.top for p in side)
        assert left == pytest.approx(right) and low == pytest.approx(high)


def test_print_md_tells_where_the_inside_lies() -> None:
    """Upright sheet, upright fold: long edge gives (W-x-w, y) unturned; short edge (x, H-y-h), turned."""
    for flip, turned in (("long-edge", False), ("short-edge", True)):
        made = plan(2, FORMATS["A7"], SheetSetup(size="12x18", flip=flip))  # type: ignore[arg-type]
        sheet = made.sheet(1)
        assert not made.grid.landscape and made.grid.slots == 2
        for front, back in zip(sheet.front, sheet.back, strict=True):
            beside = inch(12) - front.box.right, front.y
            over = front.x, inch(18) - front.box.top
            assert (back.x, back.y) == pytest.approx(over if turned else beside) and back.turned is turned
            assert not front.turned


def test_a_box_of_the_page_is_found_on_the_sheet() -> None:
    """The match code's place: by hand on a turned page, by the corners on all."""
    place = Place(0, 0, 1, 100, 200, True, Size(300, 150))
    assert place.on_sheet(Box(10, 20, 30, 40)) == Box(360, 290, 30, 40)
    for turned in (False, True):
        place = Place(0, 0, 1, 100, 200, turned, Size(300, 150))
        box = place.on_sheet(Box(10, 20, 30, 40))
        ends = sorted([printed(place, (10, 20)), printed(place, (40, 60))])
        assert (box.x, box.y) == ends[0] and (box.right, box.top) == ends[1]


def test_the_file_says_how_the_press_turns() -> None:
    assert plan(1, FORMATS["A7"], SheetSetup(size="SRA3")).duplex == "DuplexFlipLongEdge"
    assert plan(1, FORMATS["A7"], SheetSetup(size="SRA3", flip="short-edge")).duplex == "DuplexFlipShortEdge"


def test_grain_runs_along_the_fold() -> None:
    """A7 lies on an upright sheet with an upright fold: long grain; the same card folded at the top: short grain."""
    grains = {name: plan(1, FORMATS[name], SheetSetup(size="12x18")).grain for name in ("A7", "A7T", "A2", "PF")}
    assert not lay(FORMATS["A7"], SheetSetup(size="12x18")).landscape
    assert lay(FORMATS["A7T"], SheetSetup(size="12x18")).landscape
    assert grains == {"A7": "long", "A7T": "long", "A2": "short", "PF": None}


def test_what_does_not_fit_is_refused_with_numbers() -> None:
    with pytest.raises(Refused) as caught:
        plan(1, card("A4", "side", mm(225), mm(297), mm(3)), SheetSetup(size="SRA3", margin=mm(4)))
    assert [finding.code for finding in caught.value.findings] == ["sheet.margin.small", "sheet.format.large"]
    assert "456.0 x 303.0 mm" in caught.value.findings[1].message
    assert "312.0 x 442.0 mm" in caught.value.findings[1].message


def test_no_sheet_beyond_the_last() -> None:
    made = plan(5, FORMATS["A2"], SheetSetup(size="12x18"))
    assert made.sheets == 2 and made.fillers == 3
    for number in (0, 3):
        with pytest.raises(Bug):
            made.sheet(number)
    with pytest.raises(Bug):
        made.where(5)
    with pytest.raises(Bug):
        plan(0, FORMATS["A2"], SheetSetup(size="12x18"))
