"""What the pipeline asks of the store about steps: what is still to do, who does it, and what duties recur."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Protocol

from cardpipe.model.finding import Finding
from cardpipe.model.order import Scope
from cardpipe.model.piece import Composed
from cardpipe.model.stored import Claim, Duty


class Steps(Protocol):
    """Hints, claims, heartbeats. A hint may be lost; a claim is fenced by its token."""

    # steps: hints, claims, heartbeats
    def due_steps(self, window: int, hint_seconds: float) -> list[tuple[str, str]]:
        """(step id, kind) of steps to hint now: unclaimed or with a lease that ended, not hinted lately; marks them
        hinted. Fair between tenants. At most ``window`` steps are hinted or claimed at any time."""
        ...

    def claim(self, step_id: str, lease_seconds: float) -> Claim | None:
        """None when somebody else holds it, it is done, or it is held."""
        ...

    def heartbeat(self, claim: Claim) -> bool:
        """Lengthen the lease. False: it was lost, stop quietly."""
        ...

    def give_back(self, claim: Claim, reason: str, delay_seconds: float) -> None:
        """The shop's fault, not the piece's (no room, no database): no attempt is counted."""
        ...

    def fault(self, claim: Claim, findings: Sequence[Finding], *, final: bool) -> None:
        """The piece's own fault, with all that was found: an attempt is counted. Final, or the attempts used up:
        needs_attention."""
        ...

    def leases(self) -> int:
        """How many steps are worked on at this moment."""
        ...

    def unserved(self, queues: Collection[str]) -> int:
        """How many hinted steps of these queues nobody has taken, while nobody works on any of them: for long, their
        workers are deaf."""
        ...

    def forget_leases(self, *, lost: bool = False) -> int:
        """By a supervisor that alone holds the data folder, while no worker runs: every lease and hint is over.
        ``lost``: the holders died at their work, which counts as a lost lease of each."""
        ...

    # compose
    def complete_compose(self, claim: Claim, composed: Composed) -> bool:
        """composing → composed, by compare-and-set on the token. False: somebody else won."""
        ...

    # duties that recur: unique rows, so that any number of dispatchers may run
    def add_duty(self, scope: Scope, kind: str, due: str) -> bool:
        """A cut-off (``close``, due: the mail date) or an erasure (``erase``, due: the day) is to be done: one row and
        one step for each (tenant, mode, kind, due), whoever asks and how often. False: it was there already."""
        ...

    def duty(self, scope: Scope, duty_id: str) -> Duty: ...
    def complete_duty(self, claim: Claim, result: str) -> bool:
        """Done, with a sentence on what came of it, by compare-and-set on the token."""
        ...

    def duties(self, scope: Scope, kind: str, limit: int = 50) -> list[Duty]:
        """Newest first."""
        ...

    def tune(self) -> bool:
        """See that the database knows how its tables have grown (PostgreSQL without statistics walks whole tables until
        its own clockwork comes round); whether there was anything to do. Quick, and safe from many at once."""
        ...

    def beat(self, name: str) -> None:
        """A process says that it lives (``dispatcher:HOST:PID``)."""
        ...

    def beats(self, seconds: float) -> list[str]:
        """Who said so within the last seconds."""
        ...
