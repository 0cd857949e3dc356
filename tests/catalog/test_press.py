"""Presses and formats: what differs is written, the rest comes from the one below; what is wrong is said all at once."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from cardpipe.catalog import press as presses
from cardpipe.model.units import Size, inch, mm
from cardpipe.prepress.format import Format

#: Name → fold, flat sheet, envelope, duplex edge, grams of card and of envelope, millimetres closed (print.md section 3).
FORMATS: dict[str, tuple[str, Size, Size, str, float, float, float]] = {
    "A7": ("side", Size(inch(10), inch(7)), Size(inch(7.25), inch(5.25)), "Short", 13.5, 6.1, 0.94),
    "A7T": ("top", Size(inch(7), inch(10)), Size(inch(7.25), inch(5.25)), "Short", 13.5, 6.1, 0.94),
    "A7F": ("none", Size(inch(5), inch(7)), Size(inch(7.25), inch(5.25)), "Long", 6.8, 6.1, 0.60),
    "A2": ("side", Size(inch(8.5), inch(5.5)), Size(inch(5.75), inch(4.375)), "Short", 9.0, 4.0, 0.94),
    "A2T": ("top", Size(inch(5.5), inch(8.5)), Size(inch(5.75), inch(4.375)), "Short", 9.0, 4.0, 0.94),
    "A6": ("side", Size(inch(9), inch(6.25)), Size(inch(6.5), inch(4.75)), "Short", 10.9, 5.0, 0.94),
    "A6T": ("top", Size(inch(6.25), inch(9)), Size(inch(6.5), inch(4.75)), "Short", 10.9, 5.0, 0.94),
    "A6F": ("none", Size(inch(4.5), inch(6.25)), Size(inch(6.5), inch(4.75)), "Long", 5.4, 5.0, 0.60),
    "IA6": ("side", Size(mm(210), mm(148)), Size(mm(162), mm(114)), "Short", 9.3, 4.0, 0.94),
    "IA6T": ("top", Size(mm(148), mm(210)), Size(mm(162), mm(114)), "Short", 9.3, 4.0, 0.94),
    "DL": ("side", Size(mm(198), mm(210)), Size(mm(220), mm(110)), "Long", 12.5, 5.2, 0.94),
}


def test_every_format_is_in_this_table() -> None:
    assert set(presses.formats()) == set(FORMATS)


@pytest.mark.parametrize("name", sorted(FORMATS))
def test_the_numbers_of_a_format(name: str) -> None:
    fold, flat, envelope, edge, card_g, envelope_g, thick = FORMATS[name]
    made = presses.formats()[name]
    assert (made.fold, made.duplex) == (fold, f"DuplexFlip{edge}Edge")
    for one, other in ((made.flat, flat), (made.envelope, envelope)):
        assert (one.width, one.height) == (pytest.approx(other.width), pytest.approx(other.height))
    assert made.card_weight_g == pytest.approx(card_g, abs=0.06)
    assert made.envelope_weight_g == pytest.approx(envelope_g, abs=0.06)
    assert made.thickness_mm == pytest.approx(thick)
    assert made.envelope.width > made.envelope.height, "as it is addressed"
    long, short = max(made.trim.width, made.trim.height), min(made.trim.width, made.trim.height)
    assert 0 < made.envelope.width - long <= inch(0.6) and 0 < made.envelope.height - short <= inch(0.6)


def test_weights_that_were_measured_once() -> None:
    """print.md section 3: A7 19.7 g, of 350 gsm 21.9 g; ISO A6 in a C6 13.3 g."""
    a7 = presses.formats()["A7"]
    assert a7.weight_g == pytest.approx(19.7, abs=0.05)
    assert replace(a7, stock_gsm=350).weight_g == pytest.approx(21.9, abs=0.05)
    assert presses.formats()["IA6"].weight_g == pytest.approx(13.3, abs=0.05)


@pytest.mark.parametrize("name", sorted(FORMATS))
def test_panels_fill_the_trim_once_on_each_side(name: str) -> None:
    made: Format = presses.formats()[name]
    for side in made.sides:
        boxes = [panel.box for panel in made.panels.values() if panel.side == side]
        assert len(boxes) == (1 if made.fold == "none" else 2)
        assert all(made.trim_box.contains(box) for box in boxes)
        area = made.trim_box.width * made.trim_box.height
        assert sum(box.width * box.height for box in boxes) == pytest.approx(area)
        assert not (len(boxes) == 2 and boxes[0].overlaps(boxes[1]))
    turned = {panel.name for panel in made.panels.values() if panel.turned}
    assert turned == ({"back"} if made.fold == "top" else set())
    assert made.panels[made.code_panel].side == made.sides[0 if made.fold != "none" else 1]


def with_presses(**more: dict[str, Any]) -> tuple[dict[str, Any], list[Any]]:
    return presses.build_presses(("presses.toml", more))  # type: ignore[return-value]


def test_a_press_writes_only_what_differs() -> None:
    found, wrong = with_presses(
        small={"based_on": "digital-coated", "pieces_per_file": 50}, smaller={"based_on": "small", "title": "Mine"}
    )
    assert wrong == [] and found["small"].pieces_per_file == found["smaller"].pieces_per_file == 50
    assert found["smaller"].condition == found["digital-coated"].condition and found["smaller"].title == "Mine"


def test_a_press_may_differ_from_the_shipped_one_of_its_name() -> None:
    found, wrong = with_presses(**{"digital-coated": {"based_on": "digital-coated", "max_ink": 280}})
    assert wrong == [] and found["digital-coated"].max_ink == 280
    derived = next(press for name, press in found.items() if name == "offset-x1a")
    assert derived.max_ink == 280, "what is based on it follows"
    assert presses.presses()["digital-coated"].max_ink == 300


def test_everything_wrong_with_a_press_is_said() -> None:
    bad = {"based_on": "digital-coated", "output": "X-9", "pieces_per_file": 0, "colour": "red"}
    found, wrong = with_presses(bad=bad, worse={"title": "nothing else"})
    assert "bad" not in found and "digital-coated" in found
    assert {f.where for f in wrong if " bad." in f.where} == {
        "presses.toml bad.output", "presses.toml bad.pieces_per_file", "presses.toml bad.colour",
    }  # fmt: skip
    assert sum(f.message == "is missing" and " worse." in f.where for f in wrong) >= 5


@pytest.mark.parametrize(
    ("more", "code", "told"),
    [
        ({"a": {"based_on": "b"}, "b": {"based_on": "a"}}, "press.based_on", "circle"),
        ({"a": {"based_on": "nobody"}}, "press.based_on", "no press 'nobody'"),
        ({"a": {"based_on": "a"}}, "press.based_on", "below it"),
        ({"a/b": {"based_on": "digital-coated"}}, "press.name", "no name"),
        ({"a_b": {"based_on": "digital-coated"}}, "press.name", "no name"),
        ({"a": {"based_on": "digital-coated", "name": "b"}}, "press.data", "square brackets"),
    ],
)
def test_a_wrong_base_or_name_is_refused(more: dict[str, Any], code: str, told: str) -> None:
    _, wrong = with_presses(**more)
    assert {f.code for f in wrong} == {code} and told in wrong[0].message and wrong[0].remedy


@pytest.mark.parametrize(
    "row",
    [{"stock_gsm": float("inf")}, {"trim": ["5", "7in"]}, {"trim": ["0in", "7in"]}, {"stock": "a|b"}, {"fold": "z"}],
)
def test_a_format_is_measured(row: dict[str, Any]) -> None:
    made, wrong = presses.build_formats(("formats.toml", {"own": {"based_on": "A7", **row}}))
    assert "own" not in made and wrong and all(f.code == "format.data" for f in wrong)


def test_every_profile_ships_and_is_one() -> None:
    assert presses.presses()
    for press in presses.presses().values():
        assert presses.profile(press.profile)[36:40] == b"acsp"
