"""``/v1/webhooks``: who is told of what happens, what they answered, and what is sent again."""

from __future__ import annotations

from typing import Annotated, Literal

from anyio.to_thread import run_sync
from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import Response

from cardpipe.api import asked
from cardpipe.api import shapes_doors as shapes
from cardpipe.api.access import Caller, needs
from cardpipe.api.body import plain
from cardpipe.api.problem import Turned
from cardpipe.model.errors import Refused
from cardpipe.model.outbox import TYPES, Delivered, Endpoint, NewEndpoint
from cardpipe.pipeline.tell import shown_secret
from cardpipe.wiring import Shop

Url = Annotated[str, Field(min_length=9, max_length=2000)]
Types = Annotated[list[str], Field(max_length=len(TYPES), description=f"None named: all. {', '.join(TYPES)}.")]
Limit = Annotated[int, Query(ge=1, le=asked.MOST)]
Cursor = Annotated[str | None, Query(max_length=200, description="The `next` of the page before.")]
State = Annotated[Literal["pending", "delivered", "given_up"] | None, Query()]


class NewWebhookShape(BaseModel):
    """Who wants to be told, and of what."""

    model_config = ConfigDict(extra="forbid", strict=True)

    url: Url
    types: Types = []


class WebhookChangeShape(BaseModel):
    """What is given is changed. ``enabled`` true after it was disabled: what waited is sent at once."""

    model_config = ConfigDict(extra="forbid", strict=True)

    url: Url | None = None
    types: Types | None = None
    enabled: bool | None = None


class ReplayShape(BaseModel):
    """One message by its id (``msg_…``), or all since a moment (ISO 8601)."""

    model_config = ConfigDict(extra="forbid", strict=True)

    delivery: str | None = Field(default=None, max_length=64, pattern="^[ -~]+$")
    since: str | None = Field(default=None, max_length=40, pattern="^[ -~]+$")


