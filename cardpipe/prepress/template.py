"""What a new design starts from: a complete ``design.toml``, art that prints at once, and guides to draw over.

The art is plain paper and one flower. As SVG it is painted in the palette's screen colours, with the guides as a layer
that is never printed; as PDF it is vector and DeviceCMYK, and the guides are files of their own, which no print file
ever reads: lines within such art would be printed.
"""

from __future__ import annotations

import math
from typing import Literal

from cardpipe.model.units import Box, Points, mm, num, to_mm
from cardpipe.prepress import svgtemplate
from cardpipe.prepress.card import CODE_SLOT
from cardpipe.prepress.format import Format, Panel
from cardpipe.prepress.proof import folds

PAPER = (2.0, 3.0, 9.0, 0.0)
PETAL = (6.0, 52.0, 46.0, 0.0)
HEART = (4.0, 26.0, 70.0, 0.0)
#: The same inks as people see them on a screen.
SCREENS = {"paper": "#f9f4e7", "petal": "#e8917e", "heart": "#f3c064"}
#: Where an editor finds the schema, from a design's folder: ``cardpipe design schema`` writes it.
SCHEMA = "../design.schema.json"
_KAPPA = 0.5522847


def files(
    name: str, layout: Format, hand: str, author: str = "your name", art: Literal["svg", "pdf"] = "svg"
) -> dict[str, bytes]:
    """Everything that the folder of a new design holds, by file name."""
    made = {
        "design.toml": _toml(name, layout, hand, author, _about(layout, art)).encode(),
        "LICENSE": _licence(name, author).encode(),
    }
    for side in layout.sides:
        if art == "svg":
            made[f"{side}.svg"] = svgtemplate.drawing(layout, side, SCREENS, _flowers(layout, side))
            continue
        made[f"{side}.pdf"] = _pdf(layout, _art(layout, side))
        made[f"guides-{side}.pdf"] = _pdf(layout, _guides(layout, side))
    return made


def _message_box(layout: Format) -> tuple[str, Box]:
    """The panel for the words, and their box: generous margins, and above the match code where that is on the panel."""
    panel = {"side": "right", "top": "bottom", "none": "back"}[layout.fold]
    width, height = layout.trim.width, layout.trim.height
    margin = max(layout.safe, 0.12 * min(width, height))
    foot = max(margin, CODE_SLOT[1] + CODE_SLOT[2] + mm(4)) if panel == layout.code_panel else margin
    return panel, Box(margin, margin, width - 2 * margin, height - margin - foot)


def _about(layout: Format, art: str) -> str:
    """What the head of ``design.toml`` says of the art."""
    media = f"{to_mm(layout.media.width):.2f} x {to_mm(layout.media.height):.2f} mm"
    sides = " and ".join(f"{side}.{art}" for side in layout.sides)
    size = f"{media}:\n# the unfolded card and {to_mm(layout.bleed):.3g} mm of bleed all around."
    if art == "svg":
        return f"""# Art: {sides}, {size}
# Paint with the `screen` colours below and no others (white is bare paper): each becomes exactly its ink on press.
# What touches the cut must run to the end of the bleed. Convert text to outlines. The layer `guides` shows trim
# (magenta), safe margin (green), fold (blue) and the match code (grey). It is never printed; delete it when done.
# Instead of an .svg a side may be a .pdf in CMYK, or a .png of at least 300 ppi."""
    return f"""# Art: {sides}, one page each, CMYK without RGB or spot colours, {size}
# What touches the cut must run to the end of the bleed. Convert text to outlines.
# guides-*.pdf show trim (magenta), safe margin (green), fold (blue) and the match code (grey): lay them above your
# art while you draw, and never save them into it; whatever is in the art is printed. Remove them when you are done.
# Instead of a .pdf a side may be an .svg in the `screen` colours below, or a .png of at least 300 ppi."""


