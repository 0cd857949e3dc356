"""What the database refuses, whatever the code above it does: raw SQL past every habit."""

from __future__ import annotations

import pytest
from pressroom import work
from sqlalchemy.exc import IntegrityError

from cardpipe.model.errors import Refused
from cardpipe.model.order import Scope
from cardpipe.model.scan import Scan, Stage

A, B = Scope("a"), Scope("b")
#: Of the whole installation, or of a tenant in both modes.
NOBODYS = {"audit", "beats", "failed_logins", "installation", "tenants", "users"}


@pytest.fixture
def two(any_store, order, compose):
    """Tenants a and b with two composed pieces and one batch of one piece each."""
    for scope in (A, B):
        any_store.add_orders([order(n, tenant=scope.tenant, mode=scope.mode) for n in (1, 2)])
    compose(any_store)
    batches = {}
    for scope in (A, B):
        first, _ = any_store.gatherable(scope, "2026-11-25")
        batches[scope] = any_store.gather(scope, "2026-11-25", {first.group: [first.id]})[0]
    return any_store, batches


def _free(store, scope):
    return store.gatherable(scope, "2026-11-25")[0]


TAKE = "UPDATE pieces SET state = 'batched', batch_id = :batch, seq = :seq WHERE id = :piece"


def test_a_place_is_taken_once(two, sql):
    store, batches = two
    with pytest.raises(IntegrityError):
        sql(store, TAKE, batch=batches[A].id, seq=1, piece=_free(store, A).id)
    sql(store, TAKE, batch=batches[A].id, seq=2, piece=_free(store, A).id)


def test_a_piece_has_one_batch_because_it_has_one_column(two, sql):
    store, batches = two
    piece = _free(store, A)
    with pytest.raises(IntegrityError):  # a second row for the same copy of the same order
        sql(
            store,
            "INSERT INTO pieces SELECT tenant, mode, 'pce_second', order_id, copy, reference, 'batched', mail_on,"
            " group_key, sort_key, spec, card, envelope, card_bytes, envelope_bytes, composed_findings, findings,"
            " :batch, 9, held, presorted, awaits_approval FROM pieces WHERE id = :piece",
            batch=batches[A].id, piece=piece.id,
        )  # fmt: skip


def test_no_piece_in_a_batch_of_another_tenant(two, sql):
    store, batches = two
    with pytest.raises(IntegrityError):
        sql(store, TAKE, batch=batches[B].id, seq=2, piece=_free(store, A).id)


def test_nothing_of_a_test_mode_comes_near_a_press(two, sql, order):
    store, batches = two
    scope = Scope("a", "test")
    store.add_order(order(1, tenant="a", mode="test"))
    work(store, "compose")
    piece = _free(store, scope)
    with pytest.raises(Refused) as refused:
        store.gather(scope, "2026-11-25", {piece.group: [piece.id]})
    assert [finding.code for finding in refused.value.findings] == ["batch.test_mode"]
    with pytest.raises(IntegrityError):  # nor past every habit: not in a live batch, and there is no other
        sql(store, TAKE, batch=batches[A].id, seq=2, piece=piece.id)
    with pytest.raises(IntegrityError, match="ck_batches_mode"):
        sql(store, "UPDATE batches SET mode = 'test' WHERE id = :batch", batch=batches[A].id)


def test_no_piece_in_a_batch_of_another_group(two, sql, order, compose):
    store, batches = two
    store.add_order(order(3, tenant="a", group="A2|digital|usps|matte"))
    compose_only(store)
    other = next(piece for piece in store.gatherable(A, "2026-11-25") if piece.group.startswith("A2"))
    with pytest.raises(IntegrityError):
        sql(store, TAKE, batch=batches[A].id, seq=2, piece=other.id)


