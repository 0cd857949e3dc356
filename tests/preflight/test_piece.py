"""The gate for one piece, a design's art by itself, and what a file claims to be."""

from __future__ import annotations

import io
import time
from collections.abc import Callable
from dataclasses import replace

import pikepdf
import pytest
from goodfile import ART, PRESS, PROFILE, broken, look, make, saved
from goodtwins import X1A, as_x1a, saved_x1a, with_records
from piecemaking import STAMP, TRIM, blank, card, fragment, shared
from pikepdf import Array, Dictionary, Name, Pdf
from spoiling import annotation, form, put, root, separation, states, unembedded

from cardpipe.model.units import Box
from cardpipe.preflight import claim, inspector, piece
from cardpipe.preflight.art import inspect_art
from cardpipe.preflight.catalogue import BY_CODE
from cardpipe.preflight.check import Check
from cardpipe.preflight.piece import SUBJECTS_OF_PAGES, inspect_pages, stand_ins
from cardpipe.preflight.profile import Profile
from cardpipe.prepress.font import Font
from cardpipe.prepress.fragment import Fragment, build
from cardpipe.prepress.merge import Merge
from cardpipe.prepress.page import BLACK, Page, Rect

Spoil = Callable[[Pdf], object]


def drafted(pages: list[Page]) -> io.BytesIO:
    """A piece as a throw-away file."""
    sink = io.BytesIO()
    merge = Merge(sink, stand_ins(shared()), STAMP)
    merge.add(Fragment(io.BytesIO(build(pages, "icc:srgb"))), blank)
    merge.finish()
    return sink


FLOOR = Profile(name="test press", trim=TRIM.size, bleed=9, ppi_error=30, ppi_warning=30, mask_ppi_error=30, mask_ppi_warning=30)  # fmt: skip


def test_a_good_piece_passes_without_what_a_batch_shares() -> None:
    draft = drafted(card())
    assert len(draft.getvalue()) < 30_000 < len(PRESS)
    report = inspect_pages(draft, FLOOR)
    assert report.findings == () and report.ok and report.facts.pages == 2
    looked = {run.code: run.subjects for run in report.runs}
    assert looked["page.trim"] == 2 and looked["font.embedded"] == 1 and looked["ink.total"]
    assert not {code for code in looked if BY_CODE[code].of not in SUBJECTS_OF_PAGES}


def test_one_font_serves_the_drafts_of_all_pieces() -> None:
    """Whatever a piece asks for is in it, and it is made anew for a letter that none had before only."""
    font = shared().font("font:any")[0]
    wanted = [font.shape(text).glyphs for text in ("Oak St", "Salem", "Oak", "Zoë")]
    made = [piece._so_far(font, glyphs) for glyphs in wanted]
    assert made[2] is made[1] and made[3] is not made[1]
    last = Font(made[3], x_height=1.0)
    for glyph in {glyph for glyphs in wanted for glyph in glyphs}:
        assert last.contours(glyph) == Font(font.data, x_height=1.0).contours(glyph)


def test_a_piece_that_no_press_may_have_is_seen() -> None:
    outside, inside = card()
    heavy = replace(BLACK, c=1.0, m=1.0, y=1.0)
    short = replace(outside, marks=(*outside.marks, Rect(Box(9, 9, 282, 182), heavy)))
    assert inspect_pages(drafted([short, inside]), FLOOR).codes() == ("art.bleed", "ink.total")
    assert inspect_pages(drafted([outside, inside]), replace(FLOOR, ppi_error=150, ppi_warning=150)).codes() == (
        "image.ppi.low",
    )
    assert inspect_pages(io.BytesIO(b"no PDF"), FLOOR).codes() == ("pdf.damaged",)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda pdf: pdf.Root.__delitem__("/Metadata"),
        lambda pdf: pdf.Root.__delitem__("/OutputIntents"),
        lambda pdf: pdf.trailer.Info.__delitem__("/Title"),
        root("OCProperties", lambda pdf: Dictionary(OCGs=Array())),
        lambda pdf: pdf.Root.__setitem__("/DPartRoot", Dictionary()),
    ],
    ids=["XMP", "intent", "Info", "layers", "records"],
)
def test_of_a_piece_only_pages_are_judged(spoil: Spoil) -> None:
    data = broken(spoil)
    assert not look(data).ok
    assert inspect_pages(io.BytesIO(data), PROFILE).ok


def test_a_piece_takes_milliseconds() -> None:
    """Measured 1.3 ms for a card with a photo; the limit leaves room for a slow machine."""
    draft = drafted(card())
    best = min(_seconds(draft) for _ in range(9))
    assert best < 0.008


def _seconds(draft: io.BytesIO) -> float:
    start = time.perf_counter()
    assert inspect_pages(draft, FLOOR).ok
    return time.perf_counter() - start


