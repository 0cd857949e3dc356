"""Mending a refused row in place: the fields in question, a photo instead, and it is judged again by a worker."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from starlette.responses import Response
from starlette.routing import Route

from cardpipe.console import stuck
from cardpipe.console.guard import MOST_BYTES, page
from cardpipe.console.order_acts import audit_passed, reason
from cardpipe.console.visit import Visit
from cardpipe.model.errors import Refused
from cardpipe.model.finding import Finding, Level, error
from cardpipe.model.intake import Row
from cardpipe.model.user import Role
from cardpipe.pipeline.mend import mend as mend_row
from cardpipe.pipeline.override import JUDGEMENT, give, offered, place
from cardpipe.pipeline.pictures import keep
from cardpipe.prepress.picture import MAX_BYTES
from cardpipe.wiring import Shop

_ADDRESS = ("name", "company", "street", "street2", "city", "state", "postcode", "country")
#: What can be typed, in the order of the form.
FIELDS = (
    "reference", *(f"recipient.{part}" for part in _ADDRESS), "message", "occasion", "design", "hand", "ink",
    "mail_on", "arrive_by", "occasion_date", *(f"sender.{part}" for part in _ADDRESS),
)  # fmt: skip
_DATES = {"mail_on", "arrive_by", "occasion_date"}
_PHOTOS = ("photo", "photos", "photo_url", "photo_urls")
_PREFIX = "field:"


@dataclass(frozen=True, slots=True)
class Field:
    """A field of the form. ``about`` are the findings that concern it."""

    name: str
    label: str
    value: str
    kind: str
    about: tuple[Finding, ...] = ()


def routes(house: Shop) -> list[Route]:
    """``/stuck/rows/ID``."""

    def shown(
        visit: Visit, row: Row, found: Iterable[Finding] = (), typed: Mapping[str, str] | None = None
    ) -> Response:
        passing = visit.many("pass") if visit.request.method == "POST" else []
        new = tuple(found)
        findings = new or row.findings
        fields = fields_of(row, findings, typed or {})
        photo = photo_asked(row, findings)
        asked = [field for field in fields if field.about] or ([] if photo else fields)
        return visit.show(
            "stuck_row.html", block="row" if visit.by_htmx else None, status=422 if new else 200, row=row,
            item=stuck.of_row(row), findings=findings, fresh=bool(new), asked=asked,
            offers=offered(house, row), why=JUDGEMENT, passing=passing,
            note=visit.form.get("note", "") if passing else "",
            rest=[field for field in fields if field not in asked], photo=photo,
            catalog={"design": house.catalog.designs(), "hand": house.catalog.hands()},
        )  # fmt: skip

    @page(house, Role.VIEWER)
    def look(visit: Visit) -> Response:
        return shown(visit, stuck.row_of(house, visit))

    @page(house, Role.OPERATOR, most=MAX_BYTES + MOST_BYTES, files=1)
    def mend(visit: Visit) -> Response:
        row, passing = stuck.row_of(house, visit), visit.many("pass")
        typed = {name.removeprefix(_PREFIX): text for name, text in visit.form.items() if name.startswith(_PREFIX)}
        try:
            patch = patch_of(row, typed)
            if (sent := visit.file("photo")) is not None:
                patch |= _instead(row, keep(house, visit.scope, sent.file.read(MAX_BYTES + 1), "photo", "photo").ref)
            passed = give(house, offered(house, row), passing, reason(visit, "note"), visit.actor) if passing else []
            mended = mend_row(house, row, patch, visit.actor, passed)
        except Refused as problem:
            return shown(visit, row, problem.findings or (error("row.mend", "row", str(problem)),), typed)
        if patch or not passed:
            house.store.audit(visit.scope.tenant, visit.actor, "row.mended", row.id, mode=visit.scope.mode)
        audit_passed(visit, row.id, passed)
        if visit.by_htmx:
            return shown(visit, mended)
        return visit.done("It is judged again; look in a moment.", "stuck", "rows", row.id)

    return [Route("/stuck/rows/{id}", look), Route("/stuck/rows/{id}", mend, methods=["POST"])]


def fields_of(row: Row, findings: Iterable[Finding], typed: Mapping[str, str]) -> list[Field]:
    """All that can be typed, with what the row says or what was typed just now."""
    about: dict[str, list[Finding]] = {}
    for found in findings:
        if found.level is Level.NOTE:
            continue
        about.setdefault(place(found), []).append(found)
    own = [name for name in about if name not in FIELDS and isinstance(_at(row.request, name), str)
           and name.partition(".")[0] not in _PHOTOS]  # fmt: skip
    made = []
    for name in (*FIELDS, *own):
        kind = (
            "date"
            if name in _DATES
            else "area"
            if name == "message"
            else "choice"
            if name in ("design", "hand")
            else "text"
        )
        # of a whole address that is missing, or of a message's line, the parts are in question
        concern = [
            found for where, each in about.items() for found in each if where == name or name.startswith(f"{where}.")
        ]
        label = name.replace("_", " ").replace(".", ": ")
        made.append(Field(name, label, typed.get(name, str(_at(row.request, name) or "")), kind, tuple(concern)))
    return made


def photo_asked(row: Row, findings: Iterable[Finding]) -> bool:
    """Whether a photo is in question: then another one may be sent."""
    return any(found.code.startswith(("photo.", "picture.")) for found in findings) or any(
        row.request.get(name) for name in _PHOTOS
    )


def patch_of(row: Row, typed: Mapping[str, str]) -> dict[str, Any]:
    """What was typed, where it is another thing than before; an emptied field is taken away."""
    patch: dict[str, Any] = {}
    for name, text in typed.items():
        text = text.replace("\r\n", "\n")
        if text == str(_at(row.request, name) or ""):
            continue
        first, _, part = name.partition(".")
        if part:
            patch.setdefault(first, {})[part] = text or None
        else:
            patch[first] = text or None
    return patch


def _instead(row: Row, ref: str) -> dict[str, Any]:
    """The new photo in the place of the one that the findings are about, or of the only one."""
    several = row.request.get("photos") or row.request.get("photo_urls")
    if isinstance(several, Mapping) and several:
        told = [place(found).partition(".")[2] for found in row.findings]
        name = next((name for name in told if name in several), next(iter(several)))
        return {"photos": {name: ref}, "photo_urls": {name: None} if row.request.get("photo_urls") else None}
    return {"photo": ref, "photo_url": None}


def _at(request: Mapping[str, Any], name: str) -> Any:
    """What stands in a field, by its dotted name; None where nothing does."""
    value: Any = request
    for part in name.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return value
