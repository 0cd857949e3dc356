"""A border lies within its frame, is of one width everywhere, and covers no part of the picture that it goes round."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np
import pytest
from piecemaking import ART_KEY, MEDIA, TRIM, X1A, fine_card, fragment, jpeg, look, merged, plates, plates_card
from pydantic import ValidationError

from cardpipe.catalog.press import formats
from cardpipe.catalog.shelf import Catalog
from cardpipe.model.units import Box, Points, mm
from cardpipe.prepress import card, frames
from cardpipe.prepress.content import Names, content
from cardpipe.prepress.design import Design, Frame
from cardpipe.prepress.page import BLACK, Art, Ink, Page, Photo, Rim
from cardpipe.prepress.photo import DevelopedPhoto
from cardpipe.prepress.raster import opened
from cardpipe.settings import Settings

FRAME: Box = Box(20, 60, 96, 64)
WIDE: Points = mm(2)
PPI = 720


def framed(clip: str, radius: Points = 0.0) -> Photo:
    """A white photo in a black border of 2 mm, on the green of the art."""
    reach = WIDE - mm(0.1)
    rim = Rim(BLACK, WIDE, reach, radius)
    inner = FRAME.inset(reach)
    return Photo(inner, jpeg((255, 255, 255)), 48, 32, clip=clip, radius=max(0.0, radius - reach), rim=rim)


def drawn(photo: Photo) -> np.ndarray:
    """The page's brightness, 10 pixels a point: white where the photo is, black where the border is."""
    pages = fine_card()
    pages[0] = Page("outside", MEDIA, TRIM, (Art(ART_KEY), photo))
    with opened(merged([fragment(pages)])) as document:
        return np.asarray(document.pixels(0, PPI)).astype(int).sum(axis=2)[::-1]


def black(page: np.ndarray, start: tuple[float, float], towards: tuple[float, float]) -> Points:
    """How long a line from a point is black, in points."""
    steps = np.arange(0, 14, 0.05)
    x = ((start[0] + steps * towards[0]) * PPI / 72).astype(int)
    y = ((start[1] + steps * towards[1]) * PPI / 72).astype(int)
    return float((page[y, x] < 240).sum() * 0.05)


@pytest.mark.parametrize(("clip", "radius"), [("rect", 0.0), ("rounded", mm(4)), ("rounded", mm(1)), ("ellipse", 0.0)])
def test_it_is_as_wide_as_it_says_on_every_side(clip: str, radius: Points) -> None:
    page = drawn(framed(clip, radius))
    x, y = FRAME.x + FRAME.width / 2, FRAME.y + FRAME.height / 2
    sides = [((FRAME.x - 2, y), (1.0, 0.0)), ((FRAME.right + 2, y), (-1.0, 0.0)),
             ((x, FRAME.y - 2), (0.0, 1.0)), ((x, FRAME.top + 2), (0.0, -1.0))]  # fmt: skip
    for start, towards in sides:
        assert black(page, start, towards) == pytest.approx(WIDE, abs=0.25)
        at = int(start[1] * PPI / 72), int(start[0] * PPI / 72)
        assert page[at] > 240, "outside of the frame is the art"


@pytest.mark.parametrize("angle", [20, 45, 70])
def test_round_an_ellipse_it_keeps_its_width(angle: int) -> None:
    """Two ellipses one within the other would be up to 6 % too thin here."""
    page, (a, b), t = drawn(framed("ellipse")), (FRAME.width / 2, FRAME.height / 2), math.radians(angle)
    normal = (b * math.cos(t), a * math.sin(t))
    length = math.hypot(*normal)
    n = (normal[0] / length, normal[1] / length)
    outer = (FRAME.x + a + a * math.cos(t) + n[0], FRAME.y + b + b * math.sin(t) + n[1])
    assert black(page, outer, (-n[0], -n[1])) == pytest.approx(WIDE, abs=0.25)


def test_in_a_rounded_corner_it_keeps_its_width() -> None:
    page, radius = drawn(framed("rounded", mm(4))), mm(4)
    n = math.sqrt(0.5)
    middle = (FRAME.right - radius, FRAME.top - radius)
    start = (middle[0] + (radius + 1) * n, middle[1] + (radius + 1) * n)
    assert black(page, start, (-n, -n)) == pytest.approx(WIDE, abs=0.25)


def test_no_paper_shows_between_picture_and_border() -> None:
    """Along every ray from the middle: photo, then border, then art, and no fourth colour between photo and border."""
    page = drawn(dataclasses.replace(framed("ellipse"), jpeg=jpeg((0, 0, 0))))
    x, y = FRAME.x + FRAME.width / 2, FRAME.y + FRAME.height / 2
    for angle in range(0, 360, 5):
        t = math.radians(angle)
        edge = np.array([FRAME.width / 2 * math.cos(t), FRAME.height / 2 * math.sin(t)])
        ray = np.array([(x, y)]) + np.arange(0, 0.99, 0.002)[:, None] * edge
        place = (ray * PPI / 72).astype(int)
        assert page[place[:, 1], place[:, 0]].max() < 240


