"""Judging the tree of an SVG: its size, its links, its weight, and that nothing in it would be left out in silence."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator

from cardpipe.model.units import Size, to_mm
from cardpipe.prepress import svgdrawn
from cardpipe.prepress.bared import bared
from cardpipe.prepress.svgread import Node, Remarks

MOST_NUMBERS = 500_000  # coordinates of all paths
MOST_DRAWN = 100_000  # elements, once every <use> is followed
MOST_PIXELS = 50_000_000  # of all pictures within
MOST_PICTURE = 8_000_000  # bytes of one of them

GUIDES = "guides"  # the id of the layer that is drawn by ``design new`` and never printed

_PIXEL = 0.75  # points (CSS 2.1, 4.3.2: 96 to the inch)
_UNITS = {"": _PIXEL, "px": _PIXEL, "pt": 1.0, "pc": 12.0, "in": 72.0, "mm": 72 / 25.4, "cm": 720 / 25.4}
_LENGTH = re.compile(r"^\s*\+?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?\s*([a-z]*)\s*$", re.IGNORECASE)
_PIXELS = re.compile(r"[\d.]\s*(px)?\s*$", re.IGNORECASE)
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")
_URL = re.compile(r"url\s*\(\s*([^)]*)\)?", re.IGNORECASE)
_PICTURE = re.compile(r"^data:image/(png|jpe?g);base64,", re.IGNORECASE)
_FRAGMENT = re.compile(r"^#[^\s#\"'()]+$")
_SLACK = 0.5  # points
_DEEPEST = 160  # elements within each other, links followed
_SAVE = "save it as plain SVG"


def judge(root: Node, media: Size, remarks: Remarks) -> None:
    """All that is wrong with a tree for a page of this size; what is right is made exact: the root gets the page's
    size to the last digit, and the guide layer, which is told elsewhere, is no part of it any more."""
    _judge_size(root, media, remarks)
    ids: dict[str, Node] = {}
    for node in root.walk():
        ids.setdefault(node.attributes.get("id", ""), node)
    ids.pop("", None)
    pixels = 0
    for node in root.walk():
        _judge_style(node, remarks)
        svgdrawn.judge(node, remarks)
        for link in links(node):
            _judge_link(node, link, ids, remarks)
        href = node.attributes.get("href", "")
        if node.name in ("image", "feImage") and (found := _PICTURE.match(href)):
            pixels += _judge_picture(node, href[found.end() :], found[1].lower(), remarks)
    if pixels > MOST_PIXELS:
        remarks.add(
            "svg.pixels",
            0,
            f"holds pictures of {pixels / 1e6:.0f} million pixels; at most {MOST_PIXELS / 1e6:.0f} are taken",
            "scale them to 300 ppi",
        )
    _judge_weight(root, ids, remarks)


def judge_points(root: Node, remarks: Remarks) -> None:
    """Whether a tree, its text set, has more coordinates than a card needs."""
    numbers = sum(
        1 for node in root.walk() for key in ("d", "points") for _ in _NUMBER.finditer(node.attributes.get(key, ""))
    )
    if numbers > MOST_NUMBERS:
        what = f"has {numbers} coordinates; at most {MOST_NUMBERS} are drawn"
        remarks.add("svg.points", 0, what, "simplify its paths")


def without_guides(root: Node) -> int:
    """Take the guide layer out of the tree; how many elements it held, 0 where there was none."""
    held = 0
    for child in list(root.children):
        if child.name == "g" and child.attributes.get("id", "").lower() == GUIDES:
            root.children.remove(child)
            held += sum(1 for _ in child.walk()) - 1
    return held


def links(node: Node) -> Iterator[str]:
    """Whatever a node points at, in ``href``, in ``url(…)``, in its style or its style sheet."""
    for key, value in node.attributes.items():
        if key == "href":
            yield value.strip()
        elif "url" in value.lower():
            yield from (found[1].strip().strip("'\"").strip() for found in _URL.finditer(value))
    if node.name == "style":
        yield from (found[1].strip().strip("'\"").strip() for found in _URL.finditer(node.content))


def _judge_link(node: Node, link: str, ids: dict[str, Node], remarks: Remarks) -> None:
    if _FRAGMENT.match(link):
        if link[1:] not in ids:
            what = f"{node.label} points at {link[:60]}, which is not in the file"
            remarks.add("svg.link.missing", node.line, what, "draw it, or take the link out")
    elif node.name not in ("image", "feImage") or not _PICTURE.match(link):
        shown = link[:40] + ("…" if len(link) > 40 else "")
        what = f"{node.label} points out of the file, at {shown!r}"
        remarks.add("svg.link", node.line, what, "embed pictures as PNG or JPEG, and link to nothing else")


def _judge_picture(node: Node, encoded: str, kind: str, remarks: Remarks) -> int:
    """The pixels of an embedded picture, whose first bytes must be what its type says: a converter that looks at the
    bytes instead would read another SVG there."""
    if len(encoded) > MOST_PICTURE * 4 // 3:
        remarks.add(
            "svg.picture.large",
            node.line,
            f"{node.label} holds over {MOST_PICTURE / 1e6:.0f} MB",
            "scale the picture to 300 ppi",
        )
        return 0
    try:
        data = base64.b64decode(re.sub(r"\s+", "", encoded), validate=True)
    except (binascii.Error, ValueError):
        data = b""
    size = _png_size(data) if kind == "png" else _jpeg_size(data)
    if size is None:
        remarks.add("svg.picture", node.line, f"{node.label} holds no readable {kind.upper()}", "embed it anew")
        return 0
    if kind != "png":  # the converter copies a JPEG byte by byte, with where and when it was taken
        node.attributes["href"] = f"data:image/jpeg;base64,{base64.b64encode(bared(data)).decode()}"
    return size[0] * size[1]


def _png_size(data: bytes) -> tuple[int, int] | None:
    if data[:8] != b"\x89PNG\r\n\x1a\n" or data[12:16] != b"IHDR" or len(data) < 33:
        return None
    return int.from_bytes(data[16:20], "big"), int.from_bytes(data[20:24], "big")


def _jpeg_size(data: bytes) -> tuple[int, int] | None:
    """Width and height from the frame header (ITU-T T.81, B.2.2)."""
    at = 2
    while data[:2] == b"\xff\xd8" and at + 9 <= len(data) and data[at] == 0xFF:
        marker, length = data[at + 1], int.from_bytes(data[at + 2 : at + 4], "big")
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            return int.from_bytes(data[at + 7 : at + 9], "big"), int.from_bytes(data[at + 5 : at + 7], "big")
        at += 1 if marker == 0xFF else 2 + length
    return None


def _judge_style(node: Node, remarks: Remarks) -> None:
    """Style sheets of plain rules only: an @-rule imports or chooses, an escape hides a word from this judge."""
    for key, value in node.attributes.items():
        if key in ("id", "class"):
            continue
        if "\\" in value:
            remarks.add("svg.css", node.line, f"{node.label} has a backslash in {key[:40]}", _SAVE)
        if "var(" in value.lower() or "calc(" in value.lower():
            remarks.add("svg.css", node.line, f"{node.label} computes its {key[:40]}", "write the value itself")
    if node.name == "style":
        sheet = re.sub(r"/\*.*?\*/", lambda found: re.sub(r"[^\n]", " ", found[0]), node.content, flags=re.DOTALL)
        for found in re.finditer(r"@[\w-]*|\\|var\(|calc\(", sheet):
            line = node.line + sheet.count("\n", 0, found.start())
            remarks.add(
                "svg.css", line, f"the style sheet holds {found[0]!r}", "write plain rules of fills and strokes"
            )
        if "/*" in sheet or "<!" in sheet:
            remarks.add("svg.css", node.line, "the style sheet has a comment without an end", _SAVE)


def points(length: str) -> float | None:
    """A length with its unit, or none, in points; None where it is in per cent or no length."""
    found = _LENGTH.match(length)
    if found is None or found[3].lower() not in _UNITS:
        return None
    return float(found[1] + (found[2] or "")) * _UNITS[found[3].lower()]


def _judge_size(root: Node, media: Size, remarks: Remarks) -> None:
    wanted = f"{to_mm(media.width):.2f} × {to_mm(media.height):.2f} mm (the flat card with its bleed)"
    remedy = (
        f'write width="{to_mm(media.width):.2f}mm" height="{to_mm(media.height):.2f}mm" and a viewBox of that shape'
    )
    given = [root.attributes.get(key, "") for key in ("width", "height")]
    wide, tall = (points(text) for text in given)
    if wide is None or tall is None:
        told = " × ".join(text[:20] or "nothing" for text in given)
        remarks.add("svg.size", root.line, f"says {told} for its size, which must be {wanted}", remedy)
        return
    whole = f"0 0 {wide / _PIXEL:.6f} {tall / _PIXEL:.6f}"
    if all(_PIXELS.search(text) for text in given) and _is(media, wide / _PIXEL, tall / _PIXEL):
        wide, tall = wide / _PIXEL, tall / _PIXEL  # Illustrator's pixel is a point
    if not _is(media, wide, tall):
        told = f"{to_mm(wide):.2f} × {to_mm(tall):.2f} mm"
        remarks.add("svg.size", root.line, f"is {told}, and the page is {wanted}", remedy)
        return
    if not root.attributes.get("viewBox"):
        root.attributes["viewBox"] = whole
    box = view(root)
    if len(box) != 4 or box[2] <= 0 or box[3] <= 0:
        remarks.add("svg.size", root.line, "has a viewBox that is none", remedy)
    elif abs(box[3] * media.width / box[2] - media.height) > 2 * _SLACK:
        told = f"{box[2]:g} : {box[3]:g}, and the page {media.width:.2f} : {media.height:.2f}"
        remarks.add("svg.size", root.line, f"has a viewBox of {told}, which would leave a strip white", remedy)
    root.attributes.update(
        width=f"{media.width:.6f}", height=f"{media.height:.6f}"
    )  # the converter's unit is the point
    root.attributes["preserveAspectRatio"] = "none"


def _is(media: Size, wide: float, tall: float) -> bool:
    return abs(wide - media.width) <= _SLACK and abs(tall - media.height) <= _SLACK


def view(root: Node) -> list[float]:
    """The numbers of the viewBox: left, top, width, height."""
    return [float(number) for number in _NUMBER.findall(root.attributes.get("viewBox", ""))]


def _judge_weight(root: Node, ids: dict[str, Node], remarks: Remarks) -> None:
    """How many elements there are once every link is followed; a link that comes back to itself has no end."""
    known: dict[int, int] = {}
    open_: set[int] = set()

    def weigh(node: Node) -> int:
        key = id(node)
        if key in known:
            return known[key]
        if key in open_ or len(open_) > _DEEPEST:
            remarks.add("svg.loop", node.line, f"{node.label} is drawn within itself, or too deep", "take the link out")
            return 0
        open_.add(key)
        total = 1 + sum(weigh(child) for child in node.children)
        for link in links(node):
            if node.name != "style" and link[:1] == "#" and link[1:] in ids:
                total += weigh(ids[link[1:]])
        open_.discard(key)
        known[key] = min(total, MOST_DRAWN + 1)
        return known[key]

    if weigh(root) > MOST_DRAWN:
        remarks.add("svg.nodes", 0, f"draws more than {MOST_DRAWN} elements by its links", "draw less, or save as PDF")
