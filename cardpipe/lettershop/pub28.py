"""How the USPS wants its own addresses written: Publication 28, Postal Addressing Standards.

A street line is taken apart, and its suffix, its directionals and its unit's designator become the standard ones. No
number, no name and no letter of one is ever changed. What is not understood for certain is printed as it was given,
without its punctuation; and so is a line of which, standardised, a single word would be missing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

from cardpipe.lettershop import boxes
from cardpipe.lettershop.abbreviations import ALONE, AREAS, DIRECTIONS, FORM_WORDS, RANGED, SPANISH, SUFFIXES
from cardpipe.lettershop.countries import fold
from cardpipe.model.address import Address

#: Longest street line to which a flat's number is joined (it fits the smallest envelope at the smallest size).
JOINED = 34

#: A house number: 12, 12A, 12-34, 39.2, the grid numbers of Wisconsin (W275N6210); then perhaps a half (Appendix D).
_NUMBER = re.compile(r"\d+[A-Z]?|\d+-\d*[A-Z]?|\d+\.\d+|\d+-\d/\d|[NSEW]\d+(?:[NSEW]\d+)?|[NSEW]\d+-[NSEW]?\d+")
_FRACTION = re.compile(r"\d/\d")
_ORDINAL = re.compile(r"\d+(?:ST|ND|RD|TH)|FIRST|SECOND|THIRD|FOURTH|FIFTH|SIXTH|SEVENTH|EIGHTH|NINTH|TENTH|TOP|MAIN")
_IDENTIFIER = re.compile(r"(?=.*\d)[\dA-Z/.-]+|[A-Z]{1,3}|[A-Z]-[A-Z]")
_BARE = re.compile(r"\d+(?:[- ]?[A-Z])?|[A-Z]-?\d+")
_ANY = {**SUFFIXES, **RANGED, **ALONE, **DIRECTIONS, **AREAS}

_DIRECTED = re.compile(r"(?:[NS][EW]?|[EW])\b|(?:NORTH|SOUTH|EAST|WEST|(?:NORTH|SOUTH)(?:EAST|WEST))$")
#: Street types that are English and nothing else: behind a Spanish name too they are one.
_ENGLISH = ("AVE", "BLVD", "CIR", "CT", "DR", "HWY", "LN", "PKWY", "RD", "ST", "TER", "TRL")
_MILITARY = ("AA", "AE", "AP")


class Kind(Enum):
    """What a part of a street line is."""

    STREET = "street"
    BOX = "box"
    UNIT = "unit"
    AREA = "area"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the delivery address as it is printed: of a street its number, its name and what follows; else the
    ``name`` alone. ``units`` are whole: designator and number."""

    kind: Kind
    name: str
    number: str = ""
    units: tuple[str, ...] = ()

    def __str__(self) -> str:
        return " ".join(word for word in (self.number, self.name, *self.units) if word)


def write_zip(text: str) -> str | None:
    """A ZIP code as it is printed: 02139 or 02139-4307."""
    match = re.fullmatch(r"(\d{5})(?:[ -]?(\d{4}))?", text)
    return "-".join(group for group in match.groups() if group) if match else None


def unpunctuated(text: str) -> str:
    """No punctuation in streets and cities but hyphens, slashes and a point within a number (Publication 28, 222)."""
    return re.sub(r" +", " ", re.sub(r"(?<!\d)\.|\.(?!\d)|[,;:]", " ", text)).strip()


def streets(address: Address) -> list[str]:
    """The street lines in their own words, for a return address: the order alone is Publication 28's."""
    first, second = address.street, address.street2
    upper, lower = (_kind(parse(line, address.state)) for line in (first, second))
    if lower in (Kind.STREET, Kind.BOX):
        return [first, second]
    if lower is Kind.UNIT and upper in (Kind.STREET, Kind.OTHER) and len(first) + 1 + len(second) <= JOINED:
        return [f"{first}, {second}"]
    return [second, first] if second and upper in (Kind.STREET, Kind.BOX) else [first, second]


