"""Renew the screen twins of all inks: ``python designs/_studio/twins.py`` writes ``screen`` into each design.toml.

The twin is what PDFium shows for the ink's shares on white, so that a proof on screen and the art agree.
"""

from __future__ import annotations

import io
import re
import sys
from pathlib import Path as File

sys.path.insert(0, str(File(__file__).resolve().parent))

import pikepdf
import pypdfium2 as pdfium
from kit import DESIGNS


def twin(cmyk: list[float]) -> str:
    """The ink as #rrggbb."""
    pdf = pikepdf.new()
    pdf.add_blank_page(page_size=(8, 8))
    shares = " ".join(f"{part / 100:g}" for part in cmyk)
    pdf.pages[0].Contents = pdf.make_stream(f"{shares} k 0 0 8 8 re f".encode())
    file = io.BytesIO()
    pdf.save(file)
    red, green, blue = pdfium.PdfDocument(file.getvalue())[0].render().to_pil().convert("RGB").getpixel((4, 4))
    return f"#{red:02x}{green:02x}{blue:02x}"


def main() -> None:
    """Every design folder."""
    pattern = re.compile(r'(cmyk = \[([\d., ]+)\]\nscreen = )"#[0-9a-f]{6}"')
    for file in sorted(DESIGNS.glob("*/design.toml")):
        text = file.read_text(encoding="utf-8")
        renewed = pattern.sub(lambda m: f'{m[1]}"{twin([float(v) for v in m[2].split(",")])}"', text)
        file.write_text(renewed, encoding="utf-8")


if __name__ == "__main__":
    main()
