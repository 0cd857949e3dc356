"""``/v1/pictures``: upload a picture once, name it by its digest in any number of orders."""

from __future__ import annotations

import hashlib

import anyio
from anyio.to_thread import run_sync
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from cardpipe.api import shapes
from cardpipe.api.body import media_type, read
from cardpipe.api.problem import Turned
from cardpipe.model.errors import Refused, Unavailable
from cardpipe.model.finding import has_errors
from cardpipe.prepress.picture import MAX_BYTES
from cardpipe.wiring import Shop

#: Pictures in memory at once. Whoever waits longer than that for a place is told to come again.
AT_ONCE, WAIT_SECONDS = 4, 20.0

_FORMS = {"multipart/form-data", "application/x-www-form-urlencoded", "application/json"}
_BODY = {
    "required": True,
    "description": "The file's bytes as they are. Its format is told by its bytes, not by the media type.",
    "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
}


def routes(house: Shop) -> APIRouter:
    """The pictures' routes."""
    router = APIRouter(prefix="/v1/pictures", tags=["pictures"])
    places = anyio.CapacityLimiter(AT_ONCE)

    @router.post(
        "",
        operation_id="uploadPicture",
        summary="Upload a picture",
        status_code=201,
        response_model=shapes.PictureShape,
        responses={200: {"model": shapes.PictureShape, "description": "It was there already."}},
        openapi_extra={"requestBody": _BODY},
    )
    async def upload(request: Request, response: Response) -> shapes.PictureShape:
        """The bytes of a JPEG, PNG, WebP, TIFF, HEIC or AVIF file, at most 25 MB. What cannot be printed is refused."""
        if media_type(request) in _FORMS:
            remedy = "send the file's bytes alone, as image/jpeg or application/octet-stream"
            raise Turned(415, "request.media_type", "Content-Type", "is a form or JSON", remedy)
        try:
            with anyio.fail_after(WAIT_SECONDS):
                await places.acquire()
        except TimeoutError:
            raise Unavailable("Too many pictures are being looked at; send this one again in a moment.") from None
        try:
            data = await read(request, MAX_BYTES, "a picture")
            shape, fresh = await run_sync(keep, house, data)
        finally:
            places.release()
        response.status_code = 201 if fresh else 200
        return shape

    return router


def keep(house: Shop, data: bytes) -> tuple[shapes.PictureShape, bool]:
    """Judge a picture in the darkroom and store it; whether it is new. Raises Refused with every finding."""
    facts = house.darkroom.judge(data, "picture")
    if has_errors(facts.findings):
        raise Refused("the picture cannot be used; nothing was stored", facts.findings)
    fresh = not house.artifacts.has(house.scope, hashlib.sha256(data).hexdigest())
    shape = shapes.PictureShape(
        picture="sha256:" + house.artifacts.put(house.scope, data), bytes=len(data), format=facts.format,
        width=facts.width, height=facts.height, mode=facts.mode, has_icc=facts.has_icc, orientation=facts.orientation,
        findings=shapes.findings(facts.findings),
    )  # fmt: skip
    return shape, fresh
