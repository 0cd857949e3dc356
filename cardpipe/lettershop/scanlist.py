"""Lists of scans from the shop floor: one match code or number a line, or a CSV with card and envelope side by side.

A code is read twice where card and envelope are both scanned; that is one sight of the piece. The same side seen twice
is two sights, and whether that may be is judged with all that was seen before (``model.scan``).
"""

from __future__ import annotations

import csv
import io
from collections import Counter, defaultdict

from cardpipe.model.batch import Batch, base36
from cardpipe.model.errors import Refused
from cardpipe.model.finding import Finding, error
from cardpipe.model.scan import Scan, Stage, read_code

LIMIT = 20_000_000  # bytes; a batch of 100,000 pieces is a tenth of it
_HEADS = ("code", "card", "envelope", "stage", "seq")
_STOP = "stop the inserter and look at both; a wrong pair is a stranger's card"


def read(data: bytes, batch: Batch, stage: Stage | None) -> list[Scan]:
    """The scans of a list, in its order. ``stage`` is for lists that do not say it in a column of that name.

    Raises Refused with every line that cannot be read, is of another batch, or pairs a card with a stranger's envelope.
    """
    if len(data) > LIMIT:
        raise _unreadable("file", f"has {len(data)} bytes; at most {LIMIT} are read")
    try:
        lines = [cells for cells in csv.reader(io.StringIO(data.decode("utf-8-sig"), newline="")) if any(cells)]
    except (UnicodeDecodeError, csv.Error) as problem:
        raise _unreadable("file", str(problem)) from None
    head = [cell.strip().lower() for cell in lines[0]] if lines else []
    named = set(head) <= set(_HEADS) and bool(set(head) & {"code", "card", "envelope", "seq"})
    names = head if named else ["code"]
    findings: list[Finding] = []
    seen: list[tuple[int, Stage, str]] = []
    for number, cells in enumerate(lines[1:] if named else lines, 2 if named else 1):
        named_cells = dict(zip(names, (cell.strip() for cell in cells), strict=False))
        sights, wrong = _line(named_cells, batch, stage, f"line {number}")
        seen += sights
        findings += wrong
    if not seen and not findings:
        findings.append(error("scan.empty", "file", "holds no scan", "give one code a line, or a CSV with a head"))
    if findings:
        raise Refused("the list cannot be taken; nothing of it was recorded", findings)
    return _sights(seen)


def numbers(text: str) -> list[int]:
    """``17 42-45`` (or with commas) as numbers. Raises Refused that names what is none."""
    found: list[int] = []
    for part in text.replace(",", " ").split():
        first, dash, last = part.partition("-")
        if not first.isascii() or not first.isdigit() or (dash and not (last.isascii() and last.isdigit())):
            raise Refused(
                "these are no piece numbers",
                [error("scan.number", "pieces", f"{part[:20]!r} is no number and no range", "write 17 or 42-45")],
            )
        end = int(last) if dash else int(first)
        if not 0 < int(first) <= end <= 999_999 or end - int(first) > 100_000:
            raise Refused(
                "these are no piece numbers",
                [error("scan.number", "pieces", f"{part[:20]!r} does not rise from 1 on", "write 17 or 42-45")],
            )
        found += range(int(first), end + 1)
    return sorted(set(found))


def _line(
    cells: dict[str, str], batch: Batch, stage: Stage | None, where: str
) -> tuple[list[tuple[int, Stage, str]], list[Finding]]:
    """What a line saw, and what is wrong with it."""
    said = cells.get("stage", "").lower()
    try:
        at = Stage(said) if said else stage
    except ValueError:
        at = None
    findings: list[Finding] = []
    if at is None:
        known = ", ".join(Stage)
        what = f"{said[:20]!r} is no stage" if said else "says no stage"
        findings.append(error("scan.stage", where, what, f"one of {known}"))
    read_ = {name: _code(cells[name], batch, f"{where}, {name}") for name in ("code", "card", "envelope", "seq")
             if cells.get(name)}  # fmt: skip
    findings += [found for found in read_.values() if isinstance(found, Finding)]
    good = {name: found for name, found in read_.items() if not isinstance(found, Finding)}
    if not read_:
        findings.append(error("scan.unreadable", where, "holds no code", "scan it again"))
    if len({seq for seq, _ in good.values()}) > 1:
        pair = " and ".join(f"{name} {seq}" for name, (seq, _) in good.items())
        findings.append(error("scan.pair_disagrees", where, f"{pair} lie in one envelope", _STOP))
    if findings or at is None:
        return [], findings
    return [(seq, at, role) for seq, role in good.values()], []


def _code(text: str, batch: Batch, where: str) -> tuple[int, str] | Finding:
    """The piece's number and the side that was scanned."""
    if text.isascii() and text.isdigit() and len(text) <= 6:
        return int(text), "E"
    code = read_code(text)
    if code is None:
        return error("scan.unreadable", where, f"{text[:20]!r} is no match code and no number", "scan it again")
    number, seq, role = code
    if number != base36(batch.number, 4):
        return error("scan.other_batch", where, f"{text[:20]} belongs to another batch", _STOP)
    return seq, role


def _sights(seen: list[tuple[int, Stage, str]]) -> list[Scan]:
    """Card and envelope of one piece at one stage are one sight; the same side again is another."""
    sides: dict[tuple[int, Stage], Counter[str]] = defaultdict(Counter)
    scans: list[Scan] = []
    for seq, stage, role in seen:
        counted = sides[seq, stage]
        before = max(counted.values(), default=0)
        counted[role] += 1
        if counted[role] > before:
            scans.append(Scan(seq, stage))
    return scans


def _unreadable(where: str, what: str) -> Refused:
    return Refused(
        "the list cannot be read", [error("scan.unreadable", where, what, "give one code a line, or a CSV in UTF-8")]
    )
