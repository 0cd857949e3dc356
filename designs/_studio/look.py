"""Look at the art as a card: ``python designs/_studio/look.py FOLDER [NAME…]`` writes one PNG per printed side.

Frames are shown as they will be filled: photos as a picture of grey hills, the message as ruled lines, the match code
as its white patch; the page is cut at the trim. For the artist's eye only; proofs come from ``cardpipe design proof``.
"""

from __future__ import annotations

import sys
from pathlib import Path as File

sys.path.insert(0, str(File(__file__).resolve().parent))

import pypdfium2 as pdfium
from kit import DESIGNS, MM, Card, _points
from PIL import Image, ImageDraw


def _photo(width: int, height: int) -> Image.Image:
    picture = Image.new("RGB", (width, height), (178, 190, 196))
    pen = ImageDraw.Draw(picture)
    pen.ellipse([width * 0.36, height * 0.2, width * 0.64, height * 0.2 + width * 0.3], fill=(120, 104, 96))
    pen.ellipse([width * 0.2, height * 0.55, width * 0.8, height * 1.4], fill=(92, 108, 118))
    return picture


def sheet(card: Card, side: str, dpi: float = 110) -> Image.Image:
    """One printed side, cut at the trim, with its frames filled."""
    s = dpi / 72
    page = pdfium.PdfDocument(str(card.folder / f"{side}.pdf"))[0]
    picture = page.render(scale=s).to_pil().convert("RGB")
    pen = ImageDraw.Draw(picture)
    side_fold = card.flat[0] > card.flat[1]
    w, h = (card.flat[0] / 2, card.flat[1]) if side_fold else (card.flat[0], card.flat[1] / 2)
    places = {"back": (0, 0), "left": (0, 0), "top": (0, 0)}
    places |= dict.fromkeys(("front", "right", "bottom"), (w, 0) if side_fold else (0, h))
    mine = ("back", "front") if side == "outside" else ("left", "right", "top", "bottom")
    for frame in card.toml["frame"]:
        if frame["panel"] not in mine or "box" not in frame:
            continue
        x, y, fw, fh = (_points(v) for v in frame["box"])
        x, y = x + places[frame["panel"]][0] + card.bleed, y + places[frame["panel"]][1] + card.bleed
        box = [round(v * s) for v in (x, y, x + fw, y + fh)]
        if frame["field"] == "message":
            for i in range(int(fh / 30)):
                pen.line([box[0], box[1] + (i + 1) * 30 * s, box[2], box[1] + (i + 1) * 30 * s], fill=(198, 204, 222))
        elif "photos" in frame["field"]:
            size = (box[2] - box[0], box[3] - box[1])
            mask = Image.new("L", size, 0)
            kind = frame.get("clip", "rect")
            shape = [0, 0, size[0] - 1, size[1] - 1]
            if kind == "ellipse":
                ImageDraw.Draw(mask).ellipse(shape, fill=255)
            else:
                ImageDraw.Draw(mask).rounded_rectangle(shape, _points(frame.get("radius", "0pt")) * s, fill=255)
            if "empty" not in sys.argv:
                picture.paste(_photo(*size), box[:2], mask)
    if side == "outside":
        cx, y1 = card.bleed + w / 2, (card.bleed + h - 8 * MM) if side_fold else card.bleed + 24 * MM
        patch = [cx - 11 * MM, y1 - 16 * MM, cx + 11 * MM, y1]
        pen.rectangle([v * s for v in patch], fill="white", outline=(230, 230, 230))
    b = round(card.bleed * s)
    picture = picture.crop((b, b, picture.width - b, picture.height - b))
    fold = ImageDraw.Draw(picture)
    if side_fold:
        fold.line([picture.width // 2, 0, picture.width // 2, 6], fill=(255, 0, 255))
    return picture


def main(folder: str, names: list[str]) -> None:
    """Write the pictures, outside over inside, one file a design."""
    for name in names or sorted(p.parent.name for p in DESIGNS.glob("*/design.toml")):
        card = Card(name)
        both = [sheet(card, side) for side in ("outside", "inside")]
        gap, across = 16, both[0].width < both[0].height
        size = (
            (both[0].width * 2 + 3 * gap, both[0].height + 2 * gap)
            if across
            else (both[0].width + 2 * gap, both[0].height * 2 + 3 * gap)
        )
        table = Image.new("RGB", size, (150, 146, 140))
        table.paste(both[0], (gap, gap))
        table.paste(both[1], (both[0].width + 2 * gap, gap) if across else (gap, both[0].height + 2 * gap))
        table.save(File(folder) / f"{name}.png")


if __name__ == "__main__":
    main(sys.argv[1], [a for a in sys.argv[2:] if a != "empty"])
