"""Looking up for the console: what lies in a batch, who got its files, and orders by what a person has in hand."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence

import sqlalchemy as sa

from cardpipe.model.batch import Batch, BatchFile
from cardpipe.model.errors import Refused
from cardpipe.model.finding import error
from cardpipe.model.order import Scope
from cardpipe.model.piece import Piece
from cardpipe.model.scan import read_code
from cardpipe.model.stored import StoredOrder
from cardpipe.model.tenant import AuditEntry
from cardpipe.ports.overview import GIVEN_OUT, NEWEST
from cardpipe.storage import audit, batches, orders, pieces
from cardpipe.storage.engine import Tx
from cardpipe.storage.events import text as written
from cardpipe.storage.tables import words

_SCOPE = "tenant = :tenant AND mode = :mode"
_MEMBERS = "SELECT * FROM pieces WHERE batch_id = :batch AND seq > :after ORDER BY seq LIMIT :most"
_MEMBER = "SELECT * FROM pieces WHERE batch_id = :batch AND seq = :seq"

_BATCHES = f"SELECT * FROM batches WHERE {_SCOPE}{{narrowed}} ORDER BY id DESC LIMIT :most"
_FILES = f"""
    SELECT batch_id, name, sha256, size FROM batch_files WHERE {_SCOPE} AND batch_id IN {{listed}}
    ORDER BY batch_id, place
"""
_REMAKES = f"SELECT id FROM remakes WHERE {_SCOPE} AND batch_id = :id"
_GIVEN_OUT = f"""
    SELECT * FROM audit WHERE tenant = :tenant AND subject = :subject AND action IN ({words(GIVEN_OUT)})
"""

_ORDERS = f"SELECT * FROM orders WHERE {_SCOPE} AND id IN {{listed}}"
_BY_ID = f"SELECT id FROM orders WHERE {_SCOPE} AND id = :text"
_BY_PIECE = f"SELECT order_id AS id FROM pieces WHERE {_SCOPE} AND id = :text"
_BY_REFERENCE = f"SELECT id FROM orders WHERE {_SCOPE} AND reference = :text"
_BEGINS = f"""
    SELECT id FROM orders WHERE {_SCOPE} AND reference >= :text AND reference < :beyond
    ORDER BY reference DESC LIMIT :most
"""
#: Letter by letter, whatever the database's own order of letters is: as its index ``ix_orders_begins`` has it.
_BEGINS_POSTGRES = f"""
    SELECT id FROM orders WHERE {_SCOPE} AND reference ~>=~ :text AND reference ~<~ :beyond
    ORDER BY reference USING ~>~ LIMIT :most
"""
_BY_CODE = """
    SELECT p.order_id AS id FROM batches b JOIN pieces p ON p.batch_id = b.id AND p.seq = :seq
    WHERE b.number = :number AND b.tenant = :tenant AND b.mode = :mode
"""
_WITHDRAWN = """
    SELECT p.order_id AS id FROM batches b JOIN withdrawals w ON w.batch_id = b.id AND w.seq = :seq
                                           JOIN pieces p ON p.id = w.piece_id
    WHERE b.number = :number AND b.tenant = :tenant AND b.mode = :mode ORDER BY w.revision DESC
"""
_NEXT_NAME = f"SELECT name FROM order_metadata WHERE {_SCOPE} AND name > :name ORDER BY name LIMIT 1"
_BY_METADATA = f"""
    SELECT order_id AS id FROM order_metadata WHERE {_SCOPE} AND name = :name AND value = :text
    ORDER BY order_id DESC LIMIT :most
