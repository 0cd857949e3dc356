"""Many at once: one winner of a step, each piece once, each order once; in threads and in processes."""

from __future__ import annotations

import multiprocessing
import threading
from concurrent.futures import ThreadPoolExecutor

from cardpipe.model.errors import Conflict
from cardpipe.model.order import Scope
from cardpipe.storage.store import SqlStore

SCOPE = Scope()
DAY = "2026-11-25"


def _at_once(number, work):
    """The results of ``number`` threads that start at the same moment."""
    ready = threading.Barrier(number)

    def run(which):
        ready.wait()
        return work(which)

    with ThreadPoolExecutor(number) as pool:
        return list(pool.map(run, range(number)))


def test_of_eight_who_fetch_the_same_file_one_is_the_first(any_store, batch):
    """As in two consoles: each looks who got it before, and notes that it gives it out."""
    made = batch(any_store, 2, "released")
    url = any_store.db.engine.url.render_as_string(hide_password=False)
    stores = [SqlStore(url) for _ in range(2)]

    def give(which):
        store = stores[which % 2]
        return store.give_out(SCOPE, made.id, f"user:{which}", made.id, lambda before: not before, file="x.pdf")

    assert _at_once(8, give).count(True) == 1
    assert len(any_store.given_out(SCOPE, made.id)) == 1
    for store in stores:
        store.close()


def test_eight_threads_and_one_step(any_store, order):
    for number in range(5):
        any_store.add_order(order(number))
        ((step_id, _),) = any_store.due_steps(9, 20)
        claims = _at_once(8, lambda _, step_id=step_id: any_store.claim(step_id, 60))
        assert sum(claim is not None for claim in claims) == 1


def _claim_all(url, step_ids, results):
    store = SqlStore(url)
    results.put([step_id for step_id in step_ids if store.claim(step_id, 60)])
    store.close()


def test_four_processes_and_forty_steps(store, order):
    store.add_orders([order(n) for n in range(40)])
    step_ids = [step_id for step_id, _ in store.due_steps(99, 20)]
    context = multiprocessing.get_context("spawn")
    results = context.Queue()
    url = str(store.db.engine.url)
    workers = [context.Process(target=_claim_all, args=(url, step_ids, results)) for _ in range(4)]
    for worker in workers:
        worker.start()
    won = [step_id for _ in workers for step_id in results.get(timeout=60)]
    for worker in workers:
        worker.join(30)
    assert sorted(won) == sorted(step_ids)


def test_dispatchers_at_once_hint_each_step_once(any_store, order):
    any_store.add_orders([order(n) for n in range(30)])
    hinted = [step for steps in _at_once(4, lambda _: any_store.due_steps(200, 20)) for step in steps]
    assert len(hinted) == len(set(hinted)) <= 30
    assert len(hinted) + len(any_store.due_steps(200, 20)) == 30


def test_gathers_at_once_take_each_piece_once(any_store, order, compose):
    any_store.add_orders([order(n) for n in range(60)])
    compose(any_store)

    def gather(_):
        pieces = any_store.gatherable(SCOPE, DAY)
        members = {pieces[0].group: [piece.id for piece in pieces]} if pieces else {}
        try:
            return any_store.gather(SCOPE, DAY, members)
        except Conflict:
            return []

    made = [batch for batches in _at_once(4, gather) for batch in batches]
    assert len(made) == 1
    members = [piece.id for batch in made for piece in any_store.members(batch.id)]
    assert len(members) == len(set(members)) == 60


def test_gathers_of_other_pieces_at_once_get_other_numbers(any_store, order, compose):
    for tenant in ("a", "b", "c", "d"):
        any_store.add_orders([order(n, tenant=tenant) for n in range(5)])
    compose(any_store)

    def gather(which):
        scope = Scope("abcd"[which])
        pieces = any_store.gatherable(scope, DAY)
        return any_store.gather(scope, DAY, {pieces[0].group: [piece.id for piece in pieces]})[0]

    assert sorted(batch.number for batch in _at_once(4, gather)) == [1, 2, 3, 4]


def test_fifty_posts_of_one_order_are_one_order(any_store, order):
    results = _at_once(12, lambda _: any_store.add_order(order(1)))
    assert sum(fresh for _, fresh in results) == 1
    assert len({stored.id for stored, _ in results}) == 1


def test_a_cancel_and_a_gather_at_once_leave_no_doubt(any_store, order, compose):
    for number in range(8):
        stored, _ = any_store.add_order(order(number))
        compose(any_store) if number == 0 else _compose_one(any_store)
        piece = any_store.piece(SCOPE, stored.pieces[0].id)

        def either(which, piece=piece):
            try:
                if which:
                    any_store.cancel_order(SCOPE, piece.order_id, "a race")
                else:
                    any_store.gather(SCOPE, DAY, {piece.group: [piece.id]})
            except Conflict:
                return "lost"
            return "won"

        assert sorted(_at_once(2, either)) == ["lost", "won"]
        after = any_store.order(SCOPE, stored.id)
        assert (after.state, after.pieces[0].state) in {("cancelled", "cancelled"), ("accepted", "batched")}


def _compose_one(store):
    from cardpipe.model.piece import Composed

    for step_id, kind in store.due_steps(99, 20):
        if kind == "compose":
            assert store.complete_compose(store.claim(step_id, 60), Composed("a" * 64, "b" * 64, 1, 1))


def test_a_forked_child_gets_connections_of_its_own(store, order):
    store.add_order(order(1))
    parent = store.db.engine.pool
    context = multiprocessing.get_context("fork")
    results = context.Queue()

    def child():
        results.put((store.db.engine.pool is parent, store.order(SCOPE, "ref-1").state))

    worker = context.Process(target=child)
    worker.start()
    assert results.get(timeout=30) == (False, "accepted")
    worker.join(30)
    assert store.add_order(order(2))[1]
