"""What an SVG says of the looks of one element: its attributes, the plain rules of style sheets, its own ``style``.

The converter resolves that itself for all that it draws. Text is set here before, so its font has to be known before:
selectors of one element, by name, class or id, are resolved (SVG 1.1, 6.10 and CSS 2.1, 6.4); others are told.
"""

from __future__ import annotations

import re
from collections.abc import Set
from dataclasses import dataclass

from cardpipe.prepress.svgcolour import RULE, rules
from cardpipe.prepress.svgread import Node

_SELECTOR = re.compile(r"(\*|[A-Za-z][\w-]*)?((?:[.#][A-Za-z_][\w-]*)*)")
_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_SIZE = r"(?P<size>(?:\d+\.?\d*|\.\d+)[a-z]+)(?:\s*/\s*(?:\d+\.?\d*|\.\d+)[a-z%]*|\s*/\s*normal)?"
_FONT = re.compile(
    rf"(?:(?P<style>italic|oblique)\s+)?(?:(?P<weight>bold|[1-9]00)\s+)?{_SIZE}\s+(?P<family>\S.*)", re.IGNORECASE
)

Said = dict[str, str]


@dataclass(frozen=True, slots=True)
class _Rule:
    name: str  # "*" is any
    ids: frozenset[str]
    classes: frozenset[str]
    said: tuple[tuple[str, str], ...]
    selector: str
    line: int

    @property
    def weight(self) -> tuple[int, int, int]:
        """CSS 2.1, 6.4.3."""
        return len(self.ids), len(self.classes), int(self.name != "*")

    def holds(self, name: str, given: str, classes: Set[str]) -> bool:
        return self.name in ("*", name) and self.ids <= {given} and self.classes <= classes


class Sheets:
    """The style sheets of a tree. ``unread`` are what cannot be resolved here: line, and what it is."""

    def __init__(self, root: Node) -> None:
        self.unread: list[tuple[int, str]] = []
        found: list[_Rule] = []
        for node in root.walk():
            if "!important" in "".join(node.attributes.get("style", "").split()).lower():
                self.unread.append((node.line, f"!important in the style of {node.label}"))
            if node.name == "style":
                found += self._read(node)
        self._rules = sorted(found, key=lambda rule: rule.weight)  # stable: of equals, the later one holds

    def _read(self, node: Node) -> list[_Rule]:
        if node.attributes.get("media", "all").strip().lower() not in ("all", "", "print"):
            self.unread.append((node.line, "a style sheet for other media"))
        if node.attributes.get("type", "").strip().lower() not in ("", "text/css"):
            self.unread.append((node.line, "a style sheet that is no CSS"))
        sheet = _COMMENT.sub(lambda found: re.sub(r"[^\n]", " ", found[0]), node.content)
        made = []
        for match in RULE.finditer(sheet):
            start = match.start(1) + len(match[1]) - len(match[1].lstrip())
            line = node.line + sheet.count("\n", 0, start)
            said = tuple((key, value) for key, value, _ in rules(match[2], line))
            if "!important" in "".join(match[2].split()).lower():
                self.unread.append((line, "!important in a style sheet"))
            for selector in (part.strip() for part in match[1].split(",")):
                found = _SELECTOR.fullmatch(selector)
                if not found or not selector:
                    self.unread.append((line, f"the selector {selector[:40]!r} of the style sheet"))
                    continue
                marks = re.findall(r"[.#][^.#]+", found[2])
                by = {sign: frozenset(mark[1:] for mark in marks if mark[0] == sign) for sign in ".#"}
                made.append(_Rule(found[1] or "*", by["#"], by["."], said, selector, line))
        return made

    def said(self, node: Node, known: Set[str]) -> Said:
        """What holds for an element itself, by property; ``known`` are the attributes that are properties."""
        given, classes = node.attributes.get("id", ""), frozenset(node.attributes.get("class", "").split())
        found = {key: value for key, value in node.attributes.items() if key in known}
        for rule in self._rules:
            if rule.holds(node.name, given, classes):
                _add(found, rule.said)
        own = _COMMENT.sub(" ", node.attributes.get("style", ""))
        _add(found, tuple((key, value) for key, value, _ in rules(own, node.line)))
        return found

    def reaching(self, *names: str) -> list[tuple[int, str]]:
        """Rules that hold for each element of these names, whatever its class and id: line, selector."""
        return [(rule.line, rule.selector) for rule in self._rules for name in names if rule.holds(name, "", set())]


def _add(found: Said, said: tuple[tuple[str, str], ...]) -> None:
    for key, value in said:
        if key == "font" and (font := _FONT.fullmatch(value)):
            found.update({
                "font-style": font["style"] or "normal", "font-weight": font["weight"] or "normal",
                "font-size": font["size"], "font-family": font["family"],
            })  # fmt: skip
        else:
            found[key] = value
