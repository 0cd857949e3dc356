"""Many at once, after the gather: one winner, one release, each card once; in threads, on both engines."""

from __future__ import annotations

import multiprocessing
import threading
from concurrent.futures import ThreadPoolExecutor

from pressroom import TARGET, due, finish, work

from cardpipe.model.errors import CardpipeError, Conflict, Refused
from cardpipe.model.finding import error
from cardpipe.model.order import Scope
from cardpipe.model.piece import Presorted
from cardpipe.model.scan import Scan, Stage
from cardpipe.storage.store import SqlStore

SCOPE = Scope()


def _at_once(*works):
    """What each gives, or the Refused or Conflict that it raises; all start at the same moment. Anything else, such as
    two that wait for each other, fails the test."""
    ready = threading.Barrier(len(works))

    def run(work):
        ready.wait()
        try:
            return work()
        except (Refused, Conflict) as problem:
            return problem

    with ThreadPoolExecutor(len(works)) as pool:
        return list(pool.map(run, works))


def _lost(results):
    return [result for result in results if isinstance(result, CardpipeError)]


def _accounted(store, batch):
    """gathered = in the batch + withdrawn, and numbered without a gap until the release."""
    now, members = store.batch(SCOPE, batch.id), list(store.members(batch.id))
    tally = store.tally(SCOPE, batch.id)
    assert tally.gathered == tally.pieces + tally.withdrawn
    if now.state in ("gathered", "imposed"):
        assert [piece.seq for piece in members] == list(range(1, now.pieces + 1))
    return now


def test_two_people_release_at_once(any_store, batch):
    for turn in range(5):
        made = batch(any_store, 3, first=turn * 10)
        steps = _at_once(*[lambda made=made: any_store.plan_release(SCOPE, made.id, TARGET)] * 4)
        assert len(set(steps)) == 1
        claims = _at_once(*[lambda steps=steps: any_store.claim(steps[0], 60)] * 4)
        (claim,) = [claim for claim in claims if claim]
        done = _at_once(*[lambda claim=claim: any_store.complete_release(claim)] * 3)
        assert sorted(done) == [False, False, True]
        released = [event for event in any_store.events(SCOPE, made.id) if event.new == "released"]
        assert len(released) == 1


def test_two_places_at_once_are_one_place(any_store, batch):
    for turn in range(5):
        made = batch(any_store, 1, first=turn * 10)
        results = _at_once(
            *[lambda made=made, at=at: any_store.plan_release(SCOPE, made.id, f"file:///{at}") for at in "abcd"]
        )
        assert len(_lost(results)) == 3


def test_an_eject_and_a_release_at_once_leave_no_doubt(any_store, batch):
    for turn in range(8):
        made = batch(any_store, 4, first=turn * 10)
        ejected, planned = _at_once(
            lambda made=made: any_store.eject(SCOPE, made.id, [2], "a race", "anna"),
            lambda made=made: any_store.plan_release(SCOPE, made.id, TARGET),
        )
        assert len(_lost([ejected, planned])) == 1
        now = _accounted(any_store, made)
        assert (now.pieces, now.target) == ((4, TARGET) if isinstance(ejected, Conflict) else (3, None))
        work(any_store)


def test_a_plan_taken_back_and_a_worker_who_takes_it_at_once(any_store, batch):
    """Either he has it and it stays, or it is gone and he has nothing: never a hand-over that nobody knows of."""
    for turn in range(12):
        made = batch(any_store, 2, first=turn * 10)
        step = any_store.plan_release(SCOPE, made.id, TARGET)
        claim, dropped = _at_once(
            lambda step=step: any_store.claim(step, 60),
            lambda made=made: any_store.drop_release(SCOPE, made.id, "a race"),
        )
        assert (claim is None) == (dropped is None)
        if claim:
            assert any_store.complete_release(claim)


def test_a_withdrawal_and_a_worker_who_remakes_at_once(any_store, batch):
    for turn in range(12):
        made = batch(any_store, 2, "released", first=turn * 10)
        remake, step = any_store.add_remake(SCOPE, made.id, [1], "torn", "anna")
        claim, withdrawn = _at_once(
            lambda step=step: any_store.claim(step, 60),
            lambda made=made: any_store.withdraw(SCOPE, made.id, [1], "a race", "anna"),
        )
        assert (claim is None) != isinstance(withdrawn, Conflict)
        assert any_store.remake(remake.id).seqs == ((1,) if claim else ())


def test_an_eject_and_the_end_of_an_impose_at_once(any_store, batch):
    for turn in range(8):
        made = batch(any_store, 4, "gathered", first=turn * 10)
        claim = any_store.claim(due(any_store)[0][0], 60)
        after, _ = _at_once(
            lambda made=made: any_store.eject(SCOPE, made.id, [1], "a race", "anna"),
            lambda claim=claim: finish(any_store, claim),
        )
        assert after.revision == 2
        now = _accounted(any_store, made)
        assert (now.state, now.files) == ("gathered", ())  # whoever was first: the old files are gone
        assert work(any_store) == ["impose"]


def test_an_eject_and_a_fault_at_once(any_store, batch):
    for turn in range(8):
        made = batch(any_store, 4, "gathered", first=turn * 10)
        claim = any_store.claim(due(any_store)[0][0], 60)
        _at_once(
            lambda made=made: any_store.eject(SCOPE, made.id, [1], "a race", "anna"),
            lambda claim=claim: any_store.fault(claim, [error("x.y", "", "x")], final=True),
            lambda made=made: any_store.hold(SCOPE, made.id, "a person looks"),
        )
        now = _accounted(any_store, made)
        assert now.pieces == 3
        any_store.resume(SCOPE, made.id, "he has looked")
        assert work(any_store) == ["impose"]