def painted(spoil: Spoil | None = None, body: bytes = ART) -> bytes:
    """A page of art as an artist saves it: no boxes but the MediaBox."""
    pdf = pikepdf.new()
    page = pdf.add_blank_page(page_size=(378, 522))
    page.obj.Resources = Dictionary(XObject=Dictionary(), ColorSpace=Dictionary())
    page.Contents = pdf.make_stream(body)
    if spoil:
        spoil(pdf)
    out = io.BytesIO()
    pdf.save(out, deterministic_id=True)
    return out.getvalue()


def adding(entry: str, make_value: Callable[[Pdf], Dictionary]) -> Spoil:
    return lambda pdf: pdf.pages[0].obj.Resources.__setitem__(f"/{entry}", make_value(pdf))


def test_art_passes_without_the_boxes_of_a_print_file() -> None:
    report = inspect_art(painted(put(Group=Dictionary(S=Name.Transparency, CS=Name.DeviceRGB))), PROFILE)
    assert report.findings == () and report.ok
    assert {run.code: run.subjects for run in report.runs}["art.bleed"] == 2
    assert inspect_art(painted(annotation()), PROFILE).ok  # only the content goes to press


@pytest.mark.parametrize(
    ("code", "data"),
    [
        ("colour.rgb", painted(body=b"1 0 0 rg 0 0 378 522 re f")),
        ("art.bleed", painted(body=b".1 0 0 0 k 9 9 360 504 re f")),
        ("ink.total", painted(body=b"1 1 1 1 k 0 0 378 522 re f")),
        ("font.embedded", painted(adding("Font", unembedded))),
        ("colour.spot", painted(adding("ColorSpace", lambda pdf: Dictionary(G=separation("Gold", Name.DeviceCMYK))), b"/G cs 1 scn 0 0 378 522 re f")),
        ("content.balance", painted(body=b"q")),
        ("pdf.damaged", b"%PDF-1.6 nothing"),
    ],
)  # fmt: skip
def test_art_with_one_thing_broken_gives_one_code(code: str, data: bytes) -> None:
    assert inspect_art(data, PROFILE).codes() == (code,)


def test_transparent_art_is_for_x4_only() -> None:
    data = painted(adding("ExtGState", states(ca=0.5)), b"/New gs .1 0 0 0 k 0 0 378 522 re f")
    assert inspect_art(data, PROFILE).ok
    assert inspect_art(data, X1A).codes() == ("x1a.gstate",)
    group = painted(adding("XObject", form(Group=Dictionary(S=Name.Transparency))))
    assert inspect_art(group, X1A).codes() == ("x1a.form.group",)


def test_what_a_file_claims() -> None:
    read = lambda data: claim.read(io.BytesIO(data))  # noqa: E731
    assert read(saved(make())) == claim.Claim("X-4")
    assert read(saved(with_records())) == claim.Claim("X-4", records=True)
    assert read(saved_x1a(as_x1a())) == claim.Claim("X-1a")
    assert read(broken(lambda pdf: pdf.Root.__delitem__("/Metadata"))) == claim.Claim()
    bare = broken(lambda pdf: [page.obj.__setitem__("/TrimBox", page.obj.MediaBox) for page in pdf.pages])
    assert read(bare) == claim.Claim("X-4", bare=True)
    for data in (b"", b"no PDF", saved(make())[:9000]):
        assert read(data) == claim.Claim()


def test_the_inspector_s_own_trouble_is_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever goes wrong within it: the file fails, and nothing is raised."""
    data = saved(make())

    def stumble(*_: object) -> object:
        raise RuntimeError("out of step")

    with monkeypatch.context() as patch:
        patch.setattr(Check, "__call__", stumble)
        report = look(data)
        assert "pdf.damaged" in report.codes() and not report.ok
        assert any("out of step" in finding.message for finding in report.findings)
    for name in ("tree", "read"):
        for function in ("read",) if name == "tree" else ("ends", "file", "packet", "page", "contents"):
            with monkeypatch.context() as patch:
                patch.setattr(getattr(inspector, name), function, stumble)
                report = look(data)
                assert report.codes()[-1] == "pdf.damaged" and not report.ok and not report.complete, function
    assert look(data).ok


def test_content_outside_of_the_pages_counts_too() -> None:
    """A piece's slots are filled by the merge; what it writes is a content stream like any other."""
    sink = io.BytesIO()
    merge = Merge(sink, stand_ins(shared()), STAMP)
    merge.add(fragment(), lambda page, slot: (Rect(slot.box, replace(BLACK, c=1.0, m=1.0, y=1.0)),))
    merge.finish()
    assert inspect_pages(sink, FLOOR).codes() == ("ink.total",)
