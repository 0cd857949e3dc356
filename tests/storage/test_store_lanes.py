"""Turns: no queue, kind, tenant or lane keeps another from being hinted, whatever it has to do."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from cardpipe.storage import steps
from cardpipe.storage.engine import new_id
from cardpipe.storage.turns import KINDS, QUEUE_OF, QUEUES, Lane, in_turn

FLOOD = 500
_MANY = """
    INSERT INTO steps (tenant, mode, id, kind, subject, state, hinted_until, not_before, attempts, lost_leases, lane)
    VALUES (:tenant, 'live', :id, :kind, :subject, 'open', 0, 0, 0, 0, :lane)
"""


def _fill(store, number, *, kind="accept", tenant="a", lanes=("",)):
    """Open steps of a kind that is about neither piece nor batch, so that they need no subject to be hinted."""
    with store.db.writing() as tx:
        names = [(new_id("stp", tx.now), lanes[n % len(lanes)]) for n in range(number)]
        rows = [{"tenant": tenant, "id": name, "kind": kind, "subject": name, "lane": lane} for name, lane in names]
        tx.run_each(_MANY, rows)


def _hinted(store, due):
    """Of each (kind, tenant, lane), how many were hinted."""
    with store.db.reading() as tx:
        rows = {row["id"]: row for row in tx.all("SELECT * FROM steps")}
    return Counter((rows[step]["kind"], rows[step]["tenant"], rows[step]["lane"]) for step, _ in due)


def _waiting(numbers):
    """Lanes of so many steps: ``{lane: 3}``, as the window sees them."""
    return {lane: iter([f"{'/'.join(lane)} {n}" for n in range(number)]) for lane, number in numbers.items()}


def test_every_kind_has_a_queue_and_every_queue_a_kind():
    assert set(QUEUE_OF.values()) == set(QUEUES) == {"accept", "compose", "gather", "release", "events"}
    assert steps.QUEUE_OF is QUEUE_OF


def test_hints_go_out_by_what_is_waited_for_first():
    waiting = _waiting({Lane(kind, "a", "live", ""): 1 for kind in reversed(KINDS)})
    kinds = [kind for _, kind in in_turn(64, {}, waiting)]
    assert kinds == ["release", "remake", "events", "close", "impose", "import", "compose", "accept", "erase"]


@pytest.mark.parametrize("flood", ["compose", "accept", "events", "impose", "release"])
def test_a_flood_in_one_queue_leaves_room_for_all_others_at_once(flood):
    here = Lane(flood, "a", "live", "")
    alone = in_turn(64, {}, _waiting({here: FLOOD}))
    assert len(alone) == 48  # a sixteenth is kept for each of the four others
    others = {Lane(kind, "b", "live", ""): 1 for kind in KINDS if QUEUE_OF[kind] != QUEUE_OF[flood]}
    late = in_turn(64, {here: 48}, _waiting({here: FLOOD, **others}))
    assert sorted(kind for _, kind in late) == sorted(lane.kind for lane in others)


def test_queues_that_all_have_work_share_the_window_equally():
    waiting = _waiting({Lane(kind, "a", "live", ""): FLOOD for kind in KINDS})
    taken = Counter(QUEUE_OF[kind] for _, kind in in_turn(100, {}, waiting))
    assert taken == dict.fromkeys(QUEUES, 20)


def test_what_a_queue_has_in_flight_counts_before_it_gets_more():
    events, compose = Lane("events", "a", "live", "x"), Lane("compose", "a", "live", "")
    taken = Counter(kind for _, kind in in_turn(32, {compose: 20}, _waiting({events: FLOOD, compose: FLOOD})))
    assert taken == {"events": 6}  # and 6 are kept: a sixteenth for each of the three others


def test_kinds_of_one_queue_do_not_starve_each_other():
    events, erase = Lane("events", "a", "live", ""), Lane("erase", "a", "live", "")
    assert in_turn(64, {events: 47}, _waiting({events: FLOOD, erase: 1})) == [("erase/a/live/ 0", "erase")]
    assert Counter(kind for _, kind in in_turn(16, {}, _waiting({events: FLOOD, erase: FLOOD}))) == {
        "events": 6, "erase": 6
    }  # fmt: skip


def test_whoever_has_least_in_flight_is_next_at_every_fork():
    here, busy = Lane("accept", "a", "live", "imp_1"), {Lane("accept", "a", "live", "imp_1"): 6}
    for other in (
        here._replace(lane="imp_2"),
        here._replace(mode="test"),
        here._replace(tenant="b", lane=""),
        here._replace(kind="import"),
    ):
        found = in_turn(12, busy, _waiting({here: FLOOD, other: FLOOD}))
        assert [step.rpartition(" ")[0] for step, _ in found] == ["/".join(other)] * 6


@pytest.mark.parametrize("window", [1, 2, 5, 64])
def test_places_that_fall_free_one_by_one_come_to_everybody(window):
    """As in a shop at work: one step ends, one is hinted. Who is last by name must not be last for ever."""
    random.seed(4)
    lanes = [Lane(kind, tenant, "live", "") for kind in ("accept", "compose", "erase") for tenant in "abcdefgh"]
    flying, served, begun = Counter(), Counter(), []
    for _ in range(2000):
        for step, kind in in_turn(window, flying, _waiting(dict.fromkeys(lanes, 3))):
            lane = Lane(kind, step.split("/")[1], "live", "")
            flying[lane] += 1
            served[lane] += 1
            begun.append(lane)
        flying[begun.pop(0)] -= 1
    assert min(served[lane] for lane in lanes) > 0.6 * sum(served.values()) / len(lanes)


def test_a_tenant_with_a_hundred_imports_gets_no_more_than_one_with_an_order():
    imports = [Lane("accept", "big", "live", f"imp_{n}") for n in range(100)]
    small = Lane("accept", "small", "live", "")
    found = in_turn(40, {}, _waiting({**dict.fromkeys(imports, 9), small: FLOOD}))
    assert Counter(step.split("/")[1] for step, _ in found) == {"big": 16, "small": 16}
    lanes = Counter(step.split()[0] for step, _ in found if "big" in step)
    assert max(lanes.values()) == 1  # sixteen imports, one chunk each


def test_a_direct_order_is_not_drawn_against_a_hundred_imports():
    random.seed(1)
    imports = [Lane("compose", "big", "live", f"imp_{n}") for n in range(100)]
    direct = Lane("compose", "big", "live", "")
    first = Counter(in_turn(1, {}, _waiting(dict.fromkeys([*imports, direct], 1)))[0][0] for _ in range(1000))
    assert first["compose/big/live/ 0"] > 400


def test_one_card_passes_a_campaign_of_its_own_tenant(any_store):
    _fill(any_store, FLOOD, lanes=("imp_1",))
    assert len(any_store.due_steps(64, 20)) == 48
    _fill(any_store, 1)
    _fill(any_store, 1, tenant="b")
    assert _hinted(any_store, any_store.due_steps(64, 20)) == {}  # accept has all that one queue may have
    with any_store.db.writing() as tx:
        tx.run("UPDATE steps SET state = 'done' WHERE id IN (SELECT id FROM steps WHERE hinted_until > 0 LIMIT 2)")
    assert _hinted(any_store, any_store.due_steps(64, 20)) == {("accept", "a", ""): 1, ("accept", "b", ""): 1}


def test_turns_go_round_tenants_and_then_round_lanes(any_store):
    _fill(any_store, 300, lanes=("imp_1", "imp_2", ""))
    _fill(any_store, 300, tenant="b")
    _fill(any_store, 2, tenant="c", lanes=("imp_3",))
    hinted = _hinted(any_store, any_store.due_steps(32, 20))
    tenants = Counter()
    for (_, tenant, _), number in hinted.items():
        tenants[tenant] += number
    assert tenants == {"a": 11, "b": 11, "c": 2}
    assert sorted(number for (_, tenant, _), number in hinted.items() if tenant == "a") == [3, 4, 4]


def test_each_lane_is_done_oldest_first_however_much_is_taken_of_it(any_store):
    _fill(any_store, 120)
    due = [step for step, _ in any_store.due_steps(2000, 20)]
    assert len(due) == 120
    assert due == sorted(due)


def test_what_is_of_no_kind_that_is_known_here_is_left_to_others():
    """A later version's step, while both run: it is neither hinted nor in the way."""
    waiting = _waiting({Lane("accept", "a", "live", ""): 9})
    assert len(in_turn(8, {Lane("unheard-of", "a", "live", ""): 3}, waiting)) == 5


