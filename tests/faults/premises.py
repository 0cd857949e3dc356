"""A whole shop in processes of its own, as an operator would run it: on one machine, or apart on servers.

Each program that was started is looked after: one that died is started again, as a machine's own keeper would. Only
processes that were started here, or below those, are ever harmed.
"""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
import sys
import threading
import time
from abc import ABC, abstractmethod
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from cardpipe.model import apikey
from cardpipe.model.tenant import NewKey, Tenant
from cardpipe.settings import Settings
from cardpipe.wiring import Shop
from tests import starting
from tests.faults.harm import command_line, descendants, parent, runs, until
from tests.faults.placing import TENANTS
from tests.faults.servers import Broker, Postgres, free_port
from tests.storage import s3server

ROOT = Path(__file__).resolve().parents[2]
_TAMPERING = ROOT / "tests" / "faults" / "tampering"


@dataclass
class Ran:
    """A command that ended, or was given up after its time."""

    code: int
    out: str
    words: str


@dataclass
class Program:
    """One program that is kept running."""

    name: str
    words: list[str]
    environment: dict[str, str]
    log: Path
    process: subprocess.Popen[bytes] | None = None
    starts: int = 0
    begun: float = 0.0

    def start(self) -> None:
        self.begun = time.monotonic()
        with self.log.open("ab") as told:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "cardpipe.cli.main", *self.words], env=self.environment, cwd=ROOT,
                stdin=subprocess.DEVNULL, stdout=told, stderr=told,
            )  # fmt: skip
        self.starts += 1

    @property
    def pid(self) -> int:
        return self.process.pid if self.process and self.process.poll() is None else 0


@dataclass
class Premises(ABC):
    """What both ways of setting a shop up share. ``place`` is a folder of the drill's own; ``small`` a disk of its own
    of so many ``megabytes`` that can be filled (None: its folder is taken away instead); ``plant`` names what is
    tampered with, ``hands`` work on each machine under leases of so many seconds."""

    place: Path
    plant: str = ""
    hands: int = 2
    lease: float = 4.0
    megabytes: int = 1200
    environment: dict[str, str] = field(default_factory=dict)
    programs: list[Program] = field(default_factory=list)
    small: Path | None = None
    port: int = 0

    def __post_init__(self) -> None:
        self.place.mkdir(parents=True, exist_ok=True)
        self.port = free_port()
        self.clock = self.place / "clock"
        self.clock.write_text("0")
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("CARDPIPE_")},
            "PYTHONPATH": os.pathsep.join((str(_TAMPERING), str(ROOT))), "DRILL_CLOCK": str(self.clock),
            "DRILL_PLANT": self.plant, "CARDPIPE_LEASE_SECONDS": str(self.lease), "CARDPIPE_HINT_SECONDS": "3",
            "CARDPIPE_WORKERS": str(self.hands),
        }  # fmt: skip
        self._over = threading.Event()
        self._keeper = threading.Thread(target=self._keep, daemon=True)
        try:
            self.set_up()
            self.data.mkdir(parents=True, exist_ok=True)
            self.shop = Shop(Settings(data=self.data, **self.settings))
            _ = self.shop.store
        except BaseException:
            self.clear_away()
            raise

    # what differs
    @abstractmethod
    def set_up(self) -> None:
        """Start what the drill needs."""

    @property
    @abstractmethod
    def settings(self) -> dict[str, str]:
        """The settings that name servers and places."""

    @property
    @abstractmethod
    def data(self) -> Path:
        """The data folder that the operator's commands use."""

    def clear_away(self) -> None:
        """Servers and disks of the drill's own."""
        away(self.small)

    # running it
    def start(self) -> None:
        for program in self.programs:
            program.start()
        self._keeper.start()
        assert until(self.answers, 60), "the API does not answer\n" + self.told()

    def answers(self) -> bool:
        with suppress(httpx.HTTPError):
            return httpx.get(f"{self.url}/healthz", timeout=3).status_code == 200
        return False

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def add(self, name: str, *words: str, **more: str) -> None:
        self.programs.append(Program(name, list(words), {**self.environment, **more}, self.place / f"{name}.log"))

    def _keep(self) -> None:
        while not self._over.wait(0.1):
            for program in self.programs:
                if not program.pid and time.monotonic() - program.begun > 0.5:
                    program.start()

    def stop(self) -> None:
        self._over.set()
        if self._keeper.is_alive():
            self._keeper.join()
        below = self.below()
        try:
            for program in self.programs:
                if program.process is not None:
                    with suppress(ProcessLookupError):
                        program.process.send_signal(signal.SIGCONT)
                        program.process.terminate()
            for program in self.programs:
                if program.process is not None:
                    with suppress(subprocess.TimeoutExpired):
                        program.process.wait(20)
                    program.process.kill()
                    program.process.wait()
            self.shop.close()
            self.shop.store.close()
            assert until(lambda: not any(map(runs, below)), 10), "somebody outlived the shop"
        finally:
            self.clear_away()

    def told(self) -> str:
        """The end of every program's log."""
        logs = sorted({*self.place.glob("*.log"), *self.place.rglob("logs/*.log")})
        return "\n".join(f"--- {log.name}\n{log.read_text(errors='replace')[-1500:]}" for log in logs)

    # what an operator does
    def command(self, *words: str, tenant: str = TENANTS[0], seconds: float = 120, **more: str) -> Ran:
        """``cardpipe …`` for that tenant; killed after its time, as by an operator who lost his patience."""
        environment = {**self.environment, "CARDPIPE_DATA": str(self.data), "CARDPIPE_TENANT": tenant, **more}
        try:
            done = starting.run([*words], environment, ROOT, seconds)
        except subprocess.TimeoutExpired as late:
            return Ran(-signal.SIGKILL, str(late.stdout), str(late.stderr))
        return Ran(done.returncode, done.stdout, done.stderr)

    def keys(self) -> dict[tuple[str, str], str]:
        """A key for each tenant and mode, that may ask for as much as it likes."""
        made = {}
        for tenant in TENANTS:
            self.shop.store.set_tenant(Tenant(name=tenant, rate=100_000), "user:drill")
            for mode in apikey.MODES:
                key = apikey.mint(mode, secrets.token_bytes(apikey.ENTROPY))
                self.shop.store.add_key(
                    NewKey(tenant, mode, key.id, key.digest, "", frozenset({"admin"})), "user:drill"
                )
                made[tenant, mode] = key.secret_text
        return made

    # who is there
    def roots(self, *words: str) -> list[int]:
        """The programs that run (with one of these as their first word, if any is given)."""
        found = [program.pid for program in self.programs if not words or program.words[0] in words]
        return [pid for pid in found if pid]

    def below(self) -> list[int]:
        """Every process of the shop: what was started, and all that those started."""
        own = self.roots()
        return own + [pid for root in own for pid in descendants(root)]

    def find(self, *words: str) -> list[int]:
        return [pid for pid in self.below() if all(word in command_line(pid) for word in words)]

    def workers(self) -> list[int]:
        """The main processes of the pools."""
        found = self.find("cardpipe.worker.begin", "crew")
        return [pid for pid in found if parent(pid) not in found]

    def pool_children(self) -> list[int]:
        """Those who work."""
        mains = set(self.workers())
        return [pid for pid in self.find("cardpipe.worker.begin", "crew") if parent(pid) in mains]

    def jump(self, seconds: float) -> None:
        """Every clock of the product is wrong by so much from now on."""
        beside = self.clock.with_suffix(".part")
        beside.write_text(str(seconds))
        beside.replace(self.clock)


