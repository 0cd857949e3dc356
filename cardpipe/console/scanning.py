"""Scanning: what the shop floor sees of a batch, code by code. A scanner types, a camera looks, or a list is uploaded.

The page answers each code at once, by what it knows itself and by what the store says of it; what was scanned is kept
in the page and sent in bundles, so that a line that drops loses nothing. A bundle is known by its SHA-256: sent again,
it changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from cardpipe.console.guard import page
from cardpipe.console.visit import Visit
from cardpipe.lettershop import proving
from cardpipe.model.batch import Batch, base36
from cardpipe.model.errors import Conflict, Refused, Unavailable
from cardpipe.model.finding import Finding, error
from cardpipe.model.scan import Scan, Stage, read_code, spoken
from cardpipe.model.user import Role
from cardpipe.pipeline import track
from cardpipe.pipeline.release import is_released
from cardpipe.wiring import Shop

#: What may be scanned here, and what a person reads.
STAGES = {
    Stage.PRINTED: "Printed", Stage.INSERTED: "Inserted", Stage.SPOILED: "Spoiled", Stage.MAILED: "Handed to post",
    Stage.RETURNED: "Returned",
}  # fmt: skip
#: Pieces that came so far before.
_PAST = {Stage.PRINTED: ("printed", "mailed", "returned"), Stage.MAILED: ("mailed", "returned")}
_MOST_NUMBERS = 400  # characters of missing numbers that are shown
_MOST_LIST, _MOST_FRAME = 25_000_000, 1_400_000
_PAIR, _OTHER, _NONE = "scan.pair_disagrees", "scan.other_batch", "scan.unknown"
#: What may fill the screen red, as it is told of the hold that follows.
_WRONG = {
    _PAIR: "a card and an envelope that do not belong together", _OTHER: "a code of another batch",
    _NONE: "a number that is not in this batch", "scan.doubled": "two pieces with one code",
    "scan.inserted_twice": "a piece that was inserted before",
}  # fmt: skip


def routes(house: Shop) -> list[Route]:
    """``/batches/NAME/scan`` and what its page asks."""

    @page(house, Role.OPERATOR)
    def shown(visit: Visit) -> Response:
        batch = _batch(house, visit)
        stage = _stage(visit.asked("stage")) or _usual(batch)
        return visit.show("scan.html", batch=batch, stages=STAGES, stage=stage, code=base36(batch.number, 4),
                          **_counted(house, visit, batch, stage))  # fmt: skip

    @page(house, Role.OPERATOR)
    def look(visit: Visit) -> Response:
        """One code, or card and envelope of a pair: whose it is, and what speaks against it. Nothing is written."""
        return _as_json(lambda: _looked(house, visit))

    @page(house, Role.OPERATOR, most=_MOST_LIST)
    def send(visit: Visit) -> Response:
        """A bundle of scans, all of it or nothing."""

        def taken() -> dict[str, Any]:
            batch, stage = _batch(house, visit), _stage(visit.form.get("stage", "")) or Stage.PRINTED
            data = visit.form.get("list", "").encode()
            _, fresh = track.reconcile(house, visit.scope, batch.id, data, stage, "scanner", visit.user.name)
            if fresh:
                _noted(house, visit, batch, "scanner")
            return {"fresh": fresh, **_counted(house, visit, batch, _stage(visit.form.get("view", "")) or stage)}

        return _as_json(taken)

    @page(house, Role.OPERATOR)
    def count(visit: Visit) -> Response:
        """How far it is, and what is missing at a stage."""
        stage = _stage(visit.form.get("view", "")) or Stage.PRINTED
        return _as_json(lambda: _counted(house, visit, _batch(house, visit), stage))

    @page(house, Role.OPERATOR)
    def stopped(visit: Visit) -> Response:
        """What filled the screen red was looked at: a slip of the hand, or it lies wrong, and the batch is held."""

        def told() -> dict[str, Any]:
            batch = _batch(house, visit)
            codes = [word.upper() for word in visit.form.get("codes", "").split()[:2] if read_code(word)]
            slip = visit.form.get("slip") == "yes"
            if not slip:
                code = visit.form.get("code", "")
                named = f"{code}: {_WRONG[code]}" if code in _WRONG else "scan.stopped: it lies wrong"
                why = f"{named} ({' and '.join(codes) or 'no code was read'})"
                house.store.hold(visit.scope, batch.id, why, actor=visit.actor)
            action = "batch.scan_slip" if slip else "batch.scan_stop"
            house.store.audit(visit.scope.tenant, visit.actor, action, batch.id, batch=batch.name,
                              mode=visit.scope.mode, codes=codes)  # fmt: skip
            return {"held": not slip}

        return _as_json(told)

    @page(house, Role.OPERATOR, most=_MOST_FRAME, files=1)
    def frame(visit: Visit) -> Response:
        """What a camera sees, as grey pixels: the codes in it."""

        def seen() -> dict[str, Any]:
            _batch(house, visit)
            sent = visit.file("frame")
            try:
                width, height = int(visit.form.get("width", "0")), int(visit.form.get("height", "0"))
                return {"codes": proving.read_grey(sent.file.read() if sent else b"", width, height)}
            except ValueError:
                found = error("scan.frame", "frame", "is no frame of width times height grey pixels", "reload the page")
                raise Refused("The camera's picture cannot be read.", [found]) from None

        return _as_json(seen)

    @page(house, Role.OPERATOR, most=_MOST_LIST, files=1)
    def listed(visit: Visit) -> Response:
        """A list, typed, pasted or uploaded: also without any script."""
        batch, sent = _batch(house, visit), visit.file("file")
        text = visit.form.get("codes", "")
        data = sent.file.read() if sent else text.encode()
        source = (sent.filename or "a file")[:120] if sent else "typed"
        stage = _stage(visit.form.get("stage", ""))
        try:
            tally, fresh = track.reconcile(house, visit.scope, batch.id, data, stage, source, visit.user.name)
        except Conflict as problem:
            return visit.show(
                "scan_stop.html", status=409, batch=batch, problem=str(problem), findings=problem.findings
            )
        if fresh:
            _noted(house, visit, batch, "file" if sent else "typed")
        said = "The list is taken" if fresh else "This list was taken before, and nothing changed"
        left = f"{len(tally.missing):,} of {tally.gathered:,} still to be handed to post."
        return visit.done(f"{said}. {left}", "batches", batch.name, "scan", stage=str(stage or ""))

    at = "/batches/{name}/scan"
    return [
        Route(at, shown), Route(f"{at}/look", look, methods=["POST"]), Route(f"{at}/send", send, methods=["POST"]),
        Route(f"{at}/count", count, methods=["POST"]),
        Route(f"{at}/stop", stopped, methods=["POST"]), Route(f"{at}/frame", frame, methods=["POST"]),
        Route(f"{at}/list", listed, methods=["POST"]),
    ]  # fmt: skip


def _looked(house: Shop, visit: Visit) -> dict[str, Any]:
    batch = _batch(house, visit)
    stage = _stage(visit.form.get("stage", "")) or Stage.PRINTED
    codes = [code for name in ("card", "envelope", "code") if (code := visit.form.get(name, ""))]
    seqs = [_number(code, batch) for code in codes]
    wrong = [found for found in seqs if isinstance(found, Finding)]
    numbers = [found for found in seqs if isinstance(found, int)]
    if len(set(numbers)) > 1:
        pair = " and ".join(str(number) for number in numbers)
        wrong.append(error(_PAIR, "pair", f"{pair} lie in one envelope", "a wrong pair is a stranger's card"))
    if wrong or not numbers:
        raise Refused("This is not right.", wrong or [error("scan.unreadable", "code", "is none", "scan it again")])
    seq = numbers[0]
    findings = house.store.contradictions(visit.scope, batch.id, [Scan(seq, stage)])
    if any(finding.code == _NONE for finding in findings):
        raise Conflict("This is not right.", findings)
    piece = house.store.member(visit.scope, batch.id, seq)
    if findings:
        raise Conflict("This is not right.", findings)
    whose = piece.spec.get("recipient", {})
    before = piece.state in _PAST.get(stage, ())
    name, design = whose.get("name") or whose.get("company") or "", piece.spec["design"]["name"]
    return {"seq": seq, "name": name, "design": design, "before": before}


def _number(code: str, batch: Batch) -> int | Finding:
    """The number of a code, or as it was typed."""
    if code.isascii() and code.isdigit() and len(code) <= 6:
        return int(code)
    read = read_code(code)
    if read is None:
        return error("scan.unreadable", "code", f"{code[:20]!r} is no match code and no number", "scan it again")
    if read[0] != base36(batch.number, 4):
        return error(_OTHER, "code", f"{code[:14]} belongs to another batch", "take it out: it is a stranger's here")
    return read[1]


def _counted(house: Shop, visit: Visit, batch: Batch, stage: Stage) -> dict[str, Any]:
    """How far it is, and what is missing at this stage."""
    tally = house.store.tally(visit.scope, batch.id)
    unseen = house.store.unseen(visit.scope, batch.id, stage)
    missing = spoken(unseen)
    if len(missing) > _MOST_NUMBERS:
        missing = missing[:_MOST_NUMBERS].rpartition(",")[0] + " …"
    held = house.store.batch(visit.scope, batch.id).held
    return {
        "pieces": tally.pieces, "printed": tally.printed, "inserted": tally.inserted, "spoiled": tally.spoiled,
        "mailed": tally.mailed, "returned": tally.returned, "unseen": len(unseen), "missing": missing,
        "held": held or "",
    }  # fmt: skip


def _noted(house: Shop, visit: Visit, batch: Batch, source: str) -> None:
    house.store.audit(visit.scope.tenant, visit.actor, "batch.scanned", batch.id, batch=batch.name,
                      mode=visit.scope.mode, source=source)  # fmt: skip


def _batch(house: Shop, visit: Visit) -> Batch:
    """The batch. Raises Conflict where nothing of it can have been seen."""
    batch = house.store.batch(visit.scope, visit.part("name"))
    if not is_released(batch):
        raise Conflict("Nothing of it can have been seen yet.",
                       [error("batch.not_released", batch.name, f"is {batch.state}", "release it first")])  # fmt: skip
    return batch


def _stage(text: str) -> Stage | None:
    return Stage(text) if text in set(Stage) else None


def _usual(batch: Batch) -> Stage:
    """What is most likely scanned now."""
    return Stage.PRINTED if batch.state == "released" else Stage.MAILED


def _as_json(ask: Callable[[], dict[str, Any]]) -> Response:
    """What a page's script reads: what was found, or every finding."""
    try:
        return JSONResponse({"ok": True, **ask()})
    except (Refused, Conflict, Unavailable) as problem:
        found = [finding.as_dict() for finding in problem.findings]
        return JSONResponse({"ok": False, "problem": str(problem), "findings": found}, problem.status)
