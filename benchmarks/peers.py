"""What a user would otherwise pick: the same card from the same parts, by other tools, each told its best options.

The message is set as text in the hand's own font, as no peer warps it, its lines already broken; no peer draws match
codes. Photos lie ready as files, or are made from the phone's picture on the way by Pillow's Lanczos. Art: a form or
a PDF where the tool can share one, else the quicker of SVG and a picture of 300 ppi.
"""

from __future__ import annotations

import html
import importlib.util
import io
import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

Piece = dict[str, Any]


@dataclass
class Parts:
    """The folder of ready parts; ``whole`` makes the photos too; ``hook`` is asked for what child processes took."""

    folder: Path
    whole: bool
    told: dict[str, Any] = field(init=False)
    hook: Callable[[str], None] = lambda moment: None

    def __post_init__(self) -> None:
        self.told = json.loads((self.folder / "parts.json").read_text())

    def pieces(self, count: int) -> Iterator[Piece]:
        for number in range(count):
            made = self.told["pieces"][number % len(self.told["pieces"])]
            *words, last = made["message"]
            yield {**made, "message": [*words, [*last[:3], f"Number {number} says hello."]],
                   "photo_file": self._photo(number, made)}  # fmt: skip

    def _photo(self, number: int, piece: Piece) -> Path:
        """Ready, or made here: turned as its EXIF says, cropped, resampled, encoded."""
        if not self.whole:
            return self.folder / f"photo-{number}.jpg"
        from PIL import Image, ImageOps

        target = self.folder / f"made-{number}.jpg"
        picture = ImageOps.exif_transpose(Image.open(self.folder / piece["source"]))
        size = tuple(piece["pixels"])
        fitted = ImageOps.fit(picture, size, Image.Resampling.LANCZOS, centering=(0.5, 0.4))
        fitted.save(target, "JPEG", quality=90, comment=b"%08d" % number)  # each its own bytes
        return target


def reportlab_canvas(parts: Parts, count: int, target: Path) -> None:
    """One reportlab canvas for all: the art as a shared form, streams not in ASCII."""
    from reportlab.pdfgen.canvas import Canvas

    canvas = Canvas(str(target), pageCompression=1)
    _fonts(parts)
    _forms(canvas, parts)
    for piece in parts.pieces(count):
        _reportlab_piece(canvas, parts, piece)
    canvas.save()


def reportlab_pypdf(parts: Parts, count: int, target: Path) -> None:
    """A reportlab PDF for each card, appended by pypdf."""
    from pypdf import PdfWriter
    from reportlab.pdfgen.canvas import Canvas

    _fonts(parts)
    writer = PdfWriter()
    for piece in parts.pieces(count):
        out = io.BytesIO()
        canvas = Canvas(out, pageCompression=1)
        _forms(canvas, parts)
        _reportlab_piece(canvas, parts, piece)
        canvas.save()
        writer.append(out, import_outline=False)
    writer.write(target)


def _fonts(parts: Parts) -> None:
    from reportlab import rl_config
    from reportlab.pdfbase import pdfmetrics
    from reportlab.pdfbase.ttfonts import TTFont

    rl_config.useA85 = 0
    for name in ("hand", "printed"):
        pdfmetrics.registerFont(TTFont(name, str(parts.folder / parts.told[name])))


def _forms(canvas: Any, parts: Parts) -> None:
    width, height = parts.told["pieces"][0]["card"]
    for side in ("outside", "inside"):
        canvas.beginForm(side, 0, 0, width, height)
        canvas._code.append((parts.folder / f"{side}.ops").read_text())  # its own operators: nothing to draw again
        canvas.endForm()


def _reportlab_piece(canvas: Any, parts: Parts, piece: Piece) -> None:
    canvas.setPageSize(piece["card"])
    canvas.doForm("outside")
    canvas.drawImage(str(piece["photo_file"]), *piece["photo"])
    canvas.showPage()
    canvas.setPageSize(piece["card"])
    canvas.doForm("inside")
    canvas.setFillColorCMYK(*parts.told["cmyk"])
    for x, y, size, text in piece["message"]:
        canvas.setFont("hand", size)
        canvas.drawString(x, y, text)
    canvas.drawImage(str(parts.folder / "signature.png"), *piece["signature"], mask="auto")
    canvas.showPage()
    canvas.setPageSize(piece["envelope"])
    for x, y, size, text in piece["address"]:
        canvas.setFont("printed", size)
        canvas.drawString(x, y, text)
    canvas.showPage()


