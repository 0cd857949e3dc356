"""A press: output standard, colour condition, how files split, how sharp a photo must be."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class Press(BaseModel):
    """A press profile. ``profile`` is the file name of its ICC profile; limits are pieces and bytes a file, pixels per
    inch at the placed size, and per cent of total ink."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    title: str
    output: Literal["X-4"]
    condition: str
    condition_info: str
    profile: str
    pieces_per_file: int = Field(ge=1)
    bytes_per_file: int = Field(ge=1)
    photo_ppi: int = Field(ge=72)
    photo_minimum_ppi: int = Field(ge=72)
    max_ink: int = Field(gt=0, le=400)
