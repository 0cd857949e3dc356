"""What a file says of itself and in which colours it speaks: PDF/X-1a, photos in four inks, the registration colour."""

from __future__ import annotations

import dataclasses
import io
import re

import pikepdf
import pytest
import simplejpeg
from piecemaking import (
    ART_KEY,
    BLUE,
    MEDIA,
    SRGB_KEY,
    STAMP,
    TRIM,
    X1A,
    blank,
    fine_card,
    fragment,
    look,
    merged,
    numbered,
    photo,
    plates,
    shared,
)
from PIL import Image

from cardpipe.model.errors import Bug
from cardpipe.model.units import Box
from cardpipe.prepress.fragment import Fragment, build
from cardpipe.prepress.merge import Merge
from cardpipe.prepress.page import REGISTRATION, Art, Ink, Page, Photo, Rect, Slot
from cardpipe.prepress.raster import opened

#: Of everything that would be cyan, magenta, yellow, black, brown and paper: shares from 0 to 255.
SWATCHES = [(255, 0, 0, 0), (0, 255, 0, 0), (0, 0, 255, 0), (0, 0, 0, 255), (51, 128, 204, 0), (0, 0, 0, 0)]


def test_the_file_for_plates_says_so_in_info_and_has_nothing_that_plates_lack() -> None:
    grey = dataclasses.replace(fine_card()[0], marks=(Art(ART_KEY), photo(grey=True)))
    data = merged([plates(), plates([grey])], numbered(1), X1A)
    assert data.startswith(b"%PDF-1.4\n")
    for word in (b"CalGray", b"CalRGB", b"ICCBased", b"/Lab", b"DeviceRGB", b"/SMask", b"/Group", b"/ca ", b"/CA ", b"/BM",
                 b"DPart", b"/ObjStm", b"/XRef ", b"/OCProperties", b"/Metadata", b"JPXDecode", b"LZWDecode"):  # fmt: skip
        assert word not in data, word
    with pikepdf.open(io.BytesIO(data)) as pdf:
        assert pdf.check_pdf_syntax() == []
        info = pdf.trailer.Info
        assert sorted(info.keys()) == [
            "/CreationDate", "/Creator", "/GTS_PDFXVersion", "/ModDate", "/Producer", "/Title", "/Trapped",
        ]  # fmt: skip
        assert str(info.GTS_PDFXVersion) == "PDF/X-1a:2003" and info.Trapped == pikepdf.Name("/False")
        profiles = [obj for obj in pdf.objects if isinstance(obj, pikepdf.Stream) and "/N" in obj]
        assert [obj.objgen for obj in profiles] == [pdf.Root.OutputIntents[0].DestOutputProfile.objgen]
        spaces = [
            str(obj.ColorSpace) for obj in pdf.objects if isinstance(obj, pikepdf.Stream) and "/ColorSpace" in obj
        ]
        assert sorted(spaces) == ["/DeviceCMYK", "/DeviceGray"]
    assert merged([plates(), plates([grey])], numbered(1), X1A) == data


def test_the_inspector_passes_a_file_for_plates() -> None:
    report = look(merged([plates()], numbered(1), X1A), 1, standard="X-1a")
    assert report.complete
    assert [finding for finding in report.findings if finding.level == "error"] == []


def test_fragments_of_one_standard_do_not_get_into_a_file_of_another() -> None:
    for one, stamp in ((fragment(), X1A), (plates(), STAMP)):
        with pytest.raises(Bug, match="X-1a"):
            merged([one], stamp=stamp)


def test_records_need_x4() -> None:
    with pytest.raises(Bug, match="X-4"):
        dataclasses.replace(X1A, records=True)


def swatches(how: str) -> bytes:
    """Six fields in a row as a JPEG, each 48 px wide."""
    picture = Image.new("CMYK", (288, 48))
    for place, shares in enumerate(SWATCHES):
        picture.paste(shares, (48 * place, 0, 48 * place + 48, 48))
    if how == "pillow":
        out = io.BytesIO()
        picture.save(out, "JPEG", quality=95, subsampling=0)
        return out.getvalue()
    import numpy as np

    made: bytes = simplejpeg.encode_jpeg(np.ascontiguousarray(255 - np.asarray(picture)), 95, "CMYK", "444")
    return made


