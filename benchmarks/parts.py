"""Ready parts: what a peer is given, so that it has no more to do than cardpipe's merge.

A few orders are composed; what lies on their pages is noted: the photo at its placed size, the signature lifted off its
paper, each line of the message with its place and size in the hand's own font (peers cannot warp it), each line of the
envelope, the design's art as PDF, SVG and picture. Points, from the lower left of the MediaBox, bleed included.
"""

from __future__ import annotations

import json
import shutil
import struct
from pathlib import Path
from typing import Any
from unittest.mock import patch

import material
import numpy as np
import pikepdf
from PIL import Image

from cardpipe.model.piece import Composed
from cardpipe.pipeline import compose, pinned
from cardpipe.prepress import card, fragment, raster
from cardpipe.prepress.font import Font
from cardpipe.prepress.page import Mask, Outline, Page, Photo, Text
from cardpipe.prepress.typeset import Layout
from cardpipe.wiring import Shop

_SIDES = ("outside", "inside")
_HAND, _PRINTED = "reenie-beanie/ReenieBeanie-Regular.ttf", "arimo/Arimo-Regular.ttf"


def record(shop: Shop, folder: Path, given: dict[str, bytes], count: int = 4) -> list[Composed]:
    """Write the parts of ``count`` pieces into a folder, as files and one ``parts.json``; and the composed pieces."""
    folder.mkdir()
    made, told = [], []
    for name in ("portrait", "landscape"):
        (folder / f"{name}.jpg").write_bytes(given[name])
    for number, piece in enumerate(material.accepted(shop, count, given)):
        pages: list[Page] = []
        layouts: list[Layout] = []
        build, fit = fragment.build, card.fit_message

        def noted(page: list[Page], *more: Any, pages: list[Page] = pages, build: Any = build) -> bytes:
            pages += page
            return bytes(build(page, *more))

        def fitted(*asked: Any, layouts: list[Layout] = layouts, fit: Any = fit) -> Layout:
            layouts.append(fit(*asked))
            return layouts[-1]

        pinned.forget()
        with patch.object(fragment, "build", noted), patch.object(card, "fit_message", fitted):
            made.append(compose.make(shop, piece))
        told.append(_one(folder, number, pages, layouts[0]))
    source = shop.catalog.design(material.WITH_PHOTO)
    art = {side: source.files[f"{side}.pdf"] for side in _SIDES}
    for side, data in art.items():
        _art(folder, side, data)
    for name in (_HAND, _PRINTED):
        shutil.copy(material.ROOT / "fonts" / name, folder)
    ink, hand, printed = source.design.inks["pen"], _extent(folder, _HAND), _extent(folder, _PRINTED)
    more = {
        "hand_extent": hand, "printed_extent": printed,
        "hand": Path(_HAND).name, "printed": Path(_PRINTED).name, "cmyk": [part / 100 for part in ink.cmyk],
        "screen": ink.screen, "pieces": told,
    }  # fmt: skip
    (folder / "parts.json").write_text(json.dumps(more))
    return made


def _extent(folder: Path, name: str) -> list[float]:
    """How far a font reaches above and (negative) below its baseline, in em."""
    font = Font((folder / Path(name).name).read_bytes())
    return [font.ascent, font.descent]


def _one(folder: Path, number: int, pages: list[Page], layout: Layout) -> dict[str, Any]:
    outside, inside, front = pages
    photo = next(mark for mark in outside.marks if isinstance(mark, Photo))
    words = next(mark for mark in inside.marks if isinstance(mark, Outline))
    mask = next(mark for mark in inside.marks if isinstance(mark, Mask))
    if photo.turned or words.turned or mask.turned:
        raise SystemExit("the benchmark's parts are for a design whose panels stand upright")
    (folder / f"ready-{number}.jpg").write_bytes(photo.jpeg)
    if not number:
        _signature(folder, mask)
    face = layout.lines[0].words[0][1].face.font
    size = layout.x_height / face.x_height
    message = [
        [words.box.x + line.words[0][0], words.box.y + line.baseline, size, text]
        for line, text in zip(layout.lines, words.lines, strict=True)
    ]
    return {
        "card": [outside.size.width, outside.size.height],
        "envelope": [front.size.width, front.size.height],
        "photo": _corners(photo), "pixels": [photo.width_px, photo.height_px],
        "source": "landscape.jpg" if number % 2 else "portrait.jpg",
        "signature": _corners(mask), "message": message,
        "address": [[mark.x, mark.y, mark.size, mark.text] for mark in front.marks if isinstance(mark, Text)],
    }  # fmt: skip


