"""Writing: pieces of a batch, all of them or some once more, become finished, proved and inspected files with papers.

Cards and envelopes are written side by side, split at the same pieces; then each finished file is opened as a stranger
would: every match code is read off its pixels and compared with the manifest, and the inspector has its say.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import islice

from cardpipe.lettershop import manifest
from cardpipe.lettershop.labelsheet import SHEETS
from cardpipe.model.batch import Batch, BatchFile
from cardpipe.model.errors import Bug, Refused
from cardpipe.model.finding import Finding, Level
from cardpipe.model.order import Scope
from cardpipe.model.piece import Piece
from cardpipe.pipeline import paperwork, pinned, verify
from cardpipe.pipeline.pressfile import Setup, writers
from cardpipe.ports import ArtifactWriter, Shop
from cardpipe.preflight.inspector import Report, inspect
from cardpipe.preflight.profile import Profile
from cardpipe.prepress.press import Press

_PAGES = re.compile(r"pages? ((?:\d+(?:-\d+)?(?:, (?=\d))?)+)")  # as the inspector's report writes them


@dataclass(frozen=True, slots=True)
class Written:
    """The finished files in the order in which they are delivered, and what the inspector remarked."""

    files: list[BatchFile]
    findings: list[Finding]


@dataclass(slots=True)
class Part:
    """One card file with its envelope file, finished."""

    card: BatchFile
    envelope: BatchFile
    rows: list[manifest.Row]
    reports: dict[str, Report] = field(default_factory=dict)


def write(
    shop: Shop, batch: Batch, name: str, members: Iterable[Piece], weights: Sequence[int],
    first: Piece, remake: paperwork.Remade | None = None,
) -> Written:  # fmt: skip
    """Write, prove and inspect every file. ``weights`` are the bytes of the members' cards, ``name`` begins every
    file's name. Raises Refused, with the pieces named, where a finished file does not pass preflight; Bug where it
    does not say what its manifest says."""
    setup = _setup(shop, batch, first, remake is not None)
    parts = list(_parts(shop, setup, name, iter(members), split(weights, setup.press), remake))
    findings = [_named(finding, part.rows, file) for part in parts for file, report in part.reports.items()
                for finding in report.findings]  # fmt: skip
    if any(finding.level is Level.ERROR for finding in findings):
        raise Refused("a finished file did not pass preflight; eject the pieces that are named", findings)
    files = [file for part in parts for file in (part.card, part.envelope)]
    rows = [row for part in parts for row in part.rows]
    reports = {file: report for part in parts for file, report in part.reports.items()}
    for paper, data in paperwork.write(shop, setup, name, rows, files, reports, findings, remake):
        files.append(_kept(shop, batch.scope, paper, data))
    sums = "".join(f"{item.sha256}  {item.name}\n" for item in files).encode()
    files.append(_kept(shop, batch.scope, f"{name}_SHA256SUMS", sums))
    return Written(files, findings)


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


def _setup(shop: Shop, batch: Batch, first: Piece, remake: bool) -> Setup:
    spec = first.spec
    return Setup(
        batch=batch,
        format=pinned.layout(spec),
        press=pinned.press(spec),
        carrier=shop.catalog.carrier(batch.carrier),
        mailing=pinned.mailing(spec),
        face=pinned.font(shop, batch.scope, spec["printed"]).face,
        shared=pinned.shared(shop, batch.scope, spec),
        intent=spec["profile"],
        open=lambda digest: shop.artifacts.open(batch.scope, digest),
        remake=remake,
    )


def _parts(
    shop: Shop, setup: Setup, name: str, members: Iterator[Piece], counts: list[int], remake: paperwork.Remade | None
) -> Iterator[Part]:
    cards, covers = ("SHEETS" if setup.press.sheet else "CARD"), ("LABELS" if setup.press.labels else "ENV")
    for place, count in enumerate(counts, 1):
        suffix = f"_P{place:02d}of{len(counts):02d}" if len(counts) > 1 else ""
        names = f"{name}_{cards}{suffix}.pdf", f"{name}_{covers}{suffix}.pdf"
        pieces = list(islice(members, count))
        if len(pieces) != count:
            raise Bug(f"{name} has lost pieces while it was written")
        part = _part(shop, setup, names, pieces, remake)
        _prove(shop, setup, part)
        yield part


def _part(
    shop: Shop, setup: Setup, names: tuple[str, str], pieces: Sequence[Piece], remake: paperwork.Remade | None
) -> Part:
    write_cards, write_covers = writers(setup.press)
    for piece in pieces:
        setup.inserts.update({insert.code: insert for insert in pinned.inserts(piece.spec)})
    with ExitStack() as stack:
        card_sink, cover_sink = (stack.enter_context(shop.artifacts.write(setup.batch.scope)) for _ in names)
        cards = write_cards(setup, names[0], pieces, card_sink)
        covers = write_covers(setup, names[1], pieces, cover_sink)
    shop.store.foresee(setup.batch.scope, [card_sink.digest, cover_sink.digest])
    rows = [
        paperwork.row(setup, piece, names, card, cover, remake)
        for piece, card, cover in zip(pieces, cards, covers, strict=True)
    ]
    return Part(_file(names[0], card_sink), _file(names[1], cover_sink), rows)


def _kept(shop: Shop, scope: Scope, name: str, data: bytes) -> BatchFile:
    digest = hashlib.sha256(data).hexdigest()
    shop.store.foresee(scope, [digest])
    shop.artifacts.put(scope, data)
    return BatchFile(name, digest, len(data))


def _prove(shop: Shop, setup: Setup, part: Part) -> None:
    """The file on the disk against its rows, then against the press's rules."""
    press, layout = setup.press, setup.format
    by_name = {file.name: file for file in (part.card, part.envelope)}
    verify.prove(
        lambda name: setup.open(by_name[name].sha256), part.rows, setup.carrier.origin, setup.mailing.address_style
    )
    cards = Profile.for_press(
        press,
        trim=None if press.sheet else layout.flat,
        bleed=0.0 if press.sheet else layout.bleed,
        pages_per_piece=None if press.sheet else 2,
        records=press.output == "X-4" and not press.sheet,
        imposed=press.sheet is not None,
    )
    size = SHEETS[press.labels.sheet].page if press.labels else layout.envelope
    covers = Profile.for_press(press, trim=size, bleed=0.0, pages_per_piece=None if press.labels else 1)
    for file, profile, counted in (
        (part.card, cards, press.sheet is None),
        (part.envelope, covers, press.labels is None),
    ):
        with setup.open(file.sha256) as source:
            part.reports[file.name] = inspect(source, profile, len(part.rows) if counted else None, file.name)


