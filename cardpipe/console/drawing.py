"""Drawing for the gallery: one picture at a time, behind the pages, and kept in the memory of this process.

A design is drawn the way of every order, which takes a second or more. No page waits for it: who asks gets what is
there, asks again, and one thread draws what was asked for. What is drawn is kept by the digests of the design's files,
so that another version is drawn anew.
"""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

from cardpipe.model.errors import Refused
from cardpipe.model.finding import Finding
from cardpipe.model.order import canonical
from cardpipe.pipeline import gallery, proofs, specimen
from cardpipe.ports import DesignSource
from cardpipe.prepress import proof, raster, showing
from cardpipe.wiring import Shop

_MOST = 400  # pictures of one process: 24 designs of three sides and two specimens each, and the hands
_SPECIMEN_PPI, _HAND_PPI = 90.0, 120.0
_PAPER = 200  # what is lighter is no ink
WORDS = "Dear Zoë, thank you for the porch and the peaches."
MESSAGE = """Dear Marisol,

Thank you so much for letting us stay. The porch was the best part, and I keep telling people about the peaches. We \
left the blue bowl on the shelf by the door, and the dog has not forgiven us for leaving.

Come and see us in spring. There is room, and there will be soup.

June"""


Key = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Drawn:
    """What was drawn of one subject: pictures (media type, bytes) by name, and what else was found out. ``findings``
    say why there are none."""

    pictures: Mapping[str, tuple[str, bytes]] = field(repr=False)
    facts: Mapping[str, Any] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()


class Easel:
    """What is drawn, and the one who draws."""

    def __init__(self, house: Shop) -> None:
        self._house = house
        self._lock = threading.Lock()
        self._kept: OrderedDict[Key, Future[Drawn]] = OrderedDict()
        self._waiting: OrderedDict[Key, Callable[[], Drawn]] = OrderedDict()
        self._drawing = False

    def design(self, source: DesignSource, urgent: bool = False) -> Drawn | None:
        """Front, inside and back; None while it is being drawn. ``urgent``: before what else waits."""
        return self._ask(("design", source.design.name, version(source)), lambda: self._design(source), urgent)

    def specimens(self, source: DesignSource) -> Drawn | None:
        """The design's own specimens as they would be printed; None while they are being drawn."""
        return self._ask(("specimens", source.design.name, version(source)), lambda: self._specimens(source), True)

    def hand(self, name: str) -> Drawn | None:
        """A line of a hand, and its every letter; None while they are being drawn."""
        font = self._house.catalog.hand(name)[0]
        return self._ask(("hand", name, font.sha256, font.settings_sha256), lambda: self._written(name), True)

    def _ask(self, key: Key, draw: Callable[[], Drawn], urgent: bool) -> Drawn | None:
        with self._lock:
            found = self._kept.get(key)
            if found is None:
                found = self._kept[key] = Future()
                self._waiting[key] = draw
                while len(self._kept) > _MOST:
                    self._waiting.pop(self._kept.popitem(last=False)[0], None)
            if urgent and key in self._waiting:
                self._waiting.move_to_end(key, last=False)
            if self._waiting and not self._drawing:
                self._drawing = True
                threading.Thread(target=self._work, name="console-easel", daemon=True).start()
        if not found.done():
            return None
        try:
            return found.result()
        except Exception:  # told as a bug of the page that asked; the next visit has it drawn again
            with self._lock:
                self._kept.pop(key, None)
            raise

    def _work(self) -> None:
        """Draw what waits, one after the other, until nothing does."""
        while True:
            with self._lock:
                if not self._waiting:
                    self._drawing = False
                    return
                key, draw = self._waiting.popitem(last=False)
                future = self._kept.get(key)
            if future is None:
                continue
            try:
                future.set_result(draw())
            except BaseException as failure:  # whoever asks next is told
                future.set_exception(failure)

    def _design(self, source: DesignSource) -> Drawn:
        try:
            shown = gallery.exhibit(self._house, source.design.name)
        except Refused as problem:
            return Drawn({}, {"characters": 0, "hands": (), "sizes": {}}, tuple(problem.findings))
        pictures = {name: _jpeg(pixels) for name, pixels in shown.pictures.items()}
        sizes = {name: (pixels.shape[1], pixels.shape[0]) for name, pixels in shown.pictures.items()}
        return Drawn(pictures, {"characters": shown.characters // 10 * 10, "hands": shown.hands, "sizes": sizes})

    def _specimens(self, source: DesignSource) -> Drawn:
        pictures, findings, sizes = {}, list[Finding](), {}
        for each in source.design.specimen:
            bench = specimen.Bench(self._house, source.format.name)
            shown = specimen.show(bench, source, each)
            findings += [found for found in shown.findings if shown.piece is None]
            if shown.piece is not None:
                look = proof.Look(ppi=_SPECIMEN_PPI, word="SPECIMEN", slots=False)
                sheet = proof.sheet(proofs.draw(bench, shown.piece, look).pages)
                pictures[each.name], sizes[each.name] = _jpeg(sheet), (sheet.shape[1], sheet.shape[0])
        return Drawn(pictures, {"sizes": sizes}, tuple(findings))

    def _written(self, name: str) -> Drawn:
        fonts = self._house.catalog.fonts
        settings, hand, printed = fonts.chain(name)[0].settings, fonts.hand(name), fonts.face("arimo")
        try:
            line = showing.overview([hand], WORDS, printed, [settings.default_x_height])
            every = showing.specimen(hand, settings.title, [], MESSAGE, printed, settings.default_x_height)
        except Refused as problem:
            return Drawn({}, {}, tuple(problem.findings))
        pdf = showing.as_pdf([line, every], printed, self._house.catalog.profile("sRGB.icc"), name)
        with proofs.RASTER, raster.opened(pdf) as document:  # the rasteriser serves one thread at a time
            # the first row of the overview, below the hand's printed name
            row = _trimmed(document.pixels(0, _HAND_PPI)[round(0.7 * _HAND_PPI) : round(1.45 * _HAND_PPI)])
            page = document.pixels(1, _HAND_PPI)
        return Drawn({"line": ("image/png", proof.png(row)), "letters": ("image/png", proof.png(page))})


def _trimmed(pixels: raster.Pixels) -> raster.Pixels:
    """The ink, with a narrow margin of paper."""
    ink = pixels.min(axis=2) < _PAPER
    rows, columns = ink.any(axis=1).nonzero()[0], ink.any(axis=0).nonzero()[0]
    if not len(rows):
        return pixels
    top, left = max(0, int(rows[0]) - 8), max(0, int(columns[0]) - 8)
    return pixels[top : int(rows[-1]) + 9, left : int(columns[-1]) + 9]


def version(source: DesignSource) -> str:
    """What a design's pictures depend on, short enough for an address."""
    return hashlib.sha256(canonical(dict(source.digests))).hexdigest()[:16]


def _jpeg(pixels: raster.Pixels) -> tuple[str, bytes]:
    return "image/jpeg", proof.jpeg(pixels)
