"""Composing, in alternation with its limit: the fastest way of equal sharpness to decode, resample and encode the same
photo at the same placed size, and nothing else. Pairs, so that a busy machine is busy for both."""

from __future__ import annotations

import io
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from statistics import median
from typing import Any
from unittest.mock import patch

import cv2
import material
import numpy as np
import pyvips
import simplejpeg
from clocks import Clocked, Clocks, settled, wrapped
from PIL import Image

from cardpipe.lettershop import envelope
from cardpipe.model.piece import Composed, Piece
from cardpipe.pipeline import compose, pinned
from cardpipe.prepress import card, fragment
from cardpipe.prepress.photo import PhotoOrder, develop
from cardpipe.wiring import Shop


@contextmanager
def _stages(shop: Shop, clocks: Clocks) -> Iterator[None]:
    """Clocks around the stages of ``pipeline.compose``, without a change to it."""
    watched = [
        (shop.darkroom, "develop", "photo"), (shop.darkroom, "lift", "signature"), (card, "fit_message", "message"),
        (card, "write", "message"), (envelope, "compose", "envelope"), (fragment, "build", "fragment"),
        (shop.artifacts, "get", "read"), (shop.artifacts, "put", "store"),
    ]  # fmt: skip
    with ExitStack() as stack:
        for place, name, stage in watched:
            stack.enter_context(patch.object(place, name, wrapped(clocks[stage], getattr(place, name))))
        yield


def limit(data: bytes, order: PhotoOrder, *, portrait: bool) -> bytes:
    """The photo and nothing else. The crop by the focus is the card's: it decides how many pixels there are to move."""
    pixels = simplejpeg.decode_jpeg(data, "RGB")
    height, width = pixels.shape[:2]
    seen = (height, width) if portrait else (width, height)
    wide, high = (round(side / 72 * order.target_ppi) for side in (order.width_pt, order.height_pt))
    scale = max(wide / seen[0], high / seen[1])
    crop = (round(wide / scale), round(high / scale))
    if portrait:
        crop, (wide, high) = crop[::-1], (high, wide)
    x, y = (width - crop[0]) // 2, (height - crop[1]) // 2
    part = np.ascontiguousarray(pixels[y : y + crop[1], x : x + crop[0]])
    image = pyvips.Image.new_from_memory(part, crop[0], crop[1], 3, "uchar")
    small = image.resize(wide / crop[0], vscale=high / crop[1], kernel="lanczos3")
    made = np.frombuffer(small.write_to_memory(), np.uint8).reshape(small.height, small.width, 3)
    if portrait:
        made = np.asarray(cv2.rotate(made, cv2.ROTATE_90_CLOCKWISE), np.uint8)
    jpeg: bytes = simplejpeg.encode_jpeg(made, order.quality, "RGB", "420", fastdct=False)
    return jpeg


def _placed(shop: Shop) -> PhotoOrder:
    source, press = shop.catalog.design(material.WITH_PHOTO), shop.catalog.press(shop.press)
    return card.photo_orders(source.design, source.format, press.photo_ppi, press.photo_minimum_ppi)["main"]


def run(
    shop: Shop, pieces: list[Piece], given: dict[str, bytes], through_child: int
) -> tuple[dict[str, Any], list[Composed]]:
    """Medians a piece, and what was composed. The first two pieces are for warming up; of the rest,
    ``through_child`` are composed once more with the photo developed in the darkroom's limited child."""
    placed, here, there = _placed(shop), shop.darkroom, material.limited_darkroom()
    clocks: Clocks = defaultdict(Clocked)
    made = []
    for number, piece in enumerate(pieces):
        portrait = number % 2 == 0
        data = given["portrait" if portrait else "landscape"]
        with clocks["limit"].running():
            limit(data, placed, portrait=portrait)
        pinned.forget()  # each photo as if no other card carried it
        with _stages(shop, clocks), clocks["compose"].running():
            made.append(compose.make(shop, piece))
        if number < through_child + 2:
            shop.darkroom = there
            pinned.forget()
            with clocks["darkroom limit"].running():
                limit(data, placed, portrait=portrait)
            with clocks["darkroom compose"].running():
                compose.make(shop, piece)
            shop.darkroom = here
        if number == 1:
            clocks.clear()
            settled()
    there.close()
    return _told(clocks, made, len(pieces) - 2), made


