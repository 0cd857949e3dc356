"""After the press: what was ruined is made again and nothing else; scans, contradictions, and the end of a batch."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pikepdf
import pytest
from shopfloor import SCOPE, House, order, picture

from cardpipe.model.batch import Batch, match_code
from cardpipe.model.errors import Conflict, Refused, Unavailable
from cardpipe.model.scan import Stage
from cardpipe.model.status import BatchState, PieceState
from cardpipe.pipeline import track, verify
from cardpipe.pipeline.release import release
from cardpipe.pipeline.spoil import spoil

BRAVO = {"design": "congratulations-bravo", "occasion": "congratulations", "photo": "sea"}


@pytest.fixture
def batch(house: House, tmp_path: Path) -> Batch:
    """Five pieces with a photo, released."""
    sea = picture(2400, 2000)
    (made,) = house.printed(*(order(n, **BRAVO) for n in range(1, 6)), pictures={"sea": sea})
    release(house, SCOPE, made.id, (tmp_path / "house").as_uri())
    return house.store.batch(SCOPE, made.id)


def scan(batch: Batch, *seqs: int) -> bytes:
    return "\n".join(match_code(batch.number, seq, "E") for seq in seqs).encode()


def content(data: bytes) -> list[tuple[bytes, list[bytes]]]:
    """Of every page: what it paints, and its pictures' bytes. Names of objects are the file's own affair."""
    with pikepdf.open(io.BytesIO(data)) as document:
        return [
            (
                b"\n".join(part.read_bytes() for part in _parts(page)),
                sorted(bytes(x.read_raw_bytes()) for x in page.Resources.get("/XObject", {}).values()
                       if x.get("/Subtype") == "/Image"),
            )
            for page in document.pages
        ]  # fmt: skip


def _parts(page: pikepdf.Page) -> list[pikepdf.Object]:
    contents = page.obj["/Contents"]
    return list(contents) if isinstance(contents, pikepdf.Array) else [contents]  # type: ignore[call-overload]


def test_a_remake_is_the_same_cards_once_more(house: House, batch: Batch, tmp_path: Path) -> None:
    remake, place = spoil(house, SCOPE, batch.name, [4, 2], "the inserter tore them", "tester")
    assert (remake.run, remake.seqs, remake.made) == (1, (2, 4), True)
    name = f"{batch.name}_R01"
    folder = tmp_path / "house" / name
    assert place == folder.as_uri()
    assert verify.folder(lambda n: (folder / n).open("rb"), [p.name for p in folder.iterdir()]) == (name, [])
    first, again = content(house.files(batch)["CARD.pdf"]), content((folder / f"{name}_CARD.pdf").read_bytes())
    assert again == first[2:4] + first[6:8]
    assert again[0][1], "and the photo is among what was compared"
    covers = content(house.files(batch)["ENV.pdf"])
    assert content((folder / f"{name}_ENV.pdf").read_bytes()) == [covers[1], covers[3]]
    rows = list(csv.DictReader(io.StringIO((folder / f"{name}_MANIFEST.csv").read_text())))
    assert [(row["seq"], row["reprint_of"]) for row in rows] == [(n, f"{batch.name}_CARD.pdf") for n in ("2", "4")]
    assert [row["match_code_card"] for row in rows] == [match_code(batch.number, n, "O") for n in (2, 4)]
    assert len(list(house.store.members(batch.id))) == 5, "no piece is new"
    second, _ = spoil(house, SCOPE, batch.name, [2], "again", "tester")
    assert second.run == 2 and (tmp_path / "house" / f"{batch.name}_R02").is_dir()
    tally = house.store.tally(SCOPE, batch.id)
    assert (tally.spoiled, tally.remade) == (2, 2)


def test_what_cannot_be_remade(house: House, batch: Batch) -> None:
    with pytest.raises(Refused) as caught:
        spoil(house, SCOPE, batch.id, [2, 6, 7], "x", "tester")
    assert len(caught.value.findings) == 2
    assert house.store.remakes(SCOPE, batch.id) == []
    house.take(order(9))
    house.run_steps()
    from shopfloor import DAY

    from cardpipe.pipeline.gather import gather

    (early,) = gather(house, SCOPE, DAY)
    with pytest.raises(Conflict):
        spoil(house, SCOPE, early.id, [1], "not printed yet", "tester")


def test_a_remake_whose_place_fails_stays_due_and_comes(house: House, batch: Batch, tmp_path: Path) -> None:
    place = tmp_path / "house"
    place.rename(tmp_path / "away")
    place.write_text("a file is in the way")
    with pytest.raises(Unavailable):
        spoil(house, SCOPE, batch.id, [3], "torn", "tester")
    (due,) = house.store.remakes(SCOPE, batch.id)
    assert not due.made
    place.unlink()
    (tmp_path / "away").rename(place)
    assert house.run_steps() == 1
    (made,) = house.store.remakes(SCOPE, batch.id)
    assert made.made and (place / f"{batch.name}_R01" / f"{batch.name}_R01.done").is_file()


def test_the_books_close_only_over_nothing_missing(house: House, batch: Batch) -> None:
    tally, fresh = track.reconcile(house, SCOPE, batch.id, scan(batch, 1, 2, 3, 4, 5), Stage.PRINTED, "a.csv", "tester")
    assert fresh and tally.printed == 5 and house.store.batch(SCOPE, batch.id).state is BatchState.PRINTED
    assert track.reconcile(house, SCOPE, batch.id, scan(batch, 1, 2, 3, 4, 5), Stage.PRINTED, "a.csv", "t")[1] is False
    track.reconcile(house, SCOPE, batch.id, scan(batch, 1, 2, 3), Stage.INSERTED, "b.csv", "tester")
    spoil(house, SCOPE, batch.id, [4], "jam", "tester")
    track.reconcile(house, SCOPE, batch.id, scan(batch, 4), Stage.INSERTED, "c.csv", "tester")
    withdrawn = track.withdraw(house, SCOPE, batch.id, [5], "the customer called", "tester")
    assert withdrawn.withdrawn == 1 and withdrawn.missing == (1, 2, 3, 4)
    with pytest.raises(Conflict):
        track.settle(house, SCOPE, batch.id, "tester")
    track.mark(house, SCOPE, batch.id, Stage.MAILED, [1, 2, 3], "tester")
    with pytest.raises(Conflict) as caught:
        track.settle(house, SCOPE, batch.id, "tester")
    assert "4" in " ".join(f.message + f.where for f in caught.value.findings)
    track.mark(house, SCOPE, batch.id, Stage.MAILED, None, "tester")
    assert house.store.batch(SCOPE, batch.id).state is BatchState.MAILED
    settled = track.settle(house, SCOPE, batch.id, "tester")
    assert (settled.gathered, settled.mailed, settled.withdrawn, settled.missing) == (5, 4, 1, ())
    assert house.store.batch(SCOPE, batch.id).state is BatchState.SETTLED
    assert {p.state for p in house.store.members(batch.id)} == {PieceState.MAILED}


@pytest.mark.parametrize(
    "text",
    ["{0}\n{1}\n{0}\n", "card,envelope\n{2},{1}\n", "{3}\n"],
    ids=["twice", "a stranger's card", "another batch"],
)
def test_a_contradiction_takes_nothing_and_holds_the_batch(house: House, batch: Batch, text: str) -> None:
    codes = (
        match_code(batch.number, 1, "E"), match_code(batch.number, 2, "E"), match_code(batch.number, 1, "O"),
        match_code(batch.number + 1, 1, "E"),
    )  # fmt: skip
    before = house.store.tally(SCOPE, batch.id)
    with pytest.raises(Conflict) as caught:
        track.reconcile(house, SCOPE, batch.id, text.format(*codes).encode(), Stage.INSERTED, "x", "tester")
    assert caught.value.findings
    assert house.store.batch(SCOPE, batch.id).held and house.store.tally(SCOPE, batch.id) == before


def test_inserted_again_after_a_spoil_is_no_contradiction(house: House, batch: Batch) -> None:
    track.reconcile(house, SCOPE, batch.id, scan(batch, 1, 2), Stage.INSERTED, "a", "tester")
    spoil(house, SCOPE, batch.id, [1], "jammed in its envelope", "tester")
    tally, _ = track.reconcile(house, SCOPE, batch.id, scan(batch, 1), Stage.INSERTED, "b", "tester")
    assert tally.inserted == 2 and not house.store.batch(SCOPE, batch.id).held
    with pytest.raises(Conflict):
        track.reconcile(house, SCOPE, batch.id, scan(batch, 2) + b"\n", Stage.INSERTED, "c", "tester")


def test_the_house_answers(house: House, batch: Batch, tmp_path: Path) -> None:
    assert track.replies(house, SCOPE, batch.id) == []
    (tmp_path / "house" / f"{batch.name}.ack").write_text("received 21 files\n")
    (only,) = track.replies(house, SCOPE, batch.id)
    assert only.ok and "21 files" in only.text and house.store.batch(SCOPE, batch.id).held is None
    spoil(house, SCOPE, batch.id, [1], "torn", "tester")
    (tmp_path / "house" / f"{batch.name}_R01.nak").write_text("cannot read page 2")
    found = track.replies(house, SCOPE, batch.id)
    assert [reply.ok for reply in found] == [True, False]
    assert "cannot read page 2" in found[1].text
    assert f"{batch.name}_R01" in (house.store.batch(SCOPE, batch.id).held or "")