def routes(house: Shop) -> APIRouter:
    """The webhooks' routes."""
    router = APIRouter(prefix="/v1/webhooks", tags=["webhooks"])
    writes = Depends(needs(house, "webhooks:write"))

    @router.get("", operation_id="listWebhooks", summary="Endpoints", response_model=shapes.WebhooksShape)
    def listed(caller: Caller = writes) -> shapes.WebhooksShape:
        """Oldest first; at most ten, on one page."""
        return shapes.WebhooksShape(webhooks=[_shape(each) for each in house.store.endpoints(caller.scope)])

    @router.post(
        "", operation_id="createWebhook", summary="Add an endpoint", status_code=201,
        response_model=shapes.NewWebhookToldShape, openapi_extra=asked.described(NewWebhookShape),
        responses={201: {"headers": asked.heads("Location")}},
    )  # fmt: skip
    async def added(request: Request, response: Response, caller: Caller = writes) -> shapes.NewWebhookToldShape:
        """It is told of what happens from now on. The answer holds its secret, which is shown now and when it is
        replaced, and never else."""
        said = await asked.said(request, NewWebhookShape)

        def work() -> Endpoint:
            _judge(house, said.url)
            return house.store.add_endpoint(NewEndpoint(caller.scope, said.url, tuple(said.types)), caller.actor)

        endpoint = await run_sync(work)
        response.headers["location"] = f"/v1/webhooks/{endpoint.id}"
        return _with_secret(house, endpoint)

    @router.get("/{id}", operation_id="getWebhook", summary="An endpoint", response_model=shapes.WebhookShape)
    def one(id: str, caller: Caller = writes) -> shapes.WebhookShape:
        """With what waits for it, and since when it takes nothing."""
        return _shape(house.store.endpoint(caller.scope, plain(id)))

    @router.patch(
        "/{id}", operation_id="changeWebhook", summary="Change an endpoint", response_model=shapes.WebhookShape,
        openapi_extra=asked.described(WebhookChangeShape),
    )  # fmt: skip
    async def changed(id: str, request: Request, caller: Caller = writes) -> shapes.WebhookShape:
        """Its URL, what it listens to, whether it is told at all."""
        said = await asked.said(request, WebhookChangeShape)

        def work() -> Endpoint:
            house.store.endpoint(caller.scope, plain(id))
            if said.url is not None:
                _judge(house, said.url)
            return house.store.change_endpoint(
                caller.scope, id, caller.actor, url=said.url, types=said.types, enabled=said.enabled
            )

        return _shape(await run_sync(work))

    @router.delete("/{id}", operation_id="deleteWebhook", summary="Remove an endpoint", status_code=204)
    def dropped(id: str, caller: Caller = writes) -> Response:
        """With all that was still to be sent there."""
        house.store.drop_endpoint(caller.scope, plain(id), caller.actor)
        return Response(status_code=204)

    @router.post(
        "/{id}/rotate", operation_id="rotateSecret", summary="Replace the secret",
        response_model=shapes.NewWebhookToldShape,
    )  # fmt: skip
    def rotated(id: str, caller: Caller = writes) -> shapes.NewWebhookToldShape:
        """A new secret. For a day the one before signs as well, so that the receiver can be changed in between."""
        return _with_secret(house, house.store.change_endpoint(caller.scope, plain(id), caller.actor, rotate=True))

    @router.post(
        "/{id}/test", operation_id="testWebhook", summary="Send a test", status_code=202,
        response_model=shapes.WebhookShape,
    )  # fmt: skip
    def tested(id: str, caller: Caller = writes) -> shapes.WebhookShape:
        """A ``webhook.test`` goes the way of every other event; its answer stands among the deliveries."""
        house.store.test_endpoint(caller.scope, plain(id), caller.actor)
        return _shape(house.store.endpoint(caller.scope, id))

    @router.post(
        "/{id}/replay", operation_id="replayWebhook", summary="Send again", status_code=202,
        response_model=shapes.ReplayedShape, openapi_extra=asked.described(ReplayShape),
    )  # fmt: skip
    async def replayed(id: str, request: Request, caller: Caller = writes) -> shapes.ReplayedShape:
        """The message keeps its id, by which the receiver knows that it had it before."""
        said = await asked.said(request, ReplayShape)

        def work() -> int:
            house.store.endpoint(caller.scope, plain(id))
            try:
                return house.store.replay(caller.scope, id, delivery=said.delivery, since=said.since)
            except Refused as problem:
                if any(finding.code == "webhook.delivery.unknown" for finding in problem.findings):
                    remedy = "list the deliveries"
                    raise Turned(404, "webhook.delivery.unknown", "delivery", "was not sent there", remedy) from None
                raise

        return shapes.ReplayedShape(messages=await run_sync(work))

    @router.get(
        "/{id}/deliveries", operation_id="listDeliveries", summary="What was sent, and what was answered",
        response_model=shapes.DeliveriesShape,
    )  # fmt: skip
    def deliveries(
        id: str, limit: Limit = asked.USUAL, cursor: Cursor = None, state: State = None, caller: Caller = writes
    ) -> shapes.DeliveriesShape:
        """Newest first, each with every answer it got."""
        begin = asked.begins(house, caller, f"deliveries/{id}", cursor)
        found, last = house.store.deliveries(caller.scope, plain(id), limit, begin, state)
        return shapes.DeliveriesShape(
            deliveries=[_delivery(each) for each in found],
            next=asked.cursor(house, caller, f"deliveries/{id}", last),
        )

    return router


def _judge(house: Shop, url: str) -> None:
    """Raises Refused for a URL that may not be called."""
    if found := house.judge_url(url, "url"):
        raise Refused("the endpoint's URL cannot be called", found)


def _shape(endpoint: Endpoint) -> shapes.WebhookShape:
    return shapes.WebhookShape.model_validate(_fields(endpoint))


def _with_secret(house: Shop, endpoint: Endpoint) -> shapes.NewWebhookToldShape:
    return shapes.NewWebhookToldShape.model_validate({**_fields(endpoint), "secret": shown_secret(house, endpoint)})


def _fields(endpoint: Endpoint) -> dict[str, object]:
    return {
        "id": endpoint.id, "url": endpoint.url, "types": list(endpoint.types), "enabled": endpoint.enabled,
        "disabled_reason": endpoint.disabled_reason or None, "created_at": endpoint.created_at,
        "pending": endpoint.pending, "failing_since": endpoint.failing_since or None,
        "rotated_until": endpoint.rotated_until or None,
    }  # fmt: skip


def _delivery(sent: Delivered) -> shapes.DeliveryShape:
    answers = [
        shapes.AnswerShape(at=at, status=status, words=words, seconds=round(seconds, 3))
        for at, status, words, seconds in sent.answers
    ]
    return shapes.DeliveryShape(
        id=sent.id, event=sent.event, type=sent.type, order=sent.order or None, state=sent.state,
        created_at=sent.created_at, next_at=sent.next_at or None, answers=answers,
    )  # fmt: skip
