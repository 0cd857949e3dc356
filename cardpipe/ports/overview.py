"""What the console asks of the store to show what is due, what is stuck, what lies in a batch and who got it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

from cardpipe.model.batch import Batch
from cardpipe.model.intake import Row
from cardpipe.model.order import Scope
from cardpipe.model.piece import Piece
from cardpipe.model.stored import StoredOrder
from cardpipe.model.tenant import AuditEntry

#: What stands in the audit log when a batch's files leave the shop: whoever gives them out writes one of these.
GIVEN_OUT = ("download", "release")
#: Words of a name are looked for among so many of the newest orders.
NEWEST = 5000
#: The code of a piece that is held by itself, while its order is not.
HELD_PIECE = "piece"

StuckKind = Literal["attention", "held", "refused", "batch"]


@dataclass(frozen=True, slots=True)
class Due:
    """All pieces of one mail date and group (``FORMAT|PRESS|CARRIER``), by state: settled ones and cancelled ones
    included, so that the sum is what was ordered. ``held`` and ``unapproved`` are among those still to leave;
    ``oldest`` is when the oldest of these was accepted, empty where all have left."""

    mail_on: str
    group: str
    pieces: Mapping[str, int] = field(default_factory=dict)
    held: int = 0
    unapproved: int = 0
    oldest: str = ""


@dataclass(frozen=True, slots=True)
class Stuck:
    """What does not go on without a person, by reason. ``attention``: pieces, by the code of their first error;
    ``held``: orders by their hold's code, and pieces held by themselves (``piece``); ``refused``: rows that became no
    order, by the code of their first error; ``batch``: held batches by what held them (``operator``: a person).

    ``example`` is the remark of the oldest one; empty where a person's words would be quoted. ``oldest`` is when the
    oldest one was accepted, taken in or gathered."""

    kind: StuckKind
    code: str
    count: int
    example: str = ""
    oldest: str = ""


@dataclass(frozen=True, slots=True)
class Coming:
    """What a close would gather into one batch: its group, how many pieces, how many of them were due on an earlier
    date, and the id of one."""

    group: str
    pieces: int
    late: int
    one: str


class Overview(Protocol):
    """Every method reads in one transaction, within one scope, and no further than what it shows: none grows with what
    was ever printed."""

    def due(self, scope: Scope, since: str, until: str) -> list[Due]:
        """Mail dates from ``since`` to ``until`` (YYYY-MM-DD, both included), and every earlier date and group of which
        something is still to leave; by date and group. Later dates are what is expected."""
        ...

    def coming(self, scope: Scope, mail_on: str) -> list[Coming]:
        """What ``gatherable`` of that mail date gives, counted by group."""
        ...

    def stuck(self, scope: Scope) -> list[Stuck]:
        """By kind, and the largest counts first. Rows of dry runs are not counted."""
        ...

    def stuck_orders(
        self, scope: Scope, kind: StuckKind, code: str, after: str | None = None, limit: int = 50
    ) -> tuple[list[StoredOrder], str | None]:
        """The orders behind a :class:`Stuck` of kind ``attention`` or ``held``, oldest first; and the id after which
        the next page begins, None on the last one. Raises Refused ``stuck.kind`` for another kind."""
        ...

    def refused_rows(
        self, scope: Scope, code: str, after: str | None = None, limit: int = 50
    ) -> tuple[list[Row], str | None]:
        """The rows behind a :class:`Stuck` of kind ``refused``, oldest first; and the id after which the next page
        begins. An empty code: all of them."""
        ...

    def page_of_members(self, scope: Scope, batch_id: str, after: int = 0, limit: int = 100) -> list[Piece]:
        """The pieces of a batch (by id or name) behind that sequence number. Raises Refused ``batch.unknown``."""
        ...

    def member(self, scope: Scope, batch_id: str, seq: int) -> Piece:
        """Raises Refused ``batch.no_such_piece``."""
        ...

    def find(self, scope: Scope, text: str, limit: int = 20) -> list[StoredOrder]:
        """Orders by what a person has in their hand, best first: an order's or a piece's id, a match code (also of a
        piece that was withdrawn since), a reference or its beginning, a value of the metadata. And by words with which
        the recipient's name, company or postcode begin, but only among the newest 5,000 orders."""
        ...

    def batch_page(
        self, scope: Scope, before: str | None = None, limit: int = 50, states: Sequence[str] = ()
    ) -> tuple[list[Batch], str | None]:
        """Newest first; and the id below which the next page begins, None on the last one."""
        ...

    def given_out(self, scope: Scope, batch_id: str) -> list[AuditEntry]:
        """Who got which files of a batch or of its remakes, and when, oldest first: the entries of the audit log whose
        action is one of :data:`GIVEN_OUT` and whose subject is the batch's or the remake's id (never its name)."""
        ...

    def give_out(
        self, scope: Scope, batch_id: str, actor: str, subject: str, may: Callable[[Sequence[AuditEntry]], bool],
        **detail: str,
    ) -> bool:  # fmt: skip
        """Note a ``download`` of a batch's files in the audit log, if ``may`` says so of who got them before. Look and
        note are one: of two who ask at the same moment, in whichever process, one sees the other."""
        ...
