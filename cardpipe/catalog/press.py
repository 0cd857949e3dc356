"""Formats and presses, read from their TOML files."""

from __future__ import annotations

import hashlib
import tomllib
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from cardpipe.model.errors import Refused
from cardpipe.model.finding import error
from cardpipe.model.units import Size
from cardpipe.prepress.design import Length
from cardpipe.prepress.format import Format
from cardpipe.prepress.press import Press

_HERE = Path(__file__).parent


class _FormatRow(BaseModel):
    model_config = ConfigDict(extra="forbid")

    title: str
    fold: Literal["side", "top", "none"]
    trim: tuple[Length, Length]
    bleed: Length
    safe: Length
    envelope: tuple[Length, Length]
    envelope_name: str
    stock: str
    stock_gsm: float
    stock_mm: float
    envelope_gsm: float = 104.0

    def named(self, name: str) -> Format:
        row = self.model_dump()
        row["trim"], row["envelope"] = Size(*self.trim), Size(*self.envelope)
        return Format(name=name, **row)


class PressRow(BaseModel):
    """A press profile as its file states it."""

    model_config = ConfigDict(extra="forbid")

    title: str
    output: Literal["X-4"]
    condition: str
    condition_info: str
    profile: str
    pieces_per_file: int
    bytes_per_file: int
    photo_ppi: int
    photo_minimum_ppi: int
    max_ink: int


def _rows(file: str) -> dict[str, Any]:
    return tomllib.loads((_HERE / file).read_text())


@lru_cache(maxsize=1)
def formats() -> dict[str, Format]:
    """Every format by name."""
    return {name: _FormatRow.model_validate(row).named(name) for name, row in _rows("formats.toml").items()}


@lru_cache(maxsize=1)
def presses() -> dict[str, Press]:
    """Every press by name; ``based_on`` is followed. Raises Refused with all that is wrong in the file."""
    raw = _rows("presses.toml")
    found: dict[str, Press] = {}
    for name, row in raw.items():
        merged = dict(row)
        while (base := merged.pop("based_on", None)) is not None:
            merged = {**raw[base], **merged}
        try:
            found[name] = Press(name=name, **PressRow.model_validate(merged).model_dump())
        except ValidationError as problem:
            findings = [
                error("press.invalid", f"presses.toml {name}.{'.'.join(map(str, item['loc']))}", item["msg"])
                for item in problem.errors()
            ]
            raise Refused(f"press {name} cannot be read", findings) from None
    return found


@lru_cache(maxsize=8)
def profile(name: str) -> bytes:
    """An ICC profile that ships with cardpipe, by file name."""
    return (_HERE / Path(name).name).read_bytes()


@lru_cache(maxsize=8)
def profile_digest(name: str) -> str:
    """Its SHA-256."""
    return hashlib.sha256(profile(name)).hexdigest()
