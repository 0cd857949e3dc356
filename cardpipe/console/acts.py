"""What an operator does to a batch: each act asks first, with numbers, and stands in the audit log."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from starlette.responses import Response
from starlette.routing import Route

from cardpipe.console.guard import page
from cardpipe.console.visit import Visit
from cardpipe.lettershop import scanlist
from cardpipe.model.batch import BY_DOWNLOAD, Batch, base36
from cardpipe.model.errors import Conflict, Refused
from cardpipe.model.finding import Finding, error
from cardpipe.model.scan import Stage, read_code, spoken
from cardpipe.model.status import BatchState
from cardpipe.model.user import Role
from cardpipe.pipeline import gather, routing, track
from cardpipe.wiring import Shop

_UNRELEASED = (BatchState.GATHERED, BatchState.IMPOSED)
_AT_PRESS = (BatchState.RELEASED, BatchState.PRINTED)
_MOST_REASON, _MOST_FILE = 300, 25_000_000


@dataclass(frozen=True, slots=True)
class Act:
    """One thing that may be done. ``pieces``: of which pieces: none, some that are named, or all unless some are."""

    name: str
    verb: str
    told: str
    may: Callable[[Batch], bool]
    reason: bool = False
    pieces: str = "none"
    danger: bool = False


def _planned(batch: Batch) -> bool:
    return batch.state is BatchState.IMPOSED and batch.target is not None


#: In the order in which the page offers them.
ACTS = {act.name: act for act in (
    Act("release", "Release",
        "From then on it is printed: nothing can be ejected any more, and each file is given out once.",
        lambda b: b.state is BatchState.IMPOSED and b.held is None and not _planned(b)),
    Act("unrelease", "Take the release back", "Nothing was handed over yet. The batch is then imposed, as before.",
        _planned, reason=True),
    Act("printed", "Mark printed", "The press is done with these pieces.",
        lambda b: b.state is BatchState.RELEASED, pieces="all"),
    Act("mailed", "Mark handed to post", "The carrier has these pieces. They cannot be withdrawn or remade any more.",
        lambda b: b.state in _AT_PRESS, pieces="all"),
    Act("settle", "Settle", "Everything is accounted for: the batch is closed for good.",
        lambda b: b.state is BatchState.MAILED and b.held is None),
    Act("resume", "Resume", "The hold ends, and the batch goes on where it stood.", lambda b: b.held is not None,
        reason=True),
    Act("presort", "Take the presort", "The order of the house's return file becomes the order of the batch.",
        lambda b: b.state in _UNRELEASED and not _planned(b)),
    Act("spoil", "Spoil and remake",
        "These pieces were ruined: card and envelope are made again, with the same numbers, and go where it went.",
        lambda b: b.state in _AT_PRESS, reason=True, pieces="some"),
    Act("withdraw", "Withdraw pieces", "These pieces were pulled out by hand and will never be mailed.",
        lambda b: b.state in _AT_PRESS, reason=True, pieces="some", danger=True),
    Act("eject", "Eject pieces",
        "They leave the batch and need attention. The rest is numbered anew, and all files are written anew.",
        lambda b: b.state in _UNRELEASED and not _planned(b), reason=True, pieces="some", danger=True),
    Act("returned", "Mark returned", "The carrier brought these envelopes back.",
        lambda b: b.state in (BatchState.MAILED, BatchState.SETTLED), pieces="some"),
    Act("hold", "Hold", "Nothing of it is handed over or made until somebody resumes it.",
        lambda b: b.held is None and b.state is not BatchState.SETTLED, reason=True),
    Act("replies", "Ask the house again", "Look for an answer (.ack or .nak) at the place where it was handed over.",
        lambda b: b.target not in (None, BY_DOWNLOAD) and b.state not in _UNRELEASED),
)}  # fmt: skip
_STAGES = {"printed": Stage.PRINTED, "mailed": Stage.MAILED, "returned": Stage.RETURNED}


def routes(house: Shop) -> list[Route]:
    """``/batches/NAME/do/ACT``: the question, and the act."""

    @page(house, Role.OPERATOR)
    def asked(visit: Visit) -> Response:
        batch, act = _found(house, visit)
        numbers = " ".join(visit.request.query_params.getlist("seq")) or visit.asked("pieces")
        chosen = seqs(numbers, batch) if numbers else []
        left = len(house.store.unseen(visit.scope, batch.id, _STAGES[act.name])) if act.pieces == "all" else 0
        return visit.show("batch_act.html", batch=batch, act=act, chosen=chosen, pieces=spoken(chosen), left=left,
                          missing=house.store.tally(visit.scope, batch.id).missing, spoken=spoken,
                          ways=_ways(house, batch) if act.name == "release" else ())  # fmt: skip

    @page(house, Role.OPERATOR, most=_MOST_FILE, files=1)
    def done(visit: Visit) -> Response:
        batch, act = _found(house, visit)
        reason = _reason(visit) if act.reason else ""
        named = seqs(visit.form.get("pieces", ""), batch) if act.pieces != "none" else []
        if act.pieces == "some" and not named:
            raise Refused("No piece was named.", [error("form.missing", "pieces", "is empty", "write 17 or 42-45")])
        if act.pieces == "all" and visit.form.get("which") == "some" and not named:
            raise Refused(
                "No piece was named.", [error("form.missing", "pieces", "is empty", "write 17 or 42-45, or choose all")]
            )
        if act.pieces == "all" and visit.form.get("which") == "all":
            named = []
        told, now = _do(house, visit, batch, act, reason, named)
        more: dict[str, object] = {"pieces": spoken(named).split(", ")} if named else {}
        if act.name != "release":  # which stands there with its plan
            house.store.audit(visit.scope.tenant, visit.actor, f"batch.{act.name}", batch.id, batch=batch.name,
                              mode=visit.scope.mode, **more)  # fmt: skip
        return visit.done(told, "batches", now.name)

    path = "/batches/{name}/do/{act}"
    return [Route(path, asked), Route(path, done, methods=["POST"])]


def _found(house: Shop, visit: Visit) -> tuple[Batch, Act]:
    batch = house.store.batch(visit.scope, visit.part("name"))
    act = ACTS.get(visit.part("act"))
    if act is None:
        raise Refused("There is no such act.", [error("act.unknown", "act", "is none", "go back to the batch")])
    if not act.may(batch):
        held = " and held" if batch.held is not None else ""
        raise Conflict(f"{act.verb}: not now.", [error("batch.state", batch.name, f"is {batch.state}{held}",
                                                       "look at the batch as it is now")])  # fmt: skip
    return batch, act


def _do(house: Shop, visit: Visit, batch: Batch, act: Act, reason: str, named: Sequence[int]) -> tuple[str, Batch]:
    """Do it; what to say, and the batch as it is then."""
    store, scope, user = house.store, visit.scope, visit.user.name
    count = f"{len(named):,} pieces" if len(named) != 1 else "1 piece"
    match act.name:
        case "hold":
            store.hold(scope, batch.id, reason, actor=visit.actor)
            told = f"{batch.name} is held."
        case "resume":
            store.resume(scope, batch.id, reason, actor=visit.actor)
            told = f"{batch.name} goes on."
        case "eject":
            gone = gather.eject(house, scope, batch.name, named, reason, user)
            return f"{count} ejected. Now {gone.name}; its files are written anew.", gone
        case "release":
            told = _release(house, visit, batch)
        case "unrelease":
            store.drop_release(scope, batch.id, f"taken back: {reason}")
            told = "The release was taken back; nothing was handed over."
        case "presort":
            sent = visit.file("file")
            if sent is None:
                raise Refused("No file was sent.", [error("form.missing", "file", "is empty", "choose one")])
            now = gather.take_presort(house, scope, batch.name, sent.file.read(), user)
            return f"In the order of the presort. Now {now.name}; its files are written.", now
        case "spoil":
            remake, _ = store.add_remake(scope, batch.id, named, reason, user)
            told = f"{count} spoiled; R{remake.run:02d} is being made and goes where the batch went."
        case "withdraw":
            left = track.withdraw(house, scope, batch.name, named, reason, user)
            told = f"{count} withdrawn; {len(left.missing):,} still to be handed to post."
        case "settle":
            track.settle(house, scope, batch.name, user)
            told = f"{batch.name} is settled: everything is accounted for."
        case "replies":
            found = track.replies(house, scope, batch.name)
            told = f"{len(found)} answers of the house." if found else "The house has not answered yet."
        case stage:
            these = named or store.unseen(scope, batch.id, _STAGES[stage])  # what was marked before is not said twice
            left = track.mark(house, scope, batch.name, _STAGES[stage], these, user)
            told = f"Marked. {len(left.missing):,} of {left.gathered:,} still to be handed to post."
    return told, store.batch(scope, batch.id)


def _release(house: Shop, visit: Visit, batch: Batch) -> str:
    """Write the decision down; a worker verifies every code once more and hands over. Raises Conflict where something
    else was confirmed than what is there now."""
    way, said = visit.needed("way", "choose where it goes"), visit.form.get("count", "")
    if said != str(batch.pieces):
        raise Conflict("The batch has changed.", [error("batch.changed", batch.name, f"has {batch.pieces} pieces now",
                                                        "look at it again")])  # fmt: skip
    kind, _, to = way.partition(":")
    if kind not in ("house", "download") or (to and to not in {each.house for each in _ways(house, batch)}):
        raise Refused("It goes nowhere.", [error("form.choice", "way", "is none of the choices", "choose one of them")])
    target = BY_DOWNLOAD if kind == "download" else house.delivery(routing.target(house, batch, to)).address
    house.store.plan_release(visit.scope, batch.name, target, visit.actor)
    if target == BY_DOWNLOAD:
        return f"{batch.pieces:,} pieces are verified once more; then you can fetch the files here."
    return f"{batch.pieces:,} pieces are verified once more and handed to {target}."


def _ways(house: Shop, batch: Batch) -> list[routing.Way]:
    return routing.ways(house, batch, bool(house.settings.delivery))


def _reason(visit: Visit) -> str:
    said = visit.needed("reason", "say why: whoever comes after you reads it")
    if len(said) > _MOST_REASON:
        what = f"has {len(said)} characters, and {_MOST_REASON} are the most"
        raise Refused("The reason is too long.", [error("form.long", "reason", what, "say it shorter")])
    return said


def seqs(text: str, batch: Batch) -> list[int]:
    """Pieces as a person writes them (``3, 17-20``), or as a scanner types them. Raises Refused for what is neither,
    and for codes of another batch."""
    plain, found, wrong = [], list[int](), list[Finding]()
    for word in text.replace(",", " ").replace(" -", "-").replace("- ", "-").split():
        code = read_code(word)
        if code is None:
            plain.append(word)
        elif code[0] != base36(batch.number, 4):
            wrong.append(error("scan.other_batch", "pieces", f"{word[:14]} belongs to another batch", "look at it"))
        else:
            found.append(code[1])
    if wrong:
        raise Refused("Not all of these codes are of this batch.", wrong)
    return sorted({*found, *scanlist.numbers(" ".join(plain))})
