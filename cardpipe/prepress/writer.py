"""A print file as it is written, object by object: numbers, offsets, what is shared, page tree, metadata, the end.

The merge of cards and the merge of press sheets both write through it. Memory holds offsets, never pages. Bytes that a
fragment already deflated are copied. What makes the file PDF/X-4 (ISO 15930-7) or PDF/X-1a (ISO 15930-4) is written
here, last, because every way of merging loses it.
"""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from cardpipe.model.errors import Bug
from cardpipe.model.units import Box, Size
from cardpipe.prepress.content import Names, content
from cardpipe.prepress.embed import Subset, font_parts, profile_parts, spot_parts
from cardpipe.prepress.font import Font
from cardpipe.prepress.fragment import Fragment, FragmentPage, Head, Part, collect_glyphs, page_boxes
from cardpipe.prepress.outlet import Outlet
from cardpipe.prepress.outlet import Sink as Sink
from cardpipe.prepress.page import Mark, Slot
from cardpipe.prepress.pagetree import PageTree
from cardpipe.prepress.xmp import Stamp, info_dictionary, literal, xmp_packet

_END = b"\nendstream\nendobj\n"
_XREF_ROWS = 4096  # written at a time
_XREF_LIMIT = 9_999_999_999  # a classic table has ten figures an offset (ISO 32000-1, 7.5.4)
#: Without it each RIP picks the space in which transparent colours mix (ISO 32000-1, 11.6.6).
_BLEND = " /Group << /S /Transparency /CS /DeviceCMYK /I true >>"


@dataclass(frozen=True, slots=True)
class Shared:
    """How the merge gets what a batch shares, by symbolic key; and how it takes of a font what the file prints."""

    art: Callable[[str], list[Part]]
    font: Callable[[str], tuple[Font, str]]
    icc: Callable[[str], bytes]
    subset: Subset = Font.subset


#: The marks for an open slot of a page; an empty tuple leaves it blank.
Fill = Callable[[FragmentPage, Slot], tuple[Mark, ...]]