class Embedded(Premises):
    """``cardpipe serve`` on SQLite, a folder of hints and a folder of artifacts on a small disk."""

    def set_up(self) -> None:
        self.small = small_disk(self.place / "disk", self.megabytes)
        self.environment |= {
            "CARDPIPE_DATA": str(self.data), "CARDPIPE_ARTIFACTS_URL": self.settings["artifacts_url"],
        }  # fmt: skip
        self.add("serve", "serve", "--port", str(self.port))

    @property
    def data(self) -> Path:
        return self.place / "data"

    @property
    def settings(self) -> dict[str, str]:
        return {"artifacts_url": (self.place / "disk" / "artifacts").as_uri()}


class Apart(Premises):
    """The API, two dispatchers and two workers, each with a folder of its own, on PostgreSQL, Redis and S3."""

    def set_up(self) -> None:
        self.database = Postgres(self.place / "postgres.log")
        self.broker = Broker(self.place)
        self.bucket = s3server.S3(self.place / "s3.log")
        self.secret = secrets.token_hex(32)
        self.small = small_disk(self.place / "machine-1", self.megabytes)
        os.environ.update(s3server.KEYS)  # the drill itself reads the bucket, too
        self.environment |= s3server.KEYS | {f"CARDPIPE_{k.upper()}": v for k, v in self.settings.items()}
        self.add("api", "api", "--port", str(self.port), CARDPIPE_DATA=str(self.place / "front"))
        for number in (1, 2):
            own = {"CARDPIPE_DATA": str(self.place / f"machine-{number}" / "data")}
            self.add(f"dispatcher-{number}", "dispatcher", **own)
            self.add(f"worker-{number}", "worker", **own)

    @property
    def data(self) -> Path:
        return self.place / "machine-2" / "data"

    @property
    def settings(self) -> dict[str, str]:
        return {
            "database_url": self.database.url, "broker_url": self.broker.url, "artifacts_url": self.bucket.url("shop"),
            "secret": self.secret,
        }  # fmt: skip

    def clear_away(self) -> None:
        for name, end in (("bucket", "kill"), ("broker", "stop"), ("database", "stop")):
            if hasattr(self, name):
                getattr(getattr(self, name), end)()
        super().clear_away()


def small_disk(place: Path, megabytes: int) -> Path | None:
    """A disk that can be filled; None, and a plain folder, where this machine lets nobody mount one."""
    place.mkdir(parents=True)
    command = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(place)]
    if os.geteuid() == 0 and subprocess.run(command, check=False, stderr=subprocess.DEVNULL).returncode == 0:
        return place
    return None


def away(disk: Path | None) -> None:
    if disk is not None:
        subprocess.run(["umount", "--lazy", str(disk)], check=True)
