"""A carrier: where an envelope must stay clear, what it may measure and weigh, what that costs, and when it travels.
Data, read by ``catalog.carriers``; nothing that a post changes from year to year stands in this code."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, model_validator

from cardpipe.lettershop.calendar import Calendar, Days, Transit
from cardpipe.lettershop.mailing import Insert, Mailing
from cardpipe.lettershop.postage import Paid, Postage, Presort, Rates, Services
from cardpipe.model.finding import Finding, error, warning
from cardpipe.model.units import Box, Points, Size, inch, mm, to_inch, to_mm
from cardpipe.prepress.format import Format
from cardpipe.prepress.press import Length

#: How much an insert must be smaller than its envelope, so that it slides in: ours, half of what a card has.
_PLAY = inch(0.125)


class _Value(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Zone(_Value):
    """A rectangle by its distances from the envelope's edges: two of left, right and width; two of bottom, top and
    height. So one zone serves every envelope."""

    left: Length | None = None
    right: Length | None = None
    width: Length | None = None
    bottom: Length | None = None
    top: Length | None = None
    height: Length | None = None

    @model_validator(mode="after")
    def _two_each(self) -> Zone:
        across = [self.left, self.right, self.width].count(None)
        along = [self.bottom, self.top, self.height].count(None)
        if (across, along) != (1, 1):
            raise ValueError("give two of left, right, width and two of bottom, top, height")
        return self

    def on(self, size: Size) -> Box:
        """The zone on an envelope of this size, cut off at its edges."""
        x0, x1 = _span(self.left, self.right, self.width, size.width)
        y0, y1 = _span(self.bottom, self.top, self.height, size.height)
        return Box(x0, y0, max(0.0, x1 - x0), max(0.0, y1 - y0))


def _span(near: Points | None, far: Points | None, length: Points | None, whole: Points) -> tuple[Points, Points]:
    if length is None:
        start, end = near or 0.0, whole - (far or 0.0)
    elif near is None:
        start, end = whole - (far or 0.0) - length, whole - (far or 0.0)
    else:
        start, end = near, near + length
    return max(0.0, start), min(whole, end)


class Zones(_Value):
    """The zones of an envelope's face."""

    read: Zone
    barcode: Zone
    postage: Zone
    fim: Zone | None = None


class Limits(_Value):
    """What is a letter, and what a machine can sort. Length is the side parallel to the address."""

    min_length: Length
    min_height: Length
    max_length: Length
    max_height: Length
    min_thickness: Length
    max_thickness: Length
    stiff_above_length: Length | None = None
    stiff_above_height: Length | None = None
    stiff_thickness: Length | None = None
    min_aspect: float
    max_aspect: float
    max_weight_g: float
    first_step_g: float | None = None


class AddressStyle(_Value):
    """How the delivery address is set. ``start`` is where the block begins, as a share of the envelope's length."""

    size: float = 11.0
    smallest: float = 9.0
    lines: Annotated[int, Field(ge=4)] = 7
    start: Annotated[float, Field(gt=0, lt=1)] = 0.40
    leading: float = 1.25


