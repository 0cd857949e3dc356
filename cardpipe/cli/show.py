"""How the command line speaks: data on stdout, words on stderr, findings as one table or as JSON."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cardpipe.model.finding import Finding

_NAMED = 3  # how many orders of equal findings are named


def data(value: Any, as_json: bool, plain: str) -> None:
    """The result of a command: JSON when asked for, else words; both on stdout."""
    if as_json:
        text = json.dumps(value, ensure_ascii=False, indent=2, sort_keys=True)
    else:
        text = plain
    if text:
        sys.stdout.write(text + "\n")
        sys.stdout.flush()


def words(text: str) -> None:
    """A sentence for the person at the terminal, on stderr."""
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


def table(header: Sequence[str], rows: Iterable[Sequence[str]], title: str = "") -> str:
    """A table that fits the terminal, as text."""
    from rich import box
    from rich.console import Console
    from rich.table import Table

    made = Table(
        *header, title=title or None, title_justify="left", box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False
    )
    for row in rows:
        made.add_row(*(_plain(cell) for cell in row))
    console = Console(width=None if sys.stdout.isatty() else 140, highlight=False)
    with console.capture() as caught:
        console.print(made)
    return caught.get().rstrip()


def findings_table(rows: Iterable[tuple[str, Finding]], of: str = "order") -> str:
    """Findings with the order (or whatever ``of`` says) that each belongs to; equal ones of many orders are one row,
    which names the first few and counts the rest (JSON has them all)."""
    alike: dict[Finding, list[str]] = {}
    for who, finding in rows:
        alike.setdefault(finding, []).append(who)
    lines = [
        (_named(names), str(f.level), f.where, f.message + (f"\n→ {f.remedy}" if f.remedy else ""), f.code)
        for f, names in alike.items()
    ]
    return table((of, "level", "where", "what is wrong", "code"), lines)


def _named(names: list[str]) -> str:
    shown = names if len(names) <= _NAMED else names[: _NAMED - 1]
    rest = len(names) - len(shown)
    return "\n".join(shown) + (f"\nand {rest} more" if rest else "")


def _plain(cell: str) -> str:
    from rich.markup import escape

    return escape("".join(c if c.isprintable() or c == "\n" else "\N{REPLACEMENT CHARACTER}" for c in cell))
