"""A backup gives everything back, or is refused as a whole; what it gave back releases nothing before it was looked at.
And a data folder of the release before goes on."""

from __future__ import annotations

import hashlib
import io
import threading
import tracemalloc

import pytest
import sqlalchemy as sa
from pressroom import TARGET, due, finish, work
from tars import PARTS, SCOPE, files, members, packed, stocked

from cardpipe.model.errors import Bug, Conflict, Refused, Unavailable
from cardpipe.model.order import Scope
from cardpipe.model.scan import Scan, Stage
from cardpipe.storage import migrations
from cardpipe.storage.artifacts import FolderArtifacts
from cardpipe.storage.backup import write_backup
from cardpipe.storage.restore import read_backup
from cardpipe.storage.store import SqlStore
from cardpipe.storage.tables_console import metadata


@pytest.fixture
def house(store, tmp_path, order, batch):
    return stocked(store, tmp_path, order, batch)


def rows(store):
    """Every row of every table but what the restore itself writes."""
    with store.db.reading() as tx:
        return {
            table.name: sorted(map(repr, (tuple(row.values()) for row in tx.all(f"SELECT * FROM {table.name}"))))
            for table in metadata.sorted_tables
            if table.name not in ("audit", "installation")
        }


def test_a_restored_system_has_all_rows_and_all_bytes(house, tmp_path):
    store, artifacts, _ = house
    store.audit("acme", "user:anna", "order.looked_at", "ord_1")
    file, made = packed(house, tmp_path)
    data = tmp_path / "new" / "data"
    assert read_backup(file, data) == made
    assert (made.artifacts, made.at, made.migration) == (10, "2026-11-21T09:00:00Z", list(migrations.MIGRATIONS)[-1])
    assert files(data / "artifacts") == files(artifacts.root)
    assert sorted(path.name for path in data.iterdir()) == ["artifacts", "cardpipe.db", "secret"]
    assert (data / "secret").read_text() == "s" * 64
    assert [(data / name).stat().st_mode & 0o777 for name in ("secret", "cardpipe.db")] == [0o600, 0o600]
    again = SqlStore(f"sqlite:///{data / 'cardpipe.db'}")
    again.migrate()
    assert len(rows(store)) > 25
    assert rows(again) == rows(store)
    assert again.audited("acme", 9) == store.audited("acme", 9)
    assert [entry.action for entry in again.audited("", 9)] == ["release.paused", "backup.restored"]
    assert again.audit_broken() is None
    again.close()


def test_what_was_restored_releases_nothing_until_it_is_reconciled(house, tmp_path):
    store, _, _ = house
    (imposed,) = store.batches(SCOPE)
    store.plan_release(SCOPE, imposed.id, TARGET)  # perhaps it was handed over after the backup
    file, _ = packed(house, tmp_path)
    read_backup(file, tmp_path / "new")
    again = SqlStore(f"sqlite:///{tmp_path / 'new' / 'cardpipe.db'}")
    assert again.paused() == (
        "restored from the backup of 2026-11-21T09:00:00Z: reconcile it with what was delivered"
    )  # fmt: skip
    assert "release" not in [kind for _, kind in due(again)]
    with pytest.raises(Conflict, match="reconcile"):
        again.plan_release(SCOPE, imposed.id, TARGET)
    again.pause(None, "user:anna")
    assert "release" in work(again, "release")
    again.close()
    assert store.paused() is None


def test_a_backup_of_a_restored_system_is_a_backup(house, tmp_path):
    file, made = packed(house, tmp_path)
    read_backup(file, tmp_path / "new")
    again = SqlStore(f"sqlite:///{tmp_path / 'new' / 'cardpipe.db'}")
    second = tmp_path / "second.tar"
    with second.open("wb") as out:
        more = write_backup(again.db, FolderArtifacts(tmp_path / "new" / "artifacts"), tmp_path / "new" / "secret", out)
    again.close()
    assert more.artifacts == made.artifacts
    names = [name for name, _ in members(second)]
    assert sorted(names) == sorted(name for name, _ in members(file))
    assert (names[:3], names[-1]) == (PARTS, "manifest.sha256")


