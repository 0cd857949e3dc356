"""An artist's SVG may come from anybody: whatever it asks for, it is refused in time, and nothing is read or fetched."""

from __future__ import annotations

import http.server
import random
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cardpipe.catalog.fonts import FontFolder, read_font
from cardpipe.darkroom import LimitedDarkroom, Limits, PictureKilled
from cardpipe.model.errors import Refused
from cardpipe.model.units import mm
from cardpipe.prepress.art import ArtOrder

SECONDS = 20.0
INK = "#0b2452"
CAVEAT = read_font(Path(__file__).parents[2] / "fonts" / "caveat")
assert isinstance(CAVEAT, FontFolder)
ORDER = ArtOrder(
    "designs/x/outside.svg",
    "svg",
    mm(100),
    mm(50),
    (("pen", INK, 100.0, 85.0, 25.0, 45.0),),
    faces=(CAVEAT.art_face(),),
)
OPEN = (
    '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'
    ' width="100mm" height="50mm" viewBox="0 0 100 50">'
)
BOX = f'<rect width="9" height="9" fill="{INK}"/>'
PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNk+A8AAQUBAScY42YAAAAASUVORK5CYII="


def page(body: str) -> bytes:
    return f"{OPEN}{body}</svg>".encode()


def bomb(width: int, height: int) -> str:
    """A PNG that says it is as large as that, and holds next to nothing."""
    import base64
    import struct

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    data = chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"\0" * 1000)) + chunk(b"IEND", b"")
    return base64.b64encode(b"\x89PNG\r\n\x1a\n" + data).decode()


LAUGHS = "".join(f'<!ENTITY l{n + 1} "{f"&l{n};" * 10}">' for n in range(9))
USES = "".join(f'<g id="u{n + 1}">{f"""<use href="#u{n}"/>""" * 10}</g>' for n in range(12))
LARGER = '<tspan font-size="99em">'
NESTED_SVG = "PHN2ZyB4bWxucz0iaHR0cDovL3d3dy53My5vcmcvMjAwMC9zdmciLz4="