def _toml(name: str, layout: Format, hand: str, author: str, about: str) -> str:
    panel, box = _message_box(layout)
    where = ", ".join(f'"{to_mm(v):.1f}mm"' for v in (box.x, box.y, box.width, box.height))
    small = box.height < mm(110)
    sign = (min(mm(50), box.width), mm(13) if small else mm(16))
    return f'''#:schema {SCHEMA}
#
# A card design. `cardpipe design check {name}` says whether it can be printed;
# `cardpipe design proof {name}` draws its specimens.
#
{about}

name = "{name}"              # equals the folder's name
version = 1                  # raise it with every change; orders name the version that they were printed from
title = "{name.replace("-", " ").title()}"
occasions = ["just-because"] # the first one is what it is made for: birthday, thank-you, sympathy …
authors = ["{author}"]
license = "CC-BY-4.0"        # an SPDX identifier; its text or notice is in LICENSE
format = "{layout.name}"                # {layout.title}
hand = "{hand}"              # the handwriting when an order names none

# Inks: cmyk is what the press prints, in per cent; screen is what people see on a monitor.
[inks.paper]
cmyk = [2, 3, 9, 0]
screen = "{SCREENS["paper"]}"

[inks.petal]
cmyk = [6, 52, 46, 0]
screen = "{SCREENS["petal"]}"

[inks.heart]
cmyk = [4, 26, 70, 0]
screen = "{SCREENS["heart"]}"

[inks.pen]
cmyk = [100, 85, 25, 45]
screen = "#0b2452"

# Frames: box = [x, y, width, height] from the panel's upper left corner. Panels: {", ".join(layout.panels)}.
[[frame]]
panel = "{panel}"
field = "message"
box = [{where}]
largest = "{"2.7mm" if small else "3mm"}"    # x-heights: the height of a small x; text is set as large as it fits …
smallest = "2mm"   # … and refused where it does not fit at this size: never clipped, never smaller
leading = 3.6      # from line to line, in x-heights
align = "left"     # or "center"
valign = "middle"  # or "top"
overflow = "refuse"
ink = "pen"

[[frame]]
panel = "{panel}"
field = "signature"
follows = "message" # below the last line; or leave this out and give a box of its own
size = ["{to_mm(sign[0]):.1f}mm", "{to_mm(sign[1]):.1f}mm"]
ink = "pen"

# A photo, if you want one (an order then brings it as photos.main):
#
# [[frame]]
# panel = "front"
# field = "photos.main"
# box = ["15mm", "15mm", "60mm", "60mm"]
# fit = "cover"        # fills the box and crops; "contain" shows the whole picture
# clip = "rounded"     # or "rect", "ellipse"
# radius = "3mm"
# focus = [0.5, 0.4]   # what stays in view, in shares from the left and the top; leave it out to look for faces
# bleeds = false       # true: the box runs over the trim to the end of the bleed
# required = true      # false: the art shows something of its own where there is no photo

# Specimens: what `design proof` draws. Show the design with few words, and with as many as it should hold.
[[specimen]]
name = "short"
recipient = "Marisol"
message = """
Dear Marisol,

Thank you for the tomatoes. They did not make it to supper.
"""

[[specimen]]
name = "long"
recipient = "Mr. Okafor"
message = """
Dear Mr. Okafor,

You waited with us in the rain until the truck came, and then would not even take a cup of tea. That was kind.

The house is warm now and the boxes are nearly gone. Come by on a Sunday and see it.
"""
'''


def _licence(name: str, author: str) -> str:
    return (
        f'"{name.replace("-", " ").title()}", a greeting card design\nCopyright {author}\n\n'
        "This design (design.toml, the art, thumbnail.png and the pictures in specimen/) is licensed under the\n"
        "Creative Commons Attribution 4.0 International License (CC-BY-4.0):\n"
        "https://creativecommons.org/licenses/by/4.0/\n"
    )


def _art(layout: Format, side: str) -> list[str]:
    whole = Box(0, 0, layout.media.width, layout.media.height)
    drawn = [_ink(PAPER), _rectangle(whole) + " f"]
    for panel, share, up in _flowers(layout, side):
        drawn += _flower(panel, share, up)
    return drawn


