"""From a CRM's POST to a batch released: orders per second through the whole system, and where their time goes.

    python benchmarks/endtoend.py [--orders N] [--behind N] [--only KIND] [--json]
                                  [--database-url URL [--broker-url URL]]

On SQLite and the embedded queue; with ``--database-url`` on PostgreSQL and Redis as well (as ``http_bench.py`` does).
Three kinds of campaign: each order with a photo of its own (12 megapixels), all with one photo, and none with any.
Orders come by four clients; when all are composed the day is closed, its files are written, and each batch is handed to
a folder. Stages are told by the wall, in which they follow each other, and by the processor time of every process; what
the clients and the database's server take of the same processors is told too, or named as missing. ``--behind`` is the
campaign behind which one order is timed; 0 leaves that out.
"""

from __future__ import annotations

import argparse
import json
import os
import secrets
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import http_bench
import material

from cardpipe.client import Cardpipe
from cardpipe.model.order import Scope
from cardpipe.model.status import BatchState
from cardpipe.pipeline.gather import gather
from cardpipe.pipeline.release import release
from cardpipe.settings import Settings
from cardpipe.wiring import Shop
from tests.client.shopfront import until
from tests.faults.harm import command_line, descendants

KINDS = {"own": "a photo of its own each", "one": "one photo for all", "none": "without photos"}
CLIENTS = 4
PATIENCE = 7200.0
#: Who a process is, by a word of its command line; the first that fits.
WHO = {
    "begin crew": "workers", "begin dispatch": "dispatcher", "begin supervise": "supervisor",
    "darkroom.child": "darkroom", "cardpipe.cli.main worker": "supervisor", "cardpipe.cli.main": "API and console",
}  # fmt: skip
_TICK = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Stage:
    """One stage of a campaign; seconds by the wall, and by the processor for each who worked meanwhile."""

    name: str
    wall: float
    cpu: dict[str, float]


@dataclass(frozen=True)
class Campaign:
    """Orders that went all the way."""

    system: str
    kind: str
    orders: int
    stages: list[Stage]

    @property
    def wall(self) -> float:
        return sum(stage.wall for stage in self.stages)

    def lines(self) -> Iterator[str]:
        """The table."""
        rate = self.orders / self.wall
        what = f"{self.orders:,} orders, {KINDS[self.kind]}"
        yield f"\n{self.system}: {what}: {rate:.1f} orders/s, HTTP to batch released"
        yield f"  {'stage':34} {'s':>8} {'share':>7} {'ms an order':>12} {'processor: ms an order, by whom'}"
        for stage in self.stages:
            most = sorted(stage.cpu.items(), key=lambda each: -each[1])
            by = ", ".join(
                f"{who} {1e3 * spent / self.orders:.1f}" for who, spent in most if spent / self.orders > 5e-5
            )
            each = 1e3 * stage.wall / self.orders
            yield f"  {stage.name:34} {stage.wall:8.2f} {stage.wall / self.wall:7.1%} {each:12.1f} {by}"
        total: Counter[str] = Counter()
        for stage in self.stages:
            total.update(stage.cpu)
        whole = sum(total.values())
        shares = ", ".join(f"{who} {spent / whole:.0%}" for who, spent in total.most_common() if spent / whole >= 0.005)
        yield f"  processor: {1e3 * whole / self.orders:.0f} ms an order of {shares}"


class Meter:
    """The wall and everybody's processor time since the last reading."""

    def __init__(self) -> None:
        self._wall, self._cpu = time.perf_counter(), _spent()

    def read(self, name: str) -> Stage:
        """What was spent since, as a stage of that name."""
        wall, cpu = time.perf_counter(), _spent()
        told = Stage(name, wall - self._wall, {who: max(0.0, now - self._cpu[who]) for who, now in cpu.items()})
        self._wall, self._cpu = wall, cpu
        return told


def _spent() -> Counter[str]:
    """Processor seconds of this process's and all that it started; of those that ended, by whoever waited for them."""
    spent: Counter[str] = Counter({"clients and desk": time.process_time()})
    for pid in descendants(os.getpid()):
        line = command_line(pid)
        who = next((name for word, name in WHO.items() if word in line), "other")
        try:
            fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        spent[who] += sum(int(each) for each in fields[11:15]) / _TICK
    return spent


def campaign(system: http_bench.System, url: str, key: str, scope: Scope, kind: str, orders: int) -> Campaign:
    """So many orders, all the way, with nothing else under way."""
    shop = Shop(Settings(data=system.folder / "data", **system.settings))  # the operator's desk
    house = system.folder / "house"
    house.mkdir(exist_ok=True)
    try:
        stages, meter = [], Meter()
        photos = _uploaded(url, key, {"own": orders, "one": 1, "none": 0}[kind])
        if photos:
            stages.append(meter.read("photos uploaded"))
        _handed_in(url, key, orders, photos)
        stages.append(meter.read("orders accepted"))
        until("composing", lambda: _left(shop, scope) == 0, PATIENCE)
        stages.append(meter.read("composed, the rest of them"))
        days = {row["mail_on"] for row in _rows(shop, scope, "mail_on")}
        batches = [batch for day in sorted(days) for batch in gather(shop, scope, day)]
        assert sum(batch.pieces for batch in batches) == orders, "not all that was ordered was gathered"
        stages.append(meter.read("gathered (the cut-off)"))
        names = [batch.name for batch in batches]

        def imposed() -> bool:
            states = {shop.store.batch(scope, name).state for name in names}
            return states == {BatchState.IMPOSED}

        until("the files", imposed, PATIENCE)
        stages.append(meter.read("imposed: merged, proven, papers"))
        for name in names:
            release(shop, scope, name, house.as_uri())
        stages.append(meter.read("released to a folder, verified"))
        return Campaign(system.name, kind, orders, stages)
    finally:
        shop.close()
        shop.store.close()


