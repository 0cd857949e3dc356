"""Files of orders: good rows go on, bad ones are found by their line, a bad header stops the file and says why."""

from __future__ import annotations

import io
import itertools
import json
import tracemalloc
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cardpipe.model.errors import Refused
from cardpipe.pipeline import bulk
from cardpipe.pipeline.mapping import Columns, suggest
from cardpipe.pipeline.table import open_table

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


# -- streams, encodings and limits


class Endless(io.RawIOBase):
    """A file of so many bytes, made as it is read: one that no memory holds."""

    def __init__(self, head: bytes, line: bytes, times: int) -> None:
        self.head, self.line, self.size, self.place = head, line, len(head) + len(line) * times, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = 0) -> int:
        self.place = offset + (0, self.place, self.size)[whence]
        return self.place

    def readinto(self, buffer: Any) -> int:
        size = max(0, min(len(buffer), self.size - self.place))
        past = self.place - len(self.head)
        if past < 0:
            made = self.head[self.place :]
        else:
            made = (self.line * (size // len(self.line) + 2))[past % len(self.line) :]
        size = min(size, len(made))
        buffer[:size] = made[:size]
        self.place += size
        return size


def refused(data: bytes, name: str = "o.csv") -> str:
    with pytest.raises(Refused) as caught:
        bulk.read(data, name)
    (found,) = caught.value.findings
    assert found.remedy
    return found.message


SMALL = "reference,occasion,message,recipient.name\nA,birthday,Hällo,Zoë\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_unicode_is_read_with_and_without_its_mark(encoding: str, end: str) -> None:
    (row,) = bulk.read(SMALL.replace("\n", end).encode(encoding), "o.csv")
    assert (row.line, row.data["message"], row.data["recipient"]) == (2, "Hällo", {"name": "Zoë"})
    assert row.cells == ("A", "birthday", "Hällo", "Zoë")


def test_utf_16_is_read_from_either_end() -> None:
    data = b"\xfe\xff" + SMALL.encode("utf-16-be")
    assert bulk.read(data, "o.csv")[0].data["message"] == "Hällo"


@pytest.mark.parametrize("encoding", ["cp1252", "latin-1", "utf-16-le", "utf-16-be", "utf-32"])
def test_what_excel_saves_otherwise_is_refused_with_the_way_to_save_it(encoding: str) -> None:
    with pytest.raises(Refused, match="CSV UTF-8"):
        bulk.read(SMALL.encode(encoding), "o.csv")


def test_the_line_of_a_wrong_byte_is_told() -> None:
    assert refused(SMALL.encode() * 3 + b"B,birthday,\xe9,Ana\n") == "is not UTF-8 (line 7)"
    assert refused(SMALL.encode() * 3 + b"B,birth\0day,e,Ana\n") == "holds NUL characters (line 7)"


def test_rows_are_streamed_and_none_is_given_out_before_all_were_seen() -> None:
    line = b"A,birthday," + b"x" * 4_980 + b"\n"
    file = io.BufferedReader(Endless(b"reference,occasion,message\n", line, 3_000))
    tracemalloc.start()
    table = open_table(file, "o.csv")
    assert table.count == 3_000
    assert sum(1 for row in bulk.rows(table) if row.data["reference"] == "A") == 3_000
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert file.raw.size > 14_000_000 and peak < 5_000_000
    assert [row.line for row in itertools.islice(bulk.rows(table), 2)] == [2, 3], "read as often as wanted"


@pytest.mark.parametrize(
    ("head", "line", "times", "said"),
    [
        (b"reference,occasion,message\n", b"A,b,c\n", 100_001, "holds more than 100000 orders"),
        (b"reference,occasion,message\n", b"x" * 1_000_000, 201, "is larger than 200 MB"),
        (b"reference,occasion,message\n", b"x" * 1_000, 1_500, "has a row of more than 1000000 characters at line 2"),
        (b"reference,occasion,message\nA,b,", b'"x\n",', 400_000, "has a row of more than 1000000 characters"),
        (b'reference,occasion,message\nA,b,"', b"x\n", 100_000, "is no CSV at line 2: field larger than field limit"),
        (b"reference,occasion,message,", b"a,", 1_000, "has 1004 columns; at most 1000 are read"),
    ],
)  # fmt: skip
def test_a_file_beyond_the_limits_is_refused(head: bytes, line: bytes, times: int, said: str) -> None:
    file = io.BufferedReader(Endless(head, line, times))
    with pytest.raises(Refused) as caught:
        open_table(file, "o.csv")
    assert caught.value.findings[0].message.startswith(said)


def test_json_is_read_whole_and_so_its_limit_is_lower() -> None:
    file = io.BufferedReader(Endless(b"[", b'{"reference": "A"},\n', 1_100_000))
    with pytest.raises(Refused, match="NDJSON"):
        open_table(file, "o.json")


def test_a_cell_that_no_column_takes_is_a_finding_and_the_others_go_on() -> None:
    rows = bulk.read(b"reference,occasion,message\nA,b," + b"x" * 10_001 + b"\nB,b,c\n", "o.csv")
    assert [[f.code for f in row.findings] for row in rows] == [["row.cell_long"], []]


def test_a_file_that_is_cut_off_is_noticed() -> None:
    rows = bulk.read(b"reference,occasion,message,recipient.name\nA,b,Hi,Ana\nB,b,Happy birthd", "o.csv")
    assert [[f.code for f in row.findings] for row in rows] == [[], ["row.cut_off"]]
    (whole,) = bulk.read(b"reference,occasion,message,recipient.name\nA,b,Hi\n", "o.csv")
    assert not whole.findings and whole.cells == ("A", "b", "Hi", "")


@pytest.mark.parametrize(
    "text", ["[" * 100_000, '{"a":' * 100_000, '{"a": NaN}', '{"a": -Infinity}', '{"a": "\\ud800"}', "1" * 5_000, "5"]
)
def test_json_that_programs_disagree_about_is_refused(text: str) -> None:
    (row,) = bulk.read(text.encode(), "o.ndjson")
    assert [f.code for f in row.findings] == ["row.unreadable"]


def test_a_whole_emoji_written_in_two_escapes_is_read() -> None:
    (row,) = bulk.read(b'{"message": "\\ud83c\\udf82"}', "o.ndjson")
    assert row.data == {"message": "🎂"} and not row.findings


CARDS = """BEGIN:VCARD\r
VERSION:3.0\r
N:Ortega;Ana;Luz,Mar;Dr.;\r
FN:Dr. Ana Ortega\r
ORG:Ortega\\, Books;Sales\r
ADR;TYPE=WORK:;;9 Work Rd;Elko;NV;89801;USA\r
item1.ADR;TYPE=HOME,PREF:;Apt 4;1 Oak\r
  Street\\nRear;Reno;NV;89501;USA\r
PHOTO;ENCODING=b;TYPE=JPEG:AAAA\r
 BBBB\r
BDAY:1980-01-02\r
UID:urn:uuid:1\r
END:VCARD\r
BEGIN:VCARD
VERSION:4.0
N;LANGUAGE="x:y;z":Doe;Jo;;;
END:VCARD
BEGIN:VCARD
VERSION:2.1
FN;ENCODING=QUOTED-PRINTABLE:Zo=C3=AB
END:VCARD
BEGIN:VCARD
VERSION:3.0
FN:Cut Of"""


def test_vcards_become_rows() -> None:
    table = open_table(io.BytesIO(CARDS.encode()), "contacts.vcf")
    records = list(table)
    assert table.header == ("UID", "FN", "N", "ORG", "ADR", "BDAY")
    assert [record.line for record in records] == [1, 14, 18, 22]
    assert [[f.code for f in record.findings] for record in records] == [
        [], [], ["row.vcard_encoding", "row.vcard_version"], ["row.cut_off"],
    ]  # fmt: skip
    assert records[0].cells == (
        "urn:uuid:1", "Dr. Ana Ortega", "Ortega;Ana;Luz,Mar;Dr.;", "Ortega, Books",
        ";Apt 4;1 Oak Street\\nRear;Reno;NV;89501;USA", "1980-01-02",
    )  # fmt: skip
    stated = {"reference": "x-{UID|none}", "occasion": "birthday", "message": "Hi", "sender.name": "June"}
    columns = suggest(table.header).columns().model_copy(update={"defaults": stated})
    rows = list(bulk.rows(table, columns))
    assert [f.code for f in rows[0].findings] == ["row.street_lines"]
    assert rows[0].data["recipient"]["name"] == "Dr. Ana Ortega" and rows[0].data["metadata"] == {"first_name": "Ana"}
    assert rows[1].data["recipient"] == {"name": "Jo Doe"}


PIECES = [b'"', b",", b";", b"\n", b"\r", b"\0", b"\xff\xfe", b"\xef\xbb\xbf", b"\xe9", b"{", b"}", b"[", b'"a":', b"A,b,c\n",
          b"reference,occasion,message\n", b"BEGIN:VCARD\n", b"VERSION:3.0\n", b"ADR:;;;\\", b"N:a;b\n", b"END:VCARD\n", b"cardpipe_line,"]  # fmt: skip


@given(
    st.lists(st.sampled_from(PIECES) | st.binary(max_size=8), max_size=30),
    st.sampled_from(["csv", "ndjson", "json", "vcf"]),
)
def test_only_refused_ever_comes_out(pieces: list[bytes], kind: str) -> None:
    try:
        table = open_table(io.BytesIO(b"".join(pieces)), f"o.{kind}")
        suggested = suggest(table.header)
        assert len(suggested.rows) == len(table.header)
        assert table.count == len(list(table)) > 0
        if table.header:
            stated = dict.fromkeys(("occasion", "message", "sender.name", "recipient.name"), "x")
            columns = Columns(
                columns={**suggested.columns().columns, "*": "-"},
                defaults={**stated, "reference": f"{{{table.header[0].strip()}}}"},
            )
            assert all(isinstance(row.data, dict) for row in bulk.rows(table, columns))
    except Refused as problem:
        assert problem.findings


def test_a_first_line_that_names_no_columns_is_refused_without_its_words() -> None:
    said = refused(b"Dear Ana, " + b"thank you " * 40 + b"\nx,y\n")
    assert "header of" in said and "Ana" not in said
