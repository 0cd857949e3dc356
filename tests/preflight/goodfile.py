"""A card file that is right in every respect, made from scratch, and a way to break one thing of it.

Four pages (two pieces): shared art as a form, a photo in tagged sRGB with a soft mask, a signature as a 1-bit mask,
a message as outlines, a line of embedded type, a press's output intent.
"""

from __future__ import annotations

import io
import zlib
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pikepdf
from fontTools import subset
from fontTools.ttLib import TTFont
from pikepdf import Array, Dictionary, Name, Pdf, Stream
from PIL import Image, ImageCms

from cardpipe.model.units import Size
from cardpipe.preflight.inspector import Report, inspect
from cardpipe.preflight.profile import Profile

ROOT = Path(__file__).parents[2]
PRESS = (ROOT / "cardpipe/catalog/cp_TR006_300.icc").read_bytes()
PROFILE = Profile(name="test press", trim=Size(360, 504), bleed=9)
MEDIA, TRIM = (0, 0, 378, 522), (9, 9, 369, 513)
XMP = """<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmlns:pdf="http://ns.adobe.com/pdf/1.3/"
 xmlns:xmpMM="http://ns.adobe.com/xap/1.0/mm/" xmlns:dc="http://purl.org/dc/elements/1.1/"
 xmlns:pdfxid="http://www.npes.org/pdfx/ns/id/" pdf:Trapped="False"
 xmpMM:DocumentID="uuid:1" xmpMM:VersionID="1" xmpMM:RenditionClass="default">
<xmp:CreateDate>2026-11-21T12:00:00+01:00</xmp:CreateDate><xmp:ModifyDate>2026-11-21T11:00:00Z</xmp:ModifyDate>
<xmp:MetadataDate>2026-11-21T12:00:00+01:00</xmp:MetadataDate>
<pdfxid:GTS_PDFXVersion>PDF/X-4</pdfxid:GTS_PDFXVersion>
<dc:title><rdf:Alt><rdf:li xml:lang="x-default">Cards</rdf:li></rdf:Alt></dc:title>
</rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end="w"?>"""

PAGE = b"""q /Art Do Q
q /Soft gs 216 0 0 144 81 300 cm /Photo Do Q
q 0 0 0 1 k 72 0 0 24 250 60 cm /Sign Do Q
0.1 0.2 0.3 0.4 k %d 100 m 120 100 l 120 140 130 150 140 160 c h f
BT /F1 9 Tf 0 0 0 1 k 40 30 Td (No) Tj ET
0 0 0 1 K 0.5 w 40 40 m 100 40 l S
"""
ART = b"0.3 0.1 0 0 k 0 0 378 522 re f\n0.6 0.5 0.5 0.4 k 30 30 20 20 re f"

Spoil = Callable[[Pdf], object]


@cache
def typeface() -> bytes:
    """A subset of three glyphs."""
    face = next((ROOT / "fonts/arimo").rglob("*.ttf"))
    options = subset.Options()
    options.drop_tables += ["GSUB", "GPOS", "GDEF", "fvar", "gvar", "STAT", "HVAR", "avar", "MVAR"]
    font = TTFont(face)
    worker = subset.Subsetter(options)
    worker.populate(text="No ")
    worker.subset(font)
    out = io.BytesIO()
    font.save(out)
    return out.getvalue()


@cache
def srgb() -> bytes:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


@cache
def jpeg() -> bytes:
    out = io.BytesIO()
    Image.linear_gradient("L").resize((900, 600)).convert("RGB").save(out, "JPEG", quality=60)
    return out.getvalue()


