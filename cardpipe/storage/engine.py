"""The way into the database: SQLite with every safeguard on, or PostgreSQL by URL. The one door to SQLAlchemy's engine.

SQLite is opened with WAL, ``synchronous=FULL``, foreign keys, and zeroes over what is deleted; pysqlite's own
transaction handling is off and writes start with ``BEGIN IMMEDIATE``: a deferred transaction that turns into a write
fails at once, whatever the timeout (reliability.md 2.3). An error that another try can mend leaves as
:class:`Unavailable`.
"""

from __future__ import annotations

import datetime as dt
import os
import secrets
import sqlite3
import threading
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event, exc
from sqlalchemy.pool import NullPool

from cardpipe.model.errors import Bug, Refused, Unavailable
from cardpipe.model.finding import error
from cardpipe.ports import Clock

BUSY_SECONDS = 30
#: The one lock that writers of batch numbers and migrations take on PostgreSQL; SQLite has one writer anyway.
_ADVISORY_LOCK = 0x63617264  # "card"
_IDS = "0123456789abcdefghjkmnpqrstvwxyz"


#: Statements are few and all of them constant; SQLAlchemy would read the text anew, and reckon its key, each time.
_text = lru_cache(maxsize=2048)(sa.text)


class SystemClock:
    """The machine's clock."""

    def now(self) -> dt.datetime:
        return dt.datetime.now(dt.UTC)


@dataclass(frozen=True, slots=True)
class Tx:
    """One open transaction and the one moment at which it takes place."""

    conn: sa.Connection
    now: float

    @property
    def at(self) -> str:
        """The moment as text for people and the log: ISO 8601, UTC, milliseconds."""
        moment = dt.datetime.fromtimestamp(self.now, dt.UTC)
        return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")

    @property
    def postgres(self) -> bool:
        return self.conn.dialect.name == "postgresql"

    def all(self, sql: str, **values: Any) -> list[sa.RowMapping]:
        """The rows of a statement, by column name."""
        return list(self.conn.execute(_text(sql), values).mappings())

    def each(self, sql: str, **values: Any) -> Iterator[sa.RowMapping]:
        """The rows of a statement one by one, for those of which there may be a hundred thousand."""
        yield from self.conn.execute(_text(sql), values).mappings()

    def one(self, sql: str, **values: Any) -> sa.RowMapping | None:
        """The first row of a statement, if any."""
        return self.conn.execute(_text(sql), values).mappings().first()

    def run(self, sql: str, **values: Any) -> int:
        """Do a statement; how many rows it touched."""
        return int(self.conn.execute(_text(sql), values).rowcount)

    def run_each(self, sql: str, rows: list[dict[str, Any]]) -> int:
        """Do a statement once a row; how many rows were touched in all."""
        return int(self.conn.execute(_text(sql), rows).rowcount) if rows else 0

    def listed(self, name: str) -> str:
        """A subquery for any number of ids given as one JSON parameter: no limit on how many, one statement."""
        if self.postgres:
            return f"(SELECT value FROM json_array_elements_text(CAST(:{name} AS json)))"
        return f"(SELECT value FROM json_each(:{name}))"

    def alone(self) -> None:
        """Wait until no other transaction that calls this is under way."""
        if self.postgres:
            self.conn.execute(_text("SELECT pg_advisory_xact_lock(:key)"), {"key": _ADVISORY_LOCK})


