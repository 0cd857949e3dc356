"""Editing an order until its piece lies in a batch: by the revision that was looked at, with findings beside their
fields, and with a look at how the words will stand before anything is saved."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from pydantic import ValidationError
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from cardpipe.console import order_draft
from cardpipe.console.guard import page
from cardpipe.console.order import acts
from cardpipe.console.order_acts import audit_passed, reason
from cardpipe.console.order_draft import PARTS, Draft, Place
from cardpipe.console.order_words import accepted_of
from cardpipe.console.visit import Visit
from cardpipe.model.errors import Conflict, Refused
from cardpipe.model.finding import Finding, error, has_errors
from cardpipe.model.override import Override
from cardpipe.model.stored import StoredOrder
from cardpipe.model.user import Role
from cardpipe.pipeline.accept import schema_findings
from cardpipe.pipeline.change import change
from cardpipe.pipeline.fit import Fit, Trial, fit
from cardpipe.pipeline.override import JUDGEMENT, give
from cardpipe.wiring import Shop

#: Pictures in one form, and its bytes: as many as an order has at most, each as large as one may be.
_FILES, _MOST = 5, 5 * 25_000_000 + 1_000_000
_PHOTO = re.compile(r"(?:photos|photo_urls)\.(\w+)\Z|(?:photo|photo_url)\Z")
_FOCUS = re.compile(r"(?:photos_focus\.(\w+)|photo_focus)\Z")
_MINE = "yours"


def routes(house: Shop) -> list[Route]:
    """``/orders/{key}/edit``, ``/orders/{key}/fit``."""

    @page(house, Role.OPERATOR, most=_MOST, files=_FILES)
    def edit(visit: Visit) -> Response:
        stored = accepted_of(house, visit.scope, visit.part("key"))
        if stored.id != visit.part("key"):
            return RedirectResponse(visit.url("orders", stored.id, "edit"), 303)
        offered = order_draft.place(house, stored)
        if visit.request.method == "GET":
            _still(visit, stored)
            now = order_draft.values(stored, offered.photos)
            return _form(visit, stored, offered, Draft(dict(now), now, stored.revision))
        draft = order_draft.read(visit, stored, offered.photos)
        if visit.form.get("do") == "try":
            return _form(visit, stored, offered, draft, tried=_tried(house, stored, draft.typed, draft))
        return _saved(visit, stored, offered, draft)

    @page(house, Role.OPERATOR)
    def fitted(visit: Visit) -> Response:
        """How the words that were typed so far would stand: a part of the form."""
        stored = accepted_of(house, visit.scope, visit.part("key"))
        offered = order_draft.place(house, stored)
        return visit.show("order_fit.html", tried=_tried(house, stored, {**order_draft.values(stored, offered.photos),
                                                                        **visit.form}))  # fmt: skip

    return [
        Route("/orders/{key}/edit", edit, methods=["GET", "POST"]),
        Route("/orders/{key}/fit", fitted, methods=["POST"]),
    ]


def _saved(visit: Visit, stored: StoredOrder, offered: Place, draft: Draft) -> Response:
    """The next revision, or the form again with everything that was typed."""
    house = visit.house
    if draft.revision != stored.revision:
        return _met(visit, stored, offered, draft)
    passed: list[Override] = []
    offers: Mapping[Finding, str] = {}
    try:
        asked = order_draft.patch(draft, stored)
        if has_errors(draft.findings):
            raise Refused("The change was refused.", draft.findings)
        if not asked:
            return visit.done("Nothing was changed.", "orders", stored.id)
        verdict = change(house, visit.scope, stored.id, asked, draft.revision, _no_paths, visit.actor)
        if verdict.order is None and (passing := visit.many("pass")):
            offers = verdict.offers
            passed = give(house, offers, passing, reason(visit, "note"), visit.actor)
            verdict = change(
                house, visit.scope, stored.id, asked, draft.revision, _no_paths, visit.actor, tuple(passed)
            )
    except Refused as problem:
        found = dict.fromkeys((*draft.findings, *problem.findings, *offers))
        return _form(visit, stored, offered, draft, tuple(found), status=422, offers=offers)
    except Conflict as problem:
        now = house.store.order(visit.scope, stored.id)
        if problem.findings and problem.findings[0].code == "order.revision":
            return _met(visit, now, offered, draft)
        return _form(visit, now, offered, draft, problem.findings, status=409)
    if verdict.order is None:
        return _form(visit, stored, offered, draft, verdict.findings, status=422, offers=verdict.offers)
    audit_passed(visit, stored.id, passed)
    if not verdict.fresh:
        return visit.done("Nothing was changed.", "orders", stored.id)
    revision, fields = verdict.order.revision, sorted(asked)
    house.store.audit(visit.scope.tenant, visit.actor, "order.changed", stored.id, mode=visit.scope.mode,
                      revision=revision, fields=fields)  # fmt: skip
    return visit.done(f"Saved as revision {revision}. Its new proof is being made.", "orders", stored.id)


def _met(visit: Visit, stored: StoredOrder, offered: Place, draft: Draft) -> Response:
    """Somebody else saved meanwhile: both are shown, and nothing is lost."""
    by = [event for event in visit.house.store.events(visit.scope, stored.id) if event.kind == "change"]
    who = str(by[-1].detail.get("by", "")) if by else ""
    what = f"is by now revision {stored.revision}" + (f", changed by {who}" if who else "")
    both = order_draft.meets(draft, stored, offered.photos)
    remedy = "yours stands in the fields; where both differ, theirs is shown beside it. Look, then save again"
    found = (error("order.revision", "order", what, remedy),)
    return _form(visit, stored, offered, draft, found, both, status=409)


def _form(
    visit: Visit, stored: StoredOrder, offered: Place, draft: Draft, findings: Sequence[Finding] = (),
    both: dict[str, str] | None = None, status: int = 200, tried: Any = None,
    offers: Mapping[Finding, str] = MappingProxyType({}),
) -> Response:  # fmt: skip
    beside: dict[str, list[Finding]] = {}
    top: list[Finding] = []
    for finding in dict.fromkeys((*draft.findings, *findings)):
        name = _field(finding.where, offered, draft)
        (beside.setdefault(name, []) if name else top).append(finding)
    change_act = next(act for act in acts(visit, stored) if act.action.name == "change")
    return visit.show(
        "order_edit.html", status=status, order=stored, draft=draft, seen=json.dumps(draft.seen), offered=offered,
        top=top, beside=beside, both=both or {}, tried=tried or _tried(visit.house, stored, draft.typed, draft),
        until=change_act.action.until, parts=PARTS, sent=stored.pieces[0].spec.get("photos", {}),
        offers=offers, why=JUDGEMENT, passing=visit.many("pass") if offers else [],
        note=visit.form.get("note", "") if offers else "",
    )  # fmt: skip


def _field(where: str, offered: Place, draft: Draft) -> str:
    """The field of the form beside which a finding stands; empty where it is about none of them."""
    if where in draft.typed or where == "signature" or where.startswith("photo."):
        return where
    first = offered.photos[0] if offered.photos else ""
    if (found := _PHOTO.match(where)) and (name := found[1] or first) in offered.photos:
        return f"photo.{name}"
    if (found := _FOCUS.match(where)) and (name := found[1] or first) in offered.photos:
        return f"focus.{name}"
    return "mail_on" if where in ("arrive_by", "occasion_date") else ""


def _tried(house: Shop, stored: StoredOrder, typed: dict[str, str], draft: Draft | None = None) -> Fit | list[Finding]:
    """Whether the words fit, in this hand; or what keeps them from being tried."""
    signed = bool(stored.request.get("signature"))
    if draft is not None:
        signed = "signature" in draft.kept or (signed and not draft.unsigned)
    try:
        trial = Trial(
            message=typed["message"], occasion=stored.occasion, design=stored.design, hand=typed["hand"] or None,
            signature=signed, recipient_name=typed["recipient.name"], sender_name=typed["sender.name"],
            metadata=dict(stored.metadata),
        )  # fmt: skip
        return fit(house, trial)
    except ValidationError as problem:
        return schema_findings(problem)
    except Refused as problem:
        return list(problem.findings)


def _still(visit: Visit, stored: StoredOrder) -> None:
    """Raises Conflict where it cannot be changed any more: said before somebody begins to write."""
    act = next(each for each in acts(visit, stored) if each.action.name == "change")
    if not act.action.allowed:
        remedy = "go back to the order: it says what may still be done"
        found = error("order.change.too_late", "order", act.action.why, remedy)
        raise Conflict("The order cannot be changed any more.", [found])


def _no_paths(ref: str, where: str) -> bytes:
    """Whatever an order names that is no picture of ours. The name itself is not repeated: it may be a path."""
    raise Refused(
        "no digest", [error("picture.not_uploaded", where, "is no digest of a picture", "upload the picture")]
    )
