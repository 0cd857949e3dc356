"""``cardpipe serve`` as a stranger finds it: a process of its own, real workers, a key."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from tests import starting

PATIENCE = 120


@dataclass
class Served:
    """A data folder that is served at ``url``; ``key`` opens all of it."""

    url: str
    key: str
    data: Path
    environment: dict[str, str]

    def cardpipe(self, *words: object) -> str:
        """Run ``cardpipe …`` on the same folder; what it printed."""
        done = starting.run([*map(str, words)], self.environment, Path.cwd(), PATIENCE)
        assert done.returncode == 0, f"cardpipe {words}: {done.returncode}\n{done.stderr}"
        return done.stdout

    def log(self) -> str:
        """All that the processes said."""
        return "\n".join(path.read_text(errors="replace") for path in sorted(self.data.rglob("*.log")))


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def until(what: str, check: Callable[[], Any], seconds: float = PATIENCE) -> Any:
    """The first true answer of ``check``."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := check():
            return found
        time.sleep(0.1)
    raise AssertionError(f"{what} did not happen within {seconds:g} s")


@contextmanager
def serving(data: Path, **settings: str) -> Iterator[Served]:
    """Serve an empty folder, until the block ends."""
    data.mkdir(parents=True)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("CARDPIPE_")}
    environment |= {"CARDPIPE_DATA": str(data), "CARDPIPE_WORKERS": "1", **settings}
    port = free_port()
    command = [sys.executable, "-m", "cardpipe.cli.main", "serve", "--port", str(port)]
    with (data / "serve.log").open("wb") as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
    served = Served(f"http://127.0.0.1:{port}", "", data, environment)

    def ready() -> bool:
        assert process.poll() is None, served.log()
        try:
            return httpx.get(f"{served.url}/readyz", trust_env=False).status_code == 200
        except httpx.TransportError:
            return False

    try:
        until("readiness", ready)
        served.key = served.cardpipe("key", "new", "--scope", "admin").strip()
        yield served
    finally:
        process.terminate()
        try:
            process.wait(40)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
