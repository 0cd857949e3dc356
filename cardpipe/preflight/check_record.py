"""Checks of PDF/VT-1 (ISO 16612-2): the tree of document parts that tells a digital press where each piece begins."""

from __future__ import annotations

from collections.abc import Iterator

from cardpipe.preflight import xmp
from cardpipe.preflight.check import View, check
from cardpipe.preflight.report import span
from cardpipe.preflight.subjects import File, Hint, Packet, Part, Records

_VT = "ISO 16612-2:2010"
_TREE = f"{_VT}, document parts; ISO 32000-2, 14.12"
_MERGE = "Let the merge write the records: it knows where each piece begins."
_SCOPES = ("SingleUse", "Record", "File", "Stream", "Global", "Unknown")


@check(
    "vt.presence",
    "file",
    f"{_VT}, document parts; house: press profile",
    _MERGE,
    only="X-4",
    when=lambda file, view: view.profile.records is not None or bool(file.vt),
)
def presence(file: File, view: View) -> Iterator[str]:
    """A press that was promised records addresses pieces by them; another may stop at what it does not know."""
    there, wanted = "DPartRoot" in file.catalog, view.profile.records
    if not there and (wanted or file.vt):
        yield "there are no records (/DPartRoot)" + (f", although the XMP says {file.vt}" if file.vt else "")
    if there and wanted is False:
        yield "there are records (/DPartRoot), and this press takes none"


def _has_records(packet: Packet, view: View) -> bool:
    return packet.records and not packet.trouble


@check("vt.version", "packet", f"{_VT}, identification", _MERGE, only="X-4", when=_has_records)
def vt_version(packet: Packet, view: View) -> Iterator[str]:
    """The version says that the records are meant; its date says that nobody changed the file without them."""
    said = packet.properties.get(f"{xmp.PDFVT_ID}GTS_PDFVTVersion", "")
    if said != "PDF/VT-1":
        yield f"pdfvtid:GTS_PDFVTVersion is {said or 'absent'}, not PDF/VT-1"
    changed = packet.properties.get(f"{xmp.XMP}ModifyDate", "")
    told = packet.properties.get(f"{xmp.PDFVT_ID}GTS_PDFVTModDate", "")
    if not told or told != changed:
        yield f"pdfvtid:GTS_PDFVTModDate is {told or 'absent'}; xmp:ModifyDate is {changed or 'absent'}"


@check("vt.root", "records", _TREE, _MERGE, only="X-4")
def root(records: Records, view: View) -> Iterator[str]:
    """Without a sound root no reader finds the records, and prints the file as if it were one long document."""
    yield from records.root


@check("vt.levels", "records", _TREE, _MERGE, only="X-4", when=lambda records, view: records.leaves > 0)
def levels(records: Records, view: View) -> Iterator[str]:
    """The names and the record's level say which of the levels is a piece: reprinting record 17 counts by them."""
    if records.uneven:
        yield "the leaves do not lie on one level"
    if records.names is None or not all(records.names):
        yield "/NodeNameList is absent, or holds something that is no name"
    elif len(records.names) != records.depth:
        yield f"/NodeNameList has {len(records.names)} names; the tree has {records.depth} levels"
    level = records.record_level
    if level is None or level != int(level) or not 0 <= level < max(records.depth, 1):
        yield f"/RecordLevel is {'absent' if level is None else f'{level:g}'}; the levels count from 0"


@check("vt.tree", "part", _TREE, _MERGE, only="X-4")
def tree(part: Part, view: View) -> Iterator[str]:
    """Readers walk the tree both ways. A flat /DParts, which some writers make, is read as no parts at all."""
    yield from part.faults


@check("vt.pages", "records", _TREE, _MERGE, only="X-4", when=lambda records, view: records.leaves > 0)
def pages(records: Records, view: View) -> Iterator[str]:
    """Every page belongs to one record, in the order of pages; else a reprint by record prints a stranger's card."""
    yield from records.order


@check(
    "vt.end",
    "part",
    _TREE,
    _MERGE,
    only="X-4",
    when=lambda part, view: part.pages is not None,
)
def end(part: Part, view: View) -> Iterator[str]:
    """A leaf of one page has no /End; strict readers refuse the file for it."""
    if part.end and part.pages == 1:
        yield "/End stands on a leaf of one page"


@check("vt.back_link", "records", _TREE, _MERGE, only="X-4")
def back_link(records: Records, view: View) -> Iterator[str]:
    """A press that starts at a page finds its record by the page's own /DPart."""
    if records.strays:
        yield f"{span(list(records.strays))}: /DPart does not point to the leaf that covers the page"


@check(
    "vt.count",
    "records",
    "house",
    "Compare the batch's manifest with the records: a piece is missing or doubled.",
    only="X-4",
    when=lambda records, view: records.leaves > 0 and view.expected_records is not None,
)
def count(records: Records, view: View) -> Iterator[str]:
    """Pieces are counted off against records on the press: one record too few shifts every card behind it."""
    if records.leaves != view.expected_records:
        yield f"there are {records.leaves} records for {view.expected_records} pieces"


@check(
    "vt.metadata",
    "part",
    f"{_VT}, metadata",
    "Write text, dates, numbers, booleans, arrays and dictionaries only.",
    only="X-4",
    when=lambda part, view: part.metadata is not None,
)
def metadata(part: Part, view: View) -> Iterator[str]:
    """Finishing machines read a record's metadata as XML, which knows neither names nor null nor streams."""
    yield from part.metadata or ()


@check("vt.hints", "hint", f"{_VT}, XObject hints", "Correct the hints, or leave them out.", only="X-4")
def hints(hint: Hint, view: View) -> Iterator[str]:
    """A RIP that believes a wrong promise prints what it kept of the last customer's file."""
    if hint.scope is not None and hint.scope not in _SCOPES:
        yield f"/GTS_Scope of the {hint.what} is {hint.scope or 'no name'}; known are {', '.join(_SCOPES)}"
    if hint.scope in ("Stream", "Global") and not hint.env:
        yield f"/GTS_Scope of the {hint.what} is {hint.scope}, and /GTS_Env does not say in which environment"
    if hint.encapsulated and not hint.sealed:
        lacking = "transparency /Group" if hint.what == "form" else "/Intent"
        yield f"the {hint.what} says that it is encapsulated, and has no {lacking}"
