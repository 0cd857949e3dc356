"""Photos and forms that are not good enough: each is refused by its code, with all that is wrong at once."""

from __future__ import annotations

import io
from dataclasses import replace
from functools import cache
from typing import Any

import cv2
import numpy as np
import pytest
from formfilling import BLUE, MM, PENCIL, RED, Pen, filled, photographed
from PIL import Image
from strokehand import StrokePen

from cardpipe.model.errors import Refused
from cardpipe.model.finding import Finding, Level
from cardpipe.prepress import formsheet as form
from cardpipe.prepress import ownhand, scan
from cardpipe.prepress.formsheet import FlatPage


@cache
def page(number: int = 1) -> np.ndarray:
    return filled(number, StrokePen())


def shot(number: int = 1, **how: Any) -> bytes:
    return photographed(page(number), **{"width": 1700, **how})


@cache
def flat(number: int) -> FlatPage:
    return scan.flatten(shot(number, width=2000))


def refused(data: bytes) -> tuple[Finding, ...]:
    with pytest.raises(Refused) as caught:
        scan.flatten(data, "IMG_1.jpg")
    assert all(finding.remedy and finding.where == "IMG_1.jpg" for finding in caught.value.findings)
    return caught.value.findings


def codes(findings: tuple[Finding, ...] | list[Finding]) -> set[str]:
    return {finding.code for finding in findings}


def errors(findings: list[Finding]) -> dict[str, Finding]:
    return {finding.code: finding for finding in findings if finding.level is Level.ERROR}


def drawn(number: int, draw: Any, **how: Any) -> FlatPage:
    """A page written with another pen, flattened from a fair picture."""
    return scan.flatten(photographed(filled(number, draw, **how), width=2000))


def test_a_fair_picture_is_taken_whichever_way_it_lies() -> None:
    good = flat(1)
    assert good.number == 1 and good.findings == () and good.density > 6
    seen = Image.open(io.BytesIO(shot(width=2000)))
    for way in (Image.Transpose.ROTATE_90, Image.Transpose.ROTATE_180):
        out = io.BytesIO()
        seen.transpose(way).save(out, "JPEG", quality=90)
        turned = scan.flatten(out.getvalue())
        assert turned.number == 1
        assert np.corrcoef(turned.pixels()[::8, ::8].ravel(), good.pixels()[::8, ::8].ravel())[0, 1] > 0.95
    ownhand.learn([good, flat(2)], "fair", "Fair")


@pytest.mark.parametrize(
    ("code", "how", "told"),
    [
        ("scan.markers", {"cover": (0.0, 0.0, 0.2, 0.14)}, "upper left"),
        ("scan.markers", {"cover": (0.0, 0.0, 1.0, 1.0)}, "0 of 4"),
        ("scan.small", {"width": 900}, "pixels a millimetre"),
        ("scan.dark", {"light": 0.22}, "too dark"),
        ("scan.blurred", {"blur": 3.2, "width": 1900}, "not sharp"),
        ("scan.curled", {"bow": 14.0}, "curled"),
    ],
)
def test_a_bad_picture_is_refused(code: str, how: dict[str, Any], told: str) -> None:
    findings = refused(shot(**how))
    (finding,) = [finding for finding in findings if finding.code == code]
    assert told in finding.message


def test_all_that_is_wrong_with_a_picture_is_said_at_once() -> None:
    assert codes(refused(shot(width=1000, light=0.25, shadow=0.9, bow=14.0, turn=0))) >= {
        "scan.small",
        "scan.dark",
        "scan.curled",
    }


def test_two_pages_in_one_picture_are_refused() -> None:
    both = cv2.resize(np.hstack([page(1), page(2)]), None, fx=0.75, fy=0.75, interpolation=cv2.INTER_AREA)
    wide = np.full((both.shape[0] * 2, both.shape[1], 3), 240, np.uint8)
    wide[: both.shape[0]] = both
    assert "scan.mixed" in codes(refused(photographed(wide, width=3000, blur=0.5)))


def test_red_ink_and_pencil_are_refused() -> None:
    red = photographed(filled(1, Pen("nothing-you-could-do", ink=RED)), width=1700)
    assert codes(refused(red)) == {"scan.red"}
    pale = errors(ownhand.judge([drawn(1, Pen("nothing-you-could-do", ink=PENCIL))], whole=False))
    assert "hand.ink.pale" in pale and "pencil" in pale["hand.ink.pale"].remedy


