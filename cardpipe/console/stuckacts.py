"""Acts on what is stuck, many at once: compose again, resume, cancel, judge again. What did not go is told with why."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from starlette.responses import Response
from starlette.routing import Route

from cardpipe.console import reasons, stuck
from cardpipe.console.guard import page
from cardpipe.console.visit import Visit
from cardpipe.model.errors import CardpipeError, Conflict, Refused, Unavailable
from cardpipe.model.finding import error
from cardpipe.model.intake import RowState
from cardpipe.model.order import differing
from cardpipe.model.status import PieceState
from cardpipe.model.stored import StoredOrder
from cardpipe.model.user import Role
from cardpipe.pipeline.cancel import cancel
from cardpipe.wiring import Shop

#: So many are done in one go: a request must not last a minute on a busy machine.
MOST = 200
_ASKED_FIRST = {"cancel"}
#: What was done, in the past; and what it is called before.
DONE = {"again": "composed again", "resume": "resumed", "cancel": "cancelled", "judge": "judged again"}
CALLED = {"again": "Compose again", "resume": "Resume", "cancel": "Cancel", "judge": "Judge again"}
#: What stands in the log where nobody said more.
_PLAIN = {"again": "looked at, and composed again", "judge": ""}
_LONGEST = 200


@dataclass(frozen=True, slots=True)
class Left:
    """One that did not go."""

    id: str
    reference: str
    why: str
    remedy: str


def routes(house: Shop) -> list[Route]:
    """``/stuck/KIND/act`` and ``/stuck/twins/ID``."""

    @page(house, Role.OPERATOR)
    def act(visit: Visit) -> Response:
        kind, code, what = visit.part("kind"), visit.form.get("code", ""), visit.needed("act")
        if what not in stuck.acts_of(kind):
            raise Refused("This cannot be done here.", [error("stuck.act", "act", "is none", "use the page's buttons")])
        chosen, more = _chosen(house, visit, kind, code)
        reason = visit.form.get("reason", "")[:_LONGEST] or _PLAIN.get(what) or ""
        if not reason and what not in _PLAIN:
            visit.needed("reason", "say why: it stands in the order's log")
        if not visit.form.get("sure") and (what in _ASKED_FIRST or visit.form.get("all")):
            return visit.show(
                "stuck_sure.html", kind=kind, code=code, act=what, chosen=chosen, more=more, most=MOST, reason=reason,
                called=CALLED, said=reasons.said, counted=reasons.counted, words=reasons.KINDS[kind],
            )  # fmt: skip
        went, left = 0, list[Left]()
        for subject in chosen:
            try:
                _ACTS[what](house, visit, subject, reason)
                went += 1
            except (Refused, Conflict) as problem:
                left.append(_left(house, visit, kind, subject, problem))
            except Unavailable as problem:
                left.append(_left(house, visit, kind, subject, problem))
                break  # the others would wait for the same
        told = f"{reasons.counted(went, reasons.KINDS[kind][1])} {DONE[what]}."
        if not left and went == len(chosen):
            if stuck.items_of(house, visit, kind, code, limit=1)[0]:
                return visit.done(told, "stuck", kind, code=code)
            return visit.done(told, "stuck")
        return visit.show(
            "stuck_told.html", kind=kind, code=code, result=told, left=left, untried=len(chosen) - went - len(left),
            said=reasons.said, counted=reasons.counted, called=CALLED[what], words=reasons.KINDS[kind],
        )  # fmt: skip

    @page(house, Role.VIEWER)
    def twins(visit: Visit) -> Response:
        this = house.store.order(visit.scope, visit.part("id"))
        other = _other(house, visit, this)
        return visit.show(
            "stuck_twins.html", this=this, other=other, held=this.held_code == stuck.DUPLICATE,
            pair=[stuck.of_order(each) for each in (this, other) if each is not None],
            differ=differing(this.request, other.request) if other else [],
        )  # fmt: skip

    @page(house, Role.OPERATOR)
    def decide(visit: Visit) -> Response:
        key, what = visit.part("id"), visit.needed("act")
        reason = visit.needed("reason", "say why: it stands in the order's log")[:_LONGEST]
        if what == "cancel":
            _cancel(house, visit, key, reason)
            return visit.done("The second one was cancelled.", "stuck", "held", code=stuck.DUPLICATE)
        if visit.form.get("allow_duplicate") != "yes":
            what_, remedy = "was not ticked", "tick it if both cards are to be mailed; or cancel one of the two"
            raise Refused("It stays held.", [error("order.duplicate", "allow_duplicate", what_, remedy)])
        stored = house.store.allow_duplicate(visit.scope, key, reason, visit.actor)
        _audit(house, visit, "order.duplicate_allowed", stored.id)
        return visit.done("Both cards are mailed: this one goes on.", "stuck", "held", code=stuck.DUPLICATE)

    return [
        Route("/stuck/twins/{id}", twins),
        Route("/stuck/twins/{id}", decide, methods=["POST"]),
        Route("/stuck/{kind}/act", act, methods=["POST"]),
    ]


def _chosen(house: Shop, visit: Visit, kind: str, code: str) -> tuple[list[str], bool]:
    """The ids that were ticked, or all of the reason (as many as go at once; and whether there are more)."""
    if not visit.form.get("all"):
        chosen = list(dict.fromkeys(visit.many("chosen")))[:MOST]
        if not chosen:
            raise Refused("Nothing was chosen.", [error("form.missing", "chosen", "is empty", "tick some, or all")])
        return chosen, False
    found, following = stuck.items_of(house, visit, kind, code, limit=MOST)
    return [item.id for item in found], following is not None


def _again(house: Shop, visit: Visit, order_id: str, reason: str) -> None:
    stored = house.store.order(visit.scope, order_id)
    pieces = [piece for piece in stored.pieces if piece.state is PieceState.NEEDS_ATTENTION]
    if not pieces:
        raise Conflict("It needs no attention any more.")
    for piece in pieces:
        house.store.again(visit.scope, piece.id, reason)
        _audit(house, visit, "piece.again", piece.id)


def _resume(house: Shop, visit: Visit, order_id: str, reason: str) -> None:
    """An order with its piece; or just the piece where that is held by itself."""
    stored = house.store.order(visit.scope, order_id)
    subjects = [stored.id] if stored.held else [piece.id for piece in stored.pieces if piece.held]
    if not subjects:
        raise Conflict("It is not held any more.")
    for subject in subjects:
        house.store.resume(visit.scope, subject, reason, visit.actor)
        _audit(house, visit, "order.resumed" if subject == stored.id else "piece.resumed", subject)


def _cancel(house: Shop, visit: Visit, order_id: str, reason: str) -> None:
    """An order; or a row that was refused, which then never becomes one."""
    row = house.store.row(visit.scope, order_id)
    if row is not None and row.state in (RowState.REFUSED, RowState.DROPPED):
        house.store.drop_row(visit.scope, row.id, reason, visit.actor)
        return _audit(house, visit, "row.withdrawn", row.id)
    stored = cancel(house, visit.scope, order_id, reason, visit.actor)
    _audit(house, visit, "order.cancelled", stored.id)


def _judge(house: Shop, visit: Visit, row_id: str, _: str) -> None:
    """The row as it stands, once more: what was missing may be there by now."""
    row = house.store.row(visit.scope, row_id)
    if row is None or row.state is not RowState.REFUSED:
        raise Conflict("It is not refused any more.")
    house.store.mend_row(visit.scope, row.id, row.request, visit.actor)
    _audit(house, visit, "row.judged_again", row.id)


_ACTS: dict[str, Callable[[Shop, Visit, str, str], None]] = {
    "again": _again, "resume": _resume, "cancel": _cancel, "judge": _judge,
}  # fmt: skip


def _audit(house: Shop, visit: Visit, action: str, subject: str) -> None:
    house.store.audit(visit.scope.tenant, visit.actor, action, subject, mode=visit.scope.mode)


def _left(house: Shop, visit: Visit, kind: str, subject: str, problem: CardpipeError) -> Left:
    reference = ""
    try:
        row = house.store.row(visit.scope, subject) if kind == "refused" else None
        reference = row.reference if row else house.store.order(visit.scope, subject).reference
    except Refused:
        pass  # whatever it is, it is not here
    remedy = "; ".join(found.remedy for found in problem.findings if found.remedy)
    return Left(subject, reference, str(problem), remedy)


def _other(house: Shop, visit: Visit, this: StoredOrder) -> StoredOrder | None:
    """The order that this one looks like; None where it is gone."""
    try:
        return house.store.order(visit.scope, this.duplicate_of) if this.duplicate_of else None
    except Refused:
        return None
