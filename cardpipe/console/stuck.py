"""Stuck: what does not go on without a person, by reason; and what stands behind each reason, a page at a time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, cast

from starlette.responses import Response
from starlette.routing import Route

from cardpipe.console import reasons
from cardpipe.console.guard import page
from cardpipe.console.visit import Visit
from cardpipe.model.errors import Refused
from cardpipe.model.finding import Finding, Level, error
from cardpipe.model.intake import Row
from cardpipe.model.stored import StoredOrder
from cardpipe.model.user import Role
from cardpipe.pipeline.override import place
from cardpipe.ports.overview import HELD_PIECE, StuckKind
from cardpipe.wiring import Shop

PAGE = 50
DUPLICATE = "order.duplicate"


@dataclass(frozen=True, slots=True)
class Item:
    """One order or row behind a reason. ``subject`` is what its photos are asked by; ``photos`` (place, name, whether a
    finding is about it)."""

    id: str
    subject: str
    reference: str
    recipient: str
    mail_on: str
    design: str
    state: str
    why: str
    findings: tuple[Finding, ...]
    photos: tuple[tuple[int, str, bool], ...]
    line: int = 0
    import_id: str = ""
    twin: str = ""


def routes(house: Shop) -> list[Route]:
    """``/stuck`` and ``/stuck/KIND``."""

    @page(house, Role.VIEWER)
    def overview(visit: Visit) -> Response:
        now = house.clock.now()
        found = [(each, reasons.lasted(each.oldest, now)) for each in house.store.stuck(visit.scope)]
        kinds = [
            (kind, *words, [pair for pair in found if pair[0].kind == kind]) for kind, words in reasons.KINDS.items()
        ]
        return visit.show(
            "stuck.html", block="live" if visit.by_htmx else None, kinds=kinds,
            sum_=sum(each.count for each, _ in found), said=reasons.said, counted=reasons.counted,
        )  # fmt: skip

    @page(house, Role.VIEWER)
    def behind(visit: Visit) -> Response:
        kind, code, after = visit.part("kind"), visit.asked("code"), visit.asked("after")
        items, following = items_of(house, visit, kind, code, after)
        count = next((s.count for s in house.store.stuck(visit.scope) if (s.kind, s.code) == (kind, code)), len(items))
        return visit.show(
            "stuck_list.html", kind=kind, code=code, after=after, items=items, following=following, count=count,
            words=reasons.KINDS[kind], said=reasons.said, counted=reasons.counted,
            duplicate=code == DUPLICATE, acts=acts_of(kind),
        )  # fmt: skip

    return [Route("/stuck", overview), Route("/stuck/{kind:str}", behind)]


def acts_of(kind: str) -> tuple[str, ...]:
    """What may be done to many at once."""
    first = {"attention": "again", "held": "resume", "refused": "judge"}.get(kind)
    return (first, "cancel") if first else ()


def items_of(
    house: Shop, visit: Visit, kind: str, code: str, after: str = "", limit: int = PAGE
) -> tuple[list[Item], str | None]:
    """A page of what stands behind a reason. Raises Refused ``stuck.unknown`` for a kind that is none."""
    if kind == "refused":
        rows, following = house.store.refused_rows(visit.scope, code, after or None, limit)
        return [of_row(row) for row in rows], following
    if kind not in ("attention", "held"):
        found = error("stuck.unknown", "kind", "is none", "go on from the list of reasons")
        raise Refused("Nothing is stuck so.", [found])
    orders, following = house.store.stuck_orders(visit.scope, cast("StuckKind", kind), code, after or None, limit)
    return [of_order(order, code) for order in orders], following


def of_order(order: StoredOrder, code: str = "") -> Item:
    """An accepted order, and what keeps it: its piece's findings, or why it is held."""
    piece = next(iter(order.pieces), None)
    findings = tuple(found for piece in order.pieces for found in piece.findings)
    held = (piece.held if piece and code == HELD_PIECE else order.held) or ""
    names = sorted(piece.spec.get("photos", {})) if piece else []
    return Item(
        order.id, piece.id if piece else order.id, order.reference, _recipient(order.request), order.mail_on,
        order.design, str(piece.state) if piece else order.state, held, _errors_first(findings),
        tuple(_photos(names, findings)), twin=order.duplicate_of or "",
    )  # fmt: skip


def of_row(row: Row) -> Item:
    """A row that became no order yet."""
    asked = row.request
    several = asked.get("photos")
    names = sorted(map(str, several)) if isinstance(several, Mapping) else []
    names = names or ([""] if asked.get("photo") else [])
    return Item(
        row.id, row.id, row.reference, _recipient(asked), str(asked.get("mail_on") or row.terms.get("mail_on") or ""),
        str(asked.get("design") or asked.get("occasion") or ""), str(row.state), "", _errors_first(row.findings),
        tuple(_photos(names, row.findings)), row.line if row.import_id else 0, row.import_id or "",
    )  # fmt: skip


def row_of(house: Shop, visit: Visit) -> Row:
    """The row that the address names. Raises Refused ``row.unknown``."""
    row = house.store.row(visit.scope, visit.part("id"))
    if row is None or row.dry_run:
        found = error("row.unknown", "row", "is not here", "it may have been erased with its import")
        raise Refused("There is no such row.", [found])
    return row


def _photos(names: Iterable[str], findings: Iterable[Finding]) -> Iterable[tuple[int, str, bool]]:
    told = {place(found) for found in findings if found.level is not Level.NOTE and found.code.startswith("photo.")}
    for number, name in enumerate(names):
        yield number, name, bool(told & {f"photos.{name}", "photo", "photos"}) or (not name and bool(told))


def _errors_first(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    ranks = list(Level)
    return tuple(sorted(findings, key=lambda found: ranks.index(found.level)))


def _recipient(request: Mapping[str, Any]) -> str:
    who = request.get("recipient")
    return str(who.get("name", "")) if isinstance(who, Mapping) else ""
