"""Text in an artist's SVG: set as outlines where it is understood, refused with its reason where it is not."""

from __future__ import annotations

import io
from dataclasses import replace

import pikepdf
import pytest
from svgmaking import ORDER, svg
from svgshelf import shelf

from cardpipe.model.errors import Refused
from cardpipe.model.finding import Finding
from cardpipe.model.units import Box, mm
from cardpipe.prepress.art import MadeArt
from cardpipe.prepress.extent import extent
from cardpipe.prepress.font import Font
from cardpipe.prepress.raster import opened
from cardpipe.prepress.svgart import make
from cardpipe.prepress.svgtext import MOST_LETTERS

TEXT = replace(ORDER, faces=shelf())
ARIMO = Font(next(face.data for face in shelf() if face.name == "arimo"))
INK = 'fill="#0b2452"'
SET = f'{INK} font-family="Arimo" font-size="10"'


def art(body: str) -> MadeArt:
    return make(svg(body), TEXT)


def refused(body: str) -> list[Finding]:
    with pytest.raises(Refused) as caught:
        art(body)
    return list(caught.value.findings)


def ink(body: str) -> Box:
    """The box of what is drawn, in millimetres from the upper left corner."""
    found = extent(art(body).pdf)
    assert found is not None, "something is drawn"
    return Box(found.x / mm(1), 50 - found.top / mm(1), found.width / mm(1), found.height / mm(1))


def wide(text: str, size: float = 10) -> float:
    return ARIMO.shape(text).width / ARIMO.units * size


def inks(page: bytes) -> list[tuple[float, ...]]:
    with pikepdf.open(io.BytesIO(page)) as document:
        content = pikepdf.parse_content_stream(document.pages[0])
        return [tuple(float(v) for v in item.operands) for item in content if str(item.operator) == "k"]


def test_a_letter_stands_where_it_is_put_and_is_as_large_as_it_is_set() -> None:
    glyph = ARIMO.extent(ARIMO.shape("H").glyphs[0])
    scale = 10 * ARIMO.x_height
    box = ink(f'<text x="20" y="30" {SET}>H</text>')
    assert (box.x, box.right) == pytest.approx((20 + glyph.left * scale, 20 + glyph.right * scale), abs=1e-3)
    assert (box.y, box.top) == pytest.approx((30 - glyph.top * scale, 30), abs=1e-3)


def test_anchors_begin_centre_and_end_at_the_place() -> None:
    start, middle, end = (
        ink(f'<text x="50" y="30" text-anchor="{anchor}" {SET}>Anchor</text>') for anchor in ("start", "middle", "end")
    )
    assert start.x - middle.x == pytest.approx(wide("Anchor") / 2, abs=1e-3)
    assert start.x - end.x == pytest.approx(wide("Anchor"), abs=1e-3)
    assert start.width == pytest.approx(end.width, abs=1e-3)


def test_letters_are_kerned_across_colours_and_not_across_places() -> None:
    assert wide("AV") < wide("A") + wide("V") - 0.5
    two = f'<text x="10" y="30" {SET}>A<tspan fill="#e8917e">V</tspan></text>'
    assert ink(two).width == pytest.approx(ink(f'<text x="10" y="30" {SET}>AV</text>').width, abs=1e-3)
    assert len(set(inks(art(two).pdf))) == 2
    placed = ink(f'<text x="10" y="30" {SET}>A<tspan x="{10 + wide("A")}">V</tspan></text>')
    assert placed.width > ink(two).width + 0.5
    unkerned = ink(f'<text x="10" y="30" {SET} style="font-kerning:none">AV</text>')
    assert unkerned.width == pytest.approx(placed.width, abs=1e-3)


