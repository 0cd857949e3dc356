"""Rubbish: bytes that nobody needs any more, from the decision until they are gone; and what was handed in and led to
no card.

A digest is marked in the transaction that takes the last need of it away; and, with patience, before its bytes are put
at all: whoever dies before anybody names them leaves the mark, or they would lie there for ever. Whoever removes bytes
asks for the marked ones, removes them, and says so; one that is needed again by then (an order names the same photo)
has left the list. An order that comes between the asking and the removal loses its bytes, though: so the accepting side
puts the bytes, adds the order, and then looks whether they are there, or puts them once more. What slips through even
so is seen when the card is composed (its bytes are missing: the piece needs attention), and never printed wrongly.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from typing import Any

from cardpipe.model.order import Scope
from cardpipe.storage import audit, installation
from cardpipe.storage.engine import Tx
from cardpipe.storage.events import text

_UPLOADED = """
    INSERT INTO uploads (tenant, mode, digest, use, at) VALUES (:tenant, :mode, :digest, :use, :at)
    ON CONFLICT (tenant, mode, digest) DO UPDATE SET use = excluded.use, at = excluded.at
"""
_MARK = """
    INSERT INTO rubbish (tenant, mode, digest, at) VALUES (:tenant, :mode, :digest, :at)
    ON CONFLICT (tenant, mode, digest) DO UPDATE SET at = excluded.at
"""
_DISOWN = "DELETE FROM order_artifacts WHERE tenant = :tenant AND mode = :mode AND order_id = :order RETURNING digest"
_NO_ORDER = """
    NOT EXISTS (SELECT 1 FROM order_artifacts a
                WHERE a.tenant = {table}.tenant AND a.mode = {table}.mode AND a.digest = {table}.digest)
"""
# by digest, and not by when they came: that would be all there are
_FORGET_UPLOADS = f"""
    DELETE FROM uploads WHERE tenant = :tenant AND mode = :mode AND digest IN {{listed}} AND at || '' <= :since
      AND {_NO_ORDER.format(table="uploads")}
"""
#: What an order, an upload, a batch, a remake or an import needs.
_NEEDED = """
    (EXISTS (SELECT 1 FROM order_artifacts a
             WHERE a.tenant = rubbish.tenant AND a.mode = rubbish.mode AND a.digest = rubbish.digest)
     OR EXISTS (SELECT 1 FROM uploads u
                WHERE u.tenant = rubbish.tenant AND u.mode = rubbish.mode AND u.digest = rubbish.digest)
     OR digest IN (SELECT sha256 FROM batch_files WHERE tenant = :tenant AND mode = :mode)
     OR digest IN (SELECT sha256 FROM remake_files WHERE tenant = :tenant AND mode = :mode)
     OR digest IN (SELECT source FROM imports WHERE tenant = :tenant AND mode = :mode AND erased_at IS NULL))
"""
_SPARE = f"DELETE FROM rubbish WHERE tenant = :tenant AND mode = :mode AND at <= :at AND {_NEEDED}"
_LISTED = """
    SELECT digest FROM rubbish WHERE tenant = :tenant AND mode = :mode AND at <= :at ORDER BY at, digest LIMIT :limit
"""
_NAMED = "DELETE FROM rubbish WHERE tenant = :tenant AND mode = :mode AND digest = :digest"
_REMOVED = "DELETE FROM rubbish WHERE tenant = :tenant AND mode = :mode AND digest IN {listed}"
_UNNAMED = f"""
    SELECT digest FROM uploads WHERE tenant = :tenant AND mode = :mode AND at < :before
      AND {_NO_ORDER.format(table="uploads")} ORDER BY at LIMIT :page
