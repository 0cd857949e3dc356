"""Every allowed and every forbidden move, against the one table of moves; and what the database itself refuses."""

from __future__ import annotations

import itertools

import pytest
from sqlalchemy.exc import IntegrityError

from cardpipe.model.errors import Conflict
from cardpipe.model.order import Scope
from cardpipe.model.status import DONE, IN_A_BATCH, PIECE_MOVES, OrderState, PieceState
from cardpipe.storage import pieces

SCOPE = Scope()


@pytest.fixture
def gathered(store, order, compose):
    """A store with one composed piece outside of any batch, and an empty place in a batch of one."""
    store.add_orders([order(1), order(2)])
    compose(store)
    free, member = store.gatherable(SCOPE, "2026-11-25")
    batch = store.gather(SCOPE, "2026-11-25", {member.group: [member.id]})[0]
    return free, batch


def _put(store, sql, piece, batch, state):
    """Lay the piece into a state by raw SQL."""
    inside = state in IN_A_BATCH
    sql(
        store, "UPDATE pieces SET state = :state, batch_id = :batch, seq = :seq WHERE id = :id",
        state=str(state), batch=batch.id if inside else None, seq=7 if inside else None, id=piece.id,
    )  # fmt: skip


@pytest.mark.parametrize(("old", "new"), list(itertools.product(PieceState, PieceState)))
def test_move_follows_the_table(store, sql, gathered, old, new):
    piece, batch = gathered
    _put(store, sql, piece, batch, old)
    allowed = new in PIECE_MOVES[old]
    inside = new in IN_A_BATCH
    with store.db.writing() as tx:
        place = {"batch_id": batch.id if inside else None, "seq": 7 if inside else None}
        assert pieces.move(tx, SCOPE, piece.id, new, "a test", **place) is allowed
    assert store.piece(SCOPE, piece.id).state is (new if allowed else old)
    last = store.events(SCOPE, piece.id)[-1]
    assert ((last.old, last.new, last.reason) == (old, new, "a test")) is allowed


@pytest.mark.parametrize("new", [PieceState.NEEDS_ATTENTION, PieceState.CANCELLED])
@pytest.mark.parametrize("old", sorted(IN_A_BATCH))
def test_no_piece_leaves_its_batch_by_the_way(store, sql, gathered, old, new):
    piece, batch = gathered
    _put(store, sql, piece, batch, old)
    with store.db.writing() as tx:
        assert not pieces.move(tx, SCOPE, piece.id, new, "a test", findings="[]")
    assert store.piece(SCOPE, piece.id).batch_id == batch.id


@pytest.mark.parametrize(("state", "inside"), list(itertools.product(PieceState, (True, False))))
def test_database_knows_who_lies_in_a_batch(store, sql, gathered, state, inside):
    piece, batch = gathered
    place = (batch.id, 7) if inside else (None, None)

    def put():
        sql(store, "UPDATE pieces SET state = :s, batch_id = :b, seq = :q WHERE id = :id",
            s=str(state), b=place[0], q=place[1], id=piece.id)  # fmt: skip

    if inside == (state in IN_A_BATCH):
        put()
    else:
        with pytest.raises(IntegrityError, match="ck_pieces_in_a_batch"):
            put()


@pytest.mark.parametrize("state", PieceState)
def test_cancel_until_it_lies_in_a_batch(store, sql, gathered, state):
    piece, batch = gathered
    _put(store, sql, piece, batch, state)
    free = PieceState.CANCELLED in PIECE_MOVES[state] and state not in IN_A_BATCH  # out of a batch: withdraw
    if free or state is PieceState.CANCELLED:
        assert store.cancel_order(SCOPE, piece.order_id, "no longer a client").state == OrderState.CANCELLED
        assert store.piece(SCOPE, piece.id).state is PieceState.CANCELLED
    else:
        with pytest.raises(Conflict):
            store.cancel_order(SCOPE, piece.order_id, "no longer a client")
        assert store.order(SCOPE, piece.order_id).state == OrderState.ACCEPTED
        assert store.piece(SCOPE, piece.id).state is state


@pytest.mark.parametrize("state", PieceState)
def test_only_what_is_composed_and_free_is_gathered(store, sql, gathered, state):
    piece, batch = gathered
    _put(store, sql, piece, batch, state)
    found = store.gatherable(SCOPE, "2026-11-25")
    assert [one.id for one in found] == ([piece.id] if state is PieceState.COMPOSED else [])
    if state is not PieceState.COMPOSED:
        with pytest.raises(Conflict):
            store.gather(SCOPE, "2026-11-25", {piece.group: [piece.id]})


@pytest.mark.parametrize("state", PieceState)
def test_again(store, sql, gathered, state):
    piece, batch = gathered
    _put(store, sql, piece, batch, state)
    if state in (PieceState.COMPOSED, PieceState.NEEDS_ATTENTION, PieceState.COMPOSING):
        store.again(SCOPE, piece.id, "looked at")
        assert store.piece(SCOPE, piece.id).state is PieceState.WAITING
        assert [kind for _, kind in store.due_steps(9, 20)].count("compose") == 1
    else:
        with pytest.raises(Conflict):
            store.again(SCOPE, piece.id, "looked at")


def test_states_that_nobody_knows(store, sql, gathered):
    piece, batch = gathered
    sql(store, "UPDATE batches SET target = 'file:///house'")  # or that is missed first
    for table, id_ in (("pieces", piece.id), ("orders", piece.order_id), ("batches", batch.id)):
        with pytest.raises(IntegrityError, match=f"ck_{table}_state"):
            sql(store, f"UPDATE {table} SET state = 'lost' WHERE id = :id", id=id_)


def test_no_move_leads_out_of_what_is_done():
    """What ``done_at`` rests on: it is set once, and nothing has to take it back."""
    assert {PieceState.MAILED, PieceState.RETURNED, PieceState.CANCELLED} == DONE
    assert all(PIECE_MOVES[state] <= DONE for state in DONE)
