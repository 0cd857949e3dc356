"""Orders as they are shown: what became of each, in a word to compare (``state``) and in one for people (``shown``)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from cardpipe.api.shapes import FindingShape, findings
from cardpipe.model.event import Event
from cardpipe.model.intake import Row, RowState
from cardpipe.model.piece import Piece
from cardpipe.model.status import SHOWN, OrderState, PieceState
from cardpipe.model.stored import StoredOrder
from cardpipe.pipeline.explain import Action, Decision

#: What people read of an order that no piece tells of yet.
_ROWS = {
    RowState.RECEIVED: "received, not judged yet",
    RowState.REFUSED: "refused",
    RowState.KNOWN: "was ordered before",
    RowState.DROPPED: "withdrawn before it became an order",
}


class EventShape(BaseModel):
    """A move with its reason; ``at`` is UTC, ``subject`` the id of the order or of its piece."""

    at: str
    kind: str
    subject: str
    old: str | None = Field(alias="from")
    new: str | None = Field(alias="to")
    reason: str


class PieceShape(BaseModel):
    """The card and its envelope. ``state`` is the word to compare, ``shown`` the one to show a person."""

    id: str
    state: str
    shown: str
    batch: str | None
    seq: int | None
    held: str | None
    findings: list[FindingShape]


class HeldShape(BaseModel):
    """Why it stands still: ``code`` to compare (``operator``, ``order.duplicate``), ``reason`` in somebody's words, and
    of which order it looks like a second one."""

    code: str
    reason: str
    duplicate_of: str | None


class ProofShape(BaseModel):
    """The digest that an approval names; null until it is ready."""

    digest: str | None
    ready: bool


class OrderShape(BaseModel):
    """What became of an order. ``etag`` goes into If-Match; ``test`` orders are proved and never printed; ``state`` is
    received or refused while it is no order yet. ``events`` are told by GET of one order, and null elsewhere."""

    model_config = ConfigDict(serialize_by_alias=True)

    id: str
    reference: str
    state: str
    shown: str
    test: bool
    occasion: str
    design: str | None
    mail_on: str | None
    arrive_by: str | None
    held: HeldShape | None
    approval: str
    approved: str | None
    proof: ProofShape | None
    revision: int
    etag: str
    metadata: dict[str, str]
    accepted_at: str | None
    changed_at: str
    erased_at: str | None
    import_id: str | None = Field(serialization_alias="import")
    pieces: list[PieceShape]
    findings: list[FindingShape]
    events: list[EventShape] | None = None


class OrdersShape(BaseModel):
    """Orders, newest first. ``next`` is the cursor of the next page, null on the last one."""

    orders: list[OrderShape]
    next: str | None


class EventsOfOrderShape(BaseModel):
    """The log of an order and its piece, oldest first; it comes whole."""

    events: list[EventShape]
    next: str | None = None


class ActionShape(BaseModel):
    """Something that may or may not be done now; ``until`` is when it may not any more, ``why`` why it may not."""

    name: str
    allowed: bool
    why: str
    until: str | None


class ActionsShape(BaseModel):
    """What is still allowed."""

    order: str
    actions: list[ActionShape]
    next: str | None = None


class DecisionShape(BaseModel):
    """One decision with its reason code; ``subject`` is the id of what it was decided about."""

    at: str
    code: str
    level: str
    message: str
    remedy: str
    subject: str


class ExplainShape(BaseModel):
    """Every decision about an order, oldest first, last what it waits for now."""

    order: str
    decisions: list[DecisionShape]
    next: str | None = None


def etag(order_id: str, revision: int) -> str:
    """``"ord_…-3"``: what If-Match names."""
    return f'"{order_id}-{revision}"'


def order(stored: StoredOrder, batch_names: Mapping[str, str], log: Iterable[Event] | None = None) -> OrderShape:
    """An order as it is shown."""
    piece = stored.pieces[0] if stored.pieces else None
    proof = None
    if piece is not None and stored.erased_at is None:
        digest = piece.composed.proof if piece.composed else None
        proof = ProofShape(digest=digest, ready=digest is not None)
    held = None
    if stored.held is not None:
        held = HeldShape(
            code=stored.held_code or "operator", reason=stored.held, duplicate_of=stored.duplicate_of
        )  # fmt: skip
    return OrderShape(
        id=stored.id, reference=stored.reference, state=stored.state, shown=_words(stored, piece),
        test=stored.scope.mode == "test", occasion=stored.occasion, design=stored.design, mail_on=stored.mail_on,
        arrive_by=stored.arrive_by, held=held, approval=stored.approval, approved=stored.approved, proof=proof,
        revision=stored.revision, etag=etag(stored.id, stored.revision), metadata=dict(stored.metadata),
        accepted_at=stored.accepted_at, changed_at=stored.changed_at, erased_at=stored.erased_at,
        import_id=stored.import_id, pieces=[_piece(piece, batch_names) for piece in stored.pieces],
        findings=findings(stored.findings), events=None if log is None else [event(each) for each in log],
    )  # fmt: skip


def row(kept: Row) -> OrderShape:
    """An order that only a worker can judge, as it is shown until it is one."""
    asked = kept.request
    said = asked.get("metadata")
    metadata = {str(name): str(value) for name, value in said.items()} if isinstance(said, Mapping) else {}
    return OrderShape(
        id=kept.id, reference=kept.reference, state=str(kept.state), shown=_ROWS.get(kept.state, str(kept.state)),
        test=kept.scope.mode == "test", occasion=_text(asked, "occasion") or "", design=_text(asked, "design"),
        mail_on=_text(asked, "mail_on"), arrive_by=_text(asked, "arrive_by"), held=None,
        approval=_text(asked, "approval") or "none", approved=None, proof=None, revision=0, etag=etag(kept.id, 0),
        metadata=metadata, accepted_at=None, changed_at=kept.at, erased_at=None, import_id=kept.import_id, pieces=[],
        findings=findings(kept.findings),
    )  # fmt: skip


def event(told: Event) -> EventShape:
    """A line of the log as it is shown."""
    return EventShape.model_validate(
        {"at": told.at, "kind": told.kind, "subject": told.subject, "from": told.old, "to": told.new,
         "reason": told.reason}
    )  # fmt: skip


def action(found: Action) -> ActionShape:
    """An action as it is shown."""
    return ActionShape(name=found.name, allowed=found.allowed, why=found.why, until=found.until)


def decision(made: Decision) -> DecisionShape:
    """A decision as it is shown."""
    return DecisionShape(
        at=made.at, code=made.code, level=made.level, message=made.message, remedy=made.remedy, subject=made.subject
    )


def _words(stored: StoredOrder, piece: Piece | None) -> str:
    """Of the order as a whole, and never more than is true."""
    if stored.state != OrderState.ACCEPTED or piece is None:
        return stored.state
    if stored.held is not None and piece.batch_id is None:
        return "held as a likely duplicate" if stored.held_code == "order.duplicate" else "held"
    if piece.state is PieceState.COMPOSED and piece.awaits_approval:
        return "waits for its proof to be approved"
    return _shown(piece)


def _shown(piece: Piece) -> str:
    return SHOWN.get(piece.state, str(piece.state).replace("_", " "))


def _piece(piece: Piece, batch_names: Mapping[str, str]) -> PieceShape:
    composed = piece.composed.findings if piece.composed else ()
    return PieceShape(
        id=piece.id, state=str(piece.state), shown=_shown(piece), batch=batch_names.get(piece.batch_id or ""),
        seq=piece.seq, held=piece.held, findings=findings((*piece.findings, *composed)),
    )  # fmt: skip


def _text(asked: Mapping[str, Any], name: str) -> str | None:
    value = asked.get(name)
    return value if isinstance(value, str) else None
