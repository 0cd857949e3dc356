"""PDF objects turned into subjects, each object once however many pages share it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from cardpipe.preflight import colour
from cardpipe.preflight.colour import Space
from cardpipe.preflight.document import NULL, Damaged, Excess, Node
from cardpipe.preflight.subjects import Font, Form, GState, Hint, Image, Key

T = TypeVar("T")
Meet = Callable[[str, Any, str], None]
"""Takes what was met: the kind of subject, the subject and a label for the place."""

FONT_FILES = ("FontFile", "FontFile2", "FontFile3")
_DEPTH = 28


class Survey:
    """The objects met so far. ``meet`` is called the first time each is seen."""

    def __init__(self, meet: Meet) -> None:
        self._meet = meet
        self._known: dict[tuple[str, Key], Any] = {}
        self._seen: set[tuple[str, Key]] = set()

    def _once(self, kind: str, node: Node, make: Callable[[], T]) -> T:
        """``make()`` for the first time an indirect object is asked for, its first value ever after."""
        key = (kind, node.key)
        if node.key == (0, 0):
            return make()
        if key not in self._known:
            self._known[key] = make()
        value: T = self._known[key]
        return value

    def first(self, kind: str, node: Node) -> bool:
        """Whether this object is met for the first time (always, for a direct one)."""
        key = (kind, node.key)
        if node.key == (0, 0):
            return True
        if key in self._seen:
            return False
        self._seen.add(key)
        return True

    def space(self, node: Node, spaces: Node) -> Space:
        """A colour space. Where the resources replace device spaces nothing is remembered."""
        if any(spaces.has(default) for default in ("DefaultRGB", "DefaultCMYK", "DefaultGray")):
            return colour.read(node, spaces)
        return self._once("space", node, lambda: colour.read(node, spaces))

    def image(self, node: Node, spaces: Node, role: str = "image") -> Image:
        """An image with its masks."""

        def make() -> Image:
            soft, stencil, declared = node.get("SMask"), node.get("Mask"), node.get("ColorSpace")
            nested = role == "image"
            return Image(
                key=node.key,
                width=int(node.get("Width").number or 0),
                height=int(node.get("Height").number or 0),
                bits=int(node.get("BitsPerComponent").number or 0),
                mask=node.get("ImageMask").truth is True,
                space=self.space(declared, spaces) if declared else None,
                filters=node.filters,
                keys=frozenset(node.names()),
                role=role,
                soft=self.image(soft, spaces, "soft mask") if nested and soft.is_stream else None,
                stencil=self.image(stencil, spaces, "stencil mask") if nested and stencil.is_stream else None,
            )

        return self._once(role, node, make)

    def gstate(self, node: Node) -> GState:
        """An ExtGState."""

        def make() -> GState:
            stroke, mode, transfer = node.get("OP").truth, node.get("OPM").number, node.get("TR2")
            fill = node.get("op").truth
            blend = node.get("BM")
            mask = node.get("SMask")
            return GState(
                line_width=node.get("LW").number,
                overprint_stroke=stroke,
                overprint_fill=stroke if fill is None else fill,
                overprint_mode=None if mode is None else int(mode),
                alpha_stroke=node.get("CA").number,
                alpha_fill=node.get("ca").number,
                blend=(blend.name or next((one.name for one in blend), "")) if blend else None,
                soft_mask=None if not mask else mask.name != "None",
                transfer=node.has("TR") or (node.has("TR2") and transfer.name != "Default"),
                halftone_phase=node.has("HTP") or node.has("HTO"),
            )

        return self._once("gstate", node, make)

    def blend_space(self, node: Node, spaces: Node) -> Space | None:
        """The colour space of a page's or form's transparency group."""
        group = node.get("Group")
        if group.get("S").name != "Transparency" or not group.has("CS"):
            return None
        return self.space(group.get("CS"), spaces)

    def visit(self, resources: Node, label: str, depth: int = 0) -> None:
        """Meet everything a resource dictionary names, used or not, and what those name in turn."""
        if depth > _DEPTH:
            raise Excess(f"resources nest deeper than {_DEPTH}")
        if not resources.is_dict or not self.first("resources", resources):
            return
        spaces = resources.get("ColorSpace")
        for name, font in resources.get("Font").items():
            self.font(font, f"{label}, font /{name}", depth)
        for name, state in resources.get("ExtGState").items():
            if self.first("gstate", state):
                self._meet("gstate", self.gstate(state), f"{label}, /{name}")
                self.font(next(iter(state.get("Font")), NULL), f"{label}, /{name}", depth)
                self._form(state.get("SMask").get("G"), f"{label}, soft mask of /{name}", spaces, depth)
        for name, target in resources.get("XObject").items():
            if target.get("Subtype").name == "Image":
                self._image(target, f"{label}, image /{name}", spaces)
            else:
                self._form(target, f"{label}, form /{name}", spaces, depth)
        for name, pattern in resources.get("Pattern").items():
            if self.first("pattern", pattern):
                self.visit(pattern.get("Resources"), f"{label}, pattern /{name}", depth + 1)

    def _image(self, node: Node, label: str, spaces: Node) -> None:
        if not self.first("image", node):
            return
        self._hint(node, label)
        image = self.image(node, spaces)
        for one, suffix in ((image, ""), (image.soft, ", soft mask"), (image.stencil, ", stencil mask")):
            if one is not None:
                self._meet("image", one, label + suffix)
                if one.space is not None:
                    self._meet("space", one.space, label + suffix)

    def _form(self, node: Node, label: str, spaces: Node, depth: int) -> None:
        if not node.is_dict or not self.first("form", node):
            return
        self._hint(node, label)
        blend = self.blend_space(node, spaces)
        self._meet("form", Form(node.key, node.get("Subtype").name, frozenset(node.names()), blend), label)
        if blend is not None:
            self._meet("space", blend, f"{label}, its blend space")
        self.visit(node.get("Resources"), label, depth + 1)

    def _hint(self, node: Node, label: str) -> None:
        """Meet what the object promises to a RIP that caches, if it promises anything."""
        if any(node.has(key) for key in ("GTS_Scope", "GTS_Encapsulated", "GTS_XID")):
            form = node.get("Subtype").name == "Form"
            sealed = node.get("Group").is_dict if form else node.has("Intent") or node.get("ImageMask").truth is True
            scope = node.get("GTS_Scope").name if node.has("GTS_Scope") else None
            promise = node.get("GTS_Encapsulated").truth
            self._meet("hint", Hint("form" if form else "image", scope, node.has("GTS_Env"), promise, sealed), label)

    def font(self, node: Node, label: str, depth: int = 0) -> None:
        """Meet a font, and what a Type 3 font draws with."""
        if not node.is_dict or not self.first("font", node):
            return
        kind = node.get("Subtype").name
        carrier = next(iter(node.get("DescendantFonts")), NULL) if kind == "Type0" else node
        descriptor = carrier.get("FontDescriptor")
        embedded = any(descriptor.get(entry).is_stream for entry in FONT_FILES)
        name = node.get("BaseFont").name or "without a name"
        opentype = descriptor.get("FontFile3").get("Subtype").name == "OpenType"
        self._meet("font", Font(node.key, name, kind, embedded, opentype), label)
        if kind == "Type3":
            self.visit(node.get("Resources"), label, depth + 1)


def inherited(page: Node, name: str) -> Node:
    """A page attribute, from the page or from its ancestors in the page tree."""
    node = page
    for _ in range(64):
        if node.has(name):
            return node.get(name)
        node = node.get("Parent")
        if not node:
            return NULL
    raise Damaged("the page tree is deeper than 64, or bites its tail")
