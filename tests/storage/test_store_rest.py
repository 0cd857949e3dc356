"""What is erased beside orders: uploads without an order, imports that ended, rows that were refused, late answers; and
how what was overwritten leaves SQLite's file."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from pathlib import Path

import pytest
from pressroom import due
from telltale import (
    FAR,
    KEYED,
    MESSAGE,
    NAME,
    NOTE,
    PIXELS,
    SCOPE,
    STREET,
    WORDS,
    left_in,
    left_on_disk,
    listen,
    personal,
    throw_away,
)

from cardpipe.model.finding import error
from cardpipe.model.intake import NewImport, NewRow
from cardpipe.model.order import Scope
from cardpipe.model.outbox import NewEndpoint
from cardpipe.storage import erasure, holds, orders
from cardpipe.storage.artifacts import FolderArtifacts


@pytest.fixture
def artifacts(tmp_path):
    return FolderArtifacts(tmp_path / "artifacts")


def asked(store, key):
    """A request whose answer quotes what was asked."""
    receipt = store.begin_request(SCOPE, "door", key, {"name": "ab" * 32})
    return replace(receipt, answer=lambda stored: (202, json.dumps({"id": stored.id, "name": NAME})))


def an_import(store, artifacts, rows):
    """An import that was read; the claims of its chunks, judged by nobody yet."""
    source = artifacts.put(SCOPE, f"name;street\n{NAME};{STREET}\n".encode())
    columns, terms = {"message": f"{MESSAGE} {{first_name}}"}, {"sender": {"name": NAME}}
    new = NewImport(SCOPE, f"friends of {NAME}.csv", source, columns, terms, False, "user:anna")
    made = store.add_import(new, asked(store, "imports"))
    claim = store.claim(due(store)[0][0], 60)
    assert store.add_rows(claim, rows)
    assert store.complete_import(claim, [f"column of {NAME}"])
    return made


def judge(store):
    """Every row is refused, with words that quote it."""
    for step, kind in due(store):
        if kind == "accept":
            claim = store.claim(step, 60)
            for row in store.chunk(claim):
                store.settle_row(claim, row, None, [error("row.odd", f"recipient.{NAME}", f"{STREET} is odd")])
            assert store.complete_accept(claim)


def test_an_import_that_ended_is_erased_with_its_file_and_its_rows(any_store, order, artifacts):
    rows = [NewRow(n, {"recipient": {"name": f"{NAME} {n}"}}, (NAME, STREET), (), f"row-{n}", f"d{n}") for n in (1, 2)]
    made = an_import(any_store, artifacts, rows)
    assert any_store.erase_rest(SCOPE, FAR, "cardpipe") == 0  # still being judged
    judge(any_store)
    before = any_store.import_(SCOPE, made.id)
    assert (before.state, dict(before.counts)["refused"]) == ("finished", 2)
    assert any_store.erase_rest(SCOPE, "2000-01-01", "cardpipe") == 0
    assert any_store.erase_rest(Scope("other"), FAR, "cardpipe") == 0
    assert any_store.erase_rest(SCOPE, FAR, "cardpipe") == 1
    assert throw_away(any_store, artifacts) == [made.source]
    assert (left_in(any_store), left_on_disk(artifacts)) == ([], [])
    after = any_store.import_(SCOPE, made.id)
    assert (after.state, after.counts, after.rows) == (before.state, before.counts, before.rows)
    digests = {row.request_digest for row in any_store.rows(SCOPE, made.id)}
    assert digests == {""}, "it has no key: names could be tried on it"
    assert any_store.erase_rest(SCOPE, FAR, "cardpipe") == 0
    (entry,) = any_store.audited("local", 9)
    assert (entry.action, entry.detail["imports"], entry.detail["uploads"]) == ("rest.erased", 1, 0)


def test_a_row_that_was_mended_and_waits_keeps_its_import(any_store, artifacts):
    made = an_import(any_store, artifacts, [NewRow(1, {"message": MESSAGE}, (NAME,), (), "row-1", "d1")])
    judge(any_store)
    row = any_store.rows(SCOPE, made.id)[0]
    any_store.mend_row(SCOPE, row.id, {"message": f"{MESSAGE} again"}, "user:anna")
    assert any_store.erase_rest(SCOPE, FAR, "cardpipe") == 0
    judge(any_store)
    assert any_store.erase_rest(SCOPE, FAR, "cardpipe") == 1


def test_what_was_refused_one_by_one_is_erased_too(any_store, artifacts):
    any_store.add_row(NewRow(0, {"message": MESSAGE}, (NAME,), (), "alone-1", "d1"), SCOPE, asked(any_store, "row"))
    assert any_store.erase_rest(SCOPE, FAR, "cardpipe") == 0
    judge(any_store)
    assert any_store.erase_rest(SCOPE, FAR, "cardpipe") == 1
    assert left_in(any_store) == []
    row = any_store.row(SCOPE, "alone-1")
    assert (row.state, row.request_digest) == ("refused", "")
    assert any_store.begin_request(SCOPE, "door", "row", {"name": "ab" * 32}) == (202, f'{{"id":"{row.id}"}}')


def test_uploads_that_no_order_named_are_erased(store, order, artifacts, clock):
    named = personal(order, artifacts)
    digests = [artifacts.put(SCOPE, f"{PIXELS} {number}".encode()) for number in range(3)]
    for digest in (*digests, named.pictures[0]):
        store.keep_picture(SCOPE, digest, "photo")
    store.keep_picture(Scope("other"), digests[0], "photo")
    store.add_order(named)
    clock.forward(3600)
    store.keep_picture(SCOPE, digests[2], "photo")
    assert store.erase_rest(SCOPE, FAR, "cardpipe") == 0  # none is older than a day: its order may be on its way
    clock.forward(86_400 - 3600 + 1)
    assert store.erase_rest(SCOPE, "2026-11-21T08:00:00Z", "cardpipe") == 0
    assert store.erase_rest(SCOPE, FAR, "cardpipe") == 2
    assert sorted(throw_away(store, artifacts)) == sorted(digests[:2])
    clock.forward(86_400)
    assert store.erase_rest(SCOPE, FAR, "cardpipe") == 1
    assert store.erase_rest(Scope("other"), FAR, "cardpipe") == 1


def test_an_upload_goes_with_its_order_unless_it_came_again(store, order, artifacts, clock):
    new = personal(order, artifacts)
    for digest in new.pictures:
        store.keep_picture(SCOPE, digest, "photo")
    stored, _ = store.add_order(new)
    store.cancel_order(SCOPE, stored.id, "not now")
    clock.forward(60)
    store.keep_picture(SCOPE, new.pictures[0], "photo")  # for the next order
    store.erase_order(SCOPE, stored.id, "cardpipe", KEYED)
    assert throw_away(store, artifacts) == [new.pictures[1]]


def test_what_a_receiver_says_after_the_erasure_is_erased_later(any_store, order, artifacts):
    any_store.add_endpoint(NewEndpoint(SCOPE, "https://crm.example/hook"), "user:anna")
    stored, _ = any_store.add_order(personal(order, artifacts))
    any_store.cancel_order(SCOPE, stored.id, "not now")
    any_store.erase_order(SCOPE, stored.id, "cardpipe", KEYED)
    any_store.fan_out()
    listen(any_store)
    assert left_in(any_store) != []
    any_store.erase_rest(SCOPE, FAR, "cardpipe")
    assert left_in(any_store) == []


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_no_copy_of_a_row_stays_between_the_pages(store, order, artifacts, seed):
    """SQLite moves rows from page to page as they grow, and zeroes not all of what it leaves behind."""
    chance = random.Random(seed)
    new = personal(order, artifacts)
    many = [
        replace(new, reference=f"ref-{number}", metadata={"note": NOTE * chance.randrange(1, 9)},
                spec={**new.spec, "message": MESSAGE * chance.randrange(1, 300)})
        for number in range(600)
    ]  # fmt: skip
    ids = [found[0].id for found in store.add_orders(many)]
    with store.db.writing() as tx:
        for order_id in chance.choices(ids, k=500):
            holds.flag(tx, SCOPE, order_id, WORDS * chance.randrange(1, 40), WORDS)
    with store.db.writing() as tx:
        for order_id in chance.sample(ids, len(ids)):
            orders.cancel(tx, SCOPE, order_id, f"{WORDS} for {NAME}")
            erasure.erase(tx, SCOPE, order_id, "cardpipe", KEYED)
    assert left_in(store) == []


def test_between_two_rewritings_what_is_erased_is_zeroed(store, order, artifacts, sql):
    """A second erasure on the same day: ``secure_delete`` and the emptied journal alone."""
    for number in (1, 2):
        stored, _ = store.add_order(personal(order, artifacts, number))
        store.cancel_order(SCOPE, stored.id, f"{WORDS} for {NAME}")
        store.erase_order(SCOPE, stored.id, "cardpipe", KEYED)
        assert left_in(store) == []
    assert sql(store, "PRAGMA secure_delete") == [(1,)]


def test_the_file_is_written_anew_once_a_day_and_only_after_an_erasure(store, order, artifacts, clock, monkeypatch):
    written = []
    rewrite = store.db.rewrite
    monkeypatch.setattr(store.db, "rewrite", lambda: (written.append(clock.now()), rewrite()))
    for number, hours in enumerate((0, 1, 3, 23), 1):
        stored, _ = store.add_order(personal(order, artifacts, number))
        store.cancel_order(SCOPE, stored.id, "not now")
        store.scrub() if number == 1 else None  # nothing was erased yet
        clock.forward(hours * 3600)
        store.erase_order(SCOPE, stored.id, "cardpipe", KEYED)
        clock.forward(1)
        store.scrub()
    clock.forward(86_400)
    store.scrub()
    clock.forward(86_400)
    store.scrub()
    assert [at.isoformat() for at in written] == ["2026-11-21T09:00:01+00:00", "2026-11-22T12:00:04+00:00"]
    assert Path(f"{store.db.engine.url.database}-wal").stat().st_size == 0
