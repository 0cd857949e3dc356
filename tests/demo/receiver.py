"""A CRM's receiver of webhooks: it believes what is signed, and prints what became of each card.

    WEBHOOK_SECRET=whsec_… python tests/demo/receiver.py 8018

The same message may come twice (its answer was lost on the way); what it tells happened once.
"""

from __future__ import annotations

import os
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from cardpipe.client import verify_webhook


class Receiver(ThreadingHTTPServer):
    """Listens on a port of this machine."""

    daemon_threads = True

    def __init__(self, port: int, secret: str = "") -> None:
        super().__init__(("127.0.0.1", port), Message)
        self.secret, self.known = secret, set[str]()


class Message(BaseHTTPRequestHandler):
    """One request."""

    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        try:
            told = verify_webhook(self.server.secret, dict(self.headers), body)
        except ValueError as problem:
            print(f"  not believed: {problem}", flush=True)
            return self.answer(401)
        if self.headers["webhook-id"] not in self.server.known:
            self.server.known.add(self.headers["webhook-id"])
            print(f"  told {told['type']}: {told['data']['reference']} is {told['data']['shown']}", flush=True)
        self.answer(204)

    def answer(self, status: int) -> None:
        self.send_response(status)
        self.end_headers()

    def log_message(self, format: str, *words: object) -> None:
        pass


if __name__ == "__main__":
    Receiver(int(sys.argv[1]), os.environ["WEBHOOK_SECRET"]).serve_forever()
