"""Carriers: read from data, zones on any envelope, and what they say about a format's shape."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from cardpipe.catalog.carriers import load_carriers, read_carriers
from cardpipe.catalog.press import formats
from cardpipe.lettershop.carrier import Carrier, Zone
from cardpipe.model.errors import Refused
from cardpipe.model.finding import Level
from cardpipe.model.units import Box, Size, inch, mm

A7 = Size(inch(7.25), inch(5.25))


def plain(usps: Carrier) -> dict[str, object]:
    return usps.model_dump(exclude={"name"}, exclude_none=True)


def test_the_zones_of_usps_on_an_a7_envelope(usps: Carrier) -> None:
    zones = usps.zones
    assert zones.read.on(A7) == Box(inch(0.5), inch(0.625), inch(6.25), inch(2.125))
    assert zones.barcode.on(A7) == Box(inch(2.5), 0, inch(4.75), inch(0.625))
    assert zones.postage.on(A7) == Box(inch(5.5), inch(4), inch(1.75), inch(1.25))
    assert zones.fim is not None
    assert zones.fim.on(A7) == Box(inch(4.25), inch(4.625), inch(1.25), inch(0.625))


def test_zones_end_at_the_envelopes_edges() -> None:
    zone = Zone.model_validate({"right": "0in", "width": "9in", "bottom": "1in", "top": "1in"})
    assert zone.on(A7) == Box(0, inch(1), A7.width, inch(3.25))


@pytest.mark.parametrize("name", ["A7", "A7T", "A2", "IA6"])
def test_built_in_formats_are_machinable_letters(usps: Carrier, name: str) -> None:
    assert usps.judge_shape(formats()[name]) == []


@pytest.mark.parametrize(
    ("width", "height", "code", "level"),
    [
        (inch(5.25), inch(5.25), "carrier.aspect", Level.WARNING),  # the square card
        (inch(9.5), inch(3.6), "carrier.aspect", Level.WARNING),
        (mm(229), mm(162), "carrier.size.large", Level.ERROR),  # C5 is a flat in the USA
        (inch(4.5), inch(3.4), "carrier.size.small", Level.ERROR),
    ],
)
def test_shapes_that_cost_or_are_no_letters(
    usps: Carrier, width: float, height: float, code: str, level: Level
) -> None:
    found = usps.judge_shape(replace(formats()["A7"], envelope=Size(width, height)))
    assert (code, level) in [(finding.code, finding.level) for finding in found]
    assert all(finding.remedy for finding in found)


def test_either_side_may_come_first(usps: Carrier) -> None:
    upright = replace(formats()["A7"], envelope=Size(inch(5.25), inch(7.25)))
    assert usps.judge_shape(upright) == []


def test_thickness_and_weight(usps: Carrier) -> None:
    a7 = formats()["A7"]
    found = {
        "thin": usps.judge_shape(replace(a7, stock_mm=-0.05)),
        "thick": usps.judge_shape(replace(a7, stock_mm=4)),
        "heavy": usps.judge_shape(replace(a7, stock_gsm=2500)),
        "step": usps.judge_shape(replace(a7, stock_gsm=600)),
    }
    assert [f.code for f in found["thin"]] == ["carrier.thickness.thin"]
    assert [f.code for f in found["thick"]] == ["carrier.thickness.thick"]
    assert [f.code for f in found["heavy"]] == ["carrier.weight.heavy"]
    assert [(f.code, f.level) for f in found["step"]] == [("carrier.weight.step", Level.WARNING)]


def test_a_carrier_writes_only_what_differs(usps: Carrier) -> None:
    made = read_carriers(
        {"usps": plain(usps), "near": {"based_on": "usps", "title": "Near", "address": {"start": 0.42}}}
    )["near"]
    assert (made.name, made.title, made.address.start, made.address.size) == ("near", "Near", 0.42, 11)
    assert made.zones == usps.zones


def test_mistakes_come_all_at_once(usps: Carrier) -> None:
    bad = {
        "a": {**plain(usps), "colour": "red", "origin": "us"},
        "b": {"based_on": "nobody"},
        "c": {"based_on": "c"},
    }
    with pytest.raises(Refused) as caught:
        read_carriers(bad)
    assert [(f.code, f.where) for f in caught.value.findings] == [
        ("carrier.data", "a.origin"), ("carrier.data", "a.colour"),
        ("carrier.based_on", "b.based_on"), ("carrier.based_on", "c.based_on"),
    ]  # fmt: skip


def test_lengths_carry_units_and_zones_are_whole() -> None:
    with pytest.raises(ValueError, match="not a length"):
        Zone.model_validate({"left": "3", "width": "1in", "bottom": "0in", "height": "1in"})
    with pytest.raises(ValueError, match="two of left"):
        Zone.model_validate({"left": "3in", "bottom": "0in", "height": "1in"})


def test_a_file_of_ones_own_adds_to_the_built_in_carriers(tmp_path: Path) -> None:
    own = tmp_path / "own.toml"
    own.write_text('[house]\nbased_on = "usps"\ntitle = "The house\'s own"\n', encoding="utf-8")
    assert sorted(load_carriers(own)) == ["house", "usps"]
    own.write_text("[house\n", encoding="utf-8")
    with pytest.raises(Refused, match=r"own\.toml"):
        load_carriers(own)
