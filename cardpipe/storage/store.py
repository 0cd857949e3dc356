"""The Store: every method is one transaction. What each does stands in the file named after the noun."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from cardpipe.model.batch import Batch, BatchFile, Remake
from cardpipe.model.errors import Conflict
from cardpipe.model.finding import Finding
from cardpipe.model.order import Scope
from cardpipe.model.piece import Composed, Piece, Presorted, Unsent
from cardpipe.model.scan import Scan, Stage, Tally
from cardpipe.ports import Claim, Clock
from cardpipe.storage import (
    accounts,
    batches,
    claims,
    pieces,
    releases,
    remakes,
    replies,
    revisions,
    steps,
)
from cardpipe.storage.engine import Database
from cardpipe.storage.migrations import upgrade
from cardpipe.storage.store_measures import SqlMeasures
from cardpipe.storage.store_orders import SqlOrders
from cardpipe.storage.store_outbox import SqlOutbox
from cardpipe.storage.store_overview import SqlOverview
from cardpipe.storage.store_people import SqlPeople
from cardpipe.storage.store_tenancy import SqlTenancy
from cardpipe.storage.store_work import SqlWork


class SqlStore(SqlOrders, SqlTenancy, SqlWork, SqlOutbox, SqlMeasures, SqlPeople, SqlOverview):
    """``ports.Store`` on SQLite or PostgreSQL. Call :meth:`migrate` once before the first use of a database."""

    def __init__(self, url: str, clock: Clock | None = None) -> None:
        self.db = Database(url, clock)

    def migrate(self) -> None:
        """Bring the tables up to date; quick, and safe from several processes at once."""
        upgrade(self.db)

    def close(self) -> None:
        self.db.close()

    # steps: hints, claims, heartbeats
    def due_steps(self, window: int, hint_seconds: float) -> list[tuple[str, str]]:
        with self.db.reading() as tx:  # most looks find nothing, and none needs to wait for a writer
            found = steps.due(tx, window, hint_seconds)
        if not found:
            return []
        with self.db.writing() as tx:
            return steps.hint(tx, found, window, hint_seconds)

    def claim(self, step_id: str, lease_seconds: float) -> Claim | None:
        with self.db.writing() as tx:
            return claims.claim(tx, step_id, lease_seconds)

    def heartbeat(self, claim: Claim) -> bool:
        with self.db.writing() as tx:
            return claims.heartbeat(tx, claim)

    def give_back(self, claim: Claim, reason: str, delay_seconds: float) -> None:
        with self.db.writing() as tx:
            claims.give_back(tx, claim, reason, delay_seconds)

    def fault(self, claim: Claim, findings: Sequence[Finding], *, final: bool) -> None:
        with self.db.writing() as tx:
            claims.fault(tx, claim, tuple(findings), final=final)

    def leases(self) -> int:
        with self.db.reading() as tx:
            return steps.leases(tx)

    def unserved(self, queues: Collection[str]) -> int:
        with self.db.reading() as tx:
            return steps.unserved(tx, queues)

    def forget_leases(self, *, lost: bool = False) -> int:
        with self.db.writing() as tx:
            return claims.forget(tx, lost=lost)

    # compose
    def complete_compose(self, claim: Claim, composed: Composed) -> bool:
        with self.db.writing() as tx:
            return pieces.composed(tx, claim, composed)

    # gather, impose
    def gatherable(self, scope: Scope, mail_on: str, order_ids: Iterable[str] | None = None) -> list[Unsent]:
        with self.db.reading() as tx:
            return pieces.gatherable(tx, scope, mail_on, order_ids)

    def gather(
        self,
        scope: Scope,
        mail_on: str,
        members: Mapping[str, list[str]],
        awaiting: frozenset[str] = frozenset(),
        label_start: int = 1,
    ) -> list[Batch]:
        with self.db.writing() as tx:
            return batches.gather(tx, scope, mail_on, members, awaiting, label_start)

    def members(self, batch_id: str) -> Iterator[Piece]:
        after = 0
        while True:  # a page a transaction: writing gigabytes must not hold one open
            with self.db.reading() as tx:
                page = pieces.page_of_members(tx, batch_id, after)
            if not page:
                return
            yield from page
            after = page[-1].seq or 0

    def complete_impose(self, claim: Claim, files: list[BatchFile], findings: list[Finding]) -> bool:
        with self.db.writing() as tx:
            return batches.complete_impose(tx, claim, files, findings)

    def batch(self, scope: Scope, key: str) -> Batch:
        with self.db.reading() as tx:
            return batches.one(tx, scope, key)

    # until release: a batch may be named by its id or its name; a name of an older revision is refused
    def eject(self, scope: Scope, batch_id: str, seqs: Sequence[int], reason: str, user: str) -> Batch:
        with self.db.writing() as tx:
            return revisions.eject(tx, scope, batch_id, seqs, reason, user)

    def resequence(self, scope: Scope, batch_id: str, order: Sequence[tuple[str, Presorted]], user: str) -> Batch:
        with self.db.writing() as tx:
            return revisions.resequence(tx, scope, batch_id, order, user)

    # release
    def plan_release(self, scope: Scope, batch_id: str, target: str, actor: str = "") -> str:
        with self.db.writing() as tx:
            return releases.plan(tx, scope, batch_id, target, actor)

    def drop_release(self, scope: Scope, batch_id: str, reason: str, claim: Claim | None = None) -> None:
        with self.db.writing() as tx:
            releases.drop(tx, scope, batch_id, reason, claim)

    def complete_release(self, claim: Claim) -> bool:
        with self.db.writing() as tx:
            return releases.complete(tx, claim)

    # after the press
    def add_remake(
        self, scope: Scope, batch_id: str, seqs: Sequence[int], reason: str, user: str
    ) -> tuple[Remake, str]:
        with self.db.writing() as tx:
            return remakes.add(tx, scope, batch_id, seqs, reason, user)

    def complete_remake(self, claim: Claim, files: Sequence[BatchFile]) -> bool:
        with self.db.writing() as tx:
            return remakes.complete(tx, claim, files)

    def remake(self, remake_id: str) -> Remake:
        with self.db.reading() as tx:
            return remakes.one(tx, remake_id)

    def remakes(self, scope: Scope, batch_id: str) -> list[Remake]:
        with self.db.reading() as tx:
            return remakes.of_batch(tx, scope, batch_id)

    def withdraw(self, scope: Scope, batch_id: str, seqs: Sequence[int], reason: str, user: str) -> Tally:
        with self.db.writing() as tx:
            return accounts.withdraw(tx, scope, batch_id, seqs, reason, user)

    def record(
        self, scope: Scope, batch_id: str, scans: Sequence[Scan], source: str, sha256: str, user: str
    ) -> tuple[Tally, bool]:
        with self.db.writing() as tx:
            tally, new, wrong = accounts.record(tx, scope, batch_id, scans, source, sha256, user)
        if wrong:  # raised only now: the batch is held, whatever else did not happen
            raise Conflict("The list contradicts what was seen before; the batch is held, the list not taken.", wrong)
        return tally, new

    def contradictions(self, scope: Scope, batch_id: str, scans: Sequence[Scan]) -> list[Finding]:
        with self.db.reading() as tx:
            return accounts.contradictions(tx, scope, batch_id, scans)

    def unseen(self, scope: Scope, batch_id: str, stage: Stage) -> tuple[int, ...]:
        with self.db.reading() as tx:
            return accounts.unseen(tx, scope, batch_id, stage)

    def tally(self, scope: Scope, batch_id: str) -> Tally:
        with self.db.reading() as tx:
            return accounts.tally(tx, batches.one(tx, scope, batch_id))

    def settle(self, scope: Scope, batch_id: str, user: str) -> Tally:
        with self.db.writing() as tx:
            return accounts.settle(tx, scope, batch_id, user)

    def acknowledge(self, scope: Scope, batch_id: str, name: str, ok: bool, text: str) -> bool:
        with self.db.writing() as tx:
            return replies.acknowledge(tx, scope, batch_id, name, ok, text)

    def replies(self, scope: Scope, batch_id: str) -> list[tuple[str, bool, str]]:
        with self.db.reading() as tx:
            return replies.of(tx, scope, batch_id)

    # look up
    def batches(self, scope: Scope, mail_on: str | None = None) -> list[Batch]:
        with self.db.reading() as tx:
            return batches.listed(tx, scope, mail_on)

    def batches_of(self, scope: Scope, order_ids: Iterable[str]) -> list[Batch]:
        with self.db.reading() as tx:
            return batches.of_orders(tx, scope, order_ids)

    def batch_findings(self, scope: Scope, batch_id: str) -> tuple[Finding, ...]:
        with self.db.reading() as tx:
            return batches.findings(tx, scope, batch_id)
