"""What the pipeline asks of the store about batches: from the cut-off to the last card accounted for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Protocol

from cardpipe.model.batch import Batch, BatchFile, Remake
from cardpipe.model.finding import Finding
from cardpipe.model.order import Scope
from cardpipe.model.piece import Piece, Presorted, Unsent
from cardpipe.model.scan import Scan, Stage, Tally
from cardpipe.model.stored import Claim

PRESORT_AWAITED = "waits for the return file of the house's presort"


class Batches(Protocol):
    """Every method is one transaction; every move is a compare-and-set with an event beside it."""

    # gather, impose
    def gatherable(self, scope: Scope, mail_on: str, order_ids: Iterable[str] | None = None) -> list[Unsent]:
        """Composed, unheld pieces in no batch, due on that mail date or left over from an earlier one (and of just
        these orders, if given), by group, sort key and reference."""
        ...

    def gather(
        self,
        scope: Scope,
        mail_on: str,
        members: Mapping[str, list[str]],
        awaiting: frozenset[str] = frozenset(),
        label_start: int = 1,
    ) -> list[Batch]:
        """Fix the membership of new batches in one transaction: group → piece ids in mail order. Numbers batches in
        the order of the sorted groups, adds their impose steps. All or nothing: Conflict where a piece is no longer
        free (another gather was faster, or it was held or cancelled): read ``gatherable`` anew. Batches of the groups
        that are ``awaiting`` begin held, with the reason ``PRESORT_AWAITED``, until the return file is taken."""
        ...

    def members(self, batch_id: str) -> Iterator[Piece]:
        """The pieces of a batch by sequence number."""
        ...

    def complete_impose(self, claim: Claim, files: list[BatchFile], findings: list[Finding]) -> bool:
        """gathered → imposed, with its files, by compare-and-set on the token. False: somebody else won."""
        ...

    def batch(self, scope: Scope, key: str) -> Batch:
        """By id or by name. Raises Refused (code ``batch.unknown``)."""
        ...

    # until release: take a piece out, take the presort's order
    def eject(self, scope: Scope, batch_id: str, seqs: Sequence[int], reason: str, user: str) -> Batch:
        """Take pieces out of a batch that is gathered or imposed: a new revision. The pieces need attention and lie in
        no batch; the rest is numbered anew without a gap, its files are forgotten, its impose step is open again. The
        hold of a batch that could not be imposed is ended. With the last piece gone the batch is settled. Raises
        Conflict once a release is planned or done, Refused (``batch.no_such_piece``) with every number that is not
        there; then nothing at all happened."""
        ...

    def resequence(self, scope: Scope, batch_id: str, order: Sequence[tuple[str, Presorted]], user: str) -> Batch:
        """Number a batch's pieces in this order (piece ids) and keep what the presort said of each; a new revision, to
        be imposed (anew), its hold ended. Raises Refused where the set of pieces differs, Conflict once a release is
        planned or done."""
        ...

    # release
    def plan_release(self, scope: Scope, batch_id: str, target: str, actor: str = "") -> str:
        """Write down that an imposed, unheld batch is to be handed to ``target``; the id of the release step. The same
        target again gives the same step. From now on nothing can be ejected. Raises Conflict where the batch is in
        another state, held, or planned for another target."""
        ...

    def drop_release(self, scope: Scope, batch_id: str, reason: str, claim: Claim | None = None) -> None:
        """A planned release that did not hand over anything is taken back; whoever has its step shows his claim.
        Conflict where it is done, or somebody else is handing over at this moment."""
        ...

    def complete_release(self, claim: Claim) -> bool:
        """imposed → released, and every piece batched → released, by compare-and-set on the token."""
        ...

    # after the press
    def add_remake(
        self, scope: Scope, batch_id: str, seqs: Sequence[int], reason: str, user: str
    ) -> tuple[Remake, str]:
        """Pieces of a released (or printed) batch were spoiled: the scans are recorded, a remake with the next run
        number and its step are stored; the remake and the step's id. Raises Refused with every number that is not in
        the batch, Conflict where the batch is not released or a piece is handed to post already."""
        ...

    def complete_remake(self, claim: Claim, files: Sequence[BatchFile]) -> bool:
        """The remake's files are made and handed to the house."""
        ...

    def remake(self, remake_id: str) -> Remake: ...
    def remakes(self, scope: Scope, batch_id: str) -> list[Remake]: ...
    def withdraw(self, scope: Scope, batch_id: str, seqs: Sequence[int], reason: str, user: str) -> Tally:
        """Pieces of a released batch that will never be mailed (pulled by hand): cancelled, in no batch, counted."""
        ...

    def record(
        self, scope: Scope, batch_id: str, scans: Sequence[Scan], source: str, sha256: str, user: str
    ) -> tuple[Tally, bool]:
        """Take a list of scans, all or nothing; False where just this list (``sha256``) was taken before: nothing
        happened then. Pieces move to printed, mailed, returned; the batch to printed or mailed once all of its pieces
        have. Raises Conflict with what ``model.scan.judge`` found; the batch is then held, with the reason, and none of
        the list is recorded."""
        ...

    def contradictions(self, scope: Scope, batch_id: str, scans: Sequence[Scan]) -> list[Finding]:
        """What ``record`` would find; nothing is written, and nothing is held. Conflict before the release."""
        ...

    def unseen(self, scope: Scope, batch_id: str, stage: Stage) -> tuple[int, ...]:
        """The numbers of the pieces that have not come to that stage yet (none for ``spoiled``)."""
        ...

    def tally(self, scope: Scope, batch_id: str) -> Tally: ...
    def settle(self, scope: Scope, batch_id: str, user: str) -> Tally:
        """mailed → settled. Raises Conflict that names what is missing."""
        ...

    def acknowledge(self, scope: Scope, batch_id: str, name: str, ok: bool, text: str) -> bool:
        """The house answered a delivery (``.ack`` or ``.nak`` with its words). A nak holds the batch. False: known."""
        ...

    def replies(self, scope: Scope, batch_id: str) -> list[tuple[str, bool, str]]:
        """(name of the delivery, whether it was accepted, the house's words), oldest first."""
        ...

    def batches(self, scope: Scope, mail_on: str | None = None) -> list[Batch]: ...
    def batches_of(self, scope: Scope, order_ids: Iterable[str]) -> list[Batch]: ...
    def batch_findings(self, scope: Scope, batch_id: str) -> tuple[Finding, ...]:
        """What the last impose of a batch remarked, whether it went well or not."""
        ...
