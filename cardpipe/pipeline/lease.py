"""A step's work under a lease: claimed, kept alive by a heartbeat, completed by compare-and-set, judged if it fails.

Whose fault a failure is decides what happens. The shop's (no room, no database): the step is given back and no attempt
is counted. The piece's (refused, or its picture killed the decoder): counted, and in the end a person looks. Anything
else is a bug: counted too, so that a poisonous piece cannot run for ever, and reported without a word of its contents.
"""

from __future__ import annotations

import errno
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol, TypeVar

import structlog

from cardpipe.model.errors import Bug, CardpipeError, Conflict, Refused, Unavailable
from cardpipe.model.finding import Finding, error
from cardpipe.ports import Claim, Store

T = TypeVar("T")
log = structlog.get_logger("cardpipe.lease")

_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS, errno.EMFILE, errno.ENFILE, errno.ENOMEM}
_FIRST_PAUSE, _LONGEST_PAUSE = 1.0, 30.0


class Leasing(Protocol):
    """What this file needs of a shop."""

    @property
    def store(self) -> Store: ...
    @property
    def lease_seconds(self) -> float: ...


class Later(Exception):
    """Not now: the step is given back, and due again after so many seconds. No attempt is counted."""

    def __init__(self, seconds: float, why: str) -> None:
        self.seconds = seconds
        super().__init__(why)


class Breaker:
    """How long to leave the shop alone while it has no room or no database: longer each time, until something works."""

    def __init__(self) -> None:
        self.failures = 0

    def worked(self) -> None:
        self.failures = 0

    def failed(self) -> float:
        self.failures += 1
        return min(_LONGEST_PAUSE, _FIRST_PAUSE * 2.0 ** min(self.failures - 1, 10))


_breaker = Breaker()


def work(
    shop: Leasing,
    step_id: str,
    make: Callable[[Claim], T],
    complete: Callable[[Claim, T], bool],
    *,
    pause: Callable[[float], None] = time.sleep,
) -> bool:
    """Do the step, if it is still to be done and nobody else is at it. Whether this call completed it.

    Never raises for what went wrong with one step: that is written down where the next worker and a person find it.
    """
    try:
        claim = shop.store.claim(step_id, shop.lease_seconds)
    except Unavailable as problem:  # a hint without a database: the step stays due
        log.warning("no_claim", step=step_id, problem=str(problem))
        pause(_breaker.failed())
        return False
    if claim is None:
        return False
    with _heartbeat(shop.store, claim) as lost:
        try:
            made = make(claim)
            done = not lost.is_set() and complete(claim, made)
        except Later as later:
            shop.store.give_back(claim, str(later), later.seconds)
            return False
        except Exception as problem:
            _judge(shop.store, claim, problem, pause)
            return False
    _breaker.worked()
    if not done:
        log.info("fenced", step=step_id, subject=claim.subject)
    return done


def now(
    shop: Leasing,
    claim: Claim,
    make: Callable[[], T],
    complete: Callable[[T], bool],
    failed: Callable[[CardpipeError], None],
) -> T:
    """Do a claimed step here, for a person who waits: what goes wrong is raised, after ``failed`` wrote it down.
    Whoever is interrupted gives the step back, and a worker does it."""
    with _heartbeat(shop.store, claim) as lost:
        try:
            made = make()
        except CardpipeError as problem:
            failed(problem)
            raise
        except BaseException:
            shop.store.give_back(claim, "interrupted", 0.0)
            raise
        if lost.is_set() or not complete(made):
            raise Unavailable("somebody else took this step over; look what became of it before you run it again")
    return made


def _judge(store: Store, claim: Claim, problem: Exception, pause: Callable[[float], None]) -> None:
    """Write down what went wrong. If even that cannot be written, the lease runs out and the step is due again."""
    seen: dict[str, Any] = {"step": claim.step_id, "subject": claim.subject, "kind": claim.kind}
    delay = 0.0
    try:
        if is_the_shops(problem):
            delay = _breaker.failed()
            log.warning("given_back", problem=str(problem), delay=delay, **seen)
            store.give_back(claim, f"given back: {type(problem).__name__}", delay)
        elif findings := _findings(problem):
            log.info("fault", codes=[finding.code for finding in findings], attempt=claim.attempt, **seen)
            final = isinstance(problem, Refused | Conflict) and not problem.retried
            store.fault(claim, findings, final=final)
        else:
            # the frames and not the message: a message may quote an address
            frames = traceback.format_tb(problem.__traceback__)
            log.error("bug", type=type(problem).__name__, attempt=claim.attempt, frames=frames, **seen)
            store.fault(claim, (_bug(problem, claim),), final=False)
    except Unavailable as still:
        delay = _breaker.failed()
        log.warning("left_to_expire", problem=str(still), **seen)
    if delay:
        pause(delay)


def is_the_shops(problem: Exception) -> bool:
    """Whether a failure is that of the disk or of a server, and no piece's."""
    return isinstance(problem, Unavailable) or (isinstance(problem, OSError) and problem.errno in _NO_ROOM)


def _findings(problem: Exception) -> tuple[Finding, ...]:
    """What an error brings along: a refusal's findings, an inspection's, that of a picture which killed its decoder."""
    if isinstance(one := getattr(problem, "finding", None), Finding):
        return (one,)
    if isinstance(problem, Refused) and not problem.findings:
        return (error("piece.refused", "", "it was refused without a finding"),)
    return problem.findings if isinstance(problem, CardpipeError) else ()


def _bug(problem: Exception, claim: Claim) -> Finding:
    said = f": {problem}" if isinstance(problem, Bug) else ""  # our own sentences name no person
    return error(
        "piece.bug", "", f"cardpipe failed with {type(problem).__name__}{said}",
        f"this is not the order's fault: report it with the worker's log of step {claim.step_id}",
    )  # fmt: skip


@contextmanager
def _heartbeat(store: Store, claim: Claim) -> Iterator[threading.Event]:
    """Lengthen the lease three times a lease, in a thread, until the block ends. The event: the lease was lost."""
    over, lost = threading.Event(), threading.Event()

    def beat() -> None:
        while not over.wait(claim.lease_seconds / 3):
            try:
                if not store.heartbeat(claim):
                    lost.set()
                    return
            except Unavailable as problem:  # the lease may outlive this; if not, the token tells
                log.warning("no_heartbeat", step=claim.step_id, problem=str(problem))

    thread = threading.Thread(target=beat, name=f"heartbeat {claim.step_id}", daemon=True)
    thread.start()
    try:
        yield lost
    finally:
        over.set()
        thread.join()
