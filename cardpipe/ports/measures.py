"""What the doors ask of the store about the shop as a whole: numbers for whoever watches it. No tenant is named."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Measured:
    """The shop at one moment. Ages in seconds; 0 where there is nothing.

    ``pieces`` and ``oldest`` (the age of the order whose piece is the oldest) by state, of pieces that are still to
    leave the house; ``overdue`` of these, those whose mail date is past, by state. ``steps``: (kind, open or leased) →
    how many. ``held``: order, piece or batch → how many.
    """

    pieces: Mapping[str, int] = field(default_factory=dict)
    oldest: Mapping[str, float] = field(default_factory=dict)
    overdue: Mapping[str, int] = field(default_factory=dict)
    held: Mapping[str, int] = field(default_factory=dict)
    steps: Mapping[tuple[str, str], int] = field(default_factory=dict)
    batches: Mapping[str, int] = field(default_factory=dict)
    import_rows: Mapping[str, int] = field(default_factory=dict)
    duties_stopped: int = 0
    deliveries: int = 0
    oldest_delivery: float = 0.0
    events: int = 0
    oldest_event: float = 0.0
    paused: bool = False


class Measures(Protocol):
    """Counting, bounded by what is unfinished, however much was ever printed."""

    def measures(self) -> Measured:
        """Now."""
        ...
