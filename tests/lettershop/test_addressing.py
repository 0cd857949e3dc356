"""Addresses: judged for their country, all findings at once; printed as the post wants them."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cardpipe.lettershop.addressing import is_domestic, judge, lines, normalised, sort_key
from cardpipe.lettershop.countries import fold, rules
from cardpipe.model.address import Address
from cardpipe.model.finding import Finding, Level, has_errors

GOOD = Address(name="Amy Li", street="5 Elm St", city="Cambridge", state="MA", postcode="02139")


def changed(**parts: str) -> Address:
    return GOOD.model_copy(update=parts)


def codes(address: Address, origin: str = "US") -> list[str]:
    return [finding.code for finding in judge(address, "recipient", origin)]


def only(address: Address) -> Finding:
    (finding,) = judge(address, "recipient")
    return finding


def test_a_good_address_has_no_findings() -> None:
    assert judge(GOOD, "recipient") == []


def test_all_findings_come_at_once_with_place_and_remedy() -> None:
    found = judge(Address(), "recipient")
    assert [(f.code, f.where) for f in found] == [
        ("address.name.missing", "recipient.name"),
        ("address.street.missing", "recipient.street"),
        ("address.city.missing", "recipient.city"),
        ("address.state.missing", "recipient.state"),
        ("address.postcode.missing", "recipient.postcode"),
    ]
    assert all(f.level is Level.ERROR and f.remedy for f in found)


def test_a_missing_city_names_its_field() -> None:
    found = only(changed(city=""))
    assert (found.code, found.where, found.level) == ("address.city.missing", "recipient.city", Level.ERROR)
    assert "city" in found.remedy


def test_name_or_company_is_enough() -> None:
    assert codes(changed(name="", company="Acme")) == []
    assert codes(changed(name="")) == ["address.name.missing"]


def test_a_street_in_the_second_line_is_a_street() -> None:
    assert codes(changed(street="", street2="PO Box 5")) == []
    assert lines(changed(street="", street2="PO Box 5"))[1] == "PO BOX 5"


@pytest.mark.parametrize("zip_code", ["02139", "02139-4307", "021394307", "02139 4307"])
def test_zip_codes_of_five_and_nine_figures(zip_code: str) -> None:
    assert codes(changed(postcode=zip_code)) == []
    assert normalised(changed(postcode=zip_code)).postcode in ("02139", "02139-4307")


@pytest.mark.parametrize(
    ("state", "given_zip", "remedy"),
    [("MA", "2139", "02139"), ("New Jersey", "7030", "07030"), ("MA", "2139-4307", "02139-4307"),
     ("CT", "65111234", "06511-1234"), ("PR", "926", "00926"), ("VI", "802", "00802")],
)  # fmt: skip
def test_a_zero_that_a_spreadsheet_ate_is_found_not_guessed(state: str, given_zip: str, remedy: str) -> None:
    found = only(changed(state=state, postcode=given_zip))
    assert (found.code, found.level) == ("address.postcode.zero_lost", Level.ERROR)
    assert remedy in found.remedy
    assert normalised(changed(state=state, postcode=given_zip)).postcode == given_zip


@pytest.mark.parametrize(("state", "bad"), [("CA", "9410"), ("MA", "021"), ("MA", "O2139"), ("MA", "02139-43")])
def test_other_broken_zip_codes(state: str, bad: str) -> None:
    assert only(changed(state=state, postcode=bad)).code == "address.postcode.pattern"


def test_a_zip_code_of_another_state_is_a_contradiction() -> None:
    found = only(changed(postcode="94103"))
    assert (found.code, found.level, found.where) == (
        "address.postcode.contradicts", Level.ERROR, "recipient.postcode"
    )  # fmt: skip
    assert "CA" in found.message and "MA" in found.message and "write state CA" in found.remedy


def test_a_zip_code_that_the_list_does_not_know_warns_and_its_state_too() -> None:
    found = judge(changed(postcode="94100"), "recipient")
    assert [(f.code, f.level) for f in found] == [
        ("address.postcode.unknown", Level.WARNING), ("address.postcode.state", Level.WARNING)
    ]  # fmt: skip
    assert codes(changed(postcode="02100")) == ["address.postcode.unknown"]
    assert codes(changed(city="San Francisco", state="CA", postcode="94199")) == ["address.postcode.inactive"]


def test_elsewhere_a_postcode_of_another_state_warns() -> None:
    address = Address(name="Jo", street="5 X St", city="Perth", state="WA", postcode="2000", country="AU")
    assert (only(address).code, only(address).level) == ("address.postcode.state", Level.WARNING)


def test_a_city_that_the_zip_code_does_not_know_is_a_warning_with_those_it_does() -> None:
    found = only(changed(city="Worcester"))
    assert (found.code, found.level, found.where) == ("address.city.postcode", Level.WARNING, "recipient.city")
    assert "Cambridge" in found.remedy and "Worcester" not in found.message + found.remedy
    assert lines(changed(city="Worcester"))[-1] == "WORCESTER MA 02139"  # nothing is ever corrected silently


def test_a_street_where_there_are_boxes_only_is_noted() -> None:
    address = changed(city="Cambridge", postcode="02238")
    assert (only(address).code, only(address).level) == ("address.postcode.boxes", Level.NOTE)
    assert judge(address.model_copy(update={"street": "PO Box 7"}), "recipient") == []
    assert judge(address.model_copy(update={"street2": "PO Box 7"}), "recipient") == []


@pytest.mark.parametrize(
    ("written", "code"),
    [("Massachusetts", "MA"), ("massachusetts", "MA"), ("ma", "MA"), ("D.C.", "DC"), ("New  York", "NY"),
     ("Puerto Rico", "PR"), ("U.S. Virgin Islands", "VI"), ("Armed Forces (AE)", "AE")],
)  # fmt: skip
def test_states_become_their_codes(written: str, code: str) -> None:
    assert normalised(changed(state=written)).state == code


def test_an_unknown_state_is_an_error_with_a_guess() -> None:
    assert only(changed(state="Mass")).remedy == "did you mean MA?"
    assert only(changed(state="Masachusets")).remedy == "did you mean MA?"
    assert only(changed(state="ZZ")).code == "address.state.unknown"


@pytest.mark.parametrize(
    ("code", "city", "postcode"),
    [("PR", "San Juan", "00926"), ("GU", "Hagatna", "96910"), ("VI", "St. Thomas", "00802"),
     ("AS", "Pago Pago", "96799"), ("MP", "Saipan", "96950"), ("FM", "Yap", "96943"), ("PW", "Koror", "96940"),
     ("MH", "Majuro", "96960")],
)  # fmt: skip
def test_territories_are_mail_at_home_however_they_are_given(code: str, city: str, postcode: str) -> None:
    as_state = changed(street="PO Box 5", state=code, city=city, postcode=postcode)
    as_country = changed(street="PO Box 5", state="", country=code, city=city, postcode=postcode)
    for address in (as_state, as_country):
        assert judge(address, "recipient") == []
        assert is_domestic(address)
        assert lines(address)[-1] == f"{city.upper().replace('.', '')} {code} {postcode}"
    assert sort_key(as_state) == sort_key(as_country)


@pytest.mark.parametrize(
    ("city", "state", "postcode"), [("APO", "AE", "09114"), ("FPO", "AP", "96601"), ("DPO", "AA", "34002")]
)
def test_military_mail(city: str, state: str, postcode: str) -> None:
    address = changed(street="PSC 802 Box 74", city=city, state=state, postcode=postcode)
    assert judge(address, "recipient") == []
    assert lines(address) == ("AMY LI", "PSC 802 BOX 74", f"{city} {state} {postcode}")


def test_military_mail_gone_wrong() -> None:
    assert "address.military.city" in codes(changed(city="Ramstein", state="AE", postcode="09094"))
    assert "address.military.state" in codes(changed(city="APO"))
    assert "address.military.country" in codes(changed(city="APO", state="", country="DE", postcode="09114"))


def test_domestic_lines_after_publication_28() -> None:
    address = changed(name="Zoë O'Brien-Łukasz", company="Acme, Inc.", street="123 N. Main St.", street2="Apt. 4B",
                      city="St. Louis", state="Missouri", postcode="631011234")  # fmt: skip
    assert lines(address) == (
        "ZOË O'BRIEN-ŁUKASZ", "ACME, INC.", "123 N MAIN ST APT 4B", "ST LOUIS MO 63101-1234"
    )  # fmt: skip


@pytest.mark.parametrize(
    ("street", "street2", "written"),
    [("1 Elm St", "Apt 4", ("1 ELM ST APT 4",)), ("1 Elm St", "4B", ("1 ELM ST 4B",)),
     ("1234 Martin Luther King Boulevard", "Suite 1200", ("STE 1200", "1234 MARTIN LUTHER KING BLVD")),
     ("1 Elm St", "c/o Ann Lee", ("C/O ANN LEE", "1 ELM ST")), ("Main Hall", "1 Elm St", ("MAIN HALL", "1 ELM ST")),
     ("1 Elm St", "PO Box 7", ("1 ELM ST", "PO BOX 7")), ("39.2 Mile Rd", "", ("39.2 MILE RD",)),
     ("PSC 1", "Unit 2050 Box 4190", ("PSC 1", "UNIT 2050 BOX 4190"))],
)  # fmt: skip
def test_the_delivery_line_stands_above_the_city(street: str, street2: str, written: tuple[str, ...]) -> None:
    assert lines(changed(street=street, street2=street2))[1:-1] == written


def test_the_capital_is_not_written_twice() -> None:
    address = changed(city="Washington, D.C.", state="DC", postcode="20500")
    assert lines(address)[-1] == "WASHINGTON DC 20500"


def test_a_return_address_keeps_its_own_words() -> None:
    address = changed(street="5 Elm Street", street2="Suite 3")
    assert lines(address, capitals=False)[1] == "5 Elm Street, Suite 3"
    above = changed(street="1234 Martin Luther King Boulevard", street2="Suite 1200")
    assert lines(above, capitals=False)[1:3] == ("Suite 1200", "1234 Martin Luther King Boulevard")
    hall = changed(street="12 Main Street", street2="Widener Hall")
    assert lines(hall, capitals=False)[1:3] == ("Widener Hall", "12 Main Street")


def test_a_return_address_keeps_its_own_case() -> None:
    address = changed(name="Tom van der Berg", street2="Apt 3")
    assert lines(address, capitals=False) == ("Tom van der Berg", "5 Elm St, Apt 3", "Cambridge, MA 02139")
    assert lines(address, capitals=False, country_line=True)[-1] == "USA"


ABROAD = {
    "DE": ({"street": "Hauptstraße 5", "city": "Köln", "postcode": "D-51147"},
           ("HAUPTSTRASSE 5", "51147 KÖLN", "GERMANY")),
    "GB": ({"street": "10 Downing Street", "city": "London", "postcode": "sw1a2aa"},
           ("10 DOWNING STREET", "LONDON", "SW1A 2AA", "UNITED KINGDOM")),
    "FR": ({"street": "12 rue de l'Église", "city": "Paris CEDEX 08", "postcode": "75008"},
           ("12 RUE DE L'ÉGLISE", "75008 PARIS CEDEX 08", "FRANCE")),
    "NL": ({"street": "Keizersgracht 1", "city": "Amsterdam", "postcode": "1015cj"},
           ("KEIZERSGRACHT 1", "1015 CJ AMSTERDAM", "NETHERLANDS")),
    "SE": ({"street": "Storgatan 1", "city": "Malmö", "postcode": "SE-211 34"},
           ("STORGATAN 1", "SE-211 34 MALMÖ", "SWEDEN")),
    "PL": ({"street": "ul. Świętokrzyska 5/7", "city": "Łódź", "postcode": "90950"},
           ("UL. ŚWIĘTOKRZYSKA 5/7", "90-950 ŁÓDŹ", "POLAND")),
    "CZ": ({"street": "Žižkova 3", "city": "Praha 3", "postcode": "13000"},
           ("ŽIŽKOVA 3", "130 00 PRAHA 3", "CZECH REPUBLIC")),
    "CA": ({"street": "5 rue X", "city": "Montréal", "state": "Québec", "postcode": "h2x1y4"},
           ("5 RUE X", "MONTRÉAL QC H2X 1Y4", "CANADA")),
    "AU": ({"street": "5 X St", "city": "Sydney", "state": "New South Wales", "postcode": "2000"},
           ("5 X ST", "SYDNEY NSW 2000", "AUSTRALIA")),
    "JP": ({"street": "1-2-3 Marunouchi", "city": "Chiyoda-ku", "state": "Tokyo", "postcode": "1000005"},
           ("1-2-3 MARUNOUCHI", "CHIYODA-KU, TOKYO", "100-0005", "JAPAN")),
    "BR": ({"street": "Av. Paulista 1000", "city": "São Paulo", "state": "São Paulo", "postcode": "01310100"},
           ("AV. PAULISTA 1000", "SÃO PAULO-SP", "01310-100", "BRAZIL")),
    "VN": ({"street": "12 Phố Huế", "city": "Hai Bà Trưng", "state": "Hà Nội", "postcode": "100000"},
           ("12 PHỐ HUẾ", "HAI BÀ TRƯNG", "HÀ NỘI 100000", "VIETNAM")),
    "IN": ({"street": "12 MG Road", "city": "Bengaluru", "state": "Karnataka", "postcode": "560001"},
           ("12 MG ROAD", "BENGALURU 560001", "KARNATAKA", "INDIA")),
    "AT": ({"street": "Kärntner Straße 1", "city": "Wien", "postcode": "A-1010"},
           ("KÄRNTNER STRASSE 1", "1010 WIEN", "AUSTRIA")),
    "CH": ({"street": "Bahnhofstr. 1", "city": "Zürich", "postcode": "8001"},
           ("BAHNHOFSTR. 1", "CH-8001 ZÜRICH", "SWITZERLAND")),
    "IE": ({"street": "1 O'Connell St", "city": "Cork", "state": "Co. Cork", "postcode": "T12W8KP"},
           ("1 O'CONNELL ST", "CORK", "CO. CORK", "T12 W8KP", "IRELAND")),
    "TR": ({"street": "istiklal Cd 1", "city": "Beyoğlu", "state": "İstanbul", "postcode": "34430"},
           ("İSTİKLAL CD 1", "34430 BEYOĞLU/İSTANBUL", "TURKEY")),
    "SG": ({"street": "1 Raffles Place", "city": "Singapore", "postcode": "048616"},
           ("1 RAFFLES PLACE", "SINGAPORE 048616", "SINGAPORE")),
    "AE": ({"street": "PO Box 1", "city": "Dubai"}, ("PO BOX 1", "DUBAI", "UNITED ARAB EMIRATES")),
    "MC": ({"street": "2 rue Grimaldi", "city": "Monaco", "postcode": "98000"},
           ("2 RUE GRIMALDI", "MC-98000 MONACO", "MONACO")),
    "MZ": ({"street": "Rua A 1", "city": "Beira", "state": "Sofala", "postcode": "2100"},
           ("RUA A 1", "2100 BEIRA SOFALA", "MOZAMBIQUE")),
    "TT": ({"street": "23 O'Connor St", "city": "Port of Spain", "postcode": "190130"},
           ("23 O'CONNOR ST", "PORT OF SPAIN 190130", "TRINIDAD AND TOBAGO")),
    "CI": ({"street": "12 rue X", "street2": "Treichville", "city": "Abidjan"},
           ("12 RUE X", "TREICHVILLE", "ABIDJAN", "COTE D'IVOIRE")),
    "FO": ({"street": "Steinagøta 17", "city": "Tórshavn", "postcode": "FO-100"},
           ("STEINAGØTA 17", "FO-100 TÓRSHAVN", "FAROE ISLANDS")),
    "ES": ({"street": "Calle Mayor 1", "city": "Madrid", "state": "Madrid", "postcode": "28013"},
           ("CALLE MAYOR 1", "28013 MADRID", "SPAIN")),
}  # fmt: skip


@pytest.mark.parametrize("country", sorted(ABROAD))
def test_lines_abroad(country: str) -> None:
    parts, written = ABROAD[country]
    address = Address(name="Jo Ek", country=country, **parts)
    assert not has_errors(judge(address, "recipient"))
    assert lines(address) == ("JO EK", *written)
    assert sort_key(address).startswith(f"1 {country} ")


def test_lost_zeros_and_broken_codes_abroad() -> None:
    dresden = Address(name="Jo", street="Weg 1", city="Dresden", postcode="1067", country="DE")
    assert only(dresden).remedy == "write 01067, as text"
    assert only(dresden.model_copy(update={"postcode": "ABC"})).code == "address.postcode.pattern"


def test_what_a_country_does_not_print_is_noted() -> None:
    address = Address(name="Jo", street="Weg 1", city="Köln", state="NRW", postcode="51147", country="DE")
    found = only(address)
    assert (found.code, found.level) == ("address.state.unused", Level.NOTE)
    assert "NRW" not in lines(address)


def test_unknown_countries_and_other_alphabets() -> None:
    assert codes(changed(country="XX")) == ["address.country.unknown"]
    found = judge(changed(street="ул. Ленина 1", name="Иван"), "recipient")
    assert [(f.code, f.level) for f in found] == [
        ("address.name.letters", Level.WARNING), ("address.street.letters", Level.ERROR)
    ]  # fmt: skip


def test_another_origin_has_its_own_home() -> None:
    berlin = Address(name="Jo", street="Weg 1", city="Berlin", postcode="10115", country="DE")
    assert lines(berlin, "DE") == ("JO", "WEG 1", "10115 BERLIN")
    assert lines(GOOD, "DE")[-2:] == ("CAMBRIDGE MA 02139", "USA")
    assert sort_key(berlin, "DE") < sort_key(GOOD, "DE")


def test_mail_order() -> None:
    ordered = [
        changed(postcode="00926", state="PR"), changed(postcode="02139"), changed(postcode="021390001"),
        changed(postcode="94103", state="CA"), Address(country="CA", postcode="H2X1Y4"),
        Address(country="DE", postcode="01067"), Address(country="DE", postcode="51147"),
    ]  # fmt: skip
    keys = [sort_key(address) for address in ordered]
    assert keys == sorted(keys)
    assert len(set(keys)) == len(keys)


LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
COUNTRIES = [first + second for first in LETTERS for second in LETTERS if rules(first + second)]


@pytest.mark.parametrize("code", COUNTRIES)
def test_every_country_prints_what_is_given_and_its_name_last(code: str) -> None:
    """With its own sample postcode and each of its states: nothing is lost, glued together or printed alone."""
    country = rules(code)
    assert country is not None and len(COUNTRIES) > 240
    for state in [*sorted(set(country.states.values()))[:40], ""]:
        for postcode in (country.example, ""):
            address = Address(
                name="Ðorđe Nguyễn-Ōta", street="Weg 1", city="Stadt", state=state, postcode=postcode, country=code
            )
            *written, last = lines(address, "XX")
            assert last == country.name == last.upper()
            assert last.isascii() and not set("()%;:") & set(last)
            assert [line for line in written if fold(line) == fold(address.name)]
            assert all(line == line.strip(" ,-/") and "%" not in line and "  " not in line for line in written)
            text = "\n".join(written)
            assert re.search(r"(?<!\w)WEG 1(?!\w)", text) and re.search(r"(?<!\w)STADT(?!\w)", text), written
            assert "%S" not in country.layout or fold(state.replace("ı", "i")) in fold(text), written
            assert "%Z" not in country.layout or fold(postcode) in fold(text), written
            if not postcode:
                assert not re.search(r"\b[A-Z]{1,3}-(?:\s|$)", text), written


@pytest.mark.parametrize(
    ("country", "name", "printed"),
    [("VN", "Nguyễn Thị Thùy Dương", "NGUYỄN THỊ THÙY DƯƠNG"), ("TR", "Işıl Çiğdem", "IŞIL ÇİĞDEM"),
     ("DE", "Anna Groß-Weiß", "ANNA GROSS-WEISS"), ("PL", "Łukasz Żółć", "ŁUKASZ ŻÓŁĆ"),
     ("GR", "Ελένη", "ΕΛΈΝΗ"), ("BG", "Жечка Ъглова", "ЖЕЧКА ЪГЛОВА"), ("IE", "Siobhán O’Dea", "SIOBHÁN O’DEA"),
     ("US", "Ke\u0301vin Núñez-D'Arc", "KÉVIN NÚÑEZ-D'ARC"), ("US", "X\u0323\u0302imena", "X\u0323\u0302IMENA"),
     ("AZ", "Əli İsmayılov", "ƏLİ İSMAYILOV"), ("US", "Noʻeau Kaʻiulani", "NOʻEAU KAʻIULANI")],
)  # fmt: skip
def test_no_letter_of_a_name_is_lost(country: str, name: str, printed: str) -> None:
    address = Address(name=name, street="1 Main St", city="Reno", state="NV", postcode="89501", country=country)
    assert printed in lines(address)


def test_every_country_of_the_data_can_be_addressed() -> None:
    for code in COUNTRIES:
        written = lines(Address(name="Jo Ek", street="Weg 1", city="Stadt", postcode="12345", country=code), "XX")
        assert written[0] == "JO EK" and any("WEG 1" in line for line in written) and "%" not in "".join(written)
        assert written[-1].isascii() and written[-1] == written[-1].upper() and "(" not in written[-1]


TEXT = st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")), max_size=30)


@given(TEXT, TEXT, TEXT, TEXT, st.sampled_from(["US", "DE", "JP", "GB", "XX", "PR"]))
def test_no_address_breaks_the_judge_or_prints_a_blank_line(a: str, b: str, c: str, d: str, country: str) -> None:
    address = Address(name=a, street=b, city=c, state=d, postcode=d, country=country)
    for finding in judge(address, "recipient"):
        assert finding.where.startswith("recipient.") and finding.message
    assert all(line.strip() for line in lines(address))
    assert sort_key(address)


@pytest.mark.parametrize("part", ["name", "company", "street", "street2", "city"])
def test_a_part_of_nothing_but_signs_is_no_part(part: str) -> None:
    given = {"name": "Ana", "street": "1 Main St", "city": "Reno", "state": "NV", "postcode": "89501"}
    assert judge(Address(**given), "recipient") == []
    found = [finding.code for finding in judge(Address(**{**given, part: ":-"}), "recipient")]
    assert found == [f"address.{part}.empty"]
    assert all(line.strip() for line in lines(Address(**{**given, part: ":"})))
