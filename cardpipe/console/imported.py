"""An import: how far it has come, what became of each row, the refused ones as a file to be mended."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from cardpipe.console.guard import page
from cardpipe.console.reasons import said
from cardpipe.console.visit import Visit
from cardpipe.model.errors import Conflict
from cardpipe.model.finding import Level, error
from cardpipe.model.intake import Import, ImportState, RowState
from cardpipe.model.user import Role
from cardpipe.pipeline.failed import Failed, failed_csv, failed_ndjson
from cardpipe.wiring import Shop

_A_PAGE, _READ_AT_ONCE, _MANY = 50, 500, 8
ENDED = (ImportState.FINISHED, ImportState.REFUSED, ImportState.CANCELLED)
#: What a state of a row means, in an import and in a dry run.
TOLD = {
    RowState.REFUSED: ("refused", "would be refused", "bad"),
    RowState.ACCEPTED: ("ordered", "could be ordered", "good"),
    RowState.KNOWN: ("ordered before", "ordered before", ""),
    RowState.RECEIVED: ("not looked at yet", "not looked at yet", ""),
    RowState.DROPPED: ("dropped", "dropped", "warn"),
}  # fmt: skip


def routes(house: Shop) -> list[Route]:
    """``/imports/{id}``."""

    @page(house, Role.OPERATOR)
    def shown(visit: Visit) -> Response:
        found = house.store.import_(visit.scope, visit.part("id"))
        state, after = visit.asked("state"), visit.asked("after")
        wanted = state if state in set(RowState) else ""
        begin = int(after) if after.isdecimal() and len(after) < 10 else 0
        if visit.by_htmx and visit.request.headers.get("hx-target") == "import-progress":
            if found.state in ENDED:  # the page as a whole is another one now
                return Response(status_code=204, headers={"hx-refresh": "true"})
            return visit.show("import.html", "progress", **_facts(found))
        if not wanted:
            refused = found.counts.get(str(RowState.REFUSED), 0)
            wanted = str(RowState.REFUSED) if refused else ""
        rows = house.store.rows(visit.scope, found.id, wanted or None, begin, _A_PAGE + 1)
        further = rows[_A_PAGE - 1].line if len(rows) > _A_PAGE else None
        values = {"rows": rows[:_A_PAGE], "further": further, "wanted": wanted, "begin": begin, **_facts(found)}
        return visit.show("import.html", reasons=_reasons(house, found), **values)

    @page(house, Role.OPERATOR)
    def cancel(visit: Visit) -> Response:
        found = house.store.cancel_import(visit.scope, visit.part("id"), visit.actor)
        house.store.audit(visit.scope.tenant, visit.actor, "import.cancelled", found.id, mode=visit.scope.mode)
        dropped = found.counts.get(str(RowState.DROPPED), 0)
        return visit.done(f"Stopped: {dropped:,} rows were not looked at any more.", "imports", found.id)

    @page(house, Role.OPERATOR)
    def failed(visit: Visit) -> Response:
        """A POST: it reveals people's addresses, and whoever got it stands in the audit log."""
        found = house.store.import_(visit.scope, visit.part("id"))
        if found.state is ImportState.RECEIVED:
            what = error("import.not_read", "import", "is not read yet", "wait until its state is another")
            raise Conflict("The file was not read yet.", [what])
        house.store.audit(
            visit.scope.tenant, visit.actor, "download", found.id, file="failed", mode=visit.scope.mode
        )  # fmt: skip
        refused, table = _refused(house, found), bool(found.header)
        ending, kind = ("csv", "text/csv; charset=utf-8") if table else ("ndjson", "application/x-ndjson")
        heads = {"content-disposition": f'attachment; filename="failed-{found.id}.{ending}"'}
        lines = failed_csv(found.header, refused) if table else failed_ndjson(refused)
        return StreamingResponse(lines, 200, heads, kind)

    return [
        Route("/imports/{id}", shown),
        Route("/imports/{id}/cancel", cancel, methods=["POST"]),
        Route("/imports/{id}/failed", failed, methods=["POST"]),
    ]


def _reasons(house: Shop, found: Import) -> list[tuple[str, int]]:
    """Why rows were refused, the commonest first, each row by its first error; of so many rows as are read at once."""
    if not found.counts.get(str(RowState.REFUSED), 0):
        return []
    rows = house.store.rows(found.scope, found.id, str(RowState.REFUSED), 0, _READ_AT_ONCE)
    firsts = (next((each.code for each in row.findings if each.level is Level.ERROR), "") for row in rows)
    return [(said(code), many) for code, many in Counter(code for code in firsts if code).most_common(_MANY)]


def _facts(found: Import) -> dict[str, Any]:
    """The import with its numbers as the page shows them."""
    counts = {state: found.counts.get(str(state), 0) for state in TOLD}
    rows = found.rows or sum(counts.values())
    done = rows - counts[RowState.RECEIVED]
    tallies = [(str(state), counts[state], texts[found.dry_run], texts[2]) for state, texts in TOLD.items()]
    return {
        "found": found, "counts": counts, "tallies": tallies, "count": rows, "done": done,
        "ended": found.state in ENDED,
        "words": {str(state): texts[found.dry_run] for state, texts in TOLD.items()},
        "kinds": {str(state): texts[2] for state, texts in TOLD.items()},
        "erased": not found.name, "refused": counts[RowState.REFUSED], "accepted": counts[RowState.ACCEPTED],
    }  # fmt: skip


def _refused(house: Shop, found: Import) -> Iterator[Failed]:
    """Page by page, so that a file of any length is never held as a whole."""
    after = 0
    while page := house.store.rows(found.scope, found.id, str(RowState.REFUSED), after, _READ_AT_ONCE):
        for row in page:
            if row.cells:  # none any more once the import was erased
                yield row.line, row.cells, row.findings
        after = page[-1].line
