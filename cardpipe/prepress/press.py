"""A press: output standard, colour condition, how files split, how sharp a photo must be."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Press:
    """A press profile as the shop uses it. ``profile`` is the file name of its ICC profile; limits are pieces, bytes,
    pixels per inch at the placed size, and per cent of total ink."""

    name: str
    title: str
    output: str
    condition: str
    condition_info: str
    profile: str
    pieces_per_file: int
    bytes_per_file: int
    photo_ppi: int
    photo_minimum_ppi: int
    max_ink: int