def standard(address: Address) -> list[str]:
    """The street lines for the reading machine. The delivery line stands right above the city (Publication 28, 213):
    a flat's number ends it where there is room, and everything else goes above it."""
    given = [line for line in (address.street, address.street2) if line]
    parts = _parts(given, address.state)
    homes = [part for part in parts if part.kind in (Kind.STREET, Kind.BOX)]
    if not homes and len(parts) > 1 and parts[0].kind is Kind.OTHER:
        homes = parts[:1]  # One World Trade Center: no number, and yet what a flat's number stands behind
    units = [part for part in parts if part.kind is Kind.UNIT]
    above = [str(part) for part in parts if part not in homes and part not in units]
    if not homes or (units and len(homes) > 1) or (homes[0].kind is Kind.OTHER and not units):
        made = [str(part) for part in parts]
    else:
        last = " ".join(map(str, [homes[0], *units]))
        joined = len(last) <= JOINED and homes[0].kind is not Kind.BOX
        made = [*above, *([last] if joined else map(str, [*units, homes[0]])), *map(str, homes[1:])]
    forms = any(part.kind is Kind.BOX for part in parts)
    return made if _words(given, forms) == _words(made, forms) else [unpunctuated(line.upper()) for line in given]


def parse(line: str, state: str = "") -> list[Part]:
    """One given line, taken apart at its commas. A line with a part that is not understood stays one part."""
    return _parts([line], state)


def _parts(given: Iterable[str], state: str) -> list[Part]:
    rows: list[list[str]] = []
    before = ""
    for line in given:
        row: list[str] = []
        for segment in _segments(line):
            if row and _DIRECTED.match(segment) and before.split()[-1] in SUFFIXES:  # 1800 M Street, NW
                row[-1] = segment = f"{before} {segment}"
            elif before and boxes.halves(before, segment, military=state in _MILITARY):
                (row or rows[-1])[-1] = f"{before} {segment}"
            else:
                row.append(segment)
            before = segment
        if row:
            rows.append(row)
    return [part for row in rows for part in _settled(row, state)]


def _settled(row: list[str], state: str) -> list[Part]:
    """The parts of one line. Units beside their street belong to it; with an unknown part nothing is moved."""
    if len(row) > 1 and row[0].isdigit():  # 12, Main Street
        row = [f"{row[0]} {row[1]}", *row[2:]]
    parts = [_part(segment, state) for segment in row]
    homes = [part for part in parts if part.kind is Kind.STREET]
    if len(parts) > 1 and (len(homes) > 1 or any(part.kind is Kind.OTHER for part in parts)):
        kind = _kind([part for part in parts if part.kind in (Kind.STREET, Kind.BOX)])
        return [Part(kind, " ".join(map(str, parts)))]
    if len(homes) != 1:
        return parts
    units = tuple(part.name for part in parts if part.kind is Kind.UNIT)
    home = Part(Kind.STREET, homes[0].name, homes[0].number, (*homes[0].units, *units))
    return [home if part is homes[0] else part for part in parts if part.kind is not Kind.UNIT]


def _segments(line: str) -> list[str]:
    text = re.sub(r"# *", "# ", boxes.undotted(line.upper()))
    found = (segment for given in re.split(r"[,;]", text) for segment in boxes.parted(unpunctuated(given)))
    return [segment for segment in found if any(map(str.isalnum, segment))]


def _part(text: str, state: str) -> Part:
    if box := boxes.standard(text):
        return Part(Kind.BOX, box)
    words = text.split()
    if state == "PR" and len(words) > 1 and (area := AREAS.get(_flat(words[0]))):
        return Part(Kind.AREA, " ".join([area, *words[1:]]))
    units, rest = _units(words)
    if not rest:
        return Part(Kind.UNIT, " ".join(units))
    if _BARE.fullmatch(text):
        return Part(Kind.UNIT, text)
    street = _street(words)
    for count in (2, 3, 4) if street is None else ():  # Apt 4B 12 Main St
        front, rest = _units(words[:count])
        if not rest and (street := _street(words[count:])) and " " in street.name:
            return Part(Kind.STREET, street.name, street.number, (*street.units, *front))
    return street or Part(Kind.OTHER, text)


