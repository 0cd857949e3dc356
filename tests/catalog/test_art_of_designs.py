"""Designs whose art is SVG or PNG: made when read, pinned with what it was made of, printed as PDF."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cardpipe.catalog import art, digests
from cardpipe.catalog.press import formats
from cardpipe.catalog.shelf import Catalog
from cardpipe.cli import designs
from cardpipe.darkroom import PictureKilled
from cardpipe.model.errors import Bug, Refused
from cardpipe.model.finding import error
from cardpipe.prepress.art import ArtOrder, MadeArt
from cardpipe.settings import Settings
from cardpipe.wiring import Shop


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    tmp = tmp_path_factory.mktemp("studio")
    made = Shop(Settings(data=tmp / "data", designs=tmp / "designs"))
    yield made
    made.close()


def anew(house: Shop, press: str = "") -> Shop:
    """The same house with no design read yet: a shop reads a design once."""
    made = Shop(Settings(data=house.settings.data, designs=house.settings.designs, press=press or house.press))
    made.__dict__["darkroom"] = house.darkroom
    made.catalog.__dict__["fonts"] = house.catalog.fonts
    return made


def codes(house: Shop, name: str) -> set[str]:
    return {finding.code for finding in designs.examine(anew(house), name).findings}


@pytest.mark.parametrize("format_name", sorted(formats()))
def test_a_new_design_in_svg_passes_at_once(studio: Shop, format_name: str) -> None:
    name = f"drawn-{format_name.lower()}"
    folder = designs.create(studio, name, format_name, "svg")
    verdict = designs.examine(studio, name)
    assert verdict.ok, verdict.findings
    found = {finding.code for finding in verdict.findings}
    assert "svg.guides" in found
    assert found <= {"svg.guides", "design.proof.none", "image.mask.ppi.soft", "design.hand.long"}
    assert not list(folder.glob("*.pdf"))
    for side in formats()[format_name].sides:
        path = folder / f"{side}.svg"
        text = path.read_text()
        path.write_text(re.sub(r'  <!-- Never.*?  <g id="guides".*?</g>\n', "", text, flags=re.DOTALL))
        assert len(path.read_text()) < len(text)
    assert "svg.guides" not in codes(studio, name)
    if format_name == "A7T":
        assert designs.examine(anew(studio, "offset-x1a"), name).ok, "inks, and nothing else"


def test_an_order_pins_the_drawing_and_the_page_made_of_it(studio: Shop) -> None:
    folder = designs.create(studio, "pinned", "A2", "svg")
    source = anew(studio).catalog.design("pinned")
    assert set(source.files) == {"design.toml", "outside.svg", "inside.svg", "outside.pdf", "inside.pdf"}
    assert source.files["outside.svg"] == (folder / "outside.svg").read_bytes()
    assert source.digests == anew(studio).catalog.design("pinned").digests, "the same drawing, the same page"
    pinned = Catalog(studio.settings.designs, studio.settings.fonts).design_from("pinned", source.files)
    assert pinned.files == source.files, "and it is not made again"


def test_a_changed_drawing_needs_a_new_version(studio: Shop) -> None:
    folder = designs.create(studio, "versioned", "A2", "svg")
    verdict, pictures = designs.proofs_of(anew(studio), "versioned")
    assert verdict.ok
    designs.write(folder, pictures)
    assert not {code for code in codes(studio, "versioned") if code.startswith("design.")}
    path = folder / "inside.svg"
    path.write_text(path.read_text().replace('r="', 'r="1', 1))
    found = digests.judge(anew(studio).catalog.design("versioned"), folder)
    assert [finding.code for finding in found] == ["design.version"]
    assert "inside.svg" in found[0].message and "the page of inside.svg" in found[0].message


def test_one_side_is_saved_once(studio: Shop) -> None:
    folder = designs.create(studio, "twice", "A2", "svg")
    (folder / "inside.pdf").write_bytes(b"%PDF-1.6")
    assert codes(studio, "twice") == {"design.art.twice", "svg.guides"}
    (folder / "inside.pdf").unlink()
    (folder / "inside.svg").unlink()
    assert codes(studio, "twice") == {"design.art.missing", "svg.guides"}


def test_all_that_is_wrong_with_a_design_is_told_at_once(studio: Shop) -> None:
    folder = designs.create(studio, "muddle", "A2", "svg")
    for side, old, new in (("outside", "#e8917e", "#ff0000"), ("inside", 'id="art"', 'id="art" onclick="x"')):
        path = folder / f"{side}.svg"
        path.write_text(path.read_text().replace(old, new))
    toml = folder / "design.toml"
    toml.write_text(toml.read_text().replace('panel = "right"', 'panel = "wrong"', 1))
    found = designs.examine(anew(studio), "muddle").findings
    assert {f.code for f in found} == {"design.frame.panel", "svg.colour", "svg.script", "svg.guides"}
    assert next(f for f in found if f.code == "svg.colour").where == "designs/muddle/outside.svg line 6"


def test_frames_are_judged_beside_the_art(studio: Shop) -> None:
    folder = designs.create(studio, "beside", "A2", "svg")
    (folder / "inside.svg").write_text("<svg/>")
    toml = folder / "design.toml"
    toml.write_text(toml.read_text().replace('follows = "message"', 'box = ["20mm", "30mm", "50mm", "13mm"] #', 1))
    assert codes(studio, "beside") >= {"svg.root", "design.frame.overlap"}


def test_a_png_side_is_printed_and_refused_where_the_press_takes_no_rgb(studio: Shop) -> None:
    folder = designs.create(studio, "photographed", "A2", "svg")
    media = formats()["A2"].media
    size = [round(side / 72 * 300) for side in (media.width, media.height)]
    out = io.BytesIO()
    Image.fromarray(np.full((size[1], size[0], 3), (240, 220, 210), np.uint8)).save(out, "PNG")
    (folder / "outside.png").write_bytes(out.getvalue())
    (folder / "outside.svg").unlink()
    verdict = designs.examine(anew(studio), "photographed")
    assert verdict.ok, verdict.findings
    on_plates = [f for f in designs.examine(anew(studio, "offset-x1a"), "photographed").findings if f.level == "error"]
    assert ("design.colour", "designs/photographed/outside.png") in {(f.code, f.where) for f in on_plates}


def test_what_shines_through_is_named_for_a_press_that_takes_no_transparency(studio: Shop) -> None:
    folder = designs.create(studio, "misty", "A2", "svg")
    path = folder / "inside.svg"
    path.write_text(path.read_text().replace("<circle", '<circle id="sun" fill-opacity="0.4"'))
    assert designs.examine(anew(studio), "misty").ok
    found = designs.examine(anew(studio, "offset-x1a"), "misty").findings
    (told,) = [f for f in found if f.code == "design.transparency" and f.where == "designs/misty/inside.svg"]
    assert re.search(r'line \d+ <circle id="sun"> fill-opacity 0.4', told.message)


def test_a_catalog_without_a_darkroom_says_so(studio: Shop, tmp_path: Path) -> None:
    designs.create(studio, "roomless", "A2", "svg")
    with pytest.raises(Bug, match="needs a darkroom"):
        Catalog(studio.settings.designs, studio.settings.fonts).design("roomless")
    with pytest.raises(Refused):
        Catalog(tmp_path, studio.settings.fonts).design("roomless")


@pytest.mark.parametrize(("kills", "ends"), [(1, "made"), (9, "refused")])
def test_a_child_that_was_killed_is_asked_once_more(studio: Shop, kills: int, ends: str) -> None:
    """The machine may have been short of memory; a drawing that kills each time is refused."""
    folder = designs.create(studio, f"killed-{kills}", "A2", "svg")
    source = anew(studio).catalog.design(folder.name)
    saved = {name: data for name, data in source.files.items() if not name.endswith(".pdf")}
    asked = 0

    def make(data: bytes, order: ArtOrder) -> MadeArt:
        nonlocal asked
        asked += 1
        if asked <= kills:
            raise PictureKilled("it died", (error("art.decoder_died", order.where, "it took more memory"),))
        return studio.darkroom.art(data, order)

    made, findings = art.pages(saved, source.design, source.format, make)
    assert ("art.decoder_died" in {f.code for f in findings}) == (ends == "refused")
    assert len(made) == (2 if ends == "made" else 0)
    assert asked == (3 if ends == "made" else 4)
