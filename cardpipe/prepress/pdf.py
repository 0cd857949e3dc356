"""The door to the PDF object library: an artist's page becomes a form that a whole batch shares."""

from __future__ import annotations

import io
import zlib
from decimal import Decimal
from functools import lru_cache
from typing import Any

import pikepdf
from pikepdf import Array, Dictionary, Name, Object, Stream

from cardpipe.model.errors import Refused
from cardpipe.model.finding import Finding, error
from cardpipe.model.units import Size, num
from cardpipe.prepress.fragment import Head, Part

#: Nothing of these survives in art: they act, hide or belong to a page that no longer is one.
_DROPPED = {
    "/Parent", "/Metadata", "/PieceInfo", "/StructParents", "/StructParent", "/OC", "/AA", "/A", "/LastModified",
}  # fmt: skip
_MAX_OBJECTS = 20_000


def art_parts(data: bytes, media: Size, where: str) -> list[Part]:
    """One page of art as a form XObject (the first part) with everything that it needs.

    The page must be exactly the format's flat size with bleed, and be one page. Art that is transparent becomes a group
    of its own, so that it is blended by itself first, as its artist saw it, and then laid down as a whole.
    Raises Refused with every finding.
    """
    return list(_art_parts(data, media, where))


@lru_cache(maxsize=4)  # both sides of a design stand in every file of its batch
def _art_parts(data: bytes, media: Size, where: str) -> tuple[Part, ...]:
    with _opened(data, where) as document:
        findings = _judge(document, media, where)
        if findings:
            raise Refused(f"{where} cannot be used", findings)
        page = document.pages[0]
        page.contents_coalesce()
        walker = _Walker(where)
        resources = page.obj.get("/Resources", Dictionary())
        content = page.obj.Contents.read_bytes() if "/Contents" in page.obj else b""
        form = document.make_stream(content)
        form.Resources = resources
        box = f"/BBox [0 0 {num(media.width)} {num(media.height)}]"
        group = _group(page.obj) if _blends(resources) else None
        return tuple(walker.form(form, f"/Type /XObject /Subtype /Form /FormType 1 {box}", group))


def is_transparent(data: bytes, where: str = "art") -> bool:
    """Whether any page has something in its resources that blends: a soft mask, an alpha below 1, a blend mode, a
    transparency group within. The page's own group alone mixes nothing. Raises Refused for what is no PDF."""
    with _opened(data, where) as document:
        return any(_blends(page.obj.get("/Resources")) for page in document.pages)


def _opened(data: bytes, where: str) -> pikepdf.Pdf:
    try:
        return pikepdf.open(io.BytesIO(data))
    except pikepdf.PdfError as problem:
        raise Refused(f"{where} is no readable PDF", [error("design.art.damaged", where, str(problem)[:120])]) from None


def _group(page: Object) -> Dictionary:
    """The transparency group of art that was a page: isolated, as a page is (ISO 32000-1, 11.4.7). It blends in the
    page's own space where that has four inks, and in the press's otherwise; it knocks out where the page did."""
    found = page.get("/Group")
    own = found if isinstance(found, Dictionary) else Dictionary()
    space = own.get("/CS")
    profile = space[1] if isinstance(space, Array) and len(space) == 2 and space[0] == Name.ICCBased else None
    inks = isinstance(profile, Stream) and profile.get("/N") == 4
    group = Dictionary(S=Name.Transparency, CS=space if inks else Name.DeviceCMYK, I=True)
    knockout: Any = own.get("/K")
    if knockout is True:
        group.K = True
    return group


def _blends(resources: Any) -> bool:
    """Whether anything that these resources name, or what that names in turn, is transparent (ISO 32000-1, 11.1)."""
    waiting, seen = [resources], set()
    while waiting:
        found = waiting.pop()
        if not isinstance(found, Dictionary) or (found.is_indirect and found.objgen in seen):
            continue
        seen.add(found.objgen)
        if any(_state_blends(state) for state in _values(found, "/ExtGState")):
            return True
        for target in _values(found, "/XObject"):
            if isinstance(target.get("/SMask"), Stream) or target.get("/SMaskInData", 0) != 0 or _is_group(target):
                return True
            waiting.append(target.get("/Resources"))
        for pattern in _values(found, "/Pattern"):
            if _state_blends(pattern.get("/ExtGState")):
                return True
            waiting.append(pattern.get("/Resources"))
        waiting += [font.get("/Resources") for font in _values(found, "/Font")]  # a Type 3 font draws
    return False


def _values(resources: Dictionary, kind: str) -> list[Any]:
    """The dictionaries and streams of one kind that resources name."""
    named = resources.get(kind)
    if not isinstance(named, Dictionary):
        return []
    return [value for _, value in named.items() if isinstance(value, Dictionary | Stream)]


