"""A line to a server that breaks as it is told: each next connection has the next fate."""

from __future__ import annotations

import re
import socket
import threading
from collections import deque
from contextlib import suppress


class Line:
    """Listens on 127.0.0.1 and passes on to ``port``. Fates: ``before`` (hung up before anything was passed on),
    ``after`` (the request was passed on, its answer is not), ``halfway`` (half of its first bytes is), ``after PATCH``
    (good until a request of that method); with none left the line is good. ``heard``: what was passed on."""

    def __init__(self, port: int, *fates: str, at: int = 0) -> None:
        self._there, self.fates, self.heard = port, deque(fates), [b""]
        self._socket = socket.create_server(("127.0.0.1", at))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        threading.Thread(target=self._listen, daemon=True).start()

    def keys(self) -> list[bytes]:
        """The Idempotency-Keys of all that was passed on."""
        return re.findall(rb"idempotency-key: (\S+)", b"\n".join(self.heard), re.IGNORECASE)

    def requests(self, method: str) -> int:
        """How many of that method were passed on."""
        return len(re.findall(rf"{method} /v1/\S+ HTTP/1.1".encode(), b"\n".join(self.heard)))

    def close(self) -> None:
        self._socket.close()

    def _listen(self) -> None:
        with suppress(OSError):
            while True:
                here, _ = self._socket.accept()
                fate = self.fates.popleft() if self.fates else ""
                threading.Thread(target=self._carry, args=(here, fate), daemon=True).start()

    def _carry(self, here: socket.socket, fate: str) -> None:
        with suppress(OSError), here, socket.create_connection(("127.0.0.1", self._there)) as there:
            if fate == "before":
                here.recv(1)
                return
            self.heard.append(b"")
            heard = len(self.heard) - 1
            threading.Thread(target=self._pass_on, args=(here, there, heard), daemon=True).start()
            how, _, method = fate.partition(" ")
            while answer := there.recv(65536):
                if how and f"{method} ".encode() in self.heard[heard]:
                    here.sendall(answer[: len(answer) // 2] if how == "halfway" else b"")
                    here.shutdown(socket.SHUT_RDWR)
                    return
                here.sendall(answer)

    def _pass_on(self, here: socket.socket, there: socket.socket, heard: int) -> None:
        with suppress(OSError):
            while asked := here.recv(65536):
                self.heard[heard] += asked
                there.sendall(asked)
            there.shutdown(socket.SHUT_WR)
