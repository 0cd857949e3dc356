"""The picture that a check draws: findings lie where they mean, on the side that they mean, and all are listed."""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cardpipe.cli import checking, designs
from cardpipe.model.finding import error, note
from cardpipe.model.units import Box, mm
from cardpipe.pipeline import pointing
from cardpipe.prepress import checksheet, extent
from cardpipe.settings import Settings
from cardpipe.wiring import Shop


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    tmp = tmp_path_factory.mktemp("studio")
    made = Shop(Settings(data=tmp / "data", designs=tmp / "designs"))
    yield made
    made.close()


def spoiled(studio: Shop, name: str, body: str) -> Path:
    """A design with something more upon its outside's art."""
    folder = designs.create(studio, name, "A7", "svg")
    path = folder / "outside.svg"
    path.write_text(path.read_text().replace("  </g>\n  <!-- Never", f"{body}\n  </g>\n  <!-- Never", 1))
    return folder


def near(box: Box, x: float, y: float, width: float, height: float) -> bool:
    return np.allclose([box.x, box.y, box.width, box.height], [x, y, width, height], atol=1.5)


def test_a_line_is_found_on_the_page_however_it_is_drawn(studio: Shop) -> None:
    spoiled(
        studio, "pointed",
        '<defs><linearGradient id="g">\n<stop offset="0" stop-color="#010203"/>\n</linearGradient>\n'
        '<g id="leaf">\n<circle r="2" fill="#040506"/></g></defs>\n'
        '<rect x="10" y="20" width="30" height="5" fill="url(#g)"/>\n'
        '<use href="#leaf" x="100" y="100"/>\n'
        '<g transform="translate(10 10) scale(2)" opacity="0.01">\n<path d="M0 0 q 10 20 20 0z" fill="#070809"/></g>',
    )  # fmt: skip
    text = (studio.settings.designs / "pointed" / "outside.svg").read_text().splitlines()
    line = {
        what: next(n for n, row in enumerate(text, 1) if what in row)
        for what in ("#010203", "#040506", 'leaf" x', "#070809")
    }
    draft = studio.catalog.shelf.draft("pointed", lambda file: (*line.values(), 1) if file == "outside.svg" else ())
    tall = draft.format.media.height
    places = {at: box for (_, at), box in draft.places.items()}
    assert set(places) == set(line.values())
    assert near(places[line["#010203"]], mm(10), tall - mm(25), mm(30), mm(5)), (
        "a stop: what is painted with its gradient"
    )
    assert near(places[line["#040506"]], mm(98), tall - mm(102), mm(4), mm(4)), "what is lent: where it is used"
    assert near(places[line['leaf" x']], mm(98), tall - mm(102), mm(4), mm(4))
    assert near(places[line["#070809"]], mm(10), tall - mm(30), mm(40), mm(20)), (
        "through transforms, by the curve itself"
    )


def test_findings_lie_on_their_side_and_keep_their_number(studio: Shop) -> None:
    spoiled(studio, "numbered", '<rect x="10" y="20" width="30" height="5" fill="#123456"/>')
    findings = designs.ranked(designs.examine(studio, "numbered").findings)
    assert [f.code for f in findings] == ["svg.colour", "svg.guides", "svg.guides"]
    findings += [
        error("design.frame.overlap", "designs/numbered/design.toml message", "lies over it"),
        note("x.y", "designs/numbered", "of all"),
    ]
    draft = studio.catalog.shelf.draft("numbered", lambda file: pointing.lines(findings, file))
    marks = {
        side: pointing.marks(findings, draft.design, draft.format, side, draft.places) for side in draft.format.sides
    }
    assert [mark.number for mark in marks["outside"]] == [1, 2, 5]
    assert [mark.number for mark in marks["inside"]] == [3, 4, 5]
    assert [mark.box is not None for mark in marks["outside"]] == [True, False, False]
    message = draft.design.one("message")
    assert message is not None
    assert marks["inside"][1].box == draft.format.panels["right"].place(message.inner)[0]
    assert {o.label for o in pointing.outlines(draft.design, draft.format, "inside")} == {
        "message",
        "signature, below the last line",
    }
    assert [o.kind for o in pointing.outlines(draft.design, draft.format, "outside")] == ["code"]


