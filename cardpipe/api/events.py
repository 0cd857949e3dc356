"""``/v1/events``: what happened, for those who ask instead of listening."""

from __future__ import annotations

import json
from typing import Annotated

from fastapi import APIRouter, Depends, Query

from cardpipe.api import asked
from cardpipe.api import shapes_doors as shapes
from cardpipe.api.access import Caller, needs
from cardpipe.model.outbox import Told
from cardpipe.wiring import Shop

After = Annotated[str | None, Query(max_length=64, description="The `next` of the page before; none: from the first.")]
Type = Annotated[list[str] | None, Query(max_length=40, description="Only events of this type; may come again.")]
Limit = Annotated[int, Query(ge=1, le=asked.MOST)]


def routes(house: Shop) -> APIRouter:
    """The one route."""
    router = APIRouter(prefix="/v1/events", tags=["events"])
    reads = Depends(needs(house, "events:read"))

    @router.get(
        "", operation_id="listEvents", summary="What happened", response_model=shapes.ToldsShape,
        response_model_exclude_unset=True,  # an event says of imports only what webhooks say
    )  # fmt: skip
    def listed(
        after: After = None, type: Type = None, limit: Limit = asked.MOST, caller: Caller = reads
    ) -> shapes.ToldsShape:
        """Oldest first, as webhooks are told it. Keep ``next`` and ask again with it: no event is ever passed over, and
        where nothing is new it is the same again."""
        found, cursor = house.store.told(caller.scope, after, type or (), limit)
        return shapes.ToldsShape(events=[_shape(each) for each in found], next=cursor)

    return router


def _shape(told: Told) -> shapes.ToldShape:
    return shapes.ToldShape.model_validate({"id": told.id, **json.loads(told.body)})
