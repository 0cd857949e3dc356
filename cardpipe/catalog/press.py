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
        merged, seen = dict(row), {name}
        while (base := merged.pop("based_on", None)) is not None:
            if base in seen or base not in raw:
                what = f"based_on = {base!r} leads nowhere"
                raise Refused(f"press {name}: {what}", [error("press.based_on", f"presses.toml {name}.based_on", what)])
            seen.add(base)
            merged = {**raw[base], **merged}
        try:
            found[name] = Press.model_validate({"name": name, **merged})
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
