"""The queues that a worker serves: one a stage, so that a campaign in one does not hold up what waits in another."""

from __future__ import annotations

from cardpipe.model.errors import Refused
from cardpipe.model.finding import error
from cardpipe.storage.turns import QUEUES


def chosen(text: str) -> tuple[str, ...]:
    """The queues that a worker serves: those named, separated by commas, or all. Raises Refused for unknown ones."""
    named = tuple(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))
    if unknown := [name for name in named if name not in QUEUES]:
        remedy = f"name some of: {', '.join(QUEUES)}"
        found = [error("worker.queue", "CARDPIPE_QUEUES", f"{name!r} is no queue", remedy) for name in unknown]
        raise Refused("There is no such queue.", found)
    return named or QUEUES
