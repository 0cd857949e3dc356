"""Small SVGs for tests: a page of 100 × 50 mm, and the palette that it is painted with."""

from __future__ import annotations

import base64
import io

from PIL import Image

from cardpipe.model.units import mm
from cardpipe.prepress.art import ArtOrder

PALETTE = (
    ("paper", "#f9f4e7", 2.0, 3.0, 9.0, 0.0),
    ("petal", "#e8917e", 6.0, 52.0, 46.0, 0.0),
    ("pen", "#0b2452", 100.0, 85.0, 25.0, 45.0),
)
ORDER = ArtOrder("designs/x/outside.svg", "svg", mm(100), mm(50), PALETTE)
OPEN = (
    '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'
    ' width="100mm" height="50mm" viewBox="0 0 100 50">'
)


def svg(body: str, opening: str = OPEN) -> bytes:
    """A page with something on it; the body begins at line 2."""
    return f"{opening}\n{body}\n</svg>\n".encode()


def picture(width: int = 40, height: int = 30, mode: str = "RGB", kind: str = "PNG", **options: object) -> bytes:
    out = io.BytesIO()
    Image.new(mode, (width, height), 90 if mode == "L" else (200, 30, 30, 120)[: len(mode)]).save(out, kind, **options)
    return out.getvalue()


def embedded(data: bytes, kind: str = "png") -> str:
    return f"data:image/{kind};base64,{base64.b64encode(data).decode()}"
