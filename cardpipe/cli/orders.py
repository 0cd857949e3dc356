"""``cardpipe order``: submit, show, cancel; and how order files and their pictures are read."""

from __future__ import annotations

import datetime as dt
import getpass
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cardpipe.cli import show
from cardpipe.model.errors import Refused, Unavailable
from cardpipe.model.finding import Finding, error
from cardpipe.model.status import PieceState
from cardpipe.wiring import Shop, shop

if TYPE_CHECKING:
    from cardpipe.pipeline.accept import Verdict
    from cardpipe.pipeline.desk import Pictures


@dataclass(frozen=True, slots=True)
class Taken:
    """One row of a file with what became of it."""

    file: str
    line: int
    verdict: Verdict

    @property
    def label(self) -> str:
        """How a person finds the row: its reference, and its file and line."""
        return f"{self.verdict.reference}\n{self.file}:{self.line}".strip()

    def as_dict(self) -> dict[str, Any]:
        """The row's fate as JSON-ready data."""
        stored = self.verdict.order
        return {
            "file": self.file,
            "line": self.line,
            "reference": self.verdict.reference,
            "accepted": stored is not None,
            "new": self.verdict.fresh,
            "order": stored.id if stored else None,
            "findings": [finding.as_dict() for finding in self.verdict.findings],
        }


def mail_date(text: str | None) -> str:
    """A mail date as YYYY-MM-DD; today where none is given."""
    if text is None:
        return dt.datetime.now().astimezone().date().isoformat()
    try:
        return dt.date.fromisoformat(text).isoformat()
    except ValueError:
        remedy = "write YYYY-MM-DD"
        raise Refused(
            f"--mail-on {text!r} is no date; {remedy}", [error("option.mail_on", "--mail-on", "is no date", remedy)]
        ) from None


def pictures_below(root: Path) -> Pictures:
    """Pictures by path, below an order file's own folder; links and ways out of it are refused."""
    from cardpipe.prepress.picture import MAX_BYTES

    base = root.resolve()

    def fetch(ref: str, where: str) -> bytes:
        path = base / ref
        inside = not Path(ref).is_absolute() and ".." not in Path(ref).parts
        if inside and path.is_file() and path.resolve() == path.absolute() and path.resolve().is_relative_to(base):
            if path.stat().st_size > MAX_BYTES:
                raise Refused(
                    "too large", [error("picture.large", where, f"{ref} is larger than 25 MB", "send it smaller")]
                )
            return path.read_bytes()
        what = "is not there" if inside and not path.exists() else "is no plain file below the order file's folder"
        remedy = "put the picture beside the order file and write its name, such as photos/anna.jpg"
        raise Refused("no such picture", [error("picture.path", where, f"{ref} {what}", remedy)])

    return fetch


def take(
    house: Shop, files: list[Path], mail_on: str, tick: Callable[[int, int], None] = lambda done, of: None
) -> list[Taken]:
    """Accept or refuse every row of every file. Raises Refused for a file that cannot be read at all."""
    from cardpipe.pipeline import bulk
    from cardpipe.pipeline.accept import Verdict, accept

    rows = [(path, row) for path in files for row in bulk.read(_read(path), path.name)]
    taken = []
    for number, (path, row) in enumerate(rows, 1):
        if row.findings:
            verdict = Verdict(str(row.data.get("reference", "")), None, False, row.findings)
        else:
            verdict = accept(house, house.scope, row.data, pictures_below(path.parent), mail_on)
        taken.append(Taken(path.name, row.line, verdict))
        tick(number, len(rows))
    return taken


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as problem:
        what = problem.strerror or "cannot be read"
        raise Refused(f"{path}: {what}", [error("file.unreadable", str(path), what, "give a readable file")]) from None


def told(taken: list[Taken]) -> list[tuple[str, Finding]]:
    """Every finding with its row, for the table."""
    return [(row.label, finding) for row in taken for finding in row.verdict.findings]


def submit(files: list[Path], mail_on: str | None, as_json: bool) -> None:
    """Accept or refuse; exit 2 when a row was refused."""
    taken = take(shop(), files, mail_date(mail_on))
    found = told(taken)
    if found:
        show.words(show.findings_table(found))
    good = [row for row in taken if row.verdict.order]
    fresh = sum(row.verdict.fresh for row in good)
    plain = f"{fresh} accepted, {len(good) - fresh} known already, {len(taken) - len(good)} refused"
    show.data({"orders": [row.as_dict() for row in taken]}, as_json, plain)
    if len(good) < len(taken):
        raise SystemExit(Refused.exit_code)


