"""Text beside a browser's: the same words in the same faces, one line a row, the ink of each row measured in both."""

from __future__ import annotations

import base64
import os
import random
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from svgmaking import ORDER
from svgshelf import shelf

from cardpipe.model.units import mm
from cardpipe.prepress.raster import opened
from cardpipe.prepress.svgart import make

WIDE, PITCH, SCALE = 200, 10, 8  # millimetres, millimetres a row, pixels a millimetre
NEAR = 2  # pixels: a quarter of a millimetre

ROWS = {
    "kerning": '<text x="10" y="{y}" font-family="Arimo">Happy Birthday, AVATAR Tomé Wy.</text>',
    "the middle": '<text x="100" y="{y}" font-family="Arimo" text-anchor="middle">Happy Birthday, AVATAR Tomé Wy.</text>',
    "the end, ligatures, accents": '<text x="190" y="{y}" font-family="Caveat" text-anchor="end" font-size="7">Fluffy coffee for Nguyễn, off to Łódź</text>',
    "spaced capitals": '<text x="100" y="{y}" font-family="Josefin Sans" font-weight="600" text-anchor="middle" letter-spacing=".3em">SPACED OUT</text>',
    "spaced script": '<text x="10" y="{y}" font-family="Caveat" letter-spacing="1px" font-size="7">Spaced off letters teller</text>',
    "shifts": '<text x="10" y="{y}" font-family="Homemade Apple">To<tspan dx="3" dy="-1">To</tspan> A<tspan font-size="3">small</tspan> end</text>',
    "several faces in the middle": '<text x="100" y="{y}" font-family="Mynerve" style="font-feature-settings:normal" text-anchor="middle" font-size="6">one <tspan font-family="Arimo" font-size="4">two</tspan> three</text>',
    "chunks": '<text x="100" y="{y}" font-family="Arimo" text-anchor="middle">\n <tspan x="50">AAA  B</tspan>\n <tspan x="150" text-anchor="end">CC</tspan>\n</text>',
    "spaces kept": '<text x="10" y="{y}" font-family="Arimo" word-spacing="2mm" xml:space="preserve">  A   B</text>',
    "points, weight, slant": '<text x="10" font-family="Playfair Display" font-weight="bold" font-style="italic" font-size="6pt" transform="scale(.75 .75) translate(3 {third})">Fine ffi Typography</text>',
    "shorthand": '<text x="20" y="{y}" style="font: italic 900 6px/1.2 Fraunces, serif">Shorthand <tspan font-size="50%">half</tspan> <tspan font-size="1.5em" dy="0.1em">big</tspan></text>',
    "scripts": '<text x="20" y="{y}" font-family="Arimo">Ελλάδα To Привет AV</text>',
    "stroke": '<text x="20" y="{y}" font-family="Arimo" stroke="#0b2452" stroke-width=".5">Fat outline</text>',
    "classes": '<text class="a" x="60" y="{y}"><tspan class="b c">With</tspan> love</text>',
}  # fmt: skip
SHEET = (
    "<style>.a{font-family:Caveat;font-size:9px;text-anchor:end} .b{letter-spacing:.1em} #x,.b.c{font-size:4px}</style>"
)
#: Faces whose font.toml switches features: a browser draws them otherwise.
FACES = [replace(face, features=(), replace=()) for face in shelf()]


def drawing(rows: Sequence[str], sheet: str = "") -> str:
    places = [7 + PITCH * number for number in range(len(rows))]
    placed = [row.replace("{y}", str(y)).replace("{third}", str(y / 0.75)) for row, y in zip(rows, places, strict=True)]
    tall = PITCH * len(rows)
    opening = f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDE}mm" height="{tall}mm" viewBox="0 0 {WIDE} {tall}">'
    return f'{opening}{sheet}<g fill="#0b2452" font-size="5">{"".join(placed)}</g></svg>'


def browsers(drawn: str, rows: int, folder: Path) -> np.ndarray:
    """How Chromium draws it; skipped by its name where it is missing, and a failure where all is required."""
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        if os.environ.get("CARDPIPE_TEST_REQUIRE") == "all":
            pytest.fail("no chromium, and CARDPIPE_TEST_REQUIRE=all asks for it (Debian: chromium)")
        pytest.skip("chromium: install the Debian package chromium to run this")
    faces = "".join(
        f"@font-face{{font-family:'{face.family}';font-weight:{face.weight};"
        f"font-style:{'italic' if face.italic else 'normal'};"
        f"src:url(data:font/ttf;base64,{base64.b64encode(face.data).decode()})}}"
        for face in FACES
    )
    wide, tall = WIDE * SCALE, PITCH * rows * SCALE
    page, shot = folder / "text.html", folder / "text.png"
    page.write_text(
        f"<!doctype html><meta charset=utf-8><style>{faces} body{{margin:0}} text{{text-rendering:geometricPrecision}}"
        f" body>svg{{display:block;width:{wide}px;height:{tall}px}}</style>{drawn}"
    )
    subprocess.run(
        [chromium, "--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--disable-lcd-text",
         "--force-device-scale-factor=1", f"--user-data-dir={folder / 'profile'}", f"--window-size={wide},{tall}",
         f"--screenshot={shot}", "--virtual-time-budget=5000", page.as_uri()],
        capture_output=True, timeout=120, check=False,
    )  # fmt: skip
    assert shot.is_file(), "chromium drew nothing"
    return np.asarray(Image.open(shot).convert("RGB")).min(axis=2)