def _uploaded(url: str, key: str, count: int) -> list[str]:
    """So many photos, each of the same pixels and with bytes of its own: a comment after the first marker tells them
    apart (ITU-T T.81, B.2.4.5)."""
    if not count:
        return []
    photo, salt = _photo(), secrets.token_hex(4)

    def one(number: int) -> str:
        words = f"{salt} {number}".encode()
        comment = b"\xff\xfe" + (len(words) + 2).to_bytes(2, "big") + words
        with Cardpipe(url, key) as cards:
            return cards.upload(photo[:2] + comment + photo[2:])

    with ThreadPoolExecutor(CLIENTS) as pool:
        return list(pool.map(one, range(count)))


@lru_cache(maxsize=1)
def _photo() -> bytes:
    return material.make_photo(portrait=False)


def _handed_in(url: str, key: str, orders: int, photos: list[str]) -> None:
    asked = [http_bench.order(photos[number % len(photos)] if photos else "") for number in range(orders)]

    def some(rows: list[dict[str, Any]]) -> None:
        with http_bench.connected(url, key) as client:
            for row in rows:
                answer = client.post("/v1/orders", json=row, headers={"idempotency-key": row["reference"]})
                assert answer.status_code == 202, answer.text

    with ThreadPoolExecutor(CLIENTS) as pool:
        list(pool.map(some, [asked[first::CLIENTS] for first in range(CLIENTS)]))


def _rows(shop: Shop, scope: Scope, column: str) -> list[Any]:
    """How many pieces that are in no batch have which state or mail date."""
    with shop.store.db.reading() as tx:
        return tx.all(
            f"SELECT {column}, count(*) AS n FROM pieces WHERE tenant = :tenant AND mode = :mode AND batch_id IS NULL"
            f" GROUP BY {column}",
            tenant=scope.tenant, mode=scope.mode,
        )  # fmt: skip


def _left(shop: Shop, scope: Scope) -> int:
    counts = {row["state"]: row["n"] for row in _rows(shop, scope, "state")}
    assert not counts.get("needs_attention"), "a piece needs attention: the benchmark's orders must all be printable"
    return sum(counts.values()) - counts.get("composed", 0)


def measure(name: str, database_url: str, given: argparse.Namespace) -> Iterator[Campaign]:
    """One kind of machinery, campaign after campaign."""
    with http_bench.machinery(name, database_url, given.broker_url) as system, system.running(alone=False) as url:
        (key,) = system.keys("campaigner")
        http_bench.to_the_card(url, key)  # warm
        _photo()
        for kind in [given.only] if given.only else KINDS:
            scope = Scope("campaigner", "live")
            _close_what_is_there(system, scope)
            yield campaign(system, url, key, scope, kind, given.orders)


def _close_what_is_there(system: http_bench.System, scope: Scope) -> None:
    """The cards that warmed it are no part of what follows."""
    shop = Shop(Settings(data=system.folder / "data", **system.settings))
    until("composing", lambda: _left(shop, scope) == 0, PATIENCE)
    for row in _rows(shop, scope, "mail_on"):
        gather(shop, scope, row["mail_on"])
    quiet = {BatchState.GATHERED}
    until("files", lambda: not quiet & {batch.state for batch in shop.store.batches(scope)}, PATIENCE)
    shop.close()
    shop.store.close()


def main() -> None:
    """Measure, and print the tables."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--orders", type=int, default=300, help="orders a campaign")
    asked.add_argument("--behind", type=int, default=10_000, help="the campaign behind which one order is timed")
    asked.add_argument("--only", choices=KINDS, help="one kind of campaign alone")
    asked.add_argument("--json", action="store_true", help="the campaigns as JSON, after the tables")
    asked.add_argument("--database-url", default="", help="postgresql+psycopg://…")
    asked.add_argument("--broker-url", default="", help="redis://…")
    given = asked.parse_args()
    print(f"{os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}; temporary files in {tempfile.gettempdir()}")
    systems = {"SQLite, embedded": "", "PostgreSQL, Redis": given.database_url}
    told = []
    for name, server in list(systems.items())[: 2 if given.database_url else 1]:
        for one in measure(name, server, given):
            told.append(one)
            print("\n".join(one.lines()), flush=True)
        if server:
            print("  (the database's server is not among these processes)")
        if given.behind:
            print(f"\n{'':65} {'n':>6} orders/s {'median':>8} {'95 %':>8} {'99 %':>8} {'worst':>8}   (ms)")
            with http_bench.machinery(name, server, given.broker_url) as system:
                for line in http_bench.from_post_to_card(system, given.behind):
                    print(line, flush=True)
    if given.json:
        print(json.dumps([asdict(one) for one in told], indent=1))
    print(f"load {os.getloadavg()[0]:.1f} at the end")


if __name__ == "__main__":
    main()
