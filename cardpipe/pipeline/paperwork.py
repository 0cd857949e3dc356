"""The papers of a batch or of a remake: manifest, ticket and preflight report, written from what the merge did."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from cardpipe.imposition.plan import plan
from cardpipe.lettershop import manifest
from cardpipe.lettershop.addressing import is_domestic, normalised
from cardpipe.lettershop.presort import judge_quantity
from cardpipe.lettershop.ticket import TicketFile, make_ticket
from cardpipe.lettershop.xjdf import to_xjdf
from cardpipe.model.address import Address
from cardpipe.model.batch import Batch, BatchFile, Remake, match_code
from cardpipe.model.errors import Bug
from cardpipe.model.finding import Finding
from cardpipe.model.order import canonical
from cardpipe.model.piece import Piece, Presorted
from cardpipe.pipeline import pinned, routing
from cardpipe.pipeline.pressfile import Laid, Setup
from cardpipe.ports import Shop
from cardpipe.preflight import paper
from cardpipe.preflight.report import Report
from cardpipe.prepress.canvas import Picture
from cardpipe.prepress.raster import opened

_THUMBNAIL_PPI = 36


@dataclass(frozen=True, slots=True)
class Remade:
    """A remake, and by number the file in which each piece was printed first."""

    remake: Remake
    first_files: Mapping[int, str] = field(default_factory=dict)


def row(
    setup: Setup, piece: Piece, names: tuple[str, str], card: Laid, envelope: Laid, remade: Remade | None
) -> manifest.Row:
    """One piece's line of the manifest; its address as the carrier wants it written."""
    if piece.seq is None or piece.composed is None:
        raise Bug("a piece in a batch has no place or no fragments")
    batch, layout, spec = setup.batch, setup.format, piece.spec
    origin = setup.carrier.origin
    address = normalised(Address.model_validate(spec["recipient"]), origin)
    sorted_ = piece.presorted or Presorted()
    inserts = pinned.inserts(spec)
    weight, thick = pinned.measures(spec)
    foreign = not is_domestic(address, origin)
    paid = setup.carrier.postage(weight, setup.carrier.machinable(layout), foreign, setup.mailing.postage)
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
        card_file=names[0],
        card_page_first=card.first,
        card_page_last=card.last,
        card_sheet=card.sheet,
        card_slot=card.slot,
        card_code_page=card.code_page,
        card_code_at=manifest.place(card.code_at),
        envelope_file=names[1],
        envelope_page=envelope.first,
        envelope_label=envelope.label,
        envelope_code_at=manifest.place(envelope.code_at),
        weight_g=round(weight, 1),
        thickness_mm=round(thick, 2),
        postage=paid.what,
        inserts=" ".join(insert.code for insert in inserts),
        seed="seed" if spec.get("seed") else "",
        imb_tracking=sorted_.tracking,
        imb_routing=sorted_.routing,
        imb_at=manifest.place(envelope.bars_at) if envelope.bars_at else "",
        presort_level=sorted_.level,
        tray=sorted_.tray,
        bundle=sorted_.bundle,
        container=sorted_.container,
        reprint_of=remade.first_files.get(piece.seq, "") if remade else "",
        sha256_card_fragment=piece.composed.card,
        sha256_envelope_fragment=piece.composed.envelope,
    )