def make() -> Pdf:
    """The good file, open for breaking."""
    pdf = Pdf.new()
    icc = pdf.make_indirect(Stream(pdf, srgb(), N=3))
    soft = pdf.make_indirect(
        Stream(
            pdf,
            zlib.compress(bytes(900 * 600), 1),
            Type=Name.XObject,
            Subtype=Name.Image,
            Width=900,
            Height=600,
            ColorSpace=Name.DeviceGray,
            BitsPerComponent=8,
            Filter=Name.FlateDecode,
        )
    )
    photo = Stream(
        pdf,
        jpeg(),
        Type=Name.XObject,
        Subtype=Name.Image,
        Width=900,
        Height=600,
        ColorSpace=Array([Name.ICCBased, icc]),
        BitsPerComponent=8,
        Filter=Name.DCTDecode,
        SMask=soft,
    )
    sign = Stream(
        pdf,
        zlib.compress(bytes(600 // 8 * 200)),
        Type=Name.XObject,
        Subtype=Name.Image,
        Width=600,
        Height=200,
        ImageMask=True,
        BitsPerComponent=1,
        Filter=Name.FlateDecode,
    )
    art = Stream(pdf, ART, Type=Name.XObject, Subtype=Name.Form, BBox=Array(MEDIA), Resources=Dictionary())
    descriptor = Dictionary(Type=Name.FontDescriptor, FontName=Name("/ABCDEF+Arimo"), Flags=32)
    descriptor.FontFile2 = pdf.make_indirect(Stream(pdf, typeface()))
    font = Dictionary(
        Type=Name.Font,
        Subtype=Name.TrueType,
        BaseFont=Name("/ABCDEF+Arimo"),
        FontDescriptor=pdf.make_indirect(descriptor),
        Encoding=Name.WinAnsiEncoding,
        FirstChar=78,
        LastChar=111,
        Widths=Array([722, *[0] * 32, 556]),
    )
    resources = pdf.make_indirect(
        Dictionary(
            XObject=Dictionary(
                Art=pdf.make_indirect(art), Photo=pdf.make_indirect(photo), Sign=pdf.make_indirect(sign)
            ),
            Font=Dictionary(F1=pdf.make_indirect(font)),
            ExtGState=Dictionary(Soft=pdf.make_indirect(Dictionary(Type=Name.ExtGState, ca=0.9))),
        )
    )
    group = Dictionary(S=Name.Transparency, CS=Name.DeviceCMYK, I=True)
    for number in range(4):
        page = Dictionary(
            Type=Name.Page,
            MediaBox=Array(MEDIA),
            BleedBox=Array(MEDIA),
            TrimBox=Array(TRIM),
            Resources=resources,
            Group=group,
            Contents=pdf.make_indirect(Stream(pdf, PAGE % (100 + number))),
        )
        pdf.pages.append(pikepdf.Page(pdf.make_indirect(page)))
    pdf.Root.Metadata = pdf.make_indirect(Stream(pdf, XMP.encode(), Type=Name.Metadata, Subtype=Name.XML))
    intent = Dictionary(
        Type=Name.OutputIntent,
        S=Name.GTS_PDFX,
        OutputConditionIdentifier="CGATS TR 006",
        RegistryName="http://www.color.org",
        DestOutputProfile=pdf.make_indirect(Stream(pdf, PRESS, N=4)),
    )
    pdf.Root.OutputIntents = Array([intent])
    pdf.trailer.Info = pdf.make_indirect(
        Dictionary(
            Title="Cards",
            Creator="cardpipe",
            Producer="cardpipe",
            CreationDate="D:20261121120000+01'00'",
            ModDate="D:20261121110000Z",
            Trapped=Name("/False"),
        )
    )
    return pdf


def saved(pdf: Pdf, **options: object) -> bytes:
    """The file's bytes, as the good file is written unless options say otherwise."""
    out = io.BytesIO()
    settings: dict[str, object] = {"force_version": "1.6", "deterministic_id": True, "fix_metadata_version": False}
    settings["object_stream_mode"] = pikepdf.ObjectStreamMode.disable
    if "encryption" in options:
        settings["deterministic_id"] = False
    else:
        settings |= {"stream_decode_level": pikepdf.StreamDecodeLevel.none, "compress_streams": False}
    pdf.save(out, **(settings | options))  # type: ignore[arg-type]
    return out.getvalue()


def broken(spoil: Spoil) -> bytes:
    """The good file with one thing broken."""
    pdf = make()
    spoil(pdf)
    return saved(pdf)


def look(data: bytes, profile: Profile = PROFILE, pieces: int | None = 2) -> Report:
    return inspect(io.BytesIO(data), profile, pieces)
