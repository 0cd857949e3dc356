"""Interprets one content stream operator by operator and keeps what checks ask for (ISO 32000-1, annex A)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Protocol

from cardpipe.model.units import Box
from cardpipe.preflight import colour, content
from cardpipe.preflight.colour import PATTERN, Space
from cardpipe.preflight.content import PATH, SCRIPT
from cardpipe.preflight.document import NULL, Excess, Node
from cardpipe.preflight.sketch import IDENTITY, Sketch, State, bounds, level_box, matrix_of, meet, narrowest, times
from cardpipe.preflight.subjects import Image, Key, Matrix, Paint, Placement, Stream, Stroke
from cardpipe.preflight.survey import Survey

_FILLS = frozenset((b"f", b"F", b"f*", b"B", b"B*", b"b", b"b*"))
_STROKES = frozenset((b"S", b"s", b"B", b"B*", b"b", b"b*"))
_ENDS = _FILLS | _STROKES | {b"n"}
_SHOWS = frozenset((b"Tj", b"TJ", b"'", b'"'))
_QUIET = frozenset(
    b"J j M d ri i BX EX MP DP BMC BDC EMC d0 d1 Tc Tw Tz TL Ts T* ET m l c v y h".split()
)  # known operators that change nothing a check asks for
_DEVICES = {b"g": ("DeviceGray", True), b"rg": ("DeviceRGB", True), b"k": ("DeviceCMYK", True)}
_DEVICES |= {b"G": ("DeviceGray", False), b"RG": ("DeviceRGB", False), b"K": ("DeviceCMYK", False)}


class Forms(Protocol):
    """What an interpreter asks of the walk it belongs to."""

    survey: Survey

    def spend(self, units: int) -> None: ...

    def form(self, node: Node, outer: Node, state: State, above: tuple[Key, ...]) -> Sketch: ...


class Interpreter:
    """One content stream under way."""

    def __init__(self, forms: Forms, resources: Node, state: State, above: tuple[Key, ...]) -> None:
        self.forms, self.survey = forms, forms.survey
        self.resources, self.state, self.above = resources, state, above
        self.base = state.ctm
        self.spaces = resources.get("ColorSpace")
        self.stack: list[State] = []
        self.sketch = Sketch(Stream((), (), 0))
        self.unknown: set[str] = set()
        self.imbalance = 0
        self.rects: list[Box | None] = []
        self.outline: list[bytes] = []
        self.points: list[tuple[float, float]] = []
        self.curved = False
        self.clipping = False
        self._colours: dict[tuple[bytes, ...], tuple[Space, tuple[float, ...]]] = {}
        self._lookups: dict[tuple[str, str], Node] = {}
        self._painted: set[object] = set()

    def walk(self, data: bytes, filters: tuple[str, ...]) -> Sketch:
        self.forms.spend(1 + len(data) // 200)
        self._steps(content.operations(data, scripts=True))
        names = tuple(sorted(self.unknown)[:8])
        self.sketch.stream = Stream(filters, names, self.imbalance + len(self.stack))
        return self.sketch

    def _steps(self, operations: Iterable[content.Operation]) -> None:
        operators = _OPERATORS
        count = 0
        for operator, operands in operations:
            count += 1
            if count & 1023 == 0:
                self.forms.spend(1024)
            if operator is PATH:
                self.curved = True
                self.outline += operands
            elif operator in operators:
                operators[operator](self, operator, operands)
            elif operator is SCRIPT:
                self._script(operands[0])
            elif operator not in _QUIET:
                self.unknown.add(operator[:12].decode("latin-1"))
        self.forms.spend(count & 1023)

    def _script(self, data: bytes) -> None:
        """Outlines that are filled one after the other and moved: all alike to every check, for nothing of the state
        changes but the place, which the following ``Q`` brings back. They are looked at one by one where a path is
        under way, where no ``q`` was, and where the colour's place counts."""
        if not self.stack or self.clipping or self.rects or self.outline or _registers(self.state.fill):
            self._steps(content.operations(data))
        else:
            self._paint("fill")

    def lookup(self, category: str, operands: list[bytes]) -> Node:
        """What a name stands for in the resources."""
        name = content.name(operands)
        key = (category, name)
        if key not in self._lookups:
            node = self.resources.get(category).get(name)
            if not node:
                self.sketch.trouble.add(f"/{name} is used and not among the resources ({category})")
            self._lookups[key] = node
        return self._lookups[key]

    def save(self, _: bytes, __: list[bytes]) -> None:
        if len(self.stack) > 10_000:
            raise Excess("the graphics state is saved more than 10,000 times")
        self.stack.append(self.state.copy())

    def restore(self, _: bytes, __: list[bytes]) -> None:
        if self.stack:
            self.state = self.stack.pop()
        else:
            self.imbalance += 1

    def concat(self, _: bytes, operands: list[bytes]) -> None:
        self.state.ctm = times(matrix_of(content.numbers(operands)), self.state.ctm)

    def width(self, _: bytes, operands: list[bytes]) -> None:
        self.state.width = content.number(operands)

    def gstate(self, _: bytes, operands: list[bytes]) -> None:
        node, state = self.lookup("ExtGState", operands), self.state
        facts = self.survey.gstate(node)
        state.width = state.width if facts.line_width is None else facts.line_width
        if facts.overprint_stroke is not None:
            state.overprint_stroke = facts.overprint_stroke
        if facts.overprint_fill is not None:
            state.overprint_fill = facts.overprint_fill
        if facts.overprint_mode is not None:
            state.overprint_mode = facts.overprint_mode
        state.alpha_stroke = state.alpha_stroke if facts.alpha_stroke is None else facts.alpha_stroke
        state.alpha_fill = state.alpha_fill if facts.alpha_fill is None else facts.alpha_fill
        state.blend = state.blend if facts.blend is None else facts.blend
        if facts.soft_mask is not None:
            state.soft_mask = facts.soft_mask
            group = node.get("SMask").get("G")
            if group.is_stream:  # its colours are brightness, not ink: only its spaces count
                bare = State(times(matrix_of(group.get("Matrix").numbers), state.ctm), None)
                self.sketch.spaces |= self.forms.form(group, self.resources, bare, self.above).spaces

    def device(self, operator: bytes, operands: list[bytes]) -> None:
        family, filling = _DEVICES[operator]
        key = (operator, *operands)
        found = self._colours.get(key)
        if found is None:
            space = colour.device(family, self.spaces)
            self.sketch.spaces.add((f"operator {operator.decode()}", space))
            found = self._colours[key] = (space, content.numbers(operands))
        self._set(filling, found)

    def space(self, operator: bytes, operands: list[bytes]) -> None:
        name = content.name(operands)
        if name in ("DeviceGray", "DeviceRGB", "DeviceCMYK"):
            space = colour.device(name, self.spaces)
        elif name == "Pattern":
            space = PATTERN
        else:
            space = self.survey.space(self.lookup("ColorSpace", operands), self.spaces)
        self.sketch.spaces.add((f"colour space /{name}", space))
        start = (0.0, 0.0, 0.0, 1.0) if space.family == "DeviceCMYK" else (0.0,) * space.count
        if space.family in ("Separation", "DeviceN"):
            start = (1.0,) * space.count
        self._set(operator == b"cs", (space, start))

    def components(self, operator: bytes, operands: list[bytes]) -> None:
        filling = operator in (b"sc", b"scn")
        space = (self.state.fill if filling else self.state.stroke)[0]
        if space.family == "Pattern" and operands and operands[-1][:1] == b"/":
            self._pattern(self.lookup("Pattern", operands))
            self._set(filling, (space, ()))
        else:
            self._set(filling, (space, content.numbers(operands)))

    def _pattern(self, pattern: Node) -> None:
        if pattern.get("PatternType").number == 2:
            self._shading(pattern.get("Shading"), "a shading pattern")
        elif pattern.is_stream:
            inner = State(times(matrix_of(pattern.get("Matrix").numbers), self.base), None)
            self.sketch.absorb(self.forms.form(pattern, self.resources, inner, self.above))

    def _shading(self, shading: Node, label: str) -> None:
        self.sketch.spaces.add((label, self.survey.space(shading.get("ColorSpace"), self.spaces)))

    def shade(self, _: bytes, operands: list[bytes]) -> None:
        self._shading(self.lookup("Shading", operands), "operator sh")
        self._composite(True)

    def _set(self, filling: bool, value: tuple[Space, tuple[float, ...]]) -> None:
        if filling:
            self.state.fill = value
        else:
            self.state.stroke = value

    def rectangle(self, _: bytes, operands: list[bytes]) -> None:
        values = content.numbers(operands)
        self.rects.append(level_box(*values, self.state.ctm) if len(values) == 4 else None)
        if len(values) == 4 and (_registers(self.state.fill) or _registers(self.state.stroke)):
            x, y, width, height = values
            self.points += ((x, y), (x + width, y), (x, y + height), (x + width, y + height))

    def clip(self, _: bytes, __: list[bytes]) -> None:
        self.clipping = True

    def end_path(self, operator: bytes, _: list[bytes]) -> None:
        state = self.state
        filled, stroked = operator in _FILLS, operator in _STROKES
        if (filled and _registers(state.fill)) or (stroked and _registers(state.stroke)):
            self._register([*self.points, *_pairs(self.outline)])
        if filled:
            self._paint("fill")
            if state.clip is not None and any(state.fill[1]):
                self.sketch.marks.update(("rectangle", meet(box, state.clip)) for box in self.rects if box)
        if stroked:
            self._paint("stroke")
            self._stroke()
        if self.clipping:
            single = None if self.curved or len(self.rects) != 1 else self.rects[0]
            state.clip = meet(state.clip, single) if state.clip is not None and single is not None else None
            self.clipping = False
        self.rects, self.outline, self.points, self.curved = [], [], [], False

    def _register(self, points: Iterable[tuple[float, float]], matrix: Matrix | None = None) -> None:
        """Note where the registration colour is painted: the box about these points, as far as it is not clipped."""
        box, clip = bounds(points, matrix or self.state.ctm), self.state.clip
        if box is None or (clip is not None and not clip.overlaps(box, 0.0)):
            return
        if clip is not None:
            x, y = max(box.x, clip.x), max(box.y, clip.y)
            box = Box(x, y, min(box.right, clip.right) - x, min(box.top, clip.top) - y)
        self.sketch.registration.add(box)

    def _stroke(self) -> None:
        self.sketch.strokes.add(Stroke(round(self.state.width * narrowest(self.state.ctm), 3)))

    def _composite(self, filling: bool) -> None:
        """Note what of the state makes this painting transparent."""
        state = self.state
        if (state.alpha_fill if filling else state.alpha_stroke) < 1.0:
            self.sketch.transparent.add("an alpha below 1")
        if state.blend not in ("Normal", "Compatible", ""):
            self.sketch.transparent.add(f"blend mode {state.blend}")
        if state.soft_mask:
            self.sketch.transparent.add("a soft mask")

    def _paint(self, role: str, size: float = 0.0) -> None:
        state, filling = self.state, role != "stroke"
        space, values = state.fill if filling else state.stroke
        overprint = state.overprint_fill if filling else state.overprint_stroke
        quick = (role, id(space), values, overprint, state.overprint_mode, size)
        self._composite(filling)
        if quick not in self._painted:
            self._painted.add(quick)
            self.sketch.paints.add(Paint(role, space, values, overprint, state.overprint_mode, size))

    def font(self, _: bytes, operands: list[bytes]) -> None:
        self.lookup("Font", operands)
        self.state.font_size = content.number(operands)

    def begin_text(self, _: bytes, __: list[bytes]) -> None:
        self.state.text_matrix = IDENTITY

    def text_matrix(self, _: bytes, operands: list[bytes]) -> None:
        self.state.text_matrix = matrix_of(content.numbers(operands))

    def text_move(self, _: bytes, operands: list[bytes]) -> None:
        x, y = (*content.numbers(operands), 0.0, 0.0)[:2]
        self.state.text_matrix = times((1.0, 0.0, 0.0, 1.0, x, y), self.state.text_matrix)

    def text_mode(self, _: bytes, operands: list[bytes]) -> None:
        self.state.text_mode = int(content.number(operands))

    def show(self, _: bytes, operands: list[bytes]) -> None:
        state = self.state
        if not operands or state.text_mode in (3, 7):
            return
        matrix = times(state.text_matrix, state.ctm)
        c, d = matrix[2:4]
        if _registers(state.fill) or _registers(state.stroke):
            self._register(((0.0, 0.0), (state.font_size, state.font_size)), matrix)
        if state.text_mode in (0, 2, 4, 6):
            self._paint("text", round(abs(state.font_size) * (c * c + d * d) ** 0.5, 1))
        if state.text_mode in (1, 2, 5, 6):
            self._paint("stroke")
            self._stroke()

    def external(self, _: bytes, operands: list[bytes]) -> None:
        node = self.lookup("XObject", operands)
        kind = node.get("Subtype").name
        if kind == "Image":
            self._image(self.survey.image(node, self.spaces))
        elif kind == "Form" and node.is_stream:
            self._form(node)

    def _form(self, node: Node) -> None:
        inner = self.state.copy()
        inner.ctm = times(matrix_of(node.get("Matrix").numbers), inner.ctm)
        corners = node.get("BBox").numbers
        if len(corners) == 4 and inner.clip is not None:
            x0, y0, x1, y1 = corners
            frame = level_box(min(x0, x1), min(y0, y1), abs(x1 - x0), abs(y1 - y0), inner.ctm)
            inner.clip = None if frame is None else meet(frame, inner.clip)
        if node.get("Group").get("S").name == "Transparency":
            self._composite(True)
            inner.opaque()
        self.sketch.absorb(self.forms.form(node, self.resources, inner, self.above))

    def inline(self, _: bytes, tokens: list[bytes]) -> None:
        entries = content.inline_dictionary(tokens)
        names = [content.name([token]) for token in entries.get("CS", [])]
        space = None
        for name in names:
            if name not in ("I", "Indexed"):
                family = {"G": "DeviceGray", "RGB": "DeviceRGB", "CMYK": "DeviceCMYK"}.get(name, name)
                known = family in ("DeviceGray", "DeviceRGB", "DeviceCMYK")
                named = NULL if known else self.lookup("ColorSpace", [b"/" + name.encode()])
                space = colour.device(family, self.spaces) if known else self.survey.space(named, self.spaces)
                break
        filters = tuple(_FILTERS.get(token, token[1:].decode("latin-1")) for token in entries.get("F", []))
        image = Image(
            key=(0, 0),
            width=int(content.number(entries.get("W", []))),
            height=int(content.number(entries.get("H", []))),
            bits=int(content.number(entries.get("BPC", []))),
            mask=entries.get("IM") == [b"true"],
            space=space,
            filters=filters,
            keys=frozenset(entries),
        )
        self.sketch.inline.add(image)
        if space is not None:
            self.sketch.spaces.add(("an inline image", space))
        self._image(image)

    def _image(self, image: Image) -> None:
        self._composite(True)
        if image.soft is not None:
            self.sketch.transparent.add("an image with a soft mask")
        if image.mask:
            self._paint("fill")
            if _registers(self.state.fill):
                self._register(((0.0, 0.0), (1.0, 0.0), (0.0, 1.0), (1.0, 1.0)))
        self.sketch.placements.add(Placement(image, self.state.ctm))
        box = level_box(0, 0, 1, 1, self.state.ctm)
        if box is not None and self.state.clip is not None:
            self.sketch.marks.add(("image", meet(box, self.state.clip)))


