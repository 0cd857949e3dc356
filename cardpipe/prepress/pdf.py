"""The door to the PDF object library: an artist's page becomes a form that a whole batch shares."""

from __future__ import annotations

import io
import zlib
from typing import Any

import pikepdf
from pikepdf import Array, Dictionary, Object, Stream

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

    The page must be exactly the format's flat size with bleed, and be one page. Raises Refused with every finding.
    """
    try:
        document = pikepdf.open(io.BytesIO(data))
    except pikepdf.PdfError as problem:
        raise Refused(f"{where} is no readable PDF", [error("design.art.damaged", where, str(problem)[:120])]) from None
    with document:
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
        return walker.form(form, f"/Type /XObject /Subtype /Form /FormType 1 {box}")


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

    def form(self, stream: Stream, entries: str) -> list[Part]:
        """The form first, then all it leans on."""
        self._parts.append(Part([]))
        head: Head = [f"<< {entries} /Resources "]
        self._tokens(stream.Resources, head)
        body = stream.read_bytes()
        self._parts[0] = _deflated(head, body)
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
