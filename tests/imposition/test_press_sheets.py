"""Plans as files: what the sheet merge writes of a plan is read back off the pixels, card by card."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path

import numpy as np
import pytest
from formatmaking import FORMATS

from cardpipe.catalog.press import profile
from cardpipe.imposition.marks import Slug, marks
from cardpipe.imposition.plan import Plan, plan
from cardpipe.lettershop.barcode import CARD_SLOT, match_code_marks
from cardpipe.lettershop.proving import PPI, read_codes
from cardpipe.model.batch import match_code
from cardpipe.model.units import POINTS_PER_INCH, Box, mm
from cardpipe.prepress import tumble
from cardpipe.prepress.font import Font
from cardpipe.prepress.format import Format
from cardpipe.prepress.fragment import Fragment, FragmentPage, build
from cardpipe.prepress.page import Mark, Page, Slot
from cardpipe.prepress.press import SheetSetup
from cardpipe.prepress.raster import Pixels, opened
from cardpipe.prepress.sheets import PlacedPage, SheetMerge
from cardpipe.prepress.typeset import Face
from cardpipe.prepress.writer import Fill, Shared
from cardpipe.prepress.xmp import Stamp

FACE = Face("arimo", Font((Path(__file__).parents[2] / "fonts" / "arimo" / "Arimo-Regular.ttf").read_bytes()))
ICC = profile("cp_TR006_300.icc")
DIGEST = hashlib.sha256(ICC).hexdigest()
SHARED = Shared(lambda _: [], lambda _: (FACE.font, "Arimo"), lambda _: ICC)
SLUG = Slug("20261121_CP_A7_B01_0005pc_v1", "CGATS TR 006", "2026-11-21")


def slot(format: Format, page: int) -> Slot:
    """A code on the back panel, and one on the inside: so that both sides of a sheet can be read."""
    panel = format.panels["back"] if page == 0 or format.fold == "none" else list(format.panels.values())[-1]
    if format.fold == "none" and page == 0:
        panel = format.panels["front"]
    box, turned = panel.place(
        Box(mm(12), panel.box.height - mm(12) - CARD_SLOT.height, CARD_SLOT.width, CARD_SLOT.height)
    )
    return Slot("match_code", box, turned)


def fragment(format: Format) -> Fragment:
    pages = [
        Page(page.name, page.size, page.trim, (*page.marks, slot(format, number)))
        for number, page in enumerate(tumble.pages(format, FACE))
    ]
    return Fragment(io.BytesIO(build(pages, f"icc:{DIGEST}")))


def filled(piece: int, page: int) -> Fill:
    def fill(_: FragmentPage, slot: Slot) -> tuple[Mark, ...]:
        code = match_code(36, piece + 1, "OI"[page])
        return match_code_marks(slot, code, f"{piece + 1:04d}/0005", FACE)

    return fill


def imposed(made: Plan) -> bytes:
    sink, card = io.BytesIO(), fragment(made.format)
    merge = SheetMerge(sink, SHARED, Stamp("sheets", "2026-11-21", DIGEST, "CGATS TR 006", "GRACoL", made.duplex))
    for number in range(1, made.sheets + 1):
        sheet = made.sheet(number)
        for side, places in enumerate(sheet.sides):
            placed = [
                PlacedPage(card, place.page, place.x, place.y, place.turned, filled(place.piece, place.page))
                for place in places
                if place.piece is not None
            ]
            merge.side(made.grid.sheet, made.grid.trim, placed, marks(made, sheet, side, SLUG, FACE))
    merge.finish()
    return sink.getvalue()


@pytest.mark.parametrize("name", ["A7", "A2T", "IA6", "DL", "PF"])
@pytest.mark.parametrize("flip", ["long-edge", "short-edge"])
def test_every_code_is_read_where_the_plan_says(name: str, flip: str) -> None:
    made = plan(5, FORMATS[name], SheetSetup(size="SRA3", flip=flip))  # type: ignore[arg-type]
    with opened(imposed(made)) as document:
        assert len(document) == 2 * made.sheets
        for number in range(1, made.sheets + 1):
            for side, places in enumerate(made.sheet(number).sides):
                for place in places:
                    region = place.on_sheet(slot(made.format, side).box).inset(-mm(1))
                    read = read_codes(document.pixels(2 * number - 2 + side, PPI, region))
                    wanted = [] if place.piece is None else [match_code(36, place.piece + 1, "OI"[side])]
                    assert read == wanted


@pytest.mark.parametrize("flip", ["long-edge", "short-edge"])
@pytest.mark.parametrize("name", ["A7", "A2T", "DL", "PF"])
def test_held_against_the_light_inside_and_outside_agree(name: str, flip: str) -> None:
    """The sheet turned as its press turns it: seen through the paper, the cut and fold lines of both sides coincide,
    and so do the cards, whichever way the press turns."""
    made = plan(2, FORMATS[name], SheetSetup(size="12x18", flip=flip))  # type: ignore[arg-type]
    with opened(imposed(made)) as document:
        front, back = (document.pixels(side, 72) for side in (0, 1))
    about_upright = (flip == "long-edge") != made.grid.landscape
    through: Pixels = back[:, ::-1] if about_upright else back[::-1]
    place = made.sheet(1).front[0]
    for box in lines(place.on_sheet(made.format.trim_box), made.format):
        assert dark(front, box) and dark(through, box)
    assert np.abs(front.astype(int) - through).max() > 200  # they are two sides, not one


def lines(trim: Box, format: Format) -> list[Box]:
    """Where a card's cut lines and fold stand on the sheet, half a millimetre wide."""
    near, far = 1.0, 2.0
    found = [
        Box(trim.x - near, trim.y, far, trim.height), Box(trim.right - near, trim.y, far, trim.height),
        Box(trim.x, trim.y - near, trim.width, far), Box(trim.x, trim.top - near, trim.width, far),
    ]  # fmt: skip
    if format.fold == "side":
        found.append(Box(trim.x + trim.width / 2 - near, trim.y, far, trim.height))
    elif format.fold == "top":
        found.append(Box(trim.x, trim.y + trim.height / 2 - near, trim.width, far))
    return found


def dark(pixels: Pixels, box: Box) -> bool:
    """Whether a line runs along the box: ink beside every half of its length."""
    unit, height = 72 / POINTS_PER_INCH, pixels.shape[0]
    rows = slice(round(height - box.top * unit), round(height - box.y * unit))
    part = pixels[rows, round(box.x * unit) : round(box.right * unit)].min(axis=2) < 230
    along = part.any(axis=0) if box.width > box.height else part.any(axis=1)
    half = len(along) // 2
    return bool(along[:half].mean() > 0.4 and along[half:].mean() > 0.4)
