"""Files of orders become rows, rows become orders or are kept refused; whoever dies in between loses nothing."""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any

import pytest
from shopfloor import DAY, SCOPE, House, order, picture

from cardpipe.model.errors import Bug, Refused, Unavailable
from cardpipe.model.finding import error
from cardpipe.model.intake import Import, NewRow, RowState
from cardpipe.model.order import digest
from cardpipe.pipeline import intake
from cardpipe.pipeline.gather import gather
from cardpipe.pipeline.mapping import Columns

HEADER = "Record ID,First Name,Last Name,Street Address,City,State/Region,Postal Code"
COLUMNS = Columns.model_validate({
    "columns": {
        "First Name": "recipient.first_name", "Last Name": "recipient.last_name", "Street Address": "recipient.street",
        "City": "recipient.city", "State/Region": "recipient.state", "Postal Code": "recipient.postcode", "*": "-",
    },
    "defaults": {
        "reference": "xmas26-{Record ID}", "occasion": "thank-you", "design": "thank-you-fern",
        "message": "Dear {first_name|friend},\n\nthank you.\n\nJune", "sender.name": "June Abara",
        "sender.street": "12 Birch St", "sender.city": "Portland", "sender.state": "OR", "sender.postcode": "97201",
    },
})  # fmt: skip


def rows(count: int, **odd: str) -> bytes:
    lines = [HEADER, *(odd.get(f"r{n}", f"{n},Ann,Lee {n},{n} Oak St,Reno,Nevada,89501") for n in range(1, count + 1))]
    return "\n".join(lines).encode()


def taken(house: House, data: bytes, name: str = "people.csv", dry: bool = False, terms: Any = None) -> Import:
    source = house.artifacts.put(SCOPE, data)
    columns = COLUMNS if name.endswith(".csv") else Columns()
    made = intake.take_in(house, SCOPE, name, source, columns, terms or {"mail_on": DAY}, dry_run=dry, actor="key:test")
    house.run_steps()
    return house.store.import_(SCOPE, made.id)


def counted(found: Import) -> dict[str, int]:
    return {str(state): number for state, number in found.counts.items() if number}


def test_every_row_of_an_export_becomes_an_order(house: House) -> None:
    found = taken(house, rows(130))
    assert (found.state, found.rows, counted(found)) == ("finished", 130, {"accepted": 130})
    one = house.store.order(SCOPE, "xmas26-7")
    assert one.request["recipient"]["name"] == "Ann Lee 7" and one.mail_on == DAY
    assert one.pieces[0].spec["message"].startswith("Dear Ann,")
    assert sum(batch.pieces for batch in gather(house, SCOPE, DAY)) == 130, "composed in the same run"


def test_a_bad_row_is_kept_with_its_findings_and_mended(house: House) -> None:
    found = taken(house, rows(5, r3="3,Ann,Lee 3,,Reno,Nevada,89501"))
    assert counted(found) == {"accepted": 4, "refused": 1}
    (bad,) = house.store.rows(SCOPE, found.id, "refused")
    assert bad.line == 4 and bad.findings and bad.cells[0] == "3"
    house.store.mend_row(
        SCOPE, bad.id, {**bad.request, "recipient": {**bad.request["recipient"], "street": "3 Oak St"}}, "x"
    )
    house.run_steps()
    assert house.store.order(SCOPE, "xmas26-3").id == bad.id, "the order has the id that its row was promised"
    assert counted(house.store.import_(SCOPE, found.id)) == {"accepted": 5}


def test_the_same_file_again_adds_nothing(house: House) -> None:
    taken(house, rows(4))
    again = taken(house, rows(4), terms={"mail_on": DAY})
    assert counted(again) == {"known": 4}


def test_a_dry_run_stores_no_order(house: House) -> None:
    found = taken(house, rows(3, r2="2,Ann,Lee,2 Oak St,,,"), dry=True)
    assert counted(found) == {"accepted": 2, "refused": 1}
    with pytest.raises(Refused):
        house.store.order(SCOPE, "xmas26-1")