HOSTILE: dict[str, tuple[str, Callable[[str], bytes]]] = {
    "billion laughs": ("svg.doctype", lambda _: f'<!DOCTYPE svg [<!ENTITY l0 "lol">{LAUGHS}]>{OPEN}<title>&l9;</title></svg>'.encode()),
    "quadratic blowup": ("svg.doctype", lambda _: f'<!DOCTYPE svg [<!ENTITY a "{"x" * 60_000}">]>{OPEN}{"&a;" * 60_000}</svg>'.encode()),
    "external entity": ("svg.doctype", lambda path: f'<!DOCTYPE svg [<!ENTITY x SYSTEM "file://{path}">]>{OPEN}<title>&x;</title></svg>'.encode()),
    "parameter entity": ("svg.doctype", lambda path: f'<!DOCTYPE svg [<!ENTITY % x SYSTEM "file://{path}"> %x;]>{OPEN}</svg>'.encode()),
    "entity of an external subset": ("svg.unreadable", lambda path: f'<!DOCTYPE svg SYSTEM "file://{path}">{OPEN}<title>&x;</title></svg>'.encode()),
    "entity of an external subset in an attribute": ("svg.unreadable", lambda path: f'<!DOCTYPE svg SYSTEM "file://{path}">{OPEN}<rect id="&x;"/></svg>'.encode()),
    "external subset in two bytes a character": ("svg.doctype", lambda path: f'<?xml version="1.0" encoding="UTF-16"?><!DOCTYPE svg SYSTEM "file://{path}">{OPEN}</svg>'.encode("utf-16")),
    "two of them": ("svg.doctype", lambda path: f'<!DOCTYPE svg SYSTEM "a"><!DOCTYPE svg SYSTEM "file://{path}">{OPEN}</svg>'.encode()),
    "unknown entity": ("svg.unreadable", lambda _: page("<title>&nbsp;</title>")),
    "style sheet by instruction": ("svg.instruction", lambda path: f'<?xml-stylesheet href="file://{path}"?>{OPEN}{BOX}</svg>'.encode()),
    "image from disk": ("svg.link", lambda path: page(f'<image width="9" height="9" href="{path}"/>')),
    "image by file URL": ("svg.link", lambda path: page(f'<image width="9" height="9" xlink:href="file://{path}"/>')),
    "image beside": ("svg.link", lambda _: page('<image width="9" height="9" href="../../secret.png"/>')),
    "image hidden in defs": ("svg.link", lambda path: page(f'<defs><g id="a"><image width="9" height="9" href="{path}"/></g></defs>{BOX}')),
    "image in the guide layer": ("svg.link", lambda path: page(f'{BOX}<g><g id="guides"><image href="{path}"/></g></g>')),
    "use of another file": ("svg.link", lambda path: page(f'<use href="{path}#x"/>')),
    "use over the net": ("svg.link", lambda _: page('<use href="http://127.0.0.1:1/x.svg#a"/>')),
    "feImage": ("svg.link", lambda path: page(f'<filter id="f"><feImage href="{path}"/></filter><g filter="url(#f)">{BOX}</g>')),
    "url in an attribute": ("svg.link", lambda path: page(f'<rect width="9" height="9" fill="url(file://{path}#a)"/>')),
    "url in a style": ("svg.link", lambda path: page(f"<rect width='9' height='9' style='fill: URL( \"{path}\" )'/>")),
    "url in a sheet": ("svg.link", lambda path: page(f"<style>rect {{ mask: url('{path}') }}</style>{BOX}")),
    "import": ("svg.css", lambda path: page(f"<style>@import '{path}';</style>{BOX}")),
    "import, escaped": ("svg.css", lambda path: page(f"<style>@\\69mport '{path}';</style>{BOX}")),
    "url, escaped": ("svg.css", lambda path: page(f"<style>rect {{ mask: u\\72l({path}) }}</style>{BOX}")),
    "url in a comment's shadow": ("svg.link", lambda path: page(f"<style>/* */ rect {{ mask: url({path}) }} /* */</style>{BOX}")),
    "font face": ("svg.css", lambda path: page(f"<style>@font-face {{ src: url({path}) }}</style>{BOX}")),
    "xml:base": ("svg.link", lambda path: page(f'<g xml:base="file://{path}">{BOX}</g>')),
    "script": ("svg.element", lambda _: page(f"<script>alert(1)</script>{BOX}")),
    "script in another namespace": ("svg.element", lambda _: page('<x:script xmlns:x="urn:x">1</x:script>')),
    "handler": ("svg.script", lambda _: page('<rect onload="alert(1)" width="9" height="9"/>')),
    "handler on what is not drawn": ("svg.script", lambda _: page('<desc onclick="alert(1)"/>')),
    "foreignObject": ("svg.element", lambda _: page('<foreignObject><p xmlns="http://www.w3.org/1999/xhtml">x</p></foreignObject>')),
    "frame": ("svg.element", lambda _: page('<iframe xmlns="http://www.w3.org/1999/xhtml" src="http://127.0.0.1:1/"/>')),
    "animation": ("svg.element", lambda _: page('<rect><set attributeName="href" to="file:///etc/passwd"/></rect>')),
    "link to follow": ("svg.link", lambda _: page(f'<a href="javascript:alert(1)">{BOX}</a>')),
    "SVG as data": ("svg.link", lambda _: page(f'<image width="9" height="9" href="data:image/svg+xml;base64,{NESTED_SVG}"/>')),
    "SVG named PNG": ("svg.picture", lambda _: page(f'<image width="9" height="9" href="data:image/png;base64,{NESTED_SVG}"/>')),
    "data of no type": ("svg.link", lambda _: page(f'<image width="9" height="9" href="data:;base64,{PIXEL}"/>')),
    "picture bomb": ("svg.pixels", lambda _: page(f'<image width="9" height="9" href="data:image/png;base64,{bomb(60_000, 60_000)}"/>')),
    "no such link": ("svg.link.missing", lambda _: page('<use href="#nowhere"/>')),
    "use of itself": ("svg.loop", lambda _: page('<g id="a"><use href="#a"/></g>')),
    "use in a circle": ("svg.loop", lambda _: page('<g id="a"><use href="#b"/></g><g id="b"><use href="#a"/></g>')),
    "pattern of itself": ("svg.loop", lambda _: page('<pattern id="p" width="1" height="1"><rect fill="url(#p)"/></pattern><rect fill="url(#p)"/>')),
    "laughs by use": ("svg.nodes", lambda _: page(f'<defs><g id="u0">{BOX}</g>{USES}</defs><use href="#u12"/>')),
    "deep nesting": ("svg.depth", lambda _: page("<g>" * 100_000 + "</g>" * 100_000)),
    "many elements": ("svg.nodes", lambda _: page("<g/>" * 200_000)),
    "huge path": ("svg.points", lambda _: page(f'<path d="M0 0{"L1 1" * 600_000}"/>')),
    "huge file": ("svg.large", lambda _: page(" " * 16_000_000)),
    "giant size": ("svg.size", lambda _: OPEN.replace("100mm", "99999999999mm").encode() + b"</svg>"),
    "endless size": ("svg.size", lambda _: OPEN.replace("100mm", "1e308mm").encode() + b"</svg>"),
    "size that is none": ("svg.size", lambda _: OPEN.replace("100mm", "NaN").encode() + b"</svg>"),
    "box of nothing": ("svg.size", lambda _: OPEN.replace("0 0 100 50", "0 0 0 0").encode() + b"</svg>"),
    "text of a stranger's font": ("svg.text.face", lambda _: page(f'<text y="9" font-size="9" font-family="../../etc/passwd" fill="{INK}">x</text>')),
    "text without an end": ("svg.text", lambda _: page(f'<text y="9" font-size="9" font-family="Caveat" fill="{INK}">{"xy " * 900_000}</text>')),
    "text of a thousand parts": ("svg.text.letter", lambda _: page(f'<text y="9" font-size="9" font-family="Caveat" fill="{INK}">{"<tspan>☂" * 55}{"</tspan>" * 55}</text>')),
    "text of tall accents": ("svg.text.letter", lambda _: page(f'<text y="9" font-size="9" font-family="Caveat" fill="{INK}">a{"&#x335;" * 4000}</text>')),
    "text of endless size": ("svg.text", lambda _: page(f'<text y="9" font-size="1e308" font-family="Caveat" fill="{INK}">x</text>')),
    "text of no size": ("svg.text", lambda _: page(f'<text y="9" font-size="1e-308em" font-family="Caveat" fill="{INK}">x</text>')),
    "text at the end of the world": ("svg.text", lambda _: page(f'<text x="-1e300" y="9" font-size="9" font-family="Caveat" fill="{INK}">x</text>')),
    "text of sizes within sizes": ("svg.text", lambda _: page(f'<text y="9" font-size="9" font-family="Caveat" fill="{INK}">{LARGER * 50}x{"</tspan>" * 50}</text>')),
    "text torn at each letter": ("svg.text.letter", lambda _: page(f'<text y="9" font-size="9" font-family="Caveat" fill="{INK}">a{"<tspan>&#x301;</tspan>" * 4990}</text>')),
    "text that lacks all": ("svg.text.letter", lambda _: page(f'<text y="9" font-size="9" font-family="Caveat" fill="{INK}">{"☂" * 4990}</text>')),
    "a family that breaks out of its style": ("svg.text", lambda path: page(f'<text y="9" font-size="9" font-family="Caveat" fill="{INK};mask:x" >x</text>')),
    "a slow selector": ("svg.text", lambda _: page(f'<style>{".a" * 50_000}!{{}}</style><text y="9" font-size="9" font-family="Caveat" fill="{INK}">x</text>')),
    "a slow family": ("svg.text.face", lambda _: page(f'<text y="9" font-size="9" font-family="{"a " * 100_000}" fill="{INK}">x</text>')),
    "no SVG": ("svg.root", lambda _: b"<html/>"),
    "no XML": ("svg.unreadable", lambda _: b"\x89PNG\r\n\x1a\n"),
    "nothing": ("svg.unreadable", lambda _: b""),
    "torn": ("svg.unreadable", lambda _: page(BOX)[:-9]),
    "a strange encoding": ("svg.unreadable", lambda _: b'<?xml version="1.0" encoding="UTF-7"?>' + page(BOX)),
}  # fmt: skip


