"""SVG art: what is printed is in the palette's inks and of the page's size; all else is a finding with its line."""

from __future__ import annotations

import base64
import io

import pikepdf
import pytest
from PIL import Image, ImageCms
from svgmaking import ORDER, PALETTE, embedded, picture, svg

from cardpipe.model.errors import Refused
from cardpipe.model.finding import Finding
from cardpipe.preflight.art import inspect_art
from cardpipe.preflight.profile import Profile
from cardpipe.prepress.bared import bared
from cardpipe.prepress.pdf import art_parts, is_transparent
from cardpipe.prepress.raster import opened
from cardpipe.prepress.svgart import make
from cardpipe.prepress.svgcolour import hexed, nearest, transparent
from cardpipe.prepress.svgdrawn import broken

PAPER, PETAL, PEN = [tuple(share / 100 for share in row[2:]) for row in PALETTE]


def refusal(data: bytes) -> list[Finding]:
    with pytest.raises(Refused) as caught:
        make(data, ORDER)
    assert caught.value.findings
    return list(caught.value.findings)


def colours(page: bytes) -> list[tuple[str, tuple[float, ...]]]:
    """Every colour that the page's content sets, with its operator."""
    with pikepdf.open(io.BytesIO(page)) as document:
        return [
            (str(item.operator), tuple(float(value) for value in item.operands))
            for item in pikepdf.parse_content_stream(document.pages[0])
            if str(item.operator) in ("k", "K", "rg", "RG", "g", "G", "sc", "scn", "SC", "SCN")
            and not isinstance(item.operands[-1], pikepdf.Name)
        ]


def test_fills_and_strokes_become_exactly_their_inks() -> None:
    body = (
        '<style>.leaf{fill:#E8917E}</style><rect width="100" height="50" fill="rgb(249,244,231)"/>'
        '<path class="leaf" d="M1 1h9v9z" stroke="#0b2452"/><circle cx="50" cy="20" r="3" style="fill:white"/>'
    )
    made = make(svg(body), ORDER)
    assert not made.findings
    assert colours(made.pdf) == [("k", PAPER), ("k", PETAL), ("K", PEN), ("k", (0, 0, 0, 0))]
    assert not is_transparent(made.pdf)
    for output in ("X-4", "X-1a"):
        assert not inspect_art(made.pdf, Profile(name=output, standard=output, bleed=9)).findings


def test_a_gradient_runs_from_ink_to_ink() -> None:
    body = (
        '<defs><radialGradient id="g"><stop offset="0" stop-color="#f9f4e7"/><stop offset=".5" stop-color="#e8917e"/>'
        '<stop offset="1" stop-color="#0b2452"/></radialGradient></defs><rect width="100" height="50" fill="url(#g)"/>'
    )
    made = make(svg(body), ORDER)
    with pikepdf.open(io.BytesIO(made.pdf)) as document:
        (pattern,) = (value for _, value in document.pages[0].Resources.Pattern.items())
        shading = pattern.Shading
        assert shading.ColorSpace == pikepdf.Name.DeviceCMYK
        ends = [[float(v) for v in part[end]] for part in shading.Function.Functions for end in ("/C0", "/C1")]
        assert ends == [list(PAPER), list(PETAL), list(PETAL), list(PEN)]
    with opened(made.pdf) as document:
        pixels = document.pixels(0, 72)
    assert pixels[70, 142].tolist() != pixels[2, 2].tolist()
    assert not inspect_art(made.pdf, Profile(name="x", standard="X-1a", bleed=9)).findings


