"""The papers of a batch: manifest, ticket and preflight report, written from what the merge did."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from cardpipe.lettershop import manifest
from cardpipe.lettershop.addressing import normalised
from cardpipe.lettershop.presort import judge_quantity
from cardpipe.lettershop.ticket import TicketFile, make_ticket
from cardpipe.model.address import Address
from cardpipe.model.batch import Batch, BatchFile, match_code
from cardpipe.model.errors import Bug
from cardpipe.model.order import canonical
from cardpipe.model.piece import Piece
from cardpipe.ports import Shop
from cardpipe.preflight.report import Report
from cardpipe.prepress.canvas import Picture
from cardpipe.prepress.format import Format
from cardpipe.prepress.press import Press
from cardpipe.prepress.raster import opened

_THUMBNAIL_PPI = 36


@dataclass(frozen=True, slots=True)
class Place:
    """A file and the page in it, from 1, at which a piece begins."""

    file: str
    page: int


def row(batch: Batch, layout: Format, piece: Piece, card: Place, envelope: Place, origin: str) -> manifest.Row:
    """One piece's line of the manifest; its address as the carrier of that ``origin`` wants it written."""
    if piece.seq is None or piece.composed is None:
        raise Bug("a piece in a batch has no place or no fragments")
    spec = piece.spec
    address = normalised(Address.model_validate(spec["recipient"]), origin)
    return manifest.Row(
        batch=batch.name,
        seq=piece.seq,
        reference=piece.reference,
        match_code_card=match_code(batch.number, piece.seq, "O"),
        match_code_envelope=match_code(batch.number, piece.seq, "E"),
        design=spec["design"]["name"],
        design_version=str(spec["design"]["version"]),
        format=layout.name,
        stock=layout.stock,
        envelope=layout.envelope_name,
        name=address.name,
        company=address.company,
        street=address.street,
        street2=address.street2,
        city=address.city,
        state=address.state,
        postcode=address.postcode,
        country=address.country,
        card_file=card.file,
        card_page_first=card.page,
        card_page_last=card.page + 1,
        envelope_file=envelope.file,
        envelope_page=envelope.page,
        weight_g=round(layout.weight_g, 1),
        thickness_mm=round(layout.thickness_mm, 2),
        sha256_card_fragment=piece.composed.card,
        sha256_envelope_fragment=piece.composed.envelope,
    )


def manifests(batch: Batch, rows: Sequence[manifest.Row], origin: str) -> list[tuple[str, bytes]]:
    """The manifest in both spellings; they are read back and compared before anybody else sees them."""
    as_csv, as_json = manifest.to_csv(rows), manifest.to_json(rows, origin)
    findings = manifest.reconcile(as_csv, as_json)
    if findings:
        raise Bug("the manifest does not reconcile", findings)
    return [(f"{batch.name}_MANIFEST.csv", as_csv), (f"{batch.name}_MANIFEST.json", as_json)]


def write(
    shop: Shop,
    batch: Batch,
    layout: Format,
    press: Press,
    rows: Sequence[manifest.Row],
    files: Sequence[BatchFile],
    reports: Sequence[Report],
) -> list[tuple[str, bytes]]:
    """Every paper of the batch with its name, in the order in which they are delivered."""
    carrier = shop.catalog.carrier(batch.carrier)
    papers = manifests(batch, rows, carrier.origin)
    inspected = [item.name for item in files]
    report = {"batch": batch.name, "files": dict(zip(inspected, (r.as_dict() for r in reports), strict=True))}
    papers.append((f"{batch.name}_PREFLIGHT.json", canonical(report) + b"\n"))
    kept = [
        *files,
        *(BatchFile(name, hashlib.sha256(data).hexdigest(), len(data)) for name, data in papers),
    ]
    pages = {name: report.facts.pages for name, report in zip(inspected, reports, strict=True)}
    remarks = [finding for report in reports for finding in report.findings]
    remarks += [*carrier.judge_shape(layout), *judge_quantity(len(rows), carrier)]
    made = make_ticket(
        batch,
        layout,
        carrier,
        [TicketFile(_part(item.name), item.name, item.sha256, item.size, pages.get(item.name, 0)) for item in kept],
        manifest.totals(rows, carrier.origin),
        condition=press.condition_info,
        contact=shop.contact,
        pictures=_pictures(shop, batch, files),
        findings=remarks,
    )
    printed = shop.catalog.printed()
    papers.append((f"{batch.name}_TICKET.json", made.to_json()))
    papers.append((f"{batch.name}_TICKET.pdf", made.to_pdf(printed.data)))
    return papers


def _part(name: str) -> str:
    """What a file is, in the ticket's words, from its name."""
    for word, part in (
        ("_CARD", "cards"),
        ("_ENV", "envelopes"),
        ("_MANIFEST", "manifest"),
        ("_PREFLIGHT", "preflight"),
    ):
        if word in name:
            return part
    return "paper"


def _pictures(shop: Shop, batch: Batch, files: Sequence[BatchFile]) -> list[Picture]:
    """The first and the last piece as they lie in the files: outside, inside, envelope."""
    cards = [item for item in files if "_CARD" in item.name]
    envelopes = [item for item in files if "_ENV" in item.name]
    pictures = []
    for number, card, envelope, last in (
        (1, cards[0], envelopes[0], False),
        (batch.pieces, cards[-1], envelopes[-1], True),
    ):
        with shop.artifacts.open(batch.scope, card.sha256) as source, opened(source) as document:
            start = len(document) - 2 if last else 0
            pictures.append(Picture(document.png(start, _THUMBNAIL_PPI), f"{number}, outside"))
            pictures.append(Picture(document.png(start + 1, _THUMBNAIL_PPI), f"{number}, inside"))
        with shop.artifacts.open(batch.scope, envelope.sha256) as source, opened(source) as document:
            place = len(document) - 1 if last else 0
            pictures.append(Picture(document.png(place, _THUMBNAIL_PPI), f"{number}, envelope"))
    return pictures