@pytest.mark.parametrize("data", [b"", b"%PDF-1.7 no picture", b"\xff\xd8\xff\xe0 cut off", b"GIF89a"])
def test_what_is_no_picture_is_refused(data: bytes) -> None:
    assert all(code.startswith("scan.") for code in codes(refused(data)))


def test_a_page_twice_or_missing_is_refused() -> None:
    with pytest.raises(Refused) as caught:
        ownhand.learn([flat(1), flat(1)], "mine", "Mine")
    assert {"hand.page.twice", "hand.page.missing"} <= codes(caught.value.findings)
    with pytest.raises(Refused) as caught:
        ownhand.learn([flat(2)], "mine", "Mine")
    assert set(errors(list(caught.value.findings))) == {"hand.page.missing"}
    assert "page 1" in caught.value.findings[0].message


def test_empty_cells_are_named_and_only_needed_ones_refuse() -> None:
    findings = ownhand.judge([drawn(1, StrokePen(), skip=("q", "T", "th"))], whole=False)
    empty = errors(findings)["hand.cell.empty"]
    assert "2 letters" in empty.message and empty.message.endswith("q T")
    assert not errors(ownhand.judge([flat(1)], whole=False))


def test_a_letter_over_its_cells_edge_is_kept_or_refused() -> None:
    class Over(StrokePen):
        """Writes the first g far to the right, into the next cell, and the second one a hair over its lower edge."""

        def __call__(self, page: np.ndarray, cell: form.Cell, x: float, y: float, chance: np.random.Generator) -> None:
            right = 6.0 * MM if (cell.text, cell.sample) == ("g", 0) else 0.0
            down = 4.6 * MM if (cell.text, cell.sample) == ("y", 1) else 0.0
            super().__call__(page, cell, x + right, y + down, chance)

    findings = [one for one in ownhand.judge([drawn(1, Over())], whole=False) if one.code == "hand.cell.touching"]
    worst = [one for one in findings if one.level is Level.ERROR]
    assert len(worst) == 1 and worst[0].where.startswith("g (page 1, row 2") and "outside" in worst[0].message
    assert [one.where[0] for one in findings if one.level is Level.WARNING] == ["y"]


def test_another_letters_shape_is_warned_of() -> None:
    class Mistaken(StrokePen):
        """Writes a k in the second cell of b."""

        def __call__(self, page: np.ndarray, cell: form.Cell, x: float, y: float, chance: np.random.Generator) -> None:
            wrong = (cell.text, cell.sample) == ("b", 1)
            super().__call__(page, replace(cell, text="k") if wrong else cell, x, y, chance)

    found = [one for one in ownhand.judge([drawn(1, Mistaken())], whole=False) if one.code == "hand.cell.lookalike"]
    assert [one.where for one in found] == ["b (page 1, row 1, column 5)"] and "like k" in found[0].message
    assert all(one.level is Level.WARNING for one in found)
    assert not [one for one in ownhand.judge([flat(1)], whole=False) if one.code == "hand.cell.lookalike"]


def test_a_dot_that_cannot_be_followed_is_refused() -> None:
    """A full stop of the size of a grain of dust is no full stop: without one nobody can end a sentence."""

    class Faint(StrokePen):
        def __call__(self, page: np.ndarray, cell: form.Cell, x: float, y: float, chance: np.random.Generator) -> None:
            if cell.text == ".":
                cv2.circle(page, (round(x), round(y)), 1, (150, 150, 150), -1)
            else:
                super().__call__(page, cell, x, y, chance)

    found = errors(ownhand.judge([flat(1), drawn(2, Faint())], whole=True))
    assert set(found) <= {"hand.cell.empty", "hand.cell.faint"} and found
    assert all(finding.message.endswith(" .") for finding in found.values())


def test_letters_of_a_wrong_size_are_refused() -> None:
    tiny = errors(ownhand.judge([drawn(1, Pen("nothing-you-could-do", x_height=1.1, ink=BLUE))], whole=False))
    assert "mm high" in tiny["hand.size"].message
