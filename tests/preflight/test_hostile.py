"""Files that are no card files: the inspector reports, in little time and memory, and never raises."""

from __future__ import annotations

import io
import time
import tracemalloc
import zlib

import pytest
from goodfile import PAGE, PROFILE, broken, jpeg, look, make, saved
from pikepdf import Array, Dictionary, Name, Pdf, Stream
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen.canvas import Canvas

from cardpipe.model.finding import Level
from cardpipe.preflight import document, walk
from cardpipe.preflight.inspector import inspect

GOOD = saved(make())


@pytest.mark.parametrize(
    "data",
    [b"", b"hello", b"%PDF-1.6\n", b"%PDF-1.6\n%%EOF\n", bytes(5000), GOOD[:20_000], GOOD[:150_000], GOOD[-9_000:]],
    ids=["empty", "text", "header", "shell", "zeros", "start", "half", "end"],
)
def test_what_is_no_pdf_is_damaged(data: bytes) -> None:
    report = look(data)
    assert "pdf.damaged" in report.codes()
    assert not report.ok and not report.complete


def test_a_file_cut_off_by_a_few_bytes_is_mended_by_the_library_and_still_damaged() -> None:
    report = look(GOOD[:-20])
    assert {"pdf.damaged", "pdf.eof"} <= set(report.codes())
    assert report.facts.pages == 4


def test_a_closed_stream_is_a_finding_too() -> None:
    stream = io.BytesIO(GOOD)
    stream.close()
    assert inspect(stream, PROFILE).codes() == ("pdf.damaged",)


@pytest.mark.parametrize("step", range(24))
def test_any_flipped_bytes_give_a_report(step: int) -> None:
    """Objects and cross-references at the file's end, where every byte has a meaning."""
    data = bytearray(GOOD)
    for place in range(len(data) - 6_000 + step * 7, len(data), 241):
        data[place] = (data[place] + 1 + step) % 256
    report = look(bytes(data))
    assert report.runs and report.to_json() and report.to_text()
    assert not report.ok


def test_a_page_tree_that_bites_its_tail() -> None:
    report = look(_with_loop())
    assert "pdf.damaged" in report.codes() and not report.complete
    assert {run.code: run.subjects for run in report.runs}["page.count"] == 0


def _with_loop() -> bytes:
    """The library refuses to write such a file, so the first kid's reference is patched into the tree's own."""
    root = int(GOOD.partition(b"/Pages ")[2].split()[0])
    kids = GOOD.index(b"]", GOOD.index(b"/Kids", GOOD.index(b"\n%d 0 obj" % root)))
    start = GOOD.rindex(b"[", 0, kids) + 1
    return GOOD[:start] + (b" %d 0 R" % root).ljust(kids - start) + GOOD[kids:]


def test_a_deflate_bomb_stays_small() -> None:
    bomb = zlib.compress(bytes(100 << 20), 6)

    def spoil(pdf: Pdf) -> None:
        pdf.pages[1].obj.Contents = pdf.make_indirect(Stream(pdf, bomb, Filter=Name.FlateDecode))

    data = broken(spoil)
    tracemalloc.start()
    report = look(data)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert report.codes() == ("pdf.excess",) and not report.complete
    assert [finding.where for finding in report.findings] == ["page 2"]
    assert peak < 4 * document.CONTENT_LIMIT


def test_a_bomb_in_lzw_is_not_unpacked() -> None:
    def spoil(pdf: Pdf) -> None:
        pdf.pages[1].obj.Contents = pdf.make_indirect(Stream(pdf, bytes(100_000), Filter=Name.LZWDecode))

    assert look(broken(spoil)).codes() == ("pdf.excess",)


