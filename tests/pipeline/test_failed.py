"""The file of failed rows: it says what is wrong, runs nothing in a spreadsheet, and comes back exactly."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cardpipe.model.finding import error, note, warning
from cardpipe.pipeline import bulk
from cardpipe.pipeline.failed import failed_csv, failed_ndjson
from cardpipe.pipeline.mapping import Columns
from cardpipe.pipeline.table import EXTRA, open_table

FOUND = [
    error("address.city.missing", "recipient.city", "the city is missing", "fill in the city"),
    warning("photo.low", "photo", "has 120 ppi"),
    error("photo.missing", "photo", "is not there", "upload it"),
]
HOSTILE = [
    "=1+1",
    "+1",
    "-1",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    "\n=1",
    "＝1",
    "＋1",
    "－1",
    "＠x",
    "−1",
    " =1",
    "'=1",
    "''=1",
    "'",
    "''x",
]
#: What opens a formula in a spreadsheet (OWASP, CSV Injection), at the beginning of a cell.
OPENS = tuple("=+-@\t\r\n＝＋－＠−")


def written(header: Sequence[str], rows: Sequence[tuple[int, Sequence[str]]], separator: str = ",") -> bytes:
    return b"".join(failed_csv(header, [(line, cells, FOUND) for line, cells in rows], separator))


def cells_of(data: bytes, separator: str = ",") -> list[list[str]]:
    return list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline=""), delimiter=separator, strict=True))


def test_a_failed_row_says_where_it_stood_what_is_wrong_and_what_to_do() -> None:
    data = written(["Id", "Town"], [(7, ["1", ""])])
    assert data.startswith(b"\xef\xbb\xbf") and data.endswith(b'"\r\n')
    head, row = cells_of(data)
    assert head == [*EXTRA, "Id", "Town"]
    problem = "recipient.city: the city is missing; photo: is not there"
    assert row == ["7", problem, "fill in the city; upload it", "1", ""]


def test_notes_are_told_where_nothing_else_is() -> None:
    (_, row) = cells_of(b"".join(failed_csv(["A"], [(2, ["x"], [note("n", "here", "is odd")])])))
    assert row[1] == "here: is odd"


def test_a_mended_file_is_read_as_the_first_one_was() -> None:
    first = "reference;occasion;message;recipient.name\nA;birthday;-Hi-;Ana\nB;birthday;=Hi;\n"
    table = open_table(io.BytesIO(first.encode()), "o.csv")
    rows = list(bulk.rows(table))
    back = b"".join(failed_csv(table.header, [(r.line, r.cells, FOUND) for r in rows], table.separator))
    again = open_table(io.BytesIO(back), "failed.csv")
    assert (again.header, again.separator, again.count) == (table.header, ";", 2)
    assert [row.data for row in bulk.rows(again)] == [row.data for row in rows]
    assert rows[0].data["message"] == "-Hi-"


def test_a_file_mended_twice_loses_its_remarks_each_time() -> None:
    once = written(["reference", "occasion", "message"], [(3, ["A", "b", "Hi"])])
    table = open_table(io.BytesIO(once), "o.csv")
    (record,) = table
    twice = written(table.header, [(record.line, record.cells)])
    assert cells_of(twice)[0] == cells_of(once)[0] and cells_of(twice)[1][3:] == ["A", "b", "Hi"]


def test_moved_and_missing_remarks_do_not_matter() -> None:
    text = "reference,cardpipe_problem,occasion,cardpipe_line,message\nA,x: y,birthday,3,'-Hi\n"
    (row,) = bulk.read(text.encode(), "o.csv")
    assert row.data == {"reference": "A", "occasion": "birthday", "message": "-Hi"} and not row.findings


def test_an_apostrophe_in_an_ordinary_file_stays() -> None:
    (row,) = bulk.read(b"reference,occasion,message\nA,b,'-Hi\n", "o.csv")
    assert row.data["message"] == "'-Hi"


def test_a_row_with_too_many_cells_comes_back_with_all_of_them() -> None:
    table = open_table(io.BytesIO(b"reference,occasion,message\nA,b,Hi, you\n"), "o.csv")
    (record,) = table
    back = open_table(io.BytesIO(written(table.header, [(record.line, record.cells)])), "o.csv")
    (again,) = back
    assert again.cells == record.cells == ("A", "b", "Hi", " you")
    assert [f.code for f in again.findings] == ["row.cells"]


TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20) | st.sampled_from(
    HOSTILE
)
ROW = st.lists(TEXT, min_size=3, max_size=3).filter(lambda cells: any(cell.strip() for cell in cells))


@given(header=ROW, rows=st.lists(ROW, min_size=1, max_size=4), separator=st.sampled_from(",;\t"))
@example(header=HOSTILE[:3], rows=[HOSTILE[n : n + 3] for n in range(0, 15, 3)], separator=",")
@example(header=["a", "b", "\r"], rows=[["\r\n", "\n", "x"]], separator=";")
def test_the_way_there_and_back_is_exact_and_nothing_can_be_run(
    header: list[str], rows: list[list[str]], separator: str
) -> None:
    if any(cell.strip() in EXTRA for cell in header):
        return
    data = written(header, list(enumerate(rows, 2)), separator)
    for row in cells_of(data, separator):
        assert len(row) == 6
        assert not [cell for cell in row if cell.startswith(OPENS) or cell.lstrip().startswith(OPENS)]
    table = open_table(io.BytesIO(data), "o.csv")
    assert list(table.header) == header and table.separator == separator
    assert [list(record.cells) for record in table] == rows


def test_json_comes_back_as_it_was() -> None:
    first = b'{"reference":"A","metadata":{"k":"\xc3\xa9"}}\n{bad\n[1]\n'
    rows = bulk.read(first, "o.ndjson")
    back = b"".join(failed_ndjson([(row.line, row.cells, FOUND) for row in rows]))
    said = [json.loads(line) for line in back.splitlines()]
    assert said[0]["cardpipe_line"] == 1 and said[0]["cardpipe_remedy"] == "fill in the city; upload it"
    assert said[1]["cardpipe_unreadable"] == "{bad"
    again = bulk.read(back, "o.ndjson")
    assert again[0].data == rows[0].data == {"reference": "A", "metadata": {"k": "é"}} and not again[0].findings
    assert [[f.code for f in row.findings] for row in again[1:]] == [["row.unreadable"]] * 2
    twice = b"".join(failed_ndjson([(row.line, row.cells, FOUND) for row in again]))
    assert json.loads(twice.splitlines()[1])["cardpipe_unreadable"] == "{bad"


@pytest.mark.parametrize("cell", HOSTILE)
def test_each_opener_is_defused_in_the_header_too(cell: str) -> None:
    head, row = cells_of(written([cell, "b"], [(2, [cell, "x"])]))
    assert head[3] == row[3] and (head[3] == f"'{cell}" or not cell.strip("' \t\r\n").startswith(OPENS))
    assert open_table(io.BytesIO(written([cell, "b"], [(2, [cell, "x"])])), "o.csv").header == (cell, "b")


def test_a_mapping_fits_the_failed_file_as_it_fitted_the_first() -> None:
    columns = Columns(columns={"Id": "reference", "-Who-": "recipient.name"},
                      defaults={"occasion": "birthday", "message": "Hi", "sender.name": "June"})  # fmt: skip
    first = open_table(io.BytesIO(b"Id,-Who-\n1,Ana\n"), "o.csv")
    (row,) = bulk.rows(first, columns)
    again = open_table(io.BytesIO(written(first.header, [(row.line, row.cells)])), "o.csv")
    assert [one.data for one in bulk.rows(again, columns)] == [row.data]
