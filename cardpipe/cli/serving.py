"""``cardpipe worker`` and ``cardpipe serve``; and the workers that a command brings along when none are there."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from cardpipe.cli import show
from cardpipe.model.errors import Refused
from cardpipe.model.finding import error
from cardpipe.settings import Settings, settings
from cardpipe.worker.child import Child
from cardpipe.worker.lock import holder

if TYPE_CHECKING:
    from cardpipe.wiring import Shop

_LOOK_SECONDS = 0.5


class Workforce:
    """The supervisor of a data folder: somebody else's where one holds it, else one of our own, ended with us.

    :meth:`tend` is called again and again by whoever waits: a supervisor that died is replaced.
    """

    def __init__(self, config: Settings) -> None:
        self._config = config
        command = [sys.executable, "-m", "cardpipe.worker.supervise"]
        self._own = Child("supervisor", command, os.environ, config.data / "logs" / "supervisor.log")
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
def working(config: Settings) -> Iterator[Workforce]:
    """Workers on the data folder while the block runs."""
    force = Workforce(config)
    force.tend()
    try:
        yield force
    finally:
        force.stop()


def work() -> None:
    """Supervise until stopped. Raises Conflict where another supervisor holds the data folder."""
    from cardpipe.worker import supervise

    show.words(f"working on {settings().data}; stop with Ctrl-C")
    supervise.main()


def dispatch() -> None:
    """A dispatcher of its own, until stopped."""
    from cardpipe.worker import dispatch as dispatching

    show.words("dispatching; stop with Ctrl-C")
    dispatching.main()


def serve_api(host: str, port: int) -> None:
    """The API in this process, and nothing else. Raises Refused on the embedded database: nobody would do the work."""
    from cardpipe.wiring import shop

    house = shop()
    if house.settings.database.startswith("sqlite"):
        remedy = "run 'cardpipe serve'; or set CARDPIPE_DATABASE_URL, CARDPIPE_BROKER_URL and CARDPIPE_ARTIFACTS_URL"
        found = error("serve.alone", "CARDPIPE_DATABASE_URL", "is not set: the API would stand alone", remedy)
        raise Refused("The API alone needs servers that others work on.", [found])
    _listen(house, host, port)


def serve(host: str, port: int) -> None:
    """The API in this process, beside the supervisor of the data folder."""
    from cardpipe.wiring import shop

    house = shop()
    with working(house.settings) as force:
        over = threading.Event()

        def tending() -> None:
            while not over.wait(_LOOK_SECONDS):
                force.tend()

        # The supervisor dies with the thread that started it, so that thread lives as long as this block.
        thread = threading.Thread(target=tending, name="workforce", daemon=True)
        thread.start()
        try:
            _listen(house, host, port)
        finally:
            over.set()
            thread.join()


def _listen(house: Shop, host: str, port: int) -> None:
    import uvicorn

    from cardpipe.api.app import make_app
    from cardpipe.api.guard import exposed
    from cardpipe.worker.journal import open_journal

    _ = house.secret  # missing, or another than this database's: told now
    open_journal()
    if told := exposed(host):
        show.words(told)
    show.words(f"listening on http://{host}:{port}, working on {house.settings.data}")
    uvicorn.run(
        make_app(house), host=host, port=port, log_level="warning", proxy_headers=False, server_header=False,
        ws="none", limit_concurrency=64, log_config=None,
    )  # fmt: skip
