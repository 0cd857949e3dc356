"""Opens a finished PDF as a stranger would, looks at every page and every object once, and writes the report.

Nothing that a file contains makes it raise: what cannot be read is a finding, and the report says that reading
stopped. The story: the two ends of the file, its catalog, its XMP and output intent, then page by page the boxes,
what the resources name, and what the content paints.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, BinaryIO

from cardpipe.model.units import Points
from cardpipe.preflight import facts as read
from cardpipe.preflight import records as tree
from cardpipe.preflight.check import View
from cardpipe.preflight.check_ink import coarsest
from cardpipe.preflight.codes import DAMAGED, EXCESS, MISSING
from cardpipe.preflight.colour import total_ink
from cardpipe.preflight.document import CONTENT_LIMIT, Damaged, Document, Excess, Locked, Node, said
from cardpipe.preflight.ledger import Ledger, Remark
from cardpipe.preflight.profile import Profile
from cardpipe.preflight.report import Facts, Report
from cardpipe.preflight.sketch import Sketch, meet
from cardpipe.preflight.subjects import Key, Mark, Page, Registration
from cardpipe.preflight.survey import Survey, inherited
from cardpipe.preflight.walk import Walker
from cardpipe.preflight.xmp import PDFVT_ID, PDFX_ID

__all__ = ["Report", "examine", "inspect"]


def inspect(stream: BinaryIO, profile: Profile, pieces: int | None = None, name: str = "") -> Report:
    """Inspect a PDF in an open, seekable byte stream. ``pieces`` is how many cards it must hold, where that is known,
    and ``name`` what the report calls the file.

    Never raises, whatever the file holds: trouble of the inspector itself is a finding too.
    """
    return examine(stream, profile, pieces=pieces, name=name)


def examine(
    stream: BinaryIO,
    profile: Profile,
    subjects: frozenset[str] | None = None,
    *,
    pieces: int | None = None,
    name: str = "",
    framed: Points | None = None,
) -> Report:
    """:func:`inspect`, of some subjects only. ``framed`` takes pages as art whose trim lies so far within its media."""
    expected = None if pieces is None or profile.pages_per_piece is None else pieces * profile.pages_per_piece
    inspection = _Inspection(View(profile, expected, pieces, pieces), subjects, framed)
    complete = False
    try:
        complete = inspection.run(stream)
    except Damaged as trouble:
        inspection.ledger.write([(DAMAGED, "", str(trouble))])
    except Exception as trouble:
        inspection.ledger.write([(DAMAGED, "", f"{type(trouble).__name__}: {said(trouble)}")])
    ledger = inspection.ledger
    return Report(name, profile.name, inspection.summary(), ledger.findings(), ledger.runs(), complete)


class _Inspection:
    """One file under inspection."""

    def __init__(self, view: View, subjects: frozenset[str] | None, framed: Points | None) -> None:
        self.view = view
        self.whole_file = subjects is None or "file" in subjects
        self.framed = framed
        self.ledger = Ledger(view, subjects)
        self.survey = Survey(self._meet)
        self.walker = Walker(self.survey)
        self.number = 0
        self.keys: list[Key] = []
        self.links: list[Key] = []
        self.whole = True
        self.trims: dict[tuple[float, float], None] = {}
        self.fonts: set[str] = set()
        self.spots: set[str] = set()
        self.lowest: float | None = None
        self.heaviest: float | None = None
        self.simple: dict[str, Any] = {}

    def run(self, stream: BinaryIO) -> bool:
        """Look at everything; True when the whole file was read."""
        size, head, tail = read.ends(stream)
        self.simple["size"] = size
        self.simple["version"] = head[5:8].decode("latin-1") if head.startswith(b"%PDF-") else ""
        try:
            document = Document(stream)
        except Locked:
            self.ledger.write([("pdf.encrypted", "", "the file is encrypted and asks for a password")])
            return False
        with document:
            complete = self._guarded(lambda: self._pages(document))
            self.number = 0
            if not complete:
                # whoever could not read the pages cannot count them
                self.view.expected_pages = self.view.expected_records = None
            if self.whole_file:
                complete = self._guarded(lambda: self._file(document, size, head, tail)) and complete
            warnings = document.warnings()
            if warnings:
                text = f"the object library had to mend {len(warnings)} things, first: {warnings[0]}"
                self.ledger.write([(DAMAGED, "", text)])
            return complete and self.whole and not warnings

    def _pages(self, document: Document) -> None:
        for number, page in enumerate(document.pages(), 1):
            self.number = number
            self.keys.append(page.key)
            self.links.append(page.get("DPart").key)
            self.whole = self._page(page) and self.whole
        if not self.keys:
            raise Damaged("the file has no pages")

    def _file(self, document: Document, size: int, head: bytes, tail: bytes) -> None:
        packet = read.packet(document)
        said = packet.properties if packet else {}
        facts = read.file(document, size, head, tail, len(self.keys), said.get(f"{PDFVT_ID}GTS_PDFVTVersion", ""))
        self._meet("file", facts, "")
        self.simple["title"] = facts.info.get("Title", "")
        names = [said.get(f"{PDFX_ID}GTS_PDFXVersion", ""), *sorted(facts.identity.values(), reverse=True), facts.vt]
        self.simple["standard"] = " + ".join(dict.fromkeys(one for one in names if one))
        if packet is not None:
            self._meet("packet", packet, "")
        for intent in read.intents(document):
            self._meet("intent", intent, "")
            self.simple["condition"] = intent.condition
        found = tree.read(document, self.keys, self.links)
        if found is not None:
            self.simple["records"] = found[0].leaves
            self._meet("records", found[0], "")
            for part in found[1]:
                self._meet("part", part, f"document part, object {part.key[0]}")

    def _meet(self, kind: str, subject: Any, label: str) -> None:
        """Judge a subject at the page under way."""
        if kind == "font":
            self.fonts.add(subject.name)
        elif kind == "space":
            self.spots.update(ink for one in subject.lineage() for ink in one.inks)
        self.ledger.write(self.ledger.judge(kind, subject, label), self.number or None)

    def _page(self, node: Node) -> bool:
        """One page; trouble that stays within it stops only it."""
        kept: list[Page] = []
        sketches: list[Sketch] = []
        complete = self._guarded(lambda: kept.append(self._dictionary(node)))
        if complete:
            complete = self._guarded(lambda: sketches.extend(self._content(node, kept[0])))
        causes = {cause for sketch in sketches for cause in sketch.transparent}
        for page in kept:
            self._meet("page", page.with_transparency(tuple(sorted(causes))), "")
            for sketch in sketches:
                self.ledger.write(self._verdict(sketch, page), self.number)
        return complete

    def _guarded(self, step: Callable[[], None]) -> bool:
        """Whether the step went through; if not, why not is written down."""
        try:
            step()
        except Excess as trouble:
            self.ledger.write([(EXCESS, "", str(trouble))], self.number or None)
        except Damaged as trouble:
            self.ledger.write([(DAMAGED, "", str(trouble))], self.number or None)
        except Exception as trouble:
            self.ledger.write([(DAMAGED, "", f"{type(trouble).__name__}: {said(trouble)}")], self.number or None)
        else:
            return True
        return False

    def _dictionary(self, node: Node) -> Page:
        """The page's boxes, annotations and blend space."""
        page = read.page(node, self.number, inherited(node, "Resources"), self.survey)
        if self.framed is not None and page.media is not None:
            page = replace(page, bleed=page.media, trim=page.media.inset(self.framed), group=False, blend=None)
        for note in read.notes(node, page):
            self._meet("annotation", note, "")
        if page.blend is not None:
            self._meet("space", page.blend, "its blend space")
        if page.trim is not None:
            self.trims[(round(page.trim.width, 2), round(page.trim.height, 2))] = None
        return page

    def _content(self, node: Node, page: Page) -> list[Sketch]:
        """What the resources name and what the content paints."""
        resources = inherited(node, "Resources")
        self.survey.visit(resources, "")
        data, filters = read.contents(node, CONTENT_LIMIT)
        return self.walker.page(data, filters, resources, page.media).family()

    def _verdict(self, sketch: Sketch, page: Page) -> list[Remark]:
        """What the checks say about a sketch; shared art on pages of equal boxes is judged once."""
        key = (page.trim, page.bleed, page.media)
        if key not in sketch.verdicts:
            remarks = [(MISSING, "", text) for text in sorted(sketch.trouble)]
            for kind, subject, label in self._subjects(sketch, page):
                remarks += self.ledger.judge(kind, subject, label)
            sketch.verdicts[key] = sorted(set(remarks))
        return sketch.verdicts[key]

    def _subjects(self, sketch: Sketch, page: Page) -> Iterator[tuple[str, Any, str]]:
        yield "stream", sketch.stream, ""
        for image in sketch.inline:
            yield "image", image, "an inline image"
        for label, space in sorted(sketch.spaces, key=lambda pair: (pair[0], pair[1].label)):
            self.spots.update(ink for one in space.lineage() for ink in one.inks)
            yield "space", space, label
        for placement in sketch.placements:
            resolution = coarsest(placement)[0]
            if resolution is not None and (self.lowest is None or resolution < self.lowest):
                self.lowest = resolution
            number = placement.image.key[0]
            yield "placement", placement, f"image object {number}" if number else "an inline image"
        for paint in sketch.paints:
            ink = total_ink(paint.space, paint.values)
            if ink is not None and (self.heaviest is None or ink > self.heaviest):
                self.heaviest = ink
            yield "paint", paint, ""
        for stroke in sketch.strokes:
            yield "stroke", stroke, ""
        if page.trim is not None and page.bleed is not None:
            edge = meet(page.bleed, page.media) if page.media else page.bleed
            for what, box in sketch.marks:
                yield "mark", Mark(what, box, page.trim, edge), ""
        if page.trim is not None:
            for box in sketch.registration:
                yield "registration", Registration(box, page.trim), ""

    def summary(self) -> Facts:
        return Facts(
            size=self.simple.get("size", 0),
            version=self.simple.get("version", ""),
            pages=len(self.keys),
            pieces=self.view.pieces,
            records=self.simple.get("records"),
            title=self.simple.get("title", ""),
            standard=self.simple.get("standard", ""),
            condition=self.simple.get("condition", ""),
            trims=tuple(self.trims),
            fonts=tuple(sorted(self.fonts)),
            spots=tuple(sorted(self.spots)),
            lowest_ppi=None if self.lowest is None else round(self.lowest, 1),
            highest_ink=None if self.heaviest is None else round(self.heaviest, 1),
            objects=dict(sorted(self.ledger.counts.items())),
        )
