"""What ``cardpipe doctor`` looks at outside of the program: disk, database, supervisor, queue, artifacts, clock."""

from __future__ import annotations

import datetime as dt
import json
import os
import secrets
import shutil
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urlsplit

from cardpipe.model.errors import CardpipeError, Unavailable
from cardpipe.model.order import Scope

if TYPE_CHECKING:
    from cardpipe.storage.store import SqlStore
    from cardpipe.wiring import Shop

_T = TypeVar("_T")

OK, WARNING, ERROR = "ok", "warning", "error"
#: Level, message, remedy.
Found = tuple[str, str, str]

LITTLE_ROOM, NO_ROOM = 2_000_000_000, 200_000_000
#: The supervisor tells its state every second; a busy machine delays that, a hanging one does it for ever.
STATUS_SECONDS = 15.0
#: Work is due for so long, and nothing at all moved for so long: then somebody should look.
DUE_SECONDS, STILL_SECONDS = 600.0, 120.0
ANSWER_SECONDS = 8.0
#: Several calls over a network: is there, write, read, remove.
BUCKET_SECONDS = 20.0
_NETWORK = {"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "afs", "ceph", "fuse.sshfs", "fuse.s3fs", "fuse.rclone"}
_FLEETING = {
    "tmpfs": "is gone after a restart",
    "ramfs": "is gone after a restart",
    "overlay": "goes with its container",
}
_RESTORE = "stop all work, and restore the data folder from its backup"

_DUE = """
    SELECT count(*) AS steps, min(id) AS oldest FROM steps
    WHERE state = 'open' AND token IS NULL AND held IS NULL AND not_before <= :now
"""
_SINCE = """
    SELECT max(e.at) AS at FROM events e
    JOIN steps s ON e.tenant = s.tenant AND e.mode = s.mode AND e.subject = s.subject WHERE s.id = :id
"""
_LAST = "SELECT at FROM events ORDER BY id DESC LIMIT 1"
#: Duties that failed, and that no later one of their kind has made up for.
_STOPPED = """
    SELECT tenant, kind, due, result FROM duties d WHERE state = 'stopped' AND NOT EXISTS (
        SELECT 1 FROM duties l WHERE l.tenant = d.tenant AND l.mode = d.mode AND l.kind = d.kind AND l.state = 'done'
                                 AND l.at > d.at)
    ORDER BY at DESC
"""
_UNTOLD = "SELECT count(*) AS found, min(created_at) AS oldest FROM deliveries WHERE state = 'pending'"
_DISABLED = "SELECT count(*) AS found FROM endpoints WHERE enabled = 0 AND disabled_reason <> ''"
_FOR_A_PERSON = {
    "pieces need attention": "SELECT count(*) AS found FROM pieces WHERE state = 'needs_attention'",
    "orders held": "SELECT count(*) AS found FROM orders WHERE held IS NOT NULL",
    "pieces held": "SELECT count(*) AS found FROM pieces WHERE held IS NOT NULL",
    "batches held": "SELECT count(*) AS found FROM batches WHERE held IS NOT NULL",
}


class Premises:
    """The surroundings of one shop. ``checks`` holds every check by name, in the order in which to read them."""

    def __init__(self, house: Shop) -> None:
        self.house = house
        self.config = house.settings
        self.checks: dict[str, Callable[[], Found]] = {
            "data folder": self.data_folder, "free room": self.free_room, "database": self.database,
            "clock": self.clock, "supervisor": self.supervisor, "steps": self.steps, "people": self.people,
            "releases": self.releases, "tellings": self.tellings, "queue": self.queue, "artifacts": self.artifacts,
        }  # fmt: skip

    @cached_property
    def _database(self) -> tuple[SqlStore | None, str | None, Exception | None]:
        """The database as it is, not migrated, and its version; or what keeps it from answering."""
        from cardpipe.storage.migrations import version
        from cardpipe.storage.store import SqlStore

        own, url = self.config.data / "cardpipe.db", self.config.database
        place = Path(url.partition(":///")[2].partition("?")[0]) if self.config.database_url else own
        if url.startswith("sqlite") and not place.exists():
            return None, None, None
        try:
            store = SqlStore(url, self.house.clock)
            return store, within(ANSWER_SECONDS, lambda: version(store.db)), None
        except Exception as problem:  # whatever a driver raises
            return None, None, problem

    @property
    def _store(self) -> SqlStore | None:
        """The database where it holds tables, else None."""
        store, version, _ = self._database
        return store if version else None

    def close(self) -> None:
        """Let go of the database."""
        if "_database" in self.__dict__ and (store := self._database[0]):
            store.close()

    def data_folder(self) -> Found:
        """There or to be made, writable, on a disk of this machine."""
        folder = self.config.data
        there = existing(folder)
        if not _writable(there):
            return ERROR, f"{there} cannot be written", "give it to this user, or set CARDPIPE_DATA to another folder"
        told = f"{folder}" + ("" if there == folder else " (made by the first command)")
        kind = file_system(there, _mounts())
        if kind in _NETWORK:
            return ERROR, f"{told} lies on {kind}", "use a disk of this machine: locks and the database need one"
        if kind in _FLEETING:
            return (
                WARNING,
                f"{told} lies on {kind}, which {_FLEETING[kind]}",
                "mount a disk there for orders that matter",
            )
        return OK, f"{told}, {kind or 'file system unknown'}", ""

    def free_room(self) -> Found:
        """Where there is less of it: the data folder's disk or the artifacts'. A bucket has no measure."""
        places = {existing(place) for place in (self.config.data, self.config.artifacts) if place is not None}
        free, place = min((shutil.disk_usage(place).free, str(place)) for place in places)
        told = f"{free / 1e9:.1f} GB free at {place}"
        if free < NO_ROOM:
            return ERROR, told, "make room: at least 200 MB"
        return (WARNING, told, "make room before a large batch") if free < LITTLE_ROOM else (OK, told, "")

    def database(self) -> Found:
        """Opens, is whole, and is of this version."""
        from cardpipe.storage.migrations import MIGRATIONS

        store, now, problem = self._database
        if isinstance(problem, CardpipeError):
            return ERROR, str(problem), "see that it runs and has room"
        if problem is not None:
            return ERROR, f"cannot be read as a database ({type(problem).__name__})", _RESTORE
        if store is None or now is None:
            return OK, "not there yet; the first command makes it", ""
        if now not in MIGRATIONS:
            return ERROR, f"was written by a newer cardpipe ({now})", "install that one, or use another data folder"
        checked = ""
        if store.db.sqlite:
            with store.db.reading() as tx:
                said = [str(next(iter(row.values()))) for row in tx.all("PRAGMA quick_check(5)")]
            if said != ["ok"]:
                return ERROR, f"is damaged: {said[0][:120]}", _RESTORE
            checked = ", quick check passed"
        later = "" if now == list(MIGRATIONS)[-1] else "; the next command migrates it"
        return OK, f"tables of {now}{checked}{later}", ""

    def clock(self) -> Found:
        """Of this century, and not before the last event."""
        now, last = self.house.clock.now(), None
        if now.year < 2026:
            return ERROR, f"the clock says {now:%Y-%m-%d}", "set the machine's clock"
        if self._store is not None:
            with self._store.db.reading() as tx:
                last = tx.one(_LAST)
        if last and (ahead := _moment(last["at"]) - now.timestamp()) > 60:
            return ERROR, f"the last event lies {ahead:.0f} s in the future", "set the machine's clock"
        return OK, f"{now:%Y-%m-%d %H:%M} UTC, not before the last event", ""

    def supervisor(self) -> Found:
        """Nobody holds the folder, or a process that tells its state."""
        from cardpipe.worker.lock import holder

        pid = holder(self.config.data)
        if pid is None:
            return OK, "none; commands bring their own workers", ""
        age = None
        with suppress(OSError, ValueError, KeyError):
            age = time.time() - float(json.loads((self.config.data / "supervisor.json").read_text())["at"])
        if age is None or abs(age) > STATUS_SECONDS:
            said = "has not told its state" if age is None else f"last told its state {age:.0f} s ago"
            return ERROR, f"process {pid} holds the data folder but {said}", f"if it hangs, end process {pid}"
        return OK, f"process {pid} works, and told so {max(age, 0):.0f} s ago", ""

    def steps(self) -> Found:
        """Work that is due is taken, sooner or later."""
        if self._store is None:
            return OK, "nothing is due", ""
        now = time.time()
        with self._store.db.reading() as tx:
            due = tx.one(_DUE, now=now)
            if not due or not due["steps"]:
                return OK, "nothing is due", ""
            since, last = tx.one(_SINCE, id=due["oldest"]), tx.one(_LAST)
        age, still = (now - _moment(row["at"]) if row and row["at"] else 0.0 for row in (since, last))
        told = f"{due['steps']} due and not taken, the oldest for {age:.0f} s"
        if age > DUE_SECONDS and still > STILL_SECONDS:
            return WARNING, f"{told}; nothing moved for {still:.0f} s", "run 'cardpipe worker', or read logs/worker.log"
        return OK, told, ""

    def people(self) -> Found:
        """What waits for a person."""
        counts: dict[str, int] = {}
        if self._store is not None:
            with self._store.db.reading() as tx:
                counts = {name: row["found"] if (row := tx.one(sql)) else 0 for name, sql in _FOR_A_PERSON.items()}
        told = ", ".join(f"{count} {name}" for name, count in counts.items() if count)
        if told:
            return WARNING, told, "'cardpipe order show' and 'cardpipe batch show' tell the reasons"
        return OK, "nothing waits for a person", ""

    def releases(self) -> Found:
        """Nothing keeps batches in the house, and every cut-off was kept."""
        store = self._today
        if store is None:
            return OK, "nothing keeps a batch in the house", ""
        if (why := store.paused()) is not None:
            return ERROR, f"all releases are paused: {why}", "'cardpipe reconcile' compares with what was delivered"
        with store.db.reading() as tx:
            rows = tx.all(_STOPPED)
        if rows:
            told = ", ".join(f"{row['kind']} of {row['due']} ({row['tenant']})" for row in rows[:3])
            return ERROR, f"{len(rows)} duties stopped: {told}: {rows[0]['result'][:120]}", "do it by hand: batch close"
        return OK, "nothing keeps a batch in the house", ""

    def tellings(self) -> Found:
        """Those who want to be told of what happens are told."""
        store = self._today
        if store is None:
            return OK, "nobody is to be told of anything", ""
        with store.db.reading() as tx:
            row = tx.one(_UNTOLD)
            disabled = tx.one(_DISABLED)
        if disabled and disabled["found"]:
            remedy = "GET /v1/webhooks says why; mend the receiver, enable it, and replay what it missed"
            return WARNING, f"{disabled['found']} webhooks are disabled", remedy
        if row and row["found"]:
            age = time.time() - _moment(row["oldest"])
            told = f"{row['found']} messages wait, the oldest for {age:.0f} s"
            late = age > DUE_SECONDS
            return (WARNING, told, "see the deliveries of that webhook") if late else (OK, told, "")
        return OK, "everybody was told", ""

    @property
    def _today(self) -> SqlStore | None:
        """The database where it has today's tables, else None."""
        from cardpipe.storage.migrations import MIGRATIONS

        store, version, _ = self._database
        return store if version == list(MIGRATIONS)[-1] else None

    def queue(self) -> Found:
        """A folder that can be written, or a broker that answers in time."""
        url = self.config.broker_url
        if not url or url.startswith("filesystem:"):
            folder = self.config.data / "queue"
            if not folder.is_dir():
                return OK, "a folder, made when work begins", ""
            if not _writable(folder):
                return ERROR, f"{folder} cannot be written", "give it to this user"
            return OK, f"a folder with {sum(1 for _ in folder.glob('*.msg'))} hints", ""
        parts = urlsplit(url)
        told = f"{parts.scheme}://{parts.hostname}:{parts.port or '(its usual port)'}"
        try:
            within(ANSWER_SECONDS, self._connect)
        except Exception as problem:  # whatever a broker's client raises
            remedy = "start it, or unset CARDPIPE_BROKER_URL to use a folder"
            return ERROR, f"{told} cannot be reached ({type(problem).__name__})", remedy
        return OK, f"{told} answers", ""

    def _connect(self) -> None:
        from cardpipe.worker.app import make_app

        with make_app(self.config).connection_for_write() as connection:
            connection.ensure_connection(max_retries=1, timeout=ANSWER_SECONDS / 2)
            connection.default_channel.close()

    def artifacts(self) -> Found:
        """Bytes go in and come out the same. They lie in a mode of their own, and nothing of them is left."""
        root = self.config.artifacts
        if root is not None and not root.is_dir():
            good = _writable(existing(root))
            return (OK, "a folder, made by the first order", "") if good else (ERROR, f"{root} cannot be made", "")
        began = time.monotonic()
        try:
            same = self._probed() if root else within(BUCKET_SECONDS, self._probed)
        except Unavailable as problem:
            remedy = "see to the disk" if root else "see that the server runs, and to CARDPIPE_ARTIFACTS_URL and AWS_*"
            return ERROR, str(problem), remedy
        took = (time.monotonic() - began) * 1000
        if root is not None:
            with suppress(OSError):  # another doctor may be at work
                for folder in (*(mine := root / self.config.tenant / "doctor").iterdir(), mine):
                    folder.rmdir()
        if not same:
            return ERROR, "what was written reads back differently", "check the disk" if root else "check the server"
        if root is None:
            return OK, f"written to the bucket, read back and removed in {took:.0f} ms", ""
        return OK, f"written, synced and read back in {took:.0f} ms", ""

    def _probed(self) -> bool:
        """Whether bytes that were never there before come back as they were; they are removed."""
        scope, written, artifacts = Scope(self.config.tenant, "doctor"), secrets.token_bytes(4096), self.house.artifacts
        digest = artifacts.put(scope, written)
        try:
            return artifacts.get(scope, digest) == written
        finally:
            artifacts.delete(scope, digest)


def existing(folder: Path) -> Path:
    """The folder, or the nearest one above it that is there."""
    return next(place for place in (folder, *folder.parents) if place.exists())


def file_system(folder: Path, mounts: str) -> str:
    """The kind of file system that a folder lies on, after the kernel's table of mounts; empty where it is unknown."""
    found, length = "", -1
    for line in mounts.splitlines():
        _, point, kind, *_ = [*line.split(" "), "", "", ""]
        point = point.replace("\\040", " ").replace("\\011", "\t").replace("\\134", "\\")
        if point and folder.is_relative_to(point) and len(point) >= length:
            found, length = kind, len(point)
    return found


def within(seconds: float, do: Callable[[], _T]) -> _T:
    """What ``do`` gives or raises. Raises Unavailable where it takes longer; a call that hangs is left behind."""
    given: list[_T] = []
    raised: list[Exception] = []

    def run() -> None:
        try:
            given.append(do())
        except Exception as problem:
            raised.append(problem)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(seconds)
    if given:
        return given[0]
    raise raised[0] if raised else Unavailable(f"it did not answer within {seconds:g} s")


def _writable(folder: Path) -> bool:
    return folder.is_dir() and os.access(folder, os.W_OK | os.X_OK)


def _mounts() -> str:
    with suppress(OSError):
        return Path("/proc/self/mounts").read_text()
    return ""


def _moment(at: str) -> float:
    return dt.datetime.fromisoformat(at).timestamp()
