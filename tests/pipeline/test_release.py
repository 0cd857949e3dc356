"""Eject, release, and what is never given out twice."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from shopfloor import DAY, SCOPE, House, order

from cardpipe.model.batch import Batch, match_code
from cardpipe.model.errors import Bug, Conflict, Refused, Unavailable
from cardpipe.model.status import BatchState, PieceState
from cardpipe.model.units import Box
from cardpipe.pipeline import compose, verify
from cardpipe.pipeline.gather import eject, gather
from cardpipe.pipeline.release import is_released, release
from cardpipe.prepress.page import Ink, Rect


def opener(folder: Path):  # type: ignore[no-untyped-def]
    return lambda name: (folder / name).open("rb")


def rows(house: House, batch: Batch) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(house.files(batch)["MANIFEST.csv"].decode())))


def one(house: House) -> Batch:
    (batch,) = house.store.batches(SCOPE)
    return batch


def test_a_released_batch_lies_there_whole_and_verifies(house: House, tmp_path: Path) -> None:
    (batch,) = house.printed(*(order(n) for n in (1, 2, 3)))
    place = release(house, SCOPE, batch.name, tmp_path.as_uri())
    folder = tmp_path / batch.name
    assert place == folder.as_uri() and (folder / f"{batch.name}.done").is_file()
    assert verify.folder(opener(folder), [p.name for p in folder.iterdir()]) == (batch.name, [])
    released = one(house)
    assert released.state is BatchState.RELEASED and released.target == tmp_path.as_uri()
    assert {piece.state for piece in house.store.members(batch.id)} == {PieceState.RELEASED}
    before = {path: path.stat().st_mtime_ns for path in folder.iterdir()}
    assert release(house, SCOPE, batch.name, tmp_path.as_uri()) == place
    assert {path: path.stat().st_mtime_ns for path in folder.iterdir()} == before
    folder.rename(tmp_path / "taken by the house")
    assert release(house, SCOPE, batch.name, tmp_path.as_uri()) == place
    assert not folder.exists(), "what the house took out of the folder is not given out again"


def test_nothing_is_released_to_two_places(house: House, tmp_path: Path) -> None:
    (batch,) = house.printed(order(1))
    release(house, SCOPE, batch.id, (tmp_path / "one").as_uri())
    with pytest.raises(Conflict, match="twice"):
        release(house, SCOPE, batch.id, (tmp_path / "two").as_uri())
    assert not (tmp_path / "two").exists()


def test_what_is_held_or_not_imposed_is_not_released(house: House, tmp_path: Path) -> None:
    (batch,) = house.printed(order(1))
    house.store.hold(SCOPE, batch.id, "the customer called")
    with pytest.raises(Conflict):
        release(house, SCOPE, batch.id, tmp_path.as_uri())
    house.store.resume(SCOPE, batch.id, "it was somebody else")
    house.take(order(2))
    house.run_steps()
    (early,) = gather(house, SCOPE, DAY)
    with pytest.raises(Conflict):
        release(house, SCOPE, early.id, tmp_path.as_uri())
    assert not list(tmp_path.glob("2026*"))


def test_a_place_that_fails_leaves_the_batch_as_it_was(house: House, tmp_path: Path) -> None:
    (batch,) = house.printed(order(1), order(2))
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(Unavailable):
        release(house, SCOPE, batch.id, (tmp_path / "file").as_uri())
    assert one(house).state is BatchState.IMPOSED
    assert eject(house, SCOPE, batch.id, [1], "wrong", "tester").pieces == 1, "a failed release stops no ejecting"
    house.run_steps()
    release(house, SCOPE, batch.id, (tmp_path / "other").as_uri())
    assert one(house).state is BatchState.RELEASED


def test_a_release_that_was_killed_is_finished_by_a_worker(house: House, tmp_path: Path) -> None:
    (batch,) = house.printed(order(1))
    house.store.plan_release(SCOPE, batch.id, tmp_path.as_uri(), "user:ada")  # and then the process was gone
    with pytest.raises(Conflict):
        eject(house, SCOPE, batch.id, [1], "too late", "tester")
    house.run_steps()
    assert one(house).state is BatchState.RELEASED and (tmp_path / batch.name / f"{batch.name}.done").is_file()
    release(house, SCOPE, batch.id, tmp_path.as_uri(), "user:ada")  # there already: nothing is given out again
    told = [(entry.action, entry.actor) for entry in house.store.audited("local", 9)]
    assert told == [("release", "user:ada")], "who asked for it, once, whoever handed it over"


@pytest.mark.one_machine
def test_a_file_that_changed_on_the_disk_is_not_released(house: House, tmp_path: Path) -> None:
    (batch,) = house.printed(order(1), order(2))
    name = f"{batch.name}_ENV.pdf"
    digest = next(file.sha256 for file in batch.files if file.name == name)
    (path,) = (path for path in house.settings.artifacts.rglob(f"*{digest[4:]}*") if path.is_file())
    path.chmod(0o600)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2] + b"\0" * 64 + data[len(data) // 2 + 64 :])
    with pytest.raises((Bug, Unavailable)):
        release(house, SCOPE, batch.id, tmp_path.as_uri())
    assert one(house).state is BatchState.IMPOSED and not list(tmp_path.rglob("*.done"))


def test_ejecting_writes_every_file_anew_and_frees_the_piece(house: House, tmp_path: Path) -> None:
    (batch,) = house.printed(*(order(n) for n in range(1, 5)))
    first = rows(house, batch)
    out = next(row for row in first if row["seq"] == "2")
    changed = eject(house, SCOPE, batch.name, [2], "the photo shows somebody else", "tester")
    assert (changed.revision, changed.pieces, changed.state) == (2, 3, BatchState.GATHERED)
    house.run_steps()
    again = one(house)
    assert again.state is BatchState.IMPOSED and again.name.endswith("_0003pc_v2") and again.gathered == 4
    left = rows(house, again)
    assert [row["reference"] for row in left] == [r["reference"] for r in first if r["seq"] != "2"]
    assert [row["match_code_card"] for row in left] == [match_code(batch.number, n, "O") for n in (1, 2, 3)]
    assert all("_v2_" in row["card_file"] for row in left)
    (piece,) = house.store.order(SCOPE, out["reference"]).pieces
    assert piece.state is PieceState.NEEDS_ATTENTION and piece.batch_id is None
    assert "somebody else" in piece.findings[0].message
    house.store.again(SCOPE, piece.id, "another photo")
    house.run_steps()
    (later,) = gather(house, SCOPE, DAY)
    assert [p.reference for p in house.store.members(later.id)] == [out["reference"]] and later.id != batch.id
    house.run_steps()
    for each in house.store.batches(SCOPE):
        release(house, SCOPE, each.id, tmp_path.as_uri())
    with pytest.raises(Conflict):
        eject(house, SCOPE, batch.id, [1], "too late", "tester")


def test_every_wrong_number_is_named_and_nothing_happens(house: House) -> None:
    (batch,) = house.printed(order(1), order(2))
    with pytest.raises(Refused) as caught:
        eject(house, SCOPE, batch.id, [1, 3, 9], "x", "tester")
    assert {f.code for f in caught.value.findings} == {"batch.no_such_piece"} and len(caught.value.findings) == 2
    assert one(house) == batch


def test_one_bad_piece_among_good_ones_is_named_and_ejected(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """A fragment that its own inspection let through, and that the finished file's does not."""
    for number in (1, 2, 3):
        house.take(order(number))
    heavy = Rect(Box(100, 100, 50, 50), Ink("heavy", 1, 1, 1, 1))
    pages = compose.card.compose

    def spoiled(card: object) -> list[object]:
        made = pages(card)  # type: ignore[arg-type]
        if card.seed("left") == compose.seed("local", "R-2", "left"):  # type: ignore[attr-defined]
            from dataclasses import replace

            made[1] = replace(made[1], marks=(*made[1].marks, heavy))
        return made  # type: ignore[return-value]

    monkeypatch.setattr(compose.card, "compose", spoiled)
    monkeypatch.setattr(compose, "inspect_piece", lambda *_: [])
    house.run_steps()
    (batch,) = gather(house, SCOPE, DAY)
    house.run_steps()
    held = one(house)
    assert held.state is BatchState.GATHERED and held.held
    bad = next(piece for piece in house.store.members(batch.id) if piece.reference == "R-2")
    findings = house.store.batch_findings(SCOPE, batch.id)
    assert any(f.where.startswith(f"piece {bad.seq} ") and "ink" in f.code for f in findings), findings
    eject(house, SCOPE, batch.id, [bad.seq or 0], "too much ink", "tester")
    house.run_steps()
    assert one(house).state is BatchState.IMPOSED and one(house).pieces == 2


