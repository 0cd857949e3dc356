"""A carrier: where an envelope must stay clear, what it may measure and weigh. Data, read by ``catalog.carriers``."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from cardpipe.model.finding import Finding, error, warning
from cardpipe.model.units import Box, Points, Size, parse_length, to_inch
from cardpipe.prepress.format import Format


def _length(value: Any) -> Any:
    return parse_length(value) if isinstance(value, str) else value


Length = Annotated[Points, BeforeValidator(_length)]


class _Value(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


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
    commercial_minimum: int | None = None
    commercial_hint: str = ""
    nonmachinable_hint: str = ""
    overweight_hint: str = ""

    def judge_shape(self, format: Format) -> list[Finding]:
        """What this carrier says about the envelope of a format, closed and with its card: errors where it is no
        letter, warnings where it costs more."""
        limits, where = self.limits, f"format {format.name}"
        length, height = (
            max(format.envelope.width, format.envelope.height),
            min(format.envelope.width, format.envelope.height),
        )
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
        aspect = length / height
        if not limits.min_aspect <= aspect <= limits.max_aspect:
            findings.append(
                warning("carrier.aspect", where,
                        f"{seen} has the aspect {aspect:.3f}; machines sort {limits.min_aspect:g} to "
                        f"{limits.max_aspect:g}", self.nonmachinable_hint)
            )  # fmt: skip
        return findings + self._judge_thickness(format, length, height) + self._judge_weight(format)

    def _judge_thickness(self, format: Format, length: Points, height: Points) -> list[Finding]:
        limits, where, thick = self.limits, f"format {format.name}", parse_length(f"{format.thickness_mm:.4f}mm")
        seen = f"{format.thickness_mm:.2f} mm ({to_inch(thick):.3f} in)"
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
            return [
                error("carrier.thickness.thick", where,
                      f"{seen} is thicker than {to_inch(limits.max_thickness):.3f} in", "choose a lighter stock")
            ]  # fmt: skip
        return []

    def _judge_weight(self, format: Format) -> list[Finding]:
        limits, where, weight = self.limits, f"format {format.name}", format.weight_g
        if weight > limits.max_weight_g:
            return [
                error("carrier.weight.heavy", where,
                      f"{weight:.1f} g is more than a letter's {limits.max_weight_g:g} g", "choose a lighter stock")
            ]  # fmt: skip
        if limits.first_step_g is not None and weight > limits.first_step_g:
            return [
                warning("carrier.weight.step", where,
                        f"{weight:.1f} g is more than the first {limits.first_step_g:g} g", self.overweight_hint)
            ]  # fmt: skip
        return []
