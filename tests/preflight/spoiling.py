"""Ways to break one thing of the good file."""

from __future__ import annotations

from collections.abc import Callable

import pikepdf
from goodfile import ART, PAGE, XMP
from pikepdf import Array, Dictionary, Name, Pdf, Stream

Spoil = Callable[[Pdf], object]


def first(pdf: Pdf) -> Dictionary:
    return pdf.pages[0].obj


def resource(pdf: Pdf, kind: str, name: str) -> pikepdf.Object:
    return first(pdf).Resources[f"/{kind}"][f"/{name}"]


def put(**entries: object) -> Spoil:
    """Set entries of the first page; None removes one."""

    def spoil(pdf: Pdf) -> None:
        for key, value in entries.items():
            if value is None:
                del first(pdf)[f"/{key}"]
            else:
                first(pdf)[f"/{key}"] = value

    return spoil


def info(key: str, value: object) -> Spoil:
    return lambda pdf: pdf.trailer.Info.__setitem__(f"/{key}", value)


def root(key: str, make_value: Spoil) -> Spoil:
    return lambda pdf: pdf.Root.__setitem__(f"/{key}", make_value(pdf))


def xmp(old: str, new: str) -> Spoil:
    assert old in XMP
    return lambda pdf: pdf.Root.Metadata.write(XMP.replace(old, new).encode())


def content(extra: bytes, **resources: Callable[[Pdf], Dictionary]) -> Spoil:
    """Append operators to the first page, and resources to those all pages share."""

    def spoil(pdf: Pdf) -> None:
        first(pdf).Contents = pdf.make_indirect(Stream(pdf, PAGE % 100 + extra))
        for kind, entries in resources.items():
            held = first(pdf).Resources
            if f"/{kind}" not in held:
                held[f"/{kind}"] = Dictionary()
            for name, value in entries(pdf).items():
                held[f"/{kind}"][name] = value

    return spoil


def states(**entries: object) -> Callable[[Pdf], Dictionary]:
    return lambda pdf: Dictionary(New=pdf.make_indirect(Dictionary(Type=Name.ExtGState, **entries)))  # type: ignore[arg-type]


def art(data: bytes) -> Spoil:
    return lambda pdf: resource(pdf, "XObject", "Art").write(ART + b"\n" + data)


def image(key: str, value: object, of: str = "Photo") -> Spoil:
    return lambda pdf: resource(pdf, "XObject", of).__setitem__(f"/{key}", value)


def icc(n: int, data: bytes) -> Spoil:
    def spoil(pdf: Pdf) -> None:
        profile = pdf.make_indirect(Stream(pdf, data, N=n))
        resource(pdf, "XObject", "Photo").ColorSpace = Array([Name.ICCBased, profile])

    return spoil


def intent(key: str, make_value: Spoil | None) -> Spoil:
    def spoil(pdf: Pdf) -> None:
        entry = pdf.Root.OutputIntents[0]
        if make_value is None:
            del entry[f"/{key}"]
        else:
            entry[f"/{key}"] = make_value(pdf)

    return spoil


def annotation(**entries: object) -> Spoil:
    row = {"Type": Name.Annot, "Subtype": Name.Link, "Rect": Array([100, 100, 200, 200])} | entries
    return lambda pdf: put(Annots=Array([pdf.make_indirect(Dictionary(**row))]))(pdf)  # type: ignore[arg-type]


def lzw(pdf: Pdf) -> Stream:
    """The LZW code of no byte at all: clear, end."""
    return pdf.make_indirect(Stream(pdf, bytes.fromhex("80 40 40"), Filter=Name.LZWDecode))


def separation(name: str, over: Name) -> Array:
    tint = Dictionary(FunctionType=2, Domain=Array([0, 1]), N=1, C0=Array([0] * 4), C1=Array([0, 0, 0, 1]))
    return Array([Name.Separation, Name(f"/{name}"), over, tint])


def lz_image(pdf: Pdf) -> Dictionary:
    row = {"Width": 1, "Height": 1, "ColorSpace": Name.DeviceGray, "BitsPerComponent": 8, "Filter": Name.LZWDecode}
    data = bytes.fromhex("80 00 20 20")
    return Dictionary(New=pdf.make_indirect(Stream(pdf, data, Type=Name.XObject, Subtype=Name.Image, **row)))


def form(data: bytes = b"", **entries: object) -> Callable[[Pdf], Dictionary]:
    def value(pdf: Pdf) -> Dictionary:
        row = {"Type": Name.XObject, "Subtype": Name.Form, "BBox": Array([0, 0, 9, 9])} | entries
        return Dictionary(New=pdf.make_indirect(Stream(pdf, data, **row)))

    return value


def unembedded(pdf: Pdf) -> Dictionary:
    return Dictionary(F9=Dictionary(Type=Name.Font, Subtype=Name.Type1, BaseFont=Name.Helvetica))


def type3(pdf: Pdf) -> Dictionary:
    row = {"FontBBox": Array([0, 0, 1, 1]), "FontMatrix": Array([1, 0, 0, 1, 0, 0]), "CharProcs": Dictionary()}
    return Dictionary(F9=Dictionary(Type=Name.Font, Subtype=Name.Type3, **row))  # type: ignore[arg-type]
