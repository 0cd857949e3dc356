"""An override: somebody looked at an error, let it pass, and wrote down why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Override:
    """``code`` and ``where`` are the finding's; ``of`` is a digest of what was looked at (the pictures and the design,
    the address, the date), so that the override ends with it. ``by`` is an actor, ``at`` a moment, ``note`` the reason
    in a line; the note stays in the shop."""

    code: str
    where: str
    of: str
    by: str
    at: str
    note: str

    def as_dict(self) -> dict[str, str]:
        """The override as JSON-ready text."""
        return asdict(self)

    @staticmethod
    def from_dict(data: Mapping[str, Any]) -> Override:
        """The inverse of :meth:`as_dict`."""
        return Override(*(str(data[name]) for name in ("code", "where", "of", "by", "at", "note")))
