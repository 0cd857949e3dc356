"""A simulated season: which order comes when, of whom, of what kind, for which mail date. Every order follows from its
number alone, so that the same ones can be sent once more after a restore.

A Thursday in Advent with the curve of an office day, two campaigns a tenant at noon (a twentieth of all orders each:
50,000 of a million), cut-offs from 15:00 to 19:00, and two more mail dates for what came late or was ordered ahead.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

DAY = dt.datetime(2026, 12, 10, tzinfo=dt.UTC)  # a Thursday
TODAY, TOMORROW, MONDAY = "2026-12-10", "2026-12-11", "2026-12-14"
#: Share of the orders, and hour of the cut-off, by tenant.
TENANTS = {"alder": (40, 15), "birch": (25, 16), "cedar": (15, 17), "dogwood": (12, 18), "elm": (8, 19)}
#: Whose campaigns lie ready at noon; each is a twentieth of the day's orders.
CAMPAIGNS = ("alder", "birch", "cedar", "dogwood")
CAMPAIGN_SHARE, NOON = 0.05, 12
#: Orders an hour of the day, without campaigns: an office's day, and an evening at home.
CURVE = (1, 1, 1, 1, 1, 2, 4, 8, 14, 18, 20, 18, 14, 16, 18, 18, 16, 12, 9, 8, 7, 5, 3, 2)
TICK = 300.0  # seconds


@dataclass(frozen=True, slots=True)
class Wanted:
    """One order: its number, when it comes, of whom, which recorded kind, for which mail date, in which lane."""

    number: int
    tenant: str
    kind: int
    mail_on: str
    lane: str
    dice: int

    @property
    def reference(self) -> str:
        return f"S-{self.number:08d}"


class Season:
    """So many orders over one day. ``alone``: all of one tenant and one kind, for one mail date: a single batch."""

    def __init__(self, orders: int, kinds: int, *, alone: bool = False) -> None:
        self.orders, self.kinds, self.alone = orders, kinds, alone
        self.campaign = 0 if alone else int(orders * CAMPAIGN_SHARE)
        steady = orders - self.campaign * len(CAMPAIGNS)
        ticks = int(86400 / TICK)
        weights = [CURVE[int(tick * TICK // 3600)] for tick in range(ticks)]
        reached, total = 0.0, sum(weights)
        #: The number of the first order of each tick; campaigns lie behind those of their tick.
        self._first = [0]
        noon = int(NOON * 3600 / TICK)
        for tick, weight in enumerate(weights):
            reached += weight
            more = self.campaign * len(CAMPAIGNS) if tick >= noon else 0
            self._first.append(round(steady * reached / total) + more)
        self._noon = range(self._first[noon + 1] - self.campaign * len(CAMPAIGNS), self._first[noon + 1])
        self.ticks = ticks

    def numbers(self, tick: int) -> range:
        """The orders that come in that tick; none after the day."""
        return range(self._first[tick], self._first[tick + 1]) if tick < self.ticks else range(0)

    def wanted(self, number: int, moment: dt.datetime) -> Wanted:
        """The order of that number, which came at that moment."""
        dice = int.from_bytes(hashlib.blake2b(str(number).encode(), digest_size=8).digest(), "big")
        if self.alone:
            return Wanted(number, "alder", 0, MONDAY, "", dice)
        kind, lane = (dice >> 16) % self.kinds, ""
        if number in self._noon:
            place = (number - self._noon.start) // self.campaign
            tenant, lane, kind = CAMPAIGNS[place], f"imp_{CAMPAIGNS[place]}", place % self.kinds
        else:
            tenant = _tenant(dice % 100)
        on_time = moment < DAY.replace(hour=TENANTS[tenant][1])
        later = (dice >> 8) % 100
        soon, next_ = (60, 90) if on_time else (0, 75)
        mail_on = TODAY if later < soon else TOMORROW if later < next_ else MONDAY
        return Wanted(number, tenant, kind, mail_on, lane, dice)


def _tenant(percent: int) -> str:
    for name, (share, _) in TENANTS.items():
        if percent < share:
            return name
        percent -= share
    raise ValueError(percent)


def moments() -> Iterator[dt.datetime]:
    """The moments after the day at which something is still due: each cut-off of the two later mail dates, and until
    twenty minutes' patience with what is still being composed are over."""
    for day in (1, 4):
        for _, hour in TENANTS.values():
            for later in (0, 5, 10, 25):
                yield DAY + dt.timedelta(days=day, hours=hour, minutes=later)


def moment_of(tick: int) -> dt.datetime:
    """When that tick begins."""
    return DAY + dt.timedelta(seconds=tick * TICK)
