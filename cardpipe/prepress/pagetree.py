"""The page tree of a file (ISO 32000-1, 7.7.3), kept balanced: a flat one makes readers quadratic (performance.md
section 2)."""

from __future__ import annotations

from collections.abc import Callable

from cardpipe.model.errors import Bug
from cardpipe.prepress.fragment import Head

_KIDS = 64


class PageTree:
    """The tree while its pages are written. ``number`` gives an object number, ``write`` an object to the file."""

    def __init__(self, number: Callable[[], int], write: Callable[[int, Head], None]) -> None:
        self._number, self._write = number, write
        self._root = number()
        self._nodes: list[tuple[int, int, list[int]]] = []  # lowest nodes: number, pages below, kids
        self.pages = 0

    def hang(self, page: int) -> int:
        """Take in the next page by its object number; the number of its parent."""
        if not self._nodes or len(self._nodes[-1][2]) >= _KIDS:
            self._nodes.append((self._number(), 0, []))
        parent, count, kids = self._nodes[-1]
        kids.append(page)
        self._nodes[-1] = (parent, count + 1, kids)
        self.pages += 1
        return parent

    def finish(self) -> int:
        """Write every node; the root's number."""
        if not self._nodes:
            raise Bug("a print file without pages")
        level = self._nodes
        while True:
            last = len(level) <= _KIDS
            groups = [level] if last else [level[i : i + _KIDS] for i in range(0, len(level), _KIDS)]
            above: list[tuple[int, int, list[int]]] = []
            for group in groups:
                parent = self._root if last else self._number()
                for number, count, kids in group:
                    self._write(number, [_node(parent, count, kids)])
                above.append((parent, sum(count for _, count, _ in group), [number for number, _, _ in group]))
            if last:
                number, count, kids = above[0]
                self._write(number, [_node(None, count, kids)])
                return number
            level = above


def _node(parent: int | None, count: int, kids: list[int]) -> str:
    up = f"/Parent {parent} 0 R " if parent else ""
    return f"<< /Type /Pages {up}/Count {count} /Kids [{' '.join(f'{kid} 0 R' for kid in kids)}] >>"
