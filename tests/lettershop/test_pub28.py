"""Publication 28: abbreviations become standard, and nothing else of a street line changes."""

from __future__ import annotations

import re
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cardpipe.lettershop import pub28
from cardpipe.lettershop.abbreviations import ALONE, AREAS, DIRECTIONS, RANGED, SUFFIXES
from cardpipe.lettershop.pub28 import Kind
from cardpipe.model.address import Address


def written(street: str, street2: str = "", state: str = "MA") -> list[str]:
    return pub28.standard(Address(street=street, street2=street2, state=state))


STREETS = [
    ("123 North Main Street", "123 N MAIN ST"), ("12 main street Apt. 4B", "12 MAIN ST APT 4B"),
    ("Apt. 4B, 12 main street", "12 MAIN ST APT 4B"), ("Apt 4B 12 Main St.", "12 MAIN ST APT 4B"),
    ("Suite 200, Building 17, 7000 Park Road, N.E.", "7000 PARK RD NE STE 200 BLDG 17"),
    ("12 Main Street Unit 5", "12 MAIN ST UNIT 5"), ("12 Main Street Apt. No. 5", "12 MAIN ST APT 5"),
    ("12 Main Street Apt #5", "12 MAIN ST APT 5"), ("1 Elm Street #4", "1 ELM ST # 4"),
    ("12 Main Street, 4B", "12 MAIN ST 4B"), ("12, Main Street", "12 MAIN ST"),
    ("1 Elm Street Second Floor", "1 ELM ST SECOND FL"), ("7 Elm Avenue Rear", "7 ELM AVE REAR"),
    ("5 Elm St Apartment 3 Building 2", "5 ELM ST APT 3 BLDG 2"), ("100 N.W. 5th St.", "100 NW 5TH ST"),
    ("1800 M Street, NW", "1800 M ST NW"), ("12 Bay Drive West", "12 BAY DR W"), ("12 Bay West Drive", "12 BAY WEST DR"),
    ("1 South Street SE", "1 SOUTH ST SE"), ("842 East 1700 South", "842 E 1700 S"), ("100 North Avenue", "100 NORTH AVE"),
    ("100 E Street", "100 E ST"), ("789 Main Avenue Drive", "789 MAIN AVENUE DR"), ("100 Street Road", "100 STREET RD"),
    ("W275N6210 Main Street", "W275N6210 MAIN ST"), ("12-34 56th Street", "12-34 56TH ST"),
    ("12 1/2 Baker Street", "12 1/2 BAKER ST"), ("221B Baker Street", "221B BAKER ST"), ("39.2 Mile Road", "39.2 MILE RD"),
    ("6 Mt. St. Helens Way", "6 MT ST HELENS WAY"), ("12 Peña Boulevard", "12 PEÑA BLVD"),
    ("7 O'Connor Court", "7 O'CONNOR CT"), ("2 Deer Crossing", "2 DEER XING"),
    ("12 El Dorado Drive", "12 EL DORADO DR"),
]  # fmt: skip


@pytest.mark.parametrize(("street", "line"), STREETS)
def test_streets(street: str, line: str) -> None:
    assert written(street) == [line]
    assert written(line) == [line], "what is standard stays as it is"


@pytest.mark.parametrize(
    "street",
    ["100 Avenue D", "100 Avenue N", "5000 Avenue of the Americas", "12 The Parkway North", "123 Broadway", "1201 CR 1138",
     "100 Highway 6 South", "8 Outer Space", "5 Ocean Front", "12 Pier 39", "100 County Road 20", "Bay West Drive 12",
     "One World Trade Center", "Main Street", "150 Calle Plaza", "9 Camino Park", "Unit 5 1/2 Main Street", "12 St",
     "Lakeside Village", "PO Box", "Box", "Drawer 9", "Lockbox 12", "Apt", "Rural Route Two", "12 North Beach House"],
)  # fmt: skip
def test_what_is_not_certain_stays_as_it_was_given(street: str) -> None:
    assert written(street) == [street.upper()]


