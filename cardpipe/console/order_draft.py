"""A change of an order while somebody writes it: what was looked at, what was typed, and the patch that it means.

A form sends along what it showed. So a field that nobody touched follows what somebody else stored meanwhile, and only
what both touched is to be decided."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from cardpipe.console.visit import Visit
from cardpipe.model.address import Address
from cardpipe.model.errors import Refused
from cardpipe.model.finding import Finding, error
from cardpipe.model.order import PICTURE_DIGEST
from cardpipe.model.stored import StoredOrder
from cardpipe.pipeline import pictures
from cardpipe.prepress import card
from cardpipe.prepress.picture import MAX_BYTES
from cardpipe.wiring import Shop

PARTS = tuple(Address.model_fields)
_PLAIN = ("message", "hand", "ink", "mail_on")


@dataclass(slots=True)
class Draft:
    """``seen`` is what the form showed, of revision ``revision``; ``typed`` what stands in it; ``kept`` the pictures
    that were uploaded with it (``photo.main`` or ``signature`` → ``sha256:…``); ``unsigned``: no signature any more."""

    typed: dict[str, str]
    seen: dict[str, str]
    revision: int
    kept: dict[str, str] = field(default_factory=dict)
    unsigned: bool = False
    findings: list[Finding] = field(default_factory=list)

    @property
    def touched(self) -> set[str]:
        """The fields that were changed in the form."""
        return {name for name, text in self.typed.items() if text != self.seen.get(name, "")}


@dataclass(frozen=True, slots=True)
class Place:
    """What a form can offer for an order: hands and inks by name, and frames for pictures by theirs."""

    hands: tuple[str, ...]
    inks: tuple[str, ...]
    photos: tuple[str, ...]
    signed: bool
    own_hand: str
    own_ink: str


def place(house: Shop, stored: StoredOrder) -> Place:
    """By the design as it is today: a change is judged by that."""
    try:
        design = house.catalog.design(stored.design).design
    except Refused:  # it is no more; the judge will say so
        spec = stored.pieces[0].spec
        return Place(
            tuple(house.catalog.hands()), tuple(card.PENS), tuple(sorted(spec.get("photos", {}))), False, "", ""
        )
    message = design.one("message")
    own = message.ink if message and message.ink else "blue-black"
    photos = tuple(frame.photo for frame in design.photos)
    signed = card.signature_order(design) is not None
    return Place(tuple(house.catalog.hands()), tuple(card.pens(design)), photos, signed, design.hand, own)


def values(stored: StoredOrder, photos: tuple[str, ...]) -> dict[str, str]:
    """What a form shows of an order as it is stored now."""
    asked = stored.request
    shown = {name: str(asked.get(name) or "") for name in _PLAIN}
    shown["mail_on"] = stored.mail_on
    for who in ("recipient", "sender"):
        shown |= {f"{who}.{part}": str((asked.get(who) or {}).get(part) or "") for part in PARTS}
    focus = stored.pieces[0].spec.get("focus", {})
    for name in photos:
        at = focus.get(name)
        shown[f"focus.{name}.x"], shown[f"focus.{name}.y"] = (_percent(at[0]), _percent(at[1])) if at else ("", "")
    return shown


def read(visit: Visit, stored: StoredOrder, photos: tuple[str, ...]) -> Draft:
    """The draft that a form sent. Pictures in it are judged and kept at once, so that none has to be chosen twice;
    what is wrong with them is among its findings."""
    now, form = values(stored, photos), visit.form
    typed = {name: form.get(name, now[name]).replace("\r\n", "\n") for name in now}
    revision = form.get("revision", "")
    draft = Draft(typed, _seen(form.get("seen", ""), now), int(revision) if revision.isdecimal() else 0)
    draft.unsigned = form.get("unsigned") == "yes"
    for name in (*(f"photo.{each}" for each in photos), "signature"):
        if PICTURE_DIGEST.match(form.get(f"kept.{name}", "")):
            draft.kept[name] = form[f"kept.{name}"]
        sent = visit.file(name)
        if sent is None:
            continue
        try:
            data = sent.file.read(MAX_BYTES + 1)
            use: pictures.Use = "signature" if name == "signature" else "photo"
            draft.kept[name] = pictures.keep(visit.house, visit.scope, data, use, name).ref
        except Refused as problem:
            draft.findings += problem.findings
    return draft


def meets(draft: Draft, stored: StoredOrder, photos: tuple[str, ...]) -> dict[str, str]:
    """Bring a draft of another revision up to the one that is stored now. What nobody touched becomes what is stored;
    of what both touched, the stored text by field."""
    now = values(stored, photos)
    both = {name: now[name] for name in draft.touched if now[name] not in (draft.seen.get(name, ""), draft.typed[name])}
    draft.typed = {name: draft.typed[name] if name in draft.touched else text for name, text in now.items()}
    draft.seen, draft.revision = now, stored.revision
    return both


def patch(draft: Draft, stored: StoredOrder) -> dict[str, Any]:
    """The merge patch of the request that a draft means. Raises Refused for a focus that is half of one."""
    touched, typed = draft.touched, draft.typed
    made: dict[str, Any] = {name: typed[name] or None for name in _PLAIN if name in touched}
    for who in ("recipient", "sender"):
        if parts := {part: typed[f"{who}.{part}"] for part in PARTS if f"{who}.{part}" in touched}:
            made[who] = parts
    made |= _photos(stored, {name[6:]: ref for name, ref in draft.kept.items() if name.startswith("photo.")})
    if "signature" in draft.kept:
        made["signature"] = draft.kept["signature"]
    elif draft.unsigned and stored.request.get("signature"):
        made["signature"] = None
    names = {name.split(".")[1] for name in touched if name.startswith("focus.")}
    rests = stored.pieces[0].spec.get("focus", {}) if "photos" in made else {}
    kept = {name: list(at) for name, at in rests.items() if f"photo.{name}" not in draft.kept}  # named anew, seen alike
    if at := {**kept, **{name: _share(typed, name) for name in sorted(names)}}:
        several = bool(made.get("photos") or stored.request.get("photos") or stored.request.get("photo_urls"))
        made |= {"photos_focus": at} if several else {"photo_focus": next(iter(at.values()))}
    return made


def _photos(stored: StoredOrder, given: Mapping[str, str]) -> dict[str, Any]:
    """New photos by name, in the form in which the order names its photos; those that it keeps are named as well."""
    if not given:
        return {}
    there = {name: f"sha256:{digest}" for name, digest in stored.pieces[0].spec.get("photos", {}).items()}
    whole = {**there, **given}
    if len(whole) == 1 and not (stored.request.get("photos") or stored.request.get("photo_urls")):
        return {"photo": next(iter(whole.values()))}
    return {"photos": whole}


def _share(typed: Mapping[str, str], name: str) -> list[float] | None:
    """Where the eye rests, in shares; None where the fields are empty: then faces are looked for."""
    said = [typed.get(f"focus.{name}.{axis}", "") for axis in ("x", "y")]
    if said == ["", ""]:
        return None
    try:
        shares = [round(float(text) / 100, 4) for text in said]
    except ValueError:
        shares = [-1.0]
    if len(shares) == 2 and all(0 <= share <= 1 for share in shares):
        return shares
    what, remedy = "is not two numbers from 0 to 100", "click into the picture, or empty both fields"
    raise Refused("The change was refused.", [error("photo.focus", f"photos_focus.{name}", what, remedy)])


def _percent(share: float) -> str:
    return f"{share * 100:.1f}".removesuffix(".0")


def _seen(text: str, now: Mapping[str, str]) -> dict[str, str]:
    """What the form says that it showed; where it says nothing that can be read, what is stored now."""
    try:
        said = json.loads(text)
    except ValueError:
        return dict(now)
    if not isinstance(said, dict):
        return dict(now)
    return {name: str(said.get(name, now[name])) for name in now}
