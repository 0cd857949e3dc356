"""Houses that are stopped at the end of a test, whatever became of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.faults.harm import House


@pytest.fixture
def make_house(tmp_path: Path) -> Iterator[Callable[..., House]]:
    made: list[House] = []

    def make(**settings: Any) -> House:
        made.append(House(tmp_path / f"house-{len(made)}", **settings))
        _ = made[-1].shop.store
        return made[-1]

    yield make
    for house in made:
        try:
            house.stop()
        finally:
            house.shop.close()
            house.shop.store.close()
