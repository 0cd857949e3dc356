"""Forms filled and photographed in code: letters of some font drawn into the cells, then what a phone makes of them."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from cardpipe.catalog.press import presses, profile
from cardpipe.prepress import formprint
from cardpipe.prepress import formsheet as form
from cardpipe.prepress.font import Font
from cardpipe.prepress.raster import opened
from cardpipe.prepress.typeset import Face

ROOT = Path(__file__).parents[2]
FACE = Face("arimo", Font((ROOT / "fonts" / "arimo" / "Arimo-Regular.ttf").read_bytes()))
PRESS = presses()["digital-coated"]
PPI = 250
MM = PPI / 25.4
BLUE, BLACK, RED, PENCIL = (28, 42, 120), (25, 24, 28), (205, 45, 40), (196, 196, 198)
SPARE = {"˘": "u"}
"""What a font without that mark writes in its cell, so that no cell is a box by accident."""

#: Draws one cell: the picture that is written on, its middle and base line in pixels, and a source of chance.
Draw = Callable[[np.ndarray, form.Cell, float, float, np.random.Generator], None]


@cache
def printed(paper: formprint.Paper = "letter") -> tuple[np.ndarray, ...]:
    """The form's pages as they come from a printer."""
    data = formprint.write(paper, PRESS, FACE, profile(PRESS.profile))
    with opened(data) as document:
        return tuple(document.pixels(page, PPI) for page in range(len(document)))


def origin(page: np.ndarray) -> tuple[float, float]:
    """Where the live area begins on the printed page, in pixels."""
    height, width = page.shape[:2]
    return (width - form.WIDTH * MM) / 2, (height - form.HEIGHT * MM) / 2


@dataclass
class Pen:
    """Writes with a font, never quite on the line and never quite the same."""

    font: str
    x_height: float = 3.8  # millimetres
    ink: tuple[int, int, int] = BLUE
    wander: float = 1.0

    def __post_init__(self) -> None:
        (path,) = (ROOT / "fonts" / self.font).glob("*.ttf")
        opened_font = Font(path.read_bytes())
        self.size = round(2 * self.x_height * MM / opened_font.x_height)
        self.type = ImageFont.truetype(str(path), self.size, layout_engine=ImageFont.Layout.BASIC)
        self.has = lambda text: not opened_font.missing(text)
        self.truth: dict[tuple[str, int], np.ndarray] = {}

    def __call__(self, page: np.ndarray, cell: form.Cell, x: float, y: float, chance: np.random.Generator) -> None:
        text = cell.text if self.has(cell.text) else SPARE.get(cell.text, "")
        if not text:
            return
        width, height = round(form.CELL_WIDTH * MM * 1.6), round(form.CELL_HEIGHT * MM * 1.6)
        sheet = Image.new("L", (2 * width, 2 * height), 0)
        base = round(2 * (form.BASELINE + 0.3 * form.CELL_HEIGHT) * MM)
        left, _, right, _ = self.type.getbbox(text, anchor="ls")
        ImageDraw.Draw(sheet).text((width - (left + right) / 2, base), text, 255, self.type, anchor="ls")
        angle, grow = chance.normal(0, 1.0) * self.wander, 1 + chance.normal(0, 0.015) * self.wander
        lean = np.clip(chance.normal(0, 0.02), -0.04, 0.04) * self.wander
        turn = cv2.getRotationMatrix2D((float(width), base), angle, grow)
        turn = turn @ np.array([[1, -lean, lean * base], [0, 1, 0], [0, 0, 1]])
        turned = cv2.warpAffine(np.asarray(sheet), turn, sheet.size, flags=cv2.INTER_LINEAR)
        ink = cv2.resize(turned, (width, height), interpolation=cv2.INTER_AREA).astype(np.float32) / 255
        at_x = round(x - width / 2 + self.wander * chance.normal(0, 0.35) * MM)
        at_y = round(y - base / 2 + self.wander * chance.normal(0, 0.2) * MM)
        self.truth[cell.text, cell.sample] = ink
        stamp(page, ink, at_x, at_y, self.ink)


def stamp(page: np.ndarray, ink: np.ndarray, x: int, y: int, colour: tuple[int, int, int]) -> None:
    """Lay ink (0 to 1) over the page."""
    height, width = ink.shape
    y0, x0 = max(0, -y), max(0, -x)
    region = page[y + y0 : y + height, x + x0 : x + width]
    part = ink[y0 : y0 + region.shape[0], x0 : x0 + region.shape[1], None]
    region[:] = np.rint(region * (1 - part) + np.array(colour, np.float32) * part).astype(np.uint8)