"""
_RECIPIENTS = (
    f"SELECT id, {{recipient}} AS recipient FROM orders WHERE {_SCOPE} AND id < :before ORDER BY id DESC LIMIT :most"
)
_RECIPIENT_SQLITE = "json_extract(request, '$.recipient')"
_RECIPIENT_POSTGRES = "CAST(CAST(request AS json) -> 'recipient' AS text)"

_PAGE = 500
#: So many names of metadata are gone through; a CRM has a handful.
_NAMES = 50
_LONGEST = 200
_LAST = "zzzz"
#: What no column holds: PostgreSQL refuses the one, UTF-8 the others.
_UNWRITABLE = re.compile("[\0\ud800-\udfff]")
_ASCII = re.compile(r"[\x20-\x7e]+\Z")


def page_of_members(tx: Tx, scope: Scope, key: str, after: int, limit: int) -> list[Piece]:
    """The next pieces of a batch by number."""
    batch = batches.one(tx, scope, key)
    return [pieces.piece_from(row) for row in tx.all(_MEMBERS, batch=batch.id, after=after, most=limit)]


def member(tx: Tx, scope: Scope, key: str, seq: int) -> Piece:
    """The piece of that number. Raises Refused where the batch has none."""
    batch = key if key.startswith("bat_") else batches.one(tx, scope, key).id
    row = tx.one(_MEMBER, batch=batch, seq=seq)
    if row is None or (row["tenant"], row["mode"]) != (scope.tenant, scope.mode):
        batches.one(tx, scope, key)
        what, remedy = "is not in this batch, or was taken out of it", "look the number up in the newest manifest"
        raise Refused("No such piece.", [error("batch.no_such_piece", f"piece {seq}", what, remedy)])
    return pieces.piece_from(row)


def batch_page(
    tx: Tx, scope: Scope, before: str | None, limit: int, states: Sequence[str]
) -> tuple[list[Batch], str | None]:
    """Newest first. Each state is read by itself, newest first, as its index has it."""
    key = {"tenant": scope.tenant, "mode": scope.mode, "before": before or _LAST, "most": limit + 1}
    wanted = (
        [("", {})]
        if not states
        else [(" AND state = :state", {"state": str(state)}) for state in dict.fromkeys(states)]
    )
    rows: list[sa.RowMapping] = []
    for narrowed, value in wanted:
        rows += tx.all(_BATCHES.format(narrowed=f"{narrowed} AND id < :before"), **key, **value)
    rows = sorted(rows, key=lambda row: str(row["id"]), reverse=True)[: limit + 1]
    shown = rows[:limit]
    files: dict[str, list[BatchFile]] = {row["id"]: [] for row in shown}
    if shown:
        sql = _FILES.format(listed=tx.listed("ids"))
        for row in tx.all(sql, tenant=scope.tenant, mode=scope.mode, ids=written(list(files))):
            files[row["batch_id"]].append(BatchFile(row["name"], row["sha256"], row["size"]))
    found = [batches.from_row(row, files[row["id"]]) for row in shown]
    return found, found[-1].id if len(rows) > limit else None


def given_out(tx: Tx, scope: Scope, key: str) -> list[AuditEntry]:
    """Who got which files, oldest first."""
    batch = batches.one(tx, scope, key)
    remakes = tx.all(_REMAKES, tenant=scope.tenant, mode=scope.mode, id=batch.id)
    rows: list[sa.RowMapping] = []
    for subject in (batch.id, *(row["id"] for row in remakes)):  # for a list of them PostgreSQL may read the whole log
        rows += tx.all(_GIVEN_OUT, tenant=scope.tenant, subject=subject)
    # sorted here: both engines would walk through a tenant's whole log for the sake of its order
    return sorted((audit.entry_from(row) for row in rows), key=lambda entry: entry.number)


def find(tx: Tx, scope: Scope, text: str, limit: int) -> list[StoredOrder]:
    """Orders by what a person has in hand, best first."""
    text = text.strip()[:_LONGEST]
    ids: list[str] = []
    if text and not _UNWRITABLE.search(text):
        for found in _ways(tx, scope, text, limit):
            ids += [each for each in found if each not in ids]
            if len(ids) >= limit:
                break
    rows = tx.all(_ORDERS.format(listed=tx.listed("ids")), **_key(scope), ids=written(ids[:limit]))
    return orders.from_rows(tx, scope, sorted(rows, key=lambda row: ids.index(row["id"])))


def _ways(tx: Tx, scope: Scope, text: str, limit: int) -> Iterator[list[str]]:
    """Ids of orders in each way in which the text may be meant. What is an id or a match code is nothing else."""
    key = _key(scope)
    if (code := read_code(text)) is not None:
        number, seq = int(code[0], 36), code[1]
        for sql in (_BY_CODE, _WITHDRAWN):
            yield _ids(tx.all(sql, **key, number=number, seq=seq))
        return
    exact = _ids(tx.all(_BY_ID, **key, text=text)) or _ids(tx.all(_BY_PIECE, **key, text=text))
    if exact:
        yield exact
        return
    if _ASCII.match(text):
        yield _ids(tx.all(_BY_REFERENCE, **key, text=text))
        begins = _BEGINS_POSTGRES if tx.postgres else _BEGINS
        yield _ids(tx.all(begins, **key, text=text, beyond=f"{text}\x7f", most=limit))
    for name in _names(tx, scope):
        yield _ids(tx.all(_BY_METADATA, **key, name=name, text=text, most=limit))
    yield list(_by_words(tx, scope, _words(text), limit))


def _names(tx: Tx, scope: Scope) -> Iterator[str]:
    """The names that metadata have, from one to the next by their index."""
    name = ""
    for _ in range(_NAMES):
        row = tx.one(_NEXT_NAME, **_key(scope), name=name)
        if row is None:
            return
        name = row["name"]
        yield name


def _by_words(tx: Tx, scope: Scope, wanted: Sequence[str], limit: int) -> Iterator[str]:
    """Orders, newest first, in whose recipient's name, company or postcode a word begins with each of these."""
    recipient = _RECIPIENT_POSTGRES if tx.postgres else _RECIPIENT_SQLITE
    before, found = _LAST, 0
    for _ in range(0, NEWEST if wanted else 0, _PAGE):
        rows = tx.all(_RECIPIENTS.format(recipient=recipient), **_key(scope), before=before, most=_PAGE)
        for row in rows:
            there = _recipient_words(row["recipient"])
            if all(any(word.startswith(begin) for word in there) for begin in wanted):
                found += 1
                yield row["id"]
        if len(rows) < _PAGE or found >= limit:
            return
        before = rows[-1]["id"]


def _recipient_words(recipient: str | None) -> set[str]:
    told = json.loads(recipient) if recipient else {}
    if not isinstance(told, dict):
        return set()
    name, company, postcode = (str(told.get(part) or "") for part in ("name", "company", "postcode"))
    return {*_words(f"{name} {company} {postcode}"), "".join(_words(postcode))}


def _words(text: str) -> list[str]:
    """Its words without case and accents: whoever types Muller finds Müller."""
    bare = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c)).casefold()
    return re.findall(r"\w+", bare)


def _ids(rows: Iterable[sa.RowMapping]) -> list[str]:
    return [row["id"] for row in rows]


def _key(scope: Scope) -> dict[str, str]:
    return {"tenant": scope.tenant, "mode": scope.mode}
