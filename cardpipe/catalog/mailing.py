"""How the shop posts, and what it puts into envelopes: ``mailing.toml`` and ``inserts.toml`` of its own folder."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from cardpipe.catalog.tables import Table, Tables, build, invalid, read_toml
from cardpipe.lettershop.mailing import Insert, Mailing
from cardpipe.model.errors import Refused
from cardpipe.model.finding import Finding, error
from cardpipe.prepress.design import Length

MAILING, INSERTS = "mailing.toml", "inserts.toml"


class _InsertRow(BaseModel):
    """The schema of an insert's table: lengths carry their unit, as in all files that people write."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    title: str
    weight_g: float
    thickness_mm: float
    size: tuple[Length, Length]


def read_mailing(path: Path) -> Mailing | list[Finding]:
    """One file, or all that is wrong with it. A file that is not there says: stamps, plain capitals, no presort."""
    read = read_toml(path)
    if isinstance(read, list):
        return read
    try:
        return Mailing.model_validate(read)
    except ValidationError as problem:
        return invalid(problem, path.name, "mailing.data")


def build_inserts(*layers: tuple[str, Tables]) -> tuple[dict[str, Insert], list[Finding]]:
    """Every insert by its code, and all that is wrong with them. A table's name is the insert's code."""

    def make(name: str, table: Table) -> Insert:
        return Insert.model_validate({"code": name, **_InsertRow.model_validate(table).model_dump()})

    return build(layers, make, "insert")


def named(inserts: Mapping[str, Insert], code: str) -> Insert:
    """The insert of that code. Raises Refused that names those that there are."""
    if code in inserts:
        return inserts[code]
    near = difflib.get_close_matches(code, inserts, 1)
    known = ", ".join(sorted(inserts))
    remedy = f"one of: {known}" if known else f"describe it in {INSERTS} of the shop's own folder (CARDPIPE_SHOP)"
    if near:
        remedy = f"did you mean {near[0]!r}? {remedy}"
    what = f"there is no insert {code!r}"
    raise Refused(what, [error("insert.unknown", "inserts", what, remedy)])
