"""Intake: files of orders, and orders whose pictures lie elsewhere, judged by workers a chunk at a time.

Nothing that was handed in is lost: a row becomes an order, or is kept refused with every finding until it is mended
and judged again. A worker that dies leaves its chunk to the next one; rows that have their verdict keep it.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any, BinaryIO

from pydantic import ValidationError

from cardpipe.model.errors import Refused
from cardpipe.model.finding import Finding, error, has_errors
from cardpipe.model.intake import Import, NewImport, NewRow, Row
from cardpipe.model.order import Order, Scope, digest
from cardpipe.model.stored import Receipt
from cardpipe.pipeline import bulk, lease
from cardpipe.pipeline.accept import prepare, schema_findings, terms
from cardpipe.pipeline.archive import Archive, open_archive
from cardpipe.pipeline.desk import Pictures
from cardpipe.pipeline.mapping import Columns, Suggestion, suggest
from cardpipe.pipeline.table import Table, open_table
from cardpipe.ports import Claim, Shop

PAGE = 500  # rows that are stored at once
PREVIEW = 20  # rows that a preview judges
#: So long a worker judges rows before it lets others have a turn: a card that somebody waits for must not queue behind
#: the chunks of a campaign. With a ZIP longer, as it is opened anew each time.
TURN_SECONDS, ZIP_TURN_SECONDS = 0.5, 5.0


@dataclass(frozen=True, slots=True)
class Preview:
    """What a file looks like before it is taken in: its header, what its columns are taken for, and what is wrong with
    its first rows. The rows themselves are not repeated."""

    header: tuple[str, ...]
    suggestion: Suggestion | None
    looked_at: int
    findings: tuple[Finding, ...]


def take_in(
    shop: Shop,
    scope: Scope,
    name: str,
    source: str,
    columns: Columns,
    terms: Mapping[str, Any],
    *,
    dry_run: bool,
    actor: str,
    receipt: Receipt | None = None,
) -> Import:
    """A file of orders, whose bytes lie in the artifacts under ``source``, to be read and judged by workers. ``terms``
    hold for each row that does not say otherwise (``mail_on``, ``approval``)."""
    new = NewImport(scope, name, source, columns.model_dump(mode="json"), dict(terms), dry_run, actor)
    return shop.store.add_import(new, receipt)


def preview(file: BinaryIO, name: str, columns: Columns | None = None) -> Preview:
    """Look at a file and store nothing. With ``columns``, its first rows are read by them. Raises Refused for a file
    that is none."""
    with ExitStack() as held:
        table, _ = _opened(file, name, held)
        header = tuple(table.header or ())
        suggested = suggest(header) if header else None
        findings: list[Finding] = []
        looked_at = 0
        try:
            for row in islice(bulk.rows(table, columns or Columns()), PREVIEW):
                looked_at += 1
                findings += row.findings
                if not has_errors(row.findings):
                    findings += _schema(row)
        except Refused as problem:
            findings += problem.findings
        return Preview(header, suggested, looked_at, tuple(findings))


def read(shop: Shop, step_id: str) -> None:
    """Do the step ``import``: turn the file into rows. A file that is none is refused as a whole."""

    def complete(claim: Claim, read: Sequence[str] | tuple[Finding, ...]) -> bool:
        if isinstance(read, _Unusable):
            return shop.store.refuse_import(claim, read.findings)
        return shop.store.complete_import(claim, read)  # type: ignore[arg-type]

    lease.work(shop, step_id, lambda claim: _read(shop, claim), complete)


def judge(shop: Shop, step_id: str) -> None:
    """Do the step ``accept``: give each row of a chunk its verdict."""
    lease.work(shop, step_id, lambda claim: _judge(shop, claim), lambda claim, _: shop.store.complete_accept(claim))


class _Unusable(tuple[Finding, ...]):
    """A file of which nothing can be used, as its findings."""

    @property
    def findings(self) -> tuple[Finding, ...]:
        return tuple(self)


def _opened(file: BinaryIO, name: str, held: ExitStack) -> tuple[Table, Archive | None]:
    """The table of a file, and the archive that it lies in, if any. Raises Refused."""
    if not name.lower().endswith(".zip"):
        return open_table(file, name), None
    archive = open_archive(file, name)
    inner, table = archive.table()
    held.enter_context(table)
    return open_table(table, inner), archive


def _read(shop: Shop, claim: Claim) -> Sequence[str] | _Unusable:
    """The header, when every row is stored; or why there is none."""
    imported = shop.store.import_(claim.scope, claim.subject)
    with ExitStack() as held:
        file = held.enter_context(shop.artifacts.open(claim.scope, imported.source))
        try:
            table, _ = _opened(file, imported.name, held)
            found = bulk.rows(table, Columns.model_validate(dict(imported.columns)))
            for page in _pages(found):
                if not shop.store.add_rows(claim, [_new_row(row, imported.terms) for row in page]):
                    return ()  # the claim was lost: whoever has it now goes on
        except Refused as problem:
            name = imported.name[:60]
            why = error("file.unusable", name, str(problem), "mend it, and hand it in again")
            return _Unusable(problem.findings or (why,))
        return tuple(table.header or ())


def _pages(rows: Iterable[bulk.Row]) -> Iterator[list[bulk.Row]]:
    walking = iter(rows)
    while page := list(islice(walking, PAGE)):
        yield page


def _schema(row: bulk.Row) -> list[Finding]:
    """What an order's schema says of a row; whether it can be printed is for a worker to say."""
    try:
        Order.model_validate(row.data)
    except ValidationError as problem:
        return [replace(found, where=f"line {row.line} {found.where}") for found in schema_findings(problem)]
    return []


