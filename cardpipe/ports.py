"""What the pipeline asks of the world. Adapters meet these by shape; ``wiring`` chooses them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, BinaryIO, Protocol

from cardpipe.model.batch import Batch, BatchFile, Bundle, Remake
from cardpipe.model.errors import Conflict
from cardpipe.model.event import Event
from cardpipe.model.finding import Finding
from cardpipe.model.order import Scope
from cardpipe.model.piece import Composed, Piece, Presorted
from cardpipe.model.scan import Scan, Tally
from cardpipe.model.stored import Claim as Claim
from cardpipe.model.stored import NewOrder as NewOrder
from cardpipe.model.stored import Reply as Reply
from cardpipe.model.stored import StoredOrder as StoredOrder

if TYPE_CHECKING:  # the craft's values, named for the reader; importing ports must stay light
    from cardpipe.lettershop.carrier import Carrier
    from cardpipe.lettershop.mailing import Insert, Mailing
    from cardpipe.prepress.design import Design
    from cardpipe.prepress.format import Format
    from cardpipe.prepress.photo import DevelopedPhoto, PhotoOrder
    from cardpipe.prepress.picture import PictureFacts
    from cardpipe.prepress.press import Press
    from cardpipe.prepress.signature import LiftedSignature, SignatureOrder
    from cardpipe.prepress.typeset import Face


class Clock(Protocol):
    """The time, so that tests can freeze it."""

    def now(self) -> dt.datetime: ...


class Artifacts(Protocol):
    """Bytes by SHA-256, within one tenant and mode. ``put`` returns only when the bytes will survive a power cut."""

    def put(self, scope: Scope, data: bytes) -> str: ...
    def get(self, scope: Scope, digest: str) -> bytes: ...
    def open(self, scope: Scope, digest: str) -> BinaryIO: ...
    def has(self, scope: Scope, digest: str) -> bool: ...
    def write(self, scope: Scope) -> AbstractContextManager[ArtifactWriter]:
        """A stream into the store: hashed while it is written, durable and named when the block ends well,
        gone without a trace when it does not."""
        ...


class ArtifactWriter(Protocol):
    """An artifact being written. ``digest`` and ``size`` are known once the block has ended."""

    digest: str
    size: int

    def write(self, data: bytes, /) -> int: ...
    def tell(self) -> int: ...


class Store(Protocol):
    """The truth. Every method is one transaction; every move is a compare-and-set with an event beside it."""

    # accept, cancel, look up
    def add_order(self, order: NewOrder) -> tuple[StoredOrder, bool]:
        """Store order, piece (waiting), compose step and events in one transaction. The same reference with the same
        request digest gives the stored order and False; with another digest it raises Conflict."""
        ...

    def add_orders(self, new: Sequence[NewOrder]) -> list[tuple[StoredOrder, bool] | Conflict]:
        """Many at once, in one transaction: for each what add_order gives, or the Conflict that kept just it out."""
        ...

    def order(self, scope: Scope, key: str) -> StoredOrder:
        """By id or by reference. Raises Refused (code ``order.unknown``) where there is none."""
        ...

    def cancel_order(self, scope: Scope, order_id: str, reason: str) -> StoredOrder:
        """Until its piece is in a batch; afterwards Conflict. Fences a compose that is under way."""
        ...

    def piece(self, scope: Scope, piece_id: str) -> Piece:
        """Raises Refused (code ``piece.unknown``)."""
        ...

    def pieces_of(self, scope: Scope, order_ids: Iterable[str]) -> list[Piece]: ...
    def piece_states(self, scope: Scope, order_ids: Iterable[str]) -> Mapping[str, int]:
        """How many pieces of these orders are in each state: one query, for progress bars."""
        ...

    def due_orders(self, scope: Scope, mail_on: str) -> list[str]:
        """Orders due by that mail date whose pieces wait or are being composed: what a cut-off has to wait for."""
        ...

    def events(self, scope: Scope, subject: str) -> list[Event]:
        """The log of one order, piece or batch, oldest first."""
        ...

    # what a person does
    def hold(self, scope: Scope, subject: str, reason: str) -> None:
        """Hold an order (and with it its piece), a piece or a batch. Raises Refused (code ``subject.unknown``)."""
        ...

    def resume(self, scope: Scope, subject: str, reason: str) -> None:
        """The end of a hold, with all attempts anew."""
        ...

    def again(self, scope: Scope, piece_id: str, reason: str) -> None:
        """needs_attention (or composed) → waiting: compose it anew. Conflict where it is in another state."""
        ...

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

    def unserved(self) -> int:
        """How many hinted steps nobody has taken, while nobody works on anything: for long, the workers are deaf."""
        ...

    def forget_leases(self, *, lost: bool = False) -> int:
        """By a supervisor that alone holds the data folder, while no worker runs: every lease and hint is over.
        ``lost``: the holders died at their work, which counts as a lost lease of each."""
        ...

    # compose
    def complete_compose(self, claim: Claim, composed: Composed) -> bool:
        """composing → composed, by compare-and-set on the token. False: somebody else won."""
        ...

    # gather, impose
    def gatherable(self, scope: Scope, mail_on: str, order_ids: Iterable[str] | None = None) -> list[Piece]:
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
    def plan_release(self, scope: Scope, batch_id: str, target: str) -> str:
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


class Delivery(Protocol):
    """A place at the print and mail house. Complete or not at all, and the same bundle again changes nothing."""

    @property
    def address(self) -> str:
        """The place as a person writes it, without a secret: ``file:///…``, ``sftp://user@host/…``."""
        ...

    def deliver(self, bundle: Bundle, open_file: Callable[[str], BinaryIO]) -> str:
        """Hand over; the folder's address. ``open_file`` gives an artifact by digest. Raises Conflict where another
        content lies under a final name, Unavailable where the place does not answer or has no room: then no half file
        lies under any final name, there is no ``.done``, and the same call may be made again."""
        ...

    def replies(self, bundle: Bundle) -> list[Reply]:
        """What was answered to this bundle so far."""
        ...


