"""What a print file says of itself: Info dictionary and XMP packet, which must agree (ISO 15930-7, 6.7).

PDF/X-4 declares itself in XMP and nowhere else, PDF/X-1a in Info; PDF/VT-1 adds itself to the XMP of a PDF/X-4.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from xml.sax.saxutils import escape

from cardpipe.model.errors import Bug
from cardpipe.prepress.press import Output

_NAMESPACE = uuid.UUID("8b8e5e0c-6c1b-5f2a-9d2e-0c5d7a3b1f64")
PRODUCER = "cardpipe"


@dataclass(frozen=True, slots=True)
class Stamp:
    """Title, date and output intent of a file. ``day`` is the batch's mail date (YYYY-MM-DD): files carry no clock.

    ``records`` makes it PDF/VT-1: each piece is a record that a press can find. Raises Bug for records in a PDF/X-1a.
    """

    title: str
    day: str
    intent_digest: str
    condition: str
    condition_info: str
    duplex: str
    version: str = "0.1"
    output: Output = "X-4"
    records: bool = False

    def __post_init__(self) -> None:
        if self.records and self.output != "X-4":
            raise Bug(f"records (PDF/VT-1) need PDF/X-4, not {self.output}")

    @property
    def document_id(self) -> str:
        """A name-based UUID of the title: the same batch, the same id."""
        return f"uuid:{uuid.uuid5(_NAMESPACE, self.title)}"


def info_dictionary(stamp: Stamp) -> str:
    """The Info dictionary of the trailer."""
    date = f"(D:{stamp.day.replace('-', '')}000000Z)"
    standard = " /GTS_PDFXVersion (PDF/X-1a:2003)" if stamp.output == "X-1a" else ""
    return (
        f"<< /Title {literal(stamp.title)} /Creator ({PRODUCER}) /Producer {literal(f'{PRODUCER} {stamp.version}')} "
        f"/CreationDate {date} /ModDate {date} /Trapped /False{standard} >>"
    )


def xmp_packet(stamp: Stamp) -> bytes:
    """The XMP packet: the same title and dates, and the marks of PDF/X-4 and, with records, of PDF/VT-1.

    ISO 16612-2: the VT mark's date is the very text of xmp:ModifyDate, so that a later change shows.
    """
    date = f"{stamp.day}T00:00:00Z"
    title = escape(stamp.title)
    records = (
        f"""<pdfvtid:GTS_PDFVTVersion>PDF/VT-1</pdfvtid:GTS_PDFVTVersion>
<pdfvtid:GTS_PDFVTModDate>{date}</pdfvtid:GTS_PDFVTModDate>
"""
        if stamp.records
        else ""
    )
    spaces = ' xmlns:pdfxid="http://www.npes.org/pdfx/ns/id/"'
    if stamp.records:
        spaces += ' xmlns:pdfvtid="http://www.npes.org/pdfvt/ns/id/"'
    return f"""<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:xmp="http://ns.adobe.com/xap/1.0/"
 xmlns:xmpMM="http://ns.adobe.com/xap/1.0/mm/" xmlns:pdf="http://ns.adobe.com/pdf/1.3/"
{spaces}>
<dc:format>application/pdf</dc:format>
<dc:title><rdf:Alt><rdf:li xml:lang="x-default">{title}</rdf:li></rdf:Alt></dc:title>
<xmp:CreatorTool>{PRODUCER}</xmp:CreatorTool>
<xmp:CreateDate>{date}</xmp:CreateDate><xmp:ModifyDate>{date}</xmp:ModifyDate><xmp:MetadataDate>{date}</xmp:MetadataDate>
<xmpMM:DocumentID>{stamp.document_id}</xmpMM:DocumentID><xmpMM:VersionID>1</xmpMM:VersionID>
<xmpMM:RenditionClass>default</xmpMM:RenditionClass>
<pdf:Producer>{PRODUCER} {escape(stamp.version)}</pdf:Producer><pdf:Trapped>False</pdf:Trapped>
<pdfxid:GTS_PDFXVersion>PDF/X-4</pdfxid:GTS_PDFXVersion>
{records}</rdf:Description></rdf:RDF></x:xmpmeta>
<?xpacket end="w"?>""".encode()


def literal(text: str) -> str:
    """Text as a PDF string: plain where it is ASCII, else UTF-16 with its mark (ISO 32000-1, 7.9.2.2).

    Raises Bug for text that is no Unicode.
    """
    if text.isascii() and text.isprintable():
        return "(" + text.replace("\\", "\\\\").replace("(", "\\(").replace(")", "\\)") + ")"
    try:
        return f"<FEFF{text.encode('utf-16-be').hex().upper()}>"
    except UnicodeEncodeError:
        raise Bug("half a character stands where a text should be") from None
