"""What is measured: two photos made by code, orders for them, and a shop in a folder of its own."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import simplejpeg

from cardpipe.darkroom.limited import LimitedDarkroom
from cardpipe.model.piece import Piece
from cardpipe.pipeline.accept import accept
from cardpipe.prepress import photo, picture, signature
from cardpipe.settings import Settings
from cardpipe.wiring import Shop

ROOT = Path(__file__).resolve().parent.parent
DAY = "2026-12-01"
WITH_PHOTO, WITHOUT = "congratulations-bravo", "birthday-confetti"
#: An EXIF block that says nothing but "turn me by 90 degrees" (EXIF 2.3, 4.6.4 A, tag 0x0112).
_TURNED = b"Exif\0\0MM\0*\0\0\0\x08\0\x01" + struct.pack(">HHIHH", 0x0112, 3, 1, 6, 0) + bytes(4)
_NAMES = ("Ana Novák", "Jørgen Ødegård", "Zoë Müller", "Łukasz Wiśniewski", "Marisol Peña", "June Abara", "Tom Wren")
_WORDS = (
    "Ten years at the same desk, and you still answer the telephone on the second ring. {name}, we counted: four "
    "moves, two floods, one goat in the lobby. Nobody else would have kept the goat's number. The keys to the new "
    "office are in this envelope's twin, the coffee is on us, and the window seat is yours for as long as you like."
)


def make_photo(*, portrait: bool) -> bytes:
    """Twelve megapixels as a phone writes them (quality 92, 4:2:0): gradients, and noise whose power falls with its
    frequency as in pictures of the world. The portrait is stored sideways with EXIF orientation 6."""
    height, width = 3000, 4000
    dice = np.random.default_rng(7 if portrait else 8)
    y, x = np.mgrid[0:height, 0:width].astype(np.float32) / 3000
    field = np.stack([90 + 70 * x - 20 * y, 150 - 60 * y + 15 * x, 110 + 50 * np.sin(2 * x + y)], axis=2)
    for octave in range(1, 11):
        side = 2**octave
        coarse = dice.normal(0, 26 * 0.80**octave, (max(2, 3 * side // 4), side, 3)).astype(np.float32)
        coarse += dice.normal(0, 26 * 0.84**octave, (*coarse.shape[:2], 1)).astype(np.float32)
        field += cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
    field += dice.normal(0, 2.9, (height, width, 1)).astype(np.float32)
    pixels = np.clip(field, 0, 255).astype(np.uint8)
    data: bytes = simplejpeg.encode_jpeg(pixels, 92, "RGB", "420")
    if portrait:
        data = data[:2] + b"\xff\xe1" + struct.pack(">H", len(_TURNED) + 2) + _TURNED + data[2:]
    return data


class InProcess:
    """The darkroom without its child: what the work itself costs. ``focus`` is what the design says, as always."""

    def judge(self, data: bytes, where: str = "photo") -> picture.PictureFacts:
        return picture.judge(data, where)

    def develop(self, data: bytes, order: photo.PhotoOrder) -> photo.DevelopedPhoto:
        return photo.develop(data, order)

    def lift(self, data: bytes, order: signature.SignatureOrder) -> signature.LiftedSignature:
        return signature.lift(data, order)

    def close(self) -> None:
        """Nothing was started."""


@contextmanager
def opened_shop(folder: Path, *, limited: bool = False) -> Iterator[Shop]:
    """A shop whose data lie in this folder."""
    shop = Shop(Settings(data=folder, designs=ROOT / "designs", fonts=ROOT / "fonts", database_url=""))
    if not limited:
        shop.darkroom = InProcess()  # type: ignore[assignment]
    try:
        yield shop
    finally:
        shop.close()


def limited_darkroom() -> LimitedDarkroom:
    """The real one, for a shop that was opened without it."""
    return LimitedDarkroom()


def order(number: int, *, with_photo: bool = True) -> dict[str, Any]:
    """An order as a CRM sends it; the even ones bring the portrait, the odd ones the landscape."""
    name = _NAMES[number % len(_NAMES)]
    row: dict[str, Any] = {
        "reference": f"bench-{'p' if with_photo else 's'}-{number:05d}",
        "occasion": "congratulations" if with_photo else "birthday",
        "design": WITH_PHOTO if with_photo else WITHOUT,
        "recipient": {
            "name": name, "street": f"{100 + number} Harbor Street", "city": "Portland", "state": "OR",
            "postcode": "97201", "country": "US",
        },
        "sender": {
            "name": "Odile Marchand", "company": "Marchand & Daughters", "street": "12 Mill Lane", "city": "Salem",
            "state": "OR", "postcode": "97301", "country": "US",
        },
        "message": f"Dear {name.split()[0]},\n\n{_WORDS.format(name=name.split()[0])}\n\nNumber {number} says hello.",
        "signature": "signature",
    }  # fmt: skip
    if with_photo:
        row["photo"] = "landscape" if number % 2 else "portrait"
    return row


def pictures() -> dict[str, bytes]:
    """The bytes of all pictures that the orders name."""
    found = ROOT / "tests" / "demo" / "signatures" / "tom-wren.png"
    return {
        "portrait": make_photo(portrait=True), "landscape": make_photo(portrait=False), "signature": found.read_bytes(),
    }  # fmt: skip


def accepted(shop: Shop, count: int, given: dict[str, bytes], *, with_photo: bool = True) -> list[Piece]:
    """Orders accepted and stored; their pieces."""
    made: list[Piece] = []
    for number in range(count):
        verdict = accept(shop, shop.scope, order(number, with_photo=with_photo), lambda ref, _: given[ref], DAY)
        if verdict.order is None:
            raise SystemExit(f"an order of the benchmark was refused: {[str(f) for f in verdict.findings]}")
        made += verdict.order.pieces
    return made
