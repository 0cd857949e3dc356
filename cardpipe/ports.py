"""What the pipeline asks of the world. Adapters meet these by shape; ``wiring`` chooses them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol

from cardpipe.model.batch import Batch, BatchFile
from cardpipe.model.errors import Conflict
from cardpipe.model.event import Event
from cardpipe.model.finding import Finding
from cardpipe.model.order import Scope
from cardpipe.model.piece import Composed, Piece

if TYPE_CHECKING:  # the craft's values, named for the reader; importing ports must stay light
    from cardpipe.lettershop.carrier import Carrier
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


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to do one step, fenced: whoever holds a newer token wins, and this one's result is thrown away."""

    step_id: str
    kind: str  # compose | impose
    subject: str  # the piece's or the batch's id
    scope: Scope
    token: str
    lease_seconds: float
    attempt: int


@dataclass(frozen=True, slots=True)
class NewOrder:
    """An order that passed every check, ready to be stored with its piece and its first step in one transaction.

    ``group`` is ``FORMAT|PRESS|CARRIER``, with further parts behind it if need be: what pieces of one batch share.
    """

    scope: Scope
    reference: str
    request_digest: str
    request: dict[str, Any]
    spec: dict[str, Any]
    occasion: str
    design: str
    mail_on: str
    group: str
    sort_key: str
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class StoredOrder:
    """An order as the database has it."""

    id: str
    scope: Scope
    reference: str
    state: str
    request_digest: str
    request: dict[str, Any]
    occasion: str
    design: str
    mail_on: str
    held: str | None
    accepted_at: str
    pieces: tuple[Piece, ...] = ()
    findings: tuple[Finding, ...] = field(default=())


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

    def gather(self, scope: Scope, mail_on: str, members: Mapping[str, list[str]]) -> list[Batch]:
        """Fix the membership of new batches in one transaction: group → piece ids in mail order. Numbers batches in
        the order of the sorted groups, adds their impose steps. All or nothing: Conflict where a piece is no longer
        free (another gather was faster, or it was held or cancelled): read ``gatherable`` anew."""
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

    def batches(self, scope: Scope, mail_on: str | None = None) -> list[Batch]: ...
    def batches_of(self, scope: Scope, order_ids: Iterable[str]) -> list[Batch]: ...
    def batch_findings(self, scope: Scope, batch_id: str) -> tuple[Finding, ...]:
        """What the last impose of a batch remarked, whether it went well or not."""
        ...


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
