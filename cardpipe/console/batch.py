"""The page of a batch: what it is, what to do next, its files, what became of it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from starlette.responses import Response
from starlette.routing import Route

from cardpipe.console import acts
from cardpipe.console.guard import page
from cardpipe.console.remarks import remarks
from cardpipe.console.visit import Visit
from cardpipe.model.batch import BY_DOWNLOAD, Batch, BatchFile, Bundle
from cardpipe.model.event import Event
from cardpipe.model.scan import spoken
from cardpipe.model.status import BatchState
from cardpipe.model.tenant import AuditEntry
from cardpipe.model.user import Role
from cardpipe.pipeline import giving, pinned
from cardpipe.pipeline.release import is_released
from cardpipe.wiring import Shop

_WAY = (BatchState.GATHERED, BatchState.IMPOSED, BatchState.RELEASED, BatchState.PRINTED, BatchState.MAILED,
        BatchState.SETTLED)  # fmt: skip
#: What is shown of a batch before "all pieces".
_FIRST = 6
_MOST_LINES, _MOST_FINDINGS = 60, 12
#: What stands in the names of files, in the order of the ticket, and what that is.
_PARTS = (
    ("_CARD", "cards"), ("_SHEETS", "card sheets"), ("_ENV", "envelopes"), ("_LABELS", "labels"),
    ("_MANIFEST", "manifest"), ("_TICKET", "ticket"), ("_PREFLIGHT", "preflight"), ("_SHA256SUMS", "checksums"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a batch's log, as a person reads it."""

    at: str
    what: str
    more: str = ""
    who: str = ""
    bad: bool = False


@dataclass(frozen=True, slots=True)
class Given:
    """A file as the page lists it: what it is, and whether it left the shop before."""

    file: BatchFile
    part: str
    again: bool


def routes(house: Shop) -> list[Route]:
    """``/batches/NAME``."""

    @page(house, Role.VIEWER)
    def shown(visit: Visit) -> Response:
        batch = house.store.batch(visit.scope, visit.part("name"))
        values = view(house, visit, batch)
        seen = _digest(values)
        if visit.by_htmx and visit.asked("seen") == seen:  # something else changed: whoever works here is not disturbed
            return Response(status_code=204)
        return visit.show("batch.html", "state" if visit.by_htmx else None, seen=seen, **values)

    return [Route("/batches/{name}", shown)]


def _digest(values: dict[str, Any]) -> str:
    """Of what a page shows: another one, and it is to be shown anew."""
    told = [values[name] for name in ("batch", "tally", "remakes", "replies", "log", "files")]
    pieces = [(piece.id, str(piece.state)) for piece in values["first"]]
    return hashlib.sha256(repr((told, pieces)).encode()).hexdigest()[:16]


def view(house: Shop, visit: Visit, batch: Batch) -> dict[str, Any]:
    """All that the page shows."""
    first = house.store.page_of_members(visit.scope, batch.id, 0, _FIRST)
    spec = first[0].spec if first else None
    tally = house.store.tally(visit.scope, batch.id)
    remakes = house.store.remakes(visit.scope, batch.id)
    presorted = spec is not None and pinned.mailing(spec).presorted
    findings = house.store.batch_findings(visit.scope, batch.id)
    open_acts = [act for act in acts.ACTS.values() if act.may(batch) and (act.name != "presort" or presorted)]
    log = story(house.store.events(visit.scope, batch.id), house.store.given_out(visit.scope, batch.id))
    return {
        "batch": batch, "layout": pinned.layout(spec) if spec else None, "press": pinned.press(spec) if spec else None,
        "first": first, "tally": tally, "spoken": spoken,
        "next": next_act(batch, open_acts, house, tally.missing), "acts": open_acts,
        "files": listed(house, batch, None, batch.files),
        "remakes": [(remake, remake.bundle(batch), listed(house, batch, remake, remake.files)) for remake in remakes],
        "released": is_released(batch), "planned": batch.state is BatchState.IMPOSED and batch.target is not None,
        "by_download": batch.target == BY_DOWNLOAD, "way": _WAY, "reached": _WAY.index(batch.state),
        "findings": remarks(house, batch, findings[:_MOST_FINDINGS]),
        "more_findings": max(0, len(findings) - _MOST_FINDINGS),
        "replies": house.store.replies(visit.scope, batch.id), "operator": visit.may(Role.OPERATOR),
        "papers": papers(batch.bundle), "log": log[:_MOST_LINES], "more_log": max(0, len(log) - _MOST_LINES),
        "all_again": giving.needs_reason(house, batch, None),
    }  # fmt: skip