def _told(clocks: Clocks, made: list[Composed], pieces: int) -> dict[str, Any]:
    def pairs(one: str, other: str, kind: str) -> float:
        rows = zip(getattr(clocks[one], kind), getattr(clocks[other], kind), strict=True)
        return float(median(a / b for a, b in rows))

    stages = ("photo", "signature", "message", "envelope", "fragment", "read", "store")
    cpu = {name: sum(clocks[name].cpu) / pieces for name in stages}
    whole = median(clocks["compose"].cpu)
    rest = [w - p for w, p in zip(clocks["compose"].cpu, clocks["photo"].cpu, strict=True)]
    rest_wall = [w - p for w, p in zip(clocks["compose"].wall, clocks["photo"].wall, strict=True)]
    return {
        "pieces": pieces,
        "limit_ms": median(clocks["limit"].cpu),
        "compose_ms": whole,
        "compose_wall_ms": median(clocks["compose"].wall),
        "share_of_limit": pairs("limit", "compose", "cpu"),
        "darkroom_limit_wall_ms": median(clocks["darkroom limit"].wall),
        "darkroom_compose_wall_ms": median(clocks["darkroom compose"].wall),
        "darkroom_share_of_limit": pairs("darkroom limit", "darkroom compose", "wall"),
        "stages_ms": cpu,
        "store_wall_ms": sum(clocks["store"].wall) / pieces,
        "beside_photo_ms": median(rest),
        "beside_photo_wall_ms": median(rest_wall),
        "card_bytes": median(one.card_bytes for one in made),
        "envelope_bytes": median(one.envelope_bytes for one in made),
    }


def photo_bytes(shop: Shop, given: dict[str, bytes]) -> int:
    """What the developed photo weighs, which a piece cannot be lighter than."""
    placed = _placed(shop)
    return int(median(len(develop(given[name], placed).jpeg) for name in ("portrait", "landscape")))


def rows_of_their_own(shop: Shop, given: dict[str, bytes], tries: int) -> dict[str, float]:
    """What only some photos ask for: the search for faces, the way from a wide gamut to sRGB; and a fresh signature."""
    placed, clocks = _placed(shop), defaultdict[str, Clocked](Clocked)
    wide = _wide_gamut(given["landscape"])
    lift = card.signature_order(shop.catalog.design(material.WITH_PHOTO).design)
    assert lift is not None
    for number in range(tries + 1):
        for name, data, order in (
            ("plain", given["landscape"], placed),
            ("face search", given["landscape"], replace(placed, focus=None)),
            ("wide gamut", wide, placed),
        ):
            with clocks[name].running():
                develop(data, order)
        with clocks["signature"].running():
            shop.darkroom.lift(given["signature"], lift)
        if not number:
            clocks.clear()
    plain = median(clocks["plain"].cpu)
    return {
        "face_search_ms": median(clocks["face search"].cpu) - plain,
        "wide_gamut_ms": median(clocks["wide gamut"].cpu) - plain,
        "fresh_signature_ms": median(clocks["signature"].cpu),
    }


def _wide_gamut(data: bytes) -> bytes:
    """The same photo, said to be in the colours of a wide-gamut photo of the demo."""
    source = material.ROOT / "tests" / "demo" / "photos" / "fig-in-a-red-bowl.jpg"
    icc = Image.open(source).info["icc_profile"]
    out = io.BytesIO()
    Image.open(io.BytesIO(data)).save(out, "JPEG", quality=92, icc_profile=icc)
    return out.getvalue()
