"""The store's methods about telling others: every one is one transaction."""

from __future__ import annotations

from collections.abc import Sequence

from cardpipe.model.order import Scope
from cardpipe.model.outbox import Answer, Delivered, Endpoint, NewEndpoint, Outgoing, Told
from cardpipe.model.stored import Claim
from cardpipe.storage import deliveries, endpoints, outbox, steps
from cardpipe.storage.engine import Database


class SqlOutbox:
    """``ports.outbox.Outbox`` on SQLite or PostgreSQL."""

    db: Database

    def told(
        self, scope: Scope, after: str | None, types: Sequence[str] = (), limit: int = 100
    ) -> tuple[list[Told], str | None]:
        with self.db.reading() as tx:
            return outbox.told(tx, scope, after, types, limit)

    # endpoints
    def add_endpoint(self, new: NewEndpoint, actor: str) -> Endpoint:
        with self.db.writing() as tx:
            return endpoints.add(tx, new, actor)

    def endpoint(self, scope: Scope, endpoint_id: str) -> Endpoint:
        with self.db.reading() as tx:
            return endpoints.one(tx, scope, endpoint_id)

    def endpoints(self, scope: Scope) -> list[Endpoint]:
        with self.db.reading() as tx:
            return endpoints.listed(tx, scope)

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
        with self.db.writing() as tx:
            return endpoints.change(tx, scope, endpoint_id, actor, url, types, enabled, rotate)

    def drop_endpoint(self, scope: Scope, endpoint_id: str, actor: str) -> None:
        with self.db.writing() as tx:
            endpoints.drop(tx, scope, endpoint_id, actor)

    def test_endpoint(self, scope: Scope, endpoint_id: str, actor: str) -> None:
        """Tell it, and nobody else, a ``webhook.test``. Conflict where it is disabled."""
        with self.db.writing() as tx:
            endpoints.probe(tx, scope, endpoint_id, actor)

    # what is sent
    def fan_out(self, limit: int = 1000) -> int:
        with self.db.reading() as tx:  # asked several times a second: where nothing is new, nothing is written
            waiting, asleep = outbox.waiting(tx), bool(deliveries.asleep(tx))
        taken = 0
        if waiting:
            with self.db.writing() as tx:
                taken = outbox.fan_out(tx, limit)
        if asleep:
            with self.db.writing() as tx:
                deliveries.wake(tx)
        return taken

    def due_deliveries(self, claim: Claim, limit: int) -> list[Outgoing]:
        with self.db.reading() as tx:
            return deliveries.due(tx, claim, limit)

    def answered(self, claim: Claim, delivery_id: str, answer: Answer, again_in: float | None) -> bool:
        with self.db.writing() as tx:
            return deliveries.answered(tx, claim, delivery_id, answer, again_in)

    def complete_events(self, claim: Claim) -> bool:
        with self.db.writing() as tx:
            return steps.finish(tx, claim.step_id, claim.token)

    def deliveries(
        self, scope: Scope, endpoint_id: str, limit: int, before: str | None = None, state: str | None = None
    ) -> tuple[list[Delivered], str | None]:
        with self.db.reading() as tx:
            return deliveries.listed(tx, scope, endpoint_id, limit, before, state)

    def replay(self, scope: Scope, endpoint_id: str, *, delivery: str | None = None, since: str | None = None) -> int:
        with self.db.writing() as tx:
            return deliveries.replay(tx, scope, endpoint_id, delivery, since)