def test_a_backup_is_taken_while_orders_come_in(house, tmp_path, order):
    store = house[0]
    stop, failed = threading.Event(), []

    def go_on():
        number = 100
        try:
            while not stop.is_set():
                store.add_order(order(number, message="x" * 3000))
                number += 1
        except Exception as problem:
            failed.append(problem)

    thread = threading.Thread(target=go_on)
    thread.start()
    try:
        backups = [packed(house, tmp_path)[0].rename(tmp_path / f"{number}.tar") for number in range(5)]
    finally:
        stop.set()
        thread.join()
    assert failed == []
    counts = []
    for number, file in enumerate(backups):
        read_backup(file, tmp_path / f"data-{number}")
        again = SqlStore(f"sqlite:///{tmp_path / f'data-{number}' / 'cardpipe.db'}")
        with again.db.reading() as tx:
            counts.append([tx.one(f"SELECT count(*) AS n FROM {table}")["n"] for table in ("orders", "pieces")])
        again.close()
    assert all(orders == pieces for orders, pieces in counts)
    assert counts == sorted(counts)


def test_nothing_is_left_beside_the_database(house, tmp_path):
    packed(house, tmp_path)
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []
    with pytest.raises(Unavailable):
        write_backup(house[0].db, house[1], house[2], _Full(tmp_path / "full.tar"))
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


class _Full(io.FileIO):
    """A disk with little room."""

    def __init__(self, path):
        super().__init__(path, "w")

    def write(self, data):
        if self.tell() + len(data) > 100_000:
            raise OSError(28, "No space left on device")
        return super().write(data)


def test_a_damaged_artifact_is_told_when_the_backup_is_made(house, tmp_path):
    artifacts = house[1]
    digest = artifacts.put(SCOPE, b"whole")
    (artifacts.root / "local" / "live" / digest[:2] / digest).write_bytes(b"wrong")
    with pytest.raises(Bug, match="changed"):
        packed(house, tmp_path)


def test_an_artifact_that_is_erased_meanwhile_is_left_out(house, tmp_path, monkeypatch):
    artifacts = house[1]
    gone = sorted(artifacts.digests(SCOPE))[0]
    real = artifacts.open

    def open_(scope, digest):
        artifacts.delete(SCOPE, gone)
        return real(scope, digest)

    monkeypatch.setattr(artifacts, "open", open_)
    file, made = packed(house, tmp_path)
    assert made.artifacts == 9
    assert read_backup(file, tmp_path / "new").artifacts == 9


def test_without_a_secret_of_its_own_a_folder_is_backed_up_too(house, tmp_path):
    house[2].unlink()
    file, _ = packed(house, tmp_path)
    read_backup(file, tmp_path / "new")
    assert not (tmp_path / "new" / "secret").exists()


def test_a_backup_holds_nothing_in_memory(store, tmp_path):
    artifacts = FolderArtifacts(tmp_path / "artifacts")
    with store.db.writing() as tx:
        tx.run("INSERT INTO uploads (tenant, mode, digest, use, at) VALUES ('local', 'live', 'x', 'photo', '')")
    with artifacts.write(SCOPE) as out:
        for _ in range(32):
            out.write(b"\0" * (1 << 20))
    for number in range(150):
        artifacts.put(SCOPE, b"%d" % number)
    tracemalloc.start()
    file, made = packed((store, artifacts, tmp_path / "none"), tmp_path)
    read_backup(file, tmp_path / "new")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert made.artifacts == 151
    assert made.size > 32 << 20
    assert peak < 12 << 20


def test_postgresql_is_backed_up_by_its_own_tools(any_store, tmp_path):
    if any_store.db.sqlite:
        return
    with pytest.raises(Refused) as caught:
        write_backup(any_store.db, FolderArtifacts(tmp_path), tmp_path / "secret", io.BytesIO())
    assert "pg_dump" in caught.value.findings[0].remedy


