"""The pictures of ``cardpipe design check --out``: what the linter means, drawn."""

from __future__ import annotations

from contextlib import suppress

from cardpipe.model.errors import Bug, Refused
from cardpipe.model.finding import Finding
from cardpipe.pipeline import pointing
from cardpipe.prepress import checksheet, extent
from cardpipe.prepress.raster import Pixels, opened
from cardpipe.wiring import Shop


def pictures(house: Shop, name: str, findings: list[Finding]) -> dict[str, bytes]:
    """A PNG for each printed side, by file name; none where ``design.toml`` itself cannot be read. The findings are
    numbered in the order in which they are given."""
    try:
        draft = house.catalog.shelf.draft(name, lambda file: pointing.lines(findings, file))
    except Refused:
        return {}
    made, pages, places = {}, dict(draft.pages), dict(draft.places)
    with suppress(Refused):  # sound art is shown, and its pictures found, as it is printed
        files = house.catalog.design(name).files
        for side in draft.format.sides:
            pages[side] = files[f"{side}.pdf"]
            places.update({(side, number): box for number, box in extent.pictures(pages[side]).items()})
    for side in draft.format.sides:
        made[f"{side}.png"] = checksheet.draw(
            _page(pages.get(side)),
            draft.format,
            side,
            f"{name}: {checksheet.subtitle(draft.format, side)}",
            pointing.outlines(draft.design, draft.format, side),
            pointing.marks(findings, draft.design, draft.format, side, places),
            house.catalog.printed().data,
        )
    return made


def _page(data: bytes | None) -> Pixels | None:
    """The page of art as pixels; None where it cannot be drawn, which is among the findings."""
    if data is not None:
        with suppress(Bug), opened(data) as document:
            return document.pixels(0, checksheet.PPI)
    return None
