"""What the pipeline asks of the store about imports: files of rows, judged by workers and kept until mended."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from cardpipe.model.finding import Finding
from cardpipe.model.intake import Import, NewImport, NewRow, Row
from cardpipe.model.order import Scope
from cardpipe.model.override import Override
from cardpipe.model.stored import Claim, NewOrder, Receipt, StoredOrder


class Imports(Protocol):
    """An import is read by one step (kind ``import``, subject: the import) and judged by one step each chunk of rows
    (kind ``accept``, subject: the chunk; lane: the import, so that it shares turns with other work of its tenant)."""

    def add_import(self, new: NewImport, receipt: Receipt | None = None) -> Import:
        """A file was taken in, to be read by a worker."""
        ...

    def import_(self, scope: Scope, import_id: str) -> Import:
        """With its counts by state. Raises Refused ``import.unknown``."""
        ...

    def imports(self, scope: Scope, limit: int, before: str | None = None) -> tuple[list[Import], str | None]:
        """Newest first; and the id after which the next page begins."""
        ...

    def cancel_import(self, scope: Scope, import_id: str, actor: str) -> Import:
        """Rows that were not judged yet are dropped; orders that exist stay (cancel them by themselves)."""
        ...

    def add_rows(self, claim: Claim, rows: Sequence[NewRow]) -> bool:
        """The next rows of the import that this claim reads. A line that is there already is left as it is. None is
        judged before the whole file was read. False: the claim was lost."""
        ...

    def complete_import(self, claim: Claim, header: Sequence[str]) -> bool:
        """All rows were read, and the steps of their chunks are due; ``header`` is kept for the file of the failed
        ones. False: somebody else won."""
        ...

    def refuse_import(self, claim: Claim, findings: Sequence[Finding]) -> bool:
        """The file as a whole cannot be used: the import is refused, no row of it is judged."""
        ...

    def add_row(self, row: NewRow, scope: Scope, receipt: Receipt | None = None) -> tuple[Row, bool]:
        """One order whose pictures are still to be fetched, as a row of no import: it has an order's id already. The
        same reference with the same request gives the stored row and False; a refused one is taken in anew; another
        request under that reference raises Conflict ``order.reference.taken``."""
        ...

    def row(self, scope: Scope, row_id: str) -> Row | None:
        """By id (``ord_…``) or, for rows of no import, by reference; None where there is none."""
        ...

    def rows(
        self, scope: Scope, import_id: str, state: str | None = None, after: int = 0, limit: int = 500
    ) -> list[Row]:
        """By line, from the one after ``after``."""
        ...

    def chunk(self, claim: Claim) -> list[Row]:
        """The rows that an accept step has to judge: those still ``received``."""
        ...

    def settle_row(
        self, claim: Claim, row: Row, found: NewOrder | None, findings: Sequence[Finding], *, known: bool = False
    ) -> StoredOrder | None:
        """The verdict on one row, in one transaction with the order that it becomes (``found``; None: it is refused,
        or it is ``known`` already). In a dry run no order is stored. A reference that is taken by another order refuses
        the row with the finding. None also where the claim was lost: then nothing happened."""
        ...

    def complete_accept(self, claim: Claim) -> bool:
        """Every row of the chunk has its verdict. With the last chunk the import is finished."""
        ...

    def mend_row(
        self, scope: Scope, row_id: str, request: Mapping[str, Any], actor: str, overrides: Sequence[Override] = ()
    ) -> Row:
        """A refused row was mended: received again, with a step of its own, what was let pass of it before, and
        ``overrides``. Conflict where it is not refused."""
        ...

    def drop_row(self, scope: Scope, row_id: str, reason: str, actor: str) -> Row:
        """A row that is received or refused is withdrawn: it never becomes an order, also where the same request comes
        again. Twice is once; Conflict ``row.judged`` where it became an order meanwhile."""
        ...
