"""A CRM's server on a real socket, and a shop that tells it: the real store, a clock that can be moved on, urllib."""

from __future__ import annotations

import datetime as dt
import json
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from cardpipe.model.order import Scope, digest
from cardpipe.model.outbox import Answer, Endpoint, NewEndpoint
from cardpipe.model.piece import Composed
from cardpipe.model.stored import NewOrder
from cardpipe.pipeline import tell
from cardpipe.storage.store import SqlStore

OURS = Scope("local", "live")
Reply = tuple[int, Mapping[str, str], float]


class Receiver:
    """A CRM's server. ``reply`` says of each message (its body) what to answer: status, headers, seconds to take."""

    def __init__(self) -> None:
        self.got: list[tuple[str, dict[str, str], bytes]] = []
        self.reply: Callable[[dict], Reply] = lambda body: (200, {}, 0.0)
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                outer.got.append((self.path, {k.lower(): v for k, v in self.headers.items()}, body))
                status, headers, seconds = outer.reply(json.loads(body))
                time.sleep(seconds)
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.end_headers()

            def log_message(self, *arguments: object) -> None: ...

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    @property
    def ids(self) -> list[str]:
        return [headers["webhook-id"] for _, headers, _ in self.got]

    @property
    def types(self) -> list[str]:
        return [json.loads(body)["type"] for _, _, body in self.got]

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()


class MovingClock:
    """The machine's clock, that a test may move on."""

    def __init__(self) -> None:
        self.ahead = dt.timedelta()

    def now(self) -> dt.datetime:
        return dt.datetime.now(dt.UTC) + self.ahead

    def forward(self, seconds: float) -> None:
        self.ahead += dt.timedelta(seconds=seconds)


class Counter:
    """What telling needs of a shop: the real store, and urllib towards the receiver."""

    secret = b"the installation's own secret, 32 bytes or more"
    lease_seconds = 30.0

    def __init__(self, store: SqlStore, clock: MovingClock) -> None:
        self.store = store
        self.clock = clock
        self.before_post: Callable[[], None] = lambda: None

    def post_webhook(self, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        self.before_post()
        request = urllib.request.Request(url, body, dict(headers), method="POST")
        began = time.monotonic()
        try:
            with urllib.request.urlopen(request, timeout=5) as answer:
                return Answer(answer.status, "", time.monotonic() - began)
        except urllib.error.HTTPError as refused:
            wait = refused.headers.get("retry-after")
            return Answer(refused.code, refused.reason, time.monotonic() - began, float(wait) if wait else None)
        except OSError as problem:
            return Answer(None, type(problem).__name__, time.monotonic() - began)

    # what tests do all the time

    def listen(self, url: str, *types: str) -> Endpoint:
        return self.store.add_endpoint(NewEndpoint(OURS, url, types), "key:test")

    def order(self, number: int = 1) -> str:
        request = {"reference": f"ref-{number}"}
        new = NewOrder(
            OURS, f"ref-{number}", digest(request), request, {}, "birthday", "fern", "2026-11-25", "A7|d|u", "1"
        )
        return self.store.add_order(new)[0].id

    def compose(self) -> None:
        for step, kind in self.store.due_steps(1000, 0.0):
            if kind == "compose" and (claim := self.store.claim(step, 60)):
                assert self.store.complete_compose(claim, Composed("a" * 64, "b" * 64, 1, 1))

    def due(self) -> list[str]:
        """What a dispatcher finds: the steps of endpoints."""
        self.store.fan_out()
        return [step for step, kind in self.store.due_steps(1000, 0.0) if kind == "events"]

    def run(self) -> int:
        """A dispatcher and a worker, until nothing is due."""
        rounds = 0
        while due := self.due():
            rounds += 1
            assert rounds < 50
            for step in due:
                tell.run(self, step)
        return rounds
