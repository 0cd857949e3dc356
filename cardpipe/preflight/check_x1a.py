"""Checks that only PDF/X-1a asks for (ISO 15930-4:2003 and its elder, ISO 15930-1:2001): nothing but flat CMYK and
spot colours, in a file that a RIP of the year 2001 reads."""

from __future__ import annotations

from collections.abc import Iterator

from cardpipe.preflight import xmp
from cardpipe.preflight.check import View, check
from cardpipe.preflight.colour import Space
from cardpipe.preflight.subjects import File, Font, Form, GState, Image, Intent, Packet, Page

_X1A = "ISO 15930-4:2003"
_WRITER = "Compose the batch for a press whose output is X-1a: the merge then stamps header, Info and intent together."
_FLAT = "Compose the piece for a press whose output is X-1a; in art, flatten transparency before it is saved."
_CMYK = "Convert the colour to CMYK before it is placed."
_SOURCES = ("DeviceRGB", "ICCBased", "CalRGB", "CalGray", "Lab")
_OLDER = {"GTS_PDFXVersion": "PDF/X-1:2001", "GTS_PDFXConformance": "PDF/X-1a:2001"}


@check("x1a.version", "file", f"{_X1A}, PDF 1.4 (2001: PDF 1.3)", _WRITER, only="X-1a")
def version(file: File, view: View) -> Iterator[str]:
    """X-1a is PDF 1.3 or 1.4. Plants that ask for it run RIPs that stop at a later header."""
    if file.header[:8] not in (b"%PDF-1.3", b"%PDF-1.4"):
        yield f"the file begins with {file.header[:8].decode('latin-1')!r}, not with '%PDF-1.3' or '%PDF-1.4'"
    if file.catalog_version not in ("", "1.3", "1.4"):
        yield f"the catalog raises the version to {file.catalog_version}"


@check("x1a.identification", "file", f"{_X1A}, identification", _WRITER, only="X-1a")
def identification(file: File, view: View) -> Iterator[str]:
    """X-1a declares itself in Info; a workflow that does not find the line takes the file for any PDF."""
    said = file.identity.get("GTS_PDFXVersion", "")
    if said != "PDF/X-1a:2003" and file.identity != _OLDER:
        also = file.identity.get("GTS_PDFXConformance", "")
        yield (
            f"Info /GTS_PDFXVersion is {said or 'absent'}{f' with /GTS_PDFXConformance {also}' if also else ''}, "
            "not PDF/X-1a:2003, nor PDF/X-1:2001 with PDF/X-1a:2001"
        )


@check("x1a.xmp", "packet", f"{_X1A}, metadata", _WRITER, only="X-1a", when=lambda packet, view: not packet.trouble)
def agreement(packet: Packet, view: View) -> Iterator[str]:
    """X-1a needs no XMP, but one that is there must not tell another story than Info."""
    found = packet.properties
    title = found.get(f"{xmp.DC}title", "")
    if title and title != packet.info.get("Title", ""):
        yield "Info /Title and dc:title differ"
    for key, name in (("CreationDate", "CreateDate"), ("ModDate", "ModifyDate")):
        told = found.get(xmp.XMP + name, "")
        if told and xmp.xmp_moment(told) != xmp.pdf_moment(packet.info.get(key, "")):
            yield f"Info /{key} {packet.info.get(key, 'absent')} and xmp:{name} {told} are not the same moment"
    trapped = found.get(f"{xmp.PDF}Trapped", "")
    if trapped and f"/{trapped}" != packet.trapped:
        yield f"Info /Trapped is {packet.trapped or 'absent'} and pdf:Trapped is {trapped}"
    for space in (xmp.PDFX, xmp.PDFX_ID):
        for key in _OLDER:
            said = found.get(space + key, "")
            if said and said != packet.identity.get(key, ""):
                yield f"Info /{key} is {packet.identity.get(key, 'absent')} and the XMP says {said}"


@check("x1a.compressed_objects", "file", f"{_X1A}, PDF 1.4", "Write a plain cross-reference table.", only="X-1a")
def compressed_objects(file: File, view: View) -> Iterator[str]:
    """Cross-reference and object streams came with PDF 1.5: an older RIP finds no object of the file at all."""
    if file.compressed:
        yield "the cross-reference is a stream"