def test_patterns_and_clips_are_inked_too() -> None:
    body = (
        '<defs><pattern id="p" width="4" height="4" patternUnits="userSpaceOnUse"><circle r="1" cx="2" cy="2"'
        ' fill="#e8917e"/></pattern><clipPath id="c"><circle cx="9" cy="9" r="6"/></clipPath></defs>'
        '<rect width="40" height="20" fill="url(#p)"/><g clip-path="url(#c)"><rect width="30" height="30" fill="#0b2452"/></g>'
    )
    made = make(svg(body), ORDER)
    with pikepdf.open(io.BytesIO(made.pdf)) as document:
        (tile,) = (value for _, value in document.pages[0].Resources.Pattern.items())
        assert b"0.06 0.52 0.46 0 k" in tile.read_bytes()
    assert not is_transparent(made.pdf), "clipping is not blending"


def test_a_colour_outside_the_palette_is_named_with_its_place_and_the_nearest_ink() -> None:
    found = refusal(
        svg('<g fill="#0b2452"><rect id="sky" width="9" height="9"\nfill="#e08070"/></g>\n<path d="M1 1h3v3z"/>')
    )
    assert [(f.code, f.where) for f in found] == [
        ("svg.colour", "designs/x/outside.svg line 2"),
        ("svg.colour", "designs/x/outside.svg line 4"),
    ]
    assert '#e08070 is no ink of the palette: <rect id="sky"> line 2 (fill)' in found[0].message
    assert "#e8917e, the ink petal" in found[0].remedy
    assert "#000000" in found[1].message and "<path> line 4 (no fill of its own)" in found[1].message


def test_a_gradient_stop_outside_the_palette_is_found() -> None:
    body = '<defs><linearGradient id="g">\n<stop offset="0" stop-color="#f9f4e7"/>\n<stop offset="1" stop-color="teal"/></linearGradient></defs>\n<rect width="9" height="9" fill="url(#g)"/>'
    (found,) = refusal(svg(body))
    assert found.code == "svg.colour" and found.where.endswith("line 4") and "#008080" in found.message


def test_a_colour_that_is_not_printed_is_nobodys_business() -> None:
    assert make(
        svg(
            '<defs><rect id="x" fill="#123456" width="9" height="9"/></defs><rect width="9" height="9" fill="#0b2452"/>'
        ),
        ORDER,
    )


def test_two_inks_of_one_screen_colour_cannot_be_told_apart() -> None:
    twin = ("twin", "#e8917e", 0.0, 60.0, 40.0, 0.0)
    order = type(ORDER)(ORDER.where, "svg", ORDER.width, ORDER.height, (*PALETTE, twin))
    with pytest.raises(Refused) as caught:
        make(svg('<rect width="9" height="9" fill="#e8917e"/>'), order)
    assert [f.code for f in caught.value.findings] == ["svg.colour.twins"]
    assert make(svg('<rect width="9" height="9" fill="#0b2452"/>'), order)


@pytest.mark.parametrize(
    ("opening", "told"),
    [
        ('width="90mm" height="50mm" viewBox="0 0 90 50"', "is 90.00 × 50.00 mm, and the page is 100.00 × 50.00 mm"),
        ('viewBox="0 0 100 50"', "says nothing × nothing"),
        ('width="100%" height="100%" viewBox="0 0 100 50"', "says 100% × 100%"),
        ('width="100mm" height="50mm" viewBox="0 0 100 60"', "would leave a strip white"),
        ('width="1e9mm" height="50mm" viewBox="0 0 100 50"', "the page is 100.00 × 50.00 mm"),
    ],
)
def test_another_size_is_told_with_numbers(opening: str, told: str) -> None:
    body = '<rect width="9" height="9" fill="#0b2452"/>'
    (found,) = refusal(svg(body, f'<svg xmlns="http://www.w3.org/2000/svg" {opening}>'))
    assert found.code == "svg.size" and told in found.message and 'width="100.00mm"' in found.remedy