PRESORT_AWAITED = "waits for the return file of the house's presort"


class DesignSource(Protocol):
    """A design as an order needs it: parsed, with the bytes of its files and their digests."""

    @property
    def design(self) -> Design: ...
    @property
    def format(self) -> Format: ...
    @property
    def files(self) -> Mapping[str, bytes]: ...
    @property
    def digests(self) -> Mapping[str, str]: ...


class FontSource(Protocol):
    """A font as an order needs it: the bytes of its ``font.toml`` and of its file, and the face made of them."""

    @property
    def name(self) -> str: ...
    @property
    def settings_data(self) -> bytes: ...
    @property
    def data(self) -> bytes: ...
    @property
    def sha256(self) -> str: ...
    @property
    def settings_sha256(self) -> str: ...
    @property
    def face(self) -> Face: ...


class Catalog(Protocol):
    """What can be ordered, and how it is made. Names give today's state of a folder; ``…_from`` gives back what an
    accepted order pinned, from its bytes."""

    def designs(self) -> list[str]: ...
    def design(self, name: str) -> DesignSource: ...
    def design_for(self, occasion: str) -> str: ...
    def design_from(self, name: str, files: Mapping[str, bytes]) -> DesignSource: ...
    def hands(self) -> list[str]: ...
    def hand(self, name: str) -> Sequence[FontSource]: ...
    def printed(self) -> FontSource: ...
    def font_from(self, settings: bytes, data: bytes) -> FontSource: ...
    def press(self, name: str) -> Press: ...
    def carrier(self, name: str) -> Carrier: ...
    def mailing(self) -> Mailing:
        """How this shop posts: permit, mailer id, address style, presort."""
        ...

    def insert(self, code: str) -> Insert:
        """What goes into the envelope beside the card. Raises Refused for an unknown code."""
        ...

    def profile(self, name: str) -> bytes: ...


class Darkroom(Protocol):
    """The limited child in which pictures from outside are opened. Its death is an exception with ``.finding``."""

    def judge(self, data: bytes, where: str = ...) -> PictureFacts: ...
    def develop(self, data: bytes, order: PhotoOrder) -> DevelopedPhoto: ...
    def lift(self, data: bytes, order: SignatureOrder) -> LiftedSignature: ...
    def close(self) -> None: ...


class Shop(Protocol):
    """Everything that a step may use, chosen by ``wiring``."""

    @property
    def store(self) -> Store: ...
    @property
    def artifacts(self) -> Artifacts: ...
    @property
    def catalog(self) -> Catalog: ...
    @property
    def darkroom(self) -> Darkroom: ...
    @property
    def press(self) -> str: ...
    @property
    def carrier(self) -> str: ...
    @property
    def contact(self) -> str: ...
    @property
    def lease_seconds(self) -> float: ...
    def delivery(self, target: str) -> Delivery:
        """The place of that address. Raises Refused for one that is none."""
        ...
