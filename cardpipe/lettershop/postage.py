"""What a letter pays, what a mailing needs for less, and which services a barcode can ask for: a post's dated data.

Prices change once or twice a year; each table says as of when it is true and where that stands. None is in code.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Paid = Literal["stamp", "meter", "permit"]


class _Value(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


@dataclass(frozen=True, slots=True)
class Postage:
    """What a piece pays. ``cents`` is None where the carrier's data do not say it; ``what`` says what is paid for."""

    cents: int | None
    what: str
    currency: str = "USD"

    def __str__(self) -> str:
        return f"{money(self.cents, self.currency)}: {self.what}" if self.cents is not None else self.what


def money(cents: int, currency: str) -> str:
    """``1.07 USD``."""
    return f"{cents // 100}.{cents % 100:02d} {currency}"


class Rates(_Value):
    """Prices of a single letter, in hundredths of ``currency``. ``step_g`` is one step of weight (an ounce);
    ``international`` is the price abroad up to the first step, the second and so on, as far as it is known."""

    as_of: str
    sources: Annotated[tuple[str, ...], Field(min_length=1)]
    note: str = ""
    currency: Annotated[str, Field(pattern="^[A-Z]{3}$")] = "USD"
    step_g: Annotated[float, Field(gt=0)]
    stamped: Annotated[int, Field(gt=0)]
    metered: Annotated[int, Field(gt=0)]
    additional: Annotated[int, Field(ge=0)]
    nonmachinable: Annotated[int, Field(ge=0)]
    international: tuple[int, ...] = ()

    def price(self, weight_g: float, *, machinable: bool, foreign: bool, paid: Paid) -> Postage:
        """What a single letter of that weight pays."""
        steps = max(1, math.ceil(weight_g / self.step_g - 1e-9))
        where = f"up to {self.step_g * steps:g} g, prices of {self.as_of}"
        surcharge, extra = ("", 0) if machinable else (", not machinable", self.nonmachinable)
        if foreign:
            what = f"a letter abroad{surcharge}, {where}"
            if steps > len(self.international):
                return Postage(None, f"{what}: the price is not in our data, look it up", self.currency)
            return Postage(self.international[steps - 1] + extra, what, self.currency)
        first = self.stamped if paid == "stamp" else self.metered
        how = {"stamp": "stamped", "meter": "metered", "permit": "by permit"}[paid]
        return Postage(first + self.additional * (steps - 1) + extra, f"a letter, {how}{surcharge}, {where}",
                       self.currency)  # fmt: skip


class Presort(_Value):
    """What a mailing needs for commercial prices: pieces in all, and pieces that make a tray."""

    as_of: str
    sources: Annotated[tuple[str, ...], Field(min_length=1)]
    note: str = ""
    minimum: Annotated[int, Field(gt=0)]
    tray_minimum: Annotated[int, Field(gt=0)] | None = None


class Services(_Value):
    """Service type ids (the three figures in a barcode) with what they mean, and the endorsements that are honoured."""

    as_of: str
    sources: Annotated[tuple[str, ...], Field(min_length=1)]
    ids: dict[Annotated[str, Field(pattern="^[0-9]{3}$")], str] = Field(default_factory=dict)
    endorsements: tuple[str, ...] = ()