def write(
    shop: Shop,
    setup: Setup,
    name: str,
    rows: Sequence[manifest.Row],
    files: Sequence[BatchFile],
    reports: Mapping[str, Report],
    remarks: Sequence[Finding],
    remade: Remade | None,
) -> list[tuple[str, bytes]]:
    """Every paper with its name, in the order in which they are delivered. ``remarks`` are the inspector's, with the
    pieces that they mean."""
    printed = shop.catalog.printed()
    papers = _manifests(setup, name, rows, whole=remade is None)
    report = {"batch": name, "files": {file: one.as_dict() for file, one in reports.items()}}
    papers.append((f"{name}_PREFLIGHT.json", canonical(report) + b"\n"))
    papers.append((f"{name}_PREFLIGHT.pdf", paper.to_pdf(reports, name, printed.data)))
    kept = [*files, *(BatchFile(file, hashlib.sha256(data).hexdigest(), len(data)) for file, data in papers)]
    made = make_ticket(
        setup.batch,
        setup.format,
        setup.carrier,
        [TicketFile(_part(item.name), item.name, item.sha256, item.size, _pages(reports, item.name)) for item in kept],
        manifest.totals(rows, setup.carrier.origin),
        press=setup.press,
        mailing=setup.mailing,
        rows=rows,
        contact=shop.contact,
        house=routing.called(shop, setup.batch.house),
        sheets=_sheets(setup, len(rows)),
        pictures=_pictures(shop, setup.batch, files, rows),
        findings=[*remarks, *_shape(setup, rows), *judge_quantity(len(rows), setup.carrier)],
        remake=remade.remake if remade else None,
    )
    papers.append((f"{name}_TICKET.json", made.to_json()))
    if setup.press.xjdf:
        papers.append((f"{name}_TICKET.xjdf", to_xjdf(made, setup.format)))
    papers.append((f"{name}_TICKET.pdf", made.to_pdf(printed.data)))
    return papers


def _manifests(setup: Setup, name: str, rows: Sequence[manifest.Row], *, whole: bool) -> list[tuple[str, bytes]]:
    """The manifest in both spellings; they are read back and compared before anybody else sees them."""
    as_csv = manifest.to_csv(rows)
    as_json = manifest.to_json(rows, setup.carrier.origin, setup.mailing.address_style)
    findings = manifest.reconcile(as_csv, as_json, whole=whole)
    if findings:
        raise Bug("the manifest does not reconcile", findings)
    return [(f"{name}_MANIFEST.csv", as_csv), (f"{name}_MANIFEST.json", as_json)]


def _sheets(setup: Setup, count: int) -> str:
    """How the press sheets become a pile in mail order again."""
    if setup.press.sheet is None:
        return ""
    layout, how = plan(count, setup.format, setup.press.sheet), setup.press.sheet
    up = f"{layout.grid.slots}-up on {how.size}, turned about the {how.flip.replace('-', ' ')}"
    if layout.grain:
        up = f"{up}, grain {layout.grain}"
    if how.order == "cut-and-stack":
        return f"{up}; cut the whole pile, then lay stack 1 upon stack 2 and so on: mail order; take FILLER out"
    return f"{up}; cut sheet by sheet and pick up in order of the slots; take FILLER out"


def _shape(setup: Setup, rows: Sequence[manifest.Row]) -> list[Finding]:
    """What the carrier says of these pieces' shape and weight, each kind once."""
    findings: list[Finding] = []
    kinds = dict.fromkeys((one.inserts, one.country != setup.carrier.origin) for one in rows)
    for codes, foreign in kinds:
        inserts = [setup.inserts[code] for code in codes.split()]
        findings += setup.carrier.judge_shape(setup.format, inserts, foreign=foreign, paid=setup.mailing.postage)
    return list(dict.fromkeys(findings))


def _pages(reports: Mapping[str, Report], name: str) -> int:
    return reports[name].facts.pages if name in reports else 0


def _part(name: str) -> str:
    """What a file is, in the ticket's words, from its name."""
    for word, part in (
        ("_CARD", "cards"), ("_SHEETS", "card sheets"), ("_ENV", "envelopes"), ("_LABELS", "labels"),
        ("_MANIFEST", "manifest"), ("_PREFLIGHT", "preflight"),
    ):  # fmt: skip
        if word in name:
            return part
    return "paper"


def _pictures(shop: Shop, batch: Batch, files: Sequence[BatchFile], rows: Sequence[manifest.Row]) -> list[Picture]:
    """The first and the last piece as they lie in the files: outside, inside, envelope."""
    digests = {file.name: file.sha256 for file in files}
    pictures = []
    for one in dict.fromkeys((rows[0], rows[-1])):
        shown = [
            (one.card_file, one.card_page_first, "outside"),
            (one.card_file, one.card_page_last, "inside"),
            (one.envelope_file, one.envelope_page, "label" if one.envelope_label else "envelope"),
        ]
        for name, page, what in shown:
            with shop.artifacts.open(batch.scope, digests[name]) as source, opened(source) as document:
                pictures.append(Picture(document.png(page - 1, _THUMBNAIL_PPI), f"{one.seq}, {what}"))
    return pictures
