"""``/v1/pictures``: upload a picture once, name it by its digest in any number of orders. Judged before it is kept."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Literal

import anyio
from anyio.to_thread import run_sync
from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import Response

from cardpipe.api import shapes, uploads
from cardpipe.api.access import Caller, needs
from cardpipe.api.asked import described, said
from cardpipe.api.body import form, media_type, read
from cardpipe.api.limits import room
from cardpipe.api.problem import Turned
from cardpipe.model.errors import Unavailable
from cardpipe.prepress.picture import MAX_BYTES
from cardpipe.wiring import Shop

#: Pictures in memory at once. Whoever waits longer than that for a place is told to come again.
AT_ONCE, WAIT_SECONDS = 4, 20.0

#: What a form's own lines may take beside the file.
_AROUND = 64_000
_FORM = "multipart/form-data"
_NO_PICTURE = {"application/x-www-form-urlencoded", "application/json"}
_BINARY = {"type": "string", "format": "binary"}
_BODY = {
    "required": True,
    "description": "The file's bytes as they are, or a form with the file in its field `file`. Its format is told by "
    "its bytes, not by the media type.",
    "content": {
        "application/octet-stream": {"schema": _BINARY},
        _FORM: {"schema": {"type": "object", "required": ["file"], "properties": {"file": _BINARY}}},
    },
}
_RAW = {"required": True, "content": {"application/octet-stream": {"schema": _BINARY}}}

Use = Literal["photo", "signature"]


class UploadAsked(BaseModel):
    """What will be uploaded, and how large it is at most."""

    model_config = ConfigDict(extra="forbid", strict=True)

    use: Use = "photo"
    bytes: int = Field(ge=1, le=MAX_BYTES)


class UploadShape(BaseModel):
    """Where to ``method`` the file's bytes, with these headers and no key, before ``expires_at``; then POST
    ``/v1/pictures/uploads/{upload}/done``. A ``url`` that begins with ``/`` is one of this API."""

    upload: str
    url: str
    method: str
    headers: dict[str, str]
    expires_at: str


def routes(house: Shop) -> APIRouter:
    """The pictures' routes."""
    router = APIRouter(prefix="/v1/pictures", tags=["pictures"])
    places = anyio.CapacityLimiter(AT_ONCE)
    needed = Depends(needs(house, "pictures:write"))
    has_room = Depends(room(house))

    @asynccontextmanager
    async def a_place() -> AsyncIterator[None]:
        try:
            with anyio.fail_after(WAIT_SECONDS):
                await places.acquire()
        except TimeoutError:
            raise Unavailable("Too many pictures are being looked at; send this one again in a moment.") from None
        try:
            yield
        finally:
            places.release()

    @router.post(
        "",
        operation_id="uploadPicture",
        summary="Upload a picture",
        status_code=201,
        response_model=shapes.PictureShape,
        responses={200: {"model": shapes.PictureShape, "description": "It was there already."}},
        openapi_extra={"requestBody": _BODY},
    )
    async def upload(
        request: Request, response: Response, use: Use = "photo", caller: Caller = needed, _: None = has_room
    ) -> shapes.PictureShape:
        """A JPEG, PNG, WebP, TIFF, HEIC or AVIF file of at most 25 MB. What cannot be printed is refused; of a
        signature, the ink is looked for."""
        async with a_place():
            data = await _taken(request)
            shape, fresh = await run_sync(uploads.keep, house, caller.scope, data, use)
        response.status_code = 201 if fresh else 200
        return shape

    @router.post(
        "/uploads",
        operation_id="planUpload",
        summary="Have an address to upload to",
        status_code=201,
        response_model=UploadShape,
        openapi_extra=described(UploadAsked, "What will be uploaded."),
    )
    async def plan(request: Request, caller: Caller = needed, _: None = has_room) -> UploadShape:
        """For programs that have no key, such as a browser or a phone: PUT the bytes to the answered address within ten
        minutes. Where pictures lie in a bucket, it is the bucket's own."""
        asked = await said(request, UploadAsked)
        made, url, headers = await run_sync(uploads.plan, house, caller.scope, asked.use, asked.bytes)
        return UploadShape(upload=made.text, url=url, method="PUT", headers=headers, expires_at=made.expires_at)

    @router.put(
        "/uploads/{upload}",
        operation_id="putUpload",
        summary="Upload to a planned address",
        response_model=shapes.PictureShape,
        openapi_extra={"requestBody": _RAW, "security": []},
    )
    async def put(upload: str, request: Request) -> shapes.PictureShape:
        """The file's bytes, judged at once. No key: the address was signed for this one upload."""
        taken = uploads.read(house, upload)
        async with a_place():
            data = await read(request, taken.most, "this upload")
            return await run_sync(uploads.put, house, taken, data)

    @router.post(
        "/uploads/{upload}/done",
        operation_id="finishUpload",
        summary="Say that an upload is complete",
        status_code=201,
        response_model=shapes.PictureShape,
    )
    async def done(upload: str, caller: Caller = needed, _: None = has_room) -> shapes.PictureShape:
        """The picture as orders name it, once it was judged. What cannot be printed is refused and removed."""
        found = uploads.read(house, upload, caller.scope)
        async with a_place():
            return await run_sync(uploads.finish, house, found)

    return router


async def _taken(request: Request) -> bytes:
    """The picture's bytes, from a form or as they are."""
    kind = media_type(request)
    if kind in _NO_PICTURE:
        remedy = "send the file's bytes alone, as image/jpeg, or a multipart/form-data form with the field file"
        raise Turned(415, "request.media_type", "Content-Type", "is of no picture", remedy)
    if kind != _FORM:
        return await read(request, MAX_BYTES, "a picture")
    async with form(request, MAX_BYTES + _AROUND, "a picture") as sent:
        if sent.size > MAX_BYTES:
            what = f"is larger than the {MAX_BYTES / 1e6:g} MB of a picture"
            raise Turned(413, "request.large", "file", what, "send less")
        return await run_sync(sent.file.read)
