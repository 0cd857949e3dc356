"""The simulated day: every order comes once, campaigns at noon, the same order from the same number."""

from __future__ import annotations

import datetime as dt
import sys
from collections import Counter
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "benchmarks"))

import season


@pytest.mark.parametrize("orders", [1, 1000, 12_345])
def test_every_order_comes_once_and_in_turn(orders: int) -> None:
    day = season.Season(orders, 6)
    numbers = [number for tick in range(day.ticks + 2) for number in day.numbers(tick)]
    assert numbers == list(range(orders))
    assert list(season.Season(orders, 6, alone=True).numbers(day.ticks)) == []


def test_campaigns_lie_ready_at_noon() -> None:
    day = season.Season(10_000, 6)
    noon = season.DAY.replace(hour=season.NOON)
    tick = next(tick for tick in range(day.ticks) if season.moment_of(tick) == noon)
    wanted = [day.wanted(number, noon) for number in day.numbers(tick)]
    lanes = Counter(one.lane for one in wanted if one.lane)
    assert lanes == {f"imp_{name}": 500 for name in season.CAMPAIGNS}
    assert all(one.lane in ("", f"imp_{one.tenant}") for one in wanted)
    assert max(len(day.numbers(other)) for other in range(day.ticks) if other != tick) < 100


def test_an_order_follows_from_its_number() -> None:
    day, noon = season.Season(2000, 6), season.DAY + dt.timedelta(hours=10)
    wanted = [day.wanted(number, noon) for number in range(2000)]
    assert wanted == [day.wanted(number, noon) for number in range(2000)]
    assert len({one.reference for one in wanted}) == 2000
    assert {one.tenant for one in wanted} == set(season.TENANTS)
    assert {one.mail_on for one in wanted} == {season.TODAY, season.TOMORROW, season.MONDAY}
    assert {one.kind for one in wanted} == set(range(6))
    late = [day.wanted(number, season.DAY + dt.timedelta(hours=20)) for number in range(2000)]
    assert season.TODAY not in {one.mail_on for one in late if not one.lane}, "every cut-off of the day is over"