def test_a_dry_run_sees_references_that_are_taken(house: House) -> None:
    taken(house, rows(2))
    data = rows(5, r2="2,Ann,Other,2 Oak St,Reno,Nevada,89501", r4="3,Ann,Lee 4,4 Oak St,Reno,Nevada,89501",
                r5="3,Ann,Lee 3,3 Oak St,Reno,Nevada,89501")  # fmt: skip
    dry, wet = taken(house, data, dry=True), taken(house, data)
    assert counted(dry) == {"accepted": 1, "known": 2, "refused": 2}, "by an order, and by a row before it"
    refused = house.store.rows(SCOPE, dry.id, "refused")
    assert [row.line for row in refused] == [3, 5]
    assert {finding.code for row in refused for finding in row.findings} == {"order.reference_reused"}
    assert counted(wet) == counted(dry), "as it comes, when it is done"


def test_a_dry_run_tells_of_likely_duplicates(house: House) -> None:
    taken(house, rows(1))
    data = rows(4, r1="8,Ann,LEE 1,1 Oak Street,Reno,NV,89501", r4="9,Ann,Lee 2,2 Oak St,Reno,Nevada,89501")
    dry = taken(house, data, dry=True)
    assert counted(dry) == {"accepted": 4}
    told = {row.line: [(str(f.level), f.code, f.message) for f in row.findings if f.code == "order.duplicate"]
            for row in house.store.rows(SCOPE, dry.id, "accepted")}  # fmt: skip
    assert [len(told[line]) for line in (2, 3, 4, 5)] == [1, 0, 0, 1]
    assert "reference xmas26-1" in told[2][0][2] and "line 3" in told[5][0][2]
    assert told[2][0][0] == "warning"
    taken(house, data)
    held = {key: house.store.order(SCOPE, f"xmas26-{key}").held_code for key in (8, 2, 3, 9)}
    assert held == {8: "order.duplicate", 2: None, 3: None, 9: "order.duplicate"}, "as it comes, when it is done"


def test_a_file_that_is_none_is_refused_as_a_whole(house: House) -> None:
    found = taken(house, b"\x89PNG\r\n\x1a\n\0\0\0", "people.csv")
    assert found.state == "refused" and found.findings and counted(found) == {}


def test_pictures_come_with_the_file(house: House) -> None:
    photos = {"photos/a.jpg": picture(1800, 1400), "photos/b.jpg": picture(1800, 1401)}
    good = order(
        1, occasion="job-completed", design="job-well-done", photos={"before": "photos/a.jpg", "after": "photos/b.jpg"}
    )
    lost = order(
        2, occasion="job-completed", design="job-well-done", photos={"before": "photos/a.jpg", "after": "photos/c.jpg"}
    )
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as file:
        file.writestr("orders.ndjson", "\n".join(json.dumps(each) for each in (good, lost)))
        for name, data in photos.items():
            file.writestr(name, data)
    found = taken(house, packed.getvalue(), "cards.zip")
    assert counted(found) == {"accepted": 1, "refused": 1}, [r.findings for r in house.store.rows(SCOPE, found.id)]
    (bad,) = house.store.rows(SCOPE, found.id, "refused")
    assert any(finding.where == "photos.after" for finding in bad.findings)
    assert house.store.order(SCOPE, "R-1").pieces[0].composed is not None


