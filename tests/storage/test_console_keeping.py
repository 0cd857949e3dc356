"""Keeping the console's tables: a data folder of the release before gets them, a backup has the users, and what was
restored lets nobody in who was logged in when the backup was made."""

from __future__ import annotations

from dataclasses import replace

import pytest
import sqlalchemy as sa
from intaking import judge, read_through, row
from tars import packed, stocked

from cardpipe.model.batch import match_code
from cardpipe.model.order import Scope
from cardpipe.model.user import Role, User
from cardpipe.storage import migrations
from cardpipe.storage.restore import read_backup
from cardpipe.storage.store import SqlStore
from cardpipe.storage.tables_console import metadata

SCOPE = Scope()
HASHED = "$argon2id$v=19$m=65536,t=3,p=4$c2FsdA$aGFzaA"


def people(store):
    store.add_user(User("anna", Role.ADMINISTRATOR, (), HASHED), "user:root")
    store.add_user(User("ben", Role.VIEWER, ("acme",), HASHED), "user:anna")
    store.change_user("ben", "user:anna", disabled=True)
    store.add_session("d1", "anna", "local", "live")
    for _ in range(6):
        store.failed_login("anna")


def test_a_backup_has_the_users_and_nobody_is_logged_in_after_it(store, tmp_path, order, batch, clock):
    house = stocked(store, tmp_path, order, batch)
    people(store)
    file, _ = packed(house, tmp_path)
    store.end_session("d1")
    read_backup(file, tmp_path / "new")
    again = SqlStore(f"sqlite:///{tmp_path / 'new' / 'cardpipe.db'}", clock)
    assert again.users() == store.users() and len(again.users()) == 2
    assert again.session("d1") is None
    assert again.login_pause("anna") == store.login_pause("anna") == 60
    assert again.audit_broken() is None
    again.add_session("d2", "anna", "local", "live")
    assert again.session("d2").user == store.user("anna")
    again.close()


def test_a_server_that_was_restored_by_its_own_tools_lets_nobody_in_either(any_store):
    people(any_store)
    assert any_store.session("d1") is not None
    any_store.restored("restored from a dump: reconcile it", "user:anna")
    assert any_store.session("d1") is None and len(any_store.users()) == 2


@pytest.fixture
def before(any_store, sql):
    """A database as the release before left it."""
    for table in [*reversed(metadata.sorted_tables), sa.Table("alembic_version", sa.MetaData())]:
        sql(any_store, f"DROP TABLE {table.name}")
    migrations.upgrade(any_store.db, "0004")
    with any_store.db.reading() as tx:
        assert not {"users", "sessions", "failed_logins"} & set(sa.inspect(tx.conn).get_table_names())
    return any_store


def test_a_data_folder_of_the_release_before_goes_on_with_a_console(before, order, batch, sql):
    store = before
    made = batch(store, 3, "released")
    for number in (10, 11):
        store.add_order(replace(order(number), metadata={"contact": f"C{number}"}))
    store.hold(SCOPE, store.order(SCOPE, "ref-10").id, "ask")
    sql(store, "ALTER TABLE intake ADD COLUMN overrides TEXT NOT NULL DEFAULT '[]'")  # that release asked for none
    _, (claim,) = read_through(store, [row(line) for line in (31, 32)])
    judge(store, claim, bad=(32,))
    sql(store, "ALTER TABLE intake DROP COLUMN overrides")
    store.audit("local", "key:k1", "download", made.id, file="x.pdf")
    store.migrate()
    assert migrations.version(store.db) == list(migrations.MIGRATIONS)[-1]
    pieces = {}
    for each in store.due(SCOPE, "2026-11-25", "2026-11-25"):
        pieces |= {(each.group, state): many for state, many in each.pieces.items()}
    assert sorted(pieces.values()) == [1, 2, 3]
    assert {(each.kind, each.code) for each in store.stuck(SCOPE)} == {
        ("held", "operator"), ("refused", "address.postcode")
    }  # fmt: skip
    assert [each.reference for each in store.find(SCOPE, "C11")] == ["ref-11"]
    assert [each.reference for each in store.find(SCOPE, "ref-1")] == ["ref-1", "ref-11", "ref-10"]
    assert store.find(SCOPE, match_code(made.number, 3, "O"))[0].pieces[0].seq == 3
    assert [entry.actor for entry in store.given_out(SCOPE, made.id)] == ["key:k1"]
    people(store)
    assert store.session("d1").user.name == "anna" and store.audit_broken() is None
