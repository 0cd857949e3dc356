"""Art made in the limited child: the same page as without it, and an answer that is none is not taken."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cardpipe.catalog.fonts import FontFolder, read_font
from cardpipe.darkroom import LimitedDarkroom, frames
from cardpipe.model.errors import Bug, Refused
from cardpipe.model.finding import warning
from cardpipe.model.units import mm
from cardpipe.prepress.art import ArtOrder, MadeArt
from cardpipe.prepress.photo import PhotoOrder
from cardpipe.prepress.svgart import make

ORDER = ArtOrder("designs/x/inside.svg", "svg", mm(60), mm(40), (("pen", "#0b2452", 100.0, 85.0, 25.0, 45.0),))
DRAWING = (
    b'<svg xmlns="http://www.w3.org/2000/svg" width="60mm" height="40mm" viewBox="0 0 60 40">'
    b'<g id="guides"><rect/></g>\n<rect x="10" y="10" width="20" height="10" fill="#0b2452"/></svg>'
)


@pytest.fixture(scope="module")
def darkroom() -> Iterator[LimitedDarkroom]:
    with LimitedDarkroom() as room:
        yield room


def test_the_same_page_with_and_without_the_child(darkroom: LimitedDarkroom) -> None:
    made = darkroom.art(DRAWING, ORDER)
    assert made == make(DRAWING, ORDER) == darkroom.art(DRAWING, ORDER)
    assert [finding.code for finding in made.findings] == ["svg.guides"]


def test_a_draft_brings_places(darkroom: LimitedDarkroom) -> None:
    draft = darkroom.art(DRAWING.replace(b"#0b2452", b"#ff0000"), replace(ORDER, draft=True, lines=(2, 9)))
    assert len(draft.places) == 1 and draft.places[0][0] == 2
    assert draft.places[0][1:] == pytest.approx((mm(10), mm(20), mm(20), mm(10)), abs=0.1)


def test_art_and_photos_take_turns(darkroom: LimitedDarkroom) -> None:
    for _ in range(2):
        with pytest.raises(Refused):
            darkroom.develop(b"no picture", PhotoOrder(72, 72, where="photos.main"))
        assert darkroom.art(DRAWING, ORDER).pdf


FONTS = Path(__file__).parents[2] / "fonts"
FACES = tuple(
    folder.art_face() for name in ("caveat", "mynerve") if isinstance(folder := read_font(FONTS / name), FontFolder)
)
WORDS = DRAWING.replace(
    b"<rect x", b'<text x="9" y="9" font-family="Mynerve" font-size="8" fill="#0b2452">letter</text><rect x'
)


def test_words_are_set_in_the_child_which_opens_no_file(
    darkroom: LimitedDarkroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The faces reach it as bytes, each once; with the settings of its font.toml (Mynerve is set without ligatures)."""
    order, told = replace(ORDER, faces=FACES), list[str]()
    send = frames.send

    def counted(fd: int, header: dict[str, Any], *rest: Any, **named: Any) -> None:
        told.append(header.get("what", header.get("do", "")))
        send(fd, header, *rest, **named)

    monkeypatch.setattr(frames, "send", counted)
    made = [darkroom.art(WORDS, order) for _ in range(3)]
    assert told == ["face", "face", "art", "art", "art"]
    assert made[0] == made[1] == made[2] == make(WORDS, order)
    assert len(made[0].pdf) > len(darkroom.art(DRAWING, ORDER).pdf)
    ligatures = replace(FACES[1], features=())
    assert darkroom.art(WORDS, replace(order, faces=(ligatures,))).pdf != made[0].pdf
    assert told.count("face") == 2, "another setting is no other file"
    with pytest.raises(Refused):
        darkroom.art(WORDS, ORDER)
    darkroom.close()
    assert darkroom.art(WORDS, order) == made[0] and told.count("face") == 4, "and a new child learns them anew"


def test_a_face_that_is_none_is_the_shops_own_fault(darkroom: LimitedDarkroom) -> None:
    broken = replace(FACES[0], data=b"no font", sha256="0" * 64)
    with pytest.raises(Bug, match="face of the shelf cannot be used"):
        darkroom.art(WORDS, replace(ORDER, faces=(broken,)))
    assert darkroom.art(WORDS, replace(ORDER, faces=FACES)).pdf, "and the child lives on"


def test_an_order_survives_the_pipe() -> None:
    order = replace(ORDER, draft=True, lines=(3, 4))
    assert frames.art_order(frames.order_header(order), {}) == order
    order, files = replace(order, faces=FACES), {face.sha256: face.data for face in FACES}
    header = frames.order_header(order)
    assert frames.art_order(json.loads(json.dumps(header)), files) == order
    assert len(json.dumps(header)) < 3000, "no font within"
    with pytest.raises(KeyError):
        frames.art_order(header, {})
    told = warning("svg.guides", "x", "there")
    made = MadeArt(b"%PDF-1.7", (told,), ((1, 2.0, 3.0, 4.0, 5.0),))
    header, body = frames.result_header(made)
    assert frames.made_art({**header, "places": [list(row) for row in made.places]}, body) == made


@pytest.mark.parametrize(
    ("header", "body"),
    [({"findings": [], "places": []}, b"<html>"), ({"findings": []}, b"%PDF-1.7"), ({"places": []}, b"%PDF-1.7"),
     ({"findings": [], "places": [[1, 2, 3, 4]]}, b"%PDF-1.7"), ({"findings": [], "places": [[1, "2", 3, 4, 5]]}, b"%PDF-1.7"),
     ({"findings": [], "places": [[1, 2, 3, 4, float("inf")]]}, b"%PDF-1.7"),
     ({"findings": [], "places": [[1, 2, 3, 4, float("nan")]]}, b"%PDF-1.7"),
     ({"findings": [], "places": [[1, 1, 1, 1, 1]] * 99}, b"%PDF-1.7")],
)  # fmt: skip
def test_an_answer_that_is_none_is_not_taken(header: dict[str, Any], body: bytes) -> None:
    with pytest.raises(frames.BadFrame):
        frames.made_art(header, body)
