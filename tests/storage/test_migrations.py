"""Migrations lead to exactly the tables that the code knows, from nothing and with rows, also when many start at once."""

from __future__ import annotations

import threading

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from cardpipe.model.errors import Conflict
from cardpipe.model.order import Scope
from cardpipe.storage import migrations
from cardpipe.storage.store import SqlStore
from cardpipe.storage.tables_console import metadata


def _schema(engine):
    """Every statement that made this SQLite schema, CHECKs and all, in one spelling."""
    with engine.connect() as conn:
        rows = conn.execute(sa.text("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY name"))
        return {name: _parts(sql) for name, sql in rows if name != "alembic_version"}


def _parts(sql):
    """What lies between the outermost commas, in one order: SQLite adds columns at the end of a table's statement, and
    quotes the names of tables that were copied."""
    found, depth = [""], 0
    for letter in sql.replace('"', ""):
        depth += (letter == "(") - (letter == ")")
        if (depth == 1 and letter in "(,") or (depth == 0 and letter == ")"):
            found.append("")
        else:
            found[-1] += letter
    return sorted(" ".join(part.split()) for part in found)


def test_migrated_tables_are_the_tables(any_store):
    with any_store.db.engine.connect() as conn:
        assert compare_metadata(MigrationContext.configure(conn), metadata) == []


def test_also_their_checks_which_alembic_does_not_compare(store, tmp_path):
    made = sa.create_engine(f"sqlite:///{tmp_path / 'made.db'}")
    metadata.create_all(made)
    schema = _schema(made)
    assert len(schema) >= 13
    assert _schema(store.db.engine) == schema


def test_migrating_again_changes_nothing(any_store, order):
    any_store.add_order(order(1))
    any_store.migrate()
    assert not any_store.add_order(order(1))[1]
    assert migrations.version(any_store.db) == list(migrations.MIGRATIONS)[-1]


def test_a_database_of_a_newer_cardpipe_is_left_alone(store, sql):
    sql(store, "UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(Conflict, match="newer"):
        store.migrate()


def test_many_may_start_at_once(tmp_path):
    stores = [SqlStore(f"sqlite:///{tmp_path / 'new.db'}") for _ in range(5)]
    failed = []

    def migrate(store):
        try:
            store.migrate()
        except Exception as problem:
            failed.append(problem)

    threads = [threading.Thread(target=migrate, args=(store,)) for store in stores]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert migrations.version(stores[0].db) == list(migrations.MIGRATIONS)[-1]


def test_a_migration_that_fails_leaves_the_database_as_it_was(tmp_path, monkeypatch):
    from cardpipe.storage import migration_0001_first as first

    store = SqlStore(f"sqlite:///{tmp_path / 'new.db'}")
    real = first.upgrade

    def half():
        real()
        raise RuntimeError("the power went")

    monkeypatch.setattr(first, "upgrade", half)
    with pytest.raises(RuntimeError):
        store.migrate()
    assert migrations.version(store.db) is None
    monkeypatch.setattr(first, "upgrade", real)
    store.migrate()


def test_sqlite_is_opened_with_every_safeguard_on(store):
    with store.db.reading() as tx:
        got = {name: tx.conn.exec_driver_sql(f"PRAGMA {name}").scalar() for name in
               ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")}  # fmt: skip
    assert got == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 30000}


AS_OF_0001 = """
    INSERT INTO orders VALUES ('{t}', 'live', 'ord_{t}', 'ref-1', 'accepted', 'd', '', 'birthday', 'fern', '2026-11-25',
        NULL, '[]', '2026-11-21');
    INSERT INTO batches VALUES ('{t}', 'live', 'bat_{t}', {n}, '2026-11-25', {n}, 'A7|d|u', 'A7', 'd', 'u', '{state}',
        1, 2, NULL, '[]', '2026-11-21');
    INSERT INTO pieces VALUES ('{t}', 'live', 'pce_{t}1', 'ord_{t}', 1, 'ref-1', 'batched', '2026-11-25', 'A7|d|u', '1',
        '[]', 'x', 'y', 1, 1, '[]', '[]', 'bat_{t}', 1, NULL);
    INSERT INTO pieces VALUES ('{t}', 'live', 'pce_{t}2', 'ord_{t}', 2, 'ref-1', 'batched', '2026-11-25', 'A7|d|u', '2',
        '[]', 'x', 'y', 1, 1, '[]', '[]', 'bat_{t}', 2, 'held');
    INSERT INTO steps VALUES ('{t}', 'live', 'stp_c{t}', 'compose', 'pce_{t}1', 'pce_{t}1', NULL, 'done', NULL, NULL,
        NULL, 0, 0, 1, 0, NULL);
    INSERT INTO steps VALUES ('{t}', 'live', 'stp_i{t}', 'impose', 'bat_{t}', NULL, 'bat_{t}', '{open}', NULL, NULL,
        NULL, 0, 0, 0, 0, NULL);
    INSERT INTO batch_files VALUES ('{t}', 'live', 'bat_{t}', 0, 'x.pdf', 'c', 1)
"""


def test_a_database_with_rows_goes_on_where_it_was(any_store, sql):
    for table in [*reversed(metadata.sorted_tables), sa.Table("alembic_version", sa.MetaData())]:
        sql(any_store, f"DROP TABLE {table.name}")
    migrations.upgrade(any_store.db, "0001")
    for number, (tenant, state) in enumerate([("a", "gathered"), ("b", "imposed")], 1):
        still = "open" if state == "gathered" else "done"
        for statement in AS_OF_0001.format(t=tenant, n=number, state=state, open=still).split(";"):
            sql(any_store, statement)
    any_store.migrate()
    assert migrations.version(any_store.db) == list(migrations.MIGRATIONS)[-1]
    for tenant, state in (("a", "gathered"), ("b", "imposed")):
        (batch,) = any_store.batches(Scope(tenant))
        assert (batch.state, batch.pieces, batch.gathered, batch.label_start) == (state, 2, 2, 1)
        assert (batch.target, batch.held, batch.files[0].name) == (None, None, "x.pdf")
        assert [(piece.seq, piece.held, piece.presorted) for piece in any_store.members(batch.id)] == [
            (1, None, None),
            (2, "held", None),
        ]
        assert any_store.eject(Scope(tenant), batch.id, [2], "a wrong photo", "anna").pieces == 1
    assert len(any_store.due_steps(9, 20)) == 2
    with pytest.raises(sa.exc.IntegrityError):  # the links still hold
        sql(any_store, "DELETE FROM batches WHERE id = 'bat_a'")