def box(pixels: np.ndarray) -> tuple[int, ...]:
    down, along = np.nonzero(pixels < 128)
    return (int(along.min()), int(down.min()), int(along.max()), int(down.max())) if len(along) else ()


def far(rows: Sequence[str], folder: Path, sheet: str = "") -> dict[str, tuple[object, object]]:
    """The rows whose ink is not where a browser has it, with both boxes or with how many pixels differ."""
    drawn = drawing(rows, sheet)
    seen = browsers(drawn, len(rows), folder)
    order = replace(ORDER, width=mm(WIDE), height=mm(PITCH * len(rows)), faces=tuple(FACES))
    with opened(make(drawn.encode(), order).pdf) as document:
        made = document.pixels(0, SCALE * 25.4).min(axis=2)
    assert seen.shape == made.shape and (made < 128).sum() > 1000 * len(rows)
    wrong: dict[str, tuple[object, object]] = {}
    for number, text in enumerate(rows):
        row = slice(PITCH * number * SCALE, PITCH * (number + 1) * SCALE)
        theirs, ours = box(seen[row]), box(made[row])
        different = (np.abs(seen[row].astype(int) - made[row]) > 160).sum()
        if len(theirs) != len(ours) or max((abs(a - b) for a, b in zip(theirs, ours, strict=True)), default=0) > NEAR:
            wrong[text] = (theirs, ours)
        elif different > 0.12 * (seen[row] < 128).sum():
            wrong[text] = (int(different), int((seen[row] < 128).sum()))
    return wrong


def test_words_stand_where_a_browser_puts_them(tmp_path: Path) -> None:
    assert far(list(ROWS.values()), tmp_path, SHEET) == {}


def test_words_within_words_stand_where_a_browser_puts_them(tmp_path: Path) -> None:
    """Parts within parts, with faces, sizes, spaces, shifts and places of their own, as chance has it."""
    chance = random.Random(5)
    assert far([_wild(chance) for _ in range(40)], tmp_path) == {}


_WORDS = ("To", "AV", "fi", "office", "Wy.", "Lod", " ", "  ", "\n ", " a", "b ", "é", "12", "–", "yo", "ffl", "LL")
_REGULAR = "font-weight='400' font-style='normal'"
_FACES = {
    "Arimo": _REGULAR, "Caveat": _REGULAR, "Mynerve": _REGULAR, "Josefin Sans": "font-weight='600' font-style='normal'",
    "Playfair Display": "font-weight='bold' font-style='italic'",
}  # fmt: skip
_OTHERS = {
    "font-size": ("4", "5", "1.1em", "90%"), "letter-spacing": ("0.5", "-.2", ".1em", "0", "normal"),
    "word-spacing": ("1", "-.5", ".3em"), "xml:space": ("preserve", "default"),
}  # fmt: skip
_PLACES = {"dx": ("1", "-1", "2", "0"), "dy": (".5", "-.5"), "x": ("30", "80", "140"), "fill": ("#e8917e",)}


def _wild(chance: random.Random) -> str:
    anchor = chance.choice(("start", "middle", "end"))
    return f"<text y='{{y}}' x='100' text-anchor='{anchor}' {_face(chance)} {_said(chance, _OTHERS)}>{_parts(chance, 0)}</text>"


def _parts(chance: random.Random, depth: int) -> str:
    made = []
    for _ in range(chance.randint(1, 3)):
        if depth < 3 and chance.random() < 0.45:
            face = _face(chance) if chance.random() < 0.25 else ""
            said = _said(chance, {**_OTHERS, **_PLACES})
            made.append(f"<tspan {face} {said}>{_parts(chance, depth + 1)}</tspan>")
        else:
            made.append("".join(chance.choice(_WORDS) for _ in range(chance.randint(1, 3))))
    return "".join(made)


def _face(chance: random.Random) -> str:
    name = chance.choice(list(_FACES))
    return f"font-family='{name}' {_FACES[name]}"


def _said(chance: random.Random, table: dict[str, tuple[str, ...]]) -> str:
    return " ".join(f"{key}='{chance.choice(values)}'" for key, values in table.items() if chance.random() < 0.2)
