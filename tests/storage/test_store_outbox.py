"""What others are told: never before the commit, never passed over, and nothing that names a person."""

from __future__ import annotations

import json
import threading
from itertools import product
from pathlib import Path

import pytest
from listeners import BROKEN, OTHERS, OURS, claim, drain, listen, say, settled, told, types

from cardpipe.model.errors import Refused
from cardpipe.model.order import Scope
from cardpipe.model.outbox import SOURCES, TYPES, told_reason, told_type
from cardpipe.storage import events
from cardpipe.storage.store import SqlStore

only_postgres = pytest.mark.parametrize("any_store", ["postgres"], indirect=True)


# what of the log is told


def test_only_what_somebody_listens_for_waits(any_store, order, sql):
    store = any_store
    waiting = "SELECT kind, new FROM events WHERE pending = 1 ORDER BY id"
    store.add_order(order(1))
    assert sql(store, waiting) == []
    listen(store, scope=OTHERS)
    listen(store, scope=Scope("local", "test"))
    store.add_order(order(2))
    assert sql(store, waiting) == [], "another tenant or mode listens"
    ours = listen(store)
    store.add_order(order(3))
    assert sql(store, waiting) == [("order", "accepted")], "and not its piece, which waits"
    say(store, "piece", ["pce_1", "pce_2"], "composed", "batched")
    say(store, "batch", "bat_1", None, "gathered")
    assert sql(store, waiting) == [("order", "accepted"), ("piece", "batched"), ("piece", "batched")]
    store.change_endpoint(OURS, ours.id, "user:anna", enabled=False)
    store.add_order(order(4))
    assert len(sql(store, waiting)) == 3


def test_nothing_is_logged_past_the_outbox():
    rooms = list(Path(events.__file__).parent.glob("*.py"))
    assert len(rooms) > 20
    assert [path.name for path in rooms if "INTO events" in path.read_text()] == ["events.py"]


def test_the_log_in_pages(any_store, order, batch):
    store = any_store
    made = batch(store, 2, "mailed")
    store.add_order(order(1, tenant="b"))
    found, cursor, after = [], None, "x"
    while cursor != after:
        after = cursor
        page, cursor = told(store, OURS, after, limit=3)
        assert len(page) <= 3
        found += page
    steps = ["accepted"] * 2 + [state for state in ("composed", "batched", "released", "mailed") for _ in "12"]
    assert [each.state for each in found] == steps
    assert len({each.id for each in found}) == 10 and [each.id for each in found] == sorted(each.id for each in found)
    last = found[-1]
    stored = store.order(OURS, last.reference)
    assert (last.order, last.subject, last.batch, last.shown) == (
        stored.id, stored.pieces[0].id, made.name, "handed to post",
    )  # fmt: skip
    assert found[0].order == found[0].subject and found[0].reference in ("ref-1", "ref-2") and found[0].batch == ""
    assert told(store, OURS, cursor) == ([], cursor), "nothing is new"
    only, _ = told(store, OURS, None, ["piece.mailed", "order.accepted"])
    assert types(only) == ["order.accepted"] * 2 + ["piece.mailed"] * 2
    assert types(told(store, OTHERS, None)[0]) == ["order.accepted"]
    assert told(store, Scope("local", "test"), None) == ([], None)


def test_the_cursor_moves_past_what_was_not_asked_for(any_store, order):
    store = any_store
    for number in range(3):
        store.add_order(order(number))
    nothing, cursor = told(store, OURS, None, ["import.finished"])
    assert nothing == [] and cursor is not None
    assert told(store, OURS, cursor) == ([], cursor)
    store.add_order(order(9))
    assert [each.reference for each in told(store, OURS, cursor)[0]] == ["ref-9"]


def test_cursors_and_types_that_are_none(any_store, order):
    any_store.add_order(order(1))
    for cursor in ("x", "1", "-", "1-", "1-1-1", "1-g", "0" * 20 + "-1", "1 - 1", "1-1\n"):
        with pytest.raises(Refused) as caught:
            told(any_store, OURS, cursor)
        assert [finding.code for finding in caught.value.findings] == ["events.cursor"]
    with pytest.raises(Refused) as caught:
        told(any_store, OURS, None, ["order.accepted", "piece.waiting", "x"])
    assert [finding.code for finding in caught.value.findings] == ["webhook.types"] * 2


def test_the_filter_in_the_database_is_the_one_of_the_model(any_store):
    kinds = sorted({kind for kind, _ in SOURCES.values()} | {"batch"})
    states = [*sorted({new for _, new in SOURCES.values() if new} | {"waiting", "held"}), None]
    for kind, new, old, subject in product(kinds, states, (None, "composed"), ("ord_1", "pce_1")):
        say(any_store, kind, subject, old, new)
    with any_store.db.reading() as tx:
        rows = tx.all("SELECT kind, old, new, subject FROM events ORDER BY id")
    wanted = [told_type(row["kind"], row["new"], old=row["old"], subject=row["subject"]) for row in rows]
    assert types(told(any_store, OURS, None, limit=10_000)[0]) == [name for name in wanted if name]
    assert set(wanted) == {*TYPES, None}
    for name in TYPES:
        assert types(told(any_store, OURS, None, [name], 10_000)[0]) == [each for each in wanted if each == name] != []


