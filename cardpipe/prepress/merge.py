"""The streaming merge: fragments in mail order become one print file, with everything shared written once.

Memory holds offsets, never pages (67–79 MB flat from 100 to 10,000 pieces where appending whole PDFs took 3.8 GB:
performance.md section 2). Bytes that a fragment already deflated are copied. What makes it PDF/X-4 (ISO 15930-7) is
written here, last, because every way of merging loses it.
"""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from cardpipe.model.errors import Bug
from cardpipe.prepress.content import Names, content
from cardpipe.prepress.embed import font_parts, profile_parts
from cardpipe.prepress.font import Font
from cardpipe.prepress.fragment import Fragment, FragmentPage, Head, Part, collect_glyphs, flate, page_boxes
from cardpipe.prepress.page import Mark, Slot
from cardpipe.prepress.xmp import Stamp, info_dictionary, xmp_packet

_KIDS = 64  # a balanced page tree: a flat one makes readers quadratic (performance.md section 2)
_END = b"\nendstream\nendobj\n"
_XREF_ROWS = 4096  # written at a time
_XREF_LIMIT = 9_999_999_999  # a classic table has ten figures an offset (ISO 32000-1, 7.5.4)


class Sink(Protocol):
    """Where the file goes: bytes are appended, never sought."""

    def write(self, data: bytes, /) -> int: ...


@dataclass(frozen=True, slots=True)
class Shared:
    """How the merge gets what a batch shares, by symbolic key."""

    art: Callable[[str], list[Part]]
    font: Callable[[str], tuple[Font, str]]
    icc: Callable[[str], bytes]


Fill = Callable[[FragmentPage, Slot], tuple[Mark, ...]]