def test_a_worker_that_dies_in_the_middle_leaves_the_rest(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    real, judged = intake._settle, []

    def dies(*given: Any) -> None:
        judged.append(given[2].line)
        if len(judged) >= 30:
            raise Unavailable("the disk is full")
        real(*given)

    source = house.artifacts.put(SCOPE, rows(60))
    made = intake.take_in(house, SCOPE, "people.csv", source, COLUMNS, {"mail_on": DAY}, dry_run=False, actor="x")
    ((step, _),) = house.store.due_steps(10, 0.0)
    intake.read(house, step)
    monkeypatch.setattr(intake, "_settle", dies)
    monkeypatch.setattr(intake, "TURN_SECONDS", 60.0)
    ((step, _),) = house.store.due_steps(10, 0.0)
    intake.judge(house, step)
    assert counted(house.store.import_(SCOPE, made.id)) == {"accepted": 29, "received": 31}
    monkeypatch.setattr(intake, "_settle", real)
    with house.store.db.writing() as tx:
        tx.run("UPDATE steps SET not_before = 0")
    house.run_steps()
    found = house.store.import_(SCOPE, made.id)
    assert (found.state, counted(found)) == ("finished", {"accepted": 60})


def test_others_have_their_turn_before_a_chunk_is_through(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(intake, "TURN_SECONDS", 0.0)
    source = house.artifacts.put(SCOPE, rows(5))
    made = intake.take_in(house, SCOPE, "people.csv", source, COLUMNS, {"mail_on": DAY}, dry_run=False, actor="x")
    ((step, _),) = house.store.due_steps(10, 0.0)
    intake.read(house, step)
    for done in (1, 2):
        step = next(step for step, kind in house.store.due_steps(10, 0.0) if kind == "accept")
        intake.judge(house, step)
        assert counted(house.store.import_(SCOPE, made.id)) == {"accepted": done, "received": 5 - done}
    house.run_steps()
    assert counted(house.store.import_(SCOPE, made.id)) == {"accepted": 5}


def test_one_row_that_breaks_the_program_holds_up_no_other(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    real = intake._settle

    def breaks(*given: Any) -> None:
        if given[2].line == 3:
            raise Bug("a bug of ours")
        real(*given)

    monkeypatch.setattr(intake, "_settle", breaks)
    source = house.artifacts.put(SCOPE, rows(8))
    made = intake.take_in(house, SCOPE, "people.csv", source, COLUMNS, {"mail_on": DAY}, dry_run=False, actor="x")
    for _ in range(12):
        house.run_steps()
        with house.store.db.writing() as tx:
            tx.run("UPDATE steps SET not_before = 0")
    found = house.store.import_(SCOPE, made.id)
    assert (found.state, counted(found)) == ("finished", {"accepted": 7, "refused": 1})
    (bad,) = house.store.rows(SCOPE, made.id, "refused")
    assert [finding.code for finding in bad.findings] == ["piece.bug"] and "line 3" not in str(bad.findings)


def new_row(**changes: Any) -> NewRow:
    request = order(photo_url="https://pictures.example/a.jpg", occasion="just-because", design=None) | changes
    request = {name: value for name, value in request.items() if value is not None}
    return NewRow(0, request, reference=str(request["reference"]), request_digest=digest(request))


def test_a_photo_by_url_is_fetched_by_a_worker(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def fetch(url: str, where: str) -> bytes:
        asked.append((url, where))
        return picture(1900, 1500)

    monkeypatch.setattr(house, "fetch_picture", fetch)
    row = new_row(occasion="job-completed", design="job-well-done", photo_url=None,
                  photo_urls={"before": "https://p.example/1", "after": "https://p.example/2"})  # fmt: skip
    made, fresh = house.store.add_row(row, SCOPE)
    assert fresh and made.state is RowState.RECEIVED
    house.run_steps()
    stored = house.store.order(SCOPE, "R-1")
    assert stored.id == made.id and sorted(where for _, where in asked) == ["photo_urls.after", "photo_urls.before"]
    assert stored.pieces[0].composed is not None


def test_a_photo_that_cannot_be_fetched_refuses_the_order_in_the_end(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries = []

    def away(url: str, where: str) -> bytes:
        tries.append(url)
        raise Unavailable("away", [error("url.unavailable", where, "did not answer", "try again")])

    monkeypatch.setattr(house, "fetch_picture", away)
    made, _ = house.store.add_row(new_row(), SCOPE)
    for _ in range(12):
        house.run_steps()
        with house.store.db.writing() as tx:
            tx.run("UPDATE steps SET not_before = 0")
    row = house.store.row(SCOPE, made.id)
    assert row is not None and row.state is RowState.REFUSED and 2 <= len(tries) <= 8
    assert "url.unavailable" in [finding.code for finding in row.findings]


def test_urls_are_off_until_they_are_switched_on(house: House) -> None:
    made, _ = house.store.add_row(new_row(), SCOPE)
    house.run_steps()
    row = house.store.row(SCOPE, made.id)
    assert row is not None and [finding.code for finding in row.findings if finding.level == "error"] == [
        "picture.url_off"
    ]


def test_a_preview_stores_nothing_and_repeats_nobody(house: House) -> None:
    seen = intake.preview(io.BytesIO(rows(30, r2="2,Ann,Lee,2 Oak St,Reno,NV,89501,x,y")), "people.csv", COLUMNS)
    assert seen.header[0] == "Record ID" and seen.suggestion is not None and seen.looked_at == intake.PREVIEW
    assert seen.findings and "Oak St" not in repr(seen.findings)
    assert house.store.imports(SCOPE, 10) == ([], None)
