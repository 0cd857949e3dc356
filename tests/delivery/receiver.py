"""Somebody else's HTTP server, on this machine: every path does what its function does, and what was asked is kept."""

from __future__ import annotations

import http.server
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass
from email.message import Message

Handler = http.server.BaseHTTPRequestHandler


@dataclass(frozen=True)
class Asked:
    """One request as it arrived."""

    method: str
    path: str
    headers: Message
    body: bytes


class Receiver:
    """A server on a port of 127.0.0.1 until ``stop``. ``routes``: what each path does; others answer 404."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.routes: dict[str, Callable[[Handler], None]] = {}
        self.asked: list[Asked] = []
        self.over = threading.Event()
        receiver = self

        class Answering(Handler):
            def do_GET(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
                receiver.asked.append(Asked(self.command, self.path, self.headers, body))
                receiver.routes.get(self.path.partition("?")[0], answer(404))(self)

            do_POST = do_CONNECT = do_GET

            def log_message(self, format: str, *args: object) -> None:
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, request: object, client_address: object) -> None:
                pass  # callers that hang up are what is tested

        self._server = Server(("127.0.0.1", 0), Answering)
        if tls:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True, do_handshake_on_connect=False)
        self.port = self._server.server_port
        self.allow = frozenset({f"127.0.0.1:{self.port}"})
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def url(self, path: str, scheme: str = "http", host: str = "127.0.0.1") -> str:
        return f"{scheme}://{host}:{self.port}{path}"

    def stop(self) -> None:
        self.over.set()
        self._server.shutdown()
        self._server.server_close()


def answer(status: int, body: bytes = b"", **headers: str) -> Callable[[Handler], None]:
    """An answer with its length; in names of headers _ stands for -."""

    def act(handler: Handler) -> None:
        handler.send_response(status)
        for name, value in ({"content_length": str(len(body))} | headers).items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()
        handler.wfile.write(body)

    return act


def raw(*parts: bytes, every: float = 0.0, over: threading.Event | None = None) -> Callable[[Handler], None]:
    """Bytes as they are, with a pause after each part; then the line is closed, or with ``over`` kept open."""

    def act(handler: Handler) -> None:
        for part in parts:
            handler.wfile.write(part)
            handler.wfile.flush()
            if every:
                threading.Event().wait(every)
        if over:
            over.wait(30)

    return act


def endless(head: bytes, part: bytes, sent: list[int], every: float = 0.0) -> Callable[[Handler], None]:
    """A head, and then the same part until the caller hangs up; ``sent`` counts the parts."""

    def act(handler: Handler) -> None:
        handler.wfile.write(head)
        while True:
            handler.wfile.write(part)
            sent.append(len(part))
            if every:
                threading.Event().wait(every)

    return act
