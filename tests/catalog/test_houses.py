"""houses.toml: who prints what. Every mistake is found with the others, before an order is taken."""

from __future__ import annotations

from pathlib import Path

import pytest

from cardpipe.catalog import press as shipped
from cardpipe.catalog.houses import build_houses
from cardpipe.catalog.shopfolder import read_shop
from cardpipe.delivery.target import parse
from cardpipe.lettershop.house import House, taking
from cardpipe.lettershop.mailing import Mailing, Permit
from cardpipe.model.errors import Refused
from cardpipe.model.finding import Finding

PRESSES, FORMATS = shipped.presses(), shipped.formats()
OURS = Mailing(postage="permit", permit=Permit(office="Boston MA", number="12"), endorsement="Return Service Requested")


#: What the delivery itself would refuse: said before a card is accepted, and not when its batch is released.
NO_PLACES = (
    "file:///", "sftp://north.test/in", "sftp:///in", "sftp://u@h:abc/in", "sftp://u@h:99999/x", "file:///a/../b",
    "sftp://u@h/in?x", "sftp://u@h/in\nx",
)  # fmt: skip


def read(**tables: dict[str, object]) -> tuple[dict[str, House], list[Finding]]:
    return build_houses(PRESSES, FORMATS, OURS, ("houses.toml", tables))


def test_the_first_that_takes_a_piece_gets_it() -> None:
    made, findings = read(
        flat={"press": "digital-13x19", "formats": ["A7"]},
        abroad={"press": "digital-coated", "countries": ["DE", "AT"]},
    )
    assert not findings and list(made) == ["flat", "abroad"]

    def goes(format: str, country: str) -> str:
        found = taking(made.values(), format, country)
        return found.name if found else "the shop"

    assert [goes("A7", "US"), goes("A7", "DE"), goes("A2", "DE"), goes("A2", "US")] == [
        "flat", "flat", "abroad", "the shop",
    ]  # fmt: skip


def test_a_house_is_based_on_another_one() -> None:
    made, findings = read(
        north={
            "press": "digital-coated",
            "title": "North",
            "formats": ["A7"],
            "delivery": "sftp://cards@north.test/in",
        },
        south={"based_on": "north", "title": "South", "formats": ["A2"]},
    )
    assert not findings and made["south"].delivery == made["north"].delivery and made["south"].called == "South"


@pytest.mark.parametrize(
    ("table", "code", "key"),
    [
        ({"press": "none"}, "house.press", "press"),
        ({}, "house.data", "press"),
        ({"press": "digital-coated", "formats": ["A8"]}, "house.format", "formats"),
        ({"press": "digital-coated", "countries": ["ZZ"]}, "house.country", "countries"),
        ({"press": "digital-coated", "countries": ["usa"]}, "house.country", "countries"),
        ({"press": "digital-coated", "delivery": "ftp://north.test/in"}, "house.delivery", "delivery"),
        ({"press": "digital-coated", "delivery": "sftp://cards:pass-1@north.test/in"}, "house.delivery", "delivery"),
        ({"press": "digital-coated", "delivery": "sftp://[::1/in"}, "house.delivery", "delivery"),
        ({"press": "digital-coated", "mailing": {"postage": "stamps"}}, "house.data", "mailing.postage"),
        ({"press": "digital-coated", "countries": "DE"}, "house.data", "countries"),
        ({"press": "digital-coated", "countries": ["PR"]}, "house.country", "countries"),
        (
            {
                "press": "digital-coated",
                "mailing": {"postage": "meter", "permit": {"office": "Reno NV", "number": "1"}},
            },
            "house.permit",
            "mailing.permit",
        ),
        *(({"press": "digital-coated", "delivery": place}, "house.delivery", "delivery") for place in NO_PLACES),
        ({"press": ["digital-coated"]}, "house.data", "press"),
        ({"press": "digital-coated", "pres": 1}, "house.data", "pres"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(table: dict[str, object], code: str, key: str) -> None:
    _, (finding,) = read(north=table)
    assert (finding.code, finding.where) == (code, f"houses.toml north.{key}") and finding.remedy
    assert "pass-1" not in str(finding.as_dict()), "a password is never repeated"


@pytest.mark.parametrize("place", NO_PLACES)
def test_what_is_refused_here_is_no_place_for_the_delivery_either(place: str) -> None:
    with pytest.raises(Refused):
        parse(place)


def test_a_house_posts_as_the_shop_does_but_for_what_it_says() -> None:
    made, findings = read(
        north={"press": "digital-coated", "countries": ["US"], "mailing": {"permit": {"office": "Duluth MN"}}},
        south={"press": "digital-coated", "mailing": {"postage": "stamp"}},
    )
    assert not findings and made["north"].mailing is not None and made["south"].mailing is not None
    assert made["north"].mailing.permit == Permit(office="Duluth MN", number="12")
    assert made["north"].mailing.postage == "permit" and made["north"].mailing.endorsement == OURS.endorsement
    assert made["south"].mailing.postage == "stamp"


def test_all_that_is_wrong_is_said_at_once() -> None:
    _, findings = read(north={"press": "none", "formats": ["A8", "A9"], "countries": ["Germany"], "title": 7})
    assert sorted(finding.code for finding in findings) == [
        "house.country", "house.data", "house.format", "house.format", "house.press",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("first", "second", "never"),
    [
        ({}, {}, True),
        ({}, {"formats": ["A7"]}, True),
        ({"countries": ["US", "CA"]}, {"countries": ["CA"]}, True),
        ({"formats": ["A7"]}, {}, False),
        ({"formats": ["A7"], "countries": ["US"]}, {"formats": ["A7"]}, False),
        ({"countries": ["US"]}, {"countries": ["US", "DE"]}, False),
    ],
)
def test_a_house_that_never_gets_anything_is_a_mistake(
    first: dict[str, object], second: dict[str, object], never: bool
) -> None:
    _, findings = read(one={"press": "digital-coated", **first}, two={"press": "digital-coated", **second})
    assert [(f.code, f.where) for f in findings] == ([("house.never", "houses.toml two")] if never else [])


def test_it_is_judged_with_the_rest_of_the_folder(tmp_path: Path) -> None:
    """A house may print on a press and a format of the shop's own; a mistake there and one here are told together."""
    (tmp_path / "presses.toml").write_text('[mine]\nbased_on = "digital-coated"\ntitle = "Mine"\n')
    (tmp_path / "houses.toml").write_text('[north]\npress = "mine"\n')
    assert read_shop(tmp_path).houses["north"].press == "mine" and not read_shop(None).houses
    (tmp_path / "houses.toml").write_text('[north]\npress = "yours"\n')
    (tmp_path / "mailing.toml").write_text("stamps = 1\n")
    with pytest.raises(Refused) as caught:
        read_shop(tmp_path)
    assert sorted(f.code for f in caught.value.findings) == ["house.press", "mailing.data"]
