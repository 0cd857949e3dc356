"""Checks of the file as a whole: container, Info, XMP, output intent."""

from __future__ import annotations

from collections.abc import Iterator

from cardpipe.preflight import xmp
from cardpipe.preflight.check import View, check
from cardpipe.preflight.subjects import File, Intent, Packet

_X4 = "ISO 15930-7:2010"
_PDFX = "ISO 15930-4:2003 and -7:2010"
_WRITER = "Let prepress.pdf finish the file: it stamps header, Info, XMP and output intent together."


def _readable(packet: Packet, view: View) -> bool:
    return not packet.trouble


@check("pdf.version", "file", f"{_X4}, PDF 1.6; ISO 32000-1, 7.5.2", "Write the file with version 1.6.", only="X-4")
def version(file: File, view: View) -> Iterator[str]:
    """PDF/X-4 is PDF 1.6. Press-side checkers bounce a 1.7 header although the content would print."""
    if not file.header.startswith(b"%PDF-1.6"):
        yield f"the file begins with {file.header[:8].decode('latin-1')!r}, not with '%PDF-1.6'"
    if file.catalog_version not in ("", "1.6"):
        yield f"the catalog raises the version to {file.catalog_version}"


@check("pdf.encrypted", "file", f"{_PDFX}, no encryption", "Save the file without any password or permission.")
def encrypted(file: File, view: View) -> Iterator[str]:
    """A RIP cannot ask for a password, and encryption, even with an empty one, is forbidden in PDF/X."""
    if file.encrypted:
        yield "the file is encrypted"


@check("pdf.id", "file", f"{_PDFX}, file identifier; ISO 32000-1, 14.4", _WRITER)
def identifier(file: File, view: View) -> Iterator[str]:
    """The trailer's ID tells two files of one name apart, on the press floor as in a workflow's cache."""
    if len(file.ids) != 2 or not all(file.ids):
        yield "the trailer has no /ID of two strings"


@check("pdf.eof", "file", "ISO 32000-1, 7.5.5", "Write the file anew; check the transfer for a cut-off end.")
def ending(file: File, view: View) -> Iterator[str]:
    """A file that does not end with the marker was cut off on its way, or something was appended to it."""
    if not file.ending.rstrip(b"\r\n").endswith(b"%%EOF"):
        yield "the file does not end with %%EOF"


@check("info.keys", "file", f"{_PDFX}, document information", _WRITER)
def info_keys(file: File, view: View) -> Iterator[str]:
    """Operators find a file by these; PDF/X wants title, dates and makers to be named."""
    missing = [
        key for key in ("Title", "Creator", "Producer", "CreationDate", "ModDate") if not file.info.get(key, "").strip()
    ]
    if missing:
        yield f"Info lacks {', '.join(missing)}"


@check("info.trapped", "file", f"{_PDFX}, Trapped", "Set /Trapped to the name /False (or /True, if it is).")
def trapped(file: File, view: View) -> Iterator[str]:
    """The press must know whether trapping was done; 'Unknown', a string or nothing leaves it to chance."""
    if file.trapped not in ("/True", "/False"):
        yield f"/Trapped is {file.trapped or 'absent'}, neither /True nor /False"


@check("xmp.missing", "file", f"{_X4}, metadata; ISO 32000-1, 14.3.2", _WRITER, only="X-4")
def xmp_missing(file: File, view: View) -> Iterator[str]:
    """X-4 declares itself in XMP and nowhere else: without a packet the file is a plain PDF."""
    if not file.has_metadata:
        yield "the catalog has no /Metadata stream"


@check("intent.count", "file", f"{_PDFX}, output intents", _WRITER)
def intent_count(file: File, view: View) -> Iterator[str]:
    """One output intent says for which printing condition every colour was meant; with none or two nobody knows."""
    if file.intents != 1:
        yield f"the catalog has {file.intents} output intents for PDF/X, not 1"


