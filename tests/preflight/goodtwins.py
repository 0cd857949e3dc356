"""The good file's twins: with the records of PDF/VT-1, and as PDF/X-1a."""

from __future__ import annotations

import zlib
from collections.abc import Callable

from goodfile import PROFILE, XMP, make, saved
from pikepdf import Array, Dictionary, Name, Pdf, Stream

from cardpipe.preflight.profile import Profile

VT_XMP = XMP.replace(
    "<pdfxid:", '<v:GTS_PDFVTVersion xmlns:v="http://www.npes.org/pdfvt/ns/id/">PDF/VT-1</v:GTS_PDFVTVersion>'
    '<v:GTS_PDFVTModDate xmlns:v="http://www.npes.org/pdfvt/ns/id/">2026-11-21T11:00:00Z</v:GTS_PDFVTModDate><pdfxid:',
    1,
)  # fmt: skip
VT = Profile(name="digital", trim=PROFILE.trim, bleed=9, records=True)
X1A = Profile(name="old plant", standard="X-1a", trim=PROFILE.trim, bleed=9)
Spoil = Callable[[Pdf], object]


def with_records() -> Pdf:
    """Two records of two pages each."""
    pdf = make()
    root = pdf.make_indirect(Dictionary(Type=Name.DPartRoot, RecordLevel=1))
    root.NodeNameList = Array([Name.Batch, Name.Record])
    batch = pdf.make_indirect(Dictionary(Type=Name.DPart, Parent=root))
    root.DPartRootNode = batch
    leaves = []
    for number in range(2):
        first, last = (pdf.pages[number * 2 + n].obj for n in (0, 1))
        leaf = pdf.make_indirect(Dictionary(Type=Name.DPart, Parent=batch, Start=first, End=last))
        leaf.DPM = Dictionary(
            Cardpipe=Dictionary(Sequence=number + 1, Code="CP1", Inserts=Array(["a", "b"]), Seed=False)
        )
        first.DPart = last.DPart = leaf
        leaves.append(leaf)
    batch.DParts = Array([Array(leaves)])
    pdf.Root.DPartRoot = root
    pdf.Root.Metadata.write(VT_XMP.encode())
    return pdf


def as_x1a() -> Pdf:
    """The same card without transparency or anything but CMYK, in PDF 1.4, without XMP."""
    pdf = make()
    held = pdf.pages[0].obj.Resources
    held.XObject.Photo = pdf.make_indirect(
        Stream(
            pdf,
            zlib.compress(bytes(900 * 600 * 4), 1),
            Type=Name.XObject,
            Subtype=Name.Image,
            Width=900,
            Height=600,
            ColorSpace=Name.DeviceCMYK,
            BitsPerComponent=8,
            Filter=Name.FlateDecode,
        )
    )
    held.ExtGState.Soft = pdf.make_indirect(Dictionary(Type=Name.ExtGState, ca=1, BM=Name.Normal, SMask=Name("/None")))
    for page in pdf.pages:
        del page.obj.Group
    del pdf.Root.Metadata
    pdf.trailer.Info.GTS_PDFXVersion = "PDF/X-1a:2003"
    return pdf


def saved_x1a(pdf: Pdf, **options: object) -> bytes:
    return saved(pdf, **({"force_version": "1.4"} | options))