@pytest.mark.parametrize("how", ["pillow", "turbo"])
@pytest.mark.parametrize("output", ["X-1a", "X-4"])
def test_a_photo_in_four_inks_prints_these_inks(how: str, output: str) -> None:
    """The photo above, the same inks as flat colour below: each pair must look alike, to two strangers."""
    marks = [Photo(Box(6, 100, 288, 48), swatches(how), 288, 48, cmyk=True)]
    fields = [Rect(Box(6 + 48 * at, 40, 48, 48), Ink("x", *(s / 255 for s in ink))) for at, ink in enumerate(SWATCHES)]
    page = Page("outside", MEDIA, Box(0, 0, 300, 200), (*marks, *fields))
    stamp = dataclasses.replace(STAMP, output=output)  # type: ignore[arg-type]
    data = merged([Fragment(io.BytesIO(build([page], SRGB_KEY, output)))], stamp=stamp)  # type: ignore[arg-type]
    assert compared(data) <= 6
    negative = data.replace(b"/Decode [1 0 1 0 1 0 1 0]", b"/Decode [0 1 0 1 0 1 0 1]")
    assert compared(negative) > 150, "this test sees a photo printed as its own negative"
    with pikepdf.open(io.BytesIO(data)) as pdf:
        picture = pikepdf.PdfImage(pdf.pages[0].Resources.XObject.P0).as_pil_image()
        assert picture.mode == "CMYK"
        for at, ink in enumerate(SWATCHES):
            found = picture.getpixel((48 * at + 24, 24))
            assert max(abs(a - b) for a, b in zip(found, ink, strict=True)) <= 3  # type: ignore[arg-type]


def compared(data: bytes) -> int:
    """How far photo and flat colour differ at most, in 255 parts."""
    with opened(data) as document:
        pixels = document.pixels(0, 72).astype(int)
    return max(abs(pixels[200 - 124, 30 + 48 * at] - pixels[200 - 64, 30 + 48 * at]).max() for at in range(6))


def test_the_registration_colour_is_one_separation_over_all_plates() -> None:
    mark = Rect(Box(0, 0, 5, 5), REGISTRATION)
    pages = [Page("a", MEDIA, TRIM, (mark, Slot("match_code", Box(240, 20, 40, 20)))), Page("b", MEDIA, TRIM, (mark,))]
    data = merged([fragment(pages)], lambda page, slot: (Rect(slot.box, REGISTRATION), Rect(slot.box, BLUE)))
    assert data.count(b"/Separation") == 1
    with pikepdf.open(io.BytesIO(data)) as pdf:
        spaces = {page.Resources.ColorSpace.CSAll.objgen for page in pdf.pages}
        assert len(spaces) == 1
        kind, name, base, tint = pdf.pages[0].Resources.ColorSpace.CSAll
        assert (str(kind), str(name), str(base)) == ("/Separation", "/All", "/DeviceCMYK")
        assert (tint.FunctionType, list(tint.C0), list(tint.C1)) == (2, [0, 0, 0, 0], [1, 1, 1, 1])
        assert b"/CSAll cs 1 scn" in pdf.pages[0].obj.Contents[1].read_bytes()
    with opened(data) as document:
        assert document.pixels(0, 72)[-3, 2].max() < 60


def test_a_spot_colour_that_comes_only_with_a_slot_is_there() -> None:
    data = merged([fragment()], lambda page, slot: (Rect(slot.box, Ink("Foil gold", 0, 0.2, 0.6, 0.1, spot=True)),))
    with pikepdf.open(io.BytesIO(data)) as pdf:
        ((key, space),) = pdf.pages[0].Resources.ColorSpace.items()
        assert (key, str(space[1])) == ("/CSFoil gold", "/Foil gold")
        assert "/ColorSpace" not in pdf.pages[1].Resources


def test_one_spot_colour_has_one_recipe_in_a_file() -> None:
    dies = [Ink("Dieline", 0, 1, 0, share, spot=True) for share in (0, 1)]
    with pytest.raises(Bug, match="two ways"):
        merged([fragment([Page("a", MEDIA, TRIM, (Rect(Box(0, 0, 5, 5), die),))]) for die in dies])


def test_words_that_are_not_ascii_keep_their_letters() -> None:
    stamp = dataclasses.replace(STAMP, title="Größe (A7) Ł", condition_info="GRACoL – coated", condition="a\\b")
    with pikepdf.open(io.BytesIO(merged([fragment()], stamp=stamp))) as pdf:
        assert str(pdf.trailer.Info.Title) == "Größe (A7) Ł"
        assert str(pdf.Root.OutputIntents[0].Info) == "GRACoL – coated"
        assert str(pdf.Root.OutputIntents[0].OutputConditionIdentifier) == "a\\b"


def test_art_is_written_before_its_first_page_and_once() -> None:
    asked: list[str] = []
    kept = shared()

    def art(digest: str) -> list:  # type: ignore[type-arg]
        asked.append(digest)
        return kept.art(digest)

    sink = io.BytesIO()
    merge = Merge(sink, dataclasses.replace(kept, art=art), STAMP)
    for _ in range(3):
        merge.add(fragment(), blank)
    assert asked == ["meadow"]
    merge.finish()
    assert asked == ["meadow"]
    first = re.search(rb"/A0 (\d+) 0 R", sink.getvalue())
    assert first and sink.getvalue().index(b"\n%s 0 obj" % first[1]) < sink.getvalue().index(b"/Type /Page ")


def test_a_piece_without_pages_is_a_bug() -> None:
    with pytest.raises(Bug, match="without pages"):
        merged([Fragment(io.BytesIO(build([], SRGB_KEY)))])
