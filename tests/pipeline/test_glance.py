"""A glance at a file: what is seen of it, and a mapping tried on its first rows."""

from __future__ import annotations

import io
import zipfile
from typing import Any

import pytest

from cardpipe.model.errors import Refused
from cardpipe.pipeline.glance import ROWS, Glance, glance
from cardpipe.pipeline.mapping import Columns

HUBSPOT = (
    "Record ID,First Name,Last Name,Street Address,City,State/Region,Postal Code,Email\n"
    + "".join(f"{n},Zoë,Łukasz {n},{n} Main St,Tucson,AZ,85701,z@example.org\n" for n in range(1, 41))
).encode()


def at(data: bytes, name: str = "a.csv", **_: Any) -> Glance:
    return glance(io.BytesIO(data), name)


def test_the_first_rows_are_kept_and_all_are_counted() -> None:
    seen = at(HUBSPOT)
    assert seen.count == 40 and len(list(seen.table)) == ROWS
    assert seen.header[:3] == ("Record ID", "First Name", "Last Name")
    assert seen.samples()[0] == ["1", "2", "3"] and seen.samples()[1] == ["Zoë"]


def test_a_mapping_is_tried_as_often_as_wanted() -> None:
    seen = at(HUBSPOT)
    suggested = seen.suggested()
    assert suggested is not None and suggested.export == "HubSpot contacts"
    rows, findings = seen.tried(suggested.columns())
    assert not rows and {finding.code for finding in findings} >= {"csv.column_missing"}
    whole = Columns(
        columns=suggested.columns().columns,
        defaults={"reference": "x-{Record ID}", "occasion": "birthday", "message": "Dear {first_name}",
                  "sender.name": "June"},
    )  # fmt: skip
    for _ in range(2):
        rows, findings = seen.tried(whole)
        assert not findings and len(rows) == ROWS
        assert rows[0].data["reference"] == "x-1" and rows[0].data["recipient"]["name"] == "Zoë Łukasz 1"
        assert not rows[0].findings


def test_what_an_order_cannot_be_is_found_in_its_row() -> None:
    seen = at(b"reference,occasion,message,recipient.name,sender.name,mail_on\nA,Birth day,hello,Zoe,June,soon\n")
    (row,), findings = seen.tried(Columns())
    assert not findings
    assert {finding.where for finding in row.findings} == {"line 2 occasion", "line 2 mail_on"}


def test_a_zip_is_looked_into_and_its_pictures_are_counted() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as made:
        made.writestr("campaign/orders.csv", HUBSPOT)
        made.writestr("campaign/photos/a.jpg", b"no picture, and not opened")
    seen = at(out.getvalue(), "campaign.zip")
    assert (seen.count, seen.pictures, seen.table.name) == (40, 1, "orders.csv")


def test_orders_of_json_name_their_own_fields() -> None:
    seen = at(b'{"reference": "A"}\n{broken\n', "a.ndjson")
    assert seen.header == () and seen.suggested() is None and seen.samples() == []
    rows, _ = seen.tried(Columns())
    assert rows[1].findings[0].code == "row.unreadable"
    assert {finding.code for finding in rows[0].findings} == {"order.missing"}


@pytest.mark.parametrize("data, name", [(b"", "a.csv"), (b"\xff\xfe\x00", "a.csv"), (b"PK", "a.zip"), (b"x", "a.exe")])
def test_a_file_that_is_none_is_refused(data: bytes, name: str) -> None:
    with pytest.raises(Refused):
        at(data, name)
