"""A press: output standard, colour condition, how files split, how sharp a photo must be, what its sheets look like."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from cardpipe.model.units import Points, mm, parse_length

Output = Literal["X-4", "X-1a"]
Tone = Literal["off", "gentle"]


def _length(value: Any) -> Any:
    return parse_length(value) if isinstance(value, str) else value


Length = Annotated[Points, BeforeValidator(_length)]


class _Value(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class SheetSetup(_Value):
    """Several cards on one press sheet. ``order`` says how pieces follow each other: *cut-and-stack* (slot by slot
    through the whole pile, so that the cut stacks, laid upon each other, are in mail order) or *step-and-repeat* (side
    by side on each sheet; every sheet is cut and picked up by itself). ``flip`` is the edge about which the press turns
    the sheet. Lengths in points."""

    size: Literal["12x18", "13x19", "SRA3"]
    order: Literal["cut-and-stack", "step-and-repeat"] = "cut-and-stack"
    flip: Literal["long-edge", "short-edge"] = "long-edge"
    margin: Length = mm(6)


class LabelSetup(_Value):
    """Address labels instead of printed envelopes. ``offset`` moves it right and down: a printer's calibration."""

    sheet: Literal["5161", "5163", "L7160", "L7163"]
    offset: tuple[Length, Length] = (0.0, 0.0)


class LoosenedCheck(_Value):
    """A preflight check that this press takes less strictly, with the reason in writing."""

    level: Literal["warning", "note", "off"]
    reason: Annotated[str, Field(min_length=10)]


class Press(_Value):
    """A press profile. ``profile`` is the file name of its ICC profile; limits are pieces and bytes a file, pieces a
    batch, pixels per inch at the placed size, and per cent of total ink. ``output`` is chosen before a piece is
    composed: another one is another fragment. ``sheet`` is for presses that take imposed sheets, ``labels`` for houses
    that label envelopes, ``xjdf`` for those whose management system reads the ticket as XJDF. ``tone`` says whether
    photos that are flat or dark are mended a little for its paper (``prepress.tone``)."""

    name: str
    title: str
    output: Output
    condition: str
    condition_info: str
    profile: str
    pieces_per_file: int = Field(ge=1)
    bytes_per_file: int = Field(ge=1)
    #: Pinned where it is another one only: what was pinned before there was a limit says the same, and has this one.
    pieces_per_batch: int = Field(default=5000, ge=1, le=100_000, exclude_if=lambda most: most == 5000)
    photo_ppi: int = Field(ge=72)
    photo_minimum_ppi: int = Field(ge=72)
    max_ink: int = Field(gt=0, le=400)
    sheet: SheetSetup | None = None
    labels: LabelSetup | None = None
    loosened: dict[str, LoosenedCheck] = Field(default_factory=dict)
    xjdf: bool = False
    tone: Tone = Field(default="off", exclude_if=lambda tone: tone == "off")  # what is off is pinned as it was before
