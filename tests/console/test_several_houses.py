"""Where a shop has several print and mail houses, the console says whose a batch is, and hands it to that house."""

from __future__ import annotations

from pathlib import Path

import pytest

from cardpipe.model.batch import Batch
from cardpipe.model.status import BatchState
from cardpipe.pipeline.gather import gather
from tests.console.conftest import Browse
from tests.console.floor import DAY, SCOPE, an_order, take
from tests.console.test_batch import act, now, text
from tests.pipeline.shopfloor import House

PLAIN = {"design": "thank-you-fern", "occasion": "thank-you", "photo": None}


@pytest.fixture
def two(seeded: House, tmp_path: Path) -> House:
    """North takes cards of format A7 and prints them as the shop does; south prints the same way, and gets the rest."""
    seeded.settings = seeded.settings.model_copy(
        update={"shop": tmp_path / "own", "delivery": (tmp_path / "shop's").as_uri()}
    )
    lists(
        seeded,
        f"""
[north]
title = "North Print & Mail"
press = "digital-coated"
formats = ["A7"]
delivery = "{(tmp_path / "north").as_uri()}"

[south]
press = "digital-coated"
delivery = "{(tmp_path / "south").as_uri()}"
""",
    )
    take(seeded, *(an_order(n, **PLAIN) for n in (3000, 3001)))
    seeded.run_steps()
    return seeded


def lists(house: House, text_: str) -> None:
    assert house.settings.shop is not None
    house.settings.shop.mkdir(exist_ok=True)
    (house.settings.shop / "houses.toml").write_text(text_)
    vars(house).pop("catalog", None)


@pytest.fixture
def northern(two: House) -> Batch:
    made = [batch for batch in gather(two, SCOPE, DAY) if batch.house == "north"]
    two.run_steps()
    return now(two, made[0])


def test_every_page_says_whose_a_batch_is(two: House, browse: Browse) -> None:
    operator = browse()
    assert "digital-coated house north" in text(operator.get(f"/close?day={DAY}").text)
    assert "digital-coated, north" in text(operator.get("/").text)
    (batch,) = [batch for batch in gather(two, SCOPE, DAY) if batch.house == "north"]
    assert "digital-coated, usps, house north" in text(operator.get("/batches").text)
    assert "House north" in text(operator.get(f"/batches/{batch.name}").text)


def test_it_goes_to_its_own_house_unless_another_is_chosen(
    two: House, northern: Batch, browse: Browse, tmp_path: Path
) -> None:
    operator = browse()
    asked = operator.get(f"/batches/{northern.name}/do/release").text
    said = text(asked)
    assert f"to North Print & Mail, {(tmp_path / 'north').as_uri()}" in said
    assert f"to south, {(tmp_path / 'south').as_uri()} instead, on the same press" in said
    assert "shop" not in said.partition("Where to")[2].partition("Not now")[0], (
        "the shop's own place is not its house's"
    )
    assert 'value="house:north" checked' in asked and asked.count(" checked") == 1
    act(operator, northern, "release", way="house:north", count=str(northern.pieces))
    two.run_steps()
    assert now(two, northern).state is BatchState.RELEASED
    assert list((tmp_path / "north").rglob("*.done")) and not (tmp_path / "south").exists()


def test_another_house_on_the_same_press_takes_over(
    two: House, northern: Batch, browse: Browse, tmp_path: Path
) -> None:
    act(browse(), northern, "release", way="house:south", count=str(northern.pieces))
    two.run_steps()
    assert list((tmp_path / "south").rglob("*.done")) and not (tmp_path / "north").exists()


@pytest.mark.parametrize(
    "way", ["house:west", "house:file:///srv/else", "house:sftp://me@evil.test/in", "shop", "house", ""]
)
def test_what_is_none_of_the_choices_is_refused(
    two: House, northern: Batch, browse: Browse, tmp_path: Path, way: str
) -> None:
    """``house`` alone is its own house, as the form of a shop without a list says it."""
    operator = browse()
    answer = operator.send_form(f"/batches/{northern.name}/do/release", {"way": way, "count": str(northern.pieces)})
    if way == "house":
        assert answer.status_code == 303 and now(two, northern).target == (tmp_path / "north").as_uri()
    else:
        assert answer.status_code == 422 and now(two, northern).target is None


@pytest.mark.parametrize("delivery", ["", 'delivery = "sftp://north.test/in"\n'])
def test_a_house_without_a_place_leaves_the_download(
    two: House, northern: Batch, browse: Browse, delivery: str
) -> None:
    lists(two, f'[north]\npress = "digital-coated"\nformats = ["A7"]\n{delivery}')
    asked = browse().get(f"/batches/{northern.name}/do/release").text
    assert "House north, for which this is made, has no place for files that can be used" in text(asked)
    assert asked.count('type="radio"') == 1 and 'value="download" checked' in asked


def test_a_list_that_cannot_be_read_keeps_nobody_from_holding_a_batch(
    two: House, northern: Batch, browse: Browse
) -> None:
    lists(two, "[north]\n")
    operator = browse()
    assert operator.get(f"/batches/{northern.name}/do/hold").status_code == 200
    assert 'value="download" checked' in operator.get(f"/batches/{northern.name}/do/release").text
    (piece,) = list(two.store.members(northern.id))[:1]
    assert operator.get(f"/orders/{piece.order_id}").status_code == 200
