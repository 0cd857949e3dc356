"""The job ticket: what somebody at the press who has never seen us needs, on one page, and the same as JSON.

It travels beside the print files and is never merged into them (print.md section 7).
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from cardpipe.lettershop.carrier import Carrier
from cardpipe.lettershop.countries import rules
from cardpipe.lettershop.mailing import Mailing
from cardpipe.lettershop.manifest import Row, Totals
from cardpipe.model.batch import Batch, Remake, remake_name
from cardpipe.model.errors import Bug
from cardpipe.model.finding import Finding
from cardpipe.model.order import canonical
from cardpipe.model.units import Points, Size, to_inch, to_mm
from cardpipe.prepress.canvas import Column, Document, Picture
from cardpipe.prepress.format import Format
from cardpipe.prepress.press import Press

SCHEMA = "cardpipe-ticket-2"
#: Files, remarks, places: what is listed; the rest is counted.
_LIMITS = ((8, 6, 60), (6, 4, 30), (6, 2, 15), (4, 2, 15), (2, 2, 8), (2, 1, 6))
_LETTERS = 180  # of one remark
# the least height for pictures to be of use; what a heading and the last section take
_PICTURES, _HEADING, _CONTACT = 66, 27, 52
_FIXED = "\u00a0"  # a space at which no line breaks
_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


@dataclass(frozen=True, slots=True)
class TicketFile:
    """One delivered file. ``part`` says what it is: cards, envelopes, manifest; ``pages`` is 0 for what is no PDF."""

    part: str
    name: str
    sha256: str
    size: int
    pages: int = 0


@dataclass(frozen=True, slots=True)
class Ticket:
    """All that the ticket says, in the words that it is said in. :func:`make_ticket` derives it from the batch.
    ``sheets``, ``remake``, ``inserts``, ``seeds``, ``trays`` and ``house`` are empty where there is nothing to say."""

    batch: str
    remake: str
    mail_on: str
    quantity: int
    files: tuple[TicketFile, ...]
    format: str
    title: str
    trim: Size
    flat: Size
    bleed: Points
    fold: str
    stock: str
    grain: str
    sides: str
    flip: str
    standard: str
    condition: str
    sheets: str
    envelope: str
    envelope_print: str
    insertion: str
    inserts: str
    matching: str
    postage: str
    seeds: tuple[int, ...]
    trays: tuple[tuple[str, int, int], ...]
    weight_g: float
    thickness_mm: float
    totals: Totals
    contact: str
    house: str = ""
    pictures: tuple[Picture, ...] = ()
    findings: tuple[Finding, ...] = ()

    def to_json(self) -> bytes:
        """Canonical JSON; lengths in millimetres, pictures by their digest only."""
        body = {
            "schema": SCHEMA,
            "batch": self.batch,
            "remake": self.remake,
            "mail_on": self.mail_on,
            "quantity": self.quantity,
            "files": [
                {"part": f.part, "name": f.name, "sha256": f.sha256, "bytes": f.size, "pages": f.pages}
                for f in self.files
            ],
            "card": {
                "format": self.format, "title": self.title, "trim_mm": _mm(self.trim), "flat_mm": _mm(self.flat),
                "bleed_mm": round(to_mm(self.bleed), 3), "fold": self.fold, "stock": self.stock, "grain": self.grain,
                "sides": self.sides, "flip": self.flip, "standard": self.standard, "output_condition": self.condition,
                "sheets": self.sheets,
            },
            "envelope": {"stock": self.envelope, "print": self.envelope_print},
            "finishing": {"insertion": self.insertion, "inserts": self.inserts, "matching": self.matching},
            "mailing": {
                "postage": self.postage, "weight_g": round(self.weight_g, 1),
                "thickness_mm": round(self.thickness_mm, 2), "by_state": self.totals.by_state,
                "by_country": self.totals.by_country, "foreign": self.totals.foreign,
                "trays": [{"tray": tray, "first": first, "last": last} for tray, first, last in self.trays],
            },
            "seeds": list(self.seeds),
            "sequence": {"first": self.totals.seq_first, "last": self.totals.seq_last, "sum": self.totals.seq_sum},
            "pictures": [
                {"caption": p.caption, "sha256": hashlib.sha256(p.png).hexdigest()} for p in self.pictures
            ],
            "findings": [finding.as_dict() for finding in self.findings],
            "contact": self.contact,
            **({"house": self.house} if self.house else {}),
        }  # fmt: skip
        return canonical(body) + b"\n"

    def to_pdf(self, regular: bytes, bold: bytes | None = None) -> bytes:
        """One Letter page for people: long lists are cut, with a count of the rest, until all else fits, the pictures
        too; only where even that does not make room, they are left out."""
        for pictured in (True, False) if self.pictures else (False,):
            for files, remarks, places in _LIMITS:
                page, fits = self._page(regular, bold, files, remarks, places, pictured)
                if page.pages == 1 and fits:
                    return page.finish()
        raise Bug("the ticket does not fit one page; shorten its contact")

    def _page(
        self, regular: bytes, bold: bytes | None, files: int, remarks: int, places: int, pictured: bool
    ) -> tuple[Document, bool]:
        """The page, and whether it has the room for pictures that it was asked for."""
        page = Document(f"Job ticket {self.batch}", regular, bold, footer=f"cardpipe · job ticket · {self.batch}")
        page.masthead(
            "Job ticket: REMAKE" if self.remake else "Job ticket", self.batch, f"Mail on {day_in_words(self.mail_on)}",
            f"{self.quantity:,}", f"{_pieces(self.quantity)}, each a card with its envelope",
        )  # fmt: skip
        page.facts([("House", self.house)] if self.house else [], columns=1)
        if self.remake:
            page.notes([("warning", self.remake)])
        page.heading("Files")
        page.table(
            [Column("Part", 0.10), Column("File and SHA-256", 0.68), Column("Pages", 0.09, "right"),
             Column("Bytes", 0.13, "right")],
            [[f.part, f"{f.name}\n{f.sha256}", f"{f.pages:,}" if f.pages else "–", f"{f.size:,}"]
             for f in self.files[:files]],
        )  # fmt: skip
        if len(self.files) > files:
            more = len(self.files) - files
            page.paragraph(f"and {more} more {'files' if more > 1 else 'file'}, listed in the JSON ticket", 8.5)
        page.heading("Print and finish")
        page.facts(
            [
                ("Format", self.title), ("Stock", self.stock),
                ("Trimmed", in_words(self.trim)), ("Grain", self.grain),
                ("Flat", in_words(self.flat)), ("Sides", self.sides),
                ("Bleed", f"{_length(self.bleed)} on all four sides"), ("Turn", self.flip),
                ("Fold", self.fold), ("Colour", self.condition), ("Files", self.standard),
            ],
        )  # fmt: skip
        page.facts([("Sheets", self.sheets)] if self.sheets else [], columns=1)
        page.heading("Envelope and inserting")
        page.facts([("Envelope", self.envelope), ("Print", self.envelope_print)])
        also = [("With it", self.inserts)] if self.inserts else []
        page.facts([("Insert", self.insertion), *also, ("Match", self.matching)], columns=1)
        page.heading("Mailing")
        page.facts([("Postage", self.postage)], columns=1)
        page.facts(
            [("Sequence", f"{self.totals.seq_first} to {self.totals.seq_last}, in mail order; do not re-sort"),
             ("Each piece", f"{self.weight_g:.1f} g, {self.thickness_mm:.2f} mm thick")],
        )  # fmt: skip
        extra = [*self._places(places), ("Trays", self._trays(places)), ("Seeds", self._seeds(places))]
        page.facts([(name, text) for name, text in extra if text], columns=1)
        if self.findings:
            page.heading("Look at these")
            page.notes([(str(f.level), _remark(f)) for f in self.findings[:remarks]])
            if len(self.findings) > remarks:
                page.paragraph(f"and {len(self.findings) - remarks} more, listed in the JSON ticket", 8.5)
        fits = not pictured or page.room > _HEADING + _PICTURES + _CONTACT
        if pictured and fits:
            page.heading("First and last piece")
            page.pictures(self.pictures, min(page.room - _CONTACT, 190))
        page.heading("Questions")
        page.paragraph(self.contact)
        return page, fits

    def _places(self, most: int) -> list[tuple[str, str]]:
        """States and then countries abroad, those with most pieces first."""
        home = list(self.totals.by_state.items())
        abroad = [(_country(c), n) for c, n in self.totals.by_country.items() if c != self.totals.origin]
        return [("States", _counts(home, most)), ("Abroad", _counts(abroad, most))]

    def _trays(self, most: int) -> str:
        shown = [f"{tray}: {first} to {last}".replace(" ", _FIXED) for tray, first, last in self.trays[:most]]
        more = len(self.trays) - len(shown)
        return f"{_FIXED}· ".join(shown) + (f" and {more} more, in the manifest" if more > 0 else "")

    def _seeds(self, most: int) -> str:
        shown = ", ".join(str(seq) for seq in self.seeds[:most])
        more = f" and {len(self.seeds) - most} more" if len(self.seeds) > most else ""
        return f"{shown}{more}, addressed to ourselves: run them like all others" if shown else ""


def make_ticket(
    batch: Batch,
    format: Format,
    carrier: Carrier,
    files: Sequence[TicketFile],
    counted: Totals,
    *,
    press: Press,
    mailing: Mailing,
    rows: Sequence[Row],
    contact: str,
    house: str = "",
    sheets: str = "",
    pictures: Sequence[Picture] = (),
    findings: Sequence[Finding] = (),
    remake: Remake | None = None,
) -> Ticket:
    """The ticket of a batch, or of a remake of some of its pieces. ``sheets`` says how its press sheets are cut and
    laid together; ``pictures`` show the first and the last piece."""
    outside, inside = format.sides
    fold = {"side": format.trim.height, "top": format.trim.width}.get(format.fold)
    axis = "short" if format.duplex == "DuplexFlipShortEdge" else "long"
    records = press.output == "X-4" and not press.sheet
    return Ticket(
        batch=remake_name(batch, remake.run) if remake else batch.name,
        remake=_remake(batch, remake) if remake else "",
        mail_on=batch.mail_on,
        quantity=counted.pieces,
        files=tuple(files),
        format=format.name,
        title=format.title,
        trim=format.trim,
        flat=format.flat,
        bleed=format.bleed,
        fold=f"once, along the {_length(fold)} side; score first" if fold else "none",
        stock=f"{format.stock}, {format.stock_gsm:g} gsm, {format.stock_mm:g} mm",
        grain=f"parallel to the fold (the {_length(fold)} side)" if fold else "either way",
        sides=f"two ({outside}, then {inside}), CMYK",
        flip=f"about the {axis} edge ({format.duplex})",
        standard=f"PDF/{'X-1a:2003' if press.output == 'X-1a' else 'X-4'}{', PDF/VT-1 records' if records else ''}",
        condition=press.condition_info,
        sheets=sheets,
        envelope=f"{format.envelope_name}, {in_words(format.envelope)}, {format.envelope_gsm:g} gsm",
        envelope_print=_envelope_print(batch, press),
        insertion="card front to the flap, fold down" if fold else "card front to the flap",
        inserts=_inserts(rows),
        matching="characters 1 to 13 of the Data Matrix on card and envelope are equal; stop where they differ",
        postage=_postage(carrier, mailing, rows),
        seeds=tuple(row.seq for row in rows if row.seed),
        trays=_tray_breaks(rows),
        weight_g=max((row.weight_g for row in rows), default=format.weight_g),
        thickness_mm=max((row.thickness_mm for row in rows), default=format.thickness_mm),
        totals=counted,
        contact=contact,
        house=house,
        pictures=tuple(pictures),
        findings=tuple(findings),
    )


def _remake(batch: Batch, remake: Remake) -> str:
    return (
        f"These pieces of {batch.name} were spoiled ({remake.reason}). Destroy the spoiled cards and envelopes; "
        f"mail each piece once. Same numbers, same codes."
    )


def _envelope_print(batch: Batch, press: Press) -> str:
    if press.labels is None:
        return "face only, black only, no bleed"
    start = f", begin at label {batch.label_start}" if batch.label_start > 1 else ""
    return f"not printed: labels {press.labels.sheet}{start}; each label's number is its card's"


def _inserts(rows: Sequence[Row]) -> str:
    counted = Counter(code for row in rows for code in row.inserts.split())
    return ", ".join(f"{code} in {count} of {len(rows)}" for code, count in sorted(counted.items()))


def _postage(carrier: Carrier, mailing: Mailing, rows: Sequence[Row]) -> str:
    ways = {
        "stamp": "put a stamp on each: the area at the top right is free",
        "meter": "meter each: the area at the top right is free",
        "permit": "paid by the printed permit imprint",
    }
    barred = sum(bool(row.imb_tracking) for row in rows)
    bars = f" {barred} carry an Intelligent Mail barcode." if barred else ""
    return f"{carrier.title}: {ways[mailing.postage]}.{bars}"


def _tray_breaks(rows: Sequence[Row]) -> tuple[tuple[str, int, int], ...]:
    """Where each tray begins and ends, as the presort said, in mail order."""
    breaks = []
    for tray, group in groupby((row for row in rows if row.tray), key=lambda row: row.tray):
        seqs = [row.seq for row in group]
        breaks.append((tray, seqs[0], seqs[-1]))
    return tuple(breaks)


def day_in_words(day: str) -> str:
    """``2026-11-21`` as ``Saturday, 21 November 2026``, in English wherever we run."""
    date = dt.date.fromisoformat(day)
    return f"{_DAYS[date.weekday()]}, {date.day} {_MONTHS[date.month - 1]} {date.year}"


def in_words(size: Size) -> str:
    """A size in inches and millimetres: ``5 x 7 in (127 x 177.8 mm)``."""
    inches = f"{to_inch(size.width):.3g} × {to_inch(size.height):.3g} in"
    return f"{inches} ({to_mm(size.width):.4g} × {to_mm(size.height):.4g} mm)"


def _length(length: Points) -> str:
    return f"{to_inch(length):.3g} in"


def _mm(size: Size) -> list[float]:
    return [round(to_mm(size.width), 3), round(to_mm(size.height), 3)]


def _country(code: str) -> str:
    known = rules(code)
    return known.name.title() if known else code


def _counts(places: list[tuple[str, int]], most: int) -> str:
    ordered = sorted(places, key=lambda place: (-place[1], place[0]))
    shown = [f"{name} {count}".replace(" ", _FIXED) for name, count in ordered[:most]]
    rest = [f"and {len(ordered) - most} more places"] if len(ordered) > most else []
    return f"{_FIXED}· ".join(shown + rest)


def _pieces(count: int) -> str:
    return "piece" if count == 1 else "pieces"


def _remark(finding: Finding) -> str:
    remedy = f" {finding.remedy[:1].upper()}{finding.remedy[1:].rstrip('.')}." if finding.remedy else ""
    text = f"{finding.where}: {finding.message.rstrip('.')}.{remedy}"
    return text if len(text) <= _LETTERS else f"{text[: _LETTERS - 1].rstrip()}…"
