"""The store's part for what the console shows: ``ports.overview.Overview``."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from cardpipe.model.batch import Batch
from cardpipe.model.intake import Row
from cardpipe.model.order import Scope
from cardpipe.model.piece import Piece
from cardpipe.model.stored import StoredOrder
from cardpipe.model.tenant import AuditEntry
from cardpipe.ports.overview import Coming, Due, Stuck, StuckKind
from cardpipe.storage import audit, coming, lookup, overview
from cardpipe.storage.engine import Database


class SqlOverview:
    """Each method is one reading transaction."""

    db: Database

    def due(self, scope: Scope, since: str, until: str) -> list[Due]:
        with self.db.reading() as tx:
            return overview.due(tx, scope, since, until)

    def coming(self, scope: Scope, mail_on: str) -> list[Coming]:
        with self.db.reading() as tx:
            return coming.coming(tx, scope, mail_on)

    def stuck(self, scope: Scope) -> list[Stuck]:
        with self.db.reading() as tx:
            return overview.stuck(tx, scope)

    def stuck_orders(
        self, scope: Scope, kind: StuckKind, code: str, after: str | None = None, limit: int = 50
    ) -> tuple[list[StoredOrder], str | None]:
        with self.db.reading() as tx:
            return overview.stuck_orders(tx, scope, kind, code, after, limit)

    def refused_rows(
        self, scope: Scope, code: str, after: str | None = None, limit: int = 50
    ) -> tuple[list[Row], str | None]:
        with self.db.reading() as tx:
            return overview.refused_rows(tx, scope, code, after, limit)

    def page_of_members(self, scope: Scope, batch_id: str, after: int = 0, limit: int = 100) -> list[Piece]:
        with self.db.reading() as tx:
            return lookup.page_of_members(tx, scope, batch_id, after, limit)

    def member(self, scope: Scope, batch_id: str, seq: int) -> Piece:
        with self.db.reading() as tx:
            return lookup.member(tx, scope, batch_id, seq)

    def find(self, scope: Scope, text: str, limit: int = 20) -> list[StoredOrder]:
        with self.db.reading() as tx:
            return lookup.find(tx, scope, text, limit)

    def batch_page(
        self, scope: Scope, before: str | None = None, limit: int = 50, states: Sequence[str] = ()
    ) -> tuple[list[Batch], str | None]:
        with self.db.reading() as tx:
            return lookup.batch_page(tx, scope, before, limit, states)

    def given_out(self, scope: Scope, batch_id: str) -> list[AuditEntry]:
        with self.db.reading() as tx:
            return lookup.given_out(tx, scope, batch_id)

    def give_out(
        self, scope: Scope, batch_id: str, actor: str, subject: str, may: Callable[[Sequence[AuditEntry]], bool],
        **detail: str,
    ) -> bool:  # fmt: skip
        with self.db.writing() as tx:
            tx.alone()  # before the look: of two who ask at the same moment, one sees the other
            if not may(lookup.given_out(tx, scope, batch_id)):
                return False
            audit.add(tx, scope.tenant, actor, "download", subject, mode=scope.mode, **detail)
            return True
