"""Make the README's pictures out of what the demo printed, and the one of photo-led designs out of four orders more.
Nothing imports this.

make demo && python tests/demo/make_pictures.py var/demo/batches tests/demo/pictures
"""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pypdfium2
from PIL import Image, ImageFilter

_DESK = (226, 224, 220)
_FRONTS = ("WREN-0082", "DAHL-0230", "WREN-0085", "DAHL-0207", "MRD-0321", "ALH-1050", "WREN-0071", "ALH-1043")
_INSIDE = "WREN-0071"
_ENVELOPE = "MRD-0312"


def find(batches: Path, reference: str) -> dict[str, str]:
    """A piece's row of its batch's manifest."""
    for path in sorted(batches.glob("*/*_MANIFEST.csv")):
        with path.open(newline="", encoding="utf-8") as file:
            for row in csv.DictReader(file):
                if row["reference"] == reference:
                    return row
    raise SystemExit(f"{reference} is in no manifest below {batches}")


def page(batches: Path, row: dict[str, str], part: str, number: int, ppi: float) -> Image.Image:
    """One page as a picture, cut to its trim."""
    document = pypdfium2.PdfDocument(batches / row["batch"] / row[f"{part}_file"])
    shown = document[number - 1]
    left, bottom, right, top = shown.get_trimbox()
    x, y, _, high = shown.get_mediabox()
    scale = ppi / 72
    whole = shown.render(scale=scale).to_pil().convert("RGB")
    return whole.crop(tuple(round(v * scale) for v in (left - x, high - top + y, right - x, high - bottom + y)))


def laid(desk: Image.Image, sheet: Image.Image, at: tuple[int, int]) -> None:
    """A sheet on the desk, with its shadow."""
    shadow = Image.new("L", (sheet.width + 48, sheet.height + 48))
    shadow.paste(70, (24, 24, 24 + sheet.width, 24 + sheet.height))
    desk.paste((70, 64, 56), (at[0] - 22, at[1] - 18), shadow.filter(ImageFilter.GaussianBlur(9)))
    desk.paste(sheet, at)


