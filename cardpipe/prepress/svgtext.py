"""Live text of an artist's SVG is set as outlines, in faces of the shop's shelf, before the drawing is converted.

What is understood is set as a browser sets it; what is not, or what browsers and editors set differently, is a finding
that says why: no word is ever missing, and none stands in other letters than those that the artist saw.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field

from cardpipe.prepress import svglook
from cardpipe.prepress.art import ArtFace
from cardpipe.prepress.svgface import Faces
from cardpipe.prepress.svgjudge import links
from cardpipe.prepress.svgline import Letter, Voice, lay
from cardpipe.prepress.svglook import Look
from cardpipe.prepress.svgread import Node, Remarks
from cardpipe.prepress.svgstyle import Sheets

MOST_LETTERS = 5000  # in all text of a side
_SHOWN = 6  # letters that a finding names
_OUTLINES = "convert it to outlines (Inkscape: Path > Object to Path; Illustrator: Type > Create Outlines)"
_ASIDE = {"R", "AL", "AN", "RLE", "RLO", "RLI", "LRE", "LRO", "LRI", "FSI", "PDF", "PDI"}
#: What an outline must not take from what it stands in: text has no fill rule and no markers.
_OWN = "fill-rule:nonzero;clip-rule:nonzero;marker-start:none;marker-mid:none;marker-end:none"


def set_text(root: Node, faces: Sequence[ArtFace], remarks: Remarks) -> None:
    """Put outlines in the place of all text of a judged tree. What cannot be set as it is meant is in ``remarks``, and
    is drawn only as well as can be, for a draft's picture."""
    texts = [node for node in root.walk() if node.name in ("text", "textPath", "tspan")]
    if not texts:
        return
    letters = sum(len(node.content) + len(node.tail) for node in texts)
    if letters > MOST_LETTERS:
        what = f"holds {letters} characters of text; at most {MOST_LETTERS} are set"
        remarks.add("svg.text", texts[0].line, what, _OUTLINES)
    elif not faces:
        remarks.add("svg.text.face", texts[0].line, f"{texts[0].label} is text, and this shelf has no faces", _OUTLINES)
    _Setter(root, Faces(faces), remarks, bool(faces) and letters <= MOST_LETTERS).run()


@dataclass(slots=True)
class _Part:
    """A text or a tspan: how its letters look, what a tspan says of its paint, and its voice once it has a letter."""

    node: Node
    look: Look
    paint: dict[str, str]
    face: ArtFace | None = None
    voice: Voice | None = None


@dataclass(slots=True)
class _Text:
    """One text element on its way to outlines. ``joins``: another space would be one with the last, or leads."""

    letters: list[Letter] = field(default_factory=list)
    parts: list[_Part] = field(default_factory=list)
    joins: bool = True


