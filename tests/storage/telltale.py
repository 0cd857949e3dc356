"""Orders that say something personal wherever an order can, workers who quote it wherever they can, and the search for
what is left of it: in SQLite's files byte by byte, in PostgreSQL's tables column by column."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

from pressroom import TARGET, due, work

from cardpipe.model.batch import BatchFile
from cardpipe.model.finding import warning
from cardpipe.model.order import Scope
from cardpipe.model.outbox import Answer
from cardpipe.model.piece import Composed
from cardpipe.model.scan import Scan, Stage
from cardpipe.storage.artifacts import FolderArtifacts
from cardpipe.storage.store import SqlStore

SCOPE = Scope()
KEYED = "erased:" + "0" * 64
FAR = "2999-01-01T00:00:00.000Z"
#: Each stands in one kind of place, and in no other word of any test or table.
NAME, STREET, MESSAGE = "Zwxanthippe", "Quxholmgatan", "Fjordelicious"
NOTE, WORDS, PIXELS = "Vorplutz", "Klambfoss", "Pixelquatsch"
PLANTED = (NAME, STREET, MESSAGE, NOTE, WORDS, PIXELS)


def left_in(store: SqlStore) -> list[tuple[str, str]]:
    """(where, what) of everything planted that the database still says: SQLite's files byte by byte, PostgreSQL's
    tables column by column."""
    store.scrub()
    if store.db.sqlite:
        place = Path(str(store.db.engine.url.database))
        files = [place, Path(f"{place}-wal"), Path(f"{place}-shm")]
        assert files[0].stat().st_size > 100_000
        found = [(file.name, word) for file in files if file.exists() for word in PLANTED
                 if word.lower().encode() in file.read_bytes().lower()]  # fmt: skip
        return found
    with store.db.reading() as tx:
        columns = tx.all("SELECT table_name, column_name FROM information_schema.columns"
                         " WHERE table_schema = 'public' AND data_type IN ('text', 'character varying')")  # fmt: skip
        assert len(columns) > 100
        return [
            (f"{each['table_name']}.{each['column_name']}", word)
            for each in columns
            for word in PLANTED
            if tx.one(f'SELECT 1 AS one FROM "{each["table_name"]}"'
                      f' WHERE lower("{each["column_name"]}") LIKE :word LIMIT 1', word=f"%{word.lower()}%")
        ]  # fmt: skip


def left_on_disk(artifacts: FolderArtifacts) -> list[str]:
    return [word for path in artifacts.root.rglob("*") if path.is_file() for word in PLANTED
            if word.encode() in path.read_bytes()]  # fmt: skip


def throw_away(store, artifacts, scope=SCOPE):
    """As ``pipeline.erase`` does it; the digests."""
    gone = []
    while found := store.rubbish(scope):
        for digest in found:
            artifacts.delete(scope, digest)
        store.removed(scope, found)
        gone += found
    return gone


def personal(order, artifacts, number=1, photo=None, **other):
    """An order that says all that is planted, wherever an order can say something."""
    new = order(number, **other)
    picture = artifacts.put(new.scope, photo or f"JPEG {PIXELS} {number}".encode())
    signature = artifacts.put(new.scope, f"PNG {PIXELS} signature {number}".encode())
    request = {
        "reference": new.reference, "recipient": {"name": f"{NAME} {number}", "lines": [f"{STREET} {number}"]},
        "sender": {"name": NAME, "lines": [STREET]}, "message": MESSAGE, "metadata": {"note": NOTE},
        "photo": f"sha256:{picture}", "signature": f"sha256:{signature}",
    }  # fmt: skip
    spec = {
        **request, "v": 2, "photos": {"main": picture}, "signature": signature, "design": {"name": "fern", "files": {}},
        "hand": {"name": "cursive", "faces": [{"name": NAME}]}, "carrier": "usps", "ink": "blue-black", "seed": False,
        "unheard-of": NAME,
    }  # fmt: skip
    return replace(
        new, request=request, spec=spec, sort_key=f"12345 {STREET}", metadata={"note": NOTE},
        findings=(warning("address.unusual", f"recipient.{NAME}", f"{STREET} is unusual", f"ask {NAME}"),),
        pictures=(picture, signature),
    )  # fmt: skip


def compose(store, artifacts):
    """As a worker does it, with fragments that say it all, and remarks that do."""
    for step, kind in due(store):
        assert kind == "compose"
        claim = store.claim(step, 60)
        fragments = [f"%PDF {part} {NAME} {STREET} {MESSAGE} {claim.subject}".encode() for part in ("card", "envelope")]
        card, envelope = (artifacts.put(claim.scope, data) for data in fragments)
        found = (warning("photo.face", "photos.main", f"{NAME} is cut"),)
        assert store.complete_compose(claim, Composed(card, envelope, 100, 50, found))


def impose(store, artifacts, claim):
    """Two files with everybody's words."""
    said = "".join(f"{NAME} {STREET} {piece.id}" for piece in store.members(store.remake(claim.subject).batch_id
                   if claim.kind == "remake" else claim.subject))  # fmt: skip
    data = f"%PDF {claim.kind} {MESSAGE} {said}".encode()
    return [BatchFile(f"{claim.kind}.pdf", artifacts.put(claim.scope, data), len(data))]


def to_post(store, artifacts, batch, seqs, first="released"):
    """Impose, release, spoil one, remake it, hear of the house, and mail all of these."""
    (step,) = [each for each, kind in due(store) if kind == "impose"]
    claim = store.claim(step, 60)
    found = [warning("impose.remark", f"piece of {NAME}", f"{STREET} lies close")]
    assert store.complete_impose(claim, impose(store, artifacts, claim), found)
    store.hold(SCOPE, batch.id, f"{WORDS}: look at the card of {NAME}")
    store.resume(SCOPE, batch.id, f"{WORDS}: {NAME} is well")
    store.plan_release(SCOPE, batch.id, TARGET)
    assert work(store, "release")
    store.acknowledge(SCOPE, batch.id, batch.name, True, f"{WORDS}: taken, {NAME} too")
    _, step = store.add_remake(SCOPE, batch.id, seqs[:1], f"{WORDS}: smeared over {NAME}", "anna")
    claim = store.claim(step, 60)
    assert store.complete_remake(claim, impose(store, artifacts, claim))
    store.record(SCOPE, batch.id, [Scan(seq, Stage.MAILED) for seq in seqs], "a list", hashlib.sha256(
        batch.id.encode()).hexdigest(), "anna")  # fmt: skip


def gathered(store, ids=None):
    found = store.gatherable(SCOPE, "2026-11-25", ids)
    return store.gather(SCOPE, "2026-11-25", {found[0].group: [piece.id for piece in found]})[0]


def listen(store):
    """A receiver that takes every message, and repeats in its answer what it should not have known."""
    claim = store.claim(next(step for step, kind in due(store) if kind == "events"), 60)
    while messages := store.due_deliveries(claim, 50):
        for message in messages:
            store.answered(claim, message.id, Answer(200, f"{WORDS}: noted, {NAME}", 0.1), None)


def numbers(store, batches):
    """Counts and states of everything."""
    with store.db.reading() as tx:
        orders = [
            tuple(row.values()) for row in tx.all("SELECT id, reference, state, occasion FROM orders ORDER BY id")
        ]
        pieces = [tuple(row.values()) for row in
                  tx.all("SELECT id, order_id, state, batch_id, seq, card, envelope FROM pieces ORDER BY id")]  # fmt: skip
    tallies = [(store.batch(SCOPE, batch.id).state, store.tally(SCOPE, batch.id)) for batch in batches]
    return orders, pieces, tallies
