"""The crew of the simulation: each role is a process of its own with a store, a memory and a peak of its own. They work
in turn, one at a time: what is measured of one is not the other's wait.

What they call is what the shop calls: ``lease.work`` with its heartbeat, ``due_steps``, ``duties.close``,
``impose.run``, ``release``. Simulated are the clock (on PostgreSQL the server is still asked for its time, and the
answer thrown away) and the composing of a card.
"""

from __future__ import annotations

import datetime as dt
import multiprocessing
import shutil
import sys
import time
from collections import Counter
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import looks
import material
import recording
from merging import memory_mb
from season import Season

from cardpipe.model.batch import Batch, BatchFile
from cardpipe.model.order import Scope
from cardpipe.model.piece import Composed
from cardpipe.pipeline import duties, erase, impose, lease, release, writing
from cardpipe.ports import Claim
from cardpipe.settings import Settings
from cardpipe.storage.engine import Database
from cardpipe.storage.store import SqlStore
from cardpipe.wiring import Shop


@dataclass(frozen=True)
class Setting:
    """What all roles must know."""

    data: Path
    database_url: str
    orders: int
    kinds: int
    alone: bool
    pieces_per_shard: int
    whole: bool  # impose every batch, and not a shard of some
    shards: int  # how many shards of each group are imposed where not all are
    at_once: int


class SimulatedClock:
    """Stands where it was put."""

    def __init__(self) -> None:
        self.moment = dt.datetime(2026, 12, 10, tzinfo=dt.UTC)

    def now(self) -> dt.datetime:
        return self.moment


class SimulatedDatabase(Database):
    """On the simulated clock with PostgreSQL, too; the server's time is asked for as always, for what that costs."""

    def _now(self, conn: Any) -> float:
        super()._now(conn)
        return self.clock.now().timestamp()


class SimulatedShop(Shop):
    """The shop, its clock turned by hand, its fragments recorded."""

    def __init__(self, setting: Setting, recorded: list[list[recording.Recorded]]) -> None:
        super().__init__(
            Settings(
                data=setting.data / "shop", designs=material.ROOT / "designs", fonts=material.ROOT / "fonts",
                database_url=setting.database_url, secret="simulated-" * 4,
            )
        )  # fmt: skip
        self.clock = SimulatedClock()  # type: ignore[assignment]
        self.darkroom = material.InProcess()  # type: ignore[assignment]
        self.settings.data.mkdir(parents=True, exist_ok=True)
        store = SqlStore(self.settings.database, self.clock)
        store.db.close()
        store.db = SimulatedDatabase(self.settings.database, self.clock)
        store.migrate()
        self.store = store  # type: ignore[misc]
        root = self.settings.artifacts
        assert root is not None
        self.artifacts = recording.RecordedArtifacts(root, setting.data, recorded)  # type: ignore[misc]