def fpdf2(parts: Parts, count: int, target: Path) -> None:
    """fpdf2: the art as a picture, which it embeds once (it draws an SVG anew on each page)."""
    from fpdf import FPDF

    pdf = FPDF(unit="pt")
    pdf.set_auto_page_break(False)
    pdf.set_margin(0)
    for name in ("hand", "printed"):
        pdf.add_font(name, fname=parts.folder / parts.told[name])
    for piece in parts.pieces(count):
        width, height = piece["card"]
        photo, signature = piece["photo"], piece["signature"]
        pdf.add_page(format=(width, height))
        pdf.image(parts.folder / "outside.png", 0, 0, width, height)
        pdf.image(piece["photo_file"], photo[0], height - photo[1] - photo[3], photo[2], photo[3])
        pdf.add_page(format=(width, height))
        pdf.image(parts.folder / "inside.png", 0, 0, width, height)
        pdf.set_text_color(11, 36, 82)
        for x, y, size, text in piece["message"]:
            pdf.set_font("hand", size=size)
            pdf.text(x, height - y, text)
        low = height - signature[1] - signature[3]
        pdf.image(parts.folder / "signature.png", signature[0], low, signature[2], signature[3])
        pdf.set_text_color(0)
        pdf.add_page(format=piece["envelope"])
        for x, y, size, text in piece["address"]:
            pdf.set_font("printed", size=size)
            pdf.text(x, piece["envelope"][1] - y, text)
    pdf.output(str(target))


def typst(parts: Parts, count: int, target: Path) -> None:
    """Typst: the art as a PDF, which it embeds once."""
    import typst as compiler

    hand, printed = "Reenie Beanie", "Arimo"
    out = ['#set page(margin: 0pt)\n#set text(top-edge: "baseline", kerning: true)\n']
    for piece in parts.pieces(count):
        high, photo, sign = piece["card"][1], piece["photo"], piece["signature"]
        page = "#page(width: {:g}pt, height: {:g}pt)["
        out.append(page.format(*piece["card"]) + _typst_art("outside", piece))
        out.append(_typst_image(piece["photo_file"].name, photo, high) + "]\n")
        out.append(page.format(*piece["card"]) + _typst_art("inside", piece))
        out += [_typst_line(line, high, hand, parts.told["screen"]) for line in piece["message"]]
        out.append(_typst_image("signature.png", sign, high) + "]\n")
        out.append(page.format(*piece["envelope"]))
        out += [_typst_line(line, piece["envelope"][1], printed, "#000000") for line in piece["address"]]
        out.append("]\n")
    source = parts.folder / "cards.typ"
    source.write_text("".join(out))
    compiler.compile(str(source), output=str(target), root=str(parts.folder), font_paths=[str(parts.folder)],
                     ignore_system_fonts=True)  # fmt: skip


def _typst_art(side: str, piece: Piece) -> str:
    return f'#place(top + left, image("{side}.pdf", width: {piece["card"][0]}pt))'


def _typst_image(name: str, box: list[float], high: float) -> str:
    x, y, width, height = box
    return (f'#place(top + left, dx: {x:.3f}pt, dy: {high - y - height:.3f}pt, '
            f'image("{name}", width: {width:.3f}pt, height: {height:.3f}pt, fit: "stretch"))')  # fmt: skip


def _typst_line(line: list[Any], high: float, family: str, colour: str) -> str:
    x, y, size, text = line
    words = json.dumps(text, ensure_ascii=False)
    return (f'#place(top + left, dx: {x:.3f}pt, dy: {high - y:.3f}pt, '
            f'text(font: "{family}", size: {size:.3f}pt, fill: rgb("{colour}"), {words}))')  # fmt: skip


