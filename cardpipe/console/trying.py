"""Trying a design with one's own words and pictures: composed and inspected as an order is, and kept by nobody.

The trial lies on a bench in memory. Its pictures wait some minutes in this process for the one browser that asked for
them, under names that nobody guesses; nothing of it is stored, logged or ordered.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass, field, replace
from typing import Any, get_args

from starlette.responses import Response
from starlette.routing import Route

from cardpipe.console.guard import page
from cardpipe.console.visit import Visit
from cardpipe.model.errors import Refused, Unavailable
from cardpipe.model.finding import Finding, error, has_errors, note
from cardpipe.model.order import Order
from cardpipe.model.status import PieceState
from cardpipe.model.user import Role
from cardpipe.pipeline import compose, proofs, specimen
from cardpipe.pipeline.accept import accept
from cardpipe.ports import DesignSource
from cardpipe.prepress import card, placeholder, proof
from cardpipe.prepress.picture import MAX_BYTES
from cardpipe.wiring import Shop

_PICTURES = 5  # four photos and a signature
_MOST = _PICTURES * MAX_BYTES + 300_000
_PPI = 120.0
_WAIT_SECONDS = 20.0
_ADDRESS = {"street": "12 Alder Lane", "city": "Springfield", "state": "IL", "postcode": "62701"}
_SENDER = {"company": "Harbor Street", "street": "1 Harbor Street", "city": "Salem", "state": "MA", "postcode": "01970"}
STRENGTHS = tuple(get_args(get_args(Order.model_fields["strength"].annotation)[0]))


@dataclass(frozen=True, slots=True)
class Trial:
    """What was sent: words, and pictures by the name of their frame."""

    message: str
    name: str
    hand: str = ""
    ink: str = ""
    strength: str = ""
    photos: dict[str, bytes] = field(default_factory=dict, repr=False)
    signature: bytes = field(default=b"", repr=False)


class Wall:
    """Where finished trials hang for a few minutes, each for one person."""

    MOST, SECONDS = 24, 600.0

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._hung: OrderedDict[str, tuple[str, float, dict[str, bytes]]] = OrderedDict()

    def hang(self, user: str, pictures: dict[str, bytes]) -> str:
        """Under a name that nobody guesses."""
        token = secrets.token_urlsafe(18)
        with self._lock:
            self._hung[token] = (user, time.monotonic() + self.SECONDS, pictures)
            over = [name for name, (_, until, _) in self._hung.items() if until < time.monotonic()]
            for name in over:
                del self._hung[name]
            while len(self._hung) > self.MOST:
                self._hung.popitem(last=False)
        return token

    def get(self, token: str, user: str, side: str) -> bytes | None:
        """None where it is another's, or over."""
        with self._lock:
            owner, until, pictures = self._hung.get(token, ("", 0.0, {}))
        return pictures.get(side) if owner == user and until >= time.monotonic() else None


def routes(house: Shop) -> list[Route]:
    """The trial and its pictures."""
    wall, turn = Wall(), threading.BoundedSemaphore(1)

    @page(house, Role.VIEWER, most=_MOST, files=_PICTURES)
    def tried(visit: Visit) -> Response:
        name = visit.part("name")
        if name not in house.catalog.designs():
            raise Refused("There is no such design.", [error("design.unknown", "name", "is no design", _GALLERY)])
        source = house.catalog.design(name)
        trial, findings = _sent(visit, source)
        pages: list[proof.ProofPage] = []
        if not has_errors(findings):
            if not turn.acquire(timeout=_WAIT_SECONDS):
                why = error("shop.busy", "design", "others are trying designs just now", "try again in a moment")
                raise Unavailable("It was not tried.", [why])
            try:
                pages, found = attempt(house, source, trial)
            finally:
                turn.release()
            findings += found
        token = wall.hang(visit.user.name, {each.name: proof.jpeg(each.pixels) for each in pages}) if pages else ""
        sides = [(each.name, *each.pixels.shape[1::-1]) for each in pages]
        values = {
            "design": source.design, "token": token, "sides": sides,
            "beside": _beside(findings), "good": bool(pages), "trial": trial, **choices(house, source),
        }  # fmt: skip
        return visit.show("design_try.html", "tried" if visit.by_htmx else None, **values)

    @page(house, Role.VIEWER)
    def picture(visit: Visit) -> Response:
        data = wall.get(visit.part("token"), visit.user.name, visit.part("side"))
        if data is None:
            return Response(status_code=404)
        return Response(data, media_type="image/jpeg")

    return [
        Route("/designs/{name}/try", tried, methods=["POST"]),
        Route("/tried/{token}/{side}", picture),
    ]


