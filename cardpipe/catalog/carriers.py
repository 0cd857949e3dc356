"""Carriers from TOML: the built-in ones, and those of a file of the operator's own."""

from __future__ import annotations

from pathlib import Path

from cardpipe.catalog.tables import Table, Tables, build, read_tables
from cardpipe.lettershop.carrier import Carrier
from cardpipe.model.errors import Refused
from cardpipe.model.finding import Finding, error

BUILT_IN = Path(__file__).with_name("carriers.toml")


def load_carriers(*more: Path) -> dict[str, Carrier]:
    """Every carrier by name: the built-in ones, then those of further files, which may build on them and replace them.

    Raises Refused with every finding at once.
    """
    layers: list[tuple[str, Tables]] = []
    findings: list[Finding] = []
    for path in more:
        read = (
            read_tables(path) if path.is_file() else [error("data.missing", path.name, "is not there", "name a file")]
        )
        if isinstance(read, list):
            findings += read
        else:
            layers.append((path.name, read))
    made, found = build_carriers(*layers)
    if findings or found:
        files = ", ".join(path.name for path in more) or BUILT_IN.name
        raise Refused(f"{len(findings) + len(found)} mistakes in the carriers' data ({files})", [*findings, *found])
    return made


def build_carriers(*more: tuple[str, Tables]) -> tuple[dict[str, Carrier], list[Finding]]:
    """Every carrier by name, and all that is wrong with them."""
    own = read_tables(BUILT_IN)
    if isinstance(own, list):
        raise Refused("carriers.toml cannot be read; install cardpipe anew", own)
    return read_carriers((BUILT_IN.name, own), *more)


def read_carriers(*layers: tuple[str, Tables]) -> tuple[dict[str, Carrier], list[Finding]]:
    """Frozen values from plain tables, and all that is wrong with them."""

    def make(name: str, table: Table) -> Carrier:
        return Carrier.model_validate({"name": name, **table})

    return build(layers, make, "carrier")
