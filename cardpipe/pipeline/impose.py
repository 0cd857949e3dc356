"""Impose: a batch's fixed membership becomes the files that go to press. A pure function of the membership.

Cards and envelopes are written side by side, split at the same pieces; then each finished file is opened as a
stranger would, every match code is read off its pixels and compared, and the inspector has its say. A batch whose
proof fails is never exported.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import islice

from cardpipe.lettershop import addressing, manifest, proving
from cardpipe.lettershop.barcode import match_code_marks
from cardpipe.model.address import Address
from cardpipe.model.batch import Batch, BatchFile, match_code
from cardpipe.model.errors import Bug
from cardpipe.model.finding import Finding, has_errors
from cardpipe.model.piece import Piece
from cardpipe.pipeline import lease, paperwork, pinned
from cardpipe.ports import Artifacts, ArtifactWriter, Claim, Shop
from cardpipe.preflight.inspector import Report, inspect
from cardpipe.preflight.profile import Profile
from cardpipe.prepress.format import Format
from cardpipe.prepress.fragment import Fragment, FragmentPage
from cardpipe.prepress.merge import Merge
from cardpipe.prepress.page import Mark, Slot
from cardpipe.prepress.press import Press
from cardpipe.prepress.typeset import Face
from cardpipe.prepress.xmp import Stamp


@dataclass(frozen=True, slots=True)
class Imposed:
    """The batch's files, in the order in which they are delivered, and what the inspector remarked."""

    files: list[BatchFile]
    findings: list[Finding]


@dataclass(slots=True)
class Part:
    """One card file with its envelope file, while it is made and proved."""

    card_name: str
    envelope_name: str
    expected: dict[str, list[proving.Expected]] = field(default_factory=lambda: {"card": [], "envelope": []})
    addressed: list[proving.Addressed] = field(default_factory=list)
    card: BatchFile | None = None
    envelope: BatchFile | None = None
    pieces: int = 0
    reports: list[Report] = field(default_factory=list)


def run(shop: Shop, step_id: str) -> None:
    """Do the impose step, if it is still to be done and nobody else is at it."""

    def complete(claim: Claim, made: Imposed) -> bool:
        return shop.store.complete_impose(claim, made.files, made.findings)

    lease.work(shop, step_id, lambda claim: make(shop, shop.store.batch(claim.scope, claim.subject)), complete)


def make(shop: Shop, batch: Batch) -> Imposed:
    """Write, prove and inspect every file of a batch. Raises Bug where the finished files do not prove right."""
    maker = _Maker(shop, batch)
    parts = maker.parts()
    findings = [finding for part in parts for report in part.reports for finding in report.findings]
    if has_errors(findings):
        raise Bug("a finished file did not pass preflight", findings)
    files: list[BatchFile] = []
    for part in parts:
        if part.card is None or part.envelope is None:
            raise Bug("a part was not written")
        files += [part.card, part.envelope]
    reports = [report for part in parts for report in part.reports]
    papers = paperwork.write(shop, batch, maker.format, maker.press, maker.rows, files, reports)
    files += [_keep(shop.artifacts, batch, name, data) for name, data in papers]
    sums = "".join(f"{item.sha256}  {item.name}\n" for item in files)
    files.append(_keep(shop.artifacts, batch, f"{batch.name}_SHA256SUMS", sums.encode()))
    return Imposed(files, findings)


def _keep(artifacts: Artifacts, batch: Batch, name: str, data: bytes) -> BatchFile:
    return BatchFile(name, artifacts.put(batch.scope, data), len(data))