def show_order(key: str, as_json: bool) -> None:
    """An order with its piece and its log."""
    house = shop()
    stored = house.store.order(house.scope, key)
    subjects = [stored.id, *(piece.id for piece in stored.pieces)]
    events = sorted(
        (event for subject in subjects for event in house.store.events(house.scope, subject)), key=lambda e: e.at
    )
    names = {b.id: b.name for b in house.store.batches_of(house.scope, [stored.id])}
    pieces = [
        {
            "id": piece.id,
            "state": str(piece.state),
            "batch": names.get(piece.batch_id or ""),
            "seq": piece.seq,
            "held": piece.held,
            "findings": [f.as_dict() for f in (*piece.findings, *(piece.composed.findings if piece.composed else ()))],
        }
        for piece in stored.pieces
    ]
    log = [{"at": e.at, "kind": e.kind, "from": e.old, "to": e.new, "reason": e.reason} for e in events]
    value = {
        "id": stored.id, "reference": stored.reference, "state": str(stored.state), "occasion": stored.occasion,
        "design": stored.design, "mail_on": stored.mail_on, "held": stored.held, "pieces": pieces, "events": log,
    }  # fmt: skip
    lines = [f"{stored.reference}  {stored.state}  {stored.design}  mail on {stored.mail_on}"]
    lines += [f"piece {p['state']}" + (f" in {p['batch']} as number {p['seq']}" if p["batch"] else "") for p in pieces]
    lines.append(show.table(("when", "what", "from", "to", "why"), [
        (e.at, e.kind, e.old or "", e.new or "", e.reason) for e in events
    ]))  # fmt: skip
    show.data(value, as_json, "\n".join(lines))


def proof(key: str, out: Path, guides: bool, as_json: bool) -> None:
    """Write the proof of an order's card as one PNG; its digest is what an approval will name."""
    from cardpipe.pipeline import pinned, proofs
    from cardpipe.prepress.proof import Look

    house = shop()
    (piece,) = house.store.order(house.scope, key).pieces
    made = proofs.draw(house, piece, Look(guides=pinned.layout(piece.spec) if guides else None))
    try:
        out.write_bytes(made.png())
    except OSError as problem:
        what = f"cannot be written: {problem.strerror}"
        raise Unavailable(f"{out} {what}", [error("proof.file", str(out), what, "give another file")]) from None
    show.data({"proof": str(out), "digest": made.digest}, as_json, str(out))


def cancel_order(key: str, reason: str, as_json: bool) -> None:
    """Withdraw an order."""
    from cardpipe.pipeline.cancel import cancel

    house = shop()
    stored = cancel(house, house.scope, key, reason)
    show.data({"id": stored.id, "state": str(stored.state)}, as_json, f"{stored.reference} is {stored.state}")


def hold_order(key: str, reason: str, as_json: bool) -> None:
    """Keep an order, and its piece, out of every batch."""
    house = shop()
    stored = house.store.order(house.scope, key)
    house.store.hold(house.scope, stored.id, reason, actor=f"user:{getpass.getuser()}")
    show.data({"id": stored.id, "held": reason}, as_json, f"{stored.reference} is held: {reason}")


def resume_order(key: str, reason: str, allow_duplicate: bool, as_json: bool) -> None:
    """End a hold; what needed attention is composed anew."""
    house = shop()
    stored = house.store.order(house.scope, key)
    actor = f"user:{getpass.getuser()}"
    if allow_duplicate:
        house.store.allow_duplicate(house.scope, stored.id, reason, actor)
    elif stored.held:
        house.store.resume(house.scope, stored.id, reason, actor)
    for piece in stored.pieces:
        if piece.state is PieceState.NEEDS_ATTENTION:
            house.store.again(house.scope, piece.id, reason)
    show.data({"id": stored.id, "held": None}, as_json, f"{stored.reference} goes on: {reason}")


def schema() -> None:
    """The JSON Schema of an order."""
    from cardpipe.model.order import Order

    show.data(None, False, json.dumps(Order.model_json_schema(), indent=2, ensure_ascii=False))


def columns() -> None:
    """A CSV's columns."""
    from cardpipe.pipeline import bulk

    show.data(None, False, "\n".join([*bulk.columns(), *(f"{group}.NAME" for group in bulk.groups())]))
