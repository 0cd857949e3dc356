"""The form's printed pages: markers, cells and a few words, for an office printer.

Guides are pale cyan: they vanish in the channels that :mod:`cardpipe.prepress.scan` looks at, where dark ink stays.
"""

from __future__ import annotations

import hashlib
import io
from typing import Literal

import cv2

from cardpipe.model.units import Box, Points, Size, inch, mm, num
from cardpipe.prepress import formsheet as form
from cardpipe.prepress.formsheet import Cell
from cardpipe.prepress.fragment import Fragment, build
from cardpipe.prepress.lettering import letter
from cardpipe.prepress.merge import Merge, Shared
from cardpipe.prepress.page import BLACK, Ink, Mark, Outline, Page, Rect
from cardpipe.prepress.press import Press
from cardpipe.prepress.typeset import Face
from cardpipe.prepress.xmp import Stamp

Paper = Literal["letter", "a4"]
PAPERS: dict[Paper, Size] = {"letter": Size(inch(8.5), inch(11)), "a4": Size(mm(210), mm(297))}

_GUIDE = Ink("guide", 0.22, 0, 0, 0)
_GHOST = Ink("ghost", 0.14, 0, 0, 0)
_LABEL = Ink("label", 0.52, 0, 0, 0)
_HAIR: Points = 0.5
_DAY = "2026-11-21"  # the form carries no clock: the same bytes at all times


def pages(paper: Paper, face: Face) -> list[Page]:
    """The form's pages on that paper."""
    size = PAPERS[paper]
    return [
        Page(f"hand-{number}", size, Box(0, 0, size.width, size.height), tuple(_Sheet(size, face).marks(number)))
        for number in range(1, form.PAGES + 1)
    ]


def write(paper: Paper, press: Press, face: Face, profile: bytes) -> bytes:
    """The form as a PDF for an office printer; its cyan stays cyan ink. ``profile`` is the press's ICC profile."""
    digest = hashlib.sha256(profile).hexdigest()
    stamp = Stamp(
        title="OWN_HAND_FORM",
        day=_DAY,
        intent_digest=digest,
        condition=press.condition,
        condition_info=press.condition_info,
        duplex="Simplex",
        output=press.output,
    )
    sink = io.BytesIO()
    merge = Merge(sink, Shared(lambda _: [], lambda _: (face.font, face.name.capitalize()), lambda _: profile), stamp)
    merge.add(Fragment(io.BytesIO(build(pages(paper, face), f"icc:{digest}", press.output))), lambda page, slot: ())
    merge.finish()
    return sink.getvalue()


class _Sheet:
    """One page being drawn: turns the live area's millimetres into the page's points."""

    def __init__(self, size: Size, face: Face) -> None:
        self._left = (size.width - mm(form.WIDTH)) / 2
        self._top = size.height - (size.height - mm(form.HEIGHT)) / 2
        self._face = face

    def marks(self, page: int) -> list[Mark]:
        made: list[Mark] = [self._marker(page, place) for place in range(len(form.PLACES))]
        made += self._words(page)
        for cell in form.cells():
            if cell.page == page:
                made += self._cell(cell)
        if page == form.PAGES:
            for number, box in enumerate(form.signature_boxes(), 1):
                made += self._signature(number, box)
        return made

    def _box(self, x: float, y: float, width: float, height: float) -> Box:
        return Box(self._left + mm(x), self._top - mm(y + height), mm(width), mm(height))

    def _say(self, text: str, size: Points, x: float, y: float, ink: Ink = BLACK, *, centred: bool = False) -> Mark:
        """A line whose baseline starts, or has its middle, at that place."""
        align: Literal["left", "center"] = "center" if centred else "left"
        return letter(self._face, text, size, self._left + mm(x), self._top - mm(y), align=align, ink=ink)

    def _marker(self, page: int, place: int) -> Outline:
        x, y = form.marker_corner(place)
        bits = cv2.aruco.generateImageMarker(
            cv2.aruco.getPredefinedDictionary(form.DICTIONARY), form.marker_id(page, place), form.MODULES
        )
        side = mm(form.MARKER) / form.MODULES
        path = [
            f"{num(column * side)} {num((form.MODULES - 1 - row) * side)} {num(side * 1.01)} {num(side * 1.01)} re"
            for row in range(form.MODULES)
            for column in range(form.MODULES)
            if not bits[row, column]
        ]
        return Outline(
            self._box(x, y, form.MARKER, form.MARKER), (" ".join(path) + " f").encode(), BLACK, name="marker"
        )

    def _words(self, page: int) -> list[Mark]:
        first = "One letter a cell, as you always write it, on the lower line, with a black or blue pen, off the edges."
        second = "Then photograph the page: flat, from above, in daylight, all six black marks in view."
        if page == form.PAGES:
            first = "As on page 1. Accents alone, above or below the pale letter. Leave empty what you never write."
        return [
            self._say(f"Your own hand · page {page} of {form.PAGES}", 12, form.LEFT + 1, 4.4),
            self._say(first, 7.4, form.LEFT + 1, 8.1),
            self._say(second, 7.4, form.LEFT + 1, 11.2),
        ]

    def _cell(self, cell: Cell) -> list[Mark]:
        x, y = cell.x, cell.y
        made = self._frame(x, y, form.CELL_WIDTH, form.CELL_HEIGHT)
        for above in (0.0, form.X_HEIGHT):
            made.append(Rect(self._box(x + 1, cell.baseline - above, form.CELL_WIDTH - 2, 0.18), _GUIDE, "guide"))
        if cell.kind == "accent":
            size = mm(form.X_HEIGHT) / self._face.font.x_height
            ghost = form.ACCENTS[cell.text]
            made.append(self._say(ghost, size, x + form.CELL_WIDTH / 2, cell.baseline, _GHOST, centred=True))
        made.append(self._say(_label(cell), 8 if len(_label(cell)) < 3 else 6.8, x + 0.8, y + 3.2, _LABEL))
        return made

    def _frame(self, x: float, y: float, width: float, height: float) -> list[Mark]:
        box = self._box(x, y, width, height)
        edges = (
            Box(box.x, box.y, box.width, _HAIR), Box(box.x, box.top, box.width, _HAIR),
            Box(box.x, box.y, _HAIR, box.height), Box(box.right, box.y, _HAIR, box.height + _HAIR),
        )  # fmt: skip
        return [Rect(edge, _GUIDE, "cell") for edge in edges]

    def _signature(self, number: int, box: tuple[float, float, float, float]) -> list[Mark]:
        x, y, width, height = box
        made = self._frame(x, y, width, height)
        made.append(Rect(self._box(x + 8, y + 23, width - 16, 0.18), _GUIDE, "guide"))
        made.append(self._say(f"signature {number}", 8, x + 1.2, y + 3.4, _LABEL))
        return made


def _label(cell: Cell) -> str:
    """What stands in a cell's corner; marks that look like others are named."""
    named = {
        "'": "' apostr.", "–": "– dash", "-": "- hyphen", ",": ", comma", ".": ". stop", '"': '" quotes',
        "´": "´ acute", "`": "` grave", "^": "^ hat", "¨": "¨ dots", "~": "~ tilde", "ˇ": "ˇ caron", "°": "° ring",
        "¸": "¸ cedilla", "˛": "˛ ogonek", "˘": "˘ breve", "ð": "ð eth", "þ": "þ thorn",
    }  # fmt: skip
    return named.get(cell.text, cell.text)