def weasyprint(parts: Parts, count: int, target: Path) -> None:
    """WeasyPrint: one document, a cache of pictures, the art as SVG."""
    from weasyprint import HTML

    page = _html(parts, count)
    HTML(string=page, base_url=str(parts.folder) + "/").write_pdf(str(target), cache={}, optimize_images=False)


def chromium(parts: Parts, count: int, target: Path) -> None:
    """Headless Chromium, one tab, the art as SVG. Its start is not counted."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
        )
        tab = browser.new_page()
        tab.goto("about:blank")
        parts.hook("start")
        source = parts.folder / "cards.html"
        source.write_text(_html(parts, count))
        tab.goto(source.as_uri(), timeout=0)
        tab.pdf(path=str(target), prefer_css_page_size=True, print_background=True)
        parts.hook("end")
        browser.close()


def _html(parts: Parts, count: int) -> str:
    first = parts.told["pieces"][0]
    width, height = first["card"]
    wide, high = first["envelope"]
    out = [
        f"""<!doctype html><meta charset="utf-8"><style>
@font-face {{ font-family: hand; src: url({parts.told["hand"]}) }}
@font-face {{ font-family: printed; src: url({parts.told["printed"]}) }}
@page card {{ size: {width}pt {height}pt; margin: 0 }}
@page envelope {{ size: {wide}pt {high}pt; margin: 0 }}
body {{ margin: 0 }}
div {{ position: relative; overflow: hidden; break-after: page }}
.c {{ page: card; width: {width}pt; height: {height}pt; color: {parts.told["screen"]}; font-family: hand }}
.e {{ page: envelope; width: {wide}pt; height: {high}pt; font-family: printed }}
img, p {{ position: absolute; margin: 0 }}
p {{ line-height: 0; white-space: pre }}
.a {{ left: 0; top: 0; width: {width}pt; height: {height}pt }}
</style>"""
    ]
    for piece in parts.pieces(count):
        out.append('<div class=c><img class=a src="outside.svg">')
        out.append(_html_image(piece["photo_file"].name, piece["photo"], height) + "</div>")
        out.append('<div class=c><img class=a src="inside.svg">')
        out += [_html_line(line, height, *parts.told["hand_extent"]) for line in piece["message"]]
        out.append(_html_image("signature.png", piece["signature"], height) + "</div><div class=e>")
        out += [_html_line(line, high, *parts.told["printed_extent"]) for line in piece["address"]]
        out.append("</div>")
    return "".join(out)


def _html_image(name: str, box: list[float], high: float) -> str:
    x, y, width, height = box
    place = f"left:{x:.3f}pt;top:{high - y - height:.3f}pt;width:{width:.3f}pt;height:{height:.3f}pt"
    return f'<img src="{name}" style="{place}">'


def _html_line(line: list[Any], high: float, ascent: float, descent: float) -> str:
    """A line without height lies with its middle where it is put; the baseline below that."""
    x, y, size, text = line
    top = high - y - size * (ascent + descent) / 2
    return f'<p style="left:{x:.3f}pt;top:{top:.3f}pt;font-size:{size:.3f}pt">{html.escape(text)}</p>'


#: Name in the table, how, and the module that must be installed.
PEERS: dict[str, tuple[Callable[[Parts, int, Path], None], str]] = {
    "one reportlab canvas": (reportlab_canvas, "reportlab"),
    "reportlab per card + pypdf": (reportlab_pypdf, "reportlab"),
    "fpdf2": (fpdf2, "fpdf"),
    "Typst": (typst, "typst"),
    "WeasyPrint": (weasyprint, "weasyprint"),
    "headless Chromium": (chromium, "playwright"),
}


def missing(name: str) -> str:
    """Why this peer cannot be measured here; empty where it can."""
    module = PEERS[name][1]
    if importlib.util.find_spec(module) is None:
        return f"{module} is not installed"
    if name == "headless Chromium":
        if importlib.util.find_spec("psutil") is None:
            return "psutil is not installed"
        if shutil.which("chromium") is None:
            return "there is no chromium"
    return ""
