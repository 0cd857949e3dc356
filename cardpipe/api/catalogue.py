"""``/v1/designs``, ``/v1/hands``, ``/v1/occasions``: what can be ordered, as the form of a CRM needs to know it."""

from __future__ import annotations

import hashlib
import math
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from starlette.requests import Request
from starlette.responses import Response

from cardpipe.api import asked
from cardpipe.api import shapes_doors as shapes
from cardpipe.api.access import Caller, needs
from cardpipe.api.problem import Turned
from cardpipe.model.units import Size, to_inch, to_mm
from cardpipe.pipeline import routing
from cardpipe.ports import DesignSource
from cardpipe.prepress import card
from cardpipe.wiring import Shop

_THUMBNAIL = {
    200: {"description": "A small picture of the design.", "content": {"image/png": {}}},
    304: {"description": "Unchanged."},
}
_LONGEST_MESSAGE = 4000

Limit = Annotated[int, Query(ge=1, le=asked.MOST)]
Cursor = Annotated[str | None, Query(max_length=200, description="The `next` of the page before.")]


def routes(house: Shop) -> APIRouter:
    """The catalog's routes."""
    router = APIRouter(prefix="/v1", tags=["catalog"])
    reads = Depends(needs(house, "orders:read"))

    @router.get("/designs", operation_id="listDesigns", summary="Designs", response_model=shapes.DesignsShape)
    def designs(
        occasion: Annotated[str, Query(max_length=64, pattern="^[a-z0-9-]*$")] = "", limit: Limit = asked.MOST,
        cursor: Cursor = None, caller: Caller = reads,
    ) -> shapes.DesignsShape:  # fmt: skip
        """By name: what each is for, which photos it takes and how large they must be, and how much room words have."""
        begin = asked.begins(house, caller, "designs", cursor) or ""
        sources = [house.catalog.design(name) for name in house.catalog.designs() if name > begin]
        fitting = [source for source in sources if not occasion or occasion in source.design.occasions]
        page = fitting[:limit]
        last = page[-1].design.name if len(fitting) > limit else None
        return shapes.DesignsShape(
            designs=[_design(house, source) for source in page], next=asked.cursor(house, caller, "designs", last)
        )

    @router.get(
        "/designs/{name}/thumbnail", operation_id="getThumbnail", summary="A picture of a design",
        response_class=Response, responses=_THUMBNAIL,  # type: ignore[arg-type]
    )  # fmt: skip
    def thumbnail(name: str, request: Request, caller: Caller = reads) -> Response:
        """As its artist's own words and photos fill it: nobody's order."""
        path = _thumbnail(house, name) if name in house.catalog.designs() else None
        if path is None:
            raise Turned(404, "design.unknown", "name", "is no design with a picture", "take a name from /v1/designs")
        data = path.read_bytes()
        headers = {"etag": f'"{hashlib.sha256(data).hexdigest()}"', "cache-control": "private, max-age=3600"}
        if headers["etag"] in request.headers.get("if-none-match", ""):
            return Response(None, 304, headers)
        return Response(data, 200, headers, "image/png")

    @router.get("/hands", operation_id="listHands", summary="Hands", response_model=shapes.HandsShape)
    def hands(caller: Caller = reads) -> shapes.HandsShape:
        """The handwritings that an order may name."""
        chosen = [house.catalog.hand(name)[0] for name in house.catalog.hands()]
        return shapes.HandsShape(
            hands=[
                shapes.HandShape(name=font.name, title=font.settings.title, joined=font.settings.joined)
                for font in chosen
            ]
        )

    @router.get("/occasions", operation_id="listOccasions", summary="Occasions", response_model=shapes.OccasionsShape)
    def occasions(caller: Caller = reads) -> shapes.OccasionsShape:
        """Each with the designs that were made for it, and the one that an order gets which names none."""
        made_for: dict[str, list[str]] = {}
        for name in house.catalog.designs():
            for occasion in house.catalog.design(name).design.occasions:
                made_for.setdefault(occasion, []).append(name)
        return shapes.OccasionsShape(
            occasions=[
                shapes.OccasionShape(name=occasion, design=house.catalog.design_for(occasion), designs=names)
                for occasion, names in sorted(made_for.items())
            ]
        )

    return router


def _design(house: Shop, source: DesignSource) -> shapes.DesignShape:
    design, layout = source.design, source.format
    message, signature = design.one("message"), card.signature_order(design)
    has_picture = _thumbnail(house, design.name) is not None
    return shapes.DesignShape(
        name=design.name, version=design.version, title=design.title, occasions=list(design.occasions),
        format=shapes.FormatShape(
            name=layout.name, title=layout.title, fold=layout.fold, trim_mm=_mm(layout.trim),
            envelope=layout.envelope_name,
        ),
        hand=design.hand, inks=sorted(card.pens(design)), photos=_photos(house, source),
        signature=signature is not None,
        message=shapes.MessageShape(
            max_characters=_LONGEST_MESSAGE, proven_characters=max(len(item.message) for item in design.specimen),
            largest_mm=round(to_mm(message.largest or 0), 2) if message else 0.0,
            smallest_mm=round(to_mm(message.smallest or 0), 2) if message else 0.0,
            room_mm=_mm(message.extent) if message else (0.0, 0.0),
        ),
        thumbnail=f"/v1/designs/{design.name}/thumbnail" if has_picture else None,
    )  # fmt: skip


def _photos(house: Shop, source: DesignSource) -> list[shapes.PhotoShape]:
    """Each photo with the pixels that it needs at least, and from which on more are of no use."""
    press = routing.route(house, source.format.name).press
    placed = card.photo_orders(source.design, source.format, press.photo_ppi, press.photo_minimum_ppi)
    return [
        shapes.PhotoShape(
            name=frame.photo, panel=frame.panel, required=frame.required, fit=frame.fit, size_mm=_mm(frame.extent),
            least_pixels=_pixels(frame.extent, placed[frame.photo].min_ppi),
            best_pixels=_pixels(frame.extent, placed[frame.photo].target_ppi),
        )
        for frame in source.design.photos
    ]  # fmt: skip


def _pixels(size: Size, ppi: float) -> tuple[int, int]:
    return math.ceil(to_inch(size.width) * ppi), math.ceil(to_inch(size.height) * ppi)


def _mm(size: Size) -> tuple[float, float]:
    return round(to_mm(size.width), 1), round(to_mm(size.height), 1)


def _thumbnail(house: Shop, name: str) -> Path | None:
    """The picture in the design's folder. ``name`` is a design's: no path."""
    path = house.settings.designs / name / "thumbnail.png"
    return path if path.is_file() and not path.is_symlink() else None
