"""A store whose process may die before any statement, for the machines that do anything in any order.

The crash is real enough: the connection is cut in the middle of a transaction, and a new store opens the same file.
"""

from __future__ import annotations

import atexit
import datetime as dt
import functools
import shutil
import tempfile
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from hypothesis import strategies as st

from cardpipe.model.errors import Conflict, Refused, Unavailable
from cardpipe.storage.store import SqlStore

#: Before which of its statements the process dies, if at all.
CRASHES = st.one_of(st.none(), st.none(), st.none(), st.integers(1, 14))
PICK = st.integers(0, 1000)


class FrozenClock:
    """Moves only when it is told to."""

    def __init__(self):
        self.moment = dt.datetime(2026, 11, 21, 9, 0, tzinfo=dt.UTC)

    def now(self):
        return self.moment

    def forward(self, seconds):
        self.moment += dt.timedelta(seconds=seconds)


class Crash(BaseException):
    """The process is gone."""


@functools.cache
def _template():
    """An empty, migrated database to start from: migrating takes longer than everything else here."""
    folder = Path(tempfile.mkdtemp(prefix="machine-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    path = folder / "empty.db"
    store = SqlStore(f"sqlite:///{path}")
    store.migrate()
    store.close()
    return path


class Crashing:
    """A store in a file of its own, on a clock of its own."""

    def __init__(self):
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="machine-"))
        self.clock = FrozenClock()
        shutil.copy(_template(), self.folder / "shop.db")
        self.store = self._open()

    def _open(self):
        store = SqlStore(f"sqlite:///{self.folder / 'shop.db'}", self.clock)
        self.left = None

        @sa.event.listens_for(store.db.engine, "before_cursor_execute")
        def _cut(conn, cursor, statement, *rest):
            if self.left is not None:
                self.left -= 1
                if self.left < 0:
                    raise Crash

        @sa.event.listens_for(store.db.engine, "connect")
        def _no_need_to_sync(connection, record):
            connection.execute("PRAGMA synchronous=OFF")  # these crashes are of processes, not of power

        @sa.event.listens_for(store.db.engine, "commit")
        def _cut_before_commit(conn):
            if self.left is not None:
                self.left -= 1
                if self.left < 0:
                    raise Crash

        return store

    def _do(self, crash, call, *args: Any, **named: Any):
        """Call the store; with ``crash``, the process dies before its so-manieth statement. None where it died."""
        self.left = crash
        try:
            return call(*args, **named)
        except Crash:
            self.store.close()
            self.store = self._open()
            return None
        except (Conflict, Refused, Unavailable):
            return None
        finally:
            self.left = None

    def _over(self):
        self.store.close()
        shutil.rmtree(self.folder)
