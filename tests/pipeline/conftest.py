"""A whole shop, once or several times, below the test's own folder."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from shopfloor import House

from cardpipe.settings import Settings
from tests.storage.fresh import lay


@pytest.fixture
def make_house(tmp_path: Path) -> Iterator[Callable[[str], House]]:
    made: list[House] = []

    def make(name: str) -> House:
        if not (tmp_path / name / "cardpipe.db").exists():
            lay(tmp_path / name / "cardpipe.db")
        made.append(House(Settings(data=tmp_path / name)))
        return made[-1]

    yield make
    for house in made:
        house.close()
        house.store.close()


@pytest.fixture
def house(make_house: Callable[[str], House]) -> House:
    return make_house("data")
