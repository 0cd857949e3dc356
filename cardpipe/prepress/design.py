"""A parsed ``design.toml``: what a card of this design holds, and where. Written by artists, judged here.

Boxes are ``[x, y, width, height]`` with units, from the panel's upper left corner. Unknown keys are refused.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema, model_validator

from cardpipe.model.units import Box, Size, mm, parse_length, to_mm

SLUG = re.compile(r"^[a-z0-9][a-z0-9-]{0,63}$")
_SPDX = re.compile(r"^[A-Za-z0-9.+-]+( (AND|OR|WITH) [A-Za-z0-9.+-]+)*$")


def _length(value: Any) -> Any:
    return parse_length(value) if isinstance(value, str) else _reject(value)


def _reject(value: Any) -> Any:
    raise ValueError(f"{value!r} carries no unit; write a length such as '3mm' or '0.125in'")


Length = Annotated[
    float,
    BeforeValidator(_length),
    WithJsonSchema({"type": "string", "pattern": r"^\s*-?\d+(\.\d+)?\s*(mm|cm|in|pt)\s*$"}),
]


#: A line thinner than this may vanish in print, one wider is no border but a mount, which belongs into the art.
LEAST_BORDER, MOST_BORDER = mm(0.25), mm(10)


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Border(_Strict):
    """A line round a photo, within its frame: the line's outer edge is the frame's, and the picture is made smaller by
    its width, so that safe margin, overlap and match code are judged as without it, and no part of the picture is
    covered. It has the shape of the clip, everywhere of one width."""

    width: Length
    ink: str

    @model_validator(mode="after")
    def _printable(self) -> Border:
        if not LEAST_BORDER <= self.width <= MOST_BORDER:
            raise ValueError(f"a border is {to_mm(LEAST_BORDER):.2f} to {to_mm(MOST_BORDER):.0f} mm wide")
        return self


class Frame(_Strict):
    """Where one field goes, and how it fits.

    ``field`` is ``message``, ``signature`` or ``photos.NAME``. A text frame says its largest and smallest x-height,
    the pitch of its lines as a multiple of the x-height, and its ink; a picture frame says cover or contain, its clip,
    where the eye should rest (an order's own word on that wins), and its border. ``follows`` places the signature
    under the last line of the message.
    """

    panel: str
    field: str
    box: tuple[Length, Length, Length, Length] | None = None
    size: tuple[Length, Length] | None = None
    follows: Literal["message"] | None = None
    # text
    largest: Length | None = None
    smallest: Length | None = None
    leading: float = Field(default=3.6, ge=2.2, le=6)
    align: Literal["left", "center"] = "left"
    valign: Literal["top", "middle"] = "top"
    overflow: Literal["refuse"] = "refuse"
    # ink of text and signature
    ink: str | None = None
    # picture
    fit: Literal["cover", "contain"] = "cover"
    clip: Literal["rect", "rounded", "ellipse"] = "rect"
    radius: Length = 0.0
    focus: tuple[float, float] | None = None
    bleeds: bool = False  # the picture runs over the trim: its box may reach into the bleed
    required: bool = True
    border: Border | None = None

    @model_validator(mode="after")
    def _complete(self) -> Frame:
        kind = self.kind
        if kind not in ("message", "signature", "photo"):
            raise ValueError(f"field {self.field!r} is not known; write 'message', 'signature' or 'photos.NAME'")
        if kind == "message" and (self.largest is None or self.smallest is None or self.largest < self.smallest):
            raise ValueError("a message frame needs largest and smallest, the bounds of its x-height, largest first")
        if self.follows and (kind != "signature" or self.size is None):
            raise ValueError("follows is for the signature, which then has a size instead of a box")
        if not self.follows and self.box is None:
            raise ValueError("box is missing: [x, y, width, height] from the panel's upper left, with units")
        if self.border is not None:
            if kind != "photo" or self.bleeds:
                raise ValueError("a border is for a photo within the trim; the knife would cut that of one that bleeds")
            if 4 * self.border.width > min(self.extent.width, self.extent.height):
                raise ValueError("the border takes more than half of the photo's frame; make it narrower")
        return self

    @property
    def kind(self) -> str:
        """message, signature or photo."""
        return "photo" if re.fullmatch(r"photos\.[a-z][a-z0-9_]*", self.field) else self.field

    @property
    def photo(self) -> str:
        """The name by which an order gives this frame's photo."""
        return self.field.partition(".")[2]

    @property
    def inner(self) -> Box:
        """The frame in its panel: origin upper left, y down, points."""
        if self.box is None:
            raise ValueError(f"the frame of {self.field} follows another and has no box of its own")
        return Box(*self.box)

    @property
    def extent(self) -> Size:
        """Width and height in points, whether placed or following."""
        return Size(*self.size) if self.size else Size(*(self.box or (0, 0, 0, 0))[2:])


class InkSpec(_Strict):
    """An ink as the press prints it, and its twin for screens."""

    cmyk: tuple[float, float, float, float]  # per cent
    screen: str = Field(pattern=r"^#[0-9a-f]{6}$")

    @model_validator(mode="after")
    def _in_range(self) -> InkSpec:
        if any(not 0 <= part <= 100 for part in self.cmyk):
            raise ValueError("cmyk shares are per cent, from 0 to 100")
        if sum(self.cmyk) > 300:
            raise ValueError(f"total ink is {sum(self.cmyk):g} %; at most 300 % dries on coated stock")
        return self


class Specimen(_Strict):
    """One golden proof: words and pictures that show the design at its best or at its limit."""

    name: str = Field(pattern=SLUG.pattern)
    recipient: str = "Marisol"
    message: str
    hand: str | None = None
    photos: int = 0


class Design(_Strict):
    """A whole ``design.toml``."""

    name: str = Field(pattern=SLUG.pattern)
    version: int = Field(ge=1)
    title: str
    occasions: tuple[str, ...] = Field(min_length=1)
    authors: tuple[str, ...] = Field(min_length=1)
    license: str = Field(pattern=_SPDX.pattern)
    format: str
    hand: str  # the hand that suits it, when the order names none
    inks: dict[str, InkSpec]
    frame: tuple[Frame, ...] = Field(min_length=1)
    specimen: tuple[Specimen, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _consistent(self) -> Design:
        fields = [frame.field for frame in self.frame]
        twice = sorted({name for name in fields if fields.count(name) > 1})
        if twice:
            raise ValueError(f"more than one frame for {', '.join(twice)}; give each photo its own name")
        if "message" not in fields:
            raise ValueError("there is no frame for the message")
        used = {f.ink for f in self.frame if f.ink} | {f.border.ink for f in self.frame if f.border}
        missing = sorted(used - set(self.inks))
        if missing:
            raise ValueError(f"ink {', '.join(missing)} is used by a frame and missing in [inks]")
        if len(self.photos) > 4:
            raise ValueError("at most four photos fit a card")
        return self

    @property
    def photos(self) -> tuple[Frame, ...]:
        """The photo frames, in order."""
        return tuple(frame for frame in self.frame if frame.kind == "photo")

    def one(self, kind: str) -> Frame | None:
        """The message or signature frame, if the design has one."""
        return next((frame for frame in self.frame if frame.kind == kind), None)