class Hand:
    """What one role process can be asked to do. Every method gives numbers; times are those of its store's calls."""

    def __init__(self, setting: Setting) -> None:
        self.setting = setting
        self.recorded = recording.record(setting.data, setting.kinds, lambda words: None)
        self.season = Season(setting.orders, setting.kinds, alone=setting.alone)
        self.shop = SimulatedShop(setting, self.recorded)
        self.reminder = duties.Reminder(self.shop)
        self.sampled: Counter[str] = Counter()

    def add(self, numbers: range, moment: dt.datetime) -> dict[str, Any]:
        """Take these orders in, so many in a transaction; how many were new."""
        per_file, fresh = self.setting.pieces_per_shard, 0
        for first in range(numbers.start, numbers.stop, self.setting.at_once):
            some = range(first, min(first + self.setting.at_once, numbers.stop))
            wanted = [self.season.wanted(number, moment) for number in some]
            new = [recording.copied(one, self.recorded, per_file) for one in wanted]
            with self.timed():
                fresh += sum(got[1] for got in self.shop.store.add_orders(new) if isinstance(got, tuple))
        return {"fresh": fresh}

    def due(self, window: int, chores: bool) -> dict[str, Any]:
        """One look of the dispatcher, and what it does beside."""
        with self.timed():
            if chores:
                self.reminder.turn()
                self.shop.store.fan_out()
                self.shop.store.tune()
            return {"due": self.shop.store.due_steps(window, 20.0)}

    def compose(self, steps: list[str]) -> dict[str, Any]:
        """Compose what was hinted: the store's part of it, with the recorded piece for a result."""
        with self.timed():
            done = sum(lease.work(self.shop, step, self._made, self.shop.store.complete_compose) for step in steps)
        return {"done": done}

    def _made(self, claim: Claim) -> Composed:
        piece = self.shop.store.piece(claim.scope, claim.subject)
        kind, which = piece.spec["recorded"]
        made = recording.composed(piece.reference, kind, which, self.recorded)
        self.shop.store.foresee(claim.scope, [made.card, made.envelope])
        return made

    def claim(self, steps: list[str]) -> dict[str, Any]:
        """Take them and die: the caller kills this process."""
        return {"held": sum(self.shop.store.claim(step, 60.0) is not None for step in steps)}

    def close(self, steps: list[tuple[str, str]]) -> dict[str, Any]:
        """Cut-offs and erasures."""
        with self.timed():
            for step, kind in steps:
                (duties.close if kind == "close" else erase.run)(self.shop, step)
        return {}

    def impose(self, steps: list[str]) -> dict[str, Any]:
        """Impose these batches (all of each, or one shard of some), and release them."""
        told: list[dict[str, Any]] = []
        for step in steps:
            found: list[tuple[Batch, int, list[BatchFile]]] = []
            cpu, wall = time.process_time(), time.perf_counter()
            if not lease.work(self.shop, step, lambda claim: self._write(claim, found), self._imposed):  # noqa: B023
                raise SystemExit(f"a batch was not imposed: {self._why()}")
            (batch, pieces, files) = found[0]
            spent = {"cpu": time.process_time() - cpu, "wall": time.perf_counter() - wall}
            size = sum(file.size for file in files)
            cpu, wall = time.process_time(), time.perf_counter()
            self._release(batch, whole=pieces == batch.pieces)
            released = {"release_cpu": time.process_time() - cpu, "release_wall": time.perf_counter() - wall}
            for file in files:
                self.shop.artifacts.delete(batch.scope, file.sha256)
            shutil.rmtree(self.setting.data / "house", ignore_errors=True)
            told.append({"name": batch.name, "group": batch.group, "tenant": batch.scope.tenant, "pieces": batch.pieces,
                         "imposed": pieces, "bytes": size, **spent, **released})  # fmt: skip
        return {"batches": told}

    def _write(self, claim: Claim, found: list[tuple[Batch, int, list[BatchFile]]]) -> writing.Written:
        batch = self.shop.store.batch(claim.scope, claim.subject)
        shard = min(batch.pieces, self.setting.pieces_per_shard)
        if self.setting.whole or (shard == batch.pieces and self.sampled[batch.group] < self.setting.shards):
            made, pieces = impose.make(self.shop, batch), batch.pieces
        elif self.sampled[batch.group] < self.setting.shards:
            members = list(islice(self.shop.store.members(batch.id), shard))
            weights = [piece.composed.card_bytes if piece.composed else 0 for piece in members]
            part = replace(batch, pieces=shard)
            made, pieces = writing.write(self.shop, part, batch.name, members, weights, members[0]), shard
        else:
            made, pieces = writing.Written([], []), 0
        self.sampled[batch.group] += 1
        found.append((batch, pieces, made.files))
        return made

    def _why(self) -> list[str]:
        with self.shop.store.db.reading() as tx:
            rows = tx.all("SELECT held, findings FROM batches WHERE findings <> '[]' OR held IS NOT NULL")
        return [f"{row['held']} {row['findings']}" for row in rows]

    def _imposed(self, claim: Claim, made: writing.Written) -> bool:
        return self.shop.store.complete_impose(claim, made.files, made.findings)

    def _release(self, batch: Batch, *, whole: bool) -> None:
        target = (self.setting.data / "house" / batch.house).as_uri()
        if whole:
            release.release(self.shop, batch.scope, batch.id, target)
            return
        step = self.shop.store.plan_release(batch.scope, batch.id, target)
        claim = self.shop.store.claim(step, 60.0)
        assert claim is not None and self.shop.store.complete_release(claim)

    def judge(self, tenant: str, numbers: range) -> dict[str, Any]:
        """What the real ``prepare`` takes of an order without a photo; nothing is stored."""
        given = {"signature": (material.ROOT / "tests/demo/signatures/tom-wren.png").read_bytes()}
        recording.judge_one(self.shop, tenant, numbers.start, given)  # warm
        with self.timed():
            for number in numbers[1:]:
                recording.judge_one(self.shop, tenant, number, given)
        return {}

    def look(self, last: int) -> dict[str, Any]:
        """What the console and the API ask, in milliseconds."""
        return looks.timed(self.shop.store, Scope("alder"), self.season, last)

    def plans(self, last: int) -> dict[str, Any]:
        """Statements that walk through a whole table, by what was asked."""
        return looks.walks(self.shop.store, Scope("alder"), last)

    def checked(self, orders: int) -> dict[str, Any]:
        """What must hold in the end."""
        return looks.checked(self.shop.store, orders)

    def counts(self) -> dict[str, Any]:
        """How far a run that was interrupted has come."""
        return looks.counts(self.shop.store)

    # clocks
    def timed(self) -> looks.Spent:
        return looks.Spent(self.shop.store, self.spent)

    def work(self, name: str, moment: dt.datetime, args: tuple[Any, ...]) -> dict[str, Any]:
        self.shop.clock.moment = moment  # type: ignore[attr-defined]
        self.spent: Counter[str] = Counter()
        told = getattr(self, name)(*args)
        return {**told, "spent": dict(self.spent), "peak_mb": memory_mb("VmHWM:")}


def _serve(pipe: Any, setting: Setting) -> None:
    """A role's process: does what it is asked until it is told to end, or killed."""
    hand = Hand(setting)
    pipe.send({"ready": True})
    while (asked := pipe.recv()) is not None:
        pipe.send(hand.work(*asked))


class Role:
    """A role's process, as the one who directs sees it. Its peak is the highest of all who had the role."""

    def __init__(self, name: str, setting: Setting) -> None:
        self.name, self.setting, self.peak = name, setting, 0.0
        self.spent: Counter[str] = Counter()
        self.process: Any = None

    def start(self) -> None:
        context = multiprocessing.get_context("spawn")
        self.pipe, theirs = context.Pipe()
        self.process = context.Process(target=_serve, args=(theirs, self.setting), name=self.name, daemon=True)
        self.process.start()
        theirs.close()
        self.pipe.recv()

    def ask(self, name: str, moment: dt.datetime, *args: Any) -> dict[str, Any]:
        """Have it done; what came of it."""
        if self.process is None:
            self.start()
        self.pipe.send((name, moment, args))
        told: dict[str, Any] = self.pipe.recv()
        self.peak = max(self.peak, told["peak_mb"])
        self.spent.update(told["spent"])
        return told

    def kill(self) -> None:
        """As the power does it."""
        if self.process is not None:
            self.process.kill()
            self.process.join()
            self.process = None
