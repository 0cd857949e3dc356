"""What a print file says of itself: Info dictionary and XMP packet, which must agree (ISO 15930-7, 6.7)."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from xml.sax.saxutils import escape

_NAMESPACE = uuid.UUID("8b8e5e0c-6c1b-5f2a-9d2e-0c5d7a3b1f64")
PRODUCER = "cardpipe"


@dataclass(frozen=True, slots=True)
class Stamp:
    """Title, date and output intent of a file. ``day`` is the batch's mail date (YYYY-MM-DD): files carry no clock."""

    title: str
    day: str
    intent_digest: str
    condition: str
    condition_info: str
    duplex: str
    version: str = "0.1"

    @property
    def document_id(self) -> str:
        """A name-based UUID of the title: the same batch, the same id."""
        return f"uuid:{uuid.uuid5(_NAMESPACE, self.title)}"


def info_dictionary(stamp: Stamp) -> str:
    """The Info dictionary of the trailer."""
    date = f"(D:{stamp.day.replace('-', '')}000000Z)"
    return (
        f"<< /Title ({_literal(stamp.title)}) /Creator ({PRODUCER}) /Producer ({PRODUCER} {stamp.version}) "
        f"/CreationDate {date} /ModDate {date} /Trapped /False >>"
    )


def xmp_packet(stamp: Stamp) -> bytes:
    """The XMP packet: the same title and dates, and the mark of PDF/X-4."""
    date = f"{stamp.day}T00:00:00Z"
    title = escape(stamp.title)
    return f"""<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:xmp="http://ns.adobe.com/xap/1.0/"
 xmlns:xmpMM="http://ns.adobe.com/xap/1.0/mm/" xmlns:pdf="http://ns.adobe.com/pdf/1.3/"
 xmlns:pdfxid="http://www.npes.org/pdfx/ns/id/">
<dc:format>application/pdf</dc:format>
<dc:title><rdf:Alt><rdf:li xml:lang="x-default">{title}</rdf:li></rdf:Alt></dc:title>
<xmp:CreatorTool>{PRODUCER}</xmp:CreatorTool>
<xmp:CreateDate>{date}</xmp:CreateDate><xmp:ModifyDate>{date}</xmp:ModifyDate><xmp:MetadataDate>{date}</xmp:MetadataDate>
<xmpMM:DocumentID>{stamp.document_id}</xmpMM:DocumentID><xmpMM:VersionID>1</xmpMM:VersionID>
<xmpMM:RenditionClass>default</xmpMM:RenditionClass>
<pdf:Producer>{PRODUCER} {escape(stamp.version)}</pdf:Producer><pdf:Trapped>False</pdf:Trapped>
<pdfxid:GTS_PDFXVersion>PDF/X-4</pdfxid:GTS_PDFXVersion>
</rdf:Description></rdf:RDF></x:xmpmeta>
<?xpacket end="w"?>""".encode()


def _literal(text: str) -> str:
    return text.replace("\\", "\\\\").replace("(", "\\(").replace(")", "\\)")