def _state_blends(state: Any) -> bool:
    if not isinstance(state, Dictionary):
        return False
    mode = state.get("/BM", Name.Normal)
    first = next(iter(mode), Name.Normal) if isinstance(mode, Array) else mode
    opaque = all(_at_least_one(state.get(alpha, 1)) for alpha in ("/ca", "/CA"))
    return not opaque or first not in (Name.Normal, Name.Compatible) or isinstance(state.get("/SMask"), Dictionary)


def _at_least_one(alpha: Any) -> bool:
    """An alpha that is no number is taken for a thin one."""
    return isinstance(alpha, int | float | Decimal) and alpha >= 1


def _is_group(form: Any) -> bool:
    group = form.get("/Group")
    return isinstance(group, Dictionary) and group.get("/S") == Name.Transparency


def _judge(document: pikepdf.Pdf, media: Size, where: str) -> list[Finding]:
    findings: list[Finding] = []
    if len(document.pages) != 1:
        findings.append(error("design.art.pages", where, f"has {len(document.pages)} pages", "save one page a side"))
    if document.is_encrypted:
        findings.append(error("design.art.encrypted", where, "is encrypted", "save it without a password"))
    if not findings:
        page = document.pages[0]
        x0, y0, x1, y1 = (float(v) for v in page.mediabox)
        if abs(x0) > 0.05 or abs(y0) > 0.05 or abs(x1 - media.width) > 0.5 or abs(y1 - media.height) > 0.5:
            wanted = f"{num(media.width)} × {num(media.height)} pt"
            findings.append(
                error(
                    "design.art.size", where, f"is {num(x1 - x0)} × {num(y1 - y0)} pt from {num(x0)}, {num(y0)}",
                    f"make the page {wanted} (flat card with bleed), starting at 0, 0",
                )
            )  # fmt: skip
    return findings


class _Walker:
    """Follows references from the form; each object becomes one part, in the order of first sight."""

    def __init__(self, where: str) -> None:
        self._where = where
        self._parts: list[Part] = []
        self._seen: dict[tuple[int, int], int] = {}

    def form(self, stream: Stream, entries: str, group: Dictionary | None = None) -> list[Part]:
        """The form first, then all it leans on; with its group, where it is transparent."""
        self._parts.append(Part([]))
        head: Head = [f"<< {entries}"]
        if group is not None:
            head.append(" /Group ")
            self._tokens(group, head)
        head.append(" /Resources ")
        self._tokens(stream.Resources, head)
        body = stream.read_bytes()
        self._parts[0] = _deflated(head, body)
        self._parts[0].transparent = group is not None
        return self._parts

    def _place(self, obj: Object) -> int:
        key = obj.objgen
        if key in self._seen:
            return self._seen[key]
        place = self._seen[key] = len(self._parts)
        if place > _MAX_OBJECTS:
            raise Refused(
                f"{self._where} is too complicated",
                [error("design.art.objects", self._where, f"holds over {_MAX_OBJECTS} objects", "simplify the art")],
            )
        self._parts.append(Part([]))
        head: Head = []
        if isinstance(obj, Stream):
            self._stream(obj, place)
        else:
            self._tokens(obj, head, top=True)
            self._parts[place] = Part(head)
        return place

    def _stream(self, obj: Stream, place: int) -> None:
        head: Head = ["<<"]
        raw = obj.read_raw_bytes()
        for key, value in _entries(obj):
            if key not in ("/Length",):
                head.append(f" {key} ")
                self._tokens(value, head)
        head.append(f" /Length {len(raw)} >>")
        self._parts[place] = Part(head, raw)

    def _tokens(self, obj: Any, head: Head, top: bool = False) -> None:
        if isinstance(obj, Object) and obj.is_indirect and not top:
            head.append(self._place(obj))
        elif isinstance(obj, Array):
            head.append("[")
            for item in obj:
                self._tokens(item, head)
                head.append(" ")
            head.append("]")
        elif isinstance(obj, Dictionary):
            head.append("<<")
            for key, value in _entries(obj):
                head.append(f" {key} ")
                self._tokens(value, head)
            head.append(" >>")
        else:
            head.append(_plain(obj))


def _plain(obj: Any) -> str:
    """A name, string, number, boolean or null as PDF writes it."""
    if isinstance(obj, Object):
        return obj.unparse().decode("latin-1")
    if obj is None:
        return "null"
    if isinstance(obj, bool):
        return "true" if obj else "false"
    return str(obj) if isinstance(obj, int) else f"{float(obj):.6f}".rstrip("0").rstrip(".")


def _entries(obj: Any) -> list[tuple[str, Any]]:
    return [(str(key), obj[key]) for key in sorted(obj.keys()) if key not in _DROPPED]


def _deflated(head: Head, body: bytes) -> Part:
    packed = zlib.compress(body, 9)
    head.append(f" /Filter /FlateDecode /Length {len(packed)} >>")
    return Part(head, packed)