def test_letters_and_words_are_spaced_and_moved() -> None:
    plain = ink(f'<text x="10" y="30" {SET}>HH HH</text>')
    assert ink(f'<text x="10" y="30" {SET} letter-spacing="2">HH HH</text>').width == pytest.approx(
        plain.width + 8, abs=1e-3
    )
    assert ink(f'<text x="10" y="30" {SET} word-spacing=".5em">HH HH</text>').width == pytest.approx(
        plain.width + 5, abs=1e-3
    )
    moved = ink(f'<text x="10" dx="1" y="30" {SET}>HH <tspan dx="3" dy="2">HH</tspan></text>')
    assert (moved.x - plain.x, moved.width - plain.width) == pytest.approx((1, 3), abs=1e-3)
    assert (moved.y, moved.top) == pytest.approx((plain.y, plain.top + 2), abs=1e-3)
    ended = ink(f'<text x="90" y="30" {SET} letter-spacing="2" text-anchor="end">HH</text>')
    assert ended.right < 88, "the last letter brings its space, as in browsers"


def test_an_accent_stays_on_its_letter_in_spaced_words() -> None:
    whole, parts = (ink(f'<text x="10" y="30" {SET} letter-spacing="3">{word}</text>') for word in ("né", "ne\u0301"))
    assert (whole.width, whole.height) == pytest.approx((parts.width, parts.height), abs=0.15)


@pytest.mark.parametrize(
    "size",
    ['font-size="10"', 'font-size="10px"', 'font-size="7.5pt"', 'font-size="2.6458333333mm"', 'style="font-size:10px"',
     'style="font:10px Arimo"', 'style="font: 10px/1.4 \'Arimo\', sans-serif"'],
)  # fmt: skip
def test_a_size_is_the_same_in_every_unit(size: str) -> None:
    box = ink(f'<text x="20" y="30" font-family="Arimo" {INK} {size}>Hg</text>')
    plain = ink(f'<text x="20" y="30" {SET}>Hg</text>')
    assert (box.x, box.y, box.width, box.height) == pytest.approx(
        (plain.x, plain.y, plain.width, plain.height), abs=1e-3
    )


@pytest.mark.parametrize(
    "body",
    [f'<g {SET}><text x="20" y="30">Same</text></g>',
     f'<g font-size="5"><text x="20" y="30" {INK} font-family="arimo" font-size="200%">Same</text></g>',
     f'<g font-size="5"><g font-size="2em"><text x="20" y="30" {INK} font-family="Arimo-Regular, Other">Same</text></g></g>',
     '<style>.a, text { font-family: "Arimo"; font-size: 3px } /* } */\n#b.a { font-size: 10px; fill: #0b2452 }</style>'
     '<text id="b" class="x a" x="20" y="30">Same</text>',
     f'<style>.a {{ font-family: Caveat }}</style><text class="a" x="20" y="30" {INK} style="font-family:Arimo;font-size:10">Same</text>',
     f'<text {SET}><tspan x="20" y="30">Same</tspan></text>',
     f'<text {SET} x="1" y="1"><tspan x="20" y="30">Sa<tspan>me</tspan></tspan></text>',
     f'<text {SET} transform="translate(20 30)">Same</text>',
     f'<text {SET} x="20" y="30">\n  Same\n  </text>',
     f'<text {SET} x="20" y="30"><title>nothing</title>Same<!-- nothing --></text>',
     f'<svg x="10" y="10"><text {SET} x="10" y="20">Same</text></svg>',
     f'<text {SET} x="20" y="30"><tspan style="display:none">not </tspan>Same</text>'],
)  # fmt: skip
def test_the_same_words_written_differently(body: str) -> None:
    box, plain = ink(body), ink(f'<text x="20" y="30" {SET}>Same</text>')
    assert (box.x, box.y, box.width, box.height) == pytest.approx(
        (plain.x, plain.y, plain.width, plain.height), abs=1e-3
    )


