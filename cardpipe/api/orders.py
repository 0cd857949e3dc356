"""``/v1/orders``: hand in an order, ask what became of it, list orders, change one.

What else may be done to an order stands in :mod:`cardpipe.api.dealing`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Annotated, Any

import anyio
from anyio.to_thread import run_sync
from fastapi import APIRouter, Depends, Query
from starlette.requests import Request
from starlette.responses import Response

from cardpipe.api import asked, dealing, handing, limits, viewing
from cardpipe.api import shapes_orders as shapes
from cardpipe.api.access import Caller, needs
from cardpipe.api.body import MAX_JSON, media_type, read, read_object, strict_object
from cardpipe.api.once import HEADER, key_of
from cardpipe.api.problem import Turned
from cardpipe.model.errors import Conflict, Refused
from cardpipe.model.finding import error
from cardpipe.model.intake import Row
from cardpipe.model.status import OrderState, PieceState
from cardpipe.model.stored import OrderQuery
from cardpipe.pipeline.change import change
from cardpipe.pipeline.mend import mend
from cardpipe.wiring import Shop

#: Orders judged at once: judging is work for a processor, so more of them would only wait for each other.
AT_ONCE = 4

_ORDER_BODY: dict[str, Any] = {
    "required": True,
    "description": "Pictures are named by the sha256:… that POST /v1/pictures answered, never by a path.",
    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Order"}}},
}
_PATCH_BODY: dict[str, Any] = {
    "required": True,
    "description": "A merge patch (RFC 7396) of the order as it was handed in; null takes a field away.",
    "content": {kind: {"schema": {"type": "object"}} for kind in ("application/merge-patch+json", "application/json")},
}
_IF_MATCH = {
    "name": "If-Match", "in": "header", "required": True, "description": "The order's etag.",
    "schema": {"type": "string"},
}  # fmt: skip
_PRECONDITIONS: dict[int | str, dict[str, Any]] = {
    status: {"description": what, "content": {"application/problem+json": {
        "schema": {"$ref": "#/components/schemas/ProblemShape"}}}}
    for status, what in ((412, "Another revision is stored."), (428, "If-Match is missing."))
}  # fmt: skip
_METADATA = {
    "name": "metadata", "in": "query", "style": "deepObject", "explode": True, "required": False,
    "description": "metadata[key]=value: only orders that carry it.",
    "schema": {"type": "object", "additionalProperties": {"type": "string"}},
}  # fmt: skip
_LIST = {"limit", "cursor", "state", "piece_state", "occasion", "design", "mail_on", "held", "since", "until", "import"}

_CREATED: dict[int | str, dict[str, Any]] = {
    200: {
        "model": shapes.OrderShape, "description": "The same order was handed in before.",
        "headers": asked.heads("Location", "Idempotent-Replayed"),
    },
    202: {"headers": asked.heads("Location")},
}  # fmt: skip
_TAGGED: dict[int | str, dict[str, Any]] = {200: {"headers": asked.heads("ETag")}}

Limit = Annotated[int, Query(ge=1, le=asked.MOST)]
Cursor = Annotated[str | None, Query(max_length=200, description="The `next` of the page before.")]
Word = Annotated[str, Query(max_length=64, pattern="^[a-z0-9-]*$")]
Moment = Annotated[asked.Moment | None, Query(description="Of accepted_at, ISO 8601.")]


def routes(house: Shop) -> APIRouter:
    """The orders' routes: fixed endings first, since a reference may hold a slash."""
    router = APIRouter(prefix="/v1/orders", tags=["orders"])
    reads, writes = Depends(needs(house, "orders:read")), Depends(needs(house, "orders:write"))
    room = Depends(limits.room(house))
    desks = anyio.CapacityLimiter(AT_ONCE)

    @router.post(
        "",
        operation_id="createOrder",
        summary="Hand in an order",
        status_code=202,
        response_model=shapes.OrderShape,
        responses=_CREATED,
        openapi_extra={"requestBody": _ORDER_BODY, **HEADER},
    )
    async def create(request: Request, caller: Caller = writes, _: None = room) -> Response:
        """202: it will be printed. 422: refused with every finding, nothing stored. The same order again answers 200
        with the stored one and ``Idempotent-Replayed: true``; other content under the same reference is 409. An order
        that names photos by URL is 202 with state ``received``: a worker fetches and judges it."""
        key = key_of(request)
        data = await read_object(request)
        told = await run_sync(handing.hand_in, house, caller, data, key, limiter=desks)
        return told.response()

    @router.get(
        "",
        operation_id="listOrders",
        summary="Orders",
        response_model=shapes.OrdersShape,
        openapi_extra={"parameters": [_METADATA]},
    )
    def listed(
        request: Request,
        limit: Limit = asked.USUAL,
        cursor: Cursor = None,
        state: Annotated[list[OrderState] | None, Query()] = None,
        piece_state: Annotated[list[PieceState] | None, Query()] = None,
        occasion: Word = "",
        design: Word = "",
        mail_on: Annotated[asked.Date | None, Query()] = None,
        held: Annotated[bool | None, Query()] = None,
        since: Moment = None,
        until: Moment = None,
        import_id: Annotated[str, Query(alias="import", max_length=64, pattern="^[ -~]*$")] = "",
        caller: Caller = reads,
    ) -> shapes.OrdersShape:
        """Newest first. Filters that are named together must all fit; a filter that is none is refused, since a list
        that is longer than asked for may be acted upon."""
        query = OrderQuery(
            states=tuple(map(str, state or ())), piece_states=tuple(map(str, piece_state or ())), occasion=occasion,
            design=design, mail_on=mail_on.isoformat() if mail_on else "", held=held, metadata=_metadata(request),
            since=_moment(since), until=_moment(until), import_id=import_id,
            before=asked.begins(house, caller, "orders", cursor), limit=limit,
        )  # fmt: skip
        found, last = house.store.list_orders(caller.scope, query)
        return shapes.OrdersShape(
            orders=viewing.views(house, caller.scope, found), next=asked.cursor(house, caller, "orders", last)
        )

    dealing.add(router, house, desks)

    @router.get(
        "/{key:path}", operation_id="getOrder", summary="An order's fate", response_model=shapes.OrderShape,
        responses=_TAGGED,
    )  # fmt: skip
    def show(key: str, response: Response, caller: Caller = reads) -> shapes.OrderShape:
        """By your reference or by id. A reference that HTTP programs would change (``..``) is safer asked for by id."""
        shape = viewing.show(house, viewing.found(house, caller.scope, key))
        response.headers["etag"] = shape.etag
        return shape

    @router.patch(
        "/{key:path}",
        operation_id="changeOrder",
        summary="Change an order",
        response_model=shapes.OrderShape,
        responses=_PRECONDITIONS | _TAGGED,
        openapi_extra={"requestBody": _PATCH_BODY, "parameters": [_IF_MATCH]},
    )
    async def amend(
        key: str, request: Request, response: Response, caller: Caller = writes, _: None = room
    ) -> shapes.OrderShape:
        """Until its piece lies in a batch: a new revision, judged as a whole, or 422 and nothing changes. An approval
        of the card as it was is void. A refused order that is none yet is mended and judged again."""
        patch = await _patch(request)
        shape = await run_sync(amended, house, caller, key, patch, request, limiter=desks)
        response.headers["etag"] = shape.etag
        return shape

    return router