_GALLERY = "take one of the gallery"


def choices(house: Shop, source: DesignSource) -> dict[str, Any]:
    """What may be chosen in a trial."""
    first = source.design.specimen[0]
    return {
        "hands": house.catalog.hands(), "inks": sorted(card.pens(source.design)), "strengths": STRENGTHS,
        "frames": [(frame.photo, frame.required) for frame in source.design.photos],
        "signs": card.signature_order(source.design) is not None,
        "words": first.message.strip(), "recipient": first.recipient,
    }  # fmt: skip


def attempt(house: Shop, source: DesignSource, trial: Trial) -> tuple[list[proof.ProofPage], list[Finding]]:
    """The sides of the card with these words, and everything that is to be said of them; no sides where it could not
    be ordered so. A photo that was not sent is replaced by a placeholder, which is noted."""
    bench, frames = specimen.Bench(house, source.format.name), {frame.photo: frame for frame in source.design.photos}
    lacking = [name for name in frames if name not in trial.photos and frames[name].required]
    findings = [note("try.placeholder", f"photos.{name}", "a placeholder stands for the photo") for name in lacking]

    def picture(ref: str, where: str) -> bytes:
        if ref == "signature":
            return trial.signature
        if ref in trial.photos:
            return trial.photos[ref]
        extent = frames[ref].extent
        return placeholder.photo(extent.width, extent.height, list(frames).index(ref))

    chosen = {"hand": trial.hand, "ink": trial.ink, "strength": trial.strength}
    order: dict[str, Any] = {
        "reference": "try", "occasion": source.design.occasions[0], "design": source.design.name,
        "recipient": {"name": trial.name, **_ADDRESS}, "sender": dict(_SENDER), "message": trial.message,
        "photos": {name: name for name in (*trial.photos, *lacking)},
        **{key: value for key, value in chosen.items() if value},
        **({"signature": "signature"} if trial.signature else {}),
    }  # fmt: skip
    try:
        verdict = accept(bench, specimen.SCOPE, order, picture, specimen.MAIL_ON, specimen.TERMS)
        findings += verdict.findings
        if verdict.order is None:
            return [], findings
        piece = verdict.order.pieces[0]
        composed = compose.make(bench, piece)
        findings += [found for found in composed.findings if found not in findings]
        piece = replace(piece, state=PieceState.COMPOSED, composed=composed)
        drawn = proofs.draw(bench, piece, proof.Look(ppi=_PPI, word="PROOF", slots=False))
    except Refused as problem:
        told = list(problem.findings) or [error("design.try", "design", str(problem))]
        return [], [*findings, *(found for found in told if found not in findings)]
    return drawn.pages, findings


def _sent(visit: Visit, source: DesignSource) -> tuple[Trial, list[Finding]]:
    findings: list[Finding] = []
    pictures: dict[str, bytes] = {}
    wanted = {f"photo:{frame.photo}": f"photos.{frame.photo}" for frame in source.design.photos}
    for name, where in (*wanted.items(), ("signature", "signature")):
        if (sent := visit.file(name)) is None:
            continue
        data = sent.file.read(MAX_BYTES + 1)
        if len(data) > MAX_BYTES:
            what = f"is larger than {MAX_BYTES / 1e6:g} MB"
            findings.append(error("picture.large", where, what, "send a smaller one"))
        elif data:
            pictures[name] = data
    form = visit.form
    for name in ("message", "recipient"):
        if not form.get(name, ""):
            where = "recipient.name" if name == "recipient" else name
            findings.append(error("form.missing", where, "is empty", "fill it in"))
    photos = {name.removeprefix("photo:"): data for name, data in pictures.items() if name != "signature"}
    message, signature = form.get("message", "").replace("\r\n", "\n"), pictures.get("signature", b"")
    made = Trial(message, form.get("recipient", ""), form.get("hand", ""), form.get("ink", ""),
                 form.get("strength", ""), photos, signature)  # fmt: skip
    return made, findings


def _beside(findings: list[Finding]) -> dict[str, list[Finding]]:
    """Findings by the field of the form that they belong to; what belongs to none stands under "design"."""
    beside: dict[str, list[Finding]] = {}
    for found in findings:
        head = found.where.removeprefix("card, ").partition(" ")[0]
        group = head.split(".")[0]
        place = head if group == "photos" else "recipient" if group == "recipient" else group
        known = place.startswith("photos.") or place in ("message", "recipient", "hand", "ink", "strength", "signature")
        beside.setdefault(place if known else "design", []).append(found)
    return beside
