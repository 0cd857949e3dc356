"""The natural key: which orders look like the same card ordered twice, and which must never be taken for it."""

from __future__ import annotations

import datetime as dt
import re
import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cardpipe.lettershop.duplicate import FARTHEST, WINTER, YEARLY, is_yearly, judge_date, natural_key
from cardpipe.lettershop.personname import name_key, plain
from cardpipe.model.address import Address
from cardpipe.model.errors import Bug
from cardpipe.model.finding import Level
from cardpipe.settings import Settings

SECRET = b"a secret of the installation"
MAY = dt.date(2027, 5, 3)

ADDRESS = {"name": "John Smith", "street": "12 Main St", "city": "Cambridge", "state": "MA", "postcode": "02139"}


def key(
    changes: dict[str, str] | None = None,
    occasion: str = "birthday",
    occasion_date: dt.date | None = MAY,
    mail_on: dt.date = dt.date(2027, 4, 28),
    **other: object,
) -> str:
    terms: dict[str, object] = {"secret": SECRET, "tenant": "acme", "mode": "live", **other}
    recipient = Address.model_validate({**ADDRESS, **(changes or {})})
    return natural_key(
        recipient=recipient, occasion=occasion, occasion_date=occasion_date, mail_on=mail_on, **terms  # type: ignore[arg-type]
    )  # fmt: skip


def named(one: str, other: str) -> tuple[dict[str, str], dict[str, str]]:
    return {"name": one}, {"name": other}


def living(one: str, other: str) -> tuple[dict[str, str], dict[str, str]]:
    """Street lines; an upright bar is where the second begins."""
    (a, _, b), (c, _, d) = one.partition("|"), other.partition("|")
    return {"street": a, "street2": b}, {"street": c, "street2": d}


BERLIN = {"country": "DE", "city": "Berlin", "state": "", "postcode": "10115", "street": "Hauptstraße 5a"}
LONDON = {"country": "GB", "city": "London", "state": "", "postcode": "SW1A 1AA", "street": "12 High Street"}
DUBAI = {"country": "AE", "city": "Dubai", "state": "Dubai", "postcode": "", "street": "12 Marina Walk"}
BOX = {"street": "PO Box 12"}

SAME = [
    # the name
    named("John Smith", "JOHN  smith"),
    named("John Smith", "Mr. John Smith"),
    named("Jane Doe", "Prof. Dr. Jane Doe"),
    named("John Smith", "Smith, John"),
    named("John Smith", "John Q. Smith"),
    named("John Smith", "Smith, Dr. John Q."),
    named("John Smith", "John Smith, M.D."),
    named("John Smith", "John Smith Ph.D."),
    named("John Smith", "John Smith, Esq., Ph.D."),
    named("John Smith Jr", "John Smith, Jr."),
    named("John Smith Jr", "Smith, John Jr."),
    named("John Smith Jr", "Smith Jr., John"),
    named("John Smith Jr", "Mr John Q Smith Junior"),
    named("John Smith Jr", "John Smith, Ph.D., Jr."),
    named("John Smith III", "John Smith 3rd"),
    named("José Muñoz", "Jose Munoz"),
    named("José Muñoz", "Jose\u0301 Mun\u0303oz"),
    named("Søren Ødegård", "Soren Odegard"),
    named("Łukasz Groß", "Lukasz Gross"),
    named("Pat O'Brien", "Pat O’Brien"),
    named("Pat O'Brien", "Pat OBrien"),
    named("Mary-Jane Watson", "Mary Jane Watson"),
    named("Juan Pérez", "Sr. Juan Pérez"),
    named("J. R. Smith", "J.R. Smith"),
    named("J. D. Salinger", "Salinger, J.D."),
    named("John & Mary Smith", "John and Mary Smith"),
    named("John & Mary Smith", "Mr John and Mrs Mary Smith"),
    named("Mr & Mrs John Smith", "Mr. and Mrs. John Smith"),
    named("Acme, Inc.", "Acme Inc"),
    ({"company": "Acme"}, {}),  # the same person at work
    ({"name": "", "company": "Acme, Inc."}, {"name": "", "company": "ACME Inc"}),
    # the street
    living("12 Main St", "12 MAIN STREET"),
    living("12 Main St", "12 Main St."),
    living("12 N Main St", "12 North Main Street"),
    living("12 Main St NW", "12 Main Street, N.W."),
    living("12 Main St Apt 4", "12 Main Street|Apartment 4"),
    living("12 Main St Apt 4", "Apt 4|12 Main St"),
    living("12 Main St Apt 4", "12 Main St #4"),
    living("12 Main St Apt 4", "12 Main St, Unit 4"),
    living("12 Main St Apt 4B", "12 Main St|Apt 4-B"),
    living("12 Main St Apt 4B", "12 Main St|4B"),
    living("12 Martin Luther King Junior Boulevard Northwest|Apartment 1204", "12 Martin Luther King Junior Blvd NW Apt 1204"),  # too long to be joined on an envelope
    living("12 Fifth Avenue", "12 5th Ave"),
    living("12 Saint James Place", "12 St. James Pl"),
    living("12 Peña Blvd", "12 Pena Boulevard"),
    living("PO Box 12", "P.O. Box #12"),
    living("12 Main St|PO Box 5", "PO Box 5|12 Main St"),
    living("Rural Route 2 Box 5", "RR 2|Box 5"),
    # the place
    ({"postcode": "02139"}, {"postcode": "02139-4307"}),
    ({"postcode": "02139"}, {"city": "CAMBRIDGE", "state": "Massachusetts"}),
    ({**BOX, "postcode": "63101", "city": "St. Louis", "state": "MO"},
     {**BOX, "postcode": "63101", "city": "Saint Louis", "state": "MO"}),
    ({"country": "PR", "city": "San Juan", "state": "", "postcode": "00926"},
     {"country": "US", "city": "San Juan", "state": "PR", "postcode": "00926"}),
    # abroad
    (BERLIN, {**BERLIN, "street": "Hauptstr. 5 a"}),
    (BERLIN, {**BERLIN, "postcode": "D-10115", "city": "BERLIN"}),
    (LONDON, {**LONDON, "postcode": "sw1a1aa", "street": "12 High St."}),
    ({**LONDON, "street2": "Flat 4"}, {**LONDON, "street": "Flat 4, 12 High Street"}),
    (DUBAI, {**DUBAI, "city": "DUBAI"}),
]  # fmt: skip

