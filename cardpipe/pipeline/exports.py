"""What other programs call their columns: exports of CRMs and address books, and the names of countries.

The rows are data (``exports.toml``): a new export is a new row there and no code.
"""

from __future__ import annotations

import string
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from cardpipe.lettershop.countries import fold, rules

_FILE = Path(__file__).with_name("exports.toml")
_KNOWN_FROM = ("documented", "seen", "remembered")


@dataclass(frozen=True, slots=True)
class Export:
    """One program's export. ``targets`` stand in the order in which they are preferred; headers are :func:`plain`."""

    name: str
    marks: tuple[frozenset[str], ...]
    ids: tuple[str, ...]
    left_out: tuple[str, ...]
    targets: dict[str, str]

    def target(self, header: str) -> str | None:
        """The column that a header means, ``-`` for one that a card has no use for; None where it is not known."""
        name = plain(header)
        if name in self.targets:
            return self.targets[name]
        return "-" if name in self.ids or name.startswith(self.left_out) else None


def plain(header: str) -> str:
    """A header as it is compared: no capitals, single blanks."""
    return " ".join(header.casefold().split())


@lru_cache(maxsize=1)
def exports() -> tuple[Export, ...]:
    """Every export that is known."""
    return tuple(
        Export(
            row["name"],
            tuple(frozenset(map(plain, marks)) for marks in row["marks"]),
            tuple(map(plain, row.get("id", ()))),
            tuple(entry.casefold() for entry in row["left_out"]),
            {plain(header): to for known in _KNOWN_FROM for header, to in row.get(known, {}).items()},
        )
        for row in _data()["export"]
    )


def recognised(header: Sequence[str]) -> Export | None:
    """The export that this header comes from: its marks are there, and no other knows more of the headers."""
    names = {plain(cell) for cell in header}
    fitting = [one for one in exports() if any(marks <= names for marks in one.marks)]
    return max(fitting, key=lambda one: sum(name in one.targets for name in names), default=None)


@lru_cache(maxsize=1)
def spoken() -> dict[str, str]:
    """What people call a column, folded, and the column."""
    return {fold(name): to for to, names in _data()["names"].items() for name in names}


def country_code(text: str) -> str | None:
    """``Germany``, ``Deutschland`` or ``DE`` → ``DE``; None where no country is called so."""
    if len(text) == 2 and rules(text.upper()):
        return text.upper()
    return _countries().get(fold(text))


@lru_cache(maxsize=1)
def _countries() -> dict[str, str]:
    letters = string.ascii_uppercase
    known = {fold(one.name): one.code for a in letters for b in letters if (one := rules(a + b))}
    return known | {fold(name): code for code, names in _data()["countries"].items() for name in names}


@lru_cache(maxsize=1)
def _data() -> dict[str, Any]:
    return tomllib.loads(_FILE.read_text(encoding="utf-8"))