def _corners(mark: Photo | Mask) -> list[float]:
    return [mark.box.x, mark.box.y, mark.box.width, mark.box.height]


def _signature(folder: Path, mask: Mask) -> None:
    """The lifted signature as a picture with an alpha channel, which all of the peers take."""
    head = struct.pack("<2sHI", b"II", 42, 8)
    tags = [(256, mask.width_px), (257, mask.height_px), (258, 1), (259, 4), (262, 0), (273, 8 + 2 + 8 * 12 + 4),
            (278, mask.height_px), (279, len(mask.g4))]  # fmt: skip
    table = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags)
    tiff = folder / "signature.tif"
    tiff.write_bytes(head + struct.pack("<H", len(tags)) + table + bytes(4) + mask.g4)
    ink = np.asarray(Image.open(tiff).convert("L"))
    rgba = np.zeros((*ink.shape, 4), np.uint8)
    rgba[..., :3] = (0x0B, 0x24, 0x52)
    rgba[..., 3] = 255 - ink
    Image.fromarray(rgba, "RGBA").save(folder / "signature.png", optimize=True)


def _art(folder: Path, side: str, data: bytes) -> None:
    (folder / f"{side}.pdf").write_bytes(data)
    with pikepdf.open(folder / f"{side}.pdf") as pdf:
        page = pdf.pages[0]
        (folder / f"{side}.ops").write_bytes(b"q\n" + page.Contents.read_bytes() + b"\nQ\n")
        (folder / f"{side}.svg").write_text(_svg(page))
    with raster.opened(data) as opened:
        picture = Image.fromarray(opened.pixels(0, 300))
    picture.save(folder / f"{side}.png", optimize=True)


def _svg(page: Any) -> str:
    """The art as SVG: paths, fills, lines, clips; all that the designs' art is made of."""
    width, height = (float(side) for side in page.MediaBox[2:])
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}pt" height="{height}pt" '
           f'viewBox="0 0 {width} {height}"><g transform="matrix(1 0 0 -1 0 {height})">']  # fmt: skip
    state: dict[str, Any] = {"k": "#000", "K": "#000", "w": 1, "J": 0, "j": 0}
    kept: list[tuple[dict[str, Any], int]] = []
    path: list[str] = []
    groups, clips = 0, 0
    clip = ""
    for operands, operator in pikepdf.parse_content_stream(page):
        name, values = str(operator), [f"{float(one):g}" for one in operands if not isinstance(one, pikepdf.Object)]
        if name in ("m", "l", "c"):
            path.append(name.upper() + " ".join(values))
        elif name == "h":
            path.append("Z")
        elif name == "q":
            kept.append((dict(state), groups))
        elif name == "Q":
            state, before = kept.pop()
            out.append("</g>" * (groups - before))
            groups = before
        elif name == "cm":
            out.append(f'<g transform="matrix({" ".join(values)})">')
            groups += 1
        elif name in ("k", "K"):
            c, m, y, k = (float(one) for one in values)
            state[name] = "#" + "".join(f"{round(255 * (1 - one) * (1 - k)):02x}" for one in (c, m, y))
        elif name in ("w", "J", "j"):
            state[name] = values[0]
        elif name in ("W", "W*"):
            clip = " ".join(path)
        elif name in ("n", "f", "f*", "S", "B"):
            if clip:
                clips += 1
                out.append(f'<clipPath id="c{clips}"><path d="{clip}"/></clipPath><g clip-path="url(#c{clips})">')
                groups, clip = groups + 1, ""
            elif name != "n":
                fill = state["k"] if name != "S" else "none"
                caps, joins = ("butt", "round", "square")[int(state["J"])], ("miter", "round", "bevel")[int(state["j"])]
                line = (f' stroke="{state["K"]}" stroke-width="{state["w"]}" stroke-linecap="{caps}" '
                        f'stroke-linejoin="{joins}"' if name in ("S", "B") else "")  # fmt: skip
                rule = ' fill-rule="evenodd"' if name == "f*" else ""
                out.append(f'<path d="{" ".join(path)}" fill="{fill}"{rule}{line}/>')
            path = []
        else:
            raise SystemExit(f"the benchmark's art has an operator that it does not know: {name}")
    return "".join([*out, "</g>" * groups, "</g></svg>"])
