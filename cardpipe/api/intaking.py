"""Taking in: the bytes of a file of orders on their way from a request to the artifacts, never in memory as a whole."""

from __future__ import annotations

import hashlib
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, BinaryIO, Literal

import anyio
from pydantic import BaseModel, ConfigDict, ValidationError
from starlette.requests import Request

from cardpipe.api import asked
from cardpipe.api import shapes_doors as shapes
from cardpipe.api.access import Caller
from cardpipe.api.body import form, media_type, spooled, strict_object
from cardpipe.api.once import Told, answering, once, reused
from cardpipe.api.problem import Turned
from cardpipe.api.shapes import findings
from cardpipe.model.errors import Refused, Unavailable
from cardpipe.model.finding import error
from cardpipe.model.intake import Import, RowState
from cardpipe.model.order import Day, Order
from cardpipe.model.stored import Receipt
from cardpipe.pipeline import intake
from cardpipe.pipeline.accept import schema_findings
from cardpipe.pipeline.mapping import Columns
from cardpipe.pipeline.table import KINDS, MAX_BYTES
from cardpipe.wiring import Shop

MAX_ZIP = 2_000_000_000
#: Files on their way at once, how long one may take, and how long its sender waits for a place.
AT_ONCE, UPLOAD_SECONDS, WAIT_SECONDS = 8, 1800.0, 20.0
_CHUNK = 1 << 20
_SLACK = 300_000  # of a form around its file
_FIELDS = ("columns", "terms", "dry_run")
_YES, _NO = {"true", "1", "yes"}, {"false", "0", "no", ""}

BODY = {
    "required": True,
    "description": "A form, or the bare bytes of the file with ?name=.",
    "content": {
        "multipart/form-data": {
            "schema": {
                "type": "object", "required": ["file"],
                "properties": {
                    "file": {"type": "string", "format": "binary"},
                    "columns": {"type": "string", "description": "JSON: {columns, defaults, keep_rest}."},
                    "terms": {"type": "string", "description": "JSON: {mail_on, approval}: for rows without."},
                    "dry_run": {"type": "string", "description": "true: judge each row and order nothing."},
                },
            }
        },
        "application/octet-stream": {"schema": {"type": "string", "format": "binary"}},
    },
}  # fmt: skip
PARAMETERS = [
    {"name": "name", "in": "query", "required": False, "schema": {"type": "string", "maxLength": 200},
     "description": "Of a bare body: its name, by whose ending its kind is told."},
    *({"name": field, "in": "query", "required": False, "schema": {"type": "string"},
       "description": "Of a bare body: as in the form."} for field in _FIELDS),
]  # fmt: skip


