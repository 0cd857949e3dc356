"""Walks content streams as a press does, through forms and patterns, and leaves a sketch of what is painted."""

from __future__ import annotations

from cardpipe.model.units import Box
from cardpipe.preflight.document import Damaged, Excess, Node
from cardpipe.preflight.interpret import Interpreter
from cardpipe.preflight.sketch import IDENTITY, Sketch, State
from cardpipe.preflight.subjects import Key
from cardpipe.preflight.survey import Survey

DEPTH = 28
PAGE_WORK = 500_000
FILE_WORK = 5_000_000
"""Operations (and 200 bytes of content count as one) that a page may ask for, and a file, plus 10,000 a page."""

_REMEMBERED = 2_000


class Walker:
    """Walks the pages of one file. What a form paints is remembered by its object, place and inherited state."""

    def __init__(self, survey: Survey) -> None:
        self.survey = survey
        self._memo: dict[object, Sketch] = {}
        self._texts: dict[Key, bytes] = {}
        self._file_left = FILE_WORK
        self._page_left = 0

    def page(self, data: bytes, filters: tuple[str, ...], resources: Node, media: Box | None) -> Sketch:
        """The sketch of a page's own content, given already decoded and joined."""
        self._page_left = PAGE_WORK
        self._file_left += 10_000
        return Interpreter(self, resources, State(IDENTITY, media), ()).walk(data, filters)

    def spend(self, units: int) -> None:
        """Raises Excess when the page or the file asks for too much."""
        self._page_left -= units
        self._file_left -= units
        if self._page_left < 0 or self._file_left < 0:
            raise Excess("the content asks for more operations than any honest card; forms may draw forms endlessly")

    def form(self, node: Node, outer: Node, state: State, above: tuple[Key, ...]) -> Sketch:
        """The sketch of a form or tiling pattern under a state that is already in its own coordinates."""
        if len(above) >= DEPTH:
            raise Excess(f"forms nest deeper than {DEPTH}")
        if node.key in above:
            raise Damaged(f"form {node.key[0]} draws itself")
        own = node.get("Resources")
        memo = (node.key, (0, 0) if own else outer.key, state.key())
        if memo in self._memo:
            return self._memo[memo]
        data = self._texts.get(node.key)
        if data is None:
            data = node.data()
            if len(data) < 65536 and len(self._texts) < 512:
                self._texts[node.key] = data
        sketch = Interpreter(self, own or outer, state, (*above, node.key)).walk(data, node.filters)
        if own or outer.key != (0, 0):
            if len(self._memo) >= _REMEMBERED:
                self._memo.clear()
            self._memo[memo] = sketch
        return sketch
