"""What a press wants to see, as data: limits, and the checks it loosens, each with its written reason."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from types import MappingProxyType
from typing import Any

from cardpipe.model.finding import Level
from cardpipe.model.units import Points, Size, mm, parse_length

STANDARDS = ("X-4",)
"""Output standards that this room can judge. X-1a is another set of rules, and nobody has written its checks."""


THREE_MM = mm(3)


@dataclass(frozen=True, slots=True)
class Loosened:
    """One check that a press takes less strictly: at another level, or (``level`` None) not at all."""

    level: Level | None
    reason: str

    def __post_init__(self) -> None:
        if len(self.reason.strip()) < 10:
            raise ValueError("a loosened check needs a written reason that a stranger understands (10 letters or more)")


@dataclass(frozen=True, slots=True)
class Profile:
    """The limits of one press and format. Lengths are points, shares of ink are per cent, resolutions are ppi."""

    name: str = "house"
    standard: str = "X-4"
    trim: Size | None = None
    bleed: Points = THREE_MM
    pages_per_piece: int = 2
    ppi_error: float = 150.0
    ppi_warning: float = 300.0
    mask_ppi_error: float = 300.0
    mask_ppi_warning: float = 600.0
    max_ink: float = 300.0
    hairline: Points = 0.25
    rich_black_below: Points = 24.0
    spots: tuple[str, ...] = ()
    loosened: Mapping[str, Loosened] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.standard not in STANDARDS:
            raise ValueError(f"output standard {self.standard!r} is unknown; write one of {', '.join(STANDARDS)}")
        if self.ppi_error > self.ppi_warning or self.mask_ppi_error > self.mask_ppi_warning:
            raise ValueError("a resolution that is an error must lie below the one that is a warning")
        if not 0 < self.max_ink <= 400 or self.bleed < 0 or self.hairline < 0 or self.pages_per_piece < 1:
            raise ValueError("max_ink lies in 0 to 400, bleed and hairline are not negative, a piece has pages")
        object.__setattr__(self, "loosened", MappingProxyType(dict(self.loosened)))

    @staticmethod
    def from_data(data: Mapping[str, Any]) -> Profile:
        """Read a press's ``[preflight]`` table: lengths carry units, ``trim`` is two of them, unknown keys are refused.

        ``loosened`` is a table by check id: ``{level = "warning" | "note" | "off", reason = "..."}``.
        """
        known = {entry.name for entry in fields(Profile)}
        unknown = sorted(set(data) - known)
        if unknown:
            raise ValueError(f"unknown preflight keys {', '.join(unknown)}; known are {', '.join(sorted(known))}")
        values = dict(data)
        for key in ("bleed", "hairline", "rich_black_below"):
            if key in values:
                values[key] = parse_length(values[key])
        if values.get("trim") is not None:
            width, height = values["trim"]
            values["trim"] = Size(parse_length(width), parse_length(height))
        if "spots" in values:
            values["spots"] = tuple(str(name) for name in values["spots"])
        values["loosened"] = {str(code): _loosened(code, row) for code, row in values.get("loosened", {}).items()}
        return Profile(**values)


def _loosened(code: str, row: Mapping[str, Any]) -> Loosened:
    """One row of the table; its trouble names the check."""
    if set(row) != {"level", "reason"}:
        raise ValueError(f"loosened check {code} needs exactly a level and a reason")
    level = str(row["level"])
    if level not in ("warning", "note", "off"):
        raise ValueError(f"loosened check {code}: level is 'warning', 'note' or 'off', not {level!r}")
    try:
        return Loosened(None if level == "off" else Level(level), str(row["reason"]))
    except ValueError as trouble:
        raise ValueError(f"loosened check {code}: {trouble}") from None
