"""A real OpenSSH server on loopback, with keys of its own, that serves SFTP and nothing else."""

from __future__ import annotations

import getpass
import os
import shutil
import signal
import socket
import subprocess
import threading
import time
from contextlib import suppress
from pathlib import Path

import pytest

from cardpipe.delivery.connect import Login
from cardpipe.delivery.sftp import SftpDelivery
from cardpipe.delivery.target import SftpTarget

SSHD = shutil.which("sshd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")


def require() -> None:
    """A missing server is named and skipped at home, and fails where everything is asked for."""
    if SSHD is None or shutil.which("ssh-keygen") is None:
        if os.environ.get("CARDPIPE_TEST_REQUIRE") == "all":
            pytest.fail("no sshd, and CARDPIPE_TEST_REQUIRE=all asks for it (Debian: openssh-server)")
        pytest.skip("sshd: install openssh-server to run this")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def keygen(path: Path, kind: str = "ed25519", passphrase: str = "") -> Path:
    subprocess.run(["ssh-keygen", "-q", "-t", kind, "-N", passphrase, "-C", "", "-f", path], check=True)
    return path


class Sshd:
    """The server, the account's key, and the file of pinned keys."""

    def __init__(self, place: Path, options: str = "", hostkey: str = "ed25519") -> None:
        self.place = place
        place.mkdir(parents=True)
        self.options = options
        self.port = free_port()
        self.hostkey = keygen(place / "hostkey", hostkey)
        self.key = keygen(place / "key")
        (place / "authorized").write_bytes(self.key.with_suffix(".pub").read_bytes())
        self.known_hosts = place / "known_hosts"
        self.pin(self.port)
        self.process: subprocess.Popen[bytes] | None = None
        self.start()

    def pin(self, port: int) -> None:
        """Our server's key, for that port as well."""
        public = self.hostkey.with_suffix(".pub").read_text().strip()
        with self.known_hosts.open("a") as file:
            file.write(f"[127.0.0.1]:{port} {public}\n")

    def start(self) -> None:
        assert SSHD
        if os.geteuid() == 0:
            Path("/run/sshd").mkdir(exist_ok=True)  # it insists, where it can give up its rights
        config = self.place / "sshd_config"
        config.write_text(
            f"Port {self.port}\nListenAddress 127.0.0.1\nHostKey {self.hostkey}\nPidFile none\nStrictModes no\n"
            f"AuthorizedKeysFile {self.place / 'authorized'}\nPasswordAuthentication no\n"
            "KbdInteractiveAuthentication no\nUsePAM no\nPermitRootLogin yes\nUseDNS no\nMaxStartups 100\n"
            f"Subsystem sftp internal-sftp\nForceCommand internal-sftp {self.options}\n"
        )
        with (self.place / "log").open("ab") as log:
            self.process = subprocess.Popen([SSHD, "-D", "-e", "-f", config], stdout=log, stderr=log)
        end = time.monotonic() + 20
        while time.monotonic() < end:
            with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
                return
            assert self.process.poll() is None, (self.place / "log").read_text()
            time.sleep(0.02)
        raise AssertionError("sshd does not listen")

    def all(self) -> list[int]:
        """The server and everything that it started, the youngest last."""
        found = [self.process.pid] if self.process and self.process.poll() is None else []
        for pid in found:
            with suppress(OSError):
                found += map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())
        return found

    def signal(self, number: int, *, sessions_only: bool = False) -> None:
        for pid in self.all()[1 if sessions_only else 0 :]:
            with suppress(ProcessLookupError):
                os.kill(pid, number)

    def stop(self) -> None:
        self.signal(signal.SIGKILL)
        if self.process:
            self.process.wait()

    def target(self, folder: Path, port: int | None = None) -> SftpTarget:
        return SftpTarget(getpass.getuser(), "127.0.0.1", port or self.port, str(folder))

    def login(self, patience: float = 20.0) -> Login:
        return Login(self.key, self.known_hosts, patience=patience)

    def delivery(self, folder: Path, *, port: int | None = None, patience: float = 20.0) -> SftpDelivery:
        return SftpDelivery(self.target(folder, port), self.login(patience))


class Line:
    """A line to the server that can be harmed: after so many bytes towards it the line is cut, or falls silent."""

    def __init__(self, server: Sshd, after: int, *, silent: bool = False) -> None:
        self.after, self.silent = after, silent
        self.server = server
        self.passed = 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self.listener.getsockname()[1])
        self.ends: list[socket.socket] = []
        server.pin(self.port)
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        for end in (self.listener, *self.ends):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self.listener.accept()
                far = socket.create_connection(("127.0.0.1", self.server.port))
                self.ends += [near, far]
                threading.Thread(target=self._pass, args=(near, far, True), daemon=True).start()
                threading.Thread(target=self._pass, args=(far, near, False), daemon=True).start()

    def _pass(self, source: socket.socket, sink: socket.socket, counted: bool) -> None:
        with suppress(OSError):
            while data := source.recv(16_384):
                if counted:
                    self.passed += len(data)
                    if self.passed > self.after:
                        if self.silent:
                            return  # nobody reads on, nobody says so
                        self.close()
                        return
                sink.sendall(data)
