"""``cardpipe batch``: list, close, show, hold, resume."""

from __future__ import annotations

from typing import Any

from cardpipe.cli import show
from cardpipe.cli.afterpress import tally_lines
from cardpipe.cli.orders import mail_date
from cardpipe.cli.pressrun import progress, to_impose, wait_composed, wait_imposed
from cardpipe.cli.serving import working
from cardpipe.model.batch import Batch, Remake
from cardpipe.ports import PRESORT_AWAITED
from cardpipe.wiring import shop


def list_batches(mail_on: str | None, as_json: bool) -> None:
    """The batches, oldest first."""
    house = shop()
    found = house.store.batches(house.scope, mail_date(mail_on) if mail_on else None)
    rows = [(b.name, str(b.state) + (" (held)" if b.held else ""), str(b.pieces), b.mail_on) for b in found]
    plain = show.table(("batch", "state", "pieces", "mail on"), rows) if rows else "no batches"
    show.data({"batches": [_as_dict(b) for b in found]}, as_json, plain)


def close(mail_on: str | None, label_start: int, as_json: bool) -> None:
    """Let what waits be composed, gather the mail date, and write the files of every batch of it. Batches that wait for
    the house's presort are named, not waited for."""
    from cardpipe.pipeline import alike
    from cardpipe.pipeline.gather import gather

    house, day = shop(), mail_date(mail_on)
    with working(house.settings) as force:
        due = house.store.due_orders(house.scope, day)
        with progress("composing") as tick:
            wait_composed(house, force, due, tick)
        made = {batch.id for batch in gather(house, house.scope, day, label_start=label_start)}
        with progress("imposing and proving") as tick:
            wait_imposed(force, lambda: to_impose(house.store.batches(house.scope, day)), tick)
    new = [batch for batch in house.store.batches(house.scope, day) if batch.id in made]
    apart, place = alike.why(house, house.scope, new), alike.of_group(new)
    lines = [_line(batch, apart.get(batch.id), place.get(batch.id)) for batch in new] or [f"nothing was due on {day}"]
    told = [{**_as_dict(batch), "apart": apart.get(batch.id)} for batch in new]
    show.data({"mail_on": day, "batches": told}, as_json, "\n".join(lines))


def _line(batch: Batch, apart: str | None, place: tuple[int, int] | None) -> str:
    """A new batch, and why it is one of several: what sets it apart, or that its group is larger than the press takes
    in one."""
    more = [f"apart: {apart}"] if apart else []
    more += [f"part {place[0]} of {place[1]}: more than the press takes in one batch"] if place else []
    more += [batch.held] if batch.held == PRESORT_AWAITED else []
    return f"{batch.pieces:>5} pieces  {batch.name}" + "".join(f"  {said}" for said in more)


def show_batch(key: str, as_json: bool) -> None:
    """A batch with its files and pieces."""
    house = shop()
    batch = house.store.batch(house.scope, key)
    pieces = [
        {"seq": p.seq, "reference": p.reference, "state": str(p.state), "design": p.spec["design"]["name"]}
        for p in house.store.members(batch.id)
    ]
    lines = [f"{batch.name}  {batch.state}  {batch.pieces} pieces  mail on {batch.mail_on}"]
    if batch.held:
        lines.append(f"held: {batch.held}")
    findings = house.store.batch_findings(house.scope, batch.id)
    if findings:
        lines.append(show.findings_table(((batch.name, finding) for finding in findings), "batch"))
    lines.append(show.table(("file", "bytes", "SHA-256"), [(f.name, str(f.size), f.sha256) for f in batch.files]))
    remakes = house.store.remakes(house.scope, batch.id)
    tally = house.store.tally(house.scope, batch.id)
    lines.append(tally_lines(tally))
    if remakes:
        rows = [(f"R{r.run:02d}", ", ".join(map(str, r.seqs)), r.reason, r.user, r.at) for r in remakes]
        lines.append(show.table(("remake", "pieces", "reason", "by", "at"), rows))
    lines.append(show.table(("seq", "reference", "design", "state"), [
        (str(p["seq"]), str(p["reference"]), str(p["design"]), str(p["state"])) for p in pieces
    ]))  # fmt: skip
    show.data(
        {
            **_as_dict(batch),
            "pieces_in_order": pieces,
            "findings": [f.as_dict() for f in findings],
            "tally": tally.as_dict(),
            "remakes": [_remake(remake) for remake in remakes],
        },
        as_json,
        "\n".join(lines),
    )


def _remake(remake: Remake) -> dict[str, Any]:
    return {
        "run": remake.run, "pieces": list(remake.seqs), "reason": remake.reason, "user": remake.user, "at": remake.at,
        "made": remake.made, "files": [{"name": f.name, "sha256": f.sha256, "size": f.size} for f in remake.files],
    }  # fmt: skip


def hold(key: str, reason: str, as_json: bool) -> None:
    """Stop a batch where it stands."""
    house = shop()
    batch = house.store.batch(house.scope, key)
    house.store.hold(house.scope, batch.id, reason)
    show.data({"name": batch.name, "held": reason}, as_json, f"{batch.name} is held: {reason}")


def resume(key: str, reason: str, as_json: bool) -> None:
    """Let a batch go on."""
    house = shop()
    batch = house.store.batch(house.scope, key)
    house.store.resume(house.scope, batch.id, reason)
    show.data({"name": batch.name, "held": None}, as_json, f"{batch.name} goes on: {reason}")


def _as_dict(batch: Batch) -> dict[str, Any]:
    return {
        "name": batch.name, "id": batch.id, "state": str(batch.state), "mail_on": batch.mail_on, "format": batch.format,
        "press": batch.press, "carrier": batch.carrier, "house": batch.house, "pieces": batch.pieces,
        "revision": batch.revision, "held": batch.held, "gathered": batch.gathered, "target": batch.target,
        "files": [{"name": f.name, "sha256": f.sha256, "size": f.size} for f in batch.files],
    }  # fmt: skip
