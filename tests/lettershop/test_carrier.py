"""Carriers: read from data, zones on any envelope, and what they say about a format's shape."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from cardpipe.catalog.carriers import load_carriers, read_carriers
from cardpipe.catalog.press import formats
from cardpipe.lettershop.carrier import Carrier, Zone
from cardpipe.lettershop.mailing import Insert, Mailing
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


@pytest.mark.parametrize("name", sorted(formats()))
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


def insert(code: str = "price-list", **changes: object) -> Insert:
    facts = {"title": "Price list", "weight_g": 6.0, "thickness_mm": 0.2, "size": ["100mm", "150mm"], **changes}
    return Insert.model_validate({"code": code, **facts})


def test_inserts_weigh_and_are_thick(usps: Carrier) -> None:
    a7 = formats()["A7"]
    assert usps.judge_shape(a7, [insert()]) == []
    assert usps.weigh(a7, [insert(), insert()]) == pytest.approx(19.68 + 12, abs=0.01)
    (step,) = usps.judge_shape(a7, [insert(), insert()], paid="meter")
    assert (step.code, step.level) == ("carrier.weight.step", Level.WARNING)
    assert "31.7 g with 2 inserts" in step.message and "each pays 1.03 USD" in step.message
    assert usps.rates is not None and usps.rates.as_of in step.message
    (heavy,) = usps.judge_shape(a7, [insert(weight_g=90)])
    assert (heavy.code, heavy.level) == ("carrier.weight.heavy", Level.ERROR) and "insert" in heavy.remedy
    (thick,) = usps.judge_shape(a7, [insert(thickness_mm=5.5)])
    assert (thick.code, thick.level) == ("carrier.thickness.thick", Level.ERROR) and "6.44 mm" in thick.message


@pytest.mark.parametrize(
    ("size", "fits"),
    [(["100mm", "150mm"], True), (["150mm", "100mm"], True), (["5.1in", "7.1in"], True), (["5.2in", "6in"], False),
     (["4in", "8in"], False)],
)  # fmt: skip
def test_an_insert_slides_into_its_envelope(usps: Carrier, size: list[str], fits: bool) -> None:
    found = usps.judge_shape(formats()["A7"], [insert(size=size)])
    assert [f.code for f in found] == ([] if fits else ["carrier.insert.large"])
    if not fits:
        assert found[0].where == "inserts price-list" and "181 x 130 mm" in found[0].message


def test_prices_are_the_datas(usps: Carrier) -> None:
    """Nothing here repeats a price: it changes every year, and only in carriers.toml."""
    rates = usps.rates
    assert rates is not None and rates.sources and rates.as_of >= "2025"
    for grams, steps in ((5, 0), (28.35, 0), (28.4, 1), (56.7, 1), (99, 3)):
        for paid, first in (("stamp", rates.stamped), ("meter", rates.metered), ("permit", rates.metered)):
            for machinable in (True, False):
                found = usps.postage(grams, machinable, False, paid)  # type: ignore[arg-type]
                assert found.cents == first + steps * rates.additional + (0 if machinable else rates.nonmachinable)
                assert rates.as_of in found.what and ("not machinable" in found.what) != machinable
    abroad = usps.postage(19.7, True, True)
    assert abroad.cents == rates.international[0] and str(abroad).startswith(f"{abroad.cents / 100:.2f} USD: ")
    heavier = usps.postage(40, True, True)
    assert heavier.cents is None and "look it up" in str(heavier)


def test_a_surcharge_is_named_with_its_price(usps: Carrier) -> None:
    square = replace(formats()["A7"], envelope=Size(inch(5.25), inch(5.25)))
    (found,) = usps.judge_shape(square)
    assert usps.rates is not None
    assert f"each pays {(usps.rates.stamped + usps.rates.nonmachinable) / 100:.2f} USD" in found.message
    priceless = usps.model_copy(update={"rates": None})
    (found,) = priceless.judge_shape(square)
    assert "no prices" in found.message and "USD" not in found.message


def test_the_shops_service_and_endorsement_are_known(usps: Carrier) -> None:
    assert usps.judge_mailing(Mailing()) == []
    assert usps.judge_mailing(Mailing(service="270", endorsement="RETURN SERVICE REQUESTED")) == []
    found = usps.judge_mailing(Mailing(service="999", endorsement="Please return"))
    assert [(f.code, f.level) for f in found] == [
        ("mailing.service", Level.WARNING), ("mailing.endorsement", Level.ERROR),
    ]  # fmt: skip
    assert "ADDRESS SERVICE REQUESTED" in found[1].remedy
    assert usps.model_copy(update={"services": None}).judge_mailing(Mailing(service="999")) == []


def test_what_a_mailing_needs_is_dated(usps: Carrier) -> None:
    assert usps.presort is not None and usps.commercial_minimum == usps.presort.minimum == 500
    for dated in (usps.rates, usps.presort, usps.services):
        assert dated is not None and len(dated.as_of) == 10 and dated.sources
    assert usps.model_copy(update={"presort": None}).commercial_minimum is None


def test_a_carrier_writes_only_what_differs(usps: Carrier) -> None:
    made, found = read_carriers(
        ("one", {"usps": plain(usps)}),
        ("two", {"near": {"based_on": "usps", "title": "Near", "address": {"start": 0.42}, "rates": {"stamped": 99}}}),
    )
    near = made["near"]
    assert found == [] and near.rates is not None and usps.rates is not None
    assert (near.name, near.title, near.address.start, near.address.size) == ("near", "Near", 0.42, 11)
    assert near.zones == usps.zones and (near.rates.stamped, near.rates.metered) == (99, usps.rates.metered)


def test_mistakes_come_all_at_once(usps: Carrier) -> None:
    bad = {
        "a": {**plain(usps), "colour": "red", "origin": "us"},
        "b": {"based_on": "nobody"},
        "c": {"based_on": "c"},
        "d": {"based_on": "e"}, "e": {"based_on": "d"},
    }  # fmt: skip
    made, found = read_carriers(("own.toml", bad))
    assert made == {}
    assert [(f.code, f.where) for f in found] == [
        ("carrier.data", "own.toml a.origin"), ("carrier.data", "own.toml a.colour"),
        ("carrier.based_on", "own.toml b.based_on"), ("carrier.based_on", "own.toml c.based_on"),
        ("carrier.based_on", "own.toml d.based_on"), ("carrier.based_on", "own.toml e.based_on"),
    ]  # fmt: skip
    assert "circle" in found[-1].message


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
    with pytest.raises(Refused):
        load_carriers(tmp_path / "nowhere.toml")