def compose_only(store):
    from cardpipe.model.piece import Composed

    for step_id, kind in store.due_steps(99, 20):
        if kind == "compose":
            claim = store.claim(step_id, 60)
            assert store.complete_compose(claim, Composed("a" * 64, "b" * 64, 1, 1))


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE pieces SET tenant = 'b' WHERE id = :piece",  # its order is a's
        "UPDATE pieces SET mode = 'test' WHERE id = :piece",
        "UPDATE steps SET tenant = 'b' WHERE subject = :piece",
        "UPDATE steps SET mode = 'test' WHERE subject = :piece",
        "UPDATE batch_files SET tenant = 'b'",
        "UPDATE pieces SET order_id = (SELECT id FROM orders WHERE tenant = 'b' AND reference = 'ref-2') WHERE id = :piece",
        "UPDATE pieces SET card = NULL WHERE id = :piece",  # composed of nothing
        "UPDATE pieces SET seq = 3 WHERE id = :piece",  # a place without a batch
        "UPDATE steps SET token = 'x' WHERE subject = :piece",  # a token without a lease, on a step that is done
        "UPDATE steps SET batch_id = :batch WHERE subject = :piece",  # a step with two subjects
        "UPDATE orders SET reference = 'ref-1' WHERE tenant = 'a' AND mode = 'live'",
        "UPDATE batches SET number = 1",
        "UPDATE batches SET pieces = 0",  # empty, and still to be printed
        "UPDATE batches SET pieces = gathered + 1",
        "UPDATE batches SET state = 'released'",  # to nowhere
        "UPDATE batches SET label_start = 0",
        "UPDATE batches SET held_by = 'impose'",  # by whom, but not why
        "UPDATE steps SET kind = 'remake' WHERE subject = :piece",
        "UPDATE steps SET kind = 'release' WHERE subject = :piece",
        "DELETE FROM orders WHERE tenant = 'a'",
        "DELETE FROM batches WHERE tenant = 'a'",
    ],
)
def test_refused(two, sql, statement):
    store, batches = two
    if "batch_files" in statement:
        sql(store, "INSERT INTO batch_files VALUES ('a', 'live', :batch, 0, 'x.pdf', :sha, 1)",
            batch=batches[A].id, sha="0" * 64)  # fmt: skip
    values = {"piece": _free(store, A).id, "batch": batches[A].id}
    with pytest.raises(IntegrityError):
        sql(store, statement, **{name: value for name, value in values.items() if f":{name}" in statement})


def test_every_table_and_every_link_carries_tenant_and_mode():
    from cardpipe.storage.tables_console import metadata

    assert len(metadata.tables) > 25
    for name, table in metadata.tables.items():
        assert name in NOBODYS or {"tenant", "mode"} <= set(table.columns.keys())
        for link in table.foreign_key_constraints:
            assert link.referred_table.name in NOBODYS or {"tenant", "mode"} <= set(link.column_keys)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE {table} SET tenant = 'b'",
        "UPDATE {table} SET mode = 'test'",
    ],
)
@pytest.mark.parametrize(
    "table", ["withdrawals", "remakes", "remake_pieces", "remake_files", "scan_lists", "scans", "replies"]
)
def test_nothing_that_was_seen_after_the_press_goes_over_to_another(any_store, batch, sql, table, statement):
    made = batch(any_store, 3, "released", tenant="a")
    batch(any_store, 1, "released", tenant="b", first=7)
    any_store.add_remake(A, made.id, [1], "torn", "anna")
    work(any_store)
    any_store.record(A, made.id, [Scan(2, Stage.PRINTED)], "list", "1" * 64, "anna")
    any_store.withdraw(A, made.id, [3], "too late", "anna")
    any_store.acknowledge(A, made.id, made.name, True, "thank you")
    assert sql(any_store, f"SELECT count(*) FROM {table}")[0][0] >= 1
    with pytest.raises(IntegrityError):
        sql(any_store, statement.format(table=table))


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE scans SET stage = 'lost'",
        "UPDATE scans SET remake_id = NULL WHERE list_id IS NULL",  # seen by nobody
        "UPDATE remakes SET run = 0",
        "UPDATE replies SET verdict = 'perhaps'",
        "INSERT INTO remakes SELECT tenant, mode, 'rmk_two', batch_id, run, reason, who, at, made_at FROM remakes",
    ],
)
def test_what_cannot_have_been_seen(any_store, batch, sql, statement):
    made = batch(any_store, 2, "released", tenant="a")
    any_store.add_remake(A, made.id, [1], "torn", "anna")
    any_store.acknowledge(A, made.id, made.name, True, "thank you")
    with pytest.raises(IntegrityError):
        sql(any_store, statement)
