"""An order says where the eye rests in its photos: pinned, composed, changed, and refused at its field."""

from __future__ import annotations

import hashlib
import io
from typing import Any

import numpy as np
import pytest
from PIL import Image
from shopfloor import SCOPE, House, order

from cardpipe.model.order import Order
from cardpipe.pipeline import bulk, compose, pinned
from cardpipe.pipeline.change import change, merged
from tests.prepress.picturemaking import scene

HEAD = "reference,occasion,message,recipient.name"
RED, BLUE = (200, 30, 30), (20, 40, 200)
HOME = {"occasion": "just-because", "design": "home-row"}
BOTH = {"occasion": "job-completed", "design": "job-well-done"}


def halves(width: int = 3000, height: int = 1200) -> bytes:
    """Red at its left, blue at its right: what a crop shows is told by its colour."""
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[:, : width // 2], pixels[:, width // 2 :] = RED, BLUE
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "JPEG", quality=90)
    return out.getvalue()


def shown(house: House, key: str = "R-1") -> dict[str, tuple[int, int, int, int]]:
    """Which part of each photo the stored piece would print."""
    piece, crops = house.store.order(SCOPE, key).pieces[0], {}
    develop = house.darkroom.develop

    def noted(data: bytes, asked: Any) -> Any:
        made = develop(data, asked)
        crops[asked.where.removeprefix("photos.")] = made.crop
        return made

    house.darkroom.develop = noted  # type: ignore[method-assign]
    pinned.forget()  # developed before, perhaps, for another card
    try:
        compose.make(house, piece)
    finally:
        house.darkroom.develop = develop  # type: ignore[method-assign]
    return crops


def found(verdict: Any) -> list[tuple[str, str]]:
    return [(finding.code, finding.where) for finding in verdict.findings]


def test_the_order_says_where_the_eye_rests(house: House) -> None:
    given = {"a": halves()}
    for number, focus in enumerate((None, [0.0, 0.5], [1, 0.5]), 1):
        said = {} if focus is None else {"photo_focus": focus}
        assert house.take(order(number, **HOME, photo="a", **said), given).order is not None
    middle, left, right = (shown(house, f"R-{number}")["home"] for number in (1, 2, 3))
    assert left[0] == 0 and right[0] + right[2] == 3000 and 0 < middle[0] < right[0]
    assert left[2:] == middle[2:] == right[2:], "the same size, another place"


def test_by_name_each_photo_has_its_own(house: House) -> None:
    said = {"before": [0.0, 0.0], "after": [1.0, 1.0]}
    verdict = house.take(order(**BOTH, photos={"before": "a", "after": "a"}, photos_focus=said), {"a": halves()})
    assert verdict.order is not None and verdict.order.pieces[0].spec["focus"] == said
    crops = shown(house)
    assert crops["before"][0] == 0 and crops["after"][0] + crops["after"][2] == 3000


def test_it_wins_over_faces_and_over_the_design(house: House) -> None:
    """With the focus no face is looked for, and none is missed: the customer knows the picture."""
    portrait = scene(100, (2200, 640))
    for number, said in enumerate(({}, {"photo_focus": [0.9, 0.5]}), 1):
        verdict = house.take(order(number, **HOME, photo="a", **said), {"a": portrait})
        assert verdict.order is not None, verdict.findings
    face, right = shown(house, "R-1")["home"], shown(house, "R-2")["home"]
    assert face[0] < 300 and right[0] > 1000
    bravo = order(3, occasion="congratulations", design="congratulations-bravo", photo="a", photo_focus=[0.0, 0.5])
    assert house.take(bravo, {"a": halves()}).order is not None
    assert shown(house, "R-3")["main"][0] == 0, "the design says the middle"


