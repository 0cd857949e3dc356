"""Who harms the shop while it works: each kind of harm in turn, in any order, one every few seconds."""

from __future__ import annotations

import errno
import os
import random
import shutil
import signal
import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import closing, suppress

from cardpipe.model.errors import CardpipeError
from tests.faults.premises import Apart, Embedded, Premises


class Saboteur:
    """The ways; each says whether it found somebody to harm. Use :meth:`run` in a thread."""

    def __init__(self, premises: Premises, seed: int, pause: tuple[float, float] = (0.4, 1.8)) -> None:
        self.premises, self.rng, self.pause = premises, random.Random(seed), pause
        self.counted: Counter[str] = Counter()
        self.tried: Counter[str] = Counter()
        self.troubles: list[str] = []
        self.over = threading.Event()
        self.ways = [
            self.kill_worker, self.kill_pool_child, self.kill_pool, self.kill_dispatcher, self.kill_supervisor,
            self.kill_api, self.flush_broker, self.deliver_twice, self.freeze_somebody, self.freeze_workers,
            self.jump_the_clock, self.fill_the_disk,
        ]  # fmt: skip
        if isinstance(premises, Embedded):
            self.ways += [self.hold_the_database]
        if isinstance(premises, Apart):
            database, broker = premises.database, premises.broker
            self.ways += [
                database.stop_database, database.kill_database, database.kill_backend, database.drop_connections,
                broker.kill_broker, broker.freeze_broker, broker.rubbish, self.freeze_the_bucket,
            ]  # fmt: skip

    def run(self) -> None:
        """Until told to stop. What a way itself met is kept, and does not end the drill unseen."""
        turn: list[Callable[[], bool]] = []
        while not self.over.wait(self.rng.uniform(*self.pause)):
            turn = turn or self.rng.sample(self.ways, len(self.ways))
            way = turn.pop()
            try:
                done = self._done(way)
                self.counted[way.__name__] += done
                self.tried[way.__name__] += done or not self.over.is_set()  # else it was the end that came first
            except Exception as problem:
                self.tried[way.__name__] += 1
                self.troubles.append(f"{way.__name__}: {type(problem).__name__}: {problem}")

    def _done(self, way: Callable[[], bool]) -> bool:
        """Who was just killed has to come back first."""
        end = time.monotonic() + 20
        while not self.over.is_set() and time.monotonic() < end:
            if way():
                return True
            self.over.wait(0.1)
        return False

    # processes
    def _kill(self, found: list[int], number: int = 1) -> bool:
        assert all(pid > 1 for pid in found), "0 would be everybody, the drill included"
        chosen = self.rng.sample(found, min(number, len(found)))
        for pid in chosen:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        return bool(chosen)

    def kill_worker(self) -> bool:
        return self._kill(self.premises.workers())

    def kill_pool_child(self) -> bool:
        return self._kill(self.premises.pool_children())

    def kill_pool(self) -> bool:
        return self._kill(self.premises.pool_children(), 100)

    def kill_dispatcher(self) -> bool:
        return self._kill(self.premises.find("cardpipe.worker.begin", "dispatch") + self.premises.roots("dispatcher"))

    def kill_supervisor(self) -> bool:
        return self._kill(self.premises.find("cardpipe.worker.begin", "supervise") + self.premises.roots("worker"))

    def kill_api(self) -> bool:
        return self._kill(self.premises.roots("serve", "api"))

    def freeze_somebody(self) -> bool:
        """Anybody, for a while; longer than a lease now and then."""
        return self._freeze(self.rng.sample(found, 1) if (found := self.premises.below()) else [])

    def freeze_workers(self) -> bool:
        """All who work: when they wake up, others may have done it."""
        return self._freeze(self.premises.pool_children())

    def _freeze(self, pids: list[int]) -> bool:
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGSTOP)
        self.over.wait(self.rng.choice((0.5, 1.5, 6.0)))
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)
        return bool(pids)

    # what they lean on
    def flush_broker(self) -> bool:
        if isinstance(self.premises, Apart):
            return self.premises.broker.flush()
        shutil.rmtree(self.premises.data / "queue", ignore_errors=True)
        return True

    def deliver_twice(self) -> bool:
        """Tasks for steps that are open, done or held, hinted or not."""
        from cardpipe.storage.turns import QUEUE_OF
        from cardpipe.worker.app import make_app

        try:
            with self.premises.shop.store.db.reading() as tx:
                steps = [(row["id"], row["kind"]) for row in tx.all("SELECT id, kind FROM steps")]
            chosen = self.rng.sample(steps, min(40, len(steps)))
            with make_app(self.premises.shop.settings) as app:
                for step, kind in chosen:
                    app.send_task(f"cardpipe.{kind}", (step,), queue=QUEUE_OF[kind], expires=20, retry=False)
        except (CardpipeError, OSError):
            return False
        except Exception as problem:  # the broker's own, when it is gone at this moment
            if "redis" in type(problem).__module__ or "kombu" in type(problem).__module__:
                return False
            raise
        return bool(chosen)

    def jump_the_clock(self) -> bool:
        """Forward or back for a moment, the database's as well."""
        self.premises.jump(self.rng.choice((-3600.0, -200.0, -20.0, 20.0, 200.0, 3600.0)))
        self.over.wait(self.rng.uniform(0.5, 2.5))
        self.premises.jump(0.0)
        return True

    def fill_the_disk(self) -> bool:
        """Nothing fits any more for a while; where no disk can be mounted, its folder is gone instead."""
        disk = self.premises.small
        seconds = self.rng.choice((1.0, 3.0))
        if disk is None:
            folder = self.premises.place / ("disk" if isinstance(self.premises, Embedded) else "machine-1")
            moved = folder.with_name("elsewhere")
            folder.rename(moved)
            folder.write_text("a disk was mounted here")
            self.over.wait(seconds)
            folder.unlink()
            moved.rename(folder)
            return True
        ballast, full = disk / "ballast", False
        try:
            with ballast.open("wb", buffering=0) as heavy:
                with suppress(OSError):  # a writer may be faster: the rest goes in block by block
                    free = shutil.disk_usage(disk).free
                    os.posix_fallocate(heavy.fileno(), 0, max(4096, free - (8 << 20)))
                    heavy.seek(0, os.SEEK_END)
                end = time.monotonic() + seconds
                while time.monotonic() < end and not self.over.wait(0.02):  # what others free is taken as well
                    try:
                        while heavy.write(b"x" * 65_536) == 65_536:
                            pass
                    except OSError as problem:
                        full = full or problem.errno == errno.ENOSPC
        finally:
            ballast.unlink()
        return full

    def hold_the_database(self) -> bool:
        """Somebody else writes into SQLite's file, and takes his time."""
        with closing(sqlite3.connect(self.premises.data / "cardpipe.db", timeout=3)) as connection:
            try:
                connection.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError:
                return False
            self.over.wait(self.rng.choice((0.5, 2.0, 5.0)))
            connection.rollback()
        return True

    def freeze_the_bucket(self) -> bool:
        assert isinstance(self.premises, Apart)
        return self._freeze([self.premises.bucket.process.pid])
