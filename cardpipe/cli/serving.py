"""The programs that keep running: worker, serve, api, console; and the workers that a command brings along."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from cardpipe.cli import show
from cardpipe.model.errors import Refused
from cardpipe.model.finding import error
from cardpipe.settings import Settings, settings
from cardpipe.worker.child import Child, begun
from cardpipe.worker.lock import holder

if TYPE_CHECKING:
    from cardpipe.wiring import Shop

_LOOK_SECONDS = 0.5
App = Callable[[Any, Any, Any], Awaitable[None]]


class Workforce:
    """The supervisor of a data folder: somebody else's where one holds it, else one of our own, ended with us.

    :meth:`tend` is called again and again by whoever waits: a supervisor that died is replaced.
    """

    def __init__(self, config: Settings, before_fork: Callable[[], None] | None = None) -> None:
        self._config = config
        log = config.data / "logs" / "supervisor.log"
        self._own = Child("supervisor", begun("supervise"), os.environ, log, before_fork)
        self._looked = 0.0

    def tend(self) -> None:
        """See that there are workers."""
        if time.monotonic() - self._looked < _LOOK_SECONDS:
            return
        self._looked = time.monotonic()
        if self._own.pid is not None or holder(self._config.data) is None:
            self._own.tend(lambda: None)

    def busy(self) -> bool:
        """Whether anybody works on a step at this moment: a batch of 20,000 pieces takes minutes and shows nothing."""
        from cardpipe.wiring import shop

        return shop().store.leases() > 0

    def stop(self) -> None:
        """End our own supervisor, if there is one, when what it has in hand is finished."""
        if not self._own.alive:
            return
        self._own.ask_to_stop()
        until = time.monotonic() + 20
        while self._own.alive and time.monotonic() < until:
            time.sleep(0.05)
        self._own.kill()


@contextmanager
def working(config: Settings, before_fork: Callable[[], None] | None = None) -> Iterator[Workforce]:
    """Workers on the data folder while the block runs; forks of this process, where ``before_fork`` is given."""
    force = Workforce(config, before_fork)
    force.tend()
    try:
        yield force
    finally:
        force.stop()


def work() -> None:
    """Supervise until stopped. Raises Conflict where another supervisor holds the data folder."""
    from cardpipe.worker import begin

    show.words(f"working on {settings().data}; stop with Ctrl-C")
    begin.load("supervise")()


def dispatch() -> None:
    """A dispatcher of its own, until stopped."""
    from cardpipe.worker import begin

    show.words("dispatching; stop with Ctrl-C")
    begin.load("dispatch")()


def serve_api(host: str, port: int) -> None:
    """The API in this process, and nothing else. Raises Refused on the embedded database: nobody would do the work."""
    from cardpipe.api.app import make_app
    from cardpipe.wiring import shop

    house = shop()
    _with_servers(house, "API")
    _listen(house, make_app(house), host, port)


def serve_console(host: str, port: int) -> None:
    """The operators' console in this process, and nothing else. Raises Refused on the embedded database."""
    from cardpipe.console.app import make_console
    from cardpipe.wiring import shop

    house = shop()
    _with_servers(house, "console")
    console = make_console(house)
    _listen(house, _beside(console, console), host, port)


def _with_servers(house: Shop, what: str) -> None:
    if house.settings.database.startswith("sqlite"):
        remedy = "run 'cardpipe serve'; or set CARDPIPE_DATABASE_URL, CARDPIPE_BROKER_URL and CARDPIPE_ARTIFACTS_URL"
        found = error("serve.alone", "CARDPIPE_DATABASE_URL", f"is not set: the {what} would stand alone", remedy)
        raise Refused(f"The {what} alone needs servers that others work on.", [found])


def serve(host: str, port: int) -> None:
    """API and console in this process, beside the supervisor of the data folder, which shares what both have loaded."""
    from cardpipe.worker import begin, forked

    begin.load("supervise")
    from cardpipe.wiring import shop

    house = shop()
    forked.apart(lambda: house.store)  # migrated by somebody who forgets Alembic again
    with working(house.settings, lambda: None) as force:  # no database is open yet
        from cardpipe.api.app import make_app
        from cardpipe.console.app import make_console

        over = threading.Event()

        def tending() -> None:
            while not over.wait(_LOOK_SECONDS):
                force.tend()

        # The supervisor dies with the thread that started it, so that thread lives as long as this block.
        thread = threading.Thread(target=tending, name="workforce", daemon=True)
        thread.start()
        try:
            _listen(house, _beside(make_console(house), make_app(house)), host, port)
        finally:
            over.set()
            thread.join()


#: Where the console is, beside the API.
CONSOLE = "/console"


def _beside(console: App, api: App) -> App:
    """The console below its own address, and the API (or again the console, where it is alone) for all else."""

    async def both(scope: Any, receive: Any, send: Any) -> None:
        path = scope.get("path", "")
        if scope["type"] == "http" and (path == CONSOLE or path.startswith(f"{CONSOLE}/")):
            await console({**scope, "root_path": scope.get("root_path", "") + CONSOLE}, receive, send)
        elif scope["type"] == "http" and path == "/" and scope["method"] in ("GET", "HEAD"):
            where = (scope.get("root_path", "") + CONSOLE + "/").encode()
            await send({"type": "http.response.start", "status": 307, "headers": [(b"location", where)]})
            await send({"type": "http.response.body", "body": b""})
        else:
            await api(scope, receive, send)

    return both


def _listen(house: Shop, app: App, host: str, port: int) -> None:
    import uvicorn

    from cardpipe.api.guard import exposed
    from cardpipe.worker.journal import open_journal

    _ = house.secret  # missing, or another than this database's: told now
    open_journal()
    if told := exposed(host):
        show.words(told)
    show.words(f"listening on http://{host}:{port}, working on {house.settings.data}")
    uvicorn.run(
        app, host=host, port=port, log_level="warning", proxy_headers=False, server_header=False, ws="none",
        limit_concurrency=96, timeout_graceful_shutdown=5, log_config=None,  # a page that listens never hangs up
    )  # fmt: skip
