"""Press sheets: pages of many pieces on one side of a large sheet, each as a form, as ``imposition`` laid them out.

A page's stored content is copied as it is; the slots are filled on the sheet itself, moved and turned with their page.
Pictures and what the batch shares are written once a file. Sheets carry no records: a press cuts them apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

from cardpipe.model.errors import Bug
from cardpipe.model.units import Box, Points, Size, num
from cardpipe.prepress.content import Names
from cardpipe.prepress.fragment import Fragment, FragmentPage, Head, flate
from cardpipe.prepress.page import Mark
from cardpipe.prepress.writer import Fill, Shared, Sink, Writer
from cardpipe.prepress.xmp import Stamp


@dataclass(frozen=True, slots=True)
class PlacedPage:
    """One page of a fragment on a side of a sheet. ``x``, ``y`` is where the lower left of its media box lies, bleed
    included; ``turned`` by 180° about the middle of that box, which stays where it is. The fragment's file must stay
    open until the side is written."""

    fragment: Fragment
    page: int
    x: Points
    y: Points
    turned: bool
    fill: Fill


def placed_box(placed: PlacedPage, box: Box) -> Box:
    """Where a box of the page, such as a slot's, lies on the sheet."""
    return _landed(placed, placed.fragment.pages[placed.page].size, box)


class SheetMerge:
    """One file of press sheets being written. Use: construct, add each ``side`` in printing order, ``finish``."""

    def __init__(self, sink: Sink, shared: Shared, stamp: Stamp) -> None:
        if stamp.records:
            raise Bug("records (PDF/VT-1) belong to a file of single cards, not to press sheets")
        self._writer = Writer(sink, shared, stamp)

    @property
    def pages(self) -> int:
        """How many sides are written."""
        return self._writer.pages

    def side(self, size: Size, trim: Box, placed: Sequence[PlacedPage], marks: Sequence[Mark]) -> None:
        """Write one side of a sheet: its MediaBox and BleedBox are ``size``; ``marks`` lie on top of all.

        Raises Bug for a card that would not lie on the sheet whole, and for two that would be cut from one place.
        """
        writer, names = self._writer, Names()
        pages = [(one, one.fragment.pages[one.page]) for one in placed]
        _judge(size, [_landed(one, page.size, page.trim) for one, page in pages])
        forms: dict[str, int] = {}
        parts: list[bytes] = []
        blended = False
        for place, (one, page) in enumerate(pages):
            name = f"C{place}"
            forms[name], blends = self._form(one.fragment, page)
            blended = blended or blends
            filled = writer.printed([mark for slot in page.slots for mark in one.fill(page, slot)], names)
            parts.append(f"q {_matrix(one, page.size)} cm /{name} Do\n".encode() + filled + b"Q\n")
        parts.append(writer.printed(marks, names))
        part = flate([""], b"".join(parts))
        contents = writer.number()
        writer.object(contents, part.head, part.stream)
        writer.page(size, trim, writer.resources(forms, names), f"{contents} 0 R", blended)

    def finish(self) -> None:
        """Write what is shared, the page tree, the metadata and the cross-reference."""
        self._writer.finish()

    def _form(self, fragment: Fragment, page: FragmentPage) -> tuple[int, bool]:
        """A page as a form with its stored content: its number, and whether it is transparent."""
        writer = self._writer
        numbers = writer.bring(fragment, [ref for ref in page.xobjects.values() if isinstance(ref, int)])
        xobjects, blended = writer.xobjects(page, numbers)
        resources = writer.resources(xobjects, Names(fonts=page.fonts, spaces=page.spaces))
        box = f"[0 0 {num(page.size.width)} {num(page.size.height)}]"
        entries = f"<< /Type /XObject /Subtype /Form /FormType 1 /BBox {box} {resources}"
        first, *rest = fragment.objects[page.contents]["head"]
        if not first.startswith("<<"):
            raise Bug("a page's content does not begin with a dictionary")
        head: Head = [entries + first[2:], *rest]
        form = writer.number()
        writer.copy(fragment, page.contents, form, head, numbers)
        return form, blended


def _judge(size: Size, cuts: list[Box]) -> None:
    sheet = Box(0, 0, size.width, size.height)
    if not all(sheet.contains(cut) for cut in cuts):
        raise Bug(f"a card lies beyond the sheet of {num(size.width)} × {num(size.height)} pt")
    if any(one.overlaps(other) for one, other in combinations(cuts, 2)):
        raise Bug("two cards lie upon each other on a sheet")


def _landed(placed: PlacedPage, size: Size, box: Box) -> Box:
    if placed.turned:
        x, y = placed.x + size.width - box.right, placed.y + size.height - box.top
    else:
        x, y = placed.x + box.x, placed.y + box.y
    return Box(x, y, box.width, box.height)


def _matrix(placed: PlacedPage, size: Size) -> str:
    """The page's coordinates onto the sheet's (ISO 32000-1, 8.3.4)."""
    if placed.turned:
        return f"-1 0 0 -1 {num(placed.x + size.width)} {num(placed.y + size.height)}"
    return f"1 0 0 1 {num(placed.x)} {num(placed.y)}"