def next_act(batch: Batch, open_acts: Sequence[acts.Act], house: Shop, missing: Sequence[int]) -> str:
    """The one thing to do next, by the name of its act; ``wait`` and ``done`` where it is nobody's turn or over."""
    names = {act.name for act in open_acts}
    if "presort" in names and batch.state is BatchState.GATHERED:
        return "presort"
    if batch.held is not None:
        return "resume"
    if batch.state is BatchState.GATHERED or (batch.state is BatchState.IMPOSED and batch.target is not None):
        return "wait"
    if batch.state is BatchState.RELEASED and batch.target == BY_DOWNLOAD and not giving.gone(house, batch, None):
        return "fetch"
    follows = {
        BatchState.IMPOSED: "release", BatchState.RELEASED: "printed", BatchState.PRINTED: "mailed",
        BatchState.MAILED: "settle",
    }  # fmt: skip
    return follows.get(batch.state, "done")


def listed(house: Shop, batch: Batch, remake: Any, files: Iterable[BatchFile]) -> list[Given]:
    """The files with what each is."""
    return [Given(file, part(file.name), giving.needs_reason(house, batch, remake, file.name)) for file in files]


def part(name: str) -> str:
    """What a file is, in the ticket's words."""
    return next((what for word, what in _PARTS if word in name), "paper")


def papers(bundle: Bundle) -> list[BatchFile]:
    """What is shown as pictures: the ticket with its cards, the preflight report."""
    return [file for file in bundle.files if file.name.endswith((f"{bundle.name}_TICKET.pdf", "_PREFLIGHT.pdf"))]


# the log
def story(events: Iterable[Event], given: Iterable[AuditEntry]) -> list[Line]:
    """A batch's log and who fetched its files, newest first; lists of scans that follow each other are one line."""
    lines: list[Line] = []
    entries, scans = list(given), 0
    releasers = [entry.actor.removeprefix("user:") for entry in entries if entry.action == "release"]
    for event in events:
        line = _line(event)
        scans = scans + int(event.detail.get("scans", 0)) if event.reason == "scanned" else 0
        if scans and lines and lines[-1].what.startswith("Scanned") and lines[-1].who == line.who:
            lines.pop()
            line = Line(line.at, f"Scanned {scans:,} pieces", "", line.who)
        if event.reason == "release planned" and releasers:
            line = replace(line, who=releasers.pop(0))
        lines.append(line)
    lines += [_fetched(entry) for entry in entries if entry.action == "download"]
    return sorted(lines, key=lambda line: line.at, reverse=True)


def _line(event: Event) -> Line:
    told = event.detail
    who = str(told.get("user") or told.get("by") or "").removeprefix("user:")
    if event.kind == "hold":
        held = event.new == "held"
        return Line(event.at, "Held" if held else "Goes on", event.reason, who, held)
    numbers = f"Piece {spoken(told['numbers'])}" if told.get("numbers") else ""
    why = ": ".join(each for each in (numbers, str(told.get("why", ""))) if each)
    match event.reason:
        case "gathered":
            return Line(event.at, "Gathered", f"{told.get('pieces', 0):,} pieces", who)
        case "imposed":
            return Line(event.at, "Files written and proved", "", who)
        case "release planned" | "released":
            where = "fetched from here" if told.get("target") == BY_DOWNLOAD else str(told.get("target", ""))
            return Line(event.at, "Released" if event.reason == "released" else "Release planned", where, who)
        case "ejected" | "withdrawn" | "spoiled" as reason:
            run = f" (remake R{told['run']:02d})" if "run" in told else ""
            return Line(event.at, f"{reason.capitalize()}{run}", why, who, bad=reason == "spoiled")
        case "remade":
            return Line(event.at, f"Remade: R{told.get('run', 0):02d}", "its files are made and handed over", who)
        case "scanned":
            return Line(event.at, f"Scanned {int(told.get('scans', 0)):,} pieces", "", who)
        case "resequenced":
            return Line(event.at, "In the order of the presort", "", who)
        case "settled":
            return Line(event.at, "Settled", f"{told.get('mailed', 0):,} handed to post", who)
        case _:
            said, refused = event.reason, event.reason.startswith("the house refused")
            return Line(event.at, said[:1].upper() + said[1:], str(told.get("delivery", "")), who, refused)


def _fetched(entry: AuditEntry) -> Line:
    file = str(entry.detail.get("file", ""))
    what = "All files fetched" if file == giving.ALL else "Fetched"
    named = [] if file == giving.ALL else [file]
    if run := entry.detail.get("remake"):
        what = f"{what} ({run})"
    if why := giving.REASONS.get(str(entry.detail.get("reason"))):
        named.append(why)
    return Line(entry.at, what, ": ".join(named), entry.actor.removeprefix("user:"))