@pytest.mark.parametrize(
    ("written", "set_as"),
    [("a\n b", "a b"), ("  a  b ", "a b"), ("a <tspan> b</tspan>", "a b"), ("a<tspan> </tspan> b", "a b"),
     ('<tspan xml:space="preserve">a  b</tspan>', "a\u00a0\u00a0b"), ('<tspan style="white-space:pre">a  b</tspan>', "a\u00a0\u00a0b"),
     ('<tspan xml:space="preserve">a\n b</tspan>', "a\u00a0\u00a0b")],
)  # fmt: skip
def test_spaces_are_joined_as_browsers_join_them(written: str, set_as: str) -> None:
    boxes = [ink(f'<text x="20" y="30" {SET}>{text}</text>') for text in (written, set_as)]
    assert (boxes[0].x, boxes[0].width) == pytest.approx((boxes[1].x, boxes[1].width), abs=1e-3)


INKSCAPE = """<text xml:space="preserve" style="font-style:normal;font-variant:normal;font-weight:normal;font-stretch:normal;\
font-size:10px;line-height:1.25;font-family:Arimo;-inkscape-font-specification:'Arimo, Normal';\
font-variant-ligatures:normal;font-variant-caps:normal;font-feature-settings:normal;text-indent:0;text-align:center;\
text-decoration:none;text-decoration-line:none;text-decoration-style:solid;text-decoration-color:#000000;\
letter-spacing:normal;word-spacing:0px;text-transform:none;writing-mode:lr-tb;direction:ltr;text-orientation:mixed;\
dominant-baseline:auto;baseline-shift:baseline;text-anchor:middle;white-space:normal;inline-size:0;clip-rule:nonzero;\
display:inline;opacity:1;isolation:auto;mix-blend-mode:normal;solid-color:#000000;vector-effect:none;fill:#0b2452;\
fill-opacity:1;fill-rule:evenodd;stroke:none;stroke-width:0.264583;marker:none;paint-order:normal;enable-background:accumulate" \
x="50" y="20" id="text1"><tspan id="tspan1" style="fill:#0b2452" x="50" y="20">Two</tspan>\
<tspan x="50" y="35">lines</tspan></text>"""
ILLUSTRATOR = """<style type="text/css">.st0{fill:#0B2452;}.st1{font-family:'Arimo-Regular';}.st2{font-size:10px;}</style>
<text transform="matrix(1 0 0 1 20 20)"><tspan x="0" y="0" class="st0 st1 st2">Two</tspan><tspan x="0" y="15" class="st0 st1 st2">lines</tspan></text>"""
FIGMA = """<text fill="#0b2452" xml:space="preserve" style="white-space: pre" font-family="Arimo" font-size="10" letter-spacing="0em">\
<tspan x="20" y="20">Two&#10;</tspan><tspan x="20" y="35">lines</tspan></text>"""


@pytest.mark.parametrize("drawn", [INKSCAPE, ILLUSTRATOR, FIGMA], ids=["inkscape", "illustrator", "figma"])
def test_text_of_editors_is_set(drawn: str) -> None:
    x = [50 - wide(word) / 2 for word in ("Two", "lines")] if drawn is INKSCAPE else [20, 20]
    plain = ink(f'<g {SET}><text x="{x[0]}" y="20">Two</text><text x="{x[1]}" y="35">lines</text></g>')
    box = ink(drawn)
    assert (box.x, box.y, box.width, box.height) == pytest.approx(
        (plain.x, plain.y, plain.width, plain.height), abs=2e-3
    )
    assert set(inks(art(drawn).pdf)) == {(1.0, 0.85, 0.25, 0.45)}


@pytest.mark.parametrize(
    "asked",
    ['font-family="Josefin Sans" font-weight="600"', 'font-family="Josefin Sans SemiBold"', 'font-family="JosefinSans-SemiBold"',
     "font-family=\"'josefin  sans'\" font-weight=\"600\"", 'font-family="josefin"', 'font-family="josefin" font-weight="600"'],
)  # fmt: skip
def test_a_face_is_found_by_each_of_its_names(asked: str) -> None:
    told = art(f'<text x="10" y="30" font-size="9" {INK} {asked}>Rg</text>').pdf
    assert (
        told
        == art(f'<text x="10" y="30" font-size="9" {INK} font-family="Josefin Sans" font-weight="600">Rg</text>').pdf
    )
    assert told != art(f'<text x="10" y="30" font-size="9" {INK} font-family="Arimo">Rg</text>').pdf


