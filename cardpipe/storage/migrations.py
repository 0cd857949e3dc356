"""Bringing the tables up to date, by Alembic, without a folder of its own: each step is a ``migration_NNNN_…`` here.

To add one: write ``migration_NNNN_….py`` after the pattern of the first, name it in ``MIGRATIONS``, change ``tables``.
A test holds that the migrated tables and ``tables`` are the same, on an empty database and on one with rows.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from cardpipe.model.errors import Conflict
from cardpipe.storage.engine import Database

#: Oldest first: each one's revision and module, imported only when there is something to do.
MIGRATIONS = {
    "0001": "migration_0001_first",
    "0002": "migration_0002_press",
    "0003": "migration_0003_doors",
    "0004": "migration_0004_flow",
    "0005": "migration_0005_console",
    "0006": "migration_0006_lanes",
    "0007": "migration_0007_overrides",
    "0008": "migration_0008_states",
}


def version(db: Database) -> str | None:
    """The migration at which the database stands; None where it is empty."""
    with db.reading() as tx:
        if not sa.inspect(tx.conn).has_table("alembic_version"):
            return None
        row = tx.one("SELECT version_num FROM alembic_version")
        return row["version_num"] if row else None


def upgrade(db: Database, target: str = "head") -> None:
    """Take every step up to ``target``. A database of a newer cardpipe is left alone, and Conflict is raised."""
    known = list(MIGRATIONS)
    now = version(db)
    if now == (known[-1] if target == "head" else target):
        return
    if now is not None and now not in known:
        raise Conflict("The database was written by a newer cardpipe; install that one, or use another data folder.")
    _migrate(db, target)


def _migrate(db: Database, target: str) -> None:
    # Alembic takes longer to import than everything else here, and is needed once in a database's life
    from alembic.config import Config
    from alembic.runtime.environment import EnvironmentContext
    from alembic.script import Script, ScriptDirectory

    class Flat(ScriptDirectory):
        """Migrations that were imported, not searched for in a folder."""

        def _load_revisions(self) -> Iterator[Script]:
            for revision, name in MIGRATIONS.items():
                module = import_module(f"cardpipe.storage.{name}")
                yield Script(module, revision, str(module.__file__))

    scripts, config = Flat(str(Path(__file__).parent)), Config()

    def steps(revision: Any, context: Any) -> Any:
        return scripts._upgrade_revs(target, revision)

    with db.migrating() as conn, EnvironmentContext(config, scripts, fn=steps, destination_rev=target) as environment:
        environment.configure(connection=conn, render_as_batch=True, transactional_ddl=True)
        environment.run_migrations()