class TermsShape(BaseModel):
    """What holds for each row that does not say otherwise."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    mail_on: Day | None = None
    approval: Literal["none", "required"] | None = None


@dataclass(frozen=True, slots=True)
class Sent:
    """A file as it came, with what was said of it."""

    name: str
    file: BinaryIO
    columns: Columns | None
    terms: TermsShape
    dry_run: bool


class Places:
    """How many files may be on their way at once."""

    def __init__(self) -> None:
        self._places = anyio.CapacityLimiter(AT_ONCE)
        self.lanes = anyio.CapacityLimiter(2)

    @asynccontextmanager
    async def received(self, request: Request) -> AsyncIterator[Sent]:
        """The file of a request, whole. Raises Turned (400, 408, 413, 415), Refused, Unavailable."""
        try:
            with anyio.fail_after(WAIT_SECONDS):
                await self._places.acquire_on_behalf_of(request)
        except TimeoutError:
            raise Unavailable("Too many files are being taken in; send this one again in a moment.") from None
        try:
            kind = media_type(request)
            if kind == "multipart/form-data":
                async with form(request, MAX_ZIP + _SLACK, "a file of orders", _FIELDS, UPLOAD_SECONDS) as sent:
                    yield _judged(sent.file, sent.name, sent.fields)
            elif (
                kind in ("application/json", "application/x-www-form-urlencoded") and "name" not in request.query_params
            ):
                remedy = "send a form with the file in field file, or its bare bytes with ?name=orders.csv"
                raise Turned(415, "request.media_type", "Content-Type", "is no file of orders", remedy)
            else:
                said = request.query_params
                fields = {field: said[field] for field in _FIELDS if field in said}
                async with spooled(request, MAX_ZIP, "a file of orders", UPLOAD_SECONDS) as file:
                    yield _judged(file, said.get("name", ""), fields)
        finally:
            self._places.release_on_behalf_of(request)


def take(house: Shop, caller: Caller, sent: Sent, key: str | None) -> Told:
    """Keep the file and have it judged, once. Its bytes count as an upload before they lie there for good, so that they
    are erased in time whatever becomes of the import."""
    hashed = hashlib.sha256()
    with house.artifacts.write(caller.scope) as writer:
        while part := sent.file.read(_CHUNK):
            hashed.update(part)
            writer.write(part)
        source = hashed.hexdigest()
        house.store.keep_picture(caller.scope, source, "import")
    terms = sent.terms.model_dump(mode="json", exclude_none=True)
    columns = sent.columns or Columns()
    said = {"file": source, "columns": columns.model_dump(mode="json"), "terms": terms, "dry_run": sent.dry_run}

    def taken(receipt: Receipt | None) -> Told:
        found = intake.take_in(
            house, caller.scope, sent.name, source, columns, terms,
            dry_run=sent.dry_run, actor=caller.actor, receipt=answering(receipt, _answer),
        )  # fmt: skip
        status, text = _answer(found)
        return Told(status, text, f"/v1/imports/{found.id}")

    def replay(status: int, text: str) -> Told:
        told = json.loads(text)
        if "state" not in told:  # what was said was erased with the import
            found = house.store.import_(caller.scope, told["id"])
            if found.source != source:
                raise reused("file")
            status, text = _answer(found)
        return Told(status, text, f"/v1/imports/{told['id']}", fresh=False)

    return once(house, caller, "imports", key, said, taken, replay)


def preview(sent: Sent) -> shapes.PreviewShape:
    """What the file looks like. Raises Refused for one that is none."""
    seen = intake.preview(sent.file, sent.name, sent.columns)
    suggestion = seen.suggestion
    return shapes.PreviewShape(
        header=list(seen.header), export=suggestion.export if suggestion else "",
        id=suggestion.id if suggestion else "",
        suggested=[
            shapes.SuggestedShape(header=row.header, target=row.target, confidence=row.confidence)
            for row in (suggestion.rows if suggestion else ())
        ],
        columns=dict(suggestion.columns().columns) if suggestion else {}, looked_at=seen.looked_at,
        findings=findings(seen.findings),
    )  # fmt: skip


def shape(found: Import, *, named: bool = True) -> shapes.ImportShape:
    """An import as it is shown."""
    counts = {str(state): found.counts.get(str(state), 0) for state in RowState}
    return shapes.ImportShape(
        id=found.id, state=str(found.state), name=found.name if named else None, dry_run=found.dry_run, rows=found.rows,
        counts=counts, findings=findings(found.findings), created_at=found.created_at, finished_at=found.finished_at,
        failed=f"/v1/imports/{found.id}/failed.csv" if counts["refused"] else None,
    )  # fmt: skip


def readable(data: Mapping[str, Any]) -> None:
    """Raises Refused with every finding for what is no order."""
    try:
        Order.model_validate(dict(data))
    except ValidationError as problem:
        raise Refused("the row is no order yet; it is as it was", schema_findings(problem)) from None


def _answer(found: Import) -> tuple[int, str]:
    """Kept for those who ask again: so without the file's name, which may be somebody's."""
    return 202, shape(found, named=False).model_dump_json()


def _judged(file: BinaryIO, name: str, fields: Mapping[str, str]) -> Sent:
    """All that can be said before the file is read. Raises Refused, Turned (413)."""
    plain = "".join(character for character in name.replace("\\", "/").rpartition("/")[2] if character.isprintable())
    ending = plain.rpartition(".")[2].lower()
    if ending not in (*KINDS, "zip") or len(plain) > 200:
        what = "names no file of orders by its ending"
        remedy = "name it .csv, .ndjson, .json or .vcf, or .zip for one of them with its pictures"
        raise Refused("the file cannot be taken in", [error("import.name", "file", what, remedy)])
    size = file.seek(0, 2)
    file.seek(0)
    if size == 0:
        raise Refused(
            "the file is empty", [error("file.unusable", "file", "is empty", "check that it is the right file")]
        )
    if ending != "zip" and size > MAX_BYTES:
        raise Turned(413, "request.large", "file", f"is larger than {MAX_BYTES / 1e6:g} MB", "divide it")
    columns = asked.understood(_object(fields, "columns"), Columns, "columns") if fields.get("columns") else None
    terms = asked.understood(_object(fields, "terms"), TermsShape, "terms") if fields.get("terms") else TermsShape()
    dry_run = fields.get("dry_run", "").lower()
    if dry_run not in _YES | _NO:
        found = error("request.body", "dry_run", "is neither true nor false", "send true or false")
        raise Refused("the form cannot be used", [found])
    return Sent(plain, file, columns, terms, dry_run in _YES)


def _object(fields: Mapping[str, str], name: str) -> dict[str, Any]:
    try:
        return strict_object(fields[name].encode())
    except (Refused, UnicodeEncodeError):
        found = error("request.body", name, "is no JSON object", "send one JSON object")
        raise Refused("the form cannot be used", [found]) from None