@pytest.mark.parametrize(
    ("asked", "told", "remedy"),
    [('font-family="Caveat Brush"', "'Caveat Brush' is not on the shelf", "the nearest is Caveat; there are Arimo, "),
     ('font-family="Nix"', "'Nix' is not on the shelf", "Arimo, Caveat, Fraunces (900 italic)"),
     ('font-family="sans-serif"', "another face on each machine", "Arimo, Caveat"),
     ('font-family="Nix, Arimo"', "'Nix' is not on the shelf", "Arimo, Caveat"),
     ('font-family="Arimo" font-weight="bold"', "has Arimo, and 700 is asked for", "Path > Object to Path"),
     ('font-family="Arimo" font-style="italic"', "has Arimo, and 400 italic is asked for", "Create Outlines"),
     ('font-family="Josefin Sans"', "has Josefin Sans (600), and 400 is asked for", "Josefin Sans (600)"),
     ('font-family="Playfair Display"', "has Playfair Display (700 italic), and 400 is", "Playfair Display (700 italic)"),
     ('font-family="Fraunces Black"', "has Fraunces (900 italic), and 400 is", "Fraunces (900 italic)"),
     ("", "names no font-family", "Arimo, Caveat")],
)  # fmt: skip
def test_a_face_that_is_not_there_is_told_with_those_that_are(asked: str, told: str, remedy: str) -> None:
    (found,) = refused(f'<g/>\n<text id="hi" x="10" y="30" font-size="9" {INK} {asked}>Hi</text>')
    assert (found.code, found.where) == ("svg.text.face", "designs/x/outside.svg line 3")
    assert '<text id="hi">' in found.message and told in found.message and remedy in found.remedy


def test_a_medium_weight_is_a_regular_one_where_there_is_no_other() -> None:
    """Some regular faces call themselves 500, as Reenie Beanie does; editors write 400 for them."""
    arimo = next(face for face in shelf() if face.name == "arimo")
    medium = replace(TEXT, faces=(replace(arimo, weight=500),))
    body = f'<text x="9" y="9" {SET}>Hi</text>'
    assert (
        make(svg(body), medium).pdf
        == art(body).pdf
        == make(svg(body.replace("<text", '<text font-weight="500"')), TEXT).pdf
    )


def test_two_faces_of_one_name_are_told_apart_by_their_folders() -> None:
    twin = replace(next(face for face in shelf() if face.name == "arimo"), name="arimo-two")
    order = replace(TEXT, faces=(*shelf(), twin))
    with pytest.raises(Refused) as caught:
        make(svg(f'<text x="9" y="9" {SET}>Hi</text>'), order)
    assert "arimo and arimo-two" in caught.value.findings[0].message
    assert make(svg(f'<text x="9" y="9" {SET.replace("Arimo", "arimo-two")}>Hi</text>'), order).pdf


@pytest.mark.parametrize(
    ("family", "words", "named"),
    [("Arimo", "All 🎂 and ☂", ["'🎂' (BIRTHDAY CAKE)", "'☂' (UMBRELLA)"]),
     ("Caveat", "Ελλάδα", ["'Ε' (GREEK CAPITAL LETTER EPSILON)", "'ά'", "'δ'"]),
     ("Mynerve", "Zoë", ["'ë' (LATIN SMALL LETTER E WITH DIAERESIS)"]),
     ("Homemade Apple", "Dvořák, Þor", ["'ř'", "'Þ'"]),
     ("Arimo", "private \ue000 use", ["U+E000"])],
)  # fmt: skip
def test_a_letter_that_the_face_lacks_is_named(family: str, words: str, named: list[str]) -> None:
    (found,) = refused(f'\n<text x="5" y="30" font-size="5" {INK} font-family="{family}">{words}</text>')
    assert (found.code, found.where[-6:]) == ("svg.text.letter", "line 3")
    assert family in found.message and [name for name in named if name not in found.message] == []