@check("x1a.records", "file", f"{_X1A}, PDF 1.4; ISO 16612-2:2010", "Leave the records out.", only="X-1a")
def records(file: File, view: View) -> Iterator[str]:
    """Records stand on PDF/X-4; in X-1a they are an unknown entry, and the page they belong to changes between RIPs."""
    if "DPartRoot" in file.catalog:
        yield "the file has records (/DPartRoot)"


@check("x1a.intent", "intent", f"{_X1A}, output intents; PDF Reference 1.4, 4.5.4", _WRITER, only="X-1a")
def intent(intent: Intent, view: View) -> Iterator[str]:
    """A condition that is not registered needs its profile inside, of a version that PDF 1.4 reads (2, not 4)."""
    if not intent.embedded and not intent.registry:
        yield "the output intent neither embeds a profile nor names a registered condition"
    if intent.external:
        yield "the output intent refers to a profile outside"
    if intent.icc is not None and intent.icc.genuine and intent.icc.version > 2:
        yield f"the output intent's profile is of ICC version {intent.icc.version}; PDF 1.4 knows version 2"


@check("x1a.page.group", "page", f"{_X1A}, transparency", _FLAT, only="X-1a")
def page_group(page: Page, view: View) -> Iterator[str]:
    """A transparency group on a page asks the RIP for what X-1a promises that it need not do."""
    if page.group:
        yield "the page has a transparency group (/Group)"


@check("x1a.form.group", "form", f"{_X1A}, transparency", _FLAT, only="X-1a")
def form_group(form: Form, view: View) -> Iterator[str]:
    """A transparency group in a form is transparency, whatever lies in it."""
    if "Group" in form.keys:
        yield "a form has a transparency group (/Group)"


@check(
    "x1a.image.soft_mask",
    "image",
    f"{_X1A}, transparency",
    "Use a 1-bit stencil mask, or flatten the picture on its ground.",
    only="X-1a",
    when=lambda image, view: image.role == "image",
)
def soft_mask(image: Image, view: View) -> Iterator[str]:
    """A soft mask lets the ground shine through: the old RIP prints a box instead, or stops."""
    if "SMask" in image.keys:
        yield "the image has a soft mask"


@check("x1a.gstate", "gstate", f"{_X1A}, transparency", _FLAT, only="X-1a")
def gstate(state: GState, view: View) -> Iterator[str]:
    """Alpha, blend modes and soft masks are transparency, and X-1a is the promise that there is none."""
    found = [f"alpha {alpha:g}" for alpha in (state.alpha_fill, state.alpha_stroke) if alpha not in (None, 1.0)]
    if state.blend not in (None, "Normal", "Compatible"):
        found.append(f"blend mode {state.blend}")
    if state.soft_mask:
        found.append("a soft mask")
    if found:
        yield f"a graphics state sets {', '.join(dict.fromkeys(found))}"


@check("x1a.colour", "space", f"{_X1A}, colour spaces", _CMYK, only="X-1a")
def colour(space: Space, view: View) -> Iterator[str]:
    """X-1a is for plants that convert nothing: whatever is not grey, CMYK or a spot has no plate to go to."""
    for one in space.lineage():
        if one.family in _SOURCES:
            yield f"colour in {one.family}: {space.label}"
        elif one.remapped:
            yield f"{one.family} is replaced by a default colour space"


@check("x1a.filter", "image", f"{_X1A}, compression", "Store images with Flate, DCT or CCITT.", only="X-1a")
def image_filter(image: Image, view: View) -> Iterator[str]:
    """JPEG 2000 came with PDF 1.5, and JBIG2 is forbidden in X-1a."""
    for name in ("JPXDecode", "JBIG2Decode"):
        if name in image.filters:
            yield f"the {image.role} is stored with {name.removesuffix('Decode')}"


@check("x1a.image.bits", "image", f"{_X1A}, PDF 1.4", "Store images with 8 bits a component, or 1.", only="X-1a")
def image_bits(image: Image, view: View) -> Iterator[str]:
    """Sixteen bits a component came with PDF 1.5."""
    if image.bits > 8:
        yield f"the {image.role} has {image.bits} bits a component"


@check("x1a.font", "font", f"{_X1A}, PDF 1.4", "Embed the font as TrueType, Type 1 or CFF.", only="X-1a")
def opentype(font: Font, view: View) -> Iterator[str]:
    """Whole OpenType programs came with PDF 1.6: an older RIP takes the font for missing."""
    if font.opentype:
        yield f"{font.name} is embedded as OpenType (/FontFile3 /OpenType)"
