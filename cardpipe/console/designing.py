"""The gallery: every design with its pictures and limits; one of them large, with its specimens; and the hands."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from starlette.responses import Response
from starlette.routing import Route

from cardpipe.console import drawing, trying
from cardpipe.console.drawing import Drawn, Easel
from cardpipe.console.guard import page
from cardpipe.console.visit import Visit
from cardpipe.model.errors import Refused
from cardpipe.model.finding import error
from cardpipe.model.units import to_inch, to_mm
from cardpipe.model.user import Role
from cardpipe.pipeline import routing
from cardpipe.ports import DesignSource
from cardpipe.prepress import card, showing
from cardpipe.prepress.gallerypage import spoken
from cardpipe.wiring import Shop

_KEPT = "private, max-age=86400, immutable"
_VIEWS = ("front", "inside", "back")


def routes(house: Shop) -> list[Route]:
    """``/designs`` and ``/hands``."""
    easel = Easel(house)

    @page(house, Role.VIEWER)
    def listed(visit: Visit) -> Response:
        sources = [house.catalog.design(name) for name in house.catalog.designs()]
        groups: dict[str, list[dict[str, Any]]] = {}
        for source in sorted(sources, key=lambda source: (source.design.occasions[0], source.design.name)):
            told = {**_facts(house, source), "drawn": easel.design(source)}
            groups.setdefault(source.design.occasions[0], []).append(told)
        # those of which there are several first; of the others two stand in a row
        groups = dict(sorted(groups.items(), key=lambda group: (len(group[1]) == 1, group[0])))
        return visit.show("designs.html", groups=groups, spoken=spoken, count=len(sources))

    @page(house, Role.VIEWER)
    def pictured(visit: Visit) -> Response:
        """One entry of the gallery, for who waits until it is drawn."""
        source = _source(house, visit.part("name"))
        entry = {**_facts(house, source), "drawn": easel.design(source)}
        return visit.show("design_entry.html", "entry", entry=entry, spoken=spoken)

    @page(house, Role.VIEWER)
    def one(visit: Visit) -> Response:
        source = _source(house, visit.part("name"))
        specimens, drawn = easel.specimens(source), easel.design(source, urgent=True)  # the last one goes first
        values = {
            **_facts(house, source), "drawn": drawn, "specimens": specimens,
            "spoken": spoken, **trying.choices(house, source),
        }  # fmt: skip
        return visit.show("design.html", "pictures" if visit.by_htmx else None, **values)

    @page(house, Role.VIEWER)
    def picture(visit: Visit) -> Response:
        """A side of a design, or one of its specimens."""
        source, what = _source(house, visit.part("name")), visit.part("what")
        if what == "thumbnail":
            return _thumbnail(house, source.design.name)
        drawn = easel.design(source, urgent=True) if what in _VIEWS else easel.specimens(source)
        return _picture(drawn, what)

    @page(house, Role.VIEWER)
    def hands(visit: Visit) -> Response:
        entries = [_hand(house, easel, name) for name in house.catalog.hands()]
        return visit.show("hands.html", hands=entries)

    @page(house, Role.VIEWER)
    def hand(visit: Visit) -> Response:
        name = _hand_name(house, visit.part("name"))
        if visit.by_htmx:
            whole = visit.request.headers.get("hx-target") == "hand-letters"
            template, block = ("hand.html", "letters") if whole else ("hand_entry.html", "entry")
            return visit.show(template, block, hand=_hand(house, easel, name))
        return visit.show("hand.html", hand=_hand(house, easel, name))

    @page(house, Role.VIEWER)
    def hand_picture(visit: Visit) -> Response:
        return _picture(easel.hand(_hand_name(house, visit.part("name"))), visit.part("what"))

    return [
        Route("/designs", listed),
        Route("/designs/{name}", one),
        Route("/designs/{name}/entry", pictured),
        Route("/designs/{name}/picture/{what}", picture),
        Route("/hands", hands),
        Route("/hands/{name}", hand),
        Route("/hands/{name}/picture/{what}", hand_picture),
        *trying.routes(house),
    ]


def _source(house: Shop, name: str) -> DesignSource:
    if name not in house.catalog.designs():
        raise Refused(
            "There is no such design.", [error("design.unknown", "name", "is no design", "take one of the gallery")]
        )
    return house.catalog.design(name)


def _hand_name(house: Shop, name: str) -> str:
    if name not in house.catalog.hands():
        raise Refused("There is no such hand.", [error("hand.unknown", "name", "is no hand", "take one of the list")])
    return name


def _facts(house: Shop, source: DesignSource) -> dict[str, Any]:
    """What an order with this design must know."""
    design, layout = source.design, source.format
    press = routing.route(house, layout.name).press
    placed = card.photo_orders(design, layout, press.photo_ppi, press.photo_minimum_ppi)
    message = design.one("message")
    photos = [
        {
            "name": frame.photo, "required": frame.required, "fit": frame.fit,
            "size": (round(to_mm(frame.extent.width)), round(to_mm(frame.extent.height))),
            "least": _pixels(frame.extent, placed[frame.photo].min_ppi),
            "best": _pixels(frame.extent, placed[frame.photo].target_ppi),
        }
        for frame in design.photos
    ]  # fmt: skip
    return {
        "design": design, "format": layout, "photos": photos, "version": drawing.version(source),
        "signature": card.signature_order(design) is not None,
        "letters": (round(to_mm(message.smallest or 0), 1), round(to_mm(message.largest or 0), 1)) if message else None,
        "trim": (round(to_mm(layout.trim.width)), round(to_mm(layout.trim.height))),
    }  # fmt: skip


def _pixels(extent: Any, ppi: float) -> tuple[int, int]:
    return math.ceil(to_inch(extent.width) * ppi), math.ceil(to_inch(extent.height) * ppi)


def _picture(drawn: Drawn | None, what: str) -> Response:
    if drawn is None:
        return Response(status_code=503, headers={"retry-after": "2"})
    if what not in drawn.pictures:
        return Response(status_code=404)
    kind, data = drawn.pictures[what]
    return Response(data, media_type=kind, headers={"cache-control": _KEPT})


def _thumbnail(house: Shop, name: str) -> Response:
    """The small picture in the design's own folder, as the API gives it; nobody's order. ``name`` is a design's."""
    path: Path = house.settings.designs / name / "thumbnail.png"
    if not path.is_file() or path.is_symlink():
        return Response(status_code=404)
    return Response(path.read_bytes(), media_type="image/png", headers={"cache-control": _KEPT})


def _hand(house: Shop, easel: Easel, name: str) -> dict[str, Any]:
    """A hand as it is described: by how it writes, never by who."""
    font = house.catalog.fonts.chain(name)[0]
    settings = font.settings
    note = settings.note.split(". ")[0].rstrip(".")
    return {
        "name": name, "title": settings.title, "note": f"{note}." if note else "",
        "joined": settings.joined, "height": round(to_mm(settings.default_x_height), 1), "licence": settings.licence,
        "faults": [(fault.characters, fault.why) for fault in settings.faults], "helpers": settings.fallback,
        "drawn": easel.hand(name), "coverage": _coverage(font), "version": font.sha256[:16],
    }  # fmt: skip


def _coverage(font: Any) -> list[tuple[str, int, int]]:
    """For each row of letters how many the hand writes itself, and how many there are."""
    faults = font.face.faults
    rows = []
    for title, row in showing.ROWS[1:]:
        letters: Sequence[str] = [letter for letter in dict.fromkeys(row) if letter.strip()]
        own = [letter for letter in letters if letter not in faults and not font.face.font.missing(letter)]
        rows.append((title, len(own), len(letters)))
    return rows