@only_postgres
def test_a_transaction_that_ends_late_is_not_passed_over(any_store, order):
    store = any_store
    store.add_order(order(1))
    _, cursor = told(store, OURS, None)
    with store.db.writing() as late:
        events.log(late, OURS, "order", "ord_late", None, "accepted", "accepted")
        store.add_order(order(2))  # begins later, ends earlier
        with store.db.reading() as tx:  # it is there for all to see, behind a gap
            assert [row["subject"][:4] for row in tx.all("SELECT subject FROM events WHERE kind = 'order'")] == [
                "ord_"
            ] * 2
        assert store.told(OURS, cursor) == ([], cursor), "whoever went on to order 2 would never see the late one"
    found, after = told(store, OURS, cursor)
    assert [(each.type, each.subject == "ord_late") for each in found] == [
        ("order.accepted", True), ("order.accepted", False),
    ]  # fmt: skip
    assert told(store, OURS, after) == ([], after)


@only_postgres
def test_readers_miss_nothing_of_many_writers(any_store):
    store, over, seen = any_store, threading.Event(), []

    def write(number):
        for each in range(25):
            with store.db.writing() as tx:
                events.log(tx, OURS, "order", f"ord_{number}_{each}", None, "accepted", "")
                tx.one("SELECT pg_sleep(:s)", s=0.001 * ((number * each) % 7))

    def read():
        cursor, ended = None, False
        while not ended:
            ended = over.is_set()
            page, cursor = store.told(OURS, cursor, limit=7)
            seen.extend(each.subject for each in page)
            ended = ended and not page

    reader = threading.Thread(target=read)
    writers = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for thread in (reader, *writers):
        thread.start()
    for thread in writers:
        thread.join()
    settled(store)
    over.set()
    reader.join()
    assert sorted(seen) == sorted(f"ord_{n}_{e}" for n in range(4) for e in range(25)), "each once"


def test_a_cursor_of_the_database_that_this_one_was_restored_from(any_store, order, sql):
    """Its transactions counted further than ours ever did; its rows came over as transaction 0."""
    store = any_store
    for number in (1, 2):
        store.add_order(order(number))
    number = sql(store, "SELECT min(id) FROM events WHERE kind = 'order'")[0][0]
    sql(store, "UPDATE events SET xact = 0")
    store.add_order(order(3))
    found, _ = told(store, OURS, f"{2**50:x}-{number:x}")
    assert [each.reference for each in found] == ["ref-2", "ref-3"]


# what is said, and what is not


def test_a_persons_words_are_never_told(any_store, order):
    store = any_store
    listen(store)
    one, _ = store.add_order(order(1))
    two, _ = store.add_order(order(2))
    store.hold(OURS, one.id, "Anna Smith called: her uncle died")
    store.resume(OURS, one.id, "Anna.Smith")
    store.cancel_order(OURS, one.id, "anna.smith")
    piece = two.pieces[0].id
    say(store, "piece", piece, "composing", "needs_attention", "photo.resolution.low, text.glyph.missing")
    say(store, "piece", piece, "batched", "needs_attention", "smith.anna", user="user:bert")
    store.fan_out()
    said = {each.type: each.reason for each in told(store, OURS, None)[0] if each.order == one.id}
    assert set(said) == {"order.accepted", "order.held", "order.resumed", "order.cancelled", "piece.cancelled"}
    assert said["order.cancelled"] == said["order.resumed"] == said["piece.cancelled"] == ""
    noted = [each.reason for each in told(store, OURS, None, ["piece.needs_attention"])[0]]
    assert noted == ["photo.resolution.low, text.glyph.missing", ""]
    with store.db.reading() as tx:
        bodies = " ".join(row["body"] for row in tx.all("SELECT body FROM deliveries"))
    assert bodies.count('"type":"order.held"') == 1 and "photo.resolution.low" in bodies
    assert not any(word in bodies.lower() for word in ("anna", "smith", "uncle", "bonn", "bert"))


def test_reasons_are_codes():
    codes = "photo.faces.none"
    assert told_reason("piece", "needs_attention", codes, {}) == told_reason("intake", "refused", codes, {}) == codes
    assert told_reason("piece", "needs_attention", codes, {"by": "key:1"}) == ""
    assert told_reason("intake", "refused", codes, {"by": "key:1"}) == codes
    assert told_reason("intake", "refused", "Dear Anna", {}) == told_reason("order", "cancelled", codes, {}) == ""
    assert told_reason("hold", "held", "Anna called", {"code": "operator"}) == "operator"
    assert told_reason("hold", "held", "Anna called", {}, "order.duplicate") == "order.duplicate"
    assert told_reason("hold", "held", codes, {}) == told_reason("hold", "held", codes, {"code": "Anna called"}) == ""
    assert told_reason("hold", None, codes, {}, "operator") == ""


