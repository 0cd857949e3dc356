"""Where the colours of an SVG stand, and what in it shines through: so that a finding names an element and its line.

What is printed is decided by the colours of the converted page (see :mod:`cardpipe.prepress.inking`); this only looks
for them in the text. A colour that nobody wrote is SVG's own black, of shapes without a fill (SVG 1.1, 11.3).
"""

from __future__ import annotations

import base64
import colorsys
import re
from collections.abc import Iterator
from dataclasses import dataclass

from PIL import ImageColor

from cardpipe.prepress.svgjudge import without_guides
from cardpipe.prepress.svgread import Node, Remarks, read

_PAINTS = ("fill", "stroke", "stop-color", "flood-color", "lighting-color", "color")
_ALPHAS = ("opacity", "fill-opacity", "stroke-opacity", "stop-opacity", "flood-opacity")
_SHAPES = {"path", "rect", "circle", "ellipse", "polygon", "polyline"}
_NUMBER = r"[+-]?(?:\d+\.?\d*|\.\d+)"
_RGB = re.compile(
    rf"^rgba?\(\s*({_NUMBER})(%?)[\s,]+({_NUMBER})(%?)[\s,]+({_NUMBER})(%?)(?:[\s,/]+({_NUMBER})(%?))?\s*\)$"
)
_HSL = re.compile(
    rf"^hsla?\(\s*({_NUMBER})(?:deg)?[\s,]+({_NUMBER})%[\s,]+({_NUMBER})%(?:[\s,/]+({_NUMBER})(%?))?\s*\)$"
)
RULE = re.compile(r"([^{}]*)\{([^{}]*)\}", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Place:
    """An element as it is called, and its line."""

    label: str
    line: int
    what: str = ""


def places(root: Node) -> dict[str, list[Place]]:
    """Each colour as ``#rrggbb`` with the elements that are painted so, in the order of the file."""
    found: dict[str, list[Place]] = {}
    sheet = any(node.name == "style" for node in root.walk())
    for node, declared in _declared(root):
        for key, value, line in declared:
            if key in _PAINTS and (colour := hexed(value)):
                found.setdefault(colour, []).append(Place(node.label, line, key))
    for node in _unfilled(root, sheet):
        found.setdefault("#000000", []).append(Place(node.label, node.line, "no fill of its own"))
    return found


def transparent(data: bytes) -> list[str]:
    """The elements of a judged SVG that shine through, in words: for a press that takes no transparency."""
    root = read(data, Remarks(""))
    if root is None:
        return []
    without_guides(root)
    return [f"line {place.line} {place.label} {place.what}" for place in veils(root)]


def veils(root: Node) -> list[Place]:
    """What shines through or blends: everything that makes a page transparent (ISO 32000-1, 11.1)."""
    found = []
    for node, declared in _declared(root):
        if node.name == "image" and _sees_through(node.attributes.get("href", "")):
            found.append(Place(node.label, node.line, "a picture with alpha"))
        for key, value, line in declared:
            low = value.strip().lower()
            if (key in _ALPHAS and _below_one(low)) or (key in _PAINTS and _is_thin(low)):
                found.append(Place(node.label, line, f"{key} {low[:24]}"))
            elif key in ("mask", "filter") and low != "none":
                found.append(Place(node.label, line, key))
            elif key == "mix-blend-mode" and low != "normal":
                found.append(Place(node.label, line, f"{key} {low[:24]}"))
    return found


def hexed(value: str) -> str:
    """A colour as ``#rrggbb``, whatever its alpha; nothing for ``none``, a link, a keyword or what is no colour."""
    text = value.strip().lower()
    if re.fullmatch(r"#[0-9a-f]{3,4}", text):
        return "#" + "".join(part * 2 for part in text[1:4])
    if re.fullmatch(r"#[0-9a-f]{6}([0-9a-f]{2})?", text):
        return text[:7]
    if match := _RGB.match(text):
        parts = [float(match[at]) * (255 if match[at + 1] else 100) / 100 for at in (1, 3, 5)]
        return "#" + "".join(f"{min(255, max(0, round(part))):02x}" for part in parts)
    if match := _HSL.match(text):
        hue, rich, light = float(match[1]) % 360 / 360, *(min(100.0, max(0.0, float(match[at]))) / 100 for at in (2, 3))
        return "#" + "".join(f"{round(part * 255):02x}" for part in colorsys.hls_to_rgb(hue, light, rich))
    if text.isalpha() and text in ImageColor.colormap:
        red, green, blue = ImageColor.getrgb(text)[:3]
        return f"#{red:02x}{green:02x}{blue:02x}"
    return ""


def nearest(colour: str, palette: dict[str, str]) -> str:
    """The ink whose screen colour is the nearest, of name → ``#rrggbb``; by weighted distance in sRGB."""

    def apart(name: str) -> float:
        one, two = (bytes.fromhex(text[1:]) for text in (colour, palette[name]))
        middle = (one[0] + two[0]) / 2
        red, green, blue = ((a - b) ** 2 for a, b in zip(one, two, strict=True))
        return (2 + middle / 256) * red + 4 * green + (2 + (255 - middle) / 256) * blue

    return min(palette, key=apart)


def _declared(root: Node) -> Iterator[tuple[Node, list[tuple[str, str, int]]]]:
    """Each element with all that it says of its looks, in attributes, in ``style``, or in the rules of a sheet."""
    for node in root.walk():
        said = [(key, value, node.line) for key, value in node.attributes.items() if key != "style"]
        said += rules(node.attributes.get("style", ""), node.line)
        if node.name == "style":
            for rule in RULE.finditer(node.content):
                said += rules(rule[2], node.line + node.content.count("\n", 0, rule.start(2)))
        yield node, said


def rules(text: str, line: int) -> list[tuple[str, str, int]]:
    """``a: b; c: d`` as rows, each with its line."""
    rows, at = [], 0
    for part in text.split(";"):
        key, colon, value = part.partition(":")
        if colon:
            lead = len(part) - len(part.lstrip())
            rows.append((key.strip().lower(), value.replace("!important", "").strip(),
                         line + text.count("\n", 0, at + lead)))  # fmt: skip
        at += len(part) + 1
    return rows


def _unfilled(root: Node, sheet: bool) -> Iterator[Node]:
    """Shapes that nothing gives a fill: neither they nor what they lie in. With a style sheet, a class may."""
    waiting = [(root, False)]
    while waiting:
        node, filled = waiting.pop()
        said = node.attributes
        filled = filled or "fill" in said or bool(re.search(r"(^|[;\s])fill\s*:", said.get("style", "")))
        filled = filled or (sheet and "class" in said)
        if node.name in _SHAPES and not filled:
            yield node
        if node.name not in ("clipPath", "mask"):
            waiting += [(child, filled) for child in reversed(node.children)]


def _sees_through(href: str) -> bool:
    """Whether an embedded PNG has an alpha channel (PNG, 11.2.1: colour types 4 and 6) or a transparent colour."""
    kind, _, encoded = href.partition("base64,")
    if "png" not in kind.lower():
        return False
    head = base64.b64decode("".join(encoded[:6000].split())[:4000])
    return len(head) > 25 and (head[25] in (4, 6) or b"tRNS" in head.partition(b"IDAT")[0])


def _below_one(value: str) -> bool:
    try:
        return float(value.rstrip("%")) / (100 if value.endswith("%") else 1) < 1
    except ValueError:
        return False


def _is_thin(value: str) -> bool:
    """Whether a colour carries an alpha below 1."""
    if re.fullmatch(r"#[0-9a-f]{4}|#[0-9a-f]{8}", value):
        return not value.endswith("f" if len(value) == 5 else "ff")
    if match := _RGB.match(value):
        return match[7] is not None and float(match[7]) < (100 if match[8] else 1)
    match = _HSL.match(value)
    return value == "transparent" or bool(match and match[4] and float(match[4]) < (100 if match[5] else 1))
