"""A piece: one card and its envelope, as mailed."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Any

from cardpipe.model.finding import Finding
from cardpipe.model.order import Scope
from cardpipe.model.status import PieceState


@dataclass(frozen=True, slots=True)
class Composed:
    """What composing leaves: two fragments by digest, their sizes in bytes, and what the inspector remarked."""

    card: str
    envelope: str
    card_bytes: int
    envelope_bytes: int
    findings: tuple[Finding, ...] = ()

    @property
    def proof(self) -> str:
        """The digest that an approval names: of exactly this card and this envelope."""
        return "sha256:" + hashlib.sha256(f"{self.card} {self.envelope}".encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Presorted:
    """What the house's presort software said of a piece: the figures of its Intelligent Mail barcode (20 tracking
    figures; 0, 5, 9 or 11 routing figures), and where it lies in trays and bundles. Empty where it said nothing."""

    tracking: str = ""
    routing: str = ""
    level: str = ""
    tray: str = ""
    bundle: str = ""
    container: str = ""


@dataclass(frozen=True, slots=True)
class Unsent:
    """A piece that a batch may hold: what puts it there, and nothing of what is printed on it. At a cut-off all that
    are due lie in memory, and a whole piece is thirty times as large."""

    id: str
    order_id: str
    reference: str
    group: str
    sort_key: str


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece as stored. ``spec`` is the accepted order with every input pinned by digest (see ``pipeline.accept``);
    ``group`` is what pieces of one batch share; ``sort_key`` puts them in mail order. One that
    ``awaits_approval`` is gathered into no batch."""

    id: str
    scope: Scope
    order_id: str
    reference: str
    state: PieceState
    mail_on: str
    group: str
    sort_key: str
    spec: dict[str, Any]
    composed: Composed | None = None
    batch_id: str | None = None
    seq: int | None = None
    held: str | None = None
    findings: tuple[Finding, ...] = field(default=())
    presorted: Presorted | None = None
    awaits_approval: bool = False
