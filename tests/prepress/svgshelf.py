"""A small shelf of faces for the text of drawings: two of the shop's, one with faults, and two for display."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from cardpipe.catalog.fonts import FontFolder, make_font, read_font
from cardpipe.prepress.art import ArtFace

ROOT = Path(__file__).parents[2]
DISPLAY = {
    "josefin": "JosefinSans_600SemiBold.ttf",
    "playfair": "PlayfairDisplay_700Bold_Italic.ttf",
    "fraunces": "Fraunces_900Black_Italic.ttf",
}


def made(name: str, data: bytes) -> FontFolder:
    settings = (
        f'name = "{name}"\ntitle = "{name}"\nversion = "1"\nrole = ["display"]\nfile = "x.ttf"\nlicence = "OFL-1.1"\n'
    )
    folder = make_font(settings.encode(), data)
    assert isinstance(folder, FontFolder), folder
    return folder


@cache
def shelf() -> tuple[ArtFace, ...]:
    faces = []
    for name in ("arimo", "caveat", "mynerve", "homemade-apple"):
        folder = read_font(ROOT / "fonts" / name)
        assert isinstance(folder, FontFolder), folder
        faces.append(folder.art_face())
    loose = ROOT / "designs" / "_studio" / "fonts"
    return (*faces, *(made(name, (loose / file).read_bytes()).art_face() for name, file in DISPLAY.items()))
