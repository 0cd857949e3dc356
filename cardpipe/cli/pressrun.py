"""``cardpipe print``: the main job as one command, told in order. Safe to stop and to run again at any moment."""

from __future__ import annotations

import getpass
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from cardpipe.cli import show
from cardpipe.cli.orders import Taken, mail_date, take, told
from cardpipe.cli.serving import Workforce, working
from cardpipe.model.batch import Batch
from cardpipe.model.errors import Refused, Unavailable
from cardpipe.model.finding import Finding, error, warning
from cardpipe.model.status import BatchState, PieceState
from cardpipe.ports import PRESORT_AWAITED, StoredOrder
from cardpipe.wiring import Shop, shop

_UNFINISHED = (PieceState.WAITING, PieceState.COMPOSING)
_LOOK_SECONDS = 0.15
#: With nothing done and nobody at work for so long, something is wrong with the shop and a person should look.
PATIENCE_SECONDS = 180.0

Tick = Callable[[int, int], None]


def print_orders(files: list[Path], out: Path, mail_on: str | None, as_json: bool) -> None:
    """Accept, compose, gather, impose, release into ``out``. Exit 2 when a row was refused or a piece needs attention;
    all good ones are released nevertheless. What was released elsewhere is not given out a second time: Conflict."""
    from cardpipe.pipeline.gather import gather
    from cardpipe.pipeline.release import release

    house = shop()
    day = mail_date(mail_on)
    _writable(out)
    with progress("accepting") as tick:
        taken = take(house, files, day, tick)
    stored = {row.verdict.order.id: row.verdict.order for row in taken if row.verdict.order}
    ids = sorted(stored)
    batches: list[Batch] = []
    if ids:
        with working(house.settings) as force:
            with progress("composing") as tick:
                wait_composed(house, force, [id for id in ids if not stored[id].held], tick)
            for date in sorted({order.mail_on for order in stored.values()}):
                gather(house, house.scope, date, ids)
            with progress("imposing and proving") as tick:
                batches = wait_imposed(force, lambda: to_impose(house.store.batches_of(house.scope, ids)), tick)
    folders = []
    with progress("releasing") as tick:
        for number, batch in enumerate(batches, 1):
            folders.append(release(house, house.scope, batch.id, out.resolve().as_uri(), actor()))
            tick(number, len(batches))
    stuck = needing_attention(house, taken)
    held = sorted((order for order in stored.values() if order.held), key=lambda order: order.reference)
    _report(taken, stuck, held, batches, folders, as_json)
    if stuck or any(row.verdict.order is None for row in taken):
        raise SystemExit(Refused.exit_code)


def actor() -> str:
    """Who stands at this machine's prompt, as the audit log names people."""
    return f"user:{getpass.getuser()}"


def to_impose(batches: list[Batch]) -> list[Batch]:
    """Those that do not wait for the presort of the house."""
    return [batch for batch in batches if batch.held != PRESORT_AWAITED]


def wait_composed(house: Shop, force: Workforce, order_ids: list[str], tick: Tick) -> None:
    """Until no piece of these orders is waiting or composing. Raises Unavailable when nothing moves any more."""

    def state() -> tuple[int, int]:
        counts = house.store.piece_states(house.scope, order_ids)
        total = sum(counts.values())
        return total - sum(counts.get(str(name), 0) for name in _UNFINISHED), total

    _wait(force, state, tick, "composing")


def wait_imposed(force: Workforce, find: Callable[[], list[Batch]], tick: Tick) -> list[Batch]:
    """Until every batch has its files; the batches. Raises Unavailable for one that is held, with its reason."""

    def state() -> tuple[int, int]:
        batches = find()
        for batch in batches:
            if batch.held:
                raise Unavailable(
                    f"batch {batch.name} is held: {batch.held}",
                    [error("batch.held", batch.name, batch.held, "see 'cardpipe batch show' and the worker's log")],
                )
        return sum(batch.state is not BatchState.GATHERED for batch in batches), len(batches)

    _wait(force, state, tick, "imposing")
    return find()


def _wait(force: Workforce, state: Callable[[], tuple[int, int]], tick: Tick, what: str) -> None:
    last, since = -1, time.monotonic()
    while True:
        force.tend()
        done, total = state()
        tick(done, total)
        if done >= total:
            return
        if done != last:
            last, since = done, time.monotonic()
        elif time.monotonic() - since > PATIENCE_SECONDS and not force.busy():
            raise Unavailable(
                f"{what} stands still at {done} of {total}; nothing is lost: look at 'cardpipe doctor' and run it again"
            )
        time.sleep(_LOOK_SECONDS)


def needing_attention(house: Shop, taken: list[Taken]) -> list[tuple[str, Finding]]:
    """Findings of pieces that could not be composed, with their references."""
    ids = [row.verdict.order.id for row in taken if row.verdict.order]
    return [
        (piece.reference, finding)
        for piece in house.store.pieces_of(house.scope, ids)
        if piece.state is PieceState.NEEDS_ATTENTION
        for finding in piece.findings
    ]


@contextmanager
def progress(what: str) -> Iterator[Tick]:
    """A progress bar on stderr where a person watches, one line at the end where nobody does."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    console = Console(stderr=True)
    last = [0, 0]
    if not console.is_terminal:
        yield lambda done, total: last.__setitem__(slice(None), [done, total])
        show.words(f"{what}: {last[0]} of {last[1]}")
        return
    columns = (TextColumn("{task.description:<22}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def _writable(out: Path) -> None:
    """A folder that cannot be made is said before anything is accepted."""
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        what = f"cannot be made: {problem.strerror}"
        raise Unavailable(
            f"{out} {what}", [error("delivery.folder", str(out), what, "give a folder that can be written")]
        ) from None


def path_of(place: str) -> str:
    """A place as a person opens it: a path where it is a folder of this machine."""
    from urllib.request import url2pathname

    return url2pathname(place.removeprefix("file://")) if place.startswith("file://") else place


def _held(order: StoredOrder) -> Finding:
    """Why an order of the file is not printed, and how it goes on."""
    double = order.held_code == "order.duplicate"
    how = f"cardpipe order resume {order.reference} --reason …" + (" --allow-duplicate" if double else "")
    return warning(order.held_code or "order.held", "order", f"held: {order.held}", f"where it is meant: {how}")


def _report(
    taken: list[Taken],
    stuck: list[tuple[str, Finding]],
    held: list[StoredOrder],
    batches: list[Batch],
    folders: list[str],
    as_json: bool,
) -> None:
    found = told(taken) + stuck + [(order.reference, _held(order)) for order in held]
    if found:
        show.words(show.findings_table(found))
    good = [row for row in taken if row.verdict.order]
    fresh = sum(row.verdict.fresh for row in good)
    value: dict[str, Any] = {
        "orders": [row.as_dict() for row in taken],
        "held": [order.reference for order in held],
        "needs_attention": [{"reference": who, **finding.as_dict()} for who, finding in stuck],
        "batches": [
            {"name": b.name, "pieces": b.pieces, "mail_on": b.mail_on, "format": b.format, "folder": path_of(f)}
            for b, f in zip(batches, folders, strict=True)
        ],
    }
    waiting = len({who for who, _ in stuck})
    lines = [
        f"{fresh} orders accepted, {len(good) - fresh} known already, {len(taken) - len(good)} refused, "
        f"{waiting} need attention" + (f", {len(held)} held" if held else "")
    ]
    lines += [f"{b.pieces:>5} pieces  {path_of(folder)}" for b, folder in zip(batches, folders, strict=True)]
    show.data(value, as_json, "\n".join(lines))