def test_a_piece_that_fails_its_own_preflight_is_never_gathered(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    heavy = Rect(Box(100, 100, 50, 50), Ink("heavy", 1, 1, 1, 1))
    pages = compose.card.compose

    def spoiled(card: object) -> list[object]:
        from dataclasses import replace

        made = pages(card)  # type: ignore[arg-type]
        bad = card.seed("left") == compose.seed("local", "R-2", "left")  # type: ignore[attr-defined]
        return [made[0], replace(made[1], marks=(*made[1].marks, heavy))] if bad else made  # type: ignore[return-value]

    monkeypatch.setattr(compose.card, "compose", spoiled)
    for number in (1, 2, 3):
        house.take(order(number))
    house.run_steps()
    gather(house, SCOPE, DAY)
    house.run_steps()
    assert one(house).state is BatchState.IMPOSED and one(house).pieces == 2
    (piece,) = house.store.order(SCOPE, "R-2").pieces
    assert piece.state is PieceState.NEEDS_ATTENTION and any("ink" in f.code for f in piece.findings)


def test_a_batch_of_one_may_be_ejected_altogether(house: House, tmp_path: Path) -> None:
    (batch,) = house.printed(order(1))
    gone = eject(house, SCOPE, batch.id, [1], "wrong person", "tester")
    assert gone.state is BatchState.SETTLED and gone.pieces == 0 and gone.gathered == 1
    assert house.run_steps() == 0 and not is_released(gone)
    with pytest.raises(Conflict, match="settled"):
        release(house, SCOPE, gone.id, tmp_path.as_uri())


def test_a_name_of_an_older_revision_releases_nothing(house: House, tmp_path: Path) -> None:
    (batch,) = house.printed(order(1), order(2))
    eject(house, SCOPE, batch.name, [1], "wrong", "tester")
    house.run_steps()
    with pytest.raises(Refused, match="No such batch"):
        release(house, SCOPE, batch.name, tmp_path.as_uri())
    assert one(house).state is BatchState.IMPOSED
