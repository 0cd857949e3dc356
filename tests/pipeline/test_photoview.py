"""Photos of what is stuck, wherever they lie: uploaded, in a ZIP, or nowhere."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from cardpipe.model.errors import Refused
from cardpipe.model.intake import Row, RowState
from cardpipe.pipeline import intake, photoview
from cardpipe.pipeline.mapping import Columns
from cardpipe.settings import Settings
from tests.pipeline.shopfloor import DAY, SCOPE, House, order, picture

BRAVO = {"design": "congratulations-bravo", "occasion": "congratulations"}


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(Settings(data=tmp_path / "data"))


def row(request: dict[str, Any]) -> Row:
    return Row("ord_1", SCOPE, None, 1, "R-1", RowState.REFUSED, request, (), (), "")


def size(jpeg: bytes) -> tuple[int, int]:
    return Image.open(io.BytesIO(jpeg)).size


def test_a_piece_shows_its_photo_as_its_frame_takes_it(house: House) -> None:
    made = house.take(order(1, photo="a", **BRAVO), {"a": picture(1800, 1200)}).order
    assert made is not None
    (shot,) = photoview.of_piece(house, made.pieces[0])
    assert shot.name == "main" and shot.placed is not None and shot.placed.min_ppi == 150
    assert size(photoview.thumb(house, SCOPE, shot)) == (260, 173)
    assert max(size(photoview.drawn(house, SCOPE, shot))) == 760


def test_a_card_without_a_photo_has_none(house: House) -> None:
    made = house.take(order(1)).order
    assert made is not None and photoview.of_piece(house, made.pieces[0]) == []


def test_a_row_shows_what_was_uploaded_even_for_a_design_that_is_none(house: House) -> None:
    data = picture(300, 200)
    digest = house.artifacts.put(SCOPE, data)
    assert digest == hashlib.sha256(data).hexdigest()
    for design in (BRAVO, {"design": "no-such-design", "occasion": "x"}):
        (shot,) = photoview.of_row(house, row({"photo": f"sha256:{digest}", **design}))
        assert (shot.placed is not None) == (design is BRAVO)
        assert photoview.drawn(house, SCOPE, shot)


def test_a_row_of_a_zip_shows_the_picture_in_it(house: House) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as made:
        made.writestr("ana.jpg", picture(320, 240))
        made.writestr("orders.ndjson", json.dumps(order(1, photo="ana.jpg", **BRAVO)))
    source = house.artifacts.put(SCOPE, out.getvalue())
    taken = intake.take_in(house, SCOPE, "photos.zip", source, Columns(), {"mail_on": DAY}, dry_run=False, actor="x")
    house.run_steps()
    (refused,), _ = house.store.refused_rows(SCOPE, "photo.resolution.low")
    (shot,) = photoview.of_row(house, refused)
    assert size(photoview.thumb(house, SCOPE, shot, taken.id)) == (260, 195)
    with pytest.raises(Refused):
        photoview.thumb(house, SCOPE, shot)  # by itself a name in a ZIP names nothing


@pytest.mark.parametrize("photo", ["sha256:" + "0" * 64, "/etc/passwd", "../secret.jpg", "https://x.example/a.jpg"])
def test_what_does_not_lie_here_is_not_shown(house: House, photo: str) -> None:
    (shot,) = photoview.of_row(house, row({"photo": photo, **BRAVO}))
    with pytest.raises(Refused) as problem:
        photoview.thumb(house, SCOPE, shot)
    assert problem.value.findings[0].code == "photo.unknown"


@pytest.mark.parametrize(
    "asked", [{}, {"photo": 7}, {"photos": {"main": None}}, {"photos": "x"}, {"photo_url": "https://x"}]
)
def test_a_row_that_names_no_photo_has_none(house: House, asked: dict[str, Any]) -> None:
    assert photoview.of_row(house, row(asked)) == []


def test_what_is_no_picture_is_refused(house: House) -> None:
    digest = house.artifacts.put(SCOPE, b"not a picture at all")
    (shot,) = photoview.of_row(house, row({"photo": f"sha256:{digest}", **BRAVO}))
    with pytest.raises(Refused):
        photoview.drawn(house, SCOPE, shot)