def test_a_message_is_thin_and_one_spelling(any_store, order, batch, sql):
    store = any_store
    listen(store)
    made = batch(store, 1, "gathered")
    say(store, "import", "imp_1", "judging", "finished")
    assert store.fan_out() == 4 and store.fan_out() == 0
    bodies = [row[0] for row in sql(store, "SELECT body FROM deliveries ORDER BY event_id")]
    for body in bodies:
        assert body == json.dumps(json.loads(body), sort_keys=True, separators=(",", ":"))
    stored = store.order(OURS, "ref-1")
    batched = json.loads(bodies[2])
    event = told(store, OURS, None, ["piece.batched"])[0][0]
    assert batched == {
        "type": "piece.batched", "timestamp": event.at,
        "data": {"event": event.id, "order": stored.id, "reference": "ref-1", "piece": stored.pieces[0].id,
                 "state": "batched", "shown": "in a print file", "reason": None, "batch": made.name},
    }  # fmt: skip
    imported = json.loads(bodies[3])["data"]
    assert imported["import"] == "imp_1" and imported["order"] is None and imported["piece"] is None


# who is told


def test_each_endpoint_gets_what_it_wants_once(any_store, order, batch, sql):
    store = any_store
    every, some, off = listen(store), listen(store, "piece.batched"), listen(store)
    listen(store, scope=OTHERS)
    store.change_endpoint(OURS, off.id, "user:anna", enabled=False)
    batch(store, 2, "gathered")
    assert store.fan_out(limit=4) == 4 and store.fan_out() == 2
    got = sql(store, "SELECT endpoint_id, type FROM deliveries ORDER BY event_id, endpoint_id")
    assert [kind for who, kind in got if who == some.id] == ["piece.batched"] * 2
    assert [kind for who, kind in got if who == every.id] == [
        "order.accepted", "order.accepted", "piece.composed", "piece.composed", "piece.batched", "piece.batched",
    ]  # fmt: skip
    assert len(got) == 8
    open_steps = sql(store, "SELECT subject FROM steps WHERE kind = 'events' AND state = 'open'")
    assert {row[0] for row in open_steps} == {every.id, some.id}
    assert [(each.id, each.pending) for each in store.endpoints(OURS)] == [(every.id, 6), (some.id, 2), (off.id, 0)]


def test_where_nothing_is_new_nothing_is_written(any_store, order, sql, monkeypatch):
    store = any_store
    ours = listen(store)
    store.add_order(order(1))
    assert store.fan_out() == 1
    mine = claim(store, sql, ours)
    (message,) = store.due_deliveries(mine, 50)
    assert store.answered(mine, message.id, BROKEN, 300.0) and store.complete_events(mine)

    def refuse():
        raise AssertionError("a transaction was opened to write")

    with monkeypatch.context() as patch:
        patch.setattr(store.db, "writing", refuse)
        assert store.fan_out() == 0
    store.add_order(order(2))
    with monkeypatch.context() as patch, pytest.raises(AssertionError, match="opened"):
        patch.setattr(store.db, "writing", refuse)
        store.fan_out()


def test_dispatchers_side_by_side_make_each_message_once(any_store, order, sql):
    store = any_store
    ours = listen(store, "order.accepted")
    for number in range(60):
        store.add_order(order(number))
    taken, threads = [], []

    def run():
        while got := store.fan_out(limit=7):
            taken.append(got)

    for _ in range(4):
        threads.append(threading.Thread(target=run))
        threads[-1].start()
    for thread in threads:
        thread.join()
    while got := store.fan_out():  # one that found all of its rows in others' hands has ended early
        taken.append(got)
    assert sum(taken) == 60
    assert sql(store, "SELECT count(*), count(DISTINCT event_id) FROM deliveries") == [(60, 60)]
    mine = claim(store, sql, ours)
    assert len(drain(store, mine)) == 60


@only_postgres
def test_no_dispatcher_overtakes_another_within_one_order(any_store, order, sql):
    store = any_store
    ours = listen(store)
    stored, _ = store.add_order(order(1))
    other, _ = store.add_order(order(2))
    say(store, "piece", stored.pieces[0].id, "composing", "composed")
    with store.db.writing() as slow:  # another dispatcher, in the midst of its work
        slow.all("SELECT id FROM events WHERE subject = :id AND kind = 'order' FOR UPDATE", id=stored.id)
        assert store.fan_out() == 2
        mine = claim(store, sql, ours)
        assert [(each.type, json.loads(each.body)["data"]["order"]) for each in drain(store, mine)] == [
            ("order.accepted", other.id)
        ]
        assert store.complete_events(mine)
        assert store.fan_out() == 0
        assert claim(store, sql, ours) is None, "nothing to send wakes nobody"
    assert store.fan_out() == 1
    mine = claim(store, sql, ours)
    assert [each.type for each in drain(store, mine)] == ["order.accepted", "piece.composed"]


def test_the_outbox_is_the_stores():
    from cardpipe.ports.outbox import Outbox

    asked = {name for name in vars(Outbox) if not name.startswith("_")}
    assert len(asked) > 10 and all(callable(getattr(SqlStore, name)) for name in asked)
