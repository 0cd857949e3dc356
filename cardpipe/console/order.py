"""One order: its life with the reasons, what may still be done to it, and what was ordered."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from cardpipe.console.guard import page
from cardpipe.console.order_words import order_of, row_state, state
from cardpipe.console.visit import Visit
from cardpipe.model.batch import Batch, match_code
from cardpipe.model.event import Event
from cardpipe.model.finding import Finding
from cardpipe.model.intake import Row
from cardpipe.model.piece import Piece
from cardpipe.model.status import DONE, IN_A_BATCH, OrderState, PieceState
from cardpipe.model.stored import StoredOrder
from cardpipe.model.user import Role
from cardpipe.pipeline.explain import Action, Decision, actions, explain
from cardpipe.pipeline.override import given
from cardpipe.wiring import Shop

#: Moves after which a page that shows the proof has to be fetched anew.
_UNMADE = (PieceState.WAITING, PieceState.COMPOSING)
_ACTS = {
    "change": ("Edit", "address, message, hand, ink, mail date, pictures"), "approve": ("Approve the proof", ""),
    "allow_duplicate": ("Allow a second card", "it looks like one and is meant"), "resume": ("Resume", ""),
    "again": ("Compose again", "from the same words and pictures"), "hold": ("Hold", "it stands still until resumed"),
    "cancel": ("Cancel the order", "nothing of it is mailed"),
    "erase": ("Erase personal data", "names, words, pictures"),
}  # fmt: skip
#: What an act is called in an address.
SLUGS = {"change": "edit", "allow_duplicate": "allow"}


@dataclass(frozen=True, slots=True)
class Act:
    """An act as it is offered: ``slug`` is its place below the order's address, ``may`` whether this user may."""

    action: Action
    slug: str
    text: str
    hint: str
    may: bool
    danger: bool


@dataclass(frozen=True, slots=True)
class Step:
    """A line of the life: ``kind`` is the class of its dot; ``listed``: it stands among the findings as well, with its
    remedy."""

    decision: Decision
    kind: str
    listed: bool


def routes(house: Shop) -> list[Route]:
    """``/orders/{key}`` and the part of it that renews itself."""

    @page(house, Role.VIEWER)
    def shown(visit: Visit) -> Response:
        key = visit.part("key")
        found = order_of(house, visit.scope, key)
        if found.id != key:
            return RedirectResponse(visit.url("orders", found.id), 303)
        if isinstance(found, Row):
            return visit.show("order_row.html", row=found, words=row_state(found))
        return visit.show("order.html", apart=False, **told(visit, found))

    @page(house, Role.VIEWER)
    def now(visit: Visit) -> Response:
        """The part of the page that tells how it is now, and its life; nothing where it is as it was seen: whoever
        reads there is not disturbed."""
        found = order_of(house, visit.scope, visit.part("key"))
        if isinstance(found, Row):
            return RedirectResponse(visit.url("orders", found.id), 303)
        if visit.asked("seen") == mark(found):
            return Response(status_code=204)
        return visit.show("order.html", "now", apart=True, **told(visit, found))

    return [Route("/orders/{key}", shown), Route("/orders/{key}/now", now)]


def told(visit: Visit, stored: StoredOrder) -> dict[str, Any]:
    """All that the page of an order shows."""
    house, scope = visit.house, visit.scope
    piece = stored.pieces[0] if stored.pieces else None
    batches = house.store.batches_of(scope, [stored.id])
    batch = next((each for each in batches if piece and each.id == piece.batch_id), None)
    words, tag = state(stored)
    spec = piece.spec if piece else {}
    proof = piece.composed.proof if piece and piece.composed and not stored.erased_at else ""
    life, found = explain(house, scope, stored), _findings(stored, piece)
    return {
        "order": stored, "piece": piece, "batch": batch, "codes": _codes(batch, piece), "words": words, "tag": tag,
        "proof": proof, "sheets": sheets_of(spec), "pending": piece is not None and piece.state in _UNMADE,
        "steps": [_step(each, found) for each in life if not each.code.startswith("waits.")],
        "waits": [each for each in life if each.code.startswith("waits.")],
        "acts": acts(visit, stored), "findings": found, "spec": spec,
        "events": _changes(house, stored), "photos": sorted(spec.get("photos", {})),
        "focus": spec.get("focus", {}), "other": _other(visit, stored),
        "overrides": given(stored), "sentence": sentence, "mark": mark(stored),
    }  # fmt: skip


