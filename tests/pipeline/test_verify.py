"""A delivered folder that says what its manifest says; and each way in which one may not, found by one code."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Callable
from pathlib import Path

import pikepdf
import pytest
from shopfloor import SCOPE, House, order

from cardpipe.model.errors import Refused
from cardpipe.pipeline import verify
from cardpipe.pipeline.release import release


@pytest.fixture(scope="module")
def delivered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with three pieces, made once."""
    from cardpipe.settings import Settings

    place = tmp_path_factory.mktemp("verify")
    house = House(Settings(data=place / "data"))
    (batch,) = house.printed(*(order(n) for n in (1, 2, 3)))
    release(house, SCOPE, batch.id, place.as_uri())
    house.close()
    house.store.close()
    return place / batch.name


@pytest.fixture
def folder(delivered: Path, tmp_path: Path) -> Path:
    """A copy to be broken."""
    import shutil

    return Path(shutil.copytree(delivered, tmp_path / delivered.name))


def found(folder: Path) -> list[str]:
    try:
        _, findings = verify.folder(lambda name: (folder / name).open("rb"), [p.name for p in folder.iterdir()])
    except Refused as problem:
        findings = list(problem.findings)
    return list(dict.fromkeys(finding.code for finding in findings))


def signed(folder: Path) -> None:
    """Digests made anew, as by somebody who changed a file and hid it."""
    done = folder / f"{folder.name}.done"
    note = json.loads(done.read_text())
    sums = folder / f"{folder.name}_SHA256SUMS"
    for _ in range(2):
        for file in note["files"]:
            data = (folder / file["name"]).read_bytes()
            file["sha256"], file["size"] = hashlib.sha256(data).hexdigest(), len(data)
        lines = [f"{f['sha256']}  {f['name']}\n" for f in note["files"] if f["name"] != sums.name]
        sums.write_text("".join(lines))
    done.write_text(json.dumps(note))


def pages(name: str, change: Callable[[pikepdf.Pdf], None]) -> Callable[[Path], None]:
    def broken(folder: Path) -> None:
        path = folder / f"{folder.name}_{name}.pdf"
        with pikepdf.open(io.BytesIO(path.read_bytes())) as document:
            change(document)
            document.save(path)
        signed(folder)

    return broken


def swapped(first: int, second: int) -> Callable[[pikepdf.Pdf], None]:
    def change(document: pikepdf.Pdf) -> None:
        one, two = document.pages[first].obj, document.pages[second].obj
        for key in ("/Contents", "/Resources"):
            one[key], two[key] = two[key], one[key]

    return change


def last_gone(document: pikepdf.Pdf) -> None:
    del document.pages[-1]


def manifest(change: Callable[[dict[str, object]], None]) -> Callable[[Path], None]:
    """Both spellings changed alike."""

    def broken(folder: Path) -> None:
        from cardpipe.lettershop.manifest import Row, to_csv, to_json

        path = folder / f"{folder.name}_MANIFEST.json"
        body = json.loads(path.read_text())
        for piece in body["pieces"]:
            change(piece)
        rows = [Row(**piece) for piece in body["pieces"]]
        path.write_bytes(to_json(rows))
        (folder / f"{folder.name}_MANIFEST.csv").write_bytes(to_csv(rows))
        signed(folder)

    return broken


def renamed(piece: dict[str, object]) -> None:
    if piece["seq"] == 3:
        piece["name"] = "Somebody Else"


def moved(piece: dict[str, object]) -> None:
    piece["card_code_at"] = "10.00,100.00,22.00,16.00"


def edited(name: str, old: str, new: str, *, hidden: bool = True) -> Callable[[Path], None]:
    def broken(folder: Path) -> None:
        path = folder / f"{folder.name}{name}"
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new, 1))
        if hidden:
            signed(folder)

    return broken


def garbage(folder: Path, name: str, *, hidden: bool = True) -> None:
    (folder / f"{folder.name}{name}").write_bytes(b"\xff\xfe not what it was \x00" * 9)
    if hidden:
        signed(folder)


BROKEN: dict[str, tuple[Callable[[Path], object], list[str]]] = {
    "two cards swapped": (pages("CARD", swapped(0, 2)), ["batch.code_wrong"]),
    "two envelopes swapped": (pages("ENV", swapped(0, 1)), ["batch.code_wrong", "batch.address_wrong"]),
    "the last inside is lost": (pages("CARD", last_gone), ["batch.pages"]),
    "the last envelope is lost": (
        pages("ENV", last_gone),
        ["batch.pages", "batch.code_missing", "batch.address_wrong"],
    ),
    "another name in the manifest": (manifest(renamed), ["batch.address_wrong"]),
    "the code lies elsewhere": (manifest(moved), ["batch.code_wrong"]),
    "a file is missing": (lambda f: (f / f"{f.name}_ENV.pdf").unlink(), ["verify.file.missing"]),
    "a file too many": (lambda f: (f / "CARD (2).pdf").write_text("x"), ["verify.file.extra"]),
    "a byte has changed": (
        edited("_TICKET.json", '"quantity":3', '"quantity":4', hidden=False),
        ["verify.file.changed"],
    ),
    "the ticket counts otherwise": (edited("_TICKET.json", '"quantity":3', '"quantity":4'), ["verify.quantity"]),
    "a card file that is no PDF": (lambda f: garbage(f, "_CARD.pdf"), ["verify.file.unreadable"]),
    "envelopes that are no PDF": (lambda f: garbage(f, "_ENV.pdf"), ["verify.file.unreadable"]),
    "a ticket that is no JSON": (lambda f: garbage(f, "_TICKET.json"), ["verify.file.unreadable"]),
    "sums that are no text": (lambda f: garbage(f, "_SHA256SUMS", hidden=False), ["verify.file.changed"]),
    "a row is gone": (
        lambda f: edited("_MANIFEST.csv", (f / f"{f.name}_MANIFEST.csv").read_text().splitlines(True)[-1], "")(f),
        ["manifest.totals"],
    ),
}


def test_a_good_folder_verifies(folder: Path) -> None:
    assert found(folder) == []
    signed(folder)
    assert found(folder) == [], "and what these tests do to it is not what they find"
    (folder / f"{folder.name}.ack").write_text("thanks")
    assert found(folder) == []


@pytest.mark.parametrize("case", BROKEN)
def test_each_broken_folder_is_found_by_its_code(folder: Path, case: str) -> None:
    broken, expected = BROKEN[case]
    broken(folder)
    assert found(folder) == expected


def test_a_delivery_that_did_not_end_is_none(folder: Path) -> None:
    (folder / f"{folder.name}.done").unlink()
    assert found(folder) == ["verify.done"]