def test_an_order_without_one_pins_nothing_and_keeps_its_digest(house: House) -> None:
    """What was accepted before a focus could be said composes to the same bytes, and the same order sent again by an
    older CRM is the same order."""
    verdict = house.take(order(**HOME, photo="a"), {"a": halves()})
    assert verdict.order is not None and "focus" not in verdict.order.pieces[0].spec
    digest = "sha256:" + hashlib.sha256(halves()).hexdigest()
    asked = Order.model_validate(order(**HOME, photo=digest)).model_dump(mode="json", exclude_defaults=True)
    assert not {"photo_focus", "photos_focus"} & set(asked)
    house.run_steps()
    first = house.store.order(SCOPE, "R-1").pieces[0]
    assert first.composed and compose.make(house, first).card == first.composed.card


@pytest.mark.parametrize(
    "wrong", [[0.5], [0.5, 1.2], [-0.1, 0.5], ["0.5", "0.5"], [True, 0.5], [float("nan"), 0.5], "0.5 0.5", {"x": 0.5}]
)
def test_what_is_no_place_in_a_picture_is_refused_at_its_field(house: House, wrong: Any) -> None:
    given = {"a": halves(600, 400)}
    assert found(house.take(order(**HOME, photo="a", photo_focus=wrong), given)) == [("order.invalid", "photo_focus")]
    several = house.take(order(2, **BOTH, photos={"before": "a"}, photos_focus={"before": wrong}), given)
    assert found(several) == [("order.invalid", "photos_focus.before")]


@pytest.mark.parametrize(
    ("said", "where"),
    [
        ({"photo_focus": [0.5, 0.5]}, "photo_focus"),
        ({"photos_focus": {"sky": [0.5, 0.5]}}, "photos_focus.sky"),
        ({"photo": "a", "photos_focus": {"before": [0.5, 0.5]}}, "photos_focus.before"),
        ({"photos": {"before": "a", "after": "a"}, "photo_focus": [0.5, 0.5]}, "photo_focus"),
        ({"photos": {"before": "a", "after": "a"}, "photos_focus": {"home": [0, 0]}}, "photos_focus.home"),
    ],
)
def test_a_focus_without_its_photo_is_refused_at_its_field(house: House, said: dict[str, Any], where: str) -> None:
    verdict = house.take(order(**BOTH, **said), {"a": halves()})
    assert verdict.order is None and ("photo.focus.no_photo", where) in found(verdict)


def test_another_focus_is_another_revision(house: House) -> None:
    verdict = house.take(order(**HOME, photo="a", photo_focus=[0.0, 0.5]), {"a": halves()})
    assert verdict.order is not None
    house.run_steps()
    before = house.store.order(SCOPE, "R-1").pieces[0].composed

    def edit(patch: dict[str, Any], revision: int) -> Any:
        return change(house, SCOPE, "R-1", patch, revision, lambda ref, where: b"", "key:test")

    assert not edit({"photo_focus": [0, 0.5]}, 1).fresh, "the same place, written otherwise"
    assert edit({"photo_focus": [1.0, 0.5]}, 1).fresh
    house.run_steps()
    after = house.store.order(SCOPE, "R-1")
    assert after.revision == 2 and before and after.pieces[0].composed
    assert after.pieces[0].composed.card != before.card and after.pieces[0].composed.envelope == before.envelope
    assert edit({"photo_focus": [0.0, 0.5]}, 2).fresh
    house.run_steps()
    assert house.store.order(SCOPE, "R-1").pieces[0].composed == before, "the old focus is the old card, to the byte"


def test_a_focus_goes_with_the_picture_of_which_it_was_said() -> None:
    single = {"photo": "sha256:a", "photo_focus": [0.1, 0.1]}
    assert merged(single, {"photo": "sha256:b"}) == {"photo": "sha256:b"}
    assert merged(single, {"photo": "sha256:a"}) == single
    assert merged(single, {"photo": None}) == {}
    assert merged(single, {"photo": "sha256:b", "photo_focus": [0, 1]}) == {"photo": "sha256:b", "photo_focus": [0, 1]}
    assert merged(single, {"photos": {"main": "sha256:b"}}) == {"photos": {"main": "sha256:b"}}
    both = {"photos": {"x": "sha256:a", "y": "sha256:a"}, "photos_focus": {"x": [0, 0], "y": [1, 1]}}
    changed = merged(both, {"photos": {"x": "sha256:b"}})
    assert changed == {"photos": {"x": "sha256:b", "y": "sha256:a"}, "photos_focus": {"y": [1, 1]}}
    assert merged(both, {"photo": "sha256:c"}) == {"photo": "sha256:c"}


