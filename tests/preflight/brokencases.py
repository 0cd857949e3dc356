"""What can be wrong with a file, by a name, with the one code and level that must come of it."""

from __future__ import annotations

import pikepdf
from goodfile import PRESS, srgb
from pikepdf import Array, Dictionary, Name, Stream
from spoiling import (
    Spoil,
    annotation,
    art,
    content,
    first,
    form,
    icc,
    image,
    info,
    intent,
    lz_image,
    lzw,
    put,
    resource,
    root,
    separation,
    states,
    type3,
    unembedded,
    xmp,
)

from cardpipe.model.finding import Level

E, W = Level.ERROR, Level.WARNING
Case = tuple[str, Level, Spoil]

INLINE = b"q .9 0 0 .9 50 50 cm BI /W 4 /H 4 /BPC 8 /CS /RGB ID " + bytes(48) + b" EI Q\n"
NARROW = Array([5, 5, 373, 517])
SHADING = Dictionary(ShadingType=2, ColorSpace=Name.DeviceRGB, Coords=Array([0, 0, 1, 1]))

CASES: dict[str, Case] = {
    "catalog version": ("pdf.version", E, root("Version", lambda pdf: Name("/1.7"))),
    "Info without Producer": ("info.keys", E, lambda pdf: pdf.trailer.Info.__delitem__("/Producer")),
    "Trapped unknown": ("info.trapped", E, info("Trapped", Name.Unknown)),
    "Trapped a string": ("info.trapped", E, info("Trapped", "False")),
    "no XMP": ("xmp.missing", E, lambda pdf: pdf.Root.__delitem__("/Metadata")),
    "XMP cut off": ("xmp.malformed", E, xmp("</rdf:RDF></x:xmpmeta>", "")),
    "XMP with an entity": ("xmp.malformed", E, xmp("<x:xmpmeta", '<!DOCTYPE x [<!ENTITY a "b">]><x:xmpmeta')),
    "XMP says X-3": ("xmp.pdfx", E, xmp("PDF/X-4", "PDF/X-3")),
    "XMP without MetadataDate": ("xmp.dates", E, xmp("MetadataDate", "OtherDate")),
    "XMP without VersionID": ("xmp.ids", E, xmp('xmpMM:VersionID="1"', "")),
    "XMP title in one language": ("xmp.title", E, xmp("x-default", "de")),
    "titles differ": ("xmp.agreement", E, info("Title", "Other")),
    "dates differ": ("xmp.agreement", E, info("ModDate", "D:20261121120000Z")),
    "Trapped differs": ("xmp.agreement", E, info("Trapped", Name("/True"))),
    "no output intent": ("intent.count", E, lambda pdf: pdf.Root.__delitem__("/OutputIntents")),
    "two output intents": ("intent.count", E, lambda pdf: pdf.Root.OutputIntents.append(pdf.Root.OutputIntents[0])),
    "intent without condition": ("intent.condition", E, intent("OutputConditionIdentifier", lambda pdf: "")),
    "intent without profile": ("intent.profile", E, intent("DestOutputProfile", None)),
    "intent for a monitor": ("intent.class", E, intent("DestOutputProfile", lambda pdf: Stream(pdf, srgb(), N=3))),
    "intent with wrong N": ("intent.class", E, intent("DestOutputProfile", lambda pdf: Stream(pdf, PRESS, N=3))),
    "intent of noise": ("intent.class", E, intent("DestOutputProfile", lambda pdf: Stream(pdf, b"ICC" * 99, N=4))),
    "no TrimBox": ("page.trim", E, put(TrimBox=None)),
    "TrimBox on the tree only": (
        "page.trim",
        E,
        lambda pdf: (pdf.Root.Pages.__setitem__("/TrimBox", Array([9, 9, 369, 513])), put(TrimBox=None)(pdf)),
    ),
    "TrimBox and ArtBox": ("page.trim", E, put(ArtBox=Array([9, 9, 369, 513]))),
    "no BleedBox": ("page.bleedbox", E, put(BleedBox=None)),
    "CropBox cuts the bleed": ("page.nesting", E, put(CropBox=NARROW)),
    "bleed beyond media": ("page.nesting", E, put(BleedBox=Array([-3, 0, 378, 522]))),
    "too little bleed": (
        "page.bleed",
        E,
        lambda pdf: [page.obj.__setitem__("/BleedBox", NARROW) for page in pdf.pages],
    ),
    "rotated": ("page.rotated", E, put(Rotate=90)),
    "rotated by the tree": ("page.rotated", E, lambda pdf: pdf.Root.Pages.__setitem__("/Rotate", 180)),
    "user unit": ("page.user_unit", E, put(UserUnit=2)),
    "slide show": ("page.presentation", E, put(Trans=Dictionary(S=Name.Wipe))),
    "one page too many": ("page.count", E, lambda pdf: pdf.pages.append(pdf.pages[1])),
    "annotation": ("page.annotation", E, annotation()),
    "annotation outside, with an action": (
        "page.annotation.action",
        E,
        annotation(Rect=Array([400, 600, 410, 610]), A=Dictionary(S=Name.URI, URI="x")),
    ),
    "blending without space": (
        "page.blend_space",
        E,
        lambda pdf: [page.obj.__delitem__("/Group") for page in pdf.pages],
    ),
    "soft mask without space": (
        "page.blend_space",
        E,
        lambda pdf: (resource(pdf, "ExtGState", "Soft").__delitem__("/ca"), put(Group=None)(pdf)),
    ),
    "blend mode without space": (
        "page.blend_space",
        E,
        lambda pdf: (content(b"/New gs 0 0 9 9 re f", ExtGState=states(BM=Name.Multiply))(pdf), put(Group=None)(pdf)),
    ),
    "script": (
        "file.interactive",
        E,
        root("OpenAction", lambda pdf: Dictionary(S=Name.JavaScript, JS="app.alert(1)")),
    ),
    "named script": (
        "file.interactive",
        E,
        root("Names", lambda pdf: Dictionary(JavaScript=Dictionary(Names=Array()))),
    ),
    "embedded file": (
        "file.interactive",
        E,
        root("Names", lambda pdf: Dictionary(EmbeddedFiles=Dictionary(Names=Array()))),
    ),
    "form fields": ("file.interactive", E, root("AcroForm", lambda pdf: Dictionary(Fields=Array()))),
    "bookmark with a script": (
        "file.interactive",
        E,
        root("Outlines", lambda pdf: Dictionary(First=Dictionary(Title="x", A=Dictionary(S=Name.JavaScript)))),
    ),
    "layers": ("file.layers", E, root("OCProperties", lambda pdf: Dictionary(OCGs=Array()))),
    "viewer crops": ("file.viewer_areas", E, root("ViewerPreferences", lambda pdf: Dictionary(PrintArea=Name.TrimBox))),
    "Helvetica leaked": ("font.embedded", E, content(b"", Font=unembedded)),
    "Helvetica leaked in a form": (
        "font.embedded",
        E,
        lambda pdf: resource(pdf, "XObject", "Art").Resources.__setitem__("/Font", unembedded(pdf)),
    ),
    "font file dropped": (
        "font.embedded",
        E,
        lambda pdf: resource(pdf, "Font", "F1").FontDescriptor.__delitem__("/FontFile2"),
    ),
    "Type 3": ("font.type3", E, content(b"", Font=type3)),
    "RGB operator": ("colour.rgb", E, content(b"1 0 0 rg 50 50 9 9 re f")),
    "RGB operator in art": ("colour.rgb", E, art(b"0 0 1 RG")),
    "RGB space": ("colour.rgb", E, content(b"/DeviceRGB cs 1 0 0 sc 50 50 9 9 re f")),
    "RGB image": ("colour.rgb", E, image("ColorSpace", Name.DeviceRGB)),
    "RGB inline image": ("colour.rgb", E, content(INLINE)),
    "RGB palette": (
        "colour.rgb",
        E,
        image("ColorSpace", Array([Name.Indexed, Name.DeviceRGB, 0, pikepdf.String(b"\0\0\0")])),
    ),
    "RGB shading": ("colour.rgb", E, content(b"/S0 sh", Shading=lambda pdf: Dictionary(S0=SHADING))),
    "RGB shading pattern": (
        "colour.rgb",
        E,
        content(
            b"/Pattern cs /P0 scn 50 50 9 9 re f",
            Pattern=lambda pdf: Dictionary(P0=Dictionary(PatternType=2, Shading=SHADING)),
        ),
    ),
    "RGB group": (
        "colour.rgb",
        E,
        content(b"", XObject=form(Group=Dictionary(S=Name.Transparency, CS=Name.DeviceRGB))),
    ),
    "wrong N": ("colour.icc", E, icc(1, srgb())),
    "ICC of noise": ("colour.icc", E, icc(3, b"noise" * 99)),
    "unknown space": (
        "colour.unknown",
        E,
        content(b"/Nix cs", ColorSpace=lambda pdf: Dictionary(Nix=Array([Name.X, 1]))),
    ),
    "unlisted spot": (
        "colour.spot",
        E,
        content(b"/Gold cs 1 scn", ColorSpace=lambda pdf: Dictionary(Gold=separation("Gold", Name.DeviceCMYK))),
    ),
    "spot with two recipes": (
        "colour.spot.twins",
        E,
        content(
            b"/A cs 1 scn /B cs 1 scn",
            ColorSpace=lambda pdf: Dictionary(
                A=separation("Black", Name.DeviceCMYK), B=separation("Black", Name.DeviceGray)
            ),
        ),
    ),
    "soft mask in CMYK": (
        "image.soft_mask.space",
        E,
        lambda pdf: resource(pdf, "XObject", "Photo").SMask.__setitem__("/ColorSpace", Name.DeviceCMYK),
    ),
    "72 ppi": ("image.ppi.low", E, content(b"q 350 0 0 500 10 10 cm /Photo Do Q")),
    "72 ppi within a form": (
        "image.ppi.low",
        E,
        content(
            b"q 350 0 0 500 10 10 cm /New Do Q",
            XObject=lambda pdf: form(
                b"/I Do",
                BBox=Array([0, 0, 1, 1]),
                Resources=Dictionary(XObject=Dictionary(I=resource(pdf, "XObject", "Photo"))),
            )(pdf),
        ),
    ),
    "coarse soft mask": (
        "image.ppi.low",
        E,
        lambda pdf: resource(pdf, "XObject", "Photo").SMask.__setitem__("/Width", 300),
    ),
    "200 ppi": ("image.ppi.soft", W, content(b"q 0 324 -200 0 300 10 cm /Photo Do Q")),
    "200 ppi signature": ("image.mask.ppi.low", E, content(b"0 0 0 1 k q 216 0 0 72 10 10 cm /Sign Do Q")),
    "400 ppi signature": ("image.mask.ppi.soft", W, content(b"0 0 0 1 k q 108 0 0 36 10 10 cm /Sign Do Q")),
    "400 % of ink": ("ink.total", E, content(b"1 1 1 1 k 50 50 9 9 re f")),
    "310 % of ink in art": ("ink.total", E, art(b".8 .8 .8 .7 K 1 w 0 0 m 10 10 l S")),
    "rich black text": (
        "ink.rich_black_text",
        E,
        content(b"BT /F1 9 Tf .5 .4 .4 1 k 1 0 0 1 50 50 Tm [(N) 20 (o)] TJ ET"),
    ),
    "rich black text, scaled": (
        "ink.rich_black_text",
        E,
        content(b"q .1 0 0 .1 0 0 cm BT /F1 90 Tf .5 .4 .4 1 k 500 500 Td (N\\)o) Tj ET Q"),
    ),
    "hairline": ("ink.hairline", E, content(b"0.1 w 40 40 m 100 40 l S")),
    "zero width": ("ink.hairline", E, content(b"0 w 40 40 m 100 40 l S")),
    "hairline by scaling": ("ink.hairline", E, content(b"q 1 0 0 .2 0 0 cm 1 w 40 40 m 100 40 l S Q")),
    "hairline by a state": ("ink.hairline", E, content(b"/New gs 40 40 m 100 40 l S", ExtGState=states(LW=0.2))),
    "white overprint": (
        "ink.white_overprint",
        E,
        content(b"/New gs 0 0 0 0 k 50 50 9 9 re f", ExtGState=states(op=True, OPM=1)),
    ),
    "transfer curve": ("gstate.transfer", E, content(b"", ExtGState=states(TR=Name.Identity))),
    "halftone origin": ("gstate.halftone", E, content(b"", ExtGState=states(HTP=Array([0, 0])))),
    "PostScript": ("object.obsolete", E, content(b"", XObject=form(Subtype=Name.PS))),
    "OPI form": ("object.obsolete", E, content(b"", XObject=form(OPI=Dictionary()))),
    "OPI image": ("object.image.obsolete", E, image("OPI", Dictionary())),
    "alternate image": ("object.image.obsolete", E, image("Alternates", Array())),
    "form on a layer": ("object.layered", E, content(b"", XObject=form(OC=Dictionary(Type=Name.OCG)))),
    "LZW content": ("filter.lzw", E, lambda pdf: put(Contents=Array([first(pdf).Contents, lzw(pdf)]))(pdf)),
    "LZW image": ("filter.image.lzw", E, content(b"", XObject=lz_image)),
    "JPEG 2000": ("filter.image.jpx", W, image("Filter", Name.JPXDecode)),
    "16 bits": ("image.bits", W, image("BitsPerComponent", 16)),
    "background without bleed": ("art.bleed", E, content(b"0 .2 0 0 k 9 9 360 504 re f")),
    "photo without bleed": ("art.bleed", E, content(b"q 216 0 0 144 153 360 cm /Photo Do Q")),
    "photo clipped to the trim": ("art.bleed", E, content(b"q 9 9 360 504 re W n 216 0 0 144 155 370 cm /Photo Do Q")),
    "unknown operator": ("content.operators", E, content(b"1 2 foo")),
    "q without Q": ("content.balance", E, content(b"q")),
    "Q without q": ("content.balance", E, content(b"Q")),
    "name without resource": ("content.missing", E, content(b"/Gone Do")),
    "torn content": ("pdf.damaged", E, content(b"(open")),
}
