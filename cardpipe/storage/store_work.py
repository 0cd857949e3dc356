"""The Store's part on work that nobody waits for at a counter: imports and their rows, duties, beats."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cardpipe.model.finding import Finding
from cardpipe.model.intake import Import, NewImport, NewRow, Row
from cardpipe.model.order import Scope
from cardpipe.model.override import Override
from cardpipe.model.stored import Claim, Duty, NewOrder, Receipt, StoredOrder
from cardpipe.storage import duties, imports, intake
from cardpipe.storage.engine import Database

#: Tables that have grown since anybody counted their rows.
_UNKNOWN = """
    SELECT relname AS name FROM pg_stat_user_tables
    WHERE schemaname = current_schema() AND n_mod_since_analyze > 500
      AND n_mod_since_analyze > 0.5 * n_live_tup ORDER BY relname
"""


class SqlWork:
    """``ports.Imports``, and the duties of ``ports.Steps``."""

    db: Database

    # imports
    def add_import(self, new: NewImport, receipt: Receipt | None = None) -> Import:
        with self.db.writing() as tx:
            return imports.add(tx, new, receipt)

    def import_(self, scope: Scope, import_id: str) -> Import:
        with self.db.reading() as tx:
            return imports.one(tx, scope, import_id)

    def imports(self, scope: Scope, limit: int, before: str | None = None) -> tuple[list[Import], str | None]:
        with self.db.reading() as tx:
            return imports.listed(tx, scope, limit, before)

    def cancel_import(self, scope: Scope, import_id: str, actor: str) -> Import:
        with self.db.writing() as tx:
            return imports.cancel(tx, scope, import_id, actor)

    def add_rows(self, claim: Claim, rows: Sequence[NewRow]) -> bool:
        with self.db.writing() as tx:
            return imports.add_rows(tx, claim, rows)

    def complete_import(self, claim: Claim, header: Sequence[str]) -> bool:
        with self.db.writing() as tx:
            return imports.complete(tx, claim, header)

    def refuse_import(self, claim: Claim, findings: Sequence[Finding]) -> bool:
        with self.db.writing() as tx:
            return imports.refuse(tx, claim, findings)

    # rows
    def add_row(self, row: NewRow, scope: Scope, receipt: Receipt | None = None) -> tuple[Row, bool]:
        with self.db.writing() as tx:
            return intake.add(tx, row, scope, receipt)

    def row(self, scope: Scope, row_id: str) -> Row | None:
        with self.db.reading() as tx:
            return intake.one(tx, scope, row_id)

    def rows(
        self, scope: Scope, import_id: str, state: str | None = None, after: int = 0, limit: int = 500
    ) -> list[Row]:
        with self.db.reading() as tx:
            return intake.listed(tx, scope, import_id, state, after, limit)

    def chunk(self, claim: Claim) -> list[Row]:
        with self.db.reading() as tx:
            return intake.chunk(tx, claim)

    def settle_row(
        self, claim: Claim, row: Row, found: NewOrder | None, findings: Sequence[Finding], *, known: bool = False
    ) -> StoredOrder | None:
        with self.db.writing() as tx:
            return intake.settle(tx, claim, row, found, findings, known=known)

    def complete_accept(self, claim: Claim) -> bool:
        with self.db.writing() as tx:
            return intake.complete(tx, claim)

    def mend_row(
        self, scope: Scope, row_id: str, request: Mapping[str, Any], actor: str, overrides: Sequence[Override] = ()
    ) -> Row:
        with self.db.writing() as tx:
            return intake.mend(tx, scope, row_id, request, actor, overrides)

    def drop_row(self, scope: Scope, row_id: str, reason: str, actor: str) -> Row:
        with self.db.writing() as tx:
            return intake.drop(tx, scope, row_id, reason, actor)

    # duties, beats
    def add_duty(self, scope: Scope, kind: str, due: str) -> bool:
        with self.db.writing() as tx:
            return duties.add(tx, scope, kind, due)

    def duty(self, scope: Scope, duty_id: str) -> Duty:
        with self.db.reading() as tx:
            return duties.one(tx, scope, duty_id)

    def complete_duty(self, claim: Claim, result: str) -> bool:
        with self.db.writing() as tx:
            return duties.complete(tx, claim, result)

    def duties(self, scope: Scope, kind: str, limit: int = 50) -> list[Duty]:
        with self.db.reading() as tx:
            return duties.listed(tx, scope, kind, limit)

    def tune(self) -> bool:
        if self.db.sqlite:
            return False
        with self.db.reading() as tx:
            unknown = [row["name"] for row in tx.all(_UNKNOWN)]
        for name in unknown:
            with self.db.writing() as tx:
                tx.run(f'ANALYZE "{name}"')
        return bool(unknown)

    def beat(self, name: str) -> None:
        with self.db.writing() as tx:
            duties.beat(tx, name)

    def beats(self, seconds: float) -> list[str]:
        with self.db.reading() as tx:
            return duties.beats(tx, seconds)
