"""An artist's page as a form: what makes it transparent, and how its pages then blend."""

from __future__ import annotations

import io
from collections.abc import Callable

import pikepdf
import pytest
from piecemaking import MEDIA, PRESS, X1A, art, fine_card, fragment, look, merged, numbered, plates, softly, state
from pikepdf import Array, Dictionary, Name, Pdf

from cardpipe.model.errors import Bug, Refused
from cardpipe.prepress.pdf import art_parts, is_transparent
from cardpipe.prepress.raster import opened

Change = Callable[[Pdf, Dictionary], bytes]


def group(**more: object) -> Dictionary:
    return Dictionary(Type=Name.Group, S=Name.Transparency, **more)


def form(pdf: Pdf, body: bytes = b"0 1 0 0 k 0 140 300 30 re f", **more: object) -> pikepdf.Stream:
    return pdf.make_stream(body, Type=Name.XObject, Subtype=Name.Form, BBox=Array([0, 0, 300, 200]), **more)


def grouped(pdf: Pdf, resources: Dictionary) -> bytes:
    resources.XObject = Dictionary(F=form(pdf, Group=group()))
    return b"/F Do"


def deep(pdf: Pdf, resources: Dictionary) -> bytes:
    """A blend mode in a form in a tiling pattern in a form, which also names itself."""
    inner = form(pdf, b"/G gs 0 0 300 200 re f")
    inner.Resources = Dictionary(ExtGState=Dictionary(G=Dictionary(BM=Name.Multiply)), XObject=Dictionary())
    inner.Resources.XObject.Self = inner
    tile = pdf.make_stream(b"/I Do", PatternType=1, PaintType=1, TilingType=1, XStep=9, YStep=9, BBox=[0, 0, 9, 9])
    tile.Resources = Dictionary(XObject=Dictionary(I=inner))
    outer = form(pdf, b"/Pattern cs /T scn 0 0 300 200 re f")
    outer.Resources = Dictionary(Pattern=Dictionary(T=tile))
    resources.XObject = Dictionary(F=pdf.make_indirect(outer))
    return b"/F Do"


def masked(**mask: object) -> Change:
    """An ExtGState with a soft mask."""

    def change(pdf: Pdf, resources: Dictionary) -> bytes:
        soft = Dictionary(S=Name.Luminosity, G=form(pdf, b"0.5 g 0 0 300 200 re f", Group=group(CS=Name.DeviceGray)))
        return state(SMask=soft)(pdf, resources)

    return change


def stencilled(pdf: Pdf, resources: Dictionary) -> bytes:
    """A picture with a hard-edged mask: nothing mixes."""
    size = {"Type": Name.XObject, "Subtype": Name.Image, "Width": 8, "Height": 1}
    mask = pdf.make_stream(b"\x0f", ImageMask=True, BitsPerComponent=1, **size)
    resources.XObject = Dictionary(
        P=pdf.make_stream(bytes(8), ColorSpace=Name.DeviceGray, BitsPerComponent=8, Mask=mask, **size)
    )
    return b"q 9 0 0 9 0 0 cm /P Do Q"


def shaded(**more: object) -> Change:
    """A shading pattern with a graphics state."""

    def change(pdf: Pdf, resources: Dictionary) -> bytes:
        tint = Dictionary(FunctionType=2, Domain=[0, 1], C0=[0, 0, 0, 0], C1=[1, 0, 0, 0], N=1)
        shading = Dictionary(ShadingType=2, ColorSpace=Name.DeviceCMYK, Coords=[0, 0, 300, 0], Function=tint)
        pattern = Dictionary(PatternType=2, Shading=shading, ExtGState=Dictionary(**more))
        resources.Pattern = Dictionary(S=pattern)
        return b"/Pattern cs /S scn 0 0 300 200 re f"

    return change


TRANSPARENT = [
    softly, grouped, deep, masked(), state(ca=0.5), state(CA=0.99), state(BM=Name.Multiply),
    state(BM=Array([Name.Darken, Name.Normal])), shaded(ca=0.5), state(ca=Name.Half),
]  # fmt: skip
OPAQUE = [
    None, stencilled, state(SMask=Name("/None")), state(ca=1, CA=1.0), state(BM=Name.Normal),
    state(BM=Name.Compatible), state(BM=Array([Name.Normal])), state(op=True, OPM=1, AIS=True), shaded(ca=1),
]  # fmt: skip


