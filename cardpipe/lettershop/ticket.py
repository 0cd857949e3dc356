"""The job ticket: what somebody at the press who has never seen us needs, on one page, and the same as JSON.

It travels beside the print files and is never merged into them (print.md section 7).
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from cardpipe.lettershop.carrier import Carrier
from cardpipe.lettershop.countries import rules
from cardpipe.lettershop.manifest import Totals
from cardpipe.model.batch import Batch
from cardpipe.model.errors import Bug
from cardpipe.model.finding import Finding
from cardpipe.model.order import canonical
from cardpipe.model.units import Points, Size, to_inch, to_mm
from cardpipe.prepress.canvas import Column, Document, Picture
from cardpipe.prepress.format import Format

SCHEMA = "cardpipe-ticket-1"
_LIMITS = ((8, 6, 60), (6, 4, 30), (4, 2, 15))  # files, remarks, places: what is listed; the rest is counted
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
    """All that the ticket says, in the words that it is said in. :func:`make_ticket` derives it from the batch."""

    batch: str
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
    condition: str
    envelope: str
    envelope_print: str
    insertion: str
    matching: str
    postage: str
    weight_g: float
    thickness_mm: float
    totals: Totals
    contact: str
    pictures: tuple[Picture, ...] = ()
    findings: tuple[Finding, ...] = ()

    def to_json(self) -> bytes:
        """Canonical JSON; lengths in millimetres, pictures by their digest only."""
        body = {
            "schema": SCHEMA,
            "batch": self.batch,
            "mail_on": self.mail_on,
            "quantity": self.quantity,
            "files": [
                {"part": f.part, "name": f.name, "sha256": f.sha256, "bytes": f.size, "pages": f.pages}
                for f in self.files
            ],
            "card": {
                "format": self.format, "title": self.title, "trim_mm": _mm(self.trim), "flat_mm": _mm(self.flat),
                "bleed_mm": round(to_mm(self.bleed), 3), "fold": self.fold, "stock": self.stock, "grain": self.grain,
                "sides": self.sides, "flip": self.flip, "output_condition": self.condition,
            },
            "envelope": {"stock": self.envelope, "print": self.envelope_print},
            "finishing": {"insertion": self.insertion, "matching": self.matching},
            "mailing": {
                "postage": self.postage, "weight_g": round(self.weight_g, 1),
                "thickness_mm": round(self.thickness_mm, 2), "by_state": self.totals.by_state,
                "by_country": self.totals.by_country, "foreign": self.totals.foreign,
            },
            "sequence": {"first": self.totals.seq_first, "last": self.totals.seq_last, "sum": self.totals.seq_sum},
            "pictures": [
                {"caption": p.caption, "sha256": hashlib.sha256(p.png).hexdigest()} for p in self.pictures
            ],
            "findings": [finding.as_dict() for finding in self.findings],
            "contact": self.contact,
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
            "Job ticket", self.batch, f"Mail on {day_in_words(self.mail_on)}",
            f"{self.quantity:,}", f"{_pieces(self.quantity)}, each a card with its envelope",
        )  # fmt: skip
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
                ("Fold", self.fold), ("Colour", self.condition),
            ],
        )  # fmt: skip
        page.heading("Envelope and inserting")
        page.facts([("Envelope", self.envelope), ("Print", self.envelope_print)])
        page.facts([("Insert", self.insertion), ("Match", self.matching)], columns=1)
        page.heading("Mailing")
        page.facts([("Postage", self.postage)], columns=1)
        page.facts(
            [("Sequence", f"{self.totals.seq_first} to {self.totals.seq_last}, in mail order; do not re-sort"),
             ("Each piece", f"{self.weight_g:.1f} g, {self.thickness_mm:.2f} mm thick")],
        )  # fmt: skip
        page.facts([(name, text) for name, text in self._places(places) if text], columns=1)
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


def make_ticket(
    batch: Batch,
    format: Format,
    carrier: Carrier,
    files: Sequence[TicketFile],
    counted: Totals,
    *,
    condition: str,
    contact: str,
    postage: str = "",
    insertion: str = "",
    pictures: Sequence[Picture] = (),
    findings: Sequence[Finding] = (),
) -> Ticket:
    """The ticket of a batch. ``condition`` is the press profile's output condition; ``pictures`` show the first and
    the last piece. ``postage`` and ``insertion`` replace what is usual."""
    outside, inside = format.sides
    fold = {"side": format.trim.height, "top": format.trim.width}.get(format.fold)
    axis = "short" if format.duplex == "DuplexFlipShortEdge" else "long"
    return Ticket(
        batch=batch.name,
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
        condition=condition,
        envelope=f"{format.envelope_name}, {in_words(format.envelope)}, {format.envelope_gsm:g} gsm",
        envelope_print="face only, black only, no bleed",
        insertion=insertion or ("card front to the flap, fold down" if fold else "card front to the flap"),
        matching="characters 1 to 13 of the Data Matrix on card and envelope are equal; stop where they differ",
        postage=postage or f"{carrier.title}. No postage is printed: its area at the top right is free",
        weight_g=format.weight_g,
        thickness_mm=format.thickness_mm,
        totals=counted,
        contact=contact,
        pictures=tuple(pictures),
        findings=tuple(findings),
    )


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
