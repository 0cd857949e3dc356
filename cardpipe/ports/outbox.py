"""What the pipeline asks of the store about telling others: the log in pages, endpoints, and what is sent to them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from cardpipe.model.order import Scope
from cardpipe.model.outbox import Answer, Delivered, Endpoint, NewEndpoint, Outgoing, Told
from cardpipe.model.stored import Claim


class Outbox(Protocol):
    """What is told was committed, and what was committed is told: at least once, in order for each order."""

    def told(
        self, scope: Scope, after: str | None, types: Sequence[str] = (), limit: int = 100
    ) -> tuple[list[Told], str | None]:
        """What happened, oldest first, for those who ask instead of listening; and the cursor to go on from (the same
        one again where nothing is new). No event is ever passed over, whichever transaction ended first."""
        ...

    def add_endpoint(self, new: NewEndpoint, actor: str) -> Endpoint: ...
    def endpoint(self, scope: Scope, endpoint_id: str) -> Endpoint:
        """Raises Refused ``webhook.unknown``."""
        ...

    def endpoints(self, scope: Scope) -> list[Endpoint]: ...
    def change_endpoint(
        self,
        scope: Scope,
        endpoint_id: str,
        actor: str,
        *,
        url: str | None = None,
        types: Sequence[str] | None = None,
        enabled: bool | None = None,
        rotate: bool = False,
    ) -> Endpoint:
        """``rotate``: a new secret; for a day both sign."""
        ...

    def drop_endpoint(self, scope: Scope, endpoint_id: str, actor: str) -> None: ...
    def test_endpoint(self, scope: Scope, endpoint_id: str, actor: str) -> None:
        """Tell it, and nobody else, a ``webhook.test``. Raises Conflict ``webhook.disabled``."""
        ...

    def fan_out(self, limit: int = 1000) -> int:
        """Events that were committed become deliveries, one for each endpoint that wants them, and each such endpoint's
        step is open; how many events were taken. Called by every dispatcher, again and again."""
        ...

    def due_deliveries(self, claim: Claim, limit: int) -> list[Outgoing]:
        """What that endpoint should be told now; of one order only its oldest that was not delivered."""
        ...

    def answered(self, claim: Claim, delivery_id: str, answer: Answer, again_in: float | None) -> bool:
        """What the receiver said. 2xx: delivered. Else tried again after so many seconds, or given up (None). 410
        disables the endpoint. False: the claim was lost."""
        ...

    def complete_events(self, claim: Claim) -> bool:
        """Nothing is due now: the step rests until the next delivery is due. False: somebody else won."""
        ...

    def deliveries(
        self, scope: Scope, endpoint_id: str, limit: int, before: str | None = None, state: str | None = None
    ) -> tuple[list[Delivered], str | None]:
        """Newest first, each with every answer it got."""
        ...

    def replay(self, scope: Scope, endpoint_id: str, *, delivery: str | None = None, since: str | None = None) -> int:
        """Send one again, or all that is newer than ``since`` (ISO 8601); how many. The message keeps its id."""
        ...
