"""Content streams cut into operations, fast: runs of path construction are skipped in one step of the regex engine.

A card's page holds up to a few hundred kB of ``m``, ``l``, ``c`` and ``h`` (handwriting as outlines), whose
coordinates no check asks for. What remains are some hundreds of operations, which are cut one by one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TypeAlias

from cardpipe.preflight.document import Damaged

Operation: TypeAlias = tuple[bytes, list[bytes]]
"""An operator and its operands as written: names with their slash, strings and arrays with their delimiters."""

PATH = b"path"
"""Stands for any number of m, l, c, v, y and h in a row; its one operand is all of them as written."""

SCRIPT = b"script"
"""Stands for any number of outlines in a row, each moved to its place and filled, with nothing else between them and
``Q`` behind them: handwriting. Its one operand is all of them as written."""

_TOKEN = re.compile(
    rb"""
    ((?:[-+.\d\x00\t\n\f\r ]++[mlcvyh](?![^\x00\t\n\f\r ()<>\[\]{}/%]))++)   # 1: path construction
    |([-+.\d\x00\t\n\f\r ]*+)([^-+.\d\x00\t\n\f\r ()<>\[\]{}/%][^\x00\t\n\f\r ()<>\[\]{}/%]*+)   # 2, 3: operator
    |(/[^\x00\t\n\f\r ()<>\[\]{}/%]*+)   # 4: name
    |(\((?:[^()\\]++|\\.)*+\))   # 5: string without inner brackets
    |(<<|>>|[\[\]{}])   # 6: delimiter
    |(<[\dA-Fa-f\x00\t\n\f\r ]*+>)   # 7: hexadecimal string
    |(%[^\r\n]*+)   # 8: comment
    |([-+.\d\x00\t\n\f\r ]++)   # 9: numbers before something else
    """,
    re.VERBOSE | re.DOTALL,
)
_SCRIPT = re.compile(
    rb"""
    (?:[\n ] 1[ ]0[ ]0[ ]1 (?:[ ][-+]?[\d.]++){2} [ ]cm(?=[\n ])
    (?:[-+.\d\n ]++[mlcvyh](?=[\n ]))++ [\n ] f (?=[\n ]))++
    """,
    re.VERBOSE,
)
_RESTORED = re.compile(rb"[\t\n\f\r ]++Q(?![^\x00\t\n\f\r ()<>\[\]{}/%])")
_BRACKET = re.compile(rb"\\.|[()]", re.DOTALL)
_IMAGE_END = re.compile(rb"[\x00\t\n\f\r ]EI(?=[\x00\t\n\f\r ]|$)")
_NUMBERS = 1024  # of a run of numbers only the last bytes are kept: no operator takes more
_LITERALS = frozenset((b"true", b"false", b"null"))


def operations(data: bytes, *, scripts: bool = False) -> Iterator[Operation]:
    """Every operation of a decoded content stream. An inline image comes as ``BI`` with its dictionary's tokens, and
    handwriting as one ``SCRIPT`` where the caller takes ``scripts``.

    Raises Damaged at bytes that are no token, and at a string or an inline image without an end.
    """
    operands: list[bytes] = []
    position, end, match_at = 0, len(data), _TOKEN.match
    looked = 0  # as far as there is no script
    while position < end:
        match = match_at(data, position)
        if match is None:
            if data[position] != 0x28:
                raise Damaged(f"byte {position} of a content stream belongs to no token")
            after = _string_end(data, position)
            operands.append(data[position:after])
            position = after
            continue
        position = match.end()
        kind = match.lastindex
        if kind == 1:
            yield PATH, [match.group(1)]
            operands = []
        elif kind == 3:
            numbers, operator = match.group(2, 3)
            if numbers:
                operands.extend(numbers[-_NUMBERS:].split())
            if operator in _LITERALS:
                operands.append(operator)
            elif operator == b"BI":
                operands = []
            elif operator == b"ID":
                position = _image_end(data, position, operands)
                yield b"BI", operands
                operands = []
            else:
                yield operator, operands
                operands = []
                if scripts and operator == b"cm" and position >= looked and (run := _SCRIPT.match(data, position)):
                    looked = run.end()
                    if _RESTORED.match(data, looked):
                        yield SCRIPT, [run.group()]
                        position = looked
        elif kind == 9:
            operands.extend(match.group(9)[-_NUMBERS:].split())
        elif kind != 8:
            operands.append(match.group(kind or 0))
    if operands:
        raise Damaged("a content stream ends within an operation")


def _string_end(data: bytes, start: int) -> int:
    """Just behind the bracket that closes the string opened at ``start``, inner brackets counted."""
    depth = 0
    for match in _BRACKET.finditer(data, start):
        token = match.group()
        depth += (token == b"(") - (token == b")")
        if depth == 0:
            return match.end()
    raise Damaged(f"the string at byte {start} of a content stream has no end")


def _image_end(data: bytes, start: int, tokens: list[bytes]) -> int:
    """Just behind ``EI``; by length where the data are not filtered, else by the first ``EI`` between spaces."""
    entries = inline_dictionary(tokens)
    at = start + 1
    width, height = number(entries.get("W", [])), number(entries.get("H", []))
    if "F" not in entries and entries.get("IM") == [b"true"]:
        at += int(height) * ((int(width) + 7) // 8) - 1
    match = _IMAGE_END.search(data, max(start, at))
    if match is None:
        raise Damaged(f"the inline image at byte {start} has no end")
    return match.end()


_SHORT = {"Width": "W", "Height": "H", "BitsPerComponent": "BPC", "ColorSpace": "CS", "Filter": "F", "ImageMask": "IM"}


def inline_dictionary(tokens: list[bytes]) -> dict[str, list[bytes]]:
    """An inline image's entries by their short keys; an array's value is the list of its tokens without brackets."""
    entries: dict[str, list[bytes]] = {}
    index = 0
    while index < len(tokens):
        key = tokens[index][1:].decode("latin-1")
        index += 1
        value: list[bytes] = []
        if index < len(tokens) and tokens[index] in (b"[", b"<<"):
            depth = 0
            while index < len(tokens):
                token = tokens[index]
                depth += (token in (b"[", b"<<")) - (token in (b"]", b">>"))
                index += 1
                if token not in (b"[", b"]"):
                    value.append(token)
                if depth == 0:
                    break
        else:
            value = tokens[index : index + 1]
            index += 1
        entries[_SHORT.get(key, key)] = value
    return entries


def number(operands: list[bytes]) -> float:
    """The last operand as a number; 0 where there is none."""
    try:
        return float(operands[-1]) if operands else 0.0
    except ValueError:
        return 0.0


def numbers(operands: list[bytes]) -> tuple[float, ...]:
    """The operands that are numbers."""
    try:
        return tuple(map(float, operands))
    except ValueError:
        return tuple(float(operand) for operand in operands if _is_number(operand))


def _is_number(operand: bytes) -> bool:
    try:
        float(operand)
    except ValueError:
        return False
    return True


def name(operands: list[bytes]) -> str:
    """The last operand that is a name, without its slash and with ``#`` escapes resolved."""
    for operand in reversed(operands):
        if operand[:1] == b"/":
            plain = re.sub(rb"#([0-9A-Fa-f]{2})", lambda match: bytes([int(match.group(1), 16)]), operand[1:])
            return plain.decode("utf-8", "replace")
    return ""
