"""Files of orders: good rows go on, bad ones are found by their line, a bad header stops the file and says why."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cardpipe.model.errors import Refused
from cardpipe.pipeline import bulk

HEAD = "reference,occasion,message,recipient.name,recipient.city,photos.main,metadata.deal"


def test_columns_with_dots_become_parts() -> None:
    (row,) = bulk.read(f'{HEAD}\nA,birthday,"Hi,\nyou",Ana,Reno,a.jpg,7\n'.encode(), "o.csv")
    assert row.data == {
        "reference": "A", "occasion": "birthday", "message": "Hi,\nyou",
        "recipient": {"name": "Ana", "city": "Reno"}, "photos": {"main": "a.jpg"}, "metadata": {"deal": "7"},
    }  # fmt: skip


@pytest.mark.parametrize(
    ("cell", "seed"), [("yes", True), ("TRUE", True), ("1", True), ("no", False), ("False", False), ("", None)]
)
def test_inserts_and_seeds_are_read_as_what_they_are(cell: str, seed: bool | None) -> None:
    text = f'reference,occasion,message,inserts,seed\nA,birthday,Hi,"price-list; brochure;",{cell}\n'
    (row,) = bulk.read(text.encode(), "o.csv")
    assert row.data["inserts"] == ["price-list", "brochure"] and row.data.get("seed") is seed and not row.findings
    assert {"inserts", "seed"} <= set(bulk.columns())


def test_a_seed_is_yes_or_no() -> None:
    rows = bulk.read(b"reference,occasion,message,seed\nA,birthday,Hi,perhaps\nB,birthday,Hi,no\n", "o.csv")
    assert [f.code for f in rows[0].findings] == ["row.yes_no"] and not rows[1].findings


def test_a_row_of_several_lines_is_found_where_it_begins() -> None:
    text = 'reference,occasion,message\nA,birthday,"Hi,\n\nyou"\nB,birthday,Hi\n'
    assert [row.line for row in bulk.read(text.encode(), "o.csv")] == [2, 5]


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_separators_and_marks_of_spreadsheets_are_known(separator: str) -> None:
    text = "\ufeff" + f"{HEAD}\nA,birthday,Hi,Ana,Reno,,\n".replace(",", separator)
    (row,) = bulk.read(text.encode(), "o.CSV")
    assert row.data["recipient"]["city"] == "Reno" and "photos" not in row.data


def test_a_wrong_header_names_the_column_and_what_was_meant() -> None:
    with pytest.raises(Refused) as caught:
        bulk.read(b"reference,occasion,mesage,recipient.nme\nA,b,c,d\n", "o.csv")
    remedies = " ".join(f.remedy for f in caught.value.findings)
    assert "message" in remedies and "recipient.name" in remedies
    assert {f.code for f in caught.value.findings} == {"csv.column", "csv.column_missing"}


def test_a_doubled_column_is_refused() -> None:
    with pytest.raises(Refused) as caught:
        bulk.read(b"reference,occasion,message,message\nA,b,c,d\n", "o.csv")
    assert [f.code for f in caught.value.findings] == ["csv.column_twice"]


def test_a_row_with_too_many_cells_is_found_by_its_line() -> None:
    rows = bulk.read(b"reference,occasion,message\nA,birthday,Hi, you\nB,birthday,Hi\n", "o.csv")
    assert [f.code for f in rows[0].findings] == ["row.cells"] and rows[0].line == 2 and not rows[1].findings


def test_lines_of_ndjson_stand_alone() -> None:
    rows = bulk.read(b'{"reference":"A"}\n\n{bad\n[1]\n{"a":1,"a":2}\n', "o.ndjson")
    assert [bool(row.findings) for row in rows] == [False, True, True, True]
    assert [row.line for row in rows] == [1, 3, 4, 5]


def test_json_may_be_one_order_or_many() -> None:
    assert len(bulk.read(b'{"reference":"A"}', "o.json")) == 1
    assert len(bulk.read(json.dumps([{"reference": "A"}, 5]).encode(), "o.json")) == 2


@pytest.mark.parametrize(
    ("name", "data"),
    [("o.txt", b"x"), ("o.csv", b""), ("o.json", b"{"), ("o.csv", b"\xff\xfe"), ("o.csv", b"a\0b"), ("o.csv", b'a,"b')],
)
def test_a_file_that_is_none_of_these_is_refused(name: str, data: bytes) -> None:
    with pytest.raises(Refused):
        bulk.read(data, name)


@given(st.binary(max_size=300), st.sampled_from(["o.csv", "o.ndjson", "o.json"]))
def test_no_bytes_make_it_fail_otherwise(data: bytes, name: str) -> None:
    try:
        rows = bulk.read(data, name)
    except Refused as problem:
        assert problem.findings
    else:
        assert rows and all(isinstance(row.data, dict) for row in rows)
