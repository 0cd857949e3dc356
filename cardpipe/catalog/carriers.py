"""Carriers from TOML: the built-in ones, and those of a file of the operator's own."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from cardpipe.lettershop.carrier import Carrier
from cardpipe.model.errors import Refused
from cardpipe.model.finding import Finding, error

BUILT_IN = Path(__file__).with_name("carriers.toml")


def load_carriers(*more: Path) -> dict[str, Carrier]:
    """Every carrier by name: the built-in ones, then those of further files, which may build on them and replace them.

    Raises Refused with every finding at once.
    """
    tables: dict[str, dict[str, Any]] = {}
    for path in (BUILT_IN, *more):
        tables.update(_read(path))
    return read_carriers(tables)


def read_carriers(tables: dict[str, dict[str, Any]]) -> dict[str, Carrier]:
    """Frozen values from plain tables. ``based_on`` names the carrier of which a table writes only what differs."""
    carriers: dict[str, Carrier] = {}
    findings: list[Finding] = []
    for name in tables:
        try:
            carriers[name] = Carrier.model_validate({"name": name, **_whole(name, tables, ())})
        except ValidationError as problem:
            for one in problem.errors():
                where = ".".join([name, *(str(part) for part in one["loc"])])
                findings.append(error("carrier.data", where, one["msg"], "mend the carrier's table"))
        except ValueError as problem:
            findings.append(error("carrier.based_on", f"{name}.based_on", str(problem), "name a carrier that is there"))
    if findings:
        raise Refused(f"{len(findings)} mistakes in the carriers' data", findings)
    return carriers


def _read(path: Path) -> dict[str, dict[str, Any]]:
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as problem:
        raise Refused(
            f"{path.name} cannot be read as TOML",
            [error("carrier.data", path.name, str(problem), "mend the file")],
        ) from None
    wrong = [name for name, table in tables.items() if not isinstance(table, dict)]
    if wrong:
        raise Refused(
            f"{path.name} holds more than carriers",
            [error("carrier.data", name, "is no table", "write it inside a carrier's table") for name in wrong],
        )
    return tables


def _whole(name: str, tables: dict[str, dict[str, Any]], seen: tuple[str, ...]) -> dict[str, Any]:
    if name in seen:
        raise ValueError(" → ".join([*seen, name]) + " goes in a circle")
    if name not in tables:
        raise ValueError(f"there is no carrier {name!r}")
    own = {key: value for key, value in tables[name].items() if key != "based_on"}
    base = tables[name].get("based_on")
    return _merged(_whole(str(base), tables, (*seen, name)), own) if base is not None else own


def _merged(base: dict[str, Any], own: dict[str, Any]) -> dict[str, Any]:
    both = [key for key in own if isinstance(own[key], dict) and isinstance(base.get(key), dict)]
    return {**base, **own, **{key: _merged(base[key], own[key]) for key in both}}