def test_what_a_part_lacks_is_told_of_that_part() -> None:
    body = f'<text x="5" y="30" {SET}>fine ř\n<tspan id="p" font-family="Homemade Apple">ř</tspan> ř</text>'
    (found,) = refused(body)
    assert found.where.endswith("line 3") and '<tspan id="p">: Homemade Apple lacks' in found.message


GRADIENT = '<linearGradient id="g"><stop stop-color="#0b2452"/></linearGradient>'
STRANGE = {
    "on a path": (f'<path id="p" d="M1 1h9" {INK}/><text {SET}><textPath href="#p">Hi</textPath></text>', "more than text on a line"),
    "a link": (f'<text y="9" {SET}><a href="#x"><tspan>Hi</tspan></a></text><g id="x"/>', "more than text on a line"),
    "a tspan alone": ("<tspan>Hi</tspan>", "stands in no <text>"),
    "vertical": (f'<text y="9" {SET} writing-mode="tb">Hi</text>', "writing-mode 'tb'"),
    "vertical, new": (f'<text y="9" {SET} style="writing-mode:vertical-rl">Hi</text>', "writing-mode"),
    "places": (f'<text x="1 2" y="9" {SET}>Hi</text>', "each letter its own x"),
    "moves": (f'<text y="9" dx="1,2" {SET}>Hi</text>', "each letter its own dx"),
    "turned": (f'<text y="9" rotate="10" {SET}>Hi</text>', "turns its letters"),
    "stretched": (f'<text y="9" textLength="50" {SET}>Hi</text>', "textLength"),
    "a share": (f'<text x="50%" y="9" {SET}>Hi</text>', "x '50%'"),
    "endless": (f'<text x="1e999" y="9" {SET}>Hi</text>', "no plain length"),
    "no size": (f'<text y="9" font-family="Arimo" {INK}>Hi</text>', "no font-size"),
    "a size by name": (f'<text y="9" font-family="Arimo" font-size="large" {INK}>Hi</text>', "font-size of 'large'"),
    "no size at all": (f'<text y="9" font-family="Arimo" font-size="0" {INK}>Hi</text>', "font-size of '0.0'"),
    "shorthand": (f'<text y="9" style="font-size:9px;font-family:Arimo;font:small-caps 9px Arimo" {INK}>Hi</text>', "font 'small-caps 9px Arimo'"),
    "spacing": (f'<text y="9" {SET} letter-spacing="1ex">Hi</text>', "letter-spacing '1ex'"),
    "word spacing": (f'<text y="9" {SET} word-spacing="10%">Hi</text>', "word-spacing '10%'"),
    "a weight": (f'<text y="9" {SET} font-weight="bolder">Hi</text>', "font-weight 'bolder'"),
    "an anchor": (f'<text y="9" {SET} text-anchor="center">Hi</text>', "text-anchor 'center'"),
    "capitals": (f'<text y="9" {SET} style="text-transform:uppercase">Hi</text>', "text-transform"),
    "capitals above": (f'<g style="text-transform:uppercase"><text y="9" {SET}>Hi</text></g>', "text-transform"),
    "small capitals": (f'<text y="9" {SET} font-variant="small-caps">Hi</text>', "font-variant"),
    "features": (f'<text y="9" {SET} style="font-feature-settings:\'ss01\'">Hi</text>', "font-feature-settings"),
    "underlined": (f'<text y="9" {SET} text-decoration="underline">Hi</text>', "text-decoration"),
    "raised": (f'<text y="9" {SET}>1<tspan baseline-shift="super">st</tspan></text>', "baseline-shift"),
    "hung": (f'<text y="9" {SET} dominant-baseline="hanging">Hi</text>', "dominant-baseline"),
    "flowed": (f'<rect id="r" width="9" height="9" {INK}/><text y="9" {SET} style="shape-inside:url(#r)">Hi</text>', "flows in a frame"),
    "flowed by width": (f'<text y="9" {SET} style="inline-size:40px">Hi</text>', "flows in a frame"),
    "broken by pre": (f'<text y="9" {SET} style="white-space:pre">a\nb</text>', "breaks its line"),
    "veiled part": (f'<text y="9" {SET}>a<tspan opacity=".5">b</tspan></text>', "opacity, which only a whole text"),
    "a part turned": (f'<text y="9" {SET}>a<tspan transform="scale(2)">b</tspan></text>', "transform, which is not understood"),
    "something new": (f'<text y="9" {SET} style="text-box-trim:both">Hi</text>', "text-box-trim"),
    "an attribute that is none": (f'<text y="9" {SET} font-kerning="none">Hi</text>', "font-kerning, which"),
    "right to left": (f'<text y="9" {SET}>שלום</text>', "right to left"),
    "a hidden turn": (f'<text y="9" {SET}>a\u202eb</text>', "right to left"),
    "y alone": (f'<text x="9" y="9" {SET} text-anchor="end">a<tspan y="20">b</tspan></text>', "y and no x"),
    "a paint by box": (f'{GRADIENT}<text y="9" {SET} style="fill:url(#g)">Hi</text>', "userSpaceOnUse"),
    "a paint by box above": (f'{GRADIENT}<g fill="url(#g)"><text y="9" font-family="Arimo" font-size="9">Hi</text></g>', "userSpaceOnUse"),
    "a blur": (f'<filter id="f"><feGaussianBlur stdDeviation="1"/></filter><text y="9" {SET} filter="url(#f)">Hi</text>', "userSpaceOnUse"),
    "a selector": (f'<style>g text{{fill:#0b2452}}</style><text y="9" {SET}>Hi</text>', "selector 'g text'"),
    "a pseudo class": (f'<style>text:first-child{{fill:#0b2452}}</style><text y="9" {SET}>Hi</text>', "selector 'text:first-child'"),
    "a rule of outlines": (f'<style>path{{stroke:#0b2452}}</style><text y="9" {SET}>Hi</text>', "the rule 'path'"),
    "a rule of all": (f'<style>*{{stroke:#0b2452}}</style><text y="9" {SET}>Hi</text>', "the rule '*'"),
    "important": (f'<style>.a{{font-size:9px !important}}</style><text y="9" {SET}>Hi</text>', "!important"),
    "important here": (f'<text y="9" {SET} style="font-size:9px ! important">Hi</text>', "!important"),
    "for screens": (f'<style media="screen">.a{{font-size:9px}}</style><text y="9" {SET}>Hi</text>', "other media"),
    "another language of styles": (f'<style type="text/less">.a{{font-size:9px}}</style><text y="9" {SET}>Hi</text>', "no CSS"),
    "stroke by letters": (f'<text y="9" {SET} stroke-width=".1em">Hi</text>', "stroke-width '.1em'"),
    "drawn elsewhere": (f'<defs><text id="t" y="9" {INK} font-family="Arimo">Hi</text></defs><g font-size="9"><use href="#t"/></g>', "by <use>"),
    "drawn larger elsewhere": (f'<g font-size="5"><text id="t" y="9" {INK} font-family="Arimo">Hi</text></g><g font-size="9"><use href="#t"/></g>', "by <use>"),
    "clipped by parts": (f'<text id="t" y="9" {SET}>a<tspan fill="#e8917e">b</tspan></text><clipPath id="c"><use href="#t"/></clipPath><rect clip-path="url(#c)" width="9" height="9" {INK}/>', "is a clip by <use>"),
}  # fmt: skip


