"""A million orders over one simulated day, with a peak at noon and a lost hour: what grows, and what does not.

    python benchmarks/million.py [--orders 1000000] [--database-url postgresql+psycopg://…] [--report file.json]

Real: the database and every store call, the dispatcher's look, claims and leases, cut-offs, gathering, and of the
batches that are imposed merge, proving, preflight and release. Recorded: the composing of a card. Simulated: the clock.
Each role is a process; they work in turn. Orders are stored by ``add_orders``; what the real ``prepare`` takes of one
is measured on a sample. Unless ``--impose all`` is said, one shard of some batches of each group is imposed and the
others are passed on as if they had been. An interrupted run goes on with ``--folder`` of before and ``--resume``.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import pickle
import shutil
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

import crew
import recording
import season
import told
from looks import stamp

ROLES = ("acceptor", "dispatcher", "composer", "closer", "imposer", "console")
SNAPSHOT, LOST_FROM, LOST_TO = (dt.time(12, 30), dt.time(13), dt.time(14))


def say(words: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {words}", file=sys.stderr, flush=True)


class Simulation:
    """One run: the roles, the clock, and what has come of it so far (``state``, which a resumed run goes on from)."""

    def __init__(self, given: argparse.Namespace, setting: crew.Setting) -> None:
        self.given, self.setting = given, setting
        self.season = season.Season(setting.orders, setting.kinds, alone=setting.alone)
        self.roles = {name: crew.Role(name, setting) for name in ROLES}
        self.capacity = given.capacity * setting.orders / 86400 * season.TICK  # pieces a tick
        self.state: dict[str, Any] = {
            "tick": 0, "accepted": 0, "composed": 0, "batches": [], "steps": [], "counts": Counter(), "spent": {},
            "peaks": {}, "recovery": {}, "next": 0.1, "seconds": 0.0, "largest_backlog": 0,
        }  # fmt: skip

    @property
    def backlog(self) -> int:
        return int(self.state["accepted"] - self.state["composed"])

    def ask(self, role: str, name: str, moment: dt.datetime, *args: Any, many: int = 0) -> dict[str, Any]:
        answer = self.roles[role].ask(name, moment, *args)
        spent = self.state["spent"].setdefault(f"{role}.{name}", Counter())
        spent.update(answer["spent"])
        spent["orders"] += many
        self.state["peaks"][role] = max(self.state["peaks"].get(role, 0), answer["peak_mb"])
        return answer

    def run(self) -> dict[str, Any]:
        """The day, then the cut-offs after it."""
        begun = time.perf_counter() - self.state["seconds"]
        for name in season.TENANTS:
            self._tenant(name)
        kept = len(self.state["batches"])
        for tick in range(self.state["tick"], self.season.ticks):
            moment = season.moment_of(tick)
            self._trouble(moment)
            many = len(self.season.numbers(tick))
            if many:
                fresh = self.ask("acceptor", "add", moment, self.season.numbers(tick), moment, many=many)["fresh"]
                self.state["accepted"] += fresh
            self._work(moment, lost=LOST_FROM <= moment.time() < LOST_TO and not self.given.smooth)
            self.state["largest_backlog"] = max(self.state["largest_backlog"], self.backlog)
            self.state["tick"], self.state["seconds"] = tick + 1, time.perf_counter() - begun
            self._recovered(moment)
            part = self.state["accepted"] / self.setting.orders + 1e-6
            if many and part >= self.state["next"]:
                self._step(moment)
                self.state["next"] = int(part * 10 + 1) / 10
            if tick % 12 == 11 or len(self.state["batches"]) != kept:
                kept = self._keep()
        for moment in season.moments():
            self._work(moment, unlimited=True)
        self._step(moment)
        return self._report(moment)

    def _tenant(self, name: str) -> None:
        from cardpipe.model.tenant import Tenant

        shop = crew.SimulatedShop(self.setting, [])
        cut_off = dt.time(season.TENANTS[name][1])
        shop.store.set_tenant(Tenant(name=name, cut_off=cut_off, rate=100_000), "user:bench")
        shop.store.close()

    def _work(self, moment: dt.datetime, *, lost: bool = False, unlimited: bool = False) -> None:
        """Look, compose, close, impose, until nothing is due or the time is used up."""
        room = 10**12 if unlimited else max(1, round(self.capacity))
        done, chores = 0, True
        while done < room:
            at = moment + dt.timedelta(seconds=0 if unlimited else done / room * season.TICK)
            # no more hints than there are hands for: one that nobody takes would keep its place into the next tick
            due = self.ask("dispatcher", "due", at, min(self.given.window, room - done), chores)["due"]
            chores = False
            self.state["spent"]["dispatcher.due"]["orders"] += sum(kind == "compose" for _, kind in due)
            by_kind: dict[str, list[str]] = {}
            for step, kind in due:
                by_kind.setdefault(kind, []).append(step)
            if lost or not due:
                return
            if compose := by_kind.get("compose"):
                done += self._composed(at, compose)
            if others := [(step, kind) for step, kind in due if kind in ("close", "erase")]:
                self.ask("closer", "close", at, others)
            if batches := by_kind.get("impose", []):
                self._imposed(at, batches)

    def _composed(self, at: dt.datetime, steps: list[str]) -> int:
        done = int(self.ask("composer", "compose", at, steps, many=len(steps))["done"])
        self.state["composed"] += done
        self.state["counts"]["leases refused"] += len(steps) - done
        return done

    def _imposed(self, at: dt.datetime, steps: list[str]) -> None:
        for batch in self.ask("imposer", "impose", at, steps)["batches"]:
            self.state["batches"].append(batch)
            if batch["imposed"]:
                say(f"imposed {batch['imposed']} of {batch['pieces']} pieces of {batch['group']}: {batch['cpu']:.1f} s")

    # the lost hour
    def _trouble(self, moment: dt.datetime) -> None:
        if self.given.smooth:
            return
        if moment.time() == SNAPSHOT:
            self._everybody_out()
            told.copy_database(self.setting.database_url, self.setting.data, back=False)
            self.state["at_snapshot"] = (self.state["accepted"], self.state["composed"])
        elif moment.time() == LOST_FROM:
            held = [step for step, kind in self.ask("dispatcher", "due", moment, self.given.window, False)["due"]
                    if kind == "compose"]  # fmt: skip
            self.ask("composer", "claim", moment, held)
            self.roles["composer"].kill()
            self.state["recovery"] = {"leases held when the workers died": len(held), "backlog before": self.backlog}
        elif moment.time() == LOST_TO and "back" not in self.state["recovery"]:
            if self.given.loss == "database":
                self._restored(moment)
            self.state["recovery"] |= {"backlog after": self.backlog, "back": moment.isoformat(),
                                       "at": time.perf_counter(), "composed then": self.state["composed"]}  # fmt: skip
            say(f"the hour is over: {self.backlog} pieces wait")

    def _restored(self, moment: dt.datetime) -> None:
        """Half past twelve's database is back; every order since then is sent once more, under its reference."""
        recovery, accepted = self.state["recovery"], self.state["accepted"]
        begun = time.perf_counter()
        self._everybody_out()
        told.copy_database(self.setting.database_url, self.setting.data, back=True)
        recovery["seconds to put the database back"] = round(time.perf_counter() - begun, 2)
        self.state["accepted"], self.state["composed"] = self.state["at_snapshot"]
        begun, sent = time.perf_counter(), 0
        for tick in range(int(11.75 * 12), 14 * 12):  # from before the snapshot: what is known is told so
            numbers = self.season.numbers(tick)
            if numbers:
                fresh = self.ask("acceptor", "add", moment, numbers, season.moment_of(tick), many=len(numbers))["fresh"]
                self.state["accepted"] += fresh
                sent += len(numbers)
        recovery |= {
            "orders sent once more": sent,
            "of these were lost with the database": accepted - self.state["at_snapshot"][0],
            "seconds to take them in": round(time.perf_counter() - begun, 2),
        }
        assert self.state["accepted"] == accepted, "an order that was sent again was not taken, or taken twice"

    def _recovered(self, moment: dt.datetime) -> None:
        """How long after the lost hour as few wait as before it, and how long until nobody does."""
        recovery = self.state["recovery"]
        if "back" not in recovery:
            return
        minutes = ((moment - dt.datetime.fromisoformat(recovery["back"])).total_seconds() + season.TICK) / 60
        before = max(recovery["backlog before"], self.capacity)
        for name, most in (("as few wait as before", before), ("nobody waits", 0)):
            if self.backlog <= most and f"minutes until {name}" not in recovery:
                recovery[f"minutes until {name}"] = minutes
                recovery[f"seconds of this machine until {name}"] = round(time.perf_counter() - recovery["at"], 1)
                recovery[f"pieces composed until {name}"] = self.state["composed"] - recovery["composed then"]

    def _everybody_out(self) -> None:
        for role in self.roles.values():
            role.kill()

    # what is told
    def _step(self, moment: dt.datetime) -> None:
        seen = self.ask("console", "look", moment, self.state["accepted"] - 1)
        before = self.state["steps"][-1]["spent"] if self.state["steps"] else {}
        stages = told.stages(self.state["spent"], before)
        step = {
            "part": self.state["accepted"] / self.setting.orders, "moment": moment.isoformat(),
            "orders": self.state["accepted"], "waiting": self.backlog,
            "oldest": {state: age for state, age in seen["oldest"].items() if age},
            "bytes": seen["bytes"], "journal": seen["journal"],
            "bytes_per_order": seen["bytes"] / max(1, self.state["accepted"]),
            "stages_ms": stages, "looks_ms": seen["looks"], "peaks_mb": dict(self.state["peaks"]),
            "seconds": self.state["seconds"], "spent": {k: dict(v) for k, v in self.state["spent"].items()},
        }  # fmt: skip
        self.state["steps"].append(step)
        ms = " ".join(f"{name.partition('.')[0]} {each['cpu'] + each['server']:.2f}" for name, each in stages.items())
        slow = max(step["looks_ms"], key=step["looks_ms"].get)
        say(f"{step['part']:4.0%} {moment:%d %H:%M} {step['orders']:>9,} orders, {step['waiting']:>7,} wait, "
            f"{step['bytes'] / 1e6:,.0f} MB ({step['bytes_per_order']:,.0f} B each); ms an order: {ms}; "
            f"slowest look: {slow} {step['looks_ms'][slow]} ms")  # fmt: skip

    def _report(self, moment: dt.datetime) -> dict[str, Any]:
        judged = self.ask("acceptor", "judge", moment, "alder", range(51), many=50)
        walks = self.ask("console", "plans", moment, self.state["accepted"] - 1)
        checks = self.ask("console", "checked", moment, self.setting.orders)
        self._everybody_out()
        spent = {
            name: told.each(each, each["orders"] or self.setting.orders) for name, each in self.state["spent"].items()
        }
        kinds = recording.record(self.setting.data, self.setting.kinds, say)
        card = sum(one.card_bytes + one.envelope_bytes for each in kinds for one in each) / sum(map(len, kinds))
        for step in self.state["steps"]:
            step.pop("spent")
        return {
            "at": stamp(), "machine": told.machine(), "orders": self.setting.orders,
            "database": "PostgreSQL" if self.setting.database_url else "SQLite",
            "given": {name: str(value) for name, value in vars(self.given).items() if name != "database_url"},
            "ms_per_order": spent, "judge_ms": {k: v / 50 * 1e3 for k, v in judged["spent"].items()},
            "fragment_bytes_per_order": card, "recovery": self.state["recovery"], "counts": self.state["counts"],
            "largest_backlog": self.state["largest_backlog"], "peaks_mb": self.state["peaks"],
            "batches": told.shape(self.state["batches"]), "imposed": told.imposed(self.state["batches"]),
            "walks": {k: v for k, v in walks.items() if k not in ("spent", "peak_mb")},
            "checks": checks["counts"], "wrong": checks["wrong"], "steps": self.state["steps"],
        }  # fmt: skip

    def resume(self) -> None:
        """Go on where an interrupted run wrote down that it was; what it did since stands in its database."""
        self.state = pickle.loads((self.setting.data / "state.pickle").read_bytes())  # noqa: S301  # our own
        counts = self.ask("console", "counts", season.moment_of(self.state["tick"]))
        self.state |= {"accepted": counts["accepted"], "composed": counts["composed"]}

    def _keep(self) -> int:
        kept = self.setting.data / "state.pickle"
        beside = kept.with_suffix(".part")
        beside.write_bytes(pickle.dumps(self.state))
        beside.replace(kept)
        return len(self.state["batches"])