def test_many_take_out_pieces_at_once(any_store, batch):
    made = batch(any_store, 30)
    works = [lambda seq=seq: any_store.eject(SCOPE, made.id, [seq], "a race", "anna") for seq in (1, 5, 9, 13)]
    order = [(piece.id, Presorted()) for piece in any_store.members(made.id)][::-1]
    results = _at_once(*works, lambda: any_store.resequence(SCOPE, made.id, order, "anna"))
    assert not _lost(results[:4])
    now = _accounted(any_store, made)
    taken = isinstance(results[4], Refused)  # the set had changed already
    assert (now.pieces, now.revision) == (26, 5 if taken else 6)


def test_the_same_name_ejects_once(any_store, batch):
    """Two people read the same list and strike out number 3; the second would hit another card."""
    made = batch(any_store, 6)
    results = _at_once(*[lambda: any_store.eject(SCOPE, made.name, [3], "a wrong photo", "anna")] * 3)
    assert len(_lost(results)) == 2
    assert [piece.reference for piece in any_store.members(made.id)] == [f"ref-{n}" for n in (1, 2, 4, 5, 6)]


def test_an_eject_and_a_hold_of_its_order_at_once(any_store, batch):
    made = batch(any_store, 12)
    pieces = list(any_store.members(made.id))
    holds = [lambda piece=piece: any_store.hold(SCOPE, piece.order_id, "a race") for piece in pieces[:6]]
    results = _at_once(*holds, lambda: any_store.eject(SCOPE, made.id, [2, 3, 9], "a race", "anna"))
    assert not _lost(results)
    assert _accounted(any_store, made).pieces == 9
    assert all(any_store.piece(SCOPE, piece.id).held for piece in pieces[:6])


def test_a_spoil_reported_by_many_is_one_remake(any_store, batch):
    made = batch(any_store, 5, "released")
    results = _at_once(*[lambda: any_store.add_remake(SCOPE, made.id, [2, 4], "torn", "anna")] * 4)
    assert len(_lost(results)) == 3
    assert len(any_store.remakes(SCOPE, made.id)) == 1
    others = _at_once(*[lambda n=n: any_store.add_remake(SCOPE, made.id, [n], "torn", "anna") for n in (1, 3, 5)])
    assert sorted(remake.run for remake, _ in others) == [2, 3, 4]
    assert work(any_store) == ["remake"] * 4


def test_a_list_sent_by_many_is_taken_once(any_store, batch, sql):
    made = batch(any_store, 5, "released")
    scans = [Scan(seq, Stage.INSERTED) for seq in range(1, 6)]
    results = _at_once(*[lambda: any_store.record(SCOPE, made.id, scans, "x", "1" * 64, "anna")] * 4)
    assert sorted(new for _, new in results) == [False, False, False, True]
    assert any_store.batch(SCOPE, made.id).held is None
    assert sql(any_store, "SELECT count(*) FROM scans")[0][0] == 5


def test_a_withdrawal_a_remake_and_the_post_at_once(any_store, batch):
    for turn in range(6):
        made = batch(any_store, 3, "released", first=turn * 10)
        withdrawn, remade, mailed = _at_once(
            lambda made=made: any_store.withdraw(SCOPE, made.id, [2], "a race", "anna"),
            lambda made=made: any_store.add_remake(SCOPE, made.id, [2], "torn", "anna"),
            lambda made=made: any_store.record(SCOPE, made.id, [Scan(2, Stage.MAILED)], "x", "1", "anna"),
        )
        tally = any_store.tally(SCOPE, made.id)
        assert tally.gathered == tally.pieces + tally.withdrawn
        assert (tally.withdrawn, tally.mailed) in {(1, 0), (0, 1)}
        assert isinstance(withdrawn, Conflict) == (tally.mailed == 1)
        if isinstance(mailed, Conflict):
            assert any_store.batch(SCOPE, made.id).held is not None
        if tally.mailed == 1:
            assert isinstance(remade, Conflict)  # a second card would follow the first
        if tally.withdrawn == 1 and not isinstance(remade, CardpipeError):
            assert any_store.remake(remade[0].id).seqs == ()


def test_many_settle_at_once(any_store, batch):
    made = batch(any_store, 3, "mailed")
    results = _at_once(*[lambda: any_store.settle(SCOPE, made.id, "anna")] * 4)
    assert len(set(results)) == 1
    assert [event.new for event in any_store.events(SCOPE, made.id)].count("settled") == 1


def test_a_reply_read_by_many_is_kept_once(any_store, batch):
    made = batch(any_store, 1, "released")
    results = _at_once(*[lambda: any_store.acknowledge(SCOPE, made.id, made.name, False, "no")] * 4)
    assert sorted(results) == [False, False, False, True]


def _eject_from(url, name, results):
    store = SqlStore(url)
    try:
        store.eject(SCOPE, name, [1], "a race", "anna")
        results.put("won")
    except (Refused, Conflict):
        results.put("lost")
    store.close()


def test_four_processes_and_one_name(store, batch):
    made = batch(store, 10)
    context = multiprocessing.get_context("spawn")
    results = context.Queue()
    url = str(store.db.engine.url)
    workers = [context.Process(target=_eject_from, args=(url, made.name, results)) for _ in range(4)]
    for worker in workers:
        worker.start()
    assert sorted(results.get(timeout=60) for _ in workers) == ["lost", "lost", "lost", "won"]
    for worker in workers:
        worker.join(30)
    assert _accounted(store, made).pieces == 9