def test_a_look_at_a_hundred_thousand_steps_takes_a_moment(any_store):
    """By lane and not by step. Counted in what the database does, not in seconds: rows that SQLite steps over, blocks
    that PostgreSQL reads."""
    _count_one_lane(any_store)
    _fill(any_store, 20_000, lanes=[f"imp_{n}" for n in range(50)])
    _fill(any_store, 50, tenant="b", lanes=[f"imp_{n}" for n in range(50)])
    few = _effort(any_store)
    _fill(any_store, 80_000, lanes=[f"imp_{n}" for n in range(50)])
    assert _effort(any_store) < 1.5 * few


def _count_one_lane(store):
    """A day of single orders lies behind: the database counted one lane, and no import has come since. (Its planner
    then walked all open steps by their ids, lane after lane.)"""
    _fill(store, 5_000)
    raw = store.db.engine.connect().execution_options(isolation_level="AUTOCOMMIT")
    raw.exec_driver_sql("ANALYZE steps")
    raw.exec_driver_sql("DELETE FROM steps")
    raw.close()


def _effort(store):
    """How much work one look is."""
    with store.db.reading() as tx:
        if tx.postgres:
            sql = steps._WAITING.format(gathered="json_agg")
            moment = {"now": tx.now, "skew": 5.0, "hint": 20.0, "longest": 600.0, "page": 8}
            plan = tx.all(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {sql}", **moment)[0]["QUERY PLAN"][0]["Plan"]
            return plan["Shared Hit Blocks"] + plan["Shared Read Blocks"]
        ticks = []
        raw = tx.conn.connection.driver_connection
        raw.set_progress_handler(lambda: ticks.append(1) and 0, 100)
        found = steps.due(tx, 64, 20)
        raw.set_progress_handler(None, 0)
        assert len(found) == 48
        return len(ticks)


def test_workers_are_deaf_only_to_what_they_serve(any_store):
    """A machine that accepts must not be restarted because nobody elsewhere tells."""
    _fill(any_store, 3, kind="accept")
    _fill(any_store, 1, kind="events")
    due = any_store.due_steps(64, 60.0)
    assert len(due) == 4
    taken = [any_store.claim(step, 60.0) for step, kind in due if kind == "accept"]
    assert taken == [None] * 3, "their chunks are not there: the steps are dropped, and so served"
    assert any_store.unserved(("accept",)) == 0
    assert any_store.unserved(("events", "release")) == 1
    assert any_store.unserved(QUEUES) == 1
    assert any_store.unserved(("compose",)) == 0
