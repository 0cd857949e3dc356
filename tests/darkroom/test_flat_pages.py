"""Photos of a form in the limited child: the same page as without it, and no answer that is not one."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from cardpipe.darkroom import LimitedDarkroom, frames
from cardpipe.model.errors import Refused
from cardpipe.prepress import scan
from cardpipe.prepress.formsheet import PAGE_HEIGHT, PAGE_WIDTH, FlatPage

sys.path.append(str(Path(__file__).parents[1] / "prepress"))
from formfilling import filled, photographed
from strokehand import StrokePen


def test_the_child_lays_a_page_flat() -> None:
    photo = photographed(filled(2, StrokePen()), width=1900)
    with LimitedDarkroom() as room:
        page = room.flatten(photo, "two.jpg")
        assert page == scan.flatten(photo, "two.jpg")
        assert page.number == 2 and page.pixels().shape == (PAGE_HEIGHT, PAGE_WIDTH)
        for bad in (b"", b"\xff\xd8\xff\xdb broken", b"%PDF-1.7", photo[: len(photo) // 2]):
            with pytest.raises(Refused) as caught:
                room.flatten(bad, "two.jpg")
            assert all(
                finding.code.startswith("scan.") and finding.where == "two.jpg" for finding in caught.value.findings
            )
        assert room.flatten(photo, "two.jpg") == page, "the next one works"


def test_an_answer_that_is_no_page_is_not_believed() -> None:
    page = FlatPage(1, bytes(PAGE_WIDTH * PAGE_HEIGHT), 7.5)
    header, body = frames.result_header(page)
    assert frames.flat(header, body) == page
    for wrong in ({"number": 10}, {"number": "1"}, {"density": float("inf")}, {"density": "much"}, {"findings": [{}]}):
        with pytest.raises(frames.BadFrame):
            frames.flat({**header, **wrong}, body)
    with pytest.raises(frames.BadFrame):
        frames.flat(header, body[:-1])
