"""``cardpipe format``: the list that people read, the one that programs read, and the sheet."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cardpipe.cli import formats
from cardpipe.model.errors import Refused, Unavailable
from cardpipe.prepress.raster import opened
from cardpipe.settings import Settings
from cardpipe.wiring import Shop


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shop:
    made = Shop(Settings(data=tmp_path / "data"))
    monkeypatch.setattr(formats, "shop", lambda: made)
    return made


def test_every_format_is_listed(house: Shop, capsys: pytest.CaptureFixture[str]) -> None:
    formats.list_formats(False)
    words = capsys.readouterr().out
    formats.list_formats(True)
    value = json.loads(capsys.readouterr().out)
    known = house.catalog.formats()
    assert [row["name"] for row in value["formats"]] == sorted(known) and value["carrier"] == house.carrier
    (a7,) = [row for row in value["formats"] if row["name"] == "A7"]
    assert (a7["flat"]["width"], a7["flat"]["height"], a7["duplex"]) == (720, 504, "DuplexFlipShortEdge")
    assert a7["weight_g"] == pytest.approx(19.7, abs=0.1) and a7["findings"] == []
    for name, format in known.items():
        assert name in words and format.envelope_name in words
    assert "short edge" in words and "long edge" in words and "19.7 g" in words


def test_a_sheet_is_written(house: Shop, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "new" / "folder"
    formats.sheet("A7T", out)
    said = capsys.readouterr()
    path = Path(said.out.strip())
    assert path == out / "A7T_TUMBLE.pdf" and list(out.iterdir()) == [path]
    assert "flip on the short edge" in said.err and "fold it" in said.err
    with opened(path.read_bytes()) as document:
        assert len(document) == 2 and "A7T" in document.text(0)


def test_an_unknown_format_is_refused(house: Shop, tmp_path: Path) -> None:
    with pytest.raises(Refused) as caught:
        formats.sheet("B7", tmp_path)
    assert [finding.code for finding in caught.value.findings] == ["format.unknown"]
    assert "A7" in caught.value.findings[0].remedy and list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_is_said(house: Shop, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("here")
    with pytest.raises(Unavailable) as caught:
        formats.sheet("A7", tmp_path / "file")
    assert [finding.code for finding in caught.value.findings] == ["format.sheet"]
