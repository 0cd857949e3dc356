"""What the database hands out besides the nouns themselves: an order on its way in and as stored, a claim, a reply."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from cardpipe.model.finding import Finding
from cardpipe.model.order import Scope
from cardpipe.model.piece import Piece


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to do one step, fenced: whoever holds a newer token wins, and this one's result is thrown away."""

    step_id: str
    kind: str  # compose | impose | release | remake
    subject: str  # the piece's, the batch's or the remake's id
    scope: Scope
    token: str
    lease_seconds: float
    attempt: int


@dataclass(frozen=True, slots=True)
class NewOrder:
    """An order that passed every check, ready to be stored with its piece and its first step in one transaction.

    ``group`` is ``FORMAT|PRESS|CARRIER``, with further parts behind it if need be: what pieces of one batch share.
    """

    scope: Scope
    reference: str
    request_digest: str
    request: dict[str, Any]
    spec: dict[str, Any]
    occasion: str
    design: str
    mail_on: str
    group: str
    sort_key: str
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class StoredOrder:
    """An order as the database has it."""

    id: str
    scope: Scope
    reference: str
    state: str
    request_digest: str
    request: dict[str, Any]
    occasion: str
    design: str
    mail_on: str
    held: str | None
    accepted_at: str
    pieces: tuple[Piece, ...] = ()
    findings: tuple[Finding, ...] = field(default=())


@dataclass(frozen=True, slots=True)
class Reply:
    """What the house wrote back beside a delivery, as ``NAME.ack`` or ``NAME.nak``: the delivery's name, whether it was
    accepted, and the house's words (at most 2,000 characters)."""

    name: str
    ok: bool
    text: str
