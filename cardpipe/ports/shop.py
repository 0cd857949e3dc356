"""What a step may use besides the store: the clock, the artifacts, the catalog, the darkroom, the house's delivery."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, BinaryIO, Protocol

from cardpipe.model.batch import Bundle
from cardpipe.model.finding import Finding
from cardpipe.model.order import Scope
from cardpipe.model.outbox import Answer
from cardpipe.model.stored import Reply
from cardpipe.ports.store import Store

if TYPE_CHECKING:  # the craft's values, named for the reader; importing ports must stay light
    from cardpipe.lettershop.carrier import Carrier
    from cardpipe.lettershop.house import House
    from cardpipe.lettershop.mailing import Insert, Mailing
    from cardpipe.prepress.art import ArtOrder, MadeArt
    from cardpipe.prepress.design import Design
    from cardpipe.prepress.format import Format
    from cardpipe.prepress.formsheet import FlatPage
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

    def put(self, scope: Scope, data: bytes, digest: str = "") -> str:
        """Keep these bytes; their SHA-256. ``digest`` is that of these very bytes, where it is known already; whoever
        reads them compares it."""
        ...

    def get(self, scope: Scope, digest: str) -> bytes: ...
    def open(self, scope: Scope, digest: str) -> BinaryIO: ...
    def has(self, scope: Scope, digest: str) -> bool: ...
    def delete(self, scope: Scope, digest: str) -> bool:
        """Remove these bytes for good; False: they were not there."""
        ...

    def digests(self, scope: Scope) -> Iterator[str]:
        """What lies here, in no particular order."""
        ...

    def write(self, scope: Scope) -> AbstractContextManager[ArtifactWriter]:
        """A stream into the store: hashed while it is written, durable and named when the block ends well,
        gone without a trace when it does not."""
        ...


class ArtifactWriter(Protocol):
    """An artifact being written. ``digest`` and ``size`` are known once the block has ended."""

    digest: str
    size: int

    def write(self, data: bytes | memoryview, /) -> int: ...
    def tell(self) -> int: ...


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
    @property
    def remarks(self) -> Sequence[Finding]:
        """What was remarked when its art was made."""
        ...


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

    def judge(self, data: bytes, where: str = ..., *, kind: str = ...) -> PictureFacts: ...
    def develop(self, data: bytes, order: PhotoOrder) -> DevelopedPhoto: ...
    def lift(self, data: bytes, order: SignatureOrder) -> LiftedSignature: ...
    def flatten(self, data: bytes, where: str = ...) -> FlatPage: ...
    def art(self, data: bytes, order: ArtOrder) -> MadeArt: ...
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
    def houses(self) -> Sequence[House]:
        """The print and mail houses, in the order in which they are asked; none: the shop has one, and no list."""
        ...

    @property
    def contact(self) -> str: ...
    @property
    def clock(self) -> Clock: ...
    @property
    def secret(self) -> bytes:
        """What this installation's keyed hashes, webhook secrets and signed links are made with: 32 bytes or more."""
        ...

    def fetch_picture(self, url: str, where: str) -> bytes:
        """The bytes behind a ``photo_url``. Raises Refused ``picture.url_off`` unless the operator switched it on, and
        for what may not or cannot be fetched; Unavailable where the other side did not answer."""
        ...

    def judge_photo_url(self, url: str, where: str) -> list[Finding]:
        """What is wrong with a ``photo_url`` before anybody is asked."""
        ...

    def post_webhook(self, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """Tell somebody else's server; whatever it says or does not say is an answer."""
        ...

    @property
    def lease_seconds(self) -> float: ...
    def delivery(self, target: str) -> Delivery:
        """The place of that address. Raises Refused for one that is none."""
        ...