def _street(words: list[str]) -> Part | None:
    """A line that begins with a house number; None where it does not."""
    if len(words) < 2 or not _NUMBER.fullmatch(words[0]):
        return None
    count = 2 if _FRACTION.fullmatch(words[1]) and len(words) > 2 else 1
    number = " ".join(words[:count])
    units, rest = _units(words[count:])
    if not rest:
        return Part(Kind.STREET, " ".join(words[count:]), number)
    return Part(Kind.STREET, " ".join(_named(rest)), number, tuple(units))


def _named(words: list[str]) -> list[str]:
    """Suffix and directionals abbreviated, where they are certain: a name must be left between them."""
    if len(words) == 3 and words[0] in DIRECTIONS and words[1].isdigit() and words[2] in DIRECTIONS:
        return [DIRECTIONS[words[0]], words[1], DIRECTIONS[words[2]]]  # the grids of Utah: 842 E 1700 S
    after = words[-1:] if len(words) > 2 and words[-1] in DIRECTIONS and words[-2] in SUFFIXES else []
    rest = words[: len(words) - len(after)]
    if len(rest) < 2 or rest[-1] not in SUFFIXES:
        return words
    name = rest[:-1]
    before: list[str] = []
    if len(name) > 1 and name[0] in DIRECTIONS and name[1] not in DIRECTIONS:
        before, name = name[:1], name[1:]
    suffix = SUFFIXES[rest[-1]]
    if name == ["THE"] or (_flat(name[0]) in SPANISH and suffix not in _ENGLISH):
        return words
    return [*(DIRECTIONS[word] for word in before), *name, suffix, *(DIRECTIONS[word] for word in after)]


def _units(words: list[str]) -> tuple[list[str], list[str]]:
    """The secondary units at the end, in their order, and the words before them."""
    units: list[str] = []
    rest = list(words)
    while rest:
        if len(rest) > 2 and rest[-2] in ("#", "NO", "NUMBER") and rest[-3] in RANGED and _names(rest[-1], rest[-3]):
            units.insert(0, f"{RANGED[rest[-3]]} {rest[-1]}")
            rest = rest[:-3]
        elif len(rest) > 1 and rest[-2] in RANGED and _names(rest[-1], rest[-2]):
            units.insert(0, f"{RANGED[rest[-2]]} {rest[-1]}")
            rest = rest[:-2]
        elif len(rest) > 1 and rest[-2] == "#":
            units.insert(0, f"# {rest[-1]}")
            rest = rest[:-2]
        elif len(rest) > 1 and RANGED.get(rest[-1]) == "FL" and _ORDINAL.fullmatch(rest[-2]):
            units.insert(0, f"{rest[-2]} FL")
            rest = rest[:-2]
        elif rest[-1] in ALONE and (
            len(rest) == 1 or rest[-2] in SUFFIXES or (len(rest) > 3 and rest[-2] in DIRECTIONS)
        ):
            units.insert(0, ALONE[rest[-1]])
            rest = rest[:-1]
        else:
            break
    return units, rest


def _names(word: str, designator: str) -> bool:
    """Whether this word can be a flat's number or letter, behind this designator."""
    if word in DIRECTIONS:
        return RANGED[designator] in ("APT", "STE", "UNIT") and len(word) == 1
    return word not in SUFFIXES and bool(_IDENTIFIER.fullmatch(word))


def _kind(parts: list[Part]) -> Kind:
    """What a whole line is: a street or a box if it holds one."""
    kinds = [part.kind for part in parts]
    return next((kind for kind in (Kind.STREET, Kind.BOX, Kind.UNIT, Kind.AREA) if kind in kinds), Kind.OTHER)


def _flat(word: str) -> str:
    return fold(word).upper()


def _words(rows: Iterable[str], forms: bool) -> list[str]:
    """Every word of the lines, each of several spellings as its standard abbreviation: by this nothing is lost. Where
    there is the form of a box or a route, its own words may have been written anew."""
    text = boxes.undotted(" ".join(rows).upper())
    words = re.findall(r"[^\W_]+", re.sub(r"(?<=[^\W\d_])(?=\d)|(?<=\d)(?=[^\W\d_])", " ", text) if forms else text)
    dropped = FORM_WORDS if forms else frozenset({"NO", "NUMBER"})
    return sorted(_ANY.get(word, _ANY.get(_flat(word), word)) for word in words if word not in dropped)
