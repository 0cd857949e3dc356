"""Reads the facts of a file and of its pages that need no content stream."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

from cardpipe.model.units import Box
from cardpipe.preflight import xmp
from cardpipe.preflight.colour import Icc
from cardpipe.preflight.document import Damaged, Document, Excess, Node
from cardpipe.preflight.subjects import Annotation, File, Intent, Packet, Page
from cardpipe.preflight.survey import Survey, inherited

_INFO = ("Title", "Creator", "Producer", "CreationDate", "ModDate")
_IDENTITY = ("GTS_PDFXVersion", "GTS_PDFXConformance")
_OUTLINE_LIMIT = 10_000


def ends(stream: BinaryIO) -> tuple[int, bytes, bytes]:
    """Size, first 16 and last 64 bytes of a stream, which is left at its start."""
    size = stream.seek(0, 2)
    stream.seek(max(0, size - 64))
    tail = stream.read(64)
    stream.seek(0)
    head = stream.read(16)
    stream.seek(0)
    return size, head, tail


def info(document: Document) -> tuple[dict[str, str], str]:
    """The Info dictionary's texts, and Trapped: a name with its slash, other values in brackets, empty if absent."""
    node = document.trailer.get("Info")
    texts = {key: node.get(key).text for key in _INFO if node.get(key).is_string}
    trapped = node.get("Trapped")
    if not trapped:
        return texts, ""
    return texts, f"/{trapped.name}" if trapped.name else f"({trapped.text})"


def identity(document: Document) -> dict[str, str]:
    """What Info says of PDF/X: there X-1a and X-3 declare themselves, X-4 does not."""
    node = document.trailer.get("Info")
    return {key: node.get(key).text for key in _IDENTITY if node.has(key)}


def file(document: Document, size: int, head: bytes, tail: bytes, pages: int, vt: str) -> File:
    """The facts of the whole file."""
    catalog, texts = document.catalog, info(document)
    viewer = {key: node.name for key, node in catalog.get("ViewerPreferences").items() if node.name}
    return File(
        size=size,
        header=head,
        ending=tail,
        encrypted=document.encrypted,
        catalog_version=catalog.get("Version").name,
        ids=tuple(one.is_string and bool(one.text) for one in document.trailer.get("ID")),
        info=texts[0],
        trapped=texts[1],
        has_metadata=catalog.get("Metadata").is_stream,
        pages=pages,
        intents=sum(1 for _ in intents(document)),
        catalog=frozenset(catalog.names()),
        names=frozenset(catalog.get("Names").names()),
        outline_actions=_outline_actions(catalog.get("Outlines")),
        viewer=viewer,
        identity=identity(document),
        compressed=document.trailer.get("Type").name == "XRef" or document.trailer.has("XRefStm"),
        vt=vt,
    )


def _outline_actions(outlines: Node) -> int:
    """How many bookmarks carry an action. Raises Excess above 10,000 bookmarks, so a ring of them ends too."""
    count, found, waiting = 0, 0, [outlines.get("First")]
    while waiting:
        node = waiting.pop()
        if not node.is_dict:
            continue
        count += 1
        if count > _OUTLINE_LIMIT:
            raise Excess(f"more than {_OUTLINE_LIMIT} bookmarks, or a ring of them")
        found += node.has("A")
        waiting += [node.get("Next"), node.get("First")]
    return found


def packet(document: Document) -> Packet | None:
    """The catalog's XMP, if there is one."""
    stream = document.catalog.get("Metadata")
    if not stream.is_stream:
        return None
    said, found = "", {}
    try:
        found = xmp.properties(stream.data(xmp.LIMIT))
    except (ValueError, Damaged, Excess) as trouble:
        said = str(trouble)
    return Packet(stream.filters, said, found, *info(document), identity(document), document.catalog.has("DPartRoot"))


def intents(document: Document) -> Iterator[Intent]:
    """The output intents for PDF/X; others may stand beside them."""
    for node in document.catalog.get("OutputIntents"):
        if node.get("S").name != "GTS_PDFX":
            continue
        profile = node.get("DestOutputProfile")
        yield Intent(
            condition=node.get("OutputConditionIdentifier").text,
            registry=node.get("RegistryName").text,
            embedded=profile.is_stream,
            external=node.has("DestOutputProfileRef"),
            icc=Icc.read(profile) if profile.is_stream else None,
        )


def box(node: Node) -> Box | None:
    """A rectangle with its corners in any order, or None for what is none."""
    corners = node.numbers
    if len(corners) != 4:
        return None
    x0, y0, x1, y1 = corners
    return Box(min(x0, x1), min(y0, y1), abs(x1 - x0), abs(y1 - y0))


def page(node: Node, number: int, resources: Node, survey: Survey) -> Page:
    """A page's own dictionary."""
    group = node.get("Group")
    return Page(
        number=number,
        media=box(inherited(node, "MediaBox")),
        crop=box(inherited(node, "CropBox")),
        bleed=box(node.get("BleedBox")),
        trim=box(node.get("TrimBox")),
        art=box(node.get("ArtBox")),
        rotate=inherited(node, "Rotate").number or 0.0,
        user_unit=node.get("UserUnit").number or 1.0,
        group=group.get("S").name == "Transparency",
        blend=survey.blend_space(node, resources.get("ColorSpace")),
        keys=frozenset(node.names()),
    )


def notes(node: Node, page: Page) -> Iterator[Annotation]:
    """The page's annotations, each with the box that it must stay out of."""
    for one in node.get("Annots"):
        yield Annotation(
            kind=one.get("Subtype").name,
            rect=box(one.get("Rect")),
            forbidden=page.bleed or page.trim or page.media,
            action=one.has("A") or one.has("AA"),
        )


def contents(node: Node, limit: int) -> tuple[bytes, tuple[str, ...]]:
    """A page's content streams, decoded and joined, and the filters they were stored with."""
    entry = node.get("Contents")
    streams = [entry] if entry.is_stream else list(entry)
    parts: list[bytes] = []
    filters: dict[str, None] = {}
    left = limit
    for stream in streams:
        parts.append(stream.data(max(left, 1)))
        left -= len(parts[-1])
        filters |= dict.fromkeys(stream.filters)
    return b"\n".join(parts), tuple(filters)
