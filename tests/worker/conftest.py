"""A store with orders in it, without any of the craft: what a step makes does not matter here."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from cardpipe.model.order import Scope
from cardpipe.ports import NewOrder
from cardpipe.storage.store import SqlStore
from tests.storage.fresh import lay


class FrozenClock:
    """Moves only when it is told to."""

    def __init__(self) -> None:
        self.moment = dt.datetime(2026, 11, 21, 9, 0, tzinfo=dt.UTC)

    def now(self) -> dt.datetime:
        return self.moment

    def forward(self, seconds: float) -> None:
        self.moment += dt.timedelta(seconds=seconds)


@dataclass
class Shop:
    """As much of a shop as a lease needs."""

    store: SqlStore
    clock: FrozenClock
    lease_seconds: float = 60.0


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    clock = FrozenClock()
    store = SqlStore(f"sqlite:///{lay(tmp_path / 'cardpipe.db')}", clock)
    yield Shop(store, clock)
    store.close()


@pytest.fixture
def add() -> Callable[[SqlStore, int], list[str]]:
    """Add so many orders; the ids of their pieces."""

    def run(store: SqlStore, count: int) -> list[str]:
        new = [
            NewOrder(
                Scope(), f"r{n}", f"d{n}", {"n": n}, {"n": n}, "birthday", "fern", "2026-11-25", "A7|p|c", f"{n:05d}"
            )
            for n in range(count)
        ]
        return [each[0].pieces[0].id for each in store.add_orders(new)]  # type: ignore[index]

    return run