class Merge:
    """One print file being written. Use: construct, ``add`` each piece in mail order, ``finish``."""

    def __init__(self, sink: Sink, shared: Shared, stamp: Stamp) -> None:
        self._sink = sink
        self._shared = shared
        self._stamp = stamp
        self._at = 0
        self._offsets = array("Q", [0])
        self._names: dict[str, int] = {}  # symbolic key, or key of equal objects → object number
        self._todo: dict[str, int] = {}  # symbolic keys still to be written
        self._glyphs: dict[str, dict[int, str]] = {}
        self._nodes: list[tuple[int, int, list[int]]] = []  # page-tree leaves: number, pages below, kids
        self._digest = hashlib.sha256()
        self.pages = 0
        self._catalog, self._root, self._info = self._number(), self._number(), self._number()
        self._put(b"%PDF-1.6\n%\xe2\xe3\xcf\xd3\n")

    def add(self, fragment: Fragment, fill: Fill) -> None:
        """Copy one piece's pages; ``fill`` gives the marks for each open slot (an empty tuple leaves it blank)."""
        numbers: list[int] = []
        fresh: list[int] = []
        for place, entry in enumerate(fragment.objects):
            key = entry.get("key")
            known = self._names.get(key) if key else None
            if known is None:
                known = self._number()
                fresh.append(place)
                if key:
                    self._names[key] = known
            numbers.append(known)
        for place in fresh:
            self._copy(fragment, place, numbers)
        for font, glyphs in fragment.glyphs.items():
            self._glyphs.setdefault(font, {}).update(glyphs)
        for page in fragment.pages:
            self._page(page, numbers, fill)

    def finish(self) -> None:
        """Write what is shared, the page tree, the metadata and the cross-reference."""
        intent = self._name("icc:" + self._stamp.intent_digest)
        while self._todo:
            key, number = next(iter(self._todo.items()))
            del self._todo[key]
            self._bundle(number, self._parts_of(key))
        pages = self._tree()
        xmp = self._number()
        packet = xmp_packet(self._stamp)
        self._object(xmp, [f"<< /Type /Metadata /Subtype /XML /Length {len(packet)} >>"], packet, [])
        self._object(self._info, [info_dictionary(self._stamp)], None, [])
        stamp = self._stamp
        self._object(
            self._catalog,
            [
                f"<< /Type /Catalog /Pages {pages} 0 R /Metadata {xmp} 0 R /PageLayout /SinglePage "
                f"/ViewerPreferences << /Duplex /{stamp.duplex} /PrintScaling /None >> "
                f"/OutputIntents [<< /Type /OutputIntent /S /GTS_PDFX /OutputConditionIdentifier ({stamp.condition}) "
                f"/RegistryName (http://www.color.org) /Info ({stamp.condition_info}) "
                f"/DestOutputProfile {intent} 0 R >>] >>"
            ],
            None,
            [],
        )
        self._trailer()

    # objects

    def _put(self, data: bytes) -> None:
        self._sink.write(data)
        self._at += len(data)

    def _number(self) -> int:
        self._offsets.append(0)
        return len(self._offsets) - 1

    def _name(self, key: str) -> int:
        """The object number of something shared; it is written at the end, once."""
        if key not in self._names:
            self._names[key] = self._todo[key] = self._number()
        return self._names[key]

    def _head(self, number: int, head: Head, numbers: list[int]) -> bytes:
        """The beginning of an object at the place where the file has got to."""
        if self._at > _XREF_LIMIT:
            raise Bug("a print file grew beyond 10 GB; lower the press's limit of bytes a file")
        self._offsets[number] = self._at
        text = "".join(
            token
            if isinstance(token, str)
            else f"{numbers[token]} 0 R"
            if isinstance(token, int)
            else f"{self._name(token[0])} 0 R"
            for token in head
        )
        start = f"{number} 0 obj\n{text}\n".encode("latin-1")
        self._digest.update(start)
        return start

    def _object(self, number: int, head: Head, stream: bytes | None, numbers: list[int]) -> None:
        start = self._head(number, head, numbers)
        if stream is None:
            self._put(start + b"endobj\n")
        else:
            self._digest.update(stream)
            self._put(b"".join([start, b"stream\n", stream, _END]))

    def _copy(self, fragment: Fragment, place: int, numbers: list[int]) -> None:
        """An object of a fragment. A picture's key tells its bytes, so that they need not be digested once more."""
        entry = fragment.objects[place]
        if "key" not in entry or "stream" not in entry:
            stream = fragment.stream(place) if "stream" in entry else None
            self._object(numbers[place], entry["head"], stream, numbers)
            return
        self._digest.update(entry["key"].encode())
        self._put(self._head(numbers[place], entry["head"], numbers) + b"stream\n")
        fragment.copy(place, self._put)
        self._put(_END)

    def _bundle(self, number: int, parts: list[Part]) -> None:
        numbers = [number] + [self._number() for _ in parts[1:]]
        for own, part in zip(numbers, parts, strict=True):
            self._object(own, part.head, part.stream, numbers)

    def _parts_of(self, key: str) -> list[Part]:
        kind, _, digest = key.partition(":")
        if kind == "art":
            return self._shared.art(digest)
        if kind == "icc":
            return profile_parts(self._shared.icc(digest))
        if kind == "font":
            font, name = self._shared.font(digest)
            return font_parts(font, name, self._glyphs[key])
        raise Bug(f"nothing is known of {kind!r} in a fragment")

    # pages

    def _page(self, page: FragmentPage, numbers: list[int], fill: Fill) -> None:
        xobjects = {
            name: numbers[ref] if isinstance(ref, int) else self._name(ref) for name, ref in page.xobjects.items()
        }
        names = Names(fonts=dict(page.fonts))
        marks = [mark for slot in page.slots for mark in fill(page, slot)]
        contents = f"{numbers[page.contents]} 0 R"
        if marks:
            collect_glyphs(marks, self._glyphs)
            part = flate([""], content(marks, names))
            if names.pictures or names.arts:
                raise Bug("a slot holds printed marks only")
            filled = self._number()
            self._object(filled, part.head, part.stream, [])
            contents = f"[{contents} {filled} 0 R]"
        resources = _resources(xobjects, {name: self._name(key) for name, key in names.fonts.items()})
        number = self._number()
        if not self._nodes or len(self._nodes[-1][2]) >= _KIDS:
            self._nodes.append((self._number(), 0, []))
        parent, count, kids = self._nodes[-1]
        kids.append(number)
        self._nodes[-1] = (parent, count + 1, kids)
        boxes = page_boxes(page.size, page.trim)
        head = f"<< /Type /Page /Parent {parent} 0 R {boxes} {resources} /Contents {contents} >>"
        self._object(number, [head], None, [])
        self.pages += 1

    def _tree(self) -> int:
        if not self._nodes:
            raise Bug("a print file without pages")
        level = self._nodes
        while True:
            last = len(level) <= _KIDS
            groups = [level] if last else [level[i : i + _KIDS] for i in range(0, len(level), _KIDS)]
            above: list[tuple[int, int, list[int]]] = []
            for group in groups:
                parent = self._root if last else self._number()
                for number, count, kids in group:
                    self._object(number, [_node(parent, count, kids)], None, [])
                above.append((parent, sum(count for _, count, _ in group), [number for number, _, _ in group]))
            if last:
                number, count, kids = above[0]
                self._object(number, [_node(None, count, kids)], None, [])
                return number
            level = above

    def _trailer(self) -> None:
        start = self._at
        missing = [number for number, offset in enumerate(self._offsets) if number and not offset]
        if missing:
            raise Bug(f"object {missing[0]} was promised and never written")
        self._put(b"xref\n0 %d\n0000000000 65535 f \n" % len(self._offsets))
        for first in range(1, len(self._offsets), _XREF_ROWS):
            self._put(b"".join([b"%010d 00000 n \n" % at for at in self._offsets[first : first + _XREF_ROWS]]))
        name = self._digest.hexdigest()[:32]
        self._put(
            (
                f"trailer\n<< /Size {len(self._offsets)} /Root {self._catalog} 0 R /Info {self._info} 0 R "
                f"/ID [<{name}> <{name}>] >>\nstartxref\n{start}\n%%EOF\n"
            ).encode()
        )


def _node(parent: int | None, count: int, kids: list[int]) -> str:
    up = f"/Parent {parent} 0 R " if parent else ""
    return f"<< /Type /Pages {up}/Count {count} /Kids [{' '.join(f'{kid} 0 R' for kid in kids)}] >>"


def _resources(xobjects: Mapping[str, int], fonts: Mapping[str, int]) -> str:
    def group(name: str, entries: Mapping[str, int]) -> str:
        inside = " ".join(f"/{key} {number} 0 R" for key, number in sorted(entries.items()))
        return f"/{name} << {inside} >> " if entries else ""

    return f"/Resources << {group('XObject', xobjects)}{group('Font', fonts)}>>"