OTHER = [
    named("John Smith", "Jane Smith"),
    named("John Smith", "John Smith Jr."),
    named("John Smith", "John Smith, Sr"),
    named("John Smith Jr", "John Smith Sr"),
    named("John Smith Jr", "John Smith II"),
    named("John Smith II", "John Smith III"),
    named("John Smith IV", "John Smith V"),
    named("Smith, John", "Smith, John, Jr."),
    named("Mr. Smith", "Mrs. Smith"),
    named("John Smith", "Mr. & Mrs. John Smith"),
    named("John Smith", "John & Mary Smith"),
    named("J. Smith", "John Smith"),
    named("J. R. Smith", "J. B. Smith"),
    named("John Smith", "John Quincy Smith"),
    named("James Thomas", "Thomas James"),
    named("John Smith", "The Smith Family"),
    named("Don Q Smith", "Q Smith"),
    named("か", "が"),
    named("राम", "रम"),
    named("李明", "李红"),
    ({"name": "", "company": "Acme"}, {"name": "", "company": "Acme West"}),
    living("12 Main St", "14 Main St"),
    living("12 Main St", "12 Main Ave"),
    living("12 Main St", "12 N Main St"),
    living("12 N Main St", "12 S Main St"),
    living("12 Main St", "12 Main St Apt 4"),
    living("12 Main St Apt 4", "12 Main St Apt 5"),
    living("12 Main St Apt 4", "4 Main St Apt 12"),
    living("12 Main St Apt 4", "12 Main St Fl 4"),
    living("12 Main St Bldg 2 Apt 4", "12 Main St Bldg 4 Apt 2"),
    living("1 22nd St", "12 2nd St"),
    living("12 Main St", "12A Main St"),
    living("12-34 Main St", "1234 Main St"),
    living("PO Box 12", "PO Box 21"),
    living("PO Box 12", "12 Main St"),
    living("12 Main St", "12 Main St|c/o Jones"),
    ({"postcode": "02139"}, {"postcode": "02138"}),
    (BERLIN, {**BERLIN, "street": "Hauptstraße 5b"}),
    (BERLIN, {**BERLIN, "country": "AT", "postcode": "1010"}),
    (DUBAI, {**DUBAI, "city": "Sharjah", "state": "Sharjah"}),
]  # fmt: skip


@pytest.mark.parametrize(("one", "other"), SAME)
def test_two_spellings_of_one_recipient(one: dict[str, str], other: dict[str, str]) -> None:
    assert one != other
    assert key(one) == key(other)


@pytest.mark.parametrize(("one", "other"), OTHER)
def test_two_recipients(one: dict[str, str], other: dict[str, str]) -> None:
    assert key(one) != key(other)


def day(text: str) -> dt.date:
    return dt.date.fromisoformat(text)


