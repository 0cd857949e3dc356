"""Reads the tree of document parts, the records of PDF/VT-1 (ISO 16612-2; ISO 32000-2, 14.12), as plain values."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from cardpipe.preflight.document import Document, Excess, Node
from cardpipe.preflight.report import span
from cardpipe.preflight.subjects import Key, Part, Records

_DEEPEST = 32
_NESTED = 28
_TOLD = 8
_XML_NAME = re.compile(r"[A-Za-z_:\u00c0-\ufffd][-.\w:]*$")


def read(document: Document, pages: list[Key], links: list[Key]) -> tuple[Records, list[Part]] | None:
    """The tree and its parts, or None where the catalog names none. ``pages`` are the pages' object numbers in reading
    order and ``links`` those of the part that each page names as its own.

    Raises Excess for a tree that has more parts than its pages could need, or no end.
    """
    entry = document.catalog.get("DPartRoot")
    return _Reader(entry, pages, links).read() if document.catalog.has("DPartRoot") else None


@dataclass(slots=True)
class _Reader:
    root: Node
    pages: list[Key]
    links: list[Key]
    parts: list[Part] = field(default_factory=list)
    depths: list[int] = field(default_factory=list)
    order: list[str] = field(default_factory=list)
    strays: list[int] = field(default_factory=list)
    seen: set[Key] = field(default_factory=set)
    due: int = 1
    places: dict[Key, int] = field(default_factory=dict)

    def read(self) -> tuple[Records, list[Part]]:
        self.places = {key: number for number, key in enumerate(self.pages, 1)}
        node = self.root.get("DPartRootNode")
        if node.is_dict:
            self._walk(node)
        if self.due <= len(self.pages):
            self.order.append(f"{span(list(range(self.due, len(self.pages) + 1)))} at the end: covered by no leaf")
        names = self.root.get("NodeNameList")
        written = tuple(one.name for one in names) if names.is_array else None
        records = Records(
            root=tuple(self._faults_of_root(node)),
            names=written,
            record_level=self.root.get("RecordLevel").number,
            depth=self.depths[0] if self.depths else 0,
            uneven=len(set(self.depths)) > 1,
            leaves=len(self.depths),
            order=tuple(self.order[:_TOLD]),
            strays=tuple(self.strays),
        )
        return records, self.parts

    def _faults_of_root(self, node: Node) -> Iterator[str]:
        if not self.root.is_dict:
            yield "/DPartRoot is no dictionary"
            return
        if self.root.key == (0, 0):
            yield "/DPartRoot is written directly, not as a reference"
        if self.root.get("Type").name not in ("", "DPartRoot"):
            yield f"/DPartRoot is of /Type /{self.root.get('Type').name}"
        if not node.is_dict or node.key == (0, 0):
            yield "/DPartRootNode refers to no document part"

    def _walk(self, node: Node) -> None:
        """Every part, depth first: the order of the leaves is the order of their pages."""
        self.seen.add(node.key)
        waiting = [(node, self.root.key, 1)]
        most = 8 * len(self.pages) + 1000
        while waiting:
            part, above, depth = waiting.pop()
            if depth > _DEEPEST or len(self.parts) > most:
                raise Excess("the tree of document parts is deeper or larger than its pages could need")
            faults, children = self._shape(part, above), []
            leaf = not part.has("DParts")
            if leaf:
                self.depths.append(depth)
            else:
                children = self._children(part, faults)
            pages = self._cover(part) if leaf else None
            self.parts.append(Part(part.key, tuple(faults), pages, part.has("End"), _metadata(part)))
            waiting += [(child, part.key, depth + 1) for child in reversed(children)]

    def _shape(self, part: Node, above: Key) -> list[str]:
        faults = []
        if part.get("Type").name not in ("", "DPart"):
            faults.append(f"is of /Type /{part.get('Type').name}")
        if part.get("Parent").key != above or above == (0, 0):
            faults.append("/Parent does not point to the part above it")
        if part.has("DParts") == part.has("Start"):
            faults.append("has both /DParts and /Start" if part.has("Start") else "has neither /DParts nor /Start")
        return faults

    def _children(self, part: Node, faults: list[str]) -> list[Node]:
        found: list[Node] = []
        rows = part.get("DParts")
        if not rows.is_array or not len(rows):
            faults.append("/DParts is no array, or an empty one")
        elif not all(row.is_array for row in rows):
            faults.append("/DParts is an array of parts; it must be an array of arrays of parts")
        for row in rows:
            found += row if row.is_array else [row]
        good: list[Node] = []
        for child in found:
            if not child.is_dict or child.key == (0, 0):
                faults.append("/DParts holds something that refers to no document part")
            elif child.key in self.seen:
                faults.append(f"/DParts names object {child.key[0]} a second time")
            else:
                self.seen.add(child.key)
                good.append(child)
        return good

    def _cover(self, leaf: Node) -> int | None:
        """How many pages a leaf covers; notes where they do not follow those of the leaf before."""
        first = self.places.get(leaf.get("Start").key)
        last = self.places.get(leaf.get("End").key) if leaf.has("End") else first
        where = f"document part, object {leaf.key[0]}"
        if first is None or last is None or last < first:
            self.order.append(f"{where}: /Start and /End name no run of the file's pages")
            return None
        if first != self.due:
            self.order.append(f"{where}: begins at page {first}; page {self.due} is next")
        self.strays += [number for number in range(first, last + 1) if self.links[number - 1] != leaf.key]
        self.due = max(self.due, last + 1)
        return last - first + 1


def _metadata(part: Node) -> tuple[str, ...] | None:
    """What is wrong with a part's metadata; None where it has none."""
    if not part.has("DPM"):
        return None
    entry = part.get("DPM")
    if not entry.is_dict or entry.is_stream:
        return ("/DPM is no dictionary",)
    return tuple(dict.fromkeys(_illegal(entry, "DPM", 0)))[:_TOLD]


def _illegal(value: Node, where: str, depth: int) -> Iterator[str]:
    """Values that are neither text, date, number, boolean, array nor dictionary (ISO 16612-2, metadata)."""
    if depth > _NESTED:
        yield f"{where} nests deeper than {_NESTED}"
    elif value.is_stream:
        yield f"{where} is a stream"
    elif value.is_dict:
        for key, inner in value.items():
            if not _XML_NAME.match(key):
                yield f"{where} has a key that is no XML name"
            yield from _illegal(inner, f"{where}/{key}", depth + 1)
    elif value.is_array:
        for inner in value:
            yield from _illegal(inner, f"{where}[]", depth + 1)
    elif value.name:
        yield f"{where} is a name"
    elif not value.is_string and value.number is None and value.truth is None:
        yield f"{where} is null, or of a type that does not belong there"
