"""An SVG from a stranger becomes a tree of what may be printed; all else in it is a finding, never dropped in silence.

The reader is expat with its hooks refusing: a DOCTYPE that only names a DTD elsewhere (Illustrator writes one) is
struck out before it reads, any other is refused, so that no entity is ever declared, expanded or fetched. What is
converted afterwards is this tree written anew (:func:`text`), not the file: a converter that reads files or follows
links (both do, through ``<image href>``) never sees a byte that was not judged here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NoReturn
from xml.parsers import expat
from xml.sax.saxutils import escape, quoteattr

from cardpipe.model.finding import Finding, error

MOST_BYTES = 15_000_000
MOST_NODES = 50_000
MOST_DEPTH = 64
MOST_FINDINGS = 40

SVG, XLINK = "http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"
_XML, _XHTML = "http://www.w3.org/XML/1998/namespace", "http://www.w3.org/1999/xhtml"

#: What the converter draws. Everything else of SVG is refused: it would be left out, or it acts.
_DRAWN = {
    "svg", "g", "defs", "symbol", "use", "switch", "a", "path", "rect", "circle", "ellipse", "line", "polyline",
    "polygon", "image", "linearGradient", "radialGradient", "stop", "pattern", "clipPath", "mask", "marker", "filter",
    "style", "text", "tspan", "textPath", "feBlend", "feColorMatrix", "feComponentTransfer", "feComposite",
    "feConvolveMatrix", "feDiffuseLighting", "feDisplacementMap", "feDistantLight", "feDropShadow", "feFlood",
    "feFuncA", "feFuncB", "feFuncG", "feFuncR", "feGaussianBlur", "feImage", "feMerge", "feMergeNode", "feMorphology",
    "feOffset", "fePointLight", "feSpecularLighting", "feSpotLight", "feTile", "feTurbulence",
}  # fmt: skip
_WORDED = ("style", "text", "tspan", "textPath")  # whose characters matter
#: A DOCTYPE that declares nothing itself. Struck out, an entity that its DTD would declare is an error, never nothing.
_DOCTYPE = re.compile(rb"<!DOCTYPE\s[^\[\]<>]*>")
_SILENT = {"title", "desc", "metadata"}  # say something of the art, and draw nothing
_MOVING = {"animate", "animateColor", "animateMotion", "animateTransform", "set", "discard", "mpath"}
_REMEDIES = {
    "foreignObject": "draw it as shapes",
    "mesh": "use a linear or radial gradient",
    "script": "save it as plain SVG",
    **dict.fromkeys(_MOVING, "a card does not move; save it as plain SVG"),
}


@dataclass(slots=True)
class Node:
    """An element that may be printed: its attributes by their plain names, and the line that it stands at. ``content``
    is the text up to its first child and ``tail`` what follows it; ``called`` is its label where it was made of another
    element."""

    name: str
    attributes: dict[str, str]
    line: int
    children: list[Node] = field(default_factory=list)
    content: str = ""
    tail: str = ""
    called: str = ""

    @property
    def label(self) -> str:
        """The element as an artist finds it: ``<rect id="sky">``."""
        if self.called:
            return self.called
        given = self.attributes.get("id", "")
        return f'<{self.name} id="{given[:40]}">' if given else f"<{self.name}>"

    def walk(self) -> Iterator[Node]:
        """This element and all below it, in the order of the file."""
        yield self
        for child in self.children:
            yield from child.walk()


class Remarks:
    """Findings of one file, each with its line; of many, the first ones."""

    def __init__(self, where: str) -> None:
        self.where = where
        self.found: list[Finding] = []

    def add(self, code: str, line: int, message: str, remedy: str = "") -> None:
        """One error at a line."""
        where = f"{self.where} line {line}" if line else self.where
        made = error(code, where, plain(message), remedy)
        if len(self.found) < MOST_FINDINGS and made not in self.found:
            self.found.append(made)


class _Stop(Exception):
    """No more is read."""


def read(data: bytes, remarks: Remarks) -> Node | None:
    """The tree of an SVG; None where there is none, with what was wrong in ``remarks``."""
    if len(data) > MOST_BYTES:
        remarks.add("svg.large", 0, f"has {len(data) / 1e6:.1f} MB; at most {MOST_BYTES / 1e6:.0f} MB are read", _FLAT)
        return None
    reader = _Reader(remarks)
    try:
        reader.parser.Parse(_struck(data), True)
    except expat.ExpatError as problem:
        remarks.add(
            "svg.unreadable", problem.lineno, f"is no well-formed XML: {expat.ErrorString(problem.code)}", _SAVE
        )
        return None
    except (LookupError, ValueError, OSError, ImportError):  # expat asks Python for what it does not know itself
        remarks.add("svg.unreadable", 1, "is in an encoding that is not read", "save it as UTF-8")
        return None
    except _Stop:
        return None
    return reader.root


def _struck(data: bytes) -> bytes:
    """Without the first DOCTYPE that declares nothing; lines keep their numbers. In an encoding of two bytes a
    character it is not found here, and refused by the reader."""
    head, root, rest = data.partition(b"<svg")
    return _DOCTYPE.sub(lambda found: re.sub(rb"[^\r\n]", b" ", found[0]), head, count=1) + root + rest


_SAVE = "save it as plain SVG"
_FLAT = "simplify the drawing, or save the art as PDF"


class _Reader:
    """expat's handlers. What may not be is told, and reading goes on, so that all is told at once; but nothing is read
    behind a DOCTYPE, or beyond a limit."""

    def __init__(self, remarks: Remarks) -> None:
        self.root: Node | None = None
        self._remarks = remarks
        self._open: list[Node | None] = []  # None: of no consequence, with all that it holds
        self._count = 0
        self.parser = parser = expat.ParserCreate(namespace_separator=" ")
        parser.buffer_text = True
        parser.SetParamEntityParsing(expat.XML_PARAM_ENTITY_PARSING_NEVER)
        parser.StartDoctypeDeclHandler = self._doctype
        parser.EntityDeclHandler = self._entity
        parser.ExternalEntityRefHandler = self._entity
        parser.ProcessingInstructionHandler = self._instruction
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._characters

    def _stop(self, code: str, message: str, remedy: str) -> NoReturn:
        self._remarks.add(code, self.parser.CurrentLineNumber, message, remedy)
        raise _Stop

    def _doctype(self, *_: object) -> None:
        self._stop("svg.doctype", "has a DOCTYPE, which can name entities and other files", "delete the DOCTYPE line")

    def _entity(self, *_: object) -> NoReturn:
        self._stop("svg.doctype", "declares or names an entity", "delete the DOCTYPE line")

    def _instruction(self, target: str, _: str) -> None:
        line = self.parser.CurrentLineNumber
        self._remarks.add("svg.instruction", line, f"has an instruction <?{target[:40]} …?>", _SAVE)

    def _start(self, qualified: str, given: dict[str, str]) -> None:
        line = self.parser.CurrentLineNumber
        self._count += 1
        if self._count > MOST_NODES:
            self._stop("svg.nodes", f"has more than {MOST_NODES} elements", _FLAT)
        if len(self._open) >= MOST_DEPTH:
            self._stop("svg.depth", f"has elements more than {MOST_DEPTH} deep", _FLAT)
        space, _, name = qualified.rpartition(" ")
        above = self._open[-1] if self._open else None
        if not self._open and (space != SVG or name != "svg"):
            self._stop("svg.root", f"begins with <{name[:40]}> instead of <svg xmlns={SVG!r}>", _SAVE)
        node, attributes = None, self._attributes(name[:40], given, line)
        if space == SVG and name in _SILENT:
            pass
        elif space == SVG and name in _DRAWN:
            node = Node(name, attributes, line)
        elif space in (SVG, "", _XHTML) or name == "script":
            remedy = _REMEDIES.get(name, "draw it with paths, shapes and gradients")
            self._remarks.add("svg.element", line, f"<{name[:40]}> is not taken", remedy)
        if node is not None and self._open and above is None:
            node = None  # within what draws nothing
        if node is not None:
            if above is None:
                self.root = node
            else:
                above.children.append(node)
        self._open.append(node)

    def _end(self, _: str) -> None:
        self._open.pop()

    def _characters(self, data: str) -> None:
        if not self._open or (node := self._open[-1]) is None or node.name not in _WORDED:
            return
        if node.children and node.name != "style":
            node.children[-1].tail += data
        else:
            node.content += data

    def _attributes(self, name: str, given: dict[str, str], line: int) -> dict[str, str]:
        """Attributes that matter to the drawing, by plain name; ``on…`` and what may not be are told."""
        kept: dict[str, str] = {}
        for qualified, value in given.items():
            space, _, key = qualified.rpartition(" ")
            if key.lower().startswith("on"):
                self._remarks.add("svg.script", line, f"<{name}> has a handler {key[:40]}", _SAVE)
            elif key == "base" and space == _XML:
                self._remarks.add("svg.link", line, f"<{name}> has xml:base, which moves all links", "delete it")
            elif key == "href" and space in ("", XLINK):
                kept["href"] = value
            elif not space and not key.startswith(("data-", "aria-")) and key not in ("role", "tabindex"):
                kept[key] = value
            elif space == _XML and key in ("space", "lang"):
                kept[f"xml:{key}"] = value
        return kept


def text(root: Node) -> str:
    """The tree as an SVG of nothing but what was judged."""
    out: list[str] = []
    _write(root, out)
    return "".join(out)


def _write(node: Node, out: list[str]) -> None:
    out.append(f"<{node.name}")
    if not out[1:]:
        out.append(f' xmlns="{SVG}" xmlns:xlink="{XLINK}"')
    for key, value in node.attributes.items():
        out.append(f" {'xlink:href' if key == 'href' else key}={quoteattr(value)}")
    out.append(">")
    if node.name == "style":
        out.append(escape(node.content))
    for child in node.children:
        _write(child, out)
    out.append(f"</{node.name}>")


def plain(message: str) -> str:
    """Words of a stranger's file as one printable line."""
    return re.sub(r"\s+", " ", "".join(c if c.isprintable() else "�" for c in message))[:500]
