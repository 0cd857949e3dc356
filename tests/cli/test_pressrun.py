"""Waiting: until it is done, or until nothing moves and nobody is at work."""

from __future__ import annotations

import pytest

from cardpipe.cli import pressrun
from cardpipe.model.errors import Unavailable


class Force:
    """Workers that are at it for a number of looks."""

    def __init__(self, busy: int) -> None:
        self.left = busy

    def tend(self) -> None:
        pass

    def busy(self) -> bool:
        self.left -= 1
        return self.left >= 0


def test_a_standstill_ends_the_wait_and_long_work_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pressrun, "PATIENCE_SECONDS", 0.0)
    monkeypatch.setattr(pressrun, "_LOOK_SECONDS", 0.001)
    looks = iter([(0, 1)] * 6 + [(1, 1)])
    pressrun._wait(Force(10), lambda: next(looks), lambda done, of: None, "imposing")  # type: ignore[arg-type]
    with pytest.raises(Unavailable, match="stands still at 0 of 1"):
        pressrun._wait(Force(3), lambda: (0, 1), lambda done, of: None, "imposing")  # type: ignore[arg-type]