class _Maker:
    """One batch at work: what its files share, and the manifest's rows as they come."""

    def __init__(self, shop: Shop, batch: Batch) -> None:
        self._shop, self._batch = shop, batch
        self.rows: list[manifest.Row] = []
        first, self._weights = self._weigh()
        self.format: Format = pinned.layout(first.spec)
        self._printed: Face = pinned.font(shop, batch.scope, first.spec["printed"]).face
        self.press: Press = pinned.press(first.spec)
        self._origin = shop.catalog.carrier(batch.carrier).origin
        self._intent: str = first.spec["profile"]
        self._shared = pinned.shared(shop, batch.scope, first.spec)

    def _weigh(self) -> tuple[Piece, list[int]]:
        """The first piece, and the bytes of each one's card; membership is read as a stream, here and once more."""
        first: Piece | None = None
        weights: list[int] = []
        for piece in self._shop.store.members(self._batch.id):
            first = first or piece
            weights.append(piece.composed.card_bytes if piece.composed else 0)
            if piece.seq != len(weights):
                raise Bug(f"batch {self._batch.id} has no piece number {len(weights)}")
        if first is None or len(weights) != self._batch.pieces:
            raise Bug(f"batch {self._batch.id} has {len(weights)} pieces, not {self._batch.pieces}")
        return first, weights

    def parts(self) -> list[Part]:
        """Every part, written, proved and inspected, in order."""
        counts = split(self._weights, self.press)
        members = self._shop.store.members(self._batch.id)
        made = []
        for place, count in enumerate(counts, 1):
            suffix = f"_P{place:02d}of{len(counts):02d}" if len(counts) > 1 else ""
            name = self._batch.name
            part = Part(f"{name}_CARD{suffix}.pdf", f"{name}_ENV{suffix}.pdf")
            self._write(part, islice(members, count))
            self._prove(part)
            part.expected.clear()
            part.addressed.clear()
            made.append(part)
        return made

    def _write(self, part: Part, group: Iterable[Piece]) -> None:
        scope, artifacts = self._batch.scope, self._shop.artifacts
        with ExitStack() as stack:
            card_sink = stack.enter_context(artifacts.write(scope))
            envelope_sink = stack.enter_context(artifacts.write(scope))
            cards = Merge(card_sink, self._shared, self._stamp(part.card_name, self.format.duplex))
            envelopes = Merge(envelope_sink, self._shared, self._stamp(part.envelope_name, "Simplex"))
            for piece in group:
                if piece.composed is None or piece.seq is None:
                    raise Bug("a piece in a batch is not composed")
                card_at = paperwork.Place(part.card_name, cards.pages + 1)
                envelope_at = paperwork.Place(part.envelope_name, envelopes.pages + 1)
                self._add(cards, part, piece, "card")
                address = Address.model_validate(piece.spec["recipient"])
                part.addressed.append(proving.Addressed(envelopes.pages, addressing.lines(address, self._origin)))
                self._add(envelopes, part, piece, "envelope")
                self.rows.append(paperwork.row(self._batch, self.format, piece, card_at, envelope_at, self._origin))
                part.pieces += 1
            cards.finish()
            envelopes.finish()
        part.card = _named(part.card_name, card_sink)
        part.envelope = _named(part.envelope_name, envelope_sink)

    def _add(self, merge: Merge, part: Part, piece: Piece, what: str) -> None:
        assert piece.composed is not None and piece.seq is not None
        code = match_code(self._batch.number, piece.seq, "O" if what == "card" else "E")
        number = f"{piece.seq:04d}/{self._batch.pieces:04d}"
        digest = piece.composed.card if what == "card" else piece.composed.envelope

        def fill(page: FragmentPage, slot: Slot) -> tuple[Mark, ...]:
            if slot.name != "match_code":
                return ()
            part.expected[what].append(proving.Expected(merge.pages, slot.box, code))
            return match_code_marks(slot, code, number, self._printed, patch=what == "card")

        with self._shop.artifacts.open(piece.scope, digest) as source:
            merge.add(Fragment(source), fill)

    def _prove(self, part: Part) -> None:
        for what, item in (("card", part.card), ("envelope", part.envelope)):
            if item is None:
                raise Bug("a part was not written")
            with self._shop.artifacts.open(self._batch.scope, item.sha256) as source:
                proving.prove(source, part.expected[what], pages=part.pieces * (2 if what == "card" else 1))
            if what == "envelope":
                with self._shop.artifacts.open(self._batch.scope, item.sha256) as source:
                    proving.prove_addresses(source, part.addressed)
            trim = self.format.flat if what == "card" else self.format.envelope
            profile = Profile(
                name=self.press.name,
                trim=trim,
                bleed=self.format.bleed if what == "card" else 0.0,
                pages_per_piece=2 if what == "card" else 1,
                ppi_error=float(self.press.photo_minimum_ppi),
                ppi_warning=float(self.press.photo_ppi),
                max_ink=float(self.press.max_ink),
            )
            with self._shop.artifacts.open(self._batch.scope, item.sha256) as source:
                part.reports.append(inspect(source, profile, part.pieces))

    def _stamp(self, title: str, duplex: str) -> Stamp:
        return Stamp(
            title=title.removesuffix(".pdf"),
            day=self._batch.mail_on,
            intent_digest=self._intent,
            condition=self.press.condition,
            condition_info=self.press.condition_info,
            duplex=duplex,
        )


def split(weights: Iterable[int], press: Press) -> list[int]:
    """How many pieces go into each file: at most so many, and at most so many bytes of cards, as the press takes."""
    counts: list[int] = []
    size = 0
    for weight in weights:
        if not counts or counts[-1] >= press.pieces_per_file or size + weight > press.bytes_per_file:
            counts.append(0)
            size = 0
        counts[-1] += 1
        size += weight
    return counts


def _named(name: str, sink: ArtifactWriter) -> BatchFile:
    return BatchFile(name, sink.digest, sink.size)