"""
_FORGET = "DELETE FROM uploads WHERE tenant = :tenant AND mode = :mode AND digest IN {listed}"
#: Imports that ended, of which no row was mended and waits to be judged once more.
_ENDED = """
    SELECT id, source FROM imports
    WHERE tenant = :tenant AND mode = :mode AND erased_at IS NULL AND state IN ('cancelled', 'finished', 'refused')
      AND coalesce(finished_at, created_at) < :before
      AND NOT EXISTS (SELECT 1 FROM intake r WHERE r.tenant = imports.tenant AND r.mode = imports.mode
                        AND r.import_id = imports.id AND r.state = 'received')
    ORDER BY id LIMIT 1{locked}
"""
_SCRUB_IMPORT = """
    UPDATE imports SET name = '', header = '[]', findings = '[]', mapping = '{}', terms = '{}', erased_at = :at
    WHERE tenant = :tenant AND mode = :mode AND id = :id
"""
#: Without its digest, too: it is not keyed, and names could be tried on it.
_SCRUB_ROWS = """
    UPDATE intake SET request = '{}', cells = '[]', findings = '[]', overrides = '[]', request_digest = ''
    WHERE tenant = :tenant AND mode = :mode AND import_id = :id
"""
#: The stored answer may quote what was asked: of it only the id stays, and who asks again is told what is left.
_SCRUB_REQUEST = """
    UPDATE requests SET fields = '{}', answer = :answer WHERE tenant = :tenant AND mode = :mode AND subject = :id
"""
_REQUESTED_ALONE = """
    SELECT subject FROM requests r
    WHERE tenant = :tenant AND mode = :mode AND fields <> '{}' AND EXISTS (
        SELECT 1 FROM intake i WHERE i.tenant = r.tenant AND i.mode = r.mode AND i.id = r.subject
                                 AND i.import_id IS NULL AND i.request = '{}')
"""
#: Orders that only a worker could judge and that came to nothing. By the index of those of no import.
_SCRUB_ALONE = """
    UPDATE intake SET request = '{}', cells = '[]', findings = '[]', request_digest = ''
    WHERE tenant = :tenant AND mode = :mode AND import_id IS NULL AND state <> 'received' AND at < :before
      AND request <> '{}'
"""
_SCRUB_ANSWERS = """
    UPDATE answers SET words = '' WHERE tenant = :tenant AND mode = :mode AND words <> '' AND at < :before
      AND EXISTS (SELECT 1 FROM deliveries d JOIN orders o
                    ON o.tenant = d.tenant AND o.mode = d.mode AND o.id = d.order_id
                  WHERE d.tenant = answers.tenant AND d.mode = answers.mode AND d.id = answers.delivery_id
                    AND o.erased_at IS NOT NULL)