def _registers(colour: tuple[Space, tuple[float, ...]]) -> bool:
    """Whether this colour prints on every plate (ISO 32000-1, 8.6.6.4)."""
    return "All" in colour[0].inks and any(colour[1])


def _pairs(outline: list[bytes]) -> list[tuple[float, float]]:
    """The points of path construction as written; of curves their handles too: a box about them is never too small."""
    figures = [float(text) for raw in outline for text in _FIGURE.findall(raw)]
    return list(zip(figures[::2], figures[1::2], strict=False))


_FIGURE = re.compile(rb"[-+]?(?:\d+\.?\d*|\.\d+)")
_FILTERS = {b"/LZW": "LZWDecode", b"/Fl": "FlateDecode", b"/DCT": "DCTDecode", b"/CCF": "CCITTFaxDecode"}
_Handler = Callable[[Interpreter, bytes, list[bytes]], None]
_OPERATORS: dict[bytes, _Handler] = {
    b"q": Interpreter.save,
    b"Q": Interpreter.restore,
    b"cm": Interpreter.concat,
    b"w": Interpreter.width,
    b"gs": Interpreter.gstate,
    b"cs": Interpreter.space,
    b"CS": Interpreter.space,
    b"sh": Interpreter.shade,
    b"re": Interpreter.rectangle,
    b"W": Interpreter.clip,
    b"W*": Interpreter.clip,
    b"Tf": Interpreter.font,
    b"BT": Interpreter.begin_text,
    b"Tm": Interpreter.text_matrix,
    b"Td": Interpreter.text_move,
    b"TD": Interpreter.text_move,
    b"Tr": Interpreter.text_mode,
    b"Do": Interpreter.external,
    b"BI": Interpreter.inline,
    **dict.fromkeys(_DEVICES, Interpreter.device),
    **dict.fromkeys((b"sc", b"scn", b"SC", b"SCN"), Interpreter.components),
    **dict.fromkeys(_ENDS, Interpreter.end_path),
    **dict.fromkeys(_SHOWS, Interpreter.show),
}
