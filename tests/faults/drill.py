"""The drill: orders flow while everybody is harmed; afterwards the finished files must prove that nothing was lost and
nothing was printed twice. ``make drill``, or ``python -m tests.faults.drill --orders 200 --setup embedded --seed 3``.

What is harmed, and how: see ``saboteur``; what the customers do: ``errands``; what is proven and how: ``reading``.
Clocks are shifted by what ``tampering`` lays around the product's clocks, PostgreSQL's included: libfaketime is not
needed. Killed are processes, never machines, so PostgreSQL here need not wait for its disk.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import signal
import sys
import tempfile
import threading
import time
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from cardpipe.model.errors import Unavailable
from cardpipe.model.order import Scope
from cardpipe.model.piece import Piece
from cardpipe.model.status import PieceState
from cardpipe.pipeline.gather import gather
from tests.faults import reading
from tests.faults.errands import Customers, Desk
from tests.faults.harm import until
from tests.faults.placing import TENANTS, Wish, wishes
from tests.faults.premises import Apart, Embedded, Premises, Ran
from tests.faults.saboteur import Saboteur

SETUPS: dict[str, type[Premises]] = {"embedded": Embedded, "apart": Apart}
#: How long after the last harm everything has to be done, and by how much the clock is moved on at its beginning: the
#: pauses and forgotten requests of ten minutes are over then.
PEACE_SECONDS, LATER = 240.0, 700.0


@dataclass
class Tally:
    """What a drill came to. ``wrong`` is empty, or it failed."""

    setup: str
    seed: int
    orders: int
    faults: Counter[str] = field(default_factory=Counter)
    calls: Counter[str] = field(default_factory=Counter)
    fates: Counter[str] = field(default_factory=Counter)
    attention: dict[str, str] = field(default_factory=dict)
    held_batches: list[str] = field(default_factory=list)
    aside: dict[str, list[str]] = field(default_factory=dict)
    early: int = 0
    batches: int = 0
    cards: int = 0
    pages: int = 0
    seconds: dict[str, float] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)

    def lines(self) -> str:
        """As it is printed."""
        told = [f"drill: {self.orders} orders, {self.setup}, seed {self.seed}"]
        told += [f"  fault  {count:6}  {name}" for name, count in sorted(self.faults.items())]
        told += [f"  fault  {self.faults.total():6}  in all"]
        told += [f"  call   {count:6}  {name}" for name, count in sorted(self.calls.items())]
        told += [f"  fate   {count:6}  {name}" for name, count in sorted(self.fates.items())]
        for fate, which in self.aside.items():
            told.append(f"  {fate}: {' '.join(which)}")
        told += [f"  needs attention: {which}: {codes}" for which, codes in self.attention.items()]
        told += [f"  was held and resumed: {line}" for line in self.held_batches]
        told.append(
            f"  read   {self.pages:6}  pages of {self.cards} cards in {self.batches} batches, {self.early} of them closed amid the harm"
        )
        told.append("  took   " + ", ".join(f"{name} {value:.0f} s" for name, value in self.seconds.items()))
        told += [f"  WRONG  {line}" for line in self.wrong]
        told.append("  every card exactly once" if not self.wrong else f"  {len(self.wrong)} things are wrong")
        return "\n".join(told)


class Drill:
    """One drill in a folder of its own."""

    desk = Desk

    def __init__(
        self, premises: Premises, wanted: list[Wish], seed: int, harm_seconds: float, harm: bool = True
    ) -> None:
        self.premises, self.wishes, self.seed, self.harm_seconds = premises, wanted, seed, harm_seconds
        self.harm = harm
        #: How long an operator waits for a command in peace.
        self.patience = 150.0 + 0.2 * len(wanted)
        self.mail_on = next_monday()
        self.out = premises.place / "house"
        self.tally = Tally(type(premises).__name__.lower(), seed, len(wanted))
        self._began = time.monotonic()

    def run(self) -> Tally:
        self.premises.start()
        desk = self.desk(self.premises.url, self.premises.keys(), self.mail_on, self.seed)
        self._took("starting")
        saboteur = Saboteur(self.premises, self.seed)
        customers = Customers(desk, self.wishes, threads=6, over=0.6 * self.harm_seconds)
        harming = threading.Thread(target=saboteur.run if self.harm else lambda: None)
        harming.start()
        try:
            self.day(customers)
        finally:
            saboteur.over.set()
            harming.join()
        self._took("harm")
        self.tally.faults += saboteur.counted
        missed = [way.__name__ for way in saboteur.ways if not saboteur.counted[way.__name__]] if self.harm else []
        if self.harm and len(saboteur.tried) == len(saboteur.ways) and missed:
            self.tally.wrong.append(f"nobody was there to be harmed by {', '.join(missed)}")
        self.tally.wrong += saboteur.troubles
        self.premises.jump(LATER)
        self.peace(customers)
        customers.stop.set()
        self.tally.calls += desk.counted
        self._took("peace")
        self.prove()
        self._took("proof")
        return self.tally

    def day(self, customers: Customers) -> None:
        """While harm is done, what is composed by then is gathered now and then, by two at the same moment, and what
        is imposed by then goes to the house. Whatever fails is for the next time."""
        end = time.monotonic() + self.harm_seconds
        for number in range(1000):
            rest = min(max(5.0, self.harm_seconds / 6), end - time.monotonic())
            if rest <= 0:
                return
            time.sleep(rest)
            tenant = TENANTS[number % len(TENANTS)]
            both = [threading.Thread(target=self.gather, args=(tenant,)) for _ in range(2)]
            for one in both:
                one.start()
            for one in both:
                one.join()
            self.hand_over(TENANTS[(number + 1) % len(TENANTS)], 20 + 0.05 * len(self.wishes))

    def gather(self, tenant: str) -> None:
        """As ``batch close`` does, but waiting for nobody."""
        try:
            made = gather(self.premises.shop, Scope(tenant), self.mail_on)
        except Unavailable:
            self.tally.calls["gather, in vain"] += 1
        else:
            self.tally.early += len(made)

    def peace(self, customers: Customers) -> None:
        """Everything is answered, composed, closed and handed over; what did not fare well is named."""
        end = time.monotonic() + PEACE_SECONDS + 0.2 * len(self.wishes)
        if not until(lambda: not customers.open, end - time.monotonic()):
            self.tally.wrong.append(f"{customers.open} errands were not done: nobody got an answer")
        if not until(self.settled, end - time.monotonic()):
            self.tally.wrong.append(f"not composed in time: {dict(self.states())}")
        for tenant in TENANTS:
            self.resume_batches(tenant)
            ran = self.close(tenant, self.patience)
            if ran.code:
                self.tally.wrong.append(f"closing {tenant}'s day ended with {ran.code}: {ran.words[-400:]}")
            self.resume_batches(tenant)
            left = self.hand_over(tenant, self.patience)
            self.tally.wrong += [f"{tenant}'s batch {name} was not handed over: {why}" for name, why in left.items()]

    def close(self, tenant: str, seconds: float, **more: str) -> Ran:
        words = ("batch", "close", "--mail-on", self.mail_on)
        return self.premises.command(*words, tenant=tenant, seconds=seconds, **more)

    def resume_batches(self, tenant: str) -> None:
        """A batch may have been held for what the harm did to it; an operator looks, and lets it go on."""
        store, scope = self.premises.shop.store, Scope(tenant)
        for batch in store.batches(scope):
            if batch.held:
                self.tally.held_batches.append(f"{tenant}'s batch {batch.name}: {batch.held}")
                self.premises.command("batch", "resume", batch.name, "--reason", "the drill is over", tenant=tenant)
        until(lambda: all(str(batch.state) != "gathered" for batch in store.batches(scope)), self.patience)

    def hand_over(self, tenant: str, seconds: float) -> dict[str, str]:
        """Release what is imposed; by name, what could not be."""
        listed = self.premises.command("batch", "list", "--json", tenant=tenant, seconds=seconds)
        if listed.code:
            return {"(all)": listed.words[-300:]}
        left = {}
        for batch in json.loads(listed.out)["batches"]:
            if batch["state"] in ("gathered", "imposed"):
                words = ("batch", "release", batch["name"], "--out", str(self.out / tenant))
                ran = self.premises.command(*words, tenant=tenant, seconds=seconds)
                if ran.code:
                    left[batch["name"]] = ran.words[-300:]
        return left

    def states(self) -> Counter[tuple[str, bool]]:
        """How many pieces are in each state, and whether they are held."""
        sql = "SELECT state, CASE WHEN held IS NULL THEN 0 ELSE 1 END AS held, count(*) AS n FROM pieces GROUP BY 1, 2"
        with self.premises.shop.store.db.reading() as tx:
            return Counter({(row["state"], bool(row["held"])): row["n"] for row in tx.all(sql)})

    def pieces(self) -> dict[str, Piece]:
        """By the order's id, its piece."""
        store, found = self.premises.shop.store, {}
        for tenant in TENANTS:
            for mode in ("live", "test"):
                ids = [wish.id for wish in self.wishes if (wish.tenant, wish.mode) == (tenant, mode) and wish.id]
                found.update({piece.order_id: piece for piece in store.pieces_of(Scope(tenant, mode), ids)})
        return found

    def settled(self) -> bool:
        """Nothing is still to be composed."""
        return not any(state in ("waiting", "composing") and not held for state, held in self.states())

    def prove(self) -> None:
        """From the files; the store only tells who needs attention, and that it knows no order that nobody placed."""
        pieces = self.pieces()
        attention = {order for order, piece in pieces.items() if piece.state is PieceState.NEEDS_ATTENTION}
        for order in sorted(attention):
            codes = ", ".join(finding.code for finding in pieces[order].findings)
            self.tally.attention[f"{pieces[order].scope.tenant}/{pieces[order].reference}"] = codes
        for wish in self.wishes:
            self.tally.wrong += [f"{wish.tenant}/{wish.reference} ({wish.kind}): {line}" for line in wish.complaints]
            self.tally.fates[wish.fate] += 1
            if wish.fate != "printed":
                self.tally.aside.setdefault(wish.fate, []).append(f"{wish.tenant}/{wish.reference}")
        self.tally.wrong += self.strangers()
        expected = reading.looks([wish for wish in self.wishes if wish.mode == "live"], self.mail_on)
        if len(set(expected.values())) != len(expected):
            self.tally.wrong.append("two orders look alike: the proof proves nothing")
        places = [(path.parent.parent.name, path.parent) for path in sorted(self.out.glob("*/*/*.done"))]
        folders = reading.read(places)
        self.tally.wrong += reading.judge(self.wishes, folders, expected, attention)
        self.tally.batches, self.tally.pages = len(folders), sum(folder.pages for folder in folders)
        self.tally.cards = sum(len(folder.seen) for folder in folders)
        if not self.tally.cards:
            self.tally.wrong.append("no card was printed at all")

    def strangers(self) -> list[str]:
        """Orders that the shop has and nobody placed, or has twice."""
        with self.premises.shop.store.db.reading() as tx:
            stored = Counter((row["tenant"], row["mode"], row["reference"]) for row in tx.all("SELECT * FROM orders"))
        placed = Counter((wish.tenant, wish.mode, wish.reference) for wish in self.wishes)
        return [f"the shop has {times} orders {' '.join(which)}; placed were {placed[which]}"
                for which, times in stored.items() if placed[which] != times]  # fmt: skip

    def _took(self, what: str) -> None:
        now = time.monotonic()
        self.tally.seconds[what], self._began = now - self._began, now


