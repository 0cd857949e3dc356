"""What the database hands out besides the nouns themselves: an order on its way in and as stored, a claim, a receipt,
a duty, a reply."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from cardpipe.model.finding import Finding
from cardpipe.model.order import Scope
from cardpipe.model.piece import Piece


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to do one step, fenced: whoever holds a newer token wins, and this one's result is thrown away."""

    step_id: str
    kind: str  # see storage.steps.KINDS
    subject: str  # the id of the piece, batch, remake, import, chunk of rows, endpoint or duty
    scope: Scope
    token: str
    lease_seconds: float
    attempt: int


@dataclass(frozen=True, slots=True)
class NewOrder:
    """An order that passed every check, ready to be stored with its piece and its first step in one transaction.

    ``group`` is ``FORMAT|PRESS|CARRIER``, with further parts behind it if need be: what pieces of one batch share.
    ``natural_key`` tells likely duplicates (see ``duplicate``); ``pictures`` are the digests of what came from outside
    and is erased with the order; ``lane`` is where it queues among its tenant's work ("" or an import's id);
    ``order_id`` is given where it was promised before the order was judged; ``held`` (code, reason) where it begins
    held.
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
    approval: str = "none"  # none | required
    natural_key: str | None = None
    arrive_by: str | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)
    pictures: tuple[str, ...] = ()
    lane: str = ""
    order_id: str = ""
    held: tuple[str, str] | None = None
    actor: str = ""


@dataclass(frozen=True, slots=True)
class StoredOrder:
    """An order as the database has it. ``revision`` counts its changes from 1; ``approved`` is the digest of the proof
    that was approved; ``held_code`` says why it is held in one word (``order.duplicate``, ``operator``), and
    ``duplicate_of`` of which order it looks like a second one; ``erased_at`` when what was personal was erased."""

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
    revision: int = 1
    approval: str = "none"
    approved: str | None = None
    held_code: str | None = None
    duplicate_of: str | None = None
    arrive_by: str | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)
    changed_at: str = ""
    erased_at: str | None = None
    import_id: str | None = None


@dataclass(frozen=True, slots=True)
class OrderQuery:
    """Which orders to list. Empty means any; ``metadata`` pairs must all be there; ``since`` and ``until`` bound
    ``accepted_at`` (ISO 8601); ``before`` is the id after which the page begins."""

    states: tuple[str, ...] = ()
    piece_states: tuple[str, ...] = ()
    occasion: str = ""
    design: str = ""
    mail_on: str = ""
    held: bool | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)
    since: str = ""
    until: str = ""
    import_id: str = ""
    before: str | None = None
    limit: int = 50


@dataclass(frozen=True, slots=True)
class Receipt:
    """The right to be the one effect of a request, named by its Idempotency-Key. ``answer`` makes of the stored thing
    the status and the body that everybody who asks again will get; it is called within the transaction."""

    door: str
    key: str
    token: str
    answer: Callable[[Any], tuple[int, str]] = lambda stored: (200, "{}")


@dataclass(frozen=True, slots=True)
class Duty:
    """Something that recurs, once: the cut-off of a mail date, the erasure of a day. ``state`` is open, done or
    stopped (a person must look at ``result``)."""

    id: str
    scope: Scope
    kind: str
    due: str
    state: str
    result: str
    at: str


@dataclass(frozen=True, slots=True)
class Reply:
    """What the house wrote back beside a delivery, as ``NAME.ack`` or ``NAME.nak``: the delivery's name, whether it was
    accepted, and the house's words (at most 2,000 characters)."""

    name: str
    ok: bool
    text: str
