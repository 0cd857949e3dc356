"""Explain: every decision about an order with its reason code, what it waits for now, and what may still be done.

Nobody has to ask twice what became of an order: what the log, the findings, the holds and the calendar know is told in
one list, oldest first, each line with a code that a program can compare and a sentence that a person can read.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from cardpipe.lettershop import calendar
from cardpipe.model.batch import Batch
from cardpipe.model.event import Event
from cardpipe.model.finding import Finding
from cardpipe.model.order import Scope
from cardpipe.model.piece import Piece
from cardpipe.model.status import IN_A_BATCH, SHOWN, OrderState, PieceState
from cardpipe.model.stored import StoredOrder
from cardpipe.model.tenant import Tenant
from cardpipe.pipeline import routing
from cardpipe.ports import Shop


@dataclass(frozen=True, slots=True)
class Decision:
    """One decision: when, its code, what was decided, and the remedy where there is one. ``level`` is that of findings;
    ``subject`` the id of what it was decided about."""

    at: str
    code: str
    level: str
    message: str
    remedy: str
    subject: str


@dataclass(frozen=True, slots=True)
class Action:
    """Something that may or may not be done to an order now. ``until`` is the moment after which it may not any more,
    where that is known; ``why`` says why it may not."""

    name: str
    allowed: bool
    why: str = ""
    until: str | None = None


#: Moves of a piece: code and sentence. Those of ``SHOWN`` have the words that promise no more than is true.
_MOVES: Mapping[str, str] = {
    "waiting": "waits to be composed",
    "composing": "a worker composes it",
    "composed": "card and envelope are composed, inspected, and can be proved",
    "needs_attention": "stands aside until a person has looked",
    "cancelled": "will not be mailed",
    **{str(state): words for state, words in SHOWN.items()},
    "printed": "printed",
    "returned": "came back from the post",
}


def explain(shop: Shop, scope: Scope, stored: StoredOrder) -> list[Decision]:
    """Every decision about an order and its pieces, oldest first; last what it waits for now."""
    batches = {batch.id: batch for batch in shop.store.batches_of(scope, [stored.id])}
    made = [_of_event(stored, event, batches) for event in shop.store.events(scope, stored.id)]
    for piece in stored.pieces:
        made += [_of_event(stored, event, batches) for event in shop.store.events(scope, piece.id)]
    told = sorted((decision for decision in made if decision), key=lambda decision: decision.at)
    remarked = _of_findings(stored.accepted_at, stored.id, stored.findings)
    told[1:1] = [_of_schedule(stored), *_of_house(shop, stored), *remarked]
    for piece in stored.pieces:
        composed = piece.composed.findings if piece.composed else ()
        told += _of_findings(stored.changed_at or stored.accepted_at, piece.id, (*composed, *piece.findings))
    tenant = shop.store.tenant(scope.tenant)
    now = shop.clock.now().isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return told + [
        Decision(now, code, "note", message, remedy, stored.id)
        for code, message, remedy in _waits_for(shop, stored, tenant)
    ]


def actions(shop: Shop, scope: Scope, stored: StoredOrder) -> list[Action]:
    """What may still be done to this order, and until when."""
    tenant = shop.store.tenant(scope.tenant)
    until = cut_off(shop, stored, tenant)
    piece = stored.pieces[0] if stored.pieces else None
    batched = next((piece for piece in stored.pieces if piece.state in IN_A_BATCH), None)
    gone = "" if stored.state == OrderState.ACCEPTED else f"the order is {stored.state}"
    if stored.erased_at:
        gone = "its personal data were erased"
    late = gone or (f"its piece is {_shown(batched)}: the operator may still eject or withdraw it" if batched else "")
    unheld = "" if stored.held else "it is not held"
    if stored.held and stored.held_code not in ("crm", "order.duplicate"):
        unheld = "the operator holds it, and the operator resumes it"
    duplicate = "" if stored.held_code == "order.duplicate" else "it is not held as a likely duplicate"
    unproved = "" if piece and piece.composed else "it is not composed yet"
    unasked = "" if stored.approval == "required" else "nobody asked for an approval"
    if piece and piece.composed and stored.approved == piece.composed.proof:
        unasked = "this proof is approved"
    still = {PieceState.MAILED, PieceState.RETURNED, PieceState.CANCELLED}
    unfinished = "" if all(p.state in still for p in stored.pieces) else "its card is still to be mailed"
    erased = "its personal data were erased" if stored.erased_at else ""
    listed = {
        "change": (late, until),
        "cancel": (late, until),
        "approve": (late or unasked or unproved, until),
        "proof": (erased or unproved, None),
        "hold": (late or ("it is held" if stored.held else ""), until),
        "resume": (gone or unheld, None),
        "allow_duplicate": (gone or duplicate, None),
        "erase": (erased or unfinished, None),
    }
    return [Action(name, not why, why, until if not why else None) for name, (why, until) in listed.items()]


def cut_off(shop: Shop, stored: StoredOrder, tenant: Tenant) -> str | None:
    """The cut-off at which an order of that mail date comes to lie in a print file, where its tenant has one: that of
    its mail date, or of the first working day after it whose cut-off is still to come."""
    if tenant.cut_off is None:
        return None
    posts = shop.catalog.carrier(shop.carrier).calendar
    first = calendar.mail_date(shop.clock.now(), tenant.zone, tenant.cut_off, posts)
    day = max(first, posts.add_working(dt.date.fromisoformat(stored.mail_on) - dt.timedelta(days=1), 1))
    moment = calendar.cut_off_of(day, tenant.zone, tenant.cut_off)
    return moment.isoformat().replace("+00:00", "Z")


def _of_event(stored: StoredOrder, event: Event, batches: Mapping[str, Batch]) -> Decision | None:
    detail: Mapping[str, Any] = event.detail
    code, message, level = f"{event.kind}.{event.new or event.old}", event.reason, "note"
    if event.kind == "piece":
        if event.new in ("waiting", "composing") and event.old is not None and event.reason == "a worker took it":
            return None  # how often a worker took it up is the shop's affair
        message = _MOVES.get(str(event.new), str(event.new))
        if event.new == PieceState.NEEDS_ATTENTION:
            level, message = "error", f"{message}: {event.reason}"
        if event.new == PieceState.BATCHED and (batch := batches.get(str(detail.get("batch")))):
            message = f"{message}: {batch.name}"
    elif event.kind == "hold":
        code = "order.held" if event.new else "order.resumed"
        level = "warning" if event.new else "note"
        message = f"{'held' if event.new else 'goes on'}: {event.reason}"
        if detail.get("allow_duplicate"):
            code, message = "order.duplicate_allowed", f"allowed as a second card: {event.reason}"
    elif event.kind == "change":
        fields = detail.get("fields", [])
        code = "order.changed"
        message = f"changed in {', '.join(fields) or 'nothing'}; what was approved before is void"
    elif event.kind == "approval":
        code, message = "order.approved", "its proof was approved"
    elif event.kind == "order":
        code = f"order.{event.new}"
    return Decision(event.at, code, level, message, "", event.subject)


def _of_schedule(stored: StoredOrder) -> Decision:
    asked = stored.request.get("mail_on")
    if stored.arrive_by:
        why, code = f"so that it arrives by {stored.arrive_by}", "schedule.arrive_by"
    elif asked:
        why, code = "as the order asks", "schedule.mail_on"
    else:
        why, code = "the next mail date when it came", "schedule.next"
    return Decision(stored.accepted_at, code, "note", f"is mailed on {stored.mail_on}, {why}", "", stored.id)


def _of_house(shop: Shop, stored: StoredOrder) -> Iterator[Decision]:
    """Where its card is printed, if the shop has several houses."""
    for piece in stored.pieces:
        if name := routing.pinned_house(piece.spec):
            message = f"is printed by {routing.called(shop, name)} on {piece.spec['press']['name']}"
            yield Decision(stored.accepted_at, "house.routed", "note", message, "", piece.id)


def _of_findings(at: str, subject: str, findings: tuple[Finding, ...]) -> Iterator[Decision]:
    for finding in findings:
        message = f"{finding.where}: {finding.message}" if finding.where else finding.message
        yield Decision(at, finding.code, str(finding.level), message, finding.remedy, subject)


def _waits_for(shop: Shop, stored: StoredOrder, tenant: Tenant) -> Iterator[tuple[str, str, str]]:
    """(code, message, remedy) of what it waits for at this moment."""
    if stored.state != OrderState.ACCEPTED:
        return
    if stored.held:
        if stored.held_code == "order.duplicate":
            remedy = "allow it as a second card, change it, or cancel it"
            yield "waits.duplicate", f"held: {stored.held}", remedy
        else:
            yield "waits.held", f"held: {stored.held}", "whoever held it resumes it"
        return
    for piece in stored.pieces:
        if piece.state in (PieceState.WAITING, PieceState.COMPOSING):
            yield "waits.compose", "waits for a worker to compose it", ""
        elif piece.state is PieceState.NEEDS_ATTENTION:
            codes = ", ".join(dict.fromkeys(finding.code for finding in piece.findings))
            yield "waits.person", f"needs attention: {codes or 'see above'}", "change the order, or ask the operator"
        elif piece.state is PieceState.COMPOSED and piece.awaits_approval:
            yield "waits.approval", "waits for the approval of its proof", "look at the proof and approve its digest"
        elif piece.state is PieceState.COMPOSED and stored.scope.mode == "test":
            yield "waits.nothing", "was ordered with a test key: it is proved and never printed", ""
        elif piece.state is PieceState.COMPOSED:
            closes = cut_off(shop, stored, tenant)
            when = f"the cut-off at {closes}" if closes else "the operator to close the day"
            yield "waits.cut_off", f"waits for {when}", ""
        elif piece.state is PieceState.BATCHED:
            yield "waits.release", "lies in a print file that is not handed over yet", ""
        elif piece.state in (PieceState.RELEASED, PieceState.PRINTED):
            yield "waits.house", "is at the print and mail house, which tells when it is handed to post", ""


def _shown(piece: Piece) -> str:
    return SHOWN.get(piece.state, str(piece.state).replace("_", " "))