class Writer:
    """One print file being written. Use: construct, ``bring`` objects and write each ``page`` in order, ``finish``."""

    def __init__(self, sink: Sink, shared: Shared, stamp: Stamp) -> None:
        self._out = Outlet(sink)
        self._put = self._out.put
        self._shared = shared
        self._stamp = stamp
        self._offsets = array("Q", [0])
        self._names: dict[str, int] = {}  # symbolic key, or key of equal objects → object number
        self._todo: dict[str, int] = {}  # symbolic keys still to be written
        self._spots: dict[str, str] = {}
        self._glyphs: dict[str, dict[int, str]] = {}
        self._blended: set[str] = set()  # keys of art that is transparent
        self._digest = hashlib.sha256()
        self._catalog, self._info = self.number(), self.number()
        self._tree = PageTree(self.number, self.object)
        self._put(b"%%PDF-%s\n%%\xe2\xe3\xcf\xd3\n" % (b"1.4" if stamp.output == "X-1a" else b"1.6"))

    @property
    def pages(self) -> int:
        """How many are written."""
        return self._tree.pages

    def number(self) -> int:
        """The number of an object that will be written."""
        self._offsets.append(0)
        return len(self._offsets) - 1

    def name(self, key: str) -> int:
        """The object number of something shared; it is written at the end, once."""
        if key not in self._names:
            self._names[key] = self._todo[key] = self.number()
        return self._names[key]

    def object(self, number: int, head: Head, stream: bytes | None = None, numbers: Sequence[int] = ()) -> None:
        """Write an object; ``numbers`` are those of the neighbours that its head names by place."""
        start = self._head(number, head, numbers)
        if stream is None:
            self._put(start + b"endobj\n")
        else:
            self._digest.update(stream)
            self._put(b"".join([start, b"stream\n", stream, _END]))

    def copy(self, fragment: Fragment, place: int, number: int, head: Head, numbers: Sequence[int] = ()) -> None:
        """Write a fragment's stream as it is stored, under this head. The fragment tells its digest, so that it need
        not be made once more."""
        self._digest.update(fragment.digest(place).encode())
        self._put(self._head(number, head, numbers) + b"stream\n")
        fragment.copy(place, self._out)
        self._put(_END)

    def bring(self, fragment: Fragment, places: Iterable[int]) -> list[int]:
        """Write those objects of a fragment that the file does not have yet. The numbers of all its objects, by place;
        0 for one that was not asked for. Raises Bug for a fragment of another output standard."""
        if fragment.output != self._stamp.output:
            raise Bug(f"a fragment for {fragment.output} came to a file for {self._stamp.output}; compose it again")
        numbers = [0] * len(fragment.objects)
        fresh: list[int] = []
        for place in places:
            key = fragment.objects[place].get("key")
            known = self._names.get(key) if key else None
            if known is None:
                known = self.number()
                fresh.append(place)
                if key:
                    self._names[key] = known
            numbers[place] = known
        for place in fresh:
            entry = fragment.objects[place]
            if "stream" in entry:
                self.copy(fragment, place, numbers[place], entry["head"], numbers)
            else:
                self.object(numbers[place], entry["head"], None, numbers)
        for font, glyphs in fragment.glyphs.items():
            self._glyphs.setdefault(font, {}).update(glyphs)
        return numbers

    def xobjects(self, page: FragmentPage, numbers: Sequence[int]) -> tuple[dict[str, int], bool]:
        """What a page paints, by resource name, and whether any of it is transparent. Art is written when first met:
        only then is it known whether its pages blend."""
        found: dict[str, int] = {}
        blended = False
        for name, ref in page.xobjects.items():
            if isinstance(ref, int):
                found[name] = numbers[ref]
                continue
            if ref not in self._names:
                self._art(ref)
            found[name] = self._names[ref]
            blended = blended or ref in self._blended
        return found, blended

    def _art(self, key: str) -> None:
        number = self._names[key] = self.number()
        parts = self._parts_of(key)
        if any(part.transparent for part in parts):
            if self._stamp.output == "X-1a":
                raise Bug("art with transparency came to a file for X-1a, which has none; flatten the art")
            self._blended.add(key)
        self._bundle(number, parts)

    def printed(self, marks: Sequence[Mark], names: Names) -> bytes:
        """The operators of marks that the merge itself adds, with their glyphs noted."""
        if not marks:
            return b""
        collect_glyphs(list(marks), self._glyphs)
        body = content(marks, names)
        if names.pictures or names.arts:
            raise Bug("a slot holds printed marks only")
        return body

    def resources(self, xobjects: Mapping[str, int], names: Names) -> str:
        """A resource dictionary."""
        groups = {
            "XObject": xobjects,
            "Font": {name: self.name(key) for name, key in names.fonts.items()},
            "ColorSpace": {name: self.name(key) for name, key in names.spaces.items()},
        }
        written = [
            f"/{kind} << {' '.join(f'/{name} {number} 0 R' for name, number in sorted(entries.items()))} >> "
            for kind, entries in groups.items()
            if entries
        ]
        return f"/Resources << {''.join(written)}>>"

    def page(self, size: Size, trim: Box, resources: str, contents: str, blended: bool, more: str = "") -> int:
        """Write a page and hang it into the tree; its number. ``blended`` pages say in which colours they mix."""
        number = self.number()
        parent = self._tree.hang(number)
        group = _BLEND if blended else ""
        boxes = page_boxes(size, trim)
        head = f"<< /Type /Page /Parent {parent} 0 R {boxes} {resources} /Contents {contents}{group}{more} >>"
        self.object(number, [head])
        return number

    def finish(self, more: str = "") -> None:
        """Write what is shared, the page tree, the metadata and the cross-reference; ``more`` goes into the catalog."""
        stamp = self._stamp
        intent = self.name("icc:" + stamp.intent_digest)
        while self._todo:
            key, number = next(iter(self._todo.items()))
            del self._todo[key]
            self._bundle(number, self._parts_of(key))
        pages = self._tree.finish()
        if stamp.output == "X-4":  # PDF/X-1a is PDF 1.4, says all in Info, and knows none of these preferences
            xmp = self.number()
            packet = xmp_packet(stamp)
            self.object(xmp, [f"<< /Type /Metadata /Subtype /XML /Length {len(packet)} >>"], packet)
            viewer = f"/ViewerPreferences << /Duplex /{stamp.duplex} /PrintScaling /None >>"
            more = f" /Metadata {xmp} 0 R {viewer}{more}"
        self.object(self._info, [info_dictionary(stamp)])
        self.object(
            self._catalog,
            [
                f"<< /Type /Catalog /Pages {pages} 0 R /PageLayout /SinglePage{more} "
                f"/OutputIntents [<< /Type /OutputIntent /S /GTS_PDFX "
                f"/OutputConditionIdentifier {literal(stamp.condition)} /RegistryName (http://www.color.org) "
                f"/Info {literal(stamp.condition_info)} /DestOutputProfile {intent} 0 R >>] >>"
            ],
        )
        self._trailer()

    def _head(self, number: int, head: Head, numbers: Sequence[int]) -> bytes:
        """The beginning of an object at the place where the file has got to."""
        if self._out.at > _XREF_LIMIT:
            raise Bug("a print file grew beyond 10 GB; lower the press's limit of bytes a file")
        self._offsets[number] = self._out.at
        text = head[0] if len(head) == 1 else ""
        if not isinstance(text, str) or not text:
            text = "".join([self._token(token, numbers) for token in head])
        start = f"{number} 0 obj\n{text}\n".encode("latin-1")
        self._digest.update(start)
        return start

    def _token(self, token: str | int | list[str], numbers: Sequence[int]) -> str:
        if isinstance(token, str):
            return token
        return f"{_there(numbers[token]) if isinstance(token, int) else self.name(token[0])} 0 R"

    def _bundle(self, number: int, parts: Sequence[Part]) -> None:
        numbers = [number] + [self.number() for _ in parts[1:]]
        for own, part in zip(numbers, parts, strict=True):
            self.object(own, part.head, part.stream, numbers)

    def _parts_of(self, key: str) -> Sequence[Part]:
        kind, _, digest = key.partition(":")
        if kind == "art":
            return self._shared.art(digest)
        if kind == "icc":
            return profile_parts(self._shared.icc(digest))
        if kind == "font":
            font, name = self._shared.font(digest)
            return font_parts(font, name, self._glyphs[key], self._shared.subset)
        if kind == "spot":
            if self._spots.setdefault(digest.partition(":")[2], key) != key:
                raise Bug("a spot colour is mixed in two ways in one file")
            return spot_parts(digest)
        raise Bug(f"nothing is known of {kind!r} in a fragment")

    def _trailer(self) -> None:
        start = self._out.at
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
        self._out.flush()


def _there(number: int) -> int:
    if not number:
        raise Bug("an object leans on one that was not copied")
    return number