class Database:
    """An engine whose transactions are either reading or writing, on one clock.

    The clock is the machine's on SQLite (or a test's), and the database's own on PostgreSQL, where many machines meet.
    """

    def __init__(self, url: str, clock: Clock | None = None) -> None:
        self.clock = clock or SystemClock()
        try:
            parsed = sa.make_url(url)
        except (exc.ArgumentError, ValueError):  # the address itself is not repeated: it may hold a password
            remedy = "write postgresql+psycopg://USER:PASSWORD@HOST/DATABASE, or leave it away"
            found = error("settings.database", "CARDPIPE_DATABASE_URL", "cannot be read as an address", remedy)
            raise Refused("the database's address cannot be used", [found]) from None
        if parsed.get_backend_name() == "postgresql" and parsed.drivername == "postgresql":
            parsed = parsed.set(drivername="postgresql+psycopg")
        self.sqlite = parsed.get_backend_name() == "sqlite"
        if self.sqlite and parsed.database and parsed.database != ":memory:":
            Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
        self.engine = _sqlite(parsed) if self.sqlite else _server(parsed)
        _forget_after_fork(self.engine)

    @contextmanager
    def reading(self) -> Iterator[Tx]:
        """A transaction that changes nothing: it never waits for a writer on SQLite."""
        with _mended(), self.engine.connect() as conn, conn.begin():
            yield Tx(conn, self._now(conn))

    @contextmanager
    def writing(self) -> Iterator[Tx]:
        """A transaction that is either durable when the block has ended, or never was."""
        with _mended(), self.engine.connect() as conn:
            conn = conn.execution_options(cardpipe_writes=True)
            with conn.begin():
                yield Tx(conn, self._now(conn))

    @contextmanager
    def noting(self) -> Iterator[Tx]:
        """A writing transaction that outlives whoever made it, and perhaps not a power cut: nobody waits for the
        disk. For notes whose loss costs room and no card."""
        with _mended(), self.engine.connect() as conn:
            conn = conn.execution_options(cardpipe_writes=True)
            if self.sqlite:
                conn.connection.execute("PRAGMA synchronous=NORMAL")
            try:
                with conn.begin():
                    if not self.sqlite:
                        conn.exec_driver_sql("SET LOCAL synchronous_commit TO OFF")
                    yield Tx(conn, self._now(conn))
            finally:
                if self.sqlite:
                    conn.connection.execute("PRAGMA synchronous=FULL")

    @contextmanager
    def migrating(self) -> Iterator[sa.Connection]:
        """A writing transaction in which SQLite tables may be copied and renamed; links are checked at its end."""
        with _mended(), self.engine.connect() as conn:
            conn = conn.execution_options(cardpipe_writes=True)
            if not self.sqlite:
                with conn.begin():
                    Tx(conn, 0).alone()
                    yield conn
                return
            conn.connection.execute("PRAGMA foreign_keys=OFF")  # before BEGIN, or it is ignored
            try:
                with conn.begin():
                    yield conn
                    if broken := conn.exec_driver_sql("PRAGMA foreign_key_check").all():
                        raise Bug(f"a migration would break {len(broken)} links between rows; nothing was changed")
            finally:
                conn.connection.execute("PRAGMA foreign_keys=ON")

    def rewrite(self) -> None:
        """SQLite: the file is written anew. When SQLite moves rows between its pages it leaves copies of a few behind,
        which ``secure_delete`` does not reach. About 20 s a gigabyte, in which others wait with their writing, and as
        much room again. Raises Unavailable where there is none. PostgreSQL: nothing."""
        self._outside_of_transactions("VACUUM")

    def empty_journal(self) -> None:
        """SQLite: what was written goes from the journal into the file, and the journal is empty: what was overwritten
        lies in neither. Raises Unavailable where somebody reads for so long. PostgreSQL: nothing."""
        told = self._outside_of_transactions("PRAGMA wal_checkpoint(TRUNCATE)")
        if told and told[0]:
            raise Unavailable("Somebody reads the database all the time; scrub it again in a while.")

    def _outside_of_transactions(self, statement: str) -> Any:
        if not self.sqlite:
            return None
        with _mended(), self.engine.connect() as conn:
            try:  # past SQLAlchemy, which would begin one
                return conn.connection.driver_connection.execute(statement).fetchone()  # type: ignore[union-attr]
            except sqlite3.OperationalError as problem:
                raise Unavailable(f"The database could not be scrubbed ({problem}); try the same call again.") from None

    def close(self) -> None:
        self.engine.dispose()

    def _now(self, conn: sa.Connection) -> float:
        if self.sqlite:
            return self.clock.now().timestamp()
        return float(conn.execute(_text("SELECT extract(epoch FROM clock_timestamp())")).scalar_one())


_last_id = 0
_one_at_a_time = threading.Lock()


def new_id(prefix: str, now: float) -> str:
    """``pce_…``: 48 bits of time, then random ones. Sorts by when it was made, also within one moment of one process,
    so that rows lie together on disk and the oldest come first. Never printed."""
    global _last_id
    stamp = int(now * 1000) % (1 << 48)
    with _one_at_a_time:
        if stamp == _last_id >> 80:
            number = _last_id + 1 + secrets.randbits(48)
        else:
            number = (stamp << 80) | secrets.randbits(79)
        _last_id = number
    return f"{prefix}_" + "".join(_IDS[(number >> shift) & 31] for shift in range(125, -1, -5))


def first_id(prefix: str, moment: float) -> str:
    """The least id that can be made at that moment (Unix time) or later."""
    stamp = int(moment * 1000) % (1 << 48) << 80
    return f"{prefix}_" + "".join(_IDS[(stamp >> shift) & 31] for shift in range(125, -1, -5))


def _server(url: sa.URL) -> sa.Engine:
    return sa.create_engine(url, pool_pre_ping=True, hide_parameters=True)


def _sqlite(url: sa.URL) -> sa.Engine:
    # errors are written down, and parameters are names and addresses
    engine = sa.create_engine(
        url, connect_args={"timeout": BUSY_SECONDS, "check_same_thread": False}, pool_size=4, hide_parameters=True
    )

    @event.listens_for(engine, "connect")
    def _connect(connection: Any, record: object) -> None:
        connection.isolation_level = None  # pysqlite starts no transactions of its own
        cursor = connection.cursor()
        for setting in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "secure_delete=ON"):
            cursor.execute(f"PRAGMA {setting}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def _begin(conn: sa.Connection) -> None:
        writes = conn.get_execution_options().get("cardpipe_writes")
        conn.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


_left_behind: list[Any] = []


def _forget_after_fork(engine: sa.Engine) -> None:
    """A forked child must neither use nor close its parent's connections (SQLite: "How to corrupt", 2.6)."""
    weak = weakref.ref(engine)

    def forget() -> None:
        mine = weak()
        if mine is not None and not isinstance(mine.pool, NullPool):
            _left_behind.append(mine.pool)  # kept alive on purpose: closing would touch the parent's locks
            mine.dispose(close=False)

    os.register_at_fork(after_in_child=forget)


@contextmanager
def _mended() -> Iterator[None]:
    """Turn what another try can mend into Unavailable; leave contradictions (constraints, bad SQL) as they are."""
    try:
        yield
    except exc.TimeoutError as error:
        raise Unavailable("The database has no connection free; the same call may be made again.") from error
    except exc.DBAPIError as error:
        if not (isinstance(error, exc.OperationalError) or error.connection_invalidated):
            raise
        said = str(error.orig).splitlines()[0] if str(error.orig) else type(error.orig).__name__
        if "no such table" in said or "no such column" in said or "syntax error" in said:
            raise
        raise Unavailable(f"The database did not answer or has no room ({said}); try the same call again.") from error
