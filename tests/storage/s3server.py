"""A real S3 server on loopback (moto's), and lines to it that can be harmed."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

KEYS = {
    "AWS_ACCESS_KEY_ID": "AKIATESTTESTTESTTEST",
    "AWS_SECRET_ACCESS_KEY": "planted-secret",
    "AWS_REGION": "us-east-1",
}
BUCKET = "cards"
#: Objects on one page of a list; Amazon has 1000.
PAGE = 100


def require() -> None:
    """A missing server is named and skipped at home, and fails where everything is asked for."""
    if find_spec("moto") is None or find_spec("flask") is None:
        if os.environ.get("CARDPIPE_TEST_REQUIRE") == "all":
            pytest.fail("no moto, and CARDPIPE_TEST_REQUIRE=all asks for it (pip install 'moto[server]')")
        pytest.skip("moto: install moto[server] to run this")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class S3:
    """The server with one bucket. What it keeps lies in its memory and ends with it."""

    def __init__(self, log: Path) -> None:
        self.port = free_port()
        self.log = log
        with log.open("ab") as told:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(self.port)],
                stdout=told, stderr=told, env=os.environ | KEYS | {"MOTO_S3_DEFAULT_MAX_KEYS": str(PAGE)},
            )  # fmt: skip
        end = time.monotonic() + 60
        while time.monotonic() < end:
            with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
                break
            assert self.process.poll() is None, log.read_text()
            time.sleep(0.05)
        self.client.create_bucket(Bucket=BUCKET)

    @property
    def client(self) -> Any:
        """Somebody else's client of it."""
        import boto3

        return boto3.client(
            "s3", endpoint_url=f"http://127.0.0.1:{self.port}", region_name="us-east-1",
            aws_access_key_id=KEYS["AWS_ACCESS_KEY_ID"], aws_secret_access_key=KEYS["AWS_SECRET_ACCESS_KEY"],
        )  # fmt: skip

    def url(self, prefix: str, port: int = 0) -> str:
        return f"s3://{BUCKET}/{prefix}?endpoint=http://127.0.0.1:{port or self.port}&region=us-east-1"

    def keys(self, prefix: str = "") -> list[str]:
        return [found["Key"] for found in self.client.list_objects_v2(Bucket=BUCKET, Prefix=prefix).get("Contents", [])]

    def unfinished(self, prefix: str) -> list[str]:
        """Uploads in parts that were begun and neither completed nor aborted."""
        told = self.client.list_multipart_uploads(Bucket=BUCKET).get("Uploads", [])
        return [found["Key"] for found in told if found["Key"].startswith(prefix)]

    def kill(self) -> None:
        with suppress(ProcessLookupError):
            self.process.send_signal(signal.SIGKILL)
        self.process.wait()


class Line:
    """A line to the server that counts what is sent. After so many bytes something happens, once; it may cut it."""

    def __init__(self, port: int, after: int = 1 << 60, then: Callable[[], None] = lambda: None) -> None:
        self.far, self.after, self.then = port, after, then
        self.sent = 0
        self.cut = False
        self._lock = threading.Lock()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self.listener.getsockname()[1])
        self.ends: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self.cut = True
        for end in (self.listener, *self.ends):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while not self.cut:
                near, _ = self.listener.accept()
                self.ends.append(near)
                try:
                    far = socket.create_connection(("127.0.0.1", self.far))
                except OSError:
                    near.close()  # nobody is there
                    continue
                self.ends.append(far)
                threading.Thread(target=self._pass, args=(near, far, True), daemon=True).start()
                threading.Thread(target=self._pass, args=(far, near, False), daemon=True).start()

    def _pass(self, source: socket.socket, sink: socket.socket, counted: bool) -> None:
        with suppress(OSError):
            while data := source.recv(65_536):
                if counted and self._due(len(data)):
                    self.then()
                sink.sendall(data)
        for end in (source, sink):  # who ends, ends both ways: nobody waits for an answer that will not come
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def _due(self, size: int) -> bool:
        with self._lock:
            before, self.sent = self.sent, self.sent + size
            return before <= self.after < self.sent
