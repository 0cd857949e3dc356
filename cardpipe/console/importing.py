"""Files of orders come in: sent, mapped while the first rows are looked at, tried without ordering, and ordered."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from starlette.responses import Response
from starlette.routing import Route

from cardpipe.console import import_draft, import_form
from cardpipe.console.guard import page
from cardpipe.console.import_draft import Draft, Glances
from cardpipe.console.import_form import Mapping
from cardpipe.console.visit import Visit
from cardpipe.lettershop.calendar import mail_date
from cardpipe.model.errors import Conflict, Refused
from cardpipe.model.finding import Finding, error, has_errors
from cardpipe.model.intake import Import, ImportState
from cardpipe.model.user import Role
from cardpipe.pipeline import intake
from cardpipe.pipeline.glance import Glance
from cardpipe.pipeline.mapping import Columns
from cardpipe.wiring import Shop

_A_PAGE = 30
_MANY_FINDINGS = 12
_MOST = import_draft.MAX_ZIP + import_draft.SLACK


def routes(house: Shop) -> list[Route]:
    """``/imports`` and the steps of a new one."""
    glances = Glances()

    @page(house, Role.OPERATOR)
    def listed(visit: Visit) -> Response:
        found, after = house.store.imports(visit.scope, _A_PAGE, visit.asked("before")[:40] or None)
        block = "rows" if visit.by_htmx else None
        return visit.show("imports.html", block, imports=found, after=after, before=visit.asked("before"))

    @page(house, Role.OPERATOR)
    def new(visit: Visit) -> Response:
        return visit.show("import_new.html")

    @page(house, Role.OPERATOR, most=_MOST, files=1)
    def send(visit: Visit) -> Response:
        draft = import_draft.receive(visit)
        seen = glances.of(visit, draft.digest, draft.name)
        return _form(visit, draft, seen, import_form.suggested(seen, house.clock.now().date()))

    @page(house, Role.OPERATOR)
    def again(visit: Visit) -> Response:
        """The mapping of a dry run, to be changed."""
        found = _kept(visit)
        draft = import_draft.sealed(visit, found.source, found.name)
        seen = glances.of(visit, draft.digest, draft.name)
        return _form(visit, draft, seen, import_form.stored(dict(found.columns), dict(found.terms)))

    @page(house, Role.OPERATOR)
    def mapped(visit: Visit) -> Response:
        """What the first rows become, as often as something is clicked."""
        draft = import_draft.opened(visit)
        seen = glances.of(visit, draft.digest, draft.name)
        made = import_form.posted(visit, seen)
        if not visit.by_htmx:
            return _form(visit, draft, seen, made)
        return visit.show("import_map.html", "tried", **_tried(visit, seen, made))

    @page(house, Role.OPERATOR)
    def take(visit: Visit) -> Response:
        """A dry run, or the orders themselves."""
        draft = import_draft.opened(visit)
        seen = glances.of(visit, draft.digest, draft.name)
        made = import_form.posted(visit, seen)
        _, wrong = _read(seen, made)
        if wrong:
            raise Refused("The mapping cannot be used yet; nothing was taken.", list(wrong))
        dry_run = visit.form.get("act") != "order"
        return _taken(visit, draft.name, draft.digest, made.columns(seen.header), made.terms(), dry_run, seen.count)

    @page(house, Role.OPERATOR)
    def order(visit: Visit) -> Response:
        """What was tried is ordered, by the same mapping."""
        found = _kept(visit)
        if not found.dry_run or found.state is not ImportState.FINISHED:
            what = error("import.no_dry_run", "import", "is no dry run that has ended", "order it by its own page")
            raise Conflict("There is nothing to order here.", [what])
        columns = Columns.model_validate(dict(found.columns))
        return _taken(visit, found.name, found.source, columns, dict(found.terms), False, found.rows or 0)

    def _kept(visit: Visit) -> Import:
        found = house.store.import_(visit.scope, visit.part("id"))
        if not found.name or not house.artifacts.has(visit.scope, found.source):
            what = error("import.erased", "file", "was erased in the meantime", "choose the file again")
            raise Conflict("The file is not there any more.", [what])
        return found

    return [
        Route("/imports", listed),
        Route("/imports", take, methods=["POST"]),
        Route("/imports/new", new),
        Route("/imports/new", send, methods=["POST"]),
        Route("/imports/map", mapped, methods=["POST"]),
        Route("/imports/{id}/again", again, methods=["POST"]),
        Route("/imports/{id}/order", order, methods=["POST"]),
    ]


def _taken(
    visit: Visit, name: str, source: str, columns: Columns, terms: dict[str, Any], dry_run: bool, count: int
) -> Response:
    made = intake.take_in(
        visit.house, visit.scope, name, source, columns, terms, dry_run=dry_run, actor=visit.actor
    )  # fmt: skip
    visit.house.store.audit(
        visit.scope.tenant, visit.actor, "import", made.id, dry_run=dry_run, rows=count, mode=visit.scope.mode
    )
    said = f"{count:,} rows are tried; nothing is ordered." if dry_run else f"{count:,} rows are being ordered."
    return visit.done(said, "imports", made.id)


def _form(visit: Visit, draft: Draft, seen: Glance, made: Mapping) -> Response:
    catalog = visit.house.catalog
    designs = [catalog.design(name).design for name in catalog.designs()]
    photos = sorted({frame.photo for design in designs for frame in design.photos})
    lists = {
        "occasions": sorted({name for design in designs for name in design.occasions}),
        "designs": [design.name for design in designs], "hands": catalog.hands(), "approvals": ["none", "required"],
    }  # fmt: skip
    suggestion = seen.suggested()
    used = set(made.takes.values())
    values = {
        "draft": draft, "seen": seen, "made": made, "groups": import_form.laid_out(seen, made, photos), "lists": lists,
        "export": suggestion.export if suggestion else "", "samples": seen.samples(),
        "unused": [heading for heading in seen.header if heading not in used], "next_mail": _next_mail(visit),
        **_tried(visit, seen, made),
    }  # fmt: skip
    return visit.show("import_map.html", "step" if visit.by_htmx else None, **values)


def _read(seen: Glance, made: Mapping) -> tuple[list[Any], Sequence[Finding]]:
    """The first rows, and what is wrong with the mapping itself."""
    if made.findings:
        return [], made.findings
    return seen.tried(made.columns(seen.header))


def _tried(visit: Visit, seen: Glance, made: Mapping) -> dict[str, Any]:
    """What the block shows that is renewed with each click."""
    rows, wrong = _read(seen, made)
    findings = [finding for row in rows for finding in row.findings]
    good = [row for row in rows if not has_errors(row.findings)]
    first = next((read for row in good if (read := import_form.read_aloud(row.data)) is not None), None)
    return {
        "wrong": wrong, "rows": rows, "good": len(good), "looked_at": len(rows), "first": first, "count": seen.count,
        "findings": findings[:_MANY_FINDINGS], "further": max(0, len(findings) - _MANY_FINDINGS),
        "mail_on": made.mail_on or _next_mail(visit),
    }  # fmt: skip


def _next_mail(visit: Visit) -> str:
    """The mail date of an order that comes now and names none."""
    terms, house = visit.terms, visit.house
    calendar = house.catalog.carrier(house.carrier).calendar
    return mail_date(house.clock.now(), terms.zone, terms.cut_off, calendar).isoformat()