@check(
    "page.count",
    "file",
    "house",
    "Compare the batch's manifest with the pages: a piece is missing or doubled.",
    when=lambda file, view: view.expected_pages is not None,
)
def page_count(file: File, view: View) -> Iterator[str]:
    """Pages and pieces are counted off against each other by the inserter: one page too few shifts every card."""
    if file.pages != view.expected_pages:
        yield f"the file has {file.pages} pages; the pieces need {view.expected_pages}"


@check("file.interactive", "file", f"{_PDFX}, actions, forms, embedded files", "Remove the named entries.")
def interactive(file: File, view: View) -> Iterator[str]:
    """Scripts, actions, form fields and attachments have no meaning on paper and are a door for malice."""
    found = sorted(file.catalog & {"OpenAction", "AA", "AcroForm", "Collection", "AF", "Requirements"})
    found += sorted(f"Names/{key}" for key in file.names & {"JavaScript", "EmbeddedFiles", "AlternatePresentations"})
    if file.outline_actions:
        found.append(f"actions on {file.outline_actions} bookmarks")
    if found:
        yield f"the file carries {', '.join(found)}"


@check("file.layers", "file", f"{_PDFX}, optional content; house", "Flatten the layers before the file is made.")
def layers(file: File, view: View) -> Iterator[str]:
    """What is switched on differs from program to program, so a layer may or may not be printed."""
    if "OCProperties" in file.catalog:
        yield "the file has layers (/OCProperties)"


@check("file.viewer_areas", "file", f"{_PDFX}, viewer preferences", "Remove these viewer preferences.")
def viewer_areas(file: File, view: View) -> Iterator[str]:
    """ViewArea, PrintArea and their clips could cut the bleed away; only the two outer boxes are allowed."""
    keys = ("ViewArea", "ViewClip", "PrintArea", "PrintClip")
    wrong = [f"{key} {file.viewer[key]}" for key in keys if file.viewer.get(key, "MediaBox") not in _AREAS]
    if wrong:
        yield f"viewer preferences show {', '.join(wrong)}"


_AREAS = ("MediaBox", "BleedBox")


@check("xmp.filtered", "packet", f"{_X4}, metadata stream", "Store the catalog's XMP without /Filter.", only="X-4")
def xmp_filtered(packet: Packet, view: View) -> Iterator[str]:
    """Workflows find the packet by searching the raw bytes of a file; a compressed one is not found."""
    if packet.filters:
        yield f"the XMP stream is stored with {', '.join(packet.filters)}"


@check("xmp.malformed", "packet", "ISO 16684-1, 7", _WRITER)
def xmp_malformed(packet: Packet, view: View) -> Iterator[str]:
    """A packet that no XML parser reads says nothing about the file."""
    if packet.trouble:
        yield f"the XMP packet cannot be read: {packet.trouble}"


@check("xmp.pdfx", "packet", f"{_X4}, identification", _WRITER, when=_readable, only="X-4")
def xmp_pdfx(packet: Packet, view: View) -> Iterator[str]:
    """GTS_PDFXVersion is the one line that makes a file PDF/X-4 to every reader."""
    found, wanted = packet.properties.get(f"{xmp.PDFX_ID}GTS_PDFXVersion", ""), f"PDF/{view.profile.standard}"
    if found != wanted:
        yield f"pdfxid:GTS_PDFXVersion is {found or 'absent'}, not {wanted}"


@check("xmp.dates", "packet", f"{_X4}, metadata", _WRITER, when=_readable, only="X-4")
def xmp_dates(packet: Packet, view: View) -> Iterator[str]:
    """The three dates tell which of two files is the newer, and whether its metadata was changed afterwards."""
    keys = ("CreateDate", "ModifyDate", "MetadataDate")
    missing = [f"xmp:{key}" for key in keys if xmp.xmp_moment(packet.properties.get(xmp.XMP + key, "")) is None]
    if missing:
        yield f"absent or no date: {', '.join(missing)}"


