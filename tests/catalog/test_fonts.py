"""Font folders: what is shipped, and everything that is wrong with a bad one at once."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import pytest

from cardpipe.catalog.fonts import LICENCE_FILES, FontFolder, Fonts, load_fonts, make_font, make_hand, read_font
from cardpipe.model.errors import Refused

FONTS = Path(__file__).parents[2] / "fonts"


@pytest.fixture(scope="module")
def fonts() -> Fonts:
    return load_fonts(FONTS)


def copy(name: str, to: Path) -> Path:
    return Path(shutil.copytree(FONTS / name, to / name))


def edit(folder: Path, old: str, new: str) -> None:
    text = (folder / "font.toml").read_text(encoding="utf-8")
    assert old in text
    (folder / "font.toml").write_text(text.replace(old, new), encoding="utf-8")


def codes(made: FontFolder | list[object]) -> set[str]:
    assert isinstance(made, list)
    return {finding.code for finding in made}  # type: ignore[attr-defined]


def test_the_house_has_eight_hands_helpers_and_an_address_face(fonts: Fonts) -> None:
    assert len(fonts.names("hand")) >= 8
    assert fonts.names("address") == ["arimo"]
    assert {"caveat", "noto-emoji", "playpen-sans"} == set(fonts.names("fallback"))
    assert "playpen-sans" not in fonts.names("hand")


def test_every_family_has_an_open_licence_beside_it_and_the_folder_stays_small(fonts: Fonts) -> None:
    for name, folder in fonts.folders.items():
        text = next(FONTS / name / file for file in LICENCE_FILES if (FONTS / name / file).is_file()).read_text("utf-8")
        words = {"OFL-1.1": "SIL OPEN FONT LICENSE", "Apache-2.0": "Apache License"}[folder.settings.licence]
        assert words.lower() in text.lower(), name
    assert sum(path.stat().st_size for path in FONTS.rglob("*") if path.is_file()) < 4_000_000


def test_bytes_and_settings_are_known_by_digest(fonts: Fonts) -> None:
    folder = fonts.folders["mynerve"]
    assert folder.sha256 == hashlib.sha256((FONTS / "mynerve" / folder.settings.file).read_bytes()).hexdigest()
    kept = make_font(folder.settings_data, folder.data)
    assert isinstance(kept, FontFolder)
    assert (kept.sha256, kept.settings_sha256) == (folder.sha256, folder.settings_sha256)
    assert kept.face.faults == {"ë", "ş"}


def test_a_hand_is_the_chosen_face_then_its_helpers(fonts: Fonts) -> None:
    assert [face.name for face in fonts.hand("zeyada").faces] == ["zeyada", "caveat", "noto-emoji", "playpen-sans"]
    assert make_hand(fonts.chain("caveat")).faces == fonts.hand("caveat").faces
    for name in fonts.names("hand"):
        assert 7 < fonts.folders[name].settings.default_x_height < 9


def test_an_unknown_name_and_a_text_face_are_refused_by_naming_the_choice(fonts: Fonts) -> None:
    with pytest.raises(Refused, match="homemade-apple"):
        fonts.hand("comic-sans")
    with pytest.raises(Refused, match="arimo is no hand"):
        fonts.hand("arimo")


def test_all_findings_of_a_font_toml_come_at_once(tmp_path: Path) -> None:
    folder = copy("zeyada", tmp_path)
    edit(folder, 'x_height = "2.9mm"', 'x_height = "2.9"\ncolour = "blue"')
    edit(folder, "joined = false", 'joined = "no"')
    (folder / "OFL.txt").unlink()
    made = read_font(folder)
    assert isinstance(made, list)
    assert {finding.where for finding in made} >= {f"fonts/zeyada.{key}" for key in ("x_height", "colour", "joined")}
    assert codes(made) == {"font.toml.invalid", "font.licence.missing"}


def test_a_folder_must_bear_the_fonts_name_and_hold_its_file(tmp_path: Path) -> None:
    folder = copy("zeyada", tmp_path)
    assert isinstance(read_font(folder), FontFolder)
    assert codes(read_font(folder.rename(tmp_path / "zeyda"))) == {"font.name.differs"}
    (tmp_path / "zeyda" / "Zeyada-Regular.ttf").write_bytes(b"no font at all")
    assert codes(read_font(tmp_path / "zeyda")) == {"font.file.unusable"}
    (tmp_path / "zeyda" / "Zeyada-Regular.ttf").unlink()
    assert codes(read_font(tmp_path / "zeyda")) == {"font.file.missing"}
    (tmp_path / "zeyda" / "font.toml").write_text("name = ")
    assert codes(read_font(tmp_path / "zeyda")) == {"font.toml.unreadable"}


def test_a_file_outside_the_folder_is_never_read(tmp_path: Path) -> None:
    folder = copy("zeyada", tmp_path)
    edit(folder, 'file = "Zeyada-Regular.ttf"', 'file = "../zeyada/Zeyada-Regular.ttf"')
    assert codes(read_font(folder)) == {"font.toml.invalid"}


def test_the_findings_of_all_folders_come_in_one_refusal(tmp_path: Path) -> None:
    copy("zeyada", tmp_path)
    edit(copy("caveat", tmp_path), 'licence = "OFL-1.1"', "licence = 1")
    with pytest.raises(Refused) as refused:
        load_fonts(tmp_path)
    found = {(finding.code, finding.where.split(".")[0]) for finding in refused.value.findings}
    assert ("font.toml.invalid", "fonts/caveat") in found
    assert ("font.fallback.unknown", "fonts/zeyada") in found
    with pytest.raises(Refused, match="1 findings"):
        load_fonts(tmp_path / "nowhere")


def test_a_glyph_to_replace_must_exist(tmp_path: Path) -> None:
    folder = copy("mynerve", tmp_path)
    edit(folder, '"n.alt2" =', '"n.alt9" =')
    assert codes(read_font(folder)) == {"font.file.unusable"}
