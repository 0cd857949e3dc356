"""``cardpipe design watch``: check and proof a design whenever one of its files is saved, one line a turn."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from cardpipe.catalog import digests
from cardpipe.cli import checking, designs, show
from cardpipe.model.errors import CardpipeError, Refused
from cardpipe.model.finding import Finding, Level, error
from cardpipe.wiring import Shop, shop

POLL = 0.25  # seconds between two looks
QUIET = 0.3  # a file that changed within so many seconds may be half saved
_TOLD = 2  # errors that a line names; the pictures show all

State = dict[str, tuple[int, int]]


def watch(name: str, out: Path) -> None:
    """Until Ctrl-C. Raises Refused where there is no such folder."""
    house = shop()
    folder = house.settings.designs / name
    if not folder.is_dir():
        what = f"there is no folder {folder}"
        raise Refused(what, [error("design.unknown", "NAME", what, f"start it: cardpipe design new {name}")])
    show.words(f"watching {folder}; pictures go to {out / name}; end with Ctrl-C")
    try:
        follow(folder, lambda: show.data(None, False, turn(house, name, out)))
    except KeyboardInterrupt:
        show.words("no longer watching")
    finally:
        house.close()


def follow(folder: Path, act: Callable[[], None]) -> None:
    """Call ``act`` once, and again after each change, when the folder has been quiet for a moment."""
    done: State | None = None
    while True:
        now = state(folder)
        if now != done:
            time.sleep(QUIET)
            if state(folder) != now:
                continue
            act()
            done = now
        time.sleep(POLL)


def state(folder: Path) -> State:
    """When each file that a card is made from was saved, and its size; not what proofing itself writes there."""
    found: State = {}
    try:
        for path in folder.iterdir():
            if not path.name.startswith(".") and path.name not in (digests.FILE, "thumbnail.png", "specimen"):
                told = path.stat()
                found[path.name] = (told.st_mtime_ns, told.st_size)
    except OSError:  # saved by another name and renamed, just now
        pass
    return found


def turn(house: Shop, name: str, out: Path) -> str:
    """Check and proof once; what came of it, in one line. Nothing that a file may hold ends the watch."""
    began = time.monotonic()
    try:
        house.catalog.shelf.forget(name)
        verdict, proofs = designs.proofs_of(house, name, large=True)
        pictures = {**checking.pictures(house, name, designs.ranked(verdict.findings)), **proofs}
        designs.write(out / name, pictures)
        said = _said(name, verdict.findings) + f"; {len(pictures)} pictures"
    except CardpipeError as problem:
        said = f"not drawn: {problem}"
    except Exception as problem:  # half a file may be anything; the next turn sees all of it
        said = f"not drawn ({type(problem).__name__})"
    clock = time.strftime("%H:%M:%S")
    return f"{clock}  {name}  {' '.join(said.split())}  ({time.monotonic() - began:.1f} s)"


def _said(name: str, findings: list[Finding]) -> str:
    errors = [finding for finding in findings if finding.level is Level.ERROR]
    if not errors:
        return f"can be printed, {len(findings)} remarks" if findings else "can be printed"
    named = [f"{found.code} at {found.where.removeprefix(f'designs/{name}/')}" for found in errors[:_TOLD]]
    more = f" and {len(errors) - _TOLD} more" if len(errors) > _TOLD else ""
    return f"{len(errors)} error{'s' if len(errors) > 1 else ''}: {', '.join(named)}{more}"