def test_the_picture_shows_the_lines_and_the_finding(studio: Shop) -> None:
    spoiled(studio, "pictured", '<rect x="160" y="20" width="30" height="15" fill="#123456"/>')
    findings = designs.ranked(designs.examine(studio, "pictured").findings)
    made = checking.pictures(studio, "pictured", findings)
    assert set(made) == {"outside.png", "inside.png"}
    assert made == checking.pictures(studio, "pictured", findings), "the same each time"
    pixels = np.asarray(Image.open(io.BytesIO(made["outside.png"])).convert("RGB")).astype(int)
    scale = checksheet.PPI / 25.4
    for _, colour in (checksheet.LINES[kind] for kind in ("trim", "safe", "fold", "code")):
        assert (np.abs(pixels - colour).max(axis=2) < 8).sum() > 100
    inside = pixels[round(24 + 27 * scale), round(24 + 170 * scale)]
    assert inside.tolist() == [0x12, 0x34, 0x56], "the strange colour is shown as it was drawn"
    above = pixels[round(24 + 20 * scale) - 4 : round(24 + 20 * scale), round(24 + 170 * scale)]
    assert (np.abs(above - (200, 24, 24)).max(axis=1) < 8).any(), "framed in red"


def test_a_coarse_picture_is_pointed_at(studio: Shop) -> None:
    folder = spoiled(studio, "coarse", f'<image x="150" y="120" width="40" height="30" href="{coarse()}"/>')
    findings = designs.ranked(designs.examine(studio, "coarse").findings)
    number, found = next((n, f) for n, f in enumerate(findings, 1) if f.code == "image.ppi.low")
    assert "outside.svg" in found.where
    page = studio.catalog.design("coarse").files["outside.pdf"]
    places = {("outside", at): box for at, box in extent.pictures(page).items()}
    source = studio.catalog.design("coarse")
    marks = pointing.marks(findings, source.design, source.format, "outside", places)
    box = next(mark.box for mark in marks if mark.number == number)
    assert box is not None and near(box, mm(150), source.format.media.height - mm(150), mm(40), mm(30))
    assert checking.pictures(studio, "coarse", findings)["outside.png"]
    assert extent.pictures(b"nothing") == {} and folder.is_dir()


def coarse() -> str:
    out = io.BytesIO()
    Image.new("RGB", (40, 30), (200, 30, 30)).save(out, "PNG")
    return f"data:image/png;base64,{base64.b64encode(out.getvalue()).decode()}"


def test_art_that_cannot_be_drawn_leaves_an_empty_side_and_a_broken_toml_no_picture(studio: Shop) -> None:
    folder = spoiled(studio, "torn", "")
    (folder / "outside.svg").write_text("<svg")
    (folder / "inside.svg").unlink()
    (folder / "inside.pdf").write_bytes(b"nothing")
    found = designs.examine(studio, "torn").findings
    assert set(checking.pictures(studio, "torn", found)) == {"outside.png", "inside.png"}
    toml = folder / "design.toml"
    toml.write_text(toml.read_text().replace("[[frame]]", "[[frame", 1))
    assert checking.pictures(studio, "torn", found) == {}
    assert checking.pictures(studio, "nowhere", []) == {}


def test_check_writes_the_pictures(
    studio: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    spoiled(studio, "written", '<rect width="30" height="15" fill="#123456"/>')
    monkeypatch.setattr(designs, "shop", lambda: studio)
    with pytest.raises(SystemExit) as end:
        designs.check(["written"], False, tmp_path / "out")
    assert end.value.code == 2
    assert sorted(path.name for path in (tmp_path / "out" / "written").iterdir()) == ["inside.png", "outside.png"]
    told = capsys.readouterr()
    assert (
        re.search(r"1: #123456 is no ink", told.err) and str(tmp_path / "out" / "written" / "outside.png") in told.out
    )
