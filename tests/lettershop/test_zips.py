"""ZIP codes and their places: known without asking anybody, and never more certain than the list is."""

from __future__ import annotations

import re

import pytest

from cardpipe.lettershop import zips
from cardpipe.lettershop.countries import rules
from cardpipe.model.finding import Finding, Level

US = rules("US")
assert US is not None


def found(code: str, state: str, city: str, *, street: bool = True) -> list[Finding]:
    assert US is not None
    return zips.judge(code, state, city, "recipient", US.zips, street=street)


@pytest.mark.parametrize(
    ("code", "state", "city"),
    [("02139", "MA", "Cambridge"), ("63101", "MO", "Saint Louis"), ("63101-1234", "MO", "St. Louis"),
     ("00926", "PR", "Río Piedras"), ("00802", "VI", "Charlotte Amalie"), ("96910", "GU", "Hagåtña"),
     ("09114", "AE", "APO"), ("96601", "AP", "FPO"), ("34002", "AA", "DPO"), ("33019", "FL", "hollywood"),
     ("96817", "HI", "Honolulu"), ("99501", "AK", "ANCHORAGE"), ("55102", "MN", "St Paul"), ("06390", "NY", "Fishers Island")],
)  # fmt: skip
def test_places_that_agree(code: str, state: str, city: str) -> None:
    assert found(code, state, city, street=False) == []


@pytest.mark.parametrize(
    ("code", "wrong", "right"),
    [("02139", "CA", "MA"), ("06390", "CT", "NY"), ("83414", "ID", "WY"), ("99128", "ID", "WA"), ("09114", "AP", "AE"),
     ("00802", "PR", "VI"), ("20500", "MD", "DC")],
)  # fmt: skip
def test_another_state_is_a_contradiction_also_where_a_prefix_lies_in_two(code: str, wrong: str, right: str) -> None:
    (finding,) = found(code, wrong, "Anywhere")
    assert (finding.level, finding.code) == (Level.ERROR, "address.postcode.contradicts")
    assert f"write state {right}" in finding.remedy


def test_where_the_two_lists_contradict_each_other_nobody_is_refused() -> None:
    known = zips.find("09980")  # a military post office, by mistake in New Jersey
    assert known is not None and known.state == "NJ"
    assert found("09980", "AE", "DPO") == []


def test_a_state_that_is_not_known_contradicts_nothing() -> None:
    assert found("02139", "", "Cambridge") == []


def test_a_city_names_what_the_post_office_accepts_and_three_at_most() -> None:
    (finding,) = found("96910", "GU", "Springfield")
    assert (finding.level, finding.code) == (Level.WARNING, "address.city.postcode")
    assert finding.remedy.startswith("write Hagatna or ") and finding.remedy.count(" or ") == 3
    assert [one.code for one in found("09114", "AE", "FPO")] == ["address.city.postcode"]


@pytest.mark.parametrize(("code", "expected"), [("99999", "unknown"), ("00000", "unknown"), ("94199", "inactive")])
def test_a_miss_warns(code: str, expected: str) -> None:
    (finding,) = found(code, "MA", "Cambridge")
    assert (finding.level, finding.code) == (Level.WARNING, f"address.postcode.{expected}")


@pytest.mark.parametrize("code", ["", "2139", "O2139", "02139x", "٠٢١٣٩"])
def test_what_is_no_zip_code_is_not_found(code: str) -> None:
    assert zips.find(code) is None


def test_the_list_is_whole() -> None:
    """Nearly all states' every prefix, so that a package without its data is noticed."""
    known = [zip for number in range(0, 100_000, 7) if (zip := zips.find(f"{number:05d}"))]
    assert len(known) > 5_500
    assert len({zip.state for zip in known}) >= 55
    assert all(re.fullmatch("[A-Z]{2}", zip.state) and zip.cities[0] for zip in known)