def next_monday() -> str:
    """A mail date that no jump of the clock makes late."""
    day = dt.datetime.now(dt.UTC).date() + dt.timedelta(days=14)
    return (day - dt.timedelta(days=day.weekday())).isoformat()


def drill(
    setup: str, place: Path, orders: int, seed: int, harm_seconds: float, *, plant: str = "",
    kinds: dict[str, int] | None = None, harm: bool = True,
) -> Tally:  # fmt: skip
    """A whole drill; its tally."""
    with ExitStack() as stack:
        premises = SETUPS[setup](place, plant=plant, megabytes=1200 + orders // 2)
        stack.callback(premises.stop)
        tally = Drill(premises, wishes(orders, seed, kinds), seed, harm_seconds, harm).run()
        if tally.wrong:
            print(premises.told(), file=sys.stderr)
        return tally


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("--orders", type=int, default=200)
    words.add_argument("--setup", choices=sorted(SETUPS), default="apart")
    words.add_argument("--seed", type=int, default=int(time.time()) % 100_000)
    words.add_argument("--seconds", type=float, default=0, help="of harm; by default as long as the orders take")
    asked = words.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # whoever ends the drill ends all that it started
    with tempfile.TemporaryDirectory(prefix="drill-") as place:
        tally = drill(
            asked.setup, Path(place) / "drill", asked.orders, asked.seed, asked.seconds or 30 + 0.5 * asked.orders
        )
    print(tally.lines())
    raise SystemExit(bool(tally.wrong))


if __name__ == "__main__":
    main()
