"""Formats and presses, read from TOML: those that ship with cardpipe, and those of the shop's own folder."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from cardpipe.catalog.profiles import shipped
from cardpipe.catalog.tables import Table, Tables, build, read_tables
from cardpipe.model.errors import Refused
from cardpipe.model.finding import Finding, error
from cardpipe.model.units import Size
from cardpipe.preflight import codes
from cardpipe.prepress.design import Length
from cardpipe.prepress.format import Format
from cardpipe.prepress.press import Press

T = TypeVar("T")

_HERE = Path(__file__).parent
FORMATS, PRESSES = "formats.toml", "presses.toml"

Side = Annotated[Length, Field(gt=0)]


class _FormatRow(BaseModel):
    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    title: str
    fold: Literal["side", "top", "none"]
    trim: tuple[Side, Side]
    bleed: Annotated[Length, Field(ge=0)]
    safe: Annotated[Length, Field(ge=0)]
    envelope: tuple[Side, Side]
    envelope_name: Annotated[str, Field(min_length=1, max_length=30)]
    stock: Annotated[str, Field(pattern="^[^|]{1,60}$")]  # batches are grouped by it
    stock_gsm: Annotated[float, Field(gt=0)]
    stock_mm: Annotated[float, Field(gt=0)]
    envelope_gsm: Annotated[float, Field(gt=0)] = 104.0

    def named(self, name: str) -> Format:
        row = self.model_dump()
        row["trim"], row["envelope"] = Size(*self.trim), Size(*self.envelope)
        return Format(name=name, **row)


def build_formats(*more: tuple[str, Tables]) -> tuple[dict[str, Format], list[Finding]]:
    """Every format by name, and all that is wrong with them."""

    def make(name: str, table: Table) -> Format:
        return _FormatRow.model_validate(table).named(name)

    return build([(FORMATS, _shipped_tables(FORMATS)), *more], make, "format")


def build_presses(*more: tuple[str, Tables]) -> tuple[dict[str, Press], list[Finding]]:
    """Every press by name, and all that is wrong with them but for their ICC profiles."""

    def make(name: str, table: Table) -> Press:
        return Press.model_validate({"name": name, **table})

    made, findings = build([(PRESSES, _shipped_tables(PRESSES)), *more], make, "press")
    for name, press in made.items():
        try:
            codes.refuse(name, press.loosened)  # a slip of the pen is said here, and not by the first order
        except ValueError as problem:
            remedy = "take the check's name from a preflight report"
            findings.append(error("press.loosened", f"{PRESSES} {name}.loosened", str(problem), remedy))
    return made, findings


def _shipped_tables(file: str) -> Tables:
    read = read_tables(_HERE / file)
    if isinstance(read, list):
        raise Refused(f"{file} cannot be read; install cardpipe anew", read)
    return read


@lru_cache(maxsize=1)
def formats() -> dict[str, Format]:
    """Every format that ships with cardpipe, by name."""
    return _good(*build_formats())


@lru_cache(maxsize=1)
def presses() -> dict[str, Press]:
    """Every press that ships with cardpipe, by name."""
    return _good(*build_presses())


def _good(made: dict[str, T], findings: list[Finding]) -> dict[str, T]:
    if findings:
        raise Refused("the data that ship with cardpipe are not whole; install it anew", findings)
    return made


def profile(name: str) -> bytes:
    """An ICC profile that ships with cardpipe, by file name. Raises Refused where there is none."""
    data = shipped(name)
    if data is None:
        raise Refused(f"no profile {name!r} ships with cardpipe")
    return data


@lru_cache(maxsize=8)
def profile_digest(name: str) -> str:
    """Its SHA-256."""
    return hashlib.sha256(profile(name)).hexdigest()
