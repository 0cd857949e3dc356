"""The streaming merge: fragments in mail order become one print file, with everything shared written once.

Memory stays flat from 100 to 10,000 pieces (performance.md section 2): ``writer`` keeps offsets, never pages.
"""

from __future__ import annotations

from cardpipe.model.errors import Bug
from cardpipe.prepress.content import Names
from cardpipe.prepress.dpart import Record, RecordTree
from cardpipe.prepress.fragment import Fragment, FragmentPage, slight
from cardpipe.prepress.writer import Fill as Fill
from cardpipe.prepress.writer import Shared as Shared
from cardpipe.prepress.writer import Sink as Sink
from cardpipe.prepress.writer import Writer
from cardpipe.prepress.xmp import Stamp


class Merge:
    """One print file being written. Use: construct, ``add`` each piece in mail order, ``finish``."""

    def __init__(self, sink: Sink, shared: Shared, stamp: Stamp) -> None:
        self._writer = Writer(sink, shared, stamp)
        self._records = RecordTree(self._writer) if stamp.records else None

    @property
    def pages(self) -> int:
        """How many are written."""
        return self._writer.pages

    def add(self, fragment: Fragment, fill: Fill, record: Record | None = None) -> None:
        """Copy one piece's pages; ``fill`` gives the marks for each open slot (an empty tuple leaves it blank).

        A file with records needs a ``record`` for every piece (Bug otherwise); one without leaves it out.
        """
        if self._records and record is None:
            raise Bug("a piece without its record came to a file with records")
        pages = fragment.pages
        if not pages:
            raise Bug("a piece without pages")
        numbers = self._writer.bring(fragment, range(len(fragment.objects)))
        if self._records is None or record is None:
            for page in pages:
                self._page(page, numbers, fill, "")
            return
        leaf = self._records.begin()
        written = [self._page(page, numbers, fill, leaf) for page in pages]
        self._records.end(record, written[0], written[-1])

    def finish(self) -> None:
        """Write what is shared, the page tree, the metadata and the cross-reference."""
        self._writer.finish(self._records.finish() if self._records else "")

    def _page(self, page: FragmentPage, numbers: list[int], fill: Fill, more: str) -> int:
        writer = self._writer
        xobjects, blended = writer.xobjects(page, numbers)
        names = Names(fonts=dict(page.fonts), spaces=dict(page.spaces))
        body = writer.printed([mark for slot in page.slots for mark in fill(page, slot)], names)
        contents = f"{numbers[page.contents]} 0 R"
        if body:
            filled = writer.number()
            part = slight(body)
            writer.object(filled, part.head, part.stream)
            contents = f"[{contents} {filled} 0 R]"
        return writer.page(page.size, page.trim, writer.resources(xobjects, names), contents, blended, more)
