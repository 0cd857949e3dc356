"""What a converter of SVG would leave out without a word: geometry in styles, effects that it does not know, and paths
that break off. Each was tried on it; none may be missing on a card unseen.
"""

from __future__ import annotations

import re

from cardpipe.prepress.svgread import Node, Remarks

#: Geometry that is read from attributes only.
_GEOMETRY = {
    "transform", "transform-origin", "transform-box", "translate", "rotate", "scale", "width", "height", "x", "y",
    "cx", "cy", "r", "rx", "ry", "d", "offset-path", "mask-image", "background", "background-image",
}  # fmt: skip
_LINKED = {"clip-path", "mask"}  # which may point at an element, and name no shape of CSS
_DECLARED = re.compile(r"(?:^|[;{\s])([a-z-]+)\s*:\s*([^;{}]*)", re.IGNORECASE)
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")
_COMMANDS = re.compile(r"([MmZzLlHhVvCcSsQqTtAa])([^MmZzLlHhVvCcSsQqTtAa]*)")
_ARITY = {"m": 2, "l": 2, "h": 1, "v": 1, "c": 6, "s": 4, "q": 4, "t": 2, "z": 0}


def judge(node: Node, remarks: Remarks) -> None:
    """All in an element that would not be drawn as it is written."""
    for key, value in node.attributes.items():
        if key == "style":
            _judge_declared(node, value, node.line, remarks)
        else:
            _judge_effect(node, key, value, node.line, remarks)
    if node.name == "style":
        for rule in re.finditer(r"\{([^{}]*)\}", node.content):
            _judge_declared(node, rule[1], node.line + node.content.count("\n", 0, rule.start()), remarks)
    if node.name == "path" and (wrong := broken(node.attributes.get("d", ""))):
        remarks.add("svg.path", node.line, f"the path of {node.label} breaks off at {wrong!r}", _REMEDY)
    if node.name in ("polygon", "polyline"):
        given = node.attributes.get("points", "")
        if _NUMBER.sub("", given).strip(", \t\r\n") or len(_NUMBER.findall(given)) % 2:
            remarks.add("svg.path", node.line, f"the points of {node.label} are no pairs of numbers", _REMEDY)


_REMEDY = "draw it anew, or save it as plain SVG"


def _judge_declared(node: Node, text: str, line: int, remarks: Remarks) -> None:
    for found in _DECLARED.finditer(text):
        key = found[1].lower()
        if key in _GEOMETRY:
            what = f"{node.label} has {key} in a style, where it is not drawn"
            remarks.add("svg.css", line, what, f"write {key} as an attribute, or save it as plain SVG")
        else:
            _judge_effect(node, key, found[2], line, remarks)


def _judge_effect(node: Node, key: str, value: str, line: int, remarks: Remarks) -> None:
    low = value.replace("!important", "").strip().lower()
    if key == "vector-effect" and low not in ("", "none"):
        what = f"{node.label} has vector-effect {low[:30]}, which is not drawn"
        remarks.add("svg.css", line, what, "give its stroke the width that it shall have")
    elif key in _LINKED and low not in ("", "none") and not low.startswith("url("):
        remarks.add(
            "svg.css", line, f"{node.label} has {key} {low[:30]}, which is not drawn", f"draw the {key} as a shape"
        )


def hidden(root: Node) -> list[Node]:
    """What is drawn and switched off, such as a hidden layer: the outermost elements."""
    found, waiting = [], [root]
    while waiting:
        node = waiting.pop()
        said = [node.attributes.get(key, "") for key in ("display", "visibility")] + [
            part[2].strip() for part in _DECLARED.finditer(node.attributes.get("style", ""))
            if part[1].lower() in ("display", "visibility")
        ]  # fmt: skip
        if {"none", "hidden", "collapse"} & {word.lower() for word in said}:
            found.append(node)
        else:
            waiting += reversed(node.children)
    return found


def broken(path: str) -> str:
    """Where a path's data cannot be read any more (SVG 1.1, 8.3.9), as the text that follows; "" where all can be."""
    text = path.strip()
    if not text or text == "none":
        return ""
    if text[0] not in "Mm":
        return text[:20]
    for found in _COMMANDS.finditer(text):
        command, given = found[1].lower(), found[2]
        if _NUMBER.sub("", given).strip(", \t\r\n"):
            return text[found.start() :][:20]
        count = len(_NUMBER.findall(given))
        if command == "a":
            wrong = not count  # its flags may stand together, without a space
        else:
            arity = _ARITY[command]
            wrong = count != 0 if arity == 0 else not count or count % arity != 0
        if wrong:
            return text[found.start() :][:20]
    return ""
