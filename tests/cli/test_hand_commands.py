"""``cardpipe hand``: the form as it is printed, and a font's folder from photos of it, or nothing at all."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cardpipe.catalog.fonts import load_fonts
from cardpipe.cli import hands
from cardpipe.cli.main import app
from cardpipe.model.errors import Conflict, Refused, Unavailable
from cardpipe.prepress.raster import opened
from cardpipe.settings import Settings
from cardpipe.wiring import Shop

sys.path.append(str(Path(__file__).parents[1] / "prepress"))
from formfilling import BLACK, ROOT, filled, photographed
from strokehand import StrokePen


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shop]:
    made = Shop(Settings(data=tmp_path / "data"))
    monkeypatch.setattr(hands, "shop", lambda: made)
    monkeypatch.chdir(tmp_path)
    yield made
    made.close()


@cache
def photo(number: int) -> bytes:
    return photographed(filled(number, StrokePen(), ink=BLACK), width=2000)


@pytest.fixture
def scans(tmp_path: Path) -> list[Path]:
    paths = [tmp_path / "one.jpg", tmp_path / "two.jpg"]
    for number, path in enumerate(paths, 1):
        path.write_bytes(photo(number))
    return paths


def test_the_form_is_written(house: Shop, tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["hand", "sheet", "--out", "new/form.pdf", "--paper", "a4", "--json"])
    assert done.exit_code == 0, done.output
    path = tmp_path / "new" / "form.pdf"
    with opened(path.read_bytes()) as document:
        assert len(document) == 2 and document.size(1).height == pytest.approx(841.9, abs=0.1)
        assert "signature 3" in document.text(1)
    assert list(path.parent.iterdir()) == [path]
    with pytest.raises(Unavailable):
        hands.sheet(path / "below.pdf", "letter", False)


def test_a_font_is_learned_and_the_house_takes_it(house: Shop, tmp_path: Path, scans: list[Path]) -> None:
    root = tmp_path / "fonts"
    for helper in ("caveat", "noto-emoji", "playpen-sans"):
        shutil.copytree(ROOT / "fonts" / helper, root / helper)
    arguments = [
        "hand",
        "learn",
        *map(str, scans),
        "--name",
        "grandma-ruth",
        "--title",
        "Grandma Ruth",
        "--out",
        str(root),
    ]
    done = CliRunner().invoke(app, [*arguments, "--json"])
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert {path.name for path in (root / "grandma-ruth").iterdir()} == {"grandma-ruth.ttf", "font.toml", "LICENSE"}
    hand = load_fonts(root).hand("grandma-ruth")
    assert [face.name for face in hand.faces] == ["grandma-ruth", "caveat", "noto-emoji", "playpen-sans"]
    assert hand.faces[0].font.missing("Zoë Łukasz Šárka") == []
    assert told["alternates"] == 3 and "š" in told["coverage"]["composed"] and "ß" in told["coverage"]["falls_back"]
    assert [Path(path).name for path in told["signatures"]] == [f"signature-{number}.png" for number in (1, 2, 3)]
    signed = tmp_path / "grandma-ruth-signatures"
    assert all((signed / f"signature-{number}.png").read_bytes().startswith(b"\x89PNG") for number in (1, 2, 3))
    assert {finding["code"] for finding in told["findings"]} == {"hand.cell.empty"}
    assert not list(root.glob(".*")) and not list(tmp_path.glob(".*")), "something half-made is left"
    with pytest.raises(Conflict) as caught:
        hands.learn(scans, "grandma-ruth", "", root, None, False)
    assert {finding.code for finding in caught.value.findings} == {"hand.exists"} and len(caught.value.findings) == 2


def test_everything_wrong_is_said_at_once_and_nothing_is_left(house: Shop, tmp_path: Path, scans: list[Path]) -> None:
    (tmp_path / "letter.pdf").write_bytes(b"%PDF-1.7 not a photo")
    scans[1].write_bytes(photographed(filled(2, StrokePen(), ink=BLACK), width=900))
    given = [scans[0], scans[0], scans[1], tmp_path / "letter.pdf", tmp_path / "gone.jpg"]
    with pytest.raises(Refused) as caught:
        hands.learn(given, "mine", "", tmp_path / "fonts", None, False)
    found = {finding.code: finding for finding in caught.value.findings}
    assert {"scan.small", "scan.format", "scan.unreadable", "hand.page.twice"} <= set(found)
    assert "hand.page.missing" not in found, "page 2 is there, only small"
    assert found["scan.small"].where == "two.jpg" and found["scan.unreadable"].where == "gone.jpg"
    assert all(str(tmp_path) not in finding.message + finding.where for finding in caught.value.findings)
    assert not (tmp_path / "fonts").exists() and not (tmp_path / "mine-signatures").exists()


@pytest.mark.parametrize("name", ["Grandma", "../mine", "a b", "", "-a", "a--b", "a\n", "x" * 61])
def test_a_name_must_be_one(house: Shop, tmp_path: Path, scans: list[Path], name: str) -> None:
    with pytest.raises(Refused) as caught:
        hands.learn(scans, name, "", tmp_path / "fonts", tmp_path / "signed", False)
    assert [finding.code for finding in caught.value.findings] == ["hand.name"]
    with pytest.raises(Refused) as caught:
        hands.learn([], name, "a\x07bell", tmp_path / "fonts", tmp_path / "signed", False)
    assert [finding.code for finding in caught.value.findings] == ["hand.name", "hand.title", "hand.scans"]


def test_what_cannot_be_written_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("here")
    folders = {tmp_path / "fonts" / "mine": {"mine.ttf": b"1"}, tmp_path / "file" / "signed": {"signature-1.png": b"2"}}
    for order in (folders, dict(reversed(folders.items()))):
        with pytest.raises(Unavailable) as caught:
            hands._write(order)
        assert caught.value.findings[0].code == "hand.folder"
        assert not (tmp_path / "fonts" / "mine").exists() and not list(tmp_path.glob("**/.*"))
    hands._write({tmp_path / "fonts" / "mine": {"mine.ttf": b"1"}})
    assert [path.name for path in (tmp_path / "fonts").rglob("*")] == ["mine", "mine.ttf"]
