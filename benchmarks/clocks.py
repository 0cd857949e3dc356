"""Clocks: how long a stage took, by the processor and by the wall."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class Clocked:
    """Milliseconds of one stage, one entry a call."""

    cpu: list[float] = field(default_factory=list)
    wall: list[float] = field(default_factory=list)

    @contextmanager
    def running(self) -> Iterator[None]:
        cpu, wall = time.process_time(), time.perf_counter()
        try:
            yield
        finally:
            self.cpu.append((time.process_time() - cpu) * 1e3)
            self.wall.append((time.perf_counter() - wall) * 1e3)


Clocks = dict[str, Clocked]


def wrapped(clock: Clocked, call: Callable[..., Any]) -> Callable[..., Any]:
    """The same function with a clock around it."""

    def timed(*args: Any, **named: Any) -> Any:
        with clock.running():
            return call(*args, **named)

    return timed