@pytest.mark.parametrize(
    "size",
    ['width="10cm" height="5cm" viewBox="0 0 1000 500"', 'width="377.953" height="188.976"',
     'width="283.465pt" height="141.732pt" viewBox="-10 -5 100 50"', 'width="3.937in" height="1.9685in"'],
)  # fmt: skip
def test_the_same_size_in_any_unit_is_made_exact(size: str) -> None:
    made = make(svg("", f'<svg xmlns="http://www.w3.org/2000/svg" {size}>'), ORDER)
    assert art_parts(made.pdf, ORDER.media, "x")
    with pikepdf.open(io.BytesIO(made.pdf)) as document:
        assert [float(v) for v in document.pages[0].mediabox] == pytest.approx(
            [0, 0, ORDER.width, ORDER.height], abs=1e-3
        )


def test_what_the_artist_drew_lies_where_it_was_drawn() -> None:
    made = make(svg('<rect x="50" y="25" width="50" height="25" fill="#0b2452"/>'), ORDER)
    with opened(made.pdf) as document:
        dark = document.pixels(0, 72).max(axis=2) < 120
    height, width = dark.shape
    assert dark[height // 2 + 2 :, width // 2 + 2 :].all(), "down to the corner of the bleed"
    assert not dark[: height // 2 - 1].any() and not dark[:, : width // 2 - 1].any()


def test_transparency_is_kept_for_a_press_that_takes_it_and_named_for_one_that_does_not() -> None:
    body = (
        '<rect width="100" height="50" fill="#f9f4e7"/>\n<g id="mist" opacity=".5"><rect width="9" height="9" fill="#0b2452"/>'
        '<circle r="9" fill="#e8917e"/></g>\n<rect width="5" height="5" fill="#0b2452" style="mix-blend-mode: multiply"/>'
    )
    made = make(svg(body), ORDER)
    assert is_transparent(made.pdf)
    assert transparent(svg(body)) == ['line 3 <g id="mist"> opacity .5', "line 4 <rect> mix-blend-mode multiply"]
    assert not inspect_art(made.pdf, Profile(name="x", standard="X-4", bleed=9)).findings
    with pikepdf.open(io.BytesIO(made.pdf)) as document:
        groups = [form.Group.CS for _, form in document.pages[0].Resources.XObject.items() if "/Group" in form]
    assert groups and set(groups) == {pikepdf.Name.DeviceCMYK}, "inks are blended as inks"


def test_pictures_are_tagged_and_effects_are_sharp() -> None:
    body = (
        f'<image width="4" height="3" href="{embedded(picture(60, 45))}"/>'
        f'<image x="20" width="4" height="3" xlink:href="{embedded(picture(60, 45, kind="JPEG"), "jpeg")}"/>'
        '<filter id="b"><feGaussianBlur stdDeviation="1"/></filter><circle cx="50" cy="20" r="5" filter="url(#b)" fill="#0b2452"/>'
    )
    made = make(svg(body), ORDER)
    seen = 0
    with pikepdf.open(io.BytesIO(made.pdf)) as document:
        for stream in document.objects:
            if (
                isinstance(stream, pikepdf.Stream)
                and stream.get("/Subtype") == "/Image"
                and stream.get("/ColorSpace") != "/DeviceGray"
            ):
                space = stream.ColorSpace
                assert space[0] == "/ICCBased" and space[1].N == 3
                seen += 1
    assert seen == 3
    found = inspect_art(made.pdf, Profile(name="x", standard="X-4", bleed=9)).findings
    assert not [f for f in found if f.code == "image.ppi.low"]


def test_a_picture_with_alpha_is_named() -> None:
    plain, clear = (
        f'<image width="4" height="3" href="{embedded(picture(60, 45, mode))}"/>' for mode in ("RGB", "RGBA")
    )
    assert transparent(svg(f"{plain}\n{clear}")) == ["line 3 <image> a picture with alpha"]
    assert is_transparent(make(svg(clear), ORDER).pdf) and not is_transparent(make(svg(plain), ORDER).pdf)


def test_text_is_refused_where_no_face_is_there_to_set_it() -> None:
    (found,) = refusal(svg('<text id="hi" x="9" y="9" fill="#0b2452">Happy</text>'))
    assert found.code == "svg.text.face" and '<text id="hi">' in found.message and "outlines" in found.remedy


def test_the_guide_layer_is_told_and_never_printed() -> None:
    body = '<rect width="100" height="50" fill="#f9f4e7"/><g id="guides"><text>trim</text><rect width="9" height="9" stroke="#ff00ff"/></g>'
    made = make(svg(body), ORDER)
    assert [(f.code, str(f.level)) for f in made.findings] == [("svg.guides", "warning")]
    assert colours(made.pdf) == [("k", PAPER)]


def test_the_same_drawing_gives_the_same_bytes() -> None:
    body = "".join(f'<rect x="{n}" width="1" height="9" fill="#0b2452" opacity=".{n + 1}"/>' for n in range(9))
    assert len({make(svg(body), ORDER).pdf for _ in range(12)}) == 1


@pytest.mark.parametrize(
    ("written", "colour"),
    [("#ABC", "#aabbcc"), ("#0b245280", "#0b2452"), ("rgb(100%, 0%, 50%)", "#ff0080"), ("rgba(1 2 3 / .5)", "#010203"),
     ("hsl(120, 100%, 25%)", "#008000"), ("Teal", "#008080"), ("none", ""), ("url(#g)", ""), ("currentColor", "")],
)  # fmt: skip
def test_colours_are_read_as_people_write_them(written: str, colour: str) -> None:
    assert hexed(written) == colour


def test_the_nearest_ink() -> None:
    inks = {row[0]: row[1] for row in PALETTE}
    assert [nearest(c, inks) for c in ("#ffffff", "#000000", "#ff8070")] == ["paper", "pen", "petal"]


@pytest.mark.parametrize(
    "body",
    ['<rect width="9" height="9" style="fill:#0b2452; transform: translate(9px, 9px)"/>',
     '<rect style="width: 9px; height: 9px" fill="#0b2452"/>',
     '<rect width="9" height="9" fill="#0b2452" clip-path="circle(3px)"/>',
     '<path d="M1 1h9" stroke="#0b2452" vector-effect="non-scaling-stroke"/>',
     "<style>.a { fill: #0b2452; cx: 5px }</style>",
     '<style>\n.a { mask: linear-gradient(red, blue) }</style>'],
)  # fmt: skip
def test_what_the_converter_would_leave_out_is_refused(body: str) -> None:
    assert {finding.code for finding in refusal(svg(body))} == {"svg.css"}


@pytest.mark.parametrize(
    "style",
    ["fill:#0b2452;fill-rule:evenodd;stroke-width:0.2;-inkscape-font-specification:Sans;font-size:3px;display:inline",
     "clip-path:url(#c);fill:#0b2452", "mask:none;clip-path:none;fill:#0b2452;vector-effect:none"],
)  # fmt: skip
def test_styles_of_editors_are_taken(style: str) -> None:
    body = f'<clipPath id="c"><circle r="9"/></clipPath><rect width="9" height="9" style="{style}"/>'
    assert colours(make(svg(body), ORDER).pdf) == [("k", PEN)]


@pytest.mark.parametrize(
    ("path", "rest"),
    [("M1 1h9v9z", ""), ("m1-1.5.5 3-2,4e1zm1,1", ""), ("M0 0A1 1 0 01.5.5", ""), ("M0 0c1,1 2,2 3,3 1 1 2 2 3 3Z", ""), ("", ""),
     ("M1 1h9X5", "h9X5"), ("M1 1L5", "L5"), ("L5 5", "L5 5"), ("M1 1 c 1 2 3", "c 1 2 3"), ("M1 1zh", "h"), ("M1 1h9v-", "v-")],
)  # fmt: skip
def test_a_path_that_breaks_off_is_found(path: str, rest: str) -> None:
    assert broken(path) == rest
    body = svg(f'<path d="{path}" fill="#0b2452"/>')
    if rest:
        assert [finding.code for finding in refusal(body)] == ["svg.path"]
    else:
        assert make(body, ORDER).pdf


def test_points_that_are_no_pairs_are_found() -> None:
    assert [f.code for f in refusal(svg('<polygon points="0,0 9,0 9,abc" fill="#0b2452"/>'))] == ["svg.path"]
    assert make(svg('<polygon points="0,0 9,0 9-9" fill="#0b2452"/>'), ORDER)


INKSCAPE = """<?xml version="1.0" encoding="UTF-8" standalone="no"?>
<!-- Created with Inkscape (http://www.inkscape.org/) -->
<svg width="100mm" height="50mm" viewBox="0 0 100 50" version="1.1" id="svg1" inkscape:version="1.4"
   sodipodi:docname="/home/artist/card.svg" inkscape:export-filename="card.png" xml:space="preserve"
   xmlns:inkscape="http://www.inkscape.org/namespaces/inkscape"
   xmlns:sodipodi="http://sodipodi.sourceforge.net/DTD/sodipodi-0.dtd" xmlns:xlink="http://www.w3.org/1999/xlink"
   xmlns="http://www.w3.org/2000/svg" xmlns:svg="http://www.w3.org/2000/svg"
   xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns:cc="http://creativecommons.org/ns#">
  <sodipodi:namedview id="namedview1" pagecolor="#ffffff" inkscape:document-units="mm"><inkscape:grid/></sodipodi:namedview>
  <metadata><rdf:RDF><cc:Work rdf:about="" rdf:resource="http://purl.org/dc/dcmitype/StillImage"/></rdf:RDF></metadata>
  <defs id="defs1">
    <linearGradient id="lg1"><stop style="stop-color:#f9f4e7;stop-opacity:1" offset="0" id="s1"/>
      <stop style="stop-color:#0b2452;stop-opacity:1;" offset="1" id="s2"/></linearGradient>
    <linearGradient inkscape:collect="always" xlink:href="#lg1" id="lg2" x1="0" y1="0" x2="50" y2="0"
       gradientUnits="userSpaceOnUse"/>
  </defs>
  <g inkscape:label="Layer 1" inkscape:groupmode="layer" id="layer1" transform="translate(5,5)">
    <rect style="fill:url(#lg2);fill-opacity:1;fill-rule:evenodd;stroke:none;stroke-width:0.26;stroke-linecap:round" id="rect1"
       width="50" height="20" x="0" y="0"/>
    <path id="p1" style="fill:none;stroke:#e8917e;stroke-width:0.5;stroke-dasharray:none" d="m 10,10 c 5,0 5,5 10,5 z"
       sodipodi:nodetypes="ccc" inkscape:connector-curvature="0"/>
    <svg:circle cx="3" cy="3" r="2" style="fill:#0b2452"/>
  </g>
</svg>
"""

ILLUSTRATOR = """<?xml version="1.0" encoding="utf-8"?>
<!-- Generator: Adobe Illustrator 29.0.0, SVG Export Plug-In . SVG Version: 9.03 Build 0)  -->
<svg version="1.1" id="Layer_1" xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" x="0px" y="0px"
\t width="283.465px" height="141.732px" viewBox="0 0 283.465 141.732" style="enable-background:new 0 0 283.465 141.732;"
\t xml:space="preserve" data-name="C:\\cards\\one">
<style type="text/css">
\t.st0{fill:#F9F4E7;}
\t.st1{clip-path:url(#SVGID_00000_);fill:#E8917E;}
</style>
<rect class="st0" width="283.465" height="141.732"/>
<g><defs><rect id="SVGID_1_" x="10" y="10" width="50" height="50"/></defs>
<clipPath id="SVGID_00000_"><use xlink:href="#SVGID_1_"  style="overflow:visible;"/></clipPath>
<path class="st1" d="M10,10h20.5c1.1,0,2-0.9,2-2V1z"/></g>
</svg>
"""


def test_files_of_inkscape_are_taken() -> None:
    made = make(INKSCAPE.encode(), ORDER)
    assert not made.findings and colours(made.pdf) == [("K", PETAL), ("k", PEN)]
    assert b"/ShadingType 2" in made.pdf and b"artist" not in made.pdf


def test_files_of_illustrator_are_taken_though_its_pixels_are_points() -> None:
    made = make(ILLUSTRATOR.encode(), ORDER)
    assert not made.findings and colours(made.pdf) == [("k", PAPER), ("k", PETAL)]
    with opened(made.pdf) as document:
        assert document.pixels(0, 72)[-2, -2].tolist() == document.pixels(0, 72)[2, 2].tolist(), "paper to the corner"
    (found,) = refusal(ILLUSTRATOR.replace("283.465px", "293.465px").encode())
    assert found.code == "svg.size"


def test_a_hidden_layer_is_told() -> None:
    body = '<g id="sketch" style="display:none"><rect width="9" height="9" fill="#ff0000"/></g>\n<path visibility="hidden" d="M1 1h3v3z"/>'
    made = make(svg(body), ORDER)
    assert [(str(f.level), f.code, f.where[-6:]) for f in made.findings] == [
        ("note", "svg.hidden", "line 2"), ("note", "svg.hidden", "line 3"),
    ]  # fmt: skip
    assert '<g id="sketch"> is hidden' in made.findings[0].message and not colours(made.pdf)


def test_a_doctype_that_declares_nothing_is_struck_out() -> None:
    """As Illustrator writes it; lines keep their numbers."""
    plain = svg('<rect width="100" height="50" fill="#f9f4e7"/>')
    named = b'<?xml version="1.0"?>\n<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN"\n "http://www.w3.org/Graphics/SVG/1.1/DTD/svg11.dtd">\n'
    assert make(named + plain, ORDER) == make(plain, ORDER)
    (found,) = refusal(named + (other := svg('<rect width="100" height="50" fill="#123456"/>')))
    (alone,) = refusal(other)
    assert int(found.where.rpartition(" ")[2]) == int(alone.where.rpartition(" ")[2]) + named.count(b"\n")


def test_where_a_picture_was_taken_does_not_reach_the_press() -> None:
    exif = Image.Exif()
    exif[0x010F] = "PLANTED-CAMERA"
    exif.get_ifd(0x8825)[1] = "N"
    out = io.BytesIO()
    Image.effect_noise((400, 200), 50).convert("RGB").save(out, "JPEG", quality=90, exif=exif, comment=b"PLANTED-WORDS")
    taken = out.getvalue() + b"PLANTED-AFTER-THE-END"
    bare = bared(taken)
    assert taken.count(b"PLANTED") == 3 and b"PLANTED" not in bare
    assert Image.open(io.BytesIO(bare)).tobytes() == Image.open(io.BytesIO(taken)).tobytes()
    body = f'<image width="100" height="50" href="data:image/jpeg;base64,{base64.b64encode(taken).decode()}"/>'
    page = make(svg(body), ORDER).pdf
    with pikepdf.open(io.BytesIO(page)) as document:
        kept = [bytes(each.read_raw_bytes()) for each in document.objects if isinstance(each, pikepdf.Stream)]
    assert any(data[:2] == b"\xff\xd8" for data in kept), "the picture is there as it was compressed"
    assert not any(b"PLANTED" in data for data in (*kept, page))


@pytest.mark.parametrize("progressive", [False, True], ids=["baseline", "progressive"])
def test_a_profile_stays_with_its_picture(progressive: bool) -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    out = io.BytesIO()
    Image.effect_noise((400, 200), 50).convert("RGB").save(out, "JPEG", progressive=progressive, icc_profile=profile)
    assert Image.open(io.BytesIO(bared(out.getvalue()))).info["icc_profile"] == profile
    assert bared(b"\xff\xd8no picture") == b"\xff\xd8no picture"