def main() -> None:
    """Simulate, and write the report."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, usual, about in (
        ("orders", 10_000, "how many"), ("window", 64, "hints in flight"), ("kinds", len(recording.KINDS), "of pieces"),
        ("capacity", 4.0, "pieces composed a second, in averages of what comes"), ("at-once", 100, "a transaction"),
        ("pieces-per-shard", 500, "pieces a print file"), ("shards", 2, "imposed of each group, unless all are"),
        ("impose", "sample", "sample | all"),
        ("loss", "database", "what the lost hour takes: database | workers"),
        ("database-url", "", "postgresql+psycopg://…, whose database is made"),
        ("report", "", "file for the figures (JSON)"), ("folder", "", "where all of it lies, and stays"),
    ):  # fmt: skip
        asked.add_argument(f"--{name}", type=type(usual), default=usual, help=f"{about} ({usual})")
    for name, about in (("alone", "one tenant, one kind, one batch"), ("smooth", "no lost hour"), ("resume", "go on")):
        asked.add_argument(f"--{name}", action="store_true", help=about)
    given = asked.parse_args()
    data = Path(given.folder or tempfile.mkdtemp(prefix="cardpipe-million-")).absolute()
    data.mkdir(parents=True, exist_ok=True)
    recording.forget(data)  # pieces that another version composed may be in another form
    recording.record(data, len(recording.KINDS), say)
    setting = crew.Setting(
        data, given.database_url, given.orders, 1 if given.alone else given.kinds, given.alone, given.pieces_per_shard,
        given.impose == "all", given.shards, given.at_once,
    )  # fmt: skip
    simulation = Simulation(given, setting)
    if given.resume:
        simulation.resume()
    elif given.database_url:
        told.new_database(given.database_url)
    elif (data / "shop").exists():
        shutil.rmtree(data / "shop")
    try:
        found = simulation.run()
    finally:
        simulation._everybody_out()
    text = json.dumps(found, indent=1)
    if given.report:
        Path(given.report).write_text(text + "\n", encoding="utf-8")
    print(text)
    if not given.folder:
        shutil.rmtree(data)
    if found["wrong"]:
        raise SystemExit(f"does not reconcile: {found['wrong']}")


if __name__ == "__main__":
    main()
