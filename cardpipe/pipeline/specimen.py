"""Specimens: a design shown as pieces that go the way of every order, on a bench that keeps nothing.

A specimen is accepted by ``accept``, composed by ``compose`` and imposed by ``impose``, the same functions as for a
paid card; only the database and the folder of artifacts are replaced by memory. So what a specimen shows is printed
so, and what is wrong with a design is told with the codes of orders.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, BinaryIO, cast

from cardpipe.model.batch import Batch
from cardpipe.model.errors import Bug, Refused
from cardpipe.model.finding import Finding, error, has_errors
from cardpipe.model.order import Scope
from cardpipe.model.outbox import Answer
from cardpipe.model.piece import Piece
from cardpipe.model.status import BatchState, PieceState
from cardpipe.model.tenant import Tenant
from cardpipe.pipeline import compose, impose, routing
from cardpipe.pipeline.accept import Terms, accept
from cardpipe.ports import Catalog, Clock, Darkroom, Delivery, DesignSource, NewOrder, Shop, Store, StoredOrder
from cardpipe.prepress import placeholder
from cardpipe.prepress.design import Specimen

SCOPE = Scope("specimen", "test")
MAIL_ON = "2026-01-01"  # of no consequence; a fixed day, so that a specimen is the same today and in March

TERMS = Terms(Tenant(name=SCOPE.tenant), mail_on=MAIL_ON)

_RECIPIENT = {"street": "12 Alder Lane", "city": "Springfield", "state": "IL", "postcode": "62701"}
_SENDER = {"company": "Harbor Street", "street": "1 Harbor Street", "city": "Salem", "state": "MA", "postcode": "01970"}


class Bench:
    """A :class:`Shop` without a database or a folder: catalog and darkroom are the house's, the rest is memory. Its
    press is the one on which cards of ``format`` are printed, and the shop's usual one where none is named."""

    def __init__(self, house: Shop, format: str = "") -> None:
        self._house = house
        self._store = _Ledger()
        self.artifacts = _Memory()
        # compose keeps this profile once a process and tenant; here it must lie on every bench
        self.artifacts.put(SCOPE, house.catalog.profile("sRGB.icc"))
        self.press = routing.route(house, format).press.name if format else house.press
        self.carrier, self.houses = house.carrier, ()
        self.contact, self.lease_seconds = "", house.lease_seconds

    @property
    def catalog(self) -> Catalog:
        """The house's."""
        return self._house.catalog

    @property
    def darkroom(self) -> Darkroom:
        """The house's."""
        return self._house.darkroom

    @property
    def store(self) -> Store:
        """As much of a store as accepting and imposing ask for."""
        return cast(Store, self._store)

    @property
    def clock(self) -> Clock:
        """A specimen has no date."""
        raise Bug("a specimen asked for the time")

    @property
    def secret(self) -> bytes:
        """A specimen is nobody's."""
        raise Bug("a specimen asked for the secret")

    def delivery(self, target: str) -> Delivery:
        """A specimen is never handed over."""
        raise Bug("a specimen was to be delivered")

    def fetch_picture(self, url: str, where: str) -> bytes:
        """A specimen's pictures are drawn."""
        raise Bug("a specimen was to fetch a picture")

    def judge_photo_url(self, url: str, where: str) -> list[Finding]:
        """A specimen names none."""
        raise Bug("a specimen was to name a photo by URL")

    def post_webhook(self, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """Nobody is told of a specimen."""
        raise Bug("somebody was to be told of a specimen")

    def lay(self, pieces: list[Piece]) -> list[Piece]:
        """Composed pieces as the members of a batch."""
        self._store.pieces = [replace(piece, seq=seq) for seq, piece in enumerate(pieces, 1)]
        return self._store.pieces


@dataclass(frozen=True, slots=True)
class Shown:
    """A specimen as a composed piece (None where it cannot be made), and what was remarked on its way."""

    specimen: Specimen
    piece: Piece | None
    findings: tuple[Finding, ...]


def show(bench: Bench, source: DesignSource, specimen: Specimen) -> Shown:
    """Accept and compose one specimen; a refusal is findings, never an exception."""
    where = f"designs/{source.design.name} specimen {specimen.name}"
    photos = dict(zip((frame.photo for frame in source.design.photos), range(specimen.photos), strict=False))
    if specimen.photos > len(source.design.photos):
        frames = len(source.design.photos)
        found = error(
            "design.specimen.photos", where, f"has {specimen.photos} photos for {frames} frames", f"at most {frames}"
        )
        return Shown(specimen, None, (found,))

    def picture(ref: str, field: str) -> bytes:
        if ref == "signature":
            return placeholder.signature()
        frame = next(frame for frame in source.design.photos if frame.photo == ref)
        return placeholder.photo(frame.extent.width, frame.extent.height, photos[ref])

    try:
        verdict = accept(bench, SCOPE, _order(source, specimen, list(photos)), picture, MAIL_ON, TERMS)
        findings = list(verdict.findings)
        piece = verdict.order.pieces[0] if verdict.order else None
        if piece is not None:
            composed = compose.make(bench, piece)
            findings += [finding for finding in composed.findings if finding not in findings]
            piece = replace(piece, state=PieceState.COMPOSED, composed=composed)
    except Refused as problem:
        piece, findings = None, [*problem.findings] or [error("design.specimen", where, str(problem))]
    told = tuple(replace(finding, where=f"{where} {finding.where}") for finding in findings)
    return Shown(specimen, None if has_errors(told) else piece, told)


def signed(source: DesignSource, specimen: Specimen) -> bool:
    """Whether a signature stands below the words: where there is room for one, and the words do not end with a name."""
    return source.design.one("signature") is not None and specimen.message.rstrip()[-1:] in ".!?…"


def _order(source: DesignSource, specimen: Specimen, photos: list[str]) -> dict[str, Any]:
    design = source.design
    order: dict[str, Any] = {
        "reference": f"{design.name}/{specimen.name}",
        "occasion": design.occasions[0],
        "design": design.name,
        "recipient": {"name": specimen.recipient, **_RECIPIENT},
        "sender": dict(_SENDER),
        "message": specimen.message,
        "photos": {name: name for name in photos},
    }
    if specimen.hand:
        order["hand"] = specimen.hand
    if signed(source, specimen):
        order["signature"] = "signature"
    return order


def preflight(bench: Bench, source: DesignSource, pieces: list[Piece]) -> list[Finding]:
    """Write the pieces as a batch, with envelopes and match codes, and have its files proved and inspected."""
    members = bench.lay(pieces)
    first = members[0]
    batch = Batch(
        "specimen", SCOPE, 1, MAIL_ON, 1, first.group, source.format.name, bench.press, bench.carrier,
        BatchState.GATHERED, 1, len(members),
    )  # fmt: skip
    where = f"designs/{source.design.name} print file"
    try:
        found = impose.make(bench, batch).findings
    except (Bug, Refused) as problem:
        found = list(problem.findings) or [error("design.print", where, str(problem))]
    return [replace(finding, where=f"{where} {finding.where}".rstrip()) for finding in found]


class _Ledger:
    """Orders that are answered as if they were stored, and the members of the one batch."""

    def __init__(self) -> None:
        self.pieces: list[Piece] = []

    def add_order(self, new: NewOrder, receipt: None = None) -> tuple[StoredOrder, bool]:
        piece = Piece(
            new.reference, new.scope, new.reference, new.reference, PieceState.WAITING, new.mail_on, new.group,
            new.sort_key, new.spec,
        )  # fmt: skip
        stored = StoredOrder(
            new.reference, new.scope, new.reference, "accepted", new.request_digest, new.request, new.occasion,
            new.design, new.mail_on, None, new.mail_on, (piece,), new.findings,
        )  # fmt: skip
        return stored, True

    def order(self, scope: Scope, key: str) -> StoredOrder:
        raise Refused("a specimen is never stored")

    def foresee(self, scope: Scope, digests: Iterable[str]) -> None:
        """Everything goes with the bench."""

    def members(self, batch_id: str) -> Iterator[Piece]:
        return iter(self.pieces)


class _Memory:
    """Artifacts in memory."""

    def __init__(self) -> None:
        self._kept: dict[str, bytes] = {}

    def put(self, scope: Scope, data: bytes, digest: str = "") -> str:
        digest = digest or hashlib.sha256(data).hexdigest()
        self._kept[digest] = data
        return digest

    def get(self, scope: Scope, digest: str) -> bytes:
        return self._kept[digest]

    def open(self, scope: Scope, digest: str) -> BinaryIO:
        return io.BytesIO(self._kept[digest])

    def has(self, scope: Scope, digest: str) -> bool:
        return digest in self._kept

    def delete(self, scope: Scope, digest: str) -> bool:
        return self._kept.pop(digest, None) is not None

    def digests(self, scope: Scope) -> Iterator[str]:
        return iter(list(self._kept))

    @contextmanager
    def write(self, scope: Scope) -> Iterator[_Writer]:
        writer = _Writer()
        yield writer
        writer.size = writer.tell()
        writer.digest = self.put(scope, writer.getvalue())


class _Writer(io.BytesIO):
    """An artifact being written, in memory."""

    digest = ""
    size = 0