def fronts(batches: Path) -> Image.Image:
    """The fronts of some cards, two rows of them."""
    width, height, gap = 250, 350, 34
    desk = Image.new("RGB", (4 * width + 5 * gap, 2 * height + 3 * gap), _DESK)
    for place, reference in enumerate(_FRONTS):
        row = find(batches, reference)
        side = page(batches, row, "card", int(row["card_page_first"]), 110)
        front = side.crop((side.width // 2, 0, side.width, side.height)).resize(
            (width, height), Image.Resampling.LANCZOS
        )
        laid(desk, front, (gap + place % 4 * (width + gap), gap + place // 4 * (height + gap)))
    return desk


def inside(batches: Path) -> Image.Image:
    """A card, opened."""
    row = find(batches, _INSIDE)
    sheet = page(batches, row, "card", int(row["card_page_last"]), 108)
    desk = Image.new("RGB", (sheet.width + 80, sheet.height + 80), _DESK)
    laid(desk, sheet, (40, 40))
    fold = Image.new("L", (60, 1))
    fold.putdata([round(26 * (1 - abs(x - 30) / 30) ** 2) for x in range(60)])
    middle = 40 + sheet.width // 2
    desk.paste((90, 88, 84), (middle - 30, 40), fold.resize((60, sheet.height)))
    return desk


def post(batches: Path) -> Image.Image:
    """An envelope, its card's outer side as it lies in the print file, and the ticket of their batch."""
    row = find(batches, _ENVELOPE)
    face = page(batches, row, "envelope", int(row["envelope_page"]), 76)
    side = page(batches, row, "card", int(row["card_page_first"]), 76)
    side = side.resize((face.width, round(side.height * face.width / side.width)), Image.Resampling.LANCZOS)
    paper = pypdfium2.PdfDocument(batches / row["batch"] / f"{row['batch']}_TICKET.pdf")[0]
    ticket = paper.render(scale=1.08).to_pil().convert("RGB")
    desk = Image.new("RGB", (face.width + ticket.width + 110, ticket.height + 60), _DESK)
    laid(desk, face, (36, 30))
    laid(desk, side, (36, 30 + ticket.height - side.height))
    laid(desk, ticket, (face.width + 74, 30))
    return desk


_ALBUMS = {
    "year-in-four": ("holiday", {"first": "dandelions.jpg", "second": "fig-in-a-red-bowl.jpg",
                                 "third": "autumn-pasture.jpg", "fourth": "evening-hill.webp"}),
    "just-because-window": ("just-because", {"main": "mountain-path.jpg"}),
    "holiday-keepsake": ("holiday", {"main": "dogs-at-the-window.jpg"}),
    "referral-two-birds": ("referral", {"team": "bee.jpg"}),
}  # fmt: skip


_WORDS = (
    "Dear {first_name},\n\nYou sent the Okafors my way, and their garden has kept me busy since May. This one sat for me "
    "on their asters for as long as I held my breath. Thank you for thinking of us.\n\nJune"
)


def albums() -> Image.Image:
    """Photo-led designs with real photos: two fronts that open upwards, one as a book, one opened."""
    photos, sender = Path(__file__).parent / "photos", {
        "name": "June Abara", "street": "12 Birch St", "city": "Portland", "state": "OR", "postcode": "97201",
    }  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        orders = [
            {"reference": design, "design": design, "occasion": occasion, "sender": sender,
             "photos": {name: str(photos / file) for name, file in given.items()},
             "recipient": {**sender, "name": f"Kofi {design}"}, "message": _WORDS}
            for design, (occasion, given) in _ALBUMS.items()
        ]  # fmt: skip
        rows, out = Path(folder) / "orders.ndjson", Path(folder) / "out"
        for order in orders:  # pictures are looked for beside the file
            order["photos"] = {name: os.path.relpath(path, photos) for name, path in order["photos"].items()}
        rows = photos / "albums.ndjson"
        rows.write_text("\n".join(map(json.dumps, orders)))
        try:
            subprocess.run(["cardpipe", "print", rows, "--out", out], check=True,
                           env={**os.environ, "CARDPIPE_DATA": f"{folder}/data"})  # fmt: skip
        finally:
            rows.unlink()
        sheets = {}
        for design in _ALBUMS:
            row = find(out, design)
            sheets[design] = page(out, row, "card", int(row["card_page_first"]), 110)
        opened = page(out, row, "card", int(row["card_page_last"]), 110)
    tall = sheets["holiday-keepsake"]
    front = tall.crop((tall.width // 2, 0, tall.width, tall.height))
    wide = [sheets[name].crop((0, sheets[name].height // 2, *sheets[name].size)) for name in list(_ALBUMS)[:2]]
    gap, scale = 34, 0.66
    small = [each.resize((round(each.width * scale), round(each.height * scale)), Image.Resampling.LANCZOS)
             for each in (*wide, front, opened)]  # fmt: skip
    column = small[0].height + small[1].height + gap
    desk = Image.new("RGB", (small[0].width + small[2].width + small[3].width + 4 * gap, column + 2 * gap), _DESK)
    laid(desk, small[0], (gap, gap))
    laid(desk, small[1], (gap, 2 * gap + small[0].height))
    laid(desk, small[2], (2 * gap + small[0].width, gap + (column - small[2].height) // 2))
    laid(desk, small[3], (3 * gap + small[0].width + small[2].width, gap + (column - small[3].height) // 2))
    return desk


def main(batches: Path, target: Path) -> None:
    """All four, small enough to look at over a telephone."""
    target.mkdir(parents=True, exist_ok=True)
    for name, made in (("fronts", fronts), ("inside", inside), ("post", post), ("albums", lambda _: albums())):
        picture, path = made(batches), target / f"{name}.jpg"
        picture.save(path, quality=88, optimize=True, progressive=True)
        print(name, picture.size, path.stat().st_size // 1000, "kB")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
