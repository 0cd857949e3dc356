"""``/v1/batches``: what lies in print files, and the files themselves."""

from __future__ import annotations

import base64
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Depends, Query
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from cardpipe.api import asked, shapes
from cardpipe.api.access import Caller, needs
from cardpipe.api.body import plain
from cardpipe.api.problem import Turned
from cardpipe.model.batch import BatchFile
from cardpipe.pipeline.giving import proven
from cardpipe.pipeline.release import is_released
from cardpipe.wiring import Shop

_CHUNK = 1 << 18
_TYPES = {"pdf": "application/pdf", "json": "application/json", "csv": "text/csv; charset=utf-8",
          "xjdf": "application/vnd.cip4-xjdf+xml"}  # fmt: skip
_OTHER = "application/octet-stream"
_FILE: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The file.",
        "content": {kind: {"schema": {}} for kind in (*_TYPES.values(), _OTHER)},
        "headers": asked.heads("ETag", "Repr-Digest"),
    },
    304: {"description": "Unchanged."},
}
Limit = Annotated[int, Query(ge=1, le=asked.MOST)]
Cursor = Annotated[str | None, Query(max_length=200, description="The `next` of the page before.")]
MailOn = Annotated[asked.Date | None, Query(description="Only those of one mail date.")]


def routes(house: Shop) -> APIRouter:
    """The batches' routes. What was ordered with a test key lies in none."""
    router = APIRouter(prefix="/v1/batches", tags=["batches"])
    reads = Depends(needs(house, "batches:read"))

    @router.get("", operation_id="listBatches", summary="Batches", response_model=shapes.BatchesShape)
    def listed(
        mail_on: MailOn = None, limit: Limit = asked.USUAL, cursor: Cursor = None, caller: Caller = reads
    ) -> shapes.BatchesShape:
        """Oldest first."""
        begin = int(asked.begins(house, caller, "batches", cursor) or 0)
        every = house.store.batches(caller.scope, mail_on.isoformat() if mail_on else None)
        found = sorted((batch for batch in every if batch.number > begin), key=lambda batch: batch.number)
        last = str(found[limit - 1].number) if len(found) > limit else None
        return shapes.BatchesShape(
            batches=[shapes.batch(batch) for batch in found[:limit]], next=asked.cursor(house, caller, "batches", last)
        )

    @router.get("/{name}", operation_id="getBatch", summary="A batch", response_model=shapes.BatchShape)
    def one(name: str, caller: Caller = reads) -> shapes.BatchShape:
        """By name or id, with its files and their digests."""
        return shapes.batch(house.store.batch(caller.scope, plain(name)))

    @router.head("/{name}/files/{file}", include_in_schema=False)
    @router.get(
        "/{name}/files/{file}",
        operation_id="getBatchFile",
        summary="A file of a batch",
        response_class=Response,
        responses=_FILE,
    )
    def download(name: str, file: str, request: Request, caller: Caller = reads) -> Response:
        """The bytes, compared with their digest while they are sent: a file that was damaged on the disk breaks off.
        Who got which file stands in the audit log."""
        batch = house.store.batch(caller.scope, plain(name))
        if not is_released(batch):
            remedy = "release the batch first; until then its files may still change"
            raise Turned(409, "batch.not_released", "name", f"is {batch.state}", remedy)
        found = next((f for f in batch.files if f.name == file), None)
        if found is None:
            raise Turned(404, "batch.file_unknown", "file", "is none of this batch", "take a name from its files")
        headers = _headers(found)
        if f'"{found.sha256}"' in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers={"etag": headers["etag"]})
        if request.method == "HEAD":
            return Response(headers=headers)
        source = house.artifacts.open(caller.scope, found.sha256)
        house.store.audit(
            caller.scope.tenant, caller.actor, "download", batch.id, batch=batch.name, file=found.name,
            mode=caller.scope.mode,
        )  # fmt: skip
        return StreamingResponse(proven(source, found), headers=headers)

    return router


def _headers(file: BatchFile) -> dict[str, str]:
    kind = _TYPES.get(file.name.rpartition(".")[2].lower(), _OTHER)
    digest = base64.b64encode(bytes.fromhex(file.sha256)).decode()
    return {
        "content-type": kind,
        "content-length": str(file.size),
        "etag": f'"{file.sha256}"',
        "repr-digest": f"sha-256=:{digest}:",
        "content-disposition": f"attachment; filename*=UTF-8''{quote(file.name, safe='')}",
        "accept-ranges": "none",
    }
