"""Photos of orders that are stuck: small, or with what is wrong drawn on. Only the darkroom opens them."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from typing import Any

from cardpipe.model.errors import Refused
from cardpipe.model.finding import error
from cardpipe.model.intake import Row
from cardpipe.model.order import PICTURE_DIGEST, Scope
from cardpipe.model.piece import Piece
from cardpipe.pipeline import pinned, routing
from cardpipe.pipeline.archive import open_archive
from cardpipe.ports import DesignSource, Shop
from cardpipe.prepress import card, photoshow
from cardpipe.prepress.format import Format
from cardpipe.prepress.photo import PhotoOrder

THUMB = 260  # pixels of the longer side


@dataclass(frozen=True, slots=True)
class Shot:
    """A photo of an order: its name in the design, its bytes by digest, or by name in the ZIP of its import; and how it
    is to be placed, where that is known."""

    name: str
    ref: str
    placed: PhotoOrder | None = None


def of_piece(shop: Shop, piece: Piece) -> list[Shot]:
    """The photos of an accepted order, by name."""
    photos: Mapping[str, str] = piece.spec.get("photos", {})
    if not photos:
        return []
    press = pinned.press(piece.spec)
    source = pinned.design(shop, piece.scope, piece.spec)
    focus = pinned.focus(piece.spec)
    placed = _placed(source, pinned.layout(piece.spec), press.photo_ppi, press.photo_minimum_ppi, focus)
    return [Shot(name, f"sha256:{digest}", placed.get(name)) for name, digest in sorted(photos.items())]


def of_row(shop: Shop, row: Row) -> list[Shot]:
    """The photos that a row names, where they are here: uploaded ones, and those of its import's ZIP."""
    asked = row.request
    given = asked.get("photos")
    photos = {str(name): ref for name, ref in given.items()} if isinstance(given, Mapping) else {}
    if asked.get("photo"):
        photos = {"": asked["photo"]}
    photos = {name: ref for name, ref in sorted(photos.items()) if isinstance(ref, str)}
    if not photos:
        return []
    placed: Mapping[str, PhotoOrder] = {}
    first = ""
    with suppress(Refused):  # no such design: the photo is shown by itself
        source = shop.catalog.design(
            str(asked.get("design") or shop.catalog.design_for(str(asked.get("occasion", ""))))
        )
        press = routing.route(shop, source.format.name, _country(asked)).press
        placed = _placed(source, source.format, press.photo_ppi, press.photo_minimum_ppi, _focus(asked))
        first = next(iter(placed), "")
    return [Shot(name or first or "photo", ref, placed.get(name or first)) for name, ref in photos.items()]


def thumb(shop: Shop, scope: Scope, shot: Shot, import_id: str | None = None, side: int = THUMB) -> bytes:
    """A small JPEG of the whole photo. Raises Refused where it is not here, or is no picture."""
    return shop.darkroom.develop(_bytes(shop, scope, shot, import_id), photoshow.whole(side)).jpeg


def drawn(shop: Shop, scope: Scope, shot: Shot, import_id: str | None = None) -> bytes:
    """A JPEG of the photo with its trouble. Raises Refused where it is not here, or is no picture."""
    data = _bytes(shop, scope, shot, import_id)
    seen = photoshow.Trouble()
    if shot.placed is not None:
        seen = photoshow.trouble(shop.darkroom.develop(data, photoshow.glance(shot.placed)), shot.placed)
    photo = shop.darkroom.develop(data, photoshow.whole())
    return photoshow.draw(photo, seen, shop.catalog.printed().data)


def _placed(
    source: DesignSource, layout: Format, target: int, least: int, focus: Mapping[str, tuple[float, float]]
) -> dict[str, PhotoOrder]:
    return card.photo_orders(source.design, layout, target, least, focus=focus)


def _country(asked: Mapping[str, Any]) -> str:
    """The recipient's country, as far as the row can be read."""
    recipient = asked.get("recipient")
    return str(recipient.get("country") or "").upper() if isinstance(recipient, Mapping) else ""


def _focus(asked: Mapping[str, Any]) -> dict[str, tuple[float, float]]:
    """What a row says of photos by name, as far as it can be read."""
    said = asked.get("photos_focus")
    found = {}
    for name, at in said.items() if isinstance(said, Mapping) else ():
        with suppress(TypeError, ValueError, IndexError):
            across, down = (min(1.0, max(0.0, float(share))) for share in (at[0], at[1]))
            found[str(name)] = (across, down)
    return found


def _bytes(shop: Shop, scope: Scope, shot: Shot, import_id: str | None) -> bytes:
    if PICTURE_DIGEST.match(shot.ref):
        digest = shot.ref.removeprefix("sha256:")
        if shop.artifacts.has(scope, digest):
            return shop.artifacts.get(scope, digest)
    elif import_id is not None:
        imported = shop.store.import_(scope, import_id)
        if imported.name.lower().endswith(".zip") and shop.artifacts.has(scope, imported.source):
            with ExitStack() as held, suppress(zipfile.BadZipFile):
                file = held.enter_context(shop.artifacts.open(scope, imported.source))
                return open_archive(file, "the ZIP").picture(shot.ref)
    raise Refused("There is no such photo here.", [error("photo.unknown", "photo", "does not lie here", "upload it")])
