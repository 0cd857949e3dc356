"""Text in a design's drawing: set in the shop's faces when it is read, pinned as outlines, the same for ever."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from cardpipe.catalog import art, digests
from cardpipe.catalog.fonts import load_fonts
from cardpipe.catalog.shelf import Catalog
from cardpipe.cli import checking, designs
from cardpipe.cli.watching import turn
from cardpipe.model.errors import Bug, Refused
from cardpipe.settings import Settings
from cardpipe.wiring import Shop

WORDS = '<text id="hello" x="40" y="40" font-family="Caveat" font-size="12" fill="#d9776a">Hello, letters!</text>'


@pytest.fixture
def house(tmp_path: Path) -> Iterator[Shop]:
    """A shop with a shelf of fonts of its own, and a design with words."""
    shutil.copytree(Settings().fonts, tmp_path / "fonts")
    made = Shop(Settings(data=tmp_path / "data", designs=tmp_path / "designs", fonts=tmp_path / "fonts"))
    folder = designs.create(made, "worded", "A2", "svg")
    path = folder / "inside.svg"
    ink = made.catalog.design("worded").design.inks
    colour = next(ink[name].screen for name in ink if name != "paper")
    path.write_text(path.read_text().replace("</svg>", WORDS.replace("#d9776a", colour) + "\n</svg>"))
    yield made
    made.close()


def anew(house: Shop) -> Shop:
    """The same house tomorrow: designs and fonts are read again."""
    made = Shop(house.settings)
    made.__dict__["darkroom"] = house.darkroom
    return made


def edit(house: Shop, name: str, old: str, new: str) -> None:
    path = house.settings.fonts / name / "font.toml"
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))


def test_words_are_printed_and_an_accepted_order_keeps_them_as_they_were(house: Shop) -> None:
    tomorrow = anew(house)
    verdict, pictures = designs.proofs_of(tomorrow, "worded")
    assert verdict.ok, verdict.findings
    designs.write(house.settings.designs / "worded", pictures)
    accepted = tomorrow.catalog.design("worded")
    assert accepted.digests == anew(house).catalog.design("worded").digests, "the same words, the same page"

    edit(house, "caveat", "joined = false", "joined = false\nfeatures = { calt = false }")
    changed = anew(house).catalog.design("worded")
    same = {name for name in accepted.files if accepted.files[name] == changed.files[name]}
    assert set(accepted.files) - same == {"inside.pdf"}, "another face draws another page"
    (found,) = digests.judge(changed, house.settings.designs / "worded")
    assert found.code == "design.version" and "the page of inside.svg" in found.message

    shutil.rmtree(house.settings.fonts)
    pinned = Catalog(house.settings.designs, house.settings.fonts).design_from("worded", accepted.files)
    assert pinned.files == accepted.files and pinned.digests == accepted.digests, "no font is asked for, nor a darkroom"


def test_what_an_artist_hears_of_a_face_that_is_not_there(house: Shop, tmp_path: Path) -> None:
    path = house.settings.designs / "worded" / "inside.svg"
    path.write_text(path.read_text().replace('"Caveat"', '"Caveatt"'))
    (told,) = [f for f in designs.examine(anew(house), "worded").findings if f.level == "error"]
    assert told.code == "svg.text.face" and told.where.startswith("designs/worded/inside.svg line ")
    assert "'Caveatt' is not on the shelf" in told.message and "the nearest is Caveat;" in told.remedy
    said = turn(anew(house), "worded", tmp_path / "out")
    assert "1 error: svg.text.face at inside.svg line " in said
    drawn = checking.pictures(anew(house), "worded", [told])
    assert any(name.startswith("inside") for name in drawn), "and the picture shows where"


def test_a_broken_shelf_is_told_beside_the_design(house: Shop) -> None:
    edit(house, "zeyada", "joined = false", "joined = maybe")
    with pytest.raises(Refused) as caught:
        anew(house).catalog.design("worded")
    assert "font.toml.unreadable" in {finding.code for finding in caught.value.findings}


def test_drawings_without_text_ask_for_no_face(house: Shop) -> None:
    source = anew(house).catalog.design("worded")

    def none() -> tuple[()]:
        raise Bug("nobody needs faces here")

    plain = b'<svg xmlns="http://www.w3.org/2000/svg"/>'
    saved = {"outside.svg": plain, "inside.svg": plain.decode().encode("utf-16")}
    assert art.pages(saved, source.design, source.format, house.darkroom.art, none)[1], "refused for its size only"
    worded = plain.decode().replace("/>", "><text/></svg>").encode("utf-16")
    with pytest.raises(Bug, match="faces here"):
        art.pages({**saved, "inside.svg": worded}, source.design, source.format, house.darkroom.art, none)


def test_the_shelf_by_the_names_that_artists_write() -> None:
    faces = {face.name: face for face in load_fonts(Settings().fonts).art_faces}
    assert len(faces) >= 11 and all(face.data and face.sha256 for face in faces.values())
    assert (faces["arimo"].family, faces["arimo"].weight, faces["arimo"].italic) == ("Arimo", 400, False)
    assert {face.family for face in faces.values()} >= {"Caveat", "Homemade Apple", "Covered By Your Grace"}
    assert faces["mynerve"].features == (("liga", False),) and "ë" in faces["mynerve"].faults
    assert faces["mynerve"].replace and faces["noto-emoji"].x_height == 0.62