class _Setter:
    """Goes through a tree. Without ``sets`` all text is only taken out."""

    def __init__(self, root: Node, faces: Faces, remarks: Remarks, sets: bool) -> None:
        self._root, self._faces, self._remarks, self._sets = root, faces, remarks, sets
        self._sheets = Sheets(root)
        self._ids = {node.attributes["id"]: node for node in reversed(list(root.walk())) if "id" in node.attributes}
        self._uses: dict[str, list[tuple[Node, Look]]] = {}
        self._lent = {link[1:] for node in root.walk() for link in links(node)}
        self._cut = {
            node.attributes.get("href", "")[1:]
            for clip in root.walk() if clip.name == "clipPath" for node in clip.walk() if node.name == "use"
        }  # fmt: skip
        self._texts: list[list[tuple[Node, Look]]] = []  # each with all that it stands in, and the look around each

    def run(self) -> None:
        """Set all text, and tell all that is wrong."""
        for line, what in self._sheets.unread:
            self._tell(line, f"{what} is not resolved for text", "write the looks of text in its style attribute")
        for line, selector in self._sheets.reaching("g", "path"):
            what = f"the rule {selector[:40]!r} of the style sheet would reach the outlines of text too"
            self._tell(line, what, "give the rule a class")
        self._walk(self._root, Look(), [], False)
        self._judge_uses()

    def _tell(self, line: int, what: str, remedy: str = _OUTLINES) -> None:
        self._remarks.add("svg.text", line, what, remedy)

    def _walk(self, node: Node, around: Look, above: list[tuple[Node, Look]], clips: bool) -> None:
        """Replace all text below a node."""
        above = [*above, (node, around)]
        look = around.within(self._sheets.said(node, svglook.PRESENTED), node.attributes)
        clips = clips or node.name == "clipPath"
        if node.name == "use" and (href := node.attributes.get("href", ""))[:1] == "#":
            self._uses.setdefault(href[1:], []).append((node, look))
        for place, child in enumerate(node.children):
            if child.name == "text" and self._hidden([*(each for each, _ in above), child]):
                node.children[place] = Node("g", {}, child.line)
            elif child.name == "text":
                self._texts.append([*above, (child, look)])
                node.children[place] = self._text(child, look, clips)
            elif child.name in ("textPath", "tspan"):
                self._tell(child.line, f"{child.label} stands in no <text>")
                node.children[place] = Node("g", {}, child.line)
            else:
                self._walk(child, look, above, clips)

    def _hidden(self, chain: list[Node]) -> bool:
        """Whether a text is switched off with what it stands in (a hidden layer), and lent to nothing that is drawn."""
        if any(node.attributes.get("id", "") in self._lent for node in chain):
            return False
        return any(self._sheets.said(node, svglook.PRESENTED).get("display", "").lower() == "none" for node in chain)

    def _text(self, node: Node, look: Look, clips: bool) -> Node:
        """The outlines of one text: a path, or a group of them where it has several paints."""
        text = _Text()
        if self._sets:
            self._gather(node, look, {}, text)
        if text.letters and text.joins:
            text.letters.pop()  # a space at the end
        self._judge(node, text)
        setting = lay(text.letters)
        of = {id(part.voice): part for part in text.parts}
        faulty = [
            (letter.voice, letter.character) for letter in text.letters
            if (face := of[id(letter.voice)].face) and letter.character in face.faults
        ]  # fmt: skip
        self._tell_lacking(of, [*setting.lacking, *faulty])
        said = self._sheets.said(node, svglook.PRESENTED)
        whole = {key: value for key, value in said.items() if key in svglook.PAINTS or key in svglook.WHOLE}
        outer = {key: value for key, value in node.attributes.items() if key in svglook.KEPT}
        rows = [(of[id(voice)], path) for voice, path in setting.paths if path]
        if clips or len(rows) < 2:
            style = {**whole, **(rows[0][0].paint if rows and not clips else {})}
            drawn = {**outer, "style": _style(style), "d": "".join(path for _, path in rows)}
            return Node("path", drawn, node.line, called=node.label)
        if node.attributes.get("id", "") in self._cut:
            self._tell(node.line, f"{node.label} is a clip by <use> and has several paints")
        made = [
            Node("path", {"style": _style(part.paint), "d": path}, part.node.line, called=part.node.label)
            for part, path in rows
        ]
        return Node("g", {**outer, "style": _style(whole)}, node.line, made, called=node.label)

    def _gather(self, node: Node, around: Look, paint: dict[str, str], text: _Text) -> None:
        """The letters of a text or a tspan as they are set: spaces joined, each with its voice and its place."""
        said = self._sheets.said(node, svglook.PRESENTED)
        look = around.within(said, node.attributes)
        for what in svglook.strange(node, said, look, self._ids):
            self._tell(node.line, f"{node.label} {what}")
        if node.name != "text":
            if said.get("display", "").lower() == "none":
                return
            own = {key: value for key, value in said.items() if key in svglook.PAINTS and value != "inherit"}
            paint = {**paint, **own}
        part = _Part(node, look, paint)
        text.parts.append(part)
        start = len(text.letters)
        self._write(node.content, part, text)
        for child in node.children:
            if child.name == "tspan":
                self._gather(child, look, paint, text)
            else:
                self._tell(child.line, f"{child.label} in {node.label} is more than text on a line")
            self._write(child.tail, part, text)
        if len(text.letters) > start:
            _place(node, look, text.letters[start])

    def _write(self, content: str, part: _Part, text: _Text) -> None:
        """Characters of a part; white space is joined as browsers do (CSS Text 3, 4.1)."""
        keeps = part.look.keeps_spaces
        if keeps and "\n" in content.rstrip() and part.look.said["white-space"] != svglook.XML_SPACE:
            self._tell(part.node.line, f"{part.node.label} breaks its line by white-space: pre")
        for character in content:
            character = " " if character in "\n\r\t" else character
            if character == " " and not keeps:
                if text.joins:
                    continue
                text.joins = True
            else:
                text.joins = False
            text.letters.append(Letter(character, part.voice or self._voice(part)))

    def _voice(self, part: _Part) -> Voice:
        """How a part is set, in the face that it names; in another one, for a draft, where that is not there."""
        look, label, line = part.look, part.node.label, part.node.line
        if not (family := look.family):
            remedy = f"name a face of the shelf: {self._faces.near('')}"
            self._remarks.add("svg.text.face", line, f"{label} names no font-family", remedy)
        elif isinstance(chosen := self._faces.choose(family, look.weight, look.italic), ArtFace):
            part.face = chosen
        else:
            remedy = f"name a face of the shelf ({self._faces.near(family)}), or {_OUTLINES}"
            self._remarks.add("svg.text.face", line, f"{label} cannot be set: {chosen}", remedy)
        if not look.sized:
            self._tell(line, f"{label} has no font-size", "give it one")
        font = self._faces.font(part.face or self._faces.stand_in, look.without)
        part.voice = Voice(font, look.size, look.letter, look.word, look.anchor, look.language)
        return part.voice

    def _judge(self, node: Node, text: _Text) -> None:
        """What the letters of a text ask for that is not done: another direction, or half of a place."""
        if any(unicodedata.bidirectional(letter.character) in _ASIDE for letter in text.letters):
            self._tell(node.line, f"{node.label} holds letters that run from right to left")
        anchored = {letter.voice.anchor for letter in text.letters if letter.begins} - {"start"}
        if anchored and any(letter.begins and letter.x is None for letter in text.letters[1:]):
            self._tell(node.line, f"{node.label} is anchored, and a part of it has y and no x", "give it its x")

    def _tell_lacking(self, of: dict[int, _Part], lacking: list[tuple[Voice, str]]) -> None:
        """The letters that a face has not, or draws wrong: a finding for each element and face."""
        rows: dict[int, tuple[_Part, list[str]]] = {}
        for voice, letters in lacking:
            part = of[id(voice)]
            if part.face is not None:
                seen = rows.setdefault(id(part.node), (part, []))[1]
                if letters not in seen:
                    seen.append(letters)
        for part, found in rows.values():
            shown = ", ".join(f"{each!r} ({_named(each)})" for each in found[:_SHOWN])
            more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
            family = part.face.family if part.face else ""
            what = f"{part.node.label}: {family} lacks {shown}{more}, or draws it wrong"
            self._remarks.add("svg.text.letter", part.node.line, what, f"take a face that has it, or {_OUTLINES}")

    def _judge_uses(self) -> None:
        """A text that is drawn again by a ``<use>`` takes over the looks around that: they must be the same."""
        for chain in self._texts:
            for node, around in chain:
                for use, look in self._uses.get(node.attributes.get("id", ""), ()):
                    if svglook.lettering(around) != svglook.lettering(look):
                        what = (
                            f"{chain[-1][0].label} is drawn by <use> at line {use.line} too, where its look is another"
                        )
                        self._tell(
                            chain[-1][0].line, what, "write its font on the text itself, or convert it to outlines"
                        )


def _place(node: Node, look: Look, letter: Letter) -> None:
    """Give the first letter of an element the place that the element says, where none within it said so."""
    for key in ("x", "y", "dx", "dy"):
        if key in node.attributes and getattr(letter, key) is None:
            setattr(letter, key, svglook.length(node.attributes[key], look.size) or 0.0)


def _style(said: dict[str, str]) -> str:
    rows = [f"{key}:{value}" for key, value in said.items() if value and not set(value) & set(";{}")]
    return ";".join([*rows, _OWN])


def _named(letters: str) -> str:
    return " + ".join(unicodedata.name(each, f"U+{ord(each):04X}") for each in letters[:4])
