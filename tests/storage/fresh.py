"""New databases without the wait: migrated once in each test process, and copied or emptied for each test after that.

That the migrations lead to today's tables is what ``test_migrations`` holds, on databases of its own."""

from __future__ import annotations

import os
import tempfile
from functools import cache
from pathlib import Path

import sqlalchemy as sa

from cardpipe.storage import migrations
from cardpipe.storage.engine import Database
from cardpipe.storage.store import SqlStore
from cardpipe.storage.tables_console import metadata


@cache
def _migrated(process: int) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "cardpipe.db"
        store = SqlStore(f"sqlite:///{place}")
        store.migrate()
        store.db.empty_journal()
        store.close()
        return place.read_bytes()


def lay(place: Path) -> Path:
    """A migrated SQLite database without a row at that place, where none may lie yet; the place."""
    place.parent.mkdir(parents=True, exist_ok=True)
    with place.open("xb") as file:
        file.write(_migrated(os.getpid()))
    return place


def own_database(url: str, name: str = "") -> str:
    """The address of a database for this test process alone, made where there is none: tests run side by side, and each
    begins by emptying its own. ``name``: one of several that a test has."""
    own = "_".join(part for part in (os.environ.get("PYTEST_XDIST_WORKER", ""), name) if part)
    if not own:
        return url
    named = sa.make_url(url)
    database = f"{named.database}_{own}"
    engine = sa.create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as conn:
        if not conn.execute(sa.text("SELECT 1 FROM pg_database WHERE datname = :own"), {"own": database}).first():
            conn.execute(sa.text(f'CREATE DATABASE "{database}"'))
    engine.dispose()
    return named.set(database=database).render_as_string(hide_password=False)


def emptied(store: SqlStore) -> SqlStore:
    """A PostgreSQL database with today's tables and no row, whatever was in it before."""
    if _stands(store.db):
        used = "SELECT relname FROM pg_class WHERE relname = ANY(:names) AND pg_relation_size(oid) > 0"
        with store.db.engine.begin() as conn:
            names = conn.execute(sa.text(used), {"names": [table.name for table in metadata.sorted_tables]}).scalars()
            if tables := ", ".join(names):
                conn.execute(sa.text(f"TRUNCATE {tables} CASCADE"))  # new files: what was deleted would lie in the old
            sequences = sa.text(
                "SELECT schemaname || '.' || sequencename AS name FROM pg_sequences WHERE last_value > 0"
            )
            for name in conn.execute(sequences).scalars().all():
                conn.execute(sa.text(f"ALTER SEQUENCE {name} RESTART"))
        return store
    with store.db.engine.begin() as conn:
        for table in [*reversed(metadata.sorted_tables), sa.Table("alembic_version", sa.MetaData())]:
            conn.execute(sa.text(f"DROP TABLE IF EXISTS {table.name} CASCADE"))
    store.migrate()
    _seen.add(str(store.db.engine.url))
    return store


#: Databases that this process migrated itself: what another one left may be of yesterday's tables.
_seen: set[str] = set()


def _stands(db: Database) -> bool:
    return str(db.engine.url) in _seen and migrations.version(db) == list(migrations.MIGRATIONS)[-1]