AS_OF_0002 = """
    INSERT INTO orders VALUES ('acme', 'live', 'ord_{n}', 'ref-{n}', 'accepted', 'd{n}',
        '{{"reference":"ref-{n}","message":"Hi"}}', 'birthday', 'fern', '2026-11-25', NULL, '[]', '2026-11-20T09:00:00.000Z');
    INSERT INTO pieces VALUES ('acme', 'live', 'pce_{n}', 'ord_{n}', 1, 'ref-{n}', '{state}', '2026-11-25', 'A7|d|u', '1',
        '{{"photos":{{"main":"{photo}"}},"signature":{signature},"v":1}}', '{card}', '{envelope}', 1, 1, '[]', '[]',
        {batch}, {seq}, NULL, NULL);
    INSERT INTO events (tenant, mode, at, kind, subject, old, new, reason, detail) VALUES
        ('acme', 'live', '2026-11-21T0{n}:00:00.000Z', 'piece', 'pce_{n}', 'x', '{state}', 'composed', '{{}}')
"""


def test_a_data_folder_of_the_release_before_goes_on(any_store, sql, order, tmp_path):
    """Its open work is taken up, its mailed orders are known as such, and erasing one takes nothing from another."""
    store, scope = any_store, Scope("acme")
    artifacts = FolderArtifacts(tmp_path / "artifacts")
    photo, signature = artifacts.put(scope, b"the team"), artifacts.put(scope, b"the signature")
    for table in [*reversed(metadata.sorted_tables), sa.Table("alembic_version", sa.MetaData())]:
        sql(store, f"DROP TABLE {table.name}")
    migrations.upgrade(store.db, "0002")
    columns = "tenant, mode, id, number, mail_on, of_day, group_key, format, press, carrier, state, revision, pieces," \
              " findings, gathered_at, gathered, target, label_start"  # fmt: skip
    sql(store, f"INSERT INTO batches ({columns}) VALUES ('acme', 'live', 'bat_1', 1, '2026-11-25', 1, 'A7|d|u', 'A7', 'd',"
               " 'u', 'mailed', 1, 2, '[]', '2026-11-21', 2, 'file:///house', 1)")  # fmt: skip
    for n, (state, seq) in enumerate([("mailed", 1), ("mailed", 2), ("composed", None)], 1):
        names = {"card": artifacts.put(scope, b"card %d" % n), "envelope": artifacts.put(scope, b"the same envelope")}
        values = {"n": n, "state": state, "photo": photo, "signature": f'"{signature}"' if n == 1 else "null", **names,
                  "batch": "'bat_1'" if seq else "NULL", "seq": seq or "NULL"}  # fmt: skip
        for statement in AS_OF_0002.format(**values).split(";"):
            sql(store, statement.replace(":", "\\:"))
    store.migrate()
    assert migrations.version(store.db) == list(migrations.MIGRATIONS)[-1]
    assert store.erasable(scope, "2999-01-01") == ["ord_1", "ord_2"]
    store.erase_order(scope, "ord_1", "cardpipe", "k1")
    assert sorted(store.rubbish(scope)) == sorted(
        [hashlib.sha256(b"card 1").hexdigest(), signature]
    )  # the photo and the envelope are those of others, too
    store.erase_order(scope, "ord_2", "cardpipe", "k2")
    assert photo not in store.rubbish(scope)
    assert store.batch(scope, "bat_1").files == ()
    (piece,) = store.gatherable(scope, "2026-11-25")
    assert (piece.id, store.piece(scope, piece.id).spec["photos"]["main"]) == ("pce_3", photo)
    made = store.gather(scope, "2026-11-25", {piece.group: [piece.id]})[0]
    assert finish(store, store.claim(due(store)[0][0], 60))
    store.plan_release(scope, made.id, TARGET)
    work(store)
    store.record(scope, made.id, [Scan(1, Stage.MAILED)], "a list", "3" * 64, "anna")
    store.erase_order(scope, "ord_3", "cardpipe", "k3")
    assert photo in store.rubbish(scope)
    assert store.add_order(order(9, tenant="acme"))[1]
