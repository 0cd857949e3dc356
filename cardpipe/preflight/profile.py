"""What a press wants to see, as data: limits, and the checks it loosens, each with its written reason."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from types import MappingProxyType
from typing import Any

from cardpipe.model.finding import Level
from cardpipe.model.units import Points, Size, mm, parse_length
from cardpipe.preflight import codes
from cardpipe.prepress.press import Press

STANDARDS = ("X-4", "X-1a")
"""Output standards that this room can judge: PDF/X-4 (ISO 15930-7) and PDF/X-1a (ISO 15930-4, and its elder -1)."""

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
    """The limits of one press and format. Lengths are points, shares of ink are per cent, resolutions are ppi.

    ``pages_per_piece`` is None where it is not known. ``records``: the PDF/VT record structure must be there (True),
    must not (False), or is judged where it stands (None). ``imposed`` says that pages are press sheets: marks in the
    registration colour belong there, and nobody cuts along a sheet's own edge.
    """

    name: str = "house"
    standard: str = "X-4"
    trim: Size | None = None
    bleed: Points = THREE_MM
    pages_per_piece: int | None = 2
    records: bool | None = None
    imposed: bool = False
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
        if self.records and self.standard != "X-4":
            raise ValueError(f"PDF/VT-1 records stand on PDF/X-4; a file in {self.standard} has none")
        if self.ppi_error > self.ppi_warning or self.mask_ppi_error > self.mask_ppi_warning:
            raise ValueError("a resolution that is an error must lie below the one that is a warning")
        few = self.pages_per_piece is not None and self.pages_per_piece < 1
        if not 0 < self.max_ink <= 400 or self.bleed < 0 or self.hairline < 0 or few:
            raise ValueError("max_ink lies in 0 to 400, bleed and hairline are not negative, a piece has pages")
        codes.refuse(self.name, self.loosened)
        object.__setattr__(self, "loosened", MappingProxyType(dict(self.loosened)))

    @staticmethod
    def for_press(
        press: Press,
        *,
        trim: Size | None,
        bleed: Points,
        pages_per_piece: int | None,
        records: bool | None = None,
        imposed: bool = False,
    ) -> Profile:
        """What this press wants of one kind of file: its standard, limits and loosened checks, the caller's format.

        Raises ValueError, naming them, for loosened checks that are unknown or that no press may loosen.
        """
        return Profile(
            name=press.name,
            standard=press.output,
            trim=trim,
            bleed=bleed,
            pages_per_piece=pages_per_piece,
            records=records,
            imposed=imposed,
            ppi_error=float(press.photo_minimum_ppi),
            ppi_warning=float(max(press.photo_ppi, press.photo_minimum_ppi)),
            max_ink=float(press.max_ink),
            loosened={
                code: _loosened(code, {"level": row.level, "reason": row.reason})
                for code, row in sorted(press.loosened.items())
            },
        )

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


def _level(word: str) -> Level | None:
    return None if word == "off" else Level(word)


def _loosened(code: str, row: Mapping[str, Any]) -> Loosened:
    """One row of the table; its trouble names the check."""
    if set(row) != {"level", "reason"}:
        raise ValueError(f"loosened check {code} needs exactly a level and a reason")
    level = str(row["level"])
    if level not in ("warning", "note", "off"):
        raise ValueError(f"loosened check {code}: level is 'warning', 'note' or 'off', not {level!r}")
    try:
        return Loosened(_level(level), str(row["reason"]))
    except ValueError as trouble:
        raise ValueError(f"loosened check {code}: {trouble}") from None
