"""What preflight remarked of a batch, beside the page that it means: the picture's frame is drawn on it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from cardpipe.model.batch import Batch
from cardpipe.model.errors import Refused
from cardpipe.model.finding import Finding
from cardpipe.model.piece import Piece
from cardpipe.model.units import Box, Size
from cardpipe.pipeline import pinned, pointing
from cardpipe.wiring import Shop

#: ``piece 2, 12 (CARD.pdf, pages 3, 23, image object 16)``
_PIECE = re.compile(r"piece (\d+)")
_FILE = re.compile(r"\((CARD|ENV)\w*\.pdf(?:, pages? (\d+))?")
_NONE = Size(0, 0)


@dataclass(frozen=True, slots=True)
class Remark:
    """A finding; with a page of the first piece that it names, that page's size at the trim, and boxes on it (from its
    upper left corner)."""

    finding: Finding
    piece: Piece | None = None
    what: str = ""
    size: Size = _NONE
    boxes: tuple[Box, ...] = ()


def remarks(house: Shop, batch: Batch, findings: Sequence[Finding]) -> list[Remark]:
    """The findings, each with its page where it names a piece that still lies in the batch."""
    return [_remark(house, batch, finding) for finding in findings]


def _remark(house: Shop, batch: Batch, finding: Finding) -> Remark:
    named = _PIECE.match(finding.where)
    if named is None:
        return Remark(finding)
    try:
        piece = house.store.member(batch.scope, batch.id, int(named[1]))
        if "recipient" not in piece.spec:
            return Remark(finding)
        source = pinned.design(house, batch.scope, piece.spec)
    except Refused:  # it was taken out since, or its inputs are erased
        return Remark(finding)
    layout, file = pinned.layout(piece.spec), _FILE.search(finding.where)
    if file is not None and file[1] == "ENV":
        return Remark(finding, piece, "envelope")
    photos = {side: [one.box for one in pointing.outlines(source.design, layout, side) if one.kind == "photo"]
              for side in ("outside", "inside")}  # fmt: skip
    side = _side(file, photos) if finding.code.startswith("image.") else "outside"
    trim = layout.trim_box
    shown = photos[side] if finding.code.startswith("image.") else []
    boxes = tuple(Box(box.x - trim.x, trim.top - box.top, box.width, box.height) for box in shown)
    return Remark(finding, piece, side, Size(trim.width, trim.height), boxes)


def _side(file: re.Match[str] | None, photos: dict[str, list[Box]]) -> str:
    """The side that a page of the card file shows: two pages a piece. Of imposed sheets, the side with the picture."""
    if file is not None and file[2]:
        side = ("outside", "inside")[(int(file[2]) - 1) % 2]
        if photos[side]:
            return side
    return next((side for side, boxes in photos.items() if boxes), "outside")
