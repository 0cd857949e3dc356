"""Migrations lead to exactly the tables that the code knows, from nothing and with rows, also when many start at once."""

from __future__ import annotations

import threading

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from cardpipe.model.errors import Conflict
from cardpipe.storage import migrations
from cardpipe.storage.store import SqlStore
from cardpipe.storage.tables import metadata


def _schema(engine):
    """Every statement that made this SQLite schema, CHECKs and all, in one spelling."""
    with engine.connect() as conn:
        rows = conn.execute(sa.text("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY name"))
        return {name: _lines(sql) for name, sql in rows if name != "alembic_version"}


def _lines(sql):
    return sorted(line.strip().rstrip(",") for line in sql.splitlines())


def test_migrated_tables_are_the_tables(any_store):
    with any_store.db.engine.connect() as conn:
        assert compare_metadata(MigrationContext.configure(conn), metadata) == []


def test_also_their_checks_which_alembic_does_not_compare(store, tmp_path):
    made = sa.create_engine(f"sqlite:///{tmp_path / 'made.db'}")
    metadata.create_all(made)
    schema = _schema(made)
    assert len(schema) >= 6
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
