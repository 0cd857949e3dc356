"""``cardpipe design``: what the commands write, say and return."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pikepdf
import pytest
from PIL import Image

from cardpipe.cli import designs
from cardpipe.model.errors import Conflict, Refused
from cardpipe.prepress.raster import opened
from cardpipe.settings import Settings
from cardpipe.wiring import Shop
from tests import starting

ORDER = {
    "reference": "hello-1",
    "occasion": "just-because",
    "design": "plain-hello",
    "recipient": {
        "name": "Marisol Ortega", "street": "12 Alder Lane", "city": "Springfield", "state": "IL", "postcode": "62701",
    },
    "sender": {
        "name": "June Abara", "street": "1 Harbor Street", "city": "Salem", "state": "MA", "postcode": "01970",
    },
    "message": "Dear Marisol,\n\nNo reason at all. Come by on Sunday.",
}  # fmt: skip


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shop:
    made = Shop(Settings(data=tmp_path / "data", designs=tmp_path / "designs"))
    monkeypatch.setattr(designs, "shop", lambda: made)
    return made


def run(tmp_path: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """The command as a person runs it."""
    env = {
        **os.environ,
        "CARDPIPE_DATA": str(tmp_path / "data"),
        "CARDPIPE_DESIGNS": str(tmp_path / "designs"),
        "CARDPIPE_WORKERS": "1",
    }
    return starting.run([*words], env, tmp_path, 240)


def test_a_new_design_can_be_printed(tmp_path: Path) -> None:
    """From nothing to a print file, as a person does it."""
    made = run(tmp_path, "design", "new", "plain-hello", "--format", "A2")
    assert made.returncode == 0, made.stderr
    assert made.stdout.strip() == str(tmp_path / "designs" / "plain-hello")
    (tmp_path / "orders.ndjson").write_text(json.dumps(ORDER), encoding="utf-8")
    printed = run(tmp_path, "print", str(tmp_path / "orders.ndjson"), "--out", str(tmp_path / "out"))
    assert printed.returncode == 0, printed.stderr
    cards = list((tmp_path / "out").rglob("*_CARD.pdf"))
    assert len(cards) == 1
    with opened(cards[0].read_bytes()) as document:
        assert len(document) == 2
    with pikepdf.open(cards[0]) as pdf:
        forms = [o.read_bytes() for o in pdf.objects if isinstance(o, pikepdf.Stream) and o.get("/Subtype") == "/Form"]
    assert any(b"0.06 0.52 0.46 0 k" in form for form in forms), "the SVG's #e8917e is the ink petal, to the digit"


def test_proofs_are_written_once_and_the_same_each_time(
    house: Shop, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = designs.create(house, "plain", "IA6")
    (folder / "specimen").mkdir()
    (folder / "specimen" / "forgotten.png").write_bytes(b"")
    designs.proof([], None, True)
    told = json.loads(capsys.readouterr().out)
    names = {"specimen/short.png", "specimen/long.png", "thumbnail.png", "digests.toml"}
    assert {str(Path(path).relative_to(folder)) for path in told["proofs"]["plain"]} == names
    assert {str(path.relative_to(folder)) for path in folder.rglob("*.png")} == names - {"digests.toml"}
    with Image.open(folder / "thumbnail.png") as picture:
        assert picture.mode == "P" and picture.height == 300
    before = {name: (folder / name).read_bytes() for name in names}
    designs.proof(["plain", "plain"], None, False)
    assert before == {name: (folder / name).read_bytes() for name in names}
    out = tmp_path / "large"
    designs.proof(["plain"], out, False)
    pictures = sorted(out.rglob("*.*"))
    assert [path.name for path in pictures if path.is_file()] == ["long.png", "short.png"]
    with Image.open(out / "plain" / "short.png") as picture:
        assert picture.mode == "RGB" and picture.width > 1200
    assert before == {name: (folder / name).read_bytes() for name in names}, "and the folder is left alone"


def test_a_faulty_design_ends_with_two_and_the_good_ones_are_told(
    house: Shop, capsys: pytest.CaptureFixture[str]
) -> None:
    designs.new("good", "A2")
    assert capsys.readouterr().out.strip() == str(house.settings.designs / "good")
    with pytest.raises(Conflict, match="exists"):
        designs.new("good", "A7")
    (designs.create(house, "bad", "A2") / "inside.pdf").unlink()
    with pytest.raises(SystemExit) as end:
        designs.check(["good", "bad", "nowhere"], True)
    assert end.value.code == Refused.exit_code
    told = capsys.readouterr()
    rows = {row["name"]: row for row in json.loads(told.out)["designs"]}
    assert [rows[name]["ok"] for name in ("good", "bad", "nowhere")] == [True, False, False]
    assert [f["code"] for f in rows["bad"]["findings"]] == ["design.art.missing"]
    assert [f["code"] for f in rows["nowhere"]["findings"]] == ["design.unknown"]
    assert "there is no inside.pdf, .svg or .png" in told.err
    with pytest.raises(SystemExit):
        designs.proof(["good", "bad"], None, True)
    told = capsys.readouterr()
    answer = json.loads(told.out)
    assert list(answer["proofs"]) == ["good"] and answer["refused"] == ["bad"]


def test_a_transparent_design_passes_on_one_press_and_not_on_the_other(
    house: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = designs.create(house, "veiled", "A2")
    with pikepdf.open(folder / "inside.pdf", allow_overwriting_input=True) as pdf:
        page = pdf.pages[0].obj
        state = pikepdf.Dictionary(Type=pikepdf.Name.ExtGState, ca=0.5)
        page.Resources.ExtGState = pikepdf.Dictionary(GX=pdf.make_indirect(state))
        page.Contents = pdf.make_stream(page.Contents.read_bytes() + b"\nq /GX gs 0 0 0.4 0 k 20 20 40 40 re f Q")
        pdf.save(folder / "inside.pdf")
    designs.check(["veiled"], True)
    told = json.loads(capsys.readouterr().out)
    assert told["press"] == "digital-coated" and told["designs"][0]["ok"], told
    plant = Shop(Settings(data=tmp_path / "plant", designs=tmp_path / "designs", press="offset-x1a"))
    monkeypatch.setattr(designs, "shop", lambda: plant)
    with pytest.raises(SystemExit) as end:
        designs.check(["veiled"], True)
    assert end.value.code == Refused.exit_code
    told = json.loads(capsys.readouterr().out)
    found = [f for f in told["designs"][0]["findings"] if f["level"] == "error"]
    assert told["press"] == "offset-x1a"
    assert {(f["code"], f["where"]) for f in found} >= {("design.transparency", "designs/veiled/inside.pdf")}
    assert "X-4" in next(f["remedy"] for f in found if f["code"] == "design.transparency")


def test_no_designs_is_a_sentence(house: Shop) -> None:
    with pytest.raises(Refused, match="no designs"):
        designs.check([], False)


def test_the_schema_names_every_key(capsys: pytest.CaptureFixture[str]) -> None:
    designs.schema()
    schema = json.loads(capsys.readouterr().out)
    assert schema["additionalProperties"] is False
    assert {"name", "version", "inks", "frame", "specimen"} <= set(schema["properties"])