def _flowers(layout: Format, side: str) -> list[tuple[Panel, float, float]]:
    """A large flower on the front, a small one where the card is opened: panel, radius as a share of it, place."""
    places = {"front": (0.26, 0.54), "left": (0.07, 0.5), "top": (0.07, 0.5)}
    return [
        (panel, *places[panel.name]) for panel in layout.panels.values() if panel.side == side and panel.name in places
    ]


def _flower(panel: Panel, share: float, up: float) -> list[str]:
    """Nine petals and a heart."""
    radius = share * min(panel.box.width, panel.box.height)
    x, y = panel.box.x + panel.box.width / 2, panel.box.y + panel.box.height * up
    drawn = [_ink(PETAL)]
    for place in range(9):
        angle = math.radians(90 + 40 * place)
        turn = f"{math.cos(angle):.5f} {math.sin(angle):.5f} {-math.sin(angle):.5f} {math.cos(angle):.5f}"
        drawn.append(f"q {turn} {num(x)} {num(y)} cm {_ellipse(0.64 * radius, 0, 0.36 * radius, 0.19 * radius)} f Q")
    return [*drawn, _ink(HEART), _ellipse(x, y, 0.2 * radius, 0.2 * radius) + " f"]


def _guides(layout: Format, side: str) -> list[str]:
    drawn = ["0.5 w", "0.8 0 0.9 0.1 K"]
    panels = [panel for panel in layout.panels.values() if panel.side == side]
    drawn += [_rectangle(panel.box.inset(layout.safe)) + " S" for panel in panels]
    drawn += ["0 1 0 0 K", _rectangle(layout.trim_box) + " S", "1 0.5 0 0 K [4 3] 0 d"]
    for fold in folds(layout):
        drawn.append(f"{num(fold.x)} {num(fold.y)} m {num(fold.right)} {num(fold.top)} l S")
    drawn += ["[] 0 d 0 0 0 0.5 K"]
    for panel in panels:
        if panel.name == layout.code_panel:
            width, height, above = CODE_SLOT
            box, _ = panel.place(Box((panel.box.width - width) / 2, panel.box.height - above - height, width, height))
            drawn.append(_rectangle(box) + " S")
    return drawn


def _ink(cmyk: tuple[float, ...]) -> str:
    return " ".join(num(part / 100) for part in cmyk) + " k"


def _rectangle(box: Box) -> str:
    return f"{num(box.x)} {num(box.y)} {num(box.width)} {num(box.height)} re"


def _ellipse(x: Points, y: Points, rx: Points, ry: Points) -> str:
    kx, ky = rx * _KAPPA, ry * _KAPPA

    def p(*values: float) -> str:
        return " ".join(num(value) for value in values)

    return " ".join(
        [
            p(x + rx, y) + " m",
            p(x + rx, y + ky, x + kx, y + ry, x, y + ry) + " c",
            p(x - kx, y + ry, x - rx, y + ky, x - rx, y) + " c",
            p(x - rx, y - ky, x - kx, y - ry, x, y - ry) + " c",
            p(x + kx, y - ry, x + rx, y - ky, x + rx, y) + " c h",
        ]
    )


def _pdf(layout: Format, operators: list[str]) -> bytes:
    """One page with its boxes and nothing else."""
    body = "\n".join(operators).encode("ascii")
    media, trim = layout.media, layout.trim_box
    whole = f"[0 0 {num(media.width)} {num(media.height)}]"
    cut = f"[{num(trim.x)} {num(trim.y)} {num(trim.right)} {num(trim.top)}]"
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Count 1 /Kids [3 0 R] >>",
        f"<< /Type /Page /Parent 2 0 R /MediaBox {whole} /BleedBox {whole} /TrimBox {cut} "
        "/Resources << >> /Contents 4 0 R >>".encode(),
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(body), body),
    ]
    made, offsets = b"%PDF-1.6\n%\xe2\xe3\xcf\xd3\n", []
    for number, item in enumerate(objects, 1):
        offsets.append(len(made))
        made += b"%d 0 obj\n%s\nendobj\n" % (number, item)
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    end = b"xref\n0 5\n0000000000 65535 f \n%strailer\n<< /Size 5 /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n"
    return made + end % (table, len(made))
