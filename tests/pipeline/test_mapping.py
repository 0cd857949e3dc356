"""Mapping: exports of CRMs become orders; what does not fit is said all at once, with what was probably meant."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest

from cardpipe.lettershop import addressing
from cardpipe.model.errors import Refused
from cardpipe.model.finding import Finding, Level
from cardpipe.model.order import Order
from cardpipe.pipeline import bulk, exports, filling
from cardpipe.pipeline.mapping import Columns, suggest
from cardpipe.pipeline.table import open_table
from cardpipe.prepress import fields

SENDER = {"sender.name": "June Abara", "sender.street": "2 Elm St", "sender.city": "Reno", "sender.state": "NV",
          "sender.postcode": "89501"}  # fmt: skip
DEFAULTS = {"occasion": "thank-you", "message": "Dear {first_name},\n\nthank you.", **SENDER}

HUBSPOT = {"Record ID": "901", "First Name": "Mary Ann", "Last Name": "Ortega", "Email": "m@example.com",
           "Phone Number": "", "Lead Status": "Open", "Company Name": "Ortega Books", "Street Address": "1 Oak St",
           "City": "Reno", "State/Region": "Nevada", "Postal Code": "89501", "Country/Region": "United States"}  # fmt: skip
SALESFORCE = {"Salutation": "Ms.", "First Name": "Ana", "Last Name": "Ortega", "Account Name": "Ortega Books",
              "Mailing Street": "1 Oak St,\nApt 4", "Mailing City": "Reno", "Mailing State/Province": "NV",
              "Mailing Zip/Postal Code": "89501", "Mailing Country": "USA", "Phone": "", "Contact ID": "003"}  # fmt: skip
LOADER = {"ID": "003", "FIRSTNAME": "Ana", "LASTNAME": "Ortega", "MAILINGSTREET": "1 Oak St", "MAILINGCITY": "Reno",
          "MAILINGSTATE": "NV", "MAILINGPOSTALCODE": "89501", "MAILINGCOUNTRY": "United States"}  # fmt: skip
LEAD = {"Lead Owner": "June", "First Name": "Ana", "Last Name": "Ortega", "Company / Account": "Ortega Books",
        "Street": "1 Oak St", "City": "Reno", "State/Province": "Nevada", "Zip/Postal Code": "89501", "Country": "US"}  # fmt: skip
LOADER_LEAD = {"Id": "00Q", "FirstName": "Ana", "LastName": "Ortega", "Company": "Ortega Books", "Street": "1 Oak St",
               "City": "Reno", "State": "NV", "PostalCode": "89501", "Country": "", "LeadSource": "Web"}  # fmt: skip
GOOGLE = {"First Name": "Ana", "Middle Name": "", "Last Name": "Ortega", "Phonetic First Name": "", "Name Prefix": "Dr.",
          "Name Suffix": "Jr.", "File As": "", "Organization Name": "", "Birthday": "1980-01-02", "Labels": "* myContacts",
          "E-mail 1 - Label": "", "E-mail 1 - Value": "a@example.com", "Address 1 - Label": "Home",
          "Address 1 - Formatted": "x", "Address 1 - Street": "1 Oak St", "Address 1 - City": "Reno",
          "Address 1 - PO Box": "", "Address 1 - Region": "NV", "Address 1 - Postal Code": "89501",
          "Address 1 - Country": "US", "Address 1 - Extended Address": "Apt 4"}  # fmt: skip
GOOGLE_OLD = {"Name": "Ana Ortega", "Given Name": "Ana", "Additional Name": "", "Family Name": "Ortega", "Yomi Name": "",
              "Group Membership": "", "Address 1 - Type": "Home", "Address 1 - Formatted": "x",
              "Address 1 - Street": "", "Address 1 - City": "Reno", "Address 1 - PO Box": "17",
              "Address 1 - Region": "NV", "Address 1 - Postal Code": "89501", "Address 1 - Country": "",
              "Address 1 - Extended Address": "", "Organization 1 - Name": ""}  # fmt: skip
OUTLOOK = {"Title": "", "First Name": "Ana", "Middle Name": "", "Last Name": "Ortega", "Suffix": "", "Company": "",
           "Business Street": "9 Work Rd", "Business City": "Elko", "Home Street": "1 Oak St", "Home Street 2": "Apt 4",
           "Home Street 3": "", "Home City": "Reno", "Home State": "NV", "Home Postal Code": "89501",
           "Home Country/Region": "United States of America", "Home Phone": "", "E-mail Address": "a@example.com",
           "Assistant's Phone": "", "User 1": ""}  # fmt: skip
VCARD = {
    "UID": "u1",
    "FN": "Ana Ortega",
    "N": "Ortega;Ana;;;",
    "ORG": "",
    "ADR": ";;1 Oak St;Reno;NV;89501;USA",
    "TEL": "",
}
ALL = [
    ("HubSpot contacts", HUBSPOT, "Record ID"), ("Salesforce contact report", SALESFORCE, "Contact ID"),
    ("Salesforce Data Loader, contacts", LOADER, "ID"), ("Salesforce lead report", LEAD, ""),
    ("Salesforce Data Loader, leads", LOADER_LEAD, "Id"), ("Google Contacts", GOOGLE, ""),
    ("Google Contacts, before 2024", GOOGLE_OLD, ""), ("Outlook", OUTLOOK, ""), ("vCard", VCARD, "UID"),
]  # fmt: skip


def table_of(*rows: dict[str, str], name: str = "o.csv") -> Any:
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    return open_table(io.BytesIO(out.getvalue().encode()), name)


def filled(row: dict[str, str], columns: Columns) -> tuple[dict[str, Any], tuple[Finding, ...]]:
    (made,) = bulk.rows(table_of(row), columns)
    return made.data, made.findings


def refused(row: dict[str, str], columns: Columns) -> dict[str, str]:
    """What is wrong: ``code where`` → remedy."""
    with pytest.raises(Refused) as caught:
        filled(row, columns)
    return {f"{f.code} {f.where.removeprefix('o.csv ')}": f.remedy for f in caught.value.findings}


@pytest.mark.parametrize(("name", "row", "id_header"), ALL, ids=[name for name, _, _ in ALL])
def test_a_known_export_becomes_an_order_without_a_word_of_mapping(
    name: str, row: dict[str, str], id_header: str
) -> None:
    suggested = suggest(list(row))
    assert (suggested.export, suggested.id) == (name, id_header)
    assert {said.confidence for said in suggested.rows} == {"known"}
    reference = f"xmas26-{{{id_header or next(header for header, cell in row.items() if cell)}}}"
    columns = Columns(columns=suggested.columns().columns, defaults={"reference": reference, **DEFAULTS})
    data, findings = filled(row, columns)
    assert not findings
    order = Order.model_validate(data)
    assert order.recipient.name.split()[-1] in ("Ortega", "Jr.") and order.recipient.country == "US"
    home = addressing.normalised(order.recipient)
    assert (home.city, home.state, home.postcode) == ("Reno", "NV", "89501")
    assert home.street == ("PO Box 17" if row is GOOGLE_OLD else "1 Oak St")
    assert home.street2 == ("Apt 4" if row in (SALESFORCE, GOOGLE, OUTLOOK) else "")
    assert addressing.judge(order.recipient, "recipient") == []


def test_every_target_in_the_data_is_a_column() -> None:
    targets = {to for export in exports.exports() for to in export.targets.values()} | set(exports.spoken().values())
    assert len(targets) > 15
    assert targets - {"-"} <= set(filling.columns())
    assert len(exports.exports()) == len(ALL) == len({export.name for export in exports.exports()})


def test_each_mark_is_a_header_that_its_export_knows() -> None:
    wrong = [
        (export.name, mark) for export in exports.exports() for marks in export.marks for mark in marks
        if export.target(mark) is None
    ]  # fmt: skip
    assert wrong == []


def test_names_of_parts_become_one_name() -> None:
    columns = Columns(columns=suggest(list(GOOGLE)).columns().columns, defaults={"reference": "{Labels}", **DEFAULTS})
    data, _ = filled({**GOOGLE, "Middle Name": "Luz"}, columns)
    assert data["recipient"]["name"] == "Dr. Ana Luz Ortega Jr."


def test_a_first_name_of_two_words_is_greeted_whole() -> None:
    columns = Columns(
        columns=suggest(list(HUBSPOT)).columns().columns, defaults={"reference": "{Record ID}", **DEFAULTS}
    )
    data, _ = filled(HUBSPOT, columns)
    assert data["recipient"]["name"] == "Mary Ann Ortega"
    assert fields.merge(Order.model_validate(data)) == ("Dear Mary Ann,\n\nthank you.", [])


def test_of_two_addresses_the_home_is_taken_and_the_other_left_out() -> None:
    said = {row.header: row.target for row in suggest(list(OUTLOOK)).rows}
    assert said["Home Street"] == "recipient.street" and said["Business Street"] == "-"
    work = {header: cell for header, cell in OUTLOOK.items() if not header.startswith("Home")}
    said = {row.header: row.target for row in suggest(list(work)).rows}
    assert said["Business Street"] == "recipient.street"


def test_headers_in_people_s_own_words_are_told_by_their_names() -> None:
    said = suggest(["Surname", "Forename", "Address line 1", "ZIP", "Shoe size", "message", "Zip Code", "photos.main"])
    assert said.export == "" and [(row.target, row.confidence) for row in said.rows] == [
        ("recipient.last_name", "name"), ("recipient.first_name", "name"), ("recipient.street", "name"),
        ("recipient.postcode", "name"), ("", "none"), ("message", "name"), ("", "none"), ("photos.main", "name"),
    ]  # fmt: skip


def test_everything_wrong_with_a_mapping_is_said_at_once() -> None:
    row = {"Full": "Ana", "Zip": "89501", "Zip2": "89502", "Shoe size": "40", "Town": "Reno"}
    columns = Columns(
        columns={"Full": "recipient.nmae", "Zip": "recipient.postcode", "Zip2": "recipient.postcode", "Tonw": "recipient.city"},
        defaults={"reference": "xmas", "messsage": "Hi", "occasion": "{Ful}", "recipient.street": "1 Oak St"},
    )  # fmt: skip
    found = refused(row, columns)
    assert found == {
        "csv.column mapping 'Full'": "did you mean 'recipient.name'?",
        "csv.header_missing mapping 'Tonw'": "did you mean 'Town'?",
        "csv.column column 'Shoe size'": found["csv.column column 'Shoe size'"],
        "csv.column column 'Town'": "map it to 'recipient.city'",
        "csv.column_twice column 'recipient.postcode'": "map all but one to '-'",
        "csv.column default of 'messsage'": "did you mean 'message'?",
        "csv.default_same default of 'reference'": "put a column of the file in, such as {Record ID}",
        "csv.default_same default of 'recipient.street'": "put a column of the file in, such as {Record ID}",
        "csv.default_field default of 'occasion'": "did you mean {Full}?",
        "csv.column_missing column 'message'": "map a column to it, or state a default",
        "csv.column_missing column 'recipient.name'": "map a column to recipient.name or recipient.company, or state a default",
        "csv.column_missing column 'sender.name'": "map a column to sender.name or sender.company, or state a default",
    }  # fmt: skip


GOOD = Columns(columns={"Id": "reference", "Who": "recipient.name"}, defaults=DEFAULTS)


@pytest.mark.parametrize(
    ("columns", "metadata"),
    [({"Colour": "-"}, None), ({"Colour": ""}, None), ({"*": "-"}, None), ({"Colour": "metadata.c"}, {"c": "red"})],
)
def test_a_column_is_left_out_or_kept_on_purpose(columns: dict[str, str], metadata: dict[str, str] | None) -> None:
    row = {"Id": "1", "Who": "Ana", "Colour": "red"}
    assert list(refused(row, GOOD)) == ["csv.column column 'Colour'"]
    data, _ = filled(row, Columns(columns={**GOOD.columns, **columns}, defaults=DEFAULTS))
    assert data.get("metadata") == metadata


def test_the_rest_may_be_kept_as_metadata() -> None:
    keep = GOOD.model_copy(update={"keep_rest": True})
    data, _ = filled({"Id": "1", "Who": "Ana", " Favourite Colour! ": "red", "Größe": "40"}, keep)
    assert data["metadata"] == {"favourite_colour": "red", "größe": "40"}
    assert list(refused({"Id": "1", "Who": "Ana", "A b": "1", "A-b": "2"}, keep)) == [
        "csv.column_twice column 'metadata.a_b'"
    ]
    assert list(refused({"Id": "1", "Who": "Ana", "***": "1"}, keep)) == ["csv.column column '***'"]
    many = {f"c{n}": "1" for n in range(21)}
    assert list(refused({"Id": "1", "Who": "Ana", **many}, keep)) == ["csv.metadata metadata"]
    del many["c20"]
    data, _ = filled({"Id": "1", "Who": "Ana", **many}, keep)
    assert len(data["metadata"]) == 20


def test_defaults_are_made_of_cells_and_merge_fields_stay() -> None:
    defaults = {**DEFAULTS, "reference": "x-{Id}-{Year|26}", "message": "Hi {Call|you}, {first_name|friend} of {city}!"}
    columns = Columns(columns={"Who": "recipient.name", "Id": "-"}, defaults=defaults)
    data, findings = filled({"Id": "7", "Who": "Ana", "Year": "27", "Call": "Annie"}, columns)
    assert (data["reference"], data["message"]) == (
        "x-7-27",
        "Hi Annie, {first_name|friend} of {city}!",
    ) and not findings
    data, findings = filled({"Id": "7", "Who": "Ana", "Year": "", "Call": ""}, columns)
    assert (data["reference"], data["message"][:7]) == ("x-7-26", "Hi you,")
    assert {(f.level, f.code) for f in findings} == {(Level.NOTE, "row.default_used")}
    data, findings = filled({"Id": "", "Who": "Ana", "Year": "", "Call": "{sender_name}"}, columns)
    assert {f.code for f in findings if f.level is Level.ERROR} == {"row.default", "row.braces"}


def test_a_default_stands_where_a_cell_is_empty_and_only_there() -> None:
    columns = Columns(
        columns={**GOOD.columns, "Land": "recipient.country"}, defaults={**DEFAULTS, "recipient.country": "CA"}
    )
    assert filled({"Id": "1", "Who": "Ana", "Land": ""}, columns)[0]["recipient"]["country"] == "CA"
    assert filled({"Id": "1", "Who": "Ana", "Land": "Germany"}, columns)[0]["recipient"]["country"] == "DE"


def test_an_empty_default_leaves_no_blank_before_a_comma() -> None:
    defaults = {**DEFAULTS, "message": "Dear {Call|}, hello"}
    columns = Columns(columns=GOOD.columns, defaults=defaults)
    assert filled({"Id": "1", "Who": "Ana", "Call": ""}, columns)[0]["message"] == "Dear, hello"


@pytest.mark.parametrize(
    ("text", "code"),
    [("Germany", "DE"), ("deutschland", "DE"), ("us", "US"), ("U.S.A.", "US"), ("United States of America", "US"), ("UK", "GB"),
     ("Finland", "FI"), ("Österreich", "AT"), ("Cote d'Ivoire", "CI"), ("South Korea", "KR"), ("Nowhere", None), ("XX", None)],
)  # fmt: skip
def test_names_of_countries_become_codes(text: str, code: str | None) -> None:
    assert exports.country_code(text) == code


def test_an_unknown_country_stays_and_is_refused_by_the_order() -> None:
    columns = Columns(columns={**GOOD.columns, "Land": "recipient.country"}, defaults=DEFAULTS)
    data, _ = filled({"Id": "1", "Who": "Ana", "Land": "Atlantis"}, columns)
    with pytest.raises(ValueError, match="country"):
        Order.model_validate(data)


def test_streets_of_more_than_two_lines_are_refused_not_cut() -> None:
    columns = Columns(columns={**GOOD.columns, "S": "recipient.street", "B": "recipient.po_box"}, defaults=DEFAULTS)
    _, findings = filled({"Id": "1", "Who": "Ana", "S": "1 Oak St\nApt 4", "B": "17"}, columns)
    assert [f.code for f in findings] == ["row.street_lines"]
    data, findings = filled({"Id": "1", "Who": "Ana", "S": "1 Oak St", "B": "17"}, columns)
    assert (data["recipient"]["street"], data["recipient"]["street2"]) == ("1 Oak St", "PO Box 17") and not findings


def test_a_file_without_a_header_is_told_so_and_its_data_are_not_quoted() -> None:
    with pytest.raises(Refused) as caught:
        filled({"Ana Ortega": "Bo", "1 Oak Street": "2 Elm St", "Reno": "Reno"}, Columns())
    assert [f.code for f in caught.value.findings] == ["csv.header"]
    assert "Ana" not in str(caught.value.findings) + str(caught.value)


def test_a_header_that_comes_twice_matters_only_where_it_is_used() -> None:
    text = b"Id,Who,X,X\n1,Ana,a,b\n"
    table = open_table(io.BytesIO(text), "o.csv")
    (row,) = bulk.rows(table, Columns(columns={**GOOD.columns, "X": "-"}, defaults=DEFAULTS))
    assert row.data["reference"] == "1"
    with pytest.raises(Refused) as caught:
        bulk.rows(table, Columns(columns={**GOOD.columns, "X": "-"}, defaults={**DEFAULTS, "metadata.x": "{X}"}))
    assert [f.code for f in caught.value.findings] == ["csv.column_twice"]


def test_json_takes_no_mapping() -> None:
    table = open_table(io.BytesIO(b'{"reference":"A"}\n'), "o.ndjson")
    with pytest.raises(Refused) as caught:
        bulk.rows(table, GOOD)
    assert [f.code for f in caught.value.findings] == ["columns.kind"]


def test_a_mapping_is_strict() -> None:
    with pytest.raises(ValueError, match="extra"):
        Columns.model_validate({"colums": {}})
    assert Columns.model_validate_json('{"columns": {"a": "-"}, "keep_rest": true}').keep_rest


def test_a_misspelt_merge_field_is_found_before_the_first_row() -> None:
    columns = Columns(columns=GOOD.columns, defaults={**DEFAULTS, "message": "Hi {frist_name|friend} of {nick|x}"})
    found = refused({"Id": "1", "Who": "Ana"}, columns)
    assert found["csv.default_field default of 'message'"]
    with_nick = Columns(
        columns={**GOOD.columns, "Nick": "metadata.nick"}, defaults={**DEFAULTS, "message": "Hi {nick|x}"}
    )
    assert filled({"Id": "1", "Who": "Ana", "Nick": ""}, with_nick)[0]["message"] == "Hi {nick|x}"