def _named(finding: Finding, rows: Sequence[manifest.Row], file: str) -> Finding:
    """The finding with its pieces: an operator ejects pieces, not pages."""
    spans = _PAGES.match(finding.where)
    if spans is None:
        return finding
    card = file == rows[0].card_file
    found = set()
    for span in spans.group(1).split(", "):
        start, _, end = span.partition("-")
        for row in rows:
            first, last = (row.card_page_first, row.card_page_last) if card else (row.envelope_page, row.envelope_page)
            if first <= int(end or start) and int(start) <= last:
                found.add(row.seq)
    pieces = ", ".join(map(str, sorted(found)[:20])) + (" and more" if len(found) > 20 else "")
    where = f"piece {pieces} ({file.removeprefix(rows[0].batch + '_')}, {finding.where})"
    return Finding(finding.level, finding.code, where, finding.message, finding.remedy)


def _file(name: str, sink: ArtifactWriter) -> BatchFile:
    return BatchFile(name, sink.digest, sink.size)


def by_seq(members: Iterable[Piece], seqs: Iterable[int]) -> list[Piece]:
    """Those members, in mail order."""
    wanted = set(seqs)
    found = [piece for piece in members if piece.seq in wanted]
    if len(found) != len(wanted):
        raise Bug(f"{len(wanted) - len(found)} pieces of a remake are not in their batch")
    return found
