"""A font, a profile and a spot colour as PDF objects, written once a file: the font as a subset over all that the file
prints."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache

from cardpipe.model.errors import Bug
from cardpipe.prepress.content import pdf_name
from cardpipe.prepress.font import Font
from cardpipe.prepress.fragment import Part, flate

#: How a font's file is made for these glyphs.
Subset = Callable[[Font, Iterable[int]], bytes]


def font_parts(font: Font, name: str, glyphs: Mapping[int, str], subset: Subset = Font.subset) -> list[Part]:
    """A Type 0 font (Identity-H, CIDFontType2) with a subset of just these glyphs, their widths and a ToUnicode map.

    The first part is the font itself. ISO 32000-1, 9.7.4 and 9.10.3. Glyph ids are retained by the subsetter, so
    that content streams written long before keep their meaning.
    """
    if 0 in glyphs:
        raise Bug("a missing glyph reached the page")
    ids = sorted(glyphs)
    tag = _tag(font.digest)
    base = f"{tag}+{name}"
    scale = 1000 / font.units
    widths = " ".join(f"{gid} [{round(font.advance(gid) * scale)}]" for gid in ids)
    data = subset(font, ids)
    ascent, descent, cap = (round(v * 1000) for v in (font.ascent, font.descent, font.cap_height))
    descriptor = (
        f"<< /Type /FontDescriptor /FontName /{base} /Flags 4 /FontBBox [-500 {descent} 2000 {ascent}] /ItalicAngle 0 "
        f"/Ascent {ascent} /Descent {descent} /CapHeight {cap} /StemV 80 /FontFile2 "
    )
    return [
        Part([f"<< /Type /Font /Subtype /Type0 /BaseFont /{base} /Encoding /Identity-H /DescendantFonts [", 1,
              "] /ToUnicode ", 4, " >>"]),
        Part([f"<< /Type /Font /Subtype /CIDFontType2 /BaseFont /{base} /CIDSystemInfo << /Registry (Adobe) "
              "/Ordering (Identity) /Supplement 0 >> /CIDToGIDMap /Identity /DW 1000 "
              f"/W [{widths}] /FontDescriptor ", 2, " >>"]),
        Part([descriptor, 3, " >>"]),
        _file(data),
        flate([""], _to_unicode(base, glyphs)),
    ]  # fmt: skip


@lru_cache(maxsize=4)  # of the throw-away files of single pieces many have the same
def _file(data: bytes) -> Part:
    return flate([f"/Length1 {len(data)}"], data)


@lru_cache(maxsize=4)  # deflating a press's profile takes as long as merging a hundred pieces
def profile_parts(icc: bytes) -> tuple[Part, ...]:
    """An ICC profile as a stream; its number of components is read from the profile itself (ICC.1, 7.2.6)."""
    components = {b"RGB ": 3, b"CMYK": 4, b"GRAY": 1}.get(icc[16:20])
    if components is None or icc[36:40] != b"acsp":
        raise Bug("this is no ICC profile of a printing colour space")
    alternate = {3: "/DeviceRGB", 4: "/DeviceCMYK", 1: "/DeviceGray"}[components]
    return (flate([f"/N {components} /Alternate {alternate}"], icc),)


def spot_parts(recipe: str) -> list[Part]:
    """A spot colour as a Separation over CMYK; the recipe is four shares and, after a colon, its name.

    ISO 32000-1, 8.6.6.4. The tint goes in a straight line from paper to the four shares.
    """
    shares, _, name = recipe.partition(":")
    tint = f"<< /FunctionType 2 /Domain [0 1] /C0 [0 0 0 0] /C1 [{shares}] /N 1 >>"
    return [Part([f"[/Separation /{pdf_name(name)} /DeviceCMYK {tint}]"])]


def _tag(digest: str) -> str:
    """Six capitals for a subset's name (ISO 32000-1, 9.6.4), from the font's digest."""
    return "".join(chr(65 + int(digest[i : i + 4], 16) % 26) for i in range(0, 24, 4))


def _to_unicode(name: str, glyphs: Mapping[int, str]) -> bytes:
    pairs = [(gid, text) for gid, text in sorted(glyphs.items()) if text]
    lines = [
        "/CIDInit /ProcSet findresource begin 12 dict begin begincmap",
        "/CIDSystemInfo << /Registry (Adobe) /Ordering (UCS) /Supplement 0 >> def",
        f"/CMapName /{name}-UCS def /CMapType 2 def",
        "1 begincodespacerange <0000> <ffff> endcodespacerange",
    ]
    for start in range(0, len(pairs), 100):
        block = pairs[start : start + 100]
        lines.append(f"{len(block)} beginbfchar")
        lines += [f"<{gid:04x}> <{text.encode('utf-16-be').hex()}>" for gid, text in block]
        lines.append("endbfchar")
    lines.append("endcmap CMapName currentdict /CMap defineresource pop end end")
    return "\n".join(lines).encode()