@pytest.mark.parametrize("change", TRANSPARENT)
def test_what_blends_is_seen_and_its_page_says_in_which_colours(change: Change) -> None:
    page = art(change)
    assert is_transparent(page)
    assert art_parts(page, MEDIA, "art")[0].transparent
    with pikepdf.open(io.BytesIO(merged([fragment()], page=page))) as pdf:
        for sheet in pdf.pages:
            blend = sheet.obj.Group
            assert (str(blend.S), str(blend.CS), blend.I) == ("/Transparency", "/DeviceCMYK", True)
            own = sheet.Resources.XObject.A0.Group
            assert (str(own.S), str(own.CS), own.I, "/K" in own) == ("/Transparency", "/DeviceCMYK", True, False)


@pytest.mark.parametrize("change", OPAQUE)
def test_what_does_not_blend_has_no_group(change: Change | None) -> None:
    page = art(change)
    assert not is_transparent(page)
    assert not any(part.transparent for part in art_parts(page, MEDIA, "art"))
    data = merged([fragment()], page=page)
    assert b"/Group" not in data


def test_only_the_pages_over_transparent_art_have_a_group() -> None:
    outside, inside = fine_card()
    bare = type(inside)("inside", inside.size, inside.trim, inside.marks[1:])
    with pikepdf.open(io.BytesIO(merged([fragment([outside, bare])], page=art(softly)))) as pdf:
        assert ["/Group" in page.obj for page in pdf.pages] == [True, False]


def with_group(page: bytes, make: Callable[[Pdf], Dictionary]) -> bytes:
    """The art with a group on its own page."""
    out = io.BytesIO()
    with pikepdf.open(io.BytesIO(page)) as pdf:
        pdf.pages[0].obj.Group = make(pdf)
        pdf.save(out, deterministic_id=True)
    return out.getvalue()


def test_the_arts_own_group_is_kept_where_the_press_can_use_it() -> None:
    def own(page: bytes) -> tuple[str, bool, bool | None]:
        with pikepdf.open(io.BytesIO(merged([fragment()], page=page))) as pdf:
            found = pdf.pages[0].Resources.XObject.A0.Group
            space = found.CS
            named = str(space) if isinstance(space, Name) else f"{space[0]} {space[1].N} {len(space[1].read_bytes())}"
            return named, found.I, found.get("/K")

    blends = art(softly)
    screen = with_group(blends, lambda pdf: group(CS=Name.DeviceRGB, I=False, K=True))
    assert own(screen) == ("/DeviceCMYK", True, True), "screens' colours are no blend space of ours"
    profile = with_group(blends, lambda pdf: group(CS=Array([Name.ICCBased, pdf.make_stream(PRESS, N=4)])))
    assert own(profile) == (f"/ICCBased 4 {len(PRESS)}", True, None)
    broken = with_group(blends, lambda pdf: group(CS=Array([Name.ICCBased, 7])))
    assert own(broken) == ("/DeviceCMYK", True, None)
    assert not is_transparent(with_group(art(), lambda pdf: group(CS=Name.DeviceRGB))), "that alone mixes nothing"


@pytest.mark.parametrize("change", [softly, state(ca=0.5), state(BM=Name.Multiply), masked()])
def test_the_inspector_passes_transparent_art(change: Change) -> None:
    report = look(merged([fragment(fine_card())], numbered(1), page=art(change)), 1)
    assert report.complete
    assert [finding for finding in report.findings if finding.level == "error"] == []


def test_it_looks_on_the_card_as_it_looked_to_the_artist() -> None:
    def both(pdf: Pdf, resources: Dictionary) -> bytes:
        return softly(pdf, resources) + state(BM=Name.Multiply, ca=0.5)(pdf, resources)

    page = art(both)
    _, inside = fine_card()
    bare = type(inside)("outside", inside.size, inside.trim, inside.marks[:1])
    with opened(page) as before, opened(merged([fragment([bare])], page=page)) as after:
        wanted, found = before.pixels(0, 72).astype(int), after.pixels(0, 72).astype(int)
    assert abs(wanted - found).max() <= 2
    bar, field = found[200 - 155, 100], found[200 - 100, 100]
    assert field[1] > field[0] + 40 and bar[1] < field[1] - 40, "magenta mixed into green"
    faded = [found[200 - 50, x][0] for x in (225, 250, 275)]
    assert faded == sorted(faded) and faded[2] > faded[0] + 40


def test_plates_take_no_transparent_art() -> None:
    with pytest.raises(Bug, match="transparency"):
        merged([plates()], stamp=X1A, page=art(softly))
    assert b"/Group" not in merged([plates()], stamp=X1A, page=art(state(ca=1)))


def test_what_is_no_pdf_is_refused() -> None:
    with pytest.raises(Refused) as caught:
        is_transparent(b"hello", "designs/x/outside.pdf")
    assert [(item.code, item.where) for item in caught.value.findings] == [
        ("design.art.damaged", "designs/x/outside.pdf")
    ]