def _nest(pdf: Pdf, depth: int, fan: int) -> Stream:
    """A form that draws a form ``fan`` times, each time smaller, and so on."""
    inner = None
    for _ in range(depth):
        held = Dictionary() if inner is None else Dictionary(XObject=Dictionary(X=inner))
        data = b"" if inner is None else b"".join(b"q .%d 0 0 .9 0 0 cm /X Do Q " % (91 + n) for n in range(fan))
        row = {"Type": Name.XObject, "Subtype": Name.Form, "BBox": Array([0, 0, 9, 9]), "Resources": held}
        inner = pdf.make_indirect(Stream(pdf, data, **row))
    assert inner is not None
    return inner


@pytest.mark.parametrize(("depth", "fan"), [(20, 8), (3000, 1)], ids=["laughs", "well"])
def test_forms_within_forms_without_end(depth: int, fan: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(walk, "PAGE_WORK", 50_000)

    def spoil(pdf: Pdf) -> None:
        pdf.pages[0].obj.Resources.XObject.New = _nest(pdf, depth, fan)
        pdf.pages[0].obj.Contents = pdf.make_indirect(Stream(pdf, PAGE % 1 + b"/New Do"))

    start = time.perf_counter()
    report = look(broken(spoil))
    assert "pdf.excess" in report.codes() and not report.ok
    assert time.perf_counter() - start < 8


def test_a_form_that_draws_itself() -> None:
    def spoil(pdf: Pdf) -> None:
        art = pdf.pages[0].obj.Resources.XObject.Art
        art.Resources.XObject = Dictionary(Me=art)
        art.write(b"/Me Do")

    assert look(broken(spoil)).codes() == ("pdf.damaged",)


def test_a_ring_of_bookmarks_and_a_ring_of_colour_spaces() -> None:
    def ring(pdf: Pdf) -> None:
        one = pdf.make_indirect(Dictionary(Title="a"))
        one.Next = one
        pdf.Root.Outlines = Dictionary(First=one)

    assert look(broken(ring)).codes() == ("pdf.excess",)

    def spaces(pdf: Pdf) -> None:
        space = pdf.make_indirect(Array([Name.Indexed, Name.DeviceRGB, 0]))
        space[1] = space
        pdf.pages[0].obj.Resources.XObject.Photo.ColorSpace = space

    assert "pdf.damaged" in look(broken(spaces)).codes()


def test_values_of_wrong_types_everywhere() -> None:
    def spoil(pdf: Pdf) -> None:
        page = pdf.pages[0].obj
        page.TrimBox = Array([1, Name.X, 3])
        page.Annots = Dictionary()
        page.Rotate = Name.Ninety
        page.Resources.Font.F1 = 7
        page.Resources.XObject.Art.BBox = 3
        page.Resources.ExtGState.Soft.ca = Name.Half
        pdf.Root.OutputIntents = 5
        pdf.trailer.Info.Title = 5
        pdf.Root.ViewerPreferences = Array()

    report = look(broken(spoil))
    assert {"page.trim", "intent.count", "info.keys", "content.missing"} >= set(report.codes()) - {"pdf.damaged"}
    assert "page.trim" in report.codes()


def test_what_reportlab_writes_by_default() -> None:
    out = io.BytesIO()
    canvas = Canvas(out, pagesize=(378, 522), pageCompression=1, invariant=1)
    canvas.setFillColorRGB(1, 0, 0)
    canvas.rect(0, 0, 378, 522, stroke=0, fill=1)
    canvas.drawImage(ImageReader(io.BytesIO(jpeg())), 40, 40, 100, 100)
    canvas.showPage()
    canvas.save()
    report = look(out.getvalue(), pieces=None)
    assert report.codes() == (
        "colour.rgb",
        "font.embedded",
        "intent.count",
        "page.bleedbox",
        "page.presentation",
        "page.trim",
        "pdf.version",
        "xmp.missing",
    )
    fonts = [finding for finding in report.findings if finding.code == "font.embedded"]
    assert [finding.message for finding in fonts] == ["Helvetica (Type1) is referred to and not embedded"]
    assert {finding.where for finding in report.findings if finding.code == "colour.rgb"} >= {"page 1, operator rg"}
    assert report.codes(Level.WARNING) == ()