class Carrier(_Value):
    """A post, for one origin. ``as_of`` is the day on which the data was taken from its ``sources``."""

    name: str
    title: str
    origin: Annotated[str, Field(pattern="^[A-Z]{2}$")]
    as_of: str
    sources: tuple[str, ...]
    zones: Zones
    limits: Limits
    address: AddressStyle = AddressStyle()
    rates: Rates | None = None
    presort: Presort | None = None
    services: Services | None = None
    calendar: Calendar = Calendar()
    transit: Transit | None = None
    commercial_hint: str = ""
    nonmachinable_hint: str = ""
    overweight_hint: str = ""

    @property
    def commercial_minimum(self) -> int | None:
        """The pieces of a commercial mailing."""
        return self.presort.minimum if self.presort else None

    def travels(self, postage_class: str, *, foreign: bool) -> Days | None:
        """Working days on the way; None where the data do not say it."""
        return self.transit.days(postage_class, foreign=foreign) if self.transit else None

    def weigh(self, format: Format, inserts: Sequence[Insert] = ()) -> float:
        """Card, envelope and inserts, in grams."""
        return format.weight_g + sum(insert.weight_g for insert in inserts)

    def machinable(self, format: Format) -> bool:
        """Whether its shape lets machines sort it."""
        length, height = _sides(format)
        return self.limits.min_aspect <= length / height <= self.limits.max_aspect

    def postage(self, weight_g: float, machinable: bool, foreign: bool, paid: Paid = "stamp") -> Postage:
        """What a single letter of that weight pays, by the dated ``rates``; presorted mail pays less."""
        if self.rates is None:
            return Postage(None, f"carrier {self.name} has no prices in its data")
        return self.rates.price(weight_g, machinable=machinable, foreign=foreign, paid=paid)

    def judge_shape(
        self, format: Format, inserts: Sequence[Insert] = (), *, foreign: bool = False, paid: Paid = "stamp"
    ) -> list[Finding]:
        """What this carrier says about the envelope of a format, closed and with its card and inserts: errors where it
        is no letter, warnings with their price where it costs more."""
        limits, where = self.limits, f"format {format.name}"
        length, height = _sides(format)
        seen = f"{to_inch(length):.3f} x {to_inch(height):.3f} in"
        findings: list[Finding] = []
        if length > limits.max_length or height > limits.max_height:
            most = f"{to_inch(limits.max_length):g} x {to_inch(limits.max_height):g} in"
            findings.append(
                error("carrier.size.large", where, f"the envelope of {seen} is larger than a letter ({most})",
                      "choose a smaller format; this one travels as a large envelope, which we do not make")
            )  # fmt: skip
        if length < limits.min_length or height < limits.min_height:
            least = f"{to_inch(limits.min_length):g} x {to_inch(limits.min_height):g} in"
            findings.append(
                error("carrier.size.small", where, f"the envelope of {seen} is smaller than a letter ({least})",
                      "choose a larger format; this one is not mailable")
            )  # fmt: skip
        paying = self.postage(self.weigh(format, inserts), self.machinable(format), foreign, paid)
        if not self.machinable(format):
            findings.append(
                warning("carrier.aspect", where,
                        f"{seen} has the aspect {length / height:.3f}; machines sort {limits.min_aspect:g} to "
                        f"{limits.max_aspect:g}{_price(paying)}", self.nonmachinable_hint)
            )  # fmt: skip
        findings += self._judge_inserts(format, inserts)
        findings += self._judge_thickness(format, inserts)
        return findings + self._judge_weight(format, inserts, paying)

    def judge_mailing(self, mailing: Mailing, where: str = "mailing.toml") -> list[Finding]:
        """Whether this carrier knows the service and the endorsement that the shop posts with."""
        services, findings = self.services, list[Finding]()
        if services is None:
            return []
        if mailing.service and mailing.service not in services.ids:
            findings.append(
                warning("mailing.service", f"{where} service",
                        f"{mailing.service} is none of the {len(services.ids)} services of {services.as_of}",
                        f"compare it with the table of {self.name}, and add it to carriers.toml where it is new")
            )  # fmt: skip
        if mailing.endorsement and mailing.endorsement not in services.endorsements:
            findings.append(
                error("mailing.endorsement", f"{where} endorsement",
                      f"{mailing.endorsement!r} is no endorsement of {self.name}",
                      f"write one of: {', '.join(services.endorsements)}")
            )  # fmt: skip
        return findings

    def _judge_inserts(self, format: Format, inserts: Sequence[Insert]) -> list[Finding]:
        length, height = (side - _PLAY for side in _sides(format))
        return [
            error("carrier.insert.large", f"inserts {insert.code}",
                  f"measures {to_mm(max(insert.size)):.0f} x {to_mm(min(insert.size)):.0f} mm; the envelope "
                  f"{format.envelope_name} takes {to_mm(length):.0f} x {to_mm(height):.0f} mm",
                  "leave it out, or choose a larger format")
            for insert in inserts
            if max(insert.size) > length + 0.01 or min(insert.size) > height + 0.01
        ]  # fmt: skip

    def _judge_thickness(self, format: Format, inserts: Sequence[Insert]) -> list[Finding]:
        limits, where = self.limits, f"format {format.name}"
        length, height = _sides(format)
        thick = mm(format.thickness_mm + sum(insert.thickness_mm for insert in inserts))
        seen = f"{to_mm(thick):.2f} mm ({to_inch(thick):.3f} in)"
        least = limits.min_thickness
        tall = limits.stiff_above_height is not None and height > limits.stiff_above_height
        long = limits.stiff_above_length is not None and length > limits.stiff_above_length
        if limits.stiff_thickness is not None and (tall or long):
            least = max(least, limits.stiff_thickness)
        if thick < least:
            return [
                error("carrier.thickness.thin", where, f"{seen} is thinner than {to_inch(least):.3f} in",
                      "choose a heavier stock")
            ]  # fmt: skip
        if thick > limits.max_thickness:
            remedy = "leave an insert out" if inserts else "choose a lighter stock"
            return [
                error("carrier.thickness.thick", where,
                      f"{seen} is thicker than {to_inch(limits.max_thickness):.3f} in", remedy)
            ]  # fmt: skip
        return []

    def _judge_weight(self, format: Format, inserts: Sequence[Insert], paying: Postage) -> list[Finding]:
        limits, where, weight = self.limits, f"format {format.name}", self.weigh(format, inserts)
        seen = f"{weight:.1f} g" + (f" with {len(inserts)} inserts" if inserts else "")
        if weight > limits.max_weight_g:
            remedy = "leave an insert out" if inserts else "choose a lighter stock"
            return [
                error("carrier.weight.heavy", where,
                      f"{seen} is more than a letter's {limits.max_weight_g:g} g", remedy)
            ]  # fmt: skip
        if limits.first_step_g is not None and weight > limits.first_step_g:
            return [
                warning("carrier.weight.step", where,
                        f"{seen} is more than the first {limits.first_step_g:g} g{_price(paying)}",
                        self.overweight_hint)
            ]  # fmt: skip
        return []


def _sides(format: Format) -> tuple[Points, Points]:
    """An envelope's length and height, as it is addressed."""
    size = format.envelope
    return max(size.width, size.height), min(size.width, size.height)


def _price(paying: Postage) -> str:
    return f"; each pays {paying}" if paying.cents is not None else f" ({paying})"
