"""kombu's filesystem transport, made whole: a hint appears complete or not at all, and rubbish kills no worker.

The original writes a message in place, so that a reader may see half of it, and a message that is not JSON ends the
worker (reliability.md, Q). Hints are worthless, so what cannot be read is dropped: the database hints again.
"""

from __future__ import annotations

import os
import uuid
from contextlib import suppress
from pathlib import Path
from queue import Empty
from time import monotonic, sleep
from typing import Any

from kombu.transport import TRANSPORT_ALIASES, filesystem
from kombu.utils.json import dumps, loads

from cardpipe.worker.stirring import Folder

_TAKEN = ".taken"
#: Between two looks while hints wait; and at the longest, whatever the kernel told.
POLL_SECONDS, LONGEST_SECONDS = 0.02, 1.0


class Channel(filesystem.Channel):
    """One folder, one file a hint; whoever renames it has it."""

    @property
    def folder(self) -> Path:
        return Path(self.data_folder_in)

    def _put(self, queue: Any, payload: Any, **kwargs: Any) -> None:  # type: ignore[override]
        name = f"{int(monotonic() * 1000):015d}_{uuid.uuid4()}.{queue}.msg"
        written = self.folder / f".{name}"
        self.folder.mkdir(parents=True, exist_ok=True)  # somebody may have emptied the data folder's queue
        try:
            written.write_text(dumps(payload))  # type: ignore[no-untyped-call]
            written.rename(self.folder / name)
        except BaseException:
            with suppress(OSError):
                written.unlink(missing_ok=True)
            raise

    def _get(self, queue: Any, timeout: Any = None) -> Any:
        for name in self._waiting(queue):
            taken = self.folder / f".{name}{_TAKEN}"
            try:
                (self.folder / name).rename(taken)
            except OSError:
                continue  # another worker was faster
            try:
                return loads(taken.read_text())  # type: ignore[no-untyped-call]
            except ValueError:
                continue
            finally:
                with suppress(OSError):
                    taken.unlink()
        raise Empty

    def _size(self, queue: str) -> int:
        return len(self._waiting(queue))

    def _waiting(self, queue: str) -> list[str]:
        """The queue's messages, oldest first."""
        try:
            names = os.listdir(self.folder)  # noqa: PTH208  # called ten times a second
        except FileNotFoundError:
            return []
        return sorted(name for name in names if name[0] != "." and name.partition(".")[2] == f"{queue}.msg")


class Transport(filesystem.Transport):
    """What ``filesystem://`` means in cardpipe. Where hints wait that nobody may take yet, or somebody may not take
    more, it looks again every POLL_SECONDS; where the folder is empty, it waits until a hint is put there."""

    Channel = Channel

    def __init__(self, client: Any, **kwargs: Any) -> None:
        super().__init__(client, **kwargs)  # type: ignore[no-untyped-call]
        self._stirring: Folder | None = None

    def drain_events(self, connection: Any, timeout: float | None = None) -> None:  # type: ignore[override]
        """One hint, delivered. Raises TimeoutError where there was none in that time."""
        begun = monotonic()
        path = Path(connection.client.transport_options["data_folder_in"])
        stirring = self._stirring = self._stirring or Folder(path, POLL_SECONDS)
        while True:
            stirring.watch()
            try:
                self.cycle.get(self._deliver, timeout=timeout)  # type: ignore[union-attr]
                return
            except Empty:
                left = LONGEST_SECONDS if timeout is None else timeout - (monotonic() - begun)
                if left <= 0:
                    raise TimeoutError from None
                if _empty(path):
                    stirring.wait(min(left, LONGEST_SECONDS))
                else:
                    sleep(min(left, POLL_SECONDS))

    def close_connection(self, connection: Any) -> None:
        super().close_connection(connection)  # type: ignore[no-untyped-call]
        if self._stirring is not None:
            self._stirring.close()
            self._stirring = None


def _empty(folder: Path) -> bool:
    """Whether no hint waits."""
    try:
        return all(name[0] == "." for name in os.listdir(folder) if name.endswith(".msg"))  # noqa: PTH208
    except OSError:
        return True


def install() -> None:
    """Let ``filesystem://`` name this transport in this process."""
    TRANSPORT_ALIASES["filesystem"] = f"{__name__}:Transport"


def sweep(folder: Path) -> int:
    """Remove every hint and half-written hint; only by a supervisor that alone holds the data folder."""
    swept = 0
    for name in os.listdir(folder) if folder.is_dir() else ():  # noqa: PTH208
        if ".msg" in name:
            (folder / name).unlink(missing_ok=True)
            swept += 1
    return swept
