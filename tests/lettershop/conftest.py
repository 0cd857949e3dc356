"""A face, the built-in carrier, and a PDF writer of thirty lines: what is drawn is looked at by another library."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from cardpipe.catalog.carriers import load_carriers
from cardpipe.lettershop.carrier import Carrier
from cardpipe.model.units import num
from cardpipe.prepress.content import Names, content
from cardpipe.prepress.embed import font_parts
from cardpipe.prepress.font import Font
from cardpipe.prepress.fragment import collect_glyphs
from cardpipe.prepress.page import Mark, Page
from cardpipe.prepress.raster import Pixels, opened
from cardpipe.prepress.typeset import Face

ARIMO = Path(__file__).parents[2] / "fonts" / "arimo" / "Arimo-Regular.ttf"
Render = Callable[[Page, float], Pixels]


@pytest.fixture(scope="session")
def arimo() -> bytes:
    return ARIMO.read_bytes()


@pytest.fixture(scope="session")
def face(arimo: bytes) -> Face:
    return Face("arimo", Font(arimo))


@pytest.fixture(scope="session")
def usps() -> Carrier:
    return load_carriers()["usps"]


@pytest.fixture(scope="session")
def render(face: Face) -> Render:
    """A page's marks as pixels at a resolution."""

    def pixels(page: Page, ppi: float) -> Pixels:
        with opened(one_page(page, face)) as document:
            return document.pixels(0, ppi)

    return pixels


def one_page(page: Page, face: Face) -> bytes:
    """The smallest PDF that shows these marks."""
    names, glyphs = Names(), dict[str, dict[int, str]]()
    marks: list[Mark] = list(page.marks)
    collect_glyphs(marks, glyphs)
    body = content(marks, names)
    objects = [b"<< /Type /Catalog /Pages 2 0 R >>", b"<< /Type /Pages /Count 1 /Kids [3 0 R] >>", b""]
    objects.append(b"<< /Length %d >>\nstream\n%s\nendstream" % (len(body), body))
    fonts = ""
    for name, key in names.fonts.items():
        first = len(objects) + 1
        fonts += f"/{name} {first} 0 R "
        for part in font_parts(face.font, "Arimo", glyphs[key]):
            head = "".join(t if isinstance(t, str) else f"{first + t} 0 R" for t in part.head).encode()
            objects.append(head if part.stream is None else head + b"\nstream\n" + part.stream + b"\nendstream")
    box = f"/MediaBox [0 0 {num(page.size.width)} {num(page.size.height)}]"
    objects[2] = f"<< /Type /Page /Parent 2 0 R {box} /Contents 4 0 R /Resources << /Font << {fonts}>> >> >>".encode()
    made, offsets = b"%PDF-1.6\n", []
    for number, item in enumerate(objects, 1):
        offsets.append(len(made))
        made += b"%d 0 obj\n%s\nendobj\n" % (number, item)
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    size = len(objects) + 1
    end = b"xref\n0 %d\n0000000000 65535 f \n%strailer << /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF"
    return made + end % (size, table, size, len(made))
