"""``cardpipe batch``, after the press: spoil, withdraw, reconcile, mark, replies, settle."""

from __future__ import annotations

from pathlib import Path

from cardpipe.cli import show
from cardpipe.cli.handing import read, user
from cardpipe.cli.pressrun import path_of
from cardpipe.lettershop.scanlist import numbers
from cardpipe.model.batch import remake_name
from cardpipe.model.errors import Refused
from cardpipe.model.scan import Stage, Tally
from cardpipe.wiring import shop


def spoil(key: str, pieces: list[str], reason: str, as_json: bool) -> None:
    """Make ruined pieces again."""
    from cardpipe.pipeline import spoil as spoiling

    house = shop()
    remake, place = spoiling.spoil(house, house.scope, key, numbers(" ".join(pieces)), reason, user())
    batch = house.store.batch(house.scope, key)
    name = remake_name(batch, remake.run)
    value = {"name": name, "run": remake.run, "pieces": list(remake.seqs), "reason": reason, "place": path_of(place)}
    show.data(value, as_json, f"{name}: {len(remake.seqs)} remade: {path_of(place)}")


def withdraw(key: str, pieces: list[str], reason: str, as_json: bool) -> None:
    """Pieces that will never be mailed."""
    from cardpipe.pipeline import track

    house = shop()
    chosen = numbers(" ".join(pieces))
    tally = track.withdraw(house, house.scope, key, chosen, reason, user())
    _told(key, tally, f"{len(chosen)} withdrawn", as_json)


def reconcile(key: str, file: Path, stage: Stage | None, as_json: bool) -> None:
    """Take a list of scans."""
    from cardpipe.pipeline import track

    house = shop()
    tally, fresh = track.reconcile(house, house.scope, key, read(file), stage, file.name, user())
    _told(key, tally, "taken" if fresh else "this list was taken before; nothing changed", as_json)


def mark(key: str, stage: Stage, pieces: list[str], as_json: bool) -> None:
    """What a person saw."""
    from cardpipe.pipeline import track

    house = shop()
    chosen = numbers(" ".join(pieces)) if pieces else None
    _told(key, track.mark(house, house.scope, key, stage, chosen, user()), f"marked {stage}", as_json)


def replies(key: str, as_json: bool) -> None:
    """What the house answered."""
    from cardpipe.pipeline import track

    house = shop()
    found = track.replies(house, house.scope, key)
    rows = [(reply.name, "ack" if reply.ok else "NAK", reply.text) for reply in found]
    value = {"replies": [{"name": r.name, "ok": r.ok, "text": r.text} for r in found]}
    show.data(value, as_json, show.table(("delivery", "answer", "words"), rows) if rows else "no answer yet")
    if any(not reply.ok for reply in found):
        raise SystemExit(Refused.exit_code)


def settle(key: str, as_json: bool) -> None:
    """Close a batch's books."""
    from cardpipe.pipeline import track

    house = shop()
    _told(key, track.settle(house, house.scope, key, user()), "settled", as_json)


def tally_lines(tally: Tally) -> str:
    """A batch in numbers, in one line, and what is missing in another."""
    counts = (
        f"gathered {tally.gathered}, withdrawn {tally.withdrawn}, printed {tally.printed}, inserted {tally.inserted}, "
        f"spoiled {tally.spoiled}, remade {tally.remade}, handed to post {tally.mailed}, returned {tally.returned}"
    )
    if not tally.missing:
        return counts
    shown = ", ".join(map(str, tally.missing[:20])) + (" and more" if len(tally.missing) > 20 else "")
    return f"{counts}\nneither handed to post nor withdrawn: {len(tally.missing)} ({shown})"


def _told(key: str, tally: Tally, what: str, as_json: bool) -> None:
    show.data({"batch": key, "result": what, **tally.as_dict()}, as_json, f"{key}: {what}\n{tally_lines(tally)}")
