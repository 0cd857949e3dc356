"""``/v1/imports``: files of orders are taken in at once and judged by workers; refused rows are kept until mended."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

from anyio.to_thread import run_sync
from fastapi import APIRouter, Depends, Query
from fastapi import Path as InPath
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from cardpipe.api import asked, intaking, limits
from cardpipe.api import shapes_doors as shapes
from cardpipe.api.access import Caller, needs
from cardpipe.api.body import plain, read_object
from cardpipe.api.once import HEADER, key_of
from cardpipe.api.shapes import findings
from cardpipe.model.errors import Conflict, Refused
from cardpipe.model.finding import error
from cardpipe.model.intake import Import, ImportState, Row, RowState
from cardpipe.pipeline.failed import Failed, failed_csv, failed_ndjson
from cardpipe.wiring import Shop

_PAGE = 500
_FAILED: dict[int | str, dict[str, Any]] = {
    200: {"description": "The refused rows.", "content": {"text/csv": {}, "application/x-ndjson": {}}}
}
_ORDER_BODY = {"requestBody": {"required": True, "content": {"application/json": {
    "schema": {"$ref": "#/components/schemas/Order"}}}}}  # fmt: skip

Limit = Annotated[int, Query(ge=1, le=asked.MOST)]
Cursor = Annotated[str | None, Query(max_length=200, description="The `next` of the page before.")]
After = Annotated[int, Query(ge=0, le=2**31 - 1, description="Only rows after this line.")]
Line = Annotated[int, InPath(ge=1, le=2**31 - 1)]


def routes(house: Shop) -> APIRouter:
    """The imports' routes."""
    router = APIRouter(prefix="/v1/imports", tags=["imports"])
    writes, room = Depends(needs(house, "imports:write")), Depends(limits.room(house))
    places = intaking.Places()

    @router.post(
        "",
        operation_id="createImport",
        summary="Hand in a file of orders",
        status_code=202,
        response_model=shapes.ImportShape,
        responses={202: {"headers": asked.heads("Location")}},
        openapi_extra={"requestBody": intaking.BODY, "parameters": [*HEADER["parameters"], *intaking.PARAMETERS]},
    )
    async def create(request: Request, caller: Caller = writes, _: None = room) -> Response:
        """CSV, NDJSON, JSON, vCard (200 MB at most), or a ZIP of one of them with its pictures (2 GB). Each row is
        judged by a worker: ask for the import, or listen to ``import.finished``."""
        key = key_of(request)
        async with places.received(request) as sent:
            told = await run_sync(intaking.take, house, caller, sent, key, limiter=places.lanes)
        return told.response()

    @router.post(
        "/preview",
        operation_id="previewImport",
        summary="Look at a file of orders",
        response_model=shapes.PreviewShape,
        openapi_extra={"requestBody": intaking.BODY, "parameters": intaking.PARAMETERS},
    )
    async def preview(request: Request, caller: Caller = writes) -> shapes.PreviewShape:
        """What its columns are taken for, and what is wrong with its first rows. Nothing is stored."""
        async with places.received(request) as sent:
            return await run_sync(intaking.preview, sent, limiter=places.lanes)

    @router.get("", operation_id="listImports", summary="Imports", response_model=shapes.ImportsShape)
    def listed(limit: Limit = asked.USUAL, cursor: Cursor = None, caller: Caller = writes) -> shapes.ImportsShape:
        """Newest first."""
        begin = asked.begins(house, caller, "imports", cursor)
        found, last = house.store.imports(caller.scope, limit, begin)
        return shapes.ImportsShape(
            imports=[intaking.shape(each) for each in found], next=asked.cursor(house, caller, "imports", last)
        )

    @router.get("/{id}", operation_id="getImport", summary="An import", response_model=shapes.ImportShape)
    def one(id: str, caller: Caller = writes) -> shapes.ImportShape:
        """How far it has come: rows by state."""
        return intaking.shape(house.store.import_(caller.scope, plain(id)))

    @router.post(
        "/{id}/cancel", operation_id="cancelImport", summary="Stop an import", response_model=shapes.ImportShape
    )
    def cancelled(id: str, caller: Caller = writes) -> shapes.ImportShape:
        """Rows that were not judged yet are dropped; orders that exist stay."""
        return intaking.shape(house.store.cancel_import(caller.scope, plain(id), caller.actor))

    @router.get("/{id}/rows", operation_id="listRows", summary="An import's rows", response_model=shapes.RowsShape)
    def rows(
        id: str, state: Annotated[RowState | None, Query()] = None, after: After = 0, limit: Limit = asked.USUAL,
        caller: Caller = writes,
    ) -> shapes.RowsShape:  # fmt: skip
        """By line. ``next`` is the ``after`` of the next page."""
        wanted = None if state is None else str(state)
        found = house.store.rows(caller.scope, plain(id), wanted, after, limit + 1)
        page = found[:limit]
        return shapes.RowsShape(
            rows=[_row(each) for each in page], next=page[-1].line if len(found) > limit else None
        )  # fmt: skip

    @router.put(
        "/{id}/rows/{line}", operation_id="mendRow", summary="Mend a refused row", status_code=202,
        response_model=shapes.RowShape, openapi_extra=_ORDER_BODY,
    )  # fmt: skip
    async def mended(id: str, line: Line, request: Request, caller: Caller = writes, _: None = room) -> shapes.RowShape:
        """The order as it should have been, as a whole; a worker judges it again."""
        data = await read_object(request)

        def work() -> Row:
            found = house.store.rows(caller.scope, plain(id), None, line - 1, 1)
            if not found or found[0].line != line:
                unknown = error("row.unknown", "line", "is no line of this import", "list the import's rows")
                raise Refused("No such row.", [unknown])
            intaking.readable(data)
            return house.store.mend_row(caller.scope, found[0].id, data, caller.actor)

        return _row(await run_sync(work))

    @router.get(
        "/{id}/failed.csv", operation_id="getFailedRows", summary="The refused rows as a file",
        response_class=Response, responses=_FAILED,
    )  # fmt: skip
    def failed(id: str, caller: Caller = writes) -> Response:
        """Your own columns with three in front: the line, what is wrong, what to do. Mend it and hand it in again: the
        three are passed over. Of a file of JSON it is NDJSON. Who got it stands in the audit log."""
        found = house.store.import_(caller.scope, plain(id))
        if found.state is ImportState.RECEIVED:
            what, remedy = "is not read yet", "wait until its state is another"
            raise Conflict("The file was not read yet.", [error("import.not_read", "import", what, remedy)])
        house.store.audit(
            caller.scope.tenant, caller.actor, "download", found.id, file="failed", mode=caller.scope.mode
        )
        refused = _refused(house, caller, found)
        table = bool(found.header)
        ending, kind = ("csv", "text/csv; charset=utf-8") if table else ("ndjson", "application/x-ndjson")
        headers = {"content-disposition": f'attachment; filename="failed-{found.id}.{ending}"'}
        lines = failed_csv(found.header, refused) if table else failed_ndjson(refused)
        return StreamingResponse(lines, 200, headers, kind)

    return router


def _refused(house: Shop, caller: Caller, found: Import) -> Iterator[Failed]:
    """Page by page, so that a file of any length is never held as a whole."""
    after = 0
    while page := house.store.rows(caller.scope, found.id, str(RowState.REFUSED), after, _PAGE):
        for row in page:
            if row.cells:  # none any more once the import was erased
                yield row.line, row.cells, row.findings
        after = page[-1].line


def _row(row: Row) -> shapes.RowShape:
    order = row.id if row.state is RowState.ACCEPTED and not row.dry_run else None
    return shapes.RowShape(
        line=row.line, order=order, reference=row.reference, state=str(row.state), findings=findings(row.findings),
        at=row.at,
    )  # fmt: skip
