"""``cardpipe design gallery``: a page and a sheet of all designs, complete in one folder, the same each time."""

from __future__ import annotations

import io
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from cardpipe.cli import designs, gallery
from cardpipe.model.errors import Refused
from cardpipe.pipeline.gallery import exhibit
from cardpipe.prepress import card
from cardpipe.prepress.gallerypage import Entry, View, by_occasion, page
from cardpipe.prepress.raster import opened
from cardpipe.prepress.typeset import Hand, Layout
from cardpipe.settings import Settings
from cardpipe.wiring import Shop


class Reader(HTMLParser):
    """Tags with their attributes, and that each is closed."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in ("meta", "img"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def read(text: str) -> Reader:
    reader = Reader()
    reader.feed(text)
    reader.close()
    assert not reader.open
    return reader


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shop:
    made = Shop(Settings(data=tmp_path / "data", designs=tmp_path / "designs"))
    monkeypatch.setattr(gallery, "shop", lambda: made)
    for name, kind in (("folded", "A2"), ("tented", "A2T"), ("flat", "A6F")):
        designs.create(made, name, kind, "svg")
    toml = made.settings.designs / "tented" / "design.toml"
    toml.write_text(
        toml.read_text()
        .replace('["just-because"', '["get-well", "thank-you"')
        .replace('title = "Tented"', 'title = "Tea & <Toast>"')
    )
    return made


def test_the_gallery_is_whole_and_needs_nobody(house: Shop, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    gallery.gallery([], out, True)
    told = json.loads(capsys.readouterr().out)
    assert told["designs"] == ["flat", "folded", "tented"] and told["refused"] == []
    html = (out / "index.html").read_text()
    shown = read(html)
    assert "script" not in html and not re.search(r"https?://|@import|url\(", html)
    policy = next(tag["content"] for tag in shown.all("meta") if tag.get("http-equiv"))
    assert policy is not None and "default-src 'none'" in policy
    assert [tag["id"] for tag in shown.all("section")] == ["get-well", "just-because"]
    images = shown.all("img")
    assert len(images) == 3 + 3 + 2 and all(tag["alt"] for tag in images)
    for tag in images:
        assert tag["src"] is not None and tag["width"] and tag["height"]
        with Image.open(out / tag["src"]) as picture:
            assert picture.size == (int(tag["width"]), int(tag["height"])) and picture.mode == "RGB"
    assert "Tea & <Toast>" in shown.text and "<Toast>" not in html
    assert "Also for" in shown.text and "thank you" in shown.text
    assert "at most about" in shown.text and "Photos" in shown.text
    with opened((out / "contact-sheet.pdf").read_bytes()) as sheet:
        words = sheet.text(0)
        assert len(sheet) == 1 and "Get well: tented, A2T" in words and "3\r\ndesigns" in words
    before = {path: path.read_bytes() for path in out.rglob("*.*")}
    gallery.gallery([], out, False)
    assert before == {path: path.read_bytes() for path in out.rglob("*.*")}
    assert capsys.readouterr().out == f"{out / 'index.html'}\n{out / 'contact-sheet.pdf'}\n"


def test_a_design_that_cannot_be_shown_is_told_and_left_out(
    house: Shop, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (house.settings.designs / "flat" / "front.svg").unlink()
    with pytest.raises(SystemExit) as end:
        gallery.gallery(["flat", "folded"], tmp_path / "out", True)
    assert end.value.code == Refused.exit_code
    told = capsys.readouterr()
    assert json.loads(told.out)["refused"] == ["flat"] and "design.art.missing" in told.err
    assert "folded" in (tmp_path / "out" / "index.html").read_text()


def test_the_panels_are_shown_as_they_are_held(house: Shop) -> None:
    shown = exhibit(house, "tented")
    back, front, inside = (shown.pictures[name] for name in ("back", "front", "inside"))
    assert list(shown.pictures) == ["front", "inside", "back"]
    assert back.shape == front.shape and abs(inside.shape[0] - 2 * front.shape[0]) <= 2
    assert abs(inside.shape[1] - front.shape[1]) <= 2
    flower = front.astype(int)
    assert (abs(flower - (0xE8, 0x91, 0x7E)).max(axis=2) < 24).mean() > 0.05, "the flower is on the front"


def test_as_many_characters_fit_as_are_promised(house: Shop) -> None:
    shown = exhibit(house, "folded")
    assert 150 < shown.characters < 1200
    design = shown.design
    hand = Hand(design.hand, tuple(font.face for font in house.catalog.hand(design.hand)))
    words = "Come by on a Sunday and see the garden, there will be soup and bread enough. " * 30
    body = words[: shown.characters - 40]
    assert isinstance(card.fit_message(design, hand, f"Dear Marisol,\n\n{body}\n\nWith love,", True), Layout)
    body = words[: round(shown.characters * 1.3)]
    assert not isinstance(card.fit_message(design, hand, f"Dear Marisol,\n\n{body}\n\nWith love,", True), Layout)
    assert design.hand in shown.hands


def test_entries_stand_under_their_first_occasion() -> None:
    def entry(name: str, occasion: str) -> Entry:
        return Entry(name, name.title(), occasion, [View(f"{name}.jpg", "front", 10, 14)], [("Photos", "none")])

    entries = [entry("b", "thank-you"), entry("a", "thank-you"), entry("c", "birthday")]
    assert {key: [e.name for e in found] for key, found in by_occasion(entries).items()} == {
        "birthday": ["c"],
        "thank-you": ["a", "b"],
    }
    shown = read(page(entries))
    assert shown.text.index("Birthday") < shown.text.index("Thank you")
    assert {tag["href"] for tag in shown.all("a")} == {"#birthday", "#thank-you"}


def test_pictures_carry_nothing_but_the_picture(house: Shop) -> None:
    files: dict[str, Any] = gallery.written_files([exhibit(house, "folded")], house.catalog.printed().data)
    for path, data in files.items():
        if path.endswith(".jpg"):
            with Image.open(io.BytesIO(data)) as picture:
                assert not picture.getexif() and "icc_profile" not in picture.info