def mark(stored: StoredOrder) -> str:
    """Another one, and something about the order is not as it was."""
    pieces = [(p.state, p.held, p.batch_id, p.seq, p.composed, p.findings, p.awaits_approval) for p in stored.pieces]
    now = (stored.state, stored.revision, stored.held, stored.held_code, stored.approved, stored.erased_at, pieces)
    return hashlib.sha256(repr(now).encode()).hexdigest()[:16]


def sentence(text: str) -> str:
    """Its first letter large; the others as they are."""
    return text[:1].upper() + text[1:]


def sheets_of(spec: dict[str, Any]) -> tuple[str, ...]:
    """The pages of a proof by name."""
    flat = spec.get("format", {}).get("fold") == "none"
    return ("front", "back", "envelope") if flat else ("outside", "inside", "envelope")


def acts(visit: Visit, stored: StoredOrder) -> list[Act]:
    """What an operator may still do: :func:`cardpipe.pipeline.explain.actions` tells a CRM, which may not end an
    operator's hold; and only an operator has a card composed anew."""
    listed = {each.name: each for each in actions(visit.house, visit.scope, stored)}
    piece = stored.pieces[0] if stored.pieces else None
    if stored.held and listed["resume"].why.startswith("the operator") and stored.state == OrderState.ACCEPTED:
        listed["resume"] = Action("resume", True)
    if stored.held_code == "order.duplicate" and listed["resume"].allowed:
        why = "it looks like a second card: allow it as one, or change it"
        listed["resume"] = Action("resume", False, why)
    if piece and piece.held and not stored.held and piece.state not in IN_A_BATCH:
        listed["resume"] = Action("resume", True)  # somebody held just the piece
    for name in ("change", "cancel", "hold"):
        if piece and piece.state in IN_A_BATCH:
            why = f"it is {state(stored)[0]}" + ("" if piece.state in DONE else ": take it out on the batch’s page")
            listed[name] = Action(name, False, why)
    anew = "" if piece and piece.state in (PieceState.NEEDS_ATTENTION, PieceState.COMPOSED) else "it is not composed"
    if stored.erased_at or stored.state != OrderState.ACCEPTED:
        anew = "its personal data were erased" if stored.erased_at else f"the order is {stored.state}"
    elif piece and piece.state in IN_A_BATCH:
        anew = f"it is {state(stored)[0]}"
    listed["again"] = Action("again", not anew, anew)
    made = []
    for name, (text, hint) in _ACTS.items():
        role = Role.ADMINISTRATOR if name == "erase" else Role.OPERATOR
        danger = name in ("cancel", "erase")
        made.append(Act(listed[name], SLUGS.get(name, name), text, hint, visit.may(role), danger))
    return made


def _step(decision: Decision, findings: Sequence[Finding]) -> Step:
    kind = {"error": "bad", "warning": "warn"}.get(decision.level, "")
    return Step(decision, kind, any(finding.code == decision.code for finding in findings))


def _codes(batch: Batch | None, piece: Piece | None) -> list[str]:
    """The match codes: outside, inside, envelope."""
    if batch is None or piece is None or piece.seq is None:
        return []
    return [match_code(batch.number, piece.seq, role) for role in "OIE"]


def _findings(stored: StoredOrder, piece: Piece | None) -> list[Finding]:
    """Everything that was remarked, the worst first."""
    composed = piece.composed.findings if piece and piece.composed else ()
    found: Sequence[Finding] = dict.fromkeys((*(piece.findings if piece else ()), *stored.findings, *composed)).keys()  # type: ignore[assignment]
    ranks = ["error", "warning", "note"]
    return sorted(found, key=lambda finding: ranks.index(str(finding.level)))


def _changes(house: Shop, stored: StoredOrder) -> list[Event]:
    """The changes of the order, oldest first: who changed which fields."""
    if stored.revision == 1:
        return []
    return [event for event in house.store.events(stored.scope, stored.id) if event.kind == "change"]


def _other(visit: Visit, stored: StoredOrder) -> StoredOrder | None:
    """The order that this one looks like a second card of, where it is held as one."""
    if stored.held_code != "order.duplicate" or not stored.duplicate_of:
        return None
    found = visit.house.store.order(visit.scope, stored.duplicate_of)
    return replace(found, pieces=found.pieces[:1])