@pytest.mark.parametrize(
    ("occasion", "one", "other", "same"),
    [
        # occasion: (occasion_date, mail_on) of both; a dash is no occasion_date
        ("birthday", "2027-05-03 2027-04-28", "2027-05-03 2027-05-20", True),  # ordered again, late
        ("birthday", "2027-05-03 2027-04-28", "2027-05-04 2027-04-28", True),  # the CRMs differ by a day
        ("birthday", "2027-05-03 2027-04-28", "- 2027-04-30", True),
        ("birthday", "2027-05-03 2027-04-28", "2028-05-03 2028-04-28", False),
        ("birthday", "2027-01-02 2026-12-28", "2027-01-02 2027-01-04", True),
        ("birthday", "2027-01-02 2026-12-28", "2026-01-02 2025-12-28", False),
        ("home-anniversary", "2027-05-03 2027-04-28", "2027-05-20 2027-05-15", True),
        ("first-birthday", "2027-05-03 2027-04-28", "2027-05-20 2027-05-15", True),
        ("holiday", "- 2026-12-10", "- 2027-01-04", True),  # the same season, after New Year
        ("new-year", "2027-01-01 2026-12-28", "- 2026-12-20", True),
        ("holiday", "- 2026-12-10", "- 2027-12-10", False),
        ("holiday", "- 2027-01-04", "- 2027-12-10", False),
        ("thank-you", "- 2027-04-28", "- 2027-04-28", True),
        ("thank-you", "- 2027-04-28", "- 2027-04-29", False),
        ("thank-you", "2027-04-20 2027-04-28", "2027-04-20 2027-05-07", True),
        ("sympathy", "2027-04-20 2027-04-28", "2027-09-20 2027-09-28", False),  # two losses in one year
        ("job-completed", "- 2027-04-28", "- 2027-09-28", False),
    ],
)
def test_when_tells_two_cards_apart(occasion: str, one: str, other: str, same: bool) -> None:
    def of(text: str) -> str:
        celebrated, mailed = text.split()
        return key(None, occasion, None if celebrated == "-" else day(celebrated), day(mailed))

    assert (of(one) == of(other)) is same


def test_whose_and_what_for_tell_apart() -> None:
    keys = [key(), key(tenant="other"), key(mode="test"), key(secret=SECRET + b"2"), key(None, "anniversary"),
            key(None, "thank-you")]  # fmt: skip
    assert len(set(keys)) == len(keys)


def test_a_key_tells_nothing_and_never_changes() -> None:
    """Stored keys are compared for years: this value may only change together with the version of the rules."""
    assert key() == "37fe234465e32e743d463390326eb8a9051d9ba47000ebfd9036e70d6cbc161b"
    assert re.fullmatch("[0-9a-f]{64}", key())


def test_a_short_secret_is_a_bug_that_does_not_show_it() -> None:
    with pytest.raises(Bug) as caught:
        key(secret=b"short")
    assert "short" not in str(caught.value)


def test_the_occasions_of_the_designs_are_sorted_into_yearly_and_others() -> None:
    known = {
        occasion
        for path in Settings().designs.glob("*/design.toml")
        for occasion in tomllib.loads(path.read_text(encoding="utf-8"))["occasions"]
    }
    others = {
        "congratulations",
        "graduation",
        "job-completed",
        "just-because",
        "new-home",
        "referral",
        "sympathy",
        "wedding",
        "new-baby",
        "get-well",
        "farewell",
        "good-luck",
        "thank-you",
    }
    assert {occasion for occasion in known if is_yearly(occasion)} == {
        "anniversary",
        "birthday",
        "child-birthday",
        "holiday",
        "home-anniversary",
        "new-year",
    }
    assert {occasion for occasion in known if not is_yearly(occasion)} <= others, "a new occasion: is it yearly?"
    assert WINTER < YEARLY and not any(map(is_yearly, others))


def test_a_date_of_birth_is_no_occasions_date() -> None:
    mail_on = dt.date(2027, 4, 28)
    assert judge_date(None, mail_on) == judge_date(MAY, mail_on) == []
    assert judge_date(mail_on - dt.timedelta(days=FARTHEST), mail_on) == []
    (found,) = judge_date(dt.date(1980, 5, 3), mail_on)
    assert (found.level, found.code, found.where) == (Level.ERROR, "order.occasion_date.far", "occasion_date")
    assert "1980" not in found.message and "date of birth" in found.remedy


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Mr Smith", "mr smith"), ("Dr. Smith Jr.", "smith jr"), ("Madonna", "madonna"), ("Malcolm X", "malcolm x"),
        ("Junior Smith", "junior smith"), ("Md Rahman", "md rahman"), ("Dr Anh Do", "anh do"), ("J", "j"), ("...", ""),
        ("John V Smith", "john smith"), ("John Smith V", "john smith v"), ("Martin Luther King, Jr.", "martin luther king jr"),
        ("Smith, Jones & Co", "smith jones and co"), ("Mr and Mrs Smith", "mr and mrs smith"), ("& Co", "and co"),
        (", ,Jr.,", "jr"), ("Jr., II", "jr ii"), ("한 국", "한 국"), ("🎂 Ann 🎂 Lee", "ann lee"),
    ],
)  # fmt: skip
def test_names_as_they_are_compared(name: str, expected: str) -> None:
    assert name_key(name) == expected


@given(st.text(max_size=60))
def test_any_name_has_a_key_unless_it_has_no_letter(name: str) -> None:
    assert bool(name_key(name)) == bool(plain(name))


lines = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cf", "Cs", "Co", "Cn")), max_size=40)


@given(lines, lines, lines, st.sampled_from(["US", "PR", "DE", "GB", "JP", "AE", "XX"]))
def test_any_address_has_a_key(name: str, street: str, postcode: str, country: str) -> None:
    changes = {"name": name, "street": street, "postcode": postcode, "country": country, "city": street}
    assert re.fullmatch("[0-9a-f]{64}", key(changes)) and key(changes) == key(changes)
