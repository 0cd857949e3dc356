"""The audit log: who did what to what, newest first; whether it is whole; and all of it as a file.

A tenant's log is for its administrators, the installation's own (who may log in, what was restored) for those of all
tenants. Filters are sent as a form: an address names nobody.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Sequence
from typing import Any

from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from cardpipe.console.guard import page
from cardpipe.console.visit import Visit
from cardpipe.lettershop.manifest import defused
from cardpipe.model.errors import Refused
from cardpipe.model.finding import error
from cardpipe.model.tenant import AuditEntry
from cardpipe.model.user import Role
from cardpipe.wiring import Shop

_A_PAGE, _READ_AT_ONCE = 100, 500
#: With a filter at most so many entries are looked at for one page; then a person decides whether to look further.
_LOOKED_AT = 5000
_COLUMNS = ("number", "at", "tenant", "actor", "action", "subject", "detail")
INSTALLATION = "installation"


def routes(house: Shop) -> list[Route]:
    """``/audit``."""

    @page(house, Role.ADMINISTRATOR)
    def listed(visit: Visit) -> Response:
        """Also what a filter leaves, which is posted."""
        form = visit.form
        of, before = form.get("of", visit.asked("of")), form.get("before", visit.asked("before"))
        actor, action = form.get("actor", ""), form.get("action", "")
        tenant = _whose(visit, of)
        begin = int(before) if before.isascii() and before.isdecimal() and len(before) < 16 else None
        found, after, looked = _sought(house, tenant, begin, actor, action)
        recent = found if not (actor or action) and begin is None else house.store.audited(tenant, _READ_AT_ONCE)
        values: dict[str, Any] = {
            "entries": [(entry, _detail(entry)) for entry in found], "after": after, "looked": looked, "of": of,
            "actor": actor, "action": action, "presides": not visit.user.tenants, "begin": begin,
            "actors": sorted({entry.actor for entry in recent}), "actions": sorted({entry.action for entry in recent}),
        }  # fmt: skip
        return visit.show("audit.html", **values)

    @page(house, Role.ADMINISTRATOR)
    def whole(visit: Visit) -> Response:
        """Whether each entry follows from the one before. It reads the whole log, so it is asked for by a click."""
        broken = house.store.audit_broken()
        block = "whole" if visit.by_htmx else None
        return visit.show("audit_whole.html", block, broken=broken, at=house.clock.now().isoformat())

    @page(house, Role.ADMINISTRATOR)
    def download(visit: Visit) -> Response:
        of = visit.form.get("of", "")
        tenant = _whose(visit, of)
        house.store.audit(tenant, visit.actor, "download", "audit", file="audit")
        heads = {"content-disposition": f'attachment; filename="audit-{tenant or INSTALLATION}.csv"'}
        return StreamingResponse(_written(house, tenant), 200, heads, "text/csv; charset=utf-8")

    return [
        Route("/audit", listed, methods=["GET", "POST"]),
        Route("/audit/whole", whole, methods=["POST"]),
        Route("/audit/file", download, methods=["POST"]),
    ]


def _whose(visit: Visit, of: str) -> str:
    """The tenant whose log is asked for; empty for the installation's own. Raises Refused for who may not see it."""
    if of != INSTALLATION:
        return visit.scope.tenant
    if visit.user.tenants:
        what, remedy = "is for administrators of all tenants", "ask one of them"
        raise Refused("This log is not yours to see.", [error("audit.whose", "log", what, remedy)])
    return ""


def _sought(
    house: Shop, tenant: str, before: int | None, actor: str, action: str
) -> tuple[list[AuditEntry], int | None, int]:
    """A page of what the filters leave, where the next one begins, and how many entries were looked at."""
    found: list[AuditEntry] = []
    looked = 0
    while looked < _LOOKED_AT:
        wanted = _READ_AT_ONCE if actor or action else _A_PAGE + 1
        page = house.store.audited(tenant, wanted, before)
        for entry in page:
            if (not actor or entry.actor == actor) and (not action or entry.action == action):
                if len(found) == _A_PAGE:
                    return found, found[-1].number, looked
                found.append(entry)
            looked, before = looked + 1, entry.number
        if len(page) < wanted:
            return found, None, looked
    return found, before, looked


def _written(house: Shop, tenant: str) -> Iterator[bytes]:
    """RFC 4180 in UTF-8, newest first, page by page; no cell is a formula."""
    yield _line(_COLUMNS)
    before: int | None = None
    while page := house.store.audited(tenant, _READ_AT_ONCE, before):
        cells = [
            (str(entry.number), entry.at, entry.tenant, entry.actor, entry.action, entry.subject,
             json.dumps(dict(entry.detail), ensure_ascii=False, sort_keys=True))
            for entry in page
        ]  # fmt: skip
        yield b"".join(_line([defused(cell) for cell in row]) for row in cells)
        before = page[-1].number


def _line(cells: Sequence[str]) -> bytes:
    out = io.StringIO(newline="")
    csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\r\n").writerow(cells)
    return out.getvalue().encode()


def _detail(entry: AuditEntry) -> list[tuple[str, str]]:
    """What else is told, in words."""
    told = []
    for name, value in entry.detail.items():
        if value in (None, "", []):
            continue
        text = ", ".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)
        told.append((name.replace("_", " "), {"True": "yes", "False": "no"}.get(text, text)))
    return told
