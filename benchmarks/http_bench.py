"""Through HTTP: orders accepted per second, and how long one order takes from its POST to its finished card.

    python benchmarks/http_bench.py [--rows N] [--orders N] [--times N] [--database-url URL [--broker-url URL]]

Without a server on SQLite and the embedded queue alone; with ``--database-url`` on PostgreSQL and Redis as well: in a
database of its own on that server, made and dropped, and on a Redis-protocol server of its own where ``--broker-url``
names none. ``--rows`` is the length of the campaign: 10,000 for the long way.

Accepting is measured at the API alone, since workers would share its processors; the way to the card on all of it. The
clients that ask share the machine with what they measure.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import secrets
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import httpx
import sqlalchemy as sa

from cardpipe.client import Cardpipe
from cardpipe.model import apikey
from cardpipe.model.tenant import NewKey, Tenant
from cardpipe.settings import Settings
from cardpipe.wiring import Shop
from tests.client.shopfront import free_port, until
from tests.faults.servers import Broker

ROOT = Path(__file__).resolve().parent.parent
PHOTO = ROOT / "tests" / "demo" / "photos" / "guitar.jpg"
CLI = ["-m", "cardpipe.cli.main"]
#: Clients that ask at the same time.
THREADS = (1, 4, 16)
#: Orders that are timed one by one: on an idle system, and behind the campaign for each tenant.
PROBES = 5
#: A campaign is under way when so many of its cards are made; the dispatcher's window is full of it by then.
UNDER_WAY = 20
PATIENCE, POLL = 900.0, 0.05
_SENDER = {"name": "June Abara", "street": "12 Birch St", "city": "Portland", "state": "OR", "postcode": "97201"}
_WORDS = "Dear {first_name},\n\nTen years at the same desk, and you still answer on the second ring. Thank you.\n\nJune"
_numbers = itertools.count(1)


@dataclass(frozen=True)
class Line:
    """One line of the table; milliseconds. ``rate`` is orders per second, where there is one."""

    system: str
    what: str
    rate: float | None
    took: Sequence[float]

    def __str__(self) -> str:
        figures = [statistics.median(self.took), *(_centile(self.took, part) for part in (95, 99)), max(self.took)]
        rate = f"{self.rate:8.1f}" if self.rate else f"{'-':>8}"
        told = " ".join(f"{each:8,.0f}" for each in figures)
        return f"{self.system:18} {self.what:46} {len(self.took):6} {rate} {told}"


def _centile(took: Sequence[float], part: int) -> float:
    return sorted(took)[min(len(took) - 1, len(took) * part // 100)]


@dataclass(frozen=True)
class System:
    """A shop on one kind of machinery."""

    name: str
    folder: Path
    settings: dict[str, str]

    @contextmanager
    def running(self, *, alone: bool) -> Iterator[str]:
        """All of it, or the API ``alone``; its address."""
        port = free_port()
        served = "database_url" in self.settings
        programs = {"data": [*CLI, "serve", "--port", str(port)]}
        if alone:
            programs = {"data": [str(Path(__file__).resolve()), "--listen", str(port)]}
        elif served:
            programs = {"front": [*CLI, "api", "--port", str(port)], "data": [*CLI, "worker"]}
        environment = {name: value for name, value in os.environ.items() if not name.startswith("CARDPIPE_")}
        environment |= {f"CARDPIPE_{name.upper()}": value for name, value in self.settings.items()}
        with (self.folder / "log").open("ab") as log:
            started = [
                subprocess.Popen([sys.executable, *words], cwd=ROOT, stdout=log, stderr=log,
                                 env={**environment, "CARDPIPE_DATA": str(self.folder / data)})
                for data, words in programs.items()
            ]  # fmt: skip

        def answers() -> bool:
            assert all(process.poll() is None for process in started), (self.folder / "log").read_text()[-3000:]
            with suppress(httpx.HTTPError):
                door = "healthz" if alone else "readyz"
                return httpx.get(f"http://127.0.0.1:{port}/{door}", trust_env=False).status_code == 200
            return False

        try:
            until("the API's first answer", answers)
            yield f"http://127.0.0.1:{port}"
        finally:
            for process in started:
                process.terminate()
            for process in started:
                with suppress(subprocess.TimeoutExpired):
                    process.wait(60)
                process.kill()

    def keys(self, *tenants: str) -> list[str]:
        """A key for each tenant, that may ask as often as it likes."""
        shop, made = Shop(Settings(data=self.folder / "data", **self.settings)), []
        for tenant in tenants:
            shop.store.set_tenant(Tenant(name=tenant, rate=100_000), "user:bench")
            key = apikey.mint("live", secrets.token_bytes(apikey.ENTROPY))
            new = NewKey(tenant, "live", key.id, key.digest, "", frozenset({"admin"}))
            shop.store.add_key(new, "user:bench")
            made.append(key.secret_text)
        shop.close()
        shop.store.close()
        return made


def order(photo: str = "") -> dict[str, Any]:
    """An order to somebody who gets no other."""
    number = next(_numbers)
    who = {"name": f"Zoë Łukasz {number}", "street": f"{number} Elm St", "city": "Tucson", "state": "AZ"}
    made = {
        "reference": f"B-{number:07d}", "occasion": "thank-you", "design": "thank-you-fern", "sender": _SENDER,
        "recipient": {**who, "postcode": "85705"}, "message": _WORDS,
    }  # fmt: skip
    with_photo = {"occasion": "congratulations", "design": "congratulations-bravo", "photo": photo}
    return {**made, **with_photo} if photo else made


def connected(url: str, key: str) -> httpx.Client:
    headers = {"authorization": f"Bearer {key}"}
    return httpx.Client(base_url=url, headers=headers, timeout=120, trust_env=False)


def accept(url: str, key: str, orders: int, threads: int, photo: str) -> tuple[float, list[float]]:
    """Hand in so many orders by so many clients at once; orders per second, and what each took in milliseconds."""
    waiting = iter([order(photo) for _ in range(orders)])
    lock, took = threading.Lock(), []

    def send() -> None:
        with connected(url, key) as client:
            while True:
                with lock:
                    asked = next(waiting, None)
                if asked is None:
                    return
                begun = time.perf_counter()
                answer = client.post("/v1/orders", json=asked, headers={"idempotency-key": asked["reference"]})
                took.append((time.perf_counter() - begun) * 1e3)
                assert answer.status_code == 202, answer.text

    clients = [threading.Thread(target=send) for _ in range(threads)]
    begun = time.perf_counter()
    for each in clients:
        each.start()
    for each in clients:
        each.join()
    assert len(took) == orders, "some order was not accepted; see above"
    return orders / (time.perf_counter() - begun), took


def accepting(system: System, orders: int, times: int) -> Iterator[Line]:
    """Orders accepted, the API alone: the median of several runs."""
    with system.running(alone=True) as url:
        (key,) = system.keys("accepting")
        with Cardpipe(url, key) as cards:
            photo = cards.upload(PHOTO)
        accept(url, key, 20, 2, photo)  # warm
        for named, threads in itertools.product((photo, ""), THREADS):
            runs = [accept(url, key, orders, threads, named) for _ in range(times)]
            what = f"accept {'with' if named else 'without'} photo, {threads} client{'s' if threads > 1 else ''}"
            rate = statistics.median(run[0] for run in runs)
            yield Line(system.name, what, rate, [each for _, took in runs for each in took])


def to_the_card(url: str, key: str) -> float:
    """Milliseconds from the POST of an order until it is seen to be composed."""
    with connected(url, key) as client:
        begun = time.perf_counter()
        told = client.post("/v1/orders", json=order())
        assert told.status_code == 202, told.text
        while client.get(f"/v1/orders/{told.json()['id']}").json()["pieces"][0]["state"] != "composed":
            assert time.perf_counter() - begun < PATIENCE, "no worker makes the card"
            time.sleep(POLL)
        return (time.perf_counter() - begun) * 1e3


def from_post_to_card(system: System, rows: int) -> Iterator[Line]:
    """One order on an idle system, and behind a campaign of its own tenant and of another."""
    with system.running(alone=False) as url:
        own, other = system.keys("campaigner", "somebody-else")
        to_the_card(url, own)  # warm
        yield Line(system.name, "card, idle", None, [to_the_card(url, own) for _ in range(PROBES)])
        file = system.folder / "campaign.ndjson"
        file.write_text("".join(json.dumps(order()) + "\n" for _ in range(rows)), encoding="utf-8")
        with Cardpipe(url, own) as cards:
            begun = time.perf_counter()
            campaign = cards.import_file(file)["id"]
            yield Line(system.name, f"file of {rows:,} taken in", None, [(time.perf_counter() - begun) * 1e3])
            made = {"import_": campaign, "piece_state": "composed", "limit": UNDER_WAY}
            until("the campaign", lambda: len(list(itertools.islice(cards.orders(**made), UNDER_WAY))) == UNDER_WAY)
            took: dict[str, list[float]] = {own: [], other: []}
            for key in (own, other) * PROBES:
                took[key].append(to_the_card(url, key))
            judged = cards.import_(campaign)["counts"].get("received", 0)
            left = judged + len(list(itertools.islice(cards.orders(import_=campaign, piece_state="waiting"), 100)))
        behind = f"behind {rows:,}" if left else f"behind {rows:,}, gone meanwhile,"
        for key, whose in ((own, "its tenant's"), (other, "another's")):
            yield Line(system.name, f"card, {behind} of {whose}", None, took[key])


@contextmanager
def machinery(name: str, database_url: str, broker_url: str) -> Iterator[System]:
    """An empty shop: in a folder of its own, and with a database of its own on that server, where one is named."""
    with tempfile.TemporaryDirectory(prefix="cardpipe-bench-") as made, ExitStack() as held:
        folder, settings = Path(made), dict[str, str]()
        if database_url:
            if not broker_url:
                own = Broker(folder)
                held.callback(own.stop)
                broker_url = own.url
            settings |= {"database_url": held.enter_context(database(database_url)), "broker_url": broker_url}
            settings |= {"artifacts_url": (folder / "artifacts").as_uri(), "secret": secrets.token_hex(32)}
        yield System(name, folder, settings)


@contextmanager
def database(url: str) -> Iterator[str]:
    """A database of our own on that server."""
    own = sa.make_url(url).set(database=f"cardpipe_bench_{secrets.token_hex(4)}")
    engine = sa.create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(sa.text(f"CREATE DATABASE {own.database}"))
        try:
            yield own.render_as_string(hide_password=False)
        finally:
            connection.execute(sa.text(f"DROP DATABASE {own.database} WITH (FORCE)"))
    engine.dispose()


def listen(port: int) -> None:
    """The API in this process, and nothing else, also on SQLite."""
    import uvicorn

    from cardpipe.api.app import make_app
    from cardpipe.wiring import shop

    uvicorn.run(make_app(shop()), host="127.0.0.1", port=port, log_level="warning", ws="none")


def main() -> None:
    """Measure, and print the table."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, usual, about in (
        ("rows", 1_000, "length of the campaign"), ("orders", 100, "orders a run"),
        ("times", 3, "runs, of which the median is told"), ("database-url", "", "postgresql+psycopg://…"),
        ("broker-url", "", "redis://…"),
    ):  # fmt: skip
        asked.add_argument(f"--{name}", type=type(usual), default=usual, help=about)
    asked.add_argument("--listen", type=int, default=0, help=argparse.SUPPRESS)
    given = asked.parse_args()
    if given.listen:
        return listen(given.listen)
    print(f"{os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}; everything on this one machine; milliseconds")
    print(f"{'':65} {'n':>6} orders/s {'median':>8} {'95 %':>8} {'99 %':>8} {'worst':>8}")
    systems = {"SQLite, embedded": "", "PostgreSQL, Redis": given.database_url}
    for name, server in list(systems.items())[: 2 if given.database_url else 1]:
        with machinery(name, server, given.broker_url) as system:
            for line in accepting(system, given.orders, given.times):
                print(line, flush=True)
        with machinery(name, server, given.broker_url) as system:
            for line in from_post_to_card(system, given.rows):
                print(line, flush=True)
    print(f"load {os.getloadavg()[0]:.1f} at the end")


if __name__ == "__main__":
    main()
