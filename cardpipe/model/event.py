"""One line of the log of an order's life: what moved, from where to where, and why."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from cardpipe.model.order import Scope


@dataclass(frozen=True, slots=True)
class Event:
    """A move with its reason. ``at`` is UTC, ISO 8601. Ids only: no names, no addresses, no words of a message."""

    scope: Scope
    at: str
    kind: str
    subject: str
    old: str | None
    new: str | None
    reason: str
    detail: dict[str, Any] = field(default_factory=dict)
    number: int = 0