@pytest.mark.parametrize(
    ("street", "line"),
    [("P.O. Box 12", "PO BOX 12"), ("p o box 12", "PO BOX 12"), ("POB 12", "PO BOX 12"), ("POBOX 12", "PO BOX 12"),
     ("PO Box #12", "PO BOX 12"), ("Post Office Box A", "PO BOX A"), ("P.O. Drawer 9", "PO BOX 9"), ("Box #22", "BOX 22"),
     ("PO Box 19-B", "PO BOX 19-B"), ("PO Box 00012", "PO BOX 00012"),
     ("PO Box 60000 File 30580", "PO BOX 60000 FILE 30580"),
     ("Rural Route 2 Box 18", "RR 2 BOX 18"), ("R.R. #2, Box 18", "RR 2 BOX 18"), ("RFD Route 4 #87A", "RR 4 BOX 87A"),
     ("RT 2 BOX 18", "RR 2 BOX 18"), ("Box 18 Rural Route 2", "RR 2 BOX 18"), ("RR2 Box 18", "RR 2 BOX 18"),
     ("Rural Route 03 Box 98 D", "RR 03 BOX 98 D"), ("Highway Contract Route 68 Box 19-2B", "HC 68 BOX 19-2B"),
     ("Star Route 3 Box 45", "HC 3 BOX 45"), ("HWY Contract RTE 68 Box 98A", "HC 68 BOX 98A"),
     ("HCR 45ac Box 653", "HC 45AC BOX 653"), ("HC72 Box 293", "HC 72 BOX 293"), ("psc 3, box 4120", "PSC 3 BOX 4120"),
     ("P.S.C. 3 Box 4120", "PSC 3 BOX 4120"), ("CMR 415 Box 3120", "CMR 415 BOX 3120"),
     ("Unit 2050 Box 4190", "UNIT 2050 BOX 4190"), ("Gen. Delivery", "GENERAL DELIVERY")],
)  # fmt: skip
def test_boxes_routes_and_the_military(street: str, line: str) -> None:
    assert written(street) == [line]
    assert written(line) == [line]


@pytest.mark.parametrize(
    ("street", "street2", "rows"),
    [("Apt. 4B", "12 main street", ["12 MAIN ST APT 4B"]), ("12 main street", "Apt. 4B", ["12 MAIN ST APT 4B"]),
     ("Rural Route 2", "Box 18", ["RR 2 BOX 18"]), ("P.O.", "Box 18", ["PO BOX 18"]),
     ("12 Main St", "Widener Hall", ["WIDENER HALL", "12 MAIN ST"]), ("c/o Lee, 3rd floor", "12 Main St", ["C/O LEE 3RD FL", "12 MAIN ST"]),
     ("12 Main St", "P.O. Box 7", ["12 MAIN ST", "PO BOX 7"]), ("12 Main St P.O. Box 7", "", ["12 MAIN ST", "PO BOX 7"]),
     ("PO Box 7, 12 Main Street", "", ["PO BOX 7", "12 MAIN ST"]), ("RR 3 Box 98D", "Bryan Farm", ["BRYAN FARM", "RR 3 BOX 98D"]),
     ("1 Piedmont Center", "Suite 1200", ["1 PIEDMONT CTR STE 1200"]),
     ("One Piedmont Center", "Suite 1200", ["ONE PIEDMONT CENTER STE 1200"]),
     ("Suite 1200", "One Piedmont Center", ["STE 1200", "ONE PIEDMONT CENTER"]),
     ("3 Oak Rd, 1 Oak Ctr, Suite 7", "", ["3 OAK RD 1 OAK CTR STE 7"]),
     ("3 Oak Rd", "1 Oak Ctr, Suite 7", ["3 OAK RD", "1 OAK CTR STE 7"]), ("12", "Main Street", ["12", "MAIN STREET"]),
     ("Bin 150003 PO Box 790322", "", ["BIN 150003", "PO BOX 790322"])],
)  # fmt: skip
def test_two_lines_and_lines_of_parts(street: str, street2: str, rows: list[str]) -> None:
    assert written(street, street2) == rows


@pytest.mark.parametrize(
    ("street", "street2"),
    [("URB Las Gladiolas", "150 Calle A"), ("150 Calle A", "Urbanización Las Gladiolas"),
     ("Urb. Las Gladiolas, 150 Calle A", ""), ("150 Calle A, Urb. Las Gladiolas", "")],
)  # fmt: skip
def test_an_urbanization_of_puerto_rico_stands_above_its_street(street: str, street2: str) -> None:
    assert written(street, street2, "PR") == ["URB LAS GLADIOLAS", "150 CALLE A"]


