"""Duties that recur: one row and one step each, however many dispatchers ask; and beats."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa

from cardpipe.model.errors import Refused
from cardpipe.model.finding import error
from cardpipe.model.order import Scope
from cardpipe.storage.claims import LOST_LEASES, OTHER_ATTEMPTS

SCOPE = Scope("a")
BAD = error("presort.offline", "", "nobody answers on port 8080", "start it")


def _only(store):
    ((step, kind),) = store.due_steps(64, 0.0)
    return step, kind


def test_a_cut_off_is_added_once_and_done_once(any_store):
    assert any_store.add_duty(SCOPE, "close", "2026-11-25")
    assert not any_store.add_duty(SCOPE, "close", "2026-11-25")
    step, kind = _only(any_store)
    claim = any_store.claim(step, 60)
    duty = any_store.duty(SCOPE, claim.subject)
    assert (kind, duty.kind, duty.due, duty.state, duty.scope) == ("close", "close", "2026-11-25", "open", SCOPE)
    assert any_store.complete_duty(claim, "2 batches with 14 pieces")
    assert not any_store.complete_duty(claim, "again")
    done = any_store.duty(SCOPE, claim.subject)
    assert (done.state, done.result) == ("done", "2 batches with 14 pieces")
    assert not any_store.add_duty(SCOPE, "close", "2026-11-25")  # for ever
    assert any_store.due_steps(64, 0.0) == []
    assert [event.new for event in any_store.events(SCOPE, duty.id)] == ["open", "done"]


def test_duties_of_each_tenant_mode_kind_and_day_are_their_own(any_store):
    wanted = [(scope, kind, day) for scope in (SCOPE, Scope("a", "test"), Scope("b")) for kind in ("close", "erase")
              for day in ("2026-11-25", "2026-11-26")]  # fmt: skip
    assert all(any_store.add_duty(*each) for each in wanted)
    assert len(any_store.due_steps(64, 0.0)) == 12
    assert [duty.due for duty in any_store.duties(SCOPE, "close")] == ["2026-11-26", "2026-11-25"]
    assert len(any_store.duties(SCOPE, "close", limit=1)) == 1
    (duty, _) = any_store.duties(Scope("b"), "erase")
    for scope in (SCOPE, Scope("b", "test")):
        with pytest.raises(Refused) as refused:
            any_store.duty(scope, duty.id)
        assert refused.value.findings[0].code == "duty.unknown"


def test_the_database_itself_refuses_a_second_row_and_an_unknown_kind(store, sql):
    store.add_duty(SCOPE, "close", "2026-11-25")
    values = "'a', 'live', 'dty_2', '{kind}', '2026-11-25', 'open', '', ''"
    for kind in ("close", "lunch"):
        with pytest.raises(sa.exc.IntegrityError):
            sql(store, "INSERT INTO duties VALUES (" + values.format(kind=kind) + ")")


def test_twenty_dispatchers_at_once_add_one_row_and_one_step(any_store):
    ready = threading.Barrier(20)

    def add(_):
        ready.wait()
        return any_store.add_duty(SCOPE, "close", "2026-11-25")

    with ThreadPoolExecutor(20) as pool:
        assert sum(pool.map(add, range(20))) == 1
    assert len(any_store.duties(SCOPE, "close")) == 1
    assert len(any_store.due_steps(64, 0.0)) == 1


def test_a_late_worker_completes_nothing(store, clock):
    store.add_duty(SCOPE, "erase", "2026-11-25")
    step, _ = _only(store)
    first = store.claim(step, 60)
    clock.forward(61)
    second = store.claim(step, 60)
    assert not store.complete_duty(first, "first")
    assert store.duty(SCOPE, first.subject).state == "open"
    assert store.complete_duty(second, "second")


def test_a_duty_that_fails_says_why_and_in_the_end_stops(store, clock):
    store.add_duty(SCOPE, "close", "2026-11-25")
    for attempt in range(1, OTHER_ATTEMPTS + 1):
        claim = store.claim(_only(store)[0], 60)
        assert claim.attempt == attempt
        store.fault(claim, [BAD], final=False)
        assert store.duty(SCOPE, claim.subject).result == "presort.offline: nobody answers on port 8080"
        assert store.due_steps(64, 0.0) == []
        clock.forward(600)
    assert store.due_steps(64, 0.0) == []
    assert store.duty(SCOPE, claim.subject).state == "stopped"
    assert store.events(SCOPE, claim.subject)[-1].reason == "presort.offline"


@pytest.mark.parametrize("how", ["final", "lost"])
def test_a_duty_stops_at_once_where_another_try_is_of_no_use(store, clock, how):
    store.add_duty(SCOPE, "erase", "2026-11-25")
    step, _ = _only(store)
    claim = store.claim(step, 60)
    if how == "final":
        store.fault(claim, [BAD], final=True)
    for _ in range(LOST_LEASES):
        clock.forward(61)
        assert how == "lost" or store.claim(step, 60) is None
        store.claim(step, 60)
    stopped = store.duty(SCOPE, claim.subject)
    assert stopped.state == "stopped"
    assert stopped.result.startswith("presort.offline" if how == "final" else "duty.lease_lost")


def test_the_shops_faults_cost_a_duty_nothing(store, clock):
    """A cut-off that waits for cards that are still being composed looks again and again."""
    store.add_duty(SCOPE, "close", "2026-11-25")
    for _ in range(30):
        claim = store.claim(_only(store)[0], 60)
        assert claim.attempt == 1
        store.give_back(claim, "3 orders are still being composed", 15)
        assert store.due_steps(64, 0.0) == []
        clock.forward(15)
    assert store.complete_duty(store.claim(_only(store)[0], 60), "1 batch")


def test_a_step_whose_duty_is_over_is_dropped_when_it_is_claimed(store, sql):
    store.add_duty(SCOPE, "close", "2026-11-25")
    sql(store, "UPDATE duties SET state = 'stopped'")
    assert store.claim(_only(store)[0], 60) is None
    assert store.due_steps(64, 0.0) == []


def test_an_endpoint_is_tried_for_ever_and_not_when_nobody_listens(store, sql, clock):
    sql(store, "INSERT INTO steps (tenant, mode, id, kind, subject, state, hinted_until, not_before, attempts, lost_leases)"
               " VALUES ('a', 'live', 'stp_1', 'events', 'whk_1', 'open', 0, 0, 0, 0)")  # fmt: skip
    columns = "tenant, mode, id, url, types, enabled, disabled_reason, generation, rotated_until, created_at"
    sql(store, f"INSERT INTO endpoints ({columns}) VALUES ('a', 'live', 'whk_1', 'https://x', '[]', 1, '', 1, '', '')")
    for attempt in range(1, 40):
        claim = store.claim(_only(store)[0], 60)
        assert claim.attempt == attempt
        store.fault(claim, [BAD], final=attempt % 2 == 0)
        clock.forward(600)
    for _ in range(2 * LOST_LEASES + 3):
        for step, _ in store.due_steps(64, 0.0):
            store.claim(step, 60)
        clock.forward(601)
    claim = store.claim(_only(store)[0], 60)
    assert store.heartbeat(claim)
    sql(store, "UPDATE endpoints SET enabled = 0")
    clock.forward(61)
    assert store.claim("stp_1", 60) is None
    assert sql(store, "SELECT state FROM steps") == [("dropped",)]


def test_who_lives_and_who_said_nothing_lately(store, clock):
    store.beat("dispatcher:one:1")
    clock.forward(20)
    store.beat("dispatcher:two:2")
    store.beat("dispatcher:two:2")
    assert store.beats(30) == ["dispatcher:one:1", "dispatcher:two:2"]
    clock.forward(11)
    assert store.beats(30) == ["dispatcher:two:2"]
    clock.forward(-3600)  # the clock was wrong, and is set back: nobody is known to live until he says so again
    assert store.beats(30) == []
    store.beat("dispatcher:two:2")
    assert store.beats(30) == ["dispatcher:two:2"]


def test_the_dead_are_forgotten_after_a_day(store, clock, sql):
    store.beat("dispatcher:one:1")
    clock.forward(86_401)
    store.beat("dispatcher:two:2")
    assert [name for (name,) in sql(store, "SELECT name FROM beats")] == ["dispatcher:two:2"]


def test_beats_on_the_databases_own_clock(any_store):
    any_store.beat("worker:here:1")
    assert any_store.beats(30) == ["worker:here:1"]


def test_the_database_is_told_how_its_tables_have_grown(any_store, order):
    """On PostgreSQL: without statistics a fresh one walks whole tables for every order."""
    any_store.add_orders([order(number) for number in range(600)])
    if any_store.db.sqlite:
        assert any_store.tune() is False
        return
    until = time.monotonic() + 30
    known = 0.0
    while known < 500:  # the server counts what was written with a delay
        assert time.monotonic() < until, "600 new orders, and nobody told the database"
        any_store.tune()
        with any_store.db.reading() as tx:
            known = tx.one("SELECT reltuples AS rows FROM pg_class WHERE relname = 'orders'")["rows"]
        time.sleep(0.2)
