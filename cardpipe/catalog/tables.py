"""TOML tables by name: those that ship with cardpipe, and those of the shop's own folder, which add to or replace them.

``based_on`` names the table of which another writes only what differs, across both; a table of the shop may be based on
the shipped one of its own name. Everything wrong is found at once.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

from pydantic import ValidationError

from cardpipe.model.finding import Finding, error

T = TypeVar("T")
Table: TypeAlias = dict[str, Any]
Tables: TypeAlias = Mapping[str, Table]

MAX_BYTES = 1_000_000
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,40}\Z")


def read_toml(path: Path) -> Table | list[Finding]:
    """One file, or what is wrong with it. A file that is not there is empty."""
    try:
        if path.is_file() and path.stat().st_size > MAX_BYTES:
            return [error("data.large", path.name, f"has more than {MAX_BYTES // 1000} kB", "it holds something else")]
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as problem:
        return [error("data.unreadable", path.name, f"cannot be read as TOML: {problem}", "mend the file")]


def read_tables(path: Path) -> dict[str, Table] | list[Finding]:
    """One file of tables, or what is wrong with it."""
    read = read_toml(path)
    if isinstance(read, list):
        return read
    wrong = [name for name, table in read.items() if not isinstance(table, dict)]
    if wrong:
        remedy = "write it inside a table such as [name]"
        return [error("data.no_table", f"{path.name} {name}", "stands outside of all tables", remedy) for name in wrong]
    return read


def build(
    layers: Sequence[tuple[str, Tables]], make: Callable[[str, Table], T], what: str
) -> tuple[dict[str, T], list[Finding]]:
    """Values by name from layers of tables (file name and tables, the lowest first), and all that is wrong with them.
    ``what`` is the word for one of them, and the beginning of its findings' codes."""
    made: dict[str, T] = {}
    findings: list[Finding] = []
    for level, (file, tables) in enumerate(layers):
        for name in tables:
            if any(name in above for _, above in layers[level + 1 :]):
                continue  # replaced
            if not _NAME.match(name):  # it stands in file names and in the groups of batches
                remedy = "name it with letters, figures and hyphens"
                findings.append(error(f"{what}.name", f"{file} {name[:40]}", f"is no name of a {what}", remedy))
                continue
            try:
                table = _whole(name, [t for _, t in layers[: level + 1]], layers, what)
                if "name" in table:
                    said = "is no key: the name stands in square brackets"
                    findings.append(error(f"{what}.data", f"{file} {name}.name", said, "remove it"))
                    continue
                made[name] = make(name, table)
            except ValidationError as problem:
                findings += invalid(problem, f"{file} {name}", f"{what}.data")
            except ValueError as problem:
                remedy = f"name a {what} that is there"
                findings.append(error(f"{what}.based_on", f"{file} {name}.based_on", str(problem), remedy))
    return made, findings


def invalid(problem: ValidationError, where: str, code: str) -> list[Finding]:
    """Pydantic's errors as findings, each at its key."""
    found = []
    for item in problem.errors():
        message = item["msg"].removeprefix("Value error, ")
        remedy = "mend this value"
        if item["type"] == "extra_forbidden":
            message, remedy = "is no key of this table", "mend its spelling, or remove it"
        elif item["type"] == "missing":
            message, remedy = "is missing", "add it, or base the table on one that has it"
        place = ".".join([where, *(str(part) for part in item["loc"])])
        found.append(error(code, place, message, remedy))
    return found


def _whole(
    name: str, own: Sequence[Tables], layers: Sequence[tuple[str, Tables]], what: str, seen: tuple[object, ...] = ()
) -> Table:
    """A table with all that it is based on. ``own`` are the layers in which this name is looked up, lowest first."""
    level = next((n for n in range(len(own) - 1, -1, -1) if name in own[n]), None)
    if level is None:
        below = " below it" if len(own) < len(layers) else ""
        raise ValueError(f"there is no {what} {name!r}{below}")
    if (name, level) in seen:
        chain = [str(part[0]) for part in (*seen, (name, level)) if isinstance(part, tuple)]
        raise ValueError(" → ".join(chain) + " goes in a circle")
    table = {key: value for key, value in own[level][name].items() if key != "based_on"}
    base = own[level][name].get("based_on")
    if base is None:
        return table
    under = own[:level] if base == name else [tables for _, tables in layers]
    return _merged(_whole(str(base), under, layers, what, (*seen, (name, level))), table)


def _merged(base: Table, own: Table) -> Table:
    both = [key for key in own if isinstance(own[key], dict) and isinstance(base.get(key), dict)]
    return {**base, **own, **{key: _merged(base[key], own[key]) for key in both}}