"""
_PAGE = 1000
#: So long an upload waits for its order in any case, however short the tenant keeps what was mailed.
_PATIENCE = dt.timedelta(days=1)
#: So long bytes that were put lie there before somebody names them, at most: no step takes as long.
_UNNAMED_FOR = dt.timedelta(days=2)


def keep_picture(tx: Tx, scope: Scope, digest: str, use: str) -> None:
    """A picture was uploaded, or uploaded once more: from now on it waits for its order."""
    tx.run(_UPLOADED, tenant=scope.tenant, mode=scope.mode, digest=digest, use=use, at=tx.at)


def mark(tx: Tx, scope: Scope, digests: Iterable[str]) -> None:
    """These bytes are to be removed, unless somebody needs them."""
    _mark(tx, scope, digests, tx.at)


def foresee(tx: Tx, scope: Scope, digests: Iterable[str]) -> None:
    """These bytes are put next, for somebody who will name them: if nobody does, they are to be removed."""
    _mark(tx, scope, digests, (_moment(tx) + _UNNAMED_FOR).isoformat(timespec="milliseconds").replace("+00:00", "Z"))


def named(tx: Tx, scope: Scope, digests: Iterable[str]) -> None:
    """Somebody names these bytes from now on."""
    tx.run_each(_NAMED, [{"tenant": scope.tenant, "mode": scope.mode, "digest": digest} for digest in digests])


def _moment(tx: Tx) -> dt.datetime:
    return dt.datetime.fromtimestamp(tx.now, dt.UTC)


def _mark(tx: Tx, scope: Scope, digests: Iterable[str], at: str) -> None:
    key = {"tenant": scope.tenant, "mode": scope.mode, "at": at}
    tx.run_each(_MARK, [{**key, "digest": digest.removeprefix("sha256:")} for digest in sorted(digests)])


def forget_order(tx: Tx, scope: Scope, order_id: str, also: set[str], since: str) -> None:
    """The order needs its bytes (and these) no more. An upload from which it was made goes, too; one that came after
    ``since`` was perhaps made for the next order, and waits for it."""
    key = {"tenant": scope.tenant, "mode": scope.mode}
    owned = {row["digest"] for row in tx.all(_DISOWN, **key, order=order_id)}
    digests = owned | {digest.removeprefix("sha256:") for digest in also}
    tx.run(_FORGET_UPLOADS.format(listed=tx.listed("digests")), **key, digests=text(sorted(digests)), since=since)
    mark(tx, scope, digests)


def listed(tx: Tx, scope: Scope, limit: int) -> list[str]:
    """What is to be removed now, the oldest first. What is needed again leaves the list."""
    key: dict[str, Any] = {"tenant": scope.tenant, "mode": scope.mode, "at": tx.at}
    tx.run(_SPARE, **key)
    return [row["digest"] for row in tx.all(_LISTED, **key, limit=limit)]


def removed(tx: Tx, scope: Scope, digests: Sequence[str]) -> None:
    """These bytes are gone."""
    sql = _REMOVED.format(listed=tx.listed("digests"))
    tx.run(sql, tenant=scope.tenant, mode=scope.mode, digests=text(list(digests)))


def forget_uploads(tx: Tx, scope: Scope, before: str, latest: dt.datetime) -> int:
    """The next uploads that no order named; how many. None that is younger than a day."""
    key: dict[str, Any] = {"tenant": scope.tenant, "mode": scope.mode}
    young = (latest - _PATIENCE).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    rows = tx.all(_UNNAMED, **key, before=min(before, young), page=_PAGE)
    digests = [row["digest"] for row in rows]
    tx.run(_FORGET.format(listed=tx.listed("digests")), **key, digests=text(digests))
    mark(tx, scope, digests)
    return len(digests)


def forget_import(tx: Tx, scope: Scope, before: str) -> int:
    """The next import that ended: its file, its rows and what was said of it. 0: there is none."""
    key: dict[str, Any] = {"tenant": scope.tenant, "mode": scope.mode}
    found = tx.one(_ENDED.format(locked=" FOR UPDATE" if tx.postgres else ""), **key, before=before)
    if found is None:
        return 0
    tx.run(_SCRUB_ROWS, **key, id=found["id"])
    tx.run(_SCRUB_IMPORT, **key, id=found["id"], at=tx.at)
    forget_request(tx, scope, found["id"])
    mark(tx, scope, [found["source"]])
    return 1


def forget_alone(tx: Tx, scope: Scope, before: str) -> int:
    """Orders that were refused or taken in one by one, and what receivers answered to erased orders' events; how many
    of the first."""
    key = {"tenant": scope.tenant, "mode": scope.mode}
    tx.run(_SCRUB_ANSWERS, **key, before=before)
    scrubbed = tx.run(_SCRUB_ALONE, **key, before=before)
    for row in tx.all(_REQUESTED_ALONE, **key) if scrubbed else ():
        forget_request(tx, scope, row["subject"])
    return scrubbed


def forget_request(tx: Tx, scope: Scope, subject: str) -> None:
    """What was asked and answered when this was made: its Idempotency-Key stays, and still means the same thing."""
    tx.run(_SCRUB_REQUEST, tenant=scope.tenant, mode=scope.mode, id=subject, answer=text({"id": subject}))


def note(tx: Tx, scope: Scope, actor: str, before: str, **counts: int) -> None:
    """What was erased beside orders stands in the audit log."""
    installation.put(tx, "erased", tx.at)
    audit.add(tx, scope.tenant, actor, "rest.erased", "tenant", mode=scope.mode, before=before, **counts)
