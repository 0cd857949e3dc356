"""Clocks: how long a stage took, by the processor and by the wall."""

from __future__ import annotations

import gc
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
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


def settled() -> None:
    """As a worker that has begun (``worker.begin``): what is loaded is not looked through for rubbish again."""
    gc.collect()
    gc.freeze()


def laid(target: Path, size: float) -> None:
    """Have a file of that many bytes lie where one will be written. The first use of memory that a machine has lent to
    nobody for a while can take ten times as long as the writing itself; what a file leaves behind is used again."""
    block, missing = bytes(1 << 20), int(size) - (target.stat().st_size if target.exists() else 0)
    with target.open("ab") as file:
        for start in range(0, missing, len(block)):
            file.write(block[: missing - start])


def emptied(target: Path) -> None:
    """The file that was :func:`laid`, emptied before the clock runs: whoever writes a file has none to empty."""
    if target.exists():
        os.truncate(target, 0)