@pytest.mark.parametrize("name", STRANGE)
def test_what_is_not_understood_is_refused_with_its_reason(name: str) -> None:
    body, told = STRANGE[name]
    found = refused(body)
    assert {finding.code for finding in found} == {"svg.text"}, found
    assert any(told in finding.message for finding in found), found
    assert all(finding.remedy and " line " in finding.where for finding in found)


def test_all_that_is_strange_is_told_at_once() -> None:
    body = f'<text id="a" y="9" rotate="9" textLength="9" {INK} font-family="Nix" font-size="9">Hi</text>\n<text id="b" y="9" {SET}>☂</text>'
    assert [(f.code, f.where[-6:]) for f in refused(body)] == [
        ("svg.text", "line 2"), ("svg.text", "line 2"), ("svg.text.face", "line 2"), ("svg.text.letter", "line 3"),
    ]  # fmt: skip


def test_what_text_is_painted_with_goes_over_to_its_outlines() -> None:
    body = (
        '<linearGradient id="g" gradientUnits="userSpaceOnUse" x2="100"><stop stop-color="#0b2452"/><stop offset="1" stop-color="#e8917e"/></linearGradient>'
        '<text x="9" y="20" font-family="Caveat" font-size="20" fill="url(#g)" stroke="#e8917e" stroke-width=".2">Gold</text>'
    )
    with pikepdf.open(io.BytesIO(art(body).pdf)) as document:
        page = document.pages[0]
        assert "/Pattern" in page.Resources
        strokes = [item.operands for item in pikepdf.parse_content_stream(page) if str(item.operator) == "K"]
    assert [[float(v) for v in row] for row in strokes] == [[0.06, 0.52, 0.46, 0]]


