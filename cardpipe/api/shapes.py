"""What the API answers, as shapes that its OpenAPI description shows. No addresses, no words of a message."""

from __future__ import annotations

from collections.abc import Iterable

from pydantic import BaseModel, ConfigDict, Field

from cardpipe.model.batch import Batch
from cardpipe.model.event import Event
from cardpipe.model.finding import Finding
from cardpipe.model.piece import Piece
from cardpipe.model.status import SHOWN
from cardpipe.ports import StoredOrder


class FindingShape(BaseModel):
    """One remark: ``code`` is eternal, ``remedy`` says what to do."""

    level: str
    code: str
    where: str
    message: str
    remedy: str


class ProblemShape(BaseModel):
    """RFC 9457, with every finding at once. ``error`` is refused, conflict, unavailable or bug."""

    type: str
    title: str
    status: int
    error: str
    detail: str
    request_id: str
    findings: list[FindingShape]


class PictureShape(BaseModel):
    """A stored picture: what orders name it by, and what was seen without decoding it."""

    picture: str = Field(examples=["sha256:" + 64 * "0"])
    bytes: int
    format: str
    width: int
    height: int
    mode: str
    has_icc: bool
    orientation: int
    findings: list[FindingShape]


class EventShape(BaseModel):
    """A move with its reason; ``at`` is UTC."""

    at: str
    kind: str
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


class OrderShape(BaseModel):
    """What became of an order."""

    id: str
    reference: str
    state: str
    occasion: str
    design: str
    mail_on: str
    held: str | None
    accepted_at: str
    pieces: list[PieceShape]
    findings: list[FindingShape]
    events: list[EventShape]


class FileShape(BaseModel):
    """A finished file, and where to get it."""

    name: str
    sha256: str
    size: int
    href: str


class BatchShape(BaseModel):
    """Pieces that go to press together."""

    name: str
    id: str
    state: str
    mail_on: str
    format: str
    press: str
    carrier: str
    pieces: int
    revision: int
    held: str | None
    files: list[FileShape]


class BatchesShape(BaseModel):
    """Batches, oldest first."""

    batches: list[BatchShape]


class CancelShape(BaseModel):
    """Why an order is withdrawn; it stands in the log, so no names."""

    model_config = ConfigDict(extra="forbid", strict=True)

    reason: str = Field(min_length=1, max_length=200)


def findings(found: Iterable[Finding]) -> list[FindingShape]:
    """Findings as they are shown."""
    return [FindingShape(**finding.as_dict()) for finding in found]


def order(stored: StoredOrder, batch_names: dict[str, str], log: Iterable[Event]) -> OrderShape:
    """An order as it is shown."""
    return OrderShape(
        id=stored.id, reference=stored.reference, state=stored.state, occasion=stored.occasion, design=stored.design,
        mail_on=stored.mail_on, held=stored.held, accepted_at=stored.accepted_at, findings=findings(stored.findings),
        pieces=[_piece(piece, batch_names) for piece in stored.pieces],
        events=[_event(event) for event in log],
    )  # fmt: skip


def _event(event: Event) -> EventShape:
    told = {"at": event.at, "kind": event.kind, "from": event.old, "to": event.new, "reason": event.reason}
    return EventShape.model_validate(told)


def _piece(piece: Piece, batch_names: dict[str, str]) -> PieceShape:
    composed = piece.composed.findings if piece.composed else ()
    return PieceShape(
        id=piece.id, state=str(piece.state), shown=SHOWN.get(piece.state, str(piece.state).replace("_", " ")),
        batch=batch_names.get(piece.batch_id or ""), seq=piece.seq, held=piece.held,
        findings=findings((*piece.findings, *composed)),
    )  # fmt: skip


def batch(stored: Batch) -> BatchShape:
    """A batch as it is shown."""
    files = [
        FileShape(name=f.name, sha256=f.sha256, size=f.size, href=f"/v1/batches/{stored.name}/files/{f.name}")
        for f in stored.files
    ]
    return BatchShape(
        name=stored.name, id=stored.id, state=str(stored.state), mail_on=stored.mail_on, format=stored.format,
        press=stored.press, carrier=stored.carrier, pieces=stored.pieces, revision=stored.revision, held=stored.held,
        files=files,
    )  # fmt: skip