@pytest.mark.parametrize(
    ("patch", "focus"),
    [
        ({"ink": "sepia"}, {"home": [0.2, 0.5]}),
        ({"photo_focus": [0.8, 0.5]}, {"home": [0.8, 0.5]}),
        ({"photo_focus": None}, None),
        ({"photos_focus": {"home": [0.3, 0.5]}}, {"home": [0.3, 0.5]}),
    ],
)
def test_a_fetched_photo_keeps_its_focus_or_gets_another(
    house: House, monkeypatch: pytest.MonkeyPatch, patch: dict[str, Any], focus: Any
) -> None:
    monkeypatch.setattr(house, "fetch_picture", lambda url, where: halves())
    asked = order(**HOME, photo_url="https://p.example/1", photo_focus=[0.2, 0.5])
    assert house.take(asked).order is not None
    made = change(house, SCOPE, "R-1", patch, 1, lambda ref, where: b"", "key:test")
    assert made.order is not None, made.findings
    assert made.order.revision == 2 and made.order.pieces[0].spec.get("focus") == focus


@pytest.mark.parametrize("cell", ["0.3 0.2", "0.3, 0.2", "[0.3,0.2]", "0.3;0.2", ".3 .2"])
def test_a_file_says_it_in_a_column(cell: str) -> None:
    text = f'{HEAD},photo_focus,photos_focus.main\nA,birthday,Hi,Ana,"{cell}","{cell}"\n'
    (row,) = bulk.read(text.encode(), "o.csv")
    assert not row.findings
    assert (row.data["photo_focus"], row.data["photos_focus"]) == ([0.3, 0.2], {"main": [0.3, 0.2]})
    assert "photo_focus" in bulk.columns() and "photos_focus" in bulk.groups()


@pytest.mark.parametrize("cell", ["left", "0.3", "0.3 0.2 0.1", "nan 0.2", "30% 20%"])
def test_a_cell_that_is_no_place_is_found_by_its_line(cell: str) -> None:
    (row,) = bulk.read(f"{HEAD},photos_focus.main\nA,birthday,Hi,Ana,{cell}\n".encode(), "o.csv")
    assert [(f.code, f.where) for f in row.findings] == [("row.focus", "line 2 photos_focus.main")]


def test_a_face_at_the_edge_reaches_the_order_and_names_its_frame(house: House) -> None:
    """Faces far apart in a frame too narrow for both: the piece says so, and that a focus helps."""
    two = _two_faces()
    assert house.take(order(**BOTH, photos={"before": "a", "after": "a"}), {"a": two}).order is not None
    house.run_steps()
    composed = house.store.order(SCOPE, "R-1").pieces[0].composed
    assert composed is not None
    edges = [finding for finding in composed.findings if finding.code == "photo.face_at_edge"]
    assert {finding.where for finding in edges} == {"photos.before", "photos.after"}
    assert all("photos_focus" in finding.remedy for finding in edges)
    said = {"before": [0.05, 0.5], "after": [0.95, 0.5]}
    change(house, SCOPE, "R-1", {"photos_focus": said}, 1, lambda ref, where: b"", "key:test")
    house.run_steps()
    after = house.store.order(SCOPE, "R-1").pieces[0].composed
    assert after is not None and not [f for f in after.findings if f.code == "photo.face_at_edge"]


def _two_faces() -> bytes:
    whole = Image.new("RGB", (4000, 1200), (150, 160, 170))
    for left in (0, 3000):
        one = Image.open(io.BytesIO(scene(0, (560, 560)))).resize((1200, 1200))
        whole.paste(one.crop((0, 0, 1000, 1200)), (left, 0))
    out = io.BytesIO()
    whole.save(out, "JPEG", quality=92)
    return out.getvalue()