def test_a_colour_of_text_is_judged_as_any_other() -> None:
    (found,) = refused(f'<g/>\n<text id="hi" x="9" y="20" {SET.replace("0b2452", "ff0000")}>Hi</text>')
    assert (found.code, found.where[-6:]) == (
        "svg.colour",
        "line 3",
    ) and '<text id="hi"> line 3 (fill)' in found.message
    (black,) = refused('<text id="hi" x="9" y="20" font-family="Arimo" font-size="9">Hi</text>')
    assert black.code == "svg.colour" and "no fill of its own" in black.message and '<text id="hi">' in black.message


def test_letters_that_overlap_have_no_holes() -> None:
    """Inkscape writes a fill rule on text that text does not have."""
    body = '<text x="9" y="30" font-family="Caveat" font-size="20" letter-spacing="-4" fill="#0b2452"{}>oooo</text>'
    plain, ruled, around = art(body.format("")), art(body.format(' style="fill-rule:evenodd"')), body.format("")
    grouped = art(
        f'<g fill-rule="evenodd" marker-mid="url(#m)">{around}</g><marker id="m"><rect width="9" height="9"/></marker>'
    )
    pictures = []
    for page in (plain, ruled, grouped):
        with opened(page.pdf) as document:
            pictures.append(document.pixels(0, 150))
    assert (pictures[0] == pictures[1]).all() and (pictures[0] == pictures[2]).all()


def test_text_clips_masks_and_fills_patterns() -> None:
    clip = f'<clipPath id="c"><text x="10" y="40" {SET.replace("10", "40")}>O<tspan fill="#e8917e">K</tspan></text></clipPath>'
    with opened(art(f'{clip}<rect width="100" height="50" clip-path="url(#c)" {INK}/>').pdf) as document:
        clipped = document.pixels(0, 72)
    with opened(art(f'<text x="10" y="40" {SET.replace("10", "40")}>OK</text>').pdf) as document:
        drawn = document.pixels(0, 72)
    assert (clipped.astype(int) - drawn < 100).all() and (clipped.min(axis=2) < 128).sum() > 800
    tile = f'<pattern id="p" width="9" height="9" patternUnits="userSpaceOnUse"><text y="8" {SET}>o</text></pattern>'
    assert extent(art(f'{tile}<rect width="50" height="40" fill="url(#p)"/>').pdf)