@pytest.fixture(scope="module")
def darkroom() -> Iterator[LimitedDarkroom]:
    with LimitedDarkroom() as room:
        yield room


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    """A picture that a converter which follows links would draw."""
    import base64

    path = tmp_path / "secret.png"
    path.write_bytes(base64.b64decode(PIXEL))
    return path


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_drawing_is_refused_in_time(darkroom: LimitedDarkroom, secret: Path, name: str) -> None:
    code, build = HOSTILE[name]
    began = time.monotonic()
    with pytest.raises(Refused) as caught:
        darkroom.art(build(str(secret)), ORDER)
    assert time.monotonic() - began < SECONDS
    found = caught.value.findings
    assert code in {finding.code for finding in found}, found
    assert len(found) <= 60 and all(
        len(finding.message) < 600 and finding.where.startswith(ORDER.where) for finding in found
    )
    assert darkroom.art(page(BOX), ORDER).pdf.startswith(b"%PDF"), "and the next one is made"


def test_the_kit_of_horrors_is_as_long_as_it_was() -> None:
    assert len(HOSTILE) > 45


def test_findings_say_the_line(darkroom: LimitedDarkroom) -> None:
    with pytest.raises(Refused) as caught:
        darkroom.art(f'{OPEN}\n<script/>\n{BOX}\n<image href="x.png"/>\n</svg>'.encode(), ORDER)
    assert [(f.code, f.where) for f in caught.value.findings] == [
        ("svg.element", f"{ORDER.where} line 2"),
        ("svg.link", f"{ORDER.where} line 4"),
    ]


