"""vCards (RFC 2426 version 3.0, RFC 6350 version 4.0): the few properties that an address needs, as cells of a row.

A careful reader of six properties: photographs, keys and all else are passed over unread.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from cardpipe.model.finding import Finding, error

#: UID, FN, ORG and BDAY are plain text; N and ADR keep their parts, see :func:`parts`.
HEADER = ("UID", "FN", "N", "ORG", "ADR", "BDAY")
_VERSIONS = ("3.0", "4.0")
_MOST = 20_000  # characters of a property that are kept: beyond it no cell is taken anyway
_NAME = re.compile(r"(?:[A-Za-z0-9-]+\.)?([A-Za-z0-9-]+)((?:;[^:\"]*(?:\"[^\"]*\"[^:\"]*)*)?):(.*)", re.DOTALL)
_TOKENS = re.compile(r"\\.|;|[^\\;]+|\\", re.DOTALL)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)


@dataclass(slots=True)
class _Card:
    line: int
    found: dict[str, tuple[int, str]] = field(default_factory=dict)
    version: str = ""
    findings: list[Finding] = field(default_factory=list)

    def wrong(self, code: str, what: str, remedy: str) -> None:
        self.findings.append(error(code, f"line {self.line}", what, remedy))

    def take(self, text: str) -> None:
        """One property, unfolded. Of several of a kind the preferred one stays, then the home's, then the first."""
        match = _NAME.fullmatch(text)
        if match is None:
            return
        name, settings, value = match.group(1).upper(), match.group(2).upper(), match.group(3)
        if name == "VERSION":
            self.version = value.strip()
        if name not in HEADER:
            return
        if "QUOTED-PRINTABLE" in settings or "BASE64" in settings or "ENCODING=B" in settings:
            self.wrong("row.vcard_encoding", f"has an encoded {name}", "export it as vCard 3.0 or 4.0 in UTF-8")
            return
        rank = 0 if "PREF" in settings else 1 if "HOME" in settings else 3 if "WORK" in settings else 2
        if name not in self.found or rank < self.found[name][0]:
            self.found[name] = (rank, value)

    def cells(self) -> tuple[str, ...]:
        """The values in the order of the header."""
        said = {name: value for name, (_, value) in self.found.items()}
        plain = {name: unescaped(said.get(name, "")) for name in ("UID", "FN", "BDAY")}
        plain["ORG"] = parts(said.get("ORG", ""))[0]
        return tuple(plain.get(name, said.get(name, "")) for name in HEADER)


def cards(lines: Iterator[str]) -> Iterator[tuple[int, tuple[str, ...], list[Finding]]]:
    """Each card with the line of its BEGIN, its cells and what is wrong with it."""
    card: _Card | None = None
    for number, text in _unfolded(lines):
        word = text.strip().upper()
        if word == "BEGIN:VCARD":
            if card is not None:
                yield _finished(card, ended=False)
            card = _Card(number)
        elif word == "END:VCARD" and card is not None:
            yield _finished(card, ended=True)
            card = None
        elif card is not None:
            card.take(text)
    if card is not None:
        yield _finished(card, ended=False)


def parts(value: str) -> list[str]:
    """The components of N, ADR or ORG, parted by semicolons that are not escaped (RFC 6350, 3.4)."""
    found = [""]
    for token in _TOKENS.findall(value):
        if token == ";":
            found.append("")
        else:
            found[-1] += token
    return [unescaped(part) for part in found]


def unescaped(value: str) -> str:
    """A value as it is meant: ``\\n`` is a line's end, ``\\,`` a comma."""
    return _ESCAPED.sub(lambda match: "\n" if match.group(1) in "nN" else match.group(1), value).strip()


def _finished(card: _Card, ended: bool) -> tuple[int, tuple[str, ...], list[Finding]]:
    if not ended:
        card.wrong("row.cut_off", "a card ends without END:VCARD", "the file seems to be cut off: export it again")
    elif card.version not in _VERSIONS:
        what = f"is of vCard version {card.version[:10]!r}" if card.version else "names no vCard version"
        card.wrong("row.vcard_version", what, "export it as vCard 3.0 or 4.0")
    return card.line, card.cells(), card.findings


def _unfolded(lines: Iterator[str]) -> Iterator[tuple[int, str]]:
    """Logical lines: one that begins with a blank goes on with the one before (RFC 6350, 3.2)."""
    start, kept, size = 0, [""], 0
    for number, line in enumerate(lines, 1):
        text = line.rstrip("\r\n")
        if text[:1] in (" ", "\t") and start:
            if size <= _MOST:
                kept.append(text[1:])
                size += len(text)
            continue
        if start:
            yield start, "".join(kept)
        start, kept, size = number, [text], len(text)
    if start:
        yield start, "".join(kept)
