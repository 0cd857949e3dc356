"""From a CRM's export with pictures, in a ZIP, to accepted orders; and back to the customer with what was refused."""

from __future__ import annotations

import io
import zipfile

from shopfloor import DAY, SCOPE, House, order, picture

from cardpipe.model.finding import has_errors
from cardpipe.pipeline import bulk
from cardpipe.pipeline.accept import accept
from cardpipe.pipeline.archive import open_archive
from cardpipe.pipeline.failed import failed_csv
from cardpipe.pipeline.mapping import suggest
from cardpipe.pipeline.table import open_table

HEAD = "Record ID,First Name,Last Name,Email,Street Address,City,State/Region,Postal Code,Country/Region,photo\n"
ROWS = (
    "901,Zoë Ann,Łukasz,z@example.com,1 Main St,Tucson,Arizona,85705,United States,pics/a.jpg\n"
    "902,=Bo,Ortega,b@example.com,2 Main St,,Arizona,85705,United States,pics/a.jpg\n"
    "903,Jo,Doe,j@example.com,3 Main St,Tucson,Arizona,85705,United States,pics/missing.jpg\n"
)
STATED = {
    "reference": "xmas26-{Record ID}", "occasion": "holiday", "design": "holiday-keepsake",
    "message": "Dear {first_name|friend},\n\nthank you{company|}.\n\nJune", "sender.name": "June Abara",
    "sender.street": "12 Birch St", "sender.city": "Portland", "sender.state": "OR", "sender.postcode": "97201",
}  # fmt: skip


def test_an_export_with_pictures_is_taken_and_the_failed_rows_come_back(house: House) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as made:
        made.writestr("orders.csv", "\ufeff" + HEAD + ROWS)
        made.writestr("pics/a.jpg", picture(1500, 1500))
    opened = open_archive(out, "batch.zip")
    name, file = opened.table()
    table = open_table(file, name)
    columns = suggest(table.header).columns().model_copy(update={"defaults": STATED})
    verdicts = []
    for row in bulk.rows(table, columns):
        assert not has_errors(row.findings)
        verdicts.append((row, accept(house, SCOPE, row.data, opened.picture, DAY)))
    assert [verdict.reference for _, verdict in verdicts] == ["xmas26-901", "xmas26-902", "xmas26-903"]
    taken = verdicts[0][1].order
    assert taken is not None, verdicts[0][1].findings
    assert [f.code for f in taken.findings if f.level == "note"] == ["message.field.default"]
    (piece,) = house.store.pieces_of(SCOPE, [taken.id])
    assert piece.spec["message"] == "Dear Zoë Ann,\n\nthank you.\n\nJune"
    assert [{f.code for f in verdict.findings if f.level == "error"} for _, verdict in verdicts[1:]] == [
        {"address.city.missing"}, {"picture.path"},
    ]  # fmt: skip
    back = b"".join(failed_csv(table.header, [(r.line, r.cells, v.findings) for r, v in verdicts if v.order is None]))
    assert b'"\'=Bo"' in back
    mended = back.decode("utf-8-sig").replace('"2 Main St",""', '"2 Main St","Tucson"').replace("missing.jpg", "a.jpg")
    again = [
        accept(house, SCOPE, row.data, opened.picture, DAY)
        for row in bulk.rows(open_table(io.BytesIO(mended.encode()), "mended.csv"), columns)
    ]
    assert [verdict.order is not None for verdict in again] == [True, True]


def test_a_default_that_stands_does_not_hide_that_the_message_is_too_long(house: House) -> None:
    verdict = house.take(order(message="Dear {nick|friend}, " + "thank you very much " * 150))
    assert verdict.order is None
    assert [f.code for f in verdict.findings if f.level == "error"] == ["message.too_long"]
