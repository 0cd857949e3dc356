"""What others are told: events as the world sees them, endpoints that listen, and what they answered.

Only ids, states and codes are told. A person's words (why somebody held or cancelled an order) may name people: they
stay in the log and are never sent.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cardpipe.model.order import Scope, canonical
from cardpipe.model.status import SHOWN, PieceState

#: Every type of event that anybody outside is told of, with the words that a person may be shown.
TYPES: dict[str, str] = {
    "order.accepted": "accepted",
    "order.refused": "refused",
    "order.changed": "changed",
    "order.approved": "approved",
    "order.held": "held",
    "order.resumed": "goes on",
    "order.cancelled": "cancelled",
    "order.erased": "personal data erased",
    **{
        f"piece.{state}": SHOWN.get(state, str(state).replace("_", " "))
        for state in PieceState
        if state not in (PieceState.WAITING, PieceState.COMPOSING)
    },
    "import.finished": "import finished",
    "import.refused": "import refused",
    "webhook.test": "a test",
}

#: In :data:`SOURCES`: whatever is new.
ANY = "*"
#: What stands in the log for each type: the kind of the event, and what is new (None: a flag was taken away).
SOURCES: dict[str, tuple[str, str | None]] = {
    "order.accepted": ("order", "accepted"),
    "order.refused": ("intake", "refused"),
    "order.changed": ("change", ANY),
    "order.approved": ("approval", ANY),
    "order.held": ("hold", "held"),
    "order.resumed": ("hold", None),
    "order.cancelled": ("order", "cancelled"),
    "order.erased": ("order", "erased"),
    **{name: ("piece", name.removeprefix("piece.")) for name in TYPES if name.startswith("piece.")},
    "import.finished": ("import", "finished"),
    "import.refused": ("import", "refused"),
    "webhook.test": ("webhook", "test"),
}
_TYPE_OF = {source: name for name, source in SOURCES.items()}
#: The ids of orders begin like this. Holds of pieces and batches are the shop's own affair.
ORDER_ID = "ord_"
#: Codes as the shop writes them (``photo.resolution.low``), one or several.
_CODES = re.compile(r"[a-z][a-z0-9_-]*(\.[a-z0-9_-]+)+(, [a-z][a-z0-9_-]*(\.[a-z0-9_-]+)+)*")
_CODE = re.compile(r"[a-z][a-z0-9_.-]{0,79}")


def told_type(kind: str, new: str | None, *, old: str | None = None, subject: str = "") -> str | None:
    """The public type of an event of the log; None where nobody outside is told of it. A piece that stays in its state
    (it was spoiled and is made again) is not told of, nor the hold of anything but an order."""
    if (kind == "hold" and not subject.startswith(ORDER_ID)) or (kind == "piece" and old == new):
        return None
    return _TYPE_OF.get((kind, new)) or _TYPE_OF.get((kind, ANY))


def told_reason(
    kind: str, new: str | None, reason: str, detail: Mapping[str, Any], held_code: str | None = None
) -> str:
    """Why, as codes; empty where only a person's words say it. Codes are what the shop itself wrote: the code of an
    order's hold, or what was found where something was refused or needs attention. A piece that somebody took out by
    hand (who stands in the event's detail) has his words, and they are not quoted."""
    if kind == "hold":
        code = (detail.get("code") or held_code or "") if new else ""
        return code if isinstance(code, str) and _CODE.fullmatch(code) else ""
    by_hand = kind == "piece" and any(detail.get(name) for name in ("actor", "by", "user"))
    return reason if new in ("needs_attention", "refused") and not by_hand and _CODES.fullmatch(reason) else ""


def event_id(number: int) -> str:
    """``evt_000000000042``: how the world names an event of the log. Sorts as the log does."""
    return f"evt_{number:012d}"


@dataclass(frozen=True, slots=True)
class Told:
    """One thing that happened, as it is told: thin, ids only. ``order`` and ``reference`` are empty for an import's
    event; ``state`` is the last part of the type, ``reason`` is why, in codes, ``shown`` the words for a person, and
    ``batch`` the name of the batch it lay in."""

    id: str  # evt_…
    scope: Scope
    type: str
    at: str
    order: str
    reference: str
    subject: str
    state: str
    reason: str
    batch: str = ""

    @property
    def shown(self) -> str:
        """The words for a person."""
        return TYPES.get(self.type, self.type)

    @property
    def body(self) -> bytes:
        """What a webhook says: canonical JSON, the same bytes at every try. What an event has not is null."""
        noun = self.type.partition(".")[0]
        data = {
            "event": self.id,
            "order": self.order or None,
            "reference": self.reference or None,
            "piece": self.subject if noun == "piece" else None,
            "state": self.state,
            "shown": self.shown,
            "reason": self.reason or None,
            "batch": self.batch or None,
            **({"import": self.subject} if noun == "import" else {}),
        }
        return canonical({"type": self.type, "timestamp": self.at, "data": data})


@dataclass(frozen=True, slots=True)
class NewEndpoint:
    """Who wants to be told, and of what (no types: of everything)."""

    scope: Scope
    url: str
    types: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An endpoint as stored. Its secret is derived from the installation's, its id and ``generation``; until
    ``rotated_until`` (ISO 8601) the generation before signs as well. ``failing_since``: nothing was taken since then
    ("" where the last answer was a good one); ``pending`` is how many messages wait for it."""

    id: str
    scope: Scope
    url: str
    types: tuple[str, ...]
    enabled: bool
    disabled_reason: str
    generation: int
    rotated_until: str
    created_at: str
    pending: int = 0
    failing_since: str = ""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One message to send now: the delivery's id, stable over retries, and the body's bytes. ``attempt`` counts this
    try, from 1."""

    id: str  # msg_…
    endpoint: Endpoint
    type: str
    body: bytes
    attempt: int


@dataclass(frozen=True, slots=True)
class Answer:
    """What a receiver said: its status (None: it could not be reached) and the beginning of its words."""

    status: int | None
    words: str
    seconds: float
    retry_after: float | None = None

    @property
    def well(self) -> bool:
        """Taken."""
        return self.status is not None and 200 <= self.status < 300

    @property
    def down(self) -> bool:
        """It is not this message: the receiver is out of reach, broken or overrun."""
        return self.status is None or self.status in (408, 429) or self.status >= 500


@dataclass(frozen=True, slots=True)
class Delivered:
    """A message with its fate: pending, delivered or given_up; ``answers`` are (at, status, words, seconds)."""

    id: str
    event: str
    type: str
    order: str
    state: str
    created_at: str
    next_at: str
    answers: tuple[tuple[str, int | None, str, float], ...]