@check("xmp.ids", "packet", f"{_X4}, metadata", _WRITER, when=_readable, only="X-4")
def xmp_ids(packet: Packet, view: View) -> Iterator[str]:
    """DocumentID, VersionID and RenditionClass identify the document across revisions."""
    keys = ("DocumentID", "VersionID", "RenditionClass")
    missing = [f"xmpMM:{key}" for key in keys if not packet.properties.get(xmp.XMP_MM + key)]
    if missing:
        yield f"absent: {', '.join(missing)}"


@check("xmp.title", "packet", f"{_X4}, metadata", _WRITER, when=_readable, only="X-4")
def xmp_title(packet: Packet, view: View) -> Iterator[str]:
    """The title in the default language is what a press console lists."""
    if not packet.properties.get(f"{xmp.DC}title"):
        yield "dc:title has no x-default text"


@check("xmp.agreement", "packet", f"{_X4}, metadata; ISO 32000-1, 14.3", _WRITER, when=_readable, only="X-4")
def xmp_agreement(packet: Packet, view: View) -> Iterator[str]:
    """Some programs read Info and others XMP: where the two differ, two operators see two different files."""
    title, found = packet.info.get("Title", ""), packet.properties.get(f"{xmp.DC}title", "")
    if title and found and title != found:
        yield "Info /Title and dc:title differ"
    for key, name in (("CreationDate", "CreateDate"), ("ModDate", "ModifyDate")):
        left, right = packet.info.get(key, ""), packet.properties.get(xmp.XMP + name, "")
        if left and xmp.xmp_moment(right) and xmp.pdf_moment(left) != xmp.xmp_moment(right):
            yield f"Info /{key} {left} and xmp:{name} {right} are not the same moment"
    declared = packet.properties.get(f"{xmp.PDF}Trapped", "")
    if packet.trapped in ("/True", "/False") and packet.trapped[1:] != declared:
        yield f"Info /Trapped is {packet.trapped} and pdf:Trapped is {declared or 'absent'}"


@check("intent.condition", "intent", f"{_PDFX}, output intents", _WRITER)
def intent_condition(intent: Intent, view: View) -> Iterator[str]:
    """The identifier names the printing condition in the words of the trade, e.g. 'CGATS TR 006'."""
    if not intent.condition.strip():
        yield "OutputConditionIdentifier is empty"
    if intent.registry not in ("", "http://www.color.org", "http://www.color.org/"):
        yield f"RegistryName is {intent.registry!r}; only http://www.color.org registers conditions"


@check(
    "intent.profile",
    "intent",
    f"{_X4}, output intents",
    "Embed the press's ICC profile as DestOutputProfile.",
    only="X-4",
)
def intent_profile(intent: Intent, view: View) -> Iterator[str]:
    """X-4 carries its profile inside; a reference to one elsewhere is X-4p, and a missing one is a guess."""
    if not intent.embedded:
        yield "the output intent embeds no profile" + (" but refers to one outside" if intent.external else "")


@check(
    "intent.class",
    "intent",
    "ICC.1:2010, 7.2",
    "Use a CMYK output profile (class prtr) and write its /N as 4.",
    when=lambda intent, view: intent.icc is not None,
)
def intent_class(intent: Intent, view: View) -> Iterator[str]:
    """Only an output profile of four inks describes our presses; a monitor's or a wrong /N makes a RIP refuse it."""
    icc = intent.icc
    if icc is None:
        return
    if not icc.genuine:
        yield "DestOutputProfile is no ICC profile"
    elif icc.kind != "prtr" or icc.components != 4:
        yield f"the profile is of class {icc.kind!r} with {icc.components} components, not 'prtr' with 4"
    elif icc.declared != icc.components:
        yield f"/N says {icc.declared} and the profile has {icc.components} components"
