"""``cardpipe hand specimens`` and ``hand compare``: pages that are looked at, and numbers that a program reads."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image

from cardpipe.cli import specimens
from cardpipe.model.errors import Refused, Unavailable
from cardpipe.prepress.raster import opened
from cardpipe.settings import Settings
from cardpipe.wiring import Shop


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shop:
    made = Shop(Settings(data=tmp_path / "data"))
    monkeypatch.setattr(specimens, "shop", lambda: made)
    return made


def test_pages_of_two_hands(house: Shop, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "hands"
    specimens.specimens(["mynerve", "zeyada"], out, True)
    written = json.loads(capsys.readouterr().out)["written"]
    assert [Path(path).name for path in written] == ["hands.pdf", "hands.png", "mynerve.png", "zeyada.png"]
    with opened((out / "hands.pdf").read_bytes()) as document:
        assert len(document) == 3 and "mynerve" in document.text(0) and "Not written by it: ë" in document.text(1)
    for name in ("hands", "mynerve", "zeyada"):
        with Image.open(out / f"{name}.png") as picture:
            assert picture.size == (935, 1210) and len(picture.getcolors(1 << 20) or []) > 50


def test_how_alike_in_figures_and_on_sheets(house: Shop, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    specimens.measure("reenie-beanie", tmp_path / "sheets", True)
    told = json.loads(capsys.readouterr().out)
    letters = [told["strengths"][how]["letters"] for how in ("none", "subtle", "natural", "lively")]
    assert letters[0] == 1.0 and letters == sorted(letters, reverse=True) and told["others"] < 0.6 < letters[-1]
    assert len(list((tmp_path / "sheets").iterdir())) == 5
    specimens.measure("reenie-beanie", None, False)
    assert f"{letters[2]:.1%}" in capsys.readouterr().out


def test_what_cannot_be_shown(house: Shop, tmp_path: Path) -> None:
    with pytest.raises(Refused, match="no font nobody"):
        specimens.specimens(["nobody"], tmp_path / "out", False)
    with pytest.raises(Refused):
        specimens.measure("nobody", None, False)
    (tmp_path / "file").write_text("")
    with pytest.raises(Unavailable, match="cannot be written"):
        specimens.specimens(["mynerve"], tmp_path / "file", False)
