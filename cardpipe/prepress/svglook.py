"""How a text of an SVG shall look, from what its elements say; and all in it that is not understood, in words.

Every property that a text may carry stands in a table: understood, taken over to its outlines, without a meaning for
them, or understood only in the value that changes nothing. What stands in none is told.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import cast

from cardpipe.prepress.svgjudge import points
from cardpipe.prepress.svgline import Anchor
from cardpipe.prepress.svgread import Node

#: Understood here, and inherited.
_LOOKS = {
    "font-family", "font-size", "font-weight", "font-style", "font-kerning", "text-anchor", "letter-spacing",
    "word-spacing", "white-space",
}  # fmt: skip
#: Paint, which goes over to the outlines of any part of a text.
PAINTS = {
    "fill", "fill-opacity", "stroke", "stroke-width", "stroke-opacity", "stroke-linecap", "stroke-linejoin",
    "stroke-miterlimit", "stroke-dasharray", "stroke-dashoffset", "paint-order", "color", "visibility",
    "color-interpolation", "color-rendering", "shape-rendering",
}  # fmt: skip
#: What goes over of a whole text only, with the values that say nothing.
WHOLE = {
    "opacity": {"1", "100%"}, "clip-path": {"none"}, "mask": {"none"}, "filter": {"none"},
    "display": {"inline", "block"}, "mix-blend-mode": {"normal"}, "isolation": {"auto"},
}  # fmt: skip
#: Attributes of a text that stay as they are.
KEPT = {"id", "transform", "transform-origin", "requiredFeatures", "requiredExtensions", "systemLanguage"}
_WRITTEN = {"class", "style", "xml:space", "xml:lang", "lang"}
_PLACES = ("x", "y", "dx", "dy")
#: Without a meaning for outlines of one line.
_IDLE = {
    "text-rendering", "line-height", "text-align", "text-align-last", "text-overflow", "text-orientation", "tab-size",
    "font-synthesis", "font-optical-sizing", "font-language-override", "solid-color", "solid-opacity", "stop-color",
    "stop-opacity", "flood-color", "flood-opacity", "lighting-color", "enable-background", "image-rendering",
    "color-interpolation-filters", "color-profile", "cursor", "pointer-events", "shape-padding", "shape-margin",
    "shape-image-threshold", "overflow", "overflow-wrap", "word-break", "line-break", "hyphens", "clip", "clip-rule",
    "fill-rule", "marker", "marker-start", "marker-mid", "marker-end", "vector-effect", "text-decoration-style",
    "text-decoration-color", "text-decoration-thickness", "text-decoration-fill", "text-decoration-stroke",
    "text-underline-offset", "text-underline-position", "glyph-orientation-horizontal", "glyph-orientation-vertical",
    "user-select", "solid-rendering",
}  # fmt: skip
_VARIANTS = ("ligatures", "caps", "numeric", "east-asian", "alternates", "position", "emoji")
#: Understood in values that change nothing.
_NEUTRAL = {
    "font-stretch": {"normal", "100%"}, "font-size-adjust": {"none"}, "font-feature-settings": {"normal"},
    "font-variation-settings": {"normal"}, "font-palette": {"normal"}, "font-variant": {"normal"},
    **{f"font-variant-{kind}": {"normal"} for kind in _VARIANTS}, "text-transform": {"none"},
    "text-decoration": {"none"}, "text-decoration-line": {"none"}, "text-emphasis": {"none"},
    "text-indent": {"0", "0px"}, "text-shadow": {"none"}, "writing-mode": {"lr-tb", "lr", "horizontal-tb"},
    "direction": {"ltr"}, "unicode-bidi": {"normal"}, "baseline-shift": {"baseline", "0", "0px", "0%"},
    "dominant-baseline": {"auto", "alphabetic"}, "alignment-baseline": {"auto", "baseline", "alphabetic"},
    "kerning": {"auto"}, "inline-size": {"auto", "0", "0px"}, "shape-inside": {"none", "auto"},
    "shape-subtract": {"none", "auto"},
}  # fmt: skip
_INHERITED = _LOOKS | set(_NEUTRAL) | {"fill", "stroke"}
_KNOWN = _LOOKS | PAINTS | set(WHOLE) | _IDLE | set(_NEUTRAL)
#: Attributes of SVG that are properties; some are properties of a style only (SVG 2, 6.6).
PRESENTED = _KNOWN - {"font-kerning", "white-space", "mix-blend-mode", "isolation"}

XML_SPACE = "preserve"  # of xml:space, by which a line break is a space like any other
_SPACES = {XML_SPACE: True, "normal": False, "nowrap": False, "pre": True, "pre-wrap": True, "break-spaces": True}
_WEIGHTS = {"normal": "400", "bold": "700"}
_UNREAD = "?"  # before a value that is not understood
_FAMILY = re.compile(r"\s*(?:\"([^\"]*)\"|'([^']*)'|([^,\"']*))\s*(?:,|$)")
_EM = re.compile(r"([+-]?(?:\d+\.?\d*|\.\d+))em$", re.IGNORECASE)
_NAMED = re.compile(r"url\(\s*['\"]?#([^'\")\s]+)")
_LANGUAGE = "lang"  # among the properties of a look
_TAG = re.compile(r"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8}){0,4}")
_MOST, _LEAST = 1e6, 1e-3


def length(text: str, em: float) -> float | None:
    """A length in the units of the drawing (SVG 1.1, 7.10); None for per cent, ``ex`` and what is none."""
    text = text.strip()
    if relative := _EM.match(text):
        made: float | None = float(relative[1]) * em
    else:
        given = points(text.lstrip("+-")) if text[1:2] not in ("+", "-") else None
        made = None if given is None else given / 0.75 * (-1 if text.startswith("-") else 1)
    return made if made is not None and math.isfinite(made) and abs(made) <= _MOST else None


@dataclass(frozen=True, slots=True)
class Look:
    """The properties of a text that are inherited, lengths in units of the drawing."""

    said: Mapping[str, str] = field(default_factory=dict)

    def within(self, said: Mapping[str, str], written: Mapping[str, str]) -> Look:
        """The look of an element in one of this look; ``written`` are its attributes."""
        made = dict(self.said)
        if language := written.get("xml:lang", "") or written.get("lang", ""):
            made[_LANGUAGE] = language
        if space := written.get("xml:space", ""):
            made["white-space"] = XML_SPACE if space == XML_SPACE else "normal"
        for key, value in said.items():
            if key in _INHERITED and value.lower() not in ("inherit", "unset"):
                made[key] = value
        if "font-size" in said and said["font-size"].lower() not in ("inherit", "unset"):
            size, given = float(self.size), said["font-size"].strip()
            if given.endswith("%") and (share := length(given[:-1], 0)) is not None:
                made["font-size"] = repr(size * share / 100)
            else:
                made["font-size"] = _read(given, size)
        now = Look(made).size
        for key in ("letter-spacing", "word-spacing"):
            if key in said and said[key].lower() not in ("inherit", "unset"):
                made[key] = "0" if said[key].strip().lower() == "normal" else _read(said[key], now)
        return Look(made)

    def _number(self, key: str, otherwise: float) -> float:
        value = self.said.get(key, _UNREAD)
        return otherwise if value.startswith(_UNREAD) else float(value)

    @property
    def family(self) -> str:
        """The first family that is named; "" where none is."""
        found = _FAMILY.match(self.said.get("font-family", ""))
        return " ".join((found[1] or found[2] or found[3] or "").split()) if found else ""

    @property
    def sized(self) -> bool:
        """Whether a size is said at all: browsers and editors begin with different ones."""
        return "font-size" in self.said

    @property
    def size(self) -> float:
        return min(_MOST, max(_LEAST, self._number("font-size", 16.0)))

    @property
    def letter(self) -> float:
        return self._number("letter-spacing", 0.0)

    @property
    def word(self) -> float:
        return self._number("word-spacing", 0.0)

    @property
    def weight(self) -> int:
        given = self.said.get("font-weight", "normal").lower()
        given = _WEIGHTS.get(given, given)
        return int(given) if given.isascii() and given.isdigit() else 400

    @property
    def italic(self) -> bool:
        return self.said.get("font-style", "normal").lower() in ("italic", "oblique")

    @property
    def anchor(self) -> Anchor:
        given = self.said.get("text-anchor", "start")
        return cast(Anchor, given) if given in ("start", "middle", "end") else "start"

    @property
    def keeps_spaces(self) -> bool:
        return _SPACES.get(self.said.get("white-space", "normal"), False)

    @property
    def language(self) -> str:
        given = self.said.get(_LANGUAGE, "")
        return given if _TAG.fullmatch(given) else "und"

    @property
    def without(self) -> tuple[str, ...]:
        """Features of the face that this look switches off: no ligature in spaced letters (CSS Text 3, 8.2)."""
        unkerned = ("kern",) if self.said.get("font-kerning") == "none" else ()
        return (*unkerned, "calt", "clig", "liga") if self.letter else unkerned


def _read(value: str, em: float) -> str:
    made = length(value, em)
    return _UNREAD + value if made is None else repr(made)


def strange(node: Node, said: Mapping[str, str], look: Look, ids: Mapping[str, Node]) -> Iterator[str]:
    """What in a text or a tspan cannot be set as it is meant, in words that follow its label."""
    whole = node.name == "text"
    for key, value in node.attributes.items():
        if key in _PLACES and length(value, look.size) is None:
            several = len(value.replace(",", " ").split()) > 1
            yield (
                f"gives each letter its own {key}" if several else f"has {key} {value[:30]!r}, which is no plain length"
            )
        elif key == "rotate" and value.strip() not in ("0", ""):
            yield "turns its letters one by one"
        elif key in ("textLength", "lengthAdjust"):
            yield f"is stretched by {key}"
        elif key not in PRESENTED | _WRITTEN | {*_PLACES, "rotate", "id"} and not (whole and key in KEPT):
            yield f"has {key[:40]}, which is not understood in text"
    for key, value in said.items():
        lengths = key.startswith("stroke-") and re.search(r"e[mx]\b", value.lower())
        if lengths or set(value) & set(";{}") or (key not in _KNOWN and not key.startswith("-inkscape")):
            yield f"has {key[:40]} {value[:40]!r}, which is not understood in text"
        elif not whole and key in WHOLE and key != "display" and value.lower() not in WHOLE[key]:
            yield f"has {key}, which only a whole text may have"
    for key in sorted(look.said if whole else look.said.keys() & said.keys()):
        yield from _judged(key, look.said[key].strip(), look)
    yield from _boxed(said, look, whole, ids)


def lettering(look: Look) -> dict[str, str]:
    """What of a look decides on the outlines of a text."""
    return {
        key: value
        for key, value in look.said.items()
        if key not in ("fill", "stroke") or value.lower().startswith("url")
    }


def _judged(key: str, value: str, look: Look) -> Iterator[str]:
    """What is wrong with one property of a look."""
    low = value.lower()
    if key in _NEUTRAL:
        if low not in _NEUTRAL[key] and not (key == "text-decoration" and low.startswith("none ")):
            flowed = " (text that flows in a frame)" if key in ("shape-inside", "inline-size") else ""
            yield f"has {key} {value[:40]!r}, which is not set here{flowed}"
    elif key == "font-size":
        if value.startswith(_UNREAD) or not _LEAST <= float(value) <= _MOST:
            yield f"has a font-size of {value.lstrip(_UNREAD)[:30]!r}, which is not understood"
    elif key in ("letter-spacing", "word-spacing") and value.startswith(_UNREAD):
        yield f"has {key} {value[1:][:30]!r}, which is not understood"
    elif (
        (key == "font-weight" and not (low in _WEIGHTS or (low.isascii() and low.isdigit() and 1 <= len(low) <= 4)))
        or (key == "font-style" and low not in ("normal", "italic", "oblique"))
        or (key == "font-kerning" and value not in ("auto", "normal", "none"))
        or (key == "text-anchor" and value not in ("start", "middle", "end"))
        or (key == "white-space" and value not in _SPACES)
    ):
        yield f"has {key} {value[:40]!r}, which is not understood"


def _boxed(said: Mapping[str, str], look: Look, whole: bool, ids: Mapping[str, Node]) -> Iterator[str]:
    """Paints, clips and effects that measure by the box of what they are for: that of a text is its letters' cells, and
    that of outlines is their ink."""
    for key in ("fill", "stroke", "clip-path", "mask", "filter"):
        inherited = key in ("fill", "stroke")
        value = look.said.get(key, "") if inherited and whole else said.get(key, "")
        if (found := _NAMED.search(value)) and (node := ids.get(found[1])) is not None and _by_box(node, ids):
            yield f"has {key} #{found[1][:40]}, which is measured by its box; write units of userSpaceOnUse"


def _by_box(node: Node, ids: Mapping[str, Node]) -> bool:
    units, otherwise = {
        "linearGradient": ("gradientUnits", True), "radialGradient": ("gradientUnits", True),
        "pattern": ("patternUnits", True), "mask": ("maskUnits", True), "filter": ("filterUnits", True),
        "clipPath": ("clipPathUnits", False),
    }.get(node.name, ("", False))  # fmt: skip
    seen: list[Node] = []
    found = ""
    content = ""
    while node is not None and node not in seen and len(seen) < 20:
        seen.append(node)
        found = found or node.attributes.get(units, "")
        content = (
            content or node.attributes.get("patternContentUnits", "") or node.attributes.get("maskContentUnits", "")
        )
        node = ids.get(node.attributes.get("href", "#")[1:])  # type: ignore[assignment]
    return "objectBoundingBox" in (found, content) or (not found and otherwise)
