"""Records and X-1a: a good file passes its own standard; then one thing is broken, and one code comes of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pikepdf
import pytest
from goodfile import PROFILE, XMP, broken, look, make, saved, srgb
from goodtwins import VT, VT_XMP, X1A, as_x1a, saved_x1a, with_records
from pikepdf import Array, Dictionary, Name, Pdf, Stream
from spoiling import art, content, first, form, image, info, intent, put, resource, root, separation, states

from cardpipe.preflight.catalogue import BY_CODE, CHECKS

Spoil = Callable[[Pdf], object]


def node(pdf: Pdf) -> pikepdf.Object:
    return pdf.Root.DPartRoot.DPartRootNode


def leaf(pdf: Pdf, number: int = 0) -> pikepdf.Object:
    return node(pdf).DParts[0][number]


def dpm(key: str, make_value: Spoil) -> Spoil:
    return lambda pdf: leaf(pdf).DPM.__setitem__(f"/{key}", make_value(pdf))


def vt_xmp(old: str, new: str) -> Spoil:
    assert old in VT_XMP
    return lambda pdf: pdf.Root.Metadata.write(VT_XMP.replace(old, new).encode())


def single(pdf: Pdf) -> None:
    """The last record becomes two of one page each; the first of them has an /End."""
    last = leaf(pdf, 1)
    page = pdf.pages[3].obj
    more = pdf.make_indirect(Dictionary(Type=Name.DPart, Parent=node(pdf), Start=page))
    page.DPart = more
    last.End = last.Start
    node(pdf).DParts = Array([Array([leaf(pdf), last, more])])


def shallow(pdf: Pdf) -> None:
    """One leaf lies a level deeper than the other."""
    deep, batch = leaf(pdf, 1), node(pdf)
    middle = pdf.make_indirect(Dictionary(Type=Name.DPart, Parent=batch, DParts=Array([Array([deep])])))
    deep.Parent = middle
    batch.DParts = Array([Array([leaf(pdf), middle])])


def swap(pdf: Pdf) -> None:
    node(pdf).DParts = Array([Array([leaf(pdf, 1), leaf(pdf, 0)])])


def drop(pdf: Pdf) -> None:
    node(pdf).DParts = Array([Array([leaf(pdf, 0)])])
    for page in list(pdf.pages)[2:]:
        del page.obj.DPart


def hinted(**entries: object) -> Spoil:
    def spoil(pdf: Pdf) -> None:
        for key, value in entries.items():
            resource(pdf, "XObject", "Art")[f"/{key}"] = value

    return spoil


VT_CASES: dict[str, tuple[str, Spoil]] = {
    "no records": ("vt.presence", lambda pdf: pdf.Root.__delitem__("/DPartRoot")),
    "version not told": ("vt.version", lambda pdf: pdf.Root.Metadata.write(XMP.encode())),
    "version VT-2": ("vt.version", vt_xmp("PDF/VT-1", "PDF/VT-2")),
    "same moment, other spelling": ("vt.version", vt_xmp("2026-11-21T11:00:00Z</v:", "2026-11-21T11:00:00+00:00</v:")),
    "root without a node": ("vt.root", lambda pdf: pdf.Root.DPartRoot.__setitem__("/DPartRootNode", Name.X)),
    "root of another type": ("vt.root", lambda pdf: pdf.Root.DPartRoot.__setitem__("/Type", Name.DPart)),
    "no names of levels": ("vt.levels", lambda pdf: pdf.Root.DPartRoot.__delitem__("/NodeNameList")),
    "a name too many": ("vt.levels", lambda pdf: pdf.Root.DPartRoot.NodeNameList.append(Name.Page)),
    "names as text": ("vt.levels", lambda pdf: pdf.Root.DPartRoot.__setitem__("/NodeNameList", Array(["a", "b"]))),
    "record level beyond": ("vt.levels", lambda pdf: pdf.Root.DPartRoot.__setitem__("/RecordLevel", 2)),
    "no record level": ("vt.levels", lambda pdf: pdf.Root.DPartRoot.__delitem__("/RecordLevel")),
    "leaves on two levels": ("vt.levels", shallow),
    "flat DParts": ("vt.tree", lambda pdf: node(pdf).__setitem__("/DParts", node(pdf).DParts[0])),
    "parent lost": ("vt.tree", lambda pdf: leaf(pdf).__delitem__("/Parent")),
    "parent wrong": ("vt.tree", lambda pdf: leaf(pdf).__setitem__("/Parent", leaf(pdf, 1))),
    "root node's parent": ("vt.tree", lambda pdf: node(pdf).__delitem__("/Parent")),
    "type of a part": ("vt.tree", lambda pdf: leaf(pdf).__setitem__("/Type", Name.Page)),
    "leaf and branch": ("vt.tree", lambda pdf: node(pdf).__setitem__("/Start", first(pdf))),
    "a part named twice": (
        "vt.tree",
        lambda pdf: node(pdf).__setitem__("/DParts", Array([Array([leaf(pdf), leaf(pdf, 1), leaf(pdf)])])),
    ),
    "a tree that bites its tail": (
        "vt.tree",
        lambda pdf: node(pdf).__setitem__("/DParts", Array([Array([leaf(pdf), leaf(pdf, 1), node(pdf)])])),
    ),
    "records in another order": ("vt.pages", swap),
    "start is no page": ("vt.pages", lambda pdf: leaf(pdf, 1).__setitem__("/Start", pdf.Root)),
    "a page in no record": ("vt.back_link", lambda pdf: first(pdf).__delitem__("/DPart")),
    "a page of another record": ("vt.back_link", lambda pdf: first(pdf).__setitem__("/DPart", leaf(pdf, 1))),
    "name in the metadata": ("vt.metadata", dpm("Design", lambda pdf: Name.Fern)),
    "null in the metadata": ("vt.metadata", dpm("Inserts", lambda pdf: Array([None]))),
    "stream in the metadata": ("vt.metadata", dpm("Note", lambda pdf: pdf.make_indirect(Stream(pdf, b"x")))),
    "key that is no XML name": ("vt.metadata", dpm("1st", lambda pdf: 1)),
    "scope unknown": ("vt.hints", hinted(GTS_Scope=Name.Batch)),
    "scope without environment": ("vt.hints", hinted(GTS_Scope=Name.Global)),
    "encapsulated without a group": ("vt.hints", hinted(GTS_Encapsulated=True)),
}  # fmt: skip


def test_a_file_with_records_passes_and_every_check_of_records_looked_at_something() -> None:
    pdf = with_records()
    hinted(GTS_Scope=Name.File, GTS_Encapsulated=False)(pdf)
    report = look(saved(pdf), VT)
    assert report.findings == () and report.ok
    looked = {run.code: run.subjects for run in report.runs if run.code.startswith("vt.")}
    assert len(looked) == 11 and all(looked.values()), looked
    assert report.facts.records == 2 and report.facts.standard == "PDF/X-4 + PDF/VT-1"


@pytest.mark.parametrize("name", VT_CASES)
def test_one_thing_of_the_records_broken_gives_one_code(name: str) -> None:
    code, spoil = VT_CASES[name]
    pdf = with_records()
    spoil(pdf)
    pieces = None if code == "vt.tree" else 2
    report = look(saved(pdf), replace(VT, pages_per_piece=None), pieces)
    assert set(report.codes()) == {code}, report.findings
    assert all(finding.message and finding.remedy for finding in report.findings)


def test_a_leaf_of_one_page_has_no_end() -> None:
    pdf = with_records()
    single(pdf)
    assert look(saved(pdf), VT, None).codes() == ("vt.end",)
    del leaf(pdf, 1)["/End"]
    assert look(saved(pdf), VT, None).codes() == ()
    assert look(saved(pdf), VT, 2).codes() == ("vt.count",)


def test_a_page_that_no_record_covers() -> None:
    pdf = with_records()
    drop(pdf)
    report = look(saved(pdf), VT, None)
    assert report.codes() == ("vt.pages",)
    assert report.findings[0].message == "pages 3-4 at the end: covered by no leaf"


def test_a_root_written_directly() -> None:
    pdf = with_records()
    node(pdf).Parent = pdf.Root
    pdf.Root.DPartRoot = Dictionary(pdf.Root.DPartRoot)
    assert set(look(saved(pdf), VT).codes()) == {"vt.root", "vt.tree"}  # nothing can point to it


def test_a_tree_without_end_is_stopped() -> None:
    pdf = with_records()
    above = node(pdf)
    for _ in range(60):
        below = pdf.make_indirect(Dictionary(Type=Name.DPart, Parent=above))
        above.DParts = Array([Array([below])])
        above = below
    assert "pdf.excess" in look(saved(pdf), VT).codes()


def test_records_are_judged_where_they_stand_or_as_the_press_says() -> None:
    data = saved(with_records())
    assert look(data, PROFILE).ok
    assert look(data, replace(PROFILE, records=False)).codes() == ("vt.presence",)
    assert look(saved(make()), VT).codes() == ("vt.presence",)
    pdf = with_records()
    del pdf.Root.DPartRoot
    assert look(saved(pdf), PROFILE).codes() == ("vt.presence",)  # it says PDF/VT-1 and is none
    with pytest.raises(ValueError, match="X-1a"):
        replace(X1A, records=True)


def told(changes: dict[str, str]) -> Spoil:
    """An XMP packet; as it stands it says PDF/X-4, so that line goes first."""

    def spoil(pdf: Pdf) -> None:
        text = XMP.replace("<pdfxid:GTS_PDFXVersion>PDF/X-4</pdfxid:GTS_PDFXVersion>", "")
        for old, new in changes.items():
            assert old in text
            text = text.replace(old, new)
        pdf.Root.Metadata = pdf.make_indirect(Stream(pdf, text.encode(), Type=Name.Metadata, Subtype=Name.XML))

    return spoil


def icc_of_version_4(pdf: Pdf) -> Stream:
    data = bytes(pdf.Root.OutputIntents[0].DestOutputProfile.read_bytes())
    return Stream(pdf, data[:8] + b"\x04" + data[9:], N=4)


def colour(space: Array) -> Spoil:
    return content(b"/New cs", ColorSpace=lambda pdf: Dictionary(New=space))


WHITE = Dictionary(WhitePoint=Array([0.95, 1, 1.09]))
SOFT = Dictionary(S=Name.Luminosity)
X1A_CASES: dict[str, tuple[str, Spoil]] = {
    "catalog version": ("x1a.version", root("Version", lambda pdf: Name("/1.6"))),
    "says nothing": ("x1a.identification", lambda pdf: pdf.trailer.Info.__delitem__("/GTS_PDFXVersion")),
    "says X-3": ("x1a.identification", info("GTS_PDFXVersion", "PDF/X-3:2003")),
    "half of the elder": ("x1a.identification", info("GTS_PDFXVersion", "PDF/X-1:2001")),
    "XMP with another title": ("x1a.xmp", told({">Cards<": ">Other<"})),
    "XMP with another date": ("x1a.xmp", told({"<xmp:ModifyDate>2026": "<xmp:ModifyDate>2025"})),
    "XMP with another standard": ("x1a.xmp", told({"<dc:title>": "<pdfxid:GTS_PDFXVersion>PDF/X-4</pdfxid:GTS_PDFXVersion><dc:title>"})),
    "XMP says trapped": ("x1a.xmp", told({'pdf:Trapped="False"': 'pdf:Trapped="True"'})),
    "XMP cut off": ("xmp.malformed", told({"</rdf:RDF></x:xmpmeta>": ""})),
    "records": ("x1a.records", root("DPartRoot", lambda pdf: Dictionary())),
    "no profile and no registry": (
        "x1a.intent",
        lambda pdf: (intent("DestOutputProfile", None)(pdf), intent("RegistryName", None)(pdf)),
    ),
    "profile elsewhere": ("x1a.intent", intent("DestOutputProfileRef", lambda pdf: Dictionary())),
    "profile of version 4": ("x1a.intent", intent("DestOutputProfile", icc_of_version_4)),
    "group on a page": ("x1a.page.group", put(Group=Dictionary(S=Name.Transparency, CS=Name.DeviceCMYK))),
    "group on a form": ("x1a.form.group", content(b"", XObject=form(Group=Dictionary(S=Name.Transparency)))),
    "soft mask": (
        "x1a.image.soft_mask",
        lambda pdf: image("SMask", pdf.make_indirect(Stream(
            pdf, bytes(4), Type=Name.XObject, Subtype=Name.Image, Width=900, Height=600, ColorSpace=Name.DeviceGray,
            BitsPerComponent=8)))(pdf),
    ),
    "alpha": ("x1a.gstate", content(b"", ExtGState=states(ca=0.5))),
    "alpha of strokes": ("x1a.gstate", content(b"", ExtGState=states(CA=0.99))),
    "blend mode": ("x1a.gstate", content(b"", ExtGState=states(BM=Array([Name.Multiply])))),
    "soft mask of a state": ("x1a.gstate", content(b"", ExtGState=states(SMask=SOFT))),
    "RGB": ("x1a.colour", content(b"1 0 0 rg 50 50 9 9 re f")),
    "RGB in art": ("x1a.colour", art(b"0 0 1 RG")),
    "Lab": ("x1a.colour", colour(Array([Name.Lab, WHITE]))),
    "calibrated grey": ("x1a.colour", colour(Array([Name.CalGray, WHITE]))),
    "calibrated RGB": ("x1a.colour", colour(Array([Name.CalRGB, WHITE]))),
    "spot over RGB": ("x1a.colour", colour(separation("Black", Name.DeviceRGB))),
    "tagged photo": (
        "x1a.colour",
        lambda pdf: image("ColorSpace", Array([Name.ICCBased, pdf.make_indirect(Stream(pdf, srgb(), N=3))]))(pdf),
    ),
    "grey replaced by a default": (
        "x1a.colour",
        content(b"0 g 50 50 9 9 re f", ColorSpace=lambda pdf: Dictionary(DefaultGray=Array([Name.CalGray, WHITE]))),
    ),
    "JPEG 2000": ("x1a.filter", image("Filter", Name.JPXDecode)),
    "JBIG2": ("x1a.filter", image("Filter", Name.JBIG2Decode, "Sign")),
    "16 bits": ("x1a.image.bits", image("BitsPerComponent", 16)),
    "OpenType": (
        "x1a.font",
        lambda pdf: resource(pdf, "Font", "F1").FontDescriptor.__setitem__(
            "/FontFile3", pdf.make_indirect(Stream(pdf, b"OTTO", Subtype=Name.OpenType))
        ),
    ),
    "layers": ("file.layers", root("OCProperties", lambda pdf: Dictionary(OCGs=Array()))),
    "two intents": ("intent.count", lambda pdf: pdf.Root.OutputIntents.append(pdf.Root.OutputIntents[0])),
    "intent for a monitor": ("intent.class", intent("DestOutputProfile", lambda pdf: Stream(pdf, srgb()[:8] + b"\2" + srgb()[9:], N=3))),
}  # fmt: skip


def test_x1a_passes_by_its_own_rules_and_no_other_standard_s() -> None:
    report = look(saved_x1a(as_x1a()), X1A)
    assert report.findings == () and report.ok
    looked = {run.code: run.subjects for run in report.runs}
    assert all(count for code, count in looked.items() if code.startswith("x1a.") and code != "x1a.xmp"), looked
    foreign = {check.code for check in CHECKS if check.only == "X-4"}
    assert {"xmp.pdfx", "pdf.version", "page.blend_space", "colour.rgb", "vt.tree"} <= foreign
    assert not foreign & set(looked)
    assert report.facts.standard == "PDF/X-1a:2003"
    assert not any(run.code.startswith("x1a.") for run in look(saved(make())).runs)


@pytest.mark.parametrize("name", X1A_CASES)
def test_one_thing_of_x1a_broken_gives_one_code(name: str) -> None:
    code, spoil = X1A_CASES[name]
    pdf = as_x1a()
    spoil(pdf)
    report = look(saved_x1a(pdf), X1A)
    assert {finding.code for finding in report.findings} == {code}, report.findings
    assert not report.ok and all(finding.remedy for finding in report.findings)


def test_the_elder_x1a_and_an_xmp_that_agrees_pass_too() -> None:
    pdf = as_x1a()
    pdf.trailer.Info.GTS_PDFXVersion, pdf.trailer.Info.GTS_PDFXConformance = "PDF/X-1:2001", "PDF/X-1a:2001"
    told({})(pdf)
    assert look(saved_x1a(pdf, force_version="1.3"), X1A).ok


def test_x1a_s_container() -> None:
    assert look(saved_x1a(as_x1a(), force_version="1.6"), X1A).codes() == ("x1a.version",)
    generate = pikepdf.ObjectStreamMode.generate
    packed = saved_x1a(as_x1a(), object_stream_mode=generate, force_version="1.5")
    assert look(packed, X1A).codes() == ("x1a.compressed_objects", "x1a.version")


def test_a_file_of_the_one_standard_is_none_of_the_other() -> None:
    found = look(saved(make()), X1A).codes()
    assert set(found) == {
        "x1a.version", "x1a.identification", "x1a.page.group", "x1a.image.soft_mask", "x1a.gstate", "x1a.colour", "x1a.xmp",
    }  # fmt: skip
    assert set(look(saved_x1a(as_x1a())).codes()) == {"pdf.version", "xmp.missing"}


def registration(data: bytes) -> Spoil:
    return content(
        b"/Reg cs /Reg CS 1 scn 1 SCN " + data,
        ColorSpace=lambda pdf: Dictionary(Reg=separation("All", Name.DeviceCMYK)),
    )


INSIDE = {
    "a rectangle": b"100 100 5 5 re f",
    "a line": b"100 100 m 120 100 l S",
    "a mark that reaches in": b"2 100 m 12 100 l S",
    "a turned rectangle": b"q .7 .7 -.7 .7 100 100 cm 0 0 5 5 re f Q",
    "text": b"BT /F1 9 Tf 100 100 Td (No) Tj ET",
    "a stencil": b"q 24 0 0 8 100 100 cm /Sign Do Q",
    "a curve": b"100 100 m 100 140 110 150 120 160 c f",
}
OUTSIDE = {
    "crop marks": b"0.25 w 2 9 m 7 9 l S 9 2 m 9 7 l S 371 513 m 376 513 l S",
    "a bar": b"100 1 50 5 re f",
    "clipped to outside": b"q 0 0 378 5 re W n 100 1 50 50 re f Q",
    "no tint": b"0 scn 100 100 5 5 re f",
    "a clip only": b"q 100 100 5 5 re W n Q",
}


@pytest.mark.parametrize("name", INSIDE)
def test_registration_colour_on_the_card_is_an_error_and_on_a_sheet_none(name: str) -> None:
    data = broken(registration(INSIDE[name]))
    assert look(data).codes() == ("colour.registration",)
    sheet = replace(PROFILE, imposed=True, pages_per_piece=None, bleed=0)
    assert look(data, sheet, None).codes() == ()


@pytest.mark.parametrize("name", OUTSIDE)
def test_registration_colour_beside_the_card_is_right(name: str) -> None:
    assert look(broken(registration(OUTSIDE[name]))).findings == ()


def test_a_sheet_is_not_asked_for_bleed() -> None:
    short = broken(content(b"0 .2 0 0 k 9 9 360 504 re f"))
    assert look(short).codes() == ("art.bleed",)
    assert look(short, replace(PROFILE, imposed=True)).codes() == ()


def test_every_check_of_these_is_broken_by_some_case() -> None:
    tried = {code for code, _ in VT_CASES.values()} | {code for code, _ in X1A_CASES.values()}
    tried |= {"vt.end", "vt.count", "x1a.compressed_objects", "colour.registration"}
    ours = {code for code in BY_CODE if code.startswith(("vt.", "x1a."))} | {"colour.registration"}
    assert len(ours) == 26
    assert ours - tried == set()


def test_blend_space_of_the_page_and_of_forms() -> None:
    """A page that blends says in which colours; one in grey or in tagged RGB mixes them elsewhere than on the press."""
    for space in (Name.DeviceGray, Array([Name.CalRGB, WHITE])):
        data = broken(put(Group=Dictionary(S=Name.Transparency, CS=space)))
        assert look(data).codes() == ("page.blend_space",)
    inherited = broken(put(Group=Dictionary(S=Name.Transparency)))
    assert look(inherited).codes() == ("page.blend_space",)
    bare = make()
    for page in bare.pages:
        del page.obj.Group
    assert look(saved(bare)).codes() == ("page.blend_space",)
    del resource(bare, "ExtGState", "Soft")["/ca"], resource(bare, "XObject", "Photo")["/SMask"]
    assert look(saved(bare)).codes() == ()  # where nothing is transparent nothing blends
