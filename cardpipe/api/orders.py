"""``/v1/orders``: hand in an order, ask what became of it, withdraw it."""

from __future__ import annotations

from typing import Any

import anyio
from anyio.to_thread import run_sync
from fastapi import APIRouter
from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import Response

from cardpipe.api import shapes
from cardpipe.api.body import plain, read_object
from cardpipe.model.address import clean_text
from cardpipe.model.errors import Conflict, Refused
from cardpipe.model.finding import error
from cardpipe.pipeline.accept import Verdict, accept
from cardpipe.pipeline.cancel import cancel
from cardpipe.ports import StoredOrder
from cardpipe.wiring import Shop

#: Orders judged at once: judging is work for a processor, so more of them would only wait for each other.
AT_ONCE = 4

_ORDER_BODY = {
    "required": True,
    "description": "Pictures are named by the sha256:… that POST /v1/pictures answered, never by a path.",
    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Order"}}},
}
_CANCEL_BODY = {
    "required": True,
    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/CancelShape"}}},
}
_UPLOAD_FIRST = "send the picture to POST /v1/pictures and write the sha256:… that it answers"
_SAY_WHY = 'send {"reason": "…"}, one line of at most 200 characters'


def routes(house: Shop) -> APIRouter:
    """The orders' routes."""
    router = APIRouter(prefix="/v1/orders", tags=["orders"])
    desks = anyio.CapacityLimiter(AT_ONCE)

    @router.post(
        "",
        operation_id="createOrder",
        summary="Hand in an order",
        status_code=202,
        response_model=shapes.OrderShape,
        responses={200: {"model": shapes.OrderShape, "description": "The same order was handed in before."}},
        openapi_extra={"requestBody": _ORDER_BODY},
    )
    async def create(request: Request, response: Response) -> shapes.OrderShape:
        """202: it will be printed. 422: refused with every finding, nothing stored. The same order again answers 200
        with the stored one and ``Idempotent-Replayed: true``; other content under the same reference is 409."""
        data = await read_object(request)
        shape, fresh = await run_sync(hand_in, house, data, limiter=desks)
        response.headers["location"] = f"/v1/orders/{shape.id}"
        if not fresh:
            response.status_code = 200
            response.headers["idempotent-replayed"] = "true"
        return shape

    @router.post(
        "/{key:path}/cancel",
        operation_id="cancelOrder",
        summary="Withdraw an order",
        response_model=shapes.OrderShape,
        openapi_extra={"requestBody": _CANCEL_BODY},
    )
    async def withdraw(key: str, request: Request) -> shapes.OrderShape:
        """Until its piece lies in a print file; afterwards 409. Twice is once."""
        reason = _reason(await read_object(request))
        return await run_sync(lambda: view(house, cancel(house, house.scope, plain(key), reason)), limiter=desks)

    @router.get("/{key:path}", operation_id="getOrder", summary="An order's fate", response_model=shapes.OrderShape)
    def show(key: str) -> shapes.OrderShape:
        """By your reference or by id. A reference that HTTP programs would change (``..``) is safer asked for by id."""
        return view(house, house.store.order(house.scope, plain(key)))

    return router


def hand_in(house: Shop, data: dict[str, Any]) -> tuple[shapes.OrderShape, bool]:
    """Accept an order; the stored one, and whether it is new. Raises Refused and Conflict with every finding."""
    today = house.clock.now().astimezone().date().isoformat()
    verdict = accept(house, house.scope, data, _no_paths, today)
    if verdict.order is None:
        raise _refusal(verdict)
    return view(house, verdict.order), verdict.fresh


def view(house: Shop, stored: StoredOrder) -> shapes.OrderShape:
    """An order with its piece, its batch and its log."""
    store, scope = house.store, house.scope
    subjects = (stored.id, *(piece.id for piece in stored.pieces))
    log = sorted((event for subject in subjects for event in store.events(scope, subject)), key=lambda event: event.at)
    batched = any(piece.batch_id for piece in stored.pieces)
    names = {batch.id: batch.name for batch in store.batches_of(scope, [stored.id])} if batched else {}
    return shapes.order(stored, names, log)


def _refusal(verdict: Verdict) -> Refused | Conflict:
    if any(finding.code == "order.reference_reused" for finding in verdict.findings):
        return Conflict("another order has this reference; nothing was stored", verdict.findings)
    return Refused("the order was refused; nothing was stored", verdict.findings)


def _no_paths(ref: str, where: str) -> bytes:
    """Whatever an order names that is no picture of ours. The name itself is not repeated: it may be a path."""
    raise Refused("no digest", [error("picture.not_uploaded", where, "is no digest of a picture", _UPLOAD_FIRST)])


def _reason(data: dict[str, Any]) -> str:
    try:
        said = shapes.CancelShape.model_validate(data).reason
    except ValidationError as problem:
        findings = [error("cancel.reason", ".".join(map(str, e["loc"])), e["msg"], _SAY_WHY) for e in problem.errors()]
        raise Refused("the cancellation cannot be read", findings) from None
    try:
        reason = str(clean_text(said))
    except ValueError as problem:
        raise Refused("the reason cannot be kept", [error("cancel.reason", "reason", str(problem), _SAY_WHY)]) from None
    if not reason:
        raise Refused("the reason is empty", [error("cancel.reason", "reason", "is empty", _SAY_WHY)])
    return reason