def _new_row(row: bulk.Row, terms: Mapping[str, Any]) -> NewRow:
    request = {**{name: value for name, value in terms.items() if name == "approval" and value}, **row.data}
    reference = str(row.data.get("reference", ""))
    return NewRow(row.line, request, row.cells, row.findings, reference, digest(request))


def _judge(shop: Shop, claim: Claim) -> None:
    """Each row that has no verdict yet gets one. What keeps one from it (a bug, a picture's server) keeps no other; it
    is raised when all had their turn."""
    rows = shop.store.chunk(claim)
    kept: Exception | None = None
    with ExitStack() as held:
        pictures, zipped = _pictures(shop, rows, held)
        over = time.monotonic() + (ZIP_TURN_SECONDS if zipped else TURN_SECONDS)
        for number, row in enumerate(rows):
            if number and kept is None and time.monotonic() > over:
                raise lease.Later(0.0, "others have their turn")
            try:
                _settle(shop, claim, row, pictures)
            except Exception as problem:
                if lease.is_the_shops(problem):
                    raise
                kept = kept or problem
    if kept is not None:
        raise kept


def _settle(shop: Shop, claim: Claim, row: Row, pictures: Pictures) -> None:
    lane = row.import_id or ""
    under = terms(shop, row.scope, str(row.terms.get("mail_on") or ""), lane=lane, order_id=row.id, actor="import")
    under = replace(under, overrides=row.overrides)
    made = prepare(shop, row.scope, row.request, pictures, under)
    stored = made.new is not None and not row.dry_run
    if stored:
        made.lay_down(shop, row.scope)
    shop.store.settle_row(claim, row, made.new, made.findings, known=made.known is not None)
    if stored:
        made.lay_down(shop, row.scope)


def _pictures(shop: Shop, rows: Sequence[Row], held: ExitStack) -> tuple[Pictures, bool]:
    """Where the pictures of a chunk come from: uploads are named by digest; what else a row names lies in the ZIP, if
    there is one."""
    archive: Archive | None = None
    if rows and rows[0].import_id is not None:
        imported = shop.store.import_(rows[0].scope, rows[0].import_id)
        if imported.name.lower().endswith(".zip"):
            file = held.enter_context(shop.artifacts.open(rows[0].scope, imported.source))
            archive = open_archive(file, imported.name)

    def picture(ref: str, where: str) -> bytes:
        if archive is not None:
            return archive.picture(ref, where)
        remedy = "upload the picture and write the sha256:… that it gets; or hand in a ZIP with the pictures in it"
        raise Refused("no digest", [error("picture.not_uploaded", where, "is no digest of a picture", remedy)])

    return picture, archive is not None
