"""Presort by the house: our list goes out, its order comes back, and not one record more or less.

The house's software (CASS, NCOALink, presort) needs addresses and a record id; what it returns is the sequence, the
figures of the Intelligent Mail barcodes, and where trays and bundles begin (print.md section 6). Foreign mail is not
presorted: it stays behind, in the order it had.
"""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from cardpipe.lettershop import imb
from cardpipe.lettershop.mailing import Mailing
from cardpipe.lettershop.manifest import defused
from cardpipe.model.address import Address
from cardpipe.model.errors import Refused
from cardpipe.model.finding import Finding, error
from cardpipe.model.piece import Presorted

COLUMNS = ("record", "name", "company", "street", "street2", "city", "state", "zip", "weight_g", "thickness_mm")
#: What a return file must have, and what it may have besides; any other column is left unread.
REQUIRED = ("record", "sequence")
OPTIONAL = ("imb", "imb_tracking", "imb_routing", "level", "tray", "bundle", "container")
_NAMED = 10  # so many records are named in a finding; the rest is counted
_TEXT = 40  # letters of a tray's or a bundle's name


@dataclass(frozen=True, slots=True)
class Record:
    """One piece of mail at home, as the house's software wants it."""

    record: str
    address: Address
    weight_g: float
    thickness_mm: float


def to_csv(records: Iterable[Record]) -> bytes:
    """The list for the house: UTF-8, LF, every cell quoted, ZIPs as text."""
    sink = io.StringIO(newline="")
    writer = csv.writer(sink, quoting=csv.QUOTE_ALL, lineterminator="\n")
    writer.writerow(COLUMNS)
    for record in records:
        a = record.address
        parts = (a.name, a.company, a.street, a.street2, a.city, a.state, a.postcode)
        writer.writerow([record.record, *map(defused, parts), f"{record.weight_g:.1f}", f"{record.thickness_mm:.2f}"])
    return sink.getvalue().encode()


def read_return(data: bytes, expected: Sequence[str], mailing: Mailing | None = None) -> list[tuple[str, Presorted]]:
    """The records in the house's order, with what it said of each. Raises Refused with every finding: another set of
    records than ``expected``, a doubled sequence number, an illegal barcode, or one of another mailer."""
    lines = _lines(data)
    findings: list[Finding] = []
    rows: list[tuple[int, str, Presorted]] = []
    for number, line in enumerate(lines, 2):
        made = _row(line, f"row {number}", mailing)
        if isinstance(made, list):
            findings += made
        else:
            rows.append(made)
    given = Counter(str(line["record"]).strip() for line in lines)
    findings += _differences(given, expected)
    doubled = [str(at) for at, count in Counter(at for at, _, _ in rows).items() if count > 1]
    if doubled:
        findings.append(
            error("presort.sequence.doubled", "sequence", f"{_some(doubled)} stand there more than once",
                  "ask the house for a file in which each record has a place of its own")
        )  # fmt: skip
    codes = [piece.tracking for _, _, piece in rows if piece.tracking]
    if twice := len(codes) - len(set(codes)):
        findings.append(
            error("presort.imb.doubled", "imb", f"{twice} barcodes stand on more than one record",
                  "ask the house for unique serial numbers: they are what tracks a piece")
        )  # fmt: skip
    if findings:
        raise Refused("the return file cannot be used; nothing was changed", findings)
    return [(record, piece) for _, record, piece in sorted(rows, key=lambda row: row[0])]


def _lines(data: bytes) -> list[dict[str, str]]:
    try:
        reader = csv.DictReader(io.StringIO(data.decode("utf-8-sig"), newline=""), strict=True, restval="")
        names = [str(name).strip().lower() for name in reader.fieldnames or ()]
        reader.fieldnames = names
        lines = list(reader)
    except (UnicodeDecodeError, csv.Error) as problem:
        raise Refused(
            "the return file is no CSV in UTF-8",
            [error("presort.unreadable", "file", str(problem), "save it as CSV in UTF-8")],
        ) from None
    missing = [name for name in REQUIRED if name not in names]
    twice = [name for name in (*REQUIRED, *OPTIONAL) if names.count(name) > 1]
    if missing or twice or not lines or any(None in line for line in lines):
        what = (
            f"lacks the column {', '.join(missing)}" if missing
            else f"has the column {', '.join(twice)} twice" if twice
            else "has rows with more cells than the header" if lines
            else "has no rows"
        )  # fmt: skip
        known = ", ".join((*REQUIRED, *OPTIONAL))
        raise Refused("the return file cannot be used", [error("presort.columns", "file", what, f"columns: {known}")])
    return lines


def _row(line: Mapping[str, str], where: str, mailing: Mailing | None) -> tuple[int, str, Presorted] | list[Finding]:
    cell = {name: str(line.get(name) or "").strip() for name in (*REQUIRED, *OPTIONAL)}
    findings: list[Finding] = []
    sequence = cell["sequence"]
    if not (sequence.isascii() and sequence.isdigit() and 0 < int(sequence) <= 999_999):
        findings.append(error("presort.sequence", where, "its sequence is no number from 1 to 999999", "mend the row"))
    tracking, routing = cell["imb_tracking"], cell["imb_routing"]
    if cell["imb"]:
        if tracking or routing:
            findings.append(
                error("presort.imb.both", where, "gives imb as well as its parts", "leave one of the two out")
            )
        tracking, routing = cell["imb"][:20], cell["imb"][20:]
    if tracking or routing:
        findings += [
            error(finding.code, where, finding.message, finding.remedy)
            for finding in imb.judge(tracking, routing, where, mailing)
        ]
    for name in ("level", "tray", "bundle", "container"):
        if len(cell[name]) > _TEXT or not cell[name].isprintable():
            findings.append(
                error(
                    "presort.text", f"{where}, {name}", f"is longer than {_TEXT} letters or not printable", "shorten it"
                )
            )
    if findings:
        return findings
    told = Presorted(tracking, routing, cell["level"], cell["tray"], cell["bundle"], cell["container"])
    return int(sequence), cell["record"], told


def _differences(given: Counter[str], expected: Sequence[str]) -> list[Finding]:
    wanted = set(expected)
    remedy = "ask the house for the return file of just this batch's list; a lost record is a lost card"
    found = (
        ("presort.records.missing", sorted(wanted - set(given)), "of our records are not in the file"),
        ("presort.records.unknown", sorted(set(given) - wanted), "records are none of this batch"),
        ("presort.records.doubled", sorted(r for r, n in given.items() if n > 1), "records stand there more than once"),
    )
    return [error(code, "record", f"{len(some)} {what}: {_some(some)}", remedy) for code, some, what in found if some]


def _some(names: Sequence[str]) -> str:
    shown = ", ".join(name[:40] for name in names[:_NAMED])
    return f"{shown} and {len(names) - _NAMED} more" if len(names) > _NAMED else shown
