"""The drill, small: orders flow over HTTP while everybody is harmed; the finished files prove each card, once."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.faults.drill import Tally, drill

#: Where nothing may be skipped there is time for more: 200 orders, as issue 4 asks for.
WHOLE = os.environ.get("CARDPIPE_TEST_REQUIRE") == "all"
ORDERS, SECONDS = (200, 75.0) if WHOLE else (60, 25.0)


def whole(tally: Tally, orders: int = ORDERS, seconds: float = SECONDS) -> None:
    print(tally.lines())
    assert tally.wrong == [], tally.lines()
    assert tally.faults.total() >= seconds / 6, tally.lines()
    assert sum(tally.fates.values()) == orders and tally.fates["printed"] >= orders / 2
    assert tally.cards == tally.fates["printed"] - len(tally.attention) and tally.pages == 3 * tally.cards
    assert len(tally.attention) <= orders / 20, tally.lines()


@pytest.mark.timeout(420)
def test_on_one_machine(tmp_path: Path) -> None:
    """``cardpipe serve`` on SQLite, the folder of hints and a small disk."""
    whole(drill("embedded", tmp_path / "drill", ORDERS, 41, SECONDS))
