"""Where on the page something of an SVG is: the drawing with all else taken out, to be converted and measured."""

from __future__ import annotations

import re

from cardpipe.prepress.svgjudge import links
from cardpipe.prepress.svgread import Node, text

#: What draws nothing where it stands, but lends itself to others.
_LENT = {
    "defs", "symbol", "linearGradient", "radialGradient", "pattern", "clipPath", "mask", "marker", "filter", "style",
}  # fmt: skip
_HIDING = ("opacity", "fill-opacity", "stroke-opacity", "filter", "mask", "clip-path", "mix-blend-mode")


def alone(root: Node, line: int) -> str:
    """An SVG that draws nothing but what stands at a line, or what is painted with it; "" where nothing is drawn."""
    chosen = {id(node) for node in root.walk() if node.line == line and node is not root}
    chosen |= _painted(root, chosen)
    kept = _without(root, chosen, False)
    return text(kept) if kept is not None and chosen else ""


def _painted(root: Node, chosen: set[int]) -> set[int]:
    """What is painted with a chosen gradient, or with one that a chosen stop belongs to; and uses of what is chosen."""
    lent: set[str] = set()
    for node in root.walk():
        if "id" in node.attributes and any(id(below) in chosen for below in node.walk()):
            lent.add(f"#{node.attributes['id']}")
    for _ in range(4):  # a gradient may lend its stops to another
        more = {
            f"#{node.attributes['id']}"
            for node in root.walk()
            if node.name in _LENT and "id" in node.attributes and lent.intersection(links(node))
        }
        if more <= lent:
            break
        lent |= more
    return {id(node) for node in root.walk() if node.name not in _LENT and lent.intersection(links(node))}


def _without(node: Node, chosen: set[int], within: bool) -> Node | None:
    """The tree with the chosen nodes, what they lie in, and what is lent; solid, so that all of it is seen."""
    within = within or id(node) in chosen
    lent = node.name in _LENT
    children = [kept for child in node.children if (kept := _without(child, chosen, within or lent)) is not None]
    if not (within or lent or children or node.name == "svg"):
        return None
    attributes = {key: value for key, value in node.attributes.items() if key not in _HIDING}
    if "style" in attributes:
        attributes["style"] = re.sub(rf"(?:^|;)\s*(?:{'|'.join(_HIDING)})\s*:[^;]*", "", attributes["style"])
    return Node(node.name, attributes, node.line, children, node.content)