def amended(house: Shop, caller: Caller, key: str, patch: dict[str, Any], request: Request) -> shapes.OrderShape:
    """The order after the patch. Raises Refused with every finding; Turned 412, 428; Conflict where it is too late."""
    stored = viewing.found(house, caller.scope, key)
    revision = viewing.revision_of(request, stored)
    if isinstance(stored, Row):
        return viewing.show(house, mend(house, stored, patch, caller.actor))
    handing.judge_urls(house, patch)
    try:
        verdict = change(house, caller.scope, stored.id, patch, revision, handing.no_paths, caller.actor)
    except Conflict as problem:
        if problem.findings and problem.findings[0].code == "order.revision":
            raise viewing.other_revision("names a revision that was changed meanwhile") from None
        raise
    if verdict.order is None:
        raise Refused("the change was refused; the order is as it was", verdict.findings)
    return viewing.view(house, verdict.order)


async def _patch(request: Request) -> dict[str, Any]:
    if media_type(request) not in ("application/merge-patch+json", "application/json"):
        remedy = "send Content-Type: application/merge-patch+json"
        raise Turned(415, "request.media_type", "Content-Type", "is not said to be a merge patch", remedy)
    return strict_object(await read(request, MAX_JSON, "a change"))


def _metadata(request: Request) -> Mapping[str, str]:
    """``metadata[key]=value``. Raises Refused for every other parameter that the list does not know."""
    found: dict[str, str] = {}
    wrong = []
    for name, value in request.query_params.multi_items():
        key = name[9:-1] if name.startswith("metadata[") and name.endswith("]") else ""
        if key and key not in found and "\0" not in key + value:
            found[key] = value
        elif key:
            wrong.append(error("request.parameter", "metadata", "names a key twice, or holds NUL", "name it once"))
        elif name not in _LIST:
            remedy = f"the filters are: {', '.join(sorted(_LIST))}, metadata[key]"
            wrong.append(error("request.parameter", name[:40], "is no filter of this list", remedy))
    if wrong:
        raise Refused("the request's parameters cannot be used", wrong)
    return found


def _moment(given: dt.datetime | None) -> str:
    if given is None:
        return ""
    return (given if given.tzinfo else given.replace(tzinfo=dt.UTC)).isoformat()