def test_nobody_is_asked_over_the_net(darkroom: LimitedDarkroom) -> None:
    asked = []

    class Listener(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_error(404)

    server = http.server.HTTPServer(("127.0.0.1", 0), Listener)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        url = f"http://127.0.0.1:{server.server_port}/x.png"
        for body in (
            f'<image width="9" height="9" href="{url}"/>',
            f"<style>rect{{fill:url({url})}}</style>",
            f'<use href="{url}#a"/>',
        ):
            with pytest.raises(Refused):
                darkroom.art(page(body), ORDER)
    finally:
        server.shutdown()
        server.server_close()
    assert asked == []


def test_a_converter_that_follows_a_link_would_find_no_file(secret: Path) -> None:
    """The wall behind the wall: in the child no file can be opened any more when the converter runs."""
    import os
    import resource

    import svg2pdf_py

    drawing = page(f'<image width="9" height="9" href="{secret}"/>').decode()
    options = svg2pdf_py.ConversionOptions(compress=False, raster_scale=1.0, embed_text=False)
    assert "/Subtype /Image" in svg2pdf_py.svg_to_pdf(drawing, svg2pdf_py.FontDatabase(), options).decode("latin-1"), (
        "the converter does read files"
    )
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (0, 0))
            made = svg2pdf_py.svg_to_pdf(drawing, svg2pdf_py.FontDatabase(), options)
            code = 0 if b"/Subtype /Image" not in made else 2
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


def test_a_drawing_that_takes_too_long_is_killed_and_said_so() -> None:
    """Within all limits of the text, and still hours of work: a thousand blurs of the whole page."""
    blurs = (
        '<filter id="f" x="-1" y="-1" width="3" height="3"><feTurbulence baseFrequency="0.9" numOctaves="99"/></filter>'
    )
    body = blurs + "".join(
        f'<g filter="url(#f)"><rect width="100" height="50" x="{n}" fill="{INK}"/></g>' for n in range(1000)
    )
    began = time.monotonic()
    with LimitedDarkroom(Limits(cpu_seconds=2, wall_seconds=6)) as room:
        with pytest.raises(PictureKilled) as caught:
            room.art(page(body), ORDER)
        assert caught.value.finding.code == "art.decoder_died" and "PDF" in caught.value.finding.remedy
        assert room.art(page(BOX), ORDER).pdf
    assert time.monotonic() - began < SECONDS


def test_wild_drawings_end_in_a_page_or_in_findings(darkroom: LimitedDarkroom) -> None:
    """A sound drawing with bytes changed here and there: never anything but a page or a refusal."""
    sound = page(
        f'<style>.a{{fill:{INK}}}</style><defs><linearGradient id="g"><stop stop-color="{INK}"/></linearGradient></defs>'
        f'<g id="x"><path class="a" d="M1 1h9v9z"/></g><use href="#x" x="20"/><rect width="9" height="9" fill="url(#g)"/>'
        f'<image width="9" height="9" href="data:image/png;base64,{PIXEL}"/>'
        f'<text x="9" y="9" font-size="9px" font-family="Caveat" style="text-anchor:end" class="a">a <tspan dx="1" fill="{INK}">b</tspan></text>'
    )
    assert darkroom.art(sound, ORDER).pdf
    chance, ends = random.Random(7), set()
    for _ in range(150):
        data = bytearray(sound)
        for _ in range(chance.randint(1, 6)):
            at = chance.randrange(len(data))
            data[at : at + chance.randint(0, 3)] = chance.choice(
                [b"", b"\xff", b"#", b"url(", b"<", b"9e9", b"&", b"\0", b"-"]
            )
        try:
            ends.add(darkroom.art(bytes(data), ORDER).pdf[:5])
        except Refused as problem:
            assert problem.findings
            ends.add(b"")
    assert ends == {b"", b"%PDF-"}