def test_a_hidden_layer_may_keep_its_text_as_it_was_written() -> None:
    kept = '<g id="kept" style="display:none"><text y="9" font-family="Nix">Hi</text></g>'
    made = art(f'{kept}<rect width="9" height="9" {INK}/>')
    assert [finding.code for finding in made.findings] == ["svg.hidden"]
    lent = '<g style="display:none"><text id="t" y="9" font-family="Nix" font-size="9">Hi</text></g><use href="#t"/>'
    assert {finding.code for finding in refused(lent)} == {"svg.hidden", "svg.text.face"}, (
        "a hidden text that is drawn elsewhere"
    )


def test_a_text_that_is_used_again_in_the_same_look_is_set_once_and_drawn_twice() -> None:
    body = f'<g font-size="10"><text id="t" x="10" y="20" {INK} font-family="Arimo">Hi</text><use href="#t" x="30" y="5"/></g>'
    single = ink(f'<text x="10" y="20" {SET}>Hi</text>')
    assert ink(body).width == pytest.approx(single.width + 30, abs=1e-3)


def test_text_without_ink_draws_nothing_and_is_no_fault() -> None:
    body = f'<text id="e" x="9" y="9" {SET}> </text><text {SET}/><use href="#e"/><rect width="9" height="9" {INK}/>'
    box = ink(body)
    assert (box.width, box.height) == pytest.approx((9, 9), abs=1e-3)


def test_a_draft_shows_text_that_cannot_be_set_in_another_face() -> None:
    body = f'<g/>\n<text x="20" y="30" font-size="10" {INK} font-family="Nix" rotate="9">Hi</text>\n<text x="20" y="30" {SET}>☂</text>'
    draft = make(svg(body), replace(TEXT, draft=True, lines=(3,)))
    ((line, left, low, width, height),) = draft.places
    assert line == 3 and (left, low) == pytest.approx((mm(20), mm(20)), abs=6) and width > 20 and height > 15
    assert make(svg(body), replace(TEXT, draft=True, faces=())).pdf


def test_more_text_than_a_card_holds_is_refused() -> None:
    (found,) = refused(f'<text y="9" {SET}>{"o" * (MOST_LETTERS + 1)}</text>')
    assert found.code == "svg.text" and str(MOST_LETTERS) in found.message


def test_a_small_drawing_unit_costs_no_truth() -> None:
    opening = '<svg xmlns="http://www.w3.org/2000/svg" width="100mm" height="50mm" viewBox="0 0 0.1 0.05">'
    page = make(svg(f'<text x=".02" y=".03" {SET.replace("10", "0.01")}>Hg</text>', opening), TEXT).pdf
    small, plain = extent(page), extent(art(f'<text x="20" y="30" {SET}>Hg</text>').pdf)
    assert (
        small
        and plain
        and (small.x, small.y, small.width, small.height)
        == pytest.approx((plain.x, plain.y, plain.width, plain.height), abs=5e-3)
    )


def test_a_language_may_want_other_letters() -> None:
    """Turkish keeps the dot of an i, which a ligature takes away; the machine's own language is of no account."""
    words = '<text x="9" y="30" font-family="Playfair Display" font-weight="700" font-style="italic" font-size="10" fill="#0b2452"{}>fi</text>'
    plain, turkish, english, none = (
        art(words.format(said)).pdf for said in ("", ' xml:lang="tr"', ' xml:lang="en"', ' xml:lang="1 2 3"')
    )
    assert plain == english == none != turkish
    widths = [ink(body).width for body in (words.format(' lang="tr"'), f'<g lang="tr">{words.format("")}</g>')]
    assert widths[0] == pytest.approx(widths[1], abs=1e-3) and widths[0] > ink(words.format("")).width


def test_the_same_text_gives_the_same_bytes() -> None:
    body = f'<text x="9" y="30" {SET.replace("Arimo", "Caveat")}>Fluffy coffee <tspan fill="#e8917e">letters</tspan></text>'
    assert len({art(body).pdf for _ in range(5)}) == 1
    assert art(body).pdf == make(svg(body), replace(TEXT, faces=tuple(reversed(shelf())))).pdf