def filled(
    number: int,
    draw: Draw,
    *,
    seed: int = 1,
    paper: formprint.Paper = "letter",
    skip: Iterable[str] = (),
    signed: bool = True,
    ink: tuple[int, int, int] = BLUE,
) -> np.ndarray:
    """A page that somebody has written on."""
    page = printed(paper)[number - 1].copy()
    left, top = origin(page)
    chance = np.random.default_rng(seed * 10 + number)
    left_out = set(skip)
    for cell in form.cells():
        if cell.page == number and cell.text not in left_out:
            draw(page, cell, left + (cell.x + form.CELL_WIDTH / 2) * MM, top + cell.baseline * MM, chance)
    if signed and number == form.PAGES:
        for x, y, _, height in form.signature_boxes():
            scrawl(page, left + (x + 30) * MM, top + (y + 0.6 * height) * MM, chance, ink)
    return page


def scrawl(page: np.ndarray, x: float, y: float, chance: np.random.Generator, ink: tuple[int, int, int]) -> None:
    """A signature of 70 mm: loops that get flatter."""
    t = np.linspace(0, 1, 400)
    phase = chance.uniform(0, 1)
    along = x + MM * (66 * t + 4 * np.sin(40 * t + phase))
    up = y - MM * (9 * (1 - 0.7 * t) * np.sin(31 * t + phase) + 2 * np.sin(9 * t))
    line = np.rint(np.stack([along, up], axis=1) * 16).astype(np.int32)
    cv2.polylines(page, [line[:, None]], False, ink, round(0.6 * MM), cv2.LINE_AA, shift=4)


def photographed(
    page: np.ndarray,
    *,
    seed: int = 1,
    width: int = 2100,
    tilt: float = 0.05,
    turn: float = 2.0,
    blur: float = 1.0,
    light: float = 1.0,
    shadow: float = 0.62,
    noise: float = 4.0,
    bow: float = 0.0,
    quality: int = 82,
    cover: tuple[float, float, float, float] | None = None,
) -> bytes:
    """A phone's picture of the page on a table: seen aslant, unevenly lit, with a soft shadow, blurred, noisy, JPEG.

    ``cover`` hides a part of the paper (shares of its width and height), ``bow`` is millimetres of curl, ``light`` how
    bright it is.
    """
    chance = np.random.default_rng(seed)
    height = round(width * 4 / 3)
    paper = cv2.multiply(page, (0.985, 0.965, 0.925, 0.0))
    rows, columns = paper.shape[:2]
    if cover is not None:
        x, y, w, h = cover
        paper[round(y * rows) : round((y + h) * rows), round(x * columns) : round((x + w) * columns)] = (190, 140, 120)
    if bow:
        v, u = np.mgrid[0:rows, 0:columns].astype(np.float32)
        paper = cv2.remap(paper, u + bow * MM * np.sin(np.pi * v / rows).astype(np.float32), v, cv2.INTER_LINEAR)
    away = tilt * width
    corners = np.array([[0, 0], [columns, 0], [columns, rows], [0, rows]], np.float32)
    edge_x, edge_y = 0.05 * width, 0.04 * height
    there = np.array(
        [
            [edge_x + away, edge_y + 0.6 * away], [width - edge_x - 0.7 * away, edge_y],
            [width - edge_x, height - edge_y - 0.3 * away], [edge_x, height - edge_y],
        ],
        np.float32,
    )  # fmt: skip
    middle = np.array([width / 2, height / 2])
    way = np.radians(turn)
    turned = (there - middle) @ np.array([[np.cos(way), np.sin(way)], [-np.sin(way), np.cos(way)]])
    there = (0.97 * turned + middle).astype(np.float32)
    matrix = cv2.getPerspectiveTransform(corners, there)
    shot = cv2.warpPerspective(
        paper, matrix, (width, height), flags=cv2.INTER_AREA, borderMode=cv2.BORDER_CONSTANT, borderValue=(96, 72, 55)
    )
    shot = cv2.GaussianBlur(shot, (0, 0), blur) if blur else shot
    v, u = np.mgrid[0 : height // 8, 0 : width // 8].astype(np.float32) * 8
    lamp = 1.0 - 0.28 * np.hypot((u / width - 0.7), (v / height - 0.25))
    dark = shadow + (1 - shadow) / (1 + np.exp(-(u + 0.7 * v - 0.62 * width) / (0.03 * width)))
    seen = shot.astype(np.float32)
    seen *= cv2.resize((light * lamp * dark).astype(np.float32), (width, height))[:, :, None]
    grain = chance.normal(0, noise, (500, 500, 1)) + chance.normal(0, noise / 2, (500, 500, 3))
    for y in range(0, height, 500):
        for x in range(0, width, 500):
            part = seen[y : y + 500, x : x + 500]
            part += grain[: part.shape[0], : part.shape[1]].astype(np.float32)
    out = io.BytesIO()
    Image.fromarray(np.clip(seen, 0, 255, out=seen).astype(np.uint8)).save(out, "JPEG", quality=quality)
    return out.getvalue()
