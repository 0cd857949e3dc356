"""Whose turn it is: a place in the window for everybody who waits, whatever the others have to do.

The window is shared between the queues, a queue between its kinds of steps, a kind between the tenants (live and test
apart), a tenant between its lanes: its direct orders are one lane, each of its imports another. At each of these forks
the place goes to whoever has the fewest steps hinted or held, so that a flood takes what the others leave, and no more.
Who is first among equals is drawn by lot: places fall free one by one, and the first by name would always be the first.

A sixteenth of the window is kept for each queue, even while it has nothing to do: a cut-off or an event need not wait
until one of fifty thousand cards is composed.
"""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable, Hashable, Iterator, Mapping
from typing import NamedTuple, TypeVar

K = TypeVar("K")
V = TypeVar("V")

#: Which workers do it, by kind of step, in the order in which hints go out: what the house waits for, then what many
#: wait for, then one card, then a file of them, then what nobody waits for.
QUEUE_OF = {
    "release": "release",
    "remake": "release",
    "events": "events",
    "close": "gather",
    "impose": "gather",
    "import": "accept",
    "compose": "compose",
    "accept": "accept",
    "erase": "events",
}
KINDS = tuple(QUEUE_OF)
QUEUES = ("accept", "compose", "gather", "release", "events")
#: Steps of these kinds concern a batch; compose concerns a piece, and all others neither.
BATCH_KINDS = ("impose", "release", "remake")

_KEPT = 16  # the part of the window that is kept for each queue


class Lane(NamedTuple):
    """Steps of one kind and one tenant that queue behind each other: ``lane`` is "" or an import's id."""

    kind: str
    tenant: str
    mode: str
    lane: str


def in_turn(window: int, flying: Mapping[Lane, int], waiting: Mapping[Lane, Iterator[str]]) -> list[tuple[str, str]]:
    """(step id, kind) of the steps that get the window's free places, by kind and then in turn. ``flying``: how many
    steps of each lane are hinted or held. ``waiting``: the others, each lane's oldest first."""
    taken = dict.fromkeys(QUEUES, 0)
    for lane, steps in flying.items():
        taken[QUEUE_OF.get(lane.kind, "events")] += steps
    queues = {queue: _in_turn(those, flying, _FORKS) for queue, those in _parted(waiting, _queue_of).items()}
    kept = window // _KEPT
    found: list[tuple[str, str]] = []
    while queues and sum(taken.values()) < window:
        queue = min(queues, key=lambda name: (taken[name], random.random()))
        if taken[queue] >= kept and sum(max(steps, kept) for steps in taken.values()) >= window:
            break  # what is left is kept for those who have nothing to do now
        step = next(queues[queue], None)
        if step is None:
            del queues[queue]
        else:
            taken[queue] += 1
            found.append(step)
    return sorted(found, key=lambda step: KINDS.index(step[1]))


def _queue_of(lane: Lane) -> str:
    return QUEUE_OF[lane.kind]


#: Within a queue: what is shared first, and between whom next.
_FORKS: tuple[Callable[[Lane], Hashable], ...] = (
    lambda lane: lane.kind,
    lambda lane: (lane.tenant, lane.mode),
    lambda lane: lane.lane,
)


def _parted(lanes: Mapping[Lane, V], by: Callable[[Lane], K]) -> dict[K, dict[Lane, V]]:
    parts: dict[K, dict[Lane, V]] = {}
    for lane, what in lanes.items():
        parts.setdefault(by(lane), {})[lane] = what
    return parts


def _in_turn(
    waiting: Mapping[Lane, Iterator[str]],
    flying: Mapping[Lane, int],
    forks: tuple[Callable[[Lane], Hashable], ...],
) -> Iterator[tuple[str, str]]:
    """The next step is always that of the branch that has the fewest in flight."""
    if not forks:
        ((lane, steps),) = waiting.items()
        yield from ((step, lane.kind) for step in steps)
        return
    by = forks[0]
    theirs = _parted({lane: steps for lane, steps in flying.items() if lane.kind in QUEUE_OF}, by)
    heap: list[tuple[int, float, int, Iterator[tuple[str, str]]]] = []
    for place, (name, those) in enumerate(_parted(waiting, by).items()):
        also = theirs.get(name, {})
        heap.append((sum(also.values()), _lot(name), place, _in_turn(those, also, forks[1:])))
    heapq.heapify(heap)
    while heap:
        busy, lot, place, branch = heap[0]
        step = next(branch, None)
        if step is None:
            heapq.heappop(heap)
        else:
            heapq.heapreplace(heap, (busy + 1, lot, place, branch))
            yield step


def _lot(name: Hashable) -> float:
    """Direct orders win every other draw against all imports of their tenant: a person may be waiting for one."""
    return 0.0 if name == "" and random.random() < 0.5 else random.random()