def test_the_inspector_takes_it_in_both_standards() -> None:
    for pages, lay, stamp in ((fine_card(), fragment, None), (plates_card(), plates, X1A)):
        outside = pages[0]
        rim = Rim(Ink("cream", 0.02, 0.04, 0.11, 0), WIDE, WIDE / 2)
        marks = tuple(dataclasses.replace(m, rim=rim) if isinstance(m, Photo) else m for m in outside.marks)
        data = merged(
            [lay([dataclasses.replace(outside, marks=marks), pages[1]])], **({"stamp": stamp} if stamp else {})
        )
        bare = merged([lay(pages)], **({"stamp": stamp} if stamp else {}))
        more = {"standard": "X-1a"} if stamp else {}
        assert [f.code for f in look(data, 1, **more).findings] == [f.code for f in look(bare, 1, **more).findings]


def test_a_photo_without_one_is_written_as_ever() -> None:
    mark = dataclasses.replace(framed("rect"), box=FRAME, rim=None)
    assert content([mark], Names()) == b"q 20 60 96 64 re W n 96 0 0 64 20 60 cm /P0 Do Q\n"


def designed(**frame: Any) -> tuple[Design, Frame]:
    """The shipped design with an oval photo, its frame changed."""
    source = Catalog(Settings().designs, Settings().fonts).design("referral-two-birds")
    old = source.design.photos[0]
    asked = {"panel": "left", "field": "photos.team", "box": ("40mm", "50mm", "60mm", "40mm"), **frame}
    new = Frame.model_validate(asked)
    others = tuple(new if one is old else one for one in source.design.frame)
    return source.design.model_copy(update={"frame": others}), new


@pytest.mark.parametrize("clip", ["rect", "rounded", "ellipse"])
@pytest.mark.parametrize("fit", ["cover", "contain"])
def test_border_and_picture_fill_the_frame_and_no_more(clip: str, fit: str) -> None:
    design, frame = designed(clip=clip, fit=fit, radius="3mm", border={"width": "1.5mm", "ink": "coral"})
    layout = formats()[design.format]
    order = card.photo_orders(design, layout, 300, 150)["team"]
    assert order.width_pt == pytest.approx(mm(60 - 2 * 1.4)) and order.height_pt == pytest.approx(mm(40 - 2 * 1.4))
    assert order.knife_pt == pytest.approx((mm(0.1),) * 4), "a face under the border counts as cut"
    developed = DevelopedPhoto(b"", 9, 6, False, 300, (0, 0, 9, 6), order.width_pt, order.height_pt)
    one = card.Card(design, layout, None, BLACK, {"team": developed}, None, lambda p: b"", str)  # type: ignore[arg-type]
    mark = card._photo(one, frame, layout.panels["left"], developed)
    assert mark.rim is not None and (mark.rim.ink.name, mark.rim.radius) == ("coral", frame.radius)
    outer, _ = layout.panels["left"].place(frame.inner)
    whole = mark.box.inset(-mark.rim.reach)
    assert (whole.x, whole.y, whole.width, whole.height) == pytest.approx((outer.x, outer.y, outer.width, outer.height))


@pytest.mark.parametrize(
    ("frame", "words"),
    [
        ({"bleeds": True}, "bleeds"),
        ({"field": "signature"}, "for a photo"),
        ({"border": {"width": "0.1mm", "ink": "coral"}}, "0.25 to 10 mm"),
        ({"border": {"width": "11mm", "ink": "coral"}}, "0.25 to 10 mm"),
        ({"border": {"width": "9.9mm", "ink": "coral"}, "box": ("0mm", "0mm", "30mm", "30mm")}, "half"),
        ({"border": {"width": 3, "ink": "coral"}}, "no unit"),
        ({"border": {"width": "1mm"}}, "Field required"),
    ],
)
def test_a_border_that_cannot_be_is_refused(frame: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        designed(**{"border": {"width": "1mm", "ink": "coral"}, **frame})


def test_its_ink_is_one_of_the_palette() -> None:
    design, _ = designed(border={"width": "1mm", "ink": "no-such"})
    with pytest.raises(ValidationError, match="ink no-such is used"):
        Design.model_validate(design.model_dump() | {"frame": design.frame, "specimen": design.specimen})


@pytest.mark.parametrize(("right", "over"), [("85mm", True), ("100mm", False), ("100.1mm", False)])
def test_photos_of_one_panel_do_not_lie_over_each_other(right: str, over: bool) -> None:
    design, _ = designed(box=("40mm", "50mm", "60mm", "40mm"), border={"width": "1mm", "ink": "coral"})
    second = Frame.model_validate({"panel": "left", "field": "photos.two", "box": (right, "60mm", "20mm", "20mm")})
    both = design.model_copy(update={"frame": (*design.frame, second)})
    found = [f for f in frames.judge(both, formats()[design.format]) if f.code == "design.frame.overlap"]
    assert bool(found) is over and all("photos.t" in finding.where + finding.message for finding in found)