def test_what_is_said_of_puerto_rico_holds_there_alone() -> None:
    assert written("Condominio Ashford", "12 Ave Ashford Apt 5", "PR") == ["COND ASHFORD", "12 AVE ASHFORD APT 5"]
    assert written("Res Hall", "12 Main Street") == ["RES HALL", "12 MAIN ST"]
    assert written("Unit 2050", "Box 4190", "AE") == ["UNIT 2050 BOX 4190"]
    assert written("Unit 2050", "Box 4190") == ["UNIT 2050", "BOX 4190"]


def test_roles() -> None:
    (part,) = pub28.parse("Apt. 4B, 12 1/2 north main street")
    assert (part.kind, part.number, part.name, part.units) == (Kind.STREET, "12 1/2", "N MAIN ST", ("APT 4B",))
    assert [part.kind for part in pub28.parse("Lee Hall")] == [Kind.OTHER]
    assert [part.kind for part in pub28.parse("12 Oak Rd PO Box 5")] == [Kind.STREET, Kind.BOX]


def test_the_tables_are_whole_and_lead_nowhere_else() -> None:
    assert len(set(SUFFIXES.values())) > 190
    for table in (SUFFIXES, RANGED, ALONE, DIRECTIONS, AREAS):
        assert table and all(table[short] == short for short in table.values())
        assert all(re.fullmatch("[A-Z]+", word) for word in table)


#: Nobody's abbreviation: whatever surrounds them, these words must come out, each as often as it went in.
_NAMES = st.text(st.sampled_from("AÉIÖUŁKZŠQ'"), min_size=4, max_size=7).filter(
    lambda text: any(character in "ÉÖŁŠ" for character in text) and text.strip("'") == text
)
_FIGURES = st.one_of(
    st.integers(1, 99999).map(str), st.from_regex(r"\A[1-9]\d{0,3}[A-Z]\Z"), st.just("1/2"), st.just("7-B2")
)
_TABLES = st.sampled_from(sorted({*SUFFIXES, *RANGED, *ALONE, *DIRECTIONS, *AREAS, "THE", "CALLE", "NO", "NUMBER"}))
_FORMS = st.sampled_from(
    ["P.O. Box", "PO BOX", "Box", "RR", "Rural Route", "HC", "PSC", "Unit", "Lockbox", "#", "Route", "of"]
)
_LINE = st.lists(
    st.tuples(st.one_of(_NAMES, _FIGURES, _TABLES, _FORMS), st.sampled_from([" ", " ", " ", ", ", ". ", "; "])),
    max_size=9,
)


@given(_LINE, _LINE, st.sampled_from(["MA", "PR", "AE"]))
def test_no_name_and_no_figure_is_ever_lost_or_changed(
    first: list[tuple[str, str]], second: list[tuple[str, str]], state: str
) -> None:
    lines = ["".join(word + gap for word, gap in row).strip(" ,.;") for row in (first, second)]
    made = written(*lines, state)
    assert kept(made) == kept(lines)
    assert all(line == " ".join(line.split()) and line == line.upper() for line in made)
    assert len(written(*lines, state)) <= len(first) + len(second)


def kept(rows: list[str]) -> Counter[str]:
    """The words that nobody may touch: those with a figure, and those that no table could hold."""
    words = re.findall(r"[\w'/-]+", " ".join(rows).upper())
    return Counter(word for word in words if re.search(r"[\dÉÖŁŠ]", word))


@given(_LINE, _LINE)
def test_what_is_printed_has_every_letter_of_a_word_or_its_standard_abbreviation(
    first: list[tuple[str, str]], second: list[tuple[str, str]]
) -> None:
    """As many words as before, but for those of the forms: an abbreviation takes one word's place."""
    lines = [
        "".join(word + gap for word, gap in row if word not in ("NO", "NUMBER")).strip(" ,.;")
        for row in (first, second)
    ]
    made = written(*lines)
    if not re.search(r"\b(BOX|PSC|RR|HC)\b", " ".join(made)):
        count = [len(re.findall(r"[^\W_]+", " ".join(rows))) for rows in (lines, made)]
        assert count[0] == count[1], (lines, made)
