"""``cardpipe serve`` as a process of its own with real workers, and the command line beside it; all that they say kept."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests import starting

CLI = [sys.executable, "-m", "cardpipe.cli.main"]


@dataclass
class Served:
    """A data folder that is served. ``said``: what commands wrote, but for those that have to print a secret."""

    data: Path
    log: Path
    environment: dict[str, str]
    port: int
    process: subprocess.Popen[bytes]
    said: list[str] = field(default_factory=list)

    def command(self, *words: str, code: int = 0) -> str:
        """One command; its standard output. Fails where it ends otherwise than with ``code``."""
        done = starting.run([*words], self.environment, Path.cwd(), 120)
        assert done.returncode == code, (words, done.returncode, done.stdout, done.stderr)
        self.said += [done.stdout, done.stderr]
        return done.stdout

    def key(self, *words: str) -> str:
        """The text of a new key, which is printed this once."""
        made = self.command("key", "new", *words)
        del self.said[-2:]
        return made.strip()

    def client(self, key: str) -> httpx.Client:
        """A program with that key."""
        headers = {"authorization": f"Bearer {key}"}
        return httpx.Client(base_url=f"http://127.0.0.1:{self.port}", timeout=60, trust_env=False, headers=headers)

    def stop(self) -> None:
        """As an operator would."""
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(40)
        except subprocess.TimeoutExpired:
            self.process.kill()


def until(what: str, check: Callable[[], Any], seconds: float = 90) -> Any:
    """What ``check`` says at last."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := check():
            return found
        time.sleep(0.1)
    pytest.fail(f"{what} did not happen within {seconds:g} s")


@contextmanager
def serving(folder: Path, **settings: str) -> Iterator[Served]:
    """Serve ``folder/data`` under these settings until the block ends, or it is stopped."""
    data, log = folder / "data", folder / "serve.stderr"
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("CARDPIPE_", "AWS_"))}
    environment |= {"CARDPIPE_DATA": str(data), "CARDPIPE_WORKERS": "1", **settings}
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    with log.open("wb") as told:
        process = subprocess.Popen(
            [*CLI, "serve", "--port", str(port)], env=environment, stdout=told, stderr=told, cwd=folder
        )
    served = Served(data, log, environment, port, process)

    def ready() -> bool:
        assert process.poll() is None, log.read_text()
        try:
            return httpx.get(f"http://127.0.0.1:{port}/readyz", trust_env=False).status_code == 200
        except httpx.TransportError:
            return False

    try:
        until("readiness", ready)
        yield served
    finally:
        if process.poll() is None:
            served.stop()
